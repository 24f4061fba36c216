"""A use case over the embedded store runs in one go: what would wait in it is refused, undone."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from contract import ANN, BOB, NOON, claim, follow, follows, key, milestone, ring
from contract import storage as storage
from contract import store as store

from bot.subscriptions.delivery import chat_of
from bot.subscriptions.subscription import Chat, Preferences
from storage import Storage
from storage.tinydb.store import open_tiny
from storage.unit import Unit


async def test_a_use_case_that_waits_for_something_else_is_undone_whole(tmp_path: Path) -> None:
    storage = await open_tiny(tmp_path / "store.db", tmp_path / "store.key")

    async def work(unit: Unit) -> None:
        await unit.put_chat(Chat(ANN))
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waited for something"):
        await storage._change(work, ANN)
    assert await storage.chat(ANN) is None
    await storage.close()


async def test_use_cases_at_once_on_one_chat_each_find_what_the_others_did(
    storage: Storage,
) -> None:
    await storage.save_chat(Chat(ANN))
    refused = (
        storage.refuse_chat(ANN, "why", number % 5 + 1, NOON, NOON + timedelta(hours=1))
        for number in range(20)
    )
    await asyncio.gather(*refused, storage.set_preferences(ANN, Preferences(closing=(24,)), NOON))
    chat = await storage.chat(ANN)
    assert chat is not None
    assert chat.preferences == Preferences(closing=(24,))
    assert chat.refusals >= 1


async def test_what_changes_nothing_of_a_delivery_leaves_the_others_of_its_chat(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    await storage.set_thread(ANN, milestone(10_000).petition, 7)
    told = {each.delivery.chat_id: each.delivery.thread_id for each in await claim(storage)}
    assert told == {ANN: 7, BOB: None}


def test_a_deliverys_key_says_whom_it_is_for() -> None:
    assert chat_of(key(10_000, -1001234567890)) == -1001234567890
