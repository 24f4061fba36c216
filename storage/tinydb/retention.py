"""Thins out what age has made superfluous, in steps; dates back what a wrong clock read."""

import asyncio
from bisect import insort
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from msgspec import Struct

from bot.petitions.petition import PetitionRef
from bot.petitions.thresholds import is_settled
from storage import Pruned
from storage.tables import (
    CHATS,
    OCCURRENCES,
    PETITIONS,
    READINGS,
    UNUSED,
    Day,
    Fields,
    TableSpec,
    Unused,
    day_id,
    second_of,
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
        petitions = await self._forget_unused(self._now - rest_for)
        return Pruned(readings, chats, petitions)

    async def _thin_readings(self) -> int:
        removed = 0
        async for doc_id, day in self._leisurely(READINGS):
            counts = day["counts"]
            if len(counts) > 1 and len(thinned(counts, self._now)) < len(counts):
                removed += await self._commits.do(partial(self._thin, doc_id=doc_id))
        return removed

    def _thin(self, transaction: Transaction, doc_id: str) -> int:
        """Thin out a day's readings; return how many went."""
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

    async def _forget_unused(self, long_ago: datetime) -> int:
        """Note which petitions are unused, and since when; forget those that have been for long."""
        gone: set[str] = set()
        async for name, _ in self._leisurely(PETITIONS):
            ref = PetitionRef.parse(name)
            if ref not in self._index.followers:
                since = await self._commits.do(partial(self._unused_since, ref=ref))
                if since is not None and since <= long_ago:
                    gone.add(name)
        told = await self._occurrences_of(gone) if gone else {}
        for name in gone:
            await self._commits.do(partial(self._forget_petition, name=name, told=told[name]))
        return len(gone)

    def _unused_since(self, transaction: Transaction, ref: PetitionRef) -> datetime | None:
        if self._is_wanted(transaction, ref):
            transaction.remove(UNUSED, str(ref))
            return None
        unused = transaction.get(UNUSED, str(ref)) or Unused(self._now)
        transaction.put(UNUSED, str(ref), unused)
        return unused.since

    def _is_wanted(self, transaction: Transaction, ref: PetitionRef) -> bool:
        """Return whether somebody follows a petition, is owed news of it or may be by a rule."""
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
        transaction.remove(UNUSED, name)
        for day in self._index.days.get(name, ()):
            transaction.remove(READINGS, day)
        for key in told:
            transaction.remove(OCCURRENCES, key)

    async def _leisurely(self, spec: TableSpec[S]) -> AsyncIterator[tuple[str, Fields]]:
        """Yield a table's documents as they are when their turn comes, letting others between."""
        for number, doc_id in enumerate(list(self._database.live(spec))):
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
            document = self._database.live(spec).get(doc_id)
            if document is not None:
                yield doc_id, document


_ALL_FOR = timedelta(days=2)
_HOURLY_FOR = timedelta(days=60)
_HOUR, _DAY = 3600, 86400


def thinned(counts: Sequence[tuple[int, int]], now: datetime) -> list[tuple[int, int]]:
    """Return the readings to keep, of pairs of Unix seconds and count, oldest first.

    All are kept for two days, then the last of each hour, after two months the last of each day.
    Days and hours are those of UTC.
    """
    second = int(now.timestamp())
    last_of: dict[tuple[int, int], tuple[int, int]] = {}
    for at, count in counts:
        span = _span(second - at)
        last_of[span, at // span] = (at, count)
    return list(last_of.values())


def _span(age: int) -> int:
    """Return the seconds of which only one reading is kept, at an age in seconds."""
    if age <= _ALL_FOR.total_seconds():
        return 1
    return _HOUR if age <= _HOURLY_FOR.total_seconds() else _DAY


def set_readings_back(
    transaction: Transaction, index: Index, petition: str, now: datetime, by: timedelta
) -> None:
    """Date a petition's readings of days to come as they should have been."""
    known = transaction.get(PETITIONS, petition)
    if known is None:
        return
    ref, second, less = known.petition.ref, second_of(now), int(by.total_seconds())
    days = index.days.get(petition, [])
    for doc_id in [each for each in days if each >= day_id(ref, second)]:
        day = transaction.get(READINGS, doc_id)
        counts = day.counts if day is not None else []
        ahead = [(at, count) for at, count in counts if at > second]
        if not ahead:
            continue
        if left := [pair for pair in counts if pair not in ahead]:
            transaction.put(READINGS, doc_id, Day(left))
        else:
            transaction.remove(READINGS, doc_id)
        for at, count in ahead:
            there = day_id(ref, min(at - less, second))
            earlier = transaction.get(READINGS, there)
            moved = list(earlier.counts) if earlier is not None else []
            insort(moved, (min(at - less, second), count), key=lambda pair: pair[0])
            transaction.put(READINGS, there, Day(moved))
