"""Words what cannot be done: what is wrong, and what to do next."""

from collections.abc import Mapping
from datetime import datetime

from bot.errors import ParliamentUnasked, PetitionBellError
from bot.messages.buttons import SUBSCRIBE, Keyboard, button
from bot.messages.format import clock, listed
from bot.messages.i18n import marked, say, tr
from bot.messages.message import Message, code, compose, lines
from bot.messages.petition.parts import status_line, title
from bot.petitions.petition import Petition, PetitionRef, Site, Unpublication


def not_found(petition: PetitionRef, *sites: Site) -> Message:
    """Word that the site, or none of these sites, knows such a petition."""
    host = listed([site.url.split("://")[-1] for site in sites])
    return compose(
        *lines(
            tr("There's no petition {number} on {host}.", number=petition.id, host=host),
            tr("Check the number, or send me the petition's link."),
        )
    )


def unpublished(petition: PetitionRef, state: Unpublication) -> tuple[Message, Keyboard | None]:
    """Word that a petition is not public yet, or no more, with a button to wait for it."""
    message = compose(tr(_UNPUBLISHED[state], number=petition.id))
    if state == "stopped":
        return message, None
    wait = button(tr("Tell me when it opens"), SUBSCRIBE, petition)
    return message, [[wait]]


def nothing_yet(petition: Petition, now: datetime) -> Message:
    """Word that there is nothing more to show of a petition before it is published."""
    status = status_line(petition, now)
    return compose(
        *lines(
            say("{title}: {status}.", title=title(petition), status=status),
            tr("There's nothing more to show, because it isn't published."),
        )
    )


_UNPUBLISHED: Mapping[Unpublication, str] = {
    "gathering_support": marked(
        "Petition {number} is still gathering its first supporters. "
        "I can tell you when it opens for signatures or is rejected."
    ),
    "moderation": marked(
        "Petition {number} is being checked before it's published. I can tell you when it "
        "opens for signatures or is rejected."
    ),
    "stopped": marked(
        "Petition {number} was stopped before it was published, so it won't open for "
        "signatures. This can happen when a parliament is dissolved."
    ),
    "hidden": marked(
        "The petitions site doesn't show petition {number} at the moment. I can tell you if it "
        "opens for signatures."
    ),
}


def taken_down(petition: PetitionRef) -> Message:
    """Word that the petition was published and then taken off the site."""
    return compose(
        tr("Petition {number} has been taken off the petitions site.", number=petition.id)
    )


def unreachable(site: Site, since: datetime | None, now: datetime) -> Message:
    """Word that the site cannot be asked, and nothing is known from before."""
    if since is None:
        return compose(
            tr(
                "The {site} petitions site isn't answering. Please try again in a few minutes.",
                site=site.name,
            )
        )
    return compose(
        tr(
            "The {site} petitions site hasn't answered since {clock}. Please try again in a "
            "few minutes.",
            site=site.name,
            clock=clock(since, now),
        )
    )


def in_a_minute(site: Site) -> Message:
    """Word that the site may be asked no more just now, and nothing is known from before."""
    return compose(
        tr(
            "I've reached my limit for checking the {site} petitions site. Please try again in "
            "a minute.",
            site=site.name,
        )
    )


def as_last_read(site: Site, read_at: datetime, now: datetime) -> Message:
    """Word that the site cannot be asked, so that what follows is from before."""
    return compose(
        tr(
            "The {site} petitions site isn't answering. This is from {clock}.",
            site=site.name,
            clock=clock(read_at, now),
        )
    )


def no_answer(error: PetitionBellError, site: Site, now: datetime) -> Message:
    """Word that a question to the site came to nothing: it is away, or it was not asked."""
    if isinstance(error, ParliamentUnasked) and not error.wants_quiet:
        return in_a_minute(site)
    return unreachable(site, None, now)


def unreadable(site: Site) -> Message:
    """Word that the site sent what nobody understands."""
    return compose(
        tr(
            "The {site} petitions site sent something I can't read. Please try again in a few "
            "minutes.",
            site=site.name,
        )
    )


def not_a_petition(text: str) -> Message:
    """Word that what was sent names no petition."""
    return compose(
        *lines(
            say("I don't understand <code>{text}</code>.", text=text[:80]),
            tr("Send a petition's number, like 300239, or its link. You can also search."),
        )
    )


def unknown_command(command: str, nearest: str | None, arguments: str) -> Message:
    """Word that nobody understands this command, and offer the nearest one if there is one."""
    if nearest is None:
        return compose(
            *lines(
                tr("I don't know the command /{command}.", command=command[:40]),
                tr("See all commands: /help"),
            )
        )
    # Telegram sends a command that is tapped without what follows it; a copied one is whole.
    meant = code(f"/{nearest} {arguments[:80]}") if arguments else f"/{nearest}"
    return compose(
        say("I don't know /{command}. Did you mean {meant}?", command=command[:40], meant=meant)
    )


def old_link() -> Message:
    """Word that a link to a rule is one that nobody reads any more."""
    return compose(
        tr(
            "I can't read this link: it may be out of date. "
            "Send /follow to see what you can follow."
        )
    )


def old_button() -> str:
    """Return the short answer to a button that nobody reads any more."""
    return tr("This button no longer works. See what you can do: /help")


def could_not_save() -> Message:
    """Word that the store refused something; what was done before it may be kept all the same."""
    return compose(
        tr(
            "I couldn't save all of that. See what you follow with /list, and please try again "
            "in a minute."
        )
    )


def failed() -> Message:
    """Word that something failed on our side or on the way; it may be done all the same."""
    return compose(
        tr("Sorry, something went wrong. It may have worked all the same: check with /list.")
    )


def no_pictures(caption: str) -> Message:
    """Word that the chat takes no pictures, and tell in words what one would show."""
    return compose(
        *lines(
            tr("This chat doesn't let me send pictures. In words:"),
            caption,
        )
    )


def no_files() -> Message:
    """Word that the chat takes no files."""
    return compose(tr("This chat doesn't let me send files. Let me send them, then try again."))
