"""Several processes on one PostgreSQL ask for the same at the same moment: exactly one gets it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import pytest
from contract import (
    ANN,
    HEDGES,
    MINUTE,
    NIGHTINGALES,
    NOON,
    claim,
    follow,
    follows,
    key,
    milestone,
    ring,
)
from postgres import END_LEASES, PostgresGround

from bot.petitions.thresholds import rungs
from bot.subscriptions.delivery_order import refused_queue
from storage import ClaimedDelivery, Storage

WHY = "not enough rights to send text messages to the chat"
ROUNDS = 12
NUMBERS = list(islice(rungs(), ROUNDS))


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[list[Storage]]:
    """Three processes of one store, each at it twice."""
    ground = PostgresGround(tmp_path)
    async with AsyncExitStack() as open_ones:
        stores: list[Storage] = []
        for _ in range(3):
            stores.append(await ground.open())
            open_ones.push_async_callback(stores[-1].close)
        yield [*stores, *stores]


async def all_claim(processes: list[Storage], at: object = NOON) -> list[ClaimedDelivery]:
    """What all of them get that ask at once."""
    found = await asyncio.gather(*(claim(each, at) for each in processes))  # type: ignore[arg-type]
    return [claimed for each in found for claimed in each]


async def test_one_alert_is_claimed_by_one_of_them(processes: list[Storage]) -> None:
    await follow(processes[0], follows(ANN))
    for rotate, number in enumerate(NUMBERS):
        await ring(processes[0], milestone(number))
        (one,) = await all_claim(processes)
        assert one.delivery.key == key(number, ANN)
        await processes[rotate % 3].settle(one.delivery.key, told_at=NOON)


async def test_an_alert_given_back_is_claimed_by_one_of_them_again(
    processes: list[Storage],
) -> None:
    await follow(processes[0], follows(ANN))
    await ring(processes[0], milestone(10_000))
    for number in range(ROUNDS):
        (one,) = await all_claim(processes, NOON + number * MINUTE)
        await processes[number % 3].retry(one.delivery.key, NOON + (number + 1) * MINUTE)


async def test_a_lease_that_ended_is_taken_up_by_one_of_them(processes: list[Storage]) -> None:
    await follow(processes[0], follows(ANN))
    await ring(processes[0], milestone(10_000))
    for _ in range(ROUNDS):
        assert len(await all_claim(processes, NOON)) == 1
        async with processes[0]._pool.connected() as connection:
            await connection.execute(END_LEASES)


async def test_a_chat_that_refuses_is_probed_by_one_of_them(processes: list[Storage]) -> None:
    refs = (NIGHTINGALES, HEDGES)
    await follow(processes[0], *(follows(ANN, ref) for ref in refs))
    for ref in refs:
        await ring(processes[0], milestone(10_000, ref))
    at, tried = NOON, []
    for refusals in range(1, ROUNDS + 1):
        (one,) = await all_claim(processes, at)
        owed = one.delivery
        tried.append(owed.petition)
        other = processes[refusals % 3]
        assert await other.refuse_chat(ANN, WHY, refusals, at, at + MINUTE)
        await other.retry(owed.key, at, refused_queue(owed))
        at += MINUTE
    assert tried == [*refs] * (ROUNDS // 2)


async def test_one_refusal_is_counted_once_however_many_saw_it(processes: list[Storage]) -> None:
    await follow(processes[0], follows(ANN))
    refused = await asyncio.gather(
        *(each.refuse_chat(ANN, WHY, 1, NOON, NOON + MINUTE) for each in processes)
    )
    assert refused.count(True) == 1


async def test_a_digest_is_claimed_whole_by_one_of_them(processes: list[Storage]) -> None:
    await follow(processes[0], follows(ANN), follows(ANN, HEDGES))
    for number in NUMBERS:
        keys = [key(number, ANN), key(number, ANN, HEDGES)]
        for ref, owed in zip((NIGHTINGALES, HEDGES), keys, strict=True):
            await ring(processes[0], milestone(number, ref))
            await processes[0].defer(owed, "digest", NOON)
        claimed = await all_claim(processes)
        assert [each.delivery.key for each in claimed] == keys
        await processes[1].settle(*keys)
