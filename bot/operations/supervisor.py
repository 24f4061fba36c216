"""Surrounds the bot's work with its server, its health, its admin alerts and its heartbeat."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog
from telegram.error import BadRequest
from telegram.ext import Application

from bot.config import Config
from bot.delivery.deliverer import DeliveryCounts
from bot.errors import ConfigError, StorageError
from bot.operations.admin_alerts import AdminAlerts
from bot.operations.health import Health, HealthCheck
from bot.operations.heartbeat import Heartbeat, notify
from bot.operations.leadership import holding
from bot.operations.metrics import Metrics
from bot.operations.wall_clock import WallClock
from bot.outages import IncidentLog
from bot.polling.status_reports import StatusReports
from bot.telegram.floods import Floods
from bot.telegram.reception import Reception
from bot.telegram.updates import Accept
from storage import Storage
from storage.shared import RoleState, is_shared

if TYPE_CHECKING:
    from bot.operations.http_server import Webhook

AnyApplication: TypeAlias = Application[Any, Any, Any, Any, Any, Any]

log = structlog.get_logger(__name__)

_BEAT = 1.0  # seconds
_LOOKS_APART = 5.0  # seconds
_FOUND_WITHIN = 4.0  # seconds; Prometheus waits for ten
# Longer than anything that is under way in them may take, Telegram or the store being away.
_STUCK = 180.0  # seconds
_OF_UPDATES = frozenset({"updates", "unreadable updates"})
_LONGEST_CALM = timedelta(minutes=5)
_SOME_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)

# A standby finds so many times running that nobody polls before it tells: who should poll may tell
# it first, and has the time to leave a report after a fault of the store.
_LOOKS_UNHEARD = 3


class Supervisor:
    """Looks after one running bot."""

    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        *,
        storage: Storage,
        application: AnyApplication,
        reports: StatusReports,
        counts: DeliveryCounts,
        delivered_at: Callable[[], float],
        put_right: Callable[[], None],
        now: Callable[[], datetime],
        polling: RoleState,
        updates: RoleState,
        accept: Accept,
        is_full: Callable[[], bool],
        reception: Reception,
        floods: Floods,
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._storage = storage
        self._application = application
        self._now = now
        self._polling = polling
        self._updates = updates
        self._roles = (polling, updates)
        self._delivered_at = delivered_at
        self._wall_clock = WallClock(storage, now, put_right)
        self._looks_unheard = 0
        self._looking: asyncio.Task[list[HealthCheck]] | None = None
        self._webhook: Webhook | None = None
        if self.has_webhook:
            from bot.operations import http_server  # noqa: PLC0415 - as in `serving`

            self._webhook = http_server.Webhook(
                application.bot,
                config.telegram.token,
                metrics.note_update,
                accept=accept,
                is_busy=lambda: not application.running or is_full(),
                reception=reception,
                floods=floods,
            )
        self._health = Health(
            metrics,
            counts,
            storage=storage,
            bot=application.bot,
            report=lambda: reports.read(()),
            now=now,
            interval=config.poll.interval,
            is_running=lambda: application.running,
            webhook=self._url,
            reception=reception,
            polling=polling,
        )
        metrics.watch_deliveries(counts)

    @property
    def has_webhook(self) -> bool:
        """True if Telegram posts updates to us, instead of being asked for them."""
        return self._config.telegram.mode == "webhook"

    @property
    def _url(self) -> str:
        """The address to which Telegram is to post updates; "" if we ask for them."""
        public = self._config.web.public_url
        return public.rstrip("/") + self._webhook.path if self._webhook and public else ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Run the bot's own server until the block ends, if there is to be one."""
        listen = self._config.web.listen
        if listen is None:
            yield
            return
        # aiohttp's server is large, and a bot that polls may do without.
        from bot.operations.http_server import health_routes, serving  # noqa: PLC0415 - only where it is asked for

        routes = health_routes(self._health.checks, self._figures, self._standby_roles)
        if self._webhook:
            routes += self._webhook.routes()
        async with serving(*listen, routes):
            yield

    async def set_webhook(self, allowed_updates: list[str]) -> None:
        """Have updates posted to us; ConfigError if Telegram won't have the address."""
        secret = self._webhook.secret if self._webhook else None
        try:
            await self._application.bot.set_webhook(
                self._url, allowed_updates=allowed_updates, secret_token=secret
            )
        except BadRequest as error:
            raise ConfigError([f"web.public_url: Telegram says: {error.message}"]) from error

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch the loop and the bot's health until the block ends, and tell systemd of them."""
        notify("READY=1")
        try:
            async with (
                _meanwhile(self._wall_clock.watch()),
                _meanwhile(self._beat()),
                _meanwhile(self._look_after()),
                self._heartbeat(),
            ):
                yield
        finally:
            notify("STOPPING=1")

    def _heartbeat(self) -> AbstractAsyncContextManager[None]:
        """Return what has an address outside asked while all is well, if one is configured."""
        url, polling = self._config.web.heartbeat_url, self._polling
        if not url:
            return nullcontext()
        beat = Heartbeat(url, self._health.checks, is_ours=lambda: not polling.is_standby)
        return _meanwhile(beat.run())

    def _standby_roles(self) -> list[str]:
        """Return the roles that another process has at present."""
        return [role_state.role for role_state in self._roles if role_state.is_standby]

    async def _figures(self) -> bytes:
        await self._note_problems()
        tally = None
        with suppress(StorageError):
            tally = await self._storage.tally()
        return self._metrics.page(tally, _store_bytes(self._config.storage.url), self._now())

    async def _note_problems(self) -> None:
        """Show what is wrong, as far as that is found out before Prometheus loses patience.

        What takes longer is still found out, and shown the next time.
        """
        looking = self._looking
        if looking is None or looking.done():
            looking = self._looking = asyncio.create_task(self._health.checks())
        done, _ = await asyncio.wait([looking], timeout=_FOUND_WITHIN)
        if done and not looking.cancelled() and looking.exception() is None:
            self._metrics.note_problems(
                {each.name: (bool(each.problem), each.is_grave) for each in looking.result()}
            )

    async def _beat(self) -> None:
        """Measure each second how late the event loop is; tell systemd while nothing is stuck."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _BEAT
            await asyncio.sleep(_BEAT)
            self._metrics.note_lag(max(0.0, loop.time() - due))
            now = time.monotonic()
            is_polling = self._polling.is_standby or now - self._metrics.last_tick < _STUCK
            if is_polling and now - self._delivered_at() < _STUCK:
                notify("WATCHDOG=1")

    async def _look_after(self) -> None:
        """Tell the admins, if there are any, what needs them; of several processes, one does."""
        admins, interval = self._config.telegram.admins, self._config.poll.interval
        tellers = self._admin_alerts()
        were_standby = [role_state.is_standby for role_state, _ in tellers]
        incident = IncidentLog(log, "the bot's health cannot be checked")
        while admins:
            await asyncio.sleep(min(max(interval.total_seconds(), 1.0), _LOOKS_APART))
            for number, (role_state, alerts) in enumerate(tellers):
                if role_state.is_standby != were_standby[number]:
                    were_standby[number] = role_state.is_standby
                    alerts.resume()
            try:
                checks = await self._health.checks()
                for role_state, alerts in tellers:
                    await self._tell(role_state, alerts, checks)
                incident.recovered()
            except Exception as error:
                incident.failed(type(error).__name__, exc_info=True)

    async def _tell(
        self, role_state: RoleState, alerts: AdminAlerts, checks: Sequence[HealthCheck]
    ) -> None:
        """Tell the admins what this process finds if it leads; if it stands by, that nobody polls.

        Of several that stand by, one tells that. Whether updates come in is told by the process
        that asks for them, which may be another than the one that polls.
        """
        if not role_state.is_standby:
            if role_state is self._polling:
                self._looks_unheard = 0
            await alerts.tell(checks, _steadily())
            return
        await alerts.hand_over(_steadily())
        if role_state is not self._polling:
            return
        unheard = [f for f in checks if f.name == "polling" and f.problem]
        self._looks_unheard = self._looks_unheard + 1 if unheard else 0
        if self._looks_unheard >= _LOOKS_UNHEARD and is_shared(self._storage):
            async with holding(self._storage, "alarm") as is_ours:
                if is_ours:
                    await alerts.tell(unheard, _steadily())

    def _admin_alerts(self) -> list[tuple[RoleState, AdminAlerts]]:
        """Return a teller of problems for each role, with those of the findings that it tells."""
        if self.has_webhook:
            return [(self._polling, self._alerts_under("alarms", lambda _: True))]
        return [
            (self._polling, self._alerts_under("alarms", lambda name: name not in _OF_UPDATES)),
            (self._updates, self._alerts_under("alarms of updates", _OF_UPDATES.__contains__)),
        ]

    def _alerts_under(self, note: str, tells: Callable[[str], bool]) -> AdminAlerts:
        calm = min(3 * self._config.poll.interval, _LONGEST_CALM)
        admins = self._config.telegram.admins
        return AdminAlerts(
            self._application.bot, self._storage, admins, calm=calm, note=note, tells=tells
        )


def _steadily() -> datetime:
    """Return an instant that only waiting is measured by: no wall clock moves it."""
    return _SOME_INSTANT + timedelta(seconds=time.monotonic())


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do some work in the background until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _store_bytes(url: str) -> int | None:
    """Return the size of the store's files, or None where it is not made of files."""
    scheme, _, place = url.partition(":")
    if scheme != "tinydb":
        return None
    path, size = Path(place), 0
    for file in path.parent.glob(f"{path.name}*"):
        with suppress(FileNotFoundError):  # a rewrite puts one file in place of another
            size += file.stat().st_size
    return size
