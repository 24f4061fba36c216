"""`/digest`: the digest before its time."""

from telegram import Update

from bot.messages.i18n import marked
from bot.messages.settings.snooze import nothing_in_digest
from handlers.command import Command
from handlers.context import Context, chat_of
from handlers.reply import answer


async def digest(update: Update, context: Context) -> None:
    """Have the digest come at once, which is the answer; if nothing waits for it, say so."""
    services, chat = context.services, await chat_of(update, context)
    now = services.now()
    if await services.storage.release(chat.id, "digest", now):
        services.wake_deliverer()
    else:
        await answer(update, nothing_in_digest(chat.preferences, now))


COMMANDS = [Command("digest", "", marked("get your digest now"), digest, changes=True)]
HANDLERS = [command.handler for command in COMMANDS]
