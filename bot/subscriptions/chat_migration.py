"""The rules for what is kept of a chat when it gets another id (pure).

Under its new id a chat may be known already: what is new there goes before what is old.
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec import structs

from bot.subscriptions.delivery import Delivery
from bot.subscriptions.rules import next_number, same_rule
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription


def merged(old: Chat, new: Chat | None, new_id: int) -> Chat:
    """Merge what is known of a chat under both of its ids; the new one goes before the old."""
    if new is None:
        # What the old id refused, the new one need not.
        there = structs.replace(old, id=new_id)
        return there.open() if there.probe_at else there
    return structs.replace(
        new,
        created_at=_earlier(old.created_at, new.created_at),
        consented_at=_earlier(old.consented_at, new.consented_at),
        returned=old.returned or new.returned,
        language=new.language or old.language,
        announcements=old.announcements and new.announcements,
        preferences=old.preferences if new.preferences == Preferences() else new.preferences,
    )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)


def moved_subscription(old: Subscription, new: Subscription | None, new_id: int) -> Subscription:
    """Return the subscription under the new id; of two, that which began first."""
    if new is not None and new.created_at <= old.created_at:
        return new
    # A message of the old chat cannot be edited under the new id.
    return structs.replace(old, chat_id=new_id, card_id=None)


def moved_rules(olds: Iterable[Rule], news: Iterable[Rule], new_id: int) -> dict[int, Rule]:
    """Return a chat's rules as it has them under its new id, by their old numbers.

    One that is there already is kept once, since the earlier of the two.
    """
    there = {rule.number: rule for rule in news}
    moved: dict[int, Rule] = {}
    for old in olds:
        number = _number_of(old, there)
        since = min(old.created_at, there.get(number, old).created_at)
        rule = structs.replace(old, chat_id=new_id, number=number, created_at=since)
        there[number] = moved[old.number] = rule
    return moved


def _number_of(rule: Rule, there: dict[int, Rule]) -> int:
    """Return the number of the same rule among others; else its own, or the next one if taken."""
    for number, other in there.items():
        is_heard_alike = (rule.thread_id, rule.preferences) == (other.thread_id, other.preferences)
        if is_heard_alike and same_rule(rule, other):
            return number
    return rule.number if rule.number not in there else next_number(there)


def moved_key(delivery: Delivery, new_id: int) -> str:
    """Return the key that a delivery gets when its chat moves to another id."""
    return f"{delivery.key.removesuffix(str(delivery.chat_id))}{new_id}"
