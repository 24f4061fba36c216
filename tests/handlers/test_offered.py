"""What a site lacks is not offered: not in the menu, not in /help, not beneath a card."""

import pytest

from bot.messages.buttons import card_buttons
from bot.petitions.parliaments import DESCRIPTIONS
from bot.petitions.petition import Petition, PetitionRef
from handlers import COMMANDS

LACKING = {
    "uk": set(),
    "senedd": {"response"},
    "scotland": {"response"},
    "jersey": {"trending"},
}
BUTTONS = {
    "uk": {"Constituencies", "Map"},
    "senedd": {"Constituencies", "Map"},
    "scotland": {"Constituencies", "Map"},
    "jersey": {"Parishes", "Map"},
}


@pytest.mark.parametrize("site", DESCRIPTIONS)
def test_a_command_about_what_no_site_has_is_left_out(site: str) -> None:
    described = [DESCRIPTIONS[site]]
    assert {c.name for c in COMMANDS if not c.is_offered(described)} == LACKING[site]
    assert all(command.is_offered([*described, DESCRIPTIONS["uk"]]) for command in COMMANDS)


@pytest.mark.parametrize("site", DESCRIPTIONS)
def test_beneath_a_card_stands_what_its_site_has(site: str) -> None:
    petition = Petition(
        ref=PetitionRef(site, 1), url="https://x/1", action="Tea", state="open", signature_count=100
    )
    labels = {key.text for row in card_buttons(petition, None) for key in row}
    assert labels - {"Follow", "Open", "Share", "Chart", "Milestones"} == BUTTONS[site]


def test_a_map_is_offered_once_it_would_show_more_than_chance() -> None:
    petition = Petition(
        ref=PetitionRef("uk", 1), url="https://x/1", action="Tea", state="open", signature_count=99
    )
    assert "Map" not in {key.text for row in card_buttons(petition, None) for key in row}
