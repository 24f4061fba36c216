"""Reads a store beside the process that has it open: takes no lock, and changes no file."""

import time
from collections.abc import Sequence
from pathlib import Path

from bot.errors import StorageError
from storage.disk import Disk, reader_of, reason
from storage.integrity import RESTORE
from storage.key_file import KeyRing
from storage.tables import Tables
from storage.tinydb.chain import BrokenFile, Chain
from storage.tinydb.files import StoreFiles
from storage.tinydb.journal import Changes, empty_tables
from storage.tinydb.paths import generations

_TRIES = 20
_BETWEEN = 0.02  # seconds

# What tells a file from the one that has taken its place, and from itself once it has grown.
_State = dict[str, tuple[int, int, int]]


def is_there(path: Path) -> bool:
    """Return whether there is a store at a path, or anything that is left of one."""
    path = path.resolve()
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError:  # which is told once it is read
        return True
    else:
        return True
    return any(each.name != f"{path.name}.lock" for each in _files_of(path))


def read_beside(path: Path, keys: KeyRing) -> Tables:
    """Return the tables as the files have them at one moment, whoever goes on writing them.

    Files that do not belong together were replaced meanwhile, and are read again. StorageError if
    there is no store, or it is damaged, sealed with another key or not ours.
    """
    path = path.resolve()
    for _ in range(_TRIES):
        before = _state(path)
        try:
            return _read(path, keys)
        except BrokenFile as error:
            complaint = StorageError(f"{path} is damaged: {error}; {RESTORE}")
        except FileNotFoundError:
            complaint = StorageError(f"files of {path} are gone; {RESTORE}")
        except OSError as error:
            why = f"{reason(error)}; {reader_of(path)}"
            raise StorageError(f"{path} cannot be read: {why}") from error
        time.sleep(_BETWEEN)
        if _state(path) == before:
            break
    if not is_there(path):
        raise StorageError(f"there is no store at {path} yet")
    raise complaint


class ReadOnlyFiles(StoreFiles):
    """The files of a store that another process may have open: read once, never written."""

    def __init__(self, path: Path, keys: KeyRing) -> None:
        super().__init__(path, keys, Disk())

    def load(self) -> Tables:
        """Return the tables as they are now; see `read_beside`."""
        return read_beside(self.path, self._keys)

    def append(self, batch: Sequence[Changes]) -> None:
        """Raise StorageError: nothing is written here."""
        raise StorageError(f"{self.path} is open for reading alone")

    @property
    def wants_compaction(self) -> bool:
        """Always False: the files are another's."""
        return False


def _read(path: Path, keys: KeyRing) -> Tables:
    raw = _snapshot(path)
    # Listed after the snapshot was read: what it goes on with is older than itself.
    start = f"{path.name}.journal."
    journals = generations(each.name.removeprefix(start) for each in _files_of(path))
    chain = Chain(path, raw, keys)
    last = max([chain.generation, *journals])
    for generation in range(chain.generation, last + 1):
        journal = path.with_name(f"{start}{generation}")
        # What the last one ends amid is under way: whoever waits for it has had no answer yet.
        chain.add(journal, journal.read_bytes(), is_last=generation == last)
    return empty_tables() | chain.tables


def _snapshot(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        # Between the two renames of a compaction the finished snapshot lies aside.
        return path.with_name(f".{path.name}.next").read_bytes()


def _files_of(path: Path) -> list[Path]:
    try:
        return [each for each in path.parent.iterdir() if each.name.startswith(f"{path.name}.")]
    except OSError:
        return []


def _state(path: Path) -> _State:
    state: _State = {}
    for each in (path, *_files_of(path)):
        try:
            found = each.stat()
        except OSError:
            continue
        state[each.name] = (found.st_ino, found.st_size, found.st_mtime_ns)
    return state
