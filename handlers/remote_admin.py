"""Lets an admin manage a group or channel from their private chat.

Which chat that is, is kept for an hour as a note that only this bot's token opens, under a name
that nobody can tell the person from. Buttons say themselves which chat they are about.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken
from msgspec import DecodeError, Struct, json
from telegram import ChatShared, Message, ReplyKeyboardRemove, Update
from telegram.constants import ChatType
from telegram.error import TelegramError
from telegram.ext import ApplicationHandlerStop, MessageHandler, filters

from bot.local_time import zone_of
from bot.messages.buttons import DONE, ELSEWHERE, FULL, Press
from bot.messages.chat import groups
from bot.messages.format import go_by
from bot.messages.i18n import speak
from bot.messages.message import Message as Words
from bot.messages.reader import address
from bot.polling.budget import asking_for
from bot.telegram import render
from handlers.command import AnyHandler, on_press
from handlers.context import Context, Target, act_on, first_language, is_private
from handlers.places import note_topic
from handlers.reply import acknowledge, answer, note_what_can_be_undone

_LASTS = timedelta(hours=1)


class _Managed(Struct, frozen=True):
    """The chat that somebody manages, and until when."""

    id: int
    kind: str
    title: str
    until: datetime


async def prepare(update: Update, context: Context) -> None:
    """Find out, before anything else, who asks, in which language, and about which chat."""
    chat, user = update.effective_chat, update.effective_user
    whose = user or chat
    asking_for.set(whose.id if whose else None)
    kept = await context.services.storage.chat(chat.id) if chat else None
    speak((kept and kept.language) or first_language(update))
    go_by(zone_of(kept.preferences.zone if kept else ""))
    act_on(None)
    address(is_shared=not is_private(update))
    note_topic(update, context)
    note_what_can_be_undone(context.services.undoable)
    if chat is None or not is_private(update):
        return
    if update.callback_query:
        await _pressed(update, context)
    elif update.message and (update.message.text or update.message.caption):
        await _said(update, context)


async def _pressed(update: Update, context: Context) -> None:
    """Act on the chat that a button names, if the person is still its admin."""
    query = update.callback_query
    if query is None:
        return
    chat_id = groups.pressed_for(query.data or "")[1]
    if chat_id is None:
        return
    found = await _administered(update, context, chat_id)
    if found is None:
        await acknowledge(query, groups.not_your_chat(), alert=True)
        raise ApplicationHandlerStop
    act_on(found)


async def _said(update: Update, context: Context) -> None:
    """Act on the chat that was chosen, for what is said within the hour."""
    managed = await _managed(update, context)
    if managed is None:
        return
    left = managed.until - context.services.now()
    if not timedelta(0) < left <= _LASTS:  # more is left only where a clock that was ahead chose it
        await _stop(update, context, groups.time_is_up(managed.title))
    found = await _administered(update, context, managed.id, managed)
    if found is None:
        await _stop(update, context, groups.not_an_admin(managed.title))
    act_on(found)


async def _stop(update: Update, context: Context, why: Words) -> None:
    await leave(update, context)
    await answer(update, why)
    raise ApplicationHandlerStop


async def _administered(
    update: Update, context: Context, chat_id: int, managed: _Managed | None = None
) -> Target | None:
    """Return a chat that the bot is in and the person is an admin of, else None.

    In a channel they have to be an admin who may post.
    """
    services, user = context.services, update.effective_user
    if user is None:
        return None
    found = Target(chat_id, managed.kind, managed.title) if managed else None
    if found is None:
        try:
            chat = await context.bot.get_chat(chat_id)
        except TelegramError:
            return None
        if chat.type == ChatType.PRIVATE:
            return None
        found = Target(chat_id, chat.type, chat.title or "")
    is_admin = await services.permissions.is_admin(
        context.bot, chat_id, user.id, services.now(), posts=found.kind == ChatType.CHANNEL
    )
    return found if is_admin else None


async def on_behalf_of(update: Update, context: Context, chat_id: int) -> bool:
    """Act on that chat from now on if the person is still its admin; else say so, return False."""
    found = await _administered(update, context, chat_id)
    if found is None:
        await answer(update, Words(groups.not_your_chat()))
        return False
    act_on(found)
    return True


async def choose(update: Update, context: Context) -> None:
    """Ask which chat it is to be, by Telegram's own list of chats."""
    act_on(None)
    chat = update.effective_chat
    if chat is None or not is_private(update):
        return
    words = groups.which_chat()
    await context.bot.send_message(
        chat.id,
        words.text,
        entities=render.entities(words),
        reply_markup=render.chat_choice(groups.choose_chat()),
    )


async def choose_pressed(update: Update, context: Context, _: Press) -> str | None:
    """Answer the button beneath the settings of one's own chat."""
    await choose(update, context)
    return None


async def shared(update: Update, context: Context) -> None:
    """Act on a chat that was chosen from now on, if the person is its admin."""
    message = update.message
    if message is None or message.chat_shared is None or not is_private(update):
        return
    wanted: ChatShared = message.chat_shared
    context.services.permissions.forget(wanted.chat_id)
    found = await _administered(update, context, wanted.chat_id)
    if found is None:
        await _without_keyboard(message, groups.not_an_admin(wanted.title or ""))
        return
    until = context.services.now() + _LASTS
    managed = json.encode(_Managed(found.id, found.kind, found.title, until))
    sealed = _seal(context).encrypt(managed).decode()
    await context.services.storage.save_note(_note_name(update, context), sealed)
    await _without_keyboard(message, groups.chosen())
    act_on(found)
    await answer(update, groups.managing(), groups.managing_buttons())


async def never_mind(update: Update, context: Context) -> None:
    """Go back to the person's own chat, as no other was chosen after all."""
    await leave(update, context)
    if update.message:
        await _without_keyboard(update.message, groups.done())


async def _without_keyboard(message: Message, words: Words) -> None:
    await message.chat.send_message(
        words.text, entities=render.entities(words), reply_markup=ReplyKeyboardRemove()
    )


async def done(update: Update, context: Context) -> None:
    """Go back to the person's own chat; said anywhere else this changes nothing."""
    act_on(None)
    if not is_private(update):
        return
    await leave(update, context)
    await answer(update, groups.done())


async def done_pressed(update: Update, context: Context, _: Press) -> str | None:
    """Answer the Done button."""
    await done(update, context)
    return None


async def full_pressed(_: Update, __: Context, ___: Press) -> str | None:
    """Answer a button that could not carry the chat it is about."""
    return groups.no_room_on_button()


async def leave(update: Update, context: Context) -> None:
    """Keep no longer which chat is managed from here."""
    storage, name = context.services.storage, _note_name(update, context)
    if await storage.note(name):
        await storage.save_note(name, "")


async def managed_from(update: Update, context: Context) -> str:
    """Return the title of the chat that is managed from here, "" for none."""
    managed = await _managed(update, context)
    return managed.title if managed else ""


async def _managed(update: Update, context: Context) -> _Managed | None:
    sealed = await context.services.storage.note(_note_name(update, context))
    if not sealed:
        return None
    try:
        return json.decode(_seal(context).decrypt(sealed.encode()), type=_Managed)
    except (InvalidToken, DecodeError):
        return None  # the bot has another token now


def _note_name(update: Update, context: Context) -> str:
    chat = update.effective_chat
    whose = str(chat.id if chat else 0).encode()
    return "managing " + hmac.new(context.bot.token.encode(), whose, "sha256").hexdigest()


def _seal(context: Context) -> Fernet:
    key = hashlib.sha256(b"managing " + context.bot.token.encode()).digest()
    return Fernet(urlsafe_b64encode(key))


class _NeverMind(filters.MessageFilter):
    """The words of the button that chooses no chat, in the language spoken now."""

    def filter(self, message: Message) -> bool:
        return message.text == groups.never_mind()


HANDLERS: list[AnyHandler] = [
    MessageHandler(filters.StatusUpdate.CHAT_SHARED, shared),
    MessageHandler(
        filters.UpdateType.MESSAGE & filters.ChatType.PRIVATE & _NeverMind(), never_mind
    ),
    on_press(ELSEWHERE, choose_pressed),
    on_press(DONE, done_pressed),
    on_press(FULL, full_pressed),
]
