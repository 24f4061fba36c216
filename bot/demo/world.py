"""Shell: the whole offline world, wired together."""

import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Self
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.demo import welsh_story
from bot.demo.bot_api import BotApi
from bot.demo.clock import StoryClock
from bot.demo.loopback import Loopback
from bot.demo.page import ChatPage
from bot.demo.petitions_site import PetitionsSite
from bot.demo.reader import CHAT_ID, Reader
from bot.demo.sister_shapes import SENEDD
from bot.demo.sister_site import SisterSite
from bot.demo.story import (
    BEATS,
    DEMO_PETITIONS,
    PETITION_ID,
    POSTCODES,
    constituencies,
    count_at,
    signatures_last_hour,
)
from bot.petitions.parliaments import DESCRIPTIONS


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


__all__ = ["CHAT_ID", "World"]


class Names(AbstractResolver):
    """Finds each known host on loopback, at its port; every other one is refused."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host not in self._ports:
            raise OSError(f"the demo asks no server of the network, so not {host}")
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=self._ports[host],
                family=socket.AF_INET,
                proto=0,
                flags=0,
            )
        ]

    async def close(self) -> None:
        pass


class World:
    """Two petitions sites, a Bot API and a chat page that share the story's clock.

    `on_restart` holds what else has to begin again: async functions, awaited in order with the
    clock already back at the start. The chat is emptied before them and once more after them.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.clock = StoryClock(BEATS)
        self.site = PetitionsSite(self.clock.now)
        self.senedd = SisterSite(self.clock.now, SENEDD)
        self.api = BotApi(now=self.clock.now)
        self.postcodes = PostcodesApi(POSTCODES)
        self.on_restart: list[Callable[[], Awaitable[None]]] = []
        stories = frozenset((PETITION_ID, welsh_story.PETITION_ID))
        self.reader = Reader(self.api, self.clock, stories)
        self._page = ChatPage(
            self.api,
            self.clock,
            self.reader,
            count=lambda: count_at(self.clock.now()),
            restart=self.restart,
            invented=sorted({*DEMO_PETITIONS, *stories} - {PETITION_ID}),
        )
        self._stock()

    def _stock(self) -> None:
        for petition_id, source in DEMO_PETITIONS.items():
            self.site.put(petition_id, source)
        self.site.topics = {"culture": "Culture"}
        self.site.constituencies = dict(constituencies())
        self.site.hourly = self._hourly
        self.senedd.put(welsh_story.PETITION_ID, welsh_story.attributes_at)
        self.senedd.hourly = self._daily

    def _hourly(self) -> dict[int, int]:
        now = self.clock.now()
        return {number: signatures_last_hour(number, now) for number in DEMO_PETITIONS}

    def _daily(self) -> dict[int, int]:
        return {welsh_story.PETITION_ID: welsh_story.signatures_last_day(self.clock.now())}

    async def restart(self) -> None:
        """Tells the story from its beginning: to people, and to all who asked to be called."""
        self.clock.restart()
        self.reader.clear()  # what the bot has not read yet belongs to the story before
        for begin_again in self.on_restart:
            await begin_again()
        self.reader.clear()

    @property
    def names(self) -> Names:
        """Resolves the sites' own names to where they are served."""
        served = {"uk": [self.site.url], "senedd": [self.senedd.url, self.senedd.other_url]}
        return Names(
            {
                host.name: urlsplit(url).port or 80
                for site, urls in served.items()
                for host, url in zip(DESCRIPTIONS[site].hosts, urls, strict=True)
            }
        )

    @property
    def page_url(self) -> str:
        return self._page.url

    async def start(self) -> None:
        await self.site.start()
        await self.senedd.start()
        await self.postcodes.start()
        await self.api.start()
        await self._page.start(self._port)

    async def stop(self) -> None:
        await self._page.stop()
        await self.api.stop()
        await self.postcodes.stop()
        await self.senedd.stop()
        await self.site.stop()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except OSError:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
