"""What a rule would have told in the last week, asked of the site's own lists."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeAlias

from bot.errors import MalformedPetition, ParliamentError
from bot.petitions.petition import Petition
from bot.polling.petitions_api import PetitionsApi
from bot.subscriptions.rule_preview import DatedEvent, dated_events, heard_lately
from bot.subscriptions.rules import fits
from bot.subscriptions.subscription import Rule
from handlers.context import Context
from handlers.find import searchable

WEEK = timedelta(days=7)
_PATIENCE = 8.0  # seconds
_PAGES = 3
_KEPT_FOR = timedelta(minutes=5)
_KEPT = 50

# What is news stands first in most lists: in `open` it is among the most signed ones.
_LISTS = {"recent": _PAGES, "open": _PAGES, "with_response": 1, "awaiting_debate": 1, "debated": 1}

_Asked: TypeAlias = tuple[object, ...]
_Weeks: TypeAlias = dict[_Asked, tuple[datetime, list[DatedEvent]]]


async def last_week(context: Context, rule: Rule) -> list[DatedEvent] | None:
    """What the rule would have told, newest first; None if the site does not say."""
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
    """Whatever the petitions that fit date within the week, heard or not."""
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
        *(_read(parliament, state, rule, pages, since) for state, pages in _LISTS.items())
    )
    return {petition.ref: petition for found in lists for petition in found}.values()


async def _read(
    parliament: PetitionsApi, state: str, rule: Rule, pages: int, since: datetime
) -> list[Petition]:
    """The first pages of a list, as far as they may hold news."""
    words = searchable(" ".join(rule.words)) or None
    topic = rule.topics[0] if len(rule.topics) == 1 else None
    page = await parliament.page(state, q=words, topic=topic)
    found = list(page.petitions)
    while page.next and pages > 1 and not _is_past(state, found[-1:], since):
        pages -= 1
        page = await parliament.page(state, url=page.next)
        found += page.petitions
    return found


def _is_past(state: str, last: list[Petition], since: datetime) -> bool:
    """Whether what follows the last one of a page is no news."""
    for petition in last:
        match state:
            case "recent":
                return petition.opened_at is not None and petition.opened_at < since
            case _:
                return petition.signature_count < (petition.response_threshold or 0)
    return True
