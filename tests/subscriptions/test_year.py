"""A year by the clock: digests, quiet hours and reminders in three zones, each exactly once."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs
from petitions import petition

from bot.petitions.events import BusinessAdded, Event, Occurrence, Removed
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import observe
from bot.petitions.petition import Business, Petition, PetitionRef
from bot.petitions.reminders import due, next_moment
from bot.subscriptions.subscription import Chat, Digest, Preferences, Quiet, Subscription
from storage import Storage
from storage.tinydb.store import open_tiny

ZONES = ("Europe/London", "America/New_York", "Asia/Kathmandu")
# Off the minute, so that nothing happens by chance at an hour that means something.
BEGIN, END = datetime(2026, 1, 1, 0, 0, 13, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
LEASE = timedelta(minutes=2)
LONDON = ZoneInfo("Europe/London")


class Told(NamedTuple):
    """One message: to whom, when by their clock, in which queue, of what."""

    chat: int
    at: datetime
    queue: str
    keys: tuple[str, ...]


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    opened = await open_tiny(tmp_path / "data" / "bell.db", tmp_path / "bell.key")
    yield opened
    await opened.close()


class Year:
    """Chats in three zones that follow the same petitions; time goes from one thing to the next."""

    def __init__(self, storage: Storage, preferences: Preferences) -> None:
        self.storage = storage
        self.preferences = preferences
        self.known: dict[PetitionRef, PetitionHistory] = {}
        self.told: list[Told] = []

    async def follow(self, *petitions: Petition) -> None:
        for each in petitions:
            self.known[each.ref], _ = observe(None, each, BEGIN)
            await self.storage.commit_poll(self.known[each.ref], (), BEGIN)
        for number, zone in enumerate(ZONES):
            preferences = structs.replace(self.preferences, zone=zone)
            await self.storage.save_chat(Chat(number, consented_at=BEGIN, preferences=preferences))
            for each in petitions:
                await self.storage.subscribe(Subscription(number, each.ref, BEGIN))

    async def happens(self, ref: PetitionRef, event: Event, now: datetime) -> None:
        occurrence = Occurrence(f"{ref}:{event.key}", ref, now, event)
        await self.storage.commit_poll(self.known[ref], (occurrence,), now)

    async def deliver_until(self, end: datetime) -> None:
        """Send whatever falls due before then, each at its own instant."""
        now = BEGIN
        while (at := await self.storage.next_due(now)) is not None and at < end:
            now = max(now, at)
            claims = await self.storage.claim_deliveries(now, 100, LEASE)
            batches: dict[tuple[int, str], list[str]] = {}
            for claim in claims:
                owed = claim.delivery
                batches.setdefault((owed.chat_id, owed.queue), []).extend(owed.occurrences)
            for (chat, queue), keys in batches.items():
                local = now.astimezone(ZoneInfo(ZONES[chat]))
                self.told.append(Told(chat, local, queue, tuple(keys)))
            await self.storage.settle(*(claim.delivery.key for claim in claims))

    def each_once(self, keys: set[str]) -> None:
        for chat in range(len(ZONES)):
            heard = Counter(key for told in self.told if told.chat == chat for key in told.keys)
            assert heard == Counter(keys)


def papers(number: int) -> BusinessAdded:
    return BusinessAdded(Business(f"Paper {number}"), f"p{number}")


async def test_a_year_of_digests_comes_at_the_local_hour_and_loses_and_repeats_nothing(
    storage: Storage,
) -> None:
    dice = Random(2026)  # noqa: S311 - no secret
    year = Year(storage, Preferences({"business": "digest"}, digest=Digest(18 * 60)))
    ref = petition().ref
    await year.follow(petition())
    keys, now = set(), BEGIN
    for number in range(300):
        now += timedelta(minutes=dice.randint(1, 2 * 365 * 24 * 60 // 300))
        if now >= END:
            break
        await year.deliver_until(now)
        await year.happens(ref, papers(number), now)
        keys.add(f"{ref}:{papers(number).key}")
    await year.deliver_until(END + timedelta(days=2))
    year.each_once(keys)
    assert {(told.at.hour, told.at.minute) for told in year.told} == {(18, 0)}
    days = Counter((told.chat, told.at.date()) for told in year.told)
    assert set(days.values()) == {1}


async def test_a_year_of_nights_stays_quiet_and_each_morning_tells_once_what_waited(
    storage: Storage,
) -> None:
    dice = Random(7)  # noqa: S311 - no secret
    quiet = Quiet(22 * 60, 7 * 60)
    year = Year(storage, Preferences({"business": "loud"}, quiet=quiet))
    ref = petition().ref
    await year.follow(petition())
    keys, now = set(), BEGIN
    for number in range(400):
        now += timedelta(minutes=dice.randint(1, 2 * 365 * 24 * 60 // 400))
        await year.deliver_until(now)
        await year.happens(ref, papers(number), now)
        keys.add(f"{ref}:{papers(number).key}")
    await year.deliver_until(now + timedelta(days=2))
    year.each_once(keys)
    for told in year.told:
        assert 7 * 60 <= told.at.hour * 60 + told.at.minute < 22 * 60
        assert (told.queue == "quiet") == (
            (told.at.hour, told.at.minute, told.at.second) == (7, 0, 0)
        )
    mornings = Counter((t.chat, t.at.date()) for t in year.told if t.queue == "quiet")
    assert set(mornings.values()) == {1}


async def test_a_year_of_reminders_comes_once_each_at_londons_hours(storage: Storage) -> None:
    """Twenty-four petitions close and are debated through the year, across both clock changes."""
    year = Year(storage, Preferences(closing=(14 * 24, 7 * 24, 3 * 24, 24, 6)))
    closing = [date(2026, 1, 20) + timedelta(days=14 * number) for number in range(24)]
    refs = [PetitionRef("uk", 800_000 + number) for number in range(24)]
    await year.follow(
        *(
            petition(
                ref=ref,
                opened_at=datetime.combine(on - timedelta(days=181), time(10), UTC),
                closing_date=on,
                signature_count=120_000,
                response_threshold_reached_at=BEGIN - timedelta(days=200),
                debate_threshold_reached_at=BEGIN - timedelta(days=200),
                scheduled_debate_date=on - timedelta(days=2),
            )
            for ref, on in zip(refs, closing, strict=True)
        )
    )
    told_at: dict[str, datetime] = {}
    while moments := {at: ref for ref in refs if (at := next_moment(year.known[ref]))}:
        now = min(moments)
        await year.deliver_until(now)
        known, occurrences = due(year.known[moments[now]], now)
        assert known.seen > year.known[moments[now]].seen
        year.known[moments[now]] = known
        told_at |= {occurrence.key: now for occurrence in occurrences}
        await storage.commit_poll(known, occurrences, now)
    await year.deliver_until(END + timedelta(days=60))

    expected = set()
    for ref, on in zip(refs, closing, strict=True):
        closes = datetime.combine(on + timedelta(days=1), time(0), LONDON).astimezone(UTC)
        hours_left = (14 * 24, 7 * 24, 3 * 24, 24, 6)
        expected |= {f"{ref}:closing_soon:{closes:%Y%m%d}:{hours}" for hours in hours_left}
        debate = on - timedelta(days=2)
        expected |= {f"{ref}:debate_today:{debate}", f"{ref}:debate_passed:{debate}"}
    year.each_once(expected)
    hours = {(at.astimezone(LONDON).hour, at.astimezone(LONDON).minute) for at in told_at.values()}
    assert hours <= {(8, 0), (18, 0)}


async def test_a_restart_in_a_digests_hour_repeats_and_loses_nothing(tmp_path: Path) -> None:
    path, key = tmp_path / "data" / "bell.db", tmp_path / "bell.key"
    storage = await open_tiny(path, key)
    year = Year(storage, Preferences({"status": "digest"}, digest=Digest(9 * 60)))
    await year.follow(petition())
    at = datetime(2026, 3, 28, 20, tzinfo=UTC)  # the night before London's clocks go forward
    await year.happens(petition().ref, Removed(), at)
    due_at = await storage.next_due(at)
    assert due_at is not None
    assert await storage.claim_deliveries(due_at, 100, LEASE)
    await storage.close()  # dies before anything is settled

    year.storage = await open_tiny(path, key)
    await year.deliver_until(END)
    year.each_once({f"{petition().ref}:removed"})
    assert {(told.at.hour, told.at.minute) for told in year.told} == {(9, 0)}
    await year.storage.close()
