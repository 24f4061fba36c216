"""Chats that are there and refuse what they are sent: tried rarely, one alert at a time."""

from datetime import timedelta

import pytest
from contract import (
    ANN,
    BOB,
    HEDGES,
    MINUTE,
    NIGHTINGALES,
    NOON,
    OAKS,
    QUARTER,
    Store,
    claim,
    follow,
    follows,
    heard,
    key,
    milestone,
    ring,
)
from contract import storage as storage
from contract import store as store

from bot.delivery.retry import ProbeChat, RestChat, TryAgain, next_step, probe_wait
from bot.subscriptions.delivery import ChatGone, ChatRefuses, RetryAt, Sent
from bot.subscriptions.delivery_order import refused_queue
from bot.subscriptions.subscription import Chat
from storage import Pruned, Storage

__all__ = ["storage", "store"]

HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=2)
WHY = "not enough rights to send text messages to the chat"


async def refused(storage: Storage, *, times: int = 1, probe_at: timedelta = HOUR) -> None:
    """Ann, who follows, is owed three alerts, and has refused so often."""
    await follow(storage, follows(ANN))
    for number in (10_000, 25_000, 50_000):
        await ring(storage, milestone(number))
    for number in range(1, times + 1):
        assert await storage.refuse_chat(ANN, WHY, number, NOON, NOON + probe_at)


# --- the decision --------------------------------------------------------------------------------


def test_a_refusal_is_probed_after_a_minute_then_hourly_and_in_the_end_daily() -> None:
    waits = [probe_wait(refusals, 1.0) for refusals in range(20)]
    assert waits == sorted(waits)
    assert waits[0] == MINUTE
    assert waits[2:5] == [HOUR] * 3
    assert waits[-1] == timedelta(days=1)


def test_a_refusal_counts_on_from_those_before_it() -> None:
    step = next_step(ChatRefuses(WHY), 7, NOON, 1.0, refusals=3)
    assert step == ProbeChat(WHY, 4, NOON + HOUR)


def test_only_proof_rests_a_chat_and_what_is_no_refusal_is_tried_again() -> None:
    assert isinstance(next_step(ChatGone("blocked"), 0, NOON, 1.0, refusals=3), RestChat)
    assert isinstance(next_step(RetryAt(NOON, "502"), 0, NOON, 1.0, refusals=3), TryAgain)
    assert not isinstance(next_step(Sent(1), 0, NOON, 1.0, refusals=3), ProbeChat)


# --- the stores ----------------------------------------------------------------------------------


async def test_a_chat_that_refuses_gets_nothing_until_its_probe(storage: Storage) -> None:
    await refused(storage)
    assert await claim(storage, NOON + HOUR - MINUTE) == []
    assert await storage.next_due(NOON) == NOON + HOUR


async def test_a_probe_is_the_oldest_alert_alone(storage: Storage) -> None:
    await refused(storage)
    at = NOON + HOUR
    assert await storage.next_due(at) == at
    (one,) = await storage.claim_deliveries(at, 100, LEASE)
    assert one.delivery.key == key(10_000, ANN)
    assert one.chat is not None
    assert one.chat.refusals == 1
    assert await storage.claim_deliveries(at, 100, LEASE) == []
    assert await storage.next_due(at) == at + LEASE


async def test_a_hundred_alerts_of_a_chat_that_refuses_are_not_tried_one_by_one(
    storage: Storage,
) -> None:
    await refused(storage)
    at, tried = NOON + HOUR, []
    for refusals in range(2, 8):
        (one,) = await storage.claim_deliveries(at, 100, LEASE)
        await storage.refuse_chat(ANN, WHY, refusals, at, at + HOUR)
        await storage.defer(one.delivery.key, "", at)
        assert await storage.claim_deliveries(at, 100, LEASE) == []
        tried.append(one.delivery.key)
        at += HOUR
    assert set(tried) == {key(10_000, ANN)}


async def test_what_waits_for_a_moment_of_its_own_is_no_second_probe(storage: Storage) -> None:
    await refused(storage)
    await storage.defer(key(25_000, ANN), "digest", NOON)
    (one,) = await storage.claim_deliveries(NOON + HOUR, 100, LEASE)
    assert one.delivery.key == key(10_000, ANN)
    assert await storage.claim_deliveries(NOON + HOUR, 100, LEASE) == []
    await storage.settle(one.delivery.key)
    assert await storage.next_due(NOON + HOUR) == NOON + HOUR + LEASE
    (next_one,) = await storage.claim_deliveries(NOON + HOUR + LEASE, 100, LEASE)
    assert next_one.delivery.key == key(25_000, ANN)


async def test_a_probe_that_is_due_later_than_its_chats_probing_waits_for_its_time(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.defer(key(10_000, ANN), "digest", NOON + 5 * HOUR)
    await storage.refuse_chat(ANN, WHY, 1, NOON, NOON + HOUR)
    assert await storage.claim_deliveries(NOON + 2 * HOUR, 100, LEASE) == []
    assert await storage.next_due(NOON + 2 * HOUR) == NOON + 5 * HOUR


async def test_what_happens_while_a_chat_refuses_waits_behind(storage: Storage) -> None:
    await refused(storage)
    await ring(storage, milestone(100_000))
    assert await claim(storage, NOON + MINUTE) == []
    assert await storage.end_refusals(ANN)
    assert len(await heard(storage, NOON + MINUTE)) == 4


async def test_at_the_first_success_all_flows_as_ever(storage: Storage) -> None:
    await refused(storage)
    (one,) = await storage.claim_deliveries(NOON + HOUR, 100, LEASE)
    assert await storage.end_refusals(ANN)
    await storage.settle(one.delivery.key)
    assert await storage.chat(ANN) == Chat(ANN)
    assert len(await heard(storage, NOON + HOUR)) == 2
    assert not await storage.end_refusals(ANN)


async def test_rights_given_back_wake_a_chat_that_refuses_at_once(storage: Storage) -> None:
    await refused(storage)
    assert await storage.wake_chat(ANN, NOON + MINUTE)
    assert not await storage.wake_chat(ANN, NOON + MINUTE)
    (first,) = await claim(storage, NOON + MINUTE)  # one at a time: it was not away
    assert first.delivery.key == key(10_000, ANN)


async def test_a_chat_that_refuses_holds_back_nobody_else(storage: Storage) -> None:
    await follow(storage, follows(BOB))
    await refused(storage)
    assert len(await heard(storage, NOON)) == 3


async def test_nothing_of_a_chat_that_refuses_is_ever_erased(storage: Storage) -> None:
    await refused(storage)
    assert await storage.prune(NOON + 10 * QUARTER, QUARTER) == Pruned(0, 0, 0)
    assert len(await storage.subscriptions(ANN)) == 1


async def test_a_chat_at_rest_that_proves_to_be_there_is_not_erased(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.rest_chat(ANN, "kicked", NOON)
    await storage.refuse_chat(ANN, WHY, 1, NOON + MINUTE, NOON + HOUR)
    assert (await storage.prune(NOON + 10 * QUARTER, QUARTER)).chats == 0


async def test_a_chat_that_refuses_and_then_is_gone_rests_and_is_erased(storage: Storage) -> None:
    await refused(storage)
    await storage.rest_chat(ANN, "kicked", NOON)
    assert await storage.chat(ANN) == Chat(ANN, resting="kicked", resting_since=NOON)
    assert await claim(storage, NOON + 10 * HOUR) == []
    assert (await storage.prune(NOON + QUARTER, QUARTER)).chats == 1


async def test_messages_refused_together_are_one_refusal(storage: Storage) -> None:
    await refused(storage)
    assert not await storage.refuse_chat(ANN, WHY, 1, NOON, NOON + 5 * HOUR)
    assert await storage.next_due(NOON) == NOON + HOUR


async def test_a_refusal_from_before_a_chat_woke_says_nothing_of_it(storage: Storage) -> None:
    await refused(storage, times=4)
    await storage.wake_chat(ANN, NOON)
    assert not await storage.refuse_chat(ANN, WHY, 5, NOON, NOON + 24 * HOUR)
    assert await storage.next_due(NOON) == NOON


async def test_a_stranger_refuses_nothing(storage: Storage) -> None:
    assert not await storage.refuse_chat(ANN, WHY, 1, NOON, NOON + HOUR)
    assert await storage.chat(ANN) is None


async def test_refusals_outlast_a_restart(store: Store) -> None:
    await refused(store.storage, times=3)
    chat = await store.storage.chat(ANN)
    reopened = await store.reopen()
    assert await reopened.chat(ANN) == chat
    assert chat == Chat(ANN, refused=WHY, refusals=3, refused_since=NOON, probe_at=NOON + HOUR)
    assert await claim(reopened, NOON + MINUTE) == []
    assert len(await claim(reopened, NOON + HOUR)) == 1


async def test_refusals_come_along_in_an_export(storage: Storage) -> None:
    await refused(storage)
    assert "probe_at" in str(await storage.export())


async def test_a_supergroup_need_not_refuse_what_the_group_did(storage: Storage) -> None:
    await refused(storage)
    await storage.migrate_chat(ANN, BOB)
    assert await storage.chat(BOB) == Chat(BOB)
    assert len(await heard(storage, NOON)) == 3


async def test_the_next_probe_is_made_with_what_was_tried_least(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES), follows(ANN, OAKS))
    refs = (NIGHTINGALES, HEDGES, OAKS)
    for ref in refs:
        await ring(storage, milestone(10_000, ref))
    at, tried = NOON, []
    for refusals in range(1, 6):
        (one,) = await storage.claim_deliveries(at, 100, LEASE)
        owed = one.delivery
        tried.append(owed.petition)
        await storage.refuse_chat(ANN, WHY, refusals, at, at + HOUR)
        await storage.retry(owed.key, at, refused_queue(owed))
        assert await storage.claim_deliveries(at, 100, LEASE) == []
        at += HOUR
    assert tried == [*refs, NIGHTINGALES, HEDGES]


async def test_later_news_of_a_petition_waits_behind_what_was_refused_of_it(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await ring(storage, milestone(10_000))
    (one,) = await storage.claim_deliveries(NOON, 100, LEASE)
    await storage.refuse_chat(ANN, WHY, 1, NOON, NOON + MINUTE)
    await storage.retry(one.delivery.key, NOON, refused_queue(one.delivery))
    for number, ref in ((25_000, NIGHTINGALES), (50_000, NIGHTINGALES), (10_000, HEDGES)):
        await ring(storage, milestone(number, ref))
    at = NOON + MINUTE
    while not (probe := await storage.claim_deliveries(at, 100, LEASE)):
        assert await storage.next_due(at) == at
    assert [each.delivery.key for each in probe] == [key(10_000, ANN, HEDGES)]
    await storage.end_refusals(ANN)
    await storage.settle(probe[0].delivery.key)
    behind = await storage.claim_deliveries(at, 100, LEASE)
    numbers = (10_000, 25_000, 50_000)
    assert [each.delivery.key for each in behind] == [key(n, ANN) for n in numbers]


async def test_what_is_refused_alone_keeps_its_place_through_a_restart(store: Store) -> None:
    await follow(store.storage, follows(ANN), follows(ANN, HEDGES))
    await ring(store.storage, milestone(10_000))
    (one,) = await store.storage.claim_deliveries(NOON, 100, LEASE)
    await store.storage.retry(one.delivery.key, NOON + HOUR, refused_queue(one.delivery))
    for ref in (NIGHTINGALES, HEDGES):
        await ring(store.storage, milestone(25_000, ref))
    storage = await store.reopen()
    assert await claim(storage) == []  # it goes behind what was refused
    assert await heard(storage) == [key(25_000, ANN, HEDGES)]
    assert await heard(storage, NOON + HOUR) == [key(10_000, ANN), key(25_000, ANN)]


@pytest.mark.parametrize("shut", ["refuses", "rests"])
async def test_what_only_we_keep_waiting_is_told_from_what_a_chat_keeps_waiting(
    storage: Storage, shut: str
) -> None:
    await follow(storage, follows(BOB))
    await ring(storage, milestone(5_000))
    assert (await storage.tally()).oldest_due == NOON
    if shut == "refuses":
        await storage.refuse_chat(BOB, WHY, 1, NOON, NOON + HOUR)
    else:
        await storage.rest_chat(BOB, "blocked", NOON)
    tally = await storage.tally()
    assert (tally.oldest_due, tally.refusing) == (None, int(shut == "refuses"))
    await storage.wake_chat(BOB, NOON)
    await storage.defer(key(5_000, BOB), "digest", NOON + HOUR)
    assert (await storage.tally()).oldest_due is None


async def test_an_alert_that_is_refused_alone_counts_as_one_that_waits(storage: Storage) -> None:
    await follow(storage, follows(BOB))
    await ring(storage, milestone(5_000))
    (one,) = await claim(storage)
    await storage.retry(one.delivery.key, NOON + HOUR, refused_queue(one.delivery))
    assert (await storage.tally()).oldest_due == NOON
    await storage.refuse_chat(BOB, WHY, 1, NOON, NOON + HOUR)
    assert (await storage.tally()).oldest_due is None
