"""A wall clock that was ahead is put right: what waits by it comes in time, and once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from contract import (
    ANN,
    IMPLEMENTATIONS,
    MINUTE,
    NIGHTINGALES,
    NOON,
    Store,
    claim,
    claimed_keys,
    follow,
    follows,
    key,
    known,
    milestone,
    ring,
)
from msgspec import structs
from office import Office, logged
from office import office as office

from bot.errors import StorageError
from bot.operations.wall_clock import WallClock
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Reading
from bot.petitions.surge import may_surge
from bot.subscriptions.preferences import DEFAULTS
from bot.subscriptions.subscription import Chat, Digest, Preferences, Quiet
from storage import Storage

__all__ = ["logged", "office"]

YEAR = timedelta(days=365)
AHEAD = NOON + YEAR
DAY = timedelta(days=1)
DIGEST = Preferences(loudness=dict.fromkeys(DEFAULTS, "digest"), digest=Digest(18 * 60))
QUIET = Preferences(quiet=Quiet(10 * 60, 14 * 60))


@pytest.fixture(params=IMPLEMENTATIONS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    ground = request.param(tmp_path)
    store = Store(ground, await ground.open())
    yield store
    await store.storage.close()


@pytest.fixture
def storage(store: Store) -> Storage:
    return store.storage


# --- what waits


@pytest.mark.parametrize(
    ("preferences", "comes_within"),
    [(DIGEST, DAY), (QUIET, timedelta(hours=2)), (Preferences(), timedelta(0))],
    ids=["digest", "quiet", "usual"],
)
async def test_what_was_owed_by_a_clock_ahead_comes_when_it_should(
    storage: Storage, preferences: Preferences, comes_within: timedelta
) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, preferences, NOON)
    await ring(storage, milestone(10_000), at=AHEAD)
    assert await claimed_keys(storage, NOON + DAY) == []
    await storage.clock_set_back(NOON, YEAR)
    due = await storage.next_due(NOON)
    assert due is not None
    assert due <= NOON + comes_within
    assert await claimed_keys(storage, due) == [key(10_000, ANN)]


async def test_what_was_owed_by_the_right_clock_comes_as_it_would_have(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGEST, NOON)
    await ring(storage, milestone(10_000))
    before = await storage.next_due(NOON)
    await storage.clock_set_back(NOON + MINUTE, YEAR)
    assert await storage.next_due(NOON + MINUTE) == before


async def test_a_lease_and_a_try_of_a_clock_ahead_end_as_soon_as_they_would_have(
    store: Store,
) -> None:
    storage = store.storage
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000), milestone(25_000))
    await claim(storage, AHEAD)
    await storage.clock_set_back(NOON, YEAR)
    assert await claimed_keys(storage, NOON) == []
    await store.ground.leases_run_out()
    (again,) = await claim(storage, NOON + timedelta(minutes=5))
    await storage.retry(again.delivery.key, AHEAD + MINUTE)
    await storage.clock_set_back(NOON, YEAR)
    assert await storage.next_due(NOON) == NOON + MINUTE


async def test_a_flood_held_by_a_clock_ahead_is_told_within_its_minute(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.defer(key(10_000, ANN), "flood", AHEAD + MINUTE)
    await storage.clock_set_back(NOON, YEAR)
    assert await claimed_keys(storage, NOON + MINUTE) == [key(10_000, ANN)]


async def test_a_chat_that_refuses_is_tried_again_within_a_day(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.refuse_chat(ANN, "no", 1, AHEAD, AHEAD + MINUTE)
    await storage.clock_set_back(NOON, YEAR)
    assert await claimed_keys(storage, NOON + MINUTE) == [key(10_000, ANN)]


async def test_a_snooze_chosen_by_a_clock_ahead_lasts_as_long_as_was_meant(
    storage: Storage,
) -> None:
    ahead = Preferences(snoozed_until=AHEAD + DAY)
    await follow(storage, follows(ANN, preferences=ahead))
    await storage.save_chat(Chat(ANN, preferences=ahead))
    await ring(storage, milestone(10_000), at=AHEAD)
    await storage.clock_set_back(NOON, YEAR)
    chat, subscription = await storage.chat(ANN), await storage.subscription(ANN, NIGHTINGALES)
    assert chat is not None
    assert subscription is not None
    assert chat.preferences.snoozed_until == subscription.preferences.snoozed_until == NOON + DAY
    assert await storage.next_due(NOON) == NOON + DAY


async def test_a_snooze_chosen_by_the_right_clock_stays(storage: Storage) -> None:
    await follow(storage, follows(ANN, preferences=Preferences(snoozed_until=NOON + DAY)))
    await storage.clock_set_back(NOON, YEAR)
    subscription = await storage.subscription(ANN, NIGHTINGALES)
    assert subscription is not None
    assert subscription.preferences.snoozed_until == NOON + DAY


async def test_what_was_read_by_a_clock_ahead_is_dated_as_it_should_be(storage: Storage) -> None:
    await storage.commit_poll(known(count=9_000), [], NOON - MINUTE)
    await storage.commit_poll(known(count=9_100, at=AHEAD), [], AHEAD)
    await storage.clock_set_back(NOON + MINUTE, YEAR)
    assert await storage.readings(NIGHTINGALES, NOON - DAY) == [
        Reading(NOON, 9_000),
        Reading(NOON, 9_100),
    ]
    await storage.commit_poll(known(count=9_200, at=NOON + MINUTE), [], NOON + MINUTE)
    assert (await storage.readings(NIGHTINGALES, NOON))[-1] == Reading(NOON + MINUTE, 9_200)


def test_a_surge_told_by_a_clock_ahead_keeps_no_other_back() -> None:
    told = structs.replace(known(), surged_at=AHEAD)
    assert may_surge(told, NOON)
    assert not may_surge(structs.replace(told, surged_at=NOON - MINUTE), NOON)


# --- who notices


class Noted:
    """A store that keeps how far the clock was set back; `fails` so many times before."""

    def __init__(self, note: str | None = None, fails: int = 0) -> None:
        self.kept, self.fails = note, fails
        self.set_back: list[timedelta] = []

    async def note(self, _: str) -> str | None:
        return self.kept

    async def save_note(self, _: str, value: str) -> None:
        self.kept = value

    async def clock_set_back(self, _: datetime, by: timedelta) -> None:
        if self.fails:
            self.fails -= 1
            raise StorageError("full")
        self.set_back.append(by)


class Watched:
    """A wall clock and a steady one, moved by hand, and who watches them."""

    def __init__(self, note: str | None = None, fails: int = 0) -> None:
        self.storage = Noted(note, fails)
        self.steady, self.wrong_by = 0.0, timedelta(0)
        self.put_right = 0
        self.clock = WallClock(
            self.storage,  # type: ignore[arg-type]
            lambda: NOON + timedelta(seconds=self.steady) + self.wrong_by,
            self._note_right,
            monotonic=lambda: self.steady,
        )

    def _note_right(self) -> None:
        self.put_right += 1

    async def after(self, seconds: float, *, moved: timedelta = timedelta(0)) -> None:
        self.steady += seconds
        self.wrong_by += moved
        await self.clock.look()


async def test_a_clock_set_back_is_noticed_at_the_next_look() -> None:
    watched = Watched()
    await watched.after(1)
    await watched.after(1, moved=YEAR)
    await watched.after(1, moved=-YEAR)
    assert watched.storage.set_back == [YEAR]
    assert watched.put_right == 1


@pytest.mark.parametrize("moved", [timedelta(seconds=-0.5), timedelta(0), YEAR])
async def test_a_clock_that_goes_on_or_leaps_ahead_changes_nothing(moved: timedelta) -> None:
    watched = Watched()
    await watched.after(1)
    await watched.after(1, moved=moved)
    assert watched.storage.set_back == []
    assert watched.put_right == 0


async def test_what_the_store_does_not_take_is_tried_again() -> None:
    watched = Watched(fails=1)
    await watched.after(1)
    with pytest.raises(StorageError):
        await watched.after(1, moved=-DAY)
    await watched.after(1)
    assert watched.storage.set_back == [DAY]


async def test_a_clock_that_was_ahead_when_the_bot_ended_is_noticed_at_the_start() -> None:
    watched = Watched(note=AHEAD.isoformat())
    await watched.after(1)
    (by,) = watched.storage.set_back
    assert abs(by - YEAR) <= timedelta(seconds=1)
    assert watched.storage.kept == (NOON + timedelta(seconds=1)).isoformat()


async def test_a_clock_that_was_right_when_the_bot_ended_changes_nothing() -> None:
    watched = Watched(note=(NOON - DAY).isoformat())
    await watched.after(1)
    assert watched.storage.set_back == []


@pytest.mark.parametrize("ended", [NOON - DAY, AHEAD])
async def test_a_clock_that_starts_at_1970_changes_nothing_until_it_is_put_right(
    ended: datetime,
) -> None:
    watched = Watched(note=ended.isoformat())
    since_1970 = NOON - datetime(1970, 1, 1, tzinfo=UTC)
    await watched.after(1, moved=-since_1970)
    await watched.after(120)
    assert (watched.storage.set_back, watched.storage.kept) == ([], ended.isoformat())
    await watched.after(1, moved=since_1970)
    assert len(watched.storage.set_back) == (ended == AHEAD)


async def test_a_clock_that_falls_to_1970_and_comes_back_changes_nothing() -> None:
    watched = Watched()
    since_1970 = NOON - datetime(1970, 1, 1, tzinfo=UTC)
    await watched.after(1)
    await watched.after(1, moved=-since_1970)
    await watched.after(1, moved=since_1970)
    assert watched.storage.set_back == []


async def test_a_process_that_died_with_its_clock_ahead_is_put_right_by_another() -> None:
    watched = Watched()
    await watched.after(1)
    watched.storage.kept = (AHEAD + timedelta(seconds=30)).isoformat()
    for _ in range(200):
        await watched.after(2)
    (by,) = watched.storage.set_back
    assert abs(by - YEAR) <= 2 * MINUTE
    assert watched.put_right == 1
    assert watched.storage.kept is not None
    assert datetime.fromisoformat(watched.storage.kept) < NOON + 10 * MINUTE


async def test_while_a_process_lives_whose_clock_is_ahead_nobody_else_sets_anything_back() -> None:
    watched = Watched()
    await watched.after(1)
    for _ in range(30):
        noted = (AHEAD + timedelta(seconds=watched.steady)).isoformat()
        watched.storage.kept = noted
        for _ in range(30):
            await watched.after(2)
        assert watched.storage.kept == noted
    assert watched.storage.set_back == []


# --- who sends


async def test_a_clock_that_leaps_ahead_sends_nothing_twice(office: Office) -> None:
    await office.welcome(1)
    await office.ring(10_000)
    office.api.hang(chat_id=1)
    async with office.delivering() as deliverer:
        await office.api.wait_for(lambda api: api.calls_to("sendMessage") or None)
        office.passed += YEAR
        for _ in range(20):
            deliverer.wake()
            await asyncio.sleep(0.01)
        assert len(office.api.calls_to("sendMessage")) == 1
        office.api.accept_everything()


async def test_what_telegram_took_is_settled_before_the_bot_ends(office: Office) -> None:
    await office.welcome(1)
    await office.ring(10_000)
    async with office.delivering() as deliverer:
        deliverer._unsettled.add(
            f"{PetitionHistory(office.many(1)[0], office.now()).petition.ref}:none:1"
        )
        deliverer.stop()
        await asyncio.sleep(0.05)
    assert not deliverer._unsettled
