"""Finds what a rule would have told in the last week, in the site's own lists."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeAlias

from bot.errors import MalformedPetition, ParliamentError
from bot.petitions.parliaments.description import Lists
from bot.petitions.petition import Petition
from bot.petitions.thresholds import thresholds
from bot.polling.petitions_api import PetitionsApi
from bot.subscriptions.dated_events import DatedEvent, dated_events, heard_lately
from bot.subscriptions.rules import fits
from bot.subscriptions.subscription import Rule
from handlers.context import Context
from handlers.find import searchable

WEEK = timedelta(days=7)
_PATIENCE = 8.0  # seconds
_PAGES = 3
_KEPT_FOR = timedelta(minutes=5)
_KEPT = 50

_Asked: TypeAlias = tuple[object, ...]
_Weeks: TypeAlias = dict[_Asked, tuple[datetime, list[DatedEvent]]]


async def last_week(context: Context, rule: Rule) -> list[DatedEvent] | None:
    """Return what the rule would have told, newest first; None if the site does not say."""
    now = context.services.now()
    weeks: _Weeks = context.bot_data.setdefault("weeks", {})
    asked = (rule.site, rule.words, rule.without, rule.topics, rule.department)
    if asked not in weeks or not abs(now - weeks[asked][0]) < _KEPT_FOR:
        happened = await _happened(context, rule, now)
        if happened is None:
            return None
        weeks.pop(asked, None)
        weeks[asked] = (now, happened)
        if len(weeks) > _KEPT:
            del weeks[next(iter(weeks))]
    return heard_lately(rule, weeks[asked][1])


async def _happened(context: Context, rule: Rule, now: datetime) -> list[DatedEvent] | None:
    """Return all that happened to petitions that fit within the week, told or not."""
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await _listed(context.services.parliaments[rule.site], rule, now - WEEK)
    except (ParliamentError, MalformedPetition, TimeoutError):
        return None
    # Every word of hundreds of petitions is compared, which would hold up the others.
    return await asyncio.to_thread(_fitting, rule, found, now)


def _fitting(rule: Rule, found: Iterable[Petition], now: datetime) -> list[DatedEvent]:
    fitting = [petition for petition in found if fits(rule, petition)]
    return [each for petition in fitting for each in dated_events(petition, now - WEEK, now)]


async def _listed(parliament: PetitionsApi, rule: Rule, since: datetime) -> Iterable[Petition]:
    lists = await asyncio.gather(
        *(
            _read(parliament, state, rule, pages, since)
            for state, pages in _lists(parliament.description.lists).items()
        )
    )
    return {petition.ref: petition for found in lists for petition in found}.values()


def _lists(lists: Lists) -> dict[str, int]:
    """Return the lists that tell news, and how many of their pages to read at most.

    Most lists begin with their news; in that of open petitions, news is among the most signed.
    """
    first = (lists.responded, lists.debate_dates, lists.debated, lists.referred, lists.ended)
    found = {state: 1 for state in first if state}
    return {lists.open: _PAGES} | ({lists.newest: _PAGES} if lists.newest else {}) | found


async def _read(
    parliament: PetitionsApi, state: str, rule: Rule, pages: int, since: datetime
) -> list[Petition]:
    """Return the petitions of the first pages of a list, as far as they may hold news."""
    words = searchable(" ".join(rule.words)) or None
    topic = rule.topics[0] if len(rule.topics) == 1 else None
    is_newest = state == parliament.description.lists.newest
    found: list[Petition] = []
    for number in range(1, pages + 1):
        page = await parliament.page(state, q=words, topic=topic, number=number)
        found += page.petitions
        if page.next is None or _is_past(found[-1:], since, is_newest=is_newest):
            break
    return found


def _is_past(last: list[Petition], since: datetime, *, is_newest: bool) -> bool:
    """Return whether what follows a page is no news, by its last petition (`last`, [] for none)."""
    for petition in last:
        if is_newest:
            return petition.opened_at is not None and petition.opened_at < since
        return petition.signature_count < min(thresholds(petition), default=0)
    return True
