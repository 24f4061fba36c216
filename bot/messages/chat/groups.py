"""Words what is said in and about groups and channels, such as who may change what they follow."""

import re
from typing import NamedTuple

from bot.messages.buttons import DONE, FULL, PRESS_LIMIT, Button, Keyboard, button, subscribe_link
from bot.messages.i18n import say, tr
from bot.messages.message import Message, code, compose, cut, joined, lines
from bot.petitions.petition import PetitionRef

_NAME = 60
# Only a fourth part names a chat: in the third, people's own words may look the same.
_FOR_CHAT = re.compile(r"([^|]*\|[^|]*\|[^|]*)\|~([0-9a-z]{1,13})")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


# --- who may change what


def only_admins(kind: str) -> str:
    """Answer whoever may not change what a group or channel is told."""
    if kind == "channel":
        return tr(
            "Only admins who can post here can change this channel's alerts. To get your own, "
            "message me privately."
        )
    return tr("Only admins can change this group's alerts. To get your own, message me privately.")


def only_posters() -> str:
    """Answer whoever presses a button in a channel and may not post there."""
    return tr(
        "Everyone here sees my answers, so only admins who can post can ask me. Message me "
        "privately instead."
    )


def permissions_unknown() -> str:
    """Word that Telegram does not say who is an admin."""
    return tr("I can't check whether you're an admin at the moment. Please try again in a minute.")


def private_button(username: str, petition: PetitionRef | None) -> Keyboard:
    """Return the button to the person's own chat with the bot, and to the petition if any."""
    url = subscribe_link(username, petition) if petition else f"https://t.me/{username}"
    return [[Button(tr("Open private chat"), url=url)]]


# --- coming and going


def hello_group(name: str) -> Message:
    """Greet a group that the bot was added to."""
    return compose(
        *lines(
            say(
                "<b>{name} can tell this group when something happens to a petition.</b>", name=name
            ),
            tr("To start, an admin sends /follow and a petition's number or link."),
            tr(
                "Anyone can look up a petition with /petition. Only admins can change what the "
                "group follows."
            ),
        )
    )


def added_to_channel(title: str) -> Message:
    """Tell the person who made the bot an admin of a channel what it does there."""
    return compose(
        *lines(
            say("I can now post in <b>{chat}</b>.", chat=cut(title, _NAME)),
            say(
                "I won't post there until you choose what it follows: {command}",
                command=code("/settings elsewhere"),
            ),
        )
    )


def lost_voice(title: str) -> Message:
    """Tell the person who took the bot's right to write away what that means."""
    return compose(
        *lines(
            say("I can no longer post in <b>{chat}</b>.", chat=cut(title, _NAME)),
            tr("I've kept what it follows. If you let me post again, alerts will carry on."),
        )
    )


# --- managing a chat from one's own


def on_behalf(title: str, message: Message) -> Message:
    """Return the message under a first line that says for which chat it is."""
    head = compose(say("<i>For {chat}:</i>", chat=cut(title, _NAME)), "\n")
    return joined(head, message)


def for_chat(keyboard: Keyboard, chat_id: int) -> Keyboard:
    """Return the same buttons, whose presses are about that chat wherever they are pressed.

    A button that has no room left for it only says so: it would change the wrong chat.
    """
    return [[_for_chat(key, chat_id) for key in row] for row in keyboard]


def _for_chat(key: Button, chat_id: int) -> Button:
    if not key.press or _FOR_CHAT.fullmatch(key.press):
        return key
    press = f"{key.press}|~{_short(-chat_id)}"
    return button(key.text, FULL) if len(press.encode()) > PRESS_LIMIT else Button(key.text, press)


def pressed_for(data: str) -> tuple[str, int | None]:
    """Return a button's own data, and the id of the chat its press is about if it names one."""
    found = _FOR_CHAT.fullmatch(data)
    return (found[1], -int(found[2], 36)) if found else (data, None)


def _short(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def which_chat() -> Message:
    """Ask for the group or channel that is to be managed."""
    return compose(
        *lines(
            tr("Which group or channel do you want to manage? Use the buttons below."),
            tr(
                "I need to be a member, and you need to be an admin. In a channel, you also "
                "need to be allowed to post."
            ),
        )
    )


def never_mind() -> str:
    """Return the label of the button that chooses no chat."""
    return tr("Cancel")


class ChatChoice(NamedTuple):
    """The labels of the buttons with which a person chooses a chat that they are an admin of."""

    group: str
    channel: str
    neither: str


def choose_chat() -> ChatChoice:
    """Return the labels for choosing a group, a channel or neither."""
    return ChatChoice(tr("Choose a group"), tr("Choose a channel"), never_mind())


def chosen() -> Message:
    """Word that a chat was chosen; the next message says which."""
    return compose(tr("Chosen."))


def managing() -> Message:
    """Word what holds while another chat is managed; its first line says which chat."""
    return compose(
        *lines(
            tr("Commands you send here now apply to that chat. Each reply starts with its name."),
            tr("See what it follows with /list and change its alerts with /settings."),
            say(
                "This lasts an hour, or until you tap Done or send {command}.",
                command=code("/settings here"),
            ),
        )
    )


def managing_buttons() -> Keyboard:
    """Return the button that ends managing another chat."""
    return [[button(tr("Done"), DONE)]]


def done() -> Message:
    """Word that commands are about the person's own chat again."""
    return compose(tr("Commands apply to this chat again."))


def time_is_up(title: str) -> Message:
    """Word that an hour of managing a chat has passed, and what was just sent was not done."""
    return compose(
        *lines(
            say(
                "You've been managing <b>{chat}</b> for an hour, so I've switched back to this "
                "chat.",
                chat=cut(title, _NAME),
            ),
            say(
                "I haven't done what you just asked. Send it again for this chat, or choose "
                "the other one again: {command}",
                command=code("/settings elsewhere"),
            ),
        )
    )


def not_an_admin(title: str) -> Message:
    """Word that the person may not manage that chat, or no more."""
    return compose(
        *lines(
            say(
                "I can't see that you're an admin of <b>{chat}</b>, so nothing has changed.",
                chat=cut(title, _NAME),
            ),
            tr(
                "I need to be a member, and you need to be an admin. In a channel, you also "
                "need to be allowed to post."
            ),
        )
    )


def not_your_chat() -> str:
    """Return the short answer to a press about a chat that the person manages no more."""
    return tr("I can't see that you're an admin of that chat, so nothing has changed.")


def no_room_on_button() -> str:
    """Return the short answer to a button that could not carry the chat it is about as well."""
    return tr("This button doesn't work for another chat. Use a command instead: /help")


def too_fast() -> Message:
    """Word, once, that more came in than can be answered."""
    return compose(
        tr(
            "That was a lot at once, so I missed some of it. Please wait a moment and send the "
            "rest again."
        )
    )
