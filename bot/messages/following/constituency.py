"""Words a constituency: who sits for it, and what is signed most there."""

from collections.abc import Sequence

from bot.messages.buttons import CARD, SEAT, Button, Keyboard, button
from bot.messages.chat.conversation import cancel_button
from bot.messages.format import number
from bot.messages.i18n import say, tr
from bot.messages.message import Message, at_a_glance, code, compose, cut, lines, row
from bot.messages.petition.constituencies import display_name
from bot.petitions.parse_places import Constituency, Local

TOP = 10
_CARDS = 5


def constituency(
    seat: Constituency, petitions: Sequence[Local] | None, where: str = "", *, is_told: bool = True
) -> tuple[Message, Keyboard]:
    """Word a constituency, its members, and its petitions, None if those are not known now.

    `where` names its parliament, where there are several; `is_told` says whether its site ever
    tells what is signed there.
    """
    heading = say("📍 <b>{name}</b>", name=cut(seat.name, 80))

    def laid_out(most: int) -> Message:
        return compose(
            *lines(
                row(heading, f" · {where}") if where else heading,
                *_holders(seat),
                *(("", *_petitions(petitions, most)) if is_told else ()),
            )
        )

    rows = [
        [button(cut(_one_line(each.action), 40) or str(each.petition.id), CARD, each.petition)]
        for each in (petitions or ())[:_CARDS]
    ]
    follow = button(tr("Follow this constituency"), SEAT, extra=seat.ons_code)
    return at_a_glance(laid_out), [*rows, *([[follow]] if seat.is_elected else [])]


def _holders(seat: Constituency) -> list[str]:
    """Return lines that name who sits for it, and for the region around it."""
    if not seat.is_elected:
        return []
    if seat.mp:
        held = [_person(seat.mp, seat.party)]
    elif seat.members:
        held = [_person(each.name, each.party) for each in seat.members]
    else:
        held = [tr("Nobody represents this constituency at the moment.")]
    if not seat.region_members:
        return held
    around = tr("For the region {region}:", region=cut(seat.region, 60))
    return [*held, "", around, *(_person(each.name, each.party) for each in seat.region_members)]


def _person(name: str, party: str) -> str:
    person = cut(display_name(name), 60)
    return f"{person}, {cut(party, 40)}" if party else person


def _petitions(petitions: Sequence[Local] | None, most: int) -> list[str]:
    if petitions is None:
        return [
            tr(
                "I can't see which petitions have most signatures there at the moment. Please "
                "try again in a few minutes."
            )
        ]
    if not petitions:
        return [tr("No open petitions have signatures from there yet.")]
    shown = petitions[:TOP]
    return [
        tr("Petitions with most signatures there:"),
        *(f"{number(each.here)}  {cut(_one_line(each.action), most)}" for each in shown),
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def seat_button(seat: Constituency, where: str = "") -> Button:
    """Return a button to a constituency; `where` names its parliament, where there are several."""
    name = f"{seat.name} · {where}" if where else seat.name
    return button(cut(f"📍 {name}", 60), SEAT, extra=f"show.{seat.ons_code}")


def unknown_postcode() -> Message:
    """Word that there is no such postcode."""
    return compose(
        say(
            "I can't find that postcode. Check it, or try a name: {command}",
            command=code("/constituency Huddersfield"),
        )
    )


def postcode_without_seat() -> Message:
    """Word that a postcode is in no constituency, as in the Channel Islands."""
    return compose(tr("That postcode isn't in any constituency."))


def no_seat_listed() -> Message:
    """Word that no site that is watched lists a constituency of the postcode."""
    return compose(
        tr("None of the petitions sites I check lists a constituency for that postcode.")
    )


def name_a_parish() -> Message:
    """Word that a parish, by which petitions are signed there, has to be named."""
    return compose(
        say(
            "I can't look up a parish by postcode. Try its name: {command}",
            command=code("/constituency St. Helier"),
        )
    )


def postcodes_unavailable() -> Message:
    """Word that the service that knows postcodes does not answer."""
    return compose(
        say(
            "I can't look up postcodes at the moment. Try a name instead: {command}",
            command=code("/constituency Huddersfield"),
        )
    )


def parishes_unavailable() -> Message:
    """Word that the list of parishes cannot be had now."""
    return compose(
        tr("I can't get the list of parishes at the moment. Please try again in a few minutes.")
    )


def constituencies_unavailable() -> Message:
    """Word that the list of constituencies cannot be had now."""
    return compose(
        tr(
            "I can't get the list of constituencies at the moment. Please try again "
            "in a few minutes."
        )
    )


def no_such_seat(
    typed: str, near: Sequence[Button], *, only_parishes: bool = False
) -> tuple[Message, Keyboard | None]:
    """Word that no constituency, or parish, has that name, with the near ones as buttons."""
    name = cut(typed, 60)
    sorry = (
        tr("I can't find a parish called “{name}”.", name=name)
        if only_parishes
        else tr("I can't find a constituency called “{name}”.", name=name)
    )
    if not near and only_parishes:
        return compose(sorry), None
    if not near:
        return compose(
            *lines(
                sorry,
                say(
                    "You can also use a postcode: {command}", command=code("/constituency SW1A 1AA")
                ),
            )
        ), None
    rows = [[each] for each in near]
    return compose(row(sorry, " ", tr("Did you mean one of these?"))), [*rows, [cancel_button()]]
