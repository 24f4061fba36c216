"""Describes the four petitions sites, one description each, and finds the one of a petition."""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from bot.petitions.parliaments.description import SiteDescription
from bot.petitions.parliaments.jersey import JERSEY
from bot.petitions.parliaments.scotland import SCOTLAND
from bot.petitions.parliaments.senedd import SENEDD
from bot.petitions.parliaments.uk import UK
from bot.petitions.petition import Petition, Site

__all__ = [
    "DESCRIPTIONS",
    "SiteDescription",
    "description_of",
    "is_its_own",
    "known_by",
    "site_like",
]

DESCRIPTIONS: Mapping[str, SiteDescription] = {
    each.id: each for each in (UK, SENEDD, SCOTLAND, JERSEY)
}
_BY_HOST = {host.name: each for each in DESCRIPTIONS.values() for host in each.hosts}


def host_of(url: str) -> str:
    """Return the host of an address, "" if it has none."""
    # Thousands of petitions have addresses on the same few hosts.
    return _host_at("/".join(url.split("/", 3)[:3]))


@lru_cache(maxsize=256)
def _host_at(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def known_by(name: str, url: str = "", like: str = "") -> SiteDescription | None:
    """Find a site's description: by what it is like, else its host, else its name.

    None if it is none of those described.
    """
    host = host_of(url)
    return DESCRIPTIONS.get(like) or _BY_HOST.get(host) or DESCRIPTIONS.get(name)


def description_of(what: Site | Petition) -> SiteDescription:
    """Return the description of a site, or of the site of a petition.

    A site that is not described is taken for one that runs the UK's software unchanged.
    """
    match what:
        case Site():
            found = known_by(what.id, what.url, what.like)
        case Petition():
            found = known_by(what.ref.site, what.url, what.like)
    return found or UK


def is_its_own(site: Site) -> bool:
    """Return whether a site is the described one or its stand-in, and not only like it."""
    description = description_of(site)
    return site.id == description.id or _BY_HOST.get(host_of(site.url)) is description


def site_like(name: str, description: SiteDescription, url: str = "") -> Site:
    """Make a site of a description, with the settings it has unless configured otherwise."""
    first, *others = description.hosts
    return Site(
        id=name,
        name=description.name,
        url=url or description.url,
        response_threshold=description.usual("response"),
        debate_threshold=description.usual("debate"),
        like=description.id,
        other_url=others[0].url if others and host_of(url or description.url) == first.name else "",
    )
