"""A clock that was a year ahead is put right: what waited for a moment comes as it was meant."""

from datetime import datetime, timedelta

import pytest
from msgspec import structs
from petitions import NOW, REF, petition

from bot.petitions.events import Occurrence, Removed
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.matching import Source
from bot.subscriptions.set_back import (
    chat_set_back,
    delivery_set_back,
    preferences_set_back,
    sooner,
)
from bot.subscriptions.subscription import Chat, Preferences

YEAR = timedelta(days=365)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("moment", "right"),
    [
        (NOW - MINUTE, NOW - MINUTE),
        (NOW, NOW),
        (NOW + MINUTE, NOW),
        (NOW + YEAR, NOW),
        (NOW + YEAR + MINUTE, NOW + MINUTE),
    ],
)
def test_what_lay_ahead_by_the_wrong_clock_comes_as_soon_by_the_right_one(
    moment: datetime, right: datetime
) -> None:
    assert sooner(moment, NOW, YEAR) == right


def test_a_snooze_lasts_as_long_as_was_meant() -> None:
    meant = Preferences(snoozed_until=NOW + YEAR + MINUTE)
    assert preferences_set_back(meant, NOW, YEAR).snoozed_until == NOW + MINUTE


@pytest.mark.parametrize("until", [None, NOW - MINUTE, NOW + MINUTE, NOW + YEAR])
def test_a_snooze_that_the_right_clock_may_have_set_stays(until: datetime | None) -> None:
    chosen = Preferences(snoozed_until=until, zone="Europe/Paris")
    assert preferences_set_back(chosen, NOW, YEAR) == chosen


def test_a_chat_is_tried_again_as_soon_as_was_meant() -> None:
    ahead = NOW + YEAR
    refusing = Chat(1).refusing("no right to write", 2, ahead, ahead + MINUTE)
    right = chat_set_back(refusing, NOW, YEAR)
    assert (right.probe_at, right.refused_since) == (NOW + MINUTE, NOW)
    resting = Chat(1).resting_for("blocked", ahead)
    assert chat_set_back(resting, NOW, YEAR).resting_since == NOW


def test_a_chat_for_which_nothing_waits_stays_as_it_is() -> None:
    assert chat_set_back(Chat(1, created_at=NOW), NOW, YEAR) == Chat(1, created_at=NOW)


# --- deliveries

HAPPENED = Occurrence(f"{REF}:removed", REF, NOW, Removed())
OWED = Delivery(f"{HAPPENED.key}:1", 1, 1, REF, (HAPPENED.key,), NOW, NOW)


def right(owed: Delivery, *sources: Source) -> Delivery:
    return delivery_set_back(owed, [HAPPENED], petition(), sources, now=NOW, by=YEAR)


def test_what_is_due_stays_due() -> None:
    assert right(OWED) == OWED


def test_what_was_made_and_taken_ahead_was_made_now_and_is_let_go_in_time() -> None:
    ahead = structs.replace(OWED, created_at=NOW + YEAR, leased_until=NOW + YEAR + MINUTE)
    assert right(ahead) == structs.replace(OWED, leased_until=NOW + MINUTE)


def test_what_waits_for_its_next_try_waits_as_long() -> None:
    waits = structs.replace(OWED, not_before=NOW + YEAR + MINUTE, attempts=3)
    assert right(waits) == structs.replace(OWED, not_before=NOW + MINUTE, attempts=3)
