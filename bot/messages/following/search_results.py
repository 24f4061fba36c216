"""Words what a search found and what is signed most now, as lists whose buttons open cards."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.messages.buttons import CARD, Button, Keyboard, button
from bot.messages.chat.conversation import cancel_button, nothing_found
from bot.messages.format import listed, number
from bot.messages.i18n import many, tr
from bot.messages.message import Message, Rich, at_a_glance, bold, compose, cut, italic, lines, row
from bot.messages.petition.parts import count_in_list, short_title, state_name
from bot.petitions.parse import Trending
from bot.petitions.petition import Petition

MOST = 10


def results(
    words: str,
    petitions: Sequence[Petition],
    has_more: bool,
    above: Sequence[Button] = (),
    below: Sequence[Button] = (),
    *,
    called: Mapping[str, str] | None = None,
    silent: Sequence[str] = (),
) -> tuple[Message, Keyboard]:
    """List the petitions that were found, in the order given, a line and a button each.

    `above` are topics and places of that name, `below` is what else can be done with the words.
    Where there are several sites, `called` has their names by their ids; `silent` are those that
    gave no answer.
    """
    around = [[each] for each in above], [[each] for each in below]
    if not petitions:
        message, keys = nothing_found(words)
        return message, [*around[0], *around[1], *keys]
    shown = petitions[:MOST]
    more = tr("There are more results. Add a word to narrow them down.") if has_more else None

    def laid_out(most: int) -> Message:
        return compose(
            *lines(
                row("🔎 ", bold(f"“{cut(words, 60)}”")),
                "",
                *(_line(each, (called or {}).get(each.ref.site, ""), most) for each in shown),
                *(("", italic(more)) if more else ()),
                *(("", italic(_no_answer(silent))) if silent else ()),
            )
        )

    message = at_a_glance(laid_out)
    rows = [[button(short_title(petition, 40), CARD, petition.ref)] for petition in shown]
    return message, [*around[0], *rows, *around[1], [cancel_button()]]


def _line(petition: Petition, site: str, most: int) -> str:
    state = "" if petition.is_open else f" · {state_name(petition)}"
    where = f" · {site}" if site else ""
    return f"{count_in_list(petition, most)}{state}{where}  {short_title(petition, most)}"


def _no_answer(silent: Sequence[str]) -> str:
    return tr("No answer at the moment from: {sites}.", sites=listed(list(silent)))


class Busiest(NamedTuple):
    """The petitions that a site says are signed most in its last `hours`.

    `site` is its name, "" where there is but one.
    """

    petitions: Sequence[Trending]
    hours: int = 1
    site: str = ""


def trending(
    busiest: Sequence[Busiest], silent: Sequence[str] = ()
) -> tuple[Message, Keyboard | None]:
    """List what was signed most lately; the figures are of those hours alone."""
    told = [each for each in busiest if each.petitions]
    note = [italic(_no_answer(silent))] if silent else []
    if not told:
        return compose(*lines(tr("No petitions are trending at the moment."), *note)), None
    most = max(3, MOST // len(told))

    def laid_out(longest: int) -> Message:
        parts = [[_heading(each), "", *_rows(each.petitions[:most], longest), ""] for each in told]
        texts = [line for part in parts for line in part]
        return compose(*lines(*(texts if note else texts[:-1]), *note))

    rows = [
        [button(cut(_one_line(one.action), 40) or str(one.petition.id), CARD, one.petition)]
        for each in told
        for one in each.petitions[:most]
    ]
    return at_a_glance(laid_out), rows


def _heading(busiest: Busiest) -> Rich:
    heading = (
        tr("Most signatures in the last hour")
        if busiest.hours == 1
        else many(
            "Most signatures in the last {count} hour",
            "Most signatures in the last {count} hours",
            busiest.hours,
        )
    )
    return row("📈 ", bold(f"{busiest.site}: {heading}" if busiest.site else heading))


def _rows(petitions: Sequence[Trending], most: int) -> list[str]:
    return [
        f"+{number(each.signatures_lately)}  {cut(_one_line(each.action), most)}"
        for each in petitions
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())
