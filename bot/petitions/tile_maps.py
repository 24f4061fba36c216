"""Chooses the map that a petition's signatures can be shown on, and counts its places (pure)."""

from collections.abc import Sequence

from bot.petitions.parliaments import description_of
from bot.petitions.parliaments.tile_map import Tile, TileMap
from bot.petitions.petition import Petition, Place


def map_of(petition: Petition) -> TileMap | None:
    """Return the first of its parliament's maps that has a place where it was signed, or None."""
    maps = description_of(petition).maps
    return next((each for each in maps if signed_on(each, petition)), None)


def signed_on(on: TileMap, petition: Petition) -> dict[Tile, int]:
    """Return the signatures of each place that the site names and the map has."""
    places = _places(on, petition)
    return {
        tile: max(0, place.signature_count)
        for tile in on.tiles
        for place in places
        if tile.is_called(place.name, place.code)
    }


def shown_on(on: TileMap, petition: Petition) -> list[Tile]:
    """Return the tiles of the map as it was for this petition.

    Where a place was redrawn, two tiles share a spot: the one whose place the site names is shown.
    """
    named = signed_on(on, petition)
    spots = {(tile.column, tile.row): tile for tile in reversed(on.tiles)}
    return list((spots | {(tile.column, tile.row): tile for tile in named}).values())


def _places(on: TileMap, petition: Petition) -> Sequence[Place]:
    match on.area:
        case "constituency":
            return petition.signatures_by_constituency
        case "region" | "parish":
            return petition.signatures_by_region
