"""What a drawing gives."""

import unicodedata
from textwrap import shorten

from msgspec import Struct

from bot.messages.i18n import tr
from bot.petitions.petition import Petition


class Picture(Struct, frozen=True):
    """A PNG, and in words what it shows (plain text, within Telegram's 1,024 characters)."""

    png: bytes
    caption: str


CAPTION_LENGTH = 1_024


_TITLE_LENGTH = 120  # leaves room for the figures


def captioned(png: bytes, caption: str) -> Picture:
    """The picture with its words, cut where a caption has to end."""
    units = caption.encode("utf-16-le")  # which is how Telegram counts
    if len(units) > 2 * CAPTION_LENGTH:
        caption = units[: 2 * (CAPTION_LENGTH - 1)].decode("utf-16-le", "ignore") + "…"
    return Picture(png, caption)


def title(petition: Petition) -> str:
    """The petition's own words for itself, without anything that is not a character to read."""
    words = " ".join(petition.action.split())
    plain = "".join(c for c in words if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    return shorten(plain, _TITLE_LENGTH, placeholder="…") or tr(
        "Petition {number}", number=petition.number
    )
