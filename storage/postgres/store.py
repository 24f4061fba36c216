"""Keeps what the bot remembers in PostgreSQL: several processes, a transaction each use case.

A lost connection, a restart of the server or a failover costs the use cases under way a
StorageError; the next one finds a new connection. When it is the answer to a commit that gets lost,
the use case may have happened after all. Each may be repeated without harm, but that a new rule is
then there twice, and that a try counts twice.

Locks are taken in this order, so that nobody waits in a circle: the chats (advisory locks on their
handles), preferences, the petition, the rules (an advisory lock), a chat's subscriptions by
petition, its deliveries by number, its own row. `commit_poll` shares the rules, the subscriptions
that it matches and the chats that its rules bring in until it is done, so whoever changes how a
chat hears finds the new alerts, or is found; who begins to follow a petition waits for a poll.
"""

import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import Any, TypeVar

from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef, Reading
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.set_back import chat_set_back, preferences_set_back
from bot.subscriptions.subscription import Chat, Rule
from storage import ClaimedDelivery, Pruned, Tally
from storage.key_file import KeyRing
from storage.postgres.bulk import forget_unused, thin_readings
from storage.postgres.claims import Claims, lately
from storage.postgres.delivery_queue import CLAIM, DROP_PAST, END_OLD_LEASES, FOUND_DUE, NEXT_DUE
from storage.postgres.fan_out import FanOut
from storage.postgres.leadership import Leadership, SharedSendRate
from storage.postgres.news import news_behind, news_since, sweep_news
from storage.postgres.petition_names import PetitionNames
from storage.postgres.pool import PATIENCE, Connection, Patience, Pool, open_pool
from storage.postgres.preferences import StoredPreferences, sweep_preferences
from storage.postgres.row_cipher import RowCipher
from storage.postgres.rules import Rules
from storage.postgres.schema import bring_up_to_date, cipher_of, is_up_to_date
from storage.postgres.unit import PostgresUnit
from storage.tables import encoded, second_of
from storage.unit import Unit
from storage.usecases import UseCases, forget_if_rested, set_chat_back, set_rules_back

R = TypeVar("R")

# The fields of a tally that the query gives as a mark of news, whose time is sealed.
_OLDEST = ("oldest_waiting", "oldest_due")

_LEASES_ENDED_EVERY = 60.0  # seconds

_KEEP = """
insert into petition as kept (ref, known) values ($1, $2)
on conflict (ref) do update set known = excluded.known
where array(select json_array_elements_text(kept.known -> 'seen')) <@ $3::text[]
"""


async def open_postgres(
    url: str, keys: KeyRing, patience: Patience = PATIENCE
) -> "PostgresStorage":
    """Open the store in a database, its tables made or brought up to date.

    StorageError for a database that does not answer, was used by a newer version, or is sealed
    with another key.
    """
    pool = await open_pool(url, patience)
    try:
        async with pool.connected(patient=True) as connection:
            await bring_up_to_date(connection)
            cipher = await cipher_of(connection, keys)
        pool.keep_to(cipher.key_mark)
        return PostgresStorage(pool, cipher)
    except BaseException:
        await pool.close()
        raise


async def read_postgres(
    url: str, keys: KeyRing, patience: Patience = PATIENCE
) -> "PostgresStorage | None":
    """Return the store in a database as it is, no table made or changed; None if there is none yet.

    StorageError as `open_postgres` raises it, and if the tables are those of an older version.
    """
    pool = await open_pool(url, patience)
    try:
        async with pool.connected(patient=True) as connection:
            cipher = await cipher_of(connection, keys) if await is_up_to_date(connection) else None
        if cipher is None:
            await pool.close()
            return None
        pool.keep_to(cipher.key_mark)
        return PostgresStorage(pool, cipher)
    except BaseException:
        await pool.close()
        raise


class PostgresStorage(UseCases):
    """The storage contract on PostgreSQL; made by `open_postgres`."""

    def __init__(self, pool: Pool, cipher: RowCipher) -> None:
        self._pool = pool
        self._cipher = cipher
        self._stored = StoredPreferences(cipher)
        self._rules = Rules(cipher)
        self._names = PetitionNames(cipher)
        self._claims = Claims(cipher, self._rules)
        self._fan_out = FanOut(cipher, self._stored, self._rules)
        self._leases_ended_at = -inf

    async def close(self) -> None:
        await self._pool.close()

    async def _change(
        self,
        work: Callable[[Unit], Coroutine[Any, Any, R]],
        *chats: int,
        patient: bool = False,
    ) -> R:
        handles = [self._cipher.handle(chat_id) for chat_id in chats]
        async with self._pool.transaction(*handles, patient=patient) as connection:
            return await work(self._unit(connection))

    async def _read(
        self,
        work: Callable[[Unit], Coroutine[Any, Any, R]],
        *,
        at_once: bool = False,
        patient: bool = False,
    ) -> R:
        opened = self._pool.snapshot if at_once else self._pool.connected
        async with opened(patient=patient) as connection:
            return await work(self._unit(connection))

    def _unit(self, connection: Connection) -> Unit:
        return PostgresUnit(connection, self._cipher, self._stored, self._rules)

    async def _sweep(self) -> None:
        async with self._pool.transaction() as connection:
            await sweep_preferences(connection)
            await sweep_news(connection)

    # --- over all chats

    async def chats(self, after: str, limit: int) -> Sequence[tuple[str, Chat]]:
        async with self._pool.connected() as connection:
            rows = await connection.fetch(
                "select * from chat where handle > $1 order by handle limit $2",
                bytes.fromhex(after),
                limit,
            )
            return [(row["handle"].hex(), self._cipher.chat(row)) for row in rows]

    async def rules_of(self, site: str) -> Sequence[Rule]:
        async with self._pool.connected() as connection:
            return await self._rules.of_site(connection, site)

    async def ruled_sites(self) -> Mapping[str, int]:
        async with self._pool.connected() as connection:
            return await self._rules.sites(connection)

    async def petitions(self) -> Sequence[PetitionRef]:
        async with self._pool.connected() as connection:
            rows = await connection.fetch("select ref from petition")
            return sorted(PetitionRef.parse(row["ref"]) for row in rows)

    async def followed(self) -> Sequence[PetitionRef]:
        async with self._pool.connected() as connection:
            return sorted(await self._names.followed(connection))

    async def followers(self) -> Mapping[PetitionRef, int]:
        async with self._pool.connected() as connection:
            rows = await connection.fetch(
                "select petition, count(*) as chats from subscription group by petition"
            )
            named = await self._names.behind(connection, [row["petition"] for row in rows])
            return {named[row["petition"]]: row["chats"] for row in rows}

    async def custom_milestones(self) -> Mapping[PetitionRef, Collection[CustomMilestones]]:
        async with self._pool.snapshot() as connection:
            rows = await connection.fetch(
                "select distinct petition, policy from subscription where custom_milestones"
            )
            effective = await self._stored.behind(connection, {row["policy"] for row in rows})
            named = await self._names.behind(connection, {row["petition"] for row in rows})
        found: dict[PetitionRef, set[CustomMilestones]] = {}
        for row in rows:
            if custom := effective[row["policy"]].own.milestones:
                found.setdefault(named[row["petition"]], set()).add(custom)
        return found

    async def readings(self, petition: PetitionRef, since: datetime) -> Sequence[Reading]:
        """Return the counts read since then, oldest first; times are kept to the second."""
        async with self._pool.connected() as connection:
            rows = await connection.fetch(
                "select to_timestamp(at) as at, count from reading"
                " where petition = $1 and at >= $2 order by at, number",
                str(petition),
                second_of(since),
            )
            return [Reading(row["at"], row["count"]) for row in rows]

    async def commit_poll(
        self, known: PetitionHistory, occurrences: Sequence[Occurrence], now: datetime
    ) -> int:
        """Keep a reading and owe the alerts it causes, together or not at all; return their number.

        A reading that does not know of everything that another process has seen meanwhile is
        dropped whole: the next look begins from what is kept, and finds whatever is news.
        """
        ref = str(known.petition.ref)
        async with self._pool.transaction(patient=True) as connection:
            found = await self._fan_out.with_own(connection, known, occurrences, now)
            status = await connection.execute(_KEEP, ref, encoded(known).decode(), list(known.seen))
            if status.endswith(" 0"):
                return 0
            await _keep_reading(connection, known)
            new = [each for each in found if await _keep_occurrence(connection, each)]
            return await self._fan_out.owe(connection, known, new, now)

    # --- deliveries

    async def claim_deliveries(
        self, now: datetime, limit: int, lease: timedelta
    ) -> Sequence[ClaimedDelivery]:
        async with self._pool.transaction() as connection:
            await connection.execute(DROP_PAST, *lately(now))
            await self._end_old_leases(connection)
            rows = await connection.fetch(CLAIM, now, limit, now + lease, lease)
            return await self._claims.claim_in_order(connection, rows, now, lease)

    async def _end_old_leases(self, connection: Connection) -> None:
        """Give leases without a known end one, but not each time: it takes a walk of the table."""
        if time.monotonic() - self._leases_ended_at >= _LEASES_ENDED_EVERY:
            await connection.execute(END_OLD_LEASES)
            self._leases_ended_at = time.monotonic()

    async def next_due(self, now: datetime) -> datetime | None:
        async with self._pool.connected() as connection:
            if await connection.fetchval(FOUND_DUE, now):
                return now
            found: datetime | None = await connection.fetchval(NEXT_DUE, now)
            # Between the two questions something may have become due.
            return None if found is None else max(found, now)

    async def clock_set_back(self, now: datetime, by: timedelta) -> None:
        for chat_id in await self._waits_by_clock(now, by):
            # Two units: whoever has the rules waits for no preferences.
            await self._change(partial(set_rules_back, chat_id=chat_id, now=now, by=by), chat_id)
            await self._change(partial(set_chat_back, chat_id=chat_id, now=now, by=by), chat_id)
        async with self._pool.transaction() as connection:
            await connection.execute(
                "update reading set at = least(at - $2, $1) where at > $1",
                second_of(now),
                int(by.total_seconds()),
            )

    async def _waits_by_clock(self, now: datetime, by: timedelta) -> set[int]:
        """Return the chats of which a wrong clock may have set anything."""
        async with self._pool.snapshot() as connection:
            owed = await connection.fetch(
                "select distinct on (chat) * from delivery where not_before > $1 or news = any($2)",
                now,
                await news_since(connection, self._cipher, now),
            )
            chats = await connection.fetch("select * from chat")
            rules = await connection.fetch("select * from rule")
            snoozed = [
                mark
                for mark, each in (await self._stored.all(connection)).items()
                if preferences_set_back(each.own, now, by) != each.own
            ]
            follows = await connection.fetch(
                "select distinct on (chat) * from subscription where policy = any($1)", snoozed
            )
        found = {self._cipher.address(row).chat_id for row in (*owed, *follows)}
        for row in chats:
            chat = self._cipher.chat(row)
            if chat_set_back(chat, now, by) != chat:
                found.add(chat.id)
        for row in rules:
            rule = self._cipher.rule(row)
            if preferences_set_back(rule.preferences, now, by) != rule.preferences:
                found.add(rule.chat_id)
        return found

    # --- the whole store

    async def prune(self, now: datetime, rest_for: timedelta) -> Pruned:
        chats = await self._forget_rested(now - rest_for)
        async with self._pool.transaction(patient=True) as connection:
            await self._stored.wake(connection, now)
        async with self._pool.transaction(patient=True) as connection:
            await sweep_preferences(connection)
        async with self._pool.transaction(patient=True) as connection:
            await sweep_news(connection)
        async with self._pool.transaction(patient=True) as connection:
            sites = await self._rules.sites(connection)
            return Pruned(
                readings=await thin_readings(connection, second_of(now)),
                chats=chats,
                petitions=await forget_unused(connection, self._names, sites, now, rest_for),
            )

    async def _forget_rested(self, since: datetime) -> int:
        async with self._pool.connected() as connection:
            rows = await connection.fetch("select * from chat where resting")
        rested = [chat.id for row in rows if (chat := self._cipher.chat(row)).has_rested(since)]
        forgotten = 0
        for chat_id in rested:
            forget = partial(forget_if_rested, chat_id=chat_id, since=since)
            forgotten += await self._change(forget, chat_id)
        return forgotten

    async def tally(self) -> Tally:
        async with self._pool.connected() as connection:
            row = await connection.fetchrow(
                "select (select count(*) from chat) as chats,"
                " (select count(*) from subscription) as subscriptions,"
                " (select count(*) from petition) as petitions,"
                " (select count(*) from delivery) as waiting,"
                " (select news from delivery order by number limit 1) as oldest_waiting,"
                " (select news from delivery d where not resting"
                " and (not timed or queue like '%:refused')"
                " and not exists (select from chat where handle = d.chat and returned)"
                " order by number limit 1) as oldest_due,"
                " (select count(*) from chat where probe_at is not null) as refusing"
            )
            counts = dict(row or {})
            oldest = {name: counts[name] for name in _OLDEST if counts[name] is not None}
            news = await news_behind(connection, self._cipher, oldest.values())
            return Tally(**counts | {name: news[mark].created_at for name, mark in oldest.items()})

    # --- several processes

    def leadership(self, role: str) -> Leadership:
        """Return the one seat there is for a role among all processes of this store."""
        return Leadership(self._pool, role)

    def send_rate(self, name: str, per_second: float) -> SharedSendRate:
        """Return a rate that all processes of this store share."""
        return SharedSendRate(self._pool, name, per_second)


# --- steps of a poll -----------------------------------------------------------------------------


async def _keep_reading(connection: Connection, known: PetitionHistory) -> None:
    await connection.execute(
        "insert into reading (petition, at, count) select $1, $2, $3"
        " where $3 is distinct from (select count from reading"
        " where petition = $1 order by at desc, number desc limit 1)",
        str(known.petition.ref),
        second_of(known.read_at),
        known.petition.signature_count,
    )


async def _keep_occurrence(connection: Connection, occurrence: Occurrence) -> bool:
    """Keep an occurrence unless its key is kept already; return whether it was new."""
    status = await connection.execute(
        "insert into occurrence values ($1, $2, $3) on conflict (key) do nothing",
        occurrence.key,
        str(occurrence.petition),
        encoded(occurrence).decode(),
    )
    return status.endswith(" 1")
