"""Finds the constituency, topic or department that typed words mean (pure)."""

from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import TypeAlias

from bot.subscriptions.rules import stems

MOST_NEAR = 5
_ALIKE = 0.75
_LONGEST, _MOST_WORDS = 80, 8
# Words that so many names have that they tell none from another, as `stems` leaves them.
COMMON = frozenset(("and", "depart", "for", "ministri", "of", "offic", "the"))

DIRECTIONS = frozenset(("north", "south", "east", "west", "mid", "central"))

# The names that something may go by, by its key: a code, or the name itself.
Names: TypeAlias = Mapping[str, Sequence[str]]

_Likeness: TypeAlias = Callable[[str], float]


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return a name as it is compared: its words without case, accents and endings."""
    return " ".join(stems(name.replace("&", " and ")))


def meant(typed: str, names: Names) -> list[str]:
    """Find the keys of what a typed name means: what is called so, else what has it in its name."""
    wanted = plain(typed)
    if not wanted:
        return []
    called = {key: [plain(each) for each in spellings] for key, spellings in names.items()}
    exact = [key for key, spellings in called.items() if wanted in spellings]
    return exact or [
        key
        for key, spellings in called.items()
        if any(f" {wanted}" in f" {spelling}" for spelling in spellings)
    ]


def near(typed: str, names: Names, most: int = MOST_NEAR) -> list[str]:
    """Find the keys of what is spelt most like this, whole or word by word, the likest first."""
    wanted = plain(typed[:_LONGEST])
    whole = _likeness_to(wanted)
    words = [word for word in dict.fromkeys(wanted.split()) if word not in COMMON]
    by_word = [_likeness_to(word) for word in words[:_MOST_WORDS]]
    scored = [
        (max((_likeness(plain(each), whole, by_word) for each in spellings), default=0.0), key)
        for key, spellings in names.items()
    ]
    alike = sorted((one for one in scored if one[0] >= _ALIKE), key=lambda one: (-one[0], one[1]))
    return [key for _, key in alike[:most]]


def related(name: str, names: Names, most: int = MOST_NEAR) -> list[str]:
    """Find the keys of what may have replaced something: spelt like it, or sharing a word."""
    own = set(plain(name).split()) - COMMON - DIRECTIONS
    shared = {
        key: len(own & {word for each in spellings for word in plain(each).split()})
        for key, spellings in names.items()
    }
    sharing = sorted((key for key, many in shared.items() if many), key=lambda k: (-shared[k], k))
    return list(dict.fromkeys([*near(name, names, most), *sharing]))[:most]


def _likeness(name: str, whole: _Likeness, by_word: Sequence[_Likeness]) -> float:
    """Return how like a name is to what is wanted, from 0 to 1."""
    words = [word for word in name.split() if word not in COMMON]
    if not by_word or not words:
        return whole(name)
    each = sum(max(map(likeness, words)) for likeness in by_word) / len(by_word)
    return max(whole(name), each)


def _likeness_to(wanted: str) -> _Likeness:
    """Return a function that tells how like something is to this, from 0 to 1.

    It tells 0 of what is not nearly so, to save the time that comparing takes.
    """
    matcher = SequenceMatcher(None, "", wanted, autojunk=False)

    @cache
    def likeness(other: str) -> float:
        length = len(wanted) + len(other)
        if 2 * min(len(wanted), len(other)) < _ALIKE * length:
            return 0.0
        matcher.set_seq1(other)
        return matcher.ratio() if matcher.quick_ratio() >= _ALIKE else 0.0

    return likeness
