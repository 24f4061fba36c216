"""What counts as something having happened: recorded lives, measured oddities, and laws."""

import csv
import lzma
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from petitions import OPEN, RESPONSE, petition, responded

from bot.errors import MalformedPetition
from bot.petitions.diff import diff, facts
from bot.petitions.events import (
    Closed,
    CountFell,
    Debated,
    DebateLink,
    DebateMoved,
    DebateScheduled,
    Event,
    MilestoneReached,
    NotDebated,
    Opened,
    Rejected,
    Removed,
    Reopened,
    Responded,
    ResponseRevised,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import observe, observe_gone
from bot.petitions.parse import parse_petition
from bot.petitions.petition import Business, Debate, Petition, Rejection, Site

SAMPLES = Path(__file__).parents[1] / "samples"
UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")
HOUR = timedelta(hours=1)


def sample(name: str) -> Petition:
    return parse_petition((SAMPLES / f"{name}.json").read_bytes(), UK)


def life() -> list[tuple[int, Petition]]:
    """The bodies of one petition's recorded life that are petitions, by their step."""
    steps = []
    for path in sorted(SAMPLES.glob("show_life_*.json")):
        try:
            steps.append((int(path.name.split("_")[2]), parse_petition(path.read_bytes(), UK)))
        except MalformedPetition:
            continue  # 404 and 500 bodies are part of the recording
    return steps


def keys(before: Petition, after: Petition) -> list[str]:
    return [event.key for event in diff(before, after)]


def lived(*readings: Petition, every: timedelta = HOUR) -> list[str]:
    """The keys of all that rings when these readings are seen one after another."""
    now = datetime(2025, 1, 1, tzinfo=UTC)
    known: PetitionHistory | None = None
    rung: list[str] = []
    for reading in readings:
        known, occurrences = observe(known, reading, now)
        rung += [occurrence.key.removeprefix(f"{reading.ref}:") for occurrence in occurrences]
        now += every
    return rung


# --- the recorded life ---------------------------------------------------------------------------


def test_the_recorded_life_rings_each_event_once_and_nothing_else() -> None:
    rung: dict[int, list[str]] = {}
    known: PetitionHistory | None = None
    for step, reading in life():
        known, occurrences = observe(known, reading, reading.updated_at or OPEN.opened_at)
        if occurrences:
            rung[step] = [o.key.removeprefix("uk:700000:") for o in occurrences]
    assert rung == {
        9: ["milestone:1000", "milestone:2500", "milestone:5000"],
        10: ["milestone:10000"],
        13: ["committee_note:778e9fadf854"],
        14: ["response:20250306T162000"],
        15: ["response_revised"],
        16: ["response_withdrawn"],
        18: ["response:20250402T090000"],
        19: ["milestone:25000", "milestone:50000", "milestone:75000"],
        20: ["milestone:100000"],
        21: ["debate_scheduled:2025-06-09"],
        22: ["debate_moved:2025-06-16"],
        23: ["debate_cancelled:2025-06-16"],
        24: ["debate_scheduled:2025-06-23"],
        25: ["business:20250520T100000.932000"],
        27: ["debated:2025-06-23"],
        28: [
            "debate_link:transcript",
            "debate_link:video",
            "debate_link:debate_pack",
            "debate_link:public_engagement",
            "debate_link:debate_summary",
        ],
        31: ["closed"],
    }


def test_the_recorded_life_replayed_from_its_middle_is_silent_about_its_past() -> None:
    readings = [reading for step, reading in life() if step >= 28]
    assert lived(*readings) == ["closed"]


def test_the_first_sight_of_a_petition_is_silent() -> None:
    for _, reading in life():
        _, occurrences = observe(None, reading, OPEN.opened_at)
        assert occurrences == ()


# --- seen in recorded data -----------------------------------------------------------------------


def test_a_big_fall_rings_as_a_fall_and_no_milestone_rings_again() -> None:
    counts = (2_999_000, 3_221_344, 3_146_175, 3_199_999, 3_200_500, 3_501_000)
    rung = lived(*(petition(signature_count=count) for count in counts))
    assert rung == ["milestone:3000000", "count_fell", "milestone:3500000"]


def test_a_jump_over_many_milestones_is_told_in_rising_order() -> None:
    before, after = petition(signature_count=900), petition(signature_count=120_000)
    numbers = [e.number for e in diff(before, after) if isinstance(e, MilestoneReached)]
    assert numbers == [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000]


def test_a_count_that_moves_after_closing_rings_no_second_closing() -> None:
    over = petition(state="closed", closed_at=OPEN.opened_at, signature_count=550_135)
    readings = [structs.replace(over, signature_count=n) for n in (550_135, 550_141, 550_136)]
    assert lived(petition(signature_count=550_135), *readings) == ["closed"]


def test_a_milestone_truly_reached_after_closing_rings() -> None:
    over = petition(state="closed", closed_at=OPEN.opened_at, signature_count=99_998)
    assert lived(over, structs.replace(over, signature_count=100_004)) == ["milestone:100000"]


def test_a_response_that_is_only_set_anew_is_no_revision() -> None:
    before = responded(details="Our plan:\r\n•\tfirst;\r\n•\tsecond. See [this](https://a.uk/x).")
    after = responded(details="Our plan:\n• first;\n• second. See this[1].\n\n[1]: https://a.uk/x")
    assert diff(before, after) == ()


def test_a_response_with_another_word_is_a_revision() -> None:
    assert keys(responded(), responded(details="We do not support tea.")) == ["response_revised"]


def test_a_revision_is_seen_by_its_words_and_says_which_changed() -> None:
    after = responded(
        details="We support coffee. We will say more in spring.\n\nCabinet Office",
        responded_on=date(2025, 3, 20),
    )
    (event,) = diff(responded(), after)
    assert isinstance(event, ResponseRevised)
    assert (event.removed, event.added) == (("We support tea.",), ("We support coffee.",))


def test_a_response_with_another_date_and_the_same_words_is_no_revision() -> None:
    assert diff(responded(), responded(responded_on=date(2025, 3, 1))) == ()


def test_updated_at_alone_rings_nothing() -> None:
    assert diff(OPEN, petition(updated_at=OPEN.updated_at + HOUR)) == ()


def test_an_empty_rejection_on_an_open_petition_rings_nothing() -> None:
    assert diff(OPEN, petition(rejection=Rejection(code="", details=""))) == ()


def test_an_outcome_without_a_debate_date_rings_as_debated() -> None:
    after = petition(debate=Debate(debated_on=date(2025, 6, 23)))
    assert keys(OPEN, after) == ["debated:2025-06-23"]


def test_a_petition_taken_down_rings_once_at_the_second_look() -> None:
    known, _ = observe(None, OPEN, OPEN.opened_at)
    rung: list[Event] = []
    for _ in range(4):
        known, occurrences = observe_gone(known, OPEN.opened_at)
        rung += [occurrence.event for occurrence in occurrences]
    assert rung == [Removed()]


def test_a_petition_that_returns_after_being_taken_down_rings_as_back() -> None:
    known, _ = observe(None, OPEN, OPEN.opened_at)
    for _ in range(2):
        known, _ = observe_gone(known, OPEN.opened_at)
    _, occurrences = observe(known, OPEN, OPEN.opened_at)
    assert [o.event for o in occurrences] == [Reopened(was="removed", state="open")]


def test_a_petition_that_answers_again_after_one_look_was_never_gone() -> None:
    known, _ = observe(None, OPEN, OPEN.opened_at)
    known, _ = observe_gone(known, OPEN.opened_at)
    known, occurrences = observe(known, OPEN, OPEN.opened_at)
    assert occurrences == ()
    assert observe_gone(known, OPEN.opened_at)[1] == ()


# --- from running the petitions software ---------------------------------------------------------


def test_moving_to_the_archive_rings_nothing() -> None:
    closed = sample("show_life_32_title_changed_after_close")
    assert lived(closed, sample("archived_show_life")) == []


def test_an_older_body_from_a_cache_does_not_turn_time_back() -> None:
    older = petition(updated_at=OPEN.updated_at)
    newer = structs.replace(responded(), updated_at=OPEN.updated_at + 3 * HOUR)
    rung = lived(older, newer, older, newer, every=timedelta(minutes=1))
    assert rung[-1] == "response:20250306T162000"
    assert len(rung) == len(set(rung))


def test_a_body_minutes_older_rings_nothing_however_often_it_alternates() -> None:
    newer = structs.replace(
        responded(),
        updated_at=OPEN.updated_at + timedelta(minutes=3),
        state="closed",
        closed_at=OPEN.opened_at,
        scheduled_debate_date=date(2025, 6, 9),
    )
    assert lived(newer, *(OPEN, newer) * 6) == []


def test_an_older_body_that_stays_is_believed_in_the_end() -> None:
    newer = structs.replace(responded(), updated_at=OPEN.updated_at + HOUR)
    older = structs.replace(newer, updated_at=OPEN.updated_at, government_response=None)
    assert lived(newer, *[older] * 4) == []
    assert lived(newer, *[older] * 5) == ["response_withdrawn"]


def test_a_count_that_is_dated_back_still_rings_at_once() -> None:
    dated_back = petition(signature_count=1_002, updated_at=OPEN.updated_at - HOUR)
    assert lived(OPEN, dated_back) == ["milestone:1000"]


def test_a_threshold_that_is_lost_and_reached_again_rings_once() -> None:
    counts = (9_990, 10_001, 9_999, 10_002)
    flags = (None, OPEN.opened_at, None, OPEN.created_at)
    readings = [
        petition(signature_count=count, response_threshold_reached_at=flag)
        for count, flag in zip(counts, flags, strict=True)
    ]
    assert lived(*readings) == ["milestone:10000"]


@pytest.mark.parametrize("count_first", [True, False])
def test_count_and_flag_of_a_threshold_ring_once_whichever_comes_first(
    count_first: bool,
) -> None:
    only_count = petition(signature_count=10_003)
    only_flag = petition(signature_count=9_998, response_threshold_reached_at=OPEN.opened_at)
    both = petition(signature_count=10_004, response_threshold_reached_at=OPEN.opened_at)
    first = only_count if count_first else only_flag
    assert lived(petition(signature_count=9_990), first, both) == ["milestone:10000"]


def test_both_thresholds_in_one_look_are_both_told() -> None:
    before = petition(signature_count=9_999)
    after = petition(signature_count=100_001)
    official = [e.official for e in diff(before, after) if isinstance(e, MilestoneReached)]
    assert [kind for kind in official if kind] == ["response", "debate"]


def test_a_response_below_the_threshold_rings() -> None:
    after = petition(government_response=RESPONSE, government_response_at=RESPONSE.created_at)
    assert [type(event) for event in diff(OPEN, after)] == [Responded]


def test_a_response_deleted_and_made_anew_between_two_looks_is_a_new_response() -> None:
    again = responded(created_at=RESPONSE.created_at + HOUR)
    assert [type(event) for event in diff(responded(), again)] == [Responded]


def test_a_response_that_comes_back_after_its_withdrawal_was_told_rings_again() -> None:
    without = structs.replace(responded(), government_response=None, government_response_at=None)
    rung = lived(without, responded(), without, responded())
    assert rung == [
        "response:20250306T162000",
        "response_withdrawn",
        "response:20250306T162000:2",
    ]


def test_a_debate_date_that_is_set_moved_and_cleared_rings_each_time() -> None:
    dates = (None, date(2025, 6, 9), date(2025, 6, 16), None, date(2025, 6, 9))
    rung = lived(*(petition(scheduled_debate_date=on) for on in dates))
    assert rung == [
        "debate_scheduled:2025-06-09",
        "debate_moved:2025-06-16",
        "debate_cancelled:2025-06-16",
        "debate_scheduled:2025-06-09:2",
    ]


def test_a_debate_that_moves_back_and_forth_rings_every_move() -> None:
    one, other = date(2025, 4, 1), date(2025, 4, 8)
    rung = lived(*(petition(scheduled_debate_date=on) for on in (one, other, one, other)))
    assert rung == [
        "debate_moved:2025-04-08",
        "debate_moved:2025-04-01",
        "debate_moved:2025-04-08:2",
    ]


def test_a_decision_not_to_debate_is_no_debate() -> None:
    assert diff(OPEN, sample_like_not_debated()) == (NotDebated("No time."),)


def test_not_debated_can_turn_into_debated_later() -> None:
    after = petition(debate=Debate(debated_on=date(2025, 7, 1)))
    assert keys(sample_like_not_debated(), after) == ["debated:2025-07-01"]


def sample_like_not_debated() -> Petition:
    return petition(debate=Debate(debated_on=None, overview="No time."))


def test_edits_of_an_outcome_ring_only_new_links() -> None:
    empty = petition(debate=Debate(debated_on=date(2025, 6, 23)))
    full = petition(
        debate=Debate(debated_on=date(2025, 6, 23), overview="Tea.", video_url="https://v.uk/1")
    )
    fixed = petition(
        debate=Debate(debated_on=date(2025, 6, 23), overview="Tea!", video_url="https://v.uk/2")
    )
    assert keys(empty, full) == ["debate_link:video"]
    assert diff(full, fixed) == ()


def test_debate_outcome_and_link_are_three_separate_alerts() -> None:
    on = date(2025, 6, 23)
    rung = lived(
        OPEN,
        petition(scheduled_debate_date=on),
        petition(scheduled_debate_date=on, debate=Debate(debated_on=on)),
        petition(
            scheduled_debate_date=on,
            debate=Debate(debated_on=on, transcript_url="https://hansard.uk/1"),
        ),
    )
    assert rung == [
        "debate_scheduled:2025-06-23",
        "debated:2025-06-23",
        "debate_link:transcript",
    ]


def test_an_outcome_and_its_date_that_come_together_ring_as_debated_only() -> None:
    on = date(2025, 6, 23)
    after = petition(scheduled_debate_date=on, debate=Debate(debated_on=on))
    assert keys(OPEN, after) == ["debated:2025-06-23"]


def test_a_petition_past_its_date_is_open_until_the_site_says_closed() -> None:
    assert diff(OPEN, petition(updated_at=datetime(2025, 8, 11, tzinfo=UTC))) == ()


def test_an_early_closing_is_told_from_one_on_its_date() -> None:
    on_time = petition(state="closed", closed_at=datetime(2025, 8, 10, 22, 59, 59, tzinfo=UTC))
    early = petition(state="closed", closed_at=datetime(2025, 5, 29, 23, 1, tzinfo=UTC))
    assert diff(OPEN, on_time) == (Closed(84, on_time.closed_at, early=False),)
    assert diff(OPEN, early) == (Closed(84, early.closed_at, early=True),)


def test_rejected_after_publication_and_opened_again_rings_both() -> None:
    rejected = sample("show_rejected_after_publishing")
    was_open = structs.replace(rejected, state="open", rejected_at=None, rejection=None)
    assert [type(e) for e in diff(was_open, rejected)] == [Rejected]
    assert diff(rejected, was_open) == (Reopened(was="rejected", state="open"),)


def test_a_petition_approved_after_rejection_opens_for_the_first_time() -> None:
    never_open = petition(state="rejected", opened_at=None, signature_count=6)
    assert diff(never_open, OPEN) == (Opened(OPEN.opened_at),)


def test_edited_texts_ring_nothing() -> None:
    after = petition(action="Free coffee", background="b", additional_details="d", topics=("tea",))
    assert diff(OPEN, after) == ()


def test_a_committee_note_rings_when_it_appears_and_when_its_words_change() -> None:
    notes = ("", "A note.", "A *note*.", "Another note.", "")
    rung = lived(*(petition(committee_note=note) for note in notes))
    assert [key.split(":")[0] for key in rung] == ["committee_note"] * 2


def test_a_committee_note_that_is_taken_away_and_put_back_rings_once() -> None:
    assert (
        len(lived(*(petition(committee_note=note) for note in ("", "A note.", "", "A note.")))) == 1
    )


def test_other_business_rings_once_each_and_edits_are_silent() -> None:
    first = Business("A letter", "Dear", date(2025, 5, 20), datetime(2025, 5, 20, tzinfo=UTC))
    edited = structs.replace(first, subject="The letter", body="Dear all")
    second = structs.replace(first, created_at=datetime(2025, 5, 21, tzinfo=UTC))
    rung = lived(
        OPEN,
        petition(other_parliamentary_business=(first,)),
        petition(other_parliamentary_business=(edited,)),
        petition(other_parliamentary_business=(second, edited)),
        petition(other_parliamentary_business=(second,)),
        petition(other_parliamentary_business=(first, second)),
    )
    assert rung == ["business:20250520T000000.000000", "business:20250521T000000.000000"]


@pytest.mark.parametrize(
    ("was", "now", "rings"), [(12_000, 11_881, False), (12_000, 11_880, True), (200, 151, False)]
)
def test_a_fall_rings_only_when_it_is_noticeable(was: int, now: int, rings: bool) -> None:
    fell = diff(petition(signature_count=was), petition(signature_count=now))
    assert bool(fell) is rings
    assert all(isinstance(event, CountFell) for event in fell)


def test_an_attribute_missing_from_a_body_has_not_changed() -> None:
    full = structs.replace(
        responded(),
        committee_note="A note.",
        scheduled_debate_date=date(2025, 6, 9),
        other_parliamentary_business=(Business("A letter"),),
    )
    gaps = {
        "committee_note": "",
        "scheduled_debate_date": None,
        "other_parliamentary_business": (),
        "government_response": None,
    }
    poorer = structs.replace(full, missing=frozenset(gaps), **gaps)
    assert diff(full, poorer) == ()
    assert diff(poorer, full) == ()
    assert lived(full, poorer, full) == []


def test_thresholds_are_the_sites_own() -> None:
    before = petition(signature_count=4_990, response_threshold=5_000, debate_threshold=None)
    after = structs.replace(before, signature_count=5_001)
    (event,) = diff(before, after)
    assert isinstance(event, MilestoneReached)
    assert (event.number, event.official) == (5_000, "response")


def test_an_unknown_state_rings_nothing_and_breaks_nothing() -> None:
    assert diff(OPEN, petition(state="under_consideration")) == ()


# --- every recorded body, any two of them --------------------------------------------------------


def recorded() -> list[Petition]:
    found = []
    for path in sorted(SAMPLES.glob("*show_*.json")):
        try:
            found.append(parse_petition(path.read_bytes(), UK))
        except MalformedPetition:
            continue
    return found


def test_any_two_recorded_bodies_can_be_compared() -> None:
    bodies = recorded()
    assert len(bodies) > 30
    for one in bodies:
        for other in bodies:
            assert len(set(keys(one, other))) == len(keys(one, other))


def test_no_recorded_body_differs_from_itself() -> None:
    for body in recorded():
        assert diff(body, body) == ()


# --- laws ----------------------------------------------------------------------------------------

INSTANTS = st.datetimes(
    datetime(2015, 1, 1),  # noqa: DTZ001 - without a zone on purpose - hypothesis adds the zone itself
    datetime(2030, 1, 1),  # noqa: DTZ001 - without a zone on purpose
    timezones=st.just(UTC),
)
DATES = st.dates(date(2015, 1, 1), date(2030, 1, 1))
TEXTS = st.text(max_size=40)
RESPONSES = st.builds(
    type(RESPONSE),
    summary=TEXTS,
    details=TEXTS,
    responded_on=st.none() | DATES,
    created_at=st.none() | INSTANTS,
    updated_at=st.none() | INSTANTS,
)
DEBATES = st.builds(
    Debate,
    debated_on=st.none() | DATES,
    overview=TEXTS,
    transcript_url=st.sampled_from(["", "https://t.uk/1"]),
    video_url=st.sampled_from(["", "https://v.uk/1"]),
)
BUSINESS = st.builds(
    Business, subject=TEXTS, body=TEXTS, occurred_on=DATES, created_at=st.none() | INSTANTS
)
OPTIONAL = ("committee_note", "scheduled_debate_date", "debate", "government_response")


@st.composite
def petitions(draw: st.DrawFn) -> Petition:
    """Any petition, of any schema: what a body lacks is empty and named as missing."""
    attributes: dict[str, Any] = {
        "state": draw(st.sampled_from(["open", "closed", "rejected", "completed", "other"])),
        "signature_count": draw(st.integers(0, 4_000_000)),
        "opened_at": draw(st.none() | INSTANTS),
        "closed_at": draw(st.none() | INSTANTS),
        "response_threshold_reached_at": draw(st.none() | INSTANTS),
        "debate_threshold_reached_at": draw(st.none() | INSTANTS),
        "government_response_at": draw(st.none() | INSTANTS),
        "committee_note": draw(TEXTS),
        "scheduled_debate_date": draw(st.none() | DATES),
        "government_response": draw(st.none() | RESPONSES),
        "debate": draw(st.none() | DEBATES),
        "other_parliamentary_business": tuple(draw(st.lists(BUSINESS, max_size=3))),
        "archived": draw(st.booleans()),
    }
    missing = draw(st.sets(st.sampled_from(OPTIONAL)))
    defaults = {"committee_note": ""}
    attributes |= {name: defaults.get(name) for name in missing}
    return petition(**attributes, missing=frozenset(missing))


@given(petitions())
def test_nothing_happens_between_a_reading_and_itself(reading: Petition) -> None:
    assert diff(reading, reading) == ()


@given(petitions(), petitions())
def test_the_keys_of_one_comparison_are_unique(before: Petition, after: Petition) -> None:
    found = keys(before, after)
    assert len(found) == len(set(found))


@given(petitions(), petitions())
def test_the_same_readings_ring_only_once(before: Petition, after: Petition) -> None:
    first = lived(before, after)
    assert lived(before, after, after, after) == first
    assert len(first) == len(set(first))


@given(st.lists(st.integers(0, 4_000_000), min_size=3, max_size=3))
def test_milestones_do_not_depend_on_how_often_we_look(counts: list[int]) -> None:
    a, b, c = (petition(signature_count=count) for count in sorted(counts))
    assert keys(a, c) == keys(a, b) + keys(b, c)


@given(st.lists(petitions(), min_size=1, max_size=6))
@settings(max_examples=50)
def test_whatever_comes_each_milestone_rings_at_most_once(readings: list[Petition]) -> None:
    rung = [key for key in lived(*readings, every=3 * HOUR) if key.startswith("milestone")]
    assert len(rung) == len(set(rung))
    assert not set(rung) & facts(readings[0])


# --- recorded series, where they are at hand -----------------------------------------------------


def test_the_recorded_counts_of_131215_ring_each_milestone_once(shared_data: Path) -> None:
    with (shared_data / "series/131215/samples.csv").open() as file:
        counts = [int(row["signature_count"]) for row in csv.DictReader(file)]
    rung = lived(*(petition(signature_count=n) for n in counts), every=timedelta(minutes=2))
    milestones = [key for key in rung if key.startswith("milestone")]
    assert milestones == [
        f"milestone:{n}" for n in [1_000_000, *range(1_500_000, 4_100_000, 500_000)]
    ]
    assert sorted(set(rung) - set(milestones)) == ["count_fell"]


class Sample(msgspec.Struct):
    """A recorded body and when it was read."""

    sampled_at: datetime
    body: msgspec.Raw


def test_the_recorded_year_of_722903_rings_its_closing_debate_and_links(shared_data: Path) -> None:
    known: PetitionHistory | None = None
    rung: list[str] = []
    samples = msgspec.json.Decoder(Sample)
    with lzma.open(shared_data / "series/722903/attributes-no-breakdowns.jsonl.xz", "rb") as file:
        for sample in map(samples.decode, file):
            reading = parse_petition(bytes(sample.body), UK)
            known, happened = observe(known, reading, sample.sampled_at)
            rung += [o.key.removeprefix("uk:722903:") for o in happened]
    assert rung[0] == "milestone:500000"
    assert rung.count("closed") == 1
    assert len(rung) == len(set(rung))


def test_two_weeks_of_2015_in_one_step_ring_once(shared_data: Path) -> None:
    before, after = (
        parse_petition((shared_data / f"payloads/2015/104349-2015-{day}.json").read_bytes(), UK)
        for day in ("08-26", "09-09")
    )
    rung = lived(before, after)
    assert rung == ["debate_scheduled:2015-10-12", "top_ten:E14000750"]


def test_the_kinds_of_debate_events_are_what_their_names_say() -> None:
    on = date(2025, 6, 9)
    assert isinstance(diff(OPEN, petition(scheduled_debate_date=on))[0], DebateScheduled)
    moved = diff(
        petition(scheduled_debate_date=on), petition(scheduled_debate_date=date(2025, 7, 1))
    )
    assert isinstance(moved[0], DebateMoved)
    assert Debated(on).key != DebateLink("video", "").key
