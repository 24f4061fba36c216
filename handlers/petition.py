"""`/petition`, or a petition's link or number alone: its card."""

from telegram import InlineKeyboardMarkup, ReplyParameters, Update
from telegram.error import BadRequest
from telegram.ext import MessageHandler, filters

from bot.delivery.card_message import Edited, draw_card, edit_card
from bot.messages.buttons import CARD, Press
from bot.messages.chat.errors import not_a_petition
from bot.messages.following.search_results import search_offer
from bot.messages.format import clock
from bot.messages.i18n import marked, tr
from bot.messages.message import Message
from bot.petitions.petition import PetitionRef
from bot.petitions.reference import find_link
from bot.polling.lookup import LookupResult
from bot.polling.postcodes_api import is_postcode
from bot.subscriptions.subscription import Subscription
from handlers.constituency import of_postcode
from handlers.context import (
    Command,
    Context,
    answer,
    chat_of,
    is_private,
    on_press,
    target,
    topic_of,
)
from handlers.find import searchable
from handlers.lookup import asked_for, seen, unreachable_since


async def petition(update: Update, context: Context) -> None:
    """`/petition 300239`."""
    ref = await asked_for(update, context, "petition")
    if ref:
        await show(update, context, ref)


async def show(update: Update, context: Context, ref: PetitionRef) -> None:
    """Answer with a petition's card as of now, or as last known if its site is silent.

    A followed petition has one card in a chat: that is brought up to date and pointed at.
    """
    sight = await seen(update, context, ref, says_age=False, shows_unpublished=True)
    if sight is None or sight.petition is None:
        return
    services = context.services
    chat = await chat_of(update, context)
    subscription = await services.storage.subscription(chat.id, ref)
    message, buttons = await draw_card(
        services.storage,
        sight.petition,
        sight.read_at,
        services.now(),
        subscription=subscription,
        unreachable_since=await unreachable_since(context, ref, sight),
    )
    # Alerts reply to the card, so it lives in the topic that hears them, and nowhere else.
    here = subscription and topic_of(update.effective_message) == subscription.thread_id
    living = subscription if here and not target() else None
    if living and await _brought_up_to_date(update, context, living, sight, message, buttons):
        return
    sent = await answer(update, message, buttons)
    if living and sent:
        await services.storage.keep_card(chat.id, ref, sent.message_id)
        services.cards[chat.id, sent.message_id] = _but_for_age(message), sight.read_at


async def _brought_up_to_date(  # noqa: PLR0917 - a card, and what it is to show
    update: Update,
    context: Context,
    subscription: Subscription,
    sight: LookupResult,
    message: Message,
    buttons: InlineKeyboardMarkup,
) -> bool:
    """Whether the chat's card shows this now, with a short line whose tap leads to it."""
    services, card_id = context.services, subscription.card_id
    edited = await edit_card(context.bot, services.storage, subscription, message, buttons)
    if edited is Edited.GONE or card_id is None:
        return False
    card, shows = (subscription.chat_id, card_id), _but_for_age(message)
    showed, since = services.cards.get(card, ("", sight.read_at))
    if edited is Edited.CHANGED and shows != showed:
        since = sight.read_at
        pointer = tr("Updated above ↑")
    else:
        pointer = tr("Nothing new since {clock} ↑", clock=clock(since, services.now()))
    services.cards[card] = shows, since
    try:
        await context.bot.send_message(
            subscription.chat_id,
            pointer,
            message_thread_id=topic_of(update.effective_message),
            reply_parameters=ReplyParameters(card_id),
        )
    except BadRequest:
        return False  # somebody deleted the card, which nobody tells a bot
    return True


def _but_for_age(card: Message) -> str:
    """What a card says, without its last line, as of when."""
    return card.text.rpartition("\n")[0]


async def plain_text(update: Update, context: Context) -> None:
    """A link or a number by itself; in a group, only a link by itself is meant for the bot."""
    text = (update.effective_message.text if update.effective_message else None) or ""
    ref = find_link(text, tuple(context.services.sites.values()))
    if not is_private(update):
        if ref and len(text.split()) == 1:
            await show(update, context, ref)
        return
    ref = ref or context.services.reference(text)
    if ref:
        await show(update, context, ref)
    elif is_postcode(text):
        await of_postcode(update, context, text)
    else:
        await answer(update, not_a_petition(text), search_offer(searchable(text)))


async def card_pressed(update: Update, context: Context, press: Press) -> str | None:
    """A petition's button in a list."""
    if press.petition:
        await show(update, context, press.petition)
    return None


COMMANDS = [Command("petition", "300239", marked("see a petition as it stands"), petition)]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(CARD, card_pressed),
    MessageHandler(filters.UpdateType.MESSAGE & filters.TEXT & ~filters.COMMAND, plain_text),
]
