"""The rate limiter at its limits: what is held, refused and let through, and when."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from flying import FlyingTime
from flying import time as time
from pacing import Clock, OneRate, Telegram, result_of, waits
from structlog.testing import capture_logs
from telegram.error import RetryAfter

from bot.delivery import rate_limiter
from bot.delivery.rate_limiter import ALERT, SHARED_PER_SECOND, seconds
from bot.delivery.send_queue import Departure
from bot.errors import StorageError
from bot.telegram.fading import NEVER

__all__ = ["time"]

# --- the words of a refusal ----------------------------------------------------------------------


@pytest.mark.parametrize("wait", [7, 7.0, timedelta(seconds=7)])
def test_how_long_telegram_wants_us_to_wait_is_read_however_it_is_given(wait: Any) -> None:
    refusal = RetryAfter(1)
    refusal._retry_after = wait
    assert seconds(refusal) == 7.0


def test_the_limits_are_those_of_telegrams_documents() -> None:
    assert (SHARED_PER_SECOND, ALERT) == (29, "alert")


# --- a method and its kind -----------------------------------------------------------------------


@pytest.mark.parametrize(("wait", "held"), [(1, 1.0), (2, 2.0), (3, 2.0), (3500, 2.0)])
async def test_a_method_without_a_chat_is_held_for_two_seconds_at_most(
    wait: int, held: float
) -> None:
    telegram = Telegram()
    telegram.refusals[0] = [RetryAfter(wait)]
    await telegram.clock.run(telegram.asks("setMyCommands"))
    assert waits(await result_of(telegram, telegram.asks("setMyCommands"))) == held
    telegram.clock.now += held - 0.1
    assert waits(await result_of(telegram, telegram.asks("setMyCommands"))) == 0.1
    telegram.clock.now += 0.1
    assert await result_of(telegram, telegram.asks("setMyCommands")) is True


@pytest.mark.parametrize("endpoint", ["getChatMember", "banChatMember", "pinChatMessage"])
async def test_what_is_no_message_is_held_for_its_chat_as_long_as_telegram_says(
    endpoint: str,
) -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(90)]
    refused = await result_of(telegram, telegram.send(1, endpoint=endpoint, alert=False))
    assert waits(refused) == 90.0
    telegram.clock.now += 30
    again = await result_of(telegram, telegram.send(1, endpoint=endpoint, alert=False))
    assert waits(again) == 60.0
    assert telegram.when(1) == [0.0]
    telegram.clock.now += 60
    assert await result_of(telegram, telegram.send(1, endpoint=endpoint, alert=False)) is True
    chat = telegram.rate_limiter._chats.known[1]
    assert (chat.refused, chat.in_work) == ({}, 0)


@pytest.mark.parametrize(
    "endpoint", ["sendMessage", "editMessageText", "copyMessage", "forwardMessage", "sendPhoto"]
)
async def test_every_kind_of_message_counts(endpoint: str) -> None:
    telegram = Telegram()
    await telegram.clock.run(
        telegram.send(1, endpoint=endpoint), telegram.send(1, endpoint=endpoint)
    )
    assert telegram.when(1) == [0.0, 1.0]


async def test_the_rest_counts_for_nothing() -> None:
    telegram = Telegram()
    others = ("getChat", "deleteMessage", "answerCallbackQuery", "leaveChat")
    await telegram.clock.run(*(telegram.send(1, endpoint=each) for each in others))
    assert telegram.when(1) == [0.0] * 4
    assert telegram.rate_limiter._chats.known[1].spent_until < 0


# --- typing --------------------------------------------------------------------------------------


async def test_typing_uses_up_a_second_of_its_chat_and_no_answer() -> None:
    telegram = Telegram()
    typing = [telegram.send(1, endpoint="sendChatAction", alert=False) for _ in range(4)]
    results = await telegram.clock.run(*typing)
    assert results[:3] == [True] * 3
    assert waits(results[3]) == 1.0
    chat = telegram.rate_limiter._chats.known[1]
    assert (chat.spent_until - telegram.began, chat.answers) == (3.0, None)
    assert telegram.rate_limiter._overall.room(telegram.clock.now) == 27


async def test_typing_says_how_long_to_wait_and_a_second_at_least() -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(9)]
    await telegram.clock.run(telegram.send(1, endpoint="sendChatAction", alert=False))
    refused = telegram.send(1, endpoint="sendChatAction", alert=False)
    assert waits(await result_of(telegram, refused)) == 9.0
    telegram.clock.now += 8.5
    refused = telegram.send(1, endpoint="sendChatAction", alert=False)
    assert waits(await result_of(telegram, refused)) == 1.0


async def test_typing_is_not_shown_while_everything_may_be_refused() -> None:
    telegram = Telegram()
    await telegram.refuse_all(1)
    telegram.clock.now += 5
    typing = telegram.send(9, endpoint="sendChatAction", alert=False)
    assert waits(await result_of(telegram, typing)) == 1.0
    assert telegram.when(9) == []


# --- how many answers wait -----------------------------------------------------------------------


@pytest.mark.parametrize(("others", "waiting"), [(299, 5), (300, 1)])
async def test_a_chat_has_one_answer_waiting_once_three_hundred_wait(
    others: int, waiting: int
) -> None:
    telegram = Telegram()
    telegram.rate_limiter._answers_waiting = others
    chat = telegram.rate_limiter._chats.get(1, telegram.clock.now)
    chat.answers_waiting = waiting
    chat.spent_until = telegram.clock.now + 9.0
    assert waits(await result_of(telegram, telegram.send(1, alert=False))) == 7.0
    assert await result_of(telegram, telegram.send(2)) is True
    chat.answers_waiting = waiting - 1
    assert await result_of(telegram, telegram.send(1, alert=False)) is True
    assert chat.answers_waiting == waiting - 1
    assert telegram.rate_limiter._answers_waiting == others


async def test_alerts_that_wait_are_no_answers_that_wait() -> None:
    telegram = Telegram()
    waiting = [asyncio.ensure_future(telegram.send(1, alert=n % 2 == 0)) for n in range(6)]
    waiting.append(asyncio.ensure_future(telegram.send(1, alert=False)))
    await asyncio.sleep(0)
    limiter = telegram.rate_limiter
    counted = (limiter._chats.known[1].answers_waiting, limiter._answers_waiting)
    assert counted == (2, 2)  # three left at once, of them one alert
    assert limiter._chats.known[1].in_work == 4
    await telegram.clock.run(*waiting)
    assert (limiter._chats.known[1].answers_waiting, limiter._answers_waiting) == (0, 0)


# --- the pace ------------------------------------------------------------------------------------


async def test_four_leave_at_once_and_then_four_each_tenth_of_a_second_up_to_thirty() -> None:
    telegram = Telegram()
    await telegram.clock.run(*(telegram.send(chat) for chat in range(1, 35)))
    times = [round(at, 3) for at, _ in telegram.left]
    expected = [round(n // 4 / 10, 3) for n in range(30)]
    assert times[:30] == pytest.approx(expected, abs=0.001)
    assert times[30:] == pytest.approx([1.0] * 4, abs=0.001)


async def test_answers_leave_at_once_while_half_of_a_second_is_free() -> None:
    telegram = Telegram()
    await telegram.clock.run(*(telegram.send(chat, alert=False) for chat in range(1, 21)))
    at_once = [at for at, _ in telegram.left if at == 0.0]
    assert len(at_once) == 15
    assert telegram.left[15][0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("journey", "counted"), [(0.0, 0.0), (0.03, 0.03), (0.04, 0.04), (5, 0.04)]
)
async def test_a_message_counts_from_its_answer_or_from_soon_after_it_left(
    journey: float, counted: float
) -> None:
    telegram = Telegram()
    telegram.journey = journey
    await telegram.clock.run(telegram.send(1))
    [departure] = telegram.rate_limiter._overall._left
    assert departure.at - telegram.began == pytest.approx(counted)
    assert departure.left_at == telegram.began


@pytest.mark.parametrize(("rate", "opens_in"), [(30.0, 1.0), (20.0, 1.5), (12.0, 2.5)])
async def test_a_slower_rate_makes_the_second_of_thirty_longer(
    rate: float, opens_in: float
) -> None:
    telegram = Telegram()
    limiter, now = telegram.rate_limiter, telegram.clock.now
    limiter._pause._rate, limiter._pause._ended_at = rate, now
    for _ in range(30):
        limiter._overall.count(Departure(now))
    assert limiter._opens_at(now) == now + opens_in


async def test_who_is_heard_most_is_known_and_who_never_was_is_not() -> None:
    telegram = Telegram()
    limiter = telegram.rate_limiter
    limiter.heard(1)
    assert limiter.clamour(1) == telegram.clock.now
    limiter.heard(1)
    assert limiter.clamour(1) > telegram.clock.now
    assert limiter.clamour(2) == NEVER
    assert 2 not in limiter._chats.known


# --- how many alerts are taken on ----------------------------------------------------------------


@pytest.mark.parametrize(("within", "room"), [(0.01, 1), (0.1, 3), (0.5, 15), (1.0, 30)])
async def test_as_many_alerts_are_taken_on_as_leave_within_seconds(
    within: float, room: int
) -> None:
    assert Telegram().rate_limiter.room(within) == room


@pytest.mark.parametrize(("seconds", "room"), [(0.5, 14), (0.51, 15)])
async def test_alerts_that_leave_soon_take_the_place_of_others(seconds: float, room: int) -> None:
    telegram = Telegram()
    chat = telegram.rate_limiter._chats.get(1, telegram.clock.now)
    chat.spent_until = telegram.clock.now + seconds
    waiting = asyncio.ensure_future(telegram.send(1))
    await asyncio.sleep(0)
    assert telegram.rate_limiter.room(0.5) == room
    await telegram.clock.run(waiting)


@pytest.mark.parametrize(("after", "room"), [(0.0, 11), (0.9, 11), (1.0, 15), (1.9, 15)])
async def test_answers_of_the_last_second_are_expected_to_go_on(after: float, room: int) -> None:
    telegram = Telegram()
    await telegram.clock.run(*(telegram.send(chat, alert=False) for chat in range(1, 9)))
    telegram.clock.now += after
    assert telegram.rate_limiter.room(0.5) == room


async def test_alerts_and_answers_to_the_talkative_are_not_expected_to_go_on() -> None:
    telegram = Telegram()
    now = telegram.clock.now
    for chat in range(1, 5):
        talkative = telegram.rate_limiter._chats.get(chat, now)
        for _ in range(10):
            talkative.count(Departure(now - 30.0), alert=False)
        talkative.spent_until = now
    talk = [telegram.send(chat, alert=False) for chat in range(1, 5)]
    await telegram.clock.run(*talk, *(telegram.send(chat) for chat in range(11, 15)))
    assert telegram.rate_limiter.room(0.5) == 15


async def test_paid_ones_are_taken_on_besides() -> None:
    telegram = Telegram(paid_per_minute=25)
    assert telegram.rate_limiter.room(0.5) == 40
    await telegram.clock.run(*(telegram.send(chat) for chat in range(1, 14)))
    assert len(telegram.paid) == 9
    telegram.clock.now += 1
    assert telegram.rate_limiter.room(0.5) == 31
    telegram.clock.now += 59
    assert telegram.rate_limiter.room(0.5) == 40


async def test_the_last_that_may_be_paid_for_is() -> None:
    telegram = Telegram(paid_per_minute=1)
    await telegram.clock.run(*(telegram.send(chat) for chat in range(1, 10)))
    assert [at for at, _ in telegram.paid] == [0.0]


async def test_nothing_is_paid_for_while_everything_may_be_refused() -> None:
    telegram = Telegram(paid_per_minute=25)
    await telegram.refuse_all(1)
    await telegram.clock.run(telegram.send(7), telegram.send(8))
    assert telegram.paid == []


async def test_one_probe_is_taken_on_while_everything_may_be_refused() -> None:
    telegram = Telegram()
    await telegram.refuse_all(1)
    limiter = telegram.rate_limiter
    assert limiter.room(0.5) == 0
    telegram.clock.now += 2
    assert (limiter.room(0.5), limiter.paused_for) == (1, 0.0)
    limiter._pause.until = telegram.clock.now + 1
    waiting = []
    for chat in (8, 9):
        waiting.append(asyncio.ensure_future(telegram.send(chat)))
        await asyncio.sleep(0)
        limiter._pause.until = telegram.clock.now
        assert limiter.room(0.5) == 0
        limiter._pause.until = telegram.clock.now + 1
    await telegram.clock.run(*waiting)


async def test_one_probe_leaves_after_a_pause_rather_to_a_chat_that_was_not_refused() -> None:
    telegram = Telegram()
    await telegram.refuse_all(1)
    telegram.journey = 0.5
    telegram.clock.now += 1.5
    await telegram.clock.run(telegram.send(1), telegram.send(9), telegram.send(10))
    assert telegram.when(9) == [2.0]
    assert (telegram.when(1)[1:], telegram.when(10)) == ([2.5], [2.5])


# --- for how long everything is refused ----------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "refused_for"), [(0.0, 0.0), (20.0, 20.0), (84.9, 84.9), (85.0, 85.0), (85.1, 0.0)]
)
async def test_a_refusal_of_everything_is_known_until_long_after_the_waits_that_were_named(
    after: float, refused_for: float
) -> None:
    telegram = Telegram()
    assert telegram.rate_limiter.refused_for == 0.0
    await telegram.refuse_all(10)
    telegram.clock.now = telegram.began + after
    assert telegram.rate_limiter.refused_for == pytest.approx(refused_for)


async def test_the_longest_wait_that_was_named_counts() -> None:
    telegram = Telegram()
    for chat, wait in ((1, 10), (2, 50), (3, 20)):
        telegram.refusals[chat] = [RetryAfter(wait)]
    await telegram.clock.run(*(telegram.send(chat) for chat in (1, 2, 3)))
    telegram.clock.now += 125
    assert telegram.rate_limiter.refused_for == 125.0
    telegram.clock.now += 1
    assert telegram.rate_limiter.refused_for == 0.0


async def test_nothing_is_refused_once_a_probe_was_taken() -> None:
    telegram = Telegram()
    await telegram.refuse_all(10)
    with capture_logs() as lines:
        await telegram.clock.run(telegram.send(9))
    assert telegram.rate_limiter.refused_for == 0.0
    assert [line["event"] for line in lines] == ["Telegram may be limiting the whole bot: over"]


async def test_that_everything_may_be_refused_is_said_with_the_pause_and_the_rate() -> None:
    telegram = Telegram()
    with capture_logs() as lines:
        await telegram.refuse_all(10)
    [said] = lines
    assert (said["cause"], said["wait"], said["rate"]) == ("flood limit", 2.0, 30.0)


@pytest.mark.parametrize("more", [3, 20])
async def test_a_chat_refused_again_is_held_until_the_latest_that_was_named(more: int) -> None:
    telegram = Telegram()
    limiter = telegram.rate_limiter
    chat = limiter._chats.get(1, telegram.clock.now)
    for wait in (10, more):
        await limiter._refused(chat, "sendMessage", wait, Departure(telegram.clock.now))
    assert chat.refused == {"sendMessage": telegram.clock.now + max(10, more)}


@pytest.mark.parametrize(("wait", "left"), [(2.5, [0.0]), (3.0, []), (6.0, [])])
async def test_alerts_go_back_to_the_store_once_everything_pauses_for_more_than_five_seconds(
    wait: float, left: list[float]
) -> None:
    telegram = Telegram()
    limiter = telegram.rate_limiter
    limiter._pause.join(telegram.clock.now, 2 * wait)
    alert, answer = await telegram.clock.run(telegram.send(1), telegram.send(2, alert=False))
    assert answer is True
    assert (alert is True) is bool(left)
    if not left:
        assert waits(alert) == 2 * wait


# --- the shared rate -----------------------------------------------------------------------------


def shared() -> Telegram:
    return Telegram(shared=OneRate(Clock()))


async def test_a_place_costs_as_many_as_the_slowed_rate_makes_of_it() -> None:
    telegram, costs = shared(), []
    limiter = telegram.rate_limiter
    assert limiter._places is not None
    real = limiter._places.next

    async def next_place(cost: int) -> float:
        costs.append(cost)
        return await real(cost)

    limiter._places.next = next_place  # type: ignore[method-assign]
    await telegram.clock.run(telegram.send(1))
    limiter._pause._rate, limiter._pause._ended_at = 10.0, telegram.clock.now
    await telegram.clock.run(telegram.send(2))
    assert costs == [1, 3]


@pytest.mark.parametrize(("away", "passes"), [(1.9, True), (2.0, True), (2.1, True), (9.0, False)])
async def test_a_place_that_is_seconds_away_is_the_pause_of_another_process(
    away: float, passes: bool
) -> None:
    telegram = shared()
    rate: Any = telegram.rate_limiter._places
    rate._rate.next = telegram.clock.now + away
    alert = await result_of(telegram, telegram.send(1))
    assert (alert is True) is passes
    limiter = telegram.rate_limiter
    assert limiter._pause.began_at == (telegram.began if away > 2.0 else -float("inf"))
    assert limiter._fetching is None or limiter._fetching.done()
    if passes:
        assert telegram.when(1) == [pytest.approx(away, abs=0.05)]


async def test_each_message_takes_a_place_of_its_own() -> None:
    telegram = shared()
    await telegram.clock.run(*(telegram.send(chat, alert=chat > 2) for chat in (1, 2, 3)))
    places = [place / SHARED_PER_SECOND for place in (0, 1, 2)]
    assert [at for at, _ in telegram.left] == pytest.approx(places)


async def test_no_place_is_kept_that_nobody_needed() -> None:
    telegram = shared()
    await telegram.clock.run(telegram.send(1))
    assert telegram.rate_limiter._is_place_here is False
    assert telegram.rate_limiter._fetching is None


async def test_a_store_that_does_not_answer_within_a_second_keeps_nobody_waiting(
    time: FlyingTime,
) -> None:
    class Slow:
        async def slots(self, _: int) -> list[float]:
            await asyncio.sleep(1000)
            return [0.0]

        async def pause(self, _: float) -> None:
            await asyncio.sleep(1000)

    places = rate_limiter._Places(Slow(), lambda: time.now)  # type: ignore[arg-type]
    with capture_logs() as lines:
        assert await places.next(1) == 0.0
        assert time.passed == 1.0
        await places.pause(5.0)
        assert time.passed == 2.0
        places._rate = OneRate(Clock())  # type: ignore[assignment]
        assert await places.next(1) == 0.0
    said = [(line["event"], line.get("cause")) for line in lines]
    assert said == [
        ("the send rate cannot be shared", "TimeoutError"),
        ("the send rate cannot be shared: over", None),
    ]


async def test_a_store_that_is_away_is_not_paused() -> None:
    class Away:
        async def pause(self, _: float) -> None:
            raise StorageError("away")

    await rate_limiter._Places(Away(), lambda: 0.0).pause(5.0)  # type: ignore[arg-type]


async def test_a_process_that_may_be_refused_pauses_the_others_for_as_long() -> None:
    rate = OneRate(Clock())
    telegram = Telegram(shared=rate)
    await telegram.refuse_all(1)
    assert rate.next == telegram.clock.now + 2.0


async def test_an_edit_into_what_is_there_is_known_only_to_a_process_alone() -> None:
    assert Telegram().rate_limiter._sent is not None
    assert shared().rate_limiter._sent is None


# --- the end -------------------------------------------------------------------------------------


async def test_nothing_leaves_by_itself_after_the_end() -> None:
    telegram = Telegram()
    limiter = telegram.rate_limiter
    await limiter.initialize()
    await limiter.shutdown()  # nothing waits
    waiting = [asyncio.ensure_future(telegram.send(1)) for _ in range(2)]
    await asyncio.sleep(0)
    assert limiter._alarm is not None
    await asyncio.sleep(0)
    await limiter.shutdown()
    await asyncio.sleep(0)
    assert limiter._alarm.cancelled()
    waiting[1].cancel()
    await asyncio.wait(waiting)
    assert telegram.when(1) == [0.0]


async def test_the_alarm_is_set_for_whoever_may_leave_first() -> None:
    telegram = Telegram()
    limiter = telegram.rate_limiter
    chats = [limiter._chats.get(chat, telegram.clock.now) for chat in (1, 2, 3)]
    for chat, wait in zip(chats, (3.0, 2.0, 4.0), strict=True):
        chat.spent_until = telegram.clock.now + wait
    waiting = [asyncio.ensure_future(telegram.send(chat.id)) for chat in chats]  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert limiter._alarm_at == telegram.clock.now + 2.0
    await telegram.clock.run(*waiting)
    assert [(at, chat) for at, chat in telegram.left] == [(2.0, 2), (3.0, 1), (4.0, 3)]
    assert (limiter._alarm, limiter._alarm_at) == (None, float("inf"))
