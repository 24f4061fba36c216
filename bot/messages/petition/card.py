"""Words the card: a whole petition in one message, under a thousand characters until expanded."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.messages.alert import LINK_NAMES
from bot.messages.format import bar, clock, day, london_today, moment, number, signatures, weekday
from bot.messages.i18n import marked, say, tr
from bot.messages.message import (
    TEXT_LIMIT,
    Message,
    Rich,
    aside,
    compose,
    cut,
    italic,
    lines,
    quote,
    row,
    width,
)
from bot.messages.petition.institutions import debate_earned, responder, response_noun
from bot.messages.petition.parts import (
    department,
    meaning_line,
    pace_line,
    promises_a_debate,
    says_since_when,
    status_line,
    title,
)
from bot.messages.petition.rejection import reason
from bot.messages.petition.response import excerpt, safe_link
from bot.messages.petition.wording import spoken
from bot.messages.reader import to_reader
from bot.petitions.forecast import pace as recent_pace
from bot.petitions.parliaments.description import Responder
from bot.petitions.petition import GovernmentResponse, Petition, Reading
from bot.petitions.text_diff import readable
from bot.petitions.thresholds import is_finished, thresholds_ahead
from bot.subscriptions.subscription import Subscription

_FOLDED_LIMIT = 1_000

# That there is a response: without a date, with one, and with that of the first one.
_RESPONDED: Mapping[Responder, tuple[str, str, str]] = {
    "government": (
        marked("💬 The Government responded{by}."),
        marked("💬 The Government responded on {day}{by}."),
        marked("💬 The Government responded on {day}{by}. Its first response was on {first}."),
    ),
    "ministers": (
        marked("💬 Ministers responded{by}."),
        marked("💬 Ministers responded on {day}{by}."),
        marked("💬 Ministers responded on {day}{by}. Their first response was on {first}."),
    ),
}


class _Room(NamedTuple):
    """The numbers of characters that the parts of a card may take."""

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
    """Word the petition as of `read_at`; say so if the site cannot be asked right now.

    `readings` of the last days, oldest first, give the present pace beside that of its whole life.
    """
    petition = spoken(petition)
    source = _source(petition, read_at, now, unreachable_since)
    for room in _ROOMS:
        words = excerpt(petition.committee_note, room.said)
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
                quote(say("Petitions Committee: {note}", note=words)) if words else None,
                _more(petition, room),
                cut(_about(petition), max(200, room.asked)) or None,
                source,
            )
        )
        if width(message.text) <= TEXT_LIMIT and _unfolded(message) < _FOLDED_LIMIT:
            break
    return message


def _unfolded(message: Message) -> int:
    """Return the length that shows before anything is expanded, in UTF-16 code units."""
    folded = [span for span in message.spans if span.style == "expandable_blockquote"]
    return width(message.text) - sum(width(span.of(message.text)) for span in folded)


def _count(petition: Petition) -> Rich | None:
    if petition.is_unpublished:
        return None
    threshold = min(thresholds_ahead(petition), default=None)
    if not petition.is_open or threshold is None:
        return signatures(petition.signature_count)
    return tr(
        "{count} of {threshold} {bar}",
        bar=bar(petition.signature_count / threshold),
        count=number(petition.signature_count),
        threshold=number(threshold),
    )


def _status(petition: Petition, now: datetime) -> str:
    parts = [status_line(petition, now, to_the_minute=True)]
    if petition.submitted_on_paper:
        parts.append(tr("handed in on paper"))
    elif petition.opened_at and petition.state != "rejected" and not says_since_when(petition):
        parts.append(tr("opened {moment}", moment=moment(petition.opened_at)))
    return " · ".join(parts)


def _paces(petition: Petition, readings: Sequence[Reading], now: datetime) -> str | None:
    """Word the signatures a day over its life, and lately as far as it has been watched."""
    if petition.state == "rejected" or petition.is_unpublished:
        return None
    parts = [pace_line(petition, now)]
    if petition.is_open:
        lately = recent_pace(petition, readings, now)
        if a_day := lately.last_24h:
            parts.append(tr("{number} in the last 24 hours", number=number(round(a_day))))
        if a_day := lately.last_7d:
            parts.append(tr("{number} a day over the last 7 days", number=number(round(a_day))))
    return " · ".join(part for part in parts if part) or None


def _following(subscription: Subscription | None) -> str | None:
    if subscription is None:
        return None
    if subscription.muted:
        return to_reader(
            marked("✅ You're following this petition (silent)."),
            marked("✅ This chat is following this petition (silent)."),
        )
    return to_reader(
        marked("✅ You're following this petition."),
        marked("✅ This chat is following this petition."),
    )


def _response(petition: Petition, most: int) -> list[Rich | None]:
    response = petition.government_response
    if response is None:
        is_late = petition.may_get_no_more
        since = None if is_late else petition.response_threshold_reached_at
        return (
            [
                tr(
                    "💬 Waiting for a {response} since {day}.",
                    response=response_noun(petition),
                    day=day(since),
                )
            ]
            if since
            else []
        )
    said = _said(response.summary or response.details, most)
    return [_responded(petition, response), said]


def _responded(petition: Petition, response: GovernmentResponse) -> str:
    """Word that there is a response, since when, and whose."""
    by = aside(department(petition))
    on, first = response.responded_on, petition.government_response_at
    undated, dated, again = _RESPONDED[responder(petition) or "government"]
    if on is None:
        return tr(undated, by=by)
    if first and first.date() < on:
        return tr(again, day=day(on), first=day(first), by=by)
    return tr(dated, day=day(on), by=by)


def _debate(petition: Petition, most: int, now: datetime) -> list[Rich | None]:
    debate = petition.debate
    if debate is None:
        if date := petition.scheduled_debate_date:
            if date < london_today(now):
                return [
                    tr("🏛 The debate was due on {day}. There's no record yet.", day=weekday(date))
                ]
            if petition.may_get_no_more:
                planned = tr(
                    "🏛 The debate was planned for {day}. It may not be held now.",
                    day=weekday(date),
                )
                return [planned]
            return [tr("🏛 Debate: {day}.", day=weekday(date))]
        return _no_debate(petition)
    if debate.debated_on is None:
        return [tr("🏛 It won't be debated."), _quoted(debate.overview, most)]
    links = [
        part
        for name, label in LINK_NAMES.items()
        if (url := debate.link(name))
        for part in (" · ", safe_link(tr(label), url))
    ]
    return [row(tr("🏛 Debated on {day}.", day=weekday(debate.debated_on)), *links)]


def _no_debate(petition: Petition) -> list[Rich | None]:
    """Word what is still to be expected of the chamber, and of the committee before it.

    That is nothing once nobody waits any more for what a past, or dissolved, parliament did not
    debate.
    """
    since = petition.debate_threshold_reached_at
    if petition.archived or is_finished(petition):
        return []
    if since and promises_a_debate(petition):
        is_late = petition.is_cut_short
        return [] if is_late else [tr("🏛 Waiting for a debate date since {day}.", day=day(since))]
    if since:
        return [f"🏛 {debate_earned(petition)}"]
    if petition.referral_threshold_reached_at and petition.is_open:
        return [f"📥 {meaning_line('referral', petition)}"]
    return []


def _rejection(petition: Petition, most: int) -> list[Rich | None]:
    if petition.state != "rejected" or petition.rejection is None:
        return []
    why = reason(petition, petition.rejection)
    return [f"🚫 {why}" if why else None, _quoted(petition.rejection.details, most)]


def _more(petition: Petition, room: _Room) -> Rich | None:
    """Return what shows when it is expanded: the text cut above, the details, other business."""
    is_cut = len(petition.committee_note.strip()) > room.said
    note = excerpt(petition.committee_note, room.folded) if is_cut else None
    parts: list[Rich] = [
        *_rest(petition.background, room.asked, room.folded),
        *_rest(petition.additional_details, 0, room.folded),
        *((say("Petitions Committee: {note}", note=note),) if note else ()),
        *_business(petition, room),
    ]
    apart = [piece for part in parts for piece in (part, "\n\n")][:-1]
    return quote(*apart, expandable=True) if apart else None


def _rest(text: str, shown: int, most: int) -> list[str]:
    words = readable(text).strip()
    return [cut(words, most)] if len(words) > shown else []


def _business(petition: Petition, room: _Room) -> list[str]:
    """Word letters, statements and the like, the latest three."""
    return [
        f"📜 {cut(b.subject, 120)}"
        + aside(day(b.occurred_on) if b.occurred_on else "")
        + (f"\n{cut(readable(b.body), room.folded // 4)}" if b.body.strip() else "")
        for b in petition.other_parliamentary_business[-3:]
    ]


def _about(petition: Petition) -> str:
    named = petition.topic_names or tuple(topic.replace("-", " ") for topic in petition.topics)
    topics = ", ".join(named[:6])
    departments = ", ".join(d.name for d in petition.departments[:3])
    parts = [
        tr("Topics: {topics}", topics=topics) if topics else "",
        tr("Department: {departments}", departments=cut(departments, 120)) if departments else "",
        tr("Started by {name}", name=cut(petition.creator_name, 80))
        if petition.creator_name and petition.is_open
        else "",
        _parliament(petition),
    ]
    return " · ".join(part for part in parts if part)


def _parliament(petition: Petition) -> str:
    past = petition.parliament
    if past is None or not past.period:
        return ""
    period = past.period.replace("-", "–")
    if not past.government:
        return tr("From the {period} parliament", period=period)
    return tr(
        "From the {period} parliament ({party} government)",
        period=period,
        party=cut(past.government, 60),
    )


def _source(
    petition: Petition, read_at: datetime, now: datetime, unreachable_since: datetime | None
) -> Rich:
    host = urlsplit(petition.url).hostname or petition.ref.site
    figures = tr(
        "Petition {number} on {host}. Figures from {clock}.",
        number=petition.number,
        host=host,
        clock=clock(read_at, now),
    )
    if unreachable_since is None:
        return italic(figures)
    since = clock(unreachable_since, now)
    return italic(
        tr("The petitions site hasn't answered since {clock}.", clock=since), " ", figures
    )


def _said(text: str, most: int) -> Rich | None:
    words = cut(readable(text), most)
    return quote(words) if words else None


def _quoted(text: str, most: int) -> Rich | None:
    words = excerpt(text, most)
    return quote(words) if words else None
