"""Words the settings: a first page, and a page for each subject; every page leads back."""

from collections.abc import Iterator

from bot.local_time import LONDON
from bot.messages.buttons import (
    CHOOSE_MILESTONE,
    ELSEWHERE,
    SETTINGS,
    SNOOZE,
    Button,
    button,
    in_rows,
)
from bot.messages.format import length, listed
from bot.messages.i18n import LANGUAGES, many, marked, say, tr
from bot.messages.kinds import kind_name, kinds_named
from bot.messages.message import Message, Rich, bold, code, compose, italic, lines, row
from bot.messages.petition.milestones import milestones_named
from bot.messages.petition.parts import title
from bot.messages.settings.context import Page, SettingsContext, moment_there, snoozed_line
from bot.messages.settings.hours import digest_line, quiet_button, quiet_line
from bot.petitions.events import Kind, Loudness
from bot.petitions.reminders import REMINDERS
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.codec import preferences_for_button
from bot.subscriptions.preferences import DEFAULT_REMINDERS, KINDS_IN_SETTINGS, LOUDNESS
from bot.subscriptions.settings import PRESETS, Preset, is_usual, preset_of, snoozed_until, usual
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
    "digest": marked("📰 <b>In the digest:</b> {kinds}"),
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


def first_page(settings: SettingsContext, undo: Preferences | None = None) -> Page:
    """Word all settings at a glance; `undo` are the preferences that were just given up."""
    rows = _chat_rows(settings)
    told = _of_chat(settings)
    if settings.followed:
        rows = _petition_rows(settings, settings.followed.subscription)
        told = _of_petition(settings, settings.followed.subscription)
    if undo:
        rows.insert(0, [settings.leads(tr("Undo"), f"undo.{preferences_for_button(undo)}")])
    return compose(*lines(*_heading(settings), "", *told)), rows


def _heading(settings: SettingsContext) -> Iterator[Rich]:
    if settings.followed:
        yield bold(tr("Settings for one petition"))
        yield title(settings.followed.petition)
    else:
        yield bold(tr("Settings"))


def _of_chat(settings: SettingsContext) -> Iterator[Rich | None]:
    preferences = settings.preferences
    yield snoozed_line(settings) if settings.snoozed_until else None
    yield from _alerts(settings)
    yield ""
    yield quiet_line(preferences)
    if preferences.quiet and preferences.urgent:
        count = many("{count} kind of news", "{count} kinds of news", len(preferences.urgent))
        named = kinds_named(preferences.urgent, settings.sites)
        told = named if len(preferences.urgent) <= _FEW else count
        yield say("Sent even in quiet hours: <b>{kinds}</b>", kinds=told)
    yield digest_line(preferences) if settings.has_digest else None
    yield say("Time zone: <b>{zone}</b>", zone=preferences.zone or LONDON)
    yield _closing_line(settings)
    yield say("Language: <b>{language}</b>", language=_language_name(settings.chat.language))


def _of_petition(settings: SettingsContext, subscription: Subscription) -> Iterator[Rich | None]:
    yield snoozed_line(settings) if settings.snoozed_until else None
    yield from _alerts(settings)
    if subscription.muted:
        yield tr("This petition is silent: all its alerts arrive without sound.")
    yield digest_line(settings.chat.preferences) if settings.has_digest else None
    yield ""
    yield _closing_line(settings)
    custom = subscription.preferences.milestones
    if custom and custom != CustomMilestones():
        yield say("Your own milestones: <b>{milestones}</b>", milestones=milestones_named(custom))


def _alerts(settings: SettingsContext) -> Iterator[Rich]:
    """Yield the preset that was chosen, and a line for each loudness that some kind of news has."""
    preset = preset_of(settings.in_force)
    chosen = _preset_name(settings, preset) if preset else tr("your own choice")
    if settings.followed and not settings.preferences.loudness:
        yield say("Alerts: same as this chat (<b>{chosen}</b>)", chosen=chosen)
    else:
        yield say("Alerts: <b>{chosen}</b>", chosen=chosen)
    yield from (
        _as_loud(settings, loudness)
        for loudness in _STEPS
        if any(settings.in_force(kind) == loudness for kind in settings.kinds)
    )


def in_a_sentence(settings: SettingsContext) -> Rich:
    """Word how loudly news is told, and when not, for whoever has just begun to follow."""
    preferences = settings.chat.preferences
    told: list[Rich] = [tr(_IN_A_SENTENCE[preset_of(settings.in_force)])]
    if settings.followed and settings.followed.subscription.muted:
        told = [tr("Alerts arrive without sound.")]
    if settings.has_digest:
        told += [" ", digest_line(preferences), "."]
    if preferences.quiet:
        told += [" ", quiet_line(preferences), "."]
    if snoozed := settings.snoozed_until or snoozed_until(preferences, settings.now):
        told += [" ", tr("Snoozed until {moment}.", moment=moment_there(snoozed, preferences.zone))]
    return row(*told)


_IN_A_SENTENCE: dict[Preset | None, str] = {
    "everything": marked("Alerts arrive with sound, smaller news without."),
    "big": marked("Alerts arrive about big moments only."),
    "digest": marked("Everything goes into the digest."),
    None: marked("Alerts arrive as you chose in the settings."),
}


def _preset_name(settings: SettingsContext, preset: Preset) -> str:
    """Return the preset's name; a digest that comes once a week is not called daily."""
    digest = settings.chat.preferences.digest
    if preset == "digest" and digest and digest.weekday is not None:
        return tr("Weekly digest")
    return tr(PRESET_NAMES[preset])


def _preset_rows(settings: SettingsContext) -> list[list[Button]]:
    """Return buttons for the three presets, and one to the kinds one by one."""
    now = preset_of(settings.in_force)
    is_inherited = settings.followed is not None and not settings.preferences.loudness
    keys = [
        settings.option(
            _preset_name(settings, each),
            f"preset.{each}",
            is_chosen=each == now and not is_inherited,
        )
        for each in PRESETS
    ]
    keys.append(settings.option(tr("Custom…"), "loud", is_chosen=now is None and not is_inherited))
    return in_rows(keys)


def _closing_line(settings: SettingsContext) -> Rich:
    hours = settings.preferences.closing
    if hours is None and settings.followed:
        return tr("Closing reminders: same as this chat")
    hours = DEFAULT_REMINDERS if hours is None else hours
    if not hours:
        return say("Closing reminders: <b>none</b>")
    spans = listed([length(each) for each in hours])
    return say("Closing reminders: <b>{spans}</b> before closing", spans=spans)


def _language_name(language: str) -> str:
    return LANGUAGES.get(language) or tr("same as Telegram")


def _chat_rows(settings: SettingsContext) -> list[list[Button]]:
    keys = [] if settings.preferences.quiet else [quiet_button(settings)]
    keys += [
        settings.leads(tr("Quiet hours"), "quiet"),
        settings.leads(tr("Urgent news"), "urgent"),
    ]
    if settings.has_digest:
        keys.append(settings.leads(tr("Digest times"), "digest"))
    keys += [
        settings.leads(tr("Time zone"), "zone"),
        settings.leads(tr("Closing reminders"), "closing"),
        settings.leads(tr("Language"), "lang"),
        settings.leads(tr("Snooze"), "snooze"),
    ]
    hears = settings.chat.announcements
    choice = f"news.{'off' if hears else 'on'}"
    keys.append(settings.option(tr("Announcements"), choice, is_chosen=hears))
    if settings.chat.kind == "private":
        keys.append(button(tr("Manage another chat"), ELSEWHERE))
    elif settings.chat.kind != "channel":
        shows = settings.chat.shows_links
        choice = f"links.{'off' if shows else 'on'}"
        keys.append(settings.option(tr("Cards for links"), choice, is_chosen=shows))
    if not is_usual(settings.preferences, settings.now):
        keys.append(settings.leads(tr("Reset settings"), "reset"))
    return [*_preset_rows(settings), *in_rows(keys)]


def _petition_rows(settings: SettingsContext, subscription: Subscription) -> list[list[Button]]:
    is_muted = subscription.muted
    keys = [
        settings.leads(tr("Closing reminders"), "closing"),
        settings.leads(tr("Snooze"), "snooze"),
        button(tr("Your own milestones"), CHOOSE_MILESTONE, settings.petition),
        settings.leads(tr("Turn sound on"), "mute.off")
        if is_muted
        else settings.leads(tr("Make silent"), "mute.on"),
    ]
    if settings.topic != subscription.thread_id:
        here = tr("Move alerts here") if settings.topic else tr("Move to General")
        keys.append(settings.leads(here, "topic"))
    if not is_usual(settings.preferences, settings.now):
        keys.append(settings.leads(tr("Use chat settings"), "reset"))
    return [*_preset_rows(settings), *in_rows(keys), [button(tr("‹ All settings"), SETTINGS)]]


# --- the kinds one by one -------------------------------------------------------------------------


def loudness_page(settings: SettingsContext) -> Page:
    """Word a line for each loudness, with a button for each kind that a press makes quieter."""
    message = compose(
        *lines(
            *_heading(settings),
            "",
            *(_as_loud(settings, loudness) for loudness in _STEPS),
            "",
            tr("Tap a kind of news to change it: with sound, silent, digest, off."),
            italic(say("Or type: {command}", command=code(settings.command("response silent")))),
        )
    )
    keys = (_loudness_button(settings, kind) for kind in settings.kinds)
    return message, [*in_rows(keys, 1), settings.back()]


def _as_loud(settings: SettingsContext, loudness: Loudness) -> Rich:
    """Word what a loudness means, and which kinds have it."""
    kinds = [kind for kind in settings.kinds if settings.in_force(kind) == loudness]
    return say(
        _MEANINGS[loudness], kinds=kinds_named(kinds, settings.sites) if kinds else tr("nothing")
    )


def _loudness_button(settings: SettingsContext, kind: Kind) -> Button:
    text = f"{kind_name(kind, settings.sites)}: {_loudness(settings, kind)}"
    return settings.leads(text, f"loud.{kind}.{_next_step(settings, kind)}")


def _loudness(settings: SettingsContext, kind: Kind) -> str:
    own = settings.preferences.loudness.get(kind)
    if own is None and settings.followed:
        inherited = LOUDNESS_NAMES[usual(kind, settings.chat.preferences)]
        return tr("same as chat ({loudness})", loudness=tr(inherited))
    return tr(LOUDNESS_NAMES[own or usual(kind, Preferences())])


def _next_step(settings: SettingsContext, kind: Kind) -> str:
    """Return the loudness to which a press sets a kind; a petition's own settings have one more."""
    now = settings.preferences.loudness.get(kind)
    if settings.followed:
        steps: tuple[str, ...] = ("usual", *_STEPS)
        return steps[(steps.index(now or "usual") + 1) % len(steps)]
    return _STEPS[(_STEPS.index(now or usual(kind, Preferences())) + 1) % len(_STEPS)]


# --- reminders, language -------------------------------------------------------------------------


def closing_page(settings: SettingsContext) -> Page:
    """Word the page on which is chosen how long before its end a petition is called to mind."""
    inherited = settings.chat.preferences.closing if settings.followed else None
    usual_hours = DEFAULT_REMINDERS if inherited is None else inherited
    hours = usual_hours if settings.preferences.closing is None else settings.preferences.closing
    message = compose(
        *lines(
            *_heading(settings),
            "",
            _closing_line(settings),
            "",
            italic(say("Or type: {command}", command=code(settings.command("closing 7d 3d 6h")))),
        )
    )
    keys = [_reminder_button(settings, each, hours) for each in REMINDERS]
    if settings.followed:
        is_own = settings.preferences.closing is not None
        keys.append(settings.option(tr("Use chat settings"), "closing.usual", is_chosen=not is_own))
    return message, [*in_rows(keys, 3), settings.back()]


def _reminder_button(settings: SettingsContext, hours: int, chosen: tuple[int, ...]) -> Button:
    wanted = [each for each in REMINDERS if (each in chosen) != (each == hours)]
    extra = "-".join(str(each) for each in wanted) or "none"
    text = length(hours)
    return settings.option(text, f"closing.{extra}", is_chosen=hours in chosen)


def language_page(settings: SettingsContext) -> Page:
    """Word the page on which the bot's language is chosen."""
    now = settings.chat.language
    message = compose(
        *lines(
            say("Language: <b>{language}</b>", language=_language_name(now)),
            "",
            italic(say("Or type: {command}", command=code(settings.command("language cy")))),
        )
    )
    keys = [
        settings.option(name, f"lang.{language}", is_chosen=language == now)
        for language, name in LANGUAGES.items()
    ]
    keys.append(settings.option(tr("Same as Telegram"), "lang.auto", is_chosen=not now))
    return message, [*in_rows(keys, 1), settings.back()]


# --- what was not understood ---------------------------------------------------------------------


def misread(wrong: Misread) -> Message:
    """Word how settings are written, after typed ones that make no sense."""
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


def same_every_day() -> Page:
    """Word that no day of the week is quieter than another, and what comes nearest."""
    message = compose(
        *lines(
            tr("Quiet hours are the same every day, so I can't keep to some days only."),
            tr(
                "You can pause everything until Monday morning, set quiet hours for every day, or "
                "choose a day for a weekly digest."
            ),
        )
    )
    keys = [
        button(tr("Snooze until Monday"), SNOOZE, extra="monday"),
        button(tr("Quiet hours"), SETTINGS, extra="quiet"),
        button(tr("Digest"), SETTINGS, extra="digest"),
    ]
    return message, in_rows(keys)


def _no_such_setting(word: str) -> Message:
    return compose(
        *lines(
            say("There's no setting called {word}.", word=code(word[:40])),
            tr("See them all with /settings. You can also type these:"),
            code("quiet · urgent · digest · zone · closing · language · reset"),
            code(" · ".join(("all", *KINDS_IN_SETTINGS))),
        )
    )


def only_for_the_chat(subject: str) -> Message:
    """Word that a petition has no such setting of its own."""
    return compose(
        *lines(
            tr("You can only set that for the whole chat:"),
            code(f"/settings {subject}"),
        )
    )
