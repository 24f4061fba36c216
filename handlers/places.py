"""Knows groups and channels, where many read an answer: topics, and what is for admins alone."""

from collections.abc import Callable
from contextlib import suppress

from telegram import Message as TelegramMessage
from telegram import Update
from telegram.constants import ChatType
from telegram.error import TelegramError

from bot.delivery.refusal_notice import tell_admins
from bot.messages.buttons import Keyboard, subscribe_link
from bot.messages.chat import groups
from bot.messages.following.subscriptions import Place
from bot.messages.message import Message
from bot.petitions.petition import PetitionRef
from handlers.context import Context, is_private, target
from handlers.reply import answer, topic_of


def note_topic(update: Update, context: Context) -> None:
    """Remember a topic's name, which the message that began or renamed it says."""
    message, topics = update.effective_message, context.services.topics
    if isinstance(message, TelegramMessage) and message.message_thread_id is not None:
        whose = message.chat_id, message.message_thread_id
        began, renamed = message.reply_to_message or message, message.forum_topic_edited
        if renamed and renamed.name:
            topics[whose] = renamed.name
        elif began.forum_topic_created:  # by its first name, whatever it is called since
            topics.setdefault(whose, began.forum_topic_created.name)


def place_of(update: Update, context: Context, petition: PetitionRef) -> Place | None:
    """Return the group or channel in which an answer is read by many; None in a person's chat."""
    chat = update.effective_chat
    if chat is None or is_private(update):
        return None
    thread = topic_of(update.effective_message)
    return Place(
        subscribe_link(context.bot.username, petition),
        chat.type == ChatType.CHANNEL,
        None if thread is None else context.services.topics.get((chat.id, thread), ""),
    )


async def answer_who_asked(
    update: Update, context: Context, words: Callable[[], tuple[Message, Keyboard]]
) -> None:
    """Answer; to what was posted in a channel, in the own chats of the admins who may post there.

    Where none of them has a chat with the bot, a thumb up says that it was done.
    """
    chat, posted = update.effective_chat, update.channel_post
    if chat is None or posted is None or target():
        await answer(update, *words())
        return

    def for_admin(title: str) -> tuple[Message, Keyboard]:
        message, buttons = words()
        return groups.on_behalf(title, message), groups.for_chat(buttons, chat.id)

    storage = context.services.storage
    if await tell_admins(context.bot, storage, chat.id, for_admin, posts=True):
        return
    with suppress(TelegramError):
        await posted.set_reaction("👍")
        return
    await answer(update, *words())
