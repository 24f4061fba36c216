"""A faster steady clock, and a wall clock that can be put wrong, for one process and its loop.

An hour passes in minutes: the event loop, every timeout and whatever reads `time.monotonic` go by
a clock that runs so many times as fast. `hasten` is called before anything is imported that keeps
`time.monotonic` by another name.
"""

import asyncio
import selectors
import socket
import time
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from math import inf
from typing import Any

import time_machine

HOST = "petitions.test"

_real = time.monotonic
_began = _real()


class _Patient(selectors.DefaultSelector):
    """Waits in real seconds for what is told in hastened ones."""

    def __init__(self, times: float, woke: Callable[[], None]) -> None:
        super().__init__()
        self._times = times
        self._woke = woke

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(timeout / self._times if timeout else timeout)
        self._woke()
        return found


class HastyLoop(asyncio.SelectorEventLoop):
    """An event loop that finds the site here, and can be made to find it nowhere."""

    knows_names = True

    async def getaddrinfo(self, host: Any, port: Any, **how: Any) -> Any:
        if host == HOST:
            if not self.knows_names:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            host = "127.0.0.1"
        return await super().getaddrinfo(host, port, **how)


class Clocks:
    """The steady clock, the time it really is, and what this machine's wall clock shows.

    A machine that `sleeps` misses what happens: its steady clock stands still meanwhile.
    """

    def __init__(self, start: datetime, times: float) -> None:
        self._start = start
        self.times = times
        self.slept = timedelta(0)
        self.wrong_by = timedelta(0)
        self._was_wrong_at = -inf
        self._shown: Callable[[datetime], None] = lambda _: None

    def steady(self) -> float:
        return 1_000.0 + (_real() - _began) * self.times

    def truth(self) -> datetime:
        return self._start + timedelta(seconds=self.steady() - 1_000.0) + self.slept

    def wall(self) -> datetime:
        return self.truth() + self.wrong_by

    @property
    def was_wrong_lately(self) -> bool:
        """Whether the wall clock was hours wrong within the last half hour."""
        return self.steady() - self._was_wrong_at < 1_800

    def show(self) -> None:
        """Has this process read the wall clock as it stands now."""
        if abs(self.wrong_by) > timedelta(hours=1):
            self._was_wrong_at = self.steady()
        self._shown(self.wall())

    def run(self, work: Callable[[], Coroutine[Any, Any, int]]) -> int:
        """Do the work in a loop that goes by these clocks."""
        with time_machine.travel(self.wall(), tick=False) as traveller:
            self._shown = traveller.move_to
            factory = lambda: HastyLoop(_Patient(self.times, self.show))  # noqa: E731
            with asyncio.Runner(loop_factory=factory) as runner:
                return runner.run(work())


def hasten(start: datetime, times: float) -> Clocks:
    """Have `time.monotonic` run so many times as fast from now on."""
    clocks = Clocks(start, times)
    time.monotonic = clocks.steady
    return clocks
