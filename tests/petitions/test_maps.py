"""The maps as they are drawn: which place lies where, who lives there, which map is taken."""

import pytest
from petitions import petition

from bot.petitions.parliaments.maps import (
    JERSEY_PARISHES,
    SCOTTISH_REGIONS,
    SENEDD_CONSTITUENCIES,
    SENEDD_REGIONS,
    UK_REGIONS,
)
from bot.petitions.parliaments.tile_map import Tile, TileMap
from bot.petitions.petition import Petition, Place
from bot.petitions.tile_maps import map_of, shown_on, signed_on

# A line a row; between two bars the first letters of the place that lies in that column, k for
# where the key stands, s for the scale of colours.
DRAWN: dict[str, tuple[TileMap, str]] = {
    "the UK": (
        UK_REGIONS,
        """
        |      |Scotla|key   |      |
        |Northe|      |North |      |
        |      |North |Yorksh|      |
        |Wales |West M|East M|East o|
        |scale |South |London|South |""",
    ),
    "Wales until 2026": (
        SENEDD_REGIONS,
        """
        |      |North |key   |      |
        |Mid an|      |      |      |
        |South |South |South |scale |""",
    ),
    "Wales": (
        SENEDD_CONSTITUENCIES,
        """
        |scale |Bangor|Clwyd |Fflint|
        |      |Gwyned|key   |      |
        |Ceredi|Sir Ga|Bryche|Blaena|
        |Gŵyr A|Afan O|Pontyp|Sir Fy|
        |Pen-y-|Caerdy|Caerdy|Casnew|""",
    ),
    "Scotland": (
        SCOTTISH_REGIONS,
        """
        |Highla|North |key   |      |
        |      |Mid Sc|      |      |
        |West S|Glasgo|Centra|Lothia|
        |      |South |      |scale |""",
    ),
    "Jersey": (
        JERSEY_PARISHES,
        """
        |St. Ou|St. Ma|St. Jo|Trinit|
        |St. Pe|St. La|St. Sa|St. Ma|
        |St. Br|St. He|St. Cl|Grouvi|
        |key   |      |      |scale |""",
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_each_place_lies_where_it_is_drawn(name: str) -> None:
    drawn, lines = DRAWN[name]
    spots = {(tile.column, tile.row): tile.name for tile in reversed(drawn.tiles)}
    assert len(spots) == len({*spots, drawn.key, drawn.scale}) - 2
    spots |= {drawn.key: "key", drawn.scale: "scale"}
    rows = [
        "|" + "|".join(f"{spots.get((column, row), '')[:6]:6}" for column in range(4)) + "|"
        for row in range(drawn.rows)
    ]
    assert rows == [line.strip() for line in lines.strip().splitlines()]


@pytest.mark.parametrize(
    ("drawn", "people"),
    [
        (
            UK_REGIONS,
            "5500000 1900000 2700000 7600000 5600000 3200000 6100000 4900000 6500000 5800000"
            " 8900000 9500000",
        ),
        (SENEDD_REGIONS, "637828 581450 553400 725711 654490"),
        (
            SENEDD_CONSTITUENCIES,
            "163460 198297 204672 195838 198360 190800 194514 192579 211891 194083 205358 189049"
            " 194600 212885 220137 220058",
        ),
        (SCOTTISH_REGIONS, "0 0 0 0 0 0 0 0 0 0"),
        (
            JERSEY_PARISHES,
            "4206 1818 3051 3355 5264 5561 13904 3948 11012 35822 9925 5401",
        ),
    ],
)
def test_as_many_people_live_in_each_place_as_were_counted(drawn: TileMap, people: str) -> None:
    assert [str(tile.people) for tile in drawn.tiles] == people.split()
    assert bool(drawn.population) == ("0 0" not in people)


def test_all_who_live_on_a_map_are_those_who_live_in_the_country() -> None:
    told = [
        sum(tile.people for tile in drawn.tiles)
        for drawn in (UK_REGIONS, SENEDD_REGIONS, SENEDD_CONSTITUENCIES, JERSEY_PARISHES)
    ]
    assert told == [68_200_000, 3_152_879, 3_186_581, 103_267]


def test_the_names_of_wales_and_scotland_take_up_to_three_lines_and_the_others_two() -> None:
    assert [drawn.lines for drawn, _ in DRAWN.values()] == [2, 3, 3, 3, 2]


def test_a_map_has_as_many_rows_as_its_lowest_tile_key_or_scale_takes() -> None:
    def rows(tile: int, key: int, scale: int) -> int:
        tiles = (Tile("a", 0, tile), Tile("b", 0, 0))
        return TileMap(
            area="region", told_as="", tiles=tiles, population="", key=(9, key), scale=(9, scale)
        ).rows

    assert [rows(2, 0, 1), rows(0, 2, 1), rows(1, 0, 2), rows(0, 0, 0)] == [3, 3, 3, 1]


@pytest.mark.parametrize(
    ("name", "code", "is_so"),
    [
        ("Ynys Môn", "", True),
        ("YNYS MÔN", "x", True),
        ("Anglesey", "", True),
        ("anglesey", "W2", True),
        ("Elsewhere", "W1", True),
        ("Elsewhere", "", False),
        ("Elsewhere", "W2", False),
        ("", "W1", True),
    ],
)
def test_a_place_is_known_by_its_code_or_any_of_its_names(
    name: str, code: str, is_so: bool
) -> None:
    assert (
        Tile("Ynys Môn", 0, 0, code="W1", other_names=("Anglesey",)).is_called(name, code) == is_so
    )


def test_a_place_without_a_code_is_not_every_place_without_one() -> None:
    plain = Tile("Wales", 0, 0)
    assert not plain.is_called("England", "")
    assert (plain.people, plain.short, plain.other_names) == (0, "", ())


def welsh(**places: tuple[Place, ...]) -> Petition:
    return petition(url="https://petitions.senedd.wales/petitions/1", **places)


def test_the_first_map_that_has_any_of_the_places_is_taken() -> None:
    region = (Place("North Wales", "W10000001", 4),)
    seat = (Place("Clwyd", "W09000056", 3),)
    assert map_of(welsh(signatures_by_region=region)) is SENEDD_REGIONS
    assert map_of(welsh(signatures_by_constituency=seat)) is SENEDD_CONSTITUENCIES
    both = welsh(signatures_by_region=region, signatures_by_constituency=seat)
    assert map_of(both) is SENEDD_REGIONS
    assert map_of(welsh()) is None
    parish = (Place("St. Helier", "st-helier", 2),)
    jersey = petition(url="https://petitions.gov.je/petitions/1", signatures_by_region=parish)
    assert map_of(jersey) is JERSEY_PARISHES


def test_who_signed_is_counted_by_place_and_never_less_than_none() -> None:
    told = petition(
        signatures_by_region=(
            Place("Wales", "", 3),
            Place("london", "", -2),
            Place("Atlantis", "", 9),
        )
    )
    counts = {tile.name: count for tile, count in signed_on(UK_REGIONS, told).items()}
    assert counts == {"Wales": 3, "London": 0}


def test_of_two_places_on_a_spot_that_is_shown_which_the_site_names() -> None:
    def lothian(*names: str) -> set[str]:
        places = tuple(Place(name, "", 1) for name in names)
        shown = shown_on(SCOTTISH_REGIONS, petition(signatures_by_region=places))
        assert len(shown) == 8
        return {tile.name for tile in shown if "Lothian" in tile.name or "Central" in tile.name}

    new = ("Central Scotland and Lothians West", "Edinburgh and Lothians East")
    assert lothian(*new) == set(new)
    assert lothian("Glasgow") == {"Central Scotland", "Lothian"}
    assert lothian("Lothian", new[0]) == {"Lothian", new[0]}
