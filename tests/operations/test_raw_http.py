"""Whatever is said to the bot's own server, the answer names no software, and no log is filled."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from bell import Village
from probing import served

from bot.app import running
from bot.operations import http_server


class Door(NamedTuple):
    host: str
    port: int

    async def hears(self, said: bytes) -> bytes:
        """All that the server answers to these bytes."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(said)
        await writer.drain()
        try:
            async with asyncio.timeout(10):
                answer = await reader.read()
        finally:
            writer.close()
        return answer


@pytest.fixture
async def door(village: Village) -> AsyncIterator[Door]:
    config = served(village)
    assert config.web.listen
    async with running(config):
        yield Door(*config.web.listen)


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([line, "Host: x", "Connection: close", *headers, "", ""]).encode() + body


NONSENSE = {
    "no HTTP": b"hello there\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n",
    "a bad method": request("G@T /healthz HTTP/1.1"),
    "a bad version": request("GET /healthz HTTP/x.y"),
    "a version to come": request("GET /healthz HTTP/9.9"),
    "a bad header": request("GET /healthz HTTP/1.1", "a bad header"),
    "a header without end": request("GET /healthz HTTP/1.1", f"X-Long: {'x' * 100_000}"),
    "a line without end": request(f"GET /{'x' * 100_000} HTTP/1.1"),
    "a bad length": request("POST /healthz HTTP/1.1", "Content-Length: many"),
    "two lengths": request("POST /healthz HTTP/1.1", "Content-Length: 1", "Content-Length: 2"),
    "both lengths": request(
        "POST /healthz HTTP/1.1", "Content-Length: 1", "Transfer-Encoding: chunked"
    ),
    "a bad chunk": request("POST /healthz HTTP/1.1", "Transfer-Encoding: chunked", body=b"zz\r\n"),
    "a zero in a header": request("GET /healthz HTTP/1.1", "X-Zero: a\0b"),
    "a body packed wrongly": request(
        "POST /healthz HTTP/1.1", "Content-Encoding: gzip", "Content-Length: 5", body=b"plain"
    ),
    "a body packed in an odd way": request(
        "POST /healthz HTTP/1.1", "Content-Encoding: br", "Content-Length: 5", body=b"plain"
    ),
}
REFUSED = {
    "nobody's path": request("GET /x HTTP/1.1"),
    "another method": request("DELETE /healthz HTTP/1.1"),
    "an odd wish": request("GET /healthz HTTP/1.1", "Expect: a wonder"),
    "a path that leads up": request("GET /../../etc/passwd HTTP/1.1"),
    "HTTP/1.0": request("GET /x HTTP/1.0"),
}


@pytest.mark.parametrize("said", [*NONSENSE.values(), *REFUSED.values()], ids=[*NONSENSE, *REFUSED])
async def test_what_cannot_be_understood_is_refused_without_a_banner_and_without_a_line(
    door: Door, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.clear()
    answer = await door.hears(said)
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert head.startswith((b"http/1.1 4", b"http/1.0 4"))
    assert b"server:" not in head
    assert b"aiohttp" not in answer.lower()
    assert b"python" not in answer.lower()
    assert not [line for line in caplog.records if line.name.startswith(("aiohttp", "asyncio"))]


async def test_a_second_request_that_never_comes_whole_does_not_keep_its_connection(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "KEPT_FOR", 0.2)
    config = served(village)
    assert config.web.listen
    async with running(config):
        first = request("GET /healthz HTTP/1.1").replace(b"Connection: close\r\n", b"")
        answer = await Door(*config.web.listen).hears(first + b"GET /healthz HT")
    assert answer.endswith(b"ok\n")


async def test_an_update_packed_wrongly_is_refused_in_no_more_words(
    village: Village, caplog: pytest.LogCaptureFixture
) -> None:
    config = served(village)
    assert config.web.listen
    token = village.api.token
    path = f"/telegram/{http_server._derived(token, 'webhook path')}"
    async with running(config):
        answer = await Door(*config.web.listen).hears(
            request(
                f"POST {path} HTTP/1.1",
                f"{http_server.SECRET_HEADER}: {http_server._derived(token, 'webhook secret')}",
                "Content-Type: application/json",
                "Content-Encoding: gzip",
                "Content-Length: 5",
                body=b"plain",
            )
        )
    assert answer.startswith(b"HTTP/1.1 400")
    assert not [line for line in caplog.records if line.name.startswith(("aiohttp", "asyncio"))]


async def test_what_can_be_understood_is_answered_all_the_same(door: Door) -> None:
    await door.hears(NONSENSE["a bad method"])
    answer = await door.hears(request("GET /healthz HTTP/1.1"))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"ok\n")
    assert b"server:" not in answer.lower()
