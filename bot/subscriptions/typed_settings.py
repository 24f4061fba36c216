"""Words typed into the settings -> the choice they name, as a button would carry it (pure).

Also the lengths of time, hours, days and time zones in them: "7d", "a week", "10pm-7am".
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.local_time import next_local, zones
from bot.petitions.events import EVENT_KINDS, Kind, Loudness
from bot.petitions.reminders import REMINDERS
from bot.subscriptions.preferences import KINDS, LOUDNESS
from bot.subscriptions.subscription import Digest

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

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
        case "announcements" if rest in (["on"], ["off"]):
            return f"news.{rest[0]}"
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


# --- lengths of time -----------------------------------------------------------------------------

_UNITS = {
    timedelta(minutes=1): ("m", "min", "mins", "minute", "minutes"),
    timedelta(hours=1): ("h", "hr", "hrs", "hour", "hours"),
    timedelta(days=1): ("d", "day", "days"),
    timedelta(weeks=1): ("w", "wk", "wks", "week", "weeks"),
    timedelta(weeks=2): ("fortnight", "fortnights"),
    timedelta(days=30): ("month", "months"),
    timedelta(days=365): ("y", "year", "years"),
}
_UNIT = {name: unit for unit, names in _UNITS.items() for name in names}
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_AMOUNT = {"a": 1, "an": 1} | {word: number for number, word in enumerate(_WORDS, 1)}

_PART = re.compile(
    r"(?<![a-z])(?P<amount>[0-9]{{1,6}}\s*|(?:{amounts})\s+)(?P<unit>{units})(?![a-z])".format(
        amounts="|".join(sorted(_AMOUNT, key=len, reverse=True)),
        units="|".join(sorted(_UNIT, key=len, reverse=True)),
    )
)
_BETWEEN = re.compile(r"[\s,]|\band\b")

_MORNINGS = frozenset({"tonight", "overnight", "morning", "the morning", "heno"})
_TOMORROW = frozenset({"tomorrow", "tomorrow morning", "yfory"})
_DAYS = (
    ("monday", "dydd llun", "llun"),
    ("tuesday", "dydd mawrth", "mawrth"),
    ("wednesday", "dydd mercher", "mercher"),
    ("thursday", "dydd iau", "iau"),
    ("friday", "dydd gwener", "gwener"),
    ("saturday", "dydd sadwrn", "sadwrn"),
    ("sunday", "dydd sul", "sul"),
)
_WEEKDAY = {name: day for day, names in enumerate(_DAYS) for name in (*names, names[0][:3])}

# "Tomorrow" begins when most people look at their telephone again.
_MORNING = 8 * 60
# What is longer than this is longer than anybody means, and would leave the calendar.
_ENDLESS = timedelta(days=10_000)


def read_duration(text: str) -> timedelta | None:
    """The length of time a text names, its parts added up; None if it names none.

    More than ten thousand days are as good as that.
    """
    plain = " ".join(text.lower().split())
    parts = list(_PART.finditer(plain))
    if not parts or _BETWEEN.sub("", _PART.sub("", plain)):
        return None
    # Each by itself: a sum of lengths without end would leave the calendar too.
    named = (min(_length(part["amount"].strip(), part["unit"]), _ENDLESS) for part in parts)
    return min(sum(named, timedelta()), _ENDLESS)


def read_until(text: str, now: datetime, zone: str) -> datetime | None:
    """The moment that a length of time leads to, or the morning of a day where the chat lives.

    "2 hours", "tomorrow", "until Monday".
    """
    plain = " ".join(text.lower().strip(" .!").split())
    plain = re.sub(r"^(?:(?:for|until|till|til|am|tan|next|on)\s+)+", "", plain)
    if plain in _TOMORROW:
        return next_local(_MORNING, next_local(0, now, zone), zone)
    if plain in _MORNINGS:
        return next_local(_MORNING, now, zone)
    if plain in _WEEKDAY:
        return next_local(_MORNING, next_local(0, now, zone), zone, _WEEKDAY[plain])
    span = read_duration(plain)
    return now + span if span else None


def _length(amount: str, unit: str) -> timedelta:
    return _UNIT[unit] * (int(amount) if amount.isdigit() else _AMOUNT[amount])
