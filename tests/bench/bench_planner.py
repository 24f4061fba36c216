"""How late each way of watching a site is, on the same worlds and the same budget.

    python tests/bench/bench_planner.py [hours [followed ...]]

Delay runs from the instant the site itself shows something to the instant a watcher has it, and
half a second for fetching and committing is added. What a cache holds back counts as delay.
"""

import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import cycle
from statistics import fmean
from typing import NamedTuple

import numpy as np
from world import (
    CLOSED,
    HIDDEN,
    LISTED,
    OPEN,
    OPENED,
    ROWS,
    START,
    Cache,
    Happening,
    World,
    recorded,
)

from bot.petitions.observe import is_news, with_counts
from bot.petitions.petition import Counts, Petition
from bot.petitions.thresholds import is_settled
from bot.polling.outlook import Limits, Numbers, Outlook, Request, Whole, bound
from bot.polling.planner import plan
from bot.polling.poller import Budget
from bot.polling.site_lists import TRENDING, ListPage

LIMITS = Limits(interval=60.0, requests_per_minute=60)
TICK = 5.0
COMMITTED_AFTER = 0.5
FEED_CYCLE = 600.0

NUMBERS = ("threshold", "milestone")
NEWS = {"with_response": "response", "awaiting_debate": "debate date", "debated": "debate outcome"}
GROUPS: Mapping[str, Sequence[str]] = {
    "thresholds": ("threshold",),
    "milestones": ("milestone",),
    "responses, debates": tuple(NEWS.values()),
    "revisions, notes": ("revision", "note"),
    "closed, removed, business": HIDDEN,
}

# What a petition met for the first time tells of itself by its dates, and what rules listen to.
DATED = ("threshold", *NEWS.values(), OPENED)
GROUPS_OF_RULES: Mapping[str, Sequence[str]] = {
    "everything passing a threshold": ("threshold",),
    "every milestone": ("milestone",),
    "all government responses and debate": tuple(NEWS.values()),
    "new petitions": (OPENED,),
    "everything that closes": ("closed",),
}
# The first reading of all lists takes a while, and is silent.
FIRST_SIGHT = 900.0


class Ears:
    """What a watcher has heard, and how late."""

    def __init__(self, world: World) -> None:
        self.waiting: dict[int, list[Happening]] = defaultdict(list)
        self.delays: dict[Happening, float] = {}
        for happening in world.happenings:
            self.waiting[happening.id].append(happening)

    def hear(self, id_: int, kinds: Iterable[str], as_of: float, now: float) -> None:
        """A body as of some instant told all it has to tell of these kinds."""
        if id_ not in self.waiting:
            return
        heard = [h for h in self.waiting[id_] if h.at <= as_of and h.kind in kinds]
        for happening in heard:
            self.waiting[id_].remove(happening)
            self.delays[happening] = now - happening.at + COMMITTED_AFTER


class Watcher:
    """A way of watching; `step` makes at most so many requests and says how many it made."""

    def __init__(self, world: World) -> None:
        self.world, self.cache, self.ears = world, Cache(world), Ears(world)
        self.gone: set[int] = set()

    def step(self, tokens: int, now: float) -> int:
        raise NotImplementedError

    def own_body(self, id_: int, now: float) -> Petition | None:
        """Ask for a petition's own body; that it is gone is believed at the second look."""
        as_of = self.cache.own(id_, now)
        body = self.world.petition(id_, as_of)
        if body is not None:
            self.ears.hear(id_, (*NUMBERS, *LISTED, *HIDDEN), as_of, now)
        elif id_ in self.gone:
            self.ears.hear(id_, ("removed",), as_of, now)
        else:
            self.gone.add(id_)
        return body

    def list_page(self, facet: str, number: int, now: float) -> None:
        """Believe all a page tells; a closed petition is taken to top the list of closed ones."""
        for id_ in self.world.page(facet, number, now):
            self.ears.hear(id_, (*NUMBERS, *LISTED, OPENED), now, now)
        if (facet, number) == ("closed", 1):
            for id_ in self.world.open:
                self.ears.hear(id_, ("closed",), now, now)


class Planned(Watcher):
    """The bot's own plan."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.outlook = Outlook(LIMITS)
        self.asked: Counter[str] = Counter()
        self.known: dict[int, Petition] = {}
        for id_ in world.followed:
            petition = world.petition(id_, 0.0)
            assert petition is not None
            self.known[id_] = petition
            self.outlook.learn(petition, 0.0, 0.0, START)

    def step(self, tokens: int, now: float) -> int:
        requests = plan(self.outlook, tokens, now)
        for request in requests:
            self.asked[type(request).__name__] += 1
            self.ask(request, now)
        return len(requests)

    def ask(self, request: Request, now: float) -> None:
        match request:
            case Whole(id=id_):
                self.look(id_, now)
            case Numbers(id=id_):
                self.count(id_, now)
            case ListPage():
                self.read(request, now)

    def look(self, id_: int, now: float) -> None:
        is_first = id_ not in self.gone
        body = self.own_body(id_, now)
        if body is None:
            self.outlook.saw_nothing_new(id_, now, suspect=is_first)
            return
        if self.outlook.is_ahead(id_, now):
            body = with_counts(body, self.known[id_])
        self.known[id_] = body
        self.outlook.saw_whole(body, now)

    def count(self, id_: int, now: float) -> None:
        as_of = self.cache.counts(id_, now)
        body = self.world.petition(id_, as_of)
        if body is None:
            self.outlook.saw_numbers(id_, None, now)
            return
        self.ears.hear(id_, NUMBERS, as_of, now)
        self.known[id_] = with_counts(self.known[id_], Counts(body.signature_count))
        self.outlook.saw_numbers(id_, self.known[id_], now)

    def read(self, page: ListPage, now: float) -> None:
        counts = self.world.page(page.facet, page.number, now)
        self.outlook.saw_page(page, counts, now)
        for id_ in counts.keys() & self.known.keys():
            row = self.world.petition(id_, now)
            known = self.known[id_]
            if row is None:
                continue
            suspect = row.updated_at != known.updated_at and is_news(known, row)
            self.ears.hear(id_, NUMBERS, now, now)
            self.known[id_] = with_counts(known, row)
            self.outlook.saw_listed(
                self.known[id_], now, suspect=suspect, updated_at=row.updated_at
            )


class PlannedForRules(Planned):
    """The bot's own plan where nobody follows anything and rules listen to all there is."""

    def __init__(self, world: World) -> None:
        Watcher.__init__(self, world)
        self.outlook = Outlook(LIMITS)
        self.outlook.plan_for_rules(for_rules=True)
        self.asked: Counter[str] = Counter()
        self.known: dict[int, Petition] = {}

    def look(self, id_: int, now: float) -> None:
        super().look(id_, now)
        if is_settled(self.known[id_]):
            self.outlook.follow_only(self.outlook.prospects.keys() - {id_})

    def read(self, page: ListPage, now: float) -> None:
        if page == TRENDING:
            self.outlook.saw_trending(self.world.last_hour(now), now)
            return
        counts = self.world.page(page.facet, page.number, now)
        for id_ in counts.keys() - self.known.keys():
            self.meet(id_, now)
        super().read(page, now)
        if page.facet == "open" and len(counts) < ROWS:
            self.outlook.saw_page(page, counts, now, is_last=True)

    def meet(self, id_: int, now: float) -> None:
        """First sight: what is dated counts as heard, the rest is taken as it is."""
        petition = self.world.petition(id_, now)
        if petition is None:
            return
        self.known[id_] = petition
        self.ears.hear(id_, DATED, now, now)
        if not is_settled(petition):
            self.outlook.learn(petition, now, now, START + timedelta(seconds=now), followers=0)


class FixedInterval(Watcher):
    """Everything followed each minute, one after another, as far as the budget goes."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.due_at = dict.fromkeys(world.followed, 0.0)

    def step(self, tokens: int, now: float) -> int:
        due = sorted((at, id_) for id_, at in self.due_at.items() if at <= now)[:tokens]
        for _, id_ in due:
            self.own_body(id_, now)
            self.due_at[id_] = now + LIMITS.interval
        return len(due)


class RoundRobin(Watcher):
    """One followed petition after another, always as fast as the budget allows."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.turns = cycle(world.followed)

    def step(self, tokens: int, now: float) -> int:
        for _ in range(tokens):
            self.own_body(next(self.turns), now)
        return tokens


class FullSweep(Watcher):
    """Every page of every list, one after another."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        pages = [("open", 1 + page) for page in range(OPEN // ROWS)]
        pages += [("closed", 1 + page) for page in range(CLOSED // ROWS)]
        self.turns = cycle(pages)

    def step(self, tokens: int, now: float) -> int:
        for _ in range(tokens):
            self.list_page(*next(self.turns), now)
        return tokens


class FeedCycle(Watcher):
    """Every ten minutes the open list and the first page of each list of news."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.queue: deque[tuple[str, int]] = deque()
        self.next_at = 0.0

    def step(self, tokens: int, now: float) -> int:
        if now >= self.next_at:
            self.queue.extend(("open", 1 + page) for page in range(OPEN // ROWS))
            self.queue.extend((facet, 1) for facet in NEWS)
            self.next_at = now + FEED_CYCLE
        made = min(tokens, len(self.queue))
        for _ in range(made):
            self.list_page(*self.queue.popleft(), now)
        return made


WATCHERS: Mapping[str, Callable[[World], Watcher]] = {
    "planner": Planned,
    "fixed interval": FixedInterval,
    "round robin": RoundRobin,
    "full sweep": FullSweep,
    "feed, 10 min": FeedCycle,
}


class Outcome(NamedTuple):
    """What one watcher heard, by kind, in seconds; how much it never did; what that took."""

    delays: dict[str, list[float]]
    missed: dict[str, int]
    a_minute: float
    most_a_minute: int


def watched(watcher: Watcher) -> Outcome:
    """Let a watcher watch its world to the end."""
    world, now = watcher.world, [0.0]
    budget = Budget(LIMITS.requests_per_minute, lambda: now[0])
    made: list[float] = []
    for tick in range(int(world.seconds / TICK)):
        now[0] = tick * TICK
        for _ in range(watcher.step(budget.left(), now[0])):
            budget.spend()
            made.append(now[0])
    return _outcome(watcher, made)


def _outcome(watcher: Watcher, made: list[float]) -> Outcome:
    """Count what happened early enough for the slowest guarantee to hold within the run."""
    world = watcher.world
    since = FIRST_SIGHT if isinstance(watcher, PlannedForRules) else 0.0
    until = world.seconds - bound(len(world.followed), LIMITS) - 5 * LIMITS.max_age
    delays: dict[str, list[float]] = defaultdict(list)
    missed: dict[str, int] = defaultdict(int)
    for happening in (h for h in world.happenings if since <= h.at <= until):
        if happening in watcher.ears.delays:
            delays[happening.kind].append(watcher.ears.delays[happening])
        else:
            missed[happening.kind] += 1
    times = np.array(made)
    most = max(int(np.searchsorted(times, t + 59.999, "right")) - i for i, t in enumerate(made))
    return Outcome(delays, missed, len(made) / world.seconds * 60, most)


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Several worlds as one."""
    delays: dict[str, list[float]] = defaultdict(list)
    missed: dict[str, int] = defaultdict(int)
    for outcome in outcomes:
        for kind, values in outcome.delays.items():
            delays[kind] += values
        for kind, number in outcome.missed.items():
            missed[kind] += number
    a_minute = fmean(outcome.a_minute for outcome in outcomes)
    return Outcome(delays, missed, a_minute, max(o.most_a_minute for o in outcomes))


def row(outcome: Outcome, kinds: Sequence[str]) -> str:
    """Median, 95th percentile and worst delay of some kinds of events, in seconds."""
    values = [value for kind in kinds for value in outcome.delays[kind]]
    missed = sum(outcome.missed[kind] for kind in kinds)
    if not values:
        return f"{'-':>24} {missed or '':>6}"
    median, p95 = np.percentile(values, [50, 95])
    return f"{median:8,.1f} {p95:7,.1f} {max(values):7,.1f} {missed or '':>6}"


def compare(followed: int, hours: float, worlds: int) -> dict[str, Outcome]:
    """Every watcher over the same worlds."""
    results = {}
    for name, watcher in WATCHERS.items():
        started = time.process_time()
        watchers = [watcher(World(followed, hours, seed)) for seed in range(worlds)]
        results[name] = together([watched(watcher) for watcher in watchers])
        spent = time.process_time() - started
        asked = sum((w.asked for w in watchers if isinstance(w, Planned)), Counter[str]())
        print(f"  ({name}: {spent:.1f} s of CPU) {dict(asked) or ''}", file=sys.stderr, flush=True)
    return results


def show(followed: int, results: Mapping[str, Outcome]) -> None:
    """The table of one number of followed petitions."""
    print(f"\n{followed:,} followed; delay in seconds: median, 95 %, worst, never heard of")
    for group, kinds in GROUPS.items():
        seen = len([v for kind in kinds for v in results["planner"].delays[kind]])
        print(f"  {group} ({seen})")
        for name, outcome in results.items():
            print(f"    {name:<16}{row(outcome, kinds)}")
    print("  requests a minute: mean, most in any 60 s")
    for name, outcome in results.items():
        print(f"    {name:<16}{outcome.a_minute:8.1f} {outcome.most_a_minute:7}")
    ours = fmean(results["planner"].delays["threshold"])
    for name in [name for name in results if name != "planner"]:
        theirs = fmean(results[name].delays["threshold"] or [float("nan")])
        print(f"  mean delay of thresholds, {name} : planner = {theirs / ours:.1f} : 1")


def rules(hours: float) -> None:
    """The table of rules alone: all 2,500 open petitions, nobody follows any of them."""
    watchers: Mapping[str, Callable[[World], Watcher]] = {
        "planner": PlannedForRules,
        "full sweep": FullSweep,
        "feed, 10 min": FeedCycle,
    }
    print(f"\nrules over all {OPEN:,} open petitions, none followed; delay as above")
    results = {
        name: watched(watcher(World(OPEN * 5 // 4, hours, 0, opening=100)))
        for name, watcher in watchers.items()
    }
    for group, kinds in GROUPS_OF_RULES.items():
        print(f"  {group} ({sum(len(results['planner'].delays[kind]) for kind in kinds)})")
        for name, outcome in results.items():
            print(f"    {name:<16}{row(outcome, kinds)}")
    print("  requests a minute: mean, most in any 60 s")
    for name, outcome in results.items():
        print(f"    {name:<16}{outcome.a_minute:8.1f} {outcome.most_a_minute:7}")


def main(hours: float = 8.0, *sizes: int) -> None:
    """Print the tables; fewer followed petitions get more worlds, for as many events."""
    minutes = bound(2_500, LIMITS) / 60
    print(f"{LIMITS.requests_per_minute} requests a minute; {hours:g} simulated hours a world;")
    print(f"the planner promises a look within {minutes:.0f} minutes for 2,500 followed.")
    print(
        f"{len(recorded()) or 'None'} of the petitions followed are signed as recorded ones were."
    )
    for followed in sizes or (10, 200, 2_500):
        show(followed, compare(followed, hours, worlds=max(1, min(12, 600 // followed))))
    rules(hours)


if __name__ == "__main__":
    numbers = sys.argv[1:]
    main(*[float(number) for number in numbers[:1]], *[int(number) for number in numbers[1:]])
