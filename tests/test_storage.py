"""The storage contract: what `storage.Storage` promises, run over every implementation."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, structs
from postgres import PostgresGround
from store_files import full_device

from bot.errors import StorageError
from bot.petitions.events import (
    BusinessAdded,
    Closed,
    ClosingSoon,
    CommitteeNoted,
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
    Occurrence,
    Opened,
    Rejected,
    Removed,
    Reopened,
    Responded,
    ResponseOverdue,
    ResponseRevised,
    ResponseWithdrawn,
    Surged,
    ToppedIn,
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
    Reading,
    Rejection,
)
from bot.petitions.thresholds import CustomMilestones, rungs
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.subscription import Chat, Digest, Preferences, Quiet, Rule, Subscription
from storage import ChatData, ClaimedDelivery, Pruned, Storage, Tally
from storage.tinydb.store import open_tiny

# --- the implementations -------------------------------------------------------------------------


class Ground(Protocol):
    """Where a store lives: it can be opened again and again, and its writes can be made to fail.

    `scripts` is how many sequences of use cases it is quick enough for; where only one process can
    have it open (`is_lone`), leases end with that process.
    """

    scripts: ClassVar[int]
    is_lone: ClassVar[bool]

    def __init__(self, folder: Path) -> None: ...

    async def open(self) -> Storage: ...

    def failing(self) -> AbstractAsyncContextManager[None]: ...


class TinyGround:
    """A folder; in the place of the open journal, a device that is always full."""

    scripts = 120
    is_lone = True

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "store.db"
        self.key_file = folder / "store.key"

    async def open(self) -> Storage:
        return await open_tiny(self.path, self.key_file)

    @asynccontextmanager
    async def failing(self) -> AsyncIterator[None]:
        with full_device(".journal."):
            yield


IMPLEMENTATIONS: list[Any] = [
    pytest.param(TinyGround, id="tiny"),
    pytest.param(PostgresGround, id="postgres"),
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


# --- a small world -------------------------------------------------------------------------------

NOON = datetime(2020, 3, 6, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = timedelta(minutes=5)
STORES = Path(__file__).parent / "stores"
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
        if await storage.known(subscription.petition) is None:
            await storage.commit_poll(known(subscription.petition), [], NOON)
        if await storage.chat(subscription.chat_id) is None:
            await storage.save_chat(Chat(subscription.chat_id))
        await storage.subscribe(subscription)


async def ring(storage: Storage, *occurrences: Occurrence, at: datetime = NOON) -> int:
    """Something happened to the petition; how many deliveries are owed for it."""
    before = await storage.known(occurrences[0].petition)
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
    Rejected(Rejection("duplicate", "See the *other*.")),
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


# --- chats ---------------------------------------------------------------------------------------


async def test_a_stranger_is_nobody(storage: Storage) -> None:
    assert await storage.chat(ANN) is None
    assert await storage.chat_data(ANN) is None


async def test_a_chat_is_kept_as_given(storage: Storage) -> None:
    chat = Chat(CAT, "supergroup", NOON, NOON + MINUTE, "blocked", NOON + 2 * MINUTE)
    await storage.save_chat(chat)
    assert await storage.chat(CAT) == chat
    assert await storage.chat(ANN) is None


async def test_saving_a_chat_replaces_all_that_was_known_of_it(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "private", NOON, NOON))
    await storage.save_chat(Chat(ANN, "group"))
    assert await storage.chat(ANN) == Chat(ANN, "group")


async def test_saving_a_chat_touches_no_other(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "private", NOON))
    await storage.save_chat(Chat(BOB))
    assert await storage.chat(ANN) == Chat(ANN, "private", NOON)


async def test_a_resting_chat_is_sent_nothing_and_keeps_everything(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(25_000))
    assert await claimed_keys(storage) == []
    assert await storage.next_due(NOON) is None
    chat = Chat(ANN, resting="blocked", resting_since=NOON)
    assert await storage.chat_data(ANN) == ChatData(chat, (follows(ANN),), 2)


async def test_a_resting_chat_holds_back_nobody_else(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    assert await claimed_keys(storage) == [key(10_000, BOB)]


async def test_a_chat_saved_as_resting_is_sent_nothing(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.save_chat(Chat(ANN, resting="kicked", resting_since=NOON))
    assert await claimed_keys(storage) == []


async def test_a_chat_told_to_rest_again_has_rested_since_the_first_time(
    storage: Storage,
) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.rest_chat(ANN, "blocked", NOON)
    await storage.rest_chat(ANN, "deleted", NOON + MINUTE)
    assert await storage.chat(ANN) == Chat(ANN, resting="deleted", resting_since=NOON)


async def test_resting_a_stranger_makes_no_chat(storage: Storage) -> None:
    await storage.rest_chat(ANN, "blocked", NOON)
    assert await storage.chat(ANN) is None


async def test_a_chat_that_wakes_is_sent_what_waited(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    assert await storage.wake_chat(ANN, NOON + MINUTE) is True
    assert await storage.chat(ANN) == Chat(ANN, returned=True)
    assert await heard(storage, NOON + MINUTE) == [key(10_000, ANN), key(25_000, ANN)]


async def test_waking_a_chat_that_is_awake_or_unknown_does_nothing(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "private", NOON))
    assert await storage.wake_chat(ANN, NOON) is False
    assert await storage.wake_chat(BOB, NOON) is False
    assert await storage.chat(ANN) == Chat(ANN, "private", NOON)
    assert await storage.chat(BOB) is None


async def test_a_chat_that_returns_is_given_all_it_waited_for_at_once(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, at=NOON + MINUTE))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    await storage.wake_chat(ANN, NOON)
    batch = await claimed_keys(storage, limit=1)
    assert batch == [key(10_000, ANN), key(25_000, ANN)]
    assert await claimed_keys(storage) == [key(10_000, BOB)]
    await storage.settle(*batch)
    assert await storage.chat(ANN) == Chat(ANN)


async def test_a_chat_is_told_of_no_more_than_fifty_things_at_once(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.rest_chat(ANN, "blocked", NOON)
    for number in islice(rungs(), 60):
        await ring(storage, milestone(number))
    await storage.wake_chat(ANN, NOON)
    batch = await claimed_keys(storage)
    assert len(batch) == 50
    await storage.settle(*batch)
    assert await storage.chat(ANN) == Chat(ANN, returned=True)
    await storage.settle(*await claimed_keys(storage))
    assert await storage.chat(ANN) == Chat(ANN)


async def test_a_chat_to_which_nothing_was_owed_has_not_returned(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.rest_chat(ANN, "blocked", NOON)
    await storage.wake_chat(ANN, NOON)
    assert await storage.chat(ANN) == Chat(ANN)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    assert await claimed_keys(storage) == [key(10_000, ANN)]


async def test_who_stops_following_all_that_waited_has_not_returned(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    await storage.wake_chat(ANN, NOON)
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await storage.chat(ANN) == Chat(ANN)


async def test_a_summary_that_could_not_be_sent_is_tried_again_as_one(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    await store.storage.rest_chat(ANN, "blocked", NOON)
    await ring(store.storage, milestone(10_000))
    await ring(store.storage, milestone(25_000))
    await store.storage.wake_chat(ANN, NOON)
    batch = await claimed_keys(store.storage)
    for each in batch:
        await store.storage.retry(each, NOON + MINUTE)
    storage = await store.reopen()
    assert await claimed_keys(storage, NOON) == []
    assert await claimed_keys(storage, NOON + MINUTE) == batch


async def test_resting_and_waking_over_and_over_sends_once(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    for _ in range(5):
        await storage.rest_chat(ANN, "blocked", NOON)
        await storage.wake_chat(ANN, NOON)
    assert await claimed_keys(storage) == [key(10_000, ANN)]
    assert await claimed_keys(storage) == []


async def test_a_moved_chat_takes_everything_along(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "group", NOON, NOON + MINUTE))
    await follow(storage, follows(ANN, muted=True), follows(ANN, HEDGES, NOON + MINUTE))
    await ring(storage, milestone(10_000))
    await storage.move_chat(ANN, CAT)
    moved = Chat(CAT, "group", NOON, NOON + MINUTE)
    mine = (follows(CAT, HEDGES, NOON + MINUTE), follows(CAT, muted=True))
    assert await storage.chat_data(CAT) == ChatData(moved, mine, 1)
    [claimed] = await claim(storage)
    assert (claimed.delivery.key, claimed.delivery.chat_id) == (key(10_000, CAT), CAT)
    assert claimed.delivery.silent


async def test_a_moved_chat_leaves_nothing_behind(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.move_chat(ANN, CAT)
    assert await storage.chat_data(ANN) is None
    assert await storage.subscriptions(ANN) == []
    assert await storage.tally() == Tally(1, 1, 1, 1, NOON, NOON)
    assert await ring(storage, milestone(25_000)) == 1


async def test_what_both_chats_follow_is_followed_once_and_since_the_older(
    storage: Storage,
) -> None:
    await follow(
        storage,
        follows(ANN, NIGHTINGALES, NOON, muted=True),
        follows(CAT, NIGHTINGALES, NOON + MINUTE),
        follows(ANN, HEDGES, NOON + MINUTE),
        follows(CAT, HEDGES, NOON),
    )
    await storage.move_chat(ANN, CAT)
    assert await storage.subscription(CAT, NIGHTINGALES) == follows(CAT, muted=True)
    assert await storage.subscription(CAT, HEDGES) == follows(CAT, HEDGES)
    assert len(await storage.subscriptions(CAT)) == 2


async def test_what_both_chats_are_owed_is_owed_once(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(CAT, at=NOON + MINUTE), follows(ANN, HEDGES))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await storage.move_chat(ANN, CAT)
    assert await heard(storage) == [key(10_000, CAT), key(10_000, CAT, HEDGES)]


async def test_what_is_in_flight_to_the_new_chat_stays_in_flight(storage: Storage) -> None:
    await follow(storage, follows(CAT), follows(ANN, at=NOON + MINUTE))
    await ring(storage, milestone(10_000))
    assert await claimed_keys(storage, limit=1) == [key(10_000, CAT)]
    await storage.move_chat(ANN, CAT)
    assert await claimed_keys(storage) == []


async def test_what_was_in_flight_to_the_old_chat_is_free_under_the_new_id(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    assert await claimed_keys(storage) == [key(10_000, ANN)]
    await storage.move_chat(ANN, CAT)
    assert await claimed_keys(storage) == [key(10_000, CAT)]


async def test_a_digest_that_is_tried_again_is_not_put_off_by_a_change_of_terms(
    storage: Storage,
) -> None:
    weekly = structs.replace(DIGESTS, digest=Digest(EVENING.hour * 60, EVENING.weekday()))
    await follow(storage, follows(ANN))
    await storage.set_terms(ANN, weekly, NOON)
    await ring(storage, milestone(10_000))
    due = await storage.next_due(NOON)
    assert due
    await claim(storage, due)
    await storage.retry(key(10_000, ANN), due + MINUTE)
    await storage.mute(ANN, NIGHTINGALES, True, due + MINUTE / 2)
    assert await storage.next_due(due) == due + MINUTE


async def test_a_chat_moved_onto_a_known_one_keeps_the_earliest_consent(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, "group", NOON, NOON + MINUTE, "kicked", NOON))
    await storage.save_chat(Chat(CAT, "supergroup", NOON + MINUTE))
    await storage.move_chat(ANN, CAT)
    assert await storage.chat(CAT) == Chat(CAT, "supergroup", NOON, NOON + MINUTE)


async def test_a_moved_chat_keeps_its_terms_unless_the_new_one_has_its_own(
    storage: Storage,
) -> None:
    await storage.save_chat(Chat(ANN, language="cy", terms=DIGESTS))
    await storage.save_chat(Chat(CAT, "supergroup"))
    await storage.move_chat(ANN, CAT)
    assert await storage.chat(CAT) == Chat(CAT, "supergroup", language="cy", terms=DIGESTS)
    await storage.save_chat(Chat(BOB, language="en", terms=SLEEPS))
    await storage.move_chat(CAT, BOB)
    assert await storage.chat(BOB) == Chat(BOB, language="en", terms=SLEEPS)


async def test_moving_a_stranger_or_nowhere_changes_nothing(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.move_chat(BOB, CAT)
    await storage.move_chat(ANN, ANN)
    assert await storage.chat(CAT) is None
    assert await storage.chat_data(ANN) == ChatData(Chat(ANN), (follows(ANN),), 1)


async def test_a_forgotten_chat_is_a_stranger(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await ring(storage, milestone(10_000))
    await storage.forget_chat(ANN)
    assert await storage.chat_data(ANN) is None
    assert await storage.subscriptions(ANN) == []
    assert await storage.followed() == []
    assert await claimed_keys(storage) == []
    assert await storage.tally() == Tally(0, 0, 2, 0, None)


async def test_forgetting_a_chat_takes_nothing_from_another(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    await storage.forget_chat(ANN)
    await storage.forget_chat(CAT)
    assert await storage.chat_data(BOB) == ChatData(Chat(BOB), (follows(BOB),), 1)
    assert await claimed_keys(storage) == [key(10_000, BOB)]


async def test_a_delivery_in_flight_to_a_forgotten_chat_settles_into_nothing(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    [claimed] = await claim(storage)
    await storage.forget_chat(ANN)
    await storage.settle(claimed.delivery.key)
    await storage.retry(claimed.delivery.key, NOON)
    assert await claimed_keys(storage, NOON + LEASE) == []


# --- subscriptions -------------------------------------------------------------------------------


async def test_a_new_subscription_is_returned_as_new(storage: Storage) -> None:
    await storage.commit_poll(known(), [], NOON)
    wanted = follows(CAT, thread_id=7, muted=True)
    assert await storage.subscribe(wanted) == (wanted, True)
    assert await storage.subscription(CAT, NIGHTINGALES) == wanted


async def test_an_existing_subscription_is_left_as_it_is(storage: Storage) -> None:
    await follow(storage, follows(ANN, muted=True))
    again = await storage.subscribe(follows(ANN, at=NOON + MINUTE))
    assert again == (follows(ANN, muted=True), False)
    assert await storage.subscriptions(ANN) == [follows(ANN, muted=True)]


async def test_an_unknown_petition_cannot_be_followed(storage: Storage) -> None:
    with pytest.raises(StorageError):
        await storage.subscribe(follows(ANN))
    assert await storage.subscription(ANN, NIGHTINGALES) is None
    assert await storage.followed() == []


async def test_subscribing_rings_nothing_that_happened_before(storage: Storage) -> None:
    await storage.commit_poll(known(), [milestone(10_000)], NOON)
    await follow(storage, follows(ANN))
    assert await claimed_keys(storage) == []


async def test_who_stops_following_gets_back_what_was(storage: Storage) -> None:
    await follow(storage, follows(ANN, muted=True))
    assert await storage.unsubscribe(ANN, NIGHTINGALES) == follows(ANN, muted=True)
    assert await storage.subscription(ANN, NIGHTINGALES) is None
    assert await storage.unsubscribe(ANN, NIGHTINGALES) is None


async def test_what_was_owed_goes_with_the_subscription(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await claimed_keys(storage) == []
    assert await ring(storage, milestone(25_000)) == 0


async def test_stopping_takes_no_other_subscription_and_nobody_elses_alerts(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES), follows(BOB))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await storage.subscriptions(ANN) == [follows(ANN, HEDGES)]
    assert await heard(storage) == [key(10_000, BOB), key(10_000, ANN, HEDGES)]


async def test_a_petition_nobody_follows_stays_known_and_rings_nothing_twice(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await heard(storage)
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await storage.known(NIGHTINGALES) == known()
    await storage.subscribe(follows(ANN))
    assert await ring(storage, milestone(10_000)) == 0


async def test_subscriptions_come_newest_first(storage: Storage) -> None:
    refs = [PetitionRef("uk", number) for number in (5, 9, 1, 7)]
    for minutes, ref in enumerate(refs):
        await follow(storage, follows(ANN, ref, NOON + minutes * MINUTE))
    await follow(storage, follows(BOB, HEDGES))
    listed = [each.petition for each in await storage.subscriptions(ANN)]
    assert listed == refs[::-1]
    assert await storage.subscriptions(CAT) == []


async def test_muting_silences_what_waits_and_what_comes(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    assert await storage.mute(ANN, NIGHTINGALES, True, NOON) == follows(ANN, muted=True)
    await ring(storage, milestone(25_000))
    assert await _silences(storage) == [True, True]


async def test_unmuting_lets_ring_what_waits_and_what_comes(storage: Storage) -> None:
    await follow(storage, follows(ANN, muted=True))
    await ring(storage, milestone(10_000))
    assert await storage.mute(ANN, NIGHTINGALES, False, NOON) == follows(ANN)
    await ring(storage, milestone(25_000))
    assert await _silences(storage) == [False, False]


async def test_unmuting_makes_nothing_ring_that_is_silent_by_its_terms(storage: Storage) -> None:
    await follow(storage, follows(ANN, muted=True, terms=Preferences({"milestone": "silent"})))
    await ring(storage, milestone(10_000))
    await storage.mute(ANN, NIGHTINGALES, False, NOON)
    await ring(storage, milestone(25_000))
    assert await _silences(storage) == [True, True]


async def test_muting_silences_what_waits_for_a_moment_and_leaves_it_there(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_terms(ANN, SLEEPS, NOON)
    for ref in (NIGHTINGALES, HEDGES):
        await ring(storage, milestone(10_000, ref))
    await storage.mute(ANN, NIGHTINGALES, True, NOON)
    assert await storage.next_due(NOON) == NOON + timedelta(hours=1)
    waited = await claim(storage, NOON + timedelta(hours=1))
    assert [each.delivery.silent for each in waited] == [True, False]


async def test_muting_silences_what_was_owed_before_it_was_turned_off(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.set_terms(ANN, Preferences({"milestone": "off"}), NOON)
    await storage.mute(ANN, NIGHTINGALES, True, NOON)
    assert await _silences(storage) == [True]


async def test_a_closing_that_is_gathered_with_others_stays_so_when_it_is_muted(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, occurred(Closed(12_345, NOON, early=True)))
    due = await storage.next_due(NOON)
    await storage.mute(ANN, NIGHTINGALES, True, NOON + MINUTE)
    assert due == await storage.next_due(NOON) == NOON + 10 * MINUTE
    [claimed] = await claim(storage, due)
    assert (claimed.delivery.lane, claimed.delivery.silent) == ("gathered", True)


async def _silences(storage: Storage) -> list[bool]:
    silences: list[bool] = []
    while batch := await claim(storage):
        silences += [each.delivery.silent for each in batch]
        for each in batch:
            await storage.settle(each.delivery.key)
    return silences


async def test_muting_one_petition_silences_no_other_and_nobody_else(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES), follows(BOB))
    await ring(storage, milestone(10_000, HEDGES))
    await ring(storage, milestone(10_000))
    await storage.mute(ANN, NIGHTINGALES, True, NOON)
    assert await storage.subscription(ANN, HEDGES) == follows(ANN, HEDGES)
    assert await storage.subscription(BOB, NIGHTINGALES) == follows(BOB)
    first = await claim(storage)
    assert [each.delivery.silent for each in first] == [False, False]


async def test_what_nobody_follows_cannot_be_muted(storage: Storage) -> None:
    await storage.commit_poll(known(), [], NOON)
    assert await storage.mute(ANN, NIGHTINGALES, True, NOON) is None
    assert await storage.subscription(ANN, NIGHTINGALES) is None


async def test_the_card_of_a_followed_petition_is_remembered(store: Store) -> None:
    await follow(store.storage, follows(ANN), follows(ANN, HEDGES))
    await store.storage.keep_card(ANN, NIGHTINGALES, 77)
    await store.storage.mute(ANN, NIGHTINGALES, True, NOON)
    storage = await store.reopen()
    assert await storage.subscription(ANN, NIGHTINGALES) == follows(ANN, muted=True, card_id=77)
    assert await storage.subscription(ANN, HEDGES) == follows(ANN, HEDGES)
    await storage.keep_card(ANN, NIGHTINGALES, None)
    assert await storage.subscription(ANN, NIGHTINGALES) == follows(ANN, muted=True)


async def test_the_card_of_a_petition_nobody_follows_is_not_remembered(storage: Storage) -> None:
    await storage.commit_poll(known(), [], NOON)
    await storage.keep_card(ANN, NIGHTINGALES, 77)
    assert await storage.subscription(ANN, NIGHTINGALES) is None


async def test_a_card_is_not_looked_for_in_the_chat_that_was_moved_to(storage: Storage) -> None:
    await follow(storage, follows(ANN, card_id=77))
    await storage.move_chat(ANN, CAT)
    assert await storage.subscription(CAT, NIGHTINGALES) == follows(CAT)


async def test_what_was_meant_for_a_topic_that_is_gone_goes_to_the_chat(storage: Storage) -> None:
    await follow(storage, follows(CAT, thread_id=7), follows(CAT, HEDGES, thread_id=8))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await storage.clear_thread(CAT, 7)
    assert await storage.subscription(CAT, NIGHTINGALES) == follows(CAT)
    assert await storage.subscription(CAT, HEDGES) == follows(CAT, HEDGES, thread_id=8)
    [first] = await claim(storage)
    await storage.settle(first.delivery.key)
    [second] = await claim(storage)
    assert (first.delivery.thread_id, second.delivery.thread_id) == (None, 8)


# --- how it is heard -----------------------------------------------------------------------------

DIGESTS = Preferences({"milestone": "digest", "response": "digest"})
EVENING = NOON + timedelta(hours=6)  # when a digest comes unless another hour was chosen
TOMORROW = timedelta(days=1)
SLEEPS = Preferences(quiet=Quiet(11 * 60, 13 * 60))


async def told(storage: Storage, at: datetime = NOON) -> list[tuple[str, str]]:
    """Send what is claimed at one instant; the keys, and the lanes they are in."""
    batch = [(each.delivery.key, each.delivery.lane) for each in await claim(storage, at)]
    await storage.settle(*(key for key, _ in batch))
    return batch


async def test_nobody_sets_the_terms_of_a_stranger(storage: Storage) -> None:
    assert await storage.set_terms(ANN, DIGESTS, NOON) is None
    assert await storage.chat(ANN) is None


async def test_the_terms_of_a_chat_are_kept_with_all_else_of_it(store: Store) -> None:
    await store.storage.save_chat(Chat(ANN, "group", NOON, language="cy"))
    terms = Preferences(
        {"milestone": "digest", "fell": "off"},
        closing=(72, 6),
        snoozed_until=NOON,
        zone="Asia/Kathmandu",
        quiet=Quiet(22 * 60, 7 * 60),
        digest=Digest(9 * 60, 4),
        urgent=("response",),
    )
    expected = Chat(ANN, "group", NOON, language="cy", terms=terms)
    assert await store.storage.set_terms(ANN, terms, NOON) == expected
    assert await (await store.reopen()).chat(ANN) == expected


async def test_the_terms_of_a_subscription_are_kept_with_all_else_of_it(store: Store) -> None:
    await follow(store.storage, follows(ANN, muted=True, card_id=7), follows(BOB))
    terms = Preferences(
        {"milestone": "silent"}, milestones=CustomMilestones((15_000,), 5_000, (50,))
    )
    changed = await store.storage.set_subscription_terms(ANN, NIGHTINGALES, terms, NOON)
    assert changed == follows(ANN, muted=True, card_id=7, terms=terms)
    storage = await store.reopen()
    assert await storage.subscription(ANN, NIGHTINGALES) == changed
    assert await storage.subscription(BOB, NIGHTINGALES) == follows(BOB)


async def test_what_nobody_follows_has_no_terms_and_no_topic(storage: Storage) -> None:
    await storage.commit_poll(known(), [], NOON)
    assert await storage.set_subscription_terms(ANN, NIGHTINGALES, DIGESTS, NOON) is None
    assert await storage.set_thread(ANN, NIGHTINGALES, 7) is None
    assert await storage.subscription(ANN, NIGHTINGALES) is None


async def test_what_a_chat_turned_off_is_not_owed_to_it(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await storage.set_terms(ANN, Preferences({"milestone": "off"}), NOON)
    assert await ring(storage, milestone(10_000)) == 1
    assert await heard(storage) == [key(10_000, BOB)]


async def test_everybody_hears_on_their_own_terms(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, terms=DIGESTS), follows(CAT, thread_id=7))
    await storage.set_terms(ANN, Preferences({"milestone": "silent"}), NOON)
    assert await ring(storage, milestone(10_000)) == 3
    early = {each.delivery.chat_id: each.delivery for each in await claim(storage)}
    assert {chat: each.silent for chat, each in early.items()} == {ANN: True, CAT: False}
    assert {chat: each.thread_id for chat, each in early.items()} == {ANN: None, CAT: 7}
    await storage.settle(*(each.key for each in early.values()))
    assert await told(storage, EVENING) == [(key(10_000, BOB), "digest")]


async def test_a_subscriptions_terms_go_before_its_chats(storage: Storage) -> None:
    await follow(
        storage, follows(ANN, terms=Preferences({"milestone": "loud"})), follows(ANN, HEDGES)
    )
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    assert await told(storage) == [(key(10_000, ANN), "")]


async def test_a_claim_brings_the_chat_as_it_is_now(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.save_chat(Chat(ANN, language="cy"))
    [claimed] = await claim(storage)
    assert claimed.chat == Chat(ANN, language="cy")


async def test_what_waits_for_a_digest_comes_at_its_new_hour(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    later = structs.replace(DIGESTS, digest=Digest(20 * 60))
    await storage.set_terms(ANN, later, NOON)
    assert await storage.next_due(NOON) == NOON + timedelta(hours=8)
    assert await claimed_keys(storage, EVENING) == []
    assert await claimed_keys(storage, NOON + timedelta(hours=8)) == [key(10_000, ANN)]


async def test_what_waits_for_nothing_any_more_is_told_at_once(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    for chat in (ANN, BOB):
        await storage.set_terms(chat, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await storage.set_terms(ANN, Preferences(), NOON)
    assert await told(storage) == [(key(10_000, ANN), "")]
    assert await told(storage, EVENING) == [(key(10_000, BOB), "digest")]


async def test_new_terms_of_one_petition_move_nothing_of_another(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    loud = Preferences({"milestone": "loud"})
    await storage.set_subscription_terms(ANN, HEDGES, loud, NOON)
    assert await told(storage) == [(key(10_000, ANN, HEDGES), "")]
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest")]


async def test_what_was_owed_before_it_was_turned_off_still_comes(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await storage.set_terms(ANN, Preferences({"milestone": "off"}), NOON)
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest")]


async def test_new_terms_put_off_nothing_that_is_due_or_in_flight(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await claim(storage, EVENING)
    await ring(storage, milestone(10_000, HEDGES))
    later = structs.replace(DIGESTS, digest=Digest(20 * 60))
    await storage.set_terms(ANN, later, EVENING)
    await storage.set_subscription_terms(ANN, NIGHTINGALES, later, EVENING)
    expected = [(key(10_000, ANN), "digest"), (key(10_000, ANN, HEDGES), "digest")]
    assert await told(storage, EVENING + LEASE) == expected


async def test_new_terms_put_off_nothing_whose_moment_has_come(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await storage.set_terms(ANN, structs.replace(DIGESTS, digest=Digest(20 * 60)), EVENING)
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest")]


async def test_new_terms_leave_together_what_is_in_flight_together(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    late = EVENING + MINUTE
    await ring(storage, milestone(25_000), at=late)
    assert await claimed_keys(storage, late) == [key(10_000, ANN), key(25_000, ANN)]
    await storage.set_terms(ANN, Preferences(), late)
    assert await claimed_keys(storage, late) == []
    again = await told(storage, late + LEASE)
    assert again == [(key(10_000, ANN), "digest"), (key(25_000, ANN), "digest")]


async def test_a_loud_alert_waits_for_no_new_terms(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.set_terms(ANN, SLEEPS, NOON)
    assert await told(storage) == [(key(10_000, ANN), "")]


async def test_an_alert_that_is_due_rings_or_not_by_the_terms_of_now(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, terms=Preferences({"milestone": "silent"})))
    await ring(storage, milestone(10_000))
    await storage.set_terms(ANN, Preferences({"milestone": "silent"}), NOON)
    await storage.set_subscription_terms(BOB, NIGHTINGALES, Preferences(), NOON)
    silent = {each.delivery.chat_id: each.delivery.silent for each in await claim(storage)}
    assert silent == {ANN: True, BOB: False}


async def test_an_alert_that_is_due_is_made_no_louder_by_a_digest(storage: Storage) -> None:
    await follow(storage, follows(ANN, terms=Preferences({"milestone": "silent"})), follows(BOB))
    await ring(storage, milestone(10_000))
    for chat in (ANN, BOB):
        await storage.set_subscription_terms(chat, NIGHTINGALES, DIGESTS, NOON)
    silent = {each.delivery.chat_id: each.delivery.silent for each in await claim(storage)}
    assert silent == {ANN: True, BOB: False}


async def test_a_topic_is_where_all_that_waits_and_comes_goes(storage: Storage) -> None:
    await follow(storage, follows(CAT, card_id=7), follows(CAT, HEDGES, card_id=8))
    await ring(storage, milestone(10_000))
    assert await storage.set_thread(CAT, NIGHTINGALES, 9) == follows(CAT, thread_id=9)
    await ring(storage, milestone(25_000))
    await ring(storage, milestone(10_000, HEDGES))
    threads = []
    while batch := await claim(storage):
        threads += [each.delivery.thread_id for each in batch]
        await storage.settle(*(each.delivery.key for each in batch))
    assert threads == [9, 9, None]
    assert await storage.subscription(CAT, HEDGES) == follows(CAT, HEDGES, card_id=8)


# --- lanes ---------------------------------------------------------------------------------------


async def test_a_digest_is_told_whole_whatever_the_limit(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await ring(storage, milestone(25_000))
    assert await storage.next_due(NOON) == EVENING
    assert await claimed_keys(storage, EVENING - MINUTE) == []
    expected = [key(10_000, ANN), key(10_000, ANN, HEDGES), key(25_000, ANN)]
    assert await claimed_keys(storage, EVENING, limit=1) == expected
    assert await claimed_keys(storage, EVENING) == []


async def test_what_came_too_late_for_a_digest_goes_with_one_that_is_late(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000), at=EVENING + MINUTE)
    expected = [key(10_000, ANN), key(25_000, ANN)]
    assert await claimed_keys(storage, EVENING + 2 * MINUTE) == expected


async def test_what_comes_while_a_digest_is_in_flight_waits_for_the_next(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    batch = await claimed_keys(storage, EVENING)
    await ring(storage, milestone(25_000), at=EVENING)
    assert await claimed_keys(storage, EVENING + MINUTE) == []
    await storage.settle(*batch)
    assert await claimed_keys(storage, EVENING + MINUTE) == []
    assert await claimed_keys(storage, EVENING + TOMORROW) == [key(25_000, ANN)]


async def test_no_more_than_fifty_things_are_told_in_one_digest(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_terms(ANN, DIGESTS, NOON)
    for number in islice(rungs(), 60):
        await ring(storage, milestone(number))
    batch = await claimed_keys(storage, EVENING)
    assert len(batch) == 50
    assert await claimed_keys(storage, EVENING) == []
    await storage.settle(*batch)
    assert len(await claimed_keys(storage, EVENING)) == 10


async def test_a_digest_in_flight_holds_back_no_alert_and_no_other_chats(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES), follows(ANN, OAKS), follows(BOB))
    for chat in (ANN, BOB):
        await storage.set_terms(chat, Preferences({"milestone": "digest"}), NOON)
    await ring(storage, milestone(10_000))
    assert len(await claimed_keys(storage, EVENING, limit=1)) == 1
    await ring(storage, milestone(10_000, HEDGES), at=EVENING)
    note = occurred(CommitteeNoted("We wrote to them."), OAKS)
    await ring(storage, note, at=EVENING)
    expected = [(key(10_000, BOB), "digest"), (f"{note.key}:{ANN}", "")]
    assert await told(storage, EVENING) == expected


async def test_an_alert_in_flight_holds_back_no_digest(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, occurred(CommitteeNoted("We wrote to them."), HEDGES))
    await ring(storage, milestone(10_000))
    assert len(await claim(storage, EVENING - MINUTE)) == 1
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest")]


async def test_an_alert_and_a_digest_can_be_due_together(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_terms(ANN, DIGESTS, NOON)
    note = occurred(CommitteeNoted("We wrote to them."), HEDGES)
    await ring(storage, milestone(10_000))
    await ring(storage, note)
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest"), (f"{note.key}:{ANN}", "")]


async def test_a_digest_that_could_not_be_sent_is_tried_again_as_one(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    await store.storage.set_terms(ANN, DIGESTS, NOON)
    await ring(store.storage, milestone(10_000))
    await ring(store.storage, milestone(25_000))
    batch = await claimed_keys(store.storage, EVENING)
    for each in batch:
        await store.storage.retry(each, EVENING + MINUTE)
    storage = await store.reopen()
    assert await claimed_keys(storage, EVENING) == []
    again = await claim(storage, EVENING + MINUTE)
    assert [each.delivery.key for each in again] == batch
    assert [each.delivery.attempts for each in again] == [1, 1]


async def test_a_resting_chat_gets_no_digest_and_has_it_when_it_wakes(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    assert await storage.next_due(NOON) is None
    assert await claimed_keys(storage, EVENING) == []
    await storage.wake_chat(ANN, EVENING)
    assert await told(storage, EVENING) == [(key(10_000, ANN), "digest")]


async def test_a_chat_that_returned_is_told_of_its_alerts_and_its_digest_apart(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES, terms=DIGESTS))
    await storage.rest_chat(ANN, "blocked", NOON)
    for number in (10_000, 25_000):
        await ring(storage, milestone(number))
        await ring(storage, milestone(number, HEDGES))
    await storage.wake_chat(ANN, NOON)
    alerts = [key(10_000, ANN), key(25_000, ANN)]
    digest = [key(10_000, ANN, HEDGES), key(25_000, ANN, HEDGES)]
    assert await claimed_keys(storage) == alerts
    await storage.settle(*alerts)
    assert await claimed_keys(storage, EVENING) == digest
    await storage.settle(*digest)
    assert await storage.chat(ANN) == Chat(ANN)


async def test_what_is_held_back_is_told_with_its_lane_and_was_not_tried(store: Store) -> None:
    await follow(store.storage, follows(ANN), follows(ANN, HEDGES))
    for number in (10_000, 25_000):
        await ring(store.storage, milestone(number))
    await ring(store.storage, milestone(50_000, HEDGES))
    for number in (10_000, 25_000):
        await claim(store.storage)
        await store.storage.hold(key(number, ANN), "flood", NOON + 2 * MINUTE)
    assert await told(store.storage) == [(key(50_000, ANN, HEDGES), "")]
    storage = await store.reopen()
    claimed = await claim(storage, NOON + 2 * MINUTE)
    flood = [each for each in claimed if each.delivery.lane == "flood"]
    assert [each.delivery.key for each in flood] == [key(10_000, ANN), key(25_000, ANN)]
    assert [each.delivery.attempts for each in flood] == [0, 0]


async def test_what_joins_a_lane_does_not_take_along_what_is_in_flight(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    for number in (10_000, 25_000):
        await ring(storage, milestone(number))
    await storage.hold(key(25_000, ANN), "flood", NOON)
    assert len(await claim(storage)) == 2
    await storage.hold(key(10_000, ANN), "flood", NOON + MINUTE)
    assert await claimed_keys(storage, NOON + MINUTE) == [key(10_000, ANN)]


async def test_holding_back_the_unknown_does_nothing(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    before = await picture(storage)
    await storage.hold(key(99, ANN), "flood", NOON + MINUTE)
    assert await picture(storage) == before


async def test_a_lane_that_is_released_is_told_now_and_no_other(storage: Storage) -> None:
    await follow(
        storage, *(follows(ANN, ref) for ref in (NIGHTINGALES, HEDGES, OAKS)), follows(BOB)
    )
    for chat in (ANN, BOB):
        await storage.set_terms(chat, DIGESTS, NOON)
    for ref in (NIGHTINGALES, HEDGES):
        await ring(storage, milestone(10_000, ref))
    await ring(storage, occurred(CommitteeNoted("We wrote to them."), OAKS))
    for each in await claim(storage):
        await storage.hold(each.delivery.key, "flood", NOON + timedelta(hours=1))
    assert await storage.release(ANN, "digest", NOON) == 2
    expected = [(key(10_000, ANN), "digest"), (key(10_000, ANN, HEDGES), "digest")]
    assert await told(storage) == expected


async def test_what_is_in_flight_is_not_released_again(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    assert await storage.release(ANN, "quiet", NOON) == 0
    assert await storage.release(BOB, "digest", NOON) == 0
    assert await storage.release(ANN, "digest", NOON) == 1
    await claim(storage)
    assert await storage.release(ANN, "digest", NOON) == 0
    assert await claimed_keys(storage) == []


async def test_one_petition_can_be_released_from_behind_another(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await storage.set_terms(ANN, DIGESTS, NOON)
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await ring(storage, milestone(25_000, HEDGES))
    assert await storage.release(ANN, "digest", NOON, HEDGES) == 2
    hedges = [key(10_000, ANN, HEDGES), key(25_000, ANN, HEDGES)]
    assert await claimed_keys(storage) == hedges
    assert await claimed_keys(storage, EVENING - MINUTE) == hedges  # the lease ran out
    assert await told(storage, EVENING - MINUTE) == []
    assert (key(10_000, ANN), "digest") in await told(storage, EVENING)


# --- rules ---------------------------------------------------------------------------------------


def asks(chat_id: int, **more: Any) -> Rule:
    wanted: dict[str, Any] = {"kinds": ("milestone", "response"), **more}
    return Rule(chat_id, "uk", NOON, **wanted)


async def test_rules_are_numbered_by_their_chat_and_kept_as_given(store: Store) -> None:
    wanted = asks(
        ANN,
        words=("nightingales", "song"),
        without=("hedges",),
        topics=("nature",),
        department="Birds",
        constituency="E14001",
        thresholds=("debate",),
        thread_id=7,
        terms=DIGESTS,
    )
    first = await store.storage.save_rule(wanted, NOON)
    assert first == structs.replace(wanted, number=1)
    second = await store.storage.save_rule(asks(ANN), NOON)
    other = await store.storage.save_rule(asks(BOB), NOON)
    assert (second.number, other.number) == (2, 1)
    storage = await store.reopen()
    assert await storage.rules(ANN) == [first, second]
    assert await storage.rules(BOB) == [other]
    assert await storage.rules(CAT) == []


async def test_a_rule_saved_again_takes_its_own_place(storage: Storage) -> None:
    first = await storage.save_rule(asks(ANN, words=("hedges",)), NOON)
    second = await storage.save_rule(asks(ANN), NOON)
    changed = structs.replace(first, words=("nightingales",))
    assert await storage.save_rule(changed, NOON) == changed
    assert await storage.rules(ANN) == [changed, second]


async def test_a_dropped_rule_is_given_back_and_the_rest_keep_their_numbers(
    storage: Storage,
) -> None:
    one, two, three = [await storage.save_rule(asks(ANN), NOON) for _ in range(3)]
    assert await storage.drop_rule(ANN, 2) == two
    assert await storage.drop_rule(ANN, 2) is None
    assert await storage.drop_rule(BOB, 1) is None
    assert await storage.rules(ANN) == [one, three]
    assert (await storage.save_rule(asks(ANN), NOON)).number == 4
    assert await storage.save_rule(two, NOON) == two
    assert [each.number for each in await storage.rules(ANN)] == [1, 2, 3, 4]


async def test_the_rules_of_each_site_are_counted(storage: Storage) -> None:
    assert await storage.ruled_sites() == {}
    first = await storage.save_rule(asks(ANN), NOON)
    await storage.save_rule(asks(BOB), NOON)
    await storage.save_rule(structs.replace(asks(ANN), site="senedd"), NOON)
    assert await storage.ruled_sites() == {"uk": 2, "senedd": 1}
    await storage.save_rule(structs.replace(first, site="senedd"), NOON)
    await storage.drop_rule(BOB, 1)
    assert await storage.ruled_sites() == {"senedd": 2}


async def test_the_rules_of_a_chat_are_among_its_data(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    rule = await storage.save_rule(asks(ANN, words=("hedges",)), NOON)
    assert await storage.chat_data(ANN) == ChatData(Chat(ANN), (), 0, (rule,))


async def test_a_rule_brings_what_a_chat_never_followed(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    rule = await storage.save_rule(asks(ANN, words=("nightingale",), thread_id=7), NOON)
    await storage.save_rule(asks(BOB, words=("hedges",)), NOON)
    await storage.commit_poll(known(), [], NOON)
    assert await ring(storage, milestone(10_000)) == 1
    [claimed] = await claim(storage)
    assert (claimed.delivery.key, claimed.delivery.rule) == (key(10_000, ANN), 1)
    assert claimed.delivery.thread_id == 7
    assert (claimed.chat, claimed.rule) == (Chat(ANN), rule)


async def test_a_rule_hears_of_its_own_site_and_kinds_only(storage: Storage) -> None:
    await storage.save_rule(asks(ANN, kinds=("business",)), NOON)
    await storage.save_rule(structs.replace(asks(ANN), site="senedd"), NOON)
    await storage.commit_poll(known(), [], NOON)
    assert await ring(storage, milestone(10_000)) == 0
    assert await ring(storage, occurred(CommitteeNoted("We wrote to them."))) == 1


async def test_overlapping_rules_and_a_subscription_ring_once(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    for number in (1, 2):
        assert (await storage.save_rule(asks(ANN), NOON)).number == number
        await storage.save_rule(asks(CAT), NOON)
    assert await ring(storage, milestone(10_000)) == 3
    claimed = {each.delivery.chat_id: each.delivery for each in await claim(storage)}
    assert {chat: each.rule for chat, each in claimed.items()} == {ANN: 0, BOB: 0, CAT: 1}


async def test_the_loudest_way_of_a_chat_is_the_one_it_hears_by(storage: Storage) -> None:
    await follow(storage, follows(ANN, thread_id=5))
    await storage.save_chat(Chat(ANN, terms=DIGESTS))
    loud = Preferences({"milestone": "loud"})
    await storage.save_rule(asks(ANN, thread_id=9, terms=loud), NOON)
    assert await ring(storage, milestone(10_000)) == 1
    [claimed] = await claim(storage)
    assert (claimed.delivery.rule, claimed.delivery.thread_id) == (1, 9)


async def test_the_loudest_rule_is_heard_though_another_was_made_quieter(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN, terms=Preferences({"milestone": "silent"})), NOON)
    await storage.save_rule(asks(ANN, thread_id=9), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    [claimed] = await claim(storage)
    assert (claimed.delivery.rule, claimed.delivery.silent) == (2, False)
    assert claimed.delivery.thread_id == 9


async def test_what_waits_is_decided_again_as_it_was_decided_first(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.save_chat(Chat(ANN, terms=structs.replace(DIGESTS, quiet=SLEEPS.quiet)))
    await storage.save_rule(asks(ANN), NOON)
    await ring(storage, milestone(10_000))
    snoozed = Preferences(snoozed_until=NOON + MINUTE)
    await storage.set_subscription_terms(ANN, NIGHTINGALES, snoozed, NOON)
    await ring(storage, milestone(25_000))
    expected = [(key(10_000, ANN), "digest"), (key(25_000, ANN), "digest")]
    assert await storage.next_due(NOON) == EVENING
    assert await told(storage, EVENING) == expected


async def test_a_rule_hears_on_its_chats_terms(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, terms=SLEEPS))
    await storage.save_rule(asks(ANN), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    assert await storage.next_due(NOON) == NOON + timedelta(hours=1)
    await storage.set_terms(ANN, Preferences(), NOON)
    assert await told(storage) == [(key(10_000, ANN), "")]


async def test_what_a_rule_has_waiting_is_heard_on_that_rules_terms(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN, terms=Preferences({"milestone": "digest"})), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    terms = Preferences({"milestone": "loud"}, digest=Digest(20 * 60))
    await storage.set_terms(ANN, terms, NOON)
    assert await storage.next_due(NOON) == NOON + timedelta(hours=8)


async def test_what_a_rule_has_waiting_is_heard_as_the_rule_says_now(storage: Storage) -> None:
    terms = Preferences({"milestone": "digest", "response": "digest"})
    await storage.save_chat(Chat(ANN))
    rule = await storage.save_rule(asks(ANN, kinds=("milestone",), terms=terms), NOON)
    await storage.save_rule(asks(ANN, kinds=("response",)), NOON)
    await storage.commit_poll(known(), [], NOON)
    response = occurred(Responded(RESPONSE, NOON))
    await ring(storage, milestone(10_000), response)
    await storage.hold(f"{response.key}:{ANN}", "flood", EVENING)
    silent = structs.replace(rule, terms=Preferences({"milestone": "silent"}))
    await storage.save_rule(silent, NOON + MINUTE)
    [claimed] = await claim(storage, NOON + MINUTE)
    assert (claimed.delivery.key, claimed.delivery.lane) == (key(10_000, ANN), "")
    assert claimed.delivery.silent
    assert (f"{response.key}:{ANN}", "flood") in await told(storage, EVENING)


async def test_what_a_rule_owes_already_comes_after_it_was_dropped(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    await storage.drop_rule(ANN, 1)
    assert await ring(storage, milestone(25_000)) == 0
    [claimed] = await claim(storage)
    assert (claimed.delivery.key, claimed.rule) == (key(10_000, ANN), None)


async def test_what_a_dropped_rule_owes_is_not_taken_for_a_newer_rules(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    await storage.drop_rule(ANN, 1)
    await storage.save_rule(asks(ANN, words=("hedges",)), NOON)
    [claimed] = await claim(storage)
    assert claimed.rule is None


async def test_a_rule_of_a_resting_chat_is_matched_and_waits(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN), NOON)
    await storage.commit_poll(known(), [], NOON)
    await storage.rest_chat(ANN, "blocked", NOON)
    assert await ring(storage, milestone(10_000)) == 1
    assert await claimed_keys(storage) == []
    await storage.wake_chat(ANN, NOON)
    assert await claimed_keys(storage) == [key(10_000, ANN)]


async def test_a_rule_of_a_constituency_hears_of_its_petitions(storage: Storage) -> None:
    seat = ToppedIn("E14001", "Leeds", 3, 120, 0.01)
    await storage.save_rule(asks(ANN, constituency="E14001", kinds=("place", "response")), NOON)
    await storage.save_rule(asks(BOB, constituency="E14002", kinds=("place", "response")), NOON)
    await storage.commit_poll(known(), [], NOON)
    assert await ring(storage, occurred(seat)) == 1
    topped = structs.replace(known(), top=("E14001", "E14003"))
    response = occurred(Responded(RESPONSE, NOON))
    assert await storage.commit_poll(topped, [response], NOON) == 1
    assert await heard(storage) == [f"{occurred(seat).key}:{ANN}", f"{response.key}:{ANN}"]


async def test_a_petition_seen_first_can_ring_by_a_rule(storage: Storage) -> None:
    await storage.save_rule(asks(ANN, kinds=("opened",)), NOON)
    opened = occurred(Opened(NOON))
    assert await storage.commit_poll(known(), [opened], NOON) == 1
    assert await heard(storage) == [f"{opened.key}:{ANN}"]


async def test_a_moved_chat_takes_its_rules_along(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    rule = await storage.save_rule(asks(ANN, words=("nightingales",)), NOON)
    await storage.move_chat(ANN, CAT)
    moved = structs.replace(rule, chat_id=CAT)
    assert await storage.rules(ANN) == []
    assert await storage.chat_data(CAT) == ChatData(Chat(CAT), (), 0, (moved,))
    await storage.commit_poll(known(), [], NOON)
    assert await ring(storage, milestone(10_000)) == 1
    assert await claimed_keys(storage) == [key(10_000, CAT)]


async def test_rules_of_both_chats_are_kept_and_the_same_one_once(storage: Storage) -> None:
    for chat in (ANN, CAT):
        await storage.save_chat(Chat(chat))
    await storage.save_rule(asks(ANN), NOON)
    await storage.save_rule(asks(ANN, words=("nightingales",), terms=DIGESTS), NOON)
    await storage.save_rule(asks(CAT, words=("hedges",)), NOON)
    await storage.save_rule(structs.replace(asks(CAT), created_at=NOON + MINUTE), NOON)
    await storage.move_chat(ANN, CAT)
    assert await storage.rules(CAT) == [
        asks(CAT, words=("hedges",), number=1),
        asks(CAT, number=2),
        asks(CAT, words=("nightingales",), terms=DIGESTS, number=3),
    ]
    assert await storage.ruled_sites() == {"uk": 3}


async def test_what_a_moved_chats_rule_owes_names_it_by_its_new_number(storage: Storage) -> None:
    for chat in (ANN, CAT):
        await storage.save_chat(Chat(chat))
    await storage.save_rule(asks(ANN), NOON)
    await storage.save_rule(asks(CAT, words=("hedges",)), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    await storage.move_chat(ANN, CAT)
    [claimed] = await claim(storage)
    assert (claimed.delivery.rule, claimed.rule) == (2, asks(CAT, number=2))


async def test_the_rules_of_a_forgotten_chat_are_gone_and_no_others(storage: Storage) -> None:
    for chat in (ANN, BOB):
        await storage.save_chat(Chat(chat))
        await storage.save_rule(asks(chat), NOON)
    await storage.forget_chat(ANN)
    assert await storage.rules(ANN) == []
    assert await storage.ruled_sites() == {"uk": 1}
    await storage.commit_poll(known(), [], NOON)
    assert await ring(storage, milestone(10_000)) == 1


async def test_the_rules_of_a_chat_that_rests_for_too_long_are_gone(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN), NOON)
    await storage.rest_chat(ANN, "blocked", NOON)
    assert await storage.prune(NOON + QUARTER, QUARTER) == Pruned(0, 1, 0)
    assert await storage.ruled_sites() == {}


async def test_a_rule_speaks_to_the_chat_when_its_topic_is_gone(storage: Storage) -> None:
    await storage.save_chat(Chat(CAT))
    first = await storage.save_rule(asks(CAT, thread_id=7), NOON)
    second = await storage.save_rule(asks(CAT, words=("hedges",), thread_id=8), NOON)
    other = await storage.save_rule(asks(ANN, words=("hedges",), thread_id=7), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    await storage.clear_thread(CAT, 7)
    assert await storage.rules(CAT) == [structs.replace(first, thread_id=None), second]
    assert await storage.rules(ANN) == [other]
    [claimed] = await claim(storage)
    assert claimed.delivery.thread_id is None


async def test_clearing_a_topic_that_nobody_uses_changes_nothing(storage: Storage) -> None:
    await follow(storage, follows(CAT, thread_id=7), follows(BOB, thread_id=8))
    await storage.save_rule(asks(CAT, thread_id=7), NOON)
    before = await picture(storage)
    await storage.clear_thread(CAT, 8)
    await storage.clear_thread(ANN, 7)
    assert await picture(storage) == before


# --- milestones of one's own ---------------------------------------------------------------------

WISHES = Preferences(milestones=CustomMilestones((15_000,), every=4_000))


async def rises(storage: Storage, count: int, *occurrences: Occurrence) -> int:
    return await storage.commit_poll(known(count=count), occurrences, NOON)


async def test_a_milestone_of_ones_own_rings_for_nobody_else(storage: Storage) -> None:
    await follow(storage, follows(ANN, terms=WISHES), follows(BOB))
    assert await rises(storage, 12_500, milestone(10_000)) == 2
    claimed = {each.delivery.chat_id: each for each in await claim(storage)}
    assert claimed[BOB].occurrences == (milestone(10_000),)
    own = MilestoneReached(12_000, 12_500)
    assert [each.event for each in claimed[ANN].occurrences] == [milestone(10_000).event, own]


async def test_milestones_of_ones_own_ring_once_for_life(storage: Storage) -> None:
    await follow(storage, follows(ANN, terms=WISHES))
    peaked = PetitionHistory(petition(count=15_500), NOON, peak=15_500)
    assert await storage.commit_poll(peaked, [], NOON) == 1
    assert await storage.commit_poll(peaked, [], NOON) == 0
    fell = structs.replace(peaked, petition=petition(count=11_000))
    assert await storage.commit_poll(fell, [], NOON) == 0
    assert await storage.commit_poll(peaked, [], NOON) == 0
    assert await claimed_keys(storage) == [key(15_000, ANN)]


async def test_a_milestone_two_chats_wished_for_is_kept_once(storage: Storage) -> None:
    await follow(storage, follows(ANN, terms=WISHES), follows(BOB, terms=WISHES))
    assert await rises(storage, 15_500) == 2
    one, other = await claim(storage)
    assert one.occurrences == other.occurrences
    assert [each.key for each in one.occurrences] == [
        f"{NIGHTINGALES}:milestone:12000",
        f"{NIGHTINGALES}:milestone:15000",
    ]


async def test_a_wish_that_was_taken_back_rings_no_more(storage: Storage) -> None:
    await follow(storage, follows(ANN, terms=WISHES), follows(BOB, HEDGES, terms=WISHES))
    await storage.set_subscription_terms(ANN, NIGHTINGALES, Preferences(), NOON)
    assert await rises(storage, 15_500) == 0
    await storage.set_subscription_terms(ANN, NIGHTINGALES, WISHES, NOON)
    assert await rises(storage, 16_500) == 1
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await rises(storage, 20_500) == 0


async def test_a_petition_just_met_has_passed_nobodys_milestone(storage: Storage) -> None:
    await follow(storage, follows(ANN, terms=WISHES))
    assert await storage.commit_poll(known(PetitionRef("uk", 7), 15_500), [], NOON) == 0


# --- petitions, followed or not ------------------------------------------------------------------


async def test_every_petition_is_listed_in_a_stable_order(storage: Storage) -> None:
    refs = [PetitionRef("senedd", 9), PetitionRef("uk", 3), PetitionRef("uk", 20)]
    for ref in reversed(refs):
        await storage.commit_poll(known(ref), [], NOON)
    await follow(storage, follows(ANN, refs[1]))
    assert await storage.petitions() == refs


async def test_a_petition_that_a_rule_may_ring_for_is_not_forgotten(storage: Storage) -> None:
    done = structs.replace(
        known(HEDGES), petition=structs.replace(petition(HEDGES), state="rejected")
    )
    abroad = known(PetitionRef("senedd", 9))
    for each in (known(), done, abroad):
        await storage.commit_poll(each, [], NOON)
    await storage.save_rule(asks(ANN, words=("anything",)), NOON)
    for when in (NOON, NOON + QUARTER):
        pruned = await storage.prune(when, QUARTER)
    assert pruned == Pruned(0, 0, 2)
    assert await storage.petitions() == [NIGHTINGALES]


async def test_a_petition_that_somebody_is_still_owed_about_is_not_forgotten(
    storage: Storage,
) -> None:
    await storage.commit_poll(known(), [], NOON)
    await storage.save_rule(asks(ANN), NOON)
    await ring(storage, milestone(10_000))
    await storage.drop_rule(ANN, 1)
    for when in (NOON, NOON + QUARTER):
        assert await storage.prune(when, QUARTER) == NOTHING
    assert await claimed_keys(storage, NOON + QUARTER) == [key(10_000, ANN)]


async def test_a_petition_is_lonely_from_when_its_last_rule_went(storage: Storage) -> None:
    await storage.commit_poll(known(), [], NOON)
    assert await storage.prune(NOON, QUARTER) == NOTHING
    await storage.save_rule(asks(ANN), NOON)
    await storage.prune(NOON + MINUTE, QUARTER)
    await storage.drop_rule(ANN, 1)
    assert await storage.prune(NOON + QUARTER, QUARTER) == NOTHING
    assert await storage.prune(NOON + 2 * QUARTER, QUARTER) == Pruned(0, 0, 1)


# --- petitions -----------------------------------------------------------------------------------


async def test_a_petition_is_known_as_it_was_committed(storage: Storage) -> None:
    await storage.commit_poll(FULL, [], NOON)
    assert await storage.known(NIGHTINGALES) == FULL
    assert await storage.known(HEDGES) is None


async def test_the_latest_commit_of_a_petition_is_the_one_known(storage: Storage) -> None:
    latest = structs.replace(known(count=9_100), seen=FULL.seen)
    await storage.commit_poll(FULL, [], NOON)
    await storage.commit_poll(latest, [], NOON)
    assert await storage.known(NIGHTINGALES) == latest


async def test_followed_petitions_come_in_a_stable_order_each_once(storage: Storage) -> None:
    refs = [PetitionRef("senedd", 9), PetitionRef("uk", 3), PetitionRef("uk", 20)]
    for ref in reversed(refs):
        await follow(storage, follows(ANN, ref), follows(BOB, ref))
    assert await storage.followed() == refs


async def test_a_petition_nobody_follows_is_not_among_the_followed(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await storage.commit_poll(known(HEDGES), [], NOON)
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await storage.followed() == [NIGHTINGALES]
    await storage.unsubscribe(BOB, NIGHTINGALES)
    assert await storage.followed() == []


async def test_the_followers_of_each_petition_are_counted(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB), follows(ANN, HEDGES))
    assert await storage.followers() == {NIGHTINGALES: 2, HEDGES: 1}
    await storage.unsubscribe(ANN, HEDGES)
    assert await storage.followers() == {NIGHTINGALES: 2}


async def test_followers_own_milestones_are_told_by_petition(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB), follows(ANN, HEDGES))
    assert await storage.wishes() == {}
    for chat in (ANN, BOB):
        terms = Preferences(milestones=CustomMilestones((15_000,)))
        await storage.set_subscription_terms(chat, NIGHTINGALES, terms, NOON)
    await storage.set_subscription_terms(
        ANN, HEDGES, Preferences(milestones=CustomMilestones(every=500)), NOON
    )
    told = {ref: set(wishes) for ref, wishes in (await storage.wishes()).items()}
    assert told == {
        NIGHTINGALES: {CustomMilestones((15_000,))},
        HEDGES: {CustomMilestones(every=500)},
    }
    await storage.set_subscription_terms(ANN, HEDGES, Preferences(), NOON)
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert set(await storage.wishes()) == {NIGHTINGALES}


async def test_a_petition_followed_by_a_resting_chat_is_still_followed(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.rest_chat(ANN, "blocked", NOON)
    assert await storage.followed() == [NIGHTINGALES]


async def test_a_count_that_differs_is_a_reading(storage: Storage) -> None:
    for minutes, count in enumerate((9_000, 9_001, 9_000)):
        at = NOON + minutes * MINUTE
        await storage.commit_poll(known(count=count, at=at), [], at)
    assert await storage.readings(NIGHTINGALES, NOON) == [
        Reading(NOON, 9_000),
        Reading(NOON + MINUTE, 9_001),
        Reading(NOON + 2 * MINUTE, 9_000),
    ]


async def test_a_count_that_stands_still_is_not_a_reading(storage: Storage) -> None:
    for days in range(3):
        at = NOON + timedelta(days=days)
        await storage.commit_poll(known(at=at), [], at)
    assert await storage.readings(NIGHTINGALES, NOON) == [Reading(NOON, 9_000)]


async def test_readings_start_where_they_are_asked_to(storage: Storage) -> None:
    times = [NOON + timedelta(hours=7) * step for step in range(12)]
    for count, at in enumerate(times):
        await storage.commit_poll(known(count=count, at=at), [], at)
    for start in range(12):
        expected = [Reading(times[count], count) for count in range(start, 12)]
        assert await storage.readings(NIGHTINGALES, times[start]) == expected
    assert await storage.readings(NIGHTINGALES, times[-1] + MINUTE) == []


async def test_readings_of_one_petition_are_not_anothers(storage: Storage) -> None:
    long_name = PetitionRef("uk", 3002390)
    await storage.commit_poll(known(count=5), [], NOON)
    await storage.commit_poll(known(long_name, count=6), [], NOON)
    assert await storage.readings(NIGHTINGALES, NOON) == [Reading(NOON, 5)]
    assert await storage.readings(long_name, NOON) == [Reading(NOON, 6)]
    assert await storage.readings(HEDGES, NOON) == []


async def test_a_poll_owes_every_follower_of_that_petition(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, at=NOON + MINUTE), follows(CAT, HEDGES))
    assert await ring(storage, milestone(10_000)) == 2
    assert await claimed_keys(storage) == [key(10_000, ANN), key(10_000, BOB)]


async def test_a_poll_without_news_owes_nothing(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    assert await storage.commit_poll(known(count=9_500), [], NOON) == 0
    assert await claimed_keys(storage) == []


async def test_what_belongs_together_is_one_delivery_and_the_rest_are_others(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    passed = [milestone(10_000), milestone(25_000)]
    note = occurred(CommitteeNoted("We wrote to them."))
    assert await ring(storage, *passed, note) == 2
    assert await heard(storage) == [key(25_000, ANN), f"{note.key}:{ANN}"]


async def test_a_replayed_poll_is_a_no_op(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    poll = (known(count=10_007), [milestone(10_000)], NOON)
    assert await storage.commit_poll(*poll) == 1
    assert await storage.commit_poll(*poll) == 0
    assert len(await storage.readings(NIGHTINGALES, NOON)) == 2
    assert await heard(storage) == [key(10_000, ANN)]
    assert await storage.commit_poll(*poll) == 0
    assert await heard(storage) == []


async def test_a_replay_drops_what_is_kept_and_owes_what_is_new(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    assert await ring(storage, milestone(10_000), milestone(25_000)) == 1
    assert await claimed_keys(storage) == [key(10_000, ANN)]
    await storage.settle(key(10_000, ANN))
    [claimed] = await claim(storage)
    assert claimed.occurrences == (milestone(25_000),)


async def test_the_same_occurrence_twice_in_one_poll_is_owed_once(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    assert await ring(storage, milestone(10_000), milestone(10_000)) == 1
    [claimed] = await claim(storage)
    assert claimed.occurrences == (milestone(10_000),)


async def test_news_is_owed_to_those_who_follow_at_that_moment(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await follow(storage, follows(BOB))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await ring(storage, milestone(25_000)) == 1
    assert await heard(storage) == [key(25_000, BOB)]


async def test_a_poll_that_cannot_be_kept_leaves_neither_reading_nor_alert(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    poll = (known(count=10_007, at=NOON + MINUTE), [milestone(10_000)], NOON)
    before = await picture(store.storage)
    async with store.ground.failing():
        with pytest.raises(StorageError) as failure:
            await store.storage.commit_poll(*poll)
    assert failure.value.__cause__ is not None
    assert await picture(store.storage) == before
    assert await claimed_keys(store.storage) == []
    assert await picture(await store.reopen()) == before


async def test_the_commit_after_a_failed_one_keeps_everything(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    poll = (known(count=10_007, at=NOON + MINUTE), [milestone(10_000)], NOON)
    async with store.ground.failing():
        with pytest.raises(StorageError):
            await store.storage.commit_poll(*poll)
    assert await store.storage.commit_poll(*poll) == 1
    storage = await store.reopen()
    assert await storage.known(NIGHTINGALES) == poll[0]
    assert len(await storage.readings(NIGHTINGALES, NOON)) == 2
    assert await claimed_keys(storage) == [key(10_000, ANN)]


USE_CASES: dict[str, Callable[[Storage], Any]] = {
    "save_chat": lambda storage: storage.save_chat(Chat(BOB)),
    "rest_chat": lambda storage: storage.rest_chat(ANN, "blocked", NOON),
    "wake_chat": lambda storage: storage.wake_chat(CAT, NOON),
    "move_chat": lambda storage: storage.move_chat(ANN, BOB),
    "forget_chat": lambda storage: storage.forget_chat(ANN),
    "subscribe": lambda storage: storage.subscribe(follows(ANN, HEDGES)),
    "unsubscribe": lambda storage: storage.unsubscribe(ANN, NIGHTINGALES),
    "mute": lambda storage: storage.mute(ANN, NIGHTINGALES, True, NOON),
    "claim_deliveries": claim,
    "keep_card": lambda storage: storage.keep_card(ANN, NIGHTINGALES, 77),
    "settle": lambda storage: storage.settle(key(10_000, ANN)),
    "retry": lambda storage: storage.retry(key(10_000, ANN), NOON + MINUTE),
    "save_note": lambda storage: storage.save_note("offset", "7"),
    "set_terms": lambda storage: storage.set_terms(ANN, DIGESTS, NOON),
    "set_subscription_terms": lambda storage: storage.set_subscription_terms(
        ANN, NIGHTINGALES, DIGESTS, NOON
    ),
    "set_thread": lambda storage: storage.set_thread(ANN, NIGHTINGALES, 7),
    "save_rule": lambda storage: storage.save_rule(asks(ANN), NOON),
    "drop_rule": lambda storage: storage.drop_rule(CAT, 1),
    "hold": lambda storage: storage.hold(key(10_000, ANN), "flood", NOON + MINUTE),
}


@pytest.mark.parametrize("name", USE_CASES)
async def test_a_use_case_that_fails_has_not_happened_and_works_later(
    store: Store, name: str
) -> None:
    await follow(store.storage, follows(ANN))
    await store.storage.commit_poll(known(HEDGES), [], NOON)
    await store.storage.save_chat(Chat(CAT, resting="kicked", resting_since=NOON))
    await store.storage.save_rule(asks(CAT, words=("hedgehogs",)), NOON)
    await ring(store.storage, milestone(10_000))
    before = await picture(store.storage)
    async with store.ground.failing():
        with pytest.raises(StorageError):
            await USE_CASES[name](store.storage)
        assert await picture(store.storage) == before
    await USE_CASES[name](store.storage)
    after = await picture(store.storage)
    assert after != before
    if name != "claim_deliveries":  # its lease may end with the process
        assert await picture(await store.reopen()) == after


# --- deliveries ----------------------------------------------------------------------------------


async def test_a_claim_brings_all_that_is_needed_to_word_it(storage: Storage) -> None:
    await storage.commit_poll(FULL, [], NOON)
    await follow(storage, follows(CAT, thread_id=7, muted=True))
    await ring(storage, milestone(10_000), milestone(25_000), at=NOON + MINUTE)
    [claimed] = await claim(storage, NOON + 2 * MINUTE)
    assert claimed.chat == Chat(CAT)
    assert claimed.rule is None
    assert claimed.known == FULL
    assert claimed.occurrences == (milestone(10_000), milestone(25_000))
    assert claimed.delivery == Delivery(
        key=key(25_000, CAT),
        number=claimed.delivery.number,
        chat_id=CAT,
        petition=NIGHTINGALES,
        occurrences=(milestone(10_000).key, milestone(25_000).key),
        created_at=NOON + MINUTE,
        not_before=NOON + MINUTE,
        thread_id=7,
        silent=True,
        leased_until=NOON + 2 * MINUTE + LEASE,
    )


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.key)
async def test_every_kind_of_event_comes_back_as_it_was(store: Store, event: Event) -> None:
    await follow(store.storage, follows(ANN))
    await ring(store.storage, occurred(event))
    gathered = NOON + timedelta(hours=1)
    [claimed] = await claim(await store.reopen(), gathered)
    assert claimed.occurrences == (occurred(event),)


async def test_a_chat_hears_things_in_the_order_they_happened(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(ANN, HEDGES))
    await ring(storage, milestone(25_000))
    await ring(storage, milestone(10_000, HEDGES))
    await ring(storage, milestone(50_000))
    expected = [key(25_000, ANN), key(10_000, ANN, HEDGES), key(50_000, ANN)]
    assert await heard(storage) == expected


async def test_the_oldest_deliveries_are_claimed_first_and_no_more_than_asked(
    storage: Storage,
) -> None:
    chats = [90, 10, 50, 30, 70]
    await follow(storage, *(follows(chat, at=NOON + n * MINUTE) for n, chat in enumerate(chats)))
    await ring(storage, milestone(10_000))
    assert await claimed_keys(storage, limit=2) == [key(10_000, 90), key(10_000, 10)]
    assert await claimed_keys(storage, limit=0) == []
    assert await claimed_keys(storage, limit=2) == [key(10_000, 50), key(10_000, 30)]
    assert await claimed_keys(storage, limit=2) == [key(10_000, 70)]
    assert await claimed_keys(storage, limit=2) == []


async def test_a_chat_has_one_delivery_in_flight(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, at=NOON + MINUTE))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    assert await claimed_keys(storage) == [key(10_000, ANN), key(10_000, BOB)]
    assert await claimed_keys(storage) == []
    await storage.settle(key(10_000, BOB))
    assert await claimed_keys(storage) == [key(25_000, BOB)]


async def test_a_leased_delivery_is_nobody_elses_until_the_lease_runs_out(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    assert await claimed_keys(storage, NOON) == [key(10_000, ANN)]
    assert await claimed_keys(storage, NOON + LEASE - MINUTE) == []
    assert await claimed_keys(storage, NOON + LEASE) == [key(10_000, ANN)]
    assert await claimed_keys(storage, NOON + LEASE) == []


async def test_two_who_claim_at_once_never_get_the_same(storage: Storage) -> None:
    await follow(storage, *(follows(chat) for chat in range(1, 41)))
    await ring(storage, milestone(10_000))
    batches = await asyncio.gather(*(claimed_keys(storage, limit=5) for _ in range(10)))
    claimed = [each for batch in batches for each in batch]
    assert sorted(claimed) == sorted(key(10_000, chat) for chat in range(1, 41))


async def test_a_delivery_that_was_never_settled_is_claimed_again_after_a_crash(
    store: Store,
) -> None:
    await follow(store.storage, follows(ANN))
    await ring(store.storage, milestone(10_000))
    await claim(store.storage)
    storage = await store.reopen()
    assert await claimed_keys(storage, NOON + LEASE) == [key(10_000, ANN)]


async def test_a_settled_delivery_never_comes_back(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    await ring(store.storage, milestone(10_000))
    await claim(store.storage)
    await store.storage.settle(key(10_000, ANN))
    assert await claimed_keys(store.storage, NOON + 2 * LEASE) == []
    assert await claimed_keys(await store.reopen(), NOON + 2 * LEASE) == []


async def test_several_are_settled_together_and_no_other(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    await storage.settle(key(10_000, ANN), key(10_000, BOB), key(99, ANN))
    assert await claimed_keys(storage) == [key(25_000, ANN), key(25_000, BOB)]


async def test_settling_or_retrying_the_unknown_does_nothing(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    before = await picture(storage)
    await storage.settle(key(99, ANN))
    await storage.retry(key(99, ANN), NOON)
    assert await picture(storage) == before


async def test_a_retry_counts_an_attempt_and_is_not_claimed_before_its_time(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    for attempts in range(3):
        at = NOON + attempts * MINUTE
        [claimed] = await claim(storage, at)
        assert claimed.delivery.attempts == attempts
        await storage.retry(key(10_000, ANN), at + MINUTE)
        assert await claimed_keys(storage, at + MINUTE / 2) == []


async def test_a_retry_ends_the_lease(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await claim(storage)
    await storage.retry(key(10_000, ANN), NOON + MINUTE)
    [claimed] = await claim(storage, NOON + MINUTE)
    assert claimed.delivery.leased_until == NOON + MINUTE + LEASE


async def test_what_waits_for_another_try_holds_back_the_chats_later_alerts(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    await claim(storage)
    await storage.retry(key(10_000, ANN), NOON + MINUTE)
    assert await claimed_keys(storage, NOON) == []
    assert await heard(storage, NOON + MINUTE) == [key(10_000, ANN), key(25_000, ANN)]


async def test_one_chats_trouble_holds_back_no_other(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    await claim(storage)
    await storage.retry(key(10_000, ANN), NOON + MINUTE)
    await storage.settle(key(10_000, BOB))
    assert await heard(storage) == [key(25_000, BOB)]


async def test_the_clock_set_back_loses_no_delivery(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await claim(storage)
    await storage.retry(key(10_000, ANN), NOON + MINUTE)
    assert await storage.next_due(NOON + MINUTE) == NOON + MINUTE
    assert await claimed_keys(storage, NOON) == []
    assert await storage.next_due(NOON) == NOON + MINUTE
    assert await claimed_keys(storage, NOON + MINUTE) == [key(10_000, ANN)]


async def test_nothing_is_due_when_nothing_waits(storage: Storage) -> None:
    assert await storage.next_due(NOON) is None
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await heard(storage)
    assert await storage.next_due(NOON) is None


async def test_the_next_due_is_now_or_when_the_first_lease_or_wait_ends(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, at=NOON + MINUTE))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(25_000))
    assert await storage.next_due(NOON + MINUTE) == NOON + MINUTE
    await claim(storage)
    assert await storage.next_due(NOON) == NOON + LEASE
    await storage.retry(key(10_000, BOB), NOON + 2 * MINUTE)
    assert await storage.next_due(NOON) == NOON + 2 * MINUTE
    await storage.settle(key(10_000, BOB))
    assert await storage.next_due(NOON) == NOON


async def test_numbers_go_on_after_everything_is_settled_and_reopened(store: Store) -> None:
    await follow(store.storage, follows(ANN))
    await ring(store.storage, milestone(10_000))
    [first] = await claim(store.storage)
    await store.storage.settle(first.delivery.key)
    storage = await store.reopen()
    await ring(storage, milestone(25_000))
    [second] = await claim(storage)
    assert second.delivery.number > first.delivery.number


# --- the whole store -----------------------------------------------------------------------------

QUARTER = timedelta(days=90)
NOTHING = Pruned(0, 0, 0)


async def read_every(storage: Storage, step: timedelta, count: int) -> list[Reading]:
    readings = [Reading(NOON + n * step, 1_000 + n) for n in range(count)]
    for each in readings:
        await storage.commit_poll(known(count=each.signature_count, at=each.at), [], each.at)
    return readings


async def test_readings_of_the_last_two_days_are_kept_as_they_came(storage: Storage) -> None:
    readings = await read_every(storage, 20 * MINUTE, 30)
    assert await storage.prune(NOON + timedelta(days=2), QUARTER) == NOTHING
    assert await storage.readings(NIGHTINGALES, NOON) == readings


async def test_older_readings_are_thinned_to_the_last_of_each_hour(store: Store) -> None:
    readings = await read_every(store.storage, 20 * MINUTE, 12)
    assert await store.storage.prune(NOON + timedelta(days=3), QUARTER) == Pruned(8, 0, 0)
    assert await store.storage.prune(NOON + timedelta(days=3), QUARTER) == NOTHING
    assert await (await store.reopen()).readings(NIGHTINGALES, NOON) == readings[2::3]


async def test_readings_of_months_ago_are_thinned_to_the_last_of_each_day(
    storage: Storage,
) -> None:
    readings = await read_every(storage, timedelta(hours=6), 10)
    await storage.prune(NOON + timedelta(days=63), QUARTER)
    last_of_each_day = [readings[1], readings[5], readings[9]]
    assert await storage.readings(NIGHTINGALES, NOON) == last_of_each_day


async def test_a_count_read_after_thinning_is_compared_with_the_last_one_kept(
    storage: Storage,
) -> None:
    readings = await read_every(storage, timedelta(hours=6), 10)
    later = NOON + timedelta(days=63)
    await storage.prune(later, QUARTER)
    await storage.commit_poll(known(count=1_009, at=later), [], later)
    assert (await storage.readings(NIGHTINGALES, NOON))[-1] == readings[-1]


async def test_a_chat_that_rests_for_too_long_is_forgotten(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await storage.rest_chat(ANN, "blocked", NOON)
    await ring(storage, milestone(10_000))
    assert await storage.prune(NOON + QUARTER, QUARTER) == Pruned(0, 1, 0)
    assert await storage.chat_data(ANN) is None
    assert await storage.tally() == Tally(1, 1, 1, 1, NOON, NOON)
    assert await storage.prune(NOON + QUARTER, QUARTER) == NOTHING


async def test_a_chat_that_rests_for_less_or_woke_is_kept(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await storage.rest_chat(ANN, "blocked", NOON + MINUTE)
    await storage.rest_chat(BOB, "blocked", NOON)
    await storage.wake_chat(BOB, NOON + MINUTE)
    assert await storage.prune(NOON + QUARTER, QUARTER) == NOTHING
    assert (await storage.tally()).subscriptions == 2


async def test_a_petition_nobody_has_followed_for_long_is_forgotten(store: Store) -> None:
    await follow(store.storage, follows(ANN), follows(ANN, HEDGES))
    await ring(store.storage, milestone(10_000))
    await store.storage.unsubscribe(ANN, NIGHTINGALES)
    assert await store.storage.prune(NOON, QUARTER) == NOTHING
    storage = await store.reopen()
    assert await storage.prune(NOON + QUARTER - MINUTE, QUARTER) == NOTHING
    assert await storage.prune(NOON + QUARTER, QUARTER) == Pruned(0, 0, 1)
    assert await storage.known(NIGHTINGALES) is None
    assert await storage.readings(NIGHTINGALES, NOON) == []
    assert await storage.known(HEDGES) == known(HEDGES)
    assert (await storage.tally()).petitions == 1


async def test_a_petition_followed_again_in_time_is_kept(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    await storage.prune(NOON, QUARTER)
    await storage.subscribe(follows(ANN))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await storage.prune(NOON + QUARTER, QUARTER) == NOTHING
    assert await storage.known(NIGHTINGALES) == known()


async def test_a_forgotten_petition_starts_anew(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await ring(storage, milestone(10_000))
    await storage.unsubscribe(ANN, NIGHTINGALES)
    for when in (NOON, NOON + QUARTER):
        await storage.prune(when, QUARTER)
    await follow(storage, follows(ANN))
    assert await ring(storage, milestone(10_000)) == 1


async def a_full_house(storage: Storage) -> None:
    await storage.commit_poll(FULL, [], NOON)
    await follow(storage, follows(ANN, muted=True, card_id=7), follows(BOB), follows(ANN, HEDGES))
    await ring(storage, milestone(10_000))
    for event in EVENTS:
        await ring(storage, occurred(event, HEDGES))
    await storage.set_terms(ANN, Preferences({"response": "digest"}, zone="Asia/Kathmandu"), NOON)
    await storage.set_subscription_terms(ANN, HEDGES, WISHES, NOON)
    await storage.save_rule(asks(CAT, words=("nightingales",), thread_id=7), NOON)
    await storage.save_rule(structs.replace(asks(CAT), site="senedd"), NOON)
    await ring(storage, milestone(25_000))
    await storage.rest_chat(BOB, "blocked", NOON)
    await storage.save_note("offset", "7")


async def test_an_export_makes_the_same_store_elsewhere(store: Store, tmp_path: Path) -> None:
    await a_full_house(store.storage)
    document = json.loads(json.dumps(await store.storage.export()))
    other = Store(type(store.ground)(tmp_path / "other"), store.storage)
    other.storage = await other.ground.open()
    await other.storage.save_note("commands menu", "as it was sent before")
    await other.storage.import_(document)
    assert await picture(other.storage) == await picture(store.storage)
    again = await other.reopen()
    assert await again.export() == document
    assert await heard(again) == await heard(store.storage)
    await other.storage.close()


async def test_an_export_from_before_there_were_rules_and_terms_is_still_taken(
    storage: Storage,
) -> None:
    document = json.loads((STORES / "export_version_1.json").read_text())
    await storage.import_(document)
    assert await storage.chat(ANN) == Chat(ANN, "private", NOON, NOON)
    muted = follows(BOB, muted=True, thread_id=7, card_id=9)
    assert await storage.subscriptions(BOB) == [muted]
    assert await storage.ruled_sites() == {}
    assert (await storage.save_rule(asks(CAT), NOON)).number == 1
    [claimed] = await claim(storage)
    assert (claimed.delivery.key, claimed.delivery.lane) == (key(10_000, ANN), "")


async def test_an_export_of_a_version_to_come_is_refused_in_words(storage: Storage) -> None:
    document = await storage.export()
    document["export_version"] += 1
    with pytest.raises(StorageError, match="knows versions up to"):
        await storage.import_(document)


async def test_nothing_is_imported_over_a_rule_alone(storage: Storage) -> None:
    document = await storage.export()
    await storage.save_rule(asks(CAT), NOON)
    with pytest.raises(StorageError, match="isn't empty"):
        await storage.import_(document)


async def test_an_export_is_the_readers_own(storage: Storage) -> None:
    await a_full_house(storage)
    before = await picture(storage)
    document = await storage.export()
    document["petitions"][0]["petition"]["ref"]["id"] = 1
    document["readings"].clear()
    assert await picture(storage) == before


async def test_nothing_is_imported_over_what_is_there(store: Store) -> None:
    document = await store.storage.export()
    await a_full_house(store.storage)
    before = await picture(store.storage)
    with pytest.raises(StorageError, match="isn't empty"):
        await store.storage.import_(document)
    assert await picture(await store.reopen()) == before


@pytest.mark.parametrize(
    "change",
    [
        {"program": "another"},
        {"export_version": 99},
        {"chats": [{"id": "Ann"}]},
        {"petitions": []},
        {"occurrences": []},
        {"readings": {"nightingales": [[1, 2]]}},
        {"rules": [{"chat_id": 42, "site": "uk"}]},
    ],
    ids=str,
)
async def test_a_senseless_export_is_refused_whole(
    store: Store, tmp_path: Path, change: dict[str, Any]
) -> None:
    await a_full_house(store.storage)
    document = await store.storage.export() | change
    other = await type(store.ground)(tmp_path / "other").open()
    with pytest.raises(StorageError):
        await other.import_(document)
    assert await other.tally() == Tally(0, 0, 0, 0, None)
    await other.close()


# --- the rest ------------------------------------------------------------------------------------


async def test_an_empty_store_tallies_nothing(storage: Storage) -> None:
    assert await storage.tally() == Tally(0, 0, 0, 0, None)


async def test_the_tally_counts_everything_and_finds_the_oldest_alert(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB, at=NOON + MINUTE), follows(ANN, HEDGES))
    await ring(storage, milestone(10_000), at=NOON + MINUTE)
    await ring(storage, milestone(10_000, HEDGES), at=NOON + 2 * MINUTE)
    assert await storage.tally() == Tally(2, 3, 2, 3, NOON + MINUTE, NOON + MINUTE)
    await storage.settle(key(10_000, ANN))
    await storage.settle(key(10_000, BOB))
    assert await storage.tally() == Tally(2, 3, 2, 1, NOON + 2 * MINUTE, NOON + 2 * MINUTE)


async def test_what_is_leased_or_waits_in_a_resting_chat_is_waiting_still(
    storage: Storage,
) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    await ring(storage, milestone(10_000))
    await claim(storage)
    await storage.rest_chat(BOB, "blocked", NOON)
    assert await storage.tally() == Tally(2, 2, 1, 2, NOON, NOON)


async def test_a_note_is_found_under_its_name_and_no_other(storage: Storage) -> None:
    await storage.save_note("offset", "7")
    assert await storage.note("offset") == "7"
    assert await storage.note("Offset") is None
    await storage.save_note("offset", "")
    await storage.save_note("never there", "")
    assert await storage.note("offset") is None


async def test_a_later_note_replaces_an_earlier_one(storage: Storage) -> None:
    await storage.save_note("offset", "7")
    await storage.save_note("offset", "8")
    assert await storage.note("offset") == "8"


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
        [await storage.known(ref) for ref in refs],
        [await storage.readings(ref, NOON - timedelta(days=999)) for ref in refs],
    ]


async def test_everything_survives_a_reopening(store: Store) -> None:
    storage = store.storage
    await storage.commit_poll(FULL, [], NOON)
    await follow(storage, follows(ANN, muted=True), follows(BOB), follows(ANN, HEDGES))
    await follow(storage, follows(CAT, at=NOON + MINUTE, thread_id=7))
    await ring(storage, milestone(10_000))
    await ring(storage, milestone(10_000, HEDGES))
    await storage.rest_chat(BOB, "blocked", NOON)
    await storage.save_note("offset", "7")
    before = await picture(storage)
    storage = await store.reopen()
    assert await picture(storage) == before
    assert await heard(storage) == [
        key(10_000, ANN),
        key(10_000, CAT),
        key(10_000, ANN, HEDGES),
    ]


async def test_two_hundred_use_cases_at_once_are_all_kept(store: Store) -> None:
    storage = store.storage
    await storage.commit_poll(known(), [], NOON)
    chats = range(1, 101)
    await asyncio.gather(
        *(storage.save_chat(Chat(chat)) for chat in chats),
        *(storage.subscribe(follows(chat)) for chat in chats),
    )
    storage = await store.reopen()
    assert await storage.tally() == Tally(100, 100, 1, 0, None)


async def test_who_gives_up_waiting_leaves_the_use_case_whole(store: Store) -> None:
    await follow(store.storage, follows(ANN), follows(BOB))
    polls = [
        asyncio.create_task(ring(store.storage, milestone(number)))
        for number in islice(rungs(), 20)
    ]
    await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
    for poll in polls:
        poll.cancel()
    await asyncio.wait(polls)
    await store.storage.save_note("offset", "7")
    waiting = (await store.storage.tally()).waiting
    assert waiting >= 2
    assert waiting % 2 == 0
    storage = await store.reopen()
    assert (await storage.tally()).waiting == waiting


# --- any sequence of use cases, against a plain model --------------------------------------------


class Owed(Struct):
    """A delivery as the model has it."""

    key: str
    chat: int
    petition: PetitionRef
    not_before: datetime
    lane: str = ""
    leased_until: datetime = NOON

    @property
    def due(self) -> datetime:
        return max(self.not_before, self.leased_until)

    @property
    def queue(self) -> tuple[int, str]:
        return self.chat, self.lane


class Model:
    """What the contract says, in a few dicts: the slow and obvious storage."""

    def __init__(self) -> None:
        self.resting: set[int] = set()
        self.returned: set[int] = set()
        self.following: set[tuple[int, PetitionRef]] = set()
        self.happened: set[str] = set()
        self.digests: set[int] = set()  # the chats whose terms ask for one
        self.owed: list[Owed] = []  # oldest first

    def ring(self, occurrence: Occurrence, now: datetime) -> None:
        if occurrence.key not in self.happened:
            self.happened.add(occurrence.key)
            for chat in sorted(c for c, ref in self.following if ref == occurrence.petition):
                key = f"{occurrence.key}:{chat}"
                owed = Owed(key, chat, occurrence.petition, now)
                owed.lane, owed.not_before = self.moment(chat, now)
                self.owed.append(owed)

    def moment(self, chat: int, now: datetime) -> tuple[str, datetime]:
        return ("digest", EVENING) if chat in self.digests else ("", now)

    def set_terms(self, chat: int, terms: Preferences, now: datetime) -> None:
        (self.digests.add if terms == DIGESTS else self.digests.discard)(chat)
        for owed in self.owed:
            if owed.chat == chat and owed.lane and owed.leased_until <= now < owed.not_before:
                owed.lane, owed.not_before = self.moment(chat, now)

    def heads(self) -> list[Owed]:
        first = {owed.queue: owed for owed in reversed(self.owed)}
        heads = [owed for owed in self.owed if first[owed.queue] is owed]
        return [head for head in heads if head.chat not in self.resting]

    def claim(self, now: datetime, limit: int) -> list[str]:
        due = [head for head in self.heads() if head.due <= now][:limit]
        batch = [owed for head in due for owed in self.batch(head, now)]
        for owed in batch:
            owed.leased_until = now + LEASE
        return [owed.key for owed in batch]

    def batch(self, head: Owed, now: datetime) -> list[Owed]:
        queue = [owed for owed in self.owed if owed.queue == head.queue]
        if head.lane:
            return [owed for owed in queue if owed.leased_until <= now]
        if head.chat not in self.returned:
            return [head]
        return list(takewhile(lambda owed: owed.due <= now, queue))

    def next_due(self, now: datetime) -> datetime | None:
        return min((max(head.due, now) for head in self.heads()), default=None)

    def give_back(self, key: str, when: datetime, lane: str | None = None) -> None:
        for owed in self.owed:
            if owed.key == key:
                owed.not_before, owed.leased_until = when, NOON
                owed.lane = owed.lane if lane is None else lane

    def release(self, chat: int, lane: str, now: datetime) -> int:
        waiting = [each for each in self.owed if each.queue == (chat, lane)]
        waiting = [each for each in waiting if each.leased_until <= now]
        for owed in waiting:
            owed.not_before = now
        return len(waiting)

    def end_leases(self) -> None:
        for owed in self.owed:
            owed.leased_until = NOON

    def drop(self, gone: Callable[[Owed], bool]) -> None:
        self.owed = [owed for owed in self.owed if not gone(owed)]
        self.returned &= {owed.chat for owed in self.owed}


CHATS = (ANN, BOB, CAT)
chat_ids = st.sampled_from(CHATS)
refs = st.sampled_from((NIGHTINGALES, HEDGES))
numbers = st.sampled_from((10_000, 25_000, 50_000))
lanes = st.sampled_from(("flood", "digest"))
steps = st.one_of(
    st.tuples(st.just("follow"), chat_ids, refs),
    st.tuples(st.just("ring"), numbers, refs),
    st.tuples(st.just("claim"), st.integers(0, 3)),
    st.tuples(st.just("settle"), numbers, chat_ids, refs),
    st.tuples(st.just("retry"), numbers, chat_ids, refs),
    st.tuples(st.just("hold"), numbers, chat_ids, refs, lanes, st.integers(0, 7)),
    st.tuples(st.just("release"), chat_ids, lanes),
    st.tuples(st.just("terms"), chat_ids, st.sampled_from((DIGESTS, Preferences()))),
    st.tuples(st.just("stop"), chat_ids, refs),
    st.tuples(st.just("rest"), chat_ids),
    st.tuples(st.just("wake"), chat_ids),
    st.tuples(st.just("forget"), chat_ids),
    st.tuples(st.just("wait"), st.integers(1, 7)),
    st.tuples(st.just("reopen")),
)


@pytest.mark.parametrize("ground_of", IMPLEMENTATIONS)
def test_any_sequence_of_use_cases_ends_as_the_model_says(ground_of: type[Ground]) -> None:
    @settings(max_examples=ground_of.scripts, deadline=None)
    @given(script=st.lists(steps, min_size=8, max_size=30))
    def play(script: list[tuple[Any, ...]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_play(ground_of(Path(folder)), script))

    play()


async def _play(ground: Ground, script: list[tuple[Any, ...]]) -> None:
    store = Store(ground, await ground.open())
    for ref in (NIGHTINGALES, HEDGES):
        await store.storage.commit_poll(known(ref), [], NOON)
    model, now = Model(), NOON
    for step in script:
        if step[0] == "wait":
            now += step[1] * MINUTE
        elif step[0] == "reopen":
            await store.reopen()
            if ground.is_lone:
                model.end_leases()
        else:
            await _step(store.storage, model, step, now)
        assert await store.storage.next_due(now) == model.next_due(now)
        assert (await store.storage.tally()).waiting == len(model.owed)
    await store.storage.close()


async def _step(storage: Storage, model: Model, step: tuple[Any, ...], now: datetime) -> None:
    match step:
        case "follow", chat, ref:
            if await storage.chat(chat) is None:
                await storage.save_chat(Chat(chat))
            # The model's order of chats is the order they came in.
            at = NOON + timedelta(microseconds=chat)
            await storage.subscribe(follows(chat, ref, at))
            model.following.add((chat, ref))
        case "ring", number, ref:
            await ring(storage, milestone(number, ref), at=now)
            model.ring(milestone(number, ref), now)
        case "terms", chat, terms:
            if await storage.set_terms(chat, terms, now) is not None:
                model.set_terms(chat, terms, now)
        case "claim", limit:
            assert await claimed_keys(storage, now, limit) == model.claim(now, limit)
        case _:
            await _end(storage, model, step, now)


async def _end(storage: Storage, model: Model, step: tuple[Any, ...], now: datetime) -> None:
    match step:
        case "settle", number, chat, ref:
            await storage.settle(key(number, chat, ref))
            model.drop(lambda owed: owed.key == key(number, chat, ref))
        case "retry", number, chat, ref:
            await storage.retry(key(number, chat, ref), now + MINUTE)
            model.give_back(key(number, chat, ref), now + MINUTE)
        case "hold", number, chat, ref, lane, minutes:
            until = now + minutes * MINUTE
            await storage.hold(key(number, chat, ref), lane, until)
            model.give_back(key(number, chat, ref), until, lane)
        case "release", chat, lane:
            released = await storage.release(chat, lane, now)
            assert released == model.release(chat, lane, now)
        case "stop", chat, ref:
            await storage.unsubscribe(chat, ref)
            model.following.discard((chat, ref))
            model.drop(lambda owed: (owed.chat, owed.petition) == (chat, ref))
        case "rest", chat:
            if await storage.chat(chat) is not None:
                model.resting.add(chat)
                model.returned.discard(chat)
            await storage.rest_chat(chat, "blocked", now)
        case "wake", chat:
            assert await storage.wake_chat(chat, now) == (chat in model.resting)
            if chat in model.resting and any(owed.chat == chat for owed in model.owed):
                model.returned.add(chat)
            model.resting.discard(chat)
        case "forget", chat:
            await storage.forget_chat(chat)
            model.resting.discard(chat)
            model.digests.discard(chat)
            model.following = {pair for pair in model.following if pair[0] != chat}
            model.drop(lambda owed: owed.chat == chat)
