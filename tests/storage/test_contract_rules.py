"""What a storage promises of rules, and of milestones of one's own."""

from datetime import timedelta

from contract import (
    ANN,
    BOB,
    CAT,
    DIGESTS,
    EVENING,
    HEDGES,
    MINUTE,
    NIGHTINGALES,
    NOON,
    QUARTER,
    RESPONSE,
    SLEEPS,
    WISHES,
    Store,
    asks,
    claim,
    claimed_keys,
    follow,
    follows,
    heard,
    key,
    known,
    milestone,
    occurred,
    petition,
    picture,
    ring,
    told,
)
from contract import storage as storage
from contract import store as store
from msgspec import structs

from bot.petitions.events import (
    CommitteeNoted,
    MilestoneReached,
    Occurrence,
    Opened,
    Responded,
    ToppedIn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef
from bot.subscriptions.subscription import Chat, Digest, Preferences
from storage import ChatData, Pruned, Storage

# --- rules ----------------------------------------------------------------------------------------


async def test_rules_are_numbered_by_their_chat_and_kept_as_given(store: Store) -> None:
    wanted = asks(
        ANN,
        words=("nightingales", "song"),
        without=("hedges",),
        topics=("nature",),
        department="Birds",
        constituency="E14001",
        thresholds=("debate",),
        thread_id=7,
        preferences=DIGESTS,
    )
    first = await store.storage.save_rule(wanted, NOON)
    assert first == structs.replace(wanted, number=1)
    second = await store.storage.save_rule(asks(ANN), NOON)
    other = await store.storage.save_rule(asks(BOB), NOON)
    assert (second.number, other.number) == (2, 1)
    storage = await store.reopen()
    assert await storage.rules(ANN) == [first, second]
    assert await storage.rules(BOB) == [other]
    assert await storage.rules(CAT) == []


async def test_a_rule_saved_again_takes_its_own_place(storage: Storage) -> None:
    first = await storage.save_rule(asks(ANN, words=("hedges",)), NOON)
    second = await storage.save_rule(asks(ANN), NOON)
    changed = structs.replace(first, words=("nightingales",))
    assert await storage.save_rule(changed, NOON) == changed
    assert await storage.rules(ANN) == [changed, second]


async def test_a_dropped_rule_is_given_back_and_the_rest_keep_their_numbers(
    storage: Storage,
) -> None:
    one, two, three = [await storage.save_rule(asks(ANN), NOON) for _ in range(3)]
    assert await storage.drop_rule(ANN, 2) == two
    assert await storage.drop_rule(ANN, 2) is None
    assert await storage.drop_rule(BOB, 1) is None
    assert await storage.rules(ANN) == [one, three]
    assert (await storage.save_rule(asks(ANN), NOON)).number == 4
    assert await storage.save_rule(two, NOON) == two
    assert [each.number for each in await storage.rules(ANN)] == [1, 2, 3, 4]


async def test_the_rules_of_each_site_are_counted(storage: Storage) -> None:
    assert await storage.ruled_sites() == {}
    first = await storage.save_rule(asks(ANN), NOON)
    await storage.save_rule(asks(BOB), NOON)
    await storage.save_rule(structs.replace(asks(ANN), site="senedd"), NOON)
    assert await storage.ruled_sites() == {"uk": 2, "senedd": 1}
    await storage.save_rule(structs.replace(first, site="senedd"), NOON)
    await storage.drop_rule(BOB, 1)
    assert await storage.ruled_sites() == {"senedd": 2}


async def test_the_rules_of_a_chat_are_among_its_data(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    rule = await storage.save_rule(asks(ANN, words=("hedges",)), NOON)
    assert await storage.chat_data(ANN) == ChatData(Chat(ANN), (), 0, (rule,))


async def test_a_rule_brings_what_a_chat_never_followed(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    rule = await storage.save_rule(asks(ANN, words=("nightingale",), thread_id=7), NOON)
    await storage.save_rule(asks(BOB, words=("hedges",)), NOON)
    await storage.commit_poll(known(), [], NOON)
    assert await ring(storage, milestone(10_000)) == 1
    [claimed] = await claim(storage)
    assert (claimed.delivery.key, claimed.delivery.rule) == (key(10_000, ANN), 1)
    assert claimed.delivery.thread_id == 7
    assert (claimed.chat, claimed.rule) == (Chat(ANN), rule)


async def test_a_rule_hears_of_its_own_site_and_kinds_only(storage: Storage) -> None:
    await storage.save_rule(asks(ANN, kinds=("business",)), NOON)
    await storage.save_rule(structs.replace(asks(ANN), site="senedd"), NOON)
    await storage.commit_poll(known(), [], NOON)
    assert await ring(storage, milestone(10_000)) == 0
    assert await ring(storage, occurred(CommitteeNoted("We wrote to them."))) == 1


async def test_overlapping_rules_and_a_subscription_ring_once(storage: Storage) -> None:
    await follow(storage, follows(ANN), follows(BOB))
    for number in (1, 2):
        assert (await storage.save_rule(asks(ANN), NOON)).number == number
        await storage.save_rule(asks(CAT), NOON)
    assert await ring(storage, milestone(10_000)) == 3
    claimed = {each.delivery.chat_id: each.delivery for each in await claim(storage)}
    assert {chat: each.rule for chat, each in claimed.items()} == {ANN: 0, BOB: 0, CAT: 1}


async def test_the_loudest_way_of_a_chat_is_the_one_it_hears_by(storage: Storage) -> None:
    await follow(storage, follows(ANN, thread_id=5))
    await storage.save_chat(Chat(ANN, preferences=DIGESTS))
    loud = Preferences({"milestone": "loud"})
    await storage.save_rule(asks(ANN, thread_id=9, preferences=loud), NOON)
    assert await ring(storage, milestone(10_000)) == 1
    [claimed] = await claim(storage)
    assert (claimed.delivery.rule, claimed.delivery.thread_id) == (1, 9)


async def test_the_loudest_rule_is_heard_though_another_was_made_quieter(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN, preferences=Preferences({"milestone": "silent"})), NOON)
    await storage.save_rule(asks(ANN, thread_id=9), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    [claimed] = await claim(storage)
    assert (claimed.delivery.rule, claimed.delivery.silent) == (2, False)
    assert claimed.delivery.thread_id == 9


async def test_what_waits_is_decided_again_as_it_was_decided_first(storage: Storage) -> None:
    await follow(storage, follows(ANN))
    await storage.save_chat(Chat(ANN, preferences=structs.replace(DIGESTS, quiet=SLEEPS.quiet)))
    await storage.save_rule(asks(ANN), NOON)
    await ring(storage, milestone(10_000))
    snoozed = Preferences(snoozed_until=NOON + MINUTE)
    await storage.set_subscription_preferences(ANN, NIGHTINGALES, snoozed, NOON)
    await ring(storage, milestone(25_000))
    expected = [(key(10_000, ANN), "digest"), (key(25_000, ANN), "digest")]
    assert await storage.next_due(NOON) == EVENING
    assert await told(storage, EVENING) == expected


async def test_a_rule_hears_on_its_chats_terms(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN, preferences=SLEEPS))
    await storage.save_rule(asks(ANN), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    assert await storage.next_due(NOON) == NOON + timedelta(hours=1)
    await storage.set_preferences(ANN, Preferences(), NOON)
    assert await told(storage) == [(key(10_000, ANN), "")]


async def test_what_a_rule_has_waiting_is_heard_on_that_rules_terms(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN, preferences=Preferences({"milestone": "digest"})), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    preferences = Preferences({"milestone": "loud"}, digest=Digest(20 * 60))
    await storage.set_preferences(ANN, preferences, NOON)
    assert await storage.next_due(NOON) == NOON + timedelta(hours=8)


async def test_what_a_rule_has_waiting_is_heard_as_the_rule_says_now(storage: Storage) -> None:
    preferences = Preferences({"milestone": "digest", "response": "digest"})
    await storage.save_chat(Chat(ANN))
    rule = await storage.save_rule(asks(ANN, kinds=("milestone",), preferences=preferences), NOON)
    await storage.save_rule(asks(ANN, kinds=("response",)), NOON)
    await storage.commit_poll(known(), [], NOON)
    response = occurred(Responded(RESPONSE, NOON))
    await ring(storage, milestone(10_000), response)
    await storage.defer(f"{response.key}:{ANN}", "flood", EVENING)
    silent = structs.replace(rule, preferences=Preferences({"milestone": "silent"}))
    await storage.save_rule(silent, NOON + MINUTE)
    [claimed] = await claim(storage, NOON + MINUTE)
    assert (claimed.delivery.key, claimed.delivery.queue) == (key(10_000, ANN), "")
    assert claimed.delivery.silent
    assert (f"{response.key}:{ANN}", "flood") in await told(storage, EVENING)


async def test_what_a_rule_owes_already_comes_after_it_was_dropped(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    await storage.drop_rule(ANN, 1)
    assert await ring(storage, milestone(25_000)) == 0
    [claimed] = await claim(storage)
    assert (claimed.delivery.key, claimed.rule) == (key(10_000, ANN), None)


async def test_what_a_dropped_rule_owes_is_not_taken_for_a_newer_rules(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    await storage.drop_rule(ANN, 1)
    await storage.save_rule(asks(ANN, words=("hedges",)), NOON)
    [claimed] = await claim(storage)
    assert claimed.rule is None


async def test_a_rule_of_a_resting_chat_is_matched_and_waits(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN), NOON)
    await storage.commit_poll(known(), [], NOON)
    await storage.rest_chat(ANN, "blocked", NOON)
    assert await ring(storage, milestone(10_000)) == 1
    assert await claimed_keys(storage) == []
    await storage.wake_chat(ANN, NOON)
    assert await claimed_keys(storage) == [key(10_000, ANN)]


async def test_a_rule_of_a_constituency_hears_of_its_petitions(storage: Storage) -> None:
    seat = ToppedIn("E14001", "Leeds", 3, 120, 0.01)
    await storage.save_rule(asks(ANN, constituency="E14001", kinds=("top_ten", "response")), NOON)
    await storage.save_rule(asks(BOB, constituency="E14002", kinds=("top_ten", "response")), NOON)
    await storage.commit_poll(known(), [], NOON)
    assert await ring(storage, occurred(seat)) == 1
    topped = structs.replace(known(), top=("E14001", "E14003"))
    response = occurred(Responded(RESPONSE, NOON))
    assert await storage.commit_poll(topped, [response], NOON) == 1
    assert await heard(storage) == [f"{occurred(seat).key}:{ANN}", f"{response.key}:{ANN}"]


async def test_a_petition_seen_first_can_ring_by_a_rule(storage: Storage) -> None:
    await storage.save_rule(asks(ANN, kinds=("opened",)), NOON)
    opened = occurred(Opened(NOON))
    assert await storage.commit_poll(known(), [opened], NOON) == 1
    assert await heard(storage) == [f"{opened.key}:{ANN}"]


async def test_a_moved_chat_takes_its_rules_along(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    rule = await storage.save_rule(asks(ANN, words=("nightingales",)), NOON)
    await storage.migrate_chat(ANN, CAT)
    moved = structs.replace(rule, chat_id=CAT)
    assert await storage.rules(ANN) == []
    assert await storage.chat_data(CAT) == ChatData(Chat(CAT), (), 0, (moved,))
    await storage.commit_poll(known(), [], NOON)
    assert await ring(storage, milestone(10_000)) == 1
    assert await claimed_keys(storage) == [key(10_000, CAT)]


async def test_rules_of_both_chats_are_kept_and_the_same_one_once(storage: Storage) -> None:
    for chat in (ANN, CAT):
        await storage.save_chat(Chat(chat))
    await storage.save_rule(asks(ANN), NOON)
    await storage.save_rule(asks(ANN, words=("nightingales",), preferences=DIGESTS), NOON)
    await storage.save_rule(asks(CAT, words=("hedges",)), NOON)
    await storage.save_rule(structs.replace(asks(CAT), created_at=NOON + MINUTE), NOON)
    await storage.migrate_chat(ANN, CAT)
    assert await storage.rules(CAT) == [
        asks(CAT, words=("hedges",), number=1),
        asks(CAT, number=2),
        asks(CAT, words=("nightingales",), preferences=DIGESTS, number=3),
    ]
    assert await storage.ruled_sites() == {"uk": 3}


async def test_what_a_moved_chats_rule_owes_names_it_by_its_new_number(storage: Storage) -> None:
    for chat in (ANN, CAT):
        await storage.save_chat(Chat(chat))
    await storage.save_rule(asks(ANN), NOON)
    await storage.save_rule(asks(CAT, words=("hedges",)), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    await storage.migrate_chat(ANN, CAT)
    [claimed] = await claim(storage)
    assert (claimed.delivery.rule, claimed.rule) == (2, asks(CAT, number=2))


async def test_the_rules_of_a_forgotten_chat_are_gone_and_no_others(storage: Storage) -> None:
    for chat in (ANN, BOB):
        await storage.save_chat(Chat(chat))
        await storage.save_rule(asks(chat), NOON)
    await storage.forget_chat(ANN)
    assert await storage.rules(ANN) == []
    assert await storage.ruled_sites() == {"uk": 1}
    await storage.commit_poll(known(), [], NOON)
    assert await ring(storage, milestone(10_000)) == 1


async def test_the_rules_of_a_chat_that_rests_for_too_long_are_gone(storage: Storage) -> None:
    await storage.save_chat(Chat(ANN))
    await storage.save_rule(asks(ANN), NOON)
    await storage.rest_chat(ANN, "blocked", NOON)
    assert await storage.prune(NOON + QUARTER, QUARTER) == Pruned(0, 1, 0)
    assert await storage.ruled_sites() == {}


async def test_a_rule_speaks_to_the_chat_when_its_topic_is_gone(storage: Storage) -> None:
    await storage.save_chat(Chat(CAT))
    first = await storage.save_rule(asks(CAT, thread_id=7), NOON)
    second = await storage.save_rule(asks(CAT, words=("hedges",), thread_id=8), NOON)
    other = await storage.save_rule(asks(ANN, words=("hedges",), thread_id=7), NOON)
    await storage.commit_poll(known(), [], NOON)
    await ring(storage, milestone(10_000))
    await storage.clear_thread(CAT, 7)
    assert await storage.rules(CAT) == [structs.replace(first, thread_id=None), second]
    assert await storage.rules(ANN) == [other]
    [claimed] = await claim(storage)
    assert claimed.delivery.thread_id is None


async def test_clearing_a_topic_that_nobody_uses_changes_nothing(storage: Storage) -> None:
    await follow(storage, follows(CAT, thread_id=7), follows(BOB, thread_id=8))
    await storage.save_rule(asks(CAT, thread_id=7), NOON)
    before = await picture(storage)
    await storage.clear_thread(CAT, 8)
    await storage.clear_thread(ANN, 7)
    assert await picture(storage) == before


# --- milestones of one's own ----------------------------------------------------------------------


async def rises(storage: Storage, count: int, *occurrences: Occurrence) -> int:
    return await storage.commit_poll(known(count=count), occurrences, NOON)


async def test_a_milestone_of_ones_own_rings_for_nobody_else(storage: Storage) -> None:
    await follow(storage, follows(ANN, preferences=WISHES), follows(BOB))
    assert await rises(storage, 12_500, milestone(10_000)) == 2
    claimed = {each.delivery.chat_id: each for each in await claim(storage)}
    assert claimed[BOB].occurrences == (milestone(10_000),)
    own = MilestoneReached(12_000, 12_500)
    assert [each.event for each in claimed[ANN].occurrences] == [milestone(10_000).event, own]


async def test_milestones_of_ones_own_ring_once_for_life(storage: Storage) -> None:
    await follow(storage, follows(ANN, preferences=WISHES))
    peaked = PetitionHistory(petition(count=15_500), NOON, peak=15_500)
    assert await storage.commit_poll(peaked, [], NOON) == 1
    assert await storage.commit_poll(peaked, [], NOON) == 0
    fell = structs.replace(peaked, petition=petition(count=11_000))
    assert await storage.commit_poll(fell, [], NOON) == 0
    assert await storage.commit_poll(peaked, [], NOON) == 0
    assert await claimed_keys(storage) == [key(15_000, ANN)]


async def test_a_milestone_two_chats_wished_for_is_kept_once(storage: Storage) -> None:
    await follow(storage, follows(ANN, preferences=WISHES), follows(BOB, preferences=WISHES))
    assert await rises(storage, 15_500) == 2
    one, other = await claim(storage)
    assert one.occurrences == other.occurrences
    assert [each.key for each in one.occurrences] == [
        f"{NIGHTINGALES}:milestone:12000",
        f"{NIGHTINGALES}:milestone:15000",
    ]


async def test_a_wish_that_was_taken_back_rings_no_more(storage: Storage) -> None:
    await follow(
        storage, follows(ANN, preferences=WISHES), follows(BOB, HEDGES, preferences=WISHES)
    )
    await storage.set_subscription_preferences(ANN, NIGHTINGALES, Preferences(), NOON)
    assert await rises(storage, 15_500) == 0
    await storage.set_subscription_preferences(ANN, NIGHTINGALES, WISHES, NOON)
    assert await rises(storage, 16_500) == 1
    await storage.unsubscribe(ANN, NIGHTINGALES)
    assert await rises(storage, 20_500) == 0


async def test_a_petition_just_met_has_passed_nobodys_milestone(storage: Storage) -> None:
    await follow(storage, follows(ANN, preferences=WISHES))
    assert await storage.commit_poll(known(PetitionRef("uk", 7), 15_500), [], NOON) == 0
