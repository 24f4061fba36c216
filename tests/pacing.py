"""Telegram on a clock that the tests move: notes what left when, and refuses what it is told to."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from heapq import heappop, heappush
from itertools import count
from typing import Any

from telegram.error import RetryAfter

from bot.delivery.rate_limiter import ALERT, SHARED_PER_SECOND, RateLimiter, seconds
from bot.errors import StorageError

Times = list[tuple[float, int]]  # when a message left, and to which chat


class Clock:
    """A clock that stands still while anybody works, and jumps to whoever wakes next."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        wake = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self.now + seconds, next(self._numbers), wake))
        await wake

    async def run(self, *work: Coroutine[Any, Any, Any]) -> list[Any]:
        """The results (or errors) of everything in `work`, however long that takes."""
        together = asyncio.gather(*work, return_exceptions=True)
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
        while True:
            await asyncio.sleep(0)
            while ready:  # noqa: ASYNC110 - nobody announces that all wait for the clock
                await asyncio.sleep(0)
            if together.done():
                return list(together.result())
            at, _, wake = heappop(self._sleepers)
            self.now = max(self.now, at)
            if not wake.done():
                wake.set_result(None)


class OneRate:
    """A rate that several share, on the tests' clock; may be out of reach."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.next = clock.now
        self.away = False

    async def slots(self, count: int) -> list[float]:
        if self.away:
            raise StorageError("no connection")
        first = max(self.next, self.clock.now)
        self.next = first + count / SHARED_PER_SECOND
        return [first - self.clock.now + number / SHARED_PER_SECOND for number in range(count)]

    async def pause(self, seconds: float) -> None:
        self.next = max(self.next, self.clock.now + seconds)


class Telegram:
    """Notes what left when; refuses what it is told to."""

    def __init__(self, paid_per_minute: int = 0, shared: OneRate | None = None) -> None:
        self.clock = shared.clock if shared else Clock()
        self.rate_limiter = RateLimiter(
            paid_per_minute=paid_per_minute,
            shared=shared,
            now=self.clock,
            sleep=self.clock.sleep,
        )
        self.left: Times = []
        self.paid: Times = []
        self.refusals: defaultdict[int, list[Exception]] = defaultdict(list)
        self.slow: dict[int, float] = {}  # chats that refuse every message, for so long
        self.refuses_all: float | None = None  # likewise, every message
        self.journey = 0.0
        self.began = self.clock.now

    async def post(self, _endpoint: str, data: dict[str, Any]) -> bool:
        chat_id = data.get("chat_id", 0)
        times = self.paid if data.get("allow_paid_broadcast") else self.left
        times.append((self.clock.now - self.began, chat_id))
        if self.refusals[chat_id]:
            raise self.refusals[chat_id].pop(0)
        if self.journey:
            await self.clock.sleep(self.journey)
        if chat_id in self.slow or self.refuses_all:
            raise RetryAfter(int(self.slow.get(chat_id, self.refuses_all or 0)))
        return True

    async def send(self, chat_id: int, *, alert: bool = True, endpoint: str = "sendMessage") -> Any:
        data = {"chat_id": chat_id}
        return await self.rate_limiter.process_request(
            self.post, (endpoint, data), {}, endpoint, data, ALERT if alert else None
        )

    async def asks(self, endpoint: str) -> Any:
        """A method that names no chat."""
        return await self.rate_limiter.process_request(
            self.post, (endpoint, {}), {}, endpoint, {}, None
        )

    async def later(self, seconds: float, work: Coroutine[Any, Any, Any]) -> Any:
        await self.clock.sleep(seconds)
        return await work

    async def refuse_all(self, seconds: int) -> None:
        """Three chats are refused one after the other."""
        for chat in (1, 2, 3):
            self.refusals[chat] = [RetryAfter(seconds)]
        await self.clock.run(*(self.send(chat) for chat in (1, 2, 3)))

    def when(self, chat_id: int) -> list[float]:
        return [at for at, chat in self.left if chat == chat_id]


async def result_of(telegram: Telegram, work: Coroutine[Any, Any, Any]) -> Any:
    """Waits for one piece of work, however long that takes on the tests' clock."""
    [result] = await telegram.clock.run(work)
    return result


def waits(result: Any) -> float:
    """Returns how long somebody is to wait who came too soon, in seconds."""
    assert isinstance(result, RetryAfter)
    return round(seconds(result), 6)


def most_within(times: list[float], span: float) -> int:
    """The most messages in any half-open window of that length."""
    return max(sum(start <= at < start + span for at in times) for start in times)
