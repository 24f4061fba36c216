"""What links and buttons carry comes back as it was, or is refused: never as something else."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json, structs
from petitions import NOW, REF

from bot.local_time import zones
from bot.messages.buttons import ROOM
from bot.petitions import events
from bot.petitions.events import EVENT_KINDS, EventKind
from bot.petitions.reminders import REMINDERS
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions import codec
from bot.subscriptions.codec import (
    preferences_for_button,
    preferences_for_link,
    preferences_from_button,
    preferences_from_link,
    rule_for_link,
    rule_from_link,
    subscription_for_button,
    subscription_from_button,
)
from bot.subscriptions.preferences import KINDS_IN_SETTINGS, LOUDNESS
from bot.subscriptions.subscription import Digest, Preferences, Quiet, Rule, Subscription

RULE = Rule(7, "uk", NOW, ("response",), words=("school meals",), without=("uniform",))

_MINUTES = st.integers(0, 1439)
_CLOSING = st.none() | st.sets(st.sampled_from(REMINDERS)).map(
    lambda hours: tuple(each for each in REMINDERS if each in hours)
)
_LOUDNESS = st.dictionaries(st.sampled_from(tuple(EVENT_KINDS)), st.sampled_from(LOUDNESS))
_SNOOZED = st.none() | st.integers(1, 2**30).map(
    lambda minutes: datetime.fromtimestamp(minutes * 60, UTC)
)
_OF_A_PETITION = st.builds(
    Preferences, loudness=_LOUDNESS, closing=_CLOSING, snoozed_until=_SNOOZED
)
_PREFERENCES = st.builds(
    Preferences,
    loudness=_LOUDNESS,
    closing=_CLOSING,
    snoozed_until=_SNOOZED,
    zone=st.sampled_from(["", *sorted(zones())]),
    quiet=st.none() | st.builds(Quiet, _MINUTES, _MINUTES),
    digest=st.none() | st.builds(Digest, _MINUTES, st.none() | st.integers(0, 6)),
    urgent=st.none()
    | st.sets(st.sampled_from(KINDS_IN_SETTINGS)).map(
        lambda kinds: tuple(each for each in EVENT_KINDS if each in kinds)
    ),
)


def codec_of(kinds: Mapping[str, EventKind]) -> ModuleType:
    """The codec of a version that knows these kinds of news."""
    spec = spec_from_file_location("codec_of_another_version", codec.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "EVENT_KINDS", kinds)
        spec.loader.exec_module(module)
    return module


_PIGEONS = ("pigeons", EventKind("q", "silent", None))
_ROWS = list(EVENT_KINDS.items())
OTHER_VERSIONS = {
    "a kind more at the end": codec_of(dict([*_ROWS, _PIGEONS])),
    "a kind more at the front": codec_of(dict([_PIGEONS, *_ROWS])),
    "a kind more among the others": codec_of(dict([*_ROWS[:5], _PIGEONS, *_ROWS[5:]])),
    "a kind fewer": codec_of(dict(_ROWS[:-1])),
    "another order": codec_of(dict([_ROWS[1], _ROWS[0], *_ROWS[2:]])),
}


# --- preferences, in a button --------------------------------------------------------------------


@given(_PREFERENCES)
def test_preferences_fit_in_a_button_and_come_back_as_they_were(preferences: Preferences) -> None:
    text = preferences_for_button(preferences)
    assert len(f"set||undo.{text}") <= ROOM
    assert preferences_from_button(text) == preferences


@given(_OF_A_PETITION)
def test_those_of_a_petition_fit_whatever_it_is_called(preferences: Preferences) -> None:
    text = preferences_for_button(preferences)
    assert len(f"set|{'a' * 10}:1234567|undo.{text}") <= ROOM
    assert preferences_from_button(text) == preferences


@given(_PREFERENCES)
def test_with_the_same_kinds_another_process_reads_the_same(preferences: Preferences) -> None:
    assert _SAME.preferences_from_button(preferences_for_button(preferences)) == preferences


_SAME = codec_of(dict(_ROWS))


@pytest.mark.parametrize("version", OTHER_VERSIONS)
@given(preferences=_PREFERENCES)
def test_a_button_of_a_version_with_other_kinds_is_refused(
    version: str, preferences: Preferences
) -> None:
    if version == "a kind fewer":
        preferences = structs.replace(preferences, loudness={}, urgent=None)
    theirs = OTHER_VERSIONS[version]
    assert preferences_from_button(theirs.preferences_for_button(preferences)) is None
    assert theirs.preferences_from_button(preferences_for_button(preferences)) is None


@given(_PREFERENCES, st.data())
def test_a_button_changed_by_a_letter_is_refused(
    preferences: Preferences, data: st.DataObject
) -> None:
    text = preferences_for_button(preferences)
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCabc019-_").filter(lambda other: other != text[at]))
    assert preferences_from_button(text[:at] + letter + text[at + 1 :]) is None
    assert preferences_from_button(text[:at]) is None


@given(st.text(max_size=40))
def test_what_was_never_written_is_refused(text: str) -> None:
    assert preferences_from_button(text) is None
    assert preferences_from_link(text) is None
    assert rule_from_link(text, 7, NOW) is None


def test_a_snooze_that_leaves_the_calendar_was_never_written() -> None:
    last_minute, reminders = 2**32 - 1, 2 ** len(REMINDERS) + 1
    number = last_minute * reminders * (len(LOUDNESS) + 1) ** len(EVENT_KINDS)
    text = codec._as_letters(bytes(4) + number.to_bytes(16, "big"))
    assert preferences_from_button(text) is None


def test_a_zone_that_is_gone_is_not_read_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    text = preferences_for_button(Preferences(zone="Asia/Kathmandu"))
    monkeypatch.setattr(codec, "zones", lambda: frozenset({"Europe/London"}))
    assert preferences_from_button(text) is None


# --- links ---------------------------------------------------------------------------------------


@given(_PREFERENCES, st.none() | st.builds(CustomMilestones, numbers=st.just((15_000,))))
def test_preferences_come_back_from_a_link_with_their_milestones(
    preferences: Preferences, own: CustomMilestones | None
) -> None:
    wanted = structs.replace(preferences, milestones=own)
    assert preferences_from_link(preferences_for_link(wanted)) == wanted


@pytest.mark.parametrize("version", OTHER_VERSIONS)
def test_a_link_of_a_version_with_other_kinds_reads_the_same(version: str) -> None:
    theirs = OTHER_VERSIONS[version]
    silent = Preferences(loudness={"response": "silent"})
    assert preferences_from_link(theirs.preferences_for_link(silent)) == silent
    assert rule_from_link(theirs.rule_for_link(RULE), 7, NOW) == RULE


def test_a_link_with_a_kind_nobody_knows_is_refused() -> None:
    theirs = OTHER_VERSIONS["a kind more at the end"]
    strange = structs.replace(RULE, kinds=("response", "pigeons"))  # type: ignore[arg-type]
    assert rule_from_link(theirs.rule_for_link(strange), 7, NOW) is None
    loud = Preferences(loudness={"pigeons": "loud"})  # type: ignore[dict-item]
    assert preferences_from_link(preferences_for_link(loud)) is None


def test_a_link_with_a_setting_nobody_knows_is_refused() -> None:
    strange = codec._as_letters(json.encode({"zone": "Europe/Paris", "pigeon": True}))
    assert preferences_from_link(strange) is None
    assert preferences_from_link(codec._as_letters(json.encode({"zone": "Europe/Paris"})))


def test_a_link_with_a_part_nobody_knows_is_refused() -> None:
    parts = ["uk", "r", "tea", [], [], "", "", {}, None, 0, "pigeon"]
    assert rule_from_link(codec._as_letters(json.encode(parts)), 7, NOW) is None
    assert rule_from_link(codec._as_letters(json.encode(parts[:3])), 7, NOW)


def test_a_link_cut_short_is_refused_wherever_it_is_cut() -> None:
    for text in (rule_for_link(RULE), preferences_for_link(Preferences(zone="Europe/Paris"))):
        for at in range(len(text)):
            assert rule_from_link(text[:at], 7, NOW) is None
            assert preferences_from_link(text[:at]) is None


def test_what_another_version_wrote_is_refused() -> None:
    preferences = Preferences(zone="Europe/Paris")
    for written, read in (
        (preferences_for_button(preferences), preferences_from_button),
        (preferences_for_link(preferences), preferences_from_link),
        (rule_for_link(RULE), lambda text: rule_from_link(text, 7, NOW)),
        (
            subscription_for_button(Subscription(7, REF, NOW)),
            lambda text: subscription_from_button(text, 7, REF, None),
        ),
    ):
        assert written.startswith("A")
        assert read(written) is not None
        assert read("B" + written[1:]) is None
        assert read(written[1:]) is None


# --- a subscription ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "was",
    [
        Subscription(7, REF, NOW),
        Subscription(7, REF, NOW, thread_id=5, muted=True),
        Subscription(7, REF, NOW, preferences=Preferences({"response": "off"})),
    ],
)
def test_a_subscription_is_taken_up_again_as_it_was(was: Subscription) -> None:
    link = preferences_for_link(was.preferences) if was.preferences != Preferences() else None
    assert subscription_from_button(subscription_for_button(was), 7, REF, link) == was


@pytest.mark.parametrize("link", [None, "", "A", "BeyJ9", "Ae30="])
def test_a_subscription_whose_own_preferences_cannot_be_had_is_not_taken_up(
    link: str | None,
) -> None:
    was = Subscription(
        7, REF, NOW + timedelta(days=1), preferences=Preferences({"response": "off"})
    )
    assert subscription_from_button(subscription_for_button(was), 7, REF, link) is None


def test_a_line_end_after_what_is_right_is_refused() -> None:
    for parts in (["uk\n", "r"], ["uk", "r", "", [], ["tea\n"]], ["uk", "r", *[""] * 4, "E14\n"]):
        assert rule_from_link(codec._as_letters(json.encode(parts)), 7, NOW) is None


# --- as they are out there already


ASLEEP = Preferences(
    {"response": "silent", "surge": "off", "top_ten": "loud"},
    (72, 6),
    datetime(2025, 3, 2, 12, tzinfo=UTC),
    "Asia/Kathmandu",
    Quiet(1320, 420),
    Digest(540, 6),
    ("debate", "surge"),
)
OF_EVERYTHING = Rule(
    7,
    "uk",
    NOW,
    ("threshold", "response"),
    3,
    ("school meals", "tea"),
    ("uniform",),
    ("health",),
    "DfE",
    "",
    ("debate",),
    5,
    Preferences({"response": "silent"}),
)


@pytest.mark.parametrize(
    ("preferences", "text"),
    [
        (Preferences(), "AgDKSDw"),
        (Preferences(digest=Digest(0)), "A32-wFSUZkUXi0Dx6NQAAAAA"),
        (Preferences({"response": "off"}, digest=Digest(0)), "AiB284iUZkUXi0Dx6NQAdzWU"),
        (ASLEEP, "AgrvEdQRqSYIYa7NPWyPRMp1iGti1oZk"),
    ],
)
def test_a_button_that_is_out_there_keeps_its_meaning(preferences: Preferences, text: str) -> None:
    assert preferences_for_button(preferences) == text
    assert preferences_from_button(text) == preferences


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rule(7, "uk", NOW, ("response",)), "AWyJ1ayIsInIiXQ"),
        (
            OF_EVERYTHING,
            "AWyJ1ayIsInRyIiwiXCJzY2hvb2wgbWVhbHNcIiB0ZWEgLXVuaWZvcm0iLFsiZGViYXRlIl0sWyJoZWFsdGgi"
            "XSwiRGZFIiwiIix7InJlc3BvbnNlIjoic2lsZW50In0sNSwzXQ",
        ),
    ],
)
def test_a_link_that_is_out_there_keeps_its_meaning(rule: Rule, text: str) -> None:
    assert rule_for_link(rule) == text
    assert rule_from_link(text, 7, NOW) == rule


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, "A1740830400.0..0"),
        ({"muted": True, "thread_id": 1}, "A1740830400.1.1.0"),
        ({"thread_id": 12, "preferences": Preferences({"response": "off"})}, "A1740830400.0.12.1"),
    ],
)
def test_a_subscription_in_a_button_is_written_so(more: dict[str, Any], text: str) -> None:
    assert subscription_for_button(Subscription(7, REF, NOW, **more)) == text


def test_a_subscription_without_preferences_of_its_own_takes_none_from_a_link() -> None:
    link = preferences_for_link(Preferences({"response": "off"}))
    found = subscription_from_button("A1740830400.0..0", 7, REF, link)
    assert found == Subscription(7, REF, NOW)
