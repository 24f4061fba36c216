"""A deliverer between a store, a bot and a rate limiter that do as they are told, time flying."""

import asyncio
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flying import FlyingTime
from noting import Noting
from petitions import NOW, REF, petition

from bot.delivery.deliverer import Deliverer, DeliveryCounts
from bot.petitions.events import Event, MilestoneReached, Occurrence
from bot.petitions.history import PetitionHistory
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.subscription import Chat
from storage import ClaimedDelivery

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
GONE = "Forbidden: bot was blocked by the user"
NO_RIGHTS = "Not enough rights to send text messages to the chat"
TOO_LONG = "Bad Request: message is too long"
JITTER = 0.5


def claim(number: int = 1, chat_id: int = 1, event: Event | None = None, **how: Any) -> Any:
    """Makes a claimed delivery; what else is named goes to the delivery, or to the claim."""
    of_claim = {name: how.pop(name) for name in ("told_lately", "flood_until") if name in how}
    chat = how.pop("chat", Chat(chat_id))
    happened = event or MilestoneReached(number * 1_000, number * 1_000 + 2)
    occurrence = Occurrence(f"{REF}:{happened.key}", REF, NOW, happened)
    key = f"{occurrence.key}:{chat_id}"
    delivery = Delivery(key, number, chat_id, REF, (occurrence.key,), NOW, NOW, **how)
    known = PetitionHistory(petition(signature_count=84), NOW)
    return ClaimedDelivery(delivery, known, (occurrence,), chat, **of_claim)


def key(number: int = 1, chat_id: int = 1) -> str:
    """Returns the key of such a delivery."""
    return str(claim(number, chat_id).delivery.key)


def probed(chat_id: int = 1, **how: Any) -> Chat:
    """Makes a chat that has refused, so that one alert alone is tried."""
    return Chat(chat_id, probe_at=NOW, **how)


class Desk:
    """A store, a bot and a rate limiter that do as they are told, and a deliverer between them."""

    def __init__(self, time: FlyingTime) -> None:
        self.time = time
        self.storage: Any = Noting(claim_deliveries=[[]])
        self.bot: Any = Noting(send_message=SimpleNamespace(message_id=77))
        self.bot.username = "tea_bot"
        self.limits: Any = SimpleNamespace(paused_for=1.5, asked=[], room=self._room)
        self.has_room = 50
        self.deliverer = Deliverer(
            self.storage, self.bot, self.limits, self.now, jitter=lambda: JITTER
        )

    def now(self) -> datetime:
        """Returns the time of day, which goes with the flying time."""
        return NOW + timedelta(seconds=self.time.passed)

    def _room(self, within: float) -> int:
        self.limits.asked.append(within)
        return self.has_room

    def owes(self, *claims: Any) -> None:
        """Has the store hand these out, once."""
        self.storage.answers["claim_deliveries"] = [list(claims), []]

    async def starts(self) -> float:
        """Starts the sends that may start now; returns how long the deliverer would sleep then."""
        return await self.deliverer._start_sends()

    async def works(self) -> None:
        """Waits until all that is under way has come to its end."""
        while self.deliverer.in_flight:
            await asyncio.wait(self.deliverer.in_flight)

    async def delivers(self, *claims: Any) -> None:
        """Sends these, and waits until that is done."""
        self.owes(*claims)
        await self.starts()
        await self.works()

    def kept(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Lists what the store was told of deliveries and chats."""
        looks = ("claim_deliveries", "next_due", "subscription", "chat", "readings")
        return [(call.name, call.args) for call in self.storage.calls if call.name not in looks]

    def counted(self) -> dict[str, int]:
        """Lists the counts that are not zero."""
        counts = self.deliverer.counts
        names = DeliveryCounts.__dataclass_fields__
        return {name: getattr(counts, name) for name in names if getattr(counts, name)}


@pytest.fixture
def desk(time: FlyingTime) -> Desk:
    return Desk(time)
