"""What a chat did not hear when it happened: one message, a line for each thing, oldest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from telegram import InlineKeyboardMarkup

from bot.petitions.model import Closed, Known, Occurrence, Petition, PetitionRef
from bot.text.alert import alert
from bot.text.buttons import CARD, button
from bot.text.figures import in_words, number
from bot.text.language import many, marked, say, say_many, tr
from bot.text.petition import short_title
from bot.text.rich import TEXT_LIMIT, Message, Rich, compose, cut, lines, link, row, width

# Why it was not heard when it happened.
Occasion: TypeAlias = Literal["away", "quiet", "digest", "snooze", "burst"]

_HEADLINE = 160
_BUTTONS = 10

_HEADS: dict[Occasion, str] = {
    "away": marked("🌅 <b>While you were away</b> — {things}."),
    "quiet": marked("🌅 <b>While it was quiet</b> — {things}."),
    "digest": marked("📰 <b>Your digest</b> — {things}."),
    "snooze": marked("⏰ <b>Your snooze is over</b> — {things}."),
    "burst": marked("📬 <b>A lot at once</b> — {things}."),
}


class Missed(NamedTuple):
    """Something a chat was not told: what would have been one alert."""

    known: Known
    occurrences: Sequence[Occurrence]


class Summary(NamedTuple):
    """The message, its buttons, and how many of the things missed it tells."""

    message: Message
    buttons: InlineKeyboardMarkup
    told: int


def occasion_of(lane: str) -> Occasion:
    """Why what waits in a lane was not heard at once."""
    match lane.partition(":")[0]:
        case "quiet":
            return "quiet"
        case "digest":
            return "digest"
        case "snooze":
            return "snooze"
        case "gathered" | "flood":
            return "burst"
        case _:
            return "away"


def summary(missed: Sequence[Missed], now: datetime, occasion: Occasion = "away") -> Summary:
    """Tell what was missed, oldest first, as much of it as one message holds.

    The things of one petition stand together, where its first one would.
    """
    told = [_line(each, now) for each in missed]
    count = len(missed)
    message = _laid_out(missed, told, count, occasion)
    while width(message.text) > TEXT_LIMIT:
        count -= 1
        message = _laid_out(missed, told, count, occasion)
    return Summary(message, _buttons(missed[:count]), count)


def _laid_out(
    missed: Sequence[Missed], told: Sequence[str], count: int, occasion: Occasion
) -> Message:
    """The first `count` of the things, under what they have in common."""
    by_petition: dict[PetitionRef, list[Rich]] = {}
    for each, line in zip(missed[:count], told, strict=False):
        petition = each.known.petition
        head = link(short_title(petition), petition.url)
        by_petition.setdefault(petition.ref, ["", head]).append(line)
    rows = (line for each in by_petition.values() for line in each)
    return compose(*lines(_head(missed, count, occasion), *rows))


def _head(missed: Sequence[Missed], count: int, occasion: Occasion) -> Rich:
    if occasion == "burst" and _all_closed(missed):
        closed = say_many(
            "🏁 <b>{count} petition that you follow closed.</b>",
            "🏁 <b>{count} of your petitions closed.</b>",
            len({each.known.petition.ref for each in missed}),
        )
        rest = tr("The first {number} of them are here.", number=number(count))
        return closed if count == len(missed) else row(closed, " ", rest)
    return say(_HEADS[occasion], things=_things(len(missed), count))


def _all_closed(missed: Sequence[Missed]) -> bool:
    events = [occurrence.event for each in missed for occurrence in each.occurrences]
    return all(isinstance(event, Closed) for event in events)


def _things(all_: int, told: int) -> str:
    if told == all_:
        return many("{count} thing", "{count} things", all_, count=in_words(all_))
    return many(
        "{count} thing, the first {told} of them here",
        "{count} things, the first {told} of them here",
        all_,
        count=in_words(all_),
        told=number(told),
    )


def _line(each: Missed, now: datetime) -> str:
    message, _ = alert(each.known, each.occurrences, now, muted=False)
    return cut(message.text.partition("\n")[0], _HEADLINE)


def _buttons(missed: Sequence[Missed]) -> InlineKeyboardMarkup:
    """The cards of the petitions in question, those that moved last if there are many."""
    latest: dict[PetitionRef, Petition] = {}
    for each in reversed(missed):
        latest.setdefault(each.known.petition.ref, each.known.petition)
    shown = reversed(list(latest.values())[:_BUTTONS])
    return InlineKeyboardMarkup([[button(short_title(p, 40), CARD, p.ref)] for p in shown])
