"""Reads JSON bytes into petitions and lists, or raises MalformedPetition (pure)."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any, TypeVar

from msgspec import (
    UNSET,
    Raw,
    Struct,
    UnsetType,
    ValidationError,
    structs,
)

from bot.errors import MalformedPetition
from bot.local_time import LONDON_ZONE
from bot.petitions import bodies
from bot.petitions.forecast import months_later
from bot.petitions.parliaments import DESCRIPTIONS, SiteDescription, description_of
from bot.petitions.parliaments.description import OfficialThreshold
from bot.petitions.parse_places import slug
from bot.petitions.petition import (
    Business,
    Counts,
    Debate,
    Department,
    GovernmentResponse,
    Parliament,
    Petition,
    PetitionId,
    PetitionRef,
    Place,
    Rejection,
    Site,
    Wording,
)

# A day, or an instant.
Day = TypeVar("Day", date, datetime)


class Page(Struct, frozen=True):
    """A page of a list: its petitions, the rows that could not be read, and where it goes on."""

    petitions: tuple[Petition, ...] = ()
    malformed: tuple[MalformedPetition, ...] = ()
    next: str | None = None


class Trending(Struct, frozen=True):
    """A petition that many people sign.

    `signatures_lately` are those of the hours that its site counts
    (`SiteDescription.trending_hours`).
    """

    petition: PetitionRef
    action: str
    signatures_lately: int


class PastParliament(Struct, frozen=True):
    """A parliament whose petitions are in the archive, and the thresholds it had."""

    period: str
    government: str = ""
    dissolution_at: datetime | None = None
    response_threshold: int | None = None
    debate_threshold: int | None = None


# --- reading -------------------------------------------------------------------------------------


def parse_petition(body: bytes, site: Site, asked: PetitionId | None = None) -> Petition:
    """Read the body of one petition, current or archived. Raises MalformedPetition.

    A body may carry another number than the one `asked` for and still be of that petition, which
    then keeps the number it was asked for by.
    """
    try:
        return _petition(bodies.decoded(bodies.SHOW, body).data, site, asked)
    except bodies.UNREADABLE as error:
        raise _malformed(error, site, lambda: bodies.SHOW_IDENTITY.decode(body).data) from error


def parse_wording(body: bytes, site: Site, asked: PetitionId) -> Wording:
    """Read a petition's texts from the site's host in its other language.

    Raises MalformedPetition.
    """
    petition = parse_petition(body, site, asked)
    host = description_of(site).hosts[-1]
    return Wording(
        language=host.language,
        url=f"{site.other_url.rstrip('/')}/{host.paths.petitions}/{asked}",
        action=petition.action,
        background=petition.background,
        additional_details=petition.additional_details,
        rejection=petition.rejection,
        debate=petition.debate,
        topic_names=petition.topic_names,
    )


def parse_page(body: bytes, site: Site) -> Page:
    """Read a page of a list; a row that cannot be read costs only itself.

    Raises MalformedPetition if there are no rows to be found at all.
    """
    with bodies.reading(site):
        page = bodies.LIST.decode(body)
    petitions: list[Petition] = []
    malformed: list[MalformedPetition] = []
    for raw in page.data:
        try:
            petitions.append(_parse_row(raw, site))
        except MalformedPetition as error:
            malformed.append(error)
    return Page(tuple(petitions), tuple(malformed), page.links.next if page.links else None)


def _parse_row(raw: Raw, site: Site) -> Petition:
    try:
        return _petition(bodies.decoded(bodies.ROW, raw), site)
    except bodies.UNREADABLE as error:
        raise _malformed(error, site, lambda: bodies.ROW_IDENTITY.decode(raw)) from error


def parse_counts(body: bytes, site: Site) -> Counts:
    """Read a count.json; only the count itself is in those before August 2025."""
    with bodies.reading(site):
        counts = bodies.decoded(bodies.COUNTS, body)
        return Counts(
            signature_count=counts.signature_count,
            response_threshold_reached_at=_sane(counts.response_threshold_reached_at),
            government_response_at=_sane(counts.government_response_at),
            debate_threshold_reached_at=_sane(counts.debate_threshold_reached_at),
            scheduled_debate_date=_sane(counts.scheduled_debate_date),
            debate_outcome_at=_sane(counts.debate_outcome_at),
            debated=None if counts.debated is UNSET else counts.debated,
            tells_dates=counts.debated is not UNSET,
        )


def parse_trending(body: bytes, site: Site) -> tuple[Trending, ...]:
    """Read trending.json: at most ten petitions, the most signed first, or none in quiet hours."""
    with bodies.reading(site):
        rows = bodies.each_decoded(bodies.TRENDING_ROW, bodies.TRENDING.decode(body).data)
    ids = description_of(site).ids
    return tuple(
        Trending(
            PetitionRef(site.id, number),
            row.attributes.action or row.attributes.title or "",
            row.attributes.signature_count,
        )
        for row in rows
        if (number := row.id if isinstance(row.id, int) else ids.read(row.id)) is not None
    )


def parse_topics(body: bytes, site: Site) -> dict[str, str]:
    """Read topics.json: names by code, in the site's own order."""
    with bodies.reading(site):
        topics = bodies.each_decoded(bodies.TOPIC, bodies.TOPICS.decode(body).values())
    return {topic.code: topic.name or topic.code for topic in topics}


def parse_parliaments(body: bytes, site: Site) -> tuple[PastParliament, ...]:
    """Read parliaments.json: the archived ones, the newest first."""
    with bodies.reading(site):
        return tuple(
            PastParliament(
                period=row.period or "",
                government=row.government or "",
                dissolution_at=_sane(row.dissolution_at),
                response_threshold=row.response_threshold,
                debate_threshold=row.debate_threshold,
            )
            for row in bodies.each_decoded(bodies.PARLIAMENT, bodies.PARLIAMENTS.decode(body))
        )


def works_like(body: bytes) -> str:
    """Return the id of the described site that serves such bodies, "" if that cannot be told.

    The body is that of a petition, or of a list with any.
    """
    row: bodies.Marked | None = None
    with suppress(*bodies.UNREADABLE):
        row = bodies.SHOW_MARKED.decode(body).data
    if row is None:
        with suppress(*bodies.UNREADABLE):
            row = next(iter(bodies.LIST_MARKED.decode(body).data), None)
    found = row.attributes if row else {}
    return next((each.id for each in DESCRIPTIONS.values() if each.mark in found), "")


def _malformed(
    error: Exception, site: Site, identify: Callable[[], bodies.Identity]
) -> MalformedPetition:
    """Make the error for an unreadable body, naming its petition if the number can be read.

    If not, the error is about the number.
    """
    try:
        number = _number(identify(), site, description_of(site))
        return MalformedPetition(site.id, number, bodies.fault_in(error))
    except MalformedPetition as nameless:
        return nameless
    except ValidationError as no_id:
        return MalformedPetition(site.id, None, bodies.fault_in(no_id))
    except bodies.UNREADABLE:
        return MalformedPetition(site.id, None, bodies.fault_in(error))


# --- from what they send to what we mean ---------------------------------------------------------

_TEXTS = ("background", "additional_details", "committee_note", "creator_name")
_DATES = (
    "created_at",
    "updated_at",
    "opened_at",
    "closed_at",
    "rejected_at",
    "moderation_threshold_reached_at",
    "response_threshold_reached_at",
    "government_response_at",
    "debate_threshold_reached_at",
    "debate_outcome_at",
    "referral_threshold_reached_at",
    "referred_at",
    "completed_at",
    "closing_date",
    "debate_scheduled_on",
    "scheduled_debate_date",
)
_dates = attrgetter(*_DATES)

# The attributes that not every schema carries, so that their absence says nothing.
_COMES_AND_GOES = (
    "additional_details",
    "committee_note",
    "closing_date",
    "response_threshold_reached_at",
    "government_response_at",
    "debate_threshold_reached_at",
    "debate_scheduled_on",
    "scheduled_debate_date",
    "debate_outcome_at",
    "creator_name",
    "rejection",
    "government_response",
    "debate",
    "departments",
    "topics",
    "signatures_by_country",
    "signatures_by_constituency",
    "signatures_by_region",
    "other_parliamentary_business",
)
_carried = attrgetter(*_COMES_AND_GOES)

# Of a referral, only where signatures bring one.
_OF_A_REFERRAL = ("referral_threshold_reached_at", "referred_at")


def _petition(row: bodies.Row, site: Site, asked: PetitionId | None = None) -> Petition:
    description = description_of(site)
    told = number = _number(row, site, description)
    if asked is not None and description.ids.may_be_same(asked, number):
        number = asked
    is_renamed = told != number and description.ids.is_for_good(told)
    sent = row.attributes
    _settle_names(sent, description)
    absurd = _settle_dates(sent)
    state = _state(sent, description)
    if state is UNSET or not state:
        raise MalformedPetition(site.id, number, description.state_key)
    if sent.signature_count is UNSET:
        raise MalformedPetition(site.id, number, "signature_count")
    # In a language that it is not written in, a petition has no title.
    if sent.action is UNSET or (sent.action is None and len(description.languages) == 1):
        raise MalformedPetition(site.id, number, "action")
    _settle_closing(sent, state, description)
    archived = row.type == "archived-petition"
    archive = f"{site.url.rstrip('/')}/archived/petitions/{number}"
    return Petition(
        ref=PetitionRef(site.id, number),
        url=archive if archived else description.page(site.url, told if is_renamed else number),
        called=str(told) if is_renamed else "",
        action=_text(sent.action),
        state=state,
        signature_count=sent.signature_count,
        archived=archived,
        like=description.id if description.id != site.id else "",
        submitted_on_paper=sent.submitted_on_paper is True,
        parliament=_parliament(row.parliament),
        missing=frozenset(_missing(sent) | absurd),
        **_thresholds(row, site, description),
        **_plain(sent),
        **_objects(sent),
        **_breakdowns(sent),
    )


def _number(row: bodies.Identity, site: Site, description: SiteDescription) -> PetitionId:
    """Return the number by which a body calls its petition. Raises MalformedPetition."""
    told = row.id if description.id_key == "id" else row.pe_number
    number = description.ids.read(told) if isinstance(told, str) else told
    if number is UNSET or number is None:
        raise MalformedPetition(site.id, None, description.id_key)
    return number


def _settle_names(sent: bodies.Attributes, description: SiteDescription) -> None:
    """Move what came under another name to ours: the first that a body carries is taken."""
    for name, others in description.names:
        for other in others:
            if getattr(sent, name) is UNSET:
                setattr(sent, name, getattr(sent, other))
    if description.threshold("referral") is None:
        for name in _OF_A_REFERRAL:
            setattr(sent, name, UNSET)


def _state(sent: bodies.Attributes, description: SiteDescription) -> str | UnsetType:
    """Return the state by our name for it, else by the site's; UNSET if the body tells none."""
    told: str | UnsetType = getattr(sent, description.state_key)
    if told is UNSET:
        return UNSET
    state = description.states.get(told, told)
    is_undated = state == "closed" and not sent.closed_at
    return description.undated_closing if is_undated and description.undated_closing else state


def _settle_closing(sent: bodies.Attributes, state: str, description: SiteDescription) -> None:
    """Give an open petition its closing date, in whatever way its site knows it."""
    if state != "open":
        return
    match description.closing:
        case "told_day" | "committee":
            pass
        case "told_instant":
            closing = sent.closed_at
            sent.closing_date = closing.astimezone(LONDON_ZONE).date() if closing else None
            sent.closed_at = None
        case "computed":
            if sent.opened_at and description.months_open:
                day = sent.opened_at.astimezone(LONDON_ZONE).date()
                sent.closing_date = months_later(day, description.months_open)


def _missing(sent: bodies.Attributes) -> set[str]:
    values = _carried(sent)
    return {name for name, value in zip(_COMES_AND_GOES, values, strict=True) if value is UNSET}


def _plain(sent: bodies.Attributes) -> dict[str, Any]:
    return {
        **{name: _text(getattr(sent, name)) for name in _TEXTS},
        **{name: told for name, told in zip(_DATES, _dates(sent), strict=True) if told},
    }


def _objects(sent: bodies.Attributes) -> dict[str, Any]:
    return {
        "rejection": _rejection(sent.rejection or None),
        "government_response": _response(
            sent.government_response or None, is_told=bool(sent.government_response_at)
        ),
        "debate": _debate(sent.debate or None, is_told=bool(sent.debate_outcome_at)),
        "departments": tuple(
            Department(item.name or "", item.acronym or "", item.url or "")
            for item in sent.departments or ()
        ),
        "topics": tuple(item if isinstance(item, str) else item.code for item in sent.topics or ()),
        "topic_names": tuple(
            item.name for item in sent.topics or () if not isinstance(item, str) and item.name
        ),
        "other_parliamentary_business": tuple(
            _business(item)
            for item in (sent.other_parliamentary_business or ())[:_MOST_BUSINESS]
            if item.subject or item.body
        ),
    }


def _breakdowns(sent: bodies.Attributes) -> dict[str, Any]:
    return {
        "signatures_by_country": tuple(
            Place(item.name, item.code or "", item.signature_count)
            for item in sent.signatures_by_country or ()
        ),
        "signatures_by_constituency": _areas(sent.signatures_by_constituency or ()),
        "signatures_by_region": _areas(sent.signatures_by_region or ()),
    }


def _areas(sent: Iterable[bodies.Area]) -> tuple[Place, ...]:
    # A place's code; of one that has none, its name as it stands in addresses.
    return tuple(
        Place(
            item.name,
            item.ons_code or str(item.id or "") or slug(item.name),
            item.signature_count,
            item.mp or "",
        )
        for item in sent
    )


def _rejection(sent: bodies.Rejection | None) -> Rejection | None:
    """Read a rejection; None if its code is null, as open petitions can carry it.

    The old archive has no codes: there the details are enough.
    """
    if sent is None or not (sent.code or (sent.code is UNSET and sent.details)):
        return None
    return Rejection(sent.code or "", _text(sent.details))


def _response(sent: bodies.Response | None, *, is_told: bool) -> GovernmentResponse | None:
    """Read a response; None if it is empty, and no date says either that there is one."""
    if sent is None or not (is_told or any(structs.astuple(sent))):
        return None
    return GovernmentResponse(
        summary=_text(sent.summary),
        details=_text(sent.details),
        responded_on=_sane(sent.responded_on),
        created_at=_sane(sent.created_at),
        updated_at=_sane(sent.updated_at),
    )


def _debate(sent: bodies.Debate | None, *, is_told: bool) -> Debate | None:
    """Read a debate's outcome; None if it is empty, and no date says either that there is one."""
    if sent is None or not (is_told or any(structs.astuple(sent))):
        return None
    said = structs.asdict(sent)
    debated_on = said.pop("debated_on")
    return Debate(debated_on, **{name: _text(text) for name, text in said.items()})


def _business(sent: bodies.Business) -> Business:
    return Business(
        subject=_text(sent.subject),
        body=_text(sent.body),
        occurred_on=_sane(sent.occurred_on),
        created_at=_sane(sent.created_at),
    )


def _parliament(sent: bodies.Parliament | None) -> Parliament | None:
    if sent is None:
        return None
    return Parliament(sent.period or "", sent.government or "", _sane(sent.dissolution_at))


def _thresholds(row: bodies.Row, site: Site, description: SiteDescription) -> dict[str, Any]:
    return {
        f"{threshold.kind}_threshold": _signatures(threshold, row, site)
        for threshold in description.thresholds
    }


def _signatures(threshold: OfficialThreshold, row: bodies.Row, site: Site) -> int | None:
    """Return the signatures a threshold takes; None if it is not for such a petition.

    The number is as the petition tells it, or its parliament, or the site's configuration.
    """
    if threshold.needs and getattr(row.attributes, threshold.needs) is UNSET:
        return None
    past = row.parliament or bodies.Parliament()
    match threshold.kind:
        case "response":
            told = (past.response_threshold, site.response_threshold)
        case "debate":
            told = (past.debate_threshold, site.debate_threshold)
        case "referral":
            told = (None, threshold.usual)
    own = getattr(row.attributes, threshold.told_as) if threshold.told_as else None
    return next((number for number in (own, *told) if isinstance(number, int)), None)


# No text of a petition is a third as long, and no petition has come up a third as often.
_LONGEST_TEXT, _MOST_BUSINESS = 50_000, 500


def _text(sent: bodies.Sent[str]) -> str:
    """Return a text up to a length beyond which nobody reads it; "" for none."""
    return sent[:_LONGEST_TEXT] if sent else ""


# Dates beyond these are slips of somebody's pen, and break whatever reckons with them.
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


def _settle_dates(sent: bodies.Attributes) -> set[str]:
    """Put instants in UTC, and make impossible dates UNSET, as if they were not told.

    A debate on an impossible day goes as a whole. Returns the names of what is UNSET now.
    """
    absurd: set[str] = set()
    for name, told in zip(_DATES, _dates(sent), strict=True):
        if told:
            at = _sane(told)
            setattr(sent, name, at or UNSET)
            if at is None:
                absurd.add(name)
    if sent.debate and sent.debate.debated_on and not _sane(sent.debate.debated_on):
        sent.debate = UNSET
        absurd.add("debate")
    return absurd


def _sane(told: bodies.Sent[Day]) -> Day | None:
    """Return a day as it is, and an instant in UTC, for which one without a zone is taken.

    None if it is not told, or the year written there is impossible.
    """
    if not told or not _FIRST_YEAR <= told.year <= _LAST_YEAR:
        return None
    if not isinstance(told, datetime):
        return told
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
