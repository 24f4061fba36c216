"""Constituencies and topics as the site sends them, and postcodes as postcodes.io does."""

import json
from pathlib import Path

import aiohttp
import pytest

from bot.demo.world import PostcodesApi
from bot.errors import MalformedPetition
from bot.petitions.parse import parse_topics
from bot.petitions.parse_places import Local, parse_local, slug
from bot.petitions.petition import PetitionRef, Site
from bot.petitions.postcode import is_postcode, without_postcodes
from bot.polling.postcodes_api import Postcodes, Seats

UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Ynys Môn", "ynys-mon"),
        ("Holborn and St Pancras", "holborn-and-st-pancras"),
        ("Normanton, Pontefract and Castleford", "normanton-pontefract-and-castleford"),
        ("Berwick-upon-Tweed", "berwick-upon-tweed"),
    ],
)
def test_a_constituency_has_the_address_the_site_gives_it(name: str, address: str) -> None:
    assert slug(name) == address


def test_what_is_signed_in_a_constituency_is_read_and_odd_rows_are_left_out() -> None:
    row = {
        "action": "Free tea",
        "state": "open",
        "constituency_signature_count": 12,
        "total_signature_count": 84,
    }
    urls = ("https://petition.parliament.uk/petitions/700000", "https://example.com/", "x/0")
    body = json.dumps({"constituency": "A", "petitions": [{**row, "url": u} for u in urls]})
    assert parse_local(body.encode(), UK) == (
        Local(PetitionRef("uk", 700000), "Free tea", "open", 12, 84),
    )


def test_recorded_bodies_are_read(shared_data: Path) -> None:
    recorded = shared_data / "contract"
    signed = parse_local((recorded / "local_vacant.json").read_bytes(), UK)
    assert [each.here for each in signed] == sorted((e.here for e in signed), reverse=True)
    topics = parse_topics((recorded / "topics.json").read_bytes(), UK)
    assert topics["covid-19"] == "COVID-19"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"petitions": 3}', b'{"a": {"name": "x"}}'])
def test_a_body_that_makes_no_sense_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPetition):
        parse_local(body, UK)
    if body != b"":
        with pytest.raises(MalformedPetition):
            parse_topics(body, UK)


@pytest.mark.parametrize("text", ["SW1A 1AA", "sw1a1aa", " M1 1AE ", "EC1A1BB"])
def test_a_postcode_is_told_from_a_name(text: str) -> None:
    assert is_postcode(text)


@pytest.mark.parametrize("text", ["", "SW1A", "Aldershot", "E14001063", "SW1A 1AA/../x"])
def test_a_name_is_told_from_a_postcode(text: str) -> None:
    assert not is_postcode(text)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("tea near SW1A 1AA, please", "tea near , please"),
        ("tea near sw1a-1aa", "tea near"),
        ("nurses_SW1A, 1AA_here", "nurses_ _here"),
        ("vitamin b12 5mg", "vitamin b12 5mg"),
        ("ban M25 and A1 works", "ban M25 and A1 works"),
        ("M1 1A", ""),
        ("5G 2024 budget", "5G 2024 budget"),
    ],
)
def test_a_postcode_is_left_out_of_a_text(text: str, rest: str) -> None:
    assert " ".join(without_postcodes(text).split()) == rest


async def test_a_postcode_gives_its_seat_or_says_why_not() -> None:
    async with (
        PostcodesApi({"SW1A 1AA": "E14001172", "JE2 3QA": ""}) as api,
        aiohttp.ClientSession() as session,
    ):
        postcodes = Postcodes(session, api.url)
        assert await postcodes.seats("sw1a1aa") == Seats(frozenset({"E14001172"}))
        assert await postcodes.seats("JE2 3QA") == "nowhere"
        assert await postcodes.seats("ZZ1 1ZZ") == "unknown"
        assert await postcodes.seats("not one") == "unknown"
        api.status = 503
        assert await postcodes.seats("SW1A 1AA") == "unavailable"


async def test_a_service_that_is_away_is_no_error_and_its_log_names_no_postcode(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with aiohttp.ClientSession() as session:
        assert await Postcodes(session, "http://127.0.0.1:1").seats("SW1A 1AA") == "unavailable"
    said = capsys.readouterr().out
    assert "postcodes cannot be asked" in said
    assert "SW1A" not in said


async def test_a_postcode_lies_in_a_seat_of_each_parliament_that_is_elected_there() -> None:
    async with (
        PostcodesApi(
            {"CF24 2BT": "W07000091", "AB10 1AB": "S14000060"},
            senedd={"CF24 2BT": "Caerdydd Penarth"},
            holyrood={"AB10 1AB": ("S16000074", "Aberdeen Central")},
        ) as api,
        aiohttp.ClientSession() as session,
    ):
        everywhere = Postcodes(session, api.url, asks_holyrood=True)
        welsh = await everywhere.seats("CF24 2BT")
        assert isinstance(welsh, Seats)
        assert welsh.has("W07000091", "Cardiff South and Penarth")
        assert welsh.has("W09000053", "Caerdydd  Penarth")
        assert not welsh.has("W07000053", "Caerdydd Penarth")

        scottish = await everywhere.seats("AB10 1AB")
        assert isinstance(scottish, Seats)
        assert scottish.has("S16000074", "as it is called now")
        assert scottish.has("S16000199", "Aberdeen Central")
        assert api.asked == ["CF242BT", "AB101AB"]

        at_westminster = await Postcodes(session, api.url).seats("AB10 1AB")
        assert at_westminster == Seats(frozenset({"S14000060"}))
