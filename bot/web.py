"""The bot's own server: Telegram's webhook, health for probes, figures for Prometheus."""

import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import structlog
from aiohttp import web
from telegram import Update
from telegram.ext import Application

from bot.health import Finding
from bot.metrics import CONTENT_TYPE
from bot.petitions.errors import ConfigError

log = structlog.get_logger(__name__)

AnyApplication: TypeAlias = Application[Any, Any, Any, Any, Any, Any]

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
LARGEST_UPDATE = 1024 * 1024
_REMEMBERED = 2048  # updates: many times what Telegram has under way at once
_MOST_WAITING = 1000


class Webhook:
    """Takes updates from Telegram, and from nobody else.

    Path and secret are derived from the token with a key each, so nothing has to be stored, and
    neither tells anything of the other or of the token.
    """

    def __init__(
        self, application: AnyApplication, token: str, counted: Callable[[str], None]
    ) -> None:
        self.path = f"/telegram/{_derived(token, 'webhook path')}"
        self.secret = _derived(token, "webhook secret")
        self._application = application
        self._counted = counted
        self._seen: OrderedDict[int, None] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        """The one address updates may be posted to."""
        return [web.post(self.path, self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        """Queue the update and answer at once; handling goes on by itself."""
        status, outcome = await self._take(request)
        self._counted(outcome)
        return web.Response(status=status)

    async def _take(self, request: web.Request) -> tuple[int, str]:
        if not self._is_telegram(request):
            return 403, "stranger"
        if not self._application.running or self._application.update_queue.qsize() > _MOST_WAITING:
            return 503, "busy"  # Telegram keeps the update and posts it again
        if request.content_type != "application/json":
            return 415, "malformed"
        try:
            update = self._read(await request.read())
        except web.HTTPRequestEntityTooLarge:
            return 413, "too_large"
        if update is None:
            return 400, "malformed"
        if self._is_replay(update.update_id):
            return 200, "replay"
        self._application.update_queue.put_nowait(update)
        return 200, "taken"

    def _is_telegram(self, request: web.Request) -> bool:
        given = request.headers.get(SECRET_HEADER, "")
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.secret.encode())

    def _read(self, body: bytes) -> Update | None:
        try:
            data = json.loads(body)
            if not isinstance(data["update_id"], int):
                return None
            return Update.de_json(data, self._application.bot)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def _is_replay(self, update_id: int) -> bool:
        if update_id in self._seen:
            return True
        self._seen[update_id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False


def _derived(token: str, purpose: str) -> str:
    """64 hexadecimal digits that only whoever holds the token can work out."""
    return hmac.new(token.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def health_routes(
    findings: Callable[[], Awaitable[Sequence[Finding]]],
    figures: Callable[[], Awaitable[bytes]],
    standby: Callable[[], list[str]],
) -> list[web.RouteDef]:
    """`/healthz` (the process lives), `/readyz` (it can do its work) and `/metrics`.

    Only what keeps this process from its own work makes it unready; `warnings` are all else that is
    wrong, `standby` the roles that are another process's at present.
    """

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        found = [finding for finding in await findings() if finding.trouble]
        problems = [finding.trouble for finding in found if finding.is_grave]
        answer: dict[str, Any] = {"ready": not problems, "problems": problems}
        if warnings := [finding.trouble for finding in found if not finding.is_grave]:
            answer["warnings"] = warnings
        if roles := standby():
            answer["standby"] = roles
        return web.json_response(answer, status=503 if problems else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await figures(), headers={"Content-Type": CONTENT_TYPE})

    return [web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", metrics)]


@asynccontextmanager
async def serving(host: str, port: int, routes: Iterable[web.RouteDef]) -> AsyncIterator[int]:
    """Serve the routes, telling the port (a free one for 0).

    Raises ConfigError if the address cannot be listened at.
    """
    application = web.Application(client_max_size=LARGEST_UPDATE)
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigError([f"web.listen: cannot listen there ({reason})"]) from error
        log.info("serving", host=host, port=runner.addresses[0][1])
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
