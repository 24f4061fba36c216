"""The stand-in refuses what the real Bot API server refuses, in its words, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout
from broken_updates import UNDECODABLE, every_shape
from telegram import Update
from telegram_stand_in import BotApi

from bot.demo.message_content import untangled
from bot.demo.messenger import Upload

ME = 1001
GROUP = -100500
NOW = datetime(2020, 3, 5, 18, tzinfo=UTC)

Json = dict[str, Any]


class Caller:
    """Asks the server without a library between, so that nothing is mended on the way."""

    def __init__(self, api: BotApi, session: ClientSession) -> None:
        self.api = api
        self._session = session

    async def __call__(self, method: str, **params: Any) -> Json:
        url = f"{self.api.base_url}{self.api.token}/{method}"
        async with self._session.post(url, json=params) as response:
            return dict(await response.json())

    async def refused(self, method: str, **params: Any) -> str:
        answer = await self(method, **params)
        assert not answer["ok"], answer
        assert answer["error_code"] == 400, answer
        return str(answer["description"]).removeprefix("Bad Request: ")

    async def done(self, method: str, **params: Any) -> Any:
        answer = await self(method, **params)
        assert answer["ok"], answer
        return answer["result"]

    async def plain(self, method: str) -> tuple[int, str]:
        url = f"{self.api.base_url}{self.api.token}/{method}"
        async with self._session.post(url) as response:
            return response.status, await response.text()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def api(clock: Clock) -> AsyncIterator[BotApi]:
    async with BotApi(now=clock) as api:
        api.add_chat(ME)
        api.add_chat(GROUP, "supergroup", title="Group")
        yield api


@pytest.fixture
async def call(api: BotApi) -> AsyncIterator[Caller]:
    async with ClientSession(timeout=ClientTimeout(total=5)) as session:
        yield Caller(api, session)


def keys(*buttons: Json) -> Json:
    return {"inline_keyboard": [[button] for button in buttons]}


def article(**changes: Any) -> Json:
    whole = {
        "type": "article",
        "id": "1",
        "title": "Tea",
        "input_message_content": {"message_text": "Tea"},
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


# What must be there


@pytest.mark.parametrize(
    ("method", "params", "reason"),
    [
        ("sendMessage", {"text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": "", "text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": "@nobody", "text": "x"}, "chat not found"),
        ("sendMessage", {"chat_id": 0, "text": "x"}, "chat not found"),
        ("sendMessage", {"chat_id": 0}, "message text is empty"),
        ("sendMessage", {"chat_id": ME, "text": " \n"}, "text must be non-empty"),
        (
            "sendMessage",
            {"chat_id": ME, "text": "x", "parse_mode": "wiki"},
            "unsupported parse_mode",
        ),
        ("sendPhoto", {"chat_id": ME}, "there is no photo in the request"),
        ("sendDocument", {"chat_id": ME}, "there is no document in the request"),
        ("editMessageText", {"chat_id": ME, "text": "x"}, "message identifier is not specified"),
        ("editMessageText", {"chat_id": ME, "message_id": 1}, "message text is empty"),
        ("editMessageReplyMarkup", {"chat_id": ME}, "message identifier is not specified"),
        ("deleteMessage", {"chat_id": ME}, "message identifier is not specified"),
        ("getChat", {}, "chat_id is empty"),
        ("getChatMember", {"chat_id": GROUP}, "invalid user_id specified"),
        ("getFile", {}, "invalid file_id"),
        ("sendChatAction", {"chat_id": ME}, "wrong parameter action in request"),
        ("setMyCommands", {}, "can't parse commands JSON object"),
        ("answerInlineQuery", {"inline_query_id": "1"}, "results is empty"),
        (
            "answerCallbackQuery",
            {},
            "query is too old and response timeout expired or query ID is invalid",
        ),
    ],
)
async def test_a_call_that_lacks_what_it_needs_is_refused(
    call: Caller, method: str, params: Json, reason: str
) -> None:
    assert await call.refused(method, **params) == reason


async def test_a_broken_character_is_refused_and_a_whole_one_is_not(call: Caller) -> None:
    wrong = await call.refused("sendMessage", chat_id=ME, text="\ud83d bell")
    assert wrong == "strings must be encoded in UTF-8"
    await call.done("sendMessage", chat_id=ME, text="🔔 bell")


# Entities


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        ({"type": "bold", "offset": -1, "length": 1}, "receive an entity with incorrect offset -1"),
        ({"type": "bold", "offset": 0, "length": -1}, "receive an entity with incorrect length -1"),
        ({"type": "bold", "offset": 9, "length": 1}, "entity begins after the end of the text"),
        ({"type": "bold", "offset": 0, "length": 9}, "entity beginning at UTF-16 offset 0 ends"),
        ({"type": "bold", "offset": 1, "length": 2}, "entity begins in a middle of a UTF-16"),
        ({"type": "bold", "offset": 0}, "can't parse MessageEntity: Can't find field \"length\""),
        (
            {"type": "bold", "offset": "a", "length": 1},
            'can\'t parse MessageEntity: Field "offset" must be of type Number',
        ),
        (
            {"type": "sparkle", "offset": 0, "length": 2},
            "can't parse MessageEntity: Unsupported type specified",
        ),
        (
            {"type": "text_link", "offset": 0, "length": 2},
            "can't parse MessageEntity: Can't find field \"url\"",
        ),
        (
            {"type": "text_link", "offset": 0, "length": 2, "url": "not-a-url"},
            "entity URL 'not-a-url' is invalid: Wrong HTTP URL",
        ),
        (
            {"type": "text_link", "offset": 0, "length": 2, "url": ""},
            "entity URL '' is invalid: URL host is empty",
        ),
        (
            {"type": "text_link", "offset": 0, "length": 2, "url": "ftp://a.uk"},
            "entity URL 'ftp://a.uk' is invalid: Unsupported URL protocol",
        ),
    ],
)
async def test_a_wrong_entity_is_refused(call: Caller, entity: Json, reason: str) -> None:
    refused = await call.refused("sendMessage", chat_id=ME, text="🔔 bell", entities=[entity])
    assert refused.startswith(reason)


@pytest.mark.parametrize("url", ["https://a.uk/x", "tg://resolve?domain=x", "a.uk"])
async def test_a_link_that_telegram_opens_is_taken(call: Caller, url: str) -> None:
    link = {"type": "text_link", "offset": 0, "length": 2, "url": url}
    sent = await call.done("sendMessage", chat_id=ME, text="🔔 bell", entities=[link])
    assert sent["entities"][0]["type"] == "text_link"


async def test_what_telegram_finds_by_itself_is_taken_from_nobody(call: Caller) -> None:
    claimed = {"type": "bot_command", "offset": 0, "length": 4}
    assert "entities" not in await call.done(
        "sendMessage", chat_id=ME, text="bell", entities=[claimed]
    )


def entity(kind: str, offset: int, length: int) -> Json:
    return {"type": kind, "offset": offset, "length": length}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param(
            [("bold", 0, 4), ("italic", 1, 2)],
            [("bold", 0, 4), ("italic", 1, 2)],
            id="nested ones stay",
        ),
        pytest.param(
            [("blockquote", 0, 6), ("bold", 0, 3), ("text_link", 4, 2)],
            [("blockquote", 0, 6), ("bold", 0, 3), ("text_link", 4, 2)],
            id="a quote holds others",
        ),
        pytest.param([("bold", 0, 2), ("bold", 2, 2)], [("bold", 0, 4)], id="neighbours merge"),
        pytest.param(
            [("bold", 0, 4), ("italic", 2, 4)],
            [("bold", 0, 4), ("italic", 2, 2), ("italic", 4, 2)],
            id="crossing styles are split",
        ),
        pytest.param(
            [("blockquote", 0, 6), ("blockquote", 2, 2)],
            [("blockquote", 0, 6)],
            id="a quote inside a quote is dropped",
        ),
        pytest.param(
            [("blockquote", 0, 4), ("text_link", 2, 4)],
            [("blockquote", 0, 4)],
            id="a link that breaks out of a quote is dropped",
        ),
        pytest.param(
            [("text_link", 0, 4), ("text_link", 2, 4)],
            [("text_link", 0, 4)],
            id="the second of two crossing links is dropped",
        ),
        pytest.param(
            [("bold", 0, 6), ("code", 2, 2), ("italic", 2, 1)],
            [("bold", 0, 2), ("code", 2, 2), ("bold", 4, 2)],
            id="code holds nothing",
        ),
    ],
)
def test_entities_that_cross_are_untangled_as_the_server_does_it(
    given: list[tuple[str, int, int]], kept: list[tuple[str, int, int]]
) -> None:
    was = untangled([entity(*each) for each in given])
    assert [(each["type"], each["offset"], each["length"]) for each in was] == kept


# Buttons


@pytest.mark.parametrize(
    ("button", "reason"),
    [
        ({"callback_data": "x"}, "can't parse inline keyboard button: Can't find field \"text\""),
        (
            {"text": 7, "callback_data": "x"},
            'can\'t parse inline keyboard button: Field "text" must be of type String',
        ),
        (
            {"text": " ", "callback_data": "x"},
            'can\'t parse inline keyboard button: Field "text" must be non-empty',
        ),
        (
            {"text": "x"},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {"text": "x", "callback_data": ""},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {"text": "x", "callback_data": "x", "url": "https://a.uk"},
            "can't parse inline keyboard button: Exactly one of the optional fields must be used",
        ),
        ({"text": "x", "callback_data": "é" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "copy_text": {"text": ""}}, "BUTTON_COPY_TEXT_INVALID"),
        ({"text": "x", "copy_text": {"text": "🔔" * 129}}, "BUTTON_COPY_TEXT_INVALID"),
        ({"text": "x", "pay": True}, "BUTTON_TYPE_INVALID"),
        ({"text": "x", "callback_data": "x", "style": "plaid"}, "BUTTON_STYLE_INVALID"),
        (
            {"text": "x", "url": "not-a-url"},
            "inline keyboard button URL 'not-a-url' is invalid: Wrong HTTP URL",
        ),
        (
            {"text": "x", "url": "ftp://a.uk"},
            "inline keyboard button URL 'ftp://a.uk' is invalid: Unsupported URL protocol",
        ),
        (
            {"text": "x", "web_app": {"url": "http://a.uk"}},
            "inline keyboard button Web App URL 'http://a.uk' is invalid: "
            "Only HTTPS links are allowed",
        ),
        (
            {"text": "x", "switch_inline_query_chosen_chat": {"allow_user_chats": "yes"}},
            'can\'t parse inline keyboard button: Field "allow_user_chats" must be of type Boolean',
        ),
    ],
)
async def test_a_wrong_button_is_refused(call: Caller, button: Json, reason: str) -> None:
    wrong = await call.refused("sendMessage", chat_id=ME, text="x", reply_markup=keys(button))
    assert wrong == reason


@pytest.mark.parametrize(
    "button",
    [
        {"text": "x", "callback_data": "é" * 32, "style": "danger"},
        {"text": "x", "copy_text": {"text": "🔔" * 128}},
        {"text": "x", "switch_inline_query": ""},
        {"text": "x", "switch_inline_query_current_chat": "tea"},
        {"text": "x", "switch_inline_query_chosen_chat": {"allow_user_chats": True, "query": "x"}},
        {"text": "x", "web_app": {"url": "https://a.uk"}},
    ],
)
async def test_a_right_button_is_taken(call: Caller, button: Json) -> None:
    sent = await call.done("sendMessage", chat_id=ME, text="x", reply_markup=keys(button))
    assert sent["reply_markup"]["inline_keyboard"] == [[button]]


async def test_a_keyboard_has_eight_buttons_in_a_row_and_a_hundred_at_most(call: Caller) -> None:
    button = {"text": "x", "callback_data": "x"}
    for rows in ([[button] * 9], [[button] * 8] * 13):
        markup = {"inline_keyboard": rows}
        wrong = await call.refused("sendMessage", chat_id=ME, text="x", reply_markup=markup)
        assert wrong == "reply markup is too long"
    await call.done(
        "sendMessage", chat_id=ME, text="x", reply_markup={"inline_keyboard": [[button] * 8] * 12}
    )


@pytest.mark.parametrize(
    ("markup", "reason"),
    [
        ({"inline_keyboard": "bad"}, 'field "inline_keyboard" must be of type Array'),
        ({"keyboard": "bad"}, 'field "keyboard" must be of type Array'),
        (
            {"keyboard": [["A"]], "resize_keyboard": "yes"},
            'field "resize_keyboard" must be of type Boolean',
        ),
        ("words", "object expected as reply markup"),
        (
            {"keyboard": [[{"text": "A", "request_chat": {"chat_is_channel": True}}]]},
            "can't parse keyboard button: Can't find field \"request_id\"",
        ),
    ],
)
async def test_a_keyboard_of_another_shape_is_refused(
    call: Caller, markup: Any, reason: str
) -> None:
    refused = await call.refused("sendMessage", chat_id=ME, text="x", reply_markup=markup)
    assert refused in (reason, "can't parse reply keyboard markup JSON object")


# Editing


async def test_an_edit_that_changes_nothing_is_refused_for_text_caption_and_keyboard(
    call: Caller, api: BotApi
) -> None:
    markup = keys({"text": "K", "callback_data": "k"})
    sent = await call.done("sendMessage", chat_id=ME, text="x", reply_markup=markup)
    here = {"chat_id": ME, "message_id": sent["message_id"]}
    for method, content in (("editMessageText", {"text": "x"}), ("editMessageReplyMarkup", {})):
        same = await call.refused(method, **here, **content, reply_markup=markup)
        assert same.startswith("message is not modified")
    await call.done("editMessageText", **here, text="y", reply_markup=markup)
    same = await call.refused("editMessageText", **here, text="y ", reply_markup=markup)
    assert same.startswith("message is not modified")
    await call.done("editMessageText", **here, text="y")


async def test_a_file_s_caption_is_edited_and_its_text_is_not_there(
    call: Caller, api: BotApi
) -> None:
    content = {"document": {"file_id": "f", "file_unique_id": "f"}, "caption": "x"}
    chat = api.messenger.chat(ME)
    sent = api.messenger.store(chat, content | {"from": api.messenger.bot}, ours=True)
    here = {"chat_id": ME, "message_id": sent["message_id"]}
    wrong = await call.refused("editMessageText", **here, text="y" * 5000)
    assert wrong == "there is no text in the message to edit"
    same = await call.refused("editMessageCaption", **here, caption="x")
    assert same.startswith("message is not modified")
    await call.done("editMessageCaption", **here, caption="y")


async def test_only_what_is_the_bot_s_can_be_edited(call: Caller, api: BotApi) -> None:
    theirs = api.say(ME, "mine")
    for method, content in (("editMessageText", {"text": "x"}), ("editMessageReplyMarkup", {})):
        wrong = await call.refused(method, chat_id=ME, message_id=theirs, **content)
        assert wrong == "message can't be edited"


async def test_a_message_is_deleted_for_two_days_and_in_a_group_by_admins(
    call: Caller, api: BotApi, clock: Clock
) -> None:
    old = await call.done("sendMessage", chat_id=ME, text="x")
    clock.now += timedelta(hours=48)
    wrong = await call.refused("deleteMessage", chat_id=ME, message_id=old["message_id"])
    assert wrong == "message can't be deleted for everyone"
    theirs = api.say(GROUP, "mine")
    wrong = await call.refused("deleteMessage", chat_id=GROUP, message_id=theirs)
    assert wrong == "message can't be deleted"
    api.add_member(GROUP, api.messenger.bot["id"], "administrator")
    await call.done("deleteMessage", chat_id=GROUP, message_id=theirs)
    await call.done("deleteMessage", chat_id=ME, message_id=api.say(ME, "mine"))


# Replies, topics and rights


async def test_a_reply_names_a_message_and_quotes_what_it_says(call: Caller) -> None:
    sent = await call.done("sendMessage", chat_id=ME, text="First")
    reply = {"chat_id": ME, "text": "x"}
    wrong = await call.refused("sendMessage", **reply, reply_parameters={"quote": "Fir"})
    assert wrong == 'can\'t find field "message_id"'
    to = {"message_id": sent["message_id"]}
    wrong = await call.refused("sendMessage", **reply, reply_parameters=to | {"quote": "Sec"})
    assert wrong == "QUOTE_TEXT_INVALID"
    wrong = await call.refused("sendMessage", **reply, reply_parameters={"message_id": 999})
    assert wrong == "message to be replied not found"
    quoting = await call.done("sendMessage", **reply, reply_parameters=to | {"quote": "Fir"})
    assert quoting["quote"]["text"] == "Fir"


async def test_a_closed_topic_takes_nothing_until_it_is_open_again(
    call: Caller, api: BotApi
) -> None:
    api.add_topic(GROUP, 7)
    there = {"chat_id": GROUP, "text": "x", "message_thread_id": 7}
    api.close_topic(GROUP, 7)
    assert await call.refused("sendMessage", **there) == "TOPIC_CLOSED"
    await call.done("sendMessage", chat_id=GROUP, text="General is open")
    api.reopen_topic(GROUP, 7)
    api.close_topic(GROUP)
    await call.done("sendMessage", **there)
    assert await call.refused("sendMessage", chat_id=GROUP, text="x") == "TOPIC_CLOSED"


async def test_pictures_may_be_forbidden_where_text_is_not(call: Caller, api: BotApi) -> None:
    file = api.messenger.keep_file(_png(), "photos")["file_id"]
    api.forbid(GROUP, "photos")
    wrong = await call.refused("sendPhoto", chat_id=GROUP, photo=file)
    assert wrong == "not enough rights to send photos to the chat"
    await call.done("sendMessage", chat_id=GROUP, text="x")
    await call.done("sendDocument", chat_id=GROUP, document=file)
    api.forbid(GROUP)
    await call.done("sendPhoto", chat_id=GROUP, photo=file)


def _png() -> Upload:
    return Upload("x.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x40\x08\x02")


# Answers and commands


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": None}, 'can\'t parse inline query result: type "" is unsupported'),
        ({"id": None}, "can't parse inline query result: Can't find field \"id\""),
        ({"title": None}, "can't parse inline query result: Can't find field \"title\""),
        ({"id": ""}, "RESULT_ID_INVALID"),
        ({"id": "é" * 33}, "RESULT_ID_INVALID"),
        (
            {"input_message_content": None},
            "can't parse inline query result: Can't find field \"input_message_content\"",
        ),
        (
            {"input_message_content": {"message_text": ""}},
            "can't parse inline query result: Message text is empty",
        ),
        (
            {"input_message_content": {"message_text": "<b>x", "parse_mode": "HTML"}},
            "can't parse inline query result: Can't parse entities",
        ),
        ({"reply_markup": keys({"text": "x"})}, "can't parse inline keyboard button"),
    ],
)
async def test_a_wrong_inline_result_is_refused(
    call: Caller, api: BotApi, changes: Json, reason: str
) -> None:
    query = api.ask_inline(ME, "tea")
    wrong = await call.refused(
        "answerInlineQuery", inline_query_id=query, results=[article(**changes)]
    )
    assert wrong.startswith(reason)
    await call.done("answerInlineQuery", inline_query_id=query, results=[article()])


async def test_what_a_button_over_the_results_carries_fits_a_link(
    call: Caller, api: BotApi
) -> None:
    answer = {"inline_query_id": api.ask_inline(ME, "tea"), "results": []}
    for payload in ("", "x" * 65, "not allowed", "é"):
        button = {"text": "Open", "start_parameter": payload}
        assert (
            await call.refused("answerInlineQuery", **answer, button=button)
            == "START_PARAM_INVALID"
        )
    button = {"text": "Open", "start_parameter": "a_-9" * 16}
    await call.done("answerInlineQuery", **answer, button=button)


async def test_a_query_is_answered_once_and_not_too_late(call: Caller, api: BotApi) -> None:
    query = api.ask_inline(ME, "tea")
    await call.done("answerInlineQuery", inline_query_id=query, results=[])
    again = await call.refused("answerInlineQuery", inline_query_id=query, results=[])
    assert again.startswith("query is too old")
    late = api.ask_inline(ME, "tea")
    api.expire_queries()
    wrong = await call.refused("answerInlineQuery", inline_query_id=late, results=[])
    assert wrong.startswith("query is too old")


async def test_a_toast_has_two_hundred_characters_and_a_refused_one_can_be_mended(
    call: Caller, api: BotApi
) -> None:
    query = api.press(ME, 1, "x")
    wrong = await call.refused("answerCallbackQuery", callback_query_id=query, text="🔔" * 101)
    assert wrong == "MESSAGE_TOO_LONG"
    await call.done("answerCallbackQuery", callback_query_id=query, text="🔔" * 100)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"commands": [{"command": "Start", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        (
            {"commands": [{"command": "start", "description": ""}]},
            "BOT_COMMAND_DESCRIPTION_INVALID",
        ),
        (
            {"commands": [{"command": "start", "description": "x" * 257}]},
            "BOT_COMMAND_DESCRIPTION_INVALID",
        ),
        ({"commands": [{"command": "a", "description": "x"}] * 101}, "BOT_COMMANDS_TOO_MUCH"),
        (
            {"commands": [], "scope": {"type": "seance"}},
            "can't parse BotCommandScope: Unsupported type specified",
        ),
        ({"commands": [], "scope": {"type": "chat", "chat_id": 999}}, "chat not found"),
        ({"commands": [], "language_code": "welsh"}, "invalid language code specified"),
    ],
)
async def test_a_wrong_list_of_commands_is_refused(call: Caller, params: Json, reason: str) -> None:
    assert await call.refused("setMyCommands", **params) == reason


# Trouble to order


async def test_slow_mode_holds_whatever_is_sent_and_not_what_is_edited(
    call: Caller, api: BotApi
) -> None:
    sent = await call.done("sendMessage", chat_id=GROUP, text="x")
    api.slow_down(GROUP, 3500)
    for _ in range(3):
        answer = await call("sendMessage", chat_id=GROUP, text="x")
        assert answer["error_code"] == 429
        assert answer["parameters"] == {"retry_after": 3500}
    await call.done("editMessageText", chat_id=GROUP, message_id=sent["message_id"], text="y")
    await call.done("sendMessage", chat_id=ME, text="x")
    api.slow_down(GROUP, None)
    await call.done("sendMessage", chat_id=GROUP, text="x")


async def test_a_refusal_stands_for_its_chat_until_told_otherwise(
    call: Caller, api: BotApi
) -> None:
    api.refuse(GROUP, 400, "Bad Request: CHAT_WRITE_FORBIDDEN", times=None)
    for _ in range(5):
        assert await call.refused("sendMessage", chat_id=GROUP, text="x") == "CHAT_WRITE_FORBIDDEN"
    await call.done("sendMessage", chat_id=ME, text="x")
    api.accept_everything(GROUP)
    await call.done("sendMessage", chat_id=GROUP, text="x")


@pytest.mark.parametrize(
    ("code", "words"),
    [(401, "Unauthorized"), (404, "Not Found"), (409, "Conflict"), (502, "Bad Gateway")],
)
async def test_asking_for_updates_can_be_refused_until_told_otherwise(
    call: Caller, api: BotApi, code: int, words: str
) -> None:
    api.refuse(None, code, words, times=None, method="getUpdates")
    for _ in range(2):
        answer = await call("getUpdates")
        assert (answer["error_code"], answer["description"]) == (code, words)
    await call.done("getMe")
    api.accept_everything()
    assert await call.done("getUpdates") == []


async def test_asking_for_updates_can_meet_a_page_or_garbage(call: Caller, api: BotApi) -> None:
    api.answer_with(b"<h1>Bad Gateway</h1>", 502, method="getUpdates")
    assert await call.plain("getUpdates") == (502, "<h1>Bad Gateway</h1>")
    api.answer_with(b'{"ok": tr', content_type="application/json", method="getUpdates")
    assert await call.plain("getUpdates") == (200, '{"ok": tr')
    assert await call.done("getUpdates") == []


async def test_asking_for_updates_can_hang_or_break_off(call: Caller, api: BotApi) -> None:
    api.reset(method="getUpdates")
    with pytest.raises(ClientError):
        await call("getUpdates")
    api.hang(method="getUpdates")
    hanging = asyncio.create_task(call("getUpdates"))
    await api.wait_for(lambda api: len(api.calls_to("getUpdates")) > 1 or None)
    await call.done("getMe")
    assert not hanging.done()
    api.accept_everything()
    with pytest.raises(ClientError):
        await hanging
    assert await call.done("getUpdates") == []


async def test_a_broken_update_is_sent_as_it_is_and_confirmed_like_any_other(
    call: Caller, api: BotApi
) -> None:
    for _, update in every_shape():
        api.emit_raw(update)
    got = await call.done("getUpdates")
    assert [{k: v for k, v in each.items() if k != "update_id"} for each in got] == [
        update for _, update in every_shape()
    ]
    api.say(ME, "hello")
    (last,) = await call.done("getUpdates", offset=got[-1]["update_id"] + 1)
    assert last["message"]["text"] == "hello"


@pytest.mark.parametrize("shape", [name for name, _ in every_shape()])
def test_the_library_cannot_decode_what_is_called_undecodable(shape: str) -> None:
    raw = {"update_id": 1} | dict(every_shape())[shape]
    try:
        Update.de_json(raw, None)
    except Exception:
        assert shape in UNDECODABLE
    else:
        assert shape not in UNDECODABLE
