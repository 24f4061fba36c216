"""Keeps rules true to the names that a site gives: boundaries and departments change (shell).

What a rule asks for is carried over to what took its place. Where nothing did, the rule's owner is
told once, with what else there is to choose; the rule itself remembers that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from msgspec import structs
from telegram.error import BadRequest, TelegramError
from telegram.ext import ExtBot

from bot.delivery.rate_limiter import ALERT
from bot.errors import MalformedPetition, ParliamentError, StorageError
from bot.messages.buttons import Keyboard
from bot.messages.following.rules import outdated, renamed
from bot.messages.i18n import ENGLISH, speaking
from bot.messages.message import Message
from bot.petitions.petition import Department
from bot.polling.petitions_api import PetitionsApi
from bot.subscriptions.site_names import (
    Fate,
    Lost,
    Name,
    SiteNames,
    fates,
    learnt,
    nameless,
    note_of,
    others,
    read,
    with_past,
    with_rules,
    written,
)
from bot.subscriptions.subscription import Rule
from bot.telegram import render
from bot.telegram.errors import is_no_topic
from storage import Storage

log = structlog.get_logger(__name__)

_PAST_PARLIAMENTS = 3
_FAREWELL = 2.0  # seconds


class RuleNames:
    """Looks after the rules of every site; `departments` are those seen lately on petitions."""

    def __init__(
        self,
        parliaments: Mapping[str, PetitionsApi],
        storage: Storage,
        bot: ExtBot[Any],
        now: Callable[[], datetime],
        departments: Callable[[str], Sequence[Department]],
    ) -> None:
        self._parliaments = parliaments
        self._storage = storage
        self._bot = bot
        self._now = now
        self._departments = departments
        self._seeing = asyncio.Lock()
        self._is_stopping = False

    async def stop(self) -> None:
        """Begin nothing more, and let what is being said be kept, if that takes no time."""
        self._is_stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL), self._seeing:
                pass

    async def look_after(self) -> None:
        """Learn the names of each site that has rules, and see to its rules; again every hour."""
        ruled = await self._storage.ruled_sites()
        for site in self._parliaments.keys() & ruled.keys():
            rules = [
                rule
                for rule in await self._storage.rules_of(site)
                if rule.constituency or rule.topics or rule.department
            ]
            if rules:
                names = await self._learn(site, rules)
                # A rule takes its time, and there may be very many.
                for fate in await asyncio.to_thread(fates, rules, names):
                    async with self._seeing:
                        if self._is_stopping:
                            return
                        await self._see_to_safely(fate, names)

    async def _see_to_safely(self, fate: Fate, names: SiteNames) -> None:
        """See to one rule; if that fails, log it and leave the rule for the next hour.

        A StorageError is raised, since it concerns them all.
        """
        try:
            await self._see_to(*fate, names)
        except StorageError:
            raise
        except Exception:
            log.exception("a rule could not be checked", site=fate.rule.site)

    async def _learn(self, site: str, rules: Sequence[Rule]) -> SiteNames:
        parliament = self._parliaments[site]
        before = read(await self._storage.note(note_of(site)))
        seen = self._departments(site)
        names = learnt(
            before,
            self._now(),
            constituencies=await _constituencies(parliament),
            topics=await _topics(parliament),
            departments={each.name: Name(each.name, each.acronym, each.url) for each in seen},
        )
        asked = {rule.constituency for rule in rules if rule.constituency}
        if names.constituencies and nameless(names, asked):
            names = with_rules(names, rules)
            names = await _with_past(parliament, names, asked)
        if names != before:
            await self._storage.save_note(note_of(site), written(names))
        return names

    async def _see_to(self, rule: Rule, carried: Rule, gone: Lost | None, names: SiteNames) -> None:
        if carried.department != rule.department:
            await self._tell(rule, lambda: (renamed(rule.department, carried.department), None))
        is_told = gone is not None and (
            rule.is_lost_told
            or await self._tell(rule, lambda: outdated(rule, gone, others(gone, names)))
        )
        carried = structs.replace(carried, is_lost_told=is_told)
        # Its owner may have changed or ended it meanwhile.
        if carried != rule and rule in await self._storage.rules(rule.chat_id):
            await self._storage.save_rule(carried, self._now())
            log.info("a rule was carried over", site=rule.site, is_lost=is_told)

    async def _tell(
        self, rule: Rule, worded: Callable[[], tuple[Message, Keyboard | None]]
    ) -> bool:
        """Send a message without a sound; return False if the chat does not take it now."""
        chat = await self._storage.chat(rule.chat_id)
        if chat is None or chat.is_shut:
            return False
        with speaking(chat.language or ENGLISH):
            message, buttons = worded()
        send = partial(
            self._bot.send_message,
            rule.chat_id,
            message.text,
            entities=render.entities(message),
            reply_markup=render.keyboard(buttons),
            disable_notification=True,
            rate_limit_args=ALERT,
        )
        try:
            await _in_topic(send, rule.thread_id)
        except TelegramError as error:
            log.info("a rule's owner could not be told", error=type(error).__name__)
            return False
        return True


async def _in_topic(send: Callable[..., Awaitable[object]], topic: int | None) -> None:
    """Send into a topic, or to the chat itself if the topic is gone."""
    try:
        await send(message_thread_id=topic)
    except BadRequest as error:
        if topic is None or not is_no_topic(error.message):
            raise
        await send()


async def _constituencies(parliament: PetitionsApi, period: str | None = None) -> dict[str, str]:
    """Return a parliament's constituencies' names by code, none if the site says none."""
    if not parliament.description.has("constituencies"):
        return {}
    try:
        seats = await parliament.constituencies(period)
    except (ParliamentError, MalformedPetition, ValueError):
        return {}
    return {seat.ons_code: seat.name for seat in seats}


async def _topics(parliament: PetitionsApi) -> Mapping[str, str]:
    if not parliament.description.has("topics"):
        return {}
    try:
        return await parliament.topics()
    except (ParliamentError, MalformedPetition):
        return {}


async def _with_past(
    parliament: PetitionsApi, names: SiteNames, asked: Collection[str]
) -> SiteNames:
    """Return names with those of past parliaments, the latest first, while any is not known."""
    if not parliament.description.has("archive"):
        return names
    try:
        periods = [past.period for past in await parliament.parliaments()]
    except (ParliamentError, MalformedPetition):
        return names
    for period in periods[:_PAST_PARLIAMENTS]:
        if not nameless(names, asked):
            break
        names = with_past(names, await _constituencies(parliament, period))
    return names
