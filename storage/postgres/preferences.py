"""Keeps followers' effective preferences in PostgreSQL: equal ones once, sealed, under a mark.

What a mark (a row of `policy`) stands for never changes, so a process opens each only once. The
rows that nobody refers to any more are swept.
"""

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime

from asyncpg import Record

from bot.subscriptions.matching import source_of
from bot.subscriptions.preferences import EffectivePreferences, without_past_snoozes
from bot.subscriptions.subscription import Preferences, Subscription
from storage.postgres.pool import Connection
from storage.postgres.row_cipher import RowCipher

_AT_MOST = 20_000

_KEEP = """
insert into policy (mark, sealed)
select * from unnest($1::bytea[], $2::bytea[]) agreed (mark, sealed) order by mark
on conflict (mark) do nothing
"""

# Whatever somebody has in hand is passed by: it can wait for the next time.
_WAKE = """
with free as materialized (
    select chat, petition, policy from subscription where policy = any($1) for update skip locked
)
update subscription set policy = awake.mark
from free join unnest($1::bytea[], $2::bytea[]) awake (was, mark) on awake.was = free.policy
where subscription.chat = free.chat and subscription.petition = free.petition
"""

_SWEEP = """
delete from policy
where not exists (select from subscription where subscription.policy = policy.mark)
"""


def effective_preferences(follows: Subscription, chat: Preferences) -> EffectivePreferences:
    """Return all that decides how a subscription is told, given its chat's own preferences."""
    return source_of(follows, chat).effective


class StoredPreferences:
    """The effective preferences of a store, as one process has opened them."""

    def __init__(self, cipher: RowCipher) -> None:
        self._cipher = cipher
        self._opened: dict[bytes, EffectivePreferences] = {}

    async def keep(self, connection: Connection, effective: Iterable[EffectivePreferences]) -> None:
        """Have these stand in the table.

        Before anything of a subscription is locked: two who keep the same one wait for each other.
        """
        sealed = {
            self._cipher.mark(each): self._cipher.seal_preferences(each) for each in effective
        }
        if sealed:
            await connection.execute(_KEEP, list(sealed), list(sealed.values()))

    async def behind(
        self, connection: Connection, marks: Collection[bytes]
    ) -> dict[bytes, EffectivePreferences]:
        """Return the effective preferences that marks stand for, by mark."""
        if len(self._opened) > _AT_MOST:
            self._opened.clear()
        # Others who ask may clear what is opened while we wait.
        found = {mark: self._opened[mark] for mark in marks if mark in self._opened}
        missing = [mark for mark in marks if mark not in found]
        if missing:
            rows = await connection.fetch("select * from policy where mark = any($1)", missing)
            found |= {row["mark"]: self._cipher.preferences(row) for row in rows}
            self._opened |= found
        return found

    async def all(self, connection: Connection) -> dict[bytes, EffectivePreferences]:
        """Return all effective preferences, by their marks."""
        rows = await connection.fetch("select * from policy")
        return await asyncio.to_thread(
            lambda: {row["mark"]: self._cipher.preferences(row) for row in rows}
        )

    async def wake(self, connection: Connection, now: datetime) -> None:
        """Have those whose snooze is over share effective preferences with all who chose alike."""
        rows = await connection.fetch("select * from policy")
        awake = await asyncio.to_thread(self._awake, rows, now)
        await self.keep(connection, awake.values())
        marks = [self._cipher.mark(effective) for effective in awake.values()]
        await connection.execute(_WAKE, list(awake), marks)

    def _awake(self, rows: Iterable[Record], now: datetime) -> dict[bytes, EffectivePreferences]:
        """Return those with a snooze that is over, by their marks, as they are without it."""
        before = {row["mark"]: self._cipher.preferences(row) for row in rows}
        awake = {mark: without_past_snoozes(each, now) for mark, each in before.items()}
        return {mark: effective for mark, effective in awake.items() if effective != before[mark]}


async def sweep_preferences(connection: Connection) -> None:
    """Let go of effective preferences nobody has any more; in a transaction of its own."""
    # This waits for those who have kept one and not used it yet, and lets nobody keep one now.
    await connection.execute("lock table policy in share row exclusive mode")
    await connection.execute(_SWEEP)
