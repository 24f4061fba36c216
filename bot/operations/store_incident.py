"""A store that fails is one incident of the log, whichever use case meets with it."""

import time
from collections.abc import Callable
from typing import Any

import structlog

from bot.errors import StorageError
from bot.incidents import IncidentLog

log = structlog.get_logger(__name__)


class StoreIncident:
    """Hears how each use case ended; the incident is over when one that failed succeeds.

    One that did not fail says nothing: a store on a full disk can still be read.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._incident = IncidentLog(log, "the store fails", monotonic)
        self._failed: set[str] = set()

    def note(self, name: str, _: tuple[Any, ...], __: float, came: object) -> None:
        """This use case ended, with its result or with the error that it raised."""
        if isinstance(came, StorageError):
            self._failed.add(name)
            self._incident.failed(str(came), use_case=name)
        elif name in self._failed and not isinstance(came, BaseException):
            self._failed.clear()
            self._incident.recovered()
