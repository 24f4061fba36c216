"""Words announcements: those that everybody reads, and the answers to whoever runs the bot."""

from datetime import timedelta

from bot.messages.buttons import ANNOUNCE, ANNOUNCED, Keyboard, button
from bot.messages.format import number, span
from bot.messages.i18n import many, say, tr
from bot.messages.message import TEXT_LIMIT, Message, bold, code, compose, lines, width

# With room for the words around it, whatever the language.
LONGEST_TEXT = TEXT_LIMIT - 300


def announcement(text: str) -> tuple[Message, Keyboard]:
    """Word an announcement as every chat gets it."""
    message = compose(*lines(bold(tr("📣 From whoever runs this bot")), "", text))
    return message, [[button(tr("No more announcements"), ANNOUNCED, extra="off")]]


def how_to() -> Message:
    """Answer the command alone, without a text to announce."""
    return compose(
        *lines(
            say(
                "Send the text after the command, like this: {example}",
                example=code(f"/announce {tr('This bot will be off on Sunday morning.')}"),
            ),
            tr("I'll show you how it looks and how many chats get it before I send anything."),
        )
    )


def too_long(text: str) -> Message:
    """Word that a text would not fit into one message."""
    return compose(
        tr(
            "That's {count} characters. An announcement can have {most}.",
            count=number(width(text)),
            most=number(LONGEST_TEXT),
        )
    )


def question(key: str, chats: int, per_second: float) -> tuple[Message, Keyboard]:
    """Ask, after the preview, whether to send it: to how many chats, and how long that takes."""
    if not chats:
        return compose(tr("Nobody would get this: no chat takes announcements.")), []
    takes = span(timedelta(seconds=max(60, chats / per_second)))
    message = compose(
        *lines(
            many(
                "This goes to {count} chat, without sound.",
                "This goes to {count} chats, without sound.",
                chats,
            ),
            tr("It takes about {span}, or longer while there are alerts to send.", span=takes),
        )
    )
    send = button(tr("Send it"), ANNOUNCE, extra=f"send.{key}")
    return message, [[send, button(tr("Cancel"), ANNOUNCE, extra=f"drop.{key}")]]


def progress(told: int, of: int) -> Message:
    """Word that an announcement is under way."""
    return compose(
        tr(
            "An announcement is being sent: {told} of {of} chats have it.",
            told=number(told),
            of=number(of),
        )
    )


def stop_button(key: str) -> Keyboard:
    """Return the button that ends the announcement under way."""
    return [[button(tr("Stop it"), ANNOUNCE, extra=f"stop.{key}")]]


def dropped() -> Message:
    """Word that it was not sent."""
    return compose(tr("OK. Nothing was sent."))


def no_longer() -> str:
    """Answer a button of an announcement that was sent, dropped or replaced."""
    return tr("That announcement isn't waiting any more.")


def stopping() -> Message:
    """Word that no more chats get it."""
    return compose(tr("Stopped. Nobody else gets it."))


def finished(told: int, refused: int, unsure: int, *, is_stopped: bool) -> Message:
    """Word that it went to all chats, or to those it had reached when it was stopped."""
    return compose(
        *lines(
            many(
                "The announcement was stopped: {count} chat got it.",
                "The announcement was stopped: {count} chats got it.",
                told,
            )
            if is_stopped
            else many(
                "✅ The announcement is out: {count} chat got it.",
                "✅ The announcement is out: {count} chats got it.",
                told,
            ),
            many("{count} chat didn't take it.", "{count} chats didn't take it.", refused)
            if refused
            else None,
            many(
                "{count} chat may have got it: Telegram didn't answer, so I didn't send it again.",
                "{count} chats may have got it: Telegram didn't answer, so I didn't send it again.",
                unsure,
            )
            if unsure
            else None,
        )
    )


def turned_off() -> str:
    """Word that this chat gets no more announcements."""
    return tr("No more announcements here. To turn them on again: /settings")
