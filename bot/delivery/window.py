"""At most so many messages within any so many seconds."""

from collections import deque
from dataclasses import dataclass
from math import inf


@dataclass(eq=False, slots=True)
class Departure:
    """A message that has left, and when it counts from."""

    at: float
    left_at: float = -inf
    is_probe: bool = False


class Window:
    """At most `most` messages within any `span` seconds."""

    __slots__ = ("_left", "_span", "most")

    def __init__(self, most: int, span: float) -> None:
        self.most = most
        self._span = span
        self._left: deque[Departure] = deque(maxlen=most)

    def free_at(self, ahead: int = 0, stretch: float = 1.0) -> float:
        """When a message may leave that has `ahead` others before it; long past if at any time.

        `stretch` makes the window longer.
        """
        index = len(self._left) + ahead - self.most
        if index < 0 or not self._left:
            return -inf
        return self._left[min(index, len(self._left) - 1)].at + self._span * stretch

    def room(self, now: float) -> int:
        """How many more may leave right now."""
        return self.most - sum(left.at + self._span > now for left in self._left)

    def count(self, departure: Departure) -> None:
        """One has left."""
        if self.most:
            self._left.append(departure)
