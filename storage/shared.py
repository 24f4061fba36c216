"""Declares what a store adds that several processes have open: roles, and one rate for them all."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol, TypeGuard


@dataclass(eq=False, slots=True)
class RoleState:
    """The state of a role in this process: a standby is one that knows that another has it.

    A process that has lost the store answers for its role until it hears of another, so that
    somebody does. `since` is when the role was taken up last, on the monotonic clock.
    """

    role: str
    is_standby: bool = False
    since: float = -inf

    def heard(self, is_ours: bool) -> None:
        """Note the answer to a request for the role's seat: it is ours, or another's."""
        self.is_standby = not is_ours
        if is_ours:
            self.since = time.monotonic()


class Seat(Protocol):
    """The one place for a role among all processes."""

    async def take(self) -> bool:
        """Take it if it is free, and return whether it is ours; may raise StorageError."""

    async def confirm(self) -> None:
        """Say that we are alive; StorageError once the seat is not ours."""

    async def leave(self) -> None:
        """Let another have it."""


class SharedRate(Protocol):
    """A send rate, shared by all processes that deliver."""

    async def slots(self, count: int) -> Sequence[float]:
        """Return in how many seconds from now each of the next `count` sends may leave.

        It may raise StorageError.
        """

    async def pause(self, seconds: float) -> None:
        """Let nobody send for so many seconds; may raise StorageError."""


class Shared(Protocol):
    """A store that several processes have open at once."""

    def leadership(self, role: str) -> Seat:
        """Return the seat for a role."""

    def send_rate(self, name: str, per_second: float) -> SharedRate:
        """Return the rate of this name, of so many sends a second for all processes together."""


def is_shared(storage: object) -> TypeGuard[Shared]:
    """Return whether several processes may have this store open at once."""
    # Asked of the object itself, which may be seen through glass (`bot.operations.observed`).
    return hasattr(storage, "leadership")
