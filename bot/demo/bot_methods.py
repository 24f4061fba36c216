"""Functional core: what each method of the Bot API does to the messenger.

A method takes the messenger and a call and gives the `result`, or raises Refusal with Telegram's
own description. Names of methods are compared without regard to case, as Telegram does.
"""

import re
import struct
from collections.abc import Callable, Mapping
from typing import Any

from bot.demo.calls import Call
from bot.demo.formatting import (
    Entity,
    Unparsable,
    checked,
    found_in,
    normal_url,
    parse_html,
    trimmed,
    utf16_length,
)
from bot.demo.messenger import (
    Change,
    Chat,
    Json,
    Messenger,
    Upload,
    bad_request,
    member_json,
)

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LARGEST_DOWNLOAD = 20 * 1024 * 1024
ADMINS = ("creator", "administrator")
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"

SEEN_AS_EDITED = ("text", "entities", "caption", "caption_entities")

Method = Callable[[Messenger, Call], Any]


# Text


def formatted(call: Call, name: str, entities_name: str) -> tuple[str, list[Entity]]:
    """The text of a call with its entities checked, trimmed and completed."""
    text, entities = call.text(name), call.params.get(entities_name) or []
    mode = call.text("parse_mode").lower()
    try:
        if mode == "html":
            text, entities = parse_html(text)
    except Unparsable as error:
        raise bad_request(f"can't parse entities: {error}") from None
    if mode not in ("", "html"):
        raise bad_request("unsupported parse_mode")
    try:
        kept = checked(text, entities)
    except Unparsable as error:
        raise bad_request(str(error)) from None
    text, kept = trimmed(text, kept)
    return text, found_in(text, kept)


def _message_text(call: Call, too_long: str) -> Json:
    text, entities = formatted(call, "text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if utf16_length(text) > LONGEST_TEXT:
        raise bad_request(too_long)
    preview = call.params.get("link_preview_options")
    return (
        {"text": text}
        | ({"entities": entities} if entities else {})
        | ({"link_preview_options": preview} if preview else {})
    )


def _caption(call: Call, too_long: str = "message caption is too long") -> Json:
    text, entities = formatted(call, "caption", "caption_entities")
    if utf16_length(text) > LONGEST_CAPTION:
        raise bad_request(too_long)
    if not text:
        return {}
    return {"caption": text} | ({"caption_entities": entities} if entities else {})


# Keyboards


def _keyboard(call: Call) -> Json:
    """The inline keyboard of a call, as a part of a message; other keyboards are not shown."""
    rows = (call.params.get("reply_markup") or {}).get("inline_keyboard")
    if not rows:
        return {}
    buttons = [[_button(button) for button in row] for row in rows]
    if sum(map(len, buttons)) > 100:
        raise bad_request("reply markup is too long")
    return {"reply_markup": {"inline_keyboard": buttons}}


_KINDS = (
    "callback_data",
    "url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "web_app",
    "login_url",
    "pay",
)


def _button(button: Json) -> Json:
    if not button.get("text"):
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be non-empty')
    if not any(name in button for name in _KINDS):
        reason = "Text buttons are unallowed in the inline keyboard"
        raise bad_request(f"can't parse inline keyboard button: {reason}")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= 64:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button:
        return button | {"url": _button_url(str(button["url"]))}
    return button


def _button_url(address: str) -> str:
    url = normal_url(address)
    if url is None:
        raise bad_request(f"inline keyboard button URL '{address}' is invalid: Wrong HTTP URL")
    return url


# Sending


def _deliver(messenger: Messenger, call: Call, content: Json) -> Json:
    chat = messenger.sendable(call.params.get("chat_id"))
    thread_id = call.number("message_thread_id")
    if thread_id is not None and thread_id not in chat.topics:
        raise bad_request("message thread not found")
    reply_to = _reply_target(chat, call)
    markup = _keyboard(call)
    quote = (call.params.get("reply_parameters") or {}).get("quote")
    if quote and reply_to is not None:
        content |= {"quote": {"text": quote, "position": 0, "is_manual": True}}
    protected = {"has_protected_content": True} if call.params.get("protect_content") else {}
    sender = {"sender_chat": chat.as_json()} if chat.type == "channel" else {"from": messenger.bot}
    silent = bool(call.params.get("disable_notification"))
    whole = sender | content | markup | protected | _receiver(messenger, call)
    _change_keyboard(chat, call)
    return messenger.store(chat, whole, thread_id, reply_to, silent=silent, ours=True)


def _receiver(messenger: Messenger, call: Call) -> Json:
    """Who alone sees the message, if it is for one person in a group."""
    asked = call.params.get("ephemeral_message_parameters")
    if not asked:
        return {}
    return {"receiver_user": messenger.user(asked["receiver_user_id"])}


def _change_keyboard(chat: Chat, call: Call) -> None:
    """Keyboards in place of the letters are the chat's, not the message's."""
    markup = call.params.get("reply_markup") or {}
    if "keyboard" in markup:
        chat.keyboard = markup["keyboard"]
    elif markup.get("remove_keyboard"):
        chat.keyboard = []


def _reply_target(chat: Chat, call: Call) -> int | None:
    asked = call.params.get("reply_parameters") or {}
    message_id = asked.get("message_id")
    if message_id is None or message_id in chat.messages:
        return message_id
    if asked.get("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


def send_message(messenger: Messenger, call: Call) -> Json:
    messenger.sendable(call.params.get("chat_id"))
    return _deliver(messenger, call, _message_text(call, "message is too long"))


def send_photo(messenger: Messenger, call: Call) -> Json:
    messenger.sendable(call.params.get("chat_id"))
    return _deliver(messenger, call, _photo(messenger, call) | _caption(call))


def _photo(messenger: Messenger, call: Call) -> Json:
    upload = _file(messenger, call, "photo")
    width, height = _picture_size(upload.content)
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    size = messenger.keep_file(upload, "photos") | {"width": width, "height": height}
    return {"photo": [size]}


def _picture_size(content: bytes) -> tuple[int, int]:
    """Width and height in pixels; those of a JPEG are taken for 1280 x 960."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return max(width, 1), max(height, 1)
    if content.startswith(b"\xff\xd8"):
        return 1280, 960
    raise bad_request("IMAGE_PROCESS_FAILED")


def send_document(messenger: Messenger, call: Call) -> Json:
    messenger.sendable(call.params.get("chat_id"))
    upload = _file(messenger, call, "document")
    return _deliver(messenger, call, document_json(messenger, upload) | _caption(call))


def document_json(messenger: Messenger, upload: Upload) -> Json:
    kept = messenger.keep_file(upload, "documents")
    named = {"file_name": upload.filename, "mime_type": upload.content_type}
    return {"document": kept | named}


def _file(messenger: Messenger, call: Call, name: str) -> Upload:
    """An uploaded file, or one Telegram has already, named by its file id."""
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
    chat = messenger.sendable(call.params.get("chat_id"))
    message = chat.messages.get(call.number("message_id") or 0)
    if message is None:
        raise bad_request(f"message to {what} not found")
    if what == "edit" and message.get("from") != messenger.bot and chat.type != "channel":
        raise bad_request("message can't be edited")
    return chat, message


def _edited(messenger: Messenger, call: Call, replaced: tuple[str, ...], content: Json) -> Json:
    """The message with the fields of `replaced` taken from `content`."""
    chat, before = _to_edit(messenger, call)
    untouched = {name: value for name, value in before.items() if name not in replaced}
    after = untouched | content | _keyboard(call)
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
    _, before = _to_edit(messenger, call)
    content = _message_text(call, "MESSAGE_TOO_LONG")
    if "text" not in before:
        raise bad_request("there is no text in the message to edit")
    replaced = ("text", "entities", "link_preview_options", "reply_markup", "edit_date")
    return _edited(messenger, call, replaced, content)


def edit_message_caption(messenger: Messenger, call: Call) -> Json | bool:
    if call.params.get("inline_message_id"):
        return True
    _, before = _to_edit(messenger, call)
    if not ("photo" in before or "document" in before):
        raise bad_request("there is no caption in the message to edit")
    content = _caption(call, "MEDIA_CAPTION_TOO_LONG")
    replaced = ("caption", "caption_entities", "reply_markup", "edit_date")
    return _edited(messenger, call, replaced, content)


def edit_message_reply_markup(messenger: Messenger, call: Call) -> Json | bool:
    if call.params.get("inline_message_id"):
        return True
    return _edited(messenger, call, ("reply_markup", "edit_date"), {})


def delete_message(messenger: Messenger, call: Call) -> bool:
    chat, message = _to_edit(messenger, call, "delete")
    messenger.remove(chat, message["message_id"])
    return True


# Small signs


def answer_callback_query(messenger: Messenger, call: Call) -> bool:
    chat_id = messenger.callbacks.pop(call.text("callback_query_id"), None)
    if chat_id is None:
        raise bad_request(TOO_OLD)
    if utf16_length(call.text("text")) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    answer = {
        "callback_query_id": call.text("callback_query_id"),
        "text": call.text("text"),
        "show_alert": bool(call.params.get("show_alert")),
    }
    messenger.notice(Change("answer", chat_id, answer))
    return True


def answer_inline_query(messenger: Messenger, call: Call) -> bool:
    results = call.params.get("results") or []
    ids = [str(result.get("id", "")) for result in results]
    if len(results) > 50:
        raise bad_request("RESULTS_TOO_MUCH")
    if any(not 1 <= len(name.encode()) <= 64 for name in ids):
        raise bad_request("RESULT_ID_INVALID")
    if len(set(ids)) != len(ids):
        raise bad_request("RESULT_ID_DUPLICATE")
    messenger.notice(Change("answer", None, dict(call.params)))
    return True


def answer_guest_query(messenger: Messenger, call: Call) -> Json:
    if not call.text("guest_query_id"):
        raise bad_request("GUEST_QUERY_ID_INVALID")
    messenger.notice(Change("answer", None, dict(call.params)))
    return {"inline_message_id": call.text("guest_query_id")}


def send_chat_action(messenger: Messenger, call: Call) -> bool:
    chat = messenger.sendable(call.params.get("chat_id"))
    messenger.notice(Change("action", chat.id, {"action": call.text("action")}))
    return True


def set_message_reaction(messenger: Messenger, call: Call) -> bool:
    chat, message = _to_edit(messenger, call, "react")
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
    if user_id == messenger.bot["id"]:
        return member_json(messenger.bot, chat.members.get(user_id or 0, "member"))
    if user_id not in messenger.users:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return member_json(messenger.users[user_id], chat.members.get(user_id, "left"))


def get_chat_administrators(messenger: Messenger, call: Call) -> list[Json]:
    chat = messenger.sendable(call.params.get("chat_id"))
    if chat.type == "private":
        raise bad_request("there are no administrators in the private chat")
    return [
        member_json(messenger.users[user_id], status)
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
        commands = list(call.params.get("commands") or [])
        if len(commands) > 100:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            _check_command(command)
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
        """The commands a person sees in a chat with the bot: the most fitting list that is set."""
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


def _check_command(command: Mapping[str, Any]) -> None:
    if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", ""))):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= len(str(command.get("description", ""))) <= 256:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")


def _scope(call: Call) -> tuple[str, str]:
    scope: Json = call.params.get("scope") or {"type": "default"}
    inside = ", ".join(f'"{name}": "{scope[name]}"' for name in sorted(scope))
    return f"{{{inside}}}", call.text("language_code")


def methods_with(profile: Profile) -> dict[str, Method]:
    """Every method that needs no network of its own, by its name in lower case."""
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
