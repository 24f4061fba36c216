"""Writes a store's journals, and the rows of changes that journals and snapshots hold."""

import errno
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import msgspec

from storage.disk import Disk
from storage.tables import TABLE_SPECS, Fields, Tables
from storage.tinydb.sealed import Sealed

# What a transaction did, by table and document id; None is a document taken out. Without an id it
# is the table itself: there, if without documents, or None.
Changes: TypeAlias = dict[tuple[str, str | None], Fields | None]

# A change as it is written: table, document id, document, as in `Changes`.
Row: TypeAlias = tuple[str, str | None, Fields | None]

ROWS = msgspec.json.Decoder(list[Row])
_ROWS_A_FRAME = 200
_BREATH = 0.0005  # seconds


class Journal:
    """An append-only file, which never holds half a frame for long."""

    def __init__(
        self, path: Path, sealed: Sealed, disk: Disk, *, sequence: int = 0, size: int = 0
    ) -> None:
        """Go on after the frame `sequence`, which ends at `size`; whatever follows is cut off."""
        self.path = path
        self.size = size or len(sealed.beginning)
        self._sealed = sealed
        self._disk = disk
        self._sequence = sequence
        self._descriptor = disk.reopen(path)
        self._torn = os.fstat(self._descriptor).st_size > self.size
        with suppress(OSError):  # if it fails here, the first append says so
            self._mend()

    @classmethod
    def new(cls, path: Path, sealed: Sealed, disk: Disk) -> "Journal":
        """Begin a journal, durable with its name before the first append."""
        aside = path.with_name(f".{path.name}.next")
        disk.write_file(aside, [sealed.beginning])
        disk.replace(aside, path)
        disk.sync_folder(path.parent)
        return cls(path, sealed, disk)

    def append(self, plain: bytes) -> None:
        """Write a frame to disk, or leave the journal as it was (OSError)."""
        if not self._disk.is_at(self._descriptor, self.path):
            # Whoever opened the store next would never see what goes into this one.
            raise OSError(errno.ESTALE, f"{self.path.name} was moved, replaced or deleted")
        self._mend()
        if not self._disk.has_size(self._descriptor, self.size):
            raise OSError(errno.ESTALE, f"{self.path.name} was changed by another program")
        frame = self._sealed.frame(plain, self._sequence + 1)
        try:
            self._disk.write(self._descriptor, frame)
            self._disk.sync(self._descriptor)
        except BaseException:
            self._torn = True
            with suppress(OSError):
                self._mend()
            raise
        self._sequence += 1
        self.size += len(frame)

    @property
    def end(self) -> str:
        """The journal's salt and the number of its frames, by which the next journal names it."""
        return f"{self._sealed.salt}:{self._sequence}"

    def close(self) -> None:
        os.close(self._descriptor)

    def _mend(self) -> None:
        """Cut off what a failed append left behind."""
        if self._torn:
            self._disk.truncate(self._descriptor, self.size)
            self._disk.sync(self._descriptor)
            self._torn = False


def empty_tables() -> Tables:
    """Return every table, with nothing in it."""
    return {name: {} for name in TABLE_SPECS}


def replay(tables: Tables, rows: Iterable[Row]) -> None:
    """Changes the tables as these rows say."""
    for table, name, document in rows:
        if name is None and document is None:
            tables.pop(table, None)
            continue
        documents = tables.setdefault(table, {})
        if name is not None and document is None:
            documents.pop(name, None)
        elif name is not None and document is not None:
            documents[name] = document


def pieces_of(rows: Iterator[Row]) -> Iterator[bytes]:
    """Yield rows as JSON, some at a time; between them, other threads have a turn."""
    while piece := list(islice(rows, _ROWS_A_FRAME)):
        yield msgspec.json.encode(piece)[1:-1]


def rows_of(tables: Tables) -> Iterator[bytes]:
    """Yield all documents as JSON rows, some at a time; between them, other threads have a turn."""
    empty: list[Row] = [(table, None, {}) for table, documents in tables.items() if not documents]
    if empty:
        yield msgspec.json.encode(empty)
    for table, documents in tables.items():
        rows = iter(documents.items())
        while piece := [(table, name, doc) for name, doc in islice(rows, _ROWS_A_FRAME)]:
            yield msgspec.json.encode(piece)
            time.sleep(_BREATH)
