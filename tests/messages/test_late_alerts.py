"""An alert that comes late says since when it was known, and why it comes only now."""

from datetime import UTC, datetime, timedelta

import pytest
from petitions import petition

from bot.messages.alert import Among, alert
from bot.petitions.events import MilestoneReached, Occurrence
from bot.petitions.history import PetitionHistory

SEEN = datetime(2025, 3, 1, 23, 15, tzinfo=UTC)
MORNING = SEEN + timedelta(hours=7, minutes=45)
GROUP = Among("bell", is_channel=False)


def last_line(told_at: datetime, queue: str = "", among: Among | None = None) -> str:
    known = PetitionHistory(petition(signature_count=1_002), read_at=SEEN)
    event = Occurrence("k", known.petition.ref, SEEN, MilestoneReached(1_000, 1_002))
    message, _ = alert(known, [event], told_at, muted=False, among=among, queue=queue)
    return message.text.splitlines()[-1]


@pytest.mark.parametrize(
    ("queue", "why"),
    [
        ("quiet", "First seen: 1 March 2025, 23:15, held for your quiet hours."),
        ("snooze", "First seen: 1 March 2025, 23:15, held while alerts were snoozed."),
        ("snooze:uk:1", "First seen: 1 March 2025, 23:15, held while alerts were snoozed."),
        ("digest", "First seen: 1 March 2025, 23:15, kept for the digest."),
        ("", "First seen: 1 March 2025, 23:15. I couldn't send it sooner."),
    ],
)
def test_what_comes_late_says_since_when_and_why(queue: str, why: str) -> None:
    assert last_line(MORNING, queue) == why


def test_in_a_group_the_quiet_hours_are_the_chats() -> None:
    assert last_line(MORNING, "quiet", GROUP).endswith("held for this chat's quiet hours.")


@pytest.mark.parametrize("queue", ["", "quiet"])
def test_what_is_fresh_says_neither(queue: str) -> None:
    assert "First seen" not in last_line(SEEN + timedelta(minutes=14), queue)
