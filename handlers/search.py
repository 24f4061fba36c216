"""`/search`: petitions by their words, each a button that opens its card."""

from telegram import Update

from bot.messages.chat.conversation import what_to_search
from bot.messages.i18n import marked
from handlers.command import Command
from handlers.context import Context
from handlers.lookup import which
from handlers.petition import show
from handlers.reply import ask
from handlers.word_search import tell


async def search(update: Update, context: Context) -> None:
    """Answer `/search free meals`; a number or a link leads to its card; alone it asks for what."""
    if not context.text:
        await ask(update, context, what_to_search(), "search")
    elif ref := context.services.reference(context.text):
        if named := await which(update, context, ref, context.text, "petition"):
            await show(update, context, named)
    else:
        await tell(update, context, context.text)


COMMANDS = [Command("search", marked("words"), marked("search for petitions"), search)]
HANDLERS = [command.handler for command in COMMANDS]
