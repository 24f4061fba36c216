"""The tables: TinyDB over documents that change by transactions only."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar, assert_never, cast
from uuid import uuid4

import msgspec
from msgspec import Struct
from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document, Table

from bot.petitions.errors import StorageError
from bot.petitions.model import (
    Chat,
    Delivery,
    Known,
    Occurrence,
    PetitionRef,
    Rule,
    Subscription,
)

Fields: TypeAlias = dict[str, Any]
Tables: TypeAlias = dict[str, dict[str, Fields]]
# What a transaction did, by table and document id; None is a document taken out.
Changes: TypeAlias = dict[tuple[str, str], Fields | None]

S = TypeVar("S", bound=Struct)


class Day(Struct):
    """The counts read of one petition on one day, in UTC: pairs of Unix seconds and count."""

    counts: list[tuple[int, int]]


class Note(Struct):
    value: str


class Counter(Struct):
    """The number to give next."""

    next: int = 1


class Lonely(Struct):
    """A petition that nobody has followed since then, as far as we have looked."""

    since: datetime


class RecentAlerts(Struct):
    """When a chat was told alerts that were due at once, in Unix seconds: those of a moment ago."""

    at: list[int]


class Shelf(Struct, Generic[S], frozen=True):
    """A table, and the kind of record its documents are; `indexed` if `Index` follows them."""

    name: str
    kind: type[S]
    indexed: bool = False

    def read(self, document: Fields | None) -> S | None:
        return None if document is None else msgspec.convert(document, self.kind)


CHATS = Shelf("chats", Chat, indexed=True)
SUBSCRIPTIONS = Shelf("subscriptions", Subscription, indexed=True)
RULES = Shelf("rules", Rule, indexed=True)
PETITIONS = Shelf("petitions", Known)
OCCURRENCES = Shelf("occurrences", Occurrence)
READINGS = Shelf("readings", Day, indexed=True)
DELIVERIES = Shelf("deliveries", Delivery, indexed=True)
NOTES = Shelf("notes", Note)
ERASE = "erase"  # the note that stands until what was taken out is in no file any more
COUNTERS = Shelf("counters", Counter)
LONELY = Shelf("lonely", Lonely)
RECENT = Shelf("recent_alerts", RecentAlerts)

SHELVES: dict[str, Shelf[Any]] = {
    shelf.name: shelf
    for shelf in (
        CHATS,
        SUBSCRIPTIONS,
        RULES,
        PETITIONS,
        OCCURRENCES,
        READINGS,
        DELIVERIES,
        NOTES,
        COUNTERS,
        LONELY,
        RECENT,
    )
}


_SHELF_OF: dict[type[Struct], Shelf[Any]] = {shelf.kind: shelf for shelf in SHELVES.values()}


def wish_to_erase(transaction: "Transaction") -> None:
    """Note that no file may hold for long what is taken out; each wish is told from any other."""
    transaction.put(NOTES, ERASE, Note(uuid4().hex))


# A record that says itself what it is called.
Named: TypeAlias = Chat | Subscription | Rule | Known | Occurrence | Delivery


def name_of(record: Named) -> str:
    """The id of a record's document."""
    match record:
        case Chat(id=chat_id):
            return str(chat_id)
        case Subscription(chat_id=chat_id, petition=petition):
            return followed_as(chat_id, petition)
        case Rule(chat_id=chat_id, number=number):
            return ruled_as(chat_id, number)
        case Known(petition=petition):
            return str(petition.ref)
        case Occurrence(key=key) | Delivery(key=key):
            return key
        case _:
            assert_never(record)


def documents_of(records: Iterable[Named]) -> dict[str, Fields]:
    """Records as the documents of a table, by their ids."""
    return {name_of(record): document_of(record) for record in records}


def followed_as(chat_id: int, petition: PetitionRef) -> str:
    return f"{chat_id}:{petition}"


def ruled_as(chat_id: int, number: int) -> str:
    return f"{chat_id}:{number}"


def second_of(when: datetime) -> int:
    """The Unix second of an instant, as readings keep it."""
    return int(when.timestamp() // 1)


def day_id(petition: PetitionRef, second: int) -> str:
    """The name of the readings of one petition on the day, in UTC, of a Unix second."""
    return f"{petition}:{datetime.fromtimestamp(second, UTC):%Y-%m-%d}"


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

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> NoReturn:
        # Here rather than in the storage: TinyDB changes documents in place before it writes.
        raise StorageError(f"{self.name} changes by transactions only")


class Database(TinyDB):
    """TinyDB over the live tables."""

    table_class = _Documents

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables, storage=_Live)
        self._documents = tables
        for name in tables:
            # A cached answer would be one object for all who ask, and outlive our changes.
            self.table(name, cache_size=0)

    def get(self, shelf: Shelf[S], doc_id: str) -> S | None:
        """A record as it was last committed."""
        return shelf.read(self._documents[shelf.name].get(doc_id))

    def live(self, shelf: Shelf[S]) -> Mapping[str, Fields]:
        """A table's documents by id: to be read, never to be handed out."""
        return self._documents[shelf.name]

    def place(self, name: str, doc_id: str, document: Fields | None) -> Fields | None:
        """Put a document into a table, or take it out; what was there before."""
        table = self._documents[name]
        before = table.get(doc_id)
        if document is None:
            table.pop(doc_id, None)
        else:
            table[doc_id] = document
        return before

    def copied(self) -> Tables:
        """The tables as they are now; later changes replace documents whole, and pass them by."""
        return {name: dict(self._documents[name]) for name in SHELVES}


class Transaction:
    """What one use case reads and changes; the tables themselves stay as they are meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.changes: Changes = {}

    def get(self, shelf: Shelf[S], doc_id: str) -> S | None:
        return shelf.read(self.fields(shelf, doc_id))

    def has(self, shelf: Shelf[S], doc_id: str) -> bool:
        return self.fields(shelf, doc_id) is not None

    def keep(self, record: Named) -> None:
        self.place(_SHELF_OF[type(record)].name, name_of(record), document_of(record))

    def put(self, shelf: Shelf[S], doc_id: str, record: S) -> None:
        self.place(shelf.name, doc_id, document_of(record))

    def remove(self, shelf: Shelf[S], doc_id: str) -> None:
        self.place(shelf.name, doc_id, None)

    def fields(self, shelf: Shelf[S], doc_id: str) -> Fields | None:
        """A document itself: to be read, never to be handed out."""
        if (shelf.name, doc_id) in self.changes:
            return self.changes[shelf.name, doc_id]
        return self._database.live(shelf).get(doc_id)

    def place(self, table: str, doc_id: str, document: Fields | None) -> None:
        if self._database.live(SHELVES[table]).get(doc_id) == document:
            self.changes.pop((table, doc_id), None)
        else:
            self.changes[table, doc_id] = document


def document_of(record: Struct) -> Fields:
    """A record as the file gives it back, so that equal records are equal documents."""
    return cast(Fields, msgspec.json.decode(encoded(record)))


def encoded(record: Struct) -> bytes:
    """A record as JSON, the same for equal ones; StorageError if it cannot be written."""
    try:
        # Deterministic: a set has no order of its own.
        return msgspec.json.encode(record, order="deterministic")
    except ValueError as error:  # a lone surrogate in a text
        raise StorageError(f"a {type(record).__name__} cannot be written: {error}") from error
