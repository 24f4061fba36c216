"""Shell: a stand-in for postcodes.io that knows a few postcodes."""

from collections.abc import Mapping
from typing import Self

from aiohttp import web

from bot.demo.loopback import Loopback


class PostcodesApi:
    """Serves the constituencies of postcodes, by their ONS codes; an empty one lies in none.

    Those of the Senedd go by their names, those of the Scottish Parliament by code and name at an
    address of their own. `status` other than 200 makes every answer a failure.
    """

    def __init__(
        self,
        seats: Mapping[str, str],
        *,
        senedd: Mapping[str, str] | None = None,
        holyrood: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self._seats = {_plain(postcode): code for postcode, code in seats.items()}
        self._senedd = {_plain(postcode): name for postcode, name in (senedd or {}).items()}
        self._holyrood = {_plain(postcode): seat for postcode, seat in (holyrood or {}).items()}
        self._server = Loopback()
        self.status = 200
        self.asked: list[str] = []

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/postcodes/{postcode}", self._answer)
        application.router.add_get("/scotland/postcodes/{postcode}", self._scottish)
        await self._server.start(application)

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

    async def _answer(self, request: web.Request) -> web.Response:
        postcode = _plain(request.match_info["postcode"])
        self.asked.append(postcode)
        if self.status != 200:
            return web.json_response({"status": self.status}, status=self.status)
        if postcode not in self._seats:
            return web.json_response({"status": 404, "error": "Postcode not found"}, status=404)
        codes = {"parliamentary_constituency": self._seats[postcode] or None}
        named = {"senedd_constituency": self._senedd.get(postcode), "codes": codes}
        return web.json_response({"status": 200, "result": {"postcode": postcode, **named}})

    async def _scottish(self, request: web.Request) -> web.Response:
        postcode = _plain(request.match_info["postcode"])
        if postcode not in self._holyrood:
            return web.json_response({"status": 404, "error": "Postcode not found"}, status=404)
        code, name = self._holyrood[postcode]
        key = "scottish_parliamentary_constituency"
        result = {"postcode": postcode, key: name, "codes": {key: code}}
        return web.json_response({"status": 200, "result": result})


def _plain(postcode: str) -> str:
    return "".join(postcode.split()).upper()
