"""What to look at next, given what was looked at when, and a budget (pure)."""

from collections.abc import Iterable, Mapping

from bot.petitions.model import PetitionRef


def due(
    followed: Iterable[PetitionRef],
    looked_at: Mapping[PetitionRef, float],
    now: float,
    interval: float,
    quota: int,
) -> list[PetitionRef]:
    """At most `quota` petitions whose last look is `interval` seconds ago or more, longest first.

    `now` and `looked_at` are readings of one steady clock, in seconds.
    """
    waiting = [(looked_at.get(ref, float("-inf")), ref) for ref in followed]
    ready = sorted(entry for entry in waiting if now - entry[0] >= interval)
    return [ref for _, ref in ready[:quota]]
