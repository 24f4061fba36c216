"""Finds documents other than by id, and says whose delivery is next (in memory only)."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from heapq import heappop, heappush, merge
from itertools import islice, takewhile
from typing import NamedTuple, TypeAlias, TypeVar

from msgspec import Struct

from bot.petitions.petition import PetitionRef
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.delivery import REFUSED, Delivery
from bot.subscriptions.rules import RuleBook
from bot.subscriptions.subscription import Chat, Rule, Subscription
from storage.claiming import SUMMARY_AT_MOST
from storage.tables import Day

_ALWAYS = datetime.min.replace(tzinfo=UTC)

# A chat's id and the name of one of its queues: what waits in one is told apart from the others.
QueueId: TypeAlias = tuple[int, str]


class _Turn(NamedTuple):
    """A delivery's place in its queue, when it may go, and how long somebody has it (`free`).

    Turns are compared by their numbers, which no two of them share.
    """

    number: int
    due: datetime
    free: datetime
    key: str
    created: datetime
    attempts: int


class DeliveryQueue:
    """The deliveries that chats are owed, in order in each queue, and whose turn is next.

    Both heaps may hold turns that are no longer the head of their queue: whatever comes to the top
    is compared with the queue first, and dropped if it is stale.
    """

    def __init__(self) -> None:
        self._queues: dict[int, dict[str, list[_Turn]]] = {}  # by chat and name
        self._resting: set[int] = set()
        self._returned: set[int] = set()
        self._probes: dict[int, datetime] = {}  # when a chat that refuses is tried next
        self._later: list[tuple[datetime, int, QueueId]] = []  # due, number, queue
        self._ready: list[tuple[int, datetime, QueueId]] = []  # number, due, queue
        self._ages: list[tuple[datetime, int]] = []  # created, number

    def keys(self, chat_id: int) -> list[str]:
        """Return the keys of all deliveries that a chat is owed, oldest first."""
        return [turn.key for turn in merge(*self._queues.get(chat_id, {}).values())]

    def chats(self) -> list[int]:
        """Return the ids of all chats that are owed anything."""
        return list(self._queues)

    def queue(self, chat_id: int, name: str) -> list[str]:
        """Return the keys of the deliveries that wait for a chat in one queue, oldest first."""
        return [turn.key for turn in self._queue((chat_id, name))]

    def oldest(self) -> datetime | None:
        """Return when the oldest delivery still owed was made, None if none is owed."""
        return self._ages[0][0] if self._ages else None

    def oldest_due(self) -> datetime | None:
        """Return when the oldest delivery was made that waits for no time of its own, or None."""
        shut = (self._resting, self._returned, self._probes)
        return min(
            (
                turns[0].created
                for chat_id, queues in self._queues.items()
                if not any(chat_id in each for each in shut)
                for name, turns in queues.items()
                if not name or name.endswith(REFUSED)
            ),
            default=None,
        )

    def refusing(self) -> int:
        """Return the number of chats that refuse what they are sent."""
        return len(self._probes)

    def due(self, now: datetime, limit: int) -> list[str]:
        """Return the keys of what goes first in up to `limit` queues, and of what goes with it."""
        taken: dict[QueueId, _Turn] = {}
        while len(taken) < limit and (queue := self._next_ready(now)) is not None:
            heappop(self._ready)
            head = self._head(queue)
            assert head is not None  # noqa: S101 - or it would not have been ready
            taken[queue] = head
        for queue, turn in taken.items():
            # They stay due until a commit says otherwise.
            heappush(self._later, (turn.due, turn.number, queue))
        return [turn.key for queue in taken for turn in self._batch(queue, now)]

    def _batch(self, queue: QueueId, now: datetime) -> Iterator[_Turn]:
        """Yield what is told at once from a queue, oldest first.

        That is its head alone; all that is due, if its chat has returned; or all of a queue of its
        own.
        """
        chat_id, name = queue
        turns = iter(self._queue(queue))
        if name:
            return islice((turn for turn in turns if turn.free <= now), SUMMARY_AT_MOST)
        at_most = SUMMARY_AT_MOST if chat_id in self._returned else 1
        return islice(takewhile(lambda turn: turn.due <= now, turns), at_most)

    def next_due(self, now: datetime) -> datetime | None:
        """Return when the next delivery may go: `now` if one may already, None if none waits."""
        if self._next_ready(now) is not None:
            return now
        return self._later[0][0] if self._later else None

    def add(self, delivery: Delivery) -> None:
        queues = self._queues.setdefault(delivery.chat_id, {})
        insort(queues.setdefault(delivery.queue, []), _turn(delivery))
        insort(self._ages, (delivery.created_at, delivery.number))

    def drop(self, delivery: Delivery) -> None:
        queues = self._queues[delivery.chat_id]
        queue = queues[delivery.queue]
        del queue[bisect_left(queue, _turn(delivery))]
        if not queue:
            del queues[delivery.queue]
        if not queues:
            del self._queues[delivery.chat_id]
        del self._ages[bisect_left(self._ages, (delivery.created_at, delivery.number))]

    def follow(self, chat: Chat | None, chat_id: int) -> None:
        """Note whether a chat rests, has returned or refuses; None: there is no such chat."""
        if chat is not None and chat.probe_at is not None:
            self._probes[chat_id] = chat.probe_at
        else:
            self._probes.pop(chat_id, None)
        for chats, is_one in (
            (self._resting, chat is not None and bool(chat.resting)),
            (self._returned, chat is not None and chat.returned),
        ):
            (chats.add if is_one else chats.discard)(chat_id)

    def queues(self, chat_id: int) -> list[QueueId]:
        """Return the queues in which anything waits for a chat."""
        return [(chat_id, name) for name in self._queues.get(chat_id, ())]

    def reschedule(self, queues: Iterable[QueueId]) -> None:
        """Note whose turn it is now in queues that have changed, or whose chat's rest has."""
        for queue in queues:
            # Of a chat that refuses, a change in one queue may make it the turn of another.
            for touched in self.queues(queue[0]) if queue[0] in self._probes else (queue,):
                if (head := self._head(touched)) is not None:
                    heappush(self._later, (head.due, head.number, touched))

    def _queue(self, queue: QueueId) -> list[_Turn]:
        chat_id, name = queue
        return self._queues.get(chat_id, {}).get(name, [])

    def _head(self, queue: QueueId) -> _Turn | None:
        turns = self._queue(queue)
        if not turns or queue[0] in self._resting:
            return None
        probe_at = self._probes.get(queue[0])
        return turns[0] if probe_at is None else self._probe(queue, probe_at)

    def _probe(self, queue: QueueId, probe_at: datetime) -> _Turn | None:
        """Return a queue's head if its chat, which refuses, is to be tried with it; else None."""
        queues = self._queues[queue[0]]
        heads = {name: turns[0] for name, turns in queues.items()}
        first = min(
            heads,
            key=lambda name: (
                max(heads[name].due, probe_at),
                heads[name].attempts,
                heads[name].number,
            ),
        )
        if first != queue[1]:
            return None
        return heads[first]._replace(due=max(heads[first].due, probe_at))

    def _holds(self, number: int, due: datetime, queue: QueueId) -> bool:
        head = self._head(queue)
        return head is not None and (head.number, head.due) == (number, due)

    def _next_ready(self, now: datetime) -> QueueId | None:
        """Return the queue on top of the ready heap, after taking away all stale turns above it."""
        self._ripen(now)
        while self._ready:
            number, due, queue = self._ready[0]
            if self._holds(number, due, queue) and due <= now:
                return queue
            heappop(self._ready)
            if self._holds(number, due, queue):  # the clock was set back
                heappush(self._later, (due, number, queue))
        return None

    def _ripen(self, now: datetime) -> None:
        while self._later:
            due, number, queue = self._later[0]
            holds = self._holds(number, due, queue)
            if holds and due > now:
                return
            heappop(self._later)
            if holds:
                heappush(self._ready, (number, due, queue))


def _turn(delivery: Delivery) -> _Turn:
    free = delivery.leased_until or _ALWAYS
    due = max(delivery.not_before, free)
    return _Turn(delivery.number, due, free, delivery.key, delivery.created_at, delivery.attempts)


class Index:
    """Lookups from chats, petitions and days to the documents about them: made anew at each start.

    `followers` are the chats that follow a petition, `follows` the petitions of a chat.
    `custom_milestones` are those that followers set for a petition, by chat. `owed` counts the
    deliveries that tell of a petition, and `numbers` are those of a chat's rules.
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
        """Follow documents as they changed: (id, before, after), None for a missing one."""
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
                petition = doc_id.rpartition(":")[0]
                self.days[petition].remove(doc_id)
                if not self.days[petition]:
                    del self.days[petition]

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
