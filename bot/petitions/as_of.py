"""A petition as it was at an earlier instant, by the dates it carries itself (pure).

Where rules listen, a petition may be met for the first time after something has happened to it that
should ring. What it dates after the instant is taken back; what is not dated has happened before.
"""

from datetime import datetime
from typing import Any

from msgspec import structs

from bot.petitions.forecast import LONDON
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import observe
from bot.petitions.petition import Petition


def caught_up(known: PetitionHistory | None, reading: Petition, since: datetime) -> PetitionHistory:
    """What is known of a petition that was not watched before `since`, with no word of all that."""
    return observe(known, as_of(reading, since), since)[0]


def as_of(petition: Petition, since: datetime) -> Petition:
    """The petition as it was at an instant."""
    if _is_after(petition.opened_at, since):
        return _unopened(petition)
    changes = _response(petition, since) | _debate(petition, since) | _end(petition, since)
    return structs.replace(petition, **(changes | _numbers(petition, since)))


def _is_after(at: datetime | None, since: datetime) -> bool:
    return at is not None and at > since


def _unopened(petition: Petition) -> Petition:
    """Before it could be signed, nothing of what a petition carries had happened to it."""
    return structs.replace(
        petition,
        state="",
        signature_count=0,
        opened_at=None,
        closed_at=None,
        rejected_at=None,
        rejection=None,
        response_threshold_reached_at=None,
        government_response_at=None,
        government_response=None,
        debate_threshold_reached_at=None,
        debate_scheduled_on=None,
        scheduled_debate_date=None,
        debate_outcome_at=None,
        debate=None,
        committee_note="",
        other_parliamentary_business=(),
    )


def _response(petition: Petition, since: datetime) -> dict[str, Any]:
    response = petition.government_response
    created_at = response.created_at if response else None
    if not _is_after(petition.government_response_at or created_at, since):
        return {}
    return {"government_response": None, "government_response_at": None}


def _debate(petition: Petition, since: datetime) -> dict[str, Any]:
    """Its date was set on a day of London's calendar: that very day counts as before."""
    changes: dict[str, Any] = {}
    scheduled_on = petition.debate_scheduled_on
    if scheduled_on and scheduled_on > since.astimezone(LONDON).date():
        changes = {"scheduled_debate_date": None, "debate_scheduled_on": None}
    if _is_after(petition.debate_outcome_at, since):
        changes |= {"debate": None, "debate_outcome_at": None}
    return changes


def _end(petition: Petition, since: datetime) -> dict[str, Any]:
    if petition.state == "rejected" and _is_after(petition.rejected_at, since):
        was = "open" if petition.opened_at else ""
        return {"state": was, "rejected_at": None, "rejection": None}
    if petition.is_over and _is_after(petition.closed_at, since):
        return {"state": "open", "closed_at": None}
    return {}


def _numbers(petition: Petition, since: datetime) -> dict[str, Any]:
    """Counts carry no date but that of an official threshold: it was not reached before then."""
    dated = (
        (petition.debate_threshold, "debate_threshold_reached_at"),
        (petition.response_threshold, "response_threshold_reached_at"),
    )
    later = [(n, name) for n, name in dated if n and _is_after(getattr(petition, name), since)]
    below = min((number - 1 for number, _ in later), default=petition.signature_count)
    counted = min(petition.signature_count, max(below, 0))
    return {"signature_count": counted, **{name: None for _, name in later}}
