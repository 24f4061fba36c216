"""Keeps what deliveries in PostgreSQL tell: once, sealed, for all chats that are owed it.

A delivery refers to it by a mark, so that a fan-out writes nothing of its own for each chat, and
shows nothing of what happened.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from storage.postgres.pool import Connection
from storage.postgres.row_cipher import News, RowCipher

_KEEP = """
insert into news (mark, sealed)
select * from unnest($1::bytea[], $2::bytea[]) told (mark, sealed) order by mark
on conflict (mark) do nothing
"""

_SWEEP = """
delete from news where not exists (select from delivery where delivery.news = news.mark)
"""


async def keep_news(connection: Connection, cipher: RowCipher, told: Iterable[News]) -> None:
    """Have these stand in the table, before the deliveries that tell them."""
    sealed = {cipher.news_mark(each): cipher.seal_news(each) for each in told}
    if sealed:
        await connection.execute(_KEEP, list(sealed), list(sealed.values()))


async def news_behind(
    connection: Connection, cipher: RowCipher, marks: Collection[bytes]
) -> dict[bytes, News]:
    """Return the news that marks stand for, opened, by mark."""
    rows = await connection.fetch("select * from news where mark = any($1)", list(marks))
    return {row["mark"]: cipher.news(row) for row in rows}


async def news_since(connection: Connection, cipher: RowCipher, since: datetime) -> list[bytes]:
    """Return the marks of what came up later than that."""
    rows = await connection.fetch("select * from news")
    return [row["mark"] for row in rows if cipher.news(row).created_at > since]


async def sweep_news(connection: Connection) -> None:
    """Let go of what no delivery tells any more; in a transaction of its own."""
    # This waits for those who have kept some and not owed it yet, and lets nobody keep any now.
    await connection.execute("lock table news in share row exclusive mode")
    await connection.execute(_SWEEP)
