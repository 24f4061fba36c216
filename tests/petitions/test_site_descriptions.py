"""What is said of each site, fact by fact, and how a description answers."""

from typing import get_args

import pytest
from msgspec import structs
from petitions import petition

from bot.petitions.events import Kind
from bot.petitions.parliaments import (
    DESCRIPTIONS,
    SiteDescription,
    description_of,
    host_of,
    is_its_own,
    known_by,
    site_like,
)
from bot.petitions.parliaments.description import Host, Ids, Lists, Paths
from bot.petitions.petition import Petition, Site

UK, SENEDD, SCOTLAND, JERSEY = DESCRIPTIONS.values()
NAMES = ("uk", "senedd", "scotland", "jersey")


def by_site(**facts: object) -> list[tuple[SiteDescription, object]]:
    return [(DESCRIPTIONS[name], fact) for name, fact in facts.items()]


def test_four_sites_are_described() -> None:
    assert tuple(DESCRIPTIONS) == NAMES


@pytest.mark.parametrize(
    ("of", "months"), by_site(uk=6, senedd=6, scotland=None, jersey=6), ids=NAMES
)
def test_a_petition_is_open_for_six_months_or_until_a_committee_closes_it(
    of: SiteDescription, months: int | None
) -> None:
    assert of.months_open == months


def test_silence_is_worth_a_word_on_these_days() -> None:
    assert [each.response_overdue for each in DESCRIPTIONS.values()] == [
        (21, 60, 180),
        (),
        (),
        (21, 60, 180),
    ]
    assert [each.debate_overdue for each in DESCRIPTIONS.values()] == [(45, 120), (), (), (45, 120)]


def test_each_site_has_its_lists_and_what_it_counts() -> None:
    told = {
        name: (
            of.lists.usual_rows,
            of.lists.most_rows,
            of.lists.open_by_signatures,
            of.lists.next_is_right,
            of.lists.narrows_by_topic,
            of.trending_hours,
        )
        for name, of in DESCRIPTIONS.items()
    }
    assert told == {
        "uk": (25, 50, True, True, True, 1),
        "senedd": (50, 50, True, False, True, 24),
        "scotland": (15, 50, False, True, False, 24),
        "jersey": (50, 50, True, True, False, 1),
    }


def test_what_is_true_of_one_site_alone_is_false_of_the_others() -> None:
    def only(fact: str) -> list[str]:
        return [name for name in NAMES if getattr(DESCRIPTIONS[name], fact) is True]

    assert only("ends_with_parliament") == ["uk"]
    assert only("is_referred_after_closing") == ["senedd"]
    assert only("places_by_code") == ["scotland"]
    assert only("is_openly_licensed") == ["uk", "senedd", "scotland"]
    assert [of.removal for of in DESCRIPTIONS.values()] == ["gone", "gone", "gone", "missing"]


def test_a_description_says_no_more_than_it_must() -> None:
    assert (Lists(()).open_by_signatures, Lists(()).next_is_right) == (True, True)
    assert (Lists(()).usual_rows, Lists(()).most_rows, Lists(()).narrows_by_topic) == (
        50,
        50,
        False,
    )
    assert (Ids().prefixes, Ids().digits) == ((), 1)
    assert (Host("a.b").url, Host("a.b").language, Host("a.b").paths) == (
        "https://a.b",
        "en",
        Paths(),
    )


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("1234567890", 1_234_567_890),
        ("12345678901", None),
        ("0", None),
        ("01", None),
        ("", None),
        ("1 ", None),
        ("PE1234", None),
    ],
)
def test_a_number_without_letters_has_one_to_ten_digits(text: str, number: int | None) -> None:
    assert UK.ids.read(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("PE123", None),
        ("PE1234", "PE1234"),
        ("pp1234", "PP1234"),
        ("PE123456789", "PE123456789"),
        ("PE1234567890", None),
        ("PE0001", "PE0001"),
        ("PE00012", "PE0012"),
        ("PE0000", None),
        ("PE 1234", None),
    ],
)
def test_a_lettered_number_has_four_to_nine_digits_and_one_form(
    text: str, number: str | None
) -> None:
    assert SCOTLAND.ids.read(text) == number


def test_a_number_is_for_good_unless_it_is_that_of_what_is_not_published_yet() -> None:
    assert UK.ids.is_for_good(1)
    assert SCOTLAND.ids.is_for_good("PE1234")
    assert not SCOTLAND.ids.is_for_good("PP1234")
    assert not UK.ids.changes_to(1)
    assert SCOTLAND.ids.changes_to("PE1234")
    assert not SCOTLAND.ids.changes_to("PP1234")


@pytest.mark.parametrize(
    ("ids", "asked", "told", "may"),
    [
        (UK.ids, 1, 1, True),
        (UK.ids, 1, 2, False),
        (SCOTLAND.ids, "PE1234", "PE1234", True),
        (SCOTLAND.ids, "PE1234", "PE1235", False),
        (SCOTLAND.ids, "PP1234", "PP1235", False),
        (SCOTLAND.ids, "PP1234", "PE1235", True),
        (SCOTLAND.ids, "XX1234", "PE1235", False),
    ],
)
def test_only_a_number_of_another_kind_may_be_that_of_the_same_petition(
    ids: Ids, asked: int | str, told: int | str, may: bool
) -> None:
    assert ids.may_be_same(asked, told) is may


# --- what it answers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "silent"),
    by_site(
        uk=set(),
        senedd={"response", "overdue", "business"},
        scotland={"response", "overdue", "business"},
        jersey={"business", "top_ten"},
    ),
    ids=NAMES,
)
def test_a_site_tells_news_of_what_it_has(of: SiteDescription, silent: set[str]) -> None:
    untold = {kind for kind in get_args(Kind) if not of.tells(kind)}
    assert untold == silent


def test_a_site_without_thresholds_tells_none() -> None:
    bare = structs.replace(UK, thresholds=(), response_overdue=(), features=frozenset())
    assert not bare.tells("threshold")
    assert not bare.tells("debate")
    assert bare.tells("overdue")  # of a debate
    assert not structs.replace(bare, debate_overdue=()).tells("overdue")
    noted = structs.replace(bare, features=frozenset({"committee_note"}))
    lettered = structs.replace(bare, features=frozenset({"business"}))
    assert (noted.tells("business"), lettered.tells("business")) == (True, True)
    assert (bare.usual("debate"), bare.threshold("debate")) == (None, None)


def test_a_host_is_that_of_a_language_or_the_first() -> None:
    assert SENEDD.host("cy").name == "deisebau.senedd.cymru"
    assert SENEDD.host("en").name == SENEDD.host("gd").name == "petitions.senedd.wales"
    assert [each.languages for each in DESCRIPTIONS.values()] == [
        ("en",),
        ("en", "cy"),
        ("en", "gd"),
        ("en",),
    ]
    assert SENEDD.url == "https://petitions.senedd.wales"


@pytest.mark.parametrize(
    ("url", "language", "page"),
    [
        ("https://petitions.senedd.wales", "", "https://petitions.senedd.wales/petitions/7"),
        ("https://petitions.senedd.wales/", "", "https://petitions.senedd.wales/petitions/7"),
        ("https://petitions.senedd.wales/", "cy", "https://deisebau.senedd.cymru/deisebau/7"),
        ("https://petitions.senedd.wales", "en", "https://petitions.senedd.wales/petitions/7"),
        ("http://127.0.0.1:8081/", "cy", "http://127.0.0.1:8081/petitions/7"),
        ("https://z.example", "cy", "https://z.example/petitions/7"),
    ],
)
def test_a_page_is_below_the_sites_address(url: str, language: str, page: str) -> None:
    assert SENEDD.page(url, 7, language) == page


# --- which site it is -----------------------------------------------------------------------------


def test_a_host_is_read_from_an_address_if_it_is_one() -> None:
    assert host_of("https://Petitions.gov.je:443/x") == "petitions.gov.je"
    assert host_of("petitions.gov.je") == ""
    assert host_of("https://[bad") == ""


@pytest.mark.parametrize(
    ("name", "url", "like", "found"),
    [
        ("uk", "https://petitions.gov.je", "senedd", SENEDD),
        ("uk", "https://petitions.gov.je", "", JERSEY),
        ("uk", "https://elsewhere.example", "", UK),
        ("x", "https://elsewhere.example", "", None),
        ("x", "", "mars", None),
    ],
)
def test_what_it_is_like_goes_before_its_host_and_that_before_its_name(
    name: str, url: str, like: str, found: SiteDescription | None
) -> None:
    assert known_by(name, url, like) is found
    assert description_of(Site(name, "", url, like=like)) is (found or UK)


def of(url: str, like: str = "") -> Petition:
    return petition(url=url, like=like)


def test_a_petition_is_of_the_site_that_its_page_is_on() -> None:
    assert description_of(of("https://petitions.gov.je/petitions/1")) is JERSEY
    assert description_of(of("http://127.0.0.1/petitions/1", "scotland")) is SCOTLAND
    assert description_of(of("http://127.0.0.1/petitions/1")) is UK


def test_a_site_is_its_own_by_name_or_host_and_not_by_likeness() -> None:
    assert is_its_own(Site("senedd", "", "http://127.0.0.1"))
    assert is_its_own(Site("cy", "", "https://deisebau.senedd.cymru"))
    assert not is_its_own(Site("cy", "", "http://127.0.0.1", like="senedd"))
    assert not is_its_own(Site("x", "", "https://petitions.senedd.wales", like="scotland"))


def test_a_site_is_as_described_with_its_other_address_only_where_it_is_at_its_own() -> None:
    assert site_like("cymru", SENEDD) == Site(
        "cymru",
        "Senedd",
        "https://petitions.senedd.wales",
        None,
        10_000,
        "senedd",
        other_url="https://deisebau.senedd.cymru",
    )
    elsewhere = site_like("cymru", SENEDD, "http://127.0.0.1:1")
    assert (elsewhere.url, elsewhere.other_url) == ("http://127.0.0.1:1", "")
    assert site_like("je", JERSEY).other_url == ""
    plain = Site("a", "b", "c")
    assert (plain.response_threshold, plain.debate_threshold) == (10_000, 100_000)
    assert (plain.like, plain.among_others, plain.other_url) == ("", False, "")
