"""Works on whole stores for the command line: `export`, `import`, `backup`'s files, `stats`."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from bot.config import StorageConfig
from bot.errors import StorageError
from bot.messages.chat.for_admins import totals
from storage import Tally
from storage.opening import open_storage, read_storage

_PIECE = 1 << 20  # bytes written between two words about how far it is


# How far a move has come: what is being done, how much of it is done, and of how much (0: unknown).
Progress: TypeAlias = Callable[[str, int, int], None]


async def export_to(path: Path, config: StorageConfig, progress: Progress) -> int:
    """Write the whole store, in plain, to a new file for its owner alone; return how many chats.

    StorageError if the file exists or cannot be written.
    """
    progress("opening the store", 0, 0)
    storage = await read_storage(config)
    if storage is None:
        raise StorageError("there is no store yet, so there is nothing to export")
    try:
        progress(f"reading {_sizes(await storage.tally())}", 0, 0)
        document = await storage.export()
        chats = (await storage.tally()).chats
    finally:
        await storage.close()
    progress("writing it as text", 0, 0)
    _write_new(path, msgspec.json.format(msgspec.json.encode(document), indent=1), progress)
    return chats


async def import_from(path: Path, config: StorageConfig, progress: Progress) -> int:
    """Fill an empty store from an exported file; return how many chats that made."""
    progress(f"reading {path}", 0, 0)
    document = _read(path)
    progress("opening the store", 0, 0)
    storage = await open_storage(config)
    try:
        many = sum(len(part) for part in document.values() if isinstance(part, list | dict))
        progress(f"checking and keeping {counted(many, 'record')}", 0, 0)
        await storage.import_(document)
        tally = await storage.tally()
        progress(f"kept {_sizes(tally)}", 1, 1)
        return tally.chats
    finally:
        await storage.close()


def counted(count: int, what: str) -> str:
    """Word a number of things as an operator reads it: 1 chat, 2 chats."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _sizes(tally: Tally) -> str:
    kept = {
        "chat": tally.chats,
        "subscription": tally.subscriptions,
        "petition": tally.petitions,
        "waiting alert": tally.waiting,
    }
    return ", ".join(counted(count, what) for what, count in kept.items())


def _write_new(path: Path, raw: bytes, progress: Progress) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise StorageError(f"{path} exists already; choose another name") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror})") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            for start in range(0, len(raw), _PIECE):
                file.write(raw[start : start + _PIECE])
                progress("writing", min(start + _PIECE, len(raw)), len(raw))
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        with suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise StorageError(f"{path} cannot be written ({error.strerror})") from error
        raise


def _read(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})") from error
    except msgspec.MsgspecError as error:
        raise StorageError(f"{path} is not an export of petition-bell ({error})") from error


_STAMP = "%Y-%m-%dT%H%M%SZ"
_NAMED = re.compile(r"petition-bell-(\d{4}-\d\d-\d\dT\d{6}Z)\.backup")


def file_for(target: Path, now: datetime) -> Path:
    """Return the file to write: the target, or in a folder a file that is named by the time."""
    if not target.is_dir():
        return target
    return target / f"petition-bell-{now.astimezone(UTC).strftime(_STAMP)}.backup"


def drop_old(folder: Path, oldest: datetime) -> list[Path]:
    """Delete the backups of a folder whose names date them earlier; return their paths.

    StorageError if one cannot be deleted.
    """
    dropped = []
    for each in sorted(folder.iterdir()):
        made = _made(each.name)
        if made and made < oldest:
            try:
                each.unlink()
            except OSError as error:
                raise StorageError(f"{each} cannot be deleted ({error.strerror})") from error
            dropped.append(each)
    return dropped


def _made(name: str) -> datetime | None:
    """Return when the backup of this name was made; None if the name is none of a backup's."""
    named = _NAMED.fullmatch(name)
    try:
        return datetime.strptime(named[1], _STAMP).replace(tzinfo=UTC) if named else None
    except ValueError:
        return None


async def kept_figures(config: StorageConfig, now: datetime) -> str:
    """Word counts over the whole store, small ones hidden; StorageError if there is none."""
    storage = await read_storage(config)
    if storage is None:
        raise StorageError("there is no store yet, so there is nothing to count")
    try:
        tally = await storage.tally()
    finally:
        await storage.close()
    kept = {
        "chats": tally.chats,
        "subscriptions": tally.subscriptions,
        "petitions": tally.petitions,
    }
    return totals(kept, tally.waiting, tally.oldest_waiting, now).text
