"""`/chart`: the curve of a petition's signatures."""

from datetime import UTC, datetime

import structlog
from telegram import Update

from bot.charts import ChartFailed, Picture
from bot.messages.buttons import CHART, Press
from bot.messages.i18n import marked, tr
from bot.messages.message import compose, lines, quote
from bot.messages.petition.parts import short_title
from bot.petitions.petition import Petition, PetitionRef
from handlers.command import Command, on_press
from handlers.context import Context
from handlers.lookup import asked_for, look_up
from handlers.reply import answer, send_picture

log = structlog.get_logger(__name__)


async def chart(update: Update, context: Context) -> None:
    """Answer `/chart 300239`."""
    ref = await asked_for(update, context, "chart")
    if ref:
        await show(update, context, ref)


async def show(update: Update, context: Context, ref: PetitionRef) -> None:
    """Answer with the curve."""
    lookup = await look_up(update, context, ref)
    if lookup and lookup.petition:
        await show_drawn(update, lookup.petition, await _curve(context, lookup.petition))


async def _curve(context: Context, petition: Petition) -> Picture | None:
    """Draw the curve from all we read of the petition; None if it cannot be drawn."""
    services = context.services
    since = petition.created_at or petition.opened_at or datetime.min.replace(tzinfo=UTC)
    readings = await services.storage.readings(petition.ref, since)
    try:
        return await services.charts.curve(petition, readings, services.now())
    except ChartFailed:
        log.debug("no curve", petition=str(petition.ref))
        return None


async def show_drawn(update: Update, petition: Petition, picture: Picture | None) -> None:
    """Send a picture with what it shows in words, or say that there is none."""
    if picture is None:
        name = short_title(petition, 80)
        await answer(
            update,
            compose(
                tr(
                    "I can't draw this for “{title}” at the moment. Please try again later.",
                    title=name,
                )
            ),
        )
        return
    said, figures = picture.caption[: picture.shown], picture.caption[picture.shown :]
    folded = quote(figures, expandable=True) if figures else None
    await send_picture(update, picture.png, caption=compose(*lines(said.strip(), folded)))


async def chart_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer the Chart button of a card."""
    if press.petition:
        await show(update, context, press.petition)
    return None


COMMANDS = [Command("chart", "300239", marked("see a chart of its signatures"), chart)]
HANDLERS = [*(command.handler for command in COMMANDS), on_press(CHART, chart_pressed)]
