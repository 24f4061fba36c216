"""What somebody reads who gets hold of the embedded store's folder, with and without the key."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress

import pytest
from bell import READER, TEA, Village

from bot.app import utc_now
from bot.errors import StorageError
from bot.subscriptions.subscription import Chat, Preferences, Rule
from storage.key_file import KeyRing
from storage.tables import CHATS, DELIVERIES, RECENT, RULES, SUBSCRIPTIONS
from storage.tinydb.frames import Damaged
from storage.tinydb.sealed import Content
from storage.tinydb.store import open_tiny

GROUP = -1_001_234_567_890
WORDS = ("Free tea in every library", "We want it.", "marmalade", "milestone", "digest", "chats")


def files_of(village: Village) -> dict[str, bytes]:
    """Every file of the store's, whatever it is called; the key lies elsewhere in real life."""
    found = [each for each in village.folder.rglob("*") if each.is_file()]
    return {each.name: each.read_bytes() for each in found if each.suffix != ".key"}


def unsealed(village: Village) -> bytes:
    """All that the key opens in all these files, damaged ones included."""
    (key,) = KeyRing(village.folder / "bell.key", None).find()
    plains: list[bytes] = []
    for raw in files_of(village).values():
        with suppress(Damaged):
            plains += [plain for plain in Content(raw).left(key) if plain]
    return b"\n".join(plains)


def spellings(secret: str | int) -> Iterator[bytes]:
    """How a secret could be recognised by who has no key."""
    text = str(secret).encode()
    yield text
    yield text.hex().encode()
    yield text[::-1]
    yield str(secret).encode("utf-16-le")
    for name in ("md5", "sha1", "sha256", "blake2b"):
        yield hashlib.new(name, text).digest()[:16]
        yield hashlib.new(name, text).hexdigest()[:32].encode()
    if isinstance(secret, int):
        for order in ("big", "little"):
            yield secret.to_bytes(8, order, signed=True)  # type: ignore[arg-type]


async def lived_in(village: Village) -> None:
    """Two chats follow, ask, choose and are told; something waits, and a file was damaged."""
    village.api.add_chat(GROUP, type="supergroup", title="Tea club")
    async with village.bell():
        await village.reader.subscribes()
        await village.reader.ask("/search tea")
        await village.reader.ask("/subscribe marmalade")  # asks, and keeps nothing
        await village.reader.ask("/settings")
        village.site.edit(TEA, signature_count=10_002)
        await village.reader.hears("10,002 signatures")
        village.api.refuse(READER, 502, "Bad Gateway", times=None, method="sendMessage")
        village.site.edit(TEA, signature_count=25_002)
        refused = lambda api: len(api.calls_to("sendMessage")) > 6 or None  # noqa: E731 - shorter
        await village.api.wait_for(refused)
    village.api.accept_everything()
    store = village.folder / "bell.db"
    storage = await open_tiny(store, village.folder / "bell.key")
    await storage.save_chat(Chat(GROUP, preferences=Preferences({"milestone": "digest"})))
    rule = Rule(READER, "uk", utc_now(), ("milestone",), words=("marmalade",))
    await storage.save_rule(rule, utc_now())
    dropped = await storage.save_rule(rule, utc_now())
    await storage.drop_rule(READER, dropped.number)
    await storage.close()
    await (await open_tiny(store, village.folder / "bell.key")).close()  # compacts, to erase
    whole = store.read_bytes()
    store.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    with pytest.raises(StorageError, match="damaged"):
        await open_tiny(store, village.folder / "bell.key")
    store.write_bytes(whole)


async def test_the_folder_of_a_store_in_use_tells_nothing_without_the_key(
    village: Village,
) -> None:
    await lived_in(village)
    files = files_of(village)
    kinds = {"bell.db", "journal", "previous", "damaged"}
    assert {kind for kind in kinds for name in files if kind in name} == kinds
    shown = b"\n".join([*files.values(), *(name.encode() for name in files)])
    for secret in (READER, GROUP, TEA, f"uk:{TEA}", f"uk:{TEA}:milestone:10000", *WORDS):
        for spelling in spellings(secret):
            # Few bytes of ciphertext may be anything: a number is read if it stands by itself.
            pattern = rb"(?<![0-9A-Za-z])" + re.escape(spelling) + rb"(?![0-9A-Za-z])"
            assert not re.search(pattern, shown), secret
    # All of it is there for who has the key, or this would prove nothing.
    kept = unsealed(village)
    for secret in (READER, GROUP, TEA, *WORDS):
        assert str(secret).encode() in kept, secret


async def test_after_forget_and_one_start_the_key_opens_nothing_of_that_chat(
    village: Village,
) -> None:
    await lived_in(village)
    assert str(READER).encode() in unsealed(village)
    async with village.bell():
        question = await village.reader.ask("/forget", "can't undo this")
        village.reader.tap(question, "Delete")
        await village.reader.sees_edit(question, "Deleted")
    async with village.bell():
        pass
    kept = unsealed(village)
    assert not re.search(rb"(?<![0-9])%d(?![0-9])" % READER, kept)
    assert b"marmalade" not in kept
    # What is nobody's and what is another's is there still.
    assert str(TEA).encode() in kept
    assert str(GROUP).encode() in kept
    storage = await open_tiny(village.folder / "bell.db", village.folder / "bell.key")
    try:
        live = storage.database.live
        assert [*live(CHATS)] == [str(GROUP)]
        for table in (SUBSCRIPTIONS, RULES, DELIVERIES, RECENT):
            assert not live(table)
    finally:
        await storage.close()
