"""Tells the outside that the bot lives: an address it asks once a minute, and systemd."""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import aiohttp
import structlog

from bot.operations.health import HealthCheck
from bot.outages import IncidentLog

log = structlog.get_logger(__name__)

EVERY = 60.0  # seconds
_WITHIN = aiohttp.ClientTimeout(total=10)


class Heartbeat:
    """Asks the address while nothing grave ails the bot; whether anybody answers changes nothing.

    Somebody who knows the address can feign that the bot lives, so it stands in no log: of an error
    only its kind does.
    """

    def __init__(
        self,
        url: str,
        checks: Callable[[], Awaitable[Sequence[HealthCheck]]],
        *,
        is_ours: Callable[[], bool] = lambda: True,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url = url
        self._checks = checks
        self._is_ours = is_ours
        self._monotonic = monotonic
        self._sleep = sleep
        self._incident = IncidentLog(log, "the heartbeat cannot be sent", monotonic)

    async def run(self) -> None:
        """Ask until cancelled."""
        async with aiohttp.ClientSession(
            timeout=_WITHIN, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            while True:
                due = self._monotonic() + EVERY
                await self._beat(session)
                await self._sleep(max(0.0, due - self._monotonic()))

    async def _beat(self, session: aiohttp.ClientSession) -> None:
        """Ask once, if all is well; of several processes, the one that polls does."""
        try:
            if self._is_ours() and (
                not any(each.is_grave and each.problem for each in await self._checks())
            ):
                await self._ask(session)
                self._incident.recovered()
        except Exception as error:
            # Whatever it is, it is a matter of the log alone.
            self._incident.failed(
                f"status {error}" if isinstance(error, _Refused) else type(error).__name__
            )

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        async with session.get(self._url, allow_redirects=False) as answer:
            if answer.status >= 400:
                raise _Refused(answer.status)


class _Refused(Exception):
    """The address answered with an error."""


def notify(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send a state (`READY=1`, `WATCHDOG=1`, `STOPPING=1`); nobody listening is no error."""
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # a name of Linux's abstract namespace
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        try:
            line.setblocking(False)
            line.sendto(state.encode(), address)
        except OSError:
            return  # a full or vanished socket must not stop the bot
