"""`python -m bot` as a process of its own."""

import asyncio
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bell import Village
from forked import ROOT, Forked, forked

__all__ = ["ROOT", "process", "stopped", "written"]


def written(village: Village, **changes: str) -> Path:
    path = village.folder / "config.toml"
    settings = {"token": village.api.token, "base_url": village.api.base_url} | changes
    path.write_text(
        f"""
        [telegram]
        token = "{settings["token"]}"
        base_url = "{settings["base_url"]}"
        [storage]
        url = "tinydb:data/bell.db"
        [poll]
        interval = "0.1s"
        requests_per_minute = 6000
        [log]
        level = "debug"
        [[sites]]
        id = "uk"
        name = "UK Parliament"
        url = "{village.site.url}"
        """
    )
    path.chmod(0o600)
    return path


@asynccontextmanager
async def process(config: Path) -> AsyncIterator[Forked]:
    started = await forked("-m", "bot", "run", "--config", str(config), stderr=PIPE)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def stopped(bell: Process | Forked, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
    bell.send_signal(how)
    _, log = await asyncio.wait_for(bell.communicate(), 20)
    return bell.returncode or 0, log.decode()
