"""Hours, days and numbers as people say them rather than as they are written."""

from datetime import UTC, datetime

import pytest

from bot.petitions.petition import Petition, PetitionRef
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.custom_milestones import (
    InvalidMilestone,
    MilestoneChange,
    changed,
    read_changes,
    taking_back,
)
from bot.subscriptions.subscription import Digest
from bot.subscriptions.typed_settings import find_zone, read_digest, read_quiet, read_until

SUNDAY = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)


def hours(text: str) -> str | None:
    read = read_quiet(text)
    return read and ":".join(f"{int(each) / 60:g}" for each in read.split("-"))


@pytest.mark.parametrize(
    ("text", "quiet"),
    [
        ("after 10pm", "22:7"),
        ("after 10", "22:7"),
        ("after nine", "21:7"),
        ("before 8am", "22:8"),
        ("at night", "22:7"),
        ("10 to 7", "22:7"),  # nobody wants twenty-one quiet hours
        ("9 to 5", "21:5"),
        ("between 1 and 2", "1:2"),
        ("10 at night to 7 in the morning", "22:7"),
        ("12 at night to 7 in the morning", "0:7"),
        ("1 at night to 5 in the morning", "1:5"),
        ("only 8 to 22", "22:8"),
        ("12 to 6", "0:6"),
        ("after 12", "0:7"),
        ("only 9 to 5", "17:9"),
        ("from 22 to 7 every day", "22:7"),
        ("10:00-07:00", "10:7"),  # as it is written
        ("soon", None),
    ],
)
def test_quiet_hours_as_they_are_spoken_of(text: str, quiet: str | None) -> None:
    assert hours(text) == quiet


@pytest.mark.parametrize(
    ("text", "minute", "weekday"),
    [
        ("in the evening", 1080, None),
        ("every morning", 480, None),
        ("6 in the evening", 1080, None),
        ("12 at night", 0, None),
        ("on fridays at 6pm", 1080, 4),
        ("weekly digest on friday at 9", 540, 4),
    ],
)
def test_a_digest_comes_at_a_part_of_the_day(text: str, minute: int, weekday: int | None) -> None:
    assert read_digest(text.split(), Digest()) == f"{minute}.{'' if weekday is None else weekday}"


@pytest.mark.parametrize("text", ["digest", "at", "bananas at 9"])
def test_what_names_no_time_is_none(text: str) -> None:
    assert read_digest(text.split(), Digest()) is None


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("till 12 August", "2027-08-12 07:00"),
        ("until the 12th", "2026-12-12 08:00"),
        ("until august 12th", "2027-08-12 07:00"),
        ("12/8", "2027-08-12 07:00"),
        ("until 9am", "2026-11-30 09:00"),
        ("until 9", "2026-11-30 09:00"),
        ("until the weekend", "2026-12-05 08:00"),
        ("over the weekend", "2026-11-30 08:00"),
        ("until september", "2027-09-01 07:00"),
        ("for the rest of the week", "2026-11-30 08:00"),
        ("until after christmas", "2026-12-27 08:00"),
        ("next week", "2026-11-30 08:00"),
        ("a few days", "2026-12-02 14:00"),
        ("half an hour", "2026-11-29 14:30"),
        ("the next 3 days", "2026-12-02 14:00"),
        ("for the next week", "2026-12-06 14:00"),
        ("for the next hour", "2026-11-29 15:00"),
        ("nine o'clock", "2026-11-30 09:00"),
    ],
)
def test_a_snooze_ends_when_somebody_says(text: str, until: str) -> None:
    found = read_until(text, SUNDAY, "")
    assert found is not None
    assert f"{found.astimezone(UTC):%Y-%m-%d %H:%M}" == until


@pytest.mark.parametrize(
    "text", ["30 feb", "2", "two", "for one", "5G", "12 bananas", "until later"]
)
def test_what_is_no_end_is_none(text: str) -> None:
    assert read_until(text, SUNDAY, "") is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("half a million", [500_000]),
        ("1.5m", [1_500_000]),
        ("20 thousand", [20_000]),
        ("two hundred thousand", [200_000]),
        ("10 thousand and 20 thousand", [10_000, 20_000]),
        ("a hundred thousand", [100_000]),
        ("when it hits 100,000 signatures please", [100_000]),
        ("15000 and 20,000", [15_000, 20_000]),
    ],
)
def test_a_milestone_is_a_number_as_it_is_spoken(text: str, values: list[int]) -> None:
    assert read_changes(text) == tuple(MilestoneChange("number", value) for value in values)


@pytest.mark.parametrize(
    "text", ["bananas", "a million trees", "soon", "12.5%", "100.000", "1000.5"]
)
def test_other_words_are_no_milestone(text: str) -> None:
    assert isinstance(read_changes(text), InvalidMilestone)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CustomMilestones(), CustomMilestones((500,), 1_000, (50,))),
        (CustomMilestones((500,), 1_000, (50,)), CustomMilestones()),
        (CustomMilestones((500, 600), 1_000), CustomMilestones((600, 700), 2_000, (20,))),
    ],
)
def test_a_change_of_milestones_can_be_typed_back(
    before: CustomMilestones, after: CustomMilestones
) -> None:
    changes = read_changes(taking_back(before, after))
    assert not isinstance(changes, InvalidMilestone)
    tea = Petition(
        ref=PetitionRef("uk", 1),
        url="https://x/1",
        action="Tea",
        state="open",
        signature_count=9,
        response_threshold=10_000,
    )
    assert changed(after, changes, tea) == before


@pytest.mark.parametrize("text", ["Paris time", "I'm in Paris", "paris, france"])
def test_a_zone_is_where_somebody_is(text: str) -> None:
    assert find_zone(text) == "Europe/Paris"


@pytest.mark.parametrize("text", ["UK", "Wales", "I live in Edinburgh", "British time"])
def test_where_no_zone_is_called_so_it_is_the_one_of_the_country(text: str) -> None:
    assert find_zone(text) == "Europe/London"
