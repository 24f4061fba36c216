"""Every picture by its name, for the drawing process."""

from collections.abc import Callable, Mapping

from bot.charts.curve import signature_curve
from bot.charts.picture import Picture
from bot.charts.regions import region_map
from bot.charts.seats import constituency_bars

DRAWINGS: Mapping[str, Callable[..., Picture | None]] = {
    "curve": signature_curve,
    "map": region_map,
    "bars": constituency_bars,
}
