"""A debate's day or the moment of closing, for one's own calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest
from bell import READER, TEA, Village
from icalendar import Calendar, Event
from petitions import petition

from bot.app import utc_now
from bot.demo.messenger import buttons_of
from bot.messages.petition.share import calendar_file

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def event_in(file: bytes | None) -> Event:
    """The one event of a file that another program can read."""
    assert file is not None
    [event] = Calendar.from_ical(file).events
    return event


def test_a_debate_is_a_whole_day() -> None:
    about = petition(scheduled_debate_date=date(2026, 10, 26))
    event = event_in(calendar_file(about, "debate", NOW))
    assert (event.start, event.end) == (date(2026, 10, 26), date(2026, 10, 27))
    assert "Debate" in str(event["summary"])


@pytest.mark.parametrize(
    ("last_day", "moment"),
    [
        # London's clocks go forward on 29 March 2026 and back on 25 October.
        (date(2026, 3, 28), datetime(2026, 3, 28, 23, 59, 59, tzinfo=UTC)),
        (date(2026, 3, 29), datetime(2026, 3, 29, 22, 59, 59, tzinfo=UTC)),
        (date(2026, 10, 24), datetime(2026, 10, 24, 22, 59, 59, tzinfo=UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_closing_is_the_same_moment_on_both_sides_of_a_clock_change(
    last_day: date, moment: datetime
) -> None:
    event = event_in(calendar_file(petition(closing_date=last_day), "closing", NOW))
    assert timedelta(0) <= event.start - moment <= timedelta(seconds=1)
    assert event.start.utcoffset() == timedelta(0)


def test_without_a_date_there_is_no_file() -> None:
    assert calendar_file(petition(scheduled_debate_date=None), "debate", NOW) is None
    assert calendar_file(petition(closing_date=None, opened_at=None), "closing", NOW) is None


def test_a_date_that_was_moved_takes_the_place_of_the_one_before() -> None:
    first = event_in(calendar_file(petition(scheduled_debate_date=date(2026, 5, 4)), "debate", NOW))
    later = petition(scheduled_debate_date=date(2026, 5, 11))
    second = event_in(calendar_file(later, "debate", NOW + timedelta(days=1)))
    assert first["uid"] == second["uid"]
    assert second["sequence"] > first["sequence"]


async def test_the_alert_of_a_debate_offers_it_and_a_press_sends_the_file(
    village: Village,
) -> None:
    reader, on = village.reader, (utc_now() + timedelta(days=30)).date()
    async with village.bell():
        await reader.subscribes()
        village.site.edit(TEA, scheduled_debate_date=on.isoformat())
        alert = await reader.hears("Debate on")
        reader.tap(alert, "Add to calendar")
        sent = await village.api.next_message(READER, after=alert["message_id"])
        reader.read = sent["message_id"]
        assert sent["document"]["file_name"] == f"petition-{TEA}-debate.ics"
        stored = village.api.file(sent["document"]["file_id"])
        assert stored is not None
        assert event_in(stored.content).start == on
        village.site.edit(TEA, signature_count=1_002)
        milestone = await reader.hears("1,000 signatures", timeout=15)
        assert all(key["text"] != "Add to calendar" for key in buttons_of(milestone))
