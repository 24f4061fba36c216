"""The pieces of text about one petition that several messages share."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from bot.messages.format import day, in_words, london_today, moment, number, span
from bot.messages.i18n import many, marked, tr
from bot.messages.message import Rich, bold, cut, link
from bot.petitions.events import Threshold
from bot.petitions.forecast import pace
from bot.petitions.petition import Petition
from bot.petitions.thresholds import (
    CustomMilestones,
    is_reached,
    next_custom,
    next_milestone,
    thresholds,
)

_TITLE_LENGTH = 200

# What reaching an official threshold means, by what has happened already.
Meaning: TypeAlias = Literal[
    "response", "responded", "referral", "debate", "scheduled", "debated", "refused"
]

_MEANINGS: Mapping[Meaning, str] = {
    "response": marked("A government response is now due."),
    "responded": marked("That's enough for a government response, which it already has."),
    "referral": marked("The Petitions Committee will consider it once it has closed."),
    "debate": marked("Parliament will now consider it for a debate."),
    "scheduled": marked("That's enough to be considered for a debate, which already has a date."),
    "debated": marked("That's enough to be considered for a debate, which it has already had."),
    "refused": marked(
        "That's enough to be considered for a debate, but it was decided not to hold one."
    ),
}

_STATE_LENGTH = 40
_STATES = {
    "open": marked("open"),
    "closed": marked("closed"),
    "completed": marked("completed"),
    "rejected": marked("rejected"),
}
_UNPUBLISHED = {
    "gathering_support": marked("Gathering its first supporters, not open yet"),
    "moderation": marked("Being checked before it's published"),
    "stopped": marked("Stopped before it was published"),
    "hidden": marked("Not shown on the petitions site at the moment"),
}


def title(petition: Petition, carrying: str = "") -> Rich:
    """The petition's own words for itself, leading to its page; `carrying` hides in the address."""
    words = " ".join(cut(petition.action, _TITLE_LENGTH).split())
    url = f"{petition.url}#{carrying}" if carrying else petition.url
    return bold(link(words or nameless(petition), url))


def short_title(petition: Petition, most: int = 60) -> str:
    """The title cut at a word, for lists and sentences."""
    return cut(" ".join(petition.action.split()), most) or nameless(petition)


def nameless(petition: Petition) -> str:
    """What a petition without words is called."""
    return tr("Petition {number}", number=petition.ref.id)


def state_name(petition: Petition) -> str:
    """Closed, rejected and the like in one word; a state nobody foresaw in the site's own."""
    known = _STATES.get(petition.state)
    return tr(known) if known else cut(petition.state.replace("_", " "), _STATE_LENGTH)


def meaning(threshold: Threshold, petition: Petition) -> Meaning:
    """What reaching an official threshold means, given what has happened already."""
    match threshold:
        case "response":
            return "responded" if petition.government_response else "response"
        case "referral":
            return "referral"
        case "debate":
            if petition.debate:
                return "debated" if petition.debate.debated_on else "refused"
            return "scheduled" if petition.scheduled_debate_date else "debate"


def meaning_line(threshold: Threshold, petition: Petition) -> str:
    """A government response is now due."""
    return tr(_MEANINGS[meaning(threshold, petition)])


def department(petition: Petition) -> str:
    """Who answers for the Government, as far as the site says: the first of its departments."""
    return petition.departments[0].name if petition.departments else ""


def a_day(petition: Petition, now: datetime) -> float | None:
    """Signatures a day over the petition's life; None if that is not known, or says little."""
    if petition.opened_at and now - petition.opened_at < timedelta(days=1):
        return None  # a few hours say little about a day
    return pace(petition, (), now).life


def rate(petition: Petition, now: datetime) -> str | None:
    """714 a day."""
    signed = a_day(petition, now)
    if signed is None:
        return None
    if signed < 1:
        return tr("fewer than 1 a day")
    return tr("{number} a day", number=number(round(signed)))


def pace_line(petition: Petition, now: datetime) -> str | None:
    """714 a day since it opened."""
    signed = a_day(petition, now)
    if signed is None:
        return None
    if signed < 1:
        if petition.is_open:
            return tr("Fewer than 1 a day since it opened")
        return tr("Fewer than 1 a day while it was open")
    if petition.is_open:
        return tr("{number} a day since it opened", number=number(round(signed)))
    return tr("{number} a day while it was open", number=number(round(signed)))


def outlook(petition: Petition, wish: CustomMilestones | None = None) -> str | None:
    """What comes next for an open petition: a milestone, and what the next threshold means.

    `wish` are the reader's own milestones.
    """
    if not petition.is_open:
        return None
    following = next_milestone(petition)
    if wish:
        own = next_custom(wish, petition, petition.signature_count)
        following = min(following, own or following)
    ahead = sorted(n for n in thresholds(petition) if n > petition.signature_count)
    if not ahead:
        return tr("Next: {milestone}.", milestone=number(following))
    return _promise(thresholds(petition)[ahead[0]], ahead[0], following)


def _promise(kind: Threshold, threshold: int, following: int) -> str:
    at = number(threshold)
    if following == threshold:
        if kind == "response":
            return tr("Next: at {threshold}, a government response is due.", threshold=at)
        return tr("Next: at {threshold}, Parliament considers it for a debate.", threshold=at)
    if kind == "response":
        return tr(
            "Next: {milestone}. At {threshold}, a government response is due.",
            milestone=number(following),
            threshold=at,
        )
    return tr(
        "Next: {milestone}. At {threshold}, Parliament considers it for a debate.",
        milestone=number(following),
        threshold=at,
    )


_AWAITED = {
    ("response",): marked("Still waiting for a government response. I'll keep checking."),
    ("debate",): marked("Still waiting for a debate date. I'll keep checking."),
    ("date",): marked("The debate is still to come. I'll keep checking."),
    ("response", "debate"): marked(
        "Still waiting for a government response and a debate date. I'll keep checking."
    ),
    ("response", "date"): marked(
        "Still waiting for a government response. The debate is still to come. I'll keep checking."
    ),
}


def awaited(petition: Petition) -> str | None:
    """What the petition has earned and not got yet."""
    earned = {kind for n, kind in thresholds(petition).items() if is_reached(petition, n, kind)}
    waiting = []
    if "response" in earned and petition.government_response is None:
        waiting.append("response")
    if "debate" in earned and petition.debate is None:
        waiting.append("date" if petition.scheduled_debate_date else "debate")
    if waiting and petition.is_cut_short:
        return tr("What it was waiting for may not come now. I'll keep checking.")
    return tr(_AWAITED[tuple(waiting)]) if waiting else None


def _open_until(closing: date, now: datetime) -> str:
    """Open until 5 September 2020, 12 days left; the last day is said as such."""
    left = (closing - london_today(now)).days
    if left < 0:
        return tr("Closing date was {day}", day=day(closing))
    if left == 0:
        return tr("Open until {day}, closes tonight", day=day(closing))
    return many(
        "Open until {day}, {count} day left",
        "Open until {day}, {count} days left",
        left,
        day=day(closing),
        count=in_words(left),
    )


def status_line(petition: Petition, now: datetime, *, to_the_minute: bool = False) -> str:
    """Open until 5 September 2020, 12 days left; a closing to the minute if that is wanted."""
    match petition.state:
        case "open" if petition.closing_date:
            return _open_until(petition.closing_date, now)
        case "open":
            return tr("Open for signatures")
        case "closed" | "completed" if petition.closed_at:
            told = moment if to_the_minute else day
            return tr("Closed on {day}", day=told(petition.closed_at))
        case "closed" | "completed":
            return tr("Closed")
        case "rejected" if petition.rejected_at:
            return tr("Rejected on {day}", day=day(petition.rejected_at))
        case "rejected":
            return tr("Rejected")
        case state if state in _UNPUBLISHED:
            return tr(_UNPUBLISHED[state])
        case _:
            return tr("Status: {state}", state=state_name(petition))


_SLACK = timedelta(days=1)  # clocks differ, and some sites tell the day alone


def life(petition: Petition, now: datetime) -> str | None:
    """How long a closed petition was open; a close still to come is a slip of the site's."""
    if not (petition.opened_at and petition.closed_at and petition.closed_at - _SLACK <= now):
        return None
    return span(petition.closed_at - petition.opened_at)
