"""What is left when all else fails, and the most that a crash can repeat."""

import asyncio
from typing import Any

import office as offices
import pytest
from office import Office, WiredRequest
from office import logged as logged
from office import office as office
from petitions import NOW, REF, petition

from bot.delivery import deliverer as delivering
from bot.delivery.deliverer import AT_ONCE
from bot.messages.alert import bare_alert
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef

BARE = f"There's an update to petition {REF.id}: https://petition.parliament.uk/petitions/{REF.id}"


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a bug")


@pytest.mark.parametrize(("chat", "thread"), [(1, None), (-9, 7)])
async def test_an_alert_that_nothing_can_word_says_that_there_is_news_and_where(
    office: Office, monkeypatch: pytest.MonkeyPatch, chat: int, thread: int | None
) -> None:
    await office.welcome(chat, thread_id=thread)
    if thread:
        office.api.add_topic(chat, thread)
    await office.ring(1_000)
    monkeypatch.setattr(delivering, "alert", broken)
    async with office.delivering():
        await office.settled()
    (message,) = office.api.messages(chat)
    assert message["text"] == BARE
    assert message.get("message_thread_id") == thread
    assert "reply_markup" not in message


async def test_an_alert_that_can_be_worded_at_last_is_not_told_as_the_last_resort(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.welcome(1)
    await office.ring(1_000)
    real, tries = delivering.alert, 0

    def broken_twice(*args: Any, **how: Any) -> Any:
        nonlocal tries
        tries += 1
        return real(*args, **how) if tries > 2 else broken()

    monkeypatch.setattr(delivering, "alert", broken_twice)
    async with office.delivering():
        await office.settled()
    (message,) = office.api.messages(1)
    assert "1,000 signatures" in message["text"]
    assert "reply_markup" in message


@pytest.mark.parametrize(
    ("ref", "url"),
    [
        (PetitionRef("uk", 650_001), "https://petition.parliament.uk/archived/petitions/650001"),
        (PetitionRef("senedd", 245_000), "https://petitions.senedd.wales/petitions/245000"),
    ],
)
def test_the_last_resort_leads_to_the_petitions_own_page(ref: PetitionRef, url: str) -> None:
    told: Petition = petition(ref=ref, url=url)
    text = bare_alert(PetitionHistory(told, NOW)).text
    assert text == f"There's an update to petition {ref.id}: {url}"


async def test_at_most_a_hundred_messages_are_in_flight(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = asyncio.Event()
    asked = 0

    class Unanswered(WiredRequest):
        """Telegram takes its time over every message, until it answers them all."""

        async def do_request(self, *args: Any, **how: Any) -> tuple[int, bytes]:
            nonlocal asked
            asked += 1
            await answer.wait()
            return await super().do_request(*args, **how)

    monkeypatch.setattr(offices, "WiredRequest", Unanswered)
    chats = range(1, AT_ONCE + 31)
    await office.welcome(*chats)
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        async with asyncio.timeout(20):
            while asked < AT_ONCE:
                deliverer.wake()
                await asyncio.sleep(0.005)
        looked_at = deliverer.turned_at
        for _ in range(20):  # there is more to send, and it has been looked for again
            deliverer.wake()
            await asyncio.sleep(0.01)
        assert deliverer.turned_at > looked_at
        assert (len(deliverer.in_flight), asked) == (100, 100)
        answer.set()
        await office.settled()
    assert all(office.rings(chat)["1,000"] == 1 for chat in chats)
