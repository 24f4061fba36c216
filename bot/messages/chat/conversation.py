"""Words the answers to plain messages: questions, what can be read, and what can be stopped."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from bot.messages.buttons import (
    ASK,
    CARD,
    CHART,
    CHOOSE_MILESTONE,
    CONSTITUENCIES,
    MAP,
    MILESTONES,
    MUTE,
    PAGE,
    RESPONSE,
    RULE,
    SETTINGS,
    SHARE,
    STOP,
    SUBSCRIBE,
    TALK,
    UNMUTE,
    UNSUBSCRIBE,
    Button,
    Keyboard,
    button,
)
from bot.messages.following.subscriptions import Followed
from bot.messages.i18n import many, marked, say, tr
from bot.messages.message import (
    Message,
    Rich,
    at_a_glance,
    bold,
    code,
    compose,
    cut,
    italic,
    lines,
    row,
)
from bot.messages.petition.parts import count_in_list, short_title, state_name
from bot.messages.reader import to_reader
from bot.petitions.petition import Petition, PetitionRef, Site

# The button that does to one petition what a command does.
PRESSES = {
    "subscribe": SUBSCRIBE,
    "unsubscribe": UNSUBSCRIBE,
    "petition": CARD,
    "response": RESPONSE,
    "constituencies": CONSTITUENCIES,
    "chart": CHART,
    "map": MAP,
    "milestones": MILESTONES,
    "settings": SETTINGS,
    "share": SHARE,
    "mute": MUTE,
    "unmute": UNMUTE,
}
_STOPPED = 8  # petitions and rules that a page has room for
_PETITIONS = 10


Page: TypeAlias = tuple[Message, Keyboard]


class Question(NamedTuple):
    """A question of the bot's, and an example of an answer, "" for none."""

    message: Message
    example: str = ""


# --- questions ------------------------------------------------------------------------------------


def which_words() -> Question:
    """Ask which words petitions must have."""
    example = tr("school meals")
    return Question(
        compose(
            *lines(
                say("Which words? For example: {example}", example=code(example)),
                say(
                    "Use quotation marks for a phrase, and a minus sign to leave a word out: "
                    "{example}",
                    example=code(tr('"school meals" -uniform')),
                ),
            )
        ),
        example,
    )


def what_to_search() -> Question:
    """Ask what to search for."""
    example = tr("school meals")
    asked = say("What are you looking for? For example: {example}", example=code(example))
    return Question(compose(asked), example)


def which_constituency() -> Question:
    """Ask for a constituency, by postcode or name."""
    return Question(
        compose(
            *lines(
                tr("Which constituency? Send a postcode or a name, for example:"),
                code("SW1A 1AA"),
                code("Holborn and St Pancras"),
                italic(tr("I look your postcode up on postcodes.io and don't keep it.")),
            )
        ),
        "SW1A 1AA",
    )


def which_parish() -> Question:
    """Ask for a parish, by name."""
    asked = tr("Which parish? Send its name, for example:")
    return Question(compose(*lines(asked, code("St. Helier"))))


def which_milestone() -> Question:
    """Ask at how many signatures to tell."""
    asked = say(
        "At how many signatures? For example: {number}, {series} or {part}",
        number=code("15,000"),
        series=code("every 5,000"),
        part=code("50%"),
    )
    return Question(compose(asked), "15,000")


def which_hours() -> Question:
    """Ask for the quiet hours."""
    asked = say("Quiet hours from when to when? For example: {hours}", hours=code("22:00-07:00"))
    return Question(compose(asked), "22:00-07:00")


def which_digest_hour() -> Question:
    """Ask when the digest shall come."""
    asked = say(
        "When should your digest come? For example: {daily} or {weekly}",
        daily=code("08:00"),
        weekly=code(tr("Monday 09:00")),
    )
    return Question(compose(asked), "08:00")


def which_zone() -> Question:
    """Ask for a city in the chat's time zone."""
    asked = say("Which time zone? Send a city, for example: {city}", city=code("Paris"))
    return Question(compose(asked), "Paris")


def how_long() -> Question:
    """Ask for how long to snooze."""
    asked = say(
        "How long do you want to snooze? For example: {hours}, {days} or {until}",
        hours=code(tr("2 hours")),
        days=code(tr("3 days")),
        until=code(tr("until Monday")),
    )
    return Question(compose(asked), tr("2 hours"))


def which_petition(
    command: str, followed: Sequence[Followed] = ()
) -> tuple[Question, list[list[Button]]]:
    """Ask which petition a command is about, with buttons for those that the chat follows."""
    asked = say(
        "Which petition? Send its number or link, for example: {number}", number=code("300239")
    )
    choice = tr("Or choose one that this chat follows:") if followed else None
    rows = [
        [_to(command, each.petition.ref, short_title(each.petition, 40))]
        for each in followed[:_STOPPED]
    ]
    return Question(compose(*lines(asked, choice)), "300239"), rows


def _to(command: str, ref: PetitionRef, label: str) -> Button:
    if command == "snooze":
        return button(label, SETTINGS, ref, "snooze")
    return button(label, PRESSES.get(command, CARD), ref)


def cancel_button() -> Button:
    """Return the button that leaves a question unanswered."""
    return button(tr("Cancel"), TALK, extra="cancel")


def cancelled() -> Message:
    """Word that a question is closed."""
    return compose(tr("Cancelled."))


def nothing_to_cancel() -> Page:
    """Word that no question is open, with the ways to begin."""
    message = tr("There's nothing to cancel. Send a petition's number or link, or a few words.")
    return compose(message), _what_next()


def nothing_to_undo() -> Page:
    """Word that nothing was changed lately that has a way back."""
    told = tr("There's nothing to undo. For an hour I can undo unfollowing and some settings.")
    return compose(told), _what_next()


def at_which_petition(
    wanted: str, followed: Sequence[Followed]
) -> tuple[Question, list[list[Button]]]:
    """Ask which petition to tell of at the number of signatures that was `wanted`."""
    question, _ = which_petition("milestones", followed)
    rows = [
        [button(short_title(each.petition, 40), CHOOSE_MILESTONE, each.petition.ref, wanted[:24])]
        for each in followed[:_STOPPED]
    ]
    return question, rows


def ask_button(text: str, what: str, petition: PetitionRef | None = None) -> Button:
    """Return a button that has the bot ask for what its other buttons do not offer."""
    return button(text, ASK, petition, what)


# --- what can be read -----------------------------------------------------------------------------


def nothing_found(words: str) -> Page:
    """Word that no petition has these words."""
    sorry = tr(
        "I couldn't find a petition about “{words}”. "
        "Try fewer words, or send a petition's number or link.",
        words=cut(" ".join(words.split()), 60),
    )
    return compose(sorry), _what_next()


def only_text() -> Page:
    """Answer a picture, a voice message or a sticker, in which there is nothing to read."""
    sorry = tr("I can only read text: a petition's number or link, or a few words.")
    return compose(sorry), _what_next()


def other_site(host: str, sites: Sequence[Site]) -> Page:
    """Answer an address that leads to no petition on the sites."""
    known = [site.url.split("://")[-1].rstrip("/") for site in sites]
    message = compose(
        *lines(
            tr("I can't find a petition behind that link to {host}.", host=cut(host, 60)),
            tr("I know petitions on {sites}.", sites=", ".join(known)),
            tr("Send a petition's link or number, or a few words to search for."),
        )
    )
    return message, _what_next()


def _what_next() -> Keyboard:
    return [
        [
            button(tr("What can I send?"), TALK, extra="help"),
            button(tr("What I follow"), TALK, extra="list"),
        ]
    ]


def what_to_send() -> Message:
    """Word by example what the bot understands."""
    return compose(
        *lines(
            bold(tr("What you can send")),
            say("A petition's number or link: {example}", example=code("300239")),
            say(
                "A few words to search for: {example}",
                example=code(tr("school meals")),
            ),
            say(
                "A postcode or a constituency: {example}",
                example=code("Holborn and St Pancras"),
            ),
            say(
                "What to do, and with which petition: {example}",
                example=code(tr("chart {number}", number=300239)),
            ),
            "",
            tr("See all commands: /help"),
        )
    )


def welcome() -> Message:
    """Answer a thank you to which no reaction can be set."""
    return compose(tr("You're welcome."))


def several(
    command: str,
    found: Sequence[tuple[PetitionRef, Petition | None]],
    called: Mapping[str, str] | None = None,
) -> Page:
    """List several petitions that were named, a line and a button each.

    Where they are of several sites, `called` has the sites' names by their ids.
    """
    shown = found[:_PETITIONS]
    rows = [[_to(command, ref, _label(ref, petition, called or {}))] for ref, petition in shown]
    heading = _HEADINGS.get(command, _WHICH)

    def laid_out(most: int) -> Message:
        told = (_line(each, called or {}, most) for each in shown)
        return compose(*lines(bold(tr(heading)), "", *told))

    return at_a_glance(laid_out), rows


def _label(ref: PetitionRef, petition: Petition | None, called: Mapping[str, str]) -> str:
    title = short_title(petition, 40) if petition else str(ref.id)
    return f"{called[ref.site]}: {title}" if ref.site in called else title


_WHICH = marked("Which petition do you want to see?")
_HEADINGS = {
    "subscribe": marked("Which petition do you want to follow?"),
    "unsubscribe": marked("Which petition do you want to unfollow?"),
}


def _line(found: tuple[PetitionRef, Petition | None], called: Mapping[str, str], most: int) -> Rich:
    ref, petition = found
    where = f" · {called[ref.site]}" if ref.site in called else ""
    if petition is None:
        return f"{ref.id}{where}"
    if petition.is_unpublished:  # it has no signatures to tell
        return f"{state_name(petition)}{where}  {short_title(petition, most)}"
    state = "" if petition.is_open else f" · {state_name(petition)}"
    return f"{count_in_list(petition, most)}{state}{where}  {short_title(petition, most)}"


# --- what can be stopped --------------------------------------------------------------------------


def what_to_stop(
    followed: Sequence[Followed], rules: Sequence[tuple[Rich, int]], *, is_private: bool
) -> Page:
    """Ask what to stop: one petition or rule, all of them, or everything that is kept."""
    petitions = [
        [button(f"✕ {short_title(each.petition, 38)}", UNSUBSCRIBE, each.petition.ref)]
        for each in followed
    ]
    wider = [
        [button(f"✕ {cut(compose(what).text, 38)}", RULE, extra=f"{number_}.delete")]
        for what, number_ in rules
    ]
    rows = [*wider, *petitions][:_STOPPED]
    count = len(followed) + len(rules)
    more = [button(tr("See all"), PAGE, extra="0")] if count > len(rows) else []
    every = [button(tr("Unfollow all"), STOP, extra="all")] if count > 1 else []
    erase = [button(tr("Delete my data"), STOP, extra="forget")] if is_private else []
    last = [button(tr("Snooze"), SETTINGS, extra="snooze"), cancel_button()]
    message = compose(
        *lines(
            bold(tr("What do you want to stop?")),
            tr("Tap what you no longer want to follow. You can undo it afterwards."),
            row(tr("To pause everything for a while, tap Snooze.")),
        )
    )
    keyboard = [*rows, [*more, *every], erase, last]
    return message, [each for each in keyboard if each]


def nothing_to_stop(*, is_kept: bool) -> tuple[Message, Keyboard | None]:
    """Word that nothing is followed, so that no alert comes; `is_kept` says if anything is kept."""
    message = compose(
        *lines(
            to_reader(
                marked("You're not following anything, so I won't send you any alerts."),
                marked("This chat isn't following anything, so it won't get any alerts."),
            ),
            tr("To follow a petition, send its number or link."),
        )
    )
    erase = button(tr("Delete my data"), STOP, extra="forget")
    return message, [[erase]] if is_kept else None


def stop_all_question(count: int) -> Page:
    """Ask, once, before everything is given up."""
    asked = many(
        "Unfollow {count} petition or rule? Your settings stay as they are.",
        "Unfollow all {count} petitions and rules? Your settings stay as they are.",
        count,
    )
    yes = button(tr("Unfollow all"), STOP, extra="yes")
    return compose(asked), [[yes, cancel_button()]]


def all_stopped(count: int) -> Page:
    """Word that nothing is followed any more, with a button to have it back for a while."""
    message = compose(
        many(
            "You've unfollowed {count} petition or rule. There won't be any more alerts.",
            "You've unfollowed all {count} petitions and rules. There won't be any more alerts.",
            count,
        )
    )
    return message, [[button(tr("Undo"), STOP, extra="undo")]]
