"""A choice in the settings changes exactly what it names, up to the last minute of the day."""

from datetime import datetime, timedelta

import pytest
from petitions import NOW

from bot.petitions.events import Kind, Loudness
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.preferences import DEFAULTS, KINDS_IN_SETTINGS, LOUDNESS
from bot.subscriptions.settings import (
    LONGEST_SNOOZE,
    OWN_SUBJECTS,
    PRESETS,
    Preset,
    as_usual,
    awake,
    chosen,
    is_usual,
    preset_of,
    snoozed_until,
    usual,
    without_usual,
)
from bot.subscriptions.subscription import Digest, Preferences, Quiet

TICK = timedelta(microseconds=1)
CUSTOM = CustomMilestones(numbers=(15_000,))
# All that can be chosen, so that a choice that changes more than it should is seen.
FULL = Preferences(
    {"response": "silent", "surge": "off"},
    (72,),
    NOW + timedelta(days=1),
    "Asia/Kathmandu",
    Quiet(60, 120),
    Digest(540, 0),
    ("debate",),
    CUSTOM,
)


def after(choice: str, before: Preferences = FULL) -> Preferences:
    found = chosen(before, choice)
    assert found is not None
    return found


def changed(choice: str, before: Preferences = FULL) -> dict[str, object]:
    """What a choice makes of the parts that it changes."""
    found = after(choice, before)
    return {
        name: getattr(found, name)
        for name in Preferences.__struct_fields__
        if getattr(found, name) != getattr(before, name)
    }


# --- presets


def test_big_moments_are_heard_as_usual_and_the_rest_not_at_all() -> None:
    assert PRESETS["big"] == {
        "threshold": "loud",
        "milestone": "off",
        "custom_milestone": "loud",
        "response": "loud",
        "debate": "loud",
        "business": "off",
        "closing": "loud",
        "status": "loud",
        "overdue": "off",
        "surge": "off",
        "count_fell": "off",
    }


def test_what_rules_alone_bring_goes_into_the_digest_as_well() -> None:
    assert PRESETS["digest"] == dict.fromkeys(DEFAULTS, "digest")
    assert PRESETS["everything"] == {kind: DEFAULTS[kind] for kind in KINDS_IN_SETTINGS}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_chosen_whole_and_known_again(preset: Preset) -> None:
    assert changed(f"preset.{preset}") == {"loudness": PRESETS[preset]}
    assert preset_of(after(f"preset.{preset}").loudness.__getitem__) == preset


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", KINDS_IN_SETTINGS)
def test_a_preset_with_one_kind_heard_otherwise_is_none(preset: Preset, kind: Kind) -> None:
    heard = {**PRESETS[preset], kind: "loud" if PRESETS[preset][kind] != "loud" else "silent"}
    assert preset_of(heard.__getitem__) is None


def test_one_petition_can_have_loudness_and_reminders_of_its_own() -> None:
    assert OWN_SUBJECTS == ("preset", "loud", "closing")


# --- how loudly


@pytest.mark.parametrize("loudness", LOUDNESS)
def test_a_kind_is_heard_as_was_chosen_and_the_others_as_before(loudness: Loudness) -> None:
    assert after(f"loud.debate.{loudness}").loudness == {
        "response": "silent",
        "surge": "off",
        "debate": loudness,
    }
    assert after(f"loud.surge.{loudness}").loudness == {"response": "silent", "surge": loudness}
    assert after(f"loud.all.{loudness}").loudness == dict.fromkeys(DEFAULTS, loudness)


def test_a_kind_as_usual_is_chosen_no_more() -> None:
    assert changed("loud.surge.usual") == {"loudness": {"response": "silent"}}
    assert changed("loud.debate.usual") == {}
    assert changed("loud.all.usual") == {"loudness": {}}


# --- when


@pytest.mark.parametrize(
    ("choice", "part"),
    [
        ("quiet.0-1439", {"quiet": Quiet(0, 1439)}),
        ("quiet.1439-0", {"quiet": Quiet(1439, 0)}),
        ("quiet.0001-2", {"quiet": Quiet(1, 2)}),
        ("quiet.off", {"quiet": None}),
        ("digest.0.", {"digest": Digest(0)}),
        ("digest.1439", {"digest": Digest(1439)}),
        ("digest.540.0", {}),
        ("digest.540.1", {"digest": Digest(540, 1)}),
        ("digest.540.6", {"digest": Digest(540, 6)}),
        ("zone.Europe/Paris", {"zone": "Europe/Paris"}),
        ("closing.usual", {"closing": None}),
        ("closing.none", {"closing": ()}),
        ("closing.336", {"closing": (336,)}),
        ("closing.6-72", {"closing": (72, 6)}),
        ("closing.336-168-72-24-6", {"closing": (336, 168, 72, 24, 6)}),
        ("urgent.none", {"urgent": ()}),
        ("urgent.debate", {}),
        ("urgent.debate-response", {"urgent": ("response", "debate")}),
        ("urgent.response.on", {"urgent": ("response", "debate")}),
        ("urgent.debate.on", {}),
        ("urgent.debate.off", {"urgent": ()}),
        ("urgent.response.off", {}),
    ],
)
def test_a_choice_changes_the_part_that_it_names(choice: str, part: dict[str, object]) -> None:
    assert changed(choice) == part


def test_a_kind_is_made_urgent_where_none_was_chosen() -> None:
    assert after("urgent.surge.on", Preferences()).urgent == ("surge",)
    assert after("urgent.surge.off", Preferences()).urgent == ()


@pytest.mark.parametrize(
    "choice",
    [
        "preset",
        "loud.opened.loud",
        "loud.top_ten.silent",
        "loud.response.",
        "loud.all.tea",
        "quiet.1440-0",
        "quiet.0-1440",
        "quiet.-5",
        "quiet.5-",
        "quiet.5",
        "quiet.00001-5",
        "quiet.1-00005",
        "quiet.²-5",
        "quiet.٣-5",
        "digest.",
        "digest.1440",
        "digest.540.-1",
        "digest.540.00",
        "digest.540.7",
        "zone.",
        "closing.5-6",
        "closing.none-6",
        "urgent.response.maybe",
        "urgent.opened",
        "urgent.opened.on",
        "urgent.tea.off",
        "urgent.response-tea",
        "lang.cy",
    ],
)
def test_what_is_just_beyond_what_is_offered_is_no_choice(choice: str) -> None:
    assert chosen(FULL, choice) is None


# --- as usual


def test_a_chat_hears_a_kind_as_it_chose_else_by_default() -> None:
    assert usual("response", FULL) == "silent"
    assert usual("debate", FULL) == DEFAULTS["debate"]


def test_what_would_be_so_anyway_is_not_kept() -> None:
    as_usual_anyway: dict[Kind, Loudness] = {"response": "loud", "surge": "silent"}
    chosen_otherwise: dict[Kind, Loudness] = {"debate": "off", "overdue": "loud"}
    before = Preferences(as_usual_anyway | chosen_otherwise, (72,))
    assert without_usual(before) == Preferences(chosen_otherwise, (72,))


def test_everything_is_as_usual_again_but_ones_own_milestones() -> None:
    snoozed = NOW + TICK
    assert as_usual(FULL, NOW) == Preferences(snoozed_until=snoozed, milestones=CUSTOM)
    assert as_usual(Preferences({"response": "off"}), NOW) == Preferences()


@pytest.mark.parametrize(
    ("preferences", "is_so"),
    [
        (Preferences(), True),
        (Preferences(milestones=CUSTOM), True),
        (Preferences(snoozed_until=NOW), True),
        (Preferences(snoozed_until=NOW + TICK), True),
        (Preferences(snoozed_until=NOW + 2 * TICK), False),
        (Preferences({"response": "off"}), False),
        (Preferences({"response": "off"}, snoozed_until=NOW + 2 * TICK), False),
        (Preferences(closing=()), False),
        (Preferences(zone="Europe/Paris"), False),
        (Preferences(quiet=Quiet(0, 1)), False),
        (Preferences(digest=Digest()), False),
        (Preferences(urgent=()), False),
    ],
)
def test_all_is_as_usual_where_nothing_is_chosen(preferences: Preferences, is_so: bool) -> None:
    assert is_usual(preferences, NOW) is is_so


# --- snoozes


@pytest.mark.parametrize(
    ("until", "ends", "woken"),
    [
        (None, None, None),
        (NOW - TICK, None, None),
        (NOW, None, None),
        (NOW + TICK, None, None),
        (NOW + 2 * TICK, NOW + 2 * TICK, NOW + TICK),
        (NOW + timedelta(days=9), NOW + timedelta(days=9), NOW + TICK),
    ],
)
def test_a_snooze_is_over_a_moment_after_it_is_ended(
    until: datetime | None, ends: datetime | None, woken: datetime | None
) -> None:
    preferences = Preferences({"response": "off"}, snoozed_until=until)
    assert snoozed_until(preferences, NOW) == ends
    assert awake(preferences, NOW) == Preferences({"response": "off"}, snoozed_until=woken)


def test_a_snooze_lasts_a_leap_year_at_most() -> None:
    assert timedelta(days=366) == LONGEST_SNOOZE
