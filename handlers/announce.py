"""`/announce`: whoever runs the bot tells everybody something; to others, an unknown command."""

from msgspec import structs
from telegram import Update
from telegram.ext import CommandHandler, filters

from bot.delivery.announcer import DRAFT, PER_SECOND, STOPPED, UNDER_WAY, count_of_hearers
from bot.messages.buttons import ANNOUNCE, ANNOUNCED, Press
from bot.messages.chat import announcements, errors
from bot.messages.message import width, with_note
from bot.subscriptions.announcement import drafted, read, written
from handlers.command import on_press
from handlers.context import Context, chat_of
from handlers.reply import add_to, answer, rewrite


async def announce(update: Update, context: Context) -> None:
    """Shows how an announcement looks and how many get it; a press sends it."""
    services, message = context.services, update.effective_message
    if not _is_admin(update, context) or message is None:
        await answer(update, errors.unknown_command("announce", None, ""))
        return
    found = read(await context.services.storage.note(UNDER_WAY))
    running = found if found and not found.is_done else None
    if running:
        shown = announcements.progress(running.told, running.of)
        await answer(update, shown, announcements.stop_button(running.key))
        return
    _, *rest = (message.text or "").split(maxsplit=1)  # its lines are kept
    if not rest:
        await answer(update, announcements.how_to())
    elif width(rest[0]) > announcements.LONGEST_TEXT:
        await answer(update, announcements.too_long(rest[0]))
    else:
        chats = await count_of_hearers(services.storage)
        draft = drafted(rest[0].strip(), services.now(), chats)
        await services.storage.save_note(DRAFT, written(draft))
        await answer(update, *announcements.announcement(draft.text))
        await answer(update, *announcements.question(draft.key, chats, PER_SECOND))


async def announce_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Sends the draft, drops it, or ends the one that is under way."""
    if not _is_admin(update, context):
        return errors.old_button()
    storage = context.services.storage
    choice, _, key = press.extra.partition(".")
    last, draft = read(await storage.note(UNDER_WAY)), read(await storage.note(DRAFT))
    running = last if last and not last.is_done else None
    if choice == "stop" and running and running.key == key:
        await storage.save_note(STOPPED, key)
        await rewrite(update, announcements.stopping())
    elif (
        choice == "send"
        and draft
        and draft.key == key
        and (last is None or (last.is_done and last.key != key))
    ):
        await storage.save_note(UNDER_WAY, written(draft))
        await storage.save_note(DRAFT, "")
        shown = announcements.progress(0, draft.of)
        await rewrite(update, shown, announcements.stop_button(key))
    elif choice == "drop" and draft and draft.key == key:
        await storage.save_note(DRAFT, "")
        await rewrite(update, announcements.dropped())
    else:
        return announcements.no_longer()
    return None


async def announced_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Stop announcements in this chat, for the button beneath one."""
    if press.extra != "off":
        return errors.old_button()
    chat = await chat_of(update, context)
    await context.services.storage.save_chat(structs.replace(chat, announcements=False))
    note = announcements.turned_off()
    await add_to(update, lambda shown: with_note(shown, note, instead_of=[note]), None)
    return note


def _is_admin(update: Update, context: Context) -> bool:
    user = update.effective_user
    return user is not None and user.id in context.services.admins


# In private alone, and in no menu, as with figures.
HANDLERS = [
    CommandHandler(
        "announce", announce, filters=filters.UpdateType.MESSAGE & filters.ChatType.PRIVATE
    ),
    on_press(ANNOUNCE, announce_pressed),
    on_press(ANNOUNCED, announced_pressed, changes=True),
]
