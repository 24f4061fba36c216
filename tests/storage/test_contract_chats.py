"""What a storage promises of chats."""

from itertools import islice

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
    SLEEPS,
    Store,
    claim,
    claimed_keys,
    follow,
    follows,
    heard,
    key,
    milestone,
    ring,
)
from contract import storage as storage
from contract import store as store
from msgspec import structs

from bot.petitions.thresholds import rungs
from bot.subscriptions.subscription import Chat, Digest
from storage import ChatData, Storage, Tally


async def test_a_stranger_is_nobody(storage: Storage) -> None:
    assert await storage.chat(ANN) is None
    assert await storage.chat_data(ANN) is None


async def test_a_chat_is_kept_as_given(storage: Storage) -> None:
    chat = Chat(CAT, "supergroup", NOON, NOON + MINUTE, "blocked", NOON + 2 * MINUTE)
    await storage.save_chat(chat)
    assert await storage.chat(CAT) == chat
    assert await storage.chat(ANN) is None


async def test_saving_a_chat_replaces_all_that_was_known_of_it(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "private", NOON, NOON))
    await storage.save_chat(Chat(ANN, "group"))
    assert await storage.chat(ANN) == Chat(ANN, "group")


async def test_saving_a_chat_touches_no_other(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "private", NOON))
    await storage.save_chat(Chat(BOB))
    assert await storage.chat(ANN) == Chat(ANN, "private", NOON)


async def test_a_resting_chat_is_sent_nothing_and_keeps_everything(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(25_000))
    assert await claimed_keys(storage) == []
    assert await storage.next_due(NOON) is None
    chat = Chat(ANN, resting="blocked", resting_since=NOON)
    assert await storage.chat_data(ANN) == ChatData(chat, (follows(ANN),), 2)


async def test_a_resting_chat_holds_back_nobody_else(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    assert await claimed_keys(storage) == [key(10_000, BOB)]


async def test_a_chat_saved_as_resting_is_sent_nothing(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.save_chat(Chat(ANN, resting="kicked", resting_since=NOON))
    assert await claimed_keys(storage) == []


async def test_a_chat_told_to_rest_again_has_rested_since_the_first_time(
    storage: Storage,
) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.rest_chat(ANN, "blocked", NOON)
    await storage.rest_chat(ANN, "deleted", NOON + MINUTE)
    assert await storage.chat(ANN) == Chat(ANN, resting="deleted", resting_since=NOON)


async def test_resting_a_stranger_makes_no_chat(storage: Storage) -> None:
    await storage.rest_chat(ANN, "blocked", NOON)
    assert await storage.chat(ANN) is None


async def test_a_chat_that_wakes_is_sent_what_waited(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    assert await storage.wake_chat(ANN, NOON + MINUTE) is True
    assert await storage.chat(ANN) == Chat(ANN, returned=True)
    assert await heard(storage, NOON + MINUTE) == [key(10_000, ANN), key(25_000, ANN)]


async def test_waking_a_chat_that_is_awake_or_unknown_does_nothing(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "private", NOON))
    assert await storage.wake_chat(ANN, NOON) is False
    assert await storage.wake_chat(BOB, NOON) is False
    assert await storage.chat(ANN) == Chat(ANN, "private", NOON)
    assert await storage.chat(BOB) is None


async def test_a_chat_that_returns_is_given_all_it_waited_for_at_once(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, at=NOON + MINUTE))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    await storage.wake_chat(ANN, NOON)
    batch = await claimed_keys(storage, limit=1)
    assert batch == [key(10_000, ANN), key(25_000, ANN)]
    assert await claimed_keys(storage) == [key(10_000, BOB)]
    await storage.settle(*batch)
    assert await storage.chat(ANN) == Chat(ANN)


async def test_a_chat_is_told_of_no_more_than_fifty_things_at_once(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.rest_chat(ANN, "blocked", NOON)
    for number in islice(rungs(), 60):
        await ring(storage, milestone(number))
    await storage.wake_chat(ANN, NOON)
    batch = await claimed_keys(storage)
    assert len(batch) == 50
    await storage.settle(*batch)
    assert await storage.chat(ANN) == Chat(ANN, returned=True)
    await storage.settle(*await claimed_keys(storage))
    assert await storage.chat(ANN) == Chat(ANN)


async def test_a_chat_to_which_nothing_was_owed_has_not_returned(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.rest_chat(ANN, "blocked", NOON)
    await storage.wake_chat(ANN, NOON)
    assert await storage.chat(ANN) == Chat(ANN)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    assert await claimed_keys(storage) == [key(10_000, ANN)]


async def test_who_stops_following_all_that_waited_has_not_returned(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    await storage.wake_chat(ANN, NOON)
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await storage.chat(ANN) == Chat(ANN)


async def test_a_summary_that_could_not_be_sent_is_tried_again_as_one(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    await store.storage.rest_chat(ANN, "blocked", NOON)
    await ring(store.storage, milestone(10_000))
    await ring(store.storage, milestone(25_000))
    await store.storage.wake_chat(ANN, NOON)
    batch = await claimed_keys(store.storage)
    for each in batch:
        await store.storage.retry(each, NOON + MINUTE)
    storage = await store.reopen()
    assert await claimed_keys(storage, NOON) == []
    assert await claimed_keys(storage, NOON + MINUTE) == batch


async def test_resting_and_waking_over_and_over_sends_once(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    for _ in range(5):
        await storage.rest_chat(ANN, "blocked", NOON)
        await storage.wake_chat(ANN, NOON)
    assert await claimed_keys(storage) == [key(10_000, ANN)]
    assert await claimed_keys(storage) == []


async def test_a_moved_chat_takes_everything_along(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "group", NOON, NOON + MINUTE))
    await follow(storage, follows(ANN, muted=True), follows(ANN, HEDGES, NOON + MINUTE))
    await ring(storage, milestone(10_000))
    await storage.migrate_chat(ANN, CAT)
    moved = Chat(CAT, "group", NOON, NOON + MINUTE)
    mine = (follows(CAT, HEDGES, NOON + MINUTE), follows(CAT, muted=True))
    assert await storage.chat_data(CAT) == ChatData(moved, mine, 1)
    [claimed] = await claim(storage)
    assert (claimed.delivery.key, claimed.delivery.chat_id) == (key(10_000, CAT), CAT)
    assert claimed.delivery.silent


async def test_a_moved_chat_leaves_nothing_behind(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.migrate_chat(ANN, CAT)
    assert await storage.chat_data(ANN) is None
    assert await storage.subscriptions(ANN) == []
    assert await storage.tally() == Tally(1, 1, 1, 1, NOON, NOON)
    assert await ring(storage, milestone(25_000)) == 1


async def test_what_both_chats_follow_is_followed_once_and_since_the_older(
    storage: Storage,
) -> None:
    await follow(
        storage,
        follows(ANN, NIGHTINGALES, NOON, muted=True),
        follows(CAT, NIGHTINGALES, NOON + MINUTE),
        follows(ANN, HEDGES, NOON + MINUTE),
        follows(CAT, HEDGES, NOON),
    )
    await storage.migrate_chat(ANN, CAT)
    assert await storage.subscription(CAT, NIGHTINGALES) == follows(CAT, muted=True)
    assert await storage.subscription(CAT, HEDGES) == follows(CAT, HEDGES)
    assert len(await storage.subscriptions(CAT)) == 2


async def test_what_both_chats_are_owed_is_owed_once(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(CAT, at=NOON + MINUTE), follows(ANN, HEDGES))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await storage.migrate_chat(ANN, CAT)
    assert await heard(storage) == [key(10_000, CAT), key(10_000, CAT, HEDGES)]


async def test_what_is_in_flight_to_the_new_chat_stays_in_flight(storage: Storage) -> None:
    await follow(storage, follows(CAT), follows(ANN, at=NOON + MINUTE))
    await ring(storage, milestone(10_000))
    assert await claimed_keys(storage, limit=1) == [key(10_000, CAT)]
    await storage.migrate_chat(ANN, CAT)
    assert await claimed_keys(storage) == []


async def test_what_was_in_flight_to_the_old_chat_is_free_under_the_new_id(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    assert await claimed_keys(storage) == [key(10_000, ANN)]
    await storage.migrate_chat(ANN, CAT)
    assert await claimed_keys(storage) == [key(10_000, CAT)]


async def test_a_digest_that_is_tried_again_is_not_put_off_by_a_change_of_terms(
    storage: Storage,
) -> None:
    weekly = structs.replace(DIGESTS, digest=Digest(EVENING.hour * 60, EVENING.weekday()))
    await follow(storage, follows(ANN))
    await storage.set_preferences(ANN, weekly, NOON)
    await ring(storage, milestone(10_000))
    due = await storage.next_due(NOON)
    assert due
    await claim(storage, due)
    await storage.retry(key(10_000, ANN), due + MINUTE)
    await storage.mute(ANN, NIGHTINGALES, True, due + MINUTE / 2)
    assert await storage.next_due(due) == due + MINUTE


async def test_a_chat_moved_onto_a_known_one_keeps_the_earliest_consent(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "group", NOON, NOON + MINUTE, "kicked", NOON))
    await storage.save_chat(Chat(CAT, "supergroup", NOON + MINUTE))
    await storage.migrate_chat(ANN, CAT)
    assert await storage.chat(CAT) == Chat(CAT, "supergroup", NOON, NOON + MINUTE)


async def test_a_moved_chat_keeps_its_terms_unless_the_new_one_has_its_own(
    storage: Storage,
) -> None:
    await storage.save_chat(Chat(ANN, language="cy", preferences=DIGESTS))
    await storage.save_chat(Chat(CAT, "supergroup"))
    await storage.migrate_chat(ANN, CAT)
    assert await storage.chat(CAT) == Chat(CAT, "supergroup", language="cy", preferences=DIGESTS)
    await storage.save_chat(Chat(BOB, language="en", preferences=SLEEPS))
    await storage.migrate_chat(CAT, BOB)
    assert await storage.chat(BOB) == Chat(BOB, language="en", preferences=SLEEPS)


async def test_moving_a_stranger_or_nowhere_changes_nothing(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.migrate_chat(BOB, CAT)
    await storage.migrate_chat(ANN, ANN)
    assert await storage.chat(CAT) is None
    assert await storage.chat_data(ANN) == ChatData(Chat(ANN), (follows(ANN),), 1)


async def test_a_forgotten_chat_is_a_stranger(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await ring(storage, milestone(10_000))
    await storage.forget_chat(ANN)
    assert await storage.chat_data(ANN) is None
    assert await storage.subscriptions(ANN) == []
    assert await storage.followed() == []
    assert await claimed_keys(storage) == []
    assert await storage.tally() == Tally(0, 0, 2, 0, None)


async def test_forgetting_a_chat_takes_nothing_from_another(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    await storage.forget_chat(ANN)
    await storage.forget_chat(CAT)
    assert await storage.chat_data(BOB) == ChatData(Chat(BOB), (follows(BOB),), 1)
    assert await claimed_keys(storage) == [key(10_000, BOB)]


async def test_a_delivery_in_flight_to_a_forgotten_chat_settles_into_nothing(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    [claimed] = await claim(storage)
    await storage.forget_chat(ANN)
    await storage.settle(claimed.delivery.key)
    await storage.retry(claimed.delivery.key, NOON)
    assert await claimed_keys(storage, NOON + LEASE) == []


async def test_chats_are_walked_through_once_each_from_any_place(storage: Storage) -> None:
    kept = [Chat(number, consented_at=NOON) for number in (ANN, BOB, CAT, -100_123)]
    for chat in kept:
        await storage.save_chat(chat)
    first = await storage.chats("", 3)
    assert len(first) == 3
    rest = await storage.chats(first[-1][0], 3)
    await storage.save_chat(structs.replace(kept[0], announcements=False))
    walked = [chat.id for _, chat in [*first, *rest]]
    assert sorted(walked) == sorted(chat.id for chat in kept)
    assert await storage.chats(rest[-1][0], 3) == []
    assert [place for place, _ in await storage.chats("", 9)] == [p for p, _ in [*first, *rest]]
