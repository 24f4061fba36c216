"""Remembers which chats were told alerts a moment ago, so that a flood of news is noticed."""

from collections.abc import Collection
from datetime import datetime
from itertools import islice

from bot.subscriptions.delivery_order import LATELY
from storage.tables import RECENT, RecentAlerts, second_of
from storage.tinydb.database import Database, Transaction

_AT_A_TIME = 200  # chats looked at in one claim, so that the many of a fan-out are gone soon


def told_lately(transaction: Transaction, chat_id: int, now: datetime) -> int:
    """Return the number of alerts that a chat was told within the last `LATELY`."""
    found = transaction.get(RECENT, str(chat_id))
    return len(_of_late(found.at, now)) if found else 0


def note_told(transaction: Transaction, chats: Collection[int], now: datetime) -> None:
    """Note that each of these chats was told an alert just now."""
    for chat_id in chats:
        found = transaction.get(RECENT, str(chat_id))
        earlier = _of_late(found.at, now) if found else []
        transaction.put(RECENT, str(chat_id), RecentAlerts([*earlier, second_of(now)]))


def drop_old_alerts(transaction: Transaction, database: Database, now: datetime) -> None:
    """Drop what is no longer recent, of the chats that stand first in the table."""
    for doc_id, document in islice(database.live(RECENT).items(), _AT_A_TIME):
        if not _of_late(document["at"], now):
            transaction.remove(RECENT, doc_id)


def _of_late(times: Collection[int], now: datetime) -> list[int]:
    """Return the times within `LATELY` of now; what lies further ahead was a wrong clock's."""
    second = second_of(now)
    return [at for at in times if abs(second - at) < LATELY.total_seconds()]
