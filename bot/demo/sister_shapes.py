"""Functional core: the forms in which the Senedd's, Scotland's and Jersey's sites answer.

All four sites run the same software, and each has bent it: other addresses and a second host in
another language, other names of fields and lists, other ways to say that a petition is gone.
Petitions are given in each site's own words. What a second host says otherwise stands under that
language's code among the attributes: `{"action": "A ferry", "cy": {"action": "Fferi"}}`.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Literal

from bot.demo.petition_bodies import timestamp
from bot.demo.petition_lists import BIGGEST_PAGE, Attributes, Facet, ListQuery, Row

BREAKDOWNS = (
    "signatures_by_country",
    "signatures_by_constituency",
    "signatures_by_region",
    "signatures_by_parish",
)

_OPEN_FOR = timedelta(days=182)

Key = Literal["id", "pe_number"]


@dataclass(frozen=True, slots=True)
class SisterShape:
    """The ways of its own in which one site answers.

    `words` gives the parts of its addresses on the second host by those on the first; `lacks` the
    addresses it does not have. `counted` are the fields of `count.json`.
    """

    name: str
    facets: Mapping[str, Facet]
    counted: Sequence[str]
    state_field: str = "state"
    key: Key = "id"
    other_language: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    page_size: int = 50
    has_topics: bool = False
    gone: HTTPStatus = HTTPStatus.GONE
    trending_for: timedelta = timedelta(hours=24)
    escapes: bool = False
    cookie: str = ""

    def english(self, path: str) -> str:
        """Return a path as the first host has it, in whichever language it is written."""
        return _translated(path, {other: own for own, other in self.words.items()})

    def local(self, path: str, language: str) -> str:
        """Return a path of the first host as the host of that language has it."""
        return _translated(path, self.words) if language else path

    def has_facet(self, name: str, rows: Sequence[Row]) -> bool:
        """Return whether a list exists; Scotland's debates do if its petitions tell of them."""
        if self.key == "pe_number" and name in {"debated", "not_debated"}:
            return any("debate" in row.attributes for row in rows)
        return name in self.facets


def _translated(path: str, words: Mapping[str, str]) -> str:
    return re.sub(r"[^/.]+", lambda part: words.get(part[0], part[0]), path)


@dataclass(frozen=True, slots=True)
class SisterQuery(ListQuery):
    """The query of a request for a list of a sister site."""

    page_size: int = 50
    is_clamped: bool = False
    has_topics: bool = False

    @classmethod
    def of(cls, query: ListQuery, shape: SisterShape) -> "SisterQuery":
        is_clamped = shape.name == "jersey"
        return cls(query.given, shape.page_size, is_clamped, shape.has_topics)

    @property
    def size(self) -> int:
        """The rows on a page; a `count` that is no number means one in Jersey, else the usual."""
        asked = self.last("count")
        if self.is_clamped and self.has("count"):
            number = int(asked) if re.fullmatch(r"-?\d{1,9}", asked, re.ASCII) else 0
            return max(1, min(number, BIGGEST_PAGE))
        valid = re.fullmatch(r"[1-9]|[1-5][0-9]", asked)
        return min(int(asked), BIGGEST_PAGE) if valid else self.page_size

    def matches(self, row: Row) -> bool:
        """Return whether a row fits; words are looked for in both languages, on either host."""
        words = self.last("q").casefold().split()
        others = [each for each in row.attributes.values() if isinstance(each, Mapping)]
        told = [value for part in (row.attributes, *others) for value in part.values()]
        text = " ".join(value for value in told if isinstance(value, str)).casefold()
        topics = {topic["code"] for topic in row.get("topics") or ()}
        wanted = self.topics if self.has_topics else []
        return all(word in text for word in words) and topics.issuperset(wanted)

    def kept(self, page: int, texts: Sequence[str]) -> str:
        """Return the query of a link to another page, which drops the topic."""
        plain = tuple((key, value) for key, value in self.given if not key.startswith("topic"))
        return ListQuery.kept(replace(self, given=plain), page, texts)


# --- lists


def _is(field: str, *states: str) -> Callable[[Row], bool]:
    return lambda row: row.get(field) in states and not row.get("archived_at")


def _text(name: str) -> Callable[[Row], str]:
    return lambda row: row.text(name)


def _empty_first(name: str) -> Callable[[Row], tuple[bool, str]]:
    return lambda row: (not row.get(name), row.text(name))


def _responded(row: Row) -> bool:
    return bool(row.get("ministers_response"))


def _in_debate(*states: str) -> Callable[[Row], bool]:
    return lambda row: row.debate_state in states and not row.get("archived_at")


_NEWEST = (_text("created_at"), True)
_BIGGEST = [_NEWEST, (lambda row: row.get("signature_count") or 0, True)]
_BY_OUTCOME = [_NEWEST, (_empty_first("debate_outcome_at"), True)]
_DEBATES = {
    "debated": Facet(_in_debate("debated"), _BY_OUTCOME),
    "not_debated": Facet(_in_debate("not_debated"), _BY_OUTCOME),
}
_ALL = ("open", "closed", "completed", "rejected")

SENEDD = SisterShape(
    "senedd",
    facets={
        "all": Facet(_is("state", *_ALL), [_NEWEST]),
        "open": Facet(_is("state", "open"), _BIGGEST),
        "referred": Facet(
            lambda row: _is("state", "closed")(row) and bool(row.get("referred_at")),
            [(_text("closed_at"), True)],
        ),
        "completed": Facet(_is("state", "completed"), [(_text("closed_at"), True)]),
        "rejected": Facet(_is("state", "rejected"), [_NEWEST]),
        "archived": Facet(
            lambda row: bool(row.get("archived_at")), [(_empty_first("closed_at"), True)]
        ),
        **_DEBATES,
    },
    counted=("threshold_for_referral", "threshold_for_debate"),
    other_language="cy",
    words={
        "petitions": "deisebau",
        "count": "cyfrif",
        "gathering-support": "casglu-cefnogaeth",
        "moderation-info": "cymedroli-gwybodaeth",
        "local": "lleol",
        "all": "bob",
        "topics": "pynciau",
        "trending": "tueddiadau",
        "countries": "gwledydd",
        "constituencies": "etholaethau",
        "regions": "rhanbarthau",
    },
    lacks=frozenset({"parishes"}),
    has_topics=True,
)

SCOTLAND = SisterShape(
    "scotland",
    facets={
        "all": Facet(
            _is("status", "under_consideration", "closed", "rejected"),
            [(_empty_first("opened_at"), True)],
        ),
        "under_consideration": Facet(
            _is("status", "under_consideration"), [(_text("under_consideration_at"), True)]
        ),
        "closed": Facet(
            lambda row: _is("status", "closed")(row) and bool(row.get("closed_at")),
            [(_text("closed_at"), True)],
        ),
        "archived": Facet(lambda row: bool(row.get("archived_at")), [(_text("closed_at"), True)]),
        **_DEBATES,
    },
    counted=("threshold_for_referral", "threshold_for_debate"),
    state_field="status",
    key="pe_number",
    other_language="gd",
    words={
        "petitions": "athchuingean",
        "count": "cunnt",
        "gathering-support": "cruinneachadh-taic",
        "moderation-info": "fiosrachadh-measaidh",
        "local": "ionadail",
        "all": "uile",
        "topics": "cuspairean",
        "trending": "gluasadan",
        "constituencies": "roinnean-parlamaid",
    },
    lacks=frozenset({"regions", "countries", "parishes"}),
    page_size=15,
)

JERSEY = SisterShape(
    "jersey",
    facets={
        "all": Facet(_is("state", "open", "closed", "rejected"), _BIGGEST),
        "open": Facet(_is("state", "open"), _BIGGEST),
        "closed": Facet(_is("state", "closed"), _BIGGEST),
        "rejected": Facet(_is("state", "rejected"), [_NEWEST]),
        "awaiting_response": Facet(
            lambda row: bool(row.get("response_threshold_reached_at")) and not _responded(row),
            [(_text("response_threshold_reached_at"), False)],
        ),
        "with_response": Facet(_responded, [(_text("ministers_response_at"), True)]),
        "awaiting_debate": Facet(
            _in_debate("awaiting", "scheduled"),
            [(_empty_first("scheduled_debate_date"), False)],
        ),
        **_DEBATES,
    },
    counted=(),
    lacks=frozenset({"topics", "trending", "countries", "constituencies", "regions"}),
    gone=HTTPStatus.NOT_FOUND,
    escapes=True,
    cookie="seen_cookie_message",
)


# --- bodies


def senedd_petition(opened_at: datetime, /, **changes: Any) -> dict[str, Any]:
    """Return the complete attributes of an ordinary open petition to the Senedd."""
    opened = timestamp(opened_at)
    plain: dict[str, Any] = {
        "action": "A petition",
        "background": "What it asks for.",
        "additional_details": None,
        "state": "open",
        "signature_count": 6,
        "threshold_for_referral": 250,
        "threshold_for_debate": 10_000,
        "created_at": opened,
        "updated_at": opened,
        "rejected_at": None,
        "opened_at": opened,
        "closed_at": timestamp(opened_at + _OPEN_FOR),
        "completed_at": None,
        "moderation_threshold_reached_at": opened,
        "referral_threshold_reached_at": None,
        "referred_at": None,
        "debate_threshold_reached_at": None,
        "scheduled_debate_date": None,
        "debate_outcome_at": None,
        "archived_at": None,
        "submitted_on_paper": False,
        "submitted_on": None,
        "creator_name": "A. Reader",
        "rejection": None,
        "debate": None,
        "topics": [],
        "signatures_by_country": [],
        "signatures_by_constituency": [],
        "signatures_by_region": [],
    }
    return plain | changes


def scottish_petition(pe_number: str, opened_at: datetime, /, **changes: Any) -> dict[str, Any]:
    """Return the complete attributes of a petition that the Scottish Parliament considers.

    Its site tells of thresholds and debates only where these are switched on: they are not here.
    """
    opened = timestamp(opened_at)
    plain: dict[str, Any] = {
        "pe_number": pe_number,
        "title": "A petition",
        "summary": "What it asks for.",
        "background_information": None,
        "petitioner": "A. Reader",
        "status": "under_consideration",
        "signature_count": 6,
        "created_at": opened,
        "updated_at": opened,
        "rejected_at": None,
        "opened_at": opened,
        "under_consideration_at": opened,
        "closed_at": None,
        "archived_at": None,
        "submitted_on_paper": False,
        "submitted_on": None,
        "creator_name": "A. Reader",
        "rejection": None,
        "topics": [],
        "signatures_by_country": [],
        "signatures_by_constituency": [],
        "signatures_by_region": [],
    }
    return plain | changes


def jersey_petition(opened_at: datetime, /, **changes: Any) -> dict[str, Any]:
    """Return the complete attributes of an ordinary open petition to the States Assembly."""
    opened = timestamp(opened_at)
    plain: dict[str, Any] = {
        "action": "A petition",
        "background": "What it asks for.",
        "additional_details": None,
        "state": "open",
        "signature_count": 6,
        "created_at": opened,
        "updated_at": opened,
        "rejected_at": None,
        "opened_at": opened,
        "closed_at": None,
        "moderation_threshold_reached_at": opened,
        "response_threshold_reached_at": None,
        "ministers_response_at": None,
        "debate_threshold_reached_at": None,
        "scheduled_debate_date": None,
        "debate_outcome_at": None,
        "creator_name": "A. Reader",
        "rejection": None,
        "ministers_response": None,
        "debate": None,
        "signatures_by_parish": [],
    }
    return plain | changes


def as_served(
    shape: SisterShape, attributes: Attributes, language: str, *, listed: bool = False
) -> dict[str, Any]:
    """Return the attributes as a host shows them in this state."""
    texts = attributes.get(language) or {}
    is_rejected = attributes.get(shape.state_field) == "rejected"
    hidden = {"pe_number", shape.other_language}
    hidden |= set(BREAKDOWNS) if listed or is_rejected else set()
    served = {name: texts.get(name, attributes[name]) for name in attributes if name not in hidden}
    if "ministers_response" in served and served["ministers_response"] is None:
        served["ministers_reponse"] = served.pop("ministers_response")
    return served


def name_of(shape: SisterShape, petition_id: int, attributes: Attributes) -> str:
    """Return a petition's name in addresses: its id, or in Scotland its number once published."""
    if shape.key == "id":
        return str(petition_id)
    is_published = attributes.get("pe_number") and attributes.get("status") != "rejected"
    return str(attributes["pe_number"]) if is_published else f"PP{petition_id:04}"


def resource(
    shape: SisterShape,
    host: str,
    petition_id: int,
    attributes: Attributes,
    language: str,
    *,
    listed: bool = False,
) -> dict[str, Any]:
    """Return a petition as `data` holds it."""
    name = name_of(shape, petition_id, attributes)
    link = {"links": {"self": self_link(shape, host, name, language)}} if listed else {}
    key = {"id": petition_id} if shape.key == "id" else {"pe_number": name}
    served = as_served(shape, attributes, language, listed=listed)
    return {"type": "petition", **key, **link, "attributes": served}


def self_link(shape: SisterShape, host: str, name: str, language: str) -> str:
    return host + shape.local(f"/petitions/{name}.json", language)


def encoded(shape: SisterShape, value: Any) -> bytes:
    """Return compact JSON; Jersey's software writes `& < >` as escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if shape.escapes:
        text = re.sub("[&<>]", lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.encode()


def count_of(shape: SisterShape, attributes: Attributes) -> dict[str, Any]:
    """Return the body of `count.json`: Scotland tells of thresholds even where it has none."""
    unset = {"threshold_for_referral": 50, "threshold_for_debate": 5_000}
    others = {name: attributes.get(name, unset[name]) for name in shape.counted}
    return {"signature_count": attributes.get("signature_count", 0), **others}


def trending_of(
    shape: SisterShape,
    host: str,
    rows: Sequence[tuple[int, int, Attributes]],
    language: str,
    now: datetime,
) -> dict[str, Any]:
    """Return the body of the trending list.

    `rows` holds (petition id, signatures of the last day, attributes), biggest first.
    """
    items = []
    for petition_id, signatures, attributes in rows:
        name = name_of(shape, petition_id, attributes)
        served = as_served(shape, attributes, language)
        title = served.get("action") or served.get("title")
        items.append(
            {
                "type": "petition",
                "id": petition_id if shape.key == "id" else name,
                "links": {"self": self_link(shape, host, name, language)},
                "attributes": {"action": title, "signature_count": signatures},
            }
        )
    link = host + shape.local("/trending.json", language)
    updated = timestamp(now.replace(second=0, microsecond=0))
    return {"data": items, "links": {"self": link}, "meta": {"updated_at": updated}}


def local_of(
    shape: SisterShape,
    host: str,
    place: Mapping[str, Any],
    rows: Sequence[tuple[int, Attributes]],
    language: str,
) -> dict[str, Any]:
    """Return the petitions of a place, the most signed there first."""
    kind = "parish" if shape.key == "id" and not shape.words else "constituency"
    found = []
    for petition_id, attributes in rows:
        places = attributes.get(f"signatures_by_{kind}") or ()
        here = sum(one["signature_count"] for one in places if one["name"] == place["name"])
        if here:
            served = as_served(shape, attributes, language)
            name = name_of(shape, petition_id, attributes)
            found.append(
                {
                    "action": served.get("action") or served.get("title"),
                    "url": host + shape.local(f"/petitions/{name}", language),
                    "state": served.get(shape.state_field),
                    f"{kind}_signature_count": here,
                    "total_signature_count": attributes.get("signature_count", 0),
                }
            )
    found.sort(key=lambda item: -int(item[f"{kind}_signature_count"]))
    told = place["name"] if kind == "parish" else dict(place)
    return {kind: told, "petitions": found[:50]}
