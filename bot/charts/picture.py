"""What a drawing gives."""

from msgspec import Struct


class Picture(Struct, frozen=True):
    """A PNG, and in words what it shows (plain text, within Telegram's 1,024 characters)."""

    png: bytes
    caption: str


CAPTION_LENGTH = 1_024


def captioned(png: bytes, caption: str) -> Picture:
    """The picture with its words, cut where a caption has to end."""
    words = " ".join(caption.split())
    # Telegram counts UTF-16 units, and a character has at most two.
    if len(words.encode("utf-16-le")) // 2 > CAPTION_LENGTH:
        words = words[: CAPTION_LENGTH // 2 - 1] + "…"
    return Picture(png, words)
