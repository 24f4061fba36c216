"""Frames files: a plain header, then numbered frames with length and checksum (pure, on bytes)."""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

_MAGIC = b"\xf1PB\x01"
_HEAD = struct.Struct(">4sIQI")  # magic, length, sequence, checksum
# No ciphertext holds so many zeros in a row: they are pages that never reached the disk.
_NEVER_WRITTEN = bytes(16)


class Damaged(Exception):
    """A file does not hold what was written to it; the text says where."""


class Torn(Exception):
    """The last frame was never finished; `offset` is where it starts."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        super().__init__(f"an unfinished frame at byte {offset}")


class Frame(NamedTuple):
    """One frame; `end` is the offset in the file at which it ends."""

    sequence: int
    payload: bytes
    end: int


def framed(sequence: int, payload: bytes) -> bytes:
    """Return a frame as it is written."""
    return _HEAD.pack(_MAGIC, len(payload), sequence, _checksum(sequence, payload)) + payload


def frames(raw: bytes) -> Iterator[Frame]:
    """Yield the frames in order; raises Torn at an unfinished last one, Damaged at any other."""
    offset = sequence = 0
    while offset < len(raw):
        frame = _frame_at(raw, offset)
        if frame is None:
            if _is_unfinished(raw, offset):
                raise Torn(offset)
            raise Damaged(f"frame {sequence} at byte {offset} does not check")
        if frame.sequence != sequence:
            raise Damaged(f"frame {frame.sequence} stands in the place of frame {sequence}")
        yield frame
        offset, sequence = frame.end, sequence + 1


def readable(raw: bytes) -> Iterator[Frame]:
    """Yield every whole frame there is, in its order, whatever lies between them."""
    offset, last = 0, -1
    while offset >= 0:
        frame = _frame_at(raw, offset)
        if frame is not None and frame.sequence > last:
            yield frame
            offset, last = frame.end, frame.sequence
        else:
            offset = raw.find(_MAGIC, offset + 1)


def _checksum(sequence: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack(">QI", sequence, len(payload))))


def _frame_at(raw: bytes, offset: int) -> Frame | None:
    """Return the frame that starts at an offset, None if no whole one does."""
    start = offset + _HEAD.size
    if start > len(raw):
        return None
    magic, length, sequence, checksum = _HEAD.unpack_from(raw, offset)
    payload = raw[start : start + length]
    if magic != _MAGIC or len(payload) < length or checksum != _checksum(sequence, payload):
        return None
    return Frame(sequence, payload, start + length)


def _is_unfinished(raw: bytes, offset: int) -> bool:
    """Return whether a crash explains it: one last frame, whose bytes did not all arrive."""
    following = raw.find(_MAGIC, offset + 1)
    while following >= 0:
        if _frame_at(raw, following) is not None:
            return False
        following = raw.find(_MAGIC, following + 1)
    never_written = raw.endswith(_NEVER_WRITTEN[:4]) or _NEVER_WRITTEN in raw[offset:]
    return never_written or _is_short(raw, offset)


def _is_short(raw: bytes, offset: int) -> bool:
    head = raw[offset : offset + _HEAD.size]
    if len(head) < _HEAD.size:
        return _MAGIC.startswith(head[: len(_MAGIC)])
    magic, length, _, _ = _HEAD.unpack(head)
    return bool(magic == _MAGIC and offset + _HEAD.size + length > len(raw))
