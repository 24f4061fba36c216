"""Tells admins in their own chats that their group or channel cannot be written to (shell)."""

from collections.abc import Callable

import structlog
from telegram import Bot, ChatMember, ChatMemberAdministrator
from telegram.error import TelegramError

from bot.messages.buttons import Keyboard
from bot.messages.chat import groups
from bot.messages.i18n import ENGLISH, speaking
from bot.messages.message import Message
from bot.telegram import render
from storage import Storage

log = structlog.get_logger(__name__)


def _lost_voice(title: str) -> tuple[Message, None]:
    return groups.lost_voice(title), None


async def tell_admins(
    bot: Bot,
    storage: Storage,
    chat_id: int,
    words: Callable[[str], tuple[Message, Keyboard | None]] = _lost_voice,
    *,
    posts: bool = False,
) -> int:
    """Tell those of a chat's admins who have a chat with the bot; return how many were told.

    `words` makes the message in each one's language from the chat's title; by default it says that
    the chat does not let the bot write. With `posts`, only those who may post in a channel are
    told.
    """
    try:
        title = (await bot.get_chat(chat_id)).title or ""
        admins = await bot.get_chat_administrators(chat_id)
    except TelegramError as error:
        log.info("a chat's admins cannot be listed", error=type(error).__name__)
        return 0
    told = [
        await _tell(bot, storage, admin, title, words)
        for admin in admins
        if not posts or may_post(admin)
    ]
    return sum(told)


def may_post(admin: ChatMember) -> bool:
    """Return whether an admin may post in a channel: the owner, or who has that right."""
    return not isinstance(admin, ChatMemberAdministrator) or admin.can_post_messages is True


async def _tell(
    bot: Bot,
    storage: Storage,
    admin: ChatMember,
    title: str,
    words: Callable[[str], tuple[Message, Keyboard | None]],
) -> bool:
    kept = None if admin.user.is_bot else await storage.chat(admin.user.id)
    if kept is None or kept.is_shut:
        return False
    with speaking(kept.language or ENGLISH):
        message, buttons = words(title)
    try:
        await bot.send_message(
            kept.id,
            message.text,
            entities=render.entities(message),
            reply_markup=render.keyboard(buttons) if buttons else None,
            link_preview_options=render.NO_PREVIEW,
        )
    except TelegramError as error:
        log.info("an admin could not be told", error=type(error).__name__)
        return False
    return True
