"""Reads what a Bot API server answers to a call, whatever shape it has.

Only what the call was about is believed: an answer that says `ok` means that it was carried out,
even where the rest of it makes no sense; a page of somebody else's says nothing about a chat.
"""

import json
import math
import re
import time
from http import HTTPStatus
from typing import Any, TypeGuard

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

LARGEST_CHAT = 2**52  # as the Bot API has it: no id has more than 52 bits
_LONGEST_WAIT = 24 * 60 * 60
_MAKING_A_MESSAGE = ("send", "forward", "edit")
_MAKING_NONE = frozenset({"sendChatAction", "sendMediaGroup"})
_WAIT_IN_WORDS = re.compile(r"retry after ([0-9]{1,9})\b", re.IGNORECASE)


def read_json(body: bytes) -> dict[str, Any] | None:
    """Read an answer that is a JSON object; None where it is none."""
    try:
        answer = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def result_of(status: int, body: bytes, chat_id: object = None) -> Any:
    """Return the result of a call about that chat.

    Raises what python-telegram-bot would, if the call failed.
    """
    answer = read_json(body)
    if answer is None:
        if status < 300:
            raise TelegramError("Invalid server response")
        raise NetworkError(f"{_phrase(status)}, and no JSON")
    if status < 300 and (answer.get("ok") is True or ("ok" not in answer and "result" in answer)):
        return answer.get("result", True)
    raise _error(_code(status, answer), answer, chat_id)


def message_of(method: str, result: Any, chat_id: object) -> Any:
    """Return what is used of the message that a method made: its number and its chat.

    A message that was sent is sent, whatever is told of it: whoever took a strange receipt for a
    failure would send it again. So the library is handed nothing else to take apart.
    """
    if not method.startswith(_MAKING_A_MESSAGE) or method in _MAKING_NONE:
        return result
    if method.startswith("edit") and isinstance(result, bool):
        return result
    receipt = result if isinstance(result, dict) else {}
    chat = receipt.get("chat")
    number, told = receipt.get("message_id"), chat.get("id") if isinstance(chat, dict) else None
    return {
        "message_id": number if _is_id(number) else 0,
        "date": int(time.time()),
        "chat": {"id": next(filter(_is_id, (chat_id, told, 0))), "type": "private"},
    }


def _is_id(value: object) -> TypeGuard[int]:
    return type(value) is int and -LARGEST_CHAT < value < LARGEST_CHAT


def _code(status: int, answer: dict[str, Any]) -> int:
    """Return the error's number; some servers in between turn every status into 200."""
    if status >= 300:
        return status
    told = answer.get("error_code")
    return told if _is_id(told) and 400 <= told < 600 else HTTPStatus.BAD_GATEWAY


def _error(code: int, answer: dict[str, Any], chat_id: object) -> TelegramError:
    told = answer.get("description")
    reason = told if isinstance(told, str) and told else _phrase(code)
    given = answer.get("parameters")
    parameters = given if isinstance(given, dict) else {}
    moved = _number(parameters.get("migrate_to_chat_id"))
    if isinstance(moved, int) and moved and _is_id(moved) and moved != chat_id:
        return ChatMigrated(moved)
    wait = _wait(code, parameters.get("retry_after"), reason)
    if wait:
        return RetryAfter(wait)
    match code:
        case HTTPStatus.FORBIDDEN:
            return Forbidden(reason)
        case HTTPStatus.NOT_FOUND | HTTPStatus.UNAUTHORIZED:
            return InvalidToken(reason)
        case HTTPStatus.BAD_REQUEST:
            return BadRequest(reason)
        case HTTPStatus.CONFLICT:
            return Conflict(reason)
        case _:
            return NetworkError(reason)


def _wait(code: int, told: object, reason: str) -> int:
    """Return for how many seconds nothing is wanted; 0 if that is not what is wrong."""
    named = _number(told)
    if named is not None and named > 0:
        return math.ceil(min(named, _LONGEST_WAIT))
    if code != HTTPStatus.TOO_MANY_REQUESTS:
        return 0
    in_words = _WAIT_IN_WORDS.search(reason)
    return min(max(1, int(in_words[1])), _LONGEST_WAIT) if in_words else 1


def _number(told: object) -> int | float | None:
    """Return a number, also where it is written as a text; None for anything else."""
    if isinstance(told, str) and re.fullmatch(r"-?[0-9]{1,18}", told):
        return int(told)
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    return None if math.isnan(told) else told


def _phrase(code: int) -> str:
    try:
        return f"{HTTPStatus(code).phrase} ({code})"
    except ValueError:
        return f"status {code}"
