from datetime import UTC, datetime, timedelta

import pytest

from bot.demo.clock import Beat, StoryClock

START = datetime(2020, 3, 5, 18, tzinfo=UTC)
BEATS = (
    Beat(0, START),
    Beat(10, START + timedelta(hours=10)),
    Beat(20, START + timedelta(days=100)),
)


class Seconds:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def clock(seconds: Seconds) -> StoryClock:
    return StoryClock(BEATS, seconds)


def test_a_step_passes_over_what_only_sets_the_pace(seconds: Seconds) -> None:
    first, between, last = BEATS
    clock = StoryClock((first, Beat(between.at, between.story, passing=True), last), seconds)
    clock.start()
    clock.pause()
    clock.step()
    assert clock.now() == last.story


def test_the_story_rests_until_it_is_started(clock: StoryClock, seconds: Seconds) -> None:
    seconds.pass_(60)
    assert clock() == START
    assert not clock.started


def test_a_started_story_runs_evenly_between_beats(clock: StoryClock, seconds: Seconds) -> None:
    clock.start()
    seconds.pass_(5)
    assert clock.now() == START + timedelta(hours=5)
    seconds.pass_(5)
    assert clock.now() == START + timedelta(hours=10)


def test_starting_twice_changes_nothing(clock: StoryClock, seconds: Seconds) -> None:
    clock.start()
    seconds.pass_(5)
    clock.start()
    assert clock.now() == START + timedelta(hours=5)


def test_the_story_rests_on_its_last_beat(clock: StoryClock, seconds: Seconds) -> None:
    clock.start()
    seconds.pass_(500)
    assert clock.now() == BEATS[-1].story
    assert clock.finished


def test_a_paused_story_stands_still_and_a_resumed_one_goes_on(
    clock: StoryClock, seconds: Seconds
) -> None:
    clock.start()
    seconds.pass_(2)
    clock.pause()
    seconds.pass_(100)
    assert clock.now() == START + timedelta(hours=2)
    clock.resume()
    seconds.pass_(1)
    assert clock.now() == START + timedelta(hours=3)


def test_a_story_that_waits_stands_still_whether_it_is_paused_or_not(
    clock: StoryClock, seconds: Seconds
) -> None:
    clock.wait(True)
    clock.start()
    seconds.pass_(2)
    assert clock.now() == START
    clock.pause()
    clock.wait(False)
    seconds.pass_(2)
    assert clock.now() == START
    clock.resume()
    seconds.pass_(2)
    assert clock.now() == START + timedelta(hours=2)
    clock.wait(True)
    seconds.pass_(2)
    assert clock.now() == START + timedelta(hours=2)
    assert not clock.paused
    clock.wait(False)
    seconds.pass_(1)
    assert clock.now() == START + timedelta(hours=3)


def test_resuming_does_not_start_a_story_that_has_not_begun(
    clock: StoryClock, seconds: Seconds
) -> None:
    clock.resume()
    seconds.pass_(5)
    assert clock.now() == START


def test_a_step_lands_just_after_the_next_beat(clock: StoryClock, seconds: Seconds) -> None:
    clock.start()
    seconds.pass_(3)
    clock.step()
    assert BEATS[1].story < clock.now() < BEATS[1].story + timedelta(hours=6)


def test_a_step_of_a_paused_story_leaves_it_paused(clock: StoryClock, seconds: Seconds) -> None:
    clock.start()
    clock.pause()
    clock.step()
    stepped = clock.now()
    seconds.pass_(9)
    assert clock.paused
    assert clock.now() == stepped


def test_there_is_no_step_past_the_end(clock: StoryClock) -> None:
    for _ in range(5):
        clock.step()
    assert clock.now() == BEATS[-1].story


def test_twice_the_speed_takes_half_the_time_and_does_not_jump(
    clock: StoryClock, seconds: Seconds
) -> None:
    clock.start()
    seconds.pass_(2)
    clock.set_speed(2)
    assert clock.now() == START + timedelta(hours=2)
    seconds.pass_(2)
    assert clock.now() == START + timedelta(hours=6)


def test_a_story_does_not_run_backwards(clock: StoryClock) -> None:
    with pytest.raises(ValueError, match="forwards"):
        clock.set_speed(-1)


def test_starting_over_goes_back_to_before_the_start(clock: StoryClock, seconds: Seconds) -> None:
    clock.start()
    clock.set_speed(4)
    seconds.pass_(4)
    clock.restart()
    seconds.pass_(4)
    assert clock.now() == START
    assert clock.speed == 1
    assert not clock.started


def test_beats_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="in order"):
        StoryClock(tuple(reversed(BEATS)))
