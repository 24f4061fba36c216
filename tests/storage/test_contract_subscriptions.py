"""What a storage promises of subscriptions, of how they are heard, and of queues."""

from datetime import timedelta
from itertools import islice

import pytest
from contract import (
    ANN,
    BOB,
    CAT,
    DIGESTS,
    EVENING,
    HEDGES,
    LEASE,
    MINUTE,
    NIGHTINGALES,
    NOON,
    OAKS,
    SLEEPS,
    Store,
    claim,
    claimed_keys,
    follow,
    follows,
    heard,
    key,
    known,
    milestone,
    occurred,
    picture,
    ring,
    told,
)
from contract import storage as storage
from contract import store as store
from msgspec import structs

from bot.errors import StorageError
from bot.petitions.events import Closed, CommitteeNoted
from bot.petitions.petition import PetitionRef
from bot.petitions.thresholds import CustomMilestones, rungs
from bot.subscriptions.subscription import Chat, Digest, Preferences, Quiet
from storage import Storage

# --- subscriptions --------------------------------------------------------------------------------


async def test_a_new_subscription_is_returned_as_new(storage: Storage) -> None:
    await storage.commit_poll(known(), [], NOON)
    wanted = follows(CAT, thread_id=7, muted=True)
    assert await storage.subscribe(wanted) == (wanted, True)
    assert await storage.subscription(CAT, NIGHTINGALES) == wanted


async def test_an_existing_subscription_is_left_as_it_is(storage: Storage) -> None:
    await follow(storage, follows(ANN, muted=True))
    again = await storage.subscribe(follows(ANN, at=NOON + MINUTE))
    assert again == (follows(ANN, muted=True), False)
    assert await storage.subscriptions(ANN) == [follows(ANN, muted=True)]


async def test_an_unknown_petition_cannot_be_followed(storage: Storage) -> None:
    with pytest.raises(StorageError):
        await storage.subscribe(follows(ANN))
    assert await storage.subscription(ANN, NIGHTINGALES) is None
    assert await storage.followed() == []


async def test_subscribing_rings_nothing_that_happened_before(storage: Storage) -> None:
    await storage.commit_poll(known(), [milestone(10_000)], NOON)
    await follow(storage, follows(ANN))
    assert await claimed_keys(storage) == []


async def test_who_stops_following_gets_back_what_was(storage: Storage) -> None:
    await follow(storage, follows(ANN, muted=True))
    assert await storage.unsubscribe(ANN, NIGHTINGALES) == follows(ANN, muted=True)
    assert await storage.subscription(ANN, NIGHTINGALES) is None
    assert await storage.unsubscribe(ANN, NIGHTINGALES) is None


async def test_what_was_owed_goes_with_the_subscription(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await claimed_keys(storage) == []
    assert await ring(storage, milestone(25_000)) == 0


async def test_stopping_takes_no_other_subscription_and_nobody_elses_alerts(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES), follows(BOB))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await storage.subscriptions(ANN) == [follows(ANN, HEDGES)]
    assert await heard(storage) == [key(10_000, BOB), key(10_000, ANN, HEDGES)]


async def test_a_petition_nobody_follows_stays_known_and_rings_nothing_twice(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await heard(storage)
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await storage.history(NIGHTINGALES) == known()
    await storage.subscribe(follows(ANN))
    assert await ring(storage, milestone(10_000)) == 0


async def test_subscriptions_come_newest_first(storage: Storage) -> None:
    refs = [PetitionRef("uk", number) for number in (5, 9, 1, 7)]
    for minutes, ref in enumerate(refs):
        await follow(storage, follows(ANN, ref, NOON + minutes * MINUTE))
    await follow(storage, follows(BOB, HEDGES))
    listed = [each.petition for each in await storage.subscriptions(ANN)]
    assert listed == refs[::-1]
    assert await storage.subscriptions(CAT) == []


async def test_muting_silences_what_waits_and_what_comes(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    assert await storage.mute(ANN, NIGHTINGALES, True, NOON) == follows(ANN, muted=True)
    await ring(storage, milestone(25_000))
    assert await _silences(storage) == [True, True]


async def test_unmuting_lets_ring_what_waits_and_what_comes(storage: Storage) -> None:
    await follow(storage, follows(ANN, muted=True))
    await ring(storage, milestone(10_000))
    assert await storage.mute(ANN, NIGHTINGALES, False, NOON) == follows(ANN)
    await ring(storage, milestone(25_000))
    assert await _silences(storage) == [False, False]


async def test_unmuting_makes_nothing_ring_that_is_silent_by_its_terms(storage: Storage) -> None:
    await follow(
        storage, follows(ANN, muted=True, preferences=Preferences({"milestone": "silent"}))
    )
    await ring(storage, milestone(10_000))
    await storage.mute(ANN, NIGHTINGALES, False, NOON)
    await ring(storage, milestone(25_000))
    assert await _silences(storage) == [True, True]


async def test_muting_silences_what_waits_for_a_moment_and_leaves_it_there(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_preferences(ANN, SLEEPS, NOON)
    for ref in (NIGHTINGALES, HEDGES):
        await ring(storage, milestone(10_000, ref))
    await storage.mute(ANN, NIGHTINGALES, True, NOON)
    assert await storage.next_due(NOON) == NOON + timedelta(hours=1)
    waited = await claim(storage, NOON + timedelta(hours=1))
    assert [each.delivery.silent for each in waited] == [True, False]


async def test_muting_silences_what_was_owed_before_it_was_turned_off(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.set_preferences(ANN, Preferences({"milestone": "off"}), NOON)
    await storage.mute(ANN, NIGHTINGALES, True, NOON)
    assert await _silences(storage) == [True]


async def test_a_closing_that_is_gathered_with_others_stays_so_when_it_is_muted(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, occurred(Closed(12_345, NOON, early=True)))
    due = await storage.next_due(NOON)
    await storage.mute(ANN, NIGHTINGALES, True, NOON + MINUTE)
    assert due == await storage.next_due(NOON) == NOON + 10 * MINUTE
    [claimed] = await claim(storage, due)
    assert (claimed.delivery.queue, claimed.delivery.silent) == ("batch", True)


async def _silences(storage: Storage) -> list[bool]:
    silences: list[bool] = []
    while batch := await claim(storage):
        silences += [each.delivery.silent for each in batch]
        for each in batch:
            await storage.settle(each.delivery.key)
    return silences


async def test_muting_one_petition_silences_no_other_and_nobody_else(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES), follows(BOB))
    await ring(storage, milestone(10_000, HEDGES))
    await ring(storage, milestone(10_000))
    await storage.mute(ANN, NIGHTINGALES, True, NOON)
    assert await storage.subscription(ANN, HEDGES) == follows(ANN, HEDGES)
    assert await storage.subscription(BOB, NIGHTINGALES) == follows(BOB)
    first = await claim(storage)
    assert [each.delivery.silent for each in first] == [False, False]


async def test_what_nobody_follows_cannot_be_muted(storage: Storage) -> None:
    await storage.commit_poll(known(), [], NOON)
    assert await storage.mute(ANN, NIGHTINGALES, True, NOON) is None
    assert await storage.subscription(ANN, NIGHTINGALES) is None


async def test_the_card_of_a_followed_petition_is_remembered(store: Store) -> None:
    await follow(store.storage, follows(ANN), follows(ANN, HEDGES))
    await store.storage.keep_card(ANN, NIGHTINGALES, 77)
    await store.storage.mute(ANN, NIGHTINGALES, True, NOON)
    storage = await store.reopen()
    assert await storage.subscription(ANN, NIGHTINGALES) == follows(ANN, muted=True, card_id=77)
    assert await storage.subscription(ANN, HEDGES) == follows(ANN, HEDGES)
    await storage.keep_card(ANN, NIGHTINGALES, None)
    assert await storage.subscription(ANN, NIGHTINGALES) == follows(ANN, muted=True)


async def test_the_card_of_a_petition_nobody_follows_is_not_remembered(storage: Storage) -> None:
    await storage.commit_poll(known(), [], NOON)
    await storage.keep_card(ANN, NIGHTINGALES, 77)
    assert await storage.subscription(ANN, NIGHTINGALES) is None


async def test_a_card_is_not_looked_for_in_the_chat_that_was_moved_to(storage: Storage) -> None:
    await follow(storage, follows(ANN, card_id=77))
    await storage.migrate_chat(ANN, CAT)
    assert await storage.subscription(CAT, NIGHTINGALES) == follows(CAT)


async def test_what_was_meant_for_a_topic_that_is_gone_goes_to_the_chat(storage: Storage) -> None:
    await follow(storage, follows(CAT, thread_id=7), follows(CAT, HEDGES, thread_id=8))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await storage.clear_thread(CAT, 7)
    assert await storage.subscription(CAT, NIGHTINGALES) == follows(CAT)
    assert await storage.subscription(CAT, HEDGES) == follows(CAT, HEDGES, thread_id=8)
    [first] = await claim(storage)
    await storage.settle(first.delivery.key)
    [second] = await claim(storage)
    assert (first.delivery.thread_id, second.delivery.thread_id) == (None, 8)


# --- how it is heard ------------------------------------------------------------------------------

TOMORROW = timedelta(days=1)


async def test_nobody_sets_the_terms_of_a_stranger(storage: Storage) -> None:
    assert await storage.set_preferences(ANN, DIGESTS, NOON) is None
    assert await storage.chat(ANN) is None


async def test_the_terms_of_a_chat_are_kept_with_all_else_of_it(store: Store) -> None:
    await store.storage.save_chat(Chat(ANN, "group", NOON, language="cy"))
    preferences = Preferences(
        {"milestone": "digest", "count_fell": "off"},
        closing=(72, 6),
        snoozed_until=NOON,
        zone="Asia/Kathmandu",
        quiet=Quiet(22 * 60, 7 * 60),
        digest=Digest(9 * 60, 4),
        urgent=("response",),
    )
    expected = Chat(ANN, "group", NOON, language="cy", preferences=preferences)
    assert await store.storage.set_preferences(ANN, preferences, NOON) == expected
    assert await (await store.reopen()).chat(ANN) == expected


async def test_the_terms_of_a_subscription_are_kept_with_all_else_of_it(store: Store) -> None:
    await follow(store.storage, follows(ANN, muted=True, card_id=7), follows(BOB))
    preferences = Preferences(
        {"milestone": "silent"}, milestones=CustomMilestones((15_000,), 5_000, (50,))
    )
    changed = await store.storage.set_subscription_preferences(ANN, NIGHTINGALES, preferences, NOON)
    assert changed == follows(ANN, muted=True, card_id=7, preferences=preferences)
    storage = await store.reopen()
    assert await storage.subscription(ANN, NIGHTINGALES) == changed
    assert await storage.subscription(BOB, NIGHTINGALES) == follows(BOB)


async def test_what_nobody_follows_has_no_terms_and_no_topic(storage: Storage) -> None:
    await storage.commit_poll(known(), [], NOON)
    assert await storage.set_subscription_preferences(ANN, NIGHTINGALES, DIGESTS, NOON) is None
    assert await storage.set_thread(ANN, NIGHTINGALES, 7) is None
    assert await storage.subscription(ANN, NIGHTINGALES) is None


async def test_what_a_chat_turned_off_is_not_owed_to_it(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await storage.set_preferences(ANN, Preferences({"milestone": "off"}), NOON)
    assert await ring(storage, milestone(10_000)) == 1
    assert await heard(storage) == [key(10_000, BOB)]


async def test_everybody_hears_on_their_own_terms(storage: Storage) -> None:
    await follow(
        storage, follows(ANN), follows(BOB, preferences=DIGESTS), follows(CAT, thread_id=7)
    )
    await storage.set_preferences(ANN, Preferences({"milestone": "silent"}), NOON)
    assert await ring(storage, milestone(10_000)) == 3
    early = {each.delivery.chat_id: each.delivery for each in await claim(storage)}
    assert {chat: each.silent for chat, each in early.items()} == {ANN: True, CAT: False}
    assert {chat: each.thread_id for chat, each in early.items()} == {ANN: None, CAT: 7}
    await storage.settle(*(each.key for each in early.values()))
    assert await told(storage, EVENING) == [(key(10_000, BOB), "digest")]


async def test_a_subscriptions_terms_go_before_its_chats(storage: Storage) -> None:
    await follow(
        storage, follows(ANN, preferences=Preferences({"milestone": "loud"})), follows(ANN, HEDGES)
    )
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    assert await told(storage) == [(key(10_000, ANN), "")]


async def test_a_claim_brings_the_chat_as_it_is_now(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.save_chat(Chat(ANN, language="cy"))
    [claimed] = await claim(storage)
    assert claimed.chat == Chat(ANN, language="cy")


async def test_what_waits_for_a_digest_comes_at_its_new_hour(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    later = structs.replace(DIGESTS, digest=Digest(20 * 60))
    await storage.set_preferences(ANN, later, NOON)
    assert await storage.next_due(NOON) == NOON + timedelta(hours=8)
    assert await claimed_keys(storage, EVENING) == []
    assert await claimed_keys(storage, NOON + timedelta(hours=8)) == [key(10_000, ANN)]


async def test_what_waits_for_nothing_any_more_is_told_at_once(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    for chat in (ANN, BOB):
        await storage.set_preferences(chat, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await storage.set_preferences(ANN, Preferences(), NOON)
    assert await told(storage) == [(key(10_000, ANN), "")]
    assert await told(storage, EVENING) == [(key(10_000, BOB), "digest")]


async def test_new_terms_of_one_petition_move_nothing_of_another(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    loud = Preferences({"milestone": "loud"})
    await storage.set_subscription_preferences(ANN, HEDGES, loud, NOON)
    assert await told(storage) == [(key(10_000, ANN, HEDGES), "")]
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest")]


async def test_what_was_owed_before_it_was_turned_off_still_comes(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await storage.set_preferences(ANN, Preferences({"milestone": "off"}), NOON)
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest")]


async def test_new_terms_put_off_nothing_that_is_due_or_in_flight(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await claim(storage, EVENING)
    await ring(storage, milestone(10_000, HEDGES))
    later = structs.replace(DIGESTS, digest=Digest(20 * 60))
    await storage.set_preferences(ANN, later, EVENING)
    await storage.set_subscription_preferences(ANN, NIGHTINGALES, later, EVENING)
    expected = [(key(10_000, ANN), "digest"), (key(10_000, ANN, HEDGES), "digest")]
    assert await told(storage, EVENING + LEASE) == expected


async def test_new_terms_put_off_nothing_whose_moment_has_come(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await storage.set_preferences(ANN, structs.replace(DIGESTS, digest=Digest(20 * 60)), EVENING)
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest")]


async def test_new_terms_leave_together_what_is_in_flight_together(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    late = EVENING + MINUTE
    await ring(storage, milestone(25_000), at=late)
    assert await claimed_keys(storage, late) == [key(10_000, ANN), key(25_000, ANN)]
    await storage.set_preferences(ANN, Preferences(), late)
    assert await claimed_keys(storage, late) == []
    again = await told(storage, late + LEASE)
    assert again == [(key(10_000, ANN), "digest"), (key(25_000, ANN), "digest")]


async def test_a_loud_alert_waits_for_no_new_terms(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.set_preferences(ANN, SLEEPS, NOON)
    assert await told(storage) == [(key(10_000, ANN), "")]


async def test_an_alert_that_is_due_rings_or_not_by_the_terms_of_now(storage: Storage) -> None:
    await follow(
        storage, follows(ANN), follows(BOB, preferences=Preferences({"milestone": "silent"}))
    )
    await ring(storage, milestone(10_000))
    await storage.set_preferences(ANN, Preferences({"milestone": "silent"}), NOON)
    await storage.set_subscription_preferences(BOB, NIGHTINGALES, Preferences(), NOON)
    silent = {each.delivery.chat_id: each.delivery.silent for each in await claim(storage)}
    assert silent == {ANN: True, BOB: False}


async def test_an_alert_that_is_due_is_made_no_louder_by_a_digest(storage: Storage) -> None:
    await follow(
        storage, follows(ANN, preferences=Preferences({"milestone": "silent"})), follows(BOB)
    )
    await ring(storage, milestone(10_000))
    for chat in (ANN, BOB):
        await storage.set_subscription_preferences(chat, NIGHTINGALES, DIGESTS, NOON)
    silent = {each.delivery.chat_id: each.delivery.silent for each in await claim(storage)}
    assert silent == {ANN: True, BOB: False}


async def test_a_topic_is_where_all_that_waits_and_comes_goes(storage: Storage) -> None:
    await follow(storage, follows(CAT, card_id=7), follows(CAT, HEDGES, card_id=8))
    await ring(storage, milestone(10_000))
    assert await storage.set_thread(CAT, NIGHTINGALES, 9) == follows(CAT, thread_id=9)
    await ring(storage, milestone(25_000))
    await ring(storage, milestone(10_000, HEDGES))
    threads = []
    while batch := await claim(storage):
        threads += [each.delivery.thread_id for each in batch]
        await storage.settle(*(each.delivery.key for each in batch))
    assert threads == [9, 9, None]
    assert await storage.subscription(CAT, HEDGES) == follows(CAT, HEDGES, card_id=8)


# --- queues ---------------------------------------------------------------------------------------


async def test_a_digest_is_told_whole_whatever_the_limit(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await ring(storage, milestone(25_000))
    assert await storage.next_due(NOON) == EVENING
    assert await claimed_keys(storage, EVENING - MINUTE) == []
    expected = [key(10_000, ANN), key(10_000, ANN, HEDGES), key(25_000, ANN)]
    assert await claimed_keys(storage, EVENING, limit=1) == expected
    assert await claimed_keys(storage, EVENING) == []


async def test_what_came_too_late_for_a_digest_goes_with_one_that_is_late(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000), at=EVENING + MINUTE)
    expected = [key(10_000, ANN), key(25_000, ANN)]
    assert await claimed_keys(storage, EVENING + 2 * MINUTE) == expected


async def test_what_comes_while_a_digest_is_in_flight_waits_for_the_next(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    batch = await claimed_keys(storage, EVENING)
    await ring(storage, milestone(25_000), at=EVENING)
    assert await claimed_keys(storage, EVENING + MINUTE) == []
    await storage.settle(*batch)
    assert await claimed_keys(storage, EVENING + MINUTE) == []
    assert await claimed_keys(storage, EVENING + TOMORROW) == [key(25_000, ANN)]


async def test_no_more_than_fifty_things_are_told_in_one_digest(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    for number in islice(rungs(), 60):
        await ring(storage, milestone(number))
    batch = await claimed_keys(storage, EVENING)
    assert len(batch) == 50
    assert await claimed_keys(storage, EVENING) == []
    await storage.settle(*batch)
    assert len(await claimed_keys(storage, EVENING)) == 10


async def test_a_digest_in_flight_holds_back_no_alert_and_no_other_chats(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES), follows(ANN, OAKS), follows(BOB))
    for chat in (ANN, BOB):
        await storage.set_preferences(chat, Preferences({"milestone": "digest"}), NOON)
    await ring(storage, milestone(10_000))
    assert len(await claimed_keys(storage, EVENING, limit=1)) == 1
    await ring(storage, milestone(10_000, HEDGES), at=EVENING)
    note = occurred(CommitteeNoted("We wrote to them."), OAKS)
    await ring(storage, note, at=EVENING)
    expected = [(key(10_000, BOB), "digest"), (f"{note.key}:{ANN}", "")]
    assert await told(storage, EVENING) == expected


async def test_an_alert_in_flight_holds_back_no_digest(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, occurred(CommitteeNoted("We wrote to them."), HEDGES))
    await ring(storage, milestone(10_000))
    assert len(await claim(storage, EVENING - MINUTE)) == 1
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest")]


async def test_an_alert_and_a_digest_can_be_due_together(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    note = occurred(CommitteeNoted("We wrote to them."), HEDGES)
    await ring(storage, milestone(10_000))
    await ring(storage, note)
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest"), (f"{note.key}:{ANN}", "")]


async def test_a_digest_that_could_not_be_sent_is_tried_again_as_one(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    await store.storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(store.storage, milestone(10_000))
    await ring(store.storage, milestone(25_000))
    batch = await claimed_keys(store.storage, EVENING)
    for each in batch:
        await store.storage.retry(each, EVENING + MINUTE)
    storage = await store.reopen()
    assert await claimed_keys(storage, EVENING) == []
    again = await claim(storage, EVENING + MINUTE)
    assert [each.delivery.key for each in again] == batch
    assert [each.delivery.attempts for each in again] == [1, 1]


async def test_a_resting_chat_gets_no_digest_and_has_it_when_it_wakes(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    assert await storage.next_due(NOON) is None
    assert await claimed_keys(storage, EVENING) == []
    await storage.wake_chat(ANN, EVENING)
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest")]


async def test_a_chat_that_returned_is_told_of_its_alerts_and_its_digest_apart(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES, preferences=DIGESTS))
    await storage.rest_chat(ANN, "blocked", NOON)
    for number in (10_000, 25_000):
        await ring(storage, milestone(number))
        await ring(storage, milestone(number, HEDGES))
    await storage.wake_chat(ANN, NOON)
    alerts = [key(10_000, ANN), key(25_000, ANN)]
    digest = [key(10_000, ANN, HEDGES), key(25_000, ANN, HEDGES)]
    assert await claimed_keys(storage) == alerts
    await storage.settle(*alerts)
    assert await claimed_keys(storage, EVENING) == digest
    await storage.settle(*digest)
    assert await storage.chat(ANN) == Chat(ANN)


async def test_what_is_held_back_is_told_with_its_lane_and_was_not_tried(store: Store) -> None:
    await follow(store.storage, follows(ANN), follows(ANN, HEDGES))
    for number in (10_000, 25_000):
        await ring(store.storage, milestone(number))
    await ring(store.storage, milestone(50_000, HEDGES))
    for number in (10_000, 25_000):
        await claim(store.storage)
        await store.storage.defer(key(number, ANN), "flood", NOON + 2 * MINUTE)
    assert await told(store.storage) == [(key(50_000, ANN, HEDGES), "")]
    storage = await store.reopen()
    claimed = await claim(storage, NOON + 2 * MINUTE)
    flood = [each for each in claimed if each.delivery.queue == "flood"]
    assert [each.delivery.key for each in flood] == [key(10_000, ANN), key(25_000, ANN)]
    assert [each.delivery.attempts for each in flood] == [0, 0]


async def test_what_joins_a_lane_does_not_take_along_what_is_in_flight(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    for number in (10_000, 25_000):
        await ring(storage, milestone(number))
    await storage.defer(key(25_000, ANN), "flood", NOON)
    assert len(await claim(storage)) == 2
    await storage.defer(key(10_000, ANN), "flood", NOON + MINUTE)
    assert await claimed_keys(storage, NOON + MINUTE) == [key(10_000, ANN)]


async def test_holding_back_the_unknown_does_nothing(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    before = await picture(storage)
    await storage.defer(key(99, ANN), "flood", NOON + MINUTE)
    assert await picture(storage) == before


async def test_a_lane_that_is_released_is_told_now_and_no_other(storage: Storage) -> None:
    await follow(
        storage, *(follows(ANN, ref) for ref in (NIGHTINGALES, HEDGES, OAKS)), follows(BOB)
    )
    for chat in (ANN, BOB):
        await storage.set_preferences(chat, DIGESTS, NOON)
    for ref in (NIGHTINGALES, HEDGES):
        await ring(storage, milestone(10_000, ref))
    await ring(storage, occurred(CommitteeNoted("We wrote to them."), OAKS))
    for each in await claim(storage):
        await storage.defer(each.delivery.key, "flood", NOON + timedelta(hours=1))
    assert await storage.release(ANN, "digest", NOON) == 2
    expected = [(key(10_000, ANN), "digest"), (key(10_000, ANN, HEDGES), "digest")]
    assert await told(storage) == expected


async def test_what_is_in_flight_is_not_released_again(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    assert await storage.release(ANN, "quiet", NOON) == 0
    assert await storage.release(BOB, "digest", NOON) == 0
    assert await storage.release(ANN, "digest", NOON) == 1
    await claim(storage)
    assert await storage.release(ANN, "digest", NOON) == 0
    assert await claimed_keys(storage) == []


async def test_one_petition_can_be_released_from_behind_another(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_preferences(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await ring(storage, milestone(25_000, HEDGES))
    assert await storage.release(ANN, "digest", NOON, HEDGES) == 2
    hedges = [key(10_000, ANN, HEDGES), key(25_000, ANN, HEDGES)]
    assert await claimed_keys(storage) == hedges
    assert await claimed_keys(storage, EVENING - MINUTE) == hedges  # the lease ran out
    assert await told(storage, EVENING - MINUTE) == []
    assert (key(10_000, ANN), "digest") in await told(storage, EVENING)
