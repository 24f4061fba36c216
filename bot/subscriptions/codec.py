"""A rule, or terms, as something that a link can carry, and taken up again (pure)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from msgspec import DecodeError, Meta, Struct, json

from bot.petitions.events import EVENT_KINDS, Kind, Loudness, Threshold
from bot.subscriptions.base64 import as_letters, from_letters
from bot.subscriptions.event_filter import possible
from bot.subscriptions.rule_words import Words, read_words, typed_words
from bot.subscriptions.subscription import Preferences, Rule

_KINDS: Mapping[str, Kind] = {row.letter: kind for kind, row in EVENT_KINDS.items()}


class _Carried(Struct, frozen=True, array_like=True):
    """A rule without its chat, in the order in which its parts are left out least."""

    site: Annotated[str, Meta(pattern="^[a-z][a-z0-9]{0,31}$")]
    letters: Annotated[str, Meta(min_length=1, max_length=len(EVENT_KINDS))]
    typed: Annotated[str, Meta(max_length=1000)] = ""
    thresholds: tuple[Threshold, ...] = ()
    topics: Annotated[
        tuple[Annotated[str, Meta(pattern="^[a-z][-a-z0-9]{0,99}$")], ...], Meta(max_length=10)
    ] = ()
    department: Annotated[str, Meta(max_length=100)] = ""
    constituency: Annotated[str, Meta(pattern="^[A-Z0-9]{0,12}$")] = ""
    loudness: dict[Kind, Loudness] = {}
    thread_id: int | None = None
    number: Annotated[int, Meta(ge=0, lt=2**31)] = 0


_DECODER = json.Decoder(_Carried)
_TERMS = json.Decoder(Preferences)


def carried(rule: Rule) -> str:
    """A rule as letters, digits, - and _, as few as it takes; whose it is stays out."""
    parts = [
        rule.site,
        "".join(EVENT_KINDS[kind].letter for kind in rule.kinds),
        typed_words(rule.words, rule.without),
        rule.thresholds,
        rule.topics,
        rule.department,
        rule.constituency,
        rule.terms.loudness,
        rule.thread_id,
        rule.number,
    ]
    while not parts[-1]:
        parts.pop()
    return as_letters(json.encode(parts))


def taken_up(text: str, chat_id: int, now: datetime) -> Rule | None:
    """The rule that was carried, for a chat; None for what no button makes."""
    try:
        packed = _DECODER.decode(from_letters(text))
        kinds = tuple(_KINDS[letter] for letter in packed.letters)
    except (DecodeError, ValueError, KeyError):
        return None
    words = read_words(packed.typed) if packed.typed else Words()
    if not isinstance(words, Words):
        return None
    return possible(
        Rule(
            chat_id,
            packed.site,
            now,
            kinds,
            number=packed.number,
            words=words.wanted,
            without=words.without,
            topics=packed.topics,
            department=packed.department,
            constituency=packed.constituency,
            thresholds=packed.thresholds,
            thread_id=packed.thread_id,
            terms=Preferences(loudness=packed.loudness),
        )
    )


def carried_terms(terms: Preferences) -> str:
    """Terms as letters, digits, - and _."""
    return as_letters(json.encode(terms))


def terms_taken_up(text: str) -> Preferences | None:
    """The terms that were carried; None for anything we did not write."""
    try:
        return _TERMS.decode(from_letters(text))
    except (DecodeError, ValueError):
        return None
