"""Milestones of one's own at the very numbers where something changes."""

import pytest
from petitions import OPEN, petition

from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.custom_milestones import (
    HIGHEST,
    LEAST,
    MOST,
    InvalidMilestone,
    MilestoneChange,
    changed,
    possible,
    read_changes,
    taking_back,
)

FIFTY = (MilestoneChange("percent", 50),)
NONE = CustomMilestones()


@pytest.mark.parametrize(("count", "is_behind"), [(49_999, False), (50_000, True), (50_001, True)])
def test_half_way_lies_behind_once_half_of_the_last_threshold_is_reached(
    count: int, is_behind: bool
) -> None:
    after = changed(NONE, FIFTY, petition(signature_count=count))
    assert isinstance(after, InvalidMilestone) == is_behind


@pytest.mark.parametrize(("count", "is_behind"), [(14_999, False), (15_000, True)])
def test_a_number_lies_behind_once_it_is_reached(count: int, is_behind: bool) -> None:
    asked = (MilestoneChange("number", 15_000),)
    after = changed(NONE, asked, petition(signature_count=count))
    assert isinstance(after, InvalidMilestone) == is_behind
    dropped = (MilestoneChange("number", 15_000, drop=True),)
    assert changed(CustomMilestones((15_000,)), dropped, petition(signature_count=count)) == NONE


@pytest.mark.parametrize(
    ("text", "is_fine"),
    [
        (f"{LEAST}", True),
        (f"{LEAST - 1}", False),
        (f"{HIGHEST}", True),
        (f"{HIGHEST + 1}", False),
        (f"every {LEAST}", True),
        (f"every {LEAST - 1}", False),
        ("1%", True),
        ("0%", False),
        ("99%", True),
        ("100%", False),
    ],
)
def test_what_is_too_small_or_too_large_is_refused_and_what_is_just_not_is_taken(
    text: str, is_fine: bool
) -> None:
    assert isinstance(read_changes(text), InvalidMilestone) != is_fine


def test_twenty_can_be_had_and_one_more_cannot() -> None:
    asked = tuple(MilestoneChange("number", 20_000 + 1_000 * n) for n in range(MOST - 1))
    last = (MilestoneChange("percent", 90), MilestoneChange("percent", 80))
    full = changed(NONE, (*asked, *last[:1]), OPEN)
    assert isinstance(full, CustomMilestones)
    assert len(full.numbers) + len(full.percents) == MOST
    assert changed(NONE, (*asked, *last), OPEN) == InvalidMilestone("many")


def test_what_nobody_can_ask_for_is_taken_out_and_the_rest_stays() -> None:
    odd = CustomMilestones((LEAST - 1, LEAST, HIGHEST, HIGHEST + 1), LEAST - 1, (75, 50))
    assert possible(odd) == CustomMilestones((LEAST, HIGHEST), 0, (50, 75))
    assert possible(CustomMilestones(every=LEAST)).every == LEAST
    assert possible(CustomMilestones(every=HIGHEST)).every == HIGHEST
    assert possible(CustomMilestones(every=HIGHEST + 1)).every == 0
    many = possible(CustomMilestones(tuple(range(1_000, 1_000 + MOST - 1)), 0, (25, 50, 75)))
    assert (len(many.numbers), many.percents) == (MOST - 1, (25,))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CustomMilestones((15_000,), 5_000, (50,)), NONE),
        (NONE, CustomMilestones((15_000,), 5_000, (50,))),
        (CustomMilestones(every=5_000), CustomMilestones(every=2_000)),
        (CustomMilestones((15_000, 20_000), 0, (50,)), CustomMilestones((20_000,), 0, (50, 75))),
    ],
)
def test_a_change_is_taken_back_by_the_text_that_says_so(
    before: CustomMilestones, after: CustomMilestones
) -> None:
    changes = read_changes(taking_back(before, after))
    assert not isinstance(changes, InvalidMilestone)
    assert changed(after, changes, OPEN) == before
