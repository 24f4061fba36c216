"""When nothing is expected of a petition any more."""

from datetime import date
from typing import Any

import pytest
from msgspec import structs
from petitions import petition, responded

from bot.petitions.petition import Debate, Petition
from bot.petitions.thresholds import is_settled

OUTCOME = Debate(date(2025, 7, 1))


def answered(**changes: Any) -> Petition:
    """A closed petition with a government response."""
    return structs.replace(responded(), **{"state": "closed", **changes})


@pytest.mark.parametrize(
    "awaiting",
    [
        petition(),
        petition(signature_count=10_000, state="closed"),
        answered(signature_count=100_000),
        answered(scheduled_debate_date=date(2025, 7, 1)),
        answered(state="open", signature_count=100_000, debate=OUTCOME),
    ],
    ids=["open", "no response yet", "no debate yet", "a debate to come", "open still"],
)
def test_a_petition_that_awaits_anything_is_not_settled(awaiting: Petition) -> None:
    assert not is_settled(awaiting)


@pytest.mark.parametrize(
    "over",
    [
        petition(state="closed"),
        petition(state="rejected", signature_count=10_000),
        petition(state="closed", signature_count=100_000, archived=True),
        answered(),
        answered(signature_count=100_000, debate=OUTCOME),
    ],
    ids=["closed early on", "rejected", "of another Parliament", "answered", "debated"],
)
def test_a_petition_that_has_all_it_earned_is_settled(over: Petition) -> None:
    assert is_settled(over)
