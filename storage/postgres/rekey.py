"""Seals a PostgreSQL store with a new key: one transaction, with the store to itself.

Nobody else has the store open meanwhile, and who opens it waits until the end is known; the new key
is beside the file of the old one before anything is sealed with it. So at every moment one of the
two opens the store, and the next start takes that one.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from asyncpg import Record

from bot.errors import StorageError
from storage.disk import Disk, reason
from storage.encryption import mark_of
from storage.key_file import KeyRing, key_text, new_key
from storage.postgres.pool import Connection, have_alone, open_pool
from storage.postgres.row_cipher import News, RowCipher
from storage.postgres.schema import bring_up_to_date, cipher_of

_AT_A_TIME = 5000

# Another program, which does not know our advisory lock, has to wait as well.
_LOCK = (
    "lock table about, chat, policy, subscription, rule, news, delivery in access exclusive mode"
)

_CHATS = """
update chat set handle = anew.handle, sealed = anew.sealed
from unnest($1::bytea[], $2::bytea[], $3::bytea[]) anew (was, handle, sealed)
where chat.handle = anew.was
"""
_PREFERENCES = """
update policy set mark = anew.mark, sealed = anew.sealed
from unnest($1::bytea[], $2::bytea[], $3::bytea[]) anew (was, mark, sealed)
where policy.mark = anew.was
"""
_NEWS = """
update news set mark = anew.mark, sealed = anew.sealed
from unnest($1::bytea[], $2::bytea[], $3::bytea[]) anew (was, mark, sealed)
where news.mark = anew.was
"""
_SUBSCRIPTIONS = """
update subscription
set chat = anew.chat, petition = anew.petition, policy = anew.policy, sealed = anew.sealed
from unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[])
    anew (was, about, chat, petition, policy, sealed)
where subscription.chat = anew.was and subscription.petition = anew.about
"""
_RULES = """
update rule set chat = anew.chat, site = anew.site, sealed = anew.sealed
from unnest($1::bytea[], $2::integer[], $3::bytea[], $4::bytea[], $5::bytea[])
    anew (was, number, chat, site, sealed)
where rule.chat = anew.was and rule.number = anew.number
"""
_DELIVERIES = """
update delivery set chat = anew.chat, head = anew.head, petition = anew.petition,
    news = anew.news, queue = anew.queue, sealed = anew.sealed
from unnest(
    $1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::text[], $7::bytea[]
) anew (number, chat, head, petition, news, queue, sealed)
where delivery.number = anew.number
"""


async def rekey_postgres(
    url: str,
    keys: KeyRing,
    *,
    tell: Callable[[str], None] = lambda key: None,
    told: Callable[[str], None] = lambda table: None,
    disk: Disk | None = None,
) -> None:
    """Seal a store nobody has open with a new key, which takes the place of the old in its file.

    Where the key is given instead of read from a file, `tell` is called with the new one first.
    `told` is called with the name of each table that is done. After a StorageError one of the two
    keys opens the store, as after a crash: both are kept until the next start has found out which.
    """
    pool, disk, new = await open_pool(url), disk or Disk(), new_key()
    try:
        async with pool.connected(patient=True) as connection:
            await bring_up_to_date(connection)
            before = await cipher_of(connection, keys)
            async with connection.transaction():
                await have_alone(connection)
                if keys.is_given:
                    tell(key_text(new))
                keys.prepare(new, disk)
                await _seal_anew(connection, before, new, told)
    finally:
        await pool.close()
    _settle(keys, new, disk)


def _settle(keys: KeyRing, new: bytes, disk: Disk) -> None:
    try:
        keys.settle_on(new, disk)
    except OSError as error:
        raise StorageError(
            f"the store is encrypted with the new key, which waits beside {keys.file}: "
            f"{reason(error)}"
        ) from error


async def _seal_anew(
    connection: Connection, before: RowCipher, new: bytes, told: Callable[[str], None]
) -> None:
    await connection.execute(_LOCK)
    after = RowCipher(new, await connection.fetchval("select salt from about"))
    marks = await _preferences(connection, before, after)
    told("preferences")
    news = await _news(connection, before, after)
    told("news")
    tables = {
        "chats": ("select * from chat", _CHATS, _chat),
        "subscriptions": ("select * from subscription", _SUBSCRIPTIONS, _subscription(marks)),
        "rules": ("select * from rule", _RULES, _rule),
        "deliveries": ("select * from delivery", _DELIVERIES, _delivery(news)),
    }
    for name, (query, change, anew) in tables.items():
        async for rows in _portions(connection, query):
            columns = zip(*(anew(row, before, after) for row in rows), strict=True)
            await connection.execute(change, *map(list, columns))
        told(name)
    # Kept for minutes only, and nobody was told anything for as long as nobody had the store open.
    await connection.execute("delete from recent_alert")
    await connection.execute("update about set key_mark = $1", mark_of(new))


async def _portions(connection: Connection, query: str) -> AsyncIterator[Sequence[Record]]:
    """Yield the rows as they were when the query began, some at a time."""
    cursor = await connection.cursor(query)
    while rows := await cursor.fetch(_AT_A_TIME):
        yield rows


async def _preferences(
    connection: Connection, before: RowCipher, after: RowCipher
) -> dict[bytes, bytes]:
    """Seal the effective preferences anew; return the new mark of each old one."""
    rows = await connection.fetch("select * from policy")
    preferences = [(row["mark"], before.preferences(row)) for row in rows]
    marks = {was: after.mark(effective) for was, effective in preferences}
    sealed = [after.seal_preferences(effective) for _, effective in preferences]
    await connection.execute(_PREFERENCES, list(marks), list(marks.values()), sealed)
    return marks


async def _news(connection: Connection, before: RowCipher, after: RowCipher) -> dict[bytes, News]:
    """Seal anew the news that deliveries tell; return the news by old mark."""
    rows = await connection.fetch("select * from news")
    news = {row["mark"]: before.news(row) for row in rows}
    marks = [after.news_mark(each) for each in news.values()]
    sealed = [after.seal_news(each) for each in news.values()]
    await connection.execute(_NEWS, list(news), marks, sealed)
    return news


_Anew = Callable[[Record, RowCipher, RowCipher], tuple[Any, ...]]


def _chat(row: Record, before: RowCipher, after: RowCipher) -> tuple[Any, ...]:
    chat = before.chat(row)
    return row["handle"], after.handle(chat.id), after.seal_chat(chat)


def _subscription(marks: dict[bytes, bytes]) -> _Anew:
    def anew(row: Record, before: RowCipher, after: RowCipher) -> tuple[Any, ...]:
        address = before.address(row)
        return (
            row["chat"],
            row["petition"],
            after.handle(address.chat_id),
            after.petition(address.petition),
            marks[row["policy"]],
            after.seal_address(address),
        )

    return anew


def _rule(row: Record, before: RowCipher, after: RowCipher) -> tuple[Any, ...]:
    rule = before.rule(row)
    handle, site = after.handle(rule.chat_id), after.site(rule.site)
    return row["chat"], row["number"], handle, site, after.seal_rule(rule)


def _delivery(news: dict[bytes, News]) -> _Anew:
    def anew(row: Record, before: RowCipher, after: RowCipher) -> tuple[Any, ...]:
        told, address = news[row["news"]], before.address(row)
        return (
            row["number"],
            after.handle(address.chat_id),
            after.head(told.head),
            after.petition(told.petition),
            after.news_mark(told),
            after.queue(before.delivery(row, told).queue),
            after.seal_address(address),
        )

    return anew
