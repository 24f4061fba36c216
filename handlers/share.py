"""The Share button: links to copy, and the card for another chat."""

from telegram import Update

from bot.text.buttons import SHARE, Press
from bot.text.share import share_offer
from handlers.context import Context, answer, on_press
from handlers.sight import seen


async def share(update: Update, context: Context, press: Press) -> str | None:
    """Offer the ways to hand a petition on."""
    if press.petition is None:
        return None
    sight = await seen(update, context, press.petition)
    if sight and sight.petition:
        bot = context.bot
        inline = bool(bot.bot.supports_inline_queries)
        await answer(update, *share_offer(sight.petition, bot.username, inline=inline))
    return None


HANDLERS = [on_press(SHARE, share)]
