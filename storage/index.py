"""What is looked up other than by id (in memory only, made anew at each start)."""

from bisect import insort
from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct

from bot.petitions.model import Chat, Delivery, PetitionRef, Subscription
from storage.agenda import Agenda
from storage.tables import Day


class Index:
    """Who follows what, what they are owed and on which days we read: made anew at each start."""

    def __init__(self) -> None:
        self.agenda = Agenda()
        self.followers: dict[PetitionRef, set[int]] = {}
        self.follows: dict[int, set[PetitionRef]] = {}
        self.days: dict[str, list[str]] = {}  # the ids of a petition's readings, oldest day first

    def apply(self, changes: Iterable[tuple[str, Struct | None, Struct | None]]) -> None:
        """Follow documents from what they were to what they are: (id, before, after) each."""
        touched: dict[int, None] = {}
        for doc_id, before, after in changes:
            self._leave(doc_id, before, touched, gone=after is None)
            self._enter(doc_id, after, touched, new=before is None)
        self.agenda.reschedule(touched)

    def _leave(
        self, doc_id: str, record: Struct | None, touched: dict[int, None], *, gone: bool
    ) -> None:
        match record:
            case Subscription(chat_id=chat_id, petition=petition):
                _take_out(self.followers, petition, chat_id)
                _take_out(self.follows, chat_id, petition)
            case Delivery():
                self.agenda.drop(record)
                touched[record.chat_id] = None
            case Chat():
                self.agenda.follow(None, record.id)
                touched[record.id] = None
            case Day() if gone:
                _drop_day(self.days, doc_id)

    def _enter(
        self, doc_id: str, record: Struct | None, touched: dict[int, None], *, new: bool
    ) -> None:
        match record:
            case Subscription(chat_id=chat_id, petition=petition):
                self.followers.setdefault(petition, set()).add(chat_id)
                self.follows.setdefault(chat_id, set()).add(petition)
            case Delivery():
                self.agenda.add(record)
                touched[record.chat_id] = None
            case Chat():
                self.agenda.follow(record, record.id)
                touched[record.id] = None
            case Day() if new:
                insort(self.days.setdefault(doc_id.rpartition(":")[0], []), doc_id)


def _drop_day(days: dict[str, list[str]], doc_id: str) -> None:
    petition = doc_id.rpartition(":")[0]
    days[petition].remove(doc_id)
    if not days[petition]:
        del days[petition]


K = TypeVar("K")
V = TypeVar("V")


def _take_out(sets: dict[K, set[V]], key: K, value: V) -> None:
    sets[key].discard(value)
    if not sets[key]:
        del sets[key]
