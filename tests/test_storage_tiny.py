"""The embedded store's own promises: its file, its lock, and what it refuses."""

# ruff: noqa: ASYNC240  # the files are small, and nothing else runs meanwhile

import asyncio
import resource
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tinydb import TinyDB, where

from bot.petitions.errors import StorageError
from bot.petitions.model import (
    Chat,
    Known,
    MilestoneReached,
    Occurrence,
    Petition,
    PetitionRef,
    Subscription,
)
from storage import Storage
from storage.tiny import TinyStorage, open_tiny

NOON = datetime(2020, 3, 6, 12, tzinfo=UTC)
REF = PetitionRef("uk", 300239)
ANN, BOB = 4242424242, 4343434343


def known(count: int = 9_000) -> Known:
    petition = Petition(
        ref=REF,
        url="https://petition.example/petitions/300239",
        action="Count the nightingales",
        state="open",
        signature_count=count,
        topics=("nature", "song"),
    )
    return Known(petition, NOON, seen=frozenset({"opened", "milestone:1000", "milestone:500"}))


def milestone(number: int) -> Occurrence:
    return Occurrence(f"{REF}:milestone:{number}", REF, NOON, MilestoneReached(number, number))


async def furnish(storage: Storage, *chats: int) -> None:
    """Let chats follow a petition, and owe them an alert."""
    await storage.commit_poll(known(), [], NOON)
    for chat in chats:
        await storage.save_chat(Chat(chat, "private", NOON, NOON))
        await storage.subscribe(Subscription(chat, REF, NOON))
    await storage.commit_poll(known(10_000), [milestone(10_000)], NOON)


async def furnished(path: Path) -> bytes:
    """A closed store with something in it; the bytes of its file."""
    storage = await open_tiny(path)
    await furnish(storage, ANN, BOB)
    await storage.close()
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.json"


@pytest.fixture
async def storage(path: Path) -> AsyncIterator[TinyStorage]:
    storage = await open_tiny(path)
    yield storage
    await storage.close()


# --- the contract's type -------------------------------------------------------------------------


async def test_it_is_a_storage(storage: TinyStorage) -> None:
    kept: Storage = storage
    assert await kept.note("offset") is None


# --- the file ------------------------------------------------------------------------------------


async def test_the_folders_of_a_new_store_are_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "store.json"
    storage = await open_tiny(path)
    await storage.save_note("offset", "7")
    await storage.close()
    assert path.is_file()


async def test_nobody_else_on_the_machine_may_read_it(storage: TinyStorage, path: Path) -> None:
    await storage.save_note("offset", "7")
    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert modes == {"store.json": 0o600, "store.json.lock": 0o600}


async def test_tinydb_itself_opens_the_file(path: Path) -> None:
    await furnished(path)
    with TinyDB(path, access_mode="r") as database:
        assert {"chats", "subscriptions", "petitions", "deliveries"} <= database.tables()
        raw = database.storage.read()
    assert raw is not None
    assert raw["subscriptions"][f"{ANN}:uk:300239"]["chat_id"] == ANN


async def test_documents_answer_queries(storage: TinyStorage) -> None:
    await furnish(storage, ANN, BOB)
    await storage.mute(BOB, REF, True)
    table = storage.database.table("subscriptions")
    assert [each["chat_id"] for each in table.search(where("muted") == True)] == [BOB]  # noqa: E712  # a query
    await storage.mute(ANN, REF, True)
    assert table.count(where("muted") == True) == 2  # noqa: E712  # a query


async def test_a_table_cannot_be_changed_past_the_transactions(
    storage: TinyStorage, path: Path
) -> None:
    await furnish(storage, ANN)
    before = path.read_bytes()
    table = storage.database.table("chats")
    forbidden: list[Callable[[], object]] = [
        lambda: table.update({"kind": "group"}),
        lambda: table.upsert({"kind": "group"}, where("id") == ANN),
        lambda: table.remove(where("id") == ANN),
        table.truncate,
        lambda: storage.database.drop_table("chats"),
        storage.database.drop_tables,
    ]
    for change in forbidden:
        with pytest.raises(StorageError):
            change()
    assert await storage.chat(ANN) == Chat(ANN, "private", NOON, NOON)
    assert path.read_bytes() == before


async def test_a_use_case_that_changes_nothing_writes_nothing(
    storage: TinyStorage, path: Path
) -> None:
    await furnish(storage, ANN)
    before = path.stat().st_ino
    await change_nothing(storage)
    assert path.stat().st_ino == before


async def test_a_use_case_that_changes_nothing_writes_nothing_after_a_reopening(
    path: Path,
) -> None:
    await furnished(path)
    before = path.stat().st_ino
    storage = await open_tiny(path)
    await change_nothing(storage)
    await storage.close()
    assert path.stat().st_ino == before


async def change_nothing(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "private", NOON, NOON))
    await storage.subscribe(Subscription(ANN, REF, NOON))
    await storage.mute(ANN, REF, False)
    await storage.wake_chat(ANN, NOON)
    await storage.commit_poll(known(10_000), [milestone(10_000)], NOON)
    await storage.claim_deliveries(NOON - timedelta(days=1), 10, timedelta(minutes=1))
    await storage.settle("uk:1:opened:1")
    await storage.retry("uk:1:opened:1", NOON)
    await storage.forget_chat(1)


async def test_a_use_case_that_changes_something_replaces_the_file_whole(
    storage: TinyStorage, path: Path
) -> None:
    await storage.save_note("offset", "7")
    before = path.read_bytes()
    with path.open("rb") as old:
        await storage.save_note("offset", "8")
        assert old.read() == before
    assert path.read_bytes() != before


async def test_the_same_history_makes_the_same_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    assert await furnished(one) == await furnished(other)
    assert b'"seen":["milestone:1000","milestone:500","opened"]' in one.read_bytes()


async def test_a_reopened_store_writes_the_same_file_again(path: Path) -> None:
    before = await furnished(path)
    storage = await open_tiny(path)
    await storage.mute(ANN, REF, True)
    assert path.read_bytes() != before
    await storage.mute(ANN, REF, False)
    await storage.close()
    assert path.read_bytes() == before


async def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real" / "store.json", tmp_path / "link.json"
    await furnished(real)
    link.symlink_to(real)
    storage = await open_tiny(link)
    await storage.save_note("offset", "7")
    await storage.close()
    assert link.is_symlink()
    assert b'"offset"' in real.read_bytes()


# --- forgetting ----------------------------------------------------------------------------------


def traces(folder: Path, chat: int) -> list[str]:
    return [each.name for each in folder.iterdir() if str(chat).encode() in each.read_bytes()]


async def test_a_forgotten_chat_leaves_no_trace_in_the_folder(
    storage: TinyStorage, path: Path
) -> None:
    await furnish(storage, ANN, BOB)
    assert traces(path.parent, ANN) == ["store.json"]
    await storage.forget_chat(ANN)
    assert traces(path.parent, ANN) == []
    assert traces(path.parent, BOB) == ["store.json"]


async def test_a_moved_chat_leaves_no_trace_of_its_old_id(storage: TinyStorage, path: Path) -> None:
    await furnish(storage, ANN)
    await storage.move_chat(ANN, BOB)
    assert traces(path.parent, ANN) == []


async def test_what_a_crash_left_half_written_is_cleared_away(path: Path) -> None:
    before = await furnished(path)
    path.with_name(".store.json.commit").write_bytes(before[:200])
    storage = await open_tiny(path)
    assert sorted(each.name for each in path.parent.iterdir()) == ["store.json", "store.json.lock"]
    assert await storage.chat(ANN) is not None
    await storage.close()


# --- what is refused -----------------------------------------------------------------------------


async def refused(path: Path) -> str:
    """Opening fails in one clear line that names the file."""
    with pytest.raises(StorageError) as refusal:
        await open_tiny(path)
    message = str(refusal.value)
    assert str(path) in message
    assert "\n" not in message
    return message


FOREIGN = {
    "empty": b"",
    "text": b"Dear diary,\n",
    "not unicode": b"\xff\xfe\x00",
    "a list": b"[1, 2]",
    "another program's": b'{"_default": {"1": {"name": "x"}}}',
    "nothing": b"{}",
    "a deeper thing": b'{"about": {"file": {"program": {"x": 1}}}}',
}


@pytest.mark.parametrize("raw", FOREIGN.values(), ids=FOREIGN.keys())
async def test_a_file_that_is_not_ours_is_refused_and_left_alone(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    await refused(path)
    assert path.read_bytes() == raw


@pytest.mark.parametrize("tenths", range(1, 10))
async def test_a_file_cut_short_is_refused_and_left_alone(path: Path, tenths: int) -> None:
    whole = await furnished(path)
    torn = whole[: len(whole) * tenths // 10]
    path.write_bytes(torn)
    assert "damaged" in await refused(path)
    assert path.read_bytes() == torn


def altered(raw: bytes, table: str, change: dict[str, Any] | None) -> bytes:
    """The file with every document of a table changed, or taken out."""
    tables = msgspec.json.decode(raw)
    documents = tables[table]
    kept = {} if change is None else {name: each | change for name, each in documents.items()}
    return msgspec.json.encode(tables | {table: kept})


DAMAGE: list[tuple[str, dict[str, Any] | None]] = [
    ("chats", {"id": "Ann"}),
    ("subscriptions", {"petition": None}),
    ("petitions", {"read_at": "noon"}),
    ("occurrences", {"event": {"kind": "eclipse"}}),
    ("deliveries", {"number": 1.5}),
    ("readings", {"counts": [[1]]}),
    ("petitions", None),
    ("occurrences", None),
]


@pytest.mark.parametrize(("table", "change"), DAMAGE)
async def test_a_file_with_a_senseless_record_is_refused_and_left_alone(
    path: Path, table: str, change: dict[str, Any] | None
) -> None:
    raw = altered(await furnished(path), table, change)
    path.write_bytes(raw)
    assert "damaged" in await refused(path)
    assert path.read_bytes() == raw


async def test_a_file_of_a_format_to_come_is_refused(path: Path) -> None:
    path.write_bytes(altered(await furnished(path), "about", {"format": 2}))
    assert "format 2" in await refused(path)


async def test_a_folder_in_the_files_place_is_refused(path: Path) -> None:
    path.mkdir()
    await refused(path)


async def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"mine")
    await refused(tmp_path / "data" / "store.json")
    assert (tmp_path / "data").read_bytes() == b"mine"


async def test_a_refused_file_can_be_opened_once_it_is_whole_again(path: Path) -> None:
    whole = await furnished(path)
    path.write_bytes(whole[:-10])
    await refused(path)
    path.write_bytes(whole)
    storage = await open_tiny(path)
    assert await storage.chat(ANN) is not None
    await storage.close()


# --- one process ---------------------------------------------------------------------------------

WRITER = """
import asyncio, sys
from pathlib import Path
from bot.petitions.model import Chat
from storage.tiny import open_tiny

async def main():
    storage = await open_tiny(Path(sys.argv[1]))
    for number in range(1, 100_000):
        await storage.save_chat(Chat(number))
        print(number, flush=True)

asyncio.run(main())
"""


async def writer(path: Path) -> asyncio.subprocess.Process:
    """Another process that saves chats 1, 2, 3 … and tells of each once it is kept."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), stdout=asyncio.subprocess.PIPE
    )


async def killed(process: asyncio.subprocess.Process, after: int) -> int:
    """Kill the writer once it has told of so many; the last one it told of."""
    assert process.stdout is not None
    for _ in range(after):
        await process.stdout.readline()
    process.kill()
    rest = (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    return after + sum(line.endswith(b"\n") for line in rest)


async def test_a_second_process_is_refused_until_the_first_is_gone(path: Path) -> None:
    process = await writer(path)
    assert process.stdout is not None
    await process.stdout.readline()
    assert "in use" in await refused(path)
    await killed(process, 1)
    storage = await open_tiny(path)
    assert await storage.chat(1) == Chat(1)
    await storage.close()


@pytest.mark.parametrize("after", [1, 20, 75, 150])
async def test_a_killed_writer_loses_nothing_it_told_of(path: Path, after: int) -> None:
    told = await killed(await writer(path), after)
    storage = await open_tiny(path)
    kept = (await storage.tally()).chats
    assert kept in {told, told + 1}
    assert await storage.chat(kept) == Chat(kept)
    await storage.close()


async def test_a_store_opened_twice_is_refused_and_once_closed_is_not(
    storage: TinyStorage, path: Path
) -> None:
    await refused(path)
    await storage.save_note("offset", "7")
    await storage.close()
    again = await open_tiny(path)
    assert await again.note("offset") == "7"
    await again.close()


async def test_a_closed_store_takes_nothing_more(storage: TinyStorage, path: Path) -> None:
    await storage.save_note("offset", "7")
    await storage.close()
    with pytest.raises(StorageError):
        await storage.save_note("offset", "8")
    again = await open_tiny(path)
    assert await again.note("offset") == "7"
    await again.close()


# --- what cannot be written ----------------------------------------------------------------------


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_leaves_the_last_good_file(storage: TinyStorage, path: Path) -> None:
    await storage.save_note("long", "x" * 300_000)
    before = path.read_bytes()
    with full_disk(200_000), pytest.raises(StorageError) as failure:
        await storage.save_chat(Chat(ANN))
    assert isinstance(failure.value.__cause__, OSError)
    assert path.read_bytes() == before
    assert traces(path.parent, ANN) == []
    assert await storage.chat(ANN) is None
    await storage.save_chat(Chat(ANN))
    assert traces(path.parent, ANN) == ["store.json"]


async def test_a_text_that_is_no_unicode_is_not_kept_and_harms_nothing(
    storage: TinyStorage,
) -> None:
    with pytest.raises(StorageError):
        await storage.save_note("offset", "\ud800")
    assert await storage.note("offset") is None
    await storage.save_note("offset", "7")
    assert await storage.note("offset") == "7"


async def test_a_time_without_a_zone_is_not_kept_and_harms_nothing(
    storage: TinyStorage,
) -> None:
    await furnish(storage, ANN)
    with pytest.raises(ValueError, match="zone"):
        await storage.commit_poll(known(20_000), [milestone(20_000)], NOON.replace(tzinfo=None))
    assert await storage.commit_poll(known(20_000), [milestone(20_000)], NOON) == 1
    claimed = await storage.claim_deliveries(NOON, 10, timedelta(minutes=1))
    assert [each.delivery.key for each in claimed] == [f"uk:300239:milestone:10000:{ANN}"]


# --- the memory is its own -----------------------------------------------------------------------


async def test_what_a_query_returns_is_the_readers_own(storage: TinyStorage) -> None:
    await furnish(storage, ANN)
    everything = where("petition").exists()
    table = storage.database.table("petitions")
    for found in (table.search(everything), table.search(everything), table.all()):
        found[0]["petition"]["ref"]["id"] = 1
        found[0]["seen"].clear()
    assert await storage.known(REF) == known(10_000)
