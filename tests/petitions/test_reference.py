"""What people type or paste, and the petition they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.petitions.petition import PetitionRef, Site
from bot.petitions.reference import find_link, find_reference

UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")
SENEDD = Site("senedd", "Senedd", "https://petitions.senedd.wales/")
LOCAL = Site("demo", "Demo", "http://127.0.0.1:8081")
SITES = (UK, SENEDD, LOCAL)
GROOMING = PetitionRef("uk", 300_239)
HOST = "petition.parliament.uk"


@pytest.mark.parametrize(
    "text",
    [
        "300239",
        " 300239\n",
        "#300239",
        "uk:300239",
        "UK:300239",
        "300239.",
        "<300239>",
        "300 239",
        "300,239",
        "300,239!",
        f"https://{HOST}/petitions/300239",
        f"http://{HOST}/petitions/300239",
        f"{HOST}/petitions/300239",
        f"www.{HOST}/petitions/300239",
        f"https://www.{HOST}/petitions/300239",
        f"HTTPS://{HOST.upper()}/petitions/300239",
        f"https://{HOST}:443/petitions/300239",
        f"https://{HOST}/archived/petitions/300239",
        f"https://{HOST}/archived/petitions/300239.json",
        f"https://{HOST}/petitions/300239.json",
        f"https://{HOST}/petitions/300239/count.json",
        f"https://{HOST}/petitions/300239/signatures/new",
        f"https://{HOST}/petitions/300239/",
        f"https://{HOST}/petitions/300239?reveal_response=yes",
        f"https://{HOST}/petitions/300239#response-threshold",
        f"<https://{HOST}/petitions/300239>",
        f"https://{HOST}/petitions/300239.",
        f"https://{HOST}/petitions/300239!",
        f"(https://{HOST}/petitions/300239)",
        "https://www.parallelparliament.co.uk/petitions/300239",
        "parallelparliament.co.uk/petitions/300239/release-the-review",
    ],
)
def test_a_petition_is_known_by_its_number_and_by_any_link(text: str) -> None:
    assert find_reference(text, SITES) == GROOMING


@pytest.mark.parametrize(
    "text",
    [
        "",
        "petition",
        "0",
        "0x10",
        "0700009",
        "12345678901",
        "-300239",
        "+300239",
        "300239.5",
        "1,234",
        "300,2390",
        "300, 239",
        "07700 900123",
        "3e5",
        "#0300239",
        "##300239",
        "uk:",
        ":300239",
        "mars:300239",
        "uk:300239:milestone:10000",
        "３００２３９",
        "٣٠٠٢٣٩",
        "3002³",
        "https://example.com/petitions/300239",
        f"https://{HOST}.example.com/petitions/300239",
        f"https://evil{HOST}/petitions/300239",
        f"https://evil-{HOST}/petitions/300239",
        f"https://{HOST}@example.com/petitions/300239",
        f"https://someone@{HOST}/petitions/300239",
        f"https://example.com/{HOST}/petitions/300239",
        f"https://example.com/?u=https://{HOST}/petitions/300239",
        f"https://example.com/https://{HOST}/petitions/300239",
        f"ftp://{HOST}/petitions/300239",
        f"https://{HOST}:8080/petitions/300239",
        f"https://{HOST}/petitions/0300239",
        f"https://{HOST}/petitions/12345678901",
        f"https://{HOST}/petitions/300239abc",
        f"https://{HOST}/petitions/30023٩",
        f"https://{HOST}/petitions/local/aldershot",
        f"https://{HOST}/petitions",
        f"https://{HOST}/help/petitions/300239",
        "https://127.0.0.1/petitions/300239",
    ],
)
def test_what_names_no_petition_is_never_guessed_at(text: str) -> None:
    assert find_reference(text, SITES) is None


def test_a_bare_number_belongs_to_the_first_site() -> None:
    assert find_reference("244400", (SENEDD, UK)) == PetitionRef("senedd", 244_400)


def test_without_sites_nothing_is_known() -> None:
    assert find_reference("300239", ()) is None
    assert find_reference(f"https://{HOST}/petitions/300239", ()) is None


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("senedd:244400", PetitionRef("senedd", 244_400)),
        ("https://petitions.senedd.wales/petitions/244400", PetitionRef("senedd", 244_400)),
        ("https://deisebau.senedd.cymru/petitions/244400", PetitionRef("senedd", 244_400)),
        ("http://127.0.0.1:8081/petitions/7.json", PetitionRef("demo", 7)),
    ],
)
def test_other_sites_have_petitions_too(text: str, ref: PetitionRef) -> None:
    assert find_reference(text, SITES) == ref


def test_a_mirror_is_known_only_with_the_site_it_shows() -> None:
    assert find_link("https://parallelparliament.co.uk/petitions/300239", (SENEDD,)) is None


@pytest.mark.parametrize(
    "text",
    [
        f"Sign this: https://{HOST}/petitions/300239, please",
        f"Sign this:https://{HOST}/petitions/300239 !",
        f"“{HOST}/petitions/300239”",
        f"看https://{HOST}/petitions/300239",
        f"*https://{HOST}/petitions/300239*",
        f"[here](https://{HOST}/petitions/300239)",
        f"https://example.com/petitions/1 and https://{HOST}/petitions/300239",
    ],
)
def test_a_link_is_found_inside_a_longer_text(text: str) -> None:
    assert find_link(text, SITES) == GROOMING


@pytest.mark.parametrize("text", ["300239", "#300239", "uk:300239", "I like 300239 best"])
def test_a_number_is_no_link(text: str) -> None:
    assert find_link(text, SITES) is None


def test_the_first_of_several_links_wins() -> None:
    text = f"https://{HOST}/petitions/300239 https://{HOST}/petitions/5"
    assert find_reference(text, SITES) == GROOMING


@given(st.integers(1, 9_999_999_999))
def test_a_petition_written_as_we_write_it_is_found(number: int) -> None:
    ref = PetitionRef("uk", number)
    assert find_reference(str(ref), SITES) == ref
    assert find_link(f"https://{HOST}/petitions/{number}", SITES) == ref


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    find_reference(text, SITES)
    find_link(f"https://{HOST}/petitions/{text}", SITES)


@pytest.mark.parametrize("flood", ["a" * 50_000, "https://" * 8_000, "a." * 25_000, "1" * 50_000])
def test_a_flood_of_text_is_read_through(flood: str) -> None:
    assert find_reference(flood, SITES) is None
