"""Remembers the questions that the bot has asked, and waits ten minutes for each one's answer."""

from datetime import datetime, timedelta
from typing import NamedTuple

from cachetools import LRUCache

LASTS = timedelta(minutes=10)
_MOST = 10_000


class OpenQuestion(NamedTuple):
    """A question: the command that reads its answer, the words `before` it, and when it was asked.

    `target` is the other chat that it is about, None for none. One that `may_be_left` was not put
    in words: only what can be its answer is taken for one.
    """

    command: str
    before: str
    asked_at: datetime
    target: int | None = None
    may_be_left: bool = False


class Heard:
    """The texts that were said lately, by chat and name, so that none is answered twice."""

    def __init__(self) -> None:
        self._last: LRUCache[tuple[int, str], int] = LRUCache(_MOST)

    def is_again(self, chat_id: int, name: str, said: str = "") -> bool:
        """Return whether this was the last text of that name in that chat; from now on it is."""
        was, now = self._last.get((chat_id, name)), hash(said)
        self._last[chat_id, name] = now
        return was == now


class OpenQuestions:
    """The open questions, at most one to each person in each chat: a new one replaces the last."""

    def __init__(self) -> None:
        self._open: LRUCache[tuple[int, int], OpenQuestion] = LRUCache(_MOST)

    def open(self, chat_id: int, user_id: int, question: OpenQuestion) -> None:
        """Wait for an answer."""
        self._open[chat_id, user_id] = question

    def to(self, chat_id: int, user_id: int, now: datetime) -> OpenQuestion | None:
        """Return the question that waits for this person's answer in this chat, None if too old."""
        question = self._open.get((chat_id, user_id))
        if question is None or abs(now - question.asked_at) < LASTS:
            return question
        self.close(chat_id, user_id)
        return None

    def close(self, chat_id: int, user_id: int) -> bool:
        """Wait no longer; return whether anything was waited for."""
        return self._open.pop((chat_id, user_id), None) is not None

    def forget(self, chat_id: int) -> None:
        """Wait for nobody's answer in this chat any longer."""
        for whose in [each for each in self._open if each[0] == chat_id]:
            del self._open[whose]
