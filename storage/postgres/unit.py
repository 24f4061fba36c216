"""One use case's view of the store in PostgreSQL, on a connection of its own."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import structs

from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef
from bot.subscriptions.delivery import Delivery, chat_of
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription
from storage.postgres.bulk import copied, fill_all, is_filled
from storage.postgres.claims import replace_plans
from storage.postgres.delivery_queue import GIVE_BACK, LEASED, SETTLE
from storage.postgres.news import keep_news, news_behind
from storage.postgres.pool import Connection
from storage.postgres.preferences import StoredPreferences, effective_preferences
from storage.postgres.row_cipher import Address, RowCipher, address_of, news_of, shown_due
from storage.postgres.rules import Rules, change_rules
from storage.tables import Tables, second_of

R = TypeVar("R")

_KNOWN = msgspec.json.Decoder(PetitionHistory)
_OCCURRENCE = msgspec.json.Decoder(Occurrence)

_PUT_SUBSCRIPTION = """
insert into subscription (chat, petition, custom_milestones, policy, resting, sealed)
values ($1, $2, $3, $4, coalesce((select resting from chat where handle = $1), false), $5)
on conflict (chat, petition) do update set custom_milestones = excluded.custom_milestones,
    policy = excluded.policy, resting = excluded.resting, sealed = excluded.sealed
"""

# Changed, not made anew: a fan-out that waits for the row goes on with what became of it.
_MIGRATE_SUBSCRIPTION = """
update subscription set chat = $3, policy = $4, sealed = $5 where chat = $1 and petition = $2
"""

_PUT_CHAT = """
insert into chat (handle, resting, returned, probe_at, sealed) values ($1, $2, $3, $4, $5)
on conflict (handle) do update set resting = excluded.resting, returned = excluded.returned,
    probe_at = excluded.probe_at, sealed = excluded.sealed
"""

_REST = """
with resting as materialized (
    select petition from subscription where chat = $1 and resting <> $2 order by petition for update
)
update subscription set resting = $2 from resting
where chat = $1 and subscription.petition = resting.petition
"""

_RETUNE = """
update subscription set policy = heard.mark
from unnest($2::bytea[], $3::bytea[]) heard (petition, mark)
where chat = $1 and subscription.petition = heard.petition
"""

_LOCK_SUBSCRIPTIONS = """
select from subscription where chat = any($1) order by petition, number for update
"""

_LOCK_DELIVERIES = f"""
select d.*, {LEASED} as leased from delivery d where chat = $1 order by number for update
"""  # noqa: S608 - of constants alone

# Until when a delivery is leased that another has in hand: no clock of ours knows.
_IN_HAND = datetime.max.replace(tzinfo=UTC)

_RESEAL = """
update delivery set sealed = told.sealed
from unnest($1::bigint[], $2::bytea[]) told (number, sealed) where delivery.number = told.number
"""

_RENEW = """
update delivery set news = told.news
from unnest($1::bigint[], $2::bytea[]) told (number, news) where delivery.number = told.number
"""

_MIGRATE_DELIVERY = """
update delivery set chat = $2, sealed = $3, leased_until = null, lease_ends = null where number = $1
    and not exists (select from delivery where chat = $2 and head = $4)
"""

_DELETE_DELIVERIES = "delete from delivery where number = any($1)"

_WELCOME = """
update chat set returned = false where handle = any($1) and returned
    and not exists (select from delivery where delivery.chat = handle)
"""


class PostgresUnit:
    """The primitives of `storage.unit.Unit` in a transaction.

    It remembers what it has read and kept of the chats that the use case has to itself, so that it
    need not ask again.
    """

    def __init__(
        self,
        connection: Connection,
        cipher: RowCipher,
        stored: StoredPreferences,
        rules: Rules,
    ) -> None:
        self._connection = connection
        self._cipher = cipher
        self._stored = stored
        self._rules = rules
        self._preferences: dict[int, Preferences] = {}
        self._follows: dict[tuple[int, PetitionRef], Subscription] = {}
        self._owed: dict[int, Delivery] = {}
        self._has_rules = False

    async def compute(self, work: Callable[[], R]) -> R:
        return await asyncio.to_thread(work)

    # --- rules

    async def rules(self, chat_id: int) -> Sequence[Rule]:
        return await self._rules.of(self._connection, self._cipher.handle(chat_id))

    async def taken_numbers(self, chat_id: int) -> Collection[int]:
        handle = self._cipher.handle(chat_id)
        rules = await self._connection.fetch("select number from rule where chat = $1", handle)
        owed = await self._connection.fetch("select * from delivery where chat = $1", handle)
        return {row["number"] for row in rules} | {self._cipher.address(row).rule for row in owed}

    async def put_rule(self, rule: Rule) -> None:
        await self._have_rules()
        await self._rules.keep(self._connection, rule)

    async def delete_rule(self, rule: Rule) -> None:
        await self._have_rules()
        await self._rules.drop(self._connection, rule)

    async def _have_rules(self) -> None:
        """Takes the rules of all chats for this use case, from its first change of one on."""
        if not self._has_rules:
            await change_rules(self._connection)
            self._has_rules = True

    # --- subscriptions

    async def subscription(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        row = await self._connection.fetchrow(
            "select * from subscription where chat = $1 and petition = $2",
            self._cipher.handle(chat_id),
            self._cipher.petition(petition),
        )
        if row is None:
            return None
        return self._followed(self._cipher.subscription(row))

    async def subscriptions(self, chat_id: int) -> Sequence[Subscription]:
        handle = self._cipher.handle(chat_id)
        rows = await self._connection.fetch("select * from subscription where chat = $1", handle)
        follows = [self._followed(self._cipher.subscription(row)) for row in rows]
        return sorted(follows, key=lambda each: (each.created_at, each.petition), reverse=True)

    def _followed(self, follows: Subscription) -> Subscription:
        self._follows[follows.chat_id, follows.petition] = follows
        return follows

    async def add_subscription(self, subscription: Subscription) -> bool:
        if not await self._tune([subscription]):
            return False
        await self._write_subscription(subscription)
        await self._connection.execute(
            "update petition set unused_since = null where ref = $1 and unused_since is not null",
            str(subscription.petition),
        )
        return True

    async def put_subscriptions(self, subscriptions: Collection[Subscription]) -> None:
        in_order = sorted(subscriptions, key=lambda each: self._cipher.petition(each.petition))
        tuned = [each for each in in_order if not self._hears_as_before(each)]
        if tuned:
            await self._tune(tuned)
        for each in in_order:
            if each in tuned:
                await self._write_subscription(each)
            else:
                await self._connection.execute(
                    "update subscription set sealed = $3 where chat = $1 and petition = $2",
                    self._cipher.handle(each.chat_id),
                    self._cipher.petition(each.petition),
                    self._seal(each),
                )
            self._followed(each)

    def _hears_as_before(self, follows: Subscription) -> bool:
        was = self._follows.get((follows.chat_id, follows.petition))
        return was is not None and (was.muted, was.preferences) == (
            follows.muted,
            follows.preferences,
        )

    async def _tune(self, follows: Sequence[Subscription]) -> bool:
        """Keeps subscriptions' effective preferences; returns whether their petitions are known."""
        effective = [
            effective_preferences(each, await self._preferences_of(each.chat_id))
            for each in follows
        ]
        await self._stored.keep(self._connection, effective)
        # A poll of it is waited for, or finds what we put here and waits for us.
        names = {str(each.petition) for each in follows}
        found = await self._connection.fetch(
            "select from petition where ref = any($1) order by ref for share", list(names)
        )
        return len(found) == len(names)

    async def _write_subscription(self, follows: Subscription) -> None:
        await self._connection.execute(
            _PUT_SUBSCRIPTION,
            self._cipher.handle(follows.chat_id),
            self._cipher.petition(follows.petition),
            follows.preferences.milestones is not None,
            self._cipher.mark(
                effective_preferences(follows, await self._preferences_of(follows.chat_id))
            ),
            self._seal(follows),
        )

    async def delete_subscription(self, subscription: Subscription) -> None:
        await self._connection.execute(
            "delete from subscription where chat = $1 and petition = $2",
            self._cipher.handle(subscription.chat_id),
            self._cipher.petition(subscription.petition),
        )
        self._follows.pop((subscription.chat_id, subscription.petition), None)

    async def _retune(self, chat_id: int, preferences: Preferences) -> None:
        """Has all that a chat follows told by these preferences."""
        handle = self._cipher.handle(chat_id)
        follows = await self.subscriptions(chat_id)
        effective = [effective_preferences(each, preferences) for each in follows]
        await self._stored.keep(self._connection, effective)
        await self._connection.execute(_LOCK_SUBSCRIPTIONS, [handle])
        await self._connection.execute(
            _RETUNE,
            handle,
            [self._cipher.petition(each.petition) for each in follows],
            [self._cipher.mark(each) for each in effective],
        )

    def _seal(self, follows: Subscription) -> bytes:
        return self._cipher.seal_address(address_of(follows))

    # --- deliveries

    async def deliveries(
        self, chat_id: int, petition: PetitionRef | None = None
    ) -> Sequence[Delivery]:
        handle = self._cipher.handle(chat_id)
        rows = await self._connection.fetch(_LOCK_DELIVERIES, handle)
        if petition is not None:
            mark = self._cipher.petition(petition)
            rows = [row for row in rows if row["petition"] == mark]
        if not rows:
            return []
        marks = {row["news"] for row in rows}
        news = await news_behind(self._connection, self._cipher, marks)
        # A chat may be owed much.
        owed = await asyncio.to_thread(
            lambda: [
                structs.replace(
                    self._cipher.delivery(row, news[row["news"]]),
                    leased_until=_IN_HAND if row["leased"] else None,
                )
                for row in rows
            ]
        )
        self._owed |= {each.number: each for each in owed}
        return owed

    async def waiting(self, chat_id: int) -> int:
        found: int = await self._connection.fetchval(
            "select count(*) from delivery where chat = $1", self._cipher.handle(chat_id)
        )
        return found

    async def put_deliveries(self, deliveries: Collection[Delivery]) -> None:
        pairs = [(self._owed[each.number], each) for each in deliveries]
        plans = [each for was, each in pairs if _plan(was) != _plan(each)]
        moved = [each for was, each in pairs if was.thread_id != each.thread_id]
        told = [each for was, each in pairs if news_of(was) != news_of(each)]
        if plans:
            await replace_plans(self._connection, self._cipher, plans)
        if moved:
            sealed = [self._seal_address(each) for each in moved]
            await self._connection.execute(_RESEAL, [each.number for each in moved], sealed)
        if told:
            await keep_news(self._connection, self._cipher, map(news_of, told))
            marks = [self._cipher.news_mark(news_of(each)) for each in told]
            await self._connection.execute(_RENEW, [each.number for each in told], marks)

    def _seal_address(self, owed: Delivery) -> bytes:
        address = Address(owed.chat_id, owed.petition, owed.thread_id, owed.rule)
        return self._cipher.seal_address(address)

    async def delete_deliveries(self, deliveries: Collection[Delivery]) -> None:
        if deliveries:
            numbers = [each.number for each in deliveries]
            await self._connection.execute(_DELETE_DELIVERIES, numbers)

    async def give_back(
        self, key: str, not_before: datetime, queue: str | None, tries: int = 0
    ) -> None:
        handle, head = self._cipher.named(key)
        shown = None if queue is None else self._cipher.queue(queue)
        await self._connection.execute(GIVE_BACK, handle, head, not_before, shown, tries)

    async def settle(self, keys: Sequence[str], told_at: datetime | None) -> None:
        pairs = [self._cipher.named(key) for key in keys]
        at = None if told_at is None else second_of(told_at)
        recents = [self._cipher.recent(chat_of(key)) for key in keys]
        handles, heads = [handle for handle, _ in pairs], [head for _, head in pairs]
        await self._connection.execute(SETTLE, handles, heads, at, recents)

    # --- chats

    async def chat(self, chat_id: int) -> Chat | None:
        handle = self._cipher.handle(chat_id)
        row = await self._connection.fetchrow("select * from chat where handle = $1", handle)
        chat = None if row is None else self._cipher.chat(row)
        self._preferences[chat_id] = chat.preferences if chat is not None else Preferences()
        return chat

    async def _preferences_of(self, chat_id: int) -> Preferences:
        """Returns a chat's own preferences, or the usual ones for a stranger."""
        if chat_id not in self._preferences:
            await self.chat(chat_id)
        return self._preferences[chat_id]

    async def put_chat(self, chat: Chat) -> None:
        handle, resting = self._cipher.handle(chat.id), chat.is_shut
        if chat.preferences != await self._preferences_of(chat.id):
            await self._retune(chat.id, chat.preferences)
            self._preferences[chat.id] = chat.preferences
        await self._connection.execute(_REST, handle, resting)
        await self._connection.execute(_LOCK_DELIVERIES, handle)
        await self._connection.execute(
            _PUT_CHAT, handle, resting, chat.returned, chat.probe_at, self._cipher.seal_chat(chat)
        )
        await self._connection.execute(
            "update delivery set resting = $2 where chat = $1 and resting <> $2", handle, resting
        )

    async def clear_returned(self, chats: Collection[int]) -> None:
        handles = [self._cipher.handle(chat_id) for chat_id in chats]
        await self._connection.execute(_WELCOME, handles)

    async def erase_chat(self, chat_id: int) -> None:
        handle = self._cipher.handle(chat_id)
        if await self._connection.fetchval(
            "select exists (select from rule where chat = $1)", handle
        ):
            await self._have_rules()
            await self._connection.execute("delete from rule where chat = $1", handle)
        await self._connection.execute(_LOCK_SUBSCRIPTIONS, [handle])
        await self._connection.execute("delete from subscription where chat = $1", handle)
        await self._connection.execute(_LOCK_DELIVERIES, handle)
        await self._connection.execute("delete from delivery where chat = $1", handle)
        await self._connection.execute(
            "delete from recent_alert where recent = $1", self._cipher.recent(chat_id)
        )
        await self._connection.execute("delete from chat where handle = $1", handle)

    # --- a chat that has another id now

    async def lock_for_migration(self, old_id: int, new_id: int, preferences: Preferences) -> None:
        handles = [self._cipher.handle(old_id), self._cipher.handle(new_id)]
        carried = [
            effective_preferences(each, preferences) for each in await self.subscriptions(old_id)
        ]
        kept = [
            effective_preferences(each, preferences) for each in await self.subscriptions(new_id)
        ]
        await self._stored.keep(self._connection, carried + kept)
        if await self._connection.fetchval(
            "select exists (select from rule where chat = any($1))", handles
        ):
            await self._have_rules()
        await self._connection.execute(_LOCK_SUBSCRIPTIONS, handles)
        await self._retune(new_id, preferences)
        self._preferences[new_id] = preferences

    async def migrate_subscription(self, old: Subscription, moved: Subscription) -> None:
        # Not as any other is put: the petition is not to be waited for, since its poll may wait
        # for us.
        if (moved.chat_id, moved.petition) in self._follows:
            await self._write_subscription(moved)
            await self.delete_subscription(old)
            return
        await self._connection.execute(
            _MIGRATE_SUBSCRIPTION,
            self._cipher.handle(old.chat_id),
            self._cipher.petition(old.petition),
            self._cipher.handle(moved.chat_id),
            self._cipher.mark(
                effective_preferences(moved, await self._preferences_of(moved.chat_id))
            ),
            self._seal(moved),
        )

    async def migrate_deliveries(self, moved: Collection[tuple[Delivery, Delivery]]) -> None:
        for old, new in moved:
            await self._connection.execute(
                _MIGRATE_DELIVERY,
                old.number,
                self._cipher.handle(new.chat_id),
                self._seal_address(new),
                self._cipher.head(news_of(new).head),
            )
            handle = self._cipher.handle(old.chat_id)
            await self._connection.execute(
                "delete from delivery where number = $1 and chat = $2", old.number, handle
            )

    async def migrate_chat(self, old_id: int, new_id: int) -> None:
        await self._connection.execute(
            "update recent_alert set recent = $2 where recent = $1",
            self._cipher.recent(old_id),
            self._cipher.recent(new_id),
        )
        old = self._cipher.handle(old_id)
        await self._connection.execute("delete from chat where handle = $1", old)

    # --- petitions

    async def history(self, petition: PetitionRef) -> PetitionHistory | None:
        document = await self._connection.fetchval(
            "select known from petition where ref = $1", str(petition)
        )
        return None if document is None else _KNOWN.decode(document)

    async def histories(
        self, petitions: Collection[PetitionRef]
    ) -> Mapping[PetitionRef, PetitionHistory]:
        rows = await self._connection.fetch(
            "select known from petition where ref = any($1)", list(map(str, petitions))
        )
        # A body has hundreds of constituencies.
        found = await asyncio.to_thread(lambda: [_KNOWN.decode(row["known"]) for row in rows])
        return {each.petition.ref: each for each in found}

    async def occurrences(self, keys: Collection[str]) -> Mapping[str, Occurrence]:
        rows = await self._connection.fetch(
            "select key, document from occurrence where key = any($1)", list(keys)
        )
        return {row["key"]: _OCCURRENCE.decode(row["document"]) for row in rows}

    # --- the rest

    async def note(self, name: str) -> str | None:
        found: str | None = await self._connection.fetchval(
            "select value from note where name = $1", name
        )
        return found

    async def put_note(self, name: str, value: str) -> None:
        if not value:
            await self._connection.execute("delete from note where name = $1", name)
            return
        await self._connection.execute(
            "insert into note values ($1, $2)"
            " on conflict (name) do update set value = excluded.value",
            name,
            value,
        )

    async def has_content(self) -> bool:
        return await is_filled(self._connection)

    async def tables(self) -> Tables:
        return await copied(self._connection, self._cipher)

    async def fill(self, tables: Tables) -> None:
        await self._have_rules()
        await fill_all(self._connection, self._cipher, tables)


def _plan(owed: Delivery) -> tuple[object, ...]:
    """Returns what `replace_plans` would write of a delivery, whose lease nothing here changes."""
    return owed.queue, shown_due(owed.not_before, owed.created_at), owed.silent
