"""A chat rests, refuses and is open again: what of it is kept, and since when."""

from datetime import timedelta

import pytest
from msgspec import ValidationError, convert, structs
from petitions import NOW, REF

from bot.subscriptions.announcement import (
    Announcement,
    drafted,
    hears_announcements,
    read,
    written,
)
from bot.subscriptions.delivery import chat_of
from bot.subscriptions.subscription import Chat, Digest, Quiet, Rule, Subscription

LATER = NOW + timedelta(hours=1)
TICK = timedelta(microseconds=1)
OPEN = Chat(7, created_at=NOW, language="cy", returned=True)
RESTING = structs.replace(OPEN, resting="blocked", resting_since=NOW, returned=False)
REFUSING = structs.replace(OPEN, refused="a topic", refusals=3, refused_since=NOW, probe_at=LATER)


def test_a_chat_rests_since_it_first_did() -> None:
    assert OPEN.resting_for("blocked", NOW) == RESTING
    assert RESTING.resting_for("left", LATER) == structs.replace(RESTING, resting="left")
    assert REFUSING.resting_for("blocked", NOW) == RESTING


def test_a_chat_that_refuses_is_there_and_has_refused_since_it_first_did() -> None:
    assert OPEN.refusing("a topic", 3, NOW, LATER) == REFUSING
    again = structs.replace(REFUSING, refused="no right", refusals=4, probe_at=LATER + TICK)
    assert REFUSING.refusing("no right", 4, LATER, LATER + TICK) == again
    awake = structs.replace(REFUSING, returned=False)
    assert RESTING.refusing("a topic", 3, NOW, LATER) == awake


def test_a_chat_that_is_open_neither_rests_nor_refuses() -> None:
    assert OPEN.open() == REFUSING.open() == OPEN
    assert RESTING.open() == structs.replace(OPEN, returned=False)


@pytest.mark.parametrize(
    ("chat", "is_shut"),
    [(OPEN, False), (RESTING, True), (REFUSING, True), (Chat(7, refused="a topic"), False)],
)
def test_a_chat_is_shut_that_rests_or_is_probed(chat: Chat, is_shut: bool) -> None:
    assert chat.is_shut is is_shut


@pytest.mark.parametrize(
    ("chat", "has_rested"),
    [
        (RESTING, True),
        (structs.replace(RESTING, resting_since=NOW - TICK), True),
        (structs.replace(RESTING, resting_since=NOW + TICK), False),
        (structs.replace(RESTING, resting=""), False),
        (structs.replace(RESTING, resting_since=None), False),
        (OPEN, False),
    ],
)
def test_a_chat_has_rested_as_long_as_since_then(chat: Chat, has_rested: bool) -> None:
    assert chat.has_rested(NOW) is has_rested


def test_who_never_chose_has_a_digest_daily_at_six_in_the_evening() -> None:
    assert Digest() == Digest(minute=1080, weekday=None)


def test_a_new_chat_is_private_takes_announcements_and_shows_no_links() -> None:
    chat = Chat(7)
    assert (chat.kind, chat.announcements, chat.shows_links) == ("private", True, False)
    assert (chat.returned, chat.refusals, chat.is_shut) == (False, 0, False)


def test_a_new_subscription_has_a_sound_and_a_new_rule_no_number_yet() -> None:
    subscription, rule = Subscription(7, REF, NOW), Rule(7, "uk", NOW, ("response",))
    assert (subscription.muted, subscription.thread_id, subscription.card_id) == (False, None, None)
    assert (rule.number, rule.is_lost_told, rule.thread_id) == (0, False, None)


@pytest.mark.parametrize(
    ("start", "end", "is_a_time"),
    [(0, 1439, True), (1439, 0, True), (-1, 0, False), (0, -1, False), (1440, 0, False)],
)
def test_hours_are_minutes_of_one_day(start: int, end: int, is_a_time: bool) -> None:
    kept = {"start": start, "end": end}
    if is_a_time:
        assert convert(kept, Quiet) == Quiet(start, end)
    else:
        with pytest.raises(ValidationError):
            convert(kept, Quiet)


def test_the_key_of_a_delivery_ends_with_its_chat() -> None:
    assert chat_of("uk:700000:milestone:10000:-1005") == -1005
    assert chat_of("7") == 7


# --- who hears announcements

AGREED = Chat(7, consented_at=NOW)


@pytest.mark.parametrize(
    ("chat", "hears"),
    [
        (AGREED, True),
        (Chat(7), False),
        (Chat(-7, "group"), True),
        (Chat(-7, "supergroup"), True),
        (Chat(-7, "supergroup", consented_at=NOW), True),
        (structs.replace(AGREED, announcements=False), False),
        (Chat(-7, "group", announcements=False), False),
        (structs.replace(AGREED, resting="blocked"), False),
        (structs.replace(AGREED, probe_at=NOW), False),
    ],
)
def test_announcements_are_for_who_agreed_wants_them_and_is_reached(
    chat: Chat, hears: bool
) -> None:
    assert hears_announcements(chat) is hears


def test_an_announcement_is_told_from_another_by_its_text_and_its_time() -> None:
    tea = drafted("Tea is served.", NOW, 9)
    assert tea == Announcement(tea.key, "Tea is served.", 9)
    assert len(tea.key) == 16
    assert drafted("Tea is served.", NOW, 8).key == tea.key
    others = {drafted("Tea is served.", NOW + TICK, 9).key, drafted("Tea", NOW, 9).key}
    assert len(others | {tea.key}) == 3


def test_an_announcement_under_way_is_kept_in_a_note() -> None:
    under_way = Announcement("key", "Tea.", 9, "5", 4, 3, 2, is_done=True, moved=(-1, -2))
    assert read(written(under_way)) == under_way
    assert (under_way.told, under_way.refused, under_way.unsure) == (4, 3, 2)
    assert read(written(drafted("Tea.", NOW, 9))) == drafted("Tea.", NOW, 9)
    tea = drafted("Tea.", NOW, 9)
    assert (tea.place, tea.told, tea.refused, tea.unsure, tea.moved) == ("", 0, 0, 0, ())
    assert not tea.is_done
    assert read("") is read(None) is None
