"""Owes one petition's news to all whom it concerns, in the transaction that keeps it (TinyDB)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from bot.petitions.events import Occurrence, ToppedIn
from bot.petitions.history import PetitionHistory
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.matching import Follower, follower, match, own_occurrences, with_own
from bot.subscriptions.subscription import Preferences, Rule
from storage.tables import (
    CHATS,
    COUNTERS,
    DELIVERIES,
    OCCURRENCES,
    SUBSCRIPTIONS,
    Counter,
    Fields,
    document_of,
    followed_as,
)
from storage.tinydb.database import Transaction
from storage.tinydb.index import Index


class FanOut:
    """Owes the news of one poll, as everybody hears it at that moment."""

    def __init__(
        self, transaction: Transaction, index: Index, known: PetitionHistory, now: datetime
    ) -> None:
        self._transaction = transaction
        self._index = index
        self._known = known
        self._ref = known.petition.ref
        self._now = now

    def owe(self, before: PetitionHistory | None, found: Sequence[Occurrence]) -> int:
        """Keep what is new of it and owe it to everybody; return the number of deliveries."""
        chosen = set(self._index.custom_milestones.get(self._ref, {}).values())
        own = own_occurrences(before, self._known, chosen, self._now)
        new = self._kept(with_own(found, own) if own else found)
        if not new:
            return 0
        first = self._transaction.get(COUNTERS, "delivery") or Counter()
        followers = self._followers(new)
        deliveries = match(new, self._known.petition, followers, self._now, first.next)
        self._put(deliveries)
        return len(deliveries)

    def _kept(self, occurrences: Sequence[Occurrence]) -> list[Occurrence]:
        """Keep those whose key is new, and return them in their order."""
        new: list[Occurrence] = []
        for occurrence in occurrences:
            if not self._transaction.has(OCCURRENCES, occurrence.key):
                self._transaction.keep(occurrence)
                new.append(occurrence)
        return new

    def _followers(self, new: Sequence[Occurrence]) -> Iterator[Follower]:
        """Yield the petition's followers, earliest first, then chats it concerns by rules alone."""
        ruled = {
            chat_id: list(rules)
            for chat_id, rules in groupby(self._rules(new), attrgetter("chat_id"))
        }
        chats = self._index.followers.get(self._ref, ())
        found = (self._transaction.get(SUBSCRIPTIONS, followed_as(c, self._ref)) for c in chats)
        present = [subscription for subscription in found if subscription is not None]
        for each in sorted(present, key=lambda each: (each.created_at, each.chat_id)):
            rules = ruled.pop(each.chat_id, ())
            yield follower(each, rules, self._preferences(each.chat_id), each.chat_id)
        for chat_id, rules in ruled.items():
            yield follower(None, rules, self._preferences(chat_id), chat_id)

    def _rules(self, new: Sequence[Occurrence]) -> list[Rule]:
        """Return the rules that the petition fits, by chat and number."""
        kinds = {each.event.kind for each in new}
        arrived = {each.event.code for each in new if isinstance(each.event, ToppedIn)}
        places = arrived.union(self._known.top)
        return self._index.rules.fitting(self._known.petition, kinds, places)

    def _preferences(self, chat_id: int) -> Preferences:
        chat = self._transaction.get(CHATS, str(chat_id))
        return chat.preferences if chat is not None else Preferences()

    def _put(self, deliveries: Sequence[Delivery]) -> None:
        """Keep new deliveries: most are alike but for whom they are for, and made from one."""
        made: dict[tuple[object, ...], Fields] = {}
        documents: dict[str, Fields] = {}
        for each in deliveries:
            alike = (each.occurrences, each.not_before, each.queue, each.rule, each.thread_id)
            model = made.get((*alike, each.silent))
            if model is None:
                model = made[*alike, each.silent] = document_of(each)
            named = {"key": each.key, "number": each.number, "chat_id": each.chat_id}
            documents[each.key] = {**model, **named}
        if deliveries:
            self._transaction.table(DELIVERIES).put(documents)
            self._transaction.put(COUNTERS, "delivery", Counter(deliveries[-1].number + 1))
