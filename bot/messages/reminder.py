"""Words what the clock and the counts alone bring: reminders, surges, places in the top ten.

Each may be heard hours after it happened, so nothing here is said as of the moment of hearing that
may have passed since.
"""

from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from bot.messages.format import about, day, london_today, number, percent, signatures, weekday
from bot.messages.i18n import marked, say, say_many, tr
from bot.messages.message import Rich, cut
from bot.messages.petition.institutions import response_noun
from bot.messages.petition.parts import outlook
from bot.petitions.events import (
    ClosingSoon,
    DebateOverdue,
    DebatePassed,
    DebateToday,
    ResponseOverdue,
    Surged,
    ToppedIn,
)
from bot.petitions.forecast import Verdict
from bot.petitions.petition import Petition
from bot.petitions.thresholds import thresholds_ahead

Reminder: TypeAlias = (
    ClosingSoon | ResponseOverdue | DebateOverdue | DebateToday | DebatePassed | Surged | ToppedIn
)

_DAY = timedelta(days=1)
_NAME = 80

_NEEDS: dict[Verdict, str] = {
    "likely": marked("Likely to reach {threshold}: it needs {needed} a day and is getting {pace}."),
    "possible": marked("Might reach {threshold}: it needs {needed} a day and is getting {pace}."),
    "unlikely": marked(
        "Unlikely to reach {threshold}: it needs {needed} a day and is getting {pace}."
    ),
}
_LACKS: dict[Verdict, str] = {
    "likely": marked("Likely to reach {threshold}: {needed} to go, getting {pace} a day."),
    "possible": marked("Might reach {threshold}: {needed} to go, getting {pace} a day."),
    "unlikely": marked("Unlikely to reach {threshold}: {needed} to go, getting {pace} a day."),
}


class AlertText(NamedTuple):
    """The words for an event: its first line, and the rows beneath the petition's title."""

    headline: Rich
    rows: tuple[Rich | None, ...] = ()


def reminder(event: Reminder, petition: Petition, now: datetime) -> AlertText:
    """Words a reminder, a surge or a place in the top ten."""
    match event:
        case ClosingSoon():
            return _closing(event, petition, now)
        case ResponseOverdue() | DebateOverdue():
            return _overdue(event, petition)
        case DebateToday() | DebatePassed():
            return _debate(event, petition, now)
        case Surged():
            return _surge(event, petition)
        case ToppedIn():
            return _topped(event)


def _closing(event: ClosingSoon, petition: Petition, now: datetime) -> AlertText:
    last = event.closes_at - timedelta(seconds=1)
    if now >= event.closes_at:
        return AlertText(say("⏳ <b>The last day to sign was {day}.</b>", day=weekday(last)))
    headline = say(
        "⏳ <b>Closes in {span}</b> with {count} so far.",
        span=about(event.closes_at - now),
        count=signatures(petition.signature_count),
    )
    last_day = tr("Last day to sign: {day}.", day=weekday(last))
    return AlertText(headline, (_chances(event, petition, now), last_day))


def _chances(event: ClosingSoon, petition: Petition, now: datetime) -> str | None:
    """Word what it still needs for the next threshold, and how that is likely to end.

    None if there is no threshold ahead, or the event has no pace to go by.
    """
    threshold = min(thresholds_ahead(petition), default=None)
    if threshold is None or event.a_day is None or event.expected is None:
        return None
    days = (event.closes_at - now) / _DAY
    missing = threshold - petition.signature_count
    verdict = _verdict(event.expected, threshold)
    text, needed = (_NEEDS, missing / days) if days >= 2 else (_LACKS, missing)
    return tr(
        text[verdict],
        needed=number(round(needed)),
        threshold=number(threshold),
        pace=number(round(event.a_day)),
    )


def _verdict(expected: tuple[int, int], threshold: int) -> Verdict:
    low, high = expected
    if low >= threshold:
        return "likely"
    return "possible" if high >= threshold else "unlikely"


def _overdue(event: ResponseOverdue | DebateOverdue, petition: Petition) -> AlertText:
    since = tr("It reached the threshold on {day}.", day=day(event.since))
    if isinstance(event, ResponseOverdue):
        threshold = number(petition.response_threshold or 0)
        headline = say_many(
            "⏳ <b>{count} day after {threshold} signatures, still no {response}.</b>",
            "⏳ <b>{count} days after {threshold} signatures, still no {response}.</b>",
            event.days,
            response=response_noun(petition),
            threshold=threshold,
        )
        return AlertText(headline, (since,))
    threshold = number(petition.debate_threshold or 0)
    headline = say_many(
        "⏳ <b>{count} day after {threshold} signatures, still no debate date.</b>",
        "⏳ <b>{count} days after {threshold} signatures, still no debate date.</b>",
        event.days,
        threshold=threshold,
    )
    return AlertText(headline, (since,))


def _debate(event: DebateToday | DebatePassed, petition: Petition, now: datetime) -> AlertText:
    today = london_today(now)
    if petition.may_get_no_more:
        doubt = tr("It may not be held: the petition closed before its closing date.")
        return AlertText(
            say("🏛 <b>The debate was planned for {day}.</b>", day=weekday(event.on)), (doubt,)
        )
    if event.on >= today:
        return AlertText(say("🏛 <b>The debate is today</b>, {day}.", day=weekday(event.on)))
    follows = tr("The transcript is usually published within a few days.")
    if event.on == today - _DAY:
        return AlertText(
            say("🏛 <b>The debate was due yesterday</b>, {day}.", day=weekday(event.on)), (follows,)
        )
    return AlertText(
        say("🏛 <b>The debate was due on {day}.</b>", day=weekday(event.on)), (follows,)
    )


def _surge(event: Surged, petition: Petition) -> AlertText:
    gained = signatures(event.an_hour)
    if event.usual < 1:
        headline = say(
            "📈 <b>{signatures} in an hour</b>. It usually gets fewer than 1.", signatures=gained
        )
    else:
        headline = say(
            "📈 <b>{signatures} in an hour</b>. It usually gets {usual}.",
            signatures=gained,
            usual=number(round(event.usual)),
        )
    now_at = tr("That took it to {signatures}.", signatures=signatures(event.signature_count))
    return AlertText(headline, (now_at, outlook(petition)))


def _topped(event: ToppedIn) -> AlertText:
    headline = say(
        "📍 <b>{constituency}</b> reached the top 10, at number {rank}.",
        constituency=cut(event.name, _NAME),
        rank=number(event.rank),
    )
    share = tr(
        "{signatures} from there, {share} of those from all constituencies.",
        signatures=signatures(event.signature_count),
        share=percent(event.share),
    )
    return AlertText(headline, (share,))
