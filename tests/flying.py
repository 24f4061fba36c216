"""An event loop whose time flies: whoever sleeps wakes as soon as nobody has any work left."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

_MOST_JUMPS = 5_000


class FlyingTime:
    """Says how many seconds have passed, none of them waited for."""

    def __init__(self, began: float) -> None:
        self._began = self.now = began

    @property
    def passed(self) -> float:
        """Seconds since the test began, to the microsecond."""
        return round(self.now - self._began, 6)


@pytest.fixture
async def time() -> AsyncIterator[FlyingTime]:
    """The time of this test's loop, in which nothing but the test's own work is under way."""
    loop: Any = asyncio.get_running_loop()
    flying, select = FlyingTime(loop.time()), loop._selector.select
    jumps = 0

    def at_once(timeout: float | None = None) -> Any:
        nonlocal jumps
        flying.now += timeout or 0.0
        jumps += bool(timeout)
        if jumps > _MOST_JUMPS:
            raise TimeoutError("somebody waits again and again, without end")
        return select(timeout if timeout is None else 0)

    loop.time, loop._selector.select = lambda: flying.now, at_once
    yield flying
    del loop.time, loop._selector.select
