"""The budget is a limit for everybody: polling, people, and whoever asks for more than a share."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from looking import Bench, _bench
from site_stand_in import Fault

from bot.errors import ParliamentError, ParliamentUnasked
from bot.petitions.petition import PetitionRef
from bot.polling.budget import Budget, asking_for
from bot.polling.lookup import Unasked
from bot.polling.outlook import peoples_share
from bot.polling.petitions_api import Found, NotFound

TALKATIVE, QUIET = 1, 2


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with _bench(tmp_path) as made:
        yield made


@contextmanager
def asked_by(person: int) -> Iterator[None]:
    token = asking_for.set(person)
    try:
        yield
    finally:
        asking_for.reset(token)


# --- the limit itself


@given(
    st.integers(1, 90),
    st.lists(st.tuples(st.floats(0.01, 20), st.integers(0, 40), st.integers(0, 5)), max_size=120),
)
def test_people_and_polling_together_never_exceed_the_budget(
    a_minute: int, steps: list[tuple[float, int, int]]
) -> None:
    now = [0.0]
    budget = Budget(a_minute, lambda: now[0])
    spent: list[float] = []
    people: list[float] = []
    for step, wanted, person in steps:
        now[0] += step
        for _ in range(wanted):
            if not budget.wait_of(person):
                budget.spend_for(person)
                spent.append(now[0])
                people.append(now[0])
        for _ in range(budget.left()):
            budget.spend()
            spent.append(now[0])
    for moments, most in ((spent, a_minute), (people, peoples_share(a_minute))):
        assert all(sum(then <= at < then + 60 for at in moments) <= most for then in moments)


def test_second_requests_are_within_the_budget_too() -> None:
    """Where every petition has moved, each look takes two."""
    now, begun = [0.0], [0]
    budget = Budget(60, lambda: now[0], lambda: begun[0])
    spent: list[float] = []
    for second in range(600):
        now[0] = float(second)
        for _ in range(begun[0]):
            budget.spend()
            spent.append(now[0])
        begun[0] = 0
        for person in range(5):
            if not budget.wait_of(person):
                budget.spend_for(person)
                budget.spend()
                spent += (now[0], now[0])
        begun[0] = min(4, budget.left())
        for _ in range(begun[0]):
            budget.spend()
            spent.append(now[0])
    assert all(sum(then <= at < then + 60 for at in spent) <= 60 for then in spent)
    assert len(spent) >= 55 * 10


def test_polling_keeps_two_thirds_whatever_people_ask() -> None:
    now = [0.0]
    budget = Budget(60, lambda: now[0])
    polled: list[float] = []
    for second in range(600):
        now[0] = float(second)
        for person in range(50):
            if not budget.wait_of(person):
                budget.spend_for(person)
        for _ in range(budget.left()):
            budget.spend()
            polled.append(now[0])
    assert sum(at >= 300 for at in polled) >= 40 * 5


def test_polling_has_nearly_all_while_nobody_asks() -> None:
    now = [0.0]
    budget = Budget(60, lambda: now[0])
    polled = 0
    for second in range(600):
        now[0] = float(second)
        for _ in range(budget.left()):
            budget.spend()
            polled += 1
    assert polled >= 54 * 9


def test_one_person_cannot_take_what_others_need() -> None:
    budget = Budget(60, lambda: 0.0)
    while not budget.wait_of(TALKATIVE):
        budget.spend_for(TALKATIVE)
    assert budget.wait_of(TALKATIVE) == 60.0
    assert budget.wait_of(QUIET) == 0.0


# --- looks


async def test_what_was_looked_at_within_a_minute_is_not_asked_for_again(bench: Bench) -> None:
    bench.publish(1)
    for _ in range(5):
        assert isinstance((await bench.poller.look(PetitionRef("uk", 1))).look, Found)
    assert bench.asked("/petitions/1.json") == 1
    bench.hours.seconds += 61
    await bench.poller.look(PetitionRef("uk", 1))
    assert bench.asked("/petitions/1.json") == 2


async def test_what_is_not_there_is_not_asked_for_again_either(bench: Bench) -> None:
    for _ in range(5):
        assert isinstance((await bench.poller.look(PetitionRef("uk", 9))).look, NotFound)
    assert bench.asked("/petitions/9.json") == 1


async def test_what_was_only_seen_can_be_followed_without_another_request(bench: Bench) -> None:
    bench.publish(1)
    ref = PetitionRef("uk", 1)
    await bench.poller.look(ref)
    assert await bench.storage.history(ref) is None
    assert (await bench.poller.look(ref, keep=True)).known is not None
    assert await bench.storage.history(ref) is not None
    assert bench.asked("/petitions/1.json") == 1


async def test_a_look_seen_again_tells_what_polling_has_learned_since(bench: Bench) -> None:
    ref = await bench.follow(1, signature_count=100)
    await bench.poller.look(ref)
    bench.hours.seconds += 30
    bench.site.edit(1, signature_count=120)
    watch = bench.poller._sites["uk"]
    await bench.poller._looks.look_at(watch, ref)
    again = await bench.poller.look(ref)
    assert again.petition is not None
    assert again.petition.signature_count == 120


async def test_whoever_asks_for_too_much_is_shown_what_is_known(bench: Bench) -> None:
    ref = await bench.follow(1)
    with asked_by(TALKATIVE):
        for number in range(100, 140):
            await bench.poller.look(PetitionRef("uk", number))
        before = len(bench.site.seen())
        known = await bench.poller.look(ref)
        unknown = await bench.poller.look(PetitionRef("uk", 99))
    assert len(bench.site.seen()) == before
    assert known.petition is not None
    assert isinstance(known.look, Unasked)
    assert isinstance(unknown.look, Unasked)
    assert not unknown.look.wants_quiet
    with asked_by(QUIET):
        assert isinstance((await bench.poller.look(PetitionRef("uk", 98))).look, NotFound)


async def test_polling_goes_on_while_one_account_types_three_queries_a_second(
    bench: Bench,
) -> None:
    await bench.follow(1)
    bench.hours.seconds += 60
    before, looked = len(bench.site.seen()), bench.asked("/petitions/1.json")
    people = bench.poller.parliaments()["uk"]
    with asked_by(TALKATIVE):
        for second in range(120):
            bench.hours.seconds += 1
            for query in range(3):
                try:
                    await people.page("open", q=f"words {second} {query}")
                except ParliamentUnasked:
                    pass
            await bench.tick()
    assert bench.asked("/petitions/1.json") - looked >= 2
    assert len(bench.site.seen()) - before <= 120


# --- lists


async def test_the_same_search_is_asked_once_a_minute(bench: Bench) -> None:
    people = bench.poller.parliaments()["uk"]
    for _ in range(4):
        await people.page("open", q="tea")
    assert len(bench.site.seen()) == 1
    bench.hours.seconds += 61
    await people.page("open", q="tea")
    assert len(bench.site.seen()) == 2


async def test_a_search_that_failed_is_not_tried_again_at_once(bench: Bench) -> None:
    bench.site.fail("/archived", Fault(status=500))
    people = bench.poller.parliaments()["uk"]
    for _ in range(3):
        with pytest.raises(ParliamentError):
            await people.archived_page("all", q="tea")
    assert len(bench.site.seen()) == 1


async def test_what_polling_has_read_is_not_asked_for_by_people(bench: Bench) -> None:
    bench.publish(1)
    await bench.poller._sites["uk"].api.page("open")
    page = await bench.poller.parliaments()["uk"].page("open")
    assert [petition.ref.id for petition in page.petitions] == [1]
    assert len(bench.site.seen()) == 1


async def test_polling_never_takes_an_old_list_for_a_new_one(bench: Bench) -> None:
    await bench.poller.parliaments()["uk"].page("open")
    await bench.poller._sites["uk"].api.page("open")
    assert len(bench.site.seen()) == 2


# --- a site that wants quiet


async def test_a_site_that_wants_quiet_is_asked_nothing_by_anybody(bench: Bench) -> None:
    ref = await bench.follow(1)
    bench.hours.seconds += 65
    bench.site.fail("/", Fault(status=429, headers={"Retry-After": "120"}))
    await bench.tick()
    before = len(bench.site.seen())
    people = bench.poller.parliaments()["uk"]
    for number in range(10):
        bench.hours.seconds += 1
        assert (await bench.poller.look(ref)).petition is not None
        unknown = await bench.poller.look(PetitionRef("uk", 500 + number))
        assert isinstance(unknown.look, Unasked)
        assert unknown.look.wants_quiet
        with pytest.raises(ParliamentUnasked):
            await people.page("open", q=str(number))
    assert len(bench.site.seen()) == before


async def test_once_the_quiet_is_over_people_are_answered_again(bench: Bench) -> None:
    ref = await bench.follow(1)
    bench.hours.seconds += 65
    bench.site.fail("/", Fault(status=429, headers={"Retry-After": "120"}))
    await bench.tick()
    bench.site.heal()
    bench.hours.seconds += 122
    assert isinstance((await bench.poller.look(ref)).look, Found)


async def test_a_wish_for_quiet_told_to_a_person_holds_for_polling_too(bench: Bench) -> None:
    await bench.follow(1)
    bench.site.fail("/petitions.json", Fault(status=429, headers={"Retry-After": "300"}))
    with pytest.raises(ParliamentError):
        await bench.poller.parliaments()["uk"].page("open", q="tea")
    before = len(bench.site.seen())
    await bench.pass_time(200)
    assert len(bench.site.seen()) == before


async def test_no_look_by_a_person_prolongs_the_back_off(bench: Bench) -> None:
    bench.site.fail("/", Fault(status=503))
    for number in range(6):
        await bench.poller.look(PetitionRef("uk", number + 1))
    assert bench.poller._sites["uk"].quiet_until <= bench.hours.seconds


async def test_answers_of_one_wave_make_one_step_of_backing_off(bench: Bench) -> None:
    for number in range(1, 5):
        await bench.follow(number)
    bench.hours.seconds += 65
    bench.site.fail("/", Fault(status=503))
    await bench.tick()
    assert bench.poller._sites["uk"].quiet_until == bench.hours.seconds + 5


async def test_after_a_wave_one_probe_is_sent_and_backs_off_further(bench: Bench) -> None:
    for number in range(1, 5):
        await bench.follow(number)
    bench.hours.seconds += 65
    bench.site.fail("/", Fault(status=503))
    await bench.tick()
    before = len(bench.site.seen())
    bench.hours.seconds += 61
    await bench.tick()
    assert len(bench.site.seen()) == before + 1
    assert bench.poller._sites["uk"].quiet_until == bench.hours.seconds + 10


async def test_after_an_outage_of_two_minutes_polling_is_back_within_one(bench: Bench) -> None:
    for number in range(1, 5):
        await bench.follow(number)
    bench.site.fail("/", Fault(status=503))
    await bench.pass_time(120, step=1)
    bench.site.heal()
    before = len(bench.site.seen())
    await bench.pass_time(60, step=1)
    assert len(bench.site.seen()) - before >= 4
