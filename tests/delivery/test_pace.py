"""When a message may leave, on a clock that the tests move."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pacing import Clock, OneRate, Telegram, most_within
from telegram.error import BadRequest, RetryAfter

from bot.delivery.rate_limiter import SHARED_PER_SECOND
from bot.delivery.send_queue import Departure, Window


async def test_no_second_carries_more_than_thirty_messages_and_little_time_is_lost() -> None:
    telegram = Telegram()
    await telegram.clock.run(*(telegram.send(chat) for chat in range(1, 301)))
    times = [at for at, _ in telegram.left]
    assert most_within(times, 1.0) == 30
    assert times[-1] <= 300 / 30 * 1.05


async def test_a_chat_gets_one_alert_a_second_in_the_order_they_were_asked_for() -> None:
    telegram = Telegram()
    await telegram.clock.run(*(telegram.send(1) for _ in range(4)))
    assert telegram.when(1) == [0.0, 1.0, 2.0, 3.0]


async def test_an_answer_may_come_in_a_short_burst_and_an_alert_may_not() -> None:
    telegram = Telegram()
    await telegram.clock.run(*(telegram.send(1, alert=False) for _ in range(4)))
    assert telegram.when(1) == [0.0, 0.0, 0.0, 1.0]


async def test_a_group_gets_twenty_messages_a_minute_and_a_private_chat_may_get_more() -> None:
    telegram = Telegram()

    async def talk(chat: int, messages: int) -> None:
        for _ in range(messages):
            await telegram.send(chat, alert=False)

    await telegram.clock.run(talk(-5, 45), talk(5, 45))
    assert most_within(telegram.when(-5), 60.0) == 20
    assert most_within(telegram.when(5), 60.0) == 45


async def test_an_alert_for_a_group_that_had_its_twenty_goes_back_to_the_store() -> None:
    telegram = Telegram()

    async def fill() -> None:
        for _ in range(20):
            await telegram.send(-5, alert=False)

    await telegram.clock.run(fill())
    (refused, other) = await telegram.clock.run(telegram.send(-5), telegram.send(6))
    assert isinstance(refused, RetryAfter)
    assert other is True
    assert len(telegram.when(-5)) == 20


async def test_an_answer_goes_before_a_hundred_waiting_alerts() -> None:
    telegram = Telegram()
    alerts = [telegram.send(chat) for chat in range(1, 101)]
    await telegram.clock.run(*alerts, telegram.later(1.5, telegram.send(500, alert=False)))
    assert telegram.when(500)[0] - 1.5 < 0.3


async def test_a_chat_that_must_wait_holds_up_nobody_behind_it() -> None:
    telegram = Telegram()
    await telegram.clock.run(telegram.send(1), telegram.send(1), telegram.send(1), telegram.send(2))
    assert telegram.when(2) == [0.0]


async def test_a_flood_limit_concerns_its_chat_until_its_deadline_and_no_other() -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(60)]
    (refused,) = await telegram.clock.run(telegram.send(1))
    again, other = await telegram.clock.run(telegram.send(1), telegram.send(2))
    assert isinstance(refused, RetryAfter)
    assert isinstance(again, RetryAfter)
    assert other is True
    assert telegram.left == [(0.0, 1), (0.0, 2)]
    telegram.clock.now += 60
    assert await telegram.clock.run(telegram.send(1)) == [True]


async def test_an_answer_waits_a_flood_limit_out_and_is_not_lost() -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(7)]
    assert await telegram.clock.run(telegram.send(1, alert=False)) == [True]
    assert telegram.when(1) == [0.0, 7.0]


async def test_an_answer_does_not_wait_for_an_hour() -> None:
    telegram = Telegram()
    telegram.refusals[1] = [RetryAfter(3600)]
    (refused,) = await telegram.clock.run(telegram.send(1, alert=False))
    assert isinstance(refused, RetryAfter)
    assert telegram.clock.now == telegram.began


async def test_refusals_of_different_chats_with_something_accepted_between_hold_only_them() -> None:
    telegram = Telegram()
    for chat in (1, 2, 4):
        telegram.refusals[chat] = [RetryAfter(3)]
    await telegram.clock.run(*(telegram.send(chat) for chat in (1, 2, 3, 4)))
    assert telegram.rate_limiter.rate == 30.0
    assert telegram.rate_limiter.paused_for == 0.0


async def test_an_error_that_is_no_flood_limit_holds_nothing() -> None:
    telegram = Telegram()
    telegram.refusals[1], telegram.refusals[2] = [BadRequest("no")], [BadRequest("no")]
    results = await telegram.clock.run(telegram.send(1), telegram.send(2))
    assert [type(result) for result in results] == [BadRequest, BadRequest]
    assert telegram.rate_limiter.paused_for == 0.0


async def test_what_is_no_message_passes_at_once() -> None:
    telegram = Telegram()
    alerts = [telegram.send(chat) for chat in range(1, 61)]
    asked = telegram.send(1, endpoint="getChatMember", alert=False)
    await telegram.clock.run(*alerts, asked)
    assert len([at for at in telegram.when(1) if at == 0.0]) == 2


async def test_nothing_is_paid_for_unless_the_operator_says_so() -> None:
    telegram = Telegram()
    await telegram.clock.run(*(telegram.send(chat) for chat in range(1, 101)))
    assert telegram.paid == []


async def test_what_would_wait_is_paid_for_up_to_the_cap_and_answers_never_are() -> None:
    telegram = Telegram(paid_per_minute=25)
    alerts = [telegram.send(chat) for chat in range(1, 101)]
    answers = [telegram.send(chat, alert=False) for chat in range(501, 521)]
    await telegram.clock.run(*alerts, *answers)
    assert len(telegram.paid) == 25
    assert all(chat < 500 for _, chat in telegram.paid)
    assert most_within([at for at, _ in telegram.left], 1.0) <= 30


async def test_a_message_given_up_leaves_its_place_to_the_next() -> None:
    telegram = Telegram()
    await telegram.clock.run(telegram.send(1))
    waiting = asyncio.create_task(telegram.send(1))
    await asyncio.sleep(0)
    waiting.cancel()
    await telegram.clock.run(telegram.send(1))
    assert telegram.when(1) == [0.0, 1.0]


async def test_only_so_many_alerts_are_taken_on_as_can_leave_soon() -> None:
    telegram = Telegram()
    assert telegram.rate_limiter.room(0.5) == 15
    waiting = [asyncio.create_task(telegram.send(chat)) for chat in range(1, 60)]
    await asyncio.sleep(0)
    assert telegram.rate_limiter.room(0.5) == 0
    await telegram.clock.run(*waiting)
    assert telegram.rate_limiter.room(0.5) == 15


# --- several processes ---------------------------------------------------------------------------


@pytest.fixture
def rate() -> OneRate:
    return OneRate(Clock())


async def test_processes_that_share_a_rate_keep_it_together_and_lose_little(rate: OneRate) -> None:
    processes = [Telegram(shared=rate) for _ in range(3)]
    chats = range(1, 51)
    await rate.clock.run(*(each.send(chat) for each in processes for chat in chats))
    left = sorted(at for each in processes for at, _ in each.left)
    assert len(left) == 150
    assert most_within(left, 1.0) <= SHARED_PER_SECOND + 1  # both ends of the second
    assert left[-1] <= 150 / SHARED_PER_SECOND * 1.05
    shares = [len([at for at, _ in each.left if at < 3.0]) for each in processes]
    assert min(shares) > 20


async def test_a_process_alone_with_a_shared_rate_has_all_of_it(rate: OneRate) -> None:
    telegram = Telegram(shared=rate)
    await rate.clock.run(*(telegram.send(chat) for chat in range(1, 101)))
    assert telegram.left[-1][0] <= 100 / SHARED_PER_SECOND * 1.05


async def test_an_answer_takes_the_next_place_though_alerts_came_earlier(rate: OneRate) -> None:
    one, other = Telegram(shared=rate), Telegram(shared=rate)
    alerts = [each.send(chat) for each in (one, other) for chat in range(1, 61)]
    await rate.clock.run(*alerts, one.later(1.5, one.send(500, alert=False)))
    assert one.when(500)[0] - 1.5 < 4 / SHARED_PER_SECOND


async def test_a_chat_keeps_its_own_limit_where_the_rate_is_shared(rate: OneRate) -> None:
    telegram = Telegram(shared=rate)
    await rate.clock.run(*(telegram.send(1) for _ in range(3)))
    first, second, third = telegram.when(1)
    assert second - first >= 1.0
    assert third - second >= 1.0


async def test_a_refusal_of_one_chat_holds_no_other_process(rate: OneRate) -> None:
    one, other = Telegram(shared=rate), Telegram(shared=rate)
    one.refusals[1] = [RetryAfter(30)]
    await rate.clock.run(one.send(1))
    assert await rate.clock.run(other.send(1)) == [True]
    assert other.rate_limiter.paused_for == 0.0


async def test_a_store_out_of_reach_leaves_each_process_its_own_limits(rate: OneRate) -> None:
    telegram = Telegram(shared=rate)
    rate.away = True
    await rate.clock.run(*(telegram.send(chat) for chat in range(1, 91)))
    times = [at for at, _ in telegram.left]
    assert most_within(times, 1.0) == 30
    assert times[-1] <= 90 / 30 * 1.05


async def test_a_message_given_up_leaves_its_place_in_the_shared_rate(rate: OneRate) -> None:
    telegram = Telegram(shared=rate)
    rate.next += 1.0
    waiting = asyncio.create_task(telegram.send(1))
    for _ in range(5):
        await asyncio.sleep(0)
    waiting.cancel()
    await rate.clock.run(telegram.send(2))
    assert telegram.left == [(1.0, 2)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 12).filter(bool), st.booleans()), max_size=70))
async def test_no_mixture_of_messages_breaks_a_limit(mixture: list[tuple[int, bool]]) -> None:
    telegram = Telegram()
    results = await telegram.clock.run(
        *(telegram.send(chat, alert=alert) for chat, alert in mixture)
    )
    left = Counter(chat for _, chat in telegram.left)
    asked = Counter(chat for chat, _ in mixture)
    assert sum(left.values()) == sum(result is True for result in results)
    assert all(left[chat] == asked[chat] for chat in asked if asked[chat] <= 5)
    for chat in left:
        times = telegram.when(chat)
        assert most_within(times, 1.0) <= 3 + 1
        assert chat > 0 or most_within(times, 60.0) <= 20
    assert not telegram.left or most_within([at for at, _ in telegram.left], 1.0) <= 30


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5))
def test_a_window_is_never_overfull(gaps: list[float], most: int) -> None:
    window, now, left = Window(most, 1.0), 0.0, []
    for gap in gaps:
        now = max(now + gap, window.free_at())
        window.count(Departure(now))
        left.append(now)
    assert all(
        later - earlier >= 1.0 or abs(later - earlier - 1.0) < 1e-9
        for earlier, later in zip(left, left[most:], strict=False)
    )
