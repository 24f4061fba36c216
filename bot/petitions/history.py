"""The record of a followed petition: its last body, and what was announced of it (pure)."""

from datetime import datetime

from msgspec import Struct

from bot.petitions.petition import GovernmentResponse, Petition


class PetitionHistory(Struct, frozen=True, omit_defaults=True):
    """All we know of a followed petition: its last accepted body, and what has happened already.

    `seen` holds the keys of everything that was ever true of it, so that nothing rings twice;
    `peak` is the highest count it ever had; `top` the codes of the ten constituencies with the most
    signatures when they were last told; `surged_at` is when a surge was last told.

    `gone_looks` counts the looks in a row that did not find it: it was taken down, or stopped or
    hidden before it was published, or has been missing since `missing_since`, where a site says no
    more of what it took down. `older_looks` counts those in a row that were served an older body
    than this.
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
