"""Reads what is left of a store whose files are damaged, or mixed up with another's."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import structlog

from bot.errors import StorageError
from storage.key_file import KeyRing
from storage.tables import Tables
from storage.tinydb.chain import key_to
from storage.tinydb.frames import Damaged
from storage.tinydb.journal import ROWS, replay
from storage.tinydb.paths import StorePaths
from storage.tinydb.sealed import Content

log = structlog.get_logger(__name__)


class Salvaged(NamedTuple):
    """What could be read of a store, its name, and the key that its newest snapshot has."""

    tables: Tables
    store: str
    key: bytes


class _File(NamedTuple):
    path: Path
    content: Content
    key: bytes

    @property
    def store(self) -> str:
        """The name of the store that the file belongs to."""
        return self.content.header.store


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
            _leave_out(file.path, paths)
    ours = [file for file in found if file.store == store]
    tables: Tables = {}
    for path, content, key in sorted(
        ours, key=lambda file: (file.content.header.generation, file.path != paths.previous)
    ):
        plains = list(content.left(key))
        for plain in plains:
            if plain:
                replay(tables, ROWS.decode(plain))
        if lost := plains.count(None):
            log.warning("parts of a file cannot be read", file=path.name, frames=lost)
    return Salvaged(tables, store, ours[0].key)


def _files_left(paths: StorePaths, keys: KeyRing) -> list[_File]:
    """Return the files whose headers can be read and that a key opens, the snapshot first."""
    journals = [path for _, path in sorted(paths.journals().items())]
    found: list[_File] = []
    refusal: StorageError | None = None
    for path in (paths.path, paths.previous, *journals):
        try:
            content = Content(path.read_bytes())
            found.append(_File(path, content, key_to(path, content, keys)))
        except FileNotFoundError:
            continue
        except Damaged:
            log.warning("a file cannot be read at all", file=path.name)
        except StorageError as error:
            refusal = error
            _leave_out(path, paths)
    if refusal and not found:
        raise refusal
    return found


def _leave_out(path: Path, paths: StorePaths) -> None:
    log.warning("a file of another store is left out", file=path.name)
    paths.keep_aside(path)
