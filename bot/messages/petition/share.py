"""What leaves the chat: cards for other chats, and links that begin a subscription."""

from datetime import datetime

from telegram import (
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputTextMessageContent,
    LinkPreviewOptions,
    SwitchInlineQueryChosenChat,
)

from bot.messages.buttons import subscribe_link
from bot.messages.format import signatures
from bot.messages.i18n import many, say, tr
from bot.messages.message import Message, compose, lines
from bot.messages.petition.card import card
from bot.messages.petition.parts import short_title, status_line, title
from bot.petitions.petition import Petition

_NAME = 60


def shared_card(
    petition: Petition, read_at: datetime, now: datetime, username: str
) -> InlineQueryResultArticle:
    """A petition's card as anybody may send it to any chat; its buttons are addresses only."""
    message = card(petition, read_at, now)
    status = status_line(petition, now)
    signed = many("{count} signature", "{count} signatures", petition.signature_count)
    return InlineQueryResultArticle(
        id=str(petition.ref),
        title=short_title(petition, _NAME),
        description=status if petition.is_unpublished else f"{signed} · {status}",
        input_message_content=InputTextMessageContent(
            message.text,
            entities=message.entities,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        ),
        reply_markup=_card_buttons(petition, username),
    )


def _card_buttons(petition: Petition, username: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton(tr("Follow"), url=subscribe_link(username, petition.ref)),
                InlineKeyboardButton(tr("Open"), url=petition.url),
            ]
        ]
    )


def share_offer(
    petition: Petition, username: str, *, inline: bool
) -> tuple[Message, InlineKeyboardMarkup]:
    """The ways to hand a petition on; a card can be sent from here where the bot is allowed to."""
    bell = subscribe_link(username, petition.ref)
    message = compose(
        *lines(
            say("📤 Share {title}", title=title(petition)),
            _signed(petition),
            "",
            say("Anyone can follow it with this link: {link}", link=bell),
        )
    )
    rows = [
        [_copy(tr("Copy petition link"), petition.url)],
        [_copy(tr("Copy follow link"), bell)],
    ]
    if inline:
        chosen = SwitchInlineQueryChosenChat(
            query=str(petition.ref),
            allow_user_chats=True,
            allow_group_chats=True,
            allow_channel_chats=True,
        )
        send = InlineKeyboardButton(tr("Send to chat…"), switch_inline_query_chosen_chat=chosen)
        rows.append([send])
    return message, InlineKeyboardMarkup(rows)


def _signed(petition: Petition) -> str | None:
    if petition.is_unpublished:
        return None
    count = petition.signature_count
    if petition.is_open:
        return many("{count} signature so far.", "{count} signatures so far.", count)
    return f"{signatures(count)}."


def _copy(text: str, what: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text, copy_text=CopyTextButton(what[:256]))


def guest_help() -> Message:
    """To whoever mentions the bot in a chat that it is no part of, without naming a petition."""
    return compose(tr("Mention me with a petition's number or some words, and I'll show it here."))


def guest_result(message: Message) -> InlineQueryResultArticle:
    """A plain answer in a chat that the bot is no part of."""
    return InlineQueryResultArticle(
        id="answer",
        title=tr("Petition Bell"),
        input_message_content=InputTextMessageContent(message.text, entities=message.entities),
    )
