"""Plans what to ask a site next, given what is known of its petitions and a budget (pure).

A request is worth the lateness it can end: for each petition it tells about, how likely something
happens to it in a second, times the square of the seconds since anything could have told us.
Spending a budget by that measure looks at each petition as often as the square root of its
liveliness, which makes the mean delay least. A page of a list tells about fifty petitions at once,
so it wins where many are followed, and single looks win where few are.

Every other request goes to what was looked at longest ago, whatever the measure says: that is the
guarantee (`bound`), and it finds what lists and counts hide. Where rules listen, all that a site
shows may subject: then those turns are shared between the petitions somebody follows, those that
nobody does, and the lists in which the unknown are found.

Times are readings of one steady clock, in seconds.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from heapq import nlargest
from itertools import count
from math import exp, inf, log10
from typing import TypeAlias

from msgspec import Struct

from bot.petitions.parliaments.uk import UK
from bot.petitions.petition import Petition, PetitionId, PetitionRef
from bot.petitions.thresholds import (
    CustomMilestones,
)
from bot.polling.hazards import Hazards, hazards
from bot.polling.site_lists import (
    TRENDING,
    ListPage,
    PageSeen,
    Places,
    SiteLists,
)

# One request in so many is kept for the oldest look.
OLDEST_EVERY = 2

# Lists are not cached and the site counts once a minute: three pages a count lose little time.
LIST_GAP = 20.0

# What nobody follows is looked at by its own address once an hour: lists tell most of it.
UNFOLLOWED_INTERVAL = 3600.0
_UNFOLLOWED_WEIGHT = 0.5

# Of what gave no answer when last asked, so much is asked about at a time: who waits for an answer
# that does not come must not keep all the others waiting.
SILENT_AT_ONCE = 2

# What is not published yet waits for weeks, so it is looked at only every so many intervals.
UNPUBLISHED_ROUNDS = 5

# A 304 is a hint and not a proof: this often a look does without.
_PROOF_EVERY = 3600.0

# Below this much expected lateness (chance times seconds) an extra request is not worth making.
_WORTH = 0.5

# What another body says and the petition's own does not is looked for this long.
_PATIENCE = 600.0

_DAY = 86_400.0
# A surge shows within minutes; a slow petition's pauses say little.
_RISE_MEMORY, _FALL_MEMORY = 900.0, 3600.0

# A petition that is not where it stood in the list has moved, or closed.
_MISSED = 1 / 600


class Whole(Struct, frozen=True):
    """A petition's own body, or word that it has not changed `since`."""

    id: PetitionId
    since: datetime | None = None


class Numbers(Struct, frozen=True):
    """A petition's `count.json`."""

    id: PetitionId


Request: TypeAlias = Whole | Numbers | ListPage

# What is asked about: a petition by its id, or a page.
Subject: TypeAlias = PetitionId | ListPage


# About so many petitions open in a second.
_OPENINGS = 20 / _DAY

# Seconds between two looks at a list that gave no answer.
_PERIOD_OF_THE_SILENT = 300.0


class Prospect(Struct):
    """What planning knows of one followed petition.

    Its numbers and its words were last told, and its own body asked for, at the `*_at` of their
    name. That was answered at `answered_at`; another body raised its count at `raised_at`. So many
    `followers` wait for its news, none if it is watched for rules alone; `weight` is how much its
    lateness counts for that. `custom_milestones` are their own milestones.
    `missed`: its page of the open list lacks it. `suspect_at`: since when another body disagrees
    with its own, whose next version should be as new as `awaited`.
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
    """How often a site may be asked: seconds between looks, its own max-age, requests a minute."""

    interval: float
    requests_per_minute: int
    max_age: float = 60.0

    @property
    def gap(self) -> float:
        """The least time between two requests for one address that the site caches."""
        return min(self.interval, self.max_age)

    @property
    def page_gap(self) -> float:
        """The least time between two requests for one page of a list."""
        return max(LIST_GAP, self.gap / 3)

    def round(self, followed: int) -> float:
        """How long a look at everything takes if nothing else is asked."""
        return max(self.interval, followed * 60 / self.requests_per_minute)


def bound(followed: int, limits: Limits, shares: int = 1) -> float:
    """Seconds within which each of so many petitions has its own body looked at.

    Looking at one older than the interval is always worth a request, so the budget is never idle
    while there is one, and every other request goes to the oldest; where those turns are shared,
    each takes one of so many `shares`.
    """
    polled = max(1, limits.requests_per_minute - peoples_share(limits.requests_per_minute))
    return limits.interval + followed * OLDEST_EVERY * shares * 60 / polled


def peoples_share(requests_per_minute: int) -> int:
    """How many of the requests a minute people may take; the rest is polling's."""
    return max(1, requests_per_minute // 3)


class Outlook:
    """Knows a site's followed petitions and the pages of its lists, and plans what to ask of it."""

    def __init__(self, limits: Limits, lists: SiteLists | None = None) -> None:
        self.limits = limits
        self.lists = lists or SiteLists.of(UK)
        self.prospects: dict[PetitionId, Prospect] = {}
        self.pages: dict[ListPage, PageSeen] = {}
        self._is_ruled = False
        self._last_open: int | None = None
        self._silent: set[Subject] = set()
        self._turn = 0

    def follow_only(self, ids: Collection[PetitionId]) -> None:
        """Forget whatever is followed no longer."""
        for id_ in self.prospects.keys() - set(ids):
            del self.prospects[id_]
            self._silent.discard(id_)

    def listen(self, *, for_rules: bool) -> None:
        """Look for what is unknown as well, or no longer."""
        self._is_ruled = for_rules

    def weigh(
        self,
        followers: Mapping[PetitionId, int],
        custom_milestones: Mapping[PetitionId, Collection[CustomMilestones]] | None = None,
    ) -> None:
        """Take note of how many follow each petition; whoever is left out, nobody does.

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

    def hurry(self, id_: PetitionId, now: float) -> None:
        """Have a petition looked at before all others, as soon as its address may be asked."""
        prospect = self.prospects.get(id_)
        if prospect is not None and prospect.suspect_at is None:
            prospect.suspect_at = now

    def bound(self) -> float:
        """Seconds within which each petition that somebody follows has its own body looked at."""
        followed = sum(prospect.followers > 0 for prospect in self.prospects.values())
        others = followed < len(self.prospects)
        return bound(followed, self.limits, 1 + others + self._is_ruled)

    def plan(self, tokens: int, now: float, asked: Set[Subject] = frozenset()) -> list[Request]:
        """At most `tokens` requests, best first: the same for the same knowledge and instant.

        Nothing of what is `asked` about already is asked about again.
        """
        if tokens <= 0:
            return []
        most = tokens + len(asked) + len(self._silent)
        overdue = [iter(requests) for requests in self._overdue(most, now)]
        worthiest = iter(self._worthiest(most, now))
        planned: dict[Subject, Request] = {}
        for turn in range(self._turn, self._turn + tokens):
            share = turn // OLDEST_EVERY % len(overdue)
            oldest = (*overdue[share:], *overdue[:share])
            is_for_oldest = turn % OLDEST_EVERY == 0
            order = (*oldest, worthiest) if is_for_oldest else (worthiest, *oldest)
            request = self._first_free(order, asked | planned.keys())
            if request is None:
                break
            planned[about(request)] = request
        self._turn += len(planned)
        return list(planned.values())

    def _first_free(
        self, sources: Iterable[Iterator[Request]], asked: Set[Subject]
    ) -> Request | None:
        """The first request about nothing that is asked about, nor one silent subject too many."""
        is_full = len(self._silent & asked) >= SILENT_AT_ONCE
        barred = asked | self._silent if is_full else asked
        free = (r for source in sources for r in source if about(r) not in barred)
        return next(free, None)

    def _overdue(self, most: int, now: float) -> list[Sequence[Request]]:
        """What was looked at too long ago, oldest first, by whose turn it is in turn."""
        prospects = self.prospects.values()
        others = [prospect for prospect in prospects if not prospect.followers]
        followed = (
            [prospect for prospect in prospects if prospect.followers] if others else prospects
        )
        overdue: list[Sequence[Request]] = [self._oldest(followed, self.limits.interval, most, now)]
        if others:
            interval = max(UNFOLLOWED_INTERVAL, self.limits.interval)
            overdue.append(self._oldest(others, interval, most, now))
        if self._is_ruled:
            overdue.append(self._unread(most, now))
        return overdue

    def _oldest(
        self, prospects: Iterable[Prospect], interval: float, most: int, now: float
    ) -> Sequence[Request]:
        """Looks at petitions whose last one is as old as an interval, oldest first."""
        rounds = {False: interval, True: interval * UNPUBLISHED_ROUNDS}
        due = [p for p in prospects if p.whole_at <= now - rounds[p.is_unpublished]]
        oldest = nlargest(most, due, key=lambda prospect: -prospect.whole_at)
        return [self._whole(prospect, now) for prospect in oldest]

    def _unread(self, most: int, now: float) -> Sequence[Request]:
        """Pages on which unknown petitions may stand, those that have waited too long first."""
        slowed = max(1.0, 60 / self.limits.requests_per_minute)
        lists = self.lists
        named = (lists.newest, lists.trending, *lists.news, *self._pages_of_open())
        pages = dict.fromkeys(page for page in named if page)
        late = [(self._waited(page, now) - self._period(page) * slowed, page) for page in pages]
        due = [(lateness, page) for lateness, page in late if lateness >= 0]
        return [page for _, page in nlargest(most, due, key=lambda one: one[0])]

    def _waited(self, page: ListPage, now: float) -> float:
        return now - self.pages[page].at if page in self.pages else inf

    def _period(self, page: ListPage) -> float:
        period = self.lists.period(page)
        if page in self._silent:
            period = max(period, _PERIOD_OF_THE_SILENT)
        return max(period, self.limits.page_gap)

    def _pages_of_open(self) -> Iterator[ListPage]:
        """The whole list as far as we know its length, or one page more than was read in a row."""
        for number in count(1):
            page = ListPage(self.lists.open, number)
            yield page
            is_empty = page not in self.pages or not self.pages[page].bottom
            if number == self._last_open or (is_empty and self._last_open is None):
                return

    def _whole(self, prospect: Prospect, now: float) -> Whole:
        needs_proof = prospect.suspect_at is not None or now - prospect.proof_at >= _PROOF_EVERY
        return Whole(prospect.ref.id, None if needs_proof else prospect.settled_since)

    def _worthiest(self, most: int, now: float) -> list[Request]:
        # Where every petition has its look sooner than a page may be read again, lists add nothing.
        with_lists = self.limits.round(len(self.prospects)) > LIST_GAP
        candidates = [*self._singles(now, with_numbers=with_lists)]
        if with_lists:
            candidates += self._lists(now)
        if self._is_ruled:
            candidates += self._openings(now)
        best = nlargest(most, candidates, key=lambda candidate: candidate[0])
        return [request for _, request in best]

    def _singles(self, now: float, *, with_numbers: bool) -> Iterator[tuple[float, Request]]:
        gap = self.limits.gap
        news = self._news_read_at()
        for prospect in self.prospects.values():
            can_look = now - prospect.whole_at >= gap
            if prospect.suspect_at is not None:
                if can_look:
                    yield inf, self._whole(prospect, now)
                continue
            numbers = prospect.hazards.numbers * (now - prospect.numbers_at) ** 2
            if not can_look and numbers * prospect.weight < _WORTH:
                continue
            numbers *= prospect.weight
            total = numbers + prospect.weight * _lateness_of_words(prospect, news, now)
            can_count = with_numbers and now - prospect.asked_counts_at >= gap
            if can_count and numbers >= _WORTH and numbers > 0.9 * total:
                yield numbers, Numbers(prospect.ref.id)
            elif can_look and total >= _WORTH:
                yield total, self._whole(prospect, now)

    def _lists(self, now: float) -> Iterator[tuple[float, Request]]:
        """The pages worth reading: of the open list, and the first of those that tell news."""
        worth: dict[ListPage, float] = {}
        places, news = Places(self.pages, self.lists.open), self._news_read_at()
        for prospect in self.prospects.values():
            hazards, weight = prospect.hazards, prospect.weight
            if self.lists.by_signatures and prospect.is_open and not prospect.missed:
                page, read_at = places.of(prospect.signature_count)
                unread = hazards.numbers * (now - max(prospect.numbers_at, read_at)) ** 2
                unread += hazards.hidden / 2 * (now - max(prospect.words_at, read_at)) ** 2
                worth[page] = worth.get(page, 0.0) + weight * unread
            for facet, read_at, hazard in zip(self.lists.news, news, hazards.of_news, strict=True):
                if facet:
                    unread = hazard * (now - max(prospect.words_at, read_at)) ** 2
                    worth[facet] = worth.get(facet, 0.0) + weight * unread
        for page, lateness in worth.items():
            if lateness >= _WORTH and self._may_read(page, now):
                yield lateness, page

    def _openings(self, now: float) -> Iterator[tuple[float, Request]]:
        """The page that tells of new petitions, which nobody can be waiting for by name."""
        newest = self.lists.newest
        if newest is None or newest in self._silent:
            return
        lateness = _OPENINGS * min(self._waited(newest, now), _DAY) ** 2
        if lateness >= _WORTH and self._may_read(newest, now):
            yield lateness, newest

    def _may_read(self, page: ListPage, now: float) -> bool:
        seen = self.pages.get(page)
        return seen is None or now - seen.at >= self.limits.page_gap

    def _news_read_at(self) -> list[float]:
        """When each list of news was read; `-inf` for one that was not, or that there is not."""
        seen = (self.pages.get(page) if page else None for page in self.lists.news)
        return [page.at if page else -inf for page in seen]

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
        """A petition's own body came; it counts as changed since `settled_since` if that is set."""
        prospect = self.prospects.get(petition.ref.id)
        if prospect is None:
            return
        prospect.whole_at = prospect.answered_at = prospect.proof_at = prospect.words_at = now
        prospect.settled_since, prospect.missed = settled_since, False
        self._silent.discard(petition.ref.id)
        if not _is_awaiting_more(prospect, petition, now):
            prospect.suspect_at = prospect.awaited = None
        _told(prospect, petition, now)

    def lost(self, id_: PetitionId) -> None:
        """What its own body told could not be kept: the next one is asked for whole."""
        if prospect := self.prospects.get(id_):
            prospect.settled_since = None

    def saw_nothing(
        self, id_: PetitionId, now: float, *, answered: bool = True, suspect: bool = False
    ) -> None:
        """A petition's own address told nothing new, or gave no answer: its turn is over anyway."""
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
        """`count.json` was asked; `petition` is as known with its numbers, None without any."""
        prospect = self.prospects.get(id_)
        if prospect is None:
            return
        prospect.asked_counts_at = now
        self._note_silence(id_, answered=answered)
        if petition is None:
            return
        if suspect:
            prospect.suspect_at = now
        _raised(prospect, petition, now)
        _told(prospect, petition, now)

    def saw_listed(
        self, petition: Petition, now: float, *, suspect: bool, updated_at: datetime | None
    ) -> None:
        """A followed petition stood in a list; `petition` is as known with the list's numbers."""
        prospect = self.prospects.get(petition.ref.id)
        if prospect is None:
            return
        prospect.missed, prospect.words_at = False, now
        if suspect:
            prospect.suspect_at, prospect.awaited = now, updated_at
        _raised(prospect, petition, now)
        _told(prospect, petition, now)

    def saw_page(
        self, page: ListPage, counts: Mapping[PetitionId, int], now: float, *, is_last: bool = False
    ) -> None:
        """A page was read: the count of each petition on it, by its id; whether the list ends here.

        Who should have stood on it and did not may have moved or left the list: only its own
        address is relied on then. That says nothing against the petition.
        """
        places = Places(self.pages, self.lists.open)
        numbers = counts.values()
        self._silent.discard(page)
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
        """How many pages the open list has, as far as this one tells."""
        last = self._last_open
        if is_last and not is_empty:
            self._last_open = number
        elif is_last and (last is None or number <= last):
            self._last_open = max(1, number - 1)
        elif not is_last and last is not None and number >= last:
            self._last_open = None

    def saw_trending(self, last_hour: Mapping[PetitionId, int], now: float) -> None:
        """How often petitions were signed in the last hour: whoever surprises is looked at soon."""
        self._silent.discard(TRENDING)
        self.pages[TRENDING] = PageSeen(now, 0, 0)
        for id_, signed in last_hour.items():
            prospect = self.prospects.get(id_)
            if prospect and signed / 3600 > 2 * prospect.pace and now - prospect.whole_at > 600:
                self.hurry(id_, now)

    def failed_page(self, page: ListPage, now: float) -> None:
        """A page could not be read; it waits like one that was."""
        self.pages[page] = self.pages.get(page, PageSeen(now, 0, 0))._replace(at=now)
        self._silent.add(page)

    def failed(self, request: Request, now: float) -> None:
        """A request came to nothing: its turn is over anyway."""
        match request:
            case Whole(id=id_):
                self.saw_nothing(id_, now, answered=False)
            case Numbers(id=id_):
                self.saw_numbers(id_, None, now, answered=False)
            case ListPage():
                self.failed_page(request, now)

    def is_silent(self, subject: Subject) -> bool:
        """Whether it gave no answer when last asked about."""
        return subject in self._silent

    def _note_silence(self, id_: PetitionId, *, answered: bool) -> None:
        if answered:
            self._silent.discard(id_)
        else:
            self._silent.add(id_)

    def is_ahead(self, id_: PetitionId, now: float) -> bool:
        """Whether another body raised a petition's count so lately that its own may lag behind."""
        prospect = self.prospects.get(id_)
        return prospect is not None and now - prospect.raised_at < 5 * self.limits.max_age

    def oldest_look(self, ids: Iterable[PetitionId]) -> float | None:
        """When the one of these petitions answered for longest ago was; None without any.

        What is not published yet is looked at seldom, and does not count.
        """
        prospects = (self.prospects[id_] for id_ in ids if id_ in self.prospects)
        return min((p.answered_at for p in prospects if not p.is_unpublished), default=None)


def about(request: Request) -> Subject:
    """What is asked about: one petition is not asked about twice at a time."""
    return request if isinstance(request, ListPage) else request.id


def _lateness_of_words(prospect: Prospect, news: Sequence[float], now: float) -> float:
    """Expected lateness of everything that a petition's own body tells besides its numbers."""
    hazards = prospect.hazards
    # For what nobody follows, the hourly look has to do.
    lateness = hazards.hidden * (now - prospect.whole_at) ** 2 if prospect.followers else 0.0
    if prospect.missed:
        lateness += _MISSED * (now - prospect.whole_at) ** 2
    for read_at, hazard in zip(news, hazards.of_news, strict=True):
        lateness += hazard * (now - max(prospect.words_at, read_at)) ** 2
    return lateness


def _is_awaiting_more(prospect: Prospect, petition: Petition, now: float) -> bool:
    """Whether this body is still older than the one that made us look (a cache may lag)."""
    if prospect.suspect_at is None or prospect.awaited is None or petition.updated_at is None:
        return False
    return petition.updated_at < prospect.awaited and now - prospect.suspect_at < _PATIENCE


def _weigh(prospect: Prospect, followers: int) -> None:
    """Many followers count gently more than one, lest what others follow waits for long."""
    prospect.followers = followers
    prospect.weight = 1 + log10(followers) if followers else _UNFOLLOWED_WEIGHT


def _raised(prospect: Prospect, petition: Petition, now: float) -> None:
    if petition.signature_count > prospect.signature_count:
        prospect.raised_at = now


def _told(prospect: Prospect, petition: Petition, now: float) -> None:
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
