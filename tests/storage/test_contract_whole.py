"""What a storage promises of itself as a whole, and of any sequence of use cases."""

import asyncio
import json
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import pytest
from contract import (
    ANN,
    BOB,
    CAT,
    DIGESTS,
    EVENING,
    FULL,
    HEDGES,
    IMPLEMENTATIONS,
    LEASE,
    MINUTE,
    NIGHTINGALES,
    NOON,
    NOTHING,
    QUARTER,
    Ground,
    Store,
    a_full_house,
    asks,
    claim,
    claimed_keys,
    follow,
    follows,
    heard,
    key,
    known,
    milestone,
    picture,
    queues,
    refs,
    ring,
)
from contract import storage as storage
from contract import store as store
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from bot.errors import StorageError
from bot.petitions.events import Occurrence
from bot.petitions.petition import PetitionRef, Reading
from bot.petitions.thresholds import rungs
from bot.subscriptions.subscription import Chat, Preferences
from storage import Pruned, Storage, Tally
from storage.export import VERSION

# --- the whole store ------------------------------------------------------------------------------


async def read_every(storage: Storage, step: timedelta, count: int) -> list[Reading]:
    readings = [Reading(NOON + n * step, 1_000 + n) for n in range(count)]
    for each in readings:
        await storage.commit_poll(known(count=each.signature_count, at=each.at), [], each.at)
    return readings


async def test_readings_of_the_last_two_days_are_kept_as_they_came(storage: Storage) -> None:
    readings = await read_every(storage, 20 * MINUTE, 30)
    assert await storage.prune(NOON + timedelta(days=2), QUARTER) == NOTHING
    assert await storage.readings(NIGHTINGALES, NOON) == readings


async def test_older_readings_are_thinned_to_the_last_of_each_hour(store: Store) -> None:
    readings = await read_every(store.storage, 20 * MINUTE, 12)
    assert await store.storage.prune(NOON + timedelta(days=3), QUARTER) == Pruned(8, 0, 0)
    assert await store.storage.prune(NOON + timedelta(days=3), QUARTER) == NOTHING
    assert await (await store.reopen()).readings(NIGHTINGALES, NOON) == readings[2::3]


async def test_readings_of_months_ago_are_thinned_to_the_last_of_each_day(
    storage: Storage,
) -> None:
    readings = await read_every(storage, timedelta(hours=6), 10)
    await storage.prune(NOON + timedelta(days=63), QUARTER)
    last_of_each_day = [readings[1], readings[5], readings[9]]
    assert await storage.readings(NIGHTINGALES, NOON) == last_of_each_day


async def test_a_count_read_after_thinning_is_compared_with_the_last_one_kept(
    storage: Storage,
) -> None:
    readings = await read_every(storage, timedelta(hours=6), 10)
    later = NOON + timedelta(days=63)
    await storage.prune(later, QUARTER)
    await storage.commit_poll(known(count=1_009, at=later), [], later)
    assert (await storage.readings(NIGHTINGALES, NOON))[-1] == readings[-1]


async def test_a_chat_that_rests_for_too_long_is_forgotten(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    assert await storage.prune(NOON + QUARTER, QUARTER) == Pruned(0, 1, 0)
    assert await storage.chat_data(ANN) is None
    assert await storage.tally() == Tally(1, 1, 1, 1, NOON, NOON)
    assert await storage.prune(NOON + QUARTER, QUARTER) == NOTHING


async def test_a_chat_that_rests_for_less_or_woke_is_kept(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await storage.rest_chat(ANN, "blocked", NOON + MINUTE)
    await storage.rest_chat(BOB, "blocked", NOON)
    await storage.wake_chat(BOB, NOON + MINUTE)
    assert await storage.prune(NOON + QUARTER, QUARTER) == NOTHING
    assert (await storage.tally()).subscriptions == 2


async def test_a_petition_nobody_has_followed_for_long_is_forgotten(store: Store) -> None:
    await follow(store.storage, follows(ANN), follows(ANN, HEDGES))
    await ring(store.storage, milestone(10_000))
    await store.storage.unsubscribe(ANN, NIGHTINGALES)
    assert await store.storage.prune(NOON, QUARTER) == NOTHING
    storage = await store.reopen()
    assert await storage.prune(NOON + QUARTER - MINUTE, QUARTER) == NOTHING
    assert await storage.prune(NOON + QUARTER, QUARTER) == Pruned(0, 0, 1)
    assert await storage.history(NIGHTINGALES) is None
    assert await storage.readings(NIGHTINGALES, NOON) == []
    assert await storage.history(HEDGES) == known(HEDGES)
    assert (await storage.tally()).petitions == 1


async def test_a_petition_followed_again_in_time_is_kept(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    await storage.prune(NOON, QUARTER)
    await storage.subscribe(follows(ANN))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await storage.prune(NOON + QUARTER, QUARTER) == NOTHING
    assert await storage.history(NIGHTINGALES) == known()


async def test_a_forgotten_petition_starts_anew(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    for when in (NOON, NOON + QUARTER):
        await storage.prune(when, QUARTER)
    await follow(storage, follows(ANN))
    assert await ring(storage, milestone(10_000)) == 1


async def test_an_export_makes_the_same_store_elsewhere(store: Store, tmp_path: Path) -> None:
    await a_full_house(store.storage)
    document = json.loads(json.dumps(await store.storage.export()))
    other = Store(type(store.ground)(tmp_path / "other"), store.storage)
    other.storage = await other.ground.open()
    await other.storage.save_note("commands menu", "as it was sent before")
    await other.storage.import_(document)
    assert await picture(other.storage) == await picture(store.storage)
    again = await other.reopen()
    assert await again.export() == document
    assert await heard(again) == await heard(store.storage)
    await other.storage.close()


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1])
async def test_an_export_of_another_version_is_refused_in_words(
    storage: Storage, version: int
) -> None:
    document = await storage.export() | {"export_version": version}
    with pytest.raises(StorageError, match=f"has version {version}; this program knows version"):
        await storage.import_(document)


async def test_nothing_is_imported_over_a_rule_alone(storage: Storage) -> None:
    document = await storage.export()
    await storage.save_rule(asks(CAT), NOON)
    with pytest.raises(StorageError, match="isn't empty"):
        await storage.import_(document)


async def test_an_export_is_the_readers_own(storage: Storage) -> None:
    await a_full_house(storage)
    before = await picture(storage)
    document = await storage.export()
    document["petitions"][0]["petition"]["ref"]["id"] = 1
    document["readings"].clear()
    assert await picture(storage) == before


async def test_nothing_is_imported_over_what_is_there(store: Store) -> None:
    document = await store.storage.export()
    await a_full_house(store.storage)
    before = await picture(store.storage)
    with pytest.raises(StorageError, match="isn't empty"):
        await store.storage.import_(document)
    assert await picture(await store.reopen()) == before


@pytest.mark.parametrize(
    "change",
    [
        {"program": "another"},
        {"export_version": 99},
        {"chats": [{"id": "Ann"}]},
        {"petitions": []},
        {"occurrences": []},
        {"readings": {"nightingales": [[1, 2]]}},
        {"rules": [{"chat_id": 42, "site": "uk"}]},
    ],
    ids=str,
)
async def test_a_senseless_export_is_refused_whole(
    store: Store, tmp_path: Path, change: dict[str, Any]
) -> None:
    await a_full_house(store.storage)
    document = await store.storage.export() | change
    other = await type(store.ground)(tmp_path / "other").open()
    with pytest.raises(StorageError):
        await other.import_(document)
    assert await other.tally() == Tally(0, 0, 0, 0, None)
    await other.close()


# --- the rest -------------------------------------------------------------------------------------


async def test_an_empty_store_tallies_nothing(storage: Storage) -> None:
    assert await storage.tally() == Tally(0, 0, 0, 0, None)


async def test_the_tally_counts_everything_and_finds_the_oldest_alert(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, at=NOON + MINUTE), follows(ANN, HEDGES))
    await ring(storage, milestone(10_000), at=NOON + MINUTE)
    await ring(storage, milestone(10_000, HEDGES), at=NOON + 2 * MINUTE)
    assert await storage.tally() == Tally(2, 3, 2, 3, NOON + MINUTE, NOON + MINUTE)
    await storage.settle(key(10_000, ANN))
    await storage.settle(key(10_000, BOB))
    assert await storage.tally() == Tally(2, 3, 2, 1, NOON + 2 * MINUTE, NOON + 2 * MINUTE)


async def test_what_is_leased_or_waits_in_a_resting_chat_is_waiting_still(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    await claim(storage)
    await storage.rest_chat(BOB, "blocked", NOON)
    assert await storage.tally() == Tally(2, 2, 1, 2, NOON, NOON)


async def test_a_note_is_found_under_its_name_and_no_other(storage: Storage) -> None:
    await storage.save_note("offset", "7")
    assert await storage.note("offset") == "7"
    assert await storage.note("Offset") is None
    await storage.save_note("offset", "")
    await storage.save_note("never there", "")
    assert await storage.note("offset") is None


async def test_a_later_note_replaces_an_earlier_one(storage: Storage) -> None:
    await storage.save_note("offset", "7")
    await storage.save_note("offset", "8")
    assert await storage.note("offset") == "8"


async def test_everything_survives_a_reopening(store: Store) -> None:
    storage = store.storage
    await storage.commit_poll(FULL, [], NOON)
    await follow(storage, follows(ANN, muted=True), follows(BOB), follows(ANN, HEDGES))
    await follow(storage, follows(CAT, at=NOON + MINUTE, thread_id=7))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await storage.rest_chat(BOB, "blocked", NOON)
    await storage.save_note("offset", "7")
    before = await picture(storage)
    storage = await store.reopen()
    assert await picture(storage) == before
    assert await heard(storage) == [
        key(10_000, ANN),
        key(10_000, CAT),
        key(10_000, ANN, HEDGES),
    ]


async def test_two_hundred_use_cases_at_once_are_all_kept(store: Store) -> None:
    storage = store.storage
    await storage.commit_poll(known(), [], NOON)
    chats = range(1, 101)
    await asyncio.gather(
        *(storage.save_chat(Chat(chat)) for chat in chats),
        *(storage.subscribe(follows(chat)) for chat in chats),
    )
    storage = await store.reopen()
    assert await storage.tally() == Tally(100, 100, 1, 0, None)


async def test_who_gives_up_waiting_leaves_the_use_case_whole(store: Store) -> None:
    await follow(store.storage, follows(ANN), follows(BOB))
    polls = [
        asyncio.create_task(ring(store.storage, milestone(number)))
        for number in islice(rungs(), 20)
    ]
    await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
    for poll in polls:
        poll.cancel()
    await asyncio.wait(polls)
    await store.storage.save_note("offset", "7")
    waiting = (await store.storage.tally()).waiting
    assert waiting >= 2
    assert waiting % 2 == 0
    storage = await store.reopen()
    assert (await storage.tally()).waiting == waiting


# --- any sequence of use cases, against a plain model ---------------------------------------------


class Owed(Struct):
    """A delivery as the model has it."""

    key: str
    chat: int
    petition: PetitionRef
    not_before: datetime
    queue: str = ""
    leased_until: datetime = NOON

    @property
    def due(self) -> datetime:
        return max(self.not_before, self.leased_until)

    @property
    def place(self) -> tuple[int, str]:
        return self.chat, self.queue


class Model:
    """What the contract says, in a few dicts: the slow and obvious storage."""

    def __init__(self) -> None:
        self.resting: set[int] = set()
        self.returned: set[int] = set()
        self.following: set[tuple[int, PetitionRef]] = set()
        self.happened: set[str] = set()
        self.digests: set[int] = set()  # the chats whose preferences ask for one
        self.owed: list[Owed] = []  # oldest first

    def ring(self, occurrence: Occurrence, now: datetime) -> None:
        if occurrence.key not in self.happened:
            self.happened.add(occurrence.key)
            for chat in sorted(c for c, ref in self.following if ref == occurrence.petition):
                key = f"{occurrence.key}:{chat}"
                owed = Owed(key, chat, occurrence.petition, now)
                owed.queue, owed.not_before = self.moment(chat, now)
                self.owed.append(owed)

    def moment(self, chat: int, now: datetime) -> tuple[str, datetime]:
        return ("digest", EVENING) if chat in self.digests else ("", now)

    def set_preferences(self, chat: int, preferences: Preferences, now: datetime) -> None:
        (self.digests.add if preferences == DIGESTS else self.digests.discard)(chat)
        for owed in self.owed:
            if owed.chat == chat and owed.queue and owed.leased_until <= now < owed.not_before:
                owed.queue, owed.not_before = self.moment(chat, now)

    def heads(self) -> list[Owed]:
        first = {owed.place: owed for owed in reversed(self.owed)}
        heads = [owed for owed in self.owed if first[owed.place] is owed]
        return [head for head in heads if head.chat not in self.resting]

    def claim(self, now: datetime, limit: int) -> list[str]:
        due = [head for head in self.heads() if head.due <= now][:limit]
        batch = [owed for head in due for owed in self.batch(head, now)]
        for owed in batch:
            owed.leased_until = now + LEASE
        return [owed.key for owed in batch]

    def batch(self, head: Owed, now: datetime) -> list[Owed]:
        queue = [owed for owed in self.owed if owed.place == head.place]
        if head.queue:
            return [owed for owed in queue if owed.leased_until <= now]
        if head.chat not in self.returned:
            return [head]
        return list(takewhile(lambda owed: owed.due <= now, queue))

    def next_due(self, now: datetime) -> datetime | None:
        return min((max(head.due, now) for head in self.heads()), default=None)

    def give_back(self, key: str, when: datetime, queue: str | None = None) -> None:
        for owed in self.owed:
            if owed.key == key:
                owed.not_before, owed.leased_until = when, NOON
                owed.queue = owed.queue if queue is None else queue

    def release(self, chat: int, queue: str, now: datetime) -> int:
        waiting = [each for each in self.owed if each.place == (chat, queue)]
        waiting = [each for each in waiting if each.leased_until <= now]
        for owed in waiting:
            owed.not_before = now
        return len(waiting)

    def end_leases(self) -> None:
        for owed in self.owed:
            owed.leased_until = NOON

    def drop(self, gone: Callable[[Owed], bool]) -> None:
        self.owed = [owed for owed in self.owed if not gone(owed)]
        self.returned &= {owed.chat for owed in self.owed}


CHATS = (ANN, BOB, CAT)
chat_ids = st.sampled_from(CHATS)
numbers = st.sampled_from((10_000, 25_000, 50_000))
steps = st.one_of(
    st.tuples(st.just("follow"), chat_ids, refs),
    st.tuples(st.just("ring"), numbers, refs),
    st.tuples(st.just("claim"), st.integers(0, 3)),
    st.tuples(st.just("settle"), numbers, chat_ids, refs),
    st.tuples(st.just("retry"), numbers, chat_ids, refs),
    st.tuples(st.just("defer"), numbers, chat_ids, refs, queues, st.integers(0, 7)),
    st.tuples(st.just("release"), chat_ids, queues),
    st.tuples(st.just("preferences"), chat_ids, st.sampled_from((DIGESTS, Preferences()))),
    st.tuples(st.just("stop"), chat_ids, refs),
    st.tuples(st.just("rest"), chat_ids),
    st.tuples(st.just("wake"), chat_ids),
    st.tuples(st.just("forget"), chat_ids),
    st.tuples(st.just("wait"), st.integers(1, 7)),
    st.tuples(st.just("reopen")),
)


@pytest.mark.parametrize("ground_of", IMPLEMENTATIONS)
def test_any_sequence_of_use_cases_ends_as_the_model_says(ground_of: type[Ground]) -> None:
    @settings(max_examples=ground_of.scripts, deadline=None)
    @given(script=st.lists(steps, min_size=8, max_size=30))
    def play(script: list[tuple[Any, ...]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_play(ground_of(Path(folder)), script))

    play()


async def _play(ground: Ground, script: list[tuple[Any, ...]]) -> None:
    store = Store(ground, await ground.open())
    for ref in (NIGHTINGALES, HEDGES):
        await store.storage.commit_poll(known(ref), [], NOON)
    model, now = Model(), NOON
    for step in script:
        if step[0] == "wait":
            now += step[1] * MINUTE
        elif step[0] == "reopen":
            await store.reopen()
            if ground.is_lone:
                model.end_leases()
        else:
            await _step(store.storage, model, step, now)
        assert await store.storage.next_due(now) == model.next_due(now)
        assert (await store.storage.tally()).waiting == len(model.owed)
    await store.storage.close()


async def _step(storage: Storage, model: Model, step: tuple[Any, ...], now: datetime) -> None:
    match step:
        case "follow", chat, ref:
            if await storage.chat(chat) is None:
                await storage.save_chat(Chat(chat))
            # The model's order of chats is the order they came in.
            at = NOON + timedelta(microseconds=chat)
            await storage.subscribe(follows(chat, ref, at))
            model.following.add((chat, ref))
        case "ring", number, ref:
            await ring(storage, milestone(number, ref), at=now)
            model.ring(milestone(number, ref), now)
        case "preferences", chat, preferences:
            if await storage.set_preferences(chat, preferences, now) is not None:
                model.set_preferences(chat, preferences, now)
        case "claim", limit:
            assert await claimed_keys(storage, now, limit) == model.claim(now, limit)
        case _:
            await _end(storage, model, step, now)


async def _end(storage: Storage, model: Model, step: tuple[Any, ...], now: datetime) -> None:
    match step:
        case "settle", number, chat, ref:
            await storage.settle(key(number, chat, ref))
            model.drop(lambda owed: owed.key == key(number, chat, ref))
        case "retry", number, chat, ref:
            await storage.retry(key(number, chat, ref), now + MINUTE)
            model.give_back(key(number, chat, ref), now + MINUTE)
        case "defer", number, chat, ref, queue, minutes:
            until = now + minutes * MINUTE
            await storage.defer(key(number, chat, ref), queue, until)
            model.give_back(key(number, chat, ref), until, queue)
        case "release", chat, queue:
            released = await storage.release(chat, queue, now)
            assert released == model.release(chat, queue, now)
        case "stop", chat, ref:
            await storage.unsubscribe(chat, ref)
            model.following.discard((chat, ref))
            model.drop(lambda owed: (owed.chat, owed.petition) == (chat, ref))
        case "rest", chat:
            if await storage.chat(chat) is not None:
                model.resting.add(chat)
                model.returned.discard(chat)
            await storage.rest_chat(chat, "blocked", now)
        case "wake", chat:
            assert await storage.wake_chat(chat, now) == (chat in model.resting)
            if chat in model.resting and any(owed.chat == chat for owed in model.owed):
                model.returned.add(chat)
            model.resting.discard(chat)
        case "forget", chat:
            await storage.forget_chat(chat)
            model.resting.discard(chat)
            model.digests.discard(chat)
            model.following = {pair for pair in model.following if pair[0] != chat}
            model.drop(lambda owed: owed.chat == chat)
