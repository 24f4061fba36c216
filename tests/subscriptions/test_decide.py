"""The small decisions: whom an occurrence concerns, when to try again, what words are the same."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from petitions import NOW, REF, petition

from bot.delivery.retry import MigrateChat, RestChat, Settle, TryAgain, backoff, next_step
from bot.petitions.events import Debated, DebateLink, Event, MilestoneReached, Occurrence, Removed
from bot.subscriptions.delivery import ChatGone, ChatMoved, Delivery, Refused, RetryAt, Sent
from bot.subscriptions.matching import follower, match
from bot.subscriptions.subscription import Preferences, Subscription


def occurred(*events: Event) -> list[Occurrence]:
    return [Occurrence(f"{REF}:{event.key}", REF, NOW, event) for event in events]


# --- match ---------------------------------------------------------------------------------------


def owed(
    occurrences: list[Occurrence], *subscriptions: Subscription, first: int = 0
) -> list[Delivery]:
    followers = [follower(each, (), Preferences(), each.chat_id) for each in subscriptions]
    return match(occurrences, petition(), followers, NOW, first)


def test_every_subscriber_is_owed_every_occurrence() -> None:
    subscriptions = [Subscription(chat, REF, NOW) for chat in (1, 2)]
    happened = occurred(MilestoneReached(10_000, 10_002), Removed())
    deliveries = owed(happened, *subscriptions, first=5)
    assert [(d.key, d.number) for d in deliveries] == [
        ("uk:700000:milestone:10000:1", 5),
        ("uk:700000:removed:1", 6),
        ("uk:700000:milestone:10000:2", 7),
        ("uk:700000:removed:2", 8),
    ]


def test_nobody_is_owed_anything_when_nothing_happened() -> None:
    assert owed([], Subscription(1, REF, NOW)) == []


def test_milestones_of_one_look_share_a_message_named_by_the_highest() -> None:
    milestones = occurred(MilestoneReached(1_000, 12_000), MilestoneReached(10_000, 12_000))
    (delivery,) = owed(milestones, Subscription(1, REF, NOW))
    assert delivery.key == "uk:700000:milestone:10000:1"
    assert len(delivery.occurrences) == 2


def test_a_debate_and_its_links_share_a_message() -> None:
    debate = occurred(Debated(NOW.date()), DebateLink("video", "https://v.uk"))
    assert len(owed(debate, Subscription(1, REF, NOW))) == 1


def test_a_muted_subscription_is_owed_silent_messages_in_its_topic() -> None:
    subscription = Subscription(1, REF, NOW, thread_id=7, muted=True)
    (delivery,) = owed(occurred(Removed()), subscription)
    assert (delivery.silent, delivery.thread_id) == (True, 7)


# --- retry ---------------------------------------------------------------------------------------


def test_what_telegram_accepted_is_settled() -> None:
    assert next_step(Sent(1), 0, NOW, 0.5) == Settle()


def test_what_telegram_refuses_for_good_is_settled() -> None:
    assert next_step(Refused("no"), 0, NOW, 0.5) == Settle()


def test_a_chat_that_is_gone_rests_and_one_that_moved_moves() -> None:
    assert next_step(ChatGone("blocked"), 0, NOW, 0.5) == RestChat("blocked")
    assert next_step(ChatMoved(-5), 0, NOW, 0.5) == MigrateChat(-5)


def test_a_flood_limit_is_waited_out() -> None:
    step = next_step(RetryAt(NOW + timedelta(seconds=60), "flood"), 0, NOW, 0.5)
    assert step == TryAgain(NOW + timedelta(seconds=60))


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_an_unknown_failure_is_always_tried_again(attempts: int, jitter: float) -> None:
    step = next_step(RetryAt(NOW, "?"), attempts, NOW, jitter)
    assert isinstance(step, TryAgain)
    assert NOW < step.at <= NOW + timedelta(minutes=20)


def test_waits_grow_to_less_than_a_minute() -> None:
    waits = [backoff(attempts, 0.5) for attempts in range(12)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=1), timedelta(seconds=45))
