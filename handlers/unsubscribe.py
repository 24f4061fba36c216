"""`/unsubscribe`: stop following, with a way back."""

from msgspec import structs
from telegram import Message, Update

from bot.messages.buttons import UNDO, UNSUBSCRIBE, Press, undone
from bot.messages.chat.errors import old_button
from bot.messages.following.subscriptions import (
    Followed,
    listing,
    no_room,
    not_following,
    nothing_followed,
    subscribed,
    terms_carried_by,
    unsubscribed,
)
from bot.messages.i18n import marked, tr
from bot.messages.message import compose
from bot.petitions.petition import PetitionRef
from bot.subscriptions.subscription import Subscription
from handlers.context import Command, Context, answer, asks_first, chat_of, on_press, rewrite
from handlers.lookup import asked_for
from handlers.subscribe import begin, has_room
from handlers.subscriptions import followed_by


async def unsubscribe(update: Update, context: Context) -> None:
    """`/unsubscribe 300239`; without a number it shows what could be meant."""
    chat = await chat_of(update, context)
    if not context.text:
        followed = await followed_by(context, chat.id)
        await answer(update, *listing(followed, 0, context.services.now()))
        return
    ref = await asked_for(update, context, "unsubscribe")
    if ref:
        await end(update, context, ref)


async def end(update: Update, context: Context, ref: PetitionRef) -> str | None:
    """End a subscription and offer to take it up again; the note says if there was none."""
    services = context.services
    chat = await chat_of(update, context)
    ended = await services.storage.unsubscribe(chat.id, ref)
    known = await services.storage.known(ref)
    if ended is None or known is None:
        if update.callback_query is None:
            followed = await services.storage.subscriptions(chat.id)
            await answer(update, compose(not_following()) if followed else nothing_followed())
        return not_following()
    await answer(update, *unsubscribed(Followed(ended, known.petition)))
    return None


async def unsubscribe_pressed(update: Update, context: Context, press: Press) -> str | None:
    """The Unsubscribe button of a card or an alert."""
    return await end(update, context, press.petition) if press.petition else None


async def undo(update: Update, context: Context, press: Press) -> str | None:
    """Take a subscription up again as it was."""
    services = context.services
    chat = await chat_of(update, context)
    was = undone(press, chat.id)
    if was is None or was.petition.site not in services.sites:
        return old_button()
    if asks_first(chat):  # everything was erased meanwhile
        await begin(update, context, was.petition)
        return None
    if not await has_room(context, chat, was.petition):
        return no_room(services.limits.subscriptions).text
    # What happened in between is taken in first, so that it does not ring afterwards.
    await services.look(was.petition, keep=True)
    await services.storage.save_chat(chat)
    subscription, _ = await services.storage.subscribe(_on_its_terms(update, was))
    known = await services.storage.known(was.petition)
    if known:
        await rewrite(update, *subscribed(Followed(subscription, known.petition), services.now()))
    return tr("You follow it again.")


def _on_its_terms(update: Update, was: Subscription) -> Subscription:
    """The subscription with what the message whose button was pressed carries of it."""
    pressed = update.effective_message
    entities = pressed.entities if isinstance(pressed, Message) else ()
    return structs.replace(was, terms=terms_carried_by(entities))


COMMANDS = [
    Command(
        "unsubscribe",
        "300239",
        marked("stop following a petition"),
        unsubscribe,
        aliases=("unfollow",),
        changes=True,
    ),
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(UNSUBSCRIBE, unsubscribe_pressed, changes=True),
    on_press(UNDO, undo, changes=True),
]
