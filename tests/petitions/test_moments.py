"""The very minute at which the clock brings something, and the one from which it is too late."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs
from petitions import NOW, OPEN, REF, RESPONSE, petition

from bot.petitions.events import (
    ClosingSoon,
    DebateOverdue,
    DebatePassed,
    DebateToday,
    ResponseOverdue,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Debate, Petition, PetitionRef, Reading
from bot.petitions.reminders import (
    REMINDERS,
    ReminderSchedule,
    due,
    moments,
    next_moment,
    passed,
    premature,
    wants_readings,
)

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
WINTER = date(2025, 12, 10)  # closes at midnight of universal time


def utc(day: int, hour: int, minute: int = 0, month: int = 12) -> datetime:
    return datetime(2025, month, day, hour, minute, tzinfo=UTC)


def told(of: Petition) -> list[tuple[datetime, datetime, str]]:
    return [(m.at, m.until, m.event.key) for m in moments(of)]


def test_five_reminders_can_be_had_of_a_closing() -> None:
    assert REMINDERS == (336, 168, 72, 24, 6)


def test_a_closing_at_midnight_is_told_the_evening_before_and_for_a_day() -> None:
    closing = utc(11, 0)
    of = petition(closing_date=WINTER, opened_at=utc(1, 0, month=9))
    assert told(of) == [
        (utc(26, 18, month=11), utc(27, 18, month=11), "closing_soon:20251211:336"),
        (utc(3, 18), utc(4, 18), "closing_soon:20251211:168"),
        (utc(7, 18), utc(8, 18), "closing_soon:20251211:72"),
        (utc(9, 18), utc(10, 18), "closing_soon:20251211:24"),
        (utc(10, 18), closing, "closing_soon:20251211:6"),
    ]
    assert moments(of)[0].event == ClosingSoon(336, closing, 84)


@pytest.mark.parametrize(
    ("closed_at", "first", "last"),
    [
        (utc(10, 8), utc(9, 8), utc(9, 18)),
        (utc(10, 7, 59), utc(8, 18), utc(9, 18)),
        (utc(10, 14), utc(9, 14), utc(10, 8)),
        (utc(10, 13, 59), utc(9, 13, 59), utc(9, 18)),
        (utc(10, 23, 30), utc(9, 23, 30), utc(10, 17, 30)),
    ],
)
def test_from_eight_in_the_morning_on_a_closing_is_told_at_its_own_hour(
    closed_at: datetime, first: datetime, last: datetime
) -> None:
    at = [moment.at for moment in moments(petition(closed_at=closed_at))]
    assert at[-2:] == [first, last]


RESPONSE_LATE = {
    "signature_count": 10_000,
    "response_threshold_reached_at": utc(1, 23, 30, month=6),
}
DEBATE_LATE = {"debate_threshold_reached_at": utc(1, 10, month=1)}


def overdue(**changes: Any) -> list[tuple[datetime, datetime, str]]:
    return told(petition(**{"state": "closed", "closed_at": NOW, "closing_date": None, **changes}))


def test_a_response_is_overdue_on_the_21st_60th_and_180th_morning_for_a_day() -> None:
    # At half past eleven in June it is the second of the month in London.
    assert overdue(**RESPONSE_LATE) == [
        (utc(23, 7, month=6), utc(24, 7, month=6), "response_overdue:21"),
        (utc(1, 7, month=8), utc(2, 7, month=8), "response_overdue:60"),
        (utc(29, 8, month=11), utc(30, 8, month=11), "response_overdue:180"),
    ]
    of = petition(state="closed", closed_at=NOW, closing_date=None, **RESPONSE_LATE)
    assert moments(of)[0].event == ResponseOverdue(21, utc(1, 23, 30, month=6))


def test_a_debate_is_overdue_on_the_45th_and_120th_morning_for_a_day() -> None:
    assert overdue(**DEBATE_LATE) == [
        (utc(15, 8, month=2), utc(16, 8, month=2), "debate_overdue:45"),
        (utc(1, 7, month=5), utc(2, 7, month=5), "debate_overdue:120"),
    ]
    of = petition(state="closed", closed_at=NOW, closing_date=None, **DEBATE_LATE)
    assert moments(of)[0].event == DebateOverdue(45, utc(1, 10, month=1))


@pytest.mark.parametrize(
    "changes",
    [
        {**RESPONSE_LATE, "response_threshold": None},
        {**RESPONSE_LATE, "government_response": RESPONSE},
        {**RESPONSE_LATE, "government_response_at": NOW},
        {**RESPONSE_LATE, "archived": True},
        {**RESPONSE_LATE, "state": "rejected"},
        {**RESPONSE_LATE, "closing_date": date(2025, 3, 2)},
        {**DEBATE_LATE, "debate_threshold": None},
        {**DEBATE_LATE, "debate": Debate()},
        {**DEBATE_LATE, "archived": True},
        {"url": "https://petitions.senedd.wales/petitions/1", **RESPONSE_LATE},
        {},
    ],
)
def test_nothing_is_overdue_that_is_there_or_that_nobody_can_expect(
    changes: dict[str, Any],
) -> None:
    assert overdue(**changes) == []


def test_a_debates_day_lasts_to_midnight_and_is_over_for_two_mornings() -> None:
    on = date(2025, 10, 25)  # London's clocks go back on the day after
    dated = overdue(scheduled_debate_date=on)
    assert dated == [
        (utc(25, 7, month=10), utc(25, 23, month=10), "debate_today:2025-10-25"),
        (utc(26, 8, month=10), utc(28, 8, month=10), "debate_passed:2025-10-25"),
    ]
    of = petition(state="closed", closed_at=NOW, closing_date=None, scheduled_debate_date=on)
    assert [m.event for m in moments(of)] == [DebateToday(on), DebatePassed(on)]


@pytest.mark.parametrize(
    ("debate", "is_told"),
    [
        (None, True),
        (Debate(), False),
        (Debate(date(2025, 10, 24)), True),
        (Debate(date(2025, 10, 25)), False),
        (Debate(date(2025, 10, 26)), False),
    ],
)
def test_an_outcome_of_that_day_or_later_settles_it(debate: Debate | None, is_told: bool) -> None:
    dated = overdue(scheduled_debate_date=date(2025, 10, 25), debate=debate)
    assert bool(dated) is is_told


# --- by the clock ---------------------------------------------------------------------------------

AT = utc(10, 8, month=3)
DATED = petition(closing_date=date(2026, 8, 10), scheduled_debate_date=date(2025, 3, 10))
KNOWN = PetitionHistory(DATED, NOW)
TODAY, LATER = "debate_today:2025-03-10", "debate_passed:2025-03-10"


def test_a_moment_has_passed_from_its_very_second_on() -> None:
    assert passed(DATED, AT - SECOND) == frozenset()
    assert passed(DATED, AT) == {TODAY}
    assert passed(DATED, AT + DAY) == {TODAY, LATER}


def test_only_what_is_more_than_two_days_ahead_is_premature() -> None:
    assert TODAY not in premature(DATED, AT - 2 * DAY)
    assert TODAY in premature(DATED, AT - 2 * DAY - SECOND)
    assert LATER not in premature(DATED, AT - DAY)


@pytest.mark.parametrize(
    ("now", "keys", "seen"),
    [
        (AT - SECOND, [], set()),
        (AT, [TODAY], {TODAY}),
        (utc(10, 23, 59, month=3), [TODAY], {TODAY}),
        (utc(11, 0, month=3), [], {TODAY}),
        (utc(11, 8, month=3), [LATER], {TODAY, LATER}),
        (utc(13, 7, 59, month=3), [LATER], {TODAY, LATER}),
        (utc(13, 8, month=3), [], {TODAY, LATER}),
    ],
)
def test_what_is_due_is_told_while_it_is_of_use_and_then_passes_in_silence(
    now: datetime, keys: list[str], seen: set[str]
) -> None:
    after, occurrences = due(KNOWN, now)
    assert [(each.key, each.at) for each in occurrences] == [(f"{REF}:{key}", now) for key in keys]
    assert after == structs.replace(KNOWN, seen=frozenset(seen))
    assert due(after, now) == (after, ())
    removed = structs.replace(KNOWN, removed=True)
    assert due(removed, now) == (removed, ())


def test_the_next_moment_is_the_earliest_that_has_not_been_seen() -> None:
    assert next_moment(KNOWN) == AT
    assert next_moment(structs.replace(KNOWN, seen=frozenset({TODAY}))) == AT + DAY
    assert next_moment(structs.replace(KNOWN, removed=True)) is None
    over = petition(state="closed", closed_at=NOW)
    assert next_moment(PetitionHistory(over, NOW)) is None


CLOSING = PetitionHistory(petition(closing_date=WINTER, signature_count=9_000), NOW)
FORTNIGHT = utc(26, 18, month=11)


@pytest.mark.parametrize(
    ("now", "seen", "wants"),
    [
        (FORTNIGHT - SECOND, (), False),
        (FORTNIGHT, (), True),
        (FORTNIGHT + DAY - SECOND, (), True),
        (FORTNIGHT + DAY, (), False),
        (FORTNIGHT, ("closing_soon:20251211:336",), False),
    ],
)
def test_readings_are_wanted_while_a_closing_is_to_be_told(
    now: datetime, seen: tuple[str, ...], wants: bool
) -> None:
    assert wants_readings(structs.replace(CLOSING, seen=frozenset(seen)), now) is wants
    assert not wants_readings(KNOWN, AT)


def test_a_closing_is_told_with_the_freshest_pace_there_is() -> None:
    life = 9_000 / ((FORTNIGHT - (OPEN.opened_at or NOW)) / DAY)
    day = [Reading(FORTNIGHT - DAY, 8_976), Reading(FORTNIGHT - DAY / 2, 8_990)]
    week = [Reading(FORTNIGHT - 7 * DAY, 8_300), Reading(FORTNIGHT - 4 * DAY, 8_600)]
    for readings, a_day in ((day, 24), (week, 100), ([*week, *day], 24), ([], life)):
        _, (occurrence,) = due(CLOSING, FORTNIGHT, readings)
        assert isinstance(occurrence.event, ClosingSoon)
        assert occurrence.event.a_day == pytest.approx(a_day)
        assert occurrence.event.expected is not None
        low, high = occurrence.event.expected
        assert 9_000 < low < high
    fresh = PetitionHistory(petition(opened_at=None, closing_date=WINTER), NOW)
    _, (occurrence,) = due(fresh, FORTNIGHT)
    assert occurrence.event == ClosingSoon(336, utc(11, 0), 84)


def test_the_schedule_gives_out_the_earliest_first_and_each_once() -> None:
    schedule = ReminderSchedule()
    one, two, three = (PetitionRef("uk", number) for number in (1, 2, 3))
    for ref, hours in ((three, 3), (one, 1), (two, 2), (two, 2)):
        schedule.note(ref, NOW + hours * HOUR)
    assert len(schedule) == 3
    assert schedule.due(NOW + HOUR - SECOND, 5) == []
    assert schedule.due(NOW + HOUR, 0) == []
    assert schedule.due(NOW + HOUR, 5) == [one]
    schedule.note(one, NOW)
    assert schedule.due(NOW + 3 * HOUR, 2) == [one, two]
    assert (len(schedule), schedule.due(NOW + 3 * HOUR, 1)) == (1, [three])
    assert (len(schedule), schedule.due(NOW + DAY, 5)) == (0, [])
    schedule.note(one, NOW + HOUR)
    schedule.note(one, NOW + 2 * HOUR)
    assert schedule.due(NOW + HOUR, 5) == []
    schedule.note(two, None)
    schedule.note(one, None)
    assert schedule.due(NOW + DAY, 5) == []
