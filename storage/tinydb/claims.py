"""Claims what is due at an instant, inside the transaction that leases it (TinyDB)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Struct, structs

from bot.errors import StorageError
from bot.petitions.petition import PetitionRef
from bot.subscriptions.delivery import FLOOD, Delivery
from storage import ClaimedDelivery
from storage.claiming import claim_order
from storage.tables import CHATS, DELIVERIES, OCCURRENCES, PETITIONS, RULES, TableSpec, ruled_as
from storage.tinydb.database import Transaction
from storage.tinydb.index import Index
from storage.tinydb.recent_alerts import told_lately

S = TypeVar("S", bound=Struct)


class Claim:
    """Takes what is due, as its chats are to be told of it."""

    def __init__(self, transaction: Transaction, index: Index, now: datetime) -> None:
        self._transaction = transaction
        self._index = index
        self._now = now

    def take(self, limit: int, lease: timedelta) -> list[ClaimedDelivery]:
        """Leases what goes first in up to `limit` queues, with all that goes with it."""
        until = self._now + lease
        due = [
            self._with_flood(self._in_full(key))
            for key in self._index.deliveries.due(self._now, limit)
        ]
        in_other_queues = [self._in_full(key) for key in self._older(due)]
        claimed, changed = claim_order(due, in_other_queues, self._now, until)
        for delivery in changed:
            self._transaction.keep(delivery)
        for chat in {each.delivery.chat_id: each.chat for each in claimed}.values():
            if chat is not None and chat.probe_at is not None:
                self._transaction.keep(structs.replace(chat, probe_at=until))
        return claimed

    def _older(self, due: Sequence[ClaimedDelivery]) -> Iterator[str]:
        """Yield the keys of older news of the same petitions in other queues of their chats."""
        latest: dict[int, dict[PetitionRef, int]] = {}
        for each in due:
            owed = each.delivery
            about = latest.setdefault(owed.chat_id, {})
            about[owed.petition] = max(owed.number, about.get(owed.petition, 0))
        taken = {each.delivery.key for each in due}
        for chat_id, about in latest.items():
            if len(self._index.deliveries.queues(chat_id)) > 1:
                for owed in self._deliveries(self._index.deliveries.keys(chat_id)):
                    if owed.key not in taken and owed.number < about.get(owed.petition, 0):
                        yield owed.key

    def _with_flood(self, claimed: ClaimedDelivery) -> ClaimedDelivery:
        """Add to what is due at once how much else its chat has just been told, and its flood."""
        chat_id = claimed.delivery.chat_id
        if claimed.delivery.queue:
            return claimed
        held = self._deliveries(self._index.deliveries.queue(chat_id, FLOOD))
        ends = [o.not_before for o in held if o.not_before > self._now and not o.attempts]
        return structs.replace(
            claimed,
            told_lately=told_lately(self._transaction, chat_id, self._now),
            flood_until=min(ends, default=None),
        )

    def _deliveries(self, keys: Sequence[str]) -> list[Delivery]:
        return [self._kept(DELIVERIES, key) for key in keys]

    def _in_full(self, key: str) -> ClaimedDelivery:
        """Return a delivery with what it refers to."""
        delivery = self._kept(DELIVERIES, key)
        return ClaimedDelivery(
            delivery=delivery,
            known=self._kept(PETITIONS, str(delivery.petition)),
            occurrences=tuple(self._kept(OCCURRENCES, each) for each in delivery.occurrences),
            chat=self._transaction.get(CHATS, str(delivery.chat_id)),
            rule=self._transaction.get(RULES, ruled_as(delivery.chat_id, delivery.rule)),
        )

    def _kept(self, spec: TableSpec[S], doc_id: str) -> S:
        record = self._transaction.get(spec, doc_id)
        if record is None:
            # Its name may hold a chat's id, which must not reach the log.
            raise StorageError(f"one of the {spec.name} is lost")
        return record
