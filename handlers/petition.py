"""`/petition`: the card of a petition."""

from telegram import Update

from bot.delivery.card_message import Edited, draw_card, edit_card, link_for_all
from bot.messages.buttons import CARD, Keyboard, Press
from bot.messages.format import clock
from bot.messages.i18n import marked, tr
from bot.messages.message import Message
from bot.petitions.petition import PetitionRef
from bot.polling.lookup import LookupResult
from bot.subscriptions.subscription import Subscription
from handlers.command import Command, on_press
from handlers.context import Context, chat_of, target
from handlers.lookup import asked_for, look_up, unreachable_since
from handlers.reply import answer, point_at, topic_of


async def petition(update: Update, context: Context) -> None:
    """Answer `/petition 300239`."""
    ref = await asked_for(update, context, "petition")
    if ref:
        await show(update, context, ref)


async def show(update: Update, context: Context, ref: PetitionRef) -> None:
    """Answer with a petition's card as of now, or as last known if its site is silent.

    A followed petition has one card in a chat: that is brought up to date and pointed at.
    """
    lookup = await look_up(update, context, ref, says_age=False, shows_unpublished=True)
    if lookup is None or lookup.petition is None:
        return
    services, ref = context.services, lookup.petition.ref
    chat = await chat_of(update, context)
    subscription = await services.storage.subscription(chat.id, ref)
    message, buttons = await draw_card(
        services.storage,
        lookup.petition,
        lookup.read_at,
        services.now(),
        subscription=subscription,
        unreachable_since=await unreachable_since(context, ref, lookup),
        follow_link="" if target() else link_for_all(context.bot.username, chat.id, ref),
    )
    # Alerts reply to the card, so it lives in the topic that hears them, and nowhere else.
    here = subscription and topic_of(update.effective_message) == subscription.thread_id
    living = subscription if here and not target() else None
    if living and await _brought_up_to_date(update, context, living, lookup, message, buttons):
        return
    sent = await answer(update, message, buttons)
    if living and sent:
        await services.storage.keep_card(chat.id, ref, sent.message_id)
        services.cards[chat.id, sent.message_id] = _but_for_age(message), lookup.read_at


async def _brought_up_to_date(  # noqa: PLR0917 - a card, and what it is to show
    update: Update,
    context: Context,
    subscription: Subscription,
    lookup: LookupResult,
    message: Message,
    buttons: Keyboard,
) -> bool:
    """Bring the chat's card up to date and point at it; False if it is there no more."""
    services, card_id = context.services, subscription.card_id
    edited = await edit_card(context.bot, services.storage, subscription, message, buttons)
    if edited is Edited.GONE or card_id is None:
        return False
    card, shows = (subscription.chat_id, card_id), _but_for_age(message)
    showed, since = services.cards.get(card, ("", lookup.read_at))
    if edited is Edited.CHANGED and shows != showed:
        since = lookup.read_at
        pointer = tr("Here it is ↑")
    else:
        pointer = tr("Nothing new since {clock} ↑", clock=clock(since, services.now()))
    services.cards[card] = shows, since
    return await point_at(update, subscription.chat_id, card_id, pointer)


def _but_for_age(card: Message) -> str:
    """Return a card's text without its last line, which says as of when it is."""
    return card.text.rpartition("\n")[0]


async def card_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer a petition's button in a list."""
    if press.petition:
        await show(update, context, press.petition)
    return None


COMMANDS = [Command("petition", "300239", marked("see a petition's latest figures"), petition)]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(CARD, card_pressed),
]
