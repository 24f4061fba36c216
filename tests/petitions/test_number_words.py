"""Numbers in words are read alike wherever somebody says one."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.petitions.number_words import in_figures
from bot.petitions.petition import Site
from bot.petitions.utterance import Ask, Words, read
from bot.subscriptions.custom_milestones import MilestoneChange, read_changes
from bot.subscriptions.typed_settings import read_duration, read_hour, read_quiet, read_until

SITES = (Site("uk", "UK Parliament", "https://petition.parliament.uk"),)


@pytest.mark.parametrize(
    ("said", "figures"),
    [
        ("ten thousand", "10000"),
        ("a dozen", "12"),
        ("half a dozen hours", "6 hours"),
        ("half a million", "500000"),
        ("a quarter of a million", "250000"),
        ("three quarters of a million", "750000"),
        ("two and a half million", "2500000"),
        ("a million and a half", "1500000"),
        ("two hundred and fifty thousand", "250000"),
        ("twelve thousand five hundred", "12500"),
        ("fifty thousand and a hundred thousand", "50000 and 100000"),
        ("forty-five minutes", "45 minutes"),
        ("50 thousand", "50000"),
        ("every thousand", "every 1000"),
        # no numbers
        ("someone", "someone"),
        ("hundreds of thousands", "hundreds of thousands"),
        ("15,000 and 18,000", "15,000 and 18,000"),
        ("half a day", "half a day"),
        ("an hour", "an hour"),
    ],
)
def test_a_number_in_words_is_written_in_figures_and_other_words_stay(
    said: str, figures: str
) -> None:
    assert in_figures(said) == figures


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("thirty thousand", 30_000),
        ("seventy five thousand", 75_000),
        ("a hundred and fifty thousand", 150_000),
        ("two and a half million", 2_500_000),
    ],
)
def test_a_milestone_may_be_said_in_words(said: str, value: int) -> None:
    assert read(f"tell me at {said}", SITES) == Ask("milestones", f"at {said}")
    assert read_changes(f"at {said}") == (MilestoneChange("number", value),)


@pytest.mark.parametrize("said", ["halfway", "tell me at half way", "let me know at fifty percent"])
def test_halfway_is_a_milestone_at_half_of_each_threshold(said: str) -> None:
    asked = read(said, SITES)
    assert isinstance(asked, Ask)
    assert asked.command == "milestones"
    assert read_changes(asked.rest) == (MilestoneChange("percent", 50),)


@pytest.mark.parametrize("subject", ["halfway houses", "a million trees", "ten thousand steps"])
def test_a_subject_with_a_number_in_it_is_no_milestone(subject: str) -> None:
    assert read(subject, SITES) == Words(subject)


def test_lengths_and_hours_are_said_in_the_same_words() -> None:
    assert read_duration("forty five minutes") == timedelta(minutes=45)
    assert read_duration("a dozen days") == timedelta(days=12)
    assert read_duration("twelve hours") == timedelta(hours=12)
    assert read_hour("half past eight") == 8 * 60 + 30
    assert read_hour("quarter to one") == 12 * 60 + 45
    assert read_quiet("after half past nine") == f"{21 * 60 + 30}-{7 * 60}"
    assert read("no messages after half past nine", SITES) == Ask(
        "settings", "quiet after half past nine"
    )


WEDNESDAY = datetime(2026, 9, 2, 12, tzinfo=UTC)  # 13:00 in London


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ("tomorrow evening", "3 18:00"),
        ("until tomorrow at 9", "3 09:00"),
        ("till 9am tomorrow", "3 09:00"),
        ("noon tomorrow", "3 12:00"),
        ("nos yfory", "3 21:00"),
        ("today at 5", "2 17:00"),
        ("until teatime", "2 17:00"),
        ("monday at 9am", "7 09:00"),
        ("9am on monday", "7 09:00"),
        ("wednesday at 8", "9 08:00"),  # today's is over
        ("wednesday at 8pm", "2 20:00"),
        ("sunday night", "6 21:00"),
        ("until half past eight on sunday", "6 08:30"),
        ("until after the weekend", "7 08:00"),
        ("the day after tomorrow", "4 08:00"),
        ("this friday", "4 08:00"),
        ("next friday", "11 08:00"),
        ("next monday", "7 08:00"),
        ("friday week", "11 08:00"),
        ("a week on friday", "11 08:00"),
        ("end of next week", "14 08:00"),
        ("20 september at noon", "20 12:00"),
    ],
)
def test_a_snooze_ends_when_people_say_it_does(said: str, ends: str) -> None:
    until = read_until(said, WEDNESDAY, "Europe/London")
    assert until is not None
    day, clock = ends.split()
    assert until == datetime.fromisoformat(f"2026-09-{int(day):02}T{clock}:00+01:00")


@pytest.mark.parametrize(
    "said",
    [
        "today at noon",
        "friday's debate",
        "tomorrow's world",
        "monday at 25",
        "until further notice",
    ],
)
def test_what_names_no_moment_to_come_ends_no_snooze(said: str) -> None:
    assert read_until(said, WEDNESDAY, "Europe/London") is None


def test_the_next_month_is_a_length_and_next_month_a_day() -> None:
    until = read_until("for the next month", WEDNESDAY, "Europe/London")
    assert until == WEDNESDAY + timedelta(days=30)
    assert read_until("next month", WEDNESDAY, "Europe/London") == datetime(
        2026, 10, 1, 7, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "said",
    [
        "snooze until monday at 9am",
        "mute until tomorrow evening",
        "no messages until after the weekend",
        "pause until next friday",
        "quiet till the day after tomorrow",
        "snooze until next tuesday at noon",
    ],
)
def test_such_an_end_may_stand_behind_any_word_for_a_pause(said: str) -> None:
    asked = read(said, SITES)
    assert isinstance(asked, Ask)
    assert asked.command == "snooze"
    assert read_until(asked.rest, WEDNESDAY, "Europe/London")


@pytest.mark.parametrize("said", ["pause the monday clap", "stop the weekend parking charges"])
def test_a_subject_that_names_a_day_is_no_pause(said: str) -> None:
    assert isinstance(read(said, SITES), Words)


def test_a_number_without_end_is_left_as_it_was_typed() -> None:
    endless = "9" + ",999" * 1_000 + " million"
    assert in_figures(endless) == endless
