"""The whole petition in words: card, response, constituencies and ladder of every body we have."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from petitions import NOW, OPEN, OPENED, RESPONSE, petition, responded
from telegram.constants import MessageLimit

from bot.errors import MalformedPetition
from bot.messages.alert import alert
from bot.messages.buttons import Keyboard, card_buttons
from bot.messages.following import search_results
from bot.messages.following.search_results import Busiest
from bot.messages.message import Message, compose, width
from bot.messages.petition.card import card
from bot.messages.petition.constituencies import (
    all_constituencies,
    constituencies,
    display_name,
    find_place,
    ranked,
    table,
)
from bot.messages.petition.milestones import milestones_text
from bot.messages.petition.response import formatted, response, versions
from bot.petitions.events import (
    DebateScheduled,
    Event,
    MilestoneReached,
    Occurrence,
    Responded,
    ResponseRevised,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.parse import Trending, parse_petition
from bot.petitions.parse_places import Constituency
from bot.petitions.petition import (
    Business,
    Debate,
    Department,
    GovernmentResponse,
    Parliament,
    Petition,
    PetitionRef,
    Place,
    Reading,
    Rejection,
    Site,
)

SAMPLES = Path(__file__).parents[1] / "samples"
SITE = Site("uk", "UK Parliament", "https://petition.parliament.uk")
LATER = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FOLDED = "expandable_blockquote"

COLNE = Place("Colne Valley", "E14000645", 423, "Jason McCartney MP")
SEATS = {
    "E14000645": Constituency(
        "Colne Valley", "E14000645", "Rt Hon Jason McCartney MP", "Conservative"
    ),
    "E2": Constituency("Vacancy", "E2"),
}


def petitions_in(folder: Path) -> list[Petition]:
    search_results = []
    for path in sorted(folder.rglob("*.json")):
        try:
            search_results.append(parse_petition(path.read_bytes(), SITE))
        except (MalformedPetition, ValueError):
            continue
    return search_results


RECORDED = petitions_in(SAMPLES)


def is_sound(message: Message) -> bool:
    """Whether Telegram would take it and keep all of its formatting."""
    inside = all(len(span.of(message.text)) == span.length > 0 for span in message.spans)
    few = len(message.spans) <= MessageLimit.MESSAGE_ENTITIES
    return inside and few and 0 < width(message.text) <= MessageLimit.MAX_TEXT_LENGTH


def everything(about: Petition) -> list[Message]:
    """Every message about a petition's content."""
    own = about.signatures_by_constituency[-1] if about.signatures_by_constituency else None
    return [
        card(about, LATER, LATER),
        *response(about, (), LATER)[0],
        constituencies(about, SEATS, own)[0],
        all_constituencies(about, SEATS, 0, own)[0],
        milestones_text(about, (), LATER),
    ]


def unfolded(message: Message) -> int:
    return len(message.text) - sum(e.length for e in message.spans if e.style == FOLDED)


def labels(buttons: Keyboard | None) -> list[str]:
    return [key.text for row in buttons for key in row] if buttons else []


def text_of(messages: list[Message]) -> str:
    return "\n".join(message.text for message in messages)


# --- every body ----------------------------------------------------------------------------------


def test_the_samples_hold_petitions_of_every_kind() -> None:
    assert len(RECORDED) > 40
    assert {p.state for p in RECORDED} >= {"open", "closed", "rejected"}
    assert any(p.archived for p in RECORDED)


@pytest.mark.parametrize("about", RECORDED, ids=lambda p: f"{p.ref.id}-{p.state}")
def test_every_recorded_petition_makes_sound_messages(about: Petition) -> None:
    assert all(is_sound(message) for message in everything(about))
    assert unfolded(card(about, LATER, LATER)) < 1_000


def test_every_body_of_the_contract_makes_sound_messages(shared_data: Path) -> None:
    bodies = petitions_in(shared_data / "contract") + petitions_in(shared_data / "payloads")
    assert bodies
    for about in bodies:
        assert all(is_sound(message) for message in everything(about))


texts = st.text(max_size=900) | st.text(alphabet="🏴é *_[]()1:\n#>•-", max_size=900)


@settings(max_examples=40, deadline=None)
@given(texts, texts, st.integers(0, 6))
def test_whatever_the_texts_every_message_is_sound(one: str, other: str, many: int) -> None:
    about = structs.replace(
        responded(summary=one, details=other * 8),
        action=other[:255],
        background=one,
        additional_details=other + one,
        committee_note=one,
        creator_name=other,
        departments=(Department(one), Department(other)),
        topics=(one[:50],) * many,
        debate=Debate(date(2025, 6, 9), one, transcript_url=other, video_url="https://v.uk/" + one),
        rejection=Rejection(one[:10], other),
        parliament=Parliament(one[:20], other),
        other_parliamentary_business=(Business(one, other),) * many,
        signatures_by_constituency=(Place(one, other[:9], many, one), Place(other, "E2", 2)),
    )
    for state in ("open", "closed", "rejected"):
        assert all(is_sound(message) for message in everything(structs.replace(about, state=state)))


# --- the card ------------------------------------------------------------------------------------


def test_a_card_keeps_under_a_thousand_characters_however_much_there_is() -> None:
    full = structs.replace(
        responded(summary="s" * 500),
        action="t" * 150,
        background="b" * 300,
        additional_details="d" * 1_000,
        committee_note="n" * 800,
        departments=(Department("Department of " + "D" * 80),) * 4,
        topics=("environment-and-energy",) * 9,
        creator_name="C" * 80,
        scheduled_debate_date=date(2025, 6, 9),
    )
    message = card(full, NOW, NOW)
    assert unfolded(message) < 1_000
    assert "b" * 300 in message.text
    assert "d" * 1_000 in message.text


def test_what_is_cut_on_a_card_shows_whole_when_it_is_expanded() -> None:
    asked = "We ask for it. " * 40
    message = card(petition(background=asked), NOW, NOW)
    assert asked.strip() in message.text


def test_a_card_with_nothing_to_expand_has_nothing_to_expand() -> None:
    assert all(e.style != FOLDED for e in card(OPEN, NOW, NOW).spans)


def test_a_card_tells_the_pace_of_life_of_the_last_week_and_of_the_last_day() -> None:
    readings = [Reading(NOW - timedelta(days=8) + timedelta(hours=h), 10 * h) for h in range(192)]
    text = card(petition(signature_count=1_920), NOW, NOW, readings=readings).text
    assert "102 a day since it opened" in text
    assert "240 in the last 24 hours" in text
    assert "240 a day over the last 7 days" in text


def test_a_card_without_readings_tells_only_what_the_petition_itself_says() -> None:
    assert "in the last" not in card(OPEN, NOW, NOW).text


def test_an_archived_card_names_its_parliament_and_government_and_not_its_creator() -> None:
    about = petition(
        state="closed",
        archived=True,
        creator_name="Somebody",
        parliament=Parliament("2019-2024", "Conservative"),
        closed_at=OPENED + timedelta(days=180),
    )
    text = card(about, NOW, NOW).text
    assert "From the 2019–2024 parliament (Conservative government)" in text
    assert "Somebody" not in text
    assert "Started by Somebody" in card(petition(creator_name="Somebody"), NOW, NOW).text


def test_a_card_says_since_when_a_response_is_awaited_and_not_when_none_is_owed() -> None:
    waiting = petition(signature_count=10_001, response_threshold_reached_at=OPENED)
    assert (
        "Waiting for a government response since 10 February 2025" in card(waiting, NOW, NOW).text
    )
    assert "Waiting for" not in card(OPEN, NOW, NOW).text


def test_a_card_says_that_a_debate_is_awaited_and_not_of_a_past_parliament() -> None:
    waiting = petition(debate_threshold_reached_at=OPENED, state="closed")
    assert "Waiting for a debate date since 10 February 2025" in card(waiting, NOW, NOW).text
    past = structs.replace(waiting, archived=True)
    assert "Waiting for" not in card(past, NOW, NOW).text


@pytest.mark.parametrize(
    ("event", "has"),
    [
        (Responded(RESPONSE), ["Read in full"]),
        (ResponseRevised(RESPONSE, ("Old.",), ("New.",)), ["Read in full"]),
        (MilestoneReached(1_000, 1_003), []),
    ],
)
def test_only_an_alert_about_a_response_leads_to_it(event: Event, has: list[str]) -> None:
    known = PetitionHistory(petition=responded(), read_at=NOW)
    _, buttons = alert(known, [Occurrence("k", known.petition.ref, NOW, event)], NOW, muted=False)
    assert labels(buttons) == [*has, "Open", "Make silent", "Unfollow"]


def test_an_alert_about_another_response_leads_to_the_one_before_it_too() -> None:
    known = PetitionHistory(petition=responded(), read_at=NOW, earlier_responses=(RESPONSE,))
    occurrence = Occurrence("k", known.petition.ref, NOW, Responded(RESPONSE))
    assert "Earlier version" in labels(alert(known, [occurrence], NOW, muted=False)[1])


def test_an_alert_of_several_events_has_the_buttons_of_each_and_none_twice() -> None:
    about = structs.replace(responded(), scheduled_debate_date=date(2025, 4, 7))
    known = PetitionHistory(petition=about, read_at=NOW)
    day = date(2025, 4, 7)
    events = (DebateScheduled(day), Responded(RESPONSE), ResponseRevised(RESPONSE, (), ("New.",)))
    occurrences = [Occurrence(str(n), about.ref, NOW, event) for n, event in enumerate(events)]
    above = labels(alert(known, occurrences, NOW, muted=False)[1])[:-3]
    assert above == ["Add to calendar", "Read in full"]


def test_a_card_leads_to_the_debates_record_only_where_the_address_is_one() -> None:
    about = petition(
        debate=Debate(
            date(2025, 2, 20),
            transcript_url="https://hansard.uk/1",
            video_url="javascript:alert(1)",
        )
    )
    urls = {entity.url for entity in card(about, NOW, NOW).spans}
    assert "https://hansard.uk/1" in urls
    assert "javascript:alert(1)" not in urls


def test_the_buttons_of_a_card_lead_everywhere_and_a_rejected_one_only_to_its_page() -> None:
    assert labels(card_buttons(OPEN, None)) == [
        "Constituencies",
        "Chart",
        "Milestones",
        "Follow",
        "Open",
        "Share",
    ]
    assert labels(card_buttons(responded(), None))[:2] == ["Response", "Constituencies"]
    assert labels(card_buttons(petition(state="rejected"), None)) == ["Follow", "Open"]


# --- the response --------------------------------------------------------------------------------


def test_a_long_response_is_told_whole_in_messages_that_end_at_paragraphs() -> None:
    paragraphs = [f"Paragraph {n}. " + "word " * 60 for n in range(40)]
    messages, _ = response(responded(details="\n\n".join(paragraphs)), (), NOW)
    assert len(messages) > 2
    assert all(is_sound(message) for message in messages)
    told = text_of(messages)
    assert all(paragraph.strip() in told for paragraph in paragraphs)
    assert all(any(e.style == FOLDED for e in message.spans) for message in messages)


def test_a_response_of_one_endless_paragraph_is_told_whole_too() -> None:
    words = " ".join(f"w{n}" for n in range(4_000))
    messages, _ = response(responded(details=words), (), NOW)
    assert all(is_sound(message) for message in messages)
    assert words.split() == [
        w for w in text_of(messages).split() if w.startswith("w") and w != "we"
    ]


def test_a_response_with_hundreds_of_links_keeps_them_all() -> None:
    details = "\n\n".join(f"See [page {n}](https://gov.uk/{n})" for n in range(250))
    messages, _ = response(responded(details=details), (), NOW)
    links = {e.url for m in messages for e in m.spans if e.url and "gov.uk/" in e.url}
    assert len(links) == 250
    assert all(is_sound(message) for message in messages)


@pytest.mark.parametrize(
    ("source", "says", "entities"),
    [
        ("a link[1]\n\n[1]: https://gov.uk/x", "a link[1]", {"https://gov.uk/x"}),
        ("a [link](https://gov.uk/x)", "a link", {"https://gov.uk/x"}),
        ("a [link](javascript:alert)", "a link", set()),
        ("a note[7] of nothing", "a note[7] of nothing", set()),
        ("**strong** and *slanted*", "strong and slanted", {"bold", "italic"}),
        ("# Heading", "Heading", {"bold"}),
        ("* one\n- two\n•\tthree", "• one\n• two\n• three", set()),
        ("> said before", "said before", {"italic"}),
        ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4", set()),
        ("<b>no</b> & so", "<b>no</b> & so", set()),
    ],
)
def test_the_sites_text_becomes_formatting(source: str, says: str, entities: set[str]) -> None:
    message = compose(*formatted(source))
    assert message.text == says
    assert {e.url or e.style for e in message.spans} == entities


def test_a_revised_response_is_called_so_and_leads_to_the_first() -> None:
    first = structs.replace(RESPONSE, responded_on=date(2025, 2, 24), details="The first text.")
    about = responded(details="The second text.")
    messages, buttons = response(about, (first,), NOW)
    assert "This response has been revised" in messages[0].text
    assert labels(buttons) == ["First response, 24 February 2025"]
    messages, buttons = response(about, (first,), NOW, wanted=0)
    assert "The first text." in messages[0].text
    assert "This is an earlier version" in messages[0].text
    assert labels(buttons) == ["Revised response, 5 March 2025"]


def test_a_response_given_again_after_a_withdrawal_is_not_called_revised() -> None:
    again = responded(created_at=datetime(2025, 4, 1, tzinfo=UTC))
    messages, _ = response(again, (RESPONSE,), NOW)
    assert "An earlier response was withdrawn before this one." in messages[0].text
    assert "revised" not in messages[0].text


def test_an_only_response_is_neither_revised_nor_new_and_has_no_buttons() -> None:
    messages, buttons = response(responded(), (), NOW)
    assert messages[0].text.startswith("💬 Government response, 5 March 2025")
    assert "revised" not in messages[0].text
    assert buttons is None


def test_a_withdrawn_response_is_told_and_its_text_is_still_there() -> None:
    about = petition(response_threshold_reached_at=OPENED, signature_count=10_002)
    messages, buttons = response(about, (RESPONSE,), NOW)
    assert "The response was withdrawn" in messages[0].text
    assert labels(buttons) == ["First response, 5 March 2025"]


def test_no_response_yet_says_since_when_it_is_awaited_or_when_it_is_owed() -> None:
    waiting = petition(response_threshold_reached_at=OPENED, signature_count=10_002)
    assert "waiting 18 days, since 10 February 2025" in response(waiting, (), NOW)[0][0].text
    assert "One is due at 10,000 signatures" in response(OPEN, (), NOW)[0][0].text


def test_the_original_response_that_the_committee_published_is_an_earlier_text() -> None:
    original = Business("Original Government response", "We had said no.", date(2025, 3, 1))
    about = structs.replace(responded(), other_parliamentary_business=(original,))
    assert [v.label for v in versions(about, ())] == ["First response", "Revised response"]
    other = structs.replace(about, other_parliamentary_business=(Business("A debate"),))
    assert len(versions(other, ())) == 1


# --- constituencies ------------------------------------------------------------------------------


def signed_in(*places: Place, total: int = 131_625) -> Petition:
    return petition(signature_count=total, signatures_by_constituency=places)


def test_the_top_names_share_mp_and_party_and_says_when_a_seat_is_vacant() -> None:
    about = signed_in(COLNE, Place("Vacancy", "E2", 300), Place("Nowhere", "E3", 200))
    text = constituencies(about, SEATS)[0].text
    assert "1. Colne Valley · 423 · 0.32%\n     Jason McCartney, Conservative" in text
    assert "Vacancy · 300 · 0.23%\n     vacant" in text
    assert "Nowhere · 200 · 0.15%\n" in text
    assert text.count("vacant") == 1


def test_without_any_members_the_table_stands_without_the_column() -> None:
    text = constituencies(signed_in(COLNE), {})[0].text
    assert "1. Colne Valley · 423 · 0.32%" in text
    assert "McCartney" not in text


def test_the_top_fifty_are_summed_only_if_there_are_fifty() -> None:
    fifty = [Place(f"Seat {n}", f"E{n}", 100) for n in range(60)]
    assert "Top 50: 5,000 signatures, 50.0% of the total." in (
        constituencies(signed_in(*fifty, total=10_000), {})[0].text
    )
    assert "Top 50" not in constituencies(signed_in(*fifty[:49], total=10_000), {})[0].text


def test_ones_own_constituency_is_pointed_out_with_its_rank_and_share() -> None:
    places = [Place(f"Seat {n}", f"E{n}", 1_000 - n) for n in range(20)]
    about = signed_in(*places, total=20_000)
    text = constituencies(about, {}, places[15])[0].text
    assert "★ 16. Seat 15 · 985" in text
    assert "Seat 15 is number 16 of 20. It has 1.0 times as many signatures as the average" in text
    assert "★" not in constituencies(about, {})[0].text


def test_equals_share_a_rank() -> None:
    places = [Place("B", "E1", 5), Place("A", "E2", 5), Place("C", "E3", 4)]
    assert [(r.rank, r.place.name) for r in ranked(signed_in(*places))] == [
        (1, "A"),
        (1, "B"),
        (3, "C"),
    ]


@pytest.mark.parametrize("words", ["E14000645", "colne valley", "COLNE", "e14000645"])
def test_a_constituency_is_found_by_code_name_or_beginning(words: str) -> None:
    assert find_place(signed_in(COLNE, Place("Calder Valley", "E2", 1)), words) == COLNE


@pytest.mark.parametrize("words", ["", "C", "Valley", "E99"])
def test_a_constituency_is_never_guessed(words: str) -> None:
    assert find_place(signed_in(COLNE, Place("Calder Valley", "E2", 1)), words) is None


def test_all_of_them_are_paged_and_no_page_is_lost() -> None:
    places = [Place(f"Seat {n}", f"E{n}", 1_000 - n) for n in range(60)]
    pages = [all_constituencies(signed_in(*places), {}, n) for n in range(3)]
    told = "\n".join(message.text for message, _ in pages)
    assert all(f"{place.name} · " in told for place in places)
    assert [labels(buttons)[:-1] for _, buttons in pages] == [
        ["Next ›"],
        ["‹ Previous", "Next ›"],
        ["‹ Previous"],
    ]
    assert all_constituencies(signed_in(*places), {}, 99)[0] == pages[2][0]


def test_the_file_holds_every_seat_and_no_formula() -> None:
    places = [COLNE, Place('=HYPERLINK("http://x")', "+E2", 3), Place("@a", "E3", 1)]
    rows = list(csv.reader(io.StringIO(table(signed_in(*places), SEATS).decode("utf-8-sig"))))
    assert rows[1] == [
        "1",
        "Colne Valley",
        "E14000645",
        "423",
        "0.3214",
        "Jason McCartney",
        "Conservative",
    ]
    assert rows[2][1:3] == ['\'=HYPERLINK("http://x")', "'+E2"]
    assert rows[3][1] == "'@a"


@pytest.mark.parametrize(
    ("full", "short"),
    [
        ("Rt Hon Yvette Cooper MP", "Yvette Cooper"),
        ("Mr Barry Sheerman MP", "Barry Sheerman"),
        ("Rt Hon Dame Diana Johnson DBE MP", "Dame Diana Johnson DBE"),
        ("Jim McMahon", "Jim McMahon"),
    ],
)
def test_members_are_named_without_what_everybody_has(full: str, short: str) -> None:
    assert display_name(full) == short


# --- milestones, search, trending ----------------------------------------------------------------


def test_the_ladder_tells_what_was_reached_when_and_what_is_to_come() -> None:
    about = petition(signature_count=12_000, response_threshold_reached_at=OPENED)
    readings = [Reading(NOW - timedelta(days=3), 900), Reading(NOW - timedelta(days=2), 1_100)]
    text = milestones_text(about, readings, NOW).text
    assert "✓ 1,000: reached by 27 February 2025, 12:00" in text
    assert "✓ 10,000 (response threshold): reached 10 February 2025, 14:05" in text
    assert "○ 25,000: 13,000 to go, about" in text
    assert "○ 100,000 (debate threshold): 88,000 to go" in text


def test_a_closed_petition_has_no_rung_to_come() -> None:
    over = petition(state="closed", signature_count=12_000, closed_at=NOW)
    assert "○" not in milestones_text(over, (), LATER).text


def test_a_search_offers_a_card_for_each_result() -> None:
    message, buttons = search_results.results(
        "tea", [OPEN, petition(state="closed")], has_more=False
    )
    assert "84 signatures · closed" in message.text
    assert labels(buttons) == [*["Free tea in every library"] * 2, "Cancel"]
    assert labels(search_results.results("tea", [], has_more=False)[1]) == [
        "What can I send?",
        "What I follow",
    ]


def test_trending_says_that_its_number_is_the_last_hours() -> None:
    ref = PetitionRef("uk", 1)
    message, buttons = search_results.trending([Busiest([Trending(ref, "Tea", 512)])])
    assert "in the last hour" in message.text
    assert "+512  Tea" in message.text
    assert labels(buttons) == ["Tea"]
    assert search_results.trending([Busiest([])])[1] is None


def test_a_response_object_without_any_text_is_sound() -> None:
    about = petition(government_response=GovernmentResponse())
    assert all(is_sound(message) for message in response(about, (), NOW)[0])
