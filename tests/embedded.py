"""Steps that tests of the embedded store take."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.errors import StorageError
from bot.petitions.events import MilestoneReached, Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef
from bot.subscriptions.subscription import Chat, Subscription
from storage import Storage
from storage.disk import Disk
from storage.tinydb.store import TinyStorage, open_tiny

NOON = datetime(2020, 3, 6, 12, tzinfo=UTC)
REF = PetitionRef("uk", 300239)
ANN, BOB = 4242424242, 4343434343


def known(count: int = 9_000) -> PetitionHistory:
    petition = Petition(
        ref=REF,
        url="https://petition.example/petitions/300239",
        action="Count the nightingales",
        state="open",
        signature_count=count,
        topics=("nature", "song"),
    )
    return PetitionHistory(
        petition, NOON, seen=frozenset({"opened", "milestone:1000", "milestone:500"})
    )


def milestone(number: int) -> Occurrence:
    return Occurrence(f"{REF}:milestone:{number}", REF, NOON, MilestoneReached(number, number))


async def furnish(storage: Storage, *chats: int) -> None:
    """Let chats follow a petition, and owe them an alert."""
    await storage.commit_poll(known(), [], NOON)
    for chat in chats:
        await storage.save_chat(Chat(chat, "private", NOON, NOON))
        await storage.subscribe(Subscription(chat, REF, NOON))
    await storage.commit_poll(known(10_000), [milestone(10_000)], NOON)


class Place:
    """The paths of an embedded store and of its key."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "store.db"
        self.key_file = folder / "keys" / "store.key"

    async def open(self, disk: Disk | None = None) -> TinyStorage:
        return await open_tiny(self.path, self.key_file, disk=disk)

    async def furnish(self) -> None:
        """Leave a closed store with something in it: some in the snapshot, some in the journal."""
        storage = await self.open()
        await furnish(storage, ANN)
        await storage.forget_chat(1)  # folds
        await storage.close()
        storage = await self.open()
        await furnish(storage, ANN, BOB)
        await storage.save_note("offset", "7")
        await storage.close()

    def file(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}{ending}")

    @property
    def journal(self) -> Path:
        """The journal that is written."""
        return max(
            self.path.parent.glob("store.db.journal.*"), key=lambda each: int(each.suffix[1:])
        )

    def names(self) -> list[str]:
        return sorted(each.name for each in self.path.parent.iterdir())

    def content(self) -> dict[str, bytes]:
        """Every file, but for copies kept of damaged ones."""
        return {
            each.name: each.read_bytes()
            for each in self.path.parent.iterdir()
            if ".damaged-" not in each.name
        }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
async def storage(place: Place) -> AsyncIterator[TinyStorage]:
    storage = await place.open()
    yield storage
    await storage.close()


async def refused(place: Place) -> str:
    """Opening fails in one clear line that names a file."""
    with pytest.raises(StorageError) as refusal:
        await place.open()
    message = str(refusal.value)
    assert "store." in message
    assert "\n" not in message
    return message
