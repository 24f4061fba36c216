"""Whether what was read makes sense: every record is one, and all it refers to is there (pure)."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from bot.petitions.errors import StorageError
from bot.petitions.model import Delivery, Subscription
from storage.tables import SHELVES, Tables


def checked(where: object, tables: Tables) -> Iterator[tuple[str, Struct | None, Struct | None]]:
    """Every record of the tables as something new; StorageError if one makes no sense."""
    for shelf in SHELVES.values():
        for doc_id, document in tables[shelf.name].items():
            try:
                record = msgspec.convert(document, shelf.kind)
            except msgspec.ValidationError as error:
                raise StorageError(
                    f"{where} is damaged at {shelf.name} {doc_id}: {error}"
                ) from error
            if not _grounded(record, tables):
                raise StorageError(
                    f"{where} is damaged: {shelf.name} {doc_id} has lost its petition"
                )
            yield doc_id, None, record


def _grounded(record: Struct, tables: Tables) -> bool:
    """Whether all that a record refers to is there."""
    match record:
        case Subscription(petition=petition):
            return str(petition) in tables["petitions"]
        case Delivery(petition=petition, occurrences=keys):
            return str(petition) in tables["petitions"] and all(
                key in tables["occurrences"] for key in keys
            )
        case _:
            return True
