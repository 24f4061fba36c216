"""Does what the store asks of a disk, one small step each: every step can be made to fail."""

import os
import pwd
from collections.abc import Iterable
from pathlib import Path


class Disk:
    """Files that nobody else on the machine may read; every method may raise OSError."""

    def create(self, path: Path) -> int:
        """Create an empty file to append to, in place of any other; return its descriptor."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        return os.open(path, flags, 0o600)

    def reopen(self, path: Path) -> int:
        """Open a file to go on appending to it; return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def write_some(self, descriptor: int, data: memoryview) -> int:
        """Write as much as goes at once; return how many bytes that was."""
        return os.write(descriptor, data)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write it all."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.write_some(descriptor, rest) :]

    def sync(self, descriptor: int) -> None:
        """Return once what was written would survive a power cut."""
        os.fdatasync(descriptor)

    def is_at(self, descriptor: int, path: Path) -> bool:
        """Return whether an open file is still the one that stands under its name."""
        try:
            return os.path.samestat(os.fstat(descriptor), path.stat())
        except FileNotFoundError:
            return False

    def has_size(self, descriptor: int, size: int) -> bool:
        """Return whether an open file has this size in bytes."""
        return os.fstat(descriptor).st_size == size

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file off."""
        os.ftruncate(descriptor, size)

    def replace(self, source: Path, target: Path) -> None:
        """Give a file another's name; at every moment one of the two stands under it."""
        os.replace(source, target)

    def remove(self, path: Path) -> None:
        """Take a file away, if there is one."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Return once new names and gone ones would survive a power cut."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.sync_names(descriptor)
        finally:
            os.close(descriptor)

    def sync_names(self, descriptor: int) -> None:
        """Return once new names in an open folder, and gone ones, would survive a power cut."""
        os.fsync(descriptor)

    def write_file(self, path: Path, chunks: Iterable[bytes]) -> None:
        """Write a whole file and make its content durable; its name is not until `sync_folder`."""
        descriptor = self.create(path)
        try:
            for chunk in chunks:
                self.write(descriptor, chunk)
            self.sync(descriptor)
        finally:
            os.close(descriptor)


def reason(error: OSError) -> str:
    """Return the words that say what went wrong, without the error's number."""
    return error.strerror or str(error)


def user_name(number: int) -> str:
    """Return the name of a user of this machine, or the number of one who has no name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def reader_of(path: Path) -> str:
    """Say how to get to read a file: as the other user who owns it or a folder above it.

    If all that can be looked at belongs to this user, say that it has to be let read.
    """
    for each in (path, *path.parents):
        try:
            owner = each.stat().st_uid
        except OSError:
            continue
        if owner != os.geteuid():
            return f"run this as {user_name(owner)}"
    return f"let {user_name(os.geteuid())} read it"
