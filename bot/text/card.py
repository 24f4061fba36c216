"""The card: a whole petition in one message, under a thousand characters before it is expanded."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from telegram import MessageEntity

from bot.petitions.forecast import pace as recent_pace
from bot.petitions.milestones import thresholds
from bot.petitions.model import Petition, Reading, Subscription
from bot.petitions.wording import readable
from bot.text.alert import LINK_NAMES, REASONS
from bot.text.figures import LONDON, bar, clock, day, london_today, moment, number, weekday
from bot.text.petition import department, pace_line, status_line, title
from bot.text.response import safe_link
from bot.text.rich import (
    TEXT_LIMIT,
    Message,
    Rich,
    compose,
    cut,
    italic,
    lines,
    quote,
    row,
    width,
)

_FOLDED_LIMIT = 1_000


class _Room(NamedTuple):
    """How many characters the parts of a card may take."""

    asked: int
    said: int
    folded: int


# A card is laid out as amply as its texts allow.
_ROOMS = (
    _Room(320, 320, 1_500),
    _Room(300, 200, 1_000),
    _Room(160, 120, 1_000),
    _Room(80, 60, 1_000),
    _Room(80, 60, 400),
    _Room(40, 40, 150),
)


def card(
    petition: Petition,
    read_at: datetime,
    now: datetime,
    *,
    subscription: Subscription | None = None,
    unreachable_since: datetime | None = None,
    readings: Sequence[Reading] = (),
) -> Message:
    """The petition as of `read_at`; says so if the site cannot be asked right now.

    `readings` of the last days, oldest first, give the present pace beside that of its whole life.
    """
    source = _source(petition, read_at, now, unreachable_since)
    for room in _ROOMS:
        message = compose(
            *lines(
                title(petition),
                _count(petition),
                _status(petition, now),
                _paces(petition, readings, now),
                _following(subscription),
                _said(petition.background, room.asked),
                *_response(petition, room.said),
                *_debate(petition, room.said, now),
                *_rejection(petition, room.said),
                _said(petition.committee_note, room.said, lead="Committee's note: "),
                _more(petition, room),
                cut(_about(petition), max(200, room.asked)) or None,
                source,
            )
        )
        if width(message.text) <= TEXT_LIMIT and _unfolded(message) < _FOLDED_LIMIT:
            break
    return message


def _unfolded(message: Message) -> int:
    """The length that shows before anything is expanded."""
    folded = MessageEntity.EXPANDABLE_BLOCKQUOTE
    return width(message.text) - sum(e.length for e in message.entities if e.type == folded)


def _count(petition: Petition) -> Rich:
    ahead = sorted(n for n in thresholds(petition) if n > petition.signature_count)
    if not petition.is_open or not ahead:
        return f"{number(petition.signature_count)} signatures"
    done = bar(petition.signature_count / ahead[0])
    return f"{done} {number(petition.signature_count)} of {number(ahead[0])}"


def _status(petition: Petition, now: datetime) -> str:
    parts = [status_line(petition, now)]
    if petition.is_over and petition.closed_at:
        parts[0] += f"{petition.closed_at.astimezone(LONDON):, %H:%M}"
    if petition.opened_at and petition.state != "rejected":
        parts.append(f"opened {moment(petition.opened_at)}")
    return " · ".join(parts)


def _paces(petition: Petition, readings: Sequence[Reading], now: datetime) -> str | None:
    """Signatures a day over its life, and lately as far as we have been watching."""
    if petition.state == "rejected":
        return None
    parts = [pace_line(petition, now)]
    if petition.is_open:
        lately = recent_pace(petition, readings, now)
        for window, a_day in (("24 hours", lately.last_24h), ("7 days", lately.last_7d)):
            parts.append(f"{number(round(a_day))} a day in the last {window}" if a_day else None)
    return " · ".join(part for part in parts if part) or None


def _following(subscription: Subscription | None) -> str | None:
    if subscription is None:
        return None
    muted = ", without sound" if subscription.muted else ""
    return f"✅ You follow this one{muted}."


def _response(petition: Petition, most: int) -> list[Rich | None]:
    response = petition.government_response
    if response is None:
        since = None if petition.archived else petition.response_threshold_reached_at
        return [f"💬 A response is awaited since {day(since)}."] if since else []
    when = f" on {day(response.responded_on)}" if response.responded_on else ""
    first = petition.government_response_at
    if first and response.responded_on and first.date() < response.responded_on:
        when += f", first on {day(first)}"
    who = f" ({department(petition)})" if department(petition) else ""
    said = _said(response.summary or response.details, most)
    return [f"💬 The Government responded{when}{who}.", said]


def _debate(petition: Petition, most: int, now: datetime) -> list[Rich | None]:
    debate = petition.debate
    if debate is None:
        if date := petition.scheduled_debate_date:
            past = date < london_today(now)
            return [f"🏛 Debate: {weekday(date)}{', record awaited' if past else ''}."]
        # What a past parliament did not debate nobody waits for any more.
        since = None if petition.archived else petition.debate_threshold_reached_at
        return [f"🏛 A debate is awaited since {day(since)}."] if since else []
    if debate.debated_on is None:
        return ["🏛 It will not be debated.", _said(debate.overview, most)]
    links = [
        part
        for name, label in LINK_NAMES.items()
        if (url := debate.link(name))
        for part in (" · ", safe_link(label, url))
    ]
    return [row(f"🏛 Debated on {weekday(debate.debated_on)}.", *links)]


def _rejection(petition: Petition, most: int) -> list[Rich | None]:
    if petition.state != "rejected" or petition.rejection is None:
        return []
    why = REASONS.get(petition.rejection.code)
    return [f"🚫 {why}" if why else None, _said(petition.rejection.details, most)]


def _more(petition: Petition, room: _Room) -> Rich | None:
    """What shows when it is expanded: whatever was cut above, the details, other business."""
    parts = [
        *_rest("", petition.background, room.asked, room.folded),
        *_rest("", petition.additional_details, 0, room.folded),
        *_rest("Committee's note: ", petition.committee_note, room.said, room.folded),
        *_business(petition, room),
    ]
    apart = [piece for part in parts for piece in (part, "\n\n")][:-1]
    return quote(*apart, expandable=True) if apart else None


def _rest(lead: str, text: str, shown: int, most: int) -> list[str]:
    words = readable(text).strip()
    return [lead + cut(words, most)] if len(words) > shown else []


def _business(petition: Petition, room: _Room) -> list[str]:
    """Letters, statements and the like, the latest three."""
    return [
        f"📜 {cut(b.subject, 120)}"
        + (f" ({day(b.occurred_on)})" if b.occurred_on else "")
        + (f"\n{cut(readable(b.body), room.folded // 4)}" if b.body.strip() else "")
        for b in petition.other_parliamentary_business[-3:]
    ]


def _about(petition: Petition) -> str:
    topics = ", ".join(topic.replace("-", " ") for topic in petition.topics[:6])
    departments = ", ".join(d.name for d in petition.departments[:3])
    parts = [
        f"Topics: {topics}" if topics else "",
        f"For: {cut(departments, 120)}" if departments else "",
        f"Started by {cut(petition.creator_name, 80)}"
        if petition.creator_name and petition.is_open
        else "",
        _parliament(petition),
    ]
    return " · ".join(part for part in parts if part)


def _parliament(petition: Petition) -> str:
    past = petition.parliament
    if past is None or not past.period:
        return ""
    under = f" ({cut(past.government, 60)} government)" if past.government else ""
    return f"From the {past.period.replace('-', '–')} parliament{under}"


def _source(
    petition: Petition, read_at: datetime, now: datetime, unreachable_since: datetime | None
) -> Rich:
    host = urlsplit(petition.url).hostname or petition.ref.site
    figures = f"{petition.ref.id} on {host}, as of {clock(read_at, now)}."
    if unreachable_since is None:
        return italic(figures)
    missed = f"The site has not been answering since {clock(unreachable_since, now)}. "
    return row(italic(missed, figures))


def _said(text: str, most: int, *, lead: str = "") -> Rich | None:
    words = cut(readable(text), most)
    return quote(f"{lead}{words}") if words else None
