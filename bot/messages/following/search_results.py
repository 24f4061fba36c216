"""What a search found, and what is signed most right now: lists whose buttons open cards."""

from collections.abc import Sequence

from bot.messages.buttons import CARD, Button, Keyboard, button
from bot.messages.chat.conversation import nothing_found
from bot.messages.format import number
from bot.messages.i18n import say, tr
from bot.messages.message import Message, bold, compose, cut, italic, lines, row
from bot.messages.petition.parts import short_title, state_name
from bot.petitions.parse import Trending
from bot.petitions.petition import Petition

MOST = 10


def results(
    words: str,
    petitions: Sequence[Petition],
    has_more: bool,
    above: Sequence[Button] = (),
    below: Sequence[Button] = (),
) -> tuple[Message, Keyboard]:
    """What was found, in the order given: a line and a button each.

    `above` are topics and places of that name, `below` is what else can be done with the words.
    """
    around = [[each] for each in above], [[each] for each in below]
    if not petitions:
        message, keys = nothing_found(words)
        return message, [*around[0], *around[1], *keys]
    shown = petitions[:MOST]
    more = tr("There are more results. Add a word to narrow them down.") if has_more else None
    message = compose(
        *lines(
            row("🔎 ", bold(f"“{cut(words, 60)}”")),
            "",
            *(_line(petition) for petition in shown),
            *(("", italic(more)) if more else ()),
        )
    )
    rows = [[button(short_title(petition, 40), CARD, petition.ref)] for petition in shown]
    return message, [*around[0], *rows, *around[1]]


def _line(petition: Petition) -> str:
    state = "" if petition.is_open else f" · {state_name(petition)}"
    return f"{number(petition.signature_count)}{state}  {short_title(petition)}"


def trending(petitions: Sequence[Trending]) -> tuple[Message, Keyboard | None]:
    """What was signed most in the last hour; the figures are of that hour alone."""
    if not petitions:
        nothing = tr("No petitions are trending at the moment.")
        return compose(nothing), None
    rows = [
        f"+{number(p.signatures_last_hour)}  {cut(' '.join(p.action.split()), 60)}"
        for p in petitions[:MOST]
    ]
    message = compose(*lines(say("📈 <b>Most signatures in the last hour</b>"), "", *rows))
    buttons = [
        [button(cut(" ".join(p.action.split()), 40) or str(p.petition.id), CARD, p.petition)]
        for p in petitions[:MOST]
    ]
    return message, buttons
