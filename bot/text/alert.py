"""An alert: what happened, what it means or what comes next, since when we know.

The first line does as a notification; one emoji for each kind of event, always the same.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, assert_never

from telegram import InlineKeyboardMarkup

from bot.petitions.model import (
    BusinessAdded,
    Closed,
    CommitteeNoted,
    CountFell,
    DebateCancelled,
    Debated,
    DebateLink,
    DebateLinkName,
    DebateMoved,
    DebateScheduled,
    Event,
    Known,
    MilestoneReached,
    NotDebated,
    Occurrence,
    Opened,
    Petition,
    Rejected,
    Removed,
    Reopened,
    Responded,
    ResponseRevised,
    ResponseWithdrawn,
)
from bot.petitions.wording import readable
from bot.text.buttons import alert_row, response_row
from bot.text.figures import (
    clock,
    counted,
    day,
    london_today,
    moment,
    number,
    span,
    weekday,
)
from bot.text.petition import (
    awaited,
    department,
    life,
    meaning,
    outlook,
    pace_line,
    rate,
    title,
)
from bot.text.rich import Message, Rich, bold, compose, cut, italic, lines, link, quote, row

_QUOTED = 700
_SENTENCE = 280
_SENTENCES = 5

REASONS = {
    "duplicate": "There is already a petition about this.",
    "irrelevant": "It is about something the Government or Parliament is not responsible for.",
    "no-action": "It did not ask for a clear action from the Government or Parliament.",
    "honours": "It is about honours or appointments, which have their own way.",
    "fake-name": "It was not started under a real name.",
    "foi": "It asks for information, which a freedom of information request is for.",
}

LINK_NAMES: dict[DebateLinkName, str] = {
    "transcript": "Transcript",
    "video": "Video",
    "debate_pack": "Research briefing",
    "public_engagement": "Public engagement",
    "debate_summary": "Summary",
}


class Told(NamedTuple):
    """How an event is told: its first line, and what follows the title."""

    headline: Rich
    rows: tuple[Rich | None, ...] = ()


def alert(
    known: Known, occurrences: Sequence[Occurrence], now: datetime, muted: bool
) -> tuple[Message, InlineKeyboardMarkup]:
    """The message for occurrences that belong together, oldest first, and its buttons."""
    petition = known.petition
    told = _tell([occurrence.event for occurrence in occurrences], known, now)
    since = italic(f"Known since {clock(occurrences[0].at, now)}.")
    message = compose(*lines(told.headline, title(petition), *told.rows, since))
    return message, _buttons(known, [occurrence.event for occurrence in occurrences], muted)


def _buttons(known: Known, events: Sequence[Event], muted: bool) -> InlineKeyboardMarkup:
    """What an alert can always be answered with, and under a response the whole of it."""
    row = alert_row(known.petition, muted)
    if any(isinstance(event, Responded | ResponseRevised | ResponseWithdrawn) for event in events):
        told = response_row(known.petition, len(known.earlier_responses))
        return InlineKeyboardMarkup([told, row] if told else [row])
    return InlineKeyboardMarkup([row])


def bare_alert(known: Known) -> Message:
    """That there is news of a petition, in words that nothing can be wrong with."""
    return compose(f"There is news about petition {known.petition.ref.id}: {known.petition.url}")


def _tell(events: Sequence[Event], known: Known, now: datetime) -> Told:
    milestones = [event for event in events if isinstance(event, MilestoneReached)]
    if milestones:
        return _milestones(milestones, known.petition, now)
    links = [event for event in events if isinstance(event, DebateLink)]
    if links and len(links) == len(events):
        return _links(links)
    told = _one(events[0], known, now)
    return told._replace(rows=(*told.rows, _link_row(links))) if links else told


def _one(event: Event, known: Known, now: datetime) -> Told:
    petition = known.petition
    match event:
        case MilestoneReached():
            return _milestones([event], petition, now)
        case Opened():
            return Told(row("📣 ", bold("Open for signatures.")), (outlook(petition),))
        case Responded():
            return _responded(event, known)
        case ResponseRevised():
            return _revised(event, petition)
        case ResponseWithdrawn():
            return _withdrawn(petition, now)
        case DebateScheduled() | DebateMoved() | DebateCancelled():
            return _debate_date(event, now)
        case Debated() | NotDebated() | DebateLink():
            return _debate_outcome(event)
        case BusinessAdded() | CommitteeNoted():
            return _paper(event)
        case Closed():
            return _closed(event, petition, now)
        case Rejected() | Removed() | Reopened():
            return _standing(event, petition)
        case CountFell():
            return _fell(event)
        case _:
            assert_never(event)


def _milestones(events: Sequence[MilestoneReached], petition: Petition, now: datetime) -> Told:
    top = events[-1]
    official = [event for event in events if event.official]
    rows = (
        *(_reached_row(event, petition) for event in official),
        outlook(petition),
        _sentence(pace_line(petition, now)),
    )
    if len(events) == 1:
        what = f" — {meaning(top.official, petition)}." if top.official else " — a milestone."
        return Told(row("🔔 ", bold(f"{number(top.number)} signatures"), what), rows)
    others = [event for event in official if event is not top]
    passed = " and ".join(number(event.number) for event in (top, *reversed(others)))
    promises = "".join(
        f" {_capital(meaning(e.official, petition))}." for e in official if e.official
    )
    return Told(
        row(
            "🔔 ", bold(f"{number(top.signature_count)} signatures"), f" — past {passed}.", promises
        ),
        rows,
    )


def _reached_row(event: MilestoneReached, petition: Petition) -> str | None:
    if event.reached_at is None:
        return None
    text = f"{number(event.number)} reached {moment(event.reached_at)}"
    if petition.opened_at and event.reached_at > petition.opened_at:
        text += f", {span(event.reached_at - petition.opened_at)} after it opened"
    return f"{text}."


def _responded(event: Responded, known: Known) -> Told:
    petition, response = known.petition, event.response
    said = _aside(department(petition), day(response.responded_on) if response.responded_on else "")
    again = " again" if known.earlier_responses else ""
    summary = readable(response.summary or response.details)
    return Told(
        row("💬 ", bold(f"The Government has responded{again}"), said, "."),
        (quote(cut(summary, _QUOTED)) if summary.strip() else None,),
    )


def _revised(event: ResponseRevised, petition: Petition) -> Told:
    return Told(
        row("💬 ", bold("Revised response"), _aside(department(petition)), ". What changed:"),
        (*_changes("−", event.removed), *_changes("+", event.added)),
    )


def _changes(sign: str, sentences: Sequence[str]) -> list[Rich]:
    shown: list[Rich] = [quote(f"{sign} {cut(s, _SENTENCE)}") for s in sentences[:_SENTENCES]]
    if left := len(sentences) - len(shown):
        shown.append(f"{sign} {counted(left, 'more sentence')}")
    return shown


def _withdrawn(petition: Petition, now: datetime) -> Told:
    since = petition.response_threshold_reached_at
    wait = f", for {span(now - since)} now" if since else ""
    return Told(
        row("💬 ", bold("The response was withdrawn.")),
        (f"The petition is waiting for one again{wait}.",),
    )


def _debate_date(event: DebateScheduled | DebateMoved | DebateCancelled, now: datetime) -> Told:
    match event:
        case DebateScheduled(on):
            is_past = on < london_today(now)
            if is_past:
                return Told(row("🏛 ", bold("Debate date given"), f": {weekday(on)}, already past."))
            return Told(
                row("🏛 ", bold(f"Debate on {weekday(on)}"), "."), (_days_until(event, now),)
            )
        case DebateMoved(was, on):
            return Told(
                row("🏛 ", bold("Debate moved"), f" from {day(was)} to {weekday(on)}."),
                (_days_until(event, now),),
            )
        case DebateCancelled(was):
            return Told(
                row("🏛 ", bold("Debate cancelled"), ": no new date yet."),
                (f"It was to be on {weekday(was)}.",),
            )


def _days_until(event: DebateScheduled | DebateMoved, now: datetime) -> str | None:
    days = (event.on - london_today(now)).days
    if days < 0:
        return None
    return "That is today." if days == 0 else f"In {counted(days, 'day')}."


def _debate_outcome(event: Debated | NotDebated | DebateLink) -> Told:
    match event:
        case Debated(debated_on, overview):
            return Told(
                row("🏛 ", bold("Debated"), f" on {weekday(debated_on)}."),
                (_quoted(overview),),
            )
        case NotDebated(overview):
            return Told(
                row("🏛 ", bold("It will not be debated.")),
                (_quoted(overview),),
            )
        case DebateLink():
            return _links([event])


def _links(links: Sequence[DebateLink]) -> Told:
    names = [LINK_NAMES[event.name] for event in links]
    if len(names) == 1:
        return Told(row("🏛 ", bold(f"{names[0]} of the debate is out.")), (_link_row(links),))
    return Told(row("🏛 ", bold("New about the debate."), ""), (_link_row(links),))


def _link_row(links: Sequence[DebateLink]) -> Rich:
    parts: list[Rich] = []
    for event in links:
        parts += [" · ", _safe_link(LINK_NAMES[event.name], event.url)]
    return row(*parts[1:])


def _safe_link(text: str, url: str) -> Rich:
    """A link only where the address is one: the site's fields are typed by hand."""
    is_address = url.startswith(("https://", "http://")) and " " not in url
    return link(text, url) if is_address else f"{text}: {url}"


def _paper(event: BusinessAdded | CommitteeNoted) -> Told:
    match event:
        case BusinessAdded(business):
            on = f" ({day(business.occurred_on)})" if business.occurred_on else ""
            return Told(
                row("📜 ", bold("In Parliament: "), cut(business.subject, 200), f"{on}."),
                (_quoted(business.body),),
            )
        case CommitteeNoted(note, revised):
            what = (
                "The Petitions Committee changed its note"
                if revised
                else ("The Petitions Committee added a note")
            )
            return Told(row("📝 ", bold(what), "."), (_quoted(note),))


def _closed(event: Closed, petition: Petition, now: datetime) -> Told:
    lasted = f"Open {open_for}" if (open_for := life(petition)) else None
    waiting = awaited(petition)
    early = "It closed before its own date, as happens when Parliament is dissolved."
    return Told(
        row("🏁 ", bold(f"Closed with {number(event.signature_count)} signatures.")),
        (
            early if event.early else None,
            _sentence(_joined(lasted, rate(petition, now))),
            f"Waiting for {' and '.join(waiting)}. I keep watching." if waiting else None,
        ),
    )


def _standing(event: Rejected | Removed | Reopened, petition: Petition) -> Told:
    match event:
        case Rejected(rejection):
            why = REASONS.get(rejection.code, "") if rejection else ""
            details = rejection.details if rejection else ""
            return Told(row("🚫 ", bold("Rejected.")), (why or None, _quoted(details)))
        case Removed():
            return Told(
                row("⚠️ ", bold("Taken off the site.")),
                ("I keep asking, and tell you if it returns.",),
            )
        case Reopened():
            is_open = "open for signatures again" if petition.is_open else "on the site again"
            return Told(row("↩️ ", bold("It is back"), f": {is_open}."), (outlook(petition),))


def _fell(event: CountFell) -> Told:
    lost = number(event.was - event.signature_count)
    return Told(
        row("↘️ ", bold(f"{lost} signatures were removed"), " (fraud checks happen)."),
        (f"Now {number(event.signature_count)}. Milestones that were reached stay reached.",),
    )


def _quoted(text: str) -> Rich | None:
    words = readable(text).strip()
    return quote(cut(words, _QUOTED)) if words else None


def _aside(*words: str) -> str:
    present = ", ".join(word for word in words if word)
    return f" ({present})" if present else ""


def _joined(*clauses: str | None) -> str | None:
    return ", ".join(clause for clause in clauses if clause) or None


def _sentence(clause: str | None) -> str | None:
    return f"{_capital(clause)}." if clause else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
