"""How far a refusal reaches: its own chat and method, and everything only if that is proved."""

import pytest
from pacing import Clock, OneRate, Telegram
from telegram.error import BadRequest, NetworkError, RetryAfter

from bot.delivery.rate_limiter import ALERT

SLOW = (1, 2, 3)  # groups in slow mode


def slow_mode(telegram: Telegram, seconds: float = 3500) -> None:
    for chat in SLOW:
        telegram.slow[chat] = seconds


async def refuse_and_probe_in_vain(telegram: Telegram) -> None:
    """Three chats are refused, and so is the first that tries after the pause."""
    telegram.refuses_all = 3
    await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
    await telegram.clock.run(telegram.send(10))
    telegram.refuses_all = None


# --- the chat and method that were named ---------------------------------------------------------


async def test_a_card_that_may_not_be_edited_holds_neither_alerts_nor_answers() -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(3500)]
    (refused,) = await telegram.clock.run(telegram.send(1, endpoint="editMessageText", alert=False))
    assert isinstance(refused, RetryAfter)
    results = await telegram.clock.run(telegram.send(1), telegram.send(1, alert=False))
    assert results == [True, True]
    assert telegram.clock.now - telegram.began <= 2.0  # a chat's usual pace


async def test_a_card_that_may_not_be_edited_is_not_edited_in_another_way_meanwhile() -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(3500)]
    await telegram.clock.run(telegram.send(1, endpoint="editMessageText"))
    again, other = await telegram.clock.run(
        telegram.send(1, endpoint="editMessageReplyMarkup"),
        telegram.send(2, endpoint="editMessageText"),
    )
    assert isinstance(again, RetryAfter)
    assert other is True


@pytest.mark.parametrize("endpoint", ["sendPhoto", "sendDocument", "sendMediaGroup"])
async def test_a_refused_file_holds_files_of_its_kind_and_no_message(endpoint: str) -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(3500)]
    await telegram.clock.run(telegram.send(1, endpoint=endpoint))
    message, file = await telegram.clock.run(telegram.send(1), telegram.send(1, endpoint=endpoint))
    assert message is True
    assert isinstance(file, RetryAfter)


async def test_a_refused_message_holds_messages_to_that_chat_and_no_edit() -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(3500)]
    await telegram.clock.run(telegram.send(1))
    message, edit = await telegram.clock.run(
        telegram.send(1), telegram.send(1, endpoint="editMessageText")
    )
    assert isinstance(message, RetryAfter)
    assert edit is True


async def test_an_edit_that_waits_holds_up_no_message_behind_it() -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(50)]
    edit, answer = await telegram.clock.run(
        telegram.send(1, endpoint="editMessageText", alert=False),
        telegram.later(1.0, telegram.send(1, alert=False)),
    )
    assert edit is answer is True
    assert telegram.when(1) == [0.0, 1.0, 50.0]


@pytest.mark.parametrize("method", ["answerInlineQuery", "setMyCommands", "answerCallbackQuery"])
async def test_a_method_without_a_chat_holds_only_itself_and_not_for_long(method: str) -> None:
    telegram = Telegram()
    telegram.refusals[0] = [RetryAfter(3500)]
    (refused,) = await telegram.clock.run(telegram.asks(method))
    assert isinstance(refused, RetryAfter)
    again, other, message = await telegram.clock.run(
        telegram.asks(method), telegram.asks("getMe"), telegram.send(1)
    )
    assert isinstance(again, RetryAfter)
    assert other is message is True
    telegram.clock.now += 2.0
    assert await telegram.clock.run(telegram.asks(method)) == [True]


async def test_a_refused_look_at_a_chat_holds_only_such_looks_at_it() -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(60)]
    await telegram.clock.run(telegram.send(1, endpoint="getChatMember"))
    again, other, message = await telegram.clock.run(
        telegram.send(1, endpoint="getChatMember"),
        telegram.send(2, endpoint="getChatMember"),
        telegram.send(1),
    )
    assert isinstance(again, RetryAfter)
    assert other is message is True


# --- everything ----------------------------------------------------------------------------------


async def test_three_refused_chats_do_not_stop_a_fourth_for_more_than_seconds() -> None:
    telegram = Telegram()
    slow_mode(telegram)
    await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
    alert, answer = await telegram.clock.run(telegram.send(4), telegram.send(5, alert=False))
    assert alert is answer is True
    assert max(telegram.when(4) + telegram.when(5)) <= 2.0
    assert telegram.rate_limiter.rate == 30.0


async def test_a_refusal_of_everything_stops_everything_until_a_probe_passes() -> None:
    telegram = Telegram()
    telegram.refuses_all = 3
    await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
    assert telegram.rate_limiter.room(0.5) == 0
    assert telegram.rate_limiter.paused_for == 2.0
    telegram.journey = 0.05
    waiting = [telegram.send(chat, alert=False) for chat in range(10, 40)]

    async def mend() -> None:
        await telegram.clock.sleep(13.0)
        telegram.refuses_all = None

    results = await telegram.clock.run(*waiting, mend())
    assert set(results) == {True, None}
    times = [at for at, chat in telegram.left if chat >= 10]
    # A probe each: after two seconds, four more, and eight more, which is the first that is taken.
    assert [at for at in times if at < 14.12] == pytest.approx([2.0, 6.05, 14.1])
    assert telegram.rate_limiter.paused_for == 0.0
    assert times[-1] < 19.0


async def test_a_hold_doubles_no_further_than_a_minute() -> None:
    telegram = Telegram()
    telegram.refuses_all = 1
    await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
    for chat in range(10, 20):
        telegram.clock.now += telegram.rate_limiter.paused_for
        await telegram.clock.run(telegram.send(chat))
    assert telegram.rate_limiter.paused_for == 60.0


async def test_an_alert_goes_back_to_the_store_once_a_hold_is_longer_than_seconds() -> None:
    telegram = Telegram()
    await refuse_and_probe_in_vain(telegram)
    telegram.refuses_all = 3
    telegram.clock.now += telegram.rate_limiter.paused_for
    refused = await telegram.clock.run(*(telegram.send(chat) for chat in (11, 12)))
    assert [type(result) for result in refused] == [RetryAfter, RetryAfter]
    assert telegram.rate_limiter.paused_for == 8.0
    assert telegram.when(12) == []  # no more than one was asked for


async def test_chats_refused_again_and_again_hold_nobody_a_second_time() -> None:
    telegram = Telegram()
    slow_mode(telegram, seconds=20)
    await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
    await telegram.clock.run(telegram.send(4))
    for _ in range(5):
        telegram.clock.now += 20
        await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
        assert telegram.rate_limiter.paused_for == 0.0
    assert len(telegram.when(1)) == 6
    assert telegram.rate_limiter.rate == 30.0


async def test_a_chat_that_took_a_message_since_counts_again() -> None:
    telegram = Telegram()
    for _ in range(2):
        telegram.refuses_all = 20
        await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
        assert telegram.rate_limiter.paused_for == 2.0
        telegram.refuses_all = None
        telegram.clock.now += 20
        await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))


async def test_a_probe_goes_rather_to_a_chat_that_was_not_refused() -> None:
    telegram = Telegram()
    slow_mode(telegram, seconds=1)
    await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
    telegram.clock.now += 1.5
    await telegram.clock.run(telegram.send(1), telegram.send(4))
    assert telegram.when(4) == [2.0]
    assert telegram.rate_limiter.paused_for == 0.0


async def test_a_probe_of_a_chat_that_was_refused_before_doubles_nothing() -> None:
    telegram = Telegram()
    slow_mode(telegram, seconds=1)
    await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
    telegram.clock.now += 2
    await telegram.clock.run(telegram.send(1))
    assert telegram.rate_limiter.paused_for == 2.0
    assert telegram.rate_limiter.rate == 30.0


async def test_a_probe_refused_for_what_it_is_proves_that_messages_pass() -> None:
    telegram = Telegram()
    slow_mode(telegram)
    await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
    telegram.refusals[4] = [BadRequest("chat not found")]
    await telegram.clock.run(telegram.send(4), telegram.send(5))
    assert telegram.when(5) == [2.0]


async def test_what_left_after_the_refused_ones_and_is_taken_ends_the_hold_at_once() -> None:
    telegram = Telegram()
    slow_mode(telegram)
    telegram.journey = 0.2
    groups = [telegram.send(chat) for chat in SLOW]
    await telegram.clock.run(*groups, telegram.later(0.1, telegram.send(4)))
    assert telegram.when(4) == pytest.approx([0.1])
    assert telegram.rate_limiter.paused_for == 0.0


async def test_what_left_before_the_refused_ones_and_is_taken_ends_no_hold() -> None:
    telegram = Telegram()

    async def slowly() -> bool:
        await telegram.clock.sleep(0.5)
        return True

    data = {"chat_id": 4}
    slow = telegram.rate_limiter.process_request(slowly, (), {}, "sendMessage", data, ALERT)
    slow_mode(telegram)
    groups = [telegram.later(0.1, telegram.send(chat)) for chat in SLOW]
    await telegram.clock.run(slow, *groups)
    assert telegram.rate_limiter.paused_for == pytest.approx(2.1 - 0.5)


async def test_a_probe_lost_on_its_way_is_followed_by_another() -> None:
    telegram = Telegram()
    slow_mode(telegram)
    await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
    telegram.refusals[4] = [NetworkError("gone")]
    _, passed = await telegram.clock.run(telegram.send(4), telegram.send(5))
    assert passed is True
    assert telegram.when(5) == [4.0]


async def test_a_probe_that_hangs_is_followed_by_another() -> None:
    telegram = Telegram()
    slow_mode(telegram)
    await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
    data = {"chat_id": 4}

    async def hang() -> bool:
        await telegram.clock.sleep(40)
        return True

    hanging = telegram.rate_limiter.process_request(hang, (), {}, "sendMessage", data, ALERT)
    await telegram.clock.run(hanging, telegram.send(5))
    assert telegram.when(5) == [4.0]


async def test_room_is_for_one_probe_until_it_is_back() -> None:
    telegram = Telegram()
    slow_mode(telegram)
    await telegram.clock.run(*(telegram.send(chat) for chat in SLOW))
    telegram.clock.now += 2
    assert telegram.rate_limiter.room(0.5) == 1
    await telegram.clock.run(telegram.send(4))
    assert telegram.rate_limiter.room(0.5) == 15


async def test_a_refusal_of_everything_halves_the_rate_which_recovers_slowly() -> None:
    telegram = Telegram()
    await refuse_and_probe_in_vain(telegram)
    telegram.clock.now += telegram.rate_limiter.paused_for
    await telegram.clock.run(telegram.send(11))
    assert telegram.rate_limiter.rate == 15.0
    telegram.clock.now += 20
    assert telegram.rate_limiter.rate == pytest.approx(20.0)
    telegram.clock.now += 1_000_000
    assert telegram.rate_limiter.rate == 30.0


async def test_a_second_hold_soon_after_the_first_halves_the_rate_too() -> None:
    telegram = Telegram()
    await telegram.refuse_all(1)
    await telegram.clock.run(telegram.send(10))
    for chat in (11, 12, 13):
        telegram.refusals[chat] = [RetryAfter(1)]
    await telegram.clock.run(*(telegram.send(chat) for chat in (11, 12, 13)))
    assert telegram.rate_limiter.rate == 15.0


# --- several processes ---------------------------------------------------------------------------


async def test_three_refused_chats_stop_no_other_process_for_more_than_seconds() -> None:
    rate = OneRate(Clock())
    one, other = Telegram(shared=rate), Telegram(shared=rate)
    slow_mode(one)
    await rate.clock.run(*(one.send(chat) for chat in SLOW))
    assert await rate.clock.run(other.send(10), one.send(11)) == [True, True]
    assert rate.clock.now - one.began < 2.5


async def test_a_refusal_of_everything_holds_the_other_processes_too() -> None:
    rate = OneRate(Clock())
    one, other = Telegram(shared=rate), Telegram(shared=rate)
    await refuse_and_probe_in_vain(one)
    one.refuses_all = 3
    rate.clock.now += one.rate_limiter.paused_for
    await rate.clock.run(one.send(11))  # everything is held for eight seconds
    (refused,) = await rate.clock.run(other.send(10))
    assert isinstance(refused, RetryAfter)
    assert other.left == []
    assert other.rate_limiter.room(0.5) == 0
    rate.clock.now += 8
    assert await rate.clock.run(other.send(10), other.send(12)) == [True, True]


# --- what is remembered --------------------------------------------------------------------------


async def test_chats_long_silent_are_forgotten_and_held_ones_are_not() -> None:
    telegram = Telegram()
    chats = telegram.rate_limiter._chats
    chats.sweep_at = 10
    await telegram.clock.run(*(telegram.send(chat) for chat in range(1, 10)))
    telegram.refusals[77] = [RetryAfter(500)]
    await telegram.clock.run(telegram.send(77))
    telegram.clock.now += 100
    await telegram.clock.run(telegram.send(78))
    assert set(chats.known) == {77, 78}


async def test_a_chat_with_a_message_on_its_way_is_not_forgotten() -> None:
    telegram = Telegram()
    chats = telegram.rate_limiter._chats
    chats.sweep_at = 1
    telegram.journey, telegram.slow[1] = 30.0, 500
    refused, _ = await telegram.clock.run(telegram.send(1), telegram.later(20.0, telegram.send(2)))
    assert isinstance(refused, RetryAfter)
    assert chats.known[1].refused


async def test_ten_thousand_chats_take_the_memory_of_those_of_the_last_minute() -> None:
    telegram = Telegram()
    for chat in range(10_000):
        telegram.clock.now += 1
        await telegram.send(chat + 1, alert=bool(chat % 2))
    assert len(telegram.rate_limiter._chats.known) <= 1000
