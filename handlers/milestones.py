"""`/milestones`: the rungs a petition has reached, and what comes next."""

from datetime import timedelta

from telegram import Update

from bot.petitions.model import PetitionRef
from bot.text.buttons import MILESTONES, Press
from bot.text.ladder import ladder, no_milestones
from handlers.context import Command, Context, answer, on_press
from handlers.sight import asked_for, seen


async def milestones(update: Update, context: Context) -> None:
    """`/milestones 300239`."""
    ref = await asked_for(update, context, "milestones")
    if ref:
        await show(update, context, ref)


async def show(update: Update, context: Context, ref: PetitionRef) -> None:
    """Answer with the ladder."""
    sight = await seen(update, context, ref)
    if sight is None or sight.petition is None:
        return
    petition, now = sight.petition, context.services.now()
    if petition.opened_at is None:
        await answer(update, no_milestones(petition))
        return
    since = petition.opened_at - timedelta(days=1)
    readings = await context.services.storage.readings(ref, since)
    await answer(update, ladder(petition, readings, now))


async def milestones_pressed(update: Update, context: Context, press: Press) -> str | None:
    """The Milestones button of a card."""
    if press.petition:
        await show(update, context, press.petition)
    return None


COMMANDS = [Command("milestones", "300239", "see what a petition has reached", milestones)]
HANDLERS = [*(command.handler for command in COMMANDS), on_press(MILESTONES, milestones_pressed)]
