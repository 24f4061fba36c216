"""Finds what happened to a petition lately, by the dates it carries itself (pure)."""

from collections.abc import Iterator
from datetime import datetime, time
from typing import NamedTuple

from bot.local_time import LONDON_ZONE
from bot.petitions.petition import Petition
from bot.subscriptions.event_filter import EventFilter, hears
from bot.subscriptions.subscription import Rule


class DatedEvent(NamedTuple):
    """Something that happened to a petition at an instant."""

    event_filter: EventFilter
    at: datetime
    petition: Petition


def dated_events(petition: Petition, since: datetime, now: datetime) -> list[DatedEvent]:
    """Return what happened to a petition from `since` to `now`, as far as the site dates it."""
    return [DatedEvent(each, at, petition) for each, at in _dated(petition) if since <= at <= now]


def heard_lately(rule: Rule, happened: list[DatedEvent]) -> list[DatedEvent]:
    """Return those of the events that a rule listens to, the newest first.

    The petitions they happened to fit the rule already.
    """
    heard = [each for each in happened if hears(rule, each.event_filter)]
    return sorted(heard, key=lambda each: each.at, reverse=True)


def _dated(petition: Petition) -> Iterator[tuple[EventFilter, datetime]]:
    told = (
        (EventFilter("opened"), petition.opened_at),
        (EventFilter("threshold", "response"), petition.response_threshold_reached_at),
        (EventFilter("threshold", "referral"), petition.referral_threshold_reached_at),
        (EventFilter("threshold", "debate"), petition.debate_threshold_reached_at),
        (EventFilter("response"), petition.government_response_at),
        (EventFilter("debate"), _debated(petition)),
        (EventFilter("closing"), petition.closed_at),
    )
    yield from ((each, at) for each, at in told if at)


def _debated(petition: Petition) -> datetime | None:
    if petition.debate_outcome_at:
        return petition.debate_outcome_at
    held = petition.debate.debated_on if petition.debate else None
    return datetime.combine(held, time(12), LONDON_ZONE) if held else None
