"""`/unfollow` or `/stop`: stop following one petition, several or all, with a way back."""

from telegram import Update

from bot.messages.buttons import STOP, UNDO, UNSUBSCRIBE, Press
from bot.messages.chat.conversation import (
    all_stopped,
    nothing_to_stop,
    nothing_to_undo,
    stop_all_question,
    what_to_stop,
)
from bot.messages.chat.errors import old_button
from bot.messages.following.rules import describe
from bot.messages.following.subscriptions import (
    Followed,
    no_room,
    not_following,
    nothing_followed,
    own_preferences_in,
    unsubscribed,
)
from bot.messages.i18n import marked, tr
from bot.messages.message import compose
from bot.petitions.petition import PetitionRef
from bot.subscriptions.codec import subscription_from_button
from bot.subscriptions.subscription import Chat, Subscription
from bot.telegram import render
from handlers.command import Command, on_press
from handlers.context import Context, asks_first, chat_of, is_private
from handlers.forget import forget
from handlers.lookup import asked_for
from handlers.places import answer_who_asked, place_of
from handlers.reply import answer, rewrite
from handlers.rules import name_of
from handlers.subscribe import confirmed, follow, has_room
from handlers.subscriptions import followed_by, page_of


async def unsubscribe(update: Update, context: Context) -> None:
    """Answer `/unfollow 300239`; without a number, show what can be stopped."""
    if not context.text:
        await _offer(update, context)
    elif ref := await asked_for(update, context, "unsubscribe"):
        await unfollow(update, context, ref)


async def _offer(update: Update, context: Context) -> None:
    """Offer to stop a petition or a rule, all of them, or to erase everything that is kept."""
    chat, storage = await chat_of(update, context), context.services.storage
    followed, rules = await followed_by(context, chat.id), await storage.rules(chat.id)
    if not followed and not rules:
        is_kept = await storage.chat(chat.id) is not None
        await answer(update, *nothing_to_stop(is_kept=is_kept and is_private(update)))
        return
    sites = context.services.sites
    told = [
        (describe(rule, sites.get(rule.site), await name_of(context, rule)), rule.number)
        for rule in rules
    ]
    await answer(update, *what_to_stop(followed, told, is_private=is_private(update)))


async def stop_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Stop all that is followed, after a question; or ask whether to erase everything."""
    chat, storage = await chat_of(update, context), context.services.storage
    if press.extra == "forget":
        await forget(update, context)
        return None
    if press.extra == "undo":
        return await _take_all_up(update, context, chat)
    followed = await storage.subscriptions(chat.id)
    rules = await storage.rules(chat.id)
    count = len(followed) + len(rules)
    if press.extra == "all" and count:
        await rewrite(update, *stop_all_question(count))
    elif press.extra == "yes" and count:
        for each in followed:
            await storage.unsubscribe(chat.id, each.petition)
        for rule in rules:
            await storage.drop_rule(chat.id, rule.number)
        context.services.stopped_at_once[chat.id] = tuple(followed), tuple(rules)
        await rewrite(update, *all_stopped(count))
    else:
        await rewrite(update, *nothing_to_stop(is_kept=is_private(update)))
    return None


async def _take_all_up(update: Update, context: Context, chat: Chat) -> str | None:
    """Follow again what was given up all at once, as it was."""
    storage, now = context.services.storage, context.services.now()
    followed, rules = context.services.stopped_at_once.pop(chat.id, ((), ()))
    if asks_first(chat) or not followed + rules:
        return old_button()
    await storage.save_chat(chat)
    for each in followed:
        await storage.subscribe(each)
    for rule in rules:
        await storage.save_rule(rule, now)
    await rewrite(update, *await page_of(context, chat.id, 0))
    return tr("You're following everything again.")


async def unfollow(update: Update, context: Context, ref: PetitionRef) -> str | None:
    """End a subscription and offer to take it up again; return a note if there was none."""
    services = context.services
    chat = await chat_of(update, context)
    ended = await services.storage.unsubscribe(chat.id, ref)
    known = await services.storage.history(ref)
    if ended is None or known is None:
        if update.callback_query is None:
            followed = await services.storage.subscriptions(chat.id)
            await answer(update, compose(not_following()) if followed else nothing_followed())
        return not_following()
    was = Followed(ended, known.petition)
    await answer_who_asked(update, context, lambda: unsubscribed(was))
    return None


async def unsubscribe_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer the Unfollow button of a card or an alert."""
    return await unfollow(update, context, press.petition) if press.petition else None


async def undo_said(update: Update, context: Context) -> None:
    """Answer `/undo` by showing the last answer that has an Undo again."""
    chat = update.effective_chat
    last = context.services.undoable.pop(chat.id, None) if chat else None
    await answer(update, *(last or nothing_to_undo()))


async def undo(update: Update, context: Context, press: Press) -> str | None:
    """Take a subscription up again as it was."""
    services = context.services
    chat = await chat_of(update, context)
    was = _ended(update, press, chat.id)
    if was is None or was.petition.site not in services.sites:
        return old_button()
    if asks_first(chat):  # everything was erased meanwhile
        await follow(update, context, was.petition)
        return None
    if not await has_room(context, chat, was.petition):
        await answer(update, no_room(services.limits.subscriptions))
        return None
    # What happened in between is taken in first, so that it does not ring afterwards.
    await services.look(was.petition, keep=True)
    await services.storage.save_chat(chat)
    subscription, _ = await services.storage.subscribe(was)
    known = await services.storage.history(was.petition)
    if known:
        await rewrite(
            update,
            *confirmed(
                chat,
                Followed(subscription, known.petition),
                services.now(),
                place_of(update, context, was.petition),
            ),
        )
    return tr("You're following it again.")


def _ended(update: Update, press: Press, chat_id: int) -> Subscription | None:
    """Return the subscription that the button and the message above it carry between them."""
    if press.petition is None:
        return None
    link = own_preferences_in(render.addresses(update.effective_message))
    return subscription_from_button(press.extra, chat_id, press.petition, link)


COMMANDS = [
    Command(
        "unsubscribe",
        "300239",
        marked("unfollow a petition"),
        unsubscribe,
        aliases=("unfollow", "stop"),
        shown="unfollow",
        changes=True,
    ),
    Command("undo", "", marked("undo what you last unfollowed or set"), undo_said, listed=False),
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(UNSUBSCRIBE, unsubscribe_pressed, changes=True),
    on_press(UNDO, undo, changes=True),
    on_press(STOP, stop_pressed, changes=True),
]
