"""Orders who sends next: quiet people before alerts, alerts a third of all, talkative chats last.

Everything here is told the time, does no I/O and looks at a waiting message only when it may leave
or when its chat's limits have changed, so that thousands may wait. Times are seconds of a steady
clock.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from heapq import heappop, heappush
from itertools import chain, count
from math import inf
from typing import TypeAlias

from telegram.error import RetryAfter

from bot.telegram.fading import NEVER, counted, faded_to


@dataclass(eq=False, slots=True)
class Departure:
    """A message that has left, and the time from which it counts."""

    at: float
    left_at: float = -inf
    is_probe: bool = False


class Window:
    """A limit of at most `most` messages within any `span` seconds."""

    __slots__ = ("_left", "_span", "most")

    def __init__(self, most: int, span: float) -> None:
        self.most = most
        self._span = span
        self._left: deque[Departure] = deque(maxlen=most)

    def free_at(self, ahead: int = 0, stretch: float = 1.0) -> float:
        """Return when a message may leave that has `ahead` others before it.

        `-inf` if at any time. `stretch` is a factor that makes the window longer.
        """
        index = len(self._left) + ahead - self.most
        if index < 0 or not self._left:
            return -inf
        return self._left[min(index, len(self._left) - 1)].at + self._span * stretch

    def room(self, now: float) -> int:
        """Return how many more may leave right now."""
        return self.most - sum(left.at + self._span > now for left in self._left)

    def count(self, departure: Departure) -> None:
        """Count a message that has left."""
        if self.most:
            self._left.append(departure)


PER_GROUP_MINUTE = 20
BURST = 3  # answers a chat takes at once before one a second holds
MOST_WAITING = 5  # answers of one chat
TALKATIVE = 10  # answers a minute; a chat that had so many goes behind all others
CLAMOROUS = 40  # questions a minute, answered or not; likewise, where they are counted
ANSWERS_PER_ALERT = 2

_GROUP_WINDOW = 60.5  # a little longer than Telegram's: messages do not travel equally fast
_MINUTE = 60.0
_REMEMBERED = 3600.0  # how long a chat that took nothing since is known to have been refused

ChatId: TypeAlias = int | str


def too_soon(seconds: float) -> RetryAfter:
    """Make the error that python-telegram-bot raises for a 429, before Telegram is even asked."""
    return RetryAfter(timedelta(seconds=max(seconds, 0.001)))


@dataclass(slots=True)
class Chat:
    """The limits of a chat, which say when it takes another message of each kind."""

    id: ChatId
    minute: Window | None = None
    spent_until: float = -inf  # every message uses up a second, one after the other
    # By kind of method, until when Telegram wants no more; kept until one of that kind is taken.
    refused: dict[str, float] = field(default_factory=dict)
    answers: Window | None = None  # of the last minute, of a chat that had any
    answered_at: float = -inf
    asked: float = NEVER  # when its questions have faded to one, if they are counted
    answers_waiting: int = 0
    in_work: int = 0

    def free_at(self, kind: str, *, alert: bool) -> float:
        """Return the time at which it takes a message of this kind."""
        credit = 0.0 if alert else BURST - 1.0
        minute = self.minute.free_at() if self.minute else -inf
        return max(self.refused.get(kind, -inf), self.spent_until - credit, minute)

    def asks(self, now: float) -> None:
        """Count a question from it, which may not be answered at all."""
        self.asked = counted(self.asked, now, _MINUTE, 3 * CLAMOROUS)

    def quiet_at(self) -> float:
        """Return the time from which the chat counts as asking for little.

        It goes by its questions if they are counted, else by the answers it has had lately.
        """
        if self.asked > NEVER:
            return faded_to(CLAMOROUS, self.asked, _MINUTE)
        return self.answers.free_at() if self.answers else -inf

    def goes_before(self) -> float:
        """Return a number to order quiet chats by: the lowest goes first."""
        return self.quiet_at() if self.asked > NEVER else self.answered_at

    def count(self, departure: Departure, *, alert: bool) -> None:
        """Count a message that has left for it."""
        self.spent_until = max(self.spent_until, departure.at) + 1.0
        if self.minute:
            self.minute.count(departure)
        if not alert:
            self.answers = self.answers or Window(TALKATIVE, 60.0)
            self.answers.count(departure)
            self.answered_at = departure.at

    def idle(self, now: float) -> bool:
        """Return whether nothing would change if it were forgotten."""
        refused = max(self.refused.values(), default=-inf) + _REMEMBERED
        windows = (window for window in (self.minute, self.answers) if window)
        return (
            not self.in_work
            and max(self.spent_until, self.asked, refused) <= now
            and all(window.room(now) == window.most for window in windows)
        )


@dataclass(slots=True)
class Chats:
    """The chats that have been written to lately."""

    known: dict[ChatId, Chat] = field(default_factory=dict)
    sweep_at: int = 1000

    def get(self, chat_id: ChatId, now: float) -> Chat:
        """Return the limits of a chat, which are kept from now on if nothing was known of it."""
        chat = self.known.get(chat_id)
        if chat is None:
            if len(self.known) >= self.sweep_at:
                self.known = {id_: chat for id_, chat in self.known.items() if not chat.idle(now)}
                self.sweep_at = max(1000, 2 * len(self.known))
            is_group = isinstance(chat_id, str) or chat_id < 0
            minute = Window(PER_GROUP_MINUTE, _GROUP_WINDOW) if is_group else None
            chat = self.known[chat_id] = Chat(chat_id, minute)
        return chat


class _Rank(IntEnum):
    """The reason why a message waits: for its chat's limits, or for others to go first."""

    CHAT = 0
    ANSWER = 1
    ALERT = 2
    TALKATIVE = 3


@dataclass(eq=False, slots=True)
class QueuedMessage:
    """A message that waits to leave."""

    chat: Chat
    kind: str
    alert: bool
    patience: float  # how long it waits for its chat, in seconds
    left: asyncio.Future[tuple[Departure, bool]]  # and whether it has to be paid for

    @property
    def is_over(self) -> bool:
        """True once it has left, or was given up."""
        return self.left.done()

    def free_at(self) -> float:
        """Return the time at which its chat takes it."""
        return self.chat.free_at(self.kind, alert=self.alert)

    def refuse(self, seconds: float) -> None:
        """Give it up, since it would have to wait for so many seconds."""
        if not self.is_over:
            self.left.set_exception(too_soon(seconds))

    def place(self, now: float) -> tuple[_Rank, float]:
        """Return its place now: within a rank, whoever has the lowest number goes first."""
        free_at = self.free_at()
        if free_at > now:
            return _Rank.CHAT, free_at
        if self.alert:
            return _Rank.ALERT, 0.0
        quiet_at = self.chat.quiet_at()
        if quiet_at > now:
            return _Rank.TALKATIVE, quiet_at
        return _Rank.ANSWER, self.chat.goes_before()


_Entry: TypeAlias = tuple[float, int, QueuedMessage]  # key, number of arrival


class SendQueue:
    """The messages that wait, each in the heap of its rank.

    What a chat does only ever moves its waiting messages back, so an entry is put right when it
    comes to the front of its heap; time moves them forward, as their own key says.
    """

    def __init__(self) -> None:
        self._numbers = count()
        self._heaps: dict[_Rank, list[_Entry]] = {rank: [] for rank in _Rank}
        self._answers_in_a_row = 0
        self.alerts: set[QueuedMessage] = set()

    def add(self, queued: QueuedMessage, now: float) -> None:
        """Let a message wait, unless its chat would keep it waiting for too long."""
        if queued.alert:
            self.alerts.add(queued)
            queued.left.add_done_callback(lambda _: self.alerts.discard(queued))
        self._put(queued, next(self._numbers), now)

    def first_answer(self, now: float) -> QueuedMessage | None:
        """Return the first answer to a quiet chat: to who asks least, or had none for longest."""
        return self._first(_Rank.ANSWER, now)

    def first_alert(self, now: float) -> QueuedMessage | None:
        """Return the alert that goes before all others, if one may leave."""
        return self._first(_Rank.ALERT, now)

    def first(self, now: float) -> QueuedMessage | None:
        """Return the message that goes next, if any may."""
        answer, alert = self.first_answer(now), self.first_alert(now)
        if answer and alert:
            return alert if self._answers_in_a_row >= ANSWERS_PER_ALERT else answer
        return answer or alert or self._first(_Rank.TALKATIVE, now)

    def probe(self, now: float) -> QueuedMessage | None:
        """Return the message to test whether Telegram refuses all, best one to no refused chat."""
        ready = (queued for queued in self._ready(now) if not queued.chat.refused)
        return next(ready, None) or self.first(now)

    def left(self, queued: QueuedMessage) -> None:
        """Note that it left, for the alerts' share."""
        self._answers_in_a_row = 0 if queued.alert else self._answers_in_a_row + 1

    def answers_ready(self) -> int:
        """Return about how many answers go before alerts."""
        return len(self._heaps[_Rank.ANSWER])

    def ripen(self, now: float) -> None:
        """Move forward the messages that have waited for their chat for long enough."""
        for rank in (_Rank.CHAT, _Rank.TALKATIVE):
            heap = self._heaps[rank]
            while heap and (heap[0][0] <= now or heap[0][-1].is_over):
                self._put_again(heap, now)

    def ripens_at(self) -> float:
        """Return when another message is to be moved forward; `inf` if none is waiting for it."""
        heaps = (self._heaps[rank] for rank in (_Rank.CHAT, _Rank.TALKATIVE))
        return min((heap[0][0] for heap in heaps if heap), default=inf)

    def give_up_alerts(self, seconds: float) -> None:
        """Send all alerts back to the store, since they would have to wait for so long."""
        for alert in tuple(self.alerts):
            alert.refuse(seconds)

    def _ready(self, now: float) -> Iterator[QueuedMessage]:
        heaps = (self._heaps[rank] for rank in _Rank if rank is not _Rank.CHAT)
        turns = (entry[-1] for entry in chain.from_iterable(heaps))
        return (queued for queued in turns if not queued.is_over and queued.free_at() <= now)

    def _first(self, rank: _Rank, now: float) -> QueuedMessage | None:
        heap = self._heaps[rank]
        while heap:
            key, _, queued = heap[0]
            if not queued.is_over and queued.place(now) == (rank, key):
                return queued
            self._put_again(heap, now)
        return None

    def _put_again(self, heap: list[_Entry], now: float) -> None:
        _, number, queued = heappop(heap)
        if not queued.is_over:
            self._put(queued, number, now)

    def _put(self, queued: QueuedMessage, number: int, now: float) -> None:
        rank, key = queued.place(now)
        if rank is _Rank.CHAT and key - now > queued.patience:
            queued.refuse(key - now)
        else:
            heappush(self._heaps[rank], (key, number, queued))
