"""The store's files are a chain: what is cut out of its middle, or put in, is noticed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from embedded import ANN, BOB, Place, furnish, refused

from bot.subscriptions.subscription import Chat
from storage.disk import Disk
from storage.key_file import KeyRing
from storage.tinydb.files import StoreFiles
from storage.tinydb.frames import frames
from storage.tinydb.store import repair_tiny


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@contextmanager
def opened(place: Place) -> Iterator[StoreFiles]:
    files = StoreFiles(place.path, KeyRing(place.key_file), Disk())
    files.load()
    try:
        yield files
    finally:
        files.release()


def chat(number: int) -> dict[tuple[str, str], dict[str, int]]:
    return {("chats", str(number)): {"id": number}}


async def two_journals(place: Place) -> Path:
    """A store that stopped amid a compaction, with commits on both sides; the first one."""
    await place.furnish()
    with opened(place) as files:
        first = place.journal
        for number in (101, 102):
            files.append([chat(number)])
        files.rotate()
        files.append([chat(103)])
    assert place.journal != first
    return first


async def test_a_chain_that_is_whole_opens_with_everything(place: Place) -> None:
    await two_journals(place)
    storage = await place.open()
    for number in (101, 102, 103):
        assert await storage.chat(number) == Chat(number)
    await storage.forget_chat(101)  # compacts
    await storage.close()
    storage = await place.open()
    assert await storage.chat(103) == Chat(103)
    await storage.close()


async def test_commits_cut_off_a_journal_that_another_follows_are_missed(place: Place) -> None:
    first = await two_journals(place)
    ends = [frame.end for frame in frames(first.read_bytes())]
    first.write_bytes(first.read_bytes()[: ends[-2]])
    assert "does not go on where the file before it ends" in await refused(place)
    assert not await repair_tiny(place.path, place.key_file)
    storage = await place.open()
    found = [number for number in (101, 102, 103) if await storage.chat(number)]
    await storage.close()
    assert found == [101, 103]


async def test_a_journal_of_the_same_number_from_another_course_of_events_is_refused(
    place: Place, tmp_path: Path
) -> None:
    await place.furnish()
    other = Place(tmp_path / "other")
    for folder in ("data", "keys"):
        shutil.copytree(tmp_path / folder, tmp_path / "other" / folder)
    for each, chat_id in ((place, ANN), (other, BOB)):
        storage = await each.open()
        await storage.forget_chat(chat_id)  # compacts
        await storage.close()
        storage = await each.open()
        await furnish(storage, chat_id)
        await storage.close()
    assert place.journal.name == other.journal.name
    shutil.copyfile(other.journal, place.journal)
    assert "does not go on where the file before it ends" in await refused(place)


async def test_the_latest_commits_cut_off_the_last_journal_are_not_missed(place: Place) -> None:
    """As the README says: nothing that is left tells of them."""
    await place.furnish()
    with opened(place) as files:
        files.append([chat(101)])
        files.append([chat(102)])
    ends = [frame.end for frame in frames(place.journal.read_bytes())]
    place.journal.write_bytes(place.journal.read_bytes()[: ends[-2]])
    storage = await place.open()
    assert (await storage.chat(101), await storage.chat(102)) == (Chat(101), None)
    await storage.close()
