"""Waiting goes by a steady clock: a wall clock that is wrong, or put right, changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from looking import Bench, _bench, listen
from msgspec import structs
from petitions import petition
from site_stand_in import Fault

from bot.messages.chat.status import status
from bot.petitions.observe import observe
from bot.petitions.petition import Site
from bot.petitions.reminders import due, next_moment
from bot.petitions.site_health import SiteHealth, StatusReport
from bot.polling.clocks import Every, SteadyScheduler

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WEEK, YEAR = timedelta(days=7), timedelta(days=365)
WRONG_BY = [timedelta(seconds=1), timedelta(hours=1), WEEK, YEAR, timedelta(days=365 * 30)]
BOTH_WAYS = [*WRONG_BY, *(-each for each in WRONG_BY)]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with _bench(tmp_path) as made:
        yield made


# --- rounds


class Rounds:
    """A scheduler that counts its rounds."""

    def __init__(self) -> None:
        self.made = 0
        self.changed = asyncio.Event()

    async def tick(self) -> None:
        self.made += 1
        self.changed.set()

    async def more(self, times: int = 3) -> None:
        wanted = self.made + times
        while self.made < wanted:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 5)


@pytest.mark.parametrize("jump", BOTH_WAYS)
async def test_rounds_go_on_however_the_wall_clock_is_moved(jump: timedelta) -> None:
    rounds = Rounds()
    scheduler = SteadyScheduler(timezone=UTC, job_defaults={"misfire_grace_time": None})
    every = Every(timedelta(milliseconds=20))
    scheduler.add_job(rounds.tick, every, next_run_time=datetime.now(UTC))
    scheduler.start()
    try:
        await rounds.more()
        with time_machine.travel(datetime.now(UTC) + jump):
            before = rounds.made
            await rounds.more()
            assert rounds.made - before <= 10
        await rounds.more()
    finally:
        scheduler.shutdown(wait=False)
        await asyncio.sleep(0)


def test_what_was_missed_is_not_listed() -> None:
    every = Every(timedelta(seconds=1))
    assert every.get_next_fire_time(NOON, NOON + YEAR) == NOON + YEAR + timedelta(seconds=1)


def test_what_was_not_missed_keeps_its_rhythm() -> None:
    every = Every(timedelta(seconds=60))
    later = NOON + timedelta(seconds=59)
    assert every.get_next_fire_time(NOON, later) == NOON + timedelta(seconds=60)


# --- looks


@pytest.mark.parametrize("wrong_by", BOTH_WAYS)
async def test_a_clock_that_is_wrong_costs_one_look_of_each_petition(
    bench: Bench, wrong_by: timedelta
) -> None:
    ref = await bench.follow(1)
    known = await bench.storage.history(ref)
    assert known is not None
    moved = structs.replace(known, read_at=bench.hours.now() + wrong_by)
    await bench.storage.commit_poll(moved, (), bench.hours.now())
    before = bench.asked("/petitions/1.json")
    await bench.tick()
    (health,) = bench.poller.health([ref])
    assert health.oldest_look is not None
    assert health.oldest_look <= bench.hours.now()
    await bench.pass_time(50)
    assert bench.asked("/petitions/1.json") - before <= 1
    await bench.pass_time(65)
    assert bench.asked("/petitions/1.json") - before >= 1


async def test_after_a_jump_of_the_wall_clock_ages_are_as_before(bench: Bench) -> None:
    ref = await bench.follow(1)
    await bench.tick()
    bench.site.fail("/", Fault(status=500))
    await bench.pass_time(70)
    hours = bench.hours
    for jump in BOTH_WAYS:
        bench.poller._now = lambda jump=jump: hours.now() + jump  # type: ignore[misc]
        (health,) = bench.poller.health([ref])
        now = hours.now() + jump
        assert health.failing_since is not None
        assert health.last_answer is not None
        assert timedelta(0) <= now - health.failing_since <= timedelta(seconds=70)
        assert timedelta(0) <= now - health.last_answer <= timedelta(seconds=80)


def test_no_age_is_negative() -> None:
    site = Site("uk", "UK Parliament", "https://petition.parliament.uk")
    later = NOON + YEAR
    text = status(StatusReport(NOON, (SiteHealth(site, later, None, later, 1),)), 1, 0, NOON).text
    assert "-" not in text


# --- reminders


def test_a_reminder_that_a_clock_ahead_swallowed_comes_at_its_time() -> None:
    closing = structs.replace(petition(), closing_date=(NOON + timedelta(days=90)).date())
    known, _ = observe(None, closing, NOON)
    assert next_moment(known) is not None
    ahead, told = due(known, NOON + YEAR)
    assert not told
    assert next_moment(ahead) is None
    right, told = observe(ahead, closing, NOON)
    assert not told
    assert next_moment(right) == next_moment(known)


def test_a_reminder_whose_time_has_just_come_is_not_told_again() -> None:
    closing = structs.replace(petition(), closing_date=(NOON + timedelta(days=90)).date())
    known, _ = observe(None, closing, NOON)
    at = next_moment(known)
    assert at is not None
    seen, _ = due(known, at)
    back, _ = observe(seen, closing, at - timedelta(hours=1))
    assert back.seen == seen.seen


# --- rules


async def test_rules_that_began_to_listen_by_a_clock_ahead_listen_from_now(bench: Bench) -> None:
    ahead = bench.hours.now() + YEAR
    await bench.storage.save_note("rules listen to uk since", ahead.isoformat())
    bench.publish(1)
    await listen(bench, "opened")
    since = bench.poller._sites["uk"].watchlist.ruled_since
    assert since is not None
    assert since <= bench.hours.now()
