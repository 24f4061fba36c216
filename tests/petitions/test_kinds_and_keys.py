"""What each event is called and of which kind it is, and what is said of each kind."""

from datetime import UTC, date, datetime
from typing import get_args

import pytest

from bot.petitions.events import (
    EVENT_KINDS,
    BusinessAdded,
    Closed,
    ClosingSoon,
    CommitteeNoted,
    Completed,
    CountFell,
    DebateCancelled,
    Debated,
    DebateLink,
    DebateMoved,
    DebateOverdue,
    DebatePassed,
    DebateScheduled,
    DebateToday,
    Event,
    Kind,
    MilestoneReached,
    NotDebated,
    NotPublished,
    Opened,
    Referred,
    Rejected,
    Removed,
    Reopened,
    Responded,
    ResponseOverdue,
    ResponseRevised,
    ResponseWithdrawn,
    Surged,
    ToppedIn,
)
from bot.petitions.petition import Business, GovernmentResponse

AT, ON = datetime(2025, 3, 1, 12, 4, 5, tzinfo=UTC), date(2025, 6, 9)
RESPONSE = GovernmentResponse("Yes.")
DATED = GovernmentResponse("Yes.", created_at=AT)

# Each event with its key, its kind, and whether it happens once in a petition's life.
NAMED: list[tuple[Event, str, Kind, bool]] = [
    (Opened(), "opened", "opened", True),
    (MilestoneReached(1_000, 1_003), "milestone:1000", "milestone", True),
    (MilestoneReached(250, 251, "referral"), "milestone:250", "threshold", True),
    (Responded(RESPONSE), "response", "response", False),
    (Responded(RESPONSE, AT), "response:20250301T120405", "response", False),
    (Responded(DATED, None), "response:20250301T120405", "response", False),
    (ResponseRevised(RESPONSE, (), ()), "response_revised", "response", False),
    (ResponseWithdrawn(), "response_withdrawn", "response", False),
    (DebateScheduled(ON), "debate_scheduled:2025-06-09", "debate", False),
    (DebateMoved(date(2025, 6, 2), ON), "debate_moved:2025-06-09", "debate", False),
    (DebateCancelled(ON), "debate_cancelled:2025-06-09", "debate", False),
    (Debated(ON), "debated:2025-06-09", "debate", True),
    (NotDebated(), "not_debated", "debate", False),
    (DebateLink("video", "https://v.uk"), "debate_link:video", "debate", True),
    (BusinessAdded(Business("A letter"), "x1"), "business:x1", "business", True),
    (CommitteeNoted("A note.", identity="x2"), "committee_note:x2", "business", True),
    (Closed(84), "closed", "closing", False),
    (Referred(), "referred", "closing", True),
    (Completed(), "completed", "closing", True),
    (Rejected(), "rejected", "status", False),
    (NotPublished("hidden"), "not_published:hidden", "status", True),
    (Removed(), "removed", "status", False),
    (Reopened("closed", "open"), "reopened", "status", False),
    (CountFell(100, 50), "count_fell", "count_fell", False),
    (ToppedIn("E14", "Acton", 1, 5, 0.5), "top_ten:E14", "top_ten", True),
    (ClosingSoon(72, AT, 84), "closing_soon:20250301:72", "closing", True),
    (ResponseOverdue(21, AT), "response_overdue:21", "overdue", True),
    (DebateOverdue(45, AT), "debate_overdue:45", "overdue", True),
    (DebateToday(ON), "debate_today:2025-06-09", "debate", True),
    (DebatePassed(ON), "debate_passed:2025-06-09", "debate", True),
    (Surged(240, 1.0, 84), "surge", "surge", False),
]


@pytest.mark.parametrize(("event", "key", "kind", "once"), NAMED)
def test_an_event_has_its_key_its_kind_and_happens_once_or_again(
    event: Event, key: str, kind: Kind, once: bool
) -> None:
    assert (event.key, event.kind, event.once) == (key, kind, once)


def test_every_event_is_named_here_and_every_kind_has_one() -> None:
    assert {type(event) for event, *_ in NAMED} == set(get_args(Event))
    assert {kind for _, _, kind, _ in NAMED} | {"custom_milestone"} == set(get_args(Kind))
    assert list(EVENT_KINDS) == list(get_args(Kind))


def test_unless_it_is_told_otherwise_an_event_is_the_plain_one() -> None:
    plain = (Opened().on_paper, Responded(RESPONSE).is_first, Closed(1).early)
    assert (*plain, CommitteeNoted("n").revised) == (False, True, False, False)


@pytest.mark.parametrize(
    ("official", "on_ladder", "own", "kinds"),
    [
        (False, True, False, ["milestone"]),
        (False, False, False, []),
        (False, False, True, ["custom_milestone"]),
        (False, True, True, ["custom_milestone", "milestone"]),
        (True, False, False, ["threshold"]),
        (True, False, True, ["custom_milestone", "threshold"]),
    ],
)
def test_a_number_may_be_of_two_kinds(
    official: bool, on_ladder: bool, own: bool, kinds: list[str]
) -> None:
    event = MilestoneReached(250, 251, "referral" if official else None)
    assert event.kinds(is_on_ladder=on_ladder, is_own=own) == kinds


def test_each_kind_has_a_letter_a_loudness_and_a_place_among_the_rules() -> None:
    told = {name: tuple(kind[:3]) for name, kind in EVENT_KINDS.items()}
    assert told == {
        "threshold": ("t", "loud", ("all", 2)),
        "milestone": ("m", "loud", ("narrow", 5)),
        "custom_milestone": ("n", "loud", None),
        "response": ("r", "loud", ("all", 3)),
        "debate": ("d", "loud", ("all", 4)),
        "business": ("b", "silent", ("narrow", 10)),
        "closing": ("c", "loud", ("narrow", 6)),
        "status": ("x", "loud", ("narrow", 9)),
        "overdue": ("w", "silent", ("narrow", 8)),
        "surge": ("s", "silent", ("narrow", 7)),
        "count_fell": ("f", "silent", ("narrow", 11)),
        "opened": ("o", "loud", ("all", 1)),
        "top_ten": ("p", "off", ("seat", 1)),
    }


def test_what_is_big_what_presses_and_what_a_follower_never_meets() -> None:
    def those(fact: str) -> set[str]:
        return {name for name, kind in EVENT_KINDS.items() if getattr(kind, fact)}

    pressing = {"threshold", "response", "debate", "status"}
    assert those("is_big") == {*pressing, "custom_milestone", "closing"}
    assert those("is_pressing") == {*pressing, "count_fell"}
    assert set(EVENT_KINDS) - those("in_settings") == {"opened", "top_ten"}
