"""`/start`, plain or with the payload of a deep link: a petition's (`p_uk_300239`) or a rule's."""

import re

from telegram import Update

from bot.messages.chat.about import greeting
from bot.messages.chat.errors import old_link
from bot.messages.i18n import marked
from bot.petitions.petition import PetitionRef
from handlers.context import Command, Context, allowed, answer, bot_name
from handlers.rules import shared
from handlers.subscribe import begin

_PAYLOAD = re.compile(r"p_([a-z][a-z0-9]*)_([1-9][0-9]{0,9})")


async def start(update: Update, context: Context) -> None:
    """Greet, or begin the subscription that a deep link asks for."""
    if context.text.startswith("r_"):
        if not await shared(update, context, context.text[2:]):
            await answer(update, old_link())
        return
    wanted = deep_link(context.text)
    if wanted and wanted.site in context.services.sites:
        if await allowed(update, context):
            await begin(update, context, wanted)
    else:
        await answer(update, greeting(bot_name(context.bot)))


def deep_link(payload: str) -> PetitionRef | None:
    """The petition a deep link names."""
    found = _PAYLOAD.fullmatch(payload)
    return PetitionRef(found[1], int(found[2])) if found else None


COMMANDS = [Command("start", "", marked("say hello"), start, here=True)]
HANDLERS = [command.handler for command in COMMANDS]
