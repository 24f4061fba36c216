"""From the store to Telegram over real sockets: every outcome, and a fault at every step."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from office import Office, WiredRequest
from office import logged as logged
from office import office as office
from petitions import REF
from telegram.error import NetworkError
from telegram.request import RequestData
from telegram_stand_in import BotApi

from bot.errors import StorageError
from bot.subscriptions.subscription import Chat, Subscription
from storage.tinydb.store import open_tiny

# --- a fault at every step ------------------------------------------------------------------------

CHATS = (1, 2)


def storage_fault(what: str) -> None:
    raise StorageError("disk full") if what == "storage" else NetworkError("gone")


def our_fault(_: str) -> None:
    raise RuntimeError("a fault of our own")


async def either(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait for what comes first, and let go of the rest."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def steps_of_a_delivery(office: Office) -> int:
    await office.ring(1_000)
    async with office.delivering():
        await office.settled()
    return office.wire.step


@pytest.mark.parametrize("failure", [storage_fault, our_fault])
async def test_a_fault_at_any_step_loses_nothing_and_repeats_only_a_lost_answer(
    office: Office, failure: Callable[[str], None]
) -> None:
    await office.welcome(*CHATS)
    steps = await steps_of_a_delivery(office)
    assert steps > 6
    tripped: list[str] = []

    def fail(what: str) -> None:
        tripped.append(what)
        failure(what)

    for number in range(steps):
        before = {chat: len(office.heard(chat)) for chat in CHATS}
        tripped.clear()
        await office.ring(2_000 + number)
        office.wire.step, office.wire.fail_at, office.wire.failure = 0, number + 1, fail
        async with office.delivering():
            with suppress(RuntimeError):
                await office.settled()
        extra = [len(office.heard(chat)) - before[chat] - 1 for chat in CHATS]
        assert min(extra) == 0
        assert sum(extra) <= (1 if tripped == ["sent"] else 0)


async def test_a_death_at_any_step_loses_nothing_and_repeats_at_most_a_batch(
    office: Office,
) -> None:
    await office.welcome(*CHATS)
    steps = await steps_of_a_delivery(office)
    for number in range(steps):
        before = {chat: len(office.heard(chat)) for chat in CHATS}
        died = asyncio.Event()

        def die(_: str, died: asyncio.Event = died) -> None:
            died.set()
            for task in office.deliverer.in_flight:
                task.cancel()
            raise asyncio.CancelledError

        office.wire.step, office.wire.fail_at, office.wire.failure = 0, number + 1, die
        await office.ring(2_000 + number)
        async with office.delivering():
            # One delivery may take a step less than another, and then nobody dies at the last.
            await either(died.wait(), office.told())
        office.wire.fail_at = -1
        async with office.delivering():
            await office.settled()
        extra = [len(office.heard(chat)) - before[chat] - 1 for chat in CHATS]
        assert set(extra) <= {0, 1}  # all that was in flight may be repeated, once


# --- outcomes -------------------------------------------------------------------------------------


async def test_the_log_names_no_chat(office: Office, logged: list[Any]) -> None:
    await office.welcome(987_654, -987_654)
    office.api.refuse(987_654, 403, "Forbidden: bot was blocked by the user")
    office.api.refuse(-987_654, 400, "Bad Request: something new")
    await office.ring(1_000)
    async with office.delivering():
        await office.settled(waiting=1)
    assert logged
    assert "987654" not in str(logged)


async def test_one_bad_chat_starves_nobody(office: Office) -> None:
    await office.welcome(*range(1, 6))
    office.api.refuse(2, 400, "Bad Request: something new", times=1_000)
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled(waiting=1)
        assert deliverer.counts.chat_refused >= 1
    assert [len(office.heard(chat)) for chat in range(1, 6)] == [1, 0, 1, 1, 1]


async def test_a_flood_limit_delays_its_chat_alone_and_doubles_nothing(office: Office) -> None:
    await office.welcome(1, 2)
    office.api.refuse(1, 429, "Too Many Requests: retry after 60", {"retry_after": 60})
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled(waiting=1)
        assert (office.heard(1), len(office.heard(2))) == ([], 1)
        await office.settled()
        assert deliverer.counts.flooded >= 1
    assert office.rings(1) == office.rings(2) == Counter({"1,000": 1})


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (502, "Bad Gateway"),
        (500, "Internal Server Error"),
        (403, "Forbidden: something new"),
        (400, "Bad Request: something new"),
        (401, "Unauthorized"),
        (400, "Bad Request: message thread not found"),
    ],
)
async def test_what_is_unknown_or_passing_is_tried_again_for_as_long_as_it_lasts(
    office: Office, code: int, words: str
) -> None:
    await office.welcome(1)
    office.api.refuse(1, code, words, times=25)
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.retried + deliverer.counts.chat_refused == 25
    assert office.rings(1) == Counter({"1,000": 1})
    assert office.passed > timedelta(minutes=10)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
        (403, "Forbidden: bot was kicked from the supergroup chat"),
        (403, "Forbidden: the group chat was deleted"),
    ],
)
async def test_a_chat_that_is_gone_rests_and_hears_one_summary_when_it_is_back(
    office: Office, code: int, words: str
) -> None:
    await office.welcome(1, 2)
    office.api.refuse(1, code, words)
    await office.ring(1_000, 2_500, 5_000)
    async with office.delivering() as deliverer:
        await office.settled(waiting=3)
        assert len(office.heard(2)) == 3
        assert office.heard(1) == []
        await office.storage.wake_chat(1, office.now())
        deliverer.wake()
        await office.settled()
        assert deliverer.counts.rested == 1
        assert deliverer.counts.summaries == 1
        await office.ring(10_000)
        await office.settled()
    assert office.heard(1) == ["🌅 What you missed: 3 updates.", office.heard(1)[1]]
    assert office.rings(2)["10,000"] == 1
    first = office.api.messages(1)[0]
    where = [first["text"].index(f"{number} signatures") for number in ("1,000", "2,500", "5,000")]
    assert where == sorted(where)
    assert first["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == f"card|{REF}|"


async def test_a_chat_back_from_rest_with_one_thing_waiting_hears_that_as_ever(
    office: Office,
) -> None:
    await office.welcome(1)
    await office.storage.rest_chat(1, "blocked", office.now())
    await office.ring(1_000)
    await office.storage.wake_chat(1, office.now())
    async with office.delivering():
        await office.settled()
    assert office.rings(1) == Counter({"1,000": 1})


async def test_a_group_that_became_a_supergroup_hears_there_what_it_was_owed(
    office: Office,
) -> None:
    await office.welcome(-55)
    office.api.migrate(-55, -100_055)
    await office.ring(1_000, 2_500)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.moved >= 1
    assert office.rings(-100_055) == Counter({"1,000": 1, "2,500": 1})


async def test_a_supergroup_that_follows_too_hears_once_though_both_are_being_told(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = asyncio.Event()

    class Slow(WiredRequest):
        """The answer about the supergroup takes long enough for it to be told again."""

        async def do_request(self, *args: Any, **how: Any) -> tuple[int, bytes]:
            answer = await super().do_request(*args, **how)
            if office.rings(-100_055).total() > 1:
                twice.set()
            said = [each for each in (*args, *how.values()) if isinstance(each, RequestData)]
            if any(each.parameters.get("chat_id") == -100_055 for each in said):
                with suppress(TimeoutError):
                    await asyncio.wait_for(twice.wait(), 0.5)
            return answer

    monkeypatch.setattr(f"{__name__}.WiredRequest", Slow)
    await office.welcome(-55)
    office.api.migrate(-55, -100_055)
    await office.storage.save_chat(Chat(-100_055, consented_at=office.now()))
    await office.storage.subscribe(Subscription(-100_055, REF, office.now()))
    await office.ring(1_000)
    async with office.delivering():
        await office.settled()
    assert office.rings(-100_055) == Counter({"1,000": 1})


@pytest.mark.parametrize("words", ["message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED"])
async def test_a_lost_topic_falls_back_to_the_chat_once_with_a_note(
    office: Office, words: str
) -> None:
    await office.welcome(-9, thread_id=7)
    office.api.add_topic(-9, 7)
    office.api.refuse(-9, 400, f"Bad Request: {words}")
    await office.ring(1_000, 2_500)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.topics_lost == 1
    first, second = office.api.messages(-9)
    assert "message_thread_id" not in first
    assert "message_thread_id" not in second
    assert first["text"].endswith("closed or deleted, so I'll post here from now on.")
    assert "closed or gone" not in second["text"]
    subscription = await office.storage.subscription(-9, REF)
    assert subscription is not None
    assert subscription.thread_id is None


async def test_a_topic_that_is_there_is_used(office: Office) -> None:
    await office.welcome(-9, thread_id=7)
    office.api.add_topic(-9, 7)
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.topics_lost == 0
    assert office.api.messages(-9)[0]["message_thread_id"] == 7


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        ("can't parse entities: boo", "entities"),
        ("BUTTON_URL_INVALID", "reply_markup"),
        ("message is too long", None),
    ],
)
async def test_what_telegram_will_not_have_is_sent_plainer_and_counted(
    office: Office, words: str, lost: str | None
) -> None:
    await office.welcome(1)
    office.api.refuse(1, 400, f"Bad Request: {words}")
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled()
        assert (deliverer.counts.mended, deliverer.counts.refused) == (1, 0)
    (message,) = office.api.messages(1)
    assert "1,000 signatures" in message["text"]
    assert lost not in message
    assert {"entities", "reply_markup"} - {lost} <= message.keys()


async def test_what_is_refused_however_plain_is_counted_and_blocks_nothing(
    office: Office,
) -> None:
    await office.welcome(1)
    office.api.refuse(1, 400, "Bad Request: can't parse entities: boo", times=2)
    await office.ring(1_000, 2_500)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.refused == 1
    assert office.rings(1) == Counter({"2,500": 1})


async def test_a_chat_hears_things_in_the_order_they_happened_despite_retries(
    office: Office,
) -> None:
    await office.welcome(1, 2, 3)
    office.api.refuse(1, 502, "Bad Gateway", times=2)
    numbers = [1_000, 2_500, 5_000, 7_500]
    await office.ring(*numbers)
    async with office.delivering():
        await office.settled()
    for chat in (1, 2, 3):
        assert [line.split()[1] for line in office.heard(chat)] == [f"{n:,}" for n in numbers]


async def test_what_telegram_accepted_is_not_sent_again_while_the_disk_is_full(
    office: Office,
) -> None:
    await office.welcome(1)
    await office.ring(1_000)
    full = True

    def fail(what: str) -> None:
        office.wire.fail_at += 1 if full else 0
        if what == "storage":
            raise StorageError("disk full")

    office.wire.failure, office.wire.fail_at = fail, 7  # the wire before `settle`
    async with office.delivering() as deliverer:
        await office.api.next_message(1)
        while deliverer.in_flight:
            await asyncio.wait(deliverer.in_flight)
        full = False
        office.wire.fail_at = -1
        await office.settled()
    assert office.rings(1) == Counter({"1,000": 1})


# --- limits ---------------------------------------------------------------------------------------


async def test_sixty_chats_and_three_groups_hear_once_within_telegrams_own_limits(
    tmp_path: Path,
) -> None:
    storage = await open_tiny(tmp_path / "bell.db", tmp_path / "bell.key")
    chats = [*range(1, 61), -1, -2, -3]
    async with BotApi(limits=True) as api:
        office = Office(storage, api, hurry=1.0)
        await office.welcome(*chats)
        await office.ring(1_000)
        async with office.delivering():
            await office.settled()
        assert all(office.rings(chat) == Counter({"1,000": 1}) for chat in chats)
    await storage.close()
