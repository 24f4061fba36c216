"""What the bot remembers, in TinyDB: one JSON file, one process, every use case one transaction."""

import asyncio
import fcntl
import os
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from pathlib import Path
from typing import IO, Any, Generic, NamedTuple, NoReturn, TypeAlias, TypeVar, cast

import msgspec
from msgspec import Struct, structs
from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document, Table

from bot.petitions.errors import StorageError
from bot.petitions.match import match
from bot.petitions.model import (
    Chat,
    Delivery,
    Known,
    Occurrence,
    PetitionRef,
    Reading,
    Subscription,
)
from storage import ChatData, ClaimedDelivery, Tally

Fields: TypeAlias = dict[str, Any]
Tables: TypeAlias = dict[str, dict[str, Fields]]
# What a transaction did, by table and document id; None is a document taken out.
Changes: TypeAlias = dict[tuple[str, str], Fields | None]

S = TypeVar("S", bound=Struct)
R = TypeVar("R")

# Kept as a table like the others, so that the file is one that TinyDB itself can open.
_ABOUT: dict[str, Fields] = {"file": {"program": "petition-bell", "format": 1}}


# --- the tables ----------------------------------------------------------------------------------


class _Day(Struct):
    """The counts read of one petition on one day, in UTC: pairs of Unix seconds and count."""

    counts: list[tuple[int, int]]


class _Note(Struct):
    value: str


class _Counter(Struct):
    """The number to give next."""

    next: int = 1


class _Shelf(Struct, Generic[S], frozen=True):
    """A table, and the kind of record its documents are; `indexed` if `_Index` follows them."""

    name: str
    kind: type[S]
    indexed: bool = False

    def read(self, document: Fields | None) -> S | None:
        return None if document is None else msgspec.convert(document, self.kind)


_CHATS = _Shelf("chats", Chat, indexed=True)
_SUBSCRIPTIONS = _Shelf("subscriptions", Subscription, indexed=True)
_PETITIONS = _Shelf("petitions", Known)
_OCCURRENCES = _Shelf("occurrences", Occurrence)
_READINGS = _Shelf("readings", _Day, indexed=True)
_DELIVERIES = _Shelf("deliveries", Delivery, indexed=True)
_NOTES = _Shelf("notes", _Note)
_COUNTERS = _Shelf("counters", _Counter)

_SHELVES: dict[str, _Shelf[Any]] = {
    shelf.name: shelf
    for shelf in (
        _CHATS,
        _SUBSCRIPTIONS,
        _PETITIONS,
        _OCCURRENCES,
        _READINGS,
        _DELIVERIES,
        _NOTES,
        _COUNTERS,
    )
}


def _followed_as(chat_id: int, petition: PetitionRef) -> str:
    return f"{chat_id}:{petition}"


class _Live(Storage):
    """The tables as they are on disk; TinyDB reads them here and writes nothing past us."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def read(self) -> Tables:
        return dict(self.tables)  # TinyDB drops a table before it writes

    def write(self, data: Tables) -> NoReturn:
        raise StorageError("the tables change by transactions only")


class _Copy(Document):
    """What TinyDB hands out: the reader's own, down to the last nested list."""

    def __init__(self, value: Mapping[str, Any], doc_id: int) -> None:
        super().__init__(deepcopy(dict(value)), doc_id)


class _Documents(Table):
    """A table whose documents have names for ids and are reached without a walk over the rest."""

    document_class = _Copy
    document_id_class = str  # type: ignore[assignment]  # TinyDB's own hook, typed for int alone

    @property
    def live(self) -> dict[str, Fields]:
        """The documents themselves, by id: to be converted, never to be handed out."""
        return cast(_Live, self.storage).tables[self.name]

    def place(self, doc_id: str, document: Fields | None) -> None:
        if document is None:
            del self.live[doc_id]
        else:
            self.live[doc_id] = document

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> NoReturn:
        # Here rather than in the storage: TinyDB changes documents in place before it writes.
        raise StorageError(f"{self.name} changes by transactions only")


class _Database(TinyDB):
    """TinyDB over the live tables."""

    table_class = _Documents

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables, storage=_Live)
        for name in tables:
            # A cached answer would be one object for all who ask, and outlive our changes.
            self.table(name, cache_size=0)

    def shelf(self, name: str) -> _Documents:
        return cast(_Documents, self.table(name))

    def get(self, shelf: _Shelf[S], doc_id: str) -> S | None:
        """A record as it was last committed."""
        return shelf.read(self.shelf(shelf.name).live.get(doc_id))


class _Transaction:
    """What one use case reads and changes; the tables themselves stay as they are meanwhile."""

    def __init__(self, database: _Database) -> None:
        self._database = database
        self.changes: Changes = {}

    def get(self, shelf: _Shelf[S], doc_id: str) -> S | None:
        return shelf.read(self._fields(shelf.name, doc_id))

    def has(self, shelf: _Shelf[S], doc_id: str) -> bool:
        return self._fields(shelf.name, doc_id) is not None

    def put(self, shelf: _Shelf[S], doc_id: str, record: S) -> None:
        self._change(shelf.name, doc_id, _document(record))

    def remove(self, shelf: _Shelf[S], doc_id: str) -> None:
        self._change(shelf.name, doc_id, None)

    def _fields(self, table: str, doc_id: str) -> Fields | None:
        if (table, doc_id) in self.changes:
            return self.changes[table, doc_id]
        return self._database.shelf(table).live.get(doc_id)

    def _change(self, table: str, doc_id: str, document: Fields | None) -> None:
        if self._database.shelf(table).live.get(doc_id) == document:
            self.changes.pop((table, doc_id), None)
        else:
            self.changes[table, doc_id] = document


def _document(record: Struct) -> Fields:
    """A record as the file gives it back, so that equal records are equal documents."""
    try:
        # Deterministic: a set has no order of its own.
        raw = msgspec.json.encode(record, order="deterministic")
    except ValueError as error:  # a lone surrogate in a text
        raise StorageError(f"a {type(record).__name__} cannot be written: {error}") from error
    return cast(Fields, msgspec.json.decode(raw))


# --- what is looked up other than by id ----------------------------------------------------------


class _Turn(NamedTuple):
    """A delivery's place in its chat's queue, and when it may go."""

    number: int
    due: datetime
    key: str


class _Agenda:
    """What each chat is owed, in order, and whose turn comes when.

    Both heaps may hold turns that are no longer the head of their chat's queue: whatever comes
    to the top is compared with the queue first, and dropped if it is stale.
    """

    def __init__(self) -> None:
        self._queues: dict[int, list[_Turn]] = {}
        self._resting: set[int] = set()
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
        return [turn.key for turn in taken.values()]

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

    def rest(self, chat_id: int, resting: bool) -> None:
        if resting:
            self._resting.add(chat_id)
        else:
            self._resting.discard(chat_id)

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


class _Index:
    """Who follows what, what they are owed and on which days we read: made anew at each start."""

    def __init__(self) -> None:
        self.agenda = _Agenda()
        self.followers: dict[PetitionRef, set[int]] = {}
        self.follows: dict[int, set[PetitionRef]] = {}
        self.days: dict[str, list[str]] = {}  # the ids of a petition's readings, oldest day first

    def apply(self, changes: Iterable[tuple[str, Struct | None, Struct | None]]) -> None:
        """Follow documents from what they were to what they are: (id, before, after) each."""
        touched: dict[int, None] = {}
        for doc_id, before, after in changes:
            self._leave(before, touched)
            self._enter(doc_id, after, touched, new=before is None)
        self.agenda.reschedule(touched)

    def _leave(self, record: Struct | None, touched: dict[int, None]) -> None:
        match record:
            case Subscription(chat_id=chat_id, petition=petition):
                _take_out(self.followers, petition, chat_id)
                _take_out(self.follows, chat_id, petition)
            case Delivery():
                self.agenda.drop(record)
                touched[record.chat_id] = None
            case Chat():
                self.agenda.rest(record.id, resting=False)
                touched[record.id] = None

    def _enter(
        self, doc_id: str, record: Struct | None, touched: dict[int, None], *, new: bool
    ) -> None:
        match record:
            case Subscription(chat_id=chat_id, petition=petition):
                self.followers.setdefault(petition, set()).add(chat_id)
                self.follows.setdefault(chat_id, set()).add(petition)
            case Delivery():
                self.agenda.add(record)
                touched[record.chat_id] = None
            case Chat():
                self.agenda.rest(record.id, resting=bool(record.resting))
                touched[record.id] = None
            case _Day() if new:
                insort(self.days.setdefault(doc_id.rpartition(":")[0], []), doc_id)


K = TypeVar("K")
V = TypeVar("V")


def _take_out(sets: dict[K, set[V]], key: K, value: V) -> None:
    sets[key].discard(value)
    if not sets[key]:
        del sets[key]


# --- the file ------------------------------------------------------------------------------------


class _WholeFile:
    """The tables as one JSON file, replaced whole by each commit; a side file keeps others out.

    The tables given out by `load` are the caller's to change, after `persist` has returned.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._next = self.path.with_name(f".{self.path.name}.commit")
        self._lock: IO[str] | None = None
        self._tables: Tables = {}

    def load(self) -> Tables:
        """Take the lock and read the tables; StorageError, and the file untouched, if it cannot."""
        try:
            self._take_lock()
            self._tables = {name: {} for name in _SHELVES} | self._read()
            self._discard_next()
        except BaseException:
            self.release()
            raise
        return self._tables

    def persist(self, changes: Changes) -> None:
        """Have the tables with these changes on disk, or leave the file as it was (OSError)."""
        try:
            self._write(_encoded(_merged(self._tables, changes)))
            os.replace(self._next, self.path)
        except BaseException:
            # What is erased must not live on in a file nobody finished.
            self._discard_next()
            raise
        self._sync_folder()

    def release(self) -> None:
        """Let another process have the file."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> None:
        side = self.path.with_name(f"{self.path.name}.lock")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = open(side, "a", opener=_privately)  # noqa: SIM115  # until `release`
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StorageError(f"{self.path} is in use by another process") from error
        except OSError as error:
            raise StorageError(f"{side} cannot be locked: {_reason(error)}") from error

    def _read(self) -> Tables:
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return {"about": dict(_ABOUT)}
        except OSError as error:
            raise StorageError(f"{self.path} cannot be read: {_reason(error)}") from error
        return _decoded(self.path, raw)

    def _write(self, chunks: Iterable[bytes]) -> None:
        # Buffered: an unbuffered write may be short and say nothing.
        with open(self._next, "wb", opener=_privately) as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _discard_next(self) -> None:
        with suppress(OSError):
            self._next.unlink(missing_ok=True)


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _merged(tables: Tables, changes: Changes) -> Tables:
    merged = dict(tables)
    for name in {name for name, _ in changes}:
        merged[name] = dict(tables[name])
    for (name, doc_id), document in changes.items():
        if document is None:
            del merged[name][doc_id]
        else:
            merged[name][doc_id] = document
    return merged


def _encoded(tables: Tables) -> Iterator[bytes]:
    """One JSON object, a line each document; in bites, so that the event loop gets its turns."""
    opening = b"{\n"
    for name, table in tables.items():
        yield opening + msgspec.json.encode(name) + b": {"
        separator = b"\n"
        for doc_id, document in table.items():
            yield separator + msgspec.json.encode(doc_id) + b": " + msgspec.json.encode(document)
            separator = b",\n"
        opening = b"},\n"
    yield b"}\n}\n"


def _decoded(path: Path, raw: bytes) -> Tables:
    try:
        tables = msgspec.json.decode(raw, type=Tables)
    except msgspec.ValidationError as error:
        raise StorageError(f"{path} is not a store of petition-bell") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StorageError(
            f"{path} is damaged, or not a store of petition-bell: {error}"
        ) from error
    _check_about(path, tables.get("about", {}).get("file", {}))
    return tables


def _check_about(path: Path, about: Fields) -> None:
    ours = _ABOUT["file"]
    if about.get("program") != ours["program"]:
        raise StorageError(f"{path} is not a store of petition-bell")
    if about.get("format") != ours["format"]:
        raise StorageError(f"{path} has format {about.get('format')!r}, which is unknown here")


# --- opening -------------------------------------------------------------------------------------


async def open_tiny(path: Path) -> "TinyStorage":
    """Open the store in a file, made with its folders if there is none.

    StorageError for a file that is in use, unreadable, damaged or not ours; it stays as it is.
    """
    return await asyncio.to_thread(_open, path)


def _open(path: Path) -> "TinyStorage":
    file = _WholeFile(path)
    tables = file.load()
    try:
        index = _Index()
        index.apply(_checked(file.path, tables))
    except BaseException:
        file.release()
        raise
    return TinyStorage(file, _Database(tables), index)


def _checked(path: Path, tables: Tables) -> Iterator[tuple[str, Struct | None, Struct | None]]:
    """Every record of the tables as something new; StorageError if one makes no sense."""
    for shelf in _SHELVES.values():
        for doc_id, document in tables[shelf.name].items():
            try:
                record = msgspec.convert(document, shelf.kind)
            except msgspec.ValidationError as error:
                raise StorageError(
                    f"{path} is damaged at {shelf.name} {doc_id}: {error}"
                ) from error
            if not _grounded(record, tables):
                raise StorageError(
                    f"{path} is damaged: {shelf.name} {doc_id} has lost its petition"
                )
            yield doc_id, None, record


def _grounded(record: Struct, tables: Tables) -> bool:
    """Whether all that a record refers to is there."""
    match record:
        case Subscription(petition=petition):
            return str(petition) in tables["petitions"]
        case Delivery(petition=petition, occurrences=keys):
            return str(petition) in tables["petitions"] and all(
                key in tables["occurrences"] for key in keys
            )
        case _:
            return True


# --- the use cases -------------------------------------------------------------------------------


class TinyStorage:
    """The storage contract on TinyDB; made by `open_tiny`."""

    def __init__(self, file: _WholeFile, database: _Database, index: _Index) -> None:
        self._file = file
        self._index = index
        self._one_at_a_time = asyncio.Lock()
        self._closed = False
        self._commits: set[asyncio.Task[Any]] = set()
        self.database = database

    async def close(self) -> None:
        async with self._one_at_a_time:
            self._closed = True
            self.database.close()
            self._file.release()

    # --- one transaction

    async def _change(self, work: Callable[[_Transaction], R]) -> R:
        """Do one use case: on disk and in memory when this returns, or neither if it raises.

        Who is cancelled while waiting leaves the commit to finish, whole, behind their back.
        """
        commit = asyncio.create_task(self._commit(work))
        self._commits.add(commit)
        commit.add_done_callback(self._commits.discard)
        return await asyncio.shield(commit)

    async def _commit(self, work: Callable[[_Transaction], R]) -> R:
        async with self._one_at_a_time:
            if self._closed:
                raise StorageError(f"{self._file.path} is closed")
            transaction = _Transaction(self.database)
            result = work(transaction)
            if transaction.changes:
                await self._persist(transaction.changes)
                self._apply(transaction.changes)
            return result

    async def _persist(self, changes: Changes) -> None:
        try:
            await asyncio.to_thread(self._file.persist, changes)
        except OSError as error:
            raise StorageError(f"{self._file.path} is not written: {_reason(error)}") from error

    def _apply(self, changes: Changes) -> None:
        moves: list[tuple[str, Struct | None, Struct | None]] = []
        for (name, doc_id), document in changes.items():
            table, shelf = self.database.shelf(name), _SHELVES[name]
            if shelf.indexed:
                moves.append((doc_id, shelf.read(table.live.get(doc_id)), shelf.read(document)))
            table.place(doc_id, document)
        self._index.apply(moves)

    # --- chats

    async def chat(self, chat_id: int) -> Chat | None:
        return self.database.get(_CHATS, str(chat_id))

    async def save_chat(self, chat: Chat) -> None:
        await self._change(lambda transaction: transaction.put(_CHATS, str(chat.id), chat))

    async def rest_chat(self, chat_id: int, reason: str, now: datetime) -> None:
        def work(transaction: _Transaction) -> None:
            chat = transaction.get(_CHATS, str(chat_id))
            if chat is not None:
                since = chat.resting_since or now
                resting = structs.replace(chat, resting=reason, resting_since=since)
                transaction.put(_CHATS, str(chat_id), resting)

        await self._change(work)

    async def wake_chat(self, chat_id: int, now: datetime) -> bool:
        def work(transaction: _Transaction) -> bool:
            chat = transaction.get(_CHATS, str(chat_id))
            if chat is None or not chat.resting:
                return False
            awake = structs.replace(chat, resting="", resting_since=None)
            transaction.put(_CHATS, str(chat_id), awake)
            return True

        return await self._change(work)

    async def move_chat(self, old_id: int, new_id: int) -> None:
        def work(transaction: _Transaction) -> None:
            if old_id != new_id:
                _move_chat(transaction, old_id, new_id)
                for subscription in self._subscriptions(old_id):
                    _move_subscription(transaction, subscription, new_id)
                for key in self._index.agenda.keys(old_id):
                    _move_delivery(transaction, key, new_id)

        await self._change(work)

    async def chat_data(self, chat_id: int) -> ChatData | None:
        chat = self.database.get(_CHATS, str(chat_id))
        if chat is None:
            return None
        waiting = len(self._index.agenda.keys(chat_id))
        return ChatData(chat, tuple(self._subscriptions(chat_id)), waiting)

    async def forget_chat(self, chat_id: int) -> None:
        def work(transaction: _Transaction) -> None:
            transaction.remove(_CHATS, str(chat_id))
            for petition in self._index.follows.get(chat_id, ()):
                transaction.remove(_SUBSCRIPTIONS, _followed_as(chat_id, petition))
            for key in self._index.agenda.keys(chat_id):
                transaction.remove(_DELIVERIES, key)

        await self._change(work)

    # --- subscriptions

    async def subscribe(self, subscription: Subscription) -> tuple[Subscription, bool]:
        def work(transaction: _Transaction) -> tuple[Subscription, bool]:
            doc_id = _followed_as(subscription.chat_id, subscription.petition)
            existing = transaction.get(_SUBSCRIPTIONS, doc_id)
            if existing is not None:
                return existing, False
            if not transaction.has(_PETITIONS, str(subscription.petition)):
                raise StorageError(f"{subscription.petition} is not known, so nobody can follow it")
            transaction.put(_SUBSCRIPTIONS, doc_id, subscription)
            return subscription, True

        return await self._change(work)

    async def unsubscribe(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        def work(transaction: _Transaction) -> Subscription | None:
            doc_id = _followed_as(chat_id, petition)
            existing = transaction.get(_SUBSCRIPTIONS, doc_id)
            transaction.remove(_SUBSCRIPTIONS, doc_id)
            for delivery in self._owed(transaction, chat_id, petition):
                transaction.remove(_DELIVERIES, delivery.key)
            return existing

        return await self._change(work)

    async def subscription(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        return self.database.get(_SUBSCRIPTIONS, _followed_as(chat_id, petition))

    async def subscriptions(self, chat_id: int) -> Sequence[Subscription]:
        return self._subscriptions(chat_id)

    async def mute(self, chat_id: int, petition: PetitionRef, muted: bool) -> Subscription | None:
        def work(transaction: _Transaction) -> Subscription | None:
            doc_id = _followed_as(chat_id, petition)
            existing = transaction.get(_SUBSCRIPTIONS, doc_id)
            if existing is None:
                return None
            changed = structs.replace(existing, muted=muted)
            transaction.put(_SUBSCRIPTIONS, doc_id, changed)
            for delivery in self._owed(transaction, chat_id, petition):
                quiet = structs.replace(delivery, silent=muted)
                transaction.put(_DELIVERIES, delivery.key, quiet)
            return changed

        return await self._change(work)

    def _subscriptions(self, chat_id: int) -> list[Subscription]:
        """What a chat follows, newest first."""
        follows = self._index.follows.get(chat_id, ())
        found = [
            self.database.get(_SUBSCRIPTIONS, _followed_as(chat_id, petition))
            for petition in follows
        ]
        present = [subscription for subscription in found if subscription is not None]
        return sorted(present, key=lambda each: (each.created_at, each.petition), reverse=True)

    def _subscribers(self, petition: PetitionRef) -> list[Subscription]:
        """How everybody follows a petition, who came first first."""
        followers = self._index.followers.get(petition, ())
        found = [
            self.database.get(_SUBSCRIPTIONS, _followed_as(chat_id, petition))
            for chat_id in followers
        ]
        present = [subscription for subscription in found if subscription is not None]
        return sorted(present, key=lambda each: (each.created_at, each.chat_id))

    def _owed(
        self, transaction: _Transaction, chat_id: int, petition: PetitionRef
    ) -> list[Delivery]:
        """What a chat is owed about one petition, oldest first."""
        found = [transaction.get(_DELIVERIES, key) for key in self._index.agenda.keys(chat_id)]
        return [each for each in found if each is not None and each.petition == petition]

    # --- petitions

    async def known(self, petition: PetitionRef) -> Known | None:
        return self.database.get(_PETITIONS, str(petition))

    async def followed(self) -> Sequence[PetitionRef]:
        return sorted(self._index.followers)

    async def readings(self, petition: PetitionRef, since: datetime) -> Sequence[Reading]:
        """The counts read since then, oldest first; times are kept to the second."""
        first = _day_id(petition, since)
        days = self._index.days.get(str(petition), [])
        return [
            Reading(datetime.fromtimestamp(seconds, UTC), count)
            for doc_id in days[bisect_left(days, first) :]
            for seconds, count in self._counts(doc_id)
            if seconds >= _seconds(since)
        ]

    async def commit_poll(
        self, known: Known, occurrences: Sequence[Occurrence], now: datetime
    ) -> int:
        def work(transaction: _Transaction) -> int:
            ref = known.petition.ref
            transaction.put(_PETITIONS, str(ref), known)
            self._keep_reading(transaction, known)
            new = _keep_occurrences(transaction, occurrences)
            return _owe(transaction, new, self._subscribers(ref), _aware(now)) if new else 0

        return await self._change(work)

    def _counts(self, doc_id: str) -> list[tuple[int, int]]:
        day = self.database.get(_READINGS, doc_id)
        return day.counts if day is not None else []

    def _keep_reading(self, transaction: _Transaction, known: Known) -> None:
        ref, count = known.petition.ref, known.petition.signature_count
        days = self._index.days.get(str(ref), [])
        if days and self._counts(days[-1])[-1][1] == count:
            return
        doc_id = _day_id(ref, known.read_at)
        counts = self._counts(doc_id)
        insort(counts, (_seconds(known.read_at), count), key=lambda pair: pair[0])
        transaction.put(_READINGS, doc_id, _Day(counts))

    # --- deliveries

    async def claim_deliveries(
        self, now: datetime, limit: int, lease: timedelta
    ) -> Sequence[ClaimedDelivery]:
        def work(transaction: _Transaction) -> list[ClaimedDelivery]:
            keys = self._index.agenda.due(now, limit)
            return [_claim(transaction, key, _aware(now) + lease) for key in keys]

        return await self._change(work)

    async def settle(self, key: str) -> None:
        await self._change(lambda transaction: transaction.remove(_DELIVERIES, key))

    async def retry(self, key: str, not_before: datetime) -> None:
        def work(transaction: _Transaction) -> None:
            delivery = transaction.get(_DELIVERIES, key)
            if delivery is not None:
                attempts = delivery.attempts + 1
                given_back = structs.replace(
                    delivery, not_before=_aware(not_before), attempts=attempts, leased_until=None
                )
                transaction.put(_DELIVERIES, key, given_back)

        await self._change(work)

    async def next_due(self, now: datetime) -> datetime | None:
        return self._index.agenda.next_due(now)

    # --- the rest

    async def tally(self) -> Tally:
        def size(shelf: _Shelf[S]) -> int:
            return len(self.database.shelf(shelf.name))

        return Tally(
            chats=size(_CHATS),
            subscriptions=size(_SUBSCRIPTIONS),
            petitions=size(_PETITIONS),
            waiting=size(_DELIVERIES),
            oldest_waiting=self._index.agenda.oldest(),
        )

    async def note(self, name: str) -> str | None:
        note = self.database.get(_NOTES, name)
        return note.value if note is not None else None

    async def save_note(self, name: str, value: str) -> None:
        await self._change(lambda transaction: transaction.put(_NOTES, name, _Note(value)))


# --- steps of the use cases ----------------------------------------------------------------------


def _aware(when: datetime) -> datetime:
    """The same time, which must have a zone: one without cannot be put in order with the rest."""
    if when.tzinfo is None:
        raise ValueError(f"a time without a zone: {when}")
    return when


def _seconds(when: datetime) -> int:
    return int(when.timestamp() // 1)


def _day_id(petition: PetitionRef, when: datetime) -> str:
    return f"{petition}:{when.astimezone(UTC):%Y-%m-%d}"


def _keep_occurrences(
    transaction: _Transaction, occurrences: Sequence[Occurrence]
) -> list[Occurrence]:
    """Keep those whose key is new; they are returned, in their order."""
    new: list[Occurrence] = []
    for occurrence in occurrences:
        if not transaction.has(_OCCURRENCES, occurrence.key):
            transaction.put(_OCCURRENCES, occurrence.key, occurrence)
            new.append(occurrence)
    return new


def _owe(
    transaction: _Transaction,
    occurrences: Sequence[Occurrence],
    subscriptions: Sequence[Subscription],
    now: datetime,
) -> int:
    """Owe each subscriber the news; how many deliveries that makes."""
    counter = transaction.get(_COUNTERS, "delivery") or _Counter()
    deliveries = match(occurrences, subscriptions, now, counter.next)
    for delivery in deliveries:
        transaction.put(_DELIVERIES, delivery.key, delivery)
    if deliveries:
        transaction.put(_COUNTERS, "delivery", _Counter(deliveries[-1].number + 1))
    return len(deliveries)


def _claim(transaction: _Transaction, key: str, until: datetime) -> ClaimedDelivery:
    delivery = structs.replace(_kept(transaction, _DELIVERIES, key), leased_until=until)
    transaction.put(_DELIVERIES, key, delivery)
    return ClaimedDelivery(
        delivery=delivery,
        known=_kept(transaction, _PETITIONS, str(delivery.petition)),
        occurrences=tuple(_kept(transaction, _OCCURRENCES, each) for each in delivery.occurrences),
    )


def _kept(transaction: _Transaction, shelf: _Shelf[S], doc_id: str) -> S:
    record = transaction.get(shelf, doc_id)
    if record is None:
        raise StorageError(f"{shelf.name} {doc_id} is lost")
    return record


def _move_chat(transaction: _Transaction, old_id: int, new_id: int) -> None:
    old = transaction.get(_CHATS, str(old_id))
    if old is None:
        return
    new = transaction.get(_CHATS, str(new_id)) or structs.replace(old, id=new_id)
    merged = structs.replace(
        new,
        created_at=_earlier(old.created_at, new.created_at),
        consented_at=_earlier(old.consented_at, new.consented_at),
    )
    transaction.remove(_CHATS, str(old_id))
    transaction.put(_CHATS, str(new_id), merged)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _move_subscription(transaction: _Transaction, old: Subscription, new_id: int) -> None:
    doc_id = _followed_as(new_id, old.petition)
    existing = transaction.get(_SUBSCRIPTIONS, doc_id)
    if existing is None or old.created_at < existing.created_at:
        transaction.put(_SUBSCRIPTIONS, doc_id, structs.replace(old, chat_id=new_id))
    transaction.remove(_SUBSCRIPTIONS, _followed_as(old.chat_id, old.petition))


def _move_delivery(transaction: _Transaction, key: str, new_id: int) -> None:
    old = _kept(transaction, _DELIVERIES, key)
    new_key = f"{key.removesuffix(f':{old.chat_id}')}:{new_id}"
    if not transaction.has(_DELIVERIES, new_key):
        transaction.put(_DELIVERIES, new_key, structs.replace(old, key=new_key, chat_id=new_id))
    transaction.remove(_DELIVERIES, key)
