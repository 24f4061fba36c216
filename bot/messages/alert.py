"""Words an alert: what happened, what it means or what comes next, and why if it comes late.

The first line does as a notification; one emoji for each kind of event, always the same.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, assert_never

from bot.messages.buttons import (
    Button,
    Keyboard,
    alert_row,
    calendar_button,
    readers_row,
    response_row,
    stranger_row,
    subscribe_link,
)
from bot.messages.following.rules import describe
from bot.messages.format import clock, day, london_today, moment, number, signatures, span, weekday
from bot.messages.i18n import many, marked, say, say_many, tr
from bot.messages.message import Message, Rich, aside, compose, cut, italic, lines, quote, row
from bot.messages.petition.institutions import committee, responder, response_title, sentence
from bot.messages.petition.parts import (
    awaited,
    department,
    is_too_few,
    life,
    meaning_line,
    outlook,
    pace_line,
    rate,
    title,
)
from bot.messages.petition.rejection import reason
from bot.messages.petition.response import excerpt, safe_link
from bot.messages.petition.wording import spoken_event
from bot.messages.reader import is_shared
from bot.messages.reminder import AlertText, reminder
from bot.petitions.events import (
    BusinessAdded,
    Closed,
    ClosingSoon,
    CommitteeNoted,
    Completed,
    CountFell,
    DebateCancelled,
    Debated,
    DebateLink,
    DebateMoved,
    DebateOverdue,
    DebatePassed,
    DebateScheduled,
    DebateToday,
    Event,
    MilestoneReached,
    NotDebated,
    NotPublished,
    Occurrence,
    Opened,
    Referred,
    Rejected,
    Removed,
    Reopened,
    Responded,
    ResponseOverdue,
    ResponseRevised,
    ResponseWithdrawn,
    Surged,
    ToppedIn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.parliaments import description_of
from bot.petitions.parliaments.description import Responder
from bot.petitions.petition import DebateLinkName, Petition
from bot.petitions.text_diff import readable
from bot.petitions.thresholds import CustomMilestones, is_custom
from bot.subscriptions.subscription import Rule

_FRESH = timedelta(minutes=15)
_QUOTED = 700
_SENTENCE = 280
_BRIEF = 160  # characters of a changed sentence in a summary
_SENTENCES = 5

LINK_NAMES: dict[DebateLinkName, str] = {
    "transcript": marked("Transcript"),
    "video": marked("Video"),
    "debate_pack": marked("Research briefing"),
    "public_engagement": marked("Public engagement"),
    "debate_summary": marked("Summary"),
}

_LINKS_OUT: dict[DebateLinkName, str] = {
    "transcript": marked("🏛 <b>Debate transcript published.</b>"),
    "video": marked("🏛 <b>Debate video published.</b>"),
    "debate_pack": marked("🏛 <b>Research briefing for the debate published.</b>"),
    "public_engagement": marked("🏛 <b>Public engagement page for the debate published.</b>"),
    "debate_summary": marked("🏛 <b>Debate summary published.</b>"),
}

_RESPONDED: Mapping[Responder, str] = {
    "government": marked("💬 <b>The Government has responded</b>{by}."),
    "ministers": marked("💬 <b>Ministers have responded</b>{by}."),
}
_RESPONDED_AGAIN: Mapping[Responder, str] = {
    "government": marked("💬 <b>The Government has responded again</b>{by}."),
    "ministers": marked("💬 <b>Ministers have responded again</b>{by}."),
}


class Among(NamedTuple):
    """A group or channel, in which many read an alert; `username` is the bot's.

    Most of them may change nothing there, and in a channel press nothing that has the bot speak.
    """

    username: str
    is_channel: bool


def alert(
    known: PetitionHistory,
    occurrences: Sequence[Occurrence],
    now: datetime,
    muted: bool,
    *,
    rule: Rule | None = None,
    followed: bool = True,
    custom: CustomMilestones | None = None,
    among: Among | None = None,
    queue: str = "",
) -> tuple[Message, Keyboard]:
    """Word occurrences that belong together, oldest first, as one message with its buttons.

    `rule` is the one by which the chat is told, None if it is for following the petition; `custom`
    are the chat's own milestones for it. `among` is the group or channel that is told, None for one
    person alone. `queue` is the one the alert waited in, "" for none.
    """
    petition = known.petition
    told = _tell([occurrence.event for occurrence in occurrences], known, now, custom)
    since = _why_late(occurrences[0].at, now, queue, is_shared=among is not None)
    why = _why(rule, occurrences) if rule else None
    message = compose(*lines(told.headline, title(petition), *told.rows, since, why))
    if among:
        row = readers_row(petition, subscribe_link(among.username, petition.ref))
    else:
        row = alert_row(petition, muted) if followed else stranger_row(petition)
    if among and among.is_channel:
        return message, [row]
    return message, _buttons(known, [occurrence.event for occurrence in occurrences], row)


def _why_late(at: datetime, now: datetime, queue: str, *, is_shared: bool) -> Rich | None:
    """Word since when the news was known and why it comes only now; None if it is fresh."""
    if now - at < _FRESH:
        return None
    seen = clock(at, now)
    match queue.partition(":")[0]:
        case "quiet" if is_shared:
            return italic(tr("First seen: {clock}, held for this chat's quiet hours.", clock=seen))
        case "quiet":
            return italic(tr("First seen: {clock}, held for your quiet hours.", clock=seen))
        case "snooze":
            return italic(tr("First seen: {clock}, held while alerts were snoozed.", clock=seen))
        case "digest":
            return italic(tr("First seen: {clock}, kept for the digest.", clock=seen))
        case _:
            return italic(tr("First seen: {clock}. I couldn't send it sooner.", clock=seen))


def _why(rule: Rule, occurrences: Sequence[Occurrence]) -> Rich:
    events = (occurrence.event for occurrence in occurrences)
    names = (e.name for e in events if isinstance(e, ToppedIn) and e.code == rule.constituency)
    described = describe(rule, called=next(names, ""))
    if is_shared():
        return italic(say("From this chat's rule “{rule}”.", rule=described))
    return italic(say("From your rule “{rule}”.", rule=described))


def _buttons(known: PetitionHistory, events: Sequence[Event], row: list[Button]) -> Keyboard:
    """Return the buttons beneath an alert: `row`, and above it what fits the events, each once."""
    above: list[Button] = []
    for event in events:
        fitting: list[Button] = []
        match event:
            case DebateScheduled() | DebateMoved() if known.petition.scheduled_debate_date:
                fitting = [calendar_button(known.petition.ref, "debate")]
            case ClosingSoon():
                fitting = [calendar_button(known.petition.ref, "closing")]
            case Responded() | ResponseRevised() | ResponseWithdrawn():
                fitting = response_row(known.petition, len(known.earlier_responses))
        above += [each for each in fitting if each not in above]
    return [above, row] if above else [row]


def in_brief(known: PetitionHistory, occurrences: Sequence[Occurrence], now: datetime) -> Rich:
    """Word in one line what happened or changed, with the links where it is to be read."""
    events = [spoken_event(occurrence.event, known.petition) for occurrence in occurrences]
    told = _tell(events, known, now, None)
    links = [event for event in events if isinstance(event, DebateLink)]
    if links:
        return row(told.headline, " ", _link_row(links))
    if isinstance(events[0], ResponseRevised):
        return _revised_in_brief(events[0], known.petition)
    return told.headline


def _revised_in_brief(event: ResponseRevised, petition: Petition) -> Rich:
    by = aside(department(petition))
    changes = [("+", sentence) for sentence in event.added]
    changes += [("−", sentence) for sentence in event.removed]
    if not changes:
        return say("💬 <b>{response} revised</b>{by}.", response=response_title(petition), by=by)
    sign, sentence = changes[0]
    left = len(changes) - 1
    more = many("{count} more change", "{count} more changes", left)
    return row(
        say("💬 <b>{response} revised</b>{by}:", response=response_title(petition), by=by),
        f" {sign} {cut(sentence, _BRIEF)}",
        *([" · ", more] if left else []),
    )


def bare_alert(known: PetitionHistory) -> Message:
    """Word that there is news of a petition, in a text so plain that nothing in it can fail."""
    number, url = known.petition.number, known.petition.url
    return compose(tr("There's an update to petition {number}: {url}", number=number, url=url))


def _tell(
    events: Sequence[Event], known: PetitionHistory, now: datetime, custom: CustomMilestones | None
) -> AlertText:
    events = [spoken_event(event, known.petition) for event in events]
    milestones = [event for event in events if isinstance(event, MilestoneReached)]
    if milestones:
        return _milestones(milestones, known.petition, now, custom)
    links = [event for event in events if isinstance(event, DebateLink)]
    if links and len(links) == len(events):
        return _links(links)
    told = _one(events[0], known, now)
    return told._replace(rows=(*told.rows, _link_row(links))) if links else told


def _one(event: Event, known: PetitionHistory, now: datetime) -> AlertText:
    petition = known.petition
    match event:
        case MilestoneReached():
            return _milestones([event], petition, now, None)
        case Responded():
            return _responded(event, petition)
        case ResponseRevised():
            return _revised(event, petition)
        case ResponseWithdrawn():
            return _withdrawn(petition)
        case DebateScheduled() | DebateMoved() | DebateCancelled():
            return _debate_date(event, petition, now)
        case Debated() | NotDebated() | DebateLink():
            return _debate_outcome(event)
        case BusinessAdded() | CommitteeNoted():
            return _business(event)
        case Closed() | Referred() | Completed():
            return _ended(event, petition, now)
        case Opened() | Rejected() | NotPublished() | Removed() | Reopened():
            return _status_change(event, known)
        case CountFell():
            return _count_fell(event, petition)
        case (
            ClosingSoon()
            | ResponseOverdue()
            | DebateOverdue()
            | DebateToday()
            | DebatePassed()
            | Surged()
            | ToppedIn()
        ):
            return reminder(event, petition, now)
        case _:
            assert_never(event)


def _milestones(
    events: Sequence[MilestoneReached],
    petition: Petition,
    now: datetime,
    custom: CustomMilestones | None,
) -> AlertText:
    top = events[-1]
    official = [event for event in events if event.official]
    rows = (
        *(_reached_row(event, petition) for event in official),
        outlook(petition, custom),
        _sentence(pace_line(petition, now)),
    )
    if len(events) == 1:
        return AlertText(_reached(top, petition, custom), rows)
    others = [event for event in official if event is not top]
    passed = _past(top, others, signatures(top.signature_count))
    promises = (f" {meaning_line(e.official, petition)}" for e in official if e.official)
    return AlertText(row(passed, *promises), rows)


def _reached(event: MilestoneReached, petition: Petition, custom: CustomMilestones | None) -> Rich:
    reached = signatures(event.number)
    if event.official:
        meaning = meaning_line(event.official, petition)
        return say("🔔 <b>{signatures}</b>. {meaning}", signatures=reached, meaning=meaning)
    if custom and is_custom(event.number, custom, petition):
        if is_shared():
            return say("🔔 <b>{signatures}</b>, a milestone set in this chat.", signatures=reached)
        return say("🔔 <b>{signatures}</b>, your own milestone.", signatures=reached)
    return say("🔔 <b>{signatures}</b> reached.", signatures=reached)


def _past(top: MilestoneReached, others: Sequence[MilestoneReached], count: str) -> Rich:
    """Word the count as past the highest milestone, and past any official ones beneath it."""
    *passed, last = [number(event.number) for event in (top, *reversed(others))]
    if not passed:
        return say("🔔 <b>{signatures}</b>, past {last}.", signatures=count, last=last)
    return say(
        "🔔 <b>{signatures}</b>, past {others} and {last}.",
        signatures=count,
        others=", ".join(passed),
        last=last,
    )


def _reached_row(event: MilestoneReached, petition: Petition) -> str | None:
    if event.reached_at is None:
        return None
    at = moment(event.reached_at)
    if petition.opened_at and event.reached_at > petition.opened_at:
        return tr(
            "It reached {number} on {moment}, {span} after it opened.",
            number=number(event.number),
            moment=at,
            span=span(event.reached_at - petition.opened_at),
        )
    return tr("It reached {number} on {moment}.", number=number(event.number), moment=at)


def _responded(event: Responded, petition: Petition) -> AlertText:
    response = event.response
    by = aside(department(petition), day(response.responded_on) if response.responded_on else "")
    summary = readable(response.summary or response.details)
    who = responder(petition) or "government"
    return AlertText(
        say((_RESPONDED if event.is_first else _RESPONDED_AGAIN)[who], by=by),
        (quote(cut(summary, _QUOTED)) if summary.strip() else None,),
    )


def _revised(event: ResponseRevised, petition: Petition) -> AlertText:
    changes = (*_changes("−", event.removed), *_changes("+", event.added))
    return AlertText(
        say(
            "💬 <b>{response} revised</b>{by}.",
            response=response_title(petition),
            by=aside(department(petition)),
        ),
        (tr("What changed:") if changes else None, *changes),
    )


def _changes(sign: str, sentences: Sequence[str]) -> list[Rich]:
    shown: list[Rich] = [quote(f"{sign} {cut(s, _SENTENCE)}") for s in sentences[:_SENTENCES]]
    if left := len(sentences) - len(shown):
        more = many("{count} more sentence", "{count} more sentences", left)
        shown.append(f"{sign} {more}")
    return shown


def _withdrawn(petition: Petition) -> AlertText:
    """Word that a response was withdrawn, and what the petition waits for if it has no new one."""
    withdrawn = say("💬 <b>{response} withdrawn.</b>", response=response_title(petition))
    if petition.government_response is not None:
        return AlertText(withdrawn)
    if petition.archived:
        waiting = tr("There may not be another: the petition is from a past parliament.")
    elif petition.is_cut_short:
        waiting = tr("There may not be another: the petition closed before its closing date.")
    else:
        waiting = tr("It's waiting for a response again.")
    return AlertText(withdrawn, (waiting,))


def _debate_date(
    event: DebateScheduled | DebateMoved | DebateCancelled, petition: Petition, now: datetime
) -> AlertText:
    """Word a debate's date, or its end; the days until then only while that is still its date."""
    match event:
        case DebateScheduled(on):
            if on < london_today(now):
                return AlertText(
                    say(
                        "🏛 <b>Debate date added:</b> {day}, which has already passed.",
                        day=weekday(on),
                    )
                )
            return AlertText(
                say("🏛 <b>Debate on {day}</b>.", day=weekday(on)),
                (_days_until(event, petition, now),),
            )
        case DebateMoved(was, on):
            return AlertText(
                say("🏛 <b>Debate moved</b> from {was} to {day}.", was=day(was), day=weekday(on)),
                (_days_until(event, petition, now),),
            )
        case DebateCancelled(was):
            planned = tr("The debate was planned for {day}.", day=weekday(was))
            if petition.scheduled_debate_date or petition.debate:
                return AlertText(say("🏛 <b>Debate date removed</b>."), (planned,))
            return AlertText(say("🏛 <b>The debate no longer has a date</b>."), (planned,))


def _days_until(
    event: DebateScheduled | DebateMoved, petition: Petition, now: datetime
) -> str | None:
    left = (event.on - london_today(now)).days
    if left < 0 or petition.scheduled_debate_date != event.on:
        return None
    if left == 0:
        return tr("The debate is today.")
    return many(
        "The debate is in {count} day.",
        "The debate is in {count} days.",
        left,
    )


def _debate_outcome(event: Debated | NotDebated | DebateLink) -> AlertText:
    match event:
        case Debated(debated_on, overview):
            return AlertText(
                say("🏛 <b>Debated</b> on {day}.", day=weekday(debated_on)),
                (_quoted(overview),),
            )
        case NotDebated(overview):
            return AlertText(
                say("🏛 <b>It won't be debated.</b>"),
                (_quoted(overview),),
            )
        case DebateLink():
            return _links([event])


def _links(links: Sequence[DebateLink]) -> AlertText:
    if len(links) == 1:
        return AlertText(say(_LINKS_OUT[links[0].name]), (_link_row(links),))
    return AlertText(say("🏛 <b>New links about the debate.</b>"), (_link_row(links),))


def _link_row(links: Sequence[DebateLink]) -> Rich:
    parts: list[Rich] = []
    for event in links:
        parts += [" · ", _safe_link(tr(LINK_NAMES[event.name]), event.url)]
    return row(*parts[1:])


def _safe_link(text: str, url: str) -> Rich:
    """Return a link only where the address is one: the site's fields are typed by hand."""
    linked = safe_link(text, url)
    return linked if linked != text else f"{text}: {cut(url, _QUOTED)}"


def _business(event: BusinessAdded | CommitteeNoted) -> AlertText:
    match event:
        case BusinessAdded(business):
            on = aside(day(business.occurred_on) if business.occurred_on else "")
            subject = cut(business.subject, 200)
            return AlertText(
                say("📜 <b>In Parliament:</b> {subject}{on}.", subject=subject, on=on),
                (_quoted(business.body),),
            )
        case CommitteeNoted(note, revised):
            what = (
                say("📝 <b>The Petitions Committee updated its note</b>.")
                if revised
                else say("📝 <b>The Petitions Committee added a note</b>.")
            )
            return AlertText(what, (_quoted(note),))


def _closed(event: Closed, petition: Petition, now: datetime) -> AlertText:
    count = signatures(event.signature_count)
    if description_of(petition).closing == "committee":
        by = committee(petition)
        headline = say(
            "🏁 <b>Closed by {committee} with {signatures}.</b>", committee=by, signatures=count
        )
    else:
        headline = say("🏁 <b>Closed with {signatures}.</b>", signatures=count)
    early = _why_early(petition) if event.early else None
    return AlertText(headline, (early, _life_line(petition, now), awaited(petition)))


def _why_early(petition: Petition) -> str:
    if not description_of(petition).ends_with_parliament:
        return tr("It closed before its closing date.")
    return tr(
        "It closed before its closing date. This can happen when Parliament is "
        "dissolved for a general election."
    )


def _ended(event: Closed | Referred | Completed, petition: Petition, now: datetime) -> AlertText:
    match event:
        case Closed():
            return _closed(event, petition, now)
        case Referred():
            name = committee(petition)
            return AlertText(
                say("📥 <b>Referred to {committee}.</b>", committee=name), (awaited(petition),)
            )
        case Completed():
            name = committee(petition)
            return AlertText(
                say("🏁 <b>Completed by {committee}.</b>", committee=name), (awaited(petition),)
            )


def _life_line(petition: Petition, now: datetime) -> str | None:
    """Word how long it was open and how fast it was signed, as far as both are known."""
    lasted, signed = life(petition, now), rate(petition, now)
    if lasted is None:
        return _sentence(pace_line(petition, now))
    if signed is None:
        return tr("It was open for {span}.", span=lasted)
    return tr("It was open for {span}, at {rate}.", span=lasted, rate=signed)


def _status_change(
    event: Opened | Rejected | NotPublished | Removed | Reopened, known: PetitionHistory
) -> AlertText:
    petition = known.petition
    match event:
        case Opened():
            return _opened(event, petition)
        case Rejected(rejection):
            details = _quoted(rejection.details if rejection else "")
            if rejection and is_too_few(petition):
                headline = say("🚫 <b>Closed with too few signatures.</b>")
            else:
                headline = say("🚫 <b>Rejected.</b>")
            return AlertText(headline, (reason(petition, rejection), details))
        case NotPublished("stopped"):
            return AlertText(
                say("🚫 <b>Stopped before it was published.</b>"),
                (
                    tr(
                        "It won't open for signatures. This can happen when a parliament is "
                        "dissolved."
                    ),
                ),
            )
        case NotPublished():
            return AlertText(
                say("⚠️ <b>The petitions site no longer shows it.</b>"),
                (
                    tr(
                        "It may have been rejected, or set aside for now. I'll keep checking "
                        "and tell you if it opens."
                    ),
                ),
            )
        case Removed():
            return AlertText(
                say("⚠️ <b>Taken off the site.</b>"),
                (
                    tr("I'll keep checking and tell you if it comes back.")
                    if known.removed
                    else None,
                ),
            )
        case Reopened():
            if event.state != "open":
                back = say("↩️ <b>Back on the petitions site.</b>")
            elif petition.is_open:
                back = say("↩️ <b>Open for signatures again.</b>")
            else:
                back = say("↩️ <b>Opened for signatures again.</b>")
            return AlertText(back, (outlook(petition),))


def _opened(event: Opened, petition: Petition) -> AlertText:
    if event.on_paper:
        count = signatures(petition.signature_count)
        headline = say("📣 <b>Handed in on paper, with {signatures}.</b>", signatures=count)
        return AlertText(
            headline, (sentence(marked("{committee} will now consider it."), petition),)
        )
    considering = sentence(marked("{committee} is considering it."), petition)
    if petition.state == "under_consideration":
        return AlertText(say("📣 <b>Published, and not open for signatures.</b>"), (considering,))
    is_considered = description_of(petition).closing == "committee"
    if not petition.is_open:
        return AlertText(say("📣 <b>Opened for signatures.</b>"))
    headline = say("📣 <b>Open for signatures.</b>")
    return AlertText(headline, (considering if is_considered else None, outlook(petition)))


def _count_fell(event: CountFell, petition: Petition) -> AlertText:
    return AlertText(
        say_many(
            "↘️ <b>{count} signature was removed.</b> This can happen after fraud checks.",
            "↘️ <b>{count} signatures were removed.</b> This can happen after fraud checks.",
            event.was - event.signature_count,
        ),
        (
            tr(
                "The total is now {number}. Milestones already reached still count.",
                number=number(petition.signature_count),
            ),
        ),
    )


def _quoted(text: str) -> Rich | None:
    words = excerpt(text, _QUOTED)
    return quote(words) if words else None


def _sentence(clause: str | None) -> str | None:
    return f"{clause}." if clause else None
