"""What can be chosen in the settings: as buttons carry it, and as people type it (pure).

A choice is `subject.value` ("quiet.1320-420"), always the state wanted and never a step towards it,
so that pressing twice does no more than pressing once.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec import structs

from bot.local_time import zones
from bot.petitions.events import EVENT_KINDS, Kind, Loudness
from bot.petitions.reminders import REMINDERS
from bot.subscriptions.durations import read_duration
from bot.subscriptions.preferences import DEFAULTS, KINDS, LOUDNESS
from bot.subscriptions.presets import PRESETS
from bot.subscriptions.subscription import Digest, Preferences, Quiet

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# What one petition can have of its own, apart from the chat it is heard in.
OWN_SUBJECTS: tuple[str, ...] = ("preset", "loud", "closing")

LONGEST_SNOOZE = timedelta(days=366)
_MOMENT = timedelta(microseconds=1)

_DAY = 24 * 60
_UNCHOSEN: Mapping[str, Any] = {
    name: value
    for name, value in structs.asdict(Preferences()).items()
    if name not in {"milestones", "snoozed_until"}
}
_TYPED_KINDS: Mapping[str, Kind] = {
    name: kind for kind in KINDS for name in (kind, *EVENT_KINDS[kind].aliases)
}
_NONE = frozenset({"off", "none", "never", "no"})
_USUAL = frozenset({"usual", "default"})
_ALL = frozenset({"all", "everything"})
_OTHER_LOUDNESS: dict[str, Loudness] = {"sound": "loud", "with sound": "loud", "on": "loud"}


class Misread(NamedTuple):
    """Which subject was meant by what was typed, as far as that is clear, and what was not."""

    subject: str
    word: str = ""


class NoZone(NamedTuple):
    """No time zone: an offset, or a name nobody has, with the nearest ones there are."""

    word: str
    is_offset: bool = False
    near: tuple[str, ...] = ()


# --- what a choice does --------------------------------------------------------------------------


def chosen(terms: Preferences, choice: str) -> Preferences | None:
    """The terms with a choice made, or None for one that nobody offers (any more)."""
    subject, _, value = choice.partition(".")
    match subject:
        case "preset":
            return next(
                (
                    structs.replace(terms, loudness=dict(loudness))
                    for preset, loudness in PRESETS.items()
                    if preset == value
                ),
                None,
            )
        case "loud":
            return _with_loudness(terms, *_two(value))
        case "quiet":
            return _with_quiet(terms, value)
        case "urgent":
            return _with_urgent(terms, value)
        case "digest":
            return _with_digest(terms, *_two(value))
        case "zone":
            return structs.replace(terms, zone=value) if value in zones() else None
        case "closing":
            return _with_closing(terms, value)
        case _:
            return None


def _two(value: str) -> tuple[str, str]:
    first, _, second = value.partition(".")
    return first, second


def _with_loudness(terms: Preferences, kind: str, loudness: str) -> Preferences | None:
    """The terms with a kind, or `all` of them, heard so."""
    meant = KINDS if kind == "all" else tuple(each for each in KINDS if each == kind)
    if not meant or loudness not in (*LOUDNESS, "usual"):
        return None
    own = {each: value for each, value in terms.loudness.items() if each not in meant}
    found = next((value for value in LOUDNESS if value == loudness), None)
    return structs.replace(terms, loudness=own | dict.fromkeys(meant, found) if found else own)


def _with_quiet(terms: Preferences, value: str) -> Preferences | None:
    if value == "off":
        return structs.replace(terms, quiet=None)
    first, _, last = value.partition("-")
    start, end = _minute(first), _minute(last)
    if start is None or end is None or start == end:
        return None
    return structs.replace(terms, quiet=Quiet(start, end))


def _with_urgent(terms: Preferences, value: str) -> Preferences | None:
    kind, _, state = value.partition(".")
    if state in {"on", "off"}:
        return _toggled(terms, kind, state == "on")
    wanted = set() if value == "none" else set(value.split("-"))
    if not wanted <= set(KINDS):
        return None
    return structs.replace(terms, urgent=tuple(kind for kind in KINDS if kind in wanted))


def _toggled(terms: Preferences, kind: str, is_urgent: bool) -> Preferences | None:
    if kind not in KINDS:
        return None
    others = {each for each in terms.urgent or () if each != kind}
    wanted = others | ({kind} if is_urgent else set())
    return structs.replace(terms, urgent=tuple(each for each in KINDS if each in wanted))


def _with_digest(terms: Preferences, minute: str, weekday: str) -> Preferences | None:
    at = _minute(minute)
    if at is None or weekday not in {"", *"0123456"}:
        return None
    return structs.replace(terms, digest=Digest(at, int(weekday) if weekday else None))


def _with_closing(terms: Preferences, value: str) -> Preferences | None:
    if value in {"usual", "none"}:
        return structs.replace(terms, closing=None if value == "usual" else ())
    wanted = set(value.split("-"))
    if not wanted <= {str(hours) for hours in REMINDERS}:
        return None
    return structs.replace(
        terms, closing=tuple(hours for hours in REMINDERS if str(hours) in wanted)
    )


def _minute(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= 4
    return int(text) if is_number and int(text) < _DAY else None


def usual(kind: Kind, chat: Preferences) -> Loudness:
    """How loudly a chat hears a kind of event unless a petition's own settings differ."""
    return chat.loudness.get(kind, DEFAULTS[kind])


def without_usual(terms: Preferences) -> Preferences:
    """A chat's terms without what would be so if it had not been chosen."""
    chosen = {kind: value for kind, value in terms.loudness.items() if value != DEFAULTS[kind]}
    return structs.replace(terms, loudness=chosen)


def is_usual(terms: Preferences, now: datetime) -> bool:
    """Whether nothing is chosen that `as_usual` would give up."""
    bare = structs.replace(terms, milestones=None, snoozed_until=None)
    return bare == Preferences() and snoozed_until(terms, now) is None


def as_usual(terms: Preferences, now: datetime) -> Preferences:
    """The terms with every choice given up but one's own milestones."""
    return structs.replace(awake(terms, now), **_UNCHOSEN)


def awake(terms: Preferences, now: datetime) -> Preferences:
    """The terms with their snooze over.

    It ends a moment from now, so that what waited for its end is still told in one summary.
    """
    ends = now + _MOMENT if snoozed_until(terms, now) else None
    return structs.replace(terms, snoozed_until=ends)


def snoozed_until(terms: Preferences, now: datetime) -> datetime | None:
    """When the snooze of these terms ends, unless it is over."""
    until = terms.snoozed_until
    return until if until and until > now + _MOMENT else None


# --- what was typed ------------------------------------------------------------------------------


def typed(words: Sequence[str], digest: Digest | None) -> str | Misread | NoZone:
    """The choice that words after the command name; `digest` is the one there is, if any."""
    subject, rest = words[0].lower(), [word.lower() for word in words[1:]]
    match subject:
        case "quiet":
            return _named("quiet", read_quiet(" ".join(rest)), rest)
        case "urgent":
            return _named("urgent", _read_urgent(rest), rest)
        case "digest":
            return _named("digest", read_digest(rest, digest or Digest()), rest)
        case "zone" | "timezone":
            found = find_zone(" ".join(words[1:]))
            return f"zone.{found}" if isinstance(found, str) else found
        case "closing" if not rest or rest[0] not in (*LOUDNESS, *_USUAL):
            return _named("closing", _read_reminders(rest), rest)
        case "everything" | "big" if not rest or rest == ["moments"]:
            return f"preset.{subject}"
        case "daily" | "weekly" if rest == ["digest"]:
            return "preset.digest"
        case "links" if rest in (["on"], ["off"]):
            return f"links.{rest[0]}"
        case "language":
            return f"lang.{rest[0]}" if rest else Misread("lang")
        case _:
            return _read_loudness(subject, rest)


def _named(subject: str, value: str | None, rest: Sequence[str]) -> str | Misread:
    return Misread(subject, " ".join(rest)) if value is None else f"{subject}.{value}"


def _read_loudness(kind: str, rest: Sequence[str]) -> str | Misread:
    found = "all" if kind in _ALL else read_kind(kind)
    if found is None:
        return Misread("", kind)
    said = " ".join(rest)
    loudness = _OTHER_LOUDNESS.get(said, said)
    if loudness not in (*LOUDNESS, *_USUAL):
        return Misread("loud", said)
    return f"loud.{found}.{'usual' if loudness in _USUAL else loudness}"


def read_kind(word: str) -> Kind | None:
    """The kind of event that a word names, or nearly does."""
    near = difflib.get_close_matches(word, _TYPED_KINDS, n=1, cutoff=_SURE) or [""]
    return _TYPED_KINDS.get(word) or _TYPED_KINDS.get(near[0])


def _read_urgent(rest: Sequence[str]) -> str | None:
    if len(rest) == 1 and rest[0] in _NONE:
        return "none"
    kinds = [read_kind(word.strip(",")) for word in rest]
    return "-".join(kind for kind in kinds if kind) if kinds and all(kinds) else None


_HOURS = re.compile(
    r"(?P<hour>[0-9]{1,2})(?:[:.h]?(?P<minute>[0-9][0-9]))?\s*(?:h|o['’]?clock)?\s*"
    r"(?:(?P<half>[ap])\.?m\.?)?"
)
_SPAN = re.compile(r"(?P<start>.+?)\s*(?:-|–|—|\b(?:to|until|till|til|and|i|tan)\b)\s*(?P<end>.+)")
_NAMED_HOURS = {"midnight": 0, "noon": 720, "midday": 720, "hanner nos": 0, "hanner dydd": 720}


def read_quiet(text: str) -> str | None:
    """Quiet hours: "22:00-07:00", "22 to 7", "10pm-7am", or "off"."""
    if text in _NONE:
        return "off"
    found = _SPAN.fullmatch(re.sub(r"^(?:from|between|o)\s+", "", text.strip()))
    if found is None:
        return None
    start, end = read_hour(found["start"]), read_hour(found["end"])
    return None if start is None or end is None or start == end else f"{start}-{end}"


def read_hour(text: str) -> int | None:
    """The minute of the day: "18:00", "9", "6pm"; midnight may be 24:00."""
    plain = text.strip(" .")
    if plain in _NAMED_HOURS:
        return _NAMED_HOURS[plain]
    found = _HOURS.fullmatch(plain)
    if found is None:
        return None
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"] == "p" else 0)
    elif hour == 24 and minute == 0:
        hour = 0
    return hour * 60 + minute if hour < 24 and minute < 60 else None


def read_digest(words: Sequence[str], was: Digest) -> str | None:
    """When the digest comes: "daily 18:00", "weekly monday 9:00"; what is left out stays."""
    minute, weekday = was.minute, was.weekday
    said = re.sub(r"(?<=[0-9])\s+(?=(?:am|pm|a\.m|p\.m|o'clock)\b)", "", " ".join(words))
    for word in said.replace(",", " ").split():
        day = _weekday(word)
        at = read_hour(word)
        if word in {"daily", "day"}:
            weekday = None
        elif word == "weekly":
            weekday = was.weekday or 0
        elif day is not None:
            weekday = day
        elif at is not None:
            minute = at
        elif word not in {"at", "on", "every", "am"}:
            return None
    return f"{minute}.{'' if weekday is None else weekday}" if words else None


def _weekday(word: str) -> int | None:
    found = [n for n, name in enumerate(WEEKDAYS) if len(word) >= 3 and name.startswith(word)]
    return found[0] if found else None


def _read_reminders(rest: Sequence[str]) -> str | None:
    if len(rest) == 1 and rest[0] in _NONE:
        return "none"
    spans = [read_duration(word.strip(",")) for word in rest]
    hours = {int(span.total_seconds() // 3600) for span in spans if span}
    if not spans or not all(spans) or not hours <= set(REMINDERS):
        return None
    return "-".join(str(each) for each in sorted(hours, reverse=True))


# --- time zones ----------------------------------------------------------------------------------

_OFFSET = re.compile(r"(?:etc/)?(?:utc|gmt|z)?\s*[-+−–]?\s*[0-9].*", re.IGNORECASE)
_SURE = 0.85  # how much alike a name is to the one that was meant, and no other is
_NO_PLACES = frozenset({"localtime", "Factory"})


def find_zone(text: str) -> str | NoZone:
    """The zone that a text names, by its full name or its city alone."""
    if _OFFSET.fullmatch(text.strip()):
        return NoZone(text, is_offset=True)
    wanted = _plain(text)
    names = {_plain(name): name for name in sorted(zones() - _NO_PLACES)}
    cities = {_plain(name.rpartition("/")[2]): name for name in names.values() if "/" in name}
    found = names.get(wanted) or cities.get(wanted)
    if found:
        return found
    sure = difflib.get_close_matches(wanted, [*names, *cities], n=2, cutoff=_SURE)
    meant = {(names | cities)[each] for each in sure}
    if len(meant) == 1:
        return meant.pop()
    near = difflib.get_close_matches(wanted, [*names, *cities], n=6, cutoff=0.6)
    return NoZone(text, near=tuple(dict.fromkeys((names | cities)[each] for each in near))[:3])


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())
