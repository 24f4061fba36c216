"""A clock that was a year ahead is put right: what waited for a moment comes as it was meant."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs
from petitions import NOW, REF, petition

from bot.petitions.events import Occurrence, Removed
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.matching import Source
from bot.subscriptions.preferences import EffectivePreferences
from bot.subscriptions.set_back import (
    chat_set_back,
    delivery_set_back,
    preferences_set_back,
    sooner,
)
from bot.subscriptions.subscription import Chat, Preferences, Quiet

YEAR = timedelta(days=365)
HOUR = timedelta(hours=1)
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


def test_a_chats_snooze_lasts_as_long_as_was_meant() -> None:
    snoozed = Chat(1, preferences=Preferences(snoozed_until=NOW + YEAR + MINUTE))
    woken = chat_set_back(snoozed, NOW, YEAR)
    assert woken == Chat(1, preferences=Preferences(snoozed_until=NOW + MINUTE))


def test_a_chat_for_which_nothing_waits_stays_as_it_is() -> None:
    assert chat_set_back(Chat(1, created_at=NOW), NOW, YEAR) == Chat(1, created_at=NOW)


# --- deliveries

HAPPENED = Occurrence(f"{REF}:removed", REF, NOW, Removed())
OWED = Delivery(f"{HAPPENED.key}:1", 1, 1, REF, (HAPPENED.key,), NOW, NOW)


def right(owed: Delivery, *sources: Source, by: timedelta = YEAR) -> Delivery:
    return delivery_set_back(
        delivery=owed,
        occurrences=[HAPPENED],
        petition=petition(),
        sources=sources,
        now=NOW,
        by=by,
    )


def test_what_is_due_stays_due() -> None:
    assert right(OWED) == OWED


def test_what_was_made_and_taken_ahead_was_made_now_and_is_let_go_in_time() -> None:
    ahead = structs.replace(OWED, created_at=NOW + YEAR, leased_until=NOW + YEAR + MINUTE)
    assert right(ahead) == structs.replace(OWED, leased_until=NOW + MINUTE)


def test_what_waits_for_its_next_try_waits_as_long() -> None:
    waits = structs.replace(OWED, not_before=NOW + YEAR + MINUTE, attempts=3)
    assert right(waits) == structs.replace(OWED, not_before=NOW + MINUTE, attempts=3)


def waiting(queue: str, until: datetime, **more: object) -> Delivery:
    return structs.replace(OWED, queue=queue, not_before=until, **more)


def heard(chat: Preferences, own: Preferences | None = None, *, muted: bool = False) -> Source:
    return Source(EffectivePreferences(chat, own or Preferences(), muted))


# At noon these are quiet hours, the digest comes at 18:00, the snooze ends at three.
QUIET = heard(Preferences(quiet=Quiet(11 * 60, 13 * 60)))
DIGEST = heard(Preferences({"status": "digest"}))
SNOOZED = heard(Preferences(snoozed_until=NOW + 3 * HOUR))
OWN_SNOOZE = heard(Preferences(), Preferences(snoozed_until=NOW + 3 * HOUR))
OFF = heard(Preferences({"status": "off"}))
EVENING = datetime(2025, 3, 1, 18, tzinfo=UTC)


@pytest.mark.parametrize("until", [NOW + MINUTE, NOW + YEAR, NOW + YEAR + 9 * HOUR])
@pytest.mark.parametrize(
    ("queue", "source", "then"),
    [
        ("quiet", QUIET, ("quiet", NOW + HOUR)),
        ("digest", DIGEST, ("digest", EVENING)),
        ("snooze", SNOOZED, ("snooze", NOW + 3 * HOUR)),
        (f"snooze:{REF}", OWN_SNOOZE, (f"snooze:{REF}", NOW + 3 * HOUR)),
        ("quiet", heard(Preferences()), ("", NOW)),
    ],
)
def test_what_waits_for_hours_that_somebody_chose_waits_for_the_next_of_these(
    queue: str, source: Source, then: tuple[str, datetime], until: datetime
) -> None:
    again = right(waiting(queue, until), source)
    assert (again.queue, again.not_before) == then


@pytest.mark.parametrize("by", [timedelta(seconds=2), HOUR, 6 * HOUR, YEAR])
def test_a_digest_comes_at_its_hour_however_little_the_clock_was_ahead(by: timedelta) -> None:
    assert right(waiting("digest", EVENING), DIGEST, by=by) == waiting("digest", EVENING)


@pytest.mark.parametrize("lease", [None, NOW - MINUTE, NOW, NOW + MINUTE, NOW + YEAR])
def test_what_nobody_has_a_lease_of_by_the_right_clock_is_planned_anew(
    lease: datetime | None,
) -> None:
    again = right(waiting("digest", NOW + YEAR, leased_until=lease), DIGEST)
    assert again.not_before == EVENING


@pytest.mark.parametrize(
    ("queue", "more"),
    [
        ("", {}),
        ("flood", {}),
        ("batch", {}),
        (f"together:{REF}", {}),
        ("digest", {"attempts": 1}),
        ("digest", {"leased_until": NOW + MINUTE + YEAR}),
    ],
)
def test_what_waits_for_anything_else_waits_as_long(queue: str, more: dict[str, object]) -> None:
    again = right(waiting(queue, NOW + YEAR + MINUTE, **more), DIGEST)
    assert (again.queue, again.not_before) == (queue, NOW + MINUTE)


@pytest.mark.parametrize("sources", [(), (OFF,)], ids=["nobody", "off"])
@pytest.mark.parametrize(
    ("until", "then"),
    [
        (NOW + MINUTE, NOW + MINUTE),
        (NOW + YEAR, NOW + YEAR),
        (NOW + YEAR + MINUTE, NOW + MINUTE),
        (NOW + YEAR + HOUR, NOW + HOUR),
    ],
)
def test_what_is_heard_no_longer_keeps_a_moment_that_the_right_clock_may_have_set(
    until: datetime, then: datetime, sources: Sequence[Source]
) -> None:
    assert right(waiting("digest", until), *sources) == waiting("digest", then)


def test_what_is_heard_no_longer_of_a_muted_petition_comes_without_a_sound() -> None:
    muted = heard(Preferences({"status": "off"}), muted=True)
    assert right(waiting("quiet", NOW + YEAR), muted).silent
    assert right(waiting("quiet", NOW + YEAR + MINUTE), muted).silent
    assert not right(waiting("quiet", NOW), muted).silent  # that was due already
