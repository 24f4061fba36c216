"""One person is "you"; a group or channel, in which many read, is "this chat"."""

import asyncio
import re
from collections.abc import Callable

import pytest
from msgspec import structs
from petitions import NOW, REF, petition

from bot.messages.alert import alert
from bot.messages.chat.conversation import nothing_to_stop
from bot.messages.chat.status import status
from bot.messages.digest import Missed, summary
from bot.messages.following import rules
from bot.messages.following.subscriptions import (
    Followed,
    listing,
    not_following,
    nothing_followed,
    subscribed,
)
from bot.messages.petition.card import card
from bot.messages.petition.milestones import milestones_text
from bot.messages.reader import address
from bot.petitions.events import Closed, MilestoneReached, Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Site
from bot.petitions.site_health import StatusReport
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.subscription import Rule, Subscription

KNOWN = PetitionHistory(petition(signature_count=15_000), NOW)
FOLLOWED = Followed(Subscription(1, REF, NOW), KNOWN.petition)
RULE = Rule(1, "uk", NOW, ("opened",), number=1, words=("tea",))
UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")
OWN = CustomMilestones(numbers=(15_000,))
REACHED = Occurrence("a", REF, NOW, MilestoneReached(15_000, 15_000))
GONE = Occurrence("b", REF, NOW, Closed(15_000, NOW))
SAID: dict[str, Callable[[], str]] = {
    "list": lambda: listing([FOLLOWED], 0, NOW, [rules.listed(RULE, UK)])[0].text,
    "nothing": lambda: nothing_followed().text,
    "not this": not_following,
    "stop": lambda: nothing_to_stop(is_kept=False)[0].text,
    "followed": lambda: subscribed(FOLLOWED, NOW, "")[0].text,
    "rule": lambda: rules.saved(RULE, UK)[0].text,
    "card": lambda: card(KNOWN.petition, NOW, NOW, subscription=FOLLOWED.subscription).text,
    "status": lambda: status(StatusReport(NOW), 1, 0, NOW).text,
    "milestones": lambda: milestones_text(KNOWN.petition, (), NOW, OWN).text,
    "own milestone": lambda: alert(KNOWN, [REACHED], NOW, muted=False, custom=OWN)[0].text,
    "from a rule": lambda: alert(KNOWN, [REACHED], NOW, muted=False, rule=RULE)[0].text,
    "quiet": lambda: summary([Missed(KNOWN, [REACHED])] * 2, NOW, "quiet").message.text,
    "digest": lambda: summary([Missed(KNOWN, [REACHED])] * 2, NOW, "digest").message.text,
    "away": lambda: summary([Missed(KNOWN, [REACHED])] * 2, NOW, "away").message.text,
    "closed": lambda: summary([Missed(KNOWN, [GONE])] * 2, NOW, "burst").message.text,
}
_TO_ONE = re.compile(r"(?<!tell )\b[Yy]our?\b")


async def said(what: str, *, is_shared: bool) -> str:
    """In a task of its own, as each update and each chat's alerts have."""

    async def say() -> str:
        address(is_shared=is_shared)
        return SAID[what]()

    return await asyncio.create_task(say())


@pytest.mark.parametrize("what", SAID)
async def test_in_a_group_nobody_is_told_that_it_is_they_who_follow(what: str) -> None:
    text = await said(what, is_shared=True)
    assert not _TO_ONE.search(text), text
    assert "his chat" in text


@pytest.mark.parametrize("what", SAID)
async def test_one_person_is_spoken_to(what: str) -> None:
    text = await said(what, is_shared=False)
    assert _TO_ONE.search(text), text
    assert "his chat" not in text


def test_of_a_muted_petition_a_group_is_told_the_same() -> None:
    muted = structs.replace(FOLLOWED.subscription, muted=True)
    assert "(silent)" in card(KNOWN.petition, NOW, NOW, subscription=muted).text
