"""What the embedded store refuses: another key, damage, a second process, a full disk, a crash."""

import asyncio
import base64
import errno
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE

import pytest
from embedded import ANN, BOB, NOON, Place, furnish, known, milestone, refused
from embedded import place as place
from embedded import storage as storage
from forked import Forked, forked
from hypothesis import given
from hypothesis import strategies as st
from store_faults import FAULTS, FaultyDisk, live_through
from store_files import full_device
from structlog.testing import capture_logs

from bot.errors import StorageError
from bot.subscriptions.subscription import Chat
from storage.disk import Disk
from storage.key_file import key_text, pending_path
from storage.tinydb.frames import Damaged, Torn, framed, frames
from storage.tinydb.sealed import FORMAT
from storage.tinydb.store import TinyStorage, open_tiny, rekey_tiny, repair_tiny

# --- the key --------------------------------------------------------------------------------------


async def test_the_key_is_made_on_the_first_start_and_kept(place: Place) -> None:
    await place.furnish()
    key = place.key_file.read_text()
    storage = await place.open()
    await storage.close()
    assert place.key_file.read_text() == key
    assert len(base64.b64decode(key)) == 32


async def test_a_key_from_the_environment_needs_no_file(tmp_path: Path) -> None:
    key = key_text(bytes(range(32)))
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
    place.key_file.write_text(key_text(bytes(32)))
    before = place.content()
    assert "a different key" in await refused(place)
    assert place.content() == before


async def test_a_key_that_others_can_read_is_refused(place: Place) -> None:
    await place.furnish()
    place.key_file.chmod(0o640)
    assert "chmod 600" in await refused(place)


@pytest.mark.parametrize("text", ["", "nonsense", key_text(bytes(16)), "\xff"])
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
    path, told = tmp_path / "store.db", [key_text(bytes(32))]
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
    pending_path(place.key_file).write_bytes(place.key_file.read_bytes())
    pending_path(place.key_file).chmod(0o600)
    place.key_file.write_bytes(old)
    storage = await place.open()
    assert await storage.note("offset") == "7"
    await storage.close()
    assert place.key_file.read_bytes() != old


async def test_a_crash_before_the_new_key_is_used_loses_nothing(place: Place) -> None:
    await place.furnish()
    old = place.key_file.read_bytes()
    pending_path(place.key_file).write_text(key_text(bytes(32)))
    pending_path(place.key_file).chmod(0o600)
    storage = await place.open()
    assert await storage.note("offset") == "7"
    await storage.close()
    assert place.key_file.read_bytes() == old
    assert not pending_path(place.key_file).exists()


# --- what is refused ------------------------------------------------------------------------------


FOREIGN = {
    "empty": b"",
    "text": b"Dear diary,\n",
    "not unicode": b"\xff\xfe\x00",
    "a list": b"[1, 2]",
    "another program's": b'{"_default": {"1": {"name": "x"}}}',
    "nothing": b"{}",
    "a deeper thing": b'{"about": {"file": {"program": {"x": 1}}}}',
    "a plain store": b'{"about": {"file": {"program": "petition-bell", "format": 1}}}',
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


@pytest.mark.parametrize("other", [FORMAT - 1, FORMAT + 1])
async def test_a_file_of_another_format_is_refused_in_words(place: Place, other: int) -> None:
    await place.furnish()
    here, there = b'"format":%d' % FORMAT, b'"format":%d' % other
    beginning = next(frames(place.path.read_bytes())).payload
    assert here in beginning
    place.path.write_bytes(framed(0, beginning.replace(here, there)))
    assert f"has format {other}; this version knows format {FORMAT}" in await refused(place)
    before = place.content()
    with pytest.raises(StorageError, match=f"format {other}"):
        await repair_tiny(place.path, place.key_file)
    assert place.content() == before


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


# --- a crash --------------------------------------------------------------------------------------


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


# --- one process ----------------------------------------------------------------------------------

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


async def writer(place: Place) -> Forked:
    """Another process that saves chats 1, 2, 3 … and tells of each once it is kept."""
    return await forked("-c", WRITER, str(place.path), str(place.key_file), stdout=PIPE)


async def killed(process: Forked, after: int) -> int:
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


# --- what cannot be written -----------------------------------------------------------------------


async def test_a_full_disk_fails_the_use_case_and_nothing_else(
    storage: TinyStorage, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for look in ("is_at", "has_size"):  # the device that is full has another name
        monkeypatch.setattr(Disk, look, lambda *_: True)
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
