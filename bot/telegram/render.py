"""Makes of messages what python-telegram-bot wants, and reads it back.

No other module makes its entities and keyboards.
"""

from typing import get_args

from telegram import (
    ChatAdministratorRights,
    CopyTextButton,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
    KeyboardButton,
    KeyboardButtonRequestChat,
    LinkPreviewOptions,
    MessageEntity,
    ReplyKeyboardMarkup,
    SwitchInlineQueryChosenChat,
)
from telegram import Message as TelegramMessage

from bot.messages.buttons import Button, Keyboard
from bot.messages.chat.groups import ChatChoice
from bot.messages.message import Message, Span, Style, clean
from bot.messages.petition.share import InlineResult

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_STYLES: dict[str, Style] = {each: each for each in get_args(Style)}
_GROUP, _CHANNEL = 1, 2  # which of the two buttons a chat was picked with


def entities(message: Message) -> tuple[MessageEntity, ...]:
    """Return a message's spans, counted in UTF-16 code units as the Bot API does."""
    spans = [
        MessageEntity(span.style, span.offset, span.length, url=span.url) for span in message.spans
    ]
    return tuple(MessageEntity.adjust_message_entities_to_utf_16(message.text, spans))


def keyboard(rows: Keyboard | None) -> InlineKeyboardMarkup | None:
    """Return the buttons beneath a message; None if there are none."""
    if rows is None:
        return None
    return InlineKeyboardMarkup([[_button(key) for key in row] for row in rows])


def _button(key: Button) -> InlineKeyboardButton:
    text = _label(key.text)
    if key.url:
        return InlineKeyboardButton(text, url=key.url)
    if key.copy:
        return InlineKeyboardButton(text, copy_text=CopyTextButton(key.copy))
    if key.share:
        chosen = SwitchInlineQueryChosenChat(
            query=key.share,
            allow_user_chats=True,
            allow_group_chats=True,
            allow_channel_chats=True,
        )
        return InlineKeyboardButton(text, switch_inline_query_chosen_chat=chosen)
    return InlineKeyboardButton(text, callback_data=key.press)


def _label(text: str) -> str:
    """Return the text for a button or result; Telegram takes none that says nothing."""
    return clean(text).strip() or "…"


def read_keyboard(message: object) -> Keyboard | None:
    """Read the buttons beneath a message of the bot's own; None without, or if it is unreadable."""
    if not isinstance(message, TelegramMessage) or message.reply_markup is None:
        return None
    return [[_read_button(key) for key in row] for row in message.reply_markup.inline_keyboard]


def _read_button(key: InlineKeyboardButton) -> Button:
    chosen = key.switch_inline_query_chosen_chat
    return Button(
        key.text,
        press=str(key.callback_data or ""),
        url=key.url or "",
        copy=key.copy_text.text if key.copy_text else "",
        share=(chosen.query or "") if chosen else "",
    )


def read_message(message: object) -> Message | None:
    """Read what a message of the bot's own says; None if that is no text or cannot be read."""
    if not isinstance(message, TelegramMessage) or message.text is None:
        return None
    units = message.text.encode("utf-16-le")

    def characters(length: int) -> int:
        return len(units[: 2 * length].decode("utf-16-le", "replace"))

    spans = []
    for each in message.entities:
        start, end = characters(each.offset), characters(each.offset + each.length)
        if each.type in _STYLES:  # Telegram itself finds commands and addresses again
            spans.append(Span(_STYLES[each.type], start, end - start, each.url))
    return Message(message.text, tuple(spans))


def addresses(message: object) -> tuple[str, ...]:
    """Return the addresses behind words of a message, none if it cannot be read."""
    if not isinstance(message, TelegramMessage):
        return ()
    found = (*message.entities, *message.caption_entities)
    return tuple(each.url for each in found if each.url)


def says(message: object, wanted: Message, buttons: Keyboard | None) -> bool:
    """Return whether a message says this already, so that an edit into it would be refused."""
    return (
        isinstance(message, TelegramMessage)
        and message.text == wanted.text
        # Entities compare equal whatever address they lead to.
        and [each.to_dict() for each in message.entities]
        == [each.to_dict() for each in entities(wanted)]
        and message.reply_markup == keyboard(buttons)
    )


def reply_field(example: str, *, selective: bool) -> ForceReply:
    """Make what opens the field for an answer, with an example in it."""
    return ForceReply(selective=selective, input_field_placeholder=example or None)


def chat_choice(choice: ChatChoice) -> ReplyKeyboardMarkup:
    """Make Telegram's own choice among the chats that a person is an admin of."""
    manages = _rights()
    posts = _rights(can_post_messages=True)
    group = KeyboardButtonRequestChat(
        _GROUP, chat_is_channel=False, bot_is_member=True, user_administrator_rights=manages
    )
    channel = KeyboardButtonRequestChat(
        _CHANNEL,
        chat_is_channel=True,
        user_administrator_rights=posts,
        bot_administrator_rights=posts,
    )
    return ReplyKeyboardMarkup(
        [
            [KeyboardButton(choice.group, request_chat=group)],
            [KeyboardButton(choice.channel, request_chat=channel)],
            [KeyboardButton(choice.neither)],
        ],
        resize_keyboard=True,
        one_time_keyboard=True,
    )


def _rights(can_post_messages: bool = False) -> ChatAdministratorRights:
    return ChatAdministratorRights(
        is_anonymous=False,
        can_manage_chat=True,
        can_delete_messages=False,
        can_manage_video_chats=False,
        can_restrict_members=False,
        can_promote_members=False,
        can_change_info=False,
        can_invite_users=False,
        can_post_stories=False,
        can_edit_stories=False,
        can_delete_stories=False,
        can_post_messages=can_post_messages,
    )


def article(result: InlineResult) -> InlineQueryResultArticle:
    """Make a result of an inline query, to be sent to a chat that the bot is no part of."""
    return InlineQueryResultArticle(
        id=result.id,
        title=_label(result.title),
        description=clean(result.description) or None,
        input_message_content=InputTextMessageContent(
            result.message.text,
            entities=entities(result.message),
            link_preview_options=NO_PREVIEW,
        ),
        reply_markup=keyboard(result.buttons),
    )


def above_results(words: str | None) -> InlineQueryResultsButton | None:
    """Make the line above an inline query's results, which leads to the bot's own chat; or None."""
    return InlineQueryResultsButton(words, start_parameter="hello") if words else None
