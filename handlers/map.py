"""`/map`: where in the country a petition is signed."""

import structlog
from telegram import Update

from bot.charts import ChartFailed, Picture
from bot.messages.buttons import MAP, Press
from bot.messages.chat.errors import in_a_minute
from bot.messages.i18n import marked
from bot.messages.petition.constituencies import no_breakdown, no_regions, too_few_for_a_map
from bot.messages.petition.parts import FEWEST_ON_A_MAP
from bot.petitions.parliaments import description_of
from bot.petitions.petition import Petition, PetitionRef
from bot.petitions.tile_maps import map_of, signed_on
from bot.polling.lookup import Unasked
from handlers.chart import show_drawn
from handlers.command import Command, on_press
from handlers.context import Context
from handlers.lookup import asked_for, look_up, unreachable_since
from handlers.reply import answer

log = structlog.get_logger(__name__)


async def map_(update: Update, context: Context) -> None:
    """Answer `/map 300239`."""
    ref = await asked_for(update, context, "map")
    if ref:
        await show(update, context, ref)


async def show(update: Update, context: Context, ref: PetitionRef) -> None:
    """Answer with the map."""
    lookup = await look_up(update, context, ref)
    if lookup is None or lookup.petition is None:
        return
    shown = map_of(lookup.petition)
    if shown is None:
        if isinstance(lookup.look, Unasked) and not lookup.look.wants_quiet:
            await answer(update, in_a_minute(context.services.sites[ref.site]))
            return
        is_reachable = await unreachable_since(context, ref, lookup) is None
        without = (
            no_regions
            if any(each.area == "region" for each in description_of(lookup.petition).maps)
            else no_breakdown
        )
        await answer(update, without(lookup.petition, is_reachable))
        return
    if sum(signed_on(shown, lookup.petition).values()) < FEWEST_ON_A_MAP:
        await answer(update, too_few_for_a_map(lookup.petition))
        return
    await show_drawn(update, lookup.petition, await _map(context, lookup.petition))


async def _map(context: Context, petition: Petition) -> Picture | None:
    try:
        return await context.services.charts.map(petition)
    except ChartFailed:
        log.debug("no map", petition=str(petition.ref))
        return None


async def map_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer the Map button of a card."""
    if press.petition:
        await show(update, context, press.petition)
    return None


COMMANDS = [
    Command(
        "map",
        "300239",
        marked("see a map of where it was signed"),
        map_,
        needs=lambda site: bool(site.maps),
    ),
]
HANDLERS = [*(command.handler for command in COMMANDS), on_press(MAP, map_pressed)]
