"""What a search found, and what is signed most right now: lists whose buttons open cards."""

from collections.abc import Sequence

from telegram import InlineKeyboardMarkup

from bot.messages.buttons import CARD, button, search_button
from bot.messages.format import number
from bot.messages.i18n import say, tr
from bot.messages.message import Message, bold, compose, cut, italic, lines, row
from bot.messages.petition.parts import short_title, state_name
from bot.petitions.parse import Trending
from bot.petitions.petition import Petition

MOST = 10


def results(
    words: str, petitions: Sequence[Petition], has_more: bool
) -> tuple[Message, InlineKeyboardMarkup | None]:
    """What was found, in the order given: a line and a button each."""
    if not petitions:
        return nothing_found(words), None
    shown = petitions[:MOST]
    more = tr("There are more; another word narrows it down.") if has_more else None
    message = compose(
        *lines(
            row("🔎 ", bold(f"“{cut(words, 60)}”")),
            "",
            *(_line(petition) for petition in shown),
            *(("", italic(more)) if more else ()),
        )
    )
    rows = [[button(short_title(petition, 40), CARD, petition.ref)] for petition in shown]
    return message, InlineKeyboardMarkup(rows)


def _line(petition: Petition) -> str:
    state = "" if petition.is_open else f" · {state_name(petition)}"
    return f"{number(petition.signature_count)}{state}  {short_title(petition)}"


def nothing_found(words: str) -> Message:
    """No petition has these words."""
    return compose(
        *lines(
            tr("I find no petition with “{words}”.", words=cut(words, 60)),
            tr("Fewer or other words may help; so does the number or the link."),
        )
    )


def what_to_search() -> Message:
    """A search without words."""
    return compose(*lines(tr("Search for what? Like this:"), tr("/search free school meals")))


def trending(petitions: Sequence[Trending]) -> tuple[Message, InlineKeyboardMarkup | None]:
    """What was signed most in the last hour; the figures are of that hour alone."""
    if not petitions:
        nothing = tr("Nothing stands out: the site lists no petition for the last hour.")
        return compose(nothing), None
    rows = [
        f"+{number(p.signatures_last_hour)}  {cut(' '.join(p.action.split()), 60)}"
        for p in petitions[:MOST]
    ]
    message = compose(*lines(say("📈 <b>Signed most in the last hour</b>"), "", *rows))
    buttons = [
        [button(cut(" ".join(p.action.split()), 40) or str(p.petition.id), CARD, p.petition)]
        for p in petitions[:MOST]
    ]
    return message, InlineKeyboardMarkup(buttons)


def search_offer(words: str) -> InlineKeyboardMarkup | None:
    """The button that searches for what was typed, if there is anything to search for."""
    return InlineKeyboardMarkup([[search_button(words)]]) if words.strip(" |\n") else None
