"""Each step of a delivery by itself: what is claimed, what is kept of what came of it, and when."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from desk import GONE, MINUTE, NO_RIGHTS, SECOND, Desk, claim, key, probed
from desk import desk as desk
from flying import time as time
from petitions import NOW, REF
from structlog.testing import capture_logs
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from bot.delivery import deliverer as delivering
from bot.delivery.deliverer import AT_ONCE, LEASE, Deliverer, DeliveryCounts
from bot.delivery.rate_limiter import ALERT
from bot.errors import StorageError
from bot.petitions.events import CommitteeNoted, MilestoneReached
from bot.subscriptions.delivery import (
    ChatGone,
    ChatMoved,
    ChatRefuses,
    Outcome,
    Refused,
    RetryAt,
    Sent,
)
from bot.subscriptions.subscription import Subscription
from bot.telegram import render

__all__ = ["desk", "time"]

# --- what is claimed -----------------------------------------------------------------------------


def test_a_claim_is_for_two_minutes_and_at_most_a_hundred_are_in_flight() -> None:
    assert (LEASE, AT_ONCE) == (2 * MINUTE, 100)
    assert not any(getattr(DeliveryCounts(), name) for name in DeliveryCounts.__dataclass_fields__)


@pytest.mark.parametrize(
    ("room", "sending", "claimed", "sleep"),
    [
        (50, 0, 50, 30.0),
        (200, 0, 100, 30.0),
        (200, 40, 60, 30.0),
        (200, 95, 5, 30.0),
        (200, 96, None, 30.0),
        (200, 100, None, 30.0),
        (5, 1, 5, 30.0),
        (4, 1, None, 30.0),
        (4, 0, 4, 30.0),
        (1, 0, 1, 30.0),
        (0, 0, None, 1.5),
        (0, 1, None, 30.0),
    ],
)
async def test_as_many_are_claimed_as_can_leave_soon_in_batches(
    desk: Desk, room: int, sending: int, claimed: int | None, sleep: float
) -> None:
    desk.has_room = room
    asked: Any = set(range(sending))
    desk.deliverer._sending = asked
    assert await desk.starts() == sleep
    expected = [] if claimed is None else [(NOW, claimed, LEASE)]
    assert desk.storage.asked("claim_deliveries") == expected
    assert desk.limits.asked == [0.5]


@pytest.mark.parametrize(
    ("due_in", "sleep"),
    [(None, 30.0), (-60.0, 0.01), (0.0, 0.01), (0.02, 0.02), (7.5, 7.5), (31.0, 30.0)],
)
async def test_the_next_look_is_when_something_is_due_within_half_a_minute(
    desk: Desk, due_in: float | None, sleep: float
) -> None:
    due = None if due_in is None else NOW + timedelta(seconds=due_in)
    desk.storage.answers["next_due"] = [due]
    assert await desk.starts() == sleep


async def test_another_lease_may_be_asked_for(desk: Desk) -> None:
    desk.deliverer = Deliverer(desk.storage, desk.bot, desk.limits, desk.now, lease=MINUTE)
    await desk.starts()
    assert desk.storage.asked("claim_deliveries") == [(NOW, 50, MINUTE)]
    assert 0 <= desk.deliverer._jitter() < 1


async def test_what_is_in_hand_is_not_sent_again_though_it_is_claimed_again(desk: Desk) -> None:
    desk.owes(claim(1), claim(2, chat_id=2))
    await desk.starts()
    assert len(desk.deliverer.in_flight) == 2
    desk.owes(claim(1), claim(3, chat_id=3))
    await desk.starts()
    await desk.works()
    assert [args[0] for args in desk.bot.asked("send_message")] == [1, 2, 3]
    assert desk.deliverer._in_hand == set()
    assert desk.deliverer._news.is_set()


async def test_each_chat_hears_its_alerts_one_after_the_other_and_the_chats_together(
    desk: Desk,
) -> None:
    async def slowly(chat_id: int, *_: Any, **__: Any) -> Any:
        left.append((desk.time.passed, chat_id))
        await asyncio.sleep(1.0)
        return SimpleNamespace(message_id=1)

    left: list[tuple[float, int]] = []
    desk.bot.answers["send_message"] = [slowly]
    queued = {"queue": "quiet"}
    await desk.delivers(claim(1), claim(2, **queued), claim(3, chat_id=2), claim(4, **queued))
    assert left == [(0.0, 1), (0.0, 2), (1.0, 1)]


async def test_once_a_chat_does_not_take_one_the_rest_of_it_is_given_back(desk: Desk) -> None:
    desk.bot.answers["send_message"] = [BadRequest(NO_RIGHTS)]
    await desk.delivers(claim(1), claim(2, queue="quiet"), claim(3, queue="digest"))
    assert len(desk.bot.asked("send_message")) == 1
    assert desk.kept()[-2:] == [
        ("defer", (key(2), "quiet", NOW)),
        ("defer", (key(3), "digest", NOW)),
    ]


# --- the turns of its work -----------------------------------------------------------------------


async def looks_until(desk: Desk, seconds: float, answers: Sequence[Any]) -> list[float]:
    """When it looked for what is to be sent, within so many seconds."""
    looked: list[float] = []
    desk.storage.answers["claim_deliveries"] = list(answers)
    desk.storage.during = lambda call: (
        looked.append(desk.time.passed) if call.name == "claim_deliveries" else None
    )
    running = asyncio.create_task(desk.deliverer.run())
    await asyncio.sleep(seconds)
    desk.deliverer.stop()
    await running
    return looked


async def test_it_looks_every_half_minute_while_nothing_is_due(desk: Desk) -> None:
    assert await looks_until(desk, 65.0, [[]]) == [0.0, 30.0, 60.0]
    assert desk.time.passed == 65.0


async def test_it_looks_again_as_soon_as_there_is_news(desk: Desk) -> None:
    asyncio.get_running_loop().call_later(5.0, desk.deliverer.wake)
    assert await looks_until(desk, 32.0, [[]]) == [0.0, 5.0]


@pytest.mark.parametrize(("fault", "said"), [(StorageError("x"), 0), (RuntimeError("x"), 1)])
async def test_a_look_that_failed_is_repeated_after_a_second(
    desk: Desk, fault: Exception, said: int
) -> None:
    with capture_logs() as lines:
        looks = await looks_until(desk, 10.0, [fault, fault, []])
    assert looks == [0.0, 1.0, 2.0]
    told = [line for line in lines if line["event"].startswith("deliveries cannot be claimed")]
    assert [line.get("cause") for line in told] == ["RuntimeError", None][: 2 * said]
    assert [line["exc_info"] for line in told if line.get("cause")] == [True] * said


@pytest.mark.parametrize(("takes", "ends"), [(3.0, 3.0), (4.5, 4.0), (60.0, 4.0)])
async def test_a_telegram_that_does_not_answer_is_given_four_seconds_at_the_end(
    desk: Desk, takes: float, ends: float
) -> None:
    async def slowly(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(takes)
        return SimpleNamespace(message_id=1)

    desk.bot.answers["send_message"] = [slowly]
    desk.owes(claim())
    running = asyncio.create_task(desk.deliverer.run())
    for _ in range(10):
        await asyncio.sleep(0)
    assert desk.bot.calls
    desk.deliverer.stop()
    desk.deliverer.stop()  # it is no new end
    await running
    assert desk.time.passed == ends
    came = ("settle", (key(),)) if takes < 4 else ("retry", (key(), desk.now() + 1 * SECOND))
    assert desk.kept() == [came]


async def test_what_hangs_otherwise_is_let_go_of_after_eight_seconds(desk: Desk) -> None:
    desk.storage.answers["subscription"] = [lambda *_: asyncio.sleep(1000)]
    desk.owes(claim())
    running = asyncio.create_task(desk.deliverer.run())
    await asyncio.sleep(1.0)
    desk.deliverer.stop()
    await running
    assert desk.time.passed == 9.0
    assert desk.deliverer.in_flight == frozenset()


async def test_nothing_is_begun_after_the_end(desk: Desk) -> None:
    desk.deliverer.stop()
    await desk.deliverer.run()
    assert desk.storage.calls == []


async def test_what_the_store_did_not_take_is_settled_at_the_end(desk: Desk) -> None:
    desk.deliverer._accepted, desk.deliverer._unsettled = {"a:1", "b:1"}, {"a:1"}
    desk.deliverer.stop()
    await desk.deliverer.run()
    [call] = desk.storage.calls
    assert (call.name, call.args, call.how) == ("settle", ("a:1",), {"told_at": NOW})
    assert (desk.deliverer._accepted, desk.deliverer._unsettled) == ({"b:1"}, set())


# --- how it is sent ------------------------------------------------------------------------------


async def test_an_alert_goes_to_its_topic_silently_and_hangs_on_its_card(desk: Desk) -> None:
    desk.storage.answers["subscription"] = [Subscription(1, REF, NOW, card_id=55)]
    desk.bot.answers["edit_message_text"] = [None]
    desk.storage.answers["readings"] = [[]]
    await desk.delivers(claim(thread_id=7, silent=True))
    [sent] = [call for call in desk.bot.calls if call.name == "send_message"]
    assert sent.args[0] == 1
    assert "1,000 signatures" in sent.args[1]
    reply = sent.how.pop("reply_parameters")
    assert (reply.message_id, reply.allow_sending_without_reply) == (55, True)
    assert sent.how.pop("entities")
    assert sent.how.pop("reply_markup")
    assert sent.how == {
        "message_thread_id": 7,
        "disable_notification": True,
        "link_preview_options": render.NO_PREVIEW,
        "rate_limit_args": ALERT,
    }
    assert [call.how["message_id"] for call in desk.bot.calls[1:]] == [55]  # it is brought to date


@pytest.mark.parametrize("subscription", [None, Subscription(1, REF, NOW)])
async def test_without_a_card_it_stands_alone_and_no_card_is_edited(
    desk: Desk, subscription: Subscription | None
) -> None:
    desk.storage.answers["subscription"] = [subscription]
    await desk.delivers(claim())
    [sent] = desk.bot.calls
    assert sent.how["reply_parameters"] is None
    assert sent.how["message_thread_id"] is None
    assert sent.how["disable_notification"] is False
    assert desk.storage.asked("subscription") == [(1, REF)]


async def test_no_card_is_edited_for_what_was_not_sent(desk: Desk) -> None:
    desk.storage.answers["subscription"] = [Subscription(1, REF, NOW, card_id=55)]
    desk.bot.answers["send_message"] = [NetworkError("gone")]
    await desk.delivers(claim())
    assert [call.name for call in desk.bot.calls] == ["send_message"]


# --- what became of it ---------------------------------------------------------------------------


async def test_what_was_taken_is_settled_and_counted(desk: Desk) -> None:
    await desk.delivers(claim())
    [settled] = [call for call in desk.storage.calls if call.name == "settle"]
    assert (settled.args, settled.how) == ((key(),), {"told_at": NOW})
    assert len(desk.kept()) == 1
    assert desk.counted() == {"sent": 1}
    assert desk.deliverer._accepted == set()


async def test_several_in_one_message_are_one_sent_and_one_summary(desk: Desk) -> None:
    await desk.delivers(claim(1, queue="quiet"), claim(2, queue="quiet"))
    assert desk.kept() == [("settle", (key(1), key(2)))]
    assert desk.counted() == {"sent": 1, "summaries": 1}
    assert desk.storage.asked("subscription") == []


async def test_what_one_message_has_no_room_for_is_given_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = delivering._in_full
    monkeypatch.setattr(
        delivering, "_in_full", lambda *args, **how: whole(*args, **how)._replace(told=2)
    )
    await desk.delivers(*(claim(number, queue="quiet") for number in (1, 2, 3, 4)))
    assert desk.kept() == [
        ("settle", (key(1), key(2))),
        ("defer", (key(3), "quiet", NOW)),
        ("defer", (key(4), "quiet", NOW)),
    ]


@pytest.mark.parametrize(
    ("error", "kept", "counted"),
    [
        (RetryAfter(60), [("retry", (key(), NOW + MINUTE))], {"flooded": 1, "retried": 1}),
        (NetworkError("?"), [("retry", (key(), NOW + SECOND))], {"retried": 1}),
        (
            Forbidden(GONE),
            [("rest_chat", (1, GONE, NOW)), ("retry", (key(), NOW + SECOND))],
            {"rested": 1},
        ),
        (
            BadRequest("Can't parse entities"),
            [("settle", (key(),))],
            {"mended": 1, "refused": 1},
        ),
    ],
)
async def test_what_was_not_taken_is_kept_as_what_it_proves(
    desk: Desk, error: Exception, kept: list[Any], counted: dict[str, int]
) -> None:
    desk.bot.answers["send_message"] = [error]
    await desk.delivers(claim())
    assert desk.kept() == kept
    assert desk.counted() == counted


async def test_later_tries_wait_longer(desk: Desk) -> None:
    desk.bot.answers["send_message"] = [NetworkError("?")]
    await desk.delivers(claim(attempts=3))
    assert desk.kept() == [("retry", (key(), NOW + 8 * SECOND))]


SETTLED: list[tuple[Outcome, list[Any], dict[str, int]]] = [
    (Sent(1), [("settle", (key(1), key(2)))], {}),
    (Refused("no"), [("settle", (key(1), key(2)))], {"refused": 1}),
    (
        RetryAt(NOW, "?"),
        [("retry", (key(1), NOW + 2 * SECOND)), ("retry", (key(2), NOW + 2 * SECOND))],
        {"retried": 1},
    ),
    (
        ChatGone(GONE),
        [
            ("rest_chat", (1, GONE, NOW)),
            ("retry", (key(1), NOW + SECOND)),
            ("retry", (key(2), NOW + SECOND)),
        ],
        {"rested": 1},
    ),
    (ChatMoved(-5), [("migrate_chat", (1, -5))], {"moved": 1}),
]


@pytest.mark.parametrize(("outcome", "kept", "counted"), SETTLED)
async def test_what_becomes_of_a_message_becomes_of_all_that_it_tells(
    desk: Desk, outcome: Outcome, kept: list[Any], counted: dict[str, int]
) -> None:
    owed = [claim(1, attempts=1).delivery, claim(2, attempts=5).delivery]
    desk.deliverer._accepted = {key(1), key(2), "x"}
    desk.deliverer._faults.update([key(1), key(2)])
    await desk.deliverer._settle(owed, outcome)
    assert desk.kept() == kept
    assert desk.counted() == counted
    is_settled = kept[0][0] == "settle"
    assert desk.deliverer._accepted == ({"x"} if is_settled else {key(1), key(2), "x"})
    assert len(desk.deliverer._faults) == (0 if is_settled else 2)
    if is_settled:
        told_at = NOW if isinstance(outcome, Sent) else None
        assert desk.storage.calls[0].how == {"told_at": told_at}


async def test_a_refusal_is_nothing_to_settle(desk: Desk) -> None:
    with pytest.raises(TypeError):
        await desk.deliverer._settle([claim().delivery], ChatRefuses("no"))


async def test_a_store_that_does_not_take_it_is_told_before_anything_is_claimed_again(
    desk: Desk,
) -> None:
    desk.storage.answers["settle"] = [StorageError("disk full"), None]
    await desk.delivers(claim())
    assert desk.deliverer._unsettled == {key()}
    desk.storage.calls.clear()
    await desk.delivers()
    assert desk.storage.names[:2] == ["settle", "claim_deliveries"]
    assert desk.storage.calls[0].args == (key(),)
    assert desk.deliverer._unsettled == desk.deliverer._accepted == set()
    desk.storage.calls.clear()
    await desk.delivers()
    assert desk.storage.names[0] == "claim_deliveries"
    assert len(desk.bot.asked("send_message")) == 1


async def test_of_claims_that_telegram_has_taken_in_part_the_others_are_given_back(
    desk: Desk,
) -> None:
    desk.deliverer._accepted = {key(2)}
    await desk.delivers(claim(1, queue="quiet"), claim(2, queue="quiet"))
    assert desk.bot.calls == []
    assert desk.kept() == [("settle", (key(2),)), ("defer", (key(1), "quiet", NOW))]
    assert desk.deliverer._accepted == set()
    assert desk.counted() == {}


async def test_what_was_not_sent_when_the_store_failed_is_not_taken_for_sent(desk: Desk) -> None:
    desk.storage.answers["subscription"] = [StorageError("away")]
    desk.deliverer._accepted = {"x:1"}
    await desk.delivers(claim())
    assert (desk.deliverer._unsettled, desk.deliverer._accepted) == (set(), {"x:1"})


# --- what is held --------------------------------------------------------------------------------

PRESSING = MilestoneReached(10_000, 10_002, "response")


@pytest.mark.parametrize(
    ("how", "held"),
    [
        ({"told_lately": 5}, True),
        ({"told_lately": 4}, False),
        ({"flood_until": NOW + MINUTE}, True),
        ({"told_lately": 5, "attempts": 1}, False),
        ({"told_lately": 5, "queue": "quiet"}, False),
        ({"told_lately": 5, "event": PRESSING}, False),
        ({"told_lately": 5, "event": CommitteeNoted("A note.", identity="a1")}, True),
        ({"told_lately": 5, "chat": probed()}, False),
        ({"told_lately": 5, "chat": None}, True),
    ],
)
async def test_too_many_at_once_are_held_a_minute_unless_they_cannot_wait(
    desk: Desk, how: dict[str, Any], held: bool
) -> None:
    owed = claim(**how)
    await desk.delivers(owed)
    deferred = ("defer", (owed.delivery.key, "flood", NOW + MINUTE))
    assert (deferred in desk.kept()) is held
    assert desk.counted() == ({"deferred": 1} if held else {"sent": 1})


@pytest.mark.parametrize("trouble", [None, StorageError("away"), RuntimeError("a bug")])
async def test_what_is_held_or_fails_before_it_is_sent_holds_up_nothing_else_of_its_chat(
    desk: Desk, trouble: Exception | None
) -> None:
    desk.storage.answers["subscription"] = [trouble, None] if trouble else [None]
    with capture_logs():
        first = claim(1, told_lately=0 if trouble else 5)
        await desk.delivers(first, claim(2, queue="quiet"), claim(3, queue="digest"))
    texts = [args[1] for args in desk.bot.asked("send_message")]
    assert ["1,000" in text.partition("\n")[0] for text in texts] == [False, False]
    assert desk.counted()["sent"] == 2


async def test_several_in_one_message_are_never_held(desk: Desk) -> None:
    first, second = claim(1, told_lately=9), claim(2, told_lately=9)
    await desk.delivers(first, second)  # both in the queue of what is due at once
    assert desk.counted() == {"sent": 1, "summaries": 1}
