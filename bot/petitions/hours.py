"""Hours of the day where a chat lives, right across both changes of the clock (pure).

Minutes count from local midnight. What the clock skips happens as late as the clock then is; what
it shows twice happens the first time.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from bot.petitions.model import Digest, Quiet

LONDON = "Europe/London"


def next_local(minute: int, after: datetime, zone: str, weekday: int | None = None) -> datetime:
    """The first instant later than `after` at which clocks there show this minute of the day.

    `weekday` (Monday is 0) leaves the other days out.
    """
    day = after.astimezone(zone_of(zone)).date() - timedelta(days=1)
    while True:
        instant = _instant(day, minute, zone)
        if instant > after and weekday in {None, day.weekday()}:
            return instant
        day += timedelta(days=1)


def next_digest(digest: Digest, after: datetime, zone: str) -> datetime:
    """When the next digest comes."""
    return next_local(digest.minute, after, zone, digest.weekday)


def quiet_until(quiet: Quiet, now: datetime, zone: str) -> datetime | None:
    """When the quiet hours that hold now end, or None if none do."""
    if quiet.start == quiet.end:
        return None
    today = now.astimezone(zone_of(zone)).date()
    for day in (today, today - timedelta(days=1)):
        begin = _instant(day, quiet.start, zone)
        end = next_local(quiet.end, begin, zone)
        if begin <= now < end:
            return end
    return None


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name; London's for "" and for one that is not known here any more."""
    return ZoneInfo(name if name in zones() else LONDON)


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Every time zone that is known here, by name."""
    return frozenset(available_timezones())


def _instant(day: date, minute: int, zone: str) -> datetime:
    hour, minute = divmod(minute, 60)
    return datetime.combine(day, time(hour, minute), zone_of(zone)).astimezone(UTC)
