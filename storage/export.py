"""The whole store as plain JSON values, the same from every storage (pure)."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from bot.errors import StorageError
from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.subscription import Chat, Rule, Subscription
from storage.integrity import checked
from storage.tables import (
    CHATS,
    COUNTERS,
    DELIVERIES,
    ERASE,
    NOTES,
    OCCURRENCES,
    PETITIONS,
    READINGS,
    RECENT,
    RULES,
    SUBSCRIPTIONS,
    UNUSED,
    Counter,
    Day,
    Fields,
    Note,
    Tables,
    TableSpec,
    Unused,
    day_id,
    document_of,
    documents_of,
)

VERSION = 1


class _Export(Struct, kw_only=True):
    """An exported store; readings are pairs of Unix seconds and count, oldest first."""

    program: str
    export_version: int
    chats: list[Chat] = []
    subscriptions: list[Subscription] = []
    rules: list[Rule] = []
    petitions: list[PetitionHistory] = []
    occurrences: list[Occurrence] = []
    readings: dict[str, list[tuple[int, int]]] = {}
    deliveries: list[Delivery] = []
    next_delivery: int = 1
    notes: dict[str, str] = {}
    unused: dict[str, Unused] = {}


def exported(tables: Tables) -> dict[str, Any]:
    """Return the store as plain JSON values, all of them the reader's own."""
    return {
        "program": "petition-bell",
        "export_version": VERSION,
        "chats": _copies(tables, CHATS),
        "subscriptions": _copies(tables, SUBSCRIPTIONS),
        "rules": _copies(tables, RULES),
        "petitions": _copies(tables, PETITIONS),
        "occurrences": _copies(tables, OCCURRENCES),
        "readings": _readings(tables[READINGS.name]),
        "deliveries": _copies(tables, DELIVERIES),
        "next_delivery": tables[COUNTERS.name].get("delivery", {}).get("next", 1),
        "notes": {
            name: each["value"] for name, each in tables[NOTES.name].items() if name != ERASE
        },
        "unused": {name: dict(each) for name, each in tables[UNUSED.name].items()},
    }


def imported(document: Mapping[str, Any]) -> Tables:
    """Return the tables of an exported store; StorageError if it makes no sense."""
    if document.get("program") != "petition-bell":
        raise StorageError("this is no export of petition-bell")
    try:
        export = msgspec.convert(document, _Export)
    except msgspec.ValidationError as error:
        raise StorageError(f"the export can't be read: {error}") from error
    if export.export_version != VERSION:
        raise StorageError(
            f"the export has version {export.export_version}; this program knows version {VERSION}"
        )
    tables = _tables_of(export)
    for _ in checked("the export", tables):
        pass
    return tables


def _copies(tables: Tables, spec: TableSpec[Any]) -> list[Fields]:
    # One at a time, so that in a thread of its own it holds up nobody.
    return [msgspec.json.decode(msgspec.json.encode(each)) for each in tables[spec.name].values()]


def _readings(days: Mapping[str, Fields]) -> dict[str, list[list[int]]]:
    readings: dict[str, list[list[int]]] = {}
    for doc_id in sorted(days):
        petition = doc_id.rpartition(":")[0]
        readings.setdefault(petition, []).extend(list(pair) for pair in days[doc_id]["counts"])
    return readings


def _tables_of(export: _Export) -> Tables:
    readings = {_ref(petition): pairs for petition, pairs in export.readings.items()}
    return {
        CHATS.name: documents_of(export.chats),
        SUBSCRIPTIONS.name: documents_of(export.subscriptions),
        RULES.name: documents_of(export.rules),
        PETITIONS.name: documents_of(export.petitions),
        OCCURRENCES.name: documents_of(export.occurrences),
        READINGS.name: days_of(
            (ref, at, count) for ref, pairs in readings.items() for at, count in pairs
        ),
        DELIVERIES.name: documents_of(export.deliveries),
        NOTES.name: {name: document_of(Note(value)) for name, value in export.notes.items()},
        COUNTERS.name: {"delivery": document_of(Counter(export.next_delivery))},
        UNUSED.name: {name: document_of(each) for name, each in export.unused.items()},
        RECENT.name: {},  # over by the time that anybody could import it
    }


def days_of(readings: Iterable[tuple[PetitionRef, int, int]]) -> dict[str, Fields]:
    """Return readings (a petition, a Unix second, a count) as the documents of their days."""
    days: dict[str, Day] = {}
    for petition, at, count in readings:
        days.setdefault(day_id(petition, at), Day([])).counts.append((at, count))
    return {doc_id: document_of(day) for doc_id, day in days.items()}


def _ref(name: str) -> PetitionRef:
    try:
        return PetitionRef.parse(name)
    except ValueError as error:
        raise StorageError(f"the export can't be read: {error}") from error
