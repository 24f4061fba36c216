"""The card: a whole petition in one message, under a thousand characters before it is expanded."""

from datetime import datetime
from urllib.parse import urlsplit

from bot.petitions.milestones import thresholds
from bot.petitions.model import Petition, Subscription
from bot.petitions.wording import plain
from bot.text.alert import LINK_NAMES, REASONS
from bot.text.figures import bar, clock, day, number, weekday
from bot.text.petition import department, pace_line, status_line, title
from bot.text.rich import Message, Rich, compose, cut, italic, lines, quote, row

_ASKED = 320
_DETAILS = 1_200
_SUMMARY = 320


def card(
    petition: Petition,
    read_at: datetime,
    now: datetime,
    *,
    subscription: Subscription | None = None,
    unreachable_since: datetime | None = None,
) -> Message:
    """The petition as of `read_at`; says so if the site cannot be asked right now."""
    return compose(
        *lines(
            title(petition),
            _count(petition),
            _status(petition, now),
            _following(subscription),
            _quoted(petition.background, _ASKED),
            _quoted(petition.additional_details, _DETAILS, expandable=True),
            *_response(petition),
            *_debate(petition, now),
            *_rejection(petition),
            _quoted(petition.committee_note, _SUMMARY, lead="Committee's note: "),
            _about(petition),
            _source(petition, read_at, now, unreachable_since),
        )
    )


def _count(petition: Petition) -> Rich:
    ahead = sorted(n for n in thresholds(petition) if n > petition.signature_count)
    if not petition.is_open or not ahead:
        return f"{number(petition.signature_count)} signatures"
    done = bar(petition.signature_count / ahead[0])
    return f"{done} {number(petition.signature_count)} of {number(ahead[0])}"


def _status(petition: Petition, now: datetime) -> str:
    parts = [status_line(petition, now)]
    if petition.opened_at and petition.state != "rejected":
        parts.append(f"opened {day(petition.opened_at)}")
    if petition.state != "rejected" and (a_day := pace_line(petition, now)):
        parts.append(a_day)
    return " · ".join(parts)


def _following(subscription: Subscription | None) -> str | None:
    if subscription is None:
        return None
    muted = ", without sound" if subscription.muted else ""
    return f"✅ You follow this one{muted}."


def _response(petition: Petition) -> list[Rich | None]:
    response = petition.government_response
    if response is None:
        return []
    when = f" on {day(response.responded_on)}" if response.responded_on else ""
    who = f" ({department(petition)})" if department(petition) else ""
    said = _quoted(response.summary or response.details, _SUMMARY)
    return [f"💬 The Government responded{when}{who}.", said]


def _debate(petition: Petition, now: datetime) -> list[Rich | None]:
    debate = petition.debate
    if debate is None:
        date = petition.scheduled_debate_date
        return [f"🏛 Debate: {weekday(date)}."] if date else []
    if debate.debated_on is None:
        return ["🏛 It will not be debated.", _quoted(debate.overview, _SUMMARY)]
    there = [name for name, url in zip(LINK_NAMES.values(), _urls(petition), strict=True) if url]
    on_site = f" On its page: {', '.join(there).lower()}." if there else ""
    return [f"🏛 Debated on {weekday(debate.debated_on)}.{on_site}"]


def _urls(petition: Petition) -> tuple[str, ...]:
    debate = petition.debate
    if debate is None:
        return ("",) * len(LINK_NAMES)
    return (
        debate.transcript_url,
        debate.video_url,
        debate.debate_pack_url,
        debate.public_engagement_url,
        debate.debate_summary_url,
    )


def _rejection(petition: Petition) -> list[Rich | None]:
    if petition.state != "rejected" or petition.rejection is None:
        return []
    why = REASONS.get(petition.rejection.code)
    return [f"🚫 {why}" if why else None, _quoted(petition.rejection.details, _SUMMARY)]


def _about(petition: Petition) -> str | None:
    topics = ", ".join(topic.replace("-", " ") for topic in petition.topics)
    parts = [
        f"Topics: {topics}" if topics else "",
        f"For: {', '.join(d.name for d in petition.departments)}" if petition.departments else "",
        f"Started by {petition.creator_name}" if petition.creator_name and petition.is_open else "",
        f"From the {petition.parliament.period} parliament" if petition.parliament else "",
    ]
    return " · ".join(part for part in parts if part) or None


def _source(
    petition: Petition, read_at: datetime, now: datetime, unreachable_since: datetime | None
) -> Rich:
    host = urlsplit(petition.url).hostname or petition.ref.site
    figures = f"{petition.ref.id} on {host}, as of {clock(read_at, now)}."
    if unreachable_since is None:
        return italic(figures)
    missed = f"The site has not been answering since {clock(unreachable_since, now)}. "
    return row(italic(missed, figures))


def _quoted(text: str, most: int, *, expandable: bool = False, lead: str = "") -> Rich | None:
    words = cut(plain(text), most)
    return quote(f"{lead}{words}", expandable=expandable) if words else None
