"""When a snooze ends: which day and hour the words mean, up to the minute that is now."""

from datetime import UTC, datetime

import pytest

from bot.local_time import zone_of
from bot.subscriptions.typed_settings import read_until

# Afternoon in London and the end of a month; morning in New York; a summer's morning in London.
SUNDAY = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)


def ends(text: str, now: datetime = SUNDAY, zone: str = "") -> str | None:
    found = read_until(text, now, zone)
    return found and f"{found.astimezone(zone_of(zone)):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("texts", "until"),
    [
        (
            ("tomorrow", "Tomorrow morning.", "yfory", "until tomorrow please", "tonight", "heno"),
            "2026-11-30 08:00",
        ),
        (("overnight", "the morning", "monday", "until Monday morning"), "2026-11-30 08:00"),
        (("after the weekend", "over the weekend", "week", "next week"), "2026-11-30 08:00"),
        (("rest of the week", "next monday", "llun", "bank holiday monday"), "2026-11-30 08:00"),
        (("today", "end of the day", "midnight", "hanner nos"), "2026-11-30 00:00"),
        (("the day after tomorrow", "y diwrnod ar ôl yfory", "next month"), "2026-12-01 08:00"),
        (("end of the month", "december", "1 december", "dec 1", "1/12"), "2026-12-01 08:00"),
        (("1 rhagfyr", "the 1st of december", "december 1st"), "2026-12-01 08:00"),
        (("saturday", "sat", "dydd sadwrn", "until the weekend"), "2026-12-05 08:00"),
        (("sunday", "next sunday", "dydd sul"), "2026-12-06 08:00"),
        (("friday", "this friday", "next friday"), "2026-12-04 08:00"),
        (("friday week", "a week on friday", "a week on next friday"), "2026-12-11 08:00"),
        (("end of next week",), "2026-12-07 08:00"),
        (("christmas", "until xmas", "25 december", "25/12"), "2026-12-25 08:00"),
        (("after christmas", "after xmas"), "2026-12-27 08:00"),
        (("new year", "after new year", "2 january"), "2027-01-02 08:00"),
        (("evening", "this evening", "today at 6", "today at 6pm"), "2026-11-29 18:00"),
        (("afternoon", "15:00", "until 15:00", "sunday at 15:00"), "2026-11-29 15:00"),
        (("today at 14:01", "sunday at 14:01", "until 14:01"), "2026-11-29 14:01"),
        (("sunday at 14:00",), "2026-12-06 14:00"),
        (("until 14:00",), "2026-11-30 14:00"),
        (("9am", "until 9", "9 o'clock", "tomorrow at 9", "monday at 9am"), "2026-11-30 09:00"),
        (
            ("noon", "till noon", "until lunch", "lunchtime", "tomorrow lunchtime"),
            "2026-11-30 12:00",
        ),
        # A bare hour of a day is after noon up to six.
        (("friday at 1", "friday at 1pm", "friday 13:00"), "2026-12-04 13:00"),
        (("friday at 6", "friday evening", "friday in the evening"), "2026-12-04 18:00"),
        (("friday at 7",), "2026-12-04 07:00"),
        (("friday at 0", "friday at 24:00"), "2026-12-04 00:00"),
        (("friday at 12",), "2026-12-04 12:00"),
        (("friday at 1:00",), "2026-12-04 01:00"),
        (("12 august at noon",), "2027-08-12 12:00"),
        (("30 november at 1", "30 November, at 1pm", "tomorrow, at 1"), "2026-11-30 13:00"),
        (("tues", "until tuesday", "tues morning"), "2026-12-01 08:00"),
        (("weds", "wed"), "2026-12-02 08:00"),
        (("until thurs", "thur", "this thu"), "2026-12-03 08:00"),
        (("tea time", "teatime", "until tea"), "2026-11-29 17:00"),
        (("a week or so", "for a week or so", "the next week or so", "7d"), "2026-12-06 14:00"),
        # A date is to come, within a year.
        (("the 12th", "12 december", "12 dec 2026", "12/12/2026"), "2026-12-12 08:00"),
        (("29 november", "29/11", "29 nov 2027"), "2027-11-29 08:00"),
        (("30 november", "30/11"), "2026-11-30 08:00"),
        (("31/12",), "2026-12-31 08:00"),
        (("1/1", "jan", "january"), "2027-01-01 08:00"),
        (("sept", "september", "medi", "1 medi"), "2027-09-01 08:00"),
        (("5 may", "5 mai", "may 5th"), "2027-05-05 08:00"),
        # A length of time leads on from now.
        (("in 2 hours", "for 2 hours", "a couple of hours", "2h"), "2026-11-29 16:00"),
        (("a few hours", "3 hours"), "2026-11-29 17:00"),
        (("half an hour",), "2026-11-29 14:30"),
        (("an hour and a half",), "2026-11-29 15:30"),
        (("another hour", "for the next hour", "an hour"), "2026-11-29 15:00"),
        (("for a year",), "2027-11-29 14:00"),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else None,
)
def test_words_lead_to_the_moment_that_is_meant(texts: tuple[str, ...], until: str) -> None:
    assert {text: ends(text) for text in texts} == dict.fromkeys(texts, until)


@pytest.mark.parametrize(
    "text",
    [
        "today at 1",
        "today at 14:00",
        "9",
        "12",
        "for one",
        "0d",
        "0 hours",
        "later",
        "29 feb",  # of a year in which there is none
        "31/11",
        "1/13",
        "1/0",
        "0 august",
        "32 august",
        "12 aug 2026",
        "12 aug 2028",
        "29/11/2026",
        "12 tea",
        "ja",
        "januaryy",
        "12 august at 25",
        "friday at tea o'clock",
        "tomorrow" + " x" * 40,
        "",
    ],
)
def test_words_that_lead_to_no_moment_to_come_are_none(text: str) -> None:
    assert ends(text) is None


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("monday", "2026-12-07 08:00"),
        ("monday at 9", "2026-12-07 09:00"),
        ("monday at 9:01", "2026-11-30 09:01"),
        ("next monday", "2026-12-07 08:00"),
        ("next tuesday", "2026-12-08 08:00"),
        ("this tuesday", "2026-12-01 08:00"),
        ("sunday", "2026-12-06 08:00"),
        ("next sunday", "2026-12-13 08:00"),
        ("end of next week", "2026-12-14 08:00"),
        ("today at 1", "2026-11-30 13:00"),
        ("2h", "2026-11-30 11:00"),
        ("30 november", "2027-11-30 08:00"),
    ],
)
def test_days_and_hours_are_those_where_the_chat_lives(text: str, until: str) -> None:
    assert ends(text, MONDAY, "America/New_York") == until


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("next month", "2026-08-01 08:00"),
        ("tomorrow", "2026-07-02 08:00"),
        ("morning", "2026-07-02 08:00"),  # it is eight o'clock
        ("wednesday", "2026-07-08 08:00"),
        ("wednesday at 8", "2026-07-08 08:00"),
        ("wednesday at 8:01", "2026-07-01 08:01"),
        ("next friday", "2026-07-10 08:00"),
        ("weekend", "2026-07-06 08:00"),
        ("1 july", "2027-07-01 08:00"),
        ("the 1st", "2026-08-01 08:00"),
        ("29 november", "2026-11-29 08:00"),
        ("the 31st", "2026-07-31 08:00"),
        ("30 june", "2027-06-30 08:00"),
    ],
)
def test_a_summers_morning_is_by_summer_time(text: str, until: str) -> None:
    assert ends(text, WEDNESDAY, "Europe/London") == until


def test_of_a_day_and_its_hour_eighty_letters_are_read() -> None:
    eighty = f"for {'on ' * 21}tomorrow at 9"
    assert (len(eighty), ends(eighty)) == (80, "2026-11-30 09:00")
    assert ends(f"for {'on ' * 21}tomorrow at 10") is None


def test_a_leap_day_is_found_in_a_leap_year() -> None:
    assert ends("29 feb", datetime(2027, 6, 1, tzinfo=UTC)) == "2028-02-29 08:00"
    assert ends("next month", datetime(2027, 1, 31, tzinfo=UTC)) == "2027-02-01 08:00"
    assert ends("next month", datetime(2027, 12, 1, tzinfo=UTC)) == "2028-01-01 08:00"
