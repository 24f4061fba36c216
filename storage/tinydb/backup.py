"""Writes a whole store to one sealed file while it is in use, and puts it back elsewhere."""

import os
from contextlib import suppress
from pathlib import Path

from bot.errors import StorageError
from storage.disk import Disk, reason
from storage.integrity import checked
from storage.key_file import KeyRing
from storage.tables import CHATS, Tables
from storage.tinydb.chain import check_format, key_to
from storage.tinydb.files import StoreFiles
from storage.tinydb.frames import Damaged, Torn
from storage.tinydb.journal import ROWS, empty_tables, replay, rows_of
from storage.tinydb.read_only import read_beside
from storage.tinydb.sealed import Content, Sealed, new_store


def back_up_tiny(path: Path, key_file: Path | None, target: Path, *, key: str | None = None) -> int:
    """Writes all that is kept to a new file, sealed with the store's key; returns how many chats.

    The process that has the store open does not notice. StorageError, and no file, if the store
    cannot be read or the file is there already or cannot be written.
    """
    keys, disk = KeyRing(key_file, key), Disk()
    if os.path.lexists(target):
        raise StorageError(f"{target} exists already; choose another name")
    tables = read_beside(path, keys)
    for _ in checked(path, tables):
        pass
    sealed = Sealed.new(keys.find()[0], "backup", new_store(), 0)
    aside = target.with_name(f".{target.name}.next")
    try:
        disk.remove(aside)  # what somebody else has put there may be open to others
        disk.write_file(aside, sealed.whole(rows_of(tables)))
        os.replace(aside, target)
        disk.sync_folder(target.parent)
    except BaseException as error:
        with suppress(OSError):
            aside.unlink()
        if isinstance(error, OSError):
            raise StorageError(f"{target} cannot be written: {reason(error)}") from error
        raise
    return len(tables[CHATS.name])


def restore_tiny(path: Path, key_file: Path | None, file: Path, *, key: str | None = None) -> int:
    """Makes the store that a backup holds, where there is none; returns how many chats it has.

    StorageError, and nothing done, if a store is there or the backup is not whole.
    """
    keys = KeyRing(key_file, key)
    tables = _read(file, keys)
    for _ in checked(file, tables):
        pass
    StoreFiles(path, keys, Disk()).fill(tables)
    return len(tables[CHATS.name])


def _read(file: Path, keys: KeyRing) -> Tables:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {reason(error)}") from error
    check_format(file, raw)
    try:
        content = Content(raw)
        if content.header.program != "petition-bell" or content.header.kind != "backup":
            raise StorageError(f"{file} isn't a backup of petition-bell")
        tables = empty_tables()
        for plain in content.whole(key_to(file, content, keys)):
            replay(tables, ROWS.decode(plain))
    except (Damaged, Torn) as error:
        raise StorageError(f"{file} isn't a whole backup of petition-bell ({error})") from error
    return tables
