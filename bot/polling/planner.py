"""Plans what to ask a site next, given what is known of its petitions and a budget (pure).

A request is worth the lateness it can end: for each petition it tells about, how likely something
happens to it in a second, times the square of the seconds since anything could have told us.
Spending a budget by that measure looks at each petition as often as the square root of its
liveliness, which makes the mean delay least. A page of a list tells about fifty petitions at once,
so it wins where many are followed, and single looks win where few are.

Every other request goes to what was looked at longest ago, whatever the measure says: that is the
guarantee (`bound`), and it finds what lists and counts hide. Where rules listen, all that a site
shows may matter: then those turns are shared between the petitions somebody follows, those that
nobody does, and the lists in which the unknown are found.

Times are readings of one steady clock, in seconds.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from heapq import nlargest
from math import inf

from bot.polling import site_lists
from bot.polling.outlook import (
    LIST_GAP,
    OLDEST_EVERY,
    Numbers,
    Outlook,
    Prospect,
    Request,
    Subject,
    Whole,
    about,
)
from bot.polling.site_lists import ListPage, Places

# What nobody follows is looked at by its own address once an hour: lists tell most of it.
UNFOLLOWED_INTERVAL = 3600.0

# So many subjects that gave no answer when last asked are asked about at a time: requests that wait
# for an answer that does not come must not keep all the others waiting.
SILENT_AT_ONCE = 2

# What is not published yet waits for weeks, so it is looked at only every so many intervals.
UNPUBLISHED_ROUNDS = 5

# A 304 is a hint and not a proof: after so many seconds a look asks for the whole body.
_PROOF_EVERY = 3600.0

# Below this much expected lateness (chance times seconds) an extra request is not worth making.
_WORTH = 0.5


_DAY = 86_400.0

# A petition that is not where it stood in the list has moved, or closed.
_MISSED = 1 / 600


# About so many petitions open in a second.
_OPENINGS = 20 / _DAY

# Seconds between two looks at a list that gave no answer.
_PERIOD_OF_THE_SILENT = 300.0


def plan(
    outlook: Outlook, tokens: int, now: float, asked: Set[Subject] = frozenset()
) -> list[Request]:
    """Plan at most `tokens` requests, best first: the same for the same knowledge and instant.

    Nothing of what is `asked` about already is asked about again.
    """
    if tokens <= 0:
        return []
    most = tokens + len(asked) + len(outlook.silent)
    overdue = [iter(requests) for requests in _overdue(outlook, most, now)]
    worthiest = iter(_worthiest(outlook, most, now))
    planned: dict[Subject, Request] = {}
    for turn in range(outlook.turn, outlook.turn + tokens):
        share = turn // OLDEST_EVERY % len(overdue)
        oldest = (*overdue[share:], *overdue[:share])
        is_for_oldest = turn % OLDEST_EVERY == 0
        order = (*oldest, worthiest) if is_for_oldest else (worthiest, *oldest)
        request = _first_free(outlook, order, asked | planned.keys())
        if request is None:
            break
        planned[about(request)] = request
    outlook.turn += len(planned)
    return list(planned.values())


def _first_free(
    outlook: Outlook, sources: Iterable[Iterator[Request]], asked: Set[Subject]
) -> Request | None:
    """Return the first request that is not about what is asked about, or too much of the silent."""
    is_full = len(outlook.silent & asked) >= SILENT_AT_ONCE
    skipped = asked | outlook.silent if is_full else asked
    free = (r for source in sources for r in source if about(r) not in skipped)
    return next(free, None)


def _overdue(outlook: Outlook, most: int, now: float) -> list[Sequence[Request]]:
    """Return the requests for what was looked at too long ago, oldest first, in their groups.

    The groups share these turns: what is followed, what is not, and lists where rules listen.
    """
    prospects = outlook.prospects.values()
    others = [prospect for prospect in prospects if not prospect.followers]
    followed = [prospect for prospect in prospects if prospect.followers] if others else prospects
    overdue: list[Sequence[Request]] = [
        _oldest(outlook, followed, outlook.limits.interval, most, now)
    ]
    if others:
        interval = max(UNFOLLOWED_INTERVAL, outlook.limits.interval)
        overdue.append(_oldest(outlook, others, interval, most, now))
    if outlook.is_ruled:
        overdue.append(_unread(outlook, most, now))
    return overdue


def _oldest(
    outlook: Outlook, prospects: Iterable[Prospect], interval: float, most: int, now: float
) -> Sequence[Request]:
    """Return looks at petitions whose last one is as old as an interval, oldest first."""
    rounds = {False: interval, True: interval * UNPUBLISHED_ROUNDS}
    due = [p for p in prospects if p.whole_at <= now - rounds[p.is_unpublished]]
    oldest = nlargest(most, due, key=lambda prospect: -prospect.whole_at)
    return [_whole(outlook, prospect, now) for prospect in oldest]


def _unread(outlook: Outlook, most: int, now: float) -> Sequence[Request]:
    """Return the pages due on which unknown petitions may stand, the most overdue first."""
    slowed = max(1.0, 60 / outlook.limits.requests_per_minute)
    lists = outlook.lists
    named = (lists.newest, lists.trending, *lists.news, *_pages_of_open(outlook))
    pages = dict.fromkeys(page for page in named if page)
    late = [(_waited(outlook, page, now) - _period(outlook, page) * slowed, page) for page in pages]
    due = [(lateness, page) for lateness, page in late if lateness >= 0]
    return [page for _, page in nlargest(most, due, key=lambda one: one[0])]


def _waited(outlook: Outlook, page: ListPage, now: float) -> float:
    return now - outlook.pages[page].at if page in outlook.pages else inf


def _period(outlook: Outlook, page: ListPage) -> float:
    period = outlook.lists.period(page)
    if page in outlook.silent:
        period = max(period, _PERIOD_OF_THE_SILENT)
    return max(period, outlook.limits.page_gap)


def _pages_of_open(outlook: Outlook) -> Iterator[ListPage]:
    """Yield the open list's pages, as far as it is known to go or one past those read in a row."""
    for number in range(1, site_lists.MOST_PAGES + 1):
        page = ListPage(outlook.lists.open, number)
        yield page
        is_empty = page not in outlook.pages or not outlook.pages[page].bottom
        if number == outlook.last_open or (is_empty and outlook.last_open is None):
            return


def _whole(outlook: Outlook, prospect: Prospect, now: float) -> Whole:
    needs_proof = prospect.suspect_at is not None or now - prospect.proof_at >= _PROOF_EVERY
    return Whole(prospect.ref.id, None if needs_proof else prospect.settled_since)


def _worthiest(outlook: Outlook, most: int, now: float) -> list[Request]:
    # Where every petition has its look sooner than a page may be read again, lists add nothing.
    with_lists = outlook.limits.round(len(outlook.prospects)) > LIST_GAP
    candidates = [*_singles(outlook, now, with_numbers=with_lists)]
    if with_lists:
        candidates += _lists(outlook, now)
    if outlook.is_ruled:
        candidates += _openings(outlook, now)
    best = nlargest(most, candidates, key=lambda candidate: candidate[0])
    return [request for _, request in best]


def _singles(
    outlook: Outlook, now: float, *, with_numbers: bool
) -> Iterator[tuple[float, Request]]:
    gap = outlook.limits.gap
    news = _news_read_at(outlook)
    for prospect in outlook.prospects.values():
        can_look = now - prospect.whole_at >= gap
        if prospect.suspect_at is not None:
            if can_look:
                yield inf, _whole(outlook, prospect, now)
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
            yield total, _whole(outlook, prospect, now)


def _lists(outlook: Outlook, now: float) -> Iterator[tuple[float, Request]]:
    """Yield the pages of the open list and of news that are worth reading, with their worth."""
    worth: dict[ListPage, float] = {}
    places, news = Places(outlook.pages, outlook.lists.open), _news_read_at(outlook)
    for prospect in outlook.prospects.values():
        hazards, weight = prospect.hazards, prospect.weight
        if outlook.lists.by_signatures and prospect.is_open and not prospect.missed:
            page, read_at = places.of(prospect.signature_count)
            unread = hazards.numbers * (now - max(prospect.numbers_at, read_at)) ** 2
            unread += hazards.hidden / 2 * (now - max(prospect.words_at, read_at)) ** 2
            worth[page] = worth.get(page, 0.0) + weight * unread
        for facet, read_at, hazard in zip(outlook.lists.news, news, hazards.of_news, strict=True):
            if facet:
                unread = hazard * (now - max(prospect.words_at, read_at)) ** 2
                worth[facet] = worth.get(facet, 0.0) + weight * unread
    for page, lateness in worth.items():
        if lateness >= _WORTH and _may_read(outlook, page, now):
            yield lateness, page


def _openings(outlook: Outlook, now: float) -> Iterator[tuple[float, Request]]:
    """Yield the page that tells of new petitions, which nobody can be waiting for by name."""
    newest = outlook.lists.newest
    if newest is None or newest in outlook.silent:
        return
    lateness = _OPENINGS * min(_waited(outlook, newest, now), _DAY) ** 2
    if lateness >= _WORTH and _may_read(outlook, newest, now):
        yield lateness, newest


def _may_read(outlook: Outlook, page: ListPage, now: float) -> bool:
    seen = outlook.pages.get(page)
    return seen is None or now - seen.at >= outlook.limits.page_gap


def _news_read_at(outlook: Outlook) -> list[float]:
    """Return when each list of news was read; `-inf` for one that was not, or does not exist."""
    seen = (outlook.pages.get(page) if page else None for page in outlook.lists.news)
    return [page.at if page else -inf for page in seen]


def _lateness_of_words(prospect: Prospect, news: Sequence[float], now: float) -> float:
    """Return the expected lateness of all that its own body tells besides its numbers."""
    hazards = prospect.hazards
    # For what nobody follows, the hourly look has to do.
    lateness = hazards.hidden * (now - prospect.whole_at) ** 2 if prospect.followers else 0.0
    if prospect.missed:
        lateness += _MISSED * (now - prospect.whole_at) ** 2
    for read_at, hazard in zip(news, hazards.of_news, strict=True):
        lateness += hazard * (now - max(prospect.words_at, read_at)) ** 2
    return lateness
