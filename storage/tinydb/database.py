"""The bot's records in TinyDB: what may be kept of them, and how use cases change them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, cast
from uuid import uuid4

import msgspec
from msgspec import Struct

from bot.errors import StorageError
from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.subscription import Chat, Rule, Subscription
from storage.integrity import grounded
from storage.tables import (
    _SHELF_OF,
    DELIVERIES,
    ERASE,
    NOTES,
    OCCURRENCES,
    PETITIONS,
    SHELVES,
    SUBSCRIPTIONS,
    Fields,
    Named,
    Note,
    S,
    Shelf,
    Tables,
    document_of,
    name_of,
)
from storage.tinydb.files import Changes, StoreFiles
from storage.tinydb.index import Index
from storage.tinydb.journalled import JournalledStorage, backwards
from storage.tinydb.table import JournalledTinyDB, Table

R = TypeVar("R")

_NAMED = (Chat, Subscription, Rule, PetitionHistory, Occurrence, Delivery)


def wish_to_erase(transaction: "Transaction") -> None:
    """Note that no file may hold for long what is taken out; each wish is told from any other."""
    transaction.put(NOTES, ERASE, Note(uuid4().hex))


class RecordStorage(JournalledStorage):
    """A storage whose tables of the bot hold records alone, which the index follows.

    `route`, where there is one, does a transaction of a thread other than the bot's in its turn.
    """

    def __init__(self, files: StoreFiles, index: Index) -> None:
        super().__init__(files)
        self.index = index
        self.route: Callable[[Callable[[], Any]], Callable[[], Any] | None] = lambda work: None

    def transact(self, work: Callable[[], R]) -> R:
        """As `JournalledStorage.transact`; StorageError for what is no record of the bot's."""
        if self.in_transaction:
            return work()

        def checked() -> R:
            result = work()
            self._check()
            return result

        elsewhere = self.route(checked)
        result: R = super().transact(checked) if elsewhere is None else elsewhere()
        return result

    def fold_if_due(self) -> None:
        """Nothing: `Commits` folds, while it goes on with its work."""

    def apply(self, changes: Changes) -> Changes:
        """Changes the tables and the index; returns what would change them back.

        Where a document is none that could be read again, nothing is changed.
        """
        undo: Changes = {}
        try:
            self.index.apply(self._moves(changes, undo))
        except Exception:
            self.index.apply(self._moves(backwards(undo), {}))
            raise
        return backwards(undo)

    def _moves(
        self, changes: Changes, undo: Changes
    ) -> Iterator[tuple[str, Struct | None, Struct | None]]:
        """Change the tables one document at a time, and tell of those that are indexed."""
        for (name, doc_id), document in changes.items():
            shelf = SHELVES.get(name)
            if doc_id is None or shelf is None or not shelf.indexed:
                undo[name, doc_id] = self._put(name, doc_id, document)
                continue
            after = shelf.read(document)
            before = undo[name, doc_id] = self._put(name, doc_id, document)
            yield doc_id, shelf.read(before), after

    def _check(self) -> None:
        """StorageError unless the bot could open the store with what the transaction changed."""
        is_gone = False
        for (name, doc_id), document in self.changes.items():
            if doc_id is None or name not in SHELVES:
                continue
            if document is not None:
                self._check_record(SHELVES[name], doc_id, document)
            is_gone |= document is None and name in {PETITIONS.name, OCCURRENCES.name}
        if is_gone:  # perhaps what others refer to
            for shelf in (SUBSCRIPTIONS, DELIVERIES):
                for doc_id, document in self.documents(shelf.name).items():
                    self._check_record(shelf, doc_id, document)

    def _check_record(self, shelf: Shelf[Any], doc_id: str, document: Fields) -> None:
        try:
            record = msgspec.convert(document, shelf.kind)
        except msgspec.ValidationError as error:
            raise StorageError(f"a document of {shelf.name} is no record: {error}") from error
        if isinstance(record, _NAMED) and name_of(record) != doc_id:
            raise StorageError(f"a document of {shelf.name} has another id than its record")
        if not grounded(record, lambda *place: self.document(*place) is not None):
            raise StorageError(f"a document of {shelf.name} is about a petition that is not there")


class Database(JournalledTinyDB):
    """TinyDB over the bot's records."""

    def __init__(self, files: StoreFiles, index: Index) -> None:
        super().__init__(files, index, storage=RecordStorage)
        assert isinstance(self.storage, RecordStorage)  # noqa: S101 - it was made so
        self.records = self.storage

    def table(self, name: str, **options: Any) -> Table:
        """A table; what it has answered is not kept for who asks next, unless that is asked for.

        Use cases change documents without going through the tables that others hold.
        """
        if name not in self._tables:
            super().table(name, **{"cache_size": 0, **options})
        return cast(Table, self._tables[name])

    def get(self, shelf: Shelf[S], doc_id: str) -> S | None:
        """A record as it was last committed."""
        return shelf.read(self.live(shelf).get(doc_id))

    def live(self, shelf: Shelf[S]) -> Mapping[str, Fields]:
        """A table's documents by id, as last committed: to be read, never to be handed out."""
        return self.records.tables.get(shelf.name, {})

    def copied(self) -> Tables:
        """The bot's tables as they are now, whatever is changed later."""
        return {name: dict(self.live(shelf)) for name, shelf in SHELVES.items()}


class Transaction:
    """The records of a database as one use case reads and changes them.

    In `Database.transact` it sees what it has changed; elsewhere it can only read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._storage = database.records

    @property
    def changes(self) -> Mapping[tuple[str, str | None], Fields | None]:
        """What it has changed so far."""
        return self._storage.changes

    def get(self, shelf: Shelf[S], doc_id: str) -> S | None:
        return shelf.read(self._storage.document(shelf.name, doc_id))

    def has(self, shelf: Shelf[S], doc_id: str) -> bool:
        return self._storage.document(shelf.name, doc_id) is not None

    def keep(self, record: Named) -> None:
        self.put(_SHELF_OF[type(record)], name_of(record), record)

    def put(self, shelf: Shelf[S], doc_id: str, record: Struct) -> None:
        self.table(shelf).put({doc_id: document_of(record)})

    def remove(self, shelf: Shelf[S], doc_id: str) -> None:
        self.table(shelf).remove(doc_ids=[doc_id])

    def table(self, shelf: Shelf[S]) -> Table:
        """The table itself, as TinyDB has it."""
        return self._database.table(shelf.name)
