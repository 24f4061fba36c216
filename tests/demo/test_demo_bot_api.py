"""The demo's Bot API as a bot meets it: who it is, what it hears, and what goes wrong."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession, web
from demo_bot_api import GROUP, ME, NOW, bot_of, png
from demo_bot_api import api as api
from demo_bot_api import bot as bot
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    InlineQueryResultArticle,
    InputTextMessageContent,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
)
from telegram_stand_in import BotApi, library_request

from bot.demo.bot_api import FloodLimits
from bot.demo.loopback import Loopback
from bot.demo.messenger import Change

# Who is who


async def test_a_bot_learns_its_name(bot: Bot) -> None:
    assert bot.id == 123456
    assert bot.username == "PetitionBellDemoBot"


async def test_a_wrong_token_is_refused(api: BotApi) -> None:
    request = library_request()
    bot = Bot("123456:another", api.base_url, request=request, get_updates_request=request)
    with pytest.raises(InvalidToken):
        await bot.initialize()
    await request.shutdown()


async def test_an_unknown_method_is_not_found(api: BotApi) -> None:
    async with ClientSession() as session:
        async with session.post(f"{api.base_url}{api.token}/sendNothing") as response:
            assert response.status == 404
            assert await response.json() == {
                "ok": False,
                "error_code": 404,
                "description": "Not Found",
            }
        async with session.get(f"{api.base_url}nonsense/getMe") as response:
            assert response.status == 404


@pytest.mark.parametrize("how", ["form", "json", "query"])
async def test_a_request_may_come_in_any_encoding(api: BotApi, how: str) -> None:
    params: dict[str, Any] = {"chat_id": "1001", "text": "123"}
    body: dict[str, Any] = {
        "form": {"data": params},
        "json": {"json": params | {"chat_id": 1001}},
        "query": {"params": params},
    }[how]
    async with (
        ClientSession() as session,
        session.post(f"{api.base_url}{api.token}/sendMessage", **body) as response,
    ):
        answer = await response.json()
    assert answer["ok"], answer
    assert answer["result"]["text"] == "123"
    assert api.calls[-1] == ("sendMessage", {"chat_id": 1001, "text": "123"})


# Updates


async def test_what_people_say_arrives_once(api: BotApi, bot: Bot) -> None:
    api.say(ME, "/follow 300239")
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.entities[0].type == "bot_command"
    assert update.message.chat.type == "private"
    assert await bot.get_updates(offset=update.update_id) != ()
    assert await bot.get_updates(offset=update.update_id + 1) == ()


async def test_a_long_poll_ends_with_the_first_news(api: BotApi, bot: Bot) -> None:
    polling = asyncio.create_task(bot.get_updates(timeout=30))
    await api.wait_for(lambda api: api.calls_to("getUpdates") or None)
    assert not polling.done()
    api.say(ME, "hello")
    assert len(await polling) == 1


async def test_a_second_poller_ends_the_first_one_s_poll(api: BotApi, bot: Bot) -> None:
    polling = asyncio.create_task(bot.get_updates(timeout=30))
    await api.wait_for(lambda api: api.calls_to("getUpdates") or None)
    async with bot_of(api) as second:
        other = asyncio.create_task(second.get_updates(timeout=30))
        with pytest.raises(Conflict, match="terminated by other getUpdates"):
            await polling
        api.say(ME, "hello")
        assert len(await other) == 1


async def test_updates_of_an_unwanted_kind_are_not_kept(api: BotApi, bot: Bot) -> None:
    await bot.get_updates(allowed_updates=["message"])
    api.press(ME, 1, "x")
    api.say(ME, "hello")
    assert [bool(update.message) for update in await bot.get_updates()] == [True]


async def test_a_webhook_is_told_of_updates_and_keeps_pollers_out(api: BotApi, bot: Bot) -> None:
    told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def hear(request: web.Request) -> web.Response:
        secret = request.headers["X-Telegram-Bot-Api-Secret-Token"]
        told.put_nowait((secret, (await request.json())["message"]["text"]))
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", hear)
    server = Loopback()
    await server.start(application)
    await bot.set_webhook(f"{server.url}/hook", secret_token="hush")
    with pytest.raises(Conflict, match="while webhook is active"):
        await bot.get_updates()
    api.say(ME, "hello")
    assert await told.get() == ("hush", "hello")
    await bot.delete_webhook()
    assert (await bot.get_webhook_info()).url == ""
    await server.stop()


async def test_inline_queries_are_asked_and_answered(api: BotApi, bot: Bot) -> None:
    query_id = api.ask_inline(ME, "tea")
    (update,) = await bot.get_updates()
    assert update.inline_query is not None
    assert update.inline_query.query == "tea"
    result = InlineQueryResultArticle("1", "Tea", InputTextMessageContent("Tea"))
    await bot.answer_inline_query(query_id, [result])
    assert api.answers[-1]["results"][0]["title"] == "Tea"
    with pytest.raises(BadRequest, match="Result_id_duplicate"):
        await bot.answer_inline_query(query_id, [result, result])


# Chats


async def test_a_group_knows_its_admins_and_hides_an_anonymous_one(api: BotApi, bot: Bot) -> None:
    api.add_chat(GROUP, "supergroup", title="Group")
    api.add_member(GROUP, 5, "administrator")
    api.add_member(GROUP, 6)
    assert [member.user.id for member in await bot.get_chat_administrators(GROUP)] == [5]
    assert (await bot.get_chat_member(GROUP, 6)).status == "member"
    with pytest.raises(BadRequest, match="Participant_id_invalid"):
        await bot.get_chat_member(GROUP, 4242)
    api.say(GROUP, "hello", anonymous=True)
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.sender_chat is not None
    assert update.message.sender_chat.id == GROUP
    assert (await bot.get_chat(GROUP)).title == "Group"


async def test_a_channel_speaks_in_its_own_name(api: BotApi, bot: Bot) -> None:
    api.add_chat(-100900, "channel", title="Channel")
    api.say(-100900, "/subscribe 1")
    (update,) = await bot.get_updates()
    assert update.channel_post is not None
    assert update.channel_post.from_user is None


async def test_a_blocked_bot_hears_of_it_and_may_not_write(api: BotApi, bot: Bot) -> None:
    api.block(ME)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(ME, "x")
    api.unblock(ME)
    await bot.send_message(ME, "x")
    blocked, unblocked = await bot.get_updates()
    assert blocked.my_chat_member is not None
    assert blocked.my_chat_member.new_chat_member.status == "kicked"
    assert unblocked.my_chat_member is not None
    assert unblocked.my_chat_member.new_chat_member.status == "member"


async def test_a_group_that_grew_tells_its_new_number(api: BotApi, bot: Bot) -> None:
    api.add_chat(-42, "group", title="Group")
    api.migrate(-42, GROUP)
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(-42, "x")
    assert moved.value.new_chat_id == GROUP
    await bot.send_message(GROUP, "x")
    left, joined = await bot.get_updates()
    assert left.message is not None
    assert left.message.migrate_to_chat_id == GROUP
    assert joined.message is not None
    assert joined.message.migrate_from_chat_id == -42


# The bot's profile


async def test_commands_are_kept_by_scope_and_language(api: BotApi, bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("start", "Begin")])
    assert [command["command"] for command in api.commands()] == ["start"]
    private = BotCommandScopeAllPrivateChats()
    await bot.set_my_commands([BotCommand("chart", "A picture")], scope=private)
    await bot.set_my_commands([BotCommand("siart", "Llun")], scope=private, language_code="cy")
    assert [command["command"] for command in api.commands()] == ["chart"]
    assert [command["command"] for command in api.commands("cy")] == ["siart"]
    assert [command.command for command in await bot.get_my_commands()] == ["start"]
    with pytest.raises(BadRequest, match="Bot_command_invalid"):
        await bot.set_my_commands([BotCommand("No-Way", "x")])


async def test_descriptions_are_kept_and_measured(bot: Bot) -> None:
    await bot.set_my_description("Rings when a petition moves.")
    assert (await bot.get_my_description()).description == "Rings when a petition moves."
    await bot.set_my_short_description("x" * 120)
    with pytest.raises(BadRequest):
        await bot.set_my_short_description("x" * 121)


async def test_small_signs_are_accepted(api: BotApi, bot: Bot) -> None:
    changes: list[Change] = []
    api.on_change(changes.append)
    message_id = api.say(ME, "hello")
    await bot.send_chat_action(ME, "typing")
    await bot.set_message_reaction(ME, message_id, "👍")
    assert [change.kind for change in changes] == ["message", "action", "reaction"]


# What goes wrong


async def test_a_planned_refusal_hits_its_chat_and_method_as_often_as_told(
    api: BotApi, bot: Bot
) -> None:
    api.add_chat(1002)
    api.refuse(ME, 429, "Too Many Requests: retry after 7", {"retry_after": 7}, times=2)
    for _ in range(2):
        with pytest.raises(RetryAfter):
            await bot.send_message(ME, "x")
        await bot.send_message(1002, "x")
    await bot.send_message(ME, "x")
    api.refuse(None, 403, "Forbidden: user is deactivated", method="sendPhoto")
    await bot.send_message(ME, "x")
    with pytest.raises(Forbidden):
        await bot.send_photo(ME, png(9, 9))


async def test_a_lost_answer_leaves_the_message_in_the_chat(api: BotApi, bot: Bot) -> None:
    api.lose_answer(ME)
    with pytest.raises(NetworkError):
        await bot.send_message(ME, "Did it arrive?")
    assert [message["text"] for message in api.messages(ME)] == ["Did it arrive?"]
    await bot.send_message(ME, "x")


async def test_waiting_ends_when_nothing_comes(api: BotApi) -> None:
    with pytest.raises(TimeoutError):
        await api.next_message(ME, timeout=0)


def test_a_chat_takes_a_short_burst_and_then_one_a_second() -> None:
    limits = FloodLimits()
    assert [limits.wait(1, 0.0) for _ in range(4)] == [0, 0, 0, 1]
    assert limits.wait(2, 0.0) == 0
    assert limits.wait(1, 0.5) == 1
    assert limits.wait(1, 1.0) == 0
    assert limits.wait(1, 1.0) == 1


def test_thirty_a_second_go_out_and_no_more() -> None:
    limits = FloodLimits()
    assert [limits.wait(chat, 0.0) for chat in range(31)] == [0] * 30 + [1]
    assert limits.wait(99, 1.0) == 0


def test_a_group_takes_twenty_a_minute() -> None:
    limits = FloodLimits()
    assert [limits.wait(-1, second) for second in map(float, range(20))] == [0] * 20
    assert limits.wait(-1, 20.0) == 40
    assert limits.wait(-1, 60.0) == 0


async def test_limits_hold_messages_back_with_429() -> None:
    async with BotApi(now=lambda: NOW, limits=True) as api, bot_of(api) as bot:
        api.add_chat(ME)
        for _ in range(3):
            await bot.send_message(ME, "x")
        with pytest.raises(RetryAfter):
            await bot.send_message(ME, "x")
        await bot.get_me()
    assert len(api.messages(ME)) == 3
