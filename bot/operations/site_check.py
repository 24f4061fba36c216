"""What `petition-bell check` finds out about a petitions site: which software's shape it has, and
what is missing for whoever follows there.
"""

import aiohttp
from msgspec import structs

from bot.errors import PetitionBellError
from bot.petitions.parliaments import DESCRIPTIONS, description_of
from bot.petitions.parliaments.description import Feature, SiteDescription
from bot.petitions.parse import Page
from bot.petitions.petition import Site
from bot.petitions.thresholds import thresholds
from bot.polling.petitions_api import PetitionsApi

# What people would miss, by what it is called here.
_OFFERED: tuple[tuple[Feature, str], ...] = (
    ("topics", "topics"),
    ("departments", "departments"),
    ("trending", "trending"),
    ("constituencies", "constituencies"),
    ("local", "what is signed in a constituency"),
    ("archive", "past parliaments"),
)


def described(site: Site, description: SiteDescription, page: Page) -> str:
    """A site that answers as it should: its shape, its thresholds, and what it lacks."""
    parts = [
        f"{site.url}: works like {description.id!r}",
        f"{len(page.petitions)} petitions on its first page",
        _thresholds(page),
    ]
    if lacks := _lacks(description):
        parts.append(f"not there: {', '.join(lacks)}")
    return "; ".join(parts)


def _thresholds(page: Page) -> str:
    """The numbers that bring something, as the petitions themselves tell them."""
    told = {kind: number for each in page.petitions for number, kind in thresholds(each).items()}
    if not told:
        return "no number of signatures brings anything"
    order = sorted(told.items(), key=lambda each: each[1])
    return "thresholds " + ", ".join(f"{number:,} ({kind})" for kind, number in order)


def _lacks(description: SiteDescription) -> list[str]:
    no_response = [] if description.institutions.responder else ["written responses"]
    return no_response + [called for name, called in _OFFERED if not description.has(name)]


async def other_shape(
    site: Site, session: aiohttp.ClientSession, page: Page | None = None
) -> str | None:
    """Which of the known sites this one is like, if it is not like what it is taken for."""
    own = description_of(site)
    if page is not None and (_has_shape(page, own) or not (page.petitions or page.malformed)):
        return None
    for name, description in DESCRIPTIONS.items():
        asked = PetitionsApi(structs.replace(site, like=name), session)
        try:
            listed = await asked.page(description.lists.open)
        except PetitionBellError:
            continue
        if _has_shape(listed, description):
            return name if name != own.id else None
    return None


def _has_shape(page: Page, description: SiteDescription) -> bool:
    """Whether petitions carry what those of such a site do."""
    if not page.petitions or page.malformed:
        return False
    missing = page.petitions[0].missing
    features: tuple[Feature, ...] = ("departments", "topics")
    carried: list[str] = [name for name in features if description.has(name)]
    carried += ["government_response"] if description.institutions.responder else []
    return missing.isdisjoint(carried)
