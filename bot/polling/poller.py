"""One cycle: plan -> fetch -> diff -> match -> one commit; and single looks for whoever asks."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, islice
from math import inf
from random import SystemRandom
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog
from cachetools import TTLCache
from msgspec import structs

from bot.errors import (
    MalformedPetition,
    ParliamentError,
    ParliamentUnasked,
    ParliamentUnavailable,
    StorageError,
)
from bot.messages.chat.status import SiteHealth
from bot.messages.i18n import LANGUAGES, language
from bot.petitions import surge
from bot.petitions.events import Occurrence, Surged
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import (
    caught_up,
    has_collapsed,
    is_lastingly_missing,
    is_news,
    observe,
    observe_gone,
    observe_missing,
    observe_removed,
    observe_surge,
    observe_unpublished,
    unpublished,
    with_counts,
)
from bot.petitions.parse import Page
from bot.petitions.petition import (
    Counts,
    Department,
    Petition,
    PetitionId,
    PetitionRef,
    Site,
    Unpublication,
    Wording,
)
from bot.petitions.reminders import ReminderSchedule, due, next_moment, wants_readings
from bot.polling.budget import Budget, asking_for
from bot.polling.clocks import SiteClock
from bot.polling.lookup import LookupResult
from bot.polling.petitions_api import (
    Found,
    Gone,
    Look,
    NotFound,
    NotModified,
    PetitionsApi,
    Unavailable,
    Unpublished,
    Unreadable,
    is_whole_site,
    unreadable,
)
from bot.polling.planner import (
    TRENDING,
    Limits,
    ListPage,
    Matter,
    Numbers,
    Request,
    SiteLists,
    Whole,
    about,
)
from bot.polling.site_state import SiteState
from bot.polling.watchlist import survey
from storage import Storage

log = structlog.get_logger(__name__)

_T = TypeVar("_T")

_chance = SystemRandom().random

_AT_ONCE = 4

# Seconds that what is being asked may still take when we have to end.
_FAREWELL = 2.0

# Reading everything known at a start would hold up everybody else; a second's tick takes so many.
_LEARNED_A_TICK = 250

# Who follows how much, and where rules listen, is asked again after so many seconds.
_SURVEYED_EVERY = 10.0

# Nobody's first looks wait longer than so many seconds for those of other instances.
_LONGEST_PHASE = 10.0

# Many petitions have a moment in common, and each is a write.
_REMINDED_A_TICK = 50
_REMINDED_LATER = timedelta(seconds=1)
_REMINDED_UNSEEN = 300.0  # seconds

# How far back a forecast looks.
_LATELY = timedelta(days=60)

# Seconds for which a look counts as old whose age nobody knows.
_AGE_UNKNOWN = 86_400.0

# A host in another language that gave no answer is not asked again for so many seconds.
_MOST_UNWORDED, _UNWORDED_FOR = 10_000, 600.0

# Seconds between two thorough looks at whether a petition surges: each reads a week of counts.
_SURGE_LOOKS_APART = 300.0


class Poller:
    """Asks what the plan says, and commits what each answer brings."""

    def __init__(
        self,
        parliaments: Iterable[PetitionsApi],
        storage: Storage,
        now: Callable[[], datetime],
        *,
        interval: timedelta,
        requests_per_minute: int,
        rang: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = _chance,
    ) -> None:
        limits = Limits(interval.total_seconds(), requests_per_minute)
        self._watches = {
            parliament.site.id: SiteState(
                parliament,
                Budget(requests_per_minute, monotonic),
                limits,
                jitter,
                monotonic,
                name=parliament.site.id,
                lists=SiteLists.of(parliament.description),
            )
            for parliament in parliaments
        }
        for watch in self._watches.values():
            watch.parliament.keep_lists(watch.lists, watch.budget.spend)
        self._storage = storage
        self._now = now
        self._rang = rang
        self._monotonic = monotonic
        self._locks: WeakValueDictionary[PetitionRef, asyncio.Lock] = WeakValueDictionary()
        self._diary = ReminderSchedule()
        self._to_note: list[PetitionRef] = []
        self._noticed: dict[PetitionRef, float] = {}
        self._surge_looks: dict[PetitionRef, float] = {}
        self._unworded: TTLCache[PetitionRef, bool] = TTLCache(
            _MOST_UNWORDED, _UNWORDED_FOR, monotonic
        )
        self._surveyed_at = -inf
        self._started_at = monotonic()
        phase = jitter() * min(_LONGEST_PHASE, interval.total_seconds() / 6)
        self._begins_at = monotonic() + phase
        self._is_ending = False

    async def tick(self) -> None:
        """Begin to ask whatever is worth asking now, without waiting for the answers."""
        await self._note_anew()
        await self._remind_of_due()
        followed = await self._storage.followed()
        await self._survey()
        for site, watch in self._watches.items():
            ids = [ref.id for ref in followed if ref.site == site]
            watch.outlook.follow_only(watch.interest.watched(ids))
            await self._learn(watch, ids)
            self._make_room(watch)
            self._ask(watch)

    async def _survey(self) -> None:
        """Take note of who follows how much, and of where rules listen."""
        moment = self._monotonic()
        if moment - self._surveyed_at < _SURVEYED_EVERY:
            return
        self._surveyed_at = moment
        interests = {site: watch.interest for site, watch in self._watches.items()}
        await survey(self._storage, interests, self._now())
        for watch in self._watches.values():
            watch.outlook.listen(for_rules=watch.interest.is_ruled)
            watch.outlook.weigh(watch.interest.followers, watch.interest.custom_milestones)

    def _make_room(self, watch: SiteState) -> None:
        """Where every place is taken, end what hangs; next time it may wait as long as it likes."""
        if len(watch.in_flight) < _AT_ONCE:
            return
        for matter in watch.hanging(self._monotonic()):
            if not watch.outlook.is_silent(matter):
                watch.in_flight[matter].cancel()

    def _ask(self, watch: SiteState) -> None:
        """Fill a site's free places with what is worth asking, as far as its budget goes."""
        if self._is_ending or self._is_quiet(watch) or self._monotonic() < self._begins_at:
            return
        at_once = 1 if watch.is_doubtful else _AT_ONCE
        free = min(watch.budget.left(), at_once - len(watch.in_flight))
        asked = self._being_looked_at(watch) | watch.in_flight.keys()
        for request in watch.outlook.plan(free, self._monotonic(), asked):
            watch.budget.spend()
            task = asyncio.create_task(self._carry_out_safely(watch, request))
            watch.in_flight[about(request)] = task
            watch.asked(about(request), self._monotonic())
            task.add_done_callback(partial(self._ended, watch, about(request)))

    def _ended(self, watch: SiteState, matter: Matter, _: asyncio.Task[None]) -> None:
        del watch.in_flight[matter]
        watch.unanswered_since.pop(matter, None)
        self._ask(watch)

    def _being_looked_at(self, watch: SiteState) -> set[Matter]:
        site = watch.parliament.site.id
        return {ref.id for ref, lock in self._locks.items() if ref.site == site and lock.locked()}

    async def drain(self, patience: float = _FAREWELL) -> None:
        """Begin nothing until what is in flight has ended; after `patience` seconds, end it."""
        self._is_ending = True
        try:
            if tasks := [task for w in self._watches.values() for task in w.in_flight.values()]:
                _, late = await asyncio.wait(tasks, timeout=patience)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)
        finally:
            self._is_ending = False

    def _is_quiet(self, watch: SiteState) -> bool:
        return self._monotonic() < watch.quiet_until

    async def _learn(self, watch: SiteState, followed: Sequence[PetitionId]) -> None:
        """Take up what is watched newly, or since before the start, as it was last read."""
        ids = dict.fromkeys(chain(followed, watch.interest.watched(())))
        new = (id_ for id_ in ids if id_ not in watch.outlook.prospects)
        theirs = set(followed)
        for id_ in islice(new, _LEARNED_A_TICK):
            ref = PetitionRef(watch.parliament.site.id, id_)
            known = await self._storage.history(ref)
            if known and (id_ in theirs or not watch.interest.leaves_out(known)):
                self._begin(watch, known, is_followed=id_ in theirs)

    def _begin(self, watch: SiteState, known: PetitionHistory, *, is_followed: bool) -> None:
        now, moment = self._now(), self._monotonic()
        ref = known.petition.ref
        watch.note_name(known.petition)
        read_at = moment - _age(known, now)
        # Who is followed since the last survey is followed by one at least.
        followers = max(watch.interest.followers.get(ref.id, 0), is_followed)
        custom_milestones = watch.interest.custom_milestones.get(ref.id, ())
        watch.outlook.learn(
            known.petition, moment, read_at, now, followers, custom_milestones=custom_milestones
        )
        if is_followed or not watch.interest.is_strange(ref.id, known):
            self._diary.note(ref, next_moment(known))

    async def _carry_out_safely(self, watch: SiteState, request: Request) -> None:
        """One request's trouble is its own: it is logged, and the others go on."""
        try:
            await self._carry_out(watch, request)
        except asyncio.CancelledError:
            watch.outlook.failed(request, self._monotonic())
            raise
        except StorageError as error:
            log.debug("reading could not be kept", request=str(request), reason=str(error))
            watch.outlook.failed(request, self._monotonic())
        except Exception as error:
            watch.own_faults.failed(type(error).__name__, request=str(request), exc_info=True)
            watch.outlook.failed(request, self._monotonic())
        else:
            watch.own_faults.recovered()

    async def _carry_out(self, watch: SiteState, request: Request) -> None:
        match request:
            case Whole(id=id_, since=since):
                await self._look(watch, PetitionRef(watch.parliament.site.id, id_), since=since)
            case Numbers(id=id_):
                await self._read_counts(watch, PetitionRef(watch.parliament.site.id, id_))
            case ListPage():
                await self._read_page(watch, request)

    # --- a petition's own body

    async def look(self, ref: PetitionRef, *, keep: bool = False) -> LookupResult:
        """Ask the site about a petition; what is followed (or to be kept) is committed.

        What was seen within the minute is shown again, and where the site is not to be asked now,
        what is known. Looks at one petition never overlap, so an older body cannot come after a
        newer one. Raises StorageError if what was seen could not be kept.
        """
        watch = self._watches[ref.site]
        if keep and await self._storage.history(ref) is None:
            await self._learn_names(watch, [ref])
        ref = watch.known_as(ref)
        if ref in watch.sights:
            return await self._seen_again(watch, ref, watch.sights[ref], keep=keep)
        if unasked := watch.unasked(asking_for.get(), self._monotonic()):
            known = await self._storage.history(ref)
            if known is None:
                return LookupResult(unasked, None, self._now())
            return LookupResult(unasked, known.petition, known.read_at, known)
        watch.budget.spend_for(asking_for.get())
        sight = await self._look(watch, ref, keep=keep, for_somebody=True)
        if (known_as := watch.known_as(ref)) != ref:
            watch.budget.spend_for(asking_for.get())
            sight = await self._look(watch, ref := known_as, keep=keep, for_somebody=True)
        watch.sights[ref] = sight
        return sight

    async def _learn_names(self, watch: SiteState, met: Iterable[PetitionRef]) -> bool:
        """Whether it is known of petitions that are met for the first time what they were called.

        One may be followed by the number it had before it was published: whoever waits for that is
        looked at first, so that its opening is told once. What is silent twice is not waited for.
        """
        ids, site = watch.parliament.description.ids, watch.parliament.site.id
        if not any(ids.changes_to(ref.id) and ref.id not in watch.renamed for ref in met):
            return True
        is_all_heard = True
        for ref in await self._storage.followed():
            if ref.site != site or ids.is_for_good(ref.id):
                continue
            known = await self._storage.history(ref)
            if known:
                watch.note_name(known.petition)
            if known and known.petition.is_unpublished and not self._is_quiet(watch):
                watch.budget.spend()
                sight = await self._look(watch, ref)
                if isinstance(sight.look, Unavailable | Unreadable):
                    is_all_heard = is_all_heard and ref.id in watch.unheard
                    watch.unheard.add(ref.id)
                else:
                    watch.unheard.discard(ref.id)
        return is_all_heard

    async def _seen_again(
        self, watch: SiteState, ref: PetitionRef, sight: LookupResult, *, keep: bool
    ) -> LookupResult:
        """What was seen lately, with what has become known since."""
        async with self._lock(ref):
            known = await self._storage.history(ref)
            if isinstance(sight.look, Found) and (known or keep):
                if known is None:
                    taken = self._taken(watch, known, sight.look.petition, sight.read_at)
                    known = await self._commit(known, *taken, sight.read_at)
                petition = _with_breakdowns(known.petition, sight.look.petition)
                return LookupResult(sight.look, petition, max(sight.read_at, known.read_at), known)
            if isinstance(sight.look, Unpublished) and known is None and keep:
                known = await self._begin_unpublished(watch, ref, sight.look, sight.read_at)
        if known is None:
            return sight
        return LookupResult(sight.look, known.petition, known.read_at, known)

    async def _look(
        self,
        watch: SiteState,
        ref: PetitionRef,
        *,
        since: datetime | None = None,
        keep: bool = False,
        for_somebody: bool = False,
    ) -> LookupResult:
        async with self._lock(ref):
            asked_at = self._monotonic()
            before = await self._storage.history(ref)
            has_archive = watch.parliament.description.has("archive")
            if has_archive and before is not None and before.petition.archived:
                look = await watch.parliament.archived_look(ref.id, since=since)
            else:
                look = await watch.parliament.look(ref.id, since=since)
            now, moment = self._now(), self._monotonic()
            watch.came(ref.id, moment, answered=not isinstance(look, Unavailable))
            watch.heard(look, now, moment, asked_at=asked_at, asked_for_somebody=for_somebody)
            known = await self._storage.history(ref)
            look = self._settled(watch, look, known)
            look = await self._worded(watch, look, known, keep=keep)
            if isinstance(look, Found) and known is None and look.petition.called:
                # Met by a number that it had before: it is known by the one that it has for good.
                watch.renamed[ref.id] = look.petition.called
                return LookupResult(look, look.petition, now)
            match look:
                case Found():
                    watch.saw_whole(look, now, moment)
                case Gone():
                    is_first = known is not None and not known.removed and not known.gone_looks
                    watch.outlook.saw_nothing(ref.id, moment, suspect=is_first)
                case Unavailable() | Unreadable():
                    watch.outlook.saw_nothing(ref.id, moment, answered=False)
                case _:
                    watch.outlook.saw_nothing(ref.id, moment)
            try:
                return await self._take_in(watch, look, ref, known, now, keep=keep)
            except BaseException:
                watch.outlook.lost(ref.id)
                raise

    def _taken(
        self, watch: SiteState, known: PetitionHistory | None, reading: Petition, now: datetime
    ) -> tuple[PetitionHistory, tuple[Occurrence, ...]]:
        """What is known now, and what happened: since we began to listen, if it was not watched."""
        if known is not None:
            reading = self._doubted(watch, known.petition, reading)
        since = watch.interest.since(now)
        if since and watch.interest.is_strange(reading.ref.id, known):
            known = caught_up(known, reading, since)
        return observe(known, reading, now)

    def _doubted(self, watch: SiteState, last: Petition, reading: Petition) -> Petition:
        """The reading, with the count as it was where that has collapsed and is seen so once."""
        id_ = last.ref.id
        if not has_collapsed(last, reading):
            watch.collapsed.discard(id_)
            return reading
        if id_ in watch.collapsed:
            watch.collapsed.discard(id_)
            return reading
        watch.collapsed.add(id_)
        return structs.replace(reading, signature_count=last.signature_count)

    def _lock(self, ref: PetitionRef) -> asyncio.Lock:
        return self._locks.setdefault(ref, asyncio.Lock())

    def _settled(self, watch: SiteState, look: Look, known: PetitionHistory | None) -> Look:
        """The look with a count no lower than a fresher body just told, which a cache may lag."""
        if not isinstance(look, Found) or known is None:
            return look
        if not watch.outlook.is_ahead(known.petition.ref.id, self._monotonic()):
            return look
        count = max(look.petition.signature_count, known.petition.signature_count)
        return structs.replace(look, petition=structs.replace(look.petition, signature_count=count))

    async def _worded(
        self, watch: SiteState, look: Look, known: PetitionHistory | None, *, keep: bool
    ) -> Look:
        """The look, with the petition's texts in the site's other language, if readers have it.

        They are asked for when what is written has changed. Failing that says nothing of the site.
        """
        api = watch.parliament
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
            watch.budget.spend()
            wording = await api.wording(petition.ref.id)
        except (ParliamentError, MalformedPetition) as error:
            log.debug("no texts in the other language", petition=str(petition.ref), why=str(error))
            self._unworded[petition.ref] = True
            return look
        return _found_with(look, (wording,))

    async def _take_in(
        self,
        watch: SiteState,
        look: Look,
        ref: PetitionRef,
        known: PetitionHistory | None,
        now: datetime,
        *,
        keep: bool,
    ) -> LookupResult:
        match look:
            case Found(petition=petition) if known or keep:
                known = await self._commit(known, *self._taken(watch, known, petition, now), now)
                return LookupResult(look, petition, now, known)
            case Found(petition=petition):
                return LookupResult(look, petition, now)
            case Gone() if known:
                known = await self._gone(watch, known, now)
            case Unpublished(reason=reason) if known and known.petition.is_unpublished:
                known = await self._still_unpublished(known, reason, now)
                return LookupResult(look, known.petition, now, known)
            case Unpublished() if keep:
                known = await self._begin_unpublished(watch, ref, look, now)
            case NotFound() if known and known.petition.is_unpublished:
                known = await self._still_unpublished(known, "hidden", now)
            case NotFound() if known and watch.parliament.description.removal == "missing":
                known = await self._missing(watch, known, now)
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
        self, watch: SiteState, before: PetitionHistory, now: datetime
    ) -> PetitionHistory:
        """Keep that a petition is said to be taken down, by a site that does not say so of all."""
        known, occurrences = observe_gone(before, now)
        if known.removed and not before.removed:
            everything = watch.parliament.description.lists.everything
            watch.budget.spend()
            if await self._asked(watch, watch.parliament.page(everything)) is None:
                return before
        is_new = not watch.interest.is_strange(known.petition.ref.id, before)
        return await self._commit(before, known, occurrences if is_new else (), now)

    async def _missing(
        self, watch: SiteState, known: PetitionHistory, now: datetime
    ) -> PetitionHistory:
        """Keep that a petition is missing; once that has lasted, and the site shows others, it is
        known to have been taken down.
        """
        before, known = known, observe_missing(known, now)
        occurrences: Sequence[Occurrence] = ()
        if is_lastingly_missing(known, now):
            everything = watch.parliament.description.lists.everything
            watch.budget.spend()
            page = await self._asked(watch, watch.parliament.page(everything))
            if page and page.petitions:
                known, occurrences = observe_removed(known, now)
        if watch.interest.is_strange(known.petition.ref.id, before):
            occurrences = ()
        return await self._commit(before, known, occurrences, now)

    async def _begin_unpublished(
        self, watch: SiteState, ref: PetitionRef, look: Unpublished, now: datetime
    ) -> PetitionHistory | None:
        """Keep a petition that may be published yet; None for one that never will be."""
        if look.reason == "stopped":
            return None
        petition = unpublished(ref, watch.parliament.site, look.reason)
        return await self._commit(None, PetitionHistory(petition, now), (), now)

    async def _still_unpublished(
        self, known: PetitionHistory, state: Unpublication, now: datetime
    ) -> PetitionHistory:
        return await self._commit(known, *observe_unpublished(known, state, now), now)

    # --- what other bodies tell

    async def _read_counts(self, watch: SiteState, ref: PetitionRef) -> None:
        async with self._lock(ref):
            counts = await self._asked(watch, watch.parliament.counts(ref.id))
            watch.came(ref.id, self._monotonic(), answered=counts is not None)
            known = await self._storage.history(ref)
            moment = self._monotonic()
            is_strange = watch.interest.is_strange(ref.id, known)
            if counts is None or known is None or is_strange or not known.petition.is_open:
                watch.outlook.saw_numbers(ref.id, None, moment, answered=counts is not None)
                return
            suspect = is_news(known.petition, counts)
            petition = await self._commit_numbers(known, counts)
            watch.outlook.saw_numbers(ref.id, petition, moment, suspect=suspect)

    async def _read_page(self, watch: SiteState, request: ListPage) -> None:
        if request == TRENDING:
            await self._read_trending(watch)
            return
        page: Page | None = await self._asked(
            watch, watch.parliament.page(request.facet, number=request.number)
        )
        moment = self._monotonic()
        watch.came(request, moment, answered=page is not None)
        if page is None:
            watch.outlook.failed_page(request, moment)
            return
        watch.saw_dated(page.petitions, self._now(), moment)
        watch.saw_departments(page.petitions)
        is_named = await self._learn_names(watch, await self._opened_unmet(watch, page))
        rows = {row.ref.id: row for row in map(watch.as_known, page.petitions)}
        counts = {id_: row.signature_count for id_, row in rows.items()}
        watch.outlook.saw_page(request, counts, moment, is_last=page.next is None)
        # Who is being looked at just now will tell by itself, or holds up nobody by saying nothing.
        busy, is_ruled = self._being_looked_at(watch), watch.interest.is_ruled
        prospects = watch.outlook.prospects.keys()
        heard = (rows.keys() if is_ruled and is_named else prospects) - busy
        watched = [row for id_, row in rows.items() if id_ in heard]
        await asyncio.gather(*(self._take_in_row_safely(watch, row) for row in watched))

    async def _opened_unmet(self, watch: SiteState, page: Page) -> list[PetitionRef]:
        """The petitions of a page whose opening is news to rules, and that are not known yet."""
        since = watch.interest.since(self._now())
        if since is None or not watch.parliament.description.ids.prefixes:
            return []
        opened = [row.ref for row in page.petitions if row.opened_at and row.opened_at >= since]
        return [ref for ref in opened if await self._storage.history(ref) is None]

    async def _read_trending(self, watch: SiteState) -> None:
        trending = await self._asked(watch, watch.parliament.trending())
        watch.came(TRENDING, self._monotonic(), answered=trending is not None)
        if trending is None:
            watch.outlook.failed_page(TRENDING, self._monotonic())
            return
        hours = watch.parliament.description.trending_hours
        last_hour = {
            watch.known_as(one.petition).id: one.signatures_lately // hours for one in trending
        }
        watch.outlook.saw_trending(last_hour, self._monotonic())

    async def _take_in_row_safely(self, watch: SiteState, row: Petition) -> None:
        """One row's trouble is its own; its petition is looked at by its own address."""
        try:
            await self._take_in_row(watch, row)
        except StorageError:
            raise
        except Exception as error:
            watch.own_faults.failed(type(error).__name__, petition=str(row.ref), exc_info=True)
            watch.outlook.hurry(row.ref.id, self._monotonic())

    async def _take_in_row(self, watch: SiteState, row: Petition) -> None:
        """Believe a list's numbers; anything else it tells anew sends us to the petition itself.

        A petition's own body comes through a cache and lists do not: were words taken from both,
        an older body would seem to take back what the list had just told.
        """
        async with self._lock(row.ref):
            known = await self._storage.history(row.ref)
            if watch.interest.is_ruled and self._is_unwatched(watch, row.ref.id, known):
                await self._take_in_unwatched(watch, known, row)
                return
            if known is None:
                return
            is_doubtful = known.removed or bool(known.gone_looks)
            suspect = is_doubtful or is_news(known.petition, row)
            petition = known.petition
            if row.is_open and petition.is_open and not is_doubtful:
                petition = await self._commit_numbers(known, row)
            watch.outlook.saw_listed(
                petition, self._monotonic(), suspect=suspect, updated_at=row.updated_at
            )

    async def _take_in_unwatched(
        self, watch: SiteState, known: PetitionHistory | None, row: Petition
    ) -> None:
        """Take a list at its word: no other body was read lately that it could contradict."""
        now = self._now()
        after = await self._commit(known, *self._taken(watch, known, row, now), now)
        watch.outlook.saw_listed(
            after.petition, self._monotonic(), suspect=False, updated_at=row.updated_at
        )

    def _is_unwatched(
        self, watch: SiteState, id_: PetitionId, known: PetitionHistory | None
    ) -> bool:
        is_planned = id_ in watch.outlook.prospects or id_ in watch.interest.followers
        return not is_planned or watch.interest.is_strange(id_, known)

    async def _commit_numbers(self, known: PetitionHistory, numbers: Counts | Petition) -> Petition:
        now = self._now()
        told = with_counts(known.petition, numbers)
        if told == known.petition:
            return told
        return (await self._commit(known, *observe(known, told, now), now)).petition

    async def _asked(self, watch: SiteState, question: Awaitable[_T]) -> _T | None:
        """The answer to one request that is not about a petition's own body, or None."""
        asked_at = self._monotonic()
        try:
            answer = await question
        except ParliamentUnavailable as error:
            watch.heard(_silence(error), self._now(), self._monotonic(), asked_at=asked_at)
            log.debug("no answer", url=error.url, reason=error.reason)
        except (ParliamentError, MalformedPetition) as error:
            watch.heard(unreadable(error), self._now(), self._monotonic(), asked_at=asked_at)
            log.debug("unreadable answer", reason=str(error))
        else:
            watch.answered(self._monotonic())
            return answer
        return None

    async def _commit(
        self,
        before: PetitionHistory | None,
        after: PetitionHistory,
        occurrences: Sequence[Occurrence],
        now: datetime,
    ) -> PetitionHistory:
        """Keep what changed; a look that brought nothing new costs no write."""
        interest = self._watches[after.petition.ref.site].interest
        is_strange = interest.is_strange(after.petition.ref.id, before)
        if before and not is_strange and not occurrences and _is_same(before, after):
            return before
        if surged := await self._surge(before, after, now):
            after, occurrence = observe_surge(after, surged, now)
            occurrences = [*occurrences, occurrence]
        if await self._storage.commit_poll(after, occurrences, now):
            self._rang()
        interest.note(after)
        self._watches[after.petition.ref.site].note_name(after.petition)
        self._note_moment(after, now)
        for occurrence in occurrences:
            log.info("event", event_key=occurrence.key)
        return after

    # --- what the clock and the pace bring

    def reschedule(self) -> None:
        """The wall clock was set back: take down anew when it brings something to whom."""
        self._diary = ReminderSchedule()
        self._to_note = [
            PetitionRef(site, id_)
            for site, watch in self._watches.items()
            for id_ in watch.outlook.prospects
        ]

    async def _note_anew(self) -> None:
        few, self._to_note = self._to_note[:_LEARNED_A_TICK], self._to_note[_LEARNED_A_TICK:]
        for ref in few:
            if known := await self._storage.history(ref):
                self._diary.note(ref, next_moment(known))

    def _note_moment(self, known: PetitionHistory, now: datetime) -> None:
        """Take down when the clock brings something next, in place of what it was to bring."""
        ref, moment = known.petition.ref, next_moment(known)
        self._diary.note(ref, moment)
        if moment is None or moment > now:
            self._noticed.pop(ref, None)

    async def _remind_of_due(self) -> None:
        """Take in what the clock has brought since the last tick."""
        if not self._is_ending:
            refs = self._diary.due(self._now(), _REMINDED_A_TICK)
            await asyncio.gather(*(self._remind_safely(ref) for ref in refs))

    async def _remind_safely(self, ref: PetitionRef) -> None:
        """One petition's trouble is its own; it is tried again at the next tick."""
        watch = self._watches[ref.site]
        if ref.id not in watch.outlook.prospects:
            self._noticed.pop(ref, None)
            return  # noted anew when it is watched again
        lock = self._lock(ref)
        if not self._is_fresh(ref) or lock.locked():  # a look may take long, and tell otherwise
            self._diary.note(ref, self._now() + _REMINDED_LATER)
            return
        try:
            async with lock:
                await self._remind(ref)
                self._noticed.pop(ref, None)
        except StorageError as error:
            log.debug("reminder could not be kept", petition=str(ref), reason=str(error))
            self._diary.note(ref, self._now())
        except Exception as error:
            watch.own_faults.failed(type(error).__name__, petition=str(ref), exc_info=True)
            self._diary.note(ref, self._now())

    def _is_fresh(self, ref: PetitionRef) -> bool:
        """Whether a petition was seen since its moment was noticed; it is looked at soon if not.

        What was due may have come meanwhile. If the site doesn't answer, a look since the start
        has to do.
        """
        outlook, now = self._watches[ref.site].outlook, self._monotonic()
        noticed = self._noticed.setdefault(ref, now)
        enough = noticed if now - noticed < _REMINDED_UNSEEN else self._started_at
        if outlook.prospects[ref.id].answered_at >= enough:
            return True
        outlook.hurry(ref.id, now)
        return False

    async def _remind(self, ref: PetitionRef) -> None:
        known, now = await self._storage.history(ref), self._now()
        if known is None:
            return
        is_told_with = wants_readings(known, now)
        readings = await self._storage.readings(ref, now - _LATELY) if is_told_with else ()
        await self._commit(known, *due(known, now, readings), now)

    async def _surge(
        self, before: PetitionHistory | None, after: PetitionHistory, now: datetime
    ) -> Surged | None:
        """The surge a rise is part of, if it is; hardly any rise is worth reading counts for."""
        petition = after.petition
        if before is None or petition.signature_count <= before.petition.signature_count:
            return None
        prospect = self._watches[petition.ref.site].outlook.prospects.get(petition.ref.id)
        is_slow = prospect is None or prospect.pace * 3600 < surge.LEAST / 2
        if is_slow or not surge.may_surge(after, now):
            return None
        moment = self._monotonic()
        if moment - self._surge_looks.get(petition.ref, -inf) < _SURGE_LOOKS_APART:
            return None
        self._surge_looks[petition.ref] = moment
        since = now - surge.LOOKS_BACK - surge.HOUR
        return surge.surge(after, await self._storage.readings(petition.ref, since), now)

    # --- how it goes

    def health(self, followed: Iterable[PetitionRef]) -> list[SiteHealth]:
        """How each site's side of things stands."""
        refs = list(followed)
        return [
            SiteHealth(
                site=watch.parliament.site,
                last_answer=self._told_at(watch.answered_at),
                failing_since=self._told_at(watch.failing_at),
                reason=watch.reason,
                oldest_look=self._oldest_look(watch, refs),
                requests_last_hour=watch.budget.spent_last_hour(),
                bound=self._bound(watch),
                lag=watch.lag[1] if watch.lag else None,
                quiet_for=self._quiet_for(watch),
                works_like=_unlike(watch.parliament),
            )
            for watch in self._watches.values()
        ]

    def _oldest_look(self, watch: SiteState, refs: Iterable[PetitionRef]) -> datetime | None:
        here = (ref.id for ref in refs if ref.site == watch.parliament.site.id)
        looked = watch.outlook.oldest_look(here)
        if looked is None:
            return None
        return self._told_at(looked)

    def _told_at(self, moment: float | None) -> datetime | None:
        """A moment of the steady clock as the wall clock has it now."""
        if moment is None:
            return None
        return self._now() - timedelta(seconds=max(0.0, self._monotonic() - moment))

    def _bound(self, watch: SiteState) -> timedelta:
        return timedelta(seconds=watch.outlook.bound())

    def _quiet_for(self, watch: SiteState) -> timedelta | None:
        seconds = watch.quiet_until - self._monotonic()
        return timedelta(seconds=seconds) if seconds > 0 else None

    def parliaments(self) -> Mapping[str, PetitionsApi]:
        """Each site for what people ask of it, as far as their share of the requests goes."""
        return {
            site: watch.parliament.for_people(
                partial(self._ask_for_somebody, watch), partial(self._heard_by_somebody, watch)
            )
            for site, watch in self._watches.items()
        }

    def _ask_for_somebody(self, watch: SiteState) -> None:
        person = asking_for.get()
        if unasked := watch.unasked(person, self._monotonic()):
            url = watch.parliament.site.url
            raise ParliamentUnasked(url, unasked.retry_in, wants_quiet=unasked.wants_quiet)
        watch.budget.spend_for(person)

    def _heard_by_somebody(self, watch: SiteState, error: ParliamentUnavailable) -> None:
        watch.heard(_silence(error), self._now(), self._monotonic(), asked_for_somebody=True)

    def known_as(self, ref: PetitionRef) -> PetitionRef:
        """A petition by the number that it is known by, whatever its site calls it now."""
        watch = self._watches.get(ref.site)
        return watch.known_as(ref) if watch else ref

    def site_clocks(self) -> Sequence[SiteClock]:
        """What time it is by each site's answers."""
        return [watch.parliament.clock for watch in self._watches.values()]

    def departments(self, site: str) -> Sequence[Department]:
        """The departments that a site's petitions went to in the last hours."""
        return list(self._watches[site].departments.values())

    def failing_since(self, site: str) -> datetime | None:
        """Since when a site has not been answering us, or None if it did when last asked."""
        return self._told_at(self._watches[site].failing_at)

    def sites(self) -> Mapping[str, Site]:
        """The sites that are polled, by their ids."""
        return {site: watch.parliament.site for site, watch in self._watches.items()}


def _age(known: PetitionHistory, now: datetime) -> float:
    """Seconds since the last look by the wall clock, which may have been wrong then or be so now.

    One look tells how things stand: what was read in the future, it seems, was read long ago.
    """
    age = now - known.read_at
    return age.total_seconds() if age >= timedelta(0) else _AGE_UNKNOWN


def _found_with(look: Found, wordings: tuple[Wording, ...]) -> Found:
    return structs.replace(look, petition=structs.replace(look.petition, wordings=wordings))


def _silence(error: ParliamentUnavailable) -> Unavailable:
    return Unavailable(error.reason, error.retry_after, is_whole_site(error))


def _with_breakdowns(petition: Petition, body: Petition) -> Petition:
    """A petition with the places that only a body of its own tells."""
    return structs.replace(
        petition,
        signatures_by_constituency=body.signatures_by_constituency,
        signatures_by_region=body.signatures_by_region,
        signatures_by_country=body.signatures_by_country,
    )


def _is_same(before: PetitionHistory, after: PetitionHistory) -> bool:
    """Whether nothing worth a write changed: `updated_at` moves by itself."""
    unmoved = structs.replace(after.petition, updated_at=before.petition.updated_at)
    return structs.replace(after, read_at=before.read_at, petition=unmoved) == before


def _unlike(parliament: PetitionsApi) -> str:
    """What a site was seen to work like, if that is not what it is taken for."""
    seen = parliament.works_like
    return "" if seen == parliament.description.id else seen
