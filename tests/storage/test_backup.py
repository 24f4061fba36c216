"""A store is read, copied and put back while somebody writes it, and nobody notices."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from embedded import ANN, BOB, NOON, REF, Place
from embedded import place as place

from bot.errors import StorageError
from bot.subscriptions.subscription import Chat
from storage.disk import Disk
from storage.key_file import KeyRing, key_text
from storage.tinydb.backup import back_up_tiny, restore_tiny
from storage.tinydb.files import StoreFiles
from storage.tinydb.read_only import read_beside
from storage.tinydb.store import open_tiny, read_tiny


@pytest.fixture
def in_other_queues(tmp_path: Path, place: Place) -> Place:
    """Another machine, to which the key was carried."""
    other = Place(tmp_path / "elsewhere")
    other.key_file.parent.mkdir(parents=True)
    return other


def carry_key(place: Place, to: Place) -> None:
    to.key_file.write_bytes(place.key_file.read_bytes())
    to.key_file.chmod(0o600)


def backed_up(place: Place, name: str = "backup") -> Path:
    file = place.path.parent.parent / name
    back_up_tiny(place.path, place.key_file, file)
    return file


# --- read beside the one who writes ---------------------------------------------------------------


async def test_an_open_store_is_read_as_it_is_and_left_alone(place: Place) -> None:
    await place.furnish()
    storage = await place.open()
    await storage.save_note("offset", "8")
    before, names = place.content(), place.names()
    beside = await read_tiny(place.path, place.key_file)
    assert beside is not None
    assert await beside.note("offset") == "8"
    assert await beside.tally() == await storage.tally()
    assert await beside.export() == await storage.export()
    await beside.close()
    assert (place.content(), place.names()) == (before, names)
    await storage.save_note("offset", "9")
    await storage.close()


async def test_what_is_read_beside_another_cannot_be_written(place: Place) -> None:
    await place.furnish()
    before = place.content()
    beside = await read_tiny(place.path, place.key_file)
    assert beside is not None
    with pytest.raises(StorageError, match="reading alone"):
        await beside.save_chat(Chat(1))
    with pytest.raises(StorageError, match="reading alone"):
        await beside.forget_chat(ANN)
    await beside.close()
    assert place.content() == before


async def test_where_there_is_no_store_none_is_made(place: Place) -> None:
    assert await read_tiny(place.path, place.key_file) is None
    assert not place.path.parent.exists()
    assert not place.key_file.exists()


class Meddling(KeyRing):
    """Keys of a reader; just before they are used for the first time, something happens."""

    def __init__(self, place: Place, happens: Callable[[], None]) -> None:
        super().__init__(place.key_file)
        self._happens: list[Callable[[], None]] = [happens]

    def find(self) -> list[bytes]:
        if self._happens:
            self._happens.pop()()
        return super().find()


@pytest.mark.parametrize("erasing", [False, True])
async def test_files_that_are_replaced_while_they_are_read_are_read_again(
    place: Place, erasing: bool
) -> None:
    await place.furnish()
    files = StoreFiles(place.path, KeyRing(place.key_file), Disk())
    tables = files.load()

    def compact() -> None:
        files.append([{("chats", "7"): {"id": 7}}])
        files.compact(tables | {"chats": {"7": {"id": 7}}}, files.rotate(), erasing=erasing)
        files.append([{("chats", "8"): {"id": 8}}])

    found = read_beside(place.path, Meddling(place, compact))
    files.release()
    # Of one moment: before the change, where the files of that time are left, or after it.
    expected = {"7", "8"} if erasing else {str(ANN), str(BOB)}
    assert found["chats"].keys() - {"7"} == expected - {"7"}


async def test_a_store_is_read_between_the_two_renames_of_a_compaction(place: Place) -> None:
    await place.furnish()
    place.file(".previous").write_bytes(place.path.read_bytes())
    place.path.rename(place.path.with_name(".store.db.next"))
    found = read_beside(place.path, KeyRing(place.key_file))
    assert found["chats"].keys() == {str(ANN), str(BOB)}


@pytest.mark.parametrize("gone", ["journal", "path"])
async def test_a_store_of_which_a_file_is_gone_is_not_read(place: Place, gone: str) -> None:
    await place.furnish()
    getattr(place, gone).unlink()
    with pytest.raises(StorageError, match="are gone"):
        await read_tiny(place.path, place.key_file)


async def test_a_commit_that_is_half_written_is_not_read_and_not_cut_off(place: Place) -> None:
    await place.furnish()
    whole = place.journal.read_bytes()
    place.journal.write_bytes(whole[:-5])
    beside = await read_tiny(place.path, place.key_file)
    assert beside is not None
    assert await beside.note("offset") is None
    assert await beside.chat(BOB) is not None
    await beside.close()
    assert place.journal.read_bytes() == whole[:-5]


@pytest.mark.parametrize("name", ["store.db", "journal"])
async def test_damage_is_told_in_a_line_and_nothing_is_copied(place: Place, name: str) -> None:
    await place.furnish()
    path = place.journal if name == "journal" else place.path
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)
    with pytest.raises(StorageError, match="petition-bell restore") as refusal:
        await read_tiny(place.path, place.key_file)
    assert "\n" not in str(refusal.value)
    assert not list(place.path.parent.glob("*.damaged-*"))
    with pytest.raises(StorageError):
        backed_up(place)
    assert not list(place.path.parent.parent.glob("*backup*"))


async def test_another_key_reads_nothing(place: Place) -> None:
    await place.furnish()
    place.key_file.write_text(key_text(bytes(32)))
    with pytest.raises(StorageError, match="a different key"):
        await read_tiny(place.path, place.key_file)
    place.key_file.unlink()
    with pytest.raises(StorageError, match="is missing"):
        await read_tiny(place.path, place.key_file)


# --- copied and put back --------------------------------------------------------------------------


async def test_a_backup_put_back_elsewhere_is_the_same_store(
    place: Place, in_other_queues: Place
) -> None:
    await place.furnish()
    storage = await place.open()
    file = backed_up(place)
    whole = await storage.export()
    assert len(await storage.claim_deliveries(NOON, 9, timedelta(minutes=1))) == 1
    await storage.close()
    carry_key(place, in_other_queues)
    assert restore_tiny(in_other_queues.path, in_other_queues.key_file, file) == 2
    again = await in_other_queues.open()
    assert await again.export() == whole
    assert len(await again.claim_deliveries(NOON, 9, timedelta(minutes=1))) == 1
    await again.close()


async def test_a_backup_made_while_much_is_written_holds_all_that_was_confirmed_before(
    place: Place, in_other_queues: Place
) -> None:
    """Whatever is compacted, erased and appended meanwhile, and nothing of it by halves."""
    storage = await place.open()
    confirmed = 0
    is_over = False

    async def write() -> None:
        nonlocal confirmed
        while not is_over:
            number = confirmed + 1
            await asyncio.gather(
                storage.save_chat(Chat(number)),
                storage.save_note(f"note {number % 40}", f"{number}" + "x" * 30_000),
            )
            confirmed = number
            if number % 10 == 0:
                await storage.save_chat(Chat(10**9))
                await storage.forget_chat(10**9)  # compacts

    writing = asyncio.create_task(write())
    found: list[tuple[int, Path]] = []
    while confirmed < 150:
        await asyncio.sleep(0)
        before = confirmed
        file = place.path.parent.parent / f"backup {len(found)}"
        await asyncio.to_thread(back_up_tiny, place.path, place.key_file, file)
        found.append((before, file))
    is_over = True
    await writing
    await storage.close()
    assert len(found) > 3
    carry_key(place, in_other_queues)
    for number, (before, file) in enumerate(found[:: max(1, len(found) // 10)]):
        path = in_other_queues.path.with_name(f"{number}.db")
        restore_tiny(path, in_other_queues.key_file, file)
        again = await open_tiny(path, in_other_queues.key_file)
        kept = [int(each["id"]) for each in (await again.export())["chats"]]
        kept = sorted(set(kept) - {10**9})
        assert kept == list(range(1, len(kept) + 1))
        assert before <= len(kept)
        await again.close()


async def test_a_backup_is_for_its_owner_alone_and_says_nothing_without_the_key(
    place: Place,
) -> None:
    await place.furnish()
    file = backed_up(place)
    assert file.stat().st_mode & 0o777 == 0o600
    for secret in (str(ANN), str(REF.id), "nightingales", "subscriptions"):
        assert secret.encode() not in file.read_bytes()


async def test_what_was_forgotten_before_a_backup_is_not_in_it(
    place: Place, in_other_queues: Place
) -> None:
    await place.furnish()
    storage = await place.open()
    await storage.forget_chat(ANN)
    file = backed_up(place)
    await storage.close()
    carry_key(place, in_other_queues)
    restore_tiny(in_other_queues.path, in_other_queues.key_file, file)
    again = await in_other_queues.open()
    assert (await again.chat(ANN), (await again.tally()).chats) == (None, 1)
    await again.close()


async def test_a_backup_replaces_no_file(place: Place) -> None:
    await place.furnish()
    file = place.path.parent.parent / "backup"
    file.write_text("mine")
    with pytest.raises(StorageError, match="exists already"):
        backed_up(place)
    assert file.read_text() == "mine"


async def test_nothing_is_put_back_over_a_store(place: Place) -> None:
    await place.furnish()
    file = backed_up(place)
    storage = await place.open()
    before = place.content()
    with pytest.raises(StorageError, match="in use"):
        restore_tiny(place.path, place.key_file, file)
    await storage.save_note("offset", "9")
    await storage.close()
    after = place.content()
    assert before != after
    for gone in (None, "", ".previous"):
        if gone is not None:
            place.file(gone).unlink()
        with pytest.raises(StorageError, match="move .* away first"):
            restore_tiny(place.path, place.key_file, file)


@pytest.mark.parametrize("tenths", range(0, 10, 3))
async def test_a_backup_that_is_cut_short_or_changed_makes_no_store(
    place: Place, in_other_queues: Place, tenths: int
) -> None:
    await place.furnish()
    file = backed_up(place)
    carry_key(place, in_other_queues)
    whole = file.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) * tenths // 10] ^= 4
    for raw in (whole[: len(whole) * tenths // 10], bytes(changed)):
        file.write_bytes(raw)
        with pytest.raises(StorageError) as refusal:
            restore_tiny(in_other_queues.path, in_other_queues.key_file, file)
        assert str(file) in str(refusal.value)
    assert not in_other_queues.path.exists()


async def test_what_is_no_backup_is_not_put_back(place: Place, in_other_queues: Place) -> None:
    await place.furnish()
    carry_key(place, in_other_queues)
    for file in (place.path, place.journal):
        with pytest.raises(StorageError, match="isn't a backup"):
            restore_tiny(in_other_queues.path, in_other_queues.key_file, file)
    with pytest.raises(StorageError, match="cannot be read"):
        restore_tiny(in_other_queues.path, in_other_queues.key_file, in_other_queues.path)


async def test_a_backup_wants_the_key_of_its_time(place: Place, in_other_queues: Place) -> None:
    await place.furnish()
    file = backed_up(place)
    with pytest.raises(StorageError, match="key file .* is missing"):
        restore_tiny(in_other_queues.path, in_other_queues.key_file, file)
    in_other_queues.key_file.write_text(key_text(bytes(32)))
    in_other_queues.key_file.chmod(0o600)
    with pytest.raises(StorageError, match="a different key"):
        restore_tiny(in_other_queues.path, in_other_queues.key_file, file)
    assert not in_other_queues.path.exists()
