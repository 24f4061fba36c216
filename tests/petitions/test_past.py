"""A petition as it was: what it dates later is taken back, and nothing else is."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from petitions import NOW, OPENED, RESPONSE, petition, responded

from bot.petitions.diff import diff
from bot.petitions.events import (
    Closed,
    Debated,
    DebateScheduled,
    MilestoneReached,
    Opened,
    Responded,
)
from bot.petitions.observe import as_of, caught_up, observe
from bot.petitions.petition import Business, Debate, Petition, Rejection

HOUR = timedelta(hours=1)
BEFORE, AFTER = NOW - HOUR, NOW + HOUR


def since_then(reading: Petition, since: datetime = NOW) -> list[type]:
    """What rings when it is met for the first time."""
    _, occurrences = observe(caught_up(None, reading, since), reading, since + timedelta(hours=2))
    return [type(occurrence.event) for occurrence in occurrences]


def test_what_opened_since_then_has_just_opened_with_all_it_has() -> None:
    reading = petition(opened_at=AFTER, signature_count=12_000, response_threshold_reached_at=AFTER)
    assert since_then(reading) == [Opened, *[MilestoneReached] * 4]


def test_what_was_open_by_then_has_not() -> None:
    assert since_then(petition(opened_at=BEFORE, signature_count=2_600)) == []


@pytest.mark.parametrize(
    ("changes", "event"),
    [
        ({"signature_count": 10_004, "response_threshold_reached_at": AFTER}, MilestoneReached),
        ({"state": "closed", "closed_at": AFTER}, Closed),
        (
            {
                "scheduled_debate_date": date(2025, 3, 20),
                "debate_scheduled_on": date(2025, 3, 2),
            },
            DebateScheduled,
        ),
        ({"debate": Debate(date(2025, 3, 1)), "debate_outcome_at": AFTER}, Debated),
    ],
)
def test_what_is_dated_later_rings_and_what_is_dated_earlier_does_not(
    changes: dict[str, object], event: type
) -> None:
    reading = petition(**changes)
    assert since_then(reading) == [event]
    assert since_then(reading, AFTER + timedelta(days=2)) == []


def test_a_response_rings_by_its_date() -> None:
    reading = responded()
    assert reading.government_response_at is not None
    earlier = reading.government_response_at - timedelta(hours=1)
    assert since_then(reading, earlier) == [Responded]
    assert since_then(reading, reading.government_response_at) == []


def test_a_debate_set_on_that_very_day_counts_as_before() -> None:
    reading = petition(
        scheduled_debate_date=date(2025, 3, 20), debate_scheduled_on=date(2025, 3, 1)
    )
    assert since_then(reading) == []


def test_of_two_thresholds_the_one_before_stays_reached() -> None:
    reading = petition(
        signature_count=100_003,
        response_threshold_reached_at=BEFORE,
        debate_threshold_reached_at=AFTER,
    )
    assert as_of(reading, NOW).signature_count == 99_999
    assert since_then(reading) == [MilestoneReached]


def test_before_it_was_published_a_petition_had_no_state_and_no_signature() -> None:
    was = as_of(petition(opened_at=AFTER, signature_count=12_000), NOW)
    assert (was.state, was.signature_count, was.opened_at) == ("", 0, None)


def test_what_was_known_long_ago_keeps_what_has_rung_and_is_silent_about_the_time_between() -> None:
    known, _ = observe(None, petition(), OPENED)
    reading = petition(signature_count=12_000, committee_note="A note.")
    caught = caught_up(known, reading, NOW)
    assert known.seen <= caught.seen
    assert observe(caught, reading, AFTER)[1] == ()


# --- what is taken back, attribute by attribute ---------------------------------------------------

# What an attribute is a moment after the instant looked back to, and what it was at that instant.
SCHEDULED = {"scheduled_debate_date": date(2025, 3, 20)}
REJECTED = {"state": "rejected", "rejection": Rejection("duplicate")}
OUTCOME = {"debate": Debate(date(2025, 2, 28), "Long.")}
CLOSED = {"state": "closed", "referred_at": AFTER + HOUR, "completed_at": AFTER + 2 * HOUR}


@pytest.mark.parametrize(
    ("told", "was"),
    [
        ({"state": "closed", "closed_at": AFTER}, {"state": "open", "closed_at": None}),
        (
            {**CLOSED, "closed_at": AFTER},
            {"state": "open", "closed_at": None, "referred_at": None, "completed_at": None},
        ),
        (
            {"state": "completed", "closed_at": AFTER, "completed_at": AFTER + HOUR},
            {"state": "open", "closed_at": None, "completed_at": None},
        ),
        (
            {"state": "completed", "closed_at": BEFORE, "completed_at": AFTER},
            {"state": "closed", "closed_at": BEFORE, "completed_at": None},
        ),
        (
            {"state": "closed", "closed_at": BEFORE, "referred_at": AFTER},
            {"state": "closed", "closed_at": BEFORE, "referred_at": None},
        ),
        ({**REJECTED, "rejected_at": AFTER}, {"state": "open"}),
        (
            {**REJECTED, "rejected_at": AFTER, "opened_at": None},
            {"state": "", "opened_at": None},
        ),
        (
            {**SCHEDULED, "debate_scheduled_on": date(2025, 3, 2)},
            {"scheduled_debate_date": None, "debate_scheduled_on": None},
        ),
        ({**OUTCOME, "debate_outcome_at": AFTER}, {}),
        (
            {
                **SCHEDULED,
                **OUTCOME,
                "debate_scheduled_on": date(2025, 3, 2),
                "debate_outcome_at": AFTER,
            },
            {},
        ),
        ({"government_response": RESPONSE, "government_response_at": AFTER}, {}),
        ({"government_response": structs.replace(RESPONSE, created_at=AFTER)}, {}),
        (
            {"signature_count": 10_000, "response_threshold_reached_at": AFTER},
            {"signature_count": 9_999},
        ),
        (
            {
                "signature_count": 5,
                "response_threshold": 1,
                "response_threshold_reached_at": AFTER,
            },
            {"signature_count": 0, "response_threshold": 1},
        ),
        (
            {"signature_count": 9_000, "response_threshold_reached_at": AFTER},
            {"signature_count": 9_000},
        ),
        (
            {
                "signature_count": 300,
                "referral_threshold": 250,
                "referral_threshold_reached_at": AFTER,
            },
            {"signature_count": 249, "referral_threshold": 250},
        ),
        (
            {
                "signature_count": 150_000,
                "debate_threshold_reached_at": AFTER,
                "response_threshold_reached_at": AFTER,
            },
            {"signature_count": 9_999},
        ),
    ],
)
def test_what_came_a_moment_later_is_taken_back_whole_and_nothing_else(
    told: dict[str, object], was: dict[str, object]
) -> None:
    kept = {"background": "Tea.", "creator_name": "A. N."}
    assert as_of(petition(**told, **kept), NOW) == petition(**was, **kept)


@pytest.mark.parametrize(
    "told",
    [
        {"opened_at": NOW},
        {"state": "closed", "closed_at": NOW},
        {"state": "open", "closed_at": AFTER},
        {"state": "closed"},
        {**REJECTED, "rejected_at": NOW},
        {"rejected_at": AFTER},
        {**SCHEDULED, "debate_scheduled_on": date(2025, 3, 1)},
        SCHEDULED,
        {**OUTCOME, "debate_outcome_at": NOW},
        OUTCOME,
        {"government_response": RESPONSE, "government_response_at": NOW},
        {"government_response": structs.replace(RESPONSE, created_at=NOW)},
        {
            "government_response": structs.replace(RESPONSE, created_at=AFTER),
            "government_response_at": BEFORE,
        },
        {"signature_count": 10_000, "response_threshold_reached_at": NOW},
        {"signature_count": 5, "response_threshold": None, "response_threshold_reached_at": AFTER},
        {"state": "completed", "closed_at": BEFORE, "completed_at": NOW},
        {"state": "closed", "closed_at": BEFORE, "completed_at": AFTER},
        {"state": "closed", "closed_at": BEFORE, "referred_at": NOW},
        {"submitted_on_paper": True, "opened_at": AFTER, "closed_at": BEFORE, "state": "closed"},
    ],
)
def test_what_came_by_that_very_moment_or_bears_no_date_stays(told: dict[str, object]) -> None:
    assert as_of(petition(**told), NOW) == petition(**told)


def test_a_day_of_the_calendar_is_londons() -> None:
    late = datetime(2025, 7, 1, 23, 30, tzinfo=UTC)  # 00:30 on the second in London
    told = {**SCHEDULED, "debate_scheduled_on": date(2025, 7, 2)}
    assert as_of(petition(**told), late) == petition(**told)
    assert as_of(petition(**told), late - HOUR).scheduled_debate_date is None


def test_before_it_opened_a_petition_has_its_texts_and_no_life() -> None:
    moments = {
        name: AFTER
        for name in (
            "closed_at",
            "rejected_at",
            "referral_threshold_reached_at",
            "referred_at",
            "completed_at",
            "response_threshold_reached_at",
            "government_response_at",
            "debate_threshold_reached_at",
            "debate_outcome_at",
        )
    }
    told = petition(
        opened_at=AFTER,
        state="completed",
        signature_count=200_000,
        rejection=Rejection("duplicate"),
        government_response=RESPONSE,
        debate_scheduled_on=date(2025, 3, 2),
        committee_note="A note.",
        other_parliamentary_business=(Business("A letter"),),
        **moments,
        **SCHEDULED,
        **OUTCOME,
    )
    assert as_of(told, NOW) == petition(opened_at=None, state="", signature_count=0)
    # On paper it is signed until it closes, and comes before its site only then.
    paper = structs.replace(told, submitted_on_paper=True, opened_at=BEFORE)
    assert as_of(paper, NOW).opened_at is None
    assert as_of(structs.replace(paper, closed_at=None, opened_at=AFTER), NOW).opened_at is None


MOMENTS = st.one_of(st.none(), st.integers(-700, 700).map(lambda hours: NOW + hours * HOUR))
NAMES = (
    "opened_at",
    "closed_at",
    "rejected_at",
    "response_threshold_reached_at",
    "debate_threshold_reached_at",
    "debate_outcome_at",
)


@given(
    count=st.integers(0, 150_000),
    state=st.sampled_from(["open", "closed", "rejected"]),
    dates=st.fixed_dictionaries(dict.fromkeys(NAMES, MOMENTS)),
)
def test_all_that_is_dated_before_is_left_as_it_is_and_looking_back_twice_changes_nothing(
    count: int, state: str, dates: dict[str, datetime | None]
) -> None:
    reading = petition(signature_count=count, state=state, **dates)
    was = as_of(reading, NOW)
    assert as_of(was, NOW) == was
    if all(moment is None or moment <= NOW for moment in dates.values()):
        assert was == reading
        assert diff(was, reading) == ()
