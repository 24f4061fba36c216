"""Events x subscriptions -> deliveries: whom it concerns, and in how many messages (pure)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from bot.petitions.model import (
    Debated,
    DebateLink,
    Delivery,
    MilestoneReached,
    Occurrence,
    Subscription,
)


def match(
    occurrences: Sequence[Occurrence],
    subscriptions: Iterable[Subscription],
    now: datetime,
    first_number: int,
) -> list[Delivery]:
    """The deliveries that new occurrences of one petition cause, numbered from `first_number` up.

    Every subscriber hears of every occurrence; what belongs together
    (milestones passed in one look, a debate and its links) shares a message.
    """
    bundles = bundled(occurrences)
    deliveries: list[Delivery] = []
    for subscription in subscriptions:
        for bundle in bundles:
            number = first_number + len(deliveries)
            deliveries.append(_delivery(subscription, bundle, now, number))
    return deliveries


def bundled(occurrences: Sequence[Occurrence]) -> list[tuple[Occurrence, ...]]:
    """Neighbouring occurrences that one message should tell together, in their order."""
    return [tuple(group) for _, group in groupby(occurrences, key=_topic)]


def head(bundle: Sequence[Occurrence]) -> Occurrence:
    """What a message that tells a bundle is named after: the highest milestone, or the first."""
    return bundle[-1] if isinstance(bundle[-1].event, MilestoneReached) else bundle[0]


def _topic(occurrence: Occurrence) -> str:
    match occurrence.event:
        case MilestoneReached():
            return "milestones"
        case Debated() | DebateLink():
            return "debate"
        case _:
            return occurrence.key


def _delivery(
    subscription: Subscription, bundle: tuple[Occurrence, ...], now: datetime, number: int
) -> Delivery:
    return Delivery(
        key=f"{head(bundle).key}:{subscription.chat_id}",
        number=number,
        chat_id=subscription.chat_id,
        petition=subscription.petition,
        occurrences=tuple(occurrence.key for occurrence in bundle),
        created_at=now,
        not_before=now,
        thread_id=subscription.thread_id,
        silent=subscription.muted,
    )
