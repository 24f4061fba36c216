"""When a message may leave: Telegram's limits kept strictly, people served before alerts.

python-telegram-bot asks here before every request (`BaseRateLimiter` is its hook). Nothing is kept
but deadlines and the times of what has left, so that nothing can stay shut by accident.

Where several processes send for one bot, they share the overall rate through their store. What
each chat takes stays with each process: a chat's alerts are claimed one at a time, by one of them.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any, NamedTuple, TypeAlias

import structlog
from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from bot.cluster import SharedRate
from bot.petitions.errors import StorageError

# python-telegram-bot then gives `retry_after` as a timedelta, as its next major version will.
os.environ.setdefault("PTB_TIMEDELTA", "true")

log = structlog.get_logger(__name__)

ALERT = "alert"  # pass it as `rate_limit_args` with what nobody waits for

# https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
PER_SECOND = 30
SHARED_PER_SECOND = 29  # evenly spaced, with one to spare: messages do not travel equally fast
PER_GROUP_MINUTE = 20
BURST = 3  # answers a chat takes at once before one a second holds

_GROUP_WINDOW = 60.5  # a little longer than Telegram's: messages do not travel equally fast
_JOURNEY = 0.04  # a message counts from when its answer came, but no later than so long after
_EVEN = 0.1  # alerts leave spread over the second, so that a person never waits for a whole one
_SPREAD = 4
# So many chats refused within a second, with nothing accepted between, is a refusal of everything:
# a few chats that are refused each for itself come one after the other by chance.
_CHATS_AT_ONCE = 3
_AT_ONCE = 1.0
_RECOVERY = 0.25  # messages a second regained each second after Telegram refused everything
_PATIENCE = {True: 5.0, False: 60.0}  # how long an alert, or an answer, waits for a held chat
_ANSWER_TRIES = 3
_PLACE_TOLD_WITHIN = 1.0  # seconds that the store has to say when the next message may leave
_PLACE_WITHIN = 2.0  # seconds that the next place may be away unless everything is held
_COUNTED = ("send", "edit", "copy", "forward")

Result: TypeAlias = bool | dict[str, Any] | list[dict[str, Any]]


def seconds(error: RetryAfter) -> float:
    """How long Telegram wants us to wait."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


@dataclass(eq=False, slots=True)
class Departure:
    """A message that has left, and when it counts from."""

    at: float


class Window:
    """At most `most` messages within any `span` seconds."""

    def __init__(self, most: int, span: float) -> None:
        self.most = most
        self._span = span
        self._left: deque[Departure] = deque(maxlen=most)

    def free_at(self, ahead: int = 0, stretch: float = 1.0) -> float:
        """When a message may leave that has `ahead` others before it; long past if at any time.

        `stretch` makes the window longer.
        """
        index = len(self._left) + ahead - self.most
        if index < 0 or not self._left:
            return -inf
        return self._left[min(index, len(self._left) - 1)].at + self._span * stretch

    def room(self, now: float) -> int:
        """How many more may leave right now."""
        return self.most - sum(left.at + self._span > now for left in self._left)

    def count(self, departure: Departure) -> None:
        """One has left."""
        if self.most:
            self._left.append(departure)


@dataclass(slots=True)
class _Chat:
    """When a chat takes another message."""

    minute: Window | None = None
    spent_until: float = -inf  # every message uses up a second, one after the other
    held_until: float = -inf

    def free_at(self, alert: bool) -> float:
        credit = 0.0 if alert else BURST - 1.0
        minute = self.minute.free_at() if self.minute else -inf
        return max(self.held_until, self.spent_until - credit, minute)

    def count(self, departure: Departure) -> None:
        self.spent_until = max(self.spent_until, departure.at) + 1.0
        if self.minute:
            self.minute.count(departure)

    def idle(self, now: float) -> bool:
        busy = max(self.spent_until, self.held_until) > now
        return not busy and (self.minute is None or self.minute.room(now) == self.minute.most)


class _Refusal(NamedTuple):
    """Telegram did not want a message for a chat, and said for how long not."""

    chat: _Chat
    at: float
    wait: float


@dataclass(eq=False, slots=True)
class _Turn:
    """A message that waits to leave."""

    chat: _Chat
    alert: bool


@dataclass(slots=True)
class _Chats:
    """The chats that have been written to lately."""

    known: dict[int | str, _Chat] = field(default_factory=dict)
    sweep_at: int = 1000

    def get(self, chat_id: int | str, now: float) -> _Chat:
        chat = self.known.get(chat_id)
        if chat is None:
            if len(self.known) >= self.sweep_at:
                self._sweep(now)
            is_group = isinstance(chat_id, str) or chat_id < 0
            minute = Window(PER_GROUP_MINUTE, _GROUP_WINDOW) if is_group else None
            chat = self.known[chat_id] = _Chat(minute)
        return chat

    def _sweep(self, now: float) -> None:
        self.known = {id_: chat for id_, chat in self.known.items() if not chat.idle(now)}
        self.sweep_at = max(1000, 2 * len(self.known))


class _Places:
    """Places in the rate that all processes share, taken one by one as they are needed.

    Each is for whoever goes first when it comes: a person waits for no alert of this process, and
    for one of each other at most. A store that does not answer keeps nobody waiting for long: our
    own limits hold then.
    """

    def __init__(
        self,
        rate: SharedRate,
        sleep: Callable[[float], Awaitable[None]],
        *,
        cost: Callable[[], int],
        held: Callable[[float], None],
    ) -> None:
        self._rate = rate
        self._sleep = sleep
        self._cost = cost
        self._held = held
        self._numbers = count()
        self._waiting: list[tuple[bool, int, asyncio.Future[bool]]] = []
        self._serving: asyncio.Task[None] | None = None

    async def take(self, alert: bool) -> bool:
        """Wait for a place, behind every answer or whoever came earlier; False if all is held."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (alert, next(self._numbers), turn))
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        return await turn

    async def hold(self, seconds: float) -> None:
        """Let no process send for a while."""
        with suppress(StorageError, TimeoutError):
            async with asyncio.timeout(_PLACE_TOLD_WITHIN):
                await self._rate.hold(seconds)

    async def _serve(self) -> None:
        while self._waiting:
            wait = await self._next()
            if wait <= _PLACE_WITHIN:
                await self._sleep(wait)
                self._give(True)
                continue
            # Another process was refused by every chat.
            self._held(wait)
            while self._waiting:
                self._give(False)

    async def _next(self) -> float:
        try:
            async with asyncio.timeout(_PLACE_TOLD_WITHIN):
                return (await self._rate.slots(self._cost()))[0]
        except Exception as error:
            # Whatever it is, messages must not stop for good because of it.
            log.warning("the send rate cannot be shared now", error=type(error).__name__)
            return 0.0

    def _give(self, is_place: bool) -> None:
        while self._waiting:
            _, _, turn = heappop(self._waiting)
            if not turn.done():
                turn.set_result(is_place)
                return


class Pacer(BaseRateLimiter[Any]):
    """Lets every message to a chat wait for its turn; other requests pass.

    A refusal (429) holds back its chat until its deadline; when Telegram refuses several chats at
    once, everything, and the overall rate is halved and recovers slowly. Answers to
    people are tried again; an alert's `RetryAfter` is raised, so that it waits in the store, and so
    it is, without asking Telegram, where a chat would keep it waiting for more than a few seconds.

    With `paid_per_minute`, so many alerts a minute that would have to wait are broadcast for money;
    with `shared`, everything takes its place in a rate that other processes use too.
    """

    def __init__(
        self,
        *,
        paid_per_minute: int = 0,
        shared: SharedRate | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._places = (
            _Places(shared, sleep, cost=self._cost, held=self._hold_all) if shared else None
        )
        self._chats = _Chats()
        self._overall = Window(PER_SECOND, 1.0)
        self._spread = Window(_SPREAD, _EVEN)
        self._paid = Window(paid_per_minute, 60.0)
        self._answers: list[_Turn] = []
        self._alerts: list[_Turn] = []
        self._held_until = -inf
        self._rate_after_hold = float(PER_SECOND)
        self._refused: list[_Refusal] = []  # since something was accepted last

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to let go of."""

    @property
    def rate(self) -> float:
        """Messages a second that Telegram takes at present, as far as we know."""
        since = max(0.0, self._now() - self._held_until)
        return min(float(PER_SECOND), self._rate_after_hold + since * _RECOVERY)

    @property
    def held_for(self) -> float:
        """Seconds until anything may leave at all."""
        return max(0.0, self._held_until - self._now())

    def room(self, within: float) -> int:
        """How many more alerts to different chats may be taken on that leave within seconds."""
        now = self._now()
        if self._held_until > now:
            return 0
        soon = sum(turn.chat.free_at(alert=True) <= now + within for turn in self._alerts)
        return max(0, max(1, int(self.rate * within)) + self._paid.room(now) - soon)

    async def process_request(  # noqa: PLR0917 - python-telegram-bot's signature
        self,
        callback: Callable[..., Coroutine[Any, Any, Result]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: Any | None,
    ) -> Result:
        """Make the request when its turn has come; RetryAfter if that is too far away."""
        chat_id = data.get("chat_id")
        if chat_id is None or not endpoint.startswith(_COUNTED):
            return await callback(*args, **kwargs)
        alert = rate_limit_args == ALERT
        tries_left = 1 if alert else _ANSWER_TRIES
        while True:
            chat = self._chats.get(chat_id, self._now())
            departure, paid = await self._turn(chat, alert)
            if paid:
                data["allow_paid_broadcast"] = True
            tries_left -= 1
            try:
                result = await callback(*args, **kwargs)
            except RetryAfter as error:
                await self._hold(chat, seconds(error))
                if not tries_left:
                    raise
            else:
                self._refused.clear()
                return result
            finally:
                departure.at = min(self._now(), departure.at + _JOURNEY)

    async def _turn(self, chat: _Chat, alert: bool) -> tuple[Departure, bool]:
        """Wait until a message may leave, and count it; whether it has to be paid for."""
        turn = _Turn(chat, alert)
        queue = self._alerts if alert else self._answers
        queue.append(turn)
        has_place = self._places is None
        try:
            while True:
                now = self._now()
                free_at = self._chat_free_at(turn)
                if free_at - now > _PATIENCE[alert]:
                    raise RetryAfter(timedelta(seconds=free_at - now))
                waits_until = max(free_at, self._overall_free_at(turn, now))
                pays = alert and free_at <= now < waits_until and self._paid.room(now) > 0
                if pays or (has_place and waits_until <= now):
                    return self._count(turn, now, pays), pays
                if self._places and waits_until <= now:
                    has_place = await self._places.take(alert)
                else:
                    await self._sleep(waits_until - now)
                    has_place = self._places is None  # none is kept for later
        finally:
            queue.remove(turn)

    def _chat_free_at(self, turn: _Turn) -> float:
        return max(turn.chat.free_at(turn.alert), self._held_until)

    def _overall_free_at(self, turn: _Turn, now: float) -> float:
        """When there is a place left by all who go first: answers, then who came earlier."""
        stretch = PER_SECOND / self.rate
        if not turn.alert:
            return self._overall.free_at(self._ahead(self._answers, turn, now), stretch)
        answers = self._ahead(self._answers, turn, now)
        alerts = self._ahead(self._alerts, turn, now)
        return max(
            self._overall.free_at(answers + alerts, stretch), self._spread.free_at(alerts, stretch)
        )

    def _ahead(self, queue: list[_Turn], turn: _Turn, now: float) -> int:
        """How many in a queue go before `turn`; those whose chat is not free yet hold up nobody."""
        ahead = 0
        for other in queue:
            if other is turn:
                break
            ahead += other.chat.free_at(other.alert) <= now
        return ahead

    def _count(self, turn: _Turn, now: float, pays: bool) -> Departure:
        departure = Departure(now)
        turn.chat.count(departure)
        (self._paid if pays else self._overall).count(departure)
        if turn.alert and not pays:
            self._spread.count(Departure(now))
        return departure

    async def _hold(self, chat: _Chat, wait: float) -> None:
        now = self._now()
        chat.held_until = max(chat.held_until, now + wait)
        others = [
            each for each in self._refused if each.chat is not chat and now - each.at < _AT_ONCE
        ]
        self._refused = [*others, _Refusal(chat, now, wait)]
        if len(self._refused) >= _CHATS_AT_ONCE:
            await self._hold_everything(now, min(each.wait for each in self._refused))

    async def _hold_everything(self, now: float, wait: float) -> None:
        if self._held_until <= now:
            self._rate_after_hold = max(1.0, self.rate / 2)
            log.warning("Telegram refuses every chat", wait=wait, rate=self._rate_after_hold)
        self._hold_all(wait)
        if self._places:
            await self._places.hold(wait)

    def _hold_all(self, wait: float) -> None:
        self._held_until = max(self._held_until, self._now() + wait)

    def _cost(self) -> int:
        """How many places of the shared rate a message takes, now that Telegram takes fewer."""
        return round(PER_SECOND / self.rate)
