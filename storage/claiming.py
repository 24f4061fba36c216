"""Puts what is claimed in order with what else its petitions have waiting."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import structs

from bot.subscriptions.delivery import Delivery
from bot.subscriptions.delivery_order import in_order, is_pressing
from storage import ClaimedDelivery

# The most deliveries that a chat is told in one summary.
SUMMARY_AT_MOST = 50


def claim_order(
    due: Sequence[ClaimedDelivery],
    in_other_queues: Sequence[ClaimedDelivery],
    now: datetime,
    until: datetime,
) -> tuple[list[ClaimedDelivery], list[Delivery]]:
    """Orders what is claimed; also returns all deliveries that are to be kept otherwise.

    `in_other_queues` is older news of the petitions of `due`, which waits in other queues of the
    same chats, and `until` is when the leases end.
    """
    given = {each.delivery.number: each for each in (*due, *in_other_queues)}
    pressing = {each.delivery.number for each in due if is_pressing(each.occurrences)}
    told, left = in_order(
        [each.delivery for each in due],
        [each.delivery for each in in_other_queues],
        pressing,
        now,
        until,
    )
    claimed = [structs.replace(given[each.number], delivery=each) for each in told]
    changed = [each for each in (*told, *left) if each != given[each.number].delivery]
    return by_queue(claimed), changed


def by_queue(claimed: Iterable[ClaimedDelivery]) -> list[ClaimedDelivery]:
    """Sorts deliveries by chat and queue, in the order of each queue's oldest."""
    queues: dict[tuple[int, str], list[ClaimedDelivery]] = {}
    for each in sorted(claimed, key=lambda each: each.delivery.number):
        queue = (each.delivery.chat_id, each.delivery.queue)
        queues.setdefault(queue, []).append(each)
    return [each for queue in queues.values() for each in queue]
