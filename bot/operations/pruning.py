"""Prunes the store, unless the wall clock may be wrong: it would make what is young look old."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from bot.polling.site_clock import SiteClock
from storage import Storage

log = structlog.get_logger(__name__)

_TOLERATED = timedelta(days=1)


async def prune_if_sure(
    storage: Storage, clocks: Iterable[SiteClock], now: datetime, rest_for: timedelta
) -> None:
    """Prune if one of the sites has about the same time as we do; otherwise it is for later.

    A site that is away, or whose certificate our clock takes for outdated, confirms nothing.
    """
    told = [moment for clock in clocks if (moment := clock.now()) is not None]
    if any(abs(now - moment) <= _TOLERATED for moment in told):
        await storage.prune(now, rest_for)
    else:
        log.warning("not pruned: no petitions site confirms the clock", told=bool(told))
