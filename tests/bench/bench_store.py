"""The store against stock TinyDB and SQLite, in one run (`python tests/bench/bench_store.py`)."""

import argparse
import asyncio
import json
import resource
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from tinydb import TinyDB

from bot.petitions.petition import PetitionRef
from storage.export import VERSION
from storage.tinydb.store import TinyStorage, open_tiny

NOON = datetime(2026, 3, 6, 12, tzinfo=UTC)
SIZES = (1_000, 10_000, 100_000)
CHATS_EACH = 10  # subscriptions a chat
ROUNDS = 5
VALUE = "x" * 230


class Measured(NamedTuple):
    """Medians in milliseconds, unless the name says otherwise."""

    size: int
    commit: float
    by_chat: float
    by_petition: float
    bytes_a_commit: float
    commits_a_second: float
    open_seconds: float
    kilobytes_each: float
    longest_block: float


class Watchdog:
    """The longest time the event loop was not free, in milliseconds."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def __aenter__(self) -> "Watchdog":
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            asked = perf_counter()
            await asyncio.sleep(0.001)
            self.worst = max(self.worst, (perf_counter() - asked - 0.001) * 1000)


def ref_of(number: int, size: int) -> PetitionRef:
    """Every petition has as many followers in a small store as in a large one."""
    return PetitionRef("uk", 300_000 + number % max(1, size // 20))


def a_store_of(size: int) -> dict[str, object]:
    """An export with so many subscriptions."""
    refs = sorted({ref_of(number, size) for number in range(size)})
    return {
        "program": "petition-bell",
        "export_version": VERSION,
        "chats": [{"id": 10_000_000 + each} for each in range(size // CHATS_EACH)],
        "petitions": [_petition(ref) for ref in refs],
        "subscriptions": [_subscription(number, size) for number in range(size)],
    }


def _petition(ref: PetitionRef) -> dict[str, object]:
    return {
        "petition": {
            "ref": {"site": ref.site, "id": ref.id},
            "url": f"https://petition.example/petitions/{ref.id}",
            "action": f"Plant {ref.id} trees along the canal",
            "state": "open",
            "signature_count": 9_000,
            "background": "Shade is welcome. " * 20,
        },
        "read_at": NOON.isoformat(),
    }


def _subscription(number: int, size: int) -> dict[str, object]:
    chat, turn = divmod(number, CHATS_EACH)
    ref = ref_of(chat + turn * (size // CHATS_EACH) // CHATS_EACH + turn, size)
    return {
        "chat_id": 10_000_000 + chat,
        "petition": {"site": ref.site, "id": ref.id},
        "created_at": NOON.isoformat(),
    }


def resident() -> int:
    """Bytes of memory this process has."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


async def timed(rounds: int, step: Callable[[int], Awaitable[object]]) -> float:
    """The median of so many rounds, in milliseconds."""
    times: list[float] = []
    for number in range(rounds):
        start = perf_counter()
        await step(number)
        times.append((perf_counter() - start) * 1000)
    return median(times)


async def fill(folder: Path, size: int) -> int:
    """Make the store; how many subscriptions it came to."""
    storage = await open_store(folder)
    await storage.import_(a_store_of(size))
    count = (await storage.tally()).subscriptions
    await storage.forget_chat(1)  # folds
    await storage.close()
    return count


async def measure(folder: Path, size: int) -> Measured:
    count = await fill(folder, size)
    opened, used = await opening(folder)
    storage = await open_store(folder)
    async with Watchdog() as watchdog:
        commit, written = await commits(storage, folder)
        by_chat = await timed(500, lambda n: storage.subscriptions(10_000_000 + n % 100))
        by_petition = await timed(500, lambda n: storage.history(ref_of(n, size)))
        together = await together_a_second(storage)
        await storage.forget_chat(10_000_000)  # a fold while commits go on
        await timed(500, lambda n: toggle(storage, n, size))
    await storage.close()
    return Measured(
        size, commit, by_chat, by_petition, written, together, opened, used / count / 1024,
        watchdog.worst,
    )  # fmt: skip


async def open_store(folder: Path) -> TinyStorage:
    return await open_tiny(folder / "data" / "store.db", folder / "store.key")


async def opening(folder: Path) -> tuple[float, int]:
    """Seconds and bytes that opening takes, in a process that has done nothing else."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--open", str(folder), stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await process.communicate()
    seconds, used = json.loads(answer)
    return seconds, used


async def print_opening(folder: Path) -> None:
    before, start = resident(), perf_counter()
    storage = await open_store(folder)
    print(json.dumps([perf_counter() - start, resident() - before]))
    await storage.close()


async def toggle(storage: TinyStorage, number: int, size: int) -> None:
    each = _subscription(CHATS_EACH + number % (size - CHATS_EACH), size)
    petition = each["petition"]
    assert isinstance(petition, dict)
    kept = await storage.mute(
        int(str(each["chat_id"])), PetitionRef(**petition), number % 2 == 0, NOON
    )
    assert kept is not None


async def commits(storage: TinyStorage, folder: Path) -> tuple[float, float]:
    *_, journal = sorted((folder / "data").glob("*.journal.*"))
    before = journal.stat().st_size
    p50 = await note_commit(storage)
    return p50, (journal.stat().st_size - before) / 600


async def note_commit(storage: TinyStorage) -> float:
    return await timed(600, lambda n: storage.save_note("offset", f"{n}-{perf_counter()}{VALUE}"))


async def together_a_second(storage: TinyStorage) -> float:
    async def one(worker: int) -> None:
        for number in range(30):
            await storage.save_note(f"worker {worker}", str(number))

    start = perf_counter()
    await asyncio.gather(*(one(worker) for worker in range(100)))
    return 3_000 / (perf_counter() - start)


# --- the peers -----------------------------------------------------------------------------------


def tinydb_update(folder: Path, size: int) -> float:
    """Stock TinyDB with the same content: one document changed, in milliseconds."""
    path = folder / "stock.json"
    tables = {
        name: {str(number): each for number, each in enumerate(documents, 1)}
        for name, documents in a_store_of(size).items()
        if isinstance(documents, list)
    }
    path.write_text(json.dumps(tables))
    with TinyDB(path) as database:
        table = database.table("subscriptions")
        return _median(5, lambda n: table.update({"muted": True}, doc_ids=[n + 1]))


async def sqlite_rows(folder: Path, size: int) -> tuple[float, float]:
    """SQLite, WAL, synchronous=FULL: one row of many changed and committed, in milliseconds.

    First by blocking the thread, then as an event loop that must stay free has to: in another.
    """
    database = _sqlite(folder, size)

    def commit(number: int) -> None:
        value = f"{number}-{perf_counter()}{VALUE}"
        database.execute("UPDATE notes SET value = ? WHERE id = ?", (value, number))
        database.commit()

    blocking = _median(600, commit)
    threaded = await timed(600, lambda n: asyncio.to_thread(commit, n))
    database.close()
    return blocking, threaded


def _sqlite(folder: Path, size: int) -> sqlite3.Connection:
    path = folder / "peer.sqlite"
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path, check_same_thread=False)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, value TEXT)")
    database.executemany("INSERT INTO notes VALUES (?, ?)", ((n, "x" * 250) for n in range(size)))
    database.commit()
    return database


def _median(rounds: int, step: Callable[[int], object]) -> float:
    times: list[float] = []
    for number in range(rounds):
        start = perf_counter()
        step(number)
        times.append((perf_counter() - start) * 1000)
    return median(times)


def report(rows: Sequence[Measured]) -> None:
    print(f"{'':34}" + "".join(f"{row.size:>12,}" for row in rows))
    lines: list[tuple[str, Callable[[Measured], str]]] = [
        ("durable commit, p50 ms, best of 5", lambda row: f"{row.commit:.3f}"),
        ("  against the smallest store", lambda row: f"{row.commit / rows[0].commit:.2f}x"),
        ("what a chat follows, p50 ms", lambda row: f"{row.by_chat:.3f}"),
        ("a petition, p50 ms", lambda row: f"{row.by_petition:.3f}"),
        ("bytes written a commit", lambda row: f"{row.bytes_a_commit:.0f}"),
        ("commits/s, 100 waiting together", lambda row: f"{row.commits_a_second:,.0f}"),
        ("opening, s", lambda row: f"{row.open_seconds:.2f}"),
        ("memory a subscription, KB", lambda row: f"{row.kilobytes_each:.2f}"),
        ("longest block, a fold under way, ms", lambda row: f"{row.longest_block:.1f}"),
    ]
    for name, cell in lines:
        print(f"{name:34}" + "".join(f"{cell(row):>12}" for row in rows))


async def compare(folder: Path, peers: Path, size: int) -> None:
    """Ours and the peers by turns; of each the best round, since others share the processor."""
    storage = await open_store(folder)
    rounds = [
        (await note_commit(storage), *await sqlite_rows(peers, size), tinydb_update(peers, size))
        for _ in range(ROUNDS)
    ]
    await storage.close()
    ours, blocking, threaded, stock = (min(column) for column in zip(*rounds, strict=True))
    print(f"\ndurable commit at {size:,}, best of {ROUNDS} medians: {ours:.3f} ms")
    print(f"  stock TinyDB {stock:.1f} ms: {stock / ours:,.0f}x ours")
    print(f"  SQLite WAL FULL {blocking:.3f} ms, blocking: ours is {ours / blocking:.2f}x")
    print(f"  SQLite WAL FULL {threaded:.3f} ms, in a thread: ours is {ours / threaded:.2f}x")


async def by_turns(folders: Sequence[Path]) -> list[float]:
    """The durable commit of each store, its best of some rounds taken in turn."""
    storages = [await open_store(folder) for folder in folders]
    rounds = [[await note_commit(each) for each in storages] for _ in range(ROUNDS)]
    for storage in storages:
        await storage.close()
    return [min(column) for column in zip(*rounds, strict=True)]


async def run(sizes: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / str(size) for size in sizes]
        for folder in folders:
            folder.mkdir()
        rows = [await measure(folder, size) for folder, size in zip(folders, sizes, strict=True)]
        commits = await by_turns(folders)
        report([row._replace(commit=best) for row, best in zip(rows, commits, strict=True)])
        middle = len(sizes) // 2
        await compare(folders[middle], Path(name), sizes[middle])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    asyncio.run(print_opening(options.open) if options.open else run(options.sizes))


if __name__ == "__main__":
    main()
