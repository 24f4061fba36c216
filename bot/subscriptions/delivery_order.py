"""The order in which a chat hears of one petition, whatever queues its news waits in (pure).

What is told at once may find older news of its petition that waits for a moment of its own. Where
it cannot wait itself, or that moment was chosen by a person (a digest, quiet hours, a snooze), the
older news comes along, all of it in one message. Where the moment is the bot's own doing (a flood,
closings that are gathered), it waits behind, for a few minutes at most.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from msgspec import structs

from bot.petitions.events import EVENT_KINDS, Occurrence
from bot.petitions.petition import PetitionRef
from bot.subscriptions.delivery import BATCH, FLOOD, REFUSED, TOGETHER, Delivery, is_free

# For so long, what a chat was told counts as told a moment ago.
LATELY = timedelta(minutes=2)

_OUR_OWN = (FLOOD, BATCH)
_SOON = timedelta(seconds=1)


def is_pressing(occurrences: Iterable[Occurrence]) -> bool:
    """Return whether any of these may never be held back for the sake of order.

    Such are official thresholds, responses, debates and corrections: what was told and holds no
    longer is put right at once.
    """
    return any(EVENT_KINDS[each.event.kind].is_pressing for each in occurrences)


def refused_queue(delivery: Delivery) -> str:
    """Return the queue for an alert that its chat refused, where no other news waits for it.

    What comes later of its petition waits there too, behind it.
    """
    if is_refused(delivery):
        return delivery.queue
    return f"{delivery.queue or f'{TOGETHER}:{delivery.petition}'}{REFUSED}"


def is_refused(delivery: Delivery) -> bool:
    """Return whether a delivery waits by itself because its chat would not take it."""
    return delivery.queue.endswith(REFUSED)


def in_order(
    due: Sequence[Delivery],
    in_other_queues: Sequence[Delivery],
    pressing: Collection[int],
    now: datetime,
    until: datetime,
) -> tuple[list[Delivery], list[Delivery]]:
    """Split deliveries into those told now, leased `until` then, and those that go on waiting.

    `in_other_queues` is older news of the same petitions and chats; `pressing` are the numbers of
    what cannot wait.
    """
    numbers = {each.number for each in due}
    everything = sorted((*due, *in_other_queues), key=_about)
    told: list[Delivery] = []
    left: list[Delivery] = []
    for _, group in groupby(everything, key=_about):
        line = _Line(group, numbers, pressing, now)
        line.arrange()
        told += (structs.replace(each, leased_until=until) for each in line.told)
        left += line.left
    return told, left


def _about(delivery: Delivery) -> tuple[int, PetitionRef]:
    return delivery.chat_id, delivery.petition


class _Line:
    """The deliveries that one chat is owed about one petition."""

    def __init__(
        self,
        owed: Iterable[Delivery],
        due: Collection[int],
        pressing: Collection[int],
        now: datetime,
    ) -> None:
        by_number = sorted(owed, key=lambda each: each.number)
        self._owed = {each.number: each for each in by_number}
        self._mine = {number for number in self._owed if number in due}
        self._pressing = pressing
        self._now = now

    @property
    def told(self) -> list[Delivery]:
        """The deliveries that may be told now, in their order."""
        return [each for number, each in self._owed.items() if number in self._mine]

    @property
    def left(self) -> list[Delivery]:
        """The deliveries that go on waiting, as they are to be kept."""
        return [each for number, each in self._owed.items() if number not in self._mine]

    def arrange(self) -> None:
        """Have what is due wait behind what is older, or bring that along."""
        for number in sorted(self._mine):
            if older := self._elsewhere(self._owed[number]):
                self._place(self._owed[number], older)

    def _elsewhere(self, delivery: Delivery) -> list[Delivery]:
        """Return the older deliveries that wait in another queue, oldest first."""
        return [
            each
            for number, each in self._owed.items()
            if number < delivery.number and each.queue != delivery.queue
        ]

    def _place(self, delivery: Delivery, older: Sequence[Delivery]) -> None:
        waiting = [each for each in older if each.number not in self._mine]
        if any(not is_free(each, self._now) for each in waiting):
            self._give_back(delivery, delivery.queue, self._now + _SOON)
        elif tried := [each for each in waiting if self._is_tried_again(each)]:
            self._give_back(delivery, tried[-1].queue, tried[-1].not_before)
        elif len(waiting) == len(older) and self._can_wait(delivery, older):
            self._give_back(delivery, older[-1].queue, older[-1].not_before)
        else:
            self._bring_along(delivery, older)

    def _is_tried_again(self, delivery: Delivery) -> bool:
        """Return whether it was tried before, and waits by itself to be tried again."""
        return delivery.attempts > 0 and (delivery.not_before > self._now or is_refused(delivery))

    def _can_wait(self, delivery: Delivery, older: Sequence[Delivery]) -> bool:
        """Return whether it may wait behind what the bot itself holds for a few minutes."""
        if delivery.queue or delivery.number in self._pressing:
            return False
        return all(each.queue in _OUR_OWN and each.not_before > self._now for each in older)

    def _give_back(self, delivery: Delivery, queue: str, not_before: datetime) -> None:
        self._mine.discard(delivery.number)
        self._owed[delivery.number] = structs.replace(
            delivery, queue=queue, not_before=not_before, leased_until=None
        )

    def _bring_along(self, delivery: Delivery, older: Sequence[Delivery]) -> None:
        """Have a delivery told with all older ones, in the queue of any that is told already."""
        told = [each.queue for each in older if each.number in self._mine]
        queue = delivery.queue or (told[-1] if told else f"{TOGETHER}:{delivery.petition}")
        for each in (*older, delivery):
            self._mine.add(each.number)
            self._owed[each.number] = structs.replace(
                each, queue=queue, not_before=min(each.not_before, self._now)
            )
