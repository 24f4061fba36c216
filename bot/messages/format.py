"""Writes numbers, dates and spans of time as the reader's language does."""

from contextvars import ContextVar
from datetime import date, datetime, timedelta, tzinfo

from babel.dates import format_date, format_datetime, get_day_names, get_timezone_location
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent

from bot.local_time import LONDON_ZONE
from bot.messages.i18n import language, locale, many, tr


def number(value: float) -> str:
    """Write a whole number: 131,625."""
    return str(format_decimal(value, format="#,##0", locale=locale()))


def decimal(value: float, places: int = 1) -> str:
    """Write a number with `places` digits behind the point, be they noughts: 1.9."""
    return str(format_decimal(value, format=f"#,##0.{'0' * places}", locale=locale()))


def percent(share: float, places: int = 1) -> str:
    """Write a share of 1 in per cent: 4.2%."""
    return str(format_percent(share, format=f"0.{'0' * places}%", locale=locale()))


def day(value: date) -> str:
    """Write a date: 5 September 2020; an instant is told by its date in London."""
    if isinstance(value, datetime):
        value = value.astimezone(LONDON_ZONE).date()
    return format_date(value, "d MMMM y", locale=locale())


def weekday(value: date) -> str:
    """Write a date with its weekday: Monday 15 December 2025."""
    return format_date(value, "EEEE d MMMM y", locale=locale())


_clocks: ContextVar[tzinfo] = ContextVar("clocks", default=LONDON_ZONE)


def go_by(clocks: tzinfo) -> None:
    """Tell instants by these clocks, those where the chat lives, for the rest of this task."""
    _clocks.set(clocks)


def moment(value: datetime) -> str:
    """Write an instant where the chat lives: 5 March 2020, 20:21, or in France 21:21 (Paris)."""
    local = value.astimezone(_clocks.get())
    return _on_clocks(format_datetime(local, "d MMMM y, HH:mm", locale=locale()))


def clock(value: datetime, now: datetime) -> str:
    """Write when an instant is where the chat lives: 20:21, and the date too unless it is today."""
    local, today = value.astimezone(_clocks.get()), now.astimezone(_clocks.get()).date()
    if local.date() != today:
        return moment(value)
    return _on_clocks(format_datetime(local, "HH:mm", locale=locale()))


def _on_clocks(told: str) -> str:
    """Add to a time the place whose clocks it goes by, unless that is London."""
    zone = str(_clocks.get())
    if zone == str(LONDON_ZONE):
        return told
    city = get_timezone_location(zone, locale=locale(), return_city=True).rpartition("/")[2]
    return f"{told} ({city})"


def years(count: int) -> str:
    """Word a number of years: 2 years."""
    return many("{count} year", "{count} years", count)


def days(count: int) -> str:
    """Word a number of days: 43 days."""
    return many("{count} day", "{count} days", count)


def hours(count: int) -> str:
    """Word a number of hours: 6 hours."""
    return many("{count} hour", "{count} hours", count)


def minutes(count: int) -> str:
    """Word a number of minutes: 1 minute."""
    return many("{count} minute", "{count} minutes", count)


def signatures(count: int) -> str:
    """Word a number of signatures: 131,625 signatures."""
    return many("{count} signature", "{count} signatures", count)


def span(value: timedelta) -> str:
    """Word a length of time in its largest whole unit: 6 hours, 43 days, 2 years."""
    seconds = max(0, int(value.total_seconds()))
    # Days say more than one year, hours more than one day.
    for told, size, least in (
        (years, 31_557_600, 2),
        (days, 86_400, 2),
        (hours, 3_600, 1),
        (minutes, 60, 1),
    ):
        if seconds >= size * least:
            return told(seconds // size)
    return tr("less than a minute")


def about(value: timedelta) -> str:
    """Word a time still to pass, to the nearest whole unit: 5 h 59 min are six hours."""
    day_, hour, minute = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
    if value < minute:
        return span(value)
    unit = day_ if value >= 2 * day_ else hour if value >= hour else minute
    return span(round(value / unit) * unit)


def bar(share: float, cells: int = 10) -> str:
    """Draw a bar, ▰▰▰▰▰▰▱▱▱▱, filled by a share of 1, and full only at the whole."""
    full = min(cells, max(0, int(share * cells)))
    return "▰" * full + "▱" * (cells - full)


def london_today(now: datetime) -> date:
    """Return the calendar date in London, by which the site's dates go."""
    return now.astimezone(LONDON_ZONE).date()


def listed(things: list[str]) -> str:
    """List things within a sentence: one, two and three.

    In Welsh the word for "and" changes with the next word, and the next word with it, so that a
    list of any names goes without.
    """
    if language() == "cy":
        return ", ".join(things)
    return str(format_list(things, locale=locale()))


def length(count: int) -> str:
    """Word a number of hours, in days if it is a whole number of them."""
    return days(count // 24) if count % 24 == 0 else hours(count)


def time_of_day(minute: int) -> str:
    """Write the time of day at a minute after midnight: 22:00."""
    return f"{minute // 60:02}:{minute % 60:02}"


def weekday_name(weekday: int) -> str:
    """Name a day of the week, 0 for Monday."""
    return str(get_day_names("wide", locale=locale())[weekday])
