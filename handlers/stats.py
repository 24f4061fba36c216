"""`/stats`: counts for whoever runs the bot; to everybody else, an unknown command."""

from telegram import Update
from telegram.ext import CommandHandler, filters

from bot.messages.chat import errors, for_admins
from handlers.context import Context
from handlers.reply import answer


async def stats(update: Update, context: Context) -> None:
    """Answer with counts over the whole store and of what was sent; nothing about any one chat."""
    services = context.services
    user = update.effective_user
    if user is None or user.id not in services.admins:
        await answer(update, errors.unknown_command("stats", None, ""))
        return
    tally = await services.storage.tally()
    kept = {
        "chats": tally.chats,
        "subscriptions": tally.subscriptions,
        "petitions": tally.petitions,
    }
    await answer(
        update,
        for_admins.stats(
            kept, tally.waiting, tally.oldest_waiting, services.alerts(), services.now()
        ),
    )


# In private alone: figures are not for a group, whoever asks. And in no menu.
HANDLERS = [
    CommandHandler("stats", stats, filters=filters.UpdateType.MESSAGE & filters.ChatType.PRIVATE)
]
