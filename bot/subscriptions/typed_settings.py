"""Reads words typed into the settings as the choice they name, as a button would carry it (pure).

Also the lengths of time, hours, days and time zones in them: "7d", "a week", "10pm-7am".
"""

import calendar
import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from bot.local_time import instant_of, next_local, zone_of, zones
from bot.petitions.events import EVENT_KINDS, Kind, Loudness
from bot.petitions.number_words import in_figures
from bot.petitions.reminders import REMINDERS
from bot.subscriptions.preferences import KINDS_IN_SETTINGS, LOUDNESS
from bot.subscriptions.subscription import Digest

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_TYPED_KINDS: Mapping[str, Kind] = {
    name: kind for kind in KINDS_IN_SETTINGS for name in (kind, *EVENT_KINDS[kind].aliases)
}
_NONE = frozenset({"off", "none", "never", "no"})
_USUAL = frozenset({"usual", "default"})
_ALL = frozenset({"all", "everything"})
_OTHER_LOUDNESS: dict[str, Loudness] = {"sound": "loud", "with sound": "loud", "on": "loud"}


class Misread(NamedTuple):
    """Typed words that name no choice: the subject they are about, and the words at fault.

    `subject` is "" where even that is not clear.
    """

    subject: str
    word: str = ""


class NoZone(NamedTuple):
    """Typed words that name no time zone: an offset, or a name nobody has.

    `near` are the names most like it.
    """

    word: str
    is_offset: bool = False
    near: tuple[str, ...] = ()


def typed(words: Sequence[str], digest: Digest | None) -> str | Misread | NoZone:
    """Read the choice that words after the command name; `digest` is the one there is, if any."""
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
    """Return the kind of event that a word names, or nearly does; None if it names none."""
    if word in _TYPED_KINDS:
        return _TYPED_KINDS[word]
    near = difflib.get_close_matches(word, _TYPED_KINDS, n=1, cutoff=_SURE)
    return _TYPED_KINDS[near[0]] if near else None


def _read_urgent(rest: Sequence[str]) -> str | None:
    if len(rest) == 1 and rest[0] in _NONE:
        return "none"
    if len(rest) > len(_TYPED_KINDS):
        return None
    kinds = [read_kind(word.strip(",")) for word in rest]
    return "-".join(kind for kind in kinds if kind) if kinds and all(kinds) else None


_HOURS = re.compile(
    r"(?P<hour>[0-9]{1,2})(?:[:.h]?(?P<minute>[0-9][0-9]))?\s*(?:h|o['’]?clock)?\s*"
    r"(?:(?P<half>[ap])\.?m\.?)?"
)
_SPAN = re.compile(r"(?P<start>.+?)\s*(?:-|–|—|\b(?:to|until|till|til|and|i|tan)\b)\s*(?P<end>.+)")
_USUAL_NIGHT = 22 * 60, 7 * 60
_NIGHT = frozenset(
    {"night", "at night", "nights", "overnight", "the night", "during the night", "yn y nos"}
)
_PART_OF_DAY = re.compile(
    r"\s+(?:(?P<pm>at night|in the (?:afternoon|evening)|yr hwyr|y nos)|in the morning|y bore)$"
)
_EVERY_DAY = re.compile(r"\s*\b(?:every|each) (?:day|night)$|\s*\bdaily$|\s+only$|\s+please$")
_BARE = re.compile(r"[0-9]{1,2}")
_NEITHER_HALF = re.compile(r"(?:(?:half|(?:a )?quarter) (?:past|to) )?[0-9]{1,2}")
_DAY_LONG = 24 * 60
_LONGEST_NIGHT = 12 * 60
_NAMED_HOURS = {"midnight": 0, "noon": 720, "midday": 720, "hanner nos": 0, "hanner dydd": 720}


def read_quiet(text: str) -> str | None:
    """Read quiet hours: "22:00-07:00", "22 to 7", "10pm-7am", "after 10pm", "off".

    They come back in minutes of the day, as in "1320-420", or as "off"; None if they are none.
    "only 8 to 22" are the hours that are not quiet. Where only one end is named, the other is the
    usual one. Of "10 to 7" the night is meant.
    """
    plain = _EVERY_DAY.sub("", " ".join(text.split()))
    if plain in _NONE:
        return "off"
    if plain in _NIGHT:
        return _between(*_USUAL_NIGHT)
    side = re.fullmatch(
        r"(?:(?P<after>after|past|from|later than|ar ôl)|before|earlier than|until|cyn)"
        r" (?P<hour>.+)",
        plain,
    )
    if side and (hour := read_hour(side["hour"])) is not None:
        if not side["after"]:
            return _between(_USUAL_NIGHT[0], hour)
        is_evening = _NEITHER_HALF.fullmatch(in_figures(side["hour"])) and 5 <= hour // 60 <= 12
        return _between(hour + 12 * 60 if is_evening else hour, _USUAL_NIGHT[1])
    wanted = plain.removeprefix("only ")
    found = _SPAN.fullmatch(re.sub(r"^(?:from|between|o|rhwng)\s+", "", wanted))
    if found is None:
        return None
    start, end = read_hour(found["start"]), read_hour(found["end"])
    if start is None or end is None:
        return None
    if wanted != plain:  # the hours in which it is not quiet
        is_pm = _BARE.fullmatch(found["end"]) and end <= start
        return _between(end + 12 * 60 if is_pm else end, start)
    is_long = (end - start) % _DAY_LONG > _LONGEST_NIGHT
    is_bare = _BARE.fullmatch(_in_figures(found["start"])) or "past" in found["start"]
    if is_long and start <= 12 * 60 and is_bare:
        start += 12 * 60
    return _between(start, end)


def _between(start: int, end: int) -> str | None:
    return None if start == end else f"{start % _DAY_LONG}-{end % _DAY_LONG}"


# No hour and no zone is called by so many letters.
_LONGEST_NAME = 80

_HALF_PAST = re.compile(r"\b(half|(?:a )?quarter) (past|to) ([0-9]{1,2})\b")


def _in_figures(text: str) -> str:
    """Write the hours of a text in figures: "half past eight", "quarter to nine"."""

    def written(at: re.Match[str]) -> str:
        minutes = 30 if at[1] == "half" else 15
        if at[2] == "past":
            return f"{at[3]}:{minutes}"
        return f"{(int(at[3]) - 2) % 12 + 1}:{60 - minutes}" if int(at[3]) <= 12 else at[0]

    return _HALF_PAST.sub(written, in_figures(text))


def read_hour(text: str) -> int | None:
    """Read a minute of the day: "18:00", "9", "6pm", "24:00" for midnight; None if it is none."""
    if len(text) > _LONGEST_NAME:
        return None
    plain = _in_figures(text.strip(" ."))
    if plain in _NAMED_HOURS:
        return _NAMED_HOURS[plain]
    part = _PART_OF_DAY.search(plain)
    found = _HOURS.fullmatch(plain[: part.start()] if part else plain)
    if found is None:
        return None
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if part and part["pm"] and 1 <= hour <= 12 and not found["half"]:
        hour = _after_noon(hour, part["pm"])
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"] == "p" else 0)
    elif hour == 24 and minute == 0:
        hour = 0
    return hour * 60 + minute if hour < 24 and minute < 60 else None


def _after_noon(hour: int, part: str) -> int:
    """Return the hour of the clock: 3 in the afternoon is 15, 11 at night 23, 1 at night 1."""
    if part in {"at night", "y nos"} and (hour < 5 or hour == 12):
        return hour % 12
    return hour + 12 if hour < 12 else hour


# Minutes of the day, by what people call the hour.
_PARTS_OF_DAY = {
    **dict.fromkeys(("morning", "mornings", "bore"), 8 * 60),
    "lunchtime": 12 * 60,
    **dict.fromkeys(("afternoon", "prynhawn"), 15 * 60),
    **dict.fromkeys(("teatime", "tea time"), 17 * 60),
    **dict.fromkeys(("evening", "evenings", "hwyr"), 18 * 60),
    **dict.fromkeys(("night", "nos"), 21 * 60),
    "bedtime": 22 * 60,
}
_BESIDES = frozenset(
    {
        "email",
        "message",
        "update",
        "once",
        "at",
        "on",
        "every",
        "each",
        "in",
        "the",
        "around",
        "by",
        "a",
        "digest",
        "summary",
        "please",
    }
    | {"am", "y", "yr", "yn"}
)


def read_digest(words: Sequence[str], was: Digest) -> str | None:
    """Read when a digest comes: "daily 18:00", "weekly monday 9:00"; what is left out stays.

    It comes back as a button carries it, "minute.weekday"; None if the words say anything else.
    """
    minute, weekday = was.minute, was.weekday
    said = re.sub(
        r"(?<=[0-9])\s+(?=(?:am|pm|a\.m|p\.m|o'clock)\b)", "", _in_figures(" ".join(words))
    )
    said = re.sub(
        r"(?<![^\s])([0-9]{1,2})(?::00)? (in the (?:afternoon|evening)|at night)\b",
        lambda hour: f"{_after_noon(int(hour[1]), hour[2])}:00",
        said,
    )
    said = re.sub(
        r"\b(evening|night) (?:at )?([1-9]|1[01])(?:pm)?$", lambda at: f"{int(at[2]) + 12}:00", said
    )
    said = re.sub(r"(?<=[0-9m]) in the morning\b", "", said)
    for word in said.replace(",", " ").split():
        day = _weekday(word.removesuffix("s") if word.endswith("days") else word)
        at = _PARTS_OF_DAY.get(word, read_hour(word))
        if word in {"daily", "day", "days"}:
            weekday = None
        elif word in {"weekly", "week"}:
            weekday = was.weekday or 0
        elif day is not None:
            weekday = day
        elif at is not None:
            minute = at
        elif word not in _BESIDES:
            return None
    is_any = set(said.split()) - _BESIDES
    return f"{minute}.{'' if weekday is None else weekday}" if is_any else None


def _weekday(word: str) -> int | None:
    found = [n for n, name in enumerate(WEEKDAYS) if len(word) >= 3 and name.startswith(word)]
    return found[0] if found else None


def _read_reminders(rest: Sequence[str]) -> str | None:
    if len(rest) == 1 and rest[0] in _NONE:
        return "none"
    whole = read_duration(" ".join(rest))  # "a week", and not "7d 1d", which are two
    is_one = whole and int(whole.total_seconds() // 3600) in REMINDERS
    spans = [whole] if is_one else [read_duration(word.strip(",")) for word in rest]
    hours = {int(span.total_seconds() // 3600) for span in spans if span}
    if not spans or not all(spans) or not hours <= set(REMINDERS):
        return None
    return "-".join(str(each) for each in sorted(hours, reverse=True))


# --- time zones ----------------------------------------------------------------------------------

_OFFSET = re.compile(r"(?:etc/)?(?:utc|gmt|z)?\s*[-+−–]?\s*[0-9].*", re.IGNORECASE)
_SURE = 0.85  # how much alike a name is to the one that was meant, and no other is
_NO_PLACES = frozenset({"localtime", "Factory"})


# The names of places that people may give for London's time, though no zone is called so.
_BRITISH = frozenset(
    {"uk", "britain", "british", "great_britain", "united_kingdom", "bst", "england", "scotland"}
    | {"wales", "cymru", "northern_ireland", "edinburgh", "glasgow", "cardiff", "caerdydd"}
    | {"birmingham", "manchester", "liverpool", "leeds", "bristol", "newcastle", "swansea"}
)
# The zones of countries that have one, or nearly.
_COUNTRIES = {
    country: zone
    for zone, countries in {
        "Europe/Madrid": "spain españa sbaen",
        "Europe/Paris": "france ffrainc",
        "Europe/Berlin": "germany deutschland",
        "Europe/Rome": "italy italia",
        "Europe/Lisbon": "portugal",
        "Europe/Dublin": "ireland republic_of_ireland iwerddon",
        "Europe/Amsterdam": "netherlands the_netherlands holland",
        "Europe/Brussels": "belgium",
        "Europe/Zurich": "switzerland",
        "Europe/Vienna": "austria",
        "Europe/Warsaw": "poland polska",
        "Europe/Bucharest": "romania",
        "Europe/Sofia": "bulgaria",
        "Europe/Prague": "czechia czech_republic",
        "Europe/Budapest": "hungary",
        "Europe/Copenhagen": "denmark",
        "Europe/Stockholm": "sweden",
        "Europe/Oslo": "norway",
        "Europe/Helsinki": "finland",
        "Europe/Athens": "greece",
        "Asia/Nicosia": "cyprus",
        "Europe/Kyiv": "ukraine",
        "Asia/Dubai": "united_arab_emirates uae",
        "Asia/Kolkata": "india",
        "Asia/Karachi": "pakistan",
        "Asia/Dhaka": "bangladesh",
        "Asia/Colombo": "sri_lanka",
        "Asia/Bangkok": "thailand",
        "Asia/Manila": "philippines",
        "Asia/Tokyo": "japan",
        "Asia/Seoul": "korea south_korea",
        "Asia/Shanghai": "china",
        "Africa/Lagos": "nigeria",
        "Africa/Accra": "ghana",
        "Africa/Nairobi": "kenya",
        "Africa/Johannesburg": "south_africa",
        "Pacific/Auckland": "new_zealand",
    }.items()
    for country in countries.split()
}
_AROUND_ZONE = re.compile(r"^(?:i'?m in|i am in|i live in|in|the|my|is|to)\s+|\s+(?:time|zone)$")


def find_zone(text: str) -> str | NoZone:
    """Find the zone that a text names, by its full name, its city or its country."""
    text = text.strip()[:_LONGEST_NAME]
    if _OFFSET.fullmatch(text):
        return NoZone(text, is_offset=True)
    wanted = _plain(_AROUND_ZONE.sub("", text.strip().casefold()).partition(",")[0])
    names = {_plain(name): name for name in sorted(zones() - _NO_PLACES)}
    cities = {_plain(name.rpartition("/")[2]): name for name in names.values() if "/" in name}
    found = names.get(wanted) or cities.get(wanted)
    if found:
        return found
    if wanted in _BRITISH:
        return "Europe/London"
    if wanted in _COUNTRIES:
        return _COUNTRIES[wanted]
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
_PART = re.compile(
    r"(?<![a-z])(?P<amount>[0-9]{{1,6}}\s*|(?:an?|the)\s+)(?P<unit>{units})(?![a-z])".format(
        units="|".join(sorted(_UNIT, key=len, reverse=True)),
    )
)
_BETWEEN = re.compile(r"[\s,]|\band\b")

_MORNINGS = frozenset({"tonight", "overnight", "night", "morning", "the morning", "heno"})
_TOMORROW = frozenset({"tomorrow", "tomorrow morning", "yfory", "bore yfory"})
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
_WEEKDAY |= {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}

# "Tomorrow" begins when most people look at their telephone again.
_MORNING = 8 * 60
# A length of time that is longer than anybody means; with a longer one the calendar may end.
_ENDLESS = timedelta(days=10_000)


def read_duration(text: str) -> timedelta | None:
    """Read the length of time a text names, its parts added up; None if it names none.

    More than ten thousand days count as ten thousand.
    """
    plain = in_figures(" ".join(text.lower().split()))
    parts = list(_PART.finditer(plain))
    if not parts or _BETWEEN.sub("", _PART.sub("", plain)):
        return None
    # Each by itself: a sum of lengths without end would leave the calendar too.
    named = (min(_length(part["amount"].strip(), part["unit"]), _ENDLESS) for part in parts)
    return min(sum(named, timedelta()), _ENDLESS)


def read_until(text: str, now: datetime, zone: str) -> datetime | None:
    """Find the instant that a length of time leads to, or a day or hour where the chat lives.

    "2 hours", "tomorrow", "until Monday", "till 12 August at noon", "until 9am". None if it is
    none.
    """
    plain = " ".join(text.lower().strip(" .!").split()).removesuffix(" please")
    plain = re.sub(r"(?<=till |ntil )(tea|lunch|bed)$", r"\1time", plain)
    if len(plain) <= _LONGEST_NAME and (moment := _read_day_and_hour(plain, now, zone)):
        return moment
    plain = re.sub(r"^for (?:the )?next (?=(?:hour|day|week|fortnight|month|year)$)", "a ", plain)
    plain = re.sub(r"^(?:(?:for|until|till|til|am|tan|next|on|over|about|in)\s+)+", "", plain)
    plain = re.sub(r"^(?:(?:this|the|next|coming)\s+)+(?=\S)", "", plain)
    plain = re.sub(r"(?<=day) (?:morning|at all)$", "", plain)
    if plain in _TOMORROW:
        return next_local(_MORNING, next_local(0, now, zone), zone)
    if plain in _MORNINGS:
        return next_local(_MORNING, now, zone)
    if plain in _WEEKDAY:
        return next_local(_MORNING, next_local(0, now, zone), zone, _WEEKDAY[plain])
    if plain == "weekend" and re.search(r"\b(?:until|till|til|tan)\b", text.lower()):
        return next_local(_MORNING, next_local(0, now, zone), zone, 5)
    if plain in {"weekend", "week", "end of week", "end of the week", "rest of the week"}:
        return next_local(_MORNING, next_local(0, now, zone), zone, 0)
    plain = re.sub(r"^rest of (?:the )?", "", plain)
    if plain in {"after christmas", "after xmas"}:
        plain = "27 december"
    if plain in {"christmas", "xmas", "new year", "after new year"}:
        plain = "2 january" if "year" in plain else "25 december"
    if plain in {"today", "end of the day", "day"}:
        return next_local(0, now, zone)
    if plain in _PARTS_OF_DAY:
        return next_local(_PARTS_OF_DAY[plain], now, zone)
    if day := _read_day(plain, now, zone):
        return day
    is_hour = plain in _NAMED_HOURS or re.search(r"[0-9:].{0,9}[:apo]|o['’]?clock", plain)
    if is_hour or re.match(r"(?:(?:un)?till?|tan) ", text.strip().lower()):
        hour = read_hour(plain)
        if hour is not None:
            return next_local(hour, now, zone)
    span = read_duration(_VAGUE.sub(lambda some: _SOME[some[0]], plain))
    return now + span if span else None


# A day that is named, with what may stand between it and the hour.
_DAY_SAID = re.compile(
    r"(?:\b(?:on|at|by|the)\s+)*\b(?:(?P<after_next>day after tomorrow|y diwrnod ar ôl yfory)"
    r"|(?P<tomorrow>tomorrow|yfory)|(?P<today>today|heddiw)"
    r"|(?P<over>after (?:the |this )?(?:bank holiday )?weekend|the weekend is over)"
    r"|(?P<next_week>(?:end of |(?<!the ))next week)"
    r"|(?P<next_month>(?<!the )next month|(?:the )?end of (?:the |this )?month)"
    rf"|(?:(?P<week_on>a week on) )?(?:(?P<which>next|this|this coming) )?(?:bank holiday )?"
    rf"(?P<weekday>{'|'.join(sorted(_WEEKDAY, key=len, reverse=True))})(?P<week> week)?)\b"
)
_BEFORE_END = re.compile(
    r"^(?:(?:for|(?:un)?til|till|am|tan|over|about|in|at|on|by|the)(?:\s+|$))+"
)


def _read_day_and_hour(text: str, now: datetime, zone: str) -> datetime | None:
    """Read the hour of a day: "tomorrow evening", "monday at 9am", "next friday"."""
    date_and_hour = re.fullmatch(r"(?P<day>.+?),? at (?P<hour>\S.*)", _BEFORE_END.sub("", text))
    if date_and_hour and (morning := _read_day(date_and_hour["day"], now, zone)):
        minute = _hour_of_day(date_and_hour["hour"])
        here = morning.astimezone(zone_of(zone)).date()
        return None if minute is None else instant_of(here, minute, zone)
    found = _DAY_SAID.search(text)
    if found is None:
        return None
    before, behind = text[: found.start()], text[found.end() :]
    hour = " ".join(_BEFORE_END.sub("", part.strip(" ,")) for part in (before, behind)).strip()
    minute = _hour_of_day(hour) if hour else _MORNING
    if minute is None:
        return None
    day = _day_said(found, now.astimezone(zone_of(zone)), minute if hour else None)
    at = instant_of(day, minute, zone)
    return at if at > now else None


def _day_said(found: re.Match[str], here: datetime, minute: int | None) -> date:
    """Return the day that is named; a weekday is today only with an hour still to come."""
    today, one = here.date(), timedelta(days=1)
    monday = today + (7 - today.weekday()) * one
    if found["after_next"]:
        return today + 2 * one
    if found["tomorrow"]:
        return today + one
    if found["today"]:
        return today
    if found["over"]:
        return monday
    if found["next_week"]:
        return monday + (7 * one if found["next_week"].startswith("end") else 0 * one)
    if found["next_month"]:
        return (today.replace(day=1) + 32 * one).replace(day=1)
    weekday = _WEEKDAY[found["weekday"]]
    if found["which"] == "next":  # that of the week to come
        day = monday + weekday * one
    else:
        day = today + (weekday - today.weekday()) % 7 * one
        is_over = minute is None or minute <= here.hour * 60 + here.minute
        day += 7 * one if day == today and is_over else 0 * one
    return day + 7 * one if found["week"] or found["week_on"] else day


def _hour_of_day(text: str) -> int | None:
    """Read a minute of the day: "9am", "noon", "evening"; a bare 1 to 6 is in the afternoon."""
    part = _PARTS_OF_DAY.get(re.sub(r"^(?:in the|early|late|yn y|yn yr|y) ", "", text))
    if part is not None:
        return part
    minute = read_hour(text)
    is_bare = _BARE.fullmatch(in_figures(text)) is not None
    return minute + 12 * 60 if is_bare and minute and 60 <= minute <= 6 * 60 else minute


_SOME = {
    "a few": "3",
    "few": "3",
    "a couple of": "2",
    "couple of": "2",
    "a couple": "2",
    "half an hour": "30 minutes",
    "another": "1",
    "an hour and a half": "90 minutes",
    "a week or so": "1 week",
    "week or so": "1 week",
}
_VAGUE = re.compile("|".join(sorted(map(re.escape, _SOME), key=len, reverse=True)))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WELSH_MONTHS = (
    *("ionawr", "chwefror", "mawrth", "ebrill", "mai", "mehefin", "gorffennaf", "awst", "medi"),
    *("hydref", "tachwedd", "rhagfyr"),
)
_DATE = re.compile(
    r"(?:the )?(?P<day>\d{1,2})(?:st|nd|rd|th)?"
    r"(?:(?: of)? (?P<month>[a-z]{3,})|/(?P<number>\d{1,2}))?"
    r"(?:[ /](?P<year>\d{4}))?|(?P<first>[a-z]{3,}) (?P<then>\d{1,2})(?:st|nd|rd|th)?"
)


def _read_day(text: str, now: datetime, zone: str) -> datetime | None:
    """Read the morning of a date to come: "12 August", "the 12th", "12/8", "august 12th"."""
    found = _DATE.fullmatch(text)
    if found is None and _month(text):
        found = _DATE.fullmatch(f"1 {text}")
    if found is None or text.isdigit():
        return None
    here = now.astimezone(zone_of(zone)).date()
    name, number = found["month"] or found["first"] or "", found["number"]
    month = int(number) if number else _month(name)
    if month is None and name:
        return None
    for months in range(13):
        year, other = divmod(here.month - 1 + months, 12)
        if month not in {None, other + 1} or found["year"] not in {None, str(here.year + year)}:
            continue
        try:
            day = date(here.year + year, other + 1, int(found["day"] or found["then"]))
        except ValueError:
            continue
        if day > here:
            return instant_of(day, _MORNING, zone)
    return None


def _month(name: str) -> int | None:
    if name in _WELSH_MONTHS:
        return _WELSH_MONTHS.index(name) + 1
    whole = name[:3] in _MONTHS and calendar.month_name[_MONTHS.index(name[:3]) + 1].lower()
    is_one = whole and (whole.startswith(name) or name == "sept")
    return _MONTHS.index(name[:3]) + 1 if is_one else None


def _length(amount: str, unit: str) -> timedelta:
    return _UNIT[unit] * (int(amount) if amount.isdigit() else 1)
