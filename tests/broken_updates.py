"""Updates that python-telegram-bot cannot decode or that say senseless things, ready to be sent.

Each shape was sent by a Bot API server once, or is one step away from one that was.
"""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_PERSON: Json = {"id": 4242, "is_bot": False, "first_name": "Reader"}
_CHAT: Json = {"id": 4242, "type": "private", "first_name": "Reader"}
_GROUP: Json = {"id": -100500, "type": "supergroup", "title": "Club"}
_BOT: Json = {"id": 123456, "is_bot": True, "first_name": "Bell", "username": "PetitionBellDemoBot"}
_NOW = 1_583_431_200
_RESTRICTED = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
)
_ADMINISTRATOR = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
)


def message(**changes: Any) -> Json:
    """A plain message of a person, with some fields changed; None takes one away."""
    whole = {"message_id": 1, "date": _NOW, "chat": _CHAT, "from": _PERSON, "text": "/help"}
    return {
        "message": {name: value for name, value in (whole | changes).items() if value is not None}
    }


def place(status: str, **rights: Any) -> Json:
    """News that the bot has another place in a group."""
    change = {
        "chat": _GROUP,
        "from": _PERSON,
        "date": _NOW,
        "old_chat_member": {"user": _BOT, "status": "member"},
        "new_chat_member": {"user": _BOT, "status": status} | rights,
    }
    return {"my_chat_member": change}


def press(**changes: Any) -> Json:
    whole: Json = {"id": "1", "from": _PERSON, "chat_instance": "1", "data": "x"} | changes
    return {"callback_query": {name: value for name, value in whole.items() if value is not None}}


UNDECODABLE: dict[str, Json] = {
    "restricted without can_react_to_messages": place(
        "restricted", until_date=0, is_member=True, **dict.fromkeys(_RESTRICTED, False)
    ),
    "administrator without the rights to stories": place(
        "administrator", **dict.fromkeys(_ADMINISTRATOR, True)
    ),
    "administrator without any right": place("administrator"),
    "kicked without until_date": place("kicked"),
    "a message without its id": message(message_id=None),
    "a chat without its id": message(chat={"type": "private"}),
    "a chat without its type": message(chat={"id": 4242}),
    "a person without a name": message(**{"from": {"id": 4242, "is_bot": False}}),
    "a date far beyond the calendar": message(date=10**15),
    "a date that is a word": message(date="yesterday"),
    "an entity without a length": message(entities=[{"type": "bold", "offset": 0}]),
    "a message that is a list": {"message": [1, 2, 3]},
    "a message that is a text": {"message": "hello"},
    "a press without its id": press(id=None),
    "an inline query without its words": {"inline_query": {"id": "1", "from": _PERSON}},
}
"""What `telegram.Update.de_json` cannot make anything of."""

ODD: dict[str, Json] = {
    "a kind of update nobody knows": {"time_travel": {"to": "yesterday"}},
    "nothing at all": {},
    "a chat of an unknown type": message(chat={"id": 4242, "type": "seance"}),
    "a member of an unknown status": place("haunting"),
    "an entity of an unknown type": message(
        entities=[{"type": "sparkle", "offset": 0, "length": 2}]
    ),
    "an entity beyond the text": message(
        entities=[{"type": "bot_command", "offset": 900, "length": 9}]
    ),
    "a message without text": message(text=None),
    "a message without its chat": message(chat=None),
    "a press without its person": press(**{"from": None}),
    "a message of nobody": message(**{"from": None}),
    "a press without data": press(data=None),
    "a message of the year 1970": message(date=0),
    "fields nobody knows": message(mood="bright", weather={"rain": True}),
}
"""What can be decoded, and means nothing to the bot or something else than it seems."""


def every_shape() -> Iterator[tuple[str, Json]]:
    yield from UNDECODABLE.items()
    yield from ODD.items()
