"""Extends TinyDB's tables: documents may have names for ids and are reached without a walk."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, TypeAlias, TypeVar, cast

import msgspec
import tinydb.table
from tinydb import TinyDB
from tinydb.queries import QueryLike
from tinydb.storages import Storage

from storage.tables import Fields
from storage.tinydb.journalled import JournalledStorage, as_kept

# A whole number, or a name.
DocId: TypeAlias = int | str

R = TypeVar("R")


def doc_id_of(name: str | int) -> DocId:
    """Return a document's id as TinyDB hands it out: a number if written like one, else a name."""
    try:
        number = int(name)
    except ValueError:
        return name
    return number if str(number) == str(name) else name


class Document(tinydb.table.Document):
    """A document that TinyDB hands out: the reader's own, down to the last nested list."""

    def __init__(self, value: Mapping[str, Any], doc_id: DocId) -> None:
        super().__init__(msgspec.to_builtins(dict(value)), cast(int, doc_id))


class Table(tinydb.table.Table):
    """A TinyDB table over a `JournalledStorage`, or over any other as TinyDB's own.

    What names ids (`get`, `contains`, `update`, `remove`, `insert`, `upsert`) looks at those
    documents alone; a query looks at all of them.
    """

    document_class = Document
    document_id_class = staticmethod(doc_id_of)  # type: ignore[assignment]  # TinyDB's own hook

    def __init__(
        self,
        storage: Storage,
        name: str,
        cache_size: int = tinydb.table.Table.default_query_cache_capacity,
        persist_empty: bool = False,
    ) -> None:
        self._journalled = storage if isinstance(storage, JournalledStorage) else None
        super().__init__(storage, name, cache_size, persist_empty)

    def get(
        self,
        cond: QueryLike | None = None,
        doc_id: DocId | None = None,
        doc_ids: Iterable[DocId] | None = None,
    ) -> Any:
        """Returns what TinyDB's does; several documents come in their ids' order, each once."""
        storage = self._journalled
        if storage is None or (doc_id is None and doc_ids is None):
            return super().get(cond, cast(int, doc_id), cast("list[int]", doc_ids))
        with storage.lock:
            if doc_id is not None:
                found = storage.document(self._name, str(doc_id))
                return None if found is None else Document(found, doc_id)
            assert doc_ids is not None  # noqa: S101 - see above
            named = ((name, storage.document(self._name, name)) for name in _names(doc_ids))
            return [Document(found, doc_id_of(name)) for name, found in named if found is not None]

    def insert(self, document: Mapping[str, Any]) -> int:
        return super().insert(_ours(document))

    def insert_multiple(self, documents: Iterable[Mapping[str, Any]]) -> list[int]:
        return super().insert_multiple(map(_ours, documents))

    def upsert(self, document: Mapping[str, Any], cond: QueryLike | None = None) -> list[int]:
        return super().upsert(_ours(document), cond)

    def put(self, documents: Mapping[str, Fields]) -> None:
        """Puts documents, by id, in the place of those of the same ids, of which nothing stays.

        They are plain JSON, and nobody else's from now on: what has just been read from JSON.
        """
        storage = self._journalled
        if storage is None:
            raise TypeError(f"{self._name} is not in a JournalledStorage")

        def work() -> None:
            for doc_id, document in documents.items():
                storage.place(self._name, doc_id, document)

        storage.transact(work)
        self._next_id = None
        self.clear_cache()

    def remove(
        self, cond: QueryLike | None = None, doc_ids: Iterable[DocId] | None = None
    ) -> list[Any]:
        storage = self._journalled
        if storage is None or doc_ids is None:
            return super().remove(cond, cast("Iterable[int]", doc_ids))
        removed: list[DocId] = []

        def work() -> None:
            for doc_id in doc_ids:
                name = str(doc_id)
                if storage.document(self._name, name) is not None:
                    storage.place(self._name, name, None)
                    removed.append(doc_id)

        storage.transact(work)
        self.clear_cache()
        return removed

    def search(self, cond: QueryLike) -> list[tinydb.table.Document]:
        storage = self._journalled
        if storage is None or not storage.in_transaction:
            return super().search(cond)
        # What may yet be undone is kept for nobody.
        found = storage.documents(self._name).items()
        return [Document(document, doc_id_of(name)) for name, document in found if cond(document)]

    def _read_table(self) -> dict[str, Mapping[str, Any]]:
        storage = self._journalled
        if storage is None:
            return super()._read_table()
        return cast("dict[str, Mapping[str, Any]]", storage.documents(self._name))

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> None:
        storage = self._journalled
        if storage is None:
            super()._update_table(updater)
            return

        def work() -> None:
            draft = _Draft(storage, self._name)
            updater(cast("dict[int, Mapping[str, Any]]", draft))
            draft.place()

        storage.transact(work)
        self.clear_cache()

    def _get_next_id(self) -> int:
        number = cast("int | None", self._next_id)
        if number is None:
            ids = map(doc_id_of, self._read_table())
            number = max((each for each in ids if isinstance(each, int)), default=0) + 1
        self._next_id = cast(None, number + 1)  # TinyDB types it for None alone
        return number


class JournalledTinyDB(TinyDB):
    """A TinyDB over a `JournalledStorage`; what opens one is given as TinyDB is given a path."""

    table_class = Table
    default_storage_class = JournalledStorage  # type: ignore[assignment]  # TinyDB's own hook

    def transact(self, work: Callable[[], R]) -> R:
        """Returns what `work` returns; all that it asked of TinyDB is durable then, or undone."""
        if not isinstance(self.storage, JournalledStorage):
            raise TypeError("there is something between this and its JournalledStorage")
        return self.storage.transact(work)

    def tables(self) -> set[str]:
        """Returns the names of the tables, for which no document is read."""
        storage = self.storage
        return storage.names() if isinstance(storage, JournalledStorage) else super().tables()


class _Draft(MutableMapping[DocId, Any]):
    """A table as TinyDB changes it in place: documents are copied as they are touched."""

    def __init__(self, storage: JournalledStorage, name: str) -> None:
        self._storage = storage
        self._name = name
        self._touched: dict[str, Any] = {}  # None is a document taken out

    def __getitem__(self, doc_id: DocId) -> Any:
        name = str(doc_id)
        if name not in self._touched:
            self._touched[name] = msgspec.to_builtins(self._storage.document(self._name, name))
        if self._touched[name] is None:
            raise KeyError(doc_id)
        return self._touched[name]

    def __setitem__(self, doc_id: DocId, document: Any) -> None:
        self._touched[str(doc_id)] = document

    def __delitem__(self, doc_id: DocId) -> None:
        if doc_id not in self:
            raise KeyError(doc_id)
        self._touched[str(doc_id)] = None

    def __contains__(self, doc_id: object) -> bool:
        name = str(doc_id)
        if name in self._touched:
            return self._touched[name] is not None
        return self._storage.document(self._name, name) is not None

    def __iter__(self) -> Iterator[DocId]:
        known = self._storage.documents(self._name)
        kept = (name for name in known if self._touched.get(name, name) is not None)
        new = (name for name in self._touched if name not in known and name in self)
        yield from map(doc_id_of, [*kept, *new])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        self._touched = dict.fromkeys(self._storage.documents(self._name))

    def place(self) -> None:
        """Has the storage change what was changed here; TypeError for what is not JSON."""
        changed = {
            name: document
            for name, document in self._touched.items()
            if document != self._storage.document(self._name, name)
        }
        self._storage.make(self._name)
        for name, document in as_kept(changed).items():
            self._storage.place(self._name, name, document)


def _names(doc_ids: Iterable[DocId]) -> Iterable[str]:
    return dict.fromkeys(map(str, doc_ids))


def _ours(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a document; one of TinyDB's own, which names its id, as one of ours."""
    if isinstance(document, tinydb.table.Document) and not isinstance(document, Document):
        return Document(document, document.doc_id)
    return document
