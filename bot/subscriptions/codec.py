"""Writes rules, preferences and subscriptions into links and buttons, and reads them (pure).

Each begins with the letter of its version, and is taken up only if writing what was read gives the
same text again. So what another version wrote, or one with other kinds of news, or nobody, is
refused as a whole, and never read as something else.
"""

import re
import zlib
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated

from msgspec import DecodeError, Meta, Struct, json, structs

from bot.local_time import zones
from bot.petitions.events import EVENT_KINDS, Kind, Loudness, Threshold
from bot.petitions.petition import PetitionRef
from bot.petitions.reminders import REMINDERS
from bot.subscriptions.event_filter import possible
from bot.subscriptions.preferences import LOUDNESS
from bot.subscriptions.rule_words import Words, read_words, typed_words
from bot.subscriptions.subscription import Digest, Preferences, Quiet, Rule, Subscription

# To be changed whenever anything here is written in another way.
_VERSION = "A"

_KINDS: Mapping[str, Kind] = {row.letter: kind for kind, row in EVENT_KINDS.items()}


def _as_letters(raw: bytes) -> str:
    """Write bytes as letters, digits, "-" and "_", behind the letter of the version."""
    return _VERSION + urlsafe_b64encode(raw).decode().rstrip("=")


def _from_letters(text: str) -> bytes:
    """Read the bytes again. Raises ValueError for what this version never wrote."""
    version, body = text[:1], text[1:]
    if version != _VERSION:
        raise ValueError("written by another version")
    return b64decode(body + "=" * (-len(body) % 4), b"-_", validate=True)


# --- a rule, in a link ---------------------------------------------------------------------------


class _RuleForm(Struct, frozen=True, array_like=True):
    """A rule without its chat, the parts that most rules have first."""

    site: Annotated[str, Meta(pattern="^[a-z][a-z0-9]{0,31}\\Z")]
    letters: Annotated[str, Meta(min_length=1, max_length=len(EVENT_KINDS))]
    typed: Annotated[str, Meta(max_length=1000)] = ""
    thresholds: tuple[Threshold, ...] = ()
    topics: Annotated[
        tuple[Annotated[str, Meta(pattern="^[a-z][-a-z0-9]{0,99}\\Z")], ...], Meta(max_length=10)
    ] = ()
    department: Annotated[str, Meta(max_length=100)] = ""
    constituency: Annotated[str, Meta(pattern="^[A-Z0-9]{0,12}\\Z")] = ""
    loudness: dict[Kind, Loudness] = {}
    thread_id: int | None = None
    number: Annotated[int, Meta(ge=0, lt=2**31)] = 0


_RULE_FORM = json.Decoder(_RuleForm)


def rule_for_link(rule: Rule) -> str:
    """Write a rule as letters, digits, "-" and "_", as few as it takes; its chat is left out."""
    return _written(
        _RuleForm(
            rule.site,
            "".join(EVENT_KINDS[kind].letter for kind in rule.kinds),
            typed_words(rule.words, rule.without),
            rule.thresholds,
            rule.topics,
            rule.department,
            rule.constituency,
            rule.preferences.loudness,
            rule.thread_id,
            rule.number,
        )
    )


def _written(form: _RuleForm) -> str:
    parts = list(structs.astuple(form))
    while not parts[-1]:
        parts.pop()
    return _as_letters(json.encode(parts))


def rule_from_link(text: str, chat_id: int, now: datetime) -> Rule | None:
    """Read a rule from a link, for a chat; None for what no button makes."""
    try:
        form = _RULE_FORM.decode(_from_letters(text))
        kinds = tuple(_KINDS[letter] for letter in form.letters)
    except (DecodeError, ValueError, KeyError):
        return None
    words = read_words(form.typed) if form.typed else Words()
    if not isinstance(words, Words) or _written(form) != text:
        return None
    return possible(
        Rule(
            chat_id,
            form.site,
            now,
            kinds,
            number=form.number,
            words=words.wanted,
            without=words.without,
            topics=form.topics,
            department=form.department,
            constituency=form.constituency,
            thresholds=form.thresholds,
            thread_id=form.thread_id,
            preferences=Preferences(loudness=form.loudness),
        )
    )


# --- preferences, in a link ----------------------------------------------------------------------

_PREFERENCES = json.Decoder(Preferences)


def preferences_for_link(preferences: Preferences) -> str:
    """Write preferences as letters, digits, "-" and "_", their own milestones included."""
    return _as_letters(json.encode(preferences))


def preferences_from_link(text: str) -> Preferences | None:
    """Read preferences from a link; None for anything we did not write."""
    try:
        found = _PREFERENCES.decode(_from_letters(text))
    except (DecodeError, ValueError):
        return None
    return found if preferences_for_link(found) == text else None


# --- preferences, in a button --------------------------------------------------------------------

_DAY = 24 * 60
_BUTTON_KINDS: tuple[Kind, ...] = tuple(EVENT_KINDS)
# Everything chosen is a digit of one number, each in its own base: time zone, digest, quiet hours,
# urgent kinds, the end of a snooze in minutes since 1970, reminders, a loudness for each kind; 0 is
# always "not chosen". What a petition cannot have of its own comes first, where it costs least.
_BASES = (
    1 << 32,
    _DAY * 8 + 1,
    _DAY * _DAY + 1,
    (1 << len(_BUTTON_KINDS)) + 1,
    1 << 32,
    (1 << len(REMINDERS)) + 1,
    *(len(LOUDNESS) + 1 for _ in _BUTTON_KINDS),
)
# What the digits stand for. It goes into the checksum: with other kinds the sum never fits.
_LAYOUT = repr((_BUTTON_KINDS, LOUDNESS, REMINDERS)).encode()


def preferences_for_button(preferences: Preferences) -> str:
    """Write preferences in so few letters that a button can carry them.

    Own milestones are left out: they do not fit, and nothing resets them.
    """
    number = 0
    for digit, base in zip(_digits(preferences), _BASES, strict=True):
        number = number * base + digit
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return _as_letters(zlib.crc32(_LAYOUT + raw).to_bytes(4, "big") + raw)


def preferences_from_button(text: str) -> Preferences | None:
    """Read preferences from a button; None for what `preferences_for_button` never wrote."""
    try:
        number = int.from_bytes(_from_letters(text)[4:], "big")
    except ValueError:
        return None
    digits: list[int] = []
    for base in reversed(_BASES):
        number, digit = divmod(number, base)
        digits.insert(0, digit)
    try:
        found = _preferences(digits)
    except ValueError:  # a snooze that leaves the calendar
        return None
    return found if preferences_for_button(found) == text else None


def _digits(preferences: Preferences) -> Iterable[int]:
    quiet, digest, snoozed = preferences.quiet, preferences.digest, preferences.snoozed_until
    yield zlib.crc32(preferences.zone.encode()) if preferences.zone else 0
    weekday = digest.weekday + 1 if digest and digest.weekday is not None else 0
    yield 1 + digest.minute * 8 + weekday if digest else 0
    yield 1 + quiet.start * _DAY + quiet.end if quiet else 0
    yield _flags(preferences.urgent, _BUTTON_KINDS)
    yield int(snoozed.timestamp()) // 60 if snoozed else 0
    yield _flags(preferences.closing, REMINDERS)
    for kind in _BUTTON_KINDS:
        chosen = preferences.loudness.get(kind)
        yield LOUDNESS.index(chosen) + 1 if chosen else 0


def _flags(chosen: tuple[object, ...] | None, of: tuple[object, ...]) -> int:
    return 0 if chosen is None else 1 + sum(1 << of.index(each) for each in chosen)


def _preferences(digits: list[int]) -> Preferences:
    (zone, digest, quiet, urgent, snoozed, closing), levels = digits[:6], digits[6:]
    minute, weekday = divmod(digest - 1, 8)
    return Preferences(
        loudness={
            kind: LOUDNESS[level - 1]
            for kind, level in zip(_BUTTON_KINDS, levels, strict=True)
            if level
        },
        closing=(
            tuple(h for n, h in enumerate(REMINDERS) if (closing - 1) >> n & 1) if closing else None
        ),
        snoozed_until=datetime.fromtimestamp(snoozed * 60, UTC) if snoozed else None,
        zone=next((name for name in zones() if zlib.crc32(name.encode()) == zone), ""),
        quiet=Quiet(*divmod(quiet - 1, _DAY)) if quiet else None,
        digest=Digest(minute, weekday - 1 if weekday else None) if digest else None,
        urgent=(
            tuple(k for n, k in enumerate(_BUTTON_KINDS) if (urgent - 1) >> n & 1)
            if urgent
            else None
        ),
    )


# --- a subscription, in the button that takes it up again ----------------------------------------

_SUBSCRIPTION = re.compile(rf"{_VERSION}([0-9]{{1,10}})\.([01])\.([0-9]{{0,10}})\.([01])")


def subscription_for_button(subscription: Subscription) -> str:
    """Write a subscription in few letters, without its petition and its preferences.

    They tell since when it was, whether muted, in which topic, and whether it had preferences of
    its own.
    """
    started = int(subscription.created_at.timestamp())
    thread, has_own = subscription.thread_id or "", subscription.preferences != Preferences()
    return f"{_VERSION}{started}.{subscription.muted:d}.{thread}.{has_own:d}"


def subscription_from_button(
    text: str, chat_id: int, petition: PetitionRef, link: str | None
) -> Subscription | None:
    """Read the subscription again, with the preferences that a link beside the button carries.

    None for what we did not write, and for one whose preferences cannot be had.
    """
    found = _SUBSCRIPTION.fullmatch(text)
    if found is None:
        return None
    started, muted, thread, has_own = found.groups()
    own = preferences_from_link(link or "") if has_own == "1" else Preferences()
    if own is None:
        return None
    return Subscription(
        chat_id,
        petition,
        datetime.fromtimestamp(int(started), UTC),
        thread_id=int(thread) if thread else None,
        muted=muted == "1",
        preferences=own,
    )
