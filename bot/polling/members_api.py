"""Finds who sits for a constituency: MPs and their parties (shell).

The petitions site's own lists come first, joined on the ONS code. For the seat of a past parliament
that they leave empty, the Members API of Parliament is asked by the seat's name: one request at a
time, since it blocks whoever asks in parallel. Whatever fails leaves seats out; nothing raises.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

import aiohttp
import structlog
from msgspec import Struct, structs
from msgspec.json import decode

from bot.errors import MalformedPetition, ParliamentError, ParliamentUnasked
from bot.messages.i18n import language
from bot.petitions.bodies import UNREADABLE
from bot.petitions.parliaments import description_of, host_of
from bot.petitions.parse_places import Constituency
from bot.petitions.petition import Petition, Place, Site
from bot.polling.bounded_body import read_body
from bot.polling.budget import Budget, asking_for
from bot.polling.petitions_api import PetitionsApi

log = structlog.get_logger(__name__)

MEMBERS_API = "https://members-api.parliament.uk/api"

_FRESH = timedelta(days=1)
_PAUSE = timedelta(minutes=10)
_PATIENCE = 8.0
_TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=3)
_MOST_BYTES = 1024 * 1024
# Requests in a minute, of which people have a third, and each of them a sixth.
_A_MINUTE = 180
_MOST_LISTS = 16
_MOST_ANSWERS = 2_000

K = TypeVar("K")
T = TypeVar("T")

Seats = Mapping[str, Constituency]


class Members:
    """The finder of who sits for the constituencies of a petition, which remembers for a day.

    `api` is the address of the Members API; without it, only the UK Parliament's own site has one.
    """

    def __init__(
        self,
        parliaments: Iterable[PetitionsApi],
        session: aiohttp.ClientSession,
        now: Callable[[], datetime],
        *,
        api: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parliaments = {parliament.site.id: parliament for parliament in parliaments}
        self._api = api
        self._now = now
        self._session = session
        self._lists: dict[tuple[str, str], _Kept[Seats]] = {}
        self._answers: dict[tuple[str, date], _Kept[Constituency | None]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._budget = Budget(_A_MINUTE, monotonic)
        self._paused_until: datetime | None = None

    async def seats(self, petition: Petition, asked: Collection[str] = ()) -> Seats:
        """Return a petition's seats by ONS code, as far as known; one without an `mp` is vacant.

        Seats of a past parliament whose codes are in `asked` may be asked of the Members API.
        """
        period = petition.parliament.period if petition.parliament else None
        listed = await self._listed(petition.ref.site, period)
        places = petition.signatures_by_constituency
        found = {place.code: _joined(place, listed.get(place.code)) for place in places}
        if period is None:
            whole = _has_members(listed)
            return {c: s for c, s in found.items() if s.is_held or (whole and c in listed)}
        found |= await self._asked(petition, [found[c] for c in asked if c in found])
        return {code: seat for code, seat in found.items() if seat.mp}

    async def current(self, site: str) -> Seats:
        """Return today's constituencies by ONS code; none while the site cannot say.

        They are in the reader's language if the site says them in that.
        """
        parliament, spoken = self._parliaments.get(site), language()
        if parliament and parliament.in_language(spoken) is not parliament:
            told = await self._list(site, f"current {spoken}")
            return told or await self._list(site, "current")
        return await self._list(site, "current")

    async def everywhere(self, sites: Iterable[str]) -> Seats:
        """Return today's constituencies of several sites, by ONS code."""
        lists = await asyncio.gather(*(self.current(site) for site in sites))
        return {code: seat for seats in lists for code, seat in seats.items()}

    async def site_of(self, ons_code: str, sites: Iterable[str]) -> str | None:
        """Find the one of several sites that has a constituency; None while none says so."""
        for site in sites:
            if ons_code in await self.current(site):
                return site
        return None

    # --- the petitions site's lists

    async def _listed(self, site: str, period: str | None) -> Seats:
        """Return the current seats, and over them those of a past parliament whose MP is told."""
        current = await self.current(site)
        if period is None:
            return current
        past = await self._list(site, period)
        return {**current, **{code: seat for code, seat in past.items() if seat.mp}}

    async def _list(self, site: str, period: str) -> Seats:
        kept = self._lists.get((site, period))
        now = self._now()
        if kept and now < kept.until <= now + _FRESH:
            return kept.value
        known: Seats = kept.value if kept else {}
        try:
            fresh = await self._fetched(site, period)
        except ParliamentUnasked:
            return known  # which says nothing about the site: it is asked next time
        # The site's feed of members fails now and then: then every seat is empty at once.
        is_outage = fresh is None or (_has_members(known) and not _has_members(fresh))
        value, until = (known, now + _PAUSE) if is_outage else (fresh or {}, now + _FRESH)
        _keep(self._lists, (site, period), _Kept(value, until), _MOST_LISTS)
        return value

    async def _fetched(self, site: str, period: str) -> Seats | None:
        parliament = self._parliaments.get(site)
        if parliament is None:
            return None
        has_parishes = parliament.description.has("parishes")
        if not has_parishes and not parliament.description.has("constituencies"):
            return {}
        try:
            if has_parishes:
                rows = await parliament.parishes()
            elif period.startswith("current"):
                spoken = period.removeprefix("current").strip()
                rows = await parliament.in_language(spoken).constituencies()
            else:
                rows = await parliament.constituencies(period)
        except ParliamentUnasked:
            raise
        except (ParliamentError, MalformedPetition, ValueError) as error:
            log.info(
                "constituencies unavailable", site=site, period=period, error=type(error).__name__
            )
            return None
        return {row.ons_code: row for row in rows}

    # --- the Members API

    async def _asked(self, petition: Petition, seats: Iterable[Constituency]) -> Seats:
        """Ask the Members API about the seats whose member or party is not known yet.

        The seats come back by ONS code, completed as far as it knows them in time.
        """
        parliament = self._parliaments.get(petition.ref.site)
        api = self._api or (_own_api(parliament.site) if parliament else None)
        signed = petition.closed_at or petition.opened_at or petition.created_at or self._now()
        found: dict[str, Constituency] = {}
        try:
            async with asyncio.timeout(_PATIENCE):
                for seat in seats:
                    if api and not (seat.mp and seat.party):
                        sat = await self._sat(api, seat.name, signed.date())
                        found[seat.ons_code] = _completed(seat, sat)
        except TimeoutError:
            log.info("the Members API takes too long")
        return found

    async def _sat(self, api: str, name: str, on: date) -> Constituency | None:
        """Find who sat for a seat on a day, from memory or from the API; None if that fails."""
        async with self._one_at_a_time:
            now = self._now()
            kept = self._answers.get((name, on))
            if kept and now < kept.until <= now + _FRESH:
                return kept.value
            if self._paused_until and now < self._paused_until <= now + _PAUSE:
                return None
            if self._budget.wait_of(asking_for.get()) > 0:
                return None
            try:
                answer = await self._ask(api, name, on)
            except (aiohttp.ClientError, OSError, *UNREADABLE) as error:
                log.info("the Members API fails", error=type(error).__name__)
                self._paused_until = now + _PAUSE
                return None
            _keep(self._answers, (name, on), _Kept(answer, now + _FRESH), _MOST_ANSWERS)
            return answer

    async def _ask(self, api: str, name: str, on: date) -> Constituency | None:
        query = urlencode({"searchText": name, "skip": 0, "take": 20})
        found = await self._get(f"{api}/Location/Constituency/Search?{query}", _Search)
        for item in found.items or ():
            seat = item.value
            if _plain(seat.name) == _plain(name) and seat.stood(on):
                sat = seat.current_representation
                if sat and sat.covers(on):
                    return sat.holder(name)
                address = f"{api}/Location/Constituency/{seat.id}/Representations"
                everyone = (await self._get(address, _Representations)).value or ()
                return next((sat.holder(name) for sat in everyone if sat.covers(on)), None)
        return None

    async def _get(self, url: str, kind: type[T]) -> T:
        self._budget.spend_for(asking_for.get())
        async with self._session.get(url, timeout=_TIMEOUT, allow_redirects=False) as response:
            response.raise_for_status()
            return decode(await read_body(response, _MOST_BYTES), type=kind)


# --- what the Members API sends ------------------------------------------------------------------


class _Named(Struct):
    name: str | None = None


class _Member(Struct, rename="camel"):
    name_display_as: str = ""
    latest_party: _Named | None = None


class _MemberItem(Struct):
    value: _Member | None = None


class _Membership(Struct, rename="camel"):
    membership_start_date: datetime | None = None
    membership_end_date: datetime | None = None


class _Representation(Struct):
    member: _MemberItem | None = None
    representation: _Membership | None = None

    def covers(self, on: date) -> bool:
        """Return whether its member sat on that day, its first and last day included."""
        time = self.representation
        if time is None:
            return False
        return _within(on, time.membership_start_date, time.membership_end_date)

    def holder(self, seat: str) -> Constituency:
        member = (self.member and self.member.value) or _Member()
        party = (member.latest_party and member.latest_party.name) or ""
        return Constituency(seat, "", member.name_display_as, party)


class _Seat(Struct, rename="camel"):
    id: int
    name: str = ""
    start_date: datetime | None = None
    end_date: datetime | None = None
    current_representation: _Representation | None = None

    def stood(self, on: date) -> bool:
        """Return whether the seat existed on that day: old names come back with new borders."""
        return _within(on, self.start_date, self.end_date)


class _Item(Struct):
    value: _Seat


class _Search(Struct):
    items: list[_Item] | None = None


class _Representations(Struct):
    value: list[_Representation] | None = None


# --- small decisions -----------------------------------------------------------------------------


class _Kept(NamedTuple, Generic[T]):
    """A value that is remembered until an instant."""

    value: T
    until: datetime


def _keep(where: dict[K, T], key: K, value: T, most: int) -> None:
    """Remember the newest values, at most so many."""
    where.pop(key, None)
    where[key] = value
    if len(where) > most:
        del where[next(iter(where))]


def _joined(place: Place, listed: Constituency | None) -> Constituency:
    """Join what the petition and the site's list tell of a seat."""
    seat = listed or Constituency(place.name, place.code)
    is_somebody_else = bool(place.mp and seat.mp and _person(place.mp) != _person(seat.mp))
    party = "" if is_somebody_else else seat.party
    return structs.replace(seat, name=place.name, mp=place.mp or seat.mp, party=party)


def _completed(seat: Constituency, sat: Constituency | None) -> Constituency:
    if sat is None or (seat.mp and _person(seat.mp) != _person(sat.mp)):
        return seat
    return structs.replace(seat, mp=seat.mp or sat.mp, party=seat.party or sat.party)


def _own_api(site: Site) -> str | None:
    description = description_of(site)
    is_there = host_of(site.url) == description.hosts[0].name
    return MEMBERS_API if is_there and description.has("members_api") else None


def _has_members(seats: Seats) -> bool:
    return any(seat.is_held for seat in seats.values())


def _within(on: date, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or start.date() <= on) and (end is None or on <= end.date())


def _plain(name: str) -> str:
    """Return a constituency's name for comparing: services spell "and" and commas differently."""
    return " ".join(name.casefold().replace("&", " and ").replace(",", " ").split())


def _person(name: str) -> str:
    """Return the last name, without "MP" and honours: wordings differ from list to list."""
    words = [word for word in name.split() if not (word.isupper() and len(word) > 1)]
    return words[-1].casefold() if words else ""
