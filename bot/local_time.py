"""Works out hours of the day where a chat lives, right across changes of the clock (pure).

Minutes count from local midnight. What the clock skips happens as late as the clock then is; what
it shows twice happens the first time.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

LONDON = "Europe/London"
LONDON_ZONE = ZoneInfo(LONDON)


def next_local(minute: int, after: datetime, zone: str, weekday: int | None = None) -> datetime:
    """Return the first instant after `after` at which clocks there show this minute of the day.

    `weekday` (Monday is 0) leaves the other days out.
    """
    day = after.astimezone(zone_of(zone)).date() - timedelta(days=1)
    while True:
        instant = instant_of(day, minute, zone)
        if instant > after and weekday in {None, day.weekday()}:
            return instant
        day += timedelta(days=1)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name; London's for "" and for one that is not known any more."""
    return ZoneInfo(name if name in zones() else LONDON)


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Return the names of all time zones that are known here."""
    return frozenset(available_timezones())


def instant_of(day: date, minute: int, zone: str) -> datetime:
    """Return the instant, in UTC, at which clocks there show this minute of the day."""
    hour, minute = divmod(minute, 60)
    return datetime.combine(day, time(hour, minute), zone_of(zone)).astimezone(UTC)
