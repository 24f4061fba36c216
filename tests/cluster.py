"""Several bots on one PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from subprocess import DEVNULL
from typing import Any

from aiohttp import ClientSession
from bell import TEA, Village
from forked import Forked, forked
from ports import free_port
from postgres import FailoverPair, PostgresGround

from bot.app import running, utc_now
from bot.config import Address, Config, StorageConfig, WebConfig
from bot.operations.leadership import RHYTHM, Rhythm, on_duty
from bot.petitions.petition import PetitionRef
from bot.subscriptions.subscription import Chat, Subscription
from storage import Storage
from storage.shared import RoleState

# A leader may be kept waiting on a busy machine before it is taken for one that has lost its place.
QUICK = Rhythm(1.5, 0.1)


SECOND_PROCESS = 30  # seconds that a take-over may need
PAUSE = 0.03  # seconds before a bot is asked again


REF = PetitionRef("uk", TEA)


class Cluster:
    """A village whose store is in PostgreSQL, and any number of bots in it."""

    def __init__(self, village: Village, ground: PostgresGround | FailoverPair) -> None:
        self.village = village
        self.ground = ground

    def config(self, port: int, **telegram: Any) -> Config:
        config = self.village.config()
        return replace(
            config,
            storage=StorageConfig(self.ground.url, self.ground.key_file),
            telegram=replace(config.telegram, **telegram),
            web=WebConfig(Address("127.0.0.1", port), f"http://127.0.0.1:{port}"),
        )

    @asynccontextmanager
    async def bell(
        self, now: Callable[[], datetime] = utc_now, **telegram: Any
    ) -> AsyncIterator["Bell"]:
        """One more bot at work."""
        port = free_port()
        config = self.config(port, **telegram)
        async with running(config, now=now, rhythm=QUICK), ClientSession() as asking:
            yield Bell(asking, f"http://127.0.0.1:{port}")

    @asynccontextmanager
    async def idle_leader(self) -> AsyncIterator[Storage]:
        """A process that has the seat of who polls, shows that it lives, and polls nothing.

        It is no hasty one, which a busy machine would have give up the seat.
        """
        leads = asyncio.Event()

        @asynccontextmanager
        async def idle() -> AsyncIterator[None]:
            leads.set()
            yield

        storage = await self.ground.open()
        async with on_duty(storage, RoleState("poller"), idle, RHYTHM):
            await leads.wait()
            yield storage
        await storage.close()

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Forked]:
        """One more bot, in a process of its own that can be killed."""
        path = self.ground.key_file.with_name("config.toml")
        path.write_text(
            f"""
            [telegram]
            token = "{self.village.api.token}"
            base_url = "{self.village.api.base_url}"
            [storage]
            url = "{self.ground.url}"
            key_file = "{self.ground.key_file}"
            [poll]
            interval = "0.1s"
            requests_per_minute = 6000
            [[sites]]
            id = "uk"
            name = "UK Parliament"
            url = "{self.village.site.url}"
            """
        )
        started = await forked("-m", "bot", "run", "--config", str(path), stderr=DEVNULL)
        try:
            yield started
        finally:
            if started.returncode is None:
                started.kill()
            await started.wait()

    async def follow(self, chats: range) -> None:
        """Let chats follow what is known already."""
        storage = await self.ground.open()
        for chat in chats:
            self.village.api.add_chat(chat)
            await storage.save_chat(Chat(chat, "private", utc_now(), utc_now()))
            await storage.subscribe(Subscription(chat, REF, utc_now()))
        await storage.close()

    def heard(self, chat: int, words: str = "10,002") -> list[str]:
        return [m["text"] for m in self.village.api.messages(chat) if words in m["text"]]


class Bell:
    """One of the bots, asked how it is."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ready(self) -> dict[str, Any]:
        async with self._session.get(f"{self._url}/readyz") as answer:
            found: dict[str, Any] = json.loads(await answer.text())
            return found

    async def stands_by(self, count: int = 2) -> list[str]:
        """Wait until it knows that so many roles are another's."""
        roles: list[str] = []
        async with asyncio.timeout(SECOND_PROCESS):
            while len(roles) < count:
                await asyncio.sleep(PAUSE)
                roles = (await self.ready()).get("standby", [])
        return roles

    async def warns(self) -> list[str]:
        """Wait until it warns of something; the warnings."""
        warnings: list[str] = []
        async with asyncio.timeout(SECOND_PROCESS):
            while not warnings:
                await asyncio.sleep(PAUSE)
                warnings = (await self.ready()).get("warnings", [])
        return warnings

    async def figure(self, named: str) -> float:
        """A figure of `/metrics`, 0 if it is not there."""
        async with self._session.get(f"{self._url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(named))

    async def sent(self) -> float:
        return await self.figure('petition_bell_deliveries_total{outcome="sent"}')

    async def rounds(self) -> float:
        return await self.figure("petition_bell_polls_total")

    async def asked_for_updates(self) -> float:
        return await self.figure('petition_bell_telegram_requests_total{method="getUpdates"')
