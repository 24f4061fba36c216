"""Functional core with one argument for time: the story's clock, which runs through its beats."""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

JUST_AFTER = 0.01  # real seconds past a beat where `step` lands, so that it has surely happened


@dataclass(frozen=True, slots=True)
class Beat:
    """A point of the story: at `at` real seconds from the start it has reached `story` (UTC).

    One that is `passing` only sets the pace: nothing is told of it, and no step ends there.
    """

    at: float
    story: datetime
    title: str = ""
    passing: bool = False


class StoryClock:
    """Story time: rests on the first beat until started, and on the last one when done.

    `monotonic` gives real seconds; tests move it by hand.
    """

    def __init__(
        self, beats: Sequence[Beat], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        if len(beats) < 2 or any(b.at <= a.at or b.story < a.story for a, b in pairwise(beats)):
            raise ValueError("a story needs at least two beats, in order")
        self.beats = tuple(beats)
        self._monotonic = monotonic
        self._position = self.beats[0].at
        self._mark: float | None = None  # the monotonic second from which time is running
        self._started = False
        self._paused = False
        self._waiting = False
        self._speed = 1.0

    def __call__(self) -> datetime:
        return self.now()

    def now(self) -> datetime:
        return self._story_at(self.position)

    @property
    def position(self) -> float:
        """The seconds into the story, counted at normal speed."""
        return min(self._position + self._since_mark() * self._speed, self.beats[-1].at)

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def started(self) -> bool:
        return self._started

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def waiting(self) -> bool:
        """True while it stands still until something else has happened."""
        return self._waiting

    @property
    def finished(self) -> bool:
        return self.position >= self.beats[-1].at

    def start(self) -> None:
        """Sets the story going; a second call changes nothing."""
        if not self._started:
            self._started = True
            self._hold()

    def pause(self) -> None:
        self._paused = self._started
        self._hold()

    def resume(self) -> None:
        self._hold(paused=False)

    def wait(self, waiting: bool) -> None:
        """Stands still while something else has to happen first; a pause is another thing."""
        if waiting is not self._waiting:
            self._hold(waiting=waiting)

    def step(self) -> None:
        """Jumps to just after the next beat; a paused clock stays paused there."""
        self.start()
        self._hold()
        ahead = [b.at for b in self.beats if b.at > self._position and not b.passing]
        if ahead:
            self._position = min(ahead[0] + JUST_AFTER, self.beats[-1].at)

    def set_speed(self, speed: float) -> None:
        if speed <= 0:
            raise ValueError("the story runs forwards only")
        self._hold()
        self._speed = speed

    def restart(self) -> None:
        """Goes back to before the start, at normal speed."""
        self._position = self.beats[0].at
        self._mark = None
        self._started = self._paused = self._waiting = False
        self._speed = 1.0

    def _since_mark(self) -> float:
        return 0.0 if self._mark is None else self._monotonic() - self._mark

    def _hold(self, *, paused: bool | None = None, waiting: bool | None = None) -> None:
        """Keeps where it is, and runs on from there unless something stops it now."""
        self._position = self.position
        self._paused = self._paused if paused is None else paused
        self._waiting = self._waiting if waiting is None else waiting
        runs = self._started and not self._paused and not self._waiting
        self._mark = self._monotonic() if runs else None

    def _story_at(self, position: float) -> datetime:
        index = bisect_right([beat.at for beat in self.beats], position)
        if index >= len(self.beats):
            return self.beats[-1].story
        before, after = self.beats[index - 1], self.beats[index]
        share = (position - before.at) / (after.at - before.at)
        return before.story + (after.story - before.story) * share
