"""Shell: a Bot API server on loopback, and what the demo's page does to it."""

import asyncio
import json
import math
import mimetypes
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self, TypeVar

from aiohttp import BodyPartReader, ClientError, ClientSession, ClientTimeout, web

from bot.demo.bot_methods import Profile, document_json, methods_with
from bot.demo.calls import Call, read_call
from bot.demo.loopback import Changes, Loopback
from bot.demo.messenger import Change, Chat, ChatType, Json, Messenger, Refusal, Upload

TOKEN = "123456:TEST-token"  # noqa: S105 - a made-up token for a server that only we run
BOT_NAME = "Petition Bell"
BOT_USERNAME = "PetitionBellDemoBot"
LONGEST_POLL = 50  # seconds, as Telegram holds a getUpdates at most
COUNTED = ("send", "edit", "copy", "forward")  # methods under flood limits
TWO_POLLERS = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance "
    "is running"
)
WEBHOOK_SET = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to "
    "delete the webhook first"
)

T = TypeVar("T")


class Called(NamedTuple):
    """A method a bot has called, with its parameters decoded."""

    method: str
    params: Mapping[str, Any]


class BotApi:
    """Answers one bot as Telegram would; people's side of it is `say`, `press` and the like.

    `now` dates messages and feeds the flood limits, which are off unless `limits` is set.
    """

    def __init__(
        self,
        token: str = TOKEN,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        limits: bool = False,
    ) -> None:
        self.token = token
        self._now = now
        self._flood = FloodLimits() if limits else None
        self._server = Loopback()
        self._changes = Changes()
        self._callbacks: list[Callable[[Change], None]] = []
        bot = {"id": int(token.partition(":")[0]), "is_bot": True, "first_name": BOT_NAME}
        self.messenger = Messenger(bot | {"username": BOT_USERNAME}, now, self._noticed)
        self.profile = Profile()
        self._methods = methods_with(self.profile)
        self._poll = 0  # the number of the newest getUpdates: older ones give way to it
        self._polling = 0
        self._webhook: Json = {}
        self._pusher: asyncio.Task[None] | None = None
        self.calls: list[Called] = []
        self.answers: list[Json] = []
        self.refusals: list[str] = []  # methods that were refused, and why

    async def start(self, port: int = 0) -> None:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_get("/file/bot{token}/{path:.+}", self._download)
        application.router.add_route("*", "/bot{token}/{method}", self._request)
        await self._server.start(application, port)

    async def stop(self) -> None:
        self._stop_pushing()
        await self._server.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def base_url(self) -> str:
        return f"{self._server.url}/bot"

    @property
    def base_file_url(self) -> str:
        return f"{self._server.url}/file/bot"

    # People's side

    def add_chat(
        self,
        chat_id: int,
        type: ChatType = "private",
        first_name: str = "Reader",
        title: str | None = None,
    ) -> None:
        self.messenger.chats[chat_id] = Chat(chat_id, type, first_name, title)
        if type == "private":
            self.messenger.user(chat_id, first_name)

    def say(
        self,
        chat_id: int,
        text: str,
        *,
        user_id: int | None = None,
        thread_id: int | None = None,
        reply_to: int | None = None,
        anonymous: bool = False,
    ) -> int:
        """Have a person write; return the id of the message.

        `anonymous` speaks in the group's own name.
        """
        message = self.messenger.say(
            chat_id,
            text,
            user_id=user_id,
            thread_id=thread_id,
            reply_to=reply_to,
            anonymous=anonymous,
        )
        return int(message["message_id"])

    def press(self, chat_id: int, message_id: int, data: str, *, user_id: int | None = None) -> str:
        """Have a person press a button with this data; return the id of the callback query."""
        return self.messenger.press(chat_id, message_id, data, user_id)

    def add_member(
        self, chat_id: int, user_id: int, status: str = "member", *, may_post: bool = True
    ) -> None:
        """Gives a person (or the bot) a place in a chat: `creator`, `administrator`, `left` …

        An administrator of a channel `may_post` there or not; the right has no meaning elsewhere.
        """
        if user_id != self.messenger.bot["id"]:
            self.messenger.user(user_id)
        chat = self.messenger.chat(chat_id)
        chat.members[user_id] = status
        chat.mute_admins.discard(user_id) if may_post else chat.mute_admins.add(user_id)

    def add_topic(self, chat_id: int, thread_id: int, name: str = "") -> None:
        """Makes a topic; what is said in one that has a name hangs on the message that began it."""
        chat = self.messenger.chat(chat_id)
        chat.topics.add(thread_id)
        if name:
            chat.topic_names[thread_id] = name

    def send_file(
        self, chat_id: int, filename: str, content: bytes, *, user_id: int | None = None
    ) -> int:
        kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        document = document_json(self.messenger, Upload(filename, content, kind))
        chat = self.messenger.chat(chat_id)
        return int(self.messenger.from_person(chat, document, user_id=user_id)["message_id"])

    def change_bot(self, chat_id: int, status: str, user_id: int | None = None) -> None:
        """Has a person give the bot another place in a group or channel: take it in, silence it."""
        chat = self.messenger.chat(chat_id)
        was = chat.members.get(self.messenger.bot["id"], "left")
        silent = {"restricted": "not enough rights to send text messages to the chat"}
        chat.shut = f"Forbidden: {silent[status]}" if status in silent else None
        self.messenger.change_membership(chat, was, status, user_id)

    def clear(self, chat_id: int) -> None:
        """Empties a chat, and forgets what the bot has not fetched from it."""
        self.messenger.clear(chat_id)

    # Looking

    def messages(self, chat_id: int) -> list[Json]:
        """Return the chat's messages as they stand now, oldest first."""
        chat = self.messenger.chats.get(chat_id)
        return list(chat.messages.values()) if chat else []

    def is_silent(self, chat_id: int, message_id: int) -> bool:
        return message_id in self.messenger.chat(chat_id).silent

    def commands(self, language: str = "") -> list[Json]:
        """Return the commands that the menu button of a private chat lists."""
        return self.profile.for_private_chat(language)

    def file(self, file_id: str) -> Upload | None:
        kept = self.messenger.files.get(file_id)
        return kept[1] if kept else None

    def on_change(self, callback: Callable[[Change], None]) -> None:
        """Calls back with everything a person with a chat open would see."""
        self._callbacks.append(callback)

    def _noticed(self, change: Change | None) -> None:
        if change is not None:
            if change.kind == "answer":
                self.answers.append(change.payload)
            for callback in self._callbacks:
                callback(change)
        self._changes.note()

    # The server

    async def _request(self, request: web.Request) -> web.StreamResponse:
        wrong = self._wrong_token(request.match_info["token"])
        if wrong is not None:
            return _refused(wrong)
        try:
            call = await _call(request)
            self.calls.append(Called(call.method, call.params))
            self._changes.note()
            return await self._respond(request, call)
        except Refusal as refusal:
            method = request.match_info["method"]
            self.refusals.append(f"{method}: {refusal.description}")
            return _refused(refusal)

    async def _respond(self, request: web.Request, call: Call) -> web.StreamResponse:
        return web.json_response({"ok": True, "result": await self._result(call)})

    def _wrong_token(self, token: str) -> Refusal | None:
        if token == self.token:
            return None
        number, _, secret = token.partition(":")
        well_formed = number.isdecimal() and secret
        return Refusal(401, "Unauthorized") if well_formed else Refusal(404, "Not Found")

    async def _result(self, call: Call) -> Any:
        name = call.method.lower()
        if name == "getupdates":
            return await self._get_updates(call)
        if name in ("setwebhook", "deletewebhook", "getwebhookinfo"):
            return self._webhook_method(name, call)
        method = self._methods.get(name)
        if method is None:
            raise Refusal(404, "Not Found")
        self._hold_back(name, call)
        return method(self.messenger, call)

    def _hold_back(self, name: str, call: Call) -> None:
        chat_id = call.number("chat_id")
        if chat_id is None or not name.startswith(COUNTED) or name == "sendchataction":
            return
        chat = self.messenger.chats.get(chat_id)
        if chat is not None and chat.slow_wait and not name.startswith("edit"):
            raise _too_many(chat.slow_wait)
        if self._flood is None:
            return
        seconds = self._flood.wait(chat_id, self._now().timestamp())
        if seconds:
            raise _too_many(seconds)

    # Updates

    async def _get_updates(self, call: Call) -> list[Json]:
        if self._webhook.get("url"):
            raise Refusal(409, WEBHOOK_SET)
        self._poll += 1
        mine = self._poll
        self._changes.note()
        if isinstance(call.params.get("allowed_updates"), list):
            self.messenger.allowed = call.params["allowed_updates"]
        self.messenger.confirm(call.number("offset") or 0)
        limit = min(max(call.number("limit") or 100, 1), 100)
        seconds = min(call.number("timeout") or 0, LONGEST_POLL)
        try:
            await self._changes.until(
                lambda: bool(self.messenger.updates) or mine != self._poll, seconds
            )
        except TimeoutError:
            return []
        if mine != self._poll:
            raise Refusal(409, TWO_POLLERS)
        return self.messenger.updates[:limit]

    def _webhook_method(self, name: str, call: Call) -> Json | bool:
        if name == "getwebhookinfo":
            return {
                "url": self._webhook.get("url", ""),
                "has_custom_certificate": False,
                "pending_update_count": len(self.messenger.updates),
            }
        if call.params.get("drop_pending_updates"):
            self.messenger.updates.clear()
        url = call.text("url") if name == "setwebhook" else ""
        self._stop_pushing()
        self._webhook = {"url": url, "secret": call.text("secret_token")} if url else {}
        if url:
            self.messenger.allowed = call.params.get("allowed_updates") or self.messenger.allowed
            self._pusher = asyncio.create_task(self._push())
        return True

    def _stop_pushing(self) -> None:
        if self._pusher is not None:
            self._pusher.cancel()
            self._pusher = None

    async def _push(self) -> None:
        """Posts updates to the webhook, oldest first, each until it is accepted."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": self._webhook["secret"]}
        async with ClientSession(timeout=ClientTimeout(total=10)) as session:
            while True:
                await self._changes.until(lambda: bool(self.messenger.updates), None)
                update = self.messenger.updates[0]
                if await _accepted(session, self._webhook["url"], update, headers):
                    self.messenger.confirm(update["update_id"] + 1)
                else:
                    await asyncio.sleep(0.2)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self.token:
            return _refused(Refusal(401, "Unauthorized"))
        for path, upload in self.messenger.files.values():
            if path == request.match_info["path"]:
                return web.Response(body=upload.content, content_type="application/octet-stream")
        return _refused(Refusal(404, "Not Found"))


async def _accepted(
    session: ClientSession, url: str, update: Json, headers: Mapping[str, str]
) -> bool:
    try:
        async with session.post(url, json=update, headers=headers) as response:
            return response.ok
    except (ClientError, TimeoutError):
        return False


def _too_many(seconds: int) -> Refusal:
    reason = f"Too Many Requests: retry after {seconds}"
    return Refusal(429, reason, {"retry_after": seconds})


def _refused(refusal: Refusal) -> web.Response:
    body: Json = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    return web.json_response(body, status=refusal.code)


async def _call(request: web.Request) -> Call:
    raw: dict[str, Any] = dict(request.query)
    files: dict[str, Upload] = {}
    if request.content_type == "application/json":
        raw |= _json_object(await request.text())
    elif request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name:
                await _read_part(part, part.name, raw, files)
    else:
        raw |= dict(await request.post())
    return read_call(request.match_info["method"], raw, files)


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refusal(400, "Bad Request: can't parse JSON object")
    return value


async def _read_part(
    part: BodyPartReader, name: str, raw: dict[str, Any], files: dict[str, Upload]
) -> None:
    if part.filename is None:
        raw[name] = await part.text()
        return
    kind = part.headers.get("Content-Type", "application/octet-stream")
    files[name] = Upload(part.filename, bytes(await part.read()), kind)


OVERALL = 30  # messages a second
BURST = 3  # messages a chat takes at once before one a second holds
GROUP = 20  # messages a minute in one group


class FloodLimits:
    """Counts messages and says how long to wait; times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._overall: deque[float] = deque()
        self._groups: defaultdict[int, deque[float]] = defaultdict(deque)
        self._credit: dict[int, tuple[float, float]] = {}  # chat: messages left, when counted
        self._halted: dict[int, float] = {}

    def wait(self, chat_id: int, now: float) -> int:
        """Return the whole seconds to wait before this chat may be sent to.

        With 0, the message counts as sent.
        """
        until = max(self._halted.get(chat_id, now), self._ready(chat_id, now))
        if until > now:
            self._halted[chat_id] = until
            return max(1, math.ceil(until - now))
        self._count(chat_id, now)
        return 0

    def _ready(self, chat_id: int, now: float) -> float:
        times = [
            _free_at(self._overall, OVERALL, 1.0, now),
            now + max(0.0, 1.0 - self._left(chat_id, now)),
        ]
        if chat_id < 0:
            times.append(_free_at(self._groups[chat_id], GROUP, 60.0, now))
        return max(times)

    def _left(self, chat_id: int, now: float) -> float:
        left, counted = self._credit.get(chat_id, (float(BURST), now))
        return min(float(BURST), left + now - counted)

    def _count(self, chat_id: int, now: float) -> None:
        self._overall.append(now)
        self._groups[chat_id].append(now)
        self._credit[chat_id] = (self._left(chat_id, now) - 1.0, now)


def _free_at(sent: deque[float], most: int, window: float, now: float) -> float:
    while sent and sent[0] <= now - window:
        sent.popleft()
    return now if len(sent) < most else sent[-most] + window
