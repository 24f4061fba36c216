"""Chats that block the bot or take it back, and groups that move to a new id."""

from telegram import (
    ChatMember,
    ChatMemberAdministrator,
    ChatMemberRestricted,
    ChatMemberUpdated,
    Update,
)
from telegram.ext import ChatMemberHandler, MessageHandler, filters

from handlers.context import Context

_AWAY = {ChatMember.LEFT, ChatMember.BANNED, ChatMember.RESTRICTED}


async def membership_changed(update: Update, context: Context) -> None:
    """Rest a chat that sent the bot away, with everything kept; wake one that took it back."""
    change = update.my_chat_member
    if change is None:
        return
    services = context.services
    if _may_speak(change):
        if await services.storage.wake_chat(change.chat.id, services.now()):
            services.woken()
    else:
        await services.storage.rest_chat(change.chat.id, "sent away", services.now())


def _may_speak(change: ChatMemberUpdated) -> bool:
    """Whether the bot is there and allowed to write: in a channel that is a right of its own."""
    match change.new_chat_member:
        case ChatMemberRestricted(is_member=True) as member:
            return member.can_send_messages
        case ChatMemberAdministrator(can_post_messages=False):
            return False
        case member:
            return member.status not in _AWAY


async def wake_if_resting(update: Update, context: Context) -> None:
    """Whoever speaks to the bot hears it: a chat that rested for whatever reason wakes."""
    chat = update.effective_chat
    if chat is None or update.my_chat_member is not None:
        return
    services = context.services
    known = await services.storage.chat(chat.id)
    if known and known.resting and await services.storage.wake_chat(chat.id, services.now()):
        services.woken()


async def migrated(update: Update, context: Context) -> None:
    """A group became a supergroup: everything goes with it."""
    message = update.effective_message
    if message and message.migrate_to_chat_id:
        await context.services.storage.move_chat(message.chat_id, message.migrate_to_chat_id)


HANDLERS = [
    ChatMemberHandler(membership_changed, ChatMemberHandler.MY_CHAT_MEMBER),
    MessageHandler(filters.StatusUpdate.MIGRATE, migrated),
]
