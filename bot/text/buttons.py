"""The buttons beneath messages, and what their presses carry.

A press carries `verb|petition|extra` in at most 64 bytes. Alerts and handlers both use these
functions, so no button can be made that no handler reads.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple, Self

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import InlineKeyboardButtonLimit

from bot.petitions.model import Petition, PetitionRef, Subscription

SUBSCRIBE, UNSUBSCRIBE, UNDO = "sub", "unsub", "undo"
MUTE, UNMUTE = "mute", "unmute"
RESPONSE, CONSTITUENCIES, CHART, MAP, MILESTONES = "resp", "where", "chart", "map", "miles"
SEARCH = "find"
CARD, PAGE, CONSENT, FORGET, PRIVACY = "card", "page", "consent", "forget", "privacy"


class Press(NamedTuple):
    """What pressing a button asks for."""

    verb: str
    petition: PetitionRef | None = None
    extra: str = ""

    @property
    def data(self) -> str:
        """As Telegram carries it."""
        return f"{self.verb}|{self.petition or ''}|{self.extra}"

    @classmethod
    def read(cls, data: str) -> Self:
        """The press a button's data stands for; ValueError for anything we did not write."""
        verb, name, extra = data.split("|")
        return cls(verb, PetitionRef.parse(name) if name else None, extra)


def button(
    text: str, verb: str, petition: PetitionRef | None = None, extra: str = ""
) -> InlineKeyboardButton:
    """A button that presses `verb`."""
    data = Press(verb, petition, extra).data
    if len(data.encode()) > InlineKeyboardButtonLimit.MAX_CALLBACK_DATA:
        raise ValueError(f"too long for a button: {data}")
    return InlineKeyboardButton(text, callback_data=data)


def open_button(petition: Petition) -> InlineKeyboardButton:
    """Leads to the petition's own page."""
    return InlineKeyboardButton("Open", url=petition.url)


def mute_button(petition: PetitionRef, muted: bool) -> InlineKeyboardButton:
    """Turns the sound of a petition's alerts off, or on again."""
    return button("Unmute", UNMUTE, petition) if muted else button("Mute", MUTE, petition)


def card_buttons(petition: Petition, subscription: Subscription | None) -> InlineKeyboardMarkup:
    """Beneath a card: all there is to see of a petition, and what the reader can do with it."""
    if subscription is None:
        last = [button("Subscribe", SUBSCRIBE, petition.ref), open_button(petition)]
    else:
        last = alert_row(petition, subscription.muted)
    if petition.state == "rejected":
        return InlineKeyboardMarkup([last])
    ref = petition.ref
    told = [button("Response", RESPONSE, ref), button("Constituencies", CONSTITUENCIES, ref)]
    drawn = [
        button("Chart", CHART, ref),
        button("Map", MAP, ref),
        button("Milestones", MILESTONES, ref),
    ]
    return InlineKeyboardMarkup([told, drawn, last])


def search_button(words: str) -> InlineKeyboardButton:
    """Searches for words; only as many of them as a button can carry."""
    wanted = " ".join(words.replace("|", " ").split())
    room = InlineKeyboardButtonLimit.MAX_CALLBACK_DATA - len(f"{SEARCH}||")
    while len(wanted.encode()) > room:
        wanted = wanted.rpartition(" ")[0] or wanted[:-1]
    return button(f"Search “{wanted}”", SEARCH, extra=wanted)


def response_row(petition: Petition, earlier: int) -> list[InlineKeyboardButton]:
    """The response as it reads now, and as it read before if it was another one."""
    row = []
    if petition.government_response:
        row.append(button("Read it all", RESPONSE, petition.ref))
    if earlier:
        row.append(button("Earlier text", RESPONSE, petition.ref, str(earlier - 1)))
    return row


def with_sound(
    keyboard: InlineKeyboardMarkup | None, petition: Petition, muted: bool
) -> InlineKeyboardMarkup:
    """The same buttons, with the one about the sound turned round."""
    if keyboard is None:
        return alert_buttons(petition, muted)
    turned = mute_button(petition.ref, muted)
    was = mute_button(petition.ref, not muted).callback_data
    rows = [
        [turned if key.callback_data == was else key for key in row]
        for row in keyboard.inline_keyboard
    ]
    return InlineKeyboardMarkup(rows)


def alert_row(petition: Petition, muted: bool) -> list[InlineKeyboardButton]:
    """Open, mute, unsubscribe."""
    return [
        open_button(petition),
        mute_button(petition.ref, muted),
        button("Unsubscribe", UNSUBSCRIBE, petition.ref),
    ]


def alert_buttons(petition: Petition, muted: bool) -> InlineKeyboardMarkup:
    """Beneath an alert."""
    return InlineKeyboardMarkup([alert_row(petition, muted)])


def undo_buttons(subscription: Subscription) -> InlineKeyboardMarkup:
    """Beneath the news that a subscription ended: takes it up again exactly as it was."""
    started = int(subscription.created_at.timestamp())
    extra = f"{started}.{int(subscription.muted)}.{subscription.thread_id or ''}"
    return InlineKeyboardMarkup([[button("Undo", UNDO, subscription.petition, extra)]])


_UNDO = re.compile(r"(\d{1,12})\.([01])\.(\d{0,19})")


def undone(press: Press, chat_id: int) -> Subscription | None:
    """The subscription an Undo button takes up again, if it is one of ours."""
    found = _UNDO.fullmatch(press.extra)
    if found is None or press.petition is None:
        return None
    started, muted, thread = found.groups()
    return Subscription(
        chat_id,
        press.petition,
        datetime.fromtimestamp(int(started), UTC),
        thread_id=int(thread) if thread else None,
        muted=muted == "1",
    )


def consent_buttons(petition: PetitionRef) -> InlineKeyboardMarkup:
    """Agree and go on with the subscription that was asked for, or read more first."""
    return InlineKeyboardMarkup(
        [[button("OK, go on", CONSENT, petition), button("Read more", PRIVACY, petition)]]
    )


def forget_buttons() -> InlineKeyboardMarkup:
    """Erase everything, or not."""
    return InlineKeyboardMarkup(
        [
            [
                button("Erase everything", FORGET, extra="yes"),
                button("Keep it", FORGET, extra="no"),
            ]
        ]
    )
