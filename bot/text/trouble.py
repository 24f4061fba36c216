"""What the bot says when something cannot be done: what is wrong, and what to do next."""

from datetime import datetime

from bot.petitions.model import PetitionRef, Site
from bot.text.figures import clock
from bot.text.rich import Message, code, compose, lines, row


def not_found(petition: PetitionRef, site: Site) -> Message:
    """The site knows no such petition."""
    host = site.url.split("://")[-1]
    return compose(
        *lines(
            f"There is no petition {petition.id} on {host}.",
            "Check the number, or send me the link to the petition's page.",
        )
    )


def unpublished(petition: PetitionRef, reason: str) -> Message:
    """The petition exists, but not for the public yet, or no more."""
    why = {
        "gathering_support": "is still gathering its first supporters",
        "moderation": "is being checked before it is published",
        "stopped": "was stopped before it was published",
    }.get(reason, "is not published")
    return compose(f"Petition {petition.id} {why}. Try again once it is open for signatures.")


def taken_down(petition: PetitionRef) -> Message:
    """The petition was published and then taken off the site."""
    return compose(f"Petition {petition.id} was taken off the site.")


def unreachable(site: Site, since: datetime | None, now: datetime) -> Message:
    """The site cannot be asked, and nothing is known from before."""
    when = f" (since {clock(since, now)})" if since else ""
    return compose(
        f"{site.name}'s petitions site isn't answering{when}. Please try again in a few minutes."
    )


def unreadable(site: Site) -> Message:
    """The site answers, and nobody understands it."""
    return compose(
        f"{site.name}'s petitions site gave an answer I can't read. "
        "Please try again in a few minutes."
    )


def not_a_petition(text: str) -> Message:
    """What was sent names no petition."""
    return compose(
        *lines(
            row("I can't tell which petition ", code(text[:80]), " is."),
            "Send me its number, like 300239, or the link to its page.",
        )
    )


def unknown_command(command: str, nearest: str | None, arguments: str) -> Message:
    """Nobody understands this command; the nearest one is offered."""
    if nearest is None:
        return compose(*lines(f"I don't know /{command[:40]}.", "/help shows what I can do."))
    rest = f" {arguments[:80]}" if arguments else ""
    return compose(f"I don't know /{command[:40]}. Did you mean /{nearest}{rest}?")


def old_button() -> str:
    """The short answer to a button nobody reads any more."""
    return "This button is out of date. Send /help to see what I can do now."


def could_not_save() -> Message:
    """The store refused; nothing was changed."""
    return compose("I couldn't save that just now, and nothing was changed. Please try again soon.")


def failed() -> Message:
    """A fault of our own."""
    return compose("Something went wrong on my side, and nothing was changed. Please try again.")
