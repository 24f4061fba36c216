"""Functional core: Telegram's flood limits, kept strictly."""

import math
from collections import defaultdict, deque

OVERALL = 30  # messages a second
BURST = 3  # messages a chat takes at once before one a second holds
GROUP = 20  # messages a minute in one group


class FloodLimits:
    """Counts messages and says how long to wait; times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._overall: deque[float] = deque()
        self._groups: defaultdict[int, deque[float]] = defaultdict(deque)
        self._credit: dict[int, tuple[float, float]] = {}  # chat: messages left, when counted
        self._halted: dict[int, float] = {}

    def wait(self, chat_id: int, now: float) -> int:
        """Whole seconds to wait before this chat may be sent to; 0 counts the message as sent."""
        until = max(self._halted.get(chat_id, now), self._ready(chat_id, now))
        if until > now:
            self._halted[chat_id] = until
            return max(1, math.ceil(until - now))
        self._count(chat_id, now)
        return 0

    def _ready(self, chat_id: int, now: float) -> float:
        times = [
            _free_at(self._overall, OVERALL, 1.0, now),
            now + max(0.0, 1.0 - self._left(chat_id, now)),
        ]
        if chat_id < 0:
            times.append(_free_at(self._groups[chat_id], GROUP, 60.0, now))
        return max(times)

    def _left(self, chat_id: int, now: float) -> float:
        left, counted = self._credit.get(chat_id, (float(BURST), now))
        return min(float(BURST), left + now - counted)

    def _count(self, chat_id: int, now: float) -> None:
        self._overall.append(now)
        self._groups[chat_id].append(now)
        self._credit[chat_id] = (self._left(chat_id, now) - 1.0, now)


def _free_at(sent: deque[float], most: int, window: float, now: float) -> float:
    while sent and sent[0] <= now - window:
        sent.popleft()
    return now if len(sent) < most else sent[-most] + window
