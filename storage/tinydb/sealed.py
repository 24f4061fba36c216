"""Seals a file: a header that says what it is, then frames sealed under that very header."""

import os
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from storage.encryption import Seal, Unsealable, mark_of
from storage.tinydb.frames import Damaged, Torn, framed, frames, readable

FORMAT = 1

Kind = Literal["snapshot", "journal", "backup"]


class WrongKey(Exception):
    """The file is sealed with another key."""


class Header(Struct, frozen=True):
    """The part of a sealed file that can be read without its key: it says nothing about anybody.

    `after` chains the files: a snapshot names the journal it goes on with, by its salt, a journal
    the one before it and how many frames that had.
    """

    program: str
    format: int
    kind: str
    store: str
    generation: int
    salt: str
    key: str
    after: str = ""


class _Beginning(Struct):
    """The fields of a header that every format has."""

    program: str
    format: int


def new_store() -> str:
    """Return a new name that tells one store's files from another's."""
    return os.urandom(8).hex()


class Sealed:
    """Makes the frames of one file; `header` is its own, as it stands there."""

    def __init__(self, key: bytes, header: bytes) -> None:
        self.salt = msgspec.json.decode(header, type=Header).salt
        self.beginning = framed(0, header)
        self.seal = Seal(key, bytes.fromhex(self.salt), header)

    @classmethod
    def new(
        cls, key: bytes, kind: Kind, store: str, generation: int, *, after: str = ""
    ) -> "Sealed":
        """Begin a file, with a new salt."""
        salt = os.urandom(16).hex()
        mark = mark_of(key)
        header = Header("petition-bell", FORMAT, kind, store, generation, salt, mark, after)
        return cls(key, msgspec.json.encode(header))

    def frame(self, plain: bytes, sequence: int) -> bytes:
        """Return a sealed frame; the first one is number 1."""
        return framed(sequence, self.seal.close(plain, sequence))

    def whole(self, plains: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the whole file, which ends with an empty frame so that a cut would show."""
        yield self.beginning
        sequence = 0
        for sequence, plain in enumerate(plains, 1):
            yield self.frame(plain, sequence)
        yield self.frame(b"", sequence + 1)


class Content:
    """The content of a sealed file; reading `plains` raises Torn, Damaged or WrongKey."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._frames = frames(raw)
        try:
            first = next(self._frames, None)
        except Torn as error:
            raise Damaged("its header does not check") from error
        if first is None:
            raise Damaged("it is empty")
        self._raw_header = first.payload
        try:
            self.header = msgspec.json.decode(first.payload, type=Header)
            bytes.fromhex(self.header.salt)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Damaged("its header makes no sense") from error
        self.sequence, self.end = 0, first.end

    def sealed(self, key: bytes) -> Sealed:
        """Return the maker of further frames of this file; raises WrongKey."""
        if mark_of(key) != self.header.key:
            raise WrongKey
        return Sealed(key, self._raw_header)

    def plains(self, key: bytes) -> Iterator[bytes]:
        """Yield the content of each frame, in order; `sequence` and `end` are those of the last."""
        seal = self.sealed(key).seal
        for frame in self._frames:
            try:
                plain = seal.open(frame.payload, frame.sequence)
            except Unsealable as error:
                raise Damaged(str(error)) from error
            self.sequence, self.end = frame.sequence, frame.end
            yield plain

    def left(self, key: bytes) -> Iterator[bytes | None]:
        """Yield what can be read of a damaged file, in order; None for each frame that cannot."""
        seal, last = self.sealed(key).seal, 0
        for frame in readable(self._raw):
            if frame.sequence == 0:
                continue
            yield from [None] * (frame.sequence - last - 1)
            last = frame.sequence
            try:
                yield seal.open(frame.payload, frame.sequence)
            except Unsealable:
                yield None

    def whole(self, key: bytes) -> Iterator[bytes]:
        """Yield what `plains` does, of a file that was finished: Damaged if its end is missing."""
        last = None
        try:
            for plain in self.plains(key):
                if last is not None:
                    yield last
                last = plain
        except Torn as error:
            raise Damaged(str(error)) from error
        if last != b"":
            raise Damaged("its end is missing")


def format_of(raw: bytes) -> int | None:
    """Return the format number that a file gives itself; None if it is not ours."""
    try:
        first = next(frames(raw), None)
        beginning = msgspec.json.decode(first.payload if first else b"", type=_Beginning)
    except (Torn, Damaged, msgspec.MsgspecError):
        return None
    return beginning.format if beginning.program == "petition-bell" else None
