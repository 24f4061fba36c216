"""Words what the bot says about subscriptions: begun, ended, muted, listed, brought back."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from bot.messages.buttons import (
    CARD,
    PAGE,
    SETTINGS,
    SUBSCRIBE,
    TALK,
    Button,
    Keyboard,
    as_extra,
    button,
    follower_rows,
    readers_row,
    undo_buttons,
)
from bot.messages.format import day, listed, london_today, signatures, weekday
from bot.messages.i18n import in_all_languages, many, marked, say, tr
from bot.messages.message import (
    Message,
    Rich,
    abridged,
    at_a_glance,
    bold,
    code,
    compose,
    cut,
    italic,
    joined,
    lines,
    with_note,
)
from bot.messages.petition.institutions import committee, responder, response_noun, sentence
from bot.messages.petition.parts import (
    count_in_list,
    promises_a_debate,
    short_title,
    state_in_brief,
    status_line,
    title,
)
from bot.messages.reader import is_shared, to_reader
from bot.petitions.events import Threshold
from bot.petitions.parliaments.description import Responder
from bot.petitions.petition import Petition, PetitionRef
from bot.petitions.thresholds import is_before_committee, is_finished, thresholds_reached
from bot.subscriptions.codec import preferences_for_link
from bot.subscriptions.subscription import Preferences, Subscription

PAGE_SIZE = 10
_TOPIC, _TOPIC_IN_LIST = 60, 24  # characters of a topic's name
_CARRIER = re.compile(r"#t_([\w-]+)$", re.ASCII)


_RESPONDED: Mapping[Responder, str] = {
    "government": marked("The Government has already responded."),
    "ministers": marked("Ministers have already responded."),
}


class Followed(NamedTuple):
    """A subscription with what is known of its petition."""

    subscription: Subscription
    petition: Petition


class Names(NamedTuple):
    """The names of a group's topics, by their numbers, and of the sites, by their ids."""

    topics: Mapping[int, str] = MappingProxyType({})
    sites: Mapping[str, str] = MappingProxyType({})


_NO_NAMES = Names()


class Place(NamedTuple):
    """A group or channel, in which many read; `follow_link` lets each of them follow privately.

    `topic` is the name of the group's topic that it is about, "" if nobody knows it, None if none.
    """

    follow_link: str
    is_channel: bool = False
    topic: str | None = None


def subscribed(
    followed: Followed, now: datetime, heard: Rich, place: Place | None = None
) -> tuple[Message, Keyboard]:
    """Word that a subscription began: how the petition stands, what may come, how it is told.

    `heard` words how loudly, and `place` is where, if not in one person's own chat.
    """
    petition, subscription = followed.petition, followed.subscription
    message = compose(
        *lines(
            _begun(petition, place),
            _stands(petition, now),
            _happened(petition, now),
            _promise(petition, now),
            heard,
            _place_line(place),
        )
    )
    if place:
        return message, [readers_row(petition, place.follow_link)]
    return message, follower_rows(petition, subscription.muted)


def _begun(petition: Petition, place: Place | None) -> Rich:
    if place is None and is_shared():
        return say("✅ This chat is now following {title}", title=title(petition))
    if place is None:
        return say("✅ You're now following {title}", title=title(petition))
    if place.is_channel:
        return say("✅ This channel is now following {title}", title=title(petition))
    return say("✅ This group is now following {title}", title=title(petition))


def _place_line(place: Place | None) -> Rich | None:
    """Word in which topic of a group alerts are told; None if in none."""
    if place is None or place.topic is None:
        return None
    if not place.topic:
        return tr("Alerts are posted in this topic.")
    return say("Alerts are posted in <b>{topic}</b>.", topic=cut(place.topic, _TOPIC))


def _stands(petition: Petition, now: datetime) -> str:
    status = status_line(petition, now)
    if petition.is_unpublished:
        return status
    return f"{signatures(petition.signature_count)} · {status}"


def _happened(petition: Petition, now: datetime) -> str | None:
    """Word what has come of it already, so far as no alert will tell that any more."""
    done = []
    if petition.government_response:
        done.append(tr(_RESPONDED[responder(petition) or "government"]))
    if petition.debate and petition.debate.debated_on:
        done.append(tr("It has already been debated."))
    elif petition.debate:
        done.append(tr("It has been decided not to debate it."))
    elif _has_date(petition, now) and petition.scheduled_debate_date:
        on = weekday(petition.scheduled_debate_date)
        planned = (
            marked("A debate was planned for {day}.")
            if petition.may_get_no_more
            else marked("A debate is planned for {day}.")
        )
        done.append(tr(planned, day=on))
    return " ".join(done) or None


def _has_date(petition: Petition, now: datetime) -> bool:
    on = petition.scheduled_debate_date
    return on is not None and on >= london_today(now)


def _promise(petition: Petition, now: datetime) -> str:
    """Word what can still happen to it, and so what will be told."""
    match petition.state:
        case "gathering_support" | "moderation":
            return tr("I'll tell you when it opens for signatures or is rejected.")
        case "hidden":
            return tr("I'll tell you if it opens for signatures.")
        case "stopped":
            return tr("It won't open for signatures.")
        case "rejected" if not petition.archived:
            return tr("I'll tell you if it's accepted after all.")
    if petition.archived:
        return tr(
            "It's from a past parliament, which can't do any more about it. "
            "I'll tell you if its page changes."
        )
    if petition.is_cut_short:
        return tr(
            "It closed before its closing date, so a response or a debate may not come now. "
            "I'll tell you if its page changes."
        )
    if petition.state == "under_consideration" or is_finished(petition):
        return _committees(petition)
    if not petition.is_open and not petition.is_over:
        return tr("It isn't open. I'll tell you if that changes.")
    earned = set(thresholds_reached(petition).values())
    awaited = bool(earned) or petition.debate is not None or _has_date(petition, now)
    if is_before_committee(petition):
        return _committees(petition)
    if not petition.is_open and not awaited and petition.government_response is None:
        return tr(
            "It closed without reaching a threshold, so nothing is due. "
            "I'll tell you if it gets a response or a debate all the same."
        )
    nouns = {"response": response_noun(petition), "committee": committee(petition)}
    coming = listed([tr(each, **nouns) for each in _coming(petition, earned, now)])
    return tr("I'll tell you about {things}.", things=coming)


def _committees(petition: Petition) -> str:
    """Word what may still come of a petition that a committee considers, or has considered."""
    if is_finished(petition):
        return sentence(
            marked("{committee} has finished with it. I'll tell you if there's news all the same."),
            petition,
        )
    return tr(
        "I'll tell you what {committee} does with it, and about a debate if there is one.",
        committee=committee(petition),
    )


def _coming(petition: Petition, earned: set[Threshold], now: datetime) -> list[str]:
    coming = [marked("milestones"), marked("closing")] if petition.is_open else []
    if petition.government_response:
        coming.append(marked("changes to the response"))
    elif petition.response_threshold and (petition.is_open or "response" in earned):
        coming.append(marked("the {response}"))
    if petition.referral_threshold:
        coming.append(marked("what {committee} does with it"))
    if petition.debate:
        coming.append(marked("anything new about the debate"))
    elif _has_date(petition, now) or ("debate" in earned and promises_a_debate(petition)):
        coming.append(marked("the debate"))
    elif petition.debate_threshold:
        coming.append(marked("a debate if there is one"))
    return coming


def already_subscribed(
    followed: Followed, place: Place | None = None, *, told_in: str | None = None
) -> tuple[Message, Keyboard]:
    """Word that the chat followed it already.

    In a forum that is told of it in another topic than this one, `told_in` names that ("" if nobody
    knows its name), and the reader is asked which it is to be.
    """
    petition, subscription = followed.petition, followed.subscription
    on = day(subscription.created_at)
    since = to_reader(
        marked("You've been following this petition since {day}."),
        marked("This chat has been following this petition since {day}."),
        day=on,
    )
    if place is None:
        return compose(*lines(since, title(petition))), follower_rows(petition, subscription.muted)
    if told_in is None:
        row = readers_row(petition, place.follow_link)
        return compose(*lines(since, title(petition), _place_line(place))), [row]
    where = (
        say("Its alerts are posted in <b>{topic}</b>.", topic=cut(told_in, _TOPIC))
        if told_in
        else tr("Its alerts are posted in another topic.")
    )
    here = tr("Move alerts here") if place.topic is not None else tr("Move to General")
    choice = [
        button(here, SETTINGS, petition.ref, "topic"),
        button(tr("Leave as it is"), TALK, extra="cancel"),
    ]
    asked = tr("Where should they be posted?")
    return compose(*lines(since, title(petition), where, asked)), [choice]


def no_room(most: int) -> Message:
    """Word that the chat follows as many petitions as it may."""
    return compose(
        *lines(
            many(
                "This chat follows {count} petition, which is the limit.",
                "This chat follows {count} petitions, which is the limit.",
                most,
            ),
            tr("Unfollow one first: /list"),
        )
    )


def unsubscribed(followed: Followed) -> tuple[Message, Keyboard]:
    """Word that a subscription ended, with a button to have it back with its preferences."""
    preferences = followed.subscription.preferences
    carrying = "" if preferences == Preferences() else f"t_{preferences_for_link(preferences)}"
    ended = say("You've unfollowed {title}.", title=title(followed.petition, carrying))
    return compose(ended), undo_buttons(followed.subscription)


def own_preferences_in(addresses: Iterable[str]) -> str | None:
    """Return the preferences that an ended subscription's title link carries, as text, or None."""
    found = map(_CARRIER.search, addresses)
    return next((match[1] for match in found if match), None)


def muted(petition: Petition, is_muted: bool) -> str:
    """Return the short answer to turning the sound of its alerts off or on."""
    name = short_title(petition, 80)
    if is_muted:
        return tr("Alerts about “{title}” will arrive silently.", title=name)
    return tr("Sound is on again for “{title}”.", title=name)


def each_muted(
    turned: Sequence[Petition], others: Sequence[PetitionRef], is_muted: bool
) -> tuple[Message, Keyboard]:
    """Word of each of several petitions how it sounds now, or that it is not followed."""
    unknown = (
        to_reader(
            marked("You're not following {number}."),
            marked("This chat isn't following {number}."),
            number=str(ref.id),
        )
        for ref in others
    )
    rows = [
        [
            button(
                tr("Follow {number}", number=str(ref.id)),
                SUBSCRIBE,
                ref,
                as_extra("mute" if is_muted else ""),
            )
        ]
        for ref in others
    ]
    return compose(*lines(*(muted(each, is_muted) for each in turned), *unknown)), rows


_SOUND_NOTES = (
    marked("🔔 This petition's alerts arrive with sound again."),
    marked("🔕 This petition's alerts arrive without sound from now on."),
)


def with_sound_note(message: Message, petition: Petition, is_muted: bool) -> Message:
    """Return a message whose button turned the sound off or on, with a note that says so."""
    before, now = muted(petition, not is_muted), muted(petition, is_muted)
    if message.text.endswith(before):  # the answer to `/mute` and `/unmute`
        return Message(message.text.removesuffix(before) + now, message.spans)
    said = [each for note in _SOUND_NOTES for each in in_all_languages(note)]
    return with_note(message, tr(_SOUND_NOTES[is_muted]), instead_of=said)


def not_following() -> str:
    """Return the short answer to a button of a subscription that has ended."""
    return to_reader(
        marked("You're not following this petition."),
        marked("This chat isn't following this petition."),
    )


def listing(
    followed: Sequence[Followed],
    page: int,
    now: datetime,
    rules: Sequence[tuple[Rich, Button]] = (),
    names: Names = _NO_NAMES,
) -> tuple[Message, Keyboard | None]:
    """List a page of what a chat follows, its rules first, a line and a button each.

    What is told in a topic of a group stands beneath its name. `names` are those of the topics as
    far as they are known, and of the sites where there are several.
    """
    if not followed and not rules:
        return nothing_followed(), None
    followed = sorted(followed, key=lambda each: each.subscription.thread_id or 0)
    pages = -(-(len(rules) + len(followed)) // PAGE_SIZE)
    page = min(max(page, 0), pages - 1)
    first, end = page * PAGE_SIZE, (page + 1) * PAGE_SIZE
    shown_rules = rules[first:end]
    shown = followed[max(0, first - len(rules)) : max(0, end - len(rules))]
    which = tr("(page {page} of {pages})", page=page + 1, pages=pages) if pages > 1 else ""

    def laid_out(most: int) -> Message:
        told: list[Rich] = []
        if shown_rules:
            told += [_heading(_count_of_rules(len(rules)), "" if shown else which), ""]
            told += [abridged(line, most) for line, _ in shown_rules]
        if shown:
            told += [""] if shown_rules else []
            told += [_heading(_count_of_petitions(len(followed)), which), ""]
            told += _in_topics(shown, now, names, most)
        return compose(*lines(*told))

    rows = [[key] for _, key in shown_rules]
    rows += [[button(short_title(entry.petition, 40), CARD, entry.petition.ref)] for entry in shown]
    newer = [button(tr("‹ Previous"), PAGE, extra=str(page - 1))] if page > 0 else []
    older = [button(tr("Next ›"), PAGE, extra=str(page + 1))] if page < pages - 1 else []
    return at_a_glance(laid_out), rows + ([newer + older] if newer or older else [])


def _heading(counted: str, page: str) -> Rich:
    return bold(f"{counted} {page}" if page else counted)


def _count_of_rules(count: int) -> str:
    if is_shared():
        return many("This chat has {count} rule", "This chat has {count} rules", count)
    return many("You have {count} rule", "You have {count} rules", count)


def _count_of_petitions(count: int) -> str:
    if is_shared():
        return many(
            "This chat follows {count} petition", "This chat follows {count} petitions", count
        )
    return many("You're following {count} petition", "You're following {count} petitions", count)


def _in_topics(shown: Sequence[Followed], now: datetime, names: Names, most: int) -> Iterator[Rich]:
    """Yield the lines, those of a group's topic beneath its name."""
    for thread, entries in groupby(shown, key=lambda each: each.subscription.thread_id):
        if thread is not None:
            name = cut(names.topics.get(thread, ""), _TOPIC_IN_LIST)
            yield say("In <b>{topic}</b>:", topic=name) if name else tr("In a topic:")
        yield from (_line(entry, now, names.sites, most) for entry in entries)


def _line(entry: Followed, now: datetime, sites: Mapping[str, str], most: int) -> Rich:
    """Word a petition in a list: "84,120 signatures · 12 days left", then its title."""
    petition = entry.petition
    parts = [state_in_brief(petition, now)]
    if not petition.is_unpublished:
        parts.insert(0, count_in_list(petition, most))
    if petition.ref.site in sites:
        parts.append(sites[petition.ref.site])
    if entry.subscription.muted:
        parts.append(tr("silent"))
    return f"{' · '.join(parts)}  {short_title(petition, most)}"


def next_to_close(
    followed: Sequence[Followed], now: datetime, sites: Mapping[str, str], *, is_of_any: bool
) -> tuple[Message, Keyboard]:
    """Word which petitions that a chat follows close next, soonest first.

    Who asked of any petition is told that only those that are followed are listed so.
    """
    dated = [
        (entry.petition.closing_date, entry)
        for entry in followed
        if entry.petition.is_open and entry.petition.closing_date
    ]
    due = [entry for _, entry in sorted(dated, key=itemgetter(0))[:PAGE_SIZE]]
    only = marked("I can list closing dates only for petitions you follow.")
    none = to_reader(
        marked("No petition you follow has a closing date to come."),
        marked("No petition this chat follows has a closing date to come."),
    )

    def laid_out(most: int) -> Message:
        told = (_line(entry, now, sites, most) for entry in due)
        return compose(
            *lines(
                bold(tr("Closing next")) if due else none,
                "" if due else None,
                *told,
                italic(tr(only)) if is_of_any else None,
            )
        )

    if not followed:
        said = [compose("\n\n", tr(only))] if is_of_any else []
        return joined(nothing_followed(), *said), []
    rows = [[button(short_title(entry.petition, 40), CARD, entry.petition.ref)] for entry in due]
    if due:
        rows.append([button(tr("Closing reminders"), SETTINGS, extra="closing")])
    return at_a_glance(laid_out), rows


def nothing_followed() -> Message:
    """Word that nothing is followed, and how to begin."""
    return compose(
        *lines(
            to_reader(
                marked("You're not following anything yet."),
                marked("This chat isn't following anything yet."),
            ),
            say(
                "Send a petition's number or link, for example {number}, or a few words to search "
                "for.",
                number=code("300239"),
            ),
        )
    )


def follow_first(petition: PetitionRef, then: str = "") -> tuple[Message, Keyboard]:
    """Word that a petition is not followed, with a button that follows it and then does `then`."""
    subscribe = button(tr("Follow"), SUBSCRIBE, petition, as_extra(then))
    return compose(not_following()), [[subscribe]]


def restored(followed: int, missed: int, rules: int) -> Message:
    """Word how much a file has brought back, and how many petitions it could not."""
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
    """Word that a file is none of ours, or, if `why` is given, that it cannot all be read."""
    if not why:
        return compose(tr("I can't read this file. I can only restore a file from /mydata."))
    return compose(
        *lines(
            tr("This is a /mydata file, but I can't read all of it. Nothing has changed."),
            tr("The problem: {why}.", why=cut(why, 200)),
        )
    )


def too_large() -> Message:
    """Word that no file of ours is that large."""
    return compose(tr("This file is too big. I can only restore a file from /mydata."))


def send_again() -> Message:
    """Ask for the file again, once consent is given."""
    return compose(tr("Once you've agreed, send the file again."))
