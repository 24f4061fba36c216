"""Words a response whole: formatted, foldable, in as many messages as it takes."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.messages.buttons import RESPONSE, Keyboard, button
from bot.messages.format import day, number, span
from bot.messages.i18n import marked, tr
from bot.messages.message import (
    SPAN_LIMIT,
    TEXT_LIMIT,
    Message,
    Rich,
    abridged,
    aside,
    bold,
    compose,
    cut,
    italic,
    lines,
    link,
    quote,
    row,
    split,
    width,
)
from bot.messages.petition.institutions import committee, responder, response_noun, response_title
from bot.messages.petition.parts import department, title
from bot.petitions.petition import GovernmentResponse, Petition

# A quotation and a heading need a few spans themselves.
_MOST_SPANS = SPAN_LIMIT - 10
_LONGEST_PARAGRAPH = 3_000
_LONGEST_ADDRESS = 1_000
_EARLIER = (
    marked("First response"),
    marked("Second response"),
    marked("Third response"),
    marked("Fourth response"),
    marked("Fifth response"),
    marked("Sixth response"),
)
_NTH = marked("Earlier response")
_ONLY = marked("Response")
_REVISED = marked("Revised response")
_NEW = marked("New response")


class Version(NamedTuple):
    """A response as it once read, or reads now; `label` is its name, in English."""

    label: str
    response: GovernmentResponse


def versions(petition: Petition, earlier: Sequence[GovernmentResponse]) -> list[Version]:
    """Return every text of the response that is known, oldest first, the current one last.

    The site keeps no earlier texts; the committee sometimes publishes one beside the petition.
    """
    published = [] if earlier else _published(petition)
    older = [*published, *earlier]
    found = [
        Version(_EARLIER[i] if i < len(_EARLIER) else _NTH, text) for i, text in enumerate(older)
    ]
    current = petition.government_response
    if current:
        last = older[-1] if older else None
        is_again = bool(last and last.created_at and last.created_at != current.created_at)
        label = _NEW if is_again else _REVISED if last else _ONLY
        found.append(Version(label, current))
    return found


def _published(petition: Petition) -> list[GovernmentResponse]:
    """Return the earlier responses among the other parliamentary business."""
    return [
        GovernmentResponse(details=business.body, responded_on=business.occurred_on)
        for business in petition.other_parliamentary_business
        if re.search(
            r"\b(?:original|first|previous|earlier)\b.*\bresponse\b", business.subject, re.I
        )
    ]


def response(
    petition: Petition,
    earlier: Sequence[GovernmentResponse],
    now: datetime,
    wanted: int | None = None,
) -> tuple[list[Message], Keyboard | None]:
    """Word the current response, or the earlier one of that index, with buttons to the others."""
    texts = versions(petition, earlier)
    is_current = wanted is None or not 0 <= wanted < len(texts)
    if is_current and petition.government_response is None:
        return [_none_yet(petition, bool(texts), now)], _others(petition, texts, len(texts))
    index = len(texts) - 1 if is_current or wanted is None else wanted
    return _whole(petition, texts, index), _others(petition, texts, index)


def _none_yet(petition: Petition, was_withdrawn: bool, now: datetime) -> Message:
    since = petition.response_threshold_reached_at
    need = petition.response_threshold
    if was_withdrawn:
        says = (
            tr("The response was withdrawn, and no other has been published.")
            if petition.may_get_no_more
            else tr("The response was withdrawn. There isn't a new one yet.")
        )
    elif since and not petition.may_get_no_more:
        says = tr(
            "No {response} yet: waiting {span}, since {day}.",
            response=response_noun(petition),
            day=day(since),
            span=span(now - since),
        )
    elif petition.is_open and need and petition.signature_count < need:
        says = tr(
            "No {response} yet. One is due at {threshold} signatures.",
            response=response_noun(petition),
            threshold=number(need),
        )
    else:
        says = _nobody(petition)
    return compose(*lines(row("💬 ", bold(says)), title(petition)))


def _nobody(petition: Petition) -> str:
    match responder(petition):
        case "government":
            return tr("The Government hasn't responded.")
        case "ministers":
            return tr("Ministers haven't responded.")
        case None:
            return tr(
                "There's no written response on this site: petitions go to {committee}.",
                committee=committee(petition),
            )


def _others(petition: Petition, texts: Sequence[Version], shown: int) -> Keyboard | None:
    rows = [
        [button(_name(version), RESPONSE, petition.ref, str(index))]
        for index, version in enumerate(texts)
        if index != shown
    ]
    return rows[-6:] if rows else None


def _name(version: Version) -> str:
    when = _said_on(version.response)
    label = tr(version.label)
    return tr("{response}, {day}", response=label, day=day(when)) if when else label


def _said_on(text: GovernmentResponse) -> date | None:
    return text.responded_on or text.created_at


def _whole(petition: Petition, texts: Sequence[Version], index: int) -> list[Message]:
    version = texts[index]
    text = version.response
    head = lines(
        row("💬 ", bold(_heading(version, petition)), aside(department(petition))),
        title(petition),
        _history(texts, index, petition),
        quote(*_formatted_line(cut(text.summary, 1_000), {})) if text.summary.strip() else None,
    )
    return list(_messages(head, formatted(text.details)))


def _heading(version: Version, petition: Petition) -> str:
    if version.label != _ONLY:
        return _name(version)
    name = response_title(petition)
    if when := _said_on(version.response):
        return tr("{response}, {day}", response=name, day=day(when))
    return name


def _history(texts: Sequence[Version], index: int, petition: Petition) -> Rich | None:
    """Word how the shown text relates to the others; None if it stands alone."""
    text = texts[index].response
    if index < len(texts) - 1 or petition.government_response is None:
        if text in _published(petition):
            return italic(tr("This is an earlier version, which the petitions site still shows."))
        return italic(tr("This is an earlier version."))
    first = petition.government_response_at or text.created_at
    label = texts[index].label
    if label == _REVISED:
        return italic(_revised_since(first))
    if label == _NEW:
        return italic(tr("An earlier response was withdrawn before this one."))
    if first and text.updated_at and text.updated_at - first > timedelta(days=1):
        edited = day(text.updated_at)
        return italic(
            tr("First published on {first}, edited on {edited}.", first=day(first), edited=edited)
        )
    return None


def _revised_since(first: datetime | None) -> str:
    if first is None:
        return tr("This response has been revised.")
    return tr(
        "This response has been revised. The first version was published on {first}.",
        first=day(first),
    )


def _messages(head: tuple[Rich, ...], paragraphs: Iterable[Rich]) -> Iterator[Message]:
    """Yield the heading with as many paragraphs as fit, then messages of nothing but paragraphs."""
    first = compose(*head)
    used, spans = width(first.text) + 1, len(first.spans)
    held: list[Rich] = []
    for paragraph in paragraphs:
        laid = compose(paragraph)
        needs = width(laid.text) + 2
        is_full = used + needs > TEXT_LIMIT or spans + len(laid.spans) > _MOST_SPANS
        if is_full and (held or head):
            yield _one(head, held)
            head, held, used, spans = (), [], 0, 0
        held.append(paragraph)
        used, spans = used + needs, spans + len(laid.spans)
    yield _one(head, held)


def _one(head: tuple[Rich, ...], paragraphs: Sequence[Rich]) -> Message:
    apart = [part for paragraph in paragraphs for part in (paragraph, "\n\n")][:-1]
    body = (quote(*apart, expandable=True),) if apart else ()
    return compose(*head, *(("\n",) if head and body else ()), *body)


# --- from the site's text to ours ----------------------------------------------------------------

# None of these looks at any letter more than a few times, whatever the text.
_FOOTER = re.compile(r"^[^\S\n]*\[([0-9]{1,3})\]:[^\S\n]*(\S+)[^\S\n]*$", re.MULTILINE)
_BULLET = re.compile(r"^\s*(?:[*+-]|•)\s+")
_HEADING = re.compile(r"^#{1,6}\s+(.+)$")
_QUOTED = re.compile(r"^>\s?")
_INLINE = re.compile(
    r"\[(?P<label>[^\[\]\n]{1,300})\]\((?P<url>[^\s()]{1,1000})\)"
    r"|\[(?P<note>[0-9]{1,3})\]"
    r"|\*\*(?P<strong>[^*\n]{1,500})\*\*"
    r"|(?<![\w*])\*(?P<slanted>[^*\s][^*\n]{0,500})\*(?![\w*])"
    r"|(?<!\w)_(?P<under>[^_\s][^_\n]{0,500})_(?!\w)"
)


def formatted(text: str) -> list[Rich]:
    """Return the paragraphs of a response, its bullets, quotations and links made visible.

    The site's plain text names its links by number (`text[1]`) and lists them at the end; texts
    before November 2025 are Markdown.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    notes = {found[1]: found[2] for found in _FOOTER.finditer(text)}
    body = _FOOTER.sub("", text)
    paragraphs = [block.strip("\n") for block in re.split(r"\n\s*\n", body)]
    short = (part for block in paragraphs if block.strip() for part in _shortened(block))
    return [row(*lines(*(_line(text, notes) for text in part.split("\n")))) for part in short]


def excerpt(text: str, most: int) -> Rich | None:
    """Return the first `most` characters of the site's Markdown, formatted; None if it is empty."""
    # Beyond this, even markup that hides nearly all of itself shows as many characters.
    beginning = text.strip()[: 10 * most + 2_000]
    apart = [piece for part in formatted(beginning) for piece in (part, "\n\n")][:-1]
    return abridged(row(*apart), most) if apart else None


def _shortened(block: str) -> Iterator[str]:
    """Yield a paragraph as it is, or in pieces if it alone would fill a message."""
    if width(block) <= _LONGEST_PARAGRAPH:
        yield block
    else:
        yield from (part.text for part in split(Message(block), _LONGEST_PARAGRAPH))


def _line(text: str, notes: Mapping[str, str]) -> Rich:
    if heading := _HEADING.match(text):
        return bold(*_formatted_line(heading[1].rstrip().rstrip("#").rstrip(), notes))
    if _QUOTED.match(text):
        return italic(*_formatted_line(_QUOTED.sub("", text), notes))
    if _BULLET.match(text):
        return row("• ", *_formatted_line(_BULLET.sub("", text), notes))
    return row(*_formatted_line(text.strip(), notes))


def _formatted_line(text: str, notes: Mapping[str, str]) -> Iterator[Rich]:
    at = 0
    for found in _INLINE.finditer(text):
        yield text[at : found.start()]
        yield _styled(found, notes)
        at = found.end()
    yield text[at:]


def _styled(found: re.Match[str], notes: Mapping[str, str]) -> Rich:
    if label := found["label"]:
        return safe_link(label, found["url"])
    if note := found["note"]:
        return safe_link(f"[{note}]", notes[note]) if note in notes else found[0]
    if strong := found["strong"]:
        return bold(strong)
    return italic(found["slanted"] or found["under"])


def safe_link(text: str, url: str) -> Rich:
    """Return a link only where the address is one that leads to the web, else the text alone."""
    return link(text, url) if _is_web_address(url) else text


def _is_web_address(url: str) -> bool:
    """Return whether an address leads to where it seems to: with user info, it only seems to."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_plain = parts.username is None and (parts.port or 0) >= 0
    except ValueError:
        return False
    has_host = re.fullmatch(r"[^\s.]+(\.[^\s.]+)+", host) is not None
    is_whole = len(url) <= _LONGEST_ADDRESS and not re.search(r"[\s\\<>\"]", url)
    return parts.scheme in {"http", "https"} and has_host and is_plain and is_whole
