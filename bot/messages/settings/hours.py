"""Words the settings that speak of hours: quiet hours, the digest, the time zone."""

from datetime import datetime

from bot.local_time import LONDON, zone_of
from bot.messages.buttons import Button, in_rows
from bot.messages.chat.conversation import ask_button
from bot.messages.format import time_of_day, weekday_name
from bot.messages.i18n import say, tr
from bot.messages.kinds import kind_name, kinds_named
from bot.messages.message import Rich, code, compose, italic, lines, row
from bot.messages.settings.context import Page, SettingsContext, moment_there
from bot.subscriptions.preferences import next_digest
from bot.subscriptions.subscription import Digest, Preferences, Quiet
from bot.subscriptions.typed_settings import NoZone

_QUIET = (Quiet(22 * 60, 7 * 60), Quiet(23 * 60, 8 * 60), Quiet(0, 8 * 60))
_DIGEST_HOURS = (7, 8, 12, 18, 21)
_ZONES = (
    LONDON,
    "Europe/Paris",
    "Europe/Athens",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Hong_Kong",
    "Australia/Sydney",
    "Pacific/Auckland",
)


def quiet_line(preferences: Preferences) -> Rich:
    """Word the quiet hours in one line."""
    if preferences.quiet is None:
        return say("Quiet hours: <b>none</b>")
    return say(
        "Quiet hours: <b>{start} to {end}</b>",
        start=time_of_day(preferences.quiet.start),
        end=time_of_day(preferences.quiet.end),
    )


def quiet_button(settings: SettingsContext) -> Button:
    """Return the button that chooses the hours most people sleep in."""
    start, end = time_of_day(_QUIET[0].start), time_of_day(_QUIET[0].end)
    label = tr("Quiet {start} to {end}", start=start, end=end)
    return settings.leads(label, f"quiet.{_QUIET[0].start}-{_QUIET[0].end}")


def quiet_page(settings: SettingsContext) -> Page:
    """Word the page of the quiet hours: when they are, and what becomes of alerts then."""
    message = compose(
        *lines(
            quiet_line(settings.preferences),
            "",
            tr("When quiet hours end, one summary tells what happened meanwhile."),
            _zone_line(settings.preferences),
            "",
            italic(say("Other times: {command}", command=code("/settings quiet 21:30-06:30"))),
        )
    )
    keys = [settings.option(tr("None"), "quiet.off", is_chosen=settings.preferences.quiet is None)]
    keys += [
        settings.option(
            f"{time_of_day(quiet.start)}–{time_of_day(quiet.end)}",
            f"quiet.{quiet.start}-{quiet.end}",
            is_chosen=quiet == settings.preferences.quiet,
        )
        for quiet in _QUIET
    ]
    keys.append(ask_button(tr("Other hours…"), "quiet"))
    also = [settings.leads(tr("Urgent news"), "urgent"), settings.leads(tr("Time zone"), "zone")]
    return message, [*in_rows(keys), also, settings.back()]


def urgent_page(settings: SettingsContext) -> Page:
    """Word the page on which news is chosen that is sent even in quiet hours."""
    urgent = settings.preferences.urgent or ()
    ringing = kinds_named(urgent, settings.sites) if urgent else tr("nothing")
    message = compose(
        *lines(
            say("Sent even in quiet hours: <b>{kinds}</b>", kinds=ringing),
            tr("News that is set to silent still makes no sound."),
            quiet_line(settings.preferences),
            "",
            italic(say("Or type: {command}", command=code("/settings urgent response debate"))),
        )
    )
    keys = [
        settings.option(
            kind_name(kind, settings.sites),
            f"urgent.{kind}.{'off' if kind in urgent else 'on'}",
            is_chosen=kind in urgent,
        )
        for kind in settings.kinds
    ]
    return message, [*in_rows(keys), settings.back()]


def digest_line(preferences: Preferences) -> Rich:
    """Word the days and the time at which the digest comes."""
    digest = preferences.digest or Digest()
    time = time_of_day(digest.minute)
    if digest.weekday is None:
        return say("Digest: <b>every day at {time}</b>", time=time)
    day = weekday_name(digest.weekday)
    return say("Digest: <b>every {weekday} at {time}</b>", weekday=day, time=time)


def digest_page(settings: SettingsContext) -> Page:
    """Word the page on which the time of the digest is chosen, and what goes into it."""
    digest = settings.preferences.digest or Digest()
    message = compose(
        *lines(
            digest_line(settings.preferences),
            tr("Next digest: {moment}.", moment=next_one(settings.preferences, settings.now)),
            "",
            tr("It brings the news that is set to “digest”, and doesn't come if there's none."),
            _zone_line(settings.preferences),
            "",
            italic(say("Or type: {command}", command=code("/settings digest weekly monday 9:00"))),
        )
    )
    return message, [*_digest_rows(settings, digest), settings.back()]


def next_one(preferences: Preferences, now: datetime) -> str:
    """Word the moment of the next digest, where the chat lives."""
    zone = preferences.zone or LONDON
    return moment_there(next_digest(preferences.digest or Digest(), now, zone), zone)


def _digest_rows(settings: SettingsContext, digest: Digest) -> list[list[Button]]:
    weekday = "" if digest.weekday is None else digest.weekday
    hours = [
        settings.option(
            time_of_day(hour * 60),
            f"digest.{hour * 60}.{weekday}",
            is_chosen=digest.minute == hour * 60,
        )
        for hour in _DIGEST_HOURS
    ]
    daily = digest.weekday is None
    days = [settings.option(tr("Every day"), f"digest.{digest.minute}.", is_chosen=daily)]
    days += [
        settings.option(
            weekday_name(day), f"digest.{digest.minute}.{day}", is_chosen=day == digest.weekday
        )
        for day in range(7)
    ]
    days.append(ask_button(tr("Another time…"), "digest"))
    return [*in_rows(hours, 5), *in_rows(days)]


def _zone_line(preferences: Preferences) -> Rich:
    return say("Time zone: <b>{zone}</b>", zone=preferences.zone or LONDON)


def zone_page(settings: SettingsContext) -> Page:
    """Word the page on which the chat's time zone is chosen."""
    now = settings.preferences.zone or LONDON
    local = settings.now.astimezone(zone_of(now))
    message = compose(
        *lines(
            _zone_line(settings.preferences),
            tr("It's {time} there now.", time=f"{local:%H:%M}"),
            "",
            tr("Quiet hours and digests use the time there, including when the clocks change."),
            italic(say("Somewhere else: {command}", command=code("/settings zone Asia/Kathmandu"))),
        )
    )
    keys = [_zone_button(settings, zone) for zone in dict.fromkeys((*_ZONES, now))]
    keys.append(ask_button(tr("Somewhere else…"), "zone"))
    return message, [*in_rows(keys), settings.back()]


def _zone_button(settings: SettingsContext, zone: str) -> Button:
    is_chosen = zone == (settings.preferences.zone or LONDON)
    return settings.option(zone.replace("_", " "), f"zone.{zone}", is_chosen=is_chosen)


def no_zone(settings: SettingsContext, wrong: NoZone) -> Page:
    """Word that there is no such time zone, with the nearest ones as buttons."""
    first: Rich = say("I can't find a time zone called {name}.", name=code(wrong.word[:60]))
    if wrong.is_offset:
        first = tr("A time offset is only right for half the year. Use a place instead, like this:")
    elif not wrong.word:
        first = tr("Which time zone? Use a place, like this:")
    examples = lines(code(f"/settings zone {LONDON}"), code("/settings zone Asia/Kathmandu"))
    nearest = tr("Did you mean one of these?") if wrong.near else row(*examples)
    keys = [_zone_button(settings, zone) for zone in wrong.near]
    return compose(*lines(first, nearest)), [*in_rows(keys, 1), settings.back()]
