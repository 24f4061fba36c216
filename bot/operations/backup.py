"""A folder of backups: what the next one is called, and which are too old to be kept."""

import re
from datetime import UTC, datetime
from pathlib import Path

from bot.errors import StorageError

_STAMP = "%Y-%m-%dT%H%M%SZ"
_NAMED = re.compile(r"petition-bell-(\d{4}-\d\d-\d\dT\d{6}Z)\.backup")


def file_for(target: Path, now: datetime) -> Path:
    """The file to write: the target itself, or in a folder one that is named after the time."""
    if not target.is_dir():
        return target
    return target / f"petition-bell-{now.astimezone(UTC).strftime(_STAMP)}.backup"


def drop_old(folder: Path, oldest: datetime) -> list[Path]:
    """Deletes the backups of a folder that were made before then, as their names say; which."""
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
    """When the backup of this name was made; None if it is no backup's, or names no time."""
    named = _NAMED.fullmatch(name)
    try:
        return datetime.strptime(named[1], _STAMP).replace(tzinfo=UTC) if named else None
    except ValueError:
        return None
