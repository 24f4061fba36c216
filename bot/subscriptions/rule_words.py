"""The words that a rule asks for, read from typed text, or the reason why they cannot be (pure)."""

import re
from typing import Literal, NamedTuple, TypeAlias

from bot.subscriptions.rules import stems

MOST_WORDS = 10
LONGEST_WORD = 40

_PIECE = re.compile(r"([-–−]?)(?:[\"“”„]([^\"“”„]*)[\"“”„]?|([^\s\"“”„]+))")

Problem: TypeAlias = Literal["none", "at odds", "too many", "too long"]


class Words(NamedTuple):
    """The words that a petition must have, and must not have; several in a row are a phrase."""

    wanted: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def read_words(typed: str) -> Words | Problem:
    """Read the words of a rule as typed: `school "free meals" -uniform`; or say what is wrong."""
    found: dict[bool, dict[tuple[str, ...], str]] = {False: {}, True: {}}
    for minus, phrase, word in _PIECE.findall(typed):
        text = " ".join((phrase or word).split()).strip(" -–−.,;:!?")
        if stemmed := stems(text):
            found[bool(minus)].setdefault(stemmed, text)
        if len(found[False]) + len(found[True]) > MOST_WORDS:
            return "too many"
    words = Words(tuple(found[False].values()), tuple(found[True].values()))
    return problem_of(words) or words


def problem_of(words: Words) -> Problem | None:
    """Find the reason why words cannot be a rule; None if they can."""
    if not words.wanted:
        return "none"
    everything = (*words.wanted, *words.without)
    # What is no word, like an emoji, is left out when texts are compared, but it takes up room.
    if sum(max(len(stems(word)), len(word.split())) for word in everything) > MOST_WORDS:
        return "too many"
    if any(_has(stems(word), stems(other)) for word in words.wanted for other in words.without):
        return "at odds"
    too_long = any(len(part) > LONGEST_WORD for word in everything for part in word.split())
    return "too long" if too_long else None


def _has(phrase: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Return whether one phrase contains the other as a whole, each a tuple of stems."""
    return any(phrase[at : at + len(part)] == part for at in range(len(phrase)))


def typed_words(words: tuple[str, ...], without: tuple[str, ...]) -> str:
    """Return words as somebody would type them, `read_words` the other way round."""
    wanted = (_quoted(word) for word in words)
    return " ".join((*wanted, *(f"-{_quoted(word)}" for word in without)))


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
