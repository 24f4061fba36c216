"""The store killed a hundred times, and failed by its disk at every single step."""

import argparse
import asyncio
import errno
import logging
import os
import random
import sys
import tempfile
from pathlib import Path

import structlog
from store_faults import FAULTS, FaultyDisk, live_through

from storage.tinydb.store import open_tiny

# Commits alone and together, a journal that has to be folded now and then, and chats forgotten.
WRITER = """
import asyncio, sys
from pathlib import Path
from bot.petitions.petition import Chat
from storage.tinydb.store import open_tiny

async def main():
    storage = await open_tiny(Path(sys.argv[1]), Path(sys.argv[2]))
    start = (await storage.tally()).chats

    async def one(number):
        await storage.save_chat(Chat(number))
        await storage.save_note(f"note {number % 40}", "x" * 20_000)
        print(number, flush=True)

    for hundred in range(start, start + 1_000_000, 100):
        await asyncio.gather(*(one(number) for number in range(hundred, hundred + 100)))
        await storage.forget_chat(-1)

asyncio.run(main())
"""


async def killed_once(path: Path, key_file: Path, after: float) -> set[int]:
    """Kill a writer at some moment; the chats it told of as saved."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WRITER, str(path), str(key_file)), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    first = await process.stdout.readline()
    await asyncio.sleep(after)
    process.kill()
    lines = [first, *(await process.stdout.read()).splitlines(keepends=True)]
    await process.wait()
    return {int(line) for line in lines if line.endswith(b"\n")}


async def kills(count: int, folder: Path) -> None:
    path, key_file, told = folder / "data" / "store.db", folder / "store.key", set[int]()
    for _ in range(count):
        told |= await killed_once(path, key_file, random.uniform(0.0, 0.4))  # noqa: S311
        storage = await open_tiny(path, key_file)
        lost = [number for number in told if await storage.chat(number) is None]
        await storage.close()
        assert not lost, f"{len(lost)} of {len(told)} acknowledged commits are lost"
    print(f"killed {count} times: opened each time, all {len(told):,} acknowledged commits kept")


async def faults(folder: Path) -> None:
    well = FaultyDisk()
    await live_through(folder / "well", well)
    lives = [
        (at, code, lasting)
        for at in range(1, well.steps + 1)
        for code in FAULTS
        for lasting in (False, True)
    ]
    for at, code, lasting in lives:
        name = f"{at}-{errno.errorcode[code]}-{lasting}"
        await live_through(folder / name, FaultyDisk(at, code, lasting=lasting))
    print(f"failed at each of {well.steps} steps, {len(lives)} lives: the store held in all")


async def run(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        await faults(Path(name))
        await kills(count, Path(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    asyncio.run(run(parser.parse_args().kills))


if __name__ == "__main__":
    main()
