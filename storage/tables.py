"""The tables of every store, by name, and the records that they keep."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Generic, TypeAlias, TypeVar, assert_never, cast

import msgspec
from msgspec import Struct

from bot.errors import StorageError
from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.subscription import Chat, Rule, Subscription

Fields: TypeAlias = dict[str, Any]
Tables: TypeAlias = dict[str, dict[str, Fields]]

S = TypeVar("S", bound=Struct)


class Day(Struct):
    """The counts read of one petition on one day, in UTC: pairs of Unix seconds and count."""

    counts: list[tuple[int, int]]


class Note(Struct):
    value: str


class Counter(Struct):
    """The number that the next record gets."""

    next: int = 1


class Unused(Struct):
    """A petition that nobody has followed since then, as far as we have looked."""

    since: datetime


class RecentAlerts(Struct):
    """The times, in Unix seconds, at which a chat was lately told alerts that were due at once."""

    at: list[int]


class TableSpec(Struct, Generic[S], frozen=True):
    """A table, and the kind of record its documents are; `indexed` if `Index` follows them."""

    name: str
    kind: type[S]
    indexed: bool = False

    def read(self, document: Fields | None) -> S | None:
        return None if document is None else msgspec.convert(document, self.kind)


CHATS = TableSpec("chats", Chat, indexed=True)
SUBSCRIPTIONS = TableSpec("subscriptions", Subscription, indexed=True)
RULES = TableSpec("rules", Rule, indexed=True)
PETITIONS = TableSpec("petitions", PetitionHistory)
OCCURRENCES = TableSpec("occurrences", Occurrence)
READINGS = TableSpec("readings", Day, indexed=True)
DELIVERIES = TableSpec("deliveries", Delivery, indexed=True)
NOTES = TableSpec("notes", Note)
ERASE = "erase"  # the note that stands until what was taken out is in no file any more
COUNTERS = TableSpec("counters", Counter)
UNUSED = TableSpec("unused", Unused)
RECENT = TableSpec("recent_alerts", RecentAlerts)

TABLE_SPECS: dict[str, TableSpec[Any]] = {
    spec.name: spec
    for spec in (
        CHATS,
        SUBSCRIPTIONS,
        RULES,
        PETITIONS,
        OCCURRENCES,
        READINGS,
        DELIVERIES,
        NOTES,
        COUNTERS,
        UNUSED,
        RECENT,
    )
}


_SPEC_OF: dict[type[Struct], TableSpec[Any]] = {spec.kind: spec for spec in TABLE_SPECS.values()}


# A record that says itself what it is called.
Named: TypeAlias = Chat | Subscription | Rule | PetitionHistory | Occurrence | Delivery


def name_of(record: Named) -> str:
    """Return the id of a record's document."""
    match record:
        case Chat(id=chat_id):
            return str(chat_id)
        case Subscription(chat_id=chat_id, petition=petition):
            return followed_as(chat_id, petition)
        case Rule(chat_id=chat_id, number=number):
            return ruled_as(chat_id, number)
        case PetitionHistory(petition=petition):
            return str(petition.ref)
        case Occurrence(key=key) | Delivery(key=key):
            return key
        case _:
            assert_never(record)


def documents_of(records: Iterable[Named]) -> dict[str, Fields]:
    """Return records as the documents of a table, by their ids."""
    return {name_of(record): document_of(record) for record in records}


def followed_as(chat_id: int, petition: PetitionRef) -> str:
    return f"{chat_id}:{petition}"


def ruled_as(chat_id: int, number: int) -> str:
    return f"{chat_id}:{number}"


def second_of(when: datetime) -> int:
    """Return the Unix second of an instant, as readings keep it."""
    return int(when.timestamp() // 1)


def day_id(petition: PetitionRef, second: int) -> str:
    """Return the id of the readings of one petition on the day, in UTC, of a Unix second."""
    return f"{petition}:{datetime.fromtimestamp(second, UTC):%Y-%m-%d}"


def document_of(record: Struct) -> Fields:
    """Return a record as the file gives it back, so that equal records are equal documents."""
    return cast(Fields, msgspec.json.decode(encoded(record)))


def encoded(record: Struct) -> bytes:
    """Return a record as JSON, the same for equal ones; StorageError if it cannot be written."""
    try:
        # Deterministic: a set has no order of its own.
        return msgspec.json.encode(record, order="deterministic")
    except ValueError as error:  # a lone surrogate in a text
        raise StorageError(f"a {type(record).__name__} cannot be written: {error}") from error
