"""Seals database rows: keyed hashes to match by, and the rest encrypted (pure).

A chat has a handle instead of its id. Whatever stands beside a handle and could tell what the chat
follows is a mark: a petition, a site, what happened, a queue. Handles and marks are equal for equal
things, so that rows can be looked up and matched, and tell nothing to who has not the store's key.
"""

import hmac
import os
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct, structs

from bot.errors import StorageError
from bot.petitions.petition import PetitionRef
from bot.subscriptions.delivery import (
    BATCH,
    DIGEST,
    FLOOD,
    QUIET,
    REFUSED,
    SNOOZE,
    TOGETHER,
    Delivery,
    chat_of,
)
from bot.subscriptions.preferences import EffectivePreferences
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription
from storage.encryption import mark_of

Row: TypeAlias = Any  # an asyncpg.Record, or anything else that is read by column names

_Kind: TypeAlias = Literal["policy", "petition", "site", "head", "news", "queue", "recent"]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_SALT_SIZE = 16
_HANDLE_SIZE = 16
_NONCE_SIZE = 12


# Texts are sealed in steps of so many bytes, so that a length does not tell a site from another.
_STEP = 32

# The queues there are; one that waits for one petition's sake has its name behind a colon.
_QUEUES = (DIGEST, QUIET, SNOOZE, BATCH, FLOOD, TOGETHER)


class Address(Struct, frozen=True, array_like=True):
    """The hidden part of a subscription or a delivery: the chat, the petition, and the rest.

    A subscription has its card's message and its own preferences, a delivery the number of the rule
    it comes from. A delivery that a fan-out made has the whole address of its subscription.
    """

    chat_id: int
    petition: PetitionRef
    thread_id: int | None = None
    rule: int = 0
    created_at: datetime | None = None
    muted: bool = False
    card_id: int | None = None
    preferences: Preferences = Preferences()


class News(Struct, frozen=True):
    """The occurrences that deliveries tell: kept once for all chats that are owed them.

    `head` is what the deliveries are named after, their keys without the chat.
    """

    head: str
    petition: PetitionRef
    occurrences: tuple[str, ...]
    created_at: datetime


_ADDRESS = msgspec.json.Decoder(Address)
_NEWS = msgspec.json.Decoder(News)
_CHAT = msgspec.json.Decoder(Chat)
_RULE = msgspec.json.Decoder(Rule)
_PREFERENCES = msgspec.json.Decoder(EffectivePreferences)


class RowCipher:
    """Hides what belongs to chats; `salt` is the store's own, so that no two stores compare."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        self.key_mark = mark_of(key)
        self._handles = _derived(key, salt, b"petition-bell chat handles")
        self._marks = _derived(key, salt, b"petition-bell marks")
        self._cipher = AESGCM(_derived(key, salt, b"petition-bell rows"))
        self._queues = {self._queue_mark(name): name for name in _QUEUES}

    def handle(self, chat_id: int) -> bytes:
        """Return the handle of a chat, by which rows tell it from others."""
        return hmac.digest(self._handles, str(chat_id).encode(), "sha256")[:_HANDLE_SIZE]

    def recent(self, chat_id: int) -> bytes:
        """Return the mark of a chat in the table of alerts told lately.

        It is not its handle: the very moment would tell what it was told.
        """
        return self._mark("recent", str(chat_id).encode())

    def petition(self, petition: PetitionRef) -> bytes:
        """Return the mark that stands for a petition beside a chat."""
        return self._mark("petition", str(petition).encode())

    def site(self, site: str) -> bytes:
        """Return the mark that stands for a site beside a chat."""
        return self._mark("site", site.encode())

    def head(self, head: str) -> bytes:
        """Return the mark of what a delivery is named after (`News.head`)."""
        return self._mark("head", head.encode())

    def named(self, key: str) -> tuple[bytes, bytes]:
        """Return the handle of the chat and the mark of the head that make up a delivery's key."""
        return self.handle(chat_of(key)), self.head(key.rpartition(":")[0])

    def queue(self, queue: str) -> str:
        """Return the mark of a queue; "", the queue of what is due at once, stays as it is.

        That an alert is tried by itself is shown as well: it has to be found by it.
        """
        if not queue:
            return ""
        plain = queue.removesuffix(REFUSED)
        name, _, petition = plain.partition(":")
        of_petition = f":{self.petition(PetitionRef.parse(petition)).hex()}" if petition else ""
        return self._queue_mark(name) + of_petition + queue.removeprefix(plain)

    def _queue_mark(self, name: str) -> str:
        return self._mark("queue", name.encode()).hex()

    def _queue(self, shown: str, petition: PetitionRef) -> str:
        if not shown:
            return ""
        marks = shown.removesuffix(REFUSED)
        mark, _, of_petition = marks.partition(":")
        if mark not in self._queues:
            raise StorageError("a queue does not open with the store's key")
        about = f":{petition}" if of_petition else ""
        return self._queues[mark] + about + shown.removeprefix(marks)

    def seal_chat(self, chat: Chat) -> bytes:
        """Seal all of a chat; it opens in the chat's own row only."""
        return self._close(msgspec.json.encode(chat), self.handle(chat.id))

    def chat(self, row: Row) -> Chat:
        """Return the chat of a row; raises StorageError."""
        chat = _CHAT.decode(self._open(row["sealed"], row["handle"]))
        return structs.replace(chat, returned=row["returned"], probe_at=row["probe_at"])

    def seal_address(self, address: Address) -> bytes:
        """Seal an address; it opens in rows of that chat and petition only."""
        place = self.handle(address.chat_id) + self.petition(address.petition)
        return self._close(msgspec.json.encode(address), place)

    def address(self, row: Row) -> Address:
        """Return the address in a subscription's or a delivery's row; raises StorageError."""
        return _ADDRESS.decode(self._open(row["sealed"], row["chat"] + row["petition"]))

    def subscription(self, row: Row) -> Subscription:
        """Return the subscription of a row; raises StorageError."""
        address = self.address(row)
        return Subscription(
            chat_id=address.chat_id,
            petition=address.petition,
            created_at=address.created_at or _LONG_AGO,
            thread_id=address.thread_id,
            muted=address.muted,
            card_id=address.card_id,
            preferences=address.preferences,
        )

    def delivery(self, row: Row, news: News) -> Delivery:
        """Return the delivery of a row, given the news it tells; raises StorageError."""
        address = self.address(row)
        return Delivery(
            key=f"{news.head}:{address.chat_id}",
            number=row["number"],
            chat_id=address.chat_id,
            petition=news.petition,
            occurrences=news.occurrences,
            created_at=news.created_at,
            not_before=max(row["not_before"], news.created_at),
            thread_id=address.thread_id,
            silent=row["silent"],
            attempts=row["attempts"],
            leased_until=row["leased_until"],
            queue=self._queue(row["queue"], news.petition),
            rule=address.rule,
        )

    def news_mark(self, news: News) -> bytes:
        """Return the mark of news; equal news have equal marks."""
        return self._mark("news", _canonical(news))

    def seal_news(self, news: News) -> bytes:
        """Seal news; it opens under its own mark only."""
        return self._close(_canonical(news), self.news_mark(news))

    def news(self, row: Row) -> News:
        """Return the news of a row; raises StorageError."""
        return _NEWS.decode(self._open(row["sealed"], row["mark"]))

    def seal_rule(self, rule: Rule) -> bytes:
        """Seal all of a rule; it opens in rows of that chat and number only."""
        return self._close(
            msgspec.json.encode(rule), _rule_place(self.handle(rule.chat_id), rule.number)
        )

    def rule(self, row: Row) -> Rule:
        """Return the rule of a row; raises StorageError."""
        return _RULE.decode(self._open(row["sealed"], _rule_place(row["chat"], row["number"])))

    def mark(self, effective: EffectivePreferences) -> bytes:
        """Return the mark of effective preferences: equal for equal ones, like a chat's handle."""
        return self._mark("policy", _canonical(effective))

    def seal_preferences(self, effective: EffectivePreferences) -> bytes:
        """Seal effective preferences; they open under their own mark only."""
        return self._close(_canonical(effective), self.mark(effective))

    def preferences(self, row: Row) -> EffectivePreferences:
        """Return the effective preferences of a row; raises StorageError."""
        return _PREFERENCES.decode(self._open(row["sealed"], row["mark"]))

    def _mark(self, kind: _Kind, plain: bytes) -> bytes:
        return hmac.digest(self._marks, kind.encode() + b"\0" + plain, "sha256")[:_HANDLE_SIZE]

    def _close(self, document: bytes, place: bytes) -> bytes:
        # JSON may end in any number of spaces.
        plain = document.ljust(-(-len(document) // _STEP) * _STEP)
        nonce = os.urandom(_NONCE_SIZE)
        return nonce + self._cipher.encrypt(nonce, plain, place)

    def _open(self, sealed: bytes, place: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], place)
        except (InvalidTag, ValueError) as error:
            raise StorageError("a row does not open with the store's key") from error


def address_of(follows: Subscription) -> Address:
    """Return the part of a subscription that its row hides."""
    return Address(
        follows.chat_id,
        follows.petition,
        follows.thread_id,
        created_at=follows.created_at,
        muted=follows.muted,
        card_id=follows.card_id,
        preferences=follows.preferences,
    )


def news_of(delivery: Delivery) -> News:
    """Return the news that a delivery tells."""
    head = delivery.key.removesuffix(f":{delivery.chat_id}")
    return News(head, delivery.petition, delivery.occurrences, delivery.created_at)


def shown_due(not_before: datetime, created_at: datetime) -> datetime:
    """Return the instant from which a delivery is due, as its row shows it.

    The instant of what is due at once would tell what happened: its day, in UTC, stands for it.
    """
    if not_before > created_at:
        return not_before
    day = created_at.astimezone(UTC)
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def new_salt() -> bytes:
    """Make a salt for a new store."""
    return os.urandom(_SALT_SIZE)


def _rule_place(handle: bytes, number: int) -> bytes:
    return handle + b"rule %d" % number


def _canonical(record: EffectivePreferences | News) -> bytes:
    return msgspec.json.encode(record, order="deterministic")


def _derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, purpose).derive(key)
