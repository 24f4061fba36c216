"""Functional core: the text or caption of a call, as a part of the message it becomes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from bot.demo.calls import Call
from bot.demo.formatting import (
    Entity,
    Unparsable,
    checked,
    found_in,
    in_order,
    normal_url,
    overlap,
    parse_html,
    trimmed,
    url_fault,
    utf16_length,
)
from bot.demo.messenger import Json, bad_request

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
_PREVIEW_FLAGS = ("is_disabled", "prefer_small_media", "prefer_large_media", "show_above_text")


def formatted(text: str, mode: str, entities: Any) -> tuple[str, list[Entity]]:
    """Return a text with its entities checked, untangled, trimmed and completed."""
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
    """Return the parts of a message that its text makes up."""
    return written(
        call.text("text"),
        call.text("parse_mode"),
        call.params.get("entities"),
        call.params.get("link_preview_options"),
        too_long,
    )


def written(source: str, mode: str, entities: Any, preview: Any, too_long: str) -> Json:
    """Return a message's text with its entities and the options of its preview."""
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
    """Return the parts of a message that the caption of its file makes up; {} if it has none."""
    mode, entities = call.text("parse_mode"), call.params.get("caption_entities")
    text, kept = formatted(call.text("caption"), mode, entities)
    if utf16_length(text) > LONGEST_CAPTION:
        raise bad_request(too_long)
    if not text:
        return {}
    return {"caption": text} | ({"caption_entities": kept} if kept else {})


FURTHEST = 1_000_000  # the largest offset or length that is looked at

STYLES = ("bold", "italic", "underline", "strikethrough", "spoiler")  # may cross, and are split
QUOTES = ("blockquote", "expandable_blockquote")
CODE = ("code", "pre")
_FOUND_BY_TELEGRAM = (
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
    "bank_card_number",
)
_NEEDED = {
    "text_link": ("url", str, "String"),
    "text_mention": ("user", dict, "Object"),
    "custom_emoji": ("custom_emoji_id", str, "String"),
    "date_time": ("unix_time", int, "Number"),
}
_KNOWN = (*STYLES, *QUOTES, *CODE, *_NEEDED)


def entities_given(raw: Any) -> list[Entity]:
    """Return the entities of a request that count; Unparsable if one of them is wrong."""
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise Unparsable("can't parse entities JSON object")
    return [entity for entity in map(_entity, raw) if entity is not None]


def _entity(raw: Any) -> Entity | None:
    """Return an entity, None for a kind that Telegram finds by itself and takes from nobody."""
    if not isinstance(raw, dict):
        raise Unparsable("can't parse MessageEntity: Expected an Object")
    for name, kind, called in (
        ("offset", int, "Number"),
        ("length", int, "Number"),
        ("type", str, "String"),
    ):
        _need(raw, name, kind, called)
    for name in ("offset", "length"):
        if not 0 <= raw[name] <= FURTHEST:
            raise Unparsable(f"receive an entity with incorrect {name} {raw[name]}")
    if raw["type"] in _FOUND_BY_TELEGRAM:
        return None
    if raw["type"] not in _KNOWN:
        raise Unparsable("can't parse MessageEntity: Unsupported type specified")
    if raw["type"] in _NEEDED:
        _need(raw, *_NEEDED[raw["type"]])
    return raw | {"url": _link(raw["url"])} if raw["type"] == "text_link" else dict(raw)


def _need(raw: Mapping[str, Any], name: str, kind: type, called: str) -> None:
    if name not in raw:
        raise Unparsable(f"can't parse MessageEntity: Can't find field \"{name}\"")
    if not isinstance(raw[name], kind) or isinstance(raw[name], bool):
        raise Unparsable(f'can\'t parse MessageEntity: Field "{name}" must be of type {called}')


def _link(address: str) -> str:
    url = normal_url(address)
    if url is None:
        raise Unparsable(f"entity URL '{address}' is invalid: {url_fault(address)}")
    return url


def untangled(entities: Iterable[Entity]) -> list[Entity]:
    """Return the entities as Telegram keeps them: nested or apart, no quote inside another."""
    given = in_order([entity for entity in entities if entity["length"] > 0])
    if _nested(given):
        return given
    quotes = _apart(entity for entity in given if entity["type"] in QUOTES)
    solid = _apart(entity for entity in given if entity["type"] not in (*STYLES, *QUOTES))
    kept = quotes + [
        entity for entity in solid if not any(_breaks_out(entity, quote) for quote in quotes)
    ]
    for style in STYLES:
        pieces = [
            piece
            for stretch in _merged([entity for entity in given if entity["type"] == style])
            for piece in _cut(stretch, kept)
        ]
        code = [entity for entity in kept if entity["type"] in CODE]
        kept += [piece for piece in pieces if not any(overlap(piece, each) for each in code)]
    return in_order(kept)


def _nested(entities: Sequence[Entity]) -> bool:
    """Return whether the entities are nested as they may be: none crosses or merges."""
    opened: list[Entity] = []
    ends: dict[str, int] = {}
    for entity in entities:
        opened = [each for each in opened if _end(each) > entity["offset"]]
        if any(_end(each) < _end(entity) or _excludes(each, entity) for each in opened):
            return False
        if entity["type"] in STYLES and ends.get(entity["type"], -1) >= entity["offset"]:
            return False
        ends[entity["type"]] = _end(entity)
        opened.append(entity)
    return True


def _excludes(outer: Entity, inner: Entity) -> bool:
    """Return whether an outer entity leaves no room for an inner one, by their types."""
    if outer["type"] in CODE:
        return True
    if inner["type"] in QUOTES:
        return outer["type"] not in STYLES
    return outer["type"] not in (*STYLES, *QUOTES) and inner["type"] not in STYLES


def _end(entity: Entity) -> int:
    return int(entity["offset"] + entity["length"])


def _apart(entities: Iterable[Entity]) -> list[Entity]:
    """Return those that begin after the last kept one has ended."""
    kept: list[Entity] = []
    for entity in entities:
        if not kept or entity["offset"] >= _end(kept[-1]):
            kept.append(entity)
    return kept


def _breaks_out(entity: Entity, quote: Entity) -> bool:
    inside = quote["offset"] <= entity["offset"] and _end(entity) <= _end(quote)
    return overlap(entity, quote) and not inside


def _merged(style: Sequence[Entity]) -> list[Entity]:
    merged: list[Entity] = []
    for entity in style:
        if merged and entity["offset"] <= _end(merged[-1]):
            last = merged[-1]
            end = max(_end(last), _end(entity))
            merged[-1] = last | {"length": end - last["offset"]}
        else:
            merged.append(dict(entity))
    return merged


def _cut(stretch: Entity, kept: Sequence[Entity]) -> Iterator[Entity]:
    borders = {
        border
        for each in kept
        if overlap(stretch, each) and (_crosses(stretch, each) or each["type"] in CODE)
        for border in (each["offset"], _end(each))
        if stretch["offset"] < border < _end(stretch)
    }
    places = sorted({stretch["offset"], _end(stretch)} | borders)
    for start, end in pairwise(places):
        yield stretch | {"offset": start, "length": end - start}


def _crosses(one: Entity, other: Entity) -> bool:
    first, second = in_order([one, other])
    return bool(second["offset"] < _end(first) < _end(second))
