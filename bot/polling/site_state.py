"""The state of one site for polling: what it may be asked, how it answers, when it is spared."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from math import inf
from statistics import median
from typing import TypeVar

import structlog
from cachetools import TTLCache
from msgspec import structs

from bot.errors import MalformedPetition, ParliamentError, ParliamentUnavailable
from bot.outages import IncidentLog
from bot.petitions.petition import Department, Petition, PetitionId, PetitionRef
from bot.polling.budget import Budget
from bot.polling.lookup import LookupResult, Unasked
from bot.polling.outlook import Limits, Outlook, Subject
from bot.polling.petitions_api import (
    Found,
    Look,
    PetitionsApi,
    Unavailable,
    Unreadable,
    silence,
    unreadable,
)
from bot.polling.site_lists import SiteLists
from bot.polling.watchlist import Watchlist

log = structlog.get_logger(__name__)

T = TypeVar("T")

# An answer that takes so many times as long as is usual leaves its place to others, if all are
# taken: the least is below a tick's second, and what is usual takes a few answers to know.
_UNUSUAL = 5
_LEAST_PATIENCE, _PATIENCE = 0.8, 2.0
_WAITS_KEPT, _WAITS_TO_KNOW = 31, 5

_FIRST_BACKOFF = 5.0  # seconds, doubled with each failure in a row
_LONGEST_BACKOFF = 45.0
_BACKOFF_SPREAD = 0.25

# The site counts in whole seconds of ten and sets its dates back by up to two counts of a minute,
# so that a date as young as this may come again for another body.
_SETTLES_IN = timedelta(seconds=130)
_SHORTEST_CONDITIONAL = 10.0

_LAG_FOR = 600.0  # seconds

# A site that says that a body is fresh for longer than this is not believed.
_LONGEST_MAX_AGE = 300.0

# What people were shown is shown again for a minute at most: the site's own caches last as long.
_SHORTEST_KEPT, _LONGEST_KEPT = 10.0, 60.0
_MOST_LOOKUPS = 64
_MOST_DEPARTMENTS, _DEPARTMENTS_KEPT_FOR = 500, 6 * 3600.0
_MOST_BYTES = 16 * 1024 * 1024


class SiteState:
    """The state of one site: its budget, its answers, and until when it is left alone.

    Times are readings of the steady clock, in seconds.
    """

    def __init__(
        self,
        api: PetitionsApi,
        budget: Budget,
        limits: Limits,
        jitter: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        *,
        name: str = "",
        lists: SiteLists | None = None,
    ) -> None:
        self.api = api
        self.budget = budget
        self.outlook = Outlook(limits, lists)
        self.watchlist = Watchlist()
        self.in_flight: dict[Subject, asyncio.Task[None]] = {}
        budget.under_way = lambda: len(self.in_flight)
        self.unanswered_since: dict[Subject, float] = {}
        self.answered_at: float | None = None
        self.failing_at: float | None = None
        self.reason = ""
        self.collapsed: set[PetitionId] = set()
        # By the number that a petition has now, the one by which it became known.
        self.first_numbers: dict[PetitionId, PetitionId] = {}
        # The petitions that gave no answer when their present numbers were to be learnt.
        self.unanswered_renames: set[PetitionId] = set()
        self.quiet_until = -inf
        self.lag: tuple[float, timedelta] | None = None
        self.asks_one_at_a_time = False
        self._backoff = _FIRST_BACKOFF
        self._stepped_at = -inf
        self._jitter = jitter
        self._monotonic = monotonic
        self.incident = IncidentLog(log, "the site is not answering", monotonic, site=name)
        self.own_faults = IncidentLog(log, "a check cannot be processed", monotonic, site=name)
        self._waits: dict[type[Subject], deque[float]] = {}
        # Whoever has a site polled every few seconds wants to see it as it is.
        is_spared = limits.interval >= _SHORTEST_KEPT
        kept_for = min(_LONGEST_KEPT, limits.interval) if is_spared else 0.0
        self.departments: TTLCache[str, Department] = TTLCache(
            _MOST_DEPARTMENTS, _DEPARTMENTS_KEPT_FOR, monotonic
        )
        self.recent_lookups: TTLCache[PetitionRef, LookupResult] = TTLCache(
            _MOST_LOOKUPS, kept_for, monotonic
        )
        self.lists: TTLCache[str, bytes | ParliamentError] = TTLCache(
            _MOST_BYTES, kept_for, monotonic, getsizeof=_size
        )

    def unasked(self, person: int | None, moment: float) -> Unasked | None:
        """Return why the site is not to be asked for somebody now; None if it may be."""
        if (quiet_for := self.quiet_until - moment) > 0:
            return Unasked(quiet_for, wants_quiet=True)
        wait = self.budget.wait_of(person)
        return Unasked(wait, wants_quiet=False) if wait > 0 else None

    def asked(self, subject: Subject, moment: float) -> None:
        """Take note that a request has gone out."""
        self.unanswered_since[subject] = moment

    def wait_ended(self, subject: Subject, moment: float, *, answered: bool) -> None:
        """Take note that the wait for an answer is over, whether or not there was one."""
        since = self.unanswered_since.pop(subject, None)
        if answered and since is not None:
            waits = self._waits.setdefault(type(subject), deque(maxlen=_WAITS_KEPT))
            waits.append(moment - since)

    def hanging(self, moment: float) -> list[Subject]:
        """Return what has been waited for far longer than is usual for its kind here."""
        unanswered = self.unanswered_since.items()
        return [
            subject
            for subject, since in unanswered
            if moment - since >= self._patience(type(subject))
        ]

    def _patience(self, kind: type[Subject]) -> float:
        waits = self._waits.get(kind, ())
        if len(waits) < _WAITS_TO_KNOW:
            return _PATIENCE
        return max(_LEAST_PATIENCE, _UNUSUAL * median(waits))

    def answered(self, moment: float) -> None:
        """Take note that the site is there, and that its answer can be read."""
        self.answered_at, self.failing_at, self.reason = moment, None, ""
        self.incident.recovered()
        self._backoff, self.asks_one_at_a_time = _FIRST_BACKOFF, False

    def heard(
        self,
        look: Look,
        now: datetime,
        moment: float,
        *,
        asked_at: float = inf,
        asked_for_somebody: bool = False,
    ) -> None:
        """Take note of an answer; 403, 429 and 503 speak for the whole site, others for a page.

        What was asked before we last backed off says nothing new. What people ask may fail as
        often as they like: only what the site itself wishes for is heeded then.
        """
        if not isinstance(look, Unavailable | Unreadable):
            self.answered(moment)
            return
        self.failing_at = moment if self.failing_at is None else self.failing_at
        self.reason = look.reason
        self.incident.failed(look.reason)
        if isinstance(look, Unreadable):
            return
        spread = 1 + _BACKOFF_SPREAD * self._jitter()
        if look.retry_after is not None:
            # Never sooner than wished, and not in the same instant as everybody else.
            self._be_quiet(moment + min(look.retry_after, 3600.0) + self._jitter())
            self.asks_one_at_a_time = True
        # A site that wishes for no time at all, or for one that is past, is spared all the same.
        if look.whole_site and asked_at > self._stepped_at and not asked_for_somebody:
            self._be_quiet(moment + self._backoff * spread)
            self._backoff = min(self._backoff * 2, _LONGEST_BACKOFF)
            self._stepped_at, self.asks_one_at_a_time = moment, True

    async def answer_to(self, question: Awaitable[T], now: Callable[[], datetime]) -> T | None:
        """Wait for an answer other than a petition's own body, and note it; None without one."""
        asked_at = self._monotonic()
        try:
            answer = await question
        except ParliamentUnavailable as error:
            self.heard(silence(error), now(), self._monotonic(), asked_at=asked_at)
            log.debug("no answer", url=error.url, reason=error.reason)
        except (ParliamentError, MalformedPetition) as error:
            self.heard(unreadable(error), now(), self._monotonic(), asked_at=asked_at)
            log.debug("unreadable answer", reason=str(error))
        else:
            self.answered(self._monotonic())
            return answer
        return None

    def _be_quiet(self, until: float) -> None:
        self.quiet_until = max(self.quiet_until, until)

    def note_name(self, petition: Petition) -> None:
        """Take note of the other number of a petition that has one."""
        if petition.called:
            self.first_numbers[petition.called] = petition.ref.id

    def known_as(self, ref: PetitionRef) -> PetitionRef:
        """Return a petition by the number that it is known by."""
        number = self.first_numbers.get(ref.id)
        return ref if number is None else PetitionRef(ref.site, number)

    def as_known(self, row: Petition) -> Petition:
        """Return a list's row of a petition by the number that it is known by."""
        ref = self.known_as(row.ref)
        return row if ref == row.ref else structs.replace(row, ref=ref, called=str(row.ref.id))

    def saw_departments(self, petitions: Iterable[Petition]) -> None:
        """Take note of the departments that petitions go to now; those of an archive are past."""
        for petition in petitions:
            if not petition.archived:
                self.departments.update((each.name, each) for each in petition.departments)

    def saw_dated(self, petitions: Iterable[Petition], now: datetime, moment: float) -> None:
        """Take note of how far back the freshest body of the last minutes was dated."""
        ages = [now - p.updated_at for p in petitions if p.updated_at is not None]
        if not ages:
            return
        youngest = max(min(ages), timedelta(0))
        if self.lag is None or moment - self.lag[0] > _LAG_FOR or youngest <= self.lag[1]:
            self.lag = (moment, youngest)

    def saw_whole(self, look: Found, now: datetime, moment: float) -> None:
        """Tell the plan what a petition's own body was like."""
        if not look.petition.archived:
            limits = self.outlook.limits
            fresh_for = min(float(look.max_age or 0), _LONGEST_MAX_AGE)
            if fresh_for and fresh_for != limits.max_age:
                self.outlook.limits = structs.replace(limits, max_age=fresh_for)
            self.saw_departments([look.petition])
            self.saw_dated([look.petition], now, moment)
        since = _settled_since(look, now, self.outlook.limits)
        self.outlook.saw_whole(look.petition, moment, settled_since=since)


def _settled_since(look: Found, now: datetime, limits: Limits) -> datetime | None:
    """Return the date to ask about next time, if no other body can come to have the same."""
    dated = look.last_modified
    if dated is None or now - dated < _SETTLES_IN or limits.interval < _SHORTEST_CONDITIONAL:
        return None
    return dated


def _size(kept: bytes | ParliamentError) -> int:
    return len(kept) if isinstance(kept, bytes) else 1_000
