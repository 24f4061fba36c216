"""A chat that has another id now: everything of it goes there (TinyDB)."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from msgspec import structs

from bot.petitions.model import Chat, Rule, Subscription, Terms
from storage.tables import (
    CHATS,
    DELIVERIES,
    RULES,
    SUBSCRIPTIONS,
    Transaction,
    followed_as,
    ruled_as,
)


def move_chat(transaction: Transaction, old_id: int, new_id: int) -> None:
    """Carry over what is known of the chat itself; what both knew is the new one's."""
    old = transaction.get(CHATS, str(old_id))
    if old is None:
        return
    new = transaction.get(CHATS, str(new_id)) or structs.replace(old, id=new_id)
    transaction.remove(CHATS, str(old_id))
    transaction.put(CHATS, str(new_id), merged(old, new))


def merged(old: Chat, new: Chat) -> Chat:
    """What is known of a chat by both of its ids; what both knew is the new one's."""
    return structs.replace(
        new,
        created_at=_earlier(old.created_at, new.created_at),
        consented_at=_earlier(old.consented_at, new.consented_at),
        returned=old.returned or new.returned,
        language=new.language or old.language,
        terms=old.terms if new.terms == Terms() else new.terms,
    )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)


def move_subscription(transaction: Transaction, old: Subscription, new_id: int) -> None:
    doc_id = followed_as(new_id, old.petition)
    existing = transaction.get(SUBSCRIPTIONS, doc_id)
    if existing is None or old.created_at < existing.created_at:
        # A message of the old chat cannot be edited under the new id.
        moved = structs.replace(old, chat_id=new_id, card_id=None)
        transaction.put(SUBSCRIPTIONS, doc_id, moved)
    transaction.remove(SUBSCRIPTIONS, followed_as(old.chat_id, old.petition))


def move_rules(
    transaction: Transaction, olds: Sequence[Rule], news: Sequence[Rule], new_id: int
) -> dict[int, int]:
    """Carry rules over to a chat that has some already; the numbers they have there, by their old.

    One that both have is kept once.
    """
    there = {rule.number: rule for rule in news}
    numbers: dict[int, int] = {}
    for old in olds:
        number = place_of(old, there)
        since = min(old.created_at, there.get(number, old).created_at)
        moved = structs.replace(old, chat_id=new_id, number=number, created_at=since)
        transaction.remove(RULES, ruled_as(old.chat_id, old.number))
        transaction.put(RULES, ruled_as(new_id, number), moved)
        there[number] = moved
        numbers[old.number] = number
    return numbers


def place_of(rule: Rule, there: dict[int, Rule]) -> int:
    """The number of the same rule among others; else its own, or the next one if that is taken."""
    for number, other in there.items():
        alike = structs.replace(
            rule, chat_id=other.chat_id, number=number, created_at=other.created_at
        )
        if alike == other:
            return number
    return rule.number if rule.number not in there else next_number(there)


def next_number(numbers: Collection[int]) -> int:
    """The number that a chat's next rule gets."""
    return max(numbers, default=0) + 1


def move_deliveries(
    transaction: Transaction, keys: Iterable[str], new_id: int, numbers: dict[int, int]
) -> None:
    """Carry over what is owed, once if both chats are; `numbers` are those of its rules."""
    for key in keys:
        old = transaction.get(DELIVERIES, key)
        transaction.remove(DELIVERIES, key)
        if old is None:
            continue
        new_key = f"{key.removesuffix(f':{old.chat_id}')}:{new_id}"
        if not transaction.has(DELIVERIES, new_key):
            rule = numbers.get(old.rule, old.rule)
            moved = structs.replace(old, key=new_key, chat_id=new_id, rule=rule)
            transaction.put(DELIVERIES, new_key, moved)
