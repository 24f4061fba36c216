"""Reads a store beside the process that has it open: takes no lock, and changes no file."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from bot.errors import StorageError
from storage.disk import Disk, reader_of, reason
from storage.integrity import RESTORE
from storage.key_file import KeyRing
from storage.tables import Tables
from storage.tinydb.files import StoreFiles
from storage.tinydb.frames import Damaged, Torn
from storage.tinydb.journal import ROWS, Changes, empty_tables, replay
from storage.tinydb.sealed import FORMAT, Content, WrongKey, format_of

_TRIES = 20
_BETWEEN = 0.02  # seconds

# What tells a file from the one that has taken its place, and from itself once it has grown.
_State = dict[str, tuple[int, int, int]]


class _Changed(Exception):
    """The files make no sense together; the text says why."""


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

    A snapshot names the journal that it goes on with, and a journal the end of the one before, so
    files that do not belong together are noticed: they were replaced meanwhile, and are read again.
    StorageError if there is no store, or it is damaged, sealed with another key or not ours.
    """
    path = path.resolve()
    for _ in range(_TRIES):
        before = _state(path)
        try:
            return _read(path, keys)
        except _Changed as error:
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
    named = {each.name.removeprefix(start): each for each in _files_of(path)}
    journals = {int(number): each for number, each in named.items() if number.isdigit()}
    content = _content(path, raw)
    header = content.header
    key = _key_for(path, content, keys)
    tables = empty_tables()
    for plain in _pieces(content.whole(key)):
        replay(tables, ROWS.decode(plain))
    generation, salt, end = header.generation, header.after, ""
    last = max(journals, default=0)
    while generation <= max(last, header.generation):
        journal = _content(
            journals.get(generation, path),
            path.with_name(f"{path.name}.journal.{generation}").read_bytes(),
        )
        found = journal.header
        if (found.kind, found.store, found.generation) != ("journal", header.store, generation):
            raise _Changed(f"journal {generation} belongs elsewhere")
        if (salt and salt != found.salt) or (end and found.after != end):
            raise _Changed(f"journal {generation} does not go on where the file before it ends")
        try:
            for plain in _pieces(journal.plains(key)):
                replay(tables, ROWS.decode(plain))
        except Torn as error:
            if generation < last:
                raise _Changed(f"journal {generation} ends in the middle") from error
            # The commit under way: whoever waits for it has had no answer yet.
        generation, salt, end = generation + 1, "", f"{found.salt}:{journal.sequence}"
    return tables


def _snapshot(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        # Between the two renames of a compaction the finished snapshot lies aside.
        return path.with_name(f".{path.name}.next").read_bytes()


def check_format(path: Path, raw: bytes) -> None:
    """Raise StorageError for a file of a format that this version does not know."""
    found = format_of(raw)
    if found not in {None, FORMAT}:
        raise StorageError(f"{path} has format {found}; this version knows format {FORMAT}")


def _content(path: Path, raw: bytes) -> Content:
    check_format(path, raw)
    try:
        return Content(raw)
    except Damaged as error:
        raise _Changed(f"{path.name}: {error}") from error


def _pieces(plains: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from plains
    except (Damaged, WrongKey) as error:
        raise _Changed(str(error) or "a file is encrypted with a different key") from error


def key_to(content: Content, keys: KeyRing) -> bytes | None:
    """Return the one of the keys that a file is sealed with, None if it is none of them."""
    for key in keys.find():
        with suppress(WrongKey):
            content.sealed(key)
            return key
    return None


def _key_for(path: Path, content: Content, keys: KeyRing) -> bytes:
    if not keys.find():
        raise StorageError(
            f"The key file {keys.file} is missing. {path} can't be opened without it"
        )
    key = key_to(content, keys)
    if key is None:
        raise StorageError(f"{path} is encrypted with a different key")
    return key


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
