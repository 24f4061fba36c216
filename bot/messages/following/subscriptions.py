"""What the bot says about subscriptions: begun, ended, muted, listed."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity

from bot.messages.buttons import CARD, PAGE, SUBSCRIBE, button, follower_rows, undo_buttons
from bot.messages.format import day, in_words, number, signatures
from bot.messages.i18n import many, marked, say, tr
from bot.messages.message import Message, Rich, bold, compose, joined, lines
from bot.messages.petition.parts import short_title, status_line, title
from bot.petitions.petition import Petition, PetitionRef
from bot.petitions.thresholds import is_reached, thresholds
from bot.subscriptions.codec import preferences_for_link
from bot.subscriptions.subscription import Preferences, Subscription

PAGE_SIZE = 8
_CARRIER = re.compile(r"#t_([\w-]+)$", re.ASCII)


class Followed(NamedTuple):
    """A subscription with what is known of its petition."""

    subscription: Subscription
    petition: Petition


def subscribed(followed: Followed, now: datetime) -> tuple[Message, InlineKeyboardMarkup]:
    """A subscription began: what is followed, where it stands, and what will be heard."""
    petition, subscription = followed.petition, followed.subscription
    message = compose(
        *lines(
            say("✅ You'll hear about {title}", title=title(petition)),
            _stands(petition, now),
            _promise(petition),
        )
    )
    return message, InlineKeyboardMarkup(follower_rows(petition, subscription.muted))


def _stands(petition: Petition, now: datetime) -> str:
    status = status_line(petition, now)
    if petition.is_unpublished:
        return status
    return f"{signatures(petition.signature_count)} · {status}"


def _promise(petition: Petition) -> str:
    """What can still happen to it, and so what will be told."""
    match petition.state:
        case "gathering_support" | "moderation":
            return tr("I'll tell you when it opens for signatures or is rejected.")
        case "hidden":
            return tr("I'll tell you if it opens for signatures.")
        case "stopped":
            return tr("It will not open for signatures.")
        case "rejected" if not petition.archived:
            return tr("I'll tell you if it is allowed after all.")
    if petition.archived:
        return tr(
            "It is from a past parliament, which can do no more about it. "
            "I'll tell you should its page change."
        )
    if petition.is_cut_short:
        return tr(
            "It closed before its closing date, so a response or a debate may not come any more. "
            "I'll tell you should its page change."
        )
    has_response = petition.government_response is not None
    has_debate = petition.debate is not None
    if petition.is_open:
        return tr(_WHILE_OPEN[has_response, has_debate])
    if not petition.is_over:
        return tr("It is not open; I tell you if that changes.")
    earned = {kind for n, kind in thresholds(petition).items() if is_reached(petition, n, kind)}
    awaits_debate = "debate" in earned or petition.scheduled_debate_date is not None
    if has_debate:
        return tr(_DEBATED[has_response])
    if awaits_debate:
        return tr(_AWAITS_DEBATE[has_response])
    if not has_response and "response" not in earned:
        return tr(
            "Its signing is over, and it reached no threshold, so nothing is due. "
            "I'll tell you if a response or a debate comes all the same."
        )
    return tr(_AWAITS_NO_DEBATE[has_response])


# By whether there is a response, and an outcome of the debate.
_WHILE_OPEN = {
    (False, False): marked(
        "Milestones, the response, the debate and the closing: each once, when it happens."
    ),
    (True, False): marked(
        "Milestones, the debate and the closing: each once, when it happens. "
        "The response is here already; I'll tell you if it changes."
    ),
    (False, True): marked(
        "Milestones, the response and the closing: each once, when it happens. "
        "Whether it is debated is settled already."
    ),
    (True, True): marked(
        "Milestones and the closing: each once, when it happens. The response is here and whether "
        "it is debated is settled; I'll tell you if more is published."
    ),
}
# Once signing is over, by whether there is a response.
_DEBATED = {
    False: marked(
        "Its signing is over and whether it is debated is settled. "
        "I'll tell you of a response and of what follows."
    ),
    True: marked(
        "Its signing is over, the response is here and whether it is debated is settled. "
        "I'll tell you if the response changes or more is published."
    ),
}
_AWAITS_DEBATE = {
    False: marked(
        "Its signing is over; I'll tell you of the response, the debate and what follows."
    ),
    True: marked(
        "Its signing is over and the response is here. "
        "I'll tell you of the debate, and if the response changes."
    ),
}
_AWAITS_NO_DEBATE = {
    False: marked(
        "Its signing is over; I'll tell you of the response, and of a debate if there is one."
    ),
    True: marked(
        "Its signing is over and the response is here. "
        "I'll tell you if it changes, or if a debate is set."
    ),
}


def already_subscribed(
    followed: Followed, *, is_elsewhere: bool = False
) -> tuple[Message, InlineKeyboardMarkup]:
    """Nothing new began; a forum may hear of it in another topic than the one it was said in."""
    petition, subscription = followed.petition, followed.subscription
    since = tr("You follow this one since {day}.", day=day(subscription.created_at))
    buttons = InlineKeyboardMarkup(follower_rows(petition, subscription.muted))
    where = (
        tr("Its alerts come in another topic. To have them here, unsubscribe and subscribe here.")
        if is_elsewhere
        else None
    )
    return compose(*lines(since, title(petition), where)), buttons


def no_room(most: int) -> Message:
    """The chat follows as many petitions as it may."""
    return compose(
        *lines(
            many(
                "This chat follows {count} petition; there is no room for another.",
                "This chat follows {count} petitions; there is no room for another.",
                most,
            ),
            tr("Unsubscribe from one to make room: /subscriptions"),
        )
    )


def unsubscribed(followed: Followed) -> tuple[Message, InlineKeyboardMarkup]:
    """A subscription ended, and can be had back: the message carries its terms, if it had any."""
    terms = followed.subscription.terms
    carrying = "" if terms == Preferences() else f"t_{preferences_for_link(terms)}"
    ended = say("You no longer follow {title}.", title=title(followed.petition, carrying))
    return compose(ended), undo_buttons(followed.subscription)


def own_preferences_in(entities: Sequence[MessageEntity]) -> str | None:
    """What the news that a subscription ended carries in its title's link, if anything."""
    found = (_CARRIER.search(entity.url or "") for entity in entities)
    return next((match[1] for match in found if match), None)


def muted(petition: Petition, is_muted: bool) -> str:
    """The short answer to pressing Mute or Unmute."""
    name = short_title(petition, 80)
    if is_muted:
        return tr("Muted: alerts about “{title}” still arrive, without a sound.", title=name)
    return tr("Unmuted: alerts about “{title}” ring again.", title=name)


def not_following() -> str:
    """The short answer to a button of a subscription that has ended."""
    return tr("You don't follow this petition.")


def listing(
    followed: Sequence[Followed],
    page: int,
    now: datetime,
    rules: Sequence[tuple[Rich, InlineKeyboardButton]] = (),
) -> tuple[Message, InlineKeyboardMarkup | None]:
    """A page of what a chat follows, a button for each petition; before the first, its rules."""
    if not followed and not rules:
        return nothing_followed(), None
    if page > 0 or not rules:
        return _petitions(followed, page, now)
    count = in_words(len(rules))
    heading = bold(
        many("You follow {count} rule", "You follow {count} rules", len(rules), count=count)
    )
    message = compose(*lines(heading, "", *(line for line, _ in rules)))
    rows = [[key] for _, key in rules]
    if not followed:
        return message, InlineKeyboardMarkup(rows)
    below, keys = _petitions(followed, page, now)
    return joined(message, compose("\n\n"), below), InlineKeyboardMarkup(
        [*rows, *keys.inline_keyboard]
    )


def _petitions(
    followed: Sequence[Followed], page: int, now: datetime
) -> tuple[Message, InlineKeyboardMarkup]:
    pages = max(1, -(-len(followed) // PAGE_SIZE))
    page = min(max(page, 0), pages - 1)
    shown = followed[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    heading = bold(_heading(len(followed), page, pages))
    message = compose(*lines(heading, "", *(_line(entry, now) for entry in shown)))
    rows = [[button(short_title(entry.petition, 40), CARD, entry.petition.ref)] for entry in shown]
    return message, InlineKeyboardMarkup(rows + _page_row(page, pages))


def _heading(count: int, page: int, pages: int) -> str:
    if pages == 1:
        return many(
            "You follow {count} petition",
            "You follow {count} petitions",
            count,
            count=in_words(count),
        )
    return many(
        "You follow {count} petition (page {page} of {pages})",
        "You follow {count} petitions (page {page} of {pages})",
        count,
        count=in_words(count),
        page=page + 1,
        pages=pages,
    )


def _line(entry: Followed, now: datetime) -> str:
    count = number(entry.petition.signature_count)
    start = "" if entry.petition.is_unpublished else f"{count}  "
    parts = [status_line(entry.petition, now)]
    if entry.subscription.muted:
        parts.append(tr("muted"))
    return f"{start}{short_title(entry.petition)}\n{' · '.join(parts)}\n"


def _page_row(page: int, pages: int) -> list[list[InlineKeyboardButton]]:
    newer = [button(tr("‹ Newer"), PAGE, extra=str(page - 1))] if page > 0 else []
    older = [button(tr("Older ›"), PAGE, extra=str(page + 1))] if page < pages - 1 else []
    return [newer + older] if newer or older else []


def nothing_followed() -> Message:
    """An empty list, and how to fill it."""
    return compose(
        *lines(
            tr("You follow no petition yet. Send me a petition's link or its number, or"),
            "/subscribe 300239",
        )
    )


def follow_first(petition: PetitionRef) -> tuple[Message, InlineKeyboardMarkup]:
    """What is not followed has no settings; a button changes that."""
    subscribe = button(tr("Subscribe"), SUBSCRIBE, petition)
    return compose(not_following()), InlineKeyboardMarkup([[subscribe]])
