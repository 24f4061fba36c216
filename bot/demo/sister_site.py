"""Shell: a sister site on loopback: the Senedd's, Scotland's or Jersey's, with both its hosts."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bot.demo.loopback import Loopback
from bot.demo.petition_lists import Row, london_date, page_of
from bot.demo.petitions_site import TRENDING, PetitionsSite, slug_of, wanted
from bot.demo.sister_shapes import (
    SisterQuery,
    SisterShape,
    count_of,
    encoded,
    local_of,
    name_of,
    resource,
    self_link,
    trending_of,
)
from bot.demo.site_answers import EACH_TIME, error, json_response, page

_ONCE = "no-store"


class SisterSite(PetitionsSite):
    """Serves petitions in a sister site's way; `other_url` is its host in the other language.

    `places` are its constituencies as it lists them, or Jersey's parishes as `{"name": …}`;
    `regions` likewise. What a host says in the other language is under that language's code.
    """

    def __init__(self, now: Callable[[], datetime], shape: SisterShape) -> None:
        super().__init__(now)
        self.shape = shape
        self.places: list[Mapping[str, Any]] = []
        self.regions: list[Mapping[str, Any]] = []
        self.other_topics: dict[str, str] = {}
        self._other = Loopback()

    async def start(self, port: int = 0) -> None:
        await super().start(port)
        if self.shape.other_language:
            application = web.Application(middlewares=[self._observe])
            application.router.add_get("/{path:.*}", self._answer_otherwise)
            await self._other.start(application)

    async def stop(self) -> None:
        await super().stop()
        if self.shape.other_language:
            await self._other.stop()

    @property
    def other_url(self) -> str:
        return self._other.url

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        return self._respond(request, "")

    async def _answer_otherwise(self, request: web.Request) -> web.StreamResponse:
        return self._respond(request, self.shape.other_language)

    def _respond(self, request: web.Request, language: str) -> web.StreamResponse:
        host = self.other_url if language else self.url
        path = self.shape.english(request.path)
        here = self.shape.local(path, language)
        if here != request.path:
            where = f"{host}{here}" + (f"?{request.query_string}" if request.query_string else "")
            return _sent_on(where, HTTPStatus.PERMANENT_REDIRECT)
        response = self._told(request, path, host, language)
        if self.shape.cookie and self.shape.cookie not in request.cookies:
            response.set_cookie(self.shape.cookie, "yes")
        return response

    def _told(
        self, request: web.Request, path: str, host: str, language: str
    ) -> web.StreamResponse:
        first = path.strip("/").partition("/")[0].partition(".")[0]
        if first in self.shape.lacks:
            return error(HTTPStatus.NOT_FOUND, as_json=False)
        match path.removesuffix(".json").strip("/").split("/"):
            case ["petitions"]:
                return self._listing(request, host, language)
            case ["petitions", "local", place, *_]:
                return self._at_place(request, place, host, language)
            case ["petitions", name]:
                return self._one(request, name, host, language, is_json=path.endswith(".json"))
            case ["petitions", name, "count"]:
                return self._counted(request, name)
            case ["petitions", _, _]:
                return page("Petitions", "A page for people, without figures.")
            case ["topics"]:
                topics = self.other_topics if language else self.topics
                rows = {code: {"code": code, "name": name} for code, name in topics.items()}
                return self._json(request, rows)
            case ["trending"]:
                return self._busiest(request, host, language)
            case ["constituencies"]:
                return self._json(request, [self._place(each, language) for each in self.places])
            case ["regions"]:
                return self._json(request, [self._place(each, language) for each in self.regions])
            case ["parishes"]:
                parishes = enumerate(self.places, 1)
                return self._json(request, {str(n): {"parish": p["name"]} for n, p in parishes})
            case _:
                return error(HTTPStatus.NOT_FOUND, as_json=False)

    def _place(self, place: Mapping[str, Any], language: str) -> dict[str, Any]:
        texts = place.get(language) or {}
        hidden = self.shape.other_language
        return {name: texts.get(name, place[name]) for name in place if name != hidden}

    def _json(
        self, request: web.Request, value: Any, caching: str = EACH_TIME
    ) -> web.StreamResponse:
        body = value if isinstance(value, bytes) else encoded(self.shape, value)
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"Cache-Control": caching, "ETag": etag}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return json_response(body, headers)

    def _named(self, name: str) -> int | None:
        """Return the id of the petition so named; a Scottish one keeps its earlier name, too."""
        if self.shape.key == "id":
            return int(name) if re.fullmatch(r"[0-9]{1,18}", name) else None
        if not re.fullmatch(r"P[EP][0-9]{4,7}", name):
            return None
        number = int(name[2:])
        if name.startswith("PP"):
            return number if number in self._entries else None
        now = self._now()
        numbered = ((id_, entry.attributes(now)) for id_, entry in self._entries.items())
        wanted_name = f"PE{number:04}"
        return next((id_ for id_, told in numbered if told.get("pe_number") == wanted_name), None)

    def _one(
        self, request: web.Request, name: str, host: str, language: str, *, is_json: bool
    ) -> web.StreamResponse:
        petition_id = self._named(name)
        entry = self._entries.get(petition_id) if petition_id is not None else None
        if petition_id is None or entry is None or entry.place == "hidden":
            is_number = self.shape.key == "id" or name.startswith(("PE", "PP"))
            is_odd = not is_number or (self.shape.name == "senedd" and petition_id is None)
            status = HTTPStatus.BAD_REQUEST if is_odd else HTTPStatus.NOT_FOUND
            return error(status, is_json)
        if entry.place == "gone":
            return error(self.shape.gone, is_json)
        attributes = entry.attributes(self._now())
        called = name_of(self.shape, petition_id, attributes)
        if entry.place != "shown":
            before = f"PP{petition_id:04}" if self.shape.key == "pe_number" else called
            where = self.shape.local(f"/petitions/{before}/{entry.place}", language)
            return _sent_on(host + where, HTTPStatus.FOUND)
        if not is_json:
            return page(called, f"{attributes.get('signature_count', 0):,} signatures")
        if entry.body is not None:
            return self._json(request, entry.body)
        data = resource(self.shape, host, petition_id, attributes, language)
        link = self_link(self.shape, host, called, language)
        return self._json(request, {"links": {"self": link}, "data": data})

    def _counted(self, request: web.Request, name: str) -> web.StreamResponse:
        petition_id = self._named(name)
        entry = self._entries.get(petition_id) if petition_id is not None else None
        if entry is None or entry.place == "hidden":
            return error(HTTPStatus.NOT_FOUND)
        if entry.place == "gone":
            return error(self.shape.gone)
        return self._json(request, count_of(self.shape, entry.attributes(self._now())), _ONCE)

    def _shown(self) -> list[Row]:
        now = self._now()
        return [
            Row(petition_id, entry.attributes(now), london_date(now))
            for petition_id, entry in sorted(self._entries.items(), reverse=True)
            if entry.place == "shown"
        ]

    def _listing(self, request: web.Request, host: str, language: str) -> web.StreamResponse:
        query = SisterQuery.of(wanted(request), self.shape)
        rows, state = self._shown(), query.state or ""
        if not self.shape.has_facet(state, rows):
            where = f"/petitions?q={query.last('q')}&state=all"
            return _sent_on(host + self.shape.local(where, language), HTTPStatus.FOUND)
        found = [row for row in self.shape.facets[state].of(rows) if query.matches(row)]
        # Its links know the first host's paths alone, whichever host is asked.
        listed = page_of(found, query, f"{host}/petitions.json", host + request.raw_path)
        data = [
            resource(self.shape, host, row.id, row.attributes, language, listed=True)
            for row in listed.rows
        ]
        return self._json(request, {"links": listed.links, "data": data})

    def _busiest(self, request: web.Request, host: str, language: str) -> web.StreamResponse:
        now, field = self._now(), self.shape.state_field
        busiest = sorted(self.hourly().items(), key=lambda item: -item[1])
        shown = [
            (petition_id, signatures, self._entries[petition_id].attributes(now))
            for petition_id, signatures in busiest
            if petition_id in self._entries and self._is_listed(petition_id) and signatures > 0
        ]
        alive = [row for row in shown if row[2].get(field) in {"open", "under_consideration"}]
        told = trending_of(self.shape, host, alive[:TRENDING], language, now)
        return self._json(request, told)

    def _at_place(
        self, request: web.Request, name: str, host: str, language: str
    ) -> web.StreamResponse:
        """Answer for a place, asked for by its id, or by its name for one of Jersey's parishes."""
        name = name.removesuffix(".json")
        place = next((p for p in self.places if name in {p.get("id"), slug_of(p["name"])}), None)
        if place is None:
            return error(HTTPStatus.NOT_FOUND)
        if self.shape.name == "senedd" and place.get("region") is None:
            return error(HTTPStatus.INTERNAL_SERVER_ERROR)  # as the live software does
        rows = [(row.id, row.attributes) for row in self._shown()]
        told = local_of(self.shape, host, self._place(place, language), rows, language)
        return self._json(request, told)


def _sent_on(where: str, status: HTTPStatus) -> web.Response:
    headers = {"Location": where, "Cache-Control": "no-cache"}
    return web.Response(status=status, headers=headers, content_type="text/html")
