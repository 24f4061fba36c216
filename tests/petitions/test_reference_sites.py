"""A petition of any of the four sites, however it is written: one petition, one reference."""

import pytest

from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.petition import PetitionRef
from bot.petitions.reference import (
    as_written,
    closed_up,
    find_link,
    find_list,
    find_mentions,
    find_reference,
)
from bot.petitions.utterance import OnPetition, OnPetitions, Words, read

UK, SENEDD, SCOTLAND, JERSEY = SITES = tuple(
    site_like(name, DESCRIPTIONS[name]) for name in ("uk", "senedd", "scotland", "jersey")
)
WELSH = PetitionRef("senedd", 245_600)
SCOTTISH = PetitionRef("scotland", "PE2200")


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("https://petitions.senedd.wales/petitions/245600", WELSH),
        ("deisebau.senedd.cymru/deisebau/245600.json", WELSH),
        ("http://deisebau.senedd.cymru/deisebau/245600/cyfrif.json", WELSH),
        ("https://deisebau.senedd.cymru/deisebau/245600/llofnodion/newydd?x=1", WELSH),
        ("https://petitions.senedd.wales/deisebau/245600", WELSH),
        ("senedd:245600", WELSH),
        ("https://petitions.parliament.scot/petitions/PE2200", SCOTTISH),
        ("athchuingean.parlamaid-alba.scot/athchuingean/pe2200.json", SCOTTISH),
        ("https://petitions.parliament.scot/petitions/PE0002200/signatures/new", SCOTTISH),
        ("PE2200", SCOTTISH),
        ("#pe2200", SCOTTISH),
        ("scotland:PE2200", SCOTTISH),
        ("t.me/bell?start=p_scotland_PE2200", None),
        ("PP0123", PetitionRef("scotland", "PP0123")),
        ("https://petitions.gov.je/petitions/200500", PetitionRef("jersey", 200_500)),
        ("petitions.gov.je/petitions/200500/moderation-info", PetitionRef("jersey", 200_500)),
    ],
)
def test_a_petition_is_one_whatever_host_and_form_it_is_named_by(
    text: str, ref: PetitionRef | None
) -> None:
    if ref is not None:
        assert find_reference(text, SITES) == ref
    found = [each.petition for each in find_mentions(f"follow {text} please", SITES)]
    assert found == [ref or SCOTTISH]


@pytest.mark.parametrize(
    "text",
    [
        "https://petitions.parliament.scot/petitions/2200",
        "https://petitions.parliament.scot/petitions/XX2200",
        "https://petitions.gov.je/petitions/PE2200",
        "PE12",
        "PE22000000000",
        "scotland:2200",
        "uk:PE2200",
        "XX2200",
    ],
)
def test_what_no_site_numbers_so_names_no_petition(text: str) -> None:
    assert find_reference(text, SITES) is None
    assert find_mentions(text, (SCOTLAND, JERSEY)) == []


def test_a_bare_number_is_of_the_first_site_that_counts() -> None:
    assert find_reference("245600", (SCOTLAND, SENEDD, UK)) == WELSH
    (mention,) = find_mentions("follow 245600", (SCOTLAND, SENEDD, UK))
    assert (mention.petition, mention.is_bare) == (WELSH, True)


def test_a_scottish_number_means_nothing_where_scotland_is_not_watched() -> None:
    assert find_reference("PE2200", (UK, SENEDD)) is None
    assert find_mentions("see PE2200", (UK, SENEDD)) == []


def test_a_stand_in_of_a_sites_name_knows_the_links_of_all_its_hosts() -> None:
    standing = site_like("senedd", DESCRIPTIONS["senedd"], "http://127.0.0.1:8081")
    assert find_link("https://deisebau.senedd.cymru/deisebau/245600", (standing,)) == WELSH
    assert find_link("http://127.0.0.1:8081/petitions/245600", (standing,)) == WELSH
    other = site_like("cymru", DESCRIPTIONS["senedd"], "http://127.0.0.1:8081")
    assert find_link("https://deisebau.senedd.cymru/deisebau/245600", (other,)) is None


@pytest.mark.parametrize(
    "before",
    [
        "é",
        "x_",
        "evil.com\u3002",
        "https://é",
        "https://evil.com/~",
        "https://evil.com\\",
        "https://evil.com;",
        "https://evil.com/a,",
        "https://evil.com/(",
    ],
)
@pytest.mark.parametrize(
    "link", ["petition.parliament.uk/petitions/300239", "t.me/bell?start=p_uk_300239"]
)
def test_what_looks_like_a_link_within_another_is_none(before: str, link: str) -> None:
    assert find_link(before + link, SITES) is None
    assert all(each.is_bare for each in find_mentions(before + link, SITES))


@pytest.mark.parametrize("before", ["", "(", "See: ", "https://evil.com/ ", "看https://"])
def test_a_link_beside_other_words_is_one(before: str) -> None:
    link = before + "petition.parliament.uk/petitions/300239"
    assert find_link(link, SITES) == PetitionRef("uk", 300_239)


@pytest.mark.parametrize(
    ("named", "written"),
    [
        (PetitionRef("uk", 300_239), True),
        (PetitionRef("uk", 12_345_678_901), True),
        (PetitionRef("scotland", "PE2200"), True),
        (PetitionRef("scotland", "PE02200"), False),
        (PetitionRef("scotland", 2200), False),
        (PetitionRef("uk", "PE2200"), False),
        (PetitionRef("uk", 0), False),
        (PetitionRef("nowhere", 1), False),
    ],
)
def test_a_number_is_of_a_site_only_as_that_site_writes_it(
    named: PetitionRef, written: bool
) -> None:
    assert (as_written(named, {site.id: site for site in SITES}) == named) is written


@pytest.mark.parametrize(
    "text",
    [
        "PE 2200",
        "pe-2200",
        "Pe\u00a02200",
        "PE\u20112200",
        "PE2200.",
        "scotland:pe 2200",
        "#PE-2200",
    ],
)
def test_a_lettered_number_is_one_with_a_space_or_a_dash_in_it(text: str) -> None:
    assert find_reference(text, SITES) == SCOTTISH
    (mention,) = find_mentions(f"what became of {text}, please?", SITES)
    assert mention.petition == SCOTTISH
    first, rest = closed_up(f"{text} 15000", SITES).split()
    assert (find_reference(first, SITES), rest) == (SCOTTISH, "15000")


def test_letters_beside_a_number_are_a_number_only_where_a_site_writes_it_so() -> None:
    for text in ("type 2200", "recipe-2200", "in 2024", "PE 12", "PE_2200"):
        assert find_mentions(text, SITES) == []
    assert find_reference("PE 2200", (UK, SENEDD)) is None
    assert closed_up("PE 2200 15000", (UK, SENEDD)) == "PE 2200 15000"
    # Said among other words it may be something else, and written as the site does it is not.
    assert [each.is_bare for each in find_mentions("2 hours of PE 2200 or PE2200", SITES)] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("200, 300", ["uk:200", "uk:300"]),
        ("PE 2200 and senedd:245600", ["scotland:PE2200", "senedd:245600"]),
        ("200 300 400", ["uk:200", "uk:300", "uk:400"]),
        ("petitions.gov.je/petitions/1?a=b&c=d; 300239.", ["jersey:1", "uk:300239"]),
        ("300,239 and 300,240", ["uk:300239", "uk:300240"]),
        ("300 239, 245 600", ["uk:300239", "uk:245600"]),
        ("200", []),
        ("300 239", []),
        ("200 and 200", []),
        ("200 people", []),
        ("200, 300 people", []),
    ],
)
def test_several_petitions_are_named_where_nothing_else_is_said(
    text: str, named: list[str]
) -> None:
    assert [str(each) for each in find_list(text, SITES)] == named


def test_numbers_of_any_length_are_petitions_behind_what_is_to_be_done_with_them() -> None:
    named = tuple(PetitionRef("uk", number) for number in (200, 300))
    for text in ("unsubscribe 200, 300", "please unfollow 200 and 300", "stop 200; 300 now"):
        assert read(text, SITES) == OnPetitions("unsubscribe", named), text
    # As it would be without a verb.
    assert read("stop 300,239", SITES) == read("stop 300 239 now", SITES)
    assert read("stop 300 239", SITES) == OnPetition("unsubscribe", PetitionRef("uk", 300_239))
    both = (SCOTTISH, WELSH)
    assert read("follow PE 2200, senedd:245600", SITES) == OnPetitions("subscribe", both)
    assert isinstance(read("I counted 200, 300 people", SITES), Words)
