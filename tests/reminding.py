"""Petitions that the clock brings something to."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from petitions import petition

from bot.local_time import LONDON_ZONE
from bot.messages.message import compose, lines
from bot.messages.reminder import Reminder, reminder
from bot.petitions.events import Event
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import observe
from bot.petitions.petition import Petition
from bot.petitions.reminders import due

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REACHED = datetime(2025, 2, 20, 23, 30, tzinfo=UTC)
AWAITING = petition(
    signature_count=12_000,
    state="closed",
    closing_date=None,
    closed_at=datetime(2025, 2, 21, tzinfo=UTC),
    response_threshold_reached_at=REACHED,
)


def seen(reading: Petition, now: datetime) -> PetitionHistory:
    known, _ = observe(None, reading, now)
    return known


def lived(known: PetitionHistory, instants: Iterable[datetime]) -> list[tuple[datetime, Event]]:
    """Everything the clock brings to a petition that is asked about at these instants."""
    told: list[tuple[datetime, Event]] = []
    for now in instants:
        known, occurrences = due(known, now)
        told += [(now, occurrence.event) for occurrence in occurrences]
    return told


def every(step: timedelta, begin: datetime, end: datetime) -> list[datetime]:
    return [begin + step * n for n in range(int((end - begin) / step))]


def london(at: datetime) -> str:
    return f"{at.astimezone(LONDON_ZONE):%d %b %H:%M}"


def told(event: Reminder, reading: Petition, now: datetime) -> str:
    words = reminder(event, reading, now)
    return compose(*lines(words.headline, *words.rows)).text
