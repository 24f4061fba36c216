"""Carries out each use case, once for every store, over the primitives of a `Unit`.

A store is a `UseCases` that says how a unit is begun and ended. It adds what it does in a way of
its own: polls and their fan-out, claims, whatever it looks up over all chats, and pruning. What a
use case promises stands in `storage.Storage`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from msgspec import structs

from bot.errors import StorageError
from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef
from bot.subscriptions.chat_migration import merged, moved_key, moved_rules, moved_subscription
from bot.subscriptions.delivery import Delivery, chat_of, is_free
from bot.subscriptions.matching import Source, follower, released_queue, replanned
from bot.subscriptions.rules import next_number
from bot.subscriptions.set_back import chat_set_back, delivery_set_back, preferences_set_back
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription
from storage import ChatData
from storage.export import exported, imported
from storage.unit import Unit

R = TypeVar("R")
T = TypeVar("T", Rule, Subscription, Delivery)


class UseCases(ABC):
    """The use cases that are the same in every store."""

    @abstractmethod
    async def _change(
        self,
        work: Callable[[Unit], Coroutine[Any, Any, R]],
        *chats: int,
        patient: bool = False,
    ) -> R:
        """Does one use case that has these chats to itself: durable when it returns, or undone.

        One of the whole store may take its time (`patient`).
        """

    @abstractmethod
    async def _read(
        self,
        work: Callable[[Unit], Coroutine[Any, Any, R]],
        *,
        at_once: bool = False,
        patient: bool = False,
    ) -> R:
        """Does a use case that changes nothing; with `at_once`, all it reads is of one moment."""

    @abstractmethod
    async def _sweep(self) -> None:
        """Erases what the store still holds of chats that were forgotten."""

    # --- chats

    async def chat(self, chat_id: int) -> Chat | None:
        return await self._read(lambda unit: unit.chat(chat_id))

    async def save_chat(self, chat: Chat) -> None:
        await self._change(lambda unit: unit.put_chat(chat), chat.id)

    async def rest_chat(self, chat_id: int, reason: str, now: datetime) -> None:
        async def work(unit: Unit) -> None:
            chat = await unit.chat(chat_id)
            if chat is not None:
                await unit.put_chat(chat.resting_for(reason, now))

        await self._change(work, chat_id)

    async def refuse_chat(
        self, chat_id: int, reason: str, refusals: int, now: datetime, probe_at: datetime
    ) -> bool:
        async def work(unit: Unit) -> bool:
            chat = await unit.chat(chat_id)
            if chat is None or refusals != chat.refusals + 1:
                return False
            await unit.put_chat(chat.refusing(reason, refusals, now, aware(probe_at)))
            return True

        return await self._change(work, chat_id)

    async def end_refusals(self, chat_id: int) -> bool:
        async def work(unit: Unit) -> bool:
            chat = await unit.chat(chat_id)
            if chat is None or chat.probe_at is None:
                return False
            await unit.put_chat(chat.open())
            return True

        return await self._change(work, chat_id)

    async def wake_chat(self, chat_id: int, now: datetime) -> bool:
        async def work(unit: Unit) -> bool:
            chat = await unit.chat(chat_id)
            if chat is None or not chat.is_shut:
                return False
            await unit.put_chat(chat.open())
            # Asked last: a poll that was waited for may have added to what waits.
            returned = await unit.waiting(chat_id) > 0 if chat.resting else chat.returned
            if returned != chat.returned:
                await unit.put_chat(structs.replace(chat.open(), returned=returned))
            return True

        return await self._change(work, chat_id)

    async def migrate_chat(self, old_id: int, new_id: int) -> None:
        async def work(unit: Unit) -> None:
            old, new = await unit.chat(old_id), await unit.chat(new_id)
            chat = new if old is None else merged(old, new, new_id)
            await unit.lock_for_migration(
                old_id, new_id, chat.preferences if chat else Preferences()
            )
            numbers = await _move_rules(unit, old_id, new_id)
            await _move_subscriptions(unit, old_id, new_id)
            await _move_deliveries(unit, old_id, new_id, numbers)
            await unit.migrate_chat(old_id, new_id)
            if chat is not None:
                await unit.put_chat(chat)

        if old_id != new_id:
            await self._change(work, old_id, new_id)

    async def chat_data(self, chat_id: int) -> ChatData | None:
        async def work(unit: Unit) -> ChatData | None:
            chat = await unit.chat(chat_id)
            if chat is None:
                return None
            follows = tuple(await unit.subscriptions(chat_id))
            waiting = await unit.waiting(chat_id)
            return ChatData(chat, follows, waiting, tuple(await unit.rules(chat_id)))

        return await self._read(work, at_once=True)

    async def forget_chat(self, chat_id: int) -> None:
        await self._change(lambda unit: unit.erase_chat(chat_id), chat_id)
        await self._sweep()

    async def set_preferences(
        self, chat_id: int, preferences: Preferences, now: datetime
    ) -> Chat | None:
        async def work(unit: Unit) -> Chat | None:
            chat = await unit.chat(chat_id)
            if chat is None:
                return None
            changed = structs.replace(chat, preferences=preferences)
            await unit.put_chat(changed)
            await _replan(unit, changed, await unit.deliveries(chat_id), now)
            return changed

        aware(now)
        return await self._change(work, chat_id)

    async def release(
        self, chat_id: int, queue: str, now: datetime, petition: PetitionRef | None = None
    ) -> int:
        async def work(unit: Unit) -> int:
            own_queue = released_queue(queue, petition)
            released = [
                structs.replace(each, not_before=now, queue=own_queue)
                for each in await unit.deliveries(chat_id, petition)
                if each.queue == queue and is_free(each, now)
            ]
            await unit.put_deliveries(released)
            return len(released)

        aware(now)
        return await self._change(work, chat_id)

    # --- subscriptions

    async def subscribe(self, subscription: Subscription) -> tuple[Subscription, bool]:
        chat_id, petition = subscription.chat_id, subscription.petition

        async def work(unit: Unit) -> tuple[Subscription, bool]:
            existing = await unit.subscription(chat_id, petition)
            if existing is not None:
                return existing, False
            if not await unit.add_subscription(subscription):
                raise StorageError(f"{petition} is not known, so nobody can follow it")
            return subscription, True

        return await self._change(work, chat_id)

    async def unsubscribe(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        async def work(unit: Unit) -> Subscription | None:
            existing = await unit.subscription(chat_id, petition)
            if existing is not None:
                await unit.delete_subscription(existing)
            await unit.delete_deliveries(await unit.deliveries(chat_id, petition))
            await unit.clear_returned([chat_id])
            return existing

        return await self._change(work, chat_id)

    async def subscription(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        return await self._read(lambda unit: unit.subscription(chat_id, petition))

    async def subscriptions(self, chat_id: int) -> Sequence[Subscription]:
        return await self._read(lambda unit: unit.subscriptions(chat_id))

    async def mute(
        self, chat_id: int, petition: PetitionRef, muted: bool, now: datetime
    ) -> Subscription | None:
        return await self._change_subscription(chat_id, petition, now, muted=muted)

    async def set_subscription_preferences(
        self, chat_id: int, petition: PetitionRef, preferences: Preferences, now: datetime
    ) -> Subscription | None:
        return await self._change_subscription(chat_id, petition, now, preferences=preferences)

    async def _change_subscription(
        self, chat_id: int, petition: PetitionRef, now: datetime, **changes: Any
    ) -> Subscription | None:
        """Changes how a chat is told of a petition, in what it is owed already as well."""

        async def work(unit: Unit) -> Subscription | None:
            existing = await unit.subscription(chat_id, petition)
            if existing is None:
                return None
            changed = structs.replace(existing, **changes)
            chat = await unit.chat(chat_id) or Chat(chat_id)
            await unit.put_subscriptions([changed])
            await _replan(unit, chat, await unit.deliveries(chat_id, petition), now)
            return changed

        aware(now)
        return await self._change(work, chat_id)

    async def keep_card(self, chat_id: int, petition: PetitionRef, card_id: int | None) -> None:
        async def work(unit: Unit) -> None:
            existing = await unit.subscription(chat_id, petition)
            if existing is not None:
                await unit.put_subscriptions([structs.replace(existing, card_id=card_id)])

        await self._change(work, chat_id)

    async def set_thread(
        self, chat_id: int, petition: PetitionRef, thread_id: int | None
    ) -> Subscription | None:
        async def work(unit: Unit) -> Subscription | None:
            existing = await unit.subscription(chat_id, petition)
            if existing is None:
                return None
            card_id = existing.card_id if existing.thread_id == thread_id else None
            moved = structs.replace(existing, thread_id=thread_id, card_id=card_id)
            await unit.put_subscriptions([moved])
            owed = await unit.deliveries(chat_id, petition)
            await unit.put_deliveries([structs.replace(o, thread_id=thread_id) for o in owed])
            return moved

        return await self._change(work, chat_id)

    async def clear_thread(self, chat_id: int, thread_id: int) -> None:
        def in_chat(spoken: Iterable[T]) -> list[T]:
            """Returns those of the records that name the topic, changed to name the chat itself."""
            return [structs.replace(e, thread_id=None) for e in spoken if e.thread_id == thread_id]

        async def work(unit: Unit) -> None:
            for rule in in_chat(await unit.rules(chat_id)):
                await unit.put_rule(rule)
            await unit.put_subscriptions(in_chat(await unit.subscriptions(chat_id)))
            await unit.put_deliveries(in_chat(await unit.deliveries(chat_id)))

        await self._change(work, chat_id)

    # --- rules

    async def save_rule(self, rule: Rule, now: datetime) -> Rule:
        chat_id = rule.chat_id

        async def work(unit: Unit) -> Rule:
            if not rule.number:
                number = next_number(await unit.taken_numbers(chat_id))
                new = structs.replace(rule, number=number)
                await unit.put_rule(new)
                return new
            await unit.put_rule(rule)
            owed = [each for each in await unit.deliveries(chat_id) if each.rule == rule.number]
            await _replan(unit, await unit.chat(chat_id) or Chat(chat_id), owed, now)
            return rule

        aware(now)
        return await self._change(work, chat_id)

    async def rules(self, chat_id: int) -> Sequence[Rule]:
        return await self._read(lambda unit: unit.rules(chat_id))

    async def drop_rule(self, chat_id: int, number: int) -> Rule | None:
        async def work(unit: Unit) -> Rule | None:
            for rule in await unit.rules(chat_id):
                if rule.number == number:
                    await unit.delete_rule(rule)
                    return rule
            return None

        return await self._change(work, chat_id)

    # --- petitions and deliveries

    async def history(self, petition: PetitionRef) -> PetitionHistory | None:
        return await self._read(lambda unit: unit.history(petition))

    async def defer(self, key: str, queue: str, until: datetime) -> None:
        await self._change(lambda unit: unit.give_back(key, aware(until), queue))

    async def settle(self, *keys: str, told_at: datetime | None = None) -> None:
        async def work(unit: Unit) -> None:
            await unit.settle(keys, told_at)
            await unit.clear_returned({chat_of(key) for key in keys})

        if told_at is not None:
            aware(told_at)
        await self._change(work)

    async def retry(self, key: str, not_before: datetime, queue: str | None = None) -> None:
        await self._change(lambda unit: unit.give_back(key, aware(not_before), queue, tries=1))

    # --- the whole store

    async def export(self) -> dict[str, Any]:
        tables = await self._read(lambda unit: unit.tables(), at_once=True, patient=True)
        return await asyncio.to_thread(exported, tables)

    async def import_(self, document: Mapping[str, Any]) -> None:
        tables = await asyncio.to_thread(imported, document)

        async def work(unit: Unit) -> None:
            if await unit.has_content():
                raise StorageError("the store isn't empty, so nothing was imported")
            await unit.fill(tables)

        await self._change(work, patient=True)

    async def note(self, name: str) -> str | None:
        return await self._read(lambda unit: unit.note(name))

    async def save_note(self, name: str, value: str) -> None:
        await self._change(lambda unit: unit.put_note(name, value))


# --- steps of use cases that each store takes at its own pace -------------------------------------


async def forget_if_rested(unit: Unit, chat_id: int, since: datetime) -> bool:
    """Forgets a chat that has rested since `since` or longer; returns whether it had."""
    chat = await unit.chat(chat_id)
    if chat is None or not chat.has_rested(since):
        return False
    await unit.erase_chat(chat_id)
    return True


async def set_rules_back(unit: Unit, chat_id: int, now: datetime, by: timedelta) -> None:
    """Has a chat's rules snooze as long as was meant, after a clock that was ahead."""
    for rule in await unit.rules(chat_id):
        preferences = preferences_set_back(rule.preferences, now, by)
        if preferences != rule.preferences:
            await unit.put_rule(structs.replace(rule, preferences=preferences))


async def set_chat_back(unit: Unit, chat_id: int, now: datetime, by: timedelta) -> None:
    """Has a chat's snoozes, tries and alerts come when they should; after `set_rules_back`."""
    chat = await unit.chat(chat_id)
    right = chat_set_back(chat, now, by) if chat is not None else Chat(chat_id)
    follows = [
        structs.replace(each, preferences=preferences)
        for each in await unit.subscriptions(chat_id)
        if (preferences := preferences_set_back(each.preferences, now, by)) != each.preferences
    ]
    await unit.put_subscriptions(follows)
    if chat is not None and right != chat:
        await unit.put_chat(right)
    owed = await unit.deliveries(chat_id)
    found = await _with_sources(unit, right, owed) if owed else []

    def moved() -> list[Delivery]:
        return [delivery_set_back(*told, now=now, by=by) for told in found]

    await unit.put_deliveries(await unit.compute(moved))


def aware(when: datetime) -> datetime:
    """Returns the same time, which must have a zone: without, it has no place among others."""
    if when.tzinfo is None:
        raise ValueError(f"a time without a zone: {when}")
    return when


# --- how a chat hears, in what it is owed already ------------------------------------------------


class _Owed(NamedTuple):
    """A delivery, its occurrences and petition, and the sources by which its chat is told of it."""

    delivery: Delivery
    occurrences: Sequence[Occurrence]
    petition: Petition
    sources: Sequence[Source]


async def _replan(unit: Unit, chat: Chat, owed: Sequence[Delivery], now: datetime) -> None:
    """Has deliveries of a chat told as its preferences, subscriptions and rules now say."""
    if not owed:
        return
    found = await _with_sources(unit, chat, owed)

    def planned() -> list[Delivery]:
        return [replanned(*told, now) for told in found]

    await unit.put_deliveries(await unit.compute(planned))


async def _with_sources(unit: Unit, chat: Chat, owed: Sequence[Delivery]) -> list[_Owed]:
    """Returns deliveries of a chat with what they tell, those of unknown petitions left out."""
    follows = {each.petition: each for each in await unit.subscriptions(chat.id)}
    rules = {each.number: each for each in await unit.rules(chat.id)}
    known = await unit.histories({each.petition for each in owed})
    happened = await unit.occurrences({key for each in owed for key in each.occurrences})
    return [
        _Owed(
            each,
            [happened[key] for key in each.occurrences if key in happened],
            known[each.petition].petition,
            follower(
                follows.get(each.petition),
                [rules[each.rule]] if each.rule in rules else [],
                chat.preferences,
                chat.id,
            ).sources,
        )
        for each in owed
        if each.petition in known
    ]


# --- a chat that has another id now --------------------------------------------------------------


async def _move_rules(unit: Unit, old_id: int, new_id: int) -> Mapping[int, int]:
    """Carries rules over, equal ones once; returns their new numbers by their old ones."""
    olds = await unit.rules(old_id)
    moved = moved_rules(olds, await unit.rules(new_id), new_id)
    for old in olds:
        await unit.delete_rule(old)
    for rule in moved.values():
        await unit.put_rule(rule)
    return {number: rule.number for number, rule in moved.items()}


async def _move_subscriptions(unit: Unit, old_id: int, new_id: int) -> None:
    there = {each.petition: each for each in await unit.subscriptions(new_id)}
    for old in await unit.subscriptions(old_id):
        moved = moved_subscription(old, there.get(old.petition), new_id)
        await unit.migrate_subscription(old, moved)


async def _move_deliveries(
    unit: Unit, old_id: int, new_id: int, numbers: Mapping[int, int]
) -> None:
    """Carries over what is owed, and ends its leases: nothing can be sent to the old id."""
    owed = await unit.deliveries(old_id)
    moved = [
        structs.replace(
            old,
            key=moved_key(old, new_id),
            chat_id=new_id,
            rule=numbers.get(old.rule, old.rule),
            leased_until=None,
        )
        for old in owed
    ]
    await unit.migrate_deliveries(list(zip(owed, moved, strict=True)))
