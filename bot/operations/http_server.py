"""The bot's own server: Telegram's webhook, health for probes, figures for Prometheus."""

import asyncio
import errno
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiohttp import web
from telegram import Bot

from bot.errors import ConfigError
from bot.operations.health import HealthCheck
from bot.operations.metrics import CONTENT_TYPE
from bot.telegram.decoding import Undecodable, decode, number_of
from bot.telegram.floods import Floods, Verdict
from bot.telegram.reception import Outcome, Reception
from bot.telegram.updates import Accept, Replays

log = structlog.get_logger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
LARGEST_UPDATE = 1024 * 1024
HEADERS_WITHIN = 10.0  # seconds that a caller has to say what they want
BODY_WITHIN = 10.0
# A connection is kept for the next request, and for that to come in whole.
KEPT_FOR = 75.0


class Webhook:
    """Takes updates from Telegram, and from nobody else.

    Path and secret are derived from the token with a key each, so nothing has to be stored, and
    neither tells anything of the other or of the token.
    """

    def __init__(
        self,
        bot: Bot,
        token: str,
        counted: Callable[[str], None],
        *,
        accept: Accept,
        is_busy: Callable[[], bool],
        reception: Reception,
        floods: Floods | None = None,
    ) -> None:
        self.path = f"/telegram/{_derived(token, 'webhook path')}"
        self.secret = _derived(token, "webhook secret")
        self._bot = bot
        self._counted = counted
        self._accept = accept
        self._is_busy = is_busy
        self._reception = reception
        self._floods = floods or Floods()
        self._replays = Replays()

    def routes(self) -> list[web.RouteDef]:
        """The one address updates may be posted to."""
        return [web.post(self.path, self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        """Queue the update and answer at once; handling goes on by itself."""
        status, outcome = await self._take(request)
        self._counted(outcome)
        return web.Response(status=status)

    async def _take(self, request: web.Request) -> tuple[int, str]:
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.secret.encode()):
            return 403, "stranger"
        if self._is_busy():
            return 503, "busy"  # Telegram keeps the update and posts it again
        if request.content_type != "application/json":
            return 415, "malformed"
        try:
            async with asyncio.timeout(BODY_WITHIN):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return 413, "too_large"
        except web.RequestPayloadError:
            return 400, "malformed"
        except TimeoutError:
            return 408, "malformed"
        return await self._read(body)

    async def _read(self, body: bytes) -> tuple[int, str]:
        """Hand an update on; return an HTTP status, and a word for the figures.

        An update that makes no sense is not asked for again if it has a number.
        """
        number = number_of(body)
        if number is None:
            return 400, "malformed"
        if number in self._replays:
            return 200, "replay"
        if self._is_busy():  # others came while this one was read
            return 503, "busy"
        self._replays.add(number)
        verdict = self._floods.judge(body)
        if verdict is Verdict.DROP:
            self._reception.took(Outcome.FLOOD)
            return 200, "flood"
        update = decode(body, self._bot)
        if isinstance(update, Undecodable):
            self._reception.skipped(update)
            return 200, "undecodable"
        if verdict is Verdict.REFUSE:
            self._floods.refuse(update)
            self._reception.took(Outcome.FLOOD)
            return 200, "flood"
        await self._accept(update)
        self._reception.took(Outcome.TAKEN)
        return 200, "taken"


def _derived(token: str, purpose: str) -> str:
    """Return 64 hexadecimal digits that only whoever holds the token can work out."""
    return hmac.new(token.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def health_routes(
    checks: Callable[[], Awaitable[Sequence[HealthCheck]]],
    figures: Callable[[], Awaitable[bytes]],
    standby: Callable[[], list[str]],
) -> list[web.RouteDef]:
    """Return the routes `/healthz` (the process lives), `/readyz` (it can work) and `/metrics`.

    Only what keeps this process from its own work makes it unready. In the answer, `warnings` are
    all else that is wrong, and `standby` the roles that are another process's at present.
    """

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        found = [check for check in await checks() if check.problem]
        problems = [check.problem for check in found if check.is_grave]
        answer: dict[str, Any] = {"ready": not problems, "problems": problems}
        if warnings := [check.problem for check in found if not check.is_grave]:
            answer["warnings"] = warnings
        if roles := standby():
            answer["standby"] = roles
        return web.json_response(answer, status=503 if problems else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await figures(), headers={"Content-Type": CONTENT_TYPE})

    return [web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", metrics)]


@asynccontextmanager
async def serving(host: str, port: int, routes: Iterable[web.RouteDef]) -> AsyncIterator[int]:
    """Serve the routes until the block ends, yielding the port, a free one for 0.

    Raises ConfigError if the address cannot be listened at.
    """
    silent: set[web.RequestHandler] = set()
    application = web.Application(client_max_size=LARGEST_UPDATE, middlewares=[_heard(silent)])
    application.on_response_prepare.append(_without_banner)
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=5)
    await runner.setup()
    loop = asyncio.get_running_loop()

    def connection() -> web.RequestHandler:
        made = _Connection(
            _server(runner),
            loop=loop,
            access_log=None,  # type: ignore[arg-type]
            keepalive_timeout=KEPT_FOR,
        )
        silent.add(made)
        loop.call_later(HEADERS_WITHIN, _hang_up, made, silent)
        return made

    server: asyncio.Server | None = None
    try:
        try:
            server = await loop.create_server(connection, host, port)
        except OSError as error:
            raise ConfigError(
                [f"web.listen: can't use {host}:{port} ({remedy_for_address(error)})"]
            ) from error
        bound = server.sockets[0].getsockname()[1]
        log.info("serving", host=host, port=bound)
        yield bound
    finally:
        if server is not None:
            server.close()
        await runner.cleanup()


def remedy_for_address(error: OSError) -> str:
    """Word what is wrong with an address to listen at, and what to do about it."""
    match error.errno:
        case errno.EADDRINUSE:
            return "the port is taken: stop the program that uses it, or choose another port"
        case errno.EACCES:
            return "ports below 1024 need special rights: choose a higher one"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address: try 127.0.0.1"
        case _:
            return f"{error.strerror or type(error).__name__}: try 127.0.0.1"


# A body that is not packed as its header says.
_CALLERS_FAULTS = (web.RequestPayloadError,)


class _Connection(web.RequestHandler):
    """A caller's connection, on which what is no HTTP is refused in as few words as the rest."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer in few words: aiohttp's own would quote the caller and name the server's version.

        What a caller does wrong is in no log: they may do it as often as they like.
        """
        if isinstance(exc, _CALLERS_FAULTS):
            status = 400
        if status >= 500:
            return _bare(super().handle_error(request, status, exc, message))
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        answer = _Bare(status=status)
        answer.force_close()
        return answer

    def log_exception(self, *words: Any, **how: Any) -> None:
        """Log what is wrong here; a caller's faults are in no log, as `handle_error` has it."""
        if not isinstance(how.get("exc_info"), _CALLERS_FAULTS):
            super().log_exception(*words, **how)


class _Bare(web.Response):
    """An answer without a banner, for what never reaches the application."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.pop("Server", None)


def _bare(answer: web.StreamResponse) -> _Bare:
    bare = _Bare(status=answer.status, text="Internal Server Error")
    bare.force_close()
    return bare


def _server(runner: web.AppRunner) -> Any:
    if runner.server is None:
        raise RuntimeError("the server is used before it is set up")
    return runner.server


def _hang_up(connection: web.RequestHandler, silent: set[web.RequestHandler]) -> None:
    """End a connection that has not brought a whole request head; aiohttp has no clock for that."""
    if connection in silent:
        silent.discard(connection)
        if connection.transport is not None:
            connection.transport.abort()


def _heard(silent: set[web.RequestHandler]) -> Any:
    @web.middleware
    async def heard(request: web.Request, handler: Any) -> web.StreamResponse:
        silent.discard(request.protocol)
        answer: web.StreamResponse = await handler(request)
        return answer

    return heard


async def _without_banner(_: web.Request, response: web.StreamResponse) -> None:
    """Drop the header that names the server and its version, which is of use to attackers alone."""
    response.headers.pop("Server", None)
