"""A chat's card rewritten: what Telegram is asked for, and what each of its answers means."""

from datetime import timedelta
from typing import Any

import pytest
from noting import Noting
from petitions import NOW, REF, petition
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.delivery.card_message import (
    LATELY,
    Edited,
    draw_card,
    edit_card,
    link_for_all,
    refresh_card,
)
from bot.delivery.rate_limiter import ALERT
from bot.messages.buttons import card_buttons, subscribe_link
from bot.messages.message import Message, Span
from bot.messages.petition.card import card
from bot.petitions.history import PetitionHistory
from bot.subscriptions.subscription import Subscription
from bot.telegram import render

HELD = Subscription(7, REF, NOW, card_id=55)
WORDS = Message("Free tea", (Span("bold", 0, 4),))
LATER = NOW + timedelta(hours=1)


def stand_ins(answer: Any = None) -> tuple[Any, Any]:
    bot: Any = Noting(edit_message_text=answer)
    bot.username = "tea_bot"
    return bot, Noting(readings=[[]])


@pytest.mark.parametrize(("asked_for", "how"), [(True, None), (False, ALERT)])
async def test_a_card_is_edited_where_it_stands_at_once_if_somebody_asked_for_it(
    asked_for: bool, how: str | None
) -> None:
    bot, storage = stand_ins()
    buttons = card_buttons(petition(), HELD, "")
    edited = await edit_card(bot, storage, HELD, WORDS, buttons, asked_for=asked_for)
    assert edited is Edited.CHANGED
    [call] = bot.calls
    assert call.args == ("Free tea",)
    assert call.how == {
        "chat_id": 7,
        "message_id": 55,
        "entities": render.entities(WORDS),
        "reply_markup": render.keyboard(buttons),
        "link_preview_options": render.NO_PREVIEW,
        "rate_limit_args": how,
    }
    assert storage.calls == []


async def test_unless_it_is_said_otherwise_somebody_asked_for_it() -> None:
    bot, storage = stand_ins()
    await edit_card(bot, storage, HELD, WORDS, [])
    assert bot.calls[0].how["rate_limit_args"] is None


async def test_a_chat_without_a_card_is_not_asked_to_edit_one() -> None:
    bot, storage = stand_ins()
    bare = Subscription(7, REF, NOW)
    assert await edit_card(bot, storage, bare, WORDS, []) is Edited.GONE
    assert not await refresh_card(bot, storage, PetitionHistory(petition(), NOW), bare, NOW)
    assert bot.calls == storage.calls == []


OUTCOMES: list[tuple[TelegramError, bool, Edited, bool]] = [
    (BadRequest("Message is not modified"), True, Edited.UNCHANGED, False),
    (BadRequest("Message is not modified"), False, Edited.UNCHANGED, False),
    (BadRequest("Message to edit not found"), True, Edited.GONE, True),
    (BadRequest("Message to edit not found"), False, Edited.GONE, True),
    (Forbidden("Forbidden: bot was kicked"), False, Edited.GONE, True),
    (NetworkError("gone"), True, Edited.GONE, False),
    (NetworkError("gone"), False, Edited.UNCHANGED, False),
    (RetryAfter(60), True, Edited.GONE, False),
    (RetryAfter(60), False, Edited.UNCHANGED, False),
]


@pytest.mark.parametrize(("error", "asked_for", "edited", "is_forgotten"), OUTCOMES)
async def test_only_a_card_that_is_gone_is_forgotten(
    error: TelegramError, asked_for: bool, edited: Edited, is_forgotten: bool
) -> None:
    bot, storage = stand_ins(error)
    assert await edit_card(bot, storage, HELD, WORDS, [], asked_for=asked_for) is edited
    assert storage.asked("keep_card") == ([(7, REF, None)] if is_forgotten else [])


@pytest.mark.parametrize(
    ("answer", "has_card"),
    [
        (None, True),
        (BadRequest("Message is not modified"), True),
        (BadRequest("Message to edit not found"), False),
        (NetworkError("gone"), True),
    ],
)
async def test_a_card_is_brought_up_to_date_behind_what_people_wait_for(
    answer: Any, has_card: bool
) -> None:
    bot, storage = stand_ins(answer)
    known = PetitionHistory(petition(), NOW)
    assert await refresh_card(bot, storage, known, HELD, LATER) is has_card
    [call] = bot.calls
    message = card(petition(), NOW, LATER, subscription=HELD, readings=[])
    assert call.args == (message.text,)
    assert call.how["rate_limit_args"] == ALERT
    assert storage.asked("readings") == [(REF, LATER - timedelta(days=8))]


async def test_a_card_in_a_group_has_a_link_for_everybody_who_reads_it() -> None:
    known = PetitionHistory(petition(), NOW)
    pressed = []
    for chat_id in (7, -7):
        bot, storage = stand_ins()
        held = Subscription(chat_id, REF, NOW, card_id=55)
        await refresh_card(bot, storage, known, held, NOW)
        pressed.append("tea_bot" in str(bot.calls[0].how["reply_markup"].to_dict()))
    assert pressed == [False, True]


@pytest.mark.parametrize("chat_id", [1, 4242, -1, -100_777])
def test_a_link_for_all_is_for_groups_and_channels(chat_id: int) -> None:
    expected = "" if chat_id > 0 else subscribe_link("tea_bot", REF)
    assert link_for_all("tea_bot", chat_id, REF) == expected


async def test_a_card_is_drawn_with_what_is_known_of_it() -> None:
    _, storage = stand_ins()
    since = NOW - timedelta(hours=3)
    drawn = await draw_card(
        storage,
        petition(),
        NOW,
        LATER,
        subscription=HELD,
        unreachable_since=since,
        follow_link="https://t.me/x",
    )
    message = card(petition(), NOW, LATER, subscription=HELD, unreachable_since=since, readings=[])
    assert drawn == (message, card_buttons(petition(), HELD, "https://t.me/x"))
    bare = await draw_card(storage, petition(), NOW, LATER)
    expected = card(petition(), NOW, LATER, subscription=None, readings=[])
    assert bare == (expected, card_buttons(petition(), None, ""))
    assert timedelta(days=8) == LATELY
