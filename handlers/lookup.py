"""Looking at a petition for somebody, and saying why if there is nothing to see."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from msgspec import structs
from telegram import Update

from bot.messages.chat import errors
from bot.messages.chat.conversation import several, which_petition
from bot.messages.message import Message
from bot.messages.petition.parts import site_name
from bot.petitions.observe import unpublished
from bot.petitions.petition import PetitionRef
from bot.polling.lookup import LookupResult, Unasked
from bot.polling.petitions_api import Gone, NotFound, Unavailable, Unpublished, Unreadable
from handlers.context import Context, chat_of
from handlers.reply import answer, ask
from handlers.subscriptions import followed_by
from handlers.word_search import tell


async def seen(
    update: Update,
    context: Context,
    ref: PetitionRef,
    *,
    keep: bool = False,
    says_age: bool = True,
    shows_unpublished: bool = False,
    would_wait: bool = False,
) -> LookupResult | None:
    """What can be seen of a petition now; if nothing, the person is told why.

    Where the site is silent, what is known is seen, and the person told how old that is, unless
    whoever asks says so by other means. Of what is not published yet there is nothing to show,
    unless it `shows_unpublished` or is to be kept. Who `would_wait` for one is shown it without
    anything being kept.
    """
    services = context.services
    sight = await services.look(ref, keep=keep)
    if sight.petition is not None:
        if sight.petition.is_unpublished and not (keep or shows_unpublished):
            await answer(update, errors.nothing_yet(sight.petition, services.now()))
            return None
        if says_age and not keep and isinstance(sight.look, Unavailable):
            site = services.sites[ref.site]
            await answer(update, errors.as_last_read(site, sight.read_at, services.now()))
        return sight
    if isinstance(sight.look, Unpublished):
        if would_wait and sight.look.reason != "stopped":
            waiting = unpublished(ref, services.sites[ref.site], sight.look.reason)
            return structs.replace(sight, petition=waiting)
        await answer(update, *errors.unpublished(ref, sight.look.reason))
    else:
        await answer(update, await _why_not(context, ref, sight))
    return None


async def _why_not(context: Context, ref: PetitionRef, sight: LookupResult) -> Message:
    services = context.services
    site = services.sites[ref.site]
    match sight.look:
        case NotFound():
            return errors.not_found(ref, site)
        case Gone():
            return errors.taken_down(ref)
        case Unreadable():
            return errors.unreadable(site)
        case Unasked(wants_quiet=False):
            return errors.in_a_minute(site)
        case _:
            return errors.unreachable(site, await unreachable_since(context, ref), services.now())


async def asked_for(update: Update, context: Context, command: str) -> PetitionRef | None:
    """The petition a command is about; if it names none, the person is asked for it.

    Words that are no number and no link are searched for; a postcode leads to its constituency.
    """
    text = context.text
    if not text:
        chat = await chat_of(update, context)
        question, rows = which_petition(command, await followed_by(context, chat.id))
        await ask(update, context, question, command, rows=rows)
        return None
    ref = context.services.reference(text)
    if ref is None:
        await tell(update, context, text)
        return None
    return await which(update, context, ref, text, command)


async def which(
    update: Update, context: Context, ref: PetitionRef, text: str, command: str
) -> PetitionRef | None:
    """The petition that a text names; where several sites have one of that number, who typed it
    is asked which.

    What the chat follows is meant before what it does not, and a site that does not answer may
    have one.
    """
    services, same = context.services, context.services.same_number(text)
    if len(same) < 2:
        return ref
    chat = await chat_of(update, context)
    followed = await _followed_among(context, chat.id, same)
    if len(followed) == 1:
        return followed[0]
    sights = await asyncio.gather(*map(services.look, same))
    there = {r: s for r, s in zip(same, sights, strict=True) if not isinstance(s.look, NotFound)}
    if len(there) < 2:
        return next(iter(there), ref)
    found = [(each, sight.petition) for each, sight in there.items()]
    called = {each.id: site_name(each) for each in services.sites.values()}
    await answer(update, *several(command, found, called))
    return None


async def named_first(update: Update, context: Context, text: str) -> PetitionRef | None:
    """The petition that stands before the rest of a command: one that the chat follows, if several
    sites have one of that number.
    """
    chat, same = await chat_of(update, context), context.services.same_number(text)
    followed = await _followed_among(context, chat.id, same) if len(same) > 1 else []
    return followed[0] if followed else context.services.reference(text)


async def _followed_among(
    context: Context, chat_id: int, refs: Sequence[PetitionRef]
) -> list[PetitionRef]:
    storage = context.services.storage
    return [ref for ref in refs if await storage.subscription(chat_id, ref)]


async def unreachable_since(
    context: Context, ref: PetitionRef, sight: LookupResult | None = None
) -> datetime | None:
    """Since when the petition's site, just asked, has not been answering; None if it did."""
    since = await context.services.reports.failing_since(ref.site)
    if since is None and sight and isinstance(sight.look, Unavailable):
        return context.services.now()
    return since
