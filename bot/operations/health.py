"""Finds out whether the bot is well: one list of findings, for probes and for whoever runs it."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from telegram import Bot, WebhookInfo

from bot.delivery.deliverer import DeliveryCounts
from bot.errors import StorageError
from bot.messages.chat.status import Reason
from bot.messages.format import clock
from bot.messages.i18n import Said
from bot.operations.metrics import Metrics
from bot.petitions.site_health import SiteHealth, StatusReport
from bot.polling.status_reports import INTERVALS, patience
from bot.telegram.decoding import failure_of
from bot.telegram.reception import SILENT_TOO_LONG, Reception
from storage import Storage
from storage.shared import RoleState

_PROBE_EVERY = 15.0  # seconds; however often somebody asks, Telegram is spared
_WRITTEN_EVERY = 5.0  # seconds; as the disk is
_SILENT_TOO_LONG = timedelta(seconds=100)
_WINDOW = 600.0  # seconds over which failures count as many
_MANY_REFUSED = 5
_MANY_UNREADABLE = 5
_SHARE_UNREADABLE = 0.2
_STORAGE_WITHIN = 5.0  # seconds
_NO_CHANCE = timedelta(seconds=20)
_LONG_WAIT = timedelta(minutes=30)
_PROBE_NOTE = "last probe"


class HealthCheck(NamedTuple):
    """One thing looked at: `problem` says in words what is wrong, and is "" if nothing is.

    A grave one means that the bot cannot do its work now.
    """

    name: str
    problem: str
    is_grave: bool = True


class _Sample(NamedTuple):
    at: float
    refused: int
    answers: int
    unreadable: int


class Health:
    """Looks at every part the bot depends on."""

    def __init__(
        self,
        metrics: Metrics,
        counts: DeliveryCounts,
        *,
        storage: Storage,
        bot: Bot,
        report: Callable[[], Awaitable[StatusReport]],
        now: Callable[[], datetime],
        interval: timedelta,
        is_running: Callable[[], bool],
        webhook: str = "",
        reception: Reception | None = None,
        polling: RoleState | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._bot = bot
        self._report = report
        self._metrics = metrics
        self._counts = counts
        self._now = now
        # A single look that fails is no trouble, and two minutes of silence are one.
        self._patience = min(INTERVALS * interval, max(_SILENT_TOO_LONG, 1.5 * interval))
        self._round_within = patience(interval)
        self._is_running = is_running
        self._webhook = webhook
        self._reception = reception or Reception()
        self._pending = 0
        self._store_failed_at = float("-inf")
        self._excused = 0  # answers that could not be read while a site was away
        self._polling_role = polling or RoleState("poller")
        self._monotonic = monotonic
        self._samples: deque[_Sample] = deque([_Sample(monotonic(), 0, 0, 0)])
        self._storage_probe = _Probe(self._probe_storage, monotonic, _WRITTEN_EVERY)
        self._telegram_probe = _Probe(self._probe_telegram, monotonic)

    async def checks(self) -> list[HealthCheck]:
        """Return a finding on every part, the well ones too, always under the same names.

        What ails the process that polls does not keep others from their work.
        """
        report = await self._read_report()
        storage = await self._storage_probe()
        if storage:
            self._store_failed_at = self._monotonic()
        reception = self._reception
        problem, is_grave = reception.stepped_over(), reception.reads_nothing
        return [
            HealthCheck("storage", storage),
            HealthCheck(
                "Telegram",
                await self._telegram_probe()
                if self._is_running()
                else "The bot is still starting.",
            ),
            HealthCheck("updates", self._reception.problem()),
            HealthCheck("sending", self._metrics.sending.problem() or self._refused()),
            HealthCheck("unreadable updates", problem, is_grave=is_grave),
            HealthCheck("polling", self._polling(report), is_grave=self._is_poller()),
            *self._sites_answer(report),
            *self._many(report),
            HealthCheck("waiting alerts", await self._waiting(), is_grave=False),
        ]

    def _refused(self) -> str:
        seconds = self._metrics.refused_for()
        if seconds <= SILENT_TOO_LONG:
            return ""
        return Said(
            "Telegram has refused every message for {seconds} seconds (flood limit).",
            seconds=f"{seconds:.0f}",
        )

    async def _probe_storage(self) -> str:
        try:
            async with asyncio.timeout(_STORAGE_WITHIN):
                await self._storage.save_note(_PROBE_NOTE, self._now().isoformat())
        except StorageError as error:
            return Said("Storage can't be written to ({error}).", error=error)
        except TimeoutError:
            return Said("Storage can't be written to (it isn't answering).")
        return ""

    async def _probe_telegram(self) -> str:
        try:
            hook = await self._bot.get_webhook_info(read_timeout=5, connect_timeout=3)
        except Exception as error:  # an answer that cannot be decoded is one of many shapes
            cause, kind = failure_of(error).cause.said, type(error).__name__
            return Said("Asking Telegram failed: {cause} ({error}).", cause=cause, error=kind)
        if hook.url != self._webhook:
            return Said("Another program is receiving this bot's updates. Stop one of the two.")
        return self._unposted(hook) if self._webhook else ""

    def _unposted(self, hook: WebhookInfo) -> str:
        """Word that Telegram keeps updates it cannot post; "" unless that is so.

        It is if as many wait as a while ago, and none came in.
        """
        before, self._pending = self._pending, hook.pending_update_count
        is_stuck = 0 < before <= hook.pending_update_count
        if is_stuck and self._reception.silence() > SILENT_TOO_LONG:
            reason = (hook.last_error_message or "no reason given")[:100]
            return Said("Telegram can't post updates to the bot ({reason}).", reason=reason)
        return ""

    async def _waiting(self) -> str:
        """Word since when an alert waits that only we keep waiting; "" if it is not long."""
        try:
            async with asyncio.timeout(_STORAGE_WITHIN):
                oldest = (await self._storage.tally()).oldest_due
        except (StorageError, TimeoutError):
            return ""
        now = self._now()
        if oldest is None or now - oldest < _LONG_WAIT:
            return ""
        return Said("An alert has been waiting to be sent since {clock}.", clock=clock(oldest, now))

    async def _read_report(self) -> StatusReport | None:
        try:
            async with asyncio.timeout(_STORAGE_WITHIN):
                return await self._report()
        except (StorageError, TimeoutError):
            return None

    def _is_poller(self) -> bool:
        return not self._polling_role.is_standby

    def _polling(self, report: StatusReport | None) -> str:
        if not self._is_poller():
            return "" if report is None or report.sites else _unheard(report.at, self._now())
        # No round can end without a store, which is a trouble of its own.
        last_sign = max(self._metrics.last_round, self._polling_role.since, self._store_failed_at)
        silence = self._monotonic() - last_sign
        if silence > self._round_within.total_seconds():
            return Said(
                "No check of the petitions sites has finished for {seconds} seconds.",
                seconds=f"{silence:.0f}",
            )
        return ""

    def _sites_answer(self, report: StatusReport | None) -> Iterator[HealthCheck]:
        now = self._now()
        for health in report.sites if report else ():
            words, since = "", health.failing_since
            if since is not None and self._is_away(health):
                told = {"site": health.site.name, "clock": clock(since, now)}
                words = (
                    Said(
                        "{site}: not answering since {clock} ({reason}).",
                        **told,
                        reason=Reason(health.reason),
                    )
                    if health.reason
                    else Said("{site}: not answering since {clock}.", **told)
                )
            yield HealthCheck(f"site {health.site.id}", words, self._is_poller())

    def _is_away(self, health: SiteHealth) -> bool:
        """Return whether a site is failing for long, or for a while after a long silence.

        A site that is asked once a minute may have been away for most of one when it is found out.
        """
        since, now = health.failing_since, self._now()
        if since is None or not self._asks_for_long():
            return False
        failing, silent = now - since, now - (health.last_answer or since)
        return failing >= self._patience or (failing >= _NO_CHANCE and silent >= self._patience)

    def _asks_for_long(self) -> bool:
        """Return whether we have polled for so long that a site has had the time to answer us."""
        asking = self._monotonic() - self._polling_role.since
        return asking >= self._patience.total_seconds()

    def _many(self, report: StatusReport | None) -> Iterator[HealthCheck]:
        """Yield findings on failures that are too many in ten minutes, though each alone may pass.

        A site of which nothing can be read is a problem of its own, and is not counted here.
        """
        sites = report.sites if report else ()
        if any(self._is_away(health) for health in sites):
            self._excused = self._metrics.unreadable
        before, after = self._span()
        refused = after.refused - before.refused
        is_failing = any(health.failing_since for health in sites)
        unreadable = 0 if is_failing else after.unreadable - before.unreadable
        share = unreadable / max(1, after.answers - before.answers)
        yield HealthCheck(
            "alerts",
            Said(
                "Telegram refused {count} alerts in the last 10 minutes. "
                "See the log for the reason.",
                count=refused,
            )
            if refused >= _MANY_REFUSED
            else "",
            is_grave=False,
        )
        yield HealthCheck(
            "answers",
            Said(
                "{count} answers from the petitions sites ({share}) couldn't be read in the last "
                "10 minutes. Their format may have changed.",
                count=unreadable,
                share=f"{share:.0%}",
            )
            if unreadable >= _MANY_UNREADABLE and share >= _SHARE_UNREADABLE
            else "",
            is_grave=False,
        )

    def _span(self) -> tuple[_Sample, _Sample]:
        """Return the counts of ten minutes ago, or of the start, and those of now."""
        seen = self._metrics
        unreadable = seen.unreadable - self._excused
        now = _Sample(self._monotonic(), self._counts.refused, seen.answers, unreadable)
        if now.at - self._samples[-1].at >= _PROBE_EVERY:
            self._samples.append(now)
        while len(self._samples) > 1 and self._samples[1].at <= now.at - _WINDOW:
            self._samples.popleft()
        return self._samples[0], now


def _unheard(at: datetime | None, now: datetime) -> str:
    if at is None:
        return Said("The process that checks the petitions sites hasn't reported yet.")
    return Said(
        "The process that checks the petitions sites hasn't reported since {clock}.",
        clock=clock(at, now),
    )


class _Probe:
    """Tries something out, and remembers the outcome for a while."""

    def __init__(
        self,
        attempt: Callable[[], Awaitable[str]],
        monotonic: Callable[[], float],
        every: float = _PROBE_EVERY,
    ) -> None:
        self._attempt = attempt
        self._monotonic = monotonic
        self._every = every
        self._until = float("-inf")
        self._problem = ""

    async def __call__(self) -> str:
        if self._monotonic() >= self._until:
            self._problem = await self._attempt()
            self._until = self._monotonic() + self._every
        return self._problem
