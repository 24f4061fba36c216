"""What a poll owes in PostgreSQL: whoever hears alike is owed alike, in one statement.

What a policy makes of the news is worked out once, however many have it. Chats that a rule brings
in are worked out one by one, with all their ways, and left out of the rest.
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
from bot.subscriptions.matching import Plan, Planner, Source, follower, own_occurrences, with_own
from bot.subscriptions.preferences import EffectivePreferences
from bot.subscriptions.subscription import Preferences, Rule
from storage.postgres.pool import Connection
from storage.postgres.preferences import StoredPreferences
from storage.postgres.row_cipher import Address, RowCipher
from storage.postgres.rules import Rules

_KNOWN = msgspec.json.Decoder(PetitionHistory)

# Its row also makes two pollers of one petition take turns, and who begins to follow it wait.
_BEFORE = """
select case when exists (select from subscription where petition = ref and wishes) then known end
from petition where ref = $1 for no key update
"""

_WISHING = "select distinct policy from subscription where petition = $1 and wishes"

_SHARE_FOLLOWERS = """
select distinct policy from (
    select policy from subscription where petition = $1 order by created_at, number for share
) follower
"""

_SHARE_CHATS = "select * from chat where handle = any($1) order by handle for share"

_FOLLOWING = "select * from subscription where petition = $1 and chat = any($2)"

_OWE_ALIKE = """
with plan as materialized (
    select place, mark, head, array(select json_array_elements_text(occurrences)) as occurrences,
        lane, not_before, silent
    from unnest(
        $3::integer[], $4::bytea[], $5::text[], $6::json[], $7::text[], $8::timestamptz[],
        $9::boolean[]
    ) planned (place, mark, head, occurrences, lane, not_before, silent)
)
insert into delivery
    (chat, head, petition, occurrences, created_at, not_before, silent, resting, lane, sealed)
select chat, head, petition, plan.occurrences, $2, not_before, plan.silent, resting, lane, sealed
from subscription join plan on mark = policy
where petition = $1
    and not exists (select from unnest($10::bytea[]) apart (handle) where handle = chat)
order by place, created_at, number
on conflict (chat, head) do nothing
"""

_OWE_APART = """
insert into delivery
    (chat, head, petition, occurrences, created_at, not_before, silent, resting, lane, sealed)
select chat, head, $1, array(select json_array_elements_text(told)), $2, not_before, silent,
    resting, lane, sealed
from unnest(
    $3::bytea[], $4::text[], $5::json[], $6::timestamptz[], $7::boolean[], $8::boolean[],
    $9::text[], $10::bytea[]
) with ordinality
    planned (chat, head, told, not_before, silent, resting, lane, sealed, place)
order by place
on conflict (chat, head) do nothing
"""


class _Alike(NamedTuple):
    """What all who have a policy are owed: a row for `_OWE_ALIKE`."""

    place: int
    mark: bytes
    head: str
    occurrences: str
    lane: str
    not_before: datetime
    silent: bool


class _Apart(NamedTuple):
    """What one chat is owed: a row for `_OWE_APART`."""

    chat: bytes
    head: str
    occurrences: str
    not_before: datetime
    silent: bool
    resting: bool
    lane: str
    sealed: bytes


class _News(NamedTuple):
    """What happened to a petition, as of an instant."""

    petition: PetitionRef
    new: Sequence[Occurrence]
    now: datetime
    planner: Planner


class FanOut:
    """Whom news concerns, and what they are owed for it."""

    def __init__(self, veil: RowCipher, policies: StoredPreferences, rules: Rules) -> None:
        self._veil = veil
        self._policies = policies
        self._rules = rules

    async def with_own(
        self,
        connection: Connection,
        known: PetitionHistory,
        found: Sequence[Occurrence],
        now: datetime,
    ) -> Sequence[Occurrence]:
        """What a look has found, and the milestones that followers have set for themselves."""
        ref = str(known.petition.ref)
        before = await connection.fetchval(_BEFORE, ref)
        if before is None:
            return found
        marks = [row["policy"] for row in await connection.fetch(_WISHING, ref)]
        policies = (await self._policies.behind(connection, marks)).values()
        wishes = [each.own.milestones for each in policies if each.own.milestones is not None]
        own = own_occurrences(_KNOWN.decode(before), known, wishes, now)
        return with_own(found, own) if own else found

    async def owe(
        self,
        connection: Connection,
        known: PetitionHistory,
        new: Sequence[Occurrence],
        now: datetime,
    ) -> int:
        """Owe news to all whom it concerns; how many deliveries that makes."""
        if not new:
            return 0
        ref = str(known.petition.ref)
        news = _News(known.petition.ref, new, now, Planner(new, known.petition, now))
        ruled = await self._rules.fitting(connection, known, new)
        marks = [row["policy"] for row in await connection.fetch(_SHARE_FOLLOWERS, ref)]
        policies = await self._policies.behind(connection, marks)
        alike = await asyncio.to_thread(_alike, policies, news)
        apart = [self._veil.handle(chat_id) for chat_id in ruled]
        owed = await self._owe_alike(connection, news, alike, apart)
        return owed + await self._owe_apart(connection, news, ruled)

    async def _owe_alike(
        self,
        connection: Connection,
        news: _News,
        alike: Sequence[_Alike],
        apart: Sequence[bytes],
    ) -> int:
        """Owe to all but the chats set apart what their policies make of the news."""
        if not alike:
            return 0
        ref, columns = str(news.petition), _columns(_Alike, alike)
        return _affected(await connection.execute(_OWE_ALIKE, ref, news.now, *columns, apart))

    async def _owe_apart(
        self, connection: Connection, news: _News, ruled: Mapping[int, Sequence[Rule]]
    ) -> int:
        if not ruled:
            return 0
        ref, handles = str(news.petition), [self._veil.handle(chat_id) for chat_id in ruled]
        follows = await connection.fetch(_FOLLOWING, ref, handles)
        chats = await connection.fetch(_SHARE_CHATS, handles)
        apart = _SetApart(self._veil, news, follows, chats)
        rows = await asyncio.to_thread(apart.rows, ruled)
        columns = _columns(_Apart, rows)
        return _affected(await connection.execute(_OWE_APART, ref, news.now, *columns))


class _SetApart:
    """What chats are owed that a rule brings in."""

    def __init__(
        self, veil: RowCipher, news: _News, follows: Iterable[Record], chats: Iterable[Record]
    ) -> None:
        self._veil = veil
        self._news = news
        self._follows = {row["chat"]: row for row in follows}
        self._chats = {row["handle"]: row for row in chats}

    def rows(self, ruled: Mapping[int, Sequence[Rule]]) -> list[_Apart]:
        """What is owed to chats, given the rules of each that fit."""
        return [row for chat_id, rules in ruled.items() for row in self._rows_of(chat_id, rules)]

    def _rows_of(self, chat_id: int, rules: Sequence[Rule]) -> list[_Apart]:
        handle = self._veil.handle(chat_id)
        row, chat = self._follows.get(handle), self._chats.get(handle)
        subscription = self._veil.subscription(row) if row is not None else None
        terms = self._veil.chat(chat).terms if chat is not None else Preferences()
        ways = follower(subscription, rules, terms, chat_id).ways
        resting = chat is not None and chat["resting"]
        return [
            self._row(plan, ways[plan.way], chat_id, resting=resting)
            for plan in self._news.planner.plans(ways)
        ]

    def _row(self, plan: Plan, way: Source, chat_id: int, *, resting: bool) -> _Apart:
        address = Address(chat_id, way.thread_id, rule=way.rule)
        return _Apart(
            self._veil.handle(chat_id),
            plan.head,
            _as_json(plan),
            plan.not_before,
            plan.silent,
            resting,
            plan.lane,
            self._veil.seal_address(self._news.petition, address),
        )


def _alike(policies: Mapping[bytes, EffectivePreferences], news: _News) -> list[_Alike]:
    """What each policy makes of the news, by its mark."""
    places = {occurrence.key: place for place, occurrence in enumerate(news.new)}
    return [
        _Alike(
            places[plan.occurrences[0]],
            mark,
            plan.head,
            _as_json(plan),
            plan.lane,
            plan.not_before,
            plan.silent,
        )
        for mark, policy in policies.items()
        for plan in news.planner.plans((Source(policy),))
    ]


def _as_json(plan: Plan) -> str:
    return msgspec.json.encode(plan.occurrences).decode()


def _columns(kind: type[NamedTuple], rows: Sequence[NamedTuple]) -> list[list[object]]:
    """Rows turned into what `unnest` takes: one list for each column."""
    return [[row[column] for row in rows] for column in range(len(kind._fields))]


def _affected(status: str) -> int:
    return int(status.rpartition(" ")[2])
