"""What one process on TinyDB carries: one petition's news to all who follow it, at several sizes.

Prints how long owing and claiming take, against a tenth of the size, and the longest the event loop
was held meanwhile. `PYTHONPATH=.:tests python tests/bench/bench_size.py`
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

from petitions import NOW, REF, petition

from bot.petitions.observe import observe
from bot.subscriptions.subscription import Chat, Subscription
from storage.tinydb.store import TinyStorage, open_tiny

SIZES = (1_000, 10_000, 100_000)
TOGETHER = 500
T = TypeVar("T")


class Held(NamedTuple):
    """How long something took, and the longest the event loop was held meanwhile, in seconds."""

    took: float
    longest: float


async def timed(work: Awaitable[T]) -> Held:
    """Do something while somebody else keeps coming back to the event loop."""
    longest = 0.0

    async def keep_coming_back() -> None:
        nonlocal longest
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    watchdog = asyncio.create_task(keep_coming_back())
    start = time.perf_counter()
    await work
    took = time.perf_counter() - start
    watchdog.cancel()
    return Held(took, longest)


async def furnish(storage: TinyStorage, followers: int) -> None:
    known, _ = observe(None, petition(signature_count=9_000), NOW)
    await storage.commit_poll(known, [], NOW)
    for first in range(1, followers + 1, TOGETHER):
        chats = range(first, min(first + TOGETHER, followers + 1))
        await asyncio.gather(*(follow(storage, chat) for chat in chats))


async def follow(storage: TinyStorage, chat: int) -> None:
    await storage.save_chat(Chat(chat, consented_at=NOW))
    await storage.subscribe(Subscription(chat, REF, NOW))


async def measured(followers: int) -> tuple[Held, Held]:
    with tempfile.TemporaryDirectory() as folder:
        storage = await open_tiny(Path(folder) / "data" / "bell.db", Path(folder) / "bell.key")
        await furnish(storage, followers)
        known = await storage.history(REF)
        now_known, occurrences = observe(known, petition(signature_count=10_001), NOW)
        owing = await timed(storage.commit_poll(now_known, occurrences, NOW))
        claiming = await timed(storage.claim_deliveries(NOW, 30, timedelta(minutes=2)))
        await storage.close()
        return owing, claiming


def main() -> None:
    print("followers   owed, s   loop held, ms   first claim, ms   loop held, ms   owing grew")
    before: float | None = None
    for followers in SIZES:
        owing, claiming = asyncio.run(measured(followers))
        growth = f"{owing.took / before:.1f}x" if before else ""
        before = owing.took
        print(
            f"{followers:9,} {owing.took:9.2f} {owing.longest * 1000:15.0f}"
            f" {claiming.took * 1000:17.1f} {claiming.longest * 1000:15.0f} {growth:>12}"
        )


if __name__ == "__main__":
    main()
