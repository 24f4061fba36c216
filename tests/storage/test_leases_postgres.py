"""A lease ends by the server's clock, whatever the clock of the process that took it showed."""

from datetime import timedelta

import pytest
from contract import (
    ANN,
    BOB,
    LEASE,
    NOON,
    claim,
    claimed_keys,
    follow,
    follows,
    key,
    milestone,
    ring,
)
from postgres import PostgresGround, as_owner
from shared_store import ground as ground
from shared_store import other as other
from shared_store import storage as storage

from storage.postgres.store import PostgresStorage

YEAR = timedelta(days=365)


async def time_passes(ground: PostgresGround, length: timedelta) -> None:
    """By the server's clock, as far as leases know."""
    async with as_owner(ground.schema) as owner:
        await owner.execute("update delivery set lease_ends = lease_ends - $1::interval", length)


@pytest.mark.parametrize("wrong_by", [YEAR, timedelta(hours=1)])
async def test_the_lease_of_a_process_that_died_with_its_clock_ahead_ends(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage, wrong_by: timedelta
) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    assert len(await claim(storage, NOON + wrong_by)) == 2
    await storage.close()
    await time_passes(ground, LEASE)
    assert await claimed_keys(other) == [key(10_000, ANN), key(10_000, BOB)]


async def test_while_it_lasts_nobody_else_gets_what_is_leased(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await claim(storage, NOON + YEAR)
    await time_passes(ground, LEASE - timedelta(seconds=30))
    assert await claimed_keys(other) == []


async def test_a_lease_of_which_nobody_knows_when_it_began_ends_too(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await claim(storage, NOON + YEAR)
    async with as_owner(ground.schema) as owner:
        await owner.execute("update delivery set lease_ends = null")
    assert await claimed_keys(other) == []
    await time_passes(ground, timedelta(minutes=11))
    other._leases_ended_at = float("-inf")  # a minute later
    assert await claimed_keys(other) == [key(10_000, ANN)]
