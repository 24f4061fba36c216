"""`/milestones`: the rungs a petition has reached, what comes next, and one's own."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import structs
from telegram import Update

from bot.petitions.model import Known, Petition, PetitionRef, Reading, Subscription, Wish
from bot.petitions.wishes import Unwished, changed, given_up, read_changes
from bot.text.buttons import MILESTONES, WISH, Press
from bot.text.following import not_following
from bot.text.ladder import ladder, ladder_buttons, no_milestones, unwished, why_not
from bot.text.language import marked
from bot.text.rich import compose
from bot.text.scope import Page, follow_first
from handlers.context import (
    Command,
    Context,
    allowed,
    answer,
    chat_of,
    on_press,
    rewrite,
)
from handlers.sight import asked_for, seen


async def milestones(update: Update, context: Context) -> None:
    """`/milestones 300239`; with `15000`, `every 5000`, `50%` or `off` behind, one's own."""
    words = list(context.args or ())
    ref = context.services.reference(words[0]) if len(words) > 1 else None
    if ref:
        await wish_typed(update, context, ref, " ".join(words[1:]))
        return
    ref = await asked_for(update, context, "milestones")
    if ref:
        await show(update, context, ref)


async def show(update: Update, context: Context, ref: PetitionRef) -> None:
    """Answer with the ladder."""
    sight = await seen(update, context, ref)
    if sight is None or sight.petition is None:
        return
    if sight.petition.opened_at is None:
        await answer(update, no_milestones(sight.petition))
        return
    chat = await chat_of(update, context)
    subscription = await context.services.storage.subscription(chat.id, ref)
    wish = wish_of(subscription) if subscription else None
    await answer(update, *await _page(context, sight.petition, wish))


def wish_of(subscription: Subscription) -> Wish:
    """The milestones of their own that somebody has of a petition."""
    return subscription.terms.milestones or Wish()


async def _page(
    context: Context, petition: Petition, wish: Wish | None, was: Wish | None = None
) -> Page:
    """The ladder with its buttons; `was` are the reader's own before a change."""
    own = wish or Wish()
    undo = given_up(was, own, petition) if was else Wish()
    readings = await _readings(context, petition)
    now = context.services.now()
    return ladder(petition, readings, now, own, undo), ladder_buttons(petition, wish, undo)


async def _readings(context: Context, petition: Petition) -> Sequence[Reading]:
    if petition.opened_at is None:
        return ()
    since = petition.opened_at - timedelta(days=1)
    return await context.services.storage.readings(petition.ref, since)


# --- one's own -----------------------------------------------------------------------------------


async def wish_typed(update: Update, context: Context, ref: PetitionRef, text: str) -> None:
    """Take up or give up what was typed, and show the ladder."""
    if not await allowed(update, context):
        return
    found = await _followed(update, context, ref)
    if found is None:
        await answer(update, *follow_first(ref))
        return
    page = await _wished(context, *found, text)
    if isinstance(page, Unwished):
        await answer(update, unwished(page, found[1].petition))
    else:
        await answer(update, *page)


async def _wished(
    context: Context, subscription: Subscription, known: Known, text: str
) -> Page | Unwished:
    """The ladder after the changes that a text asks for, or why they cannot be."""
    changes = read_changes(text)
    if isinstance(changes, Unwished):
        return changes
    was = wish_of(subscription)
    wish = changed(was, changes, known.petition)
    if isinstance(wish, Unwished):
        return wish
    await context.services.storage.set_subscription_terms(
        subscription.chat_id,
        subscription.petition,
        structs.replace(subscription.terms, milestones=None if wish == Wish() else wish),
        context.services.now(),
    )
    return await _page(context, known.petition, wish, was)


async def _followed(
    update: Update, context: Context, ref: PetitionRef
) -> tuple[Subscription, Known] | None:
    storage, chat = context.services.storage, await chat_of(update, context)
    subscription, known = await storage.subscription(chat.id, ref), await storage.known(ref)
    return (subscription, known) if subscription and known else None


async def wish_pressed(update: Update, context: Context, press: Press) -> str | None:
    """A button beneath the ladder: the change is written on it as it is typed."""
    found = await _followed(update, context, press.petition) if press.petition else None
    if found is None:
        return not_following()
    page = await _wished(context, *found, press.extra)
    if isinstance(page, Unwished):
        return compose(why_not(page, found[1].petition)).text
    await rewrite(update, *page)
    return None


async def milestones_pressed(update: Update, context: Context, press: Press) -> str | None:
    """The button of a card, which the ladder answers, or of the settings, which it replaces."""
    if press.petition is None:
        return None
    if not press.extra:
        await show(update, context, press.petition)
        return None
    found = await _followed(update, context, press.petition)
    if found is None:
        return not_following()
    subscription, known = found
    await rewrite(update, *await _page(context, known.petition, wish_of(subscription)))
    return None


COMMANDS = [
    Command(
        "milestones",
        "300239",
        marked("see what a petition has reached, and set your own"),
        milestones,
    )
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(MILESTONES, milestones_pressed),
    on_press(WISH, wish_pressed, changes=True),
]
