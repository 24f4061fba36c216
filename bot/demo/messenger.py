"""Functional core but for its clock: the messenger behind the Bot API, its chats and its updates.

It knows nothing of HTTP. Messages, users and updates are kept as the JSON objects of the Bot API.
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bot.demo.formatting import found_in, trimmed

Json = dict[str, Any]
ChatType = Literal["private", "group", "supergroup", "channel"]

ANONYMOUS_ADMIN = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
OWNER = 2001  # who speaks in a group where nobody is named
ON_REQUEST_ONLY = {"chat_member", "message_reaction", "message_reaction_count"}


class Refusal(Exception):
    """Telegram says no: an HTTP status, a description, and parameters for the caller."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(reason: str) -> Refusal:
    return Refusal(400, f"Bad Request: {reason}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent."""

    filename: str
    content: bytes
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Change:
    """Something a person with the chat open would see."""

    kind: Literal["message", "edit", "delete", "answer", "commands", "action", "reaction", "clear"]
    chat_id: int | None
    payload: Json


@dataclass(slots=True)
class Chat:
    id: int
    type: ChatType = "private"
    first_name: str = "Reader"
    title: str | None = None
    messages: dict[int, Json] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)
    members: dict[int, str] = field(default_factory=dict)
    mute_admins: set[int] = field(default_factory=set)  # admins of a channel who may not post
    topics: set[int] = field(default_factory=set)
    topic_names: dict[int, str] = field(default_factory=dict)
    ours: set[int] = field(default_factory=set)  # messages of the bot
    keyboard: list[list[Json]] = field(default_factory=list)  # in place of the letters
    shut: str | None = None  # why nothing can be sent here
    closed: set[int] = field(default_factory=set)  # topics only admins may write in; 1 is General
    forbidden: set[str] = field(default_factory=set)  # what the bot has no right to send here
    slow_wait: int | None = None  # seconds of slow mode that everything sent here is told to wait
    moved_to: int | None = None
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def as_json(self) -> Json:
        named: Json = (
            {"first_name": self.first_name}
            if self.type == "private"
            else {"title": self.title or "Group"}
        )
        return (
            {"id": self.id, "type": self.type}
            | named
            | ({"is_forum": True} if self.topics and self.type == "supergroup" else {})
        )


class Messenger:
    """Chats, people, messages and the updates a bot has not fetched yet."""

    def __init__(
        self, bot: Json, now: Callable[[], datetime], noticed: Callable[[Change | None], None]
    ) -> None:
        self.bot = bot
        self._now = now
        self._noticed = noticed
        self.chats: dict[int, Chat] = {}
        self.users: dict[int, Json] = {}
        self.updates: list[Json] = []
        self.allowed: list[str] = []
        self.callbacks: dict[str, int] = {}  # unanswered button presses and where they happened
        self.queries: set[str] = set()  # inline and guest queries that can be answered
        self.files: dict[str, tuple[str, Upload]] = {}  # file id: path and content
        self._update_ids = itertools.count(700_000_001)
        self._callback_ids = itertools.count(4_000_000_001)
        self._file_ids = itertools.count(1)

    # Chats and people

    def chat(self, chat_id: int) -> Chat:
        """Return an existing chat, or a fresh private one; LookupError for an unknown group."""
        if chat_id not in self.chats:
            if chat_id < 0:
                raise LookupError(f"no chat {chat_id}: add it first")
            self.chats[chat_id] = Chat(chat_id)
        return self.chats[chat_id]

    def user(self, user_id: int, first_name: str = "Reader") -> Json:
        person = {"id": user_id, "is_bot": False, "first_name": first_name, "language_code": "en"}
        return self.users.setdefault(user_id, person)

    def sendable(self, chat_id: Any) -> Chat:
        """Return a chat the bot may write to, or raise the Refusal Telegram gives."""
        if chat_id is None or chat_id == "":
            raise bad_request("chat_id is empty")
        chat = self.chats.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None and chat_id in self.users:
            raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
        if chat is None:
            raise bad_request("chat not found")
        if chat.moved_to is not None:
            parameters = {"migrate_to_chat_id": chat.moved_to}
            reason = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refusal(400, reason, parameters)
        if chat.shut is not None:
            raise Refusal(403, chat.shut)
        return chat

    # What people do

    def say(
        self,
        chat_id: int,
        text: str,
        *,
        user_id: int | None,
        thread_id: int | None,
        reply_to: int | None,
        anonymous: bool,
    ) -> Json:
        chat = self.chat(chat_id)
        bare, _ = trimmed(text, [])
        content: Json = {"text": bare}
        if entities := found_in(bare, []):
            content["entities"] = entities
        return self.from_person(
            chat,
            content,
            user_id=user_id,
            thread_id=thread_id,
            reply_to=reply_to,
            anonymous=anonymous,
        )

    def from_person(
        self,
        chat: Chat,
        content: Json,
        *,
        user_id: int | None = None,
        thread_id: int | None = None,
        reply_to: int | None = None,
        anonymous: bool = False,
    ) -> Json:
        """Put a message of a person, or of the chat itself, into chat and queue; return it."""
        sender: Json = {"sender_chat": chat.as_json()} if anonymous else {}
        if chat.type == "channel":
            sender = {"sender_chat": chat.as_json()}
        elif anonymous:
            sender["from"] = ANONYMOUS_ADMIN
        else:
            sender["from"] = self._speaker(chat, user_id)
        message = self.store(chat, sender | content, thread_id, reply_to)
        self.emit("channel_post" if chat.type == "channel" else "message", message)
        return message

    def _speaker(self, chat: Chat, user_id: int | None) -> Json:
        if chat.type == "private":
            return self.user(chat.id, chat.first_name)
        person = self.user(OWNER if user_id is None else user_id)
        chat.members.setdefault(person["id"], "creator" if user_id is None else "member")
        return person

    def press(self, chat_id: int, message_id: int, data: str, user_id: int | None) -> str:
        """Press a button for a person; return the id of the callback query."""
        chat = self.chat(chat_id)
        callback_id = str(next(self._callback_ids))
        gone = {"chat": chat.as_json(), "message_id": message_id, "date": 0}
        self.callbacks[callback_id] = chat_id
        self.emit(
            "callback_query",
            {
                "id": callback_id,
                "from": self._speaker(chat, user_id),
                "message": chat.messages.get(message_id, gone),
                "chat_instance": str(chat_id),
                "data": data,
            },
        )
        return callback_id

    def change_membership(self, chat: Chat, old: str, new: str, user_id: int | None = None) -> None:
        """Tells the bot that its own place in a chat has changed, and by whom."""
        chat.members[self.bot["id"]] = new
        self.emit(
            "my_chat_member",
            {
                "chat": chat.as_json(),
                "from": self._speaker(chat, user_id),
                "date": self.date(),
                "old_chat_member": place_in(chat, self.bot, old),
                "new_chat_member": place_in(chat, self.bot, new),
            },
        )

    def change_place(self, chat: Chat, user_id: int, status: str) -> None:
        """Gives a person another place in a chat, which only a bot that is an admin is told."""
        old = chat.members.get(user_id, "left")
        chat.members[user_id] = status
        if chat.members.get(self.bot["id"]) != "administrator":
            return
        person = self.user(user_id)
        change = {
            "chat": chat.as_json(),
            "from": self._speaker(chat, None),
            "date": self.date(),
            "old_chat_member": place_in(chat, person, old),
            "new_chat_member": place_in(chat, person, status),
        }
        self.emit("chat_member", change)

    def migrate(self, old_id: int, new_id: int) -> None:
        old = self.chat(old_id)
        new = Chat(new_id, "supergroup", title=old.title, members=dict(old.members))
        self.chats[new_id] = new
        service = {"from": ANONYMOUS_ADMIN}
        last = self.store(old, service | {"migrate_to_chat_id": new_id})
        self.emit("message", last)
        self.emit("message", self.store(new, service | {"migrate_from_chat_id": old_id}))
        old.moved_to = new_id

    # Messages

    def store(
        self,
        chat: Chat,
        content: Json,
        thread_id: int | None = None,
        reply_to: int | None = None,
        *,
        silent: bool = False,
        ours: bool = False,
    ) -> Json:
        """Adds a message to a chat and shows it to whoever has the chat open."""
        message_id = next(chat.ids)
        message = {"message_id": message_id, "chat": chat.as_json(), "date": self.date()} | content
        if thread_id is not None:
            chat.topics.add(thread_id)
            message |= {"message_thread_id": thread_id, "is_topic_message": True}
        if thread_id in chat.topic_names and reply_to is None and not ours:
            began = {"name": chat.topic_names[thread_id], "icon_color": 7322096}
            message["reply_to_message"] = {
                "message_id": thread_id,
                "chat": chat.as_json(),
                "date": self.date(),
                "from": self.user(OWNER),
                "message_thread_id": thread_id,
                "is_topic_message": True,
                "forum_topic_created": began,
            }
        if reply_to in chat.messages:
            original = chat.messages[reply_to]
            message["reply_to_message"] = {
                name: value for name, value in original.items() if name != "reply_to_message"
            }
        if silent:
            chat.silent.add(message_id)
        if ours:
            chat.ours.add(message_id)
        chat.messages[message_id] = message
        self._noticed(Change("message", chat.id, message))
        return message

    def replace(self, chat: Chat, message: Json) -> Json:
        """Puts an edited message in place of the one with its id."""
        chat.messages[message["message_id"]] = message
        self._noticed(Change("edit", chat.id, message))
        return message

    def remove(self, chat: Chat, message_id: int) -> None:
        del chat.messages[message_id]
        self._noticed(Change("delete", chat.id, {"message_id": message_id}))

    def clear(self, chat_id: int) -> None:
        """Empties a chat for everybody and drops what the bot has not fetched from it."""
        chat = self.chat(chat_id)
        chat.messages.clear()
        self.updates = [update for update in self.updates if chat_of(update) != chat_id]
        self._noticed(Change("clear", chat_id, {}))

    def notice(self, change: Change) -> None:
        self._noticed(change)

    def keep_file(self, upload: Upload, folder: str) -> Json:
        number = next(self._file_ids)
        suffix = re.sub(r"[^.\w]", "", upload.filename.rpartition(".")[2]) or "bin"
        path = f"{folder}/file_{number}.{suffix}"
        file_id = f"BQACAgQAAx{number:06d}"
        self.files[file_id] = (path, upload)
        return {
            "file_id": file_id,
            "file_unique_id": f"AgAD{number:06d}",
            "file_size": len(upload.content),
        }

    # Updates

    def emit(self, kind: str, payload: Json) -> None:
        """Queues an update, unless the bot has said that it does not want its kind."""
        unwanted = kind not in self.allowed if self.allowed else kind in ON_REQUEST_ONLY
        if not unwanted:
            self.updates.append({"update_id": next(self._update_ids), kind: payload})
        self._noticed(None)

    def emit_raw(self, update: Json) -> None:
        """Queues an update as it is, however broken; numbered if it bears no number."""
        self.updates.append({"update_id": next(self._update_ids)} | update)
        self._noticed(None)

    def confirm(self, offset: int) -> None:
        """Forgets updates below `offset`; a negative one keeps that many of the newest."""
        if offset < 0:
            self.updates = self.updates[offset:]
        else:
            known = itertools.takewhile(lambda each: _number(each) < offset, self.updates)
            del self.updates[: sum(1 for _ in known)]

    def date(self) -> int:
        return int(self._now().timestamp())


def _number(update: Mapping[str, Any]) -> int:
    """Return the number by which an update is confirmed; 0 for a senseless one.

    So an update with a senseless number is gone with any other.
    """
    number = update["update_id"]
    return number if isinstance(number, int) else 0


def chat_of(update: Mapping[str, Any]) -> int | None:
    for payload in update.values():
        if isinstance(payload, dict):
            chat = payload.get("chat") or payload.get("message", {}).get("chat") or {}
            return chat.get("id")
    return None


_RIGHTS = (
    "can_be_edited",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)

_PERMISSIONS = (
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_send_messages",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_manage_topics",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_edit_tag",
    "can_react_to_messages",
)


def place_in(chat: Chat, user: Json, status: str | None = None) -> Json:
    """Return somebody's place in a chat; in a channel with the rights that only channels have."""
    member = member_json(user, status or chat.members.get(user["id"], "left"))
    if chat.type == "channel" and member["status"] == "administrator":
        may_post = user["id"] not in chat.mute_admins
        member |= {"can_post_messages": may_post, "can_edit_messages": may_post}
    return member


def member_json(user: Json, status: str) -> Json:
    """Return a ChatMember with every field the Bot API requires for its status."""
    member: Json = {"user": user, "status": status}
    if status == "kicked":
        member["until_date"] = 0
    if status == "creator":
        member["is_anonymous"] = False
    if status == "administrator":
        member |= dict.fromkeys(_RIGHTS, True) | {"is_anonymous": False}
    if status == "restricted":
        member |= dict.fromkeys(_PERMISSIONS, False) | {"is_member": True, "until_date": 0}
    return member


def buttons_of(message: Mapping[str, Any]) -> Sequence[Json]:
    """Return every button under a message, row after row."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]
