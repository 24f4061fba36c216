"""Pictures as a phone shows them: in a bubble 310 points wide, untapped, in either language."""

from datetime import timedelta
from itertools import combinations
from typing import Any, NamedTuple

import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from msgspec import structs
from petitions import NOW, OPENED, petition

from bot.charts.canvas import WIDTH, Canvas
from bot.charts.curve import signature_curve
from bot.charts.regions import region_map
from bot.charts.seats import constituency_bars
from bot.messages.i18n import LANGUAGES, speaking
from bot.petitions.parliaments import DESCRIPTIONS
from bot.petitions.parliaments.maps import (
    JERSEY_PARISHES,
    SCOTTISH_REGIONS,
    SENEDD_CONSTITUENCIES,
    SENEDD_REGIONS,
    UK_REGIONS,
)
from bot.petitions.parliaments.tile_map import TileMap
from bot.petitions.petition import Petition, PetitionRef, Place, Reading

BUBBLE = 310  # points
DAY = timedelta(days=1)
COUNTS = (359, 356, 356, 340, 340, 329, 316, 307, 302, 300, 300, 120)
SEATS = tuple(Place(f"Normanton, Pontefract and {n}", f"E{n:02}", c) for n, c in enumerate(COUNTS))
TITLE = "Release the Home Office's review in full and publish whatever else there is of it"


def split(**shares: float) -> tuple[Place, ...]:
    """Signatures as people live, but for regions signed so many times as much."""
    return tuple(
        Place(tile.name, "", round(0.0009 * tile.people * shares.get(tile.name, 1)))
        for tile in UK_REGIONS.tiles
    )


def known(**changes: Any) -> Petition:
    return petition(action=TITLE, signatures_by_constituency=SEATS, **changes)


BUSY = known(
    signature_count=67_000,
    response_threshold_reached_at=OPENED + DAY,
    government_response_at=NOW - 4 * DAY,
    signatures_by_region=split(Wales=2.0, London=0.3),
)
READ = [Reading(OPENED + n * DAY, 11_000 + n * 2_900) for n in range(4, 18)]


class Word(NamedTuple):
    """A text as it was drawn."""

    text: str
    size: float  # pixels of a picture `WIDTH` wide
    box: Bbox  # a pixel less all round: neighbours may touch


class Sheet:
    """All that is written on one picture."""

    def __init__(self, height: int) -> None:
        self.whole = Bbox.from_bounds(0, 0, WIDTH, height)
        self.words: list[Word] = []

    def __str__(self) -> str:
        return " ".join(word.text for word in self.words)


@pytest.fixture
def sheets(monkeypatch: pytest.MonkeyPatch) -> list[Sheet]:
    """Every picture that is drawn, in order."""
    drawn: list[Sheet] = []
    draw = Text.draw

    def kept(canvas: Canvas) -> bytes:
        drawn.append(Sheet(canvas.height))
        canvas.figure.draw_without_rendering()  # of a picture, only where its words stand
        return b""

    def noted(text: Text, renderer: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent(renderer).padded(-1)
            drawn[-1].words.append(Word(text.get_text(), text.get_fontsize(), box))
        draw(text, renderer)

    monkeypatch.setattr(Canvas, "png", kept)
    monkeypatch.setattr(Text, "draw", noted)
    return drawn


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_below_nine_points_runs_out_of_the_picture_or_covers_other_words(
    sheets: list[Sheet], language: str
) -> None:
    with speaking(language):
        signature_curve(BUSY, READ, NOW, dark=False)
        signature_curve(structs.replace(BUSY, signature_count=940_000), [], NOW, dark=True)
        region_map(BUSY, dark=False)
        constituency_bars(BUSY, {"E01": "Social Democratic & Labour"}, dark=True, highlight="E11")
    assert len(sheets) == 4
    for sheet in sheets:
        _assert_legible(sheet)


def _assert_legible(sheet: Sheet) -> None:
    for word in sheet.words:
        assert word.size * BUBBLE / WIDTH >= 9, word
        inside = Bbox.intersection(sheet.whole, word.box)
        assert inside is not None, word
        assert inside.bounds == word.box.bounds, word
    for one, other in combinations(sheet.words, 2):
        assert not one.box.overlaps(other.box), (one, other)


def _signed_at(site: str, at: TileMap, count: int, without: str = "") -> Petition:
    tiles = [tile for tile in at.tiles if tile.name not in without.split(", ")]
    places = tuple(Place(tile.name, tile.code, count * (1 + n % 3)) for n, tile in enumerate(tiles))
    kept: dict[str, Any] = (
        {"signatures_by_constituency": places}
        if at.area == "constituency"
        else {"signatures_by_region": places}
    )
    page = DESCRIPTIONS[site].page(DESCRIPTIONS[site].url, 245_600)
    return petition(ref=PetitionRef(site, 245_600), url=page, action=TITLE, **kept)


ELSEWHERE = [
    _signed_at("senedd", SENEDD_REGIONS, 14),
    _signed_at("senedd", SENEDD_CONSTITUENCIES, 40_000),
    _signed_at("scotland", SCOTTISH_REGIONS, 25, without="Central Scotland, Lothian"),
    _signed_at(
        "scotland",
        SCOTTISH_REGIONS,
        4_000,
        without="Central Scotland and Lothians West, Edinburgh and Lothians East",
    ),
    _signed_at("jersey", JERSEY_PARISHES, 25),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("signed", ELSEWHERE)
def test_the_maps_of_other_parliaments_are_as_legible(
    sheets: list[Sheet], language: str, signed: Petition
) -> None:
    with speaking(language):
        assert region_map(signed, dark=False)
    (sheet,) = sheets
    _assert_legible(sheet)
    assert "…" not in str(sheet).replace(TITLE, "")


def test_places_with_as_many_signatures_share_a_rank(sheets: list[Sheet]) -> None:
    picture = constituency_bars(BUSY, {}, dark=False, highlight="E09")
    assert picture is not None
    ranks = [word.text.partition(".")[0] for word in sheets[0].words]
    shown = [rank for rank in ranks if rank.isdigit()]
    assert shown == ["1", "2", "2", "4", "4", "6", "7", "8", "9", "10", "10"]
    assert "2. Normanton, Pontefract and 2 356" in picture.caption
    assert "Top 10" in str(sheets[0])  # the reader's own is none of the ten, tied or not
    ten = sum(COUNTS[:10]) / 67_000
    assert f"{ten:.1%}" in str(sheets[0])


def test_a_band_that_leaves_the_chart_is_said_to_and_one_within_is_not(
    sheets: list[Sheet],
) -> None:
    signature_curve(known(signature_count=84, opened_at=NOW - 2 * DAY), [], NOW, dark=False)
    closing = (NOW + 2 * DAY).date()
    signature_curve(known(signature_count=840, closing_date=closing), [], NOW, dark=False)
    off, within = map(str, sheets)
    assert "Likely total at closing" in off
    assert "beyond the top" in off
    assert "Likely total at closing" in within
    assert "beyond the top" not in within


@pytest.mark.parametrize(
    ("regions", "named", "unnamed"),
    [
        (split(Wales=2.0, London=0.3), "▲▼=", ""),
        (split(), "=", "▲▼"),
    ],
)
def test_the_maps_key_names_the_signs_that_are_on_it(
    sheets: list[Sheet], regions: tuple[Place, ...], named: str, unnamed: str
) -> None:
    region_map(known(signatures_by_region=regions), dark=False)
    keys = [word.text for word in sheets[0].words if "share" in word.text]
    assert [key[0] for key in keys] == list(named)
    assert not any(sign in str(sheets[0]) for sign in unnamed)


def test_below_a_hundred_signatures_there_is_no_map_and_from_a_hundred_on_there_is() -> None:
    for count, is_drawn in ((99, False), (100, True)):
        regions = (Place("Wales", "", count - 40), Place("London", "", 40))
        picture = region_map(known(signatures_by_region=regions), dark=False)
        assert (picture is not None) is is_drawn
