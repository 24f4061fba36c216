"""A group or channel that does not let the bot write: its admins are told (shell)."""

import structlog
from telegram import Bot, ChatMember
from telegram.error import TelegramError

from bot.messages.chat import groups
from bot.messages.i18n import ENGLISH, speaking
from bot.telegram import render
from storage import Storage

log = structlog.get_logger(__name__)


async def tell_admins(bot: Bot, storage: Storage, chat_id: int) -> int:
    """Say it to those of a chat's admins who have a chat with the bot; how many were told."""
    try:
        title = (await bot.get_chat(chat_id)).title or ""
        admins = await bot.get_chat_administrators(chat_id)
    except TelegramError as error:
        log.info("nobody to tell that a chat refuses", error=type(error).__name__)
        return 0
    return sum([await _tell(bot, storage, admin, title) for admin in admins])


async def _tell(bot: Bot, storage: Storage, admin: ChatMember, title: str) -> bool:
    kept = None if admin.user.is_bot else await storage.chat(admin.user.id)
    if kept is None or kept.is_shut:
        return False
    with speaking(kept.language or ENGLISH):
        message = groups.lost_voice(title)
    try:
        await bot.send_message(kept.id, message.text, entities=render.entities(message))
    except TelegramError as error:
        log.info("an admin could not be told", error=type(error).__name__)
        return False
    return True
