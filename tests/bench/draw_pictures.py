"""Draw the pictures the README shows: python tests/bench/draw_pictures.py."""

from datetime import UTC, date, datetime
from pathlib import Path

from bot.charts.curve import signature_curve
from bot.charts.picture import Picture
from bot.charts.regions import region_map
from bot.charts.seats import constituency_bars
from bot.demo.story import (
    CLOSED,
    COUNTS,
    DEBATE_THRESHOLD,
    OPENED,
    RESPONDED,
    RESPONSE_THRESHOLD,
    attributes_at,
)
from bot.petitions.petition import Debate, Petition, PetitionRef, Place, Reading

PICTURES = Path(__file__).parents[1] / "pictures"
AFTER = datetime(2021, 2, 5, tzinfo=UTC)
FIRST_READ = 2  # the first of COUNTS that somebody read; those before are the petition's own

PARTIES = {
    "E14000543": "Conservative",
    "E14000614": "Conservative",
    "E14000645": "Conservative",
    "E14000666": "Conservative",
    "E14000747": "Conservative",
    "E14000762": "Conservative",
    "E14000836": "Labour",
    "E14000870": "Labour",
    "E14000871": "Labour (Co-op)",
    "E14000995": "Conservative",
}

# Invented, so that the map shows every shade.
TEA = {
    "North East": 1_190,
    "North West": 2_400,
    "Yorkshire and The Humber": 2_950,
    "East Midlands": 1_370,
    "West Midlands": 1_420,
    "East of England": 1_660,
    "London": 1_480,
    "South East": 2_390,
    "South West": 2_010,
    "Wales": 1_040,
    "Scotland": 1_130,
    "Northern Ireland": 240,
}


def demo_petition() -> Petition:
    """Petition 300239 after its debate."""
    attributes = attributes_at(AFTER)
    return Petition(
        ref=PetitionRef("uk", 300239),
        url="https://petition.parliament.uk/petitions/300239",
        action=attributes["action"],
        state="closed",
        signature_count=attributes["signature_count"],
        response_threshold=10_000,
        debate_threshold=100_000,
        opened_at=OPENED,
        closed_at=CLOSED,
        response_threshold_reached_at=RESPONSE_THRESHOLD,
        debate_threshold_reached_at=DEBATE_THRESHOLD,
        government_response_at=RESPONDED,
        debate=Debate(debated_on=date(2021, 2, 3)),
        signatures_by_constituency=tuple(
            Place(seat["name"], seat["ons_code"], seat["signature_count"], seat["mp"])
            for seat in attributes["signatures_by_constituency"]
        ),
    )


def tea_petition() -> Petition:
    """An invented petition signed all over the country."""
    return Petition(
        ref=PetitionRef("uk", 900001),
        url="https://petition.parliament.uk/petitions/900001",
        action="Demo petition: free tea in every library",
        state="open",
        signature_count=19_500,
        signatures_by_region=tuple(Place(name, "", count) for name, count in TEA.items()),
    )


def main(folder: Path = PICTURES) -> None:
    """Write curve.png, map.png and bars.png."""
    petition = demo_petition()
    readings = [Reading(at, count) for at, count in COUNTS[FIRST_READ:]]
    _write(folder / "curve.png", signature_curve(petition, readings, AFTER, dark=False))
    _write(folder / "map.png", region_map(tea_petition(), dark=False))
    _write(folder / "bars.png", constituency_bars(petition, PARTIES, dark=False))


def _write(path: Path, picture: Picture | None) -> None:
    if picture is None:
        raise SystemExit(f"nothing to draw for {path.name}")
    path.write_bytes(picture.png)


if __name__ == "__main__":
    main()
