"""Words what the bot says about rules: what can be followed, a draft, a rule kept or ended."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias
from urllib.parse import quote, urlencode

from msgspec import structs

from bot.messages.buttons import (
    DRAFT,
    MORE,
    PAGE,
    ROOM,
    RULE,
    WORDS,
    Button,
    Keyboard,
    button,
    in_rows,
)
from bot.messages.chat.about import consent_request
from bot.messages.chat.conversation import cancel_button, which_petition, which_words
from bot.messages.format import number
from bot.messages.i18n import many, marked, say, tr
from bot.messages.kinds import LABELS
from bot.messages.message import (
    Message,
    Rich,
    bold,
    code,
    compose,
    cut,
    italic,
    joined,
    lines,
    link,
    row,
)
from bot.messages.petition.parts import site_name, title
from bot.messages.reader import is_shared, to_reader
from bot.petitions.events import Loudness, Threshold
from bot.petitions.parliaments import description_of
from bot.petitions.parliaments.description import Responder
from bot.petitions.petition import Site
from bot.subscriptions.codec import rule_for_link
from bot.subscriptions.dated_events import DatedEvent
from bot.subscriptions.event_filter import EventFilter, event_filters, hears
from bot.subscriptions.preferences import rule_loudness
from bot.subscriptions.rule_words import LONGEST_WORD, MOST_WORDS, Problem, typed_words
from bot.subscriptions.site_names import Lost
from bot.subscriptions.subscription import Preferences, Rule

_TITLES = 5
_TOPICS_ON_A_PAGE = 20
_PLAIN = Site("", "", "")
_CARRIER = re.compile(r"#r_([\w-]+)$", re.ASCII)
_DEEP_LINK_LIMIT = 64
_TOPIC_ROOM = ROOM - len(f"{MORE}||topic.")
_AT_ROOM = 17  # a site's id and what parts it from the rest


_LOUD: Mapping[Loudness, str] = {
    "loud": marked("With sound"),
    "silent": marked("Silent"),
    "digest": marked("Digest"),
}


_ALL_RESPONSES: Mapping[Responder, str] = {
    "government": marked("all government responses"),
    "ministers": marked("all responses from Ministers"),
}


# --- a rule in words -----------------------------------------------------------------------------


def describe(rule: Rule, site: Site | None = None, called: str = "") -> Rich:
    """Word in a few words what a rule follows, with its site where that is one among others.

    `called` names its constituency or topics, "" if nobody knows.
    """
    what = _what(rule, site, called)
    return f"{what} ({site_name(site)})" if site and site.among_others else what


def _what(rule: Rule, site: Site | None, called: str) -> str:
    if rule.words:
        return _words(rule)
    if rule.topics:
        topics = ", ".join(topic.replace("-", " ") for topic in rule.topics)
        return tr("petitions on {topics}", topics=called or topics)
    if rule.department:
        return tr("petitions for {department}", department=rule.department)
    if rule.constituency:
        return called or tr("the constituency {code}", code=rule.constituency)
    return _of_all(rule, site or _PLAIN)


def _words(rule: Rule) -> str:
    words = typed_words(rule.words, ())
    if not rule.without:
        return tr("petitions mentioning {words}", words=words)
    return tr(
        "petitions mentioning {words}, not {without}",
        words=words,
        without=typed_words(rule.without, ()),
    )


def _of_all(rule: Rule, site: Site) -> str:
    match rule.kinds, rule.thresholds:
        case ("response",), _:
            return tr(_ALL_RESPONSES[description_of(site).institutions.responder or "government"])
        case ("debate",), _:
            return tr("all debates")
        case ("opened",), _:
            return tr("new petitions")
        case ("threshold",), (threshold,):
            return tr(
                "petitions that pass {number} signatures", number=number(_at(site, threshold))
            )
        case ("threshold",), _:
            return tr("petitions that pass a threshold")
        case _:
            return tr("all petitions")


def _at(site: Site, threshold: Threshold) -> int:
    match threshold:
        case "response":
            return site.response_threshold or 0
        case "referral":
            return description_of(site).usual("referral") or 0
        case "debate":
            return site.debate_threshold or 0


def _filter_name(event_filter: EventFilter, site: Site) -> str:
    name = LABELS[event_filter.kind].in_rules
    if event_filter.threshold is None:
        return tr(name)
    return tr(name, number=number(_at(site, event_filter.threshold)))


def _is_there(event_filter: EventFilter, site: Site) -> bool:
    if event_filter.threshold:
        return _at(site, event_filter.threshold) > 0
    return description_of(site).tells(event_filter.kind)


# --- what can be followed ------------------------------------------------------------------------


def what_to_follow(site: Site, others: Sequence[Site] = ()) -> tuple[Message, Keyboard]:
    """Answer `/follow` alone, with the ways to follow more than one petition of a site.

    `others` are other sites, a button each.
    """
    first = which_petition("subscribe")[0].message
    more = compose("\n\n", tr("Or follow several petitions at once. What should I look for?"))
    if site.among_others:
        more = joined(more, compose("\n", bold(site_name(site))))
    description, at = description_of(site), at_site(site)
    passing = [
        _more(tr("Passing {number}", number=number(_at(site, threshold))), f"pass.{threshold}", at)
        for threshold in ("response", "referral", "debate")
        if description.threshold(threshold) and _at(site, threshold)
    ]
    narrow = [_more(tr("Words"), "words", at)]
    if description.has("topics"):
        narrow.append(_more(tr("Topic"), "topics", at))
    if description.has("departments"):
        narrow.append(_more(tr("Department"), "departments", at))
    if description.has("constituencies"):
        narrow.append(_more(tr("My constituency"), "seat", at))
    whole = [_more(tr("All debates"), "debate", at)]
    if description.institutions.responder:
        whole.insert(0, _more(tr("All responses"), "response", at))
    rows = [
        *in_rows(narrow),
        passing,
        whole,
        [_more(tr("New petitions"), "opened", at)],
        *in_rows(_more(site_name(each), f"at.{each.id}") for each in others),
        [cancel_button()],
    ]
    return joined(first, more), [each for each in rows if each]


def at_site(site: Site) -> str:
    """Return a site's id as buttons carry it, "" where there is but one site."""
    return site.id if site.among_others else ""


def _more(text: str, extra: str, at: str = "") -> Button:
    return button(text, MORE, extra=f"{at}~{extra}" if at else extra)


def topics(
    known: Mapping[str, str], page: int = 0, at: str = ""
) -> tuple[Message, Keyboard | None]:
    """List a page of the site's topics, a button each."""
    if not known:
        return compose(
            tr("I can't get the list of topics at the moment. Please try again in a few minutes.")
        ), None
    order = sorted(known.items(), key=lambda each: each[1].casefold())
    pages = -(-len(order) // _TOPICS_ON_A_PAGE)
    page = min(max(page, 0), pages - 1)
    shown = order[page * _TOPICS_ON_A_PAGE : (page + 1) * _TOPICS_ON_A_PAGE]
    keys = [_topic_key(topic, name, at) for topic, name in shown]
    turns = [_more(tr("‹ Previous"), f"topics.{page - 1}", at)] if page else []
    turns += [_more(tr("Next ›"), f"topics.{page + 1}", at)] if page < pages - 1 else []
    rows = [keys[at : at + 2] for at in range(0, len(keys), 2)]
    message = compose(
        *lines(
            tr("Choose a topic, or use a command:"),
            code(tr("/follow topic: {topic}", topic="health")),
        )
    )
    return message, [*rows, *([turns] if turns else []), [cancel_button()]]


def departments(names: Sequence[str]) -> tuple[Message, Keyboard | None]:
    """List the departments that petitions go to, a button each."""
    keys = [[_more(cut(name, 60), f"dept.{department_start(name)}")] for name in names]
    message = compose(
        *lines(
            tr("Choose a department, or use a command with its name or acronym:"),
            code(tr("/follow department: {name}", name="Home Office")),
        )
    )
    return message, [*keys, [cancel_button()]] if keys else None


def topic_button(code: str, name: str, site: Site) -> Button:
    """Return a button, to stand among others, to the draft of a rule about a site's topic."""
    label = cut(tr("Topic: {name}", name=name), 40)
    if site.among_others:
        label = f"{label} ({site_name(site)})"
    return _topic_key(code, label, at_site(site))


def _topic_key(topic: str, name: str, at: str) -> Button:
    room = _TOPIC_ROOM - (_AT_ROOM if at else 0)
    return _more(cut(name, 60), f"topic.{topic[:room]}", at)


def department_button(name: str) -> Button:
    """Return a button to the draft of a rule about a department."""
    label = cut(tr("Department: {name}", name=name), 60)
    return _more(label, f"dept.{department_start(name)}")


def department_start(name: str) -> str:
    """Return as much of a department's name as a button carries."""
    start = name.replace("|", " ")
    while len(start.encode()) > ROOM - len(f"{MORE}||dept."):
        start = start[:-1]
    return start


def no_such_topic(typed: str, near: Mapping[str, str], at: str = "") -> tuple[Message, Keyboard]:
    """Word that there is no topic of that name, or several, with the near ones as buttons."""
    sorry = tr("I can't find a topic called “{name}”.", name=cut(typed, 60))
    rows = [[_topic_key(topic, name, at)] for topic, name in near.items()]
    rows.append([_more(tr("All topics"), "topics", at), cancel_button()])
    message = compose(row(sorry, " ", tr("Did you mean one of these?")))
    return message, rows


def no_such_department(typed: str, near: Sequence[str]) -> tuple[Message, Keyboard | None]:
    """Word that no petition is known to go to a department so named, with the near ones."""
    sorry = tr("I can't find any petitions for a department called “{name}”.", name=cut(typed, 60))
    question = tr("Did you mean one of these?") if near else None
    rows = [[_more(cut(name, 60), f"dept.{department_start(name)}")] for name in near]
    rows.append([_more(tr("All departments"), "departments"), cancel_button()])
    if department_start(typed) == typed and len(f"{MORE}||named.{typed}".encode()) <= ROOM:
        rows.append([_more(tr("Follow “{name}” anyway", name=cut(typed, 40)), f"named.{typed}")])
    return compose(*lines(sorry, question)), rows


def words_problem(problem: Problem) -> Message:
    """Word why these words cannot be followed, and ask again."""
    match problem:
        case "none":
            why = tr("Add at least one word that petitions must contain.")
        case "at odds":
            why = tr("You can't include and leave out the same word.")
        case "too many":
            why = tr("That's too many words. The limit is {most}.", most=MOST_WORDS)
        case "too long":
            why = tr(
                "One of those words is too long. The limit is {most} letters.", most=LONGEST_WORD
            )
    return joined(compose(why, "\n\n"), which_words().message)


def words_button(typed: str) -> Button | None:
    """Return a button to the draft of a rule about these words; None if it cannot carry them."""
    plain = typed.replace("|", " ")
    if len(f"{WORDS}||{plain}".encode()) > ROOM:
        return None
    return button(tr("Follow these words"), WORDS, extra=plain)


# --- a draft -------------------------------------------------------------------------------------


# Why a rule may never tell anything.
Doubt: TypeAlias = Literal["constituency", "topic", "department", "unchecked"]
_DOUBTS: Mapping[Doubt, str] = {
    "constituency": marked(
        "⚠️ The petitions site has no such constituency now, so this wouldn't find anything."
    ),
    "topic": marked("⚠️ The petitions site has no such topic now, so this wouldn't find anything."),
    "department": marked(
        "⚠️ I can't find any petitions for that department, so this won't find anything until "
        "there is one."
    ),
    "unchecked": marked("⚠️ I can't check that name on the petitions site at the moment."),
}


def draft(
    rule: Rule,
    site: Site,
    happened: Sequence[DatedEvent] | None,
    called: str = "",
    doubt: Doubt | None = None,
    *,
    others: Sequence[Site] = (),
) -> tuple[Message, Keyboard]:
    """Word the draft of a rule: what it would follow, and what it would have told last week.

    The message carries the rule itself. `happened` is None if nobody knows; the same may be
    followed at `others` instead.
    """
    message = compose(
        *lines(
            row("🔔 ", say("<b>Follow {what}?</b>", what=_carrying(rule, site, called))),
            tr(_DOUBTS[doubt]) if doubt else None,
            tr("Choose what to be told about matching petitions, then tap Save."),
            "",
            *_last_week(rule, site, happened),
        )
    )
    last = [button(tr("Save"), DRAFT, extra="save"), button(tr("Cancel"), DRAFT, extra="cancel")]
    elsewhere = in_rows(
        button(tr("{site} instead", site=site_name(each)), DRAFT, extra=f"at.{each.id}")
        for each in others
    )
    return message, [*_filter_rows(rule, site, DRAFT, ""), *elsewhere, last]


def _carrying(rule: Rule, site: Site, called: str) -> Rich:
    """Return the rule's words, linked to what the site finds for it; the link carries the rule."""
    asked = [("q", " ".join(rule.words))] if rule.words else []
    description = description_of(site)
    asked += [("topic", topic) for topic in rule.topics] + [("state", description.lists.open)]
    listed = f"{site.url}/{description.hosts[0].paths.petitions}"
    url = f"{listed}?{urlencode(asked, quote_via=quote)}#r_{rule_for_link(rule)}"
    return link(describe(rule, site, called), url)


def carried_by(addresses: Iterable[str]) -> str | None:
    """Return the rule that a draft's links carry, as text; None if they are none of a draft."""
    found = map(_CARRIER.search, addresses)
    return next((match[1] for match in found if match), None)


def rule_link(username: str, rule: Rule) -> str | None:
    """Return the address that shows anybody a draft of the same rule; None if it is too long."""
    plain = structs.replace(rule, number=0, thread_id=None, preferences=Preferences())
    payload = f"r_{rule_for_link(plain)}"
    return f"https://t.me/{username}?start={payload}" if len(payload) <= _DEEP_LINK_LIMIT else None


def _last_week(rule: Rule, site: Site, happened: Sequence[DatedEvent] | None) -> list[Rich | None]:
    if rule.constituency:
        why = tr(
            "I can't show the last 7 days: the site doesn't record when a constituency enters "
            "a top 10."
        )
        return [italic(why)]
    if happened is None:
        return [italic(tr("The petitions site isn't answering, so I can't show the last 7 days."))]
    if not happened:
        return [tr("In the last 7 days it would have found nothing.")]
    titles = list(dict.fromkeys(title(each.petition) for each in happened))[:_TITLES]
    return [
        tr("In the last 7 days it would have found:"),
        *_counts(site, happened),
        "",
        *(row("· ", each) for each in titles),
    ]


def _counts(site: Site, happened: Sequence[DatedEvent]) -> list[str]:
    counts = Counter(each.event_filter for each in happened)
    return [_count(each, count, site) for each, count in counts.items()]


def _count(event_filter: EventFilter, count: int, site: Site) -> str:
    if event_filter.threshold:
        return many(
            "{count} petition reached {number} signatures",
            "{count} petitions reached {number} signatures",
            count,
            number=number(_at(site, event_filter.threshold)),
        )
    match event_filter.kind:
        case "opened":
            return many("{count} petition opened", "{count} petitions opened", count)
        case "response":
            return many(
                "{count} petition got a response", "{count} petitions got a response", count
            )
        case "debate":
            return many("{count} petition was debated", "{count} petitions were debated", count)
        case "closing":
            return many("{count} petition closed", "{count} petitions closed", count)
        case _:
            return f"{_filter_name(event_filter, site)}: {count}"


def _filter_rows(rule: Rule, site: Site, verb: str, before: str) -> list[list[Button]]:
    keys = [
        button(
            _ticked(_filter_name(each, site), hears(rule, each)), verb, extra=f"{before}{each.name}"
        )
        for each in event_filters(rule)
        if _is_there(each, site)
    ]
    return [keys[at : at + 2] for at in range(0, len(keys), 2)]


def _ticked(text: str, on: bool) -> str:
    return f"✓ {text}" if on else text


def asks_first(rule: Rule, site: Site, called: str = "") -> tuple[Message, Keyboard]:
    """Ask for the consent that is needed before a rule is kept; the message carries the rule."""
    return _before_agreeing(consent_request(_carrying(rule, site, called)))


def asks_after_reading(
    rule: Rule, site: Site, called: str, everything: Message
) -> tuple[Message, Keyboard]:
    """Ask for consent beneath everything there is to know before agreeing."""
    again = consent_request(_carrying(rule, site, called))
    return _before_agreeing(joined(everything, compose("\n\n"), again), is_told=True)


def _before_agreeing(asked: Message, *, is_told: bool = False) -> tuple[Message, Keyboard]:
    follow = button(tr("Follow it"), DRAFT, extra="agree")
    refuse = button(tr("Not now"), DRAFT, extra="cancel")
    more = button(tr("What's kept?"), DRAFT, extra="privacy")
    return asked, [[follow], [refuse] if is_told else [refuse, more]]


def dropped_draft() -> Message:
    """Word that a draft was given up."""
    return compose(tr("Nothing was saved."))


def keep_one_kind() -> str:
    """Return the short answer when the last thing a rule tells was to be turned off."""
    return tr("Keep at least one on. If you don't want any, cancel or delete the rule.")


def no_room(most: int) -> Message:
    """Word that the chat has as many rules as it may."""
    return compose(
        *lines(
            many(
                "This chat has {count} rule, which is the limit.",
                "This chat has {count} rules, which is the limit.",
                most,
            ),
            tr("Delete one first: /list"),
        )
    )


# --- a rule that is kept -------------------------------------------------------------------------


def saved(rule: Rule, site: Site, called: str = "") -> tuple[Message, Keyboard]:
    """Word that a rule is kept from now on."""
    message = compose(
        *lines(
            _followed(describe(rule, site, called)),
            _told_about(rule, site),
        )
    )
    keys = [
        button(tr("Change"), RULE, extra=f"{rule.number}"),
        button(tr("Delete"), RULE, extra=f"{rule.number}.delete"),
    ]
    return message, [keys]


def shown(
    rule: Rule, site: Site, called: str, address: str | None, chat: Preferences
) -> tuple[Message, Keyboard]:
    """Word a rule with all that can be changed about it; its address can be copied, unless None.

    `chat` are the chat's preferences, which decide how loud it is unless the rule has its own.
    """
    message = compose(
        *lines(
            row("🔔 ", bold(describe(rule, site, called))),
            _told_about(rule, site),
            italic(
                tr("Tap a kind of news to turn it on or off. The row below sets how it arrives.")
            ),
        )
    )
    loudness = {rule_loudness(kind, rule.preferences, chat) for kind in rule.kinds}
    louder = [
        button(_ticked(tr(name), loudness == {each}), RULE, extra=f"{rule.number}.{each}")
        for each, name in _LOUD.items()
    ]
    last = [
        button(tr("Delete"), RULE, extra=f"{rule.number}.delete"),
        button(tr("‹ Back to list"), PAGE, extra="0"),
    ]
    rows = _filter_rows(rule, site, RULE, f"{rule.number}.")
    copy = Button(tr("Copy link"), copy=address or "")
    return message, [*rows, louder, *([[copy]] if address else []), last]


def _followed(what: Rich) -> Rich:
    if is_shared():
        return say("✅ This chat is now following <b>{what}</b>.", what=what)
    return say("✅ You're now following <b>{what}</b>.", what=what)


def _told_about(rule: Rule, site: Site) -> str:
    heard = [each for each in event_filters(rule) if hears(rule, each) and _is_there(each, site)]
    return to_reader(
        marked("You'll be told about: {kinds}."),
        marked("This chat will be told about: {kinds}."),
        kinds=", ".join(_filter_name(each, site) for each in heard),
    )


def ended(rule: Rule, site: Site, called: str = "") -> tuple[Message, Keyboard]:
    """Word that a rule was deleted, with a button to have it back: the message carries it."""
    message = compose(say("You've unfollowed {what}.", what=_carrying(rule, site, called)))
    return message, [[button(tr("Undo"), DRAFT, extra="undo")]]


def renamed(was: str, now: str) -> Message:
    """Word that a department has another name, which a rule goes on with."""
    return compose(
        say(
            "The department <b>{was}</b> is now called <b>{now}</b>. The rule about it uses that "
            "name from now on.",
            was=was,
            now=now,
        )
    )


_OUTDATED: Mapping[str, str] = {
    "constituency": marked(
        "🔕 The rule about <b>{name}</b> no longer works: there's no constituency with that "
        "name now."
    ),
    "topic": marked(
        "🔕 The rule about <b>{name}</b> no longer works: the petitions site has no topic with "
        "that name now."
    ),
    "department": marked(
        "🔕 The rule about <b>{name}</b> no longer works: no petitions go to a department with "
        "that name now."
    ),
}


def outdated(rule: Rule, gone: Lost, others: Mapping[str, str]) -> tuple[Message, Keyboard]:
    """Word that what a rule asks for is gone, with buttons for `others` to take its place.

    `others` are their names by what the buttons carry.
    """
    menu = {"constituency": "seat", "topic": "topics", "department": "departments"}[gone.what]
    rows = [
        [button(cut(name, 60), RULE, extra=_as_much(f"{rule.number}.{what}"))]
        for what, name in others.items()
    ]
    rows.append([_more(tr("Something else"), menu)])
    rows.append([button(tr("Delete"), RULE, extra=f"{rule.number}.delete")])
    message = compose(
        *lines(
            say(_OUTDATED[gone.what], name=cut(gone.name, 100)),
            tr("Choose what to follow instead, or delete the rule."),
        )
    )
    return message, rows


def _as_much(extra: str) -> str:
    """Return as much of a text as a rule's button carries."""
    plain = extra.replace("|", " ")
    while len(plain.encode()) > ROOM - len(f"{RULE}||"):
        plain = plain[:-1]
    return plain


def ended_already() -> str:
    """Return the short answer to a button of a rule that is gone."""
    return tr("This rule has already been deleted.")


def listed(rule: Rule, site: Site | None, called: str = "") -> tuple[Rich, Button]:
    """Return a rule as a line of `/list`, and the button that opens it."""
    what = describe(rule, site, called)
    name = compose(what).text
    return row("🔔 ", what), button(cut(name, 40), RULE, extra=f"{rule.number}")
