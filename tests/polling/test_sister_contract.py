"""Every answer of the sister sites that was recorded is taken for what it is."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec import structs
from stand import SAMPLES, Stand
from stand import session as session
from stand import stand as stand

from bot.errors import MalformedPetition, PetitionBellError
from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.parliaments.description import Host, SiteDescription
from bot.petitions.parse import (
    parse_counts,
    parse_page,
    parse_petition,
    parse_topics,
    parse_trending,
    works_like,
)
from bot.petitions.parse_places import parse_constituencies, parse_local, parse_parishes
from bot.petitions.petition import PetitionId, PetitionRef
from bot.polling.petitions_api import (
    Found,
    Gone,
    Look,
    NotFound,
    PetitionsApi,
    Unavailable,
    Unpublished,
    Unreadable,
)

SISTERS = ("senedd", "scotland", "jersey")
Row = Mapping[str, Any]


def recorded(folder: Path, site: str) -> Iterator[tuple[Row, bytes]]:
    """Every request to a site with its answer, and the body that was kept of it."""
    here = folder / "contract-sister" / site
    for line in (here / "index.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        yield row, (here / row["body"]).read_bytes() if row["body"] else b""


def expected(row: Row) -> tuple[type[Look], ...]:
    """What a look that is answered so has to bring."""
    match row["status"]:
        case 200:
            return (Found,)
        case 404:
            return (NotFound,)
        case 410:
            return (Gone,)
        case 302:
            return (Unpublished, Unavailable)
        case 301 | 308 | 401 | 500 | 503:
            return (Unavailable,)
        case _:
            return (Unreadable,)


@pytest.mark.parametrize("name", SISTERS)
async def test_every_recorded_answer_is_taken_for_what_it_is(
    shared_data: Path, name: str, stand: Stand, session: aiohttp.ClientSession
) -> None:
    description = DESCRIPTIONS[name]
    api = PetitionsApi(site_like(name, description, stand.url), session)
    looked = 0
    for row, body in recorded(shared_data, name):
        if row["host"] != description.hosts[0].name or row["request_headers"]:
            continue
        found = re.fullmatch(r"/petitions/(\w+)\.json", row["request"])
        headers = {key.title(): value for key, value in row["headers"].items()}
        if location := headers.get("Location"):
            headers["Location"] = re.sub(r"^https?://[^/]*", stand.url, location)
        stand.says(row["request"].partition("?")[0], body, row["status"], headers)
        if not found or found[1] == "local":
            await _is_read_or_refused(api, row)
            continue
        asked = description.ids.read(found[1])
        if asked is None or str(asked) != found[1]:
            continue  # nobody writes it so, and the bot asks for no such address
        look = await api.look(asked)
        assert isinstance(look, expected(row)), (row["name"], look)
        if isinstance(look, Found):
            assert look.petition.ref == PetitionRef(name, asked)
        looked += 1
    assert looked > 40
    assert api.works_like == name


async def _is_read_or_refused(api: PetitionsApi, row: Row) -> None:
    """Lists and the rest are read where the site answers with JSON, and refused elsewhere."""
    path = row["request"]
    ask = _question(api, path)
    if ask is None:
        return
    if row["status"] == 200 and "json" in row["headers"].get("content-type", ""):
        told = await ask()
        assert not getattr(told, "malformed", ()), row["name"]
    else:
        try:
            told = await ask()
        except PetitionBellError:
            return
        raise AssertionError((row["name"], row["status"], path, told))


def _question(api: PetitionsApi, path: str) -> Callable[[], Awaitable[Any]] | None:
    plain = path.partition("?")[0]
    numbered = re.fullmatch(r"/petitions/(\w+)/count\.json", plain)
    if numbered:
        name = numbered[1]
        return lambda: api.counts(int(name) if name.isdigit() else name)
    match plain:
        case "/petitions.json":
            return lambda: api.page("", url=path)
        case "/topics.json":
            return api.topics
        case "/trending.json":
            return api.trending
        case "/constituencies.json":
            return api.constituencies
        case "/parishes.json":
            return api.parishes
        case _:
            return None


# What each kind of address tells, on the host of each language.
def _kinds(host: Host) -> dict[str, Callable[[bytes, Any], Any]]:
    words = structs.asdict(host.paths)
    petitions = rf"/{words['petitions']}"
    places = "|".join({words["constituencies"], words["regions"], words["countries"]})
    return {
        rf"{petitions}/\w+\.json": parse_petition,
        rf"{petitions}(?:\.json)?(?:\?.*)?": parse_page,
        rf"{petitions}/\w+/{words['count']}(?:\.json)?": parse_counts,
        rf"{petitions}/{words['local']}/.*\.json": parse_local,
        rf"/(?:{places}|constituencies|regions)(?:/[0-9-]+)?\.json": parse_constituencies,
        rf"/{words['topics']}\.json": parse_topics,
        rf"/{words['trending']}(?:\.json)?": parse_trending,
        rf"/{words['parishes']}(?:\.json)?": parse_parishes,
    }


READERS = (
    parse_petition,
    parse_page,
    parse_counts,
    parse_local,
    parse_topics,
    parse_trending,
    parse_parishes,
)


@pytest.mark.parametrize("name", SISTERS)
def test_every_recorded_body_is_read_by_what_its_address_is_for_and_no_error_by_any(
    shared_data: Path, name: str
) -> None:
    description = DESCRIPTIONS[name]
    site = site_like(name, description)
    read = refused = 0
    for row, body in recorded(shared_data, name):
        if not body:
            continue
        parse = _parser(description, row)
        if row["status"] == 200 and parse:
            told = parse(body, site)
            assert not getattr(told, "malformed", ()), row["name"]
            assert works_like(body) in {"", name}
            read += 1
            continue
        for other in READERS:  # an error, a table, a manifest: none of ours
            try:
                told = other(body, site)
            except MalformedPetition:
                continue
            raise AssertionError((row["name"], row["request"], other.__name__, told))
        assert works_like(body) == ""
        refused += 1
    assert read > 90
    assert refused > 20


def _parser(description: SiteDescription, row: Row) -> Callable[[bytes, Any], Any] | None:
    host = next(h for h in description.hosts if h.name == row["host"])
    request = row["request"]
    if "json" not in row["headers"].get("content-type", ""):
        return None
    kinds = _kinds(host).items()
    return next((parse for shape, parse in kinds if re.fullmatch(shape, request)), None)


@pytest.mark.parametrize("name", SISTERS)
@pytest.mark.parametrize(
    ("status", "look"),
    [
        (400, Unreadable),
        (401, Unavailable),
        (404, NotFound),
        (406, Unreadable),
        (410, Gone),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
async def test_an_error_is_no_petition_whatever_its_body_looks_like(
    name: str, status: int, look: type[Look], stand: Stand, session: aiohttp.ClientSession
) -> None:
    api = PetitionsApi(site_like(name, DESCRIPTIONS[name], stand.url), session)
    asked: PetitionId = "PE2200" if name == "scotland" else 200_500
    whole = next((SAMPLES / name).glob("show_life_0[56]*.json")).read_bytes()
    for body in (json.dumps({"status": status, "error": "No"}).encode(), whole):
        stand.says(f"/petitions/{asked}.json", body, status)
        assert isinstance(await api.look(asked), look)
    stand.says(f"/petitions/{asked}.json", json.dumps({"status": status}).encode())
    assert isinstance(await api.look(asked), Unreadable)
