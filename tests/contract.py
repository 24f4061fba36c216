"""The storage contract's small world: every implementation, and steps that tests take."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest
from hypothesis import strategies as st
from msgspec import structs
from postgres import TimedGround
from store_files import full_device

from bot.petitions.events import (
    BusinessAdded,
    Closed,
    ClosingSoon,
    CommitteeNoted,
    Completed,
    CountFell,
    DebateCancelled,
    Debated,
    DebateLink,
    DebateMoved,
    DebateOverdue,
    DebatePassed,
    DebateScheduled,
    DebateToday,
    Event,
    MilestoneReached,
    NotDebated,
    NotPublished,
    Occurrence,
    Opened,
    Referred,
    Rejected,
    Removed,
    Reopened,
    Responded,
    ResponseOverdue,
    ResponseRevised,
    ResponseWithdrawn,
    Surged,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import (
    Business,
    Debate,
    Department,
    GovernmentResponse,
    Petition,
    PetitionRef,
    Place,
    Rejection,
)
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.subscription import Chat, Preferences, Quiet, Rule, Subscription
from storage import ClaimedDelivery, Pruned, Storage
from storage.tinydb.store import open_tiny


class Ground(Protocol):
    """The place of a store: it can be opened again and again, and its writes can be made to fail.

    `scripts` is how many sequences of use cases it is quick enough for; where only one process can
    have it open (`is_lone`), leases end with that process.
    """

    scripts: ClassVar[int]
    is_lone: ClassVar[bool]

    def __init__(self, folder: Path) -> None: ...

    async def open(self) -> Storage: ...

    def failing(self) -> AbstractAsyncContextManager[None]: ...

    async def leases_run_out(self) -> None:
        """Have leases end that a clock of the store's own ends, and not the one it is told."""


class TinyGround:
    """A folder; in the place of the open journal, a device that is always full."""

    scripts = 60
    is_lone = True

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "store.db"
        self.key_file = folder / "store.key"

    async def open(self) -> Storage:
        return await open_tiny(self.path, self.key_file)

    async def leases_run_out(self) -> None:
        pass

    @asynccontextmanager
    async def failing(self) -> AsyncIterator[None]:
        with full_device(".journal."):
            yield


IMPLEMENTATIONS: list[Any] = [
    pytest.param(TinyGround, id="tiny"),
    pytest.param(TimedGround, id="postgres"),
]


class Store:
    """An open store, and what a test does to it from outside."""

    def __init__(self, ground: Ground, storage: Storage) -> None:
        self.ground = ground
        self.storage = storage

    async def reopen(self) -> Storage:
        await self.storage.close()
        self.storage = await self.ground.open()
        return self.storage


@pytest.fixture(params=IMPLEMENTATIONS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    ground: Ground = request.param(tmp_path)
    store = Store(ground, await ground.open())
    yield store
    await store.storage.close()


@pytest.fixture
def storage(store: Store) -> Storage:
    return store.storage


NOON = datetime(2020, 3, 6, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = timedelta(minutes=5)
NIGHTINGALES = PetitionRef("uk", 300239)
HEDGES = PetitionRef("uk", 300240)
OAKS = PetitionRef("uk", 300241)
ANN, BOB, CAT = 42, 43, -1001234567890


def petition(ref: PetitionRef = NIGHTINGALES, count: int = 9_000) -> Petition:
    return Petition(
        ref=ref,
        url=f"https://petition.example/petitions/{ref.id}",
        action="Count the nightingales",
        state="open",
        signature_count=count,
    )


def known(
    ref: PetitionRef = NIGHTINGALES, count: int = 9_000, at: datetime = NOON
) -> PetitionHistory:
    return PetitionHistory(petition(ref, count), at)


def occurred(event: Event, ref: PetitionRef = NIGHTINGALES, at: datetime = NOON) -> Occurrence:
    return Occurrence(f"{ref}:{event.key}", ref, at, event)


def milestone(number: int, ref: PetitionRef = NIGHTINGALES) -> Occurrence:
    return occurred(MilestoneReached(number, number + 7), ref)


def follows(
    chat_id: int, ref: PetitionRef = NIGHTINGALES, at: datetime = NOON, **more: Any
) -> Subscription:
    return Subscription(chat_id, ref, at, **more)


async def follow(storage: Storage, *subscriptions: Subscription) -> None:
    """Let chats follow petitions, made known first if need be."""
    for subscription in subscriptions:
        if await storage.history(subscription.petition) is None:
            await storage.commit_poll(known(subscription.petition), [], NOON)
        if await storage.chat(subscription.chat_id) is None:
            await storage.save_chat(Chat(subscription.chat_id))
        await storage.subscribe(subscription)


async def ring(storage: Storage, *occurrences: Occurrence, at: datetime = NOON) -> int:
    """Something happened to the petition; how many deliveries are owed for it."""
    before = await storage.history(occurrences[0].petition)
    assert before is not None
    return await storage.commit_poll(before, occurrences, at)


async def claim(storage: Storage, at: datetime = NOON, limit: int = 100) -> list[ClaimedDelivery]:
    return list(await storage.claim_deliveries(at, limit, LEASE))


async def claimed_keys(storage: Storage, at: datetime = NOON, limit: int = 100) -> list[str]:
    return [each.delivery.key for each in await claim(storage, at, limit)]


async def heard(storage: Storage, at: datetime = NOON) -> list[str]:
    """Send whatever can be sent at one instant; the keys, in the order they went."""
    keys: list[str] = []
    while batch := await claimed_keys(storage, at):
        keys += batch
        for key in batch:
            await storage.settle(key)
    return keys


def key(number: int, chat_id: int, ref: PetitionRef = NIGHTINGALES) -> str:
    return f"{ref}:milestone:{number}:{chat_id}"


RESPONSE = GovernmentResponse("We will.", "At once.", date(2020, 4, 1), NOON, NOON + MINUTE)
EVENTS: list[Event] = [
    Opened(NOON),
    MilestoneReached(10_000, 10_007, "response", NOON),
    Responded(RESPONSE, NOON),
    ResponseRevised(RESPONSE, ("We might.",), ("We will.",)),
    ResponseWithdrawn(date(2020, 4, 1)),
    DebateScheduled(date(2020, 5, 4)),
    DebateMoved(date(2020, 5, 4), date(2020, 5, 11)),
    DebateCancelled(date(2020, 5, 11)),
    Debated(date(2020, 5, 11), "They agreed."),
    NotDebated("They did not."),
    DebateLink("transcript", "https://hansard.example/1"),
    BusinessAdded(Business("A letter", "Dear all", date(2020, 5, 1), NOON), "a1"),
    CommitteeNoted("We wrote to them.", revised=True),
    Closed(12_345, NOON, early=True),
    Referred(NOON),
    Completed(NOON),
    Rejected(Rejection("duplicate", "See the *other*.")),
    NotPublished("stopped"),
    Removed(),
    Reopened("closed", "open"),
    CountFell(12_345, 11_000),
    ClosingSoon(72, NOON, 12_345, 40.5, (12_400, 13_000)),
    ResponseOverdue(30, NOON),
    DebateOverdue(60, NOON),
    DebateToday(date(2020, 5, 4)),
    DebatePassed(date(2020, 5, 4)),
    Surged(900, 12.5, 12_345),
]

FULL = PetitionHistory(
    petition=structs.replace(
        petition(),
        background="Ünïcode, \u2028 and “quotes”",
        opened_at=NOON,
        closing_date=date(2020, 9, 6),
        rejection=Rejection("libel", "No."),
        government_response=RESPONSE,
        debate=Debate(date(2020, 5, 11), "They agreed.", video_url="https://video.example"),
        departments=(Department("Birds", "DB"),),
        topics=("nature", "song"),
        signatures_by_country=(Place("Wales", "GB-WLS", 12, ""),),
        other_parliamentary_business=(Business("A letter"),),
        missing=frozenset({"topics", "debate"}),
    ),
    read_at=NOON + timedelta(microseconds=250),
    seen=frozenset({"milestone:1000", "opened"}),
    earlier_responses=(GovernmentResponse("We might."),),
    gone_looks=2,
    removed=True,
)


async def told(storage: Storage, at: datetime = NOON) -> list[tuple[str, str]]:
    """Send what is claimed at one instant; the keys, and the queues they are in."""
    batch = [(each.delivery.key, each.delivery.queue) for each in await claim(storage, at)]
    await storage.settle(*(key for key, _ in batch))
    return batch


SLEEPS = Preferences(quiet=Quiet(11 * 60, 13 * 60))


EVENING = NOON + timedelta(hours=6)  # when a digest comes unless another hour was chosen


DIGESTS = Preferences({"milestone": "digest", "response": "digest"})


WISHES = Preferences(milestones=CustomMilestones((15_000,), every=4_000))


def asks(chat_id: int, **more: Any) -> Rule:
    wanted: dict[str, Any] = {"kinds": ("milestone", "response"), **more}
    return Rule(chat_id, "uk", NOON, **wanted)


queues = st.sampled_from(("flood", "digest"))


refs = st.sampled_from((NIGHTINGALES, HEDGES))


async def picture(storage: Storage) -> list[object]:
    """All that a store can tell of the small world without changing it."""
    refs, chats = (NIGHTINGALES, HEDGES), (ANN, BOB, CAT)
    return [
        await storage.tally(),
        await storage.followed(),
        await storage.note("offset"),
        await storage.next_due(NOON),
        [await storage.chat_data(chat) for chat in chats],
        [await storage.subscriptions(chat) for chat in chats],
        [await storage.rules(chat) for chat in chats],
        await storage.ruled_sites(),
        await storage.petitions(),
        [await storage.history(ref) for ref in refs],
        [await storage.readings(ref, NOON - timedelta(days=999)) for ref in refs],
    ]


async def a_full_house(storage: Storage) -> None:
    await storage.commit_poll(FULL, [], NOON)
    await follow(storage, follows(ANN, muted=True, card_id=7), follows(BOB), follows(ANN, HEDGES))
    await ring(storage, milestone(10_000))
    for event in EVENTS:
        await ring(storage, occurred(event, HEDGES))
    await storage.set_preferences(
        ANN, Preferences({"response": "digest"}, zone="Asia/Kathmandu"), NOON
    )
    await storage.set_subscription_preferences(ANN, HEDGES, WISHES, NOON)
    await storage.save_rule(asks(CAT, words=("nightingales",), thread_id=7), NOON)
    await storage.save_rule(structs.replace(asks(CAT), site="senedd"), NOON)
    await ring(storage, milestone(25_000))
    await storage.rest_chat(BOB, "blocked", NOON)
    await storage.save_note("offset", "7")


NOTHING = Pruned(0, 0, 0)


QUARTER = timedelta(days=90)
