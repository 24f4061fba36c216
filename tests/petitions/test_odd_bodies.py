"""What a site sends with nothing in it is no news."""

import json
from datetime import timedelta
from typing import Any

import pytest
from bell import TEA, Village, stamp

from bot.app import utc_now
from bot.messages.petition.parts import life
from bot.petitions.parse import parse_petition
from bot.petitions.petition import Petition, Site

UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")
NOW = "2026-11-29T10:00:00.000Z"
EMPTY: list[dict[str, Any]] = [
    {"government_response": {}},
    {"government_response": {"summary": None, "details": ""}},
    {"debate": {}},
    {"debate": {"debated_on": None, "overview": None}},
    {"other_parliamentary_business": [{}, {"subject": None, "body": ""}]},
]


def read(**attributes: Any) -> Petition:
    told = {"action": "Do it", "state": "open", "signature_count": 5, **attributes}
    body = {"data": {"type": "petition", "id": TEA, "attributes": told}}
    return parse_petition(json.dumps(body).encode(), UK)


@pytest.mark.parametrize("empty", EMPTY, ids=range(len(EMPTY)))
def test_what_has_nothing_in_it_is_not_there(empty: dict[str, Any]) -> None:
    petition = read(**empty)
    assert petition.government_response is None
    assert petition.debate is None
    assert petition.other_parliamentary_business == ()


def test_what_a_date_or_a_text_speaks_for_is_there() -> None:
    assert read(government_response={}, government_response_at=NOW).government_response
    assert read(government_response={"summary": "Tea."}).government_response
    assert read(debate={}, debate_outcome_at=NOW).debate
    assert read(debate={"overview": "No time."}).debate
    assert read(debate={"debated_on": "2026-11-01"}).debate
    told = read(other_parliamentary_business=[{}, {"subject": "A letter"}])
    (business,) = told.other_parliamentary_business
    assert business.subject == "A letter"


async def test_nobody_is_told_of_what_has_nothing_in_it(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        for empty in EMPTY:
            village.site.edit(TEA, **empty)
            await village.looked()
        village.site.edit(TEA, government_response={"summary": "We like tea."})
        await village.reader.hears("We like tea.")


async def test_a_petition_that_closed_in_the_far_future_was_not_open_for_a_century(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.site.edit(TEA, state="closed", closed_at="2150-01-01T00:00:00.000Z")
        told = await village.reader.hears("Closed with 84 signatures")
        assert "years" not in told["text"]
        assert "Open " not in told["text"]


def test_how_long_a_petition_was_open_is_told_once_it_is_over() -> None:
    now = utc_now()
    opened = stamp(now - timedelta(days=30))
    assert life(read(state="closed", opened_at=opened, closed_at=stamp(now)), now) == "30 days"
    later = stamp(now + timedelta(days=9))
    assert life(read(state="closed", opened_at=opened, closed_at=later), now) is None
