"""The closed union of events that happen to a petition, and the table of their kinds (pure).

A new kind is a name in `Kind`, a row in `EVENT_KINDS`, a label in `bot/messages/kinds.py`, and an
event: a class, listed in `Event`, its wording in `bot/messages/alert.py`, and what finds that it
happened, mostly `diff.py`. Everything else about kinds is read off the table.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from bot.petitions.petition import (
    Business,
    DebateLinkName,
    GovernmentResponse,
    PetitionRef,
    Rejection,
)

Loudness: TypeAlias = Literal["loud", "silent", "digest", "off"]
# What an official number of signatures brings: an answer in writing, a committee, a debate.
Threshold: TypeAlias = Literal["response", "referral", "debate"]

# The kinds of news, each of which can be turned louder or quieter; every event is of one.
Kind: TypeAlias = Literal[
    "threshold",
    "milestone",
    "custom_milestone",
    "response",
    "debate",
    "business",
    "closing",
    "status",
    "overdue",
    "surge",
    "count_fell",
    "opened",
    "top_ten",
]


class EventKind(NamedTuple):
    """The properties of one kind of news.

    `letter` stands for it in links and buttons, and is never given to another kind. `loudness` is
    how it is heard until somebody chooses. `in_settings`: a follower of petitions can meet it; the
    others are for rules. `rules` says which rules can ask for it (those about all petitions, those
    that narrow them down as well, those about a constituency alone) and where it stands among their
    buttons. `is_big` kinds are left by the preset for big moments; `is_pressing` ones, which are
    official or put right what was told before, are never held back for the sake of order. `aliases`
    are what people type for it besides its name.
    """

    letter: str
    loudness: Loudness
    rules: tuple[Literal["all", "narrow", "seat"], int] | None
    in_settings: bool = True
    is_big: bool = False
    is_pressing: bool = False
    aliases: tuple[str, ...] = ()


# In the order in which the settings show them.
EVENT_KINDS: Mapping[Kind, EventKind] = {
    "threshold": EventKind(
        "t", "loud", ("all", 2), is_big=True, is_pressing=True, aliases=("thresholds",)
    ),
    "milestone": EventKind("m", "loud", ("narrow", 5), aliases=("milestones",)),
    # These are asked for one by one, so they are big to whoever has any.
    "custom_milestone": EventKind("n", "loud", None, is_big=True, aliases=("own", "custom")),
    "response": EventKind(
        "r", "loud", ("all", 3), is_big=True, is_pressing=True, aliases=("responses",)
    ),
    "debate": EventKind(
        "d", "loud", ("all", 4), is_big=True, is_pressing=True, aliases=("debates",)
    ),
    "business": EventKind("b", "silent", ("narrow", 10)),
    "closing": EventKind("c", "loud", ("narrow", 6), is_big=True),
    "status": EventKind(
        "x", "loud", ("narrow", 9), is_big=True, is_pressing=True, aliases=("rejected", "removed")
    ),
    "overdue": EventKind("w", "silent", ("narrow", 8)),
    "surge": EventKind("s", "silent", ("narrow", 7), aliases=("surges",)),
    "count_fell": EventKind(
        "f", "silent", ("narrow", 11), is_pressing=True, aliases=("fell", "fall")
    ),
    "opened": EventKind("o", "loud", ("all", 1), in_settings=False),
    "top_ten": EventKind("p", "off", ("seat", 1), in_settings=False),
}


class Happened(Struct, frozen=True, tag_field="kind"):
    """The base of every event: a record of one thing that happened to a petition.

    `key` names it among all that can happen to that petition, and never says when we saw it. An
    event with `once` happens at most once in a petition's life, however often it seems to. Every
    class names the kind it is of.
    """

    KIND: ClassVar[Kind]
    once: ClassVar[bool] = False

    @property
    def kind(self) -> Kind:
        return self.KIND

    @property
    def key(self) -> str:
        return str(self.__struct_config__.tag)


class Opened(Happened, frozen=True, tag="opened"):
    """The petition was published, and can be signed unless its signatures came `on_paper`."""

    KIND: ClassVar[Kind] = "opened"
    once: ClassVar[bool] = True
    opened_at: datetime | None = None
    on_paper: bool = False


class MilestoneReached(Happened, frozen=True, tag="milestone"):
    """A number of signatures was reached; `official` names the threshold it stands for, if one."""

    KIND: ClassVar[Kind] = "milestone"
    once: ClassVar[bool] = True
    number: int
    signature_count: int
    official: Threshold | None = None
    reached_at: datetime | None = None

    @property
    def kind(self) -> Kind:
        return "threshold" if self.official else "milestone"

    def kinds(self, *, is_on_ladder: bool, is_own: bool) -> list[Kind]:
        """Return the kinds of news that it is to a follower, their custom milestone first.

        `is_on_ladder`: the number is on the default ladder, which rings for everybody, as an
        official threshold always does. `is_own`: it is one of the follower's custom milestones.
        """
        usual = [self.kind] if self.official or is_on_ladder else []
        return ["custom_milestone", *usual] if is_own else usual

    @property
    def key(self) -> str:
        return f"milestone:{self.number}"


class Responded(Happened, frozen=True, tag="response"):
    """The government responded; `is_first` unless it had before."""

    KIND: ClassVar[Kind] = "response"
    response: GovernmentResponse
    government_response_at: datetime | None = None
    is_first: bool = True

    @property
    def key(self) -> str:
        stamp = self.response.created_at or self.government_response_at
        return f"response:{stamp:%Y%m%dT%H%M%S}" if stamp else "response"


class ResponseRevised(Happened, frozen=True, tag="response_revised"):
    """The response's words changed: `removed` and `added` are whole sentences, in order."""

    KIND: ClassVar[Kind] = "response"
    response: GovernmentResponse
    removed: tuple[str, ...]
    added: tuple[str, ...]


class ResponseWithdrawn(Happened, frozen=True, tag="response_withdrawn"):
    """The response was taken back; the petition waits for one again."""

    KIND: ClassVar[Kind] = "response"
    responded_on: date | None = None


class DebateScheduled(Happened, frozen=True, tag="debate_scheduled"):
    """A date for the debate was set."""

    KIND: ClassVar[Kind] = "debate"
    on: date

    @property
    def key(self) -> str:
        return f"debate_scheduled:{self.on}"


class DebateMoved(Happened, frozen=True, tag="debate_moved"):
    """The debate has another date now."""

    KIND: ClassVar[Kind] = "debate"
    was: date
    on: date

    @property
    def key(self) -> str:
        return f"debate_moved:{self.on}"


class DebateCancelled(Happened, frozen=True, tag="debate_cancelled"):
    """The debate lost its date and has no new one."""

    KIND: ClassVar[Kind] = "debate"
    was: date

    @property
    def key(self) -> str:
        return f"debate_cancelled:{self.was}"


class Debated(Happened, frozen=True, tag="debated"):
    """The petition was debated."""

    KIND: ClassVar[Kind] = "debate"
    once: ClassVar[bool] = True
    debated_on: date
    overview: str = ""

    @property
    def key(self) -> str:
        return f"debated:{self.debated_on}"


class NotDebated(Happened, frozen=True, tag="not_debated"):
    """It was decided not to debate the petition."""

    KIND: ClassVar[Kind] = "debate"
    overview: str = ""


class DebateLink(Happened, frozen=True, tag="debate_link"):
    """A link about the debate appeared."""

    KIND: ClassVar[Kind] = "debate"
    once: ClassVar[bool] = True
    name: DebateLinkName
    url: str

    @property
    def key(self) -> str:
        return f"debate_link:{self.name}"


class BusinessAdded(Happened, frozen=True, tag="business"):
    """Other parliamentary business was published; `identity` tells it from its siblings."""

    KIND: ClassVar[Kind] = "business"
    once: ClassVar[bool] = True
    business: Business
    identity: str

    @property
    def key(self) -> str:
        return f"business:{self.identity}"


class CommitteeNoted(Happened, frozen=True, tag="committee_note"):
    """The Petitions Committee added a note, or changed its words; `identity` stands for them."""

    KIND: ClassVar[Kind] = "business"
    once: ClassVar[bool] = True
    note: str
    revised: bool = False
    identity: str = ""

    @property
    def key(self) -> str:
        return f"committee_note:{self.identity}"


class Closed(Happened, frozen=True, tag="closed"):
    """The petition can no longer be signed; `early` when it ended before its own closing date."""

    KIND: ClassVar[Kind] = "closing"
    signature_count: int
    closed_at: datetime | None = None
    early: bool = False


class Referred(Happened, frozen=True, tag="referred"):
    """The petition, which is closed, was put before a committee."""

    KIND: ClassVar[Kind] = "closing"
    once: ClassVar[bool] = True
    referred_at: datetime | None = None


class Completed(Happened, frozen=True, tag="completed"):
    """The committee has finished with the petition."""

    KIND: ClassVar[Kind] = "closing"
    once: ClassVar[bool] = True
    completed_at: datetime | None = None


class Rejected(Happened, frozen=True, tag="rejected"):
    """The petition was rejected."""

    KIND: ClassVar[Kind] = "status"
    rejection: Rejection | None = None


class NotPublished(Happened, frozen=True, tag="not_published"):
    """A petition still to be published was stopped, or can no longer be found (`hidden`)."""

    KIND: ClassVar[Kind] = "status"
    once: ClassVar[bool] = True
    why: Literal["stopped", "hidden"]

    @property
    def key(self) -> str:
        return f"not_published:{self.why}"


class Removed(Happened, frozen=True, tag="removed"):
    """The petition was taken off the site."""

    KIND: ClassVar[Kind] = "status"


class Reopened(Happened, frozen=True, tag="reopened"):
    """The petition is back: from rejection, from closing, or onto the site (`was`)."""

    KIND: ClassVar[Kind] = "status"
    was: str
    state: str


class CountFell(Happened, frozen=True, tag="count_fell"):
    """A noticeable number of signatures was removed."""

    KIND: ClassVar[Kind] = "count_fell"
    was: int
    signature_count: int


class ToppedIn(Happened, frozen=True, tag="top_ten"):
    """A constituency came among the ten with the most signatures; `rank` counts from 1.

    `share` (0 to 1) is its part of all signatures that have a constituency.
    """

    KIND: ClassVar[Kind] = "top_ten"
    once: ClassVar[bool] = True
    code: str
    name: str
    rank: int
    signature_count: int
    share: float

    @property
    def key(self) -> str:
        return f"top_ten:{self.code}"


class ClosingSoon(Happened, frozen=True, tag="closing_soon"):
    """Only `hours` are left to sign.

    `a_day` is the pace in signatures a day, None if unknown; `expected` is the lowest and the
    highest likely count at closing, None without a forecast.
    """

    KIND: ClassVar[Kind] = "closing"
    once: ClassVar[bool] = True
    hours: int
    closes_at: datetime
    signature_count: int
    a_day: float | None = None
    expected: tuple[int, int] | None = None

    @property
    def key(self) -> str:
        # The closing date may move: then its reminders come anew.
        return f"closing_soon:{self.closes_at:%Y%m%d}:{self.hours}"


class ResponseOverdue(Happened, frozen=True, tag="response_overdue"):
    """For `days` the threshold for a response has been reached, and there is none."""

    KIND: ClassVar[Kind] = "overdue"
    once: ClassVar[bool] = True
    days: int
    since: datetime

    @property
    def key(self) -> str:
        return f"response_overdue:{self.days}"


class DebateOverdue(Happened, frozen=True, tag="debate_overdue"):
    """For `days` the threshold for a debate has been reached, and there is no date for one."""

    KIND: ClassVar[Kind] = "overdue"
    once: ClassVar[bool] = True
    days: int
    since: datetime

    @property
    def key(self) -> str:
        return f"debate_overdue:{self.days}"


class DebateToday(Happened, frozen=True, tag="debate_today"):
    """The debate is on this day's agenda."""

    KIND: ClassVar[Kind] = "debate"
    once: ClassVar[bool] = True
    on: date

    @property
    def key(self) -> str:
        return f"debate_today:{self.on}"


class DebatePassed(Happened, frozen=True, tag="debate_passed"):
    """The day of the debate is over; its outcome is not published yet."""

    KIND: ClassVar[Kind] = "debate"
    once: ClassVar[bool] = True
    on: date

    @property
    def key(self) -> str:
        return f"debate_passed:{self.on}"


class Surged(Happened, frozen=True, tag="surge"):
    """The petition gained far more signatures than usual; both rates are signatures an hour."""

    KIND: ClassVar[Kind] = "surge"
    an_hour: int
    usual: float
    signature_count: int


Event: TypeAlias = (
    Opened
    | MilestoneReached
    | Responded
    | ResponseRevised
    | ResponseWithdrawn
    | DebateScheduled
    | DebateMoved
    | DebateCancelled
    | Debated
    | NotDebated
    | DebateLink
    | BusinessAdded
    | CommitteeNoted
    | Closed
    | Referred
    | Completed
    | Rejected
    | NotPublished
    | Removed
    | Reopened
    | CountFell
    | ToppedIn
    | ClosingSoon
    | ResponseOverdue
    | DebateOverdue
    | DebateToday
    | DebatePassed
    | Surged
)


class Occurrence(Struct, frozen=True):
    """An event as it is kept: `key` is unique for ever (`uk:300239:milestone:10000`)."""

    key: str
    petition: PetitionRef
    at: datetime
    event: Event
