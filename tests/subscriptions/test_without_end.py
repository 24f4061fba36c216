"""What is typed without end is read through: nothing in it is looked at once for all the rest."""

import pytest

from bot.petitions.petition import Site
from bot.petitions.reference import find_list
from bot.subscriptions.custom_milestones import InvalidMilestone, read_changes
from bot.subscriptions.typed_settings import NoZone, find_zone, read_hour

SITES = (Site("uk", "UK Parliament", "https://petition.parliament.uk"),)
ENDLESS = 400_000


@pytest.mark.parametrize("piece", [" ", ",", "a ", "1 ", "9-", "\n"], ids=repr)
def test_what_is_typed_without_end_means_nothing(piece: str) -> None:
    text = f"from{piece * (ENDLESS // len(piece))}x"
    assert read_hour(text) is None
    assert isinstance(find_zone(text), NoZone)
    assert isinstance(read_changes(text), InvalidMilestone)
    assert find_list("1, 2" + piece * 1_000 + "x", SITES) == []


def test_what_is_typed_in_a_few_words_means_what_it_did() -> None:
    assert read_hour(" 6pm ") == 18 * 60
    assert find_zone("I'm in Paris") == "Europe/Paris"
    assert not isinstance(read_changes("15k, 20k, every 50,000"), InvalidMilestone)
    assert len(find_list("300239, 300240 and 300241", SITES)) == 3
