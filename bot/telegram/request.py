"""python-telegram-bot's requests over aiohttp, which costs a fraction of its default's time."""

from functools import lru_cache
from inspect import signature
from math import inf, isinf
from typing import Any, TypeAlias
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from telegram import (
    ChatMember,
    ChatMemberAdministrator,
    ChatMemberBanned,
    ChatMemberOwner,
    ChatMemberRestricted,
)
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData
from yarl import URL

from bot.outages import fault_of
from bot.telegram.answers import message_of, read_json, result_of
from bot.telegram.errors import NotConnected, Unanswered

Timeout: TypeAlias = Any  # seconds, None for no limit, or DEFAULT_NONE for this object's own

_HEADERS = {"User-Agent": BaseRequest.USER_AGENT}
_JSON = _HEADERS | {"Content-Type": "application/json"}


class AiohttpRequest(BaseRequest):
    """The client of a Bot API server; `connections` at most at once, timeouts in seconds.

    Raises `TimedOut` and `NetworkError` as python-telegram-bot expects them. What they say names no
    address, since every address holds the token.
    """

    def __init__(
        self,
        *,
        connections: int = 256,
        read_timeout: float = 20.0,
        write_timeout: float = 20.0,
        connect_timeout: float = 5.0,
        pool_timeout: float = 5.0,
    ) -> None:
        self._connections = connections
        self._read_timeout = read_timeout
        self._write_timeout = write_timeout
        self._connect_timeout = connect_timeout
        self._pool_timeout = pool_timeout
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        """The seconds to wait for an answer unless told otherwise."""
        return self._read_timeout

    async def initialize(self) -> None:
        """Open the session; it belongs to the running event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=30),
                cookie_jar=aiohttp.DummyCookieJar(),
            )

    async def shutdown(self) -> None:
        """Close every connection; `initialize` opens anew."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer; one that is no JSON object raises NetworkError, as not Telegram's."""
        answer = read_json(payload)
        if answer is None:
            raise NetworkError("the answer is no JSON object")
        return answer

    # Declared final by the library, which has no other place for what an answer means.
    async def post(  # type: ignore[misc]  # noqa: PLR0917 - python-telegram-bot's signature
        self,
        url: str,
        request_data: RequestData | None = None,
        read_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        write_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        connect_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        pool_timeout: Timeout = BaseRequest.DEFAULT_NONE,
    ) -> Any:
        """Return the result of a call; of a message that was made, its number and its chat alone.

        The library's own takes many an odd answer for a fault of ours, or for none at all.
        """
        status, body = await self.do_request(
            url,
            "POST",
            request_data,
            read_timeout,
            write_timeout,
            connect_timeout,
            pool_timeout,
        )
        chat_id = request_data.parameters.get("chat_id") if request_data else None
        result = result_of(status, body, chat_id)
        for member in result if isinstance(result, list) else [result]:
            if isinstance(member, dict) and "user" in member:
                _complete(member)
        return message_of(url.rpartition("/")[2], result, chat_id)

    async def do_request(  # noqa: PLR0917 - python-telegram-bot's signature
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        write_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        connect_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        pool_timeout: Timeout = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Return the status and body of the answer."""
        write = _given(write_timeout, self._write_timeout)
        uploads = request_data is not None and request_data.contains_files
        timeout = _timeout(
            read=_given(read_timeout, self._read_timeout) + (write if uploads else 0),
            write=write,
            connect=_given(connect_timeout, self._connect_timeout),
            pool=_given(pool_timeout, self._pool_timeout),
        )
        try:
            return await self._exchange(url, method, request_data, timeout)
        except aiohttp.ConnectionTimeoutError as error:
            failure: TelegramError = NotConnected(fault_of(error))
        except TimeoutError as error:
            failure = TimedOut(fault_of(error))
        except aiohttp.ClientConnectorError as error:
            failure = NetworkError(fault_of(error))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = Unanswered(fault_of(error))
        # Outside the handlers, so that no traceback leads to an error that quotes the address.
        raise failure

    async def _exchange(
        self, url: str, method: str, data: RequestData | None, timeout: aiohttp.ClientTimeout
    ) -> tuple[int, bytes]:
        if self._session is None:
            raise NetworkError("the request is used before it is initialized")
        address = URL(url)
        async with self._session.request(
            method,
            address,
            timeout=timeout,
            proxy=_proxy(address.scheme, address.host or ""),
            **_body(data),
        ) as response:
            return response.status, await response.read()


def _complete(member: dict[str, Any]) -> None:
    """Fill in the rights that a Bot API server leaves out of a member.

    Servers older, and faultier, than the library leave out some that it insists on. Whoever holds
    a right is told so, so that a right left out is one not held.
    """
    status = member.get("status")
    if isinstance(status, str):
        for name in _NEEDED.get(status, ()):
            member.setdefault(name, 0 if name == "until_date" else False)


def _needed(member: type[ChatMember]) -> frozenset[str]:
    """Return the parameters that making a member may need: its rights, and until when it is one."""
    named = signature(member).parameters
    return frozenset(n for n in named if n.startswith(("can_", "is_")) or n == "until_date")


_NEEDED = {
    ChatMember.OWNER: _needed(ChatMemberOwner),
    ChatMember.ADMINISTRATOR: _needed(ChatMemberAdministrator),
    ChatMember.RESTRICTED: _needed(ChatMemberRestricted),
    ChatMember.BANNED: _needed(ChatMemberBanned),
}


def _given(timeout: Timeout, default: float) -> float:
    if timeout is BaseRequest.DEFAULT_NONE:
        return default
    return inf if timeout is None else float(timeout)


def _timeout(*, read: float, write: float, connect: float, pool: float) -> aiohttp.ClientTimeout:
    """Join timeouts in seconds into one of aiohttp's, which has no clock for writing.

    Its clock for reading runs while a file is on its way up.
    """
    return aiohttp.ClientTimeout(
        total=_finite(read + write + connect + pool),
        connect=_finite(connect + pool),
        sock_connect=_finite(connect),
        sock_read=_finite(read),
    )


def _finite(seconds: float) -> float | None:
    return None if isinf(seconds) else seconds


def _body(data: RequestData | None) -> dict[str, Any]:
    if data is None:
        return {"headers": _HEADERS}
    if not data.contains_files:
        return {"headers": _JSON, "data": msgspec.json.encode(data.parameters)}
    form = aiohttp.FormData()
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, kind) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=kind)
    return {"headers": _HEADERS, "data": form}


@lru_cache(maxsize=8)
def _proxy(scheme: str, host: str) -> str | None:
    """Return the proxy that the environment asks for (`HTTPS_PROXY`, `NO_PROXY`); None for none."""
    return None if proxy_bypass(host) else getproxies().get(scheme)
