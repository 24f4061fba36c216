"""What people read: formatting that cannot break, and messages that say what they should."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from petitions import NOW, OPEN, OPENED, REF, RESPONSE, petition, responded
from telegram.constants import MessageLimit

from bot.messages.alert import alert
from bot.messages.buttons import Press, undo_buttons
from bot.messages.following.subscriptions import PAGE_SIZE, Followed, listing
from bot.messages.format import bar, clock, day, number, span
from bot.messages.message import Message, bold, compose, cut, italic, link, quote, split, width
from bot.messages.petition.card import card
from bot.petitions.events import (
    BusinessAdded,
    Closed,
    CommitteeNoted,
    CountFell,
    DebateCancelled,
    Debated,
    DebateLink,
    DebateMoved,
    DebateScheduled,
    Event,
    MilestoneReached,
    NotDebated,
    Occurrence,
    Opened,
    Rejected,
    Removed,
    Reopened,
    Responded,
    ResponseRevised,
    ResponseWithdrawn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Business, Debate, Petition, Rejection
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.subscription import Subscription

HOSTILE = [
    "<b>bold</b> & <script>alert(1)</script>",
    "*stars* _lines_ [link](http://evil.example) `code`",
    "Tea 🏴󠁧󠁢󠁷󠁬󠁳󠁿 for 👨‍👩‍👧‍👦 and \u2028 more",
    "شاي مجاني للجميع",
    "a" * 255,
    "\ud800 half a character",
]


def told(*events: Event, about: Petition = OPEN, now: datetime = NOW) -> str:
    return message_for(*events, about=about, now=now).text


def message_for(*events: Event, about: Petition = OPEN, now: datetime = NOW) -> Message:
    known = PetitionHistory(petition=about, read_at=now)
    occurrences = [Occurrence(f"{REF}:{event.key}", REF, now, event) for event in events]
    return alert(known, occurrences, now, muted=False)[0]


def is_sound(message: Message) -> bool:
    """Whether Telegram would take it: its length, and its spans inside the text."""
    inside = all(len(span.of(message.text)) == span.length > 0 for span in message.spans)
    return inside and 0 < width(message.text) <= MessageLimit.MAX_TEXT_LENGTH


# --- formatting ----------------------------------------------------------------------------------


def test_spans_are_counted_in_characters() -> None:
    message = compose("🏴 ", bold("Tea"), " ", link("page", "https://a.uk"))
    assert [(e.offset, e.length) for e in message.spans] == [(2, 3), (6, 4)]
    assert [e.of(message.text) for e in message.spans] == ["Tea", "page"]


def test_styles_nest_and_the_outer_one_comes_first() -> None:
    message = compose(bold("a", italic("b")))
    assert [e.style for e in message.spans] == ["bold", "italic"]


def test_an_empty_style_leaves_no_span() -> None:
    assert compose("a", bold("")).spans == ()


@pytest.mark.parametrize("title", HOSTILE[:4])
def test_a_hostile_title_renders_as_itself(title: str) -> None:
    text = told(MilestoneReached(1_000, 1_003), about=petition(action=title))
    assert " ".join(title.split()) in text


@pytest.mark.parametrize("char", ["\x00", "\u202e", "\u2066", "\ud800"])
def test_characters_that_break_or_deceive_are_left_out(char: str) -> None:
    assert compose(f"a{char}b").text == "ab"


@given(st.text(max_size=300), st.integers(1, 80))
def test_a_cut_text_is_short_enough(text: str, most: int) -> None:
    assert len(cut(text, most)) <= most


@given(st.lists(st.text(alphabet="ab \n🏴é", max_size=200), max_size=6), st.integers(8, 120))
def test_splitting_keeps_every_word_and_every_span_sound(texts: list[str], limit: int) -> None:
    message = compose(*(bold(text, quote(text)) for text in texts))
    parts = split(message, limit)
    assert "".join("".join(p.text for p in parts).split()) == "".join(message.text.split())
    assert all(width(part.text) <= limit and is_sound(part) for part in parts)


def test_a_long_text_is_split_at_a_paragraph() -> None:
    parts = split(compose("a" * 60, "\n\n", "b" * 60), 100)
    assert [part.text for part in parts] == ["a" * 60, "b" * 60]


def test_a_short_text_stays_whole() -> None:
    message = compose("a\n\nb")
    assert split(message, 100) == [message]


# --- figures -------------------------------------------------------------------------------------


def test_figures_read_as_a_briton_writes_them() -> None:
    assert number(131_625) == "131,625"
    assert day(date(2020, 9, 5)) == "5 September 2020"
    assert day(datetime(2020, 9, 5, 22, 59, 59, tzinfo=UTC)) == "5 September 2020"
    assert day(datetime(2020, 9, 5, 23, 30, tzinfo=UTC)) == "6 September 2020"


def test_times_of_another_day_carry_their_date() -> None:
    now = datetime(2020, 6, 5, 20, 21, tzinfo=UTC)
    assert clock(now, now) == "21:21"
    assert clock(now - timedelta(days=1), now) == "4 June 2020, 21:21"


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (timedelta(seconds=20), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=6, minutes=59), "6 hours"),
        (timedelta(hours=30), "30 hours"),
        (timedelta(days=43), "43 days"),
        (timedelta(days=731), "2 years"),
    ],
)
def test_spans_are_told_in_their_largest_sensible_unit(length: timedelta, says: str) -> None:
    assert span(length) == says


def test_a_bar_is_full_only_when_it_is_done() -> None:
    assert bar(0.999).count("▰") == 9
    assert bar(1.0).count("▰") == 10


# --- alerts --------------------------------------------------------------------------------------

EVERY_EVENT: list[Event] = [
    Opened(OPENED),
    MilestoneReached(10_000, 10_002, "response", OPENED + timedelta(hours=6)),
    MilestoneReached(25_000, 25_100),
    Responded(RESPONSE, RESPONSE.created_at),
    ResponseRevised(RESPONSE, ("We support tea.",), ("We support coffee.",)),
    ResponseWithdrawn(date(2025, 3, 5)),
    DebateScheduled(date(2025, 6, 9)),
    DebateMoved(date(2025, 6, 9), date(2025, 6, 16)),
    DebateCancelled(date(2025, 6, 16)),
    Debated(date(2025, 6, 23), "MPs debated tea."),
    NotDebated("There is no time."),
    DebateLink("transcript", "https://hansard.uk/1"),
    BusinessAdded(Business("A letter", "Dear all", date(2025, 5, 20)), "x"),
    CommitteeNoted("A note."),
    Closed(84, OPENED + timedelta(days=181)),
    Rejected(Rejection("duplicate", "See [the other](https://a.uk/2).")),
    Removed(),
    Reopened("rejected", "open"),
    CountFell(12_000, 9_000),
]


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: event.key.split(":")[0])
@pytest.mark.parametrize("title", HOSTILE)
def test_every_alert_is_sound_and_names_its_petition(event: Event, title: str) -> None:
    message = message_for(event, about=petition(action=title))
    assert is_sound(message)
    assert OPEN.url in {entity.url for entity in message.spans}
    assert "First seen" not in message.text


@given(st.text(max_size=9_000), st.lists(st.text(max_size=2_000), max_size=30))
def test_an_alert_is_one_sound_message_whatever_the_texts(text: str, many: list[str]) -> None:
    response = structs.replace(RESPONSE, summary=text, details=text)
    about = petition(action=text[:255])
    for event in (
        ResponseRevised(response, tuple(many), tuple(many)),
        Responded(response),
        Rejected(Rejection(text[:20], text)),
        CommitteeNoted(text),
    ):
        assert is_sound(message_for(event, about=about))


def test_an_official_threshold_says_what_it_means() -> None:
    text = told(
        MilestoneReached(10_000, 10_002, "response", OPENED + timedelta(hours=6)),
        about=petition(signature_count=10_002),
    )
    assert text.startswith("🔔 10,000 signatures. A government response is now due.")
    assert "It reached 10,000 on 10 February 2025, 20:05, 6 hours after it opened." in text
    assert "Next: 25,000. At 100,000, Parliament considers it for a debate." in text


def test_a_milestone_of_ones_own_is_called_so_and_the_next_one_is_named() -> None:
    event = MilestoneReached(15_000, 15_003)
    known = PetitionHistory(petition(signature_count=15_003), NOW)
    happened = [Occurrence(f"{REF}:{event.key}", REF, NOW, event)]
    message, _ = alert(known, happened, NOW, muted=False, custom=CustomMilestones((15_000, 17_500)))
    assert message.text.startswith("🔔 15,000 signatures, your own milestone.")
    assert "Next: 17,500." in message.text
    stranger, _ = alert(known, happened, NOW, muted=False)
    assert "your own milestone" not in stranger.text
    assert "Next: 25,000." in stranger.text


def test_a_threshold_reached_after_the_response_does_not_promise_one() -> None:
    text = told(MilestoneReached(10_000, 10_001, "response"), about=responded())
    assert "response is" not in text


def test_many_milestones_make_one_message_naming_the_highest_and_both_thresholds() -> None:
    events = [
        MilestoneReached(n, 120_000, {10_000: "response", 100_000: "debate"}.get(n))  # type: ignore[arg-type]
        for n in (1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000)
    ]
    text = told(*events, about=petition(signature_count=120_000))
    assert text.startswith("🔔 120,000 signatures, past 100,000 and 10,000.")
    assert "Parliament will now consider it for a debate" in text
    assert "government response is now due" in text


def test_a_revision_shows_what_changed() -> None:
    text = told(ResponseRevised(RESPONSE, ("We support tea.",), ("We support coffee.",)))
    assert "− We support tea." in text
    assert "+ We support coffee." in text


def test_a_first_response_is_not_called_another_one() -> None:
    assert told(Responded(RESPONSE)).startswith("💬 The Government has responded (5 March 2025).")


def test_a_response_after_an_earlier_one_is_called_so() -> None:
    known = PetitionHistory(petition=responded(), read_at=NOW, earlier_responses=(RESPONSE,))
    occurrence = Occurrence("k", REF, NOW, Responded(RESPONSE, is_first=False))
    assert "responded again" in alert(known, [occurrence], NOW, muted=False)[0].text


def test_a_debate_and_its_links_are_one_message() -> None:
    text = told(Debated(date(2025, 6, 23)), DebateLink("video", "https://v.uk/1"))
    assert text.startswith("🏛 Debated on Monday 23 June 2025.")
    assert "Video" in text


def test_a_link_that_is_no_address_is_shown_as_text() -> None:
    message = message_for(DebateLink("video", "javascript:alert(1)"))
    assert "javascript:alert(1)" in message.text
    assert all(e.url != "javascript:alert(1)" for e in message.spans)


def test_closing_says_what_is_still_awaited() -> None:
    over = petition(state="closed", signature_count=131_625, closed_at=OPENED + timedelta(days=181))
    text = told(Closed(131_625, over.closed_at), about=over)
    assert "Still waiting for a government response and a debate date. I'll keep checking." in text


def test_closing_with_nothing_awaited_does_not() -> None:
    over = petition(state="closed", closed_at=OPENED + timedelta(days=181))
    assert "Waiting" not in told(Closed(84, over.closed_at), about=over)


# --- cards and lists -----------------------------------------------------------------------------


def test_a_card_shows_where_the_petition_stands() -> None:
    text = card(petition(signature_count=6_412), NOW, NOW).text
    assert "6,412 of 10,000 ▰▰▰▰▰▰▱▱▱▱" in text
    assert "Open until 10 August 2025, 162 days left" in text
    assert "We want it." in text


def test_a_card_is_under_a_thousand_characters_before_it_is_expanded() -> None:
    full = structs.replace(
        responded(summary="s" * 200),
        action="t" * 80,
        background="b" * 300,
        additional_details="d" * 800,
        scheduled_debate_date=date(2025, 6, 9),
        debate=Debate(date(2025, 6, 9), "o"),
    )
    message = card(full, NOW, NOW)
    folded = sum(e.length for e in message.spans if e.style == "expandable_blockquote")
    assert len(message.text) - folded < 1_000


def test_a_card_says_so_when_the_site_does_not_answer() -> None:
    stale = card(OPEN, NOW - timedelta(minutes=1), NOW, unreachable_since=NOW).text
    assert "hasn't answered since 12:00" in stale
    assert "not been answering" not in card(OPEN, NOW, NOW).text


def test_a_list_has_a_button_for_each_petition_and_turns_pages() -> None:
    followed = [
        Followed(Subscription(1, structs.replace(REF, id=n), NOW), OPEN) for n in range(1, 30)
    ]
    message, buttons = listing(followed, 1, NOW)
    assert "page 2 of 3" in message.text
    assert buttons is not None
    assert len(buttons) == PAGE_SIZE + 1
    assert [b.text for b in buttons[-1]] == ["‹ Previous", "Next ›"]


def test_an_empty_list_says_how_to_begin_and_has_no_buttons() -> None:
    message, buttons = listing([], 0, NOW)
    assert "a petition's number or link" in message.text
    assert buttons is None


def test_the_longest_button_fits_into_64_bytes() -> None:
    ref = structs.replace(REF, site="a" * 16, id=9_999_999_999)
    markup = undo_buttons(Subscription(-1_001_234_567_890, ref, NOW, 2**31, muted=True))
    data = markup[0][0].press
    assert len(data.encode()) <= 64
    assert Press.read(data).petition == ref


@pytest.mark.parametrize("data", ["", "sub", "sub|x|", "sub|uk:1|a|b", "sub|uk:-1|"])
def test_a_press_we_did_not_write_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match=r"petition's name|values to unpack"):
        Press.read(data)
