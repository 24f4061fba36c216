"""What happened between two readings, event by event, and at which number or day it is one."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs
from petitions import NOW, OPEN, OPENED, RESPONSE, petition, responded

from bot.petitions.diff import aligned, diff, facts
from bot.petitions.events import (
    BusinessAdded,
    Closed,
    CommitteeNoted,
    Completed,
    CountFell,
    DebateCancelled,
    Debated,
    DebateLink,
    DebateMoved,
    DebateScheduled,
    Event,
    MilestoneReached,
    NotDebated,
    Opened,
    Referred,
    Rejected,
    Reopened,
    Responded,
    ResponseRevised,
    ResponseWithdrawn,
)
from bot.petitions.petition import Business, Debate, Rejection

HOUR = timedelta(hours=1)
ON, LATER = date(2025, 6, 9), date(2025, 6, 16)
UNOPENED = {"opened_at": None, "state": ""}
CLOSED = {"state": "closed", "closed_at": NOW, "closing_date": None}
COMPLETED = {"state": "completed", "completed_at": NOW + HOUR, "closed_at": NOW}
REJECTED = {"state": "rejected", "rejection": Rejection("duplicate")}


def between(before: dict[str, Any], after: dict[str, Any]) -> tuple[Event, ...]:
    return diff(petition(**before), petition(**after))


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        (UNOPENED, {}, [Opened(OPENED)]),
        (UNOPENED, UNOPENED, []),
        (UNOPENED, {**REJECTED, "opened_at": None}, [Rejected(Rejection("duplicate"))]),
        (UNOPENED, REJECTED, [Rejected(Rejection("duplicate"))]),
        ({}, REJECTED, [Rejected(Rejection("duplicate"))]),
        (REJECTED, REJECTED, []),
        (REJECTED, {}, [Reopened("rejected", "open")]),
        (REJECTED, CLOSED, [Reopened("rejected", "closed")]),
        ({**REJECTED, "opened_at": None}, {}, [Opened(OPENED)]),
        (CLOSED, {}, [Reopened("closed", "open")]),
        (COMPLETED, {}, [Reopened("completed", "open")]),
        (CLOSED, REJECTED, [Rejected(Rejection("duplicate"))]),
        ({}, CLOSED, [Closed(84, NOW, early=True)]),
        (CLOSED, CLOSED, []),
        (CLOSED, COMPLETED, [Completed(NOW + HOUR)]),
        (COMPLETED, COMPLETED, []),
        ({}, COMPLETED, [Closed(84, NOW, early=True), Completed(NOW + HOUR)]),
        (COMPLETED, CLOSED, []),
        ({}, {"state": "under_consideration"}, []),
        ({"state": "under_consideration"}, CLOSED, [Closed(84, NOW, early=True)]),
        (CLOSED, {**CLOSED, "referred_at": NOW}, [Referred(NOW)]),
        ({"referred_at": NOW}, {"referred_at": NOW + HOUR}, []),
        ({"referred_at": NOW}, {}, []),
        ({**UNOPENED, "signature_count": 1}, {"submitted_on_paper": True}, None),
        ({}, {"submitted_on_paper": True, "signature_count": 90}, []),
        ({**UNOPENED, "submitted_on_paper": True}, {**UNOPENED, "submitted_on_paper": True}, []),
    ],
)
def test_a_petition_opens_closes_and_comes_back_by_its_state(
    before: dict[str, Any], after: dict[str, Any], events: list[Event] | None
) -> None:
    told = [Opened(OPENED, on_paper=True)] if events is None else events
    assert list(between(before, after)) == told


@pytest.mark.parametrize(
    ("closing_date", "closed_at", "early"),
    [
        (ON, datetime(2025, 6, 8, 23, tzinfo=UTC), True),
        (ON, datetime(2025, 6, 9, 1, tzinfo=UTC), False),
        (ON, datetime(2025, 6, 10, tzinfo=UTC), False),
        (None, datetime(2025, 6, 8, tzinfo=UTC), False),
        (ON, None, False),
    ],
)
def test_it_closes_early_on_any_day_before_its_own(
    closing_date: date | None, closed_at: datetime | None, early: bool
) -> None:
    before = {"closing_date": closing_date}
    after = {"state": "closed", "closing_date": closing_date, "closed_at": closed_at}
    assert between(before, after) == (Closed(84, closed_at, early=early),)


@pytest.mark.parametrize(
    ("was", "now", "falls"),
    [
        (100, 51, False),
        (100, 50, True),
        (5_000, 4_951, False),
        (5_000, 4_950, True),
        (5_100, 5_050, False),
        (5_100, 5_049, True),
        (10_000, 9_901, False),
        (10_000, 9_900, True),
        (50, 0, True),
    ],
)
def test_a_fall_is_told_from_fifty_signatures_and_one_in_a_hundred_on(
    was: int, now: int, falls: bool
) -> None:
    before, after = {"signature_count": was}, {"signature_count": now}
    assert between(before, after) == ((CountFell(was, now),) if falls else ())
    assert between(before, {**after, "archived": True}) == ()


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        ({"signature_count": 999}, {"signature_count": 1_000}, [MilestoneReached(1_000, 1_000)]),
        ({"signature_count": 1_000}, {"signature_count": 2_499}, []),
        (
            {"signature_count": 9_990},
            {"signature_count": 9_998, "response_threshold_reached_at": NOW},
            [MilestoneReached(10_000, 9_998, "response", NOW)],
        ),
        # It stands at the flag of the reading before, of which this one says nothing.
        (
            {
                "response_threshold_reached_at": NOW,
                "signature_count": 10_000,
                "response_threshold": 10_000,
            },
            {
                "missing": frozenset({"response_threshold_reached_at"}),
                "signature_count": 10_000,
                "response_threshold": 20_000,
            },
            [],
        ),
        (
            {"response_threshold_reached_at": NOW, "signature_count": 10_000},
            {
                "missing": frozenset({"response_threshold_reached_at"}),
                "signature_count": 20_000,
                "response_threshold": 20_000,
            },
            [MilestoneReached(20_000, 20_000, "response", NOW)],
        ),
        (
            {"response_threshold_reached_at": NOW, "signature_count": 10_000},
            {
                "response_threshold_reached_at": NOW,
                "signature_count": 10_001,
                "response_threshold": 20_000,
            },
            [MilestoneReached(20_000, 10_001, "response", NOW)],
        ),
    ],
)
def test_a_milestone_rings_at_its_number_or_by_a_flag_that_this_reading_tells(
    before: dict[str, Any], after: dict[str, Any], events: list[Event]
) -> None:
    assert list(between(before, after)) == events


@pytest.mark.parametrize(
    ("was", "now", "debate", "events"),
    [
        (None, ON, None, [DebateScheduled(ON)]),
        (ON, LATER, None, [DebateMoved(ON, LATER)]),
        (ON, None, None, [DebateCancelled(ON)]),
        (None, None, None, []),
        (ON, ON, None, []),
        (ON, None, Debate(), []),
        (ON, LATER, Debate(), [DebateMoved(ON, LATER)]),
        (None, ON, Debate(ON), []),
        (None, LATER, Debate(ON), [DebateScheduled(LATER)]),
        (LATER, ON, Debate(LATER), []),
    ],
)
def test_a_date_is_set_moved_or_dropped_unless_an_outcome_says_it_all(
    was: date | None, now: date | None, debate: Debate | None, events: list[Event]
) -> None:
    before = {"scheduled_debate_date": was, "debate": debate}
    assert list(between(before, {"scheduled_debate_date": now, "debate": debate})) == events


LINKED = Debate(ON, "o", "t", "v", "p", "e", "s")


@pytest.mark.parametrize(
    ("was", "now", "events"),
    [
        (None, Debate(None, "No time."), [NotDebated("No time.")]),
        (Debate(None, "No time."), Debate(None, "None."), []),
        (Debate(ON), Debate(), []),
        (None, Debate(ON, "Long."), [Debated(ON, "Long.")]),
        (Debate(), Debate(ON), [Debated(ON)]),
        (Debate(ON), Debate(LATER), []),
        (Debate(ON), None, []),
        (
            None,
            Debate(ON, video_url="v"),
            [Debated(ON), DebateLink("video", "v")],
        ),
        (
            Debate(ON, "o", "t"),
            LINKED,
            [
                DebateLink("video", "v"),
                DebateLink("debate_pack", "p"),
                DebateLink("public_engagement", "e"),
                DebateLink("debate_summary", "s"),
            ],
        ),
        (LINKED, LINKED, []),
        (Debate(ON), Debate(ON, transcript_url="t"), [DebateLink("transcript", "t")]),
    ],
)
def test_an_outcome_rings_once_and_each_of_its_links_as_it_comes(
    was: Debate | None, now: Debate | None, events: list[Event]
) -> None:
    assert list(between({"debate": was}, {"debate": now})) == events


@pytest.mark.parametrize(
    ("was", "now", "kinds"),
    [
        ({}, {"created_at": NOW}, [Responded]),
        ({}, {"details": "We like milk."}, [ResponseRevised]),
        ({}, {"summary": "We like milk."}, [ResponseRevised]),
        ({}, {"responded_on": ON, "updated_at": NOW}, []),
    ],
)
def test_a_response_is_another_by_when_it_was_created_and_revised_by_its_words(
    was: dict[str, Any], now: dict[str, Any], kinds: list[type]
) -> None:
    assert [type(each) for each in diff(responded(**was), responded(**now))] == kinds


@pytest.mark.parametrize(
    ("created", "at", "again_created", "again_at", "is_new"),
    [
        (None, NOW, None, NOW, False),
        (None, NOW, None, NOW + HOUR, True),
        (NOW, NOW, None, NOW + HOUR, True),
        (None, NOW, NOW, NOW, False),
        (None, None, None, NOW, False),
        (NOW, NOW, NOW, NOW + HOUR, False),
    ],
)
def test_a_response_without_a_date_of_its_own_goes_by_the_petitions(
    created: datetime | None,
    at: datetime | None,
    again_created: datetime | None,
    again_at: datetime | None,
    is_new: bool,
) -> None:
    old = structs.replace(RESPONSE, created_at=created)
    new = structs.replace(RESPONSE, created_at=again_created)
    before = {"government_response": old, "government_response_at": at}
    after = {"government_response": new, "government_response_at": again_at}
    assert between(before, after) == ((Responded(new, again_at),) if is_new else ())


def test_a_response_that_goes_is_withdrawn() -> None:
    without = petition(signature_count=10_001, response_threshold_reached_at=NOW)
    assert diff(responded(), without) == (ResponseWithdrawn(date(2025, 3, 5)),)
    assert diff(without, without) == ()


@pytest.mark.parametrize("lacks", ["before", "after", "both", "neither"])
def test_a_response_that_one_of_two_readings_does_not_carry_has_not_moved(lacks: str) -> None:
    gap = frozenset({"government_response"})
    old = {"government_response": RESPONSE, "government_response_at": RESPONSE.created_at}
    new = {
        "government_response": structs.replace(RESPONSE, created_at=NOW),
        "government_response_at": NOW,
    }
    none = {"government_response": None, "missing": gap}
    before = {**old, **(none if lacks in ("before", "both") else {})}
    after = {**new, **(none if lacks in ("after", "both") else {})}
    kinds = [type(each) for each in between(before, after)]
    assert kinds == ([Responded] if lacks == "neither" else [])


A_NOTE = "A note."


@pytest.mark.parametrize(
    ("was", "now", "revised"),
    [
        ("", A_NOTE, False),
        ("...", A_NOTE, False),
        ("Another.", A_NOTE, True),
        (A_NOTE, A_NOTE, None),
        ("A *note*", A_NOTE, None),
        (A_NOTE, "", None),
        (A_NOTE, "...", None),
    ],
)
def test_a_note_rings_by_its_words(was: str, now: str, revised: bool | None) -> None:
    told = between({"committee_note": was}, {"committee_note": now})
    if revised is None:
        assert told == ()
    else:
        assert told == (CommitteeNoted(A_NOTE, revised=revised, identity="55518f1a7af3"),)


def test_business_goes_by_when_it_was_created_or_else_by_its_subject() -> None:
    dated = Business("A letter", created_at=datetime(2025, 5, 20, 10, 0, 1, 932_000, tzinfo=UTC))
    undated, edited = Business("A letter"), Business("A letter", "Dear all")
    told = between({}, {"other_parliamentary_business": (dated, undated, edited, dated)})
    assert [type(each) for each in told] == [BusinessAdded] * 2
    assert told[0] == BusinessAdded(dated, "20250520T100001.932000")
    assert told[1].key == "business:16c93450e46a"
    some = {"other_parliamentary_business": (undated,)}
    assert between(some, {"other_parliamentary_business": (edited,)}) == ()


def test_what_one_reading_lacks_is_taken_from_the_other() -> None:
    noted = petition(committee_note="n", closing_date=None, missing=frozenset({"closing_date"}))
    dated = petition(missing=frozenset({"committee_note"}))
    both = petition(committee_note="n")
    assert aligned(noted, dated) == (both, both)
    lacking = petition(committee_note="", missing=frozenset({"committee_note", "debate"}))
    other = petition(committee_note="n", missing=frozenset({"debate"}))
    assert aligned(lacking, other) == (other, other)
    assert aligned(other, other)[0] is other


def test_the_facts_of_a_petition_are_all_that_has_happened_to_it() -> None:
    of = petition(
        **CLOSED, signature_count=1_000, submitted_on_paper=True, scheduled_debate_date=ON
    )
    assert facts(of) == {"opened", "milestone:1000", "debate_scheduled:2025-06-09", "closed"}
    referred = petition(signature_count=250, referral_threshold=250)
    assert facts(referred) == {"opened", "milestone:250"}
    assert facts(OPEN) == {"opened"}
    assert facts(petition(**UNOPENED)) == frozenset()


def test_everything_at_once_is_told_in_the_order_a_life_takes() -> None:
    before = petition(signature_count=900)
    after = petition(
        **CLOSED,
        signature_count=1_000,
        government_response=RESPONSE,
        scheduled_debate_date=LATER,
        debate=Debate(ON, transcript_url="t"),
        other_parliamentary_business=(Business("A letter"),),
        committee_note=A_NOTE,
        referred_at=NOW,
    )
    assert [type(each) for each in diff(before, after)] == [
        MilestoneReached,
        Responded,
        DebateScheduled,
        Debated,
        DebateLink,
        BusinessAdded,
        CommitteeNoted,
        Closed,
        Referred,
    ]
