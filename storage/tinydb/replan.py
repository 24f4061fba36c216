"""What a chat is owed after it has changed how it hears (TinyDB)."""

from collections.abc import Iterable
from datetime import datetime

from bot.petitions.events import Occurrence
from bot.petitions.petition import Petition
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.matching import Source, follower, replanned
from bot.subscriptions.subscription import Chat
from storage.tables import (
    CHATS,
    OCCURRENCES,
    PETITIONS,
    RULES,
    SUBSCRIPTIONS,
    followed_as,
    ruled_as,
)
from storage.tinydb.database import Transaction


def replan(transaction: Transaction, chat_id: int, owed: Iterable[Delivery], now: datetime) -> None:
    """Have deliveries of a chat heard as it hears now."""
    chat = transaction.get(CHATS, str(chat_id)) or Chat(chat_id)
    for delivery in owed:
        transaction.keep(_replanned(transaction, delivery, chat, now))


def _replanned(transaction: Transaction, delivery: Delivery, chat: Chat, now: datetime) -> Delivery:
    told = told_by(transaction, delivery, chat)
    return delivery if told is None else replanned(delivery, *told, now)


def told_by(
    transaction: Transaction, delivery: Delivery, chat: Chat
) -> tuple[list[Occurrence], Petition, tuple[Source, ...]] | None:
    """What a delivery tells, of which petition, and in which ways the chat hears of it."""
    known = transaction.get(PETITIONS, str(delivery.petition))
    if known is None:
        return None
    found = [transaction.get(OCCURRENCES, key) for key in delivery.occurrences]
    occurrences = [each for each in found if each is not None]
    return occurrences, known.petition, _ways(transaction, delivery, chat)


def _ways(transaction: Transaction, delivery: Delivery, chat: Chat) -> tuple[Source, ...]:
    """The ways in which the chat hears of what a delivery tells: its subscription, and its rule."""
    subscription = transaction.get(SUBSCRIPTIONS, followed_as(chat.id, delivery.petition))
    rule = transaction.get(RULES, ruled_as(chat.id, delivery.rule))
    rules = [rule] if rule is not None else []
    return follower(subscription, rules, chat.terms, chat.id).ways
