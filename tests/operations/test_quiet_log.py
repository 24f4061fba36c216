"""What fails again and again is an incident of the log: its start, a line a minute, its end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import structlog
from bell import TEA, Village
from full_disk import full_disk
from looking import Bench, _bench
from site_stand_in import Fault
from store_files import full_device
from structlog.testing import capture_logs

from bot import app
from bot.delivery import deliverer, rate_limiter
from bot.delivery.rate_limiter import RateLimiter
from bot.errors import StorageError
from bot.operations import metrics, observed
from bot.operations.leadership import Rhythm, lead
from bot.operations.metrics import Sending
from bot.operations.observed import StoreIncident
from bot.polling import petition_looks, poller, recorder, reminding, site_state
from bot.telegram import reception, updates
from handlers import fallback
from storage.shared import RoleState

Lines = list[MutableMapping[str, Any]]

LOGGING = (
    app,
    deliverer,
    fallback,
    metrics,
    rate_limiter,
    poller,
    petition_looks,
    recorder,
    reminding,
    site_state,
    observed,
    reception,
    updates,
)
MINUTES = 10
CROWD = range(101, 121)


@pytest.fixture(autouse=True)
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    for module in LOGGING:
        monkeypatch.setattr(module, "log", structlog.get_logger(module.__name__))
    with capture_logs() as captured:
        yield captured


def said(lines: Lines) -> list[str]:
    """What whoever reads the log at its usual level sees of troubles, as one line each."""
    quiet = {"serving", "running", "event", "stopped", "leading", "chat paused"}
    return [
        f"{line['event']} ({line.get('cause', '')})"
        for line in lines
        if line["log_level"] != "debug" and line["event"] not in quiet
    ]


def whispered(lines: Lines) -> int:
    return sum(line["log_level"] == "debug" for line in lines)


def has_traceback(lines: Lines) -> bool:
    return any(line.get("exc_info") for line in lines)


class Steady:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def a_minute_each(lines: Lines, name: str) -> bool:
    """Whether so many minutes of failing took a line each, and the end one more."""
    told = said(lines)
    begun = [line for line in told if line.startswith(f"{name} (")]
    over = [line for line in told if line.startswith(f"{name}: over")]
    return len(told) == len(begun) + 1 and len(over) == 1 and len(begun) in {MINUTES, MINUTES + 1}


# --- the store


def test_a_store_that_fails_a_hundred_times_a_second_is_a_line_a_minute(lines: Lines) -> None:
    steady = Steady()
    incident = StoreIncident(steady)
    names = ("settle", "commit_poll", "claim_deliveries", "save_note")
    for number in range(MINUTES * 60 * 100):
        steady.now += 0.01
        incident.note(names[number % 4], (), 0.0, StorageError("no space left"))
        incident.note("known", (), 0.0, None)  # what is only read goes well all the while
    incident.note("settle", (), 0.0, None)
    assert a_minute_each(lines, "the store fails")


def test_a_store_that_works_is_no_incident(lines: Lines) -> None:
    incident = StoreIncident(Steady())
    for name in ("settle", "known"):
        incident.note(name, (), 0.0, None)
    incident.note("known", (), 0.0, ValueError("a fault of whoever asked"))
    assert said(lines) == []


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(1500):
        if is_so():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


@pytest.mark.parametrize(
    ("failing", "why"), [(full_disk, "No space left"), (full_device, "was moved, replaced")]
)
async def test_a_store_that_fails_under_the_running_bot_is_one_line_and_its_end_another(
    village: Village, lines: Lines, failing: Callable[..., AbstractContextManager[None]], why: str
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        with failing("bell.db.journal"):
            signatures = 10_000
            for _ in range(60):
                signatures += 10_000
                village.site.edit(TEA, signature_count=signatures)
                await village.looked(1)
            assert whispered(lines) > 20
            assert said(lines) == [f"the store fails ({cause(lines)})"]
            assert why in cause(lines)
        await village.reader.hears("signatures")
        await until(lambda: len(said(lines)) > 1)
    assert [line.partition(" (")[0] for line in said(lines)] == [
        "the store fails",
        "the store fails: over",
    ]
    assert not has_traceback(lines)


def cause(lines: Lines) -> str:
    return next(str(line["cause"]) for line in lines if line["event"] == "the store fails")


async def test_a_bot_that_is_well_writes_no_line_of_trouble(village: Village, lines: Lines) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.site.edit(TEA, signature_count=10_002)
        await village.reader.hears("10,002 signatures")
    assert said(lines) == []


# --- Telegram


@pytest.mark.parametrize("outcome", ["502", "401", "TimedOut"])
def test_a_telegram_that_takes_nothing_is_a_line_a_minute(lines: Lines, outcome: str) -> None:
    steady = Steady()
    sending = Sending(steady)
    for number in range(MINUTES * 60 * 5):
        steady.now += 0.2
        sending.came("sendMessage", outcome)
        if number % 7 == 0:
            sending.came("editMessageText", "400")  # says nothing of the rest
    sending.came("sendMessage", "200")
    assert a_minute_each(lines, "Telegram takes no messages")


def test_a_chat_that_refuses_is_no_incident_of_all_telegram(lines: Lines) -> None:
    sending = Sending(Steady())
    for outcome in ("403", "400", "429"):
        sending.came("sendMessage", outcome)
    assert said(lines) == []


async def test_a_telegram_that_is_away_is_a_line_for_each_way_and_one_at_its_end(
    village: Village, lines: Lines
) -> None:
    async with village.bell():
        crowd = [village.chat(number) for number in CROWD]
        for each in crowd:
            village.api.add_chat(each.chat_id)
            await each.subscribes()
        village.api.refuse(None, 502, "Bad Gateway", times=None)
        village.api.refuse(None, 502, "Bad Gateway", times=None, method="getUpdates")
        village.site.edit(TEA, signature_count=10_002)
        again = "alert will be sent again"
        await until(lambda: sum(line["event"] == again for line in lines) >= 2 * len(CROWD))
        village.api.accept_everything()
        for each in crowd:
            await each.hears("10,002 signatures")
    began = [line for line in said(lines) if ": over" not in line]
    assert set(began) <= {
        "Telegram takes no messages (sendMessage: 502)",
        "no updates are arriving (Telegram can't be reached)",
    }
    assert len(began) == len(set(began))
    assert "Telegram takes no messages: over ()" in said(lines)
    assert not has_traceback(lines)


async def test_a_flood_limit_for_all_is_a_line_a_minute(lines: Lines) -> None:
    steady = Steady()
    rate_limiter = RateLimiter(now=steady)
    for _ in range(MINUTES * 60):
        steady.now += 1.0
        rate_limiter._incident.failed("flood limit")
    rate_limiter._incident.recovered()
    assert a_minute_each(lines, "Telegram may be limiting the whole bot")


# --- the site


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with _bench(tmp_path, 600) as made:
        yield made


FAULTS = [Fault(500), Fault(503), Fault(status=200, body=b"<html>", content_type="text/html")]


@pytest.mark.parametrize("fault", FAULTS, ids=["500", "503", "html"])
async def test_a_site_that_is_away_is_a_line_a_minute_however_much_is_asked_of_it(
    bench: Bench, lines: Lines, fault: Fault
) -> None:
    for number in range(1, 31):
        await bench.follow(number)
    await bench.tick()
    bench.site.fail("/", fault)
    await bench.pass_time(MINUTES * 60)
    bench.site.heal()
    await bench.pass_time(120)
    told = said(lines)
    assert 2 <= len(told) <= MINUTES + 3
    assert {line.partition(" (")[0] for line in told[:-1]} == {"the site is not answering"}
    assert told[-1] == "the site is not answering: over ()"


async def test_a_site_that_answers_is_no_incident(bench: Bench, lines: Lines) -> None:
    await bench.follow(1)
    await bench.pass_time(180)
    assert said(lines) == []


# --- a fault of our own


async def test_a_handler_that_fails_for_everybody_is_one_incident(
    village: Village, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.help.help_text", None)
    async with village.bell():
        for _ in range(20):
            await village.reader.ask("/help", "something went wrong")
        assert said(lines) == ["an update cannot be handled (TypeError)"]
        await village.reader.ask("/status")
        await until(lambda: len(said(lines)) > 1)
    assert said(lines)[1] == "an update cannot be handled: over ()"


# --- several processes


class Lost:
    """A place for a role that nobody can ask about."""

    def __init__(self) -> None:
        self.asked = 0

    def leadership(self, _: str) -> "Lost":
        return self

    async def take(self) -> bool:
        self.asked += 1
        raise StorageError("PostgreSQL: gone")

    async def leave(self) -> None:
        """Nothing is held."""

    async def slots(self, _: int) -> Sequence[float]:
        raise StorageError("PostgreSQL: gone")

    async def pause(self, _: float) -> None:
        raise StorageError("PostgreSQL: gone")


async def test_a_store_that_nobody_can_ask_who_leads_is_one_line(lines: Lines) -> None:
    lost = Lost()
    leading = asyncio.create_task(
        lead(lost, RoleState("poller"), lambda: None, Rhythm(0.001, 0.001))  # type: ignore[arg-type,return-value]
    )
    await until(lambda: lost.asked > 50)
    leading.cancel()
    await asyncio.wait([leading])
    assert said(lines) == ["leader unknown (PostgreSQL: gone)"]


async def test_a_rate_that_cannot_be_shared_is_a_line_a_minute(lines: Lines) -> None:
    steady = Steady()
    places = rate_limiter._Places(Lost(), steady)
    for _ in range(MINUTES * 60):
        steady.now += 1.0
        assert await places.next(1) == 0.0
    assert 10 <= len(said(lines)) <= 11
