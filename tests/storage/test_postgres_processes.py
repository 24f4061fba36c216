"""PostgreSQL under several processes: who leads, who sends, and connections that come and go."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from contract import (
    ANN,
    BOB,
    CAT,
    DIGESTS,
    EVENING,
    HEDGES,
    NIGHTINGALES,
    NOON,
    TinyGround,
    asks,
    claim,
    claimed_keys,
    follow,
    follows,
    heard,
    key,
    known,
    milestone,
    picture,
    ring,
)
from forked import Forked
from msgspec import structs
from postgres import PostgresGround, as_owner, start, stop
from shared_store import QUICK, kept_preferences, process, until, waiting_for_locks
from shared_store import ground as ground
from shared_store import other as other
from shared_store import storage as storage

from bot.errors import StorageError
from bot.operations.leadership import RHYTHM, lead, on_duty, shared_rate
from bot.subscriptions.subscription import Chat, Preferences, Quiet
from storage.postgres.store import PostgresStorage
from storage.shared import RoleState

# --- several processes ----------------------------------------------------------------------------


async def test_two_who_deliver_never_get_the_same(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, *(follows(chat) for chat in range(1, 61)))
    for number in (10_000, 25_000):
        await ring(storage, milestone(number))
    sent: list[str] = []

    async def deliver(store: PostgresStorage) -> None:
        while batch := await claimed_keys(store, limit=7):
            sent.extend(batch)
            await store.settle(*batch)

    await asyncio.gather(*(deliver(store) for store in (storage, other) for _ in range(3)))
    sent += await heard(storage)
    assert sorted(sent) == sorted(key(n, chat) for n in (10_000, 25_000) for chat in range(1, 61))
    for chat in range(1, 61):
        assert sent.index(key(10_000, chat)) < sent.index(key(25_000, chat))


async def test_two_who_poll_the_same_news_owe_it_once(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    poll = (known(count=10_007), [milestone(10_000)], NOON)
    owed = await asyncio.gather(*(each.commit_poll(*poll) for each in (storage, other)))
    assert sorted(owed) == [0, 2]


async def test_a_reading_beside_a_newer_one_of_another_process_is_dropped(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    newer = structs.replace(known(count=10_007), seen=frozenset({"opened", "milestone:10000"}))
    assert await storage.commit_poll(newer, [milestone(10_000)], NOON) == 1
    older = structs.replace(known(count=9_990), seen=frozenset({"opened", "milestone:5000"}))
    assert await other.commit_poll(older, [milestone(5_000)], NOON) == 0
    assert await other.history(NIGHTINGALES) == newer
    assert await claimed_keys(other) == [key(10_000, ANN)]


async def test_a_reading_that_knows_of_all_that_was_seen_is_kept(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    first = structs.replace(known(count=9_990), seen=frozenset({"opened"}))
    await storage.commit_poll(first, [], NOON)
    next_ = structs.replace(known(count=10_007), seen=frozenset({"opened", "milestone:10000"}))
    assert await other.commit_poll(next_, [milestone(10_000)], NOON) == 1
    assert await storage.history(NIGHTINGALES) == next_


async def test_who_leaves_during_a_fan_out_is_owed_nothing(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN), follows(BOB), follows(CAT))
    async with fan_out_under_way(ground, storage):
        leaving = asyncio.gather(
            other.unsubscribe(ANN, NIGHTINGALES),
            other.rest_chat(BOB, "blocked", NOON),
            other.forget_chat(CAT),
        )
        await until(lambda: waiting_for_locks(ground, 3))
    await leaving
    assert await claimed_keys(storage) == []
    assert (await storage.tally()).waiting == 1  # for Bob, should he come back
    assert await storage.wake_chat(BOB, NOON)
    assert await claimed_keys(storage) == [key(10_000, BOB)]


async def test_who_comes_back_or_moves_during_a_fan_out_loses_nothing(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await storage.rest_chat(BOB, "blocked", NOON)
    async with fan_out_under_way(ground, storage):
        coming = asyncio.gather(other.wake_chat(BOB, NOON), other.migrate_chat(ANN, CAT))
        await until(lambda: waiting_for_locks(ground, 2))
    await coming
    assert sorted(await claimed_keys(storage)) == sorted([key(10_000, BOB), key(10_000, CAT)])


async def test_a_fan_out_that_waits_for_a_move_follows_it(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    async with as_owner(ground.schema) as owner, owner.transaction():
        # The move changes the subscriptions first, then it is held up at the old chat's row.
        await owner.execute("select from chat for update")
        move = asyncio.create_task(other.migrate_chat(ANN, CAT))
        await until(lambda: waiting_for_locks(ground, 1))
        ringing = asyncio.create_task(ring(storage, milestone(10_000)))
        await until(lambda: waiting_for_locks(ground, 2))
    await move
    assert await ringing == 2
    assert sorted(await claimed_keys(storage)) == sorted([key(10_000, BOB), key(10_000, CAT)])


async def test_a_rule_saved_during_a_fan_out_hears_the_next_in_every_process(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    async with fan_out_under_way(ground, storage):
        saving = asyncio.create_task(other.save_rule(asks(BOB), NOON))
        await until(lambda: waiting_for_locks(ground, 2))
    await saving
    assert await heard(storage) == [key(10_000, ANN)]
    for number, store in ((25_000, storage), (50_000, other)):
        assert await ring(store, milestone(number)) == 2
    await storage.drop_rule(BOB, 1)
    assert await ring(other, milestone(75_000)) == 1


async def test_a_rule_changed_in_one_process_is_changed_in_all(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    await storage.commit_poll(known(), [], NOON)
    rule = await storage.save_rule(asks(ANN), NOON)
    await other.save_rule(asks(BOB), NOON)
    assert await ring(storage, milestone(10_000)) == 2
    await other.save_rule(structs.replace(rule, words=("hedges",)), NOON)
    assert await ring(storage, milestone(25_000)) == 1
    await other.migrate_chat(BOB, CAT)
    assert await ring(storage, milestone(50_000)) == 1
    await other.forget_chat(CAT)
    assert await ring(storage, milestone(75_000)) == 0


async def test_whom_a_rule_brings_in_and_who_rests_or_turns_it_off_meanwhile_is_heeded(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    for chat in (ANN, BOB, CAT):
        await storage.save_chat(Chat(chat))
        await storage.save_rule(asks(chat), NOON)
    await storage.commit_poll(known(), [], NOON)
    async with fan_out_under_way(ground, storage):
        changing = asyncio.gather(
            other.rest_chat(ANN, "blocked", NOON),
            other.forget_chat(BOB),
        )
        await until(lambda: waiting_for_locks(ground, 3))
    await changing
    assert await heard(storage) == [key(10_000, CAT)]
    assert (await storage.tally()).waiting == 1  # for Ann, should she come back


async def test_terms_that_change_during_a_fan_out_hold_for_what_it_owes(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    digests = Preferences({"milestone": "digest"})
    await follow(
        storage, follows(ANN, preferences=digests), follows(BOB, preferences=digests), follows(CAT)
    )
    await storage.save_rule(asks(CAT, preferences=digests), NOON)
    await storage.set_subscription_preferences(CAT, NIGHTINGALES, digests, NOON)
    async with fan_out_under_way(ground, storage):
        changing = asyncio.gather(
            other.set_subscription_preferences(ANN, NIGHTINGALES, Preferences(), NOON),
            other.mute(BOB, NIGHTINGALES, True, NOON),
            other.set_preferences(CAT, Preferences(zone="Asia/Kathmandu"), NOON),
        )
        await until(lambda: waiting_for_locks(ground, 4))
    await changing
    assert await claimed_keys(storage) == [key(10_000, ANN)]
    at_six_there = EVENING.replace(hour=12, minute=15)
    [early] = [each for each in await claim(storage, at_six_there) if each.delivery.chat_id == CAT]
    assert early.delivery.queue == "digest"
    [late] = [each for each in await claim(storage, EVENING) if each.delivery.chat_id == BOB]
    assert late.delivery.silent


async def test_who_begins_to_follow_during_a_fan_out_hears_the_next(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    async with fan_out_under_way(ground, storage):
        following = asyncio.create_task(other.subscribe(follows(BOB, preferences=DIGESTS)))
        await until(lambda: waiting_for_locks(ground, 2))
    assert await following == (follows(BOB, preferences=DIGESTS), True)
    assert await ring(storage, milestone(25_000)) == 2


async def test_policies_that_nobody_has_any_more_are_swept(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    for minute in range(5):
        await storage.set_preferences(ANN, Preferences(quiet=Quiet(minute, 420)), NOON)
    assert await kept_preferences(ground) >= 6
    await storage.prune(NOON, timedelta(days=30))
    assert await kept_preferences(ground) == 2
    assert await ring(storage, milestone(10_000)) == 2


async def test_many_who_choose_the_same_at_once_all_get_it(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    chats = range(1, 25)
    await follow(storage, *(follows(chat, ref) for chat in chats for ref in (NIGHTINGALES, HEDGES)))
    stores = (storage, other)
    await asyncio.gather(
        *(stores[chat % 2].set_preferences(chat, DIGESTS, NOON) for chat in chats),
        *(stores[chat % 2].mute(chat, HEDGES, True, NOON) for chat in chats),
        *(
            ring(store, milestone(10_000, ref))
            for store in stores
            for ref in (NIGHTINGALES, HEDGES)
        ),
        storage.prune(NOON, timedelta(days=30)),
    )
    assert await ring(storage, milestone(25_000, HEDGES)) == len(chats)
    at_once = await heard(storage)  # what was owed before its chat chose the digest
    assert not [key for key in at_once if ":25000:" in key]
    keys = [*at_once, *(await heard(storage, EVENING))]
    assert len(set(keys)) == len(keys) == 3 * len(chats)


@asynccontextmanager
async def fan_out_under_way(
    ground: PostgresGround, storage: PostgresStorage
) -> AsyncIterator[None]:
    """A poll that has matched everybody and is not yet committed; leaving lets it."""
    async with as_owner(ground.schema) as owner:
        await owner.execute("select pg_advisory_lock(77)")
        await owner.execute(
            "create function hold() returns trigger language plpgsql as"
            " 'begin perform pg_advisory_xact_lock_shared(77); return null; end'"
        )
        await owner.execute("create trigger hold after insert on delivery execute function hold()")
        ringing = asyncio.create_task(ring(storage, milestone(10_000)))
        await until(lambda: waiting_for_locks(ground, 1))
        yield
        await owner.execute("select pg_advisory_unlock(77)")
        await ringing
        await owner.execute("drop trigger hold on delivery")


# --- connections come and go ----------------------------------------------------------------------


async def test_a_restart_of_the_server_loses_nothing(storage: PostgresStorage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    [claimed] = await claim(storage, limit=1)
    before = await picture(storage)
    for mode in ("fast", "immediate"):
        await stop(mode)
        with pytest.raises(StorageError) as failure:
            await storage.settle(claimed.delivery.key)
        assert failure.value.__cause__ is not None
        await start()
        assert await picture(storage) == before
    await storage.settle(claimed.delivery.key)
    assert await heard(storage) == [key(10_000, BOB)]


async def test_a_use_case_whose_connection_is_cut_has_not_happened(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    async with as_owner(ground.schema) as owner, owner.transaction():
        await owner.execute("select from subscription for update")
        ringing = asyncio.create_task(ring(storage, milestone(10_000)))
        await until(lambda: waiting_for_locks(ground, 1))
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'"
        )
        with pytest.raises(StorageError):
            await ringing
    assert await claimed_keys(storage) == []
    assert await ring(storage, milestone(10_000)) == 1


async def test_a_server_that_turns_into_a_standby_is_left_for_the_one_that_writes(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    async def refused() -> bool:
        try:
            await storage.save_note("offset", "7")
        except StorageError:
            return True
        return False

    await storage.save_note("offset", "6")
    async with as_owner(ground.schema) as owner:
        # What a failover looks like from an old connection: all is as before, but for writing.
        await owner.execute("alter system set default_transaction_read_only = on")
        await owner.execute("select pg_reload_conf()")
        try:
            await until(refused)
        finally:
            await owner.execute("alter system reset default_transaction_read_only")
            await owner.execute("select pg_reload_conf()")
    await until(lambda: _not(refused()))
    assert await storage.note("offset") == "7"


async def _not(answer: Awaitable[bool]) -> bool:
    return not await answer


# --- leading --------------------------------------------------------------------------------------

POLLER = """
import asyncio, sys
from contextlib import asynccontextmanager
from pathlib import Path
from bot.operations.leadership import RHYTHM, RoleState, lead
from storage.key_file import KeyRing
from storage.postgres.store import open_postgres
from contract import NOON, known, milestone, ring

@asynccontextmanager
async def duty():
    await ring(storage, milestone(10_000))
    print("leading", flush=True)
    yield

async def main():
    global storage
    storage = await open_postgres(sys.argv[1], KeyRing(Path(sys.argv[2])))
    await lead(storage, RoleState("poller"), duty, RHYTHM)

asyncio.run(main())
"""


async def test_the_death_of_the_leader_hands_over_and_loses_nothing(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    async with process(POLLER, ground) as first:
        assert await said(first) == "leading"
        took_over = asyncio.Event()
        standing = RoleState("poller")
        second = asyncio.create_task(lead(storage, standing, marks(took_over), QUICK))
        while not standing.is_standby:
            await asyncio.sleep(0.02)
            await storage.tally()
        assert not took_over.is_set()
        first.send_signal(signal.SIGKILL)
        await took_over.wait()
        assert not standing.is_standby
        await ended(second)
    assert await ring(storage, milestone(10_000)) == 0
    assert await heard(storage) == [key(10_000, ANN)]


async def test_one_leads_at_a_time_and_roles_are_apart(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    mine, yours = storage.leadership("poller"), other.leadership("poller")
    assert await mine.take()
    assert not await yours.take()
    updates = other.leadership("updates")
    assert await updates.take()
    await mine.confirm()
    await mine.leave()
    assert await yours.take()
    for seat in (yours, updates):
        await seat.leave()


async def test_a_leader_who_lost_the_seat_goes_off_duty_and_comes_back(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    entered, left = asyncio.Semaphore(0), asyncio.Semaphore(0)

    @asynccontextmanager
    async def duty() -> AsyncIterator[None]:
        entered.release()
        yield
        left.release()

    leading = asyncio.create_task(lead(storage, RoleState("poller"), duty, QUICK))
    await entered.acquire()
    async with as_owner(ground.schema) as owner:
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'petition-bell leader'"
        )
    await left.acquire()
    await entered.acquire()
    await ended(leading)


async def test_a_silent_leader_is_unseated_by_the_server_within_thirty_seconds(
    storage: PostgresStorage,
) -> None:
    seat = storage.leadership("poller")
    assert await seat.take()
    allowed = await seat._connection.fetchval("show idle_session_timeout")  # type: ignore[union-attr]
    assert allowed == "12s"
    await seat.leave()


async def test_on_a_store_of_one_process_everybody_leads(tmp_path: Path) -> None:
    storage = await TinyGround(tmp_path).open()
    entered, standing = asyncio.Event(), RoleState("poller")
    async with on_duty(storage, standing, marks(entered), RHYTHM):
        assert entered.is_set()
        assert not standing.is_standby
    await storage.close()


def marks(entered: asyncio.Event) -> Callable[[], Any]:
    """A duty that says when it is taken up."""

    @asynccontextmanager
    async def duty() -> AsyncIterator[None]:
        entered.set()
        yield

    return duty


async def ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def said(running: Forked) -> str:
    assert running.stdout is not None
    return (await running.stdout.readline()).decode().strip()


# --- the shared rate ------------------------------------------------------------------------------


async def test_all_share_one_rate_and_no_slot_is_given_twice(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    rates = [shared_rate(store, "telegram", 1.0) for store in (storage, other)]
    batches = [await rates[rotate % 2].slots(3) for rotate in range(6)]
    given = [at for batch in batches for at in batch]
    assert len(given) == 18
    for earlier, later in pairwise(given):
        # The server's clock runs on between two answers, so the gaps can only look shorter.
        assert 0.0 < later - earlier <= 1.0 + 1e-6
    assert given[-1] > 10.0


async def test_a_rate_that_nobody_used_for_a_while_saves_nothing_up(
    storage: PostgresStorage,
) -> None:
    rate = shared_rate(storage, "telegram", 1000.0)
    await rate.slots(1)
    await storage.tally()
    slots = await rate.slots(50)
    assert slots[-1] - slots[0] == pytest.approx(0.049, abs=1e-3)


async def test_a_hold_concerns_all_who_share_and_no_other_rate(
    storage: PostgresStorage, other: PostgresStorage
) -> None:
    await shared_rate(storage, "telegram", 10.0).pause(60.0)
    assert (await shared_rate(other, "telegram", 10.0).slots(1))[0] > 30.0
    assert (await shared_rate(other, "another", 10.0).slots(1))[0] < 30.0


async def test_on_a_store_of_one_process_no_rate_is_shared(tmp_path: Path) -> None:
    storage = await TinyGround(tmp_path).open()
    assert shared_rate(storage, "telegram", 10.0) is None
    await storage.close()
