"""The rule for a surge: a petition is signed far faster than it is used to (pure).

Only what was read at short, regular gaps counts: a counter that stood still and then jumps tells of
the site, not of its readers. Rates are signatures an hour.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.petitions.events import Surged
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, Reading

HOUR = timedelta(hours=1)
LOOKS_BACK = timedelta(days=7)

# A surge is at least so many signatures in an hour, and at least so many times as many as usual.
LEAST = 200
_TIMES = 5
_COOL_DOWN = timedelta(hours=24)  # in which no other surge of the petition is told
_LONGEST_GAP = timedelta(minutes=15)
_LEAST_HISTORY = timedelta(days=1)


def may_surge(known: PetitionHistory, now: datetime) -> bool:
    """Return whether a surge would be told: the petition is open, and none was told for a day."""
    if not known.petition.is_open or known.removed:
        return False
    told = known.surged_at
    # What was told in days to come was told while the clock was wrong.
    return told is None or not timedelta(0) <= now - told < _COOL_DOWN


def surge(known: PetitionHistory, readings: Sequence[Reading], now: datetime) -> Surged | None:
    """Find the surge of the last hour, or None; `readings` are the last week's, oldest first."""
    petition = known.petition
    if not may_surge(known, now):
        return None
    seen = [*(r for r in readings if r.at < now), Reading(now, petition.signature_count)]
    rises = _rises(seen, now - HOUR)
    # Without its greatest step: one step alone may make up for what the site had not counted.
    sure = sum(rises) - max(rises, default=0)
    if sure < LEAST:
        return None
    usual = _usual(petition, seen, now - HOUR)
    if usual is None or sure < _TIMES * usual:
        return None
    return Surged(sum(rises), usual, petition.signature_count)


def _rises(seen: Sequence[Reading], since: datetime) -> list[int]:
    """Return what each step since then brought, leaving out those over a long gap."""
    return [
        max(0, after.signature_count - before.signature_count)
        for before, after in pairwise(seen)
        if before.at >= since and after.at - before.at <= _LONGEST_GAP
    ]


def _usual(petition: Petition, seen: Sequence[Reading], until: datetime) -> float | None:
    """Return signatures an hour until then, by the week's readings, else by the petition's life.

    None when there is less than a day of either.
    """
    before = [reading for reading in seen if reading.at <= until]
    if before and until - before[0].at >= _LEAST_HISTORY:
        rise = before[-1].signature_count - before[0].signature_count
        return max(0.0, rise / ((until - before[0].at) / HOUR))
    opened = petition.opened_at
    if opened is None or until - opened < _LEAST_HISTORY:
        return None
    count = before[-1].signature_count if before else seen[0].signature_count
    return count / ((until - opened) / HOUR)
