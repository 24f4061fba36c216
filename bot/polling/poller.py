"""The loop that asks sites what the plan says, round after round, and tells how it goes (shell)."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, islice
from math import inf
from random import SystemRandom

import structlog

from bot.errors import ParliamentUnasked, ParliamentUnavailable, StorageError
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Department, PetitionId, PetitionRef, Site
from bot.petitions.site_health import SiteHealth
from bot.polling.budget import Budget, asking_for
from bot.polling.clocks import SiteClock
from bot.polling.list_reader import ListReader
from bot.polling.lookup import LookupResult
from bot.polling.outlook import Limits, Numbers, Request, Subject, Whole, about
from bot.polling.petition_looks import PetitionLooks
from bot.polling.petitions_api import PetitionsApi, silence
from bot.polling.planner import plan
from bot.polling.recorder import Recorder
from bot.polling.reminding import LEARNED_A_TICK, Reminding
from bot.polling.site_lists import ListPage, SiteLists
from bot.polling.site_state import SiteState
from bot.polling.watchlist import survey
from storage import Storage

log = structlog.get_logger(__name__)

_chance = SystemRandom().random

_AT_ONCE = 4

# Seconds that what is being asked may still take when we have to end.
_FAREWELL = 2.0


# The store is asked again after so many seconds who follows what, and where rules listen.
_SURVEYED_EVERY = 10.0

# At a start the first looks are put off by a random part of at most so many seconds, lest several
# instances ask in step.
_LONGEST_PHASE = 10.0

# Seconds for which a look counts as old whose age nobody knows.
_AGE_UNKNOWN = 86_400.0


class Poller:
    """The poller of all sites: it asks what the plan says, and commits what each answer brings."""

    def __init__(
        self,
        parliaments: Iterable[PetitionsApi],
        storage: Storage,
        now: Callable[[], datetime],
        *,
        interval: timedelta,
        requests_per_minute: int,
        on_deliveries: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = _chance,
    ) -> None:
        limits = Limits(interval.total_seconds(), requests_per_minute)
        self._sites = {
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
        for site in self._sites.values():
            site.api.keep_lists(site.lists, site.budget.spend)
        self._storage = storage
        self._now = now
        self._monotonic = monotonic
        self._reminding = Reminding(self._sites, storage, now, monotonic)
        self._recorder = Recorder(
            self._sites,
            storage,
            now,
            monotonic,
            on_deliveries=on_deliveries,
            on_commit=self._reminding.note,
        )
        self._looks = PetitionLooks(self._sites, self._recorder, storage, now, monotonic)
        self._lists = ListReader(self._recorder, self._looks, storage, now, monotonic)
        self._surveyed_at = -inf
        phase = jitter() * min(_LONGEST_PHASE, interval.total_seconds() / 6)
        self._begins_at = monotonic() + phase
        self._is_ending = False

    async def tick(self) -> None:
        """Begin to ask whatever is worth asking now, without waiting for the answers."""
        await self._reminding.note_anew()
        if not self._is_ending:
            await self._reminding.bring_due(self._recorder)
        followed = await self._storage.followed()
        await self._survey()
        for name, site in self._sites.items():
            ids = [ref.id for ref in followed if ref.site == name]
            site.outlook.follow_only(site.watchlist.watched(ids))
            await self._learn(site, ids)
            self._make_room(site)
            self._ask(site)

    async def _survey(self) -> None:
        """Take note of who follows how much, and of where rules listen."""
        moment = self._monotonic()
        if moment - self._surveyed_at < _SURVEYED_EVERY:
            return
        self._surveyed_at = moment
        watchlists = {name: site.watchlist for name, site in self._sites.items()}
        await survey(self._storage, watchlists, self._now())
        for site in self._sites.values():
            site.outlook.plan_for_rules(for_rules=site.watchlist.is_ruled)
            site.outlook.weigh(site.watchlist.followers, site.watchlist.custom_milestones)

    def _make_room(self, site: SiteState) -> None:
        """End what hangs if every place is taken; next time that may wait as long as it likes."""
        if len(site.in_flight) < _AT_ONCE:
            return
        for subject in site.hanging(self._monotonic()):
            if not site.outlook.is_silent(subject):
                site.in_flight[subject].cancel()

    def _ask(self, site: SiteState) -> None:
        """Fill a site's free places with what is worth asking, as far as its budget goes."""
        if self._is_ending or self._monotonic() < max(site.quiet_until, self._begins_at):
            return
        at_once = 1 if site.asks_one_at_a_time else _AT_ONCE
        free = min(site.budget.left(), at_once - len(site.in_flight))
        asked = self._recorder.in_work(site) | site.in_flight.keys()
        for request in plan(site.outlook, free, self._monotonic(), asked):
            site.budget.spend()
            task = asyncio.create_task(self._carry_out_safely(site, request))
            site.in_flight[about(request)] = task
            site.asked(about(request), self._monotonic())
            task.add_done_callback(partial(self._ended, site, about(request)))

    def _ended(self, site: SiteState, subject: Subject, _: asyncio.Task[None]) -> None:
        del site.in_flight[subject]
        site.unanswered_since.pop(subject, None)
        self._ask(site)

    async def drain(self, patience: float = _FAREWELL) -> None:
        """Begin nothing until what is in flight has ended; after `patience` seconds, end it."""
        self._is_ending = True
        try:
            if tasks := [task for s in self._sites.values() for task in s.in_flight.values()]:
                _, late = await asyncio.wait(tasks, timeout=patience)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)
        finally:
            self._is_ending = False

    async def _learn(self, site: SiteState, followed: Sequence[PetitionId]) -> None:
        """Take up what is watched newly, or since before the start, as it was last read.

        What rules had watched already, and somebody follows now, counts as followed.
        """
        ids = dict.fromkeys(chain(followed, site.watchlist.watched(())))
        new = (id_ for id_ in ids if id_ not in site.outlook.prospects)
        theirs = set(followed)
        for id_ in islice(new, LEARNED_A_TICK):
            ref = PetitionRef(site.api.site.id, id_)
            known = await self._storage.history(ref)
            if known and (id_ in theirs or not site.watchlist.leaves_out(known)):
                self._begin(site, known, is_followed=id_ in theirs)
        site.outlook.note_followed(followed)

    def _begin(self, site: SiteState, known: PetitionHistory, *, is_followed: bool) -> None:
        now, moment = self._now(), self._monotonic()
        ref = known.petition.ref
        site.note_name(known.petition)
        age = now - known.read_at
        read_at = moment - (age.total_seconds() if age >= timedelta(0) else _AGE_UNKNOWN)
        followers = site.watchlist.followers.get(ref.id, 0)
        custom_milestones = site.watchlist.custom_milestones.get(ref.id, ())
        site.outlook.learn(
            known.petition, moment, read_at, now, followers, custom_milestones=custom_milestones
        )
        if is_followed or not site.watchlist.is_newly_met(ref.id, known):
            self._reminding.note(known, now)

    async def _carry_out_safely(self, site: SiteState, request: Request) -> None:
        """Carry out a request; what goes wrong is logged, and the other requests go on."""
        try:
            await self._carry_out(site, request)
        except asyncio.CancelledError:
            site.outlook.failed(request, self._monotonic())
            raise
        except StorageError as error:
            log.debug("reading could not be kept", request=str(request), reason=str(error))
            site.outlook.failed(request, self._monotonic())
        except Exception as error:
            site.own_faults.failed(type(error).__name__, request=str(request), exc_info=True)
            site.outlook.failed(request, self._monotonic())
        else:
            site.own_faults.recovered()

    async def _carry_out(self, site: SiteState, request: Request) -> None:
        match request:
            case Whole(id=id_, since=since):
                await self._looks.look_at(site, PetitionRef(site.api.site.id, id_), since=since)
            case Numbers(id=id_):
                await self._lists.read_counts(site, PetitionRef(site.api.site.id, id_))
            case ListPage():
                await self._lists.read_page(site, request)

    async def look(self, ref: PetitionRef, *, keep: bool = False) -> LookupResult:
        """Ask a site about a petition for somebody; see `PetitionLooks.look`."""
        return await self._looks.look(ref, keep=keep)

    def reschedule(self) -> None:
        """Have what the clock brings come by a wall clock that was set back."""
        self._reminding.reschedule()

    # --- how it goes

    def health(self, followed: Iterable[PetitionRef]) -> list[SiteHealth]:
        """Return how each site stands; its oldest look is of its own among the `followed`."""
        refs = list(followed)
        return [
            SiteHealth(
                site=site.api.site,
                last_answer=self._told_at(site.answered_at),
                failing_since=self._told_at(site.failing_at),
                reason=site.reason,
                oldest_look=self._oldest_look(site, refs),
                requests_last_hour=site.budget.spent_last_hour(),
                bound=timedelta(seconds=site.outlook.bound()),
                lag=site.lag[1] if site.lag else None,
                quiet_for=self._quiet_for(site),
                works_like=_unlike(site.api),
            )
            for site in self._sites.values()
        ]

    def _oldest_look(self, site: SiteState, refs: Iterable[PetitionRef]) -> datetime | None:
        here = (ref.id for ref in refs if ref.site == site.api.site.id)
        looked = site.outlook.oldest_look(here)
        if looked is None:
            return None
        return self._told_at(looked)

    def _told_at(self, moment: float | None) -> datetime | None:
        """Return a moment of the steady clock as the wall clock has it now."""
        if moment is None:
            return None
        return self._now() - timedelta(seconds=max(0.0, self._monotonic() - moment))

    def _quiet_for(self, site: SiteState) -> timedelta | None:
        seconds = site.quiet_until - self._monotonic()
        return timedelta(seconds=seconds) if seconds > 0 else None

    def parliaments(self) -> Mapping[str, PetitionsApi]:
        """Return each site for what people ask of it, within their share of the requests."""
        return {
            name: site.api.for_people(
                partial(self._ask_for_somebody, site), partial(self._heard_by_somebody, site)
            )
            for name, site in self._sites.items()
        }

    def _ask_for_somebody(self, site: SiteState) -> None:
        person = asking_for.get()
        if unasked := site.unasked(person, self._monotonic()):
            url = site.api.site.url
            raise ParliamentUnasked(url, unasked.retry_in, wants_quiet=unasked.wants_quiet)
        site.budget.spend_for(person)

    def _heard_by_somebody(self, site: SiteState, error: ParliamentUnavailable) -> None:
        site.heard(silence(error), self._now(), self._monotonic(), asked_for_somebody=True)

    def known_as(self, ref: PetitionRef) -> PetitionRef:
        """Return a petition by the number that it is known by, whatever its site calls it now."""
        site = self._sites.get(ref.site)
        return site.known_as(ref) if site else ref

    def site_clocks(self) -> Sequence[SiteClock]:
        """Return the clock of each site, as its answers told it."""
        return [site.api.clock for site in self._sites.values()]

    def departments(self, name: str) -> Sequence[Department]:
        """Return the departments that a site's petitions went to in the last hours."""
        return list(self._sites[name].departments.values())

    def failing_since(self, name: str) -> datetime | None:
        """Return since when a site has not been answering us, or None if it did when last asked."""
        return self._told_at(self._sites[name].failing_at)

    def sites(self) -> Mapping[str, Site]:
        """Return the sites that are polled, by their ids."""
        return {name: site.api.site for name, site in self._sites.items()}


def _unlike(parliament: PetitionsApi) -> str:
    """Return the id of what a site was seen to work like, "" if that is what it is taken for."""
    seen = parliament.works_like
    return "" if seen == parliament.description.id else seen
