"""Makes updates of raw JSON, and says of what cannot be one what it lacks.

What `getUpdates` answers is taken apart update by update, so that one which cannot be decoded does
not take the others with it.
"""

import json
import re
from enum import StrEnum
from functools import cache
from inspect import signature
from typing import Any, NamedTuple

import msgspec
from telegram import Bot, Chat, Message, MessageEntity, TelegramObject, Update, User
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.messages.i18n import Said, marked
from bot.outages import remedy_of
from bot.telegram.answers import LARGEST_CHAT

LARGEST_ID = 2**63 - 1
_LONGEST_ASKED = 3600.0  # a wait that Telegram names is kept, up to this
_LONGEST_DETAIL = 100  # characters of what a server says
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


# --- an update -----------------------------------------------------------------------------------


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
    return number if 0 <= number < LARGEST_ID else None


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


# --- an answer of getUpdates ---------------------------------------------------------------------


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
