"""What is said about a file of `/mydata` that was sent back."""

from bot.messages.i18n import many, say, tr
from bot.messages.message import Message, compose, cut, lines


def restored(followed: int, missed: int, rules: int) -> Message:
    """What the file has brought back."""
    return compose(
        *lines(
            say("✅ <b>Restored from your file.</b>"),
            many("{count} petition followed.", "{count} petitions followed.", followed),
            many("{count} rule restored.", "{count} rules restored.", rules) if rules else None,
            many(
                "{count} petition couldn't be followed. I couldn't find it, or you've reached "
                "the limit.",
                "{count} petitions couldn't be followed. I couldn't find them, or you've "
                "reached the limit.",
                missed,
            )
            if missed
            else None,
            tr("Your settings are restored too. See /list and /settings."),
        )
    )


def not_restored(why: str) -> Message:
    """The file is none of ours, or was changed beyond reading."""
    if not why:
        return compose(tr("I can't read this file. I can only restore a file from /mydata."))
    return compose(
        *lines(
            tr("This is a /mydata file, but I can't read all of it. Nothing has changed."),
            tr("The problem: {why}.", why=cut(why, 200)),
        )
    )


def too_large() -> Message:
    """No file of ours is that large."""
    return compose(tr("This file is too big. I can only restore a file from /mydata."))


def send_again() -> Message:
    """Consent comes first."""
    return compose(tr("Once you've agreed, send the file again."))
