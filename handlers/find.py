"""Finds petitions by their words, for whoever gave no number and no link."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import NamedTuple, TypeVar

from bot.errors import MalformedPetition, ParliamentError, ParliamentUnavailable
from bot.messages.following import search_results
from bot.messages.i18n import language
from bot.petitions.parse import Page
from bot.petitions.petition import Petition, PetitionId, Site
from bot.petitions.postcode import without_postcodes
from bot.polling.petitions_api import PetitionsApi
from handlers.context import Context

LONGEST = 100
_ENOUGH = search_results.MOST
_PATIENCE = 5.0  # seconds

_T = TypeVar("_T")


async def soon(url: str, asked: Awaitable[_T], patience: float = _PATIENCE) -> _T:
    """Return the site's answer; ParliamentUnavailable after `patience` seconds without one."""
    try:
        return await asyncio.wait_for(asked, patience)
    except TimeoutError as error:
        raise ParliamentUnavailable(url, None, "no answer in time") from error


class FoundPetitions(NamedTuple):
    """Petitions found for words, whether there are more, and the sites that could not say."""

    petitions: Sequence[Petition]
    has_more: bool
    silent: Sequence[Site] = ()


async def search(context: Context, words: str) -> FoundPetitions:
    """Return the open petitions with these words, then the others: of each site in turn.

    What is found stays found though a list fails or takes too long. Raises ParliamentError or
    MalformedPetition if no site can say anything at all.
    """
    asked = [_spoken(each, words) for each in context.services.parliaments.values()]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    found: list[Sequence[Petition]] = []
    silent: list[Site] = []
    for parliament, outcome in zip(context.services.parliaments.values(), outcomes, strict=True):
        match outcome:
            case ParliamentError() | MalformedPetition():
                silent.append(parliament.site)
            case BaseException():
                raise outcome
            case petitions:
                found.append(petitions)
    if not found:
        raise next(each for each in outcomes if isinstance(each, Exception))
    in_turn = [each for one_of_each in zip_longest(*found) for each in one_of_each if each]
    return FoundPetitions(in_turn, len(in_turn) > _ENOUGH, silent)


async def _spoken(parliament: PetitionsApi, words: str) -> Sequence[Petition]:
    """Return what a site finds, in the reader's language where a host of it answers in that."""
    with suppress(ParliamentError, MalformedPetition):
        if (other := parliament.in_language(language())) is not parliament:
            return await _search(other, words)
    return await _search(parliament, words)


async def _search(parliament: PetitionsApi, words: str) -> Sequence[Petition]:
    petitions: dict[PetitionId, Petition] = {}
    lists = parliament.description.lists
    asks: list[tuple[Callable[..., Awaitable[Page]], str]] = [
        (parliament.page, lists.open),
        (parliament.page, lists.everything),
    ]
    if parliament.description.has("archive"):
        asks.append((parliament.archived_page, lists.everything))
    failure: ParliamentError | MalformedPetition | None = None
    deadline = time.monotonic() + _PATIENCE
    for ask, state in asks:
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
    return list(petitions.values())


def searchable(typed: str) -> str:
    """Return words as the site may have them: on one line, without controls, and no postcode.

    "" if no letter or digit is left.
    """
    clean = "".join(char if char.isprintable() else " " for char in typed)
    words = " ".join(without_postcodes(clean.strip()).split())[:LONGEST].strip()
    return words if any(char.isalnum() for char in words) else ""
