"""A chat hears of one petition in order, whatever queues its news waits in: over both stores."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from contract import (
    ANN,
    BOB,
    HEDGES,
    IMPLEMENTATIONS,
    LEASE,
    MINUTE,
    NIGHTINGALES,
    NOON,
    Store,
    claim,
    follow,
    follows,
    key,
    milestone,
    occurred,
    ring,
)

from bot.petitions.events import (
    Closed,
    CommitteeNoted,
    DebateScheduled,
    Occurrence,
    Removed,
    Reopened,
    Surged,
)
from bot.petitions.petition import PetitionRef
from bot.subscriptions.subscription import Digest, Preferences, Quiet
from storage import Storage

EVENING = NOON + timedelta(hours=6)
DIGESTS = Preferences({"milestone": "digest"}, digest=Digest(18 * 60))
NOTE = CommitteeNoted("We wrote to them.", identity="a1")
PRESSING = DebateScheduled(date(2020, 5, 4))


@pytest.fixture(params=IMPLEMENTATIONS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    ground = request.param(tmp_path)
    store = Store(ground, await ground.open())
    yield store
    await store.storage.close()


@pytest.fixture
def storage(store: Store) -> Storage:
    return store.storage


async def told(storage: Storage, at: object = NOON) -> list[list[str]]:
    """The messages that may be sent at an instant, by what each tells; they are settled."""
    messages: dict[tuple[int, str], list[str]] = {}
    for each in await claim(storage, at):  # type: ignore[arg-type]
        owed = each.delivery
        messages.setdefault((owed.chat_id, owed.queue), []).append(owed.key)
        await storage.settle(owed.key)
    return list(messages.values())


def owed(happened: Occurrence, chat_id: int = ANN) -> str:
    return f"{happened.key}:{chat_id}"


async def held(storage: Storage, number: int, ref: PetitionRef = NIGHTINGALES) -> str:
    """A milestone that the flood guard holds for a minute."""
    await ring(storage, milestone(number, ref))
    await claim(storage)
    await storage.defer(key(number, ANN, ref), "flood", NOON + MINUTE)
    return key(number, ANN, ref)


# --- what the bot holds by itself ----------------------------------------------------------------


async def test_later_news_waits_behind_what_a_flood_holds(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    first = await held(store.storage, 10_000)
    await ring(store.storage, milestone(25_000))
    assert await told(store.storage) == []
    storage = await store.reopen()
    assert await told(storage) == []
    assert await told(storage, NOON + MINUTE) == [[first, key(25_000, ANN)]]


async def test_news_of_another_petition_and_of_another_chat_waits_for_no_flood(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES), follows(BOB, HEDGES))
    await held(storage, 10_000)
    await ring(storage, milestone(25_000, HEDGES))
    assert await told(storage) == [[key(25_000, ANN, HEDGES)], [key(25_000, BOB, HEDGES)]]


async def test_what_cannot_wait_brings_along_what_a_flood_holds_of_that_petition(
    store: Store,
) -> None:
    await follow(store.storage, follows(ANN), follows(ANN, HEDGES))
    first = await held(store.storage, 10_000)
    other = await held(store.storage, 10_000, HEDGES)
    debate = occurred(PRESSING)
    await ring(store.storage, debate)
    storage = await store.reopen()
    assert await told(storage) == [[first, owed(debate)]]
    assert await told(storage, NOON + MINUTE) == [[other]]


async def test_later_news_of_a_closed_petition_waits_behind_the_gathered_closings(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    closings = [occurred(Closed(9_000, early=True), ref) for ref in (NIGHTINGALES, HEDGES)]
    for closing in closings:
        await ring(storage, closing)
    note = occurred(NOTE)
    await ring(storage, note)
    assert await told(storage) == []
    one_message = [owed(closings[0]), owed(closings[1]), owed(note)]
    assert await told(storage, NOON + 10 * MINUTE) == [one_message]


async def test_a_correction_does_not_wait_for_the_gathered_closings(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    closings = [occurred(Closed(9_000, early=True), ref) for ref in (NIGHTINGALES, HEDGES)]
    for closing in closings:
        await ring(storage, closing)
    back = occurred(Reopened("closed", "open"))
    await ring(storage, back)
    assert await told(storage) == [[owed(closings[0]), owed(back)]]
    assert await told(storage, NOON + 10 * MINUTE) == [[owed(closings[1])]]


# --- what a person has chosen --------------------------------------------------------------------


async def test_what_is_told_at_once_brings_along_what_its_petition_has_in_the_digest(
    store: Store,
) -> None:
    await follow(store.storage, follows(ANN), follows(ANN, HEDGES))
    await store.storage.set_preferences(ANN, DIGESTS, NOON)
    for number, ref in ((10_000, NIGHTINGALES), (10_000, HEDGES)):
        await ring(store.storage, milestone(number, ref))
    note = occurred(NOTE)
    await ring(store.storage, note)
    await ring(store.storage, milestone(25_000))
    storage = await store.reopen()
    assert await told(storage) == [[key(10_000, ANN), owed(note)]]
    assert await told(storage, EVENING) == [[key(10_000, ANN, HEDGES), key(25_000, ANN)]]


async def test_what_rings_through_quiet_hours_brings_along_what_was_quiet(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    quiet = Preferences(quiet=Quiet(10 * 60, 16 * 60), urgent=("status",))
    await storage.set_preferences(ANN, quiet, NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    removed = occurred(Removed())
    await ring(storage, removed)
    assert await told(storage) == [[key(10_000, ANN), owed(removed)]]


async def test_a_digest_that_comes_first_takes_along_what_is_older_in_a_snooze(
    storage: Storage,
) -> None:
    tomorrow = NOON + timedelta(days=1)
    await follow(storage, follows(ANN, preferences=Preferences(snoozed_until=tomorrow)))
    surge = occurred(Surged(900, 12.5, 9_000))
    await ring(storage, surge)
    await storage.set_subscription_preferences(
        ANN, NIGHTINGALES, Preferences({"surge": "off"}), NOON
    )
    await storage.defer(owed(surge), "snooze", tomorrow)
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    assert await told(storage, EVENING) == [[owed(surge), key(10_000, ANN)]]


# --- in flight, and tried again ------------------------------------------------------------------


async def test_later_news_waits_while_older_is_in_flight_in_another_lane(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    assert len(await claim(storage, EVENING)) == 1
    note = occurred(NOTE)
    await ring(storage, note, at=EVENING)
    assert await told(storage, EVENING) == []
    due = await storage.next_due(EVENING)
    assert due is not None
    assert due > EVENING
    await storage.settle(key(10_000, ANN))
    assert await told(storage, due) == [[owed(note)]]


async def test_later_news_waits_while_older_waits_for_another_try(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await claim(storage, EVENING)
    await storage.retry(key(10_000, ANN), EVENING + 5 * MINUTE)
    debate = occurred(PRESSING)
    await ring(storage, debate, at=EVENING)
    assert await told(storage, EVENING) == []
    together = [key(10_000, ANN), owed(debate)]
    assert await told(storage, EVENING + 5 * MINUTE) == [together]


async def test_what_came_along_and_could_not_be_sent_is_tried_again_together(
    store: Store,
) -> None:
    await follow(store.storage, follows(ANN))
    first = await held(store.storage, 10_000)
    debate = occurred(PRESSING)
    await ring(store.storage, debate)
    for each in await claim(store.storage):
        await store.storage.retry(each.delivery.key, NOON + MINUTE)
    surge = occurred(Surged(900, 12.5, 9_000))
    await ring(store.storage, surge)
    storage = await store.reopen()
    assert await told(storage) == []
    assert await told(storage, NOON + MINUTE) == [[first, owed(debate), owed(surge)]]


async def test_what_came_along_and_was_never_settled_is_told_after_its_lease(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    first = await held(storage, 10_000)
    debate = occurred(PRESSING)
    await ring(storage, debate)
    assert len(await claim(storage)) == 2
    assert await claim(storage, NOON + MINUTE) == []
    assert await told(storage, NOON + LEASE) == [[first, owed(debate)]]


async def test_each_chats_news_is_claimed_by_one_of_several_at_once(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await held(storage, 10_000)
    await ring(storage, occurred(PRESSING))
    assert len(await claim(storage)) == 2
    assert await claim(storage) == []
