"""Lengths of time as people type them: "7d", "3 days", "2h", "a week", "tomorrow" (pure)."""

import re
from datetime import datetime, timedelta

from bot.local_time import next_local

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
