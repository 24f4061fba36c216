"""Decides what becomes of a delivery after a try, by its outcome and by how many there were (pure).

A failure is transient unless Telegram proves it permanent: retrying is the default, giving up needs
a reason.
"""

from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from msgspec import Struct

from bot.subscriptions.delivery import (
    ChatGone,
    ChatMoved,
    ChatRefuses,
    Outcome,
    Refused,
    RetryAt,
    Sent,
)

_FIRST_WAIT = timedelta(seconds=1)
# What fails now is Telegram or the way there, as a whole: once it is back, nobody waits for long.
_LONGEST_WAIT = timedelta(seconds=45)
# Permissions that come back soon are met soon; from then on hourly, and in the end once a day.
_PROBES = tuple(timedelta(minutes=each) for each in (1, 10, 60, 60, 60, 120, 240, 480, 960, 1440))


class Settle(Struct, frozen=True):
    """The step of being done with the delivery."""


class TryAgain(Struct, frozen=True):
    """The step of giving the delivery back, to be tried again from `at` on."""

    at: datetime


class RestChat(Struct, frozen=True):
    """The step of keeping the delivery, and sending its chat nothing until it wakes."""

    reason: str


class ProbeChat(Struct, frozen=True):
    """The step of keeping the delivery, and trying its chat with one alert from `at` on."""

    reason: str
    refusals: int
    at: datetime


class MigrateChat(Struct, frozen=True):
    """The step of carrying everything over to the chat's new id, this delivery included."""

    new_id: int


Step: TypeAlias = Settle | TryAgain | RestChat | ProbeChat | MigrateChat


def next_step(
    outcome: Outcome, attempts: int, now: datetime, jitter: float, refusals: int = 0
) -> Step:
    """Decide what becomes of a delivery after try number `attempts` (0 was the first).

    `refusals` is how often in a row its chat had refused what it was sent before. `jitter` in 0..1
    spreads new tries over half the wait, and those at a chat that refuses over a tenth, so that a
    crowd does not come back at once.
    """
    match outcome:
        case Sent() | Refused():
            return Settle()
        case ChatGone(reason):
            return RestChat(reason)
        case ChatRefuses(reason):
            return ProbeChat(reason, refusals + 1, now + probe_wait(refusals, jitter))
        case ChatMoved(new_id):
            return MigrateChat(new_id)
        case RetryAt(when):
            return TryAgain(max(when, now + backoff(attempts, jitter)))
        case _:
            assert_never(outcome)


def backoff(attempts: int, jitter: float) -> timedelta:
    """Return the wait after so many failed tries: doubling from a second to 45 seconds."""
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(attempts, 16)))
    return wait * (0.75 + jitter / 2)


def probe_wait(refusals: int, jitter: float) -> timedelta:
    """Return how long a chat is left alone that refused so often before: a minute to a day."""
    return _PROBES[min(refusals, len(_PROBES) - 1)] * (0.9 + jitter / 10)
