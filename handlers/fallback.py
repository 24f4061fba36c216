"""Answers what nobody else understood: a misspelt command, an old button, our own faults."""

import difflib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TypeGuard

import structlog
from telegram import Update
from telegram.error import BadRequest, TelegramError
from telegram.ext import CallbackQueryHandler, MessageHandler, filters

from bot.errors import StorageError
from bot.messages.buttons import button
from bot.messages.chat import errors
from bot.messages.chat.conversation import PRESSES
from bot.messages.chat.groups import too_fast
from bot.messages.i18n import speak, tr
from bot.messages.petition.parts import site_name
from bot.outages import IncidentLog
from handlers.command import SPOKEN, AnyHandler, Command
from handlers.context import Context, first_language, is_private
from handlers.reply import acknowledge, answer

log = structlog.get_logger(__name__)

_NEAR, _SURE = 0.7, 0.8  # how much alike a misspelt command is to the one that was meant


def handlers(commands: Sequence[Command]) -> list[AnyHandler]:
    """Return the handlers that come last, knowing all the commands there are."""
    names = {name: each for each in commands for name in (each.name, *each.aliases)}

    async def unknown_command(update: Update, context: Context) -> None:
        text = (update.effective_message and update.effective_message.text) or ""
        typed, _, rest = text.partition(" ")
        command, _, addressee = typed.removeprefix("/").partition("@")
        if is_private(update) or addressee.lower() == context.bot.username.lower():
            await suggest(update, context, names, command, rest)

    return [
        MessageHandler(SPOKEN & filters.COMMAND, unknown_command),
        CallbackQueryHandler(unknown_button),
    ]


async def suggest(
    update: Update, context: Context, names: Mapping[str, Command], command: str, rest: str
) -> None:
    """Run the nearest command if it only shows things; offer one that would change something."""
    near = difflib.get_close_matches(command.lower(), names, n=1, cutoff=_NEAR)
    nearest = names[near[0]] if near else None
    if (
        nearest
        and not (nearest.changes and rest.strip())
        and difflib.SequenceMatcher(None, command.lower(), near[0]).ratio() >= _SURE
    ):
        context.args = rest.split()
        await nearest.run(update, context)
        return
    services = context.services
    ref = services.reference(rest) if rest else None
    buttons = None
    if nearest and nearest.name in PRESSES and ref:
        meant = tr("Yes, {command}", command=f"/{nearest.help.name} {ref.id}")
        same = services.same_number(rest)
        called = {r: f" · {site_name(services.sites[r.site])}" for r in same if len(same) > 1}
        buttons = [
            [button(meant + called.get(each, ""), PRESSES[nearest.name], each)]
            for each in same or [ref]
        ]
    name = nearest.help.name if nearest else None
    await answer(update, errors.unknown_command(command, name, rest.strip()), buttons)


async def unknown_button(update: Update, _: Context) -> None:
    """Answer a button that nobody reads: say so, and do nothing."""
    if update.callback_query:
        await acknowledge(update.callback_query, errors.old_button())


def awaits_answer(update: object) -> TypeGuard[Update]:
    """Return whether somebody waits for an answer: to a press, a command, anything in private."""
    if not isinstance(update, Update):
        return False
    said = update.message or update.edited_message
    text = (update.message and update.message.text) or ""
    return update.callback_query is not None or bool(
        said and (is_private(update) or text.startswith("/"))
    )


async def acknowledge_early(update: Update) -> None:
    """Stop the spinner of a press that has to wait for its turn."""
    if update.callback_query:
        await acknowledge(update.callback_query, None)


async def slow_down(update: Update, *, tell: bool) -> None:
    """Answer what comes faster than it can be handled: every press, and the rest if `tell`."""
    speak(first_language(update))
    with suppress(TelegramError):
        if update.callback_query:
            await acknowledge(update.callback_query, too_fast().text)
        elif tell:
            await answer(update, too_fast())


async def failed(update: object, context: Context) -> None:
    """Log without its text what a handler could not go on from, and tell the person.

    A store or a Telegram that fails has its own line in the log, and this update says nothing new.
    """
    faults: IncidentLog = context.bot_data["faults"]
    kind = type(context.error).__name__
    if isinstance(context.error, StorageError) or (
        isinstance(context.error, TelegramError) and not isinstance(context.error, BadRequest)
    ):
        log.debug("update failed", error=kind)
    else:
        faults.failed(kind, exc_info=context.error)
    if not isinstance(update, Update) or update.effective_chat is None:
        return
    is_storage = isinstance(context.error, StorageError)
    try:
        await answer(update, errors.could_not_save() if is_storage else errors.failed())
    except TelegramError as error:
        log.debug("the failure could not be told", error=type(error).__name__)
    except Exception as error:
        faults.failed(type(error).__name__, exc_info=True)
