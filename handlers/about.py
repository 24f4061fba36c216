"""`/about`: what this bot is, and whose facts it tells."""

from telegram import Update

from bot.messages.chat.about import about as about_text
from bot.messages.i18n import marked
from handlers.command import Command
from handlers.context import Context
from handlers.reply import answer


async def about(update: Update, context: Context) -> None:
    """Answer `/about`."""
    services = context.services
    await answer(update, about_text(services.version, list(services.sites.values())))


COMMANDS = [Command("about", "", marked("about this bot and its data"), about)]
HANDLERS = [command.handler for command in COMMANDS]
