"""An object seen through glass: used as before, while every call of its coroutines is noted."""

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

# The method's name, its arguments, the seconds it took, and its result or the error it raised.
Note: TypeAlias = Callable[[str, tuple[Any, ...], float, object], None]


def observed(target: T, note: Note) -> T:
    """The same object for whoever uses it; `note` hears of each call that ended by itself.

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
