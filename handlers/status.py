"""`/status`: how the bot is doing."""

from telegram import Update

from bot.messages.chat.status import status as status_text
from bot.messages.i18n import marked
from handlers.command import Command
from handlers.context import Context, chat_of
from handlers.reply import answer


async def status(update: Update, context: Context) -> None:
    """Answer when the sites answered last, how old the readings of petitions are, what waits."""
    services = context.services
    chat = await chat_of(update, context)
    data = await services.storage.chat_data(chat.id)
    refs = [subscription.petition for subscription in data.subscriptions] if data else []
    waiting = data.waiting if data else 0
    report = await services.reports.read(refs)
    now, version = services.now(), services.version
    await answer(update, status_text(report, len(refs), waiting, now, version=version))


COMMANDS = [Command("status", "", marked("see when petitions were last checked"), status)]
HANDLERS = [command.handler for command in COMMANDS]
