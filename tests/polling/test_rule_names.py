"""Rules go on through new boundaries and renamed departments, or their owner is told once."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from bell import READER, Village, open_petition
from contract import IMPLEMENTATIONS, Ground, Store
from msgspec import structs
from site_stand_in import Fault, PetitionsSite
from telegram.error import TimedOut

from bot.app import open_storage, utc_now
from bot.operations.rule_names import RuleNames
from bot.petitions.petition import Department, Site
from bot.polling.petitions_api import PetitionsApi
from bot.subscriptions.codec import rule_for_link
from bot.subscriptions.site_names import (
    Lost,
    Name,
    SiteNames,
    carried_over,
    learnt,
    lost,
    note_of,
    read,
    with_past,
    written,
)
from bot.subscriptions.subscription import Chat, Rule
from storage import Storage

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
OLD, NEW = "E14000750", "E14001290"
HOLBORN = "Holborn and St Pancras"
DCMS = "Department for Digital, Culture, Media & Sport"
CULTURE = "Department for Culture, Media and Sport"


def seat_rule(code: str = OLD, **more: Any) -> Rule:
    return Rule(READER, "uk", NOON, ("top_ten",), constituency=code, **more)


def told(names: SiteNames, times: int = 1, **parts: Any) -> SiteNames:
    """The names after a site said the same every six hours."""
    empty: dict[str, Any] = {"constituencies": {}, "topics": {}, "departments": {}}
    for _ in range(times):
        at = (names.counted_at or NOON) + timedelta(hours=6)
        names = learnt(names, at, **(empty | parts))
    return names


# --- constituencies and topics, by themselves


def test_a_constituency_whose_code_changed_is_carried_over_by_its_name() -> None:
    names = told(told(SiteNames(), constituencies={OLD: HOLBORN}), constituencies={NEW: HOLBORN})
    assert carried_over(seat_rule(), names) == seat_rule(NEW)
    assert lost(carried_over(seat_rule(), names), names) is None


def test_a_constituency_that_is_there_stays_as_it_is() -> None:
    names = told(SiteNames(), constituencies={OLD: HOLBORN, NEW: "Leeds East"})
    assert carried_over(seat_rule(), names) == seat_rule()
    assert lost(seat_rule(), names) is None


def test_a_name_that_is_gone_too_is_lost_once_it_was_missed_for_a_day() -> None:
    names = told(SiteNames(), constituencies={OLD: HOLBORN, "E1": "A", "E2": "B"})
    others = {"constituencies": {"E1": "A", "E2": "B"}}
    assert lost(seat_rule(), told(names, 3, **others)) is None
    names = told(names, 4, **others)
    assert carried_over(seat_rule(), names) == seat_rule()
    assert lost(seat_rule(), names) == Lost("constituency", HOLBORN)


def test_looking_often_does_not_make_a_day() -> None:
    names = told(SiteNames(), constituencies={OLD: HOLBORN, "E1": "A"})
    for _ in range(50):
        names = learnt(
            names, names.counted_at or NOON, constituencies={"E1": "A"}, topics={}, departments={}
        )
    assert lost(seat_rule(), names) is None


def test_a_list_that_is_empty_or_cut_short_says_nothing() -> None:
    whole = {f"E{n}": f"Seat {n}" for n in range(100)} | {OLD: HOLBORN}
    names = told(SiteNames(), constituencies=whole)
    assert lost(seat_rule(), told(names, 50, constituencies={})) is None
    assert lost(seat_rule(), told(names, 50, constituencies={"E1": "Seat 1"})) is None


def test_a_list_that_lacks_one_of_a_hundred_says_that_it_is_gone() -> None:
    seats = {f"E{n}": f"Seat {n}" for n in range(100)}
    names = told(SiteNames(), constituencies=seats | {OLD: HOLBORN})
    assert lost(seat_rule(), told(names, 4, constituencies=seats)) == Lost("constituency", HOLBORN)


def test_a_constituency_of_a_past_parliament_is_known_by_its_list() -> None:
    names = told(SiteNames(), constituencies={NEW: HOLBORN})
    names = with_past(names, {OLD: HOLBORN, "E14000001": "Old Town"})
    assert carried_over(seat_rule(), names) == seat_rule(NEW)
    assert lost(seat_rule("E14000001"), names) == Lost("constituency", "Old Town")


def test_a_topic_whose_code_changed_is_carried_over_and_one_that_went_is_lost() -> None:
    rule = Rule(READER, "uk", NOON, ("response",), topics=("health", "food"))
    names = told(SiteNames(), topics={"health": "Health", "food": "Food", "law": "Law"})
    names = told(names, 4, topics={"nhs": "Health", "law": "Law"})
    assert carried_over(rule, names).topics == ("nhs", "food")
    assert lost(carried_over(rule, names), names) is None
    food = structs.replace(rule, topics=("food",))
    assert lost(carried_over(food, names), names) == Lost("topic", "Food")


# --- departments


def about(department: str) -> Rule:
    return Rule(READER, "uk", NOON, ("response",), department=department)


def seen(*names: Name) -> dict[str, dict[str, Name]]:
    return {"departments": {name.name: name for name in names}}


HOME = Name("Home Office", "HO")


@pytest.mark.parametrize("asked", [DCMS, "Digital"])
def test_a_department_that_was_renamed_is_carried_over_by_its_acronym(asked: str) -> None:
    names = told(SiteNames(), **seen(Name(DCMS, "DCMS"), HOME))
    names = told(names, **seen(Name(CULTURE, "DCMS"), HOME))
    assert carried_over(about(asked), names) == about(CULTURE)


def test_a_department_that_was_renamed_is_carried_over_by_its_page() -> None:
    names = told(SiteNames(), **seen(Name("Ministry of Tea", "", "https://tea.example"), HOME))
    names = told(names, **seen(Name("Ministry of Cake", "MC", "https://tea.example"), HOME))
    assert carried_over(about("Ministry of Tea"), names) == about("Ministry of Cake")


@pytest.mark.parametrize("asked", ["DCMS", "Culture", "Home Office"])
def test_a_rule_that_fits_the_new_name_too_stays_as_it_is(asked: str) -> None:
    names = told(SiteNames(), **seen(Name(DCMS, "DCMS"), HOME))
    names = told(names, **seen(Name(CULTURE, "DCMS"), HOME))
    assert carried_over(about(asked), names) == about(asked)


def test_a_department_without_petitions_is_lost_after_two_weeks_and_not_before() -> None:
    names = told(SiteNames(), **seen(Name("Wales Office"), HOME))
    assert lost(about("Wales Office"), told(names, 55, **seen(HOME))) is None
    gone = told(names, 56, **seen(HOME))
    assert lost(about("Wales Office"), gone) == Lost("department", "Wales Office")
    assert lost(about("Wales Office"), told(gone, **seen(Name("Wales Office"), HOME))) is None


def test_while_no_petition_is_seen_no_department_is_missed() -> None:
    names = told(SiteNames(), **seen(Name("Wales Office")))
    assert lost(about("Wales Office"), told(names, 100, topics={"law": "Law"})) is None


def test_a_department_nobody_ever_saw_is_not_called_gone() -> None:
    assert lost(about("Helth"), told(SiteNames(), 100, **seen(HOME))) is None


def test_names_are_kept_whole_and_a_note_that_cannot_be_read_is_none() -> None:
    names = told(SiteNames(), constituencies={OLD: HOLBORN}, **seen(HOME))
    assert read(written(names)) == names
    assert read("no JSON") == read(None) == SiteNames()


# --- over both stores


@pytest.fixture(params=IMPLEMENTATIONS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    ground: Ground = request.param(tmp_path)
    store = Store(ground, await ground.open())
    yield store
    await store.storage.close()


async def test_the_rules_of_a_site_are_those_of_every_chat(store: Store) -> None:
    storage = store.storage
    first = await storage.save_rule(seat_rule(), NOON)
    second = await storage.save_rule(about("DCMS"), NOON)
    third = await storage.save_rule(structs.replace(seat_rule(NEW), chat_id=7), NOON)
    await storage.save_rule(structs.replace(seat_rule(NEW), site="senedd"), NOON)
    assert list(await storage.rules_of("uk")) == [third, first, second]
    await storage.drop_rule(7, third.number)
    storage = await store.reopen()
    assert list(await storage.rules_of("uk")) == [first, second]
    assert list(await storage.rules_of("jersey")) == []


class Mute:
    """A bot whose messages go nowhere, or nowhere yet."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.is_away = False

    async def send_message(self, chat_id: int, text: str, **_: Any) -> None:
        if self.is_away:
            raise TimedOut
        self.said.append(text)


class Keeper:
    """A site, and what looks after its rules in a store that may be opened anew."""

    def __init__(self, site: PetitionsSite, session: aiohttp.ClientSession) -> None:
        self.site, self.bot, self.now = site, Mute(), NOON
        self.parliament = PetitionsApi(Site("uk", "UK Parliament", site.url), session)
        self.departments: Sequence[Department] = ()

    async def passes(self, storage: Storage, times: int = 1) -> None:
        """So many times six hours pass."""
        for _ in range(times):
            self.now += timedelta(hours=6)
            keeper = RuleNames(
                {"uk": self.parliament},
                storage,
                self.bot,  # type: ignore[arg-type]
                lambda: self.now,
                lambda _: self.departments,
            )
            await keeper.look_after()


@pytest.fixture
async def keeper() -> AsyncIterator[Keeper]:
    async with PetitionsSite(utc_now) as site, aiohttp.ClientSession() as session:
        site.topics = {"food": "Food"}
        site.constituencies = _seats({OLD: HOLBORN, "E14000002": "Leeds East"})
        yield Keeper(site, session)


def _seats(names: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {
        code: {"constituency": name, "ons_code": code, "mp": "A B", "party": "Tea"}
        for code, name in names.items()
    }


async def test_its_owner_is_told_once_through_restarts(store: Store, keeper: Keeper) -> None:
    await store.storage.save_chat(Chat(READER))
    await store.storage.save_rule(seat_rule(), NOON)
    await keeper.passes(store.storage)
    keeper.site.constituencies = _seats({"E14000002": "Leeds East", "E14000003": "Holborn North"})
    await keeper.passes(store.storage, 3)
    assert keeper.bot.said == []
    await keeper.passes(store.storage, 3)
    await keeper.passes(await store.reopen(), 3)
    [said] = keeper.bot.said
    assert HOLBORN in said
    assert OLD not in said


async def test_what_came_back_and_went_again_is_told_again(store: Store, keeper: Keeper) -> None:
    await store.storage.save_chat(Chat(READER))
    await store.storage.save_rule(seat_rule(), NOON)
    await keeper.passes(store.storage)
    there = keeper.site.constituencies
    for _ in range(2):
        keeper.site.constituencies = _seats({"E14000002": "Leeds East"})
        await keeper.passes(store.storage, 5)
        keeper.site.constituencies = there
        await keeper.passes(store.storage)
    assert len(keeper.bot.said) == 2
    [rule] = await store.storage.rules(READER)
    assert not rule.is_lost_told


async def test_one_that_could_not_be_told_is_told_later(store: Store, keeper: Keeper) -> None:
    await store.storage.save_chat(Chat(READER))
    await store.storage.save_rule(seat_rule(), NOON)
    await keeper.passes(store.storage)
    keeper.site.constituencies = _seats({"E14000002": "Leeds East"})
    keeper.bot.is_away = True
    await keeper.passes(store.storage, 6)
    assert keeper.bot.said == []
    keeper.bot.is_away = False
    await keeper.passes(store.storage, 3)
    assert len(keeper.bot.said) == 1


async def test_a_renamed_department_is_kept_under_its_new_name_and_told_once(
    store: Store, keeper: Keeper
) -> None:
    await store.storage.save_chat(Chat(READER))
    await store.storage.save_rule(about("Digital"), NOON)
    keeper.departments = [Department(DCMS, "DCMS")]
    await keeper.passes(store.storage)
    keeper.departments = [Department(CULTURE, "DCMS")]
    await keeper.passes(store.storage, 3)
    [rule] = await store.storage.rules(READER)
    assert rule.department == CULTURE
    [said] = keeper.bot.said
    assert "Digital" in said
    assert CULTURE in said


async def test_a_code_that_nobody_has_a_name_of_is_found_in_a_past_parliament(
    store: Store, keeper: Keeper
) -> None:
    await store.storage.save_chat(Chat(READER))
    await store.storage.save_rule(seat_rule(), NOON)
    keeper.site.constituencies = _seats({NEW: HOLBORN, "E14000002": "Leeds East"})
    keeper.site.parliaments = [
        {"period": "2024-2026", "constituencies": _seats({"E14000002": "Leeds East"})},
        {"period": "2019-2024", "constituencies": _seats({OLD: HOLBORN})},
    ]
    await keeper.passes(store.storage)
    [rule] = await store.storage.rules(READER)
    assert rule.constituency == NEW
    assert keeper.bot.said == []


async def test_a_rule_that_knows_its_constituencys_name_is_carried_over_by_that(
    store: Store, keeper: Keeper
) -> None:
    await store.storage.save_rule(seat_rule(constituency_name=HOLBORN), NOON)
    keeper.site.constituencies = _seats({NEW: HOLBORN})
    await keeper.passes(store.storage)
    [rule] = await store.storage.rules(READER)
    assert (rule.constituency, rule.constituency_name) == (NEW, HOLBORN)


async def test_a_site_that_does_not_answer_changes_nothing(store: Store, keeper: Keeper) -> None:
    await store.storage.save_chat(Chat(READER))
    before = await store.storage.save_rule(seat_rule(), NOON)
    await keeper.passes(store.storage)
    keeper.site.fail("/", Fault(status=503))
    await keeper.passes(store.storage, 50)
    assert list(await store.storage.rules(READER)) == [before]
    assert keeper.bot.said == []


# --- in a chat


async def _follows_holborn(village: Village) -> None:
    found = await village.reader.ask(f"/constituency {HOLBORN}", "📍")
    village.reader.tap(found, "Follow this constituency")
    draft = await village.reader.hears(f"Follow {HOLBORN}")
    village.reader.tap(draft, "Save")
    asked = await village.reader.sees_edit(draft, "I need to keep")
    village.reader.tap(asked, "Follow it")
    await village.reader.sees_edit(asked, "You're now following")


async def test_a_rule_rings_again_under_the_new_code_of_its_constituency(
    village: Village,
) -> None:
    village.site.constituencies = _seats({OLD: HOLBORN})
    async with village.bell():
        await _follows_holborn(village)
    village.site.constituencies = _seats({NEW: HOLBORN})

    def signed(first: str) -> list[dict[str, Any]]:
        seats = [(first, 400), *((f"E1400020{n}", 300 - n) for n in range(9)), (NEW, 200)]
        return [{"name": HOLBORN, "ons_code": c, "signature_count": n} for c, n in seats]

    asked = len(village.site.seen("/constituencies.json"))
    async with village.bell():
        await village.reader.ask("/subscriptions", f"🔔 {HOLBORN}")
        await village.site.wait_for_requests(asked + 2, "/constituencies.json")
        number = 700_001
        village.site.put(
            number, open_petition(signature_count=3_300, signatures_by_constituency=signed("E9"))
        )
        await village.reader.subscribes(number)
        await village.looked(2, number)
        village.site.edit(
            number, signature_count=3_900, signatures_by_constituency=signed(NEW)[:-1]
        )
        rang = await village.reader.hears(HOLBORN)
        assert "From your rule" in rang["text"]


async def test_a_rule_about_what_is_gone_is_given_something_else_by_a_press(
    village: Village,
) -> None:
    village.site.constituencies = _seats({OLD: HOLBORN})
    async with village.bell():
        await _follows_holborn(village)
    village.site.constituencies = _seats({NEW: "Holborn North", "E14000002": "Leeds East"})
    missed_for_long = SiteNames(constituencies={OLD: Name(HOLBORN, missed=9)})
    storage = await open_storage(village.config().storage)
    await storage.save_note(note_of("uk"), written(missed_for_long))
    await storage.close()
    async with village.bell():
        told = await village.reader.hears("there's no constituency with that name now")
        listed = await village.reader.ask("/subscriptions", f"🔔 {HOLBORN}")
        assert OLD not in listed["text"]
        village.reader.tap(told, "Holborn North")
        now = await village.reader.sees_edit(told, "Holborn North")
        assert "🔔 Holborn North" in now["text"]
        await village.reader.ask("/subscriptions", "🔔 Holborn North")


async def test_a_topic_is_shown_by_the_sites_own_name(village: Village) -> None:
    village.site.topics = {"food": "Food and drink"}
    rule = Rule(7, "uk", utc_now(), ("response",), topics=("food",))
    async with village.bell():
        await village.reader.ask(
            f"/start r_{rule_for_link(rule)}", "Follow petitions on Food and drink?"
        )
