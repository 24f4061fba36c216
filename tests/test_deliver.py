"""From the store to Telegram over real sockets: every outcome, and a fault at every step."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import structs
from petitions import REF, petition
from structlog.testing import capture_logs
from telegram.error import NetworkError
from telegram.ext import ExtBot
from telegram.request import RequestData

from bot.app import utc_now
from bot.delivery.deliverer import LEASE, Deliverer
from bot.delivery.rate_limiter import RateLimiter
from bot.demo.bot_api import TOKEN, BotApi
from bot.errors import StorageError
from bot.messages.digest import Missed, summary
from bot.messages.format import clock
from bot.messages.message import TEXT_LIMIT, width
from bot.petitions.events import (
    Closed,
    ClosingSoon,
    Event,
    MilestoneReached,
    Occurrence,
    Surged,
    Threshold,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Petition, PetitionRef
from bot.petitions.thresholds import is_rung
from bot.subscriptions.subscription import Chat, Preferences, Quiet, Rule, Subscription
from bot.telegram.request import AiohttpRequest
from storage import Storage
from storage.tinydb.store import open_tiny

HURRY = 300  # the pacer's clock runs that much faster than ours


class Tripwire:
    """Counts the steps of a delivery, and fails at one of them if told to."""

    def __init__(self) -> None:
        self.step = 0
        self.busy = 0  # use cases of the storage under way
        self.fail_at = -1
        self.failure: Callable[[str], None] = lambda _: None

    def pass_by(self, what: str) -> None:
        self.step += 1
        if self.step == self.fail_at:
            self.failure(what)


class WiredStorage:
    """A storage whose every use case has a wire before it and one after it."""

    def __init__(self, storage: Storage, wire: Tripwire) -> None:
        self._storage = storage
        self._wire = wire

    def __getattr__(self, name: str) -> Any:
        use_case = getattr(self._storage, name)

        async def wired(*args: Any, **how: Any) -> Any:
            self._wire.busy += 1
            try:
                self._wire.pass_by("storage")
                result = await use_case(*args, **how)
                self._wire.pass_by("storage")
                return result
            finally:
                self._wire.busy -= 1

        return wired


class WiredRequest(AiohttpRequest):
    """Requests with a wire before Telegram has one and one after it has answered."""

    def __init__(self, wire: Tripwire) -> None:
        super().__init__()
        self._wire = wire

    async def do_request(self, *args: Any, **how: Any) -> tuple[int, bytes]:
        self._wire.pass_by("unsent")
        answer = await super().do_request(*args, **how)
        self._wire.pass_by("sent")
        return answer


class Office:
    """A store, a Bot API, and deliverers between them; time passes when told to."""

    def __init__(self, storage: Storage, api: BotApi, hurry: float = HURRY) -> None:
        self.storage = storage
        self.api = api
        self.wire = Tripwire()
        self.passed = timedelta()
        self.title = "Free tea in every library"
        self.hurry = hurry
        self.deliverer: Deliverer

    def now(self) -> Any:
        return utc_now() + self.passed

    async def welcome(self, *chats: int, thread_id: int | None = None) -> None:
        """Let chats follow the petition."""
        await self.storage.commit_poll(PetitionHistory(petition(), self.now()), [], self.now())
        for chat in chats:
            self.api.add_chat(chat, "private" if chat > 0 else "supergroup", title="Tea club")
            await self.storage.save_chat(Chat(chat, consented_at=self.now()))
            subscription = Subscription(chat, REF, self.now(), thread_id=thread_id)
            await self.storage.subscribe(subscription)

    async def ring(self, *milestones: int) -> None:
        """Milestones are reached, each in a look of its own."""
        for number in milestones:
            # So that every number is heard.
            official: Threshold | None = None if is_rung(number) else "response"
            event = MilestoneReached(number, number + 2, official)
            occurrence = Occurrence(f"{REF}:{event.key}", REF, self.now(), event)
            known = PetitionHistory(
                petition(action=self.title, signature_count=number + 2), self.now()
            )
            await self.storage.commit_poll(known, [occurrence], self.now())

    def many(self, many: int) -> list[Petition]:
        """So many petitions, each with a title of its own."""
        refs = [PetitionRef("uk", 800_000 + number) for number in range(many)]
        return [structs.replace(petition(action=f"{self.title} {ref.id}"), ref=ref) for ref in refs]

    async def follow(self, chat: int, petitions: Iterable[Petition]) -> None:
        for each in petitions:
            await self.storage.commit_poll(PetitionHistory(each, self.now()), [], self.now())
            await self.storage.subscribe(Subscription(chat, each.ref, self.now()))

    async def close(self, petitions: Iterable[Petition], *, early: bool = False) -> None:
        """They close, each in a look of its own."""
        for each in petitions:
            await self.happens(each, Closed(each.signature_count, early=early))

    async def happens(self, to: Petition, event: Event) -> None:
        occurrence = Occurrence(f"{to.ref}:{event.key}", to.ref, self.now(), event)
        await self.storage.commit_poll(PetitionHistory(to, self.now()), [occurrence], self.now())

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[Deliverer]:
        request = WiredRequest(self.wire)
        pacer = RateLimiter(
            now=lambda: time.monotonic() * self.hurry,
            sleep=lambda seconds: asyncio.sleep(seconds / self.hurry),
        )
        bot: ExtBot[Any] = ExtBot(TOKEN, self.api.base_url, request=request, rate_limiter=pacer)
        await request.initialize()
        storage = cast(Storage, WiredStorage(self.storage, self.wire))
        self.deliverer = Deliverer(storage, bot, pacer, self.now, jitter=lambda: 0.5)
        running = asyncio.create_task(self.deliverer.run())
        try:
            yield self.deliverer
        finally:
            self.deliverer.stop()
            await asyncio.wait([running])
            await request.shutdown()

    async def settled(self, waiting: int = 0) -> None:
        """Let as much time pass as it takes until only so many alerts wait."""
        async with asyncio.timeout(20):
            while (await self.storage.tally()).waiting > waiting:
                if self.deliverer.in_flight:
                    await asyncio.wait(
                        self.deliverer.in_flight, return_when=asyncio.FIRST_COMPLETED
                    )
                    continue
                due = await self.storage.next_due(self.now())
                if due and due > self.now() and not self.wire.busy:
                    self.passed += due - self.now()
                self.deliverer.wake()
                await asyncio.sleep(0)
            while self.deliverer.in_flight:
                await asyncio.wait(self.deliverer.in_flight)

    async def told(self) -> None:
        """Wait until no alert waits; no time passes."""
        while (await self.storage.tally()).waiting:
            self.deliverer.wake()
            await asyncio.sleep(0)

    def heard(self, chat: int) -> list[str]:
        """The first lines of what a chat got."""
        return [m["text"].partition("\n")[0] for m in self.api.messages(chat) if "text" in m]

    def rings(self, chat: int) -> Counter[str]:
        """How often a chat heard of each milestone."""
        return Counter(line.split()[1] for line in self.heard(chat))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    storage = await open_tiny(tmp_path / "bell.db", tmp_path / "bell.key")
    try:
        async with BotApi() as api:
            yield Office(storage, api)
    finally:
        await storage.close()


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What is logged meanwhile, which tracebacks in colour would make slow."""
    with capture_logs() as lines:
        yield lines


# --- a fault at every step -----------------------------------------------------------------------

CHATS = (1, 2)


def storage_fault(what: str) -> None:
    raise StorageError("disk full") if what == "storage" else NetworkError("gone")


def our_fault(_: str) -> None:
    raise RuntimeError("a fault of our own")


async def either(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait for what comes first, and let go of the rest."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def steps_of_a_delivery(office: Office) -> int:
    await office.ring(1_000)
    async with office.delivering():
        await office.settled()
    return office.wire.step


@pytest.mark.parametrize("failure", [storage_fault, our_fault])
async def test_p11_a_fault_at_any_step_loses_nothing_and_repeats_only_a_lost_answer(
    office: Office, failure: Callable[[str], None]
) -> None:
    await office.welcome(*CHATS)
    steps = await steps_of_a_delivery(office)
    assert steps > 6
    tripped: list[str] = []

    def fail(what: str) -> None:
        tripped.append(what)
        failure(what)

    for number in range(steps):
        before = {chat: len(office.heard(chat)) for chat in CHATS}
        tripped.clear()
        await office.ring(2_000 + number)
        office.wire.step, office.wire.fail_at, office.wire.failure = 0, number + 1, fail
        async with office.delivering():
            with suppress(RuntimeError):
                await office.settled()
        extra = [len(office.heard(chat)) - before[chat] - 1 for chat in CHATS]
        assert min(extra) == 0
        assert sum(extra) <= (1 if tripped == ["sent"] else 0)


async def test_p11_a_death_at_any_step_loses_nothing_and_repeats_at_most_a_batch(
    office: Office,
) -> None:
    await office.welcome(*CHATS)
    steps = await steps_of_a_delivery(office)
    for number in range(steps):
        before = {chat: len(office.heard(chat)) for chat in CHATS}
        died = asyncio.Event()

        def die(_: str, died: asyncio.Event = died) -> None:
            died.set()
            for task in office.deliverer.in_flight:
                task.cancel()
            raise asyncio.CancelledError

        office.wire.step, office.wire.fail_at, office.wire.failure = 0, number + 1, die
        await office.ring(2_000 + number)
        async with office.delivering():
            # One delivery may take a step less than another, and then nobody dies at the last.
            await either(died.wait(), office.told())
        office.wire.fail_at = -1
        async with office.delivering():
            await office.settled()
        extra = [len(office.heard(chat)) - before[chat] - 1 for chat in CHATS]
        assert set(extra) <= {0, 1}  # all that was in flight may be repeated, once


# --- outcomes ------------------------------------------------------------------------------------


async def test_p33_the_log_names_no_chat(office: Office, logged: list[Any]) -> None:
    await office.welcome(987_654, -987_654)
    office.api.refuse(987_654, 403, "Forbidden: bot was blocked by the user")
    office.api.refuse(-987_654, 400, "Bad Request: something new")
    await office.ring(1_000)
    async with office.delivering():
        await office.settled(waiting=1)
    assert logged
    assert "987654" not in str(logged)


async def test_p11_one_bad_chat_starves_nobody(office: Office) -> None:
    await office.welcome(*range(1, 6))
    office.api.refuse(2, 400, "Bad Request: something new", times=1_000)
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled(waiting=1)
        assert deliverer.counts.barred >= 1
    assert [len(office.heard(chat)) for chat in range(1, 6)] == [1, 0, 1, 1, 1]


async def test_p12_a_flood_limit_delays_its_chat_alone_and_doubles_nothing(office: Office) -> None:
    await office.welcome(1, 2)
    office.api.refuse(1, 429, "Too Many Requests: retry after 60", {"retry_after": 60})
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled(waiting=1)
        assert (office.heard(1), len(office.heard(2))) == ([], 1)
        await office.settled()
        assert deliverer.counts.flooded >= 1
    assert office.rings(1) == office.rings(2) == Counter({"1,000": 1})


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (502, "Bad Gateway"),
        (500, "Internal Server Error"),
        (403, "Forbidden: something new"),
        (400, "Bad Request: something new"),
        (401, "Unauthorized"),
        (400, "Bad Request: message thread not found"),
    ],
)
async def test_what_is_unknown_or_passing_is_tried_again_for_as_long_as_it_lasts(
    office: Office, code: int, words: str
) -> None:
    await office.welcome(1)
    office.api.refuse(1, code, words, times=25)
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.retried + deliverer.counts.barred == 25
    assert office.rings(1) == Counter({"1,000": 1})
    assert office.passed > timedelta(minutes=10)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
        (403, "Forbidden: bot was kicked from the supergroup chat"),
        (403, "Forbidden: the group chat was deleted"),
    ],
)
async def test_p13_a_chat_that_is_gone_rests_and_hears_one_summary_when_it_is_back(
    office: Office, code: int, words: str
) -> None:
    await office.welcome(1, 2)
    office.api.refuse(1, code, words)
    await office.ring(1_000, 2_500, 5_000)
    async with office.delivering() as deliverer:
        await office.settled(waiting=3)
        assert len(office.heard(2)) == 3
        assert office.heard(1) == []
        await office.storage.wake_chat(1, office.now())
        deliverer.wake()
        await office.settled()
        assert deliverer.counts.rested == 1
        assert deliverer.counts.summaries == 1
        await office.ring(10_000)
        await office.settled()
    assert office.heard(1) == ["🌅 While you were away: three updates.", office.heard(1)[1]]
    assert office.rings(2)["10,000"] == 1
    first = office.api.messages(1)[0]
    where = [first["text"].index(f"{number} signatures") for number in ("1,000", "2,500", "5,000")]
    assert where == sorted(where)
    assert first["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == f"card|{REF}|"


async def test_a_chat_back_from_rest_with_one_thing_waiting_hears_that_as_ever(
    office: Office,
) -> None:
    await office.welcome(1)
    await office.storage.rest_chat(1, "blocked", office.now())
    await office.ring(1_000)
    await office.storage.wake_chat(1, office.now())
    async with office.delivering():
        await office.settled()
    assert office.rings(1) == Counter({"1,000": 1})


async def test_p14_a_group_that_became_a_supergroup_hears_there_what_it_was_owed(
    office: Office,
) -> None:
    await office.welcome(-55)
    office.api.migrate(-55, -100_055)
    await office.ring(1_000, 2_500)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.moved >= 1
    assert office.rings(-100_055) == Counter({"1,000": 1, "2,500": 1})


async def test_p14_a_supergroup_that_follows_too_hears_once_though_both_are_being_told(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = asyncio.Event()

    class Slow(WiredRequest):
        """The answer about the supergroup takes long enough for it to be told again."""

        async def do_request(self, *args: Any, **how: Any) -> tuple[int, bytes]:
            answer = await super().do_request(*args, **how)
            if office.rings(-100_055).total() > 1:
                twice.set()
            said = [each for each in (*args, *how.values()) if isinstance(each, RequestData)]
            if any(each.parameters.get("chat_id") == -100_055 for each in said):
                with suppress(TimeoutError):
                    await asyncio.wait_for(twice.wait(), 0.5)
            return answer

    monkeypatch.setattr(f"{__name__}.WiredRequest", Slow)
    await office.welcome(-55)
    office.api.migrate(-55, -100_055)
    await office.storage.save_chat(Chat(-100_055, consented_at=office.now()))
    await office.storage.subscribe(Subscription(-100_055, REF, office.now()))
    await office.ring(1_000)
    async with office.delivering():
        await office.settled()
    assert office.rings(-100_055) == Counter({"1,000": 1})


@pytest.mark.parametrize("words", ["message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED"])
async def test_p14_a_lost_topic_falls_back_to_the_chat_once_with_a_note(
    office: Office, words: str
) -> None:
    await office.welcome(-9, thread_id=7)
    office.api.add_topic(-9, 7)
    office.api.refuse(-9, 400, f"Bad Request: {words}")
    await office.ring(1_000, 2_500)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.topics_lost == 1
    first, second = office.api.messages(-9)
    assert "message_thread_id" not in first
    assert "message_thread_id" not in second
    assert first["text"].endswith("closed or deleted, so I'll post here from now on.")
    assert "closed or gone" not in second["text"]
    subscription = await office.storage.subscription(-9, REF)
    assert subscription is not None
    assert subscription.thread_id is None


async def test_p14_a_topic_that_is_there_is_used(office: Office) -> None:
    await office.welcome(-9, thread_id=7)
    office.api.add_topic(-9, 7)
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.topics_lost == 0
    assert office.api.messages(-9)[0]["message_thread_id"] == 7


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        ("can't parse entities: boo", "entities"),
        ("BUTTON_URL_INVALID", "reply_markup"),
        ("message is too long", None),
    ],
)
async def test_p17_what_telegram_will_not_have_is_sent_plainer_and_counted(
    office: Office, words: str, lost: str | None
) -> None:
    await office.welcome(1)
    office.api.refuse(1, 400, f"Bad Request: {words}")
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled()
        assert (deliverer.counts.mended, deliverer.counts.refused) == (1, 0)
    (message,) = office.api.messages(1)
    assert "1,000 signatures" in message["text"]
    assert lost not in message
    assert {"entities", "reply_markup"} - {lost} <= message.keys()


async def test_p17_what_is_refused_however_plain_is_counted_and_blocks_nothing(
    office: Office,
) -> None:
    await office.welcome(1)
    office.api.refuse(1, 400, "Bad Request: can't parse entities: boo", times=2)
    await office.ring(1_000, 2_500)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.refused == 1
    assert office.rings(1) == Counter({"2,500": 1})


async def test_p20_a_chat_hears_things_in_the_order_they_happened_despite_retries(
    office: Office,
) -> None:
    await office.welcome(1, 2, 3)
    office.api.refuse(1, 502, "Bad Gateway", times=2)
    numbers = [1_000, 2_500, 5_000, 7_500]
    await office.ring(*numbers)
    async with office.delivering():
        await office.settled()
    for chat in (1, 2, 3):
        assert [line.split()[1] for line in office.heard(chat)] == [f"{n:,}" for n in numbers]


async def test_what_telegram_accepted_is_not_sent_again_while_the_disk_is_full(
    office: Office,
) -> None:
    await office.welcome(1)
    await office.ring(1_000)
    full = True

    def fail(what: str) -> None:
        office.wire.fail_at += 1 if full else 0
        if what == "storage":
            raise StorageError("disk full")

    office.wire.failure, office.wire.fail_at = fail, 7  # the wire before `settle`
    async with office.delivering() as deliverer:
        await office.api.next_message(1)
        while deliverer.in_flight:
            await asyncio.wait(deliverer.in_flight)
        full = False
        office.wire.fail_at = -1
        await office.settled()
    assert office.rings(1) == Counter({"1,000": 1})


# --- limits --------------------------------------------------------------------------------------


async def test_sixty_chats_and_three_groups_hear_once_within_telegrams_own_limits(
    tmp_path: Path,
) -> None:
    storage = await open_tiny(tmp_path / "bell.db", tmp_path / "bell.key")
    chats = [*range(1, 61), -1, -2, -3]
    async with BotApi(limits=True) as api:
        office = Office(storage, api, hurry=1.0)
        await office.welcome(*chats)
        await office.ring(1_000)
        async with office.delivering():
            await office.settled()
        assert all(office.rings(chat) == Counter({"1,000": 1}) for chat in chats)
    await storage.close()


# --- the summary ---------------------------------------------------------------------------------


def missed(number: int, *, title: str = "Free tea") -> Missed:
    ref = PetitionRef("uk", number)
    event = MilestoneReached(1_000, 1_002)
    now = utc_now()
    known = PetitionHistory(structs.replace(petition(action=title), ref=ref), now)
    return Missed(known, [Occurrence(f"{ref}:{event.key}", ref, now, event)])


def test_p18_a_summary_tells_what_fits_and_says_that_there_is_more() -> None:
    things = [missed(number, title="Tea 🫖 " * 20) for number in range(1, 51)]
    whole = summary(things, utc_now())
    assert width(whole.message.text) <= TEXT_LIMIT
    assert 10 < whole.told < 50
    assert f"here are the first {whole.told}." in whole.message.text
    assert len(whole.buttons.inline_keyboard) == 10


def test_a_summary_of_few_things_tells_them_all() -> None:
    whole = summary([missed(1), missed(2), missed(1)], utc_now())
    assert whole.told == 3
    assert "first" not in whole.message.text
    assert [row[0].callback_data for row in whole.buttons.inline_keyboard] == [
        "card|uk:2|",
        "card|uk:1|",
    ]


async def test_a_summary_too_long_for_one_message_goes_on_in_the_next(office: Office) -> None:
    await office.welcome(1)
    office.title = "Free tea, milk and scones in each library"
    petitions = office.many(45)
    await office.follow(1, petitions)
    await office.storage.rest_chat(1, "blocked", office.now())
    for each in petitions:
        await office.happens(each, Surged(1_240, 45.0, each.signature_count))
    await office.storage.wake_chat(1, office.now())
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.summaries == 2
    told = " ".join(message["text"] for message in office.api.messages(1))
    assert all(told.count(f"{office.title} {each.ref.id}") == 1 for each in petitions)


class LastMessage(Tripwire):
    """Has the deliverer start nothing more once a message was sent."""

    def __init__(self, office: Office) -> None:
        super().__init__()
        self.sent = asyncio.Event()
        self._office = office

    def pass_by(self, what: str) -> None:
        if what == "sent":
            self._office.deliverer.stop()
            self.sent.set()


async def test_what_a_summary_had_no_room_for_was_not_tried(office: Office) -> None:
    await office.welcome(1)
    office.title = "Free tea, milk and scones in each library"
    petitions = office.many(45)
    await office.follow(1, petitions)
    await office.storage.rest_chat(1, "blocked", office.now())
    for each in petitions:
        await office.happens(each, Surged(1_240, 45.0, each.signature_count))
    await office.storage.wake_chat(1, office.now())
    office.wire = wire = LastMessage(office)
    async with office.delivering():
        await wire.sent.wait()
    left = await office.storage.claim_deliveries(office.now(), 1, LEASE)
    assert 0 < len(left) < 45
    assert not any(each.delivery.attempts for each in left)


def test_a_summary_tells_the_things_of_one_petition_together_in_their_order() -> None:
    now = utc_now()
    things = [missed(1), missed(2, title="Coffee"), missed(1)]
    closed = Occurrence("k", things[2].known.petition.ref, now, Closed(1_002))
    things[2] = Missed(things[2].known, [closed])
    text = summary(things, now, "digest").message.text
    at = clock(now, now)
    assert text.splitlines() == [
        "📰 Your digest: three updates.",
        "",
        "Free tea",
        f"{at} 🔔 1,000 signatures reached.",
        f"{at} 🏁 Closed with 1,002 signatures.",
        "",
        "Coffee",
        f"{at} 🔔 1,000 signatures reached.",
    ]


# --- lanes and floods ----------------------------------------------------------------------------


async def test_p33_a_dissolution_closes_fourteen_petitions_in_one_message(office: Office) -> None:
    await office.welcome(1)
    petitions = office.many(14)
    await office.follow(1, petitions)
    await office.close(petitions, early=True)
    async with office.delivering():
        await office.settled()
    (message,) = office.api.messages(1)
    assert message["text"].startswith("🏁 14 petitions you follow have closed.")
    assert all(f"{office.title} {each.ref.id}" in message["text"] for each in petitions)


async def test_of_fourteen_that_close_on_the_same_day_the_sixth_and_on_are_told_together(
    office: Office,
) -> None:
    await office.welcome(1, 2)
    petitions = office.many(14)
    await office.follow(1, petitions)
    await office.follow(2, petitions[:5])
    await office.close(petitions)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.held == 9
    assert len(office.api.messages(2)) == 5
    *single, together = (message["text"] for message in office.api.messages(1))
    assert [text.partition("\n")[0] for text in single] == ["🏁 Closed with 84 signatures."] * 5
    assert together.startswith("🏁 9 petitions you follow have closed.")
    told = " ".join([*single, together])
    assert all(told.count(f"{office.title} {each.ref.id}") == 1 for each in petitions)


async def test_p20_what_a_flood_holds_back_is_not_overtaken(office: Office) -> None:
    await office.welcome(1)
    async with office.delivering() as deliverer:
        await office.ring(1_000, 2_500, 5_000, 10_000, 25_000, 50_000)
        while deliverer.counts.held < 1:
            deliverer.wake()
            await asyncio.sleep(0)
        office.passed += timedelta(seconds=50)
        await office.ring(100_000)
        await office.settled()
    text = "\n".join(message["text"] for message in office.api.messages(1))
    assert deliverer.counts.held == 1
    numbers = (1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000)
    where = [text.index(f"{n:,} signatures") for n in numbers]
    assert where == sorted(where)
    assert "📬 Several updates at once: two updates." in text


async def test_alerts_with_time_between_them_are_no_flood(office: Office) -> None:
    await office.welcome(1)
    async with office.delivering() as deliverer:
        for number in (1_000, 2_500, 5_000, 10_000, 25_000):
            await office.ring(number)
            await office.settled()
            office.passed += timedelta(seconds=61)
        assert deliverer.counts.held == 0
    assert len(office.heard(1)) == 5


async def test_an_alert_that_was_tried_already_is_not_held_back(office: Office) -> None:
    await office.welcome(1)
    await office.ring(1_000, 2_500, 5_000)
    async with office.delivering() as deliverer:
        await office.settled()
        office.api.refuse(1, 502, "Bad Gateway")
        office.passed += timedelta(seconds=119)
        await office.ring(10_000)
        await office.settled()
        assert deliverer.counts.held <= 1
    assert office.rings(1)["10,000"] == 1


@pytest.mark.parametrize(
    ("terms", "head"),
    [
        (Preferences(quiet=Quiet(0, 24 * 60 - 1)), "🌅 During your quiet hours: two updates."),
        (Preferences(loudness={"milestone": "digest"}), "📰 Your digest: two updates."),
        (
            Preferences(snoozed_until=utc_now() + timedelta(days=1)),
            "⏰ Your snooze has ended: two updates.",
        ),
    ],
)
async def test_what_waited_for_its_moment_comes_in_one_message_that_says_why(
    office: Office, terms: Preferences, head: str
) -> None:
    await office.welcome(1)
    await office.storage.set_terms(1, terms, office.now())
    await office.ring(1_000, 2_500)
    async with office.delivering():
        await office.settled()
    assert office.heard(1) == [head]


async def test_one_thing_that_waited_comes_as_ever(office: Office) -> None:
    await office.welcome(1)
    await office.storage.set_terms(1, Preferences(loudness={"milestone": "digest"}), office.now())
    await office.ring(1_000)
    async with office.delivering():
        await office.settled()
    assert office.heard(1) == ["🔔 1,000 signatures reached."]


async def test_what_waited_for_two_topics_comes_in_each(office: Office) -> None:
    office.api.add_chat(-9, "supergroup", title="Tea club")
    petitions = office.many(3)
    await office.storage.save_chat(Chat(-9, terms=Preferences(loudness={"closing": "digest"})))
    await office.follow(-9, petitions)
    for topic, each in zip((7, 8, 7), petitions, strict=True):
        office.api.add_topic(-9, topic)
        await office.storage.set_thread(-9, each.ref, topic)
    await office.close(petitions)
    async with office.delivering():
        await office.settled()
    told = {m["message_thread_id"]: m["text"] for m in office.api.messages(-9)}
    assert told[7].startswith("📰 Your digest: two updates.")
    assert told[8].startswith("🏁 Closed with 84 signatures.")


async def test_what_a_rule_brings_says_so_and_offers_to_subscribe(office: Office) -> None:
    office.api.add_chat(1, "private")
    await office.storage.save_chat(Chat(1, consented_at=office.now()))
    await office.storage.save_rule(
        Rule(1, "uk", office.now(), ("closing",), words=("tea",)), office.now()
    )
    await office.close(office.many(1))
    async with office.delivering():
        await office.settled()
    (message,) = office.api.messages(1)
    assert message["text"].splitlines()[-1] == "From your rule “petitions mentioning tea”."
    labels = [key["text"] for row in message["reply_markup"]["inline_keyboard"] for key in row]
    assert labels == ["Follow", "Open"]


async def test_a_kind_that_makes_no_sound_does_not_read_as_a_muted_petition(
    office: Office,
) -> None:
    await office.welcome(1)
    await office.happens(petition(), Surged(1_240, 45.0, 9_000))
    async with office.delivering():
        await office.settled()
    (message,) = office.api.messages(1)
    assert office.api.is_silent(1, message["message_id"])
    labels = [key["text"] for row in message["reply_markup"]["inline_keyboard"] for key in row]
    assert "Make silent" in labels


async def test_two_reminders_that_come_due_together_are_one_message(office: Office) -> None:
    await office.welcome(1)
    closes_at = office.now() + timedelta(hours=6)
    found = [
        Occurrence(f"{REF}:{event.key}", REF, office.now(), event)
        for event in (ClosingSoon(hours, closes_at, 84) for hours in (72, 6))
    ]
    await office.storage.commit_poll(PetitionHistory(petition(), office.now()), found, office.now())
    async with office.delivering():
        await office.settled()
    (line,) = office.heard(1)
    assert line.startswith("⏳ Closes in ")
