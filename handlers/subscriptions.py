"""`/list`: what this chat follows, page by page, a button for each petition and rule."""

from telegram import Update

from bot.messages.buttons import PAGE, Keyboard, Press
from bot.messages.following.rules import listed
from bot.messages.following.subscriptions import Followed, Names, listing, next_to_close
from bot.messages.i18n import marked
from bot.messages.message import Message
from handlers.command import Command, on_press
from handlers.context import Context, chat_of
from handlers.reply import answer, rewrite
from handlers.rules import name_of


async def subscriptions(update: Update, context: Context) -> None:
    """Answer `/list`; `/list closing` shows what closes next."""
    chat = await chat_of(update, context)
    if context.words and context.words[0].lower() == "closing":
        followed, services = await followed_by(context, chat.id), context.services
        is_of_any = context.words[1:] == ["any"]
        page = next_to_close(followed, services.now(), services.called(), is_of_any=is_of_any)
        await answer(update, *page)
        return
    await answer(update, *await page_of(context, chat.id, 0))


async def turn_page(update: Update, context: Context, press: Press) -> str | None:
    """Show newer or older subscriptions in the same message."""
    chat = await chat_of(update, context)
    page = int(press.extra) if press.extra.isascii() and press.extra.isdigit() else 0
    await rewrite(update, *await page_of(context, chat.id, page))
    return None


async def page_of(context: Context, chat_id: int, page: int) -> tuple[Message, Keyboard | None]:
    """Word a page of petitions; the rules stand before the first."""
    services = context.services
    rules = [
        listed(rule, services.sites.get(rule.site), await name_of(context, rule))
        for rule in await services.storage.rules(chat_id)
    ]
    followed = await followed_by(context, chat_id)
    topics = {
        thread: services.topics.get((chat_id, thread), "")
        for each in followed
        if (thread := each.subscription.thread_id) is not None
    }
    return listing(followed, page, services.now(), rules, Names(topics, services.called()))


async def followed_by(context: Context, chat_id: int) -> list[Followed]:
    """Return a chat's subscriptions, newest first, with what is known of each petition."""
    storage = context.services.storage
    followed = []
    for subscription in await storage.subscriptions(chat_id):
        known = await storage.history(subscription.petition)
        if known:
            followed.append(Followed(subscription, known.petition))
    return followed


COMMANDS = [
    Command(
        "subscriptions",
        "",
        marked("see what this chat follows"),
        subscriptions,
        aliases=("list",),
        shown="list",
    ),
]
HANDLERS = [*(command.handler for command in COMMANDS), on_press(PAGE, turn_page)]
