"""The rules by which each look changes a petition's history, and what is announced of it (pure).

`diff` compares two readings; here its answer meets what happened before them, so that nothing rings
twice in a petition's life, and a body from an old cache does not turn time back. A petition can be
taken back to an earlier day as well.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from bot.local_time import LONDON_ZONE
from bot.petitions.diff import aligned, diff, facts
from bot.petitions.events import (
    CountFell,
    Event,
    MilestoneReached,
    NotPublished,
    Occurrence,
    Removed,
    Reopened,
    Responded,
    Surged,
    ToppedIn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.parliaments import description_of
from bot.petitions.petition import (
    Counts,
    GovernmentResponse,
    Petition,
    PetitionRef,
    Place,
    Site,
    Unpublication,
)
from bot.petitions.reminders import passed, premature

# A cache serves an older body for up to five times the site's minute, which is as often as we look.
# Once it is served that often in a row, time has been turned back at its source.
_LOOKS_TO_BELIEVE_OLDER = 5

_LOOKS_TO_BELIEVE_GONE = 2
# Where a site answers for what it took down as for what never was, only time tells the two apart.
_LOOKS_TO_BELIEVE_MISSING, _TIME_TO_BELIEVE_MISSING = 12, timedelta(days=1)
# A petition may be set aside and taken up again while it is checked; the site says 404 meanwhile.
_LOOKS_TO_BELIEVE_HIDDEN = 12

# A count that falls to less than half, as by no check for fraud, is mostly a fault of the site.
_COLLAPSE = 2
_COUNTS_FROM = 20

# With fewer signatures a handful of people decide which constituencies come first.
_RANKED_FROM = 1_000
_TOP = 10


def observe(
    known: PetitionHistory | None, reading: Petition, now: datetime
) -> tuple[PetitionHistory, tuple[Occurrence, ...]]:
    """Take in one reading; return the new history, and what happened. The first one is silent."""
    if known is None:
        return _first(reading, now), ()
    older_looks = known.older_looks + 1 if is_older(known, reading) else 0
    if 0 < older_looks < _LOOKS_TO_BELIEVE_OLDER:
        # The site dates its counts back by a minute or two, so numbers may still go forward.
        reading = with_counts(known.petition, reading)
    else:
        older_looks = 0
    _, current = aligned(known.petition, reading)
    events = diff(known.petition, reading)
    if known.removed:
        events = (Reopened(was="removed", state=reading.state), *events)
    top = _top(reading) or known.top
    if known.top and reading.is_open:
        events = (*events, *_topped(reading, known.top))
    earlier = _earlier_responses(known, current)
    events = tuple(
        structs.replace(event, is_first=not earlier) if isinstance(event, Responded) else event
        for event in events
    )
    seen, occurrences = _latched(known, events, now)
    # A reminder that only this body brings, and whose moment has passed already, is no news.
    overtaken = passed(current, now) - passed(known.petition, now)
    return (
        PetitionHistory(
            petition=current.without_breakdowns(),
            read_at=now,
            seen=(seen | overtaken | _topped_keys(top)) - premature(current, now),
            peak=max(known.peak, known.petition.signature_count, current.signature_count),
            top=top,
            surged_at=known.surged_at,
            earlier_responses=earlier,
            older_looks=older_looks,
        ),
        occurrences,
    )


def _first(reading: Petition, now: datetime) -> PetitionHistory:
    top = _top(reading)
    return PetitionHistory(
        petition=reading.without_breakdowns(),
        read_at=now,
        seen=facts(reading) | passed(reading, now) | _topped_keys(top),
        peak=reading.signature_count,
        top=top,
    )


def observe_surge(
    known: PetitionHistory, event: Surged, now: datetime
) -> tuple[PetitionHistory, Occurrence]:
    """Take in that a petition surges; it will not be said again for a while."""
    seen, (occurrence,) = _latched(known, (event,), now)
    return structs.replace(known, seen=seen, surged_at=now), occurrence


def _top(reading: Petition) -> tuple[str, ...]:
    """Return the codes of the ten constituencies that signed most; empty while few have signed."""
    return tuple(place.code for place in _leading(reading))


def _leading(reading: Petition) -> list[Place]:
    if reading.signature_count < _RANKED_FROM:
        return []
    signed = [place for place in reading.signatures_by_constituency if place.signature_count > 0]
    return sorted(signed, key=lambda place: (-place.signature_count, place.name))[:_TOP]


def _topped(reading: Petition, was: tuple[str, ...]) -> Iterator[ToppedIn]:
    """Yield the constituencies that came among the ten; equal counts share a rank."""
    leading = _leading(reading)
    counts = [place.signature_count for place in leading]
    total = sum(place.signature_count for place in reading.signatures_by_constituency)
    for place in leading:
        if place.code not in was:
            count = place.signature_count
            rank = counts.index(count) + 1
            yield ToppedIn(place.code, place.name, rank, count, count / total)


def _topped_keys(top: Iterable[str]) -> frozenset[str]:
    """Return the event keys of constituencies that are among the ten, and so come no more."""
    return frozenset(f"top_ten:{code}" for code in top)


def observe_gone(
    known: PetitionHistory, now: datetime
) -> tuple[PetitionHistory, tuple[Occurrence, ...]]:
    """Take in that the site says the petition was taken down; believed at the second look."""
    if known.removed:
        return known, ()
    looks = known.gone_looks + 1
    if looks < _LOOKS_TO_BELIEVE_GONE:
        return structs.replace(known, gone_looks=looks), ()
    return observe_removed(known, now)


def observe_missing(known: PetitionHistory, now: datetime) -> PetitionHistory:
    """Take in that the site does not find a petition it has shown, which may pass."""
    if known.removed:
        return known
    since = known.missing_since
    if since is None or since > now:  # else the clock was ahead then
        since = now
    return structs.replace(known, missing_since=since, gone_looks=known.gone_looks + 1)


def is_lastingly_missing(known: PetitionHistory, now: datetime) -> bool:
    """Return whether it has been missing so often and long that it counts as taken down."""
    since = known.missing_since
    is_long = since is not None and now - since >= _TIME_TO_BELIEVE_MISSING
    return is_long and known.gone_looks >= _LOOKS_TO_BELIEVE_MISSING and not known.removed


def observe_removed(
    known: PetitionHistory, now: datetime
) -> tuple[PetitionHistory, tuple[Occurrence, ...]]:
    """Take in that a petition was taken down, which has been proved before."""
    seen, occurrences = _latched(known, (Removed(),), now)
    gone = structs.replace(known, gone_looks=0, missing_since=None, removed=True, seen=seen)
    return gone, occurrences


def unpublished(ref: PetitionRef, site: Site, state: Unpublication) -> Petition:
    """Make the petition that stands for one which the site does not show yet."""
    description = description_of(site)
    return Petition(
        ref=ref,
        url=description.page(site.url, ref.id),
        action="",
        state=state,
        signature_count=0,
        like=description.id if description.id != site.id else "",
        response_threshold=site.response_threshold,
        referral_threshold=description.usual("referral"),
        debate_threshold=site.debate_threshold,
    )


def observe_unpublished(
    known: PetitionHistory, state: Unpublication, now: datetime
) -> tuple[PetitionHistory, tuple[Occurrence, ...]]:
    """Take in that the site still does not show a petition, and why.

    That it was stopped, or is not to be found, is believed when seen often enough. Of what was
    published once it says nothing: moderators may have it back for a while.
    """
    if not known.petition.is_unpublished or known.removed:
        return known, ()
    petition = structs.replace(known.petition, state=state)
    match state:
        case "gathering_support" | "moderation":
            return structs.replace(known, petition=petition, gone_looks=0), ()
        case "stopped":
            enough = _LOOKS_TO_BELIEVE_GONE
        case "hidden":
            enough = _LOOKS_TO_BELIEVE_HIDDEN
    if known.petition.state == state:
        return known, ()
    looks = known.gone_looks + 1
    if looks < enough:
        return structs.replace(known, gone_looks=looks), ()
    seen, occurrences = _latched(known, (NotPublished(state),), now)
    told = structs.replace(known, petition=petition, gone_looks=0, seen=seen, read_at=now)
    return told, occurrences


def with_counts(petition: Petition, counts: Counts | Petition) -> Petition:
    """Return the petition with the numbers of another body, where they take it further.

    Lists and `count.json` come from other caches than the petition's own body, so either may be the
    older one: what would fall or vanish is left for the petition's own body to say.
    """
    return structs.replace(
        petition,
        signature_count=max(petition.signature_count, counts.signature_count),
        response_threshold_reached_at=petition.response_threshold_reached_at
        or counts.response_threshold_reached_at,
        referral_threshold_reached_at=petition.referral_threshold_reached_at
        or counts.referral_threshold_reached_at,
        debate_threshold_reached_at=petition.debate_threshold_reached_at
        or counts.debate_threshold_reached_at,
    )


def is_news(petition: Petition, other: Counts | Petition) -> bool:
    """Return whether another body tells of more than numbers, so that its own must be read."""
    if isinstance(other, Petition):
        events = diff(petition, other)
        return any(not isinstance(event, MilestoneReached | CountFell) for event in events)
    return other.tells_dates and (
        other.government_response_at != petition.government_response_at
        or other.scheduled_debate_date != petition.scheduled_debate_date
        or other.debate_outcome_at != petition.debate_outcome_at
    )


def has_collapsed(last: Petition, reading: Petition) -> bool:
    """Return whether a count fell below half of what it was, which a second look must confirm.

    An archive keeps its own count, so that moving there is no fall.
    """
    is_low = reading.signature_count * _COLLAPSE < last.signature_count
    return is_low and last.signature_count >= _COUNTS_FROM and last.archived == reading.archived


def is_older(known: PetitionHistory, reading: Petition) -> bool:
    """Return whether a body was made before the one we have, as the site's caches can serve it.

    Moving to the archive gives a petition another clock, so that nothing is older then.
    """
    last = known.petition
    if last.updated_at is None or reading.updated_at is None or last.archived != reading.archived:
        return False
    return reading.updated_at < last.updated_at


def _latched(
    known: PetitionHistory, events: Iterable[Event], now: datetime
) -> tuple[frozenset[str], tuple[Occurrence, ...]]:
    """Turn events into occurrences: drop `once` events seen before, number other repetitions."""
    seen = set(known.seen)
    occurrences: list[Occurrence] = []
    for event in events:
        if event.once and event.key in seen:
            continue
        key = _numbered(event.key, seen)
        seen.add(key)
        ref = known.petition.ref
        occurrences.append(Occurrence(f"{ref}:{key}", ref, now, event))
    return frozenset(seen), tuple(occurrences)


def _numbered(key: str, seen: set[str]) -> str:
    if key not in seen:
        return key
    times = 2
    while f"{key}:{times}" in seen:
        times += 1
    return f"{key}:{times}"


def _earlier_responses(known: PetitionHistory, current: Petition) -> tuple[GovernmentResponse, ...]:
    last = known.petition.government_response
    if last is None or last == current.government_response:
        return known.earlier_responses
    return (*known.earlier_responses, last)


# --- a petition as it was ------------------------------------------------------------------------

# Where rules listen, a petition may be met for the first time after something has happened to it
# that should ring. What it dates after the instant is taken back; what is not dated has happened
# before.


def caught_up(known: PetitionHistory | None, reading: Petition, since: datetime) -> PetitionHistory:
    """Return the history as if the petition had been read at `since`, announcing nothing."""
    return observe(known, as_of(reading, since), since)[0]


def as_of(petition: Petition, since: datetime) -> Petition:
    """Return the petition as it was at an instant, by the dates it carries."""
    is_paper = petition.submitted_on_paper
    if _is_after((is_paper and petition.closed_at) or petition.opened_at, since):
        return _unopened(petition)
    changes = _response(petition, since) | _debate(petition, since) | _end(petition, since)
    return structs.replace(petition, **(changes | _numbers(petition, since)))


def _is_after(at: datetime | None, since: datetime) -> bool:
    return at is not None and at > since


def _unopened(petition: Petition) -> Petition:
    """Return the petition as it was before it could be signed and anything happened to it."""
    return structs.replace(
        petition,
        state="",
        signature_count=0,
        opened_at=None,
        closed_at=None,
        rejected_at=None,
        rejection=None,
        referral_threshold_reached_at=None,
        referred_at=None,
        completed_at=None,
        response_threshold_reached_at=None,
        government_response_at=None,
        government_response=None,
        debate_threshold_reached_at=None,
        debate_scheduled_on=None,
        scheduled_debate_date=None,
        debate_outcome_at=None,
        debate=None,
        committee_note="",
        other_parliamentary_business=(),
    )


def _response(petition: Petition, since: datetime) -> dict[str, Any]:
    response = petition.government_response
    created_at = response.created_at if response else None
    if not _is_after(petition.government_response_at or created_at, since):
        return {}
    return {"government_response": None, "government_response_at": None}


def _debate(petition: Petition, since: datetime) -> dict[str, Any]:
    """Return the changes that take back a debate of after `since`; its date is a day in London.

    A date that was set on that very day counts as before.
    """
    changes: dict[str, Any] = {}
    scheduled_on = petition.debate_scheduled_on
    if scheduled_on and scheduled_on > since.astimezone(LONDON_ZONE).date():
        changes = {"scheduled_debate_date": None, "debate_scheduled_on": None}
    if _is_after(petition.debate_outcome_at, since):
        changes |= {"debate": None, "debate_outcome_at": None}
    return changes


def _end(petition: Petition, since: datetime) -> dict[str, Any]:
    if petition.state == "rejected" and _is_after(petition.rejected_at, since):
        was = "open" if petition.opened_at else ""
        return {"state": was, "rejected_at": None, "rejection": None}
    if petition.is_over and _is_after(petition.closed_at, since):
        return {"state": "open", "closed_at": None, "completed_at": None, "referred_at": None}
    changes: dict[str, Any] = {}
    if _is_after(petition.referred_at, since):
        changes["referred_at"] = None
    if petition.state == "completed" and _is_after(petition.completed_at, since):
        changes |= {"state": "closed", "completed_at": None}
    return changes


def _numbers(petition: Petition, since: datetime) -> dict[str, Any]:
    """Return the changes that take back later thresholds, with a count just below them.

    Counts carry no date but that of an official threshold: it was not reached before then.
    """
    dated = (
        (petition.debate_threshold, "debate_threshold_reached_at"),
        (petition.response_threshold, "response_threshold_reached_at"),
        (petition.referral_threshold, "referral_threshold_reached_at"),
    )
    later = [(n, name) for n, name in dated if n and _is_after(getattr(petition, name), since)]
    below = min((number - 1 for number, _ in later), default=petition.signature_count)
    counted = min(petition.signature_count, max(below, 0))
    return {"signature_count": counted, **{name: None for _, name in later}}
