"""The phrases by which Telegram refuses, each of them once, and what each means.

Telegram has no codes for its reasons, only words. What is not here is unknown, proves nothing and
may pass.
"""

from telegram.error import BadRequest, NetworkError, TelegramError, TimedOut

# Proof about the chat itself: nothing reaches it until it takes the bot back.
_GONE = (
    "bot was blocked by the user",
    "user is deactivated",
    "bot was kicked",
    "bot is not a member",
    "bot can't initiate conversation",
    "group chat was deleted",
    "group chat was deactivated",
)
_NO_TOPIC = ("thread not found", "topic_closed", "topic_deleted")
_TOO_LONG = ("message is too long", "message_too_long")
_BAD_BUTTONS = ("button", "reply markup", "reply_markup", "inline keyboard")
_BAD_TEXT = ("can't parse entities", "entity", "entities", "text must be", "text is empty")
_NO_MEDIA = (
    "rights to send photos",
    "rights to send documents",
    "rights to send media",
    "chat_send_photos_forbidden",
    "chat_send_docs_forbidden",
    "chat_send_media_forbidden",
)
_UNCHANGED = ("not modified", "message_not_modified")


class NotConnected(TimedOut):
    """The error that no connection came about in time, so that nothing can have arrived."""


class Unanswered(NetworkError):
    """The error that the connection broke before an answer came: it may have arrived or not."""


def is_lost(error: TelegramError) -> bool:
    """Return whether it failed on its way or at Telegram, for no fault of what was asked.

    It may have been carried out, except where there was no connection. An answer that nobody can
    read is python-telegram-bot's plain TelegramError.
    """
    is_network = isinstance(error, NetworkError) and not isinstance(error, BadRequest)
    return is_network or type(error) is TelegramError


def not_modified() -> BadRequest:
    """Make the error that Telegram answers to an edit into what a message says already."""
    return BadRequest("Message is not modified")


def is_gone(reason: str) -> bool:
    """Return whether the chat cannot hear the bot any more; a lack of rights is no such proof."""
    return _says(reason, _GONE)


def is_no_topic(reason: str) -> bool:
    """Return whether the topic is closed or gone; without a topic it is the chat's General one."""
    return _says(reason, _NO_TOPIC)


def is_too_long(reason: str) -> bool:
    """Return whether the text is longer than a message may be."""
    return _says(reason, _TOO_LONG)


def is_bad_buttons(reason: str) -> bool:
    """Return whether the buttons are at fault."""
    return _says(reason, _BAD_BUTTONS)


def is_bad_text(reason: str) -> bool:
    """Return whether the text or its formatting is at fault."""
    return _says(reason, _BAD_TEXT)


def is_no_media(reason: str) -> bool:
    """Return whether the chat takes words, and no pictures or files."""
    return _says(reason, _NO_MEDIA)


def is_unchanged(reason: str) -> bool:
    """Return whether an edit asked for what is there already."""
    return _says(reason, _UNCHANGED)


def is_about_message(reason: str) -> bool:
    """Return whether the message itself is at fault, so that a plainer one may be taken."""
    return any(of(reason) for of in (is_no_topic, is_too_long, is_bad_buttons, is_bad_text))


def _says(reason: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in reason.lower() for phrase in phrases)
