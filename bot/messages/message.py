"""Formatted text as Telegram takes it: plain text plus entities, so that nothing needs escaping.

Offsets and limits are in UTF-16 code units, as the Bot API counts. A piece of text from outside is
only ever a string in here: it cannot turn into formatting.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias
from unicodedata import category

from telegram import MessageEntity
from telegram.constants import MessageLimit

TEXT_LIMIT = MessageLimit.MAX_TEXT_LENGTH

# Vietnamese, Hebrew and Thai set two or three marks upon a letter.
_MOST_MARKS = 4
# Not the joiners: families of emoji and several scripts are written with them.
_WITHOUT_WIDTH = frozenset(
    {0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x180E, 0x200B, 0x3164, 0xFEFF, 0xFFA0}
)


class Styled(NamedTuple):
    """Text set in one style; `kind` is a Telegram entity type."""

    kind: str
    parts: "tuple[Rich, ...]"
    url: str | None = None


Rich: TypeAlias = str | Styled


class Message(NamedTuple):
    """A message's text and its entities, ready to send."""

    text: str
    entities: tuple[MessageEntity, ...] = ()


def bold(*parts: Rich) -> Styled:
    """Strong text."""
    return Styled(MessageEntity.BOLD, parts)


def italic(*parts: Rich) -> Styled:
    """Slanted text, for asides."""
    return Styled(MessageEntity.ITALIC, parts)


def code(*parts: Rich) -> Styled:
    """Fixed-width text that a tap copies."""
    return Styled(MessageEntity.CODE, parts)


def link(text: Rich, url: str) -> Styled:
    """Text that leads to an address."""
    return Styled(MessageEntity.TEXT_LINK, (text,), url)


def quote(*parts: Rich, expandable: bool = False) -> Styled:
    """Somebody else's words; an expandable quotation opens on a tap."""
    kind = MessageEntity.EXPANDABLE_BLOCKQUOTE if expandable else MessageEntity.BLOCKQUOTE
    return Styled(kind, parts)


def lines(*rows: Rich | None) -> tuple[Rich, ...]:
    """Rows one below the other; None leaves a row out, an empty string leaves a gap."""
    present = [row for row in rows if row is not None]
    return tuple(part for row in present for part in (row, "\n"))[:-1]


def row(*parts: Rich) -> Styled:
    """Several pieces as one, without a style of their own."""
    return Styled("", parts)


def aside(*words: str) -> str:
    """Words in brackets, with the space before them; nothing for none."""
    present = ", ".join(word for word in words if word)
    return f" ({present})" if present else ""


def width(text: str) -> int:
    """The length of a text in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def compose(*parts: Rich) -> Message:
    """Lay the pieces out as one message."""
    texts: list[str] = []
    entities: list[MessageEntity] = []
    _lay_out(parts, 0, texts, entities)
    entities.sort(key=lambda entity: (entity.offset, -entity.length))
    return Message("".join(texts), tuple(entities))


def joined(*messages: Message) -> Message:
    """Messages as one, each right after the one before."""
    text, entities = "", []
    for message in messages:
        by = width(text)
        entities += [
            MessageEntity(each.type, each.offset + by, each.length, url=each.url)
            for each in message.entities
        ]
        text += message.text
    return Message(text, tuple(entities))


def _lay_out(
    parts: tuple[Rich, ...], at: int, texts: list[str], entities: list[MessageEntity]
) -> int:
    for part in parts:
        if isinstance(part, str):
            clean = _clean(part)
            texts.append(clean)
            at += width(clean)
        else:
            end = _lay_out(part.parts, at, texts, entities)
            if part.kind and end > at:
                entities.append(MessageEntity(part.kind, at, end - at, url=part.url))
            at = end
    return at


def _clean(text: str) -> str:
    """Without what Telegram refuses or what deceives.

    That is controls, lone surrogates, overrides, letters without a width, and towers of marks.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.isprintable():
        return text
    seen = "".join(c for c in text if c in "\n\t" or not _is_control(c))
    return seen if seen.isascii() else "".join(_without_towers(seen))


def _without_towers(text: str) -> Iterator[str]:
    """The characters of a text, of the marks set upon one letter no more than any script needs."""
    height = 0
    for char in text:
        height = height + 1 if category(char) in {"Mn", "Me"} and not _is_sign(char) else 0
        if height <= _MOST_MARKS:
            yield char


def _is_sign(char: str) -> bool:
    """Whether a mark belongs to an emoji: the letters of a flag, or how one is to be drawn."""
    return 0xFE00 <= ord(char) <= 0xFE0F or 0xE0020 <= ord(char) <= 0xE007F


def _is_control(char: str) -> bool:
    number = ord(char)
    return (
        number < 0x20
        or 0x7F <= number < 0xA0
        or 0xD800 <= number < 0xE000
        or 0x202A <= number <= 0x202E  # embeds and overrides that make text read backwards
        or 0x2060 <= number <= 0x206F  # invisible, or isolating what turns the direction
        or number in _WITHOUT_WIDTH
    )


def cut(text: str, most: int) -> str:
    """At most `most` characters, ended at a word with an ellipsis if anything was left out."""
    text = text.strip()
    if len(text) <= most:
        return text
    head = text[: most - 1]
    at_word = head.rsplit(maxsplit=1)[0] if " " in head[most // 2 :] else head
    return at_word.rstrip(" ,;:.–—-\u200d\ufe0f") + "…"


def abridged(part: Rich, most: int) -> Rich:
    """The same piece, cut where its text grows longer than `most` characters."""
    return _abridged(part, most)[0]


def _abridged(part: Rich, most: int) -> tuple[Rich, int]:
    """The piece as far as there is room, and the room that is left."""
    if isinstance(part, str):
        return (part, most - len(part)) if len(part) <= most else (cut(part, most), 0)
    kept: list[Rich] = []
    for inner in part.parts:
        if most <= 0:
            break
        shown, most = _abridged(inner, most)
        kept.append(shown)
    return part._replace(parts=tuple(kept)), most


def split(message: Message, limit: int = TEXT_LIMIT) -> list[Message]:
    """The message in parts of at most `limit` units: at paragraphs, else lines, words, anywhere.

    An entity that reaches over a cut goes on in the next part.
    """
    return [
        Message(text, tuple(_within(message.entities, start, start + width(text))))
        for start, text in _chunks(message.text, limit)
    ]


def _chunks(text: str, limit: int) -> Iterator[tuple[int, str]]:
    """The parts of a text with their offsets in units, without the line ends at the cuts."""
    at = 0
    while text:
        head = text if width(text) <= limit else _head(text, limit)
        text = text[len(head) :]
        body = head.lstrip("\n")
        offset = at + width(head) - width(body)
        if body := body.rstrip("\n"):
            yield offset, body
        at += width(head)


def _head(text: str, limit: int) -> str:
    longest = _longest_prefix(text, limit)
    for gap in ("\n\n", "\n", " "):
        end = longest.rfind(gap)
        if end > len(longest) // 2:
            return longest[: end + len(gap)]
    return longest


def _longest_prefix(text: str, limit: int) -> str:
    prefix = text[:limit]
    while width(prefix) > limit:
        prefix = prefix[: len(prefix) - max(1, (width(prefix) - limit) // 2)]
    return prefix


def _within(entities: tuple[MessageEntity, ...], start: int, end: int) -> Iterator[MessageEntity]:
    for entity in entities:
        first = max(entity.offset, start)
        last = min(entity.offset + entity.length, end)
        if last > first:
            yield MessageEntity(entity.type, first - start, last - first, url=entity.url)
