"""The compose files as a whole: everything they name is there, and nothing may do too much."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config_reader import load_config

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = ("compose.yaml", "compose.postgres.yaml", "compose.webhook.yaml")
TOGETHER = {name: ("compose.yaml", name)[name == "compose.yaml" :] for name in FILES}

# What a service may have, of all that the Compose specification knows.
SERVICE = {
    *("build", "image", "entrypoint", "command", "environment", "secrets", "configs", "networks"),
    *("volumes", "tmpfs", "ports", "depends_on", "healthcheck", "profiles", "network_mode"),
    *("read_only", "cap_drop", "cap_add", "security_opt", "pids_limit", "mem_limit", "ulimits"),
    *("shm_size", "init", "restart", "stop_grace_period", "logging"),
}
TOP = {"services", "volumes", "networks", "secrets", "configs"}


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text("utf-8"))
    return found


def merged(*names: str) -> dict[str, Any]:
    """The files one on top of the other, as far as these tests look: lists join, mappings merge."""

    def over(below: Any, above: Any) -> Any:
        if isinstance(below, dict) and isinstance(above, dict):
            both = below.keys() & above.keys()
            return below | above | {key: over(below[key], above[key]) for key in both}
        return [*below, *above] if isinstance(below, list) and isinstance(above, list) else above

    whole: dict[str, Any] = {}
    for name in names:
        whole = over(whole, read(name))
    return whole


@pytest.mark.parametrize("name", FILES)
def test_every_key_is_one_that_compose_knows(name: str) -> None:
    document = read(name)
    assert set(document) <= TOP
    for service in document["services"].values():
        assert set(service) <= SERVICE


@pytest.mark.parametrize("name", FILES)
def test_all_that_a_service_names_is_declared_and_all_that_is_declared_is_used(name: str) -> None:
    whole = merged(*TOGETHER[name])
    used: dict[str, set[str]] = {key: set() for key in TOP - {"services"}}
    for service in whole["services"].values():
        mounts = [each.split(":")[0] for each in service.get("volumes", ())]
        used["volumes"] |= {each for each in mounts if not each.startswith((".", "/"))}
        used["secrets"] |= set(service.get("secrets", ()))
        used["networks"] |= set(service.get("networks", ())) - {"default"}
        used["configs"] |= {each["source"] for each in service.get("configs", ())}
        assert set(service.get("depends_on", ())) <= set(whole["services"])
    for kind, names in used.items():
        assert names == set(whole.get(kind, ())), kind


@pytest.mark.parametrize("name", FILES)
def test_no_service_may_do_more_than_it_must(name: str) -> None:
    for service in merged(*TOGETHER[name])["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert service["pids_limit"]
        assert service["ulimits"] == {"core": 0}


@pytest.mark.parametrize("name", FILES)
def test_secrets_come_as_files_and_only_the_proxy_is_reached_from_outside(name: str) -> None:
    whole = merged(*TOGETHER[name])
    for key, secret in whole["secrets"].items():
        assert secret == {"file": f"./secrets/{key}"}
    for service_name, service in whole["services"].items():
        assert ("ports" in service) == (service_name == "proxy")
        for variable, value in service.get("environment", {}).items():
            if re.search("TOKEN|PASSWORD|SECRET|KEY", variable):
                assert variable.endswith("_FILE")
                assert value.startswith("/run/secrets/")


def test_the_store_and_the_bots_server_are_in_networks_that_lead_nowhere_else() -> None:
    postgres, webhook = (merged(*TOGETHER[name]) for name in FILES[1:])
    assert postgres["services"]["postgres"]["networks"] == ["store"]
    assert postgres["networks"]["store"] == {"internal": True}
    assert webhook["networks"]["proxied"] == {"internal": True}
    rules = webhook["configs"]["proxy"]["content"]
    assert re.findall(r"handle ?(\S*) \{", rules) == ["/telegram/*", ""]
    assert re.findall(r"respond (\d+)", rules) == ["404"]


@pytest.mark.parametrize("name", FILES)
def test_what_the_bot_is_told_is_a_sound_configuration(name: str, tmp_path: Path) -> None:
    told = merged(*TOGETHER[name])["services"]["bell"]["environment"]
    settings = {
        key: re.sub(r"\$\{\w+:?[?-][^}]*\}", "1.example", value) for key, value in told.items()
    }
    settings["PETITION_BELL_TELEGRAM__ADMINS"] = "1"
    token = tmp_path / "token"
    token.write_text("123456:secret")
    token.chmod(0o400)
    for key, value in settings.items():
        if value.startswith("/run/secrets/"):
            settings[key] = str(token)
    assert load_config(None, settings).telegram.mode == told.get(
        "PETITION_BELL_TELEGRAM__MODE", "polling"
    )


@pytest.mark.parametrize("name", FILES)
def test_compose_itself_takes_them(name: str) -> None:
    docker = shutil.which("docker")
    asked = docker and subprocess.run(
        [docker, "compose", "version"], capture_output=True, check=False
    )
    if not asked or asked.returncode != 0:
        pytest.skip("docker compose is not installed")
    words = [word for file in TOGETHER[name] for word in ("-f", DEPLOY / file)]
    done = subprocess.run(
        ["docker", "compose", *words, "config", "--quiet"],
        env={"PATH": "/usr/bin:/usr/local/bin", "DOMAIN": "bell.example.org"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
