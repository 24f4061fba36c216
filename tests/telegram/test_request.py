"""python-telegram-bot over aiohttp, against a Bot API on loopback."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TimedOut
from telegram_stand_in import BotApi

from bot.delivery.rate_limiter import seconds
from bot.demo.bot_api import TOKEN
from bot.demo.loopback import Loopback
from bot.telegram.request import AiohttpRequest

READER = 4242
NOWHERE = "http://127.0.0.1:9/bot"  # the discard port: nobody listens


@asynccontextmanager
async def bot_at(base_url: str, file_url: str = NOWHERE) -> AsyncIterator[Bot]:
    request = AiohttpRequest(read_timeout=5, connect_timeout=2)
    bot = Bot(TOKEN, base_url, file_url, request=request, get_updates_request=AiohttpRequest())
    await request.initialize()
    try:
        yield bot
    finally:
        await request.shutdown()


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as api:
        api.add_chat(READER)
        yield api


async def test_a_message_arrives_as_it_was_made(api: BotApi) -> None:
    buttons = InlineKeyboardMarkup([[InlineKeyboardButton("Mute", callback_data="mute|uk:1|")]])
    bold = MessageEntity(MessageEntity.BOLD, 0, 3)
    async with bot_at(api.base_url) as bot:
        sent = await bot.send_message(
            READER,
            "Tea & “scones” 🏴󠁧󠁢󠁥󠁮󠁧󠁿 <b>",
            entities=[bold],
            reply_markup=buttons,
            disable_notification=True,
        )
    (message,) = api.messages(READER)
    assert message["text"] == "Tea & “scones” 🏴󠁧󠁢󠁥󠁮󠁧󠁿 <b>"
    assert message["entities"] == [bold.to_dict()]
    assert message["reply_markup"] == buttons.to_dict()
    assert api.is_silent(READER, sent.message_id)


async def test_a_file_goes_up_and_comes_down_unchanged(api: BotApi) -> None:
    content = bytes(range(256)) * 400
    async with bot_at(api.base_url, api.base_file_url) as bot:
        await bot.send_document(READER, content, filename="tea.bin", caption="here")
        (message,) = api.messages(READER)
        file = await bot.get_file(message["document"]["file_id"])
        assert bytes(await file.download_as_bytearray()) == content
    assert message["caption"] == "here"


async def test_what_telegram_refuses_is_the_error_it_should_be(api: BotApi) -> None:
    async with bot_at(api.base_url) as bot:
        api.refuse(READER, 403, "Forbidden: bot was blocked by the user")
        with pytest.raises(Forbidden, match="blocked"):
            await bot.send_message(READER, "x")
        api.refuse(READER, 400, "Bad Request: can't parse entities")
        with pytest.raises(BadRequest, match="an.t parse"):
            await bot.send_message(READER, "x")
        api.refuse(READER, 429, "Too Many Requests", {"retry_after": 7})
        with pytest.raises(RetryAfter) as refused:
            await bot.send_message(READER, "x")
        assert seconds(refused.value) == 7.0


async def test_an_answer_that_is_lost_is_a_network_error(api: BotApi) -> None:
    async with bot_at(api.base_url) as bot:
        api.lose_answer(READER)
        with pytest.raises(NetworkError):
            await bot.send_message(READER, "x")
        assert len(api.messages(READER)) == 1


async def test_a_server_that_says_nothing_is_timed_out_and_a_slow_one_within_its_time_is_not() -> (
    None
):
    silent = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if "wait" in await request.text():
            await silent.wait()
        return web.json_response({"ok": True, "result": True})

    server, site = Loopback(), web.Application()
    site.router.add_post("/{path:.*}", answer)
    await server.start(site)
    try:
        async with bot_at(f"{server.url}/bot") as bot:
            with pytest.raises(TimedOut):
                await bot.set_my_name("wait", read_timeout=0.05)
            assert await bot.set_my_name("tea", read_timeout=None)
    finally:
        silent.set()
        await server.stop()


@pytest.mark.parametrize("base_url", [NOWHERE, "http://no such host/bot", "http://[::bad/bot"])
async def test_no_error_and_no_log_line_holds_the_token(
    base_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("asyncio").setLevel(logging.DEBUG)
    async with bot_at(base_url) as bot:
        with pytest.raises(NetworkError) as failed:
            await bot.send_message(READER, "x")
    secret = TOKEN.partition(":")[2]
    told = "".join(traceback.format_exception(failed.value)) + repr(failed.value)
    assert secret not in told
    ours = [
        record for record in caplog.records if record.name != "telegram.Bot"
    ]  # see bot.operations.logging
    assert not any(secret in record.getMessage() for record in ours)


async def test_a_closed_request_sends_nothing_and_can_be_opened_again(api: BotApi) -> None:
    async with bot_at(api.base_url) as bot:
        await bot.request.shutdown()
        with pytest.raises(NetworkError, match="before it is initialized"):
            await bot.send_message(READER, "x")
        assert api.messages(READER) == []
        await bot.request.initialize()
        await bot.send_message(READER, "x")


async def test_a_proxy_is_used_if_the_environment_names_one_and_not_for_excepted_hosts(
    api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", api.base_url.removesuffix("/bot"))
    monkeypatch.setenv("no_proxy", "excepted.invalid")
    async with bot_at("http://telegram.invalid/bot") as bot:
        await bot.send_message(READER, "by proxy")
    async with bot_at("http://excepted.invalid/bot") as bot:
        with pytest.raises(NetworkError):
            await bot.send_message(READER, "directly")
    assert [message["text"] for message in api.messages(READER)] == ["by proxy"]
