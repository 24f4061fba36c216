"""What a Bot API server answers oddly harms no more than the call it answers."""

import asyncio
import json
from typing import Any

import pytest
from bell import READER, TEA, Village, stamp
from telegram import Message
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.app import utc_now
from bot.delivery.rate_limiter import seconds
from bot.telegram.answers import message_of, result_of

JSON = "application/json"
PLAIN = {"message_id": 7, "date": 1, "chat": {"id": 1, "type": "private"}}
ODD_RECEIPTS = [
    {"ok": True},
    {"ok": True, "result": True},
    {"ok": True, "result": {}},
    {"ok": True, "result": [1]},
    {"ok": True, "result": {"message_id": 77, "date": 1}},
    {"ok": True, "result": PLAIN | {"message_id": "x"}},
    {"ok": True, "result": PLAIN | {"entities": [{"type": "bold"}]}},
    {"ok": True, "result": PLAIN | {"date": 1e30}},
]


def refused(code: int, **others: Any) -> bytes:
    return json.dumps({"ok": False, "error_code": code} | others).encode()


def error_of(status: int, body: bytes, chat_id: int = READER) -> TelegramError:
    with pytest.raises(TelegramError) as failed:
        result_of(status, body, chat_id)
    return failed.value


async def cross(village: Village) -> None:
    village.site.edit(TEA, signature_count=10_050, response_threshold_reached_at=stamp(utc_now()))


@pytest.mark.parametrize("receipt", ODD_RECEIPTS, ids=range(len(ODD_RECEIPTS)))
def test_whatever_is_told_of_a_message_that_was_sent_it_is_sent(receipt: dict[str, Any]) -> None:
    result = message_of("sendMessage", result_of(200, json.dumps(receipt).encode()), READER)
    message = Message.de_json(result)
    assert isinstance(message.message_id, int)
    assert message.chat.id == READER


@pytest.mark.parametrize("receipt", [ODD_RECEIPTS[0], ODD_RECEIPTS[-2]], ids=["none", "odd"])
async def test_an_alert_whose_receipt_makes_no_sense_is_not_sent_again(
    village: Village, receipt: dict[str, Any]
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        body = json.dumps(receipt).encode()
        before = len(village.api.calls_to("sendMessage"))
        village.api.answer_with(body, 200, JSON, chat_id=READER, times=1, method="sendMessage")
        await cross(village)
        await village.api.wait_for(lambda api: len(api.calls_to("sendMessage")) > before)
        await asyncio.sleep(1.5)  # in which it would be sent again
        assert len(village.api.calls_to("sendMessage")) == before + 1
        await village.reader.ask("/subscriptions", "Free tea")


async def test_an_alert_that_was_not_taken_is_sent_again_whatever_the_status(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        body = refused(500, description="Internal Server Error")
        village.api.answer_with(body, 200, JSON, chat_id=READER, times=1, method="sendMessage")
        await cross(village)
        await village.reader.hears("10,000")


@pytest.mark.parametrize("moved", [READER, str(READER), True, 1e30, [1], -(10**30), "x", None])
async def test_a_chat_that_is_said_to_have_moved_nowhere_stays_where_it_is(
    village: Village, moved: object
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        words = "Bad Request: group chat was upgraded to a supergroup chat"
        body = refused(400, description=words, parameters={"migrate_to_chat_id": moved})
        village.api.answer_with(body, 400, JSON, chat_id=READER, times=1, method="sendMessage")
        before = len(village.api.calls_to("sendMessage"))
        await cross(village)
        await village.api.wait_for(lambda api: len(api.calls_to("sendMessage")) > before)
        await village.reader.ask("/subscriptions", "Free tea")


def test_a_chat_that_has_moved_is_known_by_its_new_id() -> None:
    for told in (-1005, "-1005"):
        error = error_of(400, refused(400, parameters={"migrate_to_chat_id": told}))
        assert isinstance(error, ChatMigrated)
        assert error.new_chat_id == -1005


@pytest.mark.parametrize(
    ("parameters", "wait"),
    [
        ({"retry_after": 7}, 7),
        ({"retry_after": "7"}, 7),
        ({"retry_after": 1.5}, 2),
        ({"retry_after": 1e20}, 86400),
        ({"retry_after": -5}, 9),
        ({"retry_after": [1]}, 9),
        ({"retry_after": True}, 9),
        ([1], 9),
        ("x", 9),
        (None, 9),
    ],
)
def test_a_wait_is_read_in_whatever_way_it_is_told(parameters: object, wait: int) -> None:
    words = "Too Many Requests: retry after 9"
    error = error_of(429, refused(429, description=words, parameters=parameters))
    assert isinstance(error, RetryAfter)
    assert seconds(error) == wait


def test_a_wait_without_end_is_a_day_and_one_without_words_a_second() -> None:
    endless = b'{"ok": false, "description": "x", "parameters": {"retry_after": 1e400}}'
    error = error_of(429, endless)
    assert isinstance(error, RetryAfter)
    assert seconds(error) == 86400
    error = error_of(429, b'{"ok": false}')
    assert isinstance(error, RetryAfter)
    assert seconds(error) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 502])
@pytest.mark.parametrize("body", [b"<html>no</html>", b"", b"[" * 100_000, b"null", b"[1]"])
def test_a_page_of_somebody_elses_says_nothing_about_a_chat(status: int, body: bytes) -> None:
    assert type(error_of(status, body)) is NetworkError


@pytest.mark.parametrize("words", [5, None, ["bot was blocked by the user"], {}, ""])
def test_a_refusal_without_words_is_still_one(words: object) -> None:
    assert type(error_of(400, refused(400, description=words))) is BadRequest
    assert type(error_of(403, refused(403, description=words))) is Forbidden


def test_a_refusal_is_known_by_its_code_where_the_status_hides_it() -> None:
    words = "Forbidden: bot was blocked by the user"
    assert type(error_of(200, refused(403, description=words))) is Forbidden
    assert type(error_of(200, b'{"ok": false}')) is NetworkError
    assert type(error_of(200, b'{"ok": false, "error_code": "403"}')) is NetworkError


def test_a_message_keeps_its_number_and_its_chat_and_other_results_are_told_as_they_are() -> None:
    body = json.dumps({"ok": True, "result": PLAIN | {"text": "tea"}}).encode()
    message = Message.de_json(message_of("sendMessage", result_of(200, body), READER))
    assert (message.message_id, message.chat.id) == (7, READER)
    assert message_of("sendChatAction", True, READER) is True
    assert message_of("editMessageText", True, READER) is True
    assert message_of("getChat", {"id": 1}, READER) == {"id": 1}
