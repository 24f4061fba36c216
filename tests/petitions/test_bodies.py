"""How bodies are decoded: the longest lists, what a bad row or date costs, where a fault is."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from bot.errors import MalformedPetition
from bot.petitions import bodies
from bot.petitions.petition import Site


def many(row: Any, count: int) -> list[Any]:
    return [row] * count


def by_code(row: Any, count: int) -> dict[str, Any]:
    return {str(number): row for number in range(count)}


def petition(**attributes: Any) -> dict[str, Any]:
    return {"data": {"id": 7, "attributes": attributes}}


PLACE = {"name": "Acton", "signature_count": 1}
# What may be in each list, and how much of it at most.
LONGEST: dict[str, tuple[msgspec.json.Decoder[Any], Callable[[int], Any], int]] = {
    "countries": (
        bodies.SHOW,
        lambda n: petition(signatures_by_country=many(PLACE, n)),
        2_000,
    ),
    "constituencies": (
        bodies.SHOW,
        lambda n: petition(signatures_by_constituency=many(PLACE, n)),
        2_000,
    ),
    "departments": (bodies.SHOW, lambda n: petition(departments=many({"name": "x"}, n)), 500),
    "topics": (bodies.SHOW, lambda n: petition(topics=many("x", n)), 500),
    "a page": (bodies.LIST, lambda n: {"data": many({}, n)}, 150),
    "trending": (bodies.TRENDING, lambda n: {"data": many({}, n)}, 2_000),
    "seats": (bodies.CONSTITUENCIES, lambda n: many({}, n), 2_000),
    "seats by code": (bodies.CONSTITUENCIES, lambda n: by_code({}, n), 2_000),
    "parliaments": (bodies.PARLIAMENTS, lambda n: many({}, n), 2_000),
    "topics by code": (bodies.TOPICS, lambda n: by_code({}, n), 2_000),
    "parishes": (bodies.PARISHES, lambda n: by_code({"parish": "x"}, n), 2_000),
    "a place's petitions": (bodies.LOCALS, lambda n: {"petitions": many({}, n)}, 2_000),
}


@pytest.mark.parametrize("name", LONGEST)
def test_a_list_is_read_up_to_several_times_its_usual_length(name: str) -> None:
    decoder, of, most = LONGEST[name]
    decoder.decode(json.dumps(of(most)))
    with pytest.raises(msgspec.ValidationError, match="length"):
        decoder.decode(json.dumps(of(most + 1)))


def topics(*rows: Any) -> list[str]:
    raws = [msgspec.Raw(json.dumps(row).encode()) for row in rows]
    return [each.code for each in bodies.each_decoded(bodies.TOPIC, raws)]


def test_the_first_fault_is_told_only_where_no_row_can_be_read() -> None:
    good = {"code": "a"}
    assert topics() == []
    assert topics(good, 3, {"code": "b"}, {"code": 3}) == ["a", "b"]
    assert topics(3, good) == ["a"]
    with pytest.raises(msgspec.ValidationError, match="got `int`$"):
        topics(3, {"code": None})
    with pytest.raises(msgspec.ValidationError, match="code"):
        topics({"code": None}, 3)


def read(**attributes: Any) -> bodies.Attributes:
    return bodies.decoded(bodies.SHOW, json.dumps(petition(**attributes)).encode()).data.attributes


def test_a_date_that_is_none_is_absurd_and_others_are_left() -> None:
    told = read(opened_at="soon", closed_at="2025-07-01T12:00:00Z", closing_date="x", action="a")
    assert str(told.opened_at) == "0001-01-01 00:00:00+00:00"
    assert str(told.closed_at) == "2025-07-01 12:00:00+00:00"
    assert str(told.closing_date) == "0001-01-01"
    assert told.action == "a"
    assert read(opened_at="soon", closed_at=None, closing_date=None).closed_at is None
    deep = read(
        other_parliamentary_business=[{"occurred_on": "2025-07-01"}, {"occurred_on": "x"}],
        debate={"debated_on": 3},
    )
    assert isinstance(deep.debate, bodies.Debate)
    assert str(deep.debate.debated_on) == "0001-01-01"
    rows = deep.other_parliamentary_business
    assert isinstance(rows, list)
    assert [str(each.occurred_on) for each in rows] == ["2025-07-01", "0001-01-01"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"action": 3},
        {"action": 3, "opened_at": None},
        {"action": 3, "opened_at": "2025-07-01T12:00:00Z"},
        {"action": 3, "opened_at": "soon"},
        {"topics": [3], "closing_date": "2025-07-01"},
    ],
)
def test_what_is_wrong_besides_a_date_is_a_fault(attributes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"attributes\.(action|topics)"):
        read(**attributes)


@pytest.mark.parametrize(
    ("document", "found", "left"),
    [
        ({"a_at": "x"}, True, {"a_at": "0001-01-01T00:00:00Z"}),
        ({"a_on": "x"}, True, {"a_on": "0001-01-01"}),
        ({"a_date": 3}, True, {"a_date": "0001-01-01"}),
        ({"a_at": None}, False, {"a_at": None}),
        ({"a_on": "2025-07-01"}, False, {"a_on": "2025-07-01"}),
        ({"dated": "x", "on": "x"}, False, {"dated": "x", "on": "x"}),
        ({"a": {"b_on": "x"}, "c": 1}, True, {"a": {"b_on": "0001-01-01"}, "c": 1}),
        (
            [{"a_on": "x"}, {"a_on": "y"}, 3],
            True,
            [{"a_on": "0001-01-01"}, {"a_on": "0001-01-01"}, 3],
        ),
        ([{}, "x"], False, [{}, "x"]),
        (3, False, 3),
    ],
)
def test_bad_dates_are_replaced_wherever_they_stand(document: Any, found: bool, left: Any) -> None:
    assert bodies._replace_bad_dates(document) is found
    assert document == left


def fault(decoder: msgspec.json.Decoder[Any], body: str) -> str:
    with pytest.raises(bodies.UNREADABLE) as caught:
        decoder.decode(body)
    return bodies.fault_in(caught.value)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "body"),
        ("3", "body"),
        ("{}", "data"),
        ('{"data":{"id":7}}', "attributes"),
        ('{"data":{"attributes":{"state":3}}}', "state"),
        ('{"data":{"attributes":{"rejection":{"code":3}}}}', "rejection.code"),
        ('{"data":{"attributes":{"departments":[{}]}}}', "departments[0].name"),
        ('{"data":{"parliament":{"period":3},"attributes":{}}}', "parliament.period"),
    ],
)
def test_a_fault_is_named_by_its_place_below_the_attributes(body: str, field: str) -> None:
    assert fault(bodies.SHOW, body) == field


def test_a_body_of_no_one_petition_is_malformed_at_its_site() -> None:
    site = Site("uk", "UK Parliament", "https://petition.parliament.uk")
    for body, field in ((b'{"links":{}}', "data"), (b"[" * 100_000, "body"), (b"\xff", "body")):
        with pytest.raises(MalformedPetition) as caught, bodies.reading(site):
            bodies.LIST.decode(body)
        told = caught.value
        assert (told.site, told.petition_id, told.field) == ("uk", None, field)
