"""What is damaged is repaired from all that is left, whatever key and number each file has."""

import errno
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from embedded import ANN, BOB, Place, refused

from bot.errors import StorageError
from storage.disk import Disk
from storage.key_file import KeyRing
from storage.tinydb.files import StoreFiles
from storage.tinydb.frames import framed, frames
from storage.tinydb.read_only import read_beside
from storage.tinydb.store import rekey_tiny, repair_tiny


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def damage(path: Path, *, all_of_it: bool = False) -> None:
    """Spoil the last frame, or every frame but the header."""
    raw = bytearray(path.read_bytes())
    for frame in list(frames(bytes(raw)))[1 if all_of_it else -1 :]:
        raw[frame.end - 5] ^= 1
    path.write_bytes(raw)


def reheaded(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Give a file another header, which checks."""
    raw = path.read_bytes()
    first = next(frames(raw))
    header = msgspec.json.decode(first.payload)
    change(header)
    path.write_bytes(framed(0, msgspec.json.encode(header)) + raw[first.end :])


async def cut_off_amid_rekeying(place: Place) -> None:
    """Leave files as a power cut does that comes after the new snapshot, and before its copy."""
    await place.furnish()
    before, old_key = place.content(), place.key_file.read_bytes()
    await rekey_tiny(place.path, place.key_file)
    place.key_file.rename(place.key_file.with_name(f"{place.key_file.name}.next"))
    place.key_file.write_bytes(old_key)
    place.key_file.chmod(0o600)
    place.file(".previous").write_bytes(before[place.path.name])
    for name, content in before.items():
        if ".journal." in name:
            place.path.with_name(name).write_bytes(content)


def old_journal(place: Place) -> Path:
    return min(place.path.parent.glob("*.journal.*"))


async def found(place: Place) -> tuple[str | None, bool, bool]:
    """The note, and whether each of two chats is there."""
    storage = await place.open()
    try:
        there = [await storage.chat(chat) is not None for chat in (ANN, BOB)]
        return await storage.note("offset"), there[0], there[1]
    finally:
        await storage.close()


WHOLE = ("7", True, True)


# --- where two keys are needed --------------------------------------------------------------------


async def test_with_the_new_snapshot_damaged_all_is_in_the_old_files(place: Place) -> None:
    await cut_off_amid_rekeying(place)
    damage(place.path)
    assert await repair_tiny(place.path, place.key_file)
    assert await found(place) == WHOLE


async def test_with_the_old_files_damaged_too_both_keys_open_what_is_left(place: Place) -> None:
    await cut_off_amid_rekeying(place)
    damage(place.path)
    damage(old_journal(place), all_of_it=True)
    assert not await repair_tiny(place.path, place.key_file)
    assert await found(place) == WHOLE


class Full(Disk):
    """A disk without room for a snapshot."""

    def write_file(self, path: Path, chunks: object) -> None:
        if path.name == ".store.db.next":
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write_file(path, chunks)  # type: ignore[arg-type]


async def test_no_key_goes_before_what_it_opens_is_kept_anew(place: Place) -> None:
    await cut_off_amid_rekeying(place)
    damage(place.path, all_of_it=True)
    damage(place.file(".previous"), all_of_it=True)
    with pytest.raises(StorageError, match="No space left"):
        await repair_tiny(place.path, place.key_file, disk=Full())
    assert not await repair_tiny(place.path, place.key_file)
    note, _, bob = await found(place)
    assert (note, bob) == ("7", True)  # which stood in the old journal alone


async def test_once_it_was_opened_the_snapshot_before_opens_with_the_key_that_is_left(
    place: Place,
) -> None:
    await cut_off_amid_rekeying(place)
    assert await found(place) == WHOLE
    assert not place.key_file.with_name(f"{place.key_file.name}.next").exists()
    damage(place.path, all_of_it=True)
    assert await repair_tiny(place.path, place.key_file)
    assert await found(place) == WHOLE


# --- numbers --------------------------------------------------------------------------------------


class CutBeforeTheCopy(Disk):
    """A power cut after a snapshot has its place, and before its copy has."""

    def replace(self, source: Path, target: Path) -> None:
        if target.name.endswith(".previous"):
            raise KeyboardInterrupt
        super().replace(source, target)


async def test_what_was_salvaged_is_newer_than_what_it_was_salvaged_from(place: Place) -> None:
    await place.furnish()
    storage = await place.open()
    await storage.save_note("offset", "old")
    await storage.forget_chat(99)  # compacts
    await storage.close()
    for path in (place.path, place.file(".previous")):
        damage(path)
    place.journal.unlink()
    with pytest.raises(KeyboardInterrupt):
        await repair_tiny(place.path, place.key_file, disk=CutBeforeTheCopy())
    storage = await place.open()
    await storage.save_note("offset", "new")
    await storage.close()
    damage(place.path)
    await repair_tiny(place.path, place.key_file)
    assert (await found(place))[0] == "new"


async def test_without_the_journal_a_damaged_snapshot_went_on_with_something_is_lost(
    place: Place,
) -> None:
    await place.furnish()
    files = StoreFiles(place.path, KeyRing(place.key_file), Disk())
    tables = files.load()
    files.compact(tables, files.rotate(), erasing=False)
    files.append([{("notes", "more"): {"text": "x"}}])
    files.release()
    damage(place.path)
    place.journal.unlink()
    assert not await repair_tiny(place.path, place.key_file)
    assert await found(place) == WHOLE


# --- headers --------------------------------------------------------------------------------------


async def test_a_journal_of_a_later_version_is_named_so_and_no_repair_is_made(place: Place) -> None:
    def later(header: dict[str, object]) -> None:
        header["format"] = 2
        del header["salt"]

    await place.furnish()
    reheaded(place.journal, later)
    before = place.content()
    assert "has format 2" in await refused(place)
    with pytest.raises(StorageError, match="has format 2"):
        read_beside(place.path, KeyRing(place.key_file))
    with pytest.raises(StorageError, match="has format 2"):
        await repair_tiny(place.path, place.key_file)
    assert place.content() == before


@pytest.mark.parametrize("ending", ["", ".journal.2"])
async def test_a_header_that_makes_no_sense_is_damage(place: Place, ending: str) -> None:
    await place.furnish()
    reheaded(place.file(ending), lambda header: header.update(salt="zz"))
    assert "its header makes no sense" in await refused(place)
    await repair_tiny(place.path, place.key_file)
    assert (await found(place))[1]


async def test_files_that_are_called_almost_like_journals_are_none(place: Place) -> None:
    await place.furnish()
    for ending in ("²", "٣", "07"):
        place.file(f".journal.{ending}").write_bytes(b"")
    assert await found(place) == WHOLE
    assert read_beside(place.path, KeyRing(place.key_file))["notes"]
