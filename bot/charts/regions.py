"""A map of the United Kingdom in tiles: each region's share of the signatures and of the people."""

from collections.abc import Sequence
from math import log2
from typing import NamedTuple

from bot.charts.canvas import MARGIN, SMALL, Canvas, Theme, blend, fitted, ink_on, source, theme
from bot.charts.picture import Picture, captioned, title
from bot.messages.format import decimal, percent
from bot.messages.i18n import many, marked, tr
from bot.messages.petition.parts import FEWEST_ON_A_MAP
from bot.petitions.petition import Petition


class _Region(NamedTuple):
    """A tile: its place in the grid, and the people who live there, in millions."""

    name: str
    column: int
    row: int
    people: float


# Office for National Statistics, "Estimates of the population for the UK, England, Wales,
# Scotland, and Northern Ireland: mid-2023", rounded to a hundred thousand.
REGIONS = (
    _Region("Scotland", 1, 0, 5.5),
    _Region("Northern Ireland", 0, 1, 1.9),
    _Region("North East", 2, 1, 2.7),
    _Region("North West", 1, 2, 7.6),
    _Region("Yorkshire and The Humber", 2, 2, 5.6),
    _Region("Wales", 0, 3, 3.2),
    _Region("West Midlands", 1, 3, 6.1),
    _Region("East Midlands", 2, 3, 4.9),
    _Region("East of England", 3, 3, 6.5),
    _Region("South West", 1, 4, 5.8),
    _Region("London", 2, 4, 8.9),
    _Region("South East", 3, 4, 9.5),
)
# What fits into a tile; the other names fit as they are.
_LABELS = {
    "Scotland": marked("Scotland"),
    "Northern Ireland": marked("N Ireland"),
    "North East": marked("North East"),
    "North West": marked("North West"),
    "Yorkshire and The Humber": marked("Yorks & Humber"),
    "Wales": marked("Wales"),
    "West Midlands": marked("West Midlands"),
    "East Midlands": marked("East Midlands"),
    "East of England": marked("East of England"),
    "South West": marked("South West"),
    "London": marked("London"),
    "South East": marked("South East"),
}
_NAMES = _LABELS | {
    "Northern Ireland": marked("Northern Ireland"),
    "Yorkshire and The Humber": marked("Yorkshire and The Humber"),
}
_TILE, _TALL, _GAP = 240, 196, 8
_INSIDE = 12  # between a tile's edge and its text
# Within a tenth of its share of the people a region is called even.
_EVEN = 0.1
# Below this, twelve shares say more about chance than about regions.
_FEW = 1_000


class _Share(NamedTuple):
    region: _Region
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


def region_map(petition: Petition, *, dark: bool) -> Picture | None:
    """Where signatures come from, against where people live.

    None without a breakdown, and where so few signed that a region's handful would say nothing.
    """
    total = _signed(petition)
    if total < FEWEST_ON_A_MAP:
        return None
    shares = _shares(petition, total)
    canvas = Canvas(1390, theme(dark))
    y = canvas.heading(
        title(petition),
        many(
            "{count} signature in the UK, by region",
            "{count} signatures in the UK, by region",
            total,
        ),
    )
    top = max(y + 24, 200)
    for share in shares:
        _tile(canvas, top, share)
    _key(canvas, top, shares)
    _scale(canvas, top)
    if total < _FEW:
        note = tr("Few signatures, so differences may be chance.")
        canvas.write(MARGIN, canvas.height - 126, note, SMALL)
    people = tr("Population: ONS, mid-2023")
    canvas.write(MARGIN, canvas.height - 78, people, SMALL, color=canvas.colours.muted)
    canvas.footer(source(petition.url))
    each = _each(shares)
    return captioned(canvas.png(), _caption(petition, each, total), each)


def _shares(petition: Petition, total: int) -> list[_Share]:
    """Each region's shares."""
    people = sum(region.people for region in REGIONS)
    counts = _counts(petition)
    return [_Share(r, counts.get(r.name.casefold(), 0) / total, r.people / people) for r in REGIONS]


def _counts(petition: Petition) -> dict[str, int]:
    known = {region.name.casefold() for region in REGIONS}
    named = {p.name.casefold(): p.signature_count for p in petition.signatures_by_region}
    return {name: max(0, count) for name, count in named.items() if name in known}


def _signed(petition: Petition) -> int:
    return sum(_counts(petition).values())


def _colour(ratio: float, colours: Theme) -> str:
    """From half its share (under) over even (plain) to twice its share (over)."""
    strength = max(-1.0, min(1.0, log2(max(ratio, 0.01))))
    end = colours.over if strength > 0 else colours.under
    return blend(blend(colours.paper, colours.faint, 0.6), end, abs(strength) ** 0.7)


def _tile(canvas: Canvas, top: float, share: _Share) -> None:
    region = share.region
    x = MARGIN + region.column * (_TILE + _GAP)
    y = top + region.row * (_TALL + _GAP)
    colour = _colour(share.ratio, canvas.colours)
    ink = ink_on(colour)
    canvas.box(x, y, _TILE, _TALL, facecolor=colour, linewidth=0)
    left, lines = x + _INSIDE, fitted(tr(_LABELS[region.name]), SMALL, _TILE - 2 * _INSIDE, most=2)
    for row, line in enumerate(lines):
        canvas.write(left, y + 38 + 38 * row, line, SMALL, color=ink)
    times = f"{share.sign} {decimal(share.ratio, 2)}×"
    canvas.write(left, y + 130, times, 42, color=ink, weight="bold")
    figures = f"{decimal(100 * share.signed, 1)} / {percent(share.live)}"
    canvas.write(left, y + 176, figures, SMALL, color=ink)


def _key(canvas: Canvas, top: float, shares: Sequence[_Share]) -> None:
    """What stands in the tiles, in the sea to the north-east: the signs that occur."""
    meanings = {
        "▲": tr("▲ more than its share"),
        "▼": tr("▼ fewer than its share"),
        "=": tr("= about its share (±10%)"),
    }
    signs = {share.sign for share in shares}
    told = [meaning for sign, meaning in meanings.items() if sign in signs]
    x, y = MARGIN + 2 * (_TILE + _GAP) + _INSIDE, top + 34
    for text in (*told, tr("signatures / people, in %")):
        (line,) = fitted(text, SMALL, 2 * _TILE + _GAP - 2 * _INSIDE, most=1)
        canvas.write(x, y, line, SMALL)
        y += 46


def _scale(canvas: Canvas, top: float) -> None:
    """The colours, in the sea to the south-west."""
    x, y = float(MARGIN), top + 4 * (_TALL + _GAP) + 96
    steps = 31
    width = (_TILE - _GAP) / steps
    for step in range(steps):
        colour = _colour(2 ** (2 * step / (steps - 1) - 1), canvas.colours)
        canvas.sheet.fill_between(
            [x + step * width, x + (step + 1) * width], y, y + 36, color=colour, linewidth=0
        )
    for share, text in ((0.0, "½×"), (0.5, "1×"), (1.0, "2×")):
        style = {"ha": ("left", "center", "right")[round(share * 2)]}
        canvas.write(x + share * steps * width, y + 76, text, SMALL, **style)


def _each(shares: Sequence[_Share]) -> str:
    """Every region's shares in words, the most signatures for its people first."""
    ordered = sorted(shares, key=lambda share: -share.ratio)
    return "; ".join(
        tr(
            "{region} {signed} of signatures, {live} of population",
            region=tr(_NAMES[share.region.name]),
            signed=percent(share.signed),
            live=percent(share.live),
        )
        for share in ordered
    )


def _caption(petition: Petition, each: str, total: int) -> str:
    map_ = many(
        "UK map for “{title}”: {count} signature. Regions with the most signatures for their "
        "population come first. {regions}.",
        "UK map for “{title}”: {count} signatures. Regions with the most signatures for their "
        "population come first. {regions}.",
        total,
        title=title(petition),
        regions=each,
    )
    if total >= _FEW:
        return map_
    return f"{map_} {tr('Few signatures, so differences may be chance.')}"
