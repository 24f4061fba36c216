"""Bytes as what a link and a button can carry: letters, digits, "-" and "_" (pure)."""

from base64 import b64decode, urlsafe_b64encode


def as_letters(raw: bytes) -> str:
    """The bytes in base64, without its padding."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def from_letters(text: str) -> bytes:
    """The bytes again; ValueError for what `as_letters` never wrote."""
    return b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
