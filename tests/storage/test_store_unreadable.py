"""What could not be read again is not kept, and harms nobody else's use of the store."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from bot.petitions.events import MilestoneReached, Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef
from bot.subscriptions.subscription import Chat, Subscription
from storage.tinydb.store import TinyStorage, open_tiny

NOON = datetime(2020, 3, 6, 12, tzinfo=UTC)
ANN, BOB = 4242, 4343
REF = PetitionRef("uk", 700000)


def known(count: int) -> PetitionHistory:
    url = "https://petition.example/petitions/700000"
    petition = Petition(ref=REF, url=url, action="Tea", state="open", signature_count=count)
    return PetitionHistory(petition, NOON)


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[TinyStorage]:
    storage = await open_tiny(tmp_path / "store.db", tmp_path / "store.key")
    yield storage
    await storage.close()


@pytest.mark.parametrize("odd", ["-1005", 1.5, 1e30, True])
async def test_a_chat_that_cannot_be_named_so_stays_what_it_was(
    storage: TinyStorage, odd: Any
) -> None:
    await storage.commit_poll(known(9), [], NOON)
    await storage.save_chat(Chat(ANN, "private", NOON, NOON))
    await storage.subscribe(Subscription(ANN, REF, NOON))
    crossed = Occurrence(f"{REF}:milestone:10000", REF, NOON, MilestoneReached(10_000, 10_000))
    await storage.commit_poll(known(10_000), [crossed], NOON)
    async with asyncio.timeout(10):
        with pytest.raises(msgspec.ValidationError):
            await storage.migrate_chat(ANN, cast(int, odd))
        assert [each.petition for each in await storage.subscriptions(ANN)] == [REF]
        (owed,) = await storage.claim_deliveries(NOON, 9, timedelta(minutes=1))
        assert owed.delivery.chat_id == ANN


async def test_others_who_wait_for_the_same_batch_are_served(storage: TinyStorage) -> None:
    await storage.save_chat(Chat(ANN, "private", NOON, NOON))
    async with asyncio.timeout(10):
        odd, *_ = await asyncio.gather(
            storage.migrate_chat(ANN, cast(int, "x")),
            storage.save_chat(Chat(BOB, "private", NOON, NOON)),
            storage.save_note("offset", "7"),
            return_exceptions=True,
        )
    assert isinstance(odd, msgspec.ValidationError)
    assert await storage.chat(BOB) is not None
    assert await storage.note("offset") == "7"
    assert await storage.chat(ANN) is not None


async def test_a_chat_that_has_moved_takes_everything_along(storage: TinyStorage) -> None:
    await storage.commit_poll(known(9), [], NOON)
    await storage.save_chat(Chat(ANN, "group", NOON, NOON))
    await storage.subscribe(Subscription(ANN, REF, NOON))
    await storage.migrate_chat(ANN, -1005)
    assert await storage.subscriptions(ANN) == []
    assert [each.petition for each in await storage.subscriptions(-1005)] == [REF]
