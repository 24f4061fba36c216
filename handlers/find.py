"""Finding petitions by their words, for whoever gave no number and no link."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from bot.errors import MalformedPetition, ParliamentError, ParliamentUnavailable
from bot.messages.following import search_results
from bot.petitions.petition import Petition, PetitionId
from bot.petitions.postcode import without_postcodes
from handlers.context import Context

LONGEST = 100
_ENOUGH = search_results.MOST
_PATIENCE = 5.0  # seconds

_T = TypeVar("_T")


async def soon(url: str, asked: Awaitable[_T], patience: float = _PATIENCE) -> _T:
    """The site's answer; ParliamentUnavailable if it takes longer than anybody cares to wait."""
    try:
        return await asyncio.wait_for(asked, patience)
    except TimeoutError as error:
        raise ParliamentUnavailable(url, None, "no answer in time") from error


async def search(context: Context, words: str) -> tuple[Sequence[Petition], bool]:
    """The open petitions with these words, then the others; and whether there are more.

    What is found stays found though a list fails or takes too long. Raises ParliamentError or
    MalformedPetition if the site can say nothing at all.
    """
    services = context.services
    parliament = next(iter(services.parliaments.values()))
    petitions: dict[PetitionId, Petition] = {}
    lists = (
        (parliament.page, "open"),
        (parliament.page, "all"),
        (parliament.archived_page, "all"),
    )
    failure: ParliamentError | MalformedPetition | None = None
    deadline = time.monotonic() + _PATIENCE
    for ask, state in lists:
        try:
            left = max(0.0, deadline - time.monotonic())
            page = await soon(parliament.site.url, ask(state, q=words), left)
        except (ParliamentError, MalformedPetition) as error:
            failure = error
            continue
        for petition in page.petitions:
            petitions.setdefault(petition.ref.id, petition)
        if len(petitions) >= _ENOUGH:
            break
    if failure and not petitions:
        raise failure
    return list(petitions.values()), len(petitions) > _ENOUGH


def searchable(typed: str) -> str:
    """Words as the site may have them: on one line, without controls, and no postcode."""
    clean = "".join(char if char.isprintable() else " " for char in typed)
    words = " ".join(without_postcodes(clean.strip()).split())[:LONGEST].strip()
    return words if any(char.isalnum() for char in words) else ""
