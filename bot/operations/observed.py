"""Notes an object's calls without changing it; a store that fails is one incident of the log."""

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

import structlog

from bot.errors import StorageError
from bot.outages import IncidentLog

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

# The method's name, its arguments, the seconds it took, and its result or the error it raised.
Note: TypeAlias = Callable[[str, tuple[Any, ...], float, object], None]


def observed(target: T, note: Note) -> T:
    """Return the same object for whoever uses it; `note` is told of each call that ended by itself.

    Calls that the object makes of its own methods go unnoticed, and so do cancelled ones.
    """
    return cast(T, _Observed(target, note))


class _Observed:
    def __init__(self, target: object, note: Note) -> None:
        self._target = target
        self._note = note

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not inspect.iscoroutinefunction(found):
            return found
        noting = _noting(name, found, self._note)
        setattr(self, name, noting)  # so that the next call finds it at once
        return noting


def _noting(name: str, call: Callable[P, Awaitable[R]], note: Note) -> Callable[P, Awaitable[R]]:
    async def noting(*args: P.args, **how: P.kwargs) -> R:
        began = time.perf_counter()
        try:
            result = await call(*args, **how)
        except Exception as error:
            note(name, args, time.perf_counter() - began, error)
            raise
        note(name, args, time.perf_counter() - began, result)
        return result

    return noting


log = structlog.get_logger(__name__)


class StoreIncident:
    """Notes how each use case ended; the incident is over when one that failed succeeds.

    One that did not fail says nothing: a store on a full disk can still be read.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._incident = IncidentLog(log, "the store fails", monotonic)
        self._failed: set[str] = set()

    def note(self, name: str, _: tuple[Any, ...], __: float, came: object) -> None:
        """Note that this use case ended, with its result or with the error that it raised."""
        if isinstance(came, StorageError):
            self._failed.add(name)
            self._incident.failed(str(came), use_case=name)
        elif name in self._failed and not isinstance(came, BaseException):
            self._failed.clear()
            self._incident.recovered()
