"""What each chat is owed, in order, and whose turn comes when (in memory only)."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from datetime import datetime
from heapq import heappop, heappush
from itertools import takewhile
from typing import NamedTuple

from bot.petitions.model import Chat, Delivery

# A chat that comes back is told at most so much in one summary.
SUMMARY_AT_MOST = 50


class _Turn(NamedTuple):
    """A delivery's place in its chat's queue, and when it may go."""

    number: int
    due: datetime
    key: str


class Agenda:
    """What each chat is owed, in order, and whose turn comes when.

    Both heaps may hold turns that are no longer the head of their chat's queue: whatever comes
    to the top is compared with the queue first, and dropped if it is stale.
    """

    def __init__(self) -> None:
        self._queues: dict[int, list[_Turn]] = {}
        self._resting: set[int] = set()
        self._returned: set[int] = set()
        self._later: list[tuple[datetime, int, int]] = []  # due, number, chat
        self._ready: list[tuple[int, datetime, int]] = []  # number, due, chat
        self._ages: list[tuple[datetime, int]] = []  # created, number

    def keys(self, chat_id: int) -> list[str]:
        """What a chat is owed, oldest first."""
        return [turn.key for turn in self._queues.get(chat_id, ())]

    def oldest(self) -> datetime | None:
        """When the oldest delivery still owed was made."""
        return self._ages[0][0] if self._ages else None

    def due(self, now: datetime, limit: int) -> list[str]:
        """The keys of up to `limit` deliveries whose turn it is, oldest first, one a chat."""
        taken: dict[int, _Turn] = {}
        while len(taken) < limit and (chat_id := self._next_ready(now)) is not None:
            heappop(self._ready)
            taken[chat_id] = self._queues[chat_id][0]
        for chat_id, turn in taken.items():
            # They stay due until a commit says otherwise.
            heappush(self._later, (turn.due, turn.number, chat_id))
        return [key for chat_id in taken for key in self._batch(chat_id, now)]

    def _batch(self, chat_id: int, now: datetime) -> list[str]:
        """What goes to a chat at once: its head, or all that is due if it has returned."""
        queue = self._queues[chat_id][: SUMMARY_AT_MOST if chat_id in self._returned else 1]
        return [turn.key for turn in takewhile(lambda turn: turn.due <= now, queue)]

    def next_due(self, now: datetime) -> datetime | None:
        """When the next delivery may go: `now` if one may already."""
        if self._next_ready(now) is not None:
            return now
        return self._later[0][0] if self._later else None

    def add(self, delivery: Delivery) -> None:
        insort(self._queues.setdefault(delivery.chat_id, []), _turn(delivery))
        insort(self._ages, (delivery.created_at, delivery.number))

    def drop(self, delivery: Delivery) -> None:
        queue = self._queues[delivery.chat_id]
        del queue[bisect_left(queue, _turn(delivery))]
        if not queue:
            del self._queues[delivery.chat_id]
        del self._ages[bisect_left(self._ages, (delivery.created_at, delivery.number))]

    def follow(self, chat: Chat | None, chat_id: int) -> None:
        """Note whether a chat rests or has returned; None: there is no such chat."""
        for chats, is_one in (
            (self._resting, chat is not None and bool(chat.resting)),
            (self._returned, chat is not None and chat.returned),
        ):
            (chats.add if is_one else chats.discard)(chat_id)

    def reschedule(self, chat_ids: Iterable[int]) -> None:
        """Note whose turn it is now in chats whose queue or rest has changed."""
        for chat_id in chat_ids:
            if (head := self._head(chat_id)) is not None:
                heappush(self._later, (head.due, head.number, chat_id))

    def _head(self, chat_id: int) -> _Turn | None:
        queue = self._queues.get(chat_id)
        return queue[0] if queue and chat_id not in self._resting else None

    def _holds(self, number: int, due: datetime, chat_id: int) -> bool:
        head = self._head(chat_id)
        return head is not None and (head.number, head.due) == (number, due)

    def _next_ready(self, now: datetime) -> int | None:
        """The chat on top of the ready heap, all stale turns above it taken away."""
        self._ripen(now)
        while self._ready:
            number, due, chat_id = self._ready[0]
            if self._holds(number, due, chat_id) and due <= now:
                return chat_id
            heappop(self._ready)
            if self._holds(number, due, chat_id):  # the clock was set back
                heappush(self._later, (due, number, chat_id))
        return None

    def _ripen(self, now: datetime) -> None:
        while self._later:
            due, number, chat_id = self._later[0]
            holds = self._holds(number, due, chat_id)
            if holds and due > now:
                return
            heappop(self._later)
            if holds:
                heappush(self._ready, (number, due, chat_id))


def _turn(delivery: Delivery) -> _Turn:
    due = max(delivery.not_before, delivery.leased_until or delivery.not_before)
    return _Turn(delivery.number, due, delivery.key)
