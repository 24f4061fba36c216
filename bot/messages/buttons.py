"""The buttons beneath messages as values, and what their presses carry.

A press carries `verb|petition|extra` in at most 64 bytes. Alerts and handlers both use these
functions, so no button can be made that no handler reads.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, Self, TypeAlias

from bot.messages.i18n import tr
from bot.messages.petition.parts import FEWEST_ON_A_MAP
from bot.messages.petition.wording import spoken
from bot.petitions.parliaments import description_of
from bot.petitions.petition import Petition, PetitionRef
from bot.subscriptions.codec import subscription_for_button
from bot.subscriptions.subscription import Subscription

SUBSCRIBE, UNSUBSCRIBE, UNDO = "sub", "unsub", "undo"
MUTE, UNMUTE = "mute", "unmute"
RESPONSE, CONSTITUENCIES, CHART, MAP, MILESTONES = "resp", "where", "chart", "map", "miles"
SETTINGS, SNOOZE, CHOOSE_MILESTONE = "set", "snooze", "wish"
CARD, PAGE, CONSENT, FORGET, PRIVACY = "card", "page", "consent", "forget", "privacy"
SHARE, EXAMPLE, CALENDAR = "share", "eg", "ics"
ELSEWHERE, DONE, FULL = "else", "done", "full"
ASK, TALK, STOP = "ask", "talk", "stop"
ANNOUNCE, ANNOUNCED = "announce", "announced"
WORDS, MORE, DRAFT, RULE, SEAT = "words", "more", "draft", "rule", "seat"

CalendarDate: TypeAlias = Literal["debate", "closing"]

PRESS_LIMIT = 64  # bytes that the Bot API takes
# What leaves room for the chat that a press is about, where that is another than it is made in.
ROOM = PRESS_LIMIT - len("|~") - 13


class Button(NamedTuple):
    """A button, which does one thing: `press`, `url`, `copy` or `share` says which.

    It presses, leads to an address, copies a text, or offers the cards that a query finds to a chat
    that the reader chooses.
    """

    text: str
    press: str = ""
    url: str = ""
    copy: str = ""
    share: str = ""


Keyboard: TypeAlias = Sequence[Sequence[Button]]  # rows


class Press(NamedTuple):
    """The request that a button makes when it is pressed."""

    verb: str
    petition: PetitionRef | None = None
    extra: str = ""

    @property
    def data(self) -> str:
        """The press as Telegram carries it: `verb|petition|extra`."""
        return f"{self.verb}|{self.petition or ''}|{self.extra}"

    @classmethod
    def read(cls, data: str) -> Self:
        """Return the press that a button's data stands for; ValueError if we did not write it."""
        verb, name, extra = data.split("|")
        return cls(verb, PetitionRef.parse(name) if name else None, extra)


def button(text: str, verb: str, petition: PetitionRef | None = None, extra: str = "") -> Button:
    """Return a button that presses `verb`; ValueError if Telegram would not carry its data."""
    data = Press(verb, petition, extra).data
    if len(data.encode()) > PRESS_LIMIT:
        raise ValueError(f"too long for a button: {data}")
    return Button(text, press=data)


def subscribe_link(username: str, petition: PetitionRef) -> str:
    """Return the address that begins a subscription in whatever chat it is opened."""
    return f"https://t.me/{username}?start=p_{petition.site}_{petition.id}"


def open_button(petition: Petition) -> Button:
    """Return the button that leads to the petition's own page."""
    return Button(tr("Open"), url=spoken(petition).url)


def mute_button(petition: PetitionRef, muted: bool) -> Button:
    """Return the button that turns the sound of a petition's alerts off, or on again if `muted`."""
    if muted:
        return button(tr("Turn sound on"), UNMUTE, petition)
    return button(tr("Make silent"), MUTE, petition)


def card_buttons(
    petition: Petition, subscription: Subscription | None, follow_link: str = ""
) -> Keyboard:
    """Return the buttons beneath a card: all there is to see, and what the reader can do.

    `subscription` is None if the chat does not follow the petition. With `follow_link`, many read
    the card, and each of them can follow the petition by that link.
    """
    if follow_link:
        last = [readers_row(petition, follow_link)]
    elif subscription is None:
        last = [stranger_row(petition)]
    else:
        last = follower_rows(petition, subscription.muted)
    if petition.state == "rejected" or petition.is_unpublished:
        return last
    ref, site = petition.ref, description_of(petition)
    told = []
    if petition.government_response or petition.response_threshold_reached_at:
        told.append(button(tr("Response"), RESPONSE, ref))
    if "constituency" in site.breakdowns:
        told.append(button(tr("Constituencies"), CONSTITUENCIES, ref))
    elif "parish" in site.breakdowns:
        told.append(button(tr("Parishes"), CONSTITUENCIES, ref))
    drawn = [button(tr("Chart"), CHART, ref)]
    if site.maps and petition.signature_count >= FEWEST_ON_A_MAP:
        drawn.append(button(tr("Map"), MAP, ref))
    drawn.append(button(tr("Milestones"), MILESTONES, ref))
    opened, *others = last
    share = button(tr("Share"), SHARE, ref)
    return [row for row in (told, drawn, [*opened, share], *others) if row]


def response_row(petition: Petition, earlier: int) -> list[Button]:
    """Return buttons for the response as it reads now and for the last of its `earlier` texts."""
    row = []
    if petition.government_response:
        row.append(button(tr("Read in full"), RESPONSE, petition.ref))
    if earlier:
        row.append(button(tr("Earlier version"), RESPONSE, petition.ref, str(earlier - 1)))
    return row


def calendar_button(petition: PetitionRef, what: CalendarDate) -> Button:
    """Return the button that sends a date for one's own calendar."""
    return button(tr("Add to calendar"), CALENDAR, petition, what)


def with_sound(keyboard: Keyboard | None, petition: Petition, muted: bool) -> Keyboard:
    """Return the same buttons, the one about the sound turned round; an alert's own for None."""
    if keyboard is None:
        return alert_buttons(petition, muted)
    turned = mute_button(petition.ref, muted)
    was = mute_button(petition.ref, not muted).press
    rows = [[turned if key.press.startswith(was) else key for key in row] for row in keyboard]
    return rows


def follower_rows(petition: Petition, muted: bool) -> list[list[Button]]:
    """Return the buttons of a follower: those beneath an alert, and the petition's own settings."""
    opened, *others = alert_row(petition, muted)
    return [[opened, button(tr("Change alerts"), SETTINGS, petition.ref)], others]


def alert_row(petition: Petition, muted: bool) -> list[Button]:
    """Return the buttons that open the petition's page, turn the sound off or on, and unfollow."""
    return [
        open_button(petition),
        mute_button(petition.ref, muted),
        button(tr("Unfollow"), UNSUBSCRIBE, petition.ref),
    ]


def readers_row(petition: Petition, address: str) -> list[Button]:
    """Return addresses alone, for what many read of whom few may change what the chat follows."""
    return [open_button(petition), Button(tr("Follow it yourself"), url=address)]


def stranger_row(petition: Petition) -> list[Button]:
    """Return the buttons beneath news of a petition that the chat does not follow."""
    return [button(tr("Follow"), SUBSCRIBE, petition.ref), open_button(petition)]


def alert_buttons(petition: Petition, muted: bool) -> Keyboard:
    """Return the buttons beneath an alert."""
    return [alert_row(petition, muted)]


def undo_buttons(subscription: Subscription) -> Keyboard:
    """Return the button that takes an ended subscription up again, exactly as it was."""
    extra = subscription_for_button(subscription)
    return [[button(tr("Undo"), UNDO, subscription.petition, extra)]]


_LONGEST_EXTRA = 30  # bytes; the verb and the petition need the others


def as_extra(then: str) -> str:
    """Return what is to be done after a press, "" if it does not fit on a button."""
    return then if len(then.encode()) <= _LONGEST_EXTRA and "|" not in then else ""


def consent_buttons(petition: PetitionRef, then: str = "", *, is_told: bool = False) -> Keyboard:
    """Return the ways to agree by following a petition, to refuse, and to read more first.

    `then` is what else was asked of that petition. Once it `is_told` what is kept, there is no more
    to read.
    """
    follow = button(tr("Follow it"), CONSENT, petition, then)
    return [[follow], _unsure(petition, then, is_told=is_told)]


def agree_buttons(then: str = "", *, is_told: bool = False) -> Keyboard:
    """Return the ways to agree to something about no petition, to refuse, and to read more first.

    `then` is the page to go on to. Once it `is_told` what is kept, there is no more to read.
    """
    agree = button(tr("I agree"), CONSENT, extra=then)
    return [[agree], _unsure(extra=then, is_told=is_told)]


def _unsure(
    petition: PetitionRef | None = None, extra: str = "", *, is_told: bool = False
) -> list[Button]:
    refuse = button(tr("Not now"), CONSENT, petition, "no")
    return [refuse] if is_told else [refuse, button(tr("What's kept?"), PRIVACY, petition, extra)]


def forget_buttons() -> Keyboard:
    """Return the buttons that erase everything, or nothing."""
    return [
        [
            button(tr("Delete everything"), FORGET, extra="yes"),
            button(tr("Cancel"), FORGET, extra="no"),
        ]
    ]


def in_rows(keys: Iterable[Button], width: int = 2) -> list[list[Button]]:
    """Return buttons in rows of `width`."""
    found = list(keys)
    return [found[at : at + width] for at in range(0, len(found), width)]
