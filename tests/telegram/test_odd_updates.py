"""Updates of odd shapes: what can be read of them is heard, and what cannot costs nothing else."""

import json
from typing import Any

import pytest
from bell import READER, Village
from structlog.testing import capture_logs
from telegram import Bot, Update

from bot.telegram.decoding import Failure, Undecodable, decode, number_of, read_answer

Json = dict[str, Any]

PERSON = {"id": READER, "is_bot": False, "first_name": "R"}
CHAT = {"id": READER, "type": "private", "first_name": "R"}
SAID = {"message_id": 5, "date": 1, "chat": CHAT, "from": PERSON, "text": "tea"}
PRESSED = {"id": "1", "from": PERSON, "chat_instance": "1", "data": "mute|uk:1|"}
ODD = {
    "a chat whose id is a list": {"message": SAID | {"chat": CHAT | {"id": [READER]}}},
    "a chat whose id is a text": {"message": SAID | {"chat": CHAT | {"id": str(READER)}}},
    "a chat whose id is a fraction": {"message": SAID | {"chat": CHAT | {"id": 1.5}}},
    "a chat whose id is true": {"message": SAID | {"chat": CHAT | {"id": True}}},
    "a chat whose id is larger than any": {"message": SAID | {"chat": CHAT | {"id": 10**30}}},
    "a chat whose kind is a number": {"message": SAID | {"chat": CHAT | {"type": 1}}},
    "a person whose id is a mapping": {"message": SAID | {"from": PERSON | {"id": {}}}},
    "a person whose language is a list": {
        "message": SAID | {"from": PERSON | {"language_code": []}}
    },
    "a caption that is a list": {"message": SAID | {"caption": ["tea"]}},
    "a mark as long as a text": {
        "message": SAID | {"entities": [{"type": "bold", "offset": 0, "length": "3"}]}
    },
    "a mark that leads to a list": {
        "message": SAID | {"entities": [{"type": "url", "offset": 0, "length": 3, "url": []}]}
    },
    "a text that is a number": {"message": SAID | {"text": 5}},
    "a topic that is a text": {"message": SAID | {"message_thread_id": "5"}},
    "a chat that moves to a text": {"message": SAID | {"migrate_to_chat_id": "-100"}},
    "a chat that moves to a fraction": {"message": SAID | {"migrate_to_chat_id": 1e30}},
    "a chat that moves from a list": {"message": SAID | {"migrate_from_chat_id": [1]}},
    "a press whose data is a list": {"callback_query": PRESSED | {"data": [1]}},
    "a press whose id is a number": {"callback_query": PRESSED | {"id": 5}},
    "a press of a person who is nobody": {
        "callback_query": PRESSED | {"from": PERSON | {"id": None}}
    },
    "a query that is a number": {
        "inline_query": {"id": "1", "from": PERSON, "query": 5, "offset": ""}
    },
}


def update(**parts: Any) -> bytes:
    return json.dumps({"update_id": 5} | parts).encode()


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_update_of_which_a_part_is_of_another_kind_is_not_handed_on(odd: Json) -> None:
    read = decode(update(**odd), Bot("1:x"))
    assert isinstance(read, Undecodable)
    assert read.number == 5


@pytest.mark.parametrize(
    "plain",
    [
        {"message": SAID},
        {"message": SAID | {"migrate_to_chat_id": -1005, "message_thread_id": 3}},
        {"message": SAID | {"chat": CHAT | {"id": -(2**52) + 1, "type": "a kind of tomorrow"}}},
        {"callback_query": PRESSED | {"message": SAID}},
        {"callback_query": PRESSED | {"inline_message_id": "x"}},
        {"inline_query": {"id": "1", "from": PERSON, "query": "tea", "offset": ""}},
        {"something_of_tomorrow": {"a": [1]}},
    ],
)
def test_an_update_as_telegram_sends_it_is_handed_on(plain: Json) -> None:
    assert isinstance(decode(update(**plain), Bot("1:x")), Update)


def test_half_a_character_is_marked_and_a_whole_one_stays() -> None:
    raw = json.dumps({"update_id": 5, "message": SAID | {"text": r"\ud800 😀 \x"}}).encode()
    read = decode(raw, Bot("1:x"))
    assert isinstance(read, Update)
    assert read.message
    assert read.message.text == r"\ud800 😀 \x"
    read = decode(raw.replace(rb"\\ud800", rb"\ud83d"), Bot("1:x"))
    assert isinstance(read, Update)
    assert read.message
    assert read.message.text == "\ufffd 😀 \\x"


@pytest.mark.parametrize(
    "bad",
    [
        rb'{"update_id": 6, "message": "\ud800"}',
        b'{"update_id": 6, "message": "\xff"}',
        b'{"update_id": 6, "message": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"update_id": 6, "message": nothing}',
        rb'{"update_id": 6, "message": "},{\"]\\"}',
    ],
)
def test_one_update_that_is_no_json_leaves_the_others_of_its_answer_readable(bad: bytes) -> None:
    first, last = update(message=SAID), update(message=SAID | {"text": "[,]}"})
    read = read_answer(200, b'{"ok": true, "result": [' + b",".join([first, bad, last]) + b"]}")
    assert not isinstance(read, Failure)
    assert [number_of(each) for each in read] == [5, 6, 5]
    assert isinstance(decode(read[0], Bot("1:x")), Update)
    assert isinstance(decode(read[2], Bot("1:x")), Update)


@pytest.mark.parametrize("body", [b'{"ok": true, "result": [{"update_id": 5', b"<html>", b""])
def test_an_answer_that_is_cut_off_has_no_updates(body: bytes) -> None:
    assert isinstance(read_answer(200, body), Failure)


async def test_a_crowd_of_updates_that_are_no_json_keeps_nobody_waiting(village: Village) -> None:
    async with village.bell():
        with capture_logs() as lines:
            for number in range(40):
                by = {"from": PERSON | {"id": 5000 + number}, "text": "\ud800"}
                village.api.emit_raw(
                    {"message": SAID | by | {"chat": CHAT | {"id": 5000 + number}}}
                )
            await village.reader.ask("/about", "Petition Bell")
        assert not [line for line in lines if line["event"] == "no updates are arriving"]


async def test_a_group_that_is_said_to_move_somewhere_odd_stays(village: Village) -> None:
    group = village.chat(-100)
    village.api.add_chat(-100, "group", title="Tea")
    village.api.add_member(-100, READER, "creator")
    async with village.bell():
        await group.ask("/subscribe 700000", "now following", user_id=READER)
        for odd in ("-1005", 1e30, True, [1], -(10**30), -100):
            chat = {"id": -100, "type": "group", "title": "Tea"}
            said = {"message_id": 9, "date": 1, "chat": chat, "migrate_to_chat_id": odd}
            village.api.emit_raw({"message": said})
        await village.reader.subscribes()
        await group.ask("/subscriptions", "Free tea", user_id=READER)
