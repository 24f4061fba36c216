"""How light a bot is: from the start of its process to its first getUpdates, and its memory idle.

Prints this checkout beside another one of the same project, both in turn, so that they share
whatever else the machine is doing.
`PYTHONPATH=.:tests python tests/bench/bench_start.py [folder of the other checkout]`
"""

import asyncio
import os
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bell import Village, open_petition
from processes import written
from site_stand_in import PetitionsSite
from telegram_stand_in import BotApi

from bot.app import utc_now

HERE = Path(__file__).parents[2]
PETITIONS = 100
SIZES = {20: 80, 20_000: 110}  # subscriptions, and the most megabytes wanted for them
WANTED = 1.0  # seconds to the first getUpdates
STARTS = 5
IDLE = 20.0  # seconds until its memory is read

# Run in the checkout that is measured, as each may keep things in its own way.
FURNISH = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
try:
    from bot.config_reader import load_config
except ImportError:  # where the records and their reader are one module
    from bot.config import load_config
from bot.petitions.observe import observe
from bot.petitions.petition import PetitionRef
from bot.subscriptions.subscription import Chat, Subscription
from petitions import petition
from storage.opening import open_storage

async def main(config, count, petitions):
    now = datetime.now(UTC)
    storage = await open_storage(load_config(config).storage)
    for each in range(petitions):
        history, _ = observe(None, petition(ref=PetitionRef("uk", 700_000 + each)), now)
        await storage.commit_poll(history, [], now)
    async def follow(each):
        chat = 10_000 + each // 2
        await storage.save_chat(Chat(chat, consented_at=now))
        ref = PetitionRef("uk", 700_000 + each % petitions)
        await storage.subscribe(Subscription(chat, ref, now))
    for first in range(0, count, 500):
        await asyncio.gather(*(follow(each) for each in range(first, min(first + 500, count))))
    await storage.close()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
"""


async def furnish(checkout: Path, config: Path, subscriptions: int) -> None:
    words = (str(config), str(subscriptions), str(PETITIONS))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FURNISH, *words, cwd=checkout, env=_environment(checkout)
    )
    if await process.wait():
        sys.exit(f"{checkout}: its store could not be filled")


def _environment(checkout: Path) -> dict[str, str]:
    """Compiled once, as an installed program is."""
    compiled = Path(tempfile.gettempdir()) / "bench_start"
    return os.environ | {
        "PYTHONPATH": f"{checkout}:{checkout / 'tests'}",
        "PYTHONPYCACHEPREFIX": str(compiled),
        "PYTHONDONTWRITEBYTECODE": "",
    }


@asynccontextmanager
async def village(folder: Path) -> AsyncIterator[Village]:
    async with PetitionsSite(utc_now) as site, BotApi() as api:
        for number in range(PETITIONS):
            site.put(700_000 + number, open_petition())
        yield Village(site, api, folder)


@asynccontextmanager
async def started(checkout: Path, config: Path) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", "--config", str(config)),
        cwd=checkout,
        env=_environment(checkout),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


def resident(pid: int) -> float:
    """Megabytes of memory that a process holds now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def worked(pid: int) -> float:
    """Seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def first_poll(api: BotApi) -> None:
    before = len(api.calls)
    # Asked again and again, as a call is no change that one could wait for.
    while not any(call.method == "getUpdates" for call in api.calls[before:]):  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.002)


class Start(NamedTuple):
    """Seconds by the clock and of a core until the first getUpdates."""

    took: float
    worked: float


class Measured(NamedTuple):
    """A checkout with a store of some size: its starts, and its megabytes once idle."""

    starts: list[Start]
    idle: list[float]


async def measure(
    checkout: Path, here: Village, config: Path, *, rest: float
) -> tuple[Start, float]:
    begun = time.perf_counter()
    async with started(checkout, config) as bell:
        await first_poll(here.api)
        start = Start(time.perf_counter() - begun, worked(bell.pid))
        await asyncio.sleep(rest)
        return start, resident(bell.pid)


async def side_by_side(checkouts: dict[str, Path], subscriptions: int) -> dict[str, Measured]:
    """All checkouts in turn, each with a store of its own."""
    results = {name: Measured([], []) for name in checkouts}
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            places = {}
            for name, checkout in checkouts.items():
                own = Path(folder) / name
                own.mkdir()
                here = await stack.enter_async_context(village(own))
                config = written(here)
                text = config.read_text().replace("0.1s", "60s").replace("6000", "60")
                config.write_text(text.replace('"debug"', '"info"'))
                await furnish(checkout, config, subscriptions)
                await measure(checkout, here, config, rest=1.0)  # compiles, and sets the menu
                places[name] = here, config
            for number in range(STARTS):
                rest = IDLE if number == STARTS - 1 else 0.5
                for name, checkout in checkouts.items():
                    start, megabytes = await measure(checkout, *places[name], rest=rest)
                    results[name].starts.append(start)
                    results[name].idle.append(megabytes)
    return results


async def main() -> None:
    checkouts = {"now": HERE}
    if len(sys.argv) > 1:
        checkouts |= {"before": HERE / sys.argv[1]}
    print(
        "         subscriptions   first getUpdates, s (best; of a core)   wanted   idle, MB  wanted"
    )
    for subscriptions, most in SIZES.items():
        for name, (starts, idle) in (await side_by_side(checkouts, subscriptions)).items():
            took, of_a_core = [s.took for s in starts], [s.worked for s in starts]
            seconds = f"{median(took):.2f} ({min(took):.2f}; {min(of_a_core):.2f})"
            print(
                f"{name:8} {subscriptions:13,} {seconds:>39} {WANTED:8.1f}"
                f" {idle[-1]:10.1f} {most:8}",
                flush=True,
            )


if __name__ == "__main__":
    asyncio.run(main())
