"""The stand-ins of the three sister sites: each speaks as the real software does."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession
from site_stand_in import SisterSite

from bot.demo.petition_bodies import timestamp
from bot.demo.sister_shapes import (
    JERSEY,
    SCOTLAND,
    SENEDD,
    jersey_petition,
    scottish_petition,
    senedd_petition,
)

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
WEEKS = timedelta(weeks=1)

Json = dict[str, Any]


class Sisters:
    """One of each, and what they answer."""

    def __init__(self, sites: Mapping[str, SisterSite], session: ClientSession) -> None:
        self.senedd, self.scotland, self.jersey = (
            sites[name] for name in ("senedd", "scotland", "jersey")
        )
        self._session = session

    async def get(self, url: str, **headers: str) -> tuple[int, str, Json]:
        """The status, where it sends one, and the body if it is JSON."""
        asked = self._session.get(url, allow_redirects=False, headers=headers)
        async with asked as answer:
            is_json = answer.content_type == "application/json"
            body = await answer.json() if is_json and answer.status != 304 else {}
            return answer.status, answer.headers.get("Location", ""), body


@pytest.fixture
async def sisters() -> AsyncIterator[Sisters]:
    async with AsyncExitStack() as stack:
        sites = {
            shape.name: await stack.enter_async_context(SisterSite(lambda: NOW, shape))
            for shape in (SENEDD, SCOTLAND, JERSEY)
        }
        session = await stack.enter_async_context(ClientSession())
        yield Sisters(sites, session)


async def test_the_senedd_has_a_host_in_each_language(sisters: Sisters) -> None:
    site = sisters.senedd
    site.put(245600, senedd_petition(NOW - WEEKS, action="Ferry", cy={"action": "Fferi"}))

    _, _, english = await sisters.get(f"{site.url}/petitions/245600.json")
    _, _, welsh = await sisters.get(f"{site.other_url}/deisebau/245600.json")
    assert english["data"]["attributes"]["action"] == "Ferry"
    assert welsh["data"]["attributes"]["action"] == "Fferi"
    assert welsh["data"]["attributes"].keys() == english["data"]["attributes"].keys()
    assert welsh["links"]["self"] == f"{site.other_url}/deisebau/245600.json"

    status, where, _ = await sisters.get(f"{site.other_url}/petitions/245600/count.json?a=b")
    assert (status, where) == (308, f"{site.other_url}/deisebau/245600/cyfrif.json?a=b")
    _, _, count = await sisters.get(f"{site.other_url}/deisebau/245600/cyfrif.json")
    assert count == {
        "signature_count": 6,
        "threshold_for_referral": 250,
        "threshold_for_debate": 10_000,
    }


async def test_the_senedds_lists_lose_the_topic_and_do_not_know_closed(sisters: Sisters) -> None:
    site = sisters.senedd
    health = [{"code": "health", "name": "Health"}]
    for number in range(3):
        petition = senedd_petition(NOW - WEEKS, topics=health if number else [])
        site.put(245600 + number, petition)

    listed = "/petitions.json?state=open&count=1&topic=health"
    _, _, body = await sisters.get(site.url + listed)
    assert body["links"]["next"] == f"{site.url}/petitions.json?count=1&page=2&state=open"
    assert len(body["data"]) == 1
    for state in ("closed", "recent", "awaiting_debate"):
        status, where, _ = await sisters.get(f"{site.url}/petitions.json?state={state}")
        assert (status, where) == (302, f"{site.url}/petitions?q=&state=all")
    status, _, _ = await sisters.get(f"{site.url}/archived/petitions.json")
    assert status == 404


async def test_a_scottish_petition_changes_its_number_when_it_is_published(
    sisters: Sisters,
) -> None:
    site = sisters.scotland
    site.put(1450, scottish_petition("PE2234", NOW - WEEKS))
    site.redirect(1450, "gathering-support")
    _, where, _ = await sisters.get(f"{site.url}/petitions/PP1450.json")
    assert where == f"{site.url}/petitions/PP1450/gathering-support"

    site.restore(1450)
    for name in ("PE2234", "PE0002234", "PP1450"):
        _, _, body = await sisters.get(f"{site.url}/petitions/{name}.json")
        assert (body["data"]["pe_number"], "id" in body["data"]) == ("PE2234", False)
    for name in ("pe2234", "2234", "PE12"):
        status, _, _ = await sisters.get(f"{site.url}/petitions/{name}.json")
        assert status in {400, 404}

    site.edit(1450, status="rejected", rejection={"code": "duplicate", "details": None})
    _, _, body = await sisters.get(f"{site.url}/petitions/PE2234.json")
    assert body["data"]["pe_number"] == "PP1450"
    assert "signatures_by_region" not in body["data"]["attributes"]


async def test_scotland_tells_of_debates_only_where_they_are_switched_on(sisters: Sisters) -> None:
    site = sisters.scotland
    site.put(1450, scottish_petition("PE2234", NOW - WEEKS))
    url = f"{site.url}/petitions.json?state=debated"
    assert (await sisters.get(url))[0] == 302

    site.edit(1450, debate=None, debate_threshold_reached_at=None)
    assert (await sisters.get(url))[0] == 200
    _, _, listed = await sisters.get(f"{site.url}/petitions.json?state=under_consideration")
    assert [row["pe_number"] for row in listed["data"]] == ["PE2234"]


async def test_jersey_spells_and_hides_in_its_own_way(sisters: Sisters) -> None:
    site = sisters.jersey
    site.put(200500, jersey_petition(NOW - WEEKS, action="Lamp & light"))
    url = f"{site.url}/petitions/200500.json"
    _, _, body = await sisters.get(url)
    assert body["data"]["attributes"]["ministers_reponse"] is None
    assert "ministers_response" not in body["data"]["attributes"]
    assert body["data"]["attributes"]["closed_at"] is None

    at = timestamp(NOW)
    response = {"summary": "Yes.", "details": "", "created_at": at, "updated_at": at}
    site.edit(200500, ministers_response=response, ministers_response_at=at)
    _, _, body = await sisters.get(url)
    assert body["data"]["attributes"]["ministers_response"]["summary"] == "Yes."
    assert "ministers_reponse" not in body["data"]["attributes"]

    site.take_down(200500)
    assert (await sisters.get(url))[0] == 404
    assert (await sisters.get(f"{site.url}/trending.json"))[0] == 404


async def test_what_has_not_changed_is_not_sent_again(sisters: Sisters) -> None:
    """By its ETag alone; a date says nothing there."""
    site = sisters.jersey
    site.put(200500, jersey_petition(NOW - WEEKS))
    url = f"{site.url}/petitions/200500.json"
    async with ClientSession() as session, session.get(url) as answer:
        etag = answer.headers["ETag"]
        assert "Last-Modified" not in answer.headers
    assert (await sisters.get(url, **{"If-None-Match": etag}))[0] == 304
    dated = {"If-Modified-Since": "Sun, 29 Nov 2026 12:00:00 GMT"}
    assert (await sisters.get(url, **dated))[0] == 200
    site.edit(200500, signature_count=7)
    assert (await sisters.get(url, **{"If-None-Match": etag}))[0] == 200
