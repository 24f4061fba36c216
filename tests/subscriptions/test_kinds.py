"""The kinds of news are written down once: what is said of them anywhere is read off that table."""

from collections import Counter
from typing import get_args

import pytest
from contract import EVENTS
from msgspec import structs
from petitions import NOW, petition

from bot.messages.following.rules import describe, shown, what_to_follow
from bot.messages.kinds import LABELS, kind_name
from bot.messages.settings.context import SettingsContext
from bot.messages.settings.hours import urgent_page
from bot.messages.settings.pages import loudness_page
from bot.petitions.events import EVENT_KINDS, Event, Happened, Kind, MilestoneReached
from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.petition import Site
from bot.subscriptions.event_filter import event_filters
from bot.subscriptions.preferences import DEFAULTS, KINDS_IN_SETTINGS, EffectivePreferences, decide
from bot.subscriptions.subscription import Chat, Preferences, Rule
from bot.subscriptions.typed_settings import read_kind, typed
from handlers.rules import _OF_ALL

SITE = Site("uk", "UK Parliament", "https://petition.parliament.uk", 10_000, 100_000)


def rule(kind: Kind = "opened", **asked: object) -> Rule:
    return Rule(7, "uk", NOW, (kind,), **asked)  # type: ignore[arg-type]


OF_ALL = rule()
NARROW = rule(words=("tea",))
OF_A_SEAT = rule(constituency="E14000530")


def test_every_kind_has_a_row_and_every_row_is_a_kind() -> None:
    kinds, rows = get_args(Kind), tuple(EVENT_KINDS)
    assert not set(kinds) - set(rows), (
        "kinds that lack a row in EVENT_KINDS of bot/petitions/events"
    )
    assert not set(rows) - set(kinds), "rows of EVENT_KINDS whose kind is not named in Kind"
    assert rows == kinds, "the rows of EVENT_KINDS stand in another order than the names in Kind"
    assert tuple(DEFAULTS) == kinds


def test_every_event_names_its_kind_and_every_kind_has_an_event() -> None:
    classes = {each.__name__: vars(each).get("KIND") for each in Happened.__subclasses__()}
    listed = {each.__name__ for each in get_args(Event)}
    assert not classes.keys() - listed, "classes of events that are not listed in Event"
    assert not {n: k for n, k in classes.items() if not k}, "events that do not name their KIND"
    strange = {name: kind for name, kind in classes.items() if kind not in EVENT_KINDS}
    assert not strange, "events of a kind that has no row in EVENT_KINDS"
    heard_by_rules_alone = {"ToppedIn"}
    untried = classes.keys() - {type(each).__name__ for each in EVENTS} - heard_by_rules_alone
    assert not untried, "events of which EVENTS in tests/contract.py has none: no store is tried"
    # What a milestone is besides depends on the number, and on whose it is.
    eventless = EVENT_KINDS.keys() - {"threshold", "custom_milestone"} - set(classes.values())
    assert not eventless, "kinds of which there is no event"


@pytest.mark.parametrize(
    ("official", "is_on_ladder", "is_own", "kinds"),
    [
        ("debate", False, False, ["threshold"]),
        ("response", True, True, ["custom_milestone", "threshold"]),
        (None, True, False, ["milestone"]),
        (None, True, True, ["custom_milestone", "milestone"]),
        (None, False, True, ["custom_milestone"]),
        (None, False, False, []),
    ],
)
def test_a_number_is_a_threshold_a_milestone_or_ones_own(
    official: object, is_on_ladder: bool, is_own: bool, kinds: list[str]
) -> None:
    reached = MilestoneReached(7, 8, official)  # type: ignore[arg-type]
    assert reached.kinds(is_on_ladder=is_on_ladder, is_own=is_own) == kinds


def test_the_letters_of_links_that_are_out_there_keep_their_meaning() -> None:
    letters = {row.letter: kind for kind, row in EVENT_KINDS.items()}
    assert len(letters) == len(EVENT_KINDS), "two kinds in EVENT_KINDS have the same letter"
    assert all(len(letter) == 1 and letter.isascii() for letter in letters)
    assert (
        letters.items()
        >= {
            "t": "threshold",
            "m": "milestone",
            "n": "custom_milestone",
            "r": "response",
            "d": "debate",
            "b": "business",
            "c": "closing",
            "x": "status",
            "w": "overdue",
            "s": "surge",
            "f": "count_fell",
            "o": "opened",
            "p": "top_ten",
        }.items()
    )


def test_a_word_typed_for_a_kind_means_one_kind_alone() -> None:
    words = Counter(name for kind, row in EVENT_KINDS.items() for name in (kind, *row.aliases))
    twice = [word for word, times in words.items() if times > 1]
    assert not twice, "words that mean two kinds, as a name or an alias in EVENT_KINDS"
    for kind in KINDS_IN_SETTINGS:
        assert typed([kind, "off"], None) == f"loud.{kind}.off"
        assert {read_kind(name) for name in (kind, *EVENT_KINDS[kind].aliases)} == {kind}


@pytest.mark.parametrize("word", ["top_ten", "opened", "tea", ""])
def test_a_kind_that_settings_do_not_offer_cannot_be_typed(word: str) -> None:
    assert read_kind(word) is None


def test_every_kind_has_a_name_wherever_it_is_offered_and_nowhere_else() -> None:
    unnamed = EVENT_KINDS.keys() - LABELS.keys()
    assert not unnamed, "kinds that lack a label in LABELS of bot/messages/kinds.py"
    assert tuple(LABELS) == tuple(EVENT_KINDS)
    for kind, row in EVENT_KINDS.items():
        label, offered = LABELS[kind], (row.in_settings, bool(row.rules))
        named = (bool(label.in_settings), bool(label.in_rules))
        assert named == offered, f"{kind} has a label where it is not offered, or none where it is"


def test_the_settings_show_every_kind_they_offer() -> None:
    settings = SettingsContext(Chat(7), NOW)
    for page in (loudness_page, urgent_page):
        keys = [key.text for row in page(settings)[1] for key in row]
        for kind in KINDS_IN_SETTINGS:
            assert sum(kind_name(kind) in key for key in keys) == 1, (page, kind)


def test_the_buttons_of_rules_stand_where_they_stood() -> None:
    assert [each.name for each in event_filters(OF_ALL)] == [
        "opened",
        "threshold.response",
        "threshold.debate",
        "response",
        "debate",
    ]
    assert [each.name for each in event_filters(NARROW)[5:12]] == [
        "milestone",
        "closing",
        "surge",
        "overdue",
        "status",
        "business",
        "count_fell",
    ]
    assert [each.name for each in event_filters(OF_A_SEAT)] == [
        "top_ten",
        "threshold.response",
        "threshold.debate",
        "response",
        "debate",
    ]


def test_some_rule_can_ask_for_every_kind_that_rules_can_ask_for() -> None:
    offered = {
        event_filter.kind for each in (NARROW, OF_A_SEAT) for event_filter in event_filters(each)
    }
    assert offered == {kind for kind, row in EVENT_KINDS.items() if row.rules}
    for each in (OF_ALL, NARROW, OF_A_SEAT):
        keys = [key.text for row in shown(each, SITE, "", None, Preferences())[1] for key in row]
        assert len(keys) == len(set(keys)) >= len(event_filters(each))


def test_what_a_rule_about_everything_can_ask_for_can_be_followed_by_itself() -> None:
    sites = [site_like(name, description) for name, description in DESCRIPTIONS.items()]
    keys = [key for site in sites for row in what_to_follow(site)[1] for key in row]
    offered = {key.press.rpartition("|")[2] for key in keys}
    assert set(_OF_ALL) <= offered
    everywhere = [structs.replace(OF_ALL, site=site.id) for site in sites]
    wanted = {
        (event_filter.kind, event_filter.threshold)
        for each in everywhere
        for event_filter in event_filters(each)
    }
    assert wanted == {(kind, *(of or (None,))) for kind, of in _OF_ALL.values()}
    named = {
        str(describe(rule(kind, thresholds=thresholds), SITE))
        for kind, thresholds in _OF_ALL.values()
    }
    assert len(named) == len(_OF_ALL)
    assert str(describe(rule("milestone"), SITE)) not in named


def test_a_number_that_is_on_no_ladder_is_heard_by_whose_it_is_alone() -> None:
    event = MilestoneReached(1_234, 1_300)
    assert decide(event, petition(), EffectivePreferences(), NOW) is None
    official = MilestoneReached(10_000, 10_001, "response")
    off = EffectivePreferences(Preferences(loudness={"threshold": "off"}))
    assert decide(official, petition(), EffectivePreferences(), NOW) is not None
    assert decide(official, petition(), off, NOW) is None
