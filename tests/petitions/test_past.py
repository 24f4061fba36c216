"""A petition as it was: what it dates later is taken back, and nothing else is."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from petitions import NOW, OPENED, petition, responded

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
from bot.petitions.petition import Debate, Petition

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
