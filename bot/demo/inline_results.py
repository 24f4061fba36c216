"""Functional core: what answers an inline or a guest query, judged as Telegram judges it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.demo.formatting import normal_url
from bot.demo.keyboards import markup_of
from bot.demo.message_content import written
from bot.demo.messenger import Refusal, bad_request

MOST_RESULTS = 50
LONGEST_ID = 64  # bytes
LONGEST_OFFSET = 64  # bytes
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")


def start_parameter(text: str) -> bool:
    """Whether a link to the bot may carry this to it."""
    return _PAYLOAD.fullmatch(text) is not None


def check_answer(params: Mapping[str, Any]) -> None:
    """Refuses an answer to an inline query that Telegram would refuse."""
    results = params.get("results")
    if not isinstance(results, list):
        raise bad_request("can't parse results JSON object" if results else "results is empty")
    if len(results) > MOST_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    for result in results:
        check_result(result)
    _check_ids([result["id"] for result in results])
    if len(str(params.get("next_offset") or "").encode()) > LONGEST_OFFSET:
        raise bad_request("NEXT_OFFSET_INVALID")
    _check_button(params.get("button"))


def check_result(result: Any) -> None:
    """Refuses what lacks a field an article needs; other kinds of result are not known here."""
    if not isinstance(result, dict):
        raise _unreadable("Expected an Object")
    kind = str(result.get("type", ""))
    if kind != "article":
        raise _unreadable(f'type "{kind}" is unsupported for the inline query result')
    for name in ("id", "title"):
        _need(result, name)
    _check_content(result.get("input_message_content"))
    markup_of(result.get("reply_markup"))
    for name in ("url", "thumbnail_url"):
        if result.get(name) and normal_url(str(result[name])) is None:
            raise bad_request("ARTICLE_URL_INVALID" if name == "url" else "WEBDOCUMENT_URL_INVALID")


def _need(result: Mapping[str, Any], name: str) -> None:
    if name not in result:
        raise _unreadable(f'Can\'t find field "{name}"')
    if not isinstance(result[name], str):
        raise _unreadable(f'Field "{name}" must be of type String')
    if name == "title" and not result[name].strip():
        raise bad_request("ARTICLE_TITLE_EMPTY")


def _check_content(content: Any) -> None:
    if not isinstance(content, dict):
        raise _unreadable('Can\'t find field "input_message_content"')
    if "message_text" not in content:
        raise _unreadable("Input message content is not specified")
    try:
        written(
            str(content["message_text"]),
            str(content.get("parse_mode") or ""),
            content.get("entities"),
            content.get("link_preview_options"),
            "MESSAGE_TOO_LONG",
        )
    except Refusal as refusal:
        reason = refusal.description.removeprefix("Bad Request: ")
        raise _unreadable(reason[0].upper() + reason[1:]) from None


def _check_ids(ids: Sequence[str]) -> None:
    if any(not 1 <= len(name.encode()) <= LONGEST_ID for name in ids):
        raise bad_request("RESULT_ID_INVALID")
    if len(set(ids)) != len(ids):
        raise bad_request("RESULT_ID_DUPLICATE")


def _check_button(button: Any) -> None:
    if button is None:
        return
    if not isinstance(button, dict) or not button.get("text"):
        raise bad_request("can't parse InlineQueryResultsButton: Can't find field \"text\"")
    if "web_app" in button:
        return
    if not start_parameter(str(button.get("start_parameter") or "")):
        raise bad_request("START_PARAM_INVALID")


def _unreadable(reason: str) -> Refusal:
    return bad_request(f"can't parse inline query result: {reason}")
