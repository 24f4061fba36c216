"""Words what leaves the chat: cards for others, links that subscribe, calendar files."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.messages.buttons import Button, CalendarDate, Keyboard, open_button, subscribe_link
from bot.messages.format import signatures
from bot.messages.i18n import many, say, tr
from bot.messages.message import Message, bold, code, compose, lines, row
from bot.messages.petition.card import card
from bot.messages.petition.parts import short_title, status_line, title
from bot.petitions.forecast import closes_at
from bot.petitions.petition import Petition

_NAME = 60
COPY_LIMIT = 256  # characters that a button may copy


class InlineResult(NamedTuple):
    """A message that may be sent to a chat that the bot is no part of, and how it is offered."""

    id: str
    title: str
    message: Message
    description: str = ""
    buttons: Keyboard | None = None


def shared_card(
    petition: Petition, read_at: datetime, now: datetime, username: str
) -> InlineResult:
    """Word a petition's card as anybody may send it to any chat; its buttons are addresses only."""
    status = status_line(petition, now)
    signed = many("{count} signature", "{count} signatures", petition.signature_count)
    follow = Button(tr("Follow"), url=subscribe_link(username, petition.ref))
    return InlineResult(
        str(petition.ref),
        short_title(petition, _NAME),
        card(petition, read_at, now),
        status if petition.is_unpublished else f"{signed} · {status}",
        [[follow, open_button(petition)]],
    )


def which_number(found: Sequence[InlineResult]) -> Message:
    """Ask which of the petitions of one number is meant, each by a name that leads to it alone."""
    names = (row(code(each.id), "  ", each.title) for each in found)
    return compose(*lines(bold(tr("Which petition do you want to see?")), "", *names))


def share_offer(petition: Petition, username: str, *, inline: bool) -> tuple[Message, Keyboard]:
    """Word the ways to hand a petition on; `inline` if its card may be sent from here."""
    bell = subscribe_link(username, petition.ref)
    message = compose(
        *lines(
            say("📤 Share {title}", title=title(petition)),
            _signed(petition),
            "",
            say("Anyone can follow it with this link: {link}", link=bell),
        )
    )
    rows = [
        [Button(tr("Copy petition link"), copy=petition.url[:COPY_LIMIT])],
        [Button(tr("Copy follow link"), copy=bell)],
    ]
    if inline:
        rows.append([Button(tr("Send to chat…"), share=str(petition.ref))])
    return message, rows


def _signed(petition: Petition) -> str | None:
    if petition.is_unpublished:
        return None
    count = petition.signature_count
    if petition.is_open:
        return many("{count} signature so far.", "{count} signatures so far.", count)
    return f"{signatures(count)}."


def guest_help() -> Message:
    """Answer a mention, without a petition, in a chat that the bot is no part of."""
    return compose(tr("Mention me with a petition's number or some words, and I'll show it here."))


def guest_result(message: Message) -> InlineResult:
    """Return a plain answer in a chat that the bot is no part of."""
    return InlineResult("answer", tr("Petition Bell"), message)


_TITLE = 120


def calendar_file(petition: Petition, what: CalendarDate, now: datetime) -> bytes | None:
    """Return the debate's day or the moment it closes as iCalendar; None if it has no such date.

    A debate has a day and no hour. The moment of closing is told in UTC, so that it is right in
    every zone and whenever the clocks change.
    """
    from icalendar import Calendar, Event  # noqa: PLC0415 - few ask, and it is large

    name = short_title(petition, _TITLE)
    event = Event()
    if what == "debate":
        if petition.scheduled_debate_date is None:
            return None
        event.add("summary", tr("Debate: {title}", title=name))
        event.add("dtstart", petition.scheduled_debate_date)
        event.add("dtend", petition.scheduled_debate_date + timedelta(days=1))
    else:
        moment = closes_at(petition)
        if moment is None:
            return None
        event.add("summary", tr("Last chance to sign: {title}", title=name))
        event.add("dtstart", moment)
        event.add("dtend", moment)
    # The same for whoever adds it twice, so that a date that was moved takes the other's place.
    event.add("uid", f"{petition.ref.site}-{petition.ref.id}-{what}@petition-bell")
    event.add("dtstamp", now)
    event.add("sequence", int(now.timestamp()) // 60)
    event.add("url", petition.url)
    event.add("transp", "TRANSPARENT")
    calendar = Calendar()
    calendar.add("prodid", "-//Petition Bell//petition-bell//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
