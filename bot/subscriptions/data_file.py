"""Writes what is kept of a chat as a file that people can read, and reads it back.

Petitions and settings are named as everywhere else. Where messages were, and when their person
consented, is not read back.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct, structs

from bot.local_time import zones
from bot.petitions.events import Kind, Threshold
from bot.petitions.parliaments import description_of
from bot.petitions.petition import PetitionRef, Site
from bot.petitions.reminders import REMINDERS
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.custom_milestones import possible
from bot.subscriptions.event_filter import possible as possible_rule
from bot.subscriptions.preferences import KINDS_IN_SETTINGS
from bot.subscriptions.settings import LONGEST_SNOOZE
from bot.subscriptions.subscription import Chat, Digest, Preferences, Quiet, Rule, Subscription

FORMAT = "petition-bell/1"
FILE = "petition-bell-data.json"

# Dates before this one are not believed: nothing was followed with this bot then.
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)

# A file as large as this is none of ours.
LARGEST = 2_000_000

# The settings that have parts of their own.
_PARTS: Mapping[str, type[Quiet | Digest | CustomMilestones]] = {
    "quiet": Quiet,
    "digest": Digest,
    "milestones": CustomMilestones,
}

_PETITION = "^[a-z][a-z0-9]{0,31}:([1-9][0-9]{0,9}|[A-Z]{2}[0-9]{1,9})\\Z"
_Short = Annotated[str, Meta(max_length=100)]
_Topic = Annotated[int, Meta(gt=0, lt=2**31)]
_Few = Annotated[tuple[_Short, ...], Meta(max_length=20)]


class _Petition(Struct, omit_defaults=True, forbid_unknown_fields=True):
    petition: Annotated[str, Meta(pattern=_PETITION)]
    link: str | None = None
    since: datetime | None = None
    muted: bool = False
    topic: _Topic | None = None
    card_message: int | None = None
    settings: Preferences = Preferences()


class _Rule(Struct, omit_defaults=True, forbid_unknown_fields=True):
    site: _Short
    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1, max_length=20)]
    since: datetime | None = None
    words: _Few = ()
    without: _Few = ()
    topics: _Few = ()
    department: _Short = ""
    constituency: _Short = ""
    constituency_name: _Short = ""
    thresholds: tuple[Threshold, ...] = ()
    topic: _Topic | None = None
    settings: Preferences = Preferences()


class _File(Struct, kw_only=True, forbid_unknown_fields=True):
    """The whole file, in the order in which it reads best."""

    format: str
    chat: int
    known_since: datetime | None = None
    consented_at: datetime | None = None
    language: str = ""
    announcements: bool = True
    settings: Preferences = Preferences()
    subscriptions: Annotated[tuple[_Petition, ...], Meta(max_length=10_000)] = ()
    rules: Annotated[tuple[_Rule, ...], Meta(max_length=1_000)] = ()
    alerts_waiting: int = 0
    unreachable: str = ""
    managing: Annotated[str, Meta(max_length=300)] = ""


class DataFile(NamedTuple):
    """The language, settings, subscriptions and rules that a file brings back into a chat."""

    language: str
    announcements: bool
    preferences: Preferences
    subscriptions: tuple[Subscription, ...]
    rules: tuple[Rule, ...]


def written(
    chat: Chat,
    subscriptions: Sequence[Subscription],
    rules: Sequence[Rule],
    waiting: int,
    sites: Mapping[str, Site],
    *,
    managing: str = "",
) -> bytes:
    """Write everything kept of a chat, for which so many alerts are `waiting`, as JSON.

    `managing` is what another chat is called that its person manages from it.
    """
    file = _File(
        format=FORMAT,
        chat=chat.id,
        known_since=_to_the_second(chat.created_at),
        consented_at=_to_the_second(chat.consented_at),
        language=chat.language,
        announcements=chat.announcements,
        settings=chat.preferences,
        subscriptions=tuple(_petition(each, sites) for each in subscriptions),
        rules=tuple(_rule(each) for each in rules),
        alerts_waiting=waiting,
        unreachable=chat.resting or chat.refused,
        managing=managing,
    )
    return json.dumps(msgspec.to_builtins(file), ensure_ascii=False, indent=2).encode()


def read(content: bytes, chat_id: int, now: datetime) -> DataFile | None:
    """Read what a file brings back into this chat; None if it is not one of ours.

    Topics are left out unless the file is of this very chat. Raises ValueError for a file of ours
    that makes no sense, with what is wrong with it.
    """
    document = _decoded(content)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return None
    try:
        file = msgspec.convert(document, _File)
        _know_every_setting(document)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    subscriptions = tuple(_subscribed(each, file, chat_id, now) for each in file.subscriptions)
    rules = tuple(_ruled(each, file, chat_id, now) for each in file.rules)
    return DataFile(
        file.language, file.announcements, _possible(file.settings, now), subscriptions, rules
    )


def _know_every_setting(document: Mapping[str, Any]) -> None:
    """Raise ValidationError for a setting that is not known, which would be lost unnoticed."""
    places = [document, *document.get("subscriptions", ()), *document.get("rules", ())]
    for settings in (place.get("settings", {}) for place in places):
        parts: list[tuple[type[Struct], Any]] = [(Preferences, settings)]
        parts += [(part, settings[name]) for name, part in _PARTS.items() if settings.get(name)]
        for part, found in parts:
            if unknown := sorted(found.keys() - {*part.__struct_fields__}):
                raise msgspec.ValidationError(f"there is no setting `{unknown[0]}`")


def _decoded(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _petition(each: Subscription, sites: Mapping[str, Site]) -> _Petition:
    site = sites.get(each.petition.site)
    return _Petition(
        petition=str(each.petition),
        link=description_of(site).page(site.url, each.petition.id) if site else None,
        since=_to_the_second(each.created_at),
        muted=each.muted,
        topic=each.thread_id,
        card_message=each.card_id,
        settings=each.preferences,
    )


def _rule(each: Rule) -> _Rule:
    return _Rule(
        site=each.site,
        kinds=each.kinds,
        since=_to_the_second(each.created_at),
        words=each.words,
        without=each.without,
        topics=each.topics,
        department=each.department,
        constituency=each.constituency,
        constituency_name=each.constituency_name,
        thresholds=each.thresholds,
        topic=each.thread_id,
        settings=each.preferences,
    )


def _subscribed(each: _Petition, file: _File, chat_id: int, now: datetime) -> Subscription:
    return Subscription(
        chat_id,
        PetitionRef.parse(each.petition),
        _begun(each.since, now),
        thread_id=each.topic if file.chat == chat_id else None,
        muted=each.muted,
        preferences=_possible(each.settings, now),
    )


def _ruled(each: _Rule, file: _File, chat_id: int, now: datetime) -> Rule:
    rule = Rule(
        chat_id,
        each.site,
        _begun(each.since, now),
        each.kinds,
        words=each.words,
        without=each.without,
        topics=each.topics,
        department=each.department,
        constituency=each.constituency,
        constituency_name=each.constituency_name,
        thresholds=each.thresholds,
        thread_id=each.topic if file.chat == chat_id else None,
        preferences=_possible(each.settings, now),
    )
    found = possible_rule(rule)
    if found is None:
        raise ValueError(f"no button makes this rule: {msgspec.json.encode(each).decode()}")
    return found


def _possible(preferences: Preferences, now: datetime) -> Preferences:
    """Return the preferences without what nobody could have chosen: it would trouble others."""
    until, closing, urgent = preferences.snoozed_until, preferences.closing, preferences.urgent
    is_snoozed = until is not None and until.tzinfo and now < until <= now + LONGEST_SNOOZE
    return structs.replace(
        preferences,
        snoozed_until=until if is_snoozed else None,
        zone=preferences.zone if preferences.zone in zones() else "",
        closing=closing and tuple(hours for hours in REMINDERS if hours in closing),
        urgent=urgent and tuple(kind for kind in KINDS_IN_SETTINGS if kind in urgent),
        milestones=preferences.milestones and possible(preferences.milestones),
    )


def _begun(since: datetime | None, now: datetime) -> datetime:
    is_past = since is not None and since.tzinfo and _FIRST <= since < now
    return since if since and is_past else now


def _to_the_second(when: datetime | None) -> datetime | None:
    return when.replace(microsecond=0) if when else None
