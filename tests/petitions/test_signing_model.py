"""The model of signing, figure by figure: what it takes for a stretch, fits, and foretells."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import exp, log, sqrt
from typing import Any

import pytest
from petitions import NOW, petition

from bot.petitions.forecast import (
    Estimate,
    Verdict,
    _days_until,
    _Decay,
    _estimate,
    _fit,
    _fitted,
    _Step,
    _steps,
    _verdict,
    _weighted_median,
    closes_at,
    curve,
    estimates,
    forecast,
    months_later,
    pace,
    told_by_itself,
)
from bot.petitions.petition import Petition, Reading

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
BORN = NOW - 20 * DAY
CLOSING = date(2025, 3, 20)  # 19.5 days from now: it closes as that day ends in London


def aged(**changes: Any) -> Petition:
    """A petition of twenty days."""
    return petition(**{"opened_at": BORN, "closing_date": CLOSING, **changes})


def read(*counts: tuple[float, int]) -> list[Reading]:
    """Counts, by how many days before now they were read."""
    return [Reading(NOW - days * DAY, count) for days, count in counts]


# --- when it closes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2025, 1, 15), 0, date(2025, 1, 15)),
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2025, 6, 30), 6, date(2025, 12, 30)),
        (date(2025, 7, 1), 6, date(2026, 1, 1)),
        (date(2025, 12, 31), 6, date(2026, 6, 30)),
        (date(2025, 11, 5), 14, date(2027, 1, 5)),
    ],
)
def test_some_months_later_it_is_the_same_day_or_the_last_there_is(
    day: date, months: int, later: date
) -> None:
    assert months_later(day, months) == later


SCOTTISH = {"like": "scotland", "closing_date": None}


@pytest.mark.parametrize(
    ("of", "closing"),
    [
        (petition(), datetime(2025, 8, 10, 23, tzinfo=UTC)),
        (petition(closing_date=date(2025, 12, 10)), datetime(2025, 12, 11, tzinfo=UTC)),
        (petition(closed_at=NOW), NOW),
        (petition(closing_date=None), datetime(2025, 8, 10, 23, tzinfo=UTC)),
        (petition(closing_date=None, state="closed"), None),
        (petition(closing_date=None, opened_at=None), None),
        (petition(url="https://petitions.parliament.scot/petitions/PE1", **SCOTTISH), None),
    ],
)
def test_it_closes_as_its_day_ends_in_london_or_never_of_itself(
    of: Petition, closing: datetime | None
) -> None:
    assert closes_at(of) == closing


# --- what is known of the past --------------------------------------------------------------------

REACHED = {
    "referral_threshold": 250,
    "referral_threshold_reached_at": BORN + HOUR,
    "response_threshold_reached_at": BORN + 2 * HOUR,
    "debate_threshold_reached_at": BORN + 3 * HOUR,
}


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({"signature_count": 7}, [(BORN, 0), (NOW, 7)]),
        (
            {"signature_count": 100_000, **REACHED},
            [
                (BORN, 0),
                (BORN + HOUR, 250),
                (BORN + 2 * HOUR, 10_000),
                (BORN + 3 * HOUR, 100_000),
                (NOW, 100_000),
            ],
        ),
        (
            {"signature_count": 99_999, **REACHED},
            [(BORN, 0), (BORN + HOUR, 250), (BORN + 2 * HOUR, 10_000), (NOW, 99_999)],
        ),
        # Nothing is reached as it opens, nor before what comes before it.
        (
            {"signature_count": 20_000, "response_threshold_reached_at": BORN},
            [(BORN, 0), (NOW, 20_000)],
        ),
        (
            {"signature_count": 20_000, **REACHED, "response_threshold_reached_at": BORN + HOUR},
            [(BORN, 0), (BORN + HOUR, 250), (NOW, 20_000)],
        ),
        (
            {
                "signature_count": 20_000,
                **REACHED,
                "response_threshold_reached_at": BORN + HOUR - timedelta(seconds=1),
            },
            [(BORN, 0), (BORN + HOUR, 250), (NOW, 20_000)],
        ),
        (
            {
                "signature_count": 20_000,
                "response_threshold": None,
                "response_threshold_reached_at": NOW - HOUR,
            },
            [(BORN, 0), (NOW, 20_000)],
        ),
        (
            {"signature_count": 20_000, "response_threshold_reached_at": NOW},
            [(BORN, 0), (NOW, 20_000)],
        ),
        (
            {"state": "closed", "closed_at": NOW - DAY, "signature_count": 9},
            [(BORN, 0), (NOW - DAY, 9)],
        ),
        (
            {"state": "closed", "closed_at": NOW + DAY, "signature_count": 9},
            [(BORN, 0), (NOW, 9)],
        ),
        ({"state": "closed", "signature_count": 9}, [(BORN, 0), (NOW, 9)]),
        ({"closed_at": NOW - DAY, "signature_count": 9}, [(BORN, 0), (NOW, 9)]),
        ({"opened_at": NOW, "signature_count": 9}, [(NOW, 9)]),
        ({"opened_at": None}, []),
    ],
)
def test_its_own_dates_tell_what_it_had_when(
    changes: dict[str, Any], points: list[tuple[datetime, int]]
) -> None:
    told = told_by_itself(aged(**changes), NOW)
    assert [(point.at, point.signature_count) for point in told] == points


def test_readings_take_the_place_of_its_dates_from_the_first_one_on() -> None:
    known = aged(signature_count=20_000, response_threshold_reached_at=NOW - 10 * DAY)
    own = [Reading(BORN, 0), Reading(NOW - 10 * DAY, 10_000), Reading(NOW, 20_000)]
    assert curve(known, [], NOW) == own
    assert curve(known, [Reading(NOW, 5)], NOW) == own
    at_that_very_time = [Reading(NOW - 10 * DAY, 9_990)]
    assert curve(known, at_that_very_time, NOW) == [own[0], *at_that_very_time, own[-1]]
    assert curve(known, read((1, 3), (9, 2)), NOW) == [*own[:2], *read((9, 2), (1, 3)), own[-1]]


# --- pace -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readings", "last_24h", "in_7d"),
    [
        (read((7, 100), (4, 400), (1, 800), (0.5, 900)), 200, 900),
        (read((7.5, 50), (4, 400)), None, 900),
        (read((7.5, 50), (3.9, 400)), None, None),
        (read((1.25, 970), (0.75, 990)), 20, None),
        (read((1.25, 970), (0.74, 990)), None, None),
        (read((1, 990), (0.5, 995)), 10, None),
        (read((1, 990), (0.5, 995), (0, 5)), 10, None),
        (read((0.5, 995), (1, 990)), 10, None),
        (read((1, 1_100), (0.5, 1_050)), 0, None),
        (read((1, 1_000), (0.5, 1_000)), 0, None),
        (read((0.99, 990), (0.5, 995)), None, None),
        (read((1, 990)), None, None),
        ([], None, None),
    ],
)
def test_a_pace_is_read_between_two_readings_at_most_half_its_stretch_apart(
    readings: list[Reading], last_24h: float | None, in_7d: float | None
) -> None:
    told = pace(aged(signature_count=1_000), readings, NOW)
    assert told.last_24h == last_24h
    assert told.last_7d == (in_7d and pytest.approx(in_7d / 7))
    assert told.life == 50


@pytest.mark.parametrize(
    ("changes", "life"),
    [
        ({"opened_at": NOW - HOUR}, 24_000),
        ({"opened_at": NOW - HOUR + MINUTE}, None),
        ({"opened_at": None}, None),
        ({"state": "closed", "closed_at": BORN + 4 * DAY}, 250),
        ({"state": "closed", "closed_at": NOW + 4 * DAY}, 50),
        ({"state": "closed"}, 50),
        ({"closed_at": BORN + 4 * DAY}, 50),
    ],
)
def test_the_pace_of_a_life_is_known_after_an_hour_and_ends_with_it(
    changes: dict[str, Any], life: float | None
) -> None:
    told = pace(aged(signature_count=1_000, **changes), read((1, 900)), NOW).life
    assert told == (life if life is None else pytest.approx(life))


# --- the model ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("power", "rise"),
    [
        (0.0, 4.0),
        (0.5, 2 * (sqrt(8) - sqrt(4))),
        (1.0, log(8) - log(4)),
        (1.5, 2 * (1 / sqrt(4) - 1 / sqrt(8))),
        (2.0, 1 / 4 - 1 / 8),
    ],
)
def test_a_decay_brings_what_its_area_says(power: float, rise: float) -> None:
    decay = _Decay(push=2, power=power, scale=10, misfit=0)
    assert decay.rise(1, 5) == pytest.approx(10 * rise)
    assert decay.rise(5, 5) == 0


@pytest.mark.parametrize(
    ("points", "steps"),
    [
        (read((20, 0), (0, 7)), [(20, 0, 7)]),
        (
            read((20, 0), (9, 1), (8, 3), (4, 6), (2, 10), (1, 15), (0, 21)),
            [(1, 0, 6), (2, 1, 5), (4, 2, 4), (8, 4, 3), (20, 8, 3)],
        ),
        (read((20, 0), (1.5, 4), (0.9, 5), (0.5, 9), (0, 12)), [(1.5, 0, 8), (20, 1.5, 4)]),
        (read((20, 0), (1, 9), (0, 5)), [(1, 0, 0), (20, 1, 9)]),
        # Of a life of two days half a day is a stretch.
        (read((2, 0), (0.6, 3), (0.5, 4), (0.4, 6), (0, 8)), [(0.5, 0, 4), (2, 0.5, 4)]),
        (read((2, 0), (2, 1), (0, 8)), [(2, 0, 7)]),
    ],
)
def test_the_past_is_cut_into_stretches_that_double_from_a_day_on(
    points: list[Reading], steps: list[tuple[float, float, float]]
) -> None:
    assert [tuple(step) for step in _steps(points, NOW)] == steps


@pytest.mark.parametrize(
    ("values", "median"),
    [
        ([(3, 1)], 3),
        ([(1, 1), (2, 1)], 1),
        ([(2, 1), (1, 1), (3, 1)], 2),
        ([(1, 1), (2, 1), (3, 2.5)], 3),
        ([(1, 1), (2, 1), (3, 2)], 2),
        ([(5, 1), (4, 0.5), (3, 0.25)], 5),
    ],
)
def test_the_median_is_the_least_that_half_of_the_weight_does_not_pass(
    values: Sequence[tuple[float, float]], median: float
) -> None:
    assert _weighted_median(values) == median


def test_nothing_has_no_median() -> None:
    with pytest.raises(ValueError, match="no values"):
        _weighted_median([])


def test_each_stretch_counts_three_quarters_of_the_one_after_it_and_at_most_so_much() -> None:
    steps = [_Step(1, 0, 9.5), _Step(3, 1, 19.5), _Step(7, 3, 399.5)]
    even = _fitted(7, 0.0, steps)
    assert (even.push, even.power) == (7, 0.0)
    assert even.scale == pytest.approx(10)
    # The last is ten times as much as the others: no more than 1.1 is held against the model.
    assert even.misfit == pytest.approx(1.1 * 0.5625 / (1 + 0.75 + 0.5625))
    twice = _fitted(7, 0.0, [*steps[:2], _Step(7, 3, 79.5)])
    assert twice.misfit == pytest.approx(log(2) * 0.5625 / 2.3125)
    # What comes before the push is not told at all.
    late = _fitted(3, 0.0, steps)
    assert late.scale == pytest.approx(10)
    assert late.misfit == pytest.approx(1.1 * 0.5625 / 2.3125)


def test_the_decay_that_tells_the_stretches_best_is_taken_and_the_usual_one_if_all_do() -> None:
    assert _fit([_Step(20, 0, 500)])[:2] == (20, 1.0)
    assert _fit([_Step(20, 0, 500)]).misfit == 0
    even = [_Step(1, 0, 100), _Step(2, 1, 100), _Step(4, 2, 200), _Step(8, 4, 400)]
    assert _fit(even)[:2] == (8, 0.0)
    pushed = [_Step(1, 0, 100), _Step(2, 1, 300), _Step(4, 2, 4), _Step(8, 4, 8)]
    assert _fit(pushed)[:2] == (2, 2.0)


def test_a_range_widens_by_a_fixed_share_the_misfit_and_each_doubling_of_the_age() -> None:
    decay = _Decay(push=3, power=0.0, scale=100, misfit=0.1)
    factor = exp(0.25 + 0.1 + 0.45)  # three days ahead double an age of three
    low, high = 300 / factor, 300 * factor
    assert _estimate(50, decay, 3) == Estimate(
        350, 50 + round(low - 1.3 * sqrt(low)), 50 + round(high + 1.3 * sqrt(high))
    )
    assert _estimate(50, decay, 0) == Estimate(50, 50, 50)
    # From five doublings on it widens no more, and an age counts for a quarter of a day at least.
    far = exp(0.25 + 0.1 + 0.45 * 5)
    for push, ahead in ((3, 93), (3, 300), (0, 7.75)):
        rise = 100 * ahead
        high = rise * far
        told = _estimate(0, decay._replace(push=push), ahead)
        assert told.high == round(high + 1.3 * sqrt(high))
    small = decay._replace(scale=0.5)
    assert _estimate(50, small, 1) == Estimate(50, 50, 52)


@pytest.mark.parametrize(
    ("missing", "days"), [(200, 2.0), (1, 0.01), (1_000, 10.0), (1_001, None), (0, 0.0)]
)
def test_how_many_days_it_takes_is_told_to_a_minute_if_it_is_in_time(
    missing: int, days: float | None
) -> None:
    steady = _Decay(push=3, power=0.0, scale=100, misfit=0)
    told = _days_until(missing, steady, 10)
    if days is None:
        assert told is None
    else:
        assert told is not None
        assert 0 <= told - days <= 1 / 1440


@pytest.mark.parametrize(
    ("target", "low", "high", "verdict"),
    [
        (None, 1, 9, "nothing ahead"),
        (100, 100, 120, "likely"),
        (100, 99, 100, "possible"),
        (100, 99, 120, "possible"),
        (100, 90, 99, "unlikely"),
    ],
)
def test_a_verdict_goes_by_both_ends_of_the_range(
    target: int | None, low: int, high: int, verdict: Verdict
) -> None:
    assert _verdict(target, Estimate(95, low, high)) == verdict


# --- looking ahead --------------------------------------------------------------------------------


def test_with_nothing_read_it_slows_by_its_age() -> None:
    told = forecast(aged(signature_count=1_000), [], NOW)
    assert told is not None
    assert told.final == 1_000 + round(1_000.5 / log(21) * log((21 + 19.5) / 21))
    assert told.needed_per_day == pytest.approx(9_000 / 19.5)
    assert (told.threshold, told.threshold_at, told.verdict) == (10_000, None, "unlikely")


@pytest.mark.parametrize(
    ("count", "threshold"),
    [
        (249, 250),
        (250, 10_000),
        (9_999, 10_000),
        (10_000, 100_000),
        (99_999, 100_000),
        (100_000, None),
    ],
)
def test_the_threshold_foretold_is_the_lowest_above_the_count(
    count: int, threshold: int | None
) -> None:
    told = forecast(aged(signature_count=count, referral_threshold=250), [], NOW)
    assert told is not None
    assert told.threshold == threshold
    per_day = None if threshold is None else pytest.approx((threshold - count) / 19.5)
    assert told.needed_per_day == per_day


def test_nothing_is_foretold_in_the_first_hour_nor_from_the_closing_on() -> None:
    assert forecast(aged(opened_at=NOW - HOUR + MINUTE), [], NOW) is None
    assert forecast(aged(opened_at=NOW - HOUR), [], NOW) is not None
    closing = closes_at(aged())
    assert closing is not None
    assert forecast(aged(), [], closing) is None
    assert forecast(aged(), [], closing - MINUTE) is not None
    assert forecast(aged(state="closed"), [], NOW) is None
    assert estimates(aged(opened_at=None), [], NOW, [NOW + DAY]) == []


def test_at_times_that_are_past_the_count_is_as_it_is() -> None:
    told = estimates(aged(signature_count=100), [], NOW, [NOW - DAY, NOW, NOW + DAY])
    assert told[:2] == [Estimate(100, 100, 100)] * 2
    assert told[2].count == 100 + round(100.5 / log(21) * log(22 / 21))


WEEK = read((16, 0), (8, 4_000), (4, 6_500), (2, 8_000), (1, 8_500))
SLOWING = read((16, 2_000), (8, 4_000), (4, 4_500), (2, 4_800), (1, 4_900))
BURST = read((16, 100), (8, 180), (4, 220), (2, 240), (1, 8_000))


@pytest.mark.parametrize(
    ("count", "readings", "told", "hours", "in_a_week"),
    [
        (9_000, WEEK, (17_073, 12_255, 28_752, "likely"), 49.72, (12_213, 10_643, 15_185)),
        (5_000, SLOWING, (6_353, 5_576, 8_083, "unlikely"), None, (5_593, 5_317, 6_072)),
        (9_500, BURST, (12_101, 9_709, 39_284, "possible"), 14.40, (11_601, 9_802, 23_217)),
    ],
    ids=["steady", "slowing", "a burst"],
)
def test_each_way_of_signing_ends_so(
    count: int,
    readings: list[Reading],
    told: tuple[int, int, int, Verdict],
    hours: float | None,
    in_a_week: tuple[int, int, int],
) -> None:
    known = aged(signature_count=count)
    found = forecast(known, readings, NOW)
    assert found is not None
    assert (found.final, found.low, found.high, found.verdict) == told
    at = found.threshold_at
    assert (at and (at - NOW) / HOUR) == (hours and pytest.approx(hours, abs=0.02))
    assert estimates(known, readings, NOW, [NOW + 7 * DAY]) == [Estimate(*in_a_week)]
