"""Names that are typed not quite right: of topics and departments, as of constituencies."""

import time
from typing import Any

import pytest
from bell import Village, open_petition
from site_stand_in import Fault

from bot.app import open_storage, utc_now
from bot.subscriptions.codec import rule_for_link
from bot.subscriptions.names import COMMON, DIRECTIONS, meant, near
from bot.subscriptions.rules import stems
from bot.subscriptions.site_names import Name, SiteNames, note_of, written
from bot.subscriptions.subscription import Rule

Json = dict[str, Any]
DEPARTMENTS = {
    name: (name, acronym)
    for name, acronym in (
        ("Department of Health and Social Care", "DHSC"),
        ("Department for Transport", "DfT"),
        ("Department for Environment, Food and Rural Affairs", "DEFRA"),
        ("Home Office", "HO"),
        ("Ministry of Justice", "MoJ"),
    )
}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("helth", "Department of Health and Social Care"),
        ("Departement for Helth", "Department of Health and Social Care"),
        ("tranport", "Department for Transport"),
        ("Hom Ofice", "Home Office"),
        ("DEFFRA", "Department for Environment, Food and Rural Affairs"),
        ("ministry of justise", "Ministry of Justice"),
    ],
)
def test_a_name_that_is_nearly_right_finds_the_right_one_first(typed: str, name: str) -> None:
    assert near(typed, DEPARTMENTS)[0] == name


@pytest.mark.parametrize("typed", ["xyzzy", "department", "gardening", "🫖", ""])
def test_a_name_like_none_of_them_finds_nothing(typed: str) -> None:
    assert near(typed, DEPARTMENTS) == []


def test_a_name_means_what_is_called_so_before_what_has_it_in_its_name() -> None:
    names = {"a": ["Durham"], "b": ["City of Durham"], "c": ["North Durham"], "d": ["Leeds"]}
    assert meant("durham", names) == ["a"]
    assert meant("city of", names) == ["b"]
    assert meant("dur", names) == ["a", "b", "c"]
    assert meant("?", names) == []


def test_a_long_text_is_compared_with_every_constituency_at_once() -> None:
    names = {str(n): [f"Constituency {n} and Valley Number {n * 7}"] for n in range(650)}
    before = time.process_time()
    near("a" * 100_000, names)
    near("Constituencie 64 and Valey Nummber 448", names)
    assert time.process_time() - before < 5


@pytest.fixture
async def offices(village: Village) -> Village:
    for number, (name, acronym) in enumerate(DEPARTMENTS.values(), 700_100):
        department = {"name": name, "acronym": acronym, "url": None}
        village.site.put(number, open_petition(departments=[department], topics=["health"]))
    village.site.topics = {"health": "Health and social care", "culture": "Culture"}
    return village


def _labels(message: Json) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [key["text"] for row in rows for key in row]


async def test_a_misspelt_department_is_one_press_away(offices: Village) -> None:
    async with offices.bell():
        sorry = await offices.reader.ask(
            "/follow department: helth", "can't find any petitions for a department called “helth”."
        )
        offices.reader.tap(sorry, "Department of Health and Social Care")
        draft = await offices.reader.hears("Follow petitions for Department of Health")
        assert "⚠️" not in draft["text"]


async def test_a_department_is_found_by_its_acronym_or_a_word_of_its_name(offices: Village) -> None:
    async with offices.bell():
        for typed in ("DEFRA", "transport", "Home Office"):
            draft = await offices.reader.ask(
                f"/follow department: {typed}", "Follow petitions for "
            )
            assert "⚠️" not in draft["text"]


async def test_a_department_without_petitions_can_be_followed_and_says_what_that_means(
    offices: Village,
) -> None:
    async with offices.bell():
        sorry = await offices.reader.ask("/follow department: Wales Office")
        assert "Follow “Wales Office” anyway" in _labels(sorry)
        offices.reader.tap(sorry, "Follow “Wales Office” anyway")
        draft = await offices.reader.hears("Follow petitions for Wales Office?")
        assert "won't find anything until there is one" in draft["text"]


async def test_a_department_seen_on_a_petition_before_is_known_while_the_site_is_away(
    offices: Village,
) -> None:
    seen = SiteNames(departments={"Home Office": Name("Home Office", "HO")})
    storage = await open_storage(offices.config().storage)
    await storage.save_note(note_of("uk"), written(seen))
    await storage.close()
    offices.site.fail("/petitions.json", Fault(status=503))
    async with offices.bell():
        draft = await offices.reader.ask("/follow department: HO", "Follow petitions for HO?")
        assert "⚠️" not in draft["text"]
        draft = await offices.reader.ask("/follow department: Home Ofice", "Did you mean")
        assert "Home Office" in _labels(draft)


async def test_a_department_that_cannot_be_checked_is_said_not_to_be(offices: Village) -> None:
    offices.site.fail("/petitions.json", Fault(status=503))
    async with offices.bell():
        draft = await offices.reader.ask("/follow department: helth", "Follow petitions for helth")
        assert "can't check that name" in draft["text"]


async def test_a_misspelt_topic_is_one_press_away(offices: Village) -> None:
    async with offices.bell():
        sorry = await offices.reader.ask(
            "/follow topic: helth", "I can't find a topic called “helth”. Did"
        )
        assert _labels(sorry) == ["Health and social care", "All topics", "Cancel"]
        offices.reader.tap(sorry, "Health and social care")
        await offices.reader.hears("Follow petitions on Health and social care?")


async def test_a_word_of_a_topics_name_is_enough(offices: Village) -> None:
    async with offices.bell():
        await offices.reader.ask("/follow topic: social care", "Follow petitions on ")
        await offices.reader.ask("/follow topic: gardening", "Choose a topic")


@pytest.mark.parametrize(
    ("asked", "doubt"),
    [
        ({"topics": ("gardening",)}, "no such topic now"),
        ({"department": "Helth"}, "can't find any petitions for that department"),
        ({"constituency": "E14000999"}, "no such constituency now"),
        ({"topics": ("gardening", "health")}, ""),
        ({"words": ("helth",)}, ""),
    ],
)
async def test_a_link_to_a_rule_that_cannot_match_says_so_before_it_is_saved(
    offices: Village, asked: dict[str, Any], doubt: str
) -> None:
    offices.site.constituencies = {
        "E14001290": {"constituency": "Leeds East", "ons_code": "E14001290", "mp": "A B"}
    }
    kinds = ("top_ten",) if "constituency" in asked else ("response",)
    rule = Rule(7, "uk", utc_now(), kinds, **asked)
    async with offices.bell():
        draft = await offices.reader.ask(f"/start r_{rule_for_link(rule)}", "Follow ")
        assert doubt in draft["text"]
        assert ("⚠️" in draft["text"]) == bool(doubt)


def test_the_words_that_tell_no_name_from_another_are_as_they_are_compared() -> None:
    assert frozenset(stems("and department for ministry of office the")) == COMMON
    assert frozenset(stems("north south east west mid central")) == DIRECTIONS
