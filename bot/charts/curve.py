"""Draws the signature curve: what was read, what the petition's dates tell, what may come."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from babel.dates import format_date
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bot.charts.canvas import (
    INNER,
    MARGIN,
    MEDIUM,
    SMALL,
    WIDTH,
    Canvas,
    fitted,
    source,
    theme,
    write,
)
from bot.charts.picture import Picture, captioned, title
from bot.local_time import LONDON_ZONE
from bot.messages.format import day, decimal, number, signatures
from bot.messages.i18n import ENGLISH, language, locale, marked, tr
from bot.messages.petition.institutions import response_title
from bot.messages.petition.parts import state_name
from bot.petitions.forecast import Estimate, closes_at, estimates, told_by_itself
from bot.petitions.petition import Petition, Reading
from bot.petitions.thresholds import thresholds

_AXIS = 158  # for the numbers beside the plot
_PLOT = 620
_ROW = 48
_LEGEND = 84  # where the legend's words begin, behind its strokes
_FORECAST_POINTS = 40
_STROKES: dict[str, Any] = {
    "read": {"linewidth": 6, "solid_capstyle": "round"},
    "own": {"linewidth": 5, "dashes": (2, 1.2)},
    "ahead": {"linewidth": 3, "dashes": (1, 1.5)},
}


class _Event(NamedTuple):
    at: datetime
    name: str
    response: str = ""

    def told(self) -> str:
        return tr(self.name, day=day(self.at), response=self.response)


class _Parts(NamedTuple):
    """All that is on the picture, before it is drawn.

    `own` are the counts that the petition's own dates tell, `read` those that the bot has read, and
    `ahead` what is expected; `top` is the highest count on the plot.
    """

    own: Sequence[Reading]
    read: Sequence[Reading]
    times: Sequence[datetime]
    ahead: Sequence[Estimate]
    events: Sequence[_Event]
    begins: datetime
    ends: datetime
    top: float


def signature_curve(
    petition: Petition, readings: Sequence[Reading], now: datetime, *, dark: bool
) -> Picture | None:
    """Draw signatures over time, with thresholds and what happened; None if it never opened."""
    parts = _parts(petition, readings, now)
    if parts is None:
        return None
    keys = list(_keys(petition, parts))
    told = [event.told() for event in parts.events]
    rows = sum(len(_wrapped(text)) for text in (*(text for _, text in keys), *told))
    canvas = Canvas(max(WIDTH, 440 + _PLOT + rows * _ROW), theme(dark))
    y = canvas.heading(title(petition), signatures(petition.signature_count))
    axes = canvas.axes(MARGIN + _AXIS, y + 46, INNER - _AXIS, _PLOT)
    _frame(axes, canvas, parts)
    _thresholds(axes, canvas, petition, parts)
    _lines(axes, canvas, parts)
    _flags(axes, canvas, parts)
    _legend(canvas, y + 46 + _PLOT + 138, keys, told)
    canvas.footer(f"{source(petition.url)} · {day(now)}")
    said, *figures = _caption(petition, parts)
    return captioned(canvas.png(), " ".join((said, *figures)), " ".join(figures))


# --- what there is to show -----------------------------------------------------------------------


def _parts(petition: Petition, readings: Sequence[Reading], now: datetime) -> _Parts | None:
    own = told_by_itself(petition, now)
    if not own:
        return None
    last = own[-1]
    seen = sorted((r for r in readings if r.at < last.at), key=lambda reading: reading.at)
    if seen:
        before = [point for point in own[:-1] if point.at < seen[0].at]
        own, seen = [*before, seen[0]], [*seen, last]
    closing = closes_at(petition) if petition.is_open else None
    times = _between(now, closing) if closing and closing > now else []
    ahead = estimates(petition, readings, now, times)
    events = sorted(_events(petition, closing))
    ends = max([last.at, *(event.at for event in events), own[0].at + timedelta(hours=1)])
    return _Parts(own, seen, times, ahead, events, own[0].at, ends, _top(petition, seen, ahead))


def _between(now: datetime, until: datetime) -> list[datetime]:
    step = (until - now) / _FORECAST_POINTS
    return [now + step * n for n in range(_FORECAST_POINTS + 1)]


def _top(petition: Petition, seen: Sequence[Reading], ahead: Sequence[Estimate]) -> float:
    """Return the highest count on the plot; a range far above what is expected runs out of it."""
    most = max([petition.signature_count, 10, *(reading.signature_count for reading in seen)])
    if ahead:
        most = max(most, min(ahead[-1].high, 2 * ahead[-1].count))
    numbers = thresholds(petition)
    near = [n for n in numbers if n and most < n <= 1.3 * most]
    return 1.1 * max([most, *near])


def _events(petition: Petition, closing: datetime | None) -> Iterator[_Event]:
    if petition.government_response and petition.government_response_at:
        yield _Event(
            petition.government_response_at, marked("{response} {day}"), response_title(petition)
        )
    debate = petition.debate
    if debate and debate.debated_on:
        yield _Event(_noon(debate.debated_on), marked("Debated {day}"))
    elif debate is None and petition.scheduled_debate_date:
        yield _Event(_noon(petition.scheduled_debate_date), marked("Debate on {day}"))
    if closing:
        # The closing instant is the midnight after the last day.
        yield _Event(closing - timedelta(seconds=1), marked("Closes {day}"))
    elif petition.closed_at and not petition.is_open:
        yield _Event(petition.closed_at, marked("Closed {day}"))


def _noon(value: date) -> datetime:
    return datetime.combine(value, time(12), LONDON_ZONE)


# --- drawing -------------------------------------------------------------------------------------


def _frame(axes: Axes, canvas: Canvas, parts: _Parts) -> None:
    """Draw faint lines across, dates below, numbers beside."""

    margin = (parts.ends - parts.begins) * 0.02
    axes.set_xlim(_x(parts.begins - margin), _x(parts.ends + margin))
    axes.set_ylim(0, parts.top)
    locator = AutoDateLocator(tz=LONDON_ZONE, minticks=3, maxticks=5)  # type: ignore[no-untyped-call]
    formats = ["%Y", "%b", "%-d %b", "%H:%M", "%H:%M", "%H:%M"]
    starts = ["", "%b\n%Y", "%-d %b", "%-d %b", "%H:%M", "%H:%M"]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        _Dates(  # type: ignore[no-untyped-call]
            locator, tz=LONDON_ZONE, formats=formats, zero_formats=starts, show_offset=False
        )
    )
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value, parts.top)))
    _dress(axes, canvas)


class _Dates(ConciseDateFormatter):
    """Words the dates below the plot, months by their names in the reader's language."""

    def format_ticks(self, values: Any) -> list[str]:
        return [_MONTHS.sub(_month, label) for label in super().format_ticks(values)]  # type: ignore[no-untyped-call]


_SHORT = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = re.compile("|".join(_SHORT))


def _month(found: re.Match[str]) -> str:
    if language() == ENGLISH:
        return found[0]
    return format_date(date(2000, _SHORT.index(found[0]) + 1, 1), "LLL", locale=locale())


def _dress(axes: Axes, canvas: Canvas) -> None:
    colours = canvas.colours
    axes.grid(axis="y", color=colours.faint, linewidth=1.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set(color=colours.muted, linewidth=2)
    axes.tick_params(axis="y", length=0, pad=12)
    axes.tick_params(axis="x", length=8, width=2, color=colours.muted, pad=8)
    axes.tick_params(labelsize=SMALL, labelcolor=colours.muted, labelfontfamily="DejaVu Sans")


def _short(value: float, top: float) -> str:
    if top < 1_000_000:
        return number(value)
    if not value:
        return "0"
    return tr("{number}m", number=decimal(value / 1_000_000).removesuffix(".0"))


def _thresholds(axes: Axes, canvas: Canvas, petition: Petition, parts: _Parts) -> None:
    """Draw lines at the official thresholds that can be told from the bottom of the plot."""
    colour = canvas.colours.threshold
    named = (
        (petition.response_threshold, marked("{threshold}: response")),
        (petition.referral_threshold, marked("{threshold}: committee")),
        (petition.debate_threshold, marked("{threshold}: debate")),
    )
    for at, name in named:
        if at and 0.03 * parts.top < at < parts.top:
            axes.axhline(at, color=colour, linewidth=2.5, dashes=(5, 3))
            write(
                axes,
                _x(parts.ends),
                at + parts.top * 0.018,
                tr(name, threshold=number(at)),
                SMALL,
                color=colour,
                ha="right",
                bbox={"facecolor": canvas.colours.paper, "edgecolor": "none", "pad": 2},
                zorder=5,
            )


def _lines(axes: Axes, canvas: Canvas, parts: _Parts) -> None:
    colour = canvas.colours.line
    axes.plot(*_xy(parts.own), color=colour, **_STROKES["own"], zorder=3)
    axes.plot(*_xy(parts.read), color=colour, **_STROKES["read"], zorder=4)
    marked = parts.own if not parts.read else parts.own[1:-1]
    axes.plot(*_xy(marked), "o", color=colour, markersize=11, zorder=4, clip_on=False)
    last = (parts.read or parts.own)[-1:]
    axes.plot(*_xy(last), "o", color=colour, markersize=18, zorder=6, clip_on=False)
    if parts.ahead:
        times = [_x(at) for at in parts.times]
        lows, highs = [e.low for e in parts.ahead], [e.high for e in parts.ahead]
        axes.fill_between(times, lows, highs, color=colour, alpha=0.2, linewidth=0, zorder=2)
        counts = [e.count for e in parts.ahead]
        axes.plot(times, counts, color=colour, **_STROKES["ahead"], zorder=3)


def _xy(points: Sequence[Reading]) -> tuple[list[float], list[int]]:
    return [_x(point.at) for point in points], [point.signature_count for point in points]


def _x(at: datetime) -> float:
    """Return an instant as matplotlib's date axis counts it: in days since 1970."""
    return at.timestamp() / 86_400


def _flags(axes: Axes, canvas: Canvas, parts: _Parts) -> None:
    """Draw a numbered post at each event; the numbers are told below, so that no names collide."""

    width = (parts.ends - parts.begins) * 0.06
    taken: list[tuple[datetime, int]] = []
    for place, event in enumerate(parts.events, 1):
        near = [row for at, row in taken if abs(at - event.at) < width]
        row = next(row for row in range(len(near) + 1) if row not in near)
        taken.append((event.at, row))
        axes.axvline(_x(event.at), color=canvas.colours.muted, linewidth=1.2, zorder=1)
        _number(axes, canvas, _x(event.at), parts.top * (1.0 - 0.075 * row), place)


def _number(axes: Axes, canvas: Canvas, x: float, y: float, place: int) -> None:
    ball = {"boxstyle": "circle,pad=0.25", "facecolor": canvas.colours.ink, "edgecolor": "none"}
    style = {"color": canvas.colours.paper, "weight": "bold", "ha": "center", "va": "center"}
    write(axes, x, y, str(place), SMALL, bbox=ball, zorder=7, **style)


def _keys(petition: Petition, parts: _Parts) -> Iterator[tuple[str, str]]:
    if parts.read:
        yield "read", tr("Recorded by this bot since {day}", day=day(parts.read[0].at))
    if len(parts.own) > 1:
        yield "own", tr("Estimated between known dates")
    if parts.ahead:
        end = parts.ahead[-1]
        low, high = number(end.low), number(end.high)
        if end.high <= parts.top:
            yield "ahead", tr("Likely total at closing: {low} to {high}", low=low, high=high)
        else:
            yield (
                "ahead",
                tr(
                    "Likely total at closing: {low} to {high}, beyond the top of this chart",
                    low=low,
                    high=high,
                ),
            )


def _legend(
    canvas: Canvas, y: float, keys: Sequence[tuple[str, str]], events: Sequence[str]
) -> None:
    left, colour = MARGIN, canvas.colours.line
    for kind, text in keys:
        middle = y - 11
        if kind == "ahead":
            canvas.box(left, middle - 16, 64, 32, facecolor=colour, alpha=0.2, linewidth=0)
        canvas.sheet.plot([left, left + 64], [middle] * 2, color=colour, **_STROKES[kind])
        y = _told(canvas, y, text)
    for place, text in enumerate(events, 1):
        _number(canvas.sheet, canvas, left + 32, y - 11, place)
        y = _told(canvas, y, text)


def _told(canvas: Canvas, y: float, text: str) -> float:
    """Write a row of the legend; return where the next one goes."""
    for line in _wrapped(text):
        canvas.write(MARGIN + _LEGEND, y, line, MEDIUM)
        y += _ROW
    return y


def _wrapped(text: str) -> list[str]:
    return fitted(text, MEDIUM, INNER - _LEGEND, most=2)


# --- in words ------------------------------------------------------------------------------------


def _caption(petition: Petition, parts: _Parts) -> list[str]:
    """Word what the picture is, and then its figures."""
    told = [
        tr(
            "Chart of signatures for “{title}”: {signatures} by {day}, {state}.",
            title=title(petition),
            signatures=signatures(petition.signature_count),
            day=day((parts.read or parts.own)[-1].at),
            state=state_name(petition),
        ),
        tr("Opened {day}.", day=day(parts.begins)),
        *(
            tr("{number} on {day}.", number=number(point.signature_count), day=day(point.at))
            for point in parts.own[1:-1]
        ),
        *(f"{event.told()}." for event in parts.events),
    ]
    return [*told, *_read_how(parts)]


def _read_how(parts: _Parts) -> Iterator[str]:
    """Word what is foreseen, and what each kind of line says."""
    if parts.ahead:
        end = parts.ahead[-1]
        yield tr(
            "At this pace it will close at about {number}, with a 4 in 5 chance of {low} to "
            "{high}.",
            number=number(end.count),
            low=number(end.low),
            high=number(end.high),
        )
    if parts.read:
        since = day(parts.read[0].at)
        yield tr("Solid line: recorded by this bot since {day}.", day=since)
    if len(parts.own) > 1:
        yield tr("Dashed line: estimated between known dates.")
