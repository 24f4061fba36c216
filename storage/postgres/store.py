"""What the bot remembers, in PostgreSQL: several processes, every use case one transaction.

A lost connection, a restart of the server or a failover costs the use cases under way a
StorageError; the next one finds a new connection. When it is the answer to a commit that gets lost,
the use case may have happened after all. Each may be repeated without harm, but that a new rule is
then there twice, and that a try counts twice.

Locks are taken in this order, so that nobody waits in a circle: the chats (advisory locks on their
handles), policies, the petition, the rules (an advisory lock), a chat's subscriptions by petition,
its deliveries by number, its own row. `commit_poll` shares the rules, the subscriptions that it
matches and the chats that its rules bring in until it is done, so whoever changes how a chat hears
finds the new alerts, or is found; who begins to follow a petition waits for a poll of it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import structs

from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef, Reading
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.chat_migration import merged
from bot.subscriptions.matching import released_lane
from bot.subscriptions.set_back import chat_set_back, terms_set_back
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription
from storage import ChatData, ClaimedDelivery, Pruned, Tally
from storage.key_file import KeyRing
from storage.postgres.bulk import copied, forget_lonely, place_all, thin_readings
from storage.postgres.deliveries import Deliveries, lately, lock_deliveries, welcome
from storage.postgres.delivery_queue import (
    ANY_DUE,
    CLAIM,
    DROP_PAST,
    HOLD,
    NEXT_DUE,
    RELEASE,
    RETRY,
    SETTLE,
)
from storage.postgres.fan_out import FanOut
from storage.postgres.leadership import Leadership, SharedSendRate
from storage.postgres.news import news_behind, news_since, sweep_news
from storage.postgres.petition_names import PetitionNames
from storage.postgres.pool import PATIENCE, Connection, Patience, Pool, open_pool
from storage.postgres.preferences import StoredPreferences, policy_of, sweep_policies
from storage.postgres.row_cipher import RowCipher
from storage.postgres.rules import Rules, change_rules
from storage.postgres.schema import bring_up_to_date, is_up_to_date, unveiled
from storage.postgres.subscriptions import Subscriptions, lock_subscriptions
from storage.tables import encoded, second_of

_KNOWN = msgspec.json.Decoder(PetitionHistory)

# What of a tally is first found as a mark of news.
_OLDEST = ("oldest_waiting", "oldest_due")

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
            veil = await unveiled(connection, keys)
        pool.keep_to(veil.key_mark)
        return PostgresStorage(pool, veil)
    except BaseException:
        await pool.close()
        raise


async def read_postgres(
    url: str, keys: KeyRing, patience: Patience = PATIENCE
) -> "PostgresStorage | None":
    """The store in a database as it is, no table made or changed; None if there is none yet.

    StorageError as `open_postgres` raises it, and if the tables are those of an older version.
    """
    pool = await open_pool(url, patience)
    try:
        async with pool.connected(patient=True) as connection:
            veil = await unveiled(connection, keys) if await is_up_to_date(connection) else None
        if veil is None:
            await pool.close()
            return None
        pool.keep_to(veil.key_mark)
        return PostgresStorage(pool, veil)
    except BaseException:
        await pool.close()
        raise


class PostgresStorage:
    """The storage contract on PostgreSQL; made by `open_postgres`."""

    def __init__(self, pool: Pool, veil: RowCipher) -> None:
        self._pool = pool
        self._veil = veil
        self._policies = StoredPreferences(veil)
        self._subscriptions = Subscriptions(veil, self._policies)
        self._rules = Rules(veil)
        self._names = PetitionNames(veil)
        self._deliveries = Deliveries(veil, self._subscriptions, self._rules)
        self._owing = FanOut(veil, self._policies, self._rules)

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
                await self._put_chat(connection, chat.resting_for(reason, now))

    async def refuse_chat(
        self, chat_id: int, reason: str, refusals: int, now: datetime, probe_at: datetime
    ) -> bool:
        async with self._pool.transaction(self._veil.handle(chat_id)) as connection:
            chat = await self._chat(connection, chat_id)
            if chat is None or refusals != chat.refusals + 1:
                return False
            await self._put_chat(connection, chat.refusing(reason, refusals, now, probe_at))
            return True

    async def hear_chat(self, chat_id: int) -> bool:
        async with self._pool.transaction(self._veil.handle(chat_id)) as connection:
            chat = await self._chat(connection, chat_id)
            if chat is None or chat.probe_at is None:
                return False
            await self._put_chat(connection, chat.open())
            return True

    async def wake_chat(self, chat_id: int, now: datetime) -> bool:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            chat = await self._chat(connection, chat_id)
            if chat is None or not chat.is_shut:
                return False
            await self._put_chat(connection, chat.open())
            if not chat.resting:
                return True
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
            terms = chat.terms if chat is not None else Preferences()
            follows = [
                each
                for chat_id in (old_id, new_id)
                for each in await self._subscriptions.of(connection, chat_id)
            ]
            await self._policies.keep(connection, [policy_of(each, terms) for each in follows])
            await change_rules(connection, old, new)
            await lock_subscriptions(connection, old, new)
            numbers = await self._rules.move(connection, old_id, new_id)
            await self._subscriptions.move(connection, old_id, new_id, terms)
            await self._deliveries.move(connection, old_id, new_id, numbers)
            await connection.execute(
                "update recent_alert set recent = $2 where recent = $1",
                self._veil.recent(old_id),
                self._veil.recent(new_id),
            )
            await connection.execute("delete from chat where handle = $1", old)
            if chat is not None:
                await self._put_chat(connection, chat)
            await self._subscriptions.retune(connection, new_id, terms)

    async def chat_data(self, chat_id: int) -> ChatData | None:
        handle = self._veil.handle(chat_id)
        async with self._pool.snapshot() as connection:
            chat = await self._chat(connection, chat_id)
            if chat is None:
                return None
            follows = tuple(await self._subscriptions.of(connection, chat_id))
            waiting = await connection.fetchval(
                "select count(*) from delivery where chat = $1", handle
            )
            rules = tuple(await self._rules.of(connection, handle))
            return ChatData(chat, follows, waiting, rules)

    async def forget_chat(self, chat_id: int) -> None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            await _forget(connection, handle, self._veil.recent(chat_id))
        async with self._pool.transaction() as connection:
            await sweep_policies(connection)
            await sweep_news(connection)

    async def set_terms(self, chat_id: int, terms: Preferences, now: datetime) -> Chat | None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            chat = await self._chat(connection, chat_id)
            if chat is None:
                return None
            changed = structs.replace(chat, terms=terms)
            await self._put_chat(connection, changed)
            owed = await lock_deliveries(connection, handle)
            await self._deliveries.replan(connection, changed, owed, now)
            return changed

    async def release(
        self, chat_id: int, lane: str, now: datetime, petition: PetitionRef | None = None
    ) -> int:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            await lock_deliveries(connection, handle)
            status = await connection.execute(
                RELEASE,
                handle,
                self._veil.lane(lane),
                now,
                None if petition is None else self._veil.petition(petition),
                self._veil.lane(released_lane(lane, petition)),
            )
            return int(status.rpartition(" ")[2])

    async def _chat(self, connection: Connection, chat_id: int) -> Chat | None:
        handle = self._veil.handle(chat_id)
        row = await connection.fetchrow("select * from chat where handle = $1", handle)
        return None if row is None else self._veil.chat(row)

    async def _terms(self, connection: Connection, chat_id: int) -> Preferences:
        """A chat's own terms; those of a stranger are the usual ones."""
        chat = await self._chat(connection, chat_id)
        return chat.terms if chat is not None else Preferences()

    async def _put_chat(self, connection: Connection, chat: Chat) -> None:
        """Keep a chat, and have its subscriptions and deliveries hear and rest as it does."""
        handle, resting = self._veil.handle(chat.id), chat.is_shut
        if chat.terms != await self._terms(connection, chat.id):
            await self._subscriptions.retune(connection, chat.id, chat.terms)
        await connection.execute(
            "with resting as materialized (select petition from subscription"
            " where chat = $1 and resting <> $2 order by petition for update)"
            " update subscription set resting = $2 from resting"
            " where chat = $1 and subscription.petition = resting.petition",
            handle,
            resting,
        )
        await lock_deliveries(connection, handle)
        await connection.execute(
            "insert into chat (handle, resting, returned, probe_at, sealed)"
            " values ($1, $2, $3, $4, $5)"
            " on conflict (handle) do update set resting = excluded.resting,"
            " returned = excluded.returned, probe_at = excluded.probe_at,"
            " sealed = excluded.sealed",
            handle,
            resting,
            chat.returned,
            chat.probe_at,
            self._veil.seal_chat(chat),
        )
        await connection.execute(
            "update delivery set resting = $2 where chat = $1 and resting <> $2", handle, resting
        )

    async def _merged(self, connection: Connection, old_id: int, new_id: int) -> Chat | None:
        """What is known of a chat by both of its ids, under the new one; None for a stranger."""
        old, new = await self._chat(connection, old_id), await self._chat(connection, new_id)
        return new if old is None else merged(old, new, new_id)

    # --- subscriptions

    async def subscribe(self, subscription: Subscription) -> tuple[Subscription, bool]:
        chat_id, petition = subscription.chat_id, subscription.petition
        async with self._pool.transaction(self._veil.handle(chat_id)) as connection:
            existing = await self._subscriptions.find(connection, chat_id, petition)
            if existing is not None:
                return existing, False
            terms = await self._terms(connection, chat_id)
            await self._subscriptions.put(connection, subscription, terms)
            await connection.execute(
                "update petition set lonely_since = null"
                " where ref = $1 and lonely_since is not null",
                str(petition),
            )
            return subscription, True

    async def unsubscribe(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        handle, mark = self._veil.handle(chat_id), self._veil.petition(petition)
        async with self._pool.transaction(handle) as connection:
            row = await connection.fetchrow(
                "delete from subscription where chat = $1 and petition = $2 returning *",
                handle,
                mark,
            )
            await lock_deliveries(connection, handle)
            await connection.execute(
                "delete from delivery where chat = $1 and petition = $2", handle, mark
            )
            await welcome(connection, [handle])
            return None if row is None else self._veil.subscription(row)

    async def subscription(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        async with self._pool.connected() as connection:
            return await self._subscriptions.find(connection, chat_id, petition)

    async def subscriptions(self, chat_id: int) -> Sequence[Subscription]:
        async with self._pool.connected() as connection:
            return await self._subscriptions.of(connection, chat_id)

    async def mute(
        self, chat_id: int, petition: PetitionRef, muted: bool, now: datetime
    ) -> Subscription | None:
        return await self._hear(chat_id, petition, now, muted=muted)

    async def keep_card(self, chat_id: int, petition: PetitionRef, card_id: int | None) -> None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            existing = await self._subscriptions.find(connection, chat_id, petition)
            if existing is not None:
                kept = structs.replace(existing, card_id=card_id)
                await self._subscriptions.reseal(connection, kept)

    async def set_subscription_terms(
        self, chat_id: int, petition: PetitionRef, terms: Preferences, now: datetime
    ) -> Subscription | None:
        return await self._hear(chat_id, petition, now, terms=terms)

    async def _hear(
        self, chat_id: int, petition: PetitionRef, now: datetime, **changes: Any
    ) -> Subscription | None:
        """Change how a chat hears of a petition, in what it is owed already as well."""
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            existing = await self._subscriptions.find(connection, chat_id, petition)
            if existing is None:
                return None
            changed = structs.replace(existing, **changes)
            chat = await self._chat(connection, chat_id) or Chat(chat_id)
            await self._subscriptions.put(connection, changed, chat.terms)
            owed = await lock_deliveries(connection, handle)
            mark = self._veil.petition(petition)
            about = [row for row in owed if row["petition"] == mark]
            await self._deliveries.replan(connection, chat, about, now)
            return changed

    async def set_thread(
        self, chat_id: int, petition: PetitionRef, thread_id: int | None
    ) -> Subscription | None:
        handle = self._veil.handle(chat_id)
        async with self._pool.transaction(handle) as connection:
            existing = await self._subscriptions.find(connection, chat_id, petition)
            if existing is None:
                return None
            card_id = existing.card_id if existing.thread_id == thread_id else None
            changed = structs.replace(existing, thread_id=thread_id, card_id=card_id)
            await self._subscriptions.reseal(connection, changed)
            mark = self._veil.petition(petition)
            for row in await lock_deliveries(connection, handle):
                if row["petition"] == mark:
                    await self._deliveries.readdress(connection, row, thread_id)
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
            for follows in reversed(await self._subscriptions.of(connection, chat_id)):
                if follows.thread_id == thread_id:
                    there = structs.replace(follows, thread_id=None)
                    await self._subscriptions.reseal(connection, there)
            for row in await lock_deliveries(connection, handle):
                if self._veil.address(row).thread_id == thread_id:
                    await self._deliveries.readdress(connection, row, None)

    # --- rules

    async def save_rule(self, rule: Rule, now: datetime) -> Rule:
        handle = self._veil.handle(rule.chat_id)
        async with self._pool.transaction(handle) as connection:
            await change_rules(connection)
            kept = await self._rules.keep(connection, rule)
            chat = await self._chat(connection, rule.chat_id) or Chat(rule.chat_id)
            owed = await lock_deliveries(connection, handle)
            of_rule = [row for row in owed if self._veil.address(row).rule == kept.number]
            await self._deliveries.replan(connection, chat, of_rule, now)
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

    async def rules_of(self, site: str) -> Sequence[Rule]:
        async with self._pool.connected() as connection:
            return await self._rules.of_site(connection, site)

    async def ruled_sites(self) -> Mapping[str, int]:
        async with self._pool.connected() as connection:
            return await self._rules.sites(connection)

    # --- petitions

    async def petitions(self) -> Sequence[PetitionRef]:
        async with self._pool.connected() as connection:
            rows = await connection.fetch("select ref from petition")
            return sorted(PetitionRef.parse(row["ref"]) for row in rows)

    async def known(self, petition: PetitionRef) -> PetitionHistory | None:
        async with self._pool.connected() as connection:
            document = await connection.fetchval(
                "select known from petition where ref = $1", str(petition)
            )
            return None if document is None else _KNOWN.decode(document)

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

    async def wishes(self) -> Mapping[PetitionRef, Collection[CustomMilestones]]:
        async with self._pool.snapshot() as connection:
            rows = await connection.fetch(
                "select distinct petition, policy from subscription where wishes"
            )
            policies = await self._policies.behind(connection, {row["policy"] for row in rows})
            named = await self._names.behind(connection, {row["petition"] for row in rows})
        found: dict[PetitionRef, set[CustomMilestones]] = {}
        for row in rows:
            if wish := policies[row["policy"]].own.milestones:
                found.setdefault(named[row["petition"]], set()).add(wish)
        return found

    async def readings(self, petition: PetitionRef, since: datetime) -> Sequence[Reading]:
        """The counts read since then, oldest first; times are kept to the second."""
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
        """Keep a reading and owe the alerts it causes, together or not at all; how many are owed.

        A reading that does not know of everything that another process has seen meanwhile is
        dropped whole: the next look begins from what is kept, and finds whatever is news.
        """
        ref = str(known.petition.ref)
        async with self._pool.transaction(patient=True) as connection:
            found = await self._owing.with_own(connection, known, occurrences, now)
            status = await connection.execute(_KEEP, ref, encoded(known).decode(), list(known.seen))
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
            await connection.execute(DROP_PAST, *lately(now))
            rows = await connection.fetch(CLAIM, now, limit, now + lease)
            return await self._deliveries.take_turns(connection, rows, now, now + lease)

    async def settle(self, *keys: str, told_at: datetime | None = None) -> None:
        pairs = [self._named(key) for key in keys]
        handles, heads = [handle for handle, _ in pairs], [head for _, head in pairs]
        recents = [self._veil.recent(int(key.rpartition(":")[2])) for key in keys]
        async with self._pool.transaction() as connection:
            at = None if told_at is None else second_of(told_at)
            await connection.execute(SETTLE, handles, heads, at, recents)
            await welcome(connection, handles)

    async def retry(self, key: str, not_before: datetime, lane: str | None = None) -> None:
        handle, named = self._named(key)
        shown = None if lane is None else self._veil.lane(lane)
        async with self._pool.transaction() as connection:
            await connection.execute(RETRY, handle, named, not_before, shown)

    async def hold(self, key: str, lane: str, until: datetime) -> None:
        handle, named = self._named(key)
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD, handle, named, self._veil.lane(lane), until)

    async def next_due(self, now: datetime) -> datetime | None:
        async with self._pool.connected() as connection:
            if await connection.fetchval(ANY_DUE, now):
                return now
            found: datetime | None = await connection.fetchval(NEXT_DUE)
            # Between the two questions something may have become due.
            return None if found is None else max(found, now)

    async def clock_set_back(self, now: datetime, by: timedelta) -> None:
        for handle in await self._waits_by_clock(now, by):
            await self._set_rules_back(handle, now, by)
            await self._set_chat_back(handle, now, by)
        async with self._pool.transaction() as connection:
            await connection.execute(
                "update reading set at = least(at - $2, $1) where at > $1",
                second_of(now),
                int(by.total_seconds()),
            )

    async def _waits_by_clock(self, now: datetime, by: timedelta) -> set[bytes]:
        """The handles of the chats of which a wrong clock may have set anything."""
        async with self._pool.snapshot() as connection:
            owed = await connection.fetch(
                "select distinct chat from delivery"
                " where greatest(not_before, leased_until) > $1 or news = any($2)",
                now,
                await news_since(connection, self._veil, now),
            )
            chats = await connection.fetch("select * from chat")
            rules = await connection.fetch("select * from rule")
            snoozed = [
                mark
                for mark, policy in (await self._policies.all(connection)).items()
                if terms_set_back(policy.own, now, by) != policy.own
            ]
            follows = await connection.fetch(
                "select distinct chat from subscription where policy = any($1)", snoozed
            )
        found = {row["chat"] for row in (*owed, *follows)}
        for row in chats:
            chat = self._veil.chat(row)
            if chat_set_back(chat, now, by) != chat:
                found.add(row["handle"])
        for row in rules:
            terms = self._veil.rule(row).terms
            if terms_set_back(terms, now, by) != terms:
                found.add(row["chat"])
        return found

    async def _set_rules_back(self, handle: bytes, now: datetime, by: timedelta) -> None:
        async with self._pool.transaction(handle) as connection:
            moved = [
                structs.replace(rule, terms=terms)
                for rule in await self._rules.of(connection, handle)
                if (terms := terms_set_back(rule.terms, now, by)) != rule.terms
            ]
            if moved:
                await change_rules(connection)
            for rule in moved:
                await self._rules.keep(connection, rule)

    async def _set_chat_back(self, handle: bytes, now: datetime, by: timedelta) -> None:
        async with self._pool.transaction(handle) as connection:
            row = await connection.fetchrow("select * from chat where handle = $1", handle)
            chat = None if row is None else chat_set_back(self._veil.chat(row), now, by)
            for each in await connection.fetch(
                "select * from subscription where chat = $1 order by petition", handle
            ):
                follows = self._veil.subscription(each)
                terms = terms_set_back(follows.terms, now, by)
                if terms != follows.terms:
                    moved = structs.replace(follows, terms=terms)
                    await self._subscriptions.put(
                        connection, moved, chat.terms if chat else Preferences()
                    )
            if chat is not None:
                await self._put_chat(connection, chat)
            owed = await lock_deliveries(connection, handle)
            await self._deliveries.set_back(connection, chat, owed, now, by)

    def _named(self, key: str) -> tuple[bytes, bytes]:
        """The handle and the mark of the head that a delivery's key stands for."""
        named, _, chat_id = key.rpartition(":")
        return self._veil.handle(int(chat_id)), self._veil.head(named)

    # --- the whole store

    async def prune(self, now: datetime, rest_for: timedelta) -> Pruned:
        chats = await self._forget_rested(now - rest_for)
        async with self._pool.transaction(patient=True) as connection:
            await self._policies.wake(connection, now)
        async with self._pool.transaction(patient=True) as connection:
            await sweep_policies(connection)
        async with self._pool.transaction(patient=True) as connection:
            await sweep_news(connection)
        async with self._pool.transaction(patient=True) as connection:
            sites = await self._rules.sites(connection)
            return Pruned(
                readings=await thin_readings(connection, second_of(now)),
                chats=chats,
                petitions=await forget_lonely(connection, self._names, sites, now, rest_for),
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
            await _forget(connection, handle, self._veil.recent(chat_id))
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

    def pace(self, name: str, per_second: float) -> SharedSendRate:
        """A rate that all processes of this store share."""
        return SharedSendRate(self._pool, name, per_second)

    # --- the rest

    async def tally(self) -> Tally:
        async with self._pool.connected() as connection:
            row = await connection.fetchrow(
                "select (select count(*) from chat) as chats,"
                " (select count(*) from subscription) as subscriptions,"
                " (select count(*) from petition) as petitions,"
                " (select count(*) from delivery) as waiting,"
                " (select news from delivery order by number limit 1) as oldest_waiting,"
                " (select news from delivery d where not resting"
                " and (not timed or lane like '%:refused')"
                " and not exists (select from chat where handle = d.chat and returned)"
                " order by number limit 1) as oldest_due,"
                " (select count(*) from chat where probe_at is not null) as refusing"
            )
            counts = dict(row or {})
            oldest = {name: counts[name] for name in _OLDEST if counts[name] is not None}
            news = await news_behind(connection, self._veil, oldest.values())
            return Tally(**counts | {name: news[mark].created_at for name, mark in oldest.items()})

    async def note(self, name: str) -> str | None:
        async with self._pool.connected() as connection:
            found: str | None = await connection.fetchval(
                "select value from note where name = $1", name
            )
            return found

    async def save_note(self, name: str, value: str) -> None:
        async with self._pool.transaction() as connection:
            if not value:
                await connection.execute("delete from note where name = $1", name)
                return
            await connection.execute(
                "insert into note values ($1, $2)"
                " on conflict (name) do update set value = excluded.value",
                name,
                value,
            )


# --- steps of the use cases ----------------------------------------------------------------------


async def _forget(connection: Connection, handle: bytes, recent: bytes) -> None:
    await change_rules(connection, handle)
    await connection.execute("delete from rule where chat = $1", handle)
    await lock_subscriptions(connection, handle)
    await connection.execute("delete from subscription where chat = $1", handle)
    await lock_deliveries(connection, handle)
    await connection.execute("delete from delivery where chat = $1", handle)
    await connection.execute("delete from recent_alert where recent = $1", recent)
    await connection.execute("delete from chat where handle = $1", handle)


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
    """Keep it unless its key is kept already; whether it was new."""
    status = await connection.execute(
        "insert into occurrence values ($1, $2, $3) on conflict (key) do nothing",
        occurrence.key,
        str(occurrence.petition),
        encoded(occurrence).decode(),
    )
    return status.endswith(" 1")
