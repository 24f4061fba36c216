"""What a database row shows of a chat: a handle instead of its id, and the rest sealed (pure).

The handle is a keyed hash: equal for equal ids, so that rows can be looked up and matched, and
telling nothing to who has not the store's key.
"""

import hmac
import os
from typing import Any, TypeAlias

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct, structs

from bot.errors import StorageError
from bot.petitions.petition import PetitionRef
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.preferences import EffectivePreferences
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription
from storage.encryption import mark_of

Row: TypeAlias = Any  # an asyncpg.Record, or anything else that is read by column names

_SALT_SIZE = 16
_HANDLE_SIZE = 16
_NONCE_SIZE = 12


class Address(Struct, frozen=True, omit_defaults=True):
    """Where a subscription's or a delivery's alerts go, and what else of them is not shown.

    A subscription has the message of its card and its own terms, a delivery the rule it is from.
    """

    chat_id: int
    thread_id: int | None = None
    card_id: int | None = None
    terms: Preferences = Preferences()
    rule: int = 0


_ADDRESS = msgspec.json.Decoder(Address)
_CHAT = msgspec.json.Decoder(Chat)
_RULE = msgspec.json.Decoder(Rule)
_POLICY = msgspec.json.Decoder(EffectivePreferences)


class RowCipher:
    """Hides what belongs to chats; `salt` is the store's own, so that no two stores compare."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        self.key_mark = mark_of(key)
        self._handles = _derived(key, salt, b"petition-bell chat handles")
        self._marks = _derived(key, salt, b"petition-bell policy marks")
        self._cipher = AESGCM(_derived(key, salt, b"petition-bell rows"))

    def handle(self, chat_id: int) -> bytes:
        """What stands for a chat wherever it has to be told from others."""
        return hmac.digest(self._handles, str(chat_id).encode(), "sha256")[:_HANDLE_SIZE]

    def seal_chat(self, chat: Chat) -> bytes:
        """All of a chat; opens in its own row only."""
        return self._close(msgspec.json.encode(chat), self.handle(chat.id))

    def chat(self, row: Row) -> Chat:
        """The chat of a row; raises StorageError."""
        chat = _CHAT.decode(self._open(row["sealed"], row["handle"]))
        return structs.replace(chat, returned=row["returned"], probe_at=row["probe_at"])

    def seal_address(self, petition: PetitionRef, address: Address) -> bytes:
        """Where the alerts about a petition go; opens in rows of that chat and petition only."""
        place = self.handle(address.chat_id) + str(petition).encode()
        return self._close(msgspec.json.encode(address), place)

    def address(self, row: Row) -> Address:
        """The address in a subscription's or a delivery's row; raises StorageError."""
        place = row["chat"] + row["petition"].encode()
        return _ADDRESS.decode(self._open(row["sealed"], place))

    def subscription(self, row: Row) -> Subscription:
        """The subscription of a row; raises StorageError."""
        address = self.address(row)
        return Subscription(
            chat_id=address.chat_id,
            petition=PetitionRef.parse(row["petition"]),
            created_at=row["created_at"],
            thread_id=address.thread_id,
            muted=row["muted"],
            card_id=address.card_id,
            terms=address.terms,
        )

    def delivery(self, row: Row) -> Delivery:
        """The delivery of a row; raises StorageError."""
        address = self.address(row)
        return Delivery(
            key=f"{row['head']}:{address.chat_id}",
            number=row["number"],
            chat_id=address.chat_id,
            petition=PetitionRef.parse(row["petition"]),
            occurrences=tuple(row["occurrences"]),
            created_at=row["created_at"],
            not_before=row["not_before"],
            thread_id=address.thread_id,
            silent=row["silent"],
            attempts=row["attempts"],
            leased_until=row["leased_until"],
            lane=row["lane"],
            rule=address.rule,
        )

    def seal_rule(self, rule: Rule) -> bytes:
        """All of a rule; opens in rows of that chat and number only."""
        return self._close(
            msgspec.json.encode(rule), _rule_place(self.handle(rule.chat_id), rule.number)
        )

    def rule(self, row: Row) -> Rule:
        """The rule of a row; raises StorageError."""
        return _RULE.decode(self._open(row["sealed"], _rule_place(row["chat"], row["number"])))

    def mark(self, policy: EffectivePreferences) -> bytes:
        """What stands for a policy: equal for equal ones, like a chat's handle."""
        return hmac.digest(self._marks, _canonical(policy), "sha256")[:_HANDLE_SIZE]

    def seal_policy(self, policy: EffectivePreferences) -> bytes:
        """All of a policy; opens under its own mark only."""
        return self._close(_canonical(policy), self.mark(policy))

    def policy(self, row: Row) -> EffectivePreferences:
        """The policy of a row; raises StorageError."""
        return _POLICY.decode(self._open(row["sealed"], row["mark"]))

    def _close(self, plain: bytes, place: bytes) -> bytes:
        nonce = os.urandom(_NONCE_SIZE)
        return nonce + self._cipher.encrypt(nonce, plain, place)

    def _open(self, sealed: bytes, place: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], place)
        except (InvalidTag, ValueError) as error:
            raise StorageError("a row does not open with the store's key") from error


def address_of(follows: Subscription) -> Address:
    """What of a subscription is not shown."""
    return Address(follows.chat_id, follows.thread_id, follows.card_id, follows.terms)


def new_salt() -> bytes:
    """A salt for a new store."""
    return os.urandom(_SALT_SIZE)


def _rule_place(handle: bytes, number: int) -> bytes:
    return handle + b"rule %d" % number


def _canonical(policy: EffectivePreferences) -> bytes:
    return msgspec.json.encode(policy, order="deterministic")


def _derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, purpose).derive(key)
