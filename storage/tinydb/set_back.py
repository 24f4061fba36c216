"""What was read, once a clock that was ahead is put right (TinyDB)."""

from bisect import insort
from datetime import datetime, timedelta

from storage.tables import PETITIONS, READINGS, Day, day_id, second_of
from storage.tinydb.database import Transaction
from storage.tinydb.index import Index


def set_readings_back(
    transaction: Transaction, index: Index, petition: str, now: datetime, by: timedelta
) -> None:
    """Date a petition's readings of days to come as they should have been."""
    known = transaction.get(PETITIONS, petition)
    if known is None:
        return
    ref, second, less = known.petition.ref, second_of(now), int(by.total_seconds())
    days = index.days.get(petition, [])
    for doc_id in [each for each in days if each >= day_id(ref, second)]:
        day = transaction.get(READINGS, doc_id)
        counts = day.counts if day is not None else []
        ahead = [(at, count) for at, count in counts if at > second]
        if not ahead:
            continue
        if left := [pair for pair in counts if pair not in ahead]:
            transaction.put(READINGS, doc_id, Day(left))
        else:
            transaction.remove(READINGS, doc_id)
        for at, count in ahead:
            there = day_id(ref, min(at - less, second))
            earlier = transaction.get(READINGS, there)
            moved = list(earlier.counts) if earlier is not None else []
            insort(moved, (min(at - less, second), count), key=lambda pair: pair[0])
            transaction.put(READINGS, there, Day(moved))
