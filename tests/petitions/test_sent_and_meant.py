"""What a site sends, key by key, and what is made of it: to the value, and at every limit."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bot.errors import MalformedPetition
from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.parse import (
    PastParliament,
    parse_counts,
    parse_page,
    parse_parliaments,
    parse_petition,
    parse_topics,
    parse_trending,
    parse_wording,
    works_like,
)
from bot.petitions.petition import (
    Business,
    Counts,
    Debate,
    Department,
    GovernmentResponse,
    Petition,
    PetitionId,
    PetitionRef,
    Place,
    Rejection,
    Site,
)

UK, SENEDD, SCOTLAND, JERSEY = (
    site_like(name, DESCRIPTIONS[name]) for name in ("uk", "senedd", "scotland", "jersey")
)
SAID, AT = "2025-07-01T13:00:00.000+01:00", datetime(2025, 7, 1, 12, tzinfo=UTC)
_LEAST = {"action": "Tea", "state": "open", "signature_count": 5}


def body(number: Any = 7, like: Site = UK, **attributes: Any) -> bytes:
    told = {**_LEAST, **attributes}
    row: dict[str, Any] = {"type": "petition", "id": number}
    if like is SCOTLAND:
        told |= {"status": told.pop("state"), "title": told.pop("action")}
        row = {"type": "petition", "pe_number": number}
    return json.dumps({"data": {**row, "attributes": told}}).encode()


def read(site: Site = UK, number: Any = 7, **attributes: Any) -> Petition:
    return parse_petition(body(number, site, **attributes), site)


def refused(text: bytes, site: Site = UK) -> tuple[PetitionId | None, str]:
    with pytest.raises(MalformedPetition) as caught:
        parse_petition(text, site)
    return caught.value.petition_id, caught.value.field


# --- names and numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "told", "ref", "called", "page"),
    [
        (None, "PE2234", "PE2234", "", "PE2234"),
        ("PE2234", "PE2234", "PE2234", "", "PE2234"),
        ("PP1450", "PE2234", "PP1450", "PE2234", "PE2234"),
        ("PE2234", "PP1450", "PE2234", "", "PE2234"),
        ("PE2200", "PE2234", "PE2234", "", "PE2234"),
    ],
)
def test_a_petition_keeps_the_name_it_was_asked_for_by_and_is_called_by_its_lasting_one(
    asked: str | None, told: str, ref: str, called: str, page: str
) -> None:
    petition = parse_petition(body(told, SCOTLAND), SCOTLAND, asked)
    assert (petition.ref, petition.called) == (PetitionRef("scotland", ref), called)
    assert petition.url == f"https://petitions.parliament.scot/petitions/{page}"
    assert petition.number == page


def test_another_petitions_body_goes_by_its_own_number() -> None:
    assert parse_petition(body(8), UK, 7).ref == PetitionRef("uk", 8)
    assert parse_petition(body(8), UK, 8).called == ""


def test_a_site_like_another_is_named_with_every_petition_and_one_by_its_own_name_is_not() -> None:
    assert read().like == ""
    assert read(site_like("cymru", DESCRIPTIONS["senedd"])).like == "senedd"


@pytest.mark.parametrize(("number", "is_read"), [(0, False), (1, True), (2**63 - 1, True)])
def test_a_number_counts_from_one(number: int, is_read: bool) -> None:
    if is_read:
        assert read(number=number).ref.id == number
    else:
        assert refused(body(number)) == (None, "id")
    assert refused(body(2**63)) == (None, "id")
    assert refused(body(None)) == (None, "id")


@pytest.mark.parametrize(("count", "is_read"), [(0, True), (10**10, True), (10**10 + 1, False)])
def test_there_are_not_more_signatures_than_people(count: int, is_read: bool) -> None:
    if is_read:
        assert read(signature_count=count).signature_count == count
    else:
        assert refused(body(signature_count=count)) == (7, "signature_count")


def test_a_title_is_asked_of_a_site_that_has_one_language() -> None:
    assert refused(body(action=None)) == (7, "action")
    assert read(SENEDD, action=None).action == ""
    assert refused(body(state="")) == (7, "state")


def test_a_key_of_our_name_goes_before_an_older_one() -> None:
    both = read(title="Old", action="New", open_at=SAID, description="Old.")
    assert (both.action, both.opened_at, both.additional_details) == ("New", AT, "Old.")
    two = read(JERSEY, ministers_response={"summary": "Yes."}, ministers_reponse={"summary": "No."})
    assert two.government_response == GovernmentResponse("Yes.")
    only = read(JERSEY, ministers_reponse={"summary": "No."})
    assert only.government_response == GovernmentResponse("No.")


def test_only_where_signatures_bring_a_referral_is_there_one() -> None:
    keys = {"referred_at": SAID, "referral_threshold_reached_at": SAID}
    told, none = read(SENEDD, **keys), read(**keys)
    assert (told.referred_at, told.referral_threshold_reached_at) == (AT, AT)
    assert (none.referred_at, none.referral_threshold_reached_at) == (None, None)


# --- states and days ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "told", "closed_at", "state"),
    [
        (UK, "closed", None, "closed"),
        (UK, "stopped", None, "stopped"),
        (SCOTLAND, "under_consideration", None, "open"),
        (SCOTLAND, "closed", SAID, "closed"),
        (SCOTLAND, "closed", None, "under_consideration"),
        (SCOTLAND, "rejected", None, "rejected"),
    ],
)
def test_a_state_is_called_as_we_call_it(
    site: Site, told: str, closed_at: str | None, state: str
) -> None:
    number = "PE2234" if site is SCOTLAND else 7
    assert read(site, number, state=told, closed_at=closed_at).state == state


@pytest.mark.parametrize(
    ("site", "told", "closing_date", "closed_at"),
    [
        (UK, {"closing_date": "2025-08-10"}, date(2025, 8, 10), None),
        (UK, {}, None, None),
        (UK, {"closed_at": SAID}, None, AT),
        (SENEDD, {"closed_at": "2025-07-01T23:30:00Z"}, date(2025, 7, 2), None),
        (SENEDD, {"closed_at": None}, None, None),
        (SENEDD, {"closed_at": SAID, "state": "closed"}, None, AT),
        (JERSEY, {"opened_at": "2025-07-31T23:30:00Z"}, date(2026, 2, 1), None),
        (JERSEY, {"opened_at": "2025-08-31T10:00:00Z"}, date(2026, 2, 28), None),
        (JERSEY, {}, None, None),
        (JERSEY, {"opened_at": SAID, "state": "closed"}, None, None),
    ],
)
def test_the_last_day_of_an_open_petition_is_told_as_such(
    site: Site, told: dict[str, Any], closing_date: date | None, closed_at: datetime | None
) -> None:
    petition = read(site, **told)
    assert (petition.closing_date, petition.closed_at) == (closing_date, closed_at)


@pytest.mark.parametrize(
    ("year", "is_meant"), [(1899, False), (1900, True), (2200, True), (2201, False)]
)
def test_a_year_is_meant_from_1900_to_2200(year: int, is_meant: bool) -> None:
    said, day = f"{year}-05-01T00:00:00Z", f"{year}-05-01"
    petition = read(
        opened_at=said,
        closing_date=day,
        debate={"debated_on": day},
        government_response={"summary": "Yes.", "created_at": said, "responded_on": day},
    )
    absurd = {"closing_date", "debate", "opened_at"}
    assert petition.missing & absurd == (set() if is_meant else absurd)
    meant = (datetime(year, 5, 1, tzinfo=UTC), date(year, 5, 1)) if is_meant else (None, None)
    assert (petition.opened_at, petition.closing_date) == meant
    assert petition.debate == (Debate(date(year, 5, 1)) if is_meant else None)
    response = petition.government_response
    assert response is not None
    assert (response.created_at, response.responded_on) == meant


def test_every_moment_is_read_from_its_own_key() -> None:
    names = (
        "created_at",
        "updated_at",
        "opened_at",
        "closed_at",
        "rejected_at",
        "moderation_threshold_reached_at",
        "response_threshold_reached_at",
        "government_response_at",
        "debate_threshold_reached_at",
        "debate_outcome_at",
        "completed_at",
    )
    for name in names:
        petition = read(state="closed", **{name: SAID})
        assert [each for each in names if getattr(petition, each)] == [name]
        assert getattr(petition, name) == AT
    dates = ("closing_date", "debate_scheduled_on", "scheduled_debate_date")
    for name in dates:
        petition = read(**{name: "2025-08-10"})
        assert [each for each in dates if getattr(petition, each)] == [name]


# --- what it consists of --------------------------------------------------------------------------


def test_a_petition_says_who_is_to_answer_it_and_what_it_is_about() -> None:
    petition = read(
        departments=[
            {"name": None},
            {"name": "Tea Office", "acronym": "TO", "url": "https://t.uk"},
        ],
        topics=["health", {"code": "tea", "name": "Tea"}, {"code": "milk"}],
        background="b",
        additional_details="d",
        committee_note="n",
        creator_name="c",
    )
    assert petition.departments == (Department(""), Department("Tea Office", "TO", "https://t.uk"))
    assert (petition.topics, petition.topic_names) == (("health", "tea", "milk"), ("Tea",))
    texts = (petition.background, petition.additional_details)
    assert (*texts, petition.committee_note, petition.creator_name) == ("b", "d", "n", "c")
    assert (petition.action, petition.state, petition.signature_count) == ("Tea", "open", 5)


def test_a_place_goes_by_its_code_its_number_or_its_name() -> None:
    areas = [
        {"name": "Acton", "signature_count": 3, "ons_code": "E1", "id": "x", "mp": "A. Member"},
        {"name": "Barry", "signature_count": 2, "id": 5},
        {"name": "St. Brélade", "signature_count": 1},
    ]
    places = (Place("Acton", "E1", 3, "A. Member"), Place("Barry", "5", 2))
    places += (Place("St. Brélade", "st-brelade", 1),)
    petition = read(
        signatures_by_constituency=areas,
        signatures_by_region=areas[1:],
        signatures_by_country=[
            {"name": "France", "signature_count": 4, "code": "FR"},
            {"name": "Spain", "signature_count": 5},
        ],
    )
    assert petition.signatures_by_constituency == places
    assert petition.signatures_by_region == places[1:]
    assert petition.signatures_by_country == (Place("France", "FR", 4), Place("Spain", "", 5))


@pytest.mark.parametrize(
    ("sent", "rejection"),
    [
        (None, None),
        ({"code": None, "details": "Because."}, None),
        ({"code": "", "details": "Because."}, None),
        ({"details": "Because."}, Rejection("", "Because.")),
        ({"details": ""}, None),
        ({"code": "duplicate"}, Rejection("duplicate")),
        ({"code": "duplicate", "details": "There."}, Rejection("duplicate", "There.")),
    ],
)
def test_a_rejection_has_a_code_or_is_of_the_time_before_codes(
    sent: dict[str, Any] | None, rejection: Rejection | None
) -> None:
    assert read(rejection=sent).rejection == rejection


def test_a_response_a_debate_and_business_are_read_whole() -> None:
    petition = read(
        government_response={
            "summary": "s",
            "details": "d",
            "responded_on": "2025-07-01",
            "created_at": SAID,
            "updated_at": "2025-07-02T12:00:00Z",
        },
        debate={
            "debated_on": "2025-07-03",
            "overview": "o",
            "transcript_url": "t",
            "video_url": "v",
            "debate_pack_url": "p",
            "public_engagement_url": "e",
            "debate_summary_url": "m",
        },
        other_parliamentary_business=[
            {"subject": "s", "body": "b", "occurred_on": "2025-07-04", "created_at": SAID},
            {"body": "only"},
            {"occurred_on": "2025-07-04"},
        ],
    )
    later = datetime(2025, 7, 2, 12, tzinfo=UTC)
    assert petition.government_response == GovernmentResponse("s", "d", date(2025, 7, 1), AT, later)
    assert petition.debate == Debate(date(2025, 7, 3), "o", "t", "v", "p", "e", "m")
    assert petition.other_parliamentary_business == (
        Business("s", "b", date(2025, 7, 4), AT),
        Business("", "only"),
    )


def test_no_more_is_kept_than_five_hundred_pieces_and_fifty_thousand_letters() -> None:
    many = [{"subject": str(number)} for number in range(501)]
    petition = read(other_parliamentary_business=many, background="x" * 50_000 + "y")
    assert [each.subject for each in petition.other_parliamentary_business][-2:] == ["498", "499"]
    assert petition.background == "x" * 50_000
    assert read(background="x" * 50_000).background == "x" * 50_000


@pytest.mark.parametrize(
    ("site", "attributes", "numbers"),
    [
        (UK, {}, (10_000, None, 100_000)),
        (Site("uk", "", UK.url, 5, None), {}, (5, None, None)),
        (SENEDD, {}, (None, 250, 10_000)),
        (SENEDD, {"threshold_for_referral": 50, "threshold_for_debate": 60}, (None, 50, 60)),
        (SENEDD, {"threshold_for_referral": None, "threshold_for_debate": 0}, (None, 250, 0)),
        (JERSEY, {}, (1_000, None, 5_000)),
        (SCOTLAND, {}, (None, None, None)),
        (SCOTLAND, {"debate_threshold_reached_at": None}, (None, None, 5_000)),
    ],
)
def test_a_threshold_is_as_the_petition_tells_it_or_as_the_site_has_it(
    site: Site, attributes: dict[str, Any], numbers: tuple[int | None, ...]
) -> None:
    petition = read(site, "PE2234" if site is SCOTLAND else 7, **attributes)
    told = (petition.response_threshold, petition.referral_threshold, petition.debate_threshold)
    assert told == numbers


def test_an_archived_petition_has_the_thresholds_of_its_parliament() -> None:
    row = {
        "type": "archived-petition",
        "id": 7,
        "attributes": {**_LEAST, "state": "closed"},
        "parliament": {"period": "2024-2025", "response_threshold": 3, "debate_threshold": 4},
    }
    petition = parse_petition(json.dumps({"data": row}).encode(), UK)
    assert (petition.response_threshold, petition.debate_threshold) == (3, 4)
    assert petition.parliament is not None
    assert (petition.parliament.period, petition.parliament.government) == ("2024-2025", "")
    assert (petition.archived, petition.url) == (
        True,
        "https://petition.parliament.uk/archived/petitions/7",
    )
    row["parliament"] = {"government": "Tea", "dissolution_at": SAID}
    again = parse_petition(json.dumps({"data": row}).encode(), UK).parliament
    assert again is not None
    assert (again.period, again.government, again.dissolution_at) == ("", "Tea", AT)


def test_what_is_on_paper_is_so_only_if_it_says_so() -> None:
    told = [
        read(SENEDD, submitted_on_paper=said).submitted_on_paper for said in (True, False, None)
    ]
    assert [*told, read(SENEDD).submitted_on_paper] == [True, False, False, False]


def test_the_other_language_has_its_own_page_and_texts() -> None:
    told = parse_wording(body(7, SENEDD, action="Te", background="b"), SENEDD, 7)
    assert (told.language, told.action, told.background) == ("cy", "Te", "b")
    assert told.url == "https://deisebau.senedd.cymru/deisebau/7"
    assert (told.additional_details, told.rejection, told.debate) == ("", None, None)


# --- the other bodies -----------------------------------------------------------------------------


def test_a_page_goes_on_where_it_says() -> None:
    row = json.loads(body())["data"]
    for links, following in (({}, None), ({"links": None}, None), ({"links": {}}, None)):
        page = parse_page(json.dumps({"data": [row], **links}).encode(), UK)
        assert (len(page.petitions), page.malformed, page.next) == (1, (), following)
    linked = parse_page(json.dumps({"data": [], "links": {"next": "n"}}).encode(), UK)
    assert (linked.petitions, linked.next) == ((), "n")
    bad = parse_page(json.dumps({"data": [{**row, "id": None}, row, 3]}).encode(), UK)
    assert [each.field for each in bad.malformed] == ["id", "body"]
    assert len(bad.petitions) == 1


def test_counts_are_read_key_by_key() -> None:
    told = {
        "signature_count": 9,
        "response_threshold_reached_at": "2025-07-01T00:00:00Z",
        "government_response_at": "2025-07-02T00:00:00Z",
        "debate_threshold_reached_at": "2025-07-03T00:00:00Z",
        "scheduled_debate_date": "2025-07-04",
        "debate_outcome_at": "2025-07-05T00:00:00Z",
        "debated": True,
    }
    one, two, three, five = (datetime(2025, 7, day, tzinfo=UTC) for day in (1, 2, 3, 5))
    whole = Counts(
        9,
        response_threshold_reached_at=one,
        government_response_at=two,
        debate_threshold_reached_at=three,
        scheduled_debate_date=date(2025, 7, 4),
        debate_outcome_at=five,
        debated=True,
        tells_dates=True,
    )
    assert parse_counts(json.dumps(told).encode(), UK) == whole
    null = parse_counts(b'{"signature_count":9,"debated":null}', UK)
    assert (null.debated, null.tells_dates) == (None, True)
    assert parse_counts(b'{"signature_count":9}', UK) == Counts(9, tells_dates=False)
    absurd = b'{"signature_count":9,"scheduled_debate_date":"2201-01-01"}'
    assert parse_counts(absurd, UK).scheduled_debate_date is None


def test_what_trends_goes_by_its_title_and_counts_those_of_late() -> None:
    rows = [
        {"id": 7, "attributes": {"action": "Tea", "title": "Old", "signature_count": 4}},
        {"id": "8", "attributes": {"title": "Old", "signature_count": 3}},
        {"id": "PE1", "attributes": {"title": "x", "signature_count": 2}},
        {"id": 9, "attributes": {"signature_count": 1}},
    ]
    found = parse_trending(json.dumps({"data": rows}).encode(), UK)
    assert [(str(each.petition), each.action, each.signatures_lately) for each in found] == [
        ("uk:7", "Tea", 4),
        ("uk:8", "Old", 3),
        ("uk:9", "", 1),
    ]


def test_topics_and_parliaments_are_read_with_what_they_lack() -> None:
    topics = {"1": {"code": "tea", "name": "Tea"}, "2": {"code": "milk", "name": None}}
    assert parse_topics(json.dumps(topics).encode(), UK) == {"tea": "Tea", "milk": "milk"}
    rows = [
        {
            "period": "2019-2024",
            "government": "Tea",
            "dissolution_at": SAID,
            "response_threshold": 1,
            "debate_threshold": 2,
        },
        {"period": None},
    ]
    assert parse_parliaments(json.dumps(rows).encode(), UK) == (
        PastParliament("2019-2024", "Tea", AT, 1, 2),
        PastParliament(""),
    )


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_site_is_known_by_what_its_bodies_carry(name: str) -> None:
    row = {"attributes": {DESCRIPTIONS[name].mark: None}}
    for data in (row, [row], [row, {"attributes": {}}]):
        assert works_like(json.dumps({"data": data}).encode()) == name
    for data in ([], {"attributes": {}}, None, 3):
        assert works_like(json.dumps({"data": data}).encode()) == ""


@pytest.mark.parametrize(
    ("text", "number", "field"),
    [
        (b"<html>", None, "body"),
        (b'{"data":{"id":7,"attributes":{"signature_count":"x"}}}', 7, "signature_count"),
        (b'{"data":{"attributes":{"signature_count":"x"}}}', None, "id"),
        (b'{"data":{"id":"x","attributes":{"signature_count":"x"}}}', None, "id"),
        (b'{"data":{"id":7,"attributes":{"topics":[3]}}}', 7, "topics[0]"),
        (b'{"data":{"id":7,"attributes":{"departments":[{}]}}}', 7, "departments[0].name"),
        (b'{"data":{"id":7}}', 7, "attributes"),
        (b"{}", None, "data"),
        (b"3", None, "body"),
    ],
)
def test_a_body_that_cannot_be_read_says_whose_it_is_and_where(
    text: bytes, number: int | None, field: str
) -> None:
    assert refused(text) == (number, field)


@pytest.mark.parametrize(
    "attributes",
    [
        {"opened_at": "yesterday", "closing_date": "soon"},
        {"government_response": {"summary": "s", "created_at": 3, "responded_on": "x"}},
        {"other_parliamentary_business": [{"subject": "s", "created_at": "x"}, {"subject": "t"}]},
        {"debate_scheduled_on": 7, "updated_at": "x"},
    ],
)
def test_a_bad_date_wherever_it_stands_costs_only_itself(attributes: dict[str, Any]) -> None:
    petition = read(creator_name="c", **attributes)
    assert (petition.creator_name, petition.opened_at, petition.updated_at) == ("c", None, None)
    response = petition.government_response
    assert response is None or response == GovernmentResponse("s")
    business = petition.other_parliamentary_business
    assert business in ((), (Business("s"), Business("t")))
    # What is wrong besides is wrong.
    assert refused(body(topics=3, **attributes)) == (7, "topics")
