"""A crowd at its worst around a petition that crosses 10,000, under Telegram's enforced limits.

`PYTHONPATH=.:tests python tests/bench/soak_crowd.py [presses a second]` prints what it measured
beside what is wanted, and ends with 1 if an alert was lost or told twice. The bot runs in a
process of its own, so that its memory is its own.
"""

import asyncio
import itertools
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import structlog
from bell import TEA, Village
from broken_updates import UNDECODABLE
from soak_deliver import ALERT, heard, prepared, start_child
from telegram_stand_in import BotApi

from bot.delivery.deliverer import LEASE
from bot.demo.messenger import Change

FOLLOWERS = range(10_001, 10_301)
RESTING = range(20_001, 20_041)  # they follow too, and have blocked the bot
TALKERS = range(30_001, 30_061)
PRESSERS = range(40_001, 40_201)
SLOW = range(-3, 0)  # groups that follow, in slow mode
INLINE, QUIET = 50_001, 50_002
WORDS = ("tea", "bees", "trains", "schools", "rivers", "hedgehogs")

PRESSES = 4_000  # a second: twenty by each of two hundred chats
HELPS, QUERIES, BROKEN = 120, 5, 1  # a second, by all together
HOUR = 3_600
ALERTS_SHARE = 10  # of the thirty messages a second, whatever people ask for
LATEST = 1.3 * len(FOLLOWERS) / ALERTS_SHARE
SLICE = 0.05
BEFORE, LONGEST, SETTLING, FAILING = 5.0, 75.0, 40.0, 5.0  # seconds of each part at most
WANTED_RESIDENT = 200  # megabytes


class Ears:
    """When each follower first heard the news, and when the quiet person was answered."""

    def __init__(self, api: BotApi) -> None:
        self.told: dict[int, float] = {}
        self.answered = asyncio.Event()
        self.last = time.perf_counter()
        api.on_change(self._hear)

    def _hear(self, change: Change) -> None:
        if change.kind != "message" or change.chat_id is None:
            return
        if change.payload.get("from", {}).get("is_bot"):
            self.last = time.perf_counter()
        text = change.payload.get("text", "")
        if change.chat_id in FOLLOWERS and ALERT in text:
            self.told.setdefault(change.chat_id, self.last)
        if change.chat_id == QUIET and "/subscribe" in text:
            self.answered.set()


class Crowd:
    """Everybody who is loud, each kind at its own pace."""

    def __init__(self, api: BotApi, data: str, presses: float) -> None:
        self._api = api
        self._dice = random.Random(13)  # noqa: S311
        self._data = data
        self._talkers = itertools.cycle(TALKERS)
        self._shapes = itertools.cycle(UNDECODABLE.values())
        self.done: Counter[str] = Counter()
        self.kinds: list[tuple[str, float, Callable[[], object]]] = [
            ("presses", presses, self._press),
            ("commands", HELPS, lambda: api.say(next(self._talkers), "/help")),
            ("inline queries", QUERIES, self._ask),
            ("undecodable updates", BROKEN, lambda: api.emit_raw(next(self._shapes))),
        ]

    def _press(self) -> None:
        self._api.press(self._dice.choice(PRESSERS), 1, self._data)

    def _ask(self) -> None:
        self._api.ask_inline(INLINE, " ".join(self._dice.sample(WORDS, 2)))

    async def shout(self, kind: str, rate: float, once: Callable[[], object]) -> None:
        """Does a thing as often as its rate says, catching up a slice at a time at most."""
        owed, then = 0.0, time.perf_counter()
        while True:
            await asyncio.sleep(SLICE)
            now = time.perf_counter()
            owed, then = owed + rate * min(now - then, 4 * SLICE), now
            for _ in range(int(owed)):
                once()
                self.done[kind] += 1
            owed %= 1


@asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ask_quietly(api: BotApi, ears: Ears, waits: list[float]) -> None:
    """One person asks for help every two seconds; a minute without an answer counts as one."""
    while True:
        ears.answered.clear()
        began = time.perf_counter()
        api.say(QUIET, "/help")
        with suppress(TimeoutError):
            await asyncio.wait_for(ears.answered.wait(), 60)
        waits.append(time.perf_counter() - began)
        await asyncio.sleep(max(0.0, 2.0 - waits[-1]))


async def until(look: Callable[[], bool], seconds: float) -> float | None:
    """How long it took to become true; None if it did not."""
    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        if look():
            return time.perf_counter() - began
        await asyncio.sleep(SLICE)
    return None


async def crowded(presses: float) -> bool:
    chats = [*FOLLOWERS, *RESTING, *SLOW]
    async with prepared(chats, limits=True) as village:
        api = village.api
        data = _prepare(village)
        ears, waits = Ears(api), list[float]()
        child = await start_child(village, LEASE)
        try:
            await until(lambda: not api.messenger.updates, 20)
            crowd = Crowd(api, data, presses)
            began = time.perf_counter()
            shouting = [crowd.shout(*kind) for kind in crowd.kinds]
            async with background(*shouting, ask_quietly(api, ears, waits)):
                await asyncio.sleep(BEFORE)
                village.site.edit(TEA, signature_count=10_002)
                crossed = time.perf_counter()
                await until(lambda: len(ears.told) == len(FOLLOWERS), LONGEST)
            lasted = time.perf_counter() - began
            left = len(api.messenger.updates)
            settled = await _settled(api, ears)
            late = len(FOLLOWERS) - len(ears.told)
            asking = [await _asking(api, *kind) for kind in _FAILURES]
            alive = child.returncode is None
            peak = _resident(child.pid, "VmHWM")
        finally:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        counts = [heard(api, chat) for chat in FOLLOWERS]
        _print_crowd(crowd, lasted)
        _print_alerts(counts, ears, crossed, late)
        _print_waits(waits, left, settled)
        _print_process(peak, asking, alive=alive)
        return 0 in counts or max(counts) > 1


def _prepare(village: Village) -> str:
    """Makes the crowd's chats; what a button the bot has sent carries, for them to press."""
    api = village.api
    card = next(m for m in reversed(api.messages(4242)) if "reply_markup" in m)
    rows = card["reply_markup"]["inline_keyboard"]
    for chat in [*TALKERS, *PRESSERS, INLINE, QUIET]:
        api.add_chat(chat)
    for chat in PRESSERS:
        content = {name: card[name] for name in ("from", "text", "reply_markup")}
        api.messenger.store(api.messenger.chat(chat), content, ours=True)
    for chat in RESTING:
        api.block(chat)
    for chat in SLOW:
        api.slow_down(chat, HOUR)
    return next(str(b["callback_data"]) for row in rows for b in row if "callback_data" in b)


async def _settled(api: BotApi, ears: Ears) -> float | None:
    """How long after the crowd everything was fetched and the last answer was said."""
    stopped = time.perf_counter()
    quiet = lambda: not api.messenger.updates and time.perf_counter() - ears.last > 2  # noqa: E731
    if await until(quiet, SETTLING) is None:
        return None
    return max(0.0, ears.last - stopped)


_FAILURES: Sequence[tuple[str, Callable[[BotApi], None]]] = (
    ("502", lambda api: api.refuse(None, 502, "Bad Gateway", times=None, method="getUpdates")),
    ("401", lambda api: api.refuse(None, 401, "Unauthorized", times=None, method="getUpdates")),
    ("garbage", lambda api: api.answer_with(b"<p>", times=None, method="getUpdates")),
    ("resets", lambda api: api.reset(times=None, method="getUpdates")),
)


async def _asking(api: BotApi, name: str, fail: Callable[[BotApi], None]) -> tuple[str, float]:
    """How often a second the bot asks for updates while that fails in one way."""
    fail(api)
    api.say(QUIET, "wake up")  # ends the long poll that is under way
    await asyncio.sleep(0.5)
    before = len(api.calls)
    await asyncio.sleep(FAILING)
    asked = sum(called.method == "getUpdates" for called in api.calls[before:])
    api.accept_everything()
    await until(lambda: not api.messenger.updates, 10)
    return name, asked / FAILING


def _resident(process: int, what: str) -> float | None:
    """Megabytes of memory of a process, where the system says so."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) / 1024
    return None


def _print_crowd(crowd: Crowd, lasted: float) -> None:
    print(f"a crowd for {lasted:.0f} s, under Telegram's limits:")
    for kind, rate, _ in crowd.kinds:
        print(f"  {crowd.done[kind] / lasted:.0f} {kind} a second offered (wanted {rate:.0f})")
    print(f"  {len(SLOW)} groups in slow mode, {len(RESTING)} chats at rest")


def _print_alerts(counts: Sequence[int], ears: Ears, crossed: float, late: int) -> None:
    twice = sum(each > 1 for each in counts)
    print(f"  alerts to {len(counts)} chats: lost {counts.count(0)}, twice {twice} (wanted 0, 0)")
    last = max(ears.told.values(), default=crossed) - crossed
    unheard = f", {late} of them not within the soak" if late else ""
    print(f"  last alert after {last:.1f} s (wanted at most {LATEST:.0f} s){unheard}")


def _print_waits(waits: Sequence[float], left: int, settled: float | None) -> None:
    if len(waits) > 1:
        p95 = quantiles(waits, n=20, method="inclusive")[-1]
        half = median(waits)
        print(f"  a quiet person's /help: p50 {half:.2f} s, p95 {p95:.2f} s (wanted < 1 s)")
    else:
        print("  a quiet person's /help was not answered in time (wanted p95 < 1 s)")
    after = "not" if settled is None else f"{settled:.1f} s later"
    print(f"  {left} updates waited at the end; all answered or dropped {after} (wanted 30 s)")


def _print_process(peak: float | None, asking: Sequence[tuple[str, float]], *, alive: bool) -> None:
    memory = "unknown here" if peak is None else f"{peak:.0f} MB"
    print(f"  the bot's resident memory, at most: {memory} (wanted at most {WANTED_RESIDENT} MB)")
    rates = ", ".join(f"{name} {rate:.1f}" for name, rate in asking)
    print(f"  getUpdates a second while failing: {rates} (wanted at most 1)")
    if not alive:
        print("  the bot ended by itself")


def main() -> None:
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    presses = float(sys.argv[1]) if len(sys.argv) > 1 else PRESSES
    sys.exit(asyncio.run(crowded(presses)))


if __name__ == "__main__":
    main()
