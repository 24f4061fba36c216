"""Gives out connections to PostgreSQL, replaces broken ones, and wraps their errors once."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from asyncpg.pool import PoolConnectionProxy

from bot.errors import StorageError

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

_AT_ONCE = 10

# Nobody waits for the answer any more, and the server may be gone: the connection is cut off, as to
# cancel or to undo what was asked could take as long again.
_INTERRUPTED = (TimeoutError, asyncio.CancelledError)

# Held by every connection of a process that has the store open; whoever seals it anew has it alone.
_IN_USE = "hashtextextended(current_schema() || ' in use', 0)"

# As asyncpg resets a connection, but for the lock above.
_RESET = "close all; unlisten *; reset all"

# Custom plans: one that was made while a table was empty would be kept when it no longer is.
_SETTINGS = {"application_name": "petition-bell", "plan_cache_mode": "force_custom_plan"}


class Patience(NamedTuple):
    """The seconds after which a server that neither answers nor refuses is taken for lost.

    A use case of the whole store is given time by statement, any other all in all.
    """

    host: float = 5.0
    use_case: float = 20.0
    statement: float = 60.0


PATIENCE = Patience()


@contextmanager
def wrapped() -> Iterator[None]:
    """Turn whatever goes wrong with PostgreSQL into a StorageError, its cause chained."""
    try:
        yield
    except BROKEN as error:
        raise StorageError(f"PostgreSQL: {_said(error)}") from error


def _said(error: Exception) -> str:
    """Say in one line what is wrong, and what to do where that is known."""
    match error:
        case ConnectionRefusedError():
            return "the connection was refused: check storage.url, and that the server runs"
        case socket.gaierror():
            return "its name is not found (DNS): check storage.url, and this machine's DNS"
    # The lines after the first may quote rows.
    reason = str(error).partition("\n")[0] or "no answer in time"
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return f"{reason}: check the user and the password of storage.url"
        case asyncpg.InsufficientPrivilegeError():
            return f"{reason}: run `petition-bell check --migrate` as the owner of the tables"
        case _:
            return reason


class Pool:
    """The connections of one process; made by `open_pool`."""

    def __init__(self, url: str, patience: Patience) -> None:
        self._url = url
        self._patience = patience
        self._hosts: list[str] = []  # the one that took writes last comes first
        self._pool = asyncpg.create_pool(
            url,
            min_size=1,
            max_size=_AT_ONCE,
            connect=self._connect,
            init=self._greet,
            reset=_reset,
            command_timeout=patience.statement,
            server_settings=_SETTINGS,
        )
        self._key_mark: str | None = None

    async def open(self) -> None:
        """Connect to the database; StorageError if it does not answer."""
        with wrapped():
            try:
                parts = urlsplit(self._url)
                login, at, hosts = parts.netloc.rpartition("@")
                self._hosts = [
                    parts._replace(netloc=f"{login}{at}{host}").geturl()
                    for host in hosts.split(",")
                ]
                await self._pool
            except ValueError as error:
                raise StorageError(f"storage.url isn't a database's address: {error}") from error

    def keep_to(self, key_mark: str) -> None:
        """Take no connection from now on to a store that is sealed with another key."""
        self._key_mark = key_mark

    async def _connect(self, dsn: str | None = None, **settings: Any) -> _Bare:
        """Connect to the host that takes writes, each host being asked by itself, within a time."""
        failures: list[Exception] = []
        for host in tuple(self._hosts):
            try:
                connection: _Bare = await asyncpg.connect(
                    host,
                    timeout=self._patience.host,
                    target_session_attrs=None
                    if "target_session_attrs=" in host
                    else SessionAttribute.read_write,
                    **settings,
                )
            except BROKEN as error:
                failures.append(error)
            else:
                # A primary that comes back as it was must not be written to as well.
                if host != self._hosts[0]:
                    self._hosts.sort(key=lambda each: each != host)
                    await self._pool.expire_connections()
                return connection
        # Which of them is a standby is no news.
        raise min(failures, key=_is_standby)

    async def _greet(self, connection: _Bare) -> None:
        await connection.execute(f"select pg_advisory_lock_shared({_IN_USE})")
        if self._key_mark is None:
            return
        if self._key_mark != await connection.fetchval("select key_mark from about"):
            raise StorageError("the store was encrypted with a new key meanwhile: start again")

    async def close(self) -> None:
        """Let go of all connections; a server that does not answer is not waited for."""
        with suppress(*BROKEN):
            async with asyncio.timeout(self._patience.host):
                await self._pool.close()

    @asynccontextmanager
    async def connected(self, *, patient: bool = False) -> AsyncIterator[Connection]:
        """Yield a connection for one use case; StorageError if there is none, or it breaks."""
        within = None if patient else self._patience.use_case
        with wrapped():
            try:
                async with asyncio.timeout(within), self._pool.acquire() as connection:
                    with _cut_off_if_interrupted(connection):
                        yield connection
            except (asyncpg.ReadOnlySQLTransactionError, TimeoutError):
                # The server was demoted, or is gone: whoever leads is found by connecting anew.
                await self._pool.expire_connections()
                raise

    @asynccontextmanager
    async def transaction(self, *chats: bytes, patient: bool = False) -> AsyncIterator[Connection]:
        """Yield a connection for one use case: kept when left, undone if it raises.

        `chats` are handles of chats that nobody else changes meanwhile.
        """
        async with self.connected(patient=patient) as connection, _transaction(connection):
            for number in sorted({int.from_bytes(chat[:8], "big", signed=True) for chat in chats}):
                await connection.execute("select pg_advisory_xact_lock($1)", number)
            yield connection

    @asynccontextmanager
    async def snapshot(self, *, patient: bool = False) -> AsyncIterator[Connection]:
        """Yield a connection all of whose readings are of one moment."""
        async with (
            self.connected(patient=patient) as connection,
            _transaction(connection, isolation="repeatable_read", readonly=True),
        ):
            yield connection

    async def apart(self, **settings: str) -> _Bare:
        """Return a connection of the caller's own, with these settings, for the caller to close."""
        with wrapped():
            return await self._connect(
                command_timeout=self._patience.host, server_settings=_SETTINGS | settings
            )


async def open_pool(url: str, patience: Patience = PATIENCE) -> Pool:
    """Connect to the database at an address; StorageError if it does not answer."""
    pool = Pool(url, patience)
    await pool.open()
    return pool


async def have_alone(connection: Connection) -> None:
    """Let nobody else open the store until the transaction ends; StorageError if somebody has."""
    if not await connection.fetchval(f"select pg_try_advisory_xact_lock({_IN_USE})"):
        raise StorageError("the store is in use by another process: stop them all first")


@contextmanager
def _cut_off_if_interrupted(connection: Connection) -> Iterator[None]:
    try:
        yield
    except _INTERRUPTED:
        connection.terminate()
        raise


@asynccontextmanager
async def _transaction(
    connection: Connection,
    isolation: Literal["read_committed", "repeatable_read"] = "read_committed",
    *,
    readonly: bool = False,
) -> AsyncIterator[None]:
    transaction = connection.transaction(isolation=isolation, readonly=readonly)
    await transaction.start()
    try:
        yield
    except _INTERRUPTED:
        raise  # with the connection, the server ends it
    except BaseException:
        await transaction.rollback()
        raise
    await transaction.commit()


async def _reset(connection: _Bare) -> None:
    await connection.execute(_RESET)


def _is_standby(failure: Exception) -> bool:
    return isinstance(failure, asyncpg.TargetServerAttributeNotMatched)
