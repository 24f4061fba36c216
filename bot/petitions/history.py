"""The record of a followed petition: its last body, and what was announced of it (pure)."""

from datetime import datetime

from msgspec import Struct

from bot.petitions.petition import GovernmentResponse, Petition


class PetitionHistory(Struct, frozen=True, omit_defaults=True):
    """All we know of a followed petition: its last accepted body, and what has happened already.

    `seen` holds the keys of everything that was ever true of it, so that nothing rings twice;
    `peak` is the highest count it ever had; `top` the codes of the ten constituencies with the most
    signatures when they were last told; `gone_looks` counts the looks in a row that found it taken
    down (or stopped or hidden, if it was never published, or missing `missing_since` then, where a
    site says no more of what it took down), `older_looks` those that were served a
    body older than this one.
    """

    petition: Petition
    read_at: datetime
    seen: frozenset[str] = frozenset()
    peak: int = 0
    top: tuple[str, ...] = ()
    surged_at: datetime | None = None
    earlier_responses: tuple[GovernmentResponse, ...] = ()
    gone_looks: int = 0
    missing_since: datetime | None = None
    older_looks: int = 0
    removed: bool = False
