"""A chat hears of one petition in order: what waits behind what, and what brings it along."""

from datetime import datetime, timedelta

import pytest
from msgspec import structs
from petitions import NOW, REF

from bot.petitions.events import Event, MilestoneReached, Occurrence, Removed, Surged
from bot.petitions.petition import PetitionRef
from bot.subscriptions.delivery import FLOOD, Delivery
from bot.subscriptions.delivery_order import (
    LATELY,
    in_order,
    is_pressing,
    is_refused,
    refused_queue,
)

MINUTE, SECOND, TICK = timedelta(minutes=1), timedelta(seconds=1), timedelta(microseconds=1)
UNTIL = NOW + 2 * MINUTE
TOGETHER = f"together:{REF}"


def owed(number: int, queue: str = "", at: datetime = NOW, **more: object) -> Delivery:
    made = Delivery(f"{number}:1", number, 1, REF, (f"{number}",), NOW - MINUTE, at, queue=queue)
    return structs.replace(made, **more)


def told(delivery: Delivery, **more: object) -> Delivery:
    return structs.replace(delivery, leased_until=UNTIL, **more)


def ordered(
    due: list[Delivery], older: list[Delivery], *pressing: int
) -> tuple[list[Delivery], list[Delivery]]:
    return in_order(due, older, pressing, NOW, UNTIL)


DUE = owed(5)
LATER = NOW + MINUTE


def test_what_is_due_is_told_in_the_order_it_was_made_and_leased_meanwhile() -> None:
    later = owed(6)
    assert ordered([later, DUE], []) == ([told(DUE), told(later)], [])
    assert ordered([], []) == ([], [])


def test_news_of_other_petitions_and_chats_is_no_older_news() -> None:
    others = [
        owed(1, FLOOD, LATER, chat_id=2),
        owed(2, FLOOD, LATER, petition=PetitionRef("uk", 1)),
    ]
    found, left = ordered([DUE], others)
    assert found == [told(DUE)]
    assert sorted(left, key=lambda each: each.number) == others


def test_what_is_made_later_holds_nothing_back() -> None:
    later = owed(6, FLOOD, LATER)
    assert ordered([DUE], [later]) == ([told(DUE)], [later])


# --- waiting behind


@pytest.mark.parametrize("queue", [FLOOD, "batch"])
def test_what_can_wait_waits_behind_what_the_bot_itself_holds(queue: str) -> None:
    older = [owed(1, queue, LATER - SECOND), owed(2, queue, LATER)]
    behind = structs.replace(DUE, queue=queue, not_before=LATER)
    assert ordered([DUE], older) == ([], [*older, behind])


def test_what_waits_behind_one_flood_waits_for_the_last_of_it() -> None:
    first, second = owed(1, "batch", LATER), owed(2, FLOOD, NOW + TICK)
    behind = structs.replace(DUE, queue=FLOOD, not_before=NOW + TICK)
    assert ordered([DUE], [first, second]) == ([], [first, second, behind])


@pytest.mark.parametrize(
    ("due", "older", "pressing", "queue"),
    [
        (DUE, owed(1, FLOOD, LATER), (5,), TOGETHER),  # it cannot wait
        (DUE, owed(1, FLOOD, NOW), (), TOGETHER),  # the flood is over
        (DUE, owed(1, FLOOD, NOW - SECOND), (), TOGETHER),
        (DUE, owed(1, FLOOD, NOW + TICK), (5,), TOGETHER),
        (DUE, owed(1, "digest", LATER), (), TOGETHER),
        (DUE, owed(1, "quiet", LATER), (), TOGETHER),
        (owed(5, "digest"), owed(1, FLOOD, LATER), (), "digest"),
        (owed(5, "digest"), owed(1, f"snooze:{REF}", LATER), (), "digest"),
        (owed(5, "digest", NOW - MINUTE), owed(1, "quiet", LATER), (), "digest"),
        (DUE, owed(1, "digest", NOW - SECOND, attempts=1), (), TOGETHER),
        (DUE, owed(1, "digest", NOW, attempts=2), (), TOGETHER),
        (DUE, owed(1, "digest", LATER, leased_until=NOW), (), TOGETHER),
    ],
)
def test_what_cannot_wait_or_finds_what_a_person_chose_brings_it_along(
    due: Delivery, older: Delivery, pressing: tuple[int, ...], queue: str
) -> None:
    together, left = ordered([due], [older], *pressing)
    at = min(older.not_before, NOW)
    assert left == []
    assert together == [told(older, queue=queue, not_before=at), told(due, queue=queue)]


def test_another_pressing_thing_does_not_make_this_one_so() -> None:
    older = owed(1, FLOOD, LATER)
    assert ordered([DUE], [older], 1, 4, 6)[0] == []


def test_of_several_that_wait_all_must_be_the_bots_own_doing() -> None:
    flood, digest = owed(1, FLOOD, LATER), owed(2, "digest", LATER)
    for older in ([flood, digest], [structs.replace(flood, number=3), digest]):
        together, left = ordered([DUE], older)
        assert left == []
        assert [each.number for each in together] == sorted([5, *(each.number for each in older)])
        assert {each.queue for each in together} == {TOGETHER}


def test_what_is_told_already_takes_what_follows_into_its_own_queue() -> None:
    digest, quiet = owed(1, "digest"), owed(2, "quiet")
    assert ordered([DUE, digest, quiet], []) == (
        [told(digest, queue="quiet"), told(quiet), told(DUE, queue="quiet")],
        [],
    )


def test_what_can_wait_does_not_when_something_older_is_told_now() -> None:
    digest, flood = owed(1, "digest"), owed(2, FLOOD, LATER)
    together, left = ordered([DUE, digest], [flood])
    assert left == []
    assert [(each.number, each.queue) for each in together] == [
        (1, "digest"),
        (2, "digest"),
        (5, "digest"),
    ]


# --- what is in flight, or was tried


@pytest.mark.parametrize("queue", ["", "digest"])
def test_what_is_due_waits_a_second_while_older_news_is_in_flight(queue: str) -> None:
    flying = owed(1, "quiet", NOW, leased_until=NOW + TICK)
    due = owed(5, queue, leased_until=NOW)
    later = structs.replace(due, not_before=NOW + SECOND, leased_until=None)
    assert ordered([due], [flying], 5) == ([], [flying, later])
    waiting = owed(2, FLOOD, LATER)
    assert ordered([due], [flying, waiting], 5) == ([], [flying, waiting, later])


@pytest.mark.parametrize(
    "tried",
    [
        owed(1, "digest", NOW + TICK, attempts=1),
        owed(1, f"{TOGETHER}:refused", LATER, attempts=2),
        owed(1, f"{TOGETHER}:refused", NOW, attempts=1),
        owed(1, f"{TOGETHER}:refused", NOW - MINUTE, attempts=1),
    ],
)
def test_what_is_due_waits_behind_what_is_tried_again_by_itself(tried: Delivery) -> None:
    behind = structs.replace(DUE, queue=tried.queue, not_before=tried.not_before)
    assert ordered([DUE], [tried], 5) == ([], [tried, behind])
    waiting = owed(2, "quiet", LATER)
    assert ordered([DUE], [tried, waiting], 5) == ([], [tried, waiting, behind])
    second = structs.replace(tried, number=3, queue="quiet", not_before=NOW + MINUTE)
    behind = structs.replace(DUE, queue="quiet", not_before=NOW + MINUTE)
    assert ordered([DUE], [tried, second], 5) == ([], [tried, second, behind])


def test_what_was_never_tried_is_not_tried_again() -> None:
    never = owed(1, f"{TOGETHER}:refused", LATER)
    assert [each.number for each in ordered([DUE], [never])[0]] == [1, 5]


# --- words of it


@pytest.mark.parametrize(
    ("events", "is_so"),
    [
        ((), False),
        ((Surged(9, 1.0, 84),), False),
        ((Removed(),), True),
        ((Surged(9, 1.0, 84), Removed()), True),
        ((MilestoneReached(1_000, 1_001),), False),
    ],
)
def test_official_news_and_corrections_are_pressing(events: tuple[Event, ...], is_so: bool) -> None:
    occurrences = [Occurrence(event.key, REF, NOW, event) for event in events]
    assert is_pressing(occurrences) is is_so


@pytest.mark.parametrize(
    ("queue", "refused"),
    [
        ("", f"{TOGETHER}:refused"),
        ("digest", "digest:refused"),
        ("digest:refused", "digest:refused"),
    ],
)
def test_what_a_chat_would_not_take_waits_by_itself(queue: str, refused: str) -> None:
    assert refused_queue(owed(1, queue)) == refused
    assert is_refused(owed(1, refused))
    assert is_refused(owed(1, queue)) is (queue == refused)


def test_lately_is_two_minutes() -> None:
    assert timedelta(minutes=2) == LATELY
