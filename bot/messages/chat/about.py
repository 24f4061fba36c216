"""Words what the bot says about itself: greeting, help, consent, privacy, its sources."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.messages.buttons import ASK, EXAMPLE, MORE, Keyboard, button
from bot.messages.format import days, listed
from bot.messages.i18n import many, marked, say, tr
from bot.messages.message import Message, Rich, bold, code, compose, italic, lines, link, quote
from bot.messages.petition.institutions import response_from
from bot.petitions.parliaments import description_of, is_its_own
from bot.petitions.parliaments.description import SiteDescription
from bot.petitions.petition import Site

OGL = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"


_SECTIONS: Sequence[tuple[str, Sequence[str]]] = (
    (marked("Follow"), ("follow", "unfollow", "list")),
    (
        marked("Look up"),
        (
            "petition",
            "response",
            "constituencies",
            "constituency",
            "chart",
            "map",
            "search",
            "trending",
            "share",
        ),
    ),
    (marked("Choose your alerts"), ("settings", "milestones", "snooze", "digest")),
)
_ABOUT_ME = marked("About this bot and your data")


class CommandHelp(NamedTuple):
    """A command as people see it: its name, what it takes ("" for nothing), and what it does."""

    name: str
    takes: str
    does: str


# What is told of, by whether anybody responds in writing.
_RESPONDED_TO = marked(
    "Send the link or number of a petition on {hosts}. I'll tell you when it reaches a milestone, "
    "gets a {response} or a debate, or closes. Following isn't signing."
)
_NOT_RESPONDED_TO = marked(
    "Send the link or number of a petition on {hosts}. I'll tell you when it reaches a milestone, "
    "is debated, or closes. Following isn't signing."
)


def greeting(bot_name: str, sites: Sequence[Site], *, is_private: bool) -> tuple[Message, Keyboard]:
    """Word the greeting, with buttons for the ways to begin."""
    descriptions = [description_of(site) for site in sites]
    hosts = listed([description.hosts[0].name for description in descriptions])
    response = response_from(descriptions)
    begin = _RESPONDED_TO if response else _NOT_RESPONDED_TO
    message = compose(
        *lines(
            say("<b>{bot} tells you when something happens to a petition.</b>", bot=bot_name),
            "",
            tr(begin, hosts=hosts, response=response),
            "",
            tr("See all commands: /help"),
            italic(_unofficial(descriptions)),
        )
    )
    # In a group only admins choose what it follows.
    wider = [[button(tr("Follow a place or topic"), MORE, extra="all")]] if is_private else []
    return message, [
        [button(tr("Find a petition"), ASK, extra="search")],
        *wider,
        [button(tr("See an example"), EXAMPLE)],
    ]


def _unofficial(sites: Sequence[SiteDescription]) -> str:
    if all(site.institutions.responder == "government" for site in sites):
        return tr("This is an unofficial bot. It isn't part of Parliament or the Government.")
    return tr("This is an unofficial bot. It isn't part of any parliament or government.")


def help_text(commands: Sequence[CommandHelp]) -> Message:
    """Word every command in a line, under what it is for."""
    return compose(
        *lines(
            bold(tr("What I can do")),
            *_in_sections(commands),
            "",
            tr(
                "Add a petition's number or any link to it. Send one on its own to see the "
                "petition."
            ),
            say("For example: {example}", example=code("/chart 300239")),
            tr("The old commands still work: /subscribe, /unsubscribe and /subscriptions."),
        )
    )


def help_in_group() -> Message:
    """Word in eight lines what can be done in a group or channel."""
    return compose(
        *lines(
            bold(tr("What I can do here")),
            tr("/petition: see a petition"),
            tr("/search: find petitions"),
            tr("/trending: see which petitions gain most at the moment"),
            tr("/list: see what this chat follows"),
            tr("/follow and /unfollow: for admins, change what this chat follows"),
            tr("/settings: for admins, change this chat's alerts"),
            tr("To get your own alerts, message me privately."),
        )
    )


def _in_sections(commands: Sequence[CommandHelp]) -> Iterator[Rich]:
    left = list(commands)
    for heading, names in _SECTIONS:
        told = [command for command in commands if command.name in names]
        left = [command for command in left if command not in told]
        yield from _section(heading, told)
    yield from _section(_ABOUT_ME, left)


def _section(heading: str, commands: Sequence[CommandHelp]) -> Iterator[Rich]:
    if commands:
        yield ""
        yield bold(tr(heading))
        told = (
            piece
            for command in commands
            for piece in (f"/{command.name}: {tr(command.does)}", "\n")
        )
        yield quote(*list(told)[:-1], expandable=True)


def consent_request(about: Rich | None = None) -> Message:
    """Ask for consent, once, before anything is kept; `about` is what is to be followed."""
    keep = (
        say(
            "To alert you about {what}, I need to keep this chat's number, what you follow and "
            "your settings, encrypted.",
            what=about,
        )
        if about
        else tr(
            "To remember what you choose, I need to keep this chat's number, what you follow and "
            "your settings, encrypted."
        )
    )
    return compose(
        *lines(
            keep,
            "",
            tr(
                "Following isn't signing, and I don't tell anyone what you follow. You can delete "
                "everything at any time with /forget."
            ),
        )
    )


def not_now(*, has_agreed: bool) -> Message:
    """Answer a refusal; where consent was given before, say that this does not withdraw it."""
    if has_agreed:
        return compose(
            tr("You agreed earlier, so nothing changes. To delete everything I keep: /forget")
        )
    return compose(tr("OK. Nothing is kept. You can still look at petitions and search."))


def agreed() -> Message:
    """Answer an agreement that leaves nothing else to go on with."""
    return compose(tr("Thanks. You can now follow petitions. To withdraw your consent: /forget"))


def privacy(rest_days: int, sites: Sequence[Site], *, in_database: bool = False) -> Message:
    """Word what is kept, why, for how long, and how to end it; a chat at rest is kept `rest_days`.

    Which services the bot asks depends on the sites that are watched. A shared database has to see
    more than a file that is sealed as a whole.
    """
    shown = say(
        "<b>Not encrypted:</b> how many petitions and rules this chat has, when its alerts are "
        "due, whether I can reach it, and which chats follow the same petition, though not which "
        "one. That stands in a database, under a code in place of this chat's number."
    )
    told = (
        *([shown] if in_database else []),
        say(
            "<b>Why:</b> to send you alerts and, rarely, an announcement from whoever runs "
            "this bot (turn those off in /settings), and for nothing else. The petitions you "
            "follow can show your political views, so I ask before the first one."
        ),
        say(
            "<b>What I don't keep:</b> your name, your messages, petitions you only look at, or "
            "your postcode (only a constituency you choose to follow)."
        )
        if _has_constituencies(sites)
        else say(
            "<b>What I don't keep:</b> your name, your messages, petitions you only look at, or "
            "your postcode."
        ),
        say(
            "<b>Who sees it:</b> I don't share it with anyone. Telegram carries our messages. I "
            "ask {asked}, but I never say who asked. Whoever runs this bot holds the key to what "
            "I keep. In a group or channel, everyone there sees what it follows.",
            asked=listed(list(_asked(sites))),
        ),
        say(
            "<b>How long:</b> each petition until you unfollow it, and everything until you send "
            "/forget. If you block me, I keep it for {days} in case you come back, then delete it. "
            "Backups that whoever runs this bot has made may hold it for longer.",
            days=days(rest_days),
        ),
    )
    folded = [piece for each in told for piece in (each, "\n")][:-1]
    return compose(
        *lines(
            bold(tr("Privacy")),
            "",
            say(
                "<b>What I keep:</b> this chat's number, the petitions and rules it follows "
                "and since when, your settings (with language and time zone), which message "
                "shows each petition, when you agreed, whether I can reach this chat, which other "
                "chat you manage from here, the alerts waiting to be sent and when this chat had "
                "its latest one. It's encrypted on disk."
            ),
            quote(*folded, expandable=True),
            "",
            tr("/mydata sends you everything I keep about this chat."),
            tr("/forget deletes it and withdraws your consent."),
        )
    )


def _has_constituencies(sites: Sequence[Site]) -> bool:
    return any(description_of(site).has("constituencies") for site in sites)


def _asked(sites: Sequence[Site]) -> Iterator[str]:
    """Yield the services that a bot for these sites asks, each with what it asks about."""
    if len(sites) == 1:
        yield tr("the petitions site about petitions and the words you search for")
    else:
        yield tr("the petitions sites about petitions and the words you search for")
    if any(is_its_own(site) and description_of(site).has("members_api") for site in sites):
        yield tr("the UK Parliament's Members API about MPs")
    if _has_constituencies(sites):
        yield tr("postcodes.io about a postcode")


def about(version: str, sites: Sequence[Site]) -> Message:
    """Word what this bot is, of which version, and under which licences its facts are."""
    descriptions = [description_of(site) for site in sites]
    return compose(
        *lines(
            say("<b>Petition Bell {version}</b>", version=version),
            "",
            tr(
                "Alerts about petitions on {host}. This bot never signs anything.",
                host=", ".join(map(_host, sites)),
            ),
            _unofficial(descriptions),
            "",
            *_licences(sites),
            tr("Petitions are the views of the people who start them, not of this bot."),
        )
    )


def _host(site: Site) -> str:
    return urlsplit(site.url).hostname or site.name


def _licences(sites: Sequence[Site]) -> Iterator[Rich]:
    """Yield the terms on which each site lets its petitions be used, as far as they are known."""
    is_open = [is_its_own(site) and description_of(site).is_openly_licensed for site in sites]
    licence = link(tr("Open Government Licence v3.0"), OGL)
    if all(is_open):
        yield say("Petitions data is used under the {licence}.", licence=licence)
        return
    called = [_host(site) for site in sites]
    free = [name for name, is_free in zip(called, is_open, strict=True) if is_free]
    others = [name for name, is_free in zip(called, is_open, strict=True) if not is_free]
    if free:
        yield say(
            "Petitions data from {sites} is used under the {licence}.",
            sites=listed(free),
            licence=licence,
        )
    yield tr("Petitions data from {sites} is under its site's own terms.", sites=listed(others))


def forget_question(subscriptions: int, rules: int) -> Message:
    """Ask, once, before everything is erased."""
    if rules:
        return compose(
            tr(
                "Delete everything I keep about this chat, including its {things}? You can't "
                "undo this.",
                things=_counted(subscriptions, rules),
            )
        )
    if not subscriptions:
        return compose(tr("Delete everything I keep about this chat? You can't undo this."))
    return compose(
        many(
            "Delete everything I keep about this chat, including the petition it follows? You "
            "can't undo this.",
            "Delete everything I keep about this chat, including the {count} petitions it "
            "follows? You can't undo this.",
            subscriptions,
        )
    )


def forgotten() -> Message:
    """Word that everything is gone."""
    return compose(tr("Deleted. I no longer keep anything about this chat. To start again: /start"))


def kept() -> Message:
    """Word that nothing was erased."""
    return compose(tr("Nothing was deleted."))


def nothing_kept() -> Message:
    """Word that there is nothing to show or to erase."""
    return compose(tr("I don't keep anything about this chat."))


def data_caption(subscriptions: int, rules: int) -> str:
    """Word the caption beneath the file of `/mydata`."""
    return tr(
        "Everything I keep about this chat ({things}). To delete it: /forget",
        things=_counted(subscriptions, rules),
    )


def _counted(subscriptions: int, rules: int) -> str:
    """Word how many petitions are followed, and how many rules if there are any."""
    followed = many("{count} petition", "{count} petitions", subscriptions)
    if not rules:
        return followed
    return listed([followed, many("{count} rule", "{count} rules", rules)])
