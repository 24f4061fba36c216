"""Opens, reads, copies, rekeys and restores the store that an address names."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from bot.errors import ConfigError
from storage import Storage
from storage.disk import Disk
from storage.key_file import KeyRing, keep_key, key_in, new_key
from storage.tinydb.backup import back_up_tiny, put_back_tiny
from storage.tinydb.store import open_tiny, read_tiny, rekey_tiny, restore_tiny


class Place(Protocol):
    """The address of a store, and its key, given or in a file (`bot.config.StorageConfig`)."""

    @property
    def url(self) -> str:
        """The store's address: `tinydb:` and a path, or that of a PostgreSQL database."""

    @property
    def key_file(self) -> Path:
        """The file of the key, where none is given."""

    @property
    def key(self) -> str | None:
        """The key itself, in base64, where it is given; else None."""


async def open_storage(place: Place) -> Storage:
    """Opens the store; ConfigError if there is no such kind of store, or its extra is missing."""
    match place.url.partition(":")[0]:
        case "tinydb":
            return await open_tiny(_path(place), place.key_file, key=place.key)
        case "postgresql":
            with _extra_installed():
                from storage.postgres.store import (  # noqa: PLC0415 - an extra that few install
                    open_postgres,
                )
            return await open_postgres(place.url, KeyRing(place.key_file, place.key))
        case scheme:
            raise ConfigError(
                [f"storage.url: {scheme!r} isn't a storage type. Use tinydb: or postgresql:"]
            )


async def read_storage(place: Place) -> Storage | None:
    """Returns the store, to be read alone, beside whoever has it open; None if there is none yet.

    Nothing is made or brought up to date. StorageError if it cannot be read as it is.
    """
    if not place.url.startswith("postgresql:"):
        return await read_tiny(_path(place), place.key_file, key=place.key)
    with _extra_installed():
        from storage.postgres.store import read_postgres  # noqa: PLC0415 - as above
    return await read_postgres(place.url, KeyRing(place.key_file, place.key))


async def back_up_storage(place: Place, target: Path) -> int:
    """Writes the embedded store to a new, sealed file while it is in use; returns how many chats.

    ConfigError for PostgreSQL, which has a tool for it.
    """
    if place.url.startswith("postgresql:"):
        raise ConfigError(["backup: PostgreSQL has pg_dump; deploy/README.md says how"])
    path = _path(place)
    return await asyncio.to_thread(back_up_tiny, path, place.key_file, target, key=place.key)


async def put_back_storage(place: Place, file: Path) -> int:
    """Makes the store that a backup holds, where there is none; returns how many chats it has.

    ConfigError for PostgreSQL, which has a tool for it.
    """
    if place.url.startswith("postgresql:"):
        raise ConfigError(["restore: PostgreSQL has pg_restore; deploy/README.md says how"])
    path = _path(place)
    return await asyncio.to_thread(put_back_tiny, path, place.key_file, file, key=place.key)


async def rekey_storage(place: Place, tell: Callable[[str], None]) -> None:
    """Seals the store with a new key.

    Where the key is given instead of filed, `tell` is called with the new one, in base64, first.
    """
    if not place.url.startswith("postgresql:"):
        await rekey_tiny(_path(place), place.key_file, key=place.key, tell=tell)
        return
    with _extra_installed():
        from storage.postgres.rekey import rekey_postgres  # noqa: PLC0415 - as above
    await rekey_postgres(place.url, KeyRing(place.key_file, place.key), tell=tell)


async def restore_storage(place: Place) -> bool:
    """Makes a damaged store whole from what can be read of it; returns whether nothing is lost."""
    return await restore_tiny(_path(place), place.key_file, key=place.key)


def make_key(file: Path) -> bool:
    """Makes a key for a store that is to come; False, and nothing done, if there is one."""
    if key_in(file) is not None:
        return False
    keep_key(file, new_key(), Disk())
    return True


def _path(place: Place) -> Path:
    scheme, _, path = place.url.partition(":")
    if scheme != "tinydb":
        raise ConfigError([f"storage.url: this command only works with tinydb:, not {scheme}"])
    return Path(path)


@contextmanager
def _extra_installed() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(
            ['storage.url: PostgreSQL needs an extra: pip install "petition-bell[postgres]"']
        ) from error
