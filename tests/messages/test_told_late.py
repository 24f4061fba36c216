"""What is told late says what is so by then: after a close, a dissolution, a new date."""

from datetime import date, timedelta

import pytest
from msgspec import structs
from petitions import NOW, REF, petition

from bot.messages.alert import alert
from bot.petitions.events import (
    DebateCancelled,
    Event,
    MilestoneReached,
    NotPublished,
    Occurrence,
    Opened,
    Reopened,
    ResponseWithdrawn,
    ToppedIn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import Debate, Petition

DAY = timedelta(days=1)
OPEN = petition(signature_count=100_500)
CLOSED = petition(signature_count=100_500, state="closed", closed_at=NOW, closing_date=NOW.date())
CUT_SHORT = structs.replace(CLOSED, closing_date=NOW.date() + 90 * DAY)
ARCHIVED = structs.replace(CLOSED, archived=True)
TEN = MilestoneReached(10_000, 10_001, "response")
HUNDRED = MilestoneReached(100_000, 100_001, "debate")
DUE, CONSIDERED = "A government response is now due", "Parliament will now consider it"
NONE_NOW = "there may not be one now"


def told(event: Event, about: Petition) -> str:
    occurrence = Occurrence(f"{REF}:{event.key}", REF, NOW, event)
    return alert(PetitionHistory(about, NOW), [occurrence], NOW + DAY, muted=False)[0].text


@pytest.mark.parametrize("about", [CUT_SHORT, ARCHIVED], ids=["dissolved", "archived"])
def test_nothing_is_due_from_a_parliament_that_has_ended(about: Petition) -> None:
    for event, promise in ((TEN, DUE), (HUNDRED, CONSIDERED)):
        text = told(event, about)
        assert promise not in text
        assert NONE_NOW in text
    withdrawn = told(ResponseWithdrawn(), about)
    assert "may not be another" in withdrawn
    assert "waiting" not in withdrawn


@pytest.mark.parametrize("about", [OPEN, CLOSED], ids=["open", "closed"])
def test_from_one_that_sits_it_is(about: Petition) -> None:
    for event, promise in ((TEN, DUE), (HUNDRED, CONSIDERED)):
        text = told(event, about)
        assert promise in text
        assert NONE_NOW not in text
    assert "waiting for a response again" in told(ResponseWithdrawn(), about)


@pytest.mark.parametrize(
    ("changes", "has_none"),
    [
        ({}, True),
        ({"scheduled_debate_date": date(2025, 4, 8)}, False),
        ({"debate": Debate(date(2025, 3, 1))}, False),
    ],
)
def test_a_debate_that_has_another_date_by_then_does_not_lack_one(
    changes: dict[str, object], has_none: bool
) -> None:
    text = told(DebateCancelled(date(2025, 4, 1)), structs.replace(OPEN, **changes))
    assert "cancelled" not in text  # the site says no more than that it has no date
    assert ("no longer has a date" in text) == has_none
    assert ("Debate date removed" in text) != has_none


@pytest.mark.parametrize(
    ("event", "about", "said"),
    [
        (Opened(NOW), OPEN, "📣 Open for signatures."),
        (Opened(NOW), CLOSED, "📣 Opened for signatures."),
        (Reopened("closed", "open"), OPEN, "↩️ Open for signatures again."),
        (Reopened("closed", "open"), CLOSED, "↩️ Opened for signatures again."),
    ],
)
def test_what_was_open_is_not_called_open_once_it_is_closed(
    event: Event, about: Petition, said: str
) -> None:
    assert told(event, about).splitlines()[0] == said


def test_a_place_in_the_top_ten_is_told_as_of_when_it_was_reached() -> None:
    text = told(ToppedIn("E1", "Colne Valley", 3, 84, 0.042), OPEN)
    assert text.startswith("📍 Colne Valley reached the top 10, at number 3.")


def test_why_a_petition_was_stopped_is_not_claimed_to_be_known() -> None:
    text = told(NotPublished("stopped"), petition(state="stopped"))
    assert "This can happen when a parliament is dissolved" in text
    assert "Parliament was dissolved" not in text
