"""PostgreSQL: its schema, its key, and stores carried there and back."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from contract import (
    ANN,
    BOB,
    CAT,
    DIGESTS,
    HEDGES,
    MINUTE,
    NIGHTINGALES,
    NOON,
    TinyGround,
    asks,
    claimed_keys,
    follow,
    follows,
    heard,
    key,
    known,
    milestone,
    picture,
    ring,
)
from postgres import PostgresGround, as_owner
from shared_store import everything, kept_preferences, until, waiting_for_locks
from shared_store import ground as ground
from shared_store import other as other
from shared_store import storage as storage

from bot.errors import ConfigError, StorageError
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.subscription import Chat, Preferences, Quiet, Rule
from storage.key_file import KeyRing
from storage.postgres import schema
from storage.postgres.store import PostgresStorage, open_postgres, read_postgres

# --- the schema -----------------------------------------------------------------------------------


async def test_many_who_open_a_new_store_at_once_find_one_schema(ground: PostgresGround) -> None:
    await (await ground.open()).close()
    async with as_owner(ground.schema) as owner:
        await owner.execute(f"drop schema {ground.schema} cascade")
        await owner.execute(f"create schema {ground.schema} authorization bell")
    stores = await asyncio.gather(*(ground.open() for _ in range(4)))
    await stores[0].save_chat(Chat(ANN))
    assert [await each.chat(ANN) for each in stores] == [Chat(ANN)] * 4
    for each in stores:
        await each.close()


async def test_a_schema_of_a_newer_version_is_refused(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    async with as_owner(ground.schema) as owner:
        await owner.execute("insert into schema_version values (99)")
    with pytest.raises(StorageError, match="newer petition-bell"):
        await ground.open()


async def test_a_role_that_may_only_read_and_write_opens_a_store_that_is_up_to_date(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    async with as_owner(ground.schema) as owner:
        await owner.execute(f"revoke create on schema {ground.schema} from bell")
        await owner.execute(f"alter schema {ground.schema} owner to postgres")
        await owner.execute(f"grant usage on schema {ground.schema} to bell")
    again = await ground.open()
    await again.save_chat(Chat(ANN))
    await again.close()


async def test_a_database_that_does_not_answer_is_a_storage_error(tmp_path: Path) -> None:
    nowhere = f"postgresql://bell@/bell?host={tmp_path}"
    with pytest.raises(StorageError, match="PostgreSQL"):
        await open_postgres(nowhere, KeyRing(tmp_path / "bell.key"))


# --- the key --------------------------------------------------------------------------------------


async def test_another_key_opens_nothing(
    ground: PostgresGround, storage: PostgresStorage, tmp_path: Path
) -> None:
    await storage.save_chat(Chat(ANN))
    KeyRing(ground.key_file).file.rename(tmp_path / "kept")  # type: ignore[union-attr]
    with pytest.raises(StorageError, match="a different key"):
        await ground.open()
    assert not ground.key_file.exists()
    (tmp_path / "kept").rename(ground.key_file)
    again = await ground.open()
    assert await again.chat(ANN) == Chat(ANN)
    await again.close()


async def test_no_row_shows_a_chats_id_and_the_petitions_are_plain(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    chat_id, thread_id = 8_642_097_531, 975_310_864
    await storage.save_chat(Chat(chat_id, "private", NOON, NOON, "blocked by the reader", NOON))
    await follow(storage, follows(chat_id, thread_id=thread_id))
    preferences = Preferences(zone="Asia/Kathmandu", quiet=Quiet(1321, 417))
    await storage.set_preferences(chat_id, preferences, NOON)
    custom_milestones = Preferences(milestones=CustomMilestones((9_876_543,)))
    await storage.set_subscription_preferences(chat_id, NIGHTINGALES, custom_milestones, NOON)
    await storage.save_rule(Rule(chat_id, "uk", NOON, ("milestone",), words=("marmalade",)), NOON)
    await ring(storage, milestone(10_000))
    content = await everything(ground)
    chosen = ("Kathmandu", "1321,417", "9876543", "marmalade")
    for secret in (
        str(chat_id),
        f"{chat_id:x}",
        str(thread_id),
        "blocked by the reader",
        *chosen,
    ):
        assert secret not in content
        assert secret.encode().hex() not in content
    assert "Count the nightingales" in content
    assert "milestone:10000" in content


async def test_nothing_of_a_forgotten_chat_stays_in_any_table(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    await storage.commit_poll(known(), [], NOON)
    before = await everything(ground, but="occurrence")
    await follow(storage, follows(ANN, preferences=DIGESTS))
    await storage.save_rule(asks(ANN), NOON)
    await ring(storage, milestone(10_000))
    await storage.forget_chat(ANN)
    after = await everything(ground, but="occurrence")
    assert after.replace("(t,2)", "(t,0)") == before


async def test_a_row_moved_to_another_chat_does_not_open(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    await follow(storage, follows(ANN), follows(BOB, HEDGES))
    async with as_owner(ground.schema) as owner:
        await owner.execute(
            "update subscription set sealed = (select sealed from subscription s"
            " where s.petition <> subscription.petition)"
        )
    with pytest.raises(StorageError, match="does not open"):
        await storage.subscriptions(ANN)


async def test_who_snoozed_once_hears_by_the_policy_of_all_when_it_is_over(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    await follow(storage, follows(ANN), follows(BOB), follows(CAT))
    for chat, minutes in ((ANN, 1), (BOB, 2)):
        snoozed = Preferences(snoozed_until=NOON + minutes * MINUTE)
        await storage.set_subscription_preferences(chat, NIGHTINGALES, snoozed, NOON)
    assert await kept_preferences(ground) == 3
    await storage.prune(NOON + MINUTE, timedelta(days=30))
    assert await kept_preferences(ground) == 2
    await storage.prune(NOON + 2 * MINUTE, timedelta(days=30))
    assert await kept_preferences(ground) == 1
    assert await ring(storage, milestone(10_000), at=NOON + 2 * MINUTE) == 3
    assert len(await claimed_keys(storage, NOON + 2 * MINUTE)) == 3


async def test_who_has_a_subscription_in_hand_does_not_hold_up_a_pruning(
    ground: PostgresGround, storage: PostgresStorage
) -> None:
    await follow(storage, follows(ANN, preferences=Preferences(snoozed_until=NOON)))
    async with as_owner(ground.schema) as owner, owner.transaction():
        await owner.execute("select from subscription for update")
        await storage.prune(NOON, timedelta(days=30))
    assert await kept_preferences(ground) == 1


async def test_policies_are_found_though_others_let_go_of_them(
    ground: PostgresGround, storage: PostgresStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    custom_milestones = [
        Preferences(milestones=CustomMilestones((number,))) for number in (9_100, 9_200, 9_300)
    ]
    await follow(storage, follows(ANN, preferences=custom_milestones[0]))
    await storage.commit_poll(known(), [], NOON)  # hers is opened now
    await follow(
        storage,
        follows(BOB, preferences=custom_milestones[1]),
        follows(CAT, HEDGES, preferences=custom_milestones[2]),
    )
    async with as_owner(ground.schema) as owner, owner.transaction():
        await owner.execute("lock table policy in access exclusive mode")
        opening = asyncio.create_task(storage.commit_poll(known(count=9_500), [], NOON))
        await until(lambda: waiting_for_locks(ground, 1))
        monkeypatch.setattr("storage.postgres.preferences._AT_MOST", 0)
        letting_go = asyncio.create_task(storage.commit_poll(known(HEDGES, 9_500), [], NOON))
        await until(lambda: waiting_for_locks(ground, 2))
    assert (await opening, await letting_go) == (2, 1)


# --- between storages -----------------------------------------------------------------------------


async def test_a_store_moves_from_tinydb_and_back_whole(
    storage: PostgresStorage, tmp_path: Path
) -> None:
    tiny = await TinyGround(tmp_path / "before").open()
    await follow(tiny, follows(ANN, muted=True), follows(BOB, thread_id=7), follows(ANN, HEDGES))
    await ring(tiny, milestone(10_000))
    await tiny.rest_chat(BOB, "blocked", NOON)
    await tiny.prune(NOON, timedelta(days=30))
    document = await tiny.export()
    await storage.import_(document)
    back = await TinyGround(tmp_path / "after").open()
    await back.import_(await storage.export())
    assert await picture(storage) == await picture(tiny) == await picture(back)
    assert await claimed_keys(storage) == [key(10_000, ANN)]
    for each in (tiny, back):
        await each.close()


async def test_a_moved_store_goes_on_counting_where_it_was(
    ground: PostgresGround, storage: PostgresStorage, other: PostgresStorage, tmp_path: Path
) -> None:
    tiny = await TinyGround(tmp_path).open()
    await follow(tiny, follows(ANN), follows(ANN, HEDGES))
    await ring(tiny, milestone(10_000))
    assert await claimed_keys(tiny) == [key(10_000, ANN)]
    await storage.import_(await tiny.export())
    await ring(storage, milestone(25_000, HEDGES))
    await ground.leases_run_out()
    assert await heard(storage) == [
        key(10_000, ANN),
        key(25_000, ANN, HEDGES),
    ]
    await tiny.close()


def test_the_extra_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import storage  # noqa: PLC0415 - the module that this test changes, as it is then
    from bot.config import StorageConfig  # noqa: PLC0415 - after what it imports
    from storage import opening  # noqa: PLC0415 - likewise

    # Imported anew, the package would stay where the old one was.
    monkeypatch.setattr(storage, "postgres", storage.postgres)
    for name in [name for name in sys.modules if name.startswith("storage.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    config = StorageConfig("postgresql://bell@/bell", tmp_path / "bell.key", None)
    with pytest.raises(ConfigError, match=r"petition-bell\[postgres\]"):
        asyncio.run(opening.open_storage(config))


async def test_who_only_looks_makes_no_tables_no_key_and_brings_nothing_up_to_date(
    ground: PostgresGround, storage: PostgresStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.save_chat(Chat(ANN))
    keys = KeyRing(ground.key_file)
    beside = await read_postgres(ground.url, keys)
    assert beside is not None
    assert await beside.chat(ANN) == Chat(ANN)
    await beside.close()
    await storage.close()
    monkeypatch.setattr(schema, "VERSIONS", (*schema.VERSIONS, "create table more ()"))
    with pytest.raises(StorageError, match=r"version 2, .* 3: .* `petition-bell check --migrate`"):
        await read_postgres(ground.url, keys)
    async with as_owner(ground.schema) as owner:
        assert await owner.fetchval("select to_regclass('more')") is None
        await (await open_postgres(ground.url, keys)).close()
        assert await owner.fetchval("select to_regclass('more')") is not None
        await owner.execute(f"drop schema {ground.schema} cascade")
        await owner.execute(f"create schema {ground.schema} authorization bell")
        ground.key_file.unlink()
        assert await read_postgres(ground.url, keys) is None
        assert await owner.fetchval("select to_regclass('schema_version')") is None
    assert not ground.key_file.exists()
