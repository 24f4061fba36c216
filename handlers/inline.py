"""`@bot words` in any chat: cards to send there, and answers where the bot is a guest."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from telegram import Update
from telegram.error import BadRequest
from telegram.ext import InlineQueryHandler, MessageHandler, filters

from bot.errors import MalformedPetition, ParliamentError, ParliamentUnasked, ParliamentUnavailable
from bot.messages.chat.errors import in_a_minute, not_a_petition, unreachable
from bot.messages.i18n import tr
from bot.messages.message import Message
from bot.messages.petition.share import (
    InlineResult,
    guest_help,
    guest_result,
    shared_card,
    which_number,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import unpublished
from bot.petitions.petition import Petition, PetitionRef
from bot.polling.lookup import Unasked
from bot.polling.petitions_api import Unavailable, Unpublished
from bot.telegram import render
from handlers.context import Context
from handlers.find import search, searchable

_MOST = 10
_SHORTEST = 3  # letters; fewer find everything and nothing
# Seconds for which Telegram answers the same words by itself.
_KEPT_FOR, _KEPT_FOR_ONE = 120, 5
_MOST_KNOWN = 2_000  # petitions that are looked through where the site may not be asked


class _Offer(NamedTuple):
    """The results to send on; `lacks` is how a site failed if there may be more, None if not."""

    results: Sequence[InlineResult]
    lacks: Unasked | Unavailable | None = None


async def offer(update: Update, context: Context) -> None:
    """Offer the petition that is named, those with these words, or without any what they follow."""
    query = update.inline_query
    if query is None:
        return
    typed = searchable(query.query)
    is_alone = not query.query.strip()
    found = await (_followed(context, query.from_user.id) if is_alone else _found(context, typed))
    is_brief = is_alone or not found.results or found.lacks is not None
    with suppress(BadRequest):  # too late: they have typed on
        await query.answer(
            [render.article(each) for each in found.results],
            cache_time=_KEPT_FOR_ONE if is_brief else _KEPT_FOR,
            is_personal=True,  # in their own language
            button=render.above_results(_above(found)),
        )


def _above(found: _Offer) -> str | None:
    """Word what stands above the results: that there may be more later, or what to do without any.

    It has room for 64 characters; None for nothing.
    """
    match found.lacks:
        case Unasked(wants_quiet=False):
            return tr("That was a lot. Type again in a minute for more.")
        case Unasked() | Unavailable():
            return tr("The petitions site isn't answering at the moment.")
        case None if found.results:
            return None
        case None:
            return tr("Follow petitions with this bot")


async def _followed(context: Context, chat_id: int) -> _Offer:
    """Return cards of what a person follows in their own chat, newest first."""
    storage, now = context.services.storage, context.services.now()
    follows = (await storage.subscriptions(chat_id))[:_MOST]
    found = [await storage.history(subscription.petition) for subscription in follows]
    return _Offer(
        [
            shared_card(known.petition, known.read_at, now, context.bot.username)
            for known in found
            if known
        ]
    )


async def _found(context: Context, typed: str) -> _Offer:
    services = context.services
    if ref := services.reference(typed):
        return await _named(context, services.same_number(typed) or [ref])
    if len(typed) < _SHORTEST:
        return _Offer(())
    lacks: Unasked | Unavailable | None = None
    petitions: Sequence[Petition] = ()
    try:
        petitions = (await search(context, typed)).petitions
    except ParliamentUnasked as error:
        lacks = Unasked(error.retry_after or 0.0, error.wants_quiet)
    except ParliamentUnavailable as error:
        lacks = Unavailable(error.reason)
    except (ParliamentError, MalformedPetition):
        return _Offer(())
    now, username = services.now(), context.bot.username
    if lacks is None:
        return _Offer([shared_card(each, now, now, username) for each in petitions[:_MOST]])
    known = await _known_with(context, typed)
    return _Offer([shared_card(k.petition, k.read_at, now, username) for k in known], lacks)


async def _known_with(context: Context, typed: str) -> Sequence[PetitionHistory]:
    """Return the known petitions whose titles have these words, or words that begin so."""
    storage, words = context.services.storage, typed.casefold().split()
    found: list[PetitionHistory] = []
    for ref in (await storage.petitions())[:_MOST_KNOWN]:
        known = await storage.history(ref)
        if known is None or known.petition.is_unpublished or known.removed:
            continue
        title = known.petition.action.casefold().split()
        if all(any(each.startswith(word) for each in title) for word in words):
            found.append(known)
    found.sort(key=lambda known: (not known.petition.is_open, -known.petition.signature_count))
    return found[:_MOST]


async def _named(context: Context, refs: Sequence[PetitionRef]) -> _Offer:
    """Return the cards of a petition, or of several of one number."""
    services = context.services
    cards = []
    lacks: Unasked | Unavailable | None = None
    for ref, lookup in zip(refs, await asyncio.gather(*map(services.look, refs)), strict=True):
        petition = lookup.petition
        if petition is None and isinstance(lookup.look, Unpublished):
            petition = unpublished(ref, services.sites[ref.site], lookup.look.reason)
        if petition is None:
            lacks = lookup.look if isinstance(lookup.look, Unasked | Unavailable) else lacks
            continue
        cards.append(shared_card(petition, lookup.read_at, services.now(), context.bot.username))
    return _Offer(cards, None if cards else lacks)


async def as_guest(update: Update, context: Context) -> None:
    """Answer a mention in a chat the bot is no part of: the card, or how to ask for one."""
    message = update.guest_message
    if message is None or not message.guest_query_id:
        return
    typed = searchable((message.text or "").replace(f"@{context.bot.username}", " "))
    named = next(filter(context.services.reference, typed.split()), typed)
    found = await _found(context, named)
    if not found.results:
        answer = guest_result(_why_none(context, typed, found))
    elif len(context.services.same_number(named)) > 1 < len(found.results):
        answer = guest_result(which_number(found.results))
    else:
        answer = found.results[0]
    with suppress(BadRequest):
        await context.bot.answer_guest_query(message.guest_query_id, render.article(answer))


def _why_none(context: Context, typed: str, found: _Offer) -> Message:
    site = next(iter(context.services.sites.values()))
    match found.lacks:
        case Unasked(wants_quiet=False):
            return in_a_minute(site)
        case Unasked() | Unavailable():
            return unreachable(site, None, context.services.now())
        case None:
            return not_a_petition(typed) if typed else guest_help()


HANDLERS = [
    InlineQueryHandler(offer),
    MessageHandler(filters.UpdateType.GUEST_MESSAGE, as_guest),
]
