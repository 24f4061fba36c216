"""Finds what happened between two readings; nothing else decides that something did (pure).

Everything is decided from content: state, texts, dates and counts, never from `updated_at`, which
moves with every signature and stands still when a debate has been held. Total over any two readings
of one petition, of any schema year, in any order.
"""

from collections.abc import Container, Iterator
from datetime import date
from hashlib import blake2s

from msgspec import structs

from bot.petitions.events import (
    BusinessAdded,
    Closed,
    CommitteeNoted,
    Completed,
    CountFell,
    DebateCancelled,
    Debated,
    DebateLink,
    DebateMoved,
    DebateScheduled,
    Event,
    NotDebated,
    Opened,
    Referred,
    Rejected,
    Reopened,
    Responded,
    ResponseRevised,
    ResponseWithdrawn,
)
from bot.petitions.petition import Business, Debate, DebateLinkName, GovernmentResponse, Petition
from bot.petitions.text_diff import changed_sentences, same_words, words
from bot.petitions.thresholds import reached

# A fall is worth telling from one signature in a hundred, and not below fifty.
_NOTICEABLE_SHARE = 0.01
_NOTICEABLE_LEAST = 50
_FLAG = "_threshold_reached_at"

_LINKS: tuple[DebateLinkName, ...] = (
    "transcript",
    "video",
    "debate_pack",
    "public_engagement",
    "debate_summary",
)


def diff(before: Petition, after: Petition) -> tuple[Event, ...]:
    """Find the events between two readings of a petition, in the order they come in its life."""
    # A date that moved says nothing of a response that one of them does not carry.
    tells_response = "government_response" not in before.missing ^ after.missing
    lacking = after.missing
    before, after = aligned(before, after)
    if before.opened_at is None and after.submitted_on_paper and after.opened_at is not None:
        # It comes with its signatures, and has never been open.
        return (Opened(after.opened_at, on_paper=True),)
    return (
        *_publication(before, after),
        *_milestones(before, after, lacking),
        *(_response(before, after) if tells_response else ()),
        *_debate_date(before, after),
        *_debate_outcome(before, after),
        *_business(before, after),
        *_committee_note(before, after),
        *_end(before, after),
        *_fall(before, after),
    )


def facts(petition: Petition) -> frozenset[str]:
    """Return the keys of everything that has happened to a petition when we first see it."""
    typed = structs.replace(petition, submitted_on_paper=False)
    return frozenset(event.key for event in diff(_blank(petition), typed))


def aligned(before: Petition, after: Petition) -> tuple[Petition, Petition]:
    """Return both readings, each completed with the attributes that only the other carries.

    Schemas come and go: an attribute that is absent has not become empty, and one that appears with
    a new schema year has not just happened.
    """
    return _completed(before, after), _completed(after, before)


def _completed(petition: Petition, other: Petition) -> Petition:
    lacking = petition.missing - other.missing
    if not lacking:
        return petition
    return structs.replace(
        petition,
        missing=petition.missing & other.missing,
        **{name: getattr(other, name) for name in lacking},
    )


def _blank(petition: Petition) -> Petition:
    return Petition(
        ref=petition.ref,
        url=petition.url,
        action="",
        state="",
        signature_count=0,
        like=petition.like,
        response_threshold=petition.response_threshold,
        referral_threshold=petition.referral_threshold,
        debate_threshold=petition.debate_threshold,
    )


def _publication(before: Petition, after: Petition) -> Iterator[Event]:
    if after.state == "rejected":
        return
    if before.opened_at is None and after.opened_at is not None:
        yield Opened(after.opened_at)
    elif before.state == "rejected" or (before.is_over and after.is_open):
        yield Reopened(was=before.state, state=after.state)


def _milestones(before: Petition, after: Petition, lacking: Container[str]) -> Iterator[Event]:
    """Yield the milestones newly reached, except by a flag that only the older body carried.

    Such a flag was set when the threshold was another number.
    """
    had = reached(before)
    for number, event in reached(after).items():
        is_flagged = event.official and number > after.signature_count
        if number not in had and not (is_flagged and f"{event.official}{_FLAG}" in lacking):
            yield event


def _response(before: Petition, after: Petition) -> Iterator[Event]:
    old, new = before.government_response, after.government_response
    if new is None:
        if old is not None:
            yield ResponseWithdrawn(old.responded_on)
    elif old is None or not _same_response(before, after):
        yield Responded(new, after.government_response_at)
    elif not same_words(_text(old), _text(new)):
        removed, added = changed_sentences(_text(old), _text(new))
        yield ResponseRevised(new, removed, added)


def _same_response(before: Petition, after: Petition) -> bool:
    """Return whether both have the same response: revising it leaves `created_at` as it was.

    2015's schema has no `created_at`; the petition's own `government_response_at` stands in.
    """
    old, new = before.government_response, after.government_response
    if old and new and old.created_at and new.created_at:
        return old.created_at == new.created_at
    if before.government_response_at and after.government_response_at:
        return before.government_response_at == after.government_response_at
    return True


def _text(response: GovernmentResponse) -> str:
    return f"{response.summary}\n\n{response.details}"


def _debate_date(before: Petition, after: Petition) -> Iterator[Event]:
    old, new = before.scheduled_debate_date, after.scheduled_debate_date
    if old == new or _is_settled(after.debate, new):
        return
    if new is None:
        if old is not None:
            yield DebateCancelled(old)
    elif old is None:
        yield DebateScheduled(new)
    else:
        yield DebateMoved(old, new)


def _is_settled(debate: Debate | None, scheduled: date | None) -> bool:
    """Return whether the outcome already covers this date, or that there is none any more."""
    if debate is None:
        return False
    return scheduled is None or (debate.debated_on is not None and scheduled <= debate.debated_on)


def _debate_outcome(before: Petition, after: Petition) -> Iterator[Event]:
    if after.debate is None:
        return
    was = before.debate
    if after.debate.debated_on is None:
        if was is None:
            yield NotDebated(after.debate.overview)
    elif was is None or was.debated_on is None:
        yield Debated(after.debate.debated_on, after.debate.overview)
    for name in _LINKS:
        url = after.debate.link(name)
        if url and not (was and was.link(name)):
            yield DebateLink(name, url)


def _business(before: Petition, after: Petition) -> Iterator[Event]:
    known = {_identity(item) for item in before.other_parliamentary_business}
    for item in after.other_parliamentary_business:
        identity = _identity(item)
        if identity not in known:
            known.add(identity)
            yield BusinessAdded(item, identity)


def _identity(item: Business) -> str:
    """Identify an item by when it was created, as its words may be edited, else by its subject."""
    if item.created_at:
        return f"{item.created_at:%Y%m%dT%H%M%S.%f}"
    return _digest(item.subject)


def _digest(text: str) -> str:
    return blake2s(text.encode("utf-8", "replace"), digest_size=6).hexdigest()


def _committee_note(before: Petition, after: Petition) -> Iterator[Event]:
    old, new = before.committee_note, after.committee_note
    if old != new and words(new) and not same_words(old, new):
        yield CommitteeNoted(new, revised=bool(words(old)), identity=_digest(" ".join(words(new))))


def _end(before: Petition, after: Petition) -> Iterator[Event]:
    if after.state == "rejected" and before.state != "rejected":
        yield Rejected(after.rejection)
    elif after.is_over and not before.is_over and before.state != "rejected":
        yield Closed(after.signature_count, after.closed_at, early=_is_early(before, after))
    if after.referred_at and before.referred_at is None:
        yield Referred(after.referred_at)
    if after.state == "completed" and before.state != "completed":
        yield Completed(after.completed_at)


def _is_early(before: Petition, after: Petition) -> bool:
    if before.closing_date is None or after.closed_at is None:
        return False
    return after.closed_at.date() < before.closing_date


def _fall(before: Petition, after: Petition) -> Iterator[Event]:
    lost = before.signature_count - after.signature_count
    # An archive keeps its own count: moving there takes nothing from a petition.
    moved = before.archived != after.archived
    noticeable = max(_NOTICEABLE_LEAST, before.signature_count * _NOTICEABLE_SHARE)
    if lost >= noticeable and not moved:
        yield CountFell(before.signature_count, after.signature_count)
