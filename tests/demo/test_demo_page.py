import re
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import (
    ClientConnectorDNSError,
    ClientSession,
    ClientWebSocketResponse,
    TCPConnector,
    WSServerHandshakeError,
)
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram_stand_in import library_request

import bot.demo
from bot.demo.reader import GROUP_ID
from bot.demo.story import DEMO_PETITIONS
from bot.demo.world import CHAT_ID, World

PAGE = Path(bot.demo.__file__).parent / "page"
FILES = {file.name: file.read_text() for file in sorted(PAGE.iterdir())}


class Window:
    """An open chat page, as its server sees it."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket

    async def do(self, what: str, **more: Any) -> None:
        await self._socket.send_json({"do": what, **more})

    async def hear(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """The next news of this kind with these values."""
        while True:
            news: dict[str, Any] = await self._socket.receive_json(timeout=10)
            if news["kind"] == kind and wanted.items() <= news.items():
                return news


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


@pytest.fixture
async def telegram_bot(world: World) -> AsyncIterator[Bot]:
    api = world.api
    async with Bot(
        api.token,
        base_url=api.base_url,
        base_file_url=api.base_file_url,
        request=library_request(),
        get_updates_request=library_request(),
    ) as ours:
        yield ours


@pytest.fixture
async def window(world: World) -> AsyncIterator[Window]:
    async with ClientSession() as session, session.ws_connect(f"{world.page_url}socket") as socket:
        yield Window(socket)


async def test_an_open_page_is_greeted_with_an_empty_chat_and_a_resting_clock(
    window: Window,
) -> None:
    hello = await window.hear("hello")
    assert hello["messages"] == []
    assert hello["beats"][1]["title"] == "10,000 signatures"
    clock = await window.hear("clock")
    assert (clock["started"], clock["story"]) == (False, "2020-03-05T17:58:00+00:00")


def keys(*data: str) -> InlineKeyboardMarkup:
    """A row of buttons with this data."""
    return InlineKeyboardMarkup([[InlineKeyboardButton(each, callback_data=each) for each in data]])


async def test_a_message_reaches_the_bot_and_the_story_starts_when_its_petition_is_followed(
    world: World, window: Window, telegram_bot: Bot
) -> None:
    await window.do("say", text="/follow 300239")
    (update,) = await telegram_bot.get_updates(timeout=10)
    assert update.message is not None
    assert (update.message.chat.id, update.message.text) == (CHAT_ID, "/follow 300239")
    await telegram_bot.send_message(CHAT_ID, "A card", reply_markup=keys("sub|uk:300239|"))
    await telegram_bot.send_message(CHAT_ID, "Another", reply_markup=keys("unsub|uk:900001|"))
    assert not world.clock.started
    link = "https://t.me/PetitionBellDemoBot?start=p_uk_900001"
    other = InlineKeyboardMarkup([[InlineKeyboardButton("Follow it yourself", url=link)]])
    await telegram_bot.send_message(CHAT_ID, "Another's", reply_markup=other)
    assert not world.clock.started
    await telegram_bot.send_message(CHAT_ID, "Followed", reply_markup=keys("unsub|uk:300239|"))
    assert world.clock.started
    assert not world.clock.waiting


@pytest.mark.parametrize("answer", ["said", "pressed", "gone on", "edited"])
async def test_the_story_waits_while_the_bot_waits_for_an_answer_and_no_longer(
    world: World, window: Window, telegram_bot: Bot, answer: str
) -> None:
    await telegram_bot.send_message(CHAT_ID, "Followed", reply_markup=keys("unsub|uk:300239|"))
    asked = await telegram_bot.send_message(CHAT_ID, "Where?", reply_markup=keys("talk||cancel"))
    await telegram_bot.send_message(CHAT_ID, "An alert, meanwhile")
    await window.hear("clock", waiting=True, paused=False)
    stood = world.clock.position
    match answer:
        case "said":
            await window.do("say", text="Huddersfield")
        case "pressed":
            await window.do("press", message_id=asked.message_id, data="talk||cancel", key=1)
        case "gone on":
            await window.do("resume")
        case "edited":
            await telegram_bot.edit_message_text("Cancelled", CHAT_ID, asked.message_id)
    await window.hear("clock", waiting=False)
    assert stood <= world.clock.position < stood + 2


async def test_reading_what_is_kept_leaves_the_question_open(
    world: World, window: Window, telegram_bot: Bot
) -> None:
    asked = await telegram_bot.send_message(
        CHAT_ID, "May I?", reply_markup=keys("consent|uk:300239|", "privacy|uk:300239|")
    )
    await window.do("press", message_id=asked.message_id, data="privacy|uk:300239|", key=1)
    await window.hear("pressed", key=1)
    assert world.clock.waiting


async def test_a_topic_of_the_group_hears_what_was_said_in_it_and_the_other_rooms_do_not(
    world: World, window: Window, telegram_bot: Bot
) -> None:
    await window.hear("clock", in_group=False)
    await window.do("join")
    await window.hear("clock", in_group=True)
    await window.do("say", room="petitions", text="/help")
    joined, said = await telegram_bot.get_updates(
        timeout=10, allowed_updates=["message", "my_chat_member"]
    )
    assert joined.my_chat_member is not None
    assert joined.my_chat_member.from_user.id == CHAT_ID
    message = said.message
    assert message is not None
    assert (message.chat.id, message.message_thread_id) == (GROUP_ID, 11)
    assert message.from_user is not None
    place = await telegram_bot.get_chat_member(GROUP_ID, message.from_user.id)
    assert place.status == "creator"
    for thread_id, room in ((12, "news"), (None, "general")):
        await telegram_bot.send_message(GROUP_ID, room, message_thread_id=thread_id)
        shown = await window.hear("message")
        while shown["message"]["text"] != room:
            shown = await window.hear("message")
        assert shown["message"]["room"] == room


async def test_a_file_is_sent_to_the_bot_and_another_page_sends_none(
    world: World, telegram_bot: Bot
) -> None:
    where = f"{world.page_url}files?room=private&name=petition-bell.json"
    async with ClientSession() as session:
        async with session.post(where, data=b"{}", headers={"Origin": "http://else"}) as refused:
            assert refused.status == 403
        async with session.post(where, data=b"{}") as sent:
            assert sent.status == 204
        async with session.post(where, data=BytesIO(bytes(2_000_000))) as large:
            assert large.status == 413
    (update,) = await telegram_bot.get_updates(timeout=10)
    assert update.message is not None
    assert update.message.document is not None
    assert update.message.document.file_name == "petition-bell.json"
    file = await update.message.document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"{}"


async def test_sites_are_found_by_their_names_and_no_other_server_is_asked(world: World) -> None:
    async with ClientSession(connector=TCPConnector(resolver=world.names)) as session:
        for address in (
            "http://petition.parliament.uk/petitions/300239.json",
            "http://petitions.senedd.wales/petitions/245000.json",
            "http://deisebau.senedd.cymru/deisebau/245000.json",
        ):
            async with session.get(address) as response:
                assert response.status == 200
        with pytest.raises(ClientConnectorDNSError):
            await session.get("http://www.example.org/")


async def test_white_space_is_not_a_message(world: World, window: Window) -> None:
    await window.do("say", text=" \n ")
    await window.do("pause")
    await window.hear("clock")
    assert world.api.messages(CHAT_ID) == []
    assert not world.clock.started


async def test_what_the_bot_does_is_seen(world: World, window: Window, telegram_bot: Bot) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Mute", callback_data="mute")]])
    sent = await telegram_bot.send_message(
        CHAT_ID, "Ring", reply_markup=keyboard, disable_notification=True
    )
    seen = (await window.hear("message"))["message"]
    assert (seen["text"], seen["mine"], seen["silent"]) == ("Ring", False, True)
    await window.do("press", message_id=sent.message_id, data="mute", key=1)
    pressed = await window.hear("pressed", key=1)
    await telegram_bot.answer_callback_query(pressed["callback_query_id"], "will arrive silently")
    assert (await window.hear("answer"))["text"] == "will arrive silently"
    await telegram_bot.edit_message_text("Rung", CHAT_ID, sent.message_id)
    assert (await window.hear("edit"))["message"]["text"] == "Rung"
    await telegram_bot.delete_message(CHAT_ID, sent.message_id)
    assert (await window.hear("delete"))["message_id"] == sent.message_id


async def test_other_chats_stay_out_of_sight(
    world: World, window: Window, telegram_bot: Bot
) -> None:
    world.api.add_chat(77)
    await telegram_bot.send_message(77, "For somebody else")
    await telegram_bot.send_message(CHAT_ID, "For you")
    assert (await window.hear("message"))["message"]["text"] == "For you"


async def test_the_controls_move_the_clock(window: Window) -> None:
    await window.do("step")
    await window.do("restart")
    await window.hear("clear")
    await window.hear("clock", started=False)
    await window.do("step")
    await window.do("pause")
    await window.hear("clock", paused=True)
    await window.do("speed", speed=4)
    await window.hear("clock", speed=4)
    await window.do("speed", speed=1000)
    await window.do("step")
    clock = await window.hear("clock", paused=True, position=15.01)
    assert clock["count"] > 100_000
    assert (clock["speed"], clock["paused"]) == (4, True)


async def test_starting_over_empties_the_chat_and_calls_everybody(
    world: World, window: Window
) -> None:
    called: list[bool] = []

    async def begin_again() -> None:
        called.append(world.clock.started)

    world.on_restart.append(begin_again)
    await window.do("say", text="/start")
    await window.hear("message")
    await window.do("restart")
    await window.hear("clear")
    assert called == [False]
    assert world.api.messages(CHAT_ID) == []
    assert not world.clock.started


async def test_the_site_tells_the_petition_as_it_stands_in_the_story(world: World) -> None:
    async with ClientSession() as session:
        counts = []
        for _ in range(2):
            async with session.get(f"{world.site.url}/petitions/300239/count.json") as response:
                counts.append((await response.json())["signature_count"])
            world.clock.step()
            world.clock.pause()
        async with session.get(f"{world.site.url}/petitions.json") as response:
            listed = {item["id"] for item in (await response.json())["data"]}
    assert counts[0] < 10_000 <= counts[1]
    assert listed == set(DEMO_PETITIONS)


async def test_a_page_of_another_origin_may_not_listen(world: World) -> None:
    async with ClientSession(headers={"Origin": "http://elsewhere.example"}) as session:
        with pytest.raises(WSServerHandshakeError, match="403"):
            await session.ws_connect(f"{world.page_url}socket")


async def test_pictures_are_shown_and_other_files_are_only_saved(
    world: World, telegram_bot: Bot
) -> None:
    sent = await telegram_bot.send_document(CHAT_ID, b"<script>", filename="page.html")
    assert sent.document is not None
    async with (
        ClientSession() as session,
        session.get(f"{world.page_url}files/{sent.document.file_id}") as response,
    ):
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("name", FILES)
async def test_the_page_fetches_nothing_from_elsewhere(world: World, name: str) -> None:
    text = FILES[name]
    foreign = set(re.findall(r"https?://[\w.-]+", text)) - {"http://www.w3.org"}
    assert foreign == set()
    assert "innerHTML" not in text
    path = "" if name == "index.html" else name
    async with ClientSession() as session, session.get(world.page_url + path) as response:
        assert response.status == 200
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
