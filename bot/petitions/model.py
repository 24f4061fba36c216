"""The vocabulary: petitions, what happens to them, who follows them and what they are owed (pure).

Times are aware and in UTC; dates are London calendar dates, as the petitions site uses them.
Field names are the API's own words.
"""

from datetime import date, datetime
from typing import Annotated, Literal, Self, TypeAlias, get_args

from msgspec import Meta, Struct, structs


class Site(Struct, frozen=True):
    """A site that runs the e-petitions software; a threshold it does not have is None."""

    id: str
    name: str
    url: str
    response_threshold: int | None = 10_000
    debate_threshold: int | None = 100_000


class PetitionRef(Struct, frozen=True, order=True):
    """What a petition is called wherever it has to be told from others: `uk:300239`."""

    site: str
    id: int

    def __str__(self) -> str:
        return f"{self.site}:{self.id}"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read `uk:300239` as we write it ourselves; ValueError for anything else."""
        site, _, number = name.partition(":")
        if not site or not number.isascii() or not number.isdigit():
            raise ValueError(f"not a petition's name: {name!r}")
        return cls(site, int(number))


class Rejection(Struct, frozen=True):
    """Why a petition was rejected: an open set of codes, and details in raw Markdown."""

    code: str
    details: str = ""


class GovernmentResponse(Struct, frozen=True):
    """A government response; `details` is plain text (Markdown before November 2025)."""

    summary: str = ""
    details: str = ""
    responded_on: date | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Debate(Struct, frozen=True):
    """A debate's outcome; `debated_on` None means it was decided not to debate."""

    debated_on: date | None = None
    overview: str = ""
    transcript_url: str = ""
    video_url: str = ""
    debate_pack_url: str = ""
    public_engagement_url: str = ""
    debate_summary_url: str = ""

    def link(self, name: "DebateLinkName") -> str:
        """The address of one of its links, "" while there is none."""
        return str(getattr(self, f"{name}_url"))


class Department(Struct, frozen=True):
    """A government department a petition is addressed to."""

    name: str
    acronym: str = ""
    url: str = ""


class Business(Struct, frozen=True):
    """Other parliamentary business: a letter, an inquiry, a mention outside the debate."""

    subject: str
    body: str = ""
    occurred_on: date | None = None
    created_at: datetime | None = None


class Place(Struct, frozen=True):
    """Signatures from one country, constituency, region or parish; `code` as the site gives it."""

    name: str
    code: str
    signature_count: int
    mp: str = ""


class Parliament(Struct, frozen=True):
    """The past parliament an archived petition belongs to."""

    period: str
    government: str = ""
    dissolution_at: datetime | None = None


# Why a petition that was never published has no body; as its state, none of a site's own.
Unpublication: TypeAlias = Literal["gathering_support", "moderation", "stopped", "hidden"]
_UNPUBLISHED = frozenset(get_args(Unpublication))


class Petition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reading of a petition's body, whatever year's schema it was served in.

    `missing` names the attributes below that this body does not carry at all, which is different
    from carrying null: a missing one has not changed.
    """

    ref: PetitionRef
    url: str
    action: str
    state: str
    signature_count: int
    background: str = ""
    additional_details: str = ""
    committee_note: str = ""
    archived: bool = False
    parliament: Parliament | None = None
    response_threshold: int | None = None
    debate_threshold: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    opened_at: datetime | None = None
    closing_date: date | None = None
    closed_at: datetime | None = None
    rejected_at: datetime | None = None
    moderation_threshold_reached_at: datetime | None = None
    response_threshold_reached_at: datetime | None = None
    government_response_at: datetime | None = None
    debate_threshold_reached_at: datetime | None = None
    debate_scheduled_on: date | None = None
    scheduled_debate_date: date | None = None
    debate_outcome_at: datetime | None = None
    creator_name: str = ""
    rejection: Rejection | None = None
    government_response: GovernmentResponse | None = None
    debate: Debate | None = None
    departments: tuple[Department, ...] = ()
    topics: tuple[str, ...] = ()
    signatures_by_country: tuple[Place, ...] = ()
    signatures_by_constituency: tuple[Place, ...] = ()
    signatures_by_region: tuple[Place, ...] = ()
    other_parliamentary_business: tuple[Business, ...] = ()
    missing: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether it can be signed, as far as the site says."""
        return self.state == "open"

    @property
    def is_unpublished(self) -> bool:
        """Whether the site has never shown it, so that nothing but its number is known."""
        return self.state in _UNPUBLISHED

    @property
    def is_over(self) -> bool:
        """Whether its time to be signed has run out (the Senedd's `completed` included)."""
        return self.state in {"closed", "completed"}

    @property
    def is_cut_short(self) -> bool:
        """Whether it closed before its own closing date, as when Parliament is dissolved.

        What it was still waiting for by then may never come.
        """
        ended, due = self.closed_at, self.closing_date
        return self.is_over and ended is not None and due is not None and ended.date() < due

    def without_breakdowns(self) -> "Petition":
        """The same reading without its long lists of places."""
        return structs.replace(
            self, signatures_by_country=(), signatures_by_constituency=(), signatures_by_region=()
        )


class Counts(Struct, frozen=True):
    """What `count.json` tells: the numbers of a petition without its text."""

    signature_count: int
    response_threshold_reached_at: datetime | None = None
    government_response_at: datetime | None = None
    debate_threshold_reached_at: datetime | None = None
    scheduled_debate_date: date | None = None
    debate_outcome_at: datetime | None = None
    debated: bool | None = None


class Reading(Struct, frozen=True):
    """A signature count and the instant we read it."""

    at: datetime
    signature_count: int


# --- what happens to a petition ------------------------------------------------------------------


class Happened(Struct, frozen=True, tag_field="kind"):
    """The base of every event; `key` names what happened within its petition, never when we saw it.

    An event with `once` happens at most once in a petition's life, however often it seems to.
    """

    @property
    def key(self) -> str:
        return str(self.__struct_config__.tag)

    @property
    def once(self) -> bool:
        return False


class Opened(Happened, frozen=True, tag="opened"):
    """Published and open for signatures for the first time."""

    opened_at: datetime | None = None

    @property
    def once(self) -> bool:
        return True


Threshold: TypeAlias = Literal["response", "debate"]


class MilestoneReached(Happened, frozen=True, tag="milestone"):
    """A number of signatures was reached; `official` names the threshold it stands for, if one."""

    number: int
    signature_count: int
    official: Threshold | None = None
    reached_at: datetime | None = None

    @property
    def key(self) -> str:
        return f"milestone:{self.number}"

    @property
    def once(self) -> bool:
        return True


class Responded(Happened, frozen=True, tag="response"):
    """The government responded; `is_first` unless it had before."""

    response: GovernmentResponse
    government_response_at: datetime | None = None
    is_first: bool = True

    @property
    def key(self) -> str:
        stamp = self.response.created_at or self.government_response_at
        return f"response:{stamp:%Y%m%dT%H%M%S}" if stamp else "response"


class ResponseRevised(Happened, frozen=True, tag="response_revised"):
    """The response's words changed: `removed` and `added` are whole sentences, in order."""

    response: GovernmentResponse
    removed: tuple[str, ...]
    added: tuple[str, ...]


class ResponseWithdrawn(Happened, frozen=True, tag="response_withdrawn"):
    """The response was taken back; the petition waits for one again."""

    responded_on: date | None = None


class DebateScheduled(Happened, frozen=True, tag="debate_scheduled"):
    """A date for the debate was set."""

    on: date

    @property
    def key(self) -> str:
        return f"debate_scheduled:{self.on}"


class DebateMoved(Happened, frozen=True, tag="debate_moved"):
    """The debate has another date now."""

    was: date
    on: date

    @property
    def key(self) -> str:
        return f"debate_moved:{self.on}"


class DebateCancelled(Happened, frozen=True, tag="debate_cancelled"):
    """The debate lost its date and has no new one."""

    was: date

    @property
    def key(self) -> str:
        return f"debate_cancelled:{self.was}"


class Debated(Happened, frozen=True, tag="debated"):
    """The petition was debated."""

    debated_on: date
    overview: str = ""

    @property
    def key(self) -> str:
        return f"debated:{self.debated_on}"

    @property
    def once(self) -> bool:
        return True


class NotDebated(Happened, frozen=True, tag="not_debated"):
    """It was decided not to debate the petition."""

    overview: str = ""


DebateLinkName: TypeAlias = Literal[
    "transcript", "video", "debate_pack", "public_engagement", "debate_summary"
]


class DebateLink(Happened, frozen=True, tag="debate_link"):
    """A link about the debate appeared."""

    name: DebateLinkName
    url: str

    @property
    def key(self) -> str:
        return f"debate_link:{self.name}"

    @property
    def once(self) -> bool:
        return True


class BusinessAdded(Happened, frozen=True, tag="business"):
    """Other parliamentary business was published; `identity` tells it from its siblings."""

    business: Business
    identity: str

    @property
    def key(self) -> str:
        return f"business:{self.identity}"

    @property
    def once(self) -> bool:
        return True


class CommitteeNoted(Happened, frozen=True, tag="committee_note"):
    """The Petitions Committee added a note, or changed its words; `identity` stands for them."""

    note: str
    revised: bool = False
    identity: str = ""

    @property
    def key(self) -> str:
        return f"committee_note:{self.identity}"

    @property
    def once(self) -> bool:
        return True


class Closed(Happened, frozen=True, tag="closed"):
    """The petition can no longer be signed; `early` when it ended before its own closing date."""

    signature_count: int
    closed_at: datetime | None = None
    early: bool = False


class Rejected(Happened, frozen=True, tag="rejected"):
    """The petition was rejected."""

    rejection: Rejection | None = None


class NotPublished(Happened, frozen=True, tag="not_published"):
    """What was still to be published will not be, or is not to be found any more."""

    why: Literal["stopped", "hidden"]

    @property
    def key(self) -> str:
        return f"not_published:{self.why}"

    @property
    def once(self) -> bool:
        return True


class Removed(Happened, frozen=True, tag="removed"):
    """The petition was taken off the site."""


class Reopened(Happened, frozen=True, tag="reopened"):
    """The petition is back: from rejection, from closing, or onto the site (`was`)."""

    was: str
    state: str


class CountFell(Happened, frozen=True, tag="count_fell"):
    """A noticeable number of signatures was removed."""

    was: int
    signature_count: int


class ToppedIn(Happened, frozen=True, tag="top_ten"):
    """A constituency came among the ten with the most signatures; `rank` counts from 1.

    `share` is its part of all signatures that a constituency is known of.
    """

    code: str
    name: str
    rank: int
    signature_count: int
    share: float

    @property
    def key(self) -> str:
        return f"top_ten:{self.code}"

    @property
    def once(self) -> bool:
        return True


# --- what the clock alone brings -----------------------------------------------------------------


class ClosingSoon(Happened, frozen=True, tag="closing_soon"):
    """So many hours are left to sign; `expected` is the count to close with, low and high."""

    hours: int
    closes_at: datetime
    signature_count: int
    a_day: float | None = None
    expected: tuple[int, int] | None = None

    @property
    def key(self) -> str:
        # The closing date may move: then its reminders come anew.
        return f"closing_soon:{self.closes_at:%Y%m%d}:{self.hours}"

    @property
    def once(self) -> bool:
        return True


class ResponseOverdue(Happened, frozen=True, tag="response_overdue"):
    """So many days have passed since the threshold for a response, and there is none."""

    days: int
    since: datetime

    @property
    def key(self) -> str:
        return f"response_overdue:{self.days}"

    @property
    def once(self) -> bool:
        return True


class DebateOverdue(Happened, frozen=True, tag="debate_overdue"):
    """So many days have passed since the threshold for a debate, and there is no date for one."""

    days: int
    since: datetime

    @property
    def key(self) -> str:
        return f"debate_overdue:{self.days}"

    @property
    def once(self) -> bool:
        return True


class DebateToday(Happened, frozen=True, tag="debate_today"):
    """The debate is on this day's agenda."""

    on: date

    @property
    def key(self) -> str:
        return f"debate_today:{self.on}"

    @property
    def once(self) -> bool:
        return True


class DebatePassed(Happened, frozen=True, tag="debate_passed"):
    """The day of the debate is over; its outcome is not published yet."""

    on: date

    @property
    def key(self) -> str:
        return f"debate_passed:{self.on}"

    @property
    def once(self) -> bool:
        return True


class Surged(Happened, frozen=True, tag="surge"):
    """Far more signatures than this petition is used to: both in signatures an hour."""

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


class Known(Struct, frozen=True, omit_defaults=True):
    """All we know of a followed petition: its last accepted body, and what has happened already.

    `seen` holds the keys of everything that was ever true of it, so that nothing rings twice;
    `peak` is the highest count it ever had; `top` the codes of the ten constituencies with the most
    signatures when they were last told; `gone_looks` counts the looks in a row that found it taken
    down (or stopped or hidden, if it was never published), `older_looks` those that were served a
    body older than this one.
    """

    petition: Petition
    read_at: datetime
    seen: frozenset[str] = frozenset()
    peak: int = 0
    top: tuple[str, ...] = ()
    surged_at: datetime | None = None
    earlier_responses: tuple[GovernmentResponse, ...] = ()
    gone_looks: int = 0
    older_looks: int = 0
    removed: bool = False


# --- how somebody wants to hear of it ------------------------------------------------------------

# What can be turned louder or quieter: every event is of one kind (`bot.petitions.terms.kind_of`).
Kind: TypeAlias = Literal[
    "threshold",
    "milestone",
    "own",
    "response",
    "debate",
    "business",
    "closing",
    "standing",
    "overdue",
    "surge",
    "fell",
    "opened",
    "place",
]

Loudness: TypeAlias = Literal["loud", "silent", "digest", "off"]

Minute: TypeAlias = Annotated[int, Meta(ge=0, lt=24 * 60)]


class Quiet(Struct, frozen=True):
    """Hours in which nothing rings, in minutes after local midnight; `start` > `end` spans it."""

    start: Minute
    end: Minute


class Digest(Struct, frozen=True):
    """When a digest comes: minutes after local midnight, on one weekday (Monday is 0) or on all."""

    minute: Minute = 18 * 60
    weekday: Annotated[int, Meta(ge=0, le=6)] | None = None


class Wish(Struct, frozen=True, omit_defaults=True):
    """Milestones of one's own: numbers, every so many, parts in a hundred of each threshold."""

    numbers: tuple[Annotated[int, Meta(gt=0)], ...] = ()
    every: Annotated[int, Meta(ge=0)] = 0
    percents: tuple[Annotated[int, Meta(gt=0, lt=100)], ...] = ()


class Terms(Struct, frozen=True, omit_defaults=True):
    """How something is heard, as far as it was chosen: what is left out is as usual.

    A chat's terms hold for all it hears; those of a subscription or a rule go before them. `zone`,
    `quiet`, `digest` and `urgent` (kinds that ring through quiet hours) are a chat's alone,
    `milestones` a subscription's. `closing` are the hours before closing at which to be reminded.
    """

    loudness: dict[Kind, Loudness] = {}
    closing: tuple[int, ...] | None = None
    snoozed_until: datetime | None = None
    zone: str = ""
    quiet: Quiet | None = None
    digest: Digest | None = None
    urgent: tuple[Kind, ...] | None = None
    milestones: Wish | None = None


# --- who follows it, and what they are owed ------------------------------------------------------


class Chat(Struct, frozen=True, omit_defaults=True):
    """A chat the bot speaks in; `resting` says why nothing is sent there now, if so.

    A chat that has `returned` from resting is told what it missed in one summary. `language` is a
    locale's name ("cy"), "" while nobody chose one. A chat that is there and yet `refused` what it
    was sent (why, so often in a row, since when) gets its oldest alert alone, at `probe_at`, and
    the rest once that was taken.
    """

    id: int
    kind: str = "private"
    created_at: datetime | None = None
    consented_at: datetime | None = None
    resting: str = ""
    resting_since: datetime | None = None
    returned: bool = False
    language: str = ""
    terms: Terms = Terms()
    refused: str = ""
    refusals: int = 0
    refused_since: datetime | None = None
    probe_at: datetime | None = None

    @property
    def is_shut(self) -> bool:
        """Whether it rests or refuses, so that nothing is sent there as a matter of course."""
        return bool(self.resting) or self.probe_at is not None

    def resting_for(self, reason: str, now: datetime) -> "Chat":
        """The chat at rest, since it first was."""
        return structs.replace(
            self.open(),
            resting=reason,
            resting_since=self.resting_since or now,
            returned=False,
        )

    def refusing(self, reason: str, refusals: int, now: datetime, probe_at: datetime) -> "Chat":
        """The chat after so many refusals in a row; being there, it rests no more."""
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
        """The chat as one that takes what it is sent."""
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
        """Whether it rests, and has for as long as since then."""
        return self.resting_since is not None and bool(self.resting) and self.resting_since <= since


class Subscription(Struct, frozen=True, omit_defaults=True):
    """A chat follows a petition; a muted one still hears everything, without a sound.

    `card_id` is the message that shows the petition's card in that chat and is kept up to date.
    """

    chat_id: int
    petition: PetitionRef
    created_at: datetime
    thread_id: int | None = None
    muted: bool = False
    card_id: int | None = None
    terms: Terms = Terms()


class Rule(Struct, frozen=True, omit_defaults=True):
    """A chat follows whatever petitions of a site fit, those to come included.

    A petition fits that has all of the `words`, none of the words `without`, one of the `topics`
    (codes), the `department` (its name or acronym) and, with a `constituency` (an ONS code), that
    seat among its top ten; what is empty asks for nothing. `kinds` are what the chat hears of
    them, `thresholds` which official ones, if not both. `number` tells a chat's rules apart,
    from 1; 0 is a rule that is not kept yet. `constituency_name` is what its constituency was
    called when it was kept. `is_lost_told`: its chat has been told that the site has no longer what
    it asks for.
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
    terms: Terms = Terms()
    constituency_name: str = ""
    is_lost_told: bool = False


class Delivery(Struct, frozen=True, omit_defaults=True):
    """An alert a chat is owed: `occurrences` are the keys of what it tells, in one message.

    `number` rises with every delivery made, so that a chat hears things in the order they happened.
    What is due at once is in the lane "". Another lane is what waits for a moment of its own
    (`digest`, `quiet`, `snooze` …): when its first delivery is due, all of it is told in one
    message. `rule` is the number of the chat's rule that it comes from, 0 for a subscription.
    """

    key: str
    number: int
    chat_id: int
    petition: PetitionRef
    occurrences: tuple[str, ...]
    created_at: datetime
    not_before: datetime
    thread_id: int | None = None
    silent: bool = False
    attempts: int = 0
    leased_until: datetime | None = None
    lane: str = ""
    rule: int = 0


# --- what became of a send -----------------------------------------------------------------------


class Sent(Struct, frozen=True, tag=True):
    """Telegram accepted the message."""

    message_id: int


class RetryAt(Struct, frozen=True, tag=True):
    """Not now: try this delivery again from `when`; `reason` is for the log."""

    when: datetime
    reason: str


class ChatGone(Struct, frozen=True, tag=True):
    """The chat cannot hear us any more (blocked, kicked, deleted), until it comes back."""

    reason: str


class ChatRefuses(Struct, frozen=True, tag=True):
    """The chat would not take it now, for a reason that may pass: no right to write, a topic."""

    reason: str


class ChatMoved(Struct, frozen=True, tag=True):
    """The group became a supergroup with another id."""

    new_id: int


class Refused(Struct, frozen=True, tag=True):
    """Telegram will never take this message as it is."""

    reason: str


Outcome: TypeAlias = Sent | RetryAt | ChatGone | ChatRefuses | ChatMoved | Refused
