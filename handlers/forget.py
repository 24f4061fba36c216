"""`/forget`: erase everything about this chat, after asking once."""

from telegram import Update

from bot.messages.buttons import FORGET, Press, forget_buttons
from bot.messages.chat.about import forget_question, forgotten, kept, nothing_kept
from bot.messages.i18n import marked
from handlers.command import Command, on_press
from handlers.context import Context, chat_of
from handlers.remote_admin import leave
from handlers.reply import answer, rewrite


async def forget(update: Update, context: Context) -> None:
    """Answer `/forget`."""
    chat = await chat_of(update, context)
    data = await context.services.storage.chat_data(chat.id)
    if data is None:
        await answer(update, nothing_kept())
    else:
        await answer(
            update, forget_question(len(data.subscriptions), len(data.rules)), forget_buttons()
        )


async def forget_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Erase it all, consent included, or leave it."""
    if press.extra != "yes":
        await rewrite(update, kept())
        return None
    chat = await chat_of(update, context)
    await context.services.storage.forget_chat(chat.id)
    context.services.forget(chat.id)
    await leave(update, context)
    await rewrite(update, forgotten())
    return None


COMMANDS = [
    Command(
        "forget",
        "",
        marked("delete everything I keep about this chat"),
        forget,
        changes=True,
        here=True,
    )
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(FORGET, forget_pressed, changes=True),
]
