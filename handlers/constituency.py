"""`/constituency`: who sits for a place, what is signed there, and following it.

Where petitions are signed by parishes, it tells what is signed in one.
"""

import re
from collections.abc import Mapping, Sequence

from telegram import Update

from bot.errors import MalformedPetition, ParliamentError
from bot.messages.buttons import SEAT, Button, Press
from bot.messages.chat.conversation import which_constituency, which_parish
from bot.messages.chat.errors import old_button
from bot.messages.following import constituency as text
from bot.messages.i18n import marked
from bot.petitions.everyday_words import plain
from bot.petitions.parliaments import description_of
from bot.petitions.parse_places import Constituency, Local
from bot.petitions.postcode import is_postcode
from bot.polling.petitions_api import PetitionsApi
from bot.polling.postcodes_api import Seats
from bot.subscriptions.names import MOST_NEAR, meant, near
from handlers.command import Command, on_press
from handlers.context import Context
from handlers.reply import answer, ask
from handlers.rules import about_seat, show_draft

_CODE = re.compile(r"[EWSN][0-9]{8}")


async def constituency(update: Update, context: Context) -> None:
    """Answer `/constituency SW1A 1AA`, or a name or an ONS code in its place."""
    typed = context.text
    if not typed:
        question = which_constituency() if _has_constituencies(context) else which_parish()
        await ask(update, context, question, "constituency")
    elif is_postcode(typed):
        await of_postcode(update, context, typed)
    else:
        await _of_name(update, context, typed)


async def of_postcode(update: Update, context: Context, typed: str) -> None:
    """Answer with the constituencies of a postcode; the postcode itself goes nowhere else."""
    if not _has_constituencies(context):
        await answer(update, text.name_a_parish())  # and nobody is asked where that is
        return
    match await context.services.postcodes.seats(typed):
        case Seats() as placed:
            known = await everywhere(context)
            if not known:
                await answer(update, text.constituencies_unavailable())
                return
            found = [seat for code, seat in known.items() if placed.has(code, seat.name)]
            for seat in found:
                await show(update, context, seat)
            if not found:
                await answer(update, text.no_seat_listed())
        case "unknown":
            await answer(update, text.unknown_postcode())
        case "nowhere":
            await answer(update, text.postcode_without_seat())
        case "unavailable":
            await answer(update, text.postcodes_unavailable())


def _has_constituencies(context: Context) -> bool:
    sites = context.services.sites.values()
    return any(description_of(site).has("constituencies") for site in sites)


async def everywhere(context: Context) -> Mapping[str, Constituency]:
    """Return the constituencies of every site that has any, by their ONS codes."""
    return await context.services.members.everywhere(context.services.sites)


async def _of_name(update: Update, context: Context, typed: str) -> None:
    seats = await everywhere(context)
    only_parishes = not _has_constituencies(context)
    if not seats:
        unavailable = text.constituencies_unavailable
        await answer(update, text.parishes_unavailable() if only_parishes else unavailable())
        return
    found = named(seats, typed)
    if found and len({plain(seat.name) for seat in found}) == 1:
        for seat in found:  # of the same name in several parliaments
            await show(update, context, seat)
    else:
        near = [await button_to(context, seat) for seat in found or nearest(seats, typed)]
        await answer(update, *text.no_such_seat(typed, near, only_parishes=only_parishes))


async def show(update: Update, context: Context, seat: Constituency) -> None:
    """Answer with a constituency."""
    services = context.services
    site = await services.members.site_of(seat.ons_code, services.sites)
    parliament = services.parliaments.get(site or "")
    is_told = parliament is None or parliament.description.has("local")
    signed = await _signed(parliament, seat) if parliament and is_told else None
    where = services.called().get(site or "", "")
    await answer(update, *text.constituency(seat, signed, where, is_told=is_told))


async def button_to(context: Context, seat: Constituency) -> Button:
    """Return a button to a constituency that names its parliament where there are several."""
    services = context.services
    site = await services.members.site_of(seat.ons_code, services.sites)
    return text.seat_button(seat, services.called().get(site or "", ""))


async def _signed(parliament: PetitionsApi, seat: Constituency) -> Sequence[Local] | None:
    try:
        return await parliament.local(seat.name, seat.ons_code)
    except (ParliamentError, MalformedPetition):
        return None


def named(seats: Mapping[str, Constituency], typed: str) -> list[Constituency]:
    """Return the constituencies that a code or a name means: that one, or those nearly named so."""
    code = typed.strip().upper()
    if _CODE.fullmatch(code):
        return [seats[code]] if code in seats else []
    return [seats[code] for code in meant(typed, _names(seats))[:MOST_NEAR]]


def nearest(seats: Mapping[str, Constituency], typed: str) -> list[Constituency]:
    """Return the constituencies whose names are spelt most like this."""
    return [seats[code] for code in near(typed, _names(seats))]


def _names(seats: Mapping[str, Constituency]) -> dict[str, list[str]]:
    return {code: [seat.name] for code, seat in seats.items()}


async def seat_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Show a constituency that was suggested, or the draft of a rule about one."""
    wanted, _, code = press.extra.rpartition(".")
    seats = await everywhere(context)
    site = await context.services.members.site_of(code, context.services.sites)
    if code not in seats or site is None:
        return old_button()
    if wanted == "show":
        await show(update, context, seats[code])
    else:
        await show_draft(update, context, about_seat(context, site, code))
    return None


COMMANDS = [
    Command(
        "constituency",
        "SW1A 1AA",
        marked("see petitions popular where you live"),
        constituency,
        needs=lambda site: site.has("constituencies") or site.has("parishes"),
    ),
]
HANDLERS = [*(command.handler for command in COMMANDS), on_press(SEAT, seat_pressed)]
