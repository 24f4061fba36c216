"""Whom an occurrence concerns: by which source it is heard, in which message, from when."""

from datetime import date, datetime, timedelta

import pytest
from msgspec import structs
from petitions import NOW, REF, petition

from bot.petitions.events import (
    Closed,
    ClosingSoon,
    Debated,
    DebateLink,
    Event,
    Loudness,
    MilestoneReached,
    Occurrence,
    Removed,
    Responded,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import GovernmentResponse
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.delivery import Delivery, is_free
from bot.subscriptions.matching import (
    DeliveryPlanner,
    Follower,
    Plan,
    Source,
    bundled,
    follower,
    head,
    match,
    own_occurrences,
    plans,
    released_queue,
    replanned,
    source_of,
    source_of_rule,
    with_own,
)
from bot.subscriptions.preferences import EffectivePreferences
from bot.subscriptions.subscription import Preferences, Quiet, Rule, Subscription

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
REMOVED = Removed()
RESPONSE = Responded(GovernmentResponse("Yes."))
PASSED_1K, PASSED_10K = MilestoneReached(1_000, 10_002), MilestoneReached(10_000, 10_002)
SEEN = MilestoneReached(15_000, 15_004)
CHAT = Preferences({"response": "silent"})
OWN = Preferences({"response": "loud"})


def occurred(*events: Event) -> list[Occurrence]:
    return [Occurrence(f"{REF}:{event.key}", REF, NOW, event) for event in events]


def source(loudness: Loudness = "loud", rule: int = 0, **more: object) -> Source:
    """A source that hears of a removal so, as its chat does of everything."""
    own = more.pop("own", Preferences())
    return Source(
        EffectivePreferences(Preferences({"status": loudness}, **more), own),  # type: ignore[arg-type]
        rule=rule,
    )


def heard(*sources: Source) -> Plan:
    (plan,) = plans(occurred(REMOVED), petition(), sources, NOW)
    return plan


# --- sources


def test_a_chat_hears_by_its_subscription_first_and_then_by_its_rules() -> None:
    subscription = Subscription(1, REF, NOW, thread_id=5, muted=True, preferences=OWN)
    rules = [
        Rule(1, "uk", NOW, ("top_ten",), 3, constituency="E1", thread_id=9, preferences=OWN),
        Rule(1, "uk", NOW, ("threshold",), 4, thresholds=("debate",)),
    ]
    by_rules = (
        Source(EffectivePreferences(CHAT, OWN, kinds=("top_ten",), constituency="E1"), 9, 3),
        Source(EffectivePreferences(CHAT, kinds=("threshold",), thresholds=("debate",)), None, 4),
    )
    by_subscription = Source(EffectivePreferences(CHAT, OWN, muted=True), 5, 0)
    assert source_of(subscription, CHAT) == by_subscription
    assert tuple(source_of_rule(rule, CHAT) for rule in rules) == by_rules
    assert follower(subscription, rules, CHAT, 1) == Follower(1, (by_subscription, *by_rules))
    assert follower(None, rules, CHAT, 1) == Follower(1, by_rules)
    assert follower(None, (), CHAT, 1) == Follower(1, ())


def test_a_delivery_says_all_that_was_planned() -> None:
    night = Preferences(quiet=Quiet(11 * 60, 13 * 60))
    rule = Rule(1, "uk", NOW, ("response",), 3, thread_id=9, preferences=Preferences())
    muted = Subscription(2, REF, NOW, thread_id=5, muted=True)
    followers = [follower(None, [rule], night, 1), follower(muted, [], Preferences(), 2)]
    key = f"{REF}:{RESPONSE.key}"
    assert match(occurred(RESPONSE), petition(), followers, NOW, 41) == [
        Delivery(
            f"{key}:1", 41, 1, REF, (key,), NOW, NOW + HOUR, thread_id=9, queue="quiet", rule=3
        ),
        Delivery(f"{key}:2", 42, 2, REF, (key,), NOW, NOW, thread_id=5, silent=True),
    ]


# --- by which of them it is heard


@pytest.mark.parametrize(
    ("sources", "place"),
    [
        ((source("silent"), source("loud", 1)), 1),
        ((source("loud"), source("silent", 1)), 0),
        ((source("digest"), source("silent", 1)), 1),
        ((source("off"), source("digest", 1)), 1),
        ((source("loud"), source("loud", 1), source("loud", 2)), 0),
        ((source("silent", 1), source("loud", 2), source("loud", 3)), 1),
        ((source(snoozed_until=NOW + HOUR), source("loud", 1)), 1),
        ((source(snoozed_until=NOW + HOUR), source("silent", 1)), 0),  # louder, if later
        (
            (
                source(snoozed_until=NOW + 2 * HOUR),
                source("loud", 1, snoozed_until=NOW + HOUR),
                source("loud", 2, snoozed_until=NOW + HOUR),
            ),
            1,
        ),
    ],
)
def test_a_thing_is_heard_by_the_loudest_then_the_soonest_then_the_first(
    sources: tuple[Source, ...], place: int
) -> None:
    assert heard(*sources).source == place


QUIETLY = Preferences({"status": "silent"})


def test_what_was_chosen_for_the_petition_goes_before_rules_and_no_rule_before_others() -> None:
    assert heard(source(own=QUIETLY), source("loud", 1)).silent
    assert heard(source("silent"), source("loud", 1)).source == 1
    assert heard(source(own=Preferences({"response": "silent"})), source("loud", 1)).source == 0
    for first in (1, 2):
        assert heard(source(rule=first, own=QUIETLY), source("loud", 3)) == Plan(
            f"{REF}:removed", (f"{REF}:removed",), "", NOW, False, 1
        )


def test_nothing_is_planned_for_who_hears_nothing() -> None:
    assert plans(occurred(REMOVED), petition(), (source("off"), source("off", 1)), NOW) == ()
    assert plans(occurred(REMOVED), petition(), (), NOW) == ()
    assert plans([], petition(), (source(),), NOW) == ()


def test_who_hears_alike_is_planned_for_once_and_a_subscription_is_no_rule() -> None:
    planner = DeliveryPlanner(occurred(REMOVED), petition(), NOW)
    assert planner.plans((source(rule=1),)) is planner.plans((source(rule=2),))
    by_subscription = planner.plans((source(own=QUIETLY), source("loud", 1)))
    by_rule = planner.plans((source(own=QUIETLY, rule=1), source("loud", 2)))
    assert [plan.source for plan in (*by_subscription, *by_rule)] == [0, 1]
    assert planner.plans((source(), source("off", 1))) == (
        Plan(f"{REF}:removed", (f"{REF}:removed",), "", NOW, False, 0),
    )


def test_a_message_of_several_things_is_as_loud_as_the_loudest() -> None:
    quiet = Preferences({"milestone": "silent"})
    sources = (
        Source(EffectivePreferences(quiet)),
        Source(EffectivePreferences(quiet, Preferences(), kinds=("threshold",)), rule=1),
    )
    official = MilestoneReached(10_000, 10_002, "response")
    (plan,) = plans(occurred(PASSED_1K, official), petition(), sources, NOW)
    keys = (f"{REF}:milestone:1000", f"{REF}:milestone:10000")
    assert plan == Plan(f"{REF}:milestone:10000", keys, "", NOW, False, 0)


# --- what is owed already

KEY = f"{REF}:removed"
DUE = Delivery(f"{KEY}:1", 1, 1, REF, (KEY,), NOW - HOUR, NOW)
NIGHT = Quiet(11 * 60, 13 * 60)
EVENING = NOW + 6 * HOUR


def waiting(queue: str = "snooze", **more: object) -> Delivery:
    return structs.replace(DUE, queue=queue, not_before=NOW + 9 * HOUR, **more)


def again(delivery: Delivery, *sources: Source, event: Event = REMOVED) -> Delivery:
    return replanned(delivery, occurred(event), petition(), sources, NOW)


@pytest.mark.parametrize(
    ("source", "queue", "until"),
    [
        (source(), "", NOW),
        (source(quiet=NIGHT), "quiet", NOW + HOUR),
        (source(snoozed_until=NOW + 2 * HOUR), "snooze", NOW + 2 * HOUR),
        (source("digest"), "digest", EVENING),
    ],
)
@pytest.mark.parametrize(
    "was", [waiting(), waiting("digest"), waiting("quiet", leased_until=NOW), waiting("flood")]
)
def test_what_waits_for_a_moment_of_its_own_waits_for_the_new_one(
    was: Delivery, source: Source, queue: str, until: datetime
) -> None:
    assert again(was, source) == structs.replace(was, queue=queue, not_before=until)


@pytest.mark.parametrize(
    "was",
    [
        DUE,
        structs.replace(DUE, not_before=NOW + HOUR),
        structs.replace(DUE, queue="digest"),
        structs.replace(DUE, queue="digest", not_before=NOW - TICK),
        waiting(attempts=1),
        waiting(attempts=2),
        waiting(leased_until=NOW + TICK),
    ],
)
def test_what_does_not_wait_for_a_moment_of_its_own_changes_its_sound_alone(was: Delivery) -> None:
    assert again(was, source(quiet=NIGHT)) == was
    silent = structs.replace(was, silent=True)
    assert again(was, source("silent")) == silent
    assert again(was, source("silent", quiet=NIGHT)) == silent
    assert again(silent, source(quiet=NIGHT)) == was


@pytest.mark.parametrize("sources", [(), (source("off"),)], ids=["nobody", "off"])
@pytest.mark.parametrize("was", [DUE, waiting(), waiting(silent=True)])
def test_what_is_heard_no_longer_was_owed_before(was: Delivery, sources: tuple[Source]) -> None:
    assert again(was, *sources) == was
    muted = Source(EffectivePreferences(Preferences({"status": "off"}), muted=True))
    assert again(was, *sources, muted) == structs.replace(was, silent=True)


def test_what_is_due_does_not_go_into_a_digest_to_come() -> None:
    assert again(DUE, source("digest")) == DUE
    muted = Source(EffectivePreferences(Preferences({"status": "digest"}), muted=True))
    assert again(DUE, muted) == structs.replace(DUE, silent=True)


def test_what_is_gathered_waits_from_when_it_happened() -> None:
    closed = Closed(84, early=True)
    key = f"{REF}:{closed.key}"
    gathered = structs.replace(waiting("batch"), occurrences=(key,))
    loud = Source(EffectivePreferences())
    assert again(gathered, loud, event=closed) == gathered
    for loudness, queue, until in (("digest", "digest", EVENING), ("loud", "quiet", NOW + HOUR)):
        chat = Preferences({"closing": loudness}, quiet=NIGHT)
        later = again(gathered, Source(EffectivePreferences(chat)), event=closed)
        assert later == structs.replace(gathered, queue=queue, not_before=until)
    asleep = structs.replace(gathered, queue="snooze")
    assert again(asleep, loud, event=closed) == structs.replace(asleep, queue="", not_before=NOW)


@pytest.mark.parametrize(
    ("until", "free"), [(None, True), (NOW - TICK, True), (NOW, True), (NOW + TICK, False)]
)
def test_a_lease_lasts_until_its_end(until: datetime | None, free: bool) -> None:
    assert is_free(structs.replace(DUE, leased_until=until), NOW) is free


def test_what_is_released_of_one_petition_is_told_apart_from_what_goes_on_waiting() -> None:
    assert released_queue("digest", None) == "digest"
    assert released_queue("digest", REF) == f"digest:{REF}"
    assert released_queue(f"snooze:{REF}", REF) == f"snooze:{REF}"
    assert released_queue(f"snooze:{REF}", None) == f"snooze:{REF}"


# --- milestones of one's own


def known(count: int, peak: int = 0) -> PetitionHistory:
    return PetitionHistory(petition(signature_count=count), NOW, peak=peak)


@pytest.mark.parametrize(
    ("before", "numbers"),
    [
        (None, []),
        (known(9_999), [10_000, 15_000]),
        (known(10_000), [15_000]),
        (known(9_000, peak=10_000), [15_000]),
        (known(10_000, peak=9_000), [15_000]),
        (known(9_000, peak=14_999), [15_000]),
        (known(9_000, peak=15_000), []),
    ],
)
def test_a_milestone_of_ones_own_is_passed_once_above_the_highest_count_ever(
    before: PetitionHistory | None, numbers: list[int]
) -> None:
    wishes = [CustomMilestones((15_000, 20_000)), CustomMilestones((10_000, 15_000))]
    found = own_occurrences(before, known(15_000), wishes, NOW)
    assert found == [
        Occurrence(
            f"{REF}:milestone:{number}",
            REF,
            NOW,
            MilestoneReached(number, 15_000, "response" if number == 10_000 else None),
        )
        for number in numbers
    ]


def test_milestones_stand_first_and_upwards_and_each_once() -> None:
    first, response, ten, fifteen = occurred(PASSED_1K, RESPONSE, PASSED_10K, SEEN)
    again_ten = structs.replace(ten, at=NOW + HOUR)
    assert with_own([response, ten], [fifteen, again_ten, first]) == [first, ten, fifteen, response]
    assert with_own([response], []) == [response]
    assert with_own([], [first]) == [first]


# --- what one message tells


def test_neighbours_on_one_topic_share_a_message() -> None:
    soon = [ClosingSoon(hours, NOW, 84) for hours in (24, 6)]
    debate = [Debated(date(2025, 2, 27)), DebateLink("video", "https://v.uk")]
    found = occurred(PASSED_1K, PASSED_10K, RESPONSE, REMOVED, *debate, *soon, SEEN)
    groups = [[each.event for each in group] for group in bundled(found)]
    assert groups == [[PASSED_1K, PASSED_10K], [RESPONSE], [REMOVED], debate, soon, [SEEN]]
    heads = [head(group).event for group in bundled(found)]
    assert heads == [PASSED_10K, RESPONSE, REMOVED, debate[0], soon[0], SEEN]
