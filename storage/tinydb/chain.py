"""Reads the files of a store as a chain: a snapshot, then journals, each going on where one ends.

A snapshot names the journal that it goes on with, and a journal the end of the one before, so that
files which do not belong together are noticed.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bot.errors import StorageError
from storage.key_file import KeyRing
from storage.tables import Tables
from storage.tinydb.frames import Damaged, Torn
from storage.tinydb.journal import ROWS, replay
from storage.tinydb.sealed import FORMAT, Content, Kind, WrongKey, format_of


class BrokenFile(Exception):
    """A file that cannot be read, or does not belong where it stands; `why` says what is wrong."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path.name}: {why}")
        self.path, self.why = path, why


class Chain:
    """The files read so far: their `tables`, and all that the next file must agree with."""

    def __init__(self, path: Path, raw: bytes, keys: KeyRing) -> None:
        """Begin with a snapshot; BrokenFile, or StorageError if none of the keys opens it."""
        content = content_of(path, raw)
        self.key = key_to(path, content, keys)
        self.store = content.header.store
        self.tables: Tables = {}
        # Of the journal to read next: the first has its snapshot's number.
        self.generation = content.header.generation
        self.salts = {self.generation: content.header.after}  # of the journals, by generation
        self._end = ""  # of the journal read last, by which the next one names it
        for plain in _plains(path, content.whole(self.key)):
            replay(self.tables, ROWS.decode(plain))

    def add(self, path: Path, raw: bytes, *, is_last: bool) -> Content:
        """Read the next journal; BrokenFile if this is not that one, or is damaged.

        The last one may end in the middle of a commit, which nobody was told is kept; the `end` of
        what is returned is where that begins.
        """
        content = content_of(path, raw)
        header, wanted = content.header, self.salts.get(self.generation)
        expected: tuple[Kind, str, int] = ("journal", self.store, self.generation)
        if (header.kind, header.store, header.generation) != expected:
            raise BrokenFile(path, "it belongs elsewhere")
        if (wanted and wanted != header.salt) or (self._end and header.after != self._end):
            raise BrokenFile(path, "it does not go on where the file before it ends")
        try:
            for plain in _plains(path, content.plains(self.key)):
                replay(self.tables, ROWS.decode(plain))
        except Torn:
            if not is_last:
                raise BrokenFile(path, "it ends in the middle") from None
        self.salts[self.generation] = header.salt
        self._end = f"{header.salt}:{content.sequence}"
        self.generation += 1
        return content


def content_of(path: Path, raw: bytes) -> Content:
    """Return what a file holds; BrokenFile if it is none of ours, or damaged at its beginning.

    StorageError for a format that this version does not know.
    """
    check_format(path, raw)
    try:
        return Content(raw)
    except Damaged as error:
        raise BrokenFile(path, str(error)) from error


def key_to(path: Path, content: Content, keys: KeyRing) -> bytes:
    """Return the one of the keys that a file is sealed with; StorageError if it is none of them."""
    found = keys.find()
    if not found:
        raise StorageError(
            f"The key file {keys.file} is missing. {path} can't be opened without it"
        )
    for key in found:
        with suppress(WrongKey):
            content.sealed(key)
            return key
    raise StorageError(
        f"{path} is encrypted with a different key: put back the one it was written with"
    )


def check_format(path: Path, raw: bytes) -> None:
    """Raise StorageError for a file of a format that this version does not know."""
    found = format_of(raw)
    if found not in {None, FORMAT}:
        raise StorageError(f"{path} has format {found}; this version knows format {FORMAT}")


def _plains(path: Path, plains: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from plains
    except WrongKey as error:
        raise BrokenFile(path, "it is encrypted with a different key") from error
    except Damaged as error:
        raise BrokenFile(path, str(error)) from error
