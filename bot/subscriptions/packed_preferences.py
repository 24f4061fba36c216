"""Terms in so few characters that a button can carry them, to undo what was reset (pure).

Everything chosen is a digit of one number, each in its own base. Own milestones are left out: they
do not fit, and nothing resets them.
"""

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime

from bot.local_time import zones
from bot.petitions.events import Kind, Loudness
from bot.petitions.reminders import REMINDERS
from bot.subscriptions.base64 import as_letters, from_letters
from bot.subscriptions.preferences import DEFAULTS, LOUDNESS
from bot.subscriptions.subscription import Digest, Preferences, Quiet

_KINDS: tuple[Kind, ...] = tuple(DEFAULTS)
_DAY = 24 * 60
# The digits and their bases: a loudness for each kind, urgent kinds, reminders, quiet hours,
# digest, zone, end of a snooze in minutes since 1970; 0 is always "not chosen".
_BASES = (
    *(len(LOUDNESS) + 1 for _ in _KINDS),
    (1 << len(_KINDS)) + 1,
    (1 << len(REMINDERS)) + 1,
    _DAY * _DAY + 1,
    _DAY * 8 + 1,
    1 << 32,
    1 << 32,
)


def packed(terms: Preferences) -> str:
    """The terms as letters, digits, "-" and "_"."""
    number = 0
    for digit, base in zip(_digits(terms), _BASES, strict=True):
        number = number * base + digit
    return as_letters(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def unpacked(text: str) -> Preferences | None:
    """The terms again, or None for what `packed` never wrote."""
    try:
        number = int.from_bytes(from_letters(text), "big")
    except ValueError:
        return None
    digits: list[int] = []
    for base in reversed(_BASES):
        number, digit = divmod(number, base)
        digits.insert(0, digit)
    try:
        return None if number else _terms(digits)
    except ValueError:  # a snooze that leaves the calendar
        return None


def _digits(terms: Preferences) -> Iterable[int]:
    quiet, digest, snoozed = terms.quiet, terms.digest, terms.snoozed_until
    for kind in _KINDS:
        yield LOUDNESS.index(terms.loudness[kind]) + 1 if kind in terms.loudness else 0
    yield _flags(terms.urgent, _KINDS)
    yield _flags(terms.closing, REMINDERS)
    yield quiet.start * _DAY + quiet.end + 1 if quiet else 0
    yield _digest_number(digest) if digest else 0
    yield zlib.crc32(terms.zone.encode()) if terms.zone else 0
    yield int(snoozed.timestamp()) // 60 if snoozed else 0


def _flags(chosen: tuple[object, ...] | None, of: tuple[object, ...]) -> int:
    return 0 if chosen is None else 1 + sum(1 << of.index(each) for each in chosen)


def _digest_number(digest: Digest) -> int:
    return 1 + digest.minute * 8 + (0 if digest.weekday is None else digest.weekday + 1)


def _terms(digits: list[int]) -> Preferences:
    levels, (urgent, closing, quiet, digest, zone, snoozed) = digits[:-6], digits[-6:]
    loudness: dict[Kind, Loudness] = {
        kind: LOUDNESS[level - 1] for kind, level in zip(_KINDS, levels, strict=True) if level
    }
    return Preferences(
        loudness=loudness,
        urgent=tuple(k for n, k in enumerate(_KINDS) if (urgent - 1) >> n & 1) if urgent else None,
        closing=(
            tuple(h for n, h in enumerate(REMINDERS) if (closing - 1) >> n & 1) if closing else None
        ),
        quiet=Quiet(*divmod(quiet - 1, _DAY)) if quiet else None,
        digest=_read_digest(digest - 1) if digest else None,
        zone=next((name for name in zones() if zlib.crc32(name.encode()) == zone), ""),
        snoozed_until=datetime.fromtimestamp(snoozed * 60, UTC) if snoozed else None,
    )


def _read_digest(number: int) -> Digest:
    minute, day = divmod(number, 8)
    return Digest(minute, day - 1 if day else None)
