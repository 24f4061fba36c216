"""The decision how loudly an event is heard, and when, by what a chat has chosen (pure).

The defaults are for who never chooses: what a petition was signed for rings, what only colours the
picture arrives without a sound.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct, structs

from bot.local_time import LONDON, instant_of, next_local, zone_of
from bot.petitions.events import (
    EVENT_KINDS,
    Closed,
    ClosingSoon,
    Event,
    Kind,
    Loudness,
    MilestoneReached,
    Threshold,
    ToppedIn,
)
from bot.petitions.parliaments import description_of
from bot.petitions.petition import Petition
from bot.petitions.thresholds import is_custom, is_on_ladder
from bot.subscriptions.delivery import BATCH, DIGEST, QUIET, SNOOZE
from bot.subscriptions.subscription import Digest, Preferences, Quiet


def next_digest(digest: Digest, after: datetime, zone: str) -> datetime:
    """Return the instant of the next digest after another."""
    return next_local(digest.minute, after, zone, digest.weekday)


def quiet_until(quiet: Quiet, now: datetime, zone: str) -> datetime | None:
    """Return the end of the quiet hours that hold now, or None if none do."""
    if quiet.start == quiet.end:
        return None
    today = now.astimezone(zone_of(zone)).date()
    for day in (today, today - timedelta(days=1)):
        begin = instant_of(day, quiet.start, zone)
        end = next_local(quiet.end, begin, zone)
        if begin <= now < end:
            return end
    return None


LOUDNESS: tuple[Loudness, ...] = ("off", "digest", "silent", "loud")

DEFAULTS: Mapping[Kind, Loudness] = {kind: row.loudness for kind, row in EVENT_KINDS.items()}

# The kinds that a follower of petitions can meet; the others are for rules, which have their own.
KINDS_IN_SETTINGS: tuple[Kind, ...] = tuple(
    kind for kind, row in EVENT_KINDS.items() if row.in_settings
)

DEFAULT_REMINDERS = (3 * 24, 6)

# When Parliament is dissolved every petition closes at once: they are told together.
_BATCHED_FOR = timedelta(minutes=10)


class EffectivePreferences(Struct, frozen=True, omit_defaults=True):
    """Everything that decides how a chat hears of what it follows; equal ones hear alike.

    `own` are the preferences of the subscription or rule. `kinds` and `thresholds` are a rule's:
    what it listens to, and nothing else is heard by it.
    """

    chat: Preferences = Preferences()
    own: Preferences = Preferences()
    muted: bool = False
    kinds: tuple[Kind, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    constituency: str = ""

    @property
    def zone(self) -> str:
        """The time zone in which its hours count."""
        return self.chat.zone or LONDON


def without_past_snoozes(effective: EffectivePreferences, now: datetime) -> EffectivePreferences:
    """Return the same preferences without snoozes that are over, which decide nothing."""
    return structs.replace(
        effective, chat=_without_past(effective.chat, now), own=_without_past(effective.own, now)
    )


def _without_past(preferences: Preferences, now: datetime) -> Preferences:
    is_over = preferences.snoozed_until is not None and preferences.snoozed_until <= now
    return structs.replace(preferences, snoozed_until=None) if is_over else preferences


class Decision(NamedTuple):
    """The decision how an event is heard: in which queue, from when, with or without a sound."""

    loudness: Loudness
    queue: str
    not_before: datetime
    silent: bool


def decide(
    event: Event, petition: Petition, effective: EffectivePreferences, now: datetime
) -> Decision | None:
    """Decide how an event of a petition is heard by effective preferences; None if it is not."""
    loudness = _loudness(event, petition, effective)
    if loudness == "off":
        return None
    silent = effective.muted or loudness == "silent"
    if loudness == "digest":
        snoozes = (effective.own.snoozed_until, effective.chat.snoozed_until)
        awake = max((until for until in snoozes if until), default=now)
        at = next_digest(effective.chat.digest or Digest(), max(now, awake), effective.zone)
        return Decision(loudness, DIGEST, at, effective.muted)
    queue, at = _queue(event, petition, effective, now)
    return Decision(loudness, queue, at, silent)


def is_chosen(
    event: Event, petition: Petition, effective: EffectivePreferences, now: datetime
) -> bool:
    """Return whether it was chosen on this very petition how to hear of this."""
    own = effective.own
    is_snoozed = own.snoozed_until is not None and own.snoozed_until > now
    kinds = _kinds(event, petition, effective)
    return effective.muted or is_snoozed or any(kind in own.loudness for kind in kinds)


def _loudness(event: Event, petition: Petition, effective: EffectivePreferences) -> Loudness:
    kinds = [
        kind
        for kind in _kinds(event, petition, effective)
        if (not effective.kinds or kind in effective.kinds)
    ]
    return max((_chosen(kind, effective) for kind in kinds), key=LOUDNESS.index, default="off")


def _kinds(event: Event, petition: Petition, effective: EffectivePreferences) -> list[Kind]:
    """Return the kinds that an event is to this follower; none if they did not ask for it."""
    match event:
        case MilestoneReached(number=number, official=official):
            if official and effective.thresholds and official not in effective.thresholds:
                return []
            custom = effective.own.milestones
            is_own = custom is not None and is_custom(number, custom, petition)
            return event.kinds(is_on_ladder=is_on_ladder(number), is_own=is_own)
        case ClosingSoon(hours=hours):
            return [event.kind] if hours in _reminders(effective) else []
        case ToppedIn(code=code):
            return [event.kind] if code == effective.constituency else []
        case _:
            return [event.kind]


def rule_loudness(kind: Kind, own: Preferences, chat: Preferences) -> Loudness:
    """Return how loudly a rule's news is heard: as chosen for the rule, else as in its chat.

    What a rule was made to listen to is not turned off by what the chat hears of petitions.
    """
    chosen = own.loudness.get(kind) or chat.loudness.get(kind, "loud")
    return "loud" if chosen == "off" and kind not in own.loudness else chosen


def _chosen(kind: Kind, effective: EffectivePreferences) -> Loudness:
    if effective.kinds:
        return rule_loudness(kind, effective.own, effective.chat)
    return effective.own.loudness.get(kind) or effective.chat.loudness.get(kind, DEFAULTS[kind])


def _reminders(effective: EffectivePreferences) -> tuple[int, ...]:
    for preferences in (effective.own, effective.chat):
        if preferences.closing is not None:
            return preferences.closing
    return DEFAULT_REMINDERS


def _queue(
    event: Event, petition: Petition, effective: EffectivePreferences, now: datetime
) -> tuple[str, datetime]:
    """Return the queue of what is not for the digest, and the instant until which it waits."""
    queue, at = "", now
    for name, preferences in (
        (f"{SNOOZE}:{petition.ref}", effective.own),
        (SNOOZE, effective.chat),
    ):
        if preferences.snoozed_until and preferences.snoozed_until > at:
            queue, at = name, preferences.snoozed_until
    quiet = effective.chat.quiet
    is_urgent = not queue and event.kind in (effective.chat.urgent or ())
    if quiet and not is_urgent and (end := quiet_until(quiet, at, effective.zone)):
        return QUIET, end
    is_cut_short = isinstance(event, Closed) and event.early
    if not queue and is_cut_short and description_of(petition).ends_with_parliament:
        return BATCH, now + _BATCHED_FOR
    return queue, at
