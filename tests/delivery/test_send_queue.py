"""Who goes next, told the time by hand: windows, what a chat takes, and the order of what waits."""

import asyncio
from math import inf, log
from typing import Any

import pytest
from telegram.error import RetryAfter

from bot.delivery import send_queue
from bot.delivery.rate_limiter import seconds
from bot.delivery.send_queue import (
    Chat,
    Chats,
    Departure,
    QueuedMessage,
    SendQueue,
    Window,
    _Rank,
    too_soon,
)
from bot.telegram.fading import NEVER

NOW = 1000.0


def window(most: int, *times: float, span: float = 10.0) -> Window:
    made = Window(most, span)
    for at in times:
        made.count(Departure(at))
    return made


def test_the_limits_are_those_that_the_readers_of_the_documents_know() -> None:
    limits = ("PER_GROUP_MINUTE", "BURST", "MOST_WAITING", "TALKATIVE", "CLAMOROUS")
    assert [getattr(send_queue, each) for each in limits] == [20, 3, 5, 10, 40]
    assert send_queue.ANSWERS_PER_ALERT == 2


@pytest.mark.parametrize(("asked", "told"), [(2.5, 2.5), (0.001, 0.001), (0.0, 0.001), (-5, 0.001)])
def test_what_is_too_soon_always_says_how_long_to_wait(asked: float, told: float) -> None:
    assert seconds(too_soon(asked)) == told


# --- a window ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "ahead", "free_at"),
    [
        ((), 0, -inf),
        ((), 5, -inf),
        ((100.0,), 0, -inf),
        ((100.0,), 1, 110.0),
        ((100.0,), 2, 110.0),
        ((100.0, 101.0), 0, 110.0),
        ((100.0, 101.0), 1, 111.0),
        ((100.0, 101.0), 2, 111.0),
        ((100.0, 101.0, 105.0), 0, 111.0),
    ],
)
def test_a_window_of_two_opens_a_span_after_the_one_before_the_last(
    times: tuple[float, ...], ahead: int, free_at: float
) -> None:
    assert window(2, *times).free_at(ahead) == free_at


def test_a_window_that_is_stretched_opens_later() -> None:
    assert window(1, 100.0).free_at(stretch=1.5) == 115.0
    assert window(1, 100.0).free_at(0, 2.0) == 120.0


@pytest.mark.parametrize(
    ("now", "room"), [(100.0, 1), (109.9, 1), (110.0, 2), (111.9, 2), (112.0, 3), (500.0, 3)]
)
def test_a_window_has_room_for_what_left_a_span_ago(now: float, room: int) -> None:
    assert window(3, 100.0, 102.0).room(now) == room


def test_a_window_of_none_has_no_room_and_keeps_nothing() -> None:
    closed = window(0, 100.0)
    assert (closed.room(500.0), closed.free_at(), len(closed._left)) == (0, -inf, 0)


def test_a_departure_that_is_no_probe_left_long_ago_unless_it_says_when() -> None:
    assert Departure(5.0) != Departure(5.0)  # each is itself
    assert (Departure(5.0).left_at, Departure(5.0).is_probe) == (-inf, False)


# --- what a chat takes ---------------------------------------------------------------------------


def test_a_chat_that_was_not_written_to_takes_anything_at_any_time() -> None:
    chat = Chat(1)
    assert chat.free_at("sendMessage", alert=True) == chat.free_at("edit", alert=False) == -inf
    assert (chat.quiet_at(), chat.goes_before()) == (-inf, -inf)
    assert (chat.answers_waiting, chat.in_work, chat.asked) == (0, 0, NEVER)


@pytest.mark.parametrize(("before", "alert", "answer"), [(1, 1.0, -1.0), (2, 2, 0), (3, 3.0, 1.0)])
def test_each_message_uses_up_a_second_and_answers_have_two_in_advance(
    before: int, alert: float, answer: float
) -> None:
    chat = Chat(1)
    for _ in range(before):
        chat.count(Departure(NOW), alert=True)
    assert chat.free_at("sendMessage", alert=True) == NOW + alert
    assert chat.free_at("sendMessage", alert=False) == NOW + answer
    chat.count(Departure(NOW + 50.0), alert=True)
    assert chat.spent_until == NOW + 51.0


def test_a_refusal_holds_its_own_kind_of_method() -> None:
    chat = Chat(1, refused={"edit": NOW + 30.0}, spent_until=NOW + 5.0)
    assert chat.free_at("edit", alert=True) == chat.free_at("edit", alert=False) == NOW + 30.0
    assert chat.free_at("sendMessage", alert=True) == NOW + 5.0


def test_a_group_takes_no_more_than_its_minute_allows() -> None:
    group = Chat(-1, window(1, NOW, span=60.5))
    assert group.free_at("sendMessage", alert=True) == NOW + 60.5
    group.count(Departure(NOW + 7.0), alert=True)
    assert group.free_at("sendMessage", alert=False) == NOW + 67.5


def test_a_chat_is_quiet_until_it_had_ten_answers_within_a_minute() -> None:
    chat = Chat(1)
    for number in range(9):
        chat.count(Departure(NOW + number), alert=False)
    chat.count(Departure(NOW + 30.0), alert=True)
    assert chat.quiet_at() == -inf
    assert chat.goes_before() == NOW + 8
    chat.count(Departure(NOW + 9), alert=False)
    assert chat.quiet_at() == NOW + 60.0
    assert chat.answers is not None
    assert chat.answers.room(NOW + 59.0) == 0


def test_a_chat_whose_questions_are_counted_is_quiet_below_forty_of_them_a_minute() -> None:
    chat = Chat(1, answered_at=NOW - 1.0)
    chat.asks(NOW)
    assert chat.asked == NOW
    assert chat.quiet_at() == pytest.approx(NOW - 60.0 * log(40))
    assert chat.goes_before() == chat.quiet_at()
    for _ in range(39):
        chat.asks(NOW)
    assert chat.asked == pytest.approx(NOW + 60.0 * log(40))
    assert chat.quiet_at() == pytest.approx(NOW)
    for _ in range(500):
        chat.asks(NOW)
    assert chat.quiet_at() == pytest.approx(NOW + 60.0 * log(3))


def test_answers_do_not_matter_where_questions_are_counted() -> None:
    chat = Chat(1)
    chat.asks(NOW)
    for _ in range(20):
        chat.count(Departure(NOW), alert=False)
    assert chat.quiet_at() < NOW


@pytest.mark.parametrize(
    ("chat_id", "most"), [(1, None), (-1, 20), (-100_777, 20), ("@tea_club", 20)]
)
def test_groups_and_channels_have_twenty_a_minute_and_people_have_not(
    chat_id: int | str, most: int | None
) -> None:
    chats = Chats()
    chat = chats.get(chat_id, NOW)
    assert chat.id == chat_id
    assert (chat.minute.most if chat.minute else None) == most
    assert chats.get(chat_id, NOW) is chat
    if chat.minute:
        for _ in range(20):
            chat.minute.count(Departure(NOW))
        assert chat.minute.free_at() == NOW + 60.5


def test_a_chat_that_had_few_messages_of_many_allowed_is_remembered_while_they_count() -> None:
    chat = Chat(1)
    chat.count(Departure(NOW), alert=False)
    assert [chat.idle(NOW + after) for after in (0.9, 1.0, 59.9, 60.0)] == [False] * 3 + [True]


# --- a message that waits ------------------------------------------------------------------------


def waiting(
    chat: Chat | int = 1, *, alert: bool = False, patience: float = 5.0, kind: str = "sendMessage"
) -> QueuedMessage:
    whose = chat if isinstance(chat, Chat) else Chat(chat)
    return QueuedMessage(whose, kind, alert, patience, asyncio.get_running_loop().create_future())


def went(queued: QueuedMessage) -> None:
    queued.left.set_result((Departure(NOW), False))


async def test_a_message_is_over_once_it_has_left_or_was_given_up() -> None:
    queued, given_up = waiting(), waiting()
    assert not queued.is_over
    went(queued)
    assert queued.is_over
    queued.refuse(5.0)  # too late
    assert queued.left.exception() is None
    given_up.refuse(5.0)
    refusal = given_up.left.exception()
    assert isinstance(refusal, RetryAfter)
    assert seconds(refusal) == 5.0


async def test_the_place_of_a_message_is_by_its_chat_and_by_what_it_is() -> None:
    asked = Chat(1, answered_at=NOW - 7.0)
    talkative = Chat(2, answers=window(1, NOW, span=60.0))
    assert waiting(Chat(1, spent_until=NOW + 9.0), alert=True).place(NOW) == (_Rank.CHAT, NOW + 9.0)
    assert waiting(Chat(1, spent_until=NOW), alert=True).place(NOW) == (_Rank.ALERT, 0.0)
    assert waiting(Chat(1, spent_until=NOW + 2.0)).place(NOW) == (_Rank.ANSWER, -inf)
    assert waiting(Chat(1, spent_until=NOW + 2.1)).place(NOW) == (_Rank.CHAT, NOW + 0.1)
    assert waiting(asked).place(NOW) == (_Rank.ANSWER, NOW - 7.0)
    assert waiting(talkative).place(NOW) == (_Rank.TALKATIVE, NOW + 60.0)
    assert waiting(talkative, alert=True).place(NOW) == (_Rank.ALERT, 0.0)
    assert waiting(talkative).place(NOW + 60.0) == (_Rank.ANSWER, -inf)
    held = Chat(3, refused={"edit": NOW + 3.0})
    assert waiting(held, kind="edit").place(NOW) == (_Rank.CHAT, NOW + 3.0)
    assert waiting(held).place(NOW) == (_Rank.ANSWER, -inf)


# --- the queue -----------------------------------------------------------------------------------


def queue_of(*messages: QueuedMessage, now: float = NOW) -> SendQueue:
    queue = SendQueue()
    for each in messages:
        queue.add(each, now)
    return queue


def let_go(queue: SendQueue, count: int, now: float = NOW) -> list[Any]:
    """The chats of those that leave, one after the other."""
    chats: list[Any] = []
    for _ in range(count):
        queued = queue.first(now)
        if queued is None:
            chats.append(None)
            continue
        queue.left(queued)
        went(queued)
        chats.append(queued.chat.id)
    return chats


async def test_of_two_kinds_two_answers_go_before_each_alert() -> None:
    answers = [waiting(chat) for chat in (1, 2, 3, 4, 5)]
    alerts = [waiting(chat, alert=True) for chat in (11, 12, 13)]
    queue = queue_of(*alerts, *answers)
    assert let_go(queue, 9) == [1, 2, 11, 3, 4, 12, 5, 13, None]


async def test_alerts_go_in_the_order_they_came_and_an_answer_goes_after_any_of_them() -> None:
    queue = queue_of(*(waiting(chat, alert=True) for chat in (13, 11, 12)))
    assert let_go(queue, 1) == [13]
    queue.add(waiting(1), NOW)
    assert let_go(queue, 3) == [1, 11, 12]


async def test_answers_that_went_alone_count_for_the_next_alerts_turn() -> None:
    queue = queue_of(waiting(1), waiting(2), waiting(3))
    assert let_go(queue, 2) == [1, 2]
    queue.add(waiting(11, alert=True), NOW)
    assert let_go(queue, 2) == [11, 3]


async def test_whoever_was_answered_longest_ago_is_answered_first() -> None:
    chats = [Chat(number, answered_at=NOW - ago) for number, ago in ((1, 5.0), (2, 9.0), (3, 7.0))]
    assert let_go(queue_of(*(waiting(chat) for chat in chats)), 3) == [2, 3, 1]


async def test_talkative_chats_go_last_and_the_least_talkative_first() -> None:
    talkative = [
        Chat(number, answers=window(1, NOW - ago, span=60.0))
        for number, ago in ((1, 5.0), (2, 9.0))
    ]
    messages = (*(waiting(chat) for chat in talkative), waiting(11, alert=True), waiting(3))
    assert let_go(queue_of(*messages), 5) == [3, 11, 2, 1, None]


@pytest.mark.parametrize(("away", "is_refused"), [(4.9, False), (5.0, False), (5.1, True)])
async def test_whoever_would_wait_for_their_chat_for_too_long_is_told_so_at_once(
    away: float, is_refused: bool
) -> None:
    queued = waiting(Chat(1, refused={"sendMessage": NOW + away}), patience=5.0)
    queue = queue_of(queued)
    assert queued.is_over is is_refused
    assert queue.ripens_at() == (inf if is_refused else NOW + away)
    if is_refused:
        refusal = queued.left.exception()
        assert isinstance(refusal, RetryAfter)
        assert seconds(refusal) == pytest.approx(away)


async def test_what_waits_for_its_chat_goes_forward_when_its_time_has_come() -> None:
    early, late = Chat(1, spent_until=NOW + 3.0), Chat(2, spent_until=NOW + 4.0)
    queue = queue_of(waiting(late, alert=True), waiting(early, alert=True))
    assert (queue.first(NOW), queue.ripens_at()) == (None, NOW + 3.0)
    queue.ripen(NOW + 2.9)
    assert queue.first_alert(NOW + 2.9) is None
    queue.ripen(NOW + 3.0)
    first = queue.first_alert(NOW + 3.0)
    assert first is not None
    assert first.chat.id == 1
    assert queue.ripens_at() == NOW + 4.0
    queue.ripen(NOW + 4.0)
    assert queue.ripens_at() == inf
    assert let_go(queue, 3, NOW + 4.0) == [2, 1, None]  # as they came


async def test_a_talkative_chat_is_as_quiet_as_others_after_its_minute() -> None:
    queue = queue_of(waiting(Chat(1, answers=window(1, NOW, span=60.0))))
    assert (queue.first_answer(NOW), queue.ripens_at()) == (None, NOW + 60.0)
    assert queue.answers_ready() == 0
    queue.ripen(NOW + 60.0)
    assert queue.answers_ready() == 1
    assert queue.first_answer(NOW + 60.0) is not None


async def test_what_is_over_is_dropped_when_its_turn_comes() -> None:
    held = Chat(1, spent_until=NOW + 3.0)
    gone = [waiting(held, alert=True), waiting(2), waiting(3, alert=True)]
    queue = queue_of(*gone)
    for each in gone:
        each.left.cancel()
    assert queue.first(NOW) is None
    queue.ripen(NOW)
    assert queue.ripens_at() == inf
    assert queue.answers_ready() == 0


async def test_what_its_chat_takes_no_more_gives_way_to_the_next() -> None:
    first, second = waiting(1, alert=True), waiting(2, alert=True)
    queue = queue_of(first, second)
    first.chat.spent_until = NOW + 2.0
    assert queue.first_alert(NOW) is second
    assert queue.ripens_at() == NOW + 2.0
    first.chat.refused["sendMessage"] = NOW + 60.0
    queue.ripen(NOW + 2.0)
    assert isinstance(first.left.exception(), RetryAfter)


async def test_whoever_was_answered_meanwhile_goes_behind_those_who_were_not() -> None:
    first, second = waiting(Chat(1, answered_at=NOW - 9.0)), waiting(Chat(2, answered_at=NOW - 8.0))
    queue = queue_of(first, second)
    first.chat.answered_at = NOW - 1.0
    assert queue.first_answer(NOW) is second


async def test_a_probe_goes_to_a_chat_that_was_not_refused_rather_than_to_the_next() -> None:
    refused = Chat(1, refused={"sendMessage": NOW - 5.0})
    other, alert = waiting(2), waiting(3, alert=True)
    queue = queue_of(waiting(refused), other, alert)
    went(other)
    assert queue.probe(NOW) is alert
    went(alert)
    last = queue.probe(NOW)
    assert last is not None
    assert last.chat is refused
    assert queue_of().probe(NOW) is None


async def test_no_probe_goes_to_a_chat_that_takes_nothing_yet() -> None:
    held, ready = waiting(1, alert=True), waiting(2, alert=True)
    queue = queue_of(held, ready)
    held.chat.spent_until = NOW + 1.0
    assert queue.probe(NOW) is ready
    held.chat.spent_until = NOW
    assert queue.probe(NOW) is held


async def test_only_alerts_are_given_back_and_only_those_that_wait() -> None:
    alerts = [waiting(1, alert=True), waiting(Chat(2, spent_until=NOW + 3.0), alert=True)]
    answer, over = waiting(3), waiting(4, alert=True)
    queue = queue_of(*alerts, answer, over)
    assert queue.alerts == {*alerts, over}
    went(over)
    await asyncio.sleep(0)
    assert queue.alerts == set(alerts)
    queue.give_up_alerts(8.0)
    refusals = [each.left.exception() for each in alerts]
    assert [seconds(each) for each in refusals if isinstance(each, RetryAfter)] == [8.0, 8.0]
    await asyncio.sleep(0)
    assert queue.alerts == set()
    assert queue.first(NOW) is answer
