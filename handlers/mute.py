"""`/mute` and its button: alerts about one petition arrive without a sound, or with one again."""

from collections.abc import Sequence

from telegram import Update

from bot.delivery.card_message import refresh_card
from bot.messages.buttons import MUTE, UNMUTE, Press, mute_button, with_sound
from bot.messages.following.subscriptions import (
    each_muted,
    follow_first,
    muted,
    not_following,
    with_sound_note,
)
from bot.messages.i18n import marked
from bot.messages.message import Message, compose
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef
from bot.telegram import render
from handlers.command import Command, on_press
from handlers.context import Context, chat_of, target
from handlers.lookup import asked_for
from handlers.reply import add_to, answer


async def mute(update: Update, context: Context, press: Press) -> str | None:
    """Change the sound, and have the message and its button say so."""
    storage = context.services.storage
    chat = await chat_of(update, context)
    is_muted = press.verb == MUTE
    if press.petition is None or not await storage.mute(
        chat.id, press.petition, is_muted, context.services.now()
    ):
        return not_following()
    context.services.wake_deliverer()
    known = await storage.history(press.petition)
    if known is None:
        return not_following()
    if await _redrawn(update, context, chat.id, known):
        return muted(known.petition, is_muted)
    beneath = render.read_keyboard(update.effective_message)

    def noted(message: Message) -> Message:
        return with_sound_note(message, known.petition, is_muted)

    await add_to(update, noted, with_sound(beneath, known.petition, is_muted))
    return muted(known.petition, is_muted)


async def _redrawn(update: Update, context: Context, chat_id: int, known: PetitionHistory) -> bool:
    """Redraw the chat's card if its button was pressed; return whether it was."""
    services, pressed = context.services, update.effective_message
    followed = await services.storage.subscription(chat_id, known.petition.ref)
    if target() or pressed is None or followed is None or pressed.message_id != followed.card_id:
        return False
    return await refresh_card(context.bot, services.storage, known, followed, services.now())


async def mute_named(update: Update, context: Context) -> None:
    """Answer `/mute 300239`."""
    await _turn(update, context, is_muted=True)


async def unmute_named(update: Update, context: Context) -> None:
    """Answer `/unmute 300239`."""
    await _turn(update, context, is_muted=False)


async def _turn(update: Update, context: Context, *, is_muted: bool) -> None:
    if len(listed := context.services.listed(context.text)) > 1:
        await _turn_each(update, context, listed, is_muted=is_muted)
        return
    ref = await asked_for(update, context, "mute" if is_muted else "unmute")
    if ref is None:
        return
    storage, chat = context.services.storage, await chat_of(update, context)
    done = await storage.mute(chat.id, ref, is_muted, context.services.now())
    known = await storage.history(ref)
    if not done or known is None:
        await answer(update, *follow_first(ref, "mute" if is_muted else ""))
        return
    context.services.wake_deliverer()
    back = [[mute_button(ref, is_muted)]]
    await answer(update, compose(muted(known.petition, is_muted)), back)


async def _turn_each(
    update: Update, context: Context, named: Sequence[PetitionRef], *, is_muted: bool
) -> None:
    """Turn the sound of several petitions, and say of each that is not followed that it is not."""
    services, chat = context.services, await chat_of(update, context)
    turned: list[Petition] = []
    others: list[PetitionRef] = []
    for ref in named:
        same = services.same_number(str(ref.id)) or [ref]
        followed = [each for each in same if await services.storage.subscription(chat.id, each)]
        meant = ref if ref in followed or len(followed) != 1 else followed[0]
        done = await services.storage.mute(chat.id, meant, is_muted, services.now())
        known = await services.storage.history(meant)
        if done and known:
            turned.append(known.petition)
        else:
            others.append(ref)
    if turned:
        services.wake_deliverer()
    await answer(update, *each_muted(turned, others, is_muted))


COMMANDS = [
    Command(
        "mute",
        "300239",
        marked("get a petition's alerts without a sound"),
        mute_named,
        changes=True,
        listed=False,
    ),
    Command(
        "unmute",
        "300239",
        marked("get a petition's alerts with a sound again"),
        unmute_named,
        changes=True,
        listed=False,
    ),
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(MUTE, mute, changes=True),
    on_press(UNMUTE, mute, changes=True),
]
