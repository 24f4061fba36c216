"""Draws a map in tiles: each place's share of the signatures, against that of the people."""

from collections.abc import Callable, Sequence
from math import log2
from typing import NamedTuple

from bot.charts.canvas import MARGIN, SMALL, Canvas, Theme, blend, fitted, ink_on, source, theme
from bot.charts.picture import Picture, captioned, title
from bot.messages.format import decimal, number, percent, signatures
from bot.messages.i18n import language, tr
from bot.messages.petition.parts import FEWEST_ON_A_MAP
from bot.petitions.parliaments import description_of
from bot.petitions.parliaments.tile_map import Tile, TileMap
from bot.petitions.petition import Petition
from bot.petitions.tile_maps import map_of, shown_on, signed_on

_TILE, _GAP = 240, 8
_LINE = 38  # from one line of a name to the next
_BENEATH = 48  # from one line beneath the map to the next
_INSIDE = 12  # between a tile's edge and its text
# Within a tenth of its share of the people a place is called even.
_EVEN = 0.1
# Below this, shares say more about chance than about places.
_FEW = 1_000


class _Share(NamedTuple):
    """The signatures of a place (`here`) and its shares, of 1, of signatures and of people.

    `signed` is its share of the signatures, `live` that of the people, 0 where it is not known.
    """

    tile: Tile
    here: int
    signed: float
    live: float

    @property
    def ratio(self) -> float:
        return self.signed / self.live

    @property
    def sign(self) -> str:
        if abs(self.ratio - 1) <= _EVEN:
            return "="
        return "▲" if self.ratio > 1 else "▼"


class _Sheet(NamedTuple):
    """A canvas to draw the map on; `top` is where its first row begins, in pixels."""

    canvas: Canvas
    map: TileMap
    top: float

    @property
    def tall(self) -> float:
        return 120 + _LINE * self.map.lines

    def spot(self, column: int, row: int) -> tuple[float, float]:
        return MARGIN + column * (_TILE + _GAP), self.top + row * (self.tall + _GAP)


def region_map(petition: Petition, *, dark: bool) -> Picture | None:
    """Draw where signatures come from, against where people live, as far as that is known.

    None without a breakdown, and where so few signed that a place's handful would say nothing.
    """
    shown = map_of(petition)
    total = sum(signed_on(shown, petition).values()) if shown else 0
    if shown is None or total < FEWEST_ON_A_MAP:
        return None
    signed, tiles = signed_on(shown, petition), shown_on(shown, petition)
    people = sum(tile.people for tile in tiles) if shown.population else 0
    shares = [
        _Share(
            tile,
            signed.get(tile, 0),
            signed.get(tile, 0) / total,
            tile.people / people if people else 0.0,
        )
        for tile in tiles
    ]
    subtitle = tr(shown.told_as, signatures=signatures(total))
    beneath = [tr("Few signatures, so differences may be chance.")] if total < _FEW else []
    beneath += [tr(shown.population)] if shown.population else []
    tall = shown.rows * (120 + _LINE * shown.lines + _GAP)
    canvas = Canvas(296 + tall + _BENEATH * len(beneath), theme(dark))
    y = canvas.heading(title(petition), subtitle)
    sheet = _Sheet(canvas, shown, max(y + 24, 200))
    called = {share.tile: _name(petition, share.tile) for share in shares}
    colour = _colour_by_people if shown.population else _colour_by_signatures(shares)
    for share in shares:
        _tile(sheet, share, _short(petition, share.tile), colour(share, canvas.colours))
    _key(sheet, shares)
    _scale(sheet, shares)
    for row, line in enumerate(reversed(beneath), start=1):
        y = canvas.height - 30 - _BENEATH * row
        canvas.write(MARGIN, y, line, SMALL, color=canvas.colours.muted)
    canvas.footer(source(petition.url))
    each = _each(shares, called)
    return captioned(canvas.png(), _caption(petition, shown, each, total), each)


def _name(petition: Petition, tile: Tile) -> str:
    """Return a place's name in the reader's language."""
    names = description_of(petition).place_names.get(language(), {})
    return names.get(tile.code) or tr(tile.name)


def _short(petition: Petition, tile: Tile) -> str:
    """Return a place's name as it fits in a tile."""
    whole = _name(petition, tile)
    return tr(tile.short) if tile.short and whole == tr(tile.name) else whole


def _colour_by_people(share: _Share, colours: Theme) -> str:
    """Colour a place from half its share (under) over even (plain) to twice its share (over)."""
    return _colour(share.ratio, colours)


def _colour(ratio: float, colours: Theme) -> str:
    strength = max(-1.0, min(1.0, log2(max(ratio, 0.01))))
    end = colours.over if strength > 0 else colours.under
    return blend(blend(colours.paper, colours.faint, 0.6), end, abs(strength) ** 0.7)


def _colour_by_signatures(shares: Sequence[_Share]) -> Callable[[_Share, Theme], str]:
    """Return what colours a place, from no signatures (plain) to as many as where most signed."""
    most = max(share.signed for share in shares)
    return lambda share, colours: _tinted(share.signed / most, colours)


def _tinted(part: float, colours: Theme) -> str:
    return blend(blend(colours.paper, colours.faint, 0.6), colours.over, part**0.7)


def _tile(sheet: _Sheet, share: _Share, label: str, colour: str) -> None:
    x, y = sheet.spot(share.tile.column, share.tile.row)
    canvas, ink = sheet.canvas, ink_on(colour)
    canvas.box(x, y, _TILE, sheet.tall, facecolor=colour, linewidth=0)
    left = x + _INSIDE
    for row, line in enumerate(
        fitted(label, SMALL, _TILE - 2 * _INSIDE, most=sheet.map.lines), start=1
    ):
        canvas.write(left, y + _LINE * row, line, SMALL, color=ink)
    large, small = _figures(share)
    below = y + sheet.tall
    canvas.write(left, below - 66, large, 42, color=ink, weight="bold")
    canvas.write(left, below - 20, small, SMALL, color=ink)


def _figures(share: _Share) -> tuple[str, str]:
    """Word the two lines of a tile: its ratio and both shares, or its share and its number."""
    if share.live:
        ratio = f"{share.sign} {decimal(share.ratio, 2)}×"
        return ratio, f"{decimal(100 * share.signed, 1)} / {percent(share.live)}"
    return percent(share.signed), number(share.here)


def _key(sheet: _Sheet, shares: Sequence[_Share]) -> None:
    """Write, where there is room, what the figures and the signs in the tiles mean."""
    meanings = {
        "▲": tr("▲ more than its share"),
        "▼": tr("▼ fewer than its share"),
        "=": tr("= about its share (±10%)"),
    }
    if sheet.map.population:
        signs = {share.sign for share in shares}
        told = [meaning for sign, meaning in meanings.items() if sign in signs]
        told.append(tr("signatures / people, in %"))
    else:
        told = [tr("share of the signatures,"), tr("and how many they are")]
    x, y = sheet.spot(*sheet.map.key)
    y += 34
    for text in told:
        (line,) = fitted(text, SMALL, 2 * _TILE + _GAP - 2 * _INSIDE, most=1)
        sheet.canvas.write(x + _INSIDE, y, line, SMALL)
        y += 46


def _scale(sheet: _Sheet, shares: Sequence[_Share]) -> None:
    """Draw the scale of colours, where there is room."""
    x, y = sheet.spot(*sheet.map.scale)
    y += sheet.tall - 100
    canvas, steps = sheet.canvas, 31
    most = percent(max(share.signed for share in shares), 0)
    ends = ("½×", "1×", "2×") if sheet.map.population else ("0%", "", most)
    width = (_TILE - _GAP) / steps
    for step in range(steps):
        part = step / (steps - 1)
        colour = (
            _colour(2 ** (2 * part - 1), canvas.colours)
            if sheet.map.population
            else _tinted(part, canvas.colours)
        )
        canvas.sheet.fill_between(
            [x + step * width, x + (step + 1) * width], y, y + 36, color=colour, linewidth=0
        )
    for share, text in zip((0.0, 0.5, 1.0), ends, strict=True):
        style = {"ha": ("left", "center", "right")[round(share * 2)]}
        canvas.write(x + share * steps * width, y + 76, text, SMALL, **style)


def _each(shares: Sequence[_Share], called: dict[Tile, str]) -> str:
    """Word every place's shares, the most signatures (for its people) first."""
    return "; ".join(
        tr(
            "{region} {signed} of signatures, {live} of population",
            region=called[share.tile],
            signed=percent(share.signed),
            live=percent(share.live),
        )
        if share.live
        else f"{called[share.tile]} {percent(share.signed)}"
        for share in sorted(shares, key=lambda s: -(s.ratio if s.live else s.signed))
    )


def _caption(petition: Petition, shown: TileMap, each: str, total: int) -> str:
    order = (
        tr("Those with the most signatures for their population come first.")
        if shown.population
        else tr("Those with the most signatures come first.")
    )
    told = tr(shown.told_as, signatures=signatures(total))
    map_ = tr(
        "Map for “{title}”: {told}. {order} {places}.",
        title=title(petition),
        told=told,
        order=order,
        places=each,
    )
    if total >= _FEW:
        return map_
    return f"{map_} {tr('Few signatures, so differences may be chance.')}"
