"""The offline world: a petitions site, a Bot API and a chat page, with the bot between them."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from msgspec import structs

from bot.app import running
from bot.config import Config, LogConfig, PollConfig, StorageConfig, TelegramConfig, Token
from bot.demo.world import World
from bot.operations.logging import configure_logs
from bot.petitions.parliaments import DESCRIPTIONS, site_like

# The story's days pass in seconds, so that no lease may be measured by its clock.
_LEASE = timedelta(days=36_500)
_INTERVAL = timedelta(seconds=0.4)
_NOBODY = "http://members.invalid"  # the sites' own lists say who sits where


async def run_demo(port: int) -> None:
    """Serve the chat page and run the bot behind it until interrupted."""
    configure_logs("warning", "console", "")
    async with AsyncExitStack() as stack:
        world = await _started(port)
        stack.push_async_callback(world.stop)
        bell = await stack.enter_async_context(_Bell.living_in(world))
        world.on_restart.append(bell.begin_again)
        typer.echo(f"Petition Bell's demo: {world.page_url}")
        typer.echo("Open it in a browser and send /follow 300239. Press Ctrl+C to stop.")
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await stop.wait()


async def _started(port: int) -> World:
    """Start the world at this port or, where that is taken, at any free one."""
    try:
        return await World(port).__aenter__()
    except OSError:
        return await World(0).__aenter__()


class _Bell:
    """The bot, unchanged; beginning again gives it an empty memory."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._life = AsyncExitStack()

    @classmethod
    @asynccontextmanager
    async def living_in(cls, world: World) -> AsyncIterator["_Bell"]:
        bell = cls(world)
        await bell._begin()
        try:
            yield bell
        finally:
            await bell._life.aclose()

    async def begin_again(self) -> None:
        await self._life.aclose()
        await self._begin()

    async def _begin(self) -> None:
        self._life = AsyncExitStack()
        folder = self._life.enter_context(TemporaryDirectory(prefix="petition-bell-demo-"))
        bot = running(
            configured(self._world, Path(folder)),
            now=self._world.clock.now,
            lease=_LEASE,
            members_api=_NOBODY,
            postcodes_api=self._world.postcodes.url,
            resolver=self._world.names,
        )
        await self._life.enter_async_context(bot)


def configured(world: World, folder: Path) -> Config:
    """Return the configuration that points the bot at the offline world."""
    return Config(
        telegram=TelegramConfig(
            token=Token(world.api.token), base_url=world.api.base_url, mode="polling", admins=()
        ),
        storage=StorageConfig(url=f"tinydb:{folder / 'demo.db'}", key_file=folder / "demo.key"),
        poll=PollConfig(interval=_INTERVAL, requests_per_minute=6000),
        log=LogConfig(level="warning", format="console"),
        sites=(
            site_like("uk", DESCRIPTIONS["uk"], _named("uk")),
            structs.replace(
                site_like("senedd", DESCRIPTIONS["senedd"], _named("senedd")),
                other_url=_named("senedd", 1),
            ),
        ),
    )


def _named(site: str, host: int = 0) -> str:
    """Return a site's address by its own name, which the world's names lead to the stand-in."""
    return f"http://{DESCRIPTIONS[site].hosts[host].name}"
