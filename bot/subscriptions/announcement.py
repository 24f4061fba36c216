"""The record of a text that whoever runs the bot tells everybody, and how far it is (pure)."""

from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from bot.subscriptions.subscription import Chat


class Announcement(Struct, frozen=True, omit_defaults=True):
    """A text on its way to so many chats (`of`).

    Its key is derived from the text and from when it was written, so that a button pressed twice
    begins it once. `place` is how far through the chats it has come: whoever stands there has been
    told, or was being told when the bot was stopped. `moved` are the new ids of groups that were
    told under their old one.
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
    """An announcement that has not begun."""
    return Announcement(sha256(f"{now.isoformat()} {text}".encode()).hexdigest()[:16], text, of)


def hears_announcements(chat: Chat) -> bool:
    """Whether a chat is told: it agreed that things of it are kept, takes messages, wants them."""
    agreed = chat.kind != "private" or chat.consented_at is not None
    return agreed and chat.announcements and not chat.is_shut


def written(announcement: Announcement) -> str:
    """The announcement as JSON, as the store keeps it in a note."""
    return msgspec.json.encode(announcement).decode()


def read(note: str | None) -> Announcement | None:
    """What the store kept, if anything."""
    return msgspec.json.decode(note, type=Announcement) if note else None
