"""A TinyDB storage that is encrypted, and loses nothing: every write goes to a journal first.

TinyDB's own storages write the whole database each time. This one writes what has changed, waits
until it would survive a power cut, and brings all of it into the tables or nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import RLock, get_ident
from time import monotonic
from typing import Any, TypeVar

import msgspec
import structlog
from tinydb.storages import Storage

from bot.errors import StorageError
from storage.disk import Disk, reason
from storage.key_file import KeyRing
from storage.tables import Fields, Tables
from storage.tinydb.files import StoreFiles
from storage.tinydb.journal import Changes

log = structlog.get_logger(__name__)

COMPACT_AGAIN_AFTER = 30.0  # seconds after a compaction that failed

R = TypeVar("R")


class JournalledStorage(Storage):
    """TinyDB's tables in memory, and on disk: `TinyDB(path, key_file, storage=JournalledStorage)`.

    `storage.tinydb.table.Table` changes single documents of it; TinyDB's own table class works too,
    and then each change compares all there is. Any thread may use it; they take turns.
    """

    def __init__(
        self,
        place: str | Path | StoreFiles,
        key_file: Path | None = None,
        *,
        key: str | None = None,
        disk: Disk | None = None,
    ) -> None:
        """Opens the store at a path, made if there is none, or of files that were named otherwise.

        `key` (base64) goes before the key file, which is made if it is missing. StorageError for a
        store that is in use, unreadable, damaged, encrypted with another key or not ours.
        """
        if not isinstance(place, StoreFiles):
            place = StoreFiles(Path(place), KeyRing(key_file, key), disk or Disk())
        self.files = place
        self.lock = RLock()
        self.tables: Tables = self.files.load()
        self._pending: Changes = {}  # what the transaction under way has changed
        self._owner: int | None = None  # the thread whose transaction it is
        self._compact_not_before = 0.0

    # --- as TinyDB knows it

    def read(self) -> Tables | None:
        """Returns all the tables, in a copy that is the reader's own; None if there are none."""
        with self.lock:
            tables = {name: self.documents(name) for name in self.names()}
        return msgspec.to_builtins(tables) or None

    def write(self, data: Mapping[str, Mapping[Any, Mapping[str, Any]]]) -> None:
        """Makes the tables what is given, durably.

        TypeError or ValueError, and nothing done, if that is not JSON or no tables of documents.
        """
        try:
            given = msgspec.convert(as_kept(data), Tables)
        except msgspec.ValidationError as error:
            raise TypeError(f"these are no tables of documents: {error}") from error

        def work() -> None:
            for name in self.names() - given.keys():
                self.drop(name)
            for name, documents in given.items():
                self.make(name)
                for doc_id in self.documents(name).keys() - documents.keys():
                    self.place(name, doc_id, None)
                for doc_id, document in documents.items():
                    self.place(name, doc_id, document)

        self.transact(work)

    def close(self) -> None:
        """Lets another process have the store; nothing can be changed any more."""
        with self.lock:
            self.files.release()

    # --- transactions

    def transact(self, work: Callable[[], R]) -> R:
        """Returns what `work` returns; all that it changed by TinyDB is durable then.

        If it raises, or the disk fails (StorageError), nothing has changed. A transaction inside
        another is part of it.
        """
        if self.in_transaction:
            return work()
        with self.lock:
            result, changes = self.collect(work)
            if changes:
                undo = self.apply(changes)
                try:
                    self.append([changes])
                except Exception:
                    self.apply(undo)
                    raise
                self.compact_if_due()
            return result

    @property
    def in_transaction(self) -> bool:
        """True if this thread is amid a transaction."""
        return self._owner == get_ident()

    def collect(self, work: Callable[[], R]) -> tuple[R, Changes]:
        """Does `work` with the tables as they would be after it; returns its result and changes.

        The tables stay as they are. Called with the lock.
        """
        changes = self._pending = {}
        self._owner = get_ident()
        try:
            return work(), changes
        finally:
            self._owner = None

    def apply(self, changes: Changes) -> Changes:
        """Changes the tables in memory; returns what would change them back."""
        undo: Changes = {}
        for (name, doc_id), document in changes.items():
            undo[name, doc_id] = self._put(name, doc_id, document)
        return backwards(undo)

    def append(self, batch: Sequence[Changes]) -> None:
        """Writes changes to disk, all of them, or none (StorageError)."""
        try:
            self.files.append(batch)
        except OSError as error:
            raise StorageError(f"{self.files.path} couldn't be written: {reason(error)}") from error

    def compact_if_due(self) -> None:
        """Makes a new snapshot once the journal has grown; if that fails, some time later."""
        if not self.files.wants_compaction or monotonic() < self._compact_not_before:
            return
        try:
            self.files.compact(self.copied(), self.files.rotate(), erasing=False)
        except OSError as error:
            # What was to be kept is in the journal already.
            log.warning("the journal cannot be compacted", reason=reason(error))
            self._compact_not_before = monotonic() + COMPACT_AGAIN_AFTER

    def _put(self, name: str, doc_id: str | None, document: Fields | None) -> Fields | None:
        """Puts a document into a table, or takes it out; without an id, the table itself.

        Returns what was there before.
        """
        if doc_id is None:
            before: Fields | None = {} if name in self.tables else None
            if document is None:
                self.tables.pop(name, None)
            else:
                self.tables.setdefault(name, {})
            return before
        if document is None:
            return self.tables.get(name, {}).pop(doc_id, None)
        documents = self.tables.setdefault(name, {})
        before = documents.get(doc_id)
        documents[doc_id] = document
        return before

    # --- what a transaction reads and changes; before it is over nobody else sees any of it

    def names(self) -> set[str]:
        """Returns the names of the tables."""
        names = set(self.tables)
        for (name, doc_id), document in self.changes.items():
            if doc_id is None:
                (names.discard if document is None else names.add)(name)
        return names

    def documents(self, name: str) -> dict[str, Fields]:
        """Returns a table's documents by id, in a dict of its own; they are not to be changed."""
        with self.lock:
            documents = dict(self.tables.get(name, {}))
        for (table, doc_id), document in self.changes.items():
            if table != name or doc_id is None:
                continue
            if document is None:
                documents.pop(doc_id, None)
            else:
                documents[doc_id] = document
        return documents

    def document(self, name: str, doc_id: str) -> Fields | None:
        """Returns a document itself: to be read at once, never to be changed or handed out."""
        if self._owner == get_ident() and (name, doc_id) in self._pending:
            return self._pending[name, doc_id]
        documents = self.tables.get(name)
        return documents.get(doc_id) if documents else None

    def copied(self) -> Tables:
        """Returns the tables as they are now; later changes replace documents and spare these."""
        return {name: dict(documents) for name, documents in self.tables.items()}

    def place(self, name: str, doc_id: str, document: Fields | None) -> None:
        """Puts a document of plain JSON into a table, in a transaction; None takes it out.

        The document is nobody else's from now on.
        """
        live = self.tables.get(name)
        if document is not None and (live is None or (name, None) in self._pending):
            self.make(name)
        if (live.get(doc_id) if live else None) == document:
            self._pending.pop((name, doc_id), None)
        else:
            self._pending[name, doc_id] = document

    def make(self, name: str) -> None:
        """Makes a table of that name, without documents, if there is none; in a transaction."""
        if name in self.tables:
            self._pending.pop((name, None), None)
        else:
            self._pending.setdefault((name, None), {})

    def drop(self, name: str) -> None:
        """Takes out a table with its documents, in a transaction."""
        for doc_id in self.documents(name):
            self.place(name, doc_id, None)
        if name in self.tables:
            self._pending[name, None] = None
        else:
            self._pending.pop((name, None), None)

    @property
    def changes(self) -> Changes:
        """The changes that this thread's transaction has made so far, none outside one."""
        return self._pending if self.in_transaction else {}


def backwards(changes: Changes) -> Changes:
    """Returns changes in reverse: a table that came before its documents goes after them."""
    return dict(reversed(changes.items()))


def as_kept(documents: Mapping[Any, Any]) -> dict[str, Any]:
    """Returns documents as the files give them back, sharing nothing with those given.

    TypeError or ValueError for what JSON cannot say.
    """
    # Python's own has no number that it would not say, and msgspec no text that is no Unicode.
    given = json.loads(json.dumps(documents, allow_nan=False, default=_mapped))
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(given))
    return kept


def _mapped(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON can say")
