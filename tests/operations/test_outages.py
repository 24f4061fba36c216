"""An outage is an incident of the log: its start, a line a minute, its end."""

import pytest
import structlog
from structlog.testing import capture_logs

from bot.outages import IncidentLog


class Steady:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture
def incident(steady: Steady) -> IncidentLog:
    return IncidentLog(structlog.get_logger("incidents"), "it fails", steady)


def test_what_fails_without_end_is_told_at_its_start_once_a_minute_and_at_its_end(
    incident: IncidentLog, steady: Steady
) -> None:
    with capture_logs() as lines:
        for _ in range(1_500):  # two and a half minutes
            incident.failed("the disk is full")
            steady.seconds += 0.1
        incident.recovered()
    assert [line["log_level"] for line in lines] == ["warning"] * 3 + ["info"]
    assert lines[0]["cause"] == "the disk is full"
    assert sum(1 + line.get("unsaid", 0) for line in lines[:3]) + lines[3]["unsaid"] == 1_500
    assert lines[-1]["after_seconds"] == 150


def test_two_outages_are_told_as_two(incident: IncidentLog, steady: Steady) -> None:
    with capture_logs() as lines:
        for _ in range(2):
            incident.failed("away")
            incident.recovered()
            steady.seconds += 30
    assert [line["event"] for line in lines] == ["it fails", "it fails: over"] * 2


def test_what_comes_and_goes_within_seconds_is_one_outage(
    incident: IncidentLog, steady: Steady
) -> None:
    with capture_logs() as lines:
        for _ in range(500):
            incident.failed("away")
            incident.recovered()
            steady.seconds += 0.01
    assert len(lines) == 2


def test_what_goes_well_is_no_incident(incident: IncidentLog) -> None:
    with capture_logs() as lines:
        incident.recovered()
    assert not lines
