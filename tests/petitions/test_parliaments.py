"""What each site is described as, and that nothing else asks which site it is."""

import re
from pathlib import Path

import pytest

from bot.petitions.events import EVENT_KINDS
from bot.petitions.parliaments import DESCRIPTIONS, description_of, known_by, site_like
from bot.petitions.parliaments.jersey import JERSEY
from bot.petitions.parliaments.scotland import SCOTLAND
from bot.petitions.parliaments.senedd import SENEDD
from bot.petitions.parliaments.uk import UK
from bot.petitions.petition import PetitionRef, Site

ROOT = Path(__file__).parents[2]


def test_a_site_is_known_by_what_it_is_like_or_its_name_or_any_of_its_hosts() -> None:
    assert description_of(Site("senedd", "", "http://127.0.0.1:1")) is SENEDD
    assert description_of(Site("je", "", "https://petitions.gov.je")) is JERSEY
    assert description_of(Site("cy", "", "https://deisebau.senedd.cymru/")) is SENEDD
    assert description_of(Site("kirk", "", "https://a.scot", like="scotland")) is SCOTLAND
    assert known_by("elsewhere", "https://petitions.example") is None


def test_a_site_is_as_it_is_described_unless_it_is_configured_otherwise() -> None:
    numbers = {
        each.id: (each.usual("response"), each.usual("referral"), each.usual("debate"))
        for each in DESCRIPTIONS.values()
    }
    assert numbers == {
        "uk": (10_000, None, 100_000),
        "senedd": (None, 250, 10_000),
        "scotland": (None, None, 5_000),
        "jersey": (1_000, None, 5_000),
    }
    site = site_like("je", JERSEY)
    assert (site.url, site.response_threshold) == ("https://petitions.gov.je", 1_000)
    assert description_of(site) is JERSEY


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("PE2234", "PE2234"),
        ("pe2234", "PE2234"),
        ("PE0002205", "PE2205"),
        ("PE0012", "PE0012"),
        ("PP0123", "PP0123"),
        ("PE12", None),
        ("PE0000", None),
        ("2234", None),
        ("XX2234", None),
        ("PE２２３４", None),
    ],
)
def test_scottish_numbers_have_one_form(typed: str, number: str | None) -> None:
    assert SCOTLAND.ids.read(typed) == number


def test_other_sites_count_their_petitions() -> None:
    assert UK.ids.read("300239") == 300_239
    assert [UK.ids.read(text) for text in ("0300239", "PE2234", "0x10", "")] == [None] * 4


def test_a_petition_may_answer_by_the_name_it_had_or_has_got() -> None:
    assert SCOTLAND.ids.may_be_same("PP1450", "PE2200")
    assert SCOTLAND.ids.may_be_same("PE2205", "PP1484")
    assert not SCOTLAND.ids.may_be_same("PE2205", "PE2206")
    assert not UK.ids.may_be_same(300_239, 300_240)


@pytest.mark.parametrize("name", ["uk:300239", "scotland:PE2234", "scotland:PP0123"])
def test_a_petitions_name_is_read_back_as_it_is_written(name: str) -> None:
    assert str(PetitionRef.parse(name)) == name


@pytest.mark.parametrize(
    "name", ["scotland:pe2234", "scotland:P2234", "uk:", ":1", "uk:PE", "uk:１"]
)
def test_what_is_no_petitions_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a petition's name"):
        PetitionRef.parse(name)


def test_a_page_is_on_the_host_of_its_language_where_the_site_is_at_its_own() -> None:
    assert SENEDD.page(SENEDD.url, 245_600) == "https://petitions.senedd.wales/petitions/245600"
    assert SENEDD.page(SENEDD.url, 1, "cy") == "https://deisebau.senedd.cymru/deisebau/1"
    assert SENEDD.page("http://127.0.0.1:1/", 1, "cy") == "http://127.0.0.1:1/petitions/1"
    assert UK.page(UK.url, 1, "cy") == "https://petition.parliament.uk/petitions/1"


def test_every_list_that_is_asked_for_is_one_the_site_has() -> None:
    for each in DESCRIPTIONS.values():
        lists = each.lists
        named = (lists.open, lists.everything, lists.newest, lists.responded)
        named += (lists.debate_dates, lists.debated, lists.referred, lists.ended)
        assert {name for name in named if name} <= set(lists.facets), each.id


_ASKS_WHICH = re.compile(
    r"(?:\bid\b|\bsite\b|\blike\b|\bname\b)\s*(?:[!=]=|in)\s*[\[({]?\s*[\"'](?:uk|senedd|scotland|jersey)[\"']"
)


# The offline world plays the sites themselves.
_MAY_ASK = ("parliaments", "demo")


def test_nothing_outside_the_descriptions_asks_which_site_it_is() -> None:
    asking = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("bot", "handlers", "storage")
        for path in (ROOT / folder).rglob("*.py")
        if not set(_MAY_ASK) & set(path.parts)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if _ASKS_WHICH.search(line)
    ]
    assert asking == []


def test_the_question_which_site_it_is_would_be_found() -> None:
    for line in ('if site.id == "uk":', 'ref.site != "senedd"', 'site in ("uk", "jersey")'):
        assert _ASKS_WHICH.search(line), line


def test_the_kinds_of_news_that_a_site_has_not_got_are_those_it_never_tells() -> None:
    missing = {
        site: {kind for kind in EVENT_KINDS if not description.tells(kind)}
        for site, description in DESCRIPTIONS.items()
    }
    assert missing == {
        "uk": set(),
        "senedd": {"response", "overdue", "business"},
        "scotland": {"response", "overdue", "business"},
        "jersey": {"business", "top_ten"},
    }
