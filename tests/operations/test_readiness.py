"""The real bot's `/readyz` turns red whatever makes it deaf, mute or blind, and green after it.

Here minutes are made seconds; `bench/soak_health.py` shows the same on real clocks.
"""

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from bell import TEA, Village
from broken_updates import UNDECODABLE
from full_disk import full_disk
from probing import asking, served
from site_stand_in import Fault
from store_files import full_device
from telegram_stand_in import BotApi
from watching import NOW, Patient, Watch
from watching import watch as watch

from bot.delivery.rate_limiter import RateLimiter
from bot.delivery.send_queue import Chat, Departure
from bot.demo.bot_api import TWO_POLLERS
from bot.operations import health, metrics
from bot.petitions.petition import Site
from bot.petitions.site_health import SiteHealth, StatusReport
from bot.telegram import reception, updates
from bot.telegram.decoding import Cause, Failure, Undecodable
from bot.telegram.reception import Outcome, Reception
from bot.telegram.updates import Receiver

Ask = Callable[[str], Any]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / 20)

    asks = {"poll": 0.3, "margin": 0.3, "sleep": sleep}
    monkeypatch.setattr(Receiver.__init__, "__kwdefaults__", asks)
    monkeypatch.setattr(updates, "_AT_MOST_EVERY", 0.1)
    monkeypatch.setattr(reception, "_AFTER_THE_LAST", 1.0)
    monkeypatch.setattr(reception, "SILENT_TOO_LONG", 1.5)
    monkeypatch.setattr(health, "SILENT_TOO_LONG", 1.5)
    monkeypatch.setattr(metrics, "_MUTE_TOO_LONG", 0.5)


@pytest.fixture
async def ready(village: Village) -> AsyncIterator[Callable[..., Any]]:
    """Waits until the bot is as ready as wanted, people talking meanwhile; what ails it then."""
    async with asking(served(village, "polling")) as ask:
        await village.reader.subscribes()

        async def until(wanted: bool, meanwhile: Callable[[], object] = lambda: None) -> str:
            for _ in range(400):
                status, text = await ask("/readyz")
                if (status == 200) is wanted:
                    return str(json.loads(text)["problems"])
                meanwhile()
                await asyncio.sleep(0.1)
            raise AssertionError(f"still {text}")

        assert await until(True) == "[]"
        yield until


def refuse(code: int, words: str, method: str, **parameters: int) -> Callable[[BotApi], None]:
    return lambda api: api.refuse(None, code, words, parameters, times=None, method=method)


DEAF: dict[str, tuple[Callable[[BotApi], None], str]] = {
    "401": (refuse(401, "Unauthorized", "getUpdates"), Cause.TOKEN),
    "404": (refuse(404, "Not Found", "getUpdates"), Cause.TOKEN),
    "409": (refuse(409, TWO_POLLERS, "getUpdates"), Cause.OTHER_PROGRAM),
    "502": (refuse(502, "Bad Gateway", "getUpdates"), Cause.UNREACHABLE),
    "hang": (lambda api: api.hang(times=None, method="getUpdates"), Cause.UNREACHABLE),
    "page": (lambda a: a.answer_with(b"<p>", times=None, method="getUpdates"), Cause.STRANGE),
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("deafen", "cause"), DEAF.values(), ids=DEAF)
async def test_a_bot_that_hears_nothing_is_not_ready_until_it_hears_again(
    village: Village, ready: Callable[..., Any], deafen: Callable[[BotApi], None], cause: str
) -> None:
    deafen(village.api)
    assert cause in await ready(False)
    village.api.accept_everything()
    assert await ready(True) == "[]"


@pytest.mark.usefixtures("hasty")
async def test_a_bot_that_can_read_no_update_is_not_ready_until_it_can(
    village: Village, ready: Callable[..., Any]
) -> None:
    shapes = itertools.cycle(UNDECODABLE.values())
    said = await ready(False, lambda: village.api.emit_raw(next(shapes)))
    assert "None of the last" in said
    await village.reader.ask("/help", "What I can do")
    assert await ready(True) == "[]"


MUTE: dict[str, tuple[Callable[[BotApi], None], str]] = {
    "401": (refuse(401, "Unauthorized", "sendMessage"), "401"),
    "502": (refuse(502, "Bad Gateway", "sendMessage"), "502"),
    "429": (refuse(429, "Too Many Requests", "sendMessage", retry_after=2), "429"),
    "reset": (lambda api: api.reset(times=None, method="sendMessage"), "Unanswered"),
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("silence", "cause"), MUTE.values(), ids=MUTE)
async def test_a_bot_that_can_say_nothing_is_not_ready_until_it_can(
    village: Village, ready: Callable[..., Any], silence: Callable[[BotApi], None], cause: str
) -> None:
    silence(village.api)
    village.site.edit(TEA, signature_count=10_002)
    said = await ready(False, lambda: village.reader.say("/help"))
    assert "Telegram has accepted no message" in said
    assert cause in said
    village.api.accept_everything()
    assert await ready(True, lambda: village.reader.say("/help")) == "[]"


BLIND = {
    "HTML": (Fault(status=200, body=b"<html>", content_type="text/html"), "HTML"),
    "nonsense": (Fault(status=200, body=b"{}"), "malformed"),
    "500": (Fault(500), "status 500"),
    "503": (Fault(503), "status 503"),
}


@pytest.mark.parametrize(("fault", "cause"), BLIND.values(), ids=BLIND)
async def test_a_bot_that_cannot_read_the_site_is_not_ready_until_it_can(
    village: Village, ready: Callable[..., Any], fault: Fault, cause: str
) -> None:
    village.site.fail("/", fault)
    said = await ready(False)
    assert "UK Parliament: not answering since" in said
    assert cause in said
    assert "couldn't be read" not in said
    village.site.heal()
    assert await ready(True) == "[]"


@contextmanager
def stuck(_: str) -> Iterator[None]:
    """A disk that never says that it has written."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        well = threading.Event()
        stack.callback(well.set)
        patch.setattr("storage.disk.Disk.sync", lambda *_: well.wait(60))
        yield


LOST = {"full": full_disk, "moved": full_device, "stuck": stuck}


@pytest.mark.parametrize("failing", LOST.values(), ids=LOST)
async def test_a_bot_that_cannot_write_is_not_ready_until_it_can(
    village: Village,
    ready: Callable[..., Any],
    failing: Callable[[str], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "_STORAGE_WITHIN", 0.5)
    with failing("bell.db"):
        said = await ready(False)
        assert "Storage can't be written to" in said
        assert "No check" not in said
    assert await ready(True) == "[]"


# --- by a clock of the test's own ----------------------------------------------------------------


class Steady:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


BROKEN = Undecodable(1, "message", "KeyError")
CONFLICT = Failure(Cause.OTHER_PROGRAM, "409")


@pytest.mark.parametrize("apart", [1, 5, 30])
def test_updates_of_which_none_can_be_read_are_grave_within_two_minutes(apart: int) -> None:
    steady = Steady()
    reception = Reception(monotonic=steady)
    for _ in range(0, 115, apart):
        reception.skipped(BROKEN)
        steady.now += apart
    assert reception.reads_nothing
    reception.took(Outcome.TAKEN)
    assert not reception.reads_nothing


def test_a_few_updates_among_others_that_cannot_be_read_are_not_grave() -> None:
    steady = Steady()
    reception = Reception(monotonic=steady)
    for number in range(600):
        reception.skipped(BROKEN)
        if number % 20 == 0:
            reception.took(Outcome.TAKEN)
        steady.now += 1
        assert not reception.reads_nothing
    assert reception.stepped_over()


def test_one_update_in_the_night_that_cannot_be_read_is_not_grave() -> None:
    steady = Steady()
    reception = Reception(monotonic=steady)
    for _ in range(3):
        reception.skipped(BROKEN)
        steady.now += 3_600
        assert not reception.reads_nothing


def test_none_that_comes_any_more_is_no_longer_grave_within_a_minute() -> None:
    steady = Steady()
    reception = Reception(monotonic=steady)
    for _ in range(100):
        reception.skipped(BROKEN)
        steady.now += 1
    assert reception.reads_nothing
    steady.now += 59
    assert not reception.reads_nothing


def test_two_programs_that_ask_by_turns_are_a_trouble_though_some_answers_come() -> None:
    steady = Steady()
    reception = Reception(monotonic=steady)
    reception.begins()
    for _ in range(10):
        reception.failed(CONFLICT, 1.0)
        steady.now += 2
        reception.answered()
        steady.now += 10
    assert Cause.OTHER_PROGRAM in reception.problem()
    for _ in range(6):
        steady.now += 10
        reception.answered()
    assert reception.problem() == ""


def test_one_conflict_at_a_take_over_is_none() -> None:
    steady = Steady()
    reception = Reception(monotonic=steady)
    reception.begins()
    reception.failed(CONFLICT, 1.0)
    for _ in range(30):
        steady.now += 10
        reception.answered()
        assert reception.problem() == ""


async def test_a_telegram_that_refuses_every_chat_for_an_hour_is_a_trouble_as_long() -> None:
    steady = Steady()
    rate_limiter = RateLimiter(now=steady)
    for number in range(3):
        await rate_limiter._refused(
            Chat(number), "sendMessage", 3_600, Departure(steady.now, steady.now)
        )
    assert rate_limiter.refused_for == 0.0
    steady.now += 1_800
    assert rate_limiter.refused_for == pytest.approx(1_800)
    steady.now += 1_900
    assert rate_limiter.refused_for == 0.0


async def test_a_chat_that_is_refused_for_an_hour_is_no_trouble_of_all() -> None:
    steady = Steady()
    rate_limiter = RateLimiter(now=steady)
    await rate_limiter._refused(Chat(1), "sendMessage", 3_600, Departure(steady.now, steady.now))
    steady.now += 1_800
    assert rate_limiter.refused_for == 0.0


UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")


class Slow(Patient):
    """A bot that asks its site once a minute."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.site = SiteHealth(UK, NOW, None, None, 0)

        async def report() -> StatusReport:
            return StatusReport(NOW, (self.site,))

        self._health._report = report
        self._health._now = lambda: NOW + timedelta(seconds=self.monotonic - 1000)


async def test_a_site_asked_once_a_minute_is_found_away_within_two_minutes_of_its_end(
    watch: Watch,
) -> None:
    slow = Slow(watch.bot, watch.storage)
    slow.monotonic += 60  # since its last answer, when it is found away
    since = NOW + timedelta(seconds=60)
    slow.site = slow.site._replace(failing_since=since, reason="status 500")
    assert "site uk" not in await slow.ails(after=10)
    assert "site uk" in await slow.ails(after=40)
    slow.site = slow.site._replace(failing_since=None, last_answer=NOW)
    assert "site uk" not in await slow.ails()


async def test_a_single_look_that_failed_is_no_trouble(watch: Watch) -> None:
    slow = Slow(watch.bot, watch.storage)
    slow.monotonic += 110
    slow.site = slow.site._replace(failing_since=NOW + timedelta(seconds=100), reason="timed out")
    assert "site uk" not in await slow.ails()


async def test_answers_of_a_site_that_is_away_are_not_told_a_second_time(
    watch: Watch,
) -> None:
    slow = Slow(watch.bot, watch.storage)
    slow.site = slow.site._replace(failing_since=NOW, reason="answered in HTML")
    for _ in range(12):
        slow.metrics.answers += 5
        slow.metrics.unreadable += 5
        assert "answers" not in await slow.ails(after=20)
    slow.site = slow.site._replace(failing_since=None, last_answer=NOW)
    for _ in range(12):
        slow.metrics.answers += 5
        slow.metrics.last_round = slow.monotonic
        assert await slow.ails(after=20) == set()


async def test_a_round_that_no_store_lets_end_is_not_told_a_second_time(
    watch: Watch,
) -> None:
    class Full:
        is_full = True

        async def save_note(self, *_: str) -> None:
            if self.is_full:
                raise health.StorageError("no space left on device")

        async def tally(self) -> Any:
            raise health.StorageError("gone")

    full = Full()
    patient = Patient(watch.bot, full)
    for _ in range(10):
        assert await patient.ails(after=60) == {"storage"}
    full.is_full = False
    assert await patient.ails(after=6) == set()
    assert await patient.ails(after=300) == {"polling"}
