"""Makes several processes one bot: one polls, one reads updates, all share one send rate (shell).

On a store of one process all of this is trivially so.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, NamedTuple, TypeAlias

import structlog

from bot.errors import StorageError
from bot.outages import IncidentLog
from storage import Storage
from storage.shared import RoleState, Seat, Shared, SharedRate, is_shared

log = structlog.get_logger(__name__)

Duty: TypeAlias = Callable[[], AbstractAsyncContextManager[Any]]


class Rhythm(NamedTuple):
    """The seconds between a leader's signs of life, and between others' tries for its role.

    Together they are well under thirty: how soon another takes over when a leader is gone.
    """

    confirm_every: float = 4.0
    try_every: float = 2.0


RHYTHM = Rhythm()


def shared_rate(storage: Storage, name: str, per_second: float) -> SharedRate | None:
    """Return the rate at which all processes of this store together may send; None if alone."""
    return storage.send_rate(name, per_second) if is_shared(storage) else None


@asynccontextmanager
async def holding(storage: Shared, role: str) -> AsyncIterator[bool]:
    """Hold a role until the block ends, yielding whether it is ours; may raise StorageError."""
    seat = storage.leadership(role)
    try:
        yield await seat.take()
    finally:
        await seat.leave()


@asynccontextmanager
async def on_duty(
    storage: Storage, role_state: RoleState, duty: Duty, rhythm: Rhythm
) -> AsyncIterator[None]:
    """Be on duty until the block ends: whenever the role is ours, or always if we are alone."""
    if not is_shared(storage):
        async with duty():
            yield
        return
    leading = asyncio.create_task(lead(storage, role_state, duty, rhythm))
    try:
        yield
    finally:
        leading.cancel()
        await asyncio.wait([leading])


async def lead(storage: Shared, role_state: RoleState, duty: Duty, rhythm: Rhythm) -> None:
    """Be on duty whenever the role is ours, until cancelled; `duty` is entered anew each time.

    Of all processes of one store, one is on duty. It goes off duty as soon as it cannot be sure
    any more that no other has taken over.
    """
    seat = storage.leadership(role_state.role)
    seating = IncidentLog(log, "leader unknown", role=role_state.role)
    serving = IncidentLog(log, "a leader's task fails", role=role_state.role)
    try:
        while True:
            await _seated(seat, role_state, rhythm, seating)
            await _serve(seat, role_state.role, duty, rhythm, serving)
            await seat.leave()
            await asyncio.sleep(rhythm.try_every)
    finally:
        await seat.leave()


async def _seated(seat: Seat, role_state: RoleState, rhythm: Rhythm, incident: IncidentLog) -> None:
    while True:
        try:
            role_state.heard(await seat.take())
        except StorageError as error:
            incident.failed(str(error))
        else:
            incident.recovered()
            if not role_state.is_standby:
                return
        await asyncio.sleep(rhythm.try_every)


async def _serve(seat: Seat, role: str, duty: Duty, rhythm: Rhythm, incident: IncidentLog) -> None:
    try:
        async with duty():
            incident.recovered()
            log.info("leading", role=role)
            await _lost(seat, rhythm.confirm_every)
            log.warning("not leading any more", role=role)
    except Exception as error:
        # Whatever it is, a role must not stay empty for good because of it.
        incident.failed(type(error).__name__, exc_info=True)


async def _lost(seat: Seat, confirm_every: float) -> None:
    with suppress(StorageError, TimeoutError):
        while True:
            await asyncio.sleep(confirm_every)
            async with asyncio.timeout(confirm_every):
                await seat.confirm()
