"""Functional core: the text or caption of a call, as a part of the message it becomes."""

from typing import Any

from bot.demo.calls import Call
from bot.demo.entities import entities_given, untangled
from bot.demo.formatting import (
    Entity,
    Unparsable,
    checked,
    found_in,
    normal_url,
    parse_html,
    trimmed,
    utf16_length,
)
from bot.demo.messenger import Json, bad_request

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
_PREVIEW_FLAGS = ("is_disabled", "prefer_small_media", "prefer_large_media", "show_above_text")


def formatted(text: str, mode: str, entities: Any) -> tuple[str, list[Entity]]:
    """A text with its entities checked, untangled, trimmed and completed."""
    if mode.lower() not in ("", "html"):
        raise bad_request("unsupported parse_mode")
    try:
        if mode:
            text, given = _parsed(text)
        else:
            given = entities_given(entities)
        kept = checked(text, untangled(given))
    except UnicodeEncodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
    except Unparsable as error:
        raise bad_request(str(error)) from None
    text, kept = trimmed(text, kept)
    return text, found_in(text, kept)


def _parsed(source: str) -> tuple[str, list[Entity]]:
    try:
        return parse_html(source)
    except Unparsable as error:
        raise Unparsable(f"can't parse entities: {error}") from None


def text_of(call: Call, too_long: str) -> Json:
    """What a message's text is made of."""
    return written(
        call.text("text"),
        call.text("parse_mode"),
        call.params.get("entities"),
        call.params.get("link_preview_options"),
        too_long,
    )


def written(source: str, mode: str, entities: Any, preview: Any, too_long: str) -> Json:
    """A message's text with its entities and the options of its preview."""
    if not source:
        raise bad_request("message text is empty")
    text, kept = formatted(source, mode, entities)
    if not text:
        raise bad_request("text must be non-empty")
    if utf16_length(text) > LONGEST_TEXT:
        raise bad_request(too_long)
    check_preview(preview)
    return (
        {"text": text}
        | ({"entities": kept} if kept else {})
        | ({"link_preview_options": preview} if preview else {})
    )


def check_preview(preview: Any) -> None:
    if preview is None:
        return
    if not isinstance(preview, dict):
        raise bad_request("object expected as link preview options")
    for name in _PREVIEW_FLAGS:
        if name in preview and not isinstance(preview[name], bool):
            raise bad_request(f'field "{name}" must be of type Boolean')
    if preview.get("url") and normal_url(str(preview["url"])) is None:
        raise bad_request("WEBPAGE_URL_INVALID")


def caption_of(call: Call, too_long: str = "message caption is too long") -> Json:
    """What the caption of a photo or a document is made of; it may be missing."""
    mode, entities = call.text("parse_mode"), call.params.get("caption_entities")
    text, kept = formatted(call.text("caption"), mode, entities)
    if utf16_length(text) > LONGEST_CAPTION:
        raise bad_request(too_long)
    if not text:
        return {}
    return {"caption": text} | ({"caption_entities": kept} if kept else {})
