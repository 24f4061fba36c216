"""`/snooze`: hear nothing for a while, and all of it in one summary afterwards."""

from msgspec import structs
from telegram import Update

from bot.messages.buttons import SNOOZE, Press
from bot.messages.chat.errors import old_button
from bot.messages.following.subscriptions import follow_first, not_following
from bot.messages.i18n import marked
from bot.messages.settings.context import Scope
from bot.messages.settings.snooze import snooze_page, snooze_unclear
from bot.petitions.petition import PetitionRef
from bot.subscriptions.settings import LONGEST_SNOOZE, awake
from bot.subscriptions.subscription import Preferences
from bot.subscriptions.typed_settings import read_until
from handlers.command import Command, on_press
from handlers.context import Context, asks_first
from handlers.lookup import named_first
from handlers.reply import answer, rewrite
from handlers.settings import ask_first, keep_terms, scope_of

_END = frozenset({"off", "end", "stop", "over", "none"})


async def snooze(update: Update, context: Context) -> None:
    """`/snooze 7d`, `/snooze 300239 3 days`, `/snooze off`; alone it shows what can be chosen."""
    ref, rest = await _about(update, context)
    scope = await scope_of(update, context, ref)
    if scope is None and ref:
        await answer(update, *follow_first(ref))
    elif scope is None or asks_first(scope.chat):
        await ask_first(update)
    elif (terms := _terms_after(scope, rest) if rest else scope.terms) is None:
        await answer(update, snooze_unclear(rest))
    else:
        await answer(update, *snooze_page(await _kept(update, context, scope, terms)))


async def _about(update: Update, context: Context) -> tuple[PetitionRef | None, str]:
    """The petition that is named, if one is, and for how long: "7 days" names none."""
    words = list(context.args or ())
    if not words or read_until(context.text, context.services.now(), ""):
        return None, context.text
    ref = await named_first(update, context, words[0])
    return ref, " ".join(words[1:]) if ref else context.text


def _terms_after(scope: Scope, text: str) -> Preferences | None:
    """The terms snoozed for that long, or awake again; None for a time that is none."""
    if text.strip().lower() in _END:
        return awake(scope.terms, scope.now)
    until = read_until(text, scope.now, scope.chat.terms.zone)
    if until is None or until - scope.now > LONGEST_SNOOZE:
        return None
    return structs.replace(scope.terms, snoozed_until=until)


async def _kept(update: Update, context: Context, scope: Scope, terms: Preferences) -> Scope:
    """How it is once these terms hold."""
    if terms == scope.terms:
        return scope
    await keep_terms(context, scope, terms)
    return await scope_of(update, context, scope.petition) or scope


async def snooze_pressed(update: Update, context: Context, press: Press) -> str | None:
    """A length of time was chosen, or the end."""
    scope = await scope_of(update, context, press.petition)
    if scope is None:
        return not_following()
    if asks_first(scope.chat):
        await ask_first(update)
        return None
    terms = _terms_after(scope, press.extra)
    if terms is None:
        return old_button()
    await rewrite(update, *snooze_page(await _kept(update, context, scope, terms)))
    return None


COMMANDS = [
    Command("snooze", "7d", marked("pause alerts for a while"), snooze, changes=True),
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(SNOOZE, snooze_pressed, changes=True),
]
