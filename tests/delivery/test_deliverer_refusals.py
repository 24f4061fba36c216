"""An alert that fails by a fault of our own, by its chat or by what Telegram finds wrong in it."""

from types import SimpleNamespace
from typing import Any

import pytest
from desk import JITTER, NO_RIGHTS, SECOND, TOO_LONG, Desk, claim, key, probed
from desk import desk as desk
from flying import time as time
from petitions import NOW, REF
from structlog.testing import capture_logs
from telegram.error import BadRequest, NetworkError

from bot.delivery import deliverer as delivering
from bot.delivery.retry import probe_wait
from bot.messages.alert import bare_alert
from bot.petitions.events import Removed
from bot.subscriptions.delivery_order import refused_queue
from bot.subscriptions.subscription import Chat

__all__ = ["desk", "time"]

# --- a fault of our own --------------------------------------------------------------------------


@pytest.mark.parametrize(("faults", "plainly"), [(0, False), (2, False), (3, True), (4, True)])
async def test_after_three_faults_an_alert_is_sent_plainly(
    desk: Desk, faults: int, plainly: bool
) -> None:
    desk.deliverer._faults[key()] = faults
    await desk.delivers(claim())
    [sent] = desk.bot.calls
    assert (sent.how["reply_markup"] is None, not sent.how["entities"]) == (plainly, plainly)
    assert "1,000 signatures" in sent.args[1]
    assert desk.deliverer._faults == {}


async def test_an_alert_that_cannot_be_worded_is_tried_in_full_three_times(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(delivering, "alert", broken)
    with capture_logs() as lines:
        for tries in range(1, 4):
            await desk.delivers(claim(attempts=tries - 1))
            assert desk.bot.calls == []
            assert desk.deliverer._faults == {key(): tries}
        await desk.delivers(claim(attempts=3))
    waits = [SECOND, 2 * SECOND, 4 * SECOND]
    assert desk.kept() == [
        *(("retry", (key(), NOW + wait)) for wait in waits),
        ("settle", (key(),)),
    ]
    assert [args[1] for args in desk.bot.asked("send_message")] == [bare_alert(claim().known).text]
    assert desk.counted() == {"retried": 3, "sent": 1}
    said, over = [line for line in lines if line["log_level"] != "debug"]
    assert (said["cause"], said["alert"]) == ("RuntimeError", f"{REF}:milestone:1000")
    assert said["exc_info"] is True
    assert over["event"] == "an alert cannot be worded or sent: over"


async def test_of_several_that_cannot_be_summed_up_the_first_is_told_at_last_and_the_rest_waits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(delivering, "summary", broken)
    claims = [claim(number, queue="quiet", attempts=4 - number) for number in (1, 2, 3)]
    with capture_logs() as lines:
        for tries in (1, 2, 3):
            await desk.delivers(*claims)
            assert desk.deliverer._faults == {key(1): tries}
        assert desk.kept()[:3] == [("retry", (key(n), NOW + 8 * SECOND)) for n in (1, 2, 3)]
        desk.storage.calls.clear()
        await desk.delivers(*claims)
    assert desk.kept() == [
        ("settle", (key(1),)),
        ("defer", (key(2), "quiet", NOW)),
        ("defer", (key(3), "quiet", NOW)),
    ]
    assert [args[1] for args in desk.bot.asked("send_message")] == [bare_alert(claim().known).text]
    named = {line["alert"] for line in lines if "alert" in line}
    assert named == {f"{REF}:milestone:1000"}


# --- chats that refuse ---------------------------------------------------------------------------


async def test_a_refusal_is_kept_with_its_chat_and_the_alert_waits_by_itself(desk: Desk) -> None:
    desk.bot.answers["send_message"] = [BadRequest(NO_RIGHTS)]
    owed = claim(chat=Chat(1, refusals=1))
    with capture_logs() as lines:
        await desk.delivers(owed)
    at = NOW + probe_wait(1, JITTER)
    assert desk.kept() == [
        ("refuse_chat", (1, NO_RIGHTS, 2, NOW, at)),
        ("retry", (key(), NOW, refused_queue(owed.delivery))),
    ]
    assert desk.counted() == {"chat_refused": 1}
    [said] = [line for line in lines if line["event"] == "chats refuse messages"]
    assert (said["cause"], said["times"]) == (NO_RIGHTS, 2)


async def test_a_first_refusal_of_an_unknown_chat_is_its_first(desk: Desk) -> None:
    desk.bot.answers["send_message"] = [BadRequest(NO_RIGHTS)]
    await desk.delivers(claim(1, queue="quiet", chat=None), claim(2, queue="quiet", chat=None))
    assert desk.kept()[0] == ("refuse_chat", (1, NO_RIGHTS, 1, NOW, NOW + probe_wait(0, JITTER)))
    assert [args[0] for name, args in desk.kept() if name == "retry"] == [key(1), key(2)]


@pytest.mark.parametrize("queue", ["quiet:refused", "quiet"])
@pytest.mark.parametrize("chat", [Chat(1), probed()])
async def test_what_is_refused_alone_while_the_chat_takes_others_is_at_fault_itself(
    desk: Desk, queue: str, chat: Chat
) -> None:
    desk.bot.answers["send_message"] = [BadRequest(NO_RIGHTS)]
    first = claim(1, queue=queue, chat=chat, attempts=2)
    await desk.delivers(first, claim(2, queue="digest", chat=chat))
    is_alone = queue == "quiet:refused" and chat.probe_at is None
    refused = [("retry", (key(1), NOW + probe_wait(2, JITTER)))]
    assert (desk.kept()[:1] == refused) is is_alone
    # The chat is tried with the other only then.
    assert len(desk.bot.asked("send_message")) == (2 if is_alone else 1)
    assert desk.counted()["chat_refused"] == (2 if is_alone else 1)


async def test_of_several_refused_together_the_first_says_how_long_all_of_them_wait(
    desk: Desk,
) -> None:
    desk.bot.answers["send_message"] = [BadRequest(NO_RIGHTS)]
    claims = [claim(1, queue="quiet:refused", attempts=2), claim(2, queue="quiet:refused")]
    with capture_logs() as lines:
        await desk.delivers(*claims)
    at = NOW + probe_wait(2, JITTER)
    assert desk.kept() == [("retry", (key(1), at)), ("retry", (key(2), at))]
    [said] = lines
    assert (said["event"], said["log_level"]) == ("chat refuses this alert alone", "warning")
    assert said["alert"] == f"{REF}:milestone:1000"


@pytest.mark.parametrize(
    ("chat_id", "before", "is_news", "told"),
    [
        (-9, 1, True, True),
        (-9, 0, True, False),
        (-9, 2, True, False),
        (-9, 1, False, False),
        (9, 1, True, False),
    ],
)
async def test_the_admins_of_a_group_hear_of_its_second_refusal_in_a_row(
    desk: Desk, chat_id: int, before: int, is_news: bool, told: bool
) -> None:
    desk.bot.answers["send_message"] = [BadRequest(NO_RIGHTS)]
    desk.bot.answers["get_chat"] = [SimpleNamespace(title="Tea club")]
    desk.bot.answers["get_chat_administrators"] = [[]]
    desk.storage.answers["refuse_chat"] = [is_news]
    await desk.delivers(claim(1, chat_id, chat=Chat(chat_id, refusals=before)))
    assert desk.bot.asked("get_chat_administrators") == ([(chat_id,)] if told else [])


@pytest.mark.parametrize("is_probe", [True, False])
async def test_a_probe_that_is_taken_ends_the_refusals(desk: Desk, is_probe: bool) -> None:
    await desk.delivers(claim(chat=probed() if is_probe else Chat(1)))
    ended = [("end_refusals", (1,))] if is_probe else []
    assert desk.kept() == [*ended, ("settle", (key(),))]


async def test_a_probe_that_is_lost_ends_no_refusals(desk: Desk) -> None:
    desk.bot.answers["send_message"] = [NetworkError("gone")]
    await desk.delivers(claim(chat=probed()))
    assert desk.storage.asked("end_refusals") == []


# --- what Telegram says is wrong with it ---------------------------------------------------------


async def test_a_lost_topic_is_forgotten_once_the_chat_itself_took_the_alert(desk: Desk) -> None:
    taken = SimpleNamespace(message_id=1)
    desk.bot.answers["send_message"] = [BadRequest("message thread not found"), taken]
    await desk.delivers(claim(1, -9, thread_id=7))
    assert desk.storage.asked("clear_thread") == [(-9, 7)]
    assert desk.counted() == {"topics_lost": 1, "sent": 1}
    threads = [call.how["message_thread_id"] for call in desk.bot.calls]
    assert threads == [7, None]


@pytest.mark.parametrize(
    ("thread_id", "answers"),
    [
        (None, [SimpleNamespace(message_id=1)]),
        (7, [SimpleNamespace(message_id=1)]),
        (7, [BadRequest("message thread not found"), NetworkError("gone")]),
    ],
)
async def test_no_topic_is_forgotten_that_was_not_lost_or_before_the_alert_was_taken(
    desk: Desk, thread_id: int | None, answers: list[Any]
) -> None:
    desk.bot.answers["send_message"] = answers
    await desk.delivers(claim(1, -9, thread_id=thread_id))
    assert desk.storage.asked("clear_thread") == []


@pytest.mark.parametrize("reason", [TOO_LONG, "Bad Request: can't parse entities"])
async def test_what_is_refused_however_plain_and_short_is_given_up(desk: Desk, reason: str) -> None:
    desk.bot.answers["send_message"] = [BadRequest(reason)]
    with capture_logs() as lines:
        await desk.delivers(claim())
    assert len(desk.bot.calls) < 20
    assert desk.kept() == [("settle", (key(),))]
    assert desk.counted()["refused"] == 1
    assert desk.counted()["mended"] == len(desk.bot.calls) - 1
    [said, *_] = [line for line in lines if line["event"].startswith("Telegram refuses part")]
    assert said["cause"] == "sent without it"


@pytest.mark.parametrize("reason", ["BUTTON_URL_INVALID", "message thread not found"])
async def test_what_is_refused_for_what_it_has_no_more_is_a_refusal_of_the_chats(
    desk: Desk, reason: str
) -> None:
    desk.bot.answers["send_message"] = [BadRequest(reason)]
    await desk.delivers(claim())
    assert desk.storage.names.count("refuse_chat") == 1
    assert desk.storage.asked("settle") == []


async def test_the_chat_speaks_its_own_language(desk: Desk) -> None:
    await desk.delivers(
        claim(1, 1, Removed(), chat=Chat(1, language="cy")), claim(2, 2, Removed(), chat=None)
    )
    welsh, english = [args[1].partition("\n")[0] for args in desk.bot.asked("send_message")]
    assert english == "⚠️ Taken off the site."
    assert welsh != english
