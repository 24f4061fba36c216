"""Somebody who runs the bot, and a site that can be made to fail."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from bell import Village
from telegram.ext import ExtBot

from bot.delivery.deliverer import DeliveryCounts
from bot.operations.admin_alerts import AdminAlerts
from bot.operations.health import Health, HealthCheck
from bot.operations.metrics import Metrics
from bot.petitions.site_health import StatusReport
from bot.telegram.request import AiohttpRequest
from storage import Storage
from storage.opening import open_storage

ADMIN = 77


NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)


CALM = timedelta(minutes=3)


class Watch:
    """An alarm, its clock, and what the admin reads."""

    def __init__(self, village: Village, bot: ExtBot[None], storage: Storage) -> None:
        self.village = village
        self.now = NOW
        self.bot = bot
        self.storage = storage
        village.api.add_chat(ADMIN)
        self.restart()

    def restart(self) -> None:
        self._alarm = AdminAlerts(self.bot, self.storage, [ADMIN], calm=CALM)

    async def finds(self, *checks: HealthCheck, after: float = 0) -> list[str]:
        """Have these findings made `after` so many minutes more; return all the admin was told."""
        self.now += timedelta(minutes=after)
        await self._alarm.tell(checks, self.now)
        return [message["text"] for message in self.village.api.messages(ADMIN)]


@pytest.fixture
async def watch(village: Village):  # type: ignore[no-untyped-def]
    storage = await open_storage(village.config().storage)
    bot = ExtBot(
        village.api.token,
        village.api.base_url,
        request=AiohttpRequest(),
        get_updates_request=AiohttpRequest(),
    )
    async with bot:
        yield Watch(village, bot, storage)
    await storage.close()


async def reported() -> StatusReport:
    return StatusReport(NOW)


class Patient:
    """A bot's health, with every part well until a test says otherwise."""

    def __init__(self, bot: ExtBot[None], storage: object) -> None:
        self.monotonic = 1000.0
        self.metrics = Metrics(monotonic=lambda: self.monotonic)
        self.counts = DeliveryCounts()
        self._health = Health(
            self.metrics,
            self.counts,
            storage=cast(Storage, storage),
            bot=bot,
            report=reported,
            now=lambda: NOW,
            interval=timedelta(minutes=1),
            is_running=lambda: True,
            monotonic=lambda: self.monotonic,
        )

    async def ails(self, after: float = 0) -> set[str]:
        """The parts that are unwell, `after` so many seconds more."""
        self.monotonic += after
        return {check.name for check in await self._health.checks() if check.problem}

    async def is_ready(self) -> bool:
        return not any(f.problem for f in await self._health.checks() if f.is_grave)
