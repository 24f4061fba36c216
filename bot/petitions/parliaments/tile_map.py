"""The places of a parliament as tiles in a grid, and how many people live in each (pure)."""

from typing import Literal

from msgspec import Struct

Area = Literal["region", "constituency", "parish"]


class Tile(Struct, frozen=True):
    """A place; its site calls it by this name, by one of the `other_names`, or by its code.

    `people` are those who live there, 0 where nobody counts them; `short` is what fits in its tile.
    """

    name: str
    column: int
    row: int
    people: int = 0
    code: str = ""
    short: str = ""
    other_names: tuple[str, ...] = ()

    def is_called(self, name: str, code: str) -> bool:
        """Return whether this is the place that a site gives such a name or code."""
        if self.code and code == self.code:
            return True
        return name.casefold() in {each.casefold() for each in (self.name, *self.other_names)}


class TileMap(Struct, frozen=True, kw_only=True):
    """A map of one kind of place.

    `told_as` is a text of how many signatures are on it, and `population` says who counted the
    people, "" where nobody did. `key` and `scale` are the columns and rows of the free places where
    the signs and the colours are explained; names take up to so many `lines`.
    """

    area: Area
    told_as: str
    tiles: tuple[Tile, ...]
    population: str
    key: tuple[int, int]
    scale: tuple[int, int]
    lines: int = 2

    @property
    def rows(self) -> int:
        """The number of rows of the map, including those with the `key` and the `scale`."""
        return 1 + max(self.key[1], self.scale[1], *(tile.row for tile in self.tiles))
