"""Which petition the clock brings something to next (pure)."""

from datetime import datetime
from heapq import heappop, heappush

from bot.petitions.petition import PetitionRef


class Diary:
    """One next moment for each petition; asking what is due costs what is due, not what is kept."""

    def __init__(self) -> None:
        self._next: dict[PetitionRef, datetime] = {}
        self._heap: list[tuple[datetime, PetitionRef]] = []

    def __len__(self) -> int:
        return len(self._next)

    def note(self, ref: PetitionRef, at: datetime | None) -> None:
        """The petition's next moment is then, or never, in place of the one it had."""
        if at is None:
            self._next.pop(ref, None)
        elif self._next.get(ref) != at:
            self._next[ref] = at
            heappush(self._heap, (at, ref))

    def due(self, now: datetime, most: int) -> list[PetitionRef]:
        """Take out at most so many petitions whose moment has come, earliest first."""
        found: list[PetitionRef] = []
        while self._heap and self._heap[0][0] <= now and len(found) < most:
            at, ref = heappop(self._heap)
            # A moment that was moved is still in the heap where it was.
            if self._next.get(ref) == at:
                del self._next[ref]
                found.append(ref)
        return found
