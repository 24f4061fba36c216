"""What a site calls things is followed: what is missed, for how long, and what takes its place."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from msgspec import structs
from petitions import NOW

from bot.subscriptions.site_names import (
    Fate,
    Lost,
    Name,
    SiteNames,
    called,
    carried_over,
    current,
    fates,
    learnt,
    lost,
    nameless,
    note_of,
    others,
    read,
    with_past,
    with_rules,
    written,
)
from bot.subscriptions.subscription import Rule

TICK = timedelta(microseconds=1)
SIX_HOURS = timedelta(hours=6)
A, B, C = Name("Ayr"), Name("Bath"), Name("Cork")
HOME = Name("Home Office", "HO", "https://home.example")
TEA = Name("Ministry of Tea", "MoT", "https://tea.example")
CAKE = Name("Ministry of Cake")


def missed(name: Name, times: int) -> Name:
    return structs.replace(name, missed=times)


def rule(**asked: object) -> Rule:
    return Rule(7, "uk", NOW, ("response",), **asked)  # type: ignore[arg-type]


def departments(*names: Name) -> SiteNames:
    return SiteNames(departments={name.name: name for name in names})


def heard(
    names: SiteNames,
    now: datetime = NOW,
    constituencies: Mapping[str, str] | None = None,
    topics: Mapping[str, str] | None = None,
    departments: Mapping[str, Name] | None = None,
) -> SiteNames:
    return learnt(
        names,
        now,
        constituencies=constituencies or {},
        topics=topics or {},
        departments=departments or {},
    )


# --- kept in a note


@pytest.mark.parametrize("note", [None, "", "{", "7", '{"topics": 7}', '{"topics": {"a": {}}}'])
def test_a_note_that_cannot_be_read_tells_no_names(note: str | None) -> None:
    assert read(note) == SiteNames()


def test_names_are_kept_in_a_note_of_their_site() -> None:
    names = SiteNames({"E1": missed(A, 3)}, {"food": B}, {"Home Office": HOME}, NOW)
    assert read(written(names)) == names
    assert note_of("uk") == "names of uk"


# --- what is missed


@pytest.mark.parametrize(
    ("counted_at", "times", "then"),
    [
        (None, 2, NOW),
        (NOW - SIX_HOURS - TICK, 2, NOW),
        (NOW - SIX_HOURS, 2, NOW),
        (NOW - SIX_HOURS + TICK, 1, NOW - SIX_HOURS + TICK),
        (NOW, 1, NOW),
        (NOW + TICK, 2, NOW),  # the clock was ahead
    ],
)
def test_what_is_missed_is_counted_once_in_six_hours(
    counted_at: datetime | None, times: int, then: datetime
) -> None:
    names = SiteNames(
        {"E1": A, "E2": missed(B, 1)},
        {"a": A, "b": missed(B, 1)},
        {"T": missed(TEA, 1)},
        counted_at,
    )
    after = heard(names, NOW, {"E1": "Ayr"}, {"a": "Ayr"}, {"H": HOME})
    assert after == SiteNames(
        {"E1": A, "E2": missed(B, times)},
        {"a": A, "b": missed(B, times)},
        {"T": missed(TEA, times), "H": HOME},
        then,
    )


@pytest.mark.parametrize("counted_at", [None, NOW])
def test_what_a_whole_list_lacks_is_missed_from_its_first_time_on(
    counted_at: datetime | None,
) -> None:
    names = SiteNames({"E1": A, "E2": B}, {}, {"T": TEA}, counted_at)
    after = heard(names, NOW, {"E2": "Bath"}, {}, {"H": HOME})
    assert after.constituencies == {"E1": missed(A, 1), "E2": B}
    assert after.departments == {"T": missed(TEA, 0 if counted_at else 1), "H": HOME}


def test_what_is_there_again_was_never_missed_and_has_its_new_name() -> None:
    names = SiteNames({"E1": missed(A, 3)}, {}, {"Home Office": missed(Name("Home Office"), 9)})
    after = heard(names, NOW, {"E1": "Air"}, {}, {"Home Office": HOME})
    assert after.constituencies == {"E1": Name("Air")}
    assert after.departments == {"Home Office": HOME}


@pytest.mark.parametrize(
    ("found", "is_taken"), [((), False), (("E1",), False), (("E1", "E2"), True), (("E9",), False)]
)
def test_a_list_that_lacks_more_than_half_of_what_was_there_says_nothing(
    found: tuple[str, ...], is_taken: bool
) -> None:
    names = SiteNames({"E1": A, "E2": B, "E3": C, "E4": C} | {"E5": missed(A, 2)})
    after = heard(names, NOW, dict.fromkeys(found, "Derby"))
    assert (after.constituencies != names.constituencies) is is_taken
    if is_taken:
        assert after.constituencies["E1"] == Name("Derby")
        assert [after.constituencies[code].missed for code in ("E3", "E4", "E5")] == [1, 1, 3]


def test_a_list_is_whole_that_has_what_was_not_missed_before() -> None:
    gone = {f"W{number}": missed(C, 4) for number in range(4)}
    after = heard(SiteNames({"E1": A, "E2": B} | gone), NOW, {"E1": "Ayr"})
    assert after.constituencies["E2"] == missed(B, 1)


def test_while_no_petition_names_a_department_none_is_missed() -> None:
    names = SiteNames({}, {}, {"T": missed(TEA, 3)})
    assert heard(names, NOW, {"E1": "Ayr"}).departments == {"T": missed(TEA, 3)}
    assert heard(names, NOW, {}, {}, {"H": HOME}).departments["T"].missed == 4


# --- what is known besides


def test_a_past_parliament_names_what_nobody_else_does() -> None:
    names = SiteNames({"E1": A, "E2": Name("", missed=1), "E4": missed(C, 2)})
    after = with_past(names, {"E1": "Old Ayr", "E2": "Old Bath", "E3": "Old Cork", "E4": "Old"})
    assert after.constituencies == {
        "E1": A,
        "E2": Name("Old Bath", missed=4),
        "E3": Name("Old Cork", missed=4),
        "E4": missed(C, 2),
    }


def test_what_a_rule_asks_for_and_no_list_has_is_missed_from_now_on() -> None:
    names = SiteNames({"E1": A, "E2": Name("", missed=3)}, {"a": A})
    rules = [
        rule(constituency="E1", constituency_name="Old Ayr"),
        rule(constituency="E2", constituency_name="Bath"),
        rule(constituency="E3", constituency_name="Cork"),
        rule(constituency="E4"),
        rule(words=("tea",)),
    ]
    assert with_rules(names, rules) == SiteNames(
        {"E1": A, "E2": missed(B, 1), "E3": missed(C, 1), "E4": Name("", missed=1)}, {"a": A}
    )
    assert nameless(with_rules(names, rules), ["E1", "E2", "E4", "E5"]) == {"E4", "E5"}


def test_a_code_is_called_what_it_was_last() -> None:
    register = {"E1": missed(A, 9), "E2": B}
    assert [called(code, register) for code in ("E1", "E2", "E3")] == ["Ayr", "Bath", ""]


def test_what_is_there_now_has_all_that_it_is_called() -> None:
    register = {"T": TEA, "H": missed(HOME, 1), "C": CAKE}
    assert current(register) == {"T": ("Ministry of Tea", "MoT"), "C": ("Ministry of Cake",)}


# --- what takes its place


@pytest.mark.parametrize(
    ("register", "code"),
    [
        ({"E1": missed(A, 1), "E2": A}, "E2"),
        ({"E1": missed(A, 1), "E2": Name("AYR")}, "E2"),
        ({"E1": missed(A, 1), "E2": A, "E3": A}, "E1"),  # which of them is not known
        ({"E1": missed(A, 1), "E2": Name(""), "E3": A}, "E3"),
        ({"E1": missed(A, 1), "E2": B}, "E1"),
        ({"E1": missed(A, 1), "E2": missed(A, 1)}, "E1"),
        ({"E1": A, "E2": A}, "E1"),
        ({"E1": Name("", missed=1), "E2": Name("!")}, "E1"),
        ({"E2": A}, "E1"),
    ],
)
def test_a_code_goes_on_as_the_only_one_of_its_name(register: dict[str, Name], code: str) -> None:
    assert carried_over(rule(constituency="E1"), SiteNames(register)) == rule(constituency=code)
    assert carried_over(rule(topics=("E1",)), SiteNames({}, register)) == rule(topics=(code,))


def test_two_topics_that_became_one_are_asked_for_once() -> None:
    names = SiteNames({}, {"a": missed(A, 1), "b": Name("ayr", missed=1), "c": A, "d": B})
    assert carried_over(rule(topics=("d", "b", "a")), names).topics == ("d", "c")


@pytest.mark.parametrize(
    ("now", "name"),
    [
        ((missed(TEA, 1), Name("Cake", "mot")), "Cake"),
        ((missed(TEA, 1), Name("Cake", "", TEA.url)), "Cake"),
        ((missed(TEA, 1), Name("Cake", "X", TEA.url)), "Cake"),
        ((missed(TEA, 1), Name("Cake", "X", "https://x.example")), TEA.name),
        ((missed(TEA, 1), missed(Name("Cake", "MoT"), 1)), TEA.name),
        ((missed(TEA, 1), Name("Cake", "MoT"), Name("Milk", "MoT")), TEA.name),
        ((TEA, Name("Cake", "MoT")), TEA.name),
        ((missed(Name(TEA.name), 1), Name("Cake")), TEA.name),  # neither has a page or letters
        ((missed(Name(TEA.name), 1), Name("Cake", "C"), Name("Milk", "", "u")), TEA.name),
        ((missed(TEA, 1), Name("Ministry of Tea and Cake", "MoT")), TEA.name),  # fits that too
        ((Name("Cake", "MoT"),), TEA.name),
    ],
)
def test_a_department_goes_on_as_the_only_one_with_its_letters_or_its_page(
    now: tuple[Name, ...], name: str
) -> None:
    asked = rule(department=TEA.name)
    assert carried_over(asked, departments(*now)) == rule(department=name)


def test_a_rule_about_no_department_asks_for_none() -> None:
    assert carried_over(rule(), departments(missed(TEA, 99), HOME)) == rule()
    assert lost(rule(), departments(missed(TEA, 99))) is None


# --- what is lost


@pytest.mark.parametrize(
    ("register", "gone"),
    [
        ({}, None),
        ({"E1": A}, None),
        ({"E1": missed(A, 3)}, None),
        ({"E1": missed(A, 4)}, "Ayr"),
        ({"E1": Name("", missed=4)}, "E1"),
        ({"E2": B}, "E1"),
    ],
)
def test_a_code_is_lost_when_a_whole_list_lacked_it_for_a_day(
    register: dict[str, Name], gone: str | None
) -> None:
    seat = lost(rule(constituency="E1"), SiteNames(constituencies=register))
    assert seat == (Lost("constituency", gone) if gone else None)
    topic = lost(rule(topics=("E1",)), SiteNames(topics=register))
    assert topic == (Lost("topic", gone) if gone else None)


def test_topics_are_lost_when_all_of_them_are_and_the_first_is_named() -> None:
    names = SiteNames(topics={"a": missed(A, 4), "b": missed(B, 5), "c": C})
    assert lost(rule(topics=("b", "a")), names) == Lost("topic", "Bath")
    assert lost(rule(topics=("a", "c")), names) is None


@pytest.mark.parametrize(
    ("now", "is_lost"),
    [
        ((missed(TEA, 55),), False),
        ((missed(TEA, 56),), True),
        ((missed(TEA, 57), HOME), True),
        ((missed(TEA, 56), Name("Ministry of Tea and Cake")), False),
        ((HOME,), False),
        ((), False),
    ],
)
def test_a_department_is_lost_after_two_weeks_without_petitions(
    now: tuple[Name, ...], is_lost: bool
) -> None:
    found = lost(rule(department="ministry of tea"), departments(*now))
    assert found == (Lost("department", "ministry of tea") if is_lost else None)


def test_of_several_things_that_are_lost_the_place_is_told_then_the_topic() -> None:
    names = SiteNames({"E1": missed(A, 4)}, {"b": missed(B, 4)}, {TEA.name: missed(TEA, 56)}, None)
    everything = rule(constituency="E1", topics=("b",), department=TEA.name)
    assert lost(everything, names) == Lost("constituency", "Ayr")
    assert lost(structs.replace(everything, constituency=""), names) == Lost("topic", "Bath")
    without = structs.replace(everything, constituency="", topics=())
    assert lost(without, names) == Lost("department", TEA.name)


def test_rules_that_simply_go_on_have_no_fate_to_tell() -> None:
    names = SiteNames({"E1": missed(A, 4), "E2": A, "E3": missed(B, 4)})
    on, moved = rule(constituency="E2"), rule(constituency="E1", words=("tea",))
    again, told = rule(constituency="E1", words=("milk",)), rule(is_lost_told=True)
    gone = rule(constituency="E3")
    assert fates([on, moved, again, told, gone], names) == [
        Fate(moved, rule(constituency="E2", words=("tea",)), None),
        Fate(again, rule(constituency="E2", words=("milk",)), None),
        Fate(told, told, None),
        Fate(gone, gone, Lost("constituency", "Bath")),
    ]


def test_a_fate_is_of_what_a_rule_asks_for_in_every_part() -> None:
    names = SiteNames({"E1": missed(A, 4), "E2": B}, {"a": missed(A, 4), "b": B}, {})
    rules = [
        rule(constituency="E2", topics=("b",)),
        rule(constituency="E1", topics=("b",)),
        rule(constituency="E2", topics=("a",)),
    ]
    assert [fate.gone for fate in fates(rules, names)] == [
        Lost("constituency", "Ayr"),
        Lost("topic", "Ayr"),
    ]


def test_in_place_of_what_is_gone_there_is_what_is_called_most_like_it() -> None:
    register = {"E2": Name("Ayrshire"), "E3": Name("Ayr North"), "E4": missed(A, 4), "E5": B}
    names = SiteNames(register, {"t": Name("Ayr")}, {TEA.name: TEA, HOME.name: HOME})
    assert others(Lost("constituency", "Ayr"), names) == {"seat.E3": "Ayr North"}
    assert others(Lost("topic", "Ayr"), names) == {"topic.t": "Ayr"}
    assert others(Lost("department", "Tea Board"), names) == {f"dept.{TEA.name}": TEA.name}
