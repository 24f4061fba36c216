"""What the bot remembers, in TinyDB: every use case one transaction, every file sealed."""

import asyncio
import gc
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, structs

from bot.errors import StorageError
from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef, Reading
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.delivery_order import FLOOD
from bot.subscriptions.matching import is_free, released_lane
from bot.subscriptions.rules import next_number
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription
from storage import ChatData, ClaimedDelivery, Pruned, Tally
from storage.claiming import turns
from storage.disk import Disk
from storage.export import exported, imported
from storage.integrity import checked
from storage.key_file import KeyRing, new_key, spelled
from storage.set_back import set_chat_back, set_readings_back
from storage.tables import (
    CHATS,
    DELIVERIES,
    ERASE,
    LONELY,
    NOTES,
    OCCURRENCES,
    PETITIONS,
    READINGS,
    RULES,
    SUBSCRIPTIONS,
    Day,
    Note,
    Shelf,
    Tables,
    day_id,
    followed_as,
    ruled_as,
    second_of,
)
from storage.tinydb.chat_migration import move_chat, move_deliveries, move_rules, move_subscription
from storage.tinydb.commits import Commits
from storage.tinydb.database import Database, Transaction, wish_to_erase
from storage.tinydb.fan_out import FanOut
from storage.tinydb.files import StoreFiles
from storage.tinydb.index import Index
from storage.tinydb.read_only import ReadOnlyFiles, is_there
from storage.tinydb.recent_alerts import drop_past, note_told, told_lately
from storage.tinydb.replan import replan
from storage.tinydb.retention import Pruning, forget

_MANY_DOCUMENTS = 20_000
_SET_BACK_AT_ONCE = 50  # chats or petitions in one transaction

S = TypeVar("S", bound=Struct)
R = TypeVar("R")


# --- opening -------------------------------------------------------------------------------------


async def open_tiny(
    path: Path, key_file: Path | None, *, key: str | None = None, disk: Disk | None = None
) -> "TinyStorage":
    """Open the store at a path, made with its folders and its key if there is none.

    `key` (base64) goes before the key file. StorageError for a store that is in use, unreadable,
    damaged, sealed with another key or not ours; it stays as it is.
    """
    vault = StoreFiles(path, KeyRing(key_file, key), disk or Disk())
    storage = TinyStorage(vault, *await asyncio.to_thread(_load, vault))
    storage.finish_erasing()
    return storage


async def read_tiny(
    path: Path, key_file: Path | None, *, key: str | None = None
) -> "TinyStorage | None":
    """The store as it is now, to be read alone, beside whoever has it open; None if there is none.

    StorageError as `open_tiny` raises it, but for a store that is in use.
    """
    if not is_there(path):
        return None
    files = ReadOnlyFiles(path, KeyRing(key_file, key))
    return TinyStorage(files, *await asyncio.to_thread(_load, files))


async def rekey_tiny(
    path: Path,
    key_file: Path | None,
    *,
    key: str | None = None,
    tell: Callable[[str], None] = lambda key: None,
    disk: Disk | None = None,
) -> None:
    """Seal a store nobody has open with a new key, which takes the place of the old in its file.

    Where the key is given instead of read from a file, the new one is told before it is used.
    """
    new = new_key()
    vault = StoreFiles(path, KeyRing(key_file, key), disk or Disk())
    if key is not None:
        tell(spelled(new))
    await asyncio.to_thread(vault.rekey, new)


async def restore_tiny(
    path: Path, key_file: Path | None, *, key: str | None = None, disk: Disk | None = None
) -> bool:
    """Make a damaged store whole from all that can be read of it; whether nothing is lost."""
    vault = StoreFiles(path, KeyRing(key_file, key), disk or Disk())
    return await asyncio.to_thread(vault.restore)


def _load(vault: StoreFiles) -> tuple[Database, Index]:
    tables = vault.load()
    _end_leases(tables)
    try:
        index = Index()
        index.apply(checked(vault.path, tables))
    except BaseException:
        vault.release()
        raise
    if sum(map(len, tables.values())) > _MANY_DOCUMENTS:
        # A collection that walked through them all would hold up everybody each time.
        gc.freeze()
    return Database(tables), index


def _end_leases(tables: Tables) -> None:
    """Nobody but this process opens the store, so whoever leased a delivery is dead."""
    for delivery in tables.get(DELIVERIES.name, {}).values():
        delivery.pop("leased_until", None)


# --- the use cases -------------------------------------------------------------------------------


class TinyStorage:
    """The storage contract on TinyDB; made by `open_tiny`."""

    def __init__(self, vault: StoreFiles, database: Database, index: Index) -> None:
        self._index = index
        self._commits = Commits(database, index, vault)
        self.database = database

    async def close(self) -> None:
        await self._commits.close()

    def finish_erasing(self) -> None:
        """Erase soon what was taken out, if files still hold it."""
        if self.database.get(NOTES, ERASE) is not None:
            self._commits.erase_traces()

    async def _change(self, work: Callable[[Transaction], R]) -> R:
        return await self._commits.do(work)

    async def _get(self, shelf: Shelf[S], doc_id: str) -> S | None:
        await self._commits.calm()
        return self.database.get(shelf, doc_id)

    # --- chats

    async def chat(self, chat_id: int) -> Chat | None:
        return await self._get(CHATS, str(chat_id))

    async def save_chat(self, chat: Chat) -> None:
        await self._change(lambda transaction: transaction.keep(chat))

    async def rest_chat(self, chat_id: int, reason: str, now: datetime) -> None:
        def work(transaction: Transaction) -> None:
            chat = transaction.get(CHATS, str(chat_id))
            if chat is not None:
                transaction.keep(chat.resting_for(reason, now))

        await self._change(work)

    async def refuse_chat(
        self, chat_id: int, reason: str, refusals: int, now: datetime, probe_at: datetime
    ) -> bool:
        def work(transaction: Transaction) -> bool:
            chat = transaction.get(CHATS, str(chat_id))
            if chat is None or refusals != chat.refusals + 1:
                return False
            transaction.keep(chat.refusing(reason, refusals, now, _aware(probe_at)))
            return True

        return await self._change(work)

    async def hear_chat(self, chat_id: int) -> bool:
        def work(transaction: Transaction) -> bool:
            chat = transaction.get(CHATS, str(chat_id))
            if chat is None or chat.probe_at is None:
                return False
            transaction.keep(chat.open())
            return True

        return await self._change(work)

    async def wake_chat(self, chat_id: int, now: datetime) -> bool:
        def work(transaction: Transaction) -> bool:
            chat = transaction.get(CHATS, str(chat_id))
            if chat is None or not chat.is_shut:
                return False
            waits = bool(self._index.agenda.keys(chat_id))
            returned = waits if chat.resting else chat.returned
            transaction.keep(structs.replace(chat.open(), returned=returned))
            return True

        return await self._change(work)

    async def move_chat(self, old_id: int, new_id: int) -> None:
        def work(transaction: Transaction) -> None:
            if old_id != new_id:
                move_chat(transaction, old_id, new_id)
                for subscription in self._subscriptions(old_id):
                    move_subscription(transaction, subscription, new_id)
                olds, news = self._rules(old_id), self._rules(new_id)
                numbers = move_rules(transaction, olds, news, new_id)
                owed = self._index.agenda.keys(old_id)
                move_deliveries(transaction, owed, new_id, numbers)

        await self._change(work)

    async def chat_data(self, chat_id: int) -> ChatData | None:
        chat = await self._get(CHATS, str(chat_id))
        if chat is None:
            return None
        waiting = len(self._index.agenda.keys(chat_id))
        follows, rules = tuple(self._subscriptions(chat_id)), tuple(self._rules(chat_id))
        return ChatData(chat, follows, waiting, rules)

    async def forget_chat(self, chat_id: int) -> None:
        await self._change(lambda transaction: forget(transaction, self._index, chat_id))
        self._commits.erase_traces()

    async def set_terms(self, chat_id: int, terms: Preferences, now: datetime) -> Chat | None:
        def work(transaction: Transaction) -> Chat | None:
            chat = transaction.get(CHATS, str(chat_id))
            if chat is None:
                return None
            changed = structs.replace(chat, terms=terms)
            transaction.keep(changed)
            replan(transaction, chat_id, self._owed(transaction, chat_id), _aware(now))
            return changed

        return await self._change(work)

    async def release(
        self, chat_id: int, lane: str, now: datetime, petition: PetitionRef | None = None
    ) -> int:
        def work(transaction: Transaction) -> int:
            found = [
                _kept(transaction, DELIVERIES, key)
                for key in self._index.agenda.lane(chat_id, lane)
            ]
            waiting = [
                each
                for each in found
                if is_free(each, _aware(now)) and petition in {None, each.petition}
            ]
            own_lane = released_lane(lane, petition)
            for each in waiting:
                transaction.keep(structs.replace(each, not_before=now, lane=own_lane))
            return len(waiting)

        return await self._change(work)

    # --- subscriptions

    async def subscribe(self, subscription: Subscription) -> tuple[Subscription, bool]:
        def work(transaction: Transaction) -> tuple[Subscription, bool]:
            chat_id, petition = subscription.chat_id, subscription.petition
            existing = transaction.get(SUBSCRIPTIONS, followed_as(chat_id, petition))
            if existing is not None:
                return existing, False
            if not transaction.has(PETITIONS, str(petition)):
                raise StorageError(f"{petition} is not known, so nobody can follow it")
            transaction.keep(subscription)
            transaction.remove(LONELY, str(petition))
            return subscription, True

        return await self._change(work)

    async def unsubscribe(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        def work(transaction: Transaction) -> Subscription | None:
            doc_id = followed_as(chat_id, petition)
            existing = transaction.get(SUBSCRIPTIONS, doc_id)
            transaction.remove(SUBSCRIPTIONS, doc_id)
            if existing:
                wish_to_erase(transaction)
            for delivery in self._owed_about(transaction, chat_id, petition):
                transaction.remove(DELIVERIES, delivery.key)
            self._welcome(transaction, chat_id)
            return existing

        return await self._change(work)

    async def subscription(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        return await self._get(SUBSCRIPTIONS, followed_as(chat_id, petition))

    async def subscriptions(self, chat_id: int) -> Sequence[Subscription]:
        await self._commits.calm()
        return self._subscriptions(chat_id)

    async def mute(
        self, chat_id: int, petition: PetitionRef, muted: bool, now: datetime
    ) -> Subscription | None:
        return await self._hear(chat_id, petition, now, muted=muted)

    async def set_subscription_terms(
        self, chat_id: int, petition: PetitionRef, terms: Preferences, now: datetime
    ) -> Subscription | None:
        return await self._hear(chat_id, petition, now, terms=terms)

    async def _hear(
        self, chat_id: int, petition: PetitionRef, now: datetime, **changes: Any
    ) -> Subscription | None:
        """Change how a chat hears of a petition, in what it is owed already as well."""

        def work(transaction: Transaction) -> Subscription | None:
            changed = _change_subscription(transaction, chat_id, petition, **changes)
            if changed is not None:
                owed = self._owed_about(transaction, chat_id, petition)
                replan(transaction, chat_id, owed, _aware(now))
            return changed

        return await self._change(work)

    async def keep_card(self, chat_id: int, petition: PetitionRef, card_id: int | None) -> None:
        def work(transaction: Transaction) -> None:
            _change_subscription(transaction, chat_id, petition, card_id=card_id)

        await self._change(work)

    async def set_thread(
        self, chat_id: int, petition: PetitionRef, thread_id: int | None
    ) -> Subscription | None:
        def work(transaction: Transaction) -> Subscription | None:
            existing = transaction.get(SUBSCRIPTIONS, followed_as(chat_id, petition))
            if existing is None:
                return None
            card_id = existing.card_id if existing.thread_id == thread_id else None
            moved = structs.replace(existing, thread_id=thread_id, card_id=card_id)
            transaction.keep(moved)
            for delivery in self._owed_about(transaction, chat_id, petition):
                transaction.keep(structs.replace(delivery, thread_id=thread_id))
            return moved

        return await self._change(work)

    async def clear_thread(self, chat_id: int, thread_id: int) -> None:
        def work(transaction: Transaction) -> None:
            follows, rules = self._subscriptions(chat_id), self._rules(chat_id)
            owed = self._owed(transaction, chat_id)
            spoken: list[Subscription | Rule | Delivery] = [*follows, *rules, *owed]
            for each in spoken:
                if each.thread_id == thread_id:
                    transaction.keep(structs.replace(each, thread_id=None))

        await self._change(work)

    def _subscriptions(self, chat_id: int) -> list[Subscription]:
        """What a chat follows, newest first."""
        follows = self._index.follows.get(chat_id, ())
        found = [
            self.database.get(SUBSCRIPTIONS, followed_as(chat_id, petition)) for petition in follows
        ]
        present = [subscription for subscription in found if subscription is not None]
        return sorted(present, key=lambda each: (each.created_at, each.petition), reverse=True)

    def _owed(self, transaction: Transaction, chat_id: int) -> list[Delivery]:
        """What a chat is owed, oldest first."""
        return [_kept(transaction, DELIVERIES, key) for key in self._index.agenda.keys(chat_id)]

    def _owed_about(
        self, transaction: Transaction, chat_id: int, petition: PetitionRef
    ) -> list[Delivery]:
        """What a chat is owed about one petition, oldest first."""
        return [each for each in self._owed(transaction, chat_id) if each.petition == petition]

    # --- rules

    async def save_rule(self, rule: Rule, now: datetime) -> Rule:
        def work(transaction: Transaction) -> Rule:
            chat_id, owed = rule.chat_id, self._owed(transaction, rule.chat_id)
            taken = self._index.numbers.get(chat_id, set()) | {each.rule for each in owed}
            kept = structs.replace(rule, number=rule.number or next_number(taken))
            transaction.keep(kept)
            of_rule = [each for each in owed if each.rule == kept.number]
            replan(transaction, chat_id, of_rule, _aware(now))
            return kept

        return await self._change(work)

    async def rules(self, chat_id: int) -> Sequence[Rule]:
        await self._commits.calm()
        return self._rules(chat_id)

    def _rules(self, chat_id: int) -> list[Rule]:
        numbers = sorted(self._index.numbers.get(chat_id, ()))
        found = [self.database.get(RULES, ruled_as(chat_id, number)) for number in numbers]
        return [rule for rule in found if rule is not None]

    async def drop_rule(self, chat_id: int, number: int) -> Rule | None:
        def work(transaction: Transaction) -> Rule | None:
            existing = transaction.get(RULES, ruled_as(chat_id, number))
            transaction.remove(RULES, ruled_as(chat_id, number))
            if existing:
                wish_to_erase(transaction)
            return existing

        return await self._change(work)

    async def rules_of(self, site: str) -> Sequence[Rule]:
        await self._commits.calm()
        return self._index.rules.of_site(site)

    async def ruled_sites(self) -> Mapping[str, int]:
        await self._commits.calm()
        return dict(self._index.sites)

    # --- petitions

    async def petitions(self) -> Sequence[PetitionRef]:
        await self._commits.calm()
        return sorted(map(PetitionRef.parse, self.database.live(PETITIONS)))

    async def known(self, petition: PetitionRef) -> PetitionHistory | None:
        return await self._get(PETITIONS, str(petition))

    async def followed(self) -> Sequence[PetitionRef]:
        await self._commits.calm()
        return sorted(self._index.followers)

    async def followers(self) -> Mapping[PetitionRef, int]:
        await self._commits.calm()
        return {petition: len(chats) for petition, chats in self._index.followers.items()}

    async def wishes(self) -> Mapping[PetitionRef, Collection[CustomMilestones]]:
        await self._commits.calm()
        return {petition: set(by_chat.values()) for petition, by_chat in self._index.wishes.items()}

    async def readings(self, petition: PetitionRef, since: datetime) -> Sequence[Reading]:
        """The counts read since then, oldest first; times are kept to the second."""
        await self._commits.calm()
        first = day_id(petition, second_of(since))
        days = self._index.days.get(str(petition), [])
        return [
            Reading(datetime.fromtimestamp(seconds, UTC), count)
            for doc_id in days[bisect_left(days, first) :]
            for seconds, count in self._counts(doc_id)
            if seconds >= second_of(since)
        ]

    async def commit_poll(
        self, known: PetitionHistory, occurrences: Sequence[Occurrence], now: datetime
    ) -> int:
        def work(transaction: Transaction) -> int:
            ref = str(known.petition.ref)
            before = transaction.get(PETITIONS, ref)
            transaction.keep(known)
            self._keep_reading(transaction, known)
            return FanOut(transaction, self._index, known, now).owe(before, occurrences)

        _aware(now)
        return await self._change(work)

    def _counts(self, doc_id: str) -> list[tuple[int, int]]:
        day = self.database.get(READINGS, doc_id)
        return day.counts if day is not None else []

    def _keep_reading(self, transaction: Transaction, known: PetitionHistory) -> None:
        ref, count = known.petition.ref, known.petition.signature_count
        days = self._index.days.get(str(ref), [])
        if days and self._counts(days[-1])[-1][1] == count:
            return
        doc_id = day_id(ref, second_of(known.read_at))
        counts = self._counts(doc_id)
        insort(counts, (second_of(known.read_at), count), key=lambda pair: pair[0])
        transaction.put(READINGS, doc_id, Day(counts))

    # --- deliveries

    async def claim_deliveries(
        self, now: datetime, limit: int, lease: timedelta
    ) -> Sequence[ClaimedDelivery]:
        def work(transaction: Transaction) -> list[ClaimedDelivery]:
            due = [
                self._with_flood(transaction, _in_full(transaction, key), now)
                for key in self._index.agenda.due(_aware(now), limit)
            ]
            drop_past(transaction, self.database, now)
            elsewhere = [_in_full(transaction, key) for key in self._older(transaction, due)]
            claimed, changed = turns(due, elsewhere, now, now + lease)
            for delivery in changed:
                transaction.keep(delivery)
            for chat in {each.delivery.chat_id: each.chat for each in claimed}.values():
                if chat is not None and chat.probe_at is not None:
                    transaction.keep(structs.replace(chat, probe_at=now + lease))
            return claimed

        return await self._change(work)

    def _older(self, transaction: Transaction, due: Sequence[ClaimedDelivery]) -> Iterator[str]:
        """The keys of older news of the same petitions that waits in other lanes of the chats."""
        latest: dict[int, dict[PetitionRef, int]] = {}
        for each in due:
            owed = each.delivery
            about = latest.setdefault(owed.chat_id, {})
            about[owed.petition] = max(owed.number, about.get(owed.petition, 0))
        taken = {each.delivery.key for each in due}
        for chat_id, about in latest.items():
            if len(self._index.agenda.queues(chat_id)) > 1:
                for owed in self._owed(transaction, chat_id):
                    if owed.key not in taken and owed.number < about.get(owed.petition, 0):
                        yield owed.key

    def _with_flood(
        self, transaction: Transaction, claimed: ClaimedDelivery, now: datetime
    ) -> ClaimedDelivery:
        """What is due at once, with how much else its chat has just been told or waits for."""
        chat_id = claimed.delivery.chat_id
        if claimed.delivery.lane:
            return claimed
        held = [_kept(transaction, DELIVERIES, k) for k in self._index.agenda.lane(chat_id, FLOOD)]
        waiting = [each.not_before for each in held if each.not_before > now and not each.attempts]
        return structs.replace(
            claimed,
            told_lately=told_lately(transaction, chat_id, now),
            flood_until=min(waiting, default=None),
        )

    async def hold(self, key: str, lane: str, until: datetime) -> None:
        def work(transaction: Transaction) -> None:
            delivery = transaction.get(DELIVERIES, key)
            if delivery is not None:
                transaction.keep(
                    structs.replace(
                        delivery, lane=lane, not_before=_aware(until), leased_until=None
                    )
                )

        await self._change(work)

    async def settle(self, *keys: str, told_at: datetime | None = None) -> None:
        def work(transaction: Transaction) -> None:
            found = [transaction.get(DELIVERIES, key) for key in keys]
            settled = [each for each in found if each is not None]
            for key in keys:
                transaction.remove(DELIVERIES, key)
            for chat_id in {each.chat_id for each in settled}:
                self._welcome(transaction, chat_id)
            if told_at is not None:
                at_once = {each.chat_id for each in settled if not each.lane}
                note_told(transaction, at_once, _aware(told_at))

        await self._change(work)

    def _welcome(self, transaction: Transaction, chat_id: int) -> None:
        """A chat that is owed nothing any more is one like any other."""
        chat = transaction.get(CHATS, str(chat_id))
        if chat is None or not chat.returned:
            return
        if not any(transaction.has(DELIVERIES, key) for key in self._index.agenda.keys(chat_id)):
            transaction.keep(structs.replace(chat, returned=False))

    async def retry(self, key: str, not_before: datetime, lane: str | None = None) -> None:
        def work(transaction: Transaction) -> None:
            delivery = transaction.get(DELIVERIES, key)
            if delivery is not None:
                given_back = structs.replace(
                    delivery,
                    lane=delivery.lane if lane is None else lane,
                    not_before=_aware(not_before),
                    attempts=delivery.attempts + 1,
                    leased_until=None,
                )
                transaction.keep(given_back)

        await self._change(work)

    async def next_due(self, now: datetime) -> datetime | None:
        await self._commits.calm()
        return self._index.agenda.next_due(now)

    async def clock_set_back(self, now: datetime, by: timedelta) -> None:
        await self._commits.calm()
        follows, owed = self._index.follows, self._index.agenda.chats()
        chats = sorted({*map(int, self.database.live(CHATS)), *follows, *owed})
        petitions = list(self._index.days)
        _aware(now)

        def few_chats(transaction: Transaction, start: int) -> None:
            for chat_id in chats[start : start + _SET_BACK_AT_ONCE]:
                set_chat_back(transaction, self._index, chat_id, now, by)

        def few_petitions(transaction: Transaction, start: int) -> None:
            for petition in petitions[start : start + _SET_BACK_AT_ONCE]:
                set_readings_back(transaction, self._index, petition, now, by)

        for start in range(0, len(chats), _SET_BACK_AT_ONCE):
            await self._change(partial(few_chats, start=start))
        for start in range(0, len(petitions), _SET_BACK_AT_ONCE):
            await self._change(partial(few_petitions, start=start))

    # --- the whole store

    async def prune(self, now: datetime, rest_for: timedelta) -> Pruned:
        pruned = await Pruning(self.database, self._index, self._commits, _aware(now)).all(rest_for)
        self.finish_erasing()
        return pruned

    async def export(self) -> dict[str, Any]:
        await self._commits.calm()
        return await asyncio.to_thread(exported, self.database.copied())

    async def import_(self, document: Mapping[str, Any]) -> None:
        tables = await asyncio.to_thread(imported, document)

        def work(transaction: Transaction) -> None:
            if self._holds_anything():
                raise StorageError("the store isn't empty, so nothing was imported")
            for name in self.database.live(NOTES):
                transaction.remove(NOTES, name)
            for name, documents in tables.items():
                for doc_id, fields in documents.items():
                    transaction.place(name, doc_id, fields)

        await self._change(work)

    def _holds_anything(self) -> bool:
        live = self.database.live
        return bool(live(CHATS) or live(SUBSCRIPTIONS) or live(RULES) or live(PETITIONS))

    # --- the rest

    async def tally(self) -> Tally:
        def size(shelf: Shelf[S]) -> int:
            return len(self.database.live(shelf))

        await self._commits.calm()
        return Tally(
            chats=size(CHATS),
            subscriptions=size(SUBSCRIPTIONS),
            petitions=size(PETITIONS),
            waiting=size(DELIVERIES),
            oldest_waiting=self._index.agenda.oldest(),
            oldest_due=self._index.agenda.oldest_due(),
            refusing=self._index.agenda.refusing(),
        )

    async def note(self, name: str) -> str | None:
        note = await self._get(NOTES, name)
        return note.value if note is not None else None

    async def save_note(self, name: str, value: str) -> None:
        def work(transaction: Transaction) -> None:
            if value:
                transaction.put(NOTES, name, Note(value))
            else:
                transaction.remove(NOTES, name)

        await self._change(work)


# --- steps of the use cases ----------------------------------------------------------------------


def _aware(when: datetime) -> datetime:
    """The same time, which must have a zone: one without cannot be put in order with the rest."""
    if when.tzinfo is None:
        raise ValueError(f"a time without a zone: {when}")
    return when


def _change_subscription(
    transaction: Transaction, chat_id: int, petition: PetitionRef, **changes: Any
) -> Subscription | None:
    """The subscription with changes made, and kept so; None if there is none."""
    existing = transaction.get(SUBSCRIPTIONS, followed_as(chat_id, petition))
    if existing is None:
        return None
    changed = structs.replace(existing, **changes)
    transaction.keep(changed)
    return changed


def _in_full(transaction: Transaction, key: str) -> ClaimedDelivery:
    """A delivery with what it refers to."""
    delivery = _kept(transaction, DELIVERIES, key)
    return ClaimedDelivery(
        delivery=delivery,
        known=_kept(transaction, PETITIONS, str(delivery.petition)),
        occurrences=tuple(_kept(transaction, OCCURRENCES, each) for each in delivery.occurrences),
        chat=transaction.get(CHATS, str(delivery.chat_id)),
        rule=transaction.get(RULES, ruled_as(delivery.chat_id, delivery.rule)),
    )


def _kept(transaction: Transaction, shelf: Shelf[S], doc_id: str) -> S:
    record = transaction.get(shelf, doc_id)
    if record is None:
        # Its name may hold a chat's id, which must not reach the log.
        raise StorageError(f"one of the {shelf.name} is lost")
    return record
