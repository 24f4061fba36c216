"""Where a petition ends at this pace, and what it does not claim to know."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from petitions import NOW, OPENED, petition

from bot.petitions.forecast import closes_at, curve, estimates, forecast, pace, told_by_itself
from bot.petitions.petition import Petition, Reading

DAY = timedelta(days=1)


def steady(a_day: float, days: int, until: datetime = NOW, last: int = 84) -> list[Reading]:
    """A reading every hour, rising evenly to `last`."""
    hours = days * 24
    return [
        Reading(until - timedelta(hours=h), round(last - a_day * h / 24))
        for h in range(hours, 0, -1)
    ]


# --- pace ---


def test_pace_is_read_from_the_last_day_and_week() -> None:
    told = pace(petition(signature_count=2_000), steady(100, 9, last=2_000), NOW)
    assert told.last_24h == pytest.approx(100, abs=1)
    assert told.last_7d == pytest.approx(100, abs=1)
    assert told.life == pytest.approx(2_000 / ((NOW - OPENED) / DAY))


def test_pace_is_not_made_up_where_nothing_was_read() -> None:
    told = pace(petition(), steady(10, 2), NOW)
    assert told.last_24h is not None
    assert told.last_7d is None
    assert pace(petition(), [], NOW).last_24h is None
    assert pace(petition(opened_at=None), [], NOW).life is None


def test_pace_has_no_last_day_over_a_long_gap() -> None:
    readings = [Reading(NOW - 3 * DAY, 10), Reading(NOW - timedelta(hours=1), 80)]
    assert pace(petition(), readings, NOW).last_24h is None


def test_a_fall_is_no_negative_pace() -> None:
    readings = [Reading(NOW - timedelta(hours=25), 500), Reading(NOW - timedelta(hours=23), 500)]
    assert pace(petition(), readings, NOW).last_24h == 0


def test_a_closed_petition_has_only_the_pace_of_its_life() -> None:
    closed = petition(state="closed", closed_at=OPENED + 10 * DAY, signature_count=100)
    told = pace(closed, steady(10, 9), NOW)
    assert (told.last_24h, told.last_7d) == (None, None)
    assert told.life == pytest.approx(10)


# --- closing ---


@pytest.mark.parametrize(
    ("opened", "last_day"),
    [
        (datetime(2025, 2, 10, 14, tzinfo=UTC), date(2025, 8, 10)),
        (datetime(2025, 8, 31, 12, tzinfo=UTC), date(2026, 2, 28)),
        (datetime(2025, 6, 30, 23, 30, tzinfo=UTC), date(2026, 1, 1)),  # July already in London
    ],
)
def test_a_missing_closing_date_is_six_months_from_opening(
    opened: datetime, last_day: date
) -> None:
    closing = closes_at(petition(closing_date=None, opened_at=opened))
    assert closing == closes_at(petition(closing_date=last_day))


def test_the_sites_own_closing_date_is_not_overruled() -> None:
    assert closes_at(petition(closing_date=date(2025, 9, 1))) == datetime(
        2025, 9, 1, 23, tzinfo=UTC
    )


def test_a_rejected_petition_does_not_close() -> None:
    assert closes_at(petition(state="rejected", closing_date=None)) is None


# --- forecast ---


def test_signing_that_slows_ends_below_the_straight_line() -> None:
    slowing = [Reading(OPENED + DAY * d, round(2_000 * (1 - 0.8**d))) for d in range(1, 19)]
    now_count = slowing[-1].signature_count + 5
    told = forecast(petition(signature_count=now_count), slowing, NOW)
    assert told is not None
    straight = now_count + now_count / 19 * 160
    assert now_count <= told.low <= told.final <= told.high
    assert told.final < straight / 4
    assert told.verdict == "unlikely"
    assert told.threshold == 10_000
    assert told.threshold_at is None


def test_a_steady_petition_reaches_its_threshold_in_time() -> None:
    told = forecast(petition(signature_count=9_000), steady(450, 18, last=9_000), NOW)
    assert told is not None
    assert told.threshold_at is not None
    assert NOW < told.threshold_at < NOW + 14 * DAY
    assert told.verdict == "likely"
    left = (datetime(2025, 8, 10, 23, tzinfo=UTC) - NOW) / DAY
    assert told.needed_per_day == pytest.approx(1_000 / left)


def test_past_both_thresholds_nothing_is_ahead() -> None:
    told = forecast(petition(signature_count=150_000), [], NOW)
    assert told is not None
    assert (told.threshold, told.threshold_at, told.needed_per_day) == (None, None, None)
    assert told.verdict == "nothing ahead"


@pytest.mark.parametrize(
    "unknown",
    [
        petition(state="closed", closed_at=NOW - DAY),
        petition(state="rejected", opened_at=None),
        petition(opened_at=None),
        petition(opened_at=NOW - timedelta(minutes=30)),
        petition(closing_date=date(2025, 2, 20)),
    ],
)
def test_nothing_is_forecast_where_nothing_can_be(unknown: Petition) -> None:
    assert forecast(unknown, [], NOW) is None


def test_a_fresh_forecast_is_wider_than_one_in_its_last_days() -> None:
    fresh, late = OPENED + 2 * DAY, datetime(2025, 8, 8, tzinfo=UTC)
    early = forecast(petition(signature_count=1_000), [], fresh)
    last = forecast(petition(signature_count=1_000), [], late)
    assert early is not None
    assert last is not None
    assert early.high - early.low > 20 * (last.high - last.low)


def test_the_threshold_times_tell_the_curve_before_we_had_readings() -> None:
    known = petition(
        signature_count=20_000, response_threshold_reached_at=OPENED + timedelta(hours=6)
    )
    points = told_by_itself(known, NOW)
    assert [p.signature_count for p in points] == [0, 10_000, 20_000]


def test_a_threshold_lost_in_a_recount_tells_nothing() -> None:
    known = petition(signature_count=9_000, response_threshold_reached_at=OPENED + DAY)
    assert [p.signature_count for p in told_by_itself(known, NOW)] == [0, 9_000]


REACHED = petition(
    signature_count=20_000, response_threshold_reached_at=OPENED + timedelta(hours=6)
)


def test_the_curve_is_of_readings_from_the_first_one_on() -> None:
    read = [Reading(OPENED + timedelta(days=n), 12_000 + 1_000 * n) for n in (2, 1)]
    points = [(point.at, point.signature_count) for point in curve(REACHED, read, NOW)]
    assert points == [
        (OPENED, 0),
        (OPENED + timedelta(hours=6), 10_000),
        (OPENED + timedelta(days=1), 13_000),
        (OPENED + timedelta(days=2), 14_000),
        (NOW, 20_000),
    ]


def test_a_reading_tells_more_than_a_threshold_after_it() -> None:
    points = curve(REACHED, [Reading(OPENED + timedelta(hours=1), 400)], NOW)
    assert [point.signature_count for point in points] == [0, 400, 20_000]


def test_what_is_read_after_the_end_is_no_part_of_the_curve() -> None:
    closed = petition(state="closed", closed_at=OPENED + DAY, signature_count=100)
    points = curve(closed, [Reading(OPENED + 2 * DAY, 90)], NOW)
    assert [(point.at, point.signature_count) for point in points] == [
        (OPENED, 0),
        (OPENED + DAY, 100),
    ]


def test_a_petition_that_never_opened_has_no_curve() -> None:
    assert curve(petition(opened_at=None), [Reading(NOW - DAY, 5)], NOW) == []


@given(
    counts=st.lists(st.integers(0, 5_000_000), max_size=40),
    age=st.integers(61, 60 * 24 * 170),
    count=st.integers(0, 5_000_000),
)
def test_no_history_breaks_a_forecast(counts: list[int], age: int, count: int) -> None:
    now = OPENED + timedelta(minutes=age)
    step = timedelta(minutes=age) / (len(counts) + 1)
    readings = [Reading(OPENED + step * n, c) for n, c in enumerate(counts)]
    told = forecast(petition(signature_count=count), readings, now)
    assert told is not None
    assert count <= told.low <= told.final <= told.high
    assert (told.threshold_at is not None) == (
        told.threshold is not None and told.final >= told.threshold
    ) or abs(told.final - (told.threshold or 0)) <= 1


def test_recorded_signing_is_foretold_within_its_range(shared_data: Path) -> None:
    rows = (shared_data / "series" / "131215" / "samples.csv").read_text().splitlines()[1:]
    cells = [row.split(",") for row in rows]
    every = [Reading(datetime.fromisoformat(at), int(count)) for at, count in cells]
    half, end = every[len(every) // 2], every[-1]
    known = petition(
        opened_at=datetime(2016, 5, 25, 9, tzinfo=UTC), signature_count=half.signature_count
    )
    (told,) = estimates(known, [r for r in every if r.at <= half.at], half.at, [end.at])
    assert told.low <= end.signature_count <= told.high
