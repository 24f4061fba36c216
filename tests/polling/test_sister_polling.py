"""Looking at the Senedd's, Scotland's and Jersey's sites, each in its own way."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from looking import CHAT, START, Bench, Hours, bench_at
from site_stand_in import Fault, SisterSite

from bot.demo.sister_shapes import (
    JERSEY,
    SCOTLAND,
    SENEDD,
    SisterShape,
    jersey_petition,
    scottish_petition,
    senedd_petition,
)
from bot.petitions.petition import PetitionRef
from bot.polling.site_lists import ListPage
from bot.subscriptions.subscription import Chat, Rule

OPENED = START - timedelta(days=9)
FERRY, LAMP = PetitionRef("senedd", 245600), PetitionRef("jersey", 200500)


async def _at(shape: SisterShape, folder: Path) -> AsyncIterator[Bench]:
    hours = Hours()
    async with bench_at(SisterSite(hours.now, shape), hours, folder, name=shape.name) as bench:
        yield bench


@pytest.fixture
async def senedd(tmp_path: Path) -> AsyncIterator[Bench]:
    async for bench in _at(SENEDD, tmp_path):
        yield bench


@pytest.fixture
async def jersey(tmp_path: Path) -> AsyncIterator[Bench]:
    async for bench in _at(JERSEY, tmp_path):
        yield bench


@pytest.fixture
async def scotland(tmp_path: Path) -> AsyncIterator[Bench]:
    async for bench in _at(SCOTLAND, tmp_path):
        yield bench


def asked_unchanged(bench: Bench, path: str) -> list[Mapping[str, str]]:
    return [seen.headers for seen in bench.site.seen(path) if "If-None-Match" in seen.headers]


async def test_what_the_senedd_did_not_change_is_not_sent_again(senedd: Bench) -> None:
    senedd.site.put(FERRY.id, senedd_petition(OPENED))
    await senedd.begin(FERRY)
    await senedd.pass_time(180)
    path = f"/petitions/{FERRY.id}.json"
    assert len(asked_unchanged(senedd, path)) == senedd.asked(path) - 1 > 1

    senedd.site.edit(FERRY.id, signature_count=251)
    await senedd.pass_time(120)
    known = await senedd.storage.history(FERRY)
    assert known
    assert known.petition.signature_count == 251


async def test_only_lists_that_a_site_has_are_read(senedd: Bench) -> None:
    """Many are followed and a rule listens, so that lists are worth reading."""
    for number in range(60):
        senedd.site.put(245600 + number, senedd_petition(OPENED, signature_count=10 + number))
    for number in range(30):
        await senedd.begin(PetitionRef("senedd", 245600 + number))
    await senedd.storage.save_chat(Chat(CHAT, consented_at=START))
    await senedd.storage.save_rule(Rule(CHAT, "senedd", START, ("opened",)), START)
    await senedd.pass_time(600, step=20)

    asked = {seen.path_qs.partition("?")[2] for seen in senedd.site.seen("/petitions.json")}
    states = {each.partition("state=")[2].partition("&")[0] for each in asked}
    assert states == {"all", "open", "referred", "debated", "completed"}
    assert senedd.asked("/trending.json") > 0
    assert not senedd.site.seen("/archived")


async def test_jersey_is_never_asked_what_trends(jersey: Bench) -> None:
    jersey.site.put(LAMP.id, jersey_petition(OPENED))
    await jersey.storage.save_chat(Chat(CHAT, consented_at=START))
    await jersey.storage.save_rule(Rule(CHAT, "jersey", START, ("opened",)), START)
    await jersey.pass_time(600)
    assert jersey.asked("/petitions.json?state=with_response") > 0
    assert not jersey.site.seen("/trending")


async def test_what_jersey_took_down_is_believed_after_a_day_and_not_before(jersey: Bench) -> None:
    jersey.site.put(LAMP.id, jersey_petition(OPENED))
    jersey.site.put(200501, jersey_petition(OPENED))
    await jersey.begin(LAMP)
    jersey.site.take_down(LAMP.id)

    await jersey.pass_time(23 * 3600, step=3600)
    assert await jersey.owed() == []
    await jersey.pass_time(2 * 3600, step=3600)
    assert [key.rpartition(":")[0] for key in await jersey.owed()] == ["jersey:200500:removed"]
    await jersey.pass_time(24 * 3600, step=3600)
    assert await jersey.owed() == []


@pytest.mark.parametrize("trouble", ["came back", "nothing is shown"])
async def test_what_is_missing_for_a_day_may_be_there_all_the_same(
    jersey: Bench, trouble: str
) -> None:
    jersey.site.put(LAMP.id, jersey_petition(OPENED))
    await jersey.begin(LAMP)
    if trouble == "came back":
        jersey.site.take_down(LAMP.id)
        await jersey.pass_time(20 * 3600, step=3600)
        jersey.site.restore(LAMP.id)
        await jersey.pass_time(3600, step=3600)
        jersey.site.take_down(LAMP.id)
        await jersey.pass_time(20 * 3600, step=3600)
    else:  # whatever is asked for, the whole site answers like this
        jersey.site.fail("/petitions", Fault(status=404))
        await jersey.pass_time(30 * 3600, step=3600)
    assert await jersey.owed() == []


async def test_a_senedd_petition_that_gathers_supporters_is_followed_until_it_opens(
    senedd: Bench,
) -> None:
    senedd.site.put(FERRY.id, senedd_petition(OPENED))
    senedd.site.redirect(FERRY.id, "gathering-support")
    await senedd.begin(FERRY)
    known = await senedd.storage.history(FERRY)
    assert known
    assert known.petition.state == "gathering_support"

    senedd.site.restore(FERRY.id)
    await senedd.pass_time(600, step=60)
    assert [key.rpartition(":")[0] for key in await senedd.owed()] == ["senedd:245600:opened"]


async def test_a_scottish_petition_is_one_though_its_number_changes_when_it_opens(
    scotland: Bench,
) -> None:
    scotland.site.put(1450, scottish_petition("PE2234", OPENED, signature_count=40))
    scotland.site.redirect(1450, "moderation-info")
    early = await scotland.begin(PetitionRef("scotland", "PP1450"))
    scotland.site.restore(1450)
    await scotland.pass_time(600, step=60)
    assert [key.rpartition(":")[0] for key in await scotland.owed()] == ["scotland:PP1450:opened"]
    known = await scotland.storage.history(early)
    assert known
    assert known.petition.number == "PE2234"
    assert known.petition.url.endswith("/petitions/PE2234")

    # Whoever asks for its new number is shown the same one, and lists tell of that.
    later = PetitionRef("scotland", "PE2234")
    assert scotland.poller.known_as(later) == early
    assert (await scotland.poller.look(later)).known
    assert await scotland.storage.history(later) is None


async def test_what_trends_over_a_day_is_not_taken_for_an_hours(senedd: Bench) -> None:
    senedd.site.put(FERRY.id, senedd_petition(OPENED))
    senedd.site.hourly = lambda: {FERRY.id: 240}
    told: list[Mapping[Any, int]] = []
    outlook = senedd.poller._sites["senedd"].outlook
    outlook.saw_trending = lambda last_hour, _: told.append(last_hour)  # type: ignore[method-assign]
    await senedd.poller._lists._read_trending(senedd.poller._sites["senedd"])
    assert told == [{FERRY.id: 10}]


async def _followed_before_it_opens(scotland: Bench) -> PetitionRef:
    """PP1450 is followed, and the same chat has a rule about whatever opens."""
    opened = scotland.hours.now() + timedelta(seconds=100)
    scotland.site.put(1450, scottish_petition("PE2234", opened, signature_count=40))
    scotland.site.redirect(1450, "moderation-info")
    early = await scotland.begin(PetitionRef("scotland", "PP1450"))
    await scotland.storage.save_chat(Chat(CHAT, consented_at=START))
    await scotland.storage.save_rule(Rule(CHAT, "scotland", START, ("opened",)), START)
    await scotland.pass_time(100, step=20)
    assert await scotland.owed() == []
    scotland.site.restore(1450)
    return early


@pytest.mark.parametrize("first", ["list", "look"])
async def test_an_opening_is_told_once_whichever_number_is_met_first(
    scotland: Bench, first: str
) -> None:
    early = await _followed_before_it_opens(scotland)
    watch = scotland.poller._sites["scotland"]
    if first == "list":
        await scotland.poller._lists.read_page(watch, ListPage("under_consideration", 1))
    else:
        await scotland.poller._looks.look_at(watch, early)
    await scotland.pass_time(600, step=20)
    assert [key.rpartition(":")[0] for key in await scotland.owed()] == ["scotland:PP1450:opened"]
    assert await scotland.storage.history(PetitionRef("scotland", "PE2234")) is None


async def test_what_is_silent_holds_up_what_rules_tell_once(scotland: Bench) -> None:
    await _followed_before_it_opens(scotland)
    scotland.site.put(1451, scottish_petition("PE2235", scotland.hours.now()))
    scotland.site.fail("/petitions/PP1450", Fault(status=500))
    watch, page = scotland.poller._sites["scotland"], ListPage("under_consideration", 1)
    await scotland.poller._lists.read_page(watch, page)
    assert await scotland.owed() == []
    await scotland.poller._lists.read_page(watch, page)
    told = {key.rpartition(":")[0] for key in await scotland.owed()}
    assert "scotland:PE2235:opened" in told


async def test_who_comes_by_the_number_before_follows_what_is_known_by_the_one_after(
    scotland: Bench,
) -> None:
    scotland.site.put(1450, scottish_petition("PE2234", OPENED, signature_count=40))
    later = await scotland.begin(PetitionRef("scotland", "PE2234"))
    early = PetitionRef("scotland", "PP1450")
    sight = await scotland.poller.look(early, keep=True)
    assert sight.petition
    assert sight.petition.ref == later == scotland.poller.known_as(early)
    assert await scotland.storage.history(early) is None


async def test_who_comes_by_the_number_after_follows_what_waits_by_the_one_before(
    scotland: Bench,
) -> None:
    early = await _followed_before_it_opens(scotland)
    sight = await scotland.poller.look(PetitionRef("scotland", "PE2234"), keep=True)
    assert sight.petition
    assert sight.petition.ref == early


async def test_what_waits_is_asked_about_within_the_budget(scotland: Bench) -> None:
    for number in range(1400, 1450):
        scotland.site.put(number, scottish_petition(f"PE{number + 1000}", OPENED))
        scotland.site.redirect(number, "moderation-info")
        await scotland.begin(PetitionRef("scotland", f"PP{number}"))
    await scotland.pass_time(60, step=20)
    scotland.site.put(1450, scottish_petition("PE2234", OPENED))
    watch = scotland.poller._sites["scotland"]
    while watch.budget.left() > 5:
        watch.budget.spend()
    before = len(scotland.site.seen("/petitions/"))
    assert (await scotland.poller.look(PetitionRef("scotland", "PE2234"), keep=True)).known
    assert len(scotland.site.seen("/petitions/")) - before <= 6
