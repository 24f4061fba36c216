"""What a storage promises of petitions, and of what is owed for them."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from contract import (
    ANN,
    BOB,
    CAT,
    DIGESTS,
    EVENTS,
    FULL,
    HEDGES,
    LEASE,
    MINUTE,
    NIGHTINGALES,
    NOON,
    NOTHING,
    QUARTER,
    Store,
    asks,
    claim,
    claimed_keys,
    follow,
    follows,
    heard,
    key,
    known,
    milestone,
    occurred,
    petition,
    picture,
    ring,
)
from contract import storage as storage
from contract import store as store
from msgspec import structs

from bot.errors import StorageError
from bot.petitions.events import CommitteeNoted, Event
from bot.petitions.petition import PetitionRef, Reading
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.subscription import Chat, Preferences
from storage import Pruned, Storage

# --- petitions, followed or not -------------------------------------------------------------------


async def test_every_petition_is_listed_in_a_stable_order(storage: Storage) -> None:
    refs = [PetitionRef("senedd", 9), PetitionRef("uk", 3), PetitionRef("uk", 20)]
    for ref in reversed(refs):
        await storage.commit_poll(known(ref), [], NOON)
    await follow(storage, follows(ANN, refs[1]))
    assert await storage.petitions() == refs


async def test_a_petition_may_be_numbered_with_letters(storage: Storage) -> None:
    refs = [PetitionRef("scotland", "PE2205"), PetitionRef("scotland", "PP0123")]
    for ref in reversed(refs):
        await follow(storage, follows(ANN, ref))
    assert await storage.petitions() == refs
    assert sorted(await storage.followed()) == refs
    assert await ring(storage, milestone(10_000, refs[0])) == 1
    assert await claimed_keys(storage) == [key(10_000, ANN, refs[0])]
    assert await storage.unsubscribe(ANN, refs[1]) is not None


async def test_a_petition_that_a_rule_may_ring_for_is_not_forgotten(storage: Storage) -> None:
    done = structs.replace(
        known(HEDGES), petition=structs.replace(petition(HEDGES), state="rejected")
    )
    abroad = known(PetitionRef("senedd", 9))
    for each in (known(), done, abroad):
        await storage.commit_poll(each, [], NOON)
    await storage.save_rule(asks(ANN, words=("anything",)), NOON)
    for when in (NOON, NOON + QUARTER):
        pruned = await storage.prune(when, QUARTER)
    assert pruned == Pruned(0, 0, 2)
    assert await storage.petitions() == [NIGHTINGALES]


async def test_a_petition_that_somebody_is_still_owed_about_is_not_forgotten(
    storage: Storage,
) -> None:
    await storage.commit_poll(known(), [], NOON)
    await storage.save_rule(asks(ANN), NOON)
    await ring(storage, milestone(10_000))
    await storage.drop_rule(ANN, 1)
    for when in (NOON, NOON + QUARTER):
        assert await storage.prune(when, QUARTER) == NOTHING
    assert await claimed_keys(storage, NOON + QUARTER) == [key(10_000, ANN)]


async def test_a_petition_is_unused_from_when_its_last_rule_went(storage: Storage) -> None:
    await storage.commit_poll(known(), [], NOON)
    assert await storage.prune(NOON, QUARTER) == NOTHING
    await storage.save_rule(asks(ANN), NOON)
    await storage.prune(NOON + MINUTE, QUARTER)
    await storage.drop_rule(ANN, 1)
    assert await storage.prune(NOON + QUARTER, QUARTER) == NOTHING
    assert await storage.prune(NOON + 2 * QUARTER, QUARTER) == Pruned(0, 0, 1)


# --- petitions ------------------------------------------------------------------------------------


async def test_a_petition_is_known_as_it_was_committed(storage: Storage) -> None:
    await storage.commit_poll(FULL, [], NOON)
    assert await storage.history(NIGHTINGALES) == FULL
    assert await storage.history(HEDGES) is None


async def test_the_latest_commit_of_a_petition_is_the_one_known(storage: Storage) -> None:
    latest = structs.replace(known(count=9_100), seen=FULL.seen)
    await storage.commit_poll(FULL, [], NOON)
    await storage.commit_poll(latest, [], NOON)
    assert await storage.history(NIGHTINGALES) == latest


async def test_followed_petitions_come_in_a_stable_order_each_once(storage: Storage) -> None:
    refs = [PetitionRef("senedd", 9), PetitionRef("uk", 3), PetitionRef("uk", 20)]
    for ref in reversed(refs):
        await follow(storage, follows(ANN, ref), follows(BOB, ref))
    assert await storage.followed() == refs


async def test_a_petition_nobody_follows_is_not_among_the_followed(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await storage.commit_poll(known(HEDGES), [], NOON)
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await storage.followed() == [NIGHTINGALES]
    await storage.unsubscribe(BOB, NIGHTINGALES)
    assert await storage.followed() == []


async def test_the_followers_of_each_petition_are_counted(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB), follows(ANN, HEDGES))
    assert await storage.followers() == {NIGHTINGALES: 2, HEDGES: 1}
    await storage.unsubscribe(ANN, HEDGES)
    assert await storage.followers() == {NIGHTINGALES: 2}


async def test_followers_own_milestones_are_told_by_petition(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB), follows(ANN, HEDGES))
    assert await storage.custom_milestones() == {}
    for chat in (ANN, BOB):
        preferences = Preferences(milestones=CustomMilestones((15_000,)))
        await storage.set_subscription_preferences(chat, NIGHTINGALES, preferences, NOON)
    await storage.set_subscription_preferences(
        ANN, HEDGES, Preferences(milestones=CustomMilestones(every=500)), NOON
    )
    told = {
        ref: set(custom_milestones)
        for ref, custom_milestones in (await storage.custom_milestones()).items()
    }
    assert told == {
        NIGHTINGALES: {CustomMilestones((15_000,))},
        HEDGES: {CustomMilestones(every=500)},
    }
    await storage.set_subscription_preferences(ANN, HEDGES, Preferences(), NOON)
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert set(await storage.custom_milestones()) == {NIGHTINGALES}


async def test_a_petition_followed_by_a_resting_chat_is_still_followed(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.rest_chat(ANN, "blocked", NOON)
    assert await storage.followed() == [NIGHTINGALES]


async def test_a_count_that_differs_is_a_reading(storage: Storage) -> None:
    for minutes, count in enumerate((9_000, 9_001, 9_000)):
        at = NOON + minutes * MINUTE
        await storage.commit_poll(known(count=count, at=at), [], at)
    assert await storage.readings(NIGHTINGALES, NOON) == [
        Reading(NOON, 9_000),
        Reading(NOON + MINUTE, 9_001),
        Reading(NOON + 2 * MINUTE, 9_000),
    ]


async def test_a_count_that_stands_still_is_not_a_reading(storage: Storage) -> None:
    for days in range(3):
        at = NOON + timedelta(days=days)
        await storage.commit_poll(known(at=at), [], at)
    assert await storage.readings(NIGHTINGALES, NOON) == [Reading(NOON, 9_000)]


async def test_readings_start_where_they_are_asked_to(storage: Storage) -> None:
    times = [NOON + timedelta(hours=7) * step for step in range(12)]
    for count, at in enumerate(times):
        await storage.commit_poll(known(count=count, at=at), [], at)
    for start in range(12):
        expected = [Reading(times[count], count) for count in range(start, 12)]
        assert await storage.readings(NIGHTINGALES, times[start]) == expected
    assert await storage.readings(NIGHTINGALES, times[-1] + MINUTE) == []


async def test_readings_of_one_petition_are_not_anothers(storage: Storage) -> None:
    long_name = PetitionRef("uk", 3002390)
    await storage.commit_poll(known(count=5), [], NOON)
    await storage.commit_poll(known(long_name, count=6), [], NOON)
    assert await storage.readings(NIGHTINGALES, NOON) == [Reading(NOON, 5)]
    assert await storage.readings(long_name, NOON) == [Reading(NOON, 6)]
    assert await storage.readings(HEDGES, NOON) == []


async def test_a_poll_owes_every_follower_of_that_petition(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, at=NOON + MINUTE), follows(CAT, HEDGES))
    assert await ring(storage, milestone(10_000)) == 2
    assert await claimed_keys(storage) == [key(10_000, ANN), key(10_000, BOB)]


async def test_a_poll_without_news_owes_nothing(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    assert await storage.commit_poll(known(count=9_500), [], NOON) == 0
    assert await claimed_keys(storage) == []


async def test_what_belongs_together_is_one_delivery_and_the_rest_are_others(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    passed = [milestone(10_000), milestone(25_000)]
    note = occurred(CommitteeNoted("We wrote to them."))
    assert await ring(storage, *passed, note) == 2
    assert await heard(storage) == [key(25_000, ANN), f"{note.key}:{ANN}"]


async def test_a_replayed_poll_is_a_no_op(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    poll = (known(count=10_007), [milestone(10_000)], NOON)
    assert await storage.commit_poll(*poll) == 1
    assert await storage.commit_poll(*poll) == 0
    assert len(await storage.readings(NIGHTINGALES, NOON)) == 2
    assert await heard(storage) == [key(10_000, ANN)]
    assert await storage.commit_poll(*poll) == 0
    assert await heard(storage) == []


async def test_a_replay_drops_what_is_kept_and_owes_what_is_new(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    assert await ring(storage, milestone(10_000), milestone(25_000)) == 1
    assert await claimed_keys(storage) == [key(10_000, ANN)]
    await storage.settle(key(10_000, ANN))
    [claimed] = await claim(storage)
    assert claimed.occurrences == (milestone(25_000),)


async def test_the_same_occurrence_twice_in_one_poll_is_owed_once(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    assert await ring(storage, milestone(10_000), milestone(10_000)) == 1
    [claimed] = await claim(storage)
    assert claimed.occurrences == (milestone(10_000),)


async def test_news_is_owed_to_those_who_follow_at_that_moment(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await follow(storage, follows(BOB))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await ring(storage, milestone(25_000)) == 1
    assert await heard(storage) == [key(25_000, BOB)]


async def test_a_poll_that_cannot_be_kept_leaves_neither_reading_nor_alert(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    poll = (known(count=10_007, at=NOON + MINUTE), [milestone(10_000)], NOON)
    before = await picture(store.storage)
    async with store.ground.failing():
        with pytest.raises(StorageError) as failure:
            await store.storage.commit_poll(*poll)
    assert failure.value.__cause__ is not None
    assert await picture(store.storage) == before
    assert await claimed_keys(store.storage) == []
    assert await picture(await store.reopen()) == before


async def test_the_commit_after_a_failed_one_keeps_everything(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    poll = (known(count=10_007, at=NOON + MINUTE), [milestone(10_000)], NOON)
    async with store.ground.failing():
        with pytest.raises(StorageError):
            await store.storage.commit_poll(*poll)
    assert await store.storage.commit_poll(*poll) == 1
    storage = await store.reopen()
    assert await storage.history(NIGHTINGALES) == poll[0]
    assert len(await storage.readings(NIGHTINGALES, NOON)) == 2
    assert await claimed_keys(storage) == [key(10_000, ANN)]


USE_CASES: dict[str, Callable[[Storage], Any]] = {
    "save_chat": lambda storage: storage.save_chat(Chat(BOB)),
    "rest_chat": lambda storage: storage.rest_chat(ANN, "blocked", NOON),
    "wake_chat": lambda storage: storage.wake_chat(CAT, NOON),
    "migrate_chat": lambda storage: storage.migrate_chat(ANN, BOB),
    "forget_chat": lambda storage: storage.forget_chat(ANN),
    "subscribe": lambda storage: storage.subscribe(follows(ANN, HEDGES)),
    "unsubscribe": lambda storage: storage.unsubscribe(ANN, NIGHTINGALES),
    "mute": lambda storage: storage.mute(ANN, NIGHTINGALES, True, NOON),
    "claim_deliveries": claim,
    "keep_card": lambda storage: storage.keep_card(ANN, NIGHTINGALES, 77),
    "settle": lambda storage: storage.settle(key(10_000, ANN)),
    "retry": lambda storage: storage.retry(key(10_000, ANN), NOON + MINUTE),
    "save_note": lambda storage: storage.save_note("offset", "7"),
    "set_preferences": lambda storage: storage.set_preferences(ANN, DIGESTS, NOON),
    "set_subscription_preferences": lambda storage: storage.set_subscription_preferences(
        ANN, NIGHTINGALES, DIGESTS, NOON
    ),
    "set_thread": lambda storage: storage.set_thread(ANN, NIGHTINGALES, 7),
    "save_rule": lambda storage: storage.save_rule(asks(ANN), NOON),
    "drop_rule": lambda storage: storage.drop_rule(CAT, 1),
    "defer": lambda storage: storage.defer(key(10_000, ANN), "flood", NOON + MINUTE),
}


@pytest.mark.parametrize("name", USE_CASES)
async def test_a_use_case_that_fails_has_not_happened_and_works_later(
    store: Store, name: str
) -> None:
    await follow(store.storage, follows(ANN))
    await store.storage.commit_poll(known(HEDGES), [], NOON)
    await store.storage.save_chat(Chat(CAT, resting="kicked", resting_since=NOON))
    await store.storage.save_rule(asks(CAT, words=("hedgehogs",)), NOON)
    await ring(store.storage, milestone(10_000))
    before = await picture(store.storage)
    async with store.ground.failing():
        with pytest.raises(StorageError):
            await USE_CASES[name](store.storage)
        assert await picture(store.storage) == before
    await USE_CASES[name](store.storage)
    after = await picture(store.storage)
    assert after != before
    if name != "claim_deliveries":  # its lease may end with the process
        assert await picture(await store.reopen()) == after


# --- deliveries -----------------------------------------------------------------------------------


async def test_a_claim_brings_all_that_is_needed_to_word_it(storage: Storage) -> None:
    await storage.commit_poll(FULL, [], NOON)
    await follow(storage, follows(CAT, thread_id=7, muted=True))
    await ring(storage, milestone(10_000), milestone(25_000), at=NOON + MINUTE)
    [claimed] = await claim(storage, NOON + 2 * MINUTE)
    assert claimed.chat == Chat(CAT)
    assert claimed.rule is None
    assert claimed.known == FULL
    assert claimed.occurrences == (milestone(10_000), milestone(25_000))
    assert claimed.delivery == Delivery(
        key=key(25_000, CAT),
        number=claimed.delivery.number,
        chat_id=CAT,
        petition=NIGHTINGALES,
        occurrences=(milestone(10_000).key, milestone(25_000).key),
        created_at=NOON + MINUTE,
        not_before=NOON + MINUTE,
        thread_id=7,
        silent=True,
        leased_until=NOON + 2 * MINUTE + LEASE,
    )


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.key)
async def test_every_kind_of_event_comes_back_as_it_was(store: Store, event: Event) -> None:
    await follow(store.storage, follows(ANN))
    await ring(store.storage, occurred(event))
    gathered = NOON + timedelta(hours=1)
    [claimed] = await claim(await store.reopen(), gathered)
    assert claimed.occurrences == (occurred(event),)


async def test_a_chat_hears_things_in_the_order_they_happened(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await ring(storage, milestone(25_000))
    await ring(storage, milestone(10_000, HEDGES))
    await ring(storage, milestone(50_000))
    expected = [key(25_000, ANN), key(10_000, ANN, HEDGES), key(50_000, ANN)]
    assert await heard(storage) == expected


async def test_the_oldest_deliveries_are_claimed_first_and_no_more_than_asked(
    storage: Storage,
) -> None:
    chats = [90, 10, 50, 30, 70]
    await follow(storage, *(follows(chat, at=NOON + n * MINUTE) for n, chat in enumerate(chats)))
    await ring(storage, milestone(10_000))
    assert await claimed_keys(storage, limit=2) == [key(10_000, 90), key(10_000, 10)]
    assert await claimed_keys(storage, limit=0) == []
    assert await claimed_keys(storage, limit=2) == [key(10_000, 50), key(10_000, 30)]
    assert await claimed_keys(storage, limit=2) == [key(10_000, 70)]
    assert await claimed_keys(storage, limit=2) == []


async def test_a_chat_has_one_delivery_in_flight(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, at=NOON + MINUTE))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    assert await claimed_keys(storage) == [key(10_000, ANN), key(10_000, BOB)]
    assert await claimed_keys(storage) == []
    await storage.settle(key(10_000, BOB))
    assert await claimed_keys(storage) == [key(25_000, BOB)]


async def test_a_leased_delivery_is_nobody_elses_until_the_lease_runs_out(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    assert await claimed_keys(storage, NOON) == [key(10_000, ANN)]
    assert await claimed_keys(storage, NOON + LEASE - MINUTE) == []
    assert await claimed_keys(storage, NOON + LEASE) == [key(10_000, ANN)]
    assert await claimed_keys(storage, NOON + LEASE) == []


async def test_two_who_claim_at_once_never_get_the_same(storage: Storage) -> None:
    await follow(storage, *(follows(chat) for chat in range(1, 41)))
    await ring(storage, milestone(10_000))
    batches = await asyncio.gather(*(claimed_keys(storage, limit=5) for _ in range(10)))
    claimed = [each for batch in batches for each in batch]
    assert sorted(claimed) == sorted(key(10_000, chat) for chat in range(1, 41))


async def test_a_delivery_that_was_never_settled_is_claimed_again_after_a_crash(
    store: Store,
) -> None:
    await follow(store.storage, follows(ANN))
    await ring(store.storage, milestone(10_000))
    await claim(store.storage)
    storage = await store.reopen()
    assert await claimed_keys(storage, NOON + LEASE) == [key(10_000, ANN)]


async def test_a_settled_delivery_never_comes_back(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    await ring(store.storage, milestone(10_000))
    await claim(store.storage)
    await store.storage.settle(key(10_000, ANN))
    assert await claimed_keys(store.storage, NOON + 2 * LEASE) == []
    assert await claimed_keys(await store.reopen(), NOON + 2 * LEASE) == []


async def test_several_are_settled_together_and_no_other(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    await storage.settle(key(10_000, ANN), key(10_000, BOB), key(99, ANN))
    assert await claimed_keys(storage) == [key(25_000, ANN), key(25_000, BOB)]


async def test_settling_or_retrying_the_unknown_does_nothing(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    before = await picture(storage)
    await storage.settle(key(99, ANN))
    await storage.retry(key(99, ANN), NOON)
    assert await picture(storage) == before


async def test_a_retry_counts_an_attempt_and_is_not_claimed_before_its_time(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    for attempts in range(3):
        at = NOON + attempts * MINUTE
        [claimed] = await claim(storage, at)
        assert claimed.delivery.attempts == attempts
        await storage.retry(key(10_000, ANN), at + MINUTE)
        assert await claimed_keys(storage, at + MINUTE / 2) == []


async def test_a_retry_ends_the_lease(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await claim(storage)
    await storage.retry(key(10_000, ANN), NOON + MINUTE)
    [claimed] = await claim(storage, NOON + MINUTE)
    assert claimed.delivery.leased_until == NOON + MINUTE + LEASE


async def test_what_waits_for_another_try_holds_back_the_chats_later_alerts(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    await claim(storage)
    await storage.retry(key(10_000, ANN), NOON + MINUTE)
    assert await claimed_keys(storage, NOON) == []
    assert await heard(storage, NOON + MINUTE) == [key(10_000, ANN), key(25_000, ANN)]


async def test_one_chats_trouble_holds_back_no_other(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    await claim(storage)
    await storage.retry(key(10_000, ANN), NOON + MINUTE)
    await storage.settle(key(10_000, BOB))
    assert await heard(storage) == [key(25_000, BOB)]


async def test_the_clock_set_back_loses_no_delivery(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await claim(storage)
    await storage.retry(key(10_000, ANN), NOON + MINUTE)
    assert await storage.next_due(NOON + MINUTE) == NOON + MINUTE
    assert await claimed_keys(storage, NOON) == []
    assert await storage.next_due(NOON) == NOON + MINUTE
    assert await claimed_keys(storage, NOON + MINUTE) == [key(10_000, ANN)]


async def test_nothing_is_due_when_nothing_waits(storage: Storage) -> None:
    assert await storage.next_due(NOON) is None
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await heard(storage)
    assert await storage.next_due(NOON) is None


async def test_the_next_due_is_now_or_when_the_first_lease_or_wait_ends(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, at=NOON + MINUTE))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    assert await storage.next_due(NOON + MINUTE) == NOON + MINUTE
    await claim(storage)
    assert await storage.next_due(NOON) == NOON + LEASE
    await storage.retry(key(10_000, BOB), NOON + 2 * MINUTE)
    assert await storage.next_due(NOON) == NOON + 2 * MINUTE
    await storage.settle(key(10_000, BOB))
    assert await storage.next_due(NOON) == NOON


async def test_numbers_go_on_after_everything_is_settled_and_reopened(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    await ring(store.storage, milestone(10_000))
    [first] = await claim(store.storage)
    await store.storage.settle(first.delivery.key)
    storage = await store.reopen()
    await ring(storage, milestone(25_000))
    [second] = await claim(storage)
    assert second.delivery.number > first.delivery.number
