"""What the bot remembers, in PostgreSQL: several processes, every use case one transaction.

A lost connection, a restart of the server or a failover costs the use cases under way a
StorageError; the next one finds a new connection. When it is the answer to a commit that gets lost,
the use case may have happened after all: each may be repeated without harm.

Locks are taken in this order, so that nobody waits in a circle: the chats (advisory locks on their
handles), policies, the petition, the rules (an advisory lock), a chat's subscriptions by petition,
its deliveries by number, its own row. `commit_poll` shares the rules, the subscriptions that it
matches and the chats that its rules bring in until it is done, so whoever changes how a chat hears
finds the new alerts, or is found; who begins to follow a petition waits for a poll of it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from asyncpg import Record
from msgspec import Struct, structs

from bot.petitions.errors import StorageError
from bot.petitions.match import follower, released_lane, replanned
from bot.petitions.model import (
    Chat,
    Delivery,
    Known,
    Occurrence,
    PetitionRef,
    Reading,
    Rule,
    Subscription,
    Terms,
    Wish,
)
from bot.petitions.moving import merged, moved_subscription
from storage import ChatData, ClaimedDelivery, Pruned, Tally
from storage.key import KeyRing
from storage.postgres_cluster import Leadership, Pace
from storage.postgres_owing import Owing
from storage.postgres_policies import Policies, policy_of, sweep_policies
from storage.postgres_pool import PATIENCE, Connection, Patience, Pool, open_pool
from storage.postgres_queue import (
    ANY_DUE,
    CLAIM,
    HOLD,
    NEXT_DUE,
    RELEASE,
    RETRY,
    SETTLE,
)
from storage.postgres_rows import Veil, address_of
from storage.postgres_rules import Rules, change_rules, ruled_sites
from storage.postgres_schema import bring_up_to_date, unveiled
from storage.postgres_whole import copied, forget_lonely, place_all, thin_readings

_KNOWN = msgspec.json.Decoder(Known)
_OCCURRENCE = msgspec.json.Decoder(Occurrence)

_KEEP = """
insert into petition as kept (ref, known) values ($1, $2)
on conflict (ref) do update set known = excluded.known
where array(select json_array_elements_text(kept.known -> 'seen')) <@ $3::text[]
"""

_PUT_SUBSCRIPTION = """
insert into subscription (chat, petition, created_at, muted, wishes, policy, resting, sealed)
values ($1, $2, $3, $4, $5, $6,
    coalesce((select resting from chat where handle = $1), false), $7)
on conflict (chat, petition) do update set created_at = excluded.created_at,
    muted = excluded.muted, wishes = excluded.wishes, policy = excluded.policy,
    resting = excluded.resting, sealed = excluded.sealed
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
            await bring_up_to_date(connection, keys)
            veil = await unveiled(connection, keys)
        pool.keep_to(veil.key_mark)
        return PostgresStorage(pool, veil)
    except BaseException:
        await pool.close()
        raise


class PostgresStorage:
    """The storage contract on PostgreSQL; made by `open_postgres`."""

    def __init__(self, pool: Pool, veil: Veil) -> None:
        self._pool = pool
        self._veil = veil
        self._policies = Policies(veil)
        self._rules = Rules(veil)
        self._owing = Owing(veil, self._policies, self._rules)

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
            chat = await self._merged(connection, old_id, new_id)
            terms = chat.terms if chat is not None else Terms()
            follows = [
                each
                for handle in (old, new)
                for each in await self._subscriptions(connection, handle)
            ]
            await self._policies.keep(connection, [policy_of(each, terms) for each in follows])
            await change_rules(connection, old, new)
            await _lock_subscriptions(connection, old, new)
            numbers = await self._rules.move(connection, old_id, new_id)
            await self._move_subscriptions(connection, old_id, new_id, terms)
            await self._move_deliveries(connection, old_id, new_id, numbers)
            await connection.execute("delete from chat where handle = $1", old)
            if chat is not None:
                await self._put_chat(connection, chat)
            await self._retune(connection, new_id, terms)

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
            rules = tuple(await self._rules.of(connection, handle))
            return ChatData(chat, follows, waiting, rules)

    async def forget_chat(self, chat_id: int) -> None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            await _forget(connection, handle)
        async with self._pool.transaction() as connection:
            await sweep_policies(connection)

    async def set_terms(self, chat_id: int, terms: Terms, now: datetime) -> Chat | None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            chat = await self._chat(connection, chat_id)
            if chat is None:
                return None
            changed = structs.replace(chat, terms=terms)
            await self._put_chat(connection, changed)
            await self._replan(connection, changed, await _lock_deliveries(connection, handle), now)
            return changed

    async def release(
        self, chat_id: int, lane: str, now: datetime, petition: PetitionRef | None = None
    ) -> int:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            await _lock_deliveries(connection, handle)
            status = await connection.execute(
                RELEASE,
                handle,
                lane,
                now,
                None if petition is None else str(petition),
                released_lane(lane, petition),
            )
            return int(status.rpartition(" ")[2])

    async def _chat(self, connection: Connection, chat_id: int) -> Chat | None:
        handle = self._veil.handle(chat_id)
        row = await connection.fetchrow("select * from chat where handle = $1", handle)
        return None if row is None else self._veil.chat(row)

    async def _terms(self, connection: Connection, chat_id: int) -> Terms:
        """A chat's own terms; those of a stranger are the usual ones."""
        chat = await self._chat(connection, chat_id)
        return chat.terms if chat is not None else Terms()

    async def _put_chat(self, connection: Connection, chat: Chat) -> None:
        """Keep a chat, and have its subscriptions and deliveries hear and rest as it does."""
        handle, resting = self._veil.handle(chat.id), bool(chat.resting)
        if chat.terms != await self._terms(connection, chat.id):
            await self._retune(connection, chat.id, chat.terms)
        await connection.execute(
            "with resting as materialized (select petition from subscription"
            " where chat = $1 and resting <> $2 order by petition for update)"
            " update subscription set resting = $2 from resting"
            " where chat = $1 and subscription.petition = resting.petition",
            handle,
            resting,
        )
        await _lock_deliveries(connection, handle)
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
            "update delivery set resting = $2 where chat = $1 and resting <> $2", handle, resting
        )

    async def _retune(self, connection: Connection, chat_id: int, terms: Terms) -> None:
        """Have a chat's subscriptions hear as the chat's own terms say."""
        handle = self._veil.handle(chat_id)
        follows = await self._subscriptions(connection, handle)
        policies = [policy_of(each, terms) for each in follows]
        await self._policies.keep(connection, policies)
        await _lock_subscriptions(connection, handle)
        await connection.execute(
            "update subscription set policy = heard.mark"
            " from unnest($2::text[], $3::bytea[]) heard (petition, mark)"
            " where chat = $1 and subscription.petition = heard.petition",
            handle,
            [str(each.petition) for each in follows],
            [self._veil.mark(each) for each in policies],
        )

    async def _replan(
        self, connection: Connection, chat: Chat, rows: Sequence[Record], now: datetime
    ) -> None:
        """Have deliveries of a chat heard as it hears now."""
        handle = self._veil.handle(chat.id)
        follows = {each.petition: each for each in await self._subscriptions(connection, handle)}
        for claimed in await self._told(connection, rows):
            owed, about = claimed.delivery, claimed.known.petition
            rules = [claimed.rule] if claimed.rule is not None else []
            ways = follower(follows.get(owed.petition), rules, chat.terms, chat.id).ways
            planned = replanned(owed, claimed.occurrences, about, ways, now)
            if planned != owed:
                await _replace_plan(connection, planned)

    async def _merged(self, connection: Connection, old_id: int, new_id: int) -> Chat | None:
        """What is known of a chat by both of its ids, under the new one; None for a stranger."""
        old, new = await self._chat(connection, old_id), await self._chat(connection, new_id)
        return new if old is None else merged(old, new, new_id)

    async def _move_subscriptions(
        self, connection: Connection, old_id: int, new_id: int, terms: Terms
    ) -> None:
        old, new = self._veil.handle(old_id), self._veil.handle(new_id)
        kept = {each.petition: each for each in await self._subscriptions(connection, new)}
        for follows in await self._subscriptions(connection, old):
            present = kept.get(follows.petition)
            moved = moved_subscription(follows, present, new_id)
            if present is None:
                await self._move_subscription(connection, old, moved)
            elif moved != present:
                await self._write_subscription(connection, moved, terms)
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

    async def _move_deliveries(
        self, connection: Connection, old_id: int, new_id: int, numbers: Mapping[int, int]
    ) -> None:
        """`numbers` says what the numbers of rules have become."""
        old, new = self._veil.handle(old_id), self._veil.handle(new_id)
        for row in await _lock_deliveries(connection, old):
            address = self._veil.address(row)
            rule = numbers.get(address.rule, address.rule)
            moved = structs.replace(address, chat_id=new_id, rule=rule)
            sealed = self._veil.seal_address(PetitionRef.parse(row["petition"]), moved)
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
            await self._put_subscription(connection, subscription)
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

    async def mute(
        self, chat_id: int, petition: PetitionRef, muted: bool, now: datetime
    ) -> Subscription | None:
        return await self._hear(chat_id, petition, now, muted=muted)

    async def keep_card(self, chat_id: int, petition: PetitionRef, card_id: int | None) -> None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            existing = await self._subscription(connection, handle, str(petition))
            if existing is not None:
                await self._reseal(connection, structs.replace(existing, card_id=card_id))

    async def set_subscription_terms(
        self, chat_id: int, petition: PetitionRef, terms: Terms, now: datetime
    ) -> Subscription | None:
        return await self._hear(chat_id, petition, now, terms=terms)

    async def _hear(
        self, chat_id: int, petition: PetitionRef, now: datetime, **changes: Any
    ) -> Subscription | None:
        """Change how a chat hears of a petition, in what it is owed already as well."""
        handle, ref = self._veil.handle(chat_id), str(petition)
        async with self._pool.transaction(handle) as connection:
            existing = await self._subscription(connection, handle, ref)
            if existing is None:
                return None
            changed = structs.replace(existing, **changes)
            await self._put_subscription(connection, changed)
            chat = await self._chat(connection, chat_id) or Chat(chat_id)
            owed = await _lock_deliveries(connection, handle)
            await self._replan(connection, chat, [r for r in owed if r["petition"] == ref], now)
            return changed

    async def set_thread(
        self, chat_id: int, petition: PetitionRef, thread_id: int | None
    ) -> Subscription | None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            existing = await self._subscription(connection, handle, str(petition))
            if existing is None:
                return None
            card_id = existing.card_id if existing.thread_id == thread_id else None
            changed = structs.replace(existing, thread_id=thread_id, card_id=card_id)
            await self._reseal(connection, changed)
            for row in await _lock_deliveries(connection, handle):
                if row["petition"] == str(petition):
                    await self._readdress(connection, row, thread_id)
            return changed

    async def clear_thread(self, chat_id: int, thread_id: int) -> None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            rules = [
                structs.replace(rule, thread_id=None)
                for rule in await self._rules.of(connection, handle)
                if rule.thread_id == thread_id
            ]
            if rules:
                await change_rules(connection)
            for rule in rules:
                await self._rules.keep(connection, rule)
            for follows in reversed(await self._subscriptions(connection, handle)):
                if follows.thread_id == thread_id:
                    await self._reseal(connection, structs.replace(follows, thread_id=None))
            for row in await _lock_deliveries(connection, handle):
                if self._veil.address(row).thread_id == thread_id:
                    await self._readdress(connection, row, None)

    async def _readdress(self, connection: Connection, row: Record, thread_id: int | None) -> None:
        address = structs.replace(self._veil.address(row), thread_id=thread_id)
        await connection.execute(
            "update delivery set sealed = $2 where number = $1",
            row["number"],
            self._veil.seal_address(PetitionRef.parse(row["petition"]), address),
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
        """Keep a subscription; StorageError if its petition is not known."""
        terms = await self._terms(connection, follows.chat_id)
        await self._policies.keep(connection, [policy_of(follows, terms)])
        # A poll of it is waited for, or finds what we put here and waits for us.
        status = await connection.execute(
            "select from petition where ref = $1 for share", str(follows.petition)
        )
        if status.endswith(" 0"):
            raise StorageError(f"{follows.petition} is not known, so nobody can follow it")
        await self._write_subscription(connection, follows, terms)

    async def _write_subscription(
        self, connection: Connection, follows: Subscription, terms: Terms
    ) -> None:
        await connection.execute(
            _PUT_SUBSCRIPTION,
            self._veil.handle(follows.chat_id),
            str(follows.petition),
            follows.created_at,
            follows.muted,
            follows.terms.milestones is not None,
            self._veil.mark(policy_of(follows, terms)),
            self._seal(follows),
        )

    async def _reseal(self, connection: Connection, follows: Subscription) -> None:
        """Keep what does not change how a subscription hears."""
        await connection.execute(
            "update subscription set sealed = $3 where chat = $1 and petition = $2",
            self._veil.handle(follows.chat_id),
            str(follows.petition),
            self._seal(follows),
        )

    def _seal(self, follows: Subscription) -> bytes:
        return self._veil.seal_address(follows.petition, address_of(follows))

    # --- rules

    async def save_rule(self, rule: Rule, now: datetime) -> Rule:
        handle = self._veil.handle(rule.chat_id)
        async with self._pool.transaction(handle) as connection:
            await change_rules(connection)
            kept = await self._rules.keep(connection, rule)
            chat = await self._chat(connection, rule.chat_id) or Chat(rule.chat_id)
            owed = await _lock_deliveries(connection, handle)
            of_rule = [row for row in owed if self._veil.address(row).rule == kept.number]
            await self._replan(connection, chat, of_rule, now)
            return kept

    async def rules(self, chat_id: int) -> Sequence[Rule]:
        async with self._pool.connected() as connection:
            return await self._rules.of(connection, self._veil.handle(chat_id))

    async def drop_rule(self, chat_id: int, number: int) -> Rule | None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            await change_rules(connection, handle)
            row = await connection.fetchrow(
                "delete from rule where chat = $1 and number = $2 returning *", handle, number
            )
            return None if row is None else self._veil.rule(row)

    async def ruled_sites(self) -> Mapping[str, int]:
        async with self._pool.connected() as connection:
            return await ruled_sites(connection)

    # --- petitions

    async def petitions(self) -> Sequence[PetitionRef]:
        async with self._pool.connected() as connection:
            rows = await connection.fetch("select ref from petition")
            return sorted(PetitionRef.parse(row["ref"]) for row in rows)

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

    async def wishes(self) -> Mapping[PetitionRef, Collection[Wish]]:
        async with self._pool.snapshot() as connection:
            rows = await connection.fetch(
                "select distinct petition, policy from subscription where wishes"
            )
            policies = await self._policies.behind(connection, {row["policy"] for row in rows})
        found: dict[PetitionRef, set[Wish]] = {}
        for row in rows:
            if wish := policies[row["policy"]].own.milestones:
                found.setdefault(PetitionRef.parse(row["petition"]), set()).add(wish)
        return found

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
        async with self._pool.transaction(patient=True) as connection:
            found = await self._owing.with_own(connection, known, occurrences, now)
            status = await connection.execute(_KEEP, ref, _json(known), list(known.seen))
            if status.endswith(" 0"):
                return 0
            await _keep_reading(connection, known)
            new = [each for each in found if await _keep_occurrence(connection, each)]
            return await self._owing.owe(connection, known, new, now)

    # --- deliveries

    async def claim_deliveries(
        self, now: datetime, limit: int, lease: timedelta
    ) -> Sequence[ClaimedDelivery]:
        async with self._pool.transaction() as connection:
            rows = await connection.fetch(CLAIM, now, limit, now + lease)
            return await self._told(connection, rows)

    async def _told(self, connection: Connection, rows: Sequence[Record]) -> list[ClaimedDelivery]:
        """Deliveries with what they refer to, by chat and lane in the order of their oldest."""
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
        chats = await connection.fetch(
            "select * from chat where handle = any($1)", list({row["chat"] for row in rows})
        )
        owed = [(row, self._veil.delivery(row)) for row in rows]
        rules = await self._rules.named(
            connection, {(row["chat"], each.rule) for row, each in owed if each.rule}
        )
        known = {row["ref"]: _KNOWN.decode(row["known"]) for row in petitions}
        happened = {row["key"]: _OCCURRENCE.decode(row["document"]) for row in occurrences}
        to = {row["handle"]: self._veil.chat(row) for row in chats}
        return _by_queue(
            ClaimedDelivery(
                delivery,
                known[row["petition"]],
                tuple(happened[key] for key in delivery.occurrences),
                to.get(row["chat"]),
                rules.get((row["chat"], delivery.rule)),
            )
            for row, delivery in owed
        )

    async def settle(self, *keys: str) -> None:
        pairs = [self._named(key) for key in keys]
        handles, heads = [handle for handle, _ in pairs], [head for _, head in pairs]
        async with self._pool.transaction() as connection:
            await connection.execute(SETTLE, handles, heads)
            await _welcome(connection, handles)

    async def retry(self, key: str, not_before: datetime) -> None:
        handle, named = self._named(key)
        async with self._pool.transaction() as connection:
            await connection.execute(RETRY, handle, named, not_before)

    async def hold(self, key: str, lane: str, until: datetime) -> None:
        handle, named = self._named(key)
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD, handle, named, lane, until)

    async def next_due(self, now: datetime) -> datetime | None:
        async with self._pool.connected() as connection:
            if await connection.fetchval(ANY_DUE, now):
                return now
            found: datetime | None = await connection.fetchval(NEXT_DUE)
            # Between the two questions something may have become due.
            return None if found is None else max(found, now)

    def _named(self, key: str) -> tuple[bytes, str]:
        """The handle and the head that a delivery's key stands for."""
        named, _, chat_id = key.rpartition(":")
        return self._veil.handle(int(chat_id)), named

    # --- the whole store

    async def prune(self, now: datetime, rest_for: timedelta) -> Pruned:
        chats = await self._forget_rested(now - rest_for)
        async with self._pool.transaction(patient=True) as connection:
            await self._policies.wake(connection, now)
        async with self._pool.transaction(patient=True) as connection:
            await sweep_policies(connection)
        async with self._pool.transaction(patient=True) as connection:
            return Pruned(
                readings=await thin_readings(connection, _seconds(now)),
                chats=chats,
                petitions=await forget_lonely(connection, now, rest_for),
            )

    async def _forget_rested(self, since: datetime) -> int:
        async with self._pool.connected() as connection:
            rows = await connection.fetch("select * from chat where resting")
        rested = [chat for row in rows if (chat := self._veil.chat(row)).has_rested(since)]
        return sum([await self._forget_if_rested(chat.id, since) for chat in rested])

    async def _forget_if_rested(self, chat_id: int, since: datetime) -> bool:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            chat = await self._chat(connection, chat_id)
            if chat is None or not chat.has_rested(since):
                return False
            await _forget(connection, handle)
            return True

    async def export(self) -> dict[str, Any]:
        async with self._pool.snapshot(patient=True) as connection:
            return await copied(connection, self._veil)

    async def import_(self, document: Mapping[str, Any]) -> None:
        async with self._pool.transaction(patient=True) as connection:
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
    await change_rules(connection, handle)
    await connection.execute("delete from rule where chat = $1", handle)
    await _lock_subscriptions(connection, handle)
    await connection.execute("delete from subscription where chat = $1", handle)
    await _lock_deliveries(connection, handle)
    await connection.execute("delete from delivery where chat = $1", handle)
    await connection.execute("delete from chat where handle = $1", handle)


async def _lock_subscriptions(connection: Connection, *handles: bytes) -> None:
    """Nobody else changes what these chats follow, or matches it, meanwhile."""
    await connection.execute(
        "select from subscription where chat = any($1)"
        " order by petition, created_at, number for update",
        list(handles),
    )


async def _replace_plan(connection: Connection, delivery: Delivery) -> None:
    await connection.execute(
        "update delivery set lane = $2, not_before = $3, silent = $4 where number = $1",
        delivery.number,
        delivery.lane,
        delivery.not_before,
        delivery.silent,
    )


def _by_queue(claimed: Iterable[ClaimedDelivery]) -> list[ClaimedDelivery]:
    """Each chat's lanes together, in the order of their oldest."""
    queues: dict[tuple[int, str], list[ClaimedDelivery]] = {}
    for each in sorted(claimed, key=lambda each: each.delivery.number):
        queue = (each.delivery.chat_id, each.delivery.lane)
        queues.setdefault(queue, []).append(each)
    return [each for queue in queues.values() for each in queue]


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
