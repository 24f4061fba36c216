"""Handles what people do, in a module per command or kind of update.

A new one takes its import here and its place in `MODULES`; in `tickets.py` it takes a word only
where whether it `changes` anything does not tell its turn.
"""

from collections.abc import Iterator

from handlers import (
    about,
    announce,
    calendar,
    chart,
    constituencies,
    constituency,
    conversation,
    digest,
    fallback,
    forget,
    help,
    inline,
    map,
    membership,
    milestones,
    mute,
    mydata,
    petition,
    privacy,
    remote_admin,
    response,
    rules,
    search,
    settings,
    share,
    snooze,
    start,
    stats,
    status,
    subscribe,
    subscriptions,
    trending,
    unsubscribe,
)
from handlers.command import AnyHandler, Command

# The order of the commands menu; `conversation` and `fallback` listen to whatever is left.
MODULES = (
    remote_admin,
    start,
    subscribe,
    unsubscribe,
    subscriptions,
    petition,
    response,
    calendar,
    constituencies,
    constituency,
    chart,
    map,
    milestones,
    search,
    trending,
    share,
    rules,
    settings,
    snooze,
    digest,
    mute,
    status,
    privacy,
    mydata,
    forget,
    about,
    help,
    membership,
    inline,
    stats,
    announce,
    conversation,
)

COMMANDS: tuple[Command, ...] = tuple(
    command for module in MODULES for command in getattr(module, "COMMANDS", ())
)


def all_handlers() -> Iterator[AnyHandler]:
    """Yield every handler, in the order in which they are asked."""
    for module in MODULES:
        yield from module.HANDLERS
    yield from conversation.handlers(COMMANDS)
    yield from fallback.handlers(COMMANDS)
