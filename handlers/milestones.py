"""`/milestones`: the rungs a petition has reached, what comes next, and one's own."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import structs
from telegram import Update

from bot.petitions.model import Petition, PetitionRef, Reading, Subscription, Wish
from bot.petitions.wishes import Unwished, changed, given_up, read_changes
from bot.text.buttons import MILESTONES, WISH, Press
from bot.text.following import Followed, follow_first, not_following
from bot.text.ladder import ladder, ladder_buttons, no_milestones, unwished, why_not
from bot.text.language import marked
from bot.text.rich import compose
from bot.text.scope import Page, Scope
from handlers.context import (
    Command,
    Context,
    allowed,
    answer,
    chat_of,
    on_press,
    rewrite,
)
from handlers.settings import keep_terms, scope_of
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
    scope = await scope_of(update, context, ref)
    if scope is None or scope.followed is None:
        await answer(update, *follow_first(ref))
        return
    page = await _wished(context, scope, scope.followed, text)
    if isinstance(page, Unwished):
        await answer(update, unwished(page, scope.followed.petition))
    else:
        await answer(update, *page)


async def _wished(context: Context, scope: Scope, followed: Followed, text: str) -> Page | Unwished:
    """The ladder after the changes that a text asks for, or why they cannot be."""
    was, petition = wish_of(followed.subscription), followed.petition
    if not text:
        return await _page(context, petition, was)
    changes = read_changes(text)
    if isinstance(changes, Unwished):
        return changes
    wish = changed(was, changes, petition)
    if isinstance(wish, Unwished):
        return wish
    terms = structs.replace(scope.terms, milestones=None if wish == Wish() else wish)
    await keep_terms(context, scope, terms)
    return await _page(context, petition, wish, was)


async def wish_pressed(update: Update, context: Context, press: Press) -> str | None:
    """A button beneath the ladder: the change is written on it as it is typed; none opens it."""
    scope = await scope_of(update, context, press.petition)
    if scope is None or scope.followed is None:
        return not_following()
    page = await _wished(context, scope, scope.followed, press.extra)
    if isinstance(page, Unwished):
        return compose(why_not(page, scope.followed.petition)).text
    await rewrite(update, *page)
    return None


async def milestones_pressed(update: Update, context: Context, press: Press) -> str | None:
    """The button of a card."""
    if press.petition:
        await show(update, context, press.petition)
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
