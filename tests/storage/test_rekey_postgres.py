"""A new key for a store in PostgreSQL: whatever dies on the way, one of the two keys opens it."""

import asyncio
import signal
from pathlib import Path

import pytest
from contract import (
    ANN,
    BOB,
    DIGESTS,
    HEDGES,
    NOON,
    a_full_house,
    claimed_keys,
    follow,
    follows,
    picture,
)
from forked import forked, ran
from postgres import PostgresGround, address, as_owner
from shared_store import everything
from store_faults import FaultyDisk

from bot.config import StorageConfig
from bot.errors import StorageError
from bot.subscriptions.subscription import Chat
from storage.key_file import KeyRing, key_text, pending_path
from storage.opening import rekey_storage
from storage.postgres.rekey import rekey_postgres
from storage.postgres.store import open_postgres


class Death(BaseException):
    """The end of a process, as far as it can be had inside of one."""


class DeadlyDisk(FaultyDisk):
    """A disk at whose step number `at` the process dies."""

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            raise Death


@pytest.fixture
async def ground(tmp_path: Path) -> PostgresGround:
    """A store with something of everything in it, which nobody has open."""
    ground = PostgresGround(tmp_path)
    storage = await ground.open()
    await a_full_house(storage)
    await storage.close()
    return ground


async def seen(ground: PostgresGround) -> list[object]:
    """All there is; where no order is promised, in one that does not hang on the key."""
    storage = await ground.open()
    try:
        document = await storage.export()
        for name in ("chats", "rules"):
            document[name].sort(key=str)
        return [await picture(storage), document]
    finally:
        await storage.close()


async def sealed(ground: PostgresGround) -> set[str]:
    """Every handle, mark and sealed text there is."""
    columns = {
        "chat": ("handle", "sealed"),
        "policy": ("mark", "sealed"),
        "subscription": ("chat", "petition", "policy", "sealed"),
        "rule": ("chat", "site", "sealed"),
        "news": ("mark", "sealed"),
        "delivery": ("chat", "head", "petition", "news", "sealed"),
        "about": ("key_mark",),
    }
    found: set[str] = set()
    async with as_owner(ground.schema) as owner:
        for table, names in columns.items():
            for name in names:
                rows = await owner.fetch(f"select distinct {name}::text as it from {table}")  # noqa: S608 - our own names
                assert rows, table
                found |= {row["it"] for row in rows}
    return found


async def test_a_new_key_opens_all_there_was_and_the_old_one_nothing(
    ground: PostgresGround,
) -> None:
    before, hidden, old = await seen(ground), await sealed(ground), ground.key_file.read_text()
    await rekey_postgres(ground.url, KeyRing(ground.key_file))
    assert await seen(ground) == before
    assert not hidden & await sealed(ground)
    assert ground.key_file.read_text() != old
    assert not pending_path(ground.key_file).exists()
    with pytest.raises(StorageError, match="a different key"):
        await open_postgres(ground.url, KeyRing(None, old))


async def test_after_it_the_store_is_used_as_before(ground: PostgresGround) -> None:
    await rekey_postgres(ground.url, KeyRing(ground.key_file))
    storage = await ground.open()
    waiting = await storage.chat_data(ANN)
    assert waiting is not None
    assert waiting.waiting > 0
    assert (await storage.subscribe(follows(ANN)))[1] is False
    assert await storage.set_preferences(ANN, DIGESTS, NOON) is not None
    assert await storage.mute(ANN, HEDGES, True, NOON) is not None
    await storage.wake_chat(BOB, NOON)
    assert await claimed_keys(storage) != []
    await storage.forget_chat(ANN)
    assert await storage.chat_data(ANN) is None
    await storage.close()


async def test_a_new_key_that_is_not_filed_is_told(ground: PostgresGround) -> None:
    before, old, told = await seen(ground), ground.key_file.read_text(), list[str]()
    ground.key_file.unlink()
    await rekey_storage(StorageConfig(ground.url, None, old), told.append)
    ground.key_file.write_text(told[0])
    ground.key_file.chmod(0o600)
    assert await seen(ground) == before


async def test_a_store_that_another_process_has_open_keeps_its_key(ground: PostgresGround) -> None:
    storage, old = await ground.open(), ground.key_file.read_text()
    with pytest.raises(StorageError, match="in use"):
        await rekey_postgres(ground.url, KeyRing(ground.key_file))
    await storage.save_chat(Chat(ANN))
    await storage.close()
    assert ground.key_file.read_text() == old
    assert not pending_path(ground.key_file).exists()


async def test_who_opens_the_store_meanwhile_waits_and_gets_the_new_key(
    ground: PostgresGround,
) -> None:
    opening: list[asyncio.Task[list[object]]] = []
    before = await seen(ground)

    def told(table: str) -> None:
        if table == "chats":
            opening.append(asyncio.create_task(seen(ground)))
        else:
            assert not any(task.done() for task in opening)

    await rekey_postgres(ground.url, KeyRing(ground.key_file), told=told)
    assert await opening[0] == before


async def test_a_process_that_hung_meanwhile_does_no_harm(ground: PostgresGround) -> None:
    storage, owner = await ground.open(), address(ground.schema, "postgres")
    # Not awaited: this process is the one that hangs, and that the server has given up.
    ran("-c", CUTTING, ground.url, str(ground.key_file), owner).check_returncode()
    before, said = await everything(ground), ""
    while "new key" not in said:
        with pytest.raises(StorageError) as refusal:
            await storage.save_chat(Chat(4242))
        said = str(refusal.value)
    assert await everything(ground) == before
    await storage.close()


CUTTING = """
import asyncio, sys
from pathlib import Path
import asyncpg
from storage.key_file import KeyRing
from storage.postgres.rekey import rekey_postgres

async def main():
    owner = await asyncpg.connect(sys.argv[3])
    await owner.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where application_name = 'petition-bell'"
    )
    await owner.close()
    await rekey_postgres(sys.argv[1], KeyRing(Path(sys.argv[2])))

asyncio.run(main())
"""


async def test_a_death_at_any_step_of_the_disk_loses_nothing(ground: PostgresGround) -> None:
    before, deaths = await seen(ground), 0
    while True:
        disk = DeadlyDisk(deaths + 1)
        try:
            await rekey_postgres(ground.url, KeyRing(ground.key_file), disk=disk)
        except Death:
            deaths += 1
            assert await seen(ground) == before
            assert not pending_path(ground.key_file).exists()
        else:
            break
    assert deaths > 5


@pytest.mark.parametrize(
    "last", ["preferences", "news", "chats", "subscriptions", "rules", "deliveries"], ids=str
)
async def test_a_kill_after_any_table_leaves_the_store_as_it_was(
    ground: PostgresGround, last: str
) -> None:
    before, hidden, old = await seen(ground), await sealed(ground), ground.key_file.read_text()
    dying = await forked("-c", DYING, ground.url, str(ground.key_file), last)
    assert await dying.wait() == -signal.SIGKILL
    assert await seen(ground) == before
    assert await sealed(ground) == hidden
    assert ground.key_file.read_text() == old


DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from storage.key_file import KeyRing
from storage.postgres.rekey import rekey_postgres

def told(table):
    if table == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(rekey_postgres(sys.argv[1], KeyRing(Path(sys.argv[2])), told=told))
"""


async def test_thousands_of_rows_are_sealed_anew_in_portions(
    ground: PostgresGround, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.postgres.rekey._AT_A_TIME", 7)
    storage = await ground.open()
    await follow(storage, *(follows(chat) for chat in range(1000, 1050)))
    await storage.close()
    before, hidden = await seen(ground), await sealed(ground)
    await rekey_postgres(ground.url, KeyRing(ground.key_file))
    assert await seen(ground) == before
    assert not hidden & await sealed(ground)


async def test_a_key_beside_that_opens_nothing_goes_at_the_next_start(
    ground: PostgresGround,
) -> None:
    pending_path(ground.key_file).write_text(key_text(bytes(32)))
    pending_path(ground.key_file).chmod(0o600)
    old = ground.key_file.read_text()
    await (await ground.open()).close()
    assert ground.key_file.read_text() == old
    assert not pending_path(ground.key_file).exists()
