"""`/constituencies`: where a petition was signed, by whose seats, on pages and as a file."""

import structlog
from telegram import Update

from bot.charts import ChartFailed
from bot.messages.buttons import CONSTITUENCIES, Press
from bot.messages.chat.errors import in_a_minute
from bot.messages.i18n import marked
from bot.messages.message import compose
from bot.messages.petition.constituencies import (
    all_constituencies,
    by_places,
    find_place,
    no_breakdown,
    no_such_constituency,
    table,
    table_caption,
    top_codes,
)
from bot.messages.petition.constituencies import constituencies as constituencies_text
from bot.petitions.petition import Petition, PetitionRef
from bot.polling.lookup import Unasked
from handlers.chart import show_drawn
from handlers.command import Command, on_press
from handlers.context import Context
from handlers.lookup import asked_for, look_up, named_first, offer, unreachable_since
from handlers.reply import answer, rewrite, send_file

log = structlog.get_logger(__name__)


async def constituencies(update: Update, context: Context) -> None:
    """Answer `/constituencies 300239`; with `Colne Valley` after it, point that one out."""
    number, _, own = context.text.partition(" ")
    named = await named_first(update, context, number) if own else []
    if len(named) > 1:
        await offer(update, context, "constituencies", named)
        return
    ref = named[0][0] if named else None
    if ref is None:
        own, ref = "", await asked_for(update, context, "constituencies")
    if ref:
        await show(update, context, ref, own.strip())


async def show(update: Update, context: Context, ref: PetitionRef, own: str = "") -> None:
    """Answer with the top ten, and with one's own constituency if it is named."""
    petition = await signed(update, context, ref)
    if petition is None:
        return
    place = find_place(petition, own) if own else None
    if own and place is None:
        await answer(update, compose(no_such_constituency(own)))
        return
    seats = await context.services.members.seats(petition, top_codes(petition, place))
    await answer(update, *constituencies_text(petition, seats, place))


async def signed(update: Update, context: Context, ref: PetitionRef) -> Petition | None:
    """Return the petition with its constituencies; if it has none, say so and return None."""
    lookup = await look_up(update, context, ref)
    if lookup is None or lookup.petition is None:
        return None
    petition = by_places(lookup.petition)
    if not petition.signatures_by_constituency:
        if isinstance(lookup.look, Unasked) and not lookup.look.wants_quiet:
            await answer(update, in_a_minute(context.services.sites[ref.site]))
            return None
        is_reachable = await unreachable_since(context, ref, lookup) is None
        await answer(update, no_breakdown(lookup.petition, is_reachable))
        return None
    return petition


async def constituencies_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer the Constituencies button of a card, the pages of the whole list, and its file."""
    if press.petition is None:
        return None
    wanted, _, code = press.extra.partition(".")
    match wanted:
        case "":
            await show(update, context, press.petition)
        case "csv":
            await send_table(update, context, press.petition)
        case "bars":
            await send_bars(update, context, press.petition, code)
        case page:
            number = int(page) if page.isascii() and page.isdigit() else 0
            await turn_page(update, context, press.petition, number, code)
    return None


async def turn_page(
    update: Update, context: Context, ref: PetitionRef, page: int, code: str
) -> None:
    """Show a page of all constituencies in the place of the one before."""
    petition = await signed(update, context, ref)
    if petition is None:
        return
    own = find_place(petition, code) if code else None
    seats = await context.services.members.seats(petition)
    await rewrite(update, *all_constituencies(petition, seats, page, own))


async def send_bars(update: Update, context: Context, ref: PetitionRef, code: str) -> None:
    """Send the top constituencies as a picture, coloured by party."""
    petition = await signed(update, context, ref)
    if petition is None:
        return
    own = find_place(petition, code) if code else None
    services = context.services
    seats = await services.members.seats(petition, top_codes(petition, own))
    parties = {code: seat.party for code, seat in seats.items() if seat.party}
    try:
        bars = await services.charts.bars(petition, parties, highlight=code or None)
    except ChartFailed:
        log.debug("no bars", petition=str(ref))
        bars = None
    await show_drawn(update, petition, bars)


async def send_table(update: Update, context: Context, ref: PetitionRef) -> None:
    """Send every constituency as a CSV file."""
    petition = await signed(update, context, ref)
    if petition is None:
        return
    file = table(petition, await context.services.members.seats(petition))
    name = f"petition-{ref.id}-constituencies.csv"
    await send_file(update, name, file, caption=table_caption(petition))


COMMANDS = [
    Command(
        "constituencies",
        "300239",
        marked("see where it was signed"),
        constituencies,
        needs=lambda site: not {"constituency", "parish"}.isdisjoint(site.breakdowns),
    ),
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(CONSTITUENCIES, constituencies_pressed),
]
