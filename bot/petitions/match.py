"""Events x followers -> deliveries: whom it concerns, how it is heard, in how many messages (pure).

A chat may follow a petition, and have rules that it fits as well: it hears each thing once, by the
loudest of these ways. Followers with equal policies are owed alike, so what a policy means for an
event is worked out once (`plans`), however many follow.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import msgspec
from msgspec import structs

from bot.petitions.milestones import at_number, wished
from bot.petitions.model import (
    ClosingSoon,
    Debated,
    DebateLink,
    Delivery,
    Event,
    Known,
    MilestoneReached,
    Occurrence,
    Petition,
    Rule,
    Subscription,
    Terms,
    Wish,
)
from bot.petitions.terms import LOUDNESS, Hearing, Policy, hearing, is_chosen


class Way(NamedTuple):
    """One way in which a chat hears of a petition: its subscription, or a rule's number."""

    policy: Policy
    thread_id: int | None = None
    rule: int = 0


class Follower(NamedTuple):
    """A chat that a petition's events concern, in at least one way; a subscription comes first."""

    chat_id: int
    ways: tuple[Way, ...]


class Plan(NamedTuple):
    """A delivery as everybody with the same ways is owed it; `head` names what happened."""

    head: str
    occurrences: tuple[str, ...]
    lane: str
    not_before: datetime
    silent: bool
    thread_id: int | None = None
    rule: int = 0


def follower(
    subscription: Subscription | None, rules: Sequence[Rule], chat: Terms, chat_id: int
) -> Follower:
    """A chat with all its ways of following one petition, given the chat's own terms."""
    ways = [way_of(subscription, chat)] if subscription else []
    return Follower(chat_id, (*ways, *(way_of_rule(rule, chat) for rule in rules)))


def way_of(subscription: Subscription, chat: Terms) -> Way:
    """How a subscription hears, given its chat's own terms."""
    return Way(Policy(chat, subscription.terms, subscription.muted), subscription.thread_id)


def way_of_rule(rule: Rule, chat: Terms) -> Way:
    """How a rule hears, given its chat's own terms."""
    policy = Policy(
        chat,
        rule.terms,
        kinds=rule.kinds,
        thresholds=rule.thresholds,
        constituency=rule.constituency,
    )
    return Way(policy, rule.thread_id, rule.number)


def match(
    occurrences: Sequence[Occurrence],
    petition: Petition,
    followers: Iterable[Follower],
    now: datetime,
    first_number: int,
) -> list[Delivery]:
    """The deliveries that new occurrences of one petition cause, numbered from `first_number` up.

    What belongs together (milestones passed in one look, a debate and its links) shares a message.
    """
    worked_out: dict[bytes, tuple[Plan, ...]] = {}
    deliveries: list[Delivery] = []
    for chat_id, ways in followers:
        # Rules differ by their numbers even where they hear alike: they count by their places.
        alike = msgspec.json.encode([way[:2] for way in ways], order="deterministic")
        if alike not in worked_out:
            placed = [way._replace(rule=place) for place, way in enumerate(ways)]
            worked_out[alike] = plans(occurrences, petition, placed, now)
        for plan in worked_out[alike]:
            number, rule = first_number + len(deliveries), ways[plan.rule].rule
            delivery = _delivery(plan, petition, chat_id, now, number)
            deliveries.append(structs.replace(delivery, rule=rule) if rule else delivery)
    return deliveries


def plans(
    occurrences: Sequence[Occurrence], petition: Petition, ways: Sequence[Way], now: datetime
) -> tuple[Plan, ...]:
    """What somebody with these ways is owed for new occurrences of one petition."""
    heard: dict[str, tuple[Hearing, Way]] = {}
    for occurrence in occurrences:
        hearings = [
            (found, way)
            for way in _deciding(ways, occurrence.event, petition, now)
            if (found := hearing(occurrence.event, petition, way.policy, now))
        ]
        if hearings:
            heard[occurrence.key] = max(hearings, key=_prominence)
    wanted = [occurrence for occurrence in occurrences if occurrence.key in heard]
    return tuple(
        _plan(bundle, [heard[occurrence.key] for occurrence in bundle])
        for bundle in bundled(wanted)
    )


def _deciding(
    ways: Sequence[Way], event: Event, petition: Petition, now: datetime
) -> Sequence[Way]:
    """The ways that say how an event is heard: what was chosen for this petition goes before rules.

    Whoever snoozes, mutes or turns off something of one petition means it, whatever finds it too.
    """
    first = ways[0]
    if first.rule == 0 and is_chosen(event, petition, first.policy, now):
        return ways[:1]
    return ways


def _prominence(heard: tuple[Hearing, Way]) -> tuple[int, float]:
    """The loudest way goes first, then the one that is heard soonest."""
    found, _ = heard
    return LOUDNESS.index(found.loudness), -found.not_before.timestamp()


def _plan(bundle: Sequence[Occurrence], heard: Sequence[tuple[Hearing, Way]]) -> Plan:
    found, way = max(heard, key=_prominence)
    keys = tuple(occurrence.key for occurrence in bundle)
    return Plan(
        head(bundle).key, keys, found.lane, found.not_before, found.silent, way.thread_id, way.rule
    )


def replanned(
    delivery: Delivery,
    occurrences: Sequence[Occurrence],
    petition: Petition,
    ways: Sequence[Way],
    now: datetime,
) -> Delivery:
    """A delivery that waits for a moment of its own, after the chat has changed how it hears.

    What is heard no longer stays as it was: it was owed before.
    """
    hearings = [
        found
        for occurrence in occurrences
        for way in ways
        if (found := hearing(occurrence.event, petition, way.policy, now))
    ]
    if not delivery.lane or not hearings:
        return delivery
    best = max(
        hearings, key=lambda found: (LOUDNESS.index(found.loudness), -found.not_before.timestamp())
    )
    lane = "" if best.lane == "gathered" else best.lane
    at = best.not_before if lane else now
    return structs.replace(delivery, lane=lane, not_before=at, silent=best.silent)


def own_occurrences(
    before: Known | None, after: Known, wishes: Iterable[Wish], now: datetime
) -> list[Occurrence]:
    """That a petition has passed followers' own milestones, upwards; each once for life.

    A store adds these to what a look has found, since the wishes are its own.
    """
    if before is None:
        return []
    petition, was = after.petition, max(before.peak, before.petition.signature_count)
    numbers = {
        number
        for wish in wishes
        for number in wished(wish, petition, was, petition.signature_count)
    }
    return [_reached(petition, number, now) for number in sorted(numbers)]


def _reached(petition: Petition, number: int, now: datetime) -> Occurrence:
    event = at_number(petition, number)
    return Occurrence(f"{petition.ref}:{event.key}", petition.ref, now, event)


def with_own(found: Sequence[Occurrence], own: Sequence[Occurrence]) -> list[Occurrence]:
    """What a look found, with followers' own milestones among its milestones, upwards."""
    keys = {occurrence.key for occurrence in found}
    milestones = [o for o in found if isinstance(o.event, MilestoneReached)]
    added = sorted(
        (*milestones, *(o for o in own if o.key not in keys)),
        key=lambda o: o.event.number if isinstance(o.event, MilestoneReached) else 0,
    )
    others = [o for o in found if not isinstance(o.event, MilestoneReached)]
    return [*added, *others]


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
        case ClosingSoon():
            return "closing_soon"
        case _:
            return occurrence.key


def _delivery(plan: Plan, petition: Petition, chat_id: int, now: datetime, number: int) -> Delivery:
    return Delivery(
        key=f"{plan.head}:{chat_id}",
        number=number,
        chat_id=chat_id,
        petition=petition.ref,
        occurrences=plan.occurrences,
        created_at=now,
        not_before=plan.not_before,
        thread_id=plan.thread_id,
        silent=plan.silent,
        lane=plan.lane,
    )
