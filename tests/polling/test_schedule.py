"""What is asked next: within the budget, nobody starved, and the same for the same knowledge."""

from collections.abc import Collection, Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from petitions import NOW, petition, responded

from bot.petitions.petition import Petition, PetitionRef
from bot.petitions.thresholds import CustomMilestones
from bot.polling.hazards import Hazards, hazards
from bot.polling.outlook import LIST_GAP, Limits, Numbers, Outlook, Request, Whole, about, bound
from bot.polling.planner import SILENT_AT_ONCE, UNFOLLOWED_INTERVAL, plan
from bot.polling.site_lists import TRENDING, ListPage

LIMITS = Limits(interval=60.0, requests_per_minute=60)
DAY = 86_400.0


def numbered(id_: int, count: int = 84, **changes: object) -> Petition:
    return structs.replace(petition(signature_count=count, **changes), ref=PetitionRef("uk", id_))


def outlook_over(
    petitions: list[Petition], limits: Limits = LIMITS, read_at: float = 0.0
) -> Outlook:
    outlook = Outlook(limits)
    for one in petitions:
        outlook.learn(one, 0.0, read_at, NOW)
    return outlook


def many(number: int) -> list[Petition]:
    return [numbered(id_, 4_000 - id_) for id_ in range(1, number + 1)]


def answered(outlook: Outlook, request: Request, petitions: list[Petition], now: float) -> None:
    """The site answers with nothing new."""
    match request:
        case Whole(id=id_):
            outlook.saw_whole(petitions[id_ - 1], now)
        case Numbers(id=id_):
            outlook.saw_numbers(id_, petitions[id_ - 1], now)
        case ListPage(facet="open", number=number):
            rows = petitions[(number - 1) * 50 : number * 50]
            outlook.saw_page(request, {row.ref.id: row.signature_count for row in rows}, now)
            for row in rows:
                outlook.saw_listed(row, now, suspect=False, updated_at=row.updated_at)
        case ListPage():
            outlook.saw_page(request, {}, now)


def asked(
    outlook: Outlook,
    petitions: list[Petition],
    seconds: int,
    a_tick: int = 1,
    silent: Collection[int] = (),
) -> Iterator[tuple[float, Request]]:
    """Everything asked in so many seconds, one plan a second; the silent give no answer."""
    for second in range(seconds):
        for request in plan(outlook, a_tick, float(second)):
            if about(request) in silent:
                outlook.failed(request, float(second))
            else:
                answered(outlook, request, petitions, float(second))
            yield float(second), request


# --- laws ----------------------------------------------------------------------------------------

SIZES = st.integers(1, 90)


@given(SIZES, st.integers(0, 12), st.floats(0, 10 * DAY))
def test_a_plan_never_has_more_requests_than_there_are_tokens(
    followed: int, tokens: int, now: float
) -> None:
    assert len(plan(outlook_over(many(followed)), tokens, now)) <= tokens


@given(SIZES, st.integers(1, 12), st.floats(0, DAY))
def test_the_plan_is_the_same_for_the_same_knowledge(
    followed: int, tokens: int, now: float
) -> None:
    one, other = outlook_over(many(followed)), outlook_over(many(followed))
    assert plan(one, tokens, now) == plan(other, tokens, now)


@given(SIZES, st.integers(1, 12), st.floats(0, DAY))
def test_no_petition_is_asked_about_twice_in_one_plan(
    followed: int, tokens: int, now: float
) -> None:
    planned = plan(outlook_over(many(followed)), tokens, now)
    ids = [request.id for request in planned if not isinstance(request, ListPage)]
    assert len(ids) == len(set(ids))


COUNTS = st.one_of(st.integers(5, 200_000), st.sampled_from([9_990, 99_990, 12_000]))
FOLLOWED = st.lists(
    st.builds(dict, signature_count=COUNTS, state=st.sampled_from(["open", "open", "closed"])),
    min_size=1,
    max_size=70,
)


def drawn(followed: list[dict[str, object]]) -> list[Petition]:
    return [
        structs.replace(petition(**changes), ref=PetitionRef("uk", id_))
        for id_, changes in enumerate(followed, 1)
    ]


@settings(max_examples=15)
@given(FOLLOWED, st.sets(st.integers(1, 70)), st.sampled_from([0.0, 0.001, 0.1, 10.0]))
def test_no_petition_starves_whatever_the_others_are_like_or_fail_to_answer(
    followed: list[dict[str, object]], silent: set[int], pace: float
) -> None:
    petitions = drawn(followed)
    outlook = outlook_over(petitions)
    for prospect in outlook.prospects.values():
        prospect.pace = pace
    last = dict.fromkeys(range(1, len(petitions) + 1), 0.0)
    promised = bound(len(petitions), LIMITS)
    for now, request in asked(outlook, petitions, int(2.2 * promised), silent=silent):
        if isinstance(request, Whole):
            assert now - last[request.id] <= promised
            last[request.id] = now
    assert min(last.values()) >= promised


@settings(max_examples=15)
@given(FOLLOWED, st.sets(st.integers(1, 70)), st.integers(1, 4))
def test_the_same_course_of_things_leads_to_the_same_requests(
    followed: list[dict[str, object]], silent: set[int], a_tick: int
) -> None:
    petitions = drawn(followed)
    one, other = (
        list(asked(outlook_over(petitions), petitions, 90, a_tick, silent)) for _ in range(2)
    )
    assert one == other


@given(SIZES, st.sets(st.integers(1, 90)), st.integers(1, 12))
def test_nothing_is_asked_that_is_asked_already(
    followed: int, asked_already: set[int], tokens: int
) -> None:
    planned = plan(outlook_over(many(followed)), tokens, DAY, asked_already)
    assert asked_already.isdisjoint(map(about, planned))
    assert len(planned) >= min(tokens, followed - len(asked_already))


def test_the_bound_grows_with_what_is_followed_and_shrinks_with_the_budget() -> None:
    richer = structs.replace(LIMITS, requests_per_minute=600)
    assert bound(0, LIMITS) == 60.0
    assert bound(10, LIMITS) == 90.0
    assert bound(2_500, LIMITS) > bound(2_500, richer)


# --- few -----------------------------------------------------------------------------------------


def test_a_few_are_looked_at_every_interval_and_not_sooner() -> None:
    petitions = many(3)
    requests = list(asked(outlook_over(petitions), petitions, 300))
    assert {type(request) for _, request in requests} == {Whole}
    assert len(requests) == 3 * 4


def test_closed_petitions_are_looked_at_every_interval_while_the_budget_lasts() -> None:
    petitions = [numbered(1, state="closed"), numbered(2)]
    requests = list(asked(outlook_over(petitions), petitions, 300))
    assert sum(request.id == 1 for _, request in requests if isinstance(request, Whole)) == 4


def test_an_interval_shorter_than_the_site_s_max_age_is_kept_without_lists_or_counts() -> None:
    petitions = [numbered(1, 9_999)]
    outlook = outlook_over(petitions, Limits(interval=1.0, requests_per_minute=6_000))
    outlook.prospects[1].pace = 10.0
    requests = list(asked(outlook, petitions, 20, a_tick=5))
    assert {type(request) for _, request in requests} == {Whole}
    assert len(requests) == 19


def test_nothing_is_asked_before_the_site_s_max_age_has_passed() -> None:
    petitions = many(80)
    at: dict[object, float] = {}
    for now, request in asked(outlook_over(petitions), petitions, 1_200, a_tick=3):
        key = request if isinstance(request, ListPage) else (type(request), request.id)
        least = LIST_GAP if isinstance(request, ListPage) else LIMITS.max_age
        assert now - at.get(key, -DAY) >= least
        at[key] = now


# --- who gives no answer -------------------------------------------------------------------------


def test_while_some_of_the_silent_are_asked_the_others_wait_and_who_answers_does_not() -> None:
    outlook = outlook_over(many(9))
    for id_ in range(1, 6):
        outlook.saw_nothing_new(id_, 0.0, answered=False)
    planned = {about(request) for request in plan(outlook, 9, 100.0)}
    assert len(planned & {1, 2, 3, 4, 5}) == SILENT_AT_ONCE
    assert planned >= {6, 7, 8, 9}
    assert plan(outlook, 9, 100.0, planned) == []


def test_who_answered_again_waits_no_longer() -> None:
    outlook = outlook_over(many(9))
    for id_ in range(1, 6):
        outlook.saw_nothing_new(id_, 0.0, answered=False)
        outlook.saw_whole(numbered(id_), 0.0)
    assert len(plan(outlook, 9, 100.0)) == 9


@pytest.mark.parametrize("request_", [Whole(1), Numbers(1), ListPage("open")])
def test_a_request_that_came_to_nothing_is_not_made_again_at_once(request_: Request) -> None:
    petitions = many(90)
    outlook = outlook_over(petitions, read_at=-DAY)
    outlook.failed(request_, 0.0)
    assert request_ not in plan(outlook, 90, 1.0)


# --- what pays -----------------------------------------------------------------------------------


def test_pages_of_the_list_are_read_when_they_tell_about_many() -> None:
    petitions = many(200)
    unread = {ListPage("open", number) for number in (1, 2, 3, 4)}
    for _, request in asked(outlook_over(petitions), petitions, 900):
        unread -= {request}
        if not unread:
            break
    assert unread == set()


def test_a_petition_about_to_reach_a_threshold_has_its_numbers_asked_between_looks() -> None:
    outlook = outlook_over([numbered(1, 9_999)])
    outlook.prospects[1].pace = 0.1
    outlook.saw_whole(numbered(1, 9_999), 100.0)
    outlook.prospects[1].missed = True
    (request,) = plan(outlook, 1, 140.0)
    assert request == Numbers(1)


def test_a_petition_far_from_any_milestone_has_not() -> None:
    outlook = outlook_over([numbered(1, 12)])
    outlook.saw_whole(numbered(1, 12), 100.0)
    assert plan(outlook, 3, 140.0) == []


def test_responses_are_looked_for_in_the_list_that_names_them() -> None:
    awaiting = [numbered(id_, 12_000 + id_) for id_ in range(1, 101)]
    requests = [request for _, request in asked(outlook_over(awaiting), awaiting, 300)]
    assert ListPage("with_response") in requests


def test_that_list_is_left_alone_when_nobody_awaits_a_response() -> None:
    petitions = many(100)
    requests = [request for _, request in asked(outlook_over(petitions), petitions, 300)]
    assert ListPage("with_response") not in requests


def test_a_petition_of_which_another_body_tells_more_is_looked_at_first() -> None:
    petitions = many(100)
    outlook = outlook_over(petitions, read_at=-1000.0)
    outlook.saw_listed(petitions[70], 10.0, suspect=True, updated_at=NOW)
    planned = plan(outlook, 3, 100.0)
    assert Whole(71) in planned[:2]


def test_it_is_looked_at_again_while_a_cache_serves_the_older_body() -> None:
    outlook = outlook_over(many(1))
    outlook.saw_listed(numbered(1), 10.0, suspect=True, updated_at=NOW)
    outlook.saw_whole(numbered(1, updated_at=NOW - timedelta(minutes=2)), 20.0)
    assert outlook.prospects[1].suspect_at is not None
    outlook.saw_whole(numbered(1, updated_at=NOW), 80.0)
    assert outlook.prospects[1].suspect_at is None


def test_who_is_not_where_it_stood_in_the_list_is_looked_at_soon() -> None:
    petitions = many(150)
    outlook = outlook_over(petitions)
    page = ListPage("open", 1)
    counts = {row.ref.id: row.signature_count for row in petitions[:50]}
    outlook.saw_page(page, counts, 1.0)
    del counts[25]
    outlook.saw_page(page, counts, 21.0)
    assert [p.ref.id for p in outlook.prospects.values() if p.missed] == [25]
    assert Whole(25) in plan(outlook, 4, 90.0)


# --- a 304 is a hint -----------------------------------------------------------------------------


def test_a_settled_body_is_asked_for_conditionally_and_now_and_then_without() -> None:
    outlook = outlook_over(many(1))
    outlook.saw_whole(numbered(1), 0.0, settled_since=NOW)
    assert plan(outlook, 1, 60.0) == [Whole(1, NOW)]
    outlook.saw_nothing_new(1, 3_550.0)
    assert plan(outlook, 1, 3_610.0) == [Whole(1)]


def test_a_body_that_may_change_within_its_date_is_asked_for_without_condition() -> None:
    outlook = outlook_over(many(1))
    outlook.saw_whole(numbered(1), 0.0, settled_since=None)
    assert plan(outlook, 1, 60.0) == [Whole(1)]


# --- what is likely ------------------------------------------------------------------------------


def test_the_nearer_and_the_faster_the_likelier() -> None:
    far, near = (
        hazards(petition(signature_count=1_200), 0.01),
        hazards(petition(signature_count=9_900), 0.01),
    )
    assert near.numbers > far.numbers
    assert hazards(petition(signature_count=9_900), 1.0).numbers > near.numbers


def test_a_closed_petition_reaches_no_milestone() -> None:
    assert hazards(petition(state="closed", signature_count=9_999), 1.0).numbers == 0.0


def test_a_response_is_awaited_until_it_is_there() -> None:
    called_for = petition(signature_count=10_001)
    assert hazards(called_for, 0.0).response > 0
    assert hazards(responded(), 0.0).response == 0
    assert hazards(petition(), 0.0)[1:4] == Hazards()[1:4]


def test_the_pace_follows_the_counts() -> None:
    outlook = outlook_over([numbered(1, 100)])
    before = outlook.prospects[1].pace
    for minute in range(1, 60):
        outlook.saw_whole(numbered(1, 100 + 60 * minute), 60.0 * minute)
    assert before < 0.01
    assert outlook.prospects[1].pace == pytest.approx(1.0, rel=0.1)


# --- where rules listen --------------------------------------------------------------------------


def listening(
    petitions: list[Petition], followed: Collection[int] = (), limits: Limits = LIMITS
) -> Outlook:
    outlook = outlook_over(petitions, limits)
    outlook.plan_for_rules(for_rules=True)
    outlook.weigh(dict.fromkeys(followed, 1))
    return outlook


@settings(max_examples=settings.default.max_examples // 8)
@given(FOLLOWED, st.integers(0, 30), st.sets(st.integers(1, 70)), st.sampled_from([0.0, 0.1, 10.0]))
def test_with_rules_what_is_followed_is_looked_at_within_its_bound_and_the_rest_in_time(
    drawn_ones: list[dict[str, object]], most: int, silent: set[int], pace: float
) -> None:
    petitions = drawn(drawn_ones)
    followed = set(range(1, min(most, len(petitions)) + 1))
    outlook = listening(petitions, followed)
    for prospect in outlook.prospects.values():
        prospect.pace = pace
    last = dict.fromkeys(range(1, len(petitions) + 1), 0.0)
    others = UNFOLLOWED_INTERVAL + bound(len(petitions) - len(followed), LIMITS, 3)
    for now, request in asked(outlook, petitions, int(1.1 * others), silent=silent):
        if isinstance(request, Whole):
            promised = outlook.bound() if request.id in followed else others
            assert now - last[request.id] <= promised
            last[request.id] = now
    assert min(last.values()) > 0
    assert outlook.bound() == bound(len(followed), LIMITS, 2 + (len(followed) < len(petitions)))


@given(SIZES, st.sets(st.integers(1, 90)), st.integers(0, 12), st.floats(0, 10 * DAY))
def test_with_rules_too_a_plan_keeps_to_its_tokens_and_is_the_same_each_time(
    size: int, followed: set[int], tokens: int, now: float
) -> None:
    one, other = (plan(listening(many(size), followed), tokens, now) for _ in range(2))
    assert one == other
    assert len(one) <= tokens
    assert len(set(map(about, one))) == len(one)


def test_where_rules_listen_every_page_of_the_open_list_is_read_to_its_end() -> None:
    petitions, outlook = many(230), Outlook(LIMITS)
    outlook.plan_for_rules(for_rules=True)
    read: list[ListPage] = []
    for second in range(300):
        for request in plan(outlook, 1, float(second)):
            assert isinstance(request, ListPage)
            read.append(request)
            first = (request.number - 1) * 50
            rows = petitions[first : first + 50] if request.facet == "open" else []
            counts = {row.ref.id: row.signature_count for row in rows}
            is_last = request.number == 5
            outlook.saw_page(request, counts, float(second), is_last=is_last)
    assert [page.number for page in read if page.facet == "open"] == [1, 2, 3, 4, 5]
    assert 3 <= read.count(ListPage("recent")) <= 10


def test_a_list_that_has_grown_is_read_further_and_one_that_shrank_no_further_than_it_goes() -> (
    None
):
    outlook = Outlook(LIMITS)
    for number in (1, 2):
        outlook.saw_page(ListPage("open", number), {number: 50}, 0.0, is_last=number == 2)
    outlook.saw_page(ListPage("open", 2), {2: 50}, 1.0)
    outlook.plan_for_rules(for_rules=True)
    assert ListPage("open", 3) in plan(outlook, 20, 2.0)
    outlook.saw_page(ListPage("open", 3), {}, 3.0, is_last=True)
    far = {page.number for page in plan(outlook, 20, DAY) if isinstance(page, ListPage)}
    assert far == {1, 2}


def test_a_list_the_site_does_not_have_is_seldom_asked_for() -> None:
    outlook = Outlook(LIMITS)
    outlook.plan_for_rules(for_rules=True)
    asked_for = 0
    for second in range(1_200):
        for request in plan(outlook, 1, float(second)):
            asked_for += request == TRENDING
            outlook.failed(request, float(second))
    assert asked_for == 4


def test_who_is_signed_far_more_than_thought_is_looked_at_soon() -> None:
    petitions = many(60)
    outlook = listening(petitions)
    outlook.saw_trending({7: 900, 1_000: 5}, 650.0)
    assert Whole(7) in plan(outlook, 2, 651.0)


def test_no_list_is_read_for_what_is_unknown_while_no_rule_listens() -> None:
    assert plan(Outlook(LIMITS), 9, DAY) == []


def test_who_has_more_followers_goes_first_and_who_has_none_last() -> None:
    petitions = [numbered(id_, 9_900) for id_ in (1, 2, 3)]
    outlook = outlook_over(petitions)
    for prospect in outlook.prospects.values():
        prospect.whole_at = 0.0
        prospect.hazards = Hazards(numbers=0.001)
        prospect.missed = True
    outlook.weigh({1: 1, 2: 1_000})
    outlook.limits = structs.replace(LIMITS, interval=DAY)
    requests = [about(request) for request in plan(outlook, 3, 100.0)]
    assert requests == [2, 1, 3]


def test_a_milestone_somebody_wished_for_is_looked_for_like_any_other() -> None:
    near = numbered(1, 9_000)
    wished = hazards(near, 0.1, [CustomMilestones((9_010,)), CustomMilestones(every=5_000)]).numbers
    assert wished > 20 * hazards(near, 0.1).numbers
    assert hazards(near, 0.1, [CustomMilestones((8_000,))]) == hazards(near, 0.1)


def test_a_petition_just_before_such_a_milestone_is_looked_at_sooner_than_one_alike() -> None:
    outlook = Outlook(structs.replace(LIMITS, interval=DAY))
    for id_, custom_milestones in ((1, []), (2, [CustomMilestones((9_010,))]), (3, [])):
        outlook.learn(numbered(id_, 9_000), 0.0, 0.0, NOW, custom_milestones=custom_milestones)
        outlook.prospects[id_].missed = True
    assert [about(request) for request in plan(outlook, 1, 60.0)] == [2]


def test_a_milestone_on_the_way_takes_nothing_from_the_urgency_of_a_threshold() -> None:
    near = numbered(1, 9_990)
    assert hazards(near, 0.1, [CustomMilestones((9_999,))]).numbers >= hazards(near, 0.1).numbers


def test_who_sets_a_milestone_has_the_petition_looked_at_next_and_once() -> None:
    outlook = outlook_over([numbered(id_, 9_000) for id_ in (1, 2, 3)])
    everybody = {1: 1, 2: 1, 3: 1}
    outlook.weigh(everybody, {3: [CustomMilestones((9_010,)), CustomMilestones((9_020,))]})
    assert plan(outlook, 2, 60.0)[-1] == Whole(3)
    outlook.saw_whole(numbered(3, 9_000), 60.0)
    outlook.weigh(everybody, {3: [CustomMilestones((9_020,))]})
    assert outlook.prospects[3].suspect_at is None


def test_who_is_to_be_hurried_is_looked_at_first_but_not_sooner_than_may_be() -> None:
    outlook = outlook_over(many(9))
    outlook.hurry(7, 59.0)
    assert plan(outlook, 9, 59.0) == []
    assert plan(outlook, 2, 60.0)[-1] == Whole(7)


def test_own_milestones_count_from_the_next_look_on() -> None:
    outlook = outlook_over([numbered(1, 9_000), numbered(2, 9_000)])
    outlook.weigh({1: 1, 2: 1}, {2: [CustomMilestones((9_010,))]})
    for id_ in (1, 2):
        outlook.saw_whole(numbered(id_, 9_001), 60.0)
    first, second = (outlook.prospects[id_].hazards.numbers for id_ in (1, 2))
    assert second > first
