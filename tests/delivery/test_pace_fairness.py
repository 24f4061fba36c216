"""Who sends first when more is asked than may leave: nobody can take what others need."""

import asyncio
from collections.abc import Coroutine
from statistics import quantiles
from typing import Any

import pytest
from pacing import Clock, OneRate, Telegram
from telegram.error import RetryAfter

from bot.delivery.rate_limiter import SHARED_PER_SECOND
from bot.delivery.send_queue import MOST_WAITING, QueuedMessage

CROWD = range(1, 61)
FANS = range(1001, 1301)
QUIET = 5000


async def chatter(telegram: Telegram, chat: int, seconds: float, every: float = 0.5) -> None:
    """A person asks and asks, whether answered or not."""
    asked = []
    for number in range(int(seconds / every)):
        await telegram.clock.sleep(every if number else chat % 50 / 100)
        asked.append(asyncio.ensure_future(telegram.send(chat, alert=False)))
    await asyncio.gather(*asked, return_exceptions=True)


async def claimed(telegram: Telegram, chats: list[int]) -> None:
    """Alerts are taken on as the deliverer does it: what can leave soon."""
    sending: set[asyncio.Future[Any]] = set()
    while chats or sending:
        for chat in chats[: telegram.rate_limiter.room(0.5)]:
            chats.remove(chat)
            sending.add(asyncio.ensure_future(telegram.send(chat)))
        if sending:
            _, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
        else:
            await telegram.clock.sleep(0.05)


async def waits_of_a_quiet_person(telegram: Telegram, seconds: float) -> list[float]:
    waits = []
    for _ in range(int(seconds / 7)):
        await telegram.clock.sleep(6.97)
        began = telegram.clock.now
        await telegram.send(QUIET, alert=False)
        waits.append(telegram.clock.now - began)
    return waits


def crowd(telegram: Telegram, seconds: float) -> list[Coroutine[Any, Any, None]]:
    return [chatter(telegram, chat, seconds) for chat in CROWD]


def last(telegram: Telegram, chats: range) -> float:
    return max(at for at, chat in telegram.left if chat in chats)


@pytest.fixture(params=["alone", "shared"])
def telegram(request: pytest.FixtureRequest) -> Telegram:
    return Telegram(shared=OneRate(Clock()) if request.param == "shared" else None)


async def test_alerts_keep_a_third_of_the_rate_however_many_people_ask(
    telegram: Telegram,
) -> None:
    # Each asks once, so that nobody is talkative.
    people = [telegram.send(chat, alert=False) for chat in range(2001, 2601)]
    await telegram.clock.run(*people, *(telegram.send(chat) for chat in FANS))
    per_second = SHARED_PER_SECOND if telegram.rate_limiter._places else 30
    assert last(telegram, FANS) == pytest.approx(len(FANS) / (per_second / 3), rel=0.05)
    assert last(telegram, range(2001, 2601)) == pytest.approx(900 / per_second, rel=0.05)


async def test_answers_have_all_of_the_rate_while_no_alert_waits(telegram: Telegram) -> None:
    people = range(2001, 2301)
    await telegram.clock.run(*(telegram.send(chat, alert=False) for chat in people))
    assert last(telegram, people) <= 300 / SHARED_PER_SECOND * 1.05


async def test_alerts_have_all_of_the_rate_while_nobody_asks(telegram: Telegram) -> None:
    await telegram.clock.run(*(telegram.send(chat) for chat in FANS))
    assert last(telegram, FANS) <= 300 / SHARED_PER_SECOND * 1.05


async def test_sixty_talkative_people_keep_nobody_waiting(telegram: Telegram) -> None:
    telegram.journey = 0.03
    waits, *_ = await telegram.clock.run(
        waits_of_a_quiet_person(telegram, 65),
        *crowd(telegram, 65),
        telegram.later(20.0, claimed(telegram, list(FANS))),
    )
    assert quantiles(waits, n=20)[-1] < 1.0
    assert last(telegram, FANS) - 20.0 <= 1.3 * len(FANS) / 10
    # Within moments of the last question everything is answered or dropped.
    assert telegram.clock.now - telegram.began < 95


async def test_who_had_many_answers_goes_behind_those_who_had_few_and_behind_alerts() -> None:
    telegram = Telegram()

    async def talk() -> None:
        for _ in range(12):
            await telegram.send(1, alert=False)

    await telegram.clock.run(talk())
    began = telegram.clock.now - telegram.began
    await telegram.clock.run(
        *(telegram.send(chat, alert=False) for chat in range(100, 130)),
        telegram.send(1, alert=False),
        *(telegram.send(chat, alert=False) for chat in range(200, 215)),
        *(telegram.send(chat) for chat in range(300, 315)),
    )
    assert telegram.left[-1][1] == 1
    assert telegram.when(1)[-1] > began


async def test_who_had_few_answers_lately_is_not_put_behind() -> None:
    telegram = Telegram()

    async def talk() -> None:
        for _ in range(12):
            await telegram.send(1, alert=False)

    await telegram.clock.run(talk())
    telegram.clock.now += 60
    await telegram.clock.run(
        telegram.send(1, alert=False), *(telegram.send(chat) for chat in range(300, 400))
    )
    assert telegram.when(1)[-1] < telegram.when(399)[0] - 1


async def test_answers_go_first_to_whom_was_answered_longest_ago() -> None:
    telegram = Telegram()
    await telegram.clock.run(*(telegram.send(chat, alert=False) for chat in range(1, 31)))
    telegram.clock.now += 0.5
    busy = [telegram.send(chat, alert=False) for chat in range(1, 31) for _ in range(2)]
    await telegram.clock.run(*busy, telegram.send(QUIET, alert=False))
    assert telegram.left[30][1] == QUIET


async def test_a_chat_has_few_answers_waiting_and_the_next_is_refused_at_once() -> None:
    telegram = Telegram()
    results = await telegram.clock.run(
        *(telegram.send(1, alert=False) for _ in range(MOST_WAITING + 4)),
        telegram.send(2, alert=False),
    )
    # Three leave at once, and some wait.
    assert results.count(True) == MOST_WAITING + 3 + 1
    assert isinstance(results[-2], RetryAfter)
    assert await telegram.clock.run(telegram.send(1, alert=False)) == [True]


async def test_a_crowd_of_impatient_chats_is_answered_or_refused_within_seconds() -> None:
    telegram = Telegram()
    chats = range(1, 201)
    await telegram.clock.run(*(chatter(telegram, chat, 10, every=0.25) for chat in chats))
    stopped = 10.5
    assert last(telegram, chats) - stopped <= 15
    answered = {chat for _, chat in telegram.left}
    assert answered == set(chats)


async def test_only_as_many_alerts_are_taken_on_as_their_share_lets_leave() -> None:
    telegram = Telegram()
    assert telegram.rate_limiter.room(0.5) == 15
    waiting = [
        asyncio.ensure_future(telegram.send(chat, alert=False)) for chat in range(2001, 2101)
    ]
    await asyncio.sleep(0)
    assert telegram.rate_limiter.room(0.5) == 5
    await telegram.clock.run(*waiting)
    telegram.clock.now += 1
    assert telegram.rate_limiter.room(0.5) == 15


async def test_answers_that_just_left_are_expected_to_go_on_at_their_rate() -> None:
    telegram = Telegram()
    await telegram.clock.run(*(telegram.send(chat, alert=False) for chat in range(1, 9)))
    assert telegram.rate_limiter.room(0.5) == 15 - 8 // 2


async def test_typing_is_shown_at_once_or_not_at_all(telegram: Telegram) -> None:
    shown = telegram.send(1, endpoint="sendChatAction", alert=False)
    assert await telegram.clock.run(shown) == [True]
    busy = [telegram.send(chat) for chat in FANS]
    *_, late = await telegram.clock.run(
        *busy, telegram.later(0.5, telegram.send(2, endpoint="sendChatAction", alert=False))
    )
    assert isinstance(late, RetryAfter)


async def test_hundreds_of_waiting_messages_are_looked_at_once_each_and_not_over_and_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    telegram, looks = Telegram(), 0
    place = QueuedMessage.place

    def counted(queued: QueuedMessage, now: float) -> Any:
        nonlocal looks
        looks += 1
        return place(queued, now)

    monkeypatch.setattr(QueuedMessage, "place", counted)
    people = [telegram.send(chat, alert=False) for chat in range(1, 801)]
    await telegram.clock.run(*people, *(telegram.send(chat) for chat in range(5001, 5101)))
    assert len(telegram.left) == 900
    assert looks < 20 * 900
