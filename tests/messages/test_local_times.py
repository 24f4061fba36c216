"""Times are told by the clocks where the chat lives, in alerts and cards as in the settings."""

from datetime import UTC, datetime

import pytest
from bell import TEA, Village

from bot.local_time import zone_of
from bot.messages.format import clock, go_by, moment

KATHMANDU = "Asia/Kathmandu"


@pytest.mark.parametrize("zone", [KATHMANDU, "Europe/London"])
async def test_a_card_and_an_alert_go_by_the_zone_in_the_settings(
    village: Village, zone: str
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        await village.reader.ask(f"/settings zone {zone}", f"Time zone: {zone}")
        card = await village.reader.ask(f"/petition {TEA}", "84 of 10,000")
        read_at = datetime.fromtimestamp(card["date"], UTC).astimezone(zone_of(zone))
        # Rather the hour than the minute, which may have changed between reading and telling; the
        # minutes of Kathmandu are another quarter's.
        hour = f"Figures from {read_at:%H:}"
        assert hour in card["text"] or read_at.minute in (0, 59)
        village.site.edit(TEA, signature_count=1_002)
        alert = await village.reader.hears("1,000 signatures")
        assert "First seen" not in alert["text"]  # it is fresh


async def test_an_instant_of_another_day_there_is_told_with_its_date() -> None:
    now = datetime(2025, 3, 1, 19, 0, tzinfo=UTC)
    before = datetime(2025, 3, 1, 18, 0, tzinfo=UTC)
    assert clock(before, now) == "18:00"
    go_by(zone_of(KATHMANDU))
    assert clock(before, now) == "1 March 2025, 23:45 (Kathmandu)"
    assert moment(now) == "2 March 2025, 00:45 (Kathmandu)"


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Europe/Paris", "21:00 (Paris)"),
        ("America/New_York", "15:00 (New York)"),
        ("America/Argentina/Buenos_Aires", "17:00 (Buenos Aires)"),
        ("UTC", "20:00 (UTC)"),
        ("Europe/London", "20:00"),
        ("", "20:00"),
    ],
)
async def test_clocks_are_named_unless_they_are_londons(zone: str, said: str) -> None:
    go_by(zone_of(zone))
    now = datetime(2025, 3, 1, 20, 0, tzinfo=UTC)
    assert clock(now, now) == said
    assert moment(now) == f"1 March 2025, {said}"


async def test_a_chat_that_chose_no_zone_is_told_londons_time() -> None:
    go_by(zone_of(""))
    assert moment(datetime(2025, 7, 1, 12, 0, tzinfo=UTC)) == "1 July 2025, 13:00"
