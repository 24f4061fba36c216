"""What people type into the settings, and what buttons carry: all of it pure."""

from datetime import UTC, datetime, timedelta

import pytest
from petitions import NOW, OPEN, petition

from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.custom_milestones import (
    InvalidMilestone,
    MilestoneChange,
    as_typed,
    changed,
    given_up,
    next_round,
    read_changes,
)
from bot.subscriptions.settings import as_usual, awake, chosen, is_usual
from bot.subscriptions.subscription import Digest, Preferences, Quiet
from bot.subscriptions.typed_settings import (
    Misread,
    NoZone,
    find_zone,
    read_duration,
    read_hour,
    read_until,
    typed,
)

# --- lengths of time -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("7d", timedelta(days=7)),
        ("3 days", timedelta(days=3)),
        (" 2H ", timedelta(hours=2)),
        ("a week", timedelta(weeks=1)),
        ("an hour", timedelta(hours=1)),
        ("two weeks", timedelta(weeks=2)),
        ("1d 12h", timedelta(days=1, hours=12)),
        ("1 day and 2 hours", timedelta(days=1, hours=2)),
        ("a month", timedelta(days=30)),
        ("999999 years", timedelta(days=10_000)),
        ("999999y " * 500, timedelta(days=10_000)),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str, span: timedelta) -> None:
    assert read_duration(text) == span


@pytest.mark.parametrize("text", ["", "7", "awk", "3 dayz", "soon", "-3d", "an hour and a half"])
def test_what_is_no_length_of_time_is_none(text: str) -> None:
    assert read_duration(text) is None


@pytest.mark.parametrize(
    ("zone", "now", "morning"),
    [
        # The clocks go forward in the night of 29 March 2026, and back in that of 25 October.
        ("Europe/London", datetime(2026, 3, 28, 20, tzinfo=UTC), (2026, 3, 29, 7)),
        ("Europe/London", datetime(2026, 10, 24, 20, tzinfo=UTC), (2026, 10, 25, 8)),
        ("America/New_York", datetime(2026, 1, 1, 3, tzinfo=UTC), (2026, 1, 1, 13)),
    ],
)
def test_tomorrow_begins_at_eight_by_the_clocks_there(
    zone: str, now: datetime, morning: tuple[int, int, int, int]
) -> None:
    assert read_until("Until tomorrow", now, zone) == datetime(*morning, tzinfo=UTC)


def test_a_length_of_time_leads_to_a_moment_and_nonsense_nowhere() -> None:
    assert read_until("for 3 days", NOW, "") == NOW + timedelta(days=3)
    assert read_until("0d", NOW, "") is None
    assert read_until("for ever", NOW, "") is None


# --- settings as typed ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("quiet 22:00-07:00", "quiet.1320-420"),
        ("quiet from 10 pm to 7 am", "quiet.1320-420"),
        ("quiet 0-8", "quiet.0-480"),
        ("quiet off", "quiet.off"),
        ("digest daily 18:00", "digest.1080."),
        ("digest weekly monday 9:00", "digest.540.0"),
        ("digest fri", "digest.1080.4"),
        ("digest every day at 9", "digest.540."),
        ("digest every sunday at 9", "digest.540.6"),
        ("zone europe/london", "zone.Europe/London"),
        ("zone new york", "zone.America/New_York"),
        ("zone Kathmandu", "zone.Asia/Kathmandu"),
        ("response silent", "loud.response.silent"),
        ("milestones usual", "loud.milestone.usual"),
        ("closing silent", "loud.closing.silent"),
        ("closing 7d 3d 6h", "closing.168-72-6"),
        ("closing none", "closing.none"),
        ("urgent response, debate", "urgent.response-debate"),
        ("urgent off", "urgent.none"),
        ("language CY", "lang.cy"),
    ],
)
def test_a_setting_is_read_as_people_type_it(text: str, choice: str | None) -> None:
    read = typed(text.split(), None)
    assert read == choice if choice else isinstance(read, Misread)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("quiet 22:00", "quiet"),
        ("quiet 25-7", "quiet"),
        ("quiet 7-7", "quiet"),
        ("digest sometimes", "digest"),
        ("closing 5d", "closing"),
        ("urgent tea", "urgent"),
        ("response loudly", "loud"),
        ("response", "loud"),
        ("language", "lang"),
        ("tea", ""),
    ],
)
def test_what_is_misread_says_which_subject_was_meant(text: str, subject: str) -> None:
    read = typed(text.split(), None)
    assert isinstance(read, Misread)
    assert read.subject == subject


@pytest.mark.parametrize("text", ["Europe/Lodnon", "Londn", "europe london"])
def test_a_zone_that_is_nearly_right_and_no_other_s_name_is_corrected(text: str) -> None:
    assert find_zone(text) == "Europe/London"


@pytest.mark.parametrize("text", ["UTC+1", "+01:00", "GMT-5", "Etc/GMT+1", "1"])
def test_an_offset_is_no_time_zone(text: str) -> None:
    found = find_zone(text)
    assert isinstance(found, NoZone)
    assert found.is_offset


def test_a_misspelt_zone_brings_the_nearest_ones_and_nonsense_none() -> None:
    found = find_zone("Kathmandoo")
    assert isinstance(found, NoZone)
    assert found.near[0] == "Asia/Kathmandu"
    assert find_zone("zzzzzz") == NoZone("zzzzzz")


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("18:00", 1080),
        ("9", 540),
        ("6pm", 1080),
        ("12am", 0),
        ("12pm", 720),
        ("24:00", 0),
        ("7.30", 450),
        ("24:30", None),
        ("13pm", None),
        ("9:60", None),
        ("x", None),
    ],
)
def test_an_hour_of_the_day_is_read(text: str, minute: int | None) -> None:
    assert read_hour(text) == minute


# --- what choices do -----------------------------------------------------------------------------


def test_choices_change_what_they_name_and_nothing_else() -> None:
    preferences = Preferences(zone="Asia/Kathmandu")
    for choice in (
        "loud.response.silent",
        "quiet.1320-420",
        "urgent.debate.on",
        "digest.540.0",
        "closing.72-6",
    ):
        after = chosen(preferences, choice)
        assert after is not None
        assert chosen(after, choice) == after
        preferences = after
    assert preferences == Preferences(
        loudness={"response": "silent"},
        quiet=Quiet(1320, 420),
        urgent=("debate",),
        digest=Digest(540, 0),
        closing=(72, 6),
        zone="Asia/Kathmandu",
    )
    undone = chosen(preferences, "loud.response.usual")
    assert undone is not None
    assert undone.loudness == {}


@pytest.mark.parametrize(
    "choice",
    [
        "loud.tea.silent",
        "loud.response.deafening",
        "loud",
        "quiet.7",
        "quiet.1-2-3",
        "quiet.1440-0",
        "quiet.5-5",
        "urgent.tea.on",
        "urgent.tea",
        "digest.1440.",
        "digest.540.7",
        "digest.540.12",
        "zone.Mars/Base",
        "closing.5",
        "closing.",
        "tea.1",
        "",
    ],
)
def test_a_choice_nobody_offers_is_refused(choice: str) -> None:
    assert chosen(Preferences(), choice) is None


def test_as_usual_gives_up_everything_but_own_milestones_and_ends_a_snooze() -> None:
    custom = CustomMilestones(numbers=(15_000,))
    preferences = Preferences(
        {"response": "off"}, (6,), NOW + timedelta(days=1), "Asia/Kathmandu", milestones=custom
    )
    after = as_usual(preferences, NOW)
    assert is_usual(after, NOW)
    assert not is_usual(preferences, NOW)
    assert after.milestones == custom
    # What was held back is still told together: the end of the snooze is yet to come.
    assert after.snoozed_until is not None
    assert NOW < after.snoozed_until < NOW + timedelta(seconds=1)
    assert awake(Preferences(snoozed_until=NOW - timedelta(days=1)), NOW) == Preferences()


# --- own milestones ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("15000", (MilestoneChange("number", 15_000),)),
        ("15,000, 20,000", (MilestoneChange("number", 15_000), MilestoneChange("number", 20_000))),
        ("15k", (MilestoneChange("number", 15_000),)),
        ("every 5000", (MilestoneChange("every", 5_000),)),
        ("50%", (MilestoneChange("percent", 50),)),
        ("-15000", (MilestoneChange("number", 15_000, drop=True),)),
        (
            "-every 5000 -50%",
            (MilestoneChange("every", 5_000, True), MilestoneChange("percent", 50, True)),
        ),
        ("off", ()),
        ("99", InvalidMilestone("range", "99")),
        ("every 10", InvalidMilestone("range", "10")),
        ("100000001", InvalidMilestone("range", "100000001")),
        ("100%", InvalidMilestone("percent", "100")),
        ("1" + ",000" * 100, InvalidMilestone("range", "1000000000")),
        ("tea", InvalidMilestone("unclear", "tea")),
        ("15000 tea", InvalidMilestone("unclear", "tea")),
        ("100-200", InvalidMilestone("unclear", "100-200")),
        ("", InvalidMilestone("unclear", "")),
    ],
)
def test_milestones_are_read_as_people_type_them(
    text: str, changes: tuple[MilestoneChange, ...] | InvalidMilestone
) -> None:
    assert read_changes(text) == changes


def test_own_milestones_are_added_and_given_up() -> None:
    custom = CustomMilestones()
    for text, expected in (
        ("20000 15000", CustomMilestones((15_000, 20_000))),
        ("every 5000 50%", CustomMilestones((15_000, 20_000), 5_000, (50,))),
        ("-15000", CustomMilestones((20_000,), 5_000, (50,))),
        ("-every 5000 -50%", CustomMilestones((20_000,))),
        ("off", CustomMilestones()),
    ):
        changes = read_changes(text)
        assert not isinstance(changes, InvalidMilestone)
        after = changed(custom, changes, OPEN)
        assert after == expected
        custom = expected


def test_a_milestone_that_lies_behind_or_one_too_many_is_refused() -> None:
    far = petition(signature_count=131_625)
    assert changed(
        CustomMilestones(), (MilestoneChange("number", 15_000),), far
    ) == InvalidMilestone("reached", "15000")
    assert changed(CustomMilestones(), (MilestoneChange("percent", 50),), far) == InvalidMilestone(
        "reached", "50%"
    )
    assert changed(
        CustomMilestones(), (MilestoneChange("percent", 50),), petition(signature_count=9_000)
    ) == CustomMilestones(percents=(50,))
    full = CustomMilestones(tuple(range(1_000, 21_000, 1_000)))
    assert changed(full, (MilestoneChange("number", 50_000),), OPEN) == InvalidMilestone("many")
    over = petition(state="closed")
    assert changed(
        CustomMilestones(), (MilestoneChange("number", 50_000),), over
    ) == InvalidMilestone("over")
    assert changed(full, (), over) == CustomMilestones()


def test_what_was_given_up_can_be_typed_to_have_it_again() -> None:
    before, about = (
        CustomMilestones((50, 15_000, 20_000), 5_000, (50,)),
        petition(signature_count=84),
    )
    gone = given_up(before, CustomMilestones((20_000,)), about)
    assert gone == CustomMilestones((15_000,), 5_000, (50,))
    changes = read_changes(as_typed(gone))
    assert not isinstance(changes, InvalidMilestone)
    assert changed(CustomMilestones(), changes, about) == gone


@pytest.mark.parametrize(
    ("count", "following"),
    [(0, 100), (84, 100), (950, 1_100), (12_345, 15_000), (64_120, 65_000), (131_625, 150_000)],
)
def test_the_next_round_number_is_one_that_does_not_ring_anyway(count: int, following: int) -> None:
    assert next_round(petition(signature_count=count), CustomMilestones()) == following
    taken = CustomMilestones((following,))
    assert (next_round(petition(signature_count=count), taken) or 0) > following


@pytest.mark.parametrize("count", [84, 500, 12_345, 100_000, 120_000, 999_999, 3_000_000])
@pytest.mark.parametrize("every", [100, 1_000, 5_000, 10_000, 50_000, 500_000])
def test_where_every_round_number_rings_already_none_is_offered(count: int, every: int) -> None:
    reached = petition(signature_count=count)
    following = next_round(reached, CustomMilestones(every=every))
    assert following is None or following % every
