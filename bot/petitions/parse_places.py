"""Reads JSON bytes into the places where petitions are signed, and who sits for them (pure)."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from bot.petitions import bodies
from bot.petitions.parliaments import description_of
from bot.petitions.petition import PetitionRef, Site


class Member(Struct, frozen=True):
    """A person who sits for a place."""

    name: str
    party: str = ""


class Constituency(Struct, frozen=True):
    """A constituency and its MP; both `mp` and `party` are empty while the seat is vacant.

    Where several sit for one constituency, these are its `members`; those of the region around it
    sit for it as well. `is_elected` is False for a parish, of which no site says who sits for it.
    """

    name: str
    ons_code: str
    mp: str = ""
    party: str = ""
    start_date: date | None = None
    end_date: date | None = None
    members: tuple[Member, ...] = ()
    region: str = ""
    region_members: tuple[Member, ...] = ()
    is_elected: bool = True

    @property
    def is_held(self) -> bool:
        """True if anybody sits for it."""
        return bool(self.mp or self.members)


class Local(Struct, frozen=True):
    """A petition as one constituency or parish signs it; `here` are the signatures from there."""

    petition: PetitionRef
    action: str
    state: str
    here: int
    signature_count: int


def parse_constituencies(body: bytes, site: Site) -> tuple[Constituency, ...]:
    """Read a constituencies.json, in the site's own order."""
    with bodies.reading(site):
        raws = bodies.CONSTITUENCIES.decode(body)
        if isinstance(raws, list):
            return tuple(_constituency(row) for row in bodies.each_decoded(bodies.SEAT, raws))
        rows = bodies.each_decoded(bodies.CONSTITUENCY, raws.values())
    return tuple(
        Constituency(
            name=row.name,
            ons_code=row.ons_code,
            mp=row.mp or "",
            party=row.party or "",
            start_date=row.start_date,
            end_date=row.end_date,
        )
        for row in rows
    )


def _constituency(row: bodies.Seat) -> Constituency:
    """Make a constituency of a row of the sister sites: with one member, or several alike."""
    found = [row.member] if row.member else row.members
    members, region = _members(found), row.region
    one = members[0] if len(members) == 1 else Member("")
    return Constituency(
        name=row.name,
        ons_code=row.id,
        mp=one.name,
        party=one.party,
        members=members if len(members) > 1 else (),
        region=region.name if region else "",
        region_members=_members(region.members) if region else (),
    )


def _members(rows: Iterable[bodies.Member]) -> tuple[Member, ...]:
    bare = [row.member or row for row in rows]
    return tuple(Member(row.name, row.party or "") for row in bare if row.name)


def parse_parishes(body: bytes, site: Site) -> tuple[Constituency, ...]:
    """Read a parishes.json, in the site's own order; it names only those that anybody signed in."""
    with bodies.reading(site):
        rows = bodies.PARISHES.decode(body).values()
    return tuple(Constituency(row.parish, slug(row.parish), is_elected=False) for row in rows)


def parse_local(body: bytes, site: Site) -> tuple[Local, ...]:
    """Read the petitions of a constituency or parish, the most signed there first."""
    with bodies.reading(site):
        rows = bodies.each_decoded(bodies.LOCAL, bodies.LOCALS.decode(body).petitions)
    ids = description_of(site).ids
    return tuple(
        Local(
            PetitionRef(site.id, number),
            row.action,
            row.state,
            row.constituency_signature_count or row.parish_signature_count,
            row.total_signature_count,
        )
        for row in rows
        if (number := ids.read(row.url.rpartition("/")[2])) is not None
    )


# No place's name is a fifth as long.
_LONGEST_NAME = 300


def slug(name: str) -> str:
    """Return a place's name as sites have it in addresses: Ynys Môn is ynys-mon."""
    split = unicodedata.normalize("NFKD", name[:_LONGEST_NAME])
    plain = split.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
