"""Functional core: the JSON a petitions site sends, made from a petition's attributes."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from bot.demo.petition_lists import Attributes, debate_state, london_date
from bot.local_time import LONDON_ZONE

BREAKDOWNS = ("signatures_by_country", "signatures_by_constituency", "signatures_by_region")
SHOW_ONLY = (*BREAKDOWNS, "other_parliamentary_business")

# The order in which the site sends them.
ATTRIBUTES = (
    "action",
    "background",
    "additional_details",
    "committee_note",
    "state",
    "signature_count",
    "closing_date",
    "created_at",
    "updated_at",
    "rejected_at",
    "opened_at",
    "closed_at",
    "moderation_threshold_reached_at",
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
    *SHOW_ONLY,
)

_LISTS = {"departments", "topics", *SHOW_ONLY}
_OPEN_FOR = timedelta(days=182)


def timestamp(moment: datetime) -> str:
    """Return an instant as petition JSON writes it: UTC, three decimals, Z."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def london_timestamp(text: str | None) -> str | None:
    """Return a time as count.json writes it: with London's offset from UTC; None for none."""
    if not text:
        return None
    return moment_of(text).astimezone(LONDON_ZONE).isoformat(timespec="milliseconds")


def open_petition(opened_at: datetime, /, **changes: Any) -> dict[str, Any]:
    """Return the complete attributes of an ordinary open petition, with `changes` made."""
    opened = timestamp(opened_at)
    plain: dict[str, Any] = {name: [] if name in _LISTS else None for name in ATTRIBUTES}
    plain |= {
        "action": "A petition",
        "background": "What it asks for.",
        "state": "open",
        "signature_count": 6,
        "closing_date": (london_date(opened_at) + _OPEN_FOR).isoformat(),
        "created_at": opened,
        "updated_at": opened,
        "opened_at": opened,
        "moderation_threshold_reached_at": opened,
        "creator_name": "A. Reader",
    }
    return plain | changes


def as_served(
    attributes: Attributes, *, listed: bool = False, archived: bool = False
) -> dict[str, Any]:
    """Return the attributes the site shows of a petition in this state, in the site's order."""
    is_open = attributes.get("state") == "open"
    hidden: set[str] = set(SHOW_ONLY) if listed else set()
    hidden |= set() if is_open else {"closing_date"}
    hidden |= set(SHOW_ONLY) if attributes.get("state") == "rejected" else set()
    hidden |= {"creator_name", "closing_date"} if archived else set()
    known = [name for name in ATTRIBUTES if name in attributes]
    others = [name for name in attributes if name not in ATTRIBUTES]
    served = {name: attributes[name] for name in [*known, *others] if name not in hidden}
    if not is_open and "creator_name" in served:
        served["creator_name"] = None
    return served


def show_body(site: str, petition_id: int, attributes: Attributes) -> bytes:
    data = {"type": "petition", "id": petition_id, "attributes": as_served(attributes)}
    return encode({"links": {"self": f"{site}/petitions/{petition_id}.json"}, "data": data})


def archived_body(
    site: str, petition_id: int, attributes: Attributes, parliament: Mapping[str, Any]
) -> bytes:
    data = {
        "type": "archived-petition",
        "id": petition_id,
        "parliament": dict(parliament),
        "attributes": as_served(attributes, archived=True),
    }
    link = f"{site}/archived/petitions/{petition_id}.json"
    return encode({"links": {"self": link}, "data": data})


def list_item(
    site: str, petition_id: int, attributes: Attributes, parliament: Mapping[str, Any] | None
) -> Attributes:
    """Return a row of a list; `parliament` is given for an archived petition."""
    archived = parliament is not None
    folder = "archived/petitions" if archived else "petitions"
    return {
        "type": "archived-petition" if archived else "petition",
        "id": petition_id,
        "links": {"self": f"{site}/{folder}/{petition_id}.json"},
        **({"parliament": dict(parliament)} if parliament is not None else {}),
        "attributes": as_served(attributes, listed=True, archived=archived),
    }


def count_body(attributes: Attributes, now: datetime) -> bytes:
    def reached(name: str) -> str | None:
        return london_timestamp(attributes.get(name))

    return encode(
        {
            "signature_count": attributes.get("signature_count", 0),
            "response_threshold_reached_at": reached("response_threshold_reached_at"),
            "government_response_at": reached("government_response_at"),
            "debate_threshold_reached_at": reached("debate_threshold_reached_at"),
            "scheduled_debate_date": attributes.get("scheduled_debate_date"),
            "debate_outcome_at": reached("debate_outcome_at"),
            "debated": debate_state(attributes, london_date(now)) == "debated",
        }
    )


def trending_body(site: str, hourly: Iterable[tuple[int, int, Attributes]], now: datetime) -> bytes:
    """Return the body of the trending list.

    `hourly` holds (petition id, signatures of the last hour, attributes), biggest first.
    """
    items = [
        {
            "type": "petition",
            "id": petition_id,
            "links": {"self": f"{site}/petitions/{petition_id}.json"},
            "attributes": {"action": attributes.get("action"), "signature_count": signatures},
        }
        for petition_id, signatures, attributes in hourly
    ]
    return encode(
        {
            "data": items,
            "links": {"self": f"{site}/trending.json"},
            "meta": {"updated_at": timestamp(now.replace(second=0, microsecond=0))},
        }
    )


def local_body(
    site: str, seat: Mapping[str, Any], petitions: Iterable[tuple[int, Attributes]]
) -> bytes:
    """Return a constituency's petitions, the most signed there first; no `mp` while vacant."""
    items = [
        {
            "action": attributes.get("action"),
            "url": f"{site}/petitions/{petition_id}",
            "state": attributes.get("state"),
            "constituency_signature_count": signed,
            "total_signature_count": attributes.get("signature_count", 0),
        }
        for petition_id, attributes in petitions
        if (signed := _signed_in(attributes, str(seat.get("ons_code"))))
    ]
    items.sort(key=lambda item: -int(item["constituency_signature_count"]))
    mp = {"mp": {"name": seat["mp"], "url": None}} if seat.get("mp") else {}
    return encode({"constituency": seat.get("constituency"), **mp, "petitions": items[:50]})


def _signed_in(attributes: Attributes, code: str) -> int:
    places = attributes.get("signatures_by_constituency") or []
    return sum(place["signature_count"] for place in places if place.get("ons_code") == code)


def encode(value: Any) -> bytes:
    """Return compact JSON, with other scripts left readable, as the site writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def last_modified(attributes: Attributes, step: int) -> str | None:
    """Return a petition's Last-Modified: its `updated_at` rounded down to `step` seconds."""
    if not attributes.get("updated_at"):
        return None
    updated = moment_of(str(attributes["updated_at"])).astimezone(UTC)
    floored = updated.replace(second=updated.second // step * step, microsecond=0)
    return format_datetime(floored, usegmt=True)


def unchanged_since(asked: str | None, modified: str | None) -> bool:
    if not asked or not modified:
        return False
    try:
        return parsedate_to_datetime(asked) >= parsedate_to_datetime(modified)
    except (TypeError, ValueError):
        return False
