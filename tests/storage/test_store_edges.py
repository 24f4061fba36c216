"""The store's files under other hands: moved while open, damaged, erased for good."""

import asyncio
import errno
import os
import threading
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from petitions import REF, petition

from bot.errors import StorageError
from bot.petitions.history import PetitionHistory
from bot.subscriptions.subscription import Chat, Subscription
from storage.disk import Disk
from storage.key_file import key_in, key_text, new_key
from storage.tinydb.frames import frames
from storage.tinydb.sealed import Content
from storage.tinydb.store import TinyStorage, open_tiny, repair_tiny

ANN, BOB = 4_000_000_001, 4_000_000_002
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


class Place:
    """Where a store and its key are."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "store.db"
        self.key_file = folder / "keys" / "store.key"

    async def open(self, disk: Disk | None = None) -> TinyStorage:
        return await open_tiny(self.path, self.key_file, disk=disk)

    async def restore(self) -> bool:
        return await repair_tiny(self.path, self.key_file)

    def files(self, pattern: str = "store.db*") -> list[Path]:
        return sorted(self.path.parent.glob(pattern))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def follow(storage: TinyStorage, *chats: int) -> None:
    await storage.commit_poll(PetitionHistory(petition(), NOON), [], NOON)
    for chat in chats:
        await storage.save_chat(Chat(chat, "private", NOON, NOON))
        await storage.subscribe(Subscription(chat, REF, NOON))


def told(place: Place) -> str:
    """All that the store's files say to whoever has the key."""
    key = key_in(place.key_file) or b""
    files = [file for file in place.files() if file.suffix != ".lock"]
    plains = [each for file in files for each in Content(file.read_bytes()).left(key)]
    return "\n".join((plain or b"").decode() for plain in plains)


def damage(file: Path, number: int) -> None:
    """Turn a bit round in one frame of a file."""
    raw = bytearray(file.read_bytes())
    raw[list(frames(bytes(raw)))[number].end - 5] ^= 1
    file.write_bytes(raw)


def journal(place: Place) -> Path:
    return max(place.files("store.db.journal.*"), key=lambda each: int(each.suffix[1:]))


# --- files that are moved under the running bot --------------------------------------------------


async def moved(place: Place) -> None:
    place.path.parent.rename(place.path.parent.with_name("elsewhere"))


async def deleted(place: Place) -> None:
    journal(place).unlink()


async def replaced(place: Place) -> None:
    aside = place.path.with_name("copy")
    aside.write_bytes(journal(place).read_bytes())
    aside.replace(journal(place))


async def without_snapshot(place: Place) -> None:
    place.path.unlink()


async def another_snapshot(place: Place) -> None:
    await (await open_tiny(place.path.with_name("other.db"), place.key_file)).close()
    place.path.write_bytes(place.path.with_name("other.db").read_bytes())


async def cut(place: Place) -> None:
    os.truncate(journal(place), journal(place).stat().st_size - 10)


async def emptied(place: Place) -> None:
    os.truncate(journal(place), 0)


async def written_to(place: Place) -> None:
    with journal(place).open("ab") as file:
        file.write(b"a line that was meant for a log")


async def doubled(place: Place) -> None:
    raw = journal(place).read_bytes()
    with journal(place).open("ab") as file:
        file.write(raw)


async def another_key(place: Place) -> None:
    place.key_file.write_text(key_text(new_key()))


async def without_key(place: Place) -> None:
    place.key_file.unlink()


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (moved, "moved, replaced or deleted"),
        (deleted, "moved, replaced or deleted"),
        (replaced, "moved, replaced or deleted"),
        (without_snapshot, "moved, replaced or deleted"),
        (another_snapshot, "moved, replaced or deleted"),
        (cut, "changed by another program"),
        (emptied, "changed by another program"),
        (written_to, "changed by another program"),
        (doubled, "changed by another program"),
        (another_key, "holds another key"),
        (without_key, "is gone"),
    ],
)
async def test_nothing_is_confirmed_into_a_file_that_is_not_the_store_s_any_more(
    place: Place, happens: Callable[[Place], Awaitable[None]], words: str
) -> None:
    storage = await place.open()
    await follow(storage, ANN)
    await happens(place)
    with pytest.raises(StorageError, match=words):
        await storage.save_chat(Chat(BOB))
    assert await storage.chat(BOB) is None
    assert await storage.chat(ANN) is not None
    await storage.close()


async def test_a_store_that_is_put_back_goes_on(place: Place) -> None:
    storage = await place.open()
    folder = place.path.parent
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(StorageError):
        await storage.save_chat(Chat(ANN))
    folder.with_name("elsewhere").rename(folder)
    await storage.save_chat(Chat(ANN))
    await storage.close()
    again = await place.open()
    assert await again.chat(ANN) is not None
    await again.close()


@pytest.mark.parametrize("which", ["store.db", "../keys/store.key"])
async def test_a_file_that_is_put_back_goes_on(place: Place, which: str) -> None:
    storage = await place.open()
    file = place.path.parent / which
    file.rename(file.with_name("aside"))
    with pytest.raises(StorageError):
        await storage.save_chat(Chat(ANN))
    file.with_name("aside").rename(file)
    await storage.save_chat(Chat(ANN))
    await storage.close()
    again = await place.open()
    assert await again.chat(ANN) is not None
    await again.close()


async def test_a_store_that_is_compacted_and_whose_key_is_only_touched_goes_on(
    place: Place,
) -> None:
    storage = await place.open()
    await follow(storage, ANN, BOB)
    for chat in (ANN, BOB):
        await storage.forget_chat(chat)  # makes a new snapshot
        os.utime(place.key_file)
        await storage.save_chat(Chat(chat))
    await storage.close()
    again = await place.open()
    assert await again.chat(BOB) is not None
    await again.close()


async def test_where_its_lock_is_deleted_the_store_is_still_for_one_process(place: Place) -> None:
    storage = await place.open()
    lock = place.path.with_name("store.db.lock")
    lock.unlink()
    await storage.save_chat(Chat(ANN))  # takes it anew
    with pytest.raises(StorageError, match="in use by another process"):
        await place.open()
    lock.unlink()
    other = await place.open()  # who is faster has it
    with pytest.raises(StorageError, match="another process has it now"):
        await storage.save_chat(Chat(BOB))
    await other.save_chat(Chat(BOB))
    await storage.close()
    await other.close()
    again = await place.open()
    assert None not in [await again.chat(ANN), await again.chat(BOB)]
    await again.close()


async def test_what_was_put_in_the_store_s_place_is_not_written_over(place: Place) -> None:
    storage = await place.open()
    await follow(storage, ANN)
    folder = place.path.parent
    folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()
    place.path.write_bytes(b"a backup that was put back too early")
    with pytest.raises(StorageError):
        await storage.forget_chat(ANN)
    storage._commits.erase_traces()
    await storage.close()
    assert place.path.read_bytes() == b"a backup that was put back too early"


# --- erasing -------------------------------------------------------------------------------------


class Stopped(Disk):
    """A disk on which no snapshot can be written any more, as if the power went."""

    stopped = False

    def write_file(self, path: Path, chunks: Iterable[bytes]) -> None:
        if self.stopped:
            raise OSError(errno.EIO, "the power is off")
        super().write_file(path, chunks)


async def test_a_crash_right_after_forget_leaves_the_wish_to_erase(place: Place) -> None:
    disk = Stopped()
    storage = await place.open(disk)
    await follow(storage, ANN, BOB)
    disk.stopped = True
    await storage.forget_chat(ANN)
    await storage.close()
    assert str(ANN) in told(place)
    again = await place.open()
    await again.close()
    assert str(ANN) not in told(place)
    assert str(BOB) in told(place)


async def test_forgetting_somebody_unknown_writes_nothing(place: Place) -> None:
    storage = await place.open()
    await storage.forget_chat(ANN)
    assert await storage.note("erase") is None
    await storage.close()


async def test_forget_reaches_the_copies_kept_of_damaged_files(place: Place) -> None:
    storage = await place.open()
    await follow(storage, ANN)
    await storage.close()
    damage(journal(place), 1)
    with pytest.raises(StorageError, match="petition-bell restore"):
        await place.open()
    await place.restore()
    assert place.files("*.damaged-*")
    storage = await place.open()
    await follow(storage, ANN)
    await storage.forget_chat(ANN)
    await storage.close()
    assert not place.files("*.damaged-*")


async def test_what_was_unsubscribed_is_in_no_file_after_the_next_pruning(place: Place) -> None:
    storage = await place.open()
    await follow(storage, ANN)
    await storage.unsubscribe(ANN, REF)
    assert f"{ANN}:{REF}" in told(place)
    await storage.prune(NOON, timedelta(days=90))
    await storage.close()
    assert f"{ANN}:{REF}" not in told(place)


class Slow(Disk):
    """A disk on which a snapshot waits to be written for as long as a test likes."""

    def __init__(self) -> None:
        self.writing, self.go_on = threading.Event(), threading.Event()
        self.is_slow = False

    def write_file(self, path: Path, chunks: Iterable[bytes]) -> None:
        if self.is_slow and path.name.endswith(".db.next"):
            self.writing.set()
            assert self.go_on.wait(30)
        super().write_file(path, chunks)


async def test_what_is_unsubscribed_while_others_are_erased_is_erased_too(place: Place) -> None:
    disk = Slow()
    storage = await place.open(disk)
    await follow(storage, ANN, BOB)
    disk.is_slow = True
    await storage.forget_chat(BOB)
    await asyncio.to_thread(disk.writing.wait)
    await storage.unsubscribe(ANN, REF)
    disk.go_on.set()
    await storage._commits._wait_for_compaction()
    await storage.save_note("offset", "7")  # behind whatever the compaction had to write
    await storage.close()
    again = await place.open()
    await again.close()
    assert f"{ANN}:{REF}" not in told(place)


# --- restoring -----------------------------------------------------------------------------------


async def test_of_one_bad_frame_in_the_only_snapshot_everything_else_is_restored(
    place: Place,
) -> None:
    storage = await place.open()
    await follow(storage, *range(ANN, ANN + 300))
    await storage.forget_chat(ANN)  # compacts
    await storage.close()
    for copy in place.files("store.db.previous"):
        copy.unlink()
    damage(place.path, 1)  # of the frames of 200 rows, the one of the first chats
    with pytest.raises(StorageError, match="petition-bell restore"):
        await place.open()
    assert not await place.restore()
    storage = await place.open()
    chats = [await storage.chat(ANN + number) for number in range(300)]
    assert 90 < sum(chat is not None for chat in chats) < 300
    await storage.close()


async def test_a_subscription_whose_petition_is_lost_does_not_keep_the_rest_from_opening(
    place: Place,
) -> None:
    storage = await place.open()
    await follow(storage, ANN)
    await storage.save_note("offset", "7")
    await storage.close()
    damage(journal(place), 1)  # the petition's own commit
    assert not await place.restore()
    storage = await place.open()
    assert await storage.note("offset") == "7"
    assert await storage.subscriptions(ANN) == []
    await storage.close()


async def test_every_complaint_that_restore_would_help_with_names_it(place: Place) -> None:
    storage = await place.open()
    await follow(storage, ANN)
    await storage.forget_chat(BOB)
    await storage.close()
    whole = {file: file.read_bytes() for file in place.files()}
    for file, raw in whole.items():
        if file.suffix == ".lock" or file.name.endswith("previous"):
            continue
        file.unlink()
        with pytest.raises(StorageError, match="petition-bell restore") as caught:
            await place.open()
        assert str(ANN) not in str(caught.value)
        file.write_bytes(raw)
