"""The reader of what tells of petitions besides their own bodies: counts and lists (shell)."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from bot.errors import StorageError
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import is_news, observe, with_counts
from bot.petitions.parse import Page
from bot.petitions.petition import Counts, Petition, PetitionId, PetitionRef
from bot.polling.petition_looks import PetitionLooks
from bot.polling.recorder import Recorder
from bot.polling.site_lists import TRENDING, ListPage
from bot.polling.site_state import SiteState
from storage import Storage

log = structlog.get_logger(__name__)


class ListReader:
    """The reader of counts and lists, whose numbers are committed.

    Where they tell of anything else, the petition's own body is looked at soon.
    """

    def __init__(
        self,
        recorder: Recorder,
        looks: PetitionLooks,
        storage: Storage,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._recorder = recorder
        self._looks = looks
        self._storage = storage
        self._now = now
        self._monotonic = monotonic

    async def read_counts(self, site: SiteState, ref: PetitionRef) -> None:
        """Ask for a petition's `count.json`, and commit what its numbers bring."""
        async with self._recorder.lock(ref):
            counts = await site.answer_to(site.api.counts(ref.id), self._now)
            site.wait_ended(ref.id, self._monotonic(), answered=counts is not None)
            known = await self._storage.history(ref)
            moment = self._monotonic()
            is_newly_met = site.watchlist.is_newly_met(ref.id, known)
            if counts is None or known is None or is_newly_met or not known.petition.is_open:
                site.outlook.saw_numbers(ref.id, None, moment, answered=counts is not None)
                return
            suspect = is_news(known.petition, counts)
            petition = await self._commit_numbers(known, counts)
            site.outlook.saw_numbers(ref.id, petition, moment, suspect=suspect)

    async def read_page(self, site: SiteState, request: ListPage) -> None:
        """Ask for a page of a list, and commit what its rows bring."""
        if request == TRENDING:
            await self._read_trending(site)
            return
        page: Page | None = await site.answer_to(
            site.api.page(request.facet, number=request.number), self._now
        )
        moment = self._monotonic()
        site.wait_ended(request, moment, answered=page is not None)
        if page is None:
            site.outlook.failed_page(request, moment)
            return
        site.saw_dated(page.petitions, self._now(), moment)
        site.saw_departments(page.petitions)
        is_named = await self._looks.learn_names(site, await self._opened_unmet(site, page))
        rows = {row.ref.id: row for row in map(site.as_known, page.petitions)}
        counts = {id_: row.signature_count for id_, row in rows.items()}
        site.outlook.saw_page(request, counts, moment, is_last=page.next is None)
        # A petition that is being looked at will tell by itself; waiting for it may take too long.
        busy, is_ruled = self._recorder.in_work(site), site.watchlist.is_ruled
        prospects = site.outlook.prospects.keys()
        heard = (rows.keys() if is_ruled and is_named else prospects) - busy
        watched = [row for id_, row in rows.items() if id_ in heard]
        await asyncio.gather(*(self._take_in_row_safely(site, row) for row in watched))

    async def _read_trending(self, site: SiteState) -> None:
        trending = await site.answer_to(site.api.trending(), self._now)
        site.wait_ended(TRENDING, self._monotonic(), answered=trending is not None)
        if trending is None:
            site.outlook.failed_page(TRENDING, self._monotonic())
            return
        hours = site.api.description.trending_hours
        last_hour = {
            site.known_as(one.petition).id: one.signatures_lately // hours for one in trending
        }
        site.outlook.saw_trending(last_hour, self._monotonic())

    async def _take_in_row_safely(self, site: SiteState, row: Petition) -> None:
        """Take in one row; where that fails, hurry a look at its petition instead."""
        try:
            await self._take_in_row(site, row)
        except StorageError:
            raise
        except Exception as error:
            site.own_faults.failed(type(error).__name__, petition=str(row.ref), exc_info=True)
            site.outlook.hurry(row.ref.id, self._monotonic())

    async def _take_in_row(self, site: SiteState, row: Petition) -> None:
        """Take in a list's numbers; for anything else it tells anew, hurry a look at the petition.

        A petition's own body comes through a cache and lists do not: were words taken from both, an
        older body would seem to take back what the list had just told.
        """
        async with self._recorder.lock(row.ref):
            known = await self._storage.history(row.ref)
            if site.watchlist.is_ruled and self._is_unwatched(site, row.ref.id, known):
                # Taken at its word: no other body was read lately that it could contradict.
                now = self._now()
                after = await self._recorder.commit(
                    known, *self._recorder.compare(site, known, row, now), now
                )
                site.outlook.saw_listed(
                    after.petition, self._monotonic(), suspect=False, updated_at=row.updated_at
                )
                return
            if known is None:
                return
            asks_one_at_a_time = known.removed or bool(known.gone_looks)
            suspect = asks_one_at_a_time or is_news(known.petition, row)
            petition = known.petition
            if row.is_open and petition.is_open and not asks_one_at_a_time:
                petition = await self._commit_numbers(known, row)
            site.outlook.saw_listed(
                petition, self._monotonic(), suspect=suspect, updated_at=row.updated_at
            )

    def _is_unwatched(
        self, site: SiteState, id_: PetitionId, known: PetitionHistory | None
    ) -> bool:
        is_planned = id_ in site.outlook.prospects or id_ in site.watchlist.followers
        return not is_planned or site.watchlist.is_newly_met(id_, known)

    async def _commit_numbers(self, known: PetitionHistory, numbers: Counts | Petition) -> Petition:
        now = self._now()
        told = with_counts(known.petition, numbers)
        if told == known.petition:
            return told
        return (await self._recorder.commit(known, *observe(known, told, now), now)).petition

    async def _opened_unmet(self, site: SiteState, page: Page) -> list[PetitionRef]:
        """Return a page's petitions whose opening is news to rules, and that are not known yet."""
        since = site.watchlist.since(self._now())
        if since is None or not site.api.description.ids.prefixes:
            return []
        opened = [row.ref for row in page.petitions if row.opened_at and row.opened_at >= since]
        return [ref for ref in opened if await self._storage.history(ref) is None]
