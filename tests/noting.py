"""Stand-ins that note what they are asked, and answer or fail as they are told."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

_MOST_CALLS = 2_000


class Call(NamedTuple):
    """What was asked: a method, and what it was given in its order."""

    name: str
    args: tuple[Any, ...]
    how: dict[str, Any]


class Noting:
    """Has every method that is asked for; one without an answer answers None.

    The answers of a method come one after the other, and the last of them for good. An exception
    is raised, a function is called with what was asked.
    """

    def __init__(self, **answers: Any) -> None:
        self.calls: list[Call] = []
        self.answers: defaultdict[str, list[Any]] = defaultdict(lambda: [None])
        for name, answer in answers.items():
            self.answers[name] = answer if isinstance(answer, list) else [answer]
        self.during: Callable[[Call], None] = lambda _: None

    def __getattr__(self, name: str) -> Any:
        async def asked(*args: Any, **how: Any) -> Any:
            if len(self.calls) > _MOST_CALLS:
                raise RuntimeError("it is asked again and again, without end")
            call = Call(name, args, how)
            self.calls.append(call)
            self.during(call)
            answers = self.answers[name]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, BaseException):
                raise answer
            if callable(answer):
                answer = answer(*args, **how)
                return await answer if hasattr(answer, "__await__") else answer
            return answer

        return asked

    def asked(self, name: str) -> list[tuple[Any, ...]]:
        """Lists what a method was given each time."""
        return [call.args for call in self.calls if call.name == name]

    @property
    def names(self) -> list[str]:
        """The methods that were asked, in their order."""
        return [call.name for call in self.calls]
