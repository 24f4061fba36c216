"""A count of how often something happened lately, which fades and is kept as one moment.

The moment is when the count, left alone, has faded to one. Such moments keep their order as time
passes, and another occurrence only ever moves one later.
"""

from math import exp, inf, log

NEVER = -inf


def counted(faded_at: float, now: float, span: float, most: float) -> float:
    """Return the moment once another has happened; no count rises above `most`.

    It fades to a third within `span` seconds, about; a steady pace keeps it at what that brings in.
    """
    before = exp(min((faded_at - now) / span, log(most)))
    return now + span * log(min(before + 1.0, most))


def faded_to(level: float, faded_at: float, span: float) -> float:
    """Return the moment when the count is down to a level."""
    return faded_at - span * log(level)
