"""What a petition is owed: a response or a debate that its signatures called for and it lacks."""

from datetime import UTC, date, datetime

import pytest
from petitions import RESPONSE, petition

from bot.petitions.petition import Debate, Petition
from bot.petitions.thresholds import is_debate_due, is_response_due

REACHED = datetime(2025, 2, 20, 12, tzinfo=UTC)
DAY = date(2025, 7, 1)


@pytest.mark.parametrize(
    ("of", "is_due"),
    [
        (petition(signature_count=9_999), False),
        (petition(signature_count=10_000), True),
        (petition(signature_count=9_999, response_threshold_reached_at=REACHED), True),
        (petition(signature_count=10_000, government_response=RESPONSE), False),
        (petition(signature_count=10_000, response_threshold=None), False),
        (petition(response_threshold=None, response_threshold_reached_at=REACHED), True),
    ],
)
def test_a_response_is_due_from_the_threshold_or_its_flag_until_it_comes(
    of: Petition, is_due: bool
) -> None:
    assert is_response_due(of) == is_due


@pytest.mark.parametrize(
    ("of", "is_due"),
    [
        (petition(signature_count=99_999), False),
        (petition(signature_count=100_000), True),
        (petition(debate_threshold_reached_at=REACHED), True),
        (petition(scheduled_debate_date=DAY), True),  # below the threshold, and given one
        (petition(scheduled_debate_date=DAY, debate=Debate(DAY)), False),
        (petition(signature_count=100_000, debate=Debate(DAY)), False),
        (petition(signature_count=100_000, debate_threshold=None), False),
    ],
)
def test_a_debate_is_due_from_its_threshold_or_its_date_until_it_is_held(
    of: Petition, is_due: bool
) -> None:
    assert is_debate_due(of) == is_due
