"""The choices that settings offer, and how each changes preferences (pure).

A choice is `subject.value` ("quiet.1320-420"), always the state wanted and never a step towards it,
so that pressing twice does no more than pressing once.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from msgspec import structs

from bot.local_time import zones
from bot.petitions.events import EVENT_KINDS, Kind, Loudness
from bot.petitions.reminders import REMINDERS
from bot.subscriptions.preferences import DEFAULTS, KINDS_IN_SETTINGS, LOUDNESS
from bot.subscriptions.subscription import Digest, Preferences, Quiet

# The three choices of how much to hear, offered before the kinds one by one.
Preset: TypeAlias = Literal["everything", "big", "digest"]

PRESETS: Mapping[Preset, Mapping[Kind, Loudness]] = {
    "everything": {kind: DEFAULTS[kind] for kind in KINDS_IN_SETTINGS},
    "big": {
        kind: DEFAULTS[kind] if EVENT_KINDS[kind].is_big else "off" for kind in KINDS_IN_SETTINGS
    },
    # What rules alone bring goes there as well.
    "digest": dict.fromkeys(DEFAULTS, "digest"),
}

# The subjects in which a petition can have choices of its own, apart from those of its chat.
OWN_SUBJECTS: tuple[str, ...] = ("preset", "loud", "closing")

LONGEST_SNOOZE = timedelta(days=366)
_MOMENT = timedelta(microseconds=1)

_DAY = 24 * 60
_UNCHOSEN: Mapping[str, Any] = {
    name: value
    for name, value in structs.asdict(Preferences()).items()
    if name not in {"milestones", "snoozed_until"}
}


def preset_of(in_force: Callable[[Kind], Loudness]) -> Preset | None:
    """Find the preset that says how every kind is heard now; None if none does."""
    return next(
        (
            preset
            for preset, loudness in PRESETS.items()
            if all(in_force(kind) == loudness[kind] for kind in KINDS_IN_SETTINGS)
        ),
        None,
    )


def chosen(preferences: Preferences, choice: str) -> Preferences | None:
    """Return the preferences with a choice made, or None for one that nobody offers (any more)."""
    subject, _, value = choice.partition(".")
    match subject:
        case "preset":
            return next(
                (
                    structs.replace(preferences, loudness=dict(loudness))
                    for preset, loudness in PRESETS.items()
                    if preset == value
                ),
                None,
            )
        case "loud":
            return _with_loudness(preferences, *_two(value))
        case "quiet":
            return _with_quiet(preferences, value)
        case "urgent":
            return _with_urgent(preferences, value)
        case "digest":
            return _with_digest(preferences, *_two(value))
        case "zone":
            return structs.replace(preferences, zone=value) if value in zones() else None
        case "closing":
            return _with_closing(preferences, value)
        case _:
            return None


def _two(value: str) -> tuple[str, str]:
    first, _, second = value.partition(".")
    return first, second


def _with_loudness(preferences: Preferences, kind: str, loudness: str) -> Preferences | None:
    """Return the preferences with a kind, or `all` of them, heard so."""
    meant = (
        tuple(DEFAULTS)
        if kind == "all"
        else tuple(each for each in KINDS_IN_SETTINGS if each == kind)
    )
    if not meant or loudness not in (*LOUDNESS, "usual"):
        return None
    own = {each: value for each, value in preferences.loudness.items() if each not in meant}
    found = next((value for value in LOUDNESS if value == loudness), None)
    return structs.replace(
        preferences, loudness=own | dict.fromkeys(meant, found) if found else own
    )


def _with_quiet(preferences: Preferences, value: str) -> Preferences | None:
    if value == "off":
        return structs.replace(preferences, quiet=None)
    first, _, last = value.partition("-")
    start, end = _minute(first), _minute(last)
    if start is None or end is None or start == end:
        return None
    return structs.replace(preferences, quiet=Quiet(start, end))


def _with_urgent(preferences: Preferences, value: str) -> Preferences | None:
    kind, _, state = value.partition(".")
    if state in {"on", "off"}:
        return _toggled(preferences, kind, state == "on")
    wanted = set() if value == "none" else set(value.split("-"))
    if not wanted <= set(KINDS_IN_SETTINGS):
        return None
    return structs.replace(
        preferences, urgent=tuple(kind for kind in KINDS_IN_SETTINGS if kind in wanted)
    )


def _toggled(preferences: Preferences, kind: str, is_urgent: bool) -> Preferences | None:
    if kind not in KINDS_IN_SETTINGS:
        return None
    others = {each for each in preferences.urgent or () if each != kind}
    wanted = others | ({kind} if is_urgent else set())
    return structs.replace(
        preferences, urgent=tuple(each for each in KINDS_IN_SETTINGS if each in wanted)
    )


def _with_digest(preferences: Preferences, minute: str, weekday: str) -> Preferences | None:
    at = _minute(minute)
    if at is None or weekday not in {"", *"0123456"}:
        return None
    return structs.replace(preferences, digest=Digest(at, int(weekday) if weekday else None))


def _with_closing(preferences: Preferences, value: str) -> Preferences | None:
    if value in {"usual", "none"}:
        return structs.replace(preferences, closing=None if value == "usual" else ())
    wanted = set(value.split("-"))
    if not wanted <= {str(hours) for hours in REMINDERS}:
        return None
    return structs.replace(
        preferences, closing=tuple(hours for hours in REMINDERS if str(hours) in wanted)
    )


def _minute(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= 4
    return int(text) if is_number and int(text) < _DAY else None


def usual(kind: Kind, chat: Preferences) -> Loudness:
    """Return how loudly a chat hears a kind of event unless a petition's own settings differ."""
    return chat.loudness.get(kind, DEFAULTS[kind])


def without_usual(preferences: Preferences) -> Preferences:
    """Return a chat's preferences without loudnesses that are the default anyway."""
    chosen = {
        kind: value for kind, value in preferences.loudness.items() if value != DEFAULTS[kind]
    }
    return structs.replace(preferences, loudness=chosen)


def is_usual(preferences: Preferences, now: datetime) -> bool:
    """Return whether nothing is chosen that `as_usual` would give up."""
    bare = structs.replace(preferences, milestones=None, snoozed_until=None)
    return bare == Preferences() and snoozed_until(preferences, now) is None


def as_usual(preferences: Preferences, now: datetime) -> Preferences:
    """Return the preferences with every choice given up but one's own milestones."""
    return structs.replace(awake(preferences, now), **_UNCHOSEN)


def awake(preferences: Preferences, now: datetime) -> Preferences:
    """Return the preferences with their snooze over.

    It ends a moment from now, so that what waited for its end is still told in one summary.
    """
    ends = now + _MOMENT if snoozed_until(preferences, now) else None
    return structs.replace(preferences, snoozed_until=ends)


def snoozed_until(preferences: Preferences, now: datetime) -> datetime | None:
    """Return the instant at which the snooze of these preferences ends; None if it is over."""
    until = preferences.snoozed_until
    return until if until and until > now + _MOMENT else None
