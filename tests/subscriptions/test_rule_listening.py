"""What a rule can listen to and does, what buttons make of it, and what it would have heard."""

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec import structs
from petitions import NOW, petition

from bot.petitions.petition import Debate, Department, Petition
from bot.subscriptions.dated_events import DatedEvent, dated_events, heard_lately
from bot.subscriptions.event_filter import (
    USUAL,
    EventFilter,
    event_filters,
    hears,
    possible,
    turned,
)
from bot.subscriptions.rules import RuleBook, fits, is_department, next_number
from bot.subscriptions.subscription import Rule

TICK = timedelta(microseconds=1)
WEEK = timedelta(days=7)


def rule(**changes: object) -> Rule:
    asked: dict[str, object] = {"chat_id": 1, "site": "uk", "created_at": NOW, "number": 1}
    return Rule(**(asked | {"kinds": ("response",)} | changes))  # type: ignore[arg-type]


# --- what it can listen to

OF_ALL = ["opened", "threshold.response", "threshold.debate", "response", "debate"]
NARROW = [*OF_ALL, "milestone", "closing", "surge", "overdue", "status", "business", "count_fell"]
OF_A_SEAT = ["top_ten", *OF_ALL[1:]]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, OF_ALL),
        ({"without": ("tea",)}, OF_ALL),
        ({"words": ("tea",)}, NARROW),
        ({"topics": ("health",)}, NARROW),
        ({"department": "DfE"}, NARROW),
        ({"constituency": "E1"}, OF_A_SEAT),
        ({"constituency": "E1", "words": ("tea",)}, OF_A_SEAT),
        ({"site": "scotland"}, ["opened", "threshold.debate", "response", "debate"]),
        (
            {"site": "mars"},
            ["opened", "threshold.response", "threshold.referral", "threshold.debate", *OF_ALL[3:]],
        ),
    ],
)
def test_a_rule_can_listen_to_what_it_and_its_site_leave_possible(
    asked: dict[str, object], names: list[str]
) -> None:
    assert [each.name for each in event_filters(rule(**asked))] == names


def test_a_rule_about_everything_listens_to_these_four() -> None:
    assert USUAL == ("opened", "threshold", "response", "debate")


@pytest.mark.parametrize(
    ("asked", "event_filter", "is_heard"),
    [
        ({}, EventFilter("response"), True),
        ({}, EventFilter("debate"), False),
        ({}, EventFilter("threshold", "debate"), False),
        ({"kinds": ("threshold",)}, EventFilter("threshold", "debate"), True),
        ({"kinds": ("threshold",)}, EventFilter("threshold"), True),
        (
            {"kinds": ("threshold",), "thresholds": ("debate",)},
            EventFilter("threshold", "debate"),
            True,
        ),
        (
            {"kinds": ("threshold",), "thresholds": ("debate",)},
            EventFilter("threshold", "response"),
            False,
        ),
        ({"kinds": ("threshold",), "thresholds": ("debate",)}, EventFilter("threshold"), True),
        ({"thresholds": ("debate",)}, EventFilter("response"), True),
    ],
)
def test_a_rule_listens_to_its_kinds_and_of_thresholds_to_its_own(
    asked: dict[str, object], event_filter: EventFilter, is_heard: bool
) -> None:
    assert hears(rule(**asked), event_filter) is is_heard


@pytest.mark.parametrize(
    ("before", "name", "kinds", "thresholds"),
    [
        ({}, "debate", ("response", "debate"), ()),
        ({}, "opened", ("opened", "response"), ()),
        ({}, "response", (), ()),
        ({}, "threshold.debate", ("threshold", "response"), ("debate",)),
        ({"kinds": ("threshold",)}, "threshold.debate", ("threshold",), ("response",)),
        (
            {"kinds": ("threshold",), "thresholds": ("debate",)},
            "threshold.response",
            ("threshold",),
            (),
        ),
        ({"kinds": ("threshold",), "thresholds": ("debate",)}, "threshold.debate", (), ()),
        ({}, "milestone", ("response",), ()),  # a rule about everything cannot
        ({}, "tea", ("response",), ()),
    ],
)
def test_a_press_turns_one_thing_on_or_off(
    before: dict[str, object], name: str, kinds: tuple[str, ...], thresholds: tuple[str, ...]
) -> None:
    after = turned(rule(**before), name)
    assert after == rule(kinds=kinds, thresholds=thresholds)


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ({}, {}),
        ({"kinds": ("debate", "response")}, {"kinds": ("response", "debate")}),
        ({"kinds": ("milestone",)}, None),
        ({"words": ("Tea,",)}, {"words": ("Tea",)}),
        ({"words": ("!",)}, None),
        ({"without": ("tea",)}, None),
        ({"words": ("tea",), "without": ("cake.",)}, {"words": ("tea",), "without": ("cake",)}),
        ({"department": "!"}, None),
        ({"department": "DfE"}, {"department": "DfE"}),
        (
            {"kinds": ("threshold",), "thresholds": ("response", "debate")},
            {"kinds": ("threshold",), "thresholds": ()},
        ),
        ({"kinds": ("threshold",), "thresholds": ("referral",)}, None),
        (
            {"site": "scotland", "kinds": ("threshold",), "thresholds": ("debate",)},
            {"site": "scotland", "kinds": ("threshold",)},
        ),
        (
            {"site": "scotland", "kinds": ("threshold",), "thresholds": ("response",)},
            None,
        ),
    ],
)
def test_a_rule_is_as_buttons_can_make_it_or_none(
    asked: dict[str, object], made: dict[str, object] | None
) -> None:
    assert possible(rule(**asked)) == (None if made is None else rule(**made))


# --- what it would have heard

SINCE = NOW - WEEK


def dated(**dates: object) -> list[tuple[str, datetime]]:
    return [
        (each.event_filter.name, each.at) for each in dated_events(petition(**dates), SINCE, NOW)
    ]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("opened_at", "opened"),
        ("response_threshold_reached_at", "threshold.response"),
        ("referral_threshold_reached_at", "threshold.referral"),
        ("debate_threshold_reached_at", "threshold.debate"),
        ("government_response_at", "response"),
        ("debate_outcome_at", "debate"),
        ("closed_at", "closing"),
    ],
)
def test_what_a_petition_dates_counts_from_the_first_instant_to_the_last(
    field: str, name: str
) -> None:
    none = {"opened_at": None}
    for at in (SINCE, SINCE + TICK, NOW - TICK, NOW):
        assert dated(**none | {field: at}) == [(name, at)]
    for at in (SINCE - TICK, NOW + TICK, None):
        assert dated(**none | {field: at}) == []


def test_a_debate_happened_at_its_outcome_else_at_noon_in_london() -> None:
    held = Debate(debated_on=date(2025, 2, 27))
    noon = datetime(2025, 2, 27, 12, tzinfo=UTC)
    assert dated(opened_at=None, debate=held) == [("debate", noon)]
    assert dated(opened_at=None, debate=held, debate_outcome_at=NOW) == [("debate", NOW)]
    assert dated(opened_at=None, debate=Debate()) == []
    in_summer = petition(debate=Debate(debated_on=date(2025, 7, 1)))
    (event,) = dated_events(in_summer, NOW, NOW + timedelta(days=365))
    assert event.at == datetime(2025, 7, 1, 11, tzinfo=UTC)


def test_of_what_happened_a_rule_is_shown_what_it_listens_to_the_newest_first() -> None:
    known = petition()
    happened = [
        DatedEvent(EventFilter("response"), NOW - WEEK, known),
        DatedEvent(EventFilter("debate"), NOW, known),
        DatedEvent(EventFilter("response"), NOW, known),
        DatedEvent(EventFilter("response"), NOW - TICK, known),
    ]
    assert heard_lately(rule(), happened) == [happened[2], happened[3], happened[0]]
    assert heard_lately(rule(kinds=("opened",)), happened) == []


# --- which rules there are

DFE = Department("Department for Education", "DfE")


def test_the_rules_of_a_site_are_found_by_chat_and_number_and_those_of_others_are_not() -> None:
    rules = [rule(chat_id=chat, number=number) for chat in (1, 2) for number in (1, 2)]
    book = RuleBook([*reversed(rules), rule(site="senedd", number=3)])
    assert book.of_site("uk") == rules
    assert book.of_site("mars") == []
    assert len(book) == 5
    book.drop((2, 1))
    book.drop((9, 9))
    assert book.of_site("uk") == [rules[0], rules[1], rules[3]]


def test_a_petition_of_no_news_or_of_a_site_without_rules_fits_none() -> None:
    book = RuleBook([rule(), rule(number=2, kinds=("debate", "opened"))])
    assert book.fitting(petition(), []) == []
    assert [each.number for each in book.fitting(petition(), ["response"])] == [1]
    assert [each.number for each in book.fitting(petition(), ["debate"])] == [2]
    assert [each.number for each in book.fitting(petition(), ["opened", "response"])] == [1, 2]
    assert RuleBook().fitting(petition(), ["response"]) == []


def test_a_rule_stands_under_the_word_with_the_fewest_others_then_the_longest() -> None:
    book = RuleBook(
        [
            rule(words=("cat", "horse")),
            rule(number=2, words=("horse", "cat")),
            rule(number=3, words=("horse", "cat")),
            rule(number=4, words=("bird", "duck")),
            rule(number=5, department="cat bird"),
            rule(number=6, department="duck bird"),
            rule(number=7, topics=("b", "a"), kinds=("debate",)),
            rule(number=8, kinds=("response", "debate")),
        ]
    )
    assert {number: entry.handles for (_, number), entry in book._entries.items()} == {
        1: ("hors",),
        2: ("cat",),
        3: ("hors",),
        4: ("bird",),
        5: ("department:bird",),
        6: ("department:duck",),
        7: ("topic:a", "topic:b"),
        8: ("kind:debate", "kind:response"),
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"words": ("tea", "library")},
        {"constituency": "E1", "words": ("tea",)},
        {"constituency": "E1"},
        {"constituency": "E1", "topics": ("health",)},
        {"department": "for education"},
        {"department": "education", "topics": ("health",)},
        {"topics": ("culture", "health")},
        {},
    ],
)
def test_the_index_finds_a_rule_by_whatever_it_asks_for(asked: dict[str, object]) -> None:
    found = petition(topics=("health", "law"), departments=(DFE,))
    book = RuleBook([rule(number=2, words=("tea",)), rule(**asked)])
    assert [each.number for each in book.fitting(found, ["response"], ["E2", "E1"])] == [1, 2]
    assert [each.number for each in book.fitting(found, ["debate"], ["E1"])] == []


@pytest.mark.parametrize(
    ("asked", "is_fit"),
    [
        ({"words": ("tea", "!")}, True),  # what is no word asks for nothing
        ({"words": ("tea",), "without": ("!",)}, True),
        ({"words": ("free tea",), "without": ("tea free",)}, True),
        ({"words": ("tea free",)}, False),
        ({"words": ("tea",), "without": ("free tea",)}, False),
        ({"words": ("tea",), "without": ("cake", "free tea")}, False),
        ({"words": ("free tea", "every library")}, True),
        ({"words": ("free tea", "library every")}, False),
        ({"words": ("tea",), "without": ("library",)}, False),
        ({"topics": ("law",)}, True),
        ({"topics": ("tea",)}, False),
        ({"department": "education health"}, False),  # words of two names
        ({"department": "DfE"}, True),
    ],
)
def test_a_petition_fits_a_rule_in_every_part(asked: dict[str, object], is_fit: bool) -> None:
    known = petition(
        background="", topics=("law",), departments=(DFE, Department("Ministry of Health"))
    )
    assert fits(rule(**asked), known) is is_fit


def test_a_petition_without_any_text_fits_a_rule_without_phrases() -> None:
    silent: Petition = structs.replace(petition(topics=("law",)), action="", background="")
    assert fits(rule(topics=("law",), without=("!",)), silent)
    assert not fits(rule(words=("tea",)), silent)


@pytest.mark.parametrize(
    ("asked", "names", "is_it"),
    [
        ("education", (DFE.name, DFE.acronym), True),
        ("dfe", (DFE.name, DFE.acronym), True),
        ("education health", (DFE.name, "Health"), False),
        ("", (DFE.name,), False),
        ("!", (DFE.name,), False),
        ("education", ("", ""), False),
        ("education", (), False),
    ],
)
def test_a_department_is_meant_by_words_of_one_of_its_names(
    asked: str, names: tuple[str, ...], is_it: bool
) -> None:
    assert is_department(asked, names) is is_it


def test_the_next_rule_is_numbered_after_the_highest() -> None:
    assert [next_number(numbers) for numbers in ((), (1,), (1, 2), (5, 2))] == [1, 2, 3, 6]
