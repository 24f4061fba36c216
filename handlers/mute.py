"""The Mute button: alerts about one petition arrive without a sound, or ring again."""

from telegram import Message, Update

from bot.messages.buttons import MUTE, UNMUTE, Press, with_sound
from bot.messages.following.subscriptions import muted, not_following
from handlers.context import Context, chat_of, on_press, rewrite_buttons


async def mute(update: Update, context: Context, press: Press) -> str | None:
    """Change the sound, and the button with it."""
    storage = context.services.storage
    chat = await chat_of(update, context)
    is_muted = press.verb == MUTE
    if press.petition is None or not await storage.mute(
        chat.id, press.petition, is_muted, context.services.now()
    ):
        return not_following()
    context.services.woken()
    known = await storage.known(press.petition)
    if known is None:
        return not_following()
    pressed = update.effective_message
    beneath = pressed.reply_markup if isinstance(pressed, Message) else None
    await rewrite_buttons(update, with_sound(beneath, known.petition, is_muted))
    return muted(known.petition, is_muted)


HANDLERS = [on_press(MUTE, mute, changes=True), on_press(UNMUTE, mute, changes=True)]
