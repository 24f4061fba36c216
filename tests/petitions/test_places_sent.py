"""Places as sites list them, who sits for them, and what is signed there."""

import json
from datetime import date
from typing import Any

import pytest

from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.parse_places import (
    Constituency,
    Local,
    Member,
    parse_constituencies,
    parse_local,
    parse_parishes,
    slug,
)
from bot.petitions.petition import PetitionRef

UK, SENEDD, SCOTLAND, JERSEY = (
    site_like(name, DESCRIPTIONS[name]) for name in ("uk", "senedd", "scotland", "jersey")
)


def seats(rows: Any) -> tuple[Constituency, ...]:
    return parse_constituencies(json.dumps(rows).encode(), UK)


def test_a_seat_of_the_uk_has_an_mp_or_is_vacant() -> None:
    found = seats(
        {
            "a": {
                "constituency": "Acton",
                "ons_code": "E1",
                "mp": "A. Member",
                "party": "Tea",
                "start_date": "2024-07-04",
                "end_date": "2025-01-01",
            },
            "b": {"constituency": "Barry", "ons_code": "W1", "mp": None, "party": None},
        }
    )
    assert found == (
        Constituency("Acton", "E1", "A. Member", "Tea", date(2024, 7, 4), date(2025, 1, 1)),
        Constituency("Barry", "W1", "", ""),
    )
    assert [seat.is_held for seat in found] == [True, False]
    assert all(seat.is_elected for seat in found)


ONE, TWO = {"name": "A", "party": "Tea"}, {"name": "B", "party": None}


@pytest.mark.parametrize(
    ("sent", "seat"),
    [
        ({"member": ONE}, Constituency("Clwyd", "W9", "A", "Tea")),
        ({"member": None}, Constituency("Clwyd", "W9")),
        ({"members": [ONE]}, Constituency("Clwyd", "W9", "A", "Tea")),
        (
            {"members": [ONE, TWO]},
            Constituency("Clwyd", "W9", members=(Member("A", "Tea"), Member("B"))),
        ),
        ({"members": [ONE, {"name": ""}]}, Constituency("Clwyd", "W9", "A", "Tea")),
        ({"member": TWO, "members": [ONE]}, Constituency("Clwyd", "W9", "B", "")),
        (
            {"member": ONE, "region": {"name": "North", "members": [{"member": TWO}, ONE]}},
            Constituency(
                "Clwyd",
                "W9",
                "A",
                "Tea",
                region="North",
                region_members=(Member("B"), Member("A", "Tea")),
            ),
        ),
        ({"region": {"name": "North"}}, Constituency("Clwyd", "W9", region="North")),
    ],
)
def test_a_sister_sites_seat_is_for_one_or_for_several_and_for_those_of_its_region(
    sent: dict[str, Any], seat: Constituency
) -> None:
    assert seats([{"id": "W9", "name": "Clwyd", **sent}]) == (seat,)
    assert seat.is_held is bool(seat.mp or seat.members)


def test_nobody_is_elected_for_a_parish_that_we_know_of() -> None:
    rows = {"a": {"parish": "St. Helier"}, "b": {"parish": "St. Ouen"}}
    assert parse_parishes(json.dumps(rows).encode(), JERSEY) == (
        Constituency("St. Helier", "st-helier", is_elected=False),
        Constituency("St. Ouen", "st-ouen", is_elected=False),
    )


def test_what_is_signed_somewhere_is_counted_there_and_in_all() -> None:
    row = {"action": "Tea", "state": "open", "total_signature_count": 90}
    rows = [
        {**row, "url": "https://x.uk/petitions/7", "constituency_signature_count": 3},
        {**row, "url": "https://x.uk/petitions/8", "parish_signature_count": 2},
        {**row, "url": "https://x.uk/petitions/9"},
        {**row, "url": "https://x.uk/petitions/PE1234"},
        {**row, "url": "10"},
    ]
    body = json.dumps({"petitions": rows}).encode()
    assert parse_local(body, UK) == tuple(
        Local(PetitionRef("uk", number), "Tea", "open", here, 90)
        for number, here in ((7, 3), (8, 2), (9, 0), (10, 0))
    )
    assert [each.petition.id for each in parse_local(body, SCOTLAND)] == ["PE1234"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Ynys Môn", "ynys-mon"),
        ("St. Helier", "st-helier"),
        ("  (Gŵyr) Abertawe!", "gwyr-abertawe"),
        ("A--B & C2", "a-b-c2"),
        ("", ""),
        ("☕", ""),
    ],
)
def test_a_place_is_so_in_addresses(name: str, said: str) -> None:
    assert slug(name) == said
