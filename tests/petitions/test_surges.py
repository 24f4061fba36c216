"""What pace and places bring, and how all of it is worded."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec import structs
from petitions import NOW, REF, petition
from reminding import DAY, HOUR, REACHED, seen, told

from bot.messages.reminder import Reminder
from bot.petitions.events import (
    ClosingSoon,
    DebateOverdue,
    DebatePassed,
    DebateToday,
    ResponseOverdue,
    Surged,
    ToppedIn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import observe, observe_surge
from bot.petitions.petition import Petition, Place, Reading
from bot.petitions.surge import LOOKS_BACK, may_surge, surge

# --- surges ---------------------------------------------------------------------------------------


def steady(an_hour: int, until: datetime, minutes: int = 2, days: float = 7) -> list[Reading]:
    """Counts read regularly, up to and including `until`."""
    steps = int(days * 24 * 60 / minutes)
    begin = until - timedelta(minutes=steps * minutes)
    return [
        Reading(begin + timedelta(minutes=n * minutes), 1_000 + n * minutes * an_hour // 60)
        for n in range(steps + 1)
    ]


def at_pace(readings: list[Reading], an_hour: int, minutes: int) -> list[Reading]:
    last = readings[-1]
    return readings + [
        Reading(last.at + timedelta(minutes=n), last.signature_count + n * an_hour // 60)
        for n in range(1, minutes + 1)
    ]


def told_surge(readings: Sequence[Reading], **changes: object) -> Surged | None:
    last = readings[-1]
    reading = petition(signature_count=last.signature_count, **changes)
    known = PetitionHistory(reading, last.at)
    return surge(known, readings, last.at)


def test_five_times_the_usual_pace_is_a_surge_and_four_times_is_not() -> None:
    usual = steady(60, NOW)
    found = told_surge(at_pace(usual, 360, 60))
    assert found is not None
    assert found.an_hour == 360
    assert found.usual == pytest.approx(60, rel=0.02)
    assert told_surge(at_pace(usual, 240, 60)) is None


def test_a_handful_is_no_surge_however_quiet_it_was() -> None:
    assert told_surge(at_pace(steady(0, NOW), 180, 60)) is None
    assert told_surge(at_pace(steady(0, NOW), 240, 60)) is not None


def test_a_surge_is_told_before_its_hour_is_full() -> None:
    assert told_surge(at_pace(steady(6, NOW), 1_200, 15)) is not None


def test_a_frozen_counter_that_jumps_is_no_surge() -> None:
    frozen = steady(600, NOW)
    last = frozen[-1]
    jumped = [*frozen, Reading(last.at + 8 * HOUR, last.signature_count + 600 * 8)]
    assert told_surge(at_pace(jumped, 600, 30)) is None
    soon = [*frozen, Reading(last.at + timedelta(minutes=12), last.signature_count + 130_000)]
    assert told_surge(at_pace(soon, 600, 30)) is None


def test_a_single_step_is_no_surge_however_great() -> None:
    usual = steady(460 * 30, NOW)
    last = usual[-1]
    burst = [*usual, Reading(last.at + timedelta(minutes=2), last.signature_count + 21_527)]
    assert told_surge(at_pace(burst, 460 * 30, 30)) is None


def test_a_young_petition_is_measured_by_its_life_and_a_newborn_by_nothing() -> None:
    hour = [Reading(NOW - HOUR + timedelta(minutes=n), 100 + n * 10) for n in range(61)]
    assert told_surge(hour, opened_at=NOW - 3 * DAY) is not None
    assert told_surge(hour, opened_at=NOW - 3 * HOUR) is None


def test_a_surge_is_told_once_a_day_and_of_open_petitions_only() -> None:
    readings = at_pace(steady(6, NOW), 1_200, 60)
    reading = petition(signature_count=readings[-1].signature_count)
    now = readings[-1].at
    found = surge(PetitionHistory(reading, now), readings, now)
    assert found is not None
    known, occurrence = observe_surge(PetitionHistory(reading, now), found, now)
    assert occurrence.key == f"{REF}:surge"
    assert surge(known, readings, now) is None
    later = structs.replace(known, surged_at=now - DAY)
    assert surge(later, readings, now) is not None
    assert observe_surge(later, found, now)[1].key == f"{REF}:surge:2"
    assert told_surge(readings, state="closed") is None


MINUTE = timedelta(minutes=1)


def hour(usual: int, *rises: int, gap: int = 10, opened: datetime = NOW - 9 * DAY) -> Surged | None:
    """A day at `usual` an hour, then readings `gap` minutes apart from an hour ago on."""
    count = 1_000 + 24 * usual
    readings = [Reading(NOW - 25 * HOUR, 1_000), Reading(NOW - HOUR, count)]
    for rise in rises:
        count += rise
        readings.append(Reading(readings[-1].at + gap * MINUTE, count))
    known = PetitionHistory(petition(opened_at=opened, signature_count=count), NOW)
    return surge(known, [r for r in readings if r.at < NOW], NOW)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        # Without the greatest of its steps: two hundred, and five times as many as usual.
        (hour(40, 40, 40, 40, 40, 40, 40), (240, 40.0)),
        (hour(41, 40, 40, 40, 40, 40, 40), None),
        (hour(0, 40, 40, 40, 40, 40, 40), (240, 0.0)),
        (hour(0, 40, 40, 40, 40, 40, 39), None),
        (hour(0, 40, 40, 40, 40, 41, 39), None),
        (hour(0, 40, 40, 900, 40, 40, 40), (1_100, 0.0)),
        # A fall takes nothing from what came beside it.
        (hour(0, 50, 50, 50, -500, 60, 50), (260, 0.0)),
        (hour(-40, 40, 40, 40, 40, 40, 40), (240, 0.0)),
        # At gaps of a quarter of an hour, and not a minute more.
        (hour(0, 100, 100, 100, 100, gap=15), (400, 0.0)),
        (hour(0, 150, 150, 150, gap=16), None),
        (hour(40, 40, 40, 40, 40, 40, 40, opened=NOW - 2 * HOUR), (240, 40.0)),
    ],
)
def test_a_surge_is_told_from_these_numbers_on(
    found: Surged | None, told: tuple[int, float] | None
) -> None:
    assert (found and (found.an_hour, found.usual)) == told


def test_a_surge_is_told_with_the_count_it_came_to() -> None:
    found = hour(1, 40, 40, 40, 40, 40, 40)
    assert found == Surged(240, 1.0, 1_264)


def test_only_what_was_read_within_the_hour_is_of_it() -> None:
    early = [Reading(NOW - 61 * MINUTE, 0), Reading(NOW - 51 * MINUTE, 700)]
    known = PetitionHistory(petition(opened_at=NOW - 9 * DAY, signature_count=1_101), NOW)
    steps = [Reading(NOW - 40 * MINUTE, 751), Reading(NOW - 25 * MINUTE, 800)]
    late = [Reading(NOW - 10 * MINUTE, 900), Reading(NOW, 5_000)]
    found = surge(known, [*early, *steps, *late], NOW)
    assert found is not None
    assert found.an_hour == 401
    assert found.usual == 0


@pytest.mark.parametrize(
    ("opened", "count", "usual"),
    [
        (NOW - 25 * HOUR, 240, 10.0),
        (NOW - 25 * HOUR + MINUTE, 240, None),
        (NOW - 49 * HOUR, 240, 5.0),
        (NOW - 49 * HOUR, 0, 0.0),
        (NOW - 49 * HOUR, 245, 245 / 48),
        (None, 240, None),
    ],
)
@pytest.mark.parametrize("first", [HOUR, HOUR - MINUTE], ids=["an hour ago", "since"])
def test_what_was_not_read_for_a_day_is_measured_by_its_life_of_a_day_at_least(
    opened: datetime | None, count: int, usual: float | None, first: timedelta
) -> None:
    begin = NOW - first
    readings = [Reading(begin + n * 10 * MINUTE, count + n * 100) for n in range(5)]
    known = PetitionHistory(petition(opened_at=opened, signature_count=count + 500), NOW)
    found = surge(known, [*readings, Reading(NOW - 9 * MINUTE, count + 500)], NOW)
    assert (found and found.usual) == (usual if usual is None else pytest.approx(usual))


def test_the_last_count_before_the_hour_is_what_its_life_had_brought() -> None:
    readings = [Reading(NOW - 3 * HOUR, 1), Reading(NOW - HOUR, 240)]
    readings += [Reading(NOW - n * 10 * MINUTE, 840 - n * 100) for n in range(5, 0, -1)]
    known = PetitionHistory(petition(opened_at=NOW - 49 * HOUR, signature_count=840), NOW)
    assert surge(known, readings, NOW) == Surged(600, 5.0, 840)


@pytest.mark.parametrize(
    ("surged_at", "may"),
    [
        (None, True),
        (NOW, False),
        (NOW - DAY + MINUTE, False),
        (NOW - DAY, True),
        (NOW + MINUTE, True),  # told while the clock was wrong
    ],
)
def test_a_surge_may_be_told_again_after_a_day(surged_at: datetime | None, may: bool) -> None:
    known = PetitionHistory(petition(), NOW, surged_at=surged_at)
    assert may_surge(known, NOW) is may
    assert not may_surge(structs.replace(known, removed=True), NOW)
    assert not may_surge(structs.replace(known, petition=petition(state="closed")), NOW)


def test_a_week_is_looked_back_over() -> None:
    assert timedelta(days=7) == LOOKS_BACK


# --- places ---------------------------------------------------------------------------------------


def signed(*counts: int, total: int = 5_000, **changes: object) -> Petition:
    """A reading with constituencies A, B, C… that have signed so often."""
    places = tuple(Place(chr(65 + n), f"E{n:02}", count) for n, count in enumerate(counts))
    return petition(signature_count=total, signatures_by_constituency=places, **changes)


TWELVE = (120, 110, 100, 90, 80, 70, 60, 50, 40, 30, 20, 10)


def topped(known: PetitionHistory, reading: Petition) -> tuple[PetitionHistory, list[ToppedIn]]:
    known, occurrences = observe(known, reading, NOW)
    return known, [o.event for o in occurrences if isinstance(o.event, ToppedIn)]


def test_who_comes_among_the_ten_is_told_once_for_life() -> None:
    known = seen(signed(*TWELVE), NOW)
    assert len(known.top) == 10
    known, none = topped(known, signed(*TWELVE))
    assert none == []
    known, came = topped(known, signed(*TWELVE[:10], 95, 10))
    assert [(e.code, e.rank, e.signature_count) for e in came] == [("E10", 4, 95)]
    assert came[0].share == pytest.approx(95 / (sum(TWELVE[:10]) + 105))
    known, gone = topped(known, signed(*TWELVE))
    assert gone == []
    _, again = topped(known, signed(*TWELVE[:10], 95, 10))
    assert again == []


def test_who_was_among_the_ten_at_first_sight_never_comes_in() -> None:
    known = seen(signed(*TWELVE), NOW)
    known, came = topped(known, signed(*TWELVE[:9], 0, 20, 0))
    assert [e.code for e in came] == ["E10"]
    assert topped(known, signed(*TWELVE))[1] == []


def test_few_signatures_and_bodies_without_places_rank_nobody() -> None:
    assert seen(signed(*TWELVE, total=999), NOW).top == ()
    known, first = topped(seen(signed(*TWELVE, total=999), NOW), signed(*TWELVE))
    assert first == []
    known, none = topped(known, petition(signature_count=5_001))
    assert (none, len(known.top)) == ([], 10)


# --- words ----------------------------------------------------------------------------------------

CLOSING = datetime(2025, 8, 10, 23, tzinfo=UTC)


def test_a_closing_is_worded_with_what_it_needs_gets_and_will_come_to() -> None:
    reading = petition(signature_count=88_410)
    event = ClosingSoon(72, CLOSING, 88_410, 410.0, (89_000, 91_000))
    assert told(event, reading, CLOSING - 3 * DAY) == (
        "⏳ Closes in 3 days with 88,410 signatures so far.\n"
        "Unlikely to reach 100,000: it needs 3,863 a day and is getting 410.\n"
        "Last day to sign: Sunday 10 August 2025."
    )
    event = ClosingSoon(6, CLOSING, 99_000, 2_410.0, (99_500, 101_000))
    assert told(event, petition(signature_count=99_000), CLOSING - 6 * HOUR).splitlines()[:2] == [
        "⏳ Closes in 6 hours with 99,000 signatures so far.",
        "Might reach 100,000: 1,000 to go, getting 2,410 a day.",
    ]


def test_a_closing_without_a_goal_or_a_forecast_says_no_more_than_is_known() -> None:
    event = ClosingSoon(72, CLOSING, 84)
    assert "needs" not in told(event, petition(), CLOSING - 3 * DAY)
    event = ClosingSoon(72, CLOSING, 200_000, 410.0, (200_100, 201_000))
    assert "needs" not in told(event, petition(signature_count=200_000), CLOSING - 3 * DAY)


@pytest.mark.parametrize(
    ("event", "now", "words"),
    [
        (
            ClosingSoon(6, CLOSING, 84),
            CLOSING + HOUR,
            "⏳ The last day to sign was Sunday 10 August 2025.",
        ),
        (
            ResponseOverdue(21, REACHED),
            NOW,
            "⏳ 21 days after 10,000 signatures, still no government response.\n"
            "It reached the threshold on 20 February 2025.",
        ),
        (
            DebateOverdue(45, REACHED),
            NOW,
            "⏳ 45 days after 100,000 signatures, still no debate date.\n"
            "It reached the threshold on 20 February 2025.",
        ),
        (
            DebateToday(date(2025, 3, 1)),
            NOW,
            "🏛 The debate is today, Saturday 1 March 2025.",
        ),
        (
            DebateToday(date(2025, 3, 1)),
            NOW + DAY,
            "🏛 The debate was due yesterday, Saturday 1 March 2025.\n"
            "The transcript is usually published within a few days.",
        ),
        (
            DebatePassed(date(2025, 3, 1)),
            NOW + 3 * DAY,
            "🏛 The debate was due on Saturday 1 March 2025.\n"
            "The transcript is usually published within a few days.",
        ),
        (
            Surged(1_240, 45.2, 9_000),
            NOW,
            "📈 1,240 signatures in an hour. It usually gets 45.\n"
            "That took it to 9,000 signatures.\n"
            "Next: 1,000. At 10,000, a government response is due.",
        ),
        (
            ToppedIn("E14001290", "Holborn and St Pancras", 7, 66, 0.0131),
            NOW,
            "📍 Holborn and St Pancras reached the top 10, at number 7.\n"
            "66 signatures from there, 1.3% of those from all constituencies.",
        ),
    ],
)
def test_each_reminder_reads_so(event: Reminder, now: datetime, words: str) -> None:
    assert told(event, petition(), now) == words
