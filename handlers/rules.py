"""Follows by rules: whatever fits is followed. A draft shows what that is before it is kept.

A draft is kept nowhere but in its own message, so that nothing is stored of who only looks.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import structs
from telegram import Update

from bot.errors import MalformedPetition, ParliamentError
from bot.messages.buttons import DRAFT, MORE, RULE, WORDS, Press
from bot.messages.chat import errors
from bot.messages.chat.conversation import which_constituency, which_words
from bot.messages.following import rules as text
from bot.messages.following.rules import Doubt
from bot.petitions.events import Kind, Loudness, Threshold
from bot.petitions.parliaments import description_of
from bot.petitions.parliaments.description import Feature
from bot.petitions.petition import Site
from bot.subscriptions import site_names
from bot.subscriptions.codec import rule_from_link
from bot.subscriptions.event_filter import USUAL, event_filters, possible, turned
from bot.subscriptions.names import MOST_NEAR, meant, near
from bot.subscriptions.rule_words import Words, read_words
from bot.subscriptions.rules import is_department, same_rule, stems
from bot.subscriptions.site_names import SiteNames, current, note_of, read
from bot.subscriptions.subscription import Chat, Rule
from bot.telegram import render
from handlers.command import on_press
from handlers.context import Context, asks_first, chat_of
from handlers.find import searchable
from handlers.privacy import what_is_kept
from handlers.reply import answer, ask, rewrite, topic_of
from handlers.rule_preview import last_week

_LONGEST_NAME = 100  # of a constituency, as the data file takes it
_LOUDNESS: tuple[Loudness, ...] = ("loud", "silent", "digest")
_OF_ALL: dict[str, tuple[Kind, tuple[Threshold, ...]]] = {
    "pass.response": ("threshold", ("response",)),
    "pass.referral": ("threshold", ("referral",)),
    "pass.debate": ("threshold", ("debate",)),
    "response": ("response", ()),
    "debate": ("debate", ()),
    "opened": ("opened", ()),
}


# --- what can be followed


async def offer_all(update: Update, context: Context) -> None:
    """Answer `/follow` alone with what there is to follow."""
    await offer_of(update, context, _site(context))


async def offer_of(update: Update, context: Context, site: Site) -> None:
    """Show what there is to follow at a site, with buttons for the others."""
    others = [each for each in context.services.sites.values() if each.id != site.id]
    await answer(update, *text.what_to_follow(site, others))


async def words_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Show the draft about the words that a button carries."""
    words = read_words(press.extra)
    if not isinstance(words, Words):
        return errors.old_button()
    await show_draft(update, context, about_words(context, words))
    return None


async def more_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer a button of what can be followed, at the site that it names, or else at the first."""
    named, parts, asked = press.extra.rpartition("~")
    site = context.services.sites.get(named) if parts else _site(context)
    if site is None:
        return errors.old_button()
    what, _, which = asked.partition(".")
    match what:
        case "all":
            await offer_of(update, context, site)
        case "at" if which in context.services.sites:
            await offer_of(update, context, context.services.sites[which])
        case "words":
            await ask(update, context, which_words(), "subscribe")
        case "seat":
            await ask(update, context, which_constituency(), "constituency")
        case "topics":
            page = int(which) if which.isascii() and which.isdigit() else 0
            known = await topics(context, site)
            shown = text.topics(known, page, text.at_site(site))
            await (rewrite if which else answer)(update, *shown)
        case "departments":
            known_ones = await departments(context, site)
            await answer(update, *text.departments(sorted(known_ones.names)))
        case "topic" if which:
            await about_topic(update, context, site, which)
        case "dept" if which:
            await about_department(update, context, which)
        case "named" if stems(which):
            rule = _new(context, department_site(context), USUAL, department=searchable(which))
            await show_draft(update, context, rule)
        case _ if asked in _OF_ALL:
            kind, thresholds = _OF_ALL[asked]
            await show_draft(update, context, _new(context, site, (kind,), thresholds=thresholds))
        case _:
            return errors.old_button()
    return None


async def about_all(update: Update, context: Context, what: str) -> None:
    """Show the draft about all petitions: "response", "debate", "new", or a threshold."""
    figures = re.sub("[,. ]", "", what.replace("k", "000"))
    count = int(figures) if figures.isdigit() else 0
    for site in context.services.sites.values():
        passed = [each.kind for each in description_of(site).thresholds if each.usual == count]
        asked = f"pass.{passed[0]}" if passed else {"new": "opened"}.get(what, what)
        if asked in _OF_ALL and (
            asked != "response" or description_of(site).institutions.responder
        ):
            kind, thresholds = _OF_ALL[asked]
            await show_draft(update, context, _new(context, site, (kind,), thresholds=thresholds))
            return
    await offer_all(update, context)


async def about_typed_topic(update: Update, context: Context, typed: str) -> None:
    """Show the draft about a typed topic, of the first site that has one of that name."""
    with_topics = [each for each in context.services.sites.values() if has(each, "topics")]
    for site in with_topics:
        known = await topics(context, site)
        if typed.casefold() in known or meant(typed, _topic_names(known)):
            await about_topic(update, context, site, typed)
            return
    await about_topic(update, context, (*with_topics, _site(context))[0], typed)


async def about_topic(update: Update, context: Context, site: Site, typed: str) -> None:
    """Show the draft about a topic, by its code or name, or else those that it may be.

    A button carries a code the way it begins.
    """
    known, at = await topics(context, site), text.at_site(site)
    exact = [code for code in known if code == typed.casefold()]
    begins = [code for code in known if code.startswith(typed.casefold())]
    names = _topic_names(known)
    codes = exact or (begins if len(begins) == 1 else meant(typed, names))
    if len(codes) == 1:
        await show_draft(update, context, _new(context, site, USUAL, topics=(codes[0],)))
    elif maybe := codes[:MOST_NEAR] or near(typed, names):
        near_ones = {code: known[code] for code in maybe}
        await answer(update, *text.no_such_topic(typed, near_ones, at))
    else:
        await answer(update, *text.topics(known, at=at))


def _topic_names(known: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {code: (code.replace("-", " "), name) for code, name in known.items()}


async def about_department(update: Update, context: Context, typed: str) -> None:
    """Show the draft about a department, or else those that it may be.

    A button carries a name the way it begins.
    """
    site = department_site(context)
    known = await departments(context, site, searchable(typed))
    begins = [name for name in known.names if name.startswith(typed)]
    asked = begins[0] if len(begins) == 1 else searchable(typed)
    if not stems(asked):  # a rule that asks for nothing would fit every petition
        await answer(update, *text.departments(sorted(known.names)))
    elif known.has(asked) or not known.names:
        await show_draft(update, context, _new(context, site, USUAL, department=asked))
    else:
        maybe = meant(asked, known.names)[:MOST_NEAR] or near(asked, known.names)
        await answer(update, *text.no_such_department(asked, maybe))


def has(site: Site, feature: Feature) -> bool:
    """Return whether a site has something beside its petitions."""
    return description_of(site).has(feature)


def department_site(context: Context) -> Site:
    """Return the site whose petitions go to departments: of those there are, one has them."""
    sites = context.services.sites.values()
    return next((each for each in sites if has(each, "departments")), _site(context))


async def topics(context: Context, site: Site) -> Mapping[str, str]:
    """Return the names of a site's topics, by their codes; none while it does not tell them."""
    names = context.services.names
    if not has(site, "topics"):
        return {}
    if (known := names.get(f"topics:{site.id}")) is not None:
        return known
    try:
        told = await context.services.parliaments[site.id].topics()
    except (ParliamentError, MalformedPetition):
        return {}
    names[f"topics:{site.id}"] = told
    return told


class Departments(NamedTuple):
    """The departments that are known of, each with all its names; `is_whole` if these are all."""

    names: Mapping[str, Sequence[str]]
    is_whole: bool

    def has(self, asked: str) -> bool:
        """Return whether a rule that asks for a department so would fit one of them."""
        return any(is_department(asked, names) for names in self.names.values())


def departments_known(context: Context) -> Departments | None:
    """Return the departments if they were asked for today, else None."""
    known = context.services.names.get(f"departments:{department_site(context).id}")
    if known is None:
        return None
    return Departments({name: (name, acronym) for name, acronym in known.items()}, is_whole=True)


async def departments(context: Context, at: Site, asked: str = "") -> Departments:
    """Return the departments that petitions are known to go to: the site has no list of them.

    Those that rules have made the bot see come with those that answered last or are to answer next;
    where one of the first is the one `asked` for, the site is not asked.
    """
    if not has(at, "departments"):
        return Departments({}, is_whole=True)
    if known := departments_known(context):
        return known
    site = at.id
    parliament = context.services.parliaments[site]
    there = current((await _names(context, site)).departments)
    if (noted := Departments(dict(there), is_whole=True)).has(asked):
        return noted
    found = {name: called[-1] for name, called in there.items()}
    is_whole = True
    try:
        for state in ("with_response", "awaiting_response", "open"):
            for petition in (await parliament.page(state)).petitions:
                found.update((each.name, each.acronym) for each in petition.departments)
    except (ParliamentError, MalformedPetition):
        is_whole = False
    if found and is_whole:
        context.services.names[f"departments:{site}"] = found
    return Departments({name: (name, acronym) for name, acronym in found.items()}, is_whole)


async def _doubt(context: Context, rule: Rule) -> Doubt | None:
    """Return why a rule may never tell anything, as far as its site's own names say; or None."""
    site = context.services.sites[rule.site]
    if rule.constituency:
        seats = await context.services.members.current(rule.site)
        return "constituency" if seats and rule.constituency not in seats else None
    if rule.topics:
        known = await topics(context, site)
        if not known:
            return "unchecked"
        return None if any(topic in known for topic in rule.topics) else "topic"
    if rule.department:
        known_ones = await departments(context, site, rule.department)
        if known_ones.has(rule.department):
            return None
        return "department" if known_ones.is_whole else "unchecked"
    return None


def _site(context: Context) -> Site:
    return next(iter(context.services.sites.values()))


def _new(
    context: Context,
    site: Site,
    kinds: tuple[Kind, ...],
    *,
    thresholds: tuple[Threshold, ...] = (),
    topics: tuple[str, ...] = (),
    department: str = "",
) -> Rule:
    """Return a rule that belongs to no chat yet."""
    return Rule(
        0,
        site.id,
        context.services.now(),
        kinds,
        topics=topics,
        department=department,
        thresholds=thresholds,
    )


def about_words(context: Context, words: Words) -> Rule:
    """Return a rule about words."""
    rule = _new(context, _site(context), USUAL)
    return structs.replace(rule, words=words.wanted, without=words.without)


def about_seat(context: Context, site: str, ons_code: str) -> Rule:
    """Return a rule about a constituency of a site."""
    rule = _new(context, context.services.sites[site], ("top_ten",))
    return structs.replace(rule, constituency=ons_code)


# --- a draft


async def show_draft(update: Update, context: Context, rule: Rule, *, anew: bool = True) -> None:
    """Show what a rule would follow, in a message of its own if `anew`, else in the pressed one."""
    site = context.services.sites[rule.site]
    happened = None if rule.constituency else await last_week(context, rule)
    called, doubt = await name_of(context, rule), await _doubt(context, rule)
    others = await _others(context, rule)
    shown = text.draft(rule, site, happened, called, doubt, others=others)
    await (answer if anew else rewrite)(update, *shown)


async def _others(context: Context, rule: Rule) -> list[Site]:
    """Return the sites at which the same may be followed: what is one site's own is not."""
    others = [each for each in context.services.sites.values() if each.id != rule.site]
    if rule.constituency or rule.department:
        return []
    if rule.kinds == ("response",):
        others = [each for each in others if description_of(each).institutions.responder]
    if rule.kinds == ("threshold",):
        kinds = [{one.kind for one in description_of(each).thresholds} for each in others]
        others = [o for o, known in zip(others, kinds, strict=True) if known >= {*rule.thresholds}]
    if rule.topics:
        names = context.services.names  # nobody waits for names of what was not asked about
        known = [names.get(f"topics:{each.id}") or {} for each in others]
        others = [o for o, all_ in zip(others, known, strict=True) if all_.keys() >= {*rule.topics}]
    return others


async def name_of(context: Context, rule: Rule) -> str:
    """Return the name of a rule's constituency, or of its topics, "" where nobody knows."""
    if not rule.constituency and not rule.topics:
        return ""
    seats = await context.services.members.current(rule.site) if rule.constituency else {}
    if rule.constituency in seats:
        return seats[rule.constituency].name
    names = await _names(context, rule.site)
    if rule.constituency:
        return site_names.called(rule.constituency, names.constituencies) or rule.constituency_name
    told = {code: name.name for code, name in names.topics.items()}
    site = context.services.sites.get(rule.site)
    if site and not told.keys() >= {*rule.topics}:
        told |= await topics(context, site)
    if not told.keys() & {*rule.topics}:
        return ""
    return ", ".join(told.get(topic, topic.replace("-", " ")) for topic in rule.topics)


async def _names(context: Context, site: str) -> SiteNames:
    return read(await context.services.storage.note(note_of(site)))


async def shared(update: Update, context: Context, carried: str) -> bool:
    """Show the draft that a link carries; return False if it carries none."""
    rule = rule_from_link(carried, 0, context.services.now())
    if rule is None or rule.site not in context.services.sites:
        return False
    await show_draft(update, context, structs.replace(rule, number=0, thread_id=None))
    return True


async def draft_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer a button of a draft, of its question for consent, or of the news that a rule ended."""
    chat = await chat_of(update, context)
    rule = _carried(update, context, chat)
    if rule is None:
        return errors.old_button()
    match press.extra:
        case "cancel":
            await rewrite(update, text.dropped_draft())
        case "save":
            return await _save(update, context, chat, rule)
        case elsewhere if elsewhere.startswith("at.") and elsewhere[3:] in context.services.sites:
            moved = possible(structs.replace(rule, site=elsewhere[3:]))
            if moved is None:
                return errors.old_button()
            await show_draft(update, context, moved, anew=False)
        case "agree":
            agreed = structs.replace(chat, consented_at=context.services.now())
            return await _save(update, context, agreed if asks_first(chat) else chat, rule)
        case "undo":
            return await _save(update, context, chat, rule)
        case "privacy":
            site, called = context.services.sites[rule.site], await name_of(context, rule)
            everything = what_is_kept(context)
            await answer(update, *text.asks_after_reading(rule, site, called, everything))
        case name if name in {each.name for each in event_filters(rule)}:
            changed = turned(rule, name)
            if not changed.kinds:
                return text.keep_one_kind()
            await show_draft(update, context, changed, anew=False)
        case _:
            return errors.old_button()
    return None


def _carried(update: Update, context: Context, chat: Chat) -> Rule | None:
    """Return the rule in the message whose button was pressed, None if there is none."""
    carried = text.carried_by(render.addresses(update.effective_message))
    rule = rule_from_link(carried, chat.id, context.services.now()) if carried else None
    return rule if rule and rule.site in context.services.sites else None


async def _save(update: Update, context: Context, chat: Chat, rule: Rule) -> str | None:
    """Keep a rule, after the reader's consent in a private chat."""
    services = context.services
    site, called = services.sites[rule.site], await name_of(context, rule)
    if asks_first(chat):
        await rewrite(update, *text.asks_first(rule, site, called))
        return None
    kept = await services.storage.rules(chat.id)
    wanted = _numbered(update, rule, {each.number for each in kept})
    if wanted.constituency:
        wanted = structs.replace(wanted, constituency_name=called[:_LONGEST_NAME])
    if again := next(
        (each for each in kept if same_rule(each, wanted) and each.thread_id == wanted.thread_id),
        None,
    ):
        await rewrite(update, *text.saved(again, site, called))  # the button was pressed twice
        return None
    if len(kept) >= services.limits.rules:
        await answer(update, text.no_room(services.limits.rules))
        return None
    await services.storage.save_chat(chat)
    saved = await services.storage.save_rule(wanted, services.now())
    await rewrite(update, *text.saved(saved, site, called))
    return None


def _numbered(update: Update, rule: Rule, taken: set[int]) -> Rule:
    """Return the rule as it is to be kept: an ended one takes its own number if that is free."""
    if rule.number:
        return structs.replace(rule, number=0) if rule.number in taken else rule
    return structs.replace(rule, thread_id=topic_of(update.effective_message))


# --- a rule that is kept


async def rule_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer a button of a rule: open it, change it, end it."""
    number, _, change = press.extra.partition(".")
    chat = await chat_of(update, context)
    rules = await context.services.storage.rules(chat.id)
    rule = next((each for each in rules if str(each.number) == number), None)
    if rule is None:
        return text.ended_already()
    if change == "delete":
        await _end(update, context, rule)
        return None
    changed = await _changed(context, rule, change) if change else rule
    if changed is None:
        return errors.old_button()
    if not changed.kinds:
        return text.keep_one_kind()
    if changed != rule:
        await context.services.storage.save_rule(changed, context.services.now())
        context.services.wake_deliverer()
    called, address = await name_of(context, changed), text.rule_link(context.bot.username, changed)
    await rewrite(
        update, *text.shown(changed, _site_of(context, rule), called, address, chat.preferences)
    )
    return None


async def _changed(context: Context, rule: Rule, change: str) -> Rule | None:
    """Return the rule after a press; None for a change there is not."""
    what, _, which = change.partition(".")
    if what in {"seat", "topic", "dept"} and which:
        return await _instead(context, rule, what, which)
    for loudness in _LOUDNESS:
        if change == loudness:
            chosen = {each.kind: loudness for each in event_filters(rule)}
            return structs.replace(
                rule, preferences=structs.replace(rule.preferences, loudness=chosen)
            )
    return turned(rule, change) if change in {each.name for each in event_filters(rule)} else None


async def _instead(context: Context, rule: Rule, what: str, which: str) -> Rule | None:
    """Return the rule about another constituency, topic or department, named the way it begins."""
    names = await _names(context, rule.site)
    registers = {"seat": names.constituencies, "topic": names.topics, "dept": names.departments}
    found = [key for key in current(registers[what]) if key.startswith(which)]
    match what, found:
        case "seat", [code] if rule.constituency:
            name = names.constituencies[code].name[:_LONGEST_NAME]
            return structs.replace(
                rule, constituency=code, constituency_name=name, is_lost_told=False
            )
        case "topic", [code] if rule.topics:
            return structs.replace(rule, topics=(code,), is_lost_told=False)
        case "dept", [name] if rule.department:
            return structs.replace(rule, department=name, is_lost_told=False)
        case _:
            return None


async def _end(update: Update, context: Context, rule: Rule) -> None:
    await context.services.storage.drop_rule(rule.chat_id, rule.number)
    called = await name_of(context, rule)
    await rewrite(update, *text.ended(rule, _site_of(context, rule), called))


def _site_of(context: Context, rule: Rule) -> Site:
    """Return a rule's site; for one about a site that is not watched any more, the first."""
    return context.services.sites.get(rule.site, _site(context))


HANDLERS = [
    on_press(WORDS, words_pressed, changes=True),
    on_press(MORE, more_pressed, changes=True),
    on_press(DRAFT, draft_pressed, changes=True),
    on_press(RULE, rule_pressed, changes=True),
]
