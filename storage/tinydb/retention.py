"""Thinning out what age has made superfluous, in steps, so that nobody waits for it (TinyDB)."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from msgspec import Struct

from bot.petitions.petition import PetitionRef
from bot.petitions.thresholds import is_settled
from storage import Pruned
from storage.retention import thinned
from storage.tables import (
    CHATS,
    LONELY,
    OCCURRENCES,
    PETITIONS,
    READINGS,
    Day,
    Fields,
    Lonely,
    TableSpec,
)
from storage.tinydb.commits import Commits
from storage.tinydb.database import Database, Transaction
from storage.tinydb.index import Index
from storage.tinydb.unit import TinyUnit, in_one_go
from storage.usecases import forget_if_rested

_AT_A_TIME = 500  # documents looked at before others get a turn

S = TypeVar("S", bound=Struct)


class Pruning:
    """One pruning of a store, as of an instant."""

    def __init__(self, database: Database, index: Index, commits: Commits, now: datetime) -> None:
        self._database = database
        self._index = index
        self._commits = commits
        self._now = now

    async def all(self, rest_for: timedelta) -> Pruned:
        """Thin out readings, forget chats that rested for so long and petitions nobody follows."""
        readings = await self._thin_readings()
        chats = await self._forget_rested(self._now - rest_for)
        petitions = await self._forget_lonely(self._now - rest_for)
        return Pruned(readings, chats, petitions)

    async def _thin_readings(self) -> int:
        removed = 0
        async for doc_id, day in self._leisurely(READINGS):
            counts = day["counts"]
            if len(counts) > 1 and len(thinned(counts, self._now)) < len(counts):
                removed += await self._commits.do(partial(self._thin, doc_id=doc_id))
        return removed

    def _thin(self, transaction: Transaction, doc_id: str) -> int:
        """Thin out a day's readings; how many went."""
        day = transaction.get(READINGS, doc_id)
        if day is None:
            return 0
        kept = thinned(day.counts, self._now)
        transaction.put(READINGS, doc_id, Day(kept))
        return len(day.counts) - len(kept)

    async def _forget_rested(self, since: datetime) -> int:
        forgotten = 0

        def work(transaction: Transaction, chat_id: int) -> bool:
            unit = TinyUnit(transaction, self._database, self._index)
            return in_one_go(forget_if_rested(unit, chat_id, since))

        async for doc_id, chat in self._leisurely(CHATS):
            if chat.get("resting"):
                forgotten += await self._commits.do(partial(work, chat_id=int(doc_id)))
        if forgotten:
            self._commits.erase_traces()
        return forgotten

    async def _forget_lonely(self, long_ago: datetime) -> int:
        """Note who is lonely since when, and forget those who have been for long enough."""
        gone: set[str] = set()
        async for name, _ in self._leisurely(PETITIONS):
            ref = PetitionRef.parse(name)
            if ref not in self._index.followers:
                since = await self._commits.do(partial(self._lonely_since, ref=ref))
                if since is not None and since <= long_ago:
                    gone.add(name)
        told = await self._occurrences_of(gone) if gone else {}
        for name in gone:
            await self._commits.do(partial(self._forget_petition, name=name, told=told[name]))
        return len(gone)

    def _lonely_since(self, transaction: Transaction, ref: PetitionRef) -> datetime | None:
        if self._is_wanted(transaction, ref):
            transaction.remove(LONELY, str(ref))
            return None
        lonely = transaction.get(LONELY, str(ref)) or Lonely(self._now)
        transaction.put(LONELY, str(ref), lonely)
        return lonely.since

    def _is_wanted(self, transaction: Transaction, ref: PetitionRef) -> bool:
        """Whether somebody follows a petition, is owed anything about it or may be by a rule."""
        if ref in self._index.followers or ref in self._index.owed:
            return True
        known = transaction.get(PETITIONS, str(ref)) if ref.site in self._index.sites else None
        return known is not None and not is_settled(known.petition)

    async def _occurrences_of(self, names: Collection[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {name: [] for name in names}
        async for key, occurrence in self._leisurely(OCCURRENCES):
            name = "{site}:{id}".format_map(occurrence["petition"])
            if name in found:
                found[name].append(key)
        return found

    def _forget_petition(self, transaction: Transaction, name: str, told: Sequence[str]) -> None:
        if self._is_wanted(transaction, PetitionRef.parse(name)):
            return
        transaction.remove(PETITIONS, name)
        transaction.remove(LONELY, name)
        for day in self._index.days.get(name, ()):
            transaction.remove(READINGS, day)
        for key in told:
            transaction.remove(OCCURRENCES, key)

    async def _leisurely(self, spec: TableSpec[S]) -> AsyncIterator[tuple[str, Fields]]:
        """A table's documents as they are when their turn comes; others get theirs in between."""
        for number, doc_id in enumerate(list(self._database.live(spec))):
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
            document = self._database.live(spec).get(doc_id)
            if document is not None:
                yield doc_id, document
