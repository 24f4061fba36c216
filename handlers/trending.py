"""`/trending`: what was signed most in the last hour."""

from telegram import Update

from bot.petitions.errors import MalformedPetition, ParliamentError
from bot.text import found, trouble
from bot.text.language import marked
from handlers.context import Command, Context, answer
from handlers.finding import soon


async def trending(update: Update, context: Context) -> None:
    """`/trending`."""
    services = context.services
    parliament = next(iter(services.parliaments.values()))
    try:
        petitions = await soon(parliament.site.url, parliament.trending())
    except (ParliamentError, MalformedPetition) as error:
        await answer(update, trouble.no_answer(error, parliament.site, services.now()))
    else:
        await answer(update, *found.trending(petitions))


COMMANDS = [Command("trending", "", marked("what was signed most in the last hour"), trending)]
HANDLERS = [command.handler for command in COMMANDS]
