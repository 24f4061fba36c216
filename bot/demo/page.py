"""Shell: the chat page of the demo, served on loopback and kept up to date by WebSocket."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import WSMsgType, web

from bot.demo.bot_api import BOT_NAME, BOT_USERNAME, BotApi
from bot.demo.clock import StoryClock
from bot.demo.loopback import Loopback
from bot.demo.messenger import Change, Json

FILES = {"/": "index.html", "/app.js": "app.js", "/style.css": "style.css"}
TICK = 0.2  # seconds between two looks at the clock
LONGEST_MESSAGE = 4096
SPEEDS = (0.5, 1.0, 2.0, 4.0)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(eq=False, slots=True)
class _Window:
    """An open page and what it has still to be told."""

    socket: web.WebSocketResponse
    news: "asyncio.Queue[Json]" = field(default_factory=asyncio.Queue)


class ChatPage:
    """One chat between a person and the bot, and the controls of the story beside it."""

    def __init__(
        self,
        api: BotApi,
        clock: StoryClock,
        *,
        chat_id: int,
        count: Callable[[], int],
        restart: Callable[[], Awaitable[None]],
    ) -> None:
        self._api = api
        self._clock = clock
        self._chat_id = chat_id
        self._count = count
        self._restart = restart
        self._server = Loopback()
        self._windows: set[_Window] = set()
        self._ticking: asyncio.Task[None] | None = None
        api.on_change(self._changed)

    async def start(self, port: int = 0) -> None:
        application = web.Application()
        for path in FILES:
            application.router.add_get(path, _file)
        application.router.add_get("/socket", self._socket)
        application.router.add_get("/files/{file_id}", self._download)
        await self._server.start(application, port)
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        for window in list(self._windows):
            await window.socket.close()
        await self._server.stop()

    @property
    def url(self) -> str:
        return f"{self._server.url}/"

    # To the page

    def _tell(self, news: Json) -> None:
        for window in self._windows:
            window.news.put_nowait(news)

    def _changed(self, change: Change) -> None:
        if change.kind == "commands":
            self._tell({"kind": "commands", "commands": self._api.commands()})
        elif change.chat_id == self._chat_id:
            self._tell(self._seen(change))

    def _seen(self, change: Change) -> Json:
        if change.kind in ("message", "edit"):
            return {"kind": change.kind, "message": self._shown(change.payload)}
        return {"kind": change.kind} | change.payload

    def _shown(self, message: Json) -> Json:
        message_id = message["message_id"]
        return {
            **message,
            "mine": message.get("from", {}).get("id") == self._chat_id,
            "silent": self._api.is_silent(self._chat_id, message_id),
        }

    async def _tick(self) -> None:
        last: Json = {}
        while True:
            now = self._clock_state()
            if now != last:
                self._tell(now)
                last = now
            await asyncio.sleep(TICK)

    def _clock_state(self) -> Json:
        clock = self._clock
        return {
            "kind": "clock",
            "story": clock.now().isoformat(timespec="seconds"),
            "position": round(clock.position, 2),
            "speed": clock.speed,
            "started": clock.started,
            "paused": clock.paused,
            "finished": clock.finished,
            "count": self._count(),
        }

    def _hello(self) -> Json:
        messages = self._api.messages(self._chat_id)
        return {
            "kind": "hello",
            "name": BOT_NAME,
            "username": BOT_USERNAME,
            "commands": self._api.commands(),
            "messages": [self._shown(message) for message in messages],
            "beats": [
                {"at": beat.at, "title": beat.title, "story": beat.story.isoformat()}
                for beat in self._clock.beats
                if not beat.passing
            ],
        }

    # From the page

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Origin") not in (None, f"http://{request.host}"):
            raise web.HTTPForbidden(text="another page may not speak for this one")
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        window = _Window(socket)
        window.news.put_nowait(self._hello())
        window.news.put_nowait(self._clock_state())
        self._windows.add(window)
        telling = asyncio.create_task(_pass_on(window))
        try:
            await self._listen(window)
        finally:
            self._windows.discard(window)
            telling.cancel()
        return socket

    async def _listen(self, window: _Window) -> None:
        async for frame in window.socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            try:
                asked = json.loads(frame.data)
            except ValueError:
                continue
            if isinstance(asked, dict):
                await self._do(window, asked)

    async def _do(self, window: _Window, asked: Json) -> None:
        match asked.get("do"):
            case "say":
                self._say(str(asked.get("text", "")))
            case "press":
                self._press(window, asked)
            case "restart":
                await self._restart()
            case "pause":
                self._clock.pause()
            case "resume":
                self._clock.resume()
            case "step":
                self._clock.step()
            case "speed" if asked.get("speed") in SPEEDS:
                self._clock.set_speed(asked["speed"])
        self._tell(self._clock_state())

    def _say(self, text: str) -> None:
        if text.strip():
            self._clock.start()
            self._api.say(self._chat_id, text[:LONGEST_MESSAGE])

    def _press(self, window: _Window, asked: Json) -> None:
        message_id, data = asked.get("message_id"), asked.get("data")
        if isinstance(message_id, int) and isinstance(data, str):
            query_id = self._api.press(self._chat_id, message_id, data)
            pressed = {"kind": "pressed", "key": asked.get("key"), "callback_query_id": query_id}
            window.news.put_nowait(pressed)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        upload = self._api.file(request.match_info["file_id"])
        if upload is None:
            raise web.HTTPNotFound
        is_picture = upload.content.startswith((b"\x89PNG", b"\xff\xd8"))
        kind = "attachment" if not is_picture else "inline"
        named = f"{kind}; filename*=UTF-8''{quote(upload.filename)}"
        content_type = "image/png" if upload.content.startswith(b"\x89PNG") else "image/jpeg"
        return web.Response(
            body=upload.content,
            content_type=content_type if is_picture else "application/octet-stream",
            headers=HEADERS | {"Content-Disposition": named},
        )


async def _pass_on(window: _Window) -> None:
    while True:
        news: dict[str, Any] = await window.news.get()
        try:
            await window.socket.send_json(news)
        except ConnectionError:
            return


async def _file(request: web.Request) -> web.StreamResponse:
    path = Path(__file__).parent / "page" / FILES[request.path]
    return web.FileResponse(path, headers=HEADERS)
