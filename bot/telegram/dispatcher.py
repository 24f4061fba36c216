"""Decides, between receiving and handling, who is next, how much may wait, and what is dropped.

Every person has a line of their own, and lines take turns, so that nobody's flood is another's
wait. Each class of work has places that no other class can take.
"""

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import NamedTuple, TypeAlias

import structlog
from telegram import Update

from bot.outages import IncidentLog

log = structlog.get_logger(__name__)


class UpdateKind(StrEnum):
    """The kinds of updates, as metrics name them."""

    MEMBERSHIP = "membership"  # what becomes of the bot's own place, and of a chat's id
    MEMBER = "member"
    INLINE = "inline"
    PRESS = "press"
    FILE = "file"
    COMMAND = "command"
    MESSAGE = "message"


class WorkClass(StrEnum):
    """The classes of work that handling an update takes; each has room for so many at once."""

    SERVICE = "service"
    INLINE = "inline"
    LIGHT = "light"  # told from what the bot knows by heart: waits for nobody
    LOOK = "look"
    ACT = "act"
    FILE = "file"


class Ticket(NamedTuple):
    """An update's ticket: whose line it waits in, its class of work, the chat it acts on."""

    kind: UpdateKind
    work_class: WorkClass
    owner: int
    chat: int


_PLACES = {
    WorkClass.SERVICE: 32,
    WorkClass.INLINE: 32,
    WorkClass.LIGHT: 64,
    WorkClass.LOOK: 128,
    WorkClass.ACT: 128,
    WorkClass.FILE: 1,
}
_ACTING = (WorkClass.ACT, WorkClass.FILE)
_ORDERED = (WorkClass.LOOK, *_ACTING)

MOST_WAITING = 1000
MOST_OF_ONE = 20
_MOST_SERVICE = 500
_MOST_ASIDE = 32  # acknowledgements and words about too much, at the same time
_MOST_TOLD = 1000

PATIENCE = 1.0  # seconds that a press waits unanswered, and what looks for what acts
_PRESS_LASTS = 15.0
_QUESTION_LASTS = 25.0
_TOLD_FOR = 60.0
_TENDED_EVERY = 0.25
_FAREWELL = 4.0

_PERSON = "person"

_Key: TypeAlias = tuple[str, int]


@dataclass(eq=False, slots=True)
class _Entry:
    """An update that waits, or is in work, and since when it does."""

    update: Update
    ticket: Ticket
    number: int
    since: float
    is_acknowledged: bool = False


@dataclass(eq=False, slots=True)
class _Line:
    """The updates that one person has waiting, and those in work: at most one of each class."""

    waiting: dict[WorkClass, deque[_Entry]] = field(default_factory=dict)
    working: dict[WorkClass, _Entry] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.waiting.values()))

    def heads(self) -> Iterator[_Entry]:
        """Return the entries that wait first in each class."""
        return (entries[0] for entries in self.waiting.values() if entries)

    def entries(self) -> Iterator[_Entry]:
        """Return all entries that wait."""
        return (entry for entries in self.waiting.values() for entry in entries)


class Dispatcher:
    """The queue of updates: each goes to `handle` in its turn, and no more than can be borne.

    `handle` is told whether an update's press was acknowledged while it waited. `slow_down` answers
    what is let go of, and says so aloud if it is told to. Who has the least `clamour` goes first.
    """

    def __init__(
        self,
        handle: Callable[[Update, bool], Awaitable[None]],
        ticket: Callable[[Update], Ticket | None],
        acknowledge: Callable[[Update], Awaitable[None]],
        slow_down: Callable[[Update, bool], Awaitable[None]],
        *,
        clamour: Callable[[int], float] = lambda _: 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._handle = handle
        self._ticket = ticket
        self._acknowledge = acknowledge
        self._slow_down = slow_down
        self._clamour = clamour
        self._monotonic = monotonic
        self._lines: OrderedDict[_Key, _Line] = OrderedDict()
        self._acting: set[int] = set()
        self._in_work: Counter[WorkClass] = Counter()
        self._waiting = 0
        self._service_waiting = 0
        self._numbers = count()
        self._told: OrderedDict[int, float] = OrderedDict()
        self._faults = IncidentLog(log, "updates cannot be handled", monotonic)
        self._tasks: set[asyncio.Task[None]] = set()
        self._aside: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._tending: asyncio.Task[None] | None = None
        self._dropped = dict.fromkeys(UpdateKind, 0)

    # --- what others see

    @property
    def is_full(self) -> bool:
        """True while so much waits that updates are better kept where they come from."""
        return self._waiting >= MOST_WAITING or self._service_waiting >= _MOST_SERVICE

    @property
    def is_crowded(self) -> bool:
        """True while so much waits that it will take a while."""
        return self._waiting >= MOST_WAITING // 2

    @property
    def waiting(self) -> int:
        """The number of updates that wait for their turn."""
        return self._waiting + self._service_waiting

    @property
    def working(self) -> int:
        """The number of updates that are being handled."""
        return len(self._tasks)

    @property
    def dropped(self) -> Mapping[UpdateKind, int]:
        """The numbers of updates that were let go of since the start, by what they were."""
        return self._dropped

    # --- from start to stop

    def start(self) -> None:
        """Begin to look after what waits."""
        self._tending = asyncio.create_task(self._tend_for_ever(), name="dispatcher")

    async def stop(self, patience: float = _FAREWELL) -> None:
        """End once everything taken is handled, or at the latest after `patience` seconds."""
        deadline = time.monotonic() + patience
        while self._tasks and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(self._tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if self.waiting or self._tasks:
            log.warning("updates left unhandled", waiting=self.waiting, working=self.working)
        for entry in [entry for line in self._lines.values() for entry in line.entries()]:
            self._let_go(entry)
        tending = {self._tending} if self._tending else set()
        ended = [*self._tasks, *self._aside, *tending]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    # --- taking

    async def accept(self, update: Update) -> None:
        """Take an update in, or let it go; waits while there is no room for it.

        Nobody waits for room on account of a person who has too much waiting already.
        """
        ticket = self._ticket(update)
        if ticket is None:
            return
        entry = _Entry(update, ticket, next(self._numbers), self._monotonic())
        while not self._deal_with(entry):
            self._room.clear()
            await self._room.wait()

    def refuse(self, update: Update) -> None:
        """Let go of an update that is too much, and tell whoever sent it, as far as that can be."""
        ticket = self._ticket(update)
        if ticket is not None:
            self._refuse(_Entry(update, ticket, next(self._numbers), self._monotonic()))

    def _deal_with(self, entry: _Entry) -> bool:
        """Queue an update, or let it or another go; False if it has to wait for room."""
        key = _key(entry.ticket)
        line = self._lines.get(key, _Line())
        if entry.ticket.work_class is WorkClass.SERVICE:
            if len(line) >= MOST_OF_ONE:
                self._let_go(line.waiting[WorkClass.SERVICE][0])  # the newest says how things stand
            elif self._service_waiting >= _MOST_SERVICE:
                return False
        elif entry.ticket.work_class is WorkClass.INLINE and line.waiting.get(WorkClass.INLINE):
            self._let_go(line.waiting[WorkClass.INLINE][0])  # they have typed on
        elif len(line) >= MOST_OF_ONE:
            self._refuse(entry)
            return True
        elif self._waiting >= MOST_WAITING and not self._make_room(line):
            if not len(line):
                return False
            self._refuse(entry)
            return True
        self._queue(key, entry)
        return True

    def _make_room(self, line: _Line) -> bool:
        """Let go of the newest update of the longest line; False if this line is about as long."""
        if len(line) >= max(1, self._waiting // len(self._lines)):
            return False
        lines = (line for key, line in self._lines.items() if key[0] == _PERSON)
        longest = max(lines, key=len, default=line)
        if len(longest) <= len(line) + 1:
            return False
        self._refuse(max(longest.entries(), key=lambda entry: entry.number), waits=True)
        return True

    def _queue(self, key: _Key, entry: _Entry) -> None:
        line = self._lines.setdefault(key, _Line())
        line.waiting.setdefault(entry.ticket.work_class, deque()).append(entry)
        self._count(entry, 1)
        self._start(line)

    def _count(self, entry: _Entry, by: int) -> None:
        if entry.ticket.work_class is WorkClass.SERVICE:
            self._service_waiting += by
        else:
            self._waiting += by
        if by < 0:
            self._room.set()

    def _refuse(self, entry: _Entry, *, waits: bool = False) -> None:
        """Let go of what is too much; it is answered, as far as there is anybody free to do it."""
        if waits:
            self._let_go(entry)
        else:
            self._dropped[entry.ticket.kind] += 1
        owner, now = entry.ticket.owner, self._monotonic()
        is_news = now - self._told.get(owner, now - _TOLD_FOR) >= _TOLD_FOR
        if not entry.is_acknowledged and self._meanwhile(self._slow_down(entry.update, is_news)):
            if is_news and entry.ticket.kind is not UpdateKind.PRESS:
                self._told[owner] = now
                self._told.move_to_end(owner)
            if len(self._told) > _MOST_TOLD:
                self._told.popitem(last=False)

    def _let_go(self, entry: _Entry) -> None:
        """Take an update out of its line, undone."""
        self._dropped[entry.ticket.kind] += 1
        key = _key(entry.ticket)
        self._lines[key].waiting[entry.ticket.work_class].remove(entry)
        self._count(entry, -1)
        self._forget_if_empty(key)

    def _forget_if_empty(self, key: _Key) -> None:
        line = self._lines[key]
        if not len(line) and not line.working:
            del self._lines[key]

    # --- whose turn it is

    def _start(self, line: _Line) -> None:
        """Begin whatever can begin of one line."""
        for entry in sorted(line.heads(), key=lambda entry: entry.number):
            if self._may_start(line, entry):
                self._begin(line, entry)

    def _start_all(self) -> None:
        """Begin whatever can begin: each line in its turn, acts on a chat in their order."""
        able = [
            (line, entry)
            for line in self._lines.values()
            for entry in line.heads()
            if self._may_start(line, entry)
        ]
        able.sort(key=lambda each: self._clamour(each[1].ticket.owner))
        first: dict[int, int] = {}
        for _, entry in able:
            if entry.ticket.work_class in _ACTING:
                chat = entry.ticket.chat
                first[chat] = min(first.get(chat, entry.number), entry.number)
        for line, entry in able:
            acts = entry.ticket.work_class in _ACTING
            if acts and first[entry.ticket.chat] != entry.number:
                continue
            if self._may_start(line, entry):
                self._begin(line, entry)

    def _may_start(self, line: _Line, entry: _Entry) -> bool:
        work_class = entry.ticket.work_class
        if work_class in line.working or self._in_work[work_class] >= _PLACES[work_class]:
            return False
        if work_class not in _ORDERED:
            return True
        if work_class in _ACTING and (
            entry.ticket.chat in self._acting or any(each in line.working for each in _ACTING)
        ):
            return False
        # A person's updates keep their order, except that what lasts is overtaken.
        now = self._monotonic()
        before = [line.working[each] for each in _ORDERED if each in line.working]
        before += [
            e for e in line.heads() if e.ticket.work_class in _ORDERED and e.number < entry.number
        ]
        return all(now - each.since >= PATIENCE for each in before)

    def _begin(self, line: _Line, entry: _Entry) -> None:
        work_class = entry.ticket.work_class
        line.waiting[work_class].popleft()
        self._count(entry, -1)
        entry.since = self._monotonic()
        line.working[work_class] = entry
        self._in_work[work_class] += 1
        if work_class in _ACTING:
            self._acting.add(entry.ticket.chat)
        task = asyncio.create_task(self._work(entry))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, line, entry))

    async def _work(self, entry: _Entry) -> None:
        try:
            await self._handle(entry.update, entry.is_acknowledged)
        except Exception as error:
            self._faults.failed(type(error).__name__, kind=entry.ticket.kind, exc_info=True)
        else:
            self._faults.recovered()

    def _ended(self, task: asyncio.Task[None], line: _Line, entry: _Entry) -> None:
        work_class = entry.ticket.work_class
        self._tasks.discard(task)
        del line.working[work_class]
        self._in_work[work_class] -= 1
        if work_class in _ACTING:
            self._acting.discard(entry.ticket.chat)
        self._lines.move_to_end(key := _key(entry.ticket))
        self._forget_if_empty(key)
        self._start_all()

    # --- what waits long

    async def _tend_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_TENDED_EVERY)
            if self.waiting:
                self.tend()

    def tend(self) -> None:
        """Answer presses that wait, let go of what nobody waits for any more, let others pass."""
        now = self._monotonic()
        for entry in [each for line in self._lines.values() for each in line.entries()]:
            waited = now - entry.since
            if waited >= _lasts(entry.ticket):
                self._refuse(entry, waits=True)
            elif entry.ticket.kind is UpdateKind.PRESS and waited >= PATIENCE:
                self._acknowledge_early(entry)
        self._start_all()

    def _acknowledge_early(self, entry: _Entry) -> None:
        if not entry.is_acknowledged:
            entry.is_acknowledged = self._meanwhile(self._acknowledge(entry.update))

    def _meanwhile(self, call: Awaitable[None]) -> bool:
        """Do it beside everything else; return False if too much is done so already."""
        if len(self._aside) >= _MOST_ASIDE:
            if asyncio.iscoroutine(call):
                call.close()
            return False
        task = asyncio.create_task(_quietly(call))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
        return True


async def _quietly(call: Awaitable[None]) -> None:
    with suppress(Exception):
        await call


def _key(ticket: Ticket) -> _Key:
    """Return the key of the line an update waits in; service work waits apart from people's."""
    line = ticket.kind.value if ticket.work_class is WorkClass.SERVICE else _PERSON
    return line, ticket.owner


def _lasts(ticket: Ticket) -> float:
    """Return for how many seconds somebody waits for an answer to it."""
    if ticket.kind is UpdateKind.PRESS:
        return _PRESS_LASTS
    return float("inf") if ticket.work_class in (WorkClass.SERVICE, *_ACTING) else _QUESTION_LASTS
