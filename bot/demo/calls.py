"""Functional core: a Bot API request read into values, whichever way it was encoded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.demo.messenger import Upload, bad_request

_INTEGERS = {
    "chat_id",
    "message_id",
    "message_thread_id",
    "user_id",
    "offset",
    "limit",
    "timeout",
    "cache_time",
    "max_connections",
    "from_chat_id",
}
_FLAGS = {
    "disable_notification",
    "protect_content",
    "show_alert",
    "drop_pending_updates",
    "is_personal",
    "has_spoiler",
    "is_big",
    "show_caption_above_media",
    "allow_sending_without_reply",
    "disable_web_page_preview",
}
_OBJECTS = {
    "allowed_updates",
    "button",
    "caption_entities",
    "commands",
    "entities",
    "link_preview_options",
    "media",
    "menu_button",
    "reaction",
    "reply_markup",
    "reply_parameters",
    "result",
    "results",
    "scope",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request: numbers, flags and objects as such, everything else as text."""

    method: str
    params: Mapping[str, Any]
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return str(self.params.get(name) or "")

    def number(self, name: str) -> int | None:
        value = self.params.get(name)
        return value if isinstance(value, int) else None

    def upload(self, name: str) -> Upload | None:
        """Return the file sent as `name`, in a part of that name or attached under another."""
        value = str(self.params.get(name) or "")
        return self.files.get(value.removeprefix("attach://") if value else name)


def read_call(method: str, raw: Mapping[str, Any], files: Mapping[str, Upload]) -> Call:
    return Call(method, {name: _value(name, value) for name, value in raw.items()}, files)


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in _INTEGERS:
        return int(value) if value.lstrip("-").isdecimal() else value
    if name in _FLAGS:
        return value.lower() in ("true", "1", "yes")
    if name in _OBJECTS:
        return _object(name, value)
    return value


def _object(name: str, value: str) -> Any:
    if not value:
        return None
    try:
        return json.loads(value)
    except ValueError:
        called = "reply keyboard markup" if name == "reply_markup" else name.replace("_", " ")
        raise bad_request(f"can't parse {called} JSON object") from None
