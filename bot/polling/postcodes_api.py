"""Which constituency a postcode lies in (shell).

A postcode says where somebody lives: it is asked once, and neither kept nor logged.
"""

from typing import Literal, TypeAlias
from urllib.parse import quote

import aiohttp
import structlog
from msgspec import DecodeError, Struct
from msgspec.json import decode

from bot.incidents import IncidentLog
from bot.petitions.postcode import POSTCODE

log = structlog.get_logger(__name__)

POSTCODES_API = "https://api.postcodes.io"

_TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=3)

NotPlaced: TypeAlias = Literal["unknown", "nowhere", "unavailable"]


class _Codes(Struct):
    parliamentary_constituency: str | None = None


class _Place(Struct):
    codes: _Codes | None = None


class _Answer(Struct):
    result: _Place | None = None


class InSeat(Struct, frozen=True):
    """A postcode's constituency, by its ONS code."""

    ons_code: str


class Postcodes:
    """Asks postcodes.io, or what answers like it at `api`."""

    def __init__(self, session: aiohttp.ClientSession, api: str | None = None) -> None:
        self._session = session
        self._api = api or POSTCODES_API
        self._incident = IncidentLog(log, "postcodes cannot be asked")

    async def seat(self, postcode: str) -> InSeat | NotPlaced:
        """The constituency of a postcode, or why there is none to name. Never raises."""
        found = POSTCODE.fullmatch(postcode.strip())
        if found is None:
            return "unknown"
        try:
            return await self._asked(f"{found[1]}{found[2]}".upper())
        except (aiohttp.ClientError, OSError, DecodeError) as error:
            # Not the error itself: it may name the address, and with it the postcode.
            self._incident.failed(type(error).__name__)
            return "unavailable"

    async def _asked(self, postcode: str) -> InSeat | NotPlaced:
        url = f"{self._api}/postcodes/{quote(postcode)}"
        async with self._session.get(url, timeout=_TIMEOUT, allow_redirects=False) as response:
            if response.status == 404:
                return "unknown"
            if response.status != 200:
                self._incident.failed(f"status {response.status}")
                return "unavailable"
            self._incident.recovered()
            place = decode(await response.read(), type=_Answer).result
        code = place and place.codes and place.codes.parliamentary_constituency
        return InSeat(code) if code else "nowhere"
