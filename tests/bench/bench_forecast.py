"""How far forecasts lie from what came, against a straight line; recorded and generated petitions.

Each series is cut at several points; what came before is told to the forecast, what came after is
held out. The peer extends the last day's rate. Errors are logarithms of estimated over true rise.
"""

import csv
import json
import lzma
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import exp, log
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

from bot.demo.story import COUNTS
from bot.petitions.forecast import estimates, pace
from bot.petitions.petition import Petition, PetitionRef, Reading

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "series"
CUTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
DAY = timedelta(days=1)


class Series(NamedTuple):
    """A petition's counts while it could be signed, and when it opened."""

    name: str
    opened_at: datetime
    readings: Sequence[Reading]


class Trial(NamedTuple):
    """One cut: the errors of the forecast and of its peer, and whether the range held."""

    ours: float
    peer: float
    inside: bool
    width: float


def generated(seed: int, petitions: int = 150) -> Iterator[Series]:
    """Invented petitions: a decaying start, pushes of Pareto size at random days, nights, noise."""
    rng = random.Random(seed)  # noqa: S311 (not a secret: the same petitions every time)
    opened = datetime(2025, 1, 6, 14, tzinfo=UTC)
    for number in range(petitions):
        yield Series(f"generated {number}", opened, _invented(rng, opened))


def _invented(rng: random.Random, opened: datetime) -> list[Reading]:
    size = 10 ** rng.uniform(1.3, 4.5)
    pushes = [(0.0, size, rng.uniform(0.8, 2.0))]
    others = min(6, int(rng.expovariate(1 / 1.5)))
    pushes += [
        (rng.uniform(1, 180), size * rng.paretovariate(1.2) / 4, rng.uniform(0.8, 2.0))
        for _ in range(others)
    ]
    steady = size * 10 ** rng.uniform(-3.5, -2)
    count, readings = 0.0, [Reading(opened, 0)]
    for hour in range(6, 182 * 24, 6):
        rate = steady + sum(_push_rate(hour / 24 - at, s, p) for at, s, p in pushes)
        by_day = 0.3 if hour % 24 < 12 else 1.7
        expected = rate / 4 * by_day * rng.lognormvariate(0, 0.3)
        count += max(0.0, rng.gauss(expected, expected**0.5))
        readings.append(Reading(opened + timedelta(hours=hour), int(count)))
    return readings


def _push_rate(age: float, size: float, power: float) -> float:
    return 0.0 if age < 0 else size / 3 * (1 + age / 2) ** -power


def recorded() -> Iterator[Series]:
    """Real petitions: the one of the demo, and those recorded where they are at hand."""
    yield Series("300239", COUNTS[0][0], [Reading(at, count) for at, count in COUNTS])
    counts = RECORDED / "131215" / "samples.csv"
    if counts.is_file():
        rows = list(csv.reader(counts.read_text().splitlines()))[1:]
        readings = [Reading(datetime.fromisoformat(at), int(count)) for at, count in rows]
        yield Series("131215", datetime(2016, 5, 25, 9, tzinfo=UTC), readings)
    bodies = RECORDED / "722903" / "attributes-no-breakdowns.jsonl.xz"
    if bodies.is_file():
        yield _from_bodies("722903", bodies)


def _from_bodies(name: str, path: Path) -> Series:
    readings, opened = [], ""
    with lzma.open(path, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            attributes = row["body"]["data"]["attributes"]
            if attributes["state"] != "open":
                break
            opened = attributes["opened_at"]
            at = datetime.fromisoformat(row["sampled_at"])
            readings.append(Reading(at, attributes["signature_count"]))
    return Series(name, datetime.fromisoformat(opened), readings)


def trial(series: Series, cut: float) -> Trial | None:
    """Hold out what came after the cut; None where nothing came, or nothing is known before it."""
    first, last = series.readings[0], series.readings[-1]
    now = first.at + cut * (last.at - first.at)
    known = bisect_right(series.readings, now, key=lambda reading: reading.at)
    told, present = series.readings[:known], series.readings[known - 1]
    petition = _petition(series, present)
    came = last.signature_count - present.signature_count
    guesses = estimates(petition, told, present.at, [last.at])
    if not guesses or came < 5:
        return None
    (guess,) = guesses
    straight = _last_rate(petition, told, present.at) * ((last.at - present.at) / DAY)
    return Trial(
        ours=_error(guess.count - present.signature_count, came),
        peer=_error(straight, came),
        inside=guess.low <= last.signature_count <= guess.high,
        width=log(
            (guess.high - present.signature_count + 1) / (guess.low + 1 - present.signature_count)
        ),
    )


def _petition(series: Series, present: Reading) -> Petition:
    return Petition(
        ref=PetitionRef("uk", 1),
        url="",
        action=series.name,
        state="open",
        signature_count=present.signature_count,
        opened_at=series.opened_at,
    )


def _last_rate(petition: Petition, told: Sequence[Reading], now: datetime) -> float:
    """Signatures a day in the last day, or since the reading before where they are sparse."""
    rate = pace(petition, told, now).last_24h
    if rate is not None or len(told) < 2:
        return rate or 0.0
    before, last = told[-2:]
    return (last.signature_count - before.signature_count) / ((last.at - before.at) / DAY)


def _error(rise: float, came: int) -> float:
    return abs(log((rise + 1) / (came + 1)))


def trials(every: Sequence[Series], cuts: Sequence[float] = CUTS) -> list[Trial]:
    """All trials that can be made of the series."""
    return [made for one in every for cut in cuts if (made := trial(one, cut)) is not None]


def report(name: str, made: Sequence[Trial]) -> None:
    """One line: typical error factors, their ratio, how often the range held, how wide it was."""
    ours, peer = median(t.ours for t in made), median(t.peer for t in made)
    far, peer_far = mean(t.ours for t in made), mean(t.peer for t in made)
    print(
        f"{name:22} {len(made):4} cuts   error x{exp(ours):5.2f} median x{exp(far):5.2f} mean"
        f"   straight line x{exp(peer):5.2f} x{exp(peer_far):5.2f}"
        f"   ours/line {ours / peer:4.2f} {far / peer_far:4.2f}"
        f"   inside the range {mean(t.inside for t in made):4.0%}"
        f"   range x{exp(median(t.width for t in made)):4.1f} wide"
    )


def main() -> None:
    """Print the errors for each recorded petition, for all, and for the generated ones."""
    real = list(recorded())
    for one in real:
        report(f"{one.name}, second half", trials([one], (0.5,)))
        report(f"{one.name}, six cuts", trials([one]))
    report("recorded, all", trials(real))
    report("generated", trials(list(generated(seed=20))))


if __name__ == "__main__":
    main()
