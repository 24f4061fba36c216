"""The records of how the petitions sites answer, for `/status`, health and the log (pure)."""

from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from bot.petitions.petition import Site


class SiteHealth(NamedTuple):
    """The state of a petitions site, as the checks of it have found it.

    `oldest_look` is when the petition read longest ago was read, and `bound` how old such a reading
    may get. `lag` is how far back the site dated its freshest answer lately, and `quiet_for` how
    long it is still left alone because it asked for that. `reason` says in the log's words how it
    failed last, "" if it did not. `works_like` is the id of the described site that it answers
    like, where that is not the one it is set up as.
    """

    site: Site
    last_answer: datetime | None
    failing_since: datetime | None
    oldest_look: datetime | None
    requests_last_hour: int
    bound: timedelta | None = None
    lag: timedelta | None = None
    quiet_for: timedelta | None = None
    reason: str = ""
    works_like: str = ""


class StatusReport(Struct, frozen=True):
    """The state of the sites at an instant; no sites if unknown, or too long ago to tell."""

    at: datetime | None = None
    sites: tuple[SiteHealth, ...] = ()
