"""Readings -> how fast a petition is signed, where it ends, when the next threshold falls (pure).

Signing decays: most of it happens in the days after something made the petition known. The curve
after such a push is well told by a rate of k / (age + 1)^p, ages in days since the push. The push
and p are looked for on a small grid, scored by how far the logarithms of the observed increments
lie from the model's; a stretch the model cannot tell costs a fixed price, so neither an older push
nor a burst of a day drags the rest. The range is as wide as the fit was poor and the way is long.
Rates are signatures a day; instants are aware.
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import exp, log, log1p, sqrt
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from bot.local_time import LONDON_ZONE
from bot.petitions.parliaments import description_of
from bot.petitions.petition import Petition, Reading
from bot.petitions.thresholds import thresholds_ahead

DAY = timedelta(days=1)

Verdict: TypeAlias = Literal["likely", "possible", "unlikely", "nothing ahead"]


class Pace(Struct, frozen=True):
    """The rates of signing, in signatures a day; None where we have not looked long enough."""

    last_24h: float | None
    last_7d: float | None
    life: float | None


class Estimate(Struct, frozen=True):
    """A count to come, and the range it falls into four times out of five."""

    count: int
    low: int
    high: int


class Forecast(Struct, frozen=True):
    """A forecast of a petition's final count, and of the next official threshold ahead of it.

    `low` and `high` bound the final count four times out of five. `threshold` is None when none is
    ahead; `threshold_at` is None when the estimate stays below it; `needed_per_day` is how many
    signatures a day would reach it by closing. The verdict is `likely` when even the low end
    reaches it, `unlikely` when not even the high end does.
    """

    final: int
    low: int
    high: int
    threshold: int | None
    threshold_at: datetime | None
    needed_per_day: float | None
    verdict: Verdict


# --- what is known -------------------------------------------------------------------------------


def closes_at(petition: Petition) -> datetime | None:
    """Return the instant its time runs out, or ran out; None where it has no end of its own.

    It is as the site says, else the site's months from when it opened.
    """
    if petition.closed_at is not None:
        return petition.closed_at
    if petition.closing_date is not None:
        return _end_of(petition.closing_date)
    months = description_of(petition).months_open
    if months is None or not petition.is_open or petition.opened_at is None:
        return None
    return _end_of(months_later(petition.opened_at.astimezone(LONDON_ZONE).date(), months))


def _end_of(day: date) -> datetime:
    return datetime.combine(day + DAY, time(), LONDON_ZONE).astimezone(UTC)


def months_later(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day if it is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def told_by_itself(petition: Petition, now: datetime) -> list[Reading]:
    """Return the counts that its own timestamps prove, oldest first, its last count last."""
    if petition.opened_at is None:
        return []
    points = [Reading(petition.opened_at, 0)]
    reached = (
        (petition.referral_threshold_reached_at, petition.referral_threshold),
        (petition.response_threshold_reached_at, petition.response_threshold),
        (petition.debate_threshold_reached_at, petition.debate_threshold),
    )
    for at, number in reached:
        # After a recount the flag can stand for more signatures than there are.
        if at and number and points[-1].at < at and number <= petition.signature_count:
            points.append(Reading(at, number))
    last = now if petition.is_open else min(petition.closed_at or now, now)
    points = [point for point in points if point.at < last]
    return [*points, Reading(last, petition.signature_count)]


def curve(petition: Petition, readings: Sequence[Reading], now: datetime) -> list[Reading]:
    """Return all that is known of the count until `now`, oldest first.

    The petition's own timestamps come first, then the readings; the last point is its present
    count.
    """
    own = told_by_itself(petition, now)
    if not own:
        return []
    seen = sorted((r for r in readings if r.at < own[-1].at), key=lambda reading: reading.at)
    if not seen:
        return own
    return [*(point for point in own[:-1] if point.at < seen[0].at), *seen, own[-1]]


# --- pace ----------------------------------------------------------------------------------------


def pace(petition: Petition, readings: Sequence[Reading], now: datetime) -> Pace:
    """Measure how fast the petition is signed now, and was over its whole life."""
    present = Reading(now, petition.signature_count)
    seen = [*sorted((r for r in readings if r.at < now), key=lambda r: r.at), present]
    is_open = petition.is_open
    return Pace(
        last_24h=_rate_over(DAY, seen) if is_open else None,
        last_7d=_rate_over(7 * DAY, seen) if is_open else None,
        life=_life_rate(petition, now),
    )


def _rate_over(window: timedelta, seen: Sequence[Reading]) -> float | None:
    """Return signatures a day in the window; None if nothing was read near its beginning."""
    start = seen[-1].at - window
    after = bisect_right(seen, start, key=lambda reading: reading.at)
    if after == 0 or seen[after].at - seen[after - 1].at > window / 2:
        return None
    rise = seen[-1].signature_count - _count_at(start, seen[after - 1], seen[after])
    return max(0.0, rise) / (window / DAY)


def _count_at(at: datetime, before: Reading, after: Reading) -> float:
    share = (at - before.at) / (after.at - before.at)
    return before.signature_count + share * (after.signature_count - before.signature_count)


def _life_rate(petition: Petition, now: datetime) -> float | None:
    if petition.opened_at is None:
        return None
    until = now if petition.is_open else min(petition.closed_at or now, now)
    age = (until - petition.opened_at) / DAY
    return petition.signature_count / age if age >= 1 / 24 else None


# --- the model -----------------------------------------------------------------------------------


class _Step(NamedTuple):
    """A stretch of the curve: the days before now when it begins and ends, and what it brought."""

    begins: float
    ends: float
    rise: float


class _Decay(NamedTuple):
    """A rate of `scale` / (age + 1)^`power`, ages in days since a push `push` days before now."""

    push: float
    power: float
    scale: float
    misfit: float

    def rise(self, begins: float, ends: float) -> float:
        """Return the signatures that come between two moments, in days after now."""
        return self.scale * _area(self.push + begins, self.push + ends, self.power)


# The shortest stretch looked at: a whole day, so that nights do not pass for decay.
_FIRST_STEP = 1.0
_POWERS = (0.0, 0.5, 1.0, 1.5, 2.0)
_USUAL_POWER = 1.0
# The price of differing from the usual decay, for a fit on few steps.
_UNUSUAL = 0.2
# The most a single step can count against a model, as a logarithm: a factor of about three.
_WORST = 1.1
# Each step further back says less about what comes.
_FADING = 0.75
# The logarithm of the factor by which recorded and generated petitions ended at most beside their
# forecasts, four times out of five: at once, and for each doubling of the way ahead.
_SPREAD = 0.25
_SPREAD_PER_DOUBLING = 0.45
_MOST_DOUBLINGS = 5.0


def _area(begins: float, ends: float, power: float) -> float:
    if power == 1:
        return log1p(ends) - log1p(begins)
    rest = 1 - power
    return float(((1 + ends) ** rest - (1 + begins) ** rest) / rest)


def _steps(points: Sequence[Reading], now: datetime) -> list[_Step]:
    """Cut the curve into stretches, newest first, each reaching back twice as far as the last."""
    steps: list[_Step] = []
    later, span = points[-1], (now - points[0].at) / DAY
    least = min(_FIRST_STEP, span / 4)
    for point in reversed(points[:-1]):
        begins, ends = (now - point.at) / DAY, max(0.0, (now - later.at) / DAY)
        if begins >= max(least, 2 * ends) or point is points[0]:
            rise = max(0, later.signature_count - point.signature_count)
            steps.append(_Step(begins, ends, rise))
            later = point
    return [step for step in steps if step.begins > step.ends]


def _fit(steps: Sequence[_Step]) -> _Decay:
    """Find the decay that tells the steps best."""
    pushes = sorted({step.begins for step in steps})
    return min(
        (_fitted(push, power, steps) for push in pushes for power in _POWERS),
        key=lambda decay: (
            decay.misfit + (_UNUSUAL * abs(decay.power - _USUAL_POWER) / sqrt(len(steps)))
        ),
    )


def _fitted(push: float, power: float, steps: Sequence[_Step]) -> _Decay:
    """Fit the scale: the weighted median of what the steps since the push call for."""
    told = [step for step in steps if step.begins <= push]
    calls = [
        (log(step.rise + 0.5) - log(_area(push - step.begins, push - step.ends, power)), weight)
        for step, weight in zip(told, _weights(), strict=False)
    ]
    middle = _weighted_median(calls)
    total = sum(weight for _, weight in zip(steps, _weights(), strict=False))
    poor = sum(weight * min(_WORST, abs(call - middle)) for call, weight in calls)
    untold = total - sum(weight for _, weight in calls)
    return _Decay(push, power, exp(middle), (poor + _WORST * untold) / total)


def _weights() -> Iterator[float]:
    weight = 1.0
    while True:
        yield weight
        weight *= _FADING


def _weighted_median(values: Sequence[tuple[float, float]]) -> float:
    ordered = sorted(values)
    half = sum(weight for _, weight in ordered) / 2
    passed = 0.0
    for value, weight in ordered:
        passed += weight
        if passed >= half:
            return value
    raise ValueError("no values")


# --- looking ahead -------------------------------------------------------------------------------


def _decay(petition: Petition, readings: Sequence[Reading], now: datetime) -> _Decay | None:
    """Fit a decay to what is known; None in the first hour, and when it never opened."""
    points = curve(petition, readings, now)
    if not points or now - points[0].at < DAY / 24:
        return None
    return _fit(_steps(points, now))


def estimates(
    petition: Petition, readings: Sequence[Reading], now: datetime, times: Sequence[datetime]
) -> list[Estimate]:
    """Estimate the counts at these times from now on; empty when too little is known."""
    decay = _decay(petition, readings, now)
    if decay is None:
        return []
    aheads = [max(0.0, (at - now) / DAY) for at in times]
    return [_estimate(petition.signature_count, decay, ahead) for ahead in aheads]


def _estimate(count: int, decay: _Decay, ahead: float) -> Estimate:
    rise = decay.rise(0, ahead)
    doublings = min(_MOST_DOUBLINGS, log(1 + ahead / max(decay.push, 0.25)) / log(2))
    factor = exp(_SPREAD + decay.misfit + _SPREAD_PER_DOUBLING * doublings)
    # Even at a steady rate a count scatters by its square root.
    low, high = rise / factor, rise * factor
    low, high = low - 1.3 * sqrt(low), high + 1.3 * sqrt(high)
    return Estimate(count + round(rise), count + max(0, round(low)), count + round(high))


def forecast(petition: Petition, readings: Sequence[Reading], now: datetime) -> Forecast | None:
    """Forecast how it ends; None when not open, in its first hour, or without a known end."""
    closing = closes_at(petition)
    decay = _decay(petition, readings, now) if petition.is_open else None
    if closing is None or decay is None or closing <= now:
        return None
    ahead = (closing - now) / DAY
    count = petition.signature_count
    end = _estimate(count, decay, ahead)
    target = min(thresholds_ahead(petition), default=None)
    days = _days_until(target - count, decay, ahead) if target else None
    return Forecast(
        final=end.count,
        low=end.low,
        high=end.high,
        threshold=target,
        threshold_at=None if days is None else now + days * DAY,
        needed_per_day=(target - count) / ahead if target else None,
        verdict=_verdict(target, end),
    )


def _days_until(missing: int, decay: _Decay, ahead: float) -> float | None:
    """Find the days until the model brings `missing` signatures; None if not by `ahead`."""
    if decay.rise(0, ahead) < missing:
        return None
    early, late = 0.0, ahead
    while late - early > 1 / 1440:
        middle = (early + late) / 2
        early, late = (middle, late) if decay.rise(0, middle) < missing else (early, middle)
    return late


def _verdict(target: int | None, end: Estimate) -> Verdict:
    if target is None:
        return "nothing ahead"
    if end.low >= target:
        return "likely"
    return "possible" if end.high >= target else "unlikely"
