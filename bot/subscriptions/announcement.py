"""The record of an announcement that an admin sends to everybody, and of how far it is (pure)."""

from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from bot.subscriptions.subscription import Chat


class Announcement(Struct, frozen=True, omit_defaults=True):
    """A text on its way to so many chats (`of`).

    Its key is derived from the text and from when it was written, so that a button pressed twice
    begins it once. `place` is how far through the chats it has come: whoever stands there has been
    told, or was being told when the bot was stopped. `told`, `refused` and `unsure` count chats.
    `moved` are the new ids of groups that were told under their old one.
    """

    key: str
    text: str
    of: int
    place: str = ""
    told: int = 0
    refused: int = 0
    unsure: int = 0
    is_done: bool = False
    moved: tuple[int, ...] = ()


def drafted(text: str, now: datetime, of: int) -> Announcement:
    """Make an announcement that has not begun."""
    return Announcement(sha256(f"{now.isoformat()} {text}".encode()).hexdigest()[:16], text, of)


def hears_announcements(chat: Chat) -> bool:
    """Return whether a chat gets announcements: it agreed, can be sent to, and wants them.

    A private chat has agreed when its person consented to something being kept of it.
    """
    agreed = chat.kind != "private" or chat.consented_at is not None
    return agreed and chat.announcements and not chat.is_shut


def written(announcement: Announcement) -> str:
    """Return the announcement as JSON, as the store keeps it in a note."""
    return msgspec.json.encode(announcement).decode()


def read(note: str | None) -> Announcement | None:
    """Read an announcement from the note that `written` made; None without a note."""
    return msgspec.json.decode(note, type=Announcement) if note else None
