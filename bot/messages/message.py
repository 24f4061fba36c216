"""Holds formatted text as a value: plain text, and spans of it that have a style.

A piece of text from outside is only ever a string in here, so that nothing needs escaping: it
cannot turn into formatting. Spans count characters; what is measured against Telegram's limits is
counted in UTF-16 code units, as the Bot API does.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Literal, NamedTuple, TypeAlias
from unicodedata import category

# What the Bot API takes in one message.
TEXT_LIMIT, SPAN_LIMIT = 4096, 100
# What is read without scrolling, and how long a title in a list may be for that.
_SCREEN, _TITLES = 600, (60, 52, 44, 38, 32, 26, 20, 16, 13)

# As the Bot API calls them.
Style: TypeAlias = Literal[
    "bold", "italic", "code", "text_link", "blockquote", "expandable_blockquote"
]

# Vietnamese, Hebrew and Thai set two or three marks upon a letter.
_MOST_MARKS = 4
# The flag of England is an emoji and six letters without a width, and their end.
_MOST_WITHOUT_WIDTH = 8
# What has no width, or shows nothing, though its category does not say so.
_BLANK = frozenset({0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0})


class Styled(NamedTuple):
    """Pieces of text set in one style, or in none of their own."""

    style: Style | None
    parts: "tuple[Rich, ...]"
    url: str | None = None


Rich: TypeAlias = str | Styled


class Span(NamedTuple):
    """A stretch of a text that has a style; a link leads to its `url`."""

    style: Style
    offset: int
    length: int
    url: str | None = None

    def of(self, text: str) -> str:
        """Return the part of a text that it covers."""
        return text[self.offset : self.offset + self.length]


class Message(NamedTuple):
    """A text, and the spans of it that have a style."""

    text: str
    spans: tuple[Span, ...] = ()


def bold(*parts: Rich) -> Styled:
    """Set text in bold."""
    return Styled("bold", parts)


def italic(*parts: Rich) -> Styled:
    """Set text in italics, for asides."""
    return Styled("italic", parts)


def code(*parts: Rich) -> Styled:
    """Set text in fixed width, which a tap copies."""
    return Styled("code", parts)


def link(text: Rich, url: str) -> Styled:
    """Link text to an address."""
    return Styled("text_link", (text,), url)


def quote(*parts: Rich, expandable: bool = False) -> Styled:
    """Set somebody else's words apart; an expandable quotation opens on a tap."""
    return Styled("expandable_blockquote" if expandable else "blockquote", parts)


def lines(*rows: Rich | None) -> tuple[Rich, ...]:
    """Return rows one below the other; None leaves a row out, an empty string leaves a gap."""
    present = [row for row in rows if row is not None]
    return tuple(part for row in present for part in (row, "\n"))[:-1]


def row(*parts: Rich) -> Styled:
    """Return several pieces as one, without a style of their own."""
    return Styled(None, parts)


def aside(*words: str) -> str:
    """Return words in brackets, with the space before them; "" for none."""
    present = ", ".join(word for word in words if word)
    return f" ({present})" if present else ""


def width(text: str) -> int:
    """Return the length of a text in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def compose(*parts: Rich) -> Message:
    """Lay pieces out as one message."""
    texts: list[str] = []
    spans: list[Span] = []
    _lay_out(parts, 0, texts, spans)
    spans.sort(key=lambda span: (span.offset, -span.length))
    return Message("".join(texts), tuple(spans))


def joined(*messages: Message) -> Message:
    """Return messages as one, each right after the one before."""
    text, spans = "", []
    for message in messages:
        spans += [span._replace(offset=span.offset + len(text)) for span in message.spans]
        text += message.text
    return Message(text, tuple(spans))


def _lay_out(parts: tuple[Rich, ...], at: int, texts: list[str], spans: list[Span]) -> int:
    for part in parts:
        if isinstance(part, str):
            shown = clean(part)
            texts.append(shown)
            at += len(shown)
        else:
            end = _lay_out(part.parts, at, texts, spans)
            if part.style and end > at:
                spans.append(Span(part.style, at, end - at, part.url))
            at = end
    return at


def clean(text: str) -> str:
    """Return a text without what Telegram refuses or what deceives.

    That is controls, lone surrogates, overrides, letters without a width, and towers of marks.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.isprintable():
        return text
    seen = "".join(c for c in text if c in "\n\t" or not _is_control(c))
    return seen if seen.isascii() else "".join(_without_towers(seen))


def _without_towers(text: str) -> Iterator[str]:
    """Yield a text's characters, with no more marks and joiners on one letter than scripts need."""
    height = unseen = 0
    for char in text:
        if _is_sign(char):
            unseen += 1
        elif category(char) in {"Mn", "Me"}:
            height += 1
        else:
            height = unseen = 0
        if height <= _MOST_MARKS and unseen <= _MOST_WITHOUT_WIDTH:
            yield char


def _is_sign(char: str) -> bool:
    """Return whether a character without a width is needed all the same.

    Families of emoji and several scripts are written with joiners; flags have letters, and emoji a
    sign of how they are to be drawn.
    """
    number = ord(char)
    return number in {0x200C, 0x200D} or 0xFE00 <= number <= 0xFE0F or 0xE0020 <= number <= 0xE007F


def _is_control(char: str) -> bool:
    """Return whether a character shows nothing: a control, no width, or a turn of direction."""
    number = ord(char)
    return (category(char) in {"Cc", "Cf", "Cs"} and not _is_sign(char)) or (
        number in _BLANK or 0xE0100 <= number <= 0xE01EF
    )


def cut(text: str, most: int) -> str:
    """Return at most `most` characters, ended at a word with an ellipsis if any were left out."""
    text = text.strip()
    if len(text) <= most:
        return text
    head = text[: most - 1]
    at_word = head.rsplit(maxsplit=1)[0] if " " in head[most // 2 :] else head
    return at_word.rstrip(" ,;:.–—-\u200d\ufe0f") + "…"


def with_note(message: Message, note: str, *, instead_of: Collection[str] = ()) -> Message:
    """Return the message with a note beneath it, in place of another if there is one."""
    body = message.text
    for other in instead_of:
        body = body.removesuffix(f"\n\n{other}")
    kept = Message(body, tuple(_within(message.spans, 0, len(body))))
    noted = joined(kept, compose("\n\n", italic(note)))
    return noted if width(noted.text) <= TEXT_LIMIT else message


def at_a_glance(lay_out: Callable[[int], Message]) -> Message:
    """Lay out a list with titles as long as a screen allows; `lay_out` takes their length."""
    for most in _TITLES:
        message = lay_out(most)
        if len(message.text) <= _SCREEN:
            break
    return message


def abridged(part: Rich, most: int) -> Rich:
    """Return the same piece, cut where its text grows longer than `most` characters."""
    return _abridged(part, most)[0]


def _abridged(part: Rich, most: int) -> tuple[Rich, int]:
    """Return the piece as far as there is room, and the room that is left."""
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
    """Cut a message into parts of at most `limit` units, at paragraphs, lines, words or anywhere.

    Units are UTF-16 code units. A span that reaches over a cut goes on in the next part.
    """
    return [
        Message(text, tuple(_within(message.spans, start, start + len(text))))
        for start, text in _chunks(message.text, limit)
    ]


def _chunks(text: str, limit: int) -> Iterator[tuple[int, str]]:
    """Yield the parts of a text with their offsets, without the line ends at the cuts."""
    at = 0
    while text:
        head = text if width(text) <= limit else _head(text, limit)
        text = text[len(head) :]
        body = head.lstrip("\n")
        offset = at + len(head) - len(body)
        if body := body.rstrip("\n"):
            yield offset, body
        at += len(head)


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


def _within(spans: tuple[Span, ...], start: int, end: int) -> Iterator[Span]:
    for span in spans:
        first = max(span.offset, start)
        last = min(span.offset + span.length, end)
        if last > first:
            yield span._replace(offset=first - start, length=last - first)
