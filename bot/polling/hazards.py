"""Estimates how likely each kind of news is for a petition, for the planner (pure)."""

from collections.abc import Collection
from typing import NamedTuple

from bot.petitions.parliaments import description_of
from bot.petitions.parliaments.description import SiteDescription
from bot.petitions.petition import Petition
from bot.petitions.thresholds import (
    CustomMilestones,
    is_debate_due,
    is_response_due,
    next_custom,
    next_milestone,
    thresholds,
)

_DAY = 86_400.0
_MOST_URGENT = 60.0
_OFFICIAL_WEIGHT = 4.0


class Hazards(NamedTuple):
    """The chances in a second that a milestone falls, and that each kind of other news comes.

    All but the first and the last may have a list whose first page tells of it (`SiteLists.news`).
    """

    numbers: float = 0.0
    response: float = 0.0
    date: float = 0.0
    outcome: float = 0.0
    referral: float = 0.0
    ending: float = 0.0
    hidden: float = 0.0

    @property
    def of_news(self) -> tuple[float, ...]:
        """The chances of what a list may tell of."""
        return self[1:-1]


def hazards(
    petition: Petition, pace: float, custom_milestones: Collection[CustomMilestones] = ()
) -> Hazards:
    """Estimate how likely each kind of news is for a petition signed at this `pace` a second.

    `custom_milestones` are followers' own milestones of it.

    Round figures from what petitions live through: a response takes weeks from its threshold, a
    debate's date as long from its own, and its outcome comes within days of it. What is hidden from
    the lists of news is revisions, notes, endings and other business; about half of that an open
    petition's row still tells. Where a committee takes up what has closed, it does so a day later,
    and works on it for months.
    """
    site = description_of(petition)
    is_before_committee = petition.referred_at is not None or site.closing == "committee"
    is_unfinished = petition.state in {"open", "closed"} and petition.completed_at is None
    response_due, debate_due = is_response_due(petition), is_debate_due(petition)
    has_date = petition.scheduled_debate_date is not None and petition.debate is None
    return Hazards(
        numbers=_milestone_hazard(petition, pace, custom_milestones) if petition.is_open else 0.0,
        response=_OFFICIAL_WEIGHT / (20 * _DAY) if response_due else 0.0,
        date=_OFFICIAL_WEIGHT / (10 * _DAY) if debate_due else 0.0,
        outcome=_OFFICIAL_WEIGHT / (5 * _DAY) if has_date else 0.0,
        referral=_OFFICIAL_WEIGHT / _DAY if _is_referral_due(petition, site) else 0.0,
        ending=_OFFICIAL_WEIGHT / (200 * _DAY) if is_before_committee and is_unfinished else 0.0,
        hidden=1 / (30 * _DAY) if petition.is_open else 1 / (50 * _DAY),
    )


def _milestone_hazard(
    petition: Petition, pace: float, custom_milestones: Collection[CustomMilestones]
) -> float:
    own = (next_custom(custom, petition, petition.signature_count) for custom in custom_milestones)
    numbers = {next_milestone(petition), *filter(None, own)}
    return max(_nearing(petition, number, pace) for number in numbers)


def _nearing(petition: Petition, number: int, pace: float) -> float:
    weight = _OFFICIAL_WEIGHT if number in thresholds(petition) else 1.0
    seconds_left = (number - petition.signature_count) / max(pace, 1e-9)
    return weight / max(seconds_left, _MOST_URGENT)


def _is_referral_due(petition: Petition, site: SiteDescription) -> bool:
    is_closed = petition.state == "closed" and petition.referred_at is None
    return site.is_referred_after_closing and is_closed
