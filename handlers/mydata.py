"""`/mydata`: everything kept about this chat, as a file that brings it back when it is sent."""

import asyncio

from msgspec import structs
from telegram import Update
from telegram.ext import MessageHandler, filters

from bot.errors import StorageError
from bot.messages.buttons import agree_buttons
from bot.messages.chat.about import consent_request, data_caption, nothing_kept
from bot.messages.following.subscriptions import not_restored, restored, send_again, too_large
from bot.messages.i18n import LANGUAGES, marked
from bot.petitions.reference import as_written
from bot.subscriptions.data_file import FILE, LARGEST, DataFile, read, written
from bot.subscriptions.rules import same_rule
from bot.subscriptions.subscription import Subscription
from handlers.command import Command, allowed_or_told
from handlers.context import Context, asks_first, chat_of, is_private
from handlers.remote_admin import managed_from
from handlers.reply import answer, send_file


async def mydata(update: Update, context: Context) -> None:
    """Answer `/mydata`."""
    chat = await chat_of(update, context)
    data = await context.services.storage.chat_data(chat.id)
    if data is None:
        await answer(update, nothing_kept())
        return
    file = written(
        data.chat,
        data.subscriptions,
        data.rules,
        data.waiting,
        context.services.sites,
        managing=await managed_from(update, context),
    )
    caption = data_caption(len(data.subscriptions), len(data.rules))
    await send_file(update, FILE, file, caption=caption)


async def sent_back(update: Update, context: Context) -> None:
    """Bring back what a file of ours holds; any other file is nobody's business here."""
    message = update.effective_message
    if message is None or message.document is None:
        return
    # In a group only a file that is named like ours and that an admin sends is for us.
    name = (message.document.file_name or "").removesuffix(".json")
    is_named = name.startswith(FILE.removesuffix(".json"))
    if not (is_private(update) or (is_named and await allowed_or_told(update, context))):
        return
    if (message.document.file_size or 0) > LARGEST:
        if is_private(update):
            await answer(update, too_large())
        return
    chat = await chat_of(update, context)
    file = await message.document.get_file()
    content = bytes(await file.download_as_bytearray())
    try:
        data_file = await asyncio.to_thread(read, content, chat.id, context.services.now())
    except ValueError as error:
        await answer(update, not_restored(str(error)))
        return
    if data_file is None:
        if is_private(update):
            await answer(update, not_restored(""))
    elif asks_first(chat):
        await answer(update, consent_request(), agree_buttons())
        await answer(update, send_again())
    else:
        await _restore(update, context, data_file)


async def _restore(update: Update, context: Context, data_file: DataFile) -> None:
    """Take up what is not there yet, as far as the limits go; then say what came of it."""
    services = context.services
    chat = await chat_of(update, context)
    language = data_file.language if data_file.language in LANGUAGES else chat.language
    hears = data_file.announcements
    await services.storage.save_chat(structs.replace(chat, language=language, announcements=hears))
    await services.storage.set_preferences(chat.id, data_file.preferences, services.now())
    # A file of more would have the site asked for each, to no end.
    already = await services.storage.subscriptions(chat.id)
    wanted = data_file.subscriptions[: max(services.limits.subscriptions, len(already))]
    followed = sum([await _follow(context, each) for each in wanted])
    rules = await _take_up_rules(context, chat.id, data_file)
    services.wake_deliverer()
    await answer(update, restored(followed, len(data_file.subscriptions) - followed, rules))


async def _follow(context: Context, wanted: Subscription) -> bool:
    """Follow a petition as the file says; return False if it cannot be, or is one too many."""
    services, ref = context.services, wanted.petition
    if ref.site in services.sites and as_written(ref, services.sites) != ref:
        return False  # a number as this site writes none
    followed = await services.storage.subscriptions(wanted.chat_id)
    if all(each.petition != ref for each in followed):
        if ref.site not in services.sites or len(followed) >= services.limits.subscriptions:
            return False
        if await services.storage.history(ref) is None:
            await services.look(ref, keep=True)
    try:
        await services.storage.subscribe(wanted)
    except StorageError:
        return False  # nobody knows this petition
    now = services.now()
    await services.storage.set_subscription_preferences(
        wanted.chat_id, ref, wanted.preferences, now
    )
    await services.storage.mute(wanted.chat_id, ref, wanted.muted, now)
    return True


async def _take_up_rules(context: Context, chat_id: int, data_file: DataFile) -> int:
    services = context.services
    kept = list(await services.storage.rules(chat_id))
    for rule in data_file.rules:
        is_new = not any(same_rule(rule, each) for each in kept)
        if is_new and rule.site in services.sites and len(kept) < services.limits.rules:
            kept.append(await services.storage.save_rule(rule, services.now()))
    return sum(any(same_rule(rule, each) for each in kept) for rule in data_file.rules)


COMMANDS = [
    Command(
        "mydata",
        "",
        marked("get a copy of everything I keep about this chat"),
        mydata,
        changes=True,
        here=True,
    ),
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    MessageHandler(filters.UpdateType.MESSAGE & filters.Document.FileExtension("json"), sent_back),
]
