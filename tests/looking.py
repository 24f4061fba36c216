"""A site on loopback, and a poller that looks at it by a clock in our hands."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bell import open_petition, stamp
from msgspec import structs
from site_stand_in import PetitionsSite, SisterSite

from bot.petitions.events import Kind
from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.petition import PetitionRef
from bot.polling.outlook import Subject
from bot.polling.petitions_api import PetitionsApi, open_session
from bot.polling.poller import Poller
from bot.polling.site_state import SiteState
from bot.subscriptions.subscription import Chat, Rule, Subscription
from storage import Storage
from storage.tinydb.store import open_tiny

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


CHAT = 7


class Hours:
    """A wall clock and a steady one that stand still until they are moved."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Bench:
    """A poller between a site and a store."""

    def __init__(
        self,
        site: PetitionsSite,
        poller: Poller,
        storage: Storage,
        hours: Hours,
        name: str = "uk",
    ) -> None:
        self.site, self.poller, self.storage, self.hours = site, poller, storage, hours
        self.name = name

    def publish(self, number: int, **changes: object) -> None:
        dated = {"updated_at": stamp(START), "opened_at": stamp(START - timedelta(days=9))}
        self.site.put(number, open_petition(**{**dated, **changes}))

    async def follow(self, number: int, **changes: object) -> PetitionRef:
        self.publish(number, **changes)
        return await self.begin(PetitionRef("uk", number))

    async def begin(self, ref: PetitionRef) -> PetitionRef:
        """Follow what is on the site already."""
        watch = self.poller._sites[self.name]
        watch.budget.spend()
        await self.poller._looks.look_at(watch, ref, keep=True)
        await self.storage.subscribe(Subscription(CHAT, ref, START))
        return ref

    @property
    def in_flight(self) -> Mapping[Subject, asyncio.Task[None]]:
        return self.poller._sites[self.name].in_flight

    async def tick(self, hanging: Collection[Subject] = ()) -> None:
        """Let the poller ask, and whatever does not hang be answered and taken in."""
        await self.poller.tick()
        while tasks := [
            task
            for matter, task in self.in_flight.items()
            if matter not in hanging or task.cancelling()
        ]:
            await asyncio.wait(tasks)

    async def pass_time(
        self, seconds: int, step: int = 5, hanging: Collection[Subject] = ()
    ) -> None:
        for _ in range(0, seconds, step):
            self.hours.seconds += step
            await self.tick(hanging)

    async def owed(self) -> list[str]:
        """The keys of everything that waits to be told, each kind once a petition."""
        claimed = await self.storage.claim_deliveries(
            self.hours.now(), 100, timedelta(microseconds=1)
        )
        keys = [c.delivery.key for c in claimed]
        await self.storage.settle(*keys)
        return keys + await self.owed() if keys else []

    def asked(self, path: str) -> int:
        return len(self.site.seen(path))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with _bench(tmp_path) as made:
        yield made


@asynccontextmanager
async def _bench(folder: Path, a_minute: int = 60) -> AsyncIterator[Bench]:
    hours = Hours()
    async with bench_at(PetitionsSite(hours.now), hours, folder, a_minute) as bench:
        yield bench


@asynccontextmanager
async def bench_at(
    site: PetitionsSite,
    hours: Hours,
    folder: Path,
    a_minute: int = 60,
    name: str = "uk",
    *,
    in_both: bool = False,
) -> AsyncIterator[Bench]:
    """A poller that looks at that site, which goes by that name, `in_both` of its languages."""
    async with site, open_session("test") as session:
        storage = await open_tiny(folder / "bell.db", folder / "bell.key")
        described = site_like(name, DESCRIPTIONS[name], site.url)
        if in_both and isinstance(site, SisterSite):
            described = structs.replace(described, other_url=site.other_url)
        poller = Poller(
            [PetitionsApi(described, session, now=hours.now)],
            storage,
            hours.now,
            interval=timedelta(seconds=60),
            requests_per_minute=a_minute,
            on_deliveries=lambda: None,
            monotonic=hours.monotonic,
            jitter=lambda: 0.0,
        )
        try:
            yield Bench(site, poller, storage, hours, name)
        finally:
            await poller.drain(patience=0)
            await storage.close()


def patience(watch: SiteState) -> float:
    """Tenths of a second after which an answer is waited for no longer."""
    return next(tenths / 10 for tenths in range(999) if watch.hanging(tenths / 10))


async def listen(bench: Bench, *kinds: Kind) -> None:
    await bench.storage.save_chat(Chat(CHAT, consented_at=START))
    await bench.storage.save_rule(Rule(CHAT, "uk", START, kinds), START)
    await bench.pass_time(15)
