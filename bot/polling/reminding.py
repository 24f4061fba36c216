"""Commits what the clock alone brings to petitions, once a look has confirmed it (shell)."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from bot.errors import StorageError
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef
from bot.petitions.reminders import ReminderSchedule, due, next_moment, wants_readings
from bot.polling.recorder import Recorder
from bot.polling.site_state import SiteState
from storage import Storage

log = structlog.get_logger(__name__)

# Reading everything known at a start would hold up everybody else; a second's tick takes so many.
LEARNED_A_TICK = 250

# Many petitions have a moment in common, and each is a write.
_REMINDED_A_TICK = 50

_REMINDED_LATER = timedelta(seconds=1)

_REMINDED_UNSEEN = 300.0  # seconds after which a reminder goes out without a look to confirm it

# A forecast looks back so far.
_LATELY = timedelta(days=60)


class Reminding:
    """The keeper of when each petition's next reminder is due, which commits those that are."""

    def __init__(
        self,
        sites: Mapping[str, SiteState],
        storage: Storage,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._sites = sites
        self._storage = storage
        self._now = now
        self._monotonic = monotonic
        self._started_at = monotonic()
        self._schedule = ReminderSchedule()
        self._to_note: list[PetitionRef] = []
        self._noticed: dict[PetitionRef, float] = {}

    def reschedule(self) -> None:
        """Take down anew when each petition's next reminder is due: the wall clock was set back."""
        self._schedule = ReminderSchedule()
        self._to_note = [
            PetitionRef(name, id_)
            for name, site in self._sites.items()
            for id_ in site.outlook.prospects
        ]

    async def note_anew(self) -> None:
        """Note some of the petitions that `reschedule` has left to be noted."""
        few, self._to_note = self._to_note[:LEARNED_A_TICK], self._to_note[LEARNED_A_TICK:]
        for ref in few:
            if known := await self._storage.history(ref):
                self._schedule.note(ref, next_moment(known))

    def note(self, known: PetitionHistory, now: datetime) -> None:
        """Take down when a petition's next reminder is due, in place of what was taken down."""
        ref, moment = known.petition.ref, next_moment(known)
        self._schedule.note(ref, moment)
        if moment is None or moment > now:
            self._noticed.pop(ref, None)

    async def bring_due(self, recorder: Recorder) -> None:
        """Commit what the clock has brought since the last tick."""
        refs = self._schedule.due(self._now(), _REMINDED_A_TICK)
        await asyncio.gather(*(self._remind_safely(ref, recorder) for ref in refs))

    async def _remind_safely(self, ref: PetitionRef, recorder: Recorder) -> None:
        """Commit one petition's reminder; what goes wrong is tried again at the next tick."""
        site = self._sites[ref.site]
        if ref.id not in site.outlook.prospects:
            self._noticed.pop(ref, None)
            return  # noted anew when it is watched again
        lock = recorder.lock(ref)
        if not self._is_fresh(ref) or lock.locked():  # a look may take long, and tell otherwise
            self._schedule.note(ref, self._now() + _REMINDED_LATER)
            return
        try:
            async with lock:
                await self._remind(ref, recorder)
                self._noticed.pop(ref, None)
        except StorageError as error:
            log.debug("reminder could not be kept", petition=str(ref), reason=str(error))
            self._schedule.note(ref, self._now())
        except Exception as error:
            site.own_faults.failed(type(error).__name__, petition=str(ref), exc_info=True)
            self._schedule.note(ref, self._now())

    def _is_fresh(self, ref: PetitionRef) -> bool:
        """Return whether it was seen since its moment was noticed; hurry a look at it if not.

        What was due may have come meanwhile. If the site doesn't answer, a look since the start has
        to do.
        """
        outlook, now = self._sites[ref.site].outlook, self._monotonic()
        noticed = self._noticed.setdefault(ref, now)
        enough = noticed if now - noticed < _REMINDED_UNSEEN else self._started_at
        if outlook.prospects[ref.id].answered_at >= enough:
            return True
        outlook.hurry(ref.id, now)
        return False

    async def _remind(self, ref: PetitionRef, recorder: Recorder) -> None:
        known, now = await self._storage.history(ref), self._now()
        if known is None:
            return
        is_told_with = wants_readings(known, now)
        readings = await self._storage.readings(ref, now - _LATELY) if is_told_with else ()
        await recorder.commit(known, *due(known, now, readings), now)
