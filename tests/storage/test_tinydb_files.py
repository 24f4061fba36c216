"""The embedded store's files: written, compacted, forgotten in, restored."""

import asyncio
import base64
import gc
import os
from datetime import timedelta
from pathlib import Path

from embedded import ANN, BOB, NOON, REF, Place, furnish, known, milestone, refused
from embedded import place as place
from embedded import storage as storage
from tinydb import where

from bot.subscriptions.subscription import Chat, Subscription
from storage import Storage
from storage.disk import Disk
from storage.tinydb.frames import frames
from storage.tinydb.sealed import Content
from storage.tinydb.store import TinyStorage, open_tiny, repair_tiny

# --- the contract's type --------------------------------------------------------------------------


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


# --- the files ------------------------------------------------------------------------------------


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
    assert [each["chat_id"] for each in table.search(where("muted") == True)] == [BOB]  # noqa: E712 - a query
    await storage.mute(ANN, REF, True, NOON)
    assert table.count(where("muted") == True) == 2  # noqa: E712  # a query


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


# --- compaction ---------------------------------------------------------------------------------


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


# --- forgetting -----------------------------------------------------------------------------------


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


# --- restoring ------------------------------------------------------------------------------------


async def test_a_damaged_snapshot_is_restored_from_the_one_before(place: Place) -> None:
    await place.furnish()
    place.path.write_bytes(place.path.read_bytes()[:-10])
    await refused(place)
    assert await repair_tiny(place.path, place.key_file)
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
    await repair_tiny(place.path, place.key_file)
    storage = await place.open()
    assert await storage.chat(ANN) is not None
    assert await storage.note("offset") == "7"
    await storage.save_note("offset", "8")
    await storage.close()
    assert list(place.path.parent.glob("*.damaged-*"))


async def test_a_store_that_is_well_is_restored_to_itself(place: Place) -> None:
    await place.furnish()
    await repair_tiny(place.path, place.key_file)
    storage = await place.open()
    assert await storage.note("offset") == "7"
    await storage.close()


# --- large ones -----------------------------------------------------------------------------------


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


# --- the memory is its own ------------------------------------------------------------------------


async def test_what_a_query_returns_is_the_readers_own(storage: TinyStorage) -> None:
    await furnish(storage, ANN)
    everything = where("petition").exists()
    table = storage.database.table("petitions")
    for found in (table.search(everything), table.search(everything), table.all()):
        found[0]["petition"]["ref"]["id"] = 1
        found[0]["seen"].clear()
    assert await storage.history(REF) == known(10_000)
