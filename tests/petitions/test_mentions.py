"""Where in a text petitions are named, to the letter, and which digits are none."""

import pytest

from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.petition import PetitionRef, Site
from bot.petitions.reference import (
    as_written,
    closed_up,
    find_link,
    find_list,
    find_mentions,
    find_reference,
)

SITES = UK, SENEDD, SCOTLAND, JERSEY = tuple(
    site_like(name, DESCRIPTIONS[name]) for name in ("uk", "senedd", "scotland", "jersey")
)
LINK = "petition.parliament.uk/petitions/300239"
HUNDRED = [str(number) for number in range(1, 101)]


def mentions(text: str, sites: tuple[Site, ...] = SITES) -> list[str]:
    """What is found, as it stands in the text, and a ? behind what is bare."""
    return [
        f"{text[each.start : each.end]} = {each.petition}{'?' * each.is_bare}"
        for each in find_mentions(text, sites)
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        # Five to seven digits are a petition's number, and no more and no fewer.
        ("see 1234", []),
        ("see 12345.", ["12345 = uk:12345?"]),
        ("1234567", ["1234567 = uk:1234567?"]),
        ("12345678", []),
        ("012345", []),
        ("12345 012345", []),
        ("é1 300239", ["300239 = uk:300239?"]),
        # In groups of three it is one.
        ("300,239!", ["300,239 = uk:300239?"]),
        ("300 239", ["300 239 = uk:300239?"]),
        ("300.239", ["300.239 = uk:300239?"]),
        ("300'239", ["300'239 = uk:300239?"]),
        ("300\u202f239", ["300\u202f239 = uk:300239?"]),
        ("12,345", ["12,345 = uk:12345?"]),
        ("1,234", []),
        ("1,234,567 or so", ["1,234,567 = uk:1234567?"]),
        ("12,345,678", []),
        ("300,23", []),
        ("1234,567", []),
        ("300,2399", []),
        ("0,300,239", []),
        ("1,300 239", []),
        ("300239.5", []),
        ("300,239.50", []),
        # Otherwise each part is one by itself.
        ("12345, 67890", ["12345 = uk:12345?", "67890 = uk:67890?"]),
        ("12345,67890", ["12345 = uk:12345?", "67890 = uk:67890?"]),
        ("see 12345,67890", ["12345 = uk:12345?", "67890 = uk:67890?"]),
        ("123456 7 89012", ["123456 = uk:123456?", "89012 = uk:89012?"]),
        ("20 20 20", []),
        # What is counted is none, unless nobody counts to such a number.
        ("10000 signatures", []),
        ("300240 signatures", []),
        ("300239 signatures", ["300239 = uk:300239?"]),
        ("300239 sigs", ["300239 = uk:300239?"]),
        ("300239 llofnod", ["300239 = uk:300239?"]),
        ("300239 people", []),
        ("300239 votes, 300240 pounds, 34567%, 23456k", []),
        # Nor is a sum of money, or what a sign or a word goes on from.
        ("£300239 €300239 $300239 +300239 -300239 x300239 300239x 300239_", []),
        # Named in full it is.
        ("is #300239 or", ["#300239 = uk:300239"]),
        ("is #1 or", ["#1 = uk:1"]),
        ("uk:7 and senedd:245600", ["uk:7 = uk:7", "senedd:245600 = senedd:245600"]),
        ("mars:300239 uk:0300239 uk:300239:x", []),
        ("no:300239 id:300240", ["300239 = uk:300239?", "300240 = uk:300240?"]),
        ("#300,239 please", ["300,239 = uk:300239?"]),
        ("#300,2399", ["#300 = uk:300"]),
        ("PE2200 PE 2201", ["PE2200 = scotland:PE2200", "PE 2201 = scotland:PE2201?"]),
        ("PE\u20102201", ["PE\u20102201 = scotland:PE2201?"]),
        ("#PE-2200", ["#PE-2200 = scotland:PE2200"]),
        # A link takes along what follows, and other addresses hold no numbers.
        (f"https://{LINK}?a=b#c then", [f"https://{LINK}?a=b#c = uk:300239"]),
        (f"({LINK}), 300240", [f"{LINK} = uk:300239", "300240 = uk:300240?"]),
        ("t.me/bell?start=p_uk_300239 ok", ["t.me/bell?start=p_uk_300239 = uk:300239"]),
        ("t.me/bell?start=p_mars_300239", []),
        ("a@300239 www.x.uk/300239 x://300239 t.me/300239", []),
        (
            f"300238 {LINK} 300240",
            ["300238 = uk:300238?", f"{LINK} = uk:300239", "300240 = uk:300240?"],
        ),
        ("", []),
    ],
)
def test_what_a_text_names_is_found_where_it_stands(text: str, named: list[str]) -> None:
    assert mentions(text) == named


def test_without_sites_a_text_names_nothing() -> None:
    assert mentions(f"300239 #300239 {LINK}", ()) == []
    assert find_list("200, 300", ()) == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("12345", "uk:12345"),
        ("1234567890", "uk:1234567890"),
        ("1,300,239", "uk:1300239"),
        ("300 239.", "uk:300239"),
        ("[300,239]", "uk:300239"),
        ("12345 67890", None),
        ("see 300239", None),
        (f"300239 {LINK}", "uk:300239"),
        ("300,239 300,240", None),
    ],
)
def test_a_text_that_means_one_petition_says_nothing_else_or_has_a_link(
    text: str, named: str | None
) -> None:
    found = find_reference(text, SITES)
    assert (found and str(found)) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("200 300", []),
        ("200,300", []),
        ("200;300", ["uk:200", "uk:300"]),
        ("#200, 300", ["uk:200", "uk:300"]),
        ("#300,239", []),
        ("#300 239", []),
        ("200, 300, 200", ["uk:200", "uk:300"]),
        ("200 or 300", []),
        ("200 a 300 ac 400 & 500 + 600", [f"uk:{n}00" for n in range(2, 7)]),
        (", ".join(HUNDRED), [f"uk:{n}" for n in HUNDRED]),
        (", ".join([*HUNDRED, "101"]), []),
        (" ".join(HUNDRED), [f"uk:{n}" for n in HUNDRED]),
        (" ".join([*HUNDRED, "101"]), []),
    ],
)
def test_a_list_names_two_to_a_hundred_petitions(text: str, named: list[str]) -> None:
    assert [str(each) for each in find_list(text, SITES)] == named


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("PE 2234 rest", "PE2234 rest"),
        ("#pe-2234", "#pe2234"),
        ("scotland:PE 2234 x", "scotland:PE2234 x"),
        ("x PE 2234", "x PE 2234"),
        ("PE 12", "PE 12"),
        ("PE 2234x", "PE 2234x"),
        ("PE 0000 x", "PE 0000 x"),
    ],
)
def test_a_lettered_number_is_closed_up_where_a_text_begins_with_it(text: str, closed: str) -> None:
    assert closed_up(text, SITES) == closed


def test_a_link_by_any_of_its_ports_leads_to_its_site() -> None:
    there = PetitionRef("uk", 300_239)
    for port in (":443", ":80"):
        assert find_link(LINK.replace("/", f"{port}/", 1), SITES) == there
    assert find_link(LINK.replace("/", ":8443/", 1), SITES) is None
    assert find_link(f"petitions.gov.je/petitions/PE2200 {LINK}", SITES) == there


def test_a_site_elsewhere_has_the_links_of_its_hosts_only_under_its_name() -> None:
    port = "http://127.0.0.1:8081"
    own, other = (site_like(name, DESCRIPTIONS["uk"], port) for name in ("uk", "other"))
    assert find_link(LINK, (own,)) == PetitionRef("uk", 300_239)
    assert find_link(LINK, (other,)) is None
    assert find_link(LINK, (other, own)) == PetitionRef("uk", 300_239)
    mirrored = site_like("other", DESCRIPTIONS["uk"])
    assert find_link(LINK, (mirrored,)) == PetitionRef("other", 300_239)
    assert find_link("parallelparliament.co.uk/petitions/7", (mirrored,)) == PetitionRef("other", 7)


@pytest.mark.parametrize(
    ("named", "written"),
    [
        (PetitionRef("uk", 1), PetitionRef("uk", 1)),
        (PetitionRef("uk", 0), None),
        (PetitionRef("uk", -1), None),
        (PetitionRef("uk", "7"), PetitionRef("uk", 7)),
        (PetitionRef("scotland", 7), None),
        (PetitionRef("scotland", "pe02234"), PetitionRef("scotland", "PE2234")),
        (PetitionRef("mars", 1), None),
    ],
)
def test_a_petition_is_called_as_its_site_writes_it(
    named: PetitionRef, written: PetitionRef | None
) -> None:
    assert as_written(named, {site.id: site for site in SITES}) == written
