"""Petitions as a site gives them: what is read, and the names of its parts (pure).

Times are aware and in UTC; dates are London calendar dates, as the petitions site uses them.
Field names are the API's own words.
"""

import re
from datetime import date, datetime
from typing import Literal, Self, TypeAlias, get_args

from msgspec import Struct, structs

# A number, or letters and a number where a site writes it so: `PE2234`.
PetitionId: TypeAlias = int | str

_LETTERED = re.compile("[A-Z]{2}[0-9]{1,9}", re.ASCII)


class Site(Struct, frozen=True):
    """A site that runs the e-petitions software; a threshold it does not have is None.

    `like` names the one of the described sites (`bot.petitions.parliaments`) that it is like, if
    its own name or address does not tell. `among_others`: several are configured, so that texts
    about its petitions name it. `other_url` is where it says the same in its other language.
    """

    id: str
    name: str
    url: str
    response_threshold: int | None = 10_000
    debate_threshold: int | None = 100_000
    like: str = ""
    among_others: bool = False
    other_url: str = ""


class PetitionRef(Struct, frozen=True, order=True):
    """The name that tells a petition from all others, on any site: `uk:300239`."""

    site: str
    id: PetitionId

    def __str__(self) -> str:
        return f"{self.site}:{self.id}"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read `uk:300239` as we write it ourselves; ValueError for anything else."""
        site, _, number = name.partition(":")
        if site and number.isascii() and number.isdigit():
            return cls(site, int(number))
        if site and _LETTERED.fullmatch(number):
            return cls(site, number)
        raise ValueError(f"not a petition's name: {name!r}")


class Rejection(Struct, frozen=True):
    """The reason for a rejection: one of an open set of codes, and details in raw Markdown."""

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
        """Return the address of one of its links, "" while there is none."""
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
    """The signatures from one country, constituency, region or parish; `code` is the site's own."""

    name: str
    code: str
    signature_count: int
    mp: str = ""


class Parliament(Struct, frozen=True):
    """The past parliament an archived petition belongs to."""

    period: str
    government: str = ""
    dissolution_at: datetime | None = None


class Wording(Struct, frozen=True):
    """A petition's texts in another language of its site, "" or None where it has none in it."""

    language: str
    url: str
    action: str = ""
    background: str = ""
    additional_details: str = ""
    rejection: Rejection | None = None
    debate: Debate | None = None
    topic_names: tuple[str, ...] = ()


# Why a petition that was never published has no body. It is kept as its state; no site has these.
Unpublication: TypeAlias = Literal["gathering_support", "moderation", "stopped", "hidden"]


_UNPUBLISHED = frozenset(get_args(Unpublication))


class Petition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reading of a petition's body, whatever year's schema it was served in.

    `missing` names the attributes below that this body does not carry at all, which is different
    from carrying null: a missing one has not changed. `like` names the description of its site,
    where the site's own name does not. `called` is the number by which the site calls it now, where
    that is not the one in `ref`.
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
    like: str = ""
    called: str = ""
    submitted_on_paper: bool = False
    parliament: Parliament | None = None
    response_threshold: int | None = None
    referral_threshold: int | None = None
    debate_threshold: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    opened_at: datetime | None = None
    closing_date: date | None = None
    closed_at: datetime | None = None
    referred_at: datetime | None = None
    completed_at: datetime | None = None
    rejected_at: datetime | None = None
    moderation_threshold_reached_at: datetime | None = None
    response_threshold_reached_at: datetime | None = None
    government_response_at: datetime | None = None
    referral_threshold_reached_at: datetime | None = None
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
    topic_names: tuple[str, ...] = ()
    signatures_by_country: tuple[Place, ...] = ()
    signatures_by_constituency: tuple[Place, ...] = ()
    signatures_by_region: tuple[Place, ...] = ()
    other_parliamentary_business: tuple[Business, ...] = ()
    wordings: tuple[Wording, ...] = ()
    missing: frozenset[str] = frozenset()

    @property
    def number(self) -> PetitionId:
        """The number by which the site calls it, with its prefix if it has one."""
        return self.called or self.ref.id

    @property
    def is_open(self) -> bool:
        """True while it can be signed, as far as the site says."""
        return self.state == "open"

    @property
    def is_unpublished(self) -> bool:
        """True if the site has never shown it, so that nothing but its number is known."""
        return self.state in _UNPUBLISHED

    @property
    def is_over(self) -> bool:
        """True once its time to be signed has run out, whatever a committee does with it then."""
        return self.state in {"closed", "completed"}

    @property
    def is_cut_short(self) -> bool:
        """True if it closed before its own closing date, as when Parliament is dissolved.

        What it was still waiting for by then may never come.
        """
        ended, due = self.closed_at, self.closing_date
        return self.is_over and ended is not None and due is not None and ended.date() < due

    @property
    def may_get_no_more(self) -> bool:
        """True if its parliament has ended, or seems to have: what it waits for may never come."""
        return self.archived or self.is_cut_short

    def worded(self, language: str) -> "Petition":
        """Return the petition in another language, as far as its site has it in that."""
        other = next((each for each in self.wordings if each.language == language), None)
        if other is None:
            return self
        return structs.replace(
            self,
            url=other.url,
            action=other.action or self.action,
            background=other.background or self.background,
            additional_details=other.additional_details or self.additional_details,
            rejection=(self.rejection and other.rejection) or self.rejection,
            debate=(self.debate and other.debate) or self.debate,
            topic_names=other.topic_names or self.topic_names,
        )

    def says_the_same(self, other: "Petition") -> bool:
        """Return whether all the texts that are put into other languages are the same."""
        return _texts(self) == _texts(other)

    def without_breakdowns(self) -> "Petition":
        """Return the same reading without its long lists of places."""
        return structs.replace(
            self, signatures_by_country=(), signatures_by_constituency=(), signatures_by_region=()
        )


def _texts(petition: Petition) -> tuple[object, ...]:
    written = (petition.action, petition.background, petition.additional_details)
    return (*written, petition.rejection, petition.debate, petition.topic_names)


class Counts(Struct, frozen=True):
    """The numbers and dates of a petition without its texts, as `count.json` tells them.

    Unless it `tells_dates`, a date that is None here may be there all the same.
    """

    signature_count: int
    response_threshold_reached_at: datetime | None = None
    government_response_at: datetime | None = None
    referral_threshold_reached_at: datetime | None = None
    debate_threshold_reached_at: datetime | None = None
    scheduled_debate_date: date | None = None
    debate_outcome_at: datetime | None = None
    debated: bool | None = None
    tells_dates: bool = True


class Reading(Struct, frozen=True):
    """A signature count and the instant we read it."""

    at: datetime
    signature_count: int


DebateLinkName: TypeAlias = Literal[
    "transcript", "video", "debate_pack", "public_engagement", "debate_summary"
]
