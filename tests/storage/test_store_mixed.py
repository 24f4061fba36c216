"""Files of two stores that were mixed up: each bot gets back its own, and never another's."""

import asyncio
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from embedded import Place

from bot.errors import StorageError
from bot.subscriptions.subscription import Chat
from storage.tables import CHATS
from storage.tinydb.store import TinyStorage, repair_tiny

OURS, THEIRS = (1, 2, 3), (101, 102, 103)


async def lived_in(place: Place, chats: tuple[int, ...], *, is_old: bool) -> None:
    storage = await place.open()
    for chat in (*chats, 999):
        await storage.save_chat(Chat(chat))
    if is_old:
        await storage.forget_chat(999)  # makes a snapshot, and one before it
    await storage.close()
    storage = await place.open()
    await storage.save_chat(Chat(chats[0] + 500))
    await storage.close()


def in_place_of_the_journal(ours: Place, theirs: Place) -> None:
    shutil.copy(theirs.journal, ours.journal)


def in_place_of_the_snapshot(ours: Place, theirs: Place) -> None:
    shutil.copy(theirs.path, ours.path)


def in_place_of_the_one_before(ours: Place, theirs: Place) -> None:
    shutil.copy(theirs.path, ours.path.with_name(f"{ours.path.name}.previous"))
    os.truncate(ours.journal, ours.journal.stat().st_size // 2)
    in_between = bytearray(ours.path.read_bytes())
    in_between[-20] ^= 1
    ours.path.write_bytes(in_between)


def beside_it(ours: Place, theirs: Place) -> None:
    shutil.copy(theirs.journal, ours.path.with_name(f"{ours.path.name}.journal.9"))


@pytest.mark.parametrize("with_one_key", [False, True])
@pytest.mark.parametrize(
    "mixed_up",
    [
        in_place_of_the_journal,
        in_place_of_the_snapshot,
        in_place_of_the_one_before,
        beside_it,
    ],
)
async def test_of_files_of_two_stores_each_gets_its_own_back(
    tmp_path: Path, mixed_up: Callable[[Place, Place], None], *, with_one_key: bool
) -> None:
    ours, theirs = Place(tmp_path / "ours"), Place(tmp_path / "theirs")
    await lived_in(ours, OURS, is_old=True)
    if with_one_key:
        theirs.key_file.parent.mkdir(parents=True)
        shutil.copy(ours.key_file, theirs.key_file)
    await lived_in(theirs, THEIRS, is_old=True)
    mixed_up(ours, theirs)
    with pytest.raises(StorageError):
        await ours.open()
    await repair_tiny(ours.path, ours.key_file)
    storage = await ours.open()
    found = {int(number) for number in storage.database.live(CHATS)}
    await storage.close()
    assert set(OURS) <= found <= {*OURS, OURS[0] + 500}


async def test_a_file_of_another_store_is_kept_aside(tmp_path: Path) -> None:
    ours, theirs = Place(tmp_path / "ours"), Place(tmp_path / "theirs")
    await lived_in(ours, OURS, is_old=True)
    await lived_in(theirs, THEIRS, is_old=True)
    in_place_of_the_snapshot(ours, theirs)
    await repair_tiny(ours.path, ours.key_file)
    kept = [each.read_bytes() for each in ours.path.parent.glob("*.damaged-*")]
    assert theirs.path.read_bytes() in kept


async def test_where_nothing_is_sealed_with_the_key_that_is_there_nothing_is_changed(
    tmp_path: Path,
) -> None:
    ours, theirs = Place(tmp_path / "ours"), Place(tmp_path / "theirs")
    await lived_in(ours, OURS, is_old=False)
    await lived_in(theirs, THEIRS, is_old=False)
    before = ours.path.read_bytes()
    with pytest.raises(StorageError, match="different key"):
        await repair_tiny(ours.path, theirs.key_file)
    assert ours.path.read_bytes() == before


async def test_a_folder_that_is_called_like_a_journal_is_none(tmp_path: Path) -> None:
    place = Place(tmp_path)
    await lived_in(place, OURS, is_old=False)
    place.path.with_name(f"{place.path.name}.journal.9").mkdir()
    storage = await place.open()
    assert await storage.chat(OURS[0]) == Chat(OURS[0])
    await storage.close()


# --- turns ---------------------------------------------------------------------------------------


async def held_up(storage: TinyStorage, until: threading.Event) -> None:
    def work(transaction: object) -> None:
        until.wait(10)

    await storage._commits.do(work)


async def test_a_wish_that_is_fulfilled_waits_for_the_batch_under_way(tmp_path: Path) -> None:
    """Two under way at once would have those who read see what is not durable yet."""
    storage = await Place(tmp_path).open()
    commits, go, begun = storage._commits, threading.Event(), []
    next_batch = commits._next_batch
    commits._next_batch = lambda: (begun.append(1), next_batch())[0]  # type: ignore[method-assign, assign, func-returns-value]
    waiting = asyncio.ensure_future(held_up(storage, go))
    await asyncio.sleep(0.01)
    commits._note_erased(Chat(1))
    await asyncio.sleep(0.01)
    assert len(begun) == 1
    go.set()
    await waiting
    await storage.close()
    assert len(begun) == 2
