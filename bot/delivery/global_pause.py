"""Infers whether Telegram refuses everything, which it never says.

A wait that Telegram names belongs to the chat and method it was named for. Several chats refused at
once may mean that all are, so everything pauses for a few seconds, whatever they named. Then a
single message, a probe, finds out: the pause ends with the first that is taken, and doubles only
when a probe of a chat that was not refused before is refused too. What left after the refused ones
and is taken proves as much as a probe.
"""

from math import inf
from typing import NamedTuple

from bot.delivery.send_queue import Departure

PER_SECOND = 30
FIRST_PAUSE = 2.0  # seconds
LONGEST_PAUSE = 60.0  # seconds
# So many chats refused within a second, with nothing accepted between, may be a refusal of
# everything: a few chats that are refused each for itself come one after the other by chance.
_CHATS_AT_ONCE = 3
_AT_ONCE = 1.0
_SOON_AGAIN = 60.0  # a pause so soon after another is no chance
_RECOVERY = 0.25  # messages a second regained each second after Telegram refused everything


class _Refusal(NamedTuple):
    """The refusal of a message to a chat that had taken messages before."""

    chat: int | str
    at: float
    left_at: float


class GlobalPause:
    """The pause of all sending, and the rate after it. Times are seconds of a steady clock."""

    def __init__(self) -> None:
        self.is_on = False
        self.until = -inf  # when the next probe may leave
        self.began_at = -inf
        self._span = FIRST_PAUSE
        self._is_slower = False
        self._ended_at = -inf
        self._rate = float(PER_SECOND)
        self._refused: list[_Refusal] = []  # since something was accepted last
        self._doubt_left_at = -inf  # when the last of those left that this pause was inferred from

    def rate(self, now: float) -> float:
        """Return the messages a second that Telegram takes, as far as we know."""
        since = 0.0 if self.is_on else max(0.0, now - self._ended_at)
        return min(float(PER_SECOND), self._rate + since * _RECOVERY)

    def seconds_left(self, now: float) -> float:
        """Return the seconds for which nothing at all leaves, 0 without a pause."""
        return max(0.0, self.until - now) if self.is_on else 0.0

    def probed(self, now: float) -> None:
        """Take note that a probe has left; if it never comes back, another one follows."""
        self.until = now + self._span

    def refused(
        self, chat: int | str, departure: Departure, now: float, *, is_news: bool
    ) -> float | None:
        """Take note that a chat was refused; return the seconds of the pause that follows, if any.

        It `is_news` unless the chat was refused before and has taken nothing since: that proves
        something about the chat, and nothing about the others.
        """
        if self.is_on:
            return self._probe_refused(now, is_news=is_news) if departure.is_probe else None
        if not is_news:
            return None
        others = [each for each in self._refused if each.chat != chat and now - each.at < _AT_ONCE]
        self._refused = [*others, _Refusal(chat, now, departure.left_at)]
        if len(self._refused) < _CHATS_AT_ONCE:
            return None
        self._doubt_left_at = max(each.left_at for each in self._refused)
        self._begin(now, FIRST_PAUSE)
        if now - self._ended_at < _SOON_AGAIN:
            self._slow_down()
        return self._span

    def join(self, now: float, wait: float) -> None:
        """Join the pause of another process, which holds everything for `wait` seconds."""
        if self.is_on:
            self.until = max(self.until, now + wait)
        else:
            self._doubt_left_at = now
            self._begin(now, min(max(wait, FIRST_PAUSE), LONGEST_PAUSE))

    def accepted(self, departure: Departure, now: float) -> None:
        """End the pause if what Telegram took, or refused for what it is, left after it began."""
        self._refused.clear()
        if self.is_on and (departure.is_probe or departure.left_at > self._doubt_left_at):
            self.is_on, self._ended_at = False, now

    def _begin(self, now: float, span: float) -> None:
        self._rate = self.rate(now)
        self._span = span
        self.until, self.began_at = now + span, now
        self.is_on, self._is_slower = True, False
        self._refused.clear()

    def _probe_refused(self, now: float, *, is_news: bool) -> float:
        if is_news:
            self._span = min(LONGEST_PAUSE, 2 * self._span)
            self._slow_down()
        self.until = now + self._span
        return self._span

    def _slow_down(self) -> None:
        """Halve the rate, once in each pause that proves to be no mistake."""
        if not self._is_slower:
            self._is_slower = True
            self._rate = max(1.0, self._rate / 2)
