"""Which chat has just heard so much that the rest should come as one message."""

from collections import Counter, deque
from datetime import datetime, timedelta

FEW = 5
_LATELY = timedelta(minutes=2)
_HELD_FOR = timedelta(minutes=1)


class FloodGuard:
    """Counts each chat's alerts of the last two minutes; forgets the others by itself."""

    def __init__(self) -> None:
        self._told: deque[tuple[datetime, int]] = deque()
        self._counts: Counter[int] = Counter()
        self._held: dict[int, datetime] = {}

    def told(self, chat_id: int, now: datetime) -> None:
        """The chat was told something just now."""
        self._told.append((now, chat_id))
        self._counts[chat_id] += 1

    def held_until(self, chat_id: int, now: datetime) -> datetime | None:
        """Until when what is due there should wait for all else, or None if it may leave.

        What has begun to be held is held together to its end, so that nothing overtakes it.
        """
        self._forget(now)
        if chat_id not in self._held and self._counts[chat_id] >= FEW:
            self._held[chat_id] = now + _HELD_FOR
        return self._held.get(chat_id)

    def _forget(self, now: datetime) -> None:
        while self._told and self._told[0][0] <= now - _LATELY:
            _, chat_id = self._told.popleft()
            self._counts[chat_id] -= 1
            if not self._counts[chat_id]:
                del self._counts[chat_id]
        while self._held and (first := next(iter(self._held.items())))[1] <= now:
            del self._held[first[0]]
