"""One site as polling sees it: what it may be asked, how it answers, when it wants to be left."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from statistics import median

from msgspec import structs

from bot.interest import Interest
from bot.parliament import Found, Look, Parliament, Unavailable
from bot.petitions.model import Petition
from bot.petitions.schedule import Limits, Matter, Outlook

# An answer that takes so many times as long as is usual leaves its place to others, if all are
# taken: the least is below a tick's second, and what is usual takes a few answers to know.
_UNUSUAL = 5
_LEAST_PATIENCE, _PATIENCE = 0.8, 2.0
_WAITS_KEPT, _WAITS_TO_KNOW = 31, 5

_FIRST_BACKOFF = 5.0
_LONGEST_BACKOFF = 300.0
_BACKOFF_SPREAD = 0.25

# The site counts in whole seconds of ten and sets its dates back by up to two counts of a minute,
# so that a date as young as this may come again for another body.
_SETTLES_IN = timedelta(seconds=130)
_SHORTEST_CONDITIONAL = 10.0

_LAG_FOR = timedelta(minutes=10)


class Budget:
    """Requests a minute: refills evenly, and never grants more in any sixty seconds.

    A person's look is always made and takes from what polling has left.
    """

    def __init__(self, a_minute: int, monotonic: Callable[[], float]) -> None:
        self._a_minute = a_minute
        self._most = max(1.0, a_minute / 6)
        self._left = self._most
        self._monotonic = monotonic
        self._then = monotonic()
        self._last_minute: deque[float] = deque()
        self._last_hour: deque[float] = deque()

    def left(self) -> int:
        """Whole requests that may be made now."""
        now = self._refill()
        _drop_until(self._last_minute, now - 60)
        return max(0, min(int(self._left), self._a_minute - len(self._last_minute)))

    def _refill(self) -> float:
        now = self._monotonic()
        self._left = min(self._most, self._left + (now - self._then) * self._a_minute / 60)
        self._then = now
        return now

    def spend(self) -> None:
        """Count one request."""
        now = self._refill()
        self._left = max(-self._most, self._left - 1)
        self._last_minute.append(now)
        self._last_hour.append(now)

    def spent_last_hour(self) -> int:
        """Requests made in the last hour."""
        _drop_until(self._last_hour, self._monotonic() - 3600)
        return len(self._last_hour)


class SiteWatch:
    """What polling knows of one site's side: its budget, its answers, its wish to be left alone."""

    def __init__(
        self, parliament: Parliament, budget: Budget, limits: Limits, jitter: Callable[[], float]
    ) -> None:
        self.parliament = parliament
        self.budget = budget
        self.outlook = Outlook(limits)
        self.interest = Interest()
        self.in_flight: dict[Matter, asyncio.Task[None]] = {}
        self.unanswered_since: dict[Matter, float] = {}
        self.last_answer: datetime | None = None
        self.failing_since: datetime | None = None
        self.quiet_until = 0.0
        self.lag: tuple[datetime, timedelta] | None = None
        self._backoff = _FIRST_BACKOFF
        self._jitter = jitter
        self._waits: dict[type[Matter], deque[float]] = {}

    def asked(self, matter: Matter, monotonic: float) -> None:
        """A request has gone out."""
        self.unanswered_since[matter] = monotonic

    def came(self, matter: Matter, monotonic: float, *, answered: bool) -> None:
        """The wait for a request's answer is over, whether or not there was one."""
        since = self.unanswered_since.pop(matter, None)
        if answered and since is not None:
            waits = self._waits.setdefault(type(matter), deque(maxlen=_WAITS_KEPT))
            waits.append(monotonic - since)

    def hanging(self, monotonic: float) -> list[Matter]:
        """What has been waited for far longer than usual here; lists take longer than the rest."""
        unanswered = self.unanswered_since.items()
        return [m for m, since in unanswered if monotonic - since >= self._patience(type(m))]

    def _patience(self, kind: type[Matter]) -> float:
        waits = self._waits.get(kind, ())
        if len(waits) < _WAITS_TO_KNOW:
            return _PATIENCE
        return max(_LEAST_PATIENCE, _UNUSUAL * median(waits))

    def answered(self, now: datetime) -> None:
        """The site is there."""
        self.last_answer, self.failing_since = now, None
        self._backoff = _FIRST_BACKOFF

    def heard(self, look: Look, now: datetime, monotonic: float) -> None:
        """Take note of an answer; 403, 429 and 503 speak for the whole site, others for a page."""
        if not isinstance(look, Unavailable):
            self.answered(now)
            return
        self.failing_since = self.failing_since or now
        spread = 1 + _BACKOFF_SPREAD * self._jitter()
        if look.retry_after is not None:
            # Never sooner than wished, and not in the same instant as everybody else.
            self._be_quiet(monotonic + min(look.retry_after, 3600.0) + self._jitter())
        elif look.whole_site:
            self._be_quiet(monotonic + self._backoff * spread)
            self._backoff = min(self._backoff * 2, _LONGEST_BACKOFF)

    def _be_quiet(self, until: float) -> None:
        self.quiet_until = max(self.quiet_until, until)

    def saw_dated(self, petitions: Iterable[Petition], now: datetime) -> None:
        """Take note of how far back the freshest body of the last minutes was dated."""
        ages = [now - p.updated_at for p in petitions if p.updated_at is not None]
        if not ages:
            return
        youngest = max(min(ages), timedelta(0))
        if self.lag is None or now - self.lag[0] > _LAG_FOR or youngest <= self.lag[1]:
            self.lag = (now, youngest)

    def saw_whole(self, look: Found, now: datetime, monotonic: float) -> None:
        """Tell the plan what a petition's own body was like."""
        if look.petition.archived:
            self.budget.spend()  # the way there led through a redirect
        else:
            self._note_max_age(look.max_age)
            self.saw_dated([look.petition], now)
        since = _settled_since(look, now, self.outlook.limits)
        self.outlook.saw_whole(look.petition, monotonic, settled_since=since)

    def _note_max_age(self, max_age: int | None) -> None:
        limits = self.outlook.limits
        if max_age and max_age != limits.max_age:
            self.outlook.limits = structs.replace(limits, max_age=float(max_age))


def _settled_since(look: Found, now: datetime, limits: Limits) -> datetime | None:
    """The date to ask about next time, if no other body can come to have the same."""
    dated = look.last_modified
    if dated is None or now - dated < _SETTLES_IN or limits.interval < _SHORTEST_CONDITIONAL:
        return None
    return dated


def _drop_until(moments: deque[float], then: float) -> None:
    while moments and moments[0] <= then:
        moments.popleft()
