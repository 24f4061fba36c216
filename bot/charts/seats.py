"""Draws the ten constituencies with the most signatures, in the colours of their MPs' parties."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.charts.canvas import (
    INNER,
    MARGIN,
    MEDIUM,
    SMALL,
    Canvas,
    fitted,
    ink_on,
    source,
    text_width,
    theme,
)
from bot.charts.picture import TOP, Picture, captioned, title, top_places
from bot.messages.format import number, percent
from bot.messages.i18n import many, tr
from bot.messages.petition.parts import place_name
from bot.petitions.petition import Petition, Place

_ROW, _BAR = 106, 46
_UNKNOWN = "#8a919c"

# The colours the parties themselves and broadcasters use; a name is always written beside it.
_COLOURS = {
    "alliance": "#f6cb2f",
    "conservative": "#0087dc",
    "democratic unionist": "#d46a4c",
    "green": "#02a95b",
    "labour": "#e4003b",
    "liberal democrat": "#faa61a",
    "plaid cymru": "#005b54",
    "reform": "#12b6cf",
    "scottish national": "#fdf38e",
    "sinn féin": "#326760",
    "social democratic & labour": "#2aa82c",
    "traditional unionist": "#0c3a6a",
    "ulster unionist": "#48a5ee",
}


class _Row(NamedTuple):
    rank: int
    place: Place
    share: float
    party: str
    yours: bool
    name: str

    def told(self) -> str:
        count = number(self.place.signature_count)
        figures = [f"{self._name()} {count}", percent(self.share, 2), self.party]
        return ", ".join(figure for figure in figures if figure)

    def _name(self) -> str:
        if self.yours:
            return tr("{rank}. {place} (yours)", rank=self.rank, place=self.name)
        return f"{self.rank}. {self.name}"


def constituency_bars(
    petition: Petition, parties: Mapping[str, str], *, dark: bool, highlight: str | None = None
) -> Picture | None:
    """Draw the top ten, and the reader's own beneath them; None without a breakdown.

    `parties` and `highlight`, the reader's own, go by ONS code.
    """
    rows = _rows(petition, parties, highlight)
    if not rows:
        return None
    canvas = Canvas(320 + _ROW * len(rows), theme(dark))
    subtitle = _subtitle(petition, rows)
    y = canvas.heading(title(petition), subtitle)
    y = max(y + 40, 206)
    most = rows[0].place.signature_count
    for row in rows:
        _draw(canvas, y, row, row.place.signature_count / most)
        y += _ROW
    canvas.footer(source(petition.url))
    each = "; ".join(row.told() for row in rows)
    return captioned(
        canvas.png(),
        tr(
            "Constituencies with the most signatures for “{title}”: {places}.",
            title=title(petition),
            places=each,
        ),
        each,
    )


def _rows(petition: Petition, parties: Mapping[str, str], highlight: str | None) -> list[_Row]:
    total = max(1, petition.signature_count)
    return [
        _Row(
            rank,
            p,
            p.signature_count / total,
            parties.get(p.code, ""),
            p.code == highlight,
            place_name(petition, p),
        )
        for rank, p in top_places(petition, highlight)
    ]


def _subtitle(petition: Petition, rows: Sequence[_Row]) -> str:
    first = rows[:TOP]
    share = sum(row.share for row in first)
    return many(
        "Top {count} constituency: {share} of {number} signatures",
        "Top {count} constituencies: {share} of {number} signatures",
        len(first),
        share=percent(share),
        number=number(petition.signature_count),
    )


def colour_of(party: str) -> str:
    """Return a party's colour; grey for one we do not know."""
    name = party.casefold()
    return next((colour for key, colour in _COLOURS.items() if name.startswith(key)), _UNKNOWN)


def _draw(canvas: Canvas, y: float, row: _Row, length: float) -> None:
    """Draw a line with name and figures, and the bar beneath it."""
    colours = canvas.colours
    if row.yours:
        canvas.box(MARGIN - 16, y - 8, INNER + 32, _ROW - 6, facecolor=colours.faint, linewidth=0)
    weight = "bold" if row.yours else "normal"
    figures = f"{number(row.place.signature_count)} · {percent(row.share, 2)}"
    room = INNER - text_width(figures, MEDIUM, bold=True) - 30
    name = f"{row.rank}. {row.name}" + (f" · {tr('yours')}" if row.yours else "")
    (line,) = fitted(name, MEDIUM, room, most=1, bold=row.yours)
    canvas.write(MARGIN, y + 30, line, MEDIUM, weight=weight)
    canvas.write(MARGIN + INNER, y + 30, figures, MEDIUM, weight="bold", ha="right")
    _bar(canvas, y + 44, row.party, max(4.0, INNER * length))


def _bar(canvas: Canvas, y: float, party: str, width: float) -> None:
    """Draw a bar with the party's name in it, or behind it where it is too short."""
    colour = colour_of(party)
    edge = canvas.colours.muted
    canvas.box(MARGIN, y, width, _BAR, facecolor=colour, edgecolor=edge, linewidth=1)
    (label,) = fitted(party or tr("party not known"), SMALL, 500, most=1)
    inside = text_width(label, SMALL) + 28 < width
    x, ink = (14.0, ink_on(colour)) if inside else (width + 12, canvas.colours.ink)
    canvas.write(MARGIN + x, y + 34, label, SMALL, color=ink)
