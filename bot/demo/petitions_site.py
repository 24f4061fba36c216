"""Shell: a petitions site on loopback that answers as the real software does."""

import hashlib
import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self

from aiohttp import web

from bot.demo.loopback import Loopback
from bot.demo.petition_bodies import (
    archived_body,
    count_body,
    encode,
    list_item,
    local_body,
    show_body,
    trending_body,
)
from bot.demo.petition_lists import (
    ARCHIVED_FACETS,
    FACETS,
    Attributes,
    ListQuery,
    Page,
    Row,
    UnreadableQuery,
    london_date,
    page_of,
)
from bot.demo.site_answers import (
    EACH_TIME,
    LONG,
    SHORT,
    dated,
    error,
    json_response,
    page,
    petition_page,
)

TRENDING = 10

Source = Callable[[datetime], Attributes]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Refused(Exception):
    """The request is answered with an error status."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(slots=True)
class _Entry:
    source: Source
    archived_in: Mapping[str, Any] | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    place: str = "shown"  # or "gone", "hidden", or where its page sends people

    def attributes(self, now: datetime) -> dict[str, Any]:
        return {**self.source(now), **self.changes}


class PetitionsSite:
    """Holds petitions and serves them; `now` dates its answers.

    Addresses in its answers are its own. `topics` maps codes to names, `constituencies` maps ONS
    codes to rows, `parliaments` lists the archived ones, each with its own `constituencies` if they
    matter, `hourly` gives the signatures of the last hour by petition id.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._server = Loopback()
        self._entries: dict[int, _Entry] = {}
        self.topics: dict[str, str] = {}
        self.constituencies: dict[str, Mapping[str, Any]] = {}
        self.parliaments: list[Mapping[str, Any]] = []
        self.hourly: Callable[[], Mapping[int, int]] = dict

    async def start(self, port: int = 0) -> None:
        application = web.Application(middlewares=[self._observe])
        application.router.add_get("/{path:.*}", self._answer)
        await self._server.start(application, port)

    async def stop(self) -> None:
        await self._server.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return self._server.url

    # What the site holds

    def put(
        self,
        petition_id: int,
        attributes: Attributes | Source,
        *,
        archived_in: Mapping[str, Any] | None = None,
    ) -> None:
        """Shows a petition; `attributes` may be a function of the time of the request."""
        source = attributes if callable(attributes) else _always(attributes)
        self._entries[petition_id] = _Entry(source, archived_in)

    @web.middleware
    async def _observe(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        return await self._true_answer(request, handler)

    async def _true_answer(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        try:
            response = await handler(request)
        except _Refused as refused:
            response = error(refused.status)
        if response.status < HTTPStatus.BAD_REQUEST:
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Allow-Methods"] = "GET"
        if response.status == HTTPStatus.OK:
            response.enable_compression()
        return response

    # Answers

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        for pattern, answer in _ROUTES:
            if found := re.fullmatch(pattern, request.path):
                return answer(self, request, **found.groupdict())
        return error(HTTPStatus.NOT_FOUND, request.path.endswith(".json"))

    def _petition(
        self, request: web.Request, number: str, extension: str | None
    ) -> web.StreamResponse:
        odd = self._odd_format(request, f"/petitions/{number}", extension)
        if odd is not None:
            return odd
        as_json = _wants_json(request, extension)
        petition_id = _number(number)
        if petition_id is None:
            return error(HTTPStatus.BAD_REQUEST, as_json)
        entry = self._entries.get(petition_id)
        missing = self._not_shown(petition_id, entry, as_json)
        if missing is not None or entry is None:
            return missing or error(HTTPStatus.NOT_FOUND, as_json)
        attributes = entry.attributes(self._now())
        if not as_json:
            return petition_page(attributes)
        body = entry.body or show_body(self.url, petition_id, attributes)
        return dated(request, body, attributes, SHORT)

    def _not_shown(
        self, petition_id: int, entry: _Entry | None, as_json: bool
    ) -> web.StreamResponse | None:
        if entry is None or entry.place == "hidden":
            return error(HTTPStatus.NOT_FOUND, as_json)
        if entry.place == "gone":
            return error(HTTPStatus.GONE, as_json)
        if entry.place == "/":
            return self._moved("/")
        if entry.place != "shown":
            return self._moved(f"/petitions/{petition_id}/{entry.place}")
        if entry.archived_in is not None:
            extension = ".json" if as_json else ""
            return self._moved(f"/archived/petitions/{petition_id}{extension}")
        return None

    def _count(
        self, request: web.Request, number: str, extension: str | None
    ) -> web.StreamResponse:
        if not _wants_json(request, extension):
            return error(HTTPStatus.NOT_ACCEPTABLE, as_json=False)
        petition_id = _number(number)
        if petition_id is None:
            return error(HTTPStatus.BAD_REQUEST)
        entry = self._entries.get(petition_id)
        if entry is None or entry.place == "hidden" or entry.archived_in is not None:
            return error(HTTPStatus.NOT_FOUND)
        if entry.place == "gone":
            return error(HTTPStatus.GONE)
        attributes = entry.attributes(self._now())
        return dated(request, count_body(attributes, self._now()), attributes, SHORT)

    def _archived_petition(
        self, request: web.Request, number: str, extension: str | None
    ) -> web.StreamResponse:
        as_json = _wants_json(request, extension)
        petition_id = _number(number)
        if petition_id is None:
            return error(HTTPStatus.BAD_REQUEST, as_json)
        entry = self._entries.get(petition_id)
        if entry is not None and entry.place == "gone":
            return error(HTTPStatus.GONE, as_json)
        if entry is None or entry.archived_in is None or entry.place != "shown":
            return error(HTTPStatus.NOT_FOUND, as_json)
        attributes = entry.attributes(self._now())
        if not as_json:
            return petition_page(attributes)
        body = entry.body or archived_body(self.url, petition_id, attributes, entry.archived_in)
        return dated(request, body, attributes, LONG)

    def _list(self, request: web.Request, extension: str | None) -> web.StreamResponse:
        odd = self._odd_format(request, "/petitions", extension)
        if odd is not None:
            return odd
        query = wanted(request)
        facet = FACETS.get(query.state or "")
        if facet is None:
            return self._moved(_all_of("/petitions", query))
        if query.wanted_id in self._entries and self._is_listed(query.wanted_id):
            return self._moved(f"/petitions/{query.wanted_id}")
        if not _wants_json(request, extension):
            return page("Petitions", "A list for people.")
        rows = [row for row in facet.of(self._rows(archived=False)) if query.matches(row)]
        rows_page = page_of(rows, query, f"{self.url}/petitions.json", self._own(request))
        return self._listed(request, rows_page)

    def _archived_list(self, request: web.Request, extension: str | None) -> web.StreamResponse:
        query = wanted(request)
        facet = ARCHIVED_FACETS.get(query.state or "")
        if facet is None:
            return self._moved(_all_of("/archived/petitions", query))
        if not _wants_json(request, extension):
            return page("Archived petitions", "A list for people.")
        parliament = self._parliament(query)
        rows = [
            row
            for row in facet.of(self._rows(archived=True))
            if query.matches(row) and self._period(row.id) == parliament
        ]
        base = f"{self.url}/archived/petitions.json"
        rows_page = page_of(rows, query, base, self._own(request), texts=("parliament", "q"))
        return self._listed(request, rows_page)

    def _parliament(self, query: ListQuery) -> str | None:
        """Return the period asked for: by number, 1 for the oldest, or else the newest archived."""
        periods = sorted({self._period(petition_id) or "" for petition_id in self._entries} - {""})
        if not query.has("parliament"):
            return periods[-1] if periods else None
        asked = query.last("parliament")
        if not re.fullmatch(r"\d+", asked, re.ASCII):
            raise _Refused(HTTPStatus.BAD_REQUEST)
        if not 1 <= int(asked) <= len(periods):
            raise _Refused(HTTPStatus.NOT_FOUND)
        return periods[int(asked) - 1]

    def _period(self, petition_id: int) -> str | None:
        parliament = self._entries[petition_id].archived_in
        return None if parliament is None else str(parliament.get("period"))

    def _is_listed(self, petition_id: int) -> bool:
        entry = self._entries[petition_id]
        return entry.place == "shown" and entry.archived_in is None

    def _rows(self, *, archived: bool) -> list[Row]:
        now = self._now()
        return [
            Row(petition_id, entry.attributes(now), london_date(now))
            for petition_id, entry in sorted(self._entries.items(), reverse=True)
            if entry.place == "shown" and (entry.archived_in is not None) == archived
        ]

    def _listed(self, request: web.Request, page: Page) -> web.StreamResponse:
        items = [
            list_item(self.url, row.id, row.attributes, self._entries[row.id].archived_in)
            for row in page.rows
        ]
        body = encode({"links": page.links, "data": items})
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"Cache-Control": EACH_TIME, "ETag": etag}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return json_response(body, headers)

    def _trending(self, request: web.Request) -> web.StreamResponse:
        now = self._now()
        busiest = sorted(self.hourly().items(), key=lambda item: -item[1])
        shown = [
            (petition_id, signatures, self._entries[petition_id].attributes(now))
            for petition_id, signatures in busiest
            if petition_id in self._entries and self._is_listed(petition_id) and signatures > 0
        ]
        still_open = [row for row in shown if row[2].get("state") == "open"][:TRENDING]
        return json_response(trending_body(self.url, still_open, now), {"Cache-Control": SHORT})

    def _topics(self, request: web.Request) -> web.StreamResponse:
        by_name = sorted(self.topics.items(), key=lambda item: item[1])
        rows = {code: {"code": code, "name": name} for code, name in by_name}
        return json_response(encode(rows), {"Cache-Control": SHORT})

    def _constituencies(self, request: web.Request) -> web.StreamResponse:
        return json_response(encode(dict(self.constituencies)), {"Cache-Control": SHORT})

    def _past_constituencies(self, request: web.Request, period: str) -> web.StreamResponse:
        past = next((row for row in self.parliaments if row.get("period") == period), None)
        if past is None:
            return error(HTTPStatus.NOT_FOUND)
        return json_response(encode(past.get("constituencies", {})), {"Cache-Control": SHORT})

    def _local(self, request: web.Request, slug: str, everything: str | None) -> web.StreamResponse:
        named = {slug_of(str(s.get("constituency") or "")): s for s in self.constituencies.values()}
        seat = named.get(slug)
        if seat is None:
            return error(HTTPStatus.NOT_FOUND)
        states = {"open", "closed"} if everything else {"open"}
        rows = [row for row in self._rows(archived=False) if row.get("state") in states]
        body = local_body(self.url, seat, [(row.id, row.attributes) for row in rows])
        return json_response(body, {"Cache-Control": SHORT})

    def _parliaments(self, request: web.Request) -> web.StreamResponse:
        rows = [
            {name: value for name, value in row.items() if name != "constituencies"}
            for row in self.parliaments
        ]
        return json_response(encode(rows), {"Cache-Control": SHORT})

    def _page_for_people(self, request: web.Request, **_: str) -> web.StreamResponse:
        return page("Petitions", "A page for people, without figures.")

    def _odd_format(
        self, request: web.Request, path: str, extension: str | None
    ) -> web.StreamResponse | None:
        if extension in (".xml", ".atom", ".rss"):
            return error(HTTPStatus.NOT_ACCEPTABLE, as_json=False)
        return None if extension in (None, ".json") else self._moved(path)

    def _moved(self, path: str) -> web.Response:
        headers = {"Location": self.url + path, "Cache-Control": "no-cache"}
        return web.Response(status=HTTPStatus.FOUND, headers=headers, content_type="text/html")

    def _own(self, request: web.Request) -> str:
        return self.url + request.raw_path


_ROUTES: list[tuple[str, Callable[..., web.StreamResponse]]] = [
    (r"/petitions(?P<extension>\.\w+)?", PetitionsSite._list),
    (r"/petitions/(?P<number>[^/.]+)(?P<extension>\.\w+)?", PetitionsSite._petition),
    (r"/petitions/(?P<number>[^/.]+)/count(?P<extension>\.\w+)?", PetitionsSite._count),
    (r"/petitions/[^/.]+/(gathering-support|moderation-info)", PetitionsSite._page_for_people),
    (r"/archived/petitions(?P<extension>\.\w+)?", PetitionsSite._archived_list),
    (
        r"/archived/petitions/(?P<number>[^/.]+)(?P<extension>\.\w+)?",
        PetitionsSite._archived_petition,
    ),
    (r"/petitions/local/(?P<slug>[^/.]+)(?P<everything>/all)?\.json", PetitionsSite._local),
    (r"/trending\.json", PetitionsSite._trending),
    (r"/topics\.json", PetitionsSite._topics),
    (r"/constituencies\.json", PetitionsSite._constituencies),
    (r"/parliaments/current/constituencies\.json", PetitionsSite._constituencies),
    (
        r"/parliaments/(?P<period>[0-9]{4}-[0-9]{4})/constituencies\.json",
        PetitionsSite._past_constituencies,
    ),
    (r"/parliaments\.json", PetitionsSite._parliaments),
    (r"/", PetitionsSite._page_for_people),
]


def slug_of(name: str) -> str:
    """Return a place's name as addresses have it."""
    plain = unicodedata.normalize("NFKD", name)
    words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode().lower())
    return "-".join(words)


def _always(attributes: Attributes) -> Source:
    fixed = dict(attributes)
    return lambda _now: fixed


def _number(text: str) -> int | None:
    """Return a petition's number as the site reads one: 0x10 is 16, and 0700009 is none."""
    try:
        return int(text, 0)
    except ValueError:
        return None


def _wants_json(request: web.Request, extension: str | None) -> bool:
    return extension == ".json" or request.headers.get("Accept") == "application/json"


def wanted(request: web.Request) -> ListQuery:
    """Return the query of a request for a list; _Refused (400) if it cannot be read."""
    try:
        return ListQuery.parse(request.rel_url.raw_query_string)
    except UnreadableQuery:
        raise _Refused(HTTPStatus.BAD_REQUEST) from None


def _all_of(path: str, query: ListQuery) -> str:
    kept = [f"{name}={query.last(name)}" for name in ("page", "q") if query.has(name)]
    return f"{path}?{'&'.join([*kept, 'state=all'])}"


__all__ = ["PetitionsSite"]
