"""The pause of everything and the rate after it, told the time by hand (pure)."""

from math import inf

import pytest

from bot.delivery.global_pause import FIRST_PAUSE, LONGEST_PAUSE, PER_SECOND, GlobalPause
from bot.delivery.send_queue import Departure

AT = 1000.0
PROBE = Departure(AT, AT, is_probe=True)


def left(at: float) -> Departure:
    return Departure(at, at)


def refused_by(pause: GlobalPause, count: int, at: float = AT) -> float | None:
    """What follows from the last of so many chats that refuse at the same time."""
    said = None
    for chat in range(1, count + 1):
        said = pause.refused(chat, left(at), at, is_news=True)
    return said


def begun(at: float = AT) -> GlobalPause:
    pause = GlobalPause()
    assert refused_by(pause, 3, at) == 2.0
    return pause


def probes_in_vain(pause: GlobalPause, times: int, at: float = AT) -> list[float | None]:
    return [pause.refused(f"p{n}", PROBE, at, is_news=True) for n in range(times)]


# --- the beginning -------------------------------------------------------------------------------


def test_nothing_is_paused_and_thirty_a_second_may_leave() -> None:
    pause = GlobalPause()
    assert (PER_SECOND, FIRST_PAUSE, LONGEST_PAUSE) == (30, 2.0, 60.0)
    assert (pause.is_on, pause.until, pause.began_at) == (False, -inf, -inf)
    assert (pause.rate(AT), pause.seconds_left(AT)) == (30.0, 0.0)


@pytest.mark.parametrize(("count", "said"), [(1, None), (2, None), (3, 2.0)])
def test_three_chats_refused_at_once_pause_everything_for_two_seconds(
    count: int, said: float | None
) -> None:
    pause = GlobalPause()
    assert refused_by(pause, count) == said
    assert pause.is_on is (said is not None)
    assert pause.rate(AT) == 30.0
    if said:
        assert (pause.until, pause.began_at) == (AT + 2.0, AT)


@pytest.mark.parametrize(("apart", "said"), [(0.99, 2.0), (1.0, None), (1.7, None)])
def test_chats_refused_a_second_apart_are_refused_each_for_itself(
    apart: float, said: float | None
) -> None:
    pause = GlobalPause()
    pause.refused(1, left(AT), AT, is_news=True)
    pause.refused(2, left(AT), AT + 0.5, is_news=True)
    assert pause.refused(3, left(AT), AT + apart, is_news=True) == said


def test_a_chat_refused_again_is_still_one_chat_and_counts_from_the_last_time() -> None:
    pause = GlobalPause()
    assert [pause.refused(1, left(AT), AT + n / 10, is_news=True) for n in range(4)] == [None] * 4
    assert pause.refused(2, left(AT), AT + 1.0, is_news=True) is None
    assert pause.refused(3, left(AT), AT + 1.2, is_news=True) == 2.0


def test_a_chat_that_was_refused_before_says_nothing_new() -> None:
    pause = GlobalPause()
    refused_by(pause, 2)
    assert pause.refused(3, left(AT), AT, is_news=False) is None
    assert pause.refused(4, left(AT), AT, is_news=True) == 2.0


def test_what_is_accepted_between_refusals_begins_the_count_anew() -> None:
    pause = GlobalPause()
    refused_by(pause, 2)
    pause.accepted(left(AT), AT)
    assert pause.refused(3, left(AT), AT, is_news=True) is None
    assert not pause.is_on


# --- while it lasts ------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "seconds"), [(0.0, 2.0), (0.5, 1.5), (2.0, 0.0), (9.0, 0.0)])
def test_nothing_leaves_until_the_pause_is_over(at: float, seconds: float) -> None:
    assert begun().seconds_left(AT + at) == seconds


def test_a_probe_that_has_left_holds_the_next_one_for_as_long_as_the_pause() -> None:
    pause = begun()
    pause.probed(AT + 5.0)
    assert pause.until == AT + 7.0
    probes_in_vain(pause, 1, AT + 6.0)
    pause.probed(AT + 10.0)
    assert pause.until == AT + 14.0


def test_each_probe_refused_doubles_the_pause_up_to_a_minute() -> None:
    pause = begun()
    assert probes_in_vain(pause, 7) == [4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert pause.refused("p", PROBE, AT + 100.0, is_news=True) == 60.0
    assert pause.until == AT + 160.0
    assert pause.began_at == AT


def test_a_probe_to_a_chat_that_was_refused_before_only_begins_the_same_pause_again() -> None:
    pause = begun()
    assert pause.refused(1, PROBE, AT + 3.0, is_news=False) == 2.0
    assert (pause.until, pause.rate(AT)) == (AT + 5.0, 30.0)


def test_what_is_refused_and_was_no_probe_changes_nothing() -> None:
    pause = begun()
    assert pause.refused(9, left(AT), AT + 1.0, is_news=True) is None
    assert (pause.until, pause.rate(AT)) == (AT + 2.0, 30.0)


# --- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("departure", "ends"),
    [
        (Departure(AT, AT - 9.0, is_probe=True), True),
        (left(AT - 1.0), False),
        (left(AT + 0.2), False),  # it left as the last of the refused ones did
        (left(AT + 0.21), True),
    ],
)
def test_what_is_taken_ends_the_pause_if_it_left_after_the_refused_ones(
    departure: Departure, ends: bool
) -> None:
    pause = GlobalPause()
    for chat, at in ((1, AT), (2, AT + 0.2), (3, AT + 0.1)):
        pause.refused(chat, left(at), AT + 0.5, is_news=True)
    assert pause.is_on
    pause.accepted(departure, AT + 1.0)
    assert pause.is_on is not ends
    assert pause.seconds_left(AT + 1.0) == (0.0 if ends else 1.5)


def test_after_a_pause_it_takes_three_chats_anew_to_begin_another() -> None:
    pause = begun()
    pause.accepted(PROBE, AT + 2.0)
    assert refused_by(pause, 2, AT + 100.0) is None
    assert pause.refused(7, left(AT), AT + 100.0, is_news=True) == 2.0


def test_a_pause_begins_with_two_seconds_however_long_the_last_one_was() -> None:
    pause = begun()
    probes_in_vain(pause, 5)
    pause.accepted(PROBE, AT + 100.0)
    assert refused_by(pause, 3, AT + 1000.0) == 2.0


# --- the rate ------------------------------------------------------------------------------------


def test_a_refused_probe_halves_the_rate_once_in_each_pause() -> None:
    pause = begun()
    probes_in_vain(pause, 3)
    assert pause.rate(AT) == 15.0


@pytest.mark.parametrize(
    ("after", "rate"), [(0.0, 15.0), (4.0, 16.0), (20.0, 20.0), (60.0, 30.0), (61.0, 30.0)]
)
def test_the_rate_recovers_by_one_in_four_seconds_once_the_pause_is_over(
    after: float, rate: float
) -> None:
    pause = begun()
    probes_in_vain(pause, 1)
    assert pause.rate(AT + 500.0) == 15.0  # not while it lasts
    pause.accepted(PROBE, AT + 500.0)
    assert pause.rate(AT + 500.0 + after) == rate
    assert pause.rate(AT) == 15.0  # nor before


@pytest.mark.parametrize(
    ("after", "rate"), [(0.0, 15.0), (59.9, 15.0), (60.0, 30.0), (600.0, 30.0)]
)
def test_another_pause_within_a_minute_halves_the_rate_at_once(after: float, rate: float) -> None:
    pause = begun()
    pause.accepted(PROBE, AT + 2.0)
    assert refused_by(pause, 3, AT + 2.0 + after) == 2.0
    assert pause.rate(AT) == rate


def test_a_pause_halves_what_the_rate_has_recovered_to() -> None:
    pause = begun()
    probes_in_vain(pause, 1)
    pause.accepted(PROBE, AT)
    refused_by(pause, 3, AT + 20.0)  # from 20 a second
    assert pause.rate(AT + 21.0) == 10.0
    probes_in_vain(pause, 2, AT + 22.0)
    assert pause.rate(AT + 23.0) == 10.0
    pause.accepted(PROBE, AT + 24.0)
    assert pause.rate(AT + 24.0) == 10.0


def test_the_rate_falls_to_one_a_second_and_no_further() -> None:
    pause, rates = GlobalPause(), []
    for n in range(8):
        at = AT + n / 1000
        refused_by(pause, 3, at)
        rates.append(pause.rate(at))
        pause.accepted(PROBE, at)
    assert rates == pytest.approx([30.0, 15.0, 7.5, 3.75, 1.88, 1.0, 1.0, 1.0], abs=0.01)


# --- the pause of another process ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("wait", "span"), [(0.5, 2.0), (2.0, 2.0), (2.5, 2.5), (59.0, 59.0), (60.0, 60.0), (90.0, 60.0)]
)
def test_the_pause_of_another_process_is_joined_for_two_seconds_to_a_minute(
    wait: float, span: float
) -> None:
    pause = GlobalPause()
    pause.join(AT, wait)
    assert (pause.is_on, pause.until, pause.began_at) == (True, AT + span, AT)
    assert pause.rate(AT) == 30.0
    pause.probed(AT + 70.0)
    assert pause.until == AT + 70.0 + span


@pytest.mark.parametrize(("wait", "until"), [(0.5, 2.0), (2.0, 2.0), (2.5, 2.5), (90.0, 90.0)])
def test_a_pause_that_is_on_is_made_longer_by_another_processes_and_never_shorter(
    wait: float, until: float
) -> None:
    pause = begun()
    pause.join(AT, wait)
    assert (pause.until, pause.began_at) == (AT + until, AT)


def test_only_what_left_after_a_pause_was_joined_ends_it() -> None:
    pause = GlobalPause()
    pause.join(AT, 5.0)
    pause.accepted(left(AT), AT + 1.0)
    assert pause.is_on
    pause.accepted(left(AT + 0.01), AT + 1.0)
    assert not pause.is_on


def test_a_joined_pause_soon_after_another_halves_no_rate() -> None:
    pause = begun()
    pause.accepted(PROBE, AT + 2.0)
    pause.join(AT + 3.0, 5.0)
    assert pause.rate(AT + 3.0) == 30.0
