"""Finds petitions, topics and places for words, a button each.

Topics, departments and places of that name stand above them, the rule about the words below.
"""

import asyncio
import difflib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

from telegram import Update

from bot.errors import MalformedPetition, ParliamentError
from bot.messages.buttons import Button, Keyboard
from bot.messages.chat import errors
from bot.messages.chat.conversation import other_site, what_to_search
from bot.messages.following import rules as text
from bot.messages.following import search_results
from bot.messages.message import Message
from bot.messages.petition.parts import site_name
from bot.petitions.everyday_words import plain
from bot.petitions.parse_places import Constituency
from bot.petitions.postcode import is_postcode, without_postcodes
from bot.petitions.utterance import other_host
from bot.subscriptions.rule_words import Words, read_words
from bot.subscriptions.rules import stems
from handlers.constituency import button_to, named, nearest, of_postcode, show
from handlers.context import Context
from handlers.find import LONGEST, FoundPetitions, searchable
from handlers.find import search as find
from handlers.reply import answer, ask
from handlers.rules import (
    about_all,
    about_department,
    about_typed_topic,
    about_words,
    department_site,
    departments,
    departments_known,
    show_draft,
    topics,
)

_PLACES, _TOPICS, _DEPARTMENTS = 3, 2, 2
_PATIENCE = 2.0  # seconds that whoever searches waits for names
_SHORTEST = 4  # letters of the beginning of a name
_ALIKE = 0.85  # how much alike a misspelt name is to the one that was meant
# All departments have one of these in their names.
_OFFICIAL = re.compile(
    r"\b(?:department|dept|ministry|office|treasury|attorney|leader|commission|revenue|hm)\b"
)
# What stands around a place's name without being part of any.
_ABOUT_PLACES = re.compile(
    r"\b(?:what|whats|im|who|is|whos|the|my|mps?|for|of|in|please|constituency|petitions|popular"
    r"|signed|near|i|live|show|me|etholaeth|yn|deisebau|as"
    r"|are|people|signing|happening|going|on|from|around|city|town)\b"
)
_OF_ALL = re.compile(r"100?[,. ]?(?:000|k)|response|debate|new")
_ACRONYM = re.compile(r"[A-Z][A-Za-z]{0,4}[A-Z]")


async def offer_words(update: Update, context: Context, typed: str) -> None:
    """Answer `/follow school meals` with the petitions there are, and a rule for those to come."""
    typed = without_postcodes(typed).strip()  # none is kept, and none is told the site
    what, _, name = typed.partition(":")
    match what.strip().casefold():
        case "passing" | "every" if _OF_ALL.fullmatch(name.strip().casefold()):
            await about_all(update, context, name.strip().casefold())
            return
        case "topic" if name.strip():
            await about_typed_topic(update, context, name.strip())
            return
        case "department" if name.strip():
            await about_department(update, context, name.strip())
            return
    words = read_words(typed)
    if not isinstance(words, Words):
        await answer(update, text.words_problem(words))
    elif text.words_button(typed) is None or len(typed) > LONGEST:
        await show_draft(update, context, about_words(context, words))
    else:
        await tell(update, context, typed)


async def tell(
    update: Update,
    context: Context,
    typed: str,
    otherwise: Callable[[], Awaitable[bool]] | None = None,
) -> None:
    """Answer with the place that is named, or with what is found.

    Where nothing is found, a name that is nearly right is taken for the one it is nearest to. If
    there is none, `otherwise` may know an answer; it says whether it did.
    """
    if is_postcode(typed):
        await of_postcode(update, context, typed)
        return
    if host := other_host(typed):
        sites = tuple(context.services.sites.values())
        await answer(update, *other_site(host, sites))
        return
    typed = without_postcodes(typed).strip()
    words = searchable(_wanted(typed))
    if not words:
        await ask(update, context, what_to_search(), "search")
        return
    seats = await _seats(context)
    named = {plain(typed), _place_in(typed)}
    if exact := [seat for seat in seats if plain(seat.name) in named]:
        for seat in exact:  # one of each parliament that has one of that name
            await show(update, context, seat)
        return
    above, outcome = await asyncio.gather(_named(context, typed, seats), _found(context, words))
    if isinstance(outcome, ParliamentError | MalformedPetition):
        site, now = next(iter(context.services.sites.values())), context.services.now()
        await answer(update, errors.no_answer(outcome, site, now))
        return
    petitions = outcome.petitions
    if not petitions and not above:
        if sure := _meant(typed, seats):
            await show(update, context, sure)
            return
        if otherwise and await otherwise():
            return
        maybe = nearest({seat.ons_code: seat for seat in seats}, typed)
        above = [await button_to(context, seat) for seat in maybe[:_PLACES]]
    follow = text.words_button(typed) if isinstance(read_words(typed), Words) else None
    below = [follow] if follow and len(typed) <= LONGEST else []
    await answer(update, *_told(context, words, outcome, above, below))


def _told(
    context: Context,
    words: str,
    found: FoundPetitions,
    above: Sequence[Button],
    below: Sequence[Button],
) -> tuple[Message, Keyboard]:
    """Word what was found, with the site of each petition where there are several."""
    called = context.services.called()
    silent = [site_name(each) for each in found.silent]
    return search_results.results(
        words, found.petitions, found.has_more, above, below, called=called, silent=silent
    )


def _place_in(typed: str) -> str:
    """Return the place that a question is about: "bath" of "who is the MP for Bath?"."""
    return " ".join(_ABOUT_PLACES.sub(" ", plain(typed)).split())


def _wanted(typed: str) -> str:
    """Return the words to search for: without those that a petition must not have."""
    words = read_words(typed)
    return " ".join(words.wanted) if isinstance(words, Words) and words.without else typed


async def _found(
    context: Context, words: str
) -> FoundPetitions | ParliamentError | MalformedPetition:
    try:
        return await find(context, words)
    except (ParliamentError, MalformedPetition) as error:
        return error


# --- what has that name


async def _seats(context: Context) -> Sequence[Constituency]:
    services = context.services
    # Nobody waits for a site that is known to be away.
    there = [site for site in services.sites if not await services.reports.failing_since(site)]
    try:
        known = await asyncio.wait_for(services.members.everywhere(there), _PATIENCE)
    except TimeoutError:
        return ()
    return tuple(known.values())


async def _named(context: Context, typed: str, seats: Sequence[Constituency]) -> list[Button]:
    """Return buttons of the topics, the departments and the places that have this name."""
    keys: list[Button] = []
    words = plain(typed).removeprefix("the ")
    try:
        for site in context.services.sites.values():
            known = await asyncio.wait_for(topics(context, site), _PATIENCE)
            alike = _alike(typed, known)[:_TOPICS]
            keys += [text.topic_button(code, known[code], site) for code in alike]
        official = departments_known(context)
        if official is None and (_OFFICIAL.search(words) or _ACRONYM.fullmatch(typed)):
            official = await asyncio.wait_for(
                departments(context, department_site(context)), _PATIENCE
            )
        keys += [
            text.department_button(name)
            for name, called in (official.names if official else {}).items()
            if any(plain(each) == words or _is_part(words, each) for each in called)
        ][:_DEPARTMENTS]
    except TimeoutError:
        pass
    if len(words) >= _SHORTEST:
        begun = words, _place_in(typed)
        names = ((seat, f"{plain(seat.name)} ") for seat in seats)
        places = [
            seat for seat, name in names if name.startswith(tuple(f"{b} " for b in begun if b))
        ]
        keys += [await button_to(context, seat) for seat in places[:_PLACES]]
    return keys


def _alike(typed: str, names: Mapping[str, str]) -> list[str]:
    """Return the codes of the names that are these words, in singular or plural."""
    wanted = stems(typed)
    return [code for code, name in names.items() if wanted and wanted in (stems(name), stems(code))]


def _is_part(words: str, name: str) -> bool:
    """Return whether a department has this name, but for the words "department of" and such."""
    bare = re.sub(r"^(?:department|ministry|office) (?:of|for)(?: the)? |^hm ", "", plain(name))
    return len(words) >= _SHORTEST and words in {plain(name), bare}


def _meant(typed: str, seats: Sequence[Constituency]) -> Constituency | None:
    """Return the place whose name this is without doubt, begun or misspelt; else None."""
    begun = named({seat.ons_code: seat for seat in seats}, typed)
    if len(begun) == 1:
        return begun[0]
    by_name = {plain(seat.name): seat for seat in seats}
    alike = difflib.get_close_matches(plain(typed)[:LONGEST], by_name, n=1, cutoff=_ALIKE)
    return by_name[alike[0]] if alike else None
