"""Decides when news has to wait since its chat has just heard so much (pure).

What waits comes as one message. How much a chat was told lately is counted in the store, so that
neither a restart nor another process forgets it.
"""

from datetime import datetime, timedelta

FEW = 5  # alerts told lately, from which on others wait
_HELD_FOR = timedelta(minutes=1)


def deferred_until(
    told_lately: int, flood_until: datetime | None, now: datetime
) -> datetime | None:
    """Return until when what is due should wait for all else, or None if it may leave.

    What has begun to be held, `flood_until` then, is held together to its end, so that nothing
    overtakes it.
    """
    if flood_until is not None and flood_until > now:
        return flood_until
    return now + _HELD_FOR if told_lately >= FEW else None
