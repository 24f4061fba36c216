"""Shell: the demo's reader, who says and taps things, whereupon the story goes on."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from bot.demo.bot_api import BotApi
from bot.demo.clock import StoryClock
from bot.demo.messenger import Change, buttons_of
from bot.messages.buttons import CONSENT, DRAFT, FORGET, PRIVACY, TALK, UNSUBSCRIBE, Press

CHAT_ID = 1001  # the private chat, and so the reader
GROUP_ID = -1_001_700_000_001

Message = Mapping[str, Any]


class Room(NamedTuple):
    """A chat, or a topic of one, as the page shows it; without a thread, a group's General."""

    key: str
    title: str
    chat_id: int
    thread_id: int | None = None


ROOMS = {
    room.key: room
    for room in (
        Room("private", "Private", CHAT_ID),
        Room("general", "General", GROUP_ID),
        Room("petitions", "Petitions", GROUP_ID, 11),
        Room("news", "News", GROUP_ID, 12),
    )
}


class Reader:
    """One person with two chats: one with the bot alone, and a group of theirs that has topics.

    The story starts when a chat follows a petition that it is about, and stands still while the bot
    waits for an answer.
    """

    def __init__(self, api: BotApi, clock: StoryClock, stories: frozenset[int]) -> None:
        self._api = api
        self._clock = clock
        self._stories = stories
        self._passed: set[tuple[int, int]] = set()  # questions that were answered or left
        api.add_chat(CHAT_ID, first_name="You")
        self._make_group()
        api.on_change(self._changed)

    def _make_group(self) -> None:
        self._api.add_chat(GROUP_ID, "supergroup", title="Village hall")
        self._api.add_member(GROUP_ID, CHAT_ID, "creator")
        for room in ROOMS.values():
            if room.thread_id is not None:
                self._api.add_topic(GROUP_ID, room.thread_id, room.title)

    # What the reader does

    def say(self, room: Room, text: str, reply_to: int | None = None) -> None:
        self._api.say(
            room.chat_id, text, user_id=CHAT_ID, thread_id=room.thread_id, reply_to=reply_to
        )

    def press(self, room: Room, message_id: int, data: str) -> str:
        """Tap a button for the reader; return the id of the callback query."""
        read = _read(data)
        if read and read.verb != PRIVACY:
            self._passed.add((room.chat_id, message_id))
        query_id = self._api.press(room.chat_id, message_id, data, user_id=CHAT_ID)
        self._clock.wait(self.is_asked)
        return query_id

    def send_file(self, room: Room, name: str, content: bytes) -> None:
        self._api.send_file(room.chat_id, name, content, user_id=CHAT_ID)

    def take_the_bot_in(self) -> None:
        """Adds the bot to the group, unless it is there."""
        if not self.is_bot_in_group:
            self._api.change_bot(GROUP_ID, "member", user_id=CHAT_ID)

    def go_on(self) -> None:
        """Leaves what the bot asks for later, and has the story go on."""
        self._passed |= {(chat_id, each["message_id"]) for chat_id, each in self._open_questions()}
        self._clock.wait(False)
        self._clock.resume()

    # What there is to see

    @property
    def is_bot_in_group(self) -> bool:
        members = self._api.messenger.chat(GROUP_ID).members
        return members.get(self._api.messenger.bot["id"], "left") not in ("left", "kicked")

    @property
    def is_asked(self) -> bool:
        """True while the bot waits for an answer."""
        return any(True for _ in self._open_questions())

    def messages(self) -> list[Message]:
        """Return all that stands in both chats, each oldest first."""
        return [*self._api.messages(CHAT_ID), *self._api.messages(GROUP_ID)]

    def clear(self) -> None:
        """Empties both chats; the group is without the bot again."""
        self._api.clear(CHAT_ID)
        self._api.clear(GROUP_ID)
        self._make_group()
        self._passed.clear()

    def _open_questions(self) -> Iterator[tuple[int, Message]]:
        """Yield each chat's newest question, unless the reader spoke since or passed it over."""
        for chat_id in (CHAT_ID, GROUP_ID):
            for message in reversed(self._api.messages(chat_id)):
                if not message.get("from", {}).get("is_bot"):
                    break
                if _asks(message):
                    if (chat_id, message["message_id"]) not in self._passed:
                        yield chat_id, message
                    break

    def _changed(self, change: Change) -> None:
        if change.chat_id not in (CHAT_ID, GROUP_ID):
            return
        if change.kind in ("message", "edit") and self._tells_of_a_story(change.payload):
            self._clock.start()
        self._clock.wait(self.is_asked)

    def _tells_of_a_story(self, message: Message) -> bool:
        """Return whether a message says that a petition of the story is followed.

        That is so if the bot offers to end that, or in the group, where only some may, to follow it
        oneself.
        """
        mine = any(
            press.verb == UNSUBSCRIBE and press.petition and press.petition.id in self._stories
            for press in _presses(message)
        )
        addresses = [button.get("url", "") for button in buttons_of(message)]
        ends = tuple(f"_{number}" for number in self._stories)
        return mine or any("?start=p_" in each and each.endswith(ends) for each in addresses)


def _asks(message: Message) -> bool:
    """Return whether the bot waits for an answer to a message: typed, or by one of its buttons."""
    if message.get("reply_markup", {}).get("force_reply"):
        return True
    return any(
        press.verb in (CONSENT, FORGET) or (press.verb in (TALK, DRAFT) and press.extra == "cancel")
        for press in _presses(message)
    )


def _presses(message: Message) -> Iterator[Press]:
    for button in buttons_of(message):
        if press := _read(button.get("callback_data", "")):
            yield press


def _read(data: str) -> Press | None:
    with suppress(ValueError):
        return Press.read(data)
    return None
