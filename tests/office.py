"""A store, a messenger and a deliverer between them, with the clock in our hands."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import structs
from petitions import REF, petition
from structlog.testing import capture_logs
from telegram.ext import ExtBot
from telegram_stand_in import BotApi

from bot.app import utc_now
from bot.delivery.deliverer import Deliverer
from bot.delivery.rate_limiter import RateLimiter
from bot.demo.bot_api import TOKEN
from bot.petitions.events import Closed, Event, MilestoneReached, Occurrence, Threshold
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef
from bot.petitions.thresholds import is_on_ladder
from bot.subscriptions.subscription import Chat, Subscription
from bot.telegram.request import AiohttpRequest
from storage import Storage
from storage.tinydb.store import open_tiny

HURRY = 300  # the rate limiter's clock runs that much faster than ours


class Tripwire:
    """Counts the steps of a delivery, and fails at one of them if told to."""

    def __init__(self) -> None:
        self.step = 0
        self.busy = 0  # use cases of the storage under way
        self.fail_at = -1
        self.failure: Callable[[str], None] = lambda _: None

    def pass_by(self, what: str) -> None:
        self.step += 1
        if self.step == self.fail_at:
            self.failure(what)


class WiredStorage:
    """A storage whose every use case has a wire before it and one after it."""

    def __init__(self, storage: Storage, wire: Tripwire) -> None:
        self._storage = storage
        self._wire = wire

    def __getattr__(self, name: str) -> Any:
        use_case = getattr(self._storage, name)

        async def wired(*args: Any, **how: Any) -> Any:
            self._wire.busy += 1
            try:
                self._wire.pass_by("storage")
                result = await use_case(*args, **how)
                self._wire.pass_by("storage")
                return result
            finally:
                self._wire.busy -= 1

        return wired


class WiredRequest(AiohttpRequest):
    """Requests with a wire before Telegram has one and one after it has answered."""

    def __init__(self, wire: Tripwire) -> None:
        super().__init__()
        self._wire = wire

    async def do_request(self, *args: Any, **how: Any) -> tuple[int, bytes]:
        self._wire.pass_by("unsent")
        answer = await super().do_request(*args, **how)
        self._wire.pass_by("sent")
        return answer


class Office:
    """A store, a Bot API, and deliverers between them; time passes when told to."""

    def __init__(self, storage: Storage, api: BotApi, hurry: float = HURRY) -> None:
        self.storage = storage
        self.api = api
        self.wire = Tripwire()
        self.passed = timedelta()
        self.title = "Free tea in every library"
        self.hurry = hurry
        self.deliverer: Deliverer

    def now(self) -> Any:
        return utc_now() + self.passed

    async def welcome(self, *chats: int, thread_id: int | None = None) -> None:
        """Let chats follow the petition."""
        await self.storage.commit_poll(PetitionHistory(petition(), self.now()), [], self.now())
        for chat in chats:
            self.api.add_chat(chat, "private" if chat > 0 else "supergroup", title="Tea club")
            await self.storage.save_chat(Chat(chat, consented_at=self.now()))
            subscription = Subscription(chat, REF, self.now(), thread_id=thread_id)
            await self.storage.subscribe(subscription)

    async def ring(self, *milestones: int) -> None:
        """Milestones are reached, each in a look of its own."""
        for number in milestones:
            # So that every number is heard.
            official: Threshold | None = None if is_on_ladder(number) else "response"
            event = MilestoneReached(number, number + 2, official)
            occurrence = Occurrence(f"{REF}:{event.key}", REF, self.now(), event)
            known = PetitionHistory(
                petition(action=self.title, signature_count=number + 2), self.now()
            )
            await self.storage.commit_poll(known, [occurrence], self.now())

    def many(self, many: int) -> list[Petition]:
        """So many petitions, each with a title of its own."""
        refs = [PetitionRef("uk", 800_000 + number) for number in range(many)]
        return [structs.replace(petition(action=f"{self.title} {ref.id}"), ref=ref) for ref in refs]

    async def follow(self, chat: int, petitions: Iterable[Petition]) -> None:
        for each in petitions:
            await self.storage.commit_poll(PetitionHistory(each, self.now()), [], self.now())
            await self.storage.subscribe(Subscription(chat, each.ref, self.now()))

    async def close(self, petitions: Iterable[Petition], *, early: bool = False) -> None:
        """They close, each in a look of its own."""
        for each in petitions:
            await self.happens(each, Closed(each.signature_count, early=early))

    async def happens(self, to: Petition, event: Event) -> None:
        occurrence = Occurrence(f"{to.ref}:{event.key}", to.ref, self.now(), event)
        await self.storage.commit_poll(PetitionHistory(to, self.now()), [occurrence], self.now())

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[Deliverer]:
        request = WiredRequest(self.wire)
        rate_limiter = RateLimiter(
            now=lambda: time.monotonic() * self.hurry,
            sleep=lambda seconds: asyncio.sleep(seconds / self.hurry),
        )
        bot: ExtBot[Any] = ExtBot(
            TOKEN,
            self.api.base_url,
            request=request,
            get_updates_request=AiohttpRequest(),
            rate_limiter=rate_limiter,
        )
        await request.initialize()
        storage = cast(Storage, WiredStorage(self.storage, self.wire))
        self.deliverer = Deliverer(storage, bot, rate_limiter, self.now, jitter=lambda: 0.5)
        running = asyncio.create_task(self.deliverer.run())
        try:
            yield self.deliverer
        finally:
            self.deliverer.stop()
            await asyncio.wait([running])
            await request.shutdown()

    async def settled(self, waiting: int = 0) -> None:
        """Let as much time pass as it takes until only so many alerts wait."""
        async with asyncio.timeout(20):
            while (await self.storage.tally()).waiting > waiting:
                if self.deliverer.in_flight:
                    await asyncio.wait(
                        self.deliverer.in_flight, return_when=asyncio.FIRST_COMPLETED
                    )
                    continue
                due = await self.storage.next_due(self.now())
                if due and due > self.now() and not self.wire.busy:
                    self.passed += due - self.now()
                self.deliverer.wake()
                await asyncio.sleep(0)
            while self.deliverer.in_flight:
                await asyncio.wait(self.deliverer.in_flight)

    async def told(self) -> None:
        """Wait until no alert waits; no time passes."""
        while (await self.storage.tally()).waiting:
            self.deliverer.wake()
            await asyncio.sleep(0)

    def heard(self, chat: int) -> list[str]:
        """The first lines of what a chat got."""
        return [m["text"].partition("\n")[0] for m in self.api.messages(chat) if "text" in m]

    def rings(self, chat: int) -> Counter[str]:
        """Count how often a chat was told of each milestone."""
        return Counter(line.split()[1] for line in self.heard(chat))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    storage = await open_tiny(tmp_path / "bell.db", tmp_path / "bell.key")
    try:
        async with BotApi() as api:
            yield Office(storage, api)
    finally:
        await storage.close()


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """Yield the lines logged meanwhile, which tracebacks in colour would make slow."""
    with capture_logs() as lines:
        yield lines
