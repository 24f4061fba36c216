"""What the bot remembers, in PostgreSQL: several processes, every use case one transaction.

A lost connection, a restart of the server or a failover costs the use cases under way a
StorageError; the next one finds a new connection. When it is the answer to a commit that gets lost,
the use case may have happened after all: each may be repeated without harm.

Locks are taken in this order, so that nobody waits in a circle: the chat (an advisory lock on its
handle), its subscriptions, its deliveries by number. `commit_poll` shares the subscriptions that it
matches until it is done, so whoever changes how a chat follows finds the new alerts, or is found.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from asyncpg import ForeignKeyViolationError, Record
from msgspec import Struct, structs

from bot.petitions.errors import StorageError
from bot.petitions.match import bundled, head
from bot.petitions.model import (
    Chat,
    Known,
    Occurrence,
    PetitionRef,
    Reading,
    Subscription,
)
from storage import ChatData, ClaimedDelivery, Pruned, Tally
from storage.agenda import SUMMARY_AT_MOST
from storage.disk import Disk
from storage.key import KeyRing
from storage.postgres_cluster import Leadership, Pace
from storage.postgres_pool import Connection, Pool, open_pool
from storage.postgres_rows import Address, Veil, new_salt
from storage.postgres_schema import bring_up_to_date
from storage.postgres_whole import copied, forget_lonely, place_all, thin_readings
from storage.seal import mark_of

_KNOWN = msgspec.json.Decoder(Known)
_OCCURRENCE = msgspec.json.Decoder(Occurrence)

# The head of its chat's queue: the only delivery of a chat that may be claimed. Written so that it
# is looked up in an index, whatever the planner thinks of the tables.
_IS_HEAD = """d.number = (
    select e.number from delivery e where e.chat = d.chat order by e.number limit 1
)"""
_DUE_AT = "greatest(d.not_before, d.leased_until)"

_CLAIM = f"""
with turn as materialized (
    select d.number, d.chat from delivery d
    where not d.resting and {_DUE_AT} <= $1 and {_IS_HEAD}
    order by d.number limit $2 for update of d skip locked
), summed_up as (
    select later.number from turn join chat on chat.handle = turn.chat and chat.returned,
    lateral (
        select number, bool_and(due) over (order by number) as at_once from (
            select d.number, {_DUE_AT} <= $1 as due from delivery d
            where d.chat = turn.chat order by d.number limit {SUMMARY_AT_MOST}
        ) queue
    ) later
    where later.at_once
)
update delivery d set leased_until = $3
where d.number in (select number from turn union select number from summed_up)
returning d.*
"""  # noqa: S608 - nothing in it comes from outside

_NEXT_DUE = f"""
select min({_DUE_AT}) from delivery d where not d.resting and {_IS_HEAD}
"""  # noqa: S608

_ANY_DUE = f"""
select exists (
    select from delivery d where not d.resting and {_DUE_AT} <= $1 and {_IS_HEAD}
)
"""  # noqa: S608

_KEEP = """
insert into petition as kept (ref, known) values ($1, $2)
on conflict (ref) do update set known = excluded.known
where array(select json_array_elements_text(kept.known -> 'seen')) <@ $3::text[]
"""

_OWE = """
insert into delivery
    (chat, head, petition, occurrences, created_at, not_before, silent, resting, sealed)
select chat, $2, petition, $3, $4, $4, muted, resting, sealed from (
    select * from subscription where petition = $1 order by created_at, number for share
) follower
on conflict (chat, head) do nothing
"""

_SETTLE = """
with done as materialized (
    select number from delivery
    where (chat, head) in (select * from unnest($1::bytea[], $2::text[]))
    order by number for update
)
delete from delivery using done where delivery.number = done.number
"""


async def open_postgres(url: str, keys: KeyRing) -> "PostgresStorage":
    """Open the store in a database, its tables made or brought up to date.

    StorageError for a database that does not answer, was used by a newer version, or is sealed
    with another key.
    """
    pool = await open_pool(url)
    try:
        async with pool.connected() as connection:
            await bring_up_to_date(connection)
        return PostgresStorage(pool, await _veil(pool, keys))
    except BaseException:
        await pool.close()
        raise


async def _veil(pool: Pool, keys: KeyRing) -> Veil:
    async with pool.connected() as connection:
        about = await connection.fetchrow("select salt, key_mark from about")
        if about is None:
            mark = mark_of(keys.make(Disk()))
            await connection.execute(
                "insert into about (salt, key_mark) values ($1, $2) on conflict do nothing",
                new_salt(),
                mark,
            )
            about = await connection.fetchrow("select salt, key_mark from about")
    for key in keys.find():
        if about is not None and mark_of(key) == about["key_mark"]:
            return Veil(key, about["salt"])
    raise StorageError("the database is sealed with another key than the one given")


class PostgresStorage:
    """The storage contract on PostgreSQL; made by `open_postgres`."""

    def __init__(self, pool: Pool, veil: Veil) -> None:
        self._pool = pool
        self._veil = veil

    async def close(self) -> None:
        await self._pool.close()

    # --- chats

    async def chat(self, chat_id: int) -> Chat | None:
        async with self._pool.connected() as connection:
            return await self._chat(connection, chat_id)

    async def save_chat(self, chat: Chat) -> None:
        async with self._pool.transaction(self._veil.handle(chat.id)) as connection:
            await self._put_chat(connection, chat)

    async def rest_chat(self, chat_id: int, reason: str, now: datetime) -> None:
        async with self._pool.transaction(self._veil.handle(chat_id)) as connection:
            chat = await self._chat(connection, chat_id)
            if chat is not None:
                since = chat.resting_since or now
                resting = structs.replace(chat, resting=reason, resting_since=since, returned=False)
                await self._put_chat(connection, resting)

    async def wake_chat(self, chat_id: int, now: datetime) -> bool:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            chat = await self._chat(connection, chat_id)
            if chat is None or not chat.resting:
                return False
            awake = structs.replace(chat, resting="", resting_since=None, returned=False)
            await self._put_chat(connection, awake)
            # Asked last: a fan-out that we have waited for may have added to what waits.
            await connection.execute(
                "update chat set returned = exists (select from delivery where chat = $1)"
                " where handle = $1",
                handle,
            )
            return True

    async def move_chat(self, old_id: int, new_id: int) -> None:
        old, new = self._veil.handle(old_id), self._veil.handle(new_id)
        if old == new:
            return
        async with self._pool.transaction(old, new) as connection:
            await connection.execute(
                "select from subscription where chat in ($1, $2)"
                " order by petition, created_at, number for update",
                old,
                new,
            )
            await self._move_subscriptions(connection, old_id, new_id)
            await self._move_deliveries(connection, old_id, new_id)
            await self._move_chat(connection, old_id, new_id)

    async def chat_data(self, chat_id: int) -> ChatData | None:
        handle = self._veil.handle(chat_id)
        async with self._pool.snapshot() as connection:
            chat = await self._chat(connection, chat_id)
            if chat is None:
                return None
            follows = tuple(await self._subscriptions(connection, handle))
            waiting = await connection.fetchval(
                "select count(*) from delivery where chat = $1", handle
            )
            return ChatData(chat, follows, waiting)

    async def forget_chat(self, chat_id: int) -> None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            await _forget(connection, handle)

    async def _chat(self, connection: Connection, chat_id: int) -> Chat | None:
        handle = self._veil.handle(chat_id)
        row = await connection.fetchrow("select * from chat where handle = $1", handle)
        return None if row is None else self._veil.chat(row)

    async def _put_chat(self, connection: Connection, chat: Chat) -> None:
        """Keep a chat, and have its subscriptions and deliveries rest if it does."""
        handle, resting = self._veil.handle(chat.id), bool(chat.resting)
        await connection.execute(
            "insert into chat (handle, resting, returned, sealed) values ($1, $2, $3, $4)"
            " on conflict (handle) do update set resting = excluded.resting,"
            " returned = excluded.returned, sealed = excluded.sealed",
            handle,
            resting,
            chat.returned,
            self._veil.seal_chat(chat),
        )
        await connection.execute(
            "update subscription set resting = $2 where chat = $1 and resting <> $2",
            handle,
            resting,
        )
        await _lock_deliveries(connection, handle)
        await connection.execute(
            "update delivery set resting = $2 where chat = $1 and resting <> $2", handle, resting
        )

    async def _move_chat(self, connection: Connection, old_id: int, new_id: int) -> None:
        old = await self._chat(connection, old_id)
        if old is None:
            return
        new = await self._chat(connection, new_id) or structs.replace(old, id=new_id)
        merged = structs.replace(
            new,
            created_at=_earlier(old.created_at, new.created_at),
            consented_at=_earlier(old.consented_at, new.consented_at),
            returned=old.returned or new.returned,
        )
        await connection.execute("delete from chat where handle = $1", self._veil.handle(old_id))
        await self._put_chat(connection, merged)

    async def _move_subscriptions(self, connection: Connection, old_id: int, new_id: int) -> None:
        old, new = self._veil.handle(old_id), self._veil.handle(new_id)
        kept = {each.petition: each for each in await self._subscriptions(connection, new)}
        for follows in await self._subscriptions(connection, old):
            present = kept.get(follows.petition)
            # A message of the old chat cannot be edited under the new id.
            moved = structs.replace(follows, chat_id=new_id, card_id=None)
            if present is None:
                await self._move_subscription(connection, old, moved)
            elif follows.created_at < present.created_at:
                await self._put_subscription(connection, moved)
        await connection.execute("delete from subscription where chat = $1", old)

    async def _move_subscription(
        self, connection: Connection, old: bytes, moved: Subscription
    ) -> None:
        # Changed, not made anew: a fan-out that waits for the row goes on with what became of it.
        await connection.execute(
            "update subscription set chat = $3, sealed = $4 where chat = $1 and petition = $2",
            old,
            str(moved.petition),
            self._veil.handle(moved.chat_id),
            self._seal(moved),
        )

    async def _move_deliveries(self, connection: Connection, old_id: int, new_id: int) -> None:
        old, new = self._veil.handle(old_id), self._veil.handle(new_id)
        for row in await _lock_deliveries(connection, old):
            address = structs.replace(self._veil.address(row), chat_id=new_id)
            sealed = self._veil.seal_address(PetitionRef.parse(row["petition"]), address)
            await connection.execute(
                "update delivery set chat = $2, sealed = $3 where number = $1"
                " and not exists (select from delivery where chat = $2 and head = $4)",
                row["number"],
                new,
                sealed,
                row["head"],
            )
        await connection.execute("delete from delivery where chat = $1", old)

    # --- subscriptions

    async def subscribe(self, subscription: Subscription) -> tuple[Subscription, bool]:
        handle, petition = self._veil.handle(subscription.chat_id), str(subscription.petition)
        async with self._pool.transaction(handle) as connection:
            existing = await self._subscription(connection, handle, petition)
            if existing is not None:
                return existing, False
            try:
                await self._put_subscription(connection, subscription)
            except ForeignKeyViolationError as error:
                raise StorageError(f"{petition} is not known, so nobody can follow it") from error
            await connection.execute(
                "update petition set lonely_since = null"
                " where ref = $1 and lonely_since is not null",
                petition,
            )
            return subscription, True

    async def unsubscribe(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            row = await connection.fetchrow(
                "delete from subscription where chat = $1 and petition = $2 returning *",
                handle,
                str(petition),
            )
            await _lock_deliveries(connection, handle)
            await connection.execute(
                "delete from delivery where chat = $1 and petition = $2", handle, str(petition)
            )
            await _welcome(connection, [handle])
            return None if row is None else self._veil.subscription(row)

    async def subscription(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        async with self._pool.connected() as connection:
            return await self._subscription(connection, self._veil.handle(chat_id), str(petition))

    async def subscriptions(self, chat_id: int) -> Sequence[Subscription]:
        async with self._pool.connected() as connection:
            return await self._subscriptions(connection, self._veil.handle(chat_id))

    async def mute(self, chat_id: int, petition: PetitionRef, muted: bool) -> Subscription | None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            row = await connection.fetchrow(
                "update subscription set muted = $3 where chat = $1 and petition = $2 returning *",
                handle,
                str(petition),
                muted,
            )
            await _lock_deliveries(connection, handle)
            await connection.execute(
                "update delivery set silent = $3 where chat = $1 and petition = $2 and $4",
                handle,
                str(petition),
                muted,
                row is not None,
            )
            return None if row is None else self._veil.subscription(row)

    async def keep_card(self, chat_id: int, petition: PetitionRef, card_id: int | None) -> None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            existing = await self._subscription(connection, handle, str(petition))
            if existing is not None:
                kept = structs.replace(existing, card_id=card_id)
                await self._put_subscription(connection, kept)

    async def clear_thread(self, chat_id: int, thread_id: int) -> None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            for follows in await self._subscriptions(connection, handle):
                if follows.thread_id == thread_id:
                    cleared = structs.replace(follows, thread_id=None)
                    await self._put_subscription(connection, cleared)
            for row in await _lock_deliveries(connection, handle):
                address = self._veil.address(row)
                if address.thread_id == thread_id:
                    whole = structs.replace(address, thread_id=None)
                    await connection.execute(
                        "update delivery set sealed = $2 where number = $1",
                        row["number"],
                        self._veil.seal_address(PetitionRef.parse(row["petition"]), whole),
                    )

    async def _subscription(
        self, connection: Connection, handle: bytes, petition: str
    ) -> Subscription | None:
        row = await connection.fetchrow(
            "select * from subscription where chat = $1 and petition = $2", handle, petition
        )
        return None if row is None else self._veil.subscription(row)

    async def _subscriptions(self, connection: Connection, handle: bytes) -> list[Subscription]:
        """What a chat follows, newest first."""
        rows = await connection.fetch("select * from subscription where chat = $1", handle)
        follows = [self._veil.subscription(row) for row in rows]
        return sorted(follows, key=lambda each: (each.created_at, each.petition), reverse=True)

    async def _put_subscription(self, connection: Connection, follows: Subscription) -> None:
        await connection.execute(
            "insert into subscription (chat, petition, created_at, muted, resting, sealed)"
            " values ($1, $2, $3, $4,"
            " coalesce((select resting from chat where handle = $1), false), $5)"
            " on conflict (chat, petition) do update set created_at = excluded.created_at,"
            " muted = excluded.muted, resting = excluded.resting, sealed = excluded.sealed",
            self._veil.handle(follows.chat_id),
            str(follows.petition),
            follows.created_at,
            follows.muted,
            self._seal(follows),
        )

    def _seal(self, follows: Subscription) -> bytes:
        address = Address(follows.chat_id, follows.thread_id, follows.card_id)
        return self._veil.seal_address(follows.petition, address)

    # --- petitions

    async def known(self, petition: PetitionRef) -> Known | None:
        async with self._pool.connected() as connection:
            document = await connection.fetchval(
                "select known from petition where ref = $1", str(petition)
            )
            return None if document is None else _KNOWN.decode(document)

    async def followed(self) -> Sequence[PetitionRef]:
        async with self._pool.connected() as connection:
            rows = await connection.fetch(
                "select ref from petition p"
                " where exists (select from subscription s where s.petition = p.ref)"
            )
            return sorted(PetitionRef.parse(row["ref"]) for row in rows)

    async def followers(self) -> Mapping[PetitionRef, int]:
        async with self._pool.connected() as connection:
            rows = await connection.fetch(
                "select petition, count(*) as chats from subscription group by petition"
            )
            return {PetitionRef.parse(row["petition"]): row["chats"] for row in rows}

    async def readings(self, petition: PetitionRef, since: datetime) -> Sequence[Reading]:
        """The counts read since then, oldest first; times are kept to the second."""
        async with self._pool.connected() as connection:
            rows = await connection.fetch(
                "select to_timestamp(at) as at, count from reading"
                " where petition = $1 and at >= $2 order by at, number",
                str(petition),
                _seconds(since),
            )
            return [Reading(row["at"], row["count"]) for row in rows]

    async def commit_poll(
        self, known: Known, occurrences: Sequence[Occurrence], now: datetime
    ) -> int:
        """Keep a reading and owe the alerts it causes, together or not at all; how many are owed.

        A reading that does not know of everything that another process has seen meanwhile is
        dropped whole: the next look begins from what is kept, and finds whatever is news.
        """
        ref = str(known.petition.ref)
        async with self._pool.transaction() as connection:
            # Its row also makes two pollers of one petition take turns.
            status = await connection.execute(_KEEP, ref, _json(known), list(known.seen))
            if status.endswith(" 0"):
                return 0
            await _keep_reading(connection, known)
            new = [each for each in occurrences if await _keep_occurrence(connection, each)]
            owed = 0
            for bundle in bundled(new):
                keys = [each.key for each in bundle]
                status = await connection.execute(_OWE, ref, head(bundle).key, keys, now)
                owed += int(status.rpartition(" ")[2])
            return owed

    # --- deliveries

    async def claim_deliveries(
        self, now: datetime, limit: int, lease: timedelta
    ) -> Sequence[ClaimedDelivery]:
        async with self._pool.transaction() as connection:
            rows = await connection.fetch(_CLAIM, now, limit, now + lease)
            if not rows:
                return []
            petitions = await connection.fetch(
                "select ref, known from petition where ref = any($1)",
                list({row["petition"] for row in rows}),
            )
            occurrences = await connection.fetch(
                "select key, document from occurrence where key = any($1)",
                list({key for row in rows for key in row["occurrences"]}),
            )
        return self._claimed(rows, petitions, occurrences)

    def _claimed(
        self, rows: Iterable[Record], petitions: Iterable[Record], occurrences: Iterable[Record]
    ) -> list[ClaimedDelivery]:
        """Claimed rows with what they refer to, by chat in the order of the chats' oldest."""
        known = {row["ref"]: _KNOWN.decode(row["known"]) for row in petitions}
        happened = {row["key"]: _OCCURRENCE.decode(row["document"]) for row in occurrences}
        by_chat: dict[bytes, list[ClaimedDelivery]] = {}
        for row in sorted(rows, key=lambda row: row["number"]):
            told = tuple(happened[key] for key in row["occurrences"])
            claimed = ClaimedDelivery(self._veil.delivery(row), known[row["petition"]], told)
            by_chat.setdefault(row["chat"], []).append(claimed)
        return [claimed for chat in by_chat.values() for claimed in chat]

    async def settle(self, *keys: str) -> None:
        pairs = [self._named(key) for key in keys]
        handles, heads = [handle for handle, _ in pairs], [head for _, head in pairs]
        async with self._pool.transaction() as connection:
            await connection.execute(_SETTLE, handles, heads)
            await _welcome(connection, handles)

    async def retry(self, key: str, not_before: datetime) -> None:
        handle, named = self._named(key)
        async with self._pool.transaction() as connection:
            await connection.execute(
                "update delivery set not_before = $3, attempts = attempts + 1, leased_until = null"
                " where chat = $1 and head = $2",
                handle,
                named,
                not_before,
            )

    async def next_due(self, now: datetime) -> datetime | None:
        async with self._pool.connected() as connection:
            if await connection.fetchval(_ANY_DUE, now):
                return now
            found: datetime | None = await connection.fetchval(_NEXT_DUE)
            # Between the two questions something may have become due.
            return None if found is None else max(found, now)

    def _named(self, key: str) -> tuple[bytes, str]:
        """The handle and the head that a delivery's key stands for."""
        named, _, chat_id = key.rpartition(":")
        return self._veil.handle(int(chat_id)), named

    # --- the whole store

    async def prune(self, now: datetime, rest_for: timedelta) -> Pruned:
        chats = await self._forget_rested(now - rest_for)
        async with self._pool.transaction() as connection:
            return Pruned(
                readings=await thin_readings(connection, _seconds(now)),
                chats=chats,
                petitions=await forget_lonely(connection, now, rest_for),
            )

    async def _forget_rested(self, since: datetime) -> int:
        async with self._pool.connected() as connection:
            rows = await connection.fetch("select * from chat where resting")
        rested = [chat for row in rows if _rested(chat := self._veil.chat(row), since)]
        return sum([await self._forget_if_rested(chat.id, since) for chat in rested])

    async def _forget_if_rested(self, chat_id: int, since: datetime) -> bool:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            chat = await self._chat(connection, chat_id)
            if chat is None or not _rested(chat, since):
                return False
            await _forget(connection, handle)
            return True

    async def export(self) -> dict[str, Any]:
        async with self._pool.snapshot() as connection:
            return await copied(connection, self._veil)

    async def import_(self, document: Mapping[str, Any]) -> None:
        async with self._pool.transaction() as connection:
            await place_all(connection, self._veil, document)

    # --- several processes

    def leadership(self, role: str) -> Leadership:
        """The one seat there is for a role among all processes of this store."""
        return Leadership(self._pool, role)

    def pace(self, name: str, per_second: float) -> Pace:
        """A rate that all processes of this store share."""
        return Pace(self._pool, name, per_second)

    # --- the rest

    async def tally(self) -> Tally:
        async with self._pool.connected() as connection:
            row = await connection.fetchrow(
                "select (select count(*) from chat) as chats,"
                " (select count(*) from subscription) as subscriptions,"
                " (select count(*) from petition) as petitions,"
                " (select count(*) from delivery) as waiting,"
                " (select min(created_at) from delivery) as oldest_waiting"
            )
            return Tally(**dict(row or {}))

    async def note(self, name: str) -> str | None:
        async with self._pool.connected() as connection:
            found: str | None = await connection.fetchval(
                "select value from note where name = $1", name
            )
            return found

    async def save_note(self, name: str, value: str) -> None:
        async with self._pool.transaction() as connection:
            await connection.execute(
                "insert into note values ($1, $2)"
                " on conflict (name) do update set value = excluded.value",
                name,
                value,
            )


# --- steps of the use cases ----------------------------------------------------------------------


async def _forget(connection: Connection, handle: bytes) -> None:
    await connection.execute("delete from subscription where chat = $1", handle)
    await _lock_deliveries(connection, handle)
    await connection.execute("delete from delivery where chat = $1", handle)
    await connection.execute("delete from chat where handle = $1", handle)


async def _lock_deliveries(connection: Connection, handle: bytes) -> list[Record]:
    """What a chat is owed, oldest first; nobody else changes it meanwhile."""
    return await connection.fetch(
        "select * from delivery where chat = $1 order by number for update", handle
    )


async def _welcome(connection: Connection, handles: Sequence[bytes]) -> None:
    """A chat that is owed nothing any more is one like any other."""
    await connection.execute(
        "update chat set returned = false where handle = any($1) and returned"
        " and not exists (select from delivery where delivery.chat = handle)",
        handles,
    )


async def _keep_reading(connection: Connection, known: Known) -> None:
    await connection.execute(
        "insert into reading (petition, at, count) select $1, $2, $3"
        " where $3 is distinct from (select count from reading"
        " where petition = $1 order by at desc, number desc limit 1)",
        str(known.petition.ref),
        _seconds(known.read_at),
        known.petition.signature_count,
    )


async def _keep_occurrence(connection: Connection, occurrence: Occurrence) -> bool:
    """Keep it unless its key is kept already; whether it was new."""
    status = await connection.execute(
        "insert into occurrence values ($1, $2, $3) on conflict (key) do nothing",
        occurrence.key,
        str(occurrence.petition),
        _json(occurrence),
    )
    return status.endswith(" 1")


def _json(record: Struct) -> str:
    try:
        return msgspec.json.encode(record, order="deterministic").decode()
    except ValueError as error:  # a lone surrogate in a text
        raise StorageError(f"a {type(record).__name__} cannot be written: {error}") from error


def _seconds(when: datetime) -> int:
    return int(when.timestamp() // 1)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _rested(chat: Chat, since: datetime) -> bool:
    return bool(chat.resting) and chat.resting_since is not None and chat.resting_since <= since
