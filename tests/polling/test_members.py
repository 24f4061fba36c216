"""Who sits where: from the site's lists, from the Members API for seats of the past, or unsaid."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from members_api import MembersApi, Term
from petitions import petition
from site_stand_in import Fault, PetitionsSite

from bot.petitions.parse_places import Constituency, Member, parse_constituencies
from bot.petitions.petition import Parliament as PastParliament
from bot.petitions.petition import Petition, Place, Site
from bot.polling.members_api import Members
from bot.polling.petitions_api import PetitionsApi

COLNE, CALDER = "E14000645", "E14000614"
CLOSED = datetime(2020, 9, 5, 22, 59, 59, tzinfo=UTC)

SEATS = {
    "Colne Valley": [
        Term("Thelma Walker", "Labour", "2017-06-08", "2019-11-06"),
        Term("Jason McCartney", "Conservative", "2019-12-12", "2024-05-30"),
    ],
    "Calder Valley": [Term("Craig Whittaker", "Conservative", "2010-05-06", "2024-05-30")],
}


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class Desk:
    """Members between a petitions site and a Members API."""

    def __init__(self, site: PetitionsSite, api: MembersApi, session: Any) -> None:
        self.site, self.api = site, api
        self.clock = Clock()
        parliament = PetitionsApi(Site("uk", "UK Parliament", site.url), session)
        self.members = Members([parliament], session, self.clock.now, api=api.url)

    def lists(self, period: str, *rows: dict[str, Any]) -> None:
        body = json.dumps({row["ons_code"]: row for row in rows}).encode()
        self.site.fail(f"/parliaments/{period}/constituencies.json", Fault(status=200, body=body))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with (
        PetitionsSite(lambda: datetime.now(UTC)) as site,
        MembersApi(SEATS) as api,
        aiohttp.ClientSession() as session,
    ):
        yield Desk(site, api, session)


def seat(code: str, name: str, mp: str | None, party: str | None) -> dict[str, Any]:
    return {"ons_code": code, "constituency": name, "mp": mp, "party": party}


def past(*places: Place) -> Petition:
    return petition(
        archived=True,
        parliament=PastParliament("2019-2024"),
        closed_at=CLOSED,
        signatures_by_constituency=places,
    )


def present(*places: Place) -> Petition:
    return petition(signatures_by_constituency=places)


async def test_current_seats_come_from_the_sites_own_list_by_code(desk: Desk) -> None:
    desk.site.constituencies = {"E1": seat("E1", "Aldershot", "Alex Baker MP", "Labour")}
    found = await desk.members.seats(present(Place("Aldershot", "E1", 12, "Alex Baker MP")))
    assert (found["E1"].mp, found["E1"].party) == ("Alex Baker MP", "Labour")
    assert desk.api.asked == []


async def test_a_vacant_seat_is_told_from_one_that_is_not_known(desk: Desk) -> None:
    desk.site.constituencies = {
        "E1": seat("E1", "Aldershot", "Alex Baker MP", "Labour"),
        "E2": seat("E2", "Gorton and Denton", None, None),
    }
    found = await desk.members.seats(
        present(Place("Gorton and Denton", "E2", 5), Place("Elsewhere", "E3", 4))
    )
    assert found["E2"].mp == ""
    assert "E3" not in found


async def test_every_seat_empty_at_once_is_an_outage_and_yesterdays_list_stays(
    desk: Desk,
) -> None:
    places = present(Place("Aldershot", "E1", 12))
    desk.site.constituencies = {"E1": seat("E1", "Aldershot", "Alex Baker MP", "Labour")}
    await desk.members.seats(places)
    desk.site.constituencies = {"E1": seat("E1", "Aldershot", None, None)}
    desk.clock.time += timedelta(days=2)
    assert (await desk.members.seats(places))["E1"].mp == "Alex Baker MP"


async def test_an_outage_from_the_start_calls_no_seat_vacant(desk: Desk) -> None:
    desk.site.constituencies = {"E1": seat("E1", "Aldershot", None, None)}
    assert await desk.members.seats(present(Place("Aldershot", "E1", 12))) == {}


async def test_a_list_is_asked_for_once_a_day(desk: Desk) -> None:
    desk.site.constituencies = {"E1": seat("E1", "Aldershot", "Alex Baker MP", "Labour")}
    for _ in range(3):
        await desk.members.seats(present(Place("Aldershot", "E1", 12)))
    assert len(desk.site.seen("/constituencies.json")) == 1
    desk.clock.time += timedelta(days=1)
    await desk.members.seats(present(Place("Aldershot", "E1", 12)))
    assert len(desk.site.seen("/constituencies.json")) == 2


async def test_a_past_seat_the_site_knows_is_not_asked_for_elsewhere(desk: Desk) -> None:
    desk.lists("2019-2024", seat(COLNE, "Colne Valley", "Jason McCartney MP", "Conservative"))
    found = await desk.members.seats(past(Place("Colne Valley", COLNE, 423)), [COLNE])
    assert (found[COLNE].mp, found[COLNE].party) == ("Jason McCartney MP", "Conservative")
    assert desk.api.asked == []


@pytest.mark.parametrize("mp", ["", "Jason McCartney MP"])
async def test_a_past_seat_without_a_member_or_party_is_asked_for_by_name_as_of_its_day(
    desk: Desk, mp: str
) -> None:
    desk.lists("2019-2024", seat(COLNE, "Colne Valley", None, None))
    found = await desk.members.seats(past(Place("Colne Valley", COLNE, 423, mp)), [COLNE])
    assert found[COLNE].mp.startswith("Jason McCartney")
    assert found[COLNE].party == "Conservative"


async def test_the_members_api_is_asked_serially_once_and_only_for_what_is_wanted(
    desk: Desk,
) -> None:
    petition = past(Place("Colne Valley", COLNE, 423), Place("Calder Valley", CALDER, 356))
    assert await desk.members.seats(petition) == {}
    for _ in range(2):
        found = await desk.members.seats(petition, [COLNE, CALDER])
        assert {s.party for s in found.values()} == {"Conservative"}
    assert len(desk.api.asked) == 4
    assert desk.api.most_at_once == 1


async def test_a_failing_members_api_leaves_seats_out_and_is_left_alone_for_a_while(
    desk: Desk,
) -> None:
    desk.api.status = 429
    petition = past(Place("Colne Valley", COLNE, 423), Place("Calder Valley", CALDER, 356))
    assert await desk.members.seats(petition, [COLNE, CALDER]) == {}
    assert len(desk.api.asked) == 1
    desk.api.status = 200
    desk.clock.time += timedelta(minutes=11)
    assert len(await desk.members.seats(petition, [COLNE, CALDER])) == 2


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=200, body=b"[]")])
async def test_a_site_without_its_list_leaves_the_column_out(desk: Desk, fault: Fault) -> None:
    desk.site.fail("/constituencies.json", fault)
    assert await desk.members.seats(present(Place("Aldershot", "E1", 12))) == {}


async def test_another_member_than_the_lists_is_not_given_the_lists_party(desk: Desk) -> None:
    desk.site.constituencies = {"E1": seat("E1", "Aldershot", "Alex Baker MP", "Labour")}
    found = await desk.members.seats(present(Place("Aldershot", "E1", 12, "Somebody Else MP")))
    assert (found["E1"].mp, found["E1"].party) == ("Somebody Else MP", "")


async def test_a_parliament_with_an_odd_name_harms_nothing(desk: Desk) -> None:
    odd = petition(
        archived=True,
        parliament=PastParliament("../x"),
        closed_at=CLOSED,
        signatures_by_constituency=(Place("Colne Valley", COLNE, 423),),
    )
    found = await desk.members.seats(odd, [COLNE])
    assert found[COLNE].party == "Conservative"


async def test_a_stand_in_for_the_site_never_leads_to_the_real_members_api(desk: Desk) -> None:
    async with aiohttp.ClientSession() as session:
        parliament = PetitionsApi(Site("uk", "UK Parliament", desk.site.url), session)
        members = Members([parliament], session, desk.clock.now)
        assert await members.seats(past(Place("Colne Valley", COLNE, 423)), [COLNE]) == {}


def test_sister_sites_list_whoever_sits_for_a_place_and_for_the_region_around_it() -> None:
    site = Site("scotland", "Scottish Parliament", "https://petitions.parliament.scot")
    region = {"id": "S17000014", "name": "North East"}
    scottish = [
        {
            "id": "S16000074",
            "name": "Aberdeen Central",
            "member": {"name": "A MSP", "party": "Labour", "url": "https://x"},
            "region": region | {"members": [{"member": {"name": "B MSP", "party": "Green"}}]},
        },
        {"id": "S16000075", "name": "Aberdeen Donside", "member": None, "region": None},
    ]
    held, vacant = parse_constituencies(json.dumps(scottish).encode(), site)
    assert held == Constituency(
        "Aberdeen Central",
        "S16000074",
        "A MSP",
        "Labour",
        region="North East",
        region_members=(Member("B MSP", "Green"),),
    )
    assert not vacant.is_held

    sitting = [{"name": name, "party": "P", "url": ""} for name in ("C", "D")]
    welsh = [{"id": "W09000048", "name": "Afan", "members": sitting, "region": None}]
    (seat,) = parse_constituencies(json.dumps(welsh).encode(), site)
    assert (seat.mp, seat.members) == ("", (Member("C", "P"), Member("D", "P")))
    assert seat.is_held
