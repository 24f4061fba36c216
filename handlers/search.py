"""`/search`: petitions by their words, each a button that opens its card."""

from telegram import Update

from bot.errors import MalformedPetition, ParliamentError
from bot.messages.buttons import SEARCH, Press
from bot.messages.chat import errors
from bot.messages.following import search_results
from bot.messages.i18n import marked
from bot.polling.postcodes_api import is_postcode
from handlers.constituency import of_postcode
from handlers.context import Command, Context, answer, on_press
from handlers.find import search as find
from handlers.find import searchable
from handlers.petition import show


async def search(update: Update, context: Context) -> None:
    """`/search free meals`; a number or a link leads to its card, a postcode to its place."""
    if ref := context.services.reference(context.text):
        await show(update, context, ref)
    elif is_postcode(context.text):
        await of_postcode(update, context, context.text)
    else:
        await tell(update, context, context.text)


async def tell(update: Update, context: Context, typed: str) -> None:
    """Answer with what is found."""
    words = searchable(typed)
    if not words:
        await answer(update, search_results.what_to_search())
        return
    try:
        petitions, has_more = await find(context, words)
    except (ParliamentError, MalformedPetition) as error:
        services = context.services
        site = next(iter(services.sites.values()))
        await answer(update, errors.no_answer(error, site, services.now()))
    else:
        await answer(update, *search_results.results(words, petitions, has_more))


async def search_pressed(update: Update, context: Context, press: Press) -> str | None:
    """A button that offers to search for what was typed."""
    await tell(update, context, press.extra)
    return None


COMMANDS = [Command("search", marked("words"), marked("find petitions by their words"), search)]
HANDLERS = [*(command.handler for command in COMMANDS), on_press(SEARCH, search_pressed)]
