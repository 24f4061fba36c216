"""A stand-in for one site's answers, and the client that asks it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import aiohttp
import pytest
from aiohttp import web

from bot.polling.petitions_api import open_session

SAMPLES = Path(__file__).parent / "samples"


JSON = {"Content-Type": "application/json; charset=utf-8"}


SHOW = "/petitions/700009.json"


ARCHIVED = "/archived/petitions/700009.json"


Reply: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


@dataclass
class Stand:
    """A site that answers each path as it is told to, and remembers what it was asked."""

    url: str = ""
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[web.BaseRequest] = field(default_factory=list)

    def says(
        self, path: str, body: bytes = b"", status: int = 200, headers: dict[str, str] = JSON
    ) -> None:
        async def reply(_: web.BaseRequest) -> web.Response:
            return web.Response(status=status, headers=headers, body=body)

        self.replies[path] = reply

    def redirects(self, path: str, target: str) -> None:
        location = target if "://" in target else self.url + target
        self.says(path, status=302, headers={"Location": location})

    def does(self, path: str, reply: Reply) -> None:
        self.replies[path] = reply

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        reply = self.replies.get(request.path_qs) or self.replies.get(request.path)
        if reply is None:
            return web.Response(status=404, headers=JSON, body=sample("err_404"))
        return await reply(request)

    @property
    def paths(self) -> list[str]:
        return [request.path_qs for request in self.asked]


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    stand = Stand()
    runner = web.ServerRunner(web.Server(stand.answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    stand.url = f"http://{host}:{port}"
    yield stand
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session("1.2.3") as session:
        yield session
