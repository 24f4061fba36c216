"""What the bot's own messages are remembered to say, and which edits are refused for it."""

import asyncio
from typing import Any

import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity
from telegram.error import BadRequest, NetworkError

from bot.delivery import sent_messages
from bot.delivery.sent_messages import SentMessages

WORDS, BUTTONS = "editMessageText", "editMessageReplyMarkup"
STOP = InlineKeyboardMarkup([[InlineKeyboardButton("Stop", callback_data="stop")]])
MUTE = InlineKeyboardMarkup([[InlineKeyboardButton("Mute", callback_data="mute")]])
BOLD = (MessageEntity("bold", 0, 3),)
TEA = {"text": "Tea", "entities": BOLD, "reply_markup": STOP}


class Written:
    """Messages that are written, and which requests were made for it."""

    def __init__(self) -> None:
        self.sent = SentMessages()
        self.requests = 0

    async def asks(self, endpoint: str, *, answer: Any = True, **data: Any) -> Any:
        async def request() -> Any:
            self.requests += 1
            if isinstance(answer, Exception):
                raise answer
            return await answer if asyncio.isfuture(answer) else answer

        return await self.sent.written(endpoint, data, request)

    async def sends(self, number: int = 5, chat_id: int = 1, **data: Any) -> None:
        await self.asks("sendMessage", answer={"message_id": number}, chat_id=chat_id, **data)

    async def edits(
        self, endpoint: str = WORDS, number: int = 5, chat_id: int = 1, **how: Any
    ) -> Any:
        return await self.asks(endpoint, chat_id=chat_id, message_id=number, **how)

    async def is_asked(self, endpoint: str = WORDS, **how: Any) -> bool:
        """Whether Telegram is asked for an edit, which it takes."""
        before = self.requests
        try:
            assert await self.edits(endpoint, **how) is True
        except BadRequest as error:
            assert error.message == "Message is not modified"
            assert self.requests == before
            return False
        return self.requests == before + 1


@pytest.fixture
def written() -> Written:
    return Written()


def test_twenty_thousand_messages_are_remembered() -> None:
    assert sent_messages._NEWEST == 20_000


async def test_an_edit_into_what_was_sent_is_not_asked_for(written: Written) -> None:
    await written.sends(**TEA)
    assert not await written.is_asked(**TEA)
    assert not await written.is_asked(BUTTONS, reply_markup=STOP)


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Milk"},
        {"entities": ()},
        {"entities": (MessageEntity("italic", 0, 3),)},
        {"reply_markup": MUTE},
        {"reply_markup": None},
    ],
)
async def test_an_edit_of_anything_is_asked_for_and_remembered(
    written: Written, change: dict[str, Any]
) -> None:
    await written.sends(**TEA)
    assert await written.is_asked(**(TEA | change))
    assert not await written.is_asked(**(TEA | change))
    assert await written.is_asked(**TEA)


async def test_no_formatting_is_the_same_however_it_is_said(written: Written) -> None:
    await written.sends(text="Tea")
    assert not await written.is_asked(text="Tea", entities=(), reply_markup=None)
    assert not await written.is_asked(text="Tea", entities=None)


@pytest.mark.parametrize("other", [{"number": 6}, {"chat_id": 2}])
async def test_another_message_is_another(written: Written, other: dict[str, Any]) -> None:
    await written.sends(**TEA)
    assert await written.is_asked(**TEA, **other)
    assert not await written.is_asked(**TEA, **other)


async def test_other_buttons_leave_the_words_as_they_are(written: Written) -> None:
    await written.sends(**TEA)
    assert await written.is_asked(BUTTONS, reply_markup=MUTE)
    assert not await written.is_asked(BUTTONS, reply_markup=MUTE)
    assert not await written.is_asked(**(TEA | {"reply_markup": MUTE}))
    assert await written.is_asked(BUTTONS)
    assert not await written.is_asked(BUTTONS)


async def test_buttons_of_a_message_whose_words_nobody_knows_tell_nothing(
    written: Written,
) -> None:
    assert await written.is_asked(BUTTONS, reply_markup=STOP)
    assert await written.is_asked(BUTTONS, reply_markup=STOP)


@pytest.mark.parametrize(
    ("answer", "is_known"),
    [
        (BadRequest("Message is not modified"), True),
        (BadRequest("Message to edit not found"), False),
        (NetworkError("gone"), False),
        (NetworkError("not modified"), False),
    ],
)
async def test_what_telegram_says_is_there_already_is_known_and_what_is_lost_is_not(
    written: Written, answer: Exception, is_known: bool
) -> None:
    await written.sends(text="Milk")
    with pytest.raises(type(answer)):
        await written.edits(**TEA, answer=answer)
    assert await written.is_asked(**TEA) is not is_known
    assert await written.is_asked(text="Milk")


@pytest.mark.parametrize("receipt", [True, {}, {"message_id": 0}, []])
async def test_a_receipt_without_a_number_tells_of_no_message(
    written: Written, receipt: Any
) -> None:
    assert await written.asks("sendMessage", answer=receipt, chat_id=1, **TEA) == receipt
    assert not written.sent._known


@pytest.mark.parametrize("endpoint", ["sendPhoto", "getChat", "editMessageCaption"])
async def test_only_words_and_buttons_are_remembered(written: Written, endpoint: str) -> None:
    receipt = {"message_id": 5}
    for _ in range(2):
        told = await written.asks(endpoint, answer=receipt, chat_id=1, message_id=5, **TEA)
        assert told == receipt
    assert (written.requests, len(written.sent._known)) == (2, 0)


@pytest.mark.parametrize("endpoint", [WORDS, BUTTONS])
async def test_an_inline_message_has_no_number_and_is_edited_each_time(
    written: Written, endpoint: str
) -> None:
    for _ in range(2):
        assert await written.asks(endpoint, inline_message_id="abc", **TEA) is True
    assert (written.requests, len(written.sent._known)) == (2, 0)


async def test_while_an_edit_is_under_way_nobody_knows_what_a_message_says(
    written: Written,
) -> None:
    await written.sends(text="Milk")
    answers = [asyncio.get_running_loop().create_future() for _ in range(2)]
    first = asyncio.ensure_future(written.edits(**TEA, answer=answers[0]))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(written.edits(text="Milk", answer=answers[1]))
    await asyncio.sleep(0)
    assert written.requests == 3
    for answer in reversed(answers):
        answer.set_result(True)
    await asyncio.gather(first, second)
    assert not written.sent._known
    assert not written.sent._edits


async def test_two_edits_one_after_the_other_are_both_known(written: Written) -> None:
    await written.sends(text="Milk")
    assert await written.is_asked(**TEA)
    assert written.sent._edits == {}
    assert await written.is_asked(text="Milk")
    assert not await written.is_asked(text="Milk")


async def test_of_two_edits_at_once_neither_is_known_whichever_ends_first(
    written: Written,
) -> None:
    for order in ((0, 1), (1, 0)):
        answers = [asyncio.get_running_loop().create_future() for _ in range(2)]
        edits = [
            asyncio.ensure_future(written.edits(text=text, answer=answer))
            for text, answer in zip(("Tea", "Milk"), answers, strict=True)
        ]
        await asyncio.sleep(0)
        for place in order:
            answers[place].set_result(True)
            await asyncio.sleep(0)
        await asyncio.gather(*edits)
        assert (len(written.sent._known), written.sent._edits) == (0, {})
