"""TinyDB over documents that change by transactions only."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, NoReturn, TypeAlias
from uuid import uuid4

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document, Table

from bot.errors import StorageError
from storage.tables import (
    _SHELF_OF,
    ERASE,
    NOTES,
    SHELVES,
    Fields,
    Named,
    Note,
    S,
    Shelf,
    Tables,
    document_of,
    name_of,
)

# What a transaction did, by table and document id; None is a document taken out.
Changes: TypeAlias = dict[tuple[str, str], Fields | None]


def wish_to_erase(transaction: "Transaction") -> None:
    """Note that no file may hold for long what is taken out; each wish is told from any other."""
    transaction.put(NOTES, ERASE, Note(uuid4().hex))


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
