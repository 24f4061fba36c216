"""Whole stores on the move: out to plain JSON and back in (`petition-bell export`, `import`)."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from bot.app import open_storage
from bot.config import StorageConfig
from bot.petitions.errors import StorageError


async def export_to(path: Path, config: StorageConfig) -> int:
    """Write the whole store, in plain, to a new file for its owner alone; how many chats it holds.

    StorageError if the file exists or cannot be written.
    """
    storage = await open_storage(config)
    try:
        document = await storage.export()
        chats = (await storage.tally()).chats
    finally:
        await storage.close()
    _write_new(path, msgspec.json.format(msgspec.json.encode(document), indent=1))
    return chats


async def import_from(path: Path, config: StorageConfig) -> int:
    """Fill an empty store from an exported file; how many chats that made."""
    document = _read(path)
    storage = await open_storage(config)
    try:
        await storage.import_(document)
        return (await storage.tally()).chats
    finally:
        await storage.close()


def _write_new(path: Path, raw: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise StorageError(f"{path} exists already; choose another name") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror})") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise StorageError(f"{path} cannot be written ({error.strerror})") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})") from error
    except msgspec.MsgspecError as error:
        raise StorageError(f"{path} is not an export of petition-bell ({error})") from error
