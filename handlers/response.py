"""`/response`: the response to a petition, whole, and its earlier texts."""

from telegram import Update

from bot.messages.buttons import RESPONSE, Press
from bot.messages.i18n import marked
from bot.messages.petition.response import response as response_text
from bot.petitions.petition import PetitionRef
from handlers.command import Command, on_press
from handlers.context import Context
from handlers.lookup import asked_for, look_up
from handlers.reply import answer


async def response(update: Update, context: Context) -> None:
    """Answer `/response 300239`."""
    ref = await asked_for(update, context, "response")
    if ref:
        await show(update, context, ref)


async def show(
    update: Update, context: Context, ref: PetitionRef, wanted: int | None = None
) -> None:
    """Answer with the response in as many messages as it takes, or with an earlier one."""
    lookup = await look_up(update, context, ref)
    if lookup is None or lookup.petition is None:
        return
    earlier = lookup.known.earlier_responses if lookup.known else ()
    messages, buttons = response_text(lookup.petition, earlier, context.services.now(), wanted)
    for message in messages:
        await answer(update, message, buttons if message is messages[-1] else None)


async def response_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer the Response button of a card or an alert, or that of an earlier text."""
    if press.petition:
        wanted = int(press.extra) if press.extra.isascii() and press.extra.isdigit() else None
        await show(update, context, press.petition, wanted)
    return None


COMMANDS = [
    Command(
        "response",
        "300239",
        marked("read the response"),
        response,
        needs=lambda site: site.institutions.responder is not None,
    ),
]
HANDLERS = [*(command.handler for command in COMMANDS), on_press(RESPONSE, response_pressed)]
