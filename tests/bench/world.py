"""A petitions site in virtual time, for comparing ways to watch it. No sockets, no waiting.

2,500 open and 10,000 closed petitions. Open ones are signed at heavy-tailed paces that follow the
hours of the day; the site counts once a minute. Some cross an official threshold or a milestone at
an instant drawn evenly over the run, at a pace drawn evenly over its logarithm from 30 to 10,000 a
day. Other events fall on followed petitions at instants drawn evenly too, far more of them than in
real life, so that there is something to measure. Each address of a petition goes through a cache as
the site documents it: a body counts as fresh for a minute, and for two more the old one is served
while a new one is fetched. Readers' browsers ask for `count.json` three times a signature; lists
are not cached.

Where recorded counts of two great petitions lie beside the repository, two of those followed are
signed as those were, from an instant of the record drawn evenly.
"""

import json
import lzma
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from csv import DictReader
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec import structs

from bot.petitions.petition import Debate, GovernmentResponse, Petition, PetitionRef
from bot.petitions.thresholds import rungs

START = datetime(2026, 3, 2, tzinfo=UTC)
ROWS = 50
RECORDED = Path(__file__).parents[3] / "shared" / "data" / "series"
MONTH = 30 * 86_400.0
MAX_AGE = 60.0
STALE_FOR = 120.0

OPEN, CLOSED = 2_500, 10_000
RESPONSE, DEBATE = 10_000, 100_000

# What lists tell, what only a petition's own body tells, and what makes it leave the lists.
LISTED = ("response", "revision", "debate date", "debate outcome", "note")
HIDDEN = ("business", "closed", "removed")
OPENED = "opened"


@cache
def recorded() -> Sequence[tuple[np.ndarray, np.ndarray]]:
    """Seconds and counts of each recorded petition's first month; none without the records."""
    series = [np.array(list(read(RECORDED))) for read in (_from_samples, _from_bodies)]
    months = [one[one[:, 0] < one[0, 0] + MONTH] for one in series if one.size]
    return [(month[:, 0], month[:, 1]) for month in months]


def _from_samples(folder: Path) -> Iterator[tuple[float, int]]:
    path = folder / "131215" / "samples.csv"
    if path.is_file():
        for row in DictReader(path.read_text().splitlines()):
            yield _seconds(row["sampled_at"]), int(row["signature_count"])


def _from_bodies(folder: Path) -> Iterator[tuple[float, int]]:
    path = folder / "722903" / "attributes-no-breakdowns.jsonl.xz"
    if path.is_file():
        with lzma.open(path) as lines:
            for line in lines:
                sample = json.loads(line)
                count = sample["body"]["data"]["attributes"]["signature_count"]
                yield _seconds(sample["sampled_at"]), count


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


class Happening(NamedTuple):
    """Something that a follower wants to hear: visible at the site from `at`, in seconds."""

    at: float
    id: int
    kind: str
    number: int = 0


class World:
    """The site, and what happens on it to the petitions that are followed.

    So many of these are `opening`: they are not there before an instant drawn evenly too.
    """

    def __init__(self, followed: int, hours: float, seed: int, opening: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.seconds = hours * 3600
        self.minutes = int(hours * 60) + 2
        self.phase = float(self.rng.uniform(0, 60))
        n_open = max(1, round(followed * 0.8))
        start, pace = self._population()
        attention = np.sqrt(start)
        chosen = self.rng.choice(
            OPEN, min(OPEN, n_open), replace=False, p=attention / attention.sum()
        )
        self.open = [int(id_) + 1 for id_ in chosen]
        self.closed = [OPEN + 1 + index for index in range(followed - len(self.open))]
        self.followed = [*self.open, *self.closed]
        crossing = self._crossing(pace)
        self.counts = self._counts(start, pace, crossing)
        self.pace = pace
        lived = self._as_recorded([id_ for id_ in self.open if id_ not in crossing])
        happenings = list(self._drawn({*crossing, *lived}))
        busy = {*crossing, *lived, *(happening.id for happening in happenings)}
        happenings += self._opening(opening, [id_ for id_ in self.open if id_ not in busy])
        self._born = np.full(OPEN + 1, -np.inf)
        for happening in happenings:
            if happening.kind == OPENED:
                self._born[happening.id] = happening.at
        reached = [one for one in self._reached() if one.at > self._born[one.id]]
        self.happenings = sorted([*happenings, *reached])
        self._versions = self._written()
        self._gone = {h.id: h.at for h in self.happenings if h.kind == "removed"}
        self._ended = np.full(OPEN + 1, np.inf)
        for happening in self.happenings:
            if happening.kind in {"closed", "removed"} and happening.id <= OPEN:
                self._ended[happening.id] = happening.at
        self._order: tuple[int, list[int]] = (-1, [])

    # --- drawing it

    def _population(self) -> tuple[np.ndarray, np.ndarray]:
        start = np.exp(self.rng.normal(np.log(100), 2.3, OPEN)).clip(6, 3e6)
        age_days = self.rng.uniform(2, 180, OPEN)
        pace = start / age_days * np.exp(self.rng.normal(-0.7, 1.0, OPEN)) / 86_400
        return start.astype(np.int64), pace

    def _crossing(self, pace: np.ndarray) -> dict[int, int]:
        """Who crosses which number, by id; their paces are drawn anew."""
        chosen = self.rng.permutation(self.open)[: max(3, min(60, len(self.open) // 3))]
        for id_ in chosen:
            pace[id_ - 1] = 10 ** self.rng.uniform(1.5, 4) / 86_400
        numbers = (RESPONSE, RESPONSE, DEBATE, 25_000)
        return {int(id_): numbers[i % 4] for i, id_ in enumerate(chosen)}

    def _counts(self, start: np.ndarray, pace: np.ndarray, crossing: dict[int, int]) -> np.ndarray:
        hours = np.arange(self.minutes) / 60 % 24
        day = 1 + 0.8 * np.sin((hours - 9) / 24 * 2 * np.pi)
        gained = self.rng.poisson(np.outer(day, pace * 60)).cumsum(axis=0)
        for id_, number in crossing.items():
            minute = int(self.rng.uniform(0.02, 0.98) * self.minutes)
            start[id_ - 1] = number - max(1, gained[minute, id_ - 1])
        return (start + gained).astype(np.int64)

    def _as_recorded(self, free: Sequence[int]) -> Sequence[int]:
        """Who is signed as real petitions were."""
        chosen = free[: len(recorded())]
        for id_, (moments, counts) in zip(chosen, recorded(), strict=False):
            begin = self.rng.uniform(moments[0], max(moments[0] + 1, moments[-1] - self.seconds))
            lived = np.interp(begin + np.arange(self.minutes) * 60.0, moments, counts)
            self.counts[:, id_ - 1] = np.maximum.accumulate(lived.astype(np.int64))
            gained = self.counts[-1, id_ - 1] - self.counts[0, id_ - 1]
            self.pace[id_ - 1] = max(1.0, gained) / self.seconds
        return chosen

    def _drawn(self, busy: set[int]) -> Iterator[Happening]:
        """The events besides numbers, each on a followed petition that has no other.

        Where few are followed they do not suffice for every kind in every world.
        """
        free_open = [i for i in self.rng.permutation(self.open).tolist() if i not in busy]
        free_closed = self.rng.permutation(self.closed).tolist()
        each = max(1, min(20, len(free_open) // 10))
        for kind in self.rng.permutation([*LISTED, *HIDDEN]).tolist():
            for turn in range(each):
                pool = free_closed if turn % 3 == 0 and kind != "closed" else free_open
                if pool := pool or free_open:
                    yield Happening(float(self.rng.uniform(0, self.seconds)), pool.pop(), kind)

    def _opening(self, how_many: int, free: Sequence[int]) -> Iterator[Happening]:
        chosen = self.rng.choice(free, how_many, replace=False) if how_many else ()
        for id_ in chosen:
            yield Happening(float(self.rng.uniform(0, self.seconds)), int(id_), OPENED)

    def _reached(self) -> Iterator[Happening]:
        for id_ in self.open:
            counts = self.counts[:, id_ - 1]
            for number in rungs():
                if number > counts[-1]:
                    break
                if number > counts[0]:
                    minute = int(np.searchsorted(counts, number))
                    kind = "threshold" if number in {RESPONSE, DEBATE} else "milestone"
                    yield Happening(minute * 60.0 - self.phase, id_, kind, number)

    def _written(self) -> dict[int, list[tuple[float, Petition]]]:
        """Every followed petition's texts, by when they changed."""
        versions: dict[int, list[tuple[float, Petition]]] = {}
        for id_ in self.followed:
            versions[id_] = [(-1.0, self._first(id_))]
        for happening in self.happenings:
            last = versions[happening.id][-1][1]
            if happening.kind not in {"threshold", "milestone"}:
                versions[happening.id].append((happening.at, _after(last, happening)))
        return versions

    def _first(self, id_: int) -> Petition:
        kinds = [h.kind for h in self.happenings if h.id == id_]
        called_for = "response" in kinds
        to_debate = "debate date" in kinds or "debate outcome" in kinds
        long_ago = START - timedelta(days=60)
        born = self._born[id_] if id_ <= OPEN else -np.inf
        opened_at = START + timedelta(seconds=float(born)) if born >= 0 else long_ago
        return Petition(
            ref=PetitionRef("uk", id_),
            url="",
            action=f"Petition {id_}",
            state="open" if id_ <= OPEN else "closed",
            signature_count=self._count(id_, 0),
            response_threshold=RESPONSE,
            debate_threshold=DEBATE,
            opened_at=opened_at,
            updated_at=START,
            response_threshold_reached_at=long_ago if called_for else None,
            debate_threshold_reached_at=long_ago if to_debate else None,
            scheduled_debate_date=date(2026, 3, 1) if "debate outcome" in kinds else None,
            government_response=GovernmentResponse("Old words.") if "revision" in kinds else None,
        )

    # --- reading it

    def _count(self, id_: int, at: float) -> int:
        if id_ > OPEN:
            return 12_000
        return int(self.counts[self._minute(at), id_ - 1])

    def _minute(self, at: float) -> int:
        """How often the site has counted by then."""
        return min(int((at + self.phase) // 60), self.minutes - 1)

    def petition(self, id_: int, at: float) -> Petition | None:
        """A petition's own body as the site had it at an instant; None while it is not there."""
        if at >= self._gone.get(id_, np.inf) or (id_ <= OPEN and at < self._born[id_]):
            return None
        versions = self._versions[id_]
        index = bisect_right(versions, at, key=lambda version: version[0]) - 1
        return structs.replace(versions[index][1], signature_count=self._count(id_, at))

    def page(self, facet: str, number: int, at: float) -> dict[int, int]:
        """The counts on a page of a list, by id, in the list's order."""
        ids: Sequence[int]
        if facet == "open":
            ids = self._ranked(at)
        elif facet == "recent":
            opened = [h.id for h in self.happenings if h.at <= at and h.kind == OPENED]
            ids = opened[::-1]
        elif facet == "closed":
            ids = range(OPEN + 1, OPEN + CLOSED + 1)
        else:
            kinds = {
                "with_response": "response",
                "awaiting_debate": "debate date",
                "debated": "debate outcome",
            }
            news = [h.id for h in self.happenings if h.at <= at and h.kind == kinds[facet]]
            ids = news[::-1]
        rows = ids[(number - 1) * ROWS : number * ROWS]
        return {id_: self._count(id_, at) for id_ in rows if at < self._gone.get(id_, np.inf)}

    def last_hour(self, at: float) -> dict[int, int]:
        """The ten petitions that were signed most in the last hour, and how often."""
        minute = self._minute(at)
        gained = self.counts[minute] - self.counts[max(0, minute - 60)]
        there = (self._born[1:] <= at) & (self._ended[1:] > at)
        best = np.argsort(-np.where(there, gained, -1), kind="stable")[:10]
        return {int(index) + 1: int(gained[index]) for index in best}

    def _ranked(self, at: float) -> list[int]:
        minute = self._minute(at)
        if self._order[0] != minute:
            order = np.argsort(-self.counts[minute], kind="stable") + 1
            self._order = (
                minute,
                order[(self._ended[order] > at) & (self._born[order] <= at)].tolist(),
            )
        return self._order[1]


class Cache:
    """What stands between us and the site: the instant of the body that is served."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stored: dict[tuple[str, int], float] = {}

    def own(self, id_: int, now: float) -> float:
        """As of when a petition's own body is served."""
        return self._serve(("own", id_), now)

    def counts(self, id_: int, now: float) -> float:
        """As of when a petition's `count.json` is served; browsers ask for it all the time."""
        key = ("counts", id_)
        if id_ <= OPEN:
            others = now - self._world.rng.exponential(1 / (3 * self._world.pace[id_ - 1]))
            if others - self._stored.get(key, -np.inf) > MAX_AGE:
                self._stored[key] = others
        return self._serve(key, now)

    def _serve(self, key: tuple[str, int], now: float) -> float:
        stored = self._stored.get(key, -np.inf)
        age = now - stored
        if age <= MAX_AGE:
            return stored
        self._stored[key] = now
        return stored if age <= MAX_AGE + STALE_FOR else now


def _after(petition: Petition, happening: Happening) -> Petition:
    """What a petition looks like once something has happened to it."""
    when = START + timedelta(seconds=happening.at)
    changed = structs.replace(petition, updated_at=when)
    match happening.kind:
        case "response":
            return structs.replace(changed, government_response=GovernmentResponse("Words."))
        case "revision":
            return structs.replace(changed, government_response=GovernmentResponse("New words."))
        case "debate date":
            return structs.replace(changed, scheduled_debate_date=date(2026, 4, 1))
        case "debate outcome":
            return structs.replace(changed, debate=Debate(date(2026, 3, 1)))
        case "note":
            return structs.replace(changed, committee_note="A note.")
        case "closed":
            return structs.replace(changed, state="closed", closed_at=when)
        case _:
            return changed
