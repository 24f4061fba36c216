"""By whose preferences something is heard: loudness, quiet hours, digests, own milestones."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from petitions import NOW, REF, petition

from bot.local_time import next_local
from bot.petitions.events import (
    Closed,
    ClosingSoon,
    Event,
    Loudness,
    MilestoneReached,
    Occurrence,
    Responded,
    ToppedIn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.parliaments import DESCRIPTIONS
from bot.petitions.petition import GovernmentResponse, PetitionRef
from bot.petitions.thresholds import (
    CustomMilestones,
    custom_reached,
    is_on_ladder,
    next_custom,
    rungs,
)
from bot.subscriptions.matching import (
    Plan,
    follower,
    match,
    own_occurrences,
    plans,
    replanned,
    source_of,
    source_of_rule,
    with_own,
)
from bot.subscriptions.preferences import (
    DEFAULT_REMINDERS,
    EffectivePreferences,
    decide,
    next_digest,
    quiet_until,
    without_past_snoozes,
)
from bot.subscriptions.subscription import Digest, Preferences, Quiet, Rule, Subscription

LONDON, NEW_YORK, KATHMANDU = "Europe/London", "America/New_York", "Asia/Kathmandu"
ZONES = (LONDON, NEW_YORK, KATHMANDU)
NIGHT = Quiet(22 * 60, 7 * 60)
LATER = NOW + timedelta(hours=1)


def occurred(*events: Event) -> list[Occurrence]:
    return [Occurrence(f"{REF}:{event.key}", REF, NOW, event) for event in events]


def heard(
    event: Event, effective: EffectivePreferences, now: datetime = NOW
) -> tuple[str, str] | None:
    found = decide(event, petition(), effective, now)
    return (found.loudness, found.queue) if found else None


def following(**choices: object) -> Subscription:
    return Subscription(1, REF, NOW, **choices)  # type: ignore[arg-type]


def planned(
    subscription: Subscription, *events: Event, chat: Preferences | None = None
) -> list[Plan]:
    sources = (source_of(subscription, chat or Preferences()),)
    return list(plans(occurred(*events), petition(), sources, NOW))


RESPONSE = Responded(GovernmentResponse("Yes."))
PASSED_10K = MilestoneReached(10_000, 10_002, "response")


# --- a year of hours -----------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("minute", [0, 90, 9 * 60, 18 * 60 + 30, 23 * 60 + 59])
def test_a_year_of_daily_digests_comes_once_a_local_day_at_the_local_hour(
    zone: str, minute: int
) -> None:
    at = datetime(2025, 12, 31, 12, tzinfo=UTC)
    days: list[date] = []
    while at < datetime(2027, 1, 2, tzinfo=UTC):
        at = next_digest(Digest(minute), at, zone)
        local = at.astimezone(ZoneInfo(zone))
        days.append(local.date())
        skipped = not _exists(local.date(), minute, zone)
        assert skipped or (local.hour, local.minute) == divmod(minute, 60)
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_of_weekly_digests_comes_on_its_day(zone: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    fired = []
    while at < datetime(2026, 12, 31, tzinfo=UTC):
        at = next_digest(Digest(9 * 60, weekday=0), at, zone)
        fired.append(at.astimezone(ZoneInfo(zone)))
    assert {(local.weekday(), local.hour, local.minute) for local in fired} == {(0, 9, 0)}
    assert len({local.date() for local in fired}) == len(fired) == 53


@pytest.mark.parametrize("zone", ZONES)
def test_quiet_hours_hold_exactly_while_local_clocks_say_so(zone: str) -> None:
    """Every quarter of an hour of the weeks round both changes of the clock, in three zones."""
    for start in (datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 10, 22, tzinfo=UTC)):
        for step in range(4 * 24 * 28):
            now = start + timedelta(minutes=15 * step)
            local = now.astimezone(ZoneInfo(zone))
            minute = local.hour * 60 + local.minute
            end = quiet_until(NIGHT, now, zone)
            assert (end is not None) == (minute >= NIGHT.start or minute < NIGHT.end)
            if end:
                told = end.astimezone(ZoneInfo(zone))
                assert (told.hour, told.minute) == (7, 0)
                assert timedelta(0) < end - now <= timedelta(hours=10)


def _exists(day: date, minute: int, zone: str) -> bool:
    hour, minute = divmod(minute, 60)
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(fold=0) == local


def test_an_hour_that_the_clock_skips_comes_late_and_one_that_it_repeats_comes_once() -> None:
    spring = next_local(90, datetime(2026, 3, 28, 12, tzinfo=UTC), LONDON)
    assert spring == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    autumn = next_local(90, datetime(2026, 10, 24, 12, tzinfo=UTC), LONDON)
    assert autumn == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert next_local(90, autumn, LONDON) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@given(
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001 - hypothesis adds it
    st.sampled_from(ZONES),
)
def test_quiet_hours_always_end_at_their_end_and_within_a_day(
    start: int, end: int, naive: datetime, zone: str
) -> None:
    now = naive.replace(tzinfo=UTC)
    until = quiet_until(Quiet(start, end), now, zone)
    if until is not None:
        assert now < until <= now + timedelta(hours=25)
        assert quiet_until(Quiet(start, end), until, zone) is None or start == end


def test_no_hours_are_quiet_between_an_hour_and_itself() -> None:
    assert quiet_until(Quiet(60, 60), NOW, LONDON) is None


def test_a_zone_that_is_not_known_any_more_is_londons() -> None:
    assert next_local(0, NOW, "Mars/Olympus") == next_local(0, NOW, LONDON)


# --- the ladder of loudness ----------------------------------------------------------------------


def test_who_chooses_nothing_hears_what_matters_and_sees_the_rest() -> None:
    assert heard(PASSED_10K, EffectivePreferences()) == ("loud", "")
    assert heard(RESPONSE, EffectivePreferences()) == ("loud", "")
    assert heard(ToppedIn("E14", "Leeds", 3, 10, 0.1), EffectivePreferences()) is None


@pytest.mark.parametrize("chosen", ["loud", "silent", "digest"])
def test_a_kind_is_heard_as_the_chat_chose(chosen: Loudness) -> None:
    found = decide(
        RESPONSE, petition(), EffectivePreferences(Preferences({"response": chosen})), NOW
    )
    assert found is not None
    assert found.loudness == chosen
    assert found.silent == (chosen == "silent")
    assert found.queue == ("digest" if chosen == "digest" else "")


def test_what_is_off_is_owed_to_nobody() -> None:
    assert heard(RESPONSE, EffectivePreferences(Preferences({"response": "off"}))) is None
    assert planned(following(), RESPONSE, chat=Preferences({"response": "off"})) == []


def test_a_subscriptions_choice_goes_before_its_chats() -> None:
    effective = EffectivePreferences(
        Preferences({"response": "off"}), Preferences({"response": "loud"})
    )
    assert heard(RESPONSE, effective) == ("loud", "")


def test_a_digest_is_one_lane_due_at_its_hour() -> None:
    chat = Preferences({"response": "digest"}, digest=Digest(8 * 60), zone=NEW_YORK)
    (plan,) = planned(following(), RESPONSE, chat=chat)
    assert (plan.queue, plan.not_before) == ("digest", datetime(2025, 3, 1, 13, tzinfo=UTC))


def test_quiet_hours_hold_back_all_but_what_is_urgent() -> None:
    night = datetime(2025, 3, 1, 23, 30, tzinfo=UTC)
    quiet = Preferences(quiet=NIGHT, urgent=("response",))
    assert heard(PASSED_10K, EffectivePreferences(quiet), night) == ("loud", "quiet")
    assert heard(RESPONSE, EffectivePreferences(quiet), night) == ("loud", "")
    found = decide(PASSED_10K, petition(), EffectivePreferences(quiet), night)
    assert found is not None
    assert found.not_before == datetime(2025, 3, 2, 7, tzinfo=UTC)


def test_a_snooze_that_ends_at_night_waits_for_the_morning() -> None:
    ends = datetime(2025, 3, 4, 3, tzinfo=UTC)
    effective = EffectivePreferences(
        Preferences(quiet=NIGHT, urgent=("threshold",)), Preferences(snoozed_until=ends)
    )
    found = decide(PASSED_10K, petition(), effective, NOW)
    assert found is not None
    # With all else that the night has kept, in one message.
    assert (found.queue, found.not_before) == ("quiet", datetime(2025, 3, 4, 7, tzinfo=UTC))


def test_a_snooze_of_everything_outlasts_a_shorter_one_of_one_petition() -> None:
    long, short = NOW + timedelta(days=7), NOW + timedelta(days=1)
    effective = EffectivePreferences(
        Preferences(snoozed_until=long), Preferences(snoozed_until=short)
    )
    assert heard(RESPONSE, effective) == ("loud", "snooze")
    assert heard(RESPONSE, EffectivePreferences(Preferences(snoozed_until=NOW))) == ("loud", "")


@pytest.mark.parametrize(("own", "chat"), [(7, 1), (1, 7), (7, 7)])
@pytest.mark.parametrize("loudness", ["loud", "digest"])
def test_a_petition_and_its_chat_both_snoozed_are_quiet_until_the_later_end(
    own: int, chat: int, loudness: Loudness
) -> None:
    own_end, chat_end = NOW + timedelta(days=own), NOW + timedelta(days=chat)
    effective = EffectivePreferences(
        Preferences({"response": loudness}, snoozed_until=chat_end),
        Preferences(snoozed_until=own_end),
    )
    found = decide(RESPONSE, petition(), effective, NOW)
    assert found is not None
    if loudness == "digest":
        assert found.not_before == next_digest(Digest(), max(own_end, chat_end), LONDON)
    else:
        queue = f"snooze:{REF}" if own >= chat else "snooze"
        assert (found.queue, found.not_before) == (queue, max(own_end, chat_end))


def test_a_snooze_of_everything_holds_the_digest_too() -> None:
    ends = NOW + timedelta(days=7)
    effective = EffectivePreferences(Preferences({"response": "digest"}, snoozed_until=ends))
    found = decide(RESPONSE, petition(), effective, NOW)
    assert found is not None
    assert found.not_before > ends


def test_a_muted_subscriptions_digest_makes_no_sound_either() -> None:
    effective = EffectivePreferences(Preferences({"response": "digest"}), muted=True)
    found = decide(RESPONSE, petition(), effective, NOW)
    assert found is not None
    assert found.silent


def test_what_parliament_closes_all_at_once_is_gathered() -> None:
    assert heard(Closed(84, early=True), EffectivePreferences()) == ("loud", "batch")
    assert heard(Closed(84), EffectivePreferences()) == ("loud", "")


@pytest.mark.parametrize("site", ["senedd", "scotland", "jersey"])
def test_where_no_dissolution_closes_petitions_one_that_closes_early_waits_for_no_other(
    site: str,
) -> None:
    described = DESCRIPTIONS[site]
    ref = PetitionRef(site, 7)
    known = petition(ref=ref, url=described.page(described.url, 7))
    found = decide(Closed(84, early=True), known, EffectivePreferences(), NOW)
    assert found
    assert (found.queue, found.not_before) == ("", NOW)


@pytest.mark.parametrize("hours", [14 * 24, 7 * 24, 72, 24, 6])
def test_reminders_come_at_the_chosen_hours_only(hours: int) -> None:
    event = ClosingSoon(hours, NOW, 84)
    assert (heard(event, EffectivePreferences()) is not None) == (hours in DEFAULT_REMINDERS)
    assert heard(event, EffectivePreferences(Preferences(closing=(hours,)))) == ("loud", "")
    assert (
        heard(event, EffectivePreferences(Preferences(closing=(hours,)), Preferences(closing=())))
        is None
    )


# --- milestones of one's own ---------------------------------------------------------------------


def test_the_ladder_knows_its_rungs() -> None:
    every = rungs()
    numbers = [next(every) for _ in range(20)]
    assert all(is_on_ladder(number) for number in numbers)
    assert not any(is_on_ladder(number + 1) for number in numbers)


def test_own_milestones_are_numbers_steps_and_parts_of_the_thresholds() -> None:
    custom = CustomMilestones((1_234,), 5_000, (50,))
    assert custom_reached(custom, petition(), 84, 60_000) == {1_234, 5_000, 50_000, 60_000}
    assert custom_reached(custom, petition(), 84, 4_999) == {1_234}
    assert next_custom(custom, petition(), 4_999) == 5_000
    assert next_custom(CustomMilestones((10,)), petition(), 84) is None


def test_who_stands_at_a_milestone_of_ones_own_has_the_next_one_before_them() -> None:
    assert next_custom(CustomMilestones((1_234,)), petition(), 1_233) == 1_234
    assert next_custom(CustomMilestones((1_234,)), petition(), 1_234) is None
    assert next_custom(CustomMilestones((1_234, 2_000)), petition(), 1_234) == 2_000
    assert next_custom(CustomMilestones(every=5_000), petition(), 4_999) == 5_000
    assert next_custom(CustomMilestones(every=5_000), petition(), 5_000) == 10_000
    # Half of the threshold for a response, then of that for a debate.
    assert next_custom(CustomMilestones(percents=(50,)), petition(), 5_000) == 50_000
    assert custom_reached(CustomMilestones((1_234,)), petition(), 1_233, 1_234) == {1_234}
    assert custom_reached(CustomMilestones((1_234,)), petition(), 1_234, 1_300) == set()


def test_a_number_somebody_else_wished_for_rings_for_nobody_else() -> None:
    own = MilestoneReached(15_000, 15_004)
    assert planned(following(), own) == []
    assert (
        len(
            planned(following(preferences=Preferences(milestones=CustomMilestones((15_000,)))), own)
        )
        == 1
    )


def test_a_threshold_that_is_ones_own_milestone_rings_once_and_as_the_louder() -> None:
    preferences = Preferences({"threshold": "off"}, milestones=CustomMilestones((10_000,)))
    (plan,) = planned(following(preferences=preferences), PASSED_10K)
    assert plan.head == f"{REF}:milestone:10000"


def test_own_milestones_passed_in_one_look_share_the_ladders_message() -> None:
    before, after = known(9_000), known(21_000)
    found = occurred(PASSED_10K)
    own = own_occurrences(
        before, after, [CustomMilestones((15_000,)), CustomMilestones(every=10_000)], NOW
    )
    together = with_own(found, own)
    assert [o.key for o in together] == [f"{REF}:milestone:{n}" for n in (10_000, 15_000, 20_000)]
    (plan,) = plans(
        together,
        petition(),
        (
            source_of(
                following(preferences=Preferences(milestones=CustomMilestones((15_000,)))),
                Preferences(),
            ),
        ),
        NOW,
    )
    assert plan.occurrences == (f"{REF}:milestone:10000", f"{REF}:milestone:15000")


def test_a_count_that_fell_and_rose_again_passes_no_milestone_anew() -> None:
    fell = PetitionHistory(petition(signature_count=9_000), NOW, peak=16_000)
    assert own_occurrences(fell, known(15_500), [CustomMilestones((15_000,))], NOW) == []
    assert own_occurrences(None, known(15_500), [CustomMilestones((15_000,))], NOW) == []


def known(count: int) -> PetitionHistory:
    return PetitionHistory(petition(signature_count=count), NOW)


# --- several ways at once ------------------------------------------------------------------------


def rule(**choices: object) -> Rule:
    asked: dict[str, object] = {"kinds": ("response", "threshold"), "number": 1, **choices}
    return Rule(1, "uk", NOW, **asked)  # type: ignore[arg-type]


def test_a_chat_that_follows_and_has_two_rules_hears_once_by_the_loudest() -> None:
    loud = Preferences({"response": "loud"})
    rules = [
        rule(preferences=Preferences({"response": "silent"})),
        rule(number=2, thread_id=9, preferences=loud),
    ]
    chat = follower(following(), rules, Preferences({"response": "digest"}), 1)
    (delivery,) = match(occurred(RESPONSE), petition(), [chat], NOW, 1)
    assert (delivery.queue, delivery.silent, delivery.rule, delivery.thread_id) == ("", False, 2, 9)


@pytest.mark.parametrize(
    ("choices", "queue"),
    [
        ({"preferences": Preferences({"response": "off"})}, None),
        ({"preferences": Preferences({"response": "digest"})}, "digest"),
        ({"preferences": Preferences(snoozed_until=NOW + timedelta(days=7))}, f"snooze:{REF}"),
        ({"muted": True}, ""),
    ],
)
def test_what_was_chosen_for_one_petition_goes_before_any_rule(
    choices: dict[str, object], queue: str | None
) -> None:
    chat = follower(following(**choices), [rule()], Preferences(), 1)
    deliveries = match(occurred(RESPONSE), petition(), [chat], NOW, 1)
    assert [delivery.queue for delivery in deliveries] == ([] if queue is None else [queue])
    assert all(delivery.silent or queue for delivery in deliveries)


def test_a_subscription_goes_before_a_rule_that_is_as_loud() -> None:
    chat = follower(following(thread_id=5), [rule(thread_id=9)], Preferences(), 1)
    (delivery,) = match(occurred(RESPONSE), petition(), [chat], NOW, 1)
    assert (delivery.rule, delivery.thread_id) == (0, 5)


def test_a_rule_hears_its_own_kinds_and_thresholds_only() -> None:
    only_debates = rule(kinds=("threshold",), thresholds=("debate",))
    sources = (source_of_rule(only_debates, Preferences()),)
    assert plans(occurred(PASSED_10K, RESPONSE), petition(), sources, NOW) == ()
    passed = MilestoneReached(100_000, 100_001, "debate")
    assert len(plans(occurred(passed), petition(), sources, NOW)) == 1


def test_a_rule_of_a_constituency_hears_of_that_one() -> None:
    seat = rule(kinds=("top_ten",), constituency="E14001")
    sources = (source_of_rule(seat, Preferences()),)
    mine, other = ToppedIn("E14001", "Leeds", 3, 10, 0.1), ToppedIn("E14002", "York", 4, 9, 0.1)
    (plan,) = plans(occurred(mine, other), petition(), sources, NOW)
    assert plan.head == f"{REF}:top_ten:E14001"


def test_what_waits_is_planned_anew_when_its_terms_change() -> None:
    night = datetime(2025, 3, 1, 23, 30, tzinfo=UTC)
    quiet = Preferences(quiet=NIGHT)
    chat = follower(following(), [], quiet, 1)
    (waiting,) = match(occurred(RESPONSE), petition(), [chat], night, 1)
    assert waiting.queue == "quiet"
    sources = (source_of(following(), Preferences()),)
    awake = replanned(waiting, occurred(RESPONSE), petition(), sources, night)
    assert (awake.queue, awake.not_before) == ("", night)
    turned_off = (source_of(following(), Preferences({"response": "off"})),)
    assert replanned(waiting, occurred(RESPONSE), petition(), turned_off, night) == waiting


def test_a_snooze_that_is_over_tells_no_policies_apart() -> None:
    effective = EffectivePreferences(
        Preferences(zone=KATHMANDU, snoozed_until=NOW), Preferences(snoozed_until=LATER), muted=True
    )
    awake = structs.replace(effective, chat=Preferences(zone=KATHMANDU))
    assert without_past_snoozes(effective, NOW) == awake
    assert without_past_snoozes(effective, LATER) == structs.replace(awake, own=Preferences())


def test_what_is_due_already_stays_as_it_is() -> None:
    chat = follower(following(), [], Preferences(), 1)
    (due,) = match(occurred(RESPONSE), petition(), [chat], NOW, 1)
    sources = (source_of(following(), Preferences(quiet=NIGHT)),)
    assert replanned(due, occurred(RESPONSE), petition(), sources, NOW + timedelta(hours=11)) == due
