"""Words what the bot says about snoozing, and about a digest before its time."""

from datetime import datetime

from bot.messages.buttons import SNOOZE, Keyboard, button, in_rows
from bot.messages.chat.conversation import ask_button
from bot.messages.format import length
from bot.messages.i18n import say, tr
from bot.messages.message import Message, code, compose, italic, lines
from bot.messages.petition.parts import title
from bot.messages.settings.context import Page, SettingsContext, snoozed_line
from bot.messages.settings.hours import next_one
from bot.subscriptions.subscription import Preferences


def snooze_page(settings: SettingsContext) -> Page:
    """Word whether it is snoozed, how long that can be, and how it ends early."""
    example = f"{settings.petition.id} 3 days" if settings.petition else "7d"
    message = compose(
        *lines(
            snoozed_line(settings) if settings.snoozed_until else _nothing_snoozed(settings),
            title(settings.followed.petition) if settings.followed else None,
            "",
            tr("When the snooze ends, one summary tells what happened meanwhile."),
            italic(say("Or type: {command}", command=code(f"/snooze {example}"))),
        )
    )
    return message, _snooze_buttons(settings)


def _nothing_snoozed(settings: SettingsContext) -> str:
    if settings.followed:
        return tr("This petition isn't snoozed. How long do you want to snooze it?")
    return tr("Nothing is snoozed. How long do you want to snooze everything?")


def _snooze_buttons(settings: SettingsContext) -> Keyboard:
    spans = {
        "1h": length(1),
        "tomorrow": tr("Until tomorrow"),
        "3d": length(3 * 24),
        "7d": length(7 * 24),
        "30d": length(30 * 24),
    }
    keys = [button(text, SNOOZE, settings.petition, extra) for extra, text in spans.items()]
    keys.append(ask_button(tr("Another length…"), "snooze", settings.petition))
    if settings.snoozed_until:
        keys.append(button(tr("End snooze"), SNOOZE, settings.petition, "end"))
    return [*in_rows(keys), settings.back()]


def snooze_unclear(text: str) -> Message:
    """Word that a text is no length of time, or too long a one."""
    return compose(
        *lines(
            say("I don't understand {text} as a length of time.", text=code(text[:60])),
            tr("You can snooze for up to a year, like this:"),
            *(code(f"/snooze {example}") for example in ("7d", "300239 3 days", "tomorrow", "off")),
        )
    )


def nothing_in_digest(preferences: Preferences, now: datetime) -> Message:
    """Word that nothing waits, when the next digest comes, and how anything gets into it."""
    return compose(
        *lines(
            tr("There's nothing in the digest yet."),
            tr(
                "Next digest: {moment}. It comes only if there is anything in it.",
                moment=next_one(preferences, now),
            ),
            italic(say("Choose what goes in it: {command}", command=code("/settings"))),
        )
    )
