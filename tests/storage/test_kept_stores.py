"""Stores that released versions wrote open in this one with everything in them.

`KEEP_STORE=1.0 pytest tests/storage/test_kept_stores.py` keeps those of the version at hand. It is
done once for each version whose formats differ; what is kept is never written again.
"""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from contract import NOON, TinyGround, a_full_house, heard
from postgres import PostgresGround, address, as_owner, dumped, run_program, server

from storage import Storage
from storage.key_file import KeyRing, key_text
from storage.postgres.store import open_postgres
from storage.tinydb.backup import back_up_tiny, restore_tiny
from storage.tinydb.store import open_tiny

STORES = Path(__file__).parents[1] / "stores"
VERSIONS = sorted(each.name for each in STORES.iterdir() if each.is_dir())
SCHEMA = "bell_kept"
# No secret: everybody in these stores is invented.
KEY = key_text(bytes(range(32)))


class Kept:
    """What a version left behind: a store's files, a backup, an export, and PostgreSQL's tables."""

    def __init__(self, version: str) -> None:
        self.folder = STORES / version
        self.data = self.folder / "data"
        self.backup = self.folder / "backup"
        self.export = self.folder / "export.json"
        self.tables = self.folder / "tables.sql"

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.export.read_text("utf-8"))
        return document


@pytest.fixture(params=VERSIONS)
def kept(request: pytest.FixtureRequest) -> Kept:
    return Kept(request.param)


@asynccontextmanager
async def in_database(*, make: bool = True) -> AsyncIterator[None]:
    """A schema that is made, or that somebody makes, and gone afterwards."""
    async with as_owner("public") as owner:
        await owner.execute(f"drop schema if exists {SCHEMA} cascade")
        if make:
            await owner.execute(f"create schema {SCHEMA} authorization bell")
        yield
        await owner.execute(f"drop schema {SCHEMA} cascade")


async def everything(storage: Storage) -> dict[str, Any]:
    """All that a store tells, without what differs between two that hold the same.

    PostgreSQL has an order of its own, and writes a chat's usual settings out as an empty object.
    """
    document = await storage.export()
    await storage.close()
    spelled_out = partial(json.dumps, sort_keys=True)
    for name, part in document.items():
        if isinstance(part, list):
            plain = [{key: value for key, value in each.items() if value != {}} for each in part]
            document[name] = sorted(plain, key=spelled_out)
    return document


async def as_imported(kept: Kept, folder: Path) -> dict[str, Any]:
    """What the version's export holds, as this version tells it."""
    storage = await open_tiny(folder / "imported" / "store.db", None, key=KEY)
    await storage.import_(kept.document())
    return await everything(storage)


@pytest.mark.skipif("KEEP_STORE" not in os.environ, reason="a version's stores are kept once")
async def test_keep_the_stores_of_this_version(tmp_path: Path) -> None:
    kept, ground = Kept(os.environ["KEEP_STORE"]), TinyGround(tmp_path)
    kept.folder.mkdir()
    ground.key_file.write_text(KEY)
    ground.key_file.chmod(0o600)
    storage = await ground.open()
    await a_full_house(storage)
    await storage.forget_chat(1)  # compacts, so that there is a snapshot and what came after
    await storage.close()
    storage = await ground.open()
    await storage.save_note("offset", "8")
    document = await storage.export()
    await storage.close()
    kept.export.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
    back_up_tiny(ground.path, None, kept.backup, key=KEY)
    shutil.copytree(ground.path.parent, kept.data, ignore=shutil.ignore_patterns("*.lock"))
    async with in_database():
        shared = await open_postgres(address(SCHEMA), KeyRing(None, KEY))
        await shared.import_(document)
        await shared.close()
        house = PostgresGround(tmp_path)
        house.schema = SCHEMA
        kept.tables.write_text(await dumped(house), "utf-8")


async def test_a_store_of_a_released_version_opens_with_everything_in_it(
    kept: Kept, tmp_path: Path
) -> None:
    shutil.copytree(kept.data, tmp_path / "data")
    path = tmp_path / "data" / "store.db"
    whole = await as_imported(kept, tmp_path)
    storage = await open_tiny(path, None, key=KEY)
    assert await everything(storage) == whole
    storage = await open_tiny(path, None, key=KEY)
    assert await storage.note("offset") == "8"
    assert await heard(storage, NOON)
    await storage.close()


async def test_a_backup_of_a_released_version_is_put_back(kept: Kept, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    restore_tiny(path, None, kept.backup, key=KEY)
    assert await everything(await open_tiny(path, None, key=KEY)) == await as_imported(
        kept, tmp_path
    )


async def test_tables_of_a_released_version_open_with_everything_in_them(
    kept: Kept, tmp_path: Path
) -> None:
    async with in_database(make=False):
        shutil.copy(kept.tables, script := Path(server().pgdata).parent / "kept.sql")
        script.chmod(0o644)
        [host] = parse_qs(urlsplit(address(SCHEMA)).query)["host"]
        words = ("-X", "-q", "-h", host, "-U", "postgres", "-d", "postgres", "-f", script)
        await asyncio.to_thread(run_program, "psql", *words)
        storage = await open_postgres(address(SCHEMA), KeyRing(None, KEY))
        found = await everything(storage)
    assert found == await as_imported(kept, tmp_path)
