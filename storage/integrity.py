"""Checks that what was read makes sense: whole records, and all that they refer to there (pure)."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec
from msgspec import Struct

from bot.errors import StorageError
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.subscription import Subscription
from storage.tables import TABLE_SPECS, Tables

RESTORE = "`petition-bell restore` takes what is whole"
_REFERRING = (Subscription, Delivery)


def checked(where: object, tables: Tables) -> Iterator[tuple[str, Struct | None, Struct | None]]:
    """Yield every record of the tables as (id, None, record); StorageError if one makes no sense.

    That is how the index takes a record that is new; `where` is named in the error.
    """

    def has(name: str, doc_id: str) -> bool:
        return doc_id in tables.get(name, {})

    for spec in TABLE_SPECS.values():
        for doc_id, document in tables.get(spec.name, {}).items():
            try:
                record = msgspec.convert(document, spec.kind)
            except msgspec.ValidationError as error:
                raise StorageError(
                    f"{where} is damaged: a record of {spec.name} makes no sense; {RESTORE}"
                ) from error
            if not grounded(record, has):
                raise StorageError(
                    f"{where} is damaged: a record of {spec.name} has lost its petition; {RESTORE}"
                )
            yield doc_id, None, record


def sound(tables: Tables) -> tuple[Tables, int]:
    """Return the records that make sense, with all that they refer to, and how many do not.

    Tables that are none of the bot's stay as they are.
    """
    kept: Tables = {name: {} if name in TABLE_SPECS else docs for name, docs in tables.items()}

    def has(name: str, doc_id: str) -> bool:
        return doc_id in kept.get(name, {})

    for spec in sorted(TABLE_SPECS.values(), key=lambda spec: spec.kind in _REFERRING):
        for doc_id, document in tables.get(spec.name, {}).items():
            with suppress(msgspec.ValidationError):
                if grounded(msgspec.convert(document, spec.kind), has):
                    kept[spec.name][doc_id] = document
    return kept, sum(map(len, tables.values())) - sum(map(len, kept.values()))


def grounded(record: Struct, has: Callable[[str, str], bool]) -> bool:
    """Return whether all that a record refers to is there; `has` says so of a table and an id."""
    match record:
        case Subscription(petition=petition):
            return has("petitions", str(petition))
        case Delivery(petition=petition, occurrences=keys):
            return has("petitions", str(petition)) and all(has("occurrences", key) for key in keys)
        case _:
            return True
