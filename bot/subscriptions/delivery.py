"""The records of what a chat is owed, and of what became of sending it (pure)."""

from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from bot.petitions.petition import PetitionRef

# The queues in which alerts wait for a moment that somebody chose; a snooze of one petition has a
# queue of its own, `snooze:uk:300239`.
QUIET, DIGEST, SNOOZE = "quiet", "digest", "snooze"
# The queue of what a dissolution closes at once: it is told in one message.
BATCH = "batch"
# The queue in which what follows too many alerts of one moment waits to be told in one message.
FLOOD = "flood"
# The queue in which a petition's older news and what cannot wait for it are told in one message.
TOGETHER = "together"
# The end of the name of each queue in which an alert waits that its chat would not take.
REFUSED = ":refused"


class Delivery(Struct, frozen=True, omit_defaults=True):
    """An alert a chat is owed: `occurrences` are the keys of what it tells, in one message.

    `number` rises with every delivery made, so that a chat hears things in the order they happened.
    What is due at once is in the queue "". Another queue is what waits for a moment of its own
    (`digest`, `quiet`, `snooze` …): when its first delivery is due, all of it is told in one
    message. `rule` is the number of the chat's rule that it comes from, 0 for a subscription.
    """

    key: str
    number: int
    chat_id: int
    petition: PetitionRef
    occurrences: tuple[str, ...]
    created_at: datetime
    not_before: datetime
    thread_id: int | None = None
    silent: bool = False
    attempts: int = 0
    leased_until: datetime | None = None
    queue: str = ""
    rule: int = 0


def is_free(delivery: Delivery, now: datetime) -> bool:
    """Return whether nobody holds a lease of a delivery."""
    return delivery.leased_until is None or delivery.leased_until <= now


def chat_of(key: str) -> int:
    """Return the chat that a delivery's key says it is for."""
    return int(key.rpartition(":")[2])


class Sent(Struct, frozen=True, tag=True):
    """The outcome that Telegram accepted the message."""

    message_id: int


class RetryAt(Struct, frozen=True, tag=True):
    """The outcome of nothing sent: to be tried again from `when`; `reason` is for the log."""

    when: datetime
    reason: str


class ChatGone(Struct, frozen=True, tag=True):
    """The outcome that the chat cannot hear us (blocked, kicked, deleted) until it comes back."""

    reason: str


class ChatRefuses(Struct, frozen=True, tag=True):
    """The outcome that the chat would not take it, for a reason that may pass, such as rights."""

    reason: str


class ChatMoved(Struct, frozen=True, tag=True):
    """The outcome that the group became a supergroup with another id."""

    new_id: int


class Refused(Struct, frozen=True, tag=True):
    """The outcome that Telegram will never take this message as it is."""

    reason: str


Outcome: TypeAlias = Sent | RetryAt | ChatGone | ChatRefuses | ChatMoved | Refused
