"""`/share` and its button: links to copy, and the card for another chat."""

from telegram import Update

from bot.messages.buttons import SHARE, Press
from bot.messages.i18n import marked
from bot.messages.petition.share import share_offer
from bot.petitions.petition import PetitionRef
from handlers.command import Command, on_press
from handlers.context import Context
from handlers.lookup import asked_for, look_up
from handlers.reply import answer


async def share(update: Update, context: Context) -> None:
    """Answer `/share 300239`."""
    if ref := await asked_for(update, context, "share"):
        await offer(update, context, ref)


async def share_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer the Share button of a card."""
    if press.petition:
        await offer(update, context, press.petition)
    return None


async def offer(update: Update, context: Context, ref: PetitionRef) -> None:
    """Offer the ways to hand a petition on."""
    lookup = await look_up(update, context, ref)
    if lookup and lookup.petition:
        bot = context.bot
        inline = bool(bot.bot.supports_inline_queries)
        await answer(update, *share_offer(lookup.petition, bot.username, inline=inline))


COMMANDS = [Command("share", "300239", marked("share a petition"), share)]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(SHARE, share_pressed),
]
