"""The rate limiter at its limits: what is tried again, held, refused and let through, and when."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from flying import FlyingTime
from flying import time as time
from pacing import Clock, OneRate, Telegram
from structlog.testing import capture_logs
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.delivery import rate_limiter
from bot.delivery.rate_limiter import ALERT, SHARED_PER_SECOND, RateLimiter, _Again, seconds
from bot.delivery.send_queue import Departure
from bot.errors import StorageError
from bot.telegram.errors import NotConnected, Unanswered
from bot.telegram.fading import NEVER

__all__ = ["time"]

LOST = NetworkError("gone")


async def result_of(telegram: Telegram, *work: Any) -> Any:
    [result] = await telegram.clock.run(*work)
    return result


def waits(result: Any) -> float:
    """How long somebody who came too soon is to wait."""
    assert isinstance(result, RetryAfter)
    return round(seconds(result), 6)


# --- the words of a refusal ----------------------------------------------------------------------


@pytest.mark.parametrize("wait", [7, 7.0, timedelta(seconds=7)])
def test_how_long_telegram_wants_us_to_wait_is_read_however_it_is_given(wait: Any) -> None:
    refusal = RetryAfter(1)
    refusal._retry_after = wait
    assert seconds(refusal) == 7.0


def test_the_limits_are_those_of_telegrams_documents() -> None:
    assert (SHARED_PER_SECOND, ALERT) == (29, "alert")


# --- what is tried again -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "times", "arrives"),
    [
        ([LOST], [0.0, 0.5], True),
        ([LOST] * 2, [0.0, 0.5, 1.5], True),
        ([LOST] * 4, [0.0, 0.5, 1.5, 3.5, 7.5], True),
        ([LOST] * 5, [0.0, 0.5, 1.5, 3.5, 7.5], False),
        ([TelegramError("unreadable")], [0.0, 0.5], True),
        ([Unanswered("?")] * 3, [0.0, 0.5, 1.5, 3.5], True),
        ([NotConnected()] * 3, [0.0, 0.5, 1.5, 3.5], True),
        ([TimedOut()], [0.0, 0.5], True),
        ([TimedOut()] * 2, [0.0, 0.5], False),
        ([LOST, TimedOut(), LOST], [0.0, 0.5, 1.5, 3.5], True),
        ([BadRequest("no")], [0.0], False),
        ([Forbidden("no")], [0.0], False),
        ([ChatMigrated(-7)], [0.0], False),
    ],
)
async def test_an_answer_that_is_lost_on_its_way_is_sent_again_a_few_times(
    failures: list[TelegramError], times: list[float], arrives: bool
) -> None:
    telegram = Telegram()
    telegram.refusals[1] = list(failures)
    result = await result_of(telegram, telegram.send(1, alert=False))
    assert (result is True) is arrives
    assert telegram.when(1)[:2] == times[:2]
    assert len(telegram.when(1)) == len(times)
    if not arrives:
        assert result is failures[-1]


async def test_that_an_answer_is_sent_again_is_said() -> None:
    telegram = Telegram()
    telegram.refusals[1] = [LOST]
    with capture_logs() as lines:
        await telegram.clock.run(telegram.send(1, alert=False, endpoint="editMessageText"))
    [said] = [line for line in lines if line["event"] == "an answer is sent again"]
    assert (said["kind"], said["error"]) == ("edit", "NetworkError")


@pytest.mark.parametrize(
    ("endpoint", "failures", "tries", "arrives"),
    [
        ("editMessageText", [TimedOut()] * 4, 5, True),
        ("editMessageText", [TimedOut()] * 5, 5, False),
        ("editMessageReplyMarkup", [TimedOut()] * 4, 5, True),
        ("sendPhoto", [TimedOut()] * 4, 2, False),
    ],
)
async def test_an_edit_may_be_made_more_than_once_after_a_timeout(
    endpoint: str, failures: list[TelegramError], tries: int, arrives: bool
) -> None:
    telegram = Telegram()
    telegram.refusals[1] = list(failures)
    result = await result_of(telegram, telegram.send(1, alert=False, endpoint=endpoint))
    assert (result is True, len(telegram.when(1))) == (arrives, tries)


@pytest.mark.parametrize("failure", [LOST, TimedOut(), NotConnected(), TelegramError("?")])
async def test_an_alert_is_not_sent_again_from_here(failure: TelegramError) -> None:
    telegram = Telegram()
    telegram.refusals[1] = [failure]
    assert await result_of(telegram, telegram.send(1)) is failure
    assert telegram.when(1) == [0.0]


async def test_an_answer_is_tried_three_times_against_a_flood_limit_and_an_alert_once() -> None:
    telegram = Telegram()
    telegram.refusals |= {1: [RetryAfter(2)] * 9, 2: [RetryAfter(2)] * 9}
    answer, alert = await telegram.clock.run(telegram.send(1, alert=False), telegram.send(2))
    assert (waits(answer), waits(alert)) == (2.0, 2.0)
    assert (telegram.when(1), telegram.when(2)) == ([0.0, 2.0, 4.0], [0.0])


@pytest.mark.parametrize(
    ("alert", "wait", "is_waited_for"),
    [(True, 5, True), (True, 6, False), (False, 60, True), (False, 61, False)],
)
async def test_an_alert_waits_five_seconds_for_its_chat_and_an_answer_sixty(
    alert: bool, wait: int, is_waited_for: bool
) -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(wait)]
    await telegram.clock.run(telegram.send(1))
    result = await result_of(telegram, telegram.send(1, alert=alert))
    assert (result is True) is is_waited_for
    assert telegram.when(1) == ([0.0, float(wait)] if is_waited_for else [0.0])


@pytest.mark.parametrize(
    ("waiting", "until", "error", "now", "wait"),
    [
        ((0.5, 1.0), 30.0, LOST, 29.5, 0.5),
        ((0.5, 1.0), 30.0, LOST, 29.6, None),
        ((), 30.0, LOST, 0.0, None),
        ((0.5,), 30.0, BadRequest("no"), 0.0, None),
    ],
)
def test_nothing_is_tried_again_after_its_time(
    waiting: Sequence[float], until: float, error: TelegramError, now: float, wait: float | None
) -> None:
    again = _Again(waiting, until)
    assert again.wait(error, now) == wait
    assert list(again.waits) == list(waiting[1:] if wait else waiting)


def test_one_timeout_is_tried_again_and_what_did_not_connect_is_none() -> None:
    again = _Again((1.0, 2.0, 3.0, 4.0), 30.0)
    tries = [NotConnected(), TimedOut(), NotConnected(), TimedOut()]
    assert [again.wait(each, 0.0) for each in tries] == [1.0, 2.0, 3.0, None]
    assert list(again.waits) == [4.0]


async def test_an_answer_is_tried_for_thirty_seconds_at_most() -> None:
    telegram = Telegram()
    data, tried = {"chat_id": 1}, []

    async def slowly() -> bool:
        tried.append(telegram.clock.now - telegram.began)
        await telegram.clock.sleep(14.75)
        raise LOST

    result = await result_of(
        telegram,
        telegram.rate_limiter.process_request(slowly, (), {}, "sendMessage", data, None),
    )
    assert result is LOST
    assert tried == [0.0, 15.25]  # a third would begin at 31 seconds


# --- what may be asked for twice -----------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ["answerCallbackQuery", "answerInlineQuery", "getFile"])
@pytest.mark.parametrize(
    ("failures", "times", "arrives"),
    [
        ([LOST, LOST], [0.0, 0.5, 1.5], True),
        ([LOST] * 3, [0.0, 0.5, 1.5], False),
        ([NotConnected()] * 2, [0.0, 0.5, 1.5], True),
        ([TimedOut()], [0.0], False),
        ([BadRequest("no")], [0.0], False),
    ],
)
async def test_what_is_harmless_is_asked_for_again_but_not_after_a_timeout(
    endpoint: str, failures: list[TelegramError], times: list[float], arrives: bool
) -> None:
    telegram = Telegram()
    telegram.refusals[0] = list(failures)
    result = await result_of(telegram, telegram.asks(endpoint))
    assert (result is True, telegram.when(0)) == (arrives, times)


@pytest.mark.parametrize(("endpoint", "tries"), [("getChatMember", 2), ("setMyCommands", 1)])
async def test_only_what_is_harmless_is_asked_for_again(endpoint: str, tries: int) -> None:
    telegram = Telegram()
    telegram.refusals[1] = telegram.refusals[0] = [LOST]
    await telegram.clock.run(
        telegram.send(1, endpoint=endpoint, alert=False)
        if endpoint.startswith("get")
        else telegram.asks(endpoint)
    )
    assert len(telegram.left) == tries


async def test_what_is_harmless_is_asked_for_again_within_thirty_seconds(time: FlyingTime) -> None:
    asked = []

    async def slowly() -> bool:
        asked.append(time.passed)
        await asyncio.sleep(29.6)
        raise LOST

    limiter = RateLimiter(now=lambda: time.now)
    with pytest.raises(NetworkError):
        await limiter.process_request(slowly, (), {}, "getFile", {}, None)
    assert asked == [0.0]


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


async def test_paid_ones_are_taken_on_besides() -> None:
    telegram = Telegram(paid_per_minute=25)
    assert telegram.rate_limiter.room(0.5) == 40
    await telegram.clock.run(*(telegram.send(chat) for chat in range(1, 14)))
    assert len(telegram.paid) == 9
    telegram.clock.now += 1
    assert telegram.rate_limiter.room(0.5) == 31
    telegram.clock.now += 59
    assert telegram.rate_limiter.room(0.5) == 40


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
    waiting = asyncio.ensure_future(telegram.send(9))
    await asyncio.sleep(0)
    telegram.clock.now += 1
    assert limiter.room(0.5) == 0
    await telegram.clock.run(waiting)


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
