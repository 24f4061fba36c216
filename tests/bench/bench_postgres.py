"""PostgreSQL from 10,000 to 1,000,000 subscriptions: one event's fan-out, and draining it together.

A tenth of all subscriptions are to the petition that something happens to, on fifty preferences,
and a rule brings in a hundredth as many chats again. Four processes then claim and settle what is
owed, at the rate that they share: how exactly they keep it is printed, and beside it what they
could do without one.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from postgres import PostgresGround, as_owner

from bot.operations.leadership import shared_rate
from bot.petitions.events import MilestoneReached, Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef
from bot.subscriptions.matching import source_of
from bot.subscriptions.preferences import EffectivePreferences
from bot.subscriptions.subscription import Preferences, Quiet, Rule, Subscription
from storage.key_file import KeyRing
from storage.postgres.row_cipher import Address, RowCipher
from storage.postgres.store import PostgresStorage, open_postgres

SIZES = (10_000, 100_000, 1_000_000)
POLICIES = 50
RULED = 1_000  # one in so many subscriptions is a rule instead
FOLLOWED = 10  # petitions; the event concerns one of them
PROCESSES = 4
BATCH = 50
SHARED = 500.0  # a second
DRAINED_AT_A_RATE = 5_000
DRAINED_FREELY = 4_000
NOON = datetime(2026, 3, 6, 12, tzinfo=UTC)
LEASE = timedelta(minutes=10)


class Figures(NamedTuple):
    """What one size measured, in seconds unless it says otherwise."""

    subscriptions: int
    owed: int
    fan_out: float
    first_claim: float
    freely: float  # deliveries a second


def petition(number: int) -> PetitionHistory:
    ref = PetitionRef("uk", number)
    about = Petition(
        ref=ref, url="https://petition.example", action="Act", state="open", signature_count=9_000
    )
    return PetitionHistory(about, NOON)


def happened(number: int, milestone: int) -> Occurrence:
    event, ref = MilestoneReached(milestone, milestone + 1), PetitionRef("uk", number)
    return Occurrence(f"{ref}:{event.key}", ref, NOON, event)


async def settle_in(storage: PostgresStorage, ground: PostgresGround, size: int) -> None:
    """Let `size` chats follow one petition each; by COPY, since only the outcome matters here."""
    for number in range(FOLLOWED):
        await storage.commit_poll(petition(number), [], NOON)
    cipher = storage._cipher
    policies = [_policy(number) for number in range(POLICIES)]
    marks = [cipher.mark(each) for each in policies]
    tables: dict[str, tuple[Iterator[tuple[Any, ...]], tuple[str, ...]]] = {
        "policy": (
            ((cipher.mark(each), cipher.seal_preferences(each)) for each in policies),
            ("mark", "sealed"),
        ),
        "subscription": (
            _rows(cipher, marks, size),
            ("chat", "petition", "resting", "policy", "sealed"),
        ),
        "rule": (_rules(cipher, size), ("chat", "number", "site", "changed", "sealed")),
    }
    async with as_owner(ground.schema) as owner:
        for table, (rows, columns) in tables.items():
            await owner.copy_records_to_table(table, records=rows, columns=columns)
        await owner.execute("update rulebook set version = 1")
        await owner.execute("analyze")


def _policy(number: int) -> EffectivePreferences:
    """Quiet hours long past at noon, so that everybody is owed at once."""
    own = Subscription(1, PetitionRef("uk", 0), NOON)
    return source_of(own, Preferences(quiet=Quiet(number, 6 * 60) if number else None)).effective


def _rows(cipher: RowCipher, marks: list[bytes], size: int) -> Iterator[tuple[Any, ...]]:
    for chat in range(1, size + 1):
        ref = PetitionRef("uk", chat % FOLLOWED)
        at, mark = NOON + timedelta(seconds=chat), marks[chat // FOLLOWED % POLICIES]
        sealed = cipher.seal_address(Address(chat, ref, created_at=at))
        yield cipher.handle(chat), cipher.petition(ref), False, mark, sealed


def _rules(cipher: RowCipher, size: int) -> Iterator[tuple[Any, ...]]:
    for chat in range(size + 1, size + 1 + size // RULED):
        rule = Rule(chat, "uk", NOON, ("threshold", "milestone"), 1, words=("act",))
        yield cipher.handle(chat), 1, cipher.site("uk"), 1, cipher.seal_rule(rule)


async def measured(ground: PostgresGround, storage: PostgresStorage, size: int) -> Figures:
    started = time.perf_counter()
    owed = await storage.commit_poll(petition(0), [happened(0, 10_000)], NOON)
    fan_out = time.perf_counter() - started
    started = time.perf_counter()
    first = await storage.claim_deliveries(NOON, 1, LEASE)
    first_claim = time.perf_counter() - started
    await storage.settle(*(each.delivery.key for each in first))
    count = min(owed - 1, DRAINED_FREELY) // PROCESSES
    times = await together(ground, count, 0.0)
    freely = len(times) / (times[-1] - times[0])
    return Figures(size, owed, fan_out, first_claim, freely)


async def together(ground: PostgresGround, count: int, rate: float) -> list[float]:
    """Let the processes drain `count` deliveries each; when each was sent, in order."""
    command = [sys.executable, __file__, ground.url, str(ground.key_file), str(count), str(rate)]
    running = [
        await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(PROCESSES)
    ]
    for each in running:  # all are ready before any begins
        assert each.stdout is not None
        await each.stdout.readline()
    answers = await asyncio.gather(*(each.communicate(b"go\n") for each in running))
    keys = [line.split()[0] for out, _ in answers for line in out.splitlines()]
    assert len(set(keys)) == len(keys), "a delivery was sent twice"
    return sorted(float(line.split()[1]) for out, _ in answers for line in out.splitlines())


async def drain(url: str, key_file: str, count: int, per_second: float) -> None:
    """One of the processes: claim, wait for the slot, `send`, settle."""
    storage = await open_postgres(url, KeyRing(Path(key_file)))
    rate = shared_rate(storage, "telegram", per_second) if per_second else None
    await storage.tally()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    sent: list[tuple[str, float]] = []
    while len(sent) < count:
        batch = await storage.claim_deliveries(NOON, min(BATCH, count - len(sent)), LEASE)
        if not batch:
            raise SystemExit("nothing is left to drain")
        now = time.time()
        slots = [now + at for at in await rate.slots(len(batch))] if rate else [now] * len(batch)
        for claimed, slot in zip(batch, slots, strict=True):
            await asyncio.sleep(max(0.0, slot - time.time()))
            sent.append((claimed.delivery.key, time.time()))
        await storage.settle(*(each.delivery.key for each in batch))
    await storage.close()
    print("\n".join(f"{key} {at!r}" for key, at in sent))


def busiest(times: list[float]) -> int:
    """The most sends within any one second."""
    return max(sum(start <= at < start + 1.0 for at in times) for start in times[::20])


async def bench() -> None:
    print(f"PostgreSQL on this machine, {os.cpu_count()} processors, fsync off; {PROCESSES} drain")
    heads = ("subscriptions", "owed", "fan-out", "per 1,000", "1st claim", "drained/s")
    print("{:>13} {:>8} {:>9} {:>9} {:>9} {:>9}".format(*heads))
    base: Figures | None = None
    for size in SIZES:
        with TemporaryDirectory() as folder:
            ground = PostgresGround(Path(folder))
            storage = await ground.open()
            await settle_in(storage, ground, size)
            found = await measured(ground, storage, size)
            base = base or found
            show(found, base)
            if size == SIZES[-1]:
                await show_rate(ground)
            await storage.close()
            async with as_owner("public") as owner:
                await owner.execute(f"drop schema {ground.schema} cascade")


def show(found: Figures, base: Figures) -> None:
    each, each_at_first = found.fan_out / found.owed, base.fan_out / base.owed
    print(
        f"{found.subscriptions:>13,} {found.owed:>8,} {found.fan_out:>8.2f}s"
        f" {each * 1e6:>7.1f}ms {found.first_claim * 1e3:>7.1f}ms {found.freely:>9,.0f}"
        f"   fan-out x{each / each_at_first:.2f} each, drained x{found.freely / base.freely:.2f}",
        flush=True,
    )


async def show_rate(ground: PostgresGround) -> None:
    times = await together(ground, DRAINED_AT_A_RATE // PROCESSES, SHARED)
    kept = (len(times) - 1) / (times[-1] - times[0])
    print(
        f"{len(times):,} sent at a shared {SHARED:.0f}/s: {kept:.1f}/s, x{kept / SHARED:.3f};"
        f" at most {busiest(times)} in any second"
    )


def main() -> None:
    if len(sys.argv) == 5:
        _, url, key_file, count, rate = sys.argv
        asyncio.run(drain(url, key_file, int(count), float(rate)))
    else:
        asyncio.run(bench())


if __name__ == "__main__":
    main()
