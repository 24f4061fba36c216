"""`/privacy`: what is kept, why, and how to end it."""

from telegram import Update

from bot.messages.buttons import PRIVACY, Press, agree_buttons, consent_buttons
from bot.messages.chat.about import privacy as privacy_text
from bot.messages.i18n import marked
from bot.messages.message import Message
from handlers.command import Command, on_press
from handlers.context import Context
from handlers.reply import answer
from storage.shared import is_shared


async def privacy(update: Update, context: Context) -> None:
    """Answer `/privacy`."""
    await answer(update, what_is_kept(context))


async def read_more(update: Update, context: Context, press: Press) -> str | None:
    """Ask for consent again, beneath everything there is to know before answering."""
    ref = press.petition
    if ref:
        buttons = consent_buttons(ref, press.extra, is_told=True)
    else:
        buttons = agree_buttons(press.extra, is_told=True)
    await answer(update, what_is_kept(context), buttons)
    return None


def what_is_kept(context: Context) -> Message:
    """Word what `/privacy` says of this bot and its store."""
    services = context.services
    sites = list(services.sites.values())
    return privacy_text(services.rest_days, sites, in_database=is_shared(services.storage))


COMMANDS = [Command("privacy", "", marked("see what I keep and why"), privacy)]
HANDLERS = [*(command.handler for command in COMMANDS), on_press(PRIVACY, read_more)]
