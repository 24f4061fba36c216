"""`@bot words` in any chat: cards to send there, and answers where the bot is a guest."""

from collections.abc import Sequence
from contextlib import suppress

from telegram import InlineQueryResultArticle, InlineQueryResultsButton, Update
from telegram.error import BadRequest
from telegram.ext import InlineQueryHandler, MessageHandler, filters

from bot.parliament import Unpublished
from bot.petitions.errors import MalformedPetition, ParliamentError
from bot.petitions.model import Petition, PetitionRef
from bot.petitions.watch import unpublished
from bot.text.language import tr
from bot.text.share import guest_help, guest_result, shared_card
from bot.text.trouble import not_a_petition
from handlers.context import Context
from handlers.finding import search, searchable

_MOST = 10
_SHORTEST = 3  # letters; fewer find everything and nothing
# Seconds for which Telegram answers the same words by itself.
_KEPT_FOR, _KEPT_FOR_ONE = 120, 5


async def offer(update: Update, context: Context) -> None:
    """Offer the petition that is named, those with the words, or without any what they follow."""
    query = update.inline_query
    if query is None:
        return
    typed = searchable(query.query)
    is_alone = not query.query.strip()
    results = await (_followed(context, query.from_user.id) if is_alone else _found(context, typed))
    more = InlineQueryResultsButton(tr("Follow petitions in our own chat"), start_parameter="hello")
    with suppress(BadRequest):  # too late: they have typed on
        await query.answer(
            results,
            cache_time=_KEPT_FOR_ONE if is_alone or not results else _KEPT_FOR,
            is_personal=True,  # in their own language
            button=None if results else more,
        )


async def _followed(context: Context, chat_id: int) -> list[InlineQueryResultArticle]:
    """Cards of what a person follows in their own chat, newest first."""
    storage, now = context.services.storage, context.services.now()
    follows = (await storage.subscriptions(chat_id))[:_MOST]
    found = [await storage.known(subscription.petition) for subscription in follows]
    return [
        shared_card(known.petition, known.read_at, now, context.bot.username)
        for known in found
        if known
    ]


async def _found(context: Context, typed: str) -> list[InlineQueryResultArticle]:
    services = context.services
    if ref := services.reference(typed):
        return await _named(context, ref)
    petitions = await _with_words(context, typed)
    now = services.now()
    return [shared_card(each, now, now, context.bot.username) for each in petitions[:_MOST]]


async def _named(context: Context, ref: PetitionRef) -> list[InlineQueryResultArticle]:
    services = context.services
    sight = await services.look(ref)
    petition = sight.petition
    if petition is None and isinstance(sight.look, Unpublished):
        petition = unpublished(ref, services.sites[ref.site], sight.look.reason)
    if petition is None:
        return []
    return [shared_card(petition, sight.read_at, services.now(), context.bot.username)]


async def _with_words(context: Context, typed: str) -> Sequence[Petition]:
    if len(typed) < _SHORTEST:
        return ()
    try:
        petitions, _ = await search(context, typed)
    except (ParliamentError, MalformedPetition):
        return ()
    return petitions


async def as_guest(update: Update, context: Context) -> None:
    """Answer a mention in a chat the bot is no part of: the card, or how to ask for one."""
    message = update.guest_message
    if message is None or not message.guest_query_id:
        return
    typed = searchable((message.text or "").replace(f"@{context.bot.username}", " "))
    named = next(filter(None, map(context.services.reference, typed.split())), None)
    results = await (_named(context, named) if named else _found(context, typed))
    answer = (
        results[0] if results else guest_result(not_a_petition(typed) if typed else guest_help())
    )
    with suppress(BadRequest):
        await context.bot.answer_guest_query(message.guest_query_id, answer)


HANDLERS = [
    InlineQueryHandler(offer),
    MessageHandler(filters.UpdateType.GUEST_MESSAGE, as_guest),
]
