"""Holds one use case's view of the embedded store: nothing in it waits, so it runs in one go."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from msgspec import structs

from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription
from storage.tables import (
    CHATS,
    DELIVERIES,
    NOTES,
    OCCURRENCES,
    PETITIONS,
    RECENT,
    RULES,
    SUBSCRIPTIONS,
    TABLE_SPECS,
    UNUSED,
    Note,
    RecentAlerts,
    Tables,
    followed_as,
    ruled_as,
)
from storage.tinydb.database import Database, Transaction, request_erasure
from storage.tinydb.index import Index
from storage.tinydb.recent_alerts import note_told

R = TypeVar("R")


class TinyUnit:
    """The primitives of `storage.unit.Unit` in a transaction.

    The index follows a transaction when it is done. Until then what is listed of a chat is what
    was there before, as it has become since; what is new is not among it.
    """

    def __init__(self, transaction: Transaction, database: Database, index: Index) -> None:
        self._transaction = transaction
        self._database = database
        self._index = index

    async def compute(self, work: Callable[[], R]) -> R:
        return work()

    # --- rules

    async def rules(self, chat_id: int) -> Sequence[Rule]:
        numbers = sorted(self._index.numbers.get(chat_id, ()))
        found = [self._transaction.get(RULES, ruled_as(chat_id, number)) for number in numbers]
        return [rule for rule in found if rule is not None]

    async def taken_numbers(self, chat_id: int) -> Collection[int]:
        owed = await self.deliveries(chat_id)
        return self._index.numbers.get(chat_id, set()) | {each.rule for each in owed}

    async def put_rule(self, rule: Rule) -> None:
        self._transaction.keep(rule)

    async def delete_rule(self, rule: Rule) -> None:
        self._transaction.remove(RULES, ruled_as(rule.chat_id, rule.number))
        request_erasure(self._transaction)

    # --- subscriptions

    async def subscription(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        return self._transaction.get(SUBSCRIPTIONS, followed_as(chat_id, petition))

    async def subscriptions(self, chat_id: int) -> Sequence[Subscription]:
        follows = self._index.follows.get(chat_id, ())
        found = [self._transaction.get(SUBSCRIPTIONS, followed_as(chat_id, p)) for p in follows]
        present = [subscription for subscription in found if subscription is not None]
        return sorted(present, key=lambda each: (each.created_at, each.petition), reverse=True)

    async def add_subscription(self, subscription: Subscription) -> bool:
        name = str(subscription.petition)
        if not self._transaction.has(PETITIONS, name):
            return False
        self._transaction.keep(subscription)
        self._transaction.remove(UNUSED, name)
        return True

    async def put_subscriptions(self, subscriptions: Collection[Subscription]) -> None:
        for each in subscriptions:
            self._transaction.keep(each)

    async def delete_subscription(self, subscription: Subscription) -> None:
        doc_id = followed_as(subscription.chat_id, subscription.petition)
        self._transaction.remove(SUBSCRIPTIONS, doc_id)
        request_erasure(self._transaction)

    # --- deliveries

    async def deliveries(
        self, chat_id: int, petition: PetitionRef | None = None
    ) -> Sequence[Delivery]:
        keys = self._index.deliveries.keys(chat_id)
        found = [self._transaction.get(DELIVERIES, key) for key in keys]
        return [each for each in found if each and petition in {None, each.petition}]

    async def waiting(self, chat_id: int) -> int:
        return len(self._index.deliveries.keys(chat_id))

    async def put_deliveries(self, deliveries: Collection[Delivery]) -> None:
        for each in deliveries:
            self._transaction.keep(each)

    async def delete_deliveries(self, deliveries: Collection[Delivery]) -> None:
        for each in deliveries:
            self._transaction.remove(DELIVERIES, each.key)

    async def give_back(
        self, key: str, not_before: datetime, queue: str | None, tries: int = 0
    ) -> None:
        delivery = self._transaction.get(DELIVERIES, key)
        if delivery is not None:
            self._transaction.keep(
                structs.replace(
                    delivery,
                    queue=delivery.queue if queue is None else queue,
                    not_before=not_before,
                    attempts=delivery.attempts + tries,
                    leased_until=None,
                )
            )

    async def settle(self, keys: Sequence[str], told_at: datetime | None) -> None:
        found = [self._transaction.get(DELIVERIES, key) for key in keys]
        for key in keys:
            self._transaction.remove(DELIVERIES, key)
        if told_at is not None:
            at_once = {each.chat_id for each in found if each is not None and not each.queue}
            note_told(self._transaction, at_once, told_at)

    # --- chats

    async def chat(self, chat_id: int) -> Chat | None:
        return self._transaction.get(CHATS, str(chat_id))

    async def put_chat(self, chat: Chat) -> None:
        self._transaction.keep(chat)

    async def clear_returned(self, chats: Collection[int]) -> None:
        for chat_id in chats:
            chat = self._transaction.get(CHATS, str(chat_id))
            if chat is not None and chat.returned and not await self._is_owed(chat_id):
                self._transaction.keep(structs.replace(chat, returned=False))

    async def _is_owed(self, chat_id: int) -> bool:
        keys = self._index.deliveries.keys(chat_id)
        return any(self._transaction.has(DELIVERIES, key) for key in keys)

    async def erase_chat(self, chat_id: int) -> None:
        self._transaction.remove(CHATS, str(chat_id))
        self._transaction.remove(RECENT, str(chat_id))
        for petition in self._index.follows.get(chat_id, ()):
            self._transaction.remove(SUBSCRIPTIONS, followed_as(chat_id, petition))
        for number in self._index.numbers.get(chat_id, ()):
            self._transaction.remove(RULES, ruled_as(chat_id, number))
        for key in self._index.deliveries.keys(chat_id):
            self._transaction.remove(DELIVERIES, key)
        if self._transaction.changes:
            request_erasure(self._transaction)

    # --- a chat that has another id now

    async def lock_for_migration(self, old_id: int, new_id: int, preferences: Preferences) -> None:
        """Does nothing: nobody else is at work here."""

    async def migrate_subscription(self, old: Subscription, moved: Subscription) -> None:
        self._transaction.remove(SUBSCRIPTIONS, followed_as(old.chat_id, old.petition))
        self._transaction.keep(moved)

    async def migrate_deliveries(self, moved: Collection[tuple[Delivery, Delivery]]) -> None:
        for old, new in moved:
            self._transaction.remove(DELIVERIES, old.key)
            if not self._transaction.has(DELIVERIES, new.key):
                self._transaction.keep(new)

    async def migrate_chat(self, old_id: int, new_id: int) -> None:
        self._transaction.remove(CHATS, str(old_id))
        told, there = (self._transaction.get(RECENT, str(each)) for each in (old_id, new_id))
        if told is not None:
            self._transaction.remove(RECENT, str(old_id))
            both = sorted([*told.at, *(there.at if there else ())])
            self._transaction.put(RECENT, str(new_id), RecentAlerts(both))

    # --- petitions

    async def history(self, petition: PetitionRef) -> PetitionHistory | None:
        return self._transaction.get(PETITIONS, str(petition))

    async def histories(
        self, petitions: Collection[PetitionRef]
    ) -> Mapping[PetitionRef, PetitionHistory]:
        found = {each: self._transaction.get(PETITIONS, str(each)) for each in petitions}
        return {petition: known for petition, known in found.items() if known is not None}

    async def occurrences(self, keys: Collection[str]) -> Mapping[str, Occurrence]:
        found = {key: self._transaction.get(OCCURRENCES, key) for key in keys}
        return {key: occurrence for key, occurrence in found.items() if occurrence is not None}

    # --- the rest

    async def note(self, name: str) -> str | None:
        note = self._transaction.get(NOTES, name)
        return note.value if note is not None else None

    async def put_note(self, name: str, value: str) -> None:
        if value:
            self._transaction.put(NOTES, name, Note(value))
        else:
            self._transaction.remove(NOTES, name)

    async def has_content(self) -> bool:
        live = self._database.live
        return bool(live(CHATS) or live(SUBSCRIPTIONS) or live(RULES) or live(PETITIONS))

    async def tables(self) -> Tables:
        return self._database.copied()

    async def fill(self, tables: Tables) -> None:
        for name in self._database.live(NOTES):
            self._transaction.remove(NOTES, name)
        for name, documents in tables.items():
            self._transaction.table(TABLE_SPECS[name]).put(documents)


def in_one_go(work: Coroutine[Any, Any, R]) -> R:
    """Returns what a use case over a `TinyUnit` returns, without an event loop."""
    try:
        work.send(None)
    except StopIteration as end:
        result: R = end.value
        return result
    work.close()
    raise RuntimeError("a use case waited for something, though its store never does")
