"""The time of a site, by its answers, and a scheduler by a clock that nobody sets."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger


class SiteClock:
    """A site's clock, as its answers told it and as it must have gone on since."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told: tuple[datetime, float] | None = None

    def told(self, moment: datetime) -> None:
        """Take note of the date that an answer bore just now."""
        self._told = (moment, self._monotonic())

    def now(self) -> datetime | None:
        """Return the time there, or None where no answer has told it yet."""
        if self._told is None:
            return None
        moment, at = self._told
        return moment + timedelta(seconds=self._monotonic() - at)


# Wall clocks are corrected by less than this all the time.
_TOLERATED = timedelta(milliseconds=200)


class Every(BaseTrigger):  # type: ignore[misc]
    """A trigger that fires every so often; whatever was missed is not made up for one by one."""

    def __init__(self, length: timedelta) -> None:
        self._length = length

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Return the next turn in rhythm, or a whole length from now if that has passed."""
        if previous is None or previous + self._length <= now:
            return now + self._length
        return previous + self._length


class SteadyScheduler(AsyncIOScheduler):  # type: ignore[misc]
    """A scheduler that waits by the steady clock, and moves every job's turn with the wall clock.

    APScheduler sleeps by the event loop's clock, but tells by the wall clock whose turn it is:
    after an hour back nothing would run for an hour.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic, **how: Any) -> None:
        super().__init__(**how)
        self._monotonic = monotonic
        self._began = self._offset()

    def _offset(self) -> timedelta:
        """Return how far the wall clock is ahead of the steady one."""
        return (
            datetime.now(UTC)
            - datetime(2000, 1, 1, tzinfo=UTC)
            - timedelta(seconds=self._monotonic())
        )

    def _process_jobs(self) -> float | None:
        offset = self._offset()
        moved = offset - self._began
        if abs(moved) > _TOLERATED:
            self._began = offset
            for job in self.get_jobs():
                if job.next_run_time is not None:
                    job._modify(next_run_time=job.next_run_time + moved)
                    self._lookup_jobstore("default").update_job(job)
        wait: float | None = super()._process_jobs()
        return wait
