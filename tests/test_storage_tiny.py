"""The embedded store's own promises: its files, its key, its lock, and what it refuses."""

import asyncio
import base64
import errno
import gc
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_faults import FAULTS, FaultyDisk, live_through
from store_files import full_device
from structlog.testing import capture_logs
from tinydb import where

from bot.errors import StorageError
from bot.petitions.events import MilestoneReached, Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef, Reading
from bot.subscriptions.subscription import Chat, Rule, Subscription
from storage import Storage
from storage.disk import Disk
from storage.key_file import KeyRing, beside, spelled
from storage.tinydb.files import StoreFiles
from storage.tinydb.frames import Damaged, Torn, framed, frames
from storage.tinydb.sealed import FORMAT, Content, format_of
from storage.tinydb.store import TinyStorage, open_tiny, rekey_tiny, restore_tiny

NOON = datetime(2020, 3, 6, 12, tzinfo=UTC)
REF = PetitionRef("uk", 300239)
ANN, BOB = 4242424242, 4343434343
STORES = Path(__file__).parent / "stores"


def known(count: int = 9_000) -> PetitionHistory:
    petition = Petition(
        ref=REF,
        url="https://petition.example/petitions/300239",
        action="Count the nightingales",
        state="open",
        signature_count=count,
        topics=("nature", "song"),
    )
    return PetitionHistory(
        petition, NOON, seen=frozenset({"opened", "milestone:1000", "milestone:500"})
    )


def milestone(number: int) -> Occurrence:
    return Occurrence(f"{REF}:milestone:{number}", REF, NOON, MilestoneReached(number, number))


async def furnish(storage: Storage, *chats: int) -> None:
    """Let chats follow a petition, and owe them an alert."""
    await storage.commit_poll(known(), [], NOON)
    for chat in chats:
        await storage.save_chat(Chat(chat, "private", NOON, NOON))
        await storage.subscribe(Subscription(chat, REF, NOON))
    await storage.commit_poll(known(10_000), [milestone(10_000)], NOON)


class Place:
    """Where a store and its key are."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "store.db"
        self.key_file = folder / "keys" / "store.key"

    async def open(self, disk: Disk | None = None) -> TinyStorage:
        return await open_tiny(self.path, self.key_file, disk=disk)

    async def furnish(self) -> None:
        """Leave a closed store with something in it: some in the snapshot, some in the journal."""
        storage = await self.open()
        await furnish(storage, ANN)
        await storage.forget_chat(1)  # folds
        await storage.close()
        storage = await self.open()
        await furnish(storage, ANN, BOB)
        await storage.save_note("offset", "7")
        await storage.close()

    def file(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}{ending}")

    @property
    def journal(self) -> Path:
        """The journal that is written."""
        return max(
            self.path.parent.glob("store.db.journal.*"), key=lambda each: int(each.suffix[1:])
        )

    def names(self) -> list[str]:
        return sorted(each.name for each in self.path.parent.iterdir())

    def content(self) -> dict[str, bytes]:
        """Every file, but for copies kept of damaged ones."""
        return {
            each.name: each.read_bytes()
            for each in self.path.parent.iterdir()
            if ".damaged-" not in each.name
        }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
async def storage(place: Place) -> AsyncIterator[TinyStorage]:
    storage = await place.open()
    yield storage
    await storage.close()


# --- the contract's type -------------------------------------------------------------------------


async def test_a_lease_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    storage = await place.open()
    await furnish(storage, ANN)
    assert await storage.claim_deliveries(NOON, 9, timedelta(hours=1))
    assert not await storage.claim_deliveries(NOON, 9, timedelta(hours=1))
    await storage.close()
    storage = await place.open()
    assert await storage.claim_deliveries(NOON, 9, timedelta(hours=1))
    await storage.close()


async def test_it_is_a_storage(storage: TinyStorage) -> None:
    kept: Storage = storage
    assert await kept.note("offset") is None


# --- the files -----------------------------------------------------------------------------------


async def test_nobody_else_on_the_machine_may_read_it(storage: TinyStorage, place: Place) -> None:
    await storage.save_note("offset", "7")
    files = [*place.path.parent.iterdir(), place.key_file]
    assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
    assert place.names() == ["store.db", "store.db.journal.1", "store.db.lock"]


async def test_nothing_of_what_is_kept_can_be_read_in_the_files(place: Place) -> None:
    await place.furnish()
    for raw in place.content().values():
        for secret in (str(ANN), str(REF.id), "nightingales", "subscriptions", "private"):
            assert secret.encode() not in raw


async def test_documents_answer_queries(storage: TinyStorage) -> None:
    await furnish(storage, ANN, BOB)
    await storage.mute(BOB, REF, True, NOON)
    table = storage.database.table("subscriptions")
    assert [each["chat_id"] for each in table.search(where("muted") == True)] == [BOB]  # noqa: E712  # a query
    await storage.mute(ANN, REF, True, NOON)
    assert table.count(where("muted") == True) == 2  # noqa: E712  # a query


async def test_a_table_cannot_be_changed_past_the_transactions(
    storage: TinyStorage, place: Place
) -> None:
    await furnish(storage, ANN)
    before = place.content()
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
    assert place.content() == before


async def test_a_use_case_that_changes_nothing_writes_nothing(place: Place) -> None:
    await place.furnish()
    before = place.content()
    storage = await place.open()
    await change_nothing(storage)
    await storage.close()
    assert place.content() == before


async def change_nothing(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "private", NOON, NOON))
    await storage.subscribe(Subscription(ANN, REF, NOON))
    await storage.mute(ANN, REF, False, NOON)
    await storage.wake_chat(ANN, NOON)
    await storage.commit_poll(known(10_000), [milestone(10_000)], NOON)
    await storage.claim_deliveries(NOON - timedelta(days=1), 10, timedelta(minutes=1))
    await storage.settle("uk:1:opened:1")
    await storage.retry("uk:1:opened:1", NOON)


async def test_a_use_case_adds_to_the_journal_what_it_changes_and_no_more(
    storage: TinyStorage, place: Place
) -> None:
    await furnish(storage, *range(1, 100))
    before, snapshot = place.journal.read_bytes(), place.path.read_bytes()
    await storage.save_note("offset", "7")
    after = place.journal.read_bytes()
    assert after.startswith(before)
    assert len(after) - len(before) < 150
    assert place.path.read_bytes() == snapshot


async def test_use_cases_that_wait_together_share_a_write(place: Place) -> None:
    disk = CountingDisk()
    storage = await place.open(disk)
    disk.syncs = 0
    await asyncio.gather(*(storage.save_chat(Chat(number)) for number in range(1, 101)))
    assert disk.syncs <= 5
    assert (await storage.tally()).chats == 100
    await storage.close()


class CountingDisk(Disk):
    syncs = 0

    def sync(self, descriptor: int) -> None:
        self.syncs += 1
        super().sync(descriptor)


async def test_a_link_to_the_file_stays_a_link(place: Place, tmp_path: Path) -> None:
    await place.furnish()
    link = tmp_path / "link.db"
    link.symlink_to(place.path)
    storage = await open_tiny(link, place.key_file)
    await storage.forget_chat(ANN)
    await storage.close()
    assert link.is_symlink()


# --- folding -------------------------------------------------------------------------------------


async def test_a_journal_that_has_grown_is_folded_while_commits_go_on(place: Place) -> None:
    storage = await place.open()
    await asyncio.gather(*(storage.save_note(f"{n}", "x" * 20_000) for n in range(150)))
    await storage.close()
    assert place.file(".previous").exists()
    assert place.path.stat().st_size > 1_000_000
    storage = await place.open()
    assert await storage.note("149") == "x" * 20_000
    await storage.close()


async def test_a_small_journal_is_not_folded(place: Place) -> None:
    await place.furnish()
    before = place.path.read_bytes()
    storage = await place.open()
    await storage.save_note("offset", "8")
    await storage.close()
    assert place.path.read_bytes() == before


async def test_the_snapshot_before_is_as_complete_as_the_newer(place: Place) -> None:
    storage = await place.open()
    await asyncio.gather(*(storage.save_note(f"{n}", "x" * 20_000) for n in range(150)))
    await furnish(storage, ANN)
    await storage.close()
    os.replace(place.file(".previous"), place.path)
    storage = await place.open()
    assert await storage.note("149") == "x" * 20_000
    assert await storage.chat(ANN) is not None
    await storage.close()


async def test_a_crash_between_the_two_renames_of_a_fold_loses_nothing(place: Place) -> None:
    await place.furnish()
    place.path.rename(place.path.with_name(".store.db.next"))
    storage = await place.open()
    assert await storage.note("offset") == "7"
    await storage.close()


# --- forgetting ----------------------------------------------------------------------------------


def traces(place: Place, chat: int) -> list[str]:
    """The files that hold a chat, once opened with the key."""
    key = base64.b64decode(place.key_file.read_text())
    return [
        each.name
        for each in place.path.parent.iterdir()
        if each.stat().st_size
        and str(chat).encode() in b"".join(Content(each.read_bytes()).plains(key))
    ]


async def test_a_forgotten_chat_leaves_no_trace_even_for_who_has_the_key(place: Place) -> None:
    await place.furnish()
    assert traces(place, ANN)
    storage = await place.open()
    await storage.forget_chat(ANN)
    await storage.close()
    assert traces(place, ANN) == []
    assert traces(place, BOB) == ["store.db", "store.db.previous"]
    assert traces(place, ANN) == []


async def test_a_chat_forgotten_while_a_fold_is_under_way_leaves_no_trace(place: Place) -> None:
    storage = await place.open()
    await furnish(storage, ANN, BOB)
    await asyncio.gather(storage.forget_chat(1), storage.forget_chat(ANN), storage.forget_chat(BOB))
    await storage.close()
    assert traces(place, ANN) == traces(place, BOB) == []


async def test_forgetting_takes_the_plain_backup_along(place: Place) -> None:
    place.path.parent.mkdir()
    place.path.write_bytes(PLAIN)
    storage = await place.open()
    assert place.file(".format-1").exists()
    await storage.forget_chat(ANN)
    await storage.close()
    assert not place.file(".format-1").exists()


# --- the key -------------------------------------------------------------------------------------


async def test_the_key_is_made_on_the_first_start_and_kept(place: Place) -> None:
    await place.furnish()
    key = place.key_file.read_text()
    storage = await place.open()
    await storage.close()
    assert place.key_file.read_text() == key
    assert len(base64.b64decode(key)) == 32


async def test_a_key_from_the_environment_needs_no_file(tmp_path: Path) -> None:
    key = spelled(bytes(range(32)))
    for note in (None, "7"):
        storage = await open_tiny(tmp_path / "store.db", None, key=key)
        assert await storage.note("offset") == note
        await storage.save_note("offset", "7")
        await storage.close()


async def test_a_missing_key_is_refused_and_changes_nothing(place: Place) -> None:
    await place.furnish()
    place.key_file.rename(place.key_file.with_name("elsewhere"))
    before = place.content()
    assert "is missing" in await refused(place)
    assert place.content() == before
    assert not place.key_file.exists()


async def test_another_key_is_refused_and_changes_nothing(place: Place) -> None:
    await place.furnish()
    place.key_file.write_text(spelled(bytes(32)))
    before = place.content()
    assert "a different key" in await refused(place)
    assert place.content() == before


async def test_a_key_that_others_can_read_is_refused(place: Place) -> None:
    await place.furnish()
    place.key_file.chmod(0o640)
    assert "chmod 600" in await refused(place)


@pytest.mark.parametrize("text", ["", "nonsense", spelled(bytes(16)), "\xff"])
async def test_a_key_file_that_holds_no_key_is_refused(place: Place, text: str) -> None:
    await place.furnish()
    place.key_file.write_text(text)
    assert "isn't a key" in await refused(place)


async def test_a_new_key_opens_the_store_and_the_old_one_does_not(place: Place) -> None:
    await place.furnish()
    old = place.key_file.read_text()
    await rekey_tiny(place.path, place.key_file)
    storage = await place.open()
    assert await storage.note("offset") == "7"
    await storage.close()
    assert place.key_file.read_text() != old
    assert not place.key_file.with_name("store.key.next").exists()
    place.key_file.write_text(old)
    assert "a different key" in await refused(place)


async def test_a_new_key_that_is_not_filed_is_told(tmp_path: Path) -> None:
    path, told = tmp_path / "store.db", [spelled(bytes(32))]
    storage = await open_tiny(path, None, key=told[0])
    await storage.save_note("offset", "7")
    await storage.close()
    await rekey_tiny(path, None, key=told[0], tell=told.append)
    storage = await open_tiny(path, None, key=told[1])
    assert await storage.note("offset") == "7"
    await storage.close()


async def test_a_crash_before_the_new_key_is_in_place_loses_nothing(place: Place) -> None:
    await place.furnish()
    old = place.key_file.read_bytes()
    await rekey_tiny(place.path, place.key_file)
    beside(place.key_file).write_bytes(place.key_file.read_bytes())
    beside(place.key_file).chmod(0o600)
    place.key_file.write_bytes(old)
    storage = await place.open()
    assert await storage.note("offset") == "7"
    await storage.close()
    assert place.key_file.read_bytes() != old


async def test_a_crash_before_the_new_key_is_used_loses_nothing(place: Place) -> None:
    await place.furnish()
    old = place.key_file.read_bytes()
    beside(place.key_file).write_text(spelled(bytes(32)))
    beside(place.key_file).chmod(0o600)
    storage = await place.open()
    assert await storage.note("offset") == "7"
    await storage.close()
    assert place.key_file.read_bytes() == old
    assert not beside(place.key_file).exists()


# --- what is refused -----------------------------------------------------------------------------


async def refused(place: Place) -> str:
    """Opening fails in one clear line that names a file."""
    with pytest.raises(StorageError) as refusal:
        await place.open()
    message = str(refusal.value)
    assert "store." in message
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
async def test_a_file_that_is_not_ours_is_refused_and_left_alone(place: Place, raw: bytes) -> None:
    place.path.parent.mkdir()
    place.path.write_bytes(raw)
    await refused(place)
    assert place.path.read_bytes() == raw


@pytest.mark.parametrize("tenths", range(1, 10))
async def test_a_snapshot_cut_short_is_refused_and_kept_aside(place: Place, tenths: int) -> None:
    await place.furnish()
    whole = place.path.read_bytes()
    place.path.write_bytes(whole[: len(whole) * tenths // 10])
    before = place.content()
    for _ in range(2):
        message = await refused(place)
        assert "damaged" in message
        assert "store.db.previous" in message
    assert place.content() == before
    [aside] = place.path.parent.glob("store.db.damaged-*")
    assert aside.read_bytes() == place.path.read_bytes()


@pytest.mark.parametrize("name", ["", ".journal"])
@pytest.mark.parametrize("tenths", range(10))
async def test_a_flipped_bit_is_refused_and_kept_aside(
    place: Place, name: str, tenths: int
) -> None:
    await place.furnish()
    path = place.journal if name else place.path
    raw = bytearray(path.read_bytes())
    raw[len(raw) * tenths // 10] ^= 4
    path.write_bytes(raw)
    before = place.content()
    await refused(place)
    assert place.content() == before
    assert [each.read_bytes() for each in place.path.parent.glob("*.damaged-*")] in ([], [raw])


def altered(place: Place, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """The journal with its frames changed, each still checking by itself."""
    raw = place.journal.read_bytes()
    payloads = [frame.payload for frame in frames(raw)]
    changed = enumerate(change(payloads))
    place.journal.write_bytes(b"".join(framed(number, each) for number, each in changed))


@pytest.mark.parametrize(
    "change",
    [
        lambda each: [*each[:2], *each[3:]],
        lambda each: [*each[:2], each[3], each[2], *each[4:]],
        lambda each: [*each[:2], each[1], *each[2:]],
    ],
    ids=["dropped", "swapped", "repeated"],
)
async def test_commits_that_were_tampered_with_are_refused(
    place: Place, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    await place.furnish()
    altered(place, change)
    assert "damaged" in await refused(place)


async def test_a_journal_of_another_time_is_refused(place: Place) -> None:
    await place.furnish()
    storage = await place.open()
    old = place.journal.read_bytes()
    await storage.forget_chat(ANN)
    await storage.close()
    place.journal.write_bytes(old)
    assert "belongs elsewhere" in await refused(place)


@pytest.mark.parametrize("gone", ["journal", "path"])
async def test_a_file_that_is_gone_is_no_new_store(place: Place, gone: str) -> None:
    await place.furnish()
    getattr(place, gone).unlink()
    before = place.content()
    assert "is gone" in await refused(place)
    assert place.content() == before


async def test_a_file_of_a_format_to_come_is_refused(place: Place) -> None:
    await place.furnish()
    now, to_come = b'"format":%d' % FORMAT, b'"format":%d' % (FORMAT + 1)
    beginning = next(frames(place.path.read_bytes())).payload
    assert now in beginning
    place.path.write_bytes(framed(0, beginning.replace(now, to_come)))
    assert f"format {FORMAT + 1}" in await refused(place)
    before = place.content()
    with pytest.raises(StorageError, match=f"format {FORMAT + 1}"):
        await restore_tiny(place.path, place.key_file)
    assert place.content() == before


async def test_a_table_that_is_not_known_here_is_refused_in_words(place: Place) -> None:
    await place.furnish()
    vault = StoreFiles(place.path, KeyRing(place.key_file), Disk())
    vault.load()
    vault.append([{("dreams", "1"): {"of": "Ann"}}])
    vault.release()
    assert "a table 'dreams'" in await refused(place)


async def test_a_folder_in_the_files_place_is_refused(place: Place) -> None:
    place.path.mkdir(parents=True)
    await refused(place)


async def test_a_file_in_the_folders_place_is_refused(place: Place) -> None:
    place.path.parent.write_bytes(b"mine")
    await refused(place)
    assert place.path.parent.read_bytes() == b"mine"


async def test_a_refused_file_can_be_opened_once_it_is_whole_again(place: Place) -> None:
    await place.furnish()
    whole = place.path.read_bytes()
    place.path.write_bytes(whole[:-10])
    await refused(place)
    place.path.write_bytes(whole)
    storage = await place.open()
    assert await storage.chat(ANN) is not None
    await storage.close()


# --- restoring -----------------------------------------------------------------------------------


async def test_a_damaged_snapshot_is_restored_from_the_one_before(place: Place) -> None:
    await place.furnish()
    place.path.write_bytes(place.path.read_bytes()[:-10])
    await refused(place)
    assert await restore_tiny(place.path, place.key_file)
    storage = await place.open()
    assert await storage.note("offset") == "7"
    await storage.close()


async def test_of_a_damaged_journal_everything_but_the_damage_is_restored(place: Place) -> None:
    await place.furnish()
    raw = bytearray(place.journal.read_bytes())
    third = list(frames(bytes(raw)))[3]
    raw[third.end - 5] ^= 1
    place.journal.write_bytes(raw)
    await refused(place)
    await restore_tiny(place.path, place.key_file)
    storage = await place.open()
    assert await storage.chat(ANN) is not None
    assert await storage.note("offset") == "7"
    await storage.save_note("offset", "8")
    await storage.close()
    assert list(place.path.parent.glob("*.damaged-*"))


async def test_a_store_that_is_well_is_restored_to_itself(place: Place) -> None:
    await place.furnish()
    await restore_tiny(place.path, place.key_file)
    storage = await place.open()
    assert await storage.note("offset") == "7"
    await storage.close()


# --- a crash -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [1, 5, 30, 60])
async def test_an_unfinished_commit_is_cut_off_and_the_rest_is_kept(
    place: Place, lost: int
) -> None:
    await place.furnish()
    place.journal.write_bytes(place.journal.read_bytes()[:-lost])
    with capture_logs() as logs:
        storage = await place.open()
    assert [each["event"] for each in logs] == ["unfinished commit discarded"]
    assert await storage.note("offset") is None
    assert await storage.chat(BOB) is not None
    await storage.save_note("offset", "8")
    await storage.close()
    storage = await place.open()
    assert await storage.note("offset") == "8"
    await storage.close()


async def test_pages_that_never_reached_the_disk_are_cut_off(place: Place) -> None:
    await place.furnish()
    raw = place.journal.read_bytes()
    place.journal.write_bytes(raw[:-40] + bytes(40))
    storage = await place.open()
    assert await storage.note("offset") is None
    assert await storage.chat(BOB) is not None
    await storage.close()


@given(
    payloads=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5),
    cut=st.integers(0, 400),
)
def test_whatever_is_cut_off_a_file_of_frames_leaves_the_frames_before(
    payloads: list[bytes], cut: int
) -> None:
    raw = b"".join(framed(number, payload) for number, payload in enumerate(payloads))
    found: list[bytes] = []
    with suppress(Torn):
        found.extend(frame.payload for frame in frames(raw[:cut]))
    assert found == payloads[: len(found)]
    assert len(b"".join(framed(0, each) for each in found)) <= cut


@given(payload=st.binary(min_size=1, max_size=60), where=st.data())
def test_a_byte_changed_before_the_last_frame_is_damage(
    payload: bytes, where: st.DataObject
) -> None:
    first = framed(0, payload)
    raw = bytearray(first + framed(1, b"last"))
    raw[where.draw(st.integers(0, len(first) - 1))] ^= 8
    with pytest.raises(Damaged):
        list(frames(bytes(raw)))


# --- version 0.1 ---------------------------------------------------------------------------------


PLAIN = msgspec.json.encode(
    {
        "about": {"file": {"program": "petition-bell", "format": 1}},
        "chats": {str(ANN): {"id": ANN}},
        "subscriptions": {
            f"{ANN}:{REF}": {
                "chat_id": ANN,
                "petition": {"site": "uk", "id": REF.id},
                "created_at": "2020-03-06T12:00:00Z",
            }
        },
        "petitions": {
            str(REF): {
                "petition": {
                    "ref": {"site": "uk", "id": REF.id},
                    "url": "https://petition.example/petitions/300239",
                    "action": "Count the nightingales",
                    "state": "open",
                    "signature_count": 9000,
                },
                "read_at": "2020-03-06T12:00:00Z",
            }
        },
        "occurrences": {},
        "readings": {f"{REF}:2020-03-06": {"counts": [[1583496000, 9000]]}},
        "deliveries": {},
        "notes": {"offset": {"value": "7"}},
        "counters": {},
    }
)


async def test_a_plain_store_is_sealed_and_a_backup_kept(place: Place) -> None:
    place.path.parent.mkdir()
    place.path.write_bytes(PLAIN)
    for _ in range(2):
        storage = await place.open()
        assert await storage.subscription(ANN, REF) == Subscription(ANN, REF, NOON)
        assert await storage.readings(REF, NOON) == [Reading(NOON, 9_000)]
        assert await storage.note("offset") == "7"
        await storage.close()
    assert place.file(".format-1").read_bytes() == PLAIN
    assert str(ANN).encode() not in place.path.read_bytes()


async def test_a_store_from_before_there_were_rules_and_terms_is_still_opened(
    place: Place,
) -> None:
    shutil.copytree(STORES / "format_2", place.path.parent)
    rule = Rule(42, "uk", NOON, ("response",), number=1)
    for rules in ([], [rule]):
        storage = await open_tiny(place.path, None, key=spelled(bytes(range(32))))
        muted = Subscription(43, REF, NOON, thread_id=7, muted=True, card_id=9)
        assert await storage.subscriptions(43) == [muted]
        assert await storage.rules(42) == rules
        [claimed] = await storage.claim_deliveries(NOON, 10, timedelta(minutes=1))
        assert (claimed.delivery.chat_id, claimed.delivery.lane) == (42, "")
        assert await storage.save_rule(rule, NOON) == rule
        await storage.forget_chat(1)  # folds
        await storage.close()


async def test_a_store_of_an_older_format_is_written_anew_and_stays_beside(place: Place) -> None:
    shutil.copytree(STORES / "format_2", place.path.parent)
    before = place.path.read_bytes()
    storage = await open_tiny(place.path, None, key=spelled(bytes(range(32))))
    await storage.close()
    assert format_of(place.path.read_bytes()) == FORMAT > 2
    assert place.file(".previous").read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        (b'"id":4242424242', b'"id":"Ann"'),
        (b'"format":1', b'"format":7'),
        (b'"counters":{}}', b'"counters":'),
        (b'"uk:300239":{"petition"', b'"uk:1":{"petition"'),
    ],
)
async def test_a_senseless_plain_store_is_refused_and_left_alone(
    place: Place, change: tuple[bytes, bytes]
) -> None:
    place.path.parent.mkdir()
    raw = PLAIN.replace(*change)
    assert raw != PLAIN
    place.path.write_bytes(raw)
    await refused(place)
    assert place.path.read_bytes() == raw


# --- one process ---------------------------------------------------------------------------------

WRITER = """
import asyncio, sys
from pathlib import Path
from bot.subscriptions.subscription import Chat
from storage.tinydb.store import open_tiny

async def main():
    storage = await open_tiny(Path(sys.argv[1]), Path(sys.argv[2]))
    for number in range(1, 100_000):
        await storage.save_chat(Chat(number))
        print(number, flush=True)

asyncio.run(main())
"""


async def writer(place: Place) -> asyncio.subprocess.Process:
    """Another process that saves chats 1, 2, 3 … and tells of each once it is kept."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        str(place.path),
        str(place.key_file),
        stdout=asyncio.subprocess.PIPE,
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


async def test_a_second_process_is_refused_until_the_first_is_gone(place: Place) -> None:
    process = await writer(place)
    assert process.stdout is not None
    await process.stdout.readline()
    assert "in use" in await refused(place)
    await killed(process, 1)
    storage = await place.open()
    assert await storage.chat(1) == Chat(1)
    await storage.close()


@pytest.mark.parametrize("after", [1, 20, 75, 150])
async def test_a_killed_writer_loses_nothing_it_told_of(place: Place, after: int) -> None:
    told = await killed(await writer(place), after)
    storage = await place.open()
    kept = (await storage.tally()).chats
    assert kept in {told, told + 1}
    assert await storage.chat(kept) == Chat(kept)
    await storage.close()


async def test_a_store_opened_twice_is_refused_and_once_closed_is_not(
    storage: TinyStorage, place: Place
) -> None:
    await refused(place)
    await storage.save_note("offset", "7")
    await storage.close()
    again = await place.open()
    assert await again.note("offset") == "7"
    await again.close()


async def test_a_closed_store_takes_nothing_more(storage: TinyStorage, place: Place) -> None:
    await storage.save_note("offset", "7")
    await storage.close()
    with pytest.raises(StorageError):
        await storage.save_note("offset", "8")
    again = await place.open()
    assert await again.note("offset") == "7"
    await again.close()


# --- what cannot be written ----------------------------------------------------------------------


async def test_a_full_disk_fails_the_use_case_and_nothing_else(
    storage: TinyStorage, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Disk, "is_at", lambda *_: True)  # the device that is full has another name
    await furnish(storage, BOB)
    with full_device(".journal."):
        with pytest.raises(StorageError, match="No space left") as failure:
            await storage.save_chat(Chat(ANN))
        assert isinstance(failure.value.__cause__, OSError)
        assert await storage.chat(ANN) is None
        assert await storage.chat(BOB) is not None
    await storage.save_chat(Chat(ANN))
    await storage.close()
    again = await place.open()
    assert await again.chat(ANN) == Chat(ANN)
    await again.close()


async def test_of_use_cases_that_fail_together_none_has_happened(
    storage: TinyStorage, place: Place
) -> None:
    await furnish(storage, BOB)
    with full_device(".journal."):
        outcomes = await asyncio.gather(
            *(storage.save_chat(Chat(number)) for number in range(1, 20)),
            storage.forget_chat(BOB),
            return_exceptions=True,
        )
    assert {type(each) for each in outcomes} == {StorageError}
    assert (await storage.tally()).chats == 1


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("code", FAULTS, ids=errno.errorcode.get)
async def test_wherever_the_disk_fails_what_was_kept_is_kept(
    tmp_path: Path, code: int, lasting: bool
) -> None:
    disk = FaultyDisk()
    await live_through(tmp_path / "well", disk)
    for at in range(1 + lasting, disk.steps + 1, 9):
        await live_through(tmp_path / str(at), FaultyDisk(at, code, lasting=lasting))


async def test_nobody_reads_what_may_yet_fail(storage: TinyStorage) -> None:
    with full_device(".journal."):
        saving = asyncio.create_task(storage.save_chat(Chat(ANN)))
        await asyncio.sleep(0)  # the write is under way
        assert await storage.chat(ANN) is None
        with pytest.raises(StorageError):
            await saving


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
        await storage.commit_poll(known(25_000), [milestone(25_000)], NOON.replace(tzinfo=None))
    assert await storage.commit_poll(known(25_000), [milestone(25_000)], NOON) == 1
    claimed = await storage.claim_deliveries(NOON, 10, timedelta(minutes=1))
    assert [each.delivery.key for each in claimed] == [f"uk:300239:milestone:10000:{ANN}"]


# --- large ones ----------------------------------------------------------------------------------


async def test_a_commit_of_many_slices_is_kept_whole(place: Place) -> None:
    storage = await place.open()
    large = "".join(str(number) for number in range(500_000))
    await storage.save_note("large", large)
    await asyncio.gather(*(storage.save_note(str(n), str(n)) for n in range(1_000)))
    await storage.close()
    storage = await place.open()
    assert await storage.note("large") == large
    assert [await storage.note(str(n)) for n in range(1_000)] == [str(n) for n in range(1_000)]
    await storage.close()


async def test_garbage_is_not_looked_for_among_many_new_documents(storage: TinyStorage) -> None:
    await storage.commit_poll(known(), [], NOON)
    gc.unfreeze()
    await furnish(storage, ANN)
    assert gc.get_freeze_count() == 0
    chats = range(1, 5_001)
    await asyncio.gather(*(storage.subscribe(Subscription(chat, REF, NOON)) for chat in chats))
    assert gc.get_freeze_count() >= 5_000
    assert gc.isenabled()


# --- the memory is its own -----------------------------------------------------------------------


async def test_what_a_query_returns_is_the_readers_own(storage: TinyStorage) -> None:
    await furnish(storage, ANN)
    everything = where("petition").exists()
    table = storage.database.table("petitions")
    for found in (table.search(everything), table.search(everything), table.all()):
        found[0]["petition"]["ref"]["id"] = 1
        found[0]["seen"].clear()
    assert await storage.known(REF) == known(10_000)
