"""Reads what is left of a store whose files are damaged, or mixed up with another's."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import structlog

from bot.errors import StorageError
from storage.key_file import KeyRing
from storage.tables import Tables
from storage.tinydb.chain import check_format, key_to
from storage.tinydb.frames import Damaged
from storage.tinydb.journal import ROWS, replay
from storage.tinydb.paths import StorePaths
from storage.tinydb.sealed import Content

log = structlog.get_logger(__name__)


class Salvaged(NamedTuple):
    """What could be read of a store, its name, and how far its files went.

    `key` is that of the first of them: of the snapshot, the one before it, or the oldest journal.
    """

    tables: Tables
    store: str
    key: bytes
    generation: int


class _File(NamedTuple):
    path: Path
    content: Content
    key: bytes

    @property
    def store(self) -> str:
        """The name of the store that the file belongs to."""
        return self.content.header.store

    @property
    def generation(self) -> int:
        """The number of the snapshot, or of the journal."""
        return self.content.header.generation


def salvaged(paths: StorePaths, keys: KeyRing) -> Salvaged | None:
    """Replay every frame that can be read, of all files in order; None if no file can be.

    Of files with the same number the snapshot before comes first: what was taken out of the store
    since may come back from it, which is better than to lose what stands nowhere else. Of most of
    the files, or else of the snapshot, it is plain which store this is; what is another's, or
    sealed with another key, is kept aside. StorageError if none of the keys opens anything.
    """
    found = _files_left(paths, keys)
    if not found:
        return None
    ((store, _),) = Counter(file.store for file in found).most_common(1)
    for file in found:
        if file.store != store:
            _leave_out(file.path, paths, "it is another store's")
    ours = [file for file in found if file.store == store]
    tables: Tables = {}
    for path, content, key in sorted(
        ours, key=lambda file: (file.generation, file.path != paths.previous)
    ):
        plains = list(content.left(key))
        for plain in plains:
            if plain:
                replay(tables, ROWS.decode(plain))
        if lost := plains.count(None):
            log.warning("parts of a file cannot be read", file=path.name, frames=lost)
    return Salvaged(tables, store, ours[0].key, max(file.generation for file in ours))


def _files_left(paths: StorePaths, keys: KeyRing) -> list[_File]:
    """Return the files whose headers can be read and that a key opens, the snapshot first.

    StorageError for a format that this version does not know, and if no key opens any of them.
    """
    journals = [path for _, path in sorted(paths.journals().items())]
    found: list[_File] = []
    refusal: StorageError | None = None
    for path in (paths.path, paths.previous, *journals):
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            continue
        check_format(path, raw)
        try:
            content = Content(raw)
            found.append(_File(path, content, key_to(path, content, keys)))
        except Damaged:
            log.warning("a file cannot be read at all", file=path.name)
        except StorageError as error:
            refusal = error
            _leave_out(path, paths, "no key opens it")
    if refusal and not found:
        raise refusal
    return found


def _leave_out(path: Path, paths: StorePaths, why: str) -> None:
    log.warning("a file is left out", file=path.name, reason=why)
    paths.keep_aside(path)
