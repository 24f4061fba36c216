"""Milestones that cannot be had: the message gives some that can, each as it is typed."""

import re

import pytest
from petitions import petition

from bot.messages.petition.milestones import milestones_refused
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.custom_milestones import InvalidMilestone, Reason, changed, read_changes


@pytest.mark.parametrize("count", [84, 9_999, 60_000, 99_999, 250_000, 3_999_999])
@pytest.mark.parametrize("reason", ["reached", "unclear", "range", "percent"])
def test_every_example_can_be_had(reason: Reason, count: int) -> None:
    known = petition(signature_count=count)
    message = milestones_refused(InvalidMilestone(reason, "15000"), known)
    examples = re.findall(r"^/milestones \d+ (.+)$", message.text, re.MULTILINE)
    assert examples[-1] == "off"
    if count < 1_000_000:  # beyond, every round number rings for everybody
        assert int(examples[0]) > count
    for example in examples:
        changes = read_changes(example)
        assert not isinstance(changes, InvalidMilestone)
        assert isinstance(changed(CustomMilestones(), changes, known), CustomMilestones), example


@pytest.mark.parametrize("reason", ["over", "unclear", "many"])
def test_a_closed_petition_has_none_to_offer(reason: Reason) -> None:
    known = petition(signature_count=84, state="closed")
    refused = milestones_refused(InvalidMilestone(reason, "x"), known)
    assert "/milestones" not in refused.text


def test_who_has_as_many_as_there_may_be_is_shown_how_to_remove_one_of_them() -> None:
    own = CustomMilestones(numbers=(7_000, 8_000))
    refused = milestones_refused(InvalidMilestone("many"), petition(signature_count=84), own)
    assert "/milestones 700000 -7000" in refused.text


def test_half_the_way_is_offered_while_it_is_ahead() -> None:
    def offers(count: int) -> bool:
        known = petition(signature_count=count)
        return "50%" in milestones_refused(InvalidMilestone("unclear", "x"), known).text

    assert offers(49_999)
    assert not offers(50_000)
