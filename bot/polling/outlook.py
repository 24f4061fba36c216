"""The knowledge of a site that planning needs: its petitions, its lists, its silences (pure).

Times are readings of one steady clock, in seconds.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from math import exp, inf, log10
from typing import TypeAlias

from msgspec import Struct

from bot.petitions.parliaments.uk import UK
from bot.petitions.petition import Petition, PetitionId, PetitionRef
from bot.petitions.thresholds import CustomMilestones
from bot.polling.hazards import Hazards, hazards
from bot.polling.site_lists import TRENDING, ListPage, PageSeen, Places, SiteLists

# One request in so many is kept for the oldest look.
OLDEST_EVERY = 2

# Lists are not cached and the site counts once a minute: three pages a count lose little time.
LIST_GAP = 20.0

# Of what nobody follows, lateness counts for less.
_UNFOLLOWED_WEIGHT = 0.5

_DAY = 86_400.0
# A surge shows within minutes; a slow petition's pauses say little.
_RISE_MEMORY, _FALL_MEMORY = 900.0, 3600.0

# For so many seconds a petition's own body is awaited that says what another body said already.
_PATIENCE = 600.0


class Whole(Struct, frozen=True):
    """A request for a petition's own body, or for word that it has not changed `since`."""

    id: PetitionId
    since: datetime | None = None


class Numbers(Struct, frozen=True):
    """A request for a petition's `count.json`."""

    id: PetitionId


Request: TypeAlias = Whole | Numbers | ListPage

# The subject of a request: a petition by its id, or a page.
Subject: TypeAlias = PetitionId | ListPage


class Prospect(Struct):
    """The state of one watched petition, as planning needs it.

    Its numbers were last told at `numbers_at` and its words at `words_at`; its own address was last
    asked at `whole_at` and answered at `answered_at`; `proof_at` is when it last sent a whole body.
    Its `count.json` was asked for at `asked_counts_at`; another body raised its count at
    `raised_at`. `settled_since` is the date to ask about for a body that may not have changed.

    So many `followers` wait for its news, none if it is watched for rules alone; `weight` is how
    much its lateness counts for that. `custom_milestones` are their own milestones. `pace` is in
    signatures a second. `missed`: its page of the open list lacks it. `suspect_at` is since when it
    is to be looked at before all others, mostly since another body disagrees with its own, whose
    next version should be as new as `awaited`.
    """

    ref: PetitionRef
    numbers_at: float
    words_at: float
    whole_at: float
    answered_at: float
    pace: float = 0.0
    signature_count: int = 0
    is_open: bool = True
    is_unpublished: bool = False
    hazards: Hazards = Hazards()
    asked_counts_at: float = -inf
    proof_at: float = -inf
    settled_since: datetime | None = None
    raised_at: float = -inf
    missed: bool = False
    suspect_at: float | None = None
    awaited: datetime | None = None
    followers: int = 1
    custom_milestones: frozenset[CustomMilestones] = frozenset()
    weight: float = 1.0


class Limits(Struct, frozen=True):
    """The limits to asking a site: seconds between looks, its own max-age, requests a minute."""

    interval: float
    requests_per_minute: int
    max_age: float = 60.0

    @property
    def gap(self) -> float:
        """The least seconds between two requests for one address that the site caches."""
        return min(self.interval, self.max_age)

    @property
    def page_gap(self) -> float:
        """The least seconds between two requests for one page of a list."""
        return max(LIST_GAP, self.gap / 3)

    def round(self, followed: int) -> float:
        """Return the seconds a look at everything takes if nothing else is asked."""
        return max(self.interval, followed * 60 / self.requests_per_minute)


def bound(followed: int, limits: Limits, shares: int = 1) -> float:
    """Return the seconds within which each of so many petitions has its own body looked at.

    Looking at one older than the interval is always worth a request, so the budget is never idle
    while there is one, and every other request goes to the oldest; where those turns are shared,
    each takes one of so many `shares`.
    """
    polled = max(1, limits.requests_per_minute - peoples_share(limits.requests_per_minute))
    return limits.interval + followed * OLDEST_EVERY * shares * 60 / polled


def peoples_share(requests_per_minute: int) -> int:
    """Return how many of the requests a minute people may take; the rest is polling's."""
    return max(1, requests_per_minute // 3)


class Outlook:
    """The followed petitions of a site and the pages of its lists, as far as answers have told."""

    def __init__(self, limits: Limits, lists: SiteLists | None = None) -> None:
        self.limits = limits
        self.lists = lists or SiteLists.of(UK)
        self.prospects: dict[PetitionId, Prospect] = {}
        self.pages: dict[ListPage, PageSeen] = {}
        self.is_ruled = False
        self.last_open: int | None = None
        self.silent: set[Subject] = set()
        self.turn = 0

    def follow_only(self, ids: Collection[PetitionId]) -> None:
        """Forget every petition but these."""
        for id_ in self.prospects.keys() - set(ids):
            del self.prospects[id_]
            self.silent.discard(id_)

    def plan_for_rules(self, *, for_rules: bool) -> None:
        """Begin or cease to plan for rules, for which petitions that are not known count too."""
        self.is_ruled = for_rules

    def weigh(
        self,
        followers: Mapping[PetitionId, int],
        custom_milestones: Mapping[PetitionId, Collection[CustomMilestones]] | None = None,
    ) -> None:
        """Take note of how many follow each petition; nobody follows those that are left out.

        `custom_milestones` are followers' own: they count from a petition's next look on, which
        comes soon where there are new ones.
        """
        for id_, prospect in self.prospects.items():
            _weigh(prospect, followers.get(id_, 0))
            before, prospect.custom_milestones = (
                prospect.custom_milestones,
                frozenset((custom_milestones or {}).get(id_, ())),
            )
            if prospect.custom_milestones - before:
                self.hurry(id_, prospect.whole_at)

    def note_followed(self, ids: Iterable[PetitionId]) -> None:
        """Count one follower of each of these that none is known of, until they are weighed."""
        for id_ in ids:
            prospect = self.prospects.get(id_)
            if prospect is not None and not prospect.followers:
                _weigh(prospect, 1)

    def hurry(self, id_: PetitionId, now: float) -> None:
        """Have a petition looked at before all others, as soon as its address may be asked."""
        prospect = self.prospects.get(id_)
        if prospect is not None and prospect.suspect_at is None:
            prospect.suspect_at = now

    def bound(self) -> float:
        """Return the seconds within which each followed petition has its own body looked at."""
        followed = sum(prospect.followers > 0 for prospect in self.prospects.values())
        others = followed < len(self.prospects)
        return bound(followed, self.limits, 1 + others + self.is_ruled)

    # --- what answers tell

    def learn(
        self,
        petition: Petition,
        now: float,
        read_at: float,
        wall: datetime,
        followers: int = 1,
        *,
        custom_milestones: Collection[CustomMilestones] = (),
    ) -> None:
        """Begin to plan for a petition last read at `read_at`; `wall` is the time of day now."""
        then = max(read_at, now - _DAY)
        prospect = Prospect(
            petition.ref, then, then, then, read_at, custom_milestones=frozenset(custom_milestones)
        )
        _weigh(prospect, followers)
        if petition.opened_at is not None and petition.opened_at < wall:
            prospect.pace = petition.signature_count / (wall - petition.opened_at).total_seconds()
        _describe(prospect, petition)
        self.prospects[petition.ref.id] = prospect

    def saw_whole(
        self, petition: Petition, now: float, *, settled_since: datetime | None = None
    ) -> None:
        """Take note of a petition's own body, which came just now.

        `settled_since` is the date to ask about next time, so that an unchanged body need not be
        sent.
        """
        prospect = self.prospects.get(petition.ref.id)
        if prospect is None:
            return
        prospect.whole_at = prospect.answered_at = prospect.proof_at = prospect.words_at = now
        prospect.settled_since, prospect.missed = settled_since, False
        self.silent.discard(petition.ref.id)
        if not _is_awaiting_more(prospect, petition, now):
            prospect.suspect_at = prospect.awaited = None
        _take_in(prospect, petition, now)

    def ask_whole_again(self, id_: PetitionId) -> None:
        """Ask for a petition's next body in full, since what the last one told was not kept."""
        if prospect := self.prospects.get(id_):
            prospect.settled_since = None

    def saw_nothing_new(
        self, id_: PetitionId, now: float, *, answered: bool = True, suspect: bool = False
    ) -> None:
        """Take note that a petition's own address told nothing new, or gave no answer.

        Its turn is over either way.
        """
        prospect = self.prospects.get(id_)
        if prospect is None:
            return
        prospect.whole_at = prospect.numbers_at = prospect.words_at = now
        self._note_silence(id_, answered=answered)
        if answered:
            prospect.answered_at = now
        prospect.suspect_at = now if suspect else None
        prospect.missed, prospect.awaited = False, None

    def saw_numbers(
        self,
        id_: PetitionId,
        petition: Petition | None,
        now: float,
        *,
        answered: bool = True,
        suspect: bool = False,
    ) -> None:
        """Take note that `count.json` was asked for.

        `petition` is the petition as known with its numbers, None if it told none that can be used.
        """
        prospect = self.prospects.get(id_)
        if prospect is None:
            return
        prospect.asked_counts_at = now
        self._note_silence(id_, answered=answered)
        if petition is None:
            return
        if suspect:
            prospect.suspect_at = now
        _note_rise(prospect, petition, now)
        _take_in(prospect, petition, now)

    def saw_listed(
        self, petition: Petition, now: float, *, suspect: bool, updated_at: datetime | None
    ) -> None:
        """Take note that a followed petition stood in a list.

        `petition` is as known with the list's numbers, and `updated_at` the date of its row.
        """
        prospect = self.prospects.get(petition.ref.id)
        if prospect is None:
            return
        prospect.missed, prospect.words_at = False, now
        if suspect:
            prospect.suspect_at, prospect.awaited = now, updated_at
        _note_rise(prospect, petition, now)
        _take_in(prospect, petition, now)

    def saw_page(
        self, page: ListPage, counts: Mapping[PetitionId, int], now: float, *, is_last: bool = False
    ) -> None:
        """Take note of a page: the count of each petition on it, and whether the list ends here.

        A petition that should have stood on it and did not may have moved or left the list: only
        its own address is relied on then. That says nothing against the petition.
        """
        places = Places(self.pages, self.lists.open)
        numbers = counts.values()
        self.silent.discard(page)
        self.pages[page] = PageSeen(now, max(numbers, default=0), min(numbers, default=0))
        if page.facet != self.lists.open:
            return
        self._note_end(page.number, is_last=is_last, is_empty=not counts)
        if not self.lists.by_signatures:
            return
        for id_, prospect in self.prospects.items():
            if prospect.is_open and id_ not in counts:
                prospect.missed |= places.is_sure(prospect.signature_count, page)

    def _note_end(self, number: int, *, is_last: bool, is_empty: bool) -> None:
        """Take note of how many pages the open list has, as far as this one tells."""
        last = self.last_open
        if is_last and not is_empty:
            self.last_open = number
        elif is_last and (last is None or number <= last):
            self.last_open = max(1, number - 1)
        elif not is_last and last is not None and number >= last:
            self.last_open = None

    def saw_trending(self, last_hour: Mapping[PetitionId, int], now: float) -> None:
        """Take note of signatures in the last hour: petitions that surprise are looked at soon."""
        self.silent.discard(TRENDING)
        self.pages[TRENDING] = PageSeen(now, 0, 0)
        for id_, signed in last_hour.items():
            prospect = self.prospects.get(id_)
            if prospect and signed / 3600 > 2 * prospect.pace and now - prospect.whole_at > 600:
                self.hurry(id_, now)

    def failed_page(self, page: ListPage, now: float) -> None:
        """Take note that a page could not be read; it waits like one that was."""
        self.pages[page] = self.pages.get(page, PageSeen(now, 0, 0))._replace(at=now)
        self.silent.add(page)

    def failed(self, request: Request, now: float) -> None:
        """Take note that a request came to nothing; its turn is over anyway."""
        match request:
            case Whole(id=id_):
                self.saw_nothing_new(id_, now, answered=False)
            case Numbers(id=id_):
                self.saw_numbers(id_, None, now, answered=False)
            case ListPage():
                self.failed_page(request, now)

    def is_silent(self, subject: Subject) -> bool:
        """Return whether there was no answer when it was last asked about."""
        return subject in self.silent

    def _note_silence(self, id_: PetitionId, *, answered: bool) -> None:
        if answered:
            self.silent.discard(id_)
        else:
            self.silent.add(id_)

    def is_ahead(self, id_: PetitionId, now: float) -> bool:
        """Return whether another body raised a count so lately that the petition's own may lag."""
        prospect = self.prospects.get(id_)
        return prospect is not None and now - prospect.raised_at < 5 * self.limits.max_age

    def oldest_look(self, ids: Iterable[PetitionId]) -> float | None:
        """Return when the one of these petitions answered for longest ago was; None without any.

        What is not published yet is looked at seldom, and does not count.
        """
        prospects = (self.prospects[id_] for id_ in ids if id_ in self.prospects)
        return min((p.answered_at for p in prospects if not p.is_unpublished), default=None)


def about(request: Request) -> Subject:
    """Return the subject of a request, which is not asked about twice at a time."""
    return request if isinstance(request, ListPage) else request.id


def _is_awaiting_more(prospect: Prospect, petition: Petition, now: float) -> bool:
    """Return whether this body is still older than the one that made us look (a cache may lag)."""
    if prospect.suspect_at is None or prospect.awaited is None or petition.updated_at is None:
        return False
    return petition.updated_at < prospect.awaited and now - prospect.suspect_at < _PATIENCE


def _weigh(prospect: Prospect, followers: int) -> None:
    """Weigh many followers only a little more than one, lest what others follow waits for long."""
    prospect.followers = followers
    prospect.weight = 1 + log10(followers) if followers else _UNFOLLOWED_WEIGHT


def _note_rise(prospect: Prospect, petition: Petition, now: float) -> None:
    if petition.signature_count > prospect.signature_count:
        prospect.raised_at = now


def _take_in(prospect: Prospect, petition: Petition, now: float) -> None:
    """Take in a count, and from it the pace lately."""
    passed = now - prospect.numbers_at
    if passed >= 1.0:
        rate = max(0, petition.signature_count - prospect.signature_count) / passed
        memory = _RISE_MEMORY if rate > prospect.pace else _FALL_MEMORY
        prospect.pace += (rate - prospect.pace) * (1 - exp(-passed / memory))
    prospect.numbers_at = now
    _describe(prospect, petition)


def _describe(prospect: Prospect, petition: Petition) -> None:
    prospect.signature_count = petition.signature_count
    prospect.is_open = petition.is_open
    prospect.is_unpublished = petition.is_unpublished
    prospect.hazards = hazards(petition, prospect.pace, prospect.custom_milestones)
