"""Shell: the chat page of the demo, served on loopback and kept up to date by WebSocket."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import WSMsgType, web

from bot.demo.bot_api import BOT_NAME, BOT_USERNAME, BotApi
from bot.demo.clock import StoryClock
from bot.demo.loopback import Loopback
from bot.demo.messenger import Change, Json
from bot.demo.reader import CHAT_ID, GROUP_ID, ROOMS, Reader, Room

FILES = {"/": "index.html", "/app.js": "app.js", "/style.css": "style.css"}
TICK = 0.2  # seconds between two looks at the clock
LONGEST_MESSAGE = 4096
LONGEST_NAME = 200
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
    """An open page, and the news that it has still to be told."""

    socket: web.WebSocketResponse
    news: "asyncio.Queue[Json]" = field(default_factory=asyncio.Queue)


class ChatPage:
    """A reader's chats with the bot, and the controls of the story beside them."""

    def __init__(
        self,
        api: BotApi,
        clock: StoryClock,
        reader: Reader,
        *,
        count: Callable[[], int],
        restart: Callable[[], Awaitable[None]],
        invented: Sequence[int],
    ) -> None:
        """Serve the page for these parts; `invented` are petitions that no real site has."""
        self._api = api
        self._clock = clock
        self._reader = reader
        self._count = count
        self._restart = restart
        self._invented = invented
        self._server = Loopback()
        self._windows: set[_Window] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._restarting = asyncio.Lock()  # what is said meanwhile waits, so that it is not lost
        api.on_change(self._changed)

    async def start(self, port: int = 0) -> None:
        application = web.Application()
        for path in FILES:
            application.router.add_get(path, _file)
        application.router.add_get("/socket", self._socket)
        application.router.add_get("/files/{file_id}", self._download)
        application.router.add_post("/files", self._upload)
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
        return f"{self._server.named_url}/"

    # To the page

    def _tell(self, news: Json) -> None:
        for window in self._windows:
            window.news.put_nowait(news)

    def _changed(self, change: Change) -> None:
        if change.kind == "commands":
            self._tell({"kind": "commands", "commands": self._api.commands()})
        elif change.chat_id in (CHAT_ID, GROUP_ID):
            self._tell(self._seen(change))

    def _seen(self, change: Change) -> Json:
        if change.kind in ("message", "edit"):
            return {"kind": change.kind, "message": self._shown(change.payload)}
        return {"kind": change.kind, "chat_id": change.chat_id} | change.payload

    def _shown(self, message: Mapping[str, Any]) -> Json:
        chat_id, message_id = message["chat"]["id"], message["message_id"]
        return {
            **message,
            "room": _room_of(message).key,
            "mine": message.get("from", {}).get("id") == CHAT_ID,
            "silent": self._api.is_silent(chat_id, message_id),
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
            "waiting": clock.waiting,
            "finished": clock.finished,
            "count": self._count(),
            "in_group": self._reader.is_bot_in_group,
        }

    def _hello(self) -> Json:
        return {
            "kind": "hello",
            "name": BOT_NAME,
            "username": BOT_USERNAME,
            "start_link": f"https://t.me/{BOT_USERNAME}?start=",
            "commands": self._api.commands(),
            "rooms": [{"key": room.key, "title": room.title} for room in ROOMS.values()],
            "invented": self._invented,
            "messages": [self._shown(message) for message in self._reader.messages()],
            "beats": [
                {"at": beat.at, "title": beat.title, "story": beat.story.isoformat()}
                for beat in self._clock.beats
                if not beat.passing
            ],
        }

    # From the page

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        _refuse_others(request)
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
                text, reply_to = str(asked.get("text", "")), asked.get("reply_to")
                if text.strip():
                    answered = reply_to if isinstance(reply_to, int) else None
                    self._reader.say(
                        _room_named(asked.get("room")), text[:LONGEST_MESSAGE], answered
                    )
            case "press":
                self._press(window, asked)
            case "restart":
                async with self._restarting:
                    await self._restart()
            case "pause":
                self._clock.pause()
            case "resume":
                self._reader.go_on()
            case "join":
                self._reader.take_the_bot_in()
            case "step":
                self._clock.step()
            case "speed" if asked.get("speed") in SPEEDS:
                self._clock.set_speed(asked["speed"])
        self._tell(self._clock_state())

    def _press(self, window: _Window, asked: Json) -> None:
        message_id, data = asked.get("message_id"), asked.get("data")
        if isinstance(message_id, int) and isinstance(data, str):
            query_id = self._reader.press(_room_named(asked.get("room")), message_id, data)
            pressed = {"kind": "pressed", "key": asked.get("key"), "callback_query_id": query_id}
            window.news.put_nowait(pressed)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        _refuse_others(request)
        name, content = request.query.get("name", "file"), await request.read()
        async with self._restarting:
            room = _room_named(request.query.get("room"))
            self._reader.send_file(room, name[-LONGEST_NAME:], content)
        return web.Response(status=204, headers=HEADERS)

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


def _refuse_others(request: web.Request) -> None:
    """Refuse requests of other pages: only the page itself speaks for its reader."""
    if request.headers.get("Origin") not in (None, f"http://{request.host}"):
        raise web.HTTPForbidden(text="another page may not speak for this one")


def _room_named(key: Any) -> Room:
    return ROOMS.get(str(key), ROOMS["private"])


def _room_of(message: Mapping[str, Any]) -> Room:
    """Return the room in which a message stands, General for a topic that is not shown."""
    chat_id, thread_id = message["chat"]["id"], message.get("message_thread_id")
    if chat_id == CHAT_ID:
        return ROOMS["private"]
    found = (
        room for room in ROOMS.values() if (room.chat_id, room.thread_id) == (chat_id, thread_id)
    )
    return next(found, ROOMS["general"])


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
