"""Handles chats that take the bot in, send it away or take it back, and groups with a new id."""

from collections.abc import Callable
from contextlib import suppress

from telegram import (
    ChatMember,
    ChatMemberAdministrator,
    ChatMemberRestricted,
    ChatMemberUpdated,
    Update,
)
from telegram.constants import ChatType
from telegram.error import TelegramError
from telegram.ext import ChatMemberHandler, MessageHandler, filters

from bot.delivery.retry import probe_wait
from bot.messages.chat import groups
from bot.messages.i18n import speaking
from bot.messages.message import Message
from bot.telegram import render
from handlers.context import Context, Services, bot_name, spoken_by
from handlers.reply import answer

_AWAY = {ChatMember.LEFT, ChatMember.BANNED, ChatMember.RESTRICTED}
_OUTSIDE = {ChatMember.LEFT, ChatMember.BANNED}
_TOLD_WITH = 2  # refusals in a row, the one after which the deliverer tells somebody included


async def membership_changed(update: Update, context: Context) -> None:
    """Rest a chat that sent the bot away, with everything kept; wake one that took it back.

    One that only takes its right to write away is tried again, ever more rarely.
    """
    change = update.my_chat_member
    if change is None:
        return
    services = context.services
    services.permissions.forget(change.chat.id)
    if _may_speak(change.new_chat_member):
        if await services.storage.wake_chat(change.chat.id, services.now()):
            services.wake_deliverer()
    elif _is_there(change.new_chat_member):
        await _refuse(change.chat.id, services)
    else:
        await services.storage.rest_chat(change.chat.id, "sent away", services.now())
    if change.chat.type != ChatType.PRIVATE:
        await _say_so(update, context, change)


async def _refuse(chat_id: int, services: Services) -> None:
    """Note that the chat refuses, often enough that the next refusal tells nobody.

    The person who took the right away is told here.
    """
    now = services.now()
    for known in range(_TOLD_WITH):
        at = now + probe_wait(known, 1.0)
        await services.storage.refuse_chat(chat_id, "no right to write", known + 1, now, at)


async def _say_so(update: Update, context: Context, change: ChatMemberUpdated) -> None:
    """Greet a group that took the bot in; all else is told to whoever did it, in their own chat."""
    could = _may_speak(change.old_chat_member)
    can = _may_speak(change.new_chat_member)
    title = change.chat.title or ""
    is_new = change.old_chat_member.status in _OUTSIDE and can
    if is_new and change.chat.type != ChatType.CHANNEL:
        with suppress(TelegramError):
            await answer(update, groups.hello_group(bot_name(context.bot)))
    elif can and not could and change.chat.type == ChatType.CHANNEL:
        await _whisper(context, change, lambda: groups.added_to_channel(title))
    elif could and not can:
        await _whisper(context, change, lambda: groups.lost_voice(title))


async def _whisper(
    context: Context, change: ChatMemberUpdated, words: Callable[[], Message]
) -> None:
    """Tell a change to the person who made it, if they have a chat with the bot."""
    who = change.from_user
    if who.is_bot:
        return
    kept = await context.services.storage.chat(who.id)
    with speaking((kept and kept.language) or spoken_by(who)):
        message = words()
    with suppress(TelegramError):
        await context.bot.send_message(who.id, message.text, entities=render.entities(message))


async def member_changed(update: Update, context: Context) -> None:
    """Forget what is known of a person who was promoted, demoted or left, so as to ask anew."""
    change = update.chat_member
    if change:
        context.services.permissions.forget(change.chat.id, change.new_chat_member.user.id)


def _may_speak(place: ChatMember) -> bool:
    """Return whether the bot is there and may write, which in a channel is a right of its own."""
    match place:
        case ChatMemberRestricted(is_member=True) as member:
            return member.can_send_messages
        case ChatMemberAdministrator(can_post_messages=False):
            return False
        case member:
            return member.status not in _AWAY


def _is_there(place: ChatMember) -> bool:
    """Return whether the bot is in the chat at all, allowed to write or not."""
    if isinstance(place, ChatMemberRestricted):
        return place.is_member
    return place.status not in _OUTSIDE


async def wake_if_resting(update: Update, context: Context) -> None:
    """Wake a chat that rested, for whatever reason, once somebody speaks to the bot there.

    That people speak in a group which refuses the bot's messages says nothing of its rights.
    """
    chat = update.effective_chat
    if chat is None or update.my_chat_member is not None or update.guest_message is not None:
        return
    services = context.services
    known = await services.storage.chat(chat.id)
    if known is None:
        return
    may_hear = known.is_shut if chat.type == ChatType.PRIVATE else bool(known.resting)
    if may_hear and await services.storage.wake_chat(chat.id, services.now()):
        services.wake_deliverer()


async def migrated(update: Update, context: Context) -> None:
    """Carry everything over when a group becomes a supergroup."""
    message = update.effective_message
    if message and message.migrate_to_chat_id:
        await context.services.storage.migrate_chat(message.chat_id, message.migrate_to_chat_id)


HANDLERS = [
    ChatMemberHandler(membership_changed, ChatMemberHandler.MY_CHAT_MEMBER),
    ChatMemberHandler(member_changed, ChatMemberHandler.CHAT_MEMBER),
    MessageHandler(filters.StatusUpdate.MIGRATE, migrated),
]
