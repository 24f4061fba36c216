"""Shares what one site may be asked between polling and people: one limit for everybody."""

from collections import deque
from collections.abc import Callable
from contextvars import ContextVar

from cachetools import TTLCache

from bot.polling.outlook import peoples_share

# The person, or where there is none the chat, for whom a site is asked; None if it is for nobody.
asking_for: ContextVar[int | None] = ContextVar("asking_for", default=None)

_MINUTE, _HOUR = 60.0, 3600.0
# Requests are counted for a second more than a minute, as some take longer to arrive than others:
# so no more than the limit arrive in any minute. People's are counted for longer still, so that
# what this costs comes out of their third, and polling keeps its two.
_ALL_WITHIN, _PEOPLES_WITHIN = 61.0, 64.0
_MOST_PEOPLE = 10_000
# With fewer a minute, none is kept for what may take a second request.
_LEAST_WITH_SPARE = 10


class Budget:
    """The requests a minute that a site may be sent, shared between polling and people.

    There are never more in any sixty seconds, whoever asks. People have a third together and a
    sixth each. Polling has two thirds, and of the rest what people leave: a tenth is kept free for
    them, so that nobody who asks after a while has to wait.

    Whatever is `under_way`, or begins, may take a second request, as a redirect does: that is not
    asked for here, only counted, and so has its place kept.
    """

    def __init__(
        self,
        a_minute: int,
        monotonic: Callable[[], float],
        under_way: Callable[[], int] = lambda: 0,
    ) -> None:
        self.under_way = under_way
        self._a_minute = a_minute
        self._peoples = peoples_share(a_minute)
        self._each = min(self._peoples, max(4, a_minute // 6))
        self._kept_free = min(self._peoples, a_minute // 10)
        self._most = max(1.0, a_minute / 6)
        self._left = self._most
        self._monotonic = monotonic
        self._then = monotonic()
        self._last_minute: deque[float] = deque()
        self._last_hour: deque[float] = deque()
        self._for_people: deque[float] = deque()
        self._for_each: TTLCache[int, deque[float]] = TTLCache(_MOST_PEOPLE, _MINUTE, monotonic)

    def left(self) -> int:
        """Return the whole requests that polling may make now; they come back evenly."""
        now = self._refill()
        _drop_until(self._last_minute, now - _ALL_WITHIN)
        _drop_until(self._for_people, now - _PEOPLES_WITHIN)
        kept_free = max(0, self._kept_free - len(self._for_people))
        free = self._limit() - len(self._last_minute) - kept_free
        return max(0, min(int(self._left), free if self._is_narrow else (free + 1) // 2))

    @property
    def _is_narrow(self) -> bool:
        return self._a_minute < _LEAST_WITH_SPARE

    def _limit(self) -> int:
        """Return how many requests the last minute may have had, for another to begin now."""
        return self._a_minute - (0 if self._is_narrow else 1 + self.under_way())

    def _refill(self) -> float:
        now = self._monotonic()
        self._left = min(self._most, self._left + (now - self._then) * self._a_minute / 60)
        self._then = now
        return now

    def spend(self) -> None:
        """Count one request of polling's."""
        now = self._refill()
        self._left = max(-self._most, self._left - 1)
        self._count(now)

    def wait_of(self, person: int | None) -> float:
        """Return the seconds until a request may be made for somebody, 0 if it may be now."""
        now = self._monotonic()
        waits = [
            _wait(self._last_minute, self._limit(), now, _ALL_WITHIN),
            _wait(self._for_people, self._peoples - (not self._is_narrow), now, _PEOPLES_WITHIN),
        ]
        if person is not None and person in self._for_each:
            waits.append(_wait(self._for_each[person], self._each, now, _MINUTE))
        return max(waits)

    def spend_for(self, person: int | None) -> None:
        """Count one request made for somebody."""
        now = self._monotonic()
        self._for_people.append(now)
        if person is not None:
            theirs = self._for_each.get(person, deque(maxlen=self._each))
            theirs.append(now)
            self._for_each[person] = theirs
        self._count(now)

    def _count(self, now: float) -> None:
        self._last_minute.append(now)
        self._last_hour.append(now)

    def spent_last_hour(self) -> int:
        """Return the number of requests made in the last hour."""
        _drop_until(self._last_hour, self._monotonic() - _HOUR)
        return len(self._last_hour)


def _wait(moments: deque[float], most: int, now: float, within: float) -> float:
    """Return the seconds until fewer than so many of these moments lie within a span."""
    _drop_until(moments, now - within)
    return moments[len(moments) - most] + within - now if len(moments) >= most else 0.0


def _drop_until(moments: deque[float], then: float) -> None:
    while moments and moments[0] <= then:
        moments.popleft()
