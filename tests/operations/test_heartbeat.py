"""The heartbeat: asked while all is well, silent while not, and never anybody's trouble."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from aiohttp import web
from structlog.testing import capture_logs

from bot.config_reader import load_config
from bot.errors import ConfigError
from bot.operations import heartbeat
from bot.operations.health import HealthCheck
from bot.operations.heartbeat import EVERY, Heartbeat

WELL = HealthCheck("storage", "")
ILL = HealthCheck("storage", "Storage can't be written to")
PASSING = HealthCheck("alerts", "Telegram refused 5 alerts in ten minutes.", is_grave=False)
SECRET = "3f6c-secret-path"


@dataclass
class Listener:
    """Who hears the beat, on a real socket."""

    status: int = 200
    heard: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append(request.path)
        moved = {"Location": "/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, headers=moved)


@pytest.fixture(autouse=True)
def _fresh_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "log", structlog.get_logger("heartbeat"))


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    it = Listener()
    application = web.Application()
    application.router.add_get("/{any:.*}", it.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    it.url = f"http://127.0.0.1:{port}/{SECRET}"
    yield it
    await runner.cleanup()


class Minutes:
    """A steady clock that each sleep moves on, once the test lets it."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.slept: list[float] = []
        self._asleep = asyncio.Event()
        self._on = asyncio.Event()

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._asleep.set()
        await self._on.wait()
        self._on.clear()
        self.seconds += seconds

    async def beaten(self) -> None:
        """Wait until the beat of this minute is done with."""
        await self._asleep.wait()

    async def next(self) -> None:
        self._asleep.clear()
        self._on.set()
        await self._asleep.wait()


@asynccontextmanager
async def beating(
    url: str, checks: list[HealthCheck], *, is_ours: bool = True
) -> AsyncIterator[Minutes]:
    async def look() -> Sequence[HealthCheck]:
        if not checks:
            raise RuntimeError(f"nobody can look: {url}")
        return checks

    minutes = Minutes()
    beat = Heartbeat(
        url, look, is_ours=lambda: is_ours, monotonic=minutes.monotonic, sleep=minutes.sleep
    )
    task = asyncio.create_task(beat.run())
    await minutes.beaten()
    try:
        yield minutes
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_it_is_asked_once_a_minute_while_all_is_well(listener: Listener) -> None:
    async with beating(listener.url, [WELL, PASSING]) as minutes:
        await minutes.next()
        await minutes.next()
    assert listener.heard == [f"/{SECRET}"] * 3
    assert minutes.slept == [EVERY] * 3


async def test_it_is_not_asked_while_something_grave_is_wrong_and_is_again_afterwards(
    listener: Listener,
) -> None:
    checks = [WELL]
    async with beating(listener.url, checks) as minutes:
        checks[:] = [WELL, ILL]
        await minutes.next()
        await minutes.next()
        assert len(listener.heard) == 1
        checks[:] = [WELL]
        await minutes.next()
        assert len(listener.heard) == 2


async def test_who_stands_by_does_not_speak_for_who_polls(listener: Listener) -> None:
    async with beating(listener.url, [WELL], is_ours=False) as minutes:
        await minutes.next()
    assert not listener.heard


async def test_a_look_that_fails_is_no_beat_and_ends_nothing(listener: Listener) -> None:
    checks: list[HealthCheck] = []
    with capture_logs() as lines:
        async with beating(listener.url, checks) as minutes:
            assert not listener.heard
            checks.append(WELL)
            await minutes.next()
    assert len(listener.heard) == 1
    assert SECRET not in str(lines)


async def test_nobody_there_is_an_incident_of_the_log_that_does_not_tell_the_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with capture_logs() as lines:
        async with beating(f"http://127.0.0.1:1/{SECRET}", [WELL]) as minutes:
            for _ in range(3):
                await minutes.next()
    assert 1 <= len(lines) <= 4  # one a minute
    assert lines[0]["event"] == "the heartbeat cannot be sent"
    assert SECRET not in str(lines) + caplog.text


async def test_an_answer_that_is_an_error_counts_as_not_heard_until_it_is_heard_again(
    listener: Listener,
) -> None:
    listener.status = 500
    with capture_logs() as lines:
        async with beating(listener.url, [WELL]) as minutes:
            listener.status = 200
            await minutes.next()
    assert [(line["log_level"], line.get("cause")) for line in lines] == [
        ("warning", "status 500"),
        ("info", None),
    ]


async def test_a_redirect_leads_nowhere(listener: Listener) -> None:
    listener.status = 302
    async with beating(listener.url, [WELL]):
        pass
    assert listener.heard == [f"/{SECRET}"]


def test_the_address_does_not_show_itself(tmp_path: Path) -> None:
    environment = {
        "TELEGRAM_TOKEN": "1:a",
        "PETITION_BELL_WEB__HEARTBEAT_URL": f"https://beat.example/{SECRET}",
    }
    config = load_config(None, environment)
    assert config.web.heartbeat_url == f"https://beat.example/{SECRET}"
    assert SECRET not in repr(config)
    environment["PETITION_BELL_WEB__HEARTBEAT_URL"] = f"ftp://beat.example/{SECRET}"
    with pytest.raises(ConfigError) as caught:
        load_config(None, environment)
    assert caught.value.problems
    assert SECRET not in str(caught.value.problems)


def test_there_is_none_unless_it_is_set() -> None:
    assert load_config(None, {"TELEGRAM_TOKEN": "1:a"}).web.heartbeat_url is None
