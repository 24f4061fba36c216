"""The embedded store is a TinyDB: what TinyDB is asked for is journalled, whole or not at all."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from math import nan
from pathlib import Path
from typing import Any

import pytest
import tinydb.table
from embedded import ANN, BOB, NOON, REF, Place, furnish, known, milestone
from embedded import place as place
from embedded import storage as storage
from store_files import full_device
from tinydb import TinyDB, where
from tinydb.middlewares import CachingMiddleware
from tinydb.operations import increment

from bot.errors import StorageError
from bot.subscriptions.subscription import Chat, Subscription
from storage.disk import Disk
from storage.key_file import key_text
from storage.tables import document_of
from storage.tinydb.journalled import JournalledStorage
from storage.tinydb.store import TinyStorage, repair_tiny
from storage.tinydb.table import Document, JournalledTinyDB

KEY = key_text(bytes(range(32)))
FOX, OWL = {"name": "fox", "legs": 4}, {"name": "owl", "legs": 2}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "animals.db"


@pytest.fixture
def db(path: Path) -> Iterator[JournalledTinyDB]:
    with JournalledTinyDB(path, key=KEY) as db:
        yield db


def after_a_crash(path: Path) -> dict[str, Any]:
    """What a store says that is opened as its files are now, though nobody has closed it."""
    copy = path.parent.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(path.parent, copy)
    with JournalledTinyDB(copy / path.name, key=KEY) as db:
        return db.storage.read() or {}


# --- as TinyDB has it -----------------------------------------------------------------------------


CHANGES: dict[str, tuple[Callable[[JournalledTinyDB], object], dict[str, Any]]] = {
    "insert": (lambda db: db.insert({"name": "bee"}), {"1": FOX, "2": OWL, "3": {"name": "bee"}}),
    "insert by id": (
        lambda db: db.insert(tinydb.table.Document({"name": "bee"}, 7)),
        {"1": FOX, "2": OWL, "7": {"name": "bee"}},
    ),
    "update": (
        lambda db: db.update({"legs": 3}, where("legs") == 2),
        {"1": FOX, "2": OWL | {"legs": 3}},
    ),
    "update by id": (
        lambda db: db.update(increment("legs"), doc_ids=[1, 9]),
        {"1": FOX | {"legs": 5}, "2": OWL},
    ),
    "upsert": (
        lambda db: db.upsert({"wild": True}, where("name") == "fox"),
        {"1": FOX | {"wild": True}, "2": OWL},
    ),
    "remove": (lambda db: db.remove(where("name") == "fox"), {"2": OWL}),
    "remove by id": (lambda db: db.remove(doc_ids=[2, 9]), {"1": FOX}),
    "truncate": (lambda db: db.truncate(), {}),
    "put": (
        lambda db: db.table("_default").put({"1": {"name": "bee"}}),
        {"1": {"name": "bee"}, "2": OWL},
    ),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_what_tinydb_changes_survives_a_crash(
    db: JournalledTinyDB, path: Path, change: Callable[[JournalledTinyDB], object], expected: object
) -> None:
    db.insert_multiple([FOX, OWL])
    change(db)
    assert db.storage.read() == after_a_crash(path) == {"_default": expected}


def test_tables_come_and_go_and_stay_so_after_a_crash(db: JournalledTinyDB, path: Path) -> None:
    db.table("empty", persist_empty=True)
    db.table("birds").insert(OWL)
    db.insert(FOX)
    assert after_a_crash(path) == {"empty": {}, "birds": {"1": OWL}, "_default": {"1": FOX}}
    db.drop_table("birds")
    assert db.tables() == set(after_a_crash(path)) == {"empty", "_default"}
    db.drop_tables()
    assert db.tables() == set(after_a_crash(path)) == set()


def test_tinydb_s_own_table_class_writes_through_the_storage_too(path: Path) -> None:
    with TinyDB(path, key=KEY, storage=JournalledStorage) as db:
        db.insert_multiple([FOX, OWL])
        db.update({"legs": 3}, where("name") == "owl")
        assert after_a_crash(path) == {"_default": {"1": FOX, "2": OWL | {"legs": 3}}}


def test_a_cache_in_between_writes_when_it_is_closed(path: Path) -> None:
    with JournalledTinyDB(path, key=KEY, storage=CachingMiddleware(JournalledStorage)) as db:
        db.insert(FOX)
        assert db.tables() == {"_default"}
        assert after_a_crash(path) == {}
    assert after_a_crash(path) == {"_default": {"1": FOX}}


def test_nothing_of_it_can_be_read_in_the_files(db: JournalledTinyDB, path: Path) -> None:
    db.insert(FOX)
    assert all(b"fox" not in each.read_bytes() for each in path.parent.iterdir())


def test_a_journal_that_has_grown_is_folded(db: JournalledTinyDB, path: Path) -> None:
    db.table("empty", persist_empty=True)
    for number in range(60):
        db.insert({"number": number, "long": "x" * 20_000})
    assert path.stat().st_size > 1_000_000
    found = after_a_crash(path)
    assert len(found["_default"]) == 60
    assert found["empty"] == {}


# --- ids ------------------------------------------------------------------------------------------


def test_documents_have_numbers_or_names_and_keep_them(db: JournalledTinyDB, path: Path) -> None:
    names = ["uk:300239", "7", "-1001234", "007", "Ἀ"]
    for name in names:
        db.insert(Document({"is": name}, name))
    assert [db.get(doc_id=name) for name in names] == [{"is": name} for name in names]
    assert [each.doc_id for each in db] == ["uk:300239", 7, -1001234, "007", "Ἀ"]
    assert db.insert({}) == 8
    assert list(after_a_crash(path)["_default"]) == [*names, "8"]


def test_what_is_named_is_reached_without_a_walk(
    db: JournalledTinyDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.insert_multiple(Document(FOX, f"fox {number}") for number in range(9))

    def walk(*_: object) -> dict[str, Any]:
        raise AssertionError("all documents were looked at")

    monkeypatch.setattr(JournalledStorage, "documents", walk)
    assert db.get(doc_id="fox 3") == FOX
    assert len(db.get(doc_ids=["fox 3", "fox 99", "fox 3", "fox 4"])) == 2
    assert db.contains(doc_id="fox 4")
    assert db.update({"legs": 3}, doc_ids=["fox 5"]) == ["fox 5"]
    assert db.upsert(Document({"wild": True}, "fox 5")) == ["fox 5"]
    assert db.insert(Document(OWL, "owl")) == "owl"
    assert db.remove(doc_ids=["fox 6"]) == ["fox 6"]
    assert db.get(doc_id="fox 5") == {"name": "fox", "legs": 3, "wild": True}
    with pytest.raises(AssertionError):
        db.search(where("legs") == 3)


# --- whose a document is --------------------------------------------------------------------------


def test_what_was_given_and_what_was_got_are_the_callers_own(db: JournalledTinyDB) -> None:
    given = {"food": ["mouse"]}
    db.insert(given)
    given["food"].append("vole")
    for found in (db.get(doc_id=1), db.all()[0], db.get(where("food").exists())):
        assert found is not None
        found["food"].append("shrew")
    assert db.get(doc_id=1) == {"food": ["mouse"]}


def test_a_document_is_at_once_as_the_files_give_it_back(db: JournalledTinyDB, path: Path) -> None:
    db.insert({1: ("a", "b"), "far": 3**50, "near": 0.1 + 0.2})
    kept = {"1": ["a", "b"], "far": 3**50, "near": 0.1 + 0.2}
    assert db.get(doc_id=1) == kept
    assert after_a_crash(path) == {"_default": {"1": kept}}


@pytest.mark.parametrize("odd", [{"x": object()}, {"x": {1}}, {"x": nan}, {"x": "\ud800"}])
def test_what_cannot_be_written_changes_nothing(db: JournalledTinyDB, odd: dict[str, Any]) -> None:
    db.insert(FOX)
    with pytest.raises((TypeError, ValueError)):
        db.insert_multiple([OWL, odd])
    assert db.all() == [FOX]
    assert db.insert(OWL) > 1


# --- transactions ---------------------------------------------------------------------------------


def test_a_transaction_is_seen_by_itself_and_kept_whole(db: JournalledTinyDB, path: Path) -> None:
    def work() -> int:
        db.insert_multiple([FOX, OWL])
        db.remove(where("name") == "fox")
        db.transact(lambda: db.update({"legs": 3}))  # a part of it
        db.table("birds").insert(OWL)
        assert db.tables() == {"_default", "birds"}
        assert after_a_crash(path) == {}
        seen = threading.Thread(target=lambda: in_other_queues.append(db.get(doc_id=2)))
        seen.start()
        seen.join(0.05)
        return db.count(where("legs") == 3)

    in_other_queues: list[object] = []
    assert db.transact(work) == 1
    assert after_a_crash(path) == {"_default": {"2": OWL | {"legs": 3}}, "birds": {"1": OWL}}
    assert in_other_queues in ([], [OWL | {"legs": 3}])  # never what was not over yet


def test_of_a_transaction_that_raises_nothing_has_happened(
    db: JournalledTinyDB, path: Path
) -> None:
    def work() -> None:
        db.remove(doc_ids=[1])
        db.table("birds").insert(OWL)
        assert db.search(where("name") == "fox") == []
        raise LookupError

    db.insert(FOX)
    with pytest.raises(LookupError):
        db.transact(work)
    assert db.search(where("name") == "fox") == [FOX]
    assert db.tables() == {"_default"}
    assert after_a_crash(path) == {"_default": {"1": FOX}}


def test_what_another_thread_changes_is_no_part_of_a_transaction(db: JournalledTinyDB) -> None:
    other = threading.Thread(target=lambda: db.insert(OWL))

    def work() -> None:
        db.insert(FOX)
        other.start()
        other.join(0.05)
        raise LookupError

    with pytest.raises(LookupError):
        db.transact(work)
    other.join()
    assert db.all() == [OWL]


def test_what_the_disk_does_not_take_has_not_happened(
    db: JournalledTinyDB, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Disk, "is_at", lambda *_: True)  # the device that is full has another name
    db.insert(FOX)
    with full_device(".journal."):
        for change in (lambda: db.table("birds").insert(OWL), db.truncate, db.drop_tables):
            with pytest.raises(StorageError, match="couldn't be written"):
                change()
    assert db.storage.read() == {"_default": {"1": FOX}}
    db.insert(OWL)
    assert after_a_crash(path) == {"_default": {"1": FOX, "2": OWL}}


# --- beside the bot -------------------------------------------------------------------------------


async def test_a_table_that_is_none_of_the_bot_s_is_kept_with_its_own(place: Place) -> None:
    storage = await place.open()
    storage.database.table("dreams").insert({"of": "trees"})
    await storage.forget_chat(1)  # compacts
    await storage.close()
    assert await repair_tiny(place.path, place.key_file)
    storage = await place.open()
    assert storage.database.table("dreams").all() == [{"of": "trees"}]
    await storage.close()


async def test_use_cases_know_of_what_tinydb_changes(storage: TinyStorage, place: Place) -> None:
    await furnish(storage, ANN)
    database = storage.database
    database.table("chats").insert(Document(document_of(Chat(BOB)), BOB))
    follows = document_of(Subscription(BOB, REF, NOON))
    database.table("subscriptions").insert(Document(follows, f"{BOB}:{REF}"))
    assert await storage.followers() == {REF: 2}
    database.table("subscriptions").update({"muted": True}, where("chat_id") == ANN)
    assert [each.muted for each in await storage.subscriptions(ANN)] == [True]
    database.table("subscriptions").remove(where("chat_id") == ANN)
    await storage.commit_poll(known(25_000), [milestone(25_000)], NOON)
    await storage.close()
    again = await place.open()
    assert await again.followers() == {REF: 1}
    assert (await again.chat_data(BOB)).waiting == 1  # type: ignore[union-attr]
    await again.close()


def drop_the_petition(storage: TinyStorage) -> object:
    return storage.database.table("petitions").truncate()


REFUSED: dict[str, Callable[[TinyStorage], object]] = {
    "no record": lambda each: each.database.table("chats").insert(Document({"id": "Ann"}, 1)),
    "no record in a table without an index": lambda each: each.database.table("notes").insert({}),
    "another id": lambda each: each.database.table("chats").insert(Document({"id": 2}, 1)),
    "a petition that is not there": lambda each: each.database.table("subscriptions").update(
        {"petition": {"site": "uk", "id": 1}}
    ),
    "a petition that is followed": drop_the_petition,
    "what happened, and is owed": lambda each: each.database.drop_table("occurrences"),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
async def test_what_the_bot_could_not_open_again_is_not_taken(
    storage: TinyStorage, place: Place, change: Callable[[TinyStorage], object]
) -> None:
    await furnish(storage, ANN)
    before, files = await storage.export(), place.content()
    with pytest.raises(StorageError):
        change(storage)
    assert await storage.export() == before
    assert place.content() == files


async def test_all_may_go_at_once(storage: TinyStorage, place: Place) -> None:
    await furnish(storage, ANN)
    storage.database.drop_tables()
    assert await storage.followed() == []
    assert (await storage.tally()).waiting == 0
    await furnish(storage, BOB)
    await storage.close()
    again = await place.open()
    assert (await again.chat(ANN), (await again.tally()).chats) == (None, 1)
    await again.close()


class WaitingDisk(Disk):
    """A disk that takes its time with what is written while `may_go` is not set."""

    def __init__(self) -> None:
        self.is_asked, self.may_go = threading.Event(), threading.Event()
        self.may_go.set()

    def sync(self, descriptor: int) -> None:
        self.is_asked.set()
        self.may_go.wait(10)
        super().sync(descriptor)


async def test_nobody_reads_of_another_thread_s_change_what_may_yet_fail(place: Place) -> None:
    disk = WaitingDisk()
    storage = await place.open(disk)
    disk.is_asked.clear()
    disk.may_go.clear()
    chats, ann = storage.database.table("chats"), Document(document_of(Chat(ANN)), ANN)
    changing = asyncio.create_task(asyncio.to_thread(chats.insert, ann))
    await asyncio.to_thread(disk.is_asked.wait, 10)
    reading = asyncio.create_task(storage.chat(ANN))
    await asyncio.sleep(0)
    assert not reading.done()
    disk.may_go.set()
    assert await reading == Chat(ANN)
    await changing
    await storage.close()


async def test_threads_take_turns_with_use_cases(storage: TinyStorage, place: Place) -> None:
    dreams, chats = storage.database.table("dreams"), range(1, 51)

    def dream(number: int) -> None:
        dreams.insert(Document({"night": number}, number))

    threads = [asyncio.to_thread(dream, number) for number in range(20)]
    asyncio.get_running_loop().call_soon(dream, 20)  # in the event loop's own
    await asyncio.gather(*threads, *(storage.save_chat(Chat(number)) for number in chats))
    assert (len(dreams), (await storage.tally()).chats) == (21, 50)
    with pytest.raises(StorageError, match="no record"):
        await asyncio.to_thread(storage.database.table("chats").insert, {"id": "Ann"})
    await storage.close()
    with pytest.raises(StorageError, match="closed"):
        dreams.insert({})
    again = await place.open()
    assert (len(again.database.table("dreams")), (await again.tally()).chats) == (21, 50)
    await again.close()
