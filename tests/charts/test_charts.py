"""Pictures: that they are drawn, what they say, and that a broken one harms nothing."""

import asyncio
import os
import signal
import struct
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import cache
from itertools import cycle
from multiprocessing import get_context

import pytest
import pytest_asyncio
from msgspec import structs
from petitions import NOW, OPENED, petition

from bot.charts import ChartFailed, Charts, Picture, worker
from bot.charts.canvas import TITLE, drawable, fitted, text_width
from bot.charts.curve import signature_curve
from bot.charts.picture import CAPTION_LENGTH, captioned
from bot.charts.regions import region_map
from bot.charts.seats import colour_of, constituency_bars
from bot.messages.i18n import speaking
from bot.messages.petition.constituencies import find_place
from bot.petitions.parliaments.maps import UK_REGIONS
from bot.petitions.petition import Petition, PetitionRef, Place, Reading, Wording

DAY = timedelta(days=1)
SEATS = tuple(Place(f"Seat {n}", f"E{n:02}", 200 - n) for n in range(1, 31))
HOSTILE = "Save $5 and $x^{2$ \\frac{1}{ عربي \u202e 🎉 漢字 \x00 %s " + "W" * 300


def regions(**counts: int) -> tuple[Place, ...]:
    """Two thousand signatures in every region but those given."""
    return tuple(Place(r.name, "", counts.get(r.name, 2_000)) for r in UK_REGIONS.tiles)


def read() -> list[Reading]:
    return [Reading(OPENED + n * DAY, 40 + 2 * n) for n in range(8, 18)]


def size(picture: Picture | None) -> tuple[int, int]:
    assert picture is not None
    assert picture.png.startswith(b"\x89PNG")
    assert len(picture.png) < 200_000
    width, height = struct.unpack(">II", picture.png[16:24])
    return width, height


# --- the pictures ---


@cache
def curve(known: Petition, *readings: Reading, dark: bool = False) -> Picture | None:
    """The curve of a petition as it stands now, drawn once for all tests that look at it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return signature_curve(known, readings, NOW, dark=dark)


CURVES: list[Petition] = [
    petition(),
    petition(signature_count=0),
    petition(signature_count=4_100_000, response_threshold_reached_at=OPENED + DAY),
    petition(opened_at=NOW - timedelta(minutes=1)),
    petition(state="closed", closed_at=NOW - DAY, closing_date=None),
    petition(action=HOSTILE),
    petition(action="🎉" * 80, government_response_at=NOW - DAY),
]


@pytest.mark.parametrize(("known", "dark"), list(zip(CURVES, cycle([False, True]), strict=False)))
def test_any_petition_has_a_curve_that_fits_a_phone(known: Petition, dark: bool) -> None:
    width, height = size(curve(known, *read(), dark=dark))
    assert width == 1080
    assert 1080 <= height <= 1350


def test_light_and_dark_are_different_pictures() -> None:
    light = curve(petition())
    dark = curve(petition(), dark=True)
    assert light is not None
    assert dark is not None
    assert light.png != dark.png
    assert light.caption == dark.caption


def test_the_caption_tells_what_was_read_and_what_was_not() -> None:
    both = curve(petition(), *read())
    alone = curve(petition())
    assert both is not None
    assert alone is not None
    assert "Solid line: recorded by this bot since 18 February 2025" in both.caption
    assert "Dashed" in both.caption
    assert "Solid" not in alone.caption
    assert "84 signatures by 1 March 2025" in alone.caption


def test_an_open_petition_is_foretold_and_a_closed_one_is_not() -> None:
    still_open = curve(petition(), *read())
    closed = petition(state="closed", closed_at=NOW - DAY)
    over = curve(closed, *read())
    assert still_open is not None
    assert over is not None
    assert "At this pace it will close at about" in still_open.caption
    assert "pace" not in over.caption
    assert "Closed 28 February 2025" in over.caption


def test_a_petition_that_never_opened_has_no_curve() -> None:
    assert signature_curve(petition(opened_at=None), [], NOW, dark=False) is None


@pytest.mark.parametrize("dark", [False, True])
def test_a_map_tells_each_regions_shares(dark: bool) -> None:
    known = petition(action=HOSTILE, signatures_by_region=regions(Wales=9_000, London=0))
    picture = region_map(known, dark=dark)
    assert size(picture) == (1080, 1364)
    assert picture is not None
    assert "Wales 31.0% of signatures, 4.7% of population" in picture.caption
    assert "London 0.0% of signatures, 13.0% of population" in picture.caption
    assert "chance" not in picture.caption


def test_a_map_without_a_count_of_its_people_tells_signatures_alone() -> None:
    ref = PetitionRef("scotland", "PE2234")
    places = (Place("Glasgow", "S17000017", 300), Place("Lothian", "S17000012", 900))
    url = "https://petitions.parliament.scot/petitions/PE2234"
    picture = region_map(petition(ref=ref, url=url, signatures_by_region=places), dark=False)
    assert picture is not None
    assert "1,200 signatures in Scotland, by region" in picture.caption
    assert "Those with the most signatures come first. Lothian 75.0%" in picture.caption
    assert "population" not in picture.caption
    assert "Lothians" not in picture.caption


def test_a_places_name_is_in_the_readers_language() -> None:
    ref = PetitionRef("senedd", 245_600)
    region = (Place("North Wales", "W10000001", 300),)
    seat = (Place("Clwyd West", "W09000004", 300), Place("Clwyd", "W09000056", 1))
    url = "https://petitions.senedd.wales/petitions/245600"
    known = petition(ref=ref, url=url, signatures_by_region=region, signatures_by_constituency=seat)
    with speaking("cy"):
        picture, bars = region_map(known, dark=False), constituency_bars(known, {}, dark=False)
        assert picture is not None
        assert bars is not None
        assert "Gogledd Cymru" in picture.caption
        assert "Gorllewin Clwyd" in bars.caption
        assert find_place(known, "Gorllewin Clwyd") == seat[0]
    assert find_place(known, "Clwyd West") == seat[0]


def test_few_signatures_are_said_to_be_few() -> None:
    few = tuple(structs.replace(place, signature_count=70) for place in regions())
    picture = region_map(petition(signatures_by_region=few), dark=False)
    assert picture is not None
    assert "may be chance" in picture.caption


@pytest.mark.parametrize(
    "places", [(), (Place("North Wales", "1", 50),), (Place("Wales", "L", 0),)]
)
def test_without_the_kingdoms_regions_there_is_no_map(places: tuple[Place, ...]) -> None:
    assert region_map(petition(signatures_by_region=places), dark=False) is None


def test_bars_show_ten_seats_and_ones_own() -> None:
    known = petition(signature_count=10_000, signatures_by_constituency=SEATS)
    parties = {"E01": "Labour (Co-op)", "E02": "The $ Party"}
    picture = constituency_bars(known, parties, dark=True, highlight="E25")
    size(picture)
    assert picture is not None
    assert "1. Seat 1 199, 1.99%, Labour (Co-op)" in picture.caption
    assert "25. Seat 25 (yours) 175" in picture.caption
    assert "11. Seat 11" not in picture.caption


def test_bars_without_ones_own_seat_show_no_more_than_ten() -> None:
    known = petition(signature_count=10_000, signatures_by_constituency=SEATS)
    picture = constituency_bars(known, {}, dark=False, highlight="E99")
    assert picture is not None
    assert "yours" not in picture.caption
    assert "11." not in picture.caption


def test_without_constituencies_there_are_no_bars() -> None:
    assert constituency_bars(petition(), {}, dark=False) is None


def test_an_unknown_party_is_grey() -> None:
    assert colour_of("") == colour_of("Rhinoceros Party")
    assert colour_of("Labour (Co-op)") == colour_of("Labour") != colour_of("")


# --- text on a picture ---


def test_text_is_cut_to_the_lines_it_has() -> None:
    lines = fitted("word " * 90, TITLE, 500, most=2, bold=True)
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert all(text_width(line, TITLE, True) <= 500 for line in lines)
    assert fitted("short", TITLE, 500, most=2) == ["short"]
    assert fitted("", TITLE, 500, most=2) == []
    assert fitted("Gogl.-ddwyrain", TITLE, 230, most=2) == ["Gogl.-", "ddwyrain"]


def test_what_the_font_lacks_is_left_out_and_the_rest_is_kept() -> None:
    assert drawable("$5 for\n🎉 tea\u202e") == "$5 for  tea"


def test_what_a_picture_is_stays_in_sight_while_its_figures_can_be_folded() -> None:
    known = petition(
        action=HOSTILE,
        signature_count=10_000,
        signatures_by_constituency=SEATS,
        signatures_by_region=regions(),
    )
    for picture, figures in (
        (signature_curve(known, read(), NOW, dark=False), "Opened"),
        (region_map(known, dark=False), "Wales"),
        (constituency_bars(known, {}, dark=False), "1. Seat 1"),
    ):
        assert picture is not None
        assert len(picture.caption[: picture.shown]) < 300
        assert figures not in picture.caption[: picture.shown]
        assert figures in picture.caption[picture.shown :]


def test_a_caption_fits_into_telegrams_length() -> None:
    assert captioned(b"", "short").caption == "short"
    assert len(captioned(b"", "a" * 2_000).caption) == CAPTION_LENGTH
    assert len(captioned(b"", "🎉" * 2_000).caption.encode("utf-16-le")) // 2 <= CAPTION_LENGTH


# --- the drawing process ---


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def charts() -> AsyncIterator[Charts]:
    async with Charts() as drawing:
        yield drawing


@pytest.mark.asyncio(loop_scope="module")
async def test_a_picture_is_drawn_once_for_all_who_ask(charts: Charts) -> None:
    first, second = await asyncio.gather(
        charts.curve(petition(), read(), NOW), charts.curve(petition(), read(), NOW)
    )
    assert first is not None
    assert first is second
    assert charts.pid not in {None, os.getpid()}


@pytest.mark.asyncio(loop_scope="module")
async def test_news_is_drawn_anew_by_a_process_that_stays_for_it(charts: Charts) -> None:
    before = await charts.curve(petition(), read(), NOW)
    first = charts.pid
    after = await charts.curve(petition(signature_count=85), read(), NOW)
    assert before is not after
    assert charts.pid == first is not None


@pytest.mark.asyncio(loop_scope="module")
async def test_a_picture_has_the_petitions_own_words_in_the_readers_language(
    charts: Charts,
) -> None:
    welsh = Wording("cy", "https://deisebau.senedd.cymru/deisebau/7", "Gwenyn ym mhob parc")
    url = "https://petitions.senedd.wales/petitions/7"
    places = (Place("North Wales", "W10000001", 300),)
    known = petition(
        ref=PetitionRef("senedd", 7), url=url, signatures_by_region=places, wordings=(welsh,)
    )
    with speaking("cy"):
        pictures = await charts.map(known), await charts.curve(known, read(), NOW)
    assert all(picture and "Gwenyn ym mhob parc" in picture.caption for picture in pictures)


@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_to_show_is_no_failure(charts: Charts) -> None:
    assert await charts.map(petition()) is None
    assert await charts.bars(petition(), {}) is None
    known = petition(signatures_by_constituency=SEATS, signatures_by_region=regions())
    assert await charts.map(known, dark=True) is not None
    assert await charts.bars(known, {"E01": "Labour"}, highlight="E25") is not None


@pytest.mark.asyncio(loop_scope="module")
async def test_a_drawing_that_fails_is_told_and_spares_the_process(charts: Charts) -> None:
    await charts.curve(petition(), [], NOW)
    alive = charts.pid
    with pytest.raises(ChartFailed, match="Error"):
        await charts.curve(petition(), [Reading(NOW, "many")], NOW + DAY)  # type: ignore[arg-type,unused-ignore]
    assert charts.pid == alive


@pytest.mark.asyncio(loop_scope="module")
async def test_a_dead_process_fails_one_picture_and_not_the_next(charts: Charts) -> None:
    await charts.curve(petition(), [], NOW)
    assert charts.pid
    os.kill(charts.pid, signal.SIGKILL)
    lost = petition(signature_count=86)
    with pytest.raises(ChartFailed, match="died"):
        await charts.curve(lost, [], NOW)
    assert await charts.curve(lost, [], NOW) is not None


async def test_a_process_that_starts_as_the_bot_starts_it_draws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "get_context", get_context)  # which other tests have forked
    async with Charts() as charts:
        assert await charts.curve(petition(), [], NOW) is not None


async def test_a_stuck_process_is_ended() -> None:
    async with Charts(timeout=0) as impatient:
        with pytest.raises(ChartFailed, match="longer than"):
            await impatient.curve(petition(), [], NOW)
        assert impatient.pid is None


async def test_closing_without_a_picture_starts_nothing() -> None:
    idle = Charts()
    await idle.close()
    assert idle.pid is None


def test_the_bot_itself_never_loads_matplotlib() -> None:

    code = "import bot.charts, sys; assert not [m for m in sys.modules if 'matplotlib' in m]"
    subprocess.run([sys.executable, "-c", code], check=True)
