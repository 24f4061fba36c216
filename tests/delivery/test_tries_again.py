"""What the rate limiter asks of Telegram again, after which waits, and what it does not."""

import asyncio
from collections.abc import Sequence

import pytest
from flying import FlyingTime
from flying import time as time
from pacing import Telegram, result_of, waits
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

from bot.delivery.rate_limiter import RateLimiter, _Tries
from bot.telegram.errors import NotConnected, Unanswered

__all__ = ["time"]

LOST = NetworkError("gone")

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
    assert telegram.when(1) == times
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
    tries = _Tries(waiting, until)
    assert tries.wait(error, now) == wait
    assert list(tries.waits) == list(waiting[1:] if wait else waiting)


def test_one_timeout_is_tried_again_and_what_did_not_connect_is_none() -> None:
    tries = _Tries((1.0, 2.0, 3.0, 4.0), 30.0)
    failures = [NotConnected(), TimedOut(), NotConnected(), TimedOut()]
    assert [tries.wait(each, 0.0) for each in failures] == [1.0, 2.0, 3.0, None]
    assert list(tries.waits) == [4.0]


@pytest.mark.parametrize(
    ("takes", "times"), [(14.25, [0.0, 14.75, 30.0]), (14.5, [0.0, 15.0]), (30.0, [0.0])]
)
async def test_an_answer_is_tried_for_thirty_seconds_at_most(
    takes: float, times: list[float]
) -> None:
    telegram = Telegram()
    data, tried = {"chat_id": 1}, []

    async def slowly() -> bool:
        tried.append(telegram.clock.now - telegram.began)
        await telegram.clock.sleep(takes)
        raise LOST

    result = await result_of(
        telegram,
        telegram.rate_limiter.process_request(slowly, (), {}, "sendMessage", data, None),
    )
    assert result is LOST
    assert tried == times


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
