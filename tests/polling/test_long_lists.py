"""Long lists of tiny things, which would take long to read, are refused before they are read."""

import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from stand import JSON, SHOW, Stand
from stand import session as session
from stand import stand as stand

from bot.errors import MalformedPetition, ParliamentError
from bot.petitions.parse import parse_page, parse_parliaments, parse_petition, parse_topics
from bot.petitions.parse_places import parse_constituencies, parse_local, slug
from bot.petitions.petition import Site
from bot.polling.petitions_api import Found, PetitionsApi, Unreadable

UK = Site("uk", "UK", "https://petition.parliament.uk")


def shown(**lists: Any) -> dict[str, Any]:
    told = {"action": "Do it", "state": "open", "signature_count": 5, **lists}
    return {"data": {"id": 700_009, "type": "petition", "attributes": told}}


def seats(count: int) -> dict[str, Any]:
    return {str(n): {"ons_code": f"E{n}", "constituency": f"Seat {n}"} for n in range(count)}


def areas(count: int) -> list[dict[str, Any]]:
    return [{"name": f"Seat {n}", "ons_code": f"E{n}", "signature_count": n} for n in range(count)]


async def looked(site: PetitionsApi) -> Any:
    return await site.look(700_009)


async def listed(site: PetitionsApi) -> Any:
    try:
        return await site.constituencies()
    except ParliamentError as error:
        return Unreadable(error.reason)


@pytest.mark.parametrize(
    ("path", "ask", "body"),
    [
        (SHOW, looked, shown(topics=[f"t{n}" for n in range(170_000)])),
        (SHOW, looked, shown(strange=[[]] * 4_100)),
        (SHOW, looked, shown(strange=[{}] * 4_100)),
        ("/constituencies.json", listed, seats(42_000)),
        ("/constituencies.json", listed, [0] * 42_000),
    ],
    ids=["topics", "lists", "objects", "seats", "numbers"],
)
async def test_a_body_of_more_things_than_any_has_is_refused_unread(
    stand: Stand, session: aiohttp.ClientSession, path: str, ask: Callable[..., Any], body: Any
) -> None:
    stand.says(path, json.dumps(body).encode(), headers=JSON)
    assert await ask(PetitionsApi(Site("uk", "UK", stand.url), session)) == Unreadable("too large")


async def test_a_body_thrice_the_largest_that_a_site_sends_is_read(
    stand: Stand, session: aiohttp.ClientSession
) -> None:
    site = PetitionsApi(Site("uk", "UK", stand.url), session)
    text = "Tea, biscuits, and {cake} [with jam], " * 200
    body = shown(signatures_by_constituency=areas(1_950), additional_details=text)
    stand.says(SHOW, json.dumps(body).encode(), headers=JSON)
    look = await site.look(700_009)
    assert isinstance(look, Found)
    assert len(look.petition.signatures_by_constituency) == 1_950
    stand.says("/constituencies.json", json.dumps(seats(1_950)).encode(), headers=JSON)
    assert len(await site.constituencies()) == 1_950


LISTS: list[tuple[Callable[..., Any], Callable[[int], Any], int, str]] = [
    (parse_petition, lambda n: shown(topics=["tea"] * n), 500, "topics"),
    (parse_petition, lambda n: shown(departments=[{"name": "Tea"}] * n), 500, "departments"),
    (
        parse_petition,
        lambda n: shown(signatures_by_constituency=areas(n)),
        2_000,
        "signatures_by_constituency",
    ),
    (parse_page, lambda n: {"data": [shown()["data"]] * n}, 150, "data"),
    (parse_constituencies, seats, 2_000, "body"),
    (parse_constituencies, lambda n: [{"id": "E1", "name": "Seat"}] * n, 2_000, "body"),
    (parse_topics, lambda n: {str(k): {"code": f"t{k}"} for k in range(n)}, 2_000, "body"),
    (parse_parliaments, lambda n: [{"period": "2019-2024"}] * n, 2_000, "body"),
    (parse_local, lambda n: {"petitions": [LOCAL] * n}, 2_000, "petitions"),
]
LOCAL = {"action": "Do it", "url": "/petitions/1", "state": "open", "total_signature_count": 5}


@pytest.mark.parametrize(("parse", "body", "most", "field"), LISTS, ids=range(len(LISTS)))
def test_a_list_several_times_as_long_as_any_is_malformed_where_it_is(
    parse: Callable[..., Any], body: Callable[[int], Any], most: int, field: str
) -> None:
    parse(json.dumps(body(most)).encode(), UK)
    with pytest.raises(MalformedPetition) as refused:
        parse(json.dumps(body(most + 1)).encode(), UK)
    assert refused.value.field == field


def test_no_more_of_a_place_s_name_is_looked_at_than_a_name_has() -> None:
    assert slug("Ynys Môn") == "ynys-mon"
    assert len(slug("a-" * 1_000_000)) < 300
