"""Looks at a petition by its own address, for the plan or for somebody who asks (shell)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import structlog
from cachetools import TTLCache
from msgspec import structs

from bot.errors import MalformedPetition, ParliamentError
from bot.messages.i18n import LANGUAGES, language
from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import (
    is_lastingly_missing,
    observe_gone,
    observe_missing,
    observe_removed,
    observe_unpublished,
    unpublished,
)
from bot.petitions.parse import Page
from bot.petitions.petition import Petition, PetitionRef, Unpublication, Wording
from bot.polling.budget import asking_for
from bot.polling.lookup import LookupResult
from bot.polling.petitions_api import (
    Found,
    Gone,
    Look,
    NotFound,
    NotModified,
    Unavailable,
    Unpublished,
    Unreadable,
)
from bot.polling.recorder import Recorder
from bot.polling.site_state import SiteState
from storage import Storage

log = structlog.get_logger(__name__)

# A host in another language that gave no answer is not asked again for so many seconds.
_MOST_UNWORDED, _UNWORDED_FOR = 10_000, 600.0


class PetitionLooks:
    """The looks at petitions' own bodies, which commit what is followed or to be kept."""

    def __init__(
        self,
        sites: Mapping[str, SiteState],
        recorder: Recorder,
        storage: Storage,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._sites = sites
        self._recorder = recorder
        self._storage = storage
        self._now = now
        self._monotonic = monotonic
        self._unworded: TTLCache[PetitionRef, bool] = TTLCache(
            _MOST_UNWORDED, _UNWORDED_FOR, monotonic
        )

    async def look(self, ref: PetitionRef, *, keep: bool = False) -> LookupResult:
        """Ask the site about a petition; what is followed (or to be kept) is committed.

        What was seen within the minute is shown again, and where the site is not to be asked now,
        what is known. Looks at one petition never overlap, so an older body cannot come after a
        newer one. Raises StorageError if what was seen could not be kept.
        """
        site = self._sites[ref.site]
        if await self._storage.history(ref) is None:
            await self.learn_names(site, [ref], asks=keep)
        ref = site.known_as(ref)
        if ref in site.recent_lookups:
            return await self._seen_again(site, ref, site.recent_lookups[ref], keep=keep)
        if unasked := site.unasked(asking_for.get(), self._monotonic()):
            known = await self._storage.history(ref)
            if known is None:
                return LookupResult(unasked, None, self._now())
            return LookupResult(unasked, known.petition, known.read_at, known)
        site.budget.spend_for(asking_for.get())
        result = await self.look_at(site, ref, keep=keep, for_somebody=True)
        if (known_as := site.known_as(ref)) != ref:
            site.budget.spend_for(asking_for.get())
            result = await self.look_at(site, ref := known_as, keep=keep, for_somebody=True)
        site.recent_lookups[ref] = result
        return result

    async def learn_names(
        self, site: SiteState, met: Iterable[PetitionRef], *, asks: bool = True
    ) -> bool:
        """Learn the old numbers of petitions met for the first time; return whether they are known.

        One may be followed by the number it had before it was published. What waits for that is
        looked at first, where it `asks`, so that its opening is told once; what is silent twice, or
        cannot be asked, is not waited for.
        """
        ids, name = site.api.description.ids, site.api.site.id
        if not any(ids.changes_to(ref.id) and ref.id not in site.first_numbers for ref in met):
            return True
        is_all_heard = True
        for ref in await self._storage.followed():
            if ref.site != name or ids.is_for_good(ref.id):
                continue
            known = await self._storage.history(ref)
            if known:
                site.note_name(known.petition)
            if not asks or known is None or not known.petition.is_unpublished:
                continue
            if await self._is_silent(site, ref):
                is_all_heard = is_all_heard and ref.id in site.unanswered_renames
                site.unanswered_renames.add(ref.id)
            else:
                site.unanswered_renames.discard(ref.id)
        return is_all_heard

    async def _is_silent(self, site: SiteState, ref: PetitionRef) -> bool:
        """Look at a petition; return whether that brought nothing, or may not be done now."""
        if site.budget.left() <= 0 or self._monotonic() < site.quiet_until:
            return True
        site.budget.spend()
        result = await self.look_at(site, ref)
        return isinstance(result.look, Unavailable | Unreadable)

    async def _seen_again(
        self, site: SiteState, ref: PetitionRef, result: LookupResult, *, keep: bool
    ) -> LookupResult:
        """Return what was seen lately, with what has become known since."""
        async with self._recorder.lock(ref):
            known = await self._storage.history(ref)
            if isinstance(result.look, Found) and (known or keep):
                if known is None:
                    taken = self._recorder.compare(
                        site, known, result.look.petition, result.read_at
                    )
                    known = await self._recorder.commit(known, *taken, result.read_at)
                petition = _with_breakdowns(known.petition, result.look.petition)
                return LookupResult(
                    result.look, petition, max(result.read_at, known.read_at), known
                )
            if isinstance(result.look, Unpublished) and known is None and keep:
                known = await self._begin_unpublished(site, ref, result.look, result.read_at)
        if known is None:
            return result
        return LookupResult(result.look, known.petition, known.read_at, known)

    async def look_at(
        self,
        site: SiteState,
        ref: PetitionRef,
        *,
        since: datetime | None = None,
        keep: bool = False,
        for_somebody: bool = False,
    ) -> LookupResult:
        """Ask for a petition's own body, changed `since` then if that is set, and commit it."""
        async with self._recorder.lock(ref):
            asked_at = self._monotonic()
            before = await self._storage.history(ref)
            has_archive = site.api.description.has("archive")
            if has_archive and before is not None and before.petition.archived:
                look = await site.api.archived_look(ref.id, since=since)
            else:
                look = await site.api.look(ref.id, since=since)
            now, moment = self._now(), self._monotonic()
            site.wait_ended(ref.id, moment, answered=not isinstance(look, Unavailable))
            site.heard(look, now, moment, asked_at=asked_at, asked_for_somebody=for_somebody)
            known = await self._storage.history(ref)
            look = self._with_fresher_count(site, look, known)
            look = await self._worded(site, look, known, keep=keep)
            if isinstance(look, Found) and known is None and look.petition.called:
                # Met by a number that it had before: it is known by the one that it has for good.
                site.first_numbers[ref.id] = look.petition.called
                return LookupResult(look, look.petition, now)
            match look:
                case Found():
                    site.saw_whole(look, now, moment)
                case Gone():
                    is_first = known is not None and not known.removed and not known.gone_looks
                    site.outlook.saw_nothing_new(ref.id, moment, suspect=is_first)
                case Unavailable() | Unreadable():
                    site.outlook.saw_nothing_new(ref.id, moment, answered=False)
                case _:
                    site.outlook.saw_nothing_new(ref.id, moment)
            try:
                return await self._take_in(site, look, ref, known, now, keep=keep)
            except BaseException:
                site.outlook.ask_whole_again(ref.id)
                raise

    def _with_fresher_count(
        self, site: SiteState, look: Look, known: PetitionHistory | None
    ) -> Look:
        """Return the look, its count no lower than a fresher body told, which a cache may lag."""
        if not isinstance(look, Found) or known is None:
            return look
        if not site.outlook.is_ahead(known.petition.ref.id, self._monotonic()):
            return look
        count = max(look.petition.signature_count, known.petition.signature_count)
        return structs.replace(look, petition=structs.replace(look.petition, signature_count=count))

    async def _worded(
        self, site: SiteState, look: Look, known: PetitionHistory | None, *, keep: bool
    ) -> Look:
        """Return the look with texts in the site's other language, if readers have that.

        They are asked for when what is written has changed. Failing that says nothing of the site.
        """
        api = site.api
        if not (isinstance(look, Found) and api.site.other_url):
            return look
        petition, before = look.petition, known.petition if known else None
        if before and before.wordings and before.says_the_same(petition):
            return _found_with(look, before.wordings)
        spoken = api.description.hosts[-1].language
        is_wanted = spoken in LANGUAGES and (known or keep or language() == spoken)
        if not is_wanted or petition.ref in self._unworded:
            return look
        try:
            site.budget.spend()
            wording = await api.wording(petition.ref.id)
        except (ParliamentError, MalformedPetition) as error:
            log.debug("no texts in the other language", petition=str(petition.ref), why=str(error))
            self._unworded[petition.ref] = True
            return look
        return _found_with(look, (wording,))

    async def _take_in(
        self,
        site: SiteState,
        look: Look,
        ref: PetitionRef,
        known: PetitionHistory | None,
        now: datetime,
        *,
        keep: bool,
    ) -> LookupResult:
        match look:
            case Found(petition=petition) if known or keep:
                known = await self._recorder.commit(
                    known, *self._recorder.compare(site, known, petition, now), now
                )
                return LookupResult(look, petition, now, known)
            case Found(petition=petition):
                return LookupResult(look, petition, now)
            case Gone() if known:
                known = await self._gone(site, known, now)
            case Unpublished(reason=reason) if known and known.petition.is_unpublished:
                known = await self._still_unpublished(known, reason, now)
                return LookupResult(look, known.petition, now, known)
            case Unpublished() if keep:
                known = await self._begin_unpublished(site, ref, look, now)
            case NotFound() if known and known.petition.is_unpublished:
                known = await self._still_unpublished(known, "hidden", now)
            case NotFound() if known and site.api.description.removal == "missing":
                known = await self._missing(site, known, now)
            case Unavailable() | Unreadable():
                log.debug("petition not read", petition=str(ref), reason=str(look.reason))
            case NotModified():
                pass
            case _:
                log.debug("petition not read", petition=str(ref), answer=type(look).__name__)
        if known is None:
            return LookupResult(look, None, now)
        return LookupResult(look, known.petition, known.read_at, known)

    async def _gone(
        self, site: SiteState, before: PetitionHistory, now: datetime
    ) -> PetitionHistory:
        """Keep that a petition is said to be taken down, if the site's list still answers."""
        known, occurrences = observe_gone(before, now)
        if known.removed and not before.removed and await self._page_of_everything(site) is None:
            return before
        return await self._commit_absence(site, before, known, occurrences, now)

    async def _missing(
        self, site: SiteState, before: PetitionHistory, now: datetime
    ) -> PetitionHistory:
        """Keep that a petition is missing.

        Once that has lasted, and the site shows others, it is known to have been taken down.
        """
        known = observe_missing(before, now)
        occurrences: Sequence[Occurrence] = ()
        if is_lastingly_missing(known, now):
            page = await self._page_of_everything(site)
            if page and page.petitions:
                known, occurrences = observe_removed(known, now)
        return await self._commit_absence(site, before, known, occurrences, now)

    async def _page_of_everything(self, site: SiteState) -> Page | None:
        """Ask for the list of all petitions; None if that is not answered either."""
        site.budget.spend()
        everything = site.api.description.lists.everything
        return await site.answer_to(site.api.page(everything), self._now)

    async def _commit_absence(
        self,
        site: SiteState,
        before: PetitionHistory,
        known: PetitionHistory,
        occurrences: Sequence[Occurrence],
        now: datetime,
    ) -> PetitionHistory:
        """Commit that a petition is not there, which is no news of one that was only just met."""
        is_newly_met = site.watchlist.is_newly_met(known.petition.ref.id, before)
        return await self._recorder.commit(before, known, () if is_newly_met else occurrences, now)

    async def _begin_unpublished(
        self, site: SiteState, ref: PetitionRef, look: Unpublished, now: datetime
    ) -> PetitionHistory | None:
        """Keep a petition that may be published yet; None for one that never will be."""
        if look.reason == "stopped":
            return None
        petition = unpublished(ref, site.api.site, look.reason)
        return await self._recorder.commit(None, PetitionHistory(petition, now), (), now)

    async def _still_unpublished(
        self, known: PetitionHistory, state: Unpublication, now: datetime
    ) -> PetitionHistory:
        return await self._recorder.commit(known, *observe_unpublished(known, state, now), now)


def _found_with(look: Found, wordings: tuple[Wording, ...]) -> Found:
    return structs.replace(look, petition=structs.replace(look.petition, wordings=wordings))


def _with_breakdowns(petition: Petition, body: Petition) -> Petition:
    """Return a petition with the places that only a body of its own tells."""
    return structs.replace(
        petition,
        signatures_by_constituency=body.signatures_by_constituency,
        signatures_by_region=body.signatures_by_region,
        signatures_by_country=body.signatures_by_country,
    )
