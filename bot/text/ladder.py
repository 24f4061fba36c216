"""The milestones of a petition: which were reached, and what comes next."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.petitions.forecast import pace
from bot.petitions.milestones import next_milestone, reached, thresholds
from bot.petitions.model import MilestoneReached, Petition, Reading
from bot.text.figures import counted, day, london_today, moment, number, weekday
from bot.text.petition import title
from bot.text.rich import Message, Rich, bold, compose, italic, lines, row

_OFFICIAL = {"response": "the Government responds", "debate": "considered for debate"}
_FAR = timedelta(days=365)


def ladder(petition: Petition, readings: Sequence[Reading], now: datetime) -> Message:
    """Every rung behind and the next ones ahead, at the pace of the last week if it is known."""
    behind = reached(petition)
    known = pace(petition, readings, now)
    rate = known.life if known.last_7d is None else known.last_7d
    return compose(
        *lines(
            row("🪜 ", bold("Milestones")),
            title(petition),
            "",
            *(_behind(rung, readings) for rung in behind.values()),
            f"{'▸' if petition.is_open else '■'} {number(petition.signature_count)} now",
            *(_ahead(n, petition, rate, now) for n in _coming(petition)),
            None if petition.is_open else italic("It is no longer open for signatures."),
        )
    )


def _coming(petition: Petition) -> list[int]:
    """The next milestone, and the official thresholds not reached yet."""
    if not petition.is_open:
        return []
    official = {n for n in thresholds(petition) if n > petition.signature_count}
    return sorted({next_milestone(petition), *official})


def _behind(rung: MilestoneReached, readings: Sequence[Reading]) -> Rich:
    what = f" — {_OFFICIAL[rung.official]}" if rung.official else ""
    text = f"✓ {number(rung.number)}{what}{_when(rung, readings)}"
    return bold(text) if rung.official else text


def _when(rung: MilestoneReached, readings: Sequence[Reading]) -> str:
    """The site's own time, or the one between two readings of ours."""
    if rung.reached_at:
        return f", {moment(rung.reached_at)}"
    for before, after in pairwise(readings):
        if before.signature_count < rung.number <= after.signature_count:
            return f", by {moment(after.at)}"
    return ""


def _ahead(rung: int, petition: Petition, a_day: float | None, now: datetime) -> Rich:
    official = thresholds(petition).get(rung)
    what = f" — {_OFFICIAL[official]}" if official else ""
    return f"○ {number(rung)}{what}{_forecast(rung, petition, a_day, now)}"


def _forecast(rung: int, petition: Petition, a_day: float | None, now: datetime) -> str:
    missing = f": {number(rung - petition.signature_count)} to go"
    if not a_day or a_day < 1:
        return missing
    wait = timedelta(days=min((rung - petition.signature_count) / a_day, 10_000))
    on = london_today(now + wait)
    if petition.closing_date and on > petition.closing_date:
        return f"{missing}; not before it closes, at this pace"
    if wait < timedelta(days=1):
        return f"{missing}, at this pace within a day"
    when = weekday(on) if wait < timedelta(days=14) else day(on)
    return f"{missing}, at this pace on {when}" if wait < _FAR else missing


def no_milestones(petition: Petition) -> Message:
    """A petition that was never open has none."""
    return compose(
        *lines(title(petition), f"It has {counted(0, 'milestone')}: it was never open to sign.")
    )
