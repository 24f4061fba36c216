"""What the clock brings: each once, at London's hour, or not at all."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from bell import a_response, open_petition, stamp
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from petitions import NOW, OPENED, REF, RESPONSE, petition
from reminding import AWAITING, DAY, HOUR, REACHED, every, lived, london, seen
from site_stand_in import Fault, PetitionsSite

from bot.local_time import LONDON_ZONE
from bot.petitions.events import ClosingSoon, DebatePassed, DebateToday
from bot.petitions.observe import observe
from bot.petitions.petition import Debate, PetitionRef, Reading, Site
from bot.petitions.reminders import (
    REMINDERS,
    ReminderSchedule,
    due,
    moments,
    next_moment,
    wants_readings,
)
from bot.polling.petitions_api import PetitionsApi, open_session
from bot.polling.poller import Poller
from bot.subscriptions.subscription import Preferences, Subscription
from storage import Storage
from storage.tinydb.store import open_tiny

# --- closing soon ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closing", "at"),
    [
        # The closing instant is an hour earlier in universal time in summer than in winter.
        (date(2025, 8, 10), ["27 Jul", "03 Aug", "07 Aug", "09 Aug", "10 Aug"]),
        (date(2025, 12, 10), ["26 Nov", "03 Dec", "07 Dec", "09 Dec", "10 Dec"]),
        # The clocks change between the reminders and the closing.
        (date(2025, 3, 31), ["17 Mar", "24 Mar", "28 Mar", "30 Mar", "31 Mar"]),
        (date(2025, 10, 27), ["13 Oct", "20 Oct", "24 Oct", "26 Oct", "27 Oct"]),
    ],
)
def test_a_closing_is_told_in_londons_evening_and_never_by_night(
    closing: date, at: list[str]
) -> None:
    opened = datetime.combine(closing, datetime.min.time(), UTC) - 40 * DAY
    known = seen(petition(opened_at=opened, closing_date=closing), opened)
    told = lived(known, every(HOUR / 4, opened, opened + 45 * DAY))
    assert [london(moment) for moment, _ in told] == [f"{day} 18:00" for day in at]
    assert [e.hours for _, e in told if isinstance(e, ClosingSoon)] == list(REMINDERS)


def test_a_closing_that_is_days_of_hours_away_by_day_is_told_at_that_hour() -> None:
    noon = datetime(2025, 8, 10, 11, 0, tzinfo=UTC)
    known = seen(petition(closed_at=noon), OPENED)
    told = lived(known, every(HOUR / 4, NOW, noon + DAY))
    assert london(told[0][0]) == "27 Jul 12:00"
    assert london(told[-1][0]) == "09 Aug 18:00"  # six hours before would be at six in the morning


def test_a_closing_that_is_put_off_is_told_anew() -> None:
    known = seen(petition(closing_date=date(2025, 3, 5)), NOW)
    known, first = due(known, datetime(2025, 3, 2, 20, tzinfo=UTC))
    assert [o.event.key for o in first] == ["closing_soon:20250306:72"]
    now = datetime(2025, 3, 3, 12, tzinfo=UTC)
    known, _ = observe(known, petition(closing_date=date(2025, 3, 25)), now)
    told = lived(known, every(HOUR, now, now + 30 * DAY))
    assert [e.hours for _, e in told if isinstance(e, ClosingSoon)] == list(REMINDERS)


def test_a_closing_brought_forward_tells_nothing_that_is_over_already() -> None:
    known = seen(petition(), NOW)
    known, _ = observe(known, petition(closing_date=NOW.date()), NOW + HOUR)
    assert lived(known, [NOW + HOUR]) == []


def test_a_reminder_nobody_was_awake_for_is_told_for_a_day_and_then_no_more() -> None:
    known = seen(petition(), NOW)
    moment = next_moment(known)
    assert moment is not None
    assert len(lived(known, [moment + DAY - HOUR])) == 1
    assert lived(known, [moment + DAY, moment + DAY + HOUR]) == []


def test_what_is_closed_or_taken_down_is_not_closing_soon() -> None:
    closed = petition(state="closed", closed_at=NOW)
    assert lived(seen(closed, NOW), every(DAY, NOW, NOW + 200 * DAY)) == []
    removed = structs.replace(seen(petition(), NOW), removed=True)
    assert lived(removed, every(DAY, NOW, NOW + 200 * DAY)) == []
    assert next_moment(removed) is None


def test_a_closing_knows_its_pace_and_where_it_ends() -> None:
    known = seen(petition(signature_count=9_000), NOW)
    moment = next_moment(known)
    assert moment is not None
    assert wants_readings(known, moment)
    readings = [Reading(moment - n * HOUR, 9_000 - n) for n in range(300, 0, -1)]
    _, (occurrence,) = due(known, moment, readings)
    assert isinstance(occurrence.event, ClosingSoon)
    assert occurrence.event.a_day == pytest.approx(24)
    assert occurrence.event.expected is not None
    low, high = occurrence.event.expected
    assert 9_000 <= low <= 9_000 + 15 * 24 <= high


# --- overdue --------------------------------------------------------------------------------------


def test_a_response_that_is_missing_is_called_overdue_three_times_in_the_morning() -> None:
    told = lived(seen(AWAITING, REACHED), every(HOUR, REACHED, REACHED + 400 * DAY))
    assert [(london(at), event.key) for at, event in told] == [
        ("13 Mar 08:30", "response_overdue:21"),
        ("21 Apr 08:30", "response_overdue:60"),
        ("19 Aug 08:30", "response_overdue:180"),
    ]


@pytest.mark.parametrize(
    "answered",
    [
        {"government_response": RESPONSE},
        {"government_response_at": REACHED},
        {"archived": True},
        {"state": "rejected"},
        {"response_threshold_reached_at": None},
        {"response_threshold": None},
    ],
)
def test_nothing_is_overdue_that_is_there_or_never_comes(answered: dict[str, object]) -> None:
    known = seen(structs.replace(AWAITING, **answered), REACHED)
    assert lived(known, every(DAY, REACHED, REACHED + 400 * DAY)) == []


def test_a_response_withdrawn_late_is_not_overdue_for_days_long_past() -> None:
    answered = structs.replace(AWAITING, government_response=RESPONSE)
    known = seen(answered, REACHED)
    now = REACHED + 21 * DAY + 12 * HOUR
    known, _ = observe(known, AWAITING, now)
    told = lived(known, every(HOUR, now, now + 60 * DAY))
    assert [event.key for _, event in told] == ["response_overdue:60"]


def test_a_debate_without_a_date_is_called_overdue_twice() -> None:
    reading = petition(
        state="closed",
        closed_at=REACHED,
        closing_date=REACHED.date(),
        debate_threshold_reached_at=REACHED,
    )
    told = lived(seen(reading, REACHED), every(HOUR, REACHED, REACHED + 400 * DAY))
    assert [event.key for _, event in told] == ["debate_overdue:45", "debate_overdue:120"]
    dated = structs.replace(reading, scheduled_debate_date=date(2027, 1, 4))
    assert lived(seen(dated, REACHED), every(DAY, REACHED, REACHED + 400 * DAY)) == []


# --- a debate's day -------------------------------------------------------------------------------


@pytest.mark.parametrize("on", [date(2025, 6, 9), date(2025, 3, 30), date(2025, 10, 26)])
def test_the_debates_day_and_the_day_after_are_told_in_londons_morning(on: date) -> None:
    begin = datetime.combine(on, datetime.min.time(), UTC) - 5 * DAY
    known = seen(petition(closing_date=date(2026, 8, 10), scheduled_debate_date=on), begin)
    told = lived(known, every(HOUR / 2, begin, begin + 20 * DAY))
    assert [(london(at), event) for at, event in told] == [
        (f"{on:%d %b} 08:00", DebateToday(on)),
        (f"{on + DAY:%d %b} 08:00", DebatePassed(on)),
    ]


def test_a_debate_with_an_outcome_has_passed_without_a_word() -> None:
    on = date(2025, 6, 9)
    begin = datetime(2025, 6, 1, tzinfo=UTC)
    scheduled = petition(scheduled_debate_date=on)
    told_of = structs.replace(scheduled, debate=Debate(debated_on=on))
    known, _ = observe(seen(scheduled, begin), told_of, begin + HOUR)
    assert lived(known, every(HOUR, begin, begin + 20 * DAY)) == []
    earlier = structs.replace(scheduled, debate=Debate(debated_on=on - 90 * DAY))
    assert len(lived(seen(earlier, begin), every(HOUR, begin, begin + 20 * DAY))) == 2


def test_a_debate_announced_on_its_own_day_is_not_told_twice() -> None:
    now = datetime(2025, 6, 9, 10, tzinfo=UTC)
    known, (scheduled,) = observe(
        seen(petition(), now - DAY), petition(scheduled_debate_date=now.date()), now
    )
    assert scheduled.key.startswith(f"{REF}:debate_scheduled")
    assert [e.key for _, e in lived(known, every(HOUR, now, now + 3 * DAY))] == [
        "debate_passed:2025-06-09"
    ]


def test_a_debate_that_is_moved_is_told_on_its_new_day_only() -> None:
    begin = datetime(2025, 6, 1, tzinfo=UTC)
    known = seen(petition(scheduled_debate_date=date(2025, 6, 9)), begin)
    known, _ = observe(known, petition(scheduled_debate_date=date(2025, 6, 16)), begin + HOUR)
    told = lived(known, every(HOUR, begin, begin + 20 * DAY))
    assert [event.key for _, event in told] == [
        "debate_today:2025-06-16",
        "debate_passed:2025-06-16",
    ]


# --- laws -----------------------------------------------------------------------------------------

DAYS = st.dates(date(2024, 1, 1), date(2026, 12, 31))
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - as they take it


@given(
    closing=st.none() | DAYS,
    debate=st.none() | DAYS,
    reached=st.none() | INSTANTS,
    begin=INSTANTS,
    gaps=st.lists(st.integers(1, 60 * 24 * 40), max_size=30),
)
def test_whenever_it_is_asked_the_clock_brings_each_thing_once_and_never_by_night(
    closing: date | None,
    debate: date | None,
    reached: datetime | None,
    begin: datetime,
    gaps: Sequence[int],
) -> None:
    reading = petition(
        closing_date=closing, scheduled_debate_date=debate, response_threshold_reached_at=reached
    )
    known, now = seen(reading, begin), begin
    assert due(known, begin) == (known, ())
    told: list[str] = []
    for gap in gaps:
        now += timedelta(minutes=gap)
        moment = next_moment(known)
        after, occurrences = due(known, now)
        assert (after == known) == (moment is None or moment > now)
        told += [occurrence.key for occurrence in occurrences]
        known = after
    assert len(told) == len(set(told))
    assert all(8 <= m.at.astimezone(LONDON_ZONE).hour <= 18 for m in moments(reading))
    assert all(m.at < m.until for m in moments(reading))


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 50)), max_size=60))
def test_the_diary_knows_the_last_moment_noted_of_each_petition(
    notes: list[tuple[int, int | None]],
) -> None:
    diary, latest = ReminderSchedule(), dict[PetitionRef, datetime]()
    for number, minute in notes:
        ref = PetitionRef("uk", number)
        at = None if minute is None else NOW + timedelta(minutes=minute)
        diary.note(ref, at)
        latest.pop(ref, None)
        if at:
            latest[ref] = at
    assert len(diary) == len(latest)
    now = NOW + timedelta(minutes=25)
    expected = {ref for ref, at in latest.items() if at <= now}
    first = diary.due(now, 2)
    found = [*first, *diary.due(now, 100)]
    assert len(first) == min(2, len(expected))
    assert (set(found), len(found)) == (expected, len(expected))
    assert diary.due(now, 100) == []


# --- the poller takes what is due -----------------------------------------------------------------


class Bench:
    """A poller between a site and a store; the clock is in our hands."""

    def __init__(self, site: PetitionsSite, storage: Storage) -> None:
        self.site, self.storage, self.at = site, storage, NOW

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()

    @asynccontextmanager
    async def polling(self) -> AsyncIterator[Poller]:
        async with open_session("test") as session:
            poller = Poller(
                [PetitionsApi(Site("uk", "UK Parliament", self.site.url), session, now=self.now)],
                self.storage,
                self.now,
                interval=timedelta(days=30),
                requests_per_minute=60,
                on_deliveries=lambda: None,
                monotonic=self.seconds,
                jitter=lambda: 0.0,
            )
            try:
                yield poller
            finally:
                await poller.drain()

    async def follow(self, poller: Poller, number: int, **changes: object) -> PetitionRef:
        self.site.put(number, open_petition(**{"opened_at": stamp(OPENED), **changes}))
        ref = PetitionRef("uk", number)
        await poller._looks.look_at(poller._sites["uk"], ref, keep=True)
        await self.storage.subscribe(
            Subscription(7, ref, self.at, preferences=Preferences(closing=REMINDERS))
        )
        return ref

    async def tick(self, poller: Poller) -> None:
        """Let the poller remind and ask, and whatever it asks be answered and taken in."""
        await poller.tick()
        await poller.drain()

    async def owed(self) -> list[str]:
        claimed = await self.storage.claim_deliveries(self.at, 100, timedelta(microseconds=1))
        keys = [claim.delivery.key for claim in claimed]
        await self.storage.settle(*keys)
        return keys + await self.owed() if keys else []


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    storage = await open_tiny(tmp_path / "bell.db", tmp_path / "bell.key")
    async with PetitionsSite(lambda: NOW) as site:
        yield Bench(site, storage)
    await storage.close()


async def test_reminders_come_once_however_often_the_bot_is_started(bench: Bench) -> None:
    heard: list[str] = []
    async with bench.polling() as poller:
        await bench.follow(poller, 1, closing_date="2025-03-21")
    for _ in range(25 * 4):
        bench.at += 6 * HOUR
        async with bench.polling() as poller:
            await bench.tick(poller)
            await bench.tick(poller)
        heard += await bench.owed()
    closing = [key for key in heard if "closing_soon" in key]
    assert closing == [f"uk:1:closing_soon:20250322:{hours}:7" for hours in REMINDERS]


async def test_a_petition_that_is_being_looked_at_is_reminded_of_afterwards(bench: Bench) -> None:
    async with bench.polling() as poller:
        ref = await bench.follow(poller, 1, closing_date="2025-03-21")
        await bench.tick(poller)
        bench.at = datetime(2025, 3, 7, 19, tzinfo=UTC)
        async with poller._recorder.lock(ref):
            await poller.tick()
            assert await bench.owed() == []
        await poller.drain()
        for _ in range(5):
            bench.at += timedelta(seconds=30)  # the same address is not asked twice a minute
            await bench.tick(poller)
        assert await bench.owed() == ["uk:1:closing_soon:20250322:336:7"]


async def test_what_came_while_the_bot_was_away_is_told_instead_of_that_it_is_overdue(
    bench: Bench,
) -> None:
    reached = {"signature_count": 12_000, "response_threshold_reached_at": stamp(REACHED)}
    async with bench.polling() as poller:
        ref = await bench.follow(poller, 1, **reached)
        await bench.tick(poller)
    bench.at = datetime(2025, 3, 13, 9, tzinfo=UTC)
    bench.site.put(1, open_petition(opened_at=stamp(OPENED), **reached, **a_response()))
    bench.site.fail("/petitions", Fault(status=500))
    async with bench.polling() as poller:
        for _ in range(3):
            await bench.tick(poller)
            bench.at += timedelta(seconds=1)
        assert await bench.owed() == []  # nobody knows yet what has come meanwhile
        bench.site.heal()
        await poller.look(ref)
        bench.at += timedelta(seconds=1)
        await bench.tick(poller)
    heard = await bench.owed()
    assert any(":response:" in key for key in heard)
    assert not any("overdue" in key for key in heard)


@pytest.mark.parametrize("answers", [True, False])
async def test_what_came_since_the_last_look_is_told_instead_of_that_it_is_overdue(
    bench: Bench, answers: bool
) -> None:
    reached = {"signature_count": 12_000, "response_threshold_reached_at": stamp(REACHED)}
    async with bench.polling() as poller:
        await bench.follow(poller, 1, **reached)
        await bench.tick(poller)
        bench.at = datetime(2025, 3, 13, 9, tzinfo=UTC)
        bench.site.put(1, open_petition(opened_at=stamp(OPENED), **reached, **a_response()))
        if not answers:
            bench.site.fail("/petitions", Fault(status=500))
        for _ in range(10):
            await bench.tick(poller)
            bench.at += timedelta(minutes=1)
    heard = await bench.owed()
    assert any(":response:" in key for key in heard) == answers
    assert any("overdue" in key for key in heard) != answers


async def test_each_moment_has_a_look_of_its_own(bench: Bench) -> None:
    reached = {
        "signature_count": 112_000,
        "response_threshold_reached_at": stamp(REACHED),
        "debate_threshold_reached_at": stamp(REACHED),
    }
    responded = {"opened_at": stamp(OPENED), **reached, **a_response()}
    async with bench.polling() as poller:
        ref = await bench.follow(poller, 1, **reached)
        await bench.tick(poller)
        bench.at = datetime(2025, 3, 13, 9, tzinfo=UTC)
        bench.site.put(1, open_petition(**responded))
        for _ in range(10):
            await bench.tick(poller)
            bench.at += timedelta(minutes=1)
        await bench.owed()
        bench.site.put(1, open_petition(**responded, scheduled_debate_date="2025-09-01"))
        known = await bench.storage.history(ref)
        assert known
        bench.at = (next_moment(known) or bench.at) + timedelta(seconds=5)
        for _ in range(10):
            await bench.tick(poller)
            bench.at += timedelta(minutes=1)
        heard = await bench.owed()
    assert any("debate_scheduled" in key for key in heard)
    assert not any("debate_overdue" in key for key in heard)


async def test_after_a_start_what_is_due_is_looked_at_first_and_told_within_seconds(
    bench: Bench,
) -> None:
    async with bench.polling() as poller:
        for number in range(1, 41):
            closed = {"state": "closed", "closed_at": stamp(OPENED), "signature_count": 100_001}
            on = "2025-03-20" if number == 40 else "2025-05-20"
            await bench.follow(poller, number, **closed, scheduled_debate_date=on)
            bench.at += timedelta(seconds=1)
    bench.at = datetime(2025, 3, 20, 9, tzinfo=UTC)
    async with bench.polling() as poller:
        for _ in range(5):
            bench.at += timedelta(seconds=1)
            await bench.tick(poller)
    assert await bench.owed() == ["uk:40:debate_today:2025-03-20:7"]


async def test_what_nobody_follows_any_longer_is_reminded_of_once_it_is_followed_again(
    bench: Bench,
) -> None:
    async with bench.polling() as poller:
        ref = await bench.follow(poller, 1, closing_date="2025-03-21")
        await bench.tick(poller)
        await bench.storage.unsubscribe(7, ref)
        await bench.tick(poller)
        bench.at = datetime(2025, 3, 7, 19, tzinfo=UTC)
        await bench.tick(poller)
        assert len(poller._reminding._schedule) == 0
        await bench.storage.subscribe(
            Subscription(7, ref, bench.at, preferences=Preferences(closing=REMINDERS))
        )
        for _ in range(5):
            bench.at += timedelta(seconds=30)  # the same address is not asked twice a minute
            await bench.tick(poller)
        assert await bench.owed() == ["uk:1:closing_soon:20250322:336:7"]


async def test_a_surge_rings_through_the_poller_once(bench: Bench) -> None:
    async with bench.polling() as poller:
        await bench.follow(poller, 1, signature_count=2_000, closing_date="2025-08-10")
        await poller.tick()
        for minute in range(90):
            bench.at += timedelta(minutes=1)
            count = 2_000 + (0 if minute < 20 else (minute - 19) * 30)
            bench.site.put(
                1,
                open_petition(
                    opened_at=stamp(OPENED), signature_count=count, closing_date="2025-08-10"
                ),
            )
            await poller.look(PetitionRef("uk", 1))
        heard = await bench.owed()
    assert [key for key in heard if "surge" in key] == ["uk:1:surge:7"]


async def test_a_steady_rise_is_no_surge_to_the_poller(bench: Bench) -> None:
    async with bench.polling() as poller:
        await bench.follow(poller, 1, signature_count=200_000, closing_date="2025-08-10")
        await poller.tick()
        for minute in range(90):
            bench.at += timedelta(minutes=1)
            bench.site.put(
                1,
                open_petition(
                    opened_at=stamp(OPENED),
                    signature_count=200_000 + minute * 5,
                    closing_date="2025-08-10",
                ),
            )
            await poller.look(PetitionRef("uk", 1))
        assert [key for key in await bench.owed() if "surge" in key] == []
