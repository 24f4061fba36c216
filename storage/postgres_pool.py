"""Connections to PostgreSQL: given out, replaced when they break, their errors wrapped once."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeAlias

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from asyncpg.pool import PoolConnectionProxy

from bot.petitions.errors import StorageError

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
_Bare: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# What may go wrong with a connection; the third says that no server takes writes.
BROKEN = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

_CONNECT_WITHIN = 10.0
_ANSWER_WITHIN = 60.0
_AT_ONCE = 10

# Held by every connection of a process that has the store open; whoever seals it anew has it alone.
_IN_USE = "hashtextextended(current_schema() || ' in use', 0)"

# As asyncpg resets a connection, but for the lock above.
_RESET = "close all; unlisten *; reset all"

# Custom plans: one that was made while a table was empty would be kept when it no longer is.
_SETTINGS = {"application_name": "petition-bell", "plan_cache_mode": "force_custom_plan"}


@contextmanager
def wrapped() -> Iterator[None]:
    """Whatever goes wrong with PostgreSQL becomes a StorageError, its cause chained."""
    try:
        yield
    except BROKEN as error:
        # The lines after the first may quote rows.
        reason = str(error).partition("\n")[0] or "no answer in time"
        raise StorageError(f"PostgreSQL: {reason}") from error


class Pool:
    """The connections of one process; made by `open_pool`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = asyncpg.create_pool(
            url,
            min_size=1,
            max_size=_AT_ONCE,
            init=self._greet,
            reset=_reset,
            timeout=_CONNECT_WITHIN,
            command_timeout=_ANSWER_WITHIN,
            target_session_attrs=_wanted_server(url),
            server_settings=_SETTINGS,
        )
        self._key_mark: str | None = None

    async def open(self) -> None:
        """Connect to the database; StorageError if it does not answer."""
        with wrapped():
            try:
                await self._pool
            except ValueError as error:
                raise StorageError(f"storage.url is no address of a database: {error}") from error

    def keep_to(self, key_mark: str) -> None:
        """From now on, take no connection to a store that is sealed with another key."""
        self._key_mark = key_mark

    async def _greet(self, connection: _Bare) -> None:
        await connection.execute(f"select pg_advisory_lock_shared({_IN_USE})")
        if self._key_mark is None:
            return
        if self._key_mark != await connection.fetchval("select key_mark from about"):
            raise StorageError("the store was sealed with a new key meanwhile: start again")

    async def close(self) -> None:
        with wrapped():
            await self._pool.close()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        """A connection for single statements; StorageError if there is none, or it breaks."""
        with wrapped():
            try:
                async with self._pool.acquire(timeout=_ANSWER_WITHIN) as connection:
                    yield connection
            except asyncpg.ReadOnlySQLTransactionError:
                # The server was demoted: whoever leads now is found by connecting anew.
                await self._pool.expire_connections()
                raise

    @asynccontextmanager
    async def transaction(self, *chats: bytes) -> AsyncIterator[Connection]:
        """One use case: kept when left, undone if it raises; these chats are ours meanwhile."""
        async with self.connected() as connection, connection.transaction():
            for number in sorted({_lock_number(chat) for chat in chats}):
                await connection.execute("select pg_advisory_xact_lock($1)", number)
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Several readings of one moment."""
        async with (
            self.connected() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    async def apart(self, **settings: str) -> _Bare:
        """A connection of one's own, with these settings; the caller closes it."""
        with wrapped():
            return await asyncpg.connect(
                self._url,
                timeout=_CONNECT_WITHIN,
                command_timeout=_CONNECT_WITHIN,
                target_session_attrs=_wanted_server(self._url),
                server_settings=_SETTINGS | settings,
            )


async def open_pool(url: str) -> Pool:
    """Connect to the database at an address; StorageError if it does not answer."""
    pool = Pool(url)
    await pool.open()
    return pool


async def have_alone(connection: Connection) -> None:
    """Let nobody else open the store until the transaction ends; StorageError if somebody has."""
    if not await connection.fetchval(f"select pg_try_advisory_xact_lock({_IN_USE})"):
        raise StorageError("the store is in use by another process: stop them all first")


async def _reset(connection: _Bare) -> None:
    await connection.execute(_RESET)


def _wanted_server(url: str) -> SessionAttribute | None:
    """Of several hosts, the one that takes writes, unless the address says which itself."""
    return None if "target_session_attrs=" in url else SessionAttribute.read_write


def _lock_number(handle: bytes) -> int:
    return int.from_bytes(handle[:8], "big", signed=True)
