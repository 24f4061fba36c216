"""Looks a petition up for somebody, and says why if there is nothing to see."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from msgspec import structs
from telegram import Update

from bot.messages.chat import errors
from bot.messages.chat.conversation import several, which_petition
from bot.messages.message import Message
from bot.petitions.observe import unpublished
from bot.petitions.petition import Petition, PetitionRef
from bot.petitions.utterance import names_no_site
from bot.polling.lookup import LookupResult, Unasked
from bot.polling.petitions_api import Gone, NotFound, Unavailable, Unpublished, Unreadable
from handlers.context import Context, chat_of
from handlers.reply import answer, ask
from handlers.subscriptions import followed_by
from handlers.word_search import tell

_MOST_LOOKS = 3  # petitions that a site is asked about for one message

# A petition that may be meant, and what is known of it.
Possible: TypeAlias = tuple[PetitionRef, Petition | None]


async def look_up(
    update: Update,
    context: Context,
    ref: PetitionRef,
    *,
    keep: bool = False,
    says_age: bool = True,
    shows_unpublished: bool = False,
    would_wait: bool = False,
) -> LookupResult | None:
    """Return what can be seen of a petition now; if nothing, say why and return None.

    With `keep`, what is read is kept. Where the site is silent, what is known is returned, and the
    person is told how old that is, unless `says_age` is False because the caller says so. A
    petition that is not published yet is only returned to a caller that keeps it,
    `shows_unpublished` or `would_wait` for it, and for the last of these nothing is kept.
    """
    services = context.services
    lookup = await services.look(ref, keep=keep)
    if lookup.petition is not None:
        if lookup.petition.is_unpublished and not (keep or shows_unpublished):
            await answer(update, errors.nothing_yet(lookup.petition, services.now()))
            return None
        if chat := update.effective_chat:
            services.shown[chat.id] = lookup.petition.ref, services.now()
        if says_age and not keep and isinstance(lookup.look, Unavailable):
            site = services.sites[ref.site]
            await answer(update, errors.as_last_read(site, lookup.read_at, services.now()))
        return lookup
    if isinstance(lookup.look, Unpublished):
        if would_wait and lookup.look.reason != "stopped":
            waiting = unpublished(ref, services.sites[ref.site], lookup.look.reason)
            return structs.replace(lookup, petition=waiting)
        await answer(update, *errors.unpublished(ref, lookup.look.reason))
    else:
        await answer(update, await _why_not(context, ref, lookup))
    return None


async def _why_not(context: Context, ref: PetitionRef, lookup: LookupResult) -> Message:
    services = context.services
    site = services.sites[ref.site]
    match lookup.look:
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
    """Return the petition a command is about; if it names none, ask for it and return None.

    Words that are no number and no link are searched for; a postcode leads to its constituency.
    """
    text = context.text
    if not text:
        chat = await chat_of(update, context)
        question, rows = which_petition(command, await followed_by(context, chat.id))
        await ask(update, context, question, command, rows=rows)
        return None
    ref = context.services.reference(text)
    if ref is None and (listed := context.services.listed(text)):
        sites = tuple(context.services.sites.values())
        named = {ref: names_no_site(text, ref, sites) for ref in listed}
        await ask_which(update, context, command, named)
        return None
    if ref is None:
        await tell(update, context, text)
        return None
    return await which(update, context, ref, text, command)


async def which(
    update: Update, context: Context, ref: PetitionRef, text: str, command: str
) -> PetitionRef | None:
    """Return the petition that a text names.

    Where several sites have one of that number, the person is asked which, and None is returned.
    """
    same = context.services.same_number(text)
    if len(same) < 2:
        return ref
    found = await _meant(update, context, same)
    if len(found) == 1:
        return found[0][0]
    await _offered(update, context, command, found, same)
    return None


async def ask_which(
    update: Update, context: Context, command: str, named: Mapping[PetitionRef, bool]
) -> None:
    """Ask which of several petitions is meant.

    `named` says of each whether it is named by its number alone: of such a number, the petition of
    every site that has one is offered.
    """
    services = context.services
    looks = _MOST_LOOKS
    found: list[Possible] = []
    nowhere: list[PetitionRef] = []
    for ref, is_number_alone in named.items():
        same = services.same_number(str(ref.id)) if is_number_alone else []
        if len(same) > 1:
            meant = await _meant(update, context, same)
            found += meant
            nowhere = nowhere or (same if not meant else [])
            continue
        known = await services.storage.history(ref)
        looks -= known is None
        petition = (await services.look(ref)).petition if known is None and looks >= 0 else None
        found.append((ref, known.petition if known else petition))
    await _offered(update, context, command, found, nowhere)


async def offer(update: Update, context: Context, command: str, found: Sequence[Possible]) -> None:
    """Ask which of these petitions is meant."""
    await _offered(update, context, command, found, ())


async def _offered(
    update: Update,
    context: Context,
    command: str,
    found: Sequence[Possible],
    asked: Sequence[PetitionRef],
) -> None:
    """Offer what was found, or say of a number that no site has it."""
    sites = context.services.sites
    if not found:
        await answer(update, errors.not_found(asked[0], *(sites[ref.site] for ref in asked)))
        return
    await answer(update, *several(command, found, context.services.called()))


async def named_first(update: Update, context: Context, text: str) -> list[Possible]:
    """Return the petitions that the first word of a command may mean; none for other words.

    Only a bare number can mean more than one.
    """
    same = context.services.same_number(text)
    if len(same) > 1:
        return await _meant(update, context, same) or [(same[0], None)]
    ref = context.services.reference(text)
    return [(ref, None)] if ref else []


async def _meant(update: Update, context: Context, same: Sequence[PetitionRef]) -> list[Possible]:
    """Return those petitions of one number that there are, or the one that the chat follows.

    A site that does not answer may have one.
    """
    services, chat = context.services, await chat_of(update, context)
    followed = [ref for ref in same if await services.storage.subscription(chat.id, ref)]
    if len(followed) == 1:
        known = await services.storage.history(followed[0])
        return [(followed[0], known.petition if known else None)]
    lookups = await asyncio.gather(*map(services.look, same))
    return [
        (ref, lookup.petition)
        for ref, lookup in zip(same, lookups, strict=True)
        if not isinstance(lookup.look, NotFound)
    ]


async def unreachable_since(
    context: Context, ref: PetitionRef, lookup: LookupResult | None = None
) -> datetime | None:
    """Return since when the petition's site, just asked, is not answering; None if it did."""
    since = await context.services.reports.failing_since(ref.site)
    if since is None and lookup and isinstance(lookup.look, Unavailable):
        return context.services.now()
    return since
