"""Owes followers in PostgreSQL what a poll brought: alike to who hears alike, in one statement.

What effective preferences make of the news is worked out once, however many have them. Chats that
a rule brings in are worked out one by one, with all their sources, and left out of the rest.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from asyncpg import Record

from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef
from bot.subscriptions.matching import (
    DeliveryPlanner,
    Plan,
    Source,
    follower,
    own_occurrences,
    with_own,
)
from bot.subscriptions.preferences import EffectivePreferences
from bot.subscriptions.subscription import Preferences, Rule
from storage.postgres.news import keep_news
from storage.postgres.pool import Connection
from storage.postgres.preferences import StoredPreferences
from storage.postgres.row_cipher import Address, News, RowCipher, shown_due
from storage.postgres.rules import Rules

_KNOWN = msgspec.json.Decoder(PetitionHistory)

# Its row also makes two pollers of one petition take turns, and who begins to follow it wait.
_BEFORE = """
select case when exists (select from subscription where petition = $2 and custom_milestones)
    then known end
from petition where ref = $1 for no key update
"""

_WITH_CUSTOM = "select distinct policy from subscription where petition = $1 and custom_milestones"

_SHARE_FOLLOWERS = """
select distinct policy from (
    select policy from subscription where petition = $1 order by number for share
) follower
"""

_SHARE_CHATS = "select * from chat where handle = any($1) order by handle for share"

_FOLLOWING = "select * from subscription where petition = $1 and chat = any($2)"

_OWE_ALIKE = """
with plan as materialized (
    select * from unnest(
        $2::integer[], $3::bytea[], $4::bytea[], $5::bytea[], $6::text[], $7::timestamptz[],
        $8::boolean[]
    ) planned (place, mark, head, news, queue, not_before, silent)
)
insert into delivery (chat, head, petition, news, not_before, silent, resting, queue, sealed)
select chat, head, petition, news, not_before, plan.silent, resting, queue, sealed
from subscription join plan on mark = policy
where petition = $1
    and not exists (select from unnest($9::bytea[]) apart (handle) where handle = chat)
order by place, number
on conflict (chat, head) do nothing
"""

_OWE_APART = """
insert into delivery (chat, head, petition, news, not_before, silent, resting, queue, sealed)
select chat, head, $1, news, not_before, silent, resting, queue, sealed
from unnest(
    $2::bytea[], $3::bytea[], $4::bytea[], $5::timestamptz[], $6::boolean[], $7::boolean[],
    $8::text[], $9::bytea[]
) with ordinality
    planned (chat, head, news, not_before, silent, resting, queue, sealed, place)
order by place
on conflict (chat, head) do nothing
"""


class _Alike(NamedTuple):
    """A row for `_OWE_ALIKE`: a delivery owed to all who have the same effective preferences."""

    place: int
    mark: bytes
    head: bytes
    news: bytes
    queue: str
    not_before: datetime
    silent: bool


class _Apart(NamedTuple):
    """A row for `_OWE_APART`: one delivery that one chat is owed."""

    chat: bytes
    head: bytes
    news: bytes
    not_before: datetime
    silent: bool
    resting: bool
    queue: str
    sealed: bytes


class _Happened(NamedTuple):
    """The new occurrences of one petition, as of an instant, and a planner of their deliveries."""

    petition: PetitionRef
    new: Sequence[Occurrence]
    now: datetime
    planner: DeliveryPlanner

    def told_by(self, plan: Plan) -> News:
        """Return the news that the deliveries of a plan tell."""
        return News(plan.head, self.petition, plan.occurrences, self.now)


class FanOut:
    """Matches occurrences against followers and rules, and writes a delivery for each chat owed."""

    def __init__(self, cipher: RowCipher, stored: StoredPreferences, rules: Rules) -> None:
        self._cipher = cipher
        self._stored = stored
        self._rules = rules

    async def with_own(
        self,
        connection: Connection,
        known: PetitionHistory,
        found: Sequence[Occurrence],
        now: datetime,
    ) -> Sequence[Occurrence]:
        """Add to the occurrences that a look found those of the milestones followers have set."""
        ref = str(known.petition.ref)
        mark = self._cipher.petition(known.petition.ref)
        before = await connection.fetchval(_BEFORE, ref, mark)
        if before is None:
            return found
        marks = [row["policy"] for row in await connection.fetch(_WITH_CUSTOM, mark)]
        effective = (await self._stored.behind(connection, marks)).values()
        chosen = [each.own.milestones for each in effective if each.own.milestones is not None]
        own = own_occurrences(_KNOWN.decode(before), known, chosen, now)
        return with_own(found, own) if own else found

    async def owe(
        self,
        connection: Connection,
        known: PetitionHistory,
        new: Sequence[Occurrence],
        now: datetime,
    ) -> int:
        """Owe news to all whom it concerns; return how many deliveries that makes."""
        if not new:
            return 0
        mark = self._cipher.petition(known.petition.ref)
        happened = _Happened(
            known.petition.ref, new, now, DeliveryPlanner(new, known.petition, now)
        )
        ruled = await self._rules.fitting(connection, known, new)
        marks = [row["policy"] for row in await connection.fetch(_SHARE_FOLLOWERS, mark)]
        effective = await self._stored.behind(connection, marks)
        apart = [self._cipher.handle(chat_id) for chat_id in ruled]
        owed = await self._owe_alike(connection, happened, effective, apart)
        return owed + await self._owe_apart(connection, happened, ruled)

    async def _owe_alike(
        self,
        connection: Connection,
        happened: _Happened,
        effective: Mapping[bytes, EffectivePreferences],
        apart: Sequence[bytes],
    ) -> int:
        """Owe to all but the chats set apart what their preferences make of the news."""
        told, alike = await asyncio.to_thread(_alike, self._cipher, effective, happened)
        if not alike:
            return 0
        await keep_news(connection, self._cipher, told)
        mark, columns = self._cipher.petition(happened.petition), _columns(_Alike, alike)
        return _affected(await connection.execute(_OWE_ALIKE, mark, *columns, apart))

    async def _owe_apart(
        self, connection: Connection, happened: _Happened, ruled: Mapping[int, Sequence[Rule]]
    ) -> int:
        if not ruled:
            return 0
        mark = self._cipher.petition(happened.petition)
        handles = [self._cipher.handle(chat_id) for chat_id in ruled]
        follows = await connection.fetch(_FOLLOWING, mark, handles)
        chats = await connection.fetch(_SHARE_CHATS, handles)
        apart = _SetApart(self._cipher, happened, follows, chats)
        rows = await asyncio.to_thread(apart.rows, ruled)
        await keep_news(connection, self._cipher, apart.told)
        columns = _columns(_Apart, rows)
        return _affected(await connection.execute(_OWE_APART, mark, *columns))


class _SetApart:
    """Works out the deliveries of chats that a rule brings in; `told` collects their news."""

    def __init__(
        self,
        cipher: RowCipher,
        happened: _Happened,
        follows: Iterable[Record],
        chats: Iterable[Record],
    ) -> None:
        self._cipher = cipher
        self._happened = happened
        self._follows = {row["chat"]: row for row in follows}
        self._chats = {row["handle"]: row for row in chats}
        self.told: set[News] = set()

    def rows(self, ruled: Mapping[int, Sequence[Rule]]) -> list[_Apart]:
        """Return the deliveries owed to chats, given the rules of each that fit."""
        return [row for chat_id, rules in ruled.items() for row in self._rows_of(chat_id, rules)]

    def _rows_of(self, chat_id: int, rules: Sequence[Rule]) -> list[_Apart]:
        handle = self._cipher.handle(chat_id)
        row, chat = self._follows.get(handle), self._chats.get(handle)
        subscription = self._cipher.subscription(row) if row is not None else None
        preferences = self._cipher.chat(chat).preferences if chat is not None else Preferences()
        sources = follower(subscription, rules, preferences, chat_id).sources
        resting = chat is not None and chat["resting"]
        return [
            self._row(plan, sources[plan.source], chat_id, resting=resting)
            for plan in self._happened.planner.plans(sources)
        ]

    def _row(self, plan: Plan, source: Source, chat_id: int, *, resting: bool) -> _Apart:
        news = self._happened.told_by(plan)
        self.told.add(news)
        address = Address(chat_id, news.petition, source.thread_id, source.rule)
        return _Apart(
            self._cipher.handle(chat_id),
            self._cipher.head(news.head),
            self._cipher.news_mark(news),
            shown_due(plan.not_before, news.created_at),
            plan.silent,
            resting,
            self._cipher.queue(plan.queue),
            self._cipher.seal_address(address),
        )


def _alike(
    cipher: RowCipher, effective: Mapping[bytes, EffectivePreferences], happened: _Happened
) -> tuple[set[News], list[_Alike]]:
    """Return all news that is told, and the deliveries that effective preferences make of it."""
    places = {occurrence.key: place for place, occurrence in enumerate(happened.new)}
    plans = [
        (mark, plan, happened.told_by(plan))
        for mark, each in effective.items()
        for plan in happened.planner.plans((Source(each),))
    ]
    rows = [
        _Alike(
            places[plan.occurrences[0]],
            mark,
            cipher.head(news.head),
            cipher.news_mark(news),
            cipher.queue(plan.queue),
            shown_due(plan.not_before, news.created_at),
            plan.silent,
        )
        for mark, plan, news in plans
    ]
    return {news for _, _, news in plans}, rows


def _columns(kind: type[NamedTuple], rows: Sequence[NamedTuple]) -> list[list[object]]:
    """Turn rows into the lists, one for each column, that SQL's `unnest` takes."""
    return [[row[column] for row in rows] for column in range(len(kind._fields))]


def _affected(status: str) -> int:
    return int(status.rpartition(" ")[2])
