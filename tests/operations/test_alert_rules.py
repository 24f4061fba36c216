"""Alert rules: Prometheus's own tool plays each incident, and the rule for it fires alone."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = (DEPLOY / "alerts.yaml").read_text("utf-8")
PAGE = (DEPLOY / "README.md").read_text("utf-8")
NAMES = re.findall(r"alert: (\w+)", RULES)

INFO = 'petition_bell_info{job="whatever",instance="one",version="1",mode="polling"}'
POLLED = "petition_bell_last_poll_timestamp_seconds"
ACCEPTED = "petition_bell_last_accepted_timestamp_seconds"
DUE = "petition_bell_queue_due_oldest_seconds"
SENT = 'petition_bell_deliveries_total{outcome="sent"}'
REFUSED = 'petition_bell_deliveries_total{outcome="refused"}'
FLOODS = "petition_bell_telegram_flood_limits_total"
STORE = 'petition_bell_storage_failures_total{use_case="commit_poll"}'
QUICK = 'petition_bell_loop_lag_seconds_bucket{le="0.5"}'
SLOW = 'petition_bell_loop_lag_seconds_bucket{le="5"}'
ALL_LAGS = 'petition_bell_loop_lag_seconds_bucket{le="+Inf"}'

Series = Mapping[str, str | None]


def calls(method: str, outcome: str | int) -> str:
    return f'petition_bell_telegram_requests_total{{method="{method}",outcome="{outcome}"}}'


def looks(outcome: str) -> str:
    return f'petition_bell_site_requests_total{{site="uk",outcome="{outcome}"}}'


# Half an hour in which all is well, a value a minute; the clock of these tests begins at 0.
WELL: Series = {
    INFO: "1x30",
    'petition_bell_trouble{part="updates",severity="critical"}': "0x30",
    POLLED: "0+60x30",
    ACCEPTED: "0+60x30",
    DUE: "0x30",
    SENT: "0+5x30",
    REFUSED: "0x30",
    FLOODS: "0x30",
    STORE: "0x30",
    QUICK: "0+60x30",
    SLOW: "0+60x30",
    ALL_LAGS: "0+60x30",
    calls("getUpdates", 200): "0+6x30",
    calls("sendMessage", 200): "0+6x30",
    looks("found"): "0+60x30",
    looks("unavailable"): "0x30",
    looks("unreadable"): "0x30",
}

INCIDENTS: Mapping[str, tuple[Series, set[str]]] = {
    "all is well": ({}, set()),
    "the target is gone": (
        dict.fromkeys(WELL, "1x10 stale"),
        {"PetitionBellDown"},
    ),
    "nothing was ever collected": (dict.fromkeys(WELL), {"PetitionBellDown"}),
    "one of two processes is gone": (
        {INFO.replace("one", "two"): "1x10 stale"},
        {"PetitionBellProcessGone"},
    ),
    "it was brought up to date": (
        {INFO: "1x10 stale", INFO.replace('version="1"', 'version="2"'): "_x11 1x20"},
        set(),
    ),
    "it says itself that something is wrong": (
        {'petition_bell_trouble{part="updates",severity="critical"}': "0x10 1x20"},
        {"PetitionBellTrouble"},
    ),
    "no round of looks ends any more": ({POLLED: "0+60x10 600x20"}, {"PetitionBellPollsStopped"}),
    "no round of looks has ever ended": ({POLLED: "0x30"}, {"PetitionBellPollsStopped"}),
    "the site is away": (
        {looks("unavailable"): "0+60x30", looks("found"): "0x30"},
        {"PetitionBellSiteAway"},
    ),
    "the site stays away and is asked less": (
        {looks("unavailable"): "0+1x30", looks("found"): "0x30"},
        {"PetitionBellSiteAway"},
    ),
    "a look fails now and then": ({looks("unavailable"): "0+5x30"}, set()),
    "answers make no sense": ({looks("unreadable"): "0+1x30"}, {"PetitionBellSiteChanged"}),
    "alerts wait and none goes": ({DUE: "0+60x30", SENT: "9x30"}, {"PetitionBellAlertsLate"}),
    "alerts wait while many go": ({DUE: "0+60x30"}, set()),
    "alerts are refused": ({REFUSED: "0+1x30"}, {"PetitionBellAlertsRefused"}),
    "no update comes any more": (
        {calls("getUpdates", 200): "0+6x10 60x20"},
        {"PetitionBellDeaf"},
    ),
    "no update has ever come": (
        {calls("getUpdates", 200): None, calls("getUpdates", 409): "0+6x30"},
        {"PetitionBellDeaf"},
    ),
    "updates are posted, so that nobody asks for them": (
        {INFO: None, INFO.replace("polling", "webhook"): "1x30", calls("getUpdates", 200): None},
        set(),
    ),
    "the token is refused from the start": (
        {calls("getUpdates", 200): None, calls("getMe", 401): "0+2x30"},
        {"PetitionBellDeaf", "PetitionBellTokenRefused"},
    ),
    "a file is not found": ({calls("file", 404): "0+2x30"}, set()),
    "no message is taken": (
        {ACCEPTED: "0+60x10 600x20", calls("sendMessage", "TimedOut"): "0+6x30"},
        {"PetitionBellMute"},
    ),
    "nobody is written to": (
        {ACCEPTED: "0+60x10 600x20", calls("sendMessage", 200): "0+6x10 60x20"},
        set(),
    ),
    "Telegram wants less": ({FLOODS: "0+10x30"}, {"PetitionBellFloodLimits"}),
    "the store fails": ({STORE: "0+1x30"}, {"PetitionBellStorageFails"}),
    "the loop lags": ({QUICK: "0+30x30"}, {"PetitionBellLoopLags"}),
}


def test_each_incident_fires_its_rule_and_no_other(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian's package prometheus) is not installed")
    played = [
        {
            "name": name,
            "interval": "1m",
            "input_series": [
                {"series": series, "values": values}
                for series, values in {**WELL, **changes}.items()
                if values is not None
            ],
            "promql_expr_test": [
                {
                    "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": "28m",
                    "exp_samples": [
                        {"labels": f'{{alertname="{alert}"}}', "value": 1}
                        for alert in sorted(fires)
                    ],
                }
            ],
        }
        for name, (changes, fires) in INCIDENTS.items()
    ]
    rules = {"rule_files": [str(DEPLOY / "alerts.yaml")], "evaluation_interval": "1m"}
    (tmp_path / "incidents.yaml").write_text(json.dumps(rules | {"tests": played}))
    done = subprocess.run(
        [promtool, "test", "rules", tmp_path / "incidents.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_an_incident_for_every_rule() -> None:
    fired = {alert for _, fires in INCIDENTS.values() for alert in fires}
    assert fired == set(NAMES)


@pytest.mark.parametrize("alert", NAMES)
def test_each_rule_says_what_to_do_and_has_its_own_place_on_the_operators_page(alert: str) -> None:
    [rule] = re.findall(rf"- alert: {alert}\n(.*?)(?=\n      - alert|\Z)", RULES, re.DOTALL)
    assert re.search(r"summary: .{20,}", rule)
    assert re.search(r"description: .{20,}", rule)
    assert f"runbook: deploy/README.md#{alert.lower()}\n" in f"{rule}\n"
    assert f"### {alert}\n" in PAGE
