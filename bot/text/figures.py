"""Numbers, dates and spans of time as a Briton writes them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

LOCALE = "en_GB"
LONDON = ZoneInfo("Europe/London")

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def number(value: float) -> str:
    """131,625."""
    return format_decimal(value, format="#,##0", locale=LOCALE)


def day(value: date) -> str:
    """5 September 2020; an instant is told by its date in London."""
    if isinstance(value, datetime):
        value = value.astimezone(LONDON).date()
    return format_date(value, "d MMMM y", locale=LOCALE)


def weekday(value: date) -> str:
    """Monday 15 December 2025."""
    return format_date(value, "EEEE d MMMM y", locale=LOCALE)


def moment(value: datetime) -> str:
    """5 March 2020, 20:21, London time."""
    return format_datetime(value.astimezone(LONDON), "d MMMM y, HH:mm", locale=LOCALE)


def clock(value: datetime, now: datetime) -> str:
    """20:21 for today's instants, with the date for others; London time."""
    local, today = value.astimezone(LONDON), now.astimezone(LONDON).date()
    return f"{local:%H:%M}" if local.date() == today else moment(value)


def span(value: timedelta) -> str:
    """A length of time in its largest whole unit: six hours, 43 days, two years."""
    seconds = max(0, int(value.total_seconds()))
    for unit, size in (("year", 31_557_600), ("day", 86_400), ("hour", 3_600), ("minute", 60)):
        # Days say more than one year, hours more than one day.
        least = 2 if unit in {"year", "day"} else 1
        if seconds >= size * least:
            return counted(seconds // size, unit)
    return "less than a minute"


def counted(amount: int, unit: str, plural: str = "") -> str:
    """six hours, one day, 43 days."""
    word = _WORDS[amount] if amount < len(_WORDS) else number(amount)
    return f"{word} {unit if amount == 1 else plural or unit + 's'}"


def bar(share: float, cells: int = 10) -> str:
    """▰▰▰▰▰▰▱▱▱▱: how much of the way is done, never full before it is."""
    full = min(cells, max(0, int(share * cells)))
    return "▰" * full + "▱" * (cells - full)


def london_today(now: datetime) -> date:
    """The calendar date in London, which the site's dates are."""
    return now.astimezone(LONDON).date()
