"""Shell: the part that the three small servers of the offline world share."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

T = TypeVar("T")


class Loopback:
    """A web application reachable from this machine only."""

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, application: web.Application, port: int = 0) -> None:
        # Cancelling the handler of a caller who hung up frees its long poll at once.
        runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def named_url(self) -> str:
        """The address of the server as people read it."""
        return f"http://localhost:{self.port}"


class Changes:
    """Lets a coroutine wait until something it can look at has become true."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def note(self) -> None:
        """Has every waiter look again."""
        noted, self._next = self._next, asyncio.Event()
        noted.set()

    async def next(self) -> None:
        await self._next.wait()

    async def until(self, look: Callable[[], T | None], timeout: float | None) -> T:
        """Return the first answer that is neither None nor False.

        TimeoutError if there is none within `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while True:
                found = look()
                if found is not None and found is not False:
                    return found
                await self.next()
