"""Reading petitions: every state, year and fork there is, and everything that is no petition."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import MalformedPetition
from bot.petitions.parse import (
    parse_counts,
    parse_page,
    parse_parliaments,
    parse_petition,
    parse_trending,
)
from bot.petitions.parse_places import parse_constituencies
from bot.petitions.petition import Place, Rejection, Site

SAMPLES = Path(__file__).parents[1] / "samples"
UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")
SENEDD = Site("senedd", "Senedd", "https://petitions.senedd.wales", 250, 10_000)
JERSEY = Site("je", "Jersey", "https://petitions.gov.je", 1_000, 5_000)
SCOTLAND = Site("scot", "Scottish Parliament", "https://petitions.parliament.scot", None, None)


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def is_petition(path: Path) -> bool:
    return "show_" in path.name and b'"attributes"' in path.read_bytes()


SHOWS = sorted(path.stem for path in SAMPLES.glob("*show_*.json") if is_petition(path))
PAGES = sorted(path.stem for path in SAMPLES.glob("*index_*.json"))
COUNTS = sorted(
    path.stem for path in SAMPLES.glob("count_*.json") if b"signature_count" in path.read_bytes()
)
ERRORS = ["err_404", "err_400_id", "err_503_show", "show_life_17_response_details_null"]


def body(site_id: int = 1, **attributes: Any) -> bytes:
    """A body with these attributes, and the few that every petition has."""
    told = {"action": "Do it", "state": "open", "signature_count": 5, **attributes}
    return json.dumps({"data": {"type": "petition", "id": site_id, "attributes": told}}).encode()


def without(text: bytes, *keys: str) -> bytes:
    told = json.loads(text)
    for key in keys:
        del told["data"]["attributes"][key]
    return json.dumps(told).encode()


def changed(text: bytes, **attributes: Any) -> bytes:
    told = json.loads(text)
    told["data"]["attributes"].update(attributes)
    return json.dumps(told).encode()


# --- every body of the site ----------------------------------------------------------------------


@pytest.mark.parametrize("name", SHOWS)
def test_every_petition_the_site_shows_is_read_as_its_json_says(name: str) -> None:
    told = json.loads(sample(name))["data"]
    petition = parse_petition(sample(name), UK)
    attributes = told["attributes"]
    assert petition.ref.id == told["id"]
    assert petition.action == attributes["action"]
    assert petition.state == attributes["state"]
    assert petition.signature_count == attributes["signature_count"]
    assert petition.archived == (told["type"] == "archived-petition")
    assert petition.creator_name == (attributes.get("creator_name") or "")
    assert [place.signature_count for place in petition.signatures_by_constituency] == [
        place["signature_count"] for place in attributes.get("signatures_by_constituency", [])
    ]
    assert bool(petition.debate) == bool(attributes["debate"])
    assert list(petition.topics) == attributes["topics"]


@pytest.mark.parametrize("name", PAGES)
def test_every_list_is_read_to_its_last_row(name: str) -> None:
    told = json.loads(sample(name))
    page = parse_page(sample(name), UK)
    assert [petition.ref.id for petition in page.petitions] == [row["id"] for row in told["data"]]
    assert page.next == told["links"]["next"]
    assert page.malformed == ()


@pytest.mark.parametrize("name", COUNTS)
def test_counts_agree_with_the_petition_of_the_same_moment(name: str) -> None:
    counts = parse_counts(sample(name), UK)
    show = name.replace("count_", "show_")
    if show not in SHOWS:
        assert counts.signature_count == json.loads(sample(name))["signature_count"]
        return
    petition = parse_petition(sample(show), UK)
    assert counts.signature_count == petition.signature_count
    assert counts.response_threshold_reached_at == petition.response_threshold_reached_at
    assert counts.government_response_at == petition.government_response_at
    assert counts.debate_threshold_reached_at == petition.debate_threshold_reached_at
    assert counts.scheduled_debate_date == petition.scheduled_debate_date
    assert counts.debate_outcome_at == petition.debate_outcome_at


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_of_the_site_is_not_a_petition(name: str) -> None:
    with pytest.raises(MalformedPetition) as caught:
        parse_petition(sample(name), UK)
    assert (caught.value.site, caught.value.petition_id, caught.value.field) == ("uk", None, "data")


# --- a whole life --------------------------------------------------------------------------------


def test_a_fresh_petition_has_its_text_as_typed_and_its_breakdowns() -> None:
    petition = parse_petition(sample("show_life_07_open"), UK)
    assert petition.action.startswith("Free Wi‑Fi & <b>tea</b> for every “library”")
    assert petition.background == "We want it.\nSecond line."
    assert petition.url == "https://petition.parliament.uk/petitions/700000"
    assert petition.closing_date == date(2025, 8, 10)
    assert petition.opened_at == datetime(2025, 2, 10, 14, 5, 6, 211_000, UTC)
    assert (petition.response_threshold, petition.debate_threshold) == (10_000, 100_000)
    assert petition.signatures_by_country == (Place("United Kingdom", "GB", 6),)
    assert petition.signatures_by_constituency == (
        Place("Aldershot", "E14001063", 6, "Alex Baker MP"),
    )
    assert petition.signatures_by_region == (Place("South East", "J", 6),)
    assert petition.missing == frozenset()


def test_a_response_and_a_debate_come_whole() -> None:
    petition = parse_petition(sample("show_life_28_debate_outcome_links"), UK)
    assert petition.government_response is not None
    assert petition.government_response.responded_on == date(2025, 4, 2)
    assert petition.government_response.details == "Details at last."
    assert petition.debate is not None
    assert petition.debate.debated_on == date(2025, 6, 23)
    assert petition.debate.transcript_url.startswith("https://hansard.parliament.uk/")
    assert petition.debate.debate_summary_url == "https://ukparliament.shorthandstories.com/tea"
    assert petition.other_parliamentary_business[0].occurred_on == date(2025, 5, 20)
    assert [department.acronym for department in petition.departments] == ["", "DHSC"]
    assert petition.topics == ("environment", "health")


def test_an_outcome_that_is_still_empty_is_an_outcome() -> None:
    debate = parse_petition(sample("show_life_27_debate_outcome_empty"), UK).debate
    assert debate is not None
    assert (debate.overview, debate.transcript_url) == ("", "")


def test_before_any_response_or_debate_there_is_none() -> None:
    petition = parse_petition(sample("show_life_12_open_10001_threshold_again"), UK)
    assert (petition.government_response, petition.debate, petition.rejection) == (None,) * 3
    assert "government_response" not in petition.missing


def test_a_closed_petition_misses_its_closing_date_and_nothing_else() -> None:
    assert parse_petition(sample("show_life_31_closed"), UK).missing == {"closing_date"}


def test_a_rejected_petition_misses_its_breakdowns() -> None:
    petition = parse_petition(sample("show_rejected_with_markdown_details"), UK)
    assert petition.rejection is not None
    assert petition.rejection.code == "duplicate"
    assert "[here](https://petition.parliament.uk/petitions/700000)" in petition.rejection.details
    assert petition.missing == {
        "closing_date",
        "signatures_by_country",
        "signatures_by_constituency",
        "signatures_by_region",
        "other_parliamentary_business",
    }


def test_a_rejection_may_have_nothing_to_say() -> None:
    petition = parse_petition(sample("show_rejected_details_blank"), UK)
    assert petition.rejection is not None
    assert petition.rejection.details == ""


def test_an_open_petition_with_an_empty_rejection_is_not_rejected() -> None:
    petition = parse_petition(body(rejection={"code": None, "details": None}), UK)
    assert petition.rejection is None
    assert "rejection" not in petition.missing


def test_an_archived_petition_has_its_parliament_and_its_thresholds() -> None:
    site = Site("uk", "UK", "https://petition.parliament.uk/", 1, 2)
    petition = parse_petition(sample("archived_show_life"), site)
    assert petition.archived
    assert petition.url == "https://petition.parliament.uk/archived/petitions/700000"
    assert petition.parliament is not None
    assert petition.parliament.period == "2024-2025"
    assert petition.parliament.dissolution_at == datetime(2025, 12, 5, 0, 1, tzinfo=UTC)
    assert (petition.response_threshold, petition.debate_threshold) == (10_000, 100_000)
    assert petition.missing == {"closing_date", "creator_name"}


def test_a_current_petition_has_the_thresholds_of_its_site() -> None:
    site = Site("uk", "UK", "https://petition.parliament.uk", 1, None)
    petition = parse_petition(sample("show_open_fresh"), site)
    assert (petition.response_threshold, petition.debate_threshold) == (1, None)
    assert (petition.archived, petition.parliament) == (False, None)


def test_empty_text_and_null_are_the_same_nothing() -> None:
    fresh = sample("show_open_fresh")
    empty = parse_petition(changed(fresh, additional_details="", committee_note=""), UK)
    null = parse_petition(changed(fresh, additional_details=None, committee_note=None), UK)
    assert empty == null
    assert (empty.additional_details, empty.committee_note) == ("", "")


def test_null_and_absent_are_not_the_same() -> None:
    fresh = sample("show_open_fresh")
    assert parse_petition(changed(fresh, departments=None), UK).missing == frozenset()
    assert parse_petition(without(fresh, "departments"), UK).missing == {"departments"}


def test_a_vacant_seat_has_no_mp() -> None:
    places = parse_petition(sample("archived_show_life"), UK).signatures_by_constituency
    assert {place.name: place.mp for place in places}["Gorton and Denton"] == ""


# --- times ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "2025-07-01T12:00:00.000Z",
        "2025-07-01T12:00:00+00:00",
        "2025-07-01T13:00:00.000+01:00",
        "2025-07-01T12:00:00",
    ],
)
def test_an_instant_is_the_same_however_it_is_written(written: str) -> None:
    opened_at = parse_petition(body(opened_at=written), UK).opened_at
    assert opened_at == datetime(2025, 7, 1, 12, tzinfo=UTC)
    assert opened_at is not None
    assert opened_at.tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "2025-13-01T00:00:00Z",
        "2025-07-01",
        5,
        "",
        "0000-01-01T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
    ],
)
def test_what_is_no_instant_is_not_told_and_costs_nothing_else(written: object) -> None:
    petition = parse_petition(body(opened_at=written, signature_count=85), UK)
    assert petition.opened_at is None
    assert "opened_at" in petition.missing
    assert petition.signature_count == 85


def test_a_day_that_is_none_costs_what_it_dates_and_nothing_else() -> None:
    petition = parse_petition(
        body(
            closing_date="2026-02-30",
            government_response={"summary": "Tea.", "responded_on": "26th"},
            debate={"debated_on": 3, "overview": "Long."},
        ),
        UK,
    )
    assert {"closing_date", "debate"} <= petition.missing
    response = petition.government_response
    assert response is not None
    assert (response.summary, response.responded_on) == ("Tea.", None)


# --- other years, other sites --------------------------------------------------------------------


def test_2015_had_other_names_and_fewer_of_them() -> None:
    petition = parse_petition(
        body(
            open_at="2015-07-21T08:29:48.141Z",
            government_response={"summary": "No.", "details": "No, thanks."},
            signatures_by_country=[{"name": "France", "signature_count": 2}],
        ),
        UK,
    )
    assert petition.opened_at == datetime(2015, 7, 21, 8, 29, 48, 141_000, UTC)
    assert petition.government_response is not None
    assert petition.government_response.created_at is None
    assert petition.signatures_by_country == (Place("France", "", 2),)
    assert {"topics", "departments", "closing_date", "signatures_by_region"} <= petition.missing


def test_a_debate_of_2018_has_no_links_that_came_later() -> None:
    debate = parse_petition(body(debate={"debated_on": "2018-01-15", "overview": None}), UK).debate
    assert debate is not None
    assert debate.debated_on == date(2018, 1, 15)
    assert (debate.overview, debate.public_engagement_url) == ("", "")


def test_the_first_archive_had_titles_and_rejections_without_codes() -> None:
    told = {
        "type": "archived-petition",
        "id": 7,
        "attributes": {
            "title": "Do it",
            "description": "Because.",
            "state": "rejected",
            "signature_count": 1,
            "rejection": {"details": "It was done."},
            "government_response": {"details": "Done."},
        },
    }
    petition = parse_petition(json.dumps({"data": told}).encode(), UK)
    assert (petition.action, petition.additional_details) == ("Do it", "Because.")
    assert petition.rejection == Rejection("", "It was done.")
    assert petition.government_response is not None
    assert petition.government_response.details == "Done."
    assert petition.response_threshold == 10_000
    assert "additional_details" not in petition.missing


def test_the_senedd_says_its_thresholds_with_every_petition() -> None:
    petition = parse_petition(
        body(
            state="completed",
            threshold_for_referral=50,
            threshold_for_debate=5_000,
            referral_threshold_reached_at="2020-01-25T00:00:00.000Z",
            completed_at="2020-06-22T23:00:00.000Z",
            topics=[{"code": "animal-welfare", "name": "Animal Welfare"}],
            signatures_by_region=[{"id": "W1", "name": "Mid and West Wales", "signature_count": 3}],
        ),
        SENEDD,
    )
    assert petition.is_over
    assert (petition.referral_threshold, petition.debate_threshold) == (50, 5_000)
    assert petition.response_threshold is None
    assert petition.referral_threshold_reached_at == datetime(2020, 1, 25, tzinfo=UTC)
    assert petition.topics == ("animal-welfare",)
    assert petition.signatures_by_region == (Place("Mid and West Wales", "W1", 3),)
    assert petition.url == "https://petitions.senedd.wales/petitions/1"
    assert petition.topic_names == ("Animal Welfare",)


def test_jersey_has_ministers_and_parishes() -> None:
    petition = parse_petition(
        body(
            ministers_response={"summary": "We agree.", "details": ""},
            ministers_response_at="2019-05-01T10:00:00.000Z",
            signatures_by_parish=[{"name": "St Helier", "signature_count": 4}],
        ),
        JERSEY,
    )
    assert petition.government_response is not None
    assert petition.government_response.summary == "We agree."
    assert petition.government_response_at == datetime(2019, 5, 1, 10, tzinfo=UTC)
    assert petition.signatures_by_region == (Place("St Helier", "st-helier", 4),)
    assert petition.response_threshold == 1_000


def test_jersey_misspells_the_response_it_does_not_have() -> None:
    petition = parse_petition(body(ministers_reponse=None, ministers_response_at=None), JERSEY)
    assert petition.government_response is None
    assert not {"government_response", "government_response_at"} & petition.missing


def test_scotland_numbers_its_petitions_otherwise() -> None:
    attributes = {"title": "Do it", "status": "under_consideration", "signature_count": 5}
    told: dict[str, Any] = {"type": "petition", "pe_number": "PE2166", "attributes": attributes}
    petition = parse_petition(json.dumps({"data": told}).encode(), SCOTLAND)
    assert (petition.ref.id, petition.action, petition.state) == ("PE2166", "Do it", "open")
    assert petition.url == "https://petitions.parliament.scot/petitions/PE2166"
    for wrong, field in (({"id": 2166}, "pe_number"), ({"pe_number": "2166"}, "pe_number")):
        body = json.dumps({"data": {"attributes": attributes, **wrong}}).encode()
        with pytest.raises(MalformedPetition) as caught:
            parse_petition(body, SCOTLAND)
        assert (caught.value.petition_id, caught.value.field) == (None, field)
    del attributes["status"]
    with pytest.raises(MalformedPetition) as caught:
        parse_petition(json.dumps({"data": told}).encode(), SCOTLAND)
    assert (caught.value.petition_id, caught.value.field) == ("PE2166", "status")


def test_what_is_not_known_yet_is_no_reason_to_fail() -> None:
    petition = parse_petition(
        body(state="paused", mood="hopeful", rejection={"code": "too-good", "why": 1}), UK
    )
    assert petition.state == "paused"
    assert petition.rejection == Rejection("too-good")


def test_recorded_petitions_of_2015_are_read(shared_data: Path) -> None:
    for path in sorted((shared_data / "payloads" / "2015").glob("104349-*.json")):
        petition = parse_petition(path.read_bytes(), UK)
        assert petition.opened_at == datetime(2015, 7, 21, 8, 29, 48, 141_000, UTC)
        assert len(petition.signatures_by_constituency) == 650
    for path in sorted((shared_data / "payloads" / "2015").glob("petitions-*.json")):
        page = parse_page(path.read_bytes(), UK)
        assert (len(page.petitions), page.malformed) == (50, ())


def test_recorded_petitions_of_sister_sites_and_the_archive_are_read(shared_data: Path) -> None:
    payloads = shared_data / "payloads"
    rows = [
        *payloads.glob("sister-sites/*-list-item*.json"),
        payloads / "archived/104349-list-item-2015-2017.json",
    ]
    page = parse_page(b'{"data":[' + b",".join(path.read_bytes() for path in rows) + b"]}", UK)
    assert (len(page.petitions), page.malformed) == (len(rows), ())


def test_recorded_bodies_of_a_year_are_read(shared_data: Path) -> None:
    counts = [
        parse_petition(path.read_bytes(), UK).signature_count
        for path in sorted((shared_data / "series" / "722903").glob("*.json"))
    ]
    assert len(counts) == 9
    assert set(counts) <= set(range(550_134, 550_142))


# --- what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"signature_count": "many"}, "signature_count"),
        ({"signature_count": True}, "signature_count"),
        ({"signature_count": None}, "signature_count"),
        ({"signature_count": -1}, "signature_count"),
        ({"signature_count": 2**63 - 1}, "signature_count"),
        ({"signature_count": 1.5}, "signature_count"),
        ({"state": None}, "state"),
        ({"state": ""}, "state"),
        ({"action": ["a"]}, "action"),
        ({"topics": "health"}, "topics"),
        ({"topics": [1]}, "topics[0]"),
        ({"rejection": "duplicate"}, "rejection"),
        (
            {"signatures_by_country": [{"name": "France"}]},
            "signatures_by_country[0].signature_count",
        ),
        ({"signatures_by_region": {}}, "signatures_by_region"),
    ],
)
def test_a_wrong_type_is_named_with_the_petition(attributes: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedPetition) as caught:
        parse_petition(body(42, **attributes), UK)
    assert (caught.value.site, caught.value.petition_id) == ("uk", 42)
    assert caught.value.field == field


@pytest.mark.parametrize("key", ["action", "state", "signature_count"])
def test_a_petition_without_what_makes_it_one_is_malformed(key: str) -> None:
    with pytest.raises(MalformedPetition) as caught:
        parse_petition(without(sample("show_open_fresh"), key), UK)
    assert (caught.value.petition_id, caught.value.field) == (700_009, key)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"", "body"),
        (b"<!doctype html><title>Petitions</title>", "body"),
        (b"[1, 2]", "body"),
        (b"null", "body"),
        (b'{"data":', "body"),
        (b"[" * 100_000, "body"),
        (b'{"data":' * 100_000, "body"),
        (b'{"x":' * 100_000, "body"),
        (b"\xff\xfe", "body"),
        (b'{"data":null}', "data"),
        (b'{"data":{"id":"7"}}', "id"),
        (b'{"data":{"id":0,"attributes":{}}}', "id"),
        (b'{"data":{"id":7}}', "attributes"),
        (b'{"data":{"id":7,"attributes":[]}}', "attributes"),
    ],
)
def test_what_is_no_petition_says_where(text: bytes, field: str) -> None:
    with pytest.raises(MalformedPetition) as caught:
        parse_petition(text, UK)
    assert caught.value.field == field


def test_a_bad_row_costs_only_itself() -> None:
    told = json.loads(sample("index_default"))
    told["data"][3]["attributes"]["signature_count"] = "lots"
    told["data"][5] = None
    page = parse_page(json.dumps(told).encode(), UK)
    assert len(page.petitions) == 23
    assert [(bad.petition_id, bad.field) for bad in page.malformed] == [
        (told["data"][3]["id"], "signature_count"),
        (None, "body"),
    ]


def test_a_page_without_rows_is_malformed_as_a_whole() -> None:
    with pytest.raises(MalformedPetition) as caught:
        parse_page(b'{"links":{}}', UK)
    assert caught.value.field == "data"


PARSERS: list[Callable[[bytes, Site], object]] = [
    parse_petition,
    parse_page,
    parse_counts,
    parse_trending,
    parse_constituencies,
    parse_parliaments,
]
BODIES = [
    sample(name)
    for name in (
        "show_life_28_debate_outcome_links",
        "archived_show_life",
        "show_rejected_with_markdown_details",
        "index_count_2",
        "count_life_14_responded",
        "trending",
        "constituencies",
        "parliaments",
    )
]
ODD = [
    b"null",
    b"[]",
    b"{}",
    b'""',
    b"-1",
    b"1e400",
    b"true",
    b'"\\ud800"',
    b"\xff",
    b'"0001-01-01"',
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A real body with a stretch of it replaced."""
    text = draw(st.sampled_from(BODIES))
    start = draw(st.integers(0, len(text)))
    end = min(len(text), start + draw(st.integers(0, 40)))
    return text[:start] + draw(st.sampled_from(ODD) | st.binary(max_size=8)) + text[end:]


@st.composite
def odd_valued(draw: st.DrawFn) -> bytes:
    """A real petition with any JSON at all in one of its attributes."""
    told = json.loads(draw(st.sampled_from(BODIES[:3])))
    key = draw(st.sampled_from(sorted(told["data"]["attributes"])))
    anything = st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.datetimes().map(str),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    )
    told["data"]["attributes"][key] = draw(anything)
    return json.dumps(told).encode()


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary() | mutated() | odd_valued())
def test_any_bytes_are_read_or_malformed_and_nothing_else(text: bytes) -> None:
    for parser in PARSERS:
        with suppress(MalformedPetition):
            parser(text, UK)


# --- the rest ------------------------------------------------------------------------------------


def test_an_old_count_tells_the_count_alone() -> None:
    counts = parse_counts(b'{"signature_count":9}', UK)
    assert (counts.signature_count, counts.debated) == (9, None)


def test_counts_in_summer_are_in_utc_too() -> None:
    counts = parse_counts(sample("count_life_14_responded"), UK)
    assert counts.government_response_at == datetime(2025, 3, 6, 16, 20, 0, 28_000, UTC)


def test_trending_counts_the_last_hour() -> None:
    trending = parse_trending(sample("trending"), UK)
    assert [str(row.petition) for row in trending][:2] == ["uk:700009", "uk:700012"]
    assert trending[0].signatures_lately == 4


@pytest.mark.parametrize("name", ["trending_empty", "trending_disabled"])
def test_nothing_may_be_trending(name: str) -> None:
    assert parse_trending(sample(name), UK) == ()


def test_constituencies_have_an_mp_unless_vacant() -> None:
    seats = {seat.name: seat for seat in parse_constituencies(sample("constituencies"), UK)}
    assert seats["Ynys Môn"].mp == "Llinos Medi MP"
    assert seats["Ynys Môn"].start_date == date(2024, 5, 31)
    assert (seats["Gorton and Denton"].mp, seats["Gorton and Denton"].party) == ("", "")


def test_parliaments_had_their_own_thresholds() -> None:
    past = parse_parliaments(sample("parliaments"), UK)
    assert [parliament.period for parliament in past][:2] == ["2019-2024", "2017-2019"]
    assert past[0].dissolution_at == datetime(2024, 5, 29, 23, 1, tzinfo=UTC)
    assert past[0].response_threshold == 10_000
