"""Gathers the settings that a page is about, and what all those pages have in common."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from babel.dates import format_datetime

from bot.local_time import LONDON, zone_of
from bot.messages.buttons import SETTINGS, Button, Keyboard, button
from bot.messages.following.subscriptions import Followed
from bot.messages.i18n import locale, say, tr
from bot.messages.message import Message, Rich
from bot.petitions.events import Kind, Loudness
from bot.petitions.parliaments import description_of
from bot.petitions.parliaments.description import SiteDescription
from bot.petitions.petition import PetitionRef
from bot.subscriptions.preferences import KINDS_IN_SETTINGS
from bot.subscriptions.settings import snoozed_until, usual
from bot.subscriptions.subscription import Chat as KeptChat
from bot.subscriptions.subscription import Preferences

Page: TypeAlias = tuple[Message, Keyboard]


class SettingsContext(NamedTuple):
    """The settings of a chat, or of one petition that it follows (`followed`).

    `topic` is the forum topic in which they are looked at. `others_digest` says that something the
    chat follows goes into its digest by a choice of its own. `watched` are the sites there are.
    """

    chat: KeptChat
    now: datetime
    followed: Followed | None = None
    topic: int | None = None
    others_digest: bool = False
    watched: tuple[SiteDescription, ...] = ()

    @property
    def sites(self) -> tuple[SiteDescription, ...]:
        """The sites that news can come from here."""
        return (description_of(self.followed.petition),) if self.followed else self.watched

    @property
    def kinds(self) -> Sequence[Kind]:
        """The kinds of news there can be here."""
        if not self.sites:
            return KINDS_IN_SETTINGS
        return [kind for kind in KINDS_IN_SETTINGS if any(site.tells(kind) for site in self.sites)]

    @property
    def preferences(self) -> Preferences:
        """The preferences chosen here: the petition's own, or else the chat's."""
        return self.followed.subscription.preferences if self.followed else self.chat.preferences

    @property
    def petition(self) -> PetitionRef | None:
        """The petition, if the settings are one's."""
        return self.followed.petition.ref if self.followed else None

    def in_force(self, kind: Kind) -> Loudness:
        """Return how loudly a kind of news is told, by what was chosen here and above."""
        above = self.chat.preferences if self.followed else Preferences()
        return self.preferences.loudness.get(kind) or usual(kind, above)

    @property
    def has_digest(self) -> bool:
        """True if anything goes into the digest."""
        return self.others_digest or any(self.in_force(kind) == "digest" for kind in self.kinds)

    @property
    def snoozed_until(self) -> datetime | None:
        """The end of the snooze chosen here; None if there is none, or it is over."""
        return snoozed_until(self.preferences, self.now)

    def leads(self, text: str, extra: str = "") -> Button:
        """Return a button to a page of these settings, or one that makes a choice."""
        return button(text, SETTINGS, self.petition, extra)

    def option(self, text: str, extra: str, *, is_chosen: bool) -> Button:
        """Return a button that makes a choice, ticked if it is made already."""
        return self.leads(f"✓ {text}" if is_chosen else text, extra)

    def back(self) -> list[Button]:
        """Return the row that leads back to the first page."""
        return [self.leads(tr("‹ Back"))]

    def command(self, rest: str) -> str:
        """Return the command that does the same as a button."""
        return f"/settings {self.petition.id} {rest}" if self.petition else f"/settings {rest}"


def moment_there(value: datetime, zone: str) -> str:
    """Write an instant where the chat lives: Monday 30 March, 08:00, with a zone but London's."""
    local = value.astimezone(zone_of(zone))
    when = format_datetime(local, "EEEE d MMMM, HH:mm", locale=locale())
    return f"{when} ({zone})" if zone and zone != LONDON else str(when)


def snoozed_line(settings: SettingsContext) -> Rich:
    """Word until when nothing is told."""
    until = moment_there(settings.snoozed_until or settings.now, settings.chat.preferences.zone)
    return say("Snoozed until <b>{moment}</b>.", moment=until)
