"""Keeps other processes out of a store, by a file beside it."""

import errno
import fcntl
import os
from pathlib import Path
from typing import IO

from bot.errors import StorageError
from storage.disk import reason, user_name
from storage.tinydb.paths import state_of


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
