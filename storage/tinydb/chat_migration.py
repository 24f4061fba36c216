"""A chat that has another id now: everything of it goes there (TinyDB)."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import structs

from bot.subscriptions.chat_migration import merged, moved_key, moved_rules, moved_subscription
from bot.subscriptions.subscription import Rule, Subscription
from storage.tables import (
    CHATS,
    DELIVERIES,
    RECENT,
    RULES,
    SUBSCRIPTIONS,
    RecentAlerts,
    followed_as,
    ruled_as,
)
from storage.tinydb.database import Transaction


def move_chat(transaction: Transaction, old_id: int, new_id: int) -> None:
    """Carry over what is known of the chat itself."""
    old, new = (transaction.get(CHATS, str(chat_id)) for chat_id in (old_id, new_id))
    if old is not None:
        transaction.remove(CHATS, str(old_id))
        transaction.keep(merged(old, new, new_id))
    told, there = (transaction.get(RECENT, str(chat_id)) for chat_id in (old_id, new_id))
    if told is not None:
        transaction.remove(RECENT, str(old_id))
        both = sorted([*told.at, *(there.at if there else ())])
        transaction.put(RECENT, str(new_id), RecentAlerts(both))


def move_subscription(transaction: Transaction, old: Subscription, new_id: int) -> None:
    new = transaction.get(SUBSCRIPTIONS, followed_as(new_id, old.petition))
    transaction.remove(SUBSCRIPTIONS, followed_as(old.chat_id, old.petition))
    transaction.keep(moved_subscription(old, new, new_id))


def move_rules(
    transaction: Transaction, olds: Sequence[Rule], news: Sequence[Rule], new_id: int
) -> dict[int, int]:
    """Carry rules over to a chat that has some already; the numbers they have there, by their old.

    One that both have is kept once.
    """
    for old in olds:
        transaction.remove(RULES, ruled_as(old.chat_id, old.number))
    moved = moved_rules(olds, news, new_id)
    for rule in moved.values():
        transaction.keep(rule)
    return {number: rule.number for number, rule in moved.items()}


def move_deliveries(
    transaction: Transaction, keys: Iterable[str], new_id: int, numbers: Mapping[int, int]
) -> None:
    """Carry over what is owed, once if both chats are; `numbers` are those of its rules.

    Nothing can be sent to the old id any more, so what is carried over is nobody's.
    """
    for key in keys:
        old = transaction.get(DELIVERIES, key)
        transaction.remove(DELIVERIES, key)
        if old is None:
            continue
        new_key = moved_key(old, new_id)
        if not transaction.has(DELIVERIES, new_key):
            rule = numbers.get(old.rule, old.rule)
            transaction.keep(
                structs.replace(old, key=new_key, chat_id=new_id, rule=rule, leased_until=None)
            )
