"""A drawn picture with its caption, and the places that pictures of constituencies show."""

import unicodedata
from textwrap import shorten

from msgspec import Struct

from bot.messages.i18n import tr
from bot.messages.petition.constituencies import Ranked, ranked
from bot.petitions.petition import Petition

CAPTION_LENGTH = 1_024


class Picture(Struct, frozen=True):
    """A PNG, and in words what it shows (plain text, within Telegram's 1,024 characters).

    `shown` is how many characters of the words say what it is; the figures behind may be folded.
    """

    png: bytes
    caption: str
    shown: int = CAPTION_LENGTH


_TITLE_LENGTH = 120  # leaves room for the figures


def captioned(png: bytes, caption: str, figures: str = "") -> Picture:
    """Return a picture with its words, cut where a caption has to end.

    The words end with the `figures`, which may be folded.
    """
    shown = caption.index(figures) if figures else len(caption)
    units = caption.encode("utf-16-le")  # which is how Telegram counts
    if len(units) > 2 * CAPTION_LENGTH:
        caption = units[: 2 * (CAPTION_LENGTH - 1)].decode("utf-16-le", "ignore") + "…"
    return Picture(png, caption, shown)


def title(petition: Petition) -> str:
    """Return the petition's own words for itself, with nothing but characters to read."""
    words = " ".join(petition.action.split())
    plain = "".join(c for c in words if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    return shorten(plain, _TITLE_LENGTH, placeholder="…") or tr(
        "Petition {number}", number=petition.number
    )


TOP = 10


def top_places(petition: Petition, highlight: str | None) -> list[Ranked]:
    """Return the places to show, with their ranks: the first ten, and the reader's own.

    `highlight` is the ONS code of the reader's own, if any.
    """
    signed = [entry for entry in ranked(petition) if entry.place.signature_count > 0]
    own = [entry for entry in signed[TOP:] if highlight and entry.place.code == highlight]
    return signed[:TOP] + own
