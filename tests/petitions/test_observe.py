"""One look after another: what is kept of a petition, what rings, and at which look."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs
from petitions import NOW, OPEN, OPENED, REF, RESPONSE, petition, responded

from bot.petitions.events import (
    Closed,
    NotPublished,
    Opened,
    Removed,
    Reopened,
    Responded,
    ResponseWithdrawn,
    ToppedIn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import (
    caught_up,
    has_collapsed,
    is_lastingly_missing,
    is_news,
    is_older,
    observe,
    observe_gone,
    observe_missing,
    observe_removed,
    observe_unpublished,
    unpublished,
    with_counts,
)
from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.petition import Counts, Petition, PetitionRef, Place, Site, Unpublication

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
KNOWN = PetitionHistory(OPEN, NOW)
UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")


def first(reading: Petition, now: datetime = NOW) -> PetitionHistory:
    known, told = observe(None, reading, now)
    assert told == ()
    return known


def rung(known: PetitionHistory, reading: Petition, now: datetime = NOW) -> list[str]:
    return [each.key for each in observe(known, reading, now)[1]]


# --- what is kept ---------------------------------------------------------------------------------


def test_of_a_history_that_is_new_nothing_has_happened_yet() -> None:
    assert structs.astuple(KNOWN)[2:] == (frozenset(), 0, (), None, (), 0, None, 0, False)


def test_the_first_look_keeps_all_that_is_so_already() -> None:
    places = (Place("Acton", "E1", 600), Place("Barking", "E2", 0))
    known = first(
        petition(
            signature_count=1_000,
            signatures_by_constituency=places,
            signatures_by_country=(Place("France", "FR", 1),),
            scheduled_debate_date=date(2025, 3, 1),
        )
    )
    assert known.seen == {
        "opened",
        "milestone:1000",
        "debate_scheduled:2025-03-01",
        "debate_today:2025-03-01",
        "top_ten:E1",
    }
    assert (known.peak, known.top, known.read_at) == (1_000, ("E1",), NOW)
    assert known.petition.signatures_by_constituency == ()
    assert known.petition.signatures_by_country == ()


def test_a_later_look_takes_the_history_on_and_forgets_that_it_was_sought_in_vain() -> None:
    known = structs.replace(
        KNOWN, gone_looks=1, missing_since=NOW, surged_at=NOW, top=("E1",), peak=3
    )
    reading = petition(signature_count=70, signatures_by_region=(Place("Wales", "W", 2),))
    after, _ = observe(known, reading, NOW + HOUR)
    assert after == PetitionHistory(
        petition(signature_count=70),
        NOW + HOUR,
        seen=frozenset({"top_ten:E1"}),
        peak=84,
        top=("E1",),
        surged_at=NOW,
    )


@pytest.mark.parametrize(
    ("peak", "last", "now", "kept"), [(90, 84, 80, 90), (80, 84, 70, 84), (80, 84, 91, 91)]
)
def test_the_peak_is_the_highest_count_there_ever_was(
    peak: int, last: int, now: int, kept: int
) -> None:
    known = structs.replace(KNOWN, petition=petition(signature_count=last), peak=peak)
    assert observe(known, petition(signature_count=now), NOW)[0].peak == kept


def test_what_a_body_tells_too_late_is_no_news_and_what_was_known_before_still_is() -> None:
    on, morning = date(2025, 3, 1), datetime(2025, 3, 1, 10, tzinfo=UTC)
    dated = petition(scheduled_debate_date=on)
    just_told, _ = observe(first(OPEN, morning - DAY), dated, morning)
    assert "debate_today:2025-03-01" in just_told.seen
    for later in (dated, OPEN):
        told_before, _ = observe(first(dated, morning - DAY), later, morning)
        assert "debate_today:2025-03-01" not in told_before.seen


@pytest.mark.parametrize(("ahead", "is_kept"), [(2 * DAY, True), (2 * DAY + MINUTE, False)])
def test_what_a_wrong_clock_took_for_told_is_to_come_again_once_it_is_over_two_days_ahead(
    ahead: timedelta, is_kept: bool
) -> None:
    dated = petition(scheduled_debate_date=date(2025, 3, 20))
    key = "debate_today:2025-03-20"
    known = structs.replace(KNOWN, petition=dated, seen=frozenset({key}))
    at = datetime(2025, 3, 20, 8, tzinfo=UTC)
    assert (key in observe(known, dated, at - ahead)[0].seen) is is_kept


# --- bodies of an older cache ---------------------------------------------------------------------


def test_an_older_body_is_counted_four_times_and_believed_at_the_fifth() -> None:
    newer = petition(updated_at=OPENED + HOUR, action="New", signature_count=90)
    older = petition(updated_at=OPENED, action="Old", signature_count=84)
    known, kept = first(newer), []
    for _ in range(6):
        known, _ = observe(known, older, NOW)
        kept.append((known.older_looks, known.petition.action, known.petition.signature_count))
    assert kept == [(n, "New", 90) for n in (1, 2, 3, 4)] + [(0, "Old", 84)] * 2


def test_a_newer_body_ends_the_count_of_older_ones() -> None:
    newer = petition(updated_at=OPENED + HOUR)
    known, _ = observe(first(newer), OPEN, NOW)
    known, _ = observe(known, newer, NOW)
    assert known.older_looks == 0


@pytest.mark.parametrize(
    ("last", "now", "older"),
    [
        ({"updated_at": OPENED}, {"updated_at": OPENED}, False),
        ({"updated_at": OPENED}, {"updated_at": OPENED - MINUTE}, True),
        ({"updated_at": OPENED}, {"updated_at": OPENED + MINUTE}, False),
        ({"updated_at": None}, {"updated_at": OPENED}, False),
        ({"updated_at": OPENED}, {"updated_at": None}, False),
        ({"updated_at": OPENED}, {"updated_at": OPENED - DAY, "archived": True}, False),
    ],
)
def test_a_body_is_older_by_its_own_clock_alone(
    last: dict[str, Any], now: dict[str, Any], older: bool
) -> None:
    assert is_older(PetitionHistory(petition(**last), NOW), petition(**now)) is older


DATED = {
    "response_threshold_reached_at": NOW,
    "referral_threshold_reached_at": NOW + HOUR,
    "debate_threshold_reached_at": NOW + DAY,
}


@pytest.mark.parametrize("other", [petition, Counts], ids=["a list's row", "count.json"])
def test_another_body_takes_numbers_further_and_never_back(other: Any) -> None:
    numbers = {"signature_count": 85, **DATED}
    ahead = other(**numbers)
    assert with_counts(OPEN, ahead) == petition(**numbers)
    assert with_counts(petition(**numbers), other(signature_count=84)) == petition(**numbers)
    later = other(signature_count=84, **{name: at + DAY for name, at in DATED.items()})
    assert with_counts(petition(**numbers), later) == petition(**numbers)


@pytest.mark.parametrize(
    ("other", "news"),
    [
        (petition(), False),
        (petition(signature_count=1_000), False),
        (petition(signature_count=10), False),
        (petition(state="closed", closed_at=NOW), True),
        (petition(state="closed", closed_at=NOW, signature_count=1_000), True),
        (Counts(84), False),
        (Counts(1_000, response_threshold_reached_at=NOW), False),
        (Counts(84, government_response_at=NOW), True),
        (Counts(84, scheduled_debate_date=date(2025, 4, 1)), True),
        (Counts(84, debate_outcome_at=NOW), True),
        (Counts(84, government_response_at=NOW, tells_dates=False), False),
        (Counts(84, debate_outcome_at=NOW, tells_dates=False), False),
    ],
)
def test_a_number_alone_is_no_reason_to_ask_for_the_body(
    other: Counts | Petition, news: bool
) -> None:
    assert is_news(OPEN, other) is news


@pytest.mark.parametrize(
    ("was", "now", "changes", "collapsed"),
    [
        (20, 9, {}, True),
        (20, 10, {}, False),
        (20, 11, {}, False),
        (19, 0, {}, False),
        (21, 10, {}, True),
        (1_000, 499, {"archived": True}, False),
    ],
)
def test_a_count_collapses_when_it_falls_below_half_from_twenty_on(
    was: int, now: int, changes: dict[str, Any], collapsed: bool
) -> None:
    last, reading = petition(signature_count=was), petition(signature_count=now, **changes)
    assert has_collapsed(last, reading) is collapsed


# --- gone, missing, back --------------------------------------------------------------------------


def test_what_is_said_to_be_gone_is_taken_down_at_the_second_look() -> None:
    once, none = observe_gone(KNOWN, NOW)
    assert (once, none) == (structs.replace(KNOWN, gone_looks=1), ())
    twice, told = observe_gone(once, NOW + HOUR)
    assert [(each.key, each.at, each.event) for each in told] == [
        ("uk:700000:removed", NOW + HOUR, Removed())
    ]
    assert twice == structs.replace(KNOWN, removed=True, seen=frozenset({"removed"}))
    assert observe_gone(twice, NOW + DAY) == (twice, ())


def test_what_was_taken_down_and_is_shown_is_back_once_and_may_go_again() -> None:
    known, _ = observe_removed(structs.replace(KNOWN, gone_looks=1, missing_since=NOW), NOW)
    assert (known.gone_looks, known.missing_since, known.removed) == (0, None, True)
    known, told = observe(known, petition(signature_count=1_000), NOW)
    assert told[0].event == Reopened(was="removed", state="open")
    assert [each.key for each in told] == ["uk:700000:reopened", "uk:700000:milestone:1000"]
    assert not known.removed
    for times in (2, 3):
        known, told = observe_removed(known, NOW)
        assert [each.key for each in told] == [f"uk:700000:removed:{times}"]
        known, told = observe(known, petition(signature_count=1_000), NOW)
        assert [each.key for each in told] == [f"uk:700000:reopened:{times}"]


def test_what_is_missing_is_counted_from_the_first_time_on() -> None:
    known = observe_missing(KNOWN, NOW)
    assert known == structs.replace(KNOWN, missing_since=NOW, gone_looks=1)
    known = observe_missing(known, NOW + HOUR)
    assert known == structs.replace(KNOWN, missing_since=NOW, gone_looks=2)
    assert observe_missing(known, NOW).missing_since == NOW
    # The clock was ahead by an hour, and is not any more.
    assert observe_missing(known, NOW - HOUR).missing_since == NOW - HOUR
    removed = structs.replace(KNOWN, removed=True)
    assert observe_missing(removed, NOW) is removed


@pytest.mark.parametrize(
    ("looks", "since", "removed", "lastingly"),
    [
        (12, NOW - DAY, False, True),
        (11, NOW - DAY, False, False),
        (13, NOW - DAY, False, True),
        (12, NOW - DAY + MINUTE, False, False),
        (12, NOW - 2 * DAY, False, True),
        (12, None, False, False),
        (12, NOW - DAY, True, False),
    ],
)
def test_only_what_twelve_looks_have_missed_for_a_day_is_taken_down(
    looks: int, since: datetime | None, removed: bool, lastingly: bool
) -> None:
    known = structs.replace(KNOWN, gone_looks=looks, missing_since=since, removed=removed)
    assert is_lastingly_missing(known, NOW) is lastingly


# --- before it is published -----------------------------------------------------------------------


def test_a_petition_that_is_not_shown_has_a_page_and_its_sites_numbers() -> None:
    assert unpublished(REF, UK, "moderation") == Petition(
        ref=REF,
        url="https://petition.parliament.uk/petitions/700000",
        action="",
        state="moderation",
        signature_count=0,
        response_threshold=10_000,
        debate_threshold=100_000,
    )
    senedd = site_like("cymru", DESCRIPTIONS["senedd"])
    waiting = unpublished(PetitionRef("cymru", 7), senedd, "gathering_support")
    assert (waiting.like, waiting.referral_threshold, waiting.debate_threshold) == (
        "senedd",
        250,
        10_000,
    )
    assert unpublished(REF, DESCRIBED, "hidden").like == ""


DESCRIBED = site_like("senedd", DESCRIPTIONS["senedd"])
WAITING = PetitionHistory(unpublished(REF, UK, "moderation"), NOW)


@pytest.mark.parametrize(("why", "looks"), [("stopped", 2), ("hidden", 12)])
def test_that_it_will_not_be_published_is_believed_when_seen_often_enough(
    why: Unpublication, looks: int
) -> None:
    known = WAITING
    for look in range(1, looks):
        known, told = observe_unpublished(known, why, NOW + HOUR)
        assert (known, told) == (structs.replace(WAITING, gone_looks=look), ())
    known, told = observe_unpublished(known, why, NOW + HOUR)
    assert [(each.key, each.event) for each in told] == [
        (f"uk:700000:not_published:{why}", NotPublished("hidden" if why == "hidden" else "stopped"))
    ]
    assert (known.gone_looks, known.petition.state, known.read_at) == (0, why, NOW + HOUR)
    assert observe_unpublished(known, why, NOW + DAY) == (known, ())


@pytest.mark.parametrize("state", ["gathering_support", "moderation"])
def test_what_still_waits_is_waited_for_with_no_word(state: Unpublication) -> None:
    once, _ = observe_unpublished(WAITING, "stopped", NOW)
    waiting, told = observe_unpublished(once, state, NOW + HOUR)
    assert told == ()
    assert waiting == structs.replace(
        WAITING, petition=structs.replace(WAITING.petition, state=state)
    )


def test_of_what_was_published_once_its_absence_says_nothing() -> None:
    for known in (KNOWN, structs.replace(WAITING, removed=True)):
        assert observe_unpublished(known, "moderation", NOW) == (known, ())
        assert observe_unpublished(known, "stopped", NOW) == (known, ())


# --- places, responses ----------------------------------------------------------------------------


def signed(*counts: int, total: int = 1_000, names: str = "ABCDEFGHIJKLMN") -> Petition:
    places = tuple(Place(names[n], f"E{n}", count) for n, count in enumerate(counts))
    return petition(signature_count=total, signatures_by_constituency=places)


@pytest.mark.parametrize(
    ("reading", "top"),
    [
        (signed(2, 3, total=999), ""),
        (signed(2, 3, total=1_000), "E1 E0"),
        (signed(0, 1, total=1_001), "E1"),
        (signed(2, 2, 2, names="CAB"), "E1 E2 E0"),
        (signed(*range(11, 0, -1)), "E0 E1 E2 E3 E4 E5 E6 E7 E8 E9"),
        (signed(), ""),
    ],
)
def test_the_ten_that_signed_most_come_first_and_equals_by_their_names(
    reading: Petition, top: str
) -> None:
    assert first(reading).top == tuple(top.split())


def test_who_comes_in_is_told_with_rank_and_share_and_equals_share_a_rank() -> None:
    known = first(signed(50, 40))
    known, told = observe(known, signed(50, 40, 40, 30, total=1_001), NOW)
    assert [each.event for each in told] == [
        ToppedIn("E2", "C", 2, 40, 0.25),
        ToppedIn("E3", "D", 4, 30, 0.1875),
    ]
    assert known.top == ("E0", "E1", "E2", "E3")
    assert {"top_ten:E2", "top_ten:E3"} <= known.seen


def test_nobody_comes_in_once_it_is_closed_or_where_nobody_was_ranked() -> None:
    more = signed(50, 40, 40)
    closed = structs.replace(more, state="closed", closed_at=NOW)
    assert rung(first(signed(50, 40)), closed) == ["uk:700000:closed"]
    assert rung(first(petition(signature_count=1_000)), more) == []


def test_a_response_is_the_first_only_if_there_was_none_before() -> None:
    without = petition(signature_count=10_001)
    known, told = observe(first(without), responded(), NOW)
    assert [each.event for each in told] == [
        Responded(RESPONSE, RESPONSE.created_at, is_first=True)
    ]
    assert known.earlier_responses == ()
    known, told = observe(known, responded(), NOW)
    assert (known.earlier_responses, told) == ((), ())
    known, told = observe(known, without, NOW)
    assert [type(each.event) for each in told] == [ResponseWithdrawn]
    assert known.earlier_responses == (RESPONSE,)
    again = responded(created_at=NOW)
    known, told = observe(known, again, NOW)
    assert [each.event for each in told] == [
        Responded(structs.replace(RESPONSE, created_at=NOW), NOW, is_first=False)
    ]
    known, _ = observe(known, responded(created_at=NOW + DAY), NOW)
    assert known.earlier_responses == (RESPONSE, structs.replace(RESPONSE, created_at=NOW))


def test_what_happens_once_rings_once_and_what_happens_again_is_numbered() -> None:
    closed = petition(state="closed", closed_at=NOW)
    known, keys = first(OPEN), []
    for reading in (closed, OPEN, closed, OPEN, closed):
        known, told = observe(known, reading, NOW)
        keys += [each.key for each in told]
        assert all(each.petition == REF and each.at == NOW for each in told)
    assert keys == [
        f"uk:700000:{key}" for key in ("closed", "reopened", "closed:2", "reopened:2", "closed:3")
    ]
    unopened = petition(state="", opened_at=None)
    known, _ = observe(first(unopened), OPEN, NOW)
    known, _ = observe(known, unopened, NOW)
    assert observe(known, OPEN, NOW)[1] == ()


def test_what_has_rung_already_keeps_nothing_else_from_ringing() -> None:
    known, _ = observe(first(petition(signature_count=1_000)), petition(signature_count=990), NOW)
    assert rung(known, petition(signature_count=2_500)) == ["uk:700000:milestone:2500"]


def test_a_petition_met_late_is_known_as_of_then_without_a_word() -> None:
    closed = petition(state="closed", closed_at=NOW + HOUR, signature_count=2_000)
    known = caught_up(None, closed, NOW)
    assert (known.read_at, known.petition.state, known.peak) == (NOW, "open", 2_000)
    assert [each.event for each in observe(known, closed, NOW + DAY)[1]] == [
        Closed(2_000, NOW + HOUR, early=True)
    ]
    unopened = caught_up(None, petition(opened_at=NOW + HOUR), NOW)
    assert [each.event for each in observe(unopened, petition(opened_at=NOW + HOUR), NOW)[1]] == [
        Opened(NOW + HOUR)
    ]
