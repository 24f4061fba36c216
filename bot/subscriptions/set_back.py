"""Sets back what waits for a moment to come, once a clock that was ahead is put right (pure).

A clock that was a year ahead has set everything that waited by it a year away: without this, an
alert that was only to wait for the morning would come next year.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import structs

from bot.petitions.events import Occurrence
from bot.petitions.petition import Petition
from bot.subscriptions.delivery import DIGEST, QUIET, SNOOZE, Delivery, is_free
from bot.subscriptions.matching import Source, replanned
from bot.subscriptions.subscription import Chat, Preferences

_CHOSEN = (QUIET, DIGEST, SNOOZE)
# A moment that no hours lead to.
_NEVER = datetime.max.replace(tzinfo=UTC)


def sooner(moment: datetime, now: datetime, by: timedelta) -> datetime:
    """Return a moment ahead, sooner by as much as the clock was ahead; past ones stay."""
    return moment if moment <= now else max(now, moment - by)


def preferences_set_back(preferences: Preferences, now: datetime, by: timedelta) -> Preferences:
    """Return preferences whose snooze lasts as long as was meant, if a wrong clock set its end.

    So it is taken to have, where the end lies beyond what that clock showed: a snooze that ends too
    soon is heard of, one that lasts a year is not.
    """
    until = preferences.snoozed_until
    if until is None or until <= now + by:
        return preferences
    return structs.replace(preferences, snoozed_until=until - by)


def chat_set_back(chat: Chat, now: datetime, by: timedelta) -> Chat:
    """Return a chat with its snooze, next probe and rest as the right clock would have set them."""
    return structs.replace(
        chat,
        preferences=preferences_set_back(chat.preferences, now, by),
        probe_at=chat.probe_at and sooner(chat.probe_at, now, by),
        resting_since=chat.resting_since and sooner(chat.resting_since, now, by),
        refused_since=chat.refused_since and sooner(chat.refused_since, now, by),
    )


def delivery_set_back(
    delivery: Delivery,
    occurrences: Sequence[Occurrence],
    petition: Petition,
    sources: Sequence[Source],
    *,
    now: datetime,
    by: timedelta,
) -> Delivery:
    """Return a delivery that is leased or waits as it would, had the clock been right.

    What waits for hours that somebody chose waits for the next of these; `sources` are as in
    `bot.subscriptions.matching.replanned`, after `preferences_set_back`.
    """
    changed = structs.replace(
        delivery,
        created_at=sooner(delivery.created_at, now, by),
        leased_until=delivery.leased_until and sooner(delivery.leased_until, now, by),
    )
    if delivery.not_before <= now:
        return changed
    is_chosen = delivery.queue.partition(":")[0] in _CHOSEN
    if is_chosen and not delivery.attempts and is_free(changed, now):
        waiting = structs.replace(changed, not_before=_NEVER)
        planned = replanned(waiting, occurrences, petition, sources, now)
        if planned.not_before != _NEVER:
            return planned
        # It is heard no longer, and was owed before.
        changed = structs.replace(planned, not_before=delivery.not_before)
        if delivery.not_before <= now + by:
            return changed
    return structs.replace(changed, not_before=sooner(delivery.not_before, now, by))
