"""The containers: nothing comes in without its hash, and the bot's role owns its database alone."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from contract import ANN, NOON, follow, follows, heard, key, milestone, ring
from packaging.requirements import Requirement
from postgres import Machine, connection_to, run_program, server

from storage.key_file import KeyRing
from storage.postgres.store import open_postgres

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
COMPOSE = (DEPLOY / "compose.postgres.yaml").read_text("utf-8")


@pytest.mark.parametrize("name", ["postgres", "build"])
def test_every_line_of_a_lock_has_a_hash_and_agrees_with_what_is_tested(name: str) -> None:
    lock = (ROOT / f"requirements-{name}.lock").read_text("utf-8")
    tested = (ROOT / "requirements-dev.lock").read_text("utf-8")
    pinned = re.findall(r"^(\S+==\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})+)$", lock, re.M)
    assert len(pinned) == len(re.findall(r"^\S", lock, re.M)) > 0
    for pin, hashes in pinned:
        assert f"{pin}{hashes}\n" in tested


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    for lock, wanted in (("postgres", "asyncpg"), ("build", "hatchling")):
        [asked] = set(re.findall(rf'"({wanted}>=[\d.]+)"', project))
        [pin] = re.findall(
            rf"^{wanted}==(\S+)", (ROOT / f"requirements-{lock}.lock").read_text(), re.M
        )
        assert pin in Requirement(asked).specifier


def test_nothing_is_installed_in_the_container_without_a_hash() -> None:
    text = DOCKERFILE.replace("\\\n", " ")
    installs = re.findall(r"pip install ([^&\n]+)", text)
    assert installs
    for words in installs:
        assert "--require-hashes" in words or {"--no-deps", "--no-index"} <= set(words.split())


# --- PostgreSQL beside it -------------------------------------------------------------------------


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that the server's user can read, with the script and a secret in it."""
    with tempfile.TemporaryDirectory(prefix="bell-role-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if user := server().system_user:
            shutil.chown(folder, user)
        (folder / "secret").write_text("it's a \\secret\n")
        shutil.copy(DEPLOY / "postgres-role.sql", folder / "role.sql")
        for each in folder.iterdir():
            each.chmod(0o644)
        yield folder


@pytest.fixture
async def machine(ground: Path) -> AsyncIterator[Machine]:
    """A new server, after the script that the container runs on it."""
    machine = Machine(ground / "data")
    await machine.make()
    await machine.start()
    words = ("-d", machine.url, "-v", f"secret={ground / 'secret'}", "-f", ground / "role.sql")
    try:
        await asyncio.to_thread(run_program, "psql", "-X", *words)
        yield machine
    finally:
        machine.kill()


def its_url(machine: Machine, database: str = "bell") -> str:
    return f"postgresql://bell@127.0.0.1:{machine.port}/{database}"


async def test_the_bots_role_has_a_password_and_is_no_superuser(machine: Machine) -> None:
    async with connection_to(machine.url) as owner:
        role = await owner.fetchrow("select * from pg_authid where rolname = 'bell'")
        assert role is not None
        assert role["rolpassword"].startswith("SCRAM-SHA-256$")
        may = ("super", "createrole", "createdb", "replication", "bypassrls")
        assert not [name for name in may if role[f"rol{name}"]]


async def test_the_store_works_under_the_bots_role(machine: Machine, tmp_path: Path) -> None:
    storage = await open_postgres(its_url(machine), KeyRing(tmp_path / "bell.key"))
    await follow(storage, follows(ANN))
    assert await ring(storage, milestone(10_000), at=NOON) == 1
    assert await heard(storage) == [key(10_000, ANN)]
    await storage.close()


async def test_the_bots_role_gets_into_no_other_database_and_makes_none(machine: Machine) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(its_url(machine, "postgres"))
    async with connection_to(its_url(machine)) as bell:
        for forbidden in (
            "create database more",
            "create role more",
            "copy (select 1) to program 'true'",
            "select pg_read_file('/etc/passwd')",
            "alter system set fsync = off",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await bell.execute(forbidden)


def test_compose_takes_secrets_from_files_alone() -> None:
    declared = set(re.findall(r"^  (\w+):\n    file: \./secrets/\1$", COMPOSE, re.M))
    used = set(re.findall(r'"(\w+_password)"', COMPOSE))
    assert declared == used == {"bell_password", "postgres_password"}
    assert "POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password" in COMPOSE
    assert not re.search(r"PASSWORD:|:[^@\s$/]+@postgres", COMPOSE)
