"""What each question that is asked of a phrase answers, and numbers in words, one by one."""

import pytest

from bot.petitions.everyday_phrases import compiled, spoken_words, what_is_meant
from bot.petitions.number_words import HOUR_NAMES, in_figures
from bot.petitions.request_details import (
    count_wanted,
    is_a_while,
    is_no_order,
    is_to_be_silent,
    refused,
    refuses_an_end,
    reminder_wanted,
    setting_wanted,
)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("turn off milestones for #", "milestone off"),
        ("mute the surges for #", "surge silent"),
        ("# response loud", "response loud"),
        ("put # in my digest", "daily digest"),
        ("tell me about # immediately", "everything"),
        ("only tell me when # closes", ""),
        ("follow #", None),
        ("", None),
    ],
)
def test_what_is_wanted_of_one_petition_is_a_setting_of_it(text: str, setting: str | None) -> None:
    assert setting_wanted(text) == setting


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("remind me 2 days before # closes", "2 days"),
        ("Remind me a week before #, please", "a week"),
        ("remind me of #", ""),
    ],
)
def test_a_reminder_is_so_long_before_the_end(text: str, span: str) -> None:
    assert reminder_wanted(text) == span


@pytest.mark.parametrize(
    ("text", "of_one", "count"),
    [
        ("tell me at 15,000 signatures", False, "15,000"),
        ("tell me at 100", False, "100"),
        ("tell me at 99", False, ""),
        ("tell me at 8", False, ""),
        ("stop telling me every 500", False, "-every 500"),
        ("remove the milestone at 5k", False, "-5k"),
        ("tell me when # reaches 15,000", True, "15,000"),
        ("tell me when # reaches 15,000", False, ""),
        ("tell me when # closes", True, ""),
        ("", False, ""),
    ],
)
def test_a_count_is_wanted_as_it_is_typed(text: str, of_one: bool, count: str) -> None:
    assert count_wanted(text, of_one=of_one) == count


@pytest.mark.parametrize(
    ("text", "is_none"),
    [
        ("is # muted?", True),
        ("have you unfollowed it", True),
        ("I never muted it", True),
        ("mute #", False),
        ("is there a way to mute #", False),
    ],
)
def test_a_question_and_a_report_are_no_orders(text: str, is_none: bool) -> None:
    assert is_no_order(text) is is_none


@pytest.mark.parametrize(
    ("text", "what", "is_all"),
    [
        ("don't unfollow #", "unfollow", False),
        ("don't mute me please", "mute", True),
        ("never stop sending alerts", "stop", True),
        ("don't quit", "", True),
        ("unfollow #", "", False),
    ],
)
def test_what_is_refused_is_named(text: str, what: str, is_all: bool) -> None:
    assert refused(text) == what
    assert refuses_an_end(text) is is_all


@pytest.mark.parametrize(
    ("text", "is_silent"),
    [
        ("follow # quietly", True),
        ("track # without a sound", True),
        ("follow #", False),
        ("tell me quietly about #", False),
    ],
)
def test_to_follow_without_a_sound_takes_both_words(text: str, is_silent: bool) -> None:
    assert is_to_be_silent(text) is is_silent


@pytest.mark.parametrize(
    ("text", "is_so"),
    [("2 days", True), ("A week", True), ("on Monday", True), ("2", False), ("", False)],
)
def test_a_while_is_a_length_or_a_day(text: str, is_so: bool) -> None:
    assert is_a_while(text) is is_so


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("What about Tigers?", [("search", "Tigers")]),
        ("İ", []),
        ("", []),
        ("please tell me about Ash dieback", [("search", "Ash dieback")]),
    ],
)
def test_a_phrase_keeps_its_subject_as_it_is_typed(text: str, meant: list[tuple[str, str]]) -> None:
    assert what_is_meant(text) == meant


def test_phrases_are_made_ready_once_and_their_words_are_known() -> None:
    assert compiled() is compiled()
    assert {"tell", "about"} <= spoken_words()
    assert all(len(word) >= 3 for word in spoken_words())


ONES = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
ONES += " sixteen seventeen eighteen nineteen"


@pytest.mark.parametrize(
    ("said", "figures"),
    [
        (ONES, " ".join(map(str, range(1, 20)))),
        (
            "twenty thirty forty fourty fifty sixty seventy eighty ninety",
            "20 30 40 40 50 60 70 80 90",
        ),
        ("two dozen", "24"),
        ("a hundred", "100"),
        ("two hundred and five", "205"),
        ("hundred thousand", "100000"),
        ("3 mil", "3000000"),
        ("1.25 million", "1250000"),
        ("1,500 thousand", "1500000"),
        ("a million two hundred thousand", "1200000"),
        ("two thousand three hundred and forty", "2340"),
        ("a thousand and a half", "1500"),
        ("three and a half thousand", "3500"),
        ("half a thousand", "500"),
        ("a quarter of a million", "250000"),
        ("quarter of a million", "250000"),
        ("ninety-nine", "99"),
        ("twenty ten", "20 10"),
        ("a dozen thousand", "12000"),
    ],
)
def test_each_number_in_words_has_its_value(said: str, figures: str) -> None:
    assert in_figures(said) == figures


def test_a_clock_has_twelve_hours() -> None:
    assert (len(HOUR_NAMES), HOUR_NAMES[0], HOUR_NAMES[-1]) == (12, "one", "twelve")
