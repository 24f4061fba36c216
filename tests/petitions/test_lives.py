"""The lives of petitions at the three sister sites, as their software served them step by step."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from bot.petitions.diff import diff
from bot.petitions.events import Closed, Opened, Rejected, Responded
from bot.petitions.forecast import closes_at
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import (
    as_of,
    caught_up,
    is_news,
    observe,
    observe_unpublished,
    unpublished,
)
from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.parse import parse_counts, parse_petition, parse_topics, parse_trending
from bot.petitions.parse_places import parse_local
from bot.petitions.petition import Petition, PetitionRef
from bot.petitions.reminders import moments
from bot.petitions.thresholds import is_settled, thresholds

SAMPLES = Path(__file__).parents[1] / "samples"
HOUR = timedelta(hours=1)


def sample(site: str, name: str) -> Petition:
    body = (SAMPLES / site / f"{name}.json").read_bytes()
    return parse_petition(body, site_like(site, DESCRIPTIONS[site]))


def life(site: str, name: str = "show_life") -> list[tuple[int, Petition]]:
    """The bodies of one petition's recorded life, by their step."""
    steps = sorted((SAMPLES / site).glob(f"{name}_[0-9]*.json"))
    return [(int(path.stem[len(name) + 1 :][:2]), sample(site, path.stem)) for path in steps]


def rung(site: str, name: str = "show_life") -> dict[int, list[str]]:
    """The keys of what each step of a life rings, from before it was published."""
    steps = life(site, name)
    first = steps[0][1]
    ref, now = first.ref, first.created_at
    assert now is not None
    before = unpublished(ref, site_like(site, DESCRIPTIONS[site]), "moderation")
    known = PetitionHistory(before, now)
    found: dict[int, list[str]] = {}
    for step, reading in steps:
        known, occurrences = observe(known, reading, reading.updated_at or now)
        if occurrences:
            found[step] = [each.key.removeprefix(f"{ref}:") for each in occurrences]
    return found


LINKS = ["debate_link:transcript", "debate_link:video"]


def test_a_life_at_the_senedd_rings_each_event_once_and_nothing_else() -> None:
    assert rung("senedd") == {
        5: ["opened"],
        8: ["milestone:250"],
        12: ["milestone:1000", "milestone:2500", "milestone:5000"],
        13: ["milestone:10000"],
        19: ["closed"],
        20: ["referred"],
        21: ["debate_scheduled:2027-01-20"],
        22: ["debate_moved:2027-01-27"],
        23: ["debate_cancelled:2027-01-27"],
        24: ["debate_scheduled:2027-01-20:2"],
        26: ["debated:2027-01-20"],
        27: [*LINKS, "debate_link:debate_pack"],
        28: ["completed"],
    }


def test_a_life_in_jersey_rings_each_event_once_and_nothing_else() -> None:
    assert rung("jersey") == {
        6: ["opened"],
        9: ["milestone:1000"],
        12: ["response:20260601T122500"],
        13: ["response_revised"],
        14: ["response_revised:2"],
        15: ["response_withdrawn"],
        16: ["response:20260602T152500"],
        17: ["milestone:2500"],
        18: ["milestone:5000"],
        21: ["debate_scheduled:2026-09-15"],
        22: ["debate_moved:2026-09-29"],
        23: ["debate_cancelled:2026-09-29"],
        24: ["debate_scheduled:2026-09-15:2"],
        26: ["debated:2026-09-15"],
        27: [*LINKS, "debate_link:debate_pack"],
        30: ["closed"],
    }


def test_a_life_in_scotland_rings_no_threshold_and_no_debate_where_there_are_none() -> None:
    assert rung("scotland") == {
        5: ["opened"],
        8: ["milestone:1000", "milestone:2500", "milestone:5000"],
        10: ["closed"],
    }
    official = [
        event
        for (_, before), (_, after) in zip(life("scotland"), life("scotland")[1:], strict=False)
        for event in diff(before, after)
        if event.kind in {"threshold", "debate"}
    ]
    assert official == []


def test_a_life_in_scotland_with_debates_switched_on_rings_them() -> None:
    assert rung("scotland", "show_thresholds_life") == {
        1: ["opened"],
        4: ["milestone:1000", "milestone:2500"],
        5: ["milestone:5000"],
        8: ["debate_scheduled:2027-02-24"],
        10: ["debated:2027-02-24"],
        11: LINKS,
        12: ["closed"],
    }


@pytest.mark.parametrize("site", ["senedd", "jersey", "scotland"])
def test_the_first_sight_of_any_step_is_silent_and_seen_again_brings_nothing(site: str) -> None:
    for _, reading in life(site):
        now = reading.updated_at or datetime(2026, 6, 1, tzinfo=UTC)
        known, occurrences = observe(None, reading, now)
        assert occurrences == ()
        assert observe(known, reading, now)[1] == ()
        assert diff(reading, reading) == ()


# --- thresholds ----------------------------------------------------------------------------------


def test_each_site_has_the_thresholds_that_bring_something() -> None:
    assert thresholds(sample("senedd", "show_life_05_open")) == {250: "referral", 10_000: "debate"}
    assert thresholds(sample("senedd", "show_sixth_senedd_open")) == {
        250: "referral",
        5_000: "debate",
    }
    assert thresholds(sample("jersey", "show_life_06_open")) == {1_000: "response", 5_000: "debate"}
    assert thresholds(sample("scotland", "show_life_05_published")) == {}
    assert thresholds(sample("scotland", "show_thresholds_life_01_published")) == {5_000: "debate"}


def test_thresholds_that_are_switched_on_ring_nothing_that_was_passed_before() -> None:
    off = sample("scotland", "show_life_08_6063sigs")
    on = structs.replace(
        off,
        debate_threshold=5_000,
        debate_threshold_reached_at=off.updated_at,
        missing=off.missing - {"debate_threshold_reached_at"},
    )
    assert diff(off, on) == diff(on, off) == ()


def test_nothing_is_called_overdue_where_nothing_was_promised() -> None:
    over = sample("senedd", "show_life_20_referred")
    assert not any("overdue" in each.event.key for each in moments(over))
    waiting = sample("jersey", "show_life_11_open_1001_threshold_again")
    assert sum("response_overdue" in each.event.key for each in moments(waiting)) == 3


# --- the end -------------------------------------------------------------------------------------


def test_closing_is_told_from_each_sites_own_fields() -> None:
    summer = sample("senedd", "show_custom_closing_date")
    assert (summer.closing_date, summer.closed_at) == (date(2026, 7, 15), None)
    assert closes_at(summer) == datetime(2026, 7, 15, 23, tzinfo=UTC)
    assert sample("jersey", "show_life_06_open").closing_date == date(2026, 12, 1)
    scottish = sample("scotland", "show_life_05_published")
    assert closes_at(scottish) is None
    assert moments(scottish) == []


def test_a_deadline_that_is_extended_brings_its_reminders_anew() -> None:
    before, after = (life("senedd")[n][1] for n in (10, 11))
    assert (before.closing_date, after.closing_date) == (date(2026, 12, 1), date(2026, 12, 2))
    assert not {m.event.key for m in moments(before)} & {m.event.key for m in moments(after)}


def test_too_few_signatures_at_the_senedd_reject_a_petition_that_has_closed() -> None:
    closed = sample("senedd", "show_below_threshold_closed")
    rejected = sample("senedd", "show_below_threshold_rejected_insufficient")
    assert not is_settled(closed)
    (event,) = diff(closed, rejected)
    assert isinstance(event, Rejected)
    assert event.rejection is not None
    assert event.rejection.code == "insufficient"
    assert is_settled(rejected)


def test_a_petition_closed_by_hand_is_told_as_early() -> None:
    closed = sample("senedd", "show_closed_early")
    opened = structs.replace(
        sample("senedd", "show_life_08_open_250_referral_threshold"), signature_count=303
    )
    (event,) = diff(opened, closed)
    assert isinstance(event, Closed)
    assert event.early


def test_a_committee_that_has_finished_leaves_nothing_to_wait_for() -> None:
    assert not is_settled(sample("senedd", "show_life_19_closed"))
    assert not is_settled(sample("senedd", "show_life_20_referred"))
    assert is_settled(sample("senedd", "show_life_28_completed"))
    assert is_settled(sample("scotland", "show_life_10_closed_by_the_committee"))


def test_a_petition_that_collects_no_signatures_is_considered_until_it_closes() -> None:
    petition = sample("scotland", "show_not_collecting_signatures")
    assert (petition.state, petition.is_open, petition.is_over) == (
        "under_consideration",
        False,
        False,
    )
    assert not is_settled(petition)
    closed = structs.replace(petition, state="closed", closed_at=petition.updated_at)
    assert [type(event) for event in diff(petition, closed)] == [Closed]


# --- on paper ------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", ["senedd", "scotland"])
def test_a_petition_on_paper_is_news_once_and_never_closes_before_it_came(site: str) -> None:
    paper = sample(site, "show_paper_petition")
    came = paper.closed_at or paper.opened_at
    assert came is not None
    known = caught_up(None, paper, came - HOUR)
    known, occurrences = observe(known, paper, came + HOUR)
    assert [each.event for each in occurrences] == [Opened(paper.opened_at, on_paper=True)]
    assert observe(known, paper, came + 2 * HOUR)[1] == ()
    assert as_of(paper, came) == paper


# --- names that change --------------------------------------------------


def test_a_petition_keeps_the_name_it_was_asked_for_by() -> None:
    site = site_like("scotland", DESCRIPTIONS["scotland"])
    rejected = (SAMPLES / "scotland/show_rejected_after_publishing_by_pe.json").read_bytes()
    assert parse_petition(rejected, site, "PE2205").ref == PetitionRef("scotland", "PE2205")
    assert parse_petition(rejected, site).ref == PetitionRef("scotland", "PP1484")
    published = (SAMPLES / "scotland/show_life_05_published.json").read_bytes()
    assert parse_petition(published, site, "PP1450").ref == PetitionRef("scotland", "PP1450")
    assert parse_petition(published, site, "PE2201").ref == PetitionRef("scotland", "PE2200")


def test_what_is_followed_before_it_is_published_rings_when_it_is() -> None:
    site = site_like("scotland", DESCRIPTIONS["scotland"])
    now = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    before = unpublished(PetitionRef("scotland", "PP1450"), site, "gathering_support")
    known, _ = observe_unpublished(PetitionHistory(before, now), "moderation", now)
    body = (SAMPLES / "scotland/show_life_05_published.json").read_bytes()
    _, occurrences = observe(known, parse_petition(body, site, "PP1450"), now + HOUR)
    assert [each.key for each in occurrences] == ["scotland:PP1450:opened"]


# --- other bodies --------------------------------------------------------------------------------


def test_counts_that_tell_no_dates_take_none_back() -> None:
    site = site_like("jersey", DESCRIPTIONS["jersey"])
    counts = parse_counts(b'{"signature_count":1001}', site)
    assert not is_news(sample("jersey", "show_life_12_responded"), counts)
    told = parse_counts(b'{"signature_count":1001,"debated":false}', site)
    assert is_news(sample("jersey", "show_life_12_responded"), told)


def test_the_response_of_ministers_is_a_response() -> None:
    before, after = (
        sample("jersey", f"show_life_{name}")
        for name in ("11_open_1001_threshold_again", "12_responded")
    )
    (event,) = diff(before, after)
    assert isinstance(event, Responded)
    assert event.response.summary == "Ministers have an invented view."


def test_what_the_sister_sites_list_is_read() -> None:
    scotland, senedd, jersey = (
        site_like(name, DESCRIPTIONS[name]) for name in ("scotland", "senedd", "jersey")
    )
    trending = parse_trending((SAMPLES / "scotland/trending.json").read_bytes(), scotland)
    assert str(trending[0].petition).startswith("scotland:PE")
    assert trending[0].action
    assert parse_trending((SAMPLES / "senedd/trending.json").read_bytes(), senedd)
    assert parse_topics((SAMPLES / "senedd/topics.json").read_bytes(), senedd)
    assert parse_topics((SAMPLES / "scotland/topics.json").read_bytes(), scotland)
    here = parse_local((SAMPLES / "scotland/local.json").read_bytes(), scotland)
    assert (here[0].petition, here[0].here) == (PetitionRef("scotland", "PE2205"), 7)
    (parish, *_) = parse_local((SAMPLES / "jersey/local_parish.json").read_bytes(), jersey)
    assert (parish.petition, parish.here) == (PetitionRef("jersey", 200_600), 2)


def test_a_petition_without_a_text_in_this_language_has_no_title() -> None:
    assert sample("scotland", "show_gd_without_gaelic_text").action == ""
