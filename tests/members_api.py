"""A stand-in for the Members API: who sat for which seat, and when."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from aiohttp import web

from bot.demo.loopback import Loopback


class Term(NamedTuple):
    """A member's time in a seat; `until` is empty while it lasts."""

    name: str
    party: str
    since: str
    until: str = ""


def _moment(day: str) -> str | None:
    return f"{day}T00:00:00" if day else None


def _representation(term: Term) -> dict[str, Any]:
    return {
        "member": {"value": {"nameDisplayAs": term.name, "latestParty": {"name": term.party}}},
        "representation": {
            "membershipStartDate": _moment(term.since),
            "membershipEndDate": _moment(term.until),
        },
    }


class MembersApi:
    """Serves seats of 2010–2024 under their names, and a later seat of the same name beside each.

    `status` other than 200 makes every answer a failure.
    """

    def __init__(self, seats: Mapping[str, list[Term]]) -> None:
        self._names = list(seats)
        self._seats = seats
        self._server = Loopback()
        self.status = 200
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    async def __aenter__(self) -> Self:
        application = web.Application(middlewares=[self._count])
        application.router.add_get("/Location/Constituency/Search", self._search)
        application.router.add_get("/Location/Constituency/{id}/Representations", self._terms)
        await self._server.start(application)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()

    @property
    def url(self) -> str:
        return self._server.url

    @web.middleware
    async def _count(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.status != 200:
                return web.Response(status=self.status)
            response: web.StreamResponse = await handler(request)
            return response
        finally:
            self.at_once -= 1

    async def _search(self, request: web.Request) -> web.Response:
        wanted = request.query["searchText"].lower()
        items = [
            {"value": value}
            for index, name in enumerate(self._names)
            if wanted in name.lower()
            for value in (
                self._seat(9000 + index, name, "2024-05-31", ""),
                self._seat(index, name, "2010-04-13", "2024-05-30"),
            )
        ]
        return web.json_response({"items": items, "totalResults": len(items)})

    def _seat(self, number: int, name: str, since: str, until: str) -> dict[str, Any]:
        now = _representation(Term("Somebody Later", "Another Party", "2024-07-04"))
        return {
            "id": number,
            "name": name,
            "startDate": _moment(since),
            "endDate": _moment(until),
            "currentRepresentation": None if until else now,
        }

    async def _terms(self, request: web.Request) -> web.Response:
        terms = self._seats[self._names[int(request.match_info["id"])]]
        return web.json_response({"value": [_representation(term) for term in terms]})
