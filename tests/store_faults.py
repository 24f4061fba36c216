"""A disk whose steps can be made to fail, and what must hold of a store after each failure."""

import errno
import os
from pathlib import Path

from bot.errors import StorageError
from bot.subscriptions.subscription import Chat
from storage.disk import Disk
from storage.tinydb.store import TinyStorage, open_tiny

FAULTS = (errno.ENOSPC, errno.EIO)


class FaultyDisk(Disk):
    """Counts its steps, and fails at number `at` (and, `lasting`, at all that follow).

    A failed write has written half of what it should have.
    """

    def __init__(self, at: int = -1, code: int = errno.EIO, *, lasting: bool = False) -> None:
        self.at = at
        self.code = code
        self.lasting = lasting
        self.steps = 0

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self.at or (self.lasting and 0 < self.at <= self.steps):
            raise OSError(self.code, os.strerror(self.code))

    def create(self, path: Path) -> int:
        self._step()
        return super().create(path)

    def write_some(self, descriptor: int, data: memoryview) -> int:
        try:
            self._step()
        except OSError:
            super().write_some(descriptor, data[: len(data) // 2])
            raise
        return super().write_some(descriptor, data[: max(1, len(data) * 2 // 3)])

    def sync(self, descriptor: int) -> None:
        self._step()
        super().sync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        self._step()
        super().truncate(descriptor, size)

    def replace(self, source: Path, target: Path) -> None:
        self._step()
        super().replace(source, target)

    def sync_names(self, descriptor: int) -> None:
        self._step()
        super().sync_names(descriptor)

    def remove(self, path: Path) -> None:
        self._step()
        super().remove(path)


async def live_through(folder: Path, disk: FaultyDisk) -> None:
    """A short life on a faulty disk, and what must be true after it.

    What failed has not happened; only a disk that went on failing, and could not even take back
    what it had half done, leaves that in doubt.
    """
    path, key_file = folder / "data" / "store.db", folder / "store.key"
    kept: set[int] = set()
    failed: set[int] = set()
    try:
        storage = await open_tiny(path, key_file, disk=disk)
    except StorageError:
        storage = None
    if storage is not None:
        await _live(storage, kept, failed)
        await storage.close()
    disk.at = -1
    again = await open_tiny(path, key_file)
    found = {number for number in kept | failed if await again.chat(number) is not None}
    doubtful = failed if disk.lasting else set()
    assert found - doubtful == kept - doubtful, f"kept {kept}, found {found}"
    await again.close()


async def _live(storage: TinyStorage, kept: set[int], failed: set[int]) -> None:
    for number in range(1, 9):
        try:
            await storage.save_chat(Chat(number))
            kept.add(number)
        except StorageError:
            failed.add(number)
        assert (await storage.chat(number) is not None) == (number in kept)
        if number in {3, 6}:
            await _forget(storage, number, kept, failed)


async def _forget(storage: TinyStorage, number: int, kept: set[int], failed: set[int]) -> None:
    try:
        await storage.forget_chat(number)  # folds
    except StorageError:
        failed.add(number)
    else:
        kept.discard(number)
