"""Decides what the clock alone brings: closing soon, waiting too long, a debate's day (pure).

Each of these is known beforehand, so that a petition need not be looked at before its next moment.
All of them go by London's calendar. What is noticed too late to be of use passes in silence.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush
from typing import NamedTuple, TypeAlias

from msgspec import structs

from bot.local_time import LONDON_ZONE
from bot.petitions.events import (
    ClosingSoon,
    DebateOverdue,
    DebatePassed,
    DebateToday,
    Occurrence,
    ResponseOverdue,
)
from bot.petitions.forecast import DAY, closes_at, forecast, pace
from bot.petitions.history import PetitionHistory
from bot.petitions.parliaments import description_of
from bot.petitions.petition import Petition, PetitionRef, Reading

# The hours before closing at which somebody may choose to be reminded.
REMINDERS = (14 * 24, 7 * 24, 3 * 24, 24, 6)


_MORNING, _EVENING = time(8), time(18)
_FRESH_FOR = DAY
_SURELY_AHEAD = 2 * DAY

Timed: TypeAlias = ClosingSoon | ResponseOverdue | DebateOverdue | DebateToday | DebatePassed


class Moment(NamedTuple):
    """A reminder, to be told from `at` on, and no longer from `until` on."""

    at: datetime
    until: datetime
    event: Timed


def moments(petition: Petition) -> list[Moment]:
    """Return all that the clock brings to a petition as it stands, past and to come."""
    if petition.archived or petition.state == "rejected":
        return []
    return [*_closing(petition), *_overdue(petition), *_debate(petition)]


def passed(petition: Petition, now: datetime) -> frozenset[str]:
    """Return the keys of everything whose moment has come already."""
    return frozenset(moment.event.key for moment in moments(petition) if moment.at <= now)


def premature(petition: Petition, now: datetime) -> frozenset[str]:
    """Return the keys of moments over two days ahead, which only a wrong clock can have told."""
    return frozenset(m.event.key for m in moments(petition) if m.at > now + _SURELY_AHEAD)


def due(
    known: PetitionHistory, now: datetime, readings: Sequence[Reading] = ()
) -> tuple[PetitionHistory, tuple[Occurrence, ...]]:
    """Bring a history up to now; return its new state, and the occurrences worth telling.

    `readings` are those of the last weeks, oldest first: a closing is told with how it will end.
    """
    if known.removed:
        return known, ()
    new = [m for m in moments(known.petition) if m.at <= now and m.event.key not in known.seen]
    ref = known.petition.ref
    told = (_completed(m.event, known.petition, readings, now) for m in new if now < m.until)
    occurrences = tuple(Occurrence(f"{ref}:{event.key}", ref, now, event) for event in told)
    seen = known.seen | {moment.event.key for moment in new}
    return structs.replace(known, seen=seen), occurrences


def next_moment(known: PetitionHistory) -> datetime | None:
    """Return the instant of the next reminder, which may be past already; None if none comes."""
    if known.removed:
        return None
    unseen = (m.at for m in moments(known.petition) if m.event.key not in known.seen)
    return min(unseen, default=None)


def wants_readings(known: PetitionHistory, now: datetime) -> bool:
    """Return whether a closing is due, which `due` needs readings to forecast."""
    return any(
        isinstance(m.event, ClosingSoon) and m.at <= now < m.until and m.event.key not in known.seen
        for m in moments(known.petition)
    )


def _completed(
    event: Timed, petition: Petition, readings: Sequence[Reading], now: datetime
) -> Timed:
    """Return a closing with its pace and the range it will end in; any other event as it is."""
    if not isinstance(event, ClosingSoon):
        return event
    paces = pace(petition, readings, now)
    known_paces = (paces.last_24h, paces.last_7d, paces.life)
    a_day = next((each for each in known_paces if each is not None), None)
    ahead = forecast(petition, readings, now)
    expected = (ahead.low, ahead.high) if ahead else None
    return structs.replace(event, a_day=a_day, expected=expected)


# --- each in its turn ----------------------------------------------------------------------------


def _closing(petition: Petition) -> Iterator[Moment]:
    closing = closes_at(petition) if petition.is_open else None
    if closing is None:
        return
    for hours in REMINDERS:
        at = _hours_before(closing, hours)
        event = ClosingSoon(hours, closing, petition.signature_count)
        yield Moment(at, min(at + _FRESH_FOR, closing), event)


def _hours_before(closing: datetime, hours: int) -> datetime:
    """Return the instant that many hours before closing, or the evening before if at night.

    Whole days count by London's calendar.
    """
    days, rest = divmod(hours, 24)
    local = (closing - timedelta(hours=rest)).astimezone(LONDON_ZONE)
    day = local.date() - timedelta(days=days)
    if local.time() < _MORNING:
        return _london(day - DAY, _EVENING)
    return _london(day, local.time())


def _overdue(petition: Petition) -> Iterator[Moment]:
    """Yield the moments when a response or a debate is late; none once its parliament has ended."""
    if petition.may_get_no_more:
        return
    description = description_of(petition)
    since = petition.response_threshold_reached_at if petition.response_threshold else None
    if since and not (petition.government_response or petition.government_response_at):
        for days in description.response_overdue:
            yield _days_after(since, days, ResponseOverdue(days, since))
    since = petition.debate_threshold_reached_at if petition.debate_threshold else None
    if since and not (petition.debate or petition.scheduled_debate_date):
        for days in description.debate_overdue:
            yield _days_after(since, days, DebateOverdue(days, since))


def _days_after(since: datetime, days: int, event: Timed) -> Moment:
    at = _london(since.astimezone(LONDON_ZONE).date() + timedelta(days=days), _MORNING)
    return Moment(at, at + _FRESH_FOR, event)


def _debate(petition: Petition) -> Iterator[Moment]:
    on = petition.scheduled_debate_date
    if on is None or _has_outcome(petition, on):
        return
    yield Moment(_london(on, _MORNING), _london(on + DAY, time()), DebateToday(on))
    next_morning = _london(on + DAY, _MORNING)
    yield Moment(next_morning, next_morning + 2 * DAY, DebatePassed(on))


def _has_outcome(petition: Petition, on: date) -> bool:
    """Return whether the outcome of that day's debate is told; an older one is another's."""
    debate = petition.debate
    return debate is not None and (debate.debated_on is None or debate.debated_on >= on)


def _london(day: date, at: time) -> datetime:
    return datetime.combine(day, at, LONDON_ZONE).astimezone(UTC)


class ReminderSchedule:
    """The instants when the clock brings each petition something next, one a petition.

    Asking what is due costs what is due, not what is kept.
    """

    def __init__(self) -> None:
        self._next: dict[PetitionRef, datetime] = {}
        self._heap: list[tuple[datetime, PetitionRef]] = []

    def __len__(self) -> int:
        return len(self._next)

    def note(self, ref: PetitionRef, at: datetime | None) -> None:
        """Set the petition's next moment in place of the one it had; None is never."""
        if at is None:
            self._next.pop(ref, None)
        elif self._next.get(ref) != at:
            self._next[ref] = at
            heappush(self._heap, (at, ref))

    def due(self, now: datetime, most: int) -> list[PetitionRef]:
        """Take out at most so many petitions whose moment has come, earliest first."""
        found: list[PetitionRef] = []
        while self._heap and self._heap[0][0] <= now and len(found) < most:
            at, ref = heappop(self._heap)
            # A moment that was moved is still in the heap where it was.
            if self._next.get(ref) == at:
                del self._next[ref]
                found.append(ref)
        return found
