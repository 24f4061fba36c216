"""Plans who hears of what happened, how, and in how many messages (pure).

A chat may follow a petition, and have rules that it fits as well: it hears each thing once, by the
loudest of these sources. Followers with equal preferences are owed alike, so what these mean for an
event is worked out once (`DeliveryPlanner`), however many follow.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import msgspec
from msgspec import structs

from bot.petitions.events import (
    ClosingSoon,
    Debated,
    DebateLink,
    Event,
    MilestoneReached,
    Occurrence,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef
from bot.petitions.thresholds import CustomMilestones, at_number, custom_reached
from bot.subscriptions.delivery import BATCH, DIGEST, Delivery, is_free
from bot.subscriptions.preferences import (
    LOUDNESS,
    Decision,
    EffectivePreferences,
    decide,
    is_chosen,
)
from bot.subscriptions.subscription import Preferences, Rule, Subscription


class Source(NamedTuple):
    """The reason why a chat hears of a petition: its subscription, or one of its rules.

    `rule` is that rule's number, 0 for a subscription. `thread_id` is the topic in which it is
    heard.
    """

    effective: EffectivePreferences
    thread_id: int | None = None
    rule: int = 0


class Follower(NamedTuple):
    """A chat that a petition's events concern, by one source or more; a subscription is first."""

    chat_id: int
    sources: tuple[Source, ...]


class Plan(NamedTuple):
    """A delivery as everybody with the same sources is owed it; `head` names what happened.

    `source` is the index, among those sources, of the one that it is heard by.
    """

    head: str
    occurrences: tuple[str, ...]
    queue: str
    not_before: datetime
    silent: bool
    source: int


def follower(
    subscription: Subscription | None, rules: Sequence[Rule], chat: Preferences, chat_id: int
) -> Follower:
    """Return a chat with all its sources for one petition, given the chat's own preferences."""
    sources = [source_of(subscription, chat)] if subscription else []
    return Follower(chat_id, (*sources, *(source_of_rule(rule, chat) for rule in rules)))


def source_of(subscription: Subscription, chat: Preferences) -> Source:
    """Make the source of a subscription, given its chat's own preferences."""
    return Source(
        EffectivePreferences(chat, subscription.preferences, subscription.muted),
        subscription.thread_id,
    )


def source_of_rule(rule: Rule, chat: Preferences) -> Source:
    """Make the source of a rule, given its chat's own preferences."""
    effective = EffectivePreferences(
        chat,
        rule.preferences,
        kinds=rule.kinds,
        thresholds=rule.thresholds,
        constituency=rule.constituency,
    )
    return Source(effective, rule.thread_id, rule.number)


def match(
    occurrences: Sequence[Occurrence],
    petition: Petition,
    followers: Iterable[Follower],
    now: datetime,
    first_number: int,
) -> list[Delivery]:
    """Make the deliveries that new occurrences of one petition cause, numbered from `first_number`.

    What belongs together (milestones passed in one look, a debate and its links) shares a message.
    """
    planner = DeliveryPlanner(occurrences, petition, now)
    owed = (
        (chat_id, plan, sources[plan.source])
        for chat_id, sources in followers
        for plan in planner.plans(sources)
    )
    return [
        Delivery(
            key=f"{plan.head}:{chat_id}",
            number=number,
            chat_id=chat_id,
            petition=petition.ref,
            occurrences=plan.occurrences,
            created_at=now,
            not_before=plan.not_before,
            thread_id=source.thread_id,
            silent=plan.silent,
            queue=plan.queue,
            rule=source.rule,
        )
        for number, (chat_id, plan, source) in enumerate(owed, first_number)
    ]


class DeliveryPlanner:
    """The plans of who is owed which deliveries, made once for all who hear alike.

    They are for new occurrences of one petition.
    """

    def __init__(
        self, occurrences: Sequence[Occurrence], petition: Petition, now: datetime
    ) -> None:
        self._occurrences = occurrences
        self._petition = petition
        self._now = now
        self._worked_out: dict[bytes, tuple[Plan, ...]] = {}

    def plans(self, sources: Sequence[Source]) -> tuple[Plan, ...]:
        """Plan the deliveries of a chat with these sources; equal ones are planned once."""
        # Rules differ by their numbers even where they hear alike.
        heard_by = [(source.effective, source.rule > 0) for source in sources]
        alike = msgspec.json.encode(heard_by, order="deterministic")
        if alike not in self._worked_out:
            self._worked_out[alike] = plans(self._occurrences, self._petition, sources, self._now)
        return self._worked_out[alike]


def plans(
    occurrences: Sequence[Occurrence], petition: Petition, sources: Sequence[Source], now: datetime
) -> tuple[Plan, ...]:
    """Plan what a chat with these sources is owed for new occurrences of a petition."""
    heard = _heard(occurrences, petition, sources, now)
    wanted = [occurrence for occurrence in occurrences if occurrence.key in heard]
    return tuple(
        _plan(bundle, [heard[occurrence.key] for occurrence in bundle])
        for bundle in bundled(wanted)
    )


class _Heard(NamedTuple):
    """The decision how something is heard, and the index of the source that it is heard by."""

    decision: Decision
    source: int


def _heard(
    occurrences: Iterable[Occurrence], petition: Petition, sources: Sequence[Source], now: datetime
) -> dict[str, _Heard]:
    """Decide how each occurrence is heard, by its key; those that are not heard are left out."""
    heard: dict[str, _Heard] = {}
    for occurrence in occurrences:
        decisions = [
            _Heard(found, place)
            for place, source in enumerate(_deciding(sources, occurrence.event, petition, now))
            if (found := decide(occurrence.event, petition, source.effective, now))
        ]
        if decisions:
            heard[occurrence.key] = max(decisions, key=_prominence)
    return heard


def _prominence(heard: _Heard) -> tuple[int, float]:
    """Return a key to sort by: the loudest is greatest, then what is heard soonest."""
    found, _ = heard
    return LOUDNESS.index(found.loudness), -found.not_before.timestamp()


def _deciding(
    sources: Sequence[Source], event: Event, petition: Petition, now: datetime
) -> Sequence[Source]:
    """Return the sources that decide how an event is heard: a petition's own choice, or all.

    Whoever snoozes, mutes or turns off something of one petition means it, whatever rule finds it
    too.
    """
    own = [source for source in sources[:1] if source.rule == 0]
    is_own = any(is_chosen(event, petition, source.effective, now) for source in own)
    return own if is_own else sources


def _plan(bundle: Sequence[Occurrence], heard: Sequence[_Heard]) -> Plan:
    found, source = max(heard, key=_prominence)
    keys = tuple(occurrence.key for occurrence in bundle)
    return Plan(head(bundle).key, keys, found.queue, found.not_before, found.silent, source)


# --- what is owed already ------------------------------------------------------------------------


def replanned(
    delivery: Delivery,
    occurrences: Sequence[Occurrence],
    petition: Petition,
    sources: Sequence[Source],
    now: datetime,
) -> Delivery:
    """Return an unsettled delivery as it is owed after its chat has changed how it hears.

    `sources` are the subscription and the rule it is heard by; other rules are not known here. It
    makes a sound or not as is decided now, and waits for the new moment if it waits for one of its
    own. What is heard no longer, or only in a digest to come, was owed before: it stays as it was,
    without a sound if the petition is muted.
    """
    heard = _heard(occurrences, petition, sources, now)
    found = max(heard.values(), key=_prominence).decision if heard else None
    if found is None or (found.queue == DIGEST and not delivery.queue):
        is_muted = any(source.effective.muted for source in sources)
        return structs.replace(delivery, silent=delivery.silent or is_muted)
    changed = structs.replace(delivery, silent=found.silent)
    # What is gathered waits from when it happened, not from now.
    if not _waits(delivery, now) or found.queue == delivery.queue == BATCH:
        return changed
    queue = "" if found.queue == BATCH else found.queue
    return structs.replace(changed, queue=queue, not_before=found.not_before if queue else now)


def _waits(delivery: Delivery, now: datetime) -> bool:
    """Return whether a delivery waits for a moment of its own that has not come yet.

    One that was tried waits for its next try: its moment has come.
    """
    is_early = delivery.not_before > now and not delivery.attempts
    return bool(delivery.queue) and is_early and is_free(delivery, now)


def released_queue(queue: str, petition: PetitionRef | None) -> str:
    """Return the queue of what is released early: one petition's is kept apart by its name."""
    if petition is None or queue.endswith(f":{petition}"):
        return queue
    return f"{queue}:{petition}"


# --- milestones of one's own ---------------------------------------------------------------------


def own_occurrences(
    before: PetitionHistory | None,
    after: PetitionHistory,
    custom_milestones: Iterable[CustomMilestones],
    now: datetime,
) -> list[Occurrence]:
    """Return the occurrences of followers' custom milestones that were passed, upwards.

    Each comes once in a petition's life. A store adds these to what a look has found, since it
    alone knows what followers have chosen.
    """
    if before is None:
        return []
    petition, was = after.petition, max(before.peak, before.petition.signature_count)
    numbers = {
        number
        for custom in custom_milestones
        for number in custom_reached(custom, petition, was, petition.signature_count)
    }
    return [_reached(petition, number, now) for number in sorted(numbers)]


def _reached(petition: Petition, number: int, now: datetime) -> Occurrence:
    event = at_number(petition, number)
    return Occurrence(f"{petition.ref}:{event.key}", petition.ref, now, event)


def with_own(found: Sequence[Occurrence], own: Sequence[Occurrence]) -> list[Occurrence]:
    """Merge followers' custom milestones into those a look found, upwards; other news follows."""
    keys = {occurrence.key for occurrence in found}
    milestones = [o for o in found if isinstance(o.event, MilestoneReached)]
    added = sorted(
        (*milestones, *(o for o in own if o.key not in keys)),
        key=lambda o: o.event.number if isinstance(o.event, MilestoneReached) else 0,
    )
    others = [o for o in found if not isinstance(o.event, MilestoneReached)]
    return [*added, *others]


# --- what one message tells ----------------------------------------------------------------------


def bundled(occurrences: Sequence[Occurrence]) -> list[tuple[Occurrence, ...]]:
    """Group neighbouring occurrences that one message should tell together, in their order."""
    return [tuple(group) for _, group in groupby(occurrences, key=_topic)]


def head(bundle: Sequence[Occurrence]) -> Occurrence:
    """Return the occurrence that names a bundle's message: its highest milestone, or its first."""
    return bundle[-1] if isinstance(bundle[-1].event, MilestoneReached) else bundle[0]


def _topic(occurrence: Occurrence) -> str:
    match occurrence.event:
        case MilestoneReached():
            return "milestones"
        case Debated() | DebateLink():
            return "debate"
        case ClosingSoon():
            return "closing_soon"
        case _:
            return occurrence.key
