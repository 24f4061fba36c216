"""`/help`: every command in a line; in a group what is of use there."""

from telegram import Update

from bot.messages.chat.about import help_in_group, help_text
from bot.messages.i18n import marked
from handlers.command import Command, helps
from handlers.context import Context, is_private
from handlers.reply import answer


async def help_(update: Update, context: Context) -> None:
    """Answer `/help`."""
    if is_private(update):
        await answer(update, help_text(helps(context.bot_data["commands"])))
    else:
        await answer(update, help_in_group())


COMMANDS = [Command("help", "", marked("see all commands"), help_)]
HANDLERS = [command.handler for command in COMMANDS]
