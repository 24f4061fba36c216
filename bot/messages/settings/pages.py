"""The settings: a first page, and a page for each subject; every page leads back."""

from collections.abc import Iterator

from bot.local_time import LONDON
from bot.messages.buttons import ELSEWHERE, SETTINGS, WISH, Button, button, in_rows
from bot.messages.format import length, listed
from bot.messages.i18n import LANGUAGES, many, marked, say, tr
from bot.messages.kinds import kind_name, kinds_named
from bot.messages.message import Message, Rich, bold, code, compose, italic, lines, row
from bot.messages.petition.milestones import wish_named
from bot.messages.petition.parts import title
from bot.messages.settings.context import Page, Scope, moment_there, snoozed_line
from bot.messages.settings.hours import digest_line, quiet_button, quiet_line
from bot.petitions.events import Kind, Loudness
from bot.petitions.reminders import REMINDERS
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.codec import preferences_for_button
from bot.subscriptions.preferences import DEFAULT_REMINDERS, KINDS, LOUDNESS
from bot.subscriptions.settings import (
    PRESETS,
    Preset,
    is_usual,
    preset_of,
    snoozed_until,
    usual,
)
from bot.subscriptions.subscription import Preferences, Subscription
from bot.subscriptions.typed_settings import Misread

LOUDNESS_NAMES: dict[Loudness, str] = {
    "loud": marked("with sound"),
    "silent": marked("silent"),
    "digest": marked("digest"),
    "off": marked("off"),
}
_MEANINGS: dict[Loudness, str] = {
    "loud": marked("🔔 <b>With sound:</b> {kinds}"),
    "silent": marked("🔕 <b>Silent:</b> {kinds}"),
    "digest": marked("📰 <b>In your digest:</b> {kinds}"),
    "off": marked("✖️ <b>Off:</b> {kinds}"),
}
PRESET_NAMES: dict[Preset, str] = {
    "everything": marked("Everything"),
    "big": marked("Big moments"),
    "digest": marked("Daily digest"),
}
_FEW = 3  # kinds that a line of the first page names
# A press goes one step down; after the last comes the first again.
_STEPS = tuple(reversed(LOUDNESS))


# --- the first page ------------------------------------------------------------------------------


def first_page(scope: Scope, undo: Preferences | None = None) -> Page:
    """All settings at a glance; `undo` are the preferences that were just given up."""
    rows = _chat_rows(scope)
    told = _of_chat(scope)
    if scope.followed:
        rows = _petition_rows(scope, scope.followed.subscription)
        told = _of_petition(scope, scope.followed.subscription)
    if undo:
        rows.insert(0, [scope.leads(tr("Undo"), f"undo.{preferences_for_button(undo)}")])
    return compose(*lines(*_heading(scope), "", *told)), rows


def _heading(scope: Scope) -> Iterator[Rich]:
    if scope.followed:
        yield bold(tr("Settings for one petition"))
        yield title(scope.followed.petition)
    else:
        yield bold(tr("Settings"))


def _of_chat(scope: Scope) -> Iterator[Rich | None]:
    preferences = scope.preferences
    yield snoozed_line(scope) if scope.snoozed_until else None
    yield from _alerts(scope)
    yield ""
    yield quiet_line(preferences)
    if preferences.quiet and preferences.urgent:
        count = many("{count} kind of news", "{count} kinds of news", len(preferences.urgent))
        named = kinds_named(preferences.urgent, scope.sites)
        told = named if len(preferences.urgent) <= _FEW else count
        yield say("Sent even in quiet hours: <b>{kinds}</b>", kinds=told)
    yield digest_line(preferences) if scope.has_digest else None
    yield say("Time zone: <b>{zone}</b>", zone=preferences.zone or LONDON)
    yield _closing_line(scope)
    yield say("Language: <b>{language}</b>", language=_language_name(scope.chat.language))


def _of_petition(scope: Scope, subscription: Subscription) -> Iterator[Rich | None]:
    yield snoozed_line(scope) if scope.snoozed_until else None
    yield from _alerts(scope)
    if subscription.muted:
        yield tr("You've made this petition silent: all its alerts arrive without sound.")
    yield digest_line(scope.chat.preferences) if scope.has_digest else None
    yield ""
    yield _closing_line(scope)
    wish = subscription.preferences.milestones
    if wish and wish != CustomMilestones():
        yield say("Your own milestones: <b>{milestones}</b>", milestones=wish_named(wish))


def _alerts(scope: Scope) -> Iterator[Rich]:
    """What was chosen, and a line each for what is heard with a sound, silently, later, never."""
    preset = preset_of(scope.in_force)
    chosen = _preset_name(scope, preset) if preset else tr("your own choice")
    if scope.followed and not scope.preferences.loudness:
        yield say("Alerts: same as this chat (<b>{chosen}</b>)", chosen=chosen)
    else:
        yield say("Alerts: <b>{chosen}</b>", chosen=chosen)
    yield from (
        _as_loud(scope, loudness)
        for loudness in _STEPS
        if any(scope.in_force(kind) == loudness for kind in scope.kinds)
    )


def in_a_sentence(scope: Scope) -> Rich:
    """How loudly news is heard, and when not, for whoever has just begun to follow."""
    preferences = scope.chat.preferences
    told: list[Rich] = [tr(_IN_A_SENTENCE[preset_of(scope.in_force)])]
    if scope.followed and scope.followed.subscription.muted:
        told = [tr("Alerts arrive without sound.")]
    if scope.has_digest:
        told += [" ", digest_line(preferences), "."]
    if preferences.quiet:
        told += [" ", quiet_line(preferences), "."]
    if snoozed := scope.snoozed_until or snoozed_until(preferences, scope.now):
        told += [" ", tr("Snoozed until {moment}.", moment=moment_there(snoozed, preferences.zone))]
    return row(*told)


_IN_A_SENTENCE: dict[Preset | None, str] = {
    "everything": marked("Alerts arrive with sound, smaller news without."),
    "big": marked("You'll get alerts about big moments only."),
    "digest": marked("Everything goes into your digest."),
    None: marked("Alerts arrive as you chose in the settings."),
}


def _preset_name(scope: Scope, preset: Preset) -> str:
    """The preset by name; a digest that comes once a week is not called daily."""
    digest = scope.chat.preferences.digest
    if preset == "digest" and digest and digest.weekday is not None:
        return tr("Weekly digest")
    return tr(PRESET_NAMES[preset])


def _preset_rows(scope: Scope) -> list[list[Button]]:
    """The three presets, and what leads to the kinds one by one."""
    now = preset_of(scope.in_force)
    is_inherited = scope.followed is not None and not scope.preferences.loudness
    keys = [
        scope.option(
            _preset_name(scope, each),
            f"preset.{each}",
            is_chosen=each == now and not is_inherited,
        )
        for each in PRESETS
    ]
    keys.append(scope.option(tr("Custom…"), "loud", is_chosen=now is None and not is_inherited))
    return in_rows(keys)


def _closing_line(scope: Scope) -> Rich:
    hours = scope.preferences.closing
    if hours is None and scope.followed:
        return tr("Closing reminders: same as this chat")
    hours = DEFAULT_REMINDERS if hours is None else hours
    if not hours:
        return say("Closing reminders: <b>none</b>")
    spans = listed([length(each) for each in hours])
    return say("Closing reminders: <b>{spans}</b> before closing", spans=spans)


def _language_name(language: str) -> str:
    return LANGUAGES.get(language) or tr("same as Telegram")


def _chat_rows(scope: Scope) -> list[list[Button]]:
    keys = [] if scope.preferences.quiet else [quiet_button(scope)]
    keys += [scope.leads(tr("Quiet hours"), "quiet"), scope.leads(tr("Urgent news"), "urgent")]
    if scope.has_digest:
        keys.append(scope.leads(tr("Digest times"), "digest"))
    keys += [
        scope.leads(tr("Time zone"), "zone"),
        scope.leads(tr("Closing reminders"), "closing"),
        scope.leads(tr("Language"), "lang"),
        scope.leads(tr("Snooze"), "snooze"),
    ]
    hears = scope.chat.announcements
    choice = f"news.{'off' if hears else 'on'}"
    keys.append(scope.option(tr("Announcements"), choice, is_chosen=hears))
    if scope.chat.kind == "private":
        keys.append(button(tr("Manage another chat"), ELSEWHERE))
    elif scope.chat.kind != "channel":
        shows = scope.chat.shows_links
        choice = f"links.{'off' if shows else 'on'}"
        keys.append(scope.option(tr("Cards for links"), choice, is_chosen=shows))
    if not is_usual(scope.preferences, scope.now):
        keys.append(scope.leads(tr("Reset settings"), "reset"))
    return [*_preset_rows(scope), *in_rows(keys)]


def _petition_rows(scope: Scope, subscription: Subscription) -> list[list[Button]]:
    is_muted = subscription.muted
    keys = [
        scope.leads(tr("Closing reminders"), "closing"),
        scope.leads(tr("Snooze"), "snooze"),
        button(tr("Your own milestones"), WISH, scope.petition),
        scope.leads(tr("Turn sound on"), "mute.off")
        if is_muted
        else scope.leads(tr("Make silent"), "mute.on"),
    ]
    if scope.topic != subscription.thread_id:
        here = tr("Move alerts here") if scope.topic else tr("Move to General")
        keys.append(scope.leads(here, "topic"))
    if not is_usual(scope.preferences, scope.now):
        keys.append(scope.leads(tr("Use chat settings"), "reset"))
    return [*_preset_rows(scope), *in_rows(keys), [button(tr("‹ All settings"), SETTINGS)]]


# --- the kinds one by one -------------------------------------------------------------------------


def loudness_page(scope: Scope) -> Page:
    """A line for each step and a button for each kind; a press goes one step quieter."""
    message = compose(
        *lines(
            *_heading(scope),
            "",
            *(_as_loud(scope, loudness) for loudness in _STEPS),
            "",
            tr("Tap a kind of news to change it: with sound, silent, digest, off."),
            italic(say("Or type: {command}", command=code(scope.command("response silent")))),
        )
    )
    keys = (_loudness_button(scope, kind) for kind in scope.kinds)
    return message, [*in_rows(keys, 1), scope.back()]


def _as_loud(scope: Scope, loudness: Loudness) -> Rich:
    """What a step means, and the kinds that are on it."""
    kinds = [kind for kind in scope.kinds if scope.in_force(kind) == loudness]
    return say(
        _MEANINGS[loudness], kinds=kinds_named(kinds, scope.sites) if kinds else tr("nothing")
    )


def _loudness_button(scope: Scope, kind: Kind) -> Button:
    text = f"{kind_name(kind, scope.sites)}: {_loudness(scope, kind)}"
    return scope.leads(text, f"loud.{kind}.{_next_step(scope, kind)}")


def _loudness(scope: Scope, kind: Kind) -> str:
    own = scope.preferences.loudness.get(kind)
    if own is None and scope.followed:
        inherited = LOUDNESS_NAMES[usual(kind, scope.chat.preferences)]
        return tr("same as chat ({loudness})", loudness=tr(inherited))
    return tr(LOUDNESS_NAMES[own or usual(kind, Preferences())])


def _next_step(scope: Scope, kind: Kind) -> str:
    """What a press makes of it; a petition's own settings have one step more."""
    now = scope.preferences.loudness.get(kind)
    if scope.followed:
        steps: tuple[str, ...] = ("usual", *_STEPS)
        return steps[(steps.index(now or "usual") + 1) % len(steps)]
    return _STEPS[(_STEPS.index(now or usual(kind, Preferences())) + 1) % len(_STEPS)]


# --- reminders, language -------------------------------------------------------------------------


def closing_page(scope: Scope) -> Page:
    """How long before its end a petition is called to mind."""
    inherited = scope.chat.preferences.closing if scope.followed else None
    usual_hours = DEFAULT_REMINDERS if inherited is None else inherited
    hours = usual_hours if scope.preferences.closing is None else scope.preferences.closing
    message = compose(
        *lines(
            *_heading(scope),
            "",
            _closing_line(scope),
            "",
            italic(say("Or type: {command}", command=code(scope.command("closing 7d 3d 6h")))),
        )
    )
    keys = [_reminder_button(scope, each, hours) for each in REMINDERS]
    if scope.followed:
        is_own = scope.preferences.closing is not None
        keys.append(scope.option(tr("Use chat settings"), "closing.usual", is_chosen=not is_own))
    return message, [*in_rows(keys, 3), scope.back()]


def _reminder_button(scope: Scope, hours: int, chosen: tuple[int, ...]) -> Button:
    wanted = [each for each in REMINDERS if (each in chosen) != (each == hours)]
    extra = "-".join(str(each) for each in wanted) or "none"
    text = length(hours)
    return scope.option(text, f"closing.{extra}", is_chosen=hours in chosen)


def language_page(scope: Scope) -> Page:
    """Which language the bot speaks here."""
    now = scope.chat.language
    message = compose(
        *lines(
            say("Language: <b>{language}</b>", language=_language_name(now)),
            "",
            italic(say("Or type: {command}", command=code(scope.command("language cy")))),
        )
    )
    keys = [
        scope.option(name, f"lang.{language}", is_chosen=language == now)
        for language, name in LANGUAGES.items()
    ]
    keys.append(scope.option(tr("Same as Telegram"), "lang.auto", is_chosen=not now))
    return message, [*in_rows(keys, 1), scope.back()]


# --- what was not understood ---------------------------------------------------------------------


def misread(wrong: Misread) -> Message:
    """Typed settings that make no sense: how they are written."""
    examples: tuple[str, ...]
    match wrong.subject:
        case "quiet":
            first = tr("Quiet hours need a start and an end, like this:")
            examples = ("quiet 22:00-07:00", "quiet off")
        case "urgent":
            first = tr("I don't understand which news is urgent. Try one of these:")
            examples = ("urgent response debate", "urgent off")
        case "digest":
            first = tr("I don't understand when you want your digest. Try one of these:")
            examples = ("digest daily 18:00", "digest weekly monday 9:00")
        case "closing":
            spans = listed([length(each) for each in REMINDERS])
            first = tr("You can be reminded {spans} before a petition closes.", spans=spans)
            examples = ("closing 7d 3d 6h", "closing none")
        case "lang":
            first = tr("I speak {languages}.", languages=listed(list(LANGUAGES.values())))
            examples = tuple(f"language {language}" for language in LANGUAGES)
        case "loud":
            first = tr("Choose loud, silent, digest, off or usual, like this:")
            examples = ("response silent", "all digest")
        case _:
            return _no_such_setting(wrong.word)
    return compose(*lines(first, *(code(f"/settings {example}") for example in examples)))


def _no_such_setting(word: str) -> Message:
    return compose(
        *lines(
            say("There's no setting called {word}.", word=code(word[:40])),
            tr("See them all with /settings. You can also type these:"),
            code("quiet · urgent · digest · zone · closing · language · reset"),
            code(" · ".join(("all", *KINDS))),
        )
    )


def only_for_the_chat(subject: str) -> Message:
    """A petition has no such setting of its own."""
    return compose(
        *lines(
            tr("You can only set that for the whole chat:"),
            code(f"/settings {subject}"),
        )
    )
