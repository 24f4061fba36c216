"""Shell: a Bot API server on loopback, and what tests and the demo's page do to it."""

import asyncio
import json
import mimetypes
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Self, TypeVar

from aiohttp import BodyPartReader, ClientError, ClientSession, ClientTimeout, web

from bot.demo.bot_methods import GENERAL, Profile, document_json, methods_with
from bot.demo.calls import Call, read_call
from bot.demo.flood import FloodLimits
from bot.demo.loopback import Changes, Loopback
from bot.demo.messenger import Change, Chat, ChatType, Json, Messenger, Refusal, Upload, buttons_of

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


class Body(NamedTuple):
    """An answer in place of the server's own: what a proxy before it would say, or garbage."""

    status: int
    body: bytes
    content_type: str


Trouble = Literal["lost", "reset", "hang"]
_What = Refusal | Body | Trouble
Sendable = Literal["text messages", "photos", "documents"]


@dataclass(slots=True, eq=False)
class _Planned:
    """Something out of the ordinary for the next calls that fit; `times` None: until told."""

    chat_id: int | None
    method: str | None
    times: int | None
    what: _What

    def fits(self, call: Call) -> bool:
        if self.times == 0 or (self.method is None and call.method == "getUpdates"):
            return False
        right_chat = self.chat_id is None or call.params.get("chat_id") == self.chat_id
        return right_chat and self.method in (None, call.method)


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
        self._planned: list[_Planned] = []
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

    def change_place(self, chat_id: int, user_id: int, status: str) -> None:
        """Promotes or demotes a person; the bot is told if it is an admin there."""
        self.messenger.change_place(self.messenger.chat(chat_id), user_id, status)

    def change_bot(self, chat_id: int, status: str, user_id: int | None = None) -> None:
        """A person gives the bot another place in a group or channel: takes it in, silences it."""
        chat = self.messenger.chat(chat_id)
        was = chat.members.get(self.messenger.bot["id"], "left")
        silent = {"restricted": "not enough rights to send text messages to the chat"}
        chat.shut = f"Forbidden: {silent[status]}" if status in silent else None
        self.messenger.change_membership(chat, was, status, user_id)

    def speak(self, user_id: int, language: str) -> None:
        """From now on a person's Telegram speaks this language."""
        self.messenger.user(user_id)["language_code"] = language

    def share_chat(self, chat_id: int, label: str, picked: int) -> None:
        """Taps a keyboard's button that asks for a chat, and picks one; LookupError if it lacks."""
        chat = self.messenger.chat(chat_id)
        for button in (button for row in chat.keyboard for button in row):
            if label in button["text"] and "request_chat" in button:
                request = button["request_chat"]["request_id"]
                service = {"chat_shared": {"request_id": request, "chat_id": picked}}
                self.messenger.from_person(chat, service)
                return
        raise LookupError(f"no button {label!r} in the keyboard of {chat_id}")

    def add_topic(self, chat_id: int, thread_id: int, name: str = "") -> None:
        """Makes a topic; what is said in one that has a name hangs on the message that began it."""
        chat = self.messenger.chat(chat_id)
        chat.topics.add(thread_id)
        if name:
            chat.topic_names[thread_id] = name

    def remove_topic(self, chat_id: int, thread_id: int) -> None:
        """From now on the bot hears `message thread not found` there."""
        self.messenger.chat(chat_id).topics.discard(thread_id)

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
        """A person writes; the id of the message. `anonymous` speaks in the group's own name."""
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
        """A person presses a button with this data; the id of the callback query."""
        return self.messenger.press(chat_id, message_id, data, user_id)

    def tap(self, chat_id: int, message_id: int, label: str, *, user_id: int | None = None) -> str:
        """Presses the first button whose text contains `label`; LookupError when there is none."""
        for button in buttons_of(self.messenger.chat(chat_id).messages[message_id]):
            if label in button["text"] and "callback_data" in button:
                return self.press(chat_id, message_id, button["callback_data"], user_id=user_id)
        raise LookupError(f"no button {label!r} under message {message_id}")

    def ask_inline(self, user_id: int, query: str, offset: str = "") -> str:
        """A person types the bot's name and a query; the id of the inline query."""
        query_id = secrets.token_hex(8)
        self.messenger.queries.add(query_id)
        person = self.messenger.user(user_id)
        asked = {"id": query_id, "from": person, "query": query, "offset": offset}
        self.messenger.emit("inline_query", asked)
        return query_id

    def mention_as_guest(self, chat_id: int, user_id: int, text: str) -> str:
        """A person mentions the bot in a chat that it is no part of; the id of the guest query."""
        query_id = secrets.token_hex(8)
        self.messenger.queries.add(query_id)
        name = f"@{self.messenger.bot['username']}"
        message = {
            "message_id": 1,
            "date": self.messenger.date(),
            "chat": {"id": chat_id, "type": "supergroup", "title": "Elsewhere"},
            "from": self.messenger.user(user_id),
            "text": f"{name} {text}".strip(),
            "guest_query_id": query_id,
        }
        self.messenger.emit("guest_message", message)
        return query_id

    def send_file(
        self, chat_id: int, filename: str, content: bytes, *, user_id: int | None = None
    ) -> int:
        kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        document = document_json(self.messenger, Upload(filename, content, kind))
        chat = self.messenger.chat(chat_id)
        return int(self.messenger.from_person(chat, document, user_id=user_id)["message_id"])

    def block(self, chat_id: int, user_id: int | None = None) -> None:
        """The person blocks the bot; in a group, the bot is thrown out."""
        chat = self.messenger.chat(chat_id)
        private = chat.type == "private"
        reason = "blocked by the user" if private else f"kicked from the {chat.type} chat"
        chat.shut = f"Forbidden: bot was {reason}"
        self.messenger.change_membership(chat, "member", "kicked", user_id)

    def unblock(self, chat_id: int) -> None:
        chat = self.messenger.chat(chat_id)
        chat.shut = None
        self.messenger.change_membership(chat, "kicked", "member")

    def migrate(self, old_id: int, new_id: int) -> None:
        """A group becomes a supergroup with another id."""
        self.messenger.migrate(old_id, new_id)

    def clear(self, chat_id: int) -> None:
        """Empties a chat, and forgets what the bot has not fetched from it."""
        self.messenger.clear(chat_id)

    def expire_queries(self) -> None:
        """Makes every unanswered button press and inline query too old to be answered."""
        self.messenger.callbacks.clear()
        self.messenger.queries.clear()

    def close_topic(self, chat_id: int, thread_id: int = GENERAL) -> None:
        """From now on only admins may write in a topic; without its number, in General."""
        self.messenger.chat(chat_id).closed.add(thread_id)

    def reopen_topic(self, chat_id: int, thread_id: int = GENERAL) -> None:
        self.messenger.chat(chat_id).closed.discard(thread_id)

    def forbid(self, chat_id: int, *kinds: Sendable) -> None:
        """The bot may not send these here; with none named, it may send everything again."""
        self.messenger.chat(chat_id).forbidden = set(kinds)

    def slow_down(self, chat_id: int, seconds: int | None) -> None:
        """A group in slow mode: whatever is sent there is told to wait so long; None ends it."""
        self.messenger.chat(chat_id).slow_wait = seconds

    # What goes wrong

    def refuse(
        self,
        chat_id: int | None,
        code: int,
        description: str,
        parameters: Json | None = None,
        *,
        times: int | None = 1,
        method: str | None = None,
    ) -> None:
        """The next `times` calls for the chat (None: any) and method get this error instead.

        `times` None goes on until told otherwise, here and below; getUpdates must be named.
        """
        self._plan(chat_id, method, times, Refusal(code, description, parameters))

    def answer_with(
        self,
        body: bytes,
        status: int = 200,
        content_type: str = "text/html",
        *,
        chat_id: int | None = None,
        times: int | None = 1,
        method: str | None = None,
    ) -> None:
        """The next calls get these bytes, and are not carried out: a proxy's page, or garbage."""
        self._plan(chat_id, method, times, Body(status, body, content_type))

    def emit_raw(self, update: Json) -> None:
        """Sends the bot an update that Telegram should not send: numbered, otherwise as given."""
        self.messenger.emit_raw(update)

    def lose_answer(
        self, chat_id: int | None = None, times: int | None = 1, method: str | None = None
    ) -> None:
        """The next `times` calls are carried out, but the connection drops before the answer."""
        self._plan(chat_id, method, times, "lost")

    def reset(
        self, chat_id: int | None = None, times: int | None = 1, method: str | None = None
    ) -> None:
        """The next `times` calls have their connection dropped, and are not carried out."""
        self._plan(chat_id, method, times, "reset")

    def hang(
        self, chat_id: int | None = None, times: int | None = 1, method: str | None = None
    ) -> None:
        """The next `times` calls get no answer, until `accept_everything` or the caller's end."""
        self._plan(chat_id, method, times, "hang")

    def _plan(
        self, chat_id: int | None, method: str | None, times: int | None, what: _What
    ) -> None:
        self._planned.append(_Planned(chat_id, method, times, what))

    def accept_everything(self, chat_id: int | None = None) -> None:
        """Forgets what was planned to go wrong, for one chat or for all."""
        kept = [each for each in self._planned if chat_id is not None and each.chat_id != chat_id]
        self._planned = kept
        self._changes.note()

    # Looking

    def messages(self, chat_id: int) -> list[Json]:
        """The chat's messages as they stand now, oldest first."""
        chat = self.messenger.chats.get(chat_id)
        return list(chat.messages.values()) if chat else []

    def is_silent(self, chat_id: int, message_id: int) -> bool:
        return message_id in self.messenger.chat(chat_id).silent

    def calls_to(self, method: str) -> list[Mapping[str, Any]]:
        return [called.params for called in self.calls if called.method == method]

    def commands(self, language: str = "") -> list[Json]:
        """What the menu button of a private chat lists."""
        return self.profile.for_private_chat(language)

    def file(self, file_id: str) -> Upload | None:
        kept = self.messenger.files.get(file_id)
        return kept[1] if kept else None

    async def wait_for(self, look: Callable[["BotApi"], T | None], timeout: float = 10) -> T:
        """The first answer of `look` that is neither None nor False, asked at every change."""
        return await self._changes.until(lambda: look(self), timeout)

    async def next_message(self, chat_id: int, after: int = 0, timeout: float = 10) -> Json:
        """The bot's first message in the chat with an id above `after`."""

        def look(_: BotApi) -> Json | None:
            ours = self.messenger.chat(chat_id).ours
            bots = [each for each in self.messages(chat_id) if each["message_id"] in ours]
            return next((message for message in bots if message["message_id"] > after), None)

        return await self.wait_for(look, timeout)

    def on_change(self, callback: Callable[[Change], None]) -> None:
        """Calls back with everything a person with a chat open would see."""
        self._callbacks.append(callback)

    def _noticed(self, change: Change | None) -> None:
        if change is not None:
            self._show(change)
        self._changes.note()

    def _show(self, change: Change) -> None:
        if change.kind == "answer":
            self.answers.append(change.payload)
        for callback in self._callbacks:
            callback(change)

    # The server

    async def _request(self, request: web.Request) -> web.StreamResponse:
        wrong = self._wrong_token(request.match_info["token"])
        if wrong is not None:
            return _refused(wrong)
        try:
            call = await _call(request)
            self.calls.append(Called(call.method, call.params))
            self._changes.note()
            planned = self._due_plan(call)
            if isinstance(planned, Body):
                return _as_it_is(planned)
            if planned == "hang":
                await self._until_told()
            if planned in ("hang", "reset"):
                return _dropped(request)
            result = await self._result(call)
        except Refusal as refusal:
            method = request.match_info["method"]
            self.refusals.append(f"{method}: {refusal.description}")
            return _refused(refusal)
        if planned == "lost":
            return _dropped(request)
        return web.json_response({"ok": True, "result": result})

    def _wrong_token(self, token: str) -> Refusal | None:
        if token == self.token:
            return None
        number, _, secret = token.partition(":")
        well_formed = number.isdecimal() and secret
        return Refusal(401, "Unauthorized") if well_formed else Refusal(404, "Not Found")

    def _due_plan(self, call: Call) -> Body | Trouble | None:
        """What is to go wrong with this call; a planned refusal is raised."""
        planned = next((planned for planned in self._planned if planned.fits(call)), None)
        if planned is None:
            return None
        if planned.times is not None:
            planned.times -= 1
        if isinstance(planned.what, Refusal):
            raise planned.what
        return planned.what

    async def _until_told(self) -> None:
        """Keeps a caller waiting until `accept_everything`."""
        was = self._planned
        await self._changes.until(lambda: self._planned is not was, None)

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
            return self._webhook_info()
        if call.params.get("drop_pending_updates"):
            self.messenger.updates.clear()
        url = call.text("url") if name == "setwebhook" else ""
        self._stop_pushing()
        self._webhook = {"url": url, "secret": call.text("secret_token")} if url else {}
        if url:
            self.messenger.allowed = call.params.get("allowed_updates") or self.messenger.allowed
            self._pusher = asyncio.create_task(self._push())
        return True

    def _webhook_info(self) -> Json:
        return {
            "url": self._webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self.messenger.updates),
        }

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


def _as_it_is(body: Body) -> web.Response:
    return web.Response(body=body.body, status=body.status, content_type=body.content_type)


def _dropped(request: web.Request) -> web.Response:
    """Drops the connection; the response is for the server, which has nobody left to tell."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


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
