"""What the bot says about itself: greeting, help, consent, privacy, where its facts come from."""

from collections.abc import Sequence
from typing import NamedTuple

from bot.text.rich import Message, bold, compose, italic, lines, link, row

OGL = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"


class CommandHelp(NamedTuple):
    """A command as people see it: its name, what it takes, and what it does."""

    name: str
    takes: str
    does: str


def greeting(bot_name: str) -> Message:
    """The first words, and all that has to be known to begin."""
    return compose(
        *lines(
            bold(f"{bot_name} rings when a petition moves."),
            "",
            "Send me the link or the number of a petition on petition.parliament.uk, and I tell "
            "you when it reaches a milestone, gets a response or a debate, or closes. Following is "
            "not signing, and nobody learns what you follow.",
            "",
            "Try it: /subscribe 300239",
            "Everything I can do: /help",
            "",
            italic("Unofficial: I am no part of Parliament."),
        )
    )


def help_text(commands: Sequence[CommandHelp]) -> Message:
    """Every command in a line."""
    rows = (row(f"/{c.name}", f" {c.takes}" if c.takes else "", f" — {c.does}") for c in commands)
    return compose(
        *lines(
            bold("What I can do"),
            "",
            *rows,
            "",
            "A petition is named by its number or by any link to it. "
            "Send one alone and I show you its card.",
        )
    )


def consent_request() -> Message:
    """Asked once, before the first subscription."""
    return compose(
        *lines(
            "Which petitions you follow says something about your politics, so I ask first.",
            "",
            "I keep this chat's number, what you follow and your settings, encrypted, until you "
            "say /forget. Nothing else, and shared with nobody.",
        )
    )


def privacy() -> Message:
    """What is kept, why, for how long, and how to end it."""
    return compose(
        *lines(
            bold("Privacy"),
            "",
            row(
                bold("Kept: "),
                "this chat's number, the petitions it follows, since when, whether they are muted, "
                "which message shows their card, and when you agreed to it. Encrypted on disk.",
            ),
            row(
                bold("Not kept: "),
                "your name, your messages, your postcode, what you only looked at.",
            ),
            row(
                bold("Why: "),
                "to send you alerts, and for nothing else. Which petitions somebody "
                "follows can show a political opinion, so I ask before the first one.",
            ),
            row(
                bold("Shared: "),
                "with nobody. Telegram carries the messages, as it does all yours. "
                "The petitions site is asked about petitions, never told for whom.",
            ),
            row(
                bold("How long: "),
                "until you unsubscribe or say /forget. If you block me, for some months in case "
                "you return, then it is erased.",
            ),
            "",
            "/mydata sends you everything I keep about this chat.",
            "/forget erases it and takes back your consent.",
        )
    )


def about(version: str, host: str) -> Message:
    """Who speaks, and whose facts these are."""
    return compose(
        *lines(
            bold(f"Petition Bell {version}"),
            "",
            f"An unofficial notifier for petitions on {host}. It never signs anything, and is no "
            "part of Parliament or Government.",
            "",
            row(
                "Contains petitions data licensed under the ",
                link("Open Government Licence v3.0", OGL),
                ". Petitions say what their creators think, not what this bot does.",
            ),
        )
    )


def forget_question(subscriptions: int) -> Message:
    """Asked once before everything is erased."""
    what = "everything I keep about this chat"
    also = f", your {subscriptions} subscriptions included" if subscriptions > 1 else ""
    return compose(f"Erase {what}{also}? This cannot be undone.")


def forgotten() -> Message:
    """Everything is gone."""
    return compose("Erased. I keep nothing about this chat any more. /start begins anew.")


def kept() -> Message:
    """Nothing was erased."""
    return compose("Nothing was erased.")


def nothing_kept() -> Message:
    """There is nothing to show or to erase."""
    return compose("I keep nothing about this chat.")


def data_caption(subscriptions: int) -> str:
    """Beneath the file of `/mydata`."""
    return f"Everything I keep about this chat ({subscriptions} followed). /forget erases it."
