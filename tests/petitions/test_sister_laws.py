"""Laws of what the Senedd's, Scotland's and Jersey's sites may serve, in any state and order.

Whatever it is, taking it in never raises, and nothing is announced that the site does not say.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

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
    MilestoneReached,
    NotDebated,
    Opened,
    Referred,
    Rejected,
    Removed,
    Reopened,
    Responded,
    ResponseRevised,
    ResponseWithdrawn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import observe
from bot.petitions.parliaments import DESCRIPTIONS, description_of, site_like
from bot.petitions.parse import parse_petition
from bot.petitions.petition import Petition
from bot.petitions.reminders import moments
from bot.petitions.thresholds import is_settled, thresholds

HOUR = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2027, 2, 1, tzinfo=UTC)

MOMENTS = st.none() | st.integers(0, 9_000).map(lambda hours: (START + hours * HOUR).isoformat())
DAYS = st.none() | st.dates(date(2026, 1, 1), date(2027, 1, 1)).map(date.isoformat)
TEXTS = st.sampled_from((None, "", "We will.", "We will not."))
LINKS = st.sampled_from((None, "", "https://x.example/1"))
RESPONSES = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "summary": TEXTS,
        "details": TEXTS,
        "responded_on": DAYS,
        "created_at": MOMENTS,
        "updated_at": MOMENTS,
    },
)
DEBATES = st.none() | st.fixed_dictionaries(
    {"debated_on": DAYS, "overview": TEXTS},
    optional={"transcript_url": LINKS, "video_url": LINKS, "debate_pack_url": LINKS},
)
REJECTIONS = st.none() | st.fixed_dictionaries(
    {"code": st.sampled_from((None, "insufficient", "duplicate", "new-code")), "details": TEXTS}
)
PLACES = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("ABC"), "signature_count": st.integers(0, 9_000)}
    ),
    max_size=3,
)
SHARED = {
    "opened_at": MOMENTS,
    "closed_at": MOMENTS,
    "rejected_at": MOMENTS,
    "archived_at": MOMENTS,
    "debate_threshold_reached_at": MOMENTS,
    "scheduled_debate_date": DAYS,
    "debate_outcome_at": MOMENTS,
    "debate": DEBATES,
    "rejection": REJECTIONS,
}
COMMITTEES = {
    "referral_threshold_reached_at": MOMENTS,
    "referred_at": MOMENTS,
    "completed_at": MOMENTS,
    "submitted_on_paper": st.booleans(),
    "submitted_on": DAYS,
    "topics": st.lists(st.just({"code": "health", "name": "Health"}), max_size=1),
    "signatures_by_constituency": PLACES,
    "signatures_by_region": PLACES,
}
OWN: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "senedd": {
        **COMMITTEES,
        "threshold_for_referral": st.sampled_from((None, 50, 250)),
        "threshold_for_debate": st.sampled_from((None, 5_000, 10_000)),
    },
    "scotland": {**COMMITTEES, "under_consideration_at": MOMENTS, "summary": TEXTS},
    "jersey": {
        "response_threshold_reached_at": MOMENTS,
        "ministers_response_at": MOMENTS,
        "ministers_response": RESPONSES,
        "ministers_reponse": st.none(),
        "signatures_by_parish": PLACES,
    },
}


@st.composite
def lives(draw: st.DrawFn) -> list[Petition]:
    """Bodies that a site may serve of one petition, one after the other."""
    name = draw(st.sampled_from(sorted(OWN)))
    return [draw(bodies(name)) for _ in range(draw(st.integers(2, 4)))]


@st.composite
def bodies(draw: st.DrawFn, name: str) -> Petition:
    """Any body of a site: its own states and keys in any combination."""
    description = DESCRIPTIONS[name]
    sent = draw(st.fixed_dictionaries({}, optional={**SHARED, **OWN[name]}))
    sent |= {
        "action": "A",
        "title": "A",
        description.state_key: draw(st.sampled_from((*description.states, "something_new"))),
        "signature_count": draw(st.integers(0, 20_000)),
    }
    row = {"id": 7, "pe_number": "PE2207", "attributes": sent}
    return parse_petition(json.dumps({"data": row}).encode(), site_like(name, description))


@given(lives())
def test_whatever_a_site_serves_rings_once_and_only_what_it_says(readings: list[Petition]) -> None:
    known: PetitionHistory | None = None
    keys: list[str] = []
    for reading in readings:
        before = known.petition if known else None
        known, occurrences = observe(known, reading, LATER)
        for each in occurrences:
            assert before
            _assert_true(each.event, before, reading)
        keys += [each.key for each in occurrences]
        known, again = observe(known, reading, LATER)
        assert again == ()
    assert len(keys) == len(set(keys))
    is_settled(readings[-1])
    moments(readings[-1])


def _assert_true(event: Event, before: Petition, reading: Petition) -> None:
    """What is announced is what the body says, of an institution that has a part in it."""
    description = description_of(reading)
    has_response = description.institutions.responder is not None
    match event:
        case MilestoneReached(number=number, official=None):
            assert number <= reading.signature_count
        case MilestoneReached(number=number, official=official):
            assert thresholds(reading)[number] == official
            flag = getattr(reading, f"{official}_threshold_reached_at")
            assert flag or number <= reading.signature_count
        case Responded(response=response) | ResponseRevised(response=response):
            assert has_response
            assert response == reading.government_response
        case ResponseWithdrawn():
            assert has_response
            assert reading.government_response is None
        case Opened():
            assert reading.opened_at
        case Closed(signature_count=count):
            assert reading.is_over
            assert count == reading.signature_count
        case Referred(referred_at=at):
            assert description.threshold("referral")
            assert at == reading.referred_at
        case Completed():
            assert reading.state == "completed"
            assert "completed" in description.states
        case Rejected():
            assert reading.state == "rejected"
        case Reopened(state=state):
            assert state == reading.state
        case CountFell():
            assert reading.signature_count < before.signature_count
        case Removed() | BusinessAdded() | CommitteeNoted():
            raise AssertionError(event)
        case _:
            _assert_debate_true(event, reading)


def _assert_debate_true(event: Event, reading: Petition) -> None:
    debate = reading.debate
    match event:
        case DebateScheduled(on=on) | DebateMoved(on=on):
            assert on == reading.scheduled_debate_date
        case DebateCancelled():
            assert reading.scheduled_debate_date is None
        case Debated(debated_on=on):
            assert debate
            assert on == debate.debated_on
        case NotDebated():
            assert debate
            assert debate.debated_on is None
        case DebateLink(name=name, url=url):
            assert debate
            assert url == debate.link(name)
        case _:
            pass
