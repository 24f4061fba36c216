"""Processes of their own that start in no time: forked from one that has loaded the bot already.

Loading it takes a second of a processor, which fifty starts would spend one after the other. What
is forked has run nothing yet; its arguments, folder, environment and files are its own, and it ends
as any process does. Started as people start it is the bot of `test_run.py`, `test_light.py`,
`test_demo.py` and, installed, of `test_package.py` and `test_deploy.py`.
"""

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess
from tempfile import TemporaryFile

ROOT = Path(__file__).parents[1]

# Reads orders, a datagram each: what to run, and the files to run it with. Tells its number through
# the last of them, and how it ended.
_SERVER = """
import gc, json, os, runpy, select, signal, socket, sys
from pathlib import Path

sys.path[0] = sys.argv[2]
from bot.cli import _loaded_lightly
with _loaded_lightly():
    import bot.app
import bot.config_reader, bot.operations.doctor, bot.operations.store_commands
import rich.console, rich.progress
import storage.opening, storage.postgres.rekey, storage.postgres.store, storage.tinydb.store

def ordered():
    "Serves; returns in the process that is to run something."
    orders = socket.socket(fileno=int(sys.argv[1]))
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    told = {}
    gc.collect()
    gc.freeze()
    while True:
        if woken in select.select([orders, woken], [], [])[0]:
            os.read(woken, 4096)
        while told:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            os.write(told[pid], f"{os.waitstatus_to_exitcode(status)}\\n".encode())
            os.close(told.pop(pid))
        if not select.select([orders], [], [], 0)[0]:
            continue
        order, files, _, _ = socket.recv_fds(orders, 1 << 20, 4)
        if not order:
            for pid in told:
                os.kill(pid, signal.SIGKILL)
            os._exit(0)
        pid = os.fork()
        if pid:
            told[pid] = files[3]
            for file in files[:3]:
                os.close(file)
            os.write(told[pid], f"{pid}\\n".encode())
            continue
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, file in enumerate(files[:3]):
            os.dup2(file, number)
        orders.close()
        for file in (woken, wake, *files, *told.values()):
            os.close(file)
        return json.loads(order)

order = ordered()
os.chdir(order["cwd"])
os.environ.clear()
os.environ.update(order["env"])
sys.path[1:1] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
if order["words"][0] == "-m":
    sys.argv[:] = order["words"][1:]
    runpy.run_module(order["words"][1], run_name="__main__", alter_sys=True)
else:
    sys.argv[:] = ["-c", *order["words"][2:]]
    exec(compile(order["words"][1], "<string>", "exec"), {"__name__": "__main__"})
"""


@cache
def _orders() -> socket.socket:
    """Where orders go; the server ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(theirs.fileno()), str(ROOT)],
        cwd=ROOT,
        stdin=DEVNULL,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours


def _order(
    words: tuple[str, ...], cwd: Path, env: Mapping[str, str] | None, files: list[int]
) -> None:
    """Have it run; `files` are the standard three and where it is told of."""
    order = {"words": words, "cwd": str(cwd), "env": dict(os.environ if env is None else env)}
    socket.send_fds(_orders(), [json.dumps(order).encode()], files)


class Forked:
    """A process that runs, with what `asyncio.subprocess.Process` has of it."""

    def __init__(self) -> None:
        self.pid = 0
        self.returncode: int | None = None
        self.stdin: int | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._pipes: list[asyncio.BaseTransport] = []

    async def start(
        self,
        words: tuple[str, ...],
        cwd: Path,
        env: Mapping[str, str] | None,
        pipes: Mapping[str, int],
    ) -> None:
        told, tells = os.pipe()
        files, readers = [], {"told": told}
        for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
            if pipes.get(name) == PIPE:
                read, write = os.pipe()
                files.append(read if name == "stdin" else write)
                if name == "stdin":
                    self.stdin = write
                else:
                    readers[name] = read
            elif pipes.get(name) == DEVNULL or name == "stdin":
                files.append(os.open(os.devnull, os.O_RDWR))
            else:
                files.append(os.dup(number))
        files.append(tells)
        _order(words, cwd, env, files)
        for file in files:
            os.close(file)
        made = {name: await self._reader(file) for name, file in readers.items()}
        self.stdout, self.stderr = made.get("stdout"), made.get("stderr")
        self.pid = int(await made["told"].readline())
        self._ended = asyncio.create_task(self._end(made["told"]))

    async def _reader(self, file: int) -> asyncio.StreamReader:
        reader, loop = asyncio.StreamReader(), asyncio.get_running_loop()
        pipe, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(file, "rb")
        )
        self._pipes.append(pipe)
        return reader

    async def _end(self, told: asyncio.StreamReader) -> int:
        self.returncode = int(await told.readline())
        return self.returncode

    async def wait(self) -> int:
        """Its exit code, once it has ended; nothing it said can be read after that."""
        code = await asyncio.shield(self._ended)
        for pipe in self._pipes:
            pipe.close()
        await asyncio.sleep(0)
        return code

    async def communicate(self, given: bytes = b"") -> tuple[bytes, bytes]:
        """What it has still to say, once it has ended."""
        if self.stdin is not None:
            os.write(self.stdin, given)
            os.close(self.stdin)
            self.stdin = None
        out, errors = await asyncio.gather(*map(_rest, (self.stdout, self.stderr)))
        await self.wait()
        return out, errors

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


async def _rest(said: asyncio.StreamReader | None) -> bytes:
    return b"" if said is None else await said.read()


async def forked(
    *words: str,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    stdin: int = DEVNULL,
    stdout: int = -1,
    stderr: int = -1,
) -> Forked:
    """Start Python with these words, `-m` or `-c` and what follows, in a process of its own."""
    started = Forked()
    pipes = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
    await started.start(words, cwd, env, pipes)
    return started


def ran(
    *words: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None, given: str = ""
) -> CompletedProcess[str]:
    """Run it to its end, `given` what a pipe holds for it; what it said."""
    told, tells = os.pipe()
    read, write = os.pipe()
    os.write(write, given.encode())
    os.close(write)
    with TemporaryFile() as out, TemporaryFile() as errors, os.fdopen(told) as end:
        _order(words, cwd, env, [read, out.fileno(), errors.fileno(), tells])
        os.close(read)
        os.close(tells)
        code = int(end.read().split()[1])
        out.seek(0)
        errors.seek(0)
        return CompletedProcess(words, code, out.read().decode(), errors.read().decode())
