"""PostgreSQL is dumped and restored by the very lines that the operator's page and compose have."""

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from contract import ANN, HEDGES, NOON, follow, follows, heard, key, milestone, ring
from postgres import Machine, connection_to, run_program, server

from bot.errors import StorageError
from storage.key_file import KeyRing
from storage.postgres.store import open_postgres, read_postgres

DEPLOY = Path(__file__).parents[2] / "deploy"
PAGE = (DEPLOY / "README.md").read_text("utf-8")
COMPOSE = (DEPLOY / "compose.postgres.yaml").read_text("utf-8")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's user may use."""
    with tempfile.TemporaryDirectory(prefix="bell-dump-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        if user := server().system_user:
            shutil.chown(folder, user)
        yield folder


@pytest.fixture
async def machine(folder: Path) -> AsyncIterator[Machine]:
    """A new server."""
    machine = Machine(folder / "data")
    await machine.make()
    await machine.start()
    try:
        yield machine
    finally:
        machine.kill()


def at(machine: Machine, user: str, database: str = "bell") -> str:
    return f"postgresql://{user}@127.0.0.1:{machine.port}/{database}"


async def does(line: str, machine: Machine, **instead: str) -> None:
    """A line of the page, its addresses and files replaced by those of the test."""
    for shown, meant in instead.items():
        line = line.replace(shown.replace("_", "."), meant)
    line = re.sub(
        r"postgresql://(\w+)@[\w.]+/(\w+)", rf"postgresql://\1@127.0.0.1:{machine.port}/\2", line
    )
    program, *words = shlex.split(line)
    await asyncio.to_thread(run_program, program, *words)


async def shell(line: str, folder: Path) -> None:
    """A line as a shell takes it, with PostgreSQL's programs at hand."""
    path = f"{server().bin_path}:{os.environ['PATH']}"
    words = ["sh", "-c", line]
    await asyncio.to_thread(
        subprocess.run, words, env={"PATH": path}, cwd=folder, check=True, capture_output=True
    )


def line_with(words: str) -> str:
    (line,) = [line for line in PAGE.splitlines() if line.startswith(words)]
    return line


async def fill(url: str, keys: KeyRing) -> None:
    storage = await open_postgres(url, keys)
    await follow(storage, follows(ANN))
    assert await ring(storage, milestone(10_000), at=NOON) == 1
    await storage.close()


async def test_a_dump_is_restored_on_a_new_server_with_both_roles_and_their_rights(
    machine: Machine, tmp_path: Path
) -> None:
    keys, file = KeyRing(tmp_path / "bell.key"), str(machine.folder.parent / "bell.dump")
    async with connection_to(machine.url) as administrator:
        await administrator.execute("create database bell")
        (roles,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
        async with connection_to(at(machine, "postgres")) as inside:
            await inside.execute(roles)
        await (await open_postgres(at(machine, "bell_owner"), keys)).close()
        await fill(at(machine, "bell_app"), keys)
        await does(line_with("pg_dump --format"), machine, bell_dump=file)
        # What is done to go back to the version before; on a new server there is no such database.
        await administrator.execute(re.findall(r"`(alter database .*?)`", PAGE)[0])
        await does(line_with("pg_restore --create"), machine, bell_dump=file)
    storage = await open_postgres(at(machine, "bell_app"), keys)
    assert await heard(storage) == [key(10_000, ANN)]
    await follow(storage, follows(ANN, HEDGES))
    await storage.close()
    with pytest.raises(StorageError, match="different key"):
        await read_postgres(
            at(machine, "bell_app"), KeyRing(tmp_path / "other.key", "A" * 43 + "=")
        )


async def test_what_compose_dumps_each_night_is_whole_and_old_dumps_go(
    machine: Machine, folder: Path, tmp_path: Path
) -> None:
    keys = KeyRing(tmp_path / "bell.key")
    (folder / "secret").write_text("it's a \\secret\n")
    script = folder / "role.sql"
    shutil.copy(DEPLOY / "postgres-role.sql", script)
    for each in (script, folder / "secret"):
        each.chmod(0o644)
    words = ("-X", "-d", machine.url, "-v", f"secret={folder / 'secret'}", "-f", script)
    await asyncio.to_thread(run_program, "psql", *words)
    await fill(at(machine, "bell"), keys)
    dumps = folder / "dumps"
    dumps.mkdir(mode=0o755)
    old, recent = (dumps / f"petition-bell-{name}.dump" for name in ("old", "recent"))
    for file, days in ((old, 32), (recent, 29)):
        file.write_text("")
        moment = file.stat().st_mtime - days * 86_400
        os.utime(file, (moment, moment))
    night = COMPOSE.partition("while :; do")[2].partition("sleep 86400")[0]
    night = night.replace("$$", "$").replace("\n", " ").replace("/dumps", str(dumps))
    night = night.replace("/run/secrets/bell_password", str(folder / "secret"))
    night = night.replace("--host=postgres", f"--host=127.0.0.1 --port={machine.port}")
    await shell(night, folder)
    (made,) = set(dumps.iterdir()) - {recent}
    assert re.fullmatch(r"petition-bell-\d{4}-\d\d-\d\dT\d{6}Z\.dump", made.name)
    made.rename(folder / "bell.dump")
    for words in (
        "docker compose exec postgres psql",
        "docker compose exec -T postgres pg_restore",
    ):
        line = re.sub(r"^docker compose exec (-T )?postgres ", "", line_with(words))
        line = re.sub(r"^(\w+)", rf"\1 --host=127.0.0.1 --port={machine.port}", line)
        await shell(line, folder)
    storage = await open_postgres(at(machine, "bell"), keys)
    assert await heard(storage) == [key(10_000, ANN)]
    await storage.close()
