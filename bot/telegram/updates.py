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
from enum import StrEnum
from functools import cache
from inspect import signature
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlencode

import msgspec
import structlog
from telegram import Bot, Chat, Message, MessageEntity, TelegramObject, Update, User
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.incidents import IncidentLog
from bot.messages.i18n import Said, marked
from bot.network_faults import remedy_of
from bot.telegram.answers import LARGEST_CHAT
from bot.telegram.floods import Floods, Verdict
from bot.telegram.request import AiohttpRequest

log = structlog.get_logger(__name__)

Accept: TypeAlias = Callable[[Update], Awaitable[None]]

REMEMBERED = 2048  # updates: many times what Telegram has under way at once
SILENT_TOO_LONG = 60.0  # seconds without a good answer
_LINE_EVERY = 60.0
_AFTER_THE_LAST = 50.0  # seconds for which what happens now and then is believed to go on
_TOO_MANY = 3  # once or twice is chance
_TOLD_FOR = 600.0  # seconds for which an update that was stepped over stays a trouble
_LONGEST_WAIT = 30.0
_LONGEST_ASKED = 3600.0  # a wait that Telegram names is kept, up to this
_AT_MOST_EVERY = 1.0  # an answer with nothing in it that comes at once is not asked for at once
_STOPPING = 2.0
_LONGEST_DETAIL = 100  # characters of what a server says
_TRIES_ALONE = 3
_MOST_AT_ONCE = 100  # updates in an answer, as Telegram has it
_LARGEST_ID = 2**63 - 1
_FIRST_ID = re.compile(rb'"update_id"\s*:\s*([0-9]{1,19})\b')
_STARTS_WITH_ID = re.compile(rb'\s*\{\s*"update_id"\s*:\s*([0-9]{1,19})\s*[,}]')
_RESULTS = re.compile(rb'\s*\{\s*"ok"\s*:\s*true\s*,\s*"result"\s*:\s*\[')
_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# An escaped backslash or a whole pair goes by; what is left of such is half a character.
_HALF = re.compile(rf"(\\\\|{_HIGH}{_LOW})|{_HIGH}|{_LOW}")


class Cause(StrEnum):
    """The reason why no updates come in."""

    TOKEN = marked("Telegram rejected the token")
    OTHER_PROGRAM = marked("another program is receiving this bot's updates")
    WEBHOOK = marked("a webhook is set")
    UNREACHABLE = marked("Telegram can't be reached")
    SLOWED = marked("Telegram asks the bot to wait")
    STRANGE = marked("Telegram's answers can't be read")
    FULL = marked("more is waiting than the bot can handle")

    @property
    def said(self) -> Said:
        """The same, to be said in any language."""
        return Said(self.value)


class Outcome(StrEnum):
    """The outcome of an update that has come in."""

    TAKEN = "taken"
    REPLAY = "replay"
    UNDECODABLE = "undecodable"
    FLOOD = "flood"  # one too many of a person who sends far more than anybody needs
    FAILED = "failed"


class Undecodable(NamedTuple):
    """An update that cannot be made sense of; without a number it is hardly an update at all."""

    number: int | None
    kind: str
    error: str


class Failure(NamedTuple):
    """An answer that brings nothing, and what is known of the reason."""

    cause: Cause
    detail: str
    retry_after: float = 0.0


# --- decoding ------------------------------------------------------------------------------------


class _Numbered(msgspec.Struct):
    update_id: int


def decode(body: bytes, bot: Bot) -> Update | Undecodable:
    """Decode one update; return Undecodable if anything is wrong with it. Never raises."""
    number = number_of(body)
    data: Any = None
    try:
        data = json.loads(_well_formed(body))
        # The library takes what it is given apart, so that `data` still tells the kind below.
        update = Update.de_json(data, bot)
        lacking = _lacking(update)
    except Exception as error:
        return Undecodable(number, _kind(data), type(error).__name__)
    if lacking or number is None:
        return Undecodable(number, _kind(data), lacking or "update_id")
    return update


def _lacking(update: Update) -> str:
    """Name what is wrong though the library lets it pass, such as a message without its chat.

    "" if nothing is.
    """
    for kind in Update.ALL_TYPES:
        part = getattr(update, kind, None)
        nested = (getattr(part, name, None) for name in _PARTS)
        for each in (part, *nested):
            if isinstance(each, TelegramObject) and (name := _lacking_of(each)):
                return name
            if isinstance(each, Message) and not all(map(_is_marked, each.entities)):
                return "entities"
    return ""


_PARTS = ("message", "reply_to_message", "from_user", "chat", "sender_chat")
_NUMBERS = frozenset(
    {"id", "message_id", "message_thread_id", "migrate_to_chat_id", "migrate_from_chat_id"}
)
_TEXTS = frozenset(
    {"id", "type", "text", "caption", "data", "query", "offset", "title", "username", "first_name"}
    | {"language_code", "inline_message_id", "guest_query_id"}
)


def _lacking_of(part: TelegramObject) -> str:
    """Name the attribute that is missing, or is not of the type it ought to be; "" if none is."""
    made_by: Any = type(part)
    is_numbered = isinstance(part, Chat | User | Message)
    for name in _required(made_by):
        if getattr(part, name, ...) is None:
            return name
    for name in _NUMBERS if is_numbered else ():
        if not _is_number(getattr(part, name, None)):
            return name
    for name in _TEXTS:
        value = getattr(part, name, None)
        if not (value is None or isinstance(value, str) or (is_numbered and name == "id")):
            return name
    return ""


def _is_marked(entity: MessageEntity) -> bool:
    """Return whether an entity has whole numbers as its bounds, and a text as any address."""
    is_url = entity.url is None or isinstance(entity.url, str)
    return type(entity.offset) is int and type(entity.length) is int and is_url


def _is_number(value: object) -> bool:
    """Return whether it is None, or may be the id of a chat, a person or a message."""
    return value is None or (type(value) is int and -LARGEST_CHAT < value < LARGEST_CHAT)


@cache
def _required(kind: Any) -> tuple[str, ...]:
    given = signature(kind).parameters.values()
    return tuple(p.name for p in given if p.default is p.empty and p.kind is not p.VAR_KEYWORD)


def number_of(body: bytes) -> int | None:
    """Read an update's number; None if it has none that can be one."""
    try:
        number = msgspec.json.decode(body, type=_Numbered).update_id
    except msgspec.ValidationError:
        return None
    except (msgspec.MsgspecError, RecursionError, ValueError):
        first = _STARTS_WITH_ID.match(body)  # what comes after makes no sense
        number = int(first[1]) if first else -1
    return number if 0 <= number < _LARGEST_ID else None


def _well_formed(body: bytes) -> str:
    """Return the text of an update, with U+FFFD in place of halves of a character."""
    text = body.decode("utf-8", "replace")
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _HALF.sub(lambda found: found[1] or r"\ufffd", text)


def _kind(data: object) -> str:
    """Return the kind that an update says it is, in a word of the library's, or "unknown"."""
    named = [kind for kind in Update.ALL_TYPES if isinstance(data, dict) and kind in data]
    return named[0] if named else "unknown"


class _Answer(msgspec.Struct):
    ok: bool = False
    result: msgspec.Raw = msgspec.Raw(b"null")
    description: str = ""
    parameters: Any = None


def read_answer(status: int, body: bytes) -> list[bytes] | Failure:
    """Return the updates in an answer to getUpdates, each undecoded, or why there are none."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
        if status == 200 and answer.ok:
            return [
                bytes(raw) for raw in msgspec.json.decode(answer.result, type=list[msgspec.Raw])
            ]
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        if status == 200 and (updates := _taken_apart(body)) is not None:
            return updates
        cause = Cause.UNREACHABLE if status >= 500 else Cause.STRANGE
        return Failure(cause, f"{status} {type(error).__name__}")
    wait = answer.parameters.get("retry_after") if isinstance(answer.parameters, dict) else None
    return Failure(_cause(status, answer.description), str(status), _seconds(wait))


def _taken_apart(body: bytes) -> list[bytes] | None:
    """Split an answer by its brackets into updates, one of which is no JSON that could be read.

    None if it is not even that, such as one that was cut off.
    """
    start = _RESULTS.match(body)
    if start is None:
        return None
    updates: list[bytes] = []
    begin, depth = start.end(), 0
    for mark in _MARKS.finditer(body, begin):
        match mark[0]:
            case b"[" | b"{":
                depth += 1
            case b"," | b"]" if depth == 0:
                updates.append(body[begin : mark.start()])
                begin = mark.end()
                if mark[0] == b"]":
                    return [each for each in updates if each.strip()]
            case b"]" | b"}":
                depth -= 1
    return None


def _cause(status: int, description: str) -> Cause:
    match status:
        case 401 | 404:
            return Cause.TOKEN
        case 409:
            return Cause.WEBHOOK if "webhook" in description.lower() else Cause.OTHER_PROGRAM
        case 429:
            return Cause.SLOWED
        case 200:
            return Cause.STRANGE
        case _:
            return Cause.UNREACHABLE


def _seconds(wait: object) -> float:
    if isinstance(wait, bool) or not isinstance(wait, int | float):
        return 0.0
    return min(max(0.0, float(min(wait, _LONGEST_ASKED))), _LONGEST_ASKED)


def failure_of(error: Exception) -> Failure:
    """Tell by an error of a call of the library why Telegram is of no use now."""
    name = type(error).__name__
    match error:
        case InvalidToken():
            return Failure(Cause.TOKEN, f"{name}: copy it again from @BotFather")
        case Conflict():
            return Failure(_cause(409, error.message), name)
        case RetryAfter():
            seconds = error.retry_after
            wait = seconds if isinstance(seconds, int) else seconds.total_seconds()
            return Failure(Cause.SLOWED, name, _seconds(wait))
        case NetworkError():
            fault = error.message[:_LONGEST_DETAIL]
            todo = remedy_of(fault, "telegram.base_url")
            return Failure(Cause.UNREACHABLE, f"{fault}: {todo}" if todo else fault)
        case TimeoutError():
            return Failure(Cause.UNREACHABLE, "timed out")
        case TelegramError():
            return Failure(Cause.UNREACHABLE, name)
        case _:
            return Failure(Cause.STRANGE, name)


# --- how well it goes ----------------------------------------------------------------------------


class _Recurrence:
    """The count of what happens again and again, until it is known to have ended."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since = self._last = float("-inf")
        self.times = 0

    def happened(self) -> None:
        """Count that it happened once more."""
        now = self._monotonic()
        if not self.times or now - self._last > SILENT_TOO_LONG:
            self._since, self.times = now, 0
        self._last = now
        self.times += 1

    def ended(self) -> None:
        """Begin to count anew: what happens from now on has to do with nothing before."""
        self.times = 0

    @property
    def go_on(self) -> bool:
        """True while it has gone on for over a minute, and does so still."""
        now = self._monotonic()
        is_long = self.times >= _TOO_MANY and now - self._since > SILENT_TOO_LONG
        return is_long and now - self._last <= _AFTER_THE_LAST


class Reception:
    """The record of how well updates come in, for health, figures and the log."""

    def __init__(
        self,
        counted: Callable[[str], None] = lambda _: None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counted = counted
        self._monotonic = monotonic
        self.last_answer = float("-inf")
        self.last_update = float("-inf")
        self._is_receiving = False
        self._is_waiting = False
        self._last_sign = monotonic()
        self._cause: Cause | None = None
        self._incident = IncidentLog(log, "no updates are arriving", monotonic)
        self.own_faults = IncidentLog(log, "updates cannot be handed on", monotonic)
        self._skip_line = float("-inf")
        self._skipped = self._skipped_unsaid = 0
        self._last_skip = float("-inf")
        self._unreadable = _Recurrence(monotonic)  # with nothing between that could be read
        self._conflicts = _Recurrence(monotonic)

    def begins(self) -> None:
        """Expect answers from now on."""
        self._is_receiving = True
        self._last_sign = self._monotonic()
        self._conflicts.ended()

    def ends(self) -> None:
        """Expect nothing any more."""
        self._is_receiving = self._is_waiting = False
        self._cause = None
        self._incident.forget()

    @property
    def is_failing(self) -> bool:
        """True while the last question had no good answer."""
        return self._cause is not None

    def answered(self) -> None:
        """Note that Telegram gave a good answer, be there updates in it or not."""
        self.last_answer = self._last_sign = self._monotonic()
        self._cause = None
        self._incident.recovered()

    def failed(self, failure: Failure, retry_in: float) -> None:
        """Note that Telegram gave no good answer; at most one line a minute says so."""
        self._cause = failure.cause
        if failure.cause is Cause.OTHER_PROGRAM:
            self._conflicts.happened()
        self._incident.failed(str(failure.cause), error=failure.detail, retry_in=round(retry_in, 1))

    def waits(self, *, for_room: bool) -> None:
        """Note that an update waits until there is room for it, or has found it."""
        self._is_waiting = for_room

    def took(self, outcome: Outcome) -> None:
        """Note that an update has come, and what became of it."""
        self.last_update = self._last_sign = self._monotonic()
        self._unreadable.ended()
        self._counted(outcome)

    def skipped(self, update: Undecodable) -> None:
        """Note that an update was stepped over.

        At most one line a minute says so, without what it held.
        """
        now = self._monotonic()
        if now - self._last_skip >= _TOLD_FOR:
            self._skipped = 0
        self._last_skip = now
        self._unreadable.happened()
        self._skipped += 1
        self._skipped_unsaid += 1
        self._counted(Outcome.UNDECODABLE)
        if now - self._skip_line >= _LINE_EVERY:
            log.warning(
                "update skipped: it cannot be decoded",
                kind=update.kind,
                error=update.error,
                times=self._skipped_unsaid,
            )
            self._skip_line, self._skipped_unsaid = now, 0

    def silence(self) -> float:
        """Return the seconds since anything good was heard."""
        return self._monotonic() - self._last_sign

    def problem(self) -> str:
        """Say why nothing has been heard for over a minute, or since the start; "" if it has."""
        if not self._is_receiving:
            return (
                Said(marked("No updates have arrived yet: {cause}."), cause=self._cause.said)
                if self._cause
                else ""
            )
        silence = self.silence()
        if silence <= SILENT_TOO_LONG:
            # Two programs that ask by turns get a part of the updates each.
            is_shared = self._conflicts.go_on
            elsewhere = Cause.OTHER_PROGRAM.said
            return Said("Some updates go elsewhere: {cause}.", cause=elsewhere) if is_shared else ""
        cause = Cause.FULL if self._is_waiting else self._cause or Cause.UNREACHABLE
        return Said(
            "No updates have arrived for {seconds} seconds: {cause}.",
            seconds=f"{silence:.0f}",
            cause=cause.said,
        )

    @property
    def reads_nothing(self) -> bool:
        """True if none of the many updates for over a minute could be read."""
        return self._unreadable.go_on

    def stepped_over(self) -> str:
        """Say that there were updates that could not be read lately; "" if there were none."""
        if self._monotonic() - self._last_skip >= _TOLD_FOR:
            return ""
        if self.reads_nothing:
            times = self._unreadable.times
            return Said("None of the last {count} updates could be read.", count=times)
        if self._skipped == 1:
            return Said("1 update couldn't be read and was skipped. See the log for its kind.")
        return Said(
            "{count} updates couldn't be read and were skipped. See the log for their kind.",
            count=self._skipped,
        )


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


# --- asking --------------------------------------------------------------------------------------


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
        if self._unreadable_in_a_row > _TRIES_ALONE and first and int(first[1]) < _LARGEST_ID:
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
