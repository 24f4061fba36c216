"""`/trending`: the petitions that were signed most in the last hours."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from telegram import Update

from bot.errors import MalformedPetition, ParliamentError
from bot.messages.chat import errors
from bot.messages.following import search_results
from bot.messages.following.search_results import Busiest
from bot.messages.i18n import language, marked
from bot.messages.petition.parts import site_name
from bot.petitions.parse import Trending
from bot.polling.petitions_api import PetitionsApi
from handlers.command import Command
from handlers.context import Context
from handlers.find import soon
from handlers.reply import answer


async def trending(update: Update, context: Context) -> None:
    """Answer `/trending` for each site that says it."""
    services = context.services
    asked = [each for each in services.parliaments.values() if each.description.has("trending")]
    outcomes = await asyncio.gather(*map(_busiest, asked))
    told = [each for each in outcomes if isinstance(each, Busiest)]
    failed = [
        (each.site, outcome)
        for each, outcome in zip(asked, outcomes, strict=True)
        if not isinstance(outcome, Busiest)
    ]
    if failed and not told:
        site, error = failed[0]
        await answer(update, errors.no_answer(error, site, services.now()))
        return
    silent = [site_name(site) for site, _ in failed]
    await answer(update, *search_results.trending(told, silent))


async def _busiest(parliament: PetitionsApi) -> Busiest | ParliamentError | MalformedPetition:
    site = parliament.site
    try:
        petitions = await soon(site.url, _trending(parliament))
    except (ParliamentError, MalformedPetition) as error:
        return error
    name = site_name(site) if site.among_others else ""
    return Busiest(petitions, parliament.description.trending_hours, name)


async def _trending(parliament: PetitionsApi) -> Sequence[Trending]:
    """Return what a site says, in the reader's language where a host of it answers in that."""
    with suppress(ParliamentError, MalformedPetition):
        if (other := parliament.in_language(language())) is not parliament:
            return await other.trending()
    return await parliament.trending()


COMMANDS = [
    Command(
        "trending",
        "",
        marked("see which petitions gain most at the moment"),
        trending,
        needs=lambda site: site.has("trending"),
    ),
]
HANDLERS = [command.handler for command in COMMANDS]
