"""What waits in a chat after it has changed how it hears (TinyDB)."""

from collections.abc import Iterable
from datetime import datetime

from bot.petitions.match import Way, follower, replanned
from bot.petitions.model import Chat, Delivery, PetitionRef
from storage.tables import (
    CHATS,
    DELIVERIES,
    OCCURRENCES,
    PETITIONS,
    RULES,
    SUBSCRIPTIONS,
    Transaction,
    followed_as,
    ruled_as,
)


def replan(
    transaction: Transaction,
    chat_id: int,
    keys: Iterable[str],
    now: datetime,
    petition: PetitionRef | None = None,
) -> None:
    """Have deliveries of a chat (of one petition, if named) wait for the moments they now have."""
    chat = transaction.get(CHATS, str(chat_id)) or Chat(chat_id)
    for key in keys:
        delivery = transaction.get(DELIVERIES, key)
        if delivery is not None and _waits(delivery, now) and petition in {None, delivery.petition}:
            transaction.put(DELIVERIES, key, _replanned(transaction, delivery, chat, now))


def released_lane(lane: str, petition: PetitionRef | None) -> str:
    """The lane of what is released: one petition's is told apart from what goes on waiting."""
    if petition is None or lane.endswith(f":{petition}"):
        return lane
    return f"{lane}:{petition}"


def is_free(delivery: Delivery, now: datetime) -> bool:
    """Whether nobody has a lease of a delivery."""
    return delivery.leased_until is None or delivery.leased_until <= now


def _waits(delivery: Delivery, now: datetime) -> bool:
    """Whether a delivery waits for a moment of its own that has not come yet."""
    return bool(delivery.lane) and delivery.not_before > now and is_free(delivery, now)


def _replanned(transaction: Transaction, delivery: Delivery, chat: Chat, now: datetime) -> Delivery:
    known = transaction.get(PETITIONS, str(delivery.petition))
    found = [transaction.get(OCCURRENCES, key) for key in delivery.occurrences]
    occurrences = [each for each in found if each is not None]
    if known is None:
        return delivery
    ways = _ways(transaction, delivery, chat)
    return replanned(delivery, occurrences, known.petition, ways, now)


def _ways(transaction: Transaction, delivery: Delivery, chat: Chat) -> tuple[Way, ...]:
    """The ways in which the chat hears of what a delivery tells: its subscription, and its rule."""
    subscription = transaction.get(SUBSCRIPTIONS, followed_as(chat.id, delivery.petition))
    rule = transaction.get(RULES, ruled_as(chat.id, delivery.rule))
    rules = [rule] if rule is not None else []
    return follower(subscription, rules, chat.terms, chat.id).ways
