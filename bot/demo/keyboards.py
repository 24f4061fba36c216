"""Functional core: keyboards under messages or in place of letters, judged as Telegram does."""

from collections.abc import Mapping
from typing import Any

from bot.demo.formatting import normal_url, url_fault, utf16_length
from bot.demo.messenger import Json, Refusal, bad_request

MOST_BUTTONS = 100
MOST_IN_A_ROW = 8
LONGEST_DATA = 64  # bytes
LONGEST_COPY = 256
LONGEST_QUERY = 256
STYLES = ("primary", "success", "danger")

_ACTIONS = (
    "callback_data",
    "url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "web_app",
    "login_url",
    "callback_game",
    "pay",
)
_CHOSEN = ("allow_user_chats", "allow_bot_chats", "allow_group_chats", "allow_channel_chats")
_FLAGS = (
    "force_reply",
    "is_persistent",
    "one_time_keyboard",
    "remove_keyboard",
    "resize_keyboard",
    "selective",
)


def markup_of(markup: Any) -> Json:
    """Return a keyboard as a part of the message it is under; others are only checked."""
    if markup is None or markup == "":
        return {}
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        rows = _rows(markup, "inline_keyboard", "inline keyboard")
        kept = [[_button(button) for button in row] for row in rows if row]
        return {"reply_markup": {"inline_keyboard": kept}} if kept else {}
    for name in _FLAGS:
        if name in markup and not isinstance(markup[name], bool):
            raise bad_request(f'field "{name}" must be of type Boolean')
    for row in _rows(markup, "keyboard", "keyboard"):
        for button in row:
            _check_key(button)
    return {}


def _rows(markup: Json, name: str, called: str) -> list[list[Any]]:
    rows = markup.get(name, [])
    if not isinstance(rows, list):
        raise bad_request(f'field "{name}" must be of type Array')
    if not all(isinstance(row, list) for row in rows):
        raise bad_request(f"can't parse {called} buttons: Expected an Array of Array of Buttons")
    if sum(map(len, rows)) > MOST_BUTTONS or any(len(row) > MOST_IN_A_ROW for row in rows):
        raise bad_request("reply markup is too long")
    return rows


# Under a message


def _button(button: Any) -> Json:
    if not isinstance(button, dict):
        raise _unreadable("Expected an Object")
    _check_text(button, "inline keyboard button")
    given = [name for name in _ACTIONS if button.get(name) not in (None, "", False)]
    given += [name for name in _ACTIONS[2:4] if button.get(name) == ""]
    if not given:
        raise _unreadable("Text buttons are unallowed in the inline keyboard")
    if len(given) > 1:
        raise _unreadable("Exactly one of the optional fields must be used")
    if button.get("style") not in (None, *STYLES):
        raise bad_request("BUTTON_STYLE_INVALID")
    return button | _action(given[0], button[given[0]])


def _unreadable(reason: str, called: str = "inline keyboard button") -> Refusal:
    return bad_request(f"can't parse {called}: {reason}")


def _check_text(button: Json, called: str) -> None:
    if "text" not in button:
        raise _unreadable('Can\'t find field "text"', called)
    if not isinstance(button["text"], str):
        raise _unreadable('Field "text" must be of type String', called)
    if not button["text"].strip():
        raise _unreadable('Field "text" must be non-empty', called)


def _action(name: str, value: Any) -> Json:
    """Return the fields that keep what a button does; {} if nothing else need be kept."""
    match name:
        case "callback_data":
            _check_string(name, value)
            if not 1 <= len(value.encode()) <= LONGEST_DATA:
                raise bad_request("BUTTON_DATA_INVALID")
        case "url":
            _check_string(name, value)
            return {"url": _address(value, "inline keyboard button URL")}
        case "copy_text":
            text = _object("copy_text", value).get("text")
            if not isinstance(text, str):
                raise _unreadable('Can\'t find field "text"')
            if not 1 <= utf16_length(text) <= LONGEST_COPY:
                raise bad_request("BUTTON_COPY_TEXT_INVALID")
        case "web_app":
            _check_web_app(value, "inline keyboard button")
        case "switch_inline_query_chosen_chat":
            _check_chosen(value)
        case "switch_inline_query" | "switch_inline_query_current_chat":
            _check_query(name, value)
        case "login_url":
            raise bad_request("BOT_DOMAIN_INVALID")
        case _:
            raise bad_request("BUTTON_TYPE_INVALID")
    return {}


def _check_string(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise _unreadable(f'Field "{name}" must be of type String')


def _address(address: str, called: str) -> str:
    url = normal_url(address)
    if url is None:
        raise bad_request(f"{called} '{address}' is invalid: {url_fault(address)}")
    return url


def _check_web_app(value: Any, called: str) -> None:
    url = str(_object("web_app", value).get("url", ""))
    if not url.startswith("https://"):
        reason = "Only HTTPS links are allowed"
        raise bad_request(f"{called} Web App URL '{url}' is invalid: {reason}")
    _address(url, f"{called} Web App URL")


def _object(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _unreadable(f'Field "{name}" must be of type Object')
    return value


def _check_chosen(value: Any) -> None:
    chosen = _object("switch_inline_query_chosen_chat", value)
    for flag in _CHOSEN:
        if flag in chosen and not isinstance(chosen[flag], bool):
            raise _unreadable(f'Field "{flag}" must be of type Boolean')
    if not any(chosen.get(flag) for flag in _CHOSEN):
        raise _unreadable("At least one chat type must be allowed")
    _check_query("query", chosen.get("query", ""))


def _check_query(name: str, value: Any) -> None:
    _check_string(name, value)
    if utf16_length(value) > LONGEST_QUERY:
        raise bad_request("BUTTON_SWITCH_QUERY_TOO_LONG")


# In place of the letters


def _check_key(button: Any) -> None:
    called = "keyboard button"
    if isinstance(button, str):
        return
    if not isinstance(button, dict):
        raise _unreadable("Expected an Object", called)
    _check_text(button, called)
    for name in ("request_chat", "request_users"):
        if name in button and "request_id" not in button[name]:
            raise _unreadable('Can\'t find field "request_id"', called)
    if "request_chat" in button and "chat_is_channel" not in button["request_chat"]:
        raise _unreadable('Can\'t find field "chat_is_channel"', called)
    if "web_app" in button:
        _check_web_app(button["web_app"], called)
