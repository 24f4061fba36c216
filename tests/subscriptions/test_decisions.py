"""How loudly an event is heard, and when: each choice alone, at the moment where it changes."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs
from petitions import NOW, REF, petition

from bot.petitions.events import (
    Closed,
    ClosingSoon,
    Event,
    Kind,
    MilestoneReached,
    Responded,
    Surged,
    ToppedIn,
)
from bot.petitions.petition import GovernmentResponse
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.preferences import (
    DEFAULT_REMINDERS,
    DEFAULTS,
    LOUDNESS,
    Decision,
    EffectivePreferences,
    decide,
    is_chosen,
    quiet_until,
    rule_loudness,
    without_past_snoozes,
)
from bot.subscriptions.subscription import Digest, Preferences, Quiet

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TICK = timedelta(microseconds=1)
LONDON = "Europe/London"
RESPONSE = Responded(GovernmentResponse("Yes."))
SURGE = Surged(9, 1.0, 84)
CLOSED_EARLY = Closed(84, early=True)
LOUD = Preferences()
# At noon, when everything here happens.
NIGHT = Quiet(11 * 60, 13 * 60)


def heard(
    event: Event, chat: Preferences = LOUD, own: Preferences = LOUD, **more: object
) -> Decision | None:
    effective = EffectivePreferences(chat, own, **more)  # type: ignore[arg-type]
    return decide(event, petition(), effective, NOW)


def at(hour: int, minute: int = 0, day: int = 1) -> datetime:
    return datetime(2025, 3, day, hour, minute, tzinfo=UTC)


# --- quiet hours


@pytest.mark.parametrize(
    ("quiet", "now", "end"),
    [
        (Quiet(60, 120), at(1) - TICK, None),
        (Quiet(60, 120), at(1), at(2)),
        (Quiet(60, 120), at(2) - TICK, at(2)),
        (Quiet(60, 120), at(2), None),
        (Quiet(1380, 60), at(23) - TICK, None),
        (Quiet(1380, 60), at(23), at(1, day=2)),
        (Quiet(1380, 60), at(0), at(1)),
        (Quiet(1380, 60), at(1) - TICK, at(1)),
        (Quiet(1380, 60), at(1), None),
        (Quiet(0, 1), at(0), at(0, 1)),
        (Quiet(1439, 0), at(23, 59), at(0, day=2)),
        (Quiet(61, 60), at(1), None),
        (Quiet(61, 60), at(1, 1), at(1, day=2)),
        (Quiet(60, 60), at(1), None),
        (Quiet(0, 0), at(0), None),
    ],
)
def test_quiet_hours_hold_from_their_first_minute_until_their_last(
    quiet: Quiet, now: datetime, end: datetime | None
) -> None:
    assert quiet_until(quiet, now, LONDON) == end


def test_quiet_hours_are_those_of_the_chats_zone_else_of_london() -> None:
    summer = datetime(2025, 7, 1, 0, 30, tzinfo=UTC)  # half past one in London
    for zone, end in (("", at(2)), ("Asia/Kathmandu", None)):
        chat = Preferences(quiet=Quiet(60, 120), zone=zone)
        found = decide(RESPONSE, petition(), EffectivePreferences(chat), summer)
        until = datetime(2025, 7, 1, 1, tzinfo=UTC) if end else summer
        assert found == Decision("loud", "quiet" if end else "", until, silent=False)


# --- defaults


def test_who_never_chooses_hears_these_with_a_sound_and_those_without() -> None:
    assert LOUDNESS == ("off", "digest", "silent", "loud")
    by_loudness = {each: {k for k in DEFAULTS if DEFAULTS[k] == each} for each in LOUDNESS}
    assert by_loudness == {
        "off": {"top_ten"},
        "digest": set(),
        "silent": {"business", "overdue", "surge", "count_fell"},
        "loud": {
            "threshold",
            "milestone",
            "custom_milestone",
            "response",
            "debate",
            "closing",
            "status",
            "opened",
        },
    }
    assert DEFAULT_REMINDERS == (72, 6)


def test_what_is_heard_at_once_is_decided_so() -> None:
    assert heard(RESPONSE) == Decision("loud", "", NOW, silent=False)
    assert heard(SURGE) == Decision("silent", "", NOW, silent=True)
    assert heard(RESPONSE, muted=True) == Decision("loud", "", NOW, silent=True)
    assert heard(SURGE, muted=True) == Decision("silent", "", NOW, silent=True)


# --- where it waits


@pytest.mark.parametrize(
    ("own", "chat", "queue", "until"),
    [
        (None, None, "", NOW),
        (NOW, NOW, "", NOW),
        (NOW - TICK, NOW - TICK, "", NOW),
        (NOW + TICK, None, f"snooze:{REF}", NOW + TICK),
        (None, NOW + TICK, "snooze", NOW + TICK),
        (NOW + HOUR, NOW + HOUR, f"snooze:{REF}", NOW + HOUR),
        (NOW + HOUR, NOW + HOUR + TICK, "snooze", NOW + HOUR + TICK),
        (NOW + HOUR, NOW + HOUR - TICK, f"snooze:{REF}", NOW + HOUR),
    ],
)
def test_of_two_snoozes_the_one_that_ends_later_holds(
    own: datetime | None, chat: datetime | None, queue: str, until: datetime
) -> None:
    found = heard(RESPONSE, Preferences(snoozed_until=chat), Preferences(snoozed_until=own))
    assert found == Decision("loud", queue, until, silent=False)


@pytest.mark.parametrize(
    ("own", "chat", "digest"),
    [
        (None, None, at(18)),
        (at(17), None, at(18)),
        (at(18), None, at(18, day=2)),
        (None, at(18), at(18, day=2)),
        (at(17), at(18, day=2), at(18, day=3)),
        (at(18, day=2), at(17), at(18, day=3)),
        (at(1), at(2), at(18)),
    ],
)
def test_a_digest_comes_at_its_hour_after_the_later_snooze(
    own: datetime | None, chat: datetime | None, digest: datetime
) -> None:
    found = heard(
        RESPONSE,
        Preferences({"response": "digest"}, snoozed_until=chat),
        Preferences({}, None, own),
    )
    assert found == Decision("digest", "digest", digest, silent=False)


def test_a_digest_comes_when_the_chat_chose_and_makes_no_sound_if_muted() -> None:
    weekly = Preferences({"response": "digest"}, digest=Digest(540, 0), zone="Asia/Kathmandu")
    monday = datetime(2025, 3, 3, 3, 15, tzinfo=UTC)
    assert heard(RESPONSE, weekly) == Decision("digest", "digest", monday, silent=False)
    assert heard(RESPONSE, weekly, muted=True) == Decision("digest", "digest", monday, silent=True)


@pytest.mark.parametrize(
    ("chat", "own", "queue", "until"),
    [
        (Preferences(quiet=NIGHT), LOUD, "quiet", NOW + HOUR),
        (Preferences(quiet=NIGHT, urgent=()), LOUD, "quiet", NOW + HOUR),
        (Preferences(quiet=NIGHT, urgent=("surge",)), LOUD, "quiet", NOW + HOUR),
        (Preferences(quiet=NIGHT, urgent=("surge", "response")), LOUD, "", NOW),
        (Preferences(urgent=("response",)), LOUD, "", NOW),
        (
            Preferences(quiet=NIGHT, urgent=("response",)),
            Preferences(snoozed_until=NOW + MINUTE),
            "quiet",
            NOW + HOUR,
        ),
        (
            Preferences(quiet=NIGHT, urgent=("response",), snoozed_until=NOW + HOUR),
            LOUD,
            "snooze",
            NOW + HOUR,
        ),
        (Preferences(quiet=Quiet(0, 60)), LOUD, "", NOW),
    ],
)
def test_what_is_urgent_rings_through_quiet_hours_unless_it_was_snoozed(
    chat: Preferences, own: Preferences, queue: str, until: datetime
) -> None:
    assert heard(RESPONSE, chat, own) == Decision("loud", queue, until, silent=False)


@pytest.mark.parametrize(
    ("event", "chat", "queue", "until"),
    [
        (CLOSED_EARLY, LOUD, "batch", NOW + 10 * MINUTE),
        (CLOSED_EARLY, Preferences(quiet=NIGHT), "quiet", NOW + HOUR),
        (
            CLOSED_EARLY,
            Preferences(quiet=NIGHT, urgent=("closing",)),
            "batch",
            NOW + 10 * MINUTE,
        ),
        (CLOSED_EARLY, Preferences(snoozed_until=NOW + TICK), "snooze", NOW + TICK),
        (Closed(84), LOUD, "", NOW),
        (ClosingSoon(72, NOW, 84), LOUD, "", NOW),
    ],
)
def test_what_parliament_closes_is_gathered_for_ten_minutes_unless_it_waits_anyway(
    event: Event, chat: Preferences, queue: str, until: datetime
) -> None:
    assert heard(event, chat) == Decision("loud", queue, until, silent=False)


# --- what it is to whom

SEAT = ToppedIn("E1", "Leeds", 3, 10, 0.1)


@pytest.mark.parametrize(
    ("event", "more", "is_heard"),
    [
        (ClosingSoon(72, NOW, 84), {}, True),
        (ClosingSoon(6, NOW, 84), {}, True),
        (ClosingSoon(24, NOW, 84), {}, False),
        (ClosingSoon(24, NOW, 84), {"chat": Preferences(closing=(24,))}, True),
        (ClosingSoon(72, NOW, 84), {"chat": Preferences(closing=(24,))}, False),
        (ClosingSoon(72, NOW, 84), {"chat": Preferences(closing=())}, False),
        (
            ClosingSoon(24, NOW, 84),
            {"chat": Preferences(closing=(24,)), "own": Preferences(closing=(6,))},
            False,
        ),
        (
            ClosingSoon(6, NOW, 84),
            {"chat": Preferences(closing=(24,)), "own": Preferences(closing=(6,))},
            True,
        ),
        (SEAT, {"kinds": ("top_ten",), "constituency": "E1"}, True),
        (SEAT, {"kinds": ("top_ten",), "constituency": "E10"}, False),
        (SEAT, {"kinds": ("top_ten",), "constituency": "E0"}, False),
        (SEAT, {"kinds": ("response",), "constituency": "E1"}, False),
        (SEAT, {"constituency": "E1"}, False),
        (RESPONSE, {"kinds": ("response",)}, True),
        (RESPONSE, {"kinds": ("debate",)}, False),
        (MilestoneReached(10_000, 10_001, "response"), {"kinds": ("threshold",)}, True),
        (
            MilestoneReached(10_000, 10_001, "response"),
            {"kinds": ("threshold",), "thresholds": ("response",)},
            True,
        ),
        (
            MilestoneReached(10_000, 10_001, "response"),
            {"kinds": ("threshold",), "thresholds": ("debate",)},
            False,
        ),
        (
            MilestoneReached(25_000, 25_001),
            {"kinds": ("milestone",), "thresholds": ("debate",)},
            True,
        ),
        (MilestoneReached(25_000, 25_001), {"kinds": ("threshold",)}, False),
        (MilestoneReached(25_001, 25_001), {}, False),
        (
            MilestoneReached(25_001, 25_001),
            {"own": Preferences(milestones=CustomMilestones((25_001,)))},
            True,
        ),
        (
            MilestoneReached(25_001, 25_001),
            {"own": Preferences(milestones=CustomMilestones((25_000,)))},
            False,
        ),
    ],
)
def test_an_event_concerns_who_asked_for_it(
    event: Event, more: dict[str, object], is_heard: bool
) -> None:
    assert (heard(event, **more) is not None) is is_heard  # type: ignore[arg-type]


def test_a_number_that_is_two_things_is_heard_as_the_louder() -> None:
    own = Preferences(
        {"milestone": "silent", "custom_milestone": "digest"},
        milestones=CustomMilestones((25_000,)),
    )
    for event, loudness in (
        (MilestoneReached(25_000, 25_001), "silent"),
        (MilestoneReached(10_000, 10_001, "response"), "loud"),
    ):
        found = heard(event, own=own)
        assert found is not None
        assert found.loudness == loudness


@pytest.mark.parametrize(
    ("event", "own", "muted", "is_so"),
    [
        (RESPONSE, LOUD, False, False),
        (RESPONSE, LOUD, True, True),
        (RESPONSE, Preferences(snoozed_until=NOW), False, False),
        (RESPONSE, Preferences(snoozed_until=NOW + TICK), False, True),
        (RESPONSE, Preferences({"response": "loud"}), False, True),
        (RESPONSE, Preferences({"debate": "off"}), False, False),
        (ClosingSoon(24, NOW, 84), Preferences({"closing": "loud"}), False, False),
        (ClosingSoon(6, NOW, 84), Preferences({"closing": "loud"}), False, True),
    ],
)
def test_what_was_said_of_this_very_petition_is_chosen(
    event: Event, own: Preferences, muted: bool, is_so: bool
) -> None:
    effective = EffectivePreferences(Preferences({"response": "off"}), own, muted)
    assert is_chosen(event, petition(), effective, NOW) is is_so


@pytest.mark.parametrize(
    ("own", "chat", "loudness"),
    [
        ({"surge": "off"}, {"surge": "loud"}, "off"),
        ({"surge": "off"}, {}, "off"),
        ({"surge": "digest"}, {"surge": "off"}, "digest"),
        ({"debate": "off"}, {"surge": "off"}, "loud"),
        ({"debate": "off"}, {"surge": "silent"}, "silent"),
        ({}, {}, "loud"),
    ],
)
def test_a_rule_is_off_only_where_that_was_chosen_for_the_rule(
    own: dict[Kind, str], chat: dict[Kind, str], loudness: str
) -> None:
    of_rule, of_chat = Preferences(own), Preferences(chat)  # type: ignore[arg-type]
    assert rule_loudness("surge", of_rule, of_chat) == loudness
    found = heard(SURGE, of_chat, of_rule, kinds=("surge",))
    assert (found.loudness if found else "off") == loudness


@pytest.mark.parametrize(
    ("until", "is_kept"), [(NOW - TICK, False), (NOW, False), (NOW + TICK, True)]
)
def test_a_snooze_that_is_over_decides_nothing(until: datetime, is_kept: bool) -> None:
    snoozed, awake = Preferences({}, (6,), until), Preferences({}, (6,))
    kept = snoozed if is_kept else awake
    effective = EffectivePreferences(awake, snoozed, muted=True)
    assert without_past_snoozes(effective, NOW) == structs.replace(effective, own=kept)
    effective = EffectivePreferences(snoozed, awake, kinds=("surge",))
    assert without_past_snoozes(effective, NOW) == structs.replace(effective, chat=kept)
