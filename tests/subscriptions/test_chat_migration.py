"""A group that became a supergroup: what it was, it is under its new id, and what is new there."""

from datetime import timedelta

from msgspec import structs
from petitions import NOW, REF

from bot.subscriptions.chat_migration import merged, moved_key, moved_rules, moved_subscription
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription

OLD, NEW = -5, -1005
DAY = timedelta(days=1)
LATER = NOW + DAY
IN_PARIS = Preferences(zone="Europe/Paris")
IN_ROME = Preferences(zone="Europe/Rome")
KNOWN = Chat(OLD, "group", created_at=NOW, consented_at=NOW, language="cy", preferences=IN_PARIS)


def rule(chat: int, number: int, *words: str, **more: object) -> Rule:
    return structs.replace(Rule(chat, "uk", NOW, ("opened",), number, words=words), **more)


# --- the chat


def test_a_chat_nobody_knows_by_its_new_id_stays_what_it_was() -> None:
    assert merged(KNOWN, None, NEW) == structs.replace(KNOWN, id=NEW)


def test_what_the_old_id_refused_is_tried_at_once_under_the_new_one() -> None:
    refusing = KNOWN.refusing("no right to write", 3, NOW, LATER)
    assert merged(refusing, None, NEW) == structs.replace(KNOWN, id=NEW)


def test_a_chat_that_rests_rests_under_its_new_id() -> None:
    assert merged(KNOWN.resting_for("left", NOW), None, NEW).resting == "left"


def test_what_both_ids_knew_is_as_the_new_one_says() -> None:
    new = Chat(NEW, "supergroup", created_at=LATER, language="en", preferences=IN_ROME)
    both = merged(KNOWN, new, NEW)
    assert (both.id, both.kind, both.language, both.preferences) == (
        NEW,
        "supergroup",
        "en",
        IN_ROME,
    )


def test_what_only_the_old_id_knew_is_kept() -> None:
    old = structs.replace(KNOWN, returned=True)
    both = merged(old, Chat(NEW, "supergroup"), NEW)
    assert (both.language, both.preferences, both.returned) == ("cy", IN_PARIS, True)
    assert (both.created_at, both.consented_at) == (NOW, NOW)


def test_of_two_beginnings_the_earlier_counts() -> None:
    new = Chat(NEW, "supergroup", created_at=NOW - DAY, consented_at=LATER)
    both = merged(KNOWN, new, NEW)
    assert (both.created_at, both.consented_at) == (NOW - DAY, NOW)


def test_a_chat_that_declined_announcements_under_one_id_hears_none_under_the_other() -> None:
    declined = structs.replace(KNOWN, announcements=False)
    assert not merged(declined, Chat(NEW), NEW).announcements
    assert not merged(KNOWN, Chat(NEW, announcements=False), NEW).announcements
    assert merged(KNOWN, Chat(NEW), NEW).announcements


def test_a_chat_that_returned_under_either_id_has_returned() -> None:
    assert not merged(KNOWN, Chat(NEW), NEW).returned
    assert merged(KNOWN, Chat(NEW, returned=True), NEW).returned


def test_a_beginning_that_one_id_alone_knows_counts() -> None:
    alone = merged(Chat(OLD), Chat(NEW, created_at=LATER), NEW)
    assert (alone.created_at, alone.consented_at) == (LATER, None)
    assert merged(Chat(OLD, consented_at=LATER), Chat(NEW), NEW).consented_at == LATER


# --- what it follows


def test_a_subscription_moves_without_the_card_of_the_old_chat() -> None:
    old = Subscription(OLD, REF, NOW, thread_id=3, muted=True, card_id=77, preferences=IN_PARIS)
    moved = moved_subscription(old, None, NEW)
    assert moved == structs.replace(old, chat_id=NEW, card_id=None)


def test_of_two_subscriptions_the_older_counts() -> None:
    old = Subscription(OLD, REF, NOW, muted=True)
    at_once = Subscription(NEW, REF, NOW, card_id=5)
    assert moved_subscription(old, at_once, NEW) == at_once
    assert moved_subscription(old, structs.replace(at_once, created_at=LATER), NEW).muted
    before = structs.replace(at_once, created_at=NOW - DAY)
    assert moved_subscription(old, before, NEW) == before


def test_rules_keep_their_numbers_where_those_are_free() -> None:
    moved = moved_rules([rule(OLD, 1, "tea"), rule(OLD, 4, "milk")], [rule(NEW, 2, "rice")], NEW)
    assert {old: (each.chat_id, each.number) for old, each in moved.items()} == {
        1: (NEW, 1),
        4: (NEW, 4),
    }


def test_a_rule_whose_number_is_taken_gets_the_next_one() -> None:
    olds = [rule(OLD, 1, "tea"), rule(OLD, 2, "milk")]
    moved = moved_rules(olds, [rule(NEW, 1, "rice")], NEW)
    assert [each.number for each in moved.values()] == [2, 3]


def test_a_rule_moves_with_all_that_it_asks_for() -> None:
    old = rule(OLD, 4, "tea", "milk", thread_id=3, preferences=IN_PARIS, topics=("health",))
    assert moved_rules([old], [], NEW) == {4: structs.replace(old, chat_id=NEW)}
    assert moved_rules([], [rule(NEW, 1, "tea")], NEW) == {}


def test_two_rules_that_were_the_same_all_along_become_one() -> None:
    olds = [rule(OLD, 2, "tea", created_at=LATER), rule(OLD, 5, "tea"), rule(OLD, 6, "rice")]
    moved = moved_rules(olds, [rule(NEW, 6, "milk")], NEW)
    assert {old: (each.number, each.created_at) for old, each in moved.items()} == {
        2: (2, LATER),
        5: (2, NOW),
        6: (7, NOW),
    }


def test_a_rule_that_is_there_already_is_kept_once_since_the_earlier_of_the_two() -> None:
    for old_at, new_at in ((NOW, LATER), (LATER, NOW)):
        old, new = (
            rule(OLD, 1, "tea", created_at=old_at),
            rule(NEW, 6, "tea", created_at=new_at),
        )
        moved = moved_rules([old], [new], NEW)
        assert [(each.number, each.created_at) for each in moved.values()] == [(6, NOW)]


def test_a_rule_heard_otherwise_or_in_another_topic_is_another() -> None:
    there = rule(NEW, 6, "tea")
    for old in (rule(OLD, 1, "tea", thread_id=3), rule(OLD, 1, "tea", preferences=IN_PARIS)):
        assert [each.number for each in moved_rules([old], [there], NEW).values()] == [1]


# --- what it is owed


def test_the_key_of_a_delivery_names_the_new_id_and_nothing_else_of_it_changes() -> None:
    owed = Delivery(f"uk:700000:milestone:-5:{OLD}", 1, OLD, REF, (), NOW, NOW)
    assert moved_key(owed, NEW) == f"uk:700000:milestone:-5:{NEW}"
