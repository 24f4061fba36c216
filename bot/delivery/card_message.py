"""The living card: the one message in a chat that shows how a followed petition stands (shell)."""

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

import structlog
from telegram.error import BadRequest, Forbidden, TelegramError
from telegram.ext import ExtBot

from bot.delivery.rate_limiter import ALERT
from bot.messages.buttons import Keyboard, card_buttons, subscribe_link
from bot.messages.message import Message
from bot.messages.petition.card import card
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef
from bot.subscriptions.subscription import Subscription
from bot.telegram import render
from bot.telegram.errors import is_unchanged
from storage import Storage

log = structlog.get_logger(__name__)

# A card looks back so far for the present pace.
LATELY = timedelta(days=8)


async def draw_card(
    storage: Storage,
    petition: Petition,
    read_at: datetime,
    now: datetime,
    *,
    subscription: Subscription | None = None,
    unreachable_since: datetime | None = None,
    follow_link: str = "",
) -> tuple[Message, Keyboard]:
    """Draw a petition's card and its buttons, with the pace of the last days if we watched them."""
    message = card(
        petition,
        read_at,
        now,
        subscription=subscription,
        unreachable_since=unreachable_since,
        readings=await storage.readings(petition.ref, now - LATELY),
    )
    return message, card_buttons(petition, subscription, follow_link)


def link_for_all(username: str, chat_id: int, petition: PetitionRef) -> str:
    """Return the link by which readers of a group or channel can follow it; "" in private chats."""
    return "" if chat_id > 0 else subscribe_link(username, petition)


class Edited(Enum):
    """The outcome of editing a card."""

    CHANGED = auto()
    UNCHANGED = auto()  # it shows that already
    GONE = auto()  # the chat has no card any more


async def edit_card(
    bot: ExtBot[Any],
    storage: Storage,
    subscription: Subscription,
    message: Message,
    buttons: Keyboard,
    *,
    asked_for: bool = True,
) -> Edited:
    """Rewrite a chat's card; one that is gone is then forgotten.

    Unless it was `asked_for`, it goes behind what people wait for, and whatever else goes wrong
    leaves the card as it was: the next news brings it up to date. Who asked for it is rather shown
    a card anew.
    """
    if subscription.card_id is None:
        return Edited.GONE
    try:
        await bot.edit_message_text(
            message.text,
            chat_id=subscription.chat_id,
            message_id=subscription.card_id,
            entities=render.entities(message),
            reply_markup=render.keyboard(buttons),
            link_preview_options=render.NO_PREVIEW,
            rate_limit_args=None if asked_for else ALERT,
        )
    except (BadRequest, Forbidden) as error:
        if is_unchanged(error.message):
            return Edited.UNCHANGED
        await storage.keep_card(subscription.chat_id, subscription.petition, None)
        return Edited.GONE
    except TelegramError as error:
        log.debug("card not refreshed", error=type(error).__name__)
        return Edited.GONE if asked_for else Edited.UNCHANGED
    return Edited.CHANGED


async def refresh_card(
    bot: ExtBot[Any],
    storage: Storage,
    known: PetitionHistory,
    subscription: Subscription,
    now: datetime,
) -> bool:
    """Show the latest of a followed petition on the chat's card; False if there is no card."""
    if subscription.card_id is None:
        return False
    drawn = await draw_card(
        storage,
        known.petition,
        known.read_at,
        now,
        subscription=subscription,
        follow_link=link_for_all(bot.username, subscription.chat_id, subscription.petition),
    )
    edited = await edit_card(bot, storage, subscription, *drawn, asked_for=False)
    return edited is not Edited.GONE
