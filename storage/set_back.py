"""What waits for a chat, and what was read, once a clock that was ahead is put right (TinyDB)."""

from bisect import insort
from datetime import datetime, timedelta

from msgspec import structs

from bot.subscriptions.set_back import chat_set_back, delivery_set_back, terms_set_back
from bot.subscriptions.subscription import Chat, Rule, Subscription
from storage.tables import (
    CHATS,
    DELIVERIES,
    PETITIONS,
    READINGS,
    RULES,
    SUBSCRIPTIONS,
    Day,
    day_id,
    followed_as,
    ruled_as,
    second_of,
)
from storage.tinydb.database import Transaction
from storage.tinydb.index import Index
from storage.tinydb.replan import told_by


def set_chat_back(
    transaction: Transaction, index: Index, chat_id: int, now: datetime, by: timedelta
) -> None:
    """Have a chat's snoozes, tries and alerts come when they should."""
    chat = transaction.get(CHATS, str(chat_id))
    if chat is not None and (right := chat_set_back(chat, now, by)) != chat:
        transaction.keep(right)
    chosen: list[Subscription | Rule | None] = [
        transaction.get(SUBSCRIPTIONS, followed_as(chat_id, ref))
        for ref in index.follows.get(chat_id, ())
    ]
    chosen += [
        transaction.get(RULES, ruled_as(chat_id, number))
        for number in index.numbers.get(chat_id, ())
    ]
    for each in chosen:
        if each and (terms := terms_set_back(each.terms, now, by)) != each.terms:
            transaction.keep(structs.replace(each, terms=terms))
    hears = transaction.get(CHATS, str(chat_id)) or Chat(chat_id)
    for key in index.agenda.keys(chat_id):
        delivery = transaction.get(DELIVERIES, key)
        if delivery is None or (told := told_by(transaction, delivery, hears)) is None:
            continue
        moved = delivery_set_back(delivery, *told, now=now, by=by)
        if moved != delivery:
            transaction.keep(moved)


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
