"""A chat that hears much in a moment hears the rest as one message: counted in the store."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from contract import (
    ANN,
    BOB,
    HEDGES,
    IMPLEMENTATIONS,
    LEASE,
    MINUTE,
    NOON,
    Store,
    claim,
    follow,
    follows,
    key,
    milestone,
    ring,
)
from office import Office, logged
from office import office as office
from postgres import PostgresGround

from bot.delivery.flood_guard import FEW, deferred_until
from bot.petitions.events import MilestoneReached
from storage import ClaimedDelivery, Storage
from storage.tables import RECENT
from storage.tinydb.store import open_tiny

__all__ = ["logged", "office"]

MILESTONES = (1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000)


@pytest.fixture(params=IMPLEMENTATIONS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    ground = request.param(tmp_path)
    store = Store(ground, await ground.open())
    yield store
    await store.storage.close()


@pytest.fixture
def storage(store: Store) -> Storage:
    return store.storage


async def told(storage: Storage, count: int, at: datetime = NOON, chat_id: int = ANN) -> None:
    """A chat follows, and is told so many alerts one after the other."""
    await follow(storage, follows(chat_id))
    for number in MILESTONES[:count]:
        await ring(storage, milestone(number))
        (one,) = await claim(storage, at)
        await storage.settle(one.delivery.key, told_at=at)


async def next_of(storage: Storage, at: datetime = NOON) -> ClaimedDelivery:
    """The one that is due then, given back at once."""
    (one,) = await claim(storage, at)
    await storage.defer(one.delivery.key, one.delivery.queue, at)
    return one


# --- the rule ------------------------------------------------------------------------------------


def test_the_sixth_alert_of_a_moment_waits_a_minute_and_the_fifth_does_not() -> None:
    assert deferred_until(FEW - 1, None, NOON) is None
    assert deferred_until(FEW, None, NOON) == NOON + MINUTE
    assert FEW == 5


def test_what_follows_waits_as_long_as_what_is_held_already() -> None:
    assert deferred_until(0, NOON + MINUTE / 2, NOON) == NOON + MINUTE / 2
    assert deferred_until(0, NOON, NOON) is None


# --- the stores ----------------------------------------------------------------------------------


async def test_what_a_chat_was_told_lately_is_known_after_a_restart(store: Store) -> None:
    await told(store.storage, 4)
    await ring(store.storage, milestone(50_000))
    assert (await next_of(await store.reopen())).told_lately == 4


async def test_what_a_chat_was_told_is_forgotten_after_two_minutes(storage: Storage) -> None:
    await told(storage, 4)
    await ring(storage, milestone(50_000))
    assert (await next_of(storage, NOON + 2 * MINUTE - timedelta(seconds=1))).told_lately == 4
    assert (await next_of(storage, NOON + 2 * MINUTE)).told_lately == 0


async def test_what_others_were_told_does_not_count(storage: Storage) -> None:
    await told(storage, 3, chat_id=BOB)
    await follow(storage, follows(ANN, HEDGES))
    await ring(storage, milestone(50_000, HEDGES))
    assert (await next_of(storage)).told_lately == 0


async def test_what_was_refused_and_what_came_in_a_digest_do_not_count(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    for number in MILESTONES[:3]:
        await ring(storage, milestone(number))
    (refused,) = await claim(storage)
    await storage.settle(refused.delivery.key)
    (digest,) = await claim(storage)
    await storage.defer(digest.delivery.key, "digest", NOON)
    await storage.settle(digest.delivery.key, told_at=NOON)
    assert (await next_of(storage)).told_lately == 0


async def test_what_a_chat_was_told_counts_once_however_often_it_is_settled(
    storage: Storage,
) -> None:
    await told(storage, 2)
    await storage.settle(key(MILESTONES[0], ANN), key(MILESTONES[1], ANN), told_at=NOON)
    await ring(storage, milestone(50_000))
    assert (await next_of(storage)).told_lately == 2


async def test_a_flood_that_is_held_is_known_after_a_restart(store: Store) -> None:
    await told(store.storage, 2)
    await follow(store.storage, follows(ANN, HEDGES))
    await ring(store.storage, milestone(50_000))
    await claim(store.storage)
    await store.storage.defer(key(50_000, ANN), "flood", NOON + MINUTE)
    await ring(store.storage, milestone(50_000, HEDGES))
    storage = await store.reopen()
    assert (await next_of(storage)).flood_until == NOON + MINUTE
    assert (await next_of(storage, NOON + MINUTE / 2)).flood_until == NOON + MINUTE
    found = {each.delivery.queue: each for each in await claim(storage, NOON + MINUTE)}
    assert set(found) == {"", "flood"}
    assert found[""].flood_until is None


async def test_a_flood_that_could_not_be_sent_holds_up_nothing_else(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await ring(storage, milestone(50_000))
    await storage.defer(key(50_000, ANN), "flood", NOON)
    await storage.retry(key(50_000, ANN), NOON + MINUTE)
    await ring(storage, milestone(50_000, HEDGES))
    assert (await next_of(storage)).flood_until is None


async def test_a_chat_under_a_new_id_has_been_told_as_much(storage: Storage) -> None:
    await told(storage, 3)
    await storage.migrate_chat(ANN, BOB)
    await ring(storage, milestone(50_000))
    assert (await next_of(storage)).told_lately == 3


async def test_nothing_is_kept_of_when_a_forgotten_chat_was_told(storage: Storage) -> None:
    await told(storage, 3)
    await storage.forget_chat(ANN)
    await follow(storage, follows(ANN))
    await ring(storage, milestone(50_000))
    assert (await next_of(storage)).told_lately == 0


async def test_what_was_told_while_the_clock_was_ahead_does_not_count(storage: Storage) -> None:
    await told(storage, 5, NOON + timedelta(days=365))
    await ring(storage, milestone(50_000))
    assert (await next_of(storage)).told_lately == 0


async def test_two_processes_count_together(tmp_path: Path) -> None:
    ground = PostgresGround(tmp_path)
    one, other = await ground.open(), await ground.open()
    try:
        await follow(one, follows(ANN))
        for number, storage in zip(MILESTONES, (one, other, one, other, one), strict=False):
            await ring(one, milestone(number))
            (claimed,) = await claim(storage)
            await storage.settle(claimed.delivery.key, told_at=NOON)
        await ring(one, milestone(50_000))
        assert (await next_of(other)).told_lately == FEW
        assert (await next_of(one)).told_lately == FEW
    finally:
        await one.close()
        await other.close()


async def test_times_are_dropped_within_minutes_of_being_told(tmp_path: Path) -> None:
    ground = PostgresGround(tmp_path)
    storage = await ground.open()
    try:
        await told(storage, 3)
        async with storage._pool.connected() as connection:
            count = "select count(*) from recent_alert"
            assert await connection.fetchval(count) == 3
            await claim(storage, NOON + 3 * MINUTE)
            assert await connection.fetchval(count) == 0
    finally:
        await storage.close()


async def test_times_are_dropped_from_the_embedded_store_too(tmp_path: Path) -> None:
    storage = await open_tiny(tmp_path / "store.db", tmp_path / "store.key")
    try:
        await told(storage, 3)
        assert len(storage.database.live(RECENT)) == 1
        await storage.claim_deliveries(NOON + 3 * MINUTE, 1, LEASE)
        assert not storage.database.live(RECENT)
    finally:
        await storage.close()


# --- the deliverer -------------------------------------------------------------------------------


async def test_after_a_restart_a_flood_goes_on_being_one_message(office: Office) -> None:
    await office.welcome(1)
    petitions = office.many(9)
    await office.follow(1, petitions)
    await office.close(petitions[:5])
    async with office.delivering():
        await office.settled()
    await office.close(petitions[5:])
    async with office.delivering():
        await office.settled()
    *single, together = office.heard(1)
    assert single == ["🏁 Closed with 84 signatures."] * 5
    assert together.startswith("🏁 4 petitions you follow have closed.")


async def test_after_a_restart_nothing_overtakes_what_a_flood_holds(office: Office) -> None:
    await office.welcome(1)
    petitions = office.many(7)
    await office.follow(1, petitions)
    await office.close(petitions[:6])
    async with office.delivering() as deliverer:
        while deliverer.counts.deferred < 1:
            deliverer.wake()
            await asyncio.sleep(0)
    await office.close(petitions[6:])
    async with office.delivering():
        await office.settled()
    *single, together = office.heard(1)
    assert len(single) == 5
    assert together.startswith("🏁 2 petitions you follow have closed.")


async def test_after_a_restart_what_is_official_is_not_held(office: Office) -> None:
    await office.welcome(1)
    petitions = office.many(5)
    await office.follow(1, petitions)
    await office.close(petitions)
    async with office.delivering():
        await office.settled()
    await office.happens(petitions[0], MilestoneReached(10_000, 10_002, "response"))
    async with office.delivering() as deliverer:
        await office.told()
        assert deliverer.counts.deferred == 0
