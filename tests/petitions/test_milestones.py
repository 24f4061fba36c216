"""Which numbers are milestones: the ladder's, the site's, and one's own, to the signature."""

from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import pytest
from petitions import NOW, petition

from bot.petitions.events import MilestoneReached
from bot.petitions.petition import Debate, Petition
from bot.petitions.thresholds import (
    CustomMilestones,
    at_number,
    custom_reached,
    is_before_committee,
    is_custom,
    is_debate_due,
    is_finished,
    is_on_ladder,
    is_settled,
    next_custom,
    next_milestone,
    reached,
    rungs,
    thresholds,
    thresholds_ahead,
    thresholds_reached,
)

SENEDD = {
    "url": "https://petitions.senedd.wales/petitions/1",
    "response_threshold": None,
    "referral_threshold": 250,
    "debate_threshold": 10_000,
}
SCOTTISH = {"url": "https://petitions.parliament.scot/petitions/PE1"}


def test_the_ladder_has_few_rungs_up_to_a_million_and_then_one_each_half_million() -> None:
    assert list(islice(rungs(), 14)) == [
        1_000,
        2_500,
        5_000,
        10_000,
        25_000,
        50_000,
        75_000,
        100_000,
        250_000,
        500_000,
        750_000,
        1_000_000,
        1_500_000,
        2_000_000,
    ]


@pytest.mark.parametrize(
    ("number", "is_rung"),
    [
        (999, False),
        (1_000, True),
        (1_001, False),
        (750_000, True),
        (1_000_000, True),
        (1_250_000, False),
        (1_500_000, True),
        (0, False),
    ],
)
def test_a_number_is_on_the_ladder_or_it_is_not(number: int, is_rung: bool) -> None:
    assert is_on_ladder(number) is is_rung


@pytest.mark.parametrize(
    ("count", "numbers", "following"),
    [
        (0, [], 1_000),
        (999, [], 1_000),
        (1_000, [1_000], 2_500),
        (1_001, [1_000], 2_500),
        (2_499, [1_000], 2_500),
        (10_000, [1_000, 2_500, 5_000, 10_000], 25_000),
    ],
)
def test_each_rung_is_reached_at_its_number(count: int, numbers: list[int], following: int) -> None:
    of = petition(signature_count=count)
    assert list(reached(of)) == numbers
    assert next_milestone(of) == following


@pytest.mark.parametrize(
    ("count", "following"),
    [(0, 250), (249, 250), (250, 1_000), (9_999, 10_000), (10_000, 25_000), (1_499_999, 1_500_000)],
)
def test_a_threshold_may_be_the_next_milestone(count: int, following: int) -> None:
    assert next_milestone(petition(signature_count=count, **SENEDD)) == following


def test_each_threshold_has_its_number_and_where_they_share_one_the_response_goes_first() -> None:
    three = petition(referral_threshold=250)
    assert thresholds(three) == {100_000: "debate", 250: "referral", 10_000: "response"}
    assert thresholds(petition(response_threshold=None, debate_threshold=None)) == {}
    alike = petition(referral_threshold=10_000, debate_threshold=10_000)
    assert thresholds(alike) == {10_000: "response"}


FLAGS = {
    "response_threshold_reached_at": NOW,
    "referral_threshold_reached_at": datetime(2025, 3, 2, tzinfo=UTC),
    "debate_threshold_reached_at": datetime(2025, 3, 3, tzinfo=UTC),
}


def test_a_flag_reaches_its_threshold_alone_and_dates_it() -> None:
    flagged = petition(signature_count=9, referral_threshold=250, **FLAGS)
    assert reached(flagged) == {
        250: MilestoneReached(250, 9, "referral", FLAGS["referral_threshold_reached_at"]),
        10_000: MilestoneReached(10_000, 9, "response", NOW),
        100_000: MilestoneReached(100_000, 9, "debate", FLAGS["debate_threshold_reached_at"]),
    }
    assert reached(petition(signature_count=1_003))[1_000] == MilestoneReached(1_000, 1_003)


def test_what_a_number_is_is_known_whether_it_is_reached_or_not() -> None:
    of = petition(signature_count=84, **FLAGS)
    assert at_number(of, 10_000) == MilestoneReached(10_000, 84, "response", NOW)
    assert at_number(of, 10_001) == MilestoneReached(10_001, 84)


@pytest.mark.parametrize(
    ("count", "flag", "is_so"),
    [(9_999, None, False), (10_000, None, True), (10_001, None, True), (1, NOW, True)],
)
def test_a_threshold_is_reached_by_its_count_or_by_its_flag(
    count: int, flag: datetime | None, is_so: bool
) -> None:
    of = petition(signature_count=count, response_threshold_reached_at=flag)
    assert thresholds_reached(of) == ({10_000: "response"} if is_so else {})


def test_a_threshold_is_ahead_while_the_count_is_below_it_and_the_nearest_comes_first() -> None:
    assert list(thresholds_ahead(petition(signature_count=9_999)).items()) == [
        (10_000, "response"),
        (100_000, "debate"),
    ]
    assert thresholds_ahead(petition(signature_count=10_000)) == {100_000: "debate"}
    assert thresholds_ahead(petition(signature_count=100_000)) == {}


# --- one's own ------------------------------------------------------------------------------------

NUMBERS = CustomMilestones(numbers=(7, 300))
EVERY = CustomMilestones(every=400)
PARTS = CustomMilestones(percents=(50, 1))  # of 10,000 and of 100,000
ALL = CustomMilestones((7,), 400, (1,))


def test_nobody_has_milestones_of_their_own_until_they_choose_some() -> None:
    none = CustomMilestones()
    assert (none.numbers, none.every, none.percents) == ((), 0, ())
    assert not is_custom(100, none, petition())
    assert custom_reached(none, petition(), 0, 10**6) == set()
    assert next_custom(none, petition(), 0) is None


@pytest.mark.parametrize(
    ("custom", "number", "is_so"),
    [
        (NUMBERS, 7, True),
        (NUMBERS, 8, False),
        (NUMBERS, 300, True),
        (EVERY, 400, True),
        (EVERY, 800, True),
        (EVERY, 401, False),
        (EVERY, 200, False),
        (PARTS, 5_000, True),
        (PARTS, 50_000, True),
        (PARTS, 100, True),
        (PARTS, 1_000, True),
        (PARTS, 50, False),
    ],
)
def test_a_number_is_somebodys_own_by_any_of_what_they_chose(
    custom: CustomMilestones, number: int, is_so: bool
) -> None:
    assert is_custom(number, custom, petition()) is is_so


def test_a_part_of_a_threshold_is_rounded_up() -> None:
    third = CustomMilestones(percents=(33,))
    of = petition(response_threshold=101, debate_threshold=None)
    assert [n for n in range(200) if is_custom(n, third, of)] == [34]
    assert next_custom(third, petition(response_threshold=100, debate_threshold=None), 0) == 33


@pytest.mark.parametrize(
    ("custom", "above", "up_to", "numbers"),
    [
        (NUMBERS, 6, 7, {7}),
        (NUMBERS, 7, 299, set()),
        (NUMBERS, 0, 300, {7, 300}),
        (EVERY, 0, 399, set()),
        (EVERY, 399, 400, {400}),
        (EVERY, 400, 799, set()),
        (EVERY, 0, 1_300, {1_200}),
        (PARTS, 99, 5_000, {100, 1_000, 5_000}),
        (ALL, 0, 1_300, {7, 100, 1_000, 1_200}),
    ],
)
def test_of_what_somebody_chose_each_number_is_reached_and_of_a_series_the_highest(
    custom: CustomMilestones, above: int, up_to: int, numbers: set[int]
) -> None:
    assert custom_reached(custom, petition(), above, up_to) == numbers


@pytest.mark.parametrize(
    ("custom", "above", "following"),
    [
        (NUMBERS, 6, 7),
        (NUMBERS, 7, 300),
        (NUMBERS, 300, None),
        (EVERY, 0, 400),
        (EVERY, 399, 400),
        (EVERY, 400, 800),
        (PARTS, 99, 100),
        (PARTS, 100, 1_000),
        (PARTS, 50_000, None),
        (ALL, 7, 100),
        (ALL, 1_000, 1_200),
    ],
)
def test_the_next_of_ones_own_is_the_lowest_above_the_count(
    custom: CustomMilestones, above: int, following: int | None
) -> None:
    assert next_custom(custom, petition(), above) == following


# --- what is still expected -----------------------------------------------------------------------

OUTCOME = {"debate": Debate(date(2025, 7, 1))}
DATE = {"scheduled_debate_date": date(2025, 7, 1)}


@pytest.mark.parametrize(
    ("changes", "is_so"),
    [
        ({**SENEDD, "state": "closed", "signature_count": 9_999}, False),
        ({**SENEDD, "state": "completed", "signature_count": 9_999}, True),
        ({**SENEDD, "state": "completed", "signature_count": 10_000}, True),
        ({**SENEDD, "state": "completed", **DATE}, False),
        ({**SENEDD, "state": "completed", **DATE, **OUTCOME}, True),
        ({**SENEDD, "state": "rejected"}, True),
        ({**SENEDD, "state": "closed", "archived": True}, True),
        ({**SCOTTISH, "state": "under_consideration"}, False),
        (
            {**SCOTTISH, "state": "closed", "debate_threshold": 5_000, "signature_count": 6_000},
            True,
        ),
        ({"state": "closed", "signature_count": 9_999}, True),
        ({"state": "closed", "signature_count": 10_000}, False),
        ({"state": "closed", "response_threshold": None, "signature_count": 99_999}, True),
        ({"state": "closed", "response_threshold": None, "signature_count": 100_000}, False),
        (
            {"state": "closed", "response_threshold": None, "signature_count": 100_000, **OUTCOME},
            True,
        ),
    ],
)
def test_a_petition_is_settled_once_it_is_over_and_has_what_it_earned(
    changes: dict[str, Any], is_so: bool
) -> None:
    assert is_settled(petition(**changes)) is is_so


@pytest.mark.parametrize(
    ("of", "before", "finished"),
    [
        (petition(**SENEDD), False, False),
        (petition(**SENEDD, state="closed"), True, False),
        (petition(**SENEDD, state="completed"), False, True),
        (petition(**SCOTTISH), False, False),
        (petition(**SCOTTISH, state="under_consideration"), True, False),
        (petition(**SCOTTISH, state="closed"), False, True),
        (petition(state="closed"), False, False),
        (petition(state="completed"), False, True),
    ],
)
def test_a_committee_has_it_between_its_closing_and_its_end(
    of: Petition, before: bool, finished: bool
) -> None:
    assert is_before_committee(of) is before
    assert is_finished(of) is finished


@pytest.mark.parametrize(
    ("changes", "is_due"),
    [
        ({"debate_threshold": None}, False),
        ({"debate_threshold": None, "debate_threshold_reached_at": NOW}, True),
        ({"debate_threshold_reached_at": NOW, **OUTCOME}, False),
        ({"debate_threshold": 0}, False),
        (DATE, True),
    ],
)
def test_a_debate_is_due_by_a_flag_or_a_date_until_there_is_an_outcome(
    changes: dict[str, Any], is_due: bool
) -> None:
    assert is_debate_due(petition(**changes)) is is_due
