"""Words the pieces of text about one petition that several messages share."""

from collections.abc import Callable, Container, Mapping
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from bot.messages.format import day, london_today, moment, number, signatures, span
from bot.messages.i18n import language, many, marked, tr
from bot.messages.message import Rich, bold, cut, link
from bot.messages.petition.institutions import (
    ahead,
    committee,
    debate_earned,
    response_noun,
    sentence,
)
from bot.messages.petition.wording import spoken
from bot.petitions.events import Threshold
from bot.petitions.forecast import pace
from bot.petitions.parliaments import description_of
from bot.petitions.petition import Petition, Place, Site
from bot.petitions.thresholds import (
    CustomMilestones,
    is_before_committee,
    is_finished,
    next_custom,
    next_milestone,
    thresholds_ahead,
    thresholds_reached,
)

_TITLE_LENGTH = 200
# Below this many in the UK, a map would show chance alone.
FEWEST_ON_A_MAP = 100


def site_name(site: Site) -> str:
    """Return a site's name, in the reader's language where it has one in it."""
    return tr(site.name)


def place_name(petition: Petition, place: Place) -> str:
    """Return a place's name, in the reader's language where its parliament has such names."""
    names = description_of(petition).place_names.get(language(), {})
    return names.get(place.code) or place.name


# What reaching an official threshold means, by what has happened already.
Meaning: TypeAlias = Literal[
    "response",
    "responded",
    "no_response",
    "referral",
    "referred",
    "debate",
    "scheduled",
    "debated",
    "refused",
    "no_debate",
]

_MEANINGS: Mapping[Meaning, str] = {
    "response": marked("A {response} is now due."),
    "responded": marked("That's enough for a {response}, which it already has."),
    "no_response": marked("That's enough for a {response}, but there may not be one now."),
    "referral": marked("{committee} will consider it once it has closed."),
    "referred": marked("That's enough for {committee} to consider it."),
    "scheduled": marked("That's enough to be considered for a debate, which already has a date."),
    "debated": marked("That's enough to be considered for a debate, which it has already had."),
    "refused": marked(
        "That's enough to be considered for a debate, but it was decided not to hold one."
    ),
    "no_debate": marked(
        "That's enough to be considered for a debate, but there may not be one now."
    ),
}

_STATE_LENGTH = 40
_STATES = {
    "open": marked("open"),
    "closed": marked("closed"),
    "completed": marked("completed"),
    "rejected": marked("rejected"),
    "under_consideration": marked("under consideration"),
    "gathering_support": marked("not open yet"),
    "moderation": marked("not open yet"),
    "stopped": marked("stopped"),
    "hidden": marked("not shown"),
}
_UNPUBLISHED = {
    "gathering_support": marked("Gathering its first supporters, not open yet"),
    "moderation": marked("Being checked before it's published"),
    "stopped": marked("Stopped before it was published"),
    "hidden": marked("Not shown on the petitions site at the moment"),
}


def title(petition: Petition, carrying: str = "") -> Rich:
    """Return a petition's own words for itself, linked to its page.

    `carrying` is put into the link's address, where the bot can read it back.
    """
    petition = spoken(petition)
    words = " ".join(cut(petition.action, _TITLE_LENGTH).split())
    url = f"{petition.url}#{carrying}" if carrying else petition.url
    return bold(link(words or nameless(petition), url))


def short_title(petition: Petition, most: int = 60) -> str:
    """Return the title cut at a word, for lists and sentences."""
    return cut(" ".join(spoken(petition).action.split()), most) or nameless(petition)


def nameless(petition: Petition) -> str:
    """Return the name of a petition that has no words of its own."""
    return tr("Petition {number}", number=petition.number)


def state_name(petition: Petition) -> str:
    """Name a state in one word, such as closed; one that nobody foresaw in the site's own words."""
    known = _STATES.get(petition.state)
    return tr(known) if known else cut(petition.state.replace("_", " "), _STATE_LENGTH)


def meaning(threshold: Threshold, petition: Petition) -> Meaning:
    """Return what reaching an official threshold means, given what has happened already."""
    match threshold:
        case "response":
            if petition.government_response:
                return "responded"
            return "no_response" if petition.may_get_no_more else "response"
        case "referral":
            return "referral" if petition.is_open else "referred"
        case "debate":
            if petition.debate:
                return "debated" if petition.debate.debated_on else "refused"
            if petition.scheduled_debate_date:
                return "scheduled"
            return "no_debate" if _is_out_of_hope(petition) else "debate"


def _is_out_of_hope(petition: Petition) -> bool:
    """Return whether nobody may consider it any more: its parliament or its committee is done."""
    ended = petition.may_get_no_more and not is_before_committee(petition)
    return ended or is_finished(petition)


def meaning_line(threshold: Threshold, petition: Petition) -> str:
    """Word what reaching a threshold means: A government response is now due."""
    what = meaning(threshold, petition)
    if what == "debate":
        return debate_earned(petition)
    return sentence(_MEANINGS[what], petition)


def department(petition: Petition) -> str:
    """Return the first of the departments that the site says answer for it, "" if it names none."""
    return petition.departments[0].name if petition.departments else ""


def a_day(petition: Petition, now: datetime) -> float | None:
    """Return signatures a day over the petition's life; None if unknown, or if that says little.

    What came on paper was not signed while anybody watched.
    """
    if petition.submitted_on_paper:
        return None
    if petition.opened_at and now - petition.opened_at < timedelta(days=1):
        return None  # a few hours say little about a day
    return pace(petition, (), now).life


def rate(petition: Petition, now: datetime) -> str | None:
    """Word the pace: 714 a day; None as `a_day`."""
    signed = a_day(petition, now)
    if signed is None:
        return None
    if signed < 1:
        return tr("fewer than 1 a day")
    return tr("{number} a day", number=number(round(signed)))


def pace_line(petition: Petition, now: datetime) -> str | None:
    """Word the pace since the petition opened: 714 a day since it opened; None as `a_day`."""
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


def outlook(petition: Petition, custom: CustomMilestones | None = None) -> str | None:
    """Word what comes next for an open petition: a milestone, and what the next threshold means.

    `custom` are the reader's own milestones. None if it is not open.
    """
    if not petition.is_open:
        return None
    following = next_milestone(petition)
    if custom:
        own = next_custom(custom, petition, petition.signature_count)
        following = min(following, own or following)
    coming = thresholds_ahead(petition)
    if not coming:
        return tr("Next: {milestone}.", milestone=number(following))
    nearest, kind = next(iter(coming.items()))
    threshold, promise = number(nearest), ahead(kind, petition)
    if following == nearest:
        return tr("Next: at {threshold}, {promise}.", threshold=threshold, promise=promise)
    return tr(
        "Next: {milestone}. At {threshold}, {promise}.",
        milestone=number(following),
        threshold=threshold,
        promise=promise,
    )


_AWAITED = {
    ("response",): marked("Still waiting for a {response}. I'll keep checking."),
    ("debate",): marked("Still waiting for a debate date. I'll keep checking."),
    ("date",): marked("The debate is still to come. I'll keep checking."),
    ("response", "debate"): marked(
        "Still waiting for a {response} and a debate date. I'll keep checking."
    ),
    ("response", "date"): marked(
        "Still waiting for a {response}. The debate is still to come. I'll keep checking."
    ),
}


def awaited(petition: Petition) -> str | None:
    """Word what the petition has earned and not got yet; None if it waits for nothing."""
    earned = set(thresholds_reached(petition).values())
    waiting = []
    if "response" in earned and petition.government_response is None:
        waiting.append("response")
    if petition.debate is None and petition.scheduled_debate_date and "debate" in earned:
        waiting.append("date")
    elif petition.debate is None and "debate" in earned and promises_a_debate(petition):
        waiting.append("debate")
    if waiting and petition.may_get_no_more and not is_before_committee(petition):
        return tr("What it was waiting for may not come now. I'll keep checking.")
    if waiting:
        return tr(_AWAITED[tuple(waiting)], response=response_noun(petition))
    return _fate(petition, earned) if is_before_committee(petition) else None


def promises_a_debate(petition: Petition) -> bool:
    """Return whether its signatures alone have a debate considered, without any committee."""
    return description_of(petition).debate_promise == "parliament" and not is_finished(petition)


def _fate(petition: Petition, earned: Container[Threshold]) -> str | None:
    """Word what a committee will do about a petition that nobody can sign any more."""
    if petition.state == "under_consideration":
        return sentence(marked("{committee} is considering it."), petition)
    if petition.referred_at:
        if "debate" in earned and petition.debate is None:
            return debate_earned(petition)
        return sentence(marked("{committee} will now consider it."), petition)
    if "referral" in earned:
        return sentence(marked("{committee} will consider it next. I'll keep checking."), petition)
    return too_few(petition)


def too_few(petition: Petition) -> str | None:
    """Word how many signatures a committee would have wanted; None where it wants no number."""
    need = petition.referral_threshold
    if need is None:
        return None
    return tr(
        "It needed {threshold} signatures for {committee} to consider it.",
        threshold=number(need),
        committee=committee(petition),
    )


def _open_until(closing: date, now: datetime) -> str:
    """Word until when it is open: Open until 5 September 2020, 12 days left; or its last day."""
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
    )


def status_line(petition: Petition, now: datetime, *, to_the_minute: bool = False) -> str:
    """Word how it stands: Open until 5 September 2020, 12 days left.

    With `to_the_minute`, the time at which it closed is told with its date.
    """
    told = moment if to_the_minute else day
    if with_committee := _status_of_committee(petition, told):
        return with_committee
    match petition.state:
        case "open" if petition.closing_date:
            return _open_until(petition.closing_date, now)
        case "open":
            return tr("Open for signatures")
        case "closed" | "completed" if petition.closed_at:
            return tr("Closed on {day}", day=told(petition.closed_at))
        case "closed" | "completed":
            return tr("Closed")
        case "rejected" if is_too_few(petition) and petition.closed_at:
            return tr("Closed on {day} with too few signatures", day=day(petition.closed_at))
        case "rejected" if petition.rejected_at:
            return tr("Rejected on {day}", day=day(petition.rejected_at))
        case "rejected":
            return tr("Rejected")
        case state if state in _UNPUBLISHED:
            return tr(_UNPUBLISHED[state])
        case _:
            return tr("Status: {state}", state=state_name(petition))


_ROOM_FOR_WORDS = 44  # characters of a title in a list, beside which there is room for a word


def count_in_list(petition: Petition, most: int) -> str:
    """Word a count: 84 signatures; in a list so long that its titles are cut to less, 84."""
    if most < _ROOM_FOR_WORDS:
        return number(petition.signature_count)
    return signatures(petition.signature_count)


def state_in_brief(petition: Petition, now: datetime) -> str:
    """Word how it stands in the fewest words: 12 days left, closed."""
    if petition.state == "open" and petition.closing_date:
        left = (petition.closing_date - london_today(now)).days
        if left == 0:
            return tr("closes tonight")
        if left > 0:
            return many("{count} day left", "{count} days left", left)
    return state_name(petition)


def says_since_when(petition: Petition) -> bool:
    """Return whether its status tells when it opened: a committee considers it from that day on."""
    closes = description_of(petition).closing == "committee"
    return petition.state == "under_consideration" or (petition.is_open and closes)


def _status_of_committee(petition: Petition, told: Callable[[datetime], str]) -> str | None:
    """Word the status of a petition that a committee has to do with, None for any other."""
    closes = description_of(petition).closing == "committee"
    name = committee(petition)
    match petition.state:
        case "open" if closes and petition.opened_at:
            since = day(petition.opened_at)
            return tr("Under consideration since {day}, open for signatures", day=since)
        case "under_consideration" if petition.opened_at:
            return tr("Under consideration since {day}", day=day(petition.opened_at))
        case "completed" if petition.completed_at:
            on = told(petition.completed_at)
            return tr("Completed by {committee} on {day}", committee=name, day=on)
        case "closed" if petition.referred_at:
            on = told(petition.referred_at)
            return tr("Referred to {committee} on {day}", committee=name, day=on)
        case "closed" if closes and petition.closed_at:
            on = told(petition.closed_at)
            return tr("Closed by {committee} on {day}", committee=name, day=on)
        case _:
            return None


def is_too_few(petition: Petition) -> bool:
    """Return whether it was not refused by anybody, but closed with too few signatures."""
    code = petition.rejection.code if petition.rejection else ""
    return code == "insufficient" and petition.closed_at is not None


_SLACK = timedelta(days=1)  # clocks differ, and some sites tell the day alone


def life(petition: Petition, now: datetime) -> str | None:
    """Word how long a closed petition was open; None if it is open, or was signed on paper.

    A time of closing still to come is a slip of the site's.
    """
    if not (petition.opened_at and petition.closed_at and petition.closed_at - _SLACK <= now):
        return None
    if petition.submitted_on_paper:
        return None
    return span(petition.closed_at - petition.opened_at)
