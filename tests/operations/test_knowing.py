"""Health counts successes: what was accepted, read and written last, not that nothing failed."""

from datetime import timedelta

import pytest
from fickle import Fickle, Told
from watching import NOW, Patient, Watch
from watching import watch as watch

from bot.operations.health import HealthCheck
from bot.operations.metrics import Metrics, Sending

AWAY = HealthCheck("storage", "Storage can't be written to")
WELL = HealthCheck("storage", "")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sending(clock: Clock) -> Sending:
    return Sending(clock)


def tries(sending: Sending, clock: Clock, *outcomes: str, apart: float = 20.0) -> str:
    """What is wrong after Telegram answered messages so, some seconds apart."""
    for outcome in outcomes:
        clock.now += apart
        sending.came("sendMessage", outcome)
    return sending.problem()


@pytest.mark.parametrize("outcome", ["502", "TimedOut", "NetworkError", "401", "404", "429"])
def test_a_telegram_that_takes_no_message_for_over_a_minute_is_a_trouble_with_its_cause(
    sending: Sending, clock: Clock, outcome: str
) -> None:
    assert tries(sending, clock, "200", *[outcome] * 3) == ""
    problem = tries(sending, clock, outcome, outcome)
    assert outcome in problem
    assert "sendMessage" in problem


def test_one_accepted_message_ends_the_trouble(sending: Sending, clock: Clock) -> None:
    assert tries(sending, clock, *["502"] * 6)
    assert tries(sending, clock, "200") == ""
    assert tries(sending, clock, "502", "502") == ""


@pytest.mark.parametrize("outcome", ["400", "403"])
def test_refusals_of_one_chat_do_not_make_the_bot_mute(
    sending: Sending, clock: Clock, outcome: str
) -> None:
    assert tries(sending, clock, *[outcome] * 30) == ""


def test_who_has_nothing_to_send_is_not_mute(sending: Sending, clock: Clock) -> None:
    assert tries(sending, clock, "502") == ""
    clock.now += 10_000
    assert sending.problem() == ""


def test_that_it_may_show_that_it_types_does_not_make_a_bot_speak(clock: Clock) -> None:
    metrics = Metrics(monotonic=clock)
    for _ in range(6):
        clock.now += 20
        metrics._note_call("sendMessage", "502")
        metrics._note_call("sendChatAction", "200")
    assert "502" in metrics.sending.problem()
    metrics._note_call("editMessageText", "200")
    assert metrics.sending.problem() == ""


async def test_a_mute_bot_is_not_ready_within_two_minutes_and_ready_right_after(
    watch: Watch,
) -> None:
    patient = Patient(watch.bot, watch.storage)
    for _ in range(5):
        patient.metrics.sending.came("sendMessage", "502")
        await patient.ails(after=20)
    assert await patient.ails() >= {"sending"}
    assert not await patient.is_ready()
    patient.metrics.sending.came("sendMessage", "200")
    assert "sending" not in await patient.ails()


async def test_the_end_of_an_outage_of_the_store_is_told_though_the_seat_was_lost_meanwhile() -> (
    None
):
    storage = Fickle()
    alerts = Told(storage)
    storage.is_away = True
    await alerts.tell([AWAY], NOW)
    storage.is_away = False
    # The server still holds the seat of the connection that died, so we stand by for a moment.
    await alerts.hand_over(NOW + timedelta(minutes=1))
    alerts.resume()
    for minutes in (2, 3, 4, 5, 6):
        await alerts.tell([WELL], NOW + timedelta(minutes=minutes))
    assert len(alerts.sent) == 2


async def test_the_end_of_an_outage_is_told_by_whoever_leads_then_and_by_nobody_else() -> None:
    storage = Fickle()
    was, other = Told(storage), Told(storage)
    storage.is_away = True
    await was.tell([AWAY], NOW)
    storage.is_away = False
    await was.hand_over(NOW)
    for minutes in range(1, 8):
        await other.tell([WELL], NOW + timedelta(minutes=minutes))
        await was.hand_over(NOW + timedelta(minutes=minutes))
    assert (len(was.sent), len(other.sent)) == (1, 1)
