"""A primary is lost and its standby goes on: what was acknowledged is there, and work goes on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count

import pytest
from bell import TEA, Village
from cluster import Cluster
from contract import (
    ANN,
    BOB,
    CAT,
    NIGHTINGALES,
    NOON,
    asks,
    claim,
    follow,
    follows,
    heard,
    key,
    known,
    milestone,
    ring,
)
from postgres import END_LEASES, FailoverPair, Machine, connection_to, failover_pair
from shared_store import until

from bot.app import utc_now
from bot.delivery.deliverer import LEASE
from bot.errors import StorageError
from bot.operations.leadership import RHYTHM, lead
from storage.postgres.pool import Patience
from storage.postgres.store import PostgresStorage
from storage.shared import RoleState

HASTE = Patience(host=0.5, use_case=1.0)
TAKE_OVER = 30  # seconds that a take-over may need


@pytest.fixture
async def pair() -> AsyncIterator[FailoverPair]:
    async with failover_pair() as pair:
        yield pair


@pytest.fixture
async def storage(pair: FailoverPair) -> AsyncIterator[PostgresStorage]:
    storage = await pair.open(HASTE)
    yield storage
    await storage.close()


@pytest.fixture
async def other(pair: FailoverPair, storage: PostgresStorage) -> AsyncIterator[PostgresStorage]:
    """Another process's view of the same store."""
    other = await pair.open(HASTE)
    yield other
    await other.close()


async def keep(storage: PostgresStorage, value: str) -> int:
    """Keep a note, however often it takes; how many times it was refused."""
    for refused in count():
        try:
            await storage.save_note("offset", value)
        except StorageError:
            await asyncio.sleep(0.05)
        else:
            return refused
    raise AssertionError("nobody counts so far")


# --- what was acknowledged -----------------------------------------------------------------------


async def test_all_that_was_acknowledged_before_a_crash_is_on_the_standby(
    pair: FailoverPair, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await storage.commit_poll(known(), [], NOON)
    acknowledged: list[int] = []

    async def subscribes(storage: PostgresStorage, chats: range) -> None:
        for chat in chats:
            try:
                await storage.subscribe(follows(chat))
            except StorageError:
                return
            acknowledged.append(chat)
            if len(acknowledged) == 100:
                pair.primary.kill()

    await asyncio.gather(
        *(
            subscribes(store, range(first, first + 1000))
            for first, store in ((1, storage), (1001, other), (2001, storage), (3001, other))
        )
    )
    await pair.standby.promote()
    await keep(storage, "7")
    await keep(other, "8")
    assert await storage.note("offset") == "8"
    assert len(acknowledged) >= 100
    for chat in acknowledged:
        assert await storage.subscription(chat, NIGHTINGALES) == follows(chat)
    assert await ring(storage, milestone(10_000)) >= len(acknowledged)


async def test_what_is_owed_goes_on_where_it_was(
    pair: FailoverPair, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN), follows(BOB), follows(CAT))
    assert await ring(storage, milestone(10_000)) == 3
    settled, claimed = await claim(storage, limit=2)
    await storage.settle(settled.delivery.key)
    pair.primary.kill()
    with pytest.raises(StorageError):
        await storage.settle(claimed.delivery.key)
    await pair.standby.promote()
    await keep(storage, "7")
    await keep(other, "8")
    await storage.settle(claimed.delivery.key)
    [left] = await claim(other)
    assert left.delivery.chat_id not in {settled.delivery.chat_id, claimed.delivery.chat_id}
    assert await ring(other, milestone(10_000)) == 0


async def test_a_rule_is_heard_by_who_knew_of_another_that_the_failover_lost(
    pair: FailoverPair, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await storage.commit_poll(known(), [], NOON)
    async with connection_to(pair.primary.url) as owner:
        # As it is where a primary does not wait for its standby.
        await owner.execute("alter role bell set synchronous_commit = local")
    local = await pair.open(HASTE)
    pair.standby.kill()
    await local.save_rule(asks(ANN), NOON)
    assert await ring(local, milestone(10_000)) == 1
    pair.primary.kill()
    await pair.standby.start()
    await pair.standby.promote()
    await keep(local, "7")
    await keep(other, "7")
    await other.save_rule(asks(BOB), NOON)
    assert await ring(local, milestone(10_000)) == 1
    assert await heard(other) == [key(10_000, BOB)]
    await local.close()


# --- a server that does not say that it is gone --------------------------------------------------


async def test_a_server_that_vanished_is_left_within_a_use_case_and_not_come_back_to(
    pair: FailoverPair, storage: PostgresStorage
) -> None:
    await keep(storage, "6")
    await asyncio.gather(*(storage.note("offset") for _ in range(10)))
    pair.primary.freeze()
    await pair.standby.promote()
    began = time.monotonic()
    assert await keep(storage, "7") == 1
    assert time.monotonic() - began < HASTE.use_case + HASTE.host + 1
    late = await pair.open(HASTE)  # though the first host has vanished
    assert await keep(late, "7") == 0
    await late.close()
    pair.primary.thaw()
    assert await asyncio.gather(*(keep(storage, "8") for _ in range(10))) == [0] * 10
    assert await storage.note("offset") == "8"
    assert await kept_at(pair.standby.url) == "8"
    assert await kept_at(pair.primary.url) == "6"


async def test_a_use_case_cancelled_at_a_vanished_server_ends_at_once_and_so_does_its_store(
    pair: FailoverPair,
) -> None:
    storage = await pair.open(HASTE)
    await storage.save_note("offset", "6")
    pair.primary.freeze()
    saving = asyncio.create_task(storage.save_note("offset", "7"))
    for _ in range(5):
        await asyncio.sleep(0)
    began = time.monotonic()
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert time.monotonic() - began < HASTE.use_case / 2
    began = time.monotonic()
    await storage.close()
    assert time.monotonic() - began < HASTE.host + 1


async def test_an_old_primary_that_waits_for_its_standby_acknowledges_nothing(
    pair: FailoverPair, storage: PostgresStorage
) -> None:
    await keep(storage, "6")
    pair.primary.kill()
    await pair.standby.promote()
    await keep(storage, "7")
    await pair.primary.start()
    await keep(storage, "8")
    assert await kept_at(pair.standby.url) == "8"
    # Who starts now takes the first host that writes, and is told of no success there.
    late = await pair.open(HASTE)
    with pytest.raises(StorageError, match="no answer in time"):
        await late.save_note("offset", "9")
    await late.close()


async def kept_at(url: str) -> str:
    async with connection_to(url) as owner:
        value: str = await owner.fetchval("select value from bell.note where name = 'offset'")
    return value


# --- who leads, and what is sent -----------------------------------------------------------------


class Duty:
    """A duty that several share, and who is on it."""

    def __init__(self) -> None:
        self.on: list[str] = []
        self.taken = 0
        self._changed = asyncio.Condition()

    def of(self, name: str) -> Callable[[], AbstractAsyncContextManager[None]]:
        @asynccontextmanager
        async def duty() -> AsyncIterator[None]:
            self.taken += 1
            await self._put([*self.on, name])
            yield
            await self._put([each for each in self.on if each != name])

        return duty

    async def _put(self, on: list[str]) -> None:
        async with self._changed:
            self.on = on
            self._changed.notify_all()

    async def is_one_ones(self, since: int) -> None:
        """Wait until it was taken up since, and one alone has it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.taken > since and len(self.on) == 1)


@pytest.mark.parametrize("loss", [Machine.kill, Machine.freeze])
async def test_a_role_is_taken_up_on_the_new_primary_within_thirty_seconds(
    pair: FailoverPair,
    storage: PostgresStorage,
    other: PostgresStorage,
    loss: Callable[[Machine], None],
) -> None:
    duty = Duty()
    leading = [
        asyncio.create_task(lead(store, RoleState("poller"), duty.of(name), RHYTHM))
        for name, store in (("one", storage), ("other", other))
    ]
    await duty.is_one_ones(since=0)
    loss(pair.primary)
    await pair.standby.promote()
    async with asyncio.timeout(TAKE_OVER):
        await duty.is_one_ones(since=1)
    for task in leading:
        task.cancel()
    await asyncio.wait(leading)


@pytest.mark.timeout(150)  # it waits for two servers and for what asyncpg gives up
async def test_bots_tell_everybody_once_through_a_failover_and_go_on(
    village: Village, pair: FailoverPair
) -> None:
    cluster = Cluster(village, pair)
    everybody = [village.reader.chat_id, *range(5001, 5061)]

    def told(signatures: str = "10,002") -> list[int]:
        """The chats that have heard of it, as often as they have."""
        return [chat for chat in everybody for _ in cluster.heard(chat, signatures)]

    async def only_leases_are_left() -> bool:
        """Whether all that was told is settled, and the rest was claimed when the primary went."""
        done, due = len(told()), await storage.next_due(utc_now())
        waiting = (await storage.tally()).waiting
        return waiting == len(everybody) - done and (due is None or due > utc_now() + LEASE / 2)

    storage = await pair.open()
    async with cluster.bell(), cluster.bell():
        await village.reader.subscribes()
        await cluster.follow(range(5001, 5061))
        await village.looked(2)
        village.site.edit(TEA, signature_count=10_002)
        await village.api.wait_for(lambda _: len(told()) > 20)
        pair.primary.kill()
        await pair.standby.promote()
        await keep(storage, "7")
        await until(only_leases_are_left)
        await village.looked(2)
    assert len(told()) > 40
    async with connection_to(pair.standby.url) as owner:
        await owner.execute(f"set search_path = {pair.schema}; {END_LEASES}")
    async with cluster.bell():
        await village.api.wait_for(lambda _: set(told()) == set(everybody), timeout=20)
        village.site.edit(TEA, signature_count=25_002)
        await village.api.wait_for(
            lambda _: set(told("25,000 signatures")) == set(everybody), timeout=20
        )
    assert sorted(told()) == sorted(told("25,000 signatures")) == sorted(everybody)
    await storage.close()
