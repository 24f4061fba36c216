"""Lets messages leave within Telegram's limits, and serves people before alerts.

python-telegram-bot asks here before every request (`BaseRateLimiter` is its hook). Who goes next is
decided in `bot.delivery.send_queue`; nothing is kept but deadlines and the times of what has left,
so that nothing can stay shut by accident.

Where several processes send for one bot, they share the overall rate through their store. What
each chat takes stays with each process: a chat's alerts are claimed one at a time, by one of them.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from math import inf
from typing import Any, TypeAlias

import structlog
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError, TimedOut
from telegram.ext import BaseRateLimiter

from bot.delivery.global_pause import FIRST_PAUSE, PER_SECOND, GlobalPause
from bot.delivery.send_queue import (
    ANSWERS_PER_ALERT,
    MOST_WAITING,
    Chat,
    ChatId,
    Chats,
    Departure,
    QueuedMessage,
    SendQueue,
    Window,
    too_soon,
)
from bot.delivery.sent_messages import SentMessages
from bot.errors import StorageError
from bot.outages import IncidentLog
from bot.telegram.errors import NotConnected, is_lost
from bot.telegram.fading import NEVER
from storage.shared import SharedRate

# python-telegram-bot then gives `retry_after` as a timedelta, as its next major version will.
os.environ.setdefault("PTB_TIMEDELTA", "true")

log = structlog.get_logger(__name__)

ALERT = "alert"  # pass it as `rate_limit_args` with what nobody waits for

# https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
SHARED_PER_SECOND = 29  # evenly spaced, with one to spare: messages do not travel equally fast

_JOURNEY = 0.04  # a message counts from when its answer came, but no later than so long after
_EVEN = 0.1  # most leave spread over the second, so that a person never waits for a whole one
_SPREAD = 4
_PATIENCE = {True: 5.0, False: 60.0}  # how long an alert, or an answer, waits for a held chat
_ANSWER_TRIES = 3
# Before an answer that was not taken, for no fault of its own, is sent again. Nobody knows whether
# what failed so was carried out (a 502, a connection cut while it was answered): somebody who
# reads an answer twice is better off than one who reads none.
_TRIED_AGAIN_AFTER = (0.5, 1.0, 2.0, 4.0)
_TRIED_FOR = 30.0  # seconds, from the first try to the last
_AFTER_TIMEOUT = 1  # more tries of what may have arrived, and took longer than anybody waits
_HARMLESS = ("answer", "getChat", "getFile")  # to ask for twice; they belong to no chat's limits
_MANY_WAITING = 10 * PER_SECOND  # answers; a chat has no second one waiting then
_PLACE_TOLD_WITHIN = 1.0  # seconds that the store has to say when the next message may leave
_PLACE_WITHIN = 2.0  # seconds that the next place may be away unless everything is held
_TRIED_WITHIN = 75.0  # seconds in which somebody tries again whom nothing keeps from it
_COUNTED = ("send", "edit", "copy", "forward")
_TYPING = "sendChatAction"

Result: TypeAlias = bool | dict[str, Any] | list[dict[str, Any]]
Request: TypeAlias = Callable[[], Coroutine[Any, Any, Result]]


def seconds(error: RetryAfter) -> float:
    """Return the seconds that Telegram wants us to wait."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


class _Places:
    """The places in the rate that all processes share, taken one by one as they are needed.

    Each is for whoever goes first when it comes: a person waits for few alerts of this process, and
    for one of each other at most. A store that does not answer keeps nobody waiting for long: our
    own limits hold then.
    """

    def __init__(self, rate: SharedRate, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._incident = IncidentLog(log, "the send rate cannot be shared", monotonic)

    async def next(self, cost: int) -> float:
        """Take the next place; return in how many seconds it comes."""
        try:
            async with asyncio.timeout(_PLACE_TOLD_WITHIN):
                place = (await self._rate.slots(cost))[0]
        except Exception as error:
            # Whatever it is, messages must not stop for good because of it.
            self._incident.failed(type(error).__name__)
            return 0.0
        self._incident.recovered()
        return place

    async def pause(self, seconds: float) -> None:
        """Let no process send for a while."""
        with suppress(StorageError, TimeoutError):
            async with asyncio.timeout(_PLACE_TOLD_WITHIN):
                await self._rate.pause(seconds)


class RateLimiter(BaseRateLimiter[Any]):
    """The rate limiter that lets every message to a chat wait for its turn; other requests pass.

    A refusal (429) holds back its kind of method to its chat until its deadline. When Telegram
    refuses several chats at once, everything pauses for seconds, until a probe is taken
    (`GlobalPause`). Answers to people are tried again; an alert's `RetryAfter` is raised, so that
    it waits in the store. The same is raised without asking Telegram for an alert that would have
    to wait for more than a few seconds.

    An answer that is lost on its way is sent again a few times; an edit into what stands there
    already is refused here, in Telegram's words.

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
        self._places = _Places(shared, now) if shared else None
        self._chats = Chats()
        self._queue = SendQueue()
        # What another process writes into a message is not known here.
        self._sent = None if shared else SentMessages()
        self._pause = GlobalPause()
        self._waits_until = -inf  # the latest that a chat was told to wait until
        self._incident = IncidentLog(log, "Telegram may be limiting the whole bot", now)
        self._overall = Window(PER_SECOND, 1.0)
        self._spread = Window(_SPREAD, _EVEN)
        self._answers = Window(PER_SECOND, 1.0)  # to those who are not talkative
        self._answers_waiting = 0
        self._paid = Window(paid_per_minute, 60.0)
        self._methods: dict[str, float] = {}  # that name no chat: until when they were refused
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = inf
        self._fetching: asyncio.Task[None] | None = None
        self._is_place_here = False

    async def initialize(self) -> None:
        """Do nothing: there is nothing to prepare."""

    async def shutdown(self) -> None:
        """Let nothing more leave by itself."""
        for task in (self._alarm, self._fetching):
            if task is not None:
                task.cancel()

    def heard(self, chat_id: ChatId) -> None:
        """Take note that somebody asks in a chat; whoever asks least is answered first."""
        now = self._now()
        self._chats.get(chat_id, now).asks(now)

    def clamour(self, chat_id: ChatId) -> float:
        """Return how much is asked in a chat, for comparing: the chat with more goes behind."""
        chat = self._chats.known.get(chat_id)
        return chat.asked if chat else NEVER

    @property
    def rate(self) -> float:
        """Messages a second that Telegram takes at present, as far as we know."""
        return self._pause.rate(self._now())

    @property
    def paused_for(self) -> float:
        """Seconds until anything may leave at all."""
        return self._pause.seconds_left(self._now())

    @property
    def refused_for(self) -> float:
        """For how many seconds Telegram has refused everything, as far as can be known.

        Once the waits that it named are long over and nobody has tried since, nobody knows.
        """
        now = self._now()
        is_known = self._pause.is_on and now <= self._waits_until + _TRIED_WITHIN
        return now - self._pause.began_at if is_known else 0.0

    def room(self, within: float) -> int:
        """Return how many more alerts to different chats can leave within so many seconds."""
        now = self._now()
        if self._pause.seconds_left(now) > 0:
            return 0
        soon = sum(alert.free_at() <= now + within for alert in self._queue.alerts)
        if self._pause.is_on:
            return max(0, 1 - soon)  # a probe
        places = self._pause.rate(now) * within
        lately = self._answers.most - self._answers.room(now)
        answers = max(self._queue.answers_ready(), lately * within)
        share = max(places / (ANSWERS_PER_ALERT + 1), places - answers)
        return max(0, max(1, int(share)) + self._paid.room(now) - soon)

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
        request = partial(callback, *args, **kwargs)
        if endpoint.startswith(_HARMLESS):
            request = partial(self._insisting, request)
        if data.get("chat_id") is None:
            return await self._of_no_chat(request, _kind(endpoint))
        if self._sent:
            of_chat = partial(self._of_chat, request, endpoint, data, rate_limit_args == ALERT)
            return await self._sent.written(endpoint, data, of_chat)
        return await self._of_chat(request, endpoint, data, rate_limit_args == ALERT)

    async def _of_chat(
        self, request: Request, endpoint: str, data: dict[str, Any], alert: bool
    ) -> Result:
        """Make a request about a chat; one that counts as a message waits for the chat's limits."""
        chat, kind = self._chats.get(data["chat_id"], self._now()), _kind(endpoint)
        chat.in_work += 1
        try:
            if kind == _TYPING:
                self._type(chat)
            if kind == _TYPING or not endpoint.startswith(_COUNTED):
                return await self._uncounted(request, chat, kind)
            return await self._counted(request, data, chat, kind, alert)
        finally:
            chat.in_work -= 1

    async def _of_no_chat(self, request: Request, kind: str) -> Result:
        """Make a request about no chat at once; a refusal holds this method alone.

        It is not known for which chat it was refused, so that everybody has to wait, but for no
        longer than an inferred pause begins with.
        """
        _not_before(self._methods.get(kind, -inf), self._now())
        try:
            return await request()
        except RetryAfter as error:
            self._methods[kind] = self._now() + min(seconds(error), FIRST_PAUSE)
            raise

    async def _uncounted(self, request: Request, chat: Chat, kind: str) -> Result:
        """Make a request that is no message at once; a refusal holds its method and chat alone."""
        _not_before(chat.refused.get(kind, -inf), self._now())
        try:
            result = await request()
        except RetryAfter as error:
            chat.refused[kind] = self._now() + seconds(error)
            raise
        chat.refused.pop(kind, None)
        return result

    def _type(self, chat: Chat) -> None:
        """Count a note that we are typing, which is shown at once and before no message.

        Raises RetryAfter if it would have to wait.
        """
        now = self._now()
        opens_at = max(chat.free_at(_TYPING, alert=False), self._opens_at(now))
        if opens_at > now or self._pause.is_on or self._queue.first(now):
            raise too_soon(max(1.0, opens_at - now))
        departure = Departure(now)
        self._overall.count(departure)
        chat.count(departure, alert=True)

    async def _counted(
        self, request: Request, data: dict[str, Any], chat: Chat, kind: str, alert: bool
    ) -> Result:
        tries_left = 1 if alert else _ANSWER_TRIES
        again = _Tries(() if alert else _TRIED_AGAIN_AFTER, self._now() + _TRIED_FOR)
        if kind == "edit":
            again.timeouts_left = len(_TRIED_AGAIN_AFTER)  # an edit made twice is one
        while True:
            departure, paid = await self._turn(chat, kind, alert)
            if paid:
                data["allow_paid_broadcast"] = True
            try:
                return await self._made(request, chat, kind, departure)
            except RetryAfter as error:
                await self._refused(chat, kind, seconds(error), departure)
                tries_left -= 1
                if not tries_left:
                    raise
            except TelegramError as error:
                wait = again.wait(error, self._now())
                if wait is None:
                    raise
                log.info("an answer is sent again", kind=kind, error=type(error).__name__)
                await self._sleep(wait)

    async def _insisting(self, request: Request) -> Result:
        """Ask again for what may be asked for twice; not after a timeout, when it is too late."""
        again = _Tries(_TRIED_AGAIN_AFTER[:2], self._now() + _TRIED_FOR, timeouts_left=0)
        while True:
            try:
                return await request()
            except TelegramError as error:
                wait = again.wait(error, self._now())
                if wait is None:
                    raise
                await self._sleep(wait)

    async def _made(self, request: Request, chat: Chat, kind: str, departure: Departure) -> Result:
        try:
            result = await request()
        except (BadRequest, Forbidden, ChatMigrated):
            self._answered(chat, kind, departure)
            raise
        else:
            self._answered(chat, kind, departure)
            return result
        finally:
            departure.at = min(self._now(), departure.at + _JOURNEY)

    async def _turn(self, chat: Chat, kind: str, alert: bool) -> tuple[Departure, bool]:
        """Wait until a message may leave, and count it; return whether it has to be paid for.

        Raises RetryAfter if it would have to wait for too long.
        """
        now = self._now()
        most = MOST_WAITING if self._answers_waiting < _MANY_WAITING else 1
        if not alert and chat.answers_waiting >= most:
            raise too_soon(chat.free_at(kind, alert=False) - now)
        left: asyncio.Future[tuple[Departure, bool]] = asyncio.get_running_loop().create_future()
        queued = QueuedMessage(chat, kind, alert, _PATIENCE[alert], left)
        chat.answers_waiting += not alert
        self._answers_waiting += not alert
        try:
            self._queue.add(queued, now)
            self._let_go(now)
            return await left
        finally:
            chat.answers_waiting -= not alert
            self._answers_waiting -= not alert

    # --- who leaves

    def _let_go(self, now: float) -> None:
        """Let everybody go who may now, and come back when another may."""
        self._queue.ripen(now)
        pause = self._pause.seconds_left(now)
        if pause > _PATIENCE[True]:
            self._queue.give_up_alerts(pause)
        come_back_at = inf
        while self._queue.first(now):
            opens_at = self._opens_at(now)
            if opens_at > now:
                come_back_at = opens_at
                break
            if not self._take_place():
                break  # until a place comes
            self._let_next_go(now)
        self._let_paid_go(now)
        self._come_back(min(come_back_at, self._queue.ripens_at()), now)

    def _opens_at(self, now: float) -> float:
        """Return when another message may leave, whoever goes first; past if it may now."""
        if self._pause.seconds_left(now) > 0:
            return self._pause.until
        stretch = PER_SECOND / self._pause.rate(now)
        opens_at = self._overall.free_at(stretch=stretch)
        is_easy = self._overall.free_at(PER_SECOND // 2, stretch) <= now
        if is_easy and self._queue.first_answer(now):
            return opens_at
        return max(opens_at, self._spread.free_at(stretch=stretch))

    def _let_next_go(self, now: float) -> None:
        is_probe = self._pause.is_on
        queued = self._queue.probe(now) if is_probe else self._queue.first(now)
        if queued is None:
            return
        departure = Departure(now, now, is_probe)
        if is_probe:
            self._pause.probed(now)
        self._overall.count(departure)
        self._spread.count(Departure(now))
        if not queued.alert and queued.chat.quiet_at() <= now:
            self._answers.count(departure)
        self._queue.left(queued)
        self._leaves(queued, departure, paid=False)

    def _let_paid_go(self, now: float) -> None:
        while not self._pause.is_on and self._paid.room(now) > 0:
            alert = self._queue.first_alert(now)
            if alert is None:
                return
            departure = Departure(now, now)
            self._paid.count(departure)
            self._leaves(alert, departure, paid=True)

    def _leaves(self, queued: QueuedMessage, departure: Departure, *, paid: bool) -> None:
        queued.chat.count(departure, alert=queued.alert)
        queued.left.set_result((departure, paid))

    def _come_back(self, at: float, now: float) -> None:
        if at == inf or self._alarm_at <= at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = asyncio.create_task(self._ring(at - now))

    async def _ring(self, seconds: float) -> None:
        await self._sleep(seconds)
        self._alarm, self._alarm_at = None, inf
        self._let_go(self._now())

    # --- the rate that is shared

    def _take_place(self) -> bool:
        """Return whether one more may leave; where places are shared, fetch one if not."""
        if self._places is None or self._is_place_here:
            self._is_place_here = False
            return True
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(self._places))
        return False

    async def _fetch(self, places: _Places) -> None:
        wait = await places.next(round(PER_SECOND / self.rate))
        if wait <= _PLACE_WITHIN:
            await self._sleep(wait)
            self._is_place_here = True
        else:
            # Another process was refused by every chat.
            self._pause.join(self._now(), wait)
        self._fetching = None
        self._let_go(self._now())
        self._is_place_here = False  # none is kept for later

    # --- what Telegram says

    def _answered(self, chat: Chat, kind: str, departure: Departure) -> None:
        """Note that Telegram took a message, or refused it for another reason than its rate."""
        chat.refused.pop(kind, None)
        now, was_on = self._now(), self._pause.is_on
        self._pause.accepted(departure, now)
        if was_on and not self._pause.is_on:
            self._incident.recovered()
            self._let_go(now)

    async def _refused(self, chat: Chat, kind: str, wait: float, departure: Departure) -> None:
        now = self._now()
        is_news = not chat.refused
        chat.refused[kind] = max(chat.refused.get(kind, -inf), now + wait)
        self._waits_until = max(self._waits_until, now + wait)
        paused = self._pause.refused(chat.id, departure, now, is_news=is_news)
        if paused is None:
            return
        self._incident.failed("flood limit", wait=paused, rate=self._pause.rate(now))
        self._let_go(now)
        if self._places:
            await self._places.pause(paused)


@dataclass(slots=True)
class _Tries:
    """The waits before each new try of what failed on its way, and until when to try."""

    waits: Sequence[float]
    until: float
    timeouts_left: int = _AFTER_TIMEOUT

    def wait(self, error: TelegramError, now: float) -> float | None:
        """Return the seconds to wait; None if what Telegram said is final, or enough was tried."""
        if not is_lost(error) or not self.waits or now + self.waits[0] > self.until:
            return None
        if isinstance(error, TimedOut) and not isinstance(error, NotConnected):
            if not self.timeouts_left:
                return None
            self.timeouts_left -= 1
        wait, *self.waits = self.waits
        return wait


def _kind(endpoint: str) -> str:
    """Return the name of the methods that one wait holds for: edits of any kind are one."""
    return "edit" if endpoint.startswith("edit") else endpoint


def _not_before(until: float, now: float) -> None:
    if until > now:
        raise too_soon(until - now)
