"""What a site sends with nothing in it, or with something odd, is no news and harms only itself."""

import json
from collections.abc import Callable, Sized
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bell import TEA, Village, stamp
from petitions import petition

from bot.app import utc_now
from bot.errors import MalformedPetition
from bot.messages.petition.parts import life
from bot.messages.petition.response import excerpt, formatted
from bot.petitions.observe import observe
from bot.petitions.parse import parse_parliaments, parse_petition, parse_topics, parse_trending
from bot.petitions.parse_places import parse_constituencies, parse_local
from bot.petitions.petition import GovernmentResponse, Petition, Site
from bot.petitions.text_diff import changed_sentences, sentences, words

UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")
NOW = "2026-11-29T10:00:00.000Z"
EMPTY: list[dict[str, Any]] = [
    {"government_response": {}},
    {"government_response": {"summary": None, "details": ""}},
    {"debate": {}},
    {"debate": {"debated_on": None, "overview": None}},
    {"other_parliamentary_business": [{}, {"subject": None, "body": ""}]},
]


def read(**attributes: Any) -> Petition:
    told = {"action": "Do it", "state": "open", "signature_count": 5, **attributes}
    body = {"data": {"type": "petition", "id": TEA, "attributes": told}}
    return parse_petition(json.dumps(body).encode(), UK)


@pytest.mark.parametrize("empty", EMPTY, ids=range(len(EMPTY)))
def test_what_has_nothing_in_it_is_not_there(empty: dict[str, Any]) -> None:
    petition = read(**empty)
    assert petition.government_response is None
    assert petition.debate is None
    assert petition.other_parliamentary_business == ()


def test_what_a_date_or_a_text_speaks_for_is_there() -> None:
    assert read(government_response={}, government_response_at=NOW).government_response
    assert read(government_response={"summary": "Tea."}).government_response
    assert read(debate={}, debate_outcome_at=NOW).debate
    assert read(debate={"overview": "No time."}).debate
    assert read(debate={"debated_on": "2026-11-01"}).debate
    told = read(other_parliamentary_business=[{}, {"subject": "A letter"}])
    (business,) = told.other_parliamentary_business
    assert business.subject == "A letter"


async def test_nobody_is_told_of_what_has_nothing_in_it(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        for empty in EMPTY:
            village.site.edit(TEA, **empty)
            await village.looked()
        village.site.edit(TEA, government_response={"summary": "We like tea."})
        await village.reader.hears("We like tea.")


async def test_a_petition_that_closed_in_the_far_future_was_not_open_for_a_century(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.site.edit(TEA, state="closed", closed_at="2150-01-01T00:00:00.000Z")
        told = await village.reader.hears("Closed with 84 signatures")
        assert "years" not in told["text"]
        assert "Open " not in told["text"]


def test_how_long_a_petition_was_open_is_told_once_it_is_over() -> None:
    now = utc_now()
    opened = stamp(now - timedelta(days=30))
    assert life(read(state="closed", opened_at=opened, closed_at=stamp(now)), now) == "30 days"
    later = stamp(now + timedelta(days=9))
    assert life(read(state="closed", opened_at=opened, closed_at=later), now) is None


# --- one bad thing -------------------------------------------------------------------------------

_SEAT = {"constituency": "Barking", "ons_code": "E14000001"}
_LOCAL = {"action": "Tea", "url": "https://x.example/petitions/1", "state": "open"}
_TRENDING = {"id": 1, "attributes": {"action": "Tea", "signature_count": 5}}
LISTS: dict[Callable[[bytes, Site], Sized], Callable[[list[Any]], object]] = {
    parse_trending: lambda rows: {"data": [_TRENDING, *rows]},
    parse_parliaments: lambda rows: [{"period": "2019-2024"}, *rows],
    parse_topics: lambda rows: {str(n): row for n, row in enumerate([{"code": "a"}, *rows])},
    parse_local: lambda rows: {"petitions": [_LOCAL | {"total_signature_count": 1}, *rows]},
    parse_constituencies: lambda rows: [{"id": "W09000001", "name": "Bangor"}, *rows],
}


@pytest.mark.parametrize("parse", LISTS)
def test_a_bad_row_of_a_list_costs_only_itself(parse: Callable[[bytes, Site], Sized]) -> None:
    for rows in ([], [None], [3, {"code": None, "name": [], "period": 3}, "x"]):
        assert len(parse(json.dumps(LISTS[parse](rows)).encode(), UK)) == 1


def test_a_bad_date_of_a_seat_costs_only_itself() -> None:
    seats = {"a": _SEAT | {"start_date": "2024-02-31"}, "b": _SEAT | {"constituency": None}}
    (seat,) = parse_constituencies(json.dumps(seats).encode(), UK)
    assert seat.name == "Barking"


def test_a_list_of_which_no_row_can_be_read_is_not_an_empty_one() -> None:
    for parse, body in (
        (parse_trending, {"data": [None]}),
        (parse_constituencies, {"a": None}),
        (parse_parliaments, [3]),
    ):
        with pytest.raises(MalformedPetition):
            parse(json.dumps(body).encode(), UK)


def test_a_petition_first_seen_with_a_bad_date_is_not_said_to_open_when_it_is_mended() -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    known, _ = observe(None, read(opened_at="0000-00-00T00:00:00Z"), now)
    known, told = observe(known, read(opened_at=NOW), now)
    assert told == ()
    assert known.petition.opened_at == datetime(2026, 11, 29, 10, tzinfo=UTC)
    known, told = observe(known, read(opened_at="9999-12-31T23:59:59-05:00"), now)
    assert told == ()
    assert known.petition.opened_at is not None


def test_a_petition_that_opens_is_said_to_open() -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    known, _ = observe(None, petition(state="", opened_at=None), now)
    _, told = observe(known, petition(), now)
    assert [each.event.kind for each in told] == ["opened"]


def test_a_date_that_moves_tells_no_response_that_its_body_does_not_carry() -> None:
    then, now = "2026-11-20T10:00:00Z", datetime(2026, 11, 29, 12, tzinfo=UTC)
    words = {"summary": "No.", "details": "We will not."}
    known, _ = observe(None, read(government_response=words, government_response_at=then), now)
    known, told = observe(known, read(government_response_at=NOW), now)
    assert told == ()
    _, told = observe(known, read(government_response=words | {"summary": "Yes."}), now)
    assert [each.event.kind for each in told] == ["response"]


# --- texts of any kind and length ----------------------------------------------------------------

LONG = 50_000
_PIECES = ("[", " ", "\n", "\r\n", " \n", "[](", "[a](", "](", "[1]: x\n", "1. ", '."', "\u2028")


@pytest.mark.parametrize("piece", _PIECES, ids=repr)
def test_a_text_of_any_kind_is_read_through_in_no_time(piece: str) -> None:
    """Where a letter is looked at once for each one before it, this does not come to an end."""
    text = "a" + piece * (LONG // len(piece)) + "z"
    assert words(text)
    assert changed_sentences(text, text + " Yes.")
    assert formatted(text)
    assert excerpt(text, 300)


def test_more_of_a_text_than_anybody_reads_is_not_kept() -> None:
    long = "tea " * 100_000
    told = read(
        background=long,
        government_response={"details": long},
        other_parliamentary_business=[{"subject": str(n)} for n in range(5_000)],
    )
    response = told.government_response or GovernmentResponse()
    assert len(told.background) == len(response.details) == LONG
    assert len(told.other_parliamentary_business) < 1_000


def test_a_text_as_long_as_the_longest_is_kept_whole() -> None:
    long = "We like tea. " * 1_500
    response = read(government_response={"details": long}).government_response
    assert response is not None
    assert response.details == long


def test_what_is_set_apart_is_told_apart_all_the_same() -> None:
    text = "1. One.\n\n2. Two [there][1] and [here](https://a.b/c).\n\n[1]: https://x.example/y\n"
    assert sentences(text) == [
        "One.",
        "Two [there] (https://x.example/y) and here (https://a.b/c).",
    ]
