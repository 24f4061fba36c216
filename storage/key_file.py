"""The store's key: from its own file, or handed over; made on the first start."""

import base64
import binascii
import os
from contextlib import suppress
from pathlib import Path

from bot.errors import StorageError
from storage.disk import Disk, reader_of, reason, user_name
from storage.encryption import KEY_SIZE


def new_key() -> bytes:
    """Make a key that nobody has had before."""
    return os.urandom(KEY_SIZE)


def key_text(key: bytes) -> str:
    """Spell a key as it is written in its file and in the environment: in base64."""
    return base64.b64encode(key).decode()


def read_key(text: str, where: str) -> bytes:
    """Return the key that a text spells; else StorageError, which never repeats the text."""
    with suppress(binascii.Error, ValueError):
        key = base64.b64decode(text.strip(), validate=True)
        if len(key) == KEY_SIZE:
            return key
    raise StorageError(f"{where} isn't a key. It must be {KEY_SIZE} bytes in base64")


def key_in(path: Path) -> bytes | None:
    """Return the key in a file, None if there is no file; StorageError if others may read it."""
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            if mode & 0o077:
                raise StorageError(f"{path} can be read by others ({mode:o}): chmod 600 {path}")
            return read_key(file.read(), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        todo = f"{reader_of(path)}, or change storage.key_file"
        raise StorageError(f"{path} cannot be read: {reason(error)}; {todo}") from error


def keep_key(path: Path, key: bytes, disk: Disk) -> None:
    """Write a key to its file, whole and durable."""
    aside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk.remove(aside)
        disk.write_file(aside, [f"{key_text(key)}\n".encode()])
        disk.replace(aside, path)
        disk.sync_folder(path.parent)
    except OSError as error:
        todo = f"let {user_name(os.geteuid())} write to {path.parent}, or change storage.key_file"
        raise StorageError(f"{path} cannot be written: {reason(error)}; {todo}") from error


def pending_path(path: Path) -> Path:
    """Return the path at which a new key waits until the store is sealed with it."""
    return path.with_name(f"{path.name}.next")


class KeyRing:
    """The keys that may open a store: the one given by the operator, else those of the key file."""

    def __init__(self, file: Path | None, given: str | None = None) -> None:
        self.file = file
        self._given = given

    @property
    def is_given(self) -> bool:
        """True if the operator hands the key over, so that no key file is written."""
        return self._given is not None

    def find(self) -> list[bytes]:
        """Return the keys there are: the one in force first, then a new one that is not yet."""
        if self._given is not None:
            return [read_key(self._given, "the key given as storage.key")]
        if self.file is None:
            raise StorageError("the store needs a key: give it a key file")
        found = (key_in(self.file), key_in(pending_path(self.file)))
        return [key for key in found if key is not None]

    def prepare(self, key: bytes, disk: Disk) -> None:
        """Have a new key wait beside the file of the one in force."""
        if self._given is None and self.file is not None:
            keep_key(pending_path(self.file), key, disk)

    def settle_on(self, key: bytes, disk: Disk) -> None:
        """Keep this key, which is in force, in its file, and no other beside it."""
        if self._given is not None or self.file is None or not pending_path(self.file).exists():
            return
        if key_in(pending_path(self.file)) == key:
            disk.replace(pending_path(self.file), self.file)
        else:
            disk.remove(pending_path(self.file))
        disk.sync_folder(self.file.parent)

    def make(self, disk: Disk) -> bytes:
        """Return the key for a new store: the one there is, else a new one, written to its file."""
        if keys := self.find():
            return keys[0]
        if self.file is None:
            raise StorageError("the store needs a key: give it a key file")
        key = new_key()
        keep_key(self.file, key, disk)
        return key
