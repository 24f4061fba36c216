"""Functional core: the petitions that a list shows, their order, and the links around a page."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from bot.local_time import LONDON_ZONE

PAGE_SIZE = 25
BIGGEST_PAGE = 50

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    id: int
    attributes: Attributes
    today: date

    def get(self, name: str) -> Any:
        return self.attributes.get(name)

    def text(self, name: str) -> str:
        return str(self.get(name) or "")

    @property
    def response_state(self) -> str:
        if self.get("government_response"):
            return "responded"
        return "awaiting" if self.get("response_threshold_reached_at") else "pending"

    @property
    def debate_state(self) -> str:
        return debate_state(self.attributes, self.today)


def debate_state(attributes: Attributes, today: date) -> str:
    """Return the state behind the `debated` list, which the site's JSON does not show.

    `today` is London's date: a scheduled debate counts as held from the day after.
    """
    debate = attributes.get("debate")
    if debate:
        return "debated" if debate.get("debated_on") else "not_debated"
    scheduled = attributes.get("scheduled_debate_date")
    if scheduled:
        return "debated" if str(scheduled) < today.isoformat() else "scheduled"
    return "awaiting" if attributes.get("debate_threshold_reached_at") else "pending"


def london_date(now: datetime) -> date:
    return now.astimezone(LONDON_ZONE).date()


@dataclass(frozen=True, slots=True)
class Facet:
    """A named list: what it holds, and its order from the least to the most telling key."""

    holds: Callable[[Row], bool]
    order: Sequence[tuple[Callable[[Row], Any], bool]]  # (key, newest or biggest first)

    def of(self, rows: Iterable[Row]) -> list[Row]:
        found = [row for row in rows if self.holds(row)]
        for key, descending in self.order:
            found.sort(key=key, reverse=descending)
        return found


def _state(*names: str) -> Callable[[Row], bool]:
    return lambda row: row.get("state") in names


def _field(name: str) -> Callable[[Row], str]:
    return lambda row: row.text(name)


def _empty_last(name: str) -> Callable[[Row], tuple[bool, str]]:
    return lambda row: (not row.get(name), row.text(name))


def _empty_first(name: str) -> Callable[[Row], tuple[bool, str]]:
    """Return a key that, in descending order, puts rows without the field before all others."""
    return lambda row: (not row.get(name), row.text(name))


_NEWEST = (_field("created_at"), True)
_BIGGEST = [_NEWEST, (lambda row: row.get("signature_count") or 0, True)]
_BY_DEBATE = [
    _NEWEST,
    (_field("debate_outcome_at"), True),
    (_empty_first("scheduled_debate_date"), True),
]

FACETS: Mapping[str, Facet] = {
    "all": Facet(_state("open", "closed", "rejected"), _BIGGEST),
    "open": Facet(_state("open"), _BIGGEST),
    "recent": Facet(_state("open"), [(_field("opened_at"), True)]),
    "closed": Facet(_state("closed"), _BIGGEST),
    "rejected": Facet(_state("rejected"), [_NEWEST]),
    "awaiting_response": Facet(
        lambda row: row.response_state == "awaiting",
        [(_field("response_threshold_reached_at"), False)],
    ),
    "with_response": Facet(
        lambda row: row.response_state == "responded", [(_field("government_response_at"), True)]
    ),
    "awaiting_debate": Facet(
        lambda row: row.debate_state in ("awaiting", "scheduled"),
        [
            (_field("debate_threshold_reached_at"), False),
            (_empty_last("scheduled_debate_date"), False),
        ],
    ),
    "debated": Facet(lambda row: row.debate_state == "debated", _BY_DEBATE),
    "not_debated": Facet(
        lambda row: row.debate_state == "not_debated",
        [_NEWEST, (_field("debate_outcome_at"), True)],
    ),
}

ARCHIVED_FACETS: Mapping[str, Facet] = {
    "all": Facet(_state("closed", "rejected"), _BIGGEST),
    "published": Facet(_state("closed"), _BIGGEST),
    "rejected": Facet(_state("rejected"), _BIGGEST),
    "with_response": Facet(lambda row: row.response_state == "responded", _BIGGEST),
    "debated": FACETS["debated"],
    "not_debated": FACETS["not_debated"],
}


class UnreadableQuery(ValueError):
    """The query holds a null byte or bytes that are no UTF-8."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The query of a request for a list, read as leniently as the site reads it."""

    given: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, raw: str) -> "ListQuery":
        try:
            pairs = parse_qsl(raw, keep_blank_values=True, errors="strict")
        except UnicodeDecodeError as error:
            raise UnreadableQuery(raw) from error
        if any("\0" in name + value for name, value in pairs):
            raise UnreadableQuery(raw)
        return cls(tuple(pairs))

    def last(self, name: str) -> str:
        return next((value for key, value in reversed(self.given) if key == name), "")

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.given)

    @property
    def state(self) -> str | None:
        """The state asked for; None for a list or a mapping of states, which is never valid."""
        if any(key.startswith("state[") for key, _ in self.given):
            return None
        return self.last("state") or "all"

    @property
    def page(self) -> int:
        asked = self.last("page")
        return int(asked) if re.fullmatch(r"[1-9]\d{0,4}", asked) else 1

    @property
    def size(self) -> int:
        asked = self.last("count")
        valid = re.fullmatch(r"[1-9]|[1-5][0-9]", asked)
        return min(int(asked), BIGGEST_PAGE) if valid else PAGE_SIZE

    @property
    def wanted_id(self) -> int | None:
        """The number that is looked for first, as a search for digits alone does; else None."""
        for name in ("q", "query"):
            if re.fullmatch(r"\d{1,18}", self.last(name), re.ASCII):
                return int(self.last(name))
        return None

    @property
    def topics(self) -> list[str]:
        codes = [value.lower() for key, value in self.given if key in ("topic", "topic[]")]
        return [code for code in codes if re.fullmatch(r"[a-z][-a-z0-9]*", code)]

    def matches(self, row: Row) -> bool:
        words = self.last("q").casefold().split()
        fields = ("action", "background", "additional_details")
        text = " ".join(row.text(name) for name in fields).casefold()
        topics = row.get("topics") or []
        return all(word in text for word in words) and all(code in topics for code in self.topics)

    def kept(self, page: int, texts: Sequence[str]) -> str:
        """Return the query of a link to another page: known parameters only, in alphabetical order.

        `texts` names the plain parameters this list knows.
        """
        pairs = [("count", str(self.size))] if self.has("count") else []
        pairs += [("page", str(page))] if page != 1 else []
        pairs += [(name, self.last(name)) for name in texts if self.last(name)]
        pairs += [("state", str(self.state))] if self.state != "all" else []
        pairs += [pair for pair in self.given if pair[0] in ("topic", "topic[]")]
        return "?" + urlencode(pairs) if pairs else ""


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    links: dict[str, str | None]


def page_of(
    rows: Sequence[Row],
    query: ListQuery,
    base: str,
    self_link: str,
    texts: Sequence[str] = ("q",),
) -> Page:
    """Return one page of `rows`; beyond the end it is empty and `prev` leads to the last page."""
    size, number = query.size, query.page
    last = max(1, -(-len(rows) // size))

    def link(page: int) -> str:
        return base + query.kept(page, texts)

    links = {
        "self": self_link,
        "first": link(1),
        "last": link(last),
        "next": link(number + 1) if number < last else None,
        "prev": link(min(number - 1, last)) if number > 1 else None,
    }
    return Page(list(rows[(number - 1) * size : number * size]), links)
