"""Several processes as one bot: one polls, one reads updates, all share one send rate (shell).

On a store of one process all of this is trivially so.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Protocol, runtime_checkable

import structlog

from bot.petitions.errors import StorageError
from storage import Storage

log = structlog.get_logger(__name__)

# Together well under thirty seconds: how soon another takes over when a leader is gone.
CONFIRM_EVERY = 4.0
TRY_EVERY = 2.0


class Seat(Protocol):
    """The one place for a role among all processes."""

    async def take(self) -> bool:
        """Take it if it is free; may raise StorageError."""

    async def confirm(self) -> None:
        """Say that we are alive; StorageError once the seat is not ours."""

    async def leave(self) -> None:
        """Let another have it."""


class SharedRate(Protocol):
    """A send rate, shared by all processes that deliver."""

    async def slots(self, count: int) -> Sequence[float]:
        """In how many seconds each of the next `count` sends may leave; may raise StorageError."""

    async def hold(self, seconds: float) -> None:
        """Let nobody send for a while; may raise StorageError."""


@runtime_checkable
class Shared(Protocol):
    """A store that several processes have open at once."""

    def leadership(self, role: str) -> Seat:
        """The seat for a role."""

    def pace(self, name: str, per_second: float) -> SharedRate:
        """A rate under its name."""


async def lead(
    storage: Storage,
    role: str,
    duty: Callable[[], AbstractAsyncContextManager[Any]],
    *,
    confirm_every: float = CONFIRM_EVERY,
    try_every: float = TRY_EVERY,
) -> None:
    """Be on duty whenever the role is ours, until cancelled; `duty` is entered anew each time.

    Of all processes of one store, one is on duty. It goes off duty as soon as it cannot be sure
    any more that no other has taken over.
    """
    if not isinstance(storage, Shared):
        async with duty():
            await asyncio.Event().wait()
        return
    seat = storage.leadership(role)
    try:
        while True:
            await _taken(seat, role, try_every)
            async with duty():
                log.info("leading", role=role)
                await _lost(seat, confirm_every)
            log.warning("not leading any more", role=role)
            await seat.leave()
    finally:
        await seat.leave()


async def _taken(seat: Seat, role: str, try_every: float) -> None:
    while True:
        try:
            if await seat.take():
                return
        except StorageError as error:
            log.warning("nobody can tell who leads", role=role, reason=str(error))
        await asyncio.sleep(try_every)


async def _lost(seat: Seat, confirm_every: float) -> None:
    with suppress(StorageError, TimeoutError):
        while True:
            await asyncio.sleep(confirm_every)
            async with asyncio.timeout(confirm_every):
                await seat.confirm()


def shared_rate(storage: Storage, name: str, per_second: float) -> SharedRate:
    """The rate at which all processes of this store together may send."""
    if isinstance(storage, Shared):
        return storage.pace(name, per_second)
    return LocalRate(per_second)


class LocalRate:
    """A rate that this process has for itself."""

    def __init__(self, per_second: float, now: Callable[[], float] = time.monotonic) -> None:
        self._spacing = 1 / per_second
        self._now = now
        self._next = now()

    async def slots(self, count: int) -> Sequence[float]:
        now = self._now()
        first = max(self._next, now)
        self._next = first + count * self._spacing
        return [first - now + number * self._spacing for number in range(count)]

    async def hold(self, seconds: float) -> None:
        self._next = max(self._next, self._now() + seconds)
