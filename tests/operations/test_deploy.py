"""What ships: the wheel's contents, the container's recipe and the service's cage."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from bell import TEA, Village

from bot.config_reader import load_config
from bot.errors import StorageError

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
UNIT = (DEPLOY / "petition-bell.service").read_text("utf-8")
TOKEN = {"TELEGRAM_TOKEN": "123456:secret"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_three_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = subprocess.run(
        ["git", "ls-files", "bot", "handlers", "storage"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    assert set(tracked) <= held
    assert {name.split("/")[0] for name in held} == {"bot", "handlers", "storage"}
    assert not [name for name in held if "__pycache__" in name or name.endswith(".key")]
    assert [name for name in held if name.endswith(".html")]


def test_the_wheel_runs_from_elsewhere(wheel: Path, tmp_path: Path) -> None:
    """Unpacked far from this checkout, it finds its own files."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-m", "bot", "--version"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(wheel) as archive:
        (entry,) = (n for n in archive.namelist() if n.endswith("entry_points.txt"))
        assert "petition-bell = bot.cli:main" in archive.read(entry).decode()


# --- the container -------------------------------------------------------------------------------


def test_the_container_runs_as_nobody_in_particular_and_tells_its_health() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert 'ENTRYPOINT ["petition-bell"]' in last
    assert "pip install" not in last
    assert "--require-hashes" in DOCKERFILE


def test_no_secret_and_no_moving_base_is_baked_in() -> None:
    assert not re.search(r"TOKEN|PASSWORD", DOCKERFILE)
    [base] = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BASE}"}
    assert ":" in base
    assert not base.endswith(":latest")


def test_what_the_container_copies_is_let_in_and_the_rest_stays_out() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert ignored[0] == "*"
    for sources in re.findall(r"^COPY ((?!--from).+)$", DOCKERFILE, re.MULTILINE):
        for source in sources.split()[:-1]:
            assert f"!{source.removeprefix('./')}" in ignored
            assert (ROOT / source).exists()


def test_the_containers_settings_exist_and_are_sound() -> None:
    settings = dict(re.findall(r"(PETITION_BELL_\w+)=(\S+)", DOCKERFILE))
    assert settings
    config = load_config(None, TOKEN | settings)
    assert config.storage.key_file == Path("/keys/petition-bell.key")
    assert config.web.listen
    assert config.web.listen.host == "127.0.0.1"


@pytest.mark.parametrize("name", ["compose.yaml", "compose.postgres.yaml"])
def test_compose_files_name_only_settings_that_exist_and_no_secret(name: str) -> None:
    text = (DEPLOY / name).read_text("utf-8")
    settings = dict.fromkeys(re.findall(r"(PETITION_BELL_TELEGRAM__\w+)", text), "1")
    load_config(None, TOKEN | settings)
    for secret in re.findall(r"(?:TOKEN|PASSWORD): (.+)", text):
        assert secret.startswith("${")
    assert "POSTGRES_USER" not in text, "the bot's role would be the superuser"


def test_the_bot_in_compose_may_write_only_where_it_must() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    for line in ("read_only: true", 'cap_drop: ["ALL"]', "no-new-privileges:true"):
        assert line in text


@pytest.mark.skipif(sys.platform != "linux", reason="its linter is installed on Linux only")
def test_a_linter_finds_nothing_wrong_with_the_containers_recipe() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--failure-threshold", "warning", DEPLOY / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


# --- the service ---------------------------------------------------------------------------------


UNITS = ["petition-bell.service", "petition-bell-backup.service", "petition-bell-backup.timer"]


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units with a program that exists here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze (Debian's package systemd) is not installed")
    for name in UNITS:
        text = (DEPLOY / name).read_text("utf-8")
        there = text.replace("/opt/petition-bell/bin/petition-bell", sys.executable)
        (tmp_path / name).write_text(there)
    return [tmp_path / name for name in UNITS]


def test_systemd_finds_nothing_wrong_with_the_units(units: list[Path]) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_counts_the_units_among_the_safe_ones(units: list[Path]) -> None:
    """Of 10 points of exposure, at most 1.5."""
    for unit in units[:2]:
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=15", unit],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-300:]


def test_the_units_set_nothing_that_a_command_in_a_shell_would_not_find() -> None:
    folder = "/var/lib/petition-bell"
    for name in UNITS[:2]:
        text = (DEPLOY / name).read_text("utf-8")
        assert not re.search(r"PETITION_BELL_|TOKEN", text)
        assert f"--config {folder}/config.toml\n" in text
        assert re.search(r"^StateDirectory=petition-bell\b", text, re.MULTILINE)
    assert f"backup {folder}/backups --keep-days 30 " in (DEPLOY / UNITS[1]).read_text("utf-8")
    page = (DEPLOY / "README.md").read_text("utf-8")
    assert f'petition-bell "$@" --config {folder}/config.toml' in page


def test_the_service_is_watched() -> None:
    assert "Type=notify" in UNIT
    assert re.search(r"^WatchdogSec=\d+$", UNIT, re.MULTILINE)


def test_the_service_comes_back_whatever_ended_it() -> None:
    assert "Restart=on-failure" in UNIT
    assert "RestartPreventExitStatus" not in UNIT
    assert re.search(r"^StartLimitIntervalSec=0$", UNIT, re.MULTILINE)


def test_the_dashboard_is_json() -> None:
    assert json.loads((DEPLOY / "grafana.json").read_text("utf-8"))["title"] == "Petition Bell"


# --- backup --------------------------------------------------------------------------------------


async def test_a_copy_of_data_and_key_brings_everything_back_elsewhere(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
    backup = village.folder / "backup"
    backup.mkdir()
    for file in village.folder.glob("bell.*"):
        file.rename(backup / file.name)
    village.folder = backup
    async with village.bell():
        await village.reader.ask("/subscriptions", "Free tea")
        village.site.edit(TEA, signature_count=10_002)
        await village.reader.hears("10,002 signatures")


async def test_the_data_without_its_key_opens_for_nobody(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
    (village.folder / "bell.key").unlink()
    with pytest.raises(StorageError):
        async with village.bell():
            pass
