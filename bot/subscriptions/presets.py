"""How much somebody wants to hear, in three choices before the kinds one by one (pure)."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from bot.petitions.events import Kind
from bot.subscriptions.preferences import DEFAULTS, KINDS
from bot.subscriptions.subscription import Loudness

Preset: TypeAlias = Literal["everything", "big", "digest"]

# One's own milestones are asked for one by one, so they are big to whoever has any.
_BIG: frozenset[Kind] = frozenset({"threshold", "own", "response", "debate", "closing", "standing"})

PRESETS: Mapping[Preset, Mapping[Kind, Loudness]] = {
    "everything": {kind: DEFAULTS[kind] for kind in KINDS},
    "big": {kind: DEFAULTS[kind] if kind in _BIG else "off" for kind in KINDS},
    "digest": dict.fromkeys(KINDS, "digest"),
}


def preset_of(in_force: Callable[[Kind], Loudness]) -> Preset | None:
    """The preset that says how every kind is heard now; None if each was chosen by itself."""
    return next(
        (
            preset
            for preset, loudness in PRESETS.items()
            if all(in_force(kind) == loudness[kind] for kind in KINDS)
        ),
        None,
    )
