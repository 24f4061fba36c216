"""What a chat missed while it was away: one message, a line for each thing, oldest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from telegram import InlineKeyboardMarkup

from bot.petitions.model import Known, Occurrence, Petition, PetitionRef
from bot.text.alert import alert
from bot.text.buttons import CARD, button
from bot.text.figures import counted
from bot.text.petition import short_title
from bot.text.rich import TEXT_LIMIT, Message, Rich, bold, compose, cut, lines, link, row, width

_HEADLINE = 160
_BUTTONS = 10


class Missed(NamedTuple):
    """Something a chat was not told: what would have been one alert."""

    known: Known
    occurrences: Sequence[Occurrence]


class Summary(NamedTuple):
    """The message, its buttons, and how many of the things missed it tells."""

    message: Message
    buttons: InlineKeyboardMarkup
    told: int


def summary(missed: Sequence[Missed], now: datetime) -> Summary:
    """Tell what was missed, oldest first, as much of it as one message holds."""
    rows = [_line(each, now) for each in missed]
    told = len(rows)
    message = _laid_out(rows, told)
    while width(message.text) > TEXT_LIMIT:
        told -= 1
        message = _laid_out(rows[:told], len(rows))
    return Summary(message, _buttons(missed[:told]), told)


def _laid_out(rows: Sequence[Rich], things: int) -> Message:
    more = "" if len(rows) == things else f", the first {len(rows)} of them here"
    head = row("🌅 ", bold("While you were away"), f" — {counted(things, 'thing')}{more}.")
    return compose(*lines(head, *(line for each in rows for line in ("", each))))


def _line(each: Missed, now: datetime) -> Rich:
    message, _ = alert(each.known, each.occurrences, now, muted=False)
    headline = cut(message.text.partition("\n")[0], _HEADLINE)
    petition = each.known.petition
    return row(headline, "\n", link(short_title(petition), petition.url))


def _buttons(missed: Sequence[Missed]) -> InlineKeyboardMarkup:
    """The cards of the petitions in question, those that moved last if there are many."""
    latest: dict[PetitionRef, Petition] = {}
    for each in reversed(missed):
        latest.setdefault(each.known.petition.ref, each.known.petition)
    shown = reversed(list(latest.values())[:_BUTTONS])
    return InlineKeyboardMarkup([[button(short_title(p, 40), CARD, p.ref)] for p in shown])
