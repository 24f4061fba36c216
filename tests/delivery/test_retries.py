"""After which wait a delivery is tried again, and when a flood is held (pure)."""

from datetime import datetime, timedelta

import pytest
from petitions import NOW

from bot.delivery.flood_guard import deferred_until
from bot.delivery.retry import ProbeChat, TryAgain, backoff, next_step, probe_wait
from bot.subscriptions.delivery import ChatRefuses, RetryAt

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 32), (6, 45), (7, 45), (16, 45), (100_000, 45)],
)
def test_waits_double_from_a_second_to_forty_five(attempts: int, wait: int) -> None:
    assert backoff(attempts, 0.5) == wait * SECOND


@pytest.mark.parametrize(("jitter", "share"), [(0.0, 0.75), (0.5, 1.0), (1.0, 1.25)])
def test_retries_are_spread_over_half_of_the_wait(jitter: float, share: float) -> None:
    assert backoff(2, jitter) == 4 * share * SECOND
    assert backoff(50, jitter) == 45 * share * SECOND


@pytest.mark.parametrize(
    ("refusals", "minutes"),
    [
        (0, 1),
        (1, 10),
        (2, 60),
        (3, 60),
        (4, 60),
        (5, 120),
        (6, 240),
        (7, 480),
        (8, 960),
        (9, 1440),
        (10, 1440),
        (1000, 1440),
    ],
)
def test_a_chat_that_refuses_is_tried_ever_more_rarely_and_once_a_day_in_the_end(
    refusals: int, minutes: int
) -> None:
    assert probe_wait(refusals, 1.0) == minutes * MINUTE
    assert probe_wait(refusals, 0.0) == 0.9 * minutes * MINUTE
    assert probe_wait(refusals, 0.5) == 0.95 * minutes * MINUTE


@pytest.mark.parametrize(
    ("named", "attempts", "wait"), [(0, 0, 1), (0.5, 0, 1), (1.5, 0, 1.5), (60, 3, 60), (-9, 3, 8)]
)
def test_what_telegram_names_is_waited_for_and_never_less_than_our_own_wait(
    named: float, attempts: int, wait: float
) -> None:
    step = next_step(RetryAt(NOW + named * SECOND, "?"), attempts, NOW, 0.5)
    assert step == TryAgain(NOW + wait * SECOND)


def test_a_first_refusal_is_counted_as_one_and_tried_again_within_a_minute() -> None:
    step = next_step(ChatRefuses("no"), 5, NOW, 0.5)
    assert step == ProbeChat("no", 1, NOW + 57 * SECOND)


@pytest.mark.parametrize(
    ("told", "held_until", "until"),
    [
        (0, None, None),
        (4, None, None),
        (5, None, NOW + MINUTE),
        (6, None, NOW + MINUTE),
        (0, NOW - SECOND, None),
        (0, NOW, None),
        (0, NOW + SECOND, NOW + SECOND),
        (9, NOW + SECOND, NOW + SECOND),
        (5, NOW, NOW + MINUTE),
    ],
)
def test_after_five_at_once_the_next_waits_a_minute_or_for_what_is_held_already(
    told: int, held_until: datetime | None, until: datetime | None
) -> None:
    assert deferred_until(told, held_until, NOW) == until
