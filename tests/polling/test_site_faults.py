"""What can be wrong with a site is told apart, and one bad list, row or date harms only itself."""

import json
import ssl
from codecs import BOM_UTF8
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from bell import Village, open_petition
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from looking import Bench, _bench, listen
from site_stand_in import Fault
from stand import ARCHIVED, SHOW, Stand, sample
from stand import session as session
from stand import stand as stand

from bot.demo.petition_bodies import show_body
from bot.petitions.parse import parse_petition
from bot.petitions.petition import PetitionRef, Site
from bot.polling import site_lists
from bot.polling.petitions_api import (
    Found,
    Look,
    NotModified,
    PetitionsApi,
    Unavailable,
    Unreadable,
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with _bench(tmp_path) as made:
        yield made


# --- told apart


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "petitions")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "site.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def look_at(url: str, asks: aiohttp.ClientSession) -> Look:
    return await PetitionsApi(Site("uk", "UK", url), asks).look(700_009)


async def test_a_certificate_that_is_not_valid_is_named_and_no_answer(
    tmp_path: Path,
    stand: Stand,
    session: aiohttp.ClientSession,
) -> None:
    runner = web.ServerRunner(web.Server(stand.answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate(tmp_path)).start()
    port = runner.addresses[0][1]
    look = await look_at(f"https://127.0.0.1:{port}", session)
    assert isinstance(look, Unavailable)
    assert look.whole_site
    assert "certificate" in look.reason
    assert "self-signed" in look.reason
    await runner.cleanup()


async def test_plain_http_where_tls_should_be_is_no_answer(
    stand: Stand,
    session: aiohttp.ClientSession,
) -> None:
    look = await look_at(stand.url.replace("http:", "https:"), session)
    assert isinstance(look, Unavailable)
    assert "TLS" in look.reason


async def test_a_name_that_is_not_found_is_told_from_a_refused_connection(
    session: aiohttp.ClientSession,
) -> None:
    unknown = await look_at("http://petitions.invalid", session)
    refused = await look_at("http://127.0.0.1:1", session)
    assert isinstance(unknown, Unavailable)
    assert isinstance(refused, Unavailable)
    assert "DNS" in unknown.reason
    assert "refused" in refused.reason


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=200, body=b"<html>", content_type="text/html"), "HTML"),
        (Fault(status=200, body=b"{}"), "malformed"),
        (Fault(status=500), "status 500"),
        (Fault(status=418), "status 418"),
    ],
)
async def test_what_cannot_be_read_is_no_answer_and_its_reason_is_told(
    bench: Bench, fault: Fault, words: str
) -> None:
    ref = await bench.follow(1)
    await bench.tick()
    (before,) = bench.poller.health([ref])
    bench.site.fail("/", fault)
    await bench.pass_time(180)
    (health,) = bench.poller.health([ref])
    assert health.failing_since is not None
    assert health.last_answer == before.last_answer
    assert words in health.reason
    bench.site.heal()
    await bench.pass_time(65)
    (health,) = bench.poller.health([ref])
    assert health.failing_since is None
    assert health.reason == ""


async def test_that_nothing_changed_is_no_answer_where_nobody_asked_whether_it_did(
    stand: Stand, session: aiohttp.ClientSession
) -> None:
    stand.says(SHOW, status=304)
    asks = PetitionsApi(Site("uk", "UK", stand.url), session)
    assert isinstance(await asks.look(700_009), Unreadable)
    assert isinstance(await asks.look(700_009, since=datetime(2026, 3, 2, tzinfo=UTC)), NotModified)


async def test_a_mark_before_the_body_is_no_part_of_it(
    stand: Stand, session: aiohttp.ClientSession
) -> None:
    stand.says(SHOW, BOM_UTF8 + sample("show_open_fresh"))
    assert isinstance(await PetitionsApi(Site("uk", "UK", stand.url), session).look(700_009), Found)


@pytest.mark.parametrize(
    "wish", ["0", "Mon, 01 Jan 2001 00:00:00 GMT", "-5", "soon", "", "9" * 40, "1e3"]
)
async def test_a_wish_for_no_quiet_at_all_does_not_end_the_back_off(
    bench: Bench, wish: str
) -> None:
    for number in range(1, 21):
        await bench.follow(number)
    await bench.pass_time(30)
    bench.site.fail("/", Fault(status=503, headers={"Retry-After": wish}))
    asked = bench.asked("/")
    await bench.pass_time(180)
    assert 3 <= bench.asked("/") - asked <= 12


async def test_a_wish_for_a_year_of_quiet_is_heeded_for_an_hour(bench: Bench) -> None:
    await bench.follow(1)
    await bench.tick()
    bench.site.fail("/", Fault(status=429, headers={"Retry-After": "31536000"}), times=1)
    await bench.pass_time(3_500, step=100)
    asked = bench.asked("/")
    await bench.pass_time(300, step=10)
    assert bench.asked("/") > asked


async def test_a_body_that_says_it_is_fresh_for_ever_is_not_believed(bench: Bench) -> None:
    await bench.follow(1)
    forever = {"Cache-Control": "public, max-age=999999999"}
    watch = bench.poller._sites["uk"]
    body = show_body(bench.site.url, 1, open_petition())
    bench.site.fail("/petitions/1", Fault(status=200, body=body, headers=forever), times=1)
    await bench.poller._looks.look_at(watch, PetitionRef("uk", 1))
    assert watch.outlook.limits.max_age == 300


# --- one bad thing


async def test_a_site_that_says_of_everything_that_it_was_taken_down_is_not_believed(
    bench: Bench,
) -> None:
    for number in (1, 2, 3):
        await bench.follow(number)
    bench.site.fail("/", Fault(status=410))
    await bench.pass_time(300)
    assert await bench.owed() == []
    bench.site.heal()
    await bench.pass_time(130)
    assert await bench.owed() == []
    bench.site.take_down(2)
    await bench.pass_time(130)
    assert await bench.owed() == ["uk:2:removed:7"]


async def test_a_search_keeps_what_it_found_when_one_list_fails(village: Village) -> None:
    village.site.fail("/archived", Fault(status=500))
    async with village.bell():
        await village.reader.ask("/search tea", "Free tea in every library")


async def test_a_search_of_which_every_list_fails_says_that_the_site_is_away(
    village: Village,
) -> None:
    village.site.fail("/petitions.json", Fault(status=500))
    village.site.fail("/archived", Fault(status=500))
    async with village.bell():
        await village.reader.ask("/search tea", "isn't answering")


@pytest.mark.parametrize("year", ["0001", "9999"])
async def test_a_date_that_cannot_be_meant_harms_only_itself(bench: Bench, year: str) -> None:
    ref = await bench.follow(
        1,
        signature_count=9_990,
        closing_date=f"{year}-01-01" if year == "0001" else f"{year}-12-31",
        response_threshold_reached_at=f"{year}-06-30T23:59:59.000Z",
        scheduled_debate_date=f"{year}-12-31",
        opened_at=f"{year}-12-31T23:59:59.000Z",
    )
    await bench.tick()
    bench.site.edit(1, signature_count=10_002)
    await bench.pass_time(70)
    assert "uk:1:milestone:10000:7" in await bench.owed()
    known = await bench.storage.history(ref)
    assert known is not None
    assert known.petition.closing_date is None


def test_a_date_that_can_be_meant_is_kept() -> None:
    found = parse_petition(sample("show_open_fresh"), Site("uk", "UK", "https://x.example"))
    assert isinstance(found.closing_date, date)


# --- the archive


async def test_an_archived_petition_costs_one_request_a_look(bench: Bench) -> None:
    ref = await bench.follow(1, state="closed")
    bench.site.archive(1, {"period": "2024-2026"})
    watch = bench.poller._sites["uk"]
    await bench.poller._looks.look_at(watch, ref)
    before = len(bench.site.seen())
    sight = await bench.poller._looks.look_at(watch, ref)
    assert isinstance(sight.look, Found)
    assert sight.look.petition.archived
    assert len(bench.site.seen()) - before == 1


async def test_a_petition_that_left_the_archive_is_found_where_it_is(
    stand: Stand,
    session: aiohttp.ClientSession,
) -> None:
    stand.says(SHOW, sample("show_open_fresh"))
    parliament = PetitionsApi(Site("uk", "UK", stand.url), session)
    assert isinstance(await parliament.archived_look(700_009), Found)
    assert stand.paths == [ARCHIVED, SHOW]


# --- a collapse


@pytest.mark.parametrize("count", [0, 1_000])
async def test_a_collapse_of_the_count_is_believed_when_seen_twice(
    bench: Bench, count: int
) -> None:
    ref = await bench.follow(1, signature_count=9_000)
    watch = bench.poller._sites["uk"]
    bench.site.edit(1, signature_count=count)
    await bench.poller._looks.look_at(watch, ref)
    assert await bench.owed() == []
    await bench.poller._looks.look_at(watch, ref)
    assert await bench.owed() == ["uk:1:count_fell:7"]


async def test_a_collapse_seen_once_and_gone_is_no_news(bench: Bench) -> None:
    ref = await bench.follow(1, signature_count=9_000)
    watch = bench.poller._sites["uk"]
    for count in (0, 9_001, 0, 9_002):
        bench.site.edit(1, signature_count=count)
        await bench.poller._looks.look_at(watch, ref)
    assert await bench.owed() == []


async def test_a_fall_as_by_a_check_is_believed_at_once(bench: Bench) -> None:
    ref = await bench.follow(1, signature_count=9_000)
    bench.site.edit(1, signature_count=8_000)
    await bench.poller._looks.look_at(bench.poller._sites["uk"], ref)
    assert await bench.owed() == ["uk:1:count_fell:7"]


# --- a list without end


async def test_a_list_without_end_is_not_read_for_ever(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_lists, "MOST_PAGES", 6)
    row = json.loads(show_body(bench.site.url, 1, open_petition()))["data"]
    body = json.dumps({"data": [row], "links": {"next": "https://elsewhere.example/x"}})
    bench.site.fail("/petitions.json?state=open", Fault(status=200, body=body.encode()))
    await listen(bench, "response")
    await bench.pass_time(600, step=10)
    asked = {seen.path_qs for seen in bench.site.seen("/petitions.json?state=open")}
    assert 3 <= len(asked) <= 6
    assert all("elsewhere" not in path for path in asked)
