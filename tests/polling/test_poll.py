"""Plans carried out against a site on loopback, with the clock in our hands."""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from bell import a_response, stamp
from hypothesis import given
from hypothesis import strategies as st
from looking import CHAT, START, Bench, _bench, listen, patience
from looking import bench as bench
from msgspec import structs
from petitions import petition
from site_stand_in import Fault

from bot.config import PollConfig
from bot.messages.chat.status import status
from bot.operations.doctor import promised
from bot.petitions.events import Kind
from bot.petitions.petition import PetitionRef, Site
from bot.petitions.site_health import SiteHealth, StatusReport
from bot.polling.budget import Budget
from bot.polling.outlook import Limits, Numbers, Outlook, Subject
from bot.polling.petitions_api import Unavailable
from bot.polling.planner import SILENT_AT_ONCE, plan
from bot.polling.site_lists import ListPage
from bot.polling.site_state import SiteState
from bot.subscriptions.subscription import Subscription

# --- budget --------------------------------------------------------------------------------------


@given(st.integers(1, 90), st.lists(st.floats(0.01, 30), max_size=200))
def test_no_sixty_seconds_hold_more_than_the_budget(a_minute: int, steps: list[float]) -> None:
    now = [0.0]
    budget = Budget(a_minute, lambda: now[0])
    spent: list[float] = []
    for step in steps:
        now[0] += step
        for _ in range(budget.left()):
            budget.spend()
            spent.append(now[0])
    for moment in spent:
        assert sum(moment <= other < moment + 60 for other in spent) <= a_minute


@given(
    st.integers(1, 90), st.integers(1, 40), st.lists(st.floats(0.01, 30), min_size=1, max_size=60)
)
def test_a_plan_within_what_is_left_never_exceeds_the_budget(
    a_minute: int, followed: int, steps: list[float]
) -> None:
    now = [0.0]
    budget, outlook = Budget(a_minute, lambda: now[0]), Outlook(Limits(5.0, a_minute))
    for number in range(followed):
        one = structs.replace(petition(), ref=PetitionRef("uk", number))
        outlook.learn(one, 0.0, -3_600.0, START)
    made: list[float] = []
    for step in steps:
        now[0] += step
        for request in plan(outlook, budget.left(), now[0]):
            budget.spend()
            outlook.failed(request, now[0])
            made.append(now[0])
    assert made
    assert all(sum(then <= at < then + 60 for at in made) <= a_minute for then in made)


def test_a_person_s_look_is_taken_from_what_polling_has() -> None:
    budget = Budget(60, lambda: 0.0)
    before = budget.left()
    for _ in range(4):
        budget.spend()
    assert budget.left() == before - 4
    assert budget.spent_last_hour() == 4


async def test_a_start_with_much_to_look_at_is_spread_by_the_budget(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        for number in range(1, 31):
            await bench.follow(number)
        bench.hours.seconds += 7_200
        before = len(bench.site.seen())
        await bench.tick()
        assert len(bench.site.seen()) - before <= 10
        await bench.pass_time(55)
        assert len(bench.site.seen()) - before <= 60


# --- who gives no answer -------------------------------------------------------------------------


async def looks_at_the_other(bench: Bench, hanging: Collection[Subject] = ()) -> int:
    before = bench.asked("/petitions/2.json")
    await bench.pass_time(190, hanging=hanging)
    return bench.asked("/petitions/2.json") - before


async def test_a_petition_that_hangs_delays_no_other(bench: Bench) -> None:
    for number in (1, 2):
        await bench.follow(number)
    bench.site.fail("/petitions/1.json", Fault(hang=True))
    assert await looks_at_the_other(bench, hanging={1}) == 3


async def test_where_none_hangs_the_other_is_looked_at_as_often(bench: Bench) -> None:
    for number in (1, 2):
        await bench.follow(number)
    assert await looks_at_the_other(bench) == 3


async def test_a_petition_that_hangs_is_not_asked_for_again_meanwhile(bench: Bench) -> None:
    await bench.follow(1)
    bench.site.fail("/petitions/1.json", Fault(hang=True))
    before = bench.asked("/petitions/1.json")
    await bench.pass_time(65, hanging={1})
    (flight,) = bench.in_flight.values()
    await bench.site.wait_for_requests(before + 1, "/petitions/1.json")
    await bench.pass_time(300, hanging={1})
    assert list(bench.in_flight.values()) == [flight]
    assert bench.asked("/petitions/1.json") - before == 1


async def test_of_those_that_gave_no_answer_few_are_asked_at_a_time(bench: Bench) -> None:
    for number in range(1, 11):
        await bench.follow(number)
    for number in range(1, 10):
        bench.site.fail(f"/petitions/{number}.json", Fault(status=500))
    await bench.pass_time(65)
    bench.site.heal()
    for number in range(1, 10):
        bench.site.fail(f"/petitions/{number}.json", Fault(hang=True))
    before = bench.asked("/petitions/10.json")
    await bench.pass_time(190, hanging=range(1, 10))
    assert len(bench.in_flight) == SILENT_AT_ONCE
    assert bench.asked("/petitions/10.json") - before == 3


async def test_no_more_than_four_are_asked_for_at_once_however_many_hang(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        for number in range(1, 11):
            await bench.follow(number)
        bench.site.fail("/petitions/", Fault(hang=True))
        most = 0
        for _ in range(30):
            await bench.pass_time(5, hanging=range(1, 11))
            most = max(most, len(bench.in_flight))
        assert most == 4


async def test_many_that_hang_hold_up_the_others_for_about_an_interval(bench: Bench) -> None:
    for number in range(1, 42):
        await bench.follow(number)
    for number in range(1, 41):
        bench.site.fail(f"/petitions/{number}.json", Fault(hang=True))
    before = bench.asked("/petitions/41.json")
    await bench.pass_time(130, step=2, hanging=range(1, 41))
    assert bench.asked("/petitions/41.json") > before


def waiting(latencies: Iterable[float], matter: Subject = 1) -> SiteState:
    """A site that has answered so fast, and now owes an answer since 0.0."""
    limits = Limits(60.0, 60)
    watch = SiteState(None, Budget(60, lambda: 0.0), limits, lambda: 0.0)  # type: ignore[arg-type]
    for latency in latencies:
        watch.asked(matter, 0.0)
        watch.wait_ended(matter, latency, answered=True)
    watch.asked(matter, 0.0)
    return watch


def test_how_long_an_answer_is_waited_for_goes_by_what_is_usual() -> None:
    assert patience(waiting([])) == 2.0
    assert patience(waiting([0.01] * 4)) == 2.0
    assert patience(waiting([0.01] * 9)) == 0.8
    assert patience(waiting([0.3] * 9 + [9.0] * 3)) == 1.5
    assert patience(waiting([3.0] * 9)) == 15.0


def test_a_site_that_has_become_slow_is_waited_for_longer() -> None:
    assert patience(waiting([0.1] * 99 + [3.0] * 20)) == 15.0


def test_lists_are_waited_for_by_what_is_usual_for_lists() -> None:
    watch = waiting([1.0] * 9, ListPage("open"))
    for _ in range(9):
        watch.asked(1, 0.0)
        watch.wait_ended(1, 0.01, answered=True)
    assert patience(watch) == 5.0


def test_what_gives_no_answer_makes_nobody_more_patient() -> None:
    watch = waiting([0.01] * 9)
    for _ in range(99):
        watch.wait_ended(1, 10.0, answered=False)
        watch.asked(1, 0.0)
    assert patience(watch) == 0.8


async def test_many_that_hang_are_known_within_seconds_where_answers_usually_come_fast(
    bench: Bench,
) -> None:
    for number in range(1, 9):
        await bench.follow(number)
    await bench.pass_time(60)
    for number in range(1, 9):
        bench.site.fail(f"/petitions/{number}.json", Fault(hang=True))
    bench.hours.seconds += 60
    for _ in range(4):
        await bench.pass_time(1, step=1, hanging=range(1, 9))
    assert all(bench.poller._sites["uk"].outlook.is_silent(number) for number in range(1, 9))


async def test_a_slow_answer_is_waited_for_while_there_are_places(bench: Bench) -> None:
    for number in range(1, 4):
        await bench.follow(number)
    bench.site.fail("/petitions/", Fault(hang=True))
    await bench.pass_time(60, hanging=range(1, 4))
    flights = list(bench.in_flight.values())
    await bench.pass_time(30, hanging=range(1, 4))
    assert list(bench.in_flight.values()) == flights
    assert len(flights) == 3


async def test_a_list_is_taken_in_though_a_petition_on_it_hangs(bench: Bench) -> None:
    for number in (1, 2):
        await bench.follow(number, signature_count=9_990)
    await bench.tick()
    bench.site.fail("/petitions/1.json", Fault(hang=True))
    await bench.pass_time(65, hanging={1})
    for number in (1, 2):
        bench.site.edit(number, signature_count=10_002)
    await carry_out(bench, ListPage("open"))
    assert await bench.owed() == [f"uk:2:milestone:10000:{CHAT}"]


async def test_at_the_end_what_hangs_is_given_up(bench: Bench) -> None:
    await bench.follow(1)
    bench.site.fail("/petitions/1.json", Fault(hang=True))
    await bench.pass_time(65, hanging={1})
    await bench.poller.drain(patience=0)
    assert not bench.in_flight


async def test_at_the_end_what_is_about_to_be_answered_is_waited_for(bench: Bench) -> None:
    await bench.follow(1, signature_count=9_990)
    bench.site.edit(1, signature_count=10_002)
    bench.site.fail("/petitions/1.json", Fault(hang=True))
    before = bench.asked("/petitions/1.json")
    await bench.pass_time(65, hanging={1})
    await bench.site.wait_for_requests(before + 1, "/petitions/1.json")
    ending = asyncio.create_task(bench.poller.drain(patience=60))
    bench.site.heal()
    await ending
    assert await bench.owed() == [f"uk:1:milestone:10000:{CHAT}"]


async def test_nothing_is_begun_while_ending_and_after_it_all_goes_on(bench: Bench) -> None:
    await bench.follow(1)
    bench.hours.seconds += 65
    bench.poller._is_ending = True
    await bench.poller.tick()
    assert not bench.in_flight
    await bench.poller.drain()
    await bench.poller.tick()
    assert bench.in_flight


# --- the site's wishes ---------------------------------------------------------------------------


async def test_a_site_that_wants_to_be_left_alone_is(bench: Bench) -> None:
    for number in (1, 2):
        await bench.follow(number)
    bench.site.fail("/", Fault(status=429, headers={"Retry-After": "300"}))
    await bench.pass_time(70)
    refused = len(bench.site.seen())
    bench.site.heal()
    await bench.pass_time(200)
    assert len(bench.site.seen()) == refused
    (health,) = bench.poller.health([])
    assert health.quiet_for is not None
    await bench.pass_time(120)
    assert len(bench.site.seen()) > refused


async def test_one_broken_petition_holds_up_no_other(bench: Bench) -> None:
    for number in (1, 2):
        await bench.follow(number)
    bench.site.fail("/petitions/1.json", Fault(status=500))
    before = bench.asked("/petitions/2.json")
    await bench.pass_time(190)
    assert bench.asked("/petitions/2.json") - before == 3


async def test_a_quiet_petition_is_asked_for_conditionally(bench: Bench) -> None:
    ref = await bench.follow(1)
    answers: list[str] = []
    look = bench.poller._sites["uk"].api.look

    async def watched(petition: int, *, since: datetime | None = None) -> object:
        answer = await look(petition, since=since)
        answers.append(type(answer).__name__)
        return answer

    bench.poller._sites["uk"].api.look = watched  # type: ignore[method-assign,assignment]
    await bench.pass_time(260)
    assert answers[-1] == "NotModified"
    assert await bench.storage.history(ref) is not None


# --- what other bodies tell ----------------------------------------------------------------------


async def carry_out(bench: Bench, *requests: object) -> None:
    watch = bench.poller._sites["uk"]
    for request in requests:
        await bench.poller._carry_out(watch, request)  # type: ignore[arg-type]


async def test_a_list_s_numbers_ring_and_its_words_wait_for_the_petition_s_own(
    bench: Bench,
) -> None:
    await bench.follow(1, signature_count=9_990)
    await bench.tick()
    bench.site.edit(1, signature_count=10_002, **a_response())
    await carry_out(bench, ListPage("open"))
    assert await bench.owed() == [f"uk:1:milestone:10000:{CHAT}"]
    await bench.pass_time(65)
    (key,) = await bench.owed()
    assert key.startswith("uk:1:response")


async def test_counts_ring_a_milestone_and_nothing_else(bench: Bench) -> None:
    await bench.follow(1, signature_count=9_990)
    await bench.tick()
    bench.site.edit(1, signature_count=10_002)
    await carry_out(bench, Numbers(1), Numbers(1))
    assert await bench.owed() == [f"uk:1:milestone:10000:{CHAT}"]


async def test_a_list_that_is_behind_takes_nothing_back(bench: Bench) -> None:
    ref = await bench.follow(1, signature_count=10_002, **a_response())
    await bench.tick()
    bench.site.edit(1, signature_count=9_000, government_response=None, government_response_at=None)
    await carry_out(bench, ListPage("open"), Numbers(1))
    known = await bench.storage.history(ref)
    assert known is not None
    assert known.petition.signature_count == 10_002
    assert known.petition.government_response is not None
    assert await bench.owed() == []


async def test_a_body_that_lags_behind_a_list_makes_no_count_fall(bench: Bench) -> None:
    ref = await bench.follow(1, signature_count=9_000)
    await bench.tick()
    bench.site.edit(1, signature_count=9_900)
    await carry_out(bench, ListPage("open"))
    bench.site.edit(1, signature_count=9_000)
    await bench.poller.look(ref)
    assert await bench.owed() == []
    bench.hours.seconds += 400
    await bench.poller.look(ref)
    assert await bench.owed() == [f"uk:1:count_fell:{CHAT}"]


async def test_a_petition_missing_from_a_list_is_not_gone(bench: Bench) -> None:
    ref = await bench.follow(1)
    await bench.tick()
    bench.site.hide(1)
    await carry_out(bench, ListPage("open"), ListPage("open"))
    await bench.pass_time(200)
    known = await bench.storage.history(ref)
    assert known is not None
    assert not known.removed
    assert await bench.owed() == []


async def test_a_removed_petition_is_told_at_the_second_look_and_once(bench: Bench) -> None:
    await bench.follow(1)
    bench.site.take_down(1)
    await bench.pass_time(65)
    assert await bench.owed() == []
    await bench.pass_time(200)
    assert await bench.owed() == [f"uk:1:removed:{CHAT}"]


async def test_where_many_are_followed_lists_are_read(tmp_path: Path) -> None:
    async with _bench(tmp_path, a_minute=30) as bench:
        for number in range(1, 61):
            await bench.follow(number, signature_count=9_000 + number)
        await bench.pass_time(240)
        assert bench.asked("/petitions.json") > 0


# --- how it goes ---------------------------------------------------------------------------------


async def test_health_tells_the_oldest_look_the_requests_and_the_promise(bench: Bench) -> None:
    refs = [await bench.follow(number) for number in (1, 2)]
    await bench.tick()
    bench.hours.seconds += 30
    (health,) = bench.poller.health(refs)
    assert health.oldest_look == bench.hours.now() - timedelta(seconds=30)
    assert health.requests_last_hour == 2
    assert health.bound == timedelta(seconds=66)
    assert health.lag == bench.hours.now() - START - timedelta(seconds=30)
    assert health.quiet_for is None


POLL = PollConfig(timedelta(seconds=60), 60)


async def test_check_promises_what_status_will_say(bench: Bench) -> None:
    def promise(*ruled: str) -> timedelta:
        refs = [PetitionRef("uk", 1), PetitionRef("uk", 2), PetitionRef("ni", 9)]
        return timedelta(seconds=promised("uk", refs, ruled, POLL))

    refs = [await bench.follow(number) for number in (1, 2)]
    await bench.pass_time(15)
    assert bench.poller.health(refs)[0].bound == promise("ni")
    bench.publish(3)
    await listen(bench, "opened")
    await bench.pass_time(60)
    assert bench.poller.health(refs)[0].bound == promise("uk") > promise()


async def test_a_look_without_an_answer_makes_no_knowledge_younger(bench: Bench) -> None:
    refs = [await bench.follow(1)]
    await bench.tick()
    looked_at = bench.hours.now()
    bench.site.fail("/", Fault(status=500))
    await bench.pass_time(130)
    (health,) = bench.poller.health(refs)
    assert health.oldest_look == looked_at
    bench.site.heal()
    await bench.pass_time(65)
    (health,) = bench.poller.health(refs)
    assert health.oldest_look is not None
    assert health.oldest_look > looked_at


SITE = Site("uk", "UK Parliament", "https://petition.parliament.uk")


def rows(**changes: object) -> Iterator[str]:
    plain = SiteHealth(SITE, START, None, START, 12)
    report = StatusReport(START, (plain._replace(**changes),))
    yield from status(report, 1, 0, START).text.splitlines()


def test_status_says_how_old_a_look_can_get_and_never_less_than_it_is() -> None:
    for seconds, words in (
        (41, "minute"),
        (60, "minute"),
        (68, "2 minutes"),
        (120, "2 minutes"),
        (3_599, "hour"),
        (3_601, "2 hours"),
        (10_060, "3 hours"),
    ):
        assert f"While the site answers, each is checked at least every {words}." in rows(
            bound=timedelta(seconds=seconds)
        )


def test_status_says_that_a_site_wants_to_be_left_alone_only_while_it_does() -> None:
    assert any("paused checks" in row for row in rows(quiet_for=timedelta(minutes=3)))
    assert not any("paused checks" in row for row in rows())


def test_unavailable_without_a_wish_backs_off_longer_each_time() -> None:
    budget = Budget(60, lambda: 0.0)
    watch = SiteState(None, budget, Limits(60.0, 60), lambda: 0.0)  # type: ignore[arg-type]
    waits = []
    for _ in range(9):
        watch.quiet_until = 0.0
        watch.heard(Unavailable("busy", whole_site=True), START, 0.0)
        waits.append(watch.quiet_until)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (5.0, 45.0)


# --- where rules listen --------------------------------------------------------------------------


def ago(bench: Bench, **span: float) -> str:
    return stamp(bench.hours.now() - timedelta(**span))


EVERYTHING: tuple[Kind, ...] = ("opened", "threshold", "milestone", "response", "debate", "closing")


async def test_the_first_sight_of_all_that_is_there_rings_nothing(bench: Bench) -> None:
    bench.publish(1, signature_count=12_000, response_threshold_reached_at=stamp(START))
    bench.publish(2, signature_count=10_500, **a_response())
    bench.site.edit(2, government_response_at=ago(bench, hours=1))
    bench.publish(3, opened_at=ago(bench, minutes=2))
    await listen(bench, *EVERYTHING)
    await bench.pass_time(120)
    assert len(await bench.storage.petitions()) == 3
    assert await bench.owed() == []


async def test_what_opens_then_rings_once(bench: Bench) -> None:
    await listen(bench, "opened")
    bench.publish(5, opened_at=ago(bench, seconds=0))
    await bench.pass_time(70)
    assert await bench.owed() == [f"uk:5:opened:{CHAT}"]
    await bench.pass_time(300)
    assert await bench.owed() == []


async def test_a_threshold_nobody_follows_rings_for_a_rule(bench: Bench) -> None:
    bench.publish(1, signature_count=9_990)
    await listen(bench, "threshold")
    await bench.pass_time(120)
    bench.site.edit(1, signature_count=10_004)
    await bench.pass_time(120)
    assert await bench.owed() == [f"uk:1:milestone:10000:{CHAT}"]


async def test_a_response_to_a_closed_petition_never_seen_rings_for_a_rule(bench: Bench) -> None:
    await listen(bench, "response")
    bench.publish(1, state="closed", signature_count=12_000, closed_at=stamp(START), **a_response())
    created = ago(bench, seconds=0)
    body = {**a_response()["government_response"], "created_at": created}
    bench.site.edit(1, government_response_at=created, government_response=body)
    await bench.pass_time(700)
    (key,) = await bench.owed()
    assert key.startswith("uk:1:response")


async def test_what_happened_to_a_known_one_before_anybody_listened_is_silent(
    bench: Bench,
) -> None:
    await bench.follow(1, signature_count=900)
    await bench.storage.unsubscribe(CHAT, PetitionRef("uk", 1))
    bench.site.edit(1, signature_count=3_000)
    bench.hours.seconds += 86_400
    await listen(bench, "milestone")
    await bench.pass_time(300)
    assert await bench.owed() == []
    bench.site.edit(1, signature_count=5_003)
    await bench.pass_time(1_900, step=20)
    assert await bench.owed() == [f"uk:1:milestone:5000:{CHAT}"]


async def test_where_no_rule_listens_any_more_nothing_is_asked_and_all_begins_anew(
    bench: Bench,
) -> None:
    bench.publish(1)
    await listen(bench, "opened")
    await bench.storage.drop_rule(CHAT, 1)
    await bench.pass_time(15)
    before = len(bench.site.seen())
    await bench.pass_time(300)
    assert len(bench.site.seen()) == before
    bench.publish(2, opened_at=ago(bench, minutes=1))
    await listen(bench, "opened")
    await bench.pass_time(120)
    assert await bench.owed() == []


async def test_what_is_settled_is_not_looked_at_for_rules(bench: Bench) -> None:
    bench.publish(1, signature_count=500)
    await listen(bench, "closing")
    await bench.pass_time(60)
    bench.site.edit(1, state="closed", closed_at=ago(bench, seconds=0))
    await bench.pass_time(6_000, step=20)
    assert await bench.owed() == [f"uk:1:closed:{CHAT}"]
    before = bench.asked("/petitions/1.json")
    await bench.pass_time(4_000, step=20)
    assert bench.asked("/petitions/1.json") == before


async def test_what_is_watched_for_a_rule_counts_as_followed_from_the_next_tick(
    bench: Bench,
) -> None:
    bench.publish(1)
    await listen(bench, "threshold")
    await bench.pass_time(65)
    prospect = bench.poller._sites["uk"].outlook.prospects[1]
    assert not prospect.followers
    await bench.storage.subscribe(Subscription(CHAT, PetitionRef("uk", 1), START))
    await bench.tick()
    assert prospect.followers == 1


async def test_what_people_ask_of_a_site_is_taken_from_what_polling_has(bench: Bench) -> None:
    await bench.poller.parliaments()["uk"].trending()
    (health,) = bench.poller.health([])
    assert health.requests_last_hour == 1


async def test_instances_begin_at_different_moments(bench: Bench) -> None:
    await bench.follow(1)
    bench.hours.seconds += 3_600
    bench.poller._begins_at = bench.hours.seconds + 7
    before = len(bench.site.seen())
    await bench.tick()
    assert len(bench.site.seen()) == before
    await bench.pass_time(10)
    assert len(bench.site.seen()) > before
