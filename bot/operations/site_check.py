"""What `petition-bell check` finds out about a petitions site: which software's shape it has, and
what is missing for whoever follows there.
"""

import aiohttp
from msgspec import structs

from bot.errors import PetitionBellError
from bot.petitions.parliaments import DESCRIPTIONS
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
    parliament: PetitionsApi, session: aiohttp.ClientSession, page: Page | None = None
) -> str | None:
    """Which of the known sites this one is like, if it is not like what it is taken for."""
    own = parliament.description
    if parliament.works_like:
        return parliament.works_like if parliament.works_like != own.id else None
    if page is not None and not (page.petitions or page.malformed):
        return None  # it shows nothing by which it could be told
    for name, description in DESCRIPTIONS.items():
        asked = PetitionsApi(structs.replace(parliament.site, like=name), session)
        try:
            await asked.page(description.lists.open)
        except PetitionBellError:
            continue
        if asked.works_like:
            return asked.works_like if asked.works_like != own.id else None
    return None
