"""`/announce`: what whoever runs the bot says reaches everybody who wants it, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from bell import READER, TEA, Conversation, Village
from processes import process, written

from bot.app import running
from bot.delivery.announcer import DRAFT, UNDER_WAY
from bot.demo.messenger import Change
from storage.opening import open_storage

ADMIN, FRIEND = 99, 4343
TEXT = "We move house on Sunday.\n\nAlerts go on."


@asynccontextmanager
async def at_work(village: Village) -> AsyncIterator[None]:
    config = village.config()
    async with running(replace(config, telegram=replace(config.telegram, admins=(ADMIN,)))):
        yield


async def followed_by(village: Village, *chats: int) -> None:
    for chat in chats:
        await (village.reader if chat == READER else village.chat(chat)).subscribes()


async def drafted(admin: Conversation) -> dict[str, Any]:
    """The question after the preview."""
    await admin.ask(f"/announce {TEXT}", "We move house")
    return await admin.hears("This goes to")


async def pressed_again(admin: Conversation, question: dict[str, Any]) -> str:
    """The note that answers a press of the first button as it was."""
    data = question["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    return await admin.sees_note(admin.api.press(ADMIN, question["message_id"], data))


def heard(village: Village, chat: int) -> list[str]:
    return [m["text"] for m in village.api.messages(chat) if "move house" in m.get("text", "")]


async def test_it_is_shown_counted_confirmed_and_then_told_to_everybody_once(
    village: Village,
) -> None:
    async with at_work(village):
        await followed_by(village, READER, FRIEND)
        admin = village.chat(ADMIN)
        question = await drafted(admin)
        assert "2 chats" in question["text"]
        assert heard(village, READER) == []
        admin.tap(question, "Send it")
        await admin.hears("2 chats got it")
        for chat in (READER, FRIEND):
            [told] = heard(village, chat)
            assert TEXT in told
        calls = [c for c in village.api.calls_to("sendMessage") if c["chat_id"] == FRIEND]
        assert calls[-1]["disable_notification"] is True


async def test_a_draft_that_is_dropped_or_pressed_again_sends_nothing_more(
    village: Village,
) -> None:
    async with at_work(village):
        await followed_by(village, READER)
        admin = village.chat(ADMIN)
        question = await drafted(admin)
        admin.tap(question, "Cancel")
        await admin.sees_edit(question, "Nothing was sent")
        again = await drafted(admin)
        assert "isn't waiting" in await pressed_again(admin, question)
        admin.tap(again, "Send it")
        await admin.hears("1 chat got it")
        assert "isn't waiting" in await pressed_again(admin, again)
        assert len(heard(village, READER)) == 1


async def test_nobody_but_an_admin_announces_anything(village: Village) -> None:
    async with at_work(village):
        await followed_by(village, READER)
        await village.reader.ask(f"/announce {TEXT}", "I don't know the command /announce")


async def test_who_turned_them_off_gets_none_and_can_turn_them_on_again(village: Village) -> None:
    async with at_work(village):
        await followed_by(village, READER, FRIEND)
        admin = village.chat(ADMIN)
        question = await drafted(admin)
        admin.tap(question, "Send it")
        told = await village.reader.hears("move house")
        note = await village.reader.sees_note(village.reader.tap(told, "No more announcements"))
        assert "/settings" in note
        said = await village.reader.sees_edit(told, "No more announcements here")
        assert "move house" in said["text"]
        assert not said.get("reply_markup", {}).get("inline_keyboard")
        await admin.hears("got it")
        question = await drafted(admin)
        assert "1 chat" in question["text"]
        page = await village.reader.ask("/settings", "Settings")
        village.reader.tap(page, "Announcements")
        await village.reader.sees_edit(page, "Settings")
        await village.reader.ask("/settings announcements off", "Settings")
        await village.reader.ask("/settings announcements on", "Settings")
        question = await drafted(admin)
        assert "2 chats" in question["text"]


async def test_who_blocked_the_bot_is_left_alone(village: Village) -> None:
    async with at_work(village):
        await followed_by(village, READER, FRIEND)
        village.api.refuse(FRIEND, 403, "Forbidden: bot was blocked by the user")
        admin = village.chat(ADMIN)
        question = await drafted(admin)
        admin.tap(question, "Send it")
        done = await admin.hears("1 chat got it")
        assert "1 chat didn't take it" in done["text"]
        question = await drafted(admin)
        assert "1 chat," in question["text"]


@pytest.mark.parametrize("kept_alive", [True, False], ids=["stopped", "killed"])
async def test_a_restart_in_the_middle_tells_nobody_twice_and_leaves_nobody_out(
    village: Village, kept_alive: bool
) -> None:
    config = written(village)
    text = config.read_text().replace("[storage]", f"admins = [{ADMIN}]\n        [storage]", 1)
    config.write_text(text)
    chats = [READER + number for number in range(6)]
    reached = asyncio.Event()

    def notice(change: Change) -> None:
        if len([chat for chat in chats if heard(village, chat)]) == 3:
            reached.set()

    admin = village.chat(ADMIN)
    async with process(config) as bell:
        admin.say("/help")
        await admin.hears(timeout=30)  # a process takes its time to start on a busy machine
        await followed_by(village, *chats)
        question = await drafted(admin)
        village.api.on_change(notice)
        admin.tap(question, "Send it")
        async with asyncio.timeout(20):
            await reached.wait()
        bell.terminate() if kept_alive else bell.kill()
        await bell.wait()
    async with process(config):
        await admin.hears("The announcement is out", timeout=30)
    assert [len(heard(village, chat)) for chat in chats] == [1] * 6


async def test_alerts_go_first(village: Village) -> None:
    async with at_work(village):
        await followed_by(village, READER, FRIEND)
        admin = village.chat(ADMIN)
        question = await drafted(admin)
        village.api.refuse(FRIEND, 502, "Bad Gateway", method="sendMessage")
        village.site.edit(TEA, signature_count=10_002)
        await village.reader.hears("10,002 signatures")
        admin.tap(question, "Send it")
        await admin.hears("2 chats got it", timeout=20)
        told = [m["text"] for m in village.api.messages(FRIEND)]
        [alert] = [i for i, text in enumerate(told) if "10,002" in text]
        assert "move house" in "".join(told[alert:])


async def test_who_could_not_be_told_before_the_end_is_told_after_it(village: Village) -> None:
    async with at_work(village):
        await followed_by(village, READER)
        admin = village.chat(ADMIN)
        question = await drafted(admin)
        village.api.refuse(
            READER, 429, "Too Many Requests", {"retry_after": 60}, method="sendMessage"
        )
        admin.tap(question, "Send it")
        await village.api.wait_for(lambda api: any_refused(api.calls_to("sendMessage")))
    assert heard(village, READER) == []
    async with at_work(village):
        await admin.hears("1 chat got it")
    assert len(heard(village, READER)) == 1


async def refused_while_it_is_sent(
    village: Village, admin: Conversation, chat: int, seconds: int
) -> dict[str, Any]:
    """The progress of an announcement that waits because this chat gets too much."""
    question = await drafted(admin)
    reply = {"retry_after": seconds}
    village.api.refuse(chat, 429, "Too Many Requests", reply, method="sendMessage")
    admin.tap(question, "Send it")
    await village.api.wait_for(
        lambda api: any(
            call["chat_id"] == chat and "move house" in call["text"]
            for call in api.calls_to("sendMessage")
        )
    )
    return await admin.sees_edit(question, "is being sent")


async def test_whoever_leaves_while_it_waits_is_not_told_and_whoever_moves_is_told_once(
    village: Village,
) -> None:
    for group in (-66, -55):
        village.api.add_chat(group, type="group", title="Tea club")
    async with at_work(village):
        await followed_by(village, -66, -55, READER, FRIEND)
        admin, friend = village.chat(ADMIN), Conversation(village.api, FRIEND)
        await refused_while_it_is_sent(village, admin, -66, seconds=3)
        village.api.migrate(-55, -100_055)
        await village.reader.ask("/settings announcements off", "Settings")
        friend.read = max(m["message_id"] for m in village.api.messages(FRIEND))
        page = await friend.ask("/forget")
        friend.agrees(page)
        await village.api.wait_for(lambda api: api.messages(FRIEND)[-1].get("text") != page["text"])
        await admin.hears("2 chats got it")
    told = {chat: len(heard(village, chat)) for chat in (-66, -100_055, READER, FRIEND)}
    assert told == {-66: 1, -100_055: 1, READER: 0, FRIEND: 0}


async def test_one_that_is_stopped_goes_to_nobody_else_not_even_to_whoever_it_waits_for(
    village: Village,
) -> None:
    async with at_work(village):
        await followed_by(village, READER)
        admin = village.chat(ADMIN)
        progress = await refused_while_it_is_sent(village, admin, READER, seconds=3600)
        admin.tap(progress, "Stop it")
        await admin.hears("was stopped: 0 chats got it")
        assert heard(village, READER) == []


async def test_one_that_was_sent_is_not_sent_again_though_its_draft_was_left(
    village: Village,
) -> None:
    async with at_work(village):
        await followed_by(village, READER)
        admin = village.chat(ADMIN)
        question = await drafted(admin)
        admin.tap(question, "Send it")
        await admin.hears("1 chat got it")
    storage = await open_storage(village.config().storage)
    await storage.save_note(DRAFT, await storage.note(UNDER_WAY) or "")
    await storage.close()
    async with at_work(village):
        data = question["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        query = admin.api.press(ADMIN, question["message_id"], data)
        assert "isn't waiting" in await admin.sees_note(query)
        assert len(heard(village, READER)) == 1


def any_refused(calls: list[dict[str, Any]]) -> bool:
    return any(call["chat_id"] == READER and "move house" in call["text"] for call in calls)
