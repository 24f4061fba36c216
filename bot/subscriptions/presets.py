"""How much somebody wants to hear, in three choices before the kinds one by one (pure)."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from bot.petitions.events import EVENT_KINDS, Kind, Loudness
from bot.subscriptions.preferences import DEFAULTS, KINDS

Preset: TypeAlias = Literal["everything", "big", "digest"]

PRESETS: Mapping[Preset, Mapping[Kind, Loudness]] = {
    "everything": {kind: DEFAULTS[kind] for kind in KINDS},
    "big": {kind: DEFAULTS[kind] if EVENT_KINDS[kind].is_big else "off" for kind in KINDS},
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
