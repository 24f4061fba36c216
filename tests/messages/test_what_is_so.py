"""Texts say what is so and no more: what is due, what only has a date, what may never come."""

from datetime import date, timedelta

import pytest
from msgspec import structs
from petitions import NOW, REF, petition

from bot.messages.alert import alert
from bot.messages.chat.about import about, data_caption, forget_question, privacy
from bot.messages.following.subscriptions import Followed, subscribed
from bot.messages.petition.card import card
from bot.messages.petition.constituencies import no_breakdown, no_regions
from bot.messages.petition.milestones import milestones_text
from bot.messages.petition.parts import awaited
from bot.messages.petition.response import response
from bot.messages.petition.share import share_offer
from bot.petitions.events import (
    Closed,
    ClosingSoon,
    DebatePassed,
    DebateToday,
    Event,
    MilestoneReached,
    Occurrence,
    ResponseOverdue,
    ResponseRevised,
    ResponseWithdrawn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.petition import Debate, GovernmentResponse, Petition, Site
from bot.petitions.reminders import moments
from bot.subscriptions.subscription import Subscription

DAY = timedelta(days=1)
EARNED = {
    "response_threshold": 10_000,
    "debate_threshold": 100_000,
    "response_threshold_reached_at": NOW - 43 * DAY,
}


def told(event: Event, about: Petition, after: timedelta = timedelta()) -> str:
    occurrence = Occurrence(f"{REF}:{event.key}", REF, NOW, event)
    return alert(PetitionHistory(about, NOW), [occurrence], NOW + after, muted=False)[0].text


# --- what a dissolved parliament can do no more --------------------------------------------------

CLOSED = petition(
    state="closed", signature_count=10_500, closing_date=NOW.date(), closed_at=NOW, **EARNED
)
CUT_SHORT = structs.replace(CLOSED, closing_date=date(2025, 8, 10))


def test_nothing_is_waited_for_after_an_early_end() -> None:
    text = told(Closed(10_500, NOW, early=True), CUT_SHORT)
    assert "Still waiting for" not in text
    assert "may not come now" in text
    assert "Waiting for" not in card(CUT_SHORT, NOW, NOW).text
    assert "waiting" not in response(CUT_SHORT, (), NOW)[0][0].text
    followed = Followed(Subscription(1, REF, NOW), CUT_SHORT)
    assert "may not come now" in subscribed(followed, NOW, "")[0].text


@pytest.mark.parametrize("ended", [CUT_SHORT, structs.replace(CLOSED, archived=True)])
def test_nothing_is_overdue_and_no_debate_certain_after_an_end(ended: Petition) -> None:
    debated = structs.replace(
        ended, scheduled_debate_date=NOW.date() + DAY, debate_threshold_reached_at=NOW
    )
    for petition_ in (ended, debated):
        overdue = [m for m in moments(petition_) if isinstance(m.event, ResponseOverdue)]
        assert not overdue
    assert "It may not be held now" in card(debated, NOW, NOW).text
    followed = Followed(Subscription(1, REF, NOW), debated)
    assert "A debate was planned for" in subscribed(followed, NOW, "")[0].text
    assert "was planned for" in told(DebateToday(NOW.date()), debated)


def test_a_debate_of_a_parliament_that_sits_is_today() -> None:
    open_ = structs.replace(CLOSED, scheduled_debate_date=NOW.date() + DAY)
    assert "It may not be held" not in card(open_, NOW, NOW).text
    assert (
        "A debate is planned for"
        in subscribed(Followed(Subscription(1, REF, NOW), open_), NOW, "")[0].text
    )
    assert "The debate is today" in told(DebateToday(NOW.date()), open_)


def test_what_was_earned_is_waited_for_after_a_proper_end() -> None:
    text = told(Closed(10_500, NOW), CLOSED)
    assert "Still waiting for a government response" in text
    assert "Waiting for a government response since" in card(CLOSED, NOW, NOW).text
    assert "yet: waiting" in response(CLOSED, (), NOW)[0][0].text
    assert any(isinstance(m.event, ResponseOverdue) for m in moments(CLOSED))


def test_an_archived_petition_that_got_no_response_awaits_none() -> None:
    archived = structs.replace(CLOSED, archived=True)
    assert "hasn't responded" in response(archived, (), NOW)[0][0].text
    assert not any(isinstance(m.event, ResponseOverdue) for m in moments(archived))


def test_where_nothing_was_due_an_early_end_takes_nothing_away() -> None:
    nothing = structs.replace(CUT_SHORT, signature_count=84, response_threshold_reached_at=None)
    assert awaited(nothing) is None


# --- a debate that is only scheduled, was held, or is refused ------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Parliament will now consider it for a debate"),
        ({"scheduled_debate_date": date(2025, 4, 1)}, "which already has a date"),
        ({"scheduled_debate_date": date(2025, 2, 1)}, "which already has a date"),
        ({"debate": Debate(date(2025, 2, 1))}, "which it has already had"),
        ({"debate": Debate(None, overview="No.")}, "it was decided not to hold one"),
    ],
)
def test_a_debate_is_told_as_far_as_it_has_come(changes: dict[str, object], said: str) -> None:
    text = told(
        MilestoneReached(100_000, 100_001, "debate"), petition(signature_count=100_001, **changes)
    )
    assert said in text
    assert "under way" not in text


def test_that_a_day_has_passed_does_not_say_that_there_was_a_debate() -> None:
    for days, said in ((1, "was due yesterday"), (3, "was due on")):
        assert said in told(DebatePassed(NOW.date()), petition(), days * DAY)


# --- what is due, and what was reached when ------------------------------------------------------


def test_a_response_is_due_and_nobody_has_to_give_one() -> None:
    text = told(MilestoneReached(10_000, 10_001, "response"), petition(signature_count=10_001))
    assert "A government response is now due" in text
    assert "has to" not in text
    assert "At 10,000, a government response is due" in told(
        MilestoneReached(1_000, 1_001), petition(signature_count=1_001)
    )
    assert "One is due at 10,000" in response(petition(), (), NOW)[0][0].text


def test_the_date_at_a_threshold_is_of_reaching_it() -> None:
    text = milestones_text(petition(signature_count=10_500, **EARNED), (), NOW).text
    assert "✓ 10,000 (response threshold): reached 17 January 2025" in text


# --- spans from where they begin, and not a whole hour short -------------------------------------


def test_a_withdrawn_response_is_not_missed_since_the_threshold() -> None:
    text = told(ResponseWithdrawn(), petition(signature_count=10_500, **EARNED))
    assert "waiting for a response again." in text
    assert "43 days" not in text


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(hours=6, seconds=-40), "6 hours"),
        (timedelta(days=3, seconds=-40), "3 days"),
        (timedelta(hours=5, minutes=20), "5 hours"),
        (timedelta(minutes=59, seconds=40), "1 hour"),
        (timedelta(seconds=40), "less than a minute"),
    ],
)
def test_what_is_left_is_told_to_the_nearest_hour_or_day(left: timedelta, said: str) -> None:
    text = told(ClosingSoon(6, NOW + left, 84), petition())
    assert f"Closes in {said}" in text


# --- what there is none of, and how much there is ------------------------------------------------


def test_a_map_lacks_regions_and_a_list_constituencies() -> None:
    assert "doesn't say which regions" in no_regions(petition(), is_reachable=True).text
    assert (
        "doesn't say where this petition was signed"
        in no_breakdown(petition(), is_reachable=True).text
    )


def test_rules_are_counted_in_what_is_kept_and_erased() -> None:
    assert "2 petitions and 1 rule" in data_caption(2, 1)
    assert "1 petition and 3 rules" in forget_question(1, 3).text


def test_where_there_are_no_rules_none_are_told_of() -> None:
    assert "rule" not in data_caption(2, 0)
    assert "rule" not in forget_question(1, 0).text


@pytest.mark.parametrize(
    ("count", "state", "said"),
    [
        (1, "open", "1 signature so far."),
        (84, "open", "84 signatures so far."),
        (84, "closed", "84 signatures."),
    ],
)
def test_so_far_is_said_of_what_goes_on(count: int, state: str, said: str) -> None:
    shared = petition(signature_count=count, state=state)
    assert said in share_offer(shared, "bell", inline=False)[0].text.splitlines()


def test_what_changed_is_said_above_the_changes() -> None:
    revised = ResponseRevised(GovernmentResponse("We like tea."), ("It is warm.",), ("It is hot.",))
    lines = told(revised, petition()).splitlines()
    assert lines[lines.index("What changed:") + 1].startswith("− It is warm.")
    unchanged = ResponseRevised(GovernmentResponse("We like tea."), (), ())
    assert "What changed:" not in told(unchanged, petition())


# --- what privacy says --------------------------------------------------------------------------


def test_privacy_names_whom_is_asked_what_waits_and_for_how_long() -> None:
    uk = site_like("uk", DESCRIPTIONS["uk"])
    text = privacy(90, [uk]).text
    for said in (
        "the alerts waiting to be sent",
        "words you search",
        "Members API",
        "90 days",
        "group",
        "Backups",
        "whether I can reach this chat",
        "which other chat you manage from here",
    ):
        assert said in text
    assert "30 days" in privacy(30, [uk]).text


WESTMINSTER, SENEDD, SCOTLAND, JERSEY = (
    site_like(name, DESCRIPTIONS[name]) for name in ("uk", "senedd", "scotland", "jersey")
)
LIKE_IT = Site("elsewhere", "Elsewhere", "https://petitions.example", like="uk")
MEMBERS, POSTCODES = "Members API", "postcodes.io"


@pytest.mark.parametrize(
    ("sites", "asked"),
    [
        ([WESTMINSTER], {MEMBERS, POSTCODES}),
        ([SENEDD], {POSTCODES}),
        ([JERSEY], set()),
        ([SCOTLAND, JERSEY], {POSTCODES}),
        ([WESTMINSTER, JERSEY], {MEMBERS, POSTCODES}),
        ([LIKE_IT], {POSTCODES}),
    ],
)
def test_privacy_names_nobody_who_is_not_asked(sites: list[Site], asked: set[str]) -> None:
    text = privacy(90, sites).text
    assert {who for who in (MEMBERS, POSTCODES) if who in text} == asked
    assert ("the petitions sites" in text) == (len(sites) > 1)
    assert ("constituency" in text) == bool(asked)


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        ([WESTMINSTER], "Petitions data is used under the Open Government Licence v3.0."),
        ([SENEDD, SCOTLAND], "Petitions data is used under the Open Government Licence v3.0."),
        ([JERSEY], "Petitions data from petitions.gov.je is under its site's own terms."),
        (
            [WESTMINSTER, SENEDD, JERSEY, LIKE_IT],
            "Petitions data from petition.parliament.uk and petitions.senedd.wales is used under "
            "the Open Government Licence v3.0.\nPetitions data from petitions.gov.je and "
            "petitions.example is under its site's own terms.",
        ),
    ],
)
def test_the_licence_is_named_of_those_sites_that_give_it(sites: list[Site], said: str) -> None:
    text = about("1.0", sites).text
    assert said in text
    assert ("Open Government" in text) == ("Open Government" in said)
