from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from bot.demo.petition_bodies import SHOW_ONLY, moment_of
from bot.demo.story import (
    ASKED_AGAIN,
    BEATS,
    CLOSED,
    COUNTS,
    DEBATE_SCHEDULED,
    DEBATE_THRESHOLD,
    DEBATED,
    DEMO_PETITIONS,
    OPENED,
    POSTCODES,
    RESPONDED,
    RESPONSE_THRESHOLD,
    REVISED,
    TRANSCRIPT,
    attributes_at,
    constituencies,
    count_at,
    signatures_last_hour,
)

SECOND = timedelta(seconds=1)
END = datetime(2021, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(("moment", "count"), COUNTS)
def test_known_counts_are_exact(moment: datetime, count: int) -> None:
    assert count_at(moment) == count


def test_the_count_never_falls() -> None:
    days = [OPENED + timedelta(hours=6 * step) for step in range(900)]
    assert all(one <= other for one, other in pairwise(map(count_at, days)))


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("response_threshold_reached_at", RESPONSE_THRESHOLD),
        ("debate_threshold_reached_at", DEBATE_THRESHOLD),
        ("government_response_at", RESPONDED),
        ("government_response", RESPONDED),
        ("committee_note", ASKED_AGAIN),
        ("closed_at", CLOSED),
        ("scheduled_debate_date", DEBATE_SCHEDULED),
        ("debate_outcome_at", DEBATED),
        ("debate", DEBATED),
    ],
)
def test_a_fact_appears_at_its_moment_and_not_before(name: str, moment: datetime) -> None:
    assert attributes_at(moment - SECOND)[name] is None
    assert attributes_at(moment)[name] is not None


@pytest.mark.parametrize(
    ("moment", "threshold"), [(RESPONSE_THRESHOLD, 10_000), (DEBATE_THRESHOLD, 100_000)]
)
def test_a_threshold_is_reached_with_its_last_signature(moment: datetime, threshold: int) -> None:
    assert count_at(moment) == threshold
    assert count_at(moment - timedelta(minutes=1)) < threshold


def test_the_petition_is_open_until_its_deadline_and_closed_from_then_on() -> None:
    assert attributes_at(CLOSED - SECOND)["state"] == "open"
    assert attributes_at(CLOSED)["state"] == "closed"
    assert attributes_at(CLOSED)["signature_count"] == 131_625
    assert attributes_at(CLOSED)["closed_at"] == "2020-09-05T22:59:59.999Z"


def test_a_revision_changes_the_text_and_keeps_the_day_of_the_first_response() -> None:
    first = attributes_at(REVISED - SECOND)
    revised = attributes_at(REVISED)
    before, after = first["government_response"], revised["government_response"]
    assert before["created_at"] == after["created_at"]
    assert first["government_response_at"] == revised["government_response_at"]
    assert before["updated_at"] < after["updated_at"]
    assert before["responded_on"] == "2020-04-24"
    assert after["responded_on"] == "2020-05-19"
    assert set(before["details"].split("\n\n")) & set(after["details"].split("\n\n"))
    assert before["details"] != after["details"]


def test_the_transcript_comes_after_the_outcome() -> None:
    assert attributes_at(DEBATED)["debate"]["transcript_url"] is None
    assert attributes_at(TRANSCRIPT)["debate"]["transcript_url"].endswith("/2021-02-03")


def test_texts_fit_the_site_s_limits() -> None:
    for moment in (OPENED, REVISED, TRANSCRIPT):
        attributes = attributes_at(moment)
        assert len(attributes["action"]) <= 80
        assert len(attributes["background"]) <= 300
        assert len((attributes["government_response"] or {}).get("summary", "")) <= 200


def test_seats_end_with_the_figures_of_the_final_top_ten() -> None:
    rows = attributes_at(END)["signatures_by_constituency"]
    top = sorted(rows, key=lambda row: -row["signature_count"])[:10]
    assert [row["signature_count"] for row in top] == [
        423, 371, 359, 356, 356, 329, 324, 316, 309, 307
    ]  # fmt: skip
    assert top[0]["name"] == "Colne Valley"
    assert set(constituencies()) >= {row["ons_code"] for row in rows}


def test_it_knows_the_postcode_and_the_constituency_that_the_bot_names_as_examples() -> None:
    names = {code: row["constituency"] for code, row in constituencies().items()}
    assert names[POSTCODES["SW1A 1AA"]] == "Cities of London and Westminster"
    assert "Holborn and St Pancras" in names.values()


def test_seats_agree_with_the_list_of_may_2020() -> None:
    rows = attributes_at(COUNTS[-2][0])["signatures_by_constituency"]
    figures = {row["name"]: row["signature_count"] for row in rows}
    assert figures["Colne Valley"] == 407
    assert figures["Huddersfield"] == 302
    assert figures["Barrow and Furness"] < figures["Clacton"] == 290


def test_the_page_changes_as_long_as_it_gathers_signatures_and_rests_afterwards() -> None:
    assert moment_of(attributes_at(RESPONDED)["updated_at"]) == RESPONDED
    quiet = CLOSED + timedelta(days=20)
    assert attributes_at(quiet)["updated_at"] == attributes_at(CLOSED)["updated_at"]


def test_every_beat_of_the_story_is_something_that_happens() -> None:
    moments = [beat.story for beat in BEATS]
    assert moments == sorted(moments)
    assert 5_900 < count_at(moments[0]) < 6_200
    assert all(beat.title for beat in BEATS if not beat.passing)
    assert {RESPONSE_THRESHOLD, DEBATE_THRESHOLD, RESPONDED, REVISED, CLOSED, TRANSCRIPT} <= set(
        moments
    )


@pytest.mark.parametrize("petition_id", DEMO_PETITIONS)
def test_demo_petitions_carry_every_field_of_a_page(petition_id: int) -> None:
    attributes = DEMO_PETITIONS[petition_id](END)
    assert set(SHOW_ONLY) <= set(attributes)
    assert attributes["state"] in ("open", "closed", "rejected")


def test_invented_petitions_say_that_they_are() -> None:
    invented = [source(END)["action"] for number, source in DEMO_PETITIONS.items() if number > 9e5]
    assert len(invented) == 2
    assert all(action.startswith("Demo petition: ") for action in invented)


def test_the_last_hour_counts_only_new_signatures() -> None:
    assert 1_500 < signatures_last_hour(300239, RESPONSE_THRESHOLD) < 1_800
    assert signatures_last_hour(300239, END) == 0


def test_the_debate_is_on_its_real_day() -> None:
    attributes = attributes_at(TRANSCRIPT)
    assert date.fromisoformat(attributes["scheduled_debate_date"]) == date(2021, 2, 3)
    assert attributes["debate"]["debated_on"] == "2021-02-03"
