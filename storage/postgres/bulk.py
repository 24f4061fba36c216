"""Takes steps that concern a whole PostgreSQL store: prunes it, and moves it in and out."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec
from asyncpg import Record

from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef
from bot.petitions.thresholds import is_settled
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.preferences import EffectivePreferences
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription
from storage.export import days_of
from storage.postgres.petition_names import PetitionNames
from storage.postgres.pool import Connection
from storage.postgres.preferences import effective_preferences
from storage.postgres.row_cipher import Address, RowCipher, address_of, news_of, shown_due
from storage.tables import (
    CHATS,
    COUNTERS,
    DELIVERIES,
    NOTES,
    OCCURRENCES,
    PETITIONS,
    READINGS,
    RULES,
    SUBSCRIPTIONS,
    UNUSED,
    Counter,
    Fields,
    Note,
    Tables,
    Unused,
    document_of,
    documents_of,
)

_Rows: TypeAlias = dict[str, list[Record]]

_KNOWN = msgspec.json.Decoder(PetitionHistory)

# --- pruning -------------------------------------------------------------------------------------

# Of each span of time the last reading stays; how long a span is depends on how old it is.
_THIN = """
delete from reading using (
    select petition, at, number,
        row_number() over (partition by petition, span, at / span order by at desc, number desc)
    from (
        select *, case when $1 - at <= 2 * 86400 then 1
            when $1 - at <= 60 * 86400 then 3600 else 86400 end as span
        from reading
    ) aged
) ranked
where ranked.row_number > 1 and reading.petition = ranked.petition
    and reading.at = ranked.at and reading.number = ranked.number
"""

_RULED = """
select ref, known from petition
where split_part(ref, ':', 1) = any($1)
    and not exists (select from unnest($2::text[]) followed (name) where name = ref)
"""

# $1 are those that somebody needs.
_UNUSED = "not exists (select from unnest($1::text[]) needed (name) where name = ref)"


async def thin_readings(connection: Connection, second: int) -> int:
    """Thin out readings by their age at a Unix second; return how many went."""
    return _affected(await connection.execute(_THIN, second))


async def forget_unused(
    connection: Connection,
    names: PetitionNames,
    sites: Collection[str],
    now: datetime,
    rest_for: timedelta,
) -> int:
    """Note since when petitions are unused, and forget those that have been for long enough.

    A petition is unused that nobody follows or is owed anything of, unless something of it may
    still come to be heard by a rule on one of `sites`.
    """
    # Locked first: who begins to follow one of these meanwhile is waited for, or waits.
    await connection.fetch(
        "select from petition where unused_since <= $1 order by ref for update", now - rest_for
    )
    followed = [str(each) for each in await names.followed(connection)]
    ruled = await asyncio.to_thread(
        _unsettled, await connection.fetch(_RULED, list(sites), followed)
    )
    needed = [*ruled, *map(str, await names.needed(connection))]
    await connection.execute(
        "update petition set unused_since = null where ref = any($1) and unused_since is not null",
        ruled,
    )
    await connection.execute(
        f"update petition set unused_since = $2 where unused_since is null and {_UNUSED}",  # noqa: S608 - our own words
        needed,
        now,
    )
    status = await connection.execute(
        f"delete from petition where unused_since <= $2 and {_UNUSED}",  # noqa: S608 - our own words
        needed,
        now - rest_for,
    )
    return _affected(status)


def _unsettled(rows: Iterable[Record]) -> list[str]:
    """Return the petitions of which something is still expected."""
    return [row["ref"] for row in rows if not is_settled(_KNOWN.decode(row["known"]).petition)]


def _affected(status: str) -> int:
    return int(status.rpartition(" ")[2])


# --- out -----------------------------------------------------------------------------------------

_CONTENT = {
    "chat": "select * from chat",
    "subscription": "select * from subscription order by number",
    "rule": "select * from rule order by chat, number",
    "petition": "select * from petition",
    "occurrence": "select * from occurrence",
    "reading": "select * from reading order by petition, at, number",
    "news": "select * from news",
    "delivery": "select * from delivery order by number",
    "note": "select * from note",
    "counter": "select last_value + is_called::int as next from {sequence}",
}


async def copied(connection: Connection, cipher: RowCipher) -> Tables:
    """Return the whole store, as its tables."""
    sequence = await connection.fetchval("select pg_get_serial_sequence('delivery', 'number')")
    rows = {
        name: await connection.fetch(query.format(sequence=sequence))
        for name, query in _CONTENT.items()
    }
    return await asyncio.to_thread(_tables, rows, cipher)


def _tables(rows: _Rows, cipher: RowCipher) -> Tables:
    news = {row["mark"]: cipher.news(row) for row in rows["news"]}
    return {
        CHATS.name: documents_of(map(cipher.chat, rows["chat"])),
        SUBSCRIPTIONS.name: documents_of(map(cipher.subscription, rows["subscription"])),
        RULES.name: documents_of(map(cipher.rule, rows["rule"])),
        PETITIONS.name: {row["ref"]: msgspec.json.decode(row["known"]) for row in rows["petition"]},
        OCCURRENCES.name: {
            row["key"]: msgspec.json.decode(row["document"]) for row in rows["occurrence"]
        },
        READINGS.name: days_of(
            (PetitionRef.parse(row["petition"]), row["at"], row["count"]) for row in rows["reading"]
        ),
        DELIVERIES.name: documents_of(
            cipher.delivery(row, news[row["news"]]) for row in rows["delivery"]
        ),
        NOTES.name: {row["name"]: document_of(Note(row["value"])) for row in rows["note"]},
        COUNTERS.name: {"delivery": document_of(Counter(rows["counter"][0]["next"]))},
        UNUSED.name: {
            row["ref"]: document_of(Unused(row["unused_since"]))
            for row in rows["petition"]
            if row["unused_since"] is not None
        },
    }


# --- in ------------------------------------------------------------------------------------------

_COLUMNS = {
    "petition": ("ref", "known", "unused_since"),
    "occurrence": ("key", "petition", "document"),
    "reading": ("petition", "at", "count"),
    "chat": ("handle", "resting", "returned", "probe_at", "sealed"),
    "policy": ("mark", "sealed"),
    "subscription": (
        "chat",
        "petition",
        "custom_milestones",
        "policy",
        "resting",
        "sealed",
    ),
    "news": ("mark", "sealed"),
    "rule": ("chat", "number", "site", "changed", "sealed"),
    "delivery": (
        "number",
        "chat",
        "head",
        "petition",
        "news",
        "not_before",
        "leased_until",
        "attempts",
        "silent",
        "resting",
        "queue",
        "sealed",
    ),
    "note": ("name", "value"),
}
_AT_A_TIME = 20_000


async def is_filled(connection: Connection) -> bool:
    """Return whether there is anything but notes; nobody adds to it until the transaction ends."""
    # Two who import at once, or one while the bot runs: the second waits, and finds it not empty.
    await connection.execute(
        "lock table policy, petition, chat, subscription in share row exclusive mode"
    )
    found: bool = await connection.fetchval(
        "select exists (select from chat) or exists (select from petition)"
        " or exists (select from rule)"
    )
    return found


async def fill_all(connection: Connection, cipher: RowCipher, tables: Tables) -> None:
    """Put a whole store into this one, which has nothing but notes.

    The caller has called `storage.postgres.rules.change_rules` before.
    """
    records = await asyncio.to_thread(lambda: dict(_records(tables, cipher)))
    await connection.execute("delete from note")
    await connection.execute("delete from policy")
    await connection.execute("delete from news")
    for table, columns in _COLUMNS.items():
        rows = records.pop(table)
        # All of a large table would take longer than one statement may.
        for start in range(0, len(rows), _AT_A_TIME):
            portion = rows[start : start + _AT_A_TIME]
            await connection.copy_records_to_table(table, columns=columns, records=portion)
    await connection.execute("update rule set changed = version from rulebook")
    await connection.execute(
        "select setval(pg_get_serial_sequence('delivery', 'number'), $1, false)",
        tables[COUNTERS.name]["delivery"]["next"],
    )


def _records(tables: Tables, cipher: RowCipher) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    chats = [msgspec.convert(each, Chat) for each in tables[CHATS.name].values()]
    resting = {chat.id for chat in chats if chat.is_shut}
    preferences = {chat.id: chat.preferences for chat in chats}
    follows = [msgspec.convert(each, Subscription) for each in tables[SUBSCRIPTIONS.name].values()]
    hears = [
        (each, effective_preferences(each, preferences.get(each.chat_id, Preferences())))
        for each in follows
    ]
    yield (
        "petition",
        [_petition(each, tables[UNUSED.name]) for each in tables[PETITIONS.name].values()],
    )
    yield "occurrence", [_occurrence(each) for each in tables[OCCURRENCES.name].values()]
    yield "reading", list(_readings(tables[READINGS.name]))
    yield "chat", [_chat(each, cipher) for each in chats]
    agreed = {cipher.mark(effective): effective for _, effective in hears}
    yield (
        "policy",
        [(mark, cipher.seal_preferences(effective)) for mark, effective in agreed.items()],
    )
    yield (
        "subscription",
        [_subscription(each, effective, resting, cipher) for each, effective in hears],
    )
    rules = [msgspec.convert(each, Rule) for each in tables[RULES.name].values()]
    yield "rule", [_rule(each, cipher) for each in rules]
    owed = [msgspec.convert(each, Delivery) for each in tables[DELIVERIES.name].values()]
    told = {news_of(each) for each in owed}
    yield "news", [(cipher.news_mark(each), cipher.seal_news(each)) for each in told]
    yield "delivery", [_delivery(each, resting, cipher) for each in owed]
    yield "note", [(name, each["value"]) for name, each in tables[NOTES.name].items()]


def _petition(document: Fields, unused: Mapping[str, Fields]) -> tuple[Any, ...]:
    ref = str(msgspec.convert(document, PetitionHistory).petition.ref)
    since = msgspec.convert(unused[ref], Unused).since if ref in unused else None
    return ref, msgspec.json.encode(document).decode(), since


def _occurrence(document: Fields) -> tuple[Any, ...]:
    occurrence = msgspec.convert(document, Occurrence)
    return occurrence.key, str(occurrence.petition), msgspec.json.encode(document).decode()


def _readings(days: Mapping[str, Fields]) -> Iterator[tuple[Any, ...]]:
    for doc_id, day in days.items():
        petition = doc_id.rpartition(":")[0]
        yield from ((petition, at, count) for at, count in day["counts"])


def _chat(chat: Chat, cipher: RowCipher) -> tuple[Any, ...]:
    handle, sealed = cipher.handle(chat.id), cipher.seal_chat(chat)
    return handle, chat.is_shut, chat.returned, chat.probe_at, sealed


def _subscription(
    each: Subscription, effective: EffectivePreferences, resting: set[int], cipher: RowCipher
) -> tuple[Any, ...]:
    return (
        cipher.handle(each.chat_id),
        cipher.petition(each.petition),
        each.preferences.milestones is not None,
        cipher.mark(effective),
        each.chat_id in resting,
        cipher.seal_address(address_of(each)),
    )


def _rule(each: Rule, cipher: RowCipher) -> tuple[Any, ...]:
    handle, site = cipher.handle(each.chat_id), cipher.site(each.site)
    return handle, each.number, site, 0, cipher.seal_rule(each)


def _delivery(each: Delivery, resting: set[int], cipher: RowCipher) -> tuple[Any, ...]:
    news = news_of(each)
    address = Address(each.chat_id, each.petition, each.thread_id, each.rule)
    return (
        each.number,
        cipher.handle(each.chat_id),
        cipher.head(news.head),
        cipher.petition(each.petition),
        cipher.news_mark(news),
        shown_due(each.not_before, each.created_at),
        each.leased_until,
        each.attempts,
        each.silent,
        each.chat_id in resting,
        cipher.queue(each.queue),
        cipher.seal_address(address),
    )
