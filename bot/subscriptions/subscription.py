"""The records of chats, of what they follow, and of what they chose (pure)."""

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, structs

from bot.petitions.events import Kind, Loudness, Threshold
from bot.petitions.petition import PetitionRef
from bot.petitions.thresholds import CustomMilestones

Minute: TypeAlias = Annotated[int, Meta(ge=0, lt=24 * 60)]


class Quiet(Struct, frozen=True):
    """Hours in which nothing rings, in minutes after local midnight; `start` > `end` spans it."""

    start: Minute
    end: Minute


class Digest(Struct, frozen=True):
    """The time of a digest: minutes after local midnight, on a weekday (Monday is 0) or daily."""

    minute: Minute = 18 * 60
    weekday: Annotated[int, Meta(ge=0, le=6)] | None = None


class Preferences(Struct, frozen=True, omit_defaults=True):
    """The choices of how something is heard; what is not chosen is as usual.

    A chat's preferences hold for all it hears; those of a subscription or a rule go before them.
    `zone`, `quiet`, `digest` and `urgent` (kinds that ring through quiet hours) are a chat's alone,
    `milestones` a subscription's. `closing` are the hours before closing at which to be reminded;
    None is as usual, and an empty one never. `snoozed_until` may be past, and decides nothing then.
    """

    loudness: dict[Kind, Loudness] = {}
    closing: tuple[int, ...] | None = None
    snoozed_until: datetime | None = None
    zone: str = ""
    quiet: Quiet | None = None
    digest: Digest | None = None
    urgent: tuple[Kind, ...] | None = None
    milestones: CustomMilestones | None = None


class Chat(Struct, frozen=True, omit_defaults=True):
    """A chat the bot speaks in; `resting` says why nothing is sent there now, if so.

    A chat that has `returned` from resting is told what it missed in one summary. `language` is a
    locale's name ("cy"), "" while nobody chose one. In a group that `shows_links`, a bare link that
    somebody sends has a card drawn. `announcements`: those of whoever runs the bot are taken.

    A chat that is there and yet `refused` what it was sent gets its oldest alert alone, at
    `probe_at`, and the rest once that was taken; `refused` says why, `refusals` how often in a row,
    `refused_since` since when.
    """

    id: int
    kind: str = "private"
    created_at: datetime | None = None
    consented_at: datetime | None = None
    resting: str = ""
    resting_since: datetime | None = None
    returned: bool = False
    language: str = ""
    shows_links: bool = False
    announcements: bool = True
    preferences: Preferences = Preferences()
    refused: str = ""
    refusals: int = 0
    refused_since: datetime | None = None
    probe_at: datetime | None = None

    @property
    def is_shut(self) -> bool:
        """True while it rests or refuses, so that nothing is sent there as a matter of course."""
        return bool(self.resting) or self.probe_at is not None

    def resting_for(self, reason: str, now: datetime) -> "Chat":
        """Return the chat at rest for this reason, since it first was."""
        return structs.replace(
            self.open(),
            resting=reason,
            resting_since=self.resting_since or now,
            returned=False,
        )

    def refusing(self, reason: str, refusals: int, now: datetime, probe_at: datetime) -> "Chat":
        """Return the chat after so many refusals in a row; being there, it rests no more."""
        return structs.replace(
            self,
            resting="",
            resting_since=None,
            refused=reason,
            refusals=refusals,
            refused_since=self.refused_since or now,
            probe_at=probe_at,
        )

    def open(self) -> "Chat":
        """Return the chat as one that takes what it is sent."""
        return structs.replace(
            self,
            resting="",
            resting_since=None,
            refused="",
            refusals=0,
            refused_since=None,
            probe_at=None,
        )

    def has_rested(self, since: datetime) -> bool:
        """Return whether it rests, and has since that instant at the latest."""
        return self.resting_since is not None and bool(self.resting) and self.resting_since <= since


class Subscription(Struct, frozen=True, omit_defaults=True):
    """The subscription of a chat to a petition; a muted one is heard without a sound.

    `card_id` is the message that shows the petition's card in that chat and is kept up to date.
    """

    chat_id: int
    petition: PetitionRef
    created_at: datetime
    thread_id: int | None = None
    muted: bool = False
    card_id: int | None = None
    preferences: Preferences = Preferences()


class Rule(Struct, frozen=True, omit_defaults=True):
    """A chat's wish to hear of whatever petitions of a site fit, those to come included.

    A petition fits that has all of the `words`, none of the words `without`, one of the `topics`
    (codes), the `department` (its name or acronym) and, with a `constituency` (an ONS code), that
    seat among its top ten; what is empty asks for nothing. `kinds` are what the chat hears of them,
    `thresholds` which official ones, empty for all. `number` tells a chat's rules apart, from 1; 0
    is a rule that is not kept yet. `constituency_name` is what its constituency was called when it
    was kept. `is_lost_told`: its chat has been told that the site has no longer what it asks for.
    """

    chat_id: int
    site: str
    created_at: datetime
    kinds: tuple[Kind, ...]
    number: int = 0
    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    department: str = ""
    constituency: str = ""
    thresholds: tuple[Threshold, ...] = ()
    thread_id: int | None = None
    preferences: Preferences = Preferences()
    constituency_name: str = ""
    is_lost_told: bool = False
