import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSServerHandshakeError
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup

import bot.demo
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
    async with Bot(api.token, base_url=api.base_url, base_file_url=api.base_file_url) as ours:
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


async def test_the_first_message_reaches_the_bot_and_starts_the_story(
    world: World, window: Window, telegram_bot: Bot
) -> None:
    await window.do("say", text="/follow 300239")
    (update,) = await telegram_bot.get_updates(timeout=10)
    assert update.message is not None
    assert (update.message.chat.id, update.message.text) == (CHAT_ID, "/follow 300239")
    assert world.clock.started


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
    await window.do("say", text="/start")
    await window.do("pause")
    await window.hear("clock", paused=True)
    await window.do("speed", speed=4)
    await window.hear("clock", speed=4)
    await window.do("speed", speed=1000)
    await window.do("step")
    clock = await window.hear("clock", position=6.01)
    assert clock["count"] > 10_000
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
