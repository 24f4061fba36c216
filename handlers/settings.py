"""`/settings`: how a chat is told things, and how it is told of one petition."""

from collections.abc import Callable, Mapping

from msgspec import structs
from telegram import Update

from bot.messages.buttons import SETTINGS, Press, agree_buttons
from bot.messages.chat.about import consent_request
from bot.messages.chat.errors import old_button
from bot.messages.following.subscriptions import Followed, follow_first, not_following
from bot.messages.i18n import LANGUAGES, marked, speak
from bot.messages.settings.context import Page, SettingsContext
from bot.messages.settings.hours import digest_page, no_zone, quiet_page, urgent_page, zone_page
from bot.messages.settings.pages import (
    closing_page,
    first_page,
    language_page,
    loudness_page,
    misread,
    only_for_the_chat,
    same_every_day,
)
from bot.messages.settings.snooze import snooze_page
from bot.petitions.parliaments import description_of
from bot.petitions.petition import PetitionRef
from bot.subscriptions.codec import preferences_from_button
from bot.subscriptions.settings import LONGEST_SNOOZE, OWN_SUBJECTS, as_usual, chosen, without_usual
from bot.subscriptions.subscription import Preferences
from bot.subscriptions.typed_settings import Misread, NoZone, typed
from handlers.command import Command, on_press
from handlers.context import GROUPS, Context, asks_first, chat_of, first_language, target
from handlers.lookup import named_first, offer
from handlers.remote_admin import choose, done
from handlers.reply import answer, ask_for_consent, expect, note_undo, rewrite, topic_of

_PAGES: Mapping[str, Callable[[SettingsContext], Page]] = {
    "": first_page,
    "loud": loudness_page,
    "quiet": quiet_page,
    "urgent": urgent_page,
    "digest": digest_page,
    "zone": zone_page,
    "closing": closing_page,
    "lang": language_page,
    "snooze": snooze_page,
}
# Pages that ask for what may be typed as well.
_ASKING = frozenset({"quiet", "digest", "zone"})
_CARRIED = 40  # bytes of what was typed that a button has room for
_OWN_PAGES = frozenset({"", "snooze", *OWN_SUBJECTS})
# Words that are no subject of their own, and the choice or page they stand for.
_WORDS = {
    "mute": "mute.on",
    "unmute": "mute.off",
    "topic": "topic",
    "reset": "reset",
    "usual": "reset",
    "loudness": "loud",
    "language": "lang",
    "timezone": "zone",
}


async def settings(update: Update, context: Context) -> None:
    """Answer `/settings`, `/settings quiet 22:00-07:00`, `/settings 300239 response silent`."""
    words = context.words
    match [word.lower() for word in words]:
        case ["elsewhere"]:
            await choose(update, context)
            return
        case ["here"]:
            await done(update, context)
            return
        case ["days"]:
            await answer(update, *same_every_day())
            return
    named = await named_first(update, context, words[0]) if words else []
    if len(named) > 1:
        await offer(update, context, "settings", named)
        return
    ref = named[0][0] if named else None
    await typed_to(update, context, ref, words[1:] if ref else words)


async def typed_to(
    update: Update, context: Context, ref: PetitionRef | None, words: list[str]
) -> None:
    """Carry out what was typed after the command, and show how it is now."""
    settings = await settings_context(update, context, ref)
    if settings is None and ref:
        await answer(update, *follow_first(ref, " ".join(("settings", *words)) if words else ""))
    elif settings is None or asks_first(settings.chat):
        await ask_first(update, context, " ".join(words))
    else:
        await _obey(update, context, settings, words)


async def ask_first(
    update: Update, context: Context, words: str = "", command: str = SETTINGS
) -> None:
    """Ask for consent; it leads to the settings, or to what was typed to them or that command."""
    then = f"{command} {words}".strip()
    is_carried = len(then.encode()) <= _CARRIED and "|" not in then
    buttons = agree_buttons(then if is_carried else SETTINGS)
    await ask_for_consent(update, context, consent_request(), buttons)


async def _obey(
    update: Update, context: Context, settings: SettingsContext, words: list[str]
) -> None:
    choice = _choice(settings, words)
    match choice:
        case NoZone():
            await answer(update, *no_zone(settings, choice))
        case Misread():
            await answer(update, misread(choice))
        case str():
            if choice in _ASKING and not settings.followed:
                expect(update, context, "settings", choice)
            page = await page_after(update, context, settings, choice)
            if page:
                await answer(update, *page)
            elif settings.followed and choice.partition(".")[0] not in _OWN_PAGES:
                await answer(update, only_for_the_chat(" ".join(words)))
            else:
                await answer(update, misread(Misread(choice.partition(".")[0], words[0])))


def _choice(settings: SettingsContext, words: list[str]) -> str | Misread | NoZone:
    """Return what was typed as a button would carry it, or what is wrong with it."""
    if not words:
        return ""
    first = words[0].lower()
    word = _WORDS.get(first, first)
    if len(words) == 1 and (word in _PAGES or first in _WORDS):
        return word
    return typed(words, settings.chat.preferences.digest)


async def page_after(
    update: Update, context: Context, settings: SettingsContext, choice: str
) -> Page | None:
    """Return the page that a choice leads to, once it is made; None for one that nobody offers."""
    if choice in _PAGES:
        return None if settings.followed and choice not in _OWN_PAGES else _PAGES[choice](settings)
    if not await _make(update, context, settings, choice):
        return None
    after = await settings_context(update, context, settings.petition)
    if after is None:
        return None
    undoing = first_page(after, undo=settings.preferences)
    if after.preferences != settings.preferences:
        note_undo(update, *undoing)
    if choice == "reset":
        return undoing
    if choice.startswith("loud.all."):
        return first_page(after)
    return _PAGES.get(choice.partition(".")[0], first_page)(after)


async def _make(update: Update, context: Context, settings: SettingsContext, choice: str) -> bool:
    """Make a choice; return False if it is none."""
    subject, _, value = choice.partition(".")
    if subject == "lang" and not settings.followed:
        return await _speak(update, context, settings, value)
    if subject == "news" and value in {"on", "off"} and not settings.followed:
        chat = structs.replace(settings.chat, announcements=value == "on")
        await context.services.storage.save_chat(chat)
        return True
    if subject == "links" and not settings.followed:
        return await _show_links(context, settings, value)
    if settings.followed and choice in {"mute.on", "mute.off", "topic"}:
        await _hear(context, settings, settings.followed, choice)
        return True
    preferences = _preferences_after(settings, choice)
    if preferences is None:
        return False
    await keep_preferences(context, settings, preferences)
    return True


def _preferences_after(settings: SettingsContext, choice: str) -> Preferences | None:
    subject, _, value = choice.partition(".")
    if choice == "reset":
        return as_usual(settings.preferences, settings.now)
    if subject == "undo":
        return _preferences_before(settings, value)
    if settings.followed and subject not in OWN_SUBJECTS:
        return None
    preferences = chosen(settings.preferences, choice)
    return preferences if preferences is None or settings.followed else without_usual(preferences)


def _preferences_before(settings: SettingsContext, carried: str) -> Preferences | None:
    """Return the preferences before they were reset; None for any that nobody can have had."""
    was = preferences_from_button(carried)
    if was is None:
        return None
    if was.snoozed_until and was.snoozed_until - settings.now > LONGEST_SNOOZE:
        return None
    return structs.replace(was, milestones=settings.preferences.milestones)


async def _speak(
    update: Update, context: Context, settings: SettingsContext, language: str
) -> bool:
    """Speak another language in this chat from now on; "auto" is whatever Telegram speaks.

    Return False for a language that the bot does not have.
    """
    if language not in LANGUAGES and language != "auto":
        return False
    kept = "" if language == "auto" else language
    await context.services.storage.save_chat(structs.replace(settings.chat, language=kept))
    if target() is None:
        speak(kept or first_language(update))
    return True


async def _show_links(context: Context, settings: SettingsContext, value: str) -> bool:
    """Have a bare link that somebody sends to a group draw a card there, or not."""
    if value not in {"on", "off"} or settings.chat.kind not in GROUPS:
        return False
    chat = structs.replace(settings.chat, shows_links=value == "on")
    await context.services.storage.save_chat(chat)
    return True


async def _hear(
    context: Context, settings: SettingsContext, followed: Followed, choice: str
) -> None:
    """Tell of a petition without a sound or with one, or in the topic where the settings are."""
    storage, ref = context.services.storage, followed.petition.ref
    if choice == "topic":
        await storage.set_thread(settings.chat.id, ref, settings.topic)
    else:
        await storage.mute(settings.chat.id, ref, choice == "mute.on", settings.now)
        context.services.wake_deliverer()


async def keep_preferences(
    context: Context, settings: SettingsContext, preferences: Preferences
) -> None:
    """Tell things by these preferences from now on, whatever waits included."""
    storage, chat = context.services.storage, settings.chat
    if settings.petition:
        await storage.set_subscription_preferences(
            chat.id, settings.petition, preferences, settings.now
        )
    elif await storage.set_preferences(chat.id, preferences, settings.now) is None:
        await storage.save_chat(structs.replace(chat, preferences=preferences))
    context.services.wake_deliverer()


async def settings_context(
    update: Update, context: Context, ref: PetitionRef | None
) -> SettingsContext | None:
    """Return the settings of the chat, or of a petition; None if it does not follow that."""
    storage, chat = context.services.storage, await chat_of(update, context)
    watched = tuple(map(description_of, context.services.sites.values()))
    now, topic = context.services.now(), topic_of(update.effective_message)
    settings = SettingsContext(chat, now, topic=topic, watched=watched)
    if ref is None:
        followed, rules = await storage.subscriptions(chat.id), await storage.rules(chat.id)
        own = [each.preferences for each in followed] + [each.preferences for each in rules]
        is_any = any("digest" in preferences.loudness.values() for preferences in own)
        return settings._replace(others_digest=is_any)
    subscription, known = await storage.subscription(chat.id, ref), await storage.history(ref)
    if subscription is None or known is None:
        return None
    return settings._replace(followed=Followed(subscription, known.petition))


async def settings_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer a button of the settings: a page, or a choice and the page it was made on."""
    settings = await settings_context(update, context, press.petition)
    if settings is None:
        return not_following()
    if asks_first(settings.chat):
        await ask_first(update, context)
        return None
    page = await page_after(update, context, settings, press.extra)
    if page is None:
        return old_button()
    await rewrite(update, *page)
    return None


COMMANDS = [
    Command(
        "settings",
        "",
        marked("change your alerts"),
        settings,
        changes=True,
    ),
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(SETTINGS, settings_pressed, changes=True),
]
