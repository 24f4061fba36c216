"""A sheet of pixels to write and draw on: colours, sizes, and text that cannot break a picture.

Coordinates are pixels from the top left. One point is one pixel, so a size is a height in pixels;
nothing is smaller than `SMALL`, which in a chat bubble 310 points wide is 9 points high.
"""

import unicodedata
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font
from matplotlib.patches import FancyBboxPatch
from numpy import asarray
from PIL import Image

WIDTH = 1080
MARGIN = 48
INNER = WIDTH - 2 * MARGIN
SMALL, MEDIUM, LARGE, TITLE = 32, 33, 36, 42
FONT = "DejaVu Sans"  # comes with matplotlib


class Theme(NamedTuple):
    """Colours told apart by readers of any colour vision, on light paper or dark."""

    paper: str
    ink: str
    muted: str
    faint: str
    line: str
    threshold: str
    over: str
    under: str


LIGHT = Theme(
    "#ffffff", "#14181f", "#4d5563", "#d9dde3", "#0b5fa5", "#a8480a", "#e0781e", "#3f7fc4"
)
DARK = Theme("#12161d", "#f2f4f7", "#b9c0cb", "#39414d", "#62b5ff", "#ffb454", "#c9620c", "#2f6fb5")


def theme(dark: bool) -> Theme:
    """Return the colours for a reader's screen."""
    return DARK if dark else LIGHT


class Canvas:
    """One picture in the making."""

    def __init__(self, height: int, colours: Theme) -> None:

        self.height = height
        self.colours = colours
        self.figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, facecolor=colours.paper)
        self._painter: Any = FigureCanvasAgg(self.figure)
        self.sheet = self.axes(0, 0, WIDTH, height)
        self.sheet.set_axis_off()
        self.sheet.set(xlim=(0, WIDTH), ylim=(height, 0))

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return a plot in a rectangle of the sheet, in pixels."""
        bottom = self.height - top - height
        return self.figure.add_axes(
            (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height),
            facecolor="none",
        )

    def write(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Write a line whose baseline's left end is at x, y, unless the style aligns it."""
        write(self.sheet, x, y, text, size, **{"color": self.colours.ink} | style)

    def box(self, x: float, y: float, width: float, height: float, **style: Any) -> None:
        """Draw a filled rectangle with slightly rounded corners."""

        round_ = "round,pad=0,rounding_size=" + str(min(8, width / 2, height / 2))
        self.sheet.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=round_, **style))

    def heading(self, title: str, subtitle: str) -> float:
        """Write a title in up to two lines and a subtitle; return where they end, in pixels."""
        y = float(MARGIN)
        for line in fitted(title, TITLE, INNER, most=2, bold=True):
            y += TITLE
            self.write(MARGIN, y, line, TITLE, weight="bold")
            y += 10
        y += LARGE + 4
        (line,) = fitted(subtitle, LARGE, INNER, most=1) or [""]
        self.write(MARGIN, y, line, LARGE, color=self.colours.muted)
        return y + 12

    def footer(self, text: str) -> None:
        """Write the source of the figures, small, at the bottom."""
        (line,) = fitted(text, SMALL, INNER, most=1) or [""]
        self.write(MARGIN, self.height - 30, line, SMALL, color=self.colours.muted)

    def png(self) -> bytes:
        """Return the picture in the colours of one palette: half the bytes, and none is missed."""
        self._painter.draw()
        drawn = Image.fromarray(asarray(self._painter.buffer_rgba())).convert("RGB")
        out = BytesIO()
        # This comes closest to every colour there is, and faster than a method that weighs them.
        palette = drawn.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        palette.save(out, format="png", compress_level=6)
        return out.getvalue()


def write(axes: Axes, x: Any, y: Any, text: str, size: float, **style: Any) -> None:
    """Write text on axes as it is: a dollar is a dollar, not the start of a formula."""
    axes.text(x, y, drawable(text), fontsize=size, family=FONT, parse_math=False, **style)


def drawable(text: str) -> str:
    """Return a text without what the font cannot show and what turns the writing direction."""
    known = _known_characters()
    kept = (c for c in " ".join(text.split()) if ord(c) in known)
    return "".join(c for c in kept if unicodedata.category(c) not in {"Cc", "Cf"}).strip()


def fitted(text: str, size: float, width: float, *, most: int, bold: bool = False) -> list[str]:
    """Return a text in at most `most` lines no wider than `width` pixels, cut with an ellipsis."""
    lines: list[str] = []
    rest = drawable(text)
    while rest and len(lines) < most:
        line = _first_line(rest, size, width, bold)
        rest = rest[len(line) :].strip()
        lines.append(line.strip())
    if rest:
        lines[-1] = _cut(lines[-1], size, width, bold)
    return lines


def _first_line(text: str, size: float, width: float, bold: bool) -> str:
    """Return as many words as fit, or of a word too long for a line its parts or characters."""
    words = text.split(" ")
    for count in range(min(len(words), 60), 0, -1):
        line = " ".join(words[:count])
        if text_width(line, size, bold) <= width:
            return line
    word = words[0][:200]
    while len(word) > 1 and text_width(word, size, bold) > width:
        word = word[:-1]
    whole, hyphen, _ = word.rpartition("-")
    return whole + hyphen or word


def _cut(line: str, size: float, width: float, bold: bool) -> str:
    while line and text_width(line + "…", size, bold) > width:
        line = line[:-1]
    return line.rstrip() + "…"


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return a text's width in pixels, from end to end."""
    font = _font(bold)
    font.set_size(size, 72)
    font.set_text(text)
    return float(font.get_width_height()[0]) / 64


@lru_cache(maxsize=2)
def _font(bold: bool) -> Any:

    return FT2Font(findfont(FontProperties(family=FONT, weight="bold" if bold else "normal")))


@lru_cache(maxsize=1)
def _known_characters() -> frozenset[int]:
    return frozenset(_font(False).get_charmap()) & frozenset(_font(True).get_charmap())


def blend(colour: str, other: str, share: float) -> str:
    """Return the colour at a share (0 to 1) of the way from one colour to another."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def ink_on(colour: str) -> str:
    """Return black or white, whichever reads better on a colour."""
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    # Relative luminance of WCAG 2; 0.179 is where both contrasts are equal.
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def source(url: str) -> str:
    """Return a page's address as people read it."""
    return url.removeprefix("https://").removeprefix("http://").removeprefix("www.")
