"""Rules: which petitions fit, found through the index as by asking each, and how they are typed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from petitions import NOW, petition

from bot.petitions.events import Kind
from bot.petitions.petition import Debate, Department, Petition, PetitionRef, Wording
from bot.subscriptions.codec import rule_for_link, rule_from_link
from bot.subscriptions.dated_events import dated_events, heard_lately
from bot.subscriptions.event_filter import EventFilter, event_filters, hears, possible, turned
from bot.subscriptions.rule_words import Words, read_words, typed_words
from bot.subscriptions.rules import RuleBook, fits, same_rule, stems
from bot.subscriptions.subscription import Preferences, Rule


def rule(**changes: object) -> Rule:
    asked: dict[str, object] = {"chat_id": 1, "site": "uk", "created_at": NOW, "number": 1}
    return Rule(**(asked | {"kinds": ("response",)} | changes))  # type: ignore[arg-type]


SCHOOL = petition(
    action="Provide free School Meals for all children",
    background="Every café in our libraries does it.",
    additional_details="Don’t wait: buses carry pupils to houses without kitchens.",
    topics=("education", "health"),
    departments=(Department("Department for Education", "DfE"),),
)


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("School", "schools"),
        ("library", "Libraries"),
        ("bus", "buses"),
        ("house", "houses"),
        ("tax", "taxes"),
        ("church", "churches"),
        ("nurse", "nurses"),
        ("case", "cases"),
        ("movie", "movies"),
        ("virus", "viruses"),
        ("child", "children"),
        ("child", "children's"),
        ("woman", "women"),
        ("cafe", "Cafés"),
        ("Môn", "mon"),
        ("don't", "DON’T"),
        ("glass", "glasses"),
        ("life", "lives"),
        ("leaf", "leaves"),
        ("hero", "heroes"),
        ("wolf", "wolves"),
        ("tax", "taxing"),
    ],
)
def test_case_accents_and_endings_make_no_difference(one: str, other: str) -> None:
    assert stems(one) == stems(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("car", "care"),
        ("us", "use"),
        ("bus", "bush"),
        ("new", "news"),
        ("police", "policy"),
        ("universe", "university"),
    ],
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert stems(one) != stems(other)


@pytest.mark.parametrize(
    "asked",
    [
        {"words": ("school",)},
        {"words": ("meal", "pupil")},
        {"words": ("school meals",)},
        {"words": ("CAFE",)},
        {"words": ("library",), "without": ("uniform",)},
        {"words": ("school",), "without": ("meal school",)},
        {"topics": ("health", "transport")},
        {"department": "dfe"},
        {"department": "Department for Education"},
        {"department": "education"},
        {"constituency": "E14001290"},
        {},
    ],
)
def test_what_fits(asked: dict[str, object]) -> None:
    assert fits(rule(**asked), SCHOOL, ["E14001290"])


@pytest.mark.parametrize(
    "asked",
    [
        {"words": ("school", "uniform")},
        {"words": ("free meals",)},
        {"words": ("children every",)},  # the one ends the title, the other begins the background
        {"words": ("school",), "without": ("meals",)},
        {"words": ("school",), "without": ("school meals",)},
        {"topics": ("transport",)},
        {"department": "health"},
        {"constituency": "E14001063"},
        {"site": "senedd"},
    ],
)
def test_what_does_not_fit(asked: dict[str, object]) -> None:
    assert not fits(rule(**asked), SCHOOL, ["E14001290"])


# --- the index -----------------------------------------------------------------------------------

_VOCABULARY = ("tea", "teas", "library", "libraries", "café", "bus", "of", "the", "Tea", "milk")
_PHRASES = st.lists(st.sampled_from(_VOCABULARY), min_size=1, max_size=2).map(" ".join)
_KINDS: tuple[Kind, ...] = ("opened", "response", "threshold", "top_ten")
_TOPICS = st.lists(st.sampled_from(("health", "culture")), max_size=2).map(tuple)
_PLACES = ("E1", "E2")

RULES = st.builds(
    Rule,
    chat_id=st.integers(1, 4),
    site=st.sampled_from(("uk", "senedd")),
    created_at=st.just(NOW),
    kinds=st.lists(st.sampled_from(_KINDS), min_size=1, max_size=3).map(tuple),
    number=st.integers(1, 4),
    words=st.lists(_PHRASES, max_size=3).map(tuple),
    without=st.lists(_PHRASES, max_size=2).map(tuple),
    topics=_TOPICS,
    department=st.sampled_from(("", "", "home", "DfE", "Home Office")),
    constituency=st.sampled_from(("", "", *_PLACES)),
)
PETITIONS = st.builds(
    petition,
    ref=st.sampled_from((PetitionRef("uk", 1), PetitionRef("senedd", 1))),
    action=st.lists(st.sampled_from(_VOCABULARY), max_size=5).map(" ".join),
    background=st.lists(st.sampled_from(_VOCABULARY), max_size=5).map(" ".join),
    topics=_TOPICS,
    departments=st.sampled_from(
        ((), (Department("Home Office"),), (Department("Department for Education", "DfE"),))
    ),
)


@given(
    st.lists(RULES, max_size=12),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=4),
    PETITIONS,
    st.sets(st.sampled_from(_KINDS), max_size=3),
    st.sets(st.sampled_from(_PLACES)),
)
def test_the_index_finds_what_asking_every_rule_finds(
    rules: list[Rule],
    dropped: list[tuple[int, int]],
    looked_at: Petition,
    kinds: set[Kind],
    places: set[str],
) -> None:
    book = RuleBook(rules)
    kept = {(each.chat_id, each.number): each for each in rules}
    for key in dropped:
        book.drop(key)
        kept.pop(key, None)
    expected = [
        each
        for _, each in sorted(kept.items())
        if kinds & set(each.kinds) and fits(each, looked_at, places)
    ]
    assert len(book) == len(kept)
    assert book.fitting(looked_at, kinds, places) == expected


def test_a_rule_in_place_of_another_is_found_by_its_own_words_alone() -> None:
    book = RuleBook([rule(words=("school",))])
    book.put(rule(words=("bus",)))
    assert [found.words for found in book.fitting(SCHOOL, ["response"])] == [("bus",)]
    book.put(rule(words=("coffee",)))
    assert book.fitting(SCHOOL, ["response"]) == []


# --- typing them ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("school meals", Words(("school", "meals"))),
        ('"school meals" -uniform', Words(("school meals",), ("uniform",))),
        ("“school meals” –“after school”", Words(("school meals",), ("after school",))),
        ('free "school meals', Words(("free", "school meals"))),
        ("buses, and Bus & bus.", Words(("buses", "and"))),
        ("co-op", Words(("co-op",))),
        ('"! tea ."', Words(("tea",))),
    ],
)
def test_typed_words_are_read(typed: str, words: Words) -> None:
    assert read_words(typed) == words


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", "none"),
        ("-uniform", "none"),
        ('"" - & !', "none"),
        ("a b c d e f g h i j k", "too many"),
        ('"a b c d e f g h i j k"', "too many"),
        ("x" * 41, "too long"),
        ("tea -" + "x" * 41, "too long"),
        ('"tea' + " 🫖" * 10 + '"', "too many"),
        ("tea -tea", "at odds"),
        ('"free teas" cake -TEA', "at odds"),
    ],
)
def test_what_cannot_be_a_rule_is_said(typed: str, problem: str) -> None:
    assert read_words(typed) == problem


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(typed: str) -> None:
    words = read_words(typed)
    if isinstance(words, Words):
        assert read_words(typed_words(*words)) == words


# --- carrying them -------------------------------------------------------------------------------


@given(RULES, st.none() | st.integers(1, 2**40))
def test_a_rule_that_was_carried_is_the_same(packed: Rule, thread: int | None) -> None:
    kept = structs.replace(
        packed, thread_id=thread, preferences=Preferences({"response": "silent"})
    )
    assert rule_from_link(rule_for_link(kept), kept.chat_id, NOW) == possible(kept)


@given(RULES)
def test_what_buttons_can_make_stays_as_it_is(made: Rule) -> None:
    if found := possible(made):
        assert possible(found) == found
        assert found.kinds
        assert set(found.kinds) <= {each.kind for each in event_filters(found)}


@pytest.mark.parametrize(
    "nobodys",
    [
        rule(kinds=("milestone",)),
        rule(kinds=("top_ten",), words=("tea",)),
        rule(kinds=("custom_milestone",), words=("tea",)),
        rule(kinds=("surge",), constituency="E14000530"),
        rule(without=("tea",)),
        rule(words=("free tea",), without=("tea",)),
        rule(department="!"),
    ],
)
def test_a_rule_no_button_makes_is_not_taken_from_a_link(nobodys: Rule) -> None:
    assert possible(nobodys) is None
    assert rule_from_link(rule_for_link(nobodys), 1, NOW) is None


def test_a_rule_from_a_link_listens_to_no_more_than_buttons_offer() -> None:
    found = rule_from_link(rule_for_link(rule(kinds=("response", "milestone", "response"))), 1, NOW)
    assert found == rule(kinds=("response",))


@pytest.mark.parametrize("text", ["", "A", "bm8", "e30", "🔔", "W10", "eyJzIjoidWsifQ"])
def test_what_we_did_not_carry_is_no_rule(text: str) -> None:
    assert rule_from_link(text, 1, NOW) is None


def test_a_carried_rule_with_more_words_than_may_be_typed_is_refused() -> None:
    many = rule(words=tuple(f"w{n}" for n in range(11)))
    assert rule_from_link(rule_for_link(many), 1, NOW) is None


# --- what they listen to -------------------------------------------------------------------------


def test_one_threshold_can_be_listened_to_without_the_other() -> None:
    both = rule(words=("tea",), kinds=("threshold", "response"))
    only = turned(both, "threshold.response")
    assert only.thresholds == ("debate",)
    assert not hears(only, EventFilter("threshold", "response"))
    assert hears(only, EventFilter("threshold", "debate"))
    assert turned(only, "threshold.response").thresholds == ()
    assert turned(only, "threshold.debate").kinds == ("response",)


@given(RULES)
def test_every_event_filter_turns_on_and_off_alone(listening: Rule) -> None:
    for event_filter in event_filters(listening):
        once = turned(listening, event_filter.name)
        changed = [
            each for each in event_filters(listening) if hears(once, each) != hears(listening, each)
        ]
        assert changed == [event_filter]


def test_a_rule_about_everything_offers_no_flood() -> None:
    assert EventFilter("milestone") not in event_filters(rule())
    assert EventFilter("milestone") in event_filters(rule(words=("tea",)))
    assert EventFilter("top_ten") in event_filters(rule(constituency="E1"))


# --- the last week -------------------------------------------------------------------------------


def test_what_a_petition_dates_itself_counts_if_it_was_in_the_week() -> None:
    since = NOW - timedelta(days=7)
    lived = petition(
        opened_at=since - timedelta(seconds=1),
        response_threshold_reached_at=since,
        debate_threshold_reached_at=NOW,
        government_response_at=NOW + timedelta(seconds=1),
        debate=Debate(debated_on=datetime(2025, 2, 27, tzinfo=UTC).date()),
    )
    happened = dated_events(lived, since, NOW)
    assert {each.event_filter.name for each in happened} == {
        "threshold.response",
        "threshold.debate",
        "debate",
    }
    debates = rule(kinds=("debate", "threshold"), thresholds=("debate",))
    assert [each.event_filter.name for each in heard_lately(debates, happened)] == [
        "threshold.debate",
        "debate",
    ]


# --- the same rule -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"chat_id": 2},
        {"number": 7},
        {"created_at": NOW - timedelta(days=1)},
        {"thread_id": 9},
        {"preferences": Preferences({"response": "silent"})},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_rule_is_the_same_wherever_and_however_it_is_heard(changes: dict[str, object]) -> None:
    assert same_rule(rule(words=("tea",)), rule(words=("tea",), **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"site": "senedd"},
        {"kinds": ("response", "debate")},
        {"words": ("tea", "milk")},
        {"without": ("milk",)},
        {"topics": ("health",)},
        {"department": "DfE"},
        {"constituency": "E14001"},
        {"thresholds": ("debate",)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_rule_that_asks_for_anything_else_is_another(changes: dict[str, object]) -> None:
    assert not same_rule(rule(words=("tea",)), rule(**{"words": ("tea",), **changes}))


def test_a_rule_about_words_hears_them_in_either_language_of_a_petition() -> None:
    ferry = petition(
        action="Keep the ferry", wordings=(Wording("cy", "https://x", action="Cadwch y fferi"),)
    )
    for word, fitting in (("fferi", True), ("ferry", True), ("cwch", False)):
        assert fits(Rule(7, "uk", NOW, ("opened",), words=(word,)), ferry) is fitting
