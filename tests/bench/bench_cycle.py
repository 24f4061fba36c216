"""What a round of looks costs: reading, comparing and matching, planning, and memory.

The peers decode the same bytes in the same run and stop there. The recorded bodies are used where
they are at hand, the samples of the tests elsewhere.
"""

import json
import time
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson
from world import START, World

from bot.petitions.history import PetitionHistory
from bot.petitions.observe import is_news, observe, with_counts
from bot.petitions.parse import parse_page, parse_petition
from bot.petitions.petition import Site
from bot.polling.budget import Budget
from bot.polling.outlook import Limits, Numbers, Outlook, Whole
from bot.polling.planner import plan
from bot.polling.site_lists import ListPage
from bot.subscriptions.matching import Follower, follower, match
from bot.subscriptions.subscription import Preferences, Subscription

SITE = Site("uk", "UK Parliament", "https://petition.parliament.uk")
SAMPLES = Path(__file__).parents[1] / "samples"
RECORDED = Path(__file__).parents[3] / "shared" / "data" / "series" / "722903"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
LIMITS = Limits(60.0, 60)
FOLLOWED = 2_500

# A month is simulated in steps of two hours.
_TICKS_A_DAY = 12

# A minute of the simulated planner at 2,500 followed: see bench_planner.
PAGES_A_MINUTE, LOOKS_A_MINUTE = 15, 45


def best(work: Callable[[], object], times: int = 7) -> float:
    """CPU seconds of the quickest of several runs, which is the one least disturbed."""
    return min(_timed(work) for _ in range(times))


def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def bodies() -> list[bytes]:
    """Whole petitions as a site serves them, breakdowns and all."""
    paths = sorted(RECORDED.glob("*.json")) or sorted(SAMPLES.glob("show_life_*.json"))
    return [body for body in (path.read_bytes() for path in paths) if b'"attributes"' in body]


def list_page(whole: Sequence[bytes]) -> bytes:
    """A page of fifty rows made of whole bodies less what lists do not carry."""
    rows = []
    for number in range(50):
        row = json.loads(whole[number % len(whole)])["data"]
        row["id"] = number + 1
        row["attributes"] = {
            key: value
            for key, value in row["attributes"].items()
            if not key.startswith("signatures_by") and key != "other_parliamentary_business"
        }
        rows.append(row)
    return json.dumps({"data": rows, "links": {"next": None}}).encode()


def decoders() -> dict[str, Callable[[bytes], Any]]:
    """The peers: bare decoding into Python's own values."""
    return {
        "orjson.loads": orjson.loads,
        "msgspec.json.decode": msgspec.json.decode,
        "json.loads": json.loads,
    }


def digest(body: bytes, known: PetitionHistory, followers: Sequence[Follower]) -> None:
    """What becomes of a body between the socket and the store."""
    reading = parse_petition(body, SITE)
    _, occurrences = observe(known, reading, NOW)
    match(occurrences, reading, followers, NOW, 0)


def show_reading(whole: Sequence[bytes]) -> None:
    """Parse, compare and match against bare decoding of the same bytes."""
    readings = [parse_petition(body, SITE) for body in whole]
    knowns = [observe(None, reading, NOW)[0] for reading in readings]
    subscriptions = [Subscription(chat, readings[0].ref, NOW) for chat in range(3)]
    followers = [follower(one, (), Preferences(), one.chat_id) for one in subscriptions]
    pairs = list(zip(whole, knowns, strict=True)) * 20
    size = sum(len(body) for body, _ in pairs)

    def ours() -> None:
        for body, known in pairs:
            digest(body, known, followers)

    spent = best(ours)
    print(f"\nwhole bodies, {size / len(pairs) / 1000:.1f} kB on average")
    each = len(pairs)
    mb = size / 1e6
    print(f"  {'parse + diff + match':<22} {spent / each * 1e6:8.0f} µs {mb / spent:8.0f} MB/s")
    for name, decode in decoders().items():
        bare = best(lambda decode=decode: [decode(body) for body, _ in pairs])  # type: ignore[misc]
        print(
            f"  {name:<22} {bare / each * 1e6:8.0f} µs {mb / bare:8.0f} MB/s"
            f"   ours : it = {spent / bare:.2f} : 1"
        )


def filled(followed: int) -> tuple[Outlook, dict[int, PetitionHistory]]:
    """A plan over so many petitions of the simulated world."""
    world, outlook = World(followed, 0.1, 0), Outlook(LIMITS)
    knowns: dict[int, PetitionHistory] = {}
    for id_ in world.followed:
        petition = world.petition(id_, 0.0)
        assert petition is not None
        knowns[id_] = PetitionHistory(petition, START)
        outlook.learn(petition, 0.0, 0.0, START)
    return outlook, knowns


def answer(outlook: Outlook, knowns: dict[int, PetitionHistory], now: float, count: int) -> None:
    """Plan once, and let every request be answered with nothing new."""
    open_ids = [id_ for id_, known in knowns.items() if known.petition.is_open]
    for request in plan(outlook, count, now):
        match request:
            case Whole(id=id_):
                outlook.saw_whole(knowns[id_].petition, now)
            case Numbers(id=id_):
                outlook.saw_numbers(id_, knowns[id_].petition, now)
            case ListPage(number=number):
                ids = open_ids[(number - 1) * 50 : number * 50]
                counts = {id_: knowns[id_].petition.signature_count for id_ in ids}
                outlook.saw_page(request, counts, now)


def show_minute(whole: Sequence[bytes]) -> None:
    """The processor's share of a minute: sixty plans, fifteen pages, forty-five looks."""
    outlook, knowns = filled(FOLLOWED)
    page = list_page(whole)
    rows = [observe(None, row, NOW)[0] for row in parse_page(page, SITE).petitions]
    own = [observe(None, parse_petition(body, SITE), NOW)[0] for body in whole]
    started = time.process_time()
    for second in range(60):
        plan(outlook, 1, 600.0 + second)
    planned = time.process_time() - started
    for _ in range(PAGES_A_MINUTE):
        for known, row in zip(rows, parse_page(page, SITE).petitions, strict=True):
            is_news(known.petition, row)
            observe(known, with_counts(known.petition, row), NOW)
    listed = time.process_time() - started - planned
    for turn in range(LOOKS_A_MINUTE):
        digest(whole[turn % len(whole)], own[turn % len(whole)], ())
    total = time.process_time() - started
    print(f"\na minute at {len(knowns):,} followed, in seconds of CPU (store and sockets left out)")
    print(
        f"  plans {planned:.2f}, pages {listed:.2f}, looks {total - planned - listed:.2f}:"
        f" together {total:.2f} (the aim is under 2)"
    )


def show_memory(followed: int, *, for_rules: bool = False, days: int = 30) -> None:
    """What planning keeps after a day and after a month."""
    now = [0.0]
    tracemalloc.start()
    outlook, knowns = filled(followed)
    outlook.plan_for_rules(for_rules=for_rules)
    budget = Budget(LIMITS.requests_per_minute, lambda: now[0])
    kept: list[int] = []
    for tick in range(days * _TICKS_A_DAY):
        now[0] = tick * 86_400 / _TICKS_A_DAY
        tokens = budget.left()
        answer(outlook, knowns, now[0], tokens)
        for _ in range(tokens):
            budget.spend()
        budget.spent_last_hour()
        if tick + 1 in {_TICKS_A_DAY, days * _TICKS_A_DAY}:
            kept.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    first, last = kept
    whose = f"{followed:,} followed{', and rules' if for_rules else ''}"
    print(
        f"\nmemory of the plan and what it is about, {whose}: {first / 1e3:.0f} kB after a day,"
        f" {last / 1e3:.0f} kB after {days} days ({last / first:.2f} : 1)"
    )


def main() -> None:
    """Print all of it."""
    whole = bodies()
    show_reading(whole)
    show_minute(whole)
    show_memory(50)
    show_memory(FOLLOWED, for_rules=True)


if __name__ == "__main__":
    main()
