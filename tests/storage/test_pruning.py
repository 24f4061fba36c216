"""Nothing is erased for its age by a clock that is wrong."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import aiohttp
import pytest
from petitions import petition
from stand import JSON, SHOW, Stand
from stand import session as session
from stand import stand as stand

from bot.operations.wall_clock import prune_if_sure
from bot.petitions.observe import observe
from bot.petitions.petition import Site
from bot.polling.clocks import SiteClock
from bot.polling.petitions_api import PetitionsApi
from bot.subscriptions.subscription import Chat
from storage import Storage
from storage.tinydb.store import open_tiny

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY, YEAR = timedelta(days=1), timedelta(days=365)
REST_FOR = 90 * DAY
CHAT = 5


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    """A store with a chat that has rested since noon, and a petition that nobody follows."""
    opened = await open_tiny(tmp_path / "bell.db", tmp_path / "bell.key")
    await opened.save_chat(Chat(CHAT, NOON))
    await opened.rest_chat(CHAT, "blocked", NOON)
    await opened.commit_poll(observe(None, petition(), NOON)[0], (), NOON)
    yield opened
    await opened.close()


async def is_kept(storage: Storage) -> bool:
    return await storage.chat(CHAT) is not None


def site_clock(shows: datetime) -> SiteClock:
    clock = SiteClock(monotonic=lambda: 0.0)
    clock.told(shows)
    return clock


@pytest.mark.parametrize("ahead", [2 * DAY, YEAR, 30 * YEAR])
async def test_a_clock_that_is_ahead_erases_nothing(storage: Storage, ahead: timedelta) -> None:
    await prune_if_sure(storage, [site_clock(NOON + 89 * DAY)], NOON + 89 * DAY + ahead, REST_FOR)
    assert await is_kept(storage)


async def test_a_clock_that_is_behind_begins_no_waiting(storage: Storage) -> None:
    ref = petition().ref
    await prune_if_sure(storage, [site_clock(NOON)], NOON - YEAR, REST_FOR)
    await prune_if_sure(storage, [site_clock(NOON)], NOON, REST_FOR)
    assert await storage.history(ref) is not None


async def test_a_clock_that_nobody_confirms_erases_nothing(storage: Storage) -> None:
    await prune_if_sure(storage, [SiteClock()], NOON + YEAR, REST_FOR)
    assert await is_kept(storage)


async def test_a_clock_that_one_site_confirms_erases_what_is_old(storage: Storage) -> None:
    now = NOON + 91 * DAY
    clocks = [SiteClock(), site_clock(now - YEAR), site_clock(now + timedelta(minutes=1))]
    await prune_if_sure(storage, clocks, now, REST_FOR)
    assert not await is_kept(storage)


async def test_a_sites_answers_tell_its_time_and_it_goes_on_from_there(
    stand: Stand,
    session: aiohttp.ClientSession,
) -> None:
    api = PetitionsApi(Site("uk", "UK", stand.url), session)
    steady = [0.0]
    api.clock = SiteClock(monotonic=lambda: steady[0])
    assert api.clock.now() is None
    stand.says(SHOW, status=500, headers=JSON | {"Date": format_datetime(NOON, usegmt=True)})
    await api.for_people(lambda: None, lambda _: None).look(700_009)
    steady[0] = 3600.0
    assert api.clock.now() == NOON + timedelta(hours=1)
