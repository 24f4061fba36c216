"""Reads in full what is claimed in PostgreSQL, and puts it in order."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from asyncpg import Record
from msgspec import structs

from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.subscriptions.delivery import FLOOD, Delivery
from bot.subscriptions.delivery_order import LATELY
from storage import ClaimedDelivery
from storage.claiming import by_queue, claim_order
from storage.postgres.delivery_queue import FLOODS, LEASED, OLDER
from storage.postgres.news import news_behind
from storage.postgres.pool import Connection
from storage.postgres.row_cipher import RowCipher, shown_due
from storage.postgres.rules import Rules
from storage.tables import second_of

_KNOWN = msgspec.json.Decoder(PetitionHistory)
_OCCURRENCE = msgspec.json.Decoder(Occurrence)

_REPLACE_PLANS = """
update delivery set queue = plan.queue, not_before = plan.not_before, silent = plan.silent,
    leased_until = case when $6::interval is null
        then delivery.leased_until else plan.leased_until end,
    lease_ends = case when $6::interval is null then delivery.lease_ends
        when plan.leased_until is not null then clock_timestamp() + $6 end
from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::bool[], $5::timestamptz[])
    plan (number, queue, not_before, silent, leased_until)
where delivery.number = plan.number
"""

_HOLD = f"""
select d.*, {LEASED} as leased from delivery d where number = any($1) order by number
for update skip locked
"""  # noqa: S608 - of constants alone


class Claims:
    """Claims a store's deliveries, with all that is needed to word them."""

    def __init__(self, cipher: RowCipher, rules: Rules) -> None:
        self._cipher = cipher
        self._rules = rules

    async def claim_in_order(
        self, connection: Connection, rows: Sequence[Record], now: datetime, lease: timedelta
    ) -> list[ClaimedDelivery]:
        """Orders rows that are leased already; what may not be told yet is given back."""
        until = now + lease
        due = await self._with_floods(connection, await self._in_full(connection, rows), now)
        older = await self._older(connection, [row["number"] for row in rows], until)
        claimed, changed = claim_order(due, older, now, until)
        if changed:
            await replace_plans(connection, self._cipher, changed, lease)
        tried = {each.delivery.chat_id for each in claimed}
        if spared := {each.delivery.chat_id for each in due} - tried:
            await connection.execute(
                "update chat set probe_at = $2 where handle = any($1) and probe_at is not null",
                [self._cipher.handle(chat_id) for chat_id in spared],
                now,
            )
        return claimed

    async def _with_floods(
        self, connection: Connection, due: Sequence[ClaimedDelivery], now: datetime
    ) -> list[ClaimedDelivery]:
        """Add to what is due at once how much else its chat has just been told, and held floods."""
        chats = {each.delivery.chat_id for each in due if not each.delivery.queue}
        if not chats:
            return list(due)
        handles = {self._cipher.handle(chat_id): chat_id for chat_id in chats}
        recents = [self._cipher.recent(chat_id) for chat_id in handles.values()]
        flood = self._cipher.queue(FLOOD)
        rows = await connection.fetch(FLOODS, list(handles), *lately(now), now, flood, recents)
        floods = {handles[row["handle"]]: (row["told"], row["until"]) for row in rows}
        return [
            each
            if each.delivery.queue
            else structs.replace(
                each,
                told_lately=floods[each.delivery.chat_id][0],
                flood_until=floods[each.delivery.chat_id][1],
            )
            for each in due
        ]

    async def _older(
        self, connection: Connection, numbers: Sequence[int], until: datetime
    ) -> list[ClaimedDelivery]:
        """Return older news of the same petitions that waits in other queues of the chats.

        What another process has in hand just now is given as leased.
        """
        older = await connection.fetch(OLDER, numbers)
        if not older:
            return []
        held = {
            row["number"]: row
            for row in await connection.fetch(
                _HOLD,
                [row["number"] for row in older],
            )
        }
        found = await self._in_full(connection, [held.get(r["number"], r) for r in older])
        free = {number for number, row in held.items() if not row["leased"]}
        return [
            structs.replace(
                each,
                delivery=structs.replace(
                    each.delivery, leased_until=None if each.delivery.number in free else until
                ),
            )
            for each in found
        ]

    async def _in_full(
        self, connection: Connection, rows: Sequence[Record]
    ) -> list[ClaimedDelivery]:
        """Return deliveries with what they refer to, by queue, ordered by each queue's oldest."""
        if not rows:
            return []
        news = await news_behind(connection, self._cipher, {row["news"] for row in rows})
        petitions = await connection.fetch(
            "select ref, known from petition where ref = any($1)",
            list({str(each.petition) for each in news.values()}),
        )
        occurrences = await connection.fetch(
            "select key, document from occurrence where key = any($1)",
            list({key for each in news.values() for key in each.occurrences}),
        )
        chats = await connection.fetch(
            "select * from chat where handle = any($1)", list({row["chat"] for row in rows})
        )
        # A body has hundreds of constituencies, and a chat may be owed much about many.
        owed = await asyncio.to_thread(
            lambda: [(row, self._cipher.delivery(row, news[row["news"]])) for row in rows]
        )
        rules = await self._rules.named(
            connection, {(row["chat"], each.rule) for row, each in owed if each.rule}
        )
        known = await asyncio.to_thread(
            lambda: {row["ref"]: _KNOWN.decode(row["known"]) for row in petitions}
        )
        happened = {row["key"]: _OCCURRENCE.decode(row["document"]) for row in occurrences}
        to = {row["handle"]: self._cipher.chat(row) for row in chats}
        return by_queue(
            ClaimedDelivery(
                delivery,
                known[str(delivery.petition)],
                tuple(happened[key] for key in delivery.occurrences),
                to.get(row["chat"]),
                rules.get((row["chat"], delivery.rule)),
            )
            for row, delivery in owed
        )


async def replace_plans(
    connection: Connection,
    cipher: RowCipher,
    deliveries: Sequence[Delivery],
    lease: timedelta | None = None,
) -> None:
    """Have deliveries wait, and sound, as they say; leases are as before unless a length is given.

    Then those that are leased are so from now, and the others are free.
    """
    await connection.execute(
        _REPLACE_PLANS,
        [each.number for each in deliveries],
        [cipher.queue(each.queue) for each in deliveries],
        [shown_due(each.not_before, each.created_at) for each in deliveries],
        [each.silent for each in deliveries],
        [each.leased_until for each in deliveries],
        lease,
    )


def lately(now: datetime) -> tuple[int, int]:
    """Return the first and the last Unix second at which what was told counts as told lately.

    The last lies ahead of `now`: what is dated later still was told while the clock was wrong.
    """
    second, span = second_of(now), int(LATELY.total_seconds())
    return second - span, second + span
