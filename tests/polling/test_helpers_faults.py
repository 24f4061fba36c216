"""The Members API and postcodes.io may answer in any way, and are asked no more than is fair."""

import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from petitions import petition

from bot.demo.loopback import Loopback
from bot.petitions.petition import Parliament, Petition, Place, Site
from bot.polling.budget import asking_for
from bot.polling.members_api import Members
from bot.polling.petitions_api import PetitionsApi
from bot.polling.postcodes_api import Postcodes

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
COLNE = "E14000640"
PLACED = b'{"result": {"codes": {"parliamentary_constituency": "E14001172"}}}'


def packed(size: int) -> bytes:
    return zlib.compress(bytes(size), 1, wbits=31)


class Odd:
    """A server that answers everything in one way, and counts."""

    def __init__(self) -> None:
        self.url = ""
        self.status, self.headers, self.body = 200, {"Content-Type": "application/json"}, PLACED
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return web.Response(status=self.status, headers=self.headers, body=self.body)


@pytest.fixture
async def odd() -> AsyncIterator[Odd]:
    made, server = Odd(), Loopback()
    application = web.Application()
    application.router.add_get("/{any:.*}", made.answer)
    await server.start(application)
    made.url = server.url
    yield made
    await server.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture(autouse=True)
def somebody() -> Iterator[None]:
    token = asking_for.set(7)
    yield
    asking_for.reset(token)


def past(name: str = "Colne Valley") -> Petition:
    return petition(
        archived=True,
        parliament=Parliament("2010-2015"),
        closed_at=datetime(2014, 3, 2, tzinfo=UTC),
        signatures_by_constituency=(Place(name, COLNE, 423),),
    )


def members(odd: Odd, session: aiohttp.ClientSession, **how: float) -> Members:
    site = PetitionsApi(Site("uk", "UK", "http://127.0.0.1:1"), session)
    return Members([site], session, lambda: NOW, api=odd.url, monotonic=lambda: 0.0)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content-Encoding": "gzip"}, packed(64_000_000)),
        (200, {}, b"[" * 100_000),
        (200, {}, b'{"result": "\xff", "items": "\xff"}'),
        (200, {}, b"<html>"),
        (200, {}, b""),
        (204, {}, b""),
        (302, {"Location": "/elsewhere"}, b""),
        (302, {"Location": "file:///etc/passwd"}, b""),
    ],
)
async def test_whatever_they_answer_is_no_answer_and_raises_nothing(
    odd: Odd, session: aiohttp.ClientSession, status: int, headers: dict[str, str], body: bytes
) -> None:
    odd.status, odd.headers, odd.body = status, headers, body
    assert await Postcodes(session, odd.url).seats("SW1A 1AA") == "unavailable"
    assert await members(odd, session).seats(past(), [COLNE]) == {}
    assert len(odd.asked) == 2


async def test_what_one_person_may_ask_of_postcodes_has_an_end_and_leaves_others_theirs(
    odd: Odd, session: aiohttp.ClientSession
) -> None:
    clock = [0.0]
    postcodes = Postcodes(session, odd.url, monotonic=lambda: clock[0])
    answers = [await postcodes.seats("SW1A 1AA") for _ in range(30)]
    assert 5 <= len(odd.asked) <= 10
    assert answers[-1] == "unavailable"
    asking_for.set(8)
    assert await postcodes.seats("SW1A 1AA") != "unavailable"
    asking_for.set(7)
    clock[0] = 70.0
    assert await postcodes.seats("SW1A 1AA") != "unavailable"


async def test_what_one_person_may_ask_of_the_members_api_has_an_end(
    odd: Odd, session: aiohttp.ClientSession
) -> None:
    odd.body = b'{"items": []}'
    asked = members(odd, session)
    for number in range(100):
        await asked.seats(past(f"Valley {number}"), [COLNE])
    assert 20 <= len(odd.asked) <= 30
