"""Names the files of a store, tells one from what took its place, and locks others out."""

import errno
import fcntl
import os
import time
from collections.abc import Iterable
from itertools import islice
from math import inf
from pathlib import Path
from typing import IO, TypeAlias

from bot.errors import StorageError
from storage.disk import Disk, reason, user_name
from storage.integrity import RESTORE
from storage.tinydb.frames import Damaged, Torn, frames
from storage.tinydb.sealed import Content

_HEADER_AT_MOST = 4096

# What tells a file from the one that has taken its place, and from itself once it has changed.
State: TypeAlias = tuple[int, int, int, int]


def state_of(file: Path | int) -> State | None:
    """Return the state of a file by its name, or of an open one; None if there is none."""
    try:
        found = os.stat(file)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class StorePaths:
    """The files of one store: its snapshots and journals, and copies kept of damaged ones."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path.resolve()
        self.next = self.path.with_name(f".{self.path.name}.next")
        self.previous = self.path.with_name(f"{self.path.name}.previous")
        self._disk = disk

    def journal(self, generation: int) -> Path:
        """Return the path of the journal of that generation."""
        return self.path.with_name(f"{self.path.name}.journal.{generation}")

    def journals(self) -> dict[int, Path]:
        """Return the journals that there are, by their generations."""
        start = f"{self.path.name}.journal."
        found = (each for each in self.path.parent.iterdir() if each.is_file())
        names = [each.name for each in found if each.name.startswith(start)]
        numbers = [name.removeprefix(start) for name in names]
        return {number: self.journal(number) for number in generations(numbers)}

    def tidy(self) -> None:
        """Take away what no snapshot needs any more."""
        snapshots = map(generation_of, (self.path, self.previous))
        oldest = min((each for each in snapshots if each is not None), default=inf)
        for generation, path in self.journals().items():
            if generation < oldest:
                self._disk.remove(path)
        for unfinished in self.path.parent.glob(f".{self.path.name}.*next"):
            self._disk.remove(unfinished)

    def drop_copies(self) -> None:
        """Take away the copies kept of damaged files, which hold what has been erased since."""
        for copy in self.path.parent.glob(f"{self.path.name}*.damaged-*"):
            self._disk.remove(copy)

    def damaged(self, path: Path, why: str) -> StorageError:
        """Return the error for a damaged file, once a copy of it is kept aside."""
        kept = self.keep_aside(path)
        return StorageError(f"{path} is damaged: {why}. A copy is kept as {kept}; {self.offer()}")

    def keep_aside(self, path: Path) -> Path:
        """Copy a file to a name that bears the time of the damage; return the copy's path.

        Trying again makes no further one.
        """
        when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(path.stat().st_mtime))
        aside = path.with_name(f"{path.name}.damaged-{when}")
        if not aside.exists():
            self._disk.write_file(aside, [path.read_bytes()])
        return aside

    def offer(self) -> str:
        """Say what to do about a store that is not whole."""
        if self.previous.exists():
            return f"{RESTORE}, {self.previous} included"
        return RESTORE


def generations(endings: Iterable[str]) -> list[int]:
    """Return the generations that journals are called by, whatever else is called like one."""
    return [int(each) for each in endings if each.isdecimal() and str(int(each)) == each]


def generation_of(snapshot: Path) -> int | None:
    """Return the generation that a snapshot's header names; None where none can be read."""
    try:
        with snapshot.open("rb") as file:
            return Content(file.read(_HEADER_AT_MOST)).header.generation
    except (FileNotFoundError, Damaged, Torn):
        return None


def holds_commits(journal: Path) -> bool:
    """Return whether a journal has a frame behind its header, or cannot be read."""
    found = frames(journal.read_bytes())
    try:
        return len(list(islice(found, 2))) > 1
    except Torn:
        return False
    except Damaged:
        return True


class StoreLock:
    """The lock of one store; the file stays when it is released."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._file = store.with_name(f"{store.name}.lock")
        self._held: IO[str] | None = None

    def take(self) -> None:
        """Take it, and make the store's folder if there is none; StorageError if that fails."""
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held = open(self._file, "a", opener=_privately)  # noqa: SIM115 - until `release`
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise StorageError(
                f"{self._store} is in use by another process: stop that first"
            ) from error
        except OSError as error:
            self.release()
            user = user_name(os.geteuid())
            todo = f"let {user} write to {self._file.parent}, or change storage.url"
            raise StorageError(f"{self._file} cannot be locked: {reason(error)}; {todo}") from error

    def keep(self) -> None:
        """Take the lock anew where its file was taken away; OSError if another was faster."""
        if self._held is None or state_of(self._file) == state_of(self._held.fileno()):
            return
        lock = open(self._file, "a", opener=_privately)  # noqa: SIM115 - until `release`
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise OSError(
                errno.EBUSY, f"{self._file.name} was deleted, and another process has it now"
            ) from None
        self._held.close()
        self._held = lock

    def release(self) -> None:
        """Let another process have the store."""
        if self._held is not None:
            self._held.close()
            self._held = None


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
