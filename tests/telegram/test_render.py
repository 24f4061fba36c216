"""Messages as values, and what python-telegram-bot makes of them."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Chat, Message, MessageEntity
from telegram.constants import InlineKeyboardButtonLimit, MessageEntityType, MessageLimit

from bot.app import utc_now
from bot.messages.buttons import PRESS_LIMIT, Button
from bot.messages.message import (
    SPAN_LIMIT,
    TEXT_LIMIT,
    Style,
    bold,
    compose,
    italic,
    joined,
    link,
    split,
)
from bot.messages.petition.share import COPY_LIMIT, InlineResult
from bot.telegram import render

ROOT = Path(__file__).parent.parent.parent
EVERY_BUTTON = [
    [Button("Press", press="mute|uk:1|"), Button("Lead", url="https://a.uk/1")],
    [Button("Copy", copy="https://a.uk/1"), Button("Send", share="uk:1")],
]


def covered(text: str, entity: MessageEntity) -> str:
    """What Telegram, which counts UTF-16 code units, takes an entity to cover."""
    units = text.encode("utf-16-le")
    return units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")


def telegrams(text: str = "x", **content: object) -> Message:
    return Message(1, utc_now(), Chat(1, "private"), text=text, **content)  # type: ignore[arg-type]


def test_limits_and_styles_are_telegrams() -> None:
    assert TEXT_LIMIT == MessageLimit.MAX_TEXT_LENGTH
    assert SPAN_LIMIT == MessageLimit.MESSAGE_ENTITIES
    assert PRESS_LIMIT == InlineKeyboardButtonLimit.MAX_CALLBACK_DATA
    assert COPY_LIMIT == InlineKeyboardButtonLimit.MAX_COPY_TEXT
    assert set(get_args(Style)) <= {str(each.value) for each in MessageEntityType}


def test_entities_are_counted_in_utf16_units() -> None:
    message = compose("🏴 ", bold("Tea"), " ", link("page", "https://a.uk"))
    assert [(e.type, e.offset, e.length, e.url) for e in render.entities(message)] == [
        ("bold", 3, 3, None),
        ("text_link", 7, 4, "https://a.uk"),
    ]


@given(st.lists(st.text(alphabet="ab \n🏴é", max_size=40), max_size=6), st.integers(8, 60))
def test_an_entity_covers_what_its_span_does(texts: list[str], limit: int) -> None:
    whole = joined(*(compose(bold(text, italic(text)), text) for text in texts))
    for part in split(whole, limit):
        assert [covered(part.text, entity) for entity in render.entities(part)] == [
            span.of(part.text) for span in part.spans
        ]


def test_a_button_does_what_its_value_says() -> None:
    markup = render.keyboard(EVERY_BUTTON)
    assert markup is not None
    (press, lead), (copy, send) = markup.inline_keyboard
    assert press.to_dict() == {"text": "Press", "callback_data": "mute|uk:1|"}
    assert lead.to_dict() == {"text": "Lead", "url": "https://a.uk/1"}
    assert copy.to_dict() == {"text": "Copy", "copy_text": {"text": "https://a.uk/1"}}
    assert send.to_dict()["switch_inline_query_chosen_chat"]["query"] == "uk:1"


def test_the_buttons_beneath_a_message_are_read_back_as_they_were() -> None:
    sent = telegrams(reply_markup=render.keyboard(EVERY_BUTTON))
    assert render.read_keyboard(sent) == EVERY_BUTTON
    assert render.read_keyboard(telegrams()) is None


def test_a_message_without_buttons_has_none() -> None:
    assert render.keyboard(None) is None


@pytest.mark.parametrize("address", ["https://a.uk/1", "https://a.uk/2"])
def test_a_message_says_the_same_only_where_its_links_lead_to_the_same(address: str) -> None:
    there = compose("🏴 ", link("page", "https://a.uk/1"))
    sent = telegrams(there.text, entities=render.entities(there))
    wanted = compose("🏴 ", link("page", address))
    assert render.says(sent, wanted, None) == (address == "https://a.uk/1")
    assert not render.says(sent, wanted, EVERY_BUTTON)


@pytest.mark.parametrize(
    "made",
    [
        "MessageEntity",
        "InlineKeyboardButton",
        "InlineKeyboardMarkup",
        "ReplyKeyboardMarkup",
        "ForceReply",
        "InlineQueryResultArticle",
        "InlineQueryResultsButton",
    ],
)
def test_nothing_else_makes_entities_or_keyboards(made: str) -> None:
    files = (*ROOT.glob("bot/**/*.py"), *ROOT.glob("handlers/*.py"))
    makers = {path.name for path in files if f"{made}(" in path.read_text(encoding="utf-8")}
    assert makers == {"render.py"}


@pytest.mark.parametrize("said", ["\u202eTea\u200b", "Tea\x00\ud800", "\u2800T\u00adea"], ids=ascii)
def test_what_deceives_is_on_no_button_and_above_no_result(said: str) -> None:
    (row,) = render.keyboard([[Button(said, press="x"), Button(said, copy="x")]]).inline_keyboard
    assert {key.text for key in row} == {"Tea"}
    result = render.article(InlineResult("1", said, compose("x"), said))
    assert (result.title, result.description) == ("Tea", "Tea")


def test_a_button_without_a_word_does_not_cost_the_message() -> None:
    """Telegram refuses the whole message for one that says nothing."""
    (row,) = render.keyboard([[Button("\u200b \u3164", press="x")]]).inline_keyboard
    assert row[0].text == "…"


def test_what_a_button_says_stays_as_it_is() -> None:
    (row,) = render.keyboard([[Button("✓ Ynys Môn 👩‍👧", press="x")]]).inline_keyboard
    assert row[0].text == "✓ Ynys Môn 👩‍👧"
