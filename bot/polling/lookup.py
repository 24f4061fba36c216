"""Looks at a petition for somebody, and answers from what is known where a site takes long."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

import structlog
from msgspec import Struct

from bot.errors import StorageError
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef
from bot.polling.petitions_api import Look, Unavailable
from storage import Storage

log = structlog.get_logger(__name__)

# Seconds that somebody waits for a site: where it is known to be away, where the store can tell
# something meanwhile, and where nobody else can.
_AWAY, _KNOWN, _UNKNOWN = 0.5, 1.0, 5.0
_MOST_AT_ONCE = 64


class Unasked(Struct, frozen=True):
    """The answer that the site was not asked: it `wants_quiet`, or its budget is used up.

    It may be asked again in `retry_in` seconds.
    """

    retry_in: float
    wants_quiet: bool


class LookupResult(Struct, frozen=True):
    """The site's answer, and the best we know of the petition now, read at `read_at`."""

    look: Look | Unasked
    petition: Petition | None
    read_at: datetime
    known: PetitionHistory | None = None


class LookUp(Protocol):
    """A function that asks a site about a petition; `keep` makes it known, to be followed.

    Raises StorageError if what was seen could not be kept.
    """

    def __call__(
        self, ref: PetitionRef, *, keep: bool = False
    ) -> Coroutine[Any, Any, LookupResult]: ...


class Lookups:
    """The looks for people, who are told what is known where a site takes its time.

    A look that nobody waits for any more goes on; what it brings is kept as ever.
    """

    def __init__(
        self,
        look: LookUp,
        storage: Storage,
        failing_since: Callable[[str], datetime | None],
        now: Callable[[], datetime],
    ) -> None:
        self._look = look
        self._storage = storage
        self._failing_since = failing_since
        self._now = now
        self._under_way: dict[tuple[PetitionRef, bool], asyncio.Task[LookupResult]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __call__(self, ref: PetitionRef, *, keep: bool = False) -> LookupResult:
        known = await self._storage.history(ref)
        patience = _KNOWN if known else _UNKNOWN
        if self._failing_since(ref.site):
            patience = _AWAY
        if task := self._asked(ref, keep=keep):
            await asyncio.wait({task}, timeout=patience)
            if task.done():
                return await task
        look = Unavailable("no answer in time")
        if known is None:
            return LookupResult(look, None, self._now())
        return LookupResult(look, known.petition, known.read_at, known)

    def _asked(self, ref: PetitionRef, *, keep: bool) -> asyncio.Task[LookupResult] | None:
        """Return the look at it that is under way, or a new one; None where too many are."""
        if task := self._under_way.get((ref, keep)):
            return task
        if len(self._under_way) >= _MOST_AT_ONCE:
            return None
        task = asyncio.create_task(self._look(ref, keep=keep), name="lookup")
        self._under_way[ref, keep] = task
        task.add_done_callback(lambda done: self._ended(done, (ref, keep)))
        return task

    def _ended(self, task: asyncio.Task[LookupResult], what: tuple[PetitionRef, bool]) -> None:
        del self._under_way[what]
        if not task.cancelled() and (error := task.exception()):
            # A store that fails has its own line in the log.
            how = log.debug if isinstance(error, StorageError) else log.warning
            how("a check failed", error=type(error).__name__)
