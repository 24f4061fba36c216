"""Guards against a wrong wall clock: one set back keeps nothing waiting, and none prunes alone."""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import structlog

from bot.errors import StorageError
from bot.polling.clocks import SiteClock
from storage import Storage

log = structlog.get_logger(__name__)

_EVERY = 1.0  # seconds
# Wall clocks are corrected by less than this all the time.
_TOLERATED = timedelta(seconds=1)
_NOTE = "wall clock"
_NOTED_EVERY = 60.0  # seconds
# Before it there was no petitions site.
_EARLIEST = datetime(2015, 7, 20, tzinfo=UTC)
# What was noted may be another machine's clock, which is never quite like ours.
_NOTE_TOLERATED = timedelta(minutes=2)
# By a clock that is further from every site's, nothing is pruned: what is young would look old.
_CONFIRMED_WITHIN = timedelta(days=1)


class WallClock:
    """Looks at the wall clock once a second; what it showed last is noted for the next start."""

    def __init__(
        self,
        storage: Storage,
        now: Callable[[], datetime],
        put_right: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._now = now
        self._put_right = put_right
        self._monotonic = monotonic
        self._shown, self._looked_at = now(), monotonic()
        self._noted_at: float | None = None
        self._ahead_by = timedelta(0)
        self._is_settled = False  # whatever was noted last has been put right
        self._others: tuple[str, float] | None = None  # a note that is ahead, and since when

    async def watch(self) -> None:
        """Look for ever; what the store does not take is tried again."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                log.warning("the clock's change could not be kept", error=str(error))
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Compare the clock with what it showed before; raises StorageError."""
        if self._now() < _EARLIEST:
            return  # a machine whose battery is flat: what it says is no measure of anything
        if self._noted_at is None:
            noted = await self._storage.note(_NOTE)
            if (
                noted
                and (ahead_by := datetime.fromisoformat(noted) - self._now()) > _NOTE_TOLERATED
            ):
                self._ahead_by += ahead_by
            self._noted_at = -_NOTED_EVERY
        now, moment = self._now(), self._monotonic()
        expected = self._shown + timedelta(seconds=moment - self._looked_at)
        if now < self._shown - _TOLERATED:
            self._ahead_by += expected - now
        elif now > expected + _NOTE_TOLERATED:
            self._noted_at = -_NOTED_EVERY  # it may be the last thing that this process learns
        self._shown, self._looked_at = now, moment
        if self._ahead_by:
            await self._storage.clock_set_back(now, self._ahead_by)
            log.warning("the clock was set back", by=str(self._ahead_by))
            self._ahead_by = timedelta(0)
            self._noted_at, self._is_settled = -_NOTED_EVERY, True
            self._put_right()
        if self._noted_at is None or moment - self._noted_at >= _NOTED_EVERY:
            if not self._is_settled and await self._is_anothers(now, moment):
                return
            await self._storage.save_note(_NOTE, now.isoformat())
            self._noted_at, self._is_settled = moment, False

    async def _is_anothers(self, now: datetime, moment: float) -> bool:
        """Return whether the note is one of another process whose clock is ahead.

        While that lives, it goes on noting, and puts things right itself. Once it is gone, nobody
        else would ever know, so that it is done here at the next look.
        """
        noted = await self._storage.note(_NOTE)
        ahead_by = datetime.fromisoformat(noted) - now if noted else timedelta(0)
        if not noted or ahead_by <= _NOTE_TOLERATED:
            self._others = None
            return False
        if self._others is None or self._others[0] != noted:
            self._others = noted, moment
        elif moment - self._others[1] > 2 * _NOTED_EVERY:
            # How far ahead it was when it wrote that.
            self._ahead_by += ahead_by + timedelta(seconds=moment - self._others[1])
            self._others = None
        return True


async def prune_if_sure(
    storage: Storage, clocks: Iterable[SiteClock], now: datetime, rest_for: timedelta
) -> None:
    """Prune if one of the sites has about the same time as we do; otherwise leave it for later.

    A site that is away, or whose certificate our clock takes for outdated, confirms nothing.
    """
    told = [moment for clock in clocks if (moment := clock.now()) is not None]
    if any(abs(now - moment) <= _CONFIRMED_WITHIN for moment in told):
        await storage.prune(now, rest_for)
    else:
        log.warning("old data not deleted: no petitions site confirms the clock", told=bool(told))
