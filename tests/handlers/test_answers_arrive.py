"""What somebody asked for is answered, though Telegram falters while the answer is on its way."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bell import READER, TEA, Json, Village, open_petition
from pacing import Clock
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity
from telegram.error import BadRequest, NetworkError, TelegramError, TimedOut
from telegram_stand_in import BotApi

from bot.app import utc_now
from bot.delivery.rate_limiter import ALERT, RateLimiter
from bot.local_time import LONDON_ZONE
from bot.telegram.errors import NotConnected

GATEWAY = b"<html><h1>502 Bad Gateway</h1></html>"
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"
UNTRUE = re.compile("nothing has changed|Nothing was deleted|went wrong", re.IGNORECASE)

Trouble = Callable[[BotApi, str], None]


def gateway(api: BotApi, method: str) -> None:
    api.refuse(None, 502, "Bad Gateway", method=method, times=2)


def proxy_page(api: BotApi, method: str) -> None:
    api.answer_with(GATEWAY, 502, method=method, times=2)


def unavailable(api: BotApi, method: str) -> None:
    api.refuse(None, 503, "Service Unavailable", method=method, times=2)


def not_taken(api: BotApi, method: str) -> None:
    api.reset(method=method, times=2)


def answer_lost(api: BotApi, method: str) -> None:
    api.lose_answer(method=method, times=1)


def unreadable(api: BotApi, method: str) -> None:
    api.answer_with(GATEWAY, 200, method=method, times=1)


TROUBLES = [gateway, proxy_page, unavailable, not_taken, answer_lost, unreadable]


def said(village: Village) -> list[str]:
    return [m.get("text", "") for m in village.api.messages(READER)]


def says_nothing_untrue(village: Village) -> bool:
    return not any(map(UNTRUE.search, said(village)))


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_subscribing_is_answered(village: Village, trouble: Trouble) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.site.put(TEA + 1, open_petition(action="Coffee"))
        trouble(village.api, "sendMessage")
        await village.reader.ask(f"/subscribe {TEA + 1}", "You're now following")
    assert says_nothing_untrue(village)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_erasing_everything_is_answered(village: Village, trouble: Trouble) -> None:
    async with village.bell():
        await village.reader.subscribes()
        question = await village.reader.ask("/forget", "Delete everything")
        trouble(village.api, "editMessageText")
        village.reader.tap(question, "Delete")
        await village.reader.sees_edit(question, "Deleted")
        # Whoever presses twice, for want of an answer, is told the same.
        await village.reader.ask("/subscriptions", "You're not following anything yet")
    assert says_nothing_untrue(village)


async def test_erasing_is_told_anew_where_the_question_cannot_be_rewritten(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        question = await village.reader.ask("/forget", "Delete everything")
        village.api.refuse(None, 502, "Bad Gateway", method="editMessageText", times=None)
        village.api.refuse(None, 400, TOO_OLD, method="answerCallbackQuery", times=None)
        village.reader.tap(question, "Delete")
        await village.reader.hears("Deleted")
    assert says_nothing_untrue(village)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_muting_is_seen_on_the_button_and_in_the_note(
    village: Village, trouble: Trouble
) -> None:
    async with village.bell():
        began = await village.reader.subscribes()
        trouble(village.api, "editMessageReplyMarkup")
        query = village.reader.tap(began, "Make silent")
        assert "will arrive silently" in await village.reader.sees_note(query)
        now = next(
            m for m in village.api.messages(READER) if m["message_id"] == village.reader.read
        )
        assert "Turn sound on" in str(now["reply_markup"])
    assert says_nothing_untrue(village)


@pytest.mark.parametrize("trouble", [gateway, proxy_page, unavailable, not_taken])
async def test_a_note_is_given_again(village: Village, trouble: Trouble) -> None:
    async with village.bell():
        began = await village.reader.subscribes()
        trouble(village.api, "answerCallbackQuery")
        assert "will arrive silently" in await village.reader.sees_note(
            village.reader.tap(began, "Make silent")
        )
        assert village.reader.unread() == []


async def test_a_note_that_telegram_never_takes_is_said_aloud(village: Village) -> None:
    async with village.bell():
        began = await village.reader.subscribes()
        village.api.refuse(None, 502, "Bad Gateway", method="answerCallbackQuery", times=None)
        village.reader.tap(began, "Make silent")
        await village.reader.hears("will arrive silently")


async def test_that_a_press_is_too_old_for_a_note_is_no_failure(village: Village) -> None:
    async with village.bell():
        began = await village.reader.subscribes()
        village.api.refuse(None, 400, TOO_OLD, method="answerCallbackQuery")
        village.reader.tap(began, "Make silent")
        await village.api.wait_for(lambda api: api.calls_to("editMessageReplyMarkup"))
        await village.reader.ask("/settings", "Settings")
        assert len(village.api.calls_to("answerCallbackQuery")) == 2  # of consent, and of Mute
    assert says_nothing_untrue(village)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_choice_in_the_settings_is_shown(village: Village, trouble: Trouble) -> None:
    async with village.bell():
        await village.reader.subscribes()
        page = await village.reader.ask("/settings", "Settings")
        trouble(village.api, "editMessageText")
        village.reader.tap(page, "Quiet")
        await village.reader.sees_edit(page, "Quiet hours")
    assert says_nothing_untrue(village)


async def test_what_telegram_refuses_for_good_is_not_sent_again(village: Village) -> None:
    async with village.bell():
        village.api.refuse(READER, 403, "Forbidden: bot was blocked by the user", times=None)
        village.reader.say("/about")
        await village.api.wait_for(lambda api: len(api.calls_to("sendMessage")) >= 2)
        village.api.accept_everything()
        await village.reader.ask("/help", "What I can do")
        # The answer, and that it failed: each once.
        assert len(village.api.calls_to("sendMessage")) == 3


class Telegram:
    """Answers requests with these outcomes, one after the other, on a clock of the test's."""

    def __init__(self, *outcomes: Json | TelegramError) -> None:
        self.outcomes = list(outcomes)
        self.tries = 0
        self.waits: list[float] = []
        self._clock = Clock()
        self._rate_limiter = RateLimiter(now=self._clock, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await self._clock.sleep(seconds)

    async def _post(self, _: str, __: Json) -> Json:
        self.tries += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, TelegramError):
            raise outcome
        return outcome

    async def asks(self, endpoint: str, *, alert: bool = False, **data: Any) -> None:
        request = self._rate_limiter.process_request(
            self._post, (endpoint, data), {}, endpoint, data, ALERT if alert else None
        )
        (result,) = await self._clock.run(request)
        if isinstance(result, TelegramError):
            raise result

    async def sends(self, text: str, *, alert: bool = False) -> None:
        await self.asks("sendMessage", alert=alert, chat_id=1, text=text)

    async def edits(self, text: str) -> None:
        await self.asks("editMessageText", chat_id=1, message_id=2, text=text)


TAKEN = {"message_id": 2}
BAD_GATEWAY = NetworkError("Bad Gateway")


async def test_what_hangs_is_sent_once_more() -> None:
    telegram = Telegram(*[TimedOut()] * 9)
    with pytest.raises(TimedOut):
        await telegram.sends("Deleted")
    assert telegram.tries == 2


async def test_an_edit_that_hangs_is_made_again_since_twice_is_once() -> None:
    telegram = Telegram(TimedOut(), TimedOut(), TimedOut(), TAKEN)
    await telegram.edits("Deleted")
    assert telegram.tries == 4


async def test_where_no_connection_came_about_nothing_can_arrive_twice() -> None:
    telegram = Telegram(*[NotConnected()] * 4, TAKEN)
    await telegram.sends("Deleted")
    assert telegram.tries == 5
    waits = [wait for wait in telegram.waits if wait >= 0.5]
    assert waits == sorted(set(waits))


async def test_nothing_is_tried_for_ever() -> None:
    telegram = Telegram(*[BAD_GATEWAY] * 50)
    with pytest.raises(NetworkError):
        await telegram.sends("Deleted")
    assert telegram.tries == 5
    assert sum(wait for wait in telegram.waits if wait > 0) < 30


async def test_an_alert_is_not_sent_again_here_but_from_the_store() -> None:
    telegram = Telegram(*[BAD_GATEWAY] * 9)
    with pytest.raises(NetworkError):
        await telegram.sends("10,000", alert=True)
    assert telegram.tries == 1


async def test_that_somebody_types_is_not_shown_again() -> None:
    telegram = Telegram(*[BAD_GATEWAY] * 9)
    with pytest.raises(NetworkError):
        await telegram.asks("sendChatAction", chat_id=1)
    assert telegram.tries == 1


async def test_who_is_an_admin_is_asked_again() -> None:
    telegram = Telegram(BAD_GATEWAY, TAKEN)
    await telegram.asks("getChatMember", chat_id=-1, user_id=7)
    assert telegram.tries == 2


# --- no edit into what is there already ----------------------------------------------------------


async def test_an_unchanged_edit_of_any_kind_is_not_even_sent() -> None:
    telegram = Telegram(*[TAKEN] * 9)
    await telegram.sends("84")
    for _ in range(2):
        with pytest.raises(BadRequest, match="not modified"):
            await telegram.edits("84")
    assert telegram.tries == 1
    await telegram.edits("97")
    await telegram.edits("84")
    assert telegram.tries == 3


async def test_the_same_text_with_other_buttons_is_an_edit() -> None:
    telegram = Telegram(*[TAKEN] * 9)
    mute, unmute = (
        InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=label)]])
        for label in ("Make silent", "Turn sound on")
    )
    message = {"chat_id": 1, "message_id": 2}
    await telegram.asks("sendMessage", chat_id=1, text="84", reply_markup=mute)
    await telegram.asks("editMessageReplyMarkup", **message, reply_markup=unmute)
    with pytest.raises(BadRequest, match="not modified"):
        await telegram.asks("editMessageReplyMarkup", **message, reply_markup=unmute)
    with pytest.raises(BadRequest, match="not modified"):
        await telegram.asks("editMessageText", **message, text="84", reply_markup=unmute)
    await telegram.asks("editMessageText", **message, text="84", reply_markup=mute)
    assert telegram.tries == 3


async def test_the_same_text_that_leads_elsewhere_is_an_edit() -> None:
    telegram = Telegram(*[TAKEN] * 9)
    for address in ("https://a.example", "https://b.example"):
        link = MessageEntity("text_link", 0, 2, url=address)
        await telegram.asks("editMessageText", chat_id=1, message_id=2, text="84", entities=[link])
    assert telegram.tries == 2


async def test_what_nobody_knows_of_is_edited() -> None:
    telegram = Telegram(BadRequest("Message to edit not found"), TAKEN)
    with pytest.raises(BadRequest, match="not found"):
        await telegram.edits("84")
    await telegram.edits("84")
    assert telegram.tries == 2


async def test_what_telegram_calls_unchanged_is_known_from_then_on() -> None:
    telegram = Telegram(BadRequest("Message is not modified: …"))
    for _ in range(2):
        with pytest.raises(BadRequest, match="not modified"):
            await telegram.edits("84")
    assert telegram.tries == 1


async def test_a_message_whose_edit_was_lost_may_say_either() -> None:
    telegram = Telegram(TAKEN, *[BAD_GATEWAY] * 5, TAKEN)
    await telegram.sends("84")
    with pytest.raises(NetworkError):
        await telegram.edits("97")
    await telegram.edits("84")
    assert telegram.outcomes == []


async def test_the_same_card_twice_is_not_edited_and_said_to_be_what_it_is(
    village: Village,
) -> None:
    now = utc_now()
    async with village.bell(now=lambda: now):
        await village.reader.subscribes()
        card = await village.reader.ask(f"/petition {TEA}", "84 of 10,000")
        edits = len(village.api.calls_to("editMessageText"))
        note = await village.reader.ask(f"/petition {TEA}", "Nothing new since")
        assert note["reply_to_message"]["message_id"] == card["message_id"]
        assert len(village.api.calls_to("editMessageText")) == edits
        village.site.edit(TEA, signature_count=97)
        await village.reader.ask(f"/petition {TEA}", "Here it is ↑")
        assert len(village.api.calls_to("editMessageText")) == edits + 1


async def test_a_card_that_differs_by_its_age_alone_is_not_called_updated(
    village: Village,
) -> None:
    now = utc_now()
    async with village.bell(now=lambda: now):
        await village.reader.subscribes()
        card = await village.reader.ask(f"/petition {TEA}", "84 of 10,000")
        now += timedelta(minutes=1)
        await village.looked()
        await village.reader.ask(f"/petition {TEA}", "Nothing new since")
        later = now.astimezone(LONDON_ZONE).strftime("%H:%M")
        await village.reader.sees_edit(card, f"Figures from {later}")


async def test_what_a_new_bot_does_not_know_telegram_tells_it(village: Village) -> None:
    now = utc_now()
    async with village.bell(now=lambda: now):
        await village.reader.subscribes()
        await village.reader.ask(f"/petition {TEA}", "84 of 10,000")
    async with village.bell(now=lambda: now):
        await village.reader.ask(f"/petition {TEA}", "Nothing new since")
