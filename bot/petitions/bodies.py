"""The bodies that petitions sites send, of every year and fork, and how they are decoded (pure).

A site's description says which key means what there; `parse.py` turns these bodies into our own
records. A key that a body lacks is UNSET here, which is different from null.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Generic, TypeAlias, TypeVar

from msgspec import (
    UNSET,
    DecodeError,
    Meta,
    Raw,
    Struct,
    UnsetType,
    ValidationError,
    convert,
    field,
    json,
)

from bot.errors import MalformedPetition
from bot.petitions.petition import Site

T = TypeVar("T")

# More than there are people is not a number of signatures.
Count: TypeAlias = Annotated[int, Meta(ge=0, le=10**10)]
Id: TypeAlias = Annotated[int, Meta(ge=1, le=2**63 - 1)]
# A key's value: null is None, and a key that is not there is UNSET, which means something else.
Sent: TypeAlias = T | UnsetType | None

# Several times as many as any site has: it is read while nothing else is done. The most are 650
# constituencies, 50 petitions on a page, and some ten departments or topics of one petition.
Places: TypeAlias = Annotated[list[T], Meta(max_length=2_000)]
Labels: TypeAlias = Annotated[list[T], Meta(max_length=500)]
PageRows: TypeAlias = Annotated[list[Raw], Meta(max_length=150)]
Rows: TypeAlias = Annotated[list[Raw], Meta(max_length=2_000)]
RowsByCode: TypeAlias = Annotated[dict[str, Raw], Meta(max_length=2_000)]


class Rejection(Struct):
    code: Sent[str] = UNSET
    details: str | None = None


class Response(Struct):
    summary: str | None = None
    details: str | None = None
    responded_on: date | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Debate(Struct):
    debated_on: date | None = None
    overview: str | None = None
    transcript_url: str | None = None
    video_url: str | None = None
    debate_pack_url: str | None = None
    public_engagement_url: str | None = None
    debate_summary_url: str | None = None


class Department(Struct):
    name: str | None
    acronym: str | None = None
    url: str | None = None


class Topic(Struct):
    code: str
    name: str | None = None


class Country(Struct):
    name: str
    signature_count: Count
    code: str | None = None


class Area(Struct):
    name: str
    signature_count: Count
    ons_code: str | None = None
    id: str | int | None = None
    mp: str | None = None


class Business(Struct):
    subject: str | None = None
    body: str | None = None
    occurred_on: date | None = None
    created_at: datetime | None = None


class Parliament(Struct):
    period: str | None = None
    government: str | None = None
    dissolution_at: datetime | None = None
    response_threshold: Count | None = None
    debate_threshold: Count | None = None


class Attributes(Struct):
    state: str | UnsetType = UNSET
    signature_count: Count | UnsetType = UNSET
    action: Sent[str] = UNSET
    background: Sent[str] = UNSET
    additional_details: Sent[str] = UNSET
    committee_note: Sent[str] = UNSET
    created_at: Sent[datetime] = UNSET
    updated_at: Sent[datetime] = UNSET
    opened_at: Sent[datetime] = UNSET
    closing_date: Sent[date] = UNSET
    closed_at: Sent[datetime] = UNSET
    rejected_at: Sent[datetime] = UNSET
    moderation_threshold_reached_at: Sent[datetime] = UNSET
    response_threshold_reached_at: Sent[datetime] = UNSET
    government_response_at: Sent[datetime] = UNSET
    debate_threshold_reached_at: Sent[datetime] = UNSET
    debate_scheduled_on: Sent[date] = UNSET
    scheduled_debate_date: Sent[date] = UNSET
    debate_outcome_at: Sent[datetime] = UNSET
    creator_name: Sent[str] = UNSET
    rejection: Sent[Rejection] = UNSET
    government_response: Sent[Response] = UNSET
    debate: Sent[Debate] = UNSET
    departments: Sent[Labels[Department]] = UNSET
    topics: Sent[Labels[str | Topic]] = UNSET
    signatures_by_country: Sent[Places[Country]] = UNSET
    signatures_by_constituency: Sent[Places[Area]] = UNSET
    signatures_by_region: Sent[Places[Area]] = UNSET
    other_parliamentary_business: Sent[list[Business]] = UNSET
    # The archive before 2017-06.
    title: Sent[str] = UNSET
    description: Sent[str] = UNSET
    # Current petitions before 2017-07.
    open_at: Sent[datetime] = UNSET
    # The Senedd.
    threshold_for_referral: Sent[Count] = UNSET
    threshold_for_debate: Sent[Count] = UNSET
    referral_threshold_reached_at: Sent[datetime] = UNSET
    # Jersey; the misspelt key is the one it sends while there is no response.
    ministers_response: Sent[Response] = UNSET
    ministers_reponse: Sent[Response] = UNSET
    ministers_response_at: Sent[datetime] = UNSET
    signatures_by_parish: Sent[Places[Area]] = UNSET
    # Scotland.
    status: str | UnsetType = UNSET
    summary: Sent[str] = UNSET
    background_information: Sent[str] = UNSET
    petitioner: Sent[str] = UNSET
    # The Senedd and Scotland.
    referred_at: Sent[datetime] = UNSET
    completed_at: Sent[datetime] = UNSET
    submitted_on_paper: Sent[bool] = UNSET


class Identity(Struct):
    id: Id | UnsetType = UNSET
    pe_number: str | UnsetType = UNSET


class Row(Identity, kw_only=True):
    attributes: Attributes
    type: str | None = None
    parliament: Parliament | None = None


class Show(Struct, Generic[T]):
    data: T


class Links(Struct):
    next: str | None = None


class List(Struct):
    data: PageRows
    links: Links | None = None


class Counts(Struct):
    signature_count: Count
    response_threshold_reached_at: datetime | None = None
    government_response_at: datetime | None = None
    debate_threshold_reached_at: datetime | None = None
    scheduled_debate_date: date | None = None
    debate_outcome_at: datetime | None = None
    debated: bool | UnsetType | None = UNSET


class TrendingAttributes(Struct):
    signature_count: Count
    action: str | None = None
    title: str | None = None


class TrendingRow(Struct):
    id: Id | str
    attributes: TrendingAttributes


class Constituency(Struct):
    ons_code: str
    name: str = field(name="constituency")
    mp: str | None = None
    party: str | None = None
    start_date: date | None = None
    end_date: date | None = None


class Member(Struct):
    """A member by name, or wrapped once more, as Scotland's site has those of a region."""

    name: str = ""
    party: str | None = None
    member: "Member | None" = None


class Region(Struct):
    name: str
    members: list[Member] = []


class Seat(Struct):
    id: str
    name: str
    member: Member | None = None
    members: list[Member] = []
    region: Region | None = None


class Parish(Struct):
    parish: str


class LocalPetition(Struct):
    action: str
    url: str
    state: str
    total_signature_count: Count
    constituency_signature_count: Count = 0
    parish_signature_count: Count = 0


class Locals(Struct):
    petitions: Rows


class Marked(Struct):
    """A petition of which only the names of its body's keys matter."""

    attributes: dict[str, Raw]


SHOW = json.Decoder(Show[Row])
SHOW_MARKED = json.Decoder(Show[Marked])
LIST_MARKED = json.Decoder(Show[list[Marked]])
SHOW_IDENTITY = json.Decoder(Show[Identity])
ROW = json.Decoder(Row)
ROW_IDENTITY = json.Decoder(Identity)
LIST = json.Decoder(List)
COUNTS = json.Decoder(Counts)
TRENDING = json.Decoder(Show[Rows])
TRENDING_ROW = json.Decoder(TrendingRow)
CONSTITUENCIES = json.Decoder(RowsByCode | Rows)
CONSTITUENCY = json.Decoder(Constituency)
SEAT = json.Decoder(Seat)
PARLIAMENTS = json.Decoder(Rows)
PARLIAMENT = json.Decoder(Parliament)
TOPICS = json.Decoder(RowsByCode)
TOPIC = json.Decoder(Topic)
PARISHES = json.Decoder(Annotated[dict[str, Parish], Meta(max_length=2_000)])
LOCALS = json.Decoder(Locals)
LOCAL = json.Decoder(LocalPetition)


# --- decoding ------------------------------------------------------------------------------------

# The errors that decoding may raise; RecursionError is for brackets without end.
UNREADABLE = (DecodeError, UnicodeDecodeError, RecursionError)

_MISSING = re.compile(r"required field `([^`]+)`")
_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_PREFIX = re.compile(r"^(?:data\.)?(?:attributes\.)?")


@contextmanager
def reading(site: Site) -> Iterator[None]:
    """Turn errors of decoding a body that is not about one petition into MalformedPetition."""
    try:
        yield
    except UNREADABLE as error:
        raise MalformedPetition(site.id, None, fault_in(error)) from error


def each_decoded(decoder: json.Decoder[T], raws: Iterable[Raw]) -> list[T]:
    """Decode the rows of a list, leaving out unreadable ones; raise the first error if all are."""
    rows: list[T] = []
    first: Exception | None = None
    for raw in raws:
        try:
            rows.append(decoded(decoder, raw))
        except UNREADABLE as error:
            first = first or error
    if first and not rows:
        raise first
    return rows


def decoded(decoder: json.Decoder[T], body: bytes | Raw) -> T:
    """Decode a body, reading a date in it that is none as 0001-01-01 instead of failing.

    Raises one of UNREADABLE if anything else is wrong.
    """
    try:
        return decoder.decode(body)
    except ValidationError:
        document = json.decode(body)
        if not _replace_bad_dates(document):
            raise
    return decoder.decode(json.encode(document))


def _replace_bad_dates(document: object) -> bool:
    """Put 0001-01-01 in place of each date that is none; return whether there was any."""
    if isinstance(document, list):
        return any([_replace_bad_dates(item) for item in document])
    if not isinstance(document, dict):
        return False
    found = False
    for name, value in document.items():
        kind = datetime if name.endswith("_at") else date if _DAY_NAME.search(name) else None
        if kind is None:
            found |= _replace_bad_dates(value)
        elif value is not None and not _is_readable(value, kind):
            document[name] = _NO_DAY if kind is date else f"{_NO_DAY}T00:00:00Z"
            found = True
    return found


_DAY_NAME = re.compile("_(on|date)$")
_NO_DAY = "0001-01-01"


def _is_readable(value: object, kind: type[date]) -> bool:
    try:
        convert(value, kind)
    except ValidationError:
        return False
    return True


def fault_in(error: Exception) -> str:
    """Return the field where a body stops making sense: `rejection.code`, or `body` for all."""
    if not isinstance(error, ValidationError):
        return "body"
    message = str(error)
    path = match[1] if (match := _PATH.search(message)) else ""
    if match := _MISSING.search(message):
        path = f"{path}.{match[1]}"
    return _PREFIX.sub("", path.lstrip(".")) or "body"
