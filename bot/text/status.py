"""How the bot itself is doing, told to whoever asks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.petitions.model import Site
from bot.text.figures import clock, counted, number, span
from bot.text.rich import Message, bold, compose, lines


class SiteHealth(NamedTuple):
    """What is known of a petitions site's side of things.

    `bound` is how old a look may get, `lag` how far back the site dated its freshest answer lately,
    and `quiet_for` how long it is still left alone because it asked for that.
    """

    site: Site
    last_answer: datetime | None
    failing_since: datetime | None
    oldest_look: datetime | None
    requests_last_hour: int
    bound: timedelta | None = None
    lag: timedelta | None = None
    quiet_for: timedelta | None = None


def status(sites: Sequence[SiteHealth], following: int, waiting: int, now: datetime) -> Message:
    """When the sites last answered, how old the oldest look is, and whether alerts wait."""
    rows = [row for health in sites for row in _site(health, now)]
    queue = (
        f"{_capital(counted(waiting, 'alert'))} waiting to be sent."
        if waiting
        else ("No alert is waiting to be sent.")
    )
    return compose(
        *lines(
            bold("How I am doing"),
            "",
            *rows,
            queue,
            f"You follow {counted(following, 'petition')}.",
        )
    )


def _site(health: SiteHealth, now: datetime) -> list[str]:
    name = health.site.name
    if health.failing_since:
        since = clock(health.failing_since, now)
        rows = [f"{name}: not answering since {since}. I keep trying."]
    elif health.last_answer:
        rows = [f"{name}: answered {span(now - health.last_answer)} ago."]
    else:
        rows = [f"{name}: not asked yet."]
    if health.quiet_for:
        rows.append(f"It wants to be left alone for {span(health.quiet_for)} more.")
    if health.oldest_look:
        rows.append(
            f"My oldest look at a followed petition is {span(now - health.oldest_look)} old."
        )
    if health.oldest_look and health.bound:
        rows.append(f"While the site answers, none gets older than {_at_most(health.bound)}.")
    if health.lag is not None:
        rows.append(f"The freshest figures it gave me lately were {span(health.lag)} old.")
    rows.append(f"{number(health.requests_last_hour)} requests to it in the last hour.")
    return rows


def _at_most(value: timedelta) -> str:
    """A length of time that this one does not exceed, in whole minutes or hours."""
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    unit = hour if value > hour else minute
    return span(-(-value // unit) * unit)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
