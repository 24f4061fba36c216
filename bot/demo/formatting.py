"""Functional core: a message's text and entities, judged as Telegram judges them.

Offsets and lengths of entities count UTF-16 code units, as everywhere in the Bot API.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

MOST_ENTITIES = 100

Entity = dict[str, Any]

_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-time": "date_time",
    "tg-emoji": "custom_emoji",
    "blockquote": "blockquote",
}
_TAG = re.compile(r"<(/?)([a-zA-Z][-a-zA-Z0-9]*)?([^<>]*)>")
_ATTRIBUTE = re.compile(r"""([-a-zA-Z]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(lt|gt|amp|quot));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}

_COMMAND = re.compile(r"(?<![\w/<>])/[a-zA-Z0-9_]{1,64}(?:@[a-zA-Z0-9_]{3,32})?(?![\w/<>])")
_URL = re.compile(
    r"(?<![\w@.])(?:https?://[^\s<>\"']+"
    r"|(?:[\w-]+\.)+(?:uk|org|com|net|scot|wales|cymru|je|me)\b(?:/[^\s<>\"']*)?)"
)


class Unparsable(ValueError):
    """The text or its entities are refused; the message is Telegram's own words."""


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Return the text and entities of Telegram's HTML, or raise Unparsable."""
    return _HtmlReader(source).read()


class _HtmlReader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._text = ""
        self._open: list[tuple[str, int, Mapping[str, str]]] = []
        self._entities: list[Entity] = []

    def read(self) -> tuple[str, list[Entity]]:
        position = 0
        while (start := self._source.find("<", position)) != -1:
            self._text += _unescaped(self._source[position:start])
            position = self._tag(start)
        self._text += _unescaped(self._source[position:])
        if self._open:
            name = self._open[-1][0]
            raise Unparsable(f'Can\'t find end tag corresponding to start tag "{name}"')
        return self._text, in_order(self._entities)

    def _tag(self, start: int) -> int:
        """Read the tag at `start` and return where it ends."""
        found = _TAG.match(self._source, start)
        if found is None:
            raise Unparsable(f"Unclosed start tag at byte offset {self._byte(start)}")
        name = (found[2] or "").lower()
        if found[1]:
            self._close(name, start)
        else:
            self._start(name, found[3], start)
        return found.end()

    def _start(self, name: str, rest: str, start: int) -> None:
        attributes = {
            found[1].lower(): _unescaped(found[2] or found[3] or found[4] or "")
            for found in _ATTRIBUTE.finditer(rest)
        }
        if name not in _TAGS or (name == "span" and attributes.get("class") != "tg-spoiler"):
            at = self._byte(start)
            raise Unparsable(f'Unsupported start tag "{name}" at byte offset {at}')
        self._open.append((name, utf16_length(self._text), attributes))

    def _close(self, name: str, start: int) -> None:
        if not self._open:
            raise Unparsable(f"Unexpected end tag at byte offset {self._byte(start)}")
        opened, offset, attributes = self._open.pop()
        if name and name != opened:
            raise Unparsable(
                f"Unmatched end tag at byte offset {self._byte(start)}, "
                f'expected "</{opened}>", found "</{name}>"'
            )
        length = utf16_length(self._text) - offset
        if length:
            entity = {"type": _TAGS[opened], "offset": offset, "length": length}
            self._keep(opened, entity, attributes)

    def _keep(self, name: str, entity: Entity, attributes: Mapping[str, str]) -> None:
        if name == "a":
            href = attributes.get("href") or _slice(self._text, entity)
            url = normal_url(href)
            if url is None:
                return
            entity["url"] = url
        elif name == "blockquote" and "expandable" in attributes:
            entity["type"] = "expandable_blockquote"
        elif name == "code" and self._open and self._open[-1][0] == "pre":
            return
        elif name == "tg-time":
            entity["unix_time"] = int(attributes.get("unix") or 0)
        self._entities.append(entity)

    def _byte(self, index: int) -> int:
        return len(self._source[:index].encode())


def _slice(text: str, entity: Entity) -> str:
    units = text.encode("utf-16-le")
    start = entity["offset"] * 2
    return units[start : start + entity["length"] * 2].decode("utf-16-le")


def _unescaped(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        if found[3]:
            return _NAMED[found[3]]
        code = int(found[1]) if found[1] else int(found[2], 16)
        return chr(code) if 0 < code < 0x110000 else found[0]

    return _REFERENCE.sub(character, text)


def in_order(entities: Sequence[Entity]) -> list[Entity]:
    """Sort entities by place, the longer of two that start together first."""
    return sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))


def checked(text: str, entities: Sequence[Entity]) -> list[Entity]:
    """Return the entities Telegram keeps; Unparsable for one that is out of place.

    It is that outside the text, or inside a character.
    """
    end = utf16_length(text)
    borders = _borders(text)
    for entity in in_order(entities):
        start, length = entity["offset"], entity["length"]
        if start > end:
            raise Unparsable(f"entity begins after the end of the text at UTF-16 offset {start}")
        if start + length > end:
            raise Unparsable(
                f"entity beginning at UTF-16 offset {start} ends after the end of the text "
                f"at UTF-16 offset {start + length}"
            )
        _check_border(borders, start, "entity begins")
        _check_border(borders, start + length, f"entity beginning at UTF-16 offset {start} ends")
    kept = [entity for entity in in_order(entities) if entity["length"] > 0]
    return kept[:MOST_ENTITIES]


def _check_border(borders: Mapping[int, int], offset: int, what: str) -> None:
    if offset not in borders:
        at = borders.get(offset + 1, 0)
        raise Unparsable(f"{what} in a middle of a UTF-16 symbol at byte offset {at}")


def _borders(text: str) -> dict[int, int]:
    """Return the offsets at which characters begin: in UTF-16, and for each of them in bytes.

    The end of the text is included.
    """
    borders, units, size = {0: 0}, 0, 0
    for character in text:
        units += utf16_length(character)
        size += len(character.encode())
        borders[units] = size
    return borders


def trimmed(text: str, entities: Sequence[Entity]) -> tuple[str, list[Entity]]:
    """Return a text and its entities without the white space around, as Telegram takes it away."""
    cut = utf16_length(text) - utf16_length(text.lstrip())
    bare = text.strip()
    end = utf16_length(bare)
    kept = []
    for entity in entities:
        start = max(entity["offset"] - cut, 0)
        stop = min(entity["offset"] + entity["length"] - cut, end)
        if stop > start:
            kept.append(entity | {"offset": start, "length": stop - start})
    return bare, kept


def found_in(text: str, given: Sequence[Entity]) -> list[Entity]:
    """Return the given entities, and the commands and links Telegram recognises by itself."""
    taken = [entity for entity in given if entity["type"] in ("code", "pre", "text_link")]
    spotted = [
        entity
        for pattern, kind in ((_URL, "url"), (_COMMAND, "bot_command"))
        for entity in _spotted(pattern, kind, text)
    ]
    fresh: list[Entity] = []
    for entity in spotted:
        if not any(overlap(entity, other) for other in [*taken, *fresh]):
            fresh.append(entity)
    return in_order([*given, *fresh])[:MOST_ENTITIES]


def _spotted(pattern: re.Pattern[str], kind: str, text: str) -> Iterator[Entity]:
    for found in pattern.finditer(text):
        matched = found[0].rstrip(".,;:!?)") if kind == "url" else found[0]
        offset = utf16_length(text[: found.start()])
        yield {"type": kind, "offset": offset, "length": utf16_length(matched)}


def overlap(one: Entity, other: Entity) -> bool:
    """Return whether two entities have a character in common."""
    return bool(
        one["offset"] < other["offset"] + other["length"]
        and other["offset"] < one["offset"] + one["length"]
    )


def normal_url(url: str) -> str | None:
    """Return an address as Telegram stores it, None if it is not one it would open."""
    full = url.strip() if "://" in url else f"http://{url.strip()}"
    try:
        parts = urlsplit(full)
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme == "tg" and host:
        return full
    if parts.scheme not in ("http", "https") or "." not in host or " " in full:
        return None
    return full if parts.path or parts.query or parts.fragment else full + "/"


def url_fault(url: str) -> str:
    """Say in Telegram's words why `normal_url` does not take an address."""
    scheme, divider, rest = url.strip().partition("://")
    if divider and scheme.lower() not in ("http", "https", "tg"):
        return "Unsupported URL protocol"
    return "Wrong HTTP URL" if (rest if divider else scheme) else "URL host is empty"
