"""What a look at a petition brought, as `bot.poll` gives it to whoever asks."""

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from bot.parliament import Look
from bot.petitions.model import Known, Petition, PetitionRef


class Unasked(Struct, frozen=True):
    """The site was not asked: it `wants_quiet`, or what may be asked of it is used up.

    In `retry_in` seconds it may be.
    """

    retry_in: float
    wants_quiet: bool


class Sight(Struct, frozen=True):
    """The site's answer, and the best we know of the petition now, read at `read_at`."""

    look: Look | Unasked
    petition: Petition | None
    read_at: datetime
    known: Known | None = None


class Looker(Protocol):
    """Asks a site about a petition; `keep` makes it known, so that it can be followed.

    Raises StorageError if what was seen could not be kept.
    """

    async def __call__(self, ref: PetitionRef, *, keep: bool = False) -> Sight: ...
