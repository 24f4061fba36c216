"""Figures: what is counted and what is not, and that dashboard and rules ask for what there is."""

import json
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from bell import Village
from petitions import NOW
from probing import asking, served
from prometheus_client.parser import text_string_to_metric_families

from bot import __version__
from bot.delivery.deliverer import DeliveryCounts
from bot.errors import StorageError
from bot.operations.heartbeat import notify
from bot.operations.metrics import Metrics
from bot.operations.observed import observed
from storage import Tally

DEPLOY = Path(__file__).parents[2] / "deploy"
EMPTY = Tally(chats=0, subscriptions=0, petitions=0, waiting=0, oldest_waiting=None)


class Kettle:
    """Something to look at."""

    size = 3

    async def boil(self, cups: int) -> int:
        if cups > self.size:
            raise StorageError("too many")
        return cups * 2


def figures(metrics: Metrics) -> dict[str, float]:
    return {
        f"{sample.name}{sorted(sample.labels.items()) or ''}": sample.value
        for family in text_string_to_metric_families(metrics.page(EMPTY, 7, NOW).decode())
        for sample in family.samples
    }


def names(metrics: Metrics) -> set[str]:
    page = metrics.page(EMPTY, 7, NOW).decode()
    return {
        sample.name for family in text_string_to_metric_families(page) for sample in family.samples
    } | set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))


async def test_an_observed_object_does_what_it_did_and_every_call_is_noted() -> None:
    noted: list[tuple[str, tuple[Any, ...], object]] = []
    kettle = observed(Kettle(), lambda name, asked, _, came: noted.append((name, asked, came)))
    assert await kettle.boil(2) == 4
    with pytest.raises(StorageError) as caught:
        await kettle.boil(9)
    assert noted == [("boil", (2,), 4), ("boil", (9,), caught.value)]
    assert kettle.size == 3
    assert not hasattr(kettle, "pour")


def test_every_metric_is_ours_by_name_and_no_label_could_hold_a_chat() -> None:
    metrics = Metrics()
    metrics.watch_deliveries(DeliveryCounts())
    for family in metrics.registry.collect():
        assert family.name.startswith("petition_bell_")
        assert family.documentation
        for sample in family.samples:
            assert set(sample.labels) <= {
                *("outcome", "kind", "site", "use_case", "method", "le"),
                *("version", "mode", "part", "severity"),
            }


def test_the_queue_is_told_by_depth_and_age() -> None:
    metrics = Metrics()
    tally = Tally(chats=2, subscriptions=3, petitions=1, waiting=4, oldest_waiting=NOW)
    metrics.page(tally, None, NOW.replace(minute=1))
    page = metrics.page(None, None, NOW).decode()
    assert "petition_bell_queue_depth 4.0" in page
    assert "petition_bell_queue_oldest_seconds 60.0" in page
    assert figures(metrics)["petition_bell_queue_oldest_seconds"] == 0


def test_deliveries_are_counted_by_what_became_of_them() -> None:
    metrics, counts = Metrics(), DeliveryCounts()
    metrics.watch_deliveries(counts)
    counts.sent += 2
    counts.flooded += 1
    shown = figures(metrics)
    assert shown["petition_bell_deliveries_total[('outcome', 'sent')]"] == 2
    assert shown["petition_bell_delivery_incidents_total[('kind', 'flooded')]"] == 1


def test_what_is_wrong_is_shown_part_by_part_for_as_long_as_it_is() -> None:
    metrics = Metrics("webhook")
    metrics.note_problems({"updates": (True, True), "answers": (False, False)})
    shown = figures(metrics)
    key = "petition_bell_trouble[('part', '{}'), ('severity', '{}')]"
    assert shown[key.format("updates", "critical")] == 1
    assert shown[key.format("answers", "warning")] == 0
    metrics.note_problems({"updates": (False, True)})
    assert figures(metrics)[key.format("updates", "critical")] == 0


async def test_the_bot_shows_its_version_and_every_part(village: Village) -> None:
    async with asking(served(village, "polling")) as ask:
        _, page = await ask("/metrics")
    assert f'petition_bell_info{{mode="polling",version="{__version__}"}} 1.0' in page
    for part in ("storage", "Telegram", "updates", "sending", "polling"):
        assert f'petition_bell_trouble{{part="{part}",severity="critical"}}' in page


# --- those who ask -------------------------------------------------------------------------------


def queries() -> list[str]:
    dashboard = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))
    rules = (DEPLOY / "alerts.yaml").read_text("utf-8")
    return [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]] + [rules]


def test_dashboard_and_rules_ask_only_for_metrics_that_there_are() -> None:
    metrics = Metrics()
    metrics.watch_deliveries(DeliveryCounts())
    metrics.note_lag(0.1)
    there = names(metrics)
    there |= {f"{name}_bucket" for name in there}
    asked = {name for query in queries() for name in re.findall(r"petition_bell_\w+", query)}
    assert asked
    assert asked <= there, asked - there


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    shown = " ".join(queries())
    metrics = Metrics()
    metrics.watch_deliveries(DeliveryCounts())
    for family in metrics.registry.collect():
        if "_process_" not in family.name:
            assert family.name in shown, family.name


def test_the_dashboards_panels_are_sound() -> None:
    dashboard = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)


def test_promtool_finds_nothing_wrong_with_the_rules_and_the_page(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian's package prometheus) is not installed")
    done = subprocess.run(
        [promtool, "check", "rules", DEPLOY / "alerts.yaml"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    metrics = Metrics()
    metrics.watch_deliveries(DeliveryCounts())
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=metrics.page(EMPTY, 7, NOW),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rules = {
        "groups": [
            {
                "name": "dashboard",
                "rules": [
                    {"record": f"panel:{number}", "expr": query}
                    for number, query in enumerate(queries()[:-1])
                ],
            }
        ]
    }
    (tmp_path / "dashboard.yaml").write_text(json.dumps(rules))
    done = subprocess.run(
        [promtool, "check", "rules", tmp_path / "dashboard.yaml"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


# --- systemd -------------------------------------------------------------------------------------


def test_systemd_is_told_at_its_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        notify("READY=1", {"NOTIFY_SOCKET": path})
        assert systemd.recv(100) == b"READY=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_nobody_listening_is_no_error(environment: dict[str, str]) -> None:
    notify("READY=1", environment)
