"""`/milestones`: the milestones a petition has reached, what comes next, and one's own."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import structs
from telegram import Update

from bot.messages.buttons import CHOOSE_MILESTONE, MILESTONES, Press
from bot.messages.chat.conversation import at_which_petition
from bot.messages.following.subscriptions import (
    Followed,
    follow_first,
    not_following,
    nothing_followed,
)
from bot.messages.i18n import marked
from bot.messages.message import compose
from bot.messages.petition.milestones import (
    milestone_buttons,
    milestones_refused,
    milestones_text,
    no_milestones,
    official_numbers,
    undo_buttons,
    why_not,
)
from bot.messages.settings.context import Page, SettingsContext
from bot.petitions.petition import Petition, PetitionRef, Reading
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.custom_milestones import InvalidMilestone, changed, given_up, read_changes
from bot.subscriptions.subscription import Subscription
from handlers.command import Command, allowed_or_told, on_press
from handlers.context import Context, chat_of
from handlers.lookup import asked_for, look_up, named_first, offer
from handlers.reply import answer, ask, note_undo, rewrite
from handlers.settings import keep_preferences, settings_context
from handlers.subscriptions import followed_by


async def milestones(update: Update, context: Context) -> None:
    """Answer `/milestones 300239`; `15000`, `every 5000`, `50%` or `off` after it set one's own."""
    words = context.words
    if words and words[0].lower() == "at":
        await _at_count(update, context, " ".join(words[1:]))
        return
    if words == ["official"]:
        await answer(update, official_numbers(list(context.services.sites.values())))
        return
    named = await named_first(update, context, words[0]) if len(words) > 1 else []
    if len(named) > 1:
        await offer(update, context, "milestones", named)
        return
    if named:
        await milestones_typed(update, context, named[0][0], " ".join(words[1:]))
        return
    ref = await asked_for(update, context, "milestones")
    if ref:
        await show(update, context, ref)


async def _at_count(update: Update, context: Context, text: str) -> None:
    """Answer `/milestones at 50k`: for the petition shown last, the only one followed, or ask."""
    text, _, named = text.partition(" of ")
    chat = await chat_of(update, context)
    followed = await followed_by(context, chat.id)
    ref = context.services.reference(named) or context.services.last_shown(chat.id)
    if ref is None and len(followed) == 1:
        ref = followed[0].petition.ref
    if ref:
        await milestones_typed(update, context, ref, text)
    elif not followed:
        await answer(update, nothing_followed())
    else:
        question, rows = at_which_petition(text, followed)
        await ask(update, context, question, "milestones", " ".join(("at", text, "of")), rows=rows)


async def show(update: Update, context: Context, ref: PetitionRef) -> None:
    """Answer with the milestones."""
    lookup = await look_up(update, context, ref)
    if lookup is None or lookup.petition is None:
        return
    if lookup.petition.opened_at is None:
        await answer(update, no_milestones(lookup.petition))
        return
    chat = await chat_of(update, context)
    subscription = await context.services.storage.subscription(chat.id, lookup.petition.ref)
    custom = custom_milestones_of(subscription) if subscription else None
    await answer(update, *await _page(context, lookup.petition, custom))


def custom_milestones_of(subscription: Subscription) -> CustomMilestones:
    """Return the milestones that a subscription's chat has set for its petition."""
    return subscription.preferences.milestones or CustomMilestones()


async def _page(
    context: Context,
    petition: Petition,
    custom: CustomMilestones | None,
    was: CustomMilestones | None = None,
) -> Page:
    """Word the milestones with their buttons; `was` are the reader's own before a change."""
    own = custom or CustomMilestones()
    undo = given_up(was, own, petition) if was else CustomMilestones()
    readings = await _readings(context, petition)
    now = context.services.now()
    return milestones_text(petition, readings, now, own, undo), milestone_buttons(
        petition, custom, undo
    )


async def _readings(context: Context, petition: Petition) -> Sequence[Reading]:
    if petition.opened_at is None:
        return ()
    since = petition.opened_at - timedelta(days=1)
    return await context.services.storage.readings(petition.ref, since)


# --- one's own -----------------------------------------------------------------------------------


async def milestones_typed(update: Update, context: Context, ref: PetitionRef, text: str) -> None:
    """Take up or give up milestones as typed, and show them all."""
    if not await allowed_or_told(update, context):
        return
    settings = await settings_context(update, context, ref)
    if settings is None or settings.followed is None:
        await answer(update, *follow_first(ref, " ".join(("milestones", text))))
        return
    page = await _page_after(update, context, settings, settings.followed, text)
    if isinstance(page, InvalidMilestone):
        own = custom_milestones_of(settings.followed.subscription)
        await answer(update, milestones_refused(page, settings.followed.petition, own))
    else:
        await answer(update, *page)


async def _page_after(
    update: Update, context: Context, settings: SettingsContext, followed: Followed, text: str
) -> Page | InvalidMilestone:
    """Return the page after the changes that a text asks for, or why they cannot be made."""
    was, petition = custom_milestones_of(followed.subscription), followed.petition
    if not text:
        return await _page(context, petition, was)
    changes = read_changes(text)
    if isinstance(changes, InvalidMilestone):
        return changes
    custom = changed(was, changes, petition)
    if isinstance(custom, InvalidMilestone):
        return custom
    preferences = structs.replace(
        settings.preferences, milestones=None if custom == CustomMilestones() else custom
    )
    await keep_preferences(context, settings, preferences)
    page = await _page(context, petition, custom, was)
    note_undo(update, page[0], undo_buttons(petition.ref, was, custom))
    return page


async def milestone_chosen(update: Update, context: Context, press: Press) -> str | None:
    """Make the change that a button beneath the milestones carries, as if it were typed."""
    settings = await settings_context(update, context, press.petition)
    if settings is None or settings.followed is None:
        return not_following()
    page = await _page_after(update, context, settings, settings.followed, press.extra)
    if isinstance(page, InvalidMilestone):
        return compose(why_not(page, settings.followed.petition)).text
    await rewrite(update, *page)
    return None


async def milestones_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer the Milestones button of a card."""
    if press.petition:
        await show(update, context, press.petition)
    return None


COMMANDS = [
    Command(
        "milestones",
        "300239",
        marked("see its milestones and set your own"),
        milestones,
    )
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(MILESTONES, milestones_pressed),
    on_press(CHOOSE_MILESTONE, milestone_chosen, changes=True),
]
