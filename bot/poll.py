"""One cycle: fetch -> diff -> match -> one commit; and single looks for whoever asks."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import structlog
from msgspec import structs

from bot.parliament import Found, Gone, Look, Parliament, Unavailable, Unreadable
from bot.petitions.errors import StorageError
from bot.petitions.model import Known, Occurrence, PetitionRef, Site
from bot.petitions.schedule import due
from bot.petitions.watch import observe, observe_gone
from bot.sight import Sight
from bot.text.status import SiteHealth
from storage import Storage

log = structlog.get_logger(__name__)

_AT_ONCE = 4
_FIRST_BACKOFF = 5.0
_LONGEST_BACKOFF = 300.0


class Budget:
    """Requests a minute: refills evenly, saves up ten seconds' worth, never more.

    A person's look is always granted and takes from what polling has left.
    """

    def __init__(self, a_minute: int, monotonic: Callable[[], float]) -> None:
        self._a_second = a_minute / 60
        self._most = max(1.0, a_minute / 6)
        self._left = self._most
        self._monotonic = monotonic
        self._then = monotonic()
        self._spent_at: deque[float] = deque()

    def left(self) -> int:
        """Whole requests that may be made now."""
        now = self._monotonic()
        self._left = min(self._most, self._left + (now - self._then) * self._a_second)
        self._then = now
        return max(0, int(self._left))

    def spend(self) -> None:
        """Count one request."""
        self.left()
        self._left = max(-self._most, self._left - 1)
        self._spent_at.append(self._monotonic())

    def spent_last_hour(self) -> int:
        """Requests made in the last hour."""
        hour_ago = self._monotonic() - 3600
        while self._spent_at and self._spent_at[0] < hour_ago:
            self._spent_at.popleft()
        return len(self._spent_at)


class SiteWatch:
    """What polling knows of one site's side: its budget, its answers, its wish to be left alone."""

    def __init__(self, parliament: Parliament, budget: Budget) -> None:
        self.parliament = parliament
        self.budget = budget
        self.last_answer: datetime | None = None
        self.failing_since: datetime | None = None
        self.quiet_until = 0.0
        self._backoff = _FIRST_BACKOFF

    def heard(self, look: Look, now: datetime, monotonic: float) -> None:
        """Take note of an answer; 403, 429 and 503 speak for the whole site, others for a page."""
        if not isinstance(look, Unavailable):
            self.last_answer, self.failing_since = now, None
            self._backoff = _FIRST_BACKOFF
            return
        self.failing_since = self.failing_since or now
        if look.retry_after is not None:
            self.quiet_until = monotonic + min(look.retry_after, 3600.0)
        elif look.whole_site:
            self.quiet_until = monotonic + self._backoff
            self._backoff = min(self._backoff * 2, _LONGEST_BACKOFF)


class Poller:
    """Looks at followed petitions in turn, and commits what each look brings."""

    def __init__(
        self,
        parliaments: Iterable[Parliament],
        storage: Storage,
        now: Callable[[], datetime],
        *,
        interval: timedelta,
        requests_per_minute: int,
        rang: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watches = {
            parliament.site.id: SiteWatch(parliament, Budget(requests_per_minute, monotonic))
            for parliament in parliaments
        }
        self._storage = storage
        self._now = now
        self._interval = interval.total_seconds()
        self._rang = rang
        self._monotonic = monotonic
        self._looked: dict[PetitionRef, tuple[float, datetime]] = {}
        self._locks: WeakValueDictionary[PetitionRef, asyncio.Lock] = WeakValueDictionary()
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def tick(self) -> None:
        """Look at whatever is due, as far as each site's budget goes."""
        followed = await self._storage.followed()
        self._forget_unfollowed(followed)
        await asyncio.gather(*(self._look_safely(ref) for ref in self._plan(followed)))

    def _plan(self, followed: Iterable[PetitionRef]) -> list[PetitionRef]:
        moment = self._monotonic()
        looked = {ref: at for ref, (at, _) in self._looked.items()}
        planned: list[PetitionRef] = []
        for site, watch in self._watches.items():
            if moment < watch.quiet_until:
                continue
            here = (ref for ref in followed if ref.site == site)
            planned += due(here, looked, moment, self._interval, watch.budget.left())
        return planned

    def _forget_unfollowed(self, followed: Iterable[PetitionRef]) -> None:
        for ref in self._looked.keys() - set(followed):
            del self._looked[ref]

    async def _look_safely(self, ref: PetitionRef) -> None:
        """One petition's trouble is its own: it is logged, and the others go on."""
        async with self._at_once:
            try:
                await self.look(ref)
            except StorageError:
                log.exception("reading could not be kept", petition=str(ref))
            except Exception:
                log.exception("look failed", petition=str(ref))

    async def look(self, ref: PetitionRef, *, keep: bool = False) -> Sight:
        """Ask the site about a petition; what is followed (or to be kept) is committed.

        Looks at one petition never overlap, so an older body cannot come after a newer one.
        Raises StorageError if what was seen could not be kept.
        """
        watch = self._watches[ref.site]
        lock = self._locks.setdefault(ref, asyncio.Lock())
        async with lock:
            watch.budget.spend()
            look = await watch.parliament.look(ref.id)
            now = self._now()
            watch.heard(look, now, self._monotonic())
            self._looked[ref] = (self._monotonic(), now)
            known = await self._storage.known(ref)
            return await self._take_in(look, ref, known, now, keep=keep)

    async def _take_in(
        self, look: Look, ref: PetitionRef, known: Known | None, now: datetime, *, keep: bool
    ) -> Sight:
        match look:
            case Found(petition=petition) if known or keep:
                known = await self._commit(known, *observe(known, petition, now), now)
                return Sight(look, petition, now, known)
            case Found(petition=petition):
                return Sight(look, petition, now)
            case Gone() if known:
                known = await self._commit(known, *observe_gone(known, now), now)
            case Unavailable() | Unreadable():
                log.warning("no reading", petition=str(ref), reason=look.reason)
            case _:
                log.info("no reading", petition=str(ref), answer=type(look).__name__)
        if known is None:
            return Sight(look, None, now)
        return Sight(look, known.petition, known.read_at, known)

    async def _commit(
        self,
        before: Known | None,
        after: Known,
        occurrences: Sequence[Occurrence],
        now: datetime,
    ) -> Known:
        """Keep what changed; a look that brought nothing new costs no write."""
        if before is not None and not occurrences and _is_same(before, after):
            return before
        if await self._storage.commit_poll(after, occurrences, now):
            self._rang()
        for occurrence in occurrences:
            log.info("event", event_key=occurrence.key)
        return after

    def health(self, followed: Iterable[PetitionRef]) -> list[SiteHealth]:
        """How each site's side of things stands."""
        return [
            SiteHealth(
                site=watch.parliament.site,
                last_answer=watch.last_answer,
                failing_since=watch.failing_since,
                oldest_look=self._oldest_look(site, followed),
                requests_last_hour=watch.budget.spent_last_hour(),
            )
            for site, watch in self._watches.items()
        ]

    def _oldest_look(self, site: str, followed: Iterable[PetitionRef]) -> datetime | None:
        looks = [
            self._looked[ref][1] for ref in followed if ref.site == site and ref in self._looked
        ]
        return min(looks, default=None)

    def failing_since(self, site: str) -> datetime | None:
        """Since when a site has not been answering, or None if it does."""
        return self._watches[site].failing_since

    def sites(self) -> Mapping[str, Site]:
        """The sites that are polled, by their ids."""
        return {site: watch.parliament.site for site, watch in self._watches.items()}


def _is_same(before: Known, after: Known) -> bool:
    """Whether nothing worth a write changed: `updated_at` moves by itself."""
    unmoved = structs.replace(after.petition, updated_at=before.petition.updated_at)
    return structs.replace(after, read_at=before.read_at, petition=unmoved) == before
