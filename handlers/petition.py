"""`/petition`, or a petition's link or number alone: its card."""

from telegram import Update
from telegram.ext import MessageHandler, filters

from bot.petitions.model import PetitionRef
from bot.petitions.reference import find_link
from bot.text.buttons import CARD, Press, card_buttons
from bot.text.card import card
from bot.text.trouble import not_a_petition
from handlers.context import Command, Context, answer, chat_of, is_private, on_press
from handlers.sight import asked_for, seen, unreachable_since


async def petition(update: Update, context: Context) -> None:
    """`/petition 300239`."""
    ref = await asked_for(update, context, "petition")
    if ref:
        await show(update, context, ref)


async def show(update: Update, context: Context, ref: PetitionRef) -> None:
    """Answer with a petition's card as of now, or as last known if its site is silent."""
    sight = await seen(update, context, ref)
    if sight is None or sight.petition is None:
        return
    services = context.services
    chat = await chat_of(update, context)
    subscription = await services.storage.subscription(chat.id, ref)
    message = card(
        sight.petition,
        sight.read_at,
        services.now(),
        subscription=subscription,
        unreachable_since=unreachable_since(context, ref),
    )
    await answer(update, message, card_buttons(sight.petition, subscription))


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
    else:
        await answer(update, not_a_petition(text))


async def card_pressed(update: Update, context: Context, press: Press) -> str | None:
    """A petition's button in a list."""
    if press.petition:
        await show(update, context, press.petition)
    return None


COMMANDS = [Command("petition", "300239", "see a petition as it stands", petition)]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(CARD, card_pressed),
    MessageHandler(filters.UpdateType.MESSAGE & filters.TEXT & ~filters.COMMAND, plain_text),
]
