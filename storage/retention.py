"""Which readings are worth keeping as they age (pure)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

_ALL_FOR = timedelta(days=2)
_HOURLY_FOR = timedelta(days=60)
_HOUR, _DAY = 3600, 86400


def thinned(counts: Sequence[tuple[int, int]], now: datetime) -> list[tuple[int, int]]:
    """Pairs of Unix seconds and count, oldest first: all for two days, then the last of each hour.

    After two months, the last of each day. Days and hours are those of UTC.
    """
    second = int(now.timestamp())
    last_of: dict[tuple[int, int], tuple[int, int]] = {}
    for at, count in counts:
        span = _span(second - at)
        last_of[span, at // span] = (at, count)
    return list(last_of.values())


def _span(age: int) -> int:
    """Of how many seconds one reading is kept, at an age in seconds."""
    if age <= _ALL_FOR.total_seconds():
        return 1
    return _HOUR if age <= _HOURLY_FOR.total_seconds() else _DAY
