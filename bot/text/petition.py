"""The pieces of text about one petition that several messages share."""

from datetime import date, datetime, timedelta

from bot.petitions.forecast import pace
from bot.petitions.milestones import is_reached, next_milestone, thresholds
from bot.petitions.model import Petition, Threshold
from bot.text.figures import counted, day, london_today, number, span
from bot.text.rich import Rich, bold, cut, link

_TITLE_LENGTH = 200


def title(petition: Petition) -> Rich:
    """The petition's own words for itself, leading to its page."""
    words = " ".join(cut(petition.action, _TITLE_LENGTH).split())
    return bold(link(words or f"Petition {petition.ref.id}", petition.url))


def short_title(petition: Petition, most: int = 60) -> str:
    """The title cut at a word, for lists and sentences."""
    return cut(" ".join(petition.action.split()), most) or f"Petition {petition.ref.id}"


def meaning(threshold: Threshold, petition: Petition) -> str:
    """What reaching an official threshold means, given what has happened already."""
    match threshold:
        case "response" if petition.government_response:
            return "enough for a government response, which is there already"
        case "response":
            return "the Government now has to respond"
        case "debate" if petition.debate or petition.scheduled_debate_date:
            return "enough for a debate, which is under way already"
        case "debate":
            return "Parliament will now consider it for a debate"


def department(petition: Petition) -> str:
    """Who answers for the Government, as far as the site says: the first of its departments."""
    return petition.departments[0].name if petition.departments else ""


def rate(petition: Petition, now: datetime) -> str | None:
    """714 a day."""
    if petition.opened_at and now - petition.opened_at < timedelta(days=1):
        return None  # a few hours say little about a day
    a_day = pace(petition, (), now).life
    if a_day is None:
        return None
    return f"{number(round(a_day)) if a_day >= 1 else 'less than one'} a day"


def pace_line(petition: Petition, now: datetime) -> str | None:
    """714 a day since it opened."""
    a_day = rate(petition, now)
    if a_day is None:
        return None
    return f"{a_day} {'since it opened' if petition.is_open else 'while it was open'}"


def outlook(petition: Petition) -> str | None:
    """What comes next for an open petition: a milestone, and what the next threshold means."""
    if not petition.is_open:
        return None
    following = next_milestone(petition)
    ahead = sorted(n for n in thresholds(petition) if n > petition.signature_count)
    if not ahead:
        return f"Next: {number(following)}."
    what = {"response": "the Government has to respond", "debate": "Parliament considers a debate"}
    promise = f"at {number(ahead[0])} {what[thresholds(petition)[ahead[0]]]}"
    if following == ahead[0]:
        return f"Next: {promise}."
    return f"Next: {number(following)}; {promise}."


def awaited(petition: Petition) -> list[str]:
    """What the petition has earned and not got yet."""
    waiting = []
    earned = {kind for n, kind in thresholds(petition).items() if is_reached(petition, n, kind)}
    if "response" in earned and petition.government_response is None:
        waiting.append("a government response")
    if "debate" in earned and petition.debate is None:
        waiting.append("its debate" if petition.scheduled_debate_date else "a debate")
    return waiting


def time_left(closing: date, now: datetime) -> str:
    """12 days left; the last day is said as such."""
    days = (closing - london_today(now)).days
    if days < 0:
        return "its time is up"
    return "closes tonight" if days == 0 else f"{counted(days, 'day')} left"


def status_line(petition: Petition, now: datetime) -> str:
    """Open until 5 September 2020, 12 days left."""
    match petition.state:
        case "open" if petition.closing_date:
            until = day(petition.closing_date)
            return f"Open until {until}, {time_left(petition.closing_date, now)}"
        case "open":
            return "Open for signatures"
        case "closed" | "completed" if petition.closed_at:
            return f"Closed on {day(petition.closed_at)}"
        case "closed" | "completed":
            return "Closed"
        case "rejected" if petition.rejected_at:
            return f"Rejected on {day(petition.rejected_at)}"
        case "rejected":
            return "Rejected"
        case other:
            return f"Status: {other.replace('_', ' ')}"


def life(petition: Petition) -> str | None:
    """How long a closed petition was open."""
    if not (petition.opened_at and petition.closed_at):
        return None
    return span(petition.closed_at - petition.opened_at)
