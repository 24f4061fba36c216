"""`/start`, plain or with the payload of a deep link: a petition's (`p_uk_300239`) or a rule's."""

import re

from telegram import Update

from bot.errors import MalformedPetition, ParliamentError
from bot.messages.buttons import EXAMPLE, Press
from bot.messages.chat import errors
from bot.messages.chat.about import greeting
from bot.messages.i18n import marked, tr
from bot.petitions.petition import PetitionRef
from bot.petitions.reference import as_written
from handlers.command import Command, allowed_or_told, on_press
from handlers.context import Context, bot_name, is_private
from handlers.find import soon
from handlers.petition import show
from handlers.reply import answer
from handlers.rules import shared
from handlers.subscribe import follow

_PAYLOAD = re.compile(r"p_([a-z][a-z0-9]*)_([1-9][0-9]{0,9}|[A-Z]{2}[0-9]{1,9})")


async def start(update: Update, context: Context) -> None:
    """Greet, or begin the subscription that a deep link asks for."""
    if context.text.startswith("r_"):
        if not await shared(update, context, context.text[2:]):
            await answer(update, errors.old_link())
        return
    linked = deep_link(context.text)
    wanted = as_written(linked, context.services.sites) if linked else None
    if wanted:
        if await allowed_or_told(update, context):
            await follow(update, context, context.services.known_as(wanted))
    else:
        private = is_private(update)
        sites = list(context.services.sites.values())
        await answer(update, *greeting(bot_name(context.bot), sites, is_private=private))


async def example_pressed(update: Update, context: Context, _: Press) -> str | None:
    """Answer with the card of the open petition with the most signatures."""
    services = context.services
    parliament = next(iter(services.parliaments.values()))
    try:
        page = await soon(parliament.site.url, parliament.page(parliament.description.lists.open))
    except (ParliamentError, MalformedPetition) as error:
        await answer(update, errors.no_answer(error, parliament.site, services.now()))
        return None
    most = max(page.petitions, key=lambda each: each.signature_count, default=None)
    if most is None:
        return tr("No petition is open at the moment.")
    await show(update, context, most.ref)
    return None


def deep_link(payload: str) -> PetitionRef | None:
    """Return the petition a deep link names, or None."""
    found = _PAYLOAD.fullmatch(payload)
    return PetitionRef.parse(f"{found[1]}:{found[2]}") if found else None


COMMANDS = [Command("start", "", marked("start here"), start, here=True)]
HANDLERS = [*(command.handler for command in COMMANDS), on_press(EXAMPLE, example_pressed)]
