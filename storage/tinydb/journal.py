"""The journal: what has been committed since the snapshot, a sealed frame for each batch."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from storage.disk import Disk
from storage.tinydb.sealed import Sealed


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
        """A new journal, durable with its name before the first append."""
        aside = path.with_name(f".{path.name}.next")
        disk.write_file(aside, [sealed.beginning])
        disk.replace(aside, path)
        disk.sync_folder(path.parent)
        return cls(path, sealed, disk)

    def append(self, plain: bytes) -> None:
        """Have it on disk, or the journal as it was (OSError)."""
        if not self._disk.is_at(self._descriptor, self.path):
            # Whoever opened the store next would never see what goes into this one.
            raise OSError(errno.ESTALE, f"{self.path.name} was moved, replaced or deleted")
        self._mend()
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
        """Which journal this is and how many frames it has, as the next one names it."""
        return f"{self._sealed.salt}:{self._sequence}"

    def close(self) -> None:
        os.close(self._descriptor)

    def _mend(self) -> None:
        """Cut off what a failed append left behind."""
        if self._torn:
            self._disk.truncate(self._descriptor, self.size)
            self._disk.sync(self._descriptor)
            self._torn = False
