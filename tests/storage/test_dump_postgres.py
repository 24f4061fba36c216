"""What somebody reads who gets hold of a dump of PostgreSQL, and not of the key."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from bell import HASTY, READER, TEA, Village
from contract import (
    ANN,
    BOB,
    CAT,
    DIGESTS,
    EVENING,
    HEDGES,
    NIGHTINGALES,
    NOON,
    a_full_house,
    asks,
    claim,
    follow,
    follows,
    heard,
    known,
    milestone,
    ring,
)
from postgres import PostgresGround, as_owner, dumped

from bot.app import running
from bot.config import StorageConfig
from bot.petitions.petition import PetitionRef
from bot.subscriptions.delivery import FLOOD
from bot.subscriptions.subscription import Preferences, Rule
from storage import Storage

# What stands beside chats, and what is known to everybody.
OF_CHATS = {"chat", "subscription", "delivery", "news", "policy", "rule", "recent_alert"}
PUBLIC = {"petition", "occurrence", "reading"}
OTHERS = {"about", "note", "pace", "rulebook", "schema_version"}
GROUP = -1_001_234_567_890


@pytest.fixture
def ground(tmp_path: Path) -> PostgresGround:
    return PostgresGround(tmp_path)


@pytest.fixture
async def storage(ground: PostgresGround) -> AsyncIterator[Storage]:
    storage = await ground.open()
    yield storage
    await storage.close()


@asynccontextmanager
async def a_bell(village: Village, ground: PostgresGround) -> AsyncIterator[None]:
    await (await ground.open()).close()  # the schema is there
    stored = StorageConfig(ground.url, ground.key_file)
    async with running(replace(village.config(), storage=stored), rate_limiter=HASTY):
        yield


def tables(dump: str) -> dict[str, list[str]]:
    """The rows of each table of a dump."""
    found = re.findall(r"^COPY \w+\.(\w+) \(.*?\) FROM stdin;\n(.*?)^\\\.$", dump, re.M | re.S)
    return {name: rows.splitlines() for name, rows in found}


def beside_chats(dump: str) -> str:
    """All that stands beside a chat."""
    held = tables(dump)
    assert held.keys() == OF_CHATS | PUBLIC | OTHERS, "a table that nobody has thought about"
    return "\n".join(row for name in sorted(OF_CHATS) for row in held[name])


def key_text(secret: str | int) -> Iterator[str]:
    """How a secret could be recognised by who has no key."""
    text = str(secret)
    yield text
    yield text.encode().hex()
    for name in ("md5", "sha1", "sha256", "blake2b"):
        yield hashlib.new(name, text.encode()).hexdigest()[:32]
    if isinstance(secret, int):
        yield f"{secret % 2**64:016x}" if abs(secret) > 2**32 else f"{secret:08x}"


def tells(shown: str, spelling: str) -> bool:
    """Whether a dump shows it: a few digits stand in long sealed values by chance, too."""
    if len(spelling) < 8 and re.fullmatch("[0-9a-f]+", spelling):
        return re.search(rf"(?<![0-9a-f]){spelling}(?![0-9a-f])", shown) is not None
    return spelling in shown


async def test_a_dump_of_postgresql_after_real_use_tells_nothing_of_whom_without_the_key(
    village: Village, ground: PostgresGround
) -> None:
    group = village.chat(GROUP)
    async with a_bell(village, ground):
        await village.reader.subscribes()
        storage = await ground.open()
        await storage.save_rule(
            Rule(READER, "uk", NOON, ("milestone",), words=("marmalade",)), NOON
        )
        await follow(storage, follows(GROUP, PetitionRef("uk", TEA), preferences=DIGESTS))
        village.site.edit(TEA, signature_count=10_002)
        await village.reader.hears("10,002 signatures")
        await only_waiting(storage, 1)  # for the group's digest
        dump = await dumped(ground)
        await storage.close()
    assert not group.unread()
    shown = beside_chats(dump)
    secrets = (READER, GROUP, TEA, f"uk:{TEA}", f"uk:{TEA}:milestone:10000")
    for secret in (*secrets, "Free tea", "tea", "marmalade", "milestone", "digest"):
        for spelling in key_text(secret):
            assert not tells(shown, spelling), secret
    for secret in (READER, GROUP, "marmalade"):
        assert not [each for each in key_text(secret) if re.search(rf"(?<!\w){each}", dump)]
    # What is known to everybody is there, or this would prove nothing.
    assert "Free tea" in dump
    assert f"uk:{TEA}:milestone:10000" in dump


async def test_nothing_that_stands_beside_a_chat_stands_beside_a_petition_too(
    ground: PostgresGround, storage: Storage
) -> None:
    """No name, no number and no moment, by which one could be led from one to the other."""
    await everything_in_use(storage)
    held = tables(await dumped(ground))
    assert all(held[name] for name in OF_CHATS | PUBLIC)
    of_chats, public = (
        {word for name in names for row in held[name] for word in words(row)}
        for names in (OF_CHATS - {"recent_alert"}, PUBLIC)
    )
    assert of_chats & public == set()
    # When a chat was told something stands there for minutes, so nothing leads from there to it.
    assert not {word for row in held["recent_alert"] for word in words(row)} & of_chats


async def everything_in_use(storage: Storage) -> None:
    """A row of every kind, and something that waits in every queue."""
    await a_full_house(storage)
    await follow(storage, follows(CAT, at=NOON + timedelta(seconds=7), preferences=DIGESTS))
    for preferences in (Preferences(snoozed_until=EVENING), Preferences()):
        await storage.set_subscription_preferences(ANN, NIGHTINGALES, preferences, NOON)
        await ring(storage, milestone(50_000 if preferences.snoozed_until else 75_000))
    for at_once in await claim(storage):
        if not at_once.delivery.queue:
            await storage.defer(at_once.delivery.key, FLOOD, EVENING)
    await storage.release(CAT, "digest", EVENING, NIGHTINGALES)
    assert await ring(storage, milestone(100_000))
    [first, *_] = await claim(storage)
    await storage.settle(first.delivery.key, told_at=NOON)


def words(row: str) -> set[str]:
    """The values of a row, and the moments in them to the minute; small numbers are no names."""
    moments = re.findall(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)", row)
    midnight = "00:00"
    found = {f"{day} {minute}" for day, minute in moments if minute != midnight}
    return found | {word for word in re.findall(r"\w{5,}", row) if not word.isalpha()}


async def test_the_words_of_a_row_are_its_values_and_moments() -> None:
    assert words("uk:300239\t2026-03-06 12:00:00+00\tt") == {"300239", "2026-03-06 12:00"}
    assert not words("2026-03-06 00:00:00+00\tfalse\t7")


async def test_two_stores_show_one_petition_by_marks_of_their_own(
    ground: PostgresGround, storage: Storage, tmp_path: Path
) -> None:
    other_ground = PostgresGround(tmp_path)  # with the same key
    other = await other_ground.open()
    for each in (storage, other):
        await follow(each, follows(ANN), follows(BOB))
    marks = [tables(await dumped(each))["subscription"] for each in (ground, other_ground)]
    assert not {row.split("\t")[1] for row in marks[0]} & {row.split("\t")[1] for row in marks[1]}
    await other.close()


async def test_the_length_of_what_is_sealed_tells_no_site_from_another(
    ground: PostgresGround, storage: Storage
) -> None:
    refs = [PetitionRef("uk", 700_000), PetitionRef("senedd", 245_000), PetitionRef("uk", 12)]
    for ref in refs:
        await storage.commit_poll(known(ref), [], NOON)
        await storage.subscribe(follows(ANN, ref))
    rows = tables(await dumped(ground))["subscription"]
    assert len(rows) == len(refs)
    assert len({len(row.split("\t")[-1]) for row in rows}) == 1


async def test_with_the_key_all_of_it_is_there(ground: PostgresGround, storage: Storage) -> None:
    await everything_in_use(storage)
    again = await ground.open()
    assert await again.followed() == await storage.followed() != []
    assert set(await again.followers()) == {NIGHTINGALES, HEDGES}
    told = {each.delivery.petition for each in await claim(again, EVENING + timedelta(days=2))}
    assert told == {NIGHTINGALES, HEDGES}
    await again.close()


async def test_after_forget_and_one_start_nothing_of_the_chat_is_left_with_the_key(
    village: Village, ground: PostgresGround
) -> None:
    async with a_bell(village, ground):
        before = held_of_chats(await dumped(ground))
        await village.reader.subscribes()
        storage = await ground.open()
        await storage.save_rule(asks(READER), NOON)
        village.site.edit(TEA, signature_count=10_002)
        await village.reader.hears("10,002 signatures")
        await storage.set_subscription_preferences(READER, PetitionRef("uk", TEA), DIGESTS, NOON)
        village.site.edit(TEA, signature_count=25_003)
        await village.looked(4)
        await only_waiting(storage, 1)
        await storage.close()
        question = await village.reader.ask("/forget")
        village.reader.tap(question, "Delete everything")
        await village.reader.sees_edit(question, "Deleted")
    async with a_bell(village, ground):
        await village.reader.ask("/status")
        storage = await ground.open()
        export = await storage.export()
        assert not any(export[name] for name in ("chats", "subscriptions", "rules", "deliveries"))
        assert str(READER) not in re.findall(r"\d+", str(export))  # a time may contain it
        dump = await dumped(ground)
        await storage.close()
    assert held_of_chats(dump) == before == set()


async def only_waiting(storage: Storage, count: int) -> None:
    while (await storage.tally()).waiting != count:  # noqa: ASYNC110 - a store tells nobody
        await asyncio.sleep(0.02)


def held_of_chats(dump: str) -> set[str]:
    held = tables(dump)
    return {row for name in OF_CHATS for row in held[name]}


async def test_who_forgets_one_chat_keeps_what_is_of_the_others(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    await storage.forget_chat(ANN)
    assert [key.rpartition(":")[2] for key in await heard(storage)] == [str(BOB)]


async def test_what_no_delivery_tells_any_more_is_let_go_of(
    ground: PostgresGround, storage: Storage
) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    assert await heard(storage)
    async with as_owner(ground.schema) as owner:
        assert await owner.fetchval("select count(*) from news") == 2
        await ring(storage, milestone(50_000))
        await storage.prune(NOON, timedelta(days=30))
        assert await owner.fetchval("select count(*) from news") == 1
    assert len(await heard(storage)) == 2


async def test_news_kept_by_a_fan_out_under_way_is_not_let_go_of(
    ground: PostgresGround, storage: Storage
) -> None:
    other = await ground.open()
    await follow(storage, follows(ANN))
    async with as_owner(ground.schema) as owner, owner.transaction():
        await owner.execute(
            "lock table delivery in share mode"
        )  # nobody is owed anything meanwhile
        ringing = asyncio.create_task(ring(storage, milestone(10_000)))
        while not await owner.fetchval(
            "select exists (select from pg_stat_activity where wait_event_type = 'Lock')"
        ):
            await owner.execute("select pg_sleep(0.02)")
        pruning = asyncio.create_task(other.prune(NOON, timedelta(days=30)))
        await owner.execute("select pg_sleep(0.1)")
    assert await ringing == 1
    await pruning
    assert len(await heard(other)) == 1
    await other.close()


@pytest.mark.parametrize("shared", [True, False])
async def test_privacy_says_of_each_storage_what_it_shows_without_the_key(
    village: Village, ground: PostgresGround, shared: bool
) -> None:
    async with a_bell(village, ground) if shared else village.bell():
        told = (await village.reader.ask("/privacy", "Privacy"))["text"]
        question = await village.reader.ask(f"/subscribe {TEA}", "I need to keep")
        assert "encrypted" in question["text"]
    for said in ("Not encrypted", "when its alerts are due", "the same petition", "database"):
        assert (said in told) is shared
    assert "encrypted on disk" in told
