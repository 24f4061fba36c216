"""The demo's second story: a petition to the Senedd, referred, debated and completed."""

from datetime import timedelta

import pytest

from bot.demo.sister_shapes import SENEDD, encoded, resource
from bot.demo.welsh_story import (
    CLOSED,
    COMPLETED,
    DEBATED,
    OPENED,
    REFERRED,
    SCHEDULED,
    attributes_at,
    count_at,
)
from bot.petitions.diff import diff
from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.parse import parse_petition
from bot.petitions.petition import Petition

SITE = site_like("senedd", DESCRIPTIONS["senedd"])
SECOND = timedelta(seconds=1)


def told(moment: object, language: str = "") -> Petition:
    data = resource(SENEDD, "https://x", 245000, attributes_at(moment), language)  # type: ignore[arg-type]
    return parse_petition(encoded(SENEDD, {"data": data}), SITE)


@pytest.mark.parametrize(
    ("moment", "state"),
    [(OPENED, "open"), (CLOSED, "closed"), (REFERRED, "closed"), (COMPLETED, "completed")],
)
def test_its_states_are_the_senedds(moment: object, state: str) -> None:
    assert told(moment).state == state


@pytest.mark.parametrize("moment", [REFERRED, SCHEDULED, DEBATED, COMPLETED])
def test_something_happens_at_each_of_its_moments(moment: object) -> None:
    before = moment - SECOND  # type: ignore[operator]
    assert diff(told(before), told(moment))


def test_its_count_never_falls_and_passes_both_numbers() -> None:
    days = [count_at(OPENED + timedelta(days=each)) for each in range(300)]
    assert days == sorted(days)
    assert (days[0], days[-1]) == (6, 11_380)


def test_it_is_told_in_welsh_on_the_welsh_host() -> None:
    assert told(DEBATED, "cy").action.startswith("Deiseb enghreifftiol")
    assert told(DEBATED, "cy").debate
