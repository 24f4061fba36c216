import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientError, ClientResponse, ClientSession, ServerDisconnectedError
from site_stand_in import Fault, PetitionsSite
from yarl import URL

from bot.demo.petition_bodies import as_served, open_petition, show_body, timestamp
from bot.demo.site_answers import SHORT

OPENED = datetime(2025, 2, 10, 14, 5, 6, 211000, tzinfo=UTC)
NOW = datetime(2025, 7, 1, 9, tzinfo=UTC)
PARLIAMENT = {
    "period": "2019-2024",
    "government": "Conservative",
    "dissolution_at": "2024-05-30T00:01:00.000+01:00",
    "response_threshold": 10000,
    "debate_threshold": 100000,
}


class Caller:
    """Asks a site without following redirects."""

    def __init__(self, site: PetitionsSite, session: ClientSession) -> None:
        self.site = site
        self._session = session

    async def get(self, path: str, **headers: str) -> ClientResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = URL(self.site.url + path, encoded=True)
        async with self._session.get(url, headers=named, allow_redirects=False) as response:
            await response.read()
            return response

    async def json(self, path: str) -> Any:
        response = await self.get(path)
        assert response.status == 200, await response.text()
        return await response.json()

    async def ids(self, path: str) -> list[int]:
        return [item["id"] for item in (await self.json(path))["data"]]

    async def location(self, path: str) -> str:
        response = await self.get(path)
        assert response.status == 302
        assert response.content_type == "text/html"
        return response.headers["Location"].removeprefix(self.site.url)


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with PetitionsSite(lambda: NOW) as site, ClientSession() as session:
        yield Caller(site, session)


def fill(site: PetitionsSite, number: int) -> None:
    """Petitions 1, 2, 3 …, each with one signature more than the next."""
    for index in range(1, number + 1):
        opened = OPENED + timedelta(hours=index)
        site.put(index, open_petition(opened, signature_count=1000 - index))


# One petition


async def test_a_petition_is_served_as_the_site_writes_it(caller: Caller) -> None:
    attributes = open_petition(OPENED, action="Tea & <b>cake</b> – für alle")
    caller.site.put(300239, attributes)
    response = await caller.get("/petitions/300239.json")
    body = await response.text()
    assert body.encode() == show_body(caller.site.url, 300239, attributes)
    assert '"action":"Tea & <b>cake</b> – für alle"' in body
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["Cache-Control"] == SHORT
    assert response.headers["Last-Modified"] == "Mon, 10 Feb 2025 14:05:00 GMT"
    assert "ETag" not in response.headers


async def test_a_long_body_is_compressed_for_who_takes_it(caller: Caller) -> None:
    caller.site.put(1, open_petition(OPENED))
    assert (await caller.get("/petitions/1.json")).headers["Content-Encoding"]
    plain = await caller.get("/petitions/1.json", Accept_Encoding="identity")
    assert "Content-Encoding" not in plain.headers


async def test_a_recorded_body_is_served_byte_for_byte(caller: Caller) -> None:
    body = b'{"data": {"attributes": {"signature_count": 7, "updated_at":"2025-01-01T00:00:09Z"}}}'
    caller.site.serve_body(5, body)
    response = await caller.get("/petitions/5.json")
    assert await response.text() == body.decode()
    assert response.headers["Last-Modified"] == "Wed, 01 Jan 2025 00:00:00 GMT"
    assert (await caller.json("/petitions/5/count.json"))["signature_count"] == 7


async def test_attributes_may_follow_the_time_of_the_request(caller: Caller) -> None:
    caller.site.put(1, lambda now: open_petition(OPENED, signature_count=now.year))
    shown = await caller.json("/petitions/1.json")
    assert shown["data"]["attributes"]["signature_count"] == 2025


def test_only_open_petitions_show_a_closing_date_and_a_creator() -> None:
    shown = as_served(open_petition(OPENED, creator_name="Somebody"))
    assert shown["closing_date"] == "2025-08-11"
    assert shown["creator_name"] == "Somebody"
    closed = as_served(open_petition(OPENED, state="closed", creator_name="Somebody"))
    assert "closing_date" not in closed
    assert closed["creator_name"] is None


def test_pages_have_as_many_fields_as_the_real_ones() -> None:
    def fields(state: str, **how: bool) -> int:
        return len(as_served(open_petition(OPENED, state=state), **how))

    assert [fields("open"), fields("closed"), fields("rejected")] == [29, 28, 24]
    assert [fields("open", listed=True), fields("closed", listed=True)] == [25, 24]
    assert [fields("closed", archived=True), fields("rejected", archived=True)] == [27, 23]


async def test_an_edit_moves_updated_at_to_now_unless_told_otherwise(caller: Caller) -> None:
    caller.site.put(1, open_petition(OPENED))
    caller.site.edit(1, signature_count=99)
    attributes = (await caller.json("/petitions/1.json"))["data"]["attributes"]
    assert attributes["signature_count"] == 99
    assert attributes["updated_at"] == timestamp(NOW)
    caller.site.edit(1, updated_at="2025-03-01T00:00:00.000Z")
    attributes = (await caller.json("/petitions/1.json"))["data"]["attributes"]
    assert attributes["updated_at"] == "2025-03-01T00:00:00.000Z"
    assert attributes["signature_count"] == 99


async def test_counts_are_dated_by_london_s_clock(caller: Caller) -> None:
    winter, summer = "2025-02-20T12:10:02.755Z", "2025-06-20T12:10:02.755Z"
    reached = {"response_threshold_reached_at": winter, "government_response_at": summer}
    caller.site.put(1, open_petition(OPENED, **reached))
    assert await caller.json("/petitions/1/count.json") == {
        "signature_count": 6,
        "response_threshold_reached_at": "2025-02-20T12:10:02.755+00:00",
        "government_response_at": "2025-06-20T13:10:02.755+01:00",
        "debate_threshold_reached_at": None,
        "scheduled_debate_date": None,
        "debate_outcome_at": None,
        "debated": False,
    }


@pytest.mark.parametrize(
    ("day", "debated"), [("2025-06-30", True), ("2025-07-01", False), ("2025-07-02", False)]
)
async def test_a_debate_has_been_held_from_the_day_after(
    caller: Caller, day: str, debated: bool
) -> None:
    caller.site.put(1, open_petition(OPENED, scheduled_debate_date=day))
    assert (await caller.json("/petitions/1/count.json"))["debated"] is debated


async def test_a_debate_that_was_refused_does_not_count_as_held(caller: Caller) -> None:
    outcome = {"debated_on": None, "overview": "It will not be debated."}
    caller.site.put(1, open_petition(OPENED, debate=outcome))
    assert (await caller.json("/petitions/1/count.json"))["debated"] is False
    assert await caller.ids("/petitions.json?state=not_debated") == [1]
    assert await caller.ids("/petitions.json?state=debated") == []


# Status codes


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/petitions/1.json", 404),
        ("/petitions/1/count.json", 404),
        ("/archived/petitions/1.json", 404),
        ("/petitions/abc.json", 400),
        ("/petitions/0700009.json", 400),
        ("/petitions/99999999999999999999.json", 404),
        ("/nonesuch.json", 404),
        ("/trending", 404),
        ("/petitions/700009/count", 406),
        ("/petitions.atom", 406),
        ("/petitions/700009.xml", 406),
        ("/petitions.json?q=a%00b", 400),
        ("/petitions.json?q=%ff", 400),
        ("/archived/petitions.json?parliament=2015-2017", 400),
        ("/archived/petitions.json?parliament=999", 404),
    ],
)
async def test_an_address_without_an_answer_has_the_site_s_status(
    caller: Caller, path: str, status: int
) -> None:
    caller.site.put(700009, open_petition(OPENED))
    assert (await caller.get(path)).status == status


async def test_errors_are_small_json_bodies(caller: Caller) -> None:
    response = await caller.get("/petitions/1.json")
    assert await response.text() == '{"status":404,"error":"Not Found"}'


async def test_a_hexadecimal_number_is_read_as_one(caller: Caller) -> None:
    caller.site.put(16, open_petition(OPENED))
    assert (await caller.get("/petitions/0x10.json")).status == 200


async def test_a_petition_taken_down_is_gone_and_may_come_back(caller: Caller) -> None:
    caller.site.put(1, open_petition(OPENED))
    caller.site.take_down(1)
    for path in ("/petitions/1.json", "/petitions/1/count.json", "/archived/petitions/1.json"):
        assert (await caller.get(path)).status == 410
    caller.site.restore(1)
    assert (await caller.get("/petitions/1.json")).status == 200


async def test_a_hidden_petition_is_not_found_nor_listed(caller: Caller) -> None:
    fill(caller.site, 2)
    caller.site.hide(1)
    assert (await caller.get("/petitions/1.json")).status == 404
    assert (await caller.get("/petitions/1/count.json")).status == 404
    assert await caller.ids("/petitions.json") == [2]


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("gathering-support", "/petitions/1/gathering-support"),
        ("moderation-info", "/petitions/1/moderation-info"),
        ("/", "/"),
    ],
)
async def test_an_unpublished_petition_sends_callers_to_a_page_but_tells_its_count(
    caller: Caller, target: Any, location: str
) -> None:
    caller.site.put(1, open_petition(OPENED))
    caller.site.redirect(1, target)
    assert await caller.location("/petitions/1.json") == location
    page = await caller.get(location)
    assert (page.status, page.content_type) == (200, "text/html")
    assert (await caller.json("/petitions/1/count.json"))["signature_count"] == 6


async def test_an_archived_petition_has_moved_and_says_in_which_parliament_it_was(
    caller: Caller,
) -> None:
    closed = open_petition(OPENED, state="closed", closed_at=timestamp(NOW))
    caller.site.put(1, closed, archived_in=PARLIAMENT)
    assert await caller.location("/petitions/1.json") == "/archived/petitions/1.json"
    assert (await caller.get("/petitions/1/count.json")).status == 404
    data = (await caller.json("/archived/petitions/1.json"))["data"]
    assert (data["type"], data["parliament"]) == ("archived-petition", PARLIAMENT)
    assert "creator_name" not in data["attributes"]
    assert await caller.ids("/archived/petitions.json") == [1]
    assert await caller.ids("/petitions.json") == []


async def test_people_get_a_page_with_the_title_and_the_count(caller: Caller) -> None:
    caller.site.put(1, open_petition(OPENED, action="<script>", signature_count=12345))
    page = await (await caller.get("/petitions/1")).text()
    assert "12,345 signatures" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


async def test_only_a_sole_json_accept_header_gets_json_without_the_extension(
    caller: Caller,
) -> None:
    caller.site.put(1, open_petition(OPENED))
    alone = await caller.get("/petitions/1", Accept="application/json")
    among = await caller.get("/petitions/1", Accept="application/json, */*")
    assert (alone.content_type, among.content_type) == ("application/json", "text/html")


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/petitions/1.please", "/petitions/1"),
        ("/petitions/1.JSON", "/petitions/1"),
        ("/petitions.json?state=hidden", "/petitions?state=all"),
        ("/petitions.json?state[]=open", "/petitions?state=all"),
        ("/petitions.json?state=bogus&page=3", "/petitions?page=3&state=all"),
        ("/archived/petitions.json?state=closed", "/archived/petitions?state=all"),
        ("/petitions.json?q=1", "/petitions/1"),
        ("/petitions.json?query=1", "/petitions/1"),
    ],
)
async def test_odd_requests_are_sent_to_pages_for_people(
    caller: Caller, path: str, location: str
) -> None:
    fill(caller.site, 1)
    assert await caller.location(path) == location
    assert (await caller.get(location)).content_type == "text/html"


# Conditional requests


async def test_an_unchanged_petition_answers_304_and_a_changed_one_200(caller: Caller) -> None:
    caller.site.put(1, open_petition(OPENED))
    seen = (await caller.get("/petitions/1.json")).headers["Last-Modified"]
    for path in ("/petitions/1.json", "/petitions/1/count.json"):
        assert (await caller.get(path, If_Modified_Since=seen)).status == 304
    caller.site.edit(1, signature_count=7)
    assert (await caller.get("/petitions/1.json", If_Modified_Since=seen)).status == 200


async def test_two_changes_within_ten_seconds_look_like_one(caller: Caller) -> None:
    caller.site.put(1, open_petition(OPENED))
    seen = (await caller.get("/petitions/1.json")).headers["Last-Modified"]
    caller.site.edit(1, signature_count=7, updated_at=timestamp(OPENED + timedelta(seconds=3)))
    assert (await caller.get("/petitions/1.json", If_Modified_Since=seen)).status == 304


async def test_an_unchanged_list_answers_304_to_its_etag(caller: Caller) -> None:
    fill(caller.site, 3)
    etag = (await caller.get("/petitions.json")).headers["ETag"]
    assert etag.startswith('W/"')
    assert (await caller.get("/petitions.json", If_None_Match=etag)).status == 304
    caller.site.edit(2, signature_count=5000)
    assert (await caller.get("/petitions.json", If_None_Match=etag)).status == 200


# Lists


@pytest.mark.parametrize(
    ("count", "rows", "kept"),
    [("2", 2, "2"), ("50", 50, "50"), ("59", 50, "50"), ("60", 25, "25"), ("100", 25, "25")],
)
async def test_a_page_has_the_size_the_site_makes_of_the_wish(
    caller: Caller, count: str, rows: int, kept: str
) -> None:
    fill(caller.site, 60)
    page = await caller.json(f"/petitions.json?count={count}")
    assert len(page["data"]) == rows
    assert page["links"]["next"].endswith(f"/petitions.json?count={kept}&page=2")


@pytest.mark.parametrize("page", ["0", "-1", "abc", "100000"])
async def test_an_odd_page_number_is_the_first_page(caller: Caller, page: str) -> None:
    fill(caller.site, 30)
    answer = await caller.json(f"/petitions.json?page={page}")
    assert len(answer["data"]) == 25
    assert answer["links"]["self"].endswith(f"/petitions.json?page={page}")
    assert answer["links"]["prev"] is None


async def test_beyond_the_end_there_is_nothing_but_a_way_back(caller: Caller) -> None:
    fill(caller.site, 30)
    answer = await caller.json("/petitions.json?page=999")
    assert answer["data"] == []
    assert answer["links"]["next"] is None
    assert answer["links"]["prev"].endswith("/petitions.json?page=2")


async def test_following_next_visits_every_petition_once(caller: Caller) -> None:
    fill(caller.site, 60)
    seen, path = [], "/petitions.json?q=petition&state=open"
    while path:
        answer = await caller.json(path)
        seen += [item["id"] for item in answer["data"]]
        path = (answer["links"]["next"] or "").removeprefix(caller.site.url)
    assert seen == list(range(1, 61))


async def test_a_list_leaves_out_what_only_a_petition_s_own_page_shows(caller: Caller) -> None:
    fill(caller.site, 1)
    item = (await caller.json("/petitions.json"))["data"][0]
    assert item["links"]["self"].endswith("/petitions/1.json")
    assert "signatures_by_country" not in item["attributes"]


async def test_each_facet_holds_its_own_in_its_own_order(caller: Caller) -> None:
    site = caller.site
    early, late = "2025-03-01T00:00:00.000Z", "2025-04-01T00:00:00.000Z"
    later = OPENED + timedelta(days=9)
    site.put(1, open_petition(OPENED, signature_count=5, response_threshold_reached_at=late))
    site.put(2, open_petition(later, signature_count=4, response_threshold_reached_at=early))
    site.put(3, open_petition(OPENED, state="closed", scheduled_debate_date="2025-06-01"))
    site.put(4, open_petition(OPENED, state="rejected", signature_count=9))
    site.put(5, open_petition(OPENED, signature_count=1, scheduled_debate_date="2025-09-01"))
    expected = {
        "all": [4, 3, 1, 2, 5],
        "open": [1, 2, 5],
        "recent": [2, 5, 1],
        "closed": [3],
        "rejected": [4],
        "awaiting_response": [2, 1],
        "with_response": [],
        "awaiting_debate": [5],
        "debated": [3],
    }
    for state, ids in expected.items():
        assert await caller.ids(f"/petitions.json?state={state}") == ids, state


async def test_a_search_wants_every_word_and_every_topic(caller: Caller) -> None:
    caller.site.put(1, open_petition(OPENED, action="More bells", topics=["culture"]))
    caller.site.put(2, open_petition(OPENED, action="More trees", topics=["culture", "health"]))
    assert await caller.ids("/petitions.json?q=more+BELL") == [1]
    assert await caller.ids("/petitions.json?q=bell+tree") == []
    assert await caller.ids("/petitions.json?topic[]=culture&topic[]=health") == [2]
    assert await caller.ids("/petitions.json?topic=nonesuch") == []
    assert len(await caller.ids("/petitions.json?topic=%21%21")) == 2
    assert len(await caller.ids("/petitions.json?department=1")) == 2


async def test_trending_tells_the_last_hour_of_open_petitions(caller: Caller) -> None:
    fill(caller.site, 3)
    caller.site.edit(3, state="closed")
    caller.site.hourly = lambda: {1: 4, 2: 9, 3: 50}
    answer = await caller.json("/trending.json")
    figures = [(item["id"], item["attributes"]["signature_count"]) for item in answer["data"]]
    assert figures == [(2, 9), (1, 4)]
    assert answer["meta"]["updated_at"] == "2025-07-01T09:00:00.000Z"


async def test_small_directories_are_served(caller: Caller) -> None:
    caller.site.topics = {"health": "Health", "culture": "Culture"}
    caller.site.parliaments = [PARLIAMENT]
    assert list(await caller.json("/topics.json")) == ["culture", "health"]
    assert await caller.json("/constituencies.json") == {}
    assert await caller.json("/parliaments.json") == [PARLIAMENT]


# Faults


async def test_a_fault_lasts_as_often_as_told_and_spares_other_addresses(caller: Caller) -> None:
    fill(caller.site, 2)
    caller.site.fail("/petitions/1", Fault(503, headers={"Retry-After": "7"}), times=2)
    first = await caller.get("/petitions/1.json")
    assert (first.status, first.headers["Retry-After"]) == (503, "7")
    assert await first.json() == {"status": 503, "error": "Service Unavailable"}
    assert (await caller.get("/petitions/2.json")).status == 200
    assert (await caller.get("/petitions/1.json")).status == 503
    assert (await caller.get("/petitions/1.json")).status == 200


async def test_a_fault_may_answer_with_a_page_instead(caller: Caller) -> None:
    caller.site.fail("/", Fault(200, body=b"<h1>Busy</h1>", content_type="text/html"))
    response = await caller.get("/petitions.json")
    assert (response.content_type, await response.text()) == ("text/html", "<h1>Busy</h1>")
    caller.site.heal()
    assert (await caller.get("/petitions.json")).content_type == "application/json"


async def test_a_body_cut_short_is_noticed(caller: Caller) -> None:
    fill(caller.site, 1)
    caller.site.fail("/petitions/1", Fault(truncate=True), times=1)
    with pytest.raises(ClientError):
        await caller.get("/petitions/1.json", Accept_Encoding="identity")
    assert (await caller.get("/petitions/1.json")).status == 200


async def test_a_hanging_request_is_answered_when_the_site_heals(caller: Caller) -> None:
    fill(caller.site, 1)
    caller.site.fail("/petitions/1", Fault(hang=True))
    asking = asyncio.create_task(caller.get("/petitions/1.json"))
    await caller.site.wait_for_requests(1, "/petitions/1")
    assert not asking.done()
    caller.site.heal()
    assert (await asking).status == 200


async def test_stopping_the_site_frees_who_hangs(caller: Caller) -> None:
    caller.site.fail("/", Fault(503, hang=True))
    asking = asyncio.create_task(caller.get("/petitions/1.json"))
    await caller.site.wait_for_requests(1)
    await caller.site.stop()
    with contextlib.suppress(ServerDisconnectedError):
        assert (await asking).status == 503


async def test_waiting_for_requests_ends_with_the_last_of_them(caller: Caller) -> None:
    waiting = asyncio.create_task(caller.site.wait_for_requests(2, "/petitions"))
    await caller.get("/petitions/1.json", X_Name="one")
    await caller.get("/topics.json")
    assert not waiting.done()
    await caller.get("/petitions.json?page=2")
    seen = await waiting
    assert [request.path_qs for request in seen] == ["/petitions/1.json", "/petitions.json?page=2"]
    assert seen[0].headers["X-Name"] == "one"
    with pytest.raises(TimeoutError):
        await caller.site.wait_for_requests(9, timeout=0)


def test_bodies_are_json() -> None:
    body = show_body("http://site", 1, open_petition(OPENED))
    assert json.loads(body)["links"] == {"self": "http://site/petitions/1.json"}
