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
from handlers.lookup import named_first, offer
from handlers.reply import answer, rewrite
from handlers.settings import ask_first, keep_preferences, scope_of

_END = frozenset({"off", "end", "stop", "over", "none"})


async def snooze(update: Update, context: Context) -> None:
    """`/snooze 7d`, `/snooze 300239 3 days`, `/snooze off`; alone it shows what can be chosen."""
    about = await _about(update, context)
    if about is None:
        return
    ref, rest = about
    scope = await scope_of(update, context, ref)
    if scope is None and ref:
        await answer(update, *follow_first(ref))
    elif scope is None or asks_first(scope.chat):
        await ask_first(update)
    elif (preferences := _preferences_after(scope, rest) if rest else scope.preferences) is None:
        await answer(update, snooze_unclear(rest))
    else:
        await answer(update, *snooze_page(await _kept(update, context, scope, preferences)))


async def _about(update: Update, context: Context) -> tuple[PetitionRef | None, str] | None:
    """The petition that is named, if one is, and for how long: "7 days" names none.

    None where somebody was asked which of several petitions it is about.
    """
    words = context.words
    if not words or read_until(context.text, context.services.now(), ""):
        return None, context.text
    named = await named_first(update, context, words[0])
    if len(named) > 1:
        await offer(update, context, "snooze", named)
        return None
    return (named[0][0], " ".join(words[1:])) if named else (None, context.text)


def _preferences_after(scope: Scope, text: str) -> Preferences | None:
    """The preferences snoozed for that long, or awake again; None for a time that is none."""
    if text.strip().lower() in _END:
        return awake(scope.preferences, scope.now)
    until = read_until(text, scope.now, scope.chat.preferences.zone)
    if until is None or until - scope.now > LONGEST_SNOOZE:
        return None
    return structs.replace(scope.preferences, snoozed_until=until)


async def _kept(update: Update, context: Context, scope: Scope, preferences: Preferences) -> Scope:
    """How it is once these preferences hold."""
    if preferences == scope.preferences:
        return scope
    await keep_preferences(context, scope, preferences)
    return await scope_of(update, context, scope.petition) or scope


async def snooze_pressed(update: Update, context: Context, press: Press) -> str | None:
    """A length of time was chosen, or the end."""
    scope = await scope_of(update, context, press.petition)
    if scope is None:
        return not_following()
    if asks_first(scope.chat):
        await ask_first(update)
        return None
    preferences = _preferences_after(scope, press.extra)
    if preferences is None:
        return old_button()
    await rewrite(update, *snooze_page(await _kept(update, context, scope, preferences)))
    return None


COMMANDS = [
    Command("snooze", "7d", marked("pause alerts for a while"), snooze, changes=True),
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(SNOOZE, snooze_pressed, changes=True),
]
