"""Outcome + attempts + now -> what to do with a delivery (pure).

A failure is transient unless Telegram proves it permanent: retrying is the default, giving up needs
a reason.
"""

from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from msgspec import Struct

from bot.petitions.model import ChatGone, ChatMoved, Outcome, Refused, RetryAt, Sent

_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(minutes=15)


class Settle(Struct, frozen=True):
    """The delivery is done with."""


class TryAgain(Struct, frozen=True):
    """Give it back and try again from then on."""

    at: datetime


class RestChat(Struct, frozen=True):
    """Keep the delivery, and send this chat nothing until it wakes."""

    reason: str


class MoveChat(Struct, frozen=True):
    """Carry everything over to the chat's new id, this delivery included."""

    new_id: int


Step: TypeAlias = Settle | TryAgain | RestChat | MoveChat


def next_step(outcome: Outcome, attempts: int, now: datetime, jitter: float) -> Step:
    """What becomes of a delivery after try number `attempts` (0 was the first).

    `jitter` in 0..1 spreads retries over half the wait, so that a crowd does not come back at once.
    """
    match outcome:
        case Sent() | Refused():
            return Settle()
        case ChatGone(reason):
            return RestChat(reason)
        case ChatMoved(new_id):
            return MoveChat(new_id)
        case RetryAt(when):
            return TryAgain(max(when, now + backoff(attempts, jitter)))
        case _:
            assert_never(outcome)


def backoff(attempts: int, jitter: float) -> timedelta:
    """How long to wait after so many failed tries: doubling from a second to a quarter hour."""
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(attempts, 16)))
    return wait * (0.75 + jitter / 2)
