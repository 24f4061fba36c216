"""`/subscriptions`: what this chat follows, page by page, a button for each petition."""

from telegram import Update

from bot.text.buttons import PAGE, Press
from bot.text.following import Followed, listing
from handlers.context import Command, Context, answer, chat_of, on_press, rewrite


async def subscriptions(update: Update, context: Context) -> None:
    """`/subscriptions`."""
    chat = await chat_of(update, context)
    followed = await followed_by(context, chat.id)
    await answer(update, *listing(followed, 0, context.services.now()))


async def turn_page(update: Update, context: Context, press: Press) -> str | None:
    """Newer and older subscriptions, in the same message."""
    chat = await chat_of(update, context)
    page = int(press.extra) if press.extra.isascii() and press.extra.isdigit() else 0
    followed = await followed_by(context, chat.id)
    await rewrite(update, *listing(followed, page, context.services.now()))
    return None


async def followed_by(context: Context, chat_id: int) -> list[Followed]:
    """What a chat follows, newest first, with what is known of each petition."""
    storage = context.services.storage
    followed = []
    for subscription in await storage.subscriptions(chat_id):
        known = await storage.known(subscription.petition)
        if known:
            followed.append(Followed(subscription, known.petition))
    return followed


COMMANDS = [
    Command("subscriptions", "", "see what this chat follows", subscriptions, aliases=("list",)),
]
HANDLERS = [*(command.handler for command in COMMANDS), on_press(PAGE, turn_page)]
