"""The client of a petitions site, over real sockets: what it sees, and what it makes of trouble."""

import asyncio
import gzip
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from stand import ARCHIVED, JSON, SHOW, Stand, sample
from stand import session as session
from stand import stand as stand

from bot.errors import MalformedPetition, ParliamentError, ParliamentUnavailable
from bot.petitions.petition import PetitionRef, Site
from bot.polling.petitions_api import (
    Found,
    Gone,
    NotFound,
    NotModified,
    PetitionsApi,
    Unavailable,
    Unpublished,
    Unreadable,
)

NOON = datetime(2025, 9, 2, 12, tzinfo=UTC)
HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.fixture
def parliament(stand: Stand, session: aiohttp.ClientSession) -> PetitionsApi:
    return PetitionsApi(Site("uk", "UK", stand.url), session, max_bytes=100_000, now=lambda: NOON)


# --- what a look finds ---------------------------------------------------------------------------


async def test_an_open_petition_is_found(stand: Stand, parliament: PetitionsApi) -> None:
    stand.says(
        SHOW,
        sample("show_open_fresh"),
        headers=JSON
        | {
            "Last-Modified": "Tue, 02 Sep 2025 15:14:00 GMT",
            "Cache-Control": "max-age=60, public, stale-while-revalidate=120, stale-if-error=300",
        },
    )
    look = await parliament.look(PetitionRef("uk", 700_009))
    assert isinstance(look, Found)
    assert look.petition.ref == PetitionRef("uk", 700_009)
    assert look.petition.url == f"{stand.url}/petitions/700009"
    assert look.last_modified == datetime(2025, 9, 2, 15, 14, tzinfo=UTC)
    assert look.max_age == 60


async def test_a_petition_without_caching_headers_is_found(
    stand: Stand, parliament: PetitionsApi
) -> None:
    stand.says(SHOW, sample("show_open_fresh"), headers=JSON | {"Last-Modified": "last week"})
    look = await parliament.look(700_009)
    assert isinstance(look, Found)
    assert (look.last_modified, look.max_age) == (None, None)


async def test_a_packed_body_is_unpacked(stand: Stand, parliament: PetitionsApi) -> None:
    packed = gzip.compress(sample("show_open_fresh"))
    stand.says(SHOW, packed, headers=JSON | {"Content-Encoding": "gzip"})
    assert isinstance(await parliament.look(700_009), Found)
    assert "gzip" in stand.asked[0].headers["Accept-Encoding"]


async def test_an_archived_petition_is_found_one_hop_away(
    stand: Stand, parliament: PetitionsApi
) -> None:
    stand.redirects(SHOW, ARCHIVED)
    stand.says(ARCHIVED, sample("archived_show_fresh"))
    look = await parliament.look(700_009)
    assert isinstance(look, Found)
    assert look.petition.archived
    assert stand.paths == [SHOW, ARCHIVED]


async def test_a_second_hop_is_not_taken(stand: Stand, parliament: PetitionsApi) -> None:
    stand.redirects(SHOW, ARCHIVED)
    stand.redirects(ARCHIVED, SHOW)
    assert await parliament.look(700_009) == Unavailable("redirected elsewhere")
    assert stand.paths == [SHOW, ARCHIVED]


@pytest.mark.parametrize(
    ("target", "look"),
    [
        ("/petitions/700009/gathering-support", Unpublished("gathering_support")),
        ("/petitions/700009/moderation-info", Unpublished("moderation")),
        ("/", Unpublished("stopped")),
        ("", Unpublished("stopped")),
        ("/petitions/700009", Unavailable("being archived")),
        ("/login", Unavailable("redirected elsewhere")),
        ("/petitions/700010", Unavailable("redirected elsewhere")),
        ("https://elsewhere.invalid/petitions/700009.json", Unavailable("redirected elsewhere")),
        ("https://[broken/petitions/700009.json", Unavailable("redirected elsewhere")),
    ],
)
async def test_a_redirect_is_understood_and_not_followed(
    stand: Stand, parliament: PetitionsApi, target: str, look: object
) -> None:
    stand.redirects(SHOW, target)
    assert await parliament.look(700_009) == look
    assert stand.paths == [SHOW]


async def test_a_petition_on_its_way_to_the_archive_is_not_there_yet(
    stand: Stand, parliament: PetitionsApi
) -> None:
    stand.redirects(SHOW, ARCHIVED)
    stand.redirects(ARCHIVED, "/petitions/700009")
    assert await parliament.look(700_009) == Unavailable("being archived")


async def test_an_archived_petition_can_be_hidden(stand: Stand, parliament: PetitionsApi) -> None:
    stand.redirects(SHOW, ARCHIVED)
    assert await parliament.look(700_009) == NotFound()


@pytest.mark.parametrize(
    ("status", "look"),
    [
        (404, NotFound()),
        (410, Gone()),
        (400, Unreadable("status 400")),
        (406, Unreadable("status 406")),
        (204, Unreadable("status 204")),
        (403, Unavailable("status 403", whole_site=True)),
        (429, Unavailable("status 429", whole_site=True)),
        (500, Unavailable("status 500")),
        (502, Unavailable("status 502")),
        (503, Unavailable("status 503", whole_site=True)),
        (504, Unavailable("status 504")),
    ],
)
@pytest.mark.parametrize("headers", [JSON, HTML])
async def test_a_status_means_the_same_in_json_and_in_html(
    stand: Stand, parliament: PetitionsApi, status: int, headers: dict[str, str], look: object
) -> None:
    stand.says(SHOW, status=status, headers=headers)
    assert await parliament.look(700_009) == look
    assert stand.paths == [SHOW]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        ("0", 0.0),
        ("Tue, 02 Sep 2025 12:01:30 GMT", 90.0),
        ("Tue, 02 Sep 2025 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("9" * 5_000, None),
        ("", None),
    ],
)
async def test_the_sites_own_wish_to_be_left_alone_is_heard(
    stand: Stand, parliament: PetitionsApi, header: str, seconds: float | None
) -> None:
    date = {"Date": "Tue, 02 Sep 2025 12:00:00 GMT"}
    stand.says(SHOW, status=429, headers=JSON | date | {"Retry-After": header})
    look = await parliament.look(700_009)
    assert look == Unavailable("status 429", retry_after=seconds, whole_site=True)


@pytest.mark.parametrize("ahead", [365, -365])
async def test_a_wish_until_an_instant_ends_with_the_sites_clock_however_wrong_ours_is(
    stand: Stand, session: aiohttp.ClientSession, ahead: int
) -> None:
    date = {"Date": "Tue, 02 Sep 2025 12:00:00 GMT"}
    custom = {"Retry-After": "Tue, 02 Sep 2025 12:01:30 GMT"}
    stand.says(SHOW, status=429, headers=JSON | date | custom)
    wrong = NOON + timedelta(days=ahead)
    look = await PetitionsApi(Site("uk", "UK", stand.url), session, now=lambda: wrong).look(700_009)
    assert look == Unavailable("status 429", retry_after=90.0, whole_site=True)


async def test_an_unchanged_petition_is_not_sent_again(
    stand: Stand, parliament: PetitionsApi
) -> None:
    stand.says(SHOW, status=304)
    since = datetime(2025, 9, 2, 15, 14, tzinfo=UTC)
    assert await parliament.look(700_009, since=since) == NotModified()
    assert stand.asked[0].headers["If-Modified-Since"] == "Tue, 02 Sep 2025 15:14:00 GMT"


async def test_a_plain_look_sets_no_condition(stand: Stand, parliament: PetitionsApi) -> None:
    stand.says(SHOW, sample("show_open_fresh"))
    await parliament.look(700_009)
    assert "If-Modified-Since" not in stand.asked[0].headers


async def test_the_site_is_told_who_asks(stand: Stand, parliament: PetitionsApi) -> None:
    await parliament.look(700_009)
    assert stand.asked[0].headers["User-Agent"].startswith("PetitionBell/1.2.3 ")
    assert stand.asked[0].headers["Accept"] == "application/json"


# --- what a look makes of trouble ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"<h1>Petitions</h1>", HTML, "answered in HTML"),
        (b"hello", {"Content-Type": "text/plain"}, "answered in something other than JSON"),
        (b"<h1>Petitions</h1>", JSON, "malformed at body"),
        (b"", JSON, "malformed at body"),
        (b'{"data":{}}', JSON, "malformed at id"),
        (b'{"data":{"id":700009,"attributes":{}}}', JSON, "malformed at state"),
        (sample("show_awaiting_debate"), JSON, "answered about another petition"),
        (b" " * 100_001, JSON, "too large"),
        (gzip.compress(b" " * 9_000_000, 1), JSON | {"Content-Encoding": "gzip"}, "too large"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_unreadable(
    stand: Stand, parliament: PetitionsApi, body: bytes, headers: dict[str, str], reason: str
) -> None:
    stand.says(SHOW, body, headers=headers)
    assert await parliament.look(700_009) == Unreadable(reason)


async def test_a_body_of_the_greatest_size_is_read(stand: Stand, parliament: PetitionsApi) -> None:
    stand.says(SHOW, sample("show_open_fresh").ljust(100_000))
    assert isinstance(await parliament.look(700_009), Found)


async def test_a_body_without_end_is_cut_short(stand: Stand, parliament: PetitionsApi) -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers=JSON)
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b" " * 65_536)
        return response

    stand.does(SHOW, endless)
    assert await parliament.look(700_009) == Unreadable("too large")


async def test_a_body_cut_off_in_the_middle_is_no_answer(
    stand: Stand, parliament: PetitionsApi
) -> None:
    async def truncated(request: web.BaseRequest) -> web.StreamResponse:
        body = sample("show_open_fresh")
        response = web.StreamResponse(headers=JSON | {"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[:500])
        assert request.transport is not None
        request.transport.close()
        return response

    stand.does(SHOW, truncated)
    assert await parliament.look(700_009) == Unavailable("the answer was cut off")


async def test_a_body_packed_wrongly_is_no_answer(stand: Stand, parliament: PetitionsApi) -> None:
    stand.says(SHOW, b"not packed at all", headers=JSON | {"Content-Encoding": "gzip"})
    assert await parliament.look(700_009) == Unavailable("the answer was cut off")


async def test_a_connection_closed_without_a_word_is_no_answer(
    stand: Stand, parliament: PetitionsApi
) -> None:
    async def closing(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    stand.does(SHOW, closing)
    assert await parliament.look(700_009) == Unavailable("the connection was lost")


@pytest.fixture
def silence(stand: Stand) -> asyncio.Event:
    """Makes the site keep silent; set once it has been asked."""
    asked = asyncio.Event()

    async def silent(_: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    stand.does(SHOW, silent)
    return asked


@pytest.mark.usefixtures("silence")
async def test_a_silent_site_times_out(stand: Stand, session: aiohttp.ClientSession) -> None:
    soon = aiohttp.ClientTimeout(total=0.05)
    parliament = PetitionsApi(Site("uk", "UK", stand.url), session, timeout=soon)
    assert await parliament.look(700_009) == Unavailable("timed out")


async def test_giving_up_a_look_is_not_an_answer(
    silence: asyncio.Event, parliament: PetitionsApi
) -> None:
    looking = asyncio.create_task(parliament.look(700_009))
    await silence.wait()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking


async def test_where_nothing_listens_there_is_no_answer(session: aiohttp.ClientSession) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    parliament = PetitionsApi(Site("uk", "UK", f"http://127.0.0.1:{port}"), session)
    refused = Unavailable("the connection was refused", whole_site=True)
    assert await parliament.look(700_009) == refused


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"+OK this is not HTTP\r\n\r\n", "answered in something other than HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "answered in something other than HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            "answered in something other than HTTP",
        ),
    ],
)
async def test_what_is_not_http_is_no_answer(
    session: aiohttp.ClientSession, said: bytes, reason: str
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        parliament = PetitionsApi(Site("uk", "UK", f"http://127.0.0.1:{port}"), session)
        assert await parliament.look(700_009) == Unavailable(reason)


async def test_a_host_that_is_no_host_is_unreadable(session: aiohttp.ClientSession) -> None:
    parliament = PetitionsApi(Site("uk", "UK", "http://[nowhere"), session)
    assert await parliament.look(7) == Unreadable("an address that cannot be asked")


# --- lists and the rest --------------------------------------------------------------------------


def listing(*ids: int, following: str | None = None) -> bytes:
    row = json.loads(sample("index_count_2"))["data"][0]
    rows = [row | {"id": id_} for id_ in ids]
    return json.dumps({"links": {"next": following}, "data": rows}).encode()


async def test_a_page_is_asked_for_by_what_it_should_hold(
    stand: Stand, parliament: PetitionsApi
) -> None:
    stand.says("/petitions.json", sample("index_state_open"))
    page = await parliament.page("open", q="tea & cake", topic="health", number=3)
    assert len(page.petitions) == 25
    assert dict(stand.asked[0].query) == {
        "state": "open",
        "count": "50",
        "page": "3",
        "q": "tea & cake",
        "topic": "health",
    }


async def test_a_number_is_searched_for_as_a_word(stand: Stand, parliament: PetitionsApi) -> None:
    stand.says("/petitions.json", sample("index_empty"))
    await parliament.page("all", q="700009")
    assert stand.asked[0].query["q"] == "#700009"


async def test_words_with_a_number_in_them_are_searched_for_as_they_are(
    stand: Stand, parliament: PetitionsApi
) -> None:
    stand.says("/petitions.json", sample("index_empty"))
    await parliament.page("all", q="vision 2030")
    assert stand.asked[0].query["q"] == "vision 2030"


async def test_a_next_page_is_asked_of_our_own_site(stand: Stand, parliament: PetitionsApi) -> None:
    stand.says("/petitions.json", sample("index_page2"))
    await parliament.page(
        "all", url="https://elsewhere.invalid/petitions.json?page=2&q=tea+%26+cake"
    )
    assert stand.paths == ["/petitions.json?page=2&q=tea+%26+cake"]


@pytest.mark.parametrize("url", ["@elsewhere.invalid", "https://[x", "mailto:a@elsewhere.invalid"])
async def test_a_next_page_that_is_no_page_is_not_asked_for(
    stand: Stand, parliament: PetitionsApi, url: str
) -> None:
    with pytest.raises(ParliamentError):
        await parliament.page("all", url=url)
    assert stand.asked == []


async def test_pages_go_on_until_there_is_no_next(stand: Stand, parliament: PetitionsApi) -> None:
    first, second = "/petitions.json?state=open&count=50", "/petitions.json?page=2"
    stand.says(first, listing(1, 2, 3, following=f"https://elsewhere.invalid{second}"))
    stand.says(second, listing(3, 4))
    pages = [page async for page in parliament.pages("open")]
    assert [[petition.ref.id for petition in page.petitions] for page in pages] == [[1, 2, 3], [4]]
    assert stand.paths == [first, second]


@pytest.mark.parametrize("second", [listing(), listing(1, 9, following="/petitions.json?page=2")])
async def test_pages_end_where_the_list_does_or_begins_again(
    stand: Stand, parliament: PetitionsApi, second: bytes
) -> None:
    stand.says("/petitions.json", listing(1, 2, following="/petitions.json?page=2"))
    stand.says("/petitions.json?page=2", second)
    assert len([page async for page in parliament.pages("open")]) == 1
    assert len(stand.asked) == 2


async def test_pages_of_rows_nobody_can_read_come_to_an_end(
    stand: Stand, parliament: PetitionsApi
) -> None:
    stand.says("/petitions.json", b'{"data":[7],"links":{"next":"/petitions.json?page=2"}}')
    pages = [page async for page in parliament.pages("open")]
    assert [len(page.malformed) for page in pages] == [1]


async def test_the_archive_has_pages_too(stand: Stand, parliament: PetitionsApi) -> None:
    stand.says("/archived/petitions.json", sample("archived_index_default"))
    page = await parliament.archived_page("published")
    assert [petition.archived for petition in page.petitions] == [True] * 3
    assert stand.paths == ["/archived/petitions.json?state=published&count=50"]


async def test_counts_trending_seats_and_parliaments_are_read(
    stand: Stand, parliament: PetitionsApi
) -> None:
    stand.says("/petitions/700000/count.json", sample("count_life_14_responded"))
    stand.says("/trending.json", sample("trending"))
    stand.says("/constituencies.json", sample("constituencies"))
    stand.says("/parliaments/2019-2024/constituencies.json", sample("constituencies_2019"))
    stand.says("/parliaments.json", sample("parliaments"))
    assert (await parliament.counts(700_000)).signature_count == 10_001
    assert len(await parliament.trending()) == 4
    assert len(await parliament.constituencies()) == 7
    assert len(await parliament.constituencies("2019-2024")) == 1
    assert len(await parliament.parliaments()) == 4


async def test_a_period_that_is_none_is_not_asked_for(
    stand: Stand, parliament: PetitionsApi
) -> None:
    with pytest.raises(ValueError, match="not a parliament's period"):
        await parliament.constituencies("../..")
    assert stand.asked == []


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (404, JSON, ParliamentError),
        (400, JSON, ParliamentError),
        (302, {"Location": "/petitions?state=all"}, ParliamentError),
        (200, HTML, ParliamentError),
        (500, JSON, ParliamentUnavailable),
        (429, JSON | {"Retry-After": "5"}, ParliamentUnavailable),
        (200, JSON, MalformedPetition),
    ],
)
async def test_a_list_that_cannot_be_had_is_an_error(
    stand: Stand,
    parliament: PetitionsApi,
    status: int,
    headers: dict[str, str],
    error: type[Exception],
) -> None:
    stand.says("/petitions.json", b"{}", status=status, headers=headers)
    with pytest.raises(error) as caught:
        await parliament.page("all")
    assert type(caught.value) is error
    if isinstance(caught.value, ParliamentError):
        assert caught.value.status == status
        assert caught.value.url.startswith(stand.url)


async def test_an_error_carries_the_wish_to_be_left_alone(
    stand: Stand, parliament: PetitionsApi
) -> None:
    stand.says("/trending.json", status=429, headers=JSON | {"Retry-After": "5"})
    with pytest.raises(ParliamentUnavailable) as caught:
        await parliament.trending()
    assert caught.value.retry_after == 5.0
