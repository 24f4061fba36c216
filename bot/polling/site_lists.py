"""The lists of a site that polling reads, and where in them a petition stands (pure)."""

from bisect import bisect_left
from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from msgspec import Struct

from bot.petitions.parliaments.description import SiteDescription

# Seconds between two looks at a list for what is unknown, at sixty requests a minute.
_PERIOD_OF_NEWEST, _PERIOD_OF_TRENDING = 60.0, 120.0
_PERIOD_OF_OPEN, _PERIOD_OF_NEWS = 1800.0, 300.0


# No site has so many open petitions: a list that is longer has no end.
MOST_PAGES = 2_000


class ListPage(Struct, frozen=True):
    """A page of a list, its petitions in the list's own order; `number` counts from 1."""

    facet: str
    number: int = 1


TRENDING = ListPage("trending")


class SiteLists(NamedTuple):
    """The lists of a site that are read, by its own names; None for what it has no list of.

    `news` are the pages that tell of what `Hazards.of_news` is about, in its order. Only where the
    open list goes `by_signatures` can it be said on which of its pages a petition stands.
    """

    open: str
    newest: ListPage | None
    trending: ListPage | None
    news: tuple[ListPage | None, ...]
    by_signatures: bool

    @classmethod
    def of(cls, description: SiteDescription) -> "SiteLists":
        """Return the lists that a site's description names."""
        lists = description.lists
        told = (lists.responded, lists.debate_dates, lists.debated, lists.referred, lists.ended)
        return cls(
            lists.open,
            ListPage(lists.newest) if lists.newest else None,
            TRENDING if description.has("trending") else None,
            tuple(ListPage(facet) if facet else None for facet in told),
            lists.open_by_signatures,
        )

    def period(self, page: ListPage) -> float:
        """Return the seconds between two looks at a list for what is unknown."""
        if page == self.newest:
            return _PERIOD_OF_NEWEST
        if page == self.trending:
            return _PERIOD_OF_TRENDING
        return _PERIOD_OF_OPEN if page.facet == self.open else _PERIOD_OF_NEWS


class PageSeen(NamedTuple):
    """The time when a page was last read, and the counts it began and ended with."""

    at: float
    top: int
    bottom: int


class Places:
    """The places of counts in the open list, most signed first, by the pages read so far."""

    def __init__(self, pages: Mapping[ListPage, PageSeen], facet: str) -> None:
        self._facet = facet
        read = sorted((p.number, seen) for p, seen in pages.items() if p.facet == facet)
        self._numbers = [number for number, _ in read]
        self._seen = [seen for _, seen in read]
        self._bottoms = [-seen.bottom for seen in self._seen]
        self._found: dict[int, tuple[ListPage, float]] = {}

    def of(self, count: int) -> tuple[ListPage, float]:
        """Return the page a count most likely stands on, and when that was read (`-inf`: never)."""
        if count not in self._found:
            self._found[count] = self._look_up(count)
        return self._found[count]

    def _look_up(self, count: int) -> tuple[ListPage, float]:
        """Find the first page that reaches down to a count, or one halfway if pages are unread."""
        index = bisect_left(self._bottoms, -count)
        before = self._numbers[index - 1] if index else 0
        if index == len(self._numbers):
            return ListPage(self._facet, min(before + 1 + before // 2, MOST_PAGES)), -inf
        number, seen = self._numbers[index], self._seen[index]
        if count > seen.top and number - before > 1:
            return ListPage(self._facet, (before + number) // 2), -inf
        return ListPage(self._facet, number), seen.at

    def is_sure(self, count: int, page: ListPage) -> bool:
        """Return whether a count stood well within a page when that was last read."""
        if page.number not in self._numbers:
            return False
        seen = self._seen[self._numbers.index(page.number)]
        return seen.bottom < count < seen.top
