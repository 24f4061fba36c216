"""Draws pictures of a petition off the event loop, and keeps them for whoever asks next."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Self

import structlog
from msgspec import structs

from bot.charts.picture import Picture, top_places
from bot.charts.worker import ChartFailed, Job, Worker
from bot.messages.i18n import language
from bot.messages.petition.wording import spoken
from bot.outages import IncidentLog
from bot.petitions.petition import Petition, Reading
from bot.petitions.tile_maps import map_of

__all__ = ["ChartFailed", "Charts", "Picture"]

log = structlog.get_logger(__name__)

_KEPT = 64
_IDLE = 300.0  # seconds after the last picture until the drawing process and its memory are let go
# A curve moves on with the clock even when nobody signs; a quarter of an hour does not show.
_FRESH = timedelta(minutes=15)


class Charts:
    """The door to all pictures, in the reader's language; None where there is nothing to show.

    Every drawing may raise ChartFailed; the next call starts afresh.
    """

    def __init__(self, timeout: float = 20, *, idle: float = _IDLE) -> None:
        """Draw each picture within `timeout` seconds, the start of the drawing process included.

        The process ends when for `idle` seconds nothing was drawn; the next picture starts another.
        """
        self._worker = Worker(timeout)
        # Waiting takes a thread; a second one would only wait for the first.
        self._waiting = ThreadPoolExecutor(1, thread_name_prefix="charts")
        self._incident = IncidentLog(log, "pictures cannot be drawn")
        self._idle = idle
        self._rest: asyncio.TimerHandle | None = None
        self._drawn: OrderedDict[Hashable, asyncio.Future[Picture | None]] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def pid(self) -> int | None:
        """The process id of the drawing process, None if there is none."""
        return self._worker.pid

    async def curve(
        self, petition: Petition, readings: Sequence[Reading], now: datetime, *, dark: bool = False
    ) -> Picture | None:
        """Draw signatures over time, thresholds and events, and where it may end."""
        plain = spoken(petition).without_breakdowns()
        quarter = int(now.timestamp() // _FRESH.total_seconds()) if petition.is_open else 0
        key = ("curve", plain, len(readings), tuple(readings[-1:]), quarter, dark)
        given = {"petition": plain, "readings": tuple(readings), "now": now, "dark": dark}
        return await self._once(key, "curve", given)

    async def map(self, petition: Petition, *, dark: bool = False) -> Picture | None:
        """Draw each place's share of the signatures against its share of the people."""
        kept = structs.replace(spoken(petition), signatures_by_country=())
        shown = map_of(petition)
        if shown is None or shown.area != "constituency":
            kept = structs.replace(kept, signatures_by_constituency=())
        return await self._once(("map", kept, dark), "map", {"petition": kept, "dark": dark})

    async def bars(
        self,
        petition: Petition,
        parties: Mapping[str, str],
        *,
        dark: bool = False,
        highlight: str | None = None,
    ) -> Picture | None:
        """Draw the ten most active constituencies in their parties' colours, and the reader's own.

        `parties` and `highlight`, the reader's own, go by ONS code.
        """
        shown = {place.code for _, place in top_places(petition, highlight)}
        known = {code: party for code, party in parties.items() if code in shown}
        kept = structs.replace(spoken(petition), signatures_by_region=(), signatures_by_country=())
        given = {"petition": kept, "parties": known, "dark": dark, "highlight": highlight}
        key = ("bars", kept, tuple(sorted(known.items())), highlight, dark)
        return await self._once(key, "bars", given)

    async def close(self) -> None:
        """End the drawing process."""
        if self._rest:
            self._rest.cancel()
        await asyncio.to_thread(self._worker.stop)
        self._waiting.shutdown(wait=False, cancel_futures=True)

    async def _once(self, key: Hashable, name: str, given: dict[str, Any]) -> Picture | None:
        """Draw, or wait for the same drawing under way; a failed one is not kept."""
        job = Job(name, language(), given)
        key = (job.language, key)
        drawing = self._drawn.get(key)
        if drawing is None:
            loop = asyncio.get_running_loop()
            drawing = loop.run_in_executor(self._waiting, self._worker.draw, job)
            self._drawn[key] = drawing
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
            drawing.add_done_callback(self._rest_later)
        self._drawn.move_to_end(key)
        try:
            # Whoever gives up waiting leaves the drawing to the others.
            picture = await asyncio.shield(drawing)
        except ChartFailed as error:
            self._drawn.pop(key, None)
            self._incident.failed(error.reason, picture=name)
            raise
        self._incident.recovered()
        return picture

    def _rest_later(self, _: object) -> None:
        """End the process later, unless something is drawn meanwhile."""
        if self._rest:
            self._rest.cancel()
        loop = asyncio.get_running_loop()
        # Behind what is being drawn then, if anything is.
        self._rest = loop.call_later(self._idle, self._waiting.submit, self._worker.stop)
