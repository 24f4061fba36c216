"""Agrees between processes, through PostgreSQL, who leads and when who may send."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import asyncpg

from bot.errors import StorageError
from storage.postgres.pool import BROKEN, Pool, wrapped

# A leader that has said nothing for so long is dead to the server, whatever its network believes.
_SILENCE = 12
_SETTINGS = {
    "application_name": "petition-bell leader",
    "idle_session_timeout": f"{_SILENCE}s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}

_SEAT = "hashtextextended(current_schema() || ' leads ' || $1, 0)"

_SLOTS = """
insert into pace (name, next_at) values ($1, clock_timestamp() + $2 * $3::interval)
on conflict (name) do update
    set next_at = greatest(pace.next_at, clock_timestamp()) + $2 * $3::interval
returning extract(epoch from next_at - $2 * $3::interval - clock_timestamp())::float8
"""


class Leadership:
    """The one seat there is for a role: an advisory lock, held by a connection of its own.

    The server takes it back when that connection ends: at once if the process dies, within
    seconds if it hangs or its machine is cut off and `confirm` is not heard any more.
    """

    def __init__(self, pool: Pool, role: str) -> None:
        self._pool = pool
        self._role = role
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def take(self) -> bool:
        """Take the seat if it is free; StorageError if nobody can tell."""
        if self._connection is None:
            self._connection = await self._pool.apart(**_SETTINGS)
        taken: bool = await self._ask(f"select pg_try_advisory_lock({_SEAT})", self._role)
        return taken

    async def confirm(self) -> None:
        """Say that we are alive; StorageError once the seat is ours no more."""
        await self._ask("select 1")

    async def leave(self) -> None:
        """Let another have the seat."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*BROKEN):
                await connection.close(timeout=2)

    async def _ask(self, question: str, *words: str) -> Any:
        """Return the server's answer; a connection that gives none is never asked again."""
        if self._connection is None:
            raise StorageError(f"nobody here leads as {self._role}")
        try:
            with wrapped():
                return await self._connection.fetchval(question, *words)
        except BaseException:
            self._connection.terminate()
            self._connection = None
            raise


class SharedSendRate:
    """A rate that many processes share: evenly spaced slots, each given out once.

    Times are told by the server's clock alone, as seconds from now.
    """

    def __init__(self, pool: Pool, name: str, per_second: float) -> None:
        self._pool = pool
        self._name = name
        self._spacing = 1 / per_second

    async def slots(self, count: int) -> Sequence[float]:
        """Return in how many seconds from now each of the next `count` sends may leave.

        A slot that is not used is lost.
        """
        async with self._pool.connected() as connection:
            first = await connection.fetchval(
                _SLOTS, self._name, float(count), timedelta(seconds=self._spacing)
            )
        return [max(0.0, first + number * self._spacing) for number in range(count)]

    async def pause(self, seconds: float) -> None:
        """Let nobody send for so many seconds: no slot given out from now on comes earlier."""
        async with self._pool.connected() as connection:
            await connection.execute(
                "insert into pace (name, next_at) values ($1, clock_timestamp() + $2)"
                " on conflict (name) do update"
                " set next_at = greatest(pace.next_at, excluded.next_at)",
                self._name,
                timedelta(seconds=seconds),
            )
