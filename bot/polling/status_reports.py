"""Tells in every process how the sites stand: the one that polls leaves a note for the others.

A process that a store has for itself asks its own poller, and no note is needed.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from math import inf

import msgspec

from bot.petitions.petition import PetitionRef
from bot.petitions.site_health import StatusReport
from bot.polling.poller import Poller
from storage import Storage
from storage.shared import RoleState, is_shared

NOTE = "report of polling"
INTERVALS = 3  # without a good poll, until something is wrong

_EVERY = 15.0  # seconds


def patience(interval: timedelta) -> timedelta:
    """Return how long no round of looks may end before something is wrong with polling."""
    return max(timedelta(minutes=1), INTERVALS * interval)


class StatusReports:
    """The reports of how the sites stand, whichever process polls them."""

    def __init__(
        self,
        poller: Poller,
        storage: Storage,
        polling: RoleState,
        now: Callable[[], datetime],
        *,
        interval: timedelta,
    ) -> None:
        self._poller = poller
        self._storage = storage
        self._is_shared = is_shared(storage)
        self._polling = polling
        self._now = now
        self._patience = patience(interval)
        self._every = min(_EVERY, interval.total_seconds() / 4)
        self._left_at = -inf

    async def read(self, followed: Iterable[PetitionRef]) -> StatusReport:
        """Report how the sites stand.

        Their oldest look is of these petitions, or, where another process polls, of all that
        anybody follows. Raises StorageError if that process's note cannot be read from the store.
        """
        if not self._polling.is_standby:
            return StatusReport(self._now(), tuple(self._poller.health(followed)))
        left = _decoded(await self._storage.note(NOTE))
        is_fresh = left.at is not None and abs(self._now() - left.at) <= self._patience
        return left if is_fresh else StatusReport(left.at)

    async def failing_since(self, site: str) -> datetime | None:
        """Return since when a site just asked has not been answering, or None if it did.

        Raises StorageError as `read` does.
        """
        since = self._poller.failing_since(site)
        if since is None or not self._polling.is_standby:
            return since
        # A process that asks only now and then cannot know whether the site answered meanwhile.
        healths = (await self.read(())).sites
        return next((h.failing_since for h in healths if h.site.id == site), None) or self._now()

    async def round_ended(self) -> None:
        """Leave a note of how sites stand after a round of looks, unless the last is fresh.

        Nothing is left in a store that one process has for itself.
        """
        moment = time.monotonic()
        if not self._is_shared or moment - self._left_at < self._every:
            return
        sites = self._poller.health(await self._storage.followed())
        report = StatusReport(self._now(), tuple(sites))
        await self._storage.save_note(NOTE, msgspec.json.encode(report).decode())
        self._left_at = moment


def _decoded(note: str | None) -> StatusReport:
    """Read a note; an empty report if there is none, or a program of another version left it."""
    try:
        return msgspec.json.decode(note or "{}", type=StatusReport)
    except msgspec.MsgspecError:
        return StatusReport()
