"""Words what a chat was not told at once as one message: a line for each thing, oldest first."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

from bot.messages.alert import in_brief
from bot.messages.buttons import CARD, Keyboard, button
from bot.messages.format import clock, number
from bot.messages.i18n import many, marked, say, say_many, tr
from bot.messages.message import TEXT_LIMIT, Message, Rich, compose, italic, lines, link, row, width
from bot.messages.petition.parts import short_title
from bot.messages.reader import is_shared
from bot.petitions.events import (
    Closed,
    DebateCancelled,
    DebateMoved,
    DebateScheduled,
    Event,
    Occurrence,
    Removed,
    Reopened,
    Responded,
    ResponseWithdrawn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef
from bot.subscriptions.delivery import BATCH, DIGEST, FLOOD, QUIET, SNOOZE, TOGETHER

# Why it was not heard when it happened.
Occasion: TypeAlias = Literal["away", "quiet", "digest", "snooze", "burst", "together"]

_OCCASIONS: dict[str, Occasion] = {
    QUIET: "quiet",
    DIGEST: "digest",
    SNOOZE: "snooze",
    BATCH: "burst",
    FLOOD: "burst",
    TOGETHER: "together",
}
_BUTTONS = 10

_HEADS: dict[Occasion, str] = {
    "away": marked("🌅 <b>What you missed:</b> {things}."),
    "quiet": marked("🌅 <b>During your quiet hours:</b> {things}."),
    "digest": marked("📰 <b>Your digest:</b> {things}."),
    "snooze": marked("⏰ <b>Your snooze has ended:</b> {things}."),
    "burst": marked("📬 <b>Several updates at once:</b> {things}."),
    "together": marked("📬 <b>In the order it happened:</b> {things}."),
}
_HEADS_AMONG: dict[Occasion, str] = _HEADS | {
    "away": marked("🌅 <b>What this chat missed:</b> {things}."),
    "quiet": marked("🌅 <b>During this chat's quiet hours:</b> {things}."),
    "digest": marked("📰 <b>This chat's digest:</b> {things}."),
    "snooze": marked("⏰ <b>The snooze has ended:</b> {things}."),
}


class Missed(NamedTuple):
    """Something a chat was not told at once: it would have been one alert."""

    known: PetitionHistory
    occurrences: Sequence[Occurrence]


class Summary(NamedTuple):
    """A message with its buttons; `told` is how many of the things missed it tells."""

    message: Message
    buttons: Keyboard
    told: int


def occasion_of(queue: str) -> Occasion:
    """Return the occasion on which what waits in a queue is told."""
    return _OCCASIONS.get(queue.partition(":")[0], "away")


def summary(missed: Sequence[Missed], now: datetime, occasion: Occasion = "away") -> Summary:
    """Word what was missed, oldest first, as much of it as one message holds.

    The things of one petition stand together, where its first one would.
    """
    count = len(missed)
    message = _laid_out(missed, now, count, occasion)
    while width(message.text) > TEXT_LIMIT:
        count -= 1
        message = _laid_out(missed, now, count, occasion)
    return Summary(message, _buttons(missed[:count]), count)


def _laid_out(missed: Sequence[Missed], now: datetime, count: int, occasion: Occasion) -> Message:
    """Lay out the first `count` of the things, under a heading for the occasion."""
    by_petition: dict[PetitionRef, list[Missed]] = {}
    for each in missed[:count]:
        by_petition.setdefault(each.known.petition.ref, []).append(each)
    rows = (line for things in by_petition.values() for line in _of_one(things, now))
    return compose(*lines(_head(missed, count, occasion), *rows))


def _of_one(things: Sequence[Missed], now: datetime) -> Iterator[Rich]:
    """Yield a petition's title and, beneath it, the lines of what happened to it."""
    petition = things[-1].known.petition
    yield ""
    yield link(short_title(petition), petition.url)
    in_force = [
        each for place, each in enumerate(things) if not _is_overtaken(each, things[place + 1 :])
    ]
    for _, group in groupby(enumerate(in_force), key=_pairing(in_force)):
        yield _line([each for _, each in group], now)


def _head(missed: Sequence[Missed], count: int, occasion: Occasion) -> Rich:
    if occasion == "burst" and _all_closed(missed):
        closed = _closed(len({each.known.petition.ref for each in missed}))
        rest = tr("Here are the first {number}.", number=number(count))
        return closed if count == len(missed) else row(closed, " ", rest)
    heads = _HEADS_AMONG if is_shared() else _HEADS
    return say(heads[occasion], things=_things(len(missed), count))


def _closed(count: int) -> Rich:
    if is_shared():
        return say_many(
            "🏁 <b>{count} petition this chat follows has closed.</b>",
            "🏁 <b>{count} petitions this chat follows have closed.</b>",
            count,
        )
    return say_many(
        "🏁 <b>{count} petition you follow has closed.</b>",
        "🏁 <b>{count} petitions you follow have closed.</b>",
        count,
    )


def _all_closed(missed: Sequence[Missed]) -> bool:
    events = [occurrence.event for each in missed for occurrence in each.occurrences]
    return all(isinstance(event, Closed) for event in events)


def _things(all_: int, told: int) -> str:
    if told == all_:
        return many("{count} update", "{count} updates", all_)
    return many(
        "{count} update, here are the first {told}",
        "{count} updates, here are the first {told}",
        all_,
        told=number(told),
    )


_DEBATE_DATES = (DebateScheduled, DebateMoved, DebateCancelled)


def _is_overtaken(each: Missed, later: Sequence[Missed]) -> bool:
    """Return whether it tells only a debate's date, which later news has changed."""
    return isinstance(_event(each), _DEBATE_DATES) and any(
        isinstance(_event(other), _DEBATE_DATES) for other in later
    )


def _event(each: Missed) -> Event:
    return each.occurrences[0].event


def _pairing(in_force: Sequence[Missed]) -> Callable[[tuple[int, Missed]], int]:
    """Return a key by which consecutive things share a line: one, and what took it back next."""
    lines_of: list[int] = []
    for place, each in enumerate(in_force):
        last = in_force[place - 1] if place else None
        is_back = (
            last is not None
            and _undone(_event(last), _event(each))
            and lines_of.count(lines_of[-1]) == 1
        )
        lines_of.append(lines_of[-1] if is_back else place)
    return lambda placed: lines_of[placed[0]]


def _undone(event: Event, later: Event) -> bool:
    """Return whether the later event says that the earlier one holds no longer."""
    match event, later:
        case Removed(), Reopened(was="removed"):
            return True
        case ResponseWithdrawn(), Responded():
            return True
        case _:
            return False


def _line(things: Sequence[Missed], now: datetime) -> Rich:
    """Word in one line what happened and when; of two things, the second undid the first."""
    first, *rest = things
    at = clock(first.occurrences[0].at, now)
    if not rest:
        return row(italic(at), " ", in_brief(first.known, first.occurrences, now))
    back = clock(rest[0].occurrences[0].at, now)
    if isinstance(_event(first), Removed):
        return say("↩️ <b>Taken off the site:</b> {at}. Back: {back}.", at=at, back=back)
    return say("💬 <b>Response withdrawn:</b> {at}. Published again: {back}.", at=at, back=back)


def _buttons(missed: Sequence[Missed]) -> Keyboard:
    """Return buttons for the petitions' cards, those with the latest news if there are many."""
    latest: dict[PetitionRef, Petition] = {}
    for each in reversed(missed):
        latest.setdefault(each.known.petition.ref, each.known.petition)
    shown = reversed(list(latest.values())[:_BUTTONS])
    return [[button(short_title(p, 40), CARD, p.ref)] for p in shown]
