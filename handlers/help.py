"""`/help`: every command in a line."""

from telegram import Update

from bot.messages.chat.about import help_text
from bot.messages.i18n import marked
from handlers.command import Command, helps
from handlers.context import Context
from handlers.reply import answer


async def help_(update: Update, context: Context) -> None:
    """`/help`."""
    await answer(update, help_text(helps(context.bot_data["commands"])))


COMMANDS = [Command("help", "", marked("see all commands"), help_)]
HANDLERS = [command.handler for command in COMMANDS]
