"""`/trending`: what was signed most in the last hour."""

from telegram import Update

from bot.errors import MalformedPetition, ParliamentError
from bot.messages.chat import errors
from bot.messages.following import search_results
from bot.messages.i18n import marked
from handlers.command import Command
from handlers.context import Context
from handlers.find import soon
from handlers.reply import answer


async def trending(update: Update, context: Context) -> None:
    """`/trending`."""
    services = context.services
    parliament = next(iter(services.parliaments.values()))
    try:
        petitions = await soon(parliament.site.url, parliament.trending())
    except (ParliamentError, MalformedPetition) as error:
        await answer(update, errors.no_answer(error, parliament.site, services.now()))
    else:
        await answer(update, *search_results.trending(petitions))


COMMANDS = [Command("trending", "", marked("see the most signed in the last hour"), trending)]
HANDLERS = [command.handler for command in COMMANDS]
