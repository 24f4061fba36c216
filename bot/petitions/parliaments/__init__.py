"""Describes the four petitions sites, one description each, and finds the one of a petition."""

from collections.abc import Mapping
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
    """The host of an address, "" if it is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def known_by(name: str, url: str = "", like: str = "") -> SiteDescription | None:
    """The description of a site: of what it is said to be like, by its own name, or by its host."""
    host = host_of(url)
    return DESCRIPTIONS.get(like) or _BY_HOST.get(host) or DESCRIPTIONS.get(name)


def description_of(what: Site | Petition) -> SiteDescription:
    """The description of the site of a petition, or of a site itself.

    A site that nobody described runs the software as it was before anybody changed it.
    """
    match what:
        case Site():
            found = known_by(what.id, what.url, what.like)
        case Petition():
            found = known_by(what.ref.site, what.url, what.like)
    return found or UK


def is_its_own(site: Site) -> bool:
    """Whether a site is the one that is described, or stands in for it, and not only like it."""
    description = description_of(site)
    return site.id == description.id or _BY_HOST.get(host_of(site.url)) is description


def site_like(name: str, description: SiteDescription, url: str = "") -> Site:
    """A site as it is unless it is configured otherwise."""
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
