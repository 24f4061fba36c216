"""Petitions made for tests: a plain open one, changed by keyword."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec import structs

from bot.petitions.petition import GovernmentResponse, Petition, PetitionRef

REF = PetitionRef("uk", 700000)
OPENED = datetime(2025, 2, 10, 14, 5, 6, tzinfo=UTC)
NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)

OPEN = Petition(
    ref=REF,
    url="https://petition.parliament.uk/petitions/700000",
    action="Free tea in every library",
    background="We want it.",
    state="open",
    signature_count=84,
    response_threshold=10_000,
    debate_threshold=100_000,
    created_at=OPENED - timedelta(days=7),
    updated_at=OPENED,
    opened_at=OPENED,
    closing_date=date(2025, 8, 10),
)

RESPONSE = GovernmentResponse(
    summary="The Government is committed to tea.",
    details="We support tea. We will say more in spring.\n\nCabinet Office",
    responded_on=date(2025, 3, 5),
    created_at=datetime(2025, 3, 6, 16, 20, tzinfo=UTC),
    updated_at=datetime(2025, 3, 6, 16, 20, tzinfo=UTC),
)


def petition(**changes: Any) -> Petition:
    """The plain open petition with some attributes changed."""
    return structs.replace(OPEN, **changes)


def responded(**changes: Any) -> Petition:
    """The same with a government response, whose own attributes may be changed."""
    response = structs.replace(RESPONSE, **changes)
    return petition(
        signature_count=10_001,
        response_threshold_reached_at=datetime(2025, 2, 20, 12, 20, tzinfo=UTC),
        government_response=response,
        government_response_at=response.created_at,
    )
