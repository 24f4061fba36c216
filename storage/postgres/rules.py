"""The rules in PostgreSQL, and the book that each process keeps of them.

Whoever changes a rule has the rules for himself until he is done, and whoever owes alerts by them
shares them: a rule is in the book of a poll, or was saved after it. The version counter tells a
process that its book is old.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from asyncpg import Record

from bot.petitions.events import Occurrence, ToppedIn
from bot.petitions.history import PetitionHistory
from bot.subscriptions.rules import RuleBook, RuleKey
from bot.subscriptions.subscription import Rule
from storage.postgres.pool import Connection
from storage.postgres.row_cipher import RowCipher

_NAME = "hashtextextended(current_schema() || ' rules', 0)"
_CHANGE = f"select pg_advisory_xact_lock({_NAME})"
_SHARE = f"select pg_advisory_xact_lock_shared({_NAME})"

_EDITION = "select pg_postmaster_start_time(), version from rulebook"

_KEEP = """
insert into rule (chat, number, site, changed, sealed)
select $1, $2, $3, version, $4 from rulebook
on conflict (chat, number) do update
    set site = excluded.site, changed = excluded.changed, sealed = excluded.sealed
"""


class Rules:
    """The rules of a store, as one process knows them."""

    def __init__(self, cipher: RowCipher) -> None:
        self._cipher = cipher
        self._reading = asyncio.Lock()
        self._start_anew(None)

    def _start_anew(self, server: datetime | None) -> None:
        self._book = RuleBook()
        self._keys: dict[tuple[bytes, int], RuleKey] = {}
        self._version = 0
        self._server = server

    # --- what is kept

    async def of(self, connection: Connection, handle: bytes) -> list[Rule]:
        """Return a chat's rules, by their numbers."""
        rows = await connection.fetch("select * from rule where chat = $1 order by number", handle)
        return [self._cipher.rule(row) for row in rows]

    async def of_site(self, connection: Connection, site: str) -> list[Rule]:
        """Return every chat's rules about a site, by chat and number."""
        mark = self._cipher.site(site)
        rows = await connection.fetch("select * from rule where site = $1", mark)
        rules = await asyncio.to_thread(lambda: [self._cipher.rule(row) for row in rows])
        return sorted(rules, key=lambda rule: (rule.chat_id, rule.number))

    async def named(
        self, connection: Connection, wanted: Iterable[tuple[bytes, int]]
    ) -> dict[tuple[bytes, int], Rule]:
        """Return those of some rules that are still there, by chat's handle and number."""
        pairs = list(wanted)
        if not pairs:
            return {}
        rows = await connection.fetch(
            "select * from rule"
            " where (chat, number) in (select * from unnest($1::bytea[], $2::integer[]))",
            [handle for handle, _ in pairs],
            [number for _, number in pairs],
        )
        return {(row["chat"], row["number"]): self._cipher.rule(row) for row in rows}

    async def keep(self, connection: Connection, rule: Rule) -> None:
        """Keep a rule, which has its number; after `change_rules`."""
        handle, site = self._cipher.handle(rule.chat_id), self._cipher.site(rule.site)
        await connection.execute(_KEEP, handle, rule.number, site, self._cipher.seal_rule(rule))

    async def drop(self, connection: Connection, rule: Rule) -> None:
        """Take a rule out; after `change_rules`."""
        await connection.execute(
            "delete from rule where chat = $1 and number = $2",
            self._cipher.handle(rule.chat_id),
            rule.number,
        )

    async def sites(self, connection: Connection) -> Mapping[str, int]:
        """Return the number of rules for each site that has any."""
        # One of each site's rules says which it is.
        rows = await connection.fetch(
            "select distinct on (site) *, count(*) over (partition by site) as rules from rule"
        )
        return {self._cipher.rule(row).site: row["rules"] for row in rows}

    # --- what a petition fits

    async def fitting(
        self, connection: Connection, known: PetitionHistory, new: Sequence[Occurrence]
    ) -> dict[int, list[Rule]]:
        """Return the rules that what happened concerns, by chat, unchanged until we commit."""
        kinds = {each.event.kind for each in new}
        tops = (each.event.code for each in new if isinstance(each.event, ToppedIn))
        places = {*known.top, *tops}
        await connection.execute(_SHARE)
        async with self._reading:
            await self._refresh(connection)
            found = await asyncio.to_thread(self._book.fitting, known.petition, kinds, places)
        by_chat: dict[int, list[Rule]] = {}
        for rule in found:
            by_chat.setdefault(rule.chat_id, []).append(rule)
        return by_chat

    async def _refresh(self, connection: Connection) -> None:
        [(server, version)] = await connection.fetch(_EDITION)
        # A server that took over may lack the last changes that we saw, and count on from there.
        if server != self._server:
            self._start_anew(server)
        if version == self._version:
            return
        changed = await connection.fetch("select * from rule where changed > $1", self._version)
        await asyncio.to_thread(self._take_in, changed)
        if len(self._keys) != await connection.fetchval("select count(*) from rule"):
            there = await connection.fetch("select chat, number from rule")
            for name in self._keys.keys() - {(row["chat"], row["number"]) for row in there}:
                self._book.drop(self._keys.pop(name))
        self._version = version

    def _take_in(self, rows: Iterable[Record]) -> None:
        for row in rows:
            rule = self._cipher.rule(row)
            self._book.put(rule)
            self._keys[row["chat"], row["number"]] = (rule.chat_id, rule.number)


async def change_rules(connection: Connection) -> None:
    """Take the rules of all chats for this transaction, and have every process read them anew."""
    await connection.execute(_CHANGE)
    await connection.execute("update rulebook set version = version + 1")
