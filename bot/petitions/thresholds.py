"""The numbers of signatures that are milestones: thresholds, the ladder, custom ones (pure).

The official thresholds of the petition's own site always ring. Between and beyond them the default
ladder has few rungs, each at most two and a half times the one before up to a million, then every
half million: a typical petition rings once or twice in its life, the most signed one ever about
twenty times. Whoever wants another number asks for it.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import count, takewhile
from typing import Annotated

from msgspec import Meta, Struct

from bot.petitions.events import MilestoneReached, Threshold
from bot.petitions.parliaments import description_of
from bot.petitions.petition import Petition


class CustomMilestones(Struct, frozen=True, omit_defaults=True):
    """Somebody's own milestones: single numbers, every so many, percentages of each threshold.

    `every` is 0 for none.
    """

    numbers: tuple[Annotated[int, Meta(gt=0)], ...] = ()
    every: Annotated[int, Meta(ge=0)] = 0
    percents: tuple[Annotated[int, Meta(gt=0, lt=100)], ...] = ()


LADDER = (1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000)
BEYOND = 500_000


def rungs() -> Iterator[int]:
    """Yield the numbers of the default ladder, upwards without end."""
    yield from LADDER
    yield from count(1_000_000, BEYOND)


def is_on_ladder(number: int) -> bool:
    """Return whether a number is on the default ladder."""
    return number in LADDER or (number >= 1_000_000 and number % BEYOND == 0)


def is_custom(number: int, custom: CustomMilestones, petition: Petition) -> bool:
    """Return whether a number is one of somebody's own milestones of a petition."""
    return (
        number in custom.numbers
        or (custom.every > 0 and number % custom.every == 0)
        or number in _parts(custom, petition)
    )


def custom_reached(
    custom: CustomMilestones, petition: Petition, above: int, up_to: int
) -> set[int]:
    """Return somebody's own milestones above one count and up to another.

    Of those that come every so many only the highest is among them.
    """
    numbers = {*custom.numbers, *_parts(custom, petition)}
    if custom.every:
        numbers.add(up_to // custom.every * custom.every)
    return {number for number in numbers if above < number <= up_to}


def next_custom(custom: CustomMilestones, petition: Petition, above: int) -> int | None:
    """Return the lowest of somebody's own milestones above a count; None without any."""
    numbers = {*custom.numbers, *_parts(custom, petition)}
    if custom.every:
        numbers.add((above // custom.every + 1) * custom.every)
    return min((number for number in numbers if number > above), default=None)


def at_number(petition: Petition, number: int) -> MilestoneReached:
    """Make the event of a petition's having reached a number, official or not."""
    return _milestone(petition, number, thresholds(petition).get(number))


def _parts(custom: CustomMilestones, petition: Petition) -> set[int]:
    """Return the percentages of each official threshold as numbers, rounded up."""
    return {-(-n * part // 100) for n in thresholds(petition) for part in custom.percents}


def thresholds(petition: Petition) -> dict[int, Threshold]:
    """Return the official thresholds this petition is measured against, by number."""
    found: dict[int, Threshold] = {}
    if petition.debate_threshold:
        found[petition.debate_threshold] = "debate"
    if petition.referral_threshold:
        found[petition.referral_threshold] = "referral"
    if petition.response_threshold:
        found[petition.response_threshold] = "response"
    return found


def thresholds_ahead(petition: Petition) -> dict[int, Threshold]:
    """Return the official thresholds above the count, by number, the nearest first."""
    official = sorted(thresholds(petition).items())
    return {n: kind for n, kind in official if n > petition.signature_count}


def thresholds_reached(petition: Petition) -> dict[int, Threshold]:
    """Return the official thresholds that are reached, by the petition's flags or its count."""
    return {
        n: kind
        for n, kind in thresholds(petition).items()
        if n <= petition.signature_count or _flag(petition, kind) is not None
    }


def reached(petition: Petition) -> dict[int, MilestoneReached]:
    """Return every milestone the petition stands at or above, by number, upwards.

    An official threshold counts as reached when the site says so or when the count does: the site
    sets its flag in a second step after the count, and a recount can move one without the other.
    """
    rungs_reached = set(takewhile(lambda rung: rung <= petition.signature_count, rungs()))
    numbers = rungs_reached | thresholds_reached(petition).keys()
    return {n: at_number(petition, n) for n in sorted(numbers)}


def next_milestone(petition: Petition) -> int:
    """Return the lowest milestone above the count, official or on the ladder."""
    rung = next(rung for rung in rungs() if rung > petition.signature_count)
    return min((rung, *thresholds_ahead(petition)))


def is_response_due(petition: Petition) -> bool:
    """Return whether the government owes a response: it was called for, and there is none."""
    is_called_for = _is_called_for(petition, petition.response_threshold, "response")
    return is_called_for and petition.government_response is None


def is_debate_due(petition: Petition) -> bool:
    """Return whether a debate is to come: called for or with a date, and without an outcome."""
    is_called_for = _is_called_for(petition, petition.debate_threshold, "debate")
    has_date = petition.scheduled_debate_date is not None
    return (is_called_for or has_date) and petition.debate is None


def _is_called_for(petition: Petition, number: int | None, kind: Threshold) -> bool:
    is_counted = bool(number) and petition.signature_count >= (number or 0)
    return is_counted or _flag(petition, kind) is not None


def is_settled(petition: Petition) -> bool:
    """Return whether nothing more is expected of it: all that its signatures earned has come."""
    if petition.state == "rejected" or petition.archived:
        return True
    if petition.is_open or is_before_committee(petition):
        return False
    earned = thresholds_reached(petition).values()
    awaits_response = "response" in earned and petition.government_response is None
    is_promised = "debate" in earned and not is_finished(petition)
    has_debate = is_promised or petition.scheduled_debate_date is not None
    return not (awaits_response or (has_debate and petition.debate is None))


def is_before_committee(petition: Petition) -> bool:
    """Return whether a committee considers it, or is to be given it, when it is not open."""
    after_closing = description_of(petition).is_referred_after_closing
    return petition.state == "under_consideration" or (after_closing and petition.state == "closed")


def is_finished(petition: Petition) -> bool:
    """Return whether a committee has finished with it, so that nothing more is asked."""
    closes = description_of(petition).closing == "committee"
    return petition.state == "completed" or (closes and petition.is_over)


def _milestone(petition: Petition, number: int, official: Threshold | None) -> MilestoneReached:
    return MilestoneReached(
        number=number,
        signature_count=petition.signature_count,
        official=official,
        reached_at=_flag(petition, official) if official else None,
    )


def _flag(petition: Petition, kind: Threshold) -> datetime | None:
    match kind:
        case "response":
            return petition.response_threshold_reached_at
        case "referral":
            return petition.referral_threshold_reached_at
        case "debate":
            return petition.debate_threshold_reached_at
