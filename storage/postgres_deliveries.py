"""What chats are owed in PostgreSQL: read in full, planned anew, addressed anew."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from asyncpg import Record
from msgspec import structs

from bot.petitions.match import follower, replanned
from bot.petitions.model import Chat, Delivery, Known, Occurrence, PetitionRef
from storage import ClaimedDelivery
from storage.postgres_pool import Connection
from storage.postgres_rows import Veil
from storage.postgres_rules import Rules
from storage.postgres_subscriptions import Subscriptions

_KNOWN = msgspec.json.Decoder(Known)
_OCCURRENCE = msgspec.json.Decoder(Occurrence)


class Deliveries:
    """The deliveries of a store."""

    def __init__(self, veil: Veil, subscriptions: Subscriptions, rules: Rules) -> None:
        self._veil = veil
        self._subscriptions = subscriptions
        self._rules = rules

    async def in_full(
        self, connection: Connection, rows: Sequence[Record]
    ) -> list[ClaimedDelivery]:
        """Deliveries with what they refer to, by chat and lane in the order of their oldest."""
        if not rows:
            return []
        petitions = await connection.fetch(
            "select ref, known from petition where ref = any($1)",
            list({row["petition"] for row in rows}),
        )
        occurrences = await connection.fetch(
            "select key, document from occurrence where key = any($1)",
            list({key for row in rows for key in row["occurrences"]}),
        )
        chats = await connection.fetch(
            "select * from chat where handle = any($1)", list({row["chat"] for row in rows})
        )
        owed = [(row, self._veil.delivery(row)) for row in rows]
        rules = await self._rules.named(
            connection, {(row["chat"], each.rule) for row, each in owed if each.rule}
        )
        known = {row["ref"]: _KNOWN.decode(row["known"]) for row in petitions}
        happened = {row["key"]: _OCCURRENCE.decode(row["document"]) for row in occurrences}
        to = {row["handle"]: self._veil.chat(row) for row in chats}
        return _by_queue(
            ClaimedDelivery(
                delivery,
                known[row["petition"]],
                tuple(happened[key] for key in delivery.occurrences),
                to.get(row["chat"]),
                rules.get((row["chat"], delivery.rule)),
            )
            for row, delivery in owed
        )

    async def replan(
        self, connection: Connection, chat: Chat, rows: Sequence[Record], now: datetime
    ) -> None:
        """Have deliveries of a chat heard as it hears now."""
        followed = await self._subscriptions.of(connection, chat.id)
        follows = {each.petition: each for each in followed}
        for claimed in await self.in_full(connection, rows):
            owed, about = claimed.delivery, claimed.known.petition
            rules = [claimed.rule] if claimed.rule is not None else []
            ways = follower(follows.get(owed.petition), rules, chat.terms, chat.id).ways
            planned = replanned(owed, claimed.occurrences, about, ways, now)
            if planned != owed:
                await _replace_plan(connection, planned)

    async def readdress(self, connection: Connection, row: Record, thread_id: int | None) -> None:
        """Have a delivery told in a topic, or in the chat itself."""
        address = structs.replace(self._veil.address(row), thread_id=thread_id)
        await connection.execute(
            "update delivery set sealed = $2 where number = $1",
            row["number"],
            self._veil.seal_address(PetitionRef.parse(row["petition"]), address),
        )

    async def move(
        self, connection: Connection, old_id: int, new_id: int, numbers: Mapping[int, int]
    ) -> None:
        """Carry over what a chat is owed; `numbers` are those that its rules have now."""
        old, new = self._veil.handle(old_id), self._veil.handle(new_id)
        for row in await lock_deliveries(connection, old):
            address = self._veil.address(row)
            rule = numbers.get(address.rule, address.rule)
            moved = structs.replace(address, chat_id=new_id, rule=rule)
            sealed = self._veil.seal_address(PetitionRef.parse(row["petition"]), moved)
            await connection.execute(
                "update delivery set chat = $2, sealed = $3 where number = $1"
                " and not exists (select from delivery where chat = $2 and head = $4)",
                row["number"],
                new,
                sealed,
                row["head"],
            )
        await connection.execute("delete from delivery where chat = $1", old)


async def lock_deliveries(connection: Connection, handle: bytes) -> list[Record]:
    """What a chat is owed, oldest first; nobody else changes it meanwhile."""
    return await connection.fetch(
        "select * from delivery where chat = $1 order by number for update", handle
    )


async def welcome(connection: Connection, handles: Sequence[bytes]) -> None:
    """A chat that is owed nothing any more is one like any other."""
    await connection.execute(
        "update chat set returned = false where handle = any($1) and returned"
        " and not exists (select from delivery where delivery.chat = handle)",
        handles,
    )


async def _replace_plan(connection: Connection, delivery: Delivery) -> None:
    await connection.execute(
        "update delivery set lane = $2, not_before = $3, silent = $4 where number = $1",
        delivery.number,
        delivery.lane,
        delivery.not_before,
        delivery.silent,
    )


def _by_queue(claimed: Iterable[ClaimedDelivery]) -> list[ClaimedDelivery]:
    """Each chat's lanes together, in the order of their oldest."""
    queues: dict[tuple[int, str], list[ClaimedDelivery]] = {}
    for each in sorted(claimed, key=lambda each: each.delivery.number):
        queue = (each.delivery.chat_id, each.delivery.lane)
        queues.setdefault(queue, []).append(each)
    return [each for queue in queues.values() for each in queue]
