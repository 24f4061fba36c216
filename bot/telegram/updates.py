"""Receives updates: they come as raw JSON, and are decoded and handed on one by one.

One update that cannot be decoded is stepped over. Nothing that Telegram answers, or does not
answer, ends the asking.
"""

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias
from urllib.parse import urlencode

import structlog
from telegram import Bot, Update

from bot.telegram.decoding import (
    LARGEST_ID,
    Cause,
    Failure,
    Undecodable,
    decode,
    failure_of,
    number_of,
    read_answer,
)
from bot.telegram.floods import Floods, Verdict
from bot.telegram.reception import Outcome, Reception
from bot.telegram.request import AiohttpRequest

log = structlog.get_logger(__name__)

Accept: TypeAlias = Callable[[Update], Awaitable[None]]

REMEMBERED = 2048  # updates: many times what Telegram has under way at once
_LONGEST_WAIT = 30.0
_AT_MOST_EVERY = 1.0  # an answer with nothing in it that comes at once is not asked for at once
_STOPPING = 2.0
_TRIES_ALONE = 3
_MOST_AT_ONCE = 100  # updates in an answer, as Telegram has it
_FIRST_ID = re.compile(rb'"update_id"\s*:\s*([0-9]{1,19})\b')


class Replays:
    """The numbers of the newest updates, by which one that comes again is known."""

    def __init__(self) -> None:
        self._seen: OrderedDict[int, None] = OrderedDict()

    def __contains__(self, number: int) -> bool:
        return number in self._seen

    def add(self, number: int) -> None:
        """Remember an update that is done with."""
        self._seen[number] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)


class Receiver:
    """The receiver of updates: as long as it is open it asks for them, and hands each to `accept`.

    What has been accepted is confirmed with the next question, or when this ends: what comes in
    waits at Telegram while `accept` waits, and nothing is lost in between.
    """

    def __init__(
        self,
        bot: Bot,
        request: AiohttpRequest,
        accept: Accept,
        reception: Reception,
        allowed_updates: Sequence[str],
        *,
        floods: Floods | None = None,
        poll: float = 10.0,
        margin: float = 10.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bot = bot
        self._request = request
        self._accept = accept
        self._reception = reception
        self._floods = floods or Floods()
        self._allowed = json.dumps(list(allowed_updates))
        self._poll = poll
        self._margin = margin
        self._sleep = sleep
        self._replays = Replays()
        self._offset: int | None = None
        self._confirmed: int | None = None
        self._failures = 0
        self._unreadable_in_a_row = 0
        self._has_webhook = True  # perhaps, of before
        self._is_full = False  # the last answer: more may wait at Telegram

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[None]:
        """Ask until this ends; then confirm what was accepted last."""
        # Another may have read on while we were not on duty, so the numbers of before are stale.
        self._offset = self._confirmed = None
        self._failures, self._has_webhook = 0, True
        await self._request.initialize()
        self._reception.begins()
        task = asyncio.create_task(self._run(), name="receiver")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            await self._confirm()
            self._reception.ends()
            await self._request.shutdown()

    async def _run(self) -> None:
        while True:
            try:
                wait = await self._turn()
            except Exception as error:
                self._reception.own_faults.failed(type(error).__name__, exc_info=True)
                wait = self._failed(Failure(Cause.STRANGE, "error"))
            if wait > 0:
                await self._sleep(wait)

    async def _turn(self) -> float:
        """Ask once and hand on what comes; return for how many seconds not to ask again."""
        asked = time.monotonic()
        answer = await self._asked()
        if isinstance(answer, Failure):
            return self._failed(answer)
        self._reception.answered()
        if answer and not await self._take(answer):
            return self._failed(Failure(Cause.STRANGE, "nothing new"))
        self._failures = self._unreadable_in_a_row = 0
        return 0.0 if answer else asked + _AT_MOST_EVERY - time.monotonic()

    def _failed(self, failure: Failure) -> float:
        wait = max(failure.retry_after, min(2.0**self._failures, _LONGEST_WAIT))
        self._failures = min(self._failures + 1, 10)
        self._has_webhook = self._has_webhook or failure.cause is Cause.WEBHOOK
        self._reception.failed(failure, wait)
        return wait

    async def _asked(self) -> list[bytes] | Failure:
        try:
            async with asyncio.timeout(self._poll + self._margin):
                if self._has_webhook:
                    await self._bot.delete_webhook()
                    self._has_webhook = False
                status, body = await self._call(
                    self._poll, limit=1 if self._unreadable_in_a_row else _MOST_AT_ONCE
                )
        except Exception as error:
            return failure_of(error)
        answer = read_answer(status, body)
        if status == 200 and isinstance(answer, Failure):
            self._step_over(body)
        return answer

    async def _call(self, poll: float, *, limit: int) -> tuple[int, bytes]:
        offset = self._offset
        asked = {"timeout": int(poll), "limit": limit, "allowed_updates": self._allowed}
        if offset is not None:
            asked["offset"] = offset
        status, body = await self._request.do_request(
            f"{self._bot.base_url}/getUpdates?{urlencode(asked)}",
            "POST",
            read_timeout=poll + self._margin,
        )
        if status == 200:
            self._confirmed = offset
        return status, body

    def _step_over(self, body: bytes) -> None:
        """Ask for one update at a time after an answer that is no JSON, until that is past."""
        self._unreadable_in_a_row += 1
        first = _FIRST_ID.search(body)
        if self._unreadable_in_a_row > _TRIES_ALONE and first and int(first[1]) < LARGEST_ID:
            self._offset = int(first[1]) + 1
            self._reception.skipped(Undecodable(int(first[1]), "unknown", "JSON"))

    async def _take(self, raws: list[bytes]) -> bool:
        """Hand on the updates that are new; return whether any was."""
        is_news, was_full = False, self._is_full
        self._is_full = len(raws) >= _MOST_AT_ONCE
        self._floods.answer_begins(is_behind=was_full and self._is_full)
        for raw in raws:
            number = number_of(raw)
            if number is not None and number in self._replays:
                self._reception.took(Outcome.REPLAY)
            else:
                await self._handle(raw)
                is_news = is_news or number is not None
            if number is not None:
                self._replays.add(number)
                self._offset = number + 1
        return is_news

    async def _handle(self, raw: bytes) -> None:
        verdict = self._floods.judge(raw)
        if verdict is Verdict.DROP:
            self._reception.took(Outcome.FLOOD)
            return
        update = decode(raw, self._bot)
        if isinstance(update, Undecodable):
            self._reception.skipped(update)
            return
        if verdict is Verdict.REFUSE:
            self._floods.refuse(update)
            self._reception.took(Outcome.FLOOD)
            return
        self._reception.waits(for_room=True)
        try:
            await self._accept(update)
        except Exception as error:
            self._reception.own_faults.failed(type(error).__name__, exc_info=True)
            self._reception.took(Outcome.FAILED)
        else:
            self._reception.own_faults.recovered()
            self._reception.took(Outcome.TAKEN)
        finally:
            self._reception.waits(for_room=False)

    async def _confirm(self) -> None:
        """Let Telegram forget what was accepted; where it does not hear that, it comes again."""
        if self._offset == self._confirmed or self._reception.is_failing:
            return
        with suppress(Exception):
            async with asyncio.timeout(_STOPPING):
                await self._call(0.0, limit=1)
