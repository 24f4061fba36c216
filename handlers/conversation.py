"""Answers what is said without a command: the first reading that fits is carried out.

In a private chat everything is answered. In a group only what is said to the bot: an answer to its
question, a reply to it, a message that mentions it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import assert_never

from telegram import Message, Update
from telegram.error import TelegramError
from telegram.ext import MessageHandler, filters

from bot.messages.buttons import ASK, TALK, Press
from bot.messages.chat import conversation as text
from bot.messages.chat.errors import old_button
from bot.messages.i18n import marked
from bot.petitions.petition import PetitionRef
from bot.petitions.postcode import is_outward
from bot.petitions.reference import find_link, find_mentions
from bot.petitions.utterance import (
    Ask,
    Cancel,
    Each,
    Meaning,
    NoText,
    NoWords,
    OnPetition,
    OnPetitions,
    OnThat,
    OtherSite,
    Postcode,
    SharedRule,
    Thanks,
    Words,
    leaves_a_question,
    names_no_site,
    nearest_saying,
    read,
    said_of,
)
from bot.polling.petitions_api import NotFound
from bot.subscriptions.custom_milestones import InvalidMilestone, read_changes
from bot.subscriptions.subscription import Digest
from bot.subscriptions.typed_settings import find_zone, read_digest, read_quiet, read_until
from bot.telegram import render
from handlers.command import AnyHandler, Command, on_press
from handlers.constituency import of_postcode
from handlers.context import Context, Services, chat_of, is_private, target
from handlers.fallback import suggest
from handlers.lookup import ask_which
from handlers.open_questions import OpenQuestion
from handlers.remote_admin import on_behalf_of
from handlers.reply import answer, ask, rewrite
from handlers.subscriptions import page_of
from handlers.word_search import tell

_LONGEST_COMMAND = 200
_HOUR_DIGITS = 4
_ORDERS = frozenset(
    {"subscribe", "unsubscribe", "mute", "unmute", "snooze", "milestones", "chart", "map"}
)
_OFF = frozenset({"off", "end", "none", "never"})


def handlers(commands: Sequence[Command]) -> list[AnyHandler]:
    """Return the handler of everything that is no command, knowing all the commands there are."""
    names = {name: each for each in commands for name in (each.name, *each.aliases)}

    async def said(update: Update, context: Context) -> None:
        await hear(update, context, names)

    return [
        MessageHandler(
            filters.UpdateType.MESSAGE & ~filters.COMMAND & ~filters.StatusUpdate.ALL, said
        )
    ]


async def hear(update: Update, context: Context, commands: Mapping[str, Command]) -> None:
    """Carry out what was said, if it was said to the bot."""
    message = update.message
    if message is None:
        return
    private = is_private(update)
    replied = message.reply_to_message
    is_reply = (
        replied is not None
        and replied.from_user is not None
        and replied.from_user.id == context.bot.id
    )
    words, is_mention = _without_name(message, context.bot.username)
    links = render.addresses(message)
    if not private and not is_reply and not is_mention:
        if len(words.split()) == 1 and await _shows_links(update, context):
            await _show_link(update, context, commands, words)
        return
    if (private or is_reply) and await _answered(update, context, commands, words, links):
        return
    if _is_more_of_an_album(message, context.services):
        return
    meaning = _meaning(message, words, context.services)
    if isinstance(meaning, NoText) and is_mention and message.text:
        meaning = Ask("help")  # nothing but the bot's name
    # People talk to each other about what the bot said as well.
    is_talk = isinstance(meaning, Words | NoWords | NoText | OtherSite) or (
        isinstance(meaning, OnThat) and meaning.command not in _ORDERS
    )
    if private or is_mention or not is_talk:
        await _carry_out(update, context, commands, meaning)


def _meaning(message: Message, words: str, services: Services) -> Meaning:
    """Return what a message means, be it about the petition that it answers to."""
    sites, links = tuple(services.sites.values()), render.addresses(message)
    pointed = None if links else _pointed(message, services)
    request = said_of(words, pointed, sites) if pointed else None
    # In a group "where was this?" may be meant for anybody.
    if request and (message.chat.type == message.chat.PRIVATE or request.command in _ORDERS):
        return request
    return read(words, sites, links)


def _pointed(message: Message, services: Services) -> PetitionRef | None:
    """Return the one petition named in what the bot said and a message answers to, or None."""
    replied = message.reply_to_message
    if replied is None or replied.from_user is None or not replied.from_user.is_bot:
        return None
    said = "\n".join((replied.text or replied.caption or "", *render.addresses(replied)))
    found = {
        each.petition
        for each in find_mentions(said, tuple(services.sites.values()))
        if not each.is_bare
    }
    return services.known_as(found.pop()) if len(found) == 1 else None


async def _that(update: Update, context: Context) -> PetitionRef | None:
    """Return the petition that "it" means: the one answered to, shown last, or followed alone."""
    chat, services = await chat_of(update, context), context.services
    pointed = _pointed(update.message, services) if update.message else None
    if ref := pointed or services.last_shown(chat.id):
        return ref
    followed = await services.storage.subscriptions(chat.id)
    return followed[0].petition if len(followed) == 1 else None


async def _shows_links(update: Update, context: Context) -> bool:
    """Return whether the admins of a group want a card for each bare link."""
    chat = update.effective_chat
    kept = await context.services.storage.chat(chat.id) if chat else None
    return kept is not None and kept.shows_links


async def _show_link(
    update: Update, context: Context, commands: Mapping[str, Command], words: str
) -> None:
    """Draw the card of a petition that is sent as nothing but its link."""
    if ref := find_link(words, tuple(context.services.sites.values())):
        await _run(update, context, commands["petition"], str(ref))


async def _carry_out(
    update: Update, context: Context, commands: Mapping[str, Command], meaning: Meaning
) -> None:
    match meaning:
        case OnPetition(petition=ref, may_be_words=True) if await _is_none(context, ref):
            await tell(update, context, _words_of(update, context))
        case OnPetition(command, ref, rest):
            named = _named(update, context, ref)
            await _run(update, context, commands[command], f"{named} {rest}")
        case OnPetitions("mute" | "unmute" as command, refs):
            named = " ".join(_named(update, context, ref) for ref in refs)
            await _run(update, context, commands[command], named)
        case OnPetitions(command, refs):
            several = {ref: _is_number_alone(update, context, ref) for ref in refs}
            await ask_which(update, context, command, several)
        case OnThat(command, rest):
            that = await _that(update, context)
            await _run(update, context, commands[command], f"{that} {rest}" if that else "")
        case Each(requests):
            await _carry_out_all(update, context, commands, requests)
        case Ask(command, rest) if command in commands:
            await _run(update, context, commands[command], rest)
        case Ask(command, rest):
            await suggest(update, context, commands, command, rest)
        case SharedRule(carried):
            await _run(update, context, commands["start"], f"r_{carried}")
        case Thanks():
            await _react(update)
        case Postcode(postcode):
            await of_postcode(update, context, postcode)
        case Words(words):

            async def correct() -> bool:
                meant = nearest_saying(words) or _place_meant(words)
                if meant:
                    await _carry_out(update, context, commands, meant)
                return meant is not None

            await tell(update, context, words, correct)
        case Cancel() | NoWords() | NoText() | OtherSite():
            await answer(update, *_unread(meaning, context.services))
        case _:
            assert_never(meaning)


async def _carry_out_all(
    update: Update,
    context: Context,
    commands: Mapping[str, Command],
    requests: Sequence[OnPetition | Ask],
) -> None:
    """Carry out one request after another; those behind one that asks for consent wait for it."""
    chat, services = update.effective_chat, context.services
    chat_id = chat.id if chat else 0
    services.waiting.pop(chat_id, None)
    for done, request in enumerate(requests, 1):
        services.consent_asked.pop(chat_id, None)
        await _carry_out(update, context, commands, request)
        rest = requests[done:]
        if rest and (asked := services.consent_asked.pop(chat_id, None)):

            async def go_on(agreed: Context, rest: Sequence[OnPetition | Ask] = rest) -> None:
                await _carry_out_all(update, agreed, commands, rest)

            services.waiting[chat_id] = asked, go_on
            return


def _place_meant(words: str) -> Ask | None:
    """Return the command that half a postcode or "I live in Paris" comes down to, or None."""
    if is_outward(words):
        return Ask("constituency")
    lives = re.fullmatch(r"i(?:'?m| am| live)(?: living)? in (\w[\w ]+)", words.strip(" .!"), re.I)
    if lives and isinstance(find_zone(lives[1]), str):
        return Ask("settings", " ".join(("zone", lives[1])))
    return None


def _unread(meaning: Cancel | NoWords | NoText | OtherSite, services: Services) -> text.Page:
    match meaning:
        case Cancel():
            return text.nothing_to_cancel()
        case NoWords(signs):
            return text.nothing_found(signs)
        case NoText():
            return text.only_text()
        case OtherSite(host):
            return text.other_site(host, tuple(services.sites.values()))
        case _:
            assert_never(meaning)


async def _run(update: Update, context: Context, command: Command, rest: str) -> None:
    """Run a command with `rest` as what was typed after it."""
    context.args = rest.split()
    await command.run(update, context)


async def _is_none(context: Context, ref: PetitionRef) -> bool:
    """Return whether there is no such petition, so that its number was one among words."""
    services = context.services
    for each in services.same_number(str(ref.id)) or [ref]:
        if await services.storage.history(each):
            return False
        if not isinstance((await services.look(each)).look, NotFound):
            return False
    return True


async def _react(update: Update) -> None:
    """Put a thumb up on a message; where there are no reactions, say it in words."""
    message = update.effective_message
    if message is None:
        return
    try:
        await message.set_reaction("👍")
    except TelegramError:
        await answer(update, text.welcome())


# --- open questions -------------------------------------------------------------------------------


async def _answered(
    update: Update,
    context: Context,
    commands: Mapping[str, Command],
    words: str,
    links: Sequence[str],
) -> bool:
    """Take what was said for the answer to an open question; return False if it is none."""
    chat, user, services = update.effective_chat, update.effective_user, context.services
    if chat is None or user is None:
        return False
    question = services.questions.to(chat.id, user.id, services.now())
    if question is None or not words.strip():
        return False
    sites = tuple(services.sites.values())
    services.questions.close(chat.id, user.id)
    if leaves_a_question(words, sites, links):
        return False
    meaning, fits = read(words, sites, links), _fits(question, words, services)
    if question.command == "milestones" and isinstance(meaning, OnPetition) and words.isdigit():
        # A number that is followed is that petition's, not how many signatures it should have.
        fits = fits and not await services.storage.subscription(
            chat.id, services.known_as(meaning.petition)
        )
    if question.may_be_left and not fits and not isinstance(meaning, Cancel):
        return False
    if isinstance(meaning, Cancel) and not fits:
        await answer(update, text.cancelled())
        return True
    # What can be no answer, and is plainly something else, is that; "22" is no petition.
    is_hour = question.command == "settings" and words.isdigit() and len(words) <= _HOUR_DIGITS
    if (
        not fits
        and not is_hour
        and not isinstance(meaning, Words | NoWords | NoText | OtherSite | Cancel)
    ):
        return False
    if (
        question.target
        and target() is None
        and not await on_behalf_of(update, context, question.target)
    ):
        return True
    if not fits:  # the command says why, and the question stays
        services.questions.open(chat.id, user.id, question._replace(asked_at=services.now()))
    said = " ".join(words.split())
    await _run(update, context, commands[question.command], f"{question.before} {said}")
    return True


def _fits(question: OpenQuestion, words: str, services: Services) -> bool:
    """Return whether these words can be an answer to the question at all."""
    said = " ".join(words.split())
    match question.command, question.before:
        case "settings", "quiet":
            return read_quiet(said.lower()) is not None
        case "settings", "digest":
            return read_digest(said.lower().split(), Digest()) is not None
        case "settings", "zone":
            return isinstance(find_zone(said), str)
        case "snooze", _:
            return said.lower() in _OFF or read_until(said, services.now(), "") is not None
        case "milestones", before if before:
            return not isinstance(read_changes(said), InvalidMilestone)
        case (("subscribe" | "search"), _):
            sites = tuple(services.sites.values())
            return not isinstance(read(words, sites), Cancel | Thanks | Ask | Each)
        case "constituency", _:
            return isinstance(read(words, ()), Words | Postcode)
        case _:
            return services.reference(said) is not None or bool(services.listed(said))


async def ask_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Ask for what the other buttons of a page do not offer."""
    before = str(press.petition) if press.petition else ""
    match press.extra:
        case "search":
            await ask(update, context, text.what_to_search(), "search")
        case "quiet":
            await ask(update, context, text.which_hours(), "settings", "quiet")
        case "digest":
            await ask(update, context, text.which_digest_hour(), "settings", "digest")
        case "zone":
            await ask(update, context, text.which_zone(), "settings", "zone")
        case "snooze":
            await ask(update, context, text.how_long(), "snooze", before)
        case "milestones" if before:
            await ask(update, context, text.which_milestone(), "milestones", before)
        case _:
            return old_button()
    return None


async def talk_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer a button beneath a question, or beneath what could not be read."""
    chat, user = update.effective_chat, update.effective_user
    match press.extra:
        case "cancel":
            if chat and user:
                context.services.questions.close(chat.id, user.id)
            await rewrite(update, text.cancelled())
        case "help":
            await answer(update, text.what_to_send())
        case "list" if chat:
            await answer(update, *await page_of(context, chat.id, 0))
        case _:
            return old_button()
    return None


async def cancel(update: Update, context: Context) -> None:
    """Answer `/cancel`."""
    chat, user = update.effective_chat, update.effective_user
    is_closed = chat and user and context.services.questions.close(chat.id, user.id)
    if is_closed:
        await answer(update, text.cancelled())
    else:
        await answer(update, *text.nothing_to_cancel())


# --- what was said --------------------------------------------------------------------------------


def _named(update: Update, context: Context, ref: PetitionRef) -> str:
    """Return a petition as it was named: by its number alone, if several sites may have that."""
    return str(ref.id if _is_number_alone(update, context, ref) else ref)


def _is_number_alone(update: Update, context: Context, ref: PetitionRef) -> bool:
    sites = tuple(context.services.sites.values())
    if update.message is None or len(sites) < 2:
        return False
    links = render.addresses(update.message)
    return names_no_site(_words_of(update, context), ref, sites, links)


def _words_of(update: Update, context: Context) -> str:
    return _without_name(update.message, context.bot.username)[0] if update.message else ""


def _without_name(message: Message, username: str) -> tuple[str, bool]:
    """Return the text or caption without the bot's name, and whether that was in it."""
    words = message.text or message.caption or ""
    without, times = re.compile(f"@{username}(?![a-z0-9_])", re.IGNORECASE).subn(" ", words)
    return without, times > 0


def _is_more_of_an_album(message: Message, services: Services) -> bool:
    """Return whether it is one more picture of an album that was answered already."""
    album = message.media_group_id
    if album is None or message.caption:
        return False
    return services.heard.is_again(message.chat.id, album)


def once_more(update: Update, services: Services) -> Update | None:
    """Return the update as it is to be handled: an edit that says something else is a new message.

    None for an edit that says nothing new, and for every edit outside a private chat.
    """
    message = update.edited_message or update.message
    if message is None or message.chat.type != message.chat.PRIVATE:
        return None if update.edited_message else update
    said = "\n".join((message.text or message.caption or "", *render.addresses(message)))
    is_again = services.heard.is_again(message.chat.id, str(message.message_id), said)
    if update.edited_message is None:
        return update
    if is_again or not said.strip():
        return None
    anew = Update(update.update_id, message=message)
    anew.set_bot(message.get_bot())
    return anew


def as_command(message: Message, services: Services) -> str:
    """Return the command that a plain message comes down to, as if it were typed; "" if to none."""
    words = message.text or message.caption or ""
    if len(words) > _LONGEST_COMMAND:
        return ""
    user = message.from_user
    if user and (asked := services.questions.to(message.chat.id, user.id, services.now())):
        return f"/{asked.command} {asked.before} {words}"
    meaning = _meaning(message, words, services)
    match meaning.requests[0] if isinstance(meaning, Each) else meaning:
        case OnPetition(command, ref):
            return f"/{command} {ref}"
        case OnThat(command):
            return f"/{command} {services.last_shown(message.chat.id)}"
        case Ask(command, rest):
            return f"/{command} {rest}".strip()
        case _:
            return ""


COMMANDS = [
    Command("cancel", "", marked("leave a question unanswered"), cancel, listed=False),
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(ASK, ask_pressed),
    on_press(TALK, talk_pressed),
]
