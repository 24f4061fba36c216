"""How the bot itself is doing, told to whoever asks."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from bot.petitions.model import Site
from bot.text.figures import clock, counted, number, span
from bot.text.rich import Message, bold, compose, lines


class SiteHealth(NamedTuple):
    """What is known of a petitions site's side of things."""

    site: Site
    last_answer: datetime | None
    failing_since: datetime | None
    oldest_look: datetime | None
    requests_last_hour: int


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
    if health.oldest_look:
        rows.append(
            f"My oldest look at a followed petition is {span(now - health.oldest_look)} old."
        )
    rows.append(f"{number(health.requests_last_hour)} requests to it in the last hour.")
    return rows


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
