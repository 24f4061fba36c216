"""What is looked up other than by id (in memory only, made anew at each start)."""

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct

from bot.petitions.petition import PetitionRef
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.rules import RuleBook
from bot.subscriptions.subscription import Chat, Rule, Subscription
from storage.tables import Day
from storage.tinydb.delivery_queue import DeliveryQueue, QueueId


class Index:
    """Who follows what, what they are owed and on which days we read: made anew at each start.

    `custom_milestones` are followers' own of a petition, by chat, `owed` how many deliveries wait
    that tell of it, `numbers` the numbers of a chat's rules.
    """

    def __init__(self) -> None:
        self.deliveries = DeliveryQueue()
        self.followers: dict[PetitionRef, set[int]] = {}
        self.custom_milestones: dict[PetitionRef, dict[int, CustomMilestones]] = {}
        self.follows: dict[int, set[PetitionRef]] = {}
        self.owed: Counter[PetitionRef] = Counter()
        self.rules = RuleBook()
        self.numbers: dict[int, set[int]] = {}
        self.sites: Counter[str] = Counter()  # how many rules each has
        self.days: dict[str, list[str]] = {}  # the ids of a petition's readings, oldest day first

    def apply(self, changes: Iterable[tuple[str, Struct | None, Struct | None]]) -> None:
        """Follow documents from what they were to what they are: (id, before, after) each."""
        touched: dict[QueueId, None] = {}
        for doc_id, before, after in changes:
            self._leave(doc_id, before, touched, gone=after is None)
            self._enter(doc_id, after, touched, new=before is None)
        self.deliveries.reschedule(touched)

    def _leave(
        self, doc_id: str, record: Struct | None, touched: dict[QueueId, None], *, gone: bool
    ) -> None:
        match record:
            case Subscription():
                self._unfollow(record)
            case Delivery():
                self.deliveries.drop(record)
                _take_one(self.owed, record.petition)
                touched[record.chat_id, record.queue] = None
            case Chat():
                self.deliveries.follow(None, record.id)
                touched.update(dict.fromkeys(self.deliveries.queues(record.id)))
            case Rule():
                self.rules.drop((record.chat_id, record.number))
                _take_out(self.numbers, record.chat_id, record.number)
                _take_one(self.sites, record.site)
            case Day() if gone:
                _drop_day(self.days, doc_id)

    def _enter(
        self, doc_id: str, record: Struct | None, touched: dict[QueueId, None], *, new: bool
    ) -> None:
        match record:
            case Subscription():
                self._follow(record)
            case Delivery():
                self.deliveries.add(record)
                self.owed[record.petition] += 1
                touched[record.chat_id, record.queue] = None
            case Chat():
                self.deliveries.follow(record, record.id)
                touched.update(dict.fromkeys(self.deliveries.queues(record.id)))
            case Rule():
                self.rules.put(record)
                self.numbers.setdefault(record.chat_id, set()).add(record.number)
                self.sites[record.site] += 1
            case Day() if new:
                insort(self.days.setdefault(doc_id.rpartition(":")[0], []), doc_id)

    def _follow(self, subscription: Subscription) -> None:
        chat_id, petition = subscription.chat_id, subscription.petition
        self.followers.setdefault(petition, set()).add(chat_id)
        self.follows.setdefault(chat_id, set()).add(petition)
        if subscription.preferences.milestones is not None:
            self.custom_milestones.setdefault(petition, {})[chat_id] = (
                subscription.preferences.milestones
            )

    def _unfollow(self, subscription: Subscription) -> None:
        chat_id, petition = subscription.chat_id, subscription.petition
        _take_out(self.followers, petition, chat_id)
        _take_out(self.follows, chat_id, petition)
        chosen = self.custom_milestones.get(petition, {})
        if chosen.pop(chat_id, None) is not None and not chosen:
            del self.custom_milestones[petition]


def _drop_day(days: dict[str, list[str]], doc_id: str) -> None:
    petition = doc_id.rpartition(":")[0]
    days[petition].remove(doc_id)
    if not days[petition]:
        del days[petition]


K = TypeVar("K")
V = TypeVar("V")


def _take_out(sets: dict[K, set[V]], key: K, value: V) -> None:
    sets[key].discard(value)
    if not sets[key]:
        del sets[key]


def _take_one(counts: Counter[K], key: K) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
