"""News told late, and in summaries: as it was when it happened, linked, and not against itself."""

from datetime import UTC, date, datetime, timedelta

from msgspec import structs
from petitions import REF, petition

from bot.messages.alert import alert
from bot.messages.digest import Missed, summary
from bot.petitions.events import (
    CountFell,
    DebateCancelled,
    DebateLink,
    DebateMoved,
    DebateScheduled,
    Event,
    Occurrence,
    Removed,
    Reopened,
    Responded,
    ResponseRevised,
    ResponseWithdrawn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import observe
from bot.petitions.petition import Debate, GovernmentResponse, Petition

NOW = datetime(2025, 3, 5, 14, 0, tzinfo=UTC)
HANSARD = "https://hansard.parliament.uk/1"
FIRST = GovernmentResponse("We like tea.", "It is warm.", date(2025, 3, 5), NOW, NOW)
SECOND = structs.replace(FIRST, summary="We love tea.", created_at=NOW + timedelta(days=9))


def answered(response: GovernmentResponse | None) -> Petition:
    return structs.replace(petition(), government_response=response)


def looks(*readings: Petition) -> tuple[PetitionHistory, list[Occurrence]]:
    """What is known after some looks, and all that happened."""
    known, found = observe(None, readings[0], NOW)
    happened = list(found)
    for place, reading in enumerate(readings[1:], 1):
        known, found = observe(known, reading, NOW + timedelta(minutes=place))
        happened += found
    return known, happened


def told(event: Event, about: PetitionHistory) -> str:
    occurrence = Occurrence(f"{REF}:{event.key}", REF, NOW, event)
    return alert(about, [occurrence], NOW + timedelta(hours=9), muted=False)[0].text


def summed_up(*events: Event, about: Petition | None = None) -> tuple[list[str], list[str | None]]:
    """The lines of a summary of events a minute apart, and the addresses it leads to."""
    known = PetitionHistory(about or petition(), NOW)
    things = [
        Missed(known, [Occurrence(f"{REF}:{place}", REF, NOW + timedelta(minutes=place), event)])
        for place, event in enumerate(events)
    ]
    message = summary(things, NOW + timedelta(hours=9), "digest").message
    lines = [line for line in message.text.splitlines()[3:] if line]
    return lines, [span.url for span in message.spans if span.url]


# --- as it was when it happened ------------------------------------------------------------------


def test_a_first_response_told_after_it_was_revised_is_told_as_the_first() -> None:
    revised = structs.replace(FIRST, details="It is hot.", updated_at=NOW + timedelta(hours=1))
    known, happened = looks(answered(None), answered(FIRST), answered(revised))
    assert [type(each.event) for each in happened] == [Responded, ResponseRevised]
    text = alert(known, happened[:1], NOW + timedelta(hours=9), muted=False)[0].text
    assert text.startswith("💬 The Government has responded (")


def test_a_response_after_one_was_withdrawn_is_told_as_another() -> None:
    known, happened = looks(answered(None), answered(FIRST), answered(None), answered(SECOND))
    first, _, again = happened
    assert alert(known, [first], NOW, muted=False)[0].text.startswith(
        "💬 The Government has responded ("
    )
    assert alert(known, [again], NOW, muted=False)[0].text.startswith(
        "💬 The Government has responded again"
    )


def test_a_withdrawn_response_is_not_waited_for_once_there_is_one_again() -> None:
    assert "waiting" not in told(ResponseWithdrawn(), PetitionHistory(answered(SECOND), NOW))
    assert "waiting" in told(ResponseWithdrawn(), PetitionHistory(answered(None), NOW))


def test_days_are_counted_only_to_a_date_that_the_debate_still_has() -> None:
    on, other = date(2025, 3, 24), date(2025, 3, 31)
    still = structs.replace(petition(), scheduled_debate_date=on)
    moved = structs.replace(petition(), scheduled_debate_date=other)
    assert "The debate is in 19 days." in told(DebateScheduled(on), PetitionHistory(still, NOW))
    assert "days." not in told(DebateScheduled(on), PetitionHistory(moved, NOW))
    assert "days." not in told(DebateScheduled(on), PetitionHistory(petition(), NOW))


def test_nothing_is_promised_about_a_removed_petition_that_is_back() -> None:
    assert "I'll keep checking" in told(Removed(), PetitionHistory(petition(), NOW, removed=True))
    assert "I'll keep checking" not in told(Removed(), PetitionHistory(petition(), NOW))


def test_a_return_to_signing_is_told_so_though_it_has_closed_since() -> None:
    closed = structs.replace(petition(), state="closed")
    text = told(Reopened("removed", "open"), PetitionHistory(closed, NOW))
    assert "Opened for signatures again" in text
    assert "Open for" not in told(Reopened("removed", "closed"), PetitionHistory(closed, NOW))


def test_the_count_called_that_of_now_is_the_one_last_read() -> None:
    text = told(CountFell(900, 800), PetitionHistory(petition(signature_count=850), NOW))
    assert "100 signatures were removed" in text
    assert "The total is now 850." in text


# --- a summary -----------------------------------------------------------------------------------


def test_a_summary_shows_what_changed_in_a_response() -> None:
    revised = ResponseRevised(FIRST, ("It is warm.",), ("It is hot.", "Mind your tongue."))
    (line,), _ = summed_up(revised)
    assert line == "14:00 💬 Government response revised: + It is hot. · 2 more changes"
    (line,), _ = summed_up(ResponseRevised(FIRST, ("It is warm.",), ()))
    assert line == "14:00 💬 Government response revised: − It is warm."


def test_a_summary_promises_no_change_that_it_does_not_show() -> None:
    (line,), _ = summed_up(ResponseRevised(FIRST, (), ()))
    assert line == "14:00 💬 Government response revised."


def test_a_summary_leads_to_what_is_new_about_a_debate() -> None:
    debated = structs.replace(petition(), debate=Debate(date(2025, 3, 3)))
    (line,), urls = summed_up(DebateLink("transcript", HANSARD), about=debated)
    assert line.endswith("Transcript")
    assert HANSARD in urls
    assert HANSARD not in summed_up(Removed(), about=debated)[1]


def test_each_line_of_a_summary_has_its_time() -> None:
    lines, _ = summed_up(CountFell(900, 800), CountFell(800, 700))
    assert [line[:5] for line in lines] == ["14:00", "14:01"]


def test_a_summary_tells_a_removal_and_the_return_in_one_line() -> None:
    lines, _ = summed_up(Removed(), Reopened("removed", "open"), Removed())
    assert lines == [
        "↩️ Taken off the site: 14:00. Back: 14:01.",
        "14:02 ⚠️ Taken off the site.",
    ]


def test_a_summary_joins_no_return_to_what_it_does_not_undo() -> None:
    lines, _ = summed_up(ResponseWithdrawn(), Reopened("closed", "open"))
    assert len(lines) == 2


def test_a_summary_tells_a_withdrawal_and_the_next_response_in_one_line() -> None:
    lines, _ = summed_up(ResponseWithdrawn(), Responded(SECOND, is_first=False))
    assert lines == [
        "💬 Response withdrawn: 14:00. Published again: 14:01.",
    ]


def test_a_summary_tells_the_last_of_a_debates_dates() -> None:
    first, second = date(2025, 3, 24), date(2025, 3, 31)
    lines, _ = summed_up(DebateScheduled(first), DebateMoved(first, second))
    assert lines == ["14:01 🏛 Debate moved from 24 March 2025 to Monday 31 March 2025."]
    lines, _ = summed_up(DebateScheduled(first), DebateCancelled(first))
    assert lines == ["14:01 🏛 The debate no longer has a date."]
