"""`/snooze`: be told nothing for a while, and all of it in one summary afterwards."""

from msgspec import structs
from telegram import Update

from bot.messages.buttons import SNOOZE, Press
from bot.messages.chat.errors import old_button
from bot.messages.following.subscriptions import follow_first, not_following
from bot.messages.i18n import marked
from bot.messages.settings.context import SettingsContext
from bot.messages.settings.pages import first_page
from bot.messages.settings.snooze import snooze_page, snooze_unclear
from bot.petitions.petition import PetitionRef
from bot.subscriptions.settings import LONGEST_SNOOZE, awake
from bot.subscriptions.subscription import Preferences
from bot.subscriptions.typed_settings import read_until
from handlers.command import Command, on_press
from handlers.context import Context, asks_first
from handlers.lookup import named_first, offer
from handlers.reply import answer, expect, note_undo, rewrite
from handlers.settings import ask_first, keep_preferences, settings_context

_END = frozenset({"off", "end", "stop", "over", "none"})


async def snooze(update: Update, context: Context) -> None:
    """Answer `/snooze 7d`, `/snooze 300239 3 days`, `/snooze off`; alone, show the choices."""
    about = await _about(update, context)
    if about is None:
        return
    ref, rest = about
    settings = await settings_context(update, context, ref)
    if settings is None and ref:
        await answer(update, *follow_first(ref))
    elif settings is None or asks_first(settings.chat):
        await ask_first(update, context, rest, "snooze")
    elif (
        preferences := _preferences_after(settings, rest) if rest else settings.preferences
    ) is None:
        await answer(update, snooze_unclear(rest))
    else:
        if not rest:
            expect(update, context, "snooze", str(ref) if ref else "")
        await answer(update, *snooze_page(await _kept(update, context, settings, preferences)))


async def _about(update: Update, context: Context) -> tuple[PetitionRef | None, str] | None:
    """Return the petition that is named, if one is, and for how long: "7 days" names none.

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


def _preferences_after(settings: SettingsContext, text: str) -> Preferences | None:
    """Return the preferences snoozed for that long, or awake again; None for a wrong time."""
    if text.strip().lower() in _END:
        return awake(settings.preferences, settings.now)
    until = read_until(text, settings.now, settings.chat.preferences.zone)
    if until is None or until - settings.now > LONGEST_SNOOZE:
        return None
    return structs.replace(settings.preferences, snoozed_until=until)


async def _kept(
    update: Update, context: Context, settings: SettingsContext, preferences: Preferences
) -> SettingsContext:
    """Keep the preferences; return the settings as they are then."""
    if preferences == settings.preferences:
        return settings
    await keep_preferences(context, settings, preferences)
    after = await settings_context(update, context, settings.petition) or settings
    note_undo(update, *first_page(after, undo=settings.preferences))
    return after


async def snooze_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Snooze for the length of time that was chosen, or end it."""
    settings = await settings_context(update, context, press.petition)
    if settings is None:
        return not_following()
    if asks_first(settings.chat):
        await ask_first(update, context, press.extra, "snooze")
        return None
    preferences = _preferences_after(settings, press.extra)
    if preferences is None:
        return old_button()
    await rewrite(update, *snooze_page(await _kept(update, context, settings, preferences)))
    return None


COMMANDS = [
    Command("snooze", "7d", marked("pause alerts for a while"), snooze, changes=True),
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(SNOOZE, snooze_pressed, changes=True),
]
