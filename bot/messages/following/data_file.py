"""What is said about a file of `/mydata` that was sent back."""

from bot.messages.i18n import many, say, tr
from bot.messages.message import Message, compose, cut, lines


def restored(followed: int, missed: int, rules: int) -> Message:
    """What the file has brought back."""
    return compose(
        *lines(
            say("✅ <b>Restored from your file.</b>"),
            many("{count} petition is followed.", "{count} petitions are followed.", followed),
            many("{count} rule is in force.", "{count} rules are in force.", rules)
            if rules
            else None,
            many(
                "{count} petition could not be followed: it is not to be found, or there are "
                "too many.",
                "{count} petitions could not be followed: they are not to be found, or there "
                "are too many.",
                missed,
            )
            if missed
            else None,
            tr("Your settings are as the file has them. See /subscriptions and /settings."),
        )
    )


def not_restored(why: str) -> Message:
    """The file is none of ours, or was changed beyond reading."""
    if not why:
        return compose(
            tr("I can't read this file. The file that /mydata sends brings back what it holds.")
        )
    return compose(
        *lines(
            tr("This file is one of mine, but I can't read all of it, so I changed nothing."),
            tr("What is wrong with it: {why}.", why=cut(why, 200)),
        )
    )


def too_large() -> Message:
    """No file of ours is that large."""
    return compose(tr("This file is too large to be one of mine."))


def send_again() -> Message:
    """Consent comes first."""
    return compose(tr("Once you have agreed, send me the file again."))
