"""Knows who reads what is said: one person, or a group or channel in which many do.

What is "you" to one person is "this chat" to many. Like the language, it belongs to what is being
done: each task sets its own.
"""

from contextvars import ContextVar

from bot.messages.i18n import tr

_is_shared: ContextVar[bool] = ContextVar("is_shared", default=False)


def address(*, is_shared: bool) -> None:
    """Speak to a group or channel for the rest of this task, or to one person."""
    _is_shared.set(is_shared)


def is_shared() -> bool:
    """Return whether many read what is said now, or it is about a chat in which many do."""
    return _is_shared.get()


def to_reader(alone: str, among: str, /, **gaps: object) -> str:
    """Return the first marked text for one person, the second for a group or channel."""
    return tr(among, **gaps) if is_shared() else tr(alone, **gaps)
