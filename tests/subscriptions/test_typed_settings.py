"""Settings as people type them, at the edges: the last hour, the half past, the nearest name."""

from datetime import timedelta

import pytest

from bot.subscriptions.subscription import Digest
from bot.subscriptions.typed_settings import (
    Misread,
    NoZone,
    find_zone,
    read_digest,
    read_duration,
    read_hour,
    read_quiet,
    typed,
)

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


# --- which setting


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("Quiet Off", "quiet.off"),
        ("urgent response", "urgent.response"),
        ("urgent responses, debat", "urgent.response-debate"),
        ("urgent never", "urgent.none"),
        ("urgent", Misread("urgent")),
        ("urgent tea", Misread("urgent", "tea")),
        ("urgent response tea", Misread("urgent", "response tea")),
        ("zone Paris", "zone.Europe/Paris"),
        ("timezone new york", "zone.America/New_York"),
        ("closing", Misread("closing")),
        ("closing off", "loud.closing.off"),
        ("closing never", "closing.none"),
        ("closing off 6h", Misread("loud", "off 6h")),
        ("closing silent", "loud.closing.silent"),
        ("closing usual", "loud.closing.usual"),
        ("closing a week", "closing.168"),
        ("closing a week a day", Misread("closing", "a week a day")),
        ("closing 14d", "closing.336"),
        ("closing 6h, 3d, 24h", "closing.72-24-6"),
        ("closing 7d 1d", "closing.168-24"),
        ("closing 5h", Misread("closing", "5h")),
        ("closing 6h 5h", Misread("closing", "6h 5h")),
        ("closing 6h tea", Misread("closing", "6h tea")),
        ("closing 0h", Misread("closing", "0h")),
        ("everything", "preset.everything"),
        ("everything moments", "preset.everything"),
        ("everything off", "loud.all.off"),
        ("big", "preset.big"),
        ("big moments", "preset.big"),
        ("big deal", Misread("", "big")),
        ("daily digest", "preset.digest"),
        ("weekly digest", "preset.digest"),
        ("daily 9", Misread("", "daily")),
        ("links on", "links.on"),
        ("links off", "links.off"),
        ("links maybe", Misread("", "links")),
        ("announcements on", "news.on"),
        ("announcements off", "news.off"),
        ("announcements on off", Misread("", "announcements")),
        ("language EN fr", "lang.en"),
        ("language", Misread("lang")),
        ("all off", "loud.all.off"),
        ("response sound", "loud.response.loud"),
        ("response with sound", "loud.response.loud"),
        ("response on", "loud.response.loud"),
        ("response digest", "loud.response.digest"),
        ("response default", "loud.response.usual"),
        ("response", Misread("loud")),
        ("response loud please", Misread("loud", "loud please")),
        ("rejected off", "loud.status.off"),
        ("respons silent", "loud.response.silent"),
        ("resp silent", Misread("", "resp")),
        ("quiet 22:00", Misread("quiet", "22:00")),
        ("digest", Misread("digest")),
        ("digest sometimes or so", Misread("digest", "sometimes or so")),
    ],
)
def test_a_setting_is_named_with_its_value_or_what_was_not_clear(
    text: str, choice: str | Misread
) -> None:
    assert typed(text.split(), None) == choice


def test_all_kinds_can_be_urgent_but_no_text_without_end() -> None:
    assert typed(["urgent", *["response"] * 15], None) == "urgent." + "-".join(["response"] * 15)
    assert typed(["urgent", *["response"] * 99], None) == Misread(
        "urgent", " ".join(["response"] * 99)
    )


def test_what_is_left_out_of_a_digest_stays_as_it_is() -> None:
    assert typed(["digest", "mon"], Digest(540, 2)) == "digest.540.0"
    assert typed(["digest", "7:00"], Digest(540, 2)) == "digest.420.2"
    assert typed(["digest", "7:00"], None) == "digest.420."


# --- quiet hours


@pytest.mark.parametrize(
    ("text", "quiet"),
    [
        ("", None),
        ("no", "off"),
        ("none", "off"),
        ("off off", None),
        ("overnight", "1320-420"),
        ("  at   night ", "1320-420"),
        ("yn y nos", "1320-420"),
        # From an hour alone, until seven: a bare five to twelve is in the evening.
        ("after 4", "240-420"),
        ("after 5", "1020-420"),
        ("after 12", "0-420"),
        ("after 13", "780-420"),
        ("after 8am", "480-420"),
        ("after 8:00", "480-420"),
        ("past nine", "1260-420"),
        ("after half past nine", "1290-420"),
        ("later than 10pm", "1320-420"),
        ("ar ôl 10", "1320-420"),
        ("after 7am", None),
        ("after tea", None),
        # Until an hour alone, from ten at night.
        ("before 8", "1320-480"),
        ("earlier than 9am", "1320-540"),
        ("cyn 7", "1320-420"),
        ("until midnight", "1320-0"),
        ("before 22", None),
        # The hours that are not quiet.
        ("only 9 to 5", "1020-540"),
        ("only 9 to 8", "1200-540"),
        ("only 9 to 10", "600-540"),
        ("only 9 to 9", "1260-540"),
        ("only 9 to 17", "1020-540"),
        ("only 9am to 5am", "300-540"),
        # Of a bare hour and more than twelve hours of quiet the night is meant.
        ("10 to 7", "1320-420"),
        ("10 to 10", None),
        ("10 to 11", "600-660"),
        ("12 to 11", "0-660"),
        ("12 to 0", "720-0"),
        ("12 to 1", "0-60"),
        ("13 to 2", "780-120"),
        ("1 to 13", "60-780"),
        ("1 to 14", "780-840"),
        ("10:00 to 6:00", "600-360"),
        ("10am to 6am", "600-360"),
        ("half past ten to half past six", "1350-390"),
        ("from 10 at night to 7 please", "1320-420"),
        ("22 to 7 every night", "1320-420"),
        ("22-7 daily", "1320-420"),
        ("o 10 tan 7", "1320-420"),
        ("rhwng 10 i 7", "1320-420"),
        ("between 10 and 7", "1320-420"),
        ("24-7", "0-420"),
        ("22:00–24:00", "1320-0"),
        ("tea-7", None),
        ("7-tea", None),
        ("7-25", None),
    ],
)
def test_quiet_hours_are_those_that_were_meant(text: str, quiet: str | None) -> None:
    assert read_quiet(text) == quiet


# --- hours


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("0", 0),
        ("23", 1380),
        ("24", 0),
        ("25", None),
        ("23:59", 1439),
        ("24:00", 0),
        ("24:01", None),
        ("9:59", 599),
        ("9:60", None),
        ("9.05", 545),
        ("9h30", 570),
        ("0930", 570),
        ("9 o'clock", 540),
        ("0am", None),
        ("1am", 60),
        ("12am", 0),
        ("12:30am", 30),
        ("12 p.m.", 720),
        ("1pm", 780),
        ("11:59pm", 1439),
        ("13am", None),
        ("3 in the afternoon", 900),
        ("12 in the afternoon", 720),
        ("11 in the evening", 1380),
        ("13 in the afternoon", 780),
        ("0 at night", 0),
        ("1 at night", 60),
        ("4 at night", 240),
        ("5 at night", 1020),
        ("11 at night", 1380),
        ("12 at night", 0),
        ("13 at night", 780),
        ("4am at night", 240),
        ("10am at night", 600),
        ("8 in the morning", 480),
        ("12 in the morning", 720),
        ("9 yr hwyr", 1260),
        ("2 y nos", 120),
        ("6 y nos", 1080),
        ("8 y bore", 480),
        ("midnight", 0),
        ("noon", 720),
        ("midday", 720),
        ("hanner nos", 0),
        ("hanner dydd", 720),
        ("half past eight", 510),
        ("a quarter past 7", 435),
        ("quarter past 23", 1395),
        ("quarter to nine", 525),
        ("quarter to 2", 105),
        ("quarter to 1", 765),
        ("quarter to 12", 705),
        ("half to 8", 450),
        ("quarter to 13", None),
        (". 9 .", 540),
        ("9" + " " * 79, 540),
        ("9" + " " * 80, None),
        ("tea", None),
        ("", None),
    ],
)
def test_an_hour_is_a_minute_of_the_day(text: str, minute: int | None) -> None:
    assert read_hour(text) == minute


# --- digests


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("daily", "540."),
        ("every day", "540."),
        ("days", "540."),
        ("weekly", "540.2"),
        ("week", "540.2"),
        ("monday", "540.0"),
        ("mon", "540.0"),
        ("mo", None),
        ("sundays", "540.6"),
        ("wednesdays", "540.2"),
        ("mornings on saturdays", "480.5"),
        ("9", "540.2"),
        ("9 pm", "1260.2"),
        ("9 a.m.", "540.2"),
        ("9 in the morning", "540.2"),
        ("3 in the afternoon", "900.2"),
        ("10:00 in the evening", "1320.2"),
        ("11 at night", "1380.2"),
        ("1 at night", "60.2"),
        ("morning", "480.2"),
        ("afternoon", "900.2"),
        ("evening", "1080.2"),
        ("night", "1260.2"),
        ("evenings", "1080.2"),
        ("bore", "480.2"),
        ("hwyr", "1080.2"),
        ("prynhawn", "900.2"),
        ("nos", "1260.2"),
        ("lunchtime", "720.2"),
        ("teatime", "1020.2"),
        ("bedtime", "1320.2"),
        ("evening at 7", "1140.2"),
        ("evening 10pm", "1320.2"),
        ("night 11", "1380.2"),
        ("half past eight", "510.2"),
        ("mon, 9", "540.0"),
        ("a summary by email at 9 please", "540.2"),
        ("email", None),
        ("at", None),
        ("", None),
        ("tomorrow", None),
        ("9 bananas", None),
    ],
)
def test_a_digest_has_an_hour_and_perhaps_a_day(text: str, digest: str | None) -> None:
    assert read_digest(text.split(), Digest(540, 2)) == digest


def test_a_digest_that_becomes_weekly_comes_on_mondays() -> None:
    assert read_digest(["weekly"], Digest(0)) == "0.0"
    assert read_digest(["weekly"], Digest(0, 6)) == "0.6"


# --- zones


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Paris", "Europe/Paris"),
        ("EUROPE / PARIS", None),
        ("new-york", "America/New_York"),
        (" New  York ", "America/New_York"),
        ("I'm in Tokyo", "Asia/Tokyo"),
        ("i am in tokyo", "Asia/Tokyo"),
        ("Berlin, Germany", "Europe/Berlin"),
        ("England time", "Europe/London"),
        ("the UK", "Europe/London"),
        ("Cymru", "Europe/London"),
        ("I live in Spain", "Europe/Madrid"),
        ("españa", "Europe/Madrid"),
        ("South Korea", "Asia/Seoul"),
        ("new zealand", "Pacific/Auckland"),
        ("UTC", "UTC"),
        ("Londn", "Europe/London"),
        ("Mosco", "Europe/Moscow"),
        ("New Yrk", "America/New_York"),
    ],
)
def test_a_zone_is_found_by_its_city_its_country_or_nearly(text: str, zone: str | None) -> None:
    assert find_zone(text) == (zone or "Europe/Paris")


@pytest.mark.parametrize("text", ["gmt+1", "UTC 5", "+1", "-5", "−5", "z5", "1", "etc/gmt-3"])
def test_an_offset_is_named_as_one(text: str) -> None:
    assert find_zone(text) == NoZone(text, is_offset=True)


def test_what_is_no_zone_brings_the_three_that_are_nearest() -> None:
    assert find_zone("Kathmandoo") == NoZone("Kathmandoo", near=("Asia/Kathmandu", "Asia/Katmandu"))
    lond = find_zone("Lond")
    assert isinstance(lond, NoZone)
    assert (lond.near[0], len(lond.near)) == ("Europe/London", 3)
    # As like the one as the other: nobody is told which was meant.
    assert find_zone("Katmandhu") == NoZone("Katmandhu", near=("Asia/Katmandu", "Asia/Kathmandu"))
    assert find_zone("xyz") == NoZone("xyz", is_offset=False, near=())
    assert find_zone("") == NoZone("")
    assert find_zone("x" * 99) == NoZone("x" * 80)
    assert isinstance(find_zone("localtime"), NoZone)


# --- lengths of time


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("1m", MINUTE),
        ("a minute", MINUTE),
        ("2 mins", 2 * MINUTE),
        ("twenty minutes", 20 * MINUTE),
        ("an hr", HOUR),
        ("3H", 3 * HOUR),
        ("0h", timedelta()),
        ("one day", DAY),
        ("2wks", 14 * DAY),
        ("a fortnight", 14 * DAY),
        ("2 months", 60 * DAY),
        ("a year", 365 * DAY),
        ("1d, 2h and 3m", DAY + 2 * HOUR + 3 * MINUTE),
        ("9999d", 9_999 * DAY),
        ("9999 days 23 hours", 9_999 * DAY + 23 * HOUR),
        ("10000d", 10_000 * DAY),
        ("10001d", 10_000 * DAY),
        ("9999d 25h", 10_000 * DAY),
        ("999999d", 10_000 * DAY),
        ("9999999d", None),
        ("1d & 2h", None),
        ("1dd", None),
        ("1d2h", None),
        ("ad", None),
        ("1.5h", None),
        ("tea", None),
    ],
)
def test_lengths_of_time_are_added_up_to_ten_thousand_days(
    text: str, span: timedelta | None
) -> None:
    assert read_duration(text) == span
