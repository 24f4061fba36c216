"""Finds the constituencies that a postcode lies in (shell).

A postcode says where somebody lives: it is asked once, and neither kept nor logged. The service is
another's gift: all people together ask it no more than twenty times a minute.
"""

import time
from collections.abc import Callable
from typing import Literal, TypeAlias
from urllib.parse import quote

import aiohttp
import structlog
from msgspec import Struct
from msgspec.json import decode

from bot.outages import IncidentLog
from bot.petitions.bodies import UNREADABLE
from bot.petitions.everyday_words import plain
from bot.petitions.postcode import POSTCODE
from bot.polling.bounded_body import read_body
from bot.polling.budget import Budget, asking_for

log = structlog.get_logger(__name__)

POSTCODES_API = "https://api.postcodes.io"

# The beginnings of the ONS codes of a parliament's constituencies.
SENEDD, HOLYROOD = "W09", "S16"

_MOST_BYTES = 256 * 1024
# Of these people have a third, and each of them a sixth; nobody else asks.
_A_MINUTE = 60
_TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=3)

NotPlaced: TypeAlias = Literal["unknown", "nowhere", "unavailable"]


class _Codes(Struct):
    parliamentary_constituency: str | None = None
    scottish_parliamentary_constituency: str | None = None


class _Place(Struct):
    codes: _Codes | None = None
    senedd_constituency: str | None = None
    scottish_parliamentary_constituency: str | None = None


class _Answer(Struct):
    result: _Place | None = None


class Seats(Struct, frozen=True):
    """The constituencies of a postcode: one of each parliament that is elected there.

    They are known by their ONS codes (`codes`), or by name: each of the `names` comes behind the
    beginning that the codes of its parliament have in common, such as `W09`.
    """

    codes: frozenset[str] = frozenset()
    names: tuple[tuple[str, str], ...] = ()

    def has(self, ons_code: str, name: str) -> bool:
        """Return whether a constituency is one of these."""
        return ons_code in self.codes or any(
            ons_code.startswith(kind) and plain(name) == plain(called)
            for kind, called in self.names
        )


class Postcodes:
    """The client of postcodes.io, or of what answers like it at `api`.

    The constituency in the Scottish Parliament is asked for only with `asks_holyrood`: that takes a
    request of its own.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        api: str | None = None,
        *,
        asks_holyrood: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget = Budget(_A_MINUTE, monotonic)
        self._session = session
        self._api = api or POSTCODES_API
        self._asks_holyrood = asks_holyrood
        self._incident = IncidentLog(log, "postcodes cannot be asked")

    async def seats(self, postcode: str) -> Seats | NotPlaced:
        """Find the constituencies of a postcode, or why there is none to name. Never raises."""
        found = POSTCODE.fullmatch(postcode.strip())
        if found is None:
            return "unknown"
        if self._budget.wait_of(asking_for.get()) > 0:
            return "unavailable"
        try:
            return await self._placed(f"{found[1]}{found[2]}".upper())
        except (aiohttp.ClientError, OSError, *UNREADABLE) as error:
            # Not the error itself: it may name the address, and with it the postcode.
            self._incident.failed(type(error).__name__)
            return "unavailable"

    async def _placed(self, postcode: str) -> Seats | NotPlaced:
        place = await self._asked(f"postcodes/{quote(postcode)}")
        if not isinstance(place, _Place):
            return place
        code = place.codes and place.codes.parliamentary_constituency
        codes, names = {code} if code else set(), list[tuple[str, str]]()
        if place.senedd_constituency:
            names.append((SENEDD, place.senedd_constituency))
        if self._asks_holyrood and code and code.startswith("S"):
            scottish = await self._asked(f"scotland/postcodes/{quote(postcode)}")
            if isinstance(scottish, _Place):
                if scottish.codes and scottish.codes.scottish_parliamentary_constituency:
                    codes.add(scottish.codes.scottish_parliamentary_constituency)
                if scottish.scottish_parliamentary_constituency:
                    names.append((HOLYROOD, scottish.scottish_parliamentary_constituency))
        return Seats(frozenset(codes), tuple(names)) if codes or names else "nowhere"

    async def _asked(self, path: str) -> _Place | NotPlaced:
        self._budget.spend_for(asking_for.get())
        url = f"{self._api}/{path}"
        async with self._session.get(url, timeout=_TIMEOUT, allow_redirects=False) as response:
            if response.status == 404:
                return "unknown"
            if response.status != 200:
                self._incident.failed(f"status {response.status}")
                return "unavailable"
            found = decode(await read_body(response, _MOST_BYTES), type=_Answer)
            self._incident.recovered()
            return found.result or _Place()
