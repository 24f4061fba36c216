"""A lease ends by the server's clock, whatever the clocks of the processes show."""

import asyncio
from datetime import timedelta

import pytest
from contract import (
    ANN,
    BOB,
    DIGESTS,
    EVENING,
    LEASE,
    MINUTE,
    NOON,
    claim,
    claimed_keys,
    follow,
    follows,
    key,
    milestone,
    ring,
)
from office import Office
from office import logged as logged
from postgres import PostgresGround, as_owner
from shared_store import ground as ground
from shared_store import other as other
from shared_store import storage as storage
from telegram_stand_in import BotApi

from bot.subscriptions.delivery import FLOOD
from bot.subscriptions.subscription import Preferences
from storage.postgres.store import PostgresStorage

YEAR = timedelta(days=365)


async def time_passes(ground: PostgresGround, length: timedelta) -> None:
    """By the server's clock, as far as leases know."""
    async with as_owner(ground.schema) as owner:
        await owner.execute("update delivery set lease_ends = lease_ends - $1::interval", length)


@pytest.mark.parametrize("wrong_by", [YEAR, timedelta(hours=1)])
async def test_the_lease_of_a_process_that_died_with_its_clock_ahead_ends(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage, wrong_by: timedelta
) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    assert len(await claim(storage, NOON + wrong_by)) == 2
    await storage.close()
    await time_passes(ground, LEASE)
    assert await claimed_keys(other) == [key(10_000, ANN), key(10_000, BOB)]


async def test_while_it_lasts_nobody_else_gets_what_is_leased(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await claim(storage, NOON + YEAR)
    await time_passes(ground, LEASE - timedelta(seconds=30))
    assert await claimed_keys(other) == []


async def test_a_lease_of_which_nobody_knows_when_it_began_ends_too(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await claim(storage, NOON + YEAR)
    async with as_owner(ground.schema) as owner:
        await owner.execute("update delivery set lease_ends = null")
    assert await claimed_keys(other) == []
    await time_passes(ground, timedelta(minutes=11))
    other._leases_ended_at = float("-inf")  # a minute later
    assert await claimed_keys(other) == [key(10_000, ANN)]


# --- a process whose clock is ahead, beside one whose clock is right


async def test_what_one_process_is_sending_is_not_sent_by_one_whose_clock_is_ahead(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    async with BotApi() as api:
        right, ahead = Office(storage, api), Office(other, api)
        ahead.passed = YEAR
        await right.welcome(1)
        await right.ring(10_000)
        api.hang(chat_id=1)
        async with right.delivering():
            await api.wait_for(lambda api: api.calls_to("sendMessage") or None)
            async with ahead.delivering() as deliverer:
                while ahead.wire.step < 20:
                    deliverer.wake()
                    await asyncio.sleep(0.01)
                assert len(api.calls_to("sendMessage")) == 1
                api.accept_everything()
                await right.told()
        assert len(right.heard(1)) == 1


@pytest.mark.parametrize("ahead_by", [LEASE, YEAR])
async def test_only_what_nobody_has_in_hand_is_due_by_a_clock_that_is_ahead(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage, ahead_by: timedelta
) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    (mine,) = await claim(storage, limit=1)
    ahead = NOON + ahead_by
    assert await other.next_due(ahead) == ahead
    (theirs,) = await claimed_keys(other, ahead)
    assert {mine.delivery.key, theirs} == {key(10_000, ANN), key(10_000, BOB)}
    assert await claimed_keys(other, ahead) == []
    due = await other.next_due(ahead)
    assert due is not None
    assert ahead + LEASE - timedelta(minutes=2) < due <= ahead + LEASE
    await ground.leases_run_out()
    assert await other.next_due(ahead) == ahead
    assert len(await claimed_keys(other, ahead)) == 2


async def test_news_behind_what_another_sends_just_now_waits_for_it_by_every_clock(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    assert await claimed_keys(storage, EVENING) == [key(10_000, ANN)]
    await storage.set_preferences(ANN, Preferences(), EVENING)
    await ring(storage, milestone(25_000), at=EVENING)
    assert await claimed_keys(other, EVENING + YEAR) == []
    await storage.settle(key(10_000, ANN))
    assert await claimed_keys(other, EVENING + YEAR + MINUTE) == [key(25_000, ANN)]


async def test_what_is_being_sent_is_not_released_by_a_clock_that_is_ahead(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await claim(storage, EVENING)
    assert await other.release(ANN, "digest", EVENING + YEAR) == 0
    await storage.retry(key(10_000, ANN), EVENING)
    assert await other.release(ANN, "digest", EVENING + YEAR) == 1


async def test_a_clock_put_right_takes_nobodys_lease_away(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await claim(storage)
    await other.clock_set_back(NOON, YEAR)
    assert await claimed_keys(other) == []
    await ground.leases_run_out()
    assert await claimed_keys(other) == [key(10_000, ANN)]


# --- many that wait behind one that somebody has in hand

_WAIT_BEHIND = """
insert into delivery (chat, head, petition, news, not_before, silent, resting, queue, sealed)
select chat, sha256(n::text::bytea), petition, news, not_before, silent, resting, queue, sealed
from delivery, generate_series(1, 150) n
"""


@pytest.mark.parametrize("queue", ["", FLOOD])
async def test_what_is_due_is_found_behind_however_many_that_wait_for_their_turn(
    ground: PostgresGround, storage: PostgresStorage, queue: str
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    async with as_owner(ground.schema) as owner:
        await owner.execute("update delivery set queue = $1", storage._cipher.queue(queue))
        await claim(storage)
        await owner.execute(_WAIT_BEHIND)
    assert await _waits_for_a_lease(storage)
    await follow(storage, follows(BOB))
    await ring(storage, milestone(25_000))
    async with as_owner(ground.schema) as owner:
        await owner.execute("update delivery set queue = $1", storage._cipher.queue(queue))
    assert await storage.next_due(NOON) == NOON
    await claim(storage)
    assert await _waits_for_a_lease(storage)
    await ground.leases_run_out()
    assert await storage.next_due(NOON) == NOON


async def _waits_for_a_lease(storage: PostgresStorage) -> bool:
    due = await storage.next_due(NOON)
    return due is not None and NOON + LEASE - timedelta(minutes=2) < due <= NOON + LEASE
