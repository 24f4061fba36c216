"""Keeps what the bot remembers in TinyDB: a transaction each use case, every file sealed."""

import asyncio
import gc
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import nsmallest
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, convert

from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef, Reading
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.subscription import Chat, Rule
from storage import ClaimedDelivery, Pruned, Tally
from storage.disk import Disk
from storage.integrity import checked
from storage.key_file import KeyRing, key_text, new_key
from storage.tables import (
    CHATS,
    DELIVERIES,
    ERASE,
    NOTES,
    PETITIONS,
    READINGS,
    SUBSCRIPTIONS,
    Day,
    TableSpec,
    day_id,
    second_of,
)
from storage.tinydb.claims import Claim
from storage.tinydb.commits import Commits
from storage.tinydb.database import Database, Transaction
from storage.tinydb.fan_out import FanOut
from storage.tinydb.files import StoreFiles
from storage.tinydb.index import Index
from storage.tinydb.read_only import ReadOnlyFiles, is_there
from storage.tinydb.recent_alerts import drop_old_alerts
from storage.tinydb.retention import Pruning, set_readings_back
from storage.tinydb.unit import TinyUnit, in_one_go
from storage.unit import Unit
from storage.usecases import UseCases, aware, set_chat_back, set_rules_back

_MANY_DOCUMENTS = 20_000
_SET_BACK_AT_ONCE = 50  # chats or petitions in one transaction

S = TypeVar("S", bound=Struct)
R = TypeVar("R")


# --- opening -------------------------------------------------------------------------------------


async def open_tiny(
    path: Path, key_file: Path | None, *, key: str | None = None, disk: Disk | None = None
) -> "TinyStorage":
    """Open the store at a path, made with its folders and its key if there is none.

    `key` (base64) goes before the key file. StorageError for a store that is in use, unreadable,
    damaged, sealed with another key or not ours; it stays as it is.
    """
    files = StoreFiles(path, KeyRing(key_file, key), disk or Disk())
    storage = TinyStorage(*await asyncio.to_thread(_load, files))
    storage.finish_erasing()
    return storage


async def read_tiny(
    path: Path, key_file: Path | None, *, key: str | None = None
) -> "TinyStorage | None":
    """Return the store as it is now, to be read alone, whoever has it open; None if there is none.

    StorageError as `open_tiny` raises it, but for a store that is in use.
    """
    if not is_there(path):
        return None
    files = ReadOnlyFiles(path, KeyRing(key_file, key))
    return TinyStorage(*await asyncio.to_thread(_load, files))


async def rekey_tiny(
    path: Path,
    key_file: Path | None,
    *,
    key: str | None = None,
    tell: Callable[[str], None] = lambda key: None,
    disk: Disk | None = None,
) -> None:
    """Seal a store nobody has open with a new key, which takes the place of the old in its file.

    Where the key is given instead of read from a file, `tell` is called with the new one first.
    """
    new = new_key()
    files = StoreFiles(path, KeyRing(key_file, key), disk or Disk())
    if key is not None:
        tell(key_text(new))
    await asyncio.to_thread(files.rekey, new)


async def repair_tiny(
    path: Path, key_file: Path | None, *, key: str | None = None, disk: Disk | None = None
) -> bool:
    """Make a damaged store whole from all that can be read; return whether nothing is lost."""
    files = StoreFiles(path, KeyRing(key_file, key), disk or Disk())
    return await asyncio.to_thread(files.restore)


def _load(files: StoreFiles) -> tuple[Database, Index]:
    index = Index()
    database = Database(files, index)
    tables = database.records.tables
    for delivery in tables.get(DELIVERIES.name, {}).values():
        delivery.pop("leased_until", None)
    try:
        index.apply(checked(files.path, tables))
    except BaseException:
        database.close()
        raise
    if sum(map(len, tables.values())) > _MANY_DOCUMENTS:
        # A collection that walked through them all would hold up everybody each time.
        gc.freeze()
    return database, index


# --- the store ------------------------------------------------------------------------------------


class TinyStorage(UseCases):
    """The storage contract on TinyDB; made by `open_tiny`."""

    def __init__(self, database: Database, index: Index) -> None:
        self._index = index
        self._commits = Commits(database)
        self.database = database

    async def close(self) -> None:
        await self._commits.close()

    def finish_erasing(self) -> None:
        """Erase soon what was taken out, if files still hold it."""
        if self.database.get(NOTES, ERASE) is not None:
            self._commits.erase_traces()

    async def _change(
        self,
        work: Callable[[Unit], Coroutine[Any, Any, R]],
        *chats: int,
        patient: bool = False,
    ) -> R:
        return await self._commits.do(lambda transaction: self._done(work, transaction))

    async def _read(
        self,
        work: Callable[[Unit], Coroutine[Any, Any, R]],
        *,
        at_once: bool = False,
        patient: bool = False,
    ) -> R:
        await self._commits.wait_until_idle()
        return self._done(work, Transaction(self.database))

    def _done(self, work: Callable[[Unit], Coroutine[Any, Any, R]], transaction: Transaction) -> R:
        """Returns what a use case returns, done whole before anybody else gets a turn."""
        return in_one_go(work(TinyUnit(transaction, self.database, self._index)))

    async def _sweep(self) -> None:
        self._commits.erase_traces()

    # --- over all chats

    async def chats(self, after: str, limit: int) -> Sequence[tuple[str, Chat]]:
        await self._commits.wait_until_idle()
        kept = self.database.live(CHATS)
        behind = (int(each) for each in kept if not after or int(each) > int(after))
        some = nsmallest(limit, behind)
        return [(str(each), convert(kept[str(each)], Chat)) for each in some]

    async def rules_of(self, site: str) -> Sequence[Rule]:
        await self._commits.wait_until_idle()
        return self._index.rules.of_site(site)

    async def ruled_sites(self) -> Mapping[str, int]:
        await self._commits.wait_until_idle()
        return dict(self._index.sites)

    async def petitions(self) -> Sequence[PetitionRef]:
        await self._commits.wait_until_idle()
        return sorted(map(PetitionRef.parse, self.database.live(PETITIONS)))

    async def followed(self) -> Sequence[PetitionRef]:
        await self._commits.wait_until_idle()
        return sorted(self._index.followers)

    async def followers(self) -> Mapping[PetitionRef, int]:
        await self._commits.wait_until_idle()
        return {petition: len(chats) for petition, chats in self._index.followers.items()}

    async def custom_milestones(self) -> Mapping[PetitionRef, Collection[CustomMilestones]]:
        await self._commits.wait_until_idle()
        return {
            petition: set(by_chat.values())
            for petition, by_chat in self._index.custom_milestones.items()
        }

    async def readings(self, petition: PetitionRef, since: datetime) -> Sequence[Reading]:
        """Return the counts read since then, oldest first; times are kept to the second."""
        await self._commits.wait_until_idle()
        first = day_id(petition, second_of(since))
        days = self._index.days.get(str(petition), [])
        return [
            Reading(datetime.fromtimestamp(seconds, UTC), count)
            for doc_id in days[bisect_left(days, first) :]
            for seconds, count in self._counts(doc_id)
            if seconds >= second_of(since)
        ]

    async def commit_poll(
        self, known: PetitionHistory, occurrences: Sequence[Occurrence], now: datetime
    ) -> int:
        def work(transaction: Transaction) -> int:
            ref = str(known.petition.ref)
            before = transaction.get(PETITIONS, ref)
            transaction.keep(known)
            self._keep_reading(transaction, known)
            return FanOut(transaction, self._index, known, now).owe(before, occurrences)

        aware(now)
        return await self._commits.do(work)

    def _counts(self, doc_id: str) -> list[tuple[int, int]]:
        day = self.database.get(READINGS, doc_id)
        return day.counts if day is not None else []

    def _keep_reading(self, transaction: Transaction, known: PetitionHistory) -> None:
        ref, count = known.petition.ref, known.petition.signature_count
        days = self._index.days.get(str(ref), [])
        if days and self._counts(days[-1])[-1][1] == count:
            return
        doc_id = day_id(ref, second_of(known.read_at))
        counts = self._counts(doc_id)
        insort(counts, (second_of(known.read_at), count), key=lambda pair: pair[0])
        transaction.put(READINGS, doc_id, Day(counts))

    # --- deliveries

    async def claim_deliveries(
        self, now: datetime, limit: int, lease: timedelta
    ) -> Sequence[ClaimedDelivery]:
        def work(transaction: Transaction) -> list[ClaimedDelivery]:
            drop_old_alerts(transaction, self.database, now)
            return Claim(transaction, self._index, aware(now)).take(limit, lease)

        return await self._commits.do(work)

    async def next_due(self, now: datetime) -> datetime | None:
        await self._commits.wait_until_idle()
        return self._index.deliveries.next_due(now)

    async def clock_set_back(self, now: datetime, by: timedelta) -> None:
        await self._commits.wait_until_idle()
        follows, owed = self._index.follows, self._index.deliveries.chats()
        chats = sorted({*map(int, self.database.live(CHATS)), *follows, *owed})
        petitions = list(self._index.days)
        aware(now)

        async def few_chats(unit: Unit, start: int) -> None:
            for chat_id in chats[start : start + _SET_BACK_AT_ONCE]:
                await set_rules_back(unit, chat_id, now, by)
                await set_chat_back(unit, chat_id, now, by)

        def few_petitions(transaction: Transaction, start: int) -> None:
            for petition in petitions[start : start + _SET_BACK_AT_ONCE]:
                set_readings_back(transaction, self._index, petition, now, by)

        for start in range(0, len(chats), _SET_BACK_AT_ONCE):
            await self._change(partial(few_chats, start=start))
        for start in range(0, len(petitions), _SET_BACK_AT_ONCE):
            await self._commits.do(partial(few_petitions, start=start))

    # --- the whole store

    async def prune(self, now: datetime, rest_for: timedelta) -> Pruned:
        pruned = await Pruning(self.database, self._index, self._commits, aware(now)).all(rest_for)
        self.finish_erasing()
        return pruned

    async def tally(self) -> Tally:
        def size(spec: TableSpec[S]) -> int:
            return len(self.database.live(spec))

        await self._commits.wait_until_idle()
        return Tally(
            chats=size(CHATS),
            subscriptions=size(SUBSCRIPTIONS),
            petitions=size(PETITIONS),
            waiting=size(DELIVERIES),
            oldest_waiting=self._index.deliveries.oldest(),
            oldest_due=self._index.deliveries.oldest_due(),
            refusing=self._index.deliveries.refusing(),
        )
