"""What time it is as a site has it, to know by whether our own clock is wrong."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta


class SiteClock:
    """A site's clock, as its answers told it and as it must have gone on since."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told: tuple[datetime, float] | None = None

    def told(self, moment: datetime) -> None:
        """An answer bore this date."""
        self._told = (moment, self._monotonic())

    def now(self) -> datetime | None:
        """The time there, or None where no answer has told it yet."""
        if self._told is None:
            return None
        moment, at = self._told
        return moment + timedelta(seconds=self._monotonic() - at)
