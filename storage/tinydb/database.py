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
    _SPEC_OF,
    DELIVERIES,
    ERASE,
    NOTES,
    OCCURRENCES,
    PETITIONS,
    SUBSCRIPTIONS,
    TABLE_SPECS,
    Fields,
    Named,
    Note,
    S,
    Tables,
    TableSpec,
    document_of,
    name_of,
)
from storage.tinydb.files import StoreFiles
from storage.tinydb.index import Index
from storage.tinydb.journal import Changes
from storage.tinydb.journalled import JournalledStorage, backwards
from storage.tinydb.table import JournalledTinyDB, Table

R = TypeVar("R")

_NAMED = (Chat, Subscription, Rule, PetitionHistory, Occurrence, Delivery)


def request_erasure(transaction: "Transaction") -> None:
    """Note that no file may hold for long what is taken out; no two requests are alike."""
    transaction.put(NOTES, ERASE, Note(uuid4().hex))


class RecordStorage(JournalledStorage):
    """A storage whose tables of the bot hold records alone, which the index follows.

    `route` returns what does a transaction in its turn for another thread than the bot's, or None
    if this thread may do it itself.
    """

    def __init__(self, files: StoreFiles, index: Index) -> None:
        super().__init__(files)
        self.index = index
        self.route: Callable[[Callable[[], Any]], Callable[[], Any] | None] = lambda work: None

    def transact(self, work: Callable[[], R]) -> R:
        """Does what `JournalledStorage.transact` does, for the bot's records alone.

        StorageError for what is no record of the bot's.
        """
        if self.in_transaction:
            return work()

        def checked() -> R:
            result = work()
            self._check()
            return result

        elsewhere = self.route(checked)
        result: R = super().transact(checked) if elsewhere is None else elsewhere()
        return result

    def compact_if_due(self) -> None:
        """Do nothing: `Commits` compacts the files, while it goes on with its work."""

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
            spec = TABLE_SPECS.get(name)
            if doc_id is None or spec is None or not spec.indexed:
                undo[name, doc_id] = self._put(name, doc_id, document)
                continue
            after = spec.read(document)
            before = undo[name, doc_id] = self._put(name, doc_id, document)
            yield doc_id, spec.read(before), after

    def _check(self) -> None:
        """Raise StorageError if the bot could not open the store with what was changed."""
        is_gone = False
        for (name, doc_id), document in self.changes.items():
            if doc_id is None or name not in TABLE_SPECS:
                continue
            if document is not None:
                self._check_record(TABLE_SPECS[name], doc_id, document)
            is_gone |= document is None and name in {PETITIONS.name, OCCURRENCES.name}
        if is_gone:  # perhaps what others refer to
            for spec in (SUBSCRIPTIONS, DELIVERIES):
                for doc_id, document in self.documents(spec.name).items():
                    self._check_record(spec, doc_id, document)

    def _check_record(self, spec: TableSpec[Any], doc_id: str, document: Fields) -> None:
        try:
            record = msgspec.convert(document, spec.kind)
        except msgspec.ValidationError as error:
            raise StorageError(f"a document of {spec.name} is no record: {error}") from error
        if isinstance(record, _NAMED) and name_of(record) != doc_id:
            raise StorageError(f"a document of {spec.name} has another id than its record")
        if not grounded(record, lambda *place: self.document(*place) is not None):
            raise StorageError(f"a document of {spec.name} is about a petition that is not there")


class Database(JournalledTinyDB):
    """A TinyDB whose tables hold the bot's records."""

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

    def get(self, spec: TableSpec[S], doc_id: str) -> S | None:
        """Return a record as it was last committed, None if there is none."""
        return spec.read(self.live(spec).get(doc_id))

    def live(self, spec: TableSpec[S]) -> Mapping[str, Fields]:
        """Return a table's documents by id, as last committed: to be read, not to be handed out."""
        return self.records.tables.get(spec.name, {})

    def copied(self) -> Tables:
        """Return the bot's tables as they are now, whatever is changed later."""
        return {name: dict(self.live(spec)) for name, spec in TABLE_SPECS.items()}


class Transaction:
    """The records of a database as one use case reads and changes them.

    In `Database.transact` it sees what it has changed; elsewhere it can only read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._storage = database.records

    @property
    def changes(self) -> Mapping[tuple[str, str | None], Fields | None]:
        """The documents it has changed so far, by table and id; None for those it has taken out."""
        return self._storage.changes

    def get(self, spec: TableSpec[S], doc_id: str) -> S | None:
        return spec.read(self._storage.document(spec.name, doc_id))

    def has(self, spec: TableSpec[S], doc_id: str) -> bool:
        return self._storage.document(spec.name, doc_id) is not None

    def keep(self, record: Named) -> None:
        self.put(_SPEC_OF[type(record)], name_of(record), record)

    def put(self, spec: TableSpec[S], doc_id: str, record: Struct) -> None:
        self.table(spec).put({doc_id: document_of(record)})

    def remove(self, spec: TableSpec[S], doc_id: str) -> None:
        self.table(spec).remove(doc_ids=[doc_id])

    def table(self, spec: TableSpec[S]) -> Table:
        """Return the table itself, as TinyDB has it."""
        return self._database.table(spec.name)
