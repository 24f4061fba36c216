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
from storage.tinydb.backup import back_up_tiny, restore_tiny
from storage.tinydb.store import open_tiny, read_tiny, rekey_tiny, repair_tiny


class StoreAddress(Protocol):
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


async def open_storage(address: StoreAddress) -> Storage:
    """Opens the store; ConfigError if there is no such kind of store, or its extra is missing."""
    match address.url.partition(":")[0]:
        case "tinydb":
            return await open_tiny(_path(address), address.key_file, key=address.key)
        case "postgresql":
            with _extra_installed():
                from storage.postgres.store import (  # noqa: PLC0415 - an extra that few install
                    open_postgres,
                )
            return await open_postgres(address.url, KeyRing(address.key_file, address.key))
        case scheme:
            raise ConfigError(
                [f"storage.url: {scheme!r} isn't a storage type. Use tinydb: or postgresql:"]
            )


async def read_storage(address: StoreAddress) -> Storage | None:
    """Returns the store, to be read alone, beside whoever has it open; None if there is none yet.

    Nothing is made or brought up to date. StorageError if it cannot be read as it is.
    """
    if not address.url.startswith("postgresql:"):
        return await read_tiny(_path(address), address.key_file, key=address.key)
    with _extra_installed():
        from storage.postgres.store import read_postgres  # noqa: PLC0415 - as above
    return await read_postgres(address.url, KeyRing(address.key_file, address.key))


async def back_up_storage(address: StoreAddress, target: Path) -> int:
    """Writes the embedded store to a new, sealed file while it is in use; returns how many chats.

    ConfigError for PostgreSQL, which has a tool for it.
    """
    if address.url.startswith("postgresql:"):
        raise ConfigError(["backup: PostgreSQL has pg_dump; deploy/README.md says how"])
    path = _path(address)
    return await asyncio.to_thread(back_up_tiny, path, address.key_file, target, key=address.key)


async def restore_backup(address: StoreAddress, file: Path) -> int:
    """Makes the store that a backup holds, where there is none; returns how many chats it has.

    ConfigError for PostgreSQL, which has a tool for it.
    """
    if address.url.startswith("postgresql:"):
        raise ConfigError(["restore: PostgreSQL has pg_restore; deploy/README.md says how"])
    path = _path(address)
    return await asyncio.to_thread(restore_tiny, path, address.key_file, file, key=address.key)


async def rekey_storage(address: StoreAddress, tell: Callable[[str], None]) -> None:
    """Seals the store with a new key.

    Where the key is given instead of filed, `tell` is called with the new one, in base64, first.
    """
    if not address.url.startswith("postgresql:"):
        await rekey_tiny(_path(address), address.key_file, key=address.key, tell=tell)
        return
    with _extra_installed():
        from storage.postgres.rekey import rekey_postgres  # noqa: PLC0415 - as above
    await rekey_postgres(address.url, KeyRing(address.key_file, address.key), tell=tell)


async def repair_storage(address: StoreAddress) -> bool:
    """Makes a damaged store whole from what can be read of it; returns whether nothing is lost."""
    return await repair_tiny(_path(address), address.key_file, key=address.key)


def make_key(file: Path) -> bool:
    """Makes a key for a store that is to come; False, and nothing done, if there is one."""
    if key_in(file) is not None:
        return False
    keep_key(file, new_key(), Disk())
    return True


def _path(address: StoreAddress) -> Path:
    scheme, _, path = address.url.partition(":")
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
