"""The Bot API of the demo in the tests' hand: what people do, what goes wrong, what was asked."""

import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar

from aiohttp import web
from telegram.request import HTTPXRequest

from bot.demo import bot_api
from bot.demo.bot_methods import GENERAL
from bot.demo.calls import Call
from bot.demo.messenger import Json, Refusal, buttons_of

T = TypeVar("T")


def library_request() -> HTTPXRequest:
    """Return python-telegram-bot's own way to ask, but for certificates that are read once."""
    return HTTPXRequest(connection_pool_size=8, httpx_kwargs={"verify": _certificates()})


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


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


class BotApi(bot_api.BotApi):
    """A Bot API whose people do as they are told, and which fails when it is told to."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self._planned: list[_Planned] = []

    # People's side

    def change_place(self, chat_id: int, user_id: int, status: str) -> None:
        """Promotes or demotes a person; the bot is told if it is an admin there."""
        self.messenger.change_place(self.messenger.chat(chat_id), user_id, status)

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

    def remove_topic(self, chat_id: int, thread_id: int) -> None:
        """From now on the bot hears `message thread not found` there."""
        self.messenger.chat(chat_id).topics.discard(thread_id)

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

    def calls_to(self, method: str) -> list[Mapping[str, Any]]:
        return [called.params for called in self.calls if called.method == method]

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

    # Answering

    async def _respond(self, request: web.Request, call: Call) -> web.StreamResponse:
        planned = self._due_plan(call)
        if isinstance(planned, Body):
            return _as_it_is(planned)
        if planned == "hang":
            await self._until_told()
        if planned in ("hang", "reset"):
            return _dropped(request)
        answer = await super()._respond(request, call)
        return _dropped(request) if planned == "lost" else answer

    def _due_plan(self, call: Call) -> Body | Trouble | None:
        """Return what is to go wrong with this call, None if nothing; raise a planned refusal."""
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


def _as_it_is(body: Body) -> web.Response:
    return web.Response(body=body.body, status=body.status, content_type=body.content_type)


def _dropped(request: web.Request) -> web.Response:
    """Drops the connection; the response is for the server, which has nobody left to tell."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
