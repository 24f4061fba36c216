"""What the bot says about subscriptions: begun, ended, muted, listed."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.petitions.model import Petition, Subscription
from bot.text.buttons import CARD, PAGE, alert_row, button, undo_buttons
from bot.text.figures import counted, day, number
from bot.text.petition import short_title, status_line, title
from bot.text.rich import Message, bold, compose, italic, lines, row

PAGE_SIZE = 8


class Followed(NamedTuple):
    """A subscription with what is known of its petition."""

    subscription: Subscription
    petition: Petition


def subscribed(followed: Followed, now: datetime) -> tuple[Message, InlineKeyboardMarkup]:
    """A subscription began: what is followed, where it stands, and what will be heard."""
    petition, subscription = followed.petition, followed.subscription
    message = compose(
        *lines(
            row("✅ You'll hear about ", title(petition)),
            f"{number(petition.signature_count)} signatures · {status_line(petition, now)}",
            _promise(petition),
        )
    )
    return message, InlineKeyboardMarkup([alert_row(petition, subscription.muted)])


def _promise(petition: Petition) -> str:
    if petition.is_open:
        return "Milestones, the response, the debate and the closing: each once, when it happens."
    if petition.is_over:
        return "Its signing is over; I tell you of the response, the debate and what follows."
    return "It is not open; I tell you if that changes."


def already_subscribed(followed: Followed) -> tuple[Message, InlineKeyboardMarkup]:
    """Nothing new began."""
    petition, subscription = followed.petition, followed.subscription
    since = f"You follow this one since {day(subscription.created_at)}."
    buttons = InlineKeyboardMarkup([alert_row(petition, subscription.muted)])
    return compose(*lines(since, title(petition))), buttons


def unsubscribed(followed: Followed) -> tuple[Message, InlineKeyboardMarkup]:
    """A subscription ended, and can be had back."""
    message = compose("You no longer follow ", title(followed.petition), ".")
    return message, undo_buttons(followed.subscription)


def muted(petition: Petition, is_muted: bool) -> str:
    """The short answer to pressing Mute or Unmute."""
    name = short_title(petition, 80)
    if is_muted:
        return f"Muted: alerts about “{name}” still arrive, without a sound."
    return f"Unmuted: alerts about “{name}” ring again."


def not_following() -> str:
    """The short answer to a button of a subscription that has ended."""
    return "You don't follow this petition."


def listing(
    followed: Sequence[Followed], page: int, now: datetime
) -> tuple[Message, InlineKeyboardMarkup | None]:
    """A page of what a chat follows, a button for each petition."""
    if not followed:
        return nothing_followed(), None
    pages = -(-len(followed) // PAGE_SIZE)
    page = min(max(page, 0), pages - 1)
    shown = followed[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    position = f" (page {page + 1} of {pages})" if pages > 1 else ""
    heading = f"You follow {counted(len(followed), 'petition')}{position}"
    message = compose(*lines(bold(heading), "", *(_line(entry, now) for entry in shown)))
    rows = [[button(short_title(entry.petition, 40), CARD, entry.petition.ref)] for entry in shown]
    return message, InlineKeyboardMarkup(rows + _page_row(page, pages))


def _line(entry: Followed, now: datetime) -> str:
    count = number(entry.petition.signature_count)
    quiet = " · muted" if entry.subscription.muted else ""
    name = short_title(entry.petition)
    return f"{count}  {name}\n{status_line(entry.petition, now)}{quiet}\n"


def _page_row(page: int, pages: int) -> list[list[InlineKeyboardButton]]:
    newer = [button("‹ Newer", PAGE, extra=str(page - 1))] if page > 0 else []
    older = [button("Older ›", PAGE, extra=str(page + 1))] if page < pages - 1 else []
    return [newer + older] if newer or older else []


def nothing_followed() -> Message:
    """An empty list, and how to fill it."""
    return compose(
        "You follow no petition yet. Send me a petition's link or its number, or\n",
        "/subscribe 300239",
    )


def which_petition(command: str) -> Message:
    """A command came without saying which petition it is about."""
    return compose(
        *lines(
            "Which petition? Send its number or its link with the command, like this:",
            f"/{command} 300239",
            italic("The number is in the address of the petition's page."),
        )
    )
