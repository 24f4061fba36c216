"""What leaves the chat: cards for other chats, and links that begin a subscription."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from bot.messages.buttons import Button, Keyboard, open_button, subscribe_link
from bot.messages.format import signatures
from bot.messages.i18n import many, say, tr
from bot.messages.message import Message, bold, code, compose, lines, row
from bot.messages.petition.card import card
from bot.messages.petition.parts import short_title, status_line, title
from bot.petitions.petition import Petition

_NAME = 60
COPY_LIMIT = 256  # characters that a button may copy


class InlineResult(NamedTuple):
    """What may be sent to a chat that the bot is no part of, and how it is offered."""

    id: str
    title: str
    message: Message
    description: str = ""
    buttons: Keyboard | None = None


def shared_card(
    petition: Petition, read_at: datetime, now: datetime, username: str
) -> InlineResult:
    """A petition's card as anybody may send it to any chat; its buttons are addresses only."""
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
    """Petitions of one number at several sites, each by the name that leads to it alone."""
    names = (row(code(each.id), "  ", each.title) for each in found)
    return compose(*lines(bold(tr("Which petition do you want to see?")), "", *names))


def share_offer(petition: Petition, username: str, *, inline: bool) -> tuple[Message, Keyboard]:
    """The ways to hand a petition on; a card can be sent from here where the bot is allowed to."""
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
    """To whoever mentions the bot in a chat that it is no part of, without naming a petition."""
    return compose(tr("Mention me with a petition's number or some words, and I'll show it here."))


def guest_result(message: Message) -> InlineResult:
    """A plain answer in a chat that the bot is no part of."""
    return InlineResult("answer", tr("Petition Bell"), message)
