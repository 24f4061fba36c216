"""Functional core: what each method of the Bot API does to the messenger.

A method takes the messenger and a call and gives the `result`, or raises Refusal with Telegram's
own description. Names of methods are compared without regard to case, as Telegram does.
"""

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from telegram.constants import ChatAction, ReactionEmoji

from bot.demo.calls import Call
from bot.demo.formatting import normal_url, utf16_length
from bot.demo.keyboards import markup_of
from bot.demo.message_content import caption_of, text_of, written
from bot.demo.messenger import Change, Chat, Json, Messenger, Refusal, Upload, bad_request, place_in

LONGEST_TOAST = 200
LARGEST_DOWNLOAD = 20 * 1024 * 1024
ADMINS = ("creator", "administrator")
GENERAL = 1  # the topic of a forum that has no number of its own
TEXTS = "text messages"
DELETABLE = 48 * 3600  # seconds during which a message can be deleted for everybody
ACTIONS = frozenset(ChatAction)
REACTIONS = frozenset(ReactionEmoji)
SCOPES = (
    "default",
    "all_private_chats",
    "all_group_chats",
    "all_chat_administrators",
    "chat",
    "chat_administrators",
    "chat_member",
)
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"

SEEN_AS_EDITED = ("text", "entities", "caption", "caption_entities")

Method = Callable[[Messenger, Call], Any]


# Sending


def _deliver(messenger: Messenger, call: Call, what: str, content: Json) -> Json:
    markup = markup_of(call.params.get("reply_markup"))
    chat = messenger.sendable(call.params.get("chat_id"))
    thread_id = _thread(messenger, chat, call)
    if what in chat.forbidden:
        raise bad_request(f"not enough rights to send {what} to the chat")
    reply_to = _reply_target(chat, call)
    content |= _quote(chat, call, reply_to)
    protected = {"has_protected_content": True} if call.params.get("protect_content") else {}
    sender = {"sender_chat": chat.as_json()} if chat.type == "channel" else {"from": messenger.bot}
    silent = bool(call.params.get("disable_notification"))
    whole = sender | content | markup | protected | _receiver(messenger, call)
    _change_keyboard(chat, call)
    return messenger.store(chat, whole, thread_id, reply_to, silent=silent, ours=True)


def _thread(messenger: Messenger, chat: Chat, call: Call) -> int | None:
    thread_id = call.number("message_thread_id")
    if thread_id is not None and thread_id not in chat.topics:
        raise bad_request("message thread not found")
    bot = chat.members.get(messenger.bot["id"])
    if (thread_id or GENERAL) in chat.closed and bot not in ADMINS:
        raise bad_request("TOPIC_CLOSED")
    return thread_id


def _quote(chat: Chat, call: Call, reply_to: int | None) -> Json:
    if reply_to is None or not call.params["reply_parameters"].get("quote"):
        return {}
    quote: str = call.params["reply_parameters"]["quote"]
    original = chat.messages[reply_to]
    if quote not in str(original.get("text") or original.get("caption") or ""):
        raise bad_request("QUOTE_TEXT_INVALID")
    return {"quote": {"text": quote, "position": 0, "is_manual": True}}


def _receiver(messenger: Messenger, call: Call) -> Json:
    """Return the field that names who alone sees a message, {} if everybody in the chat does."""
    asked = call.params.get("ephemeral_message_parameters")
    if not asked:
        return {}
    return {"receiver_user": messenger.user(asked["receiver_user_id"])}


def _change_keyboard(chat: Chat, call: Call) -> None:
    """Set or remove the chat's keyboard in place of the letters, if the call has one."""
    markup = call.params.get("reply_markup") or {}
    if "keyboard" in markup:
        chat.keyboard = markup["keyboard"]
    elif markup.get("remove_keyboard"):
        chat.keyboard = []


def _reply_target(chat: Chat, call: Call) -> int | None:
    asked = call.params.get("reply_parameters")
    if not asked:
        return None
    if not isinstance(asked, dict) or not isinstance(asked.get("message_id"), int):
        raise bad_request('can\'t find field "message_id"')
    message_id: int = asked["message_id"]
    if message_id in chat.messages:
        return message_id
    if asked.get("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


def send_message(messenger: Messenger, call: Call) -> Json:
    return _deliver(messenger, call, TEXTS, text_of(call, "message is too long"))


def send_photo(messenger: Messenger, call: Call) -> Json:
    caption = caption_of(call)
    messenger.sendable(call.params.get("chat_id"))
    return _deliver(messenger, call, "photos", _photo(messenger, call) | caption)


def _photo(messenger: Messenger, call: Call) -> Json:
    upload = _file(messenger, call, "photo")
    width, height = _picture_size(upload.content)
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    size = messenger.keep_file(upload, "photos") | {"width": width, "height": height}
    return {"photo": [size]}


def _picture_size(content: bytes) -> tuple[int, int]:
    """Return width and height in pixels; those of a JPEG are taken for 1280 x 960."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return max(width, 1), max(height, 1)
    if content.startswith(b"\xff\xd8"):
        return 1280, 960
    raise bad_request("IMAGE_PROCESS_FAILED")


def send_document(messenger: Messenger, call: Call) -> Json:
    caption = caption_of(call)
    messenger.sendable(call.params.get("chat_id"))
    upload = _file(messenger, call, "document")
    return _deliver(messenger, call, "documents", document_json(messenger, upload) | caption)


def document_json(messenger: Messenger, upload: Upload) -> Json:
    kept = messenger.keep_file(upload, "documents")
    named = {"file_name": upload.filename, "mime_type": upload.content_type}
    return {"document": kept | named}


def _file(messenger: Messenger, call: Call, name: str) -> Upload:
    """Return an uploaded file, or one Telegram has already, named by its file id."""
    known = messenger.files.get(call.text(name))
    upload = known[1] if known else call.upload(name)
    if upload is None and name not in call.params:
        raise bad_request(f"there is no {name} in the request")
    if upload is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if not upload.content:
        raise bad_request("file must be non-empty")
    return upload


# Editing


def _to_edit(messenger: Messenger, call: Call, what: str = "edit") -> tuple[Chat, Json]:
    if not call.number("message_id"):
        raise bad_request("message identifier is not specified")
    chat = messenger.sendable(call.params.get("chat_id"))
    message = chat.messages.get(call.number("message_id") or 0)
    if message is None:
        raise bad_request(f"message to {what} not found")
    if what == "edit" and message.get("from") != messenger.bot and chat.type != "channel":
        raise bad_request("message can't be edited")
    return chat, message


def _edited(messenger: Messenger, call: Call, replaced: tuple[str, ...], content: Json) -> Json:
    """Return the message with the fields of `replaced` taken from `content`."""
    chat, before = _to_edit(messenger, call)
    untouched = {name: value for name, value in before.items() if name not in replaced}
    after = untouched | content | markup_of(call.params.get("reply_markup"))
    if after == {name: value for name, value in before.items() if name != "edit_date"}:
        raise bad_request(NOT_MODIFIED)
    if any(before.get(name) != after.get(name) for name in SEEN_AS_EDITED):
        after["edit_date"] = messenger.date()
    elif "edit_date" in before:
        after["edit_date"] = before["edit_date"]
    return messenger.replace(chat, after)


def edit_message_text(messenger: Messenger, call: Call) -> Json | bool:
    if call.params.get("inline_message_id"):
        return True
    if not call.text("text"):
        raise bad_request("message text is empty")
    _, before = _to_edit(messenger, call)
    if "text" not in before:
        raise bad_request("there is no text in the message to edit")
    content = text_of(call, "MESSAGE_TOO_LONG")
    replaced = ("text", "entities", "link_preview_options", "reply_markup", "edit_date")
    return _edited(messenger, call, replaced, content)


def edit_message_caption(messenger: Messenger, call: Call) -> Json | bool:
    if call.params.get("inline_message_id"):
        return True
    _, before = _to_edit(messenger, call)
    if not ("photo" in before or "document" in before):
        raise bad_request("there is no caption in the message to edit")
    content = caption_of(call, "MEDIA_CAPTION_TOO_LONG")
    replaced = ("caption", "caption_entities", "reply_markup", "edit_date")
    return _edited(messenger, call, replaced, content)


def edit_message_reply_markup(messenger: Messenger, call: Call) -> Json | bool:
    if call.params.get("inline_message_id"):
        return True
    return _edited(messenger, call, ("reply_markup", "edit_date"), {})


def delete_message(messenger: Messenger, call: Call) -> bool:
    chat, message = _to_edit(messenger, call, "delete")
    theirs = message["message_id"] not in chat.ours and chat.type != "private"
    if theirs and chat.members.get(messenger.bot["id"]) not in ADMINS:
        raise bad_request("message can't be deleted")
    if messenger.date() - message["date"] >= DELETABLE:
        raise bad_request("message can't be deleted for everyone")
    messenger.remove(chat, message["message_id"])
    return True


# Small signs


def answer_callback_query(messenger: Messenger, call: Call) -> bool:
    if call.text("callback_query_id") not in messenger.callbacks:
        raise bad_request(TOO_OLD)
    if utf16_length(call.text("text")) > LONGEST_TOAST:
        raise bad_request("MESSAGE_TOO_LONG")
    chat_id = messenger.callbacks.pop(call.text("callback_query_id"))
    answer = {
        "callback_query_id": call.text("callback_query_id"),
        "text": call.text("text"),
        "show_alert": bool(call.params.get("show_alert")),
    }
    messenger.notice(Change("answer", chat_id, answer))
    return True


def answer_inline_query(messenger: Messenger, call: Call) -> bool:
    check_answer(call.params)
    _close_query(messenger, call.text("inline_query_id"))
    messenger.notice(Change("answer", None, dict(call.params)))
    return True


def _close_query(messenger: Messenger, query_id: str) -> None:
    if query_id not in messenger.queries:
        raise bad_request(TOO_OLD)
    messenger.queries.remove(query_id)


def answer_guest_query(messenger: Messenger, call: Call) -> Json:
    check_result(call.params.get("result"))
    if call.text("guest_query_id") not in messenger.queries:
        raise bad_request("GUEST_QUERY_ID_INVALID")
    messenger.queries.remove(call.text("guest_query_id"))
    messenger.notice(Change("answer", None, dict(call.params)))
    return {"inline_message_id": call.text("guest_query_id")}


def send_chat_action(messenger: Messenger, call: Call) -> bool:
    chat = messenger.sendable(call.params.get("chat_id"))
    if call.text("action") not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    messenger.notice(Change("action", chat.id, {"action": call.text("action")}))
    return True


def set_message_reaction(messenger: Messenger, call: Call) -> bool:
    chat, message = _to_edit(messenger, call, "react")
    for each in call.params.get("reaction") or []:
        if each.get("type") == "emoji" and each.get("emoji") not in REACTIONS:
            raise bad_request("REACTION_INVALID")
    reaction = {
        "message_id": message["message_id"],
        "reaction": call.params.get("reaction") or [],
    }
    messenger.notice(Change("reaction", chat.id, reaction))
    return True


# Chats and files


def get_me(messenger: Messenger, call: Call) -> Json:
    return messenger.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": True,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def get_chat(messenger: Messenger, call: Call) -> Json:
    chat = messenger.sendable(call.params.get("chat_id"))
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
    return chat.as_json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys((*gifts, "gifts_from_channels"), True),
    }


def get_chat_member(messenger: Messenger, call: Call) -> Json:
    chat = messenger.sendable(call.params.get("chat_id"))
    user_id = call.number("user_id")
    if not user_id:
        raise bad_request("invalid user_id specified")
    if user_id == messenger.bot["id"]:
        return place_in(chat, messenger.bot, chat.members.get(user_id, "member"))
    if user_id not in messenger.users:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return place_in(chat, messenger.users[user_id])


def get_chat_administrators(messenger: Messenger, call: Call) -> list[Json]:
    chat = messenger.sendable(call.params.get("chat_id"))
    if chat.type == "private":
        raise bad_request("there are no administrators in the private chat")
    return [
        place_in(chat, messenger.users[user_id], status)
        for user_id, status in chat.members.items()
        if status in ADMINS and user_id in messenger.users
    ]


def get_file(messenger: Messenger, call: Call) -> Json:
    kept = messenger.files.get(call.text("file_id"))
    if kept is None:
        raise bad_request("invalid file_id")
    path, upload = kept
    if len(upload.content) > LARGEST_DOWNLOAD:
        raise bad_request("file is too big")
    size = len(upload.content)
    file_id = call.text("file_id")
    return {"file_id": file_id, "file_unique_id": file_id, "file_size": size, "file_path": path}


def leave_chat(messenger: Messenger, call: Call) -> bool:
    chat = messenger.sendable(call.params.get("chat_id"))
    chat.shut = "Forbidden: bot is not a member of the supergroup chat"
    return True


def _always_true(messenger: Messenger, call: Call) -> bool:
    return True


# What the bot says about itself


class Profile:
    """The bot's commands and descriptions, by scope and language."""

    def __init__(self) -> None:
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.texts: dict[tuple[str, str], str] = {}

    def set_commands(self, messenger: Messenger, call: Call) -> bool:
        commands = call.params.get("commands")
        if not isinstance(commands, list):
            raise bad_request("can't parse commands JSON object")
        if len(commands) > 100:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", ""))):
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= utf16_length(str(command.get("description", "")).strip()) <= 256:
                raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        _check_scope(messenger, call)
        self.commands[_scope(call)] = commands
        messenger.notice(Change("commands", None, {}))
        return True

    def get_commands(self, messenger: Messenger, call: Call) -> list[Json]:
        return self.commands.get(_scope(call), [])

    def delete_commands(self, messenger: Messenger, call: Call) -> bool:
        self.commands.pop(_scope(call), None)
        messenger.notice(Change("commands", None, {}))
        return True

    def for_private_chat(self, language: str = "") -> list[Json]:
        """Return the commands a person sees in a chat with the bot: the most fitting list set."""
        for scope in ('{"type": "all_private_chats"}', '{"type": "default"}'):
            for code in (language, ""):
                if (scope, code) in self.commands:
                    return self.commands[(scope, code)]
        return []

    def setter(self, name: str, longest: int) -> Method:
        def set_text(messenger: Messenger, call: Call) -> bool:
            if utf16_length(call.text(name)) > longest:
                raise bad_request(f"bot {name.replace('_', ' ')} is too long")
            self.texts[(name, call.text("language_code"))] = call.text(name)
            return True

        return set_text

    def getter(self, name: str) -> Method:
        def get_text(messenger: Messenger, call: Call) -> Json:
            return {name: self.texts.get((name, call.text("language_code")), "")}

        return get_text


def _check_scope(messenger: Messenger, call: Call) -> None:
    scope = call.params.get("scope") or {"type": "default"}
    if scope.get("type") not in SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    if str(scope["type"]).startswith("chat"):
        messenger.sendable(scope.get("chat_id"))
    if not re.fullmatch(r"([a-z]{2})?", call.text("language_code")):
        raise bad_request("invalid language code specified")


def _scope(call: Call) -> tuple[str, str]:
    scope: Json = call.params.get("scope") or {"type": "default"}
    inside = ", ".join(f'"{name}": "{scope[name]}"' for name in sorted(scope))
    return f"{{{inside}}}", call.text("language_code")


def methods_with(profile: Profile) -> dict[str, Method]:
    """Return every method that needs no network of its own, by its name in lower case."""
    return {
        "getme": get_me,
        "close": _always_true,
        "logout": _always_true,
        "sendmessage": send_message,
        "sendphoto": send_photo,
        "senddocument": send_document,
        "editmessagetext": edit_message_text,
        "editmessagecaption": edit_message_caption,
        "editmessagereplymarkup": edit_message_reply_markup,
        "deletemessage": delete_message,
        "answercallbackquery": answer_callback_query,
        "answerinlinequery": answer_inline_query,
        "answerguestquery": answer_guest_query,
        "sendchataction": send_chat_action,
        "setmessagereaction": set_message_reaction,
        "getchat": get_chat,
        "getchatmember": get_chat_member,
        "getchatadministrators": get_chat_administrators,
        "getfile": get_file,
        "leavechat": leave_chat,
        "pinchatmessage": _always_true,
        "unpinchatmessage": _always_true,
        "setchatmenubutton": _always_true,
        "setmycommands": profile.set_commands,
        "getmycommands": profile.get_commands,
        "deletemycommands": profile.delete_commands,
        "setmyname": profile.setter("name", 64),
        "getmyname": profile.getter("name"),
        "setmydescription": profile.setter("description", 512),
        "getmydescription": profile.getter("description"),
        "setmyshortdescription": profile.setter("short_description", 120),
        "getmyshortdescription": profile.getter("short_description"),
    }


MOST_RESULTS = 50
LONGEST_ID = 64  # bytes
LONGEST_OFFSET = 64  # bytes
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")


def start_parameter(text: str) -> bool:
    """Return whether a link to the bot may carry this to it."""
    return _PAYLOAD.fullmatch(text) is not None


def check_answer(params: Mapping[str, Any]) -> None:
    """Refuses an answer to an inline query that Telegram would refuse."""
    results = params.get("results")
    if not isinstance(results, list):
        raise bad_request("can't parse results JSON object" if results else "results is empty")
    if len(results) > MOST_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    for result in results:
        check_result(result)
    _check_ids([result["id"] for result in results])
    if len(str(params.get("next_offset") or "").encode()) > LONGEST_OFFSET:
        raise bad_request("NEXT_OFFSET_INVALID")
    _check_button(params.get("button"))


def check_result(result: Any) -> None:
    """Refuses what lacks a field an article needs, and every other kind of result."""
    if not isinstance(result, dict):
        raise _unreadable("Expected an Object")
    kind = str(result.get("type", ""))
    if kind != "article":
        raise _unreadable(f'type "{kind}" is unsupported for the inline query result')
    for name in ("id", "title"):
        _need(result, name)
    _check_content(result.get("input_message_content"))
    markup_of(result.get("reply_markup"))
    for name in ("url", "thumbnail_url"):
        if result.get(name) and normal_url(str(result[name])) is None:
            raise bad_request("ARTICLE_URL_INVALID" if name == "url" else "WEBDOCUMENT_URL_INVALID")


def _need(result: Mapping[str, Any], name: str) -> None:
    if name not in result:
        raise _unreadable(f'Can\'t find field "{name}"')
    if not isinstance(result[name], str):
        raise _unreadable(f'Field "{name}" must be of type String')
    if name == "title" and not result[name].strip():
        raise bad_request("ARTICLE_TITLE_EMPTY")


def _check_content(content: Any) -> None:
    if not isinstance(content, dict):
        raise _unreadable('Can\'t find field "input_message_content"')
    if "message_text" not in content:
        raise _unreadable("Input message content is not specified")
    try:
        written(
            str(content["message_text"]),
            str(content.get("parse_mode") or ""),
            content.get("entities"),
            content.get("link_preview_options"),
            "MESSAGE_TOO_LONG",
        )
    except Refusal as refusal:
        reason = refusal.description.removeprefix("Bad Request: ")
        raise _unreadable(reason[0].upper() + reason[1:]) from None


def _check_ids(ids: Sequence[str]) -> None:
    if any(not 1 <= len(name.encode()) <= LONGEST_ID for name in ids):
        raise bad_request("RESULT_ID_INVALID")
    if len(set(ids)) != len(ids):
        raise bad_request("RESULT_ID_DUPLICATE")


def _check_button(button: Any) -> None:
    if button is None:
        return
    if not isinstance(button, dict) or not button.get("text"):
        raise bad_request("can't parse InlineQueryResultsButton: Can't find field \"text\"")
    if "web_app" in button:
        return
    if not start_parameter(str(button.get("start_parameter") or "")):
        raise bad_request("START_PARAM_INVALID")


def _unreadable(reason: str) -> Refusal:
    return bad_request(f"can't parse inline query result: {reason}")
