"""Commits what looks bring: how a petition is now, and what happened to it, at once (shell)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import inf
from weakref import WeakValueDictionary

import structlog
from msgspec import structs

from bot.petitions import surge
from bot.petitions.events import Occurrence, Surged
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import caught_up, has_collapsed, observe, observe_surge
from bot.petitions.petition import Petition, PetitionRef
from bot.polling.outlook import Subject
from bot.polling.site_state import SiteState
from storage import Storage

log = structlog.get_logger(__name__)

# Seconds between two thorough looks at whether a petition surges: each reads a week of counts.
_SURGE_LOOKS_APART = 300.0


class Recorder:
    """The one place where readings become histories and are committed.

    Looks at one petition never overlap.
    """

    def __init__(
        self,
        sites: Mapping[str, SiteState],
        storage: Storage,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        *,
        on_deliveries: Callable[[], None],
        on_commit: Callable[[PetitionHistory, datetime], None],
    ) -> None:
        self._sites = sites
        self._storage = storage
        self._now = now
        self._monotonic = monotonic
        self._on_deliveries = on_deliveries
        self._on_commit = on_commit
        self._locks: WeakValueDictionary[PetitionRef, asyncio.Lock] = WeakValueDictionary()
        self._surge_looks: dict[PetitionRef, float] = {}

    def lock(self, ref: PetitionRef) -> asyncio.Lock:
        """Return the lock to be held from before a petition is read until that is committed."""
        return self._locks.setdefault(ref, asyncio.Lock())

    def in_work(self, site: SiteState) -> set[Subject]:
        """Return the petitions of a site that are being looked at or committed now."""
        name = site.api.site.id
        return {ref.id for ref, lock in self._locks.items() if ref.site == name and lock.locked()}

    def compare(
        self, site: SiteState, known: PetitionHistory | None, reading: Petition, now: datetime
    ) -> tuple[PetitionHistory, tuple[Occurrence, ...]]:
        """Compare a reading with what is known; return the new history, and what has happened.

        Of a petition that was not watched, only what happened since rules began to listen counts.
        """
        if known is not None:
            reading = self._doubted(site, known.petition, reading)
        since = site.watchlist.since(now)
        if since and site.watchlist.is_newly_met(reading.ref.id, known):
            known = caught_up(known, reading, since)
        return observe(known, reading, now)

    def _doubted(self, site: SiteState, last: Petition, reading: Petition) -> Petition:
        """Return the reading, with the last count in place of a collapsed one that is seen once."""
        id_ = last.ref.id
        if not has_collapsed(last, reading):
            site.collapsed.discard(id_)
            return reading
        if id_ in site.collapsed:
            site.collapsed.discard(id_)
            return reading
        site.collapsed.add(id_)
        return structs.replace(reading, signature_count=last.signature_count)

    async def commit(
        self,
        before: PetitionHistory | None,
        after: PetitionHistory,
        occurrences: Sequence[Occurrence],
        now: datetime,
    ) -> PetitionHistory:
        """Keep what changed; a look that brought nothing new costs no write."""
        watchlist = self._sites[after.petition.ref.site].watchlist
        is_newly_met = watchlist.is_newly_met(after.petition.ref.id, before)
        if before and not is_newly_met and not occurrences and _is_same(before, after):
            return before
        if surged := await self._surge(before, after, now):
            after, occurrence = observe_surge(after, surged, now)
            occurrences = [*occurrences, occurrence]
        if await self._storage.commit_poll(after, occurrences, now):
            self._on_deliveries()
        watchlist.note(after)
        self._sites[after.petition.ref.site].note_name(after.petition)
        self._on_commit(after, now)
        for occurrence in occurrences:
            log.info("event", event_key=occurrence.key)
        return after

    async def _surge(
        self, before: PetitionHistory | None, after: PetitionHistory, now: datetime
    ) -> Surged | None:
        """Find the surge that a rise is part of, if it is; for hardly any rise counts are read."""
        petition = after.petition
        if before is None or petition.signature_count <= before.petition.signature_count:
            return None
        prospect = self._sites[petition.ref.site].outlook.prospects.get(petition.ref.id)
        is_slow = prospect is None or prospect.pace * 3600 < surge.LEAST / 2
        if is_slow or not surge.may_surge(after, now):
            return None
        moment = self._monotonic()
        if moment - self._surge_looks.get(petition.ref, -inf) < _SURGE_LOOKS_APART:
            return None
        self._surge_looks[petition.ref] = moment
        since = now - surge.LOOKS_BACK - surge.HOUR
        return surge.surge(after, await self._storage.readings(petition.ref, since), now)


def _is_same(before: PetitionHistory, after: PetitionHistory) -> bool:
    """Return whether nothing worth a write changed: `updated_at` moves by itself."""
    unmoved = structs.replace(after.petition, updated_at=before.petition.updated_at)
    return structs.replace(after, read_at=before.read_at, petition=unmoved) == before
