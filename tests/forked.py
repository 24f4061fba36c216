"""Python in processes of their own that begin at once, forked from one that has loaded the bot.

Loading it takes a second of a processor, which fifty starts would spend one after the other. No
command has run where a process begins, and its arguments, folder, environment and files are its
own; but what reads the environment when it is imported has read another, and `atexit` calls nobody.
Started as people start it, the bot is in `test_run.py`, `test_light.py`, `test_demo.py` and,
installed, in `test_package.py` and `test_deploy.py`.
"""

import asyncio
import atexit
import os
import runpy
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from multiprocessing import active_children, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess
from tempfile import TemporaryFile

ROOT = Path(__file__).parents[1]
_PATIENCE = 50.0  # seconds

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        *("bot.app", "bot.cli", "bot.operations.doctor", "rich.progress"),
        *("bot.charts.curve", "bot.charts.regions", "bot.charts.seats"),  # for what draws
    ]
)


@atexit.register
def _kill_what_is_left() -> None:
    """Nobody waits at the end for what a test that failed has left running."""
    for process in active_children():
        process.kill()


class Forked:
    """A process that runs, with what `asyncio.subprocess.Process` has of it."""

    def __init__(self, process: ForkServerProcess, stdin: int | None) -> None:
        self._process = process
        self._stdin = stdin
        self._pipes: list[asyncio.BaseTransport] = []
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs, and less than nothing if a signal ended it."""
        return self._process.exitcode

    async def reader(self, file: int | None) -> asyncio.StreamReader | None:
        """What it writes into a pipe; None where there is no pipe."""
        if file is None:
            return None
        reader = asyncio.StreamReader()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(file, "rb")
        )
        self._pipes.append(pipe)
        return reader

    async def wait(self) -> int | None:
        """How it ended, once it has; nothing that it said can be read any more."""
        # Only `exitcode` takes how it ended; a join in a thread would race with it.
        await asyncio.to_thread(wait, [self._process.sentinel], _PATIENCE)
        for pipe in self._pipes:
            pipe.close()
        await asyncio.sleep(0)  # in which they are
        return self.returncode

    async def communicate(self, given: bytes = b"") -> tuple[bytes, bytes]:
        """What it has still to say on either, once it has ended."""
        if self._stdin is not None:
            os.write(self._stdin, given)
            os.close(self._stdin)
            self._stdin = None
        out, errors = await asyncio.gather(*map(_rest, (self.stdout, self.stderr)))
        await self.wait()
        return out, errors

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


async def forked(
    *words: str,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    stdin: int = DEVNULL,
    stdout: int | None = None,
    stderr: int | None = None,
) -> Forked:
    """Start Python with these words, `-m` or `-c` and what follows."""
    theirs: list[int] = []
    ours: list[int | None] = []
    for number, how in enumerate((stdin, stdout, stderr)):
        if how == PIPE:
            read, write = os.pipe()
            theirs.append(write if number else read)
            ours.append(read if number else write)
        else:
            theirs.append(os.open(os.devnull, os.O_RDWR) if how == DEVNULL else os.dup(number))
            ours.append(None)
    started = Forked(_started(words, cwd, env, theirs), ours[0])
    started.stdout, started.stderr = [await started.reader(file) for file in ours[1:]]
    return started


def ran(
    *words: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None, given: str = ""
) -> CompletedProcess[str]:
    """Run it to its end, `given` what a pipe holds for it; what it said."""
    read, write = os.pipe()
    os.write(write, given.encode())
    os.close(write)
    with TemporaryFile("w+") as out, TemporaryFile("w+") as errors:
        files = [read, os.dup(out.fileno()), os.dup(errors.fileno())]
        process = _started(words, cwd, env, files)
        process.join(_PATIENCE)
        assert process.exitcode is not None, "it has not ended"
        for file in (out, errors):
            file.seek(0)
        return CompletedProcess(words, process.exitcode, out.read(), errors.read())


async def _rest(said: asyncio.StreamReader | None) -> bytes:
    return b"" if said is None else await said.read()


def _started(
    words: Sequence[str], cwd: Path, env: Mapping[str, str] | None, files: Iterable[int]
) -> ForkServerProcess:
    """Have it run with these standard files, which are closed here."""
    environment = dict(os.environ if env is None else env)
    process = FORKS.Process(
        target=_run, args=(words, cwd, environment, [Connection(file) for file in files])
    )
    process.start()
    return process


def _run(
    words: Sequence[str], cwd: Path, env: Mapping[str, str], files: Sequence[Connection]
) -> None:
    for number, file in enumerate(files):
        os.dup2(file.fileno(), number)
        file.close()
    sys.stdin = open(0)  # noqa: SIM115 - its own was closed
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:0] = filter(None, env.get("PYTHONPATH", "").split(os.pathsep))
    how, what, *_ = words
    if how == "-m":
        sys.argv = list(words[1:])
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *words[2:]]
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own
