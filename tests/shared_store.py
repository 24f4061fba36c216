"""Steps that tests of a shared store take."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE

import pytest
from forked import Forked, forked
from postgres import PostgresGround, as_owner

from bot.operations.leadership import Rhythm
from storage.postgres.store import PostgresStorage

# A leader may be kept waiting on a busy machine before it is taken for one that has lost its place.
QUICK = Rhythm(0.5, 0.05)


@pytest.fixture
def ground(tmp_path: Path) -> PostgresGround:
    return PostgresGround(tmp_path)


@pytest.fixture
async def storage(ground: PostgresGround) -> AsyncIterator[PostgresStorage]:
    storage = await ground.open()
    yield storage
    await storage.close()


@pytest.fixture
async def other(ground: PostgresGround, storage: PostgresStorage) -> AsyncIterator[PostgresStorage]:
    """Another process's view of the same store."""
    other = await ground.open()
    yield other
    await other.close()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    while not await true():  # noqa: ASYNC110 - a database tells nobody who waits for a lock
        await asyncio.sleep(0.02)


async def everything(ground: PostgresGround, but: str = "") -> str:
    """All rows of all tables, as text."""
    async with as_owner(ground.schema) as owner:
        tables = await owner.fetch(
            "select tablename from pg_tables where schemaname = $1 order by 1", ground.schema
        )
        names = [row["tablename"] for row in tables if row["tablename"] != but]
        rows = [await owner.fetch(f"select t::text as row from {name} t") for name in names]  # noqa: S608 - ours
    return "\n".join(sorted(row["row"] for table in rows for row in table))


async def kept_preferences(ground: PostgresGround) -> int:
    async with as_owner(ground.schema) as owner:
        found: int = await owner.fetchval("select count(*) from policy")
        return found


@asynccontextmanager
async def process(program: str, ground: PostgresGround) -> AsyncIterator[Forked]:
    """Another process on the same store; gone when left."""
    here = Path(__file__).parent
    running = await forked(
        "-c",
        program,
        ground.url,
        str(ground.key_file),
        stdout=PIPE,
        env=os.environ | {"PYTHONPATH": str(here)},
    )
    yield running
    running.kill()
    await running.wait()


async def waiting_for_locks(ground: PostgresGround, at_least: int) -> bool:
    async with as_owner(ground.schema) as owner:
        waiting: int = await owner.fetchval(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        )
    return waiting >= at_least
